// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting to filter, loading, and the filter that holds its own module.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *first_sim, *second_sim, *third_sim;
static struct flt_volume *first, *second;
static struct tf a, b;
static struct gate gate;

/* Modules in states that ours is never in while a test runs. */
static struct module coming, going;

static int start_init(struct kunit *test)
{
	first_sim = tf_sim(test, "first");
	second_sim = tf_sim(test, "second");
	first = flt_sim_volume(first_sim);
	second = flt_sim_volume(second_sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	gate_init(&gate);
	coming.state = MODULE_STATE_COMING;
	atomic_set(&coming.refcnt, 1);
	strscpy(coming.name, "coming");
	going.state = MODULE_STATE_GOING;
	atomic_set(&going.refcnt, 0);
	strscpy(going.name, "going");
	return 0;
}

static void start_exit(struct kunit *test)
{
	gate_open(&gate);
	helpers_stop();
	tf_race_disarm();
	tf_drop(&a);
	tf_drop(&b);
	if (!IS_ERR_OR_NULL(third_sim))
		flt_sim_destroy(third_sim);
	third_sim = NULL;
	flt_sim_destroy(second_sim);
	flt_sim_destroy(first_sim);
}

static void *start_a(void *arg)
{
	return (void *)(long)flt_start_filtering(a.filter);
}

static void *unload_a(void *arg)
{
	return (void *)(long)flt_unload_filter("A");
}

/* STA-01 */
static void start_attaches_and_filters(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	tf_io(test, first_sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
	KUNIT_ASSERT_EQ(test, flt_start_filtering(a.filter), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 2);
	tf_io(test, first_sim, FLT_CLASS_READ);
	tf_io(test, second_sim, FLT_CLASS_WRITE);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 2);
}

static int wait_on_second(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	if (objs->volume == second)
		gate_pass(&gate);
	return status;
}

/* STA-02 */
static void callbacks_before_start_returns(struct kunit *test)
{
	a.on_setup = wait_on_second;
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	helper_start(test, 0, start_a, NULL);
	gate_wait(test, &gate);
	/* It is still being started, and filters already. */
	tf_io(test, first_sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, second));
}

/* STA-03 */
static void start_twice(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, flt_start_filtering(a.filter), STATUS_INVALID_PARAMETER);
	/* ... and no volume was offered twice. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 2);
}

/* STA-03 */
static void start_while_starting(struct kunit *test)
{
	a.on_setup = wait_on_second;
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	helper_start(test, 0, start_a, NULL);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, flt_start_filtering(a.filter), STATUS_INVALID_PARAMETER);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
}

/* STA-04 */
static void start_fails(struct kunit *test)
{
	/* It has to hold its module, which cannot be held any more. */
	a.reg.filter_unload_callback = NULL;
	KUNIT_ASSERT_EQ(test, flt_register_filter(&going, &a.reg, &a.filter), 0);
	KUNIT_EXPECT_EQ(test, flt_start_filtering(a.filter), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, first, NULL, NULL),
			STATUS_FLT_FILTER_NOT_READY);
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, atomic_read(&going.refcnt), 0);
	/* Nothing of it is left. */
	tf_init(&a, "A", "300");
	KUNIT_EXPECT_EQ(test, tf_register(&a), 0);
}

/* STA-05, ATT-05 */
static void not_ready_before_start(struct kunit *test)
{
	struct flt_instance *inst = (void *)&a;

	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, first, NULL, &inst),
			STATUS_FLT_FILTER_NOT_READY);
	KUNIT_EXPECT_NULL(test, inst);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, first, "5", NULL, NULL),
			STATUS_FLT_FILTER_NOT_READY);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 0);
	KUNIT_ASSERT_EQ(test, flt_start_filtering(a.filter), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, first, "5", NULL, NULL), 0);
}

static u32 offered_flags[2];
static const char *offered_type[2];

static int note_flags(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	offered_flags[objs->volume == second] = tf->setup_flags;
	offered_type[objs->volume == second] = tf->volume_type;
	return status;
}

/* STA-06, ATT-09 */
static void existing_volumes_are_not_new(struct kunit *test)
{
	memset(offered_flags, 0xff, sizeof(offered_flags));
	a.on_setup = note_flags;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, offered_flags[0], FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT);
	KUNIT_EXPECT_EQ(test, offered_flags[1], FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT);
	KUNIT_EXPECT_STREQ(test, offered_type[0], "sim");
}

/* The offer ends where the filter does, and nobody looks at it afterwards. */
static void unloaded_while_starting(struct kunit *test)
{
	a.on_setup = wait_on_second;
	/* Offered in the order in which they came: this one comes after the second. */
	third_sim = tf_sim(test, "third");
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	helper_start(test, 0, start_a, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, unload_a, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

static void *register_a(void *arg)
{
	return (void *)(long)flt_register_filter(THIS_MODULE, &a.reg, &a.filter);
}

/* Its name is taken, but nobody finds it before it is complete. */
static void not_found_half_registered(struct kunit *test)
{
	struct flt_filter *found;

	tf_race_arm("filter_listed", NULL);
	helper_start(test, 0, register_a, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found), STATUS_FLT_FILTER_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_FILTER_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &found), -EEXIST);
	flt_sim_offer(first_sim);
	flush_work(&first->offer_work);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups) + atomic_read(&a.unloads), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, flt_start_filtering(a.filter), 0);
}

/* LOD-02 */
static void module_that_is_a_filter(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);

	KUNIT_ASSERT_EQ(test, flt_module_init(THIS_MODULE, &a.reg), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 2);
	tf_io(test, first_sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	/* It may be removed while attached: its exit tears down. */
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
	flt_module_exit(THIS_MODULE);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* LOD-03, UNL-16 */
static void module_whose_init_fails(struct kunit *test)
{
	struct flt_filter *found;

	a.reg.version++;
	KUNIT_EXPECT_EQ(test, flt_module_init(THIS_MODULE, &a.reg), STATUS_INVALID_PARAMETER);
	a.reg.version--;
	/* This one registers, but cannot be started. */
	a.reg.flags = FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP;
	KUNIT_EXPECT_EQ(test, flt_module_init(&going, &a.reg), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 0);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found), STATUS_FLT_FILTER_NOT_FOUND);
}

/* A filter that is not up yet cannot be asked to go: its init still uses it. */
static void unloaded_while_its_module_loads(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_register_filter(&coming, &a.reg, &a.filter), 0);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_FILTER_NOT_READY);
	KUNIT_ASSERT_EQ(test, flt_start_filtering(a.filter), 0);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_FILTER_NOT_READY);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&coming.refcnt), 1);
	coming.state = MODULE_STATE_LIVE;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&coming.refcnt), 1);
	a.filter = NULL;
}

/* REG-11, UNL-07 */
static void no_service_stop_holds_the_module(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);

	a.reg.flags = FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP;
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
	KUNIT_ASSERT_EQ(test, flt_start_filtering(a.filter), 0);
	/* rmmod, the mandatory unload, says EBUSY and calls nobody. */
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	/* The optional one works as for any other filter: refused ... */
	a.unload_status = STATUS_FLT_DO_NOT_DETACH;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DO_NOT_DETACH);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	/* ... or done, and the module is free to go. */
	a.unload_status = 0;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, a.unload_flags, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 2);
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
}

/* REG-15, UNL-06 */
static void no_unload_callback_holds_the_module(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);

	a.reg.filter_unload_callback = NULL;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DO_NOT_DETACH);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DO_NOT_DETACH);
	tf_wait_until(test, module_refcount(THIS_MODULE) == before + 1);
	tf_io(test, first_sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 0);
	/* Only the filter itself could end it; then the hold goes. */
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
}

/* No filter of another kind holds its module, however it is ended. */
static void others_do_not_hold_the_module(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, first, "5", "x", NULL), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
}

/* A comes, and a volume that it is still to be told of. */
static struct flt_volume *volume_comes(struct kunit *test)
{
	struct flt_volume *third;

	KUNIT_EXPECT_EQ(test, tf_register(&a), 0);
	tf_race_arm("volume_offered", NULL);
	third_sim = flt_sim_create("third");
	KUNIT_ASSERT_FALSE(test, IS_ERR(third_sim));
	tf_wait_until(test, tf_race_reached());
	third = flt_sim_volume(third_sim);
	KUNIT_EXPECT_NULL(test, tf_instance(&a, third));
	return third;
}

/* STA-01, VOL-04: of a filter and a volume that come at a time, one sees to it */
static void offered_once(struct kunit *test)
{
	struct flt_volume *third = volume_comes(test);

	KUNIT_EXPECT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&b, third));
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, third, NULL), 0);
	tf_race_go();
	flush_work(&third->offer_work);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, third));
	KUNIT_EXPECT_NULL(test, tf_instance(&b, third));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.setups), 3);
}

/* VOL-04: what has been detached stays so, however often the volume is offered */
static void offered_twice(struct kunit *test)
{
	struct flt_volume *third = volume_comes(test);

	tf_race_go();
	flush_work(&third->offer_work);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, third, NULL), 0);
	flt_sim_offer(third_sim);
	flush_work(&third->offer_work);
	KUNIT_EXPECT_NULL(test, tf_instance(&a, third));
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 3);
}

static struct kunit_case start_cases[] = {
	KUNIT_CASE(start_attaches_and_filters),
	KUNIT_CASE(callbacks_before_start_returns),
	KUNIT_CASE(start_twice),
	KUNIT_CASE(start_while_starting),
	KUNIT_CASE(start_fails),
	KUNIT_CASE(not_ready_before_start),
	KUNIT_CASE(existing_volumes_are_not_new),
	KUNIT_CASE(unloaded_while_starting),
	KUNIT_CASE(offered_once),
	KUNIT_CASE(offered_twice),
	KUNIT_CASE(not_found_half_registered),
	KUNIT_CASE(module_that_is_a_filter),
	KUNIT_CASE(module_whose_init_fails),
	KUNIT_CASE(unloaded_while_its_module_loads),
	KUNIT_CASE(no_service_stop_holds_the_module),
	KUNIT_CASE(no_unload_callback_holds_the_module),
	KUNIT_CASE(others_do_not_hold_the_module),
	{}
};

static struct kunit_suite start_suite = {
	.name = "fltmgr_start",
	.init = start_init,
	.exit = start_exit,
	.test_cases = start_cases,
};

kunit_test_suite(start_suite);

MODULE_DESCRIPTION("Tests of starting and loading filters");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
