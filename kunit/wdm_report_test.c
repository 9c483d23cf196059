// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said of a driver that breaks a rule: word for word, with stacks if it is
 * verified; and what follows.
 */
#include <linux/module.h>

#include "testwdm.h"

#define SAID_MODULE	"wdm"
#define SAID_COUNT()	wdm_violation_count()
#include "testsaid.h"

#define TAG	((u32)'T' | (u32)'e' << 8 | (u32)'s' << 16 | (u32)'t' << 24)

static struct wdm_timer timer;
static struct wdm_resource resource;
static struct wdm_lookaside list;

/* Acquisitions, each in a function that its stack has. */
static noinline void *acquire_pool(void)
{
	return ex_allocate_pool_with_tag(&dev->owner, NonPagedPool, 64, TAG);
}

static noinline int acquire_timer(void)
{
	return ke_initialize_timer_ex(&dev->owner, &timer, NotificationTimer);
}

static noinline int acquire_resource(void)
{
	return ex_initialize_resource_lite(&drv->owner, &resource);
}

static noinline void *acquire_entry(void)
{
	return ex_allocate_from_lookaside_list(&list);
}

/* One report since the last look, which begins like that. */
static void expect_head(struct kunit *test, const char *head)
{
	KUNIT_EXPECT_EQ(test, wdm_violation_count() - said.before, 1);
	KUNIT_EXPECT_EQ(test, said.printed, 1);
	KUNIT_EXPECT_TRUE_MSG(test, strstarts(said.text, head), "not %s: %s", head, said.text);
	tw_reported = wdm_violation_count();
}

/* ... with a function in the stack of the effect, and one in that of the acquisition. */
static void expect_stacks(struct kunit *test, const char *head, const char *effect,
			  const char *acquired)
{
	expect_head(test, head);
	KUNIT_EXPECT_TRUE_MSG(test, said_stacks(effect, acquired ? "acquired" : NULL, acquired),
			      "no stacks with %s, %s: %s", effect, acquired, said.text);
	reports_forget();
}

/* VRF-07, GLB-23: rule, driver, object, device, stage; who does it, who has acquired it */
static void a_wrong_tag(struct kunit *test)
{
	void *block = acquire_pool();

	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, ex_free_pool_with_tag(block, TAG + 1), -EINVAL);
	expect_stacks(test,
		      "wdm: violation V-GLB-4: driver drv: pool block 'Test' of stage 3, device dev, is freed with another tag\n",
		      "a_wrong_tag", "acquire_pool");
	KUNIT_EXPECT_EQ(test, ex_free_pool_with_tag(block, TAG), 0);
	KUNIT_EXPECT_FALSE(test, was_reported());
}

/* VRF-07, RLS-06, RLS-31 */
static void a_timer_that_is_set(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, acquire_timer(), 0);
	ke_set_timer_ex(&timer, -1000000000LL, 0, NULL);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EBUSY);
	expect_stacks(test,
		      "wdm: violation V-RLS-1: driver drv: timer '-' of stage 2, device dev, is set\n",
		      "a_timer_that_is_set", "acquire_timer");
	ke_cancel_timer(&timer);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), 0);
	KUNIT_EXPECT_FALSE(test, was_reported());
}

/* VRF-07, GLB-12: of the driver itself, without a device */
static void a_resource_that_is_had(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, acquire_resource(), 0);
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, ex_acquire_resource_exclusive_lite(&resource, true));
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&resource), -EBUSY);
	expect_stacks(test,
		      "wdm: violation V-GLB-1: driver drv: resource '-' of stage 3, device -, is deleted: 0 wait; had by thread ",
		      "a_resource_that_is_had", "acquire_resource");
	KUNIT_EXPECT_EQ(test, ex_release_resource_lite(&resource), 0);
	ke_leave_critical_region();
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&resource), 0);
	KUNIT_EXPECT_FALSE(test, was_reported());
}

static void leave_it(struct wdm_driver *driver)
{
}

/* VRF-07, RLS-91, GLB-34: what is left, by owner and by who has acquired it */
static void an_entry_that_is_left(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ex_initialize_lookaside_list(&drv->owner, &list, NonPagedPool, 64,
							   TAG, 4), 0);
	KUNIT_EXPECT_NOT_NULL(test, acquire_entry());
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(&list), -EBUSY);
	/* The list is told of, with its entry. */
	expect_head(test,
		    "wdm: violation V-GLB-6: driver drv: lookaside list '-' of stage 3, device -, is released, but pool block 'Test' of stage 3, which ");
	reports_forget();
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	drv->driver_unload = leave_it;
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, wdm_violation_count() - said.before, 2);
	KUNIT_EXPECT_NOT_NULL(test, strstr(said.text, "is left by the unload\n"));
	KUNIT_EXPECT_TRUE(test, said_stacks("wdm_unload", "acquired", "an_entry_that_is_left") ||
			  said_stacks("wdm_unload", "acquired", "acquire_entry"));
	tw_reported = wdm_violation_count();
}

/* VRF-07, VER-22: V-GLB-9, what never was: nobody has acquired it */
static void nothing_is_there(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EINVAL);
	expect_stacks(test, "wdm: violation V-GLB-9: driver -: timer at ", "nothing_is_there",
		      NULL);
}

/* VRF-01, VER-01: who is not verified has one line, which says who acquired it */
static void without_the_verifier(struct kunit *test)
{
	void *block;

	tw_unload_now(test);
	KUNIT_ASSERT_EQ(test, set_parameter("verifier", "0"), 0);
	tw_init(test);
	KUNIT_ASSERT_EQ(test, set_parameter("verifier", "1"), 0);
	block = acquire_pool();
	KUNIT_EXPECT_EQ(test, ex_free_pool_with_tag(block, TAG + 1), -EINVAL);
	expect_head(test,
		    "wdm: violation V-GLB-4: driver drv: pool block 'Test' of stage 3, device dev, is freed with another tag; acquired by ");
	KUNIT_EXPECT_TRUE(test, said_bare());
	KUNIT_EXPECT_NOT_NULL(test, strstr(said.text, "acquire_pool"));
	KUNIT_EXPECT_EQ(test, ex_free_pool_with_tag(block, TAG), 0);
}

/* VRF-01, VER-01: settled when a driver is made, by its name */
static void drivers_by_name(struct kunit *test)
{
	struct wdm_driver *other;
	char value[40];

	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "some,Other"), 0);
	KUNIT_EXPECT_EQ(test, get_parameter("verifier", value, sizeof(value)), 0);
	KUNIT_EXPECT_STREQ(test, value, "some,Other\n");
	KUNIT_EXPECT_TRUE(test, drv->verified);
	other = wdm_create_driver(THIS_MODULE, "other");
	KUNIT_EXPECT_TRUE(test, other->verified);
	wdm_unload(other);
	other = wdm_create_driver(THIS_MODULE, "others");
	KUNIT_EXPECT_FALSE(test, other->verified);
	wdm_unload(other);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "some,,other"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "\n"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "a b"), -EINVAL);
	KUNIT_EXPECT_EQ(test, get_parameter("verifier", value, sizeof(value)), 0);
	KUNIT_EXPECT_STREQ(test, value, "some,Other\n");
}

/* VER-02: who has broken a rule gets no more devices; others do, and without the action */
static void what_follows(struct kunit *test)
{
	struct wdm_device *made;
	struct wdm_driver *other;

	KUNIT_EXPECT_EQ(test, set_parameter("verifier_action", "shout"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier_action", "refuse"), 0);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "more", &made), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(made), 0);
	reports_forget();
	wdm_violation("V-TEST", drv, "is as it is");
	expect_head(test, "wdm: violation V-TEST: driver drv: is as it is\n");
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "more", &made), -EPERM);
	other = wdm_create_driver(THIS_MODULE, "other");
	KUNIT_EXPECT_EQ(test, io_create_device(other, 0, "more", &made), 0);
	wdm_unload(other);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier_action", "report"), 0);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "more", &made), 0);
}

/* VRF-08: a rule that nobody wants to hear of */
static void answers(struct kunit *test)
{
	char never[] = "V-GLB-9 never", once[] = "V-GLB-9 once", always[] = "V-GLB-9 always";

	KUNIT_EXPECT_EQ(test, wdm_answer_text(never), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EINVAL);
	KUNIT_EXPECT_FALSE(test, was_reported());
	KUNIT_EXPECT_EQ(test, wdm_answer_text(once), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EINVAL);
	expect_stacks(test, "wdm: violation V-GLB-9", "answers", NULL);
	KUNIT_EXPECT_EQ(test, wdm_answer_text(always), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EINVAL);
	expect_stacks(test, "wdm: violation V-GLB-9", "answers", NULL);
}

/* INV-21: the same things, done rightly */
static void a_correct_driver(struct kunit *test)
{
	void *block = acquire_pool();

	KUNIT_EXPECT_EQ(test, acquire_timer(), 0);
	KUNIT_EXPECT_EQ(test, acquire_resource(), 0);
	ke_set_timer_ex(&timer, -1000000000LL, 0, NULL);
	KUNIT_EXPECT_TRUE(test, ke_cancel_timer(&timer));
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), 0);
	KUNIT_EXPECT_EQ(test, ex_free_pool_with_tag(block, TAG), 0);
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&resource), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	drv->driver_unload = leave_it;
	tw_unload_now(test);
	KUNIT_EXPECT_FALSE(test, was_reported());
}

static int report_init(struct kunit *test)
{
	memset(&timer, 0, sizeof(timer));
	memset(&resource, 0, sizeof(resource));
	memset(&list, 0, sizeof(list));
	set_parameter("verifier", "1");
	tw_init(test);
	reports_forget();
	return 0;
}

static void report_exit(struct kunit *test)
{
	set_parameter("verifier_action", "report");
	tw_exit(test);
}

static int report_suite_init(struct kunit_suite *suite)
{
	raw_spin_lock_init(&said.lock);
	return register_trace_console(said_line, NULL);
}

static void report_suite_exit(struct kunit_suite *suite)
{
	unregister_trace_console(said_line, NULL);
	tracepoint_synchronize_unregister();
	set_parameter("verifier", "0");
}

static struct kunit_case report_cases[] = {
	KUNIT_CASE(a_wrong_tag),
	KUNIT_CASE(a_timer_that_is_set),
	KUNIT_CASE(a_resource_that_is_had),
	KUNIT_CASE(an_entry_that_is_left),
	KUNIT_CASE(nothing_is_there),
	KUNIT_CASE(without_the_verifier),
	KUNIT_CASE(drivers_by_name),
	KUNIT_CASE(what_follows),
	KUNIT_CASE(answers),
	KUNIT_CASE(a_correct_driver),
	{}
};

static struct kunit_suite report_suite = {
	.name = "wdm_report",
	.suite_init = report_suite_init,
	.suite_exit = report_suite_exit,
	.init = report_init,
	.exit = report_exit,
	.test_cases = report_cases,
};

kunit_test_suite(report_suite);

MODULE_DESCRIPTION("Tests of what is said of drivers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
