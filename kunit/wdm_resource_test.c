// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executive resources and critical regions.
 */
#include <linux/module.h>

#include "testwdm.h"

static struct wdm_resource res;

/* What a thread does with the resource, and when. */
static struct {
	struct completion has;		/* it has it */
	struct completion end;		/* ... and is to release it */
} other;

static int exclusive_there(void *arg)
{
	int rc;

	ke_enter_critical_region();
	rc = ex_acquire_resource_exclusive_lite(&res, true);
	complete_all(&other.has);
	wait_for_completion_timeout(&other.end, TW_WAIT);
	if (rc)
		ex_release_resource_lite(&res);
	ke_leave_critical_region();
	return rc;
}

static int shared_there(void *arg)
{
	int rc;

	ke_enter_critical_region();
	rc = ex_acquire_resource_shared_lite(&res, true);
	complete_all(&other.has);
	wait_for_completion_timeout(&other.end, TW_WAIT);
	if (rc)
		ex_release_resource_lite(&res);
	ke_leave_critical_region();
	return rc;
}

static int try_there(bool (*acquire)(struct wdm_resource *resource, bool wait))
{
	int rc;

	ke_enter_critical_region();
	rc = acquire(&res, false);
	if (rc)
		ex_release_resource_lite(&res);
	ke_leave_critical_region();
	return rc;
}

static int try_shared_there(void *arg)
{
	return try_there(ex_acquire_resource_shared_lite);
}

static int try_exclusive_there(void *arg)
{
	return try_there(ex_acquire_resource_exclusive_lite);
}

static int release_there(void *arg)
{
	int rc;

	ke_enter_critical_region();
	rc = ex_release_resource_lite(&res);
	ke_leave_critical_region();
	return rc;
}

static int there(struct kunit *test, int (*fn)(void *arg))
{
	tw_thread_start(test, 1, fn, NULL);
	return tw_thread_join(test, 1);
}

static bool shared(bool wait)
{
	return ex_acquire_resource_shared_lite(&res, wait);
}

static bool exclusive(bool wait)
{
	return ex_acquire_resource_exclusive_lite(&res, wait);
}

static int release(void)
{
	return ex_release_resource_lite(&res);
}

static unsigned int depth(void)
{
	return ex_is_resource_acquired_shared_lite(&res);
}

/* GLB-11, GLB-13: exclusively, as often as one likes; nobody else meanwhile */
static void exclusive_recursion(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	KUNIT_EXPECT_TRUE(test, exclusive(false));
	/* Shared counts as one more. */
	KUNIT_EXPECT_TRUE(test, shared(true));
	KUNIT_EXPECT_EQ(test, depth(), 4);
	KUNIT_EXPECT_TRUE(test, ex_is_resource_acquired_exclusive_lite(&res));
	KUNIT_EXPECT_FALSE(test, there(test, try_shared_there));
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_FALSE(test, there(test, try_exclusive_there));
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_EQ(test, depth(), 0);
	KUNIT_EXPECT_FALSE(test, ex_is_resource_acquired_exclusive_lite(&res));
	KUNIT_EXPECT_TRUE(test, there(test, try_exclusive_there));
	tw_expect_silence(test);
	ke_leave_critical_region();
}

/* GLB-11: shared by several, and by one several times */
static void shared_by_several(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, shared(true));
	KUNIT_EXPECT_TRUE(test, shared(false));
	KUNIT_EXPECT_TRUE(test, there(test, try_shared_there));
	KUNIT_EXPECT_FALSE(test, there(test, try_exclusive_there));
	KUNIT_EXPECT_EQ(test, depth(), 2);
	KUNIT_EXPECT_FALSE(test, ex_is_resource_acquired_exclusive_lite(&res));
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_FALSE(test, there(test, try_exclusive_there));
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_TRUE(test, there(test, try_exclusive_there));
	tw_expect_silence(test);
	ke_leave_critical_region();
}

/* GLB-13: a sharer gets it again past one who waits for it exclusively; a new one waits */
static void a_sharer_passes_who_waits(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, shared(true));
	tw_thread_start(test, 0, exclusive_there, NULL);
	tw_wait_until(test, ex_get_exclusive_waiter_count(&res) == 1 && tw_thread_sleeps(0));
	KUNIT_EXPECT_TRUE(test, shared(true));
	KUNIT_EXPECT_TRUE(test, shared(false));
	KUNIT_EXPECT_EQ(test, depth(), 3);
	KUNIT_EXPECT_FALSE(test, there(test, try_shared_there));
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&other.has));
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&other.has, TW_WAIT));
	complete_all(&other.end);
	KUNIT_EXPECT_TRUE(test, tw_thread_join(test, 0));
	KUNIT_EXPECT_EQ(test, ex_get_exclusive_waiter_count(&res), 0);
	tw_expect_silence(test);
	ke_leave_critical_region();
}

/* GLB-11: who shares it would wait for itself: refused, and it still shares it */
static void a_sharer_cannot_have_it_alone(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, shared(true));
	KUNIT_EXPECT_FALSE(test, exclusive(true));
	tw_expect_violation(test, "GLB-11", "by one who shares it");
	KUNIT_EXPECT_EQ(test, depth(), 1);
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	KUNIT_EXPECT_EQ(test, release(), 0);
	tw_expect_silence(test);
	ke_leave_critical_region();
}

/* GLB-11, GLB-14: converted, with its depth; sharers come in then */
static void converted(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	tw_thread_start(test, 0, shared_there, NULL);
	tw_wait_until(test, ex_get_shared_waiter_count(&res) == 1 && tw_thread_sleeps(0));
	KUNIT_EXPECT_EQ(test, ex_convert_exclusive_to_shared_lite(&res), 0);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&other.has, TW_WAIT));
	KUNIT_EXPECT_EQ(test, depth(), 2);
	KUNIT_EXPECT_EQ(test, ex_get_shared_waiter_count(&res), 0);
	KUNIT_EXPECT_EQ(test, ex_convert_exclusive_to_shared_lite(&res), -EPERM);
	tw_expect_violation(test, "GLB-11", "does not have it exclusively");
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_EQ(test, release(), 0);
	complete_all(&other.end);
	KUNIT_EXPECT_TRUE(test, tw_thread_join(test, 0));
	ke_leave_critical_region();
}

/* GLB-11: released by who has it not */
static void released_by_another(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_EQ(test, release(), -EPERM);
	tw_expect_violation(test, "GLB-11", "does not have it");
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	KUNIT_EXPECT_EQ(test, there(test, release_there), -EPERM);
	tw_expect_violation(test, "GLB-11", "does not have it");
	KUNIT_EXPECT_TRUE(test, ex_is_resource_acquired_exclusive_lite(&res));
	KUNIT_EXPECT_EQ(test, release(), 0);
	ke_leave_critical_region();
}

/* GLB-11: in a critical region, where sleeping is allowed */
static void in_a_critical_region(struct kunit *test)
{
	bool got;

	ke_enter_critical_region();
	preempt_disable();
	got = shared(false);
	preempt_enable();
	KUNIT_EXPECT_FALSE(test, got);
	tw_expect_violation(test, "LVL-02", "ex_acquire_resource_shared_lite");
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	KUNIT_EXPECT_EQ(test, ke_leave_critical_region(), 0);
	KUNIT_EXPECT_FALSE(test, exclusive(true));
	tw_expect_violation(test, "GLB-11", "outside of a critical region");
	KUNIT_EXPECT_FALSE(test, shared(true));
	tw_expect_violation(test, "GLB-11", "outside of a critical region");
	KUNIT_EXPECT_EQ(test, release(), -EPERM);
	tw_expect_violation(test, "GLB-11", "outside of a critical region");
	ke_enter_critical_region();
	KUNIT_EXPECT_EQ(test, depth(), 1);
	KUNIT_EXPECT_EQ(test, release(), 0);
	ke_leave_critical_region();
}

/* GLB-15, VER-22: V-GLB-2, regions nest, and are left as often as entered */
static void critical_regions(struct kunit *test)
{
	ke_enter_critical_region();
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, ke_are_apcs_disabled());
	KUNIT_EXPECT_EQ(test, ke_leave_critical_region(), 0);
	KUNIT_EXPECT_TRUE(test, ke_are_apcs_disabled());
	KUNIT_EXPECT_EQ(test, ke_leave_critical_region(), 0);
	KUNIT_EXPECT_FALSE(test, ke_are_apcs_disabled());
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, ke_leave_critical_region(), -EPERM);
	tw_expect_violation(test, "V-GLB-2", "is in none");
	ke_enter_critical_region();
	ke_leave_critical_region();
}

static void enters(struct wdm_device *device, void *context)
{
	ke_enter_critical_region();
	ke_enter_critical_region();
}

static void enters_and_leaves(struct wdm_device *device, void *context)
{
	ke_enter_critical_region();
	ke_leave_critical_region();
}

static void enters_and_ends(void *context)
{
	ke_enter_critical_region();
}

/* GLB-15, VER-20: V-GLB-2, a routine returns inside of one; it is left then; the twin */
static void left_at_a_routines_end(struct kunit *test)
{
	struct wdm_work_item *item = io_allocate_work_item(dev);
	struct wdm_thread *thread;

	ke_enter_critical_region();
	KUNIT_ASSERT_NOT_NULL(test, item);
	KUNIT_EXPECT_EQ(test, io_queue_work_item(item, enters, DelayedWorkQueue, NULL), 0);
	tw_wait_until(test, kref_read(&dev->ref) == 1);
	tw_expect_violation(test, "V-GLB-2", "has returned in 2 critical regions");
	KUNIT_EXPECT_EQ(test, io_queue_work_item(item, enters_and_leaves, DelayedWorkQueue, NULL),
			0);
	tw_wait_until(test, kref_read(&dev->ref) == 1);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), 0);

	KUNIT_EXPECT_EQ(test, ps_create_system_thread(&dev->owner, "thread", enters_and_ends,
						      NULL, &thread), 0);
	KUNIT_EXPECT_EQ(test, ke_wait_for_single_object(&thread->header, false, NULL), 0);
	tw_expect_violation(test, "V-GLB-2", "of thread 'thread' has returned in 1");
	KUNIT_EXPECT_EQ(test, zw_close(thread), 0);
	ke_leave_critical_region();
}

/* GLB-12, VER-22: V-GLB-1, deleted while it is had, or waited for; who has it is named */
static void deleted_while_it_is_had(struct kunit *test)
{
	char by[32];

	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	tw_thread_start(test, 0, shared_there, NULL);
	tw_wait_until(test, ex_get_shared_waiter_count(&res) == 1);
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&res), -EBUSY);
	snprintf(by, sizeof(by), "1 wait; had by thread %d", current->pid);
	tw_expect_violation(test, "V-GLB-1", by);
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&other.has, TW_WAIT));
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&res), -EBUSY);
	tw_expect_violation(test, "V-GLB-1", "0 wait; had by thread");
	complete_all(&other.end);
	KUNIT_EXPECT_TRUE(test, tw_thread_join(test, 0));
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&res), 0);
	tw_expect_silence(test);
	ke_leave_critical_region();
}

/* GLB-10, VER-22: V-GLB-9, used after it was deleted, or never made; the twin is above */
static void used_when_there_is_none(struct kunit *test)
{
	struct wdm_resource never = { };

	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, exclusive(true));
	KUNIT_EXPECT_EQ(test, release(), 0);
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&res), 0);
	tw_expect_silence(test);
	KUNIT_EXPECT_FALSE(test, exclusive(true));
	tw_expect_violation(test, "V-GLB-9", "ex_acquire_resource_exclusive_lite of a resource");
	KUNIT_EXPECT_FALSE(test, exclusive(false));
	tw_expect_violation(test, "V-GLB-9", "that there is not");
	KUNIT_EXPECT_FALSE(test, shared(true));
	tw_expect_violation(test, "V-GLB-9", "ex_acquire_resource_shared_lite of a resource");
	KUNIT_EXPECT_EQ(test, release(), -EPERM);
	tw_expect_violation(test, "V-GLB-9", "ex_release_resource_lite of a resource");
	KUNIT_EXPECT_EQ(test, ex_convert_exclusive_to_shared_lite(&res), -EPERM);
	tw_expect_violation(test, "V-GLB-9", "ex_convert_exclusive_to_shared_lite of a resource");
	KUNIT_EXPECT_FALSE(test, ex_acquire_resource_exclusive_lite(&never, true));
	tw_expect_violation(test, "V-GLB-9", "ex_acquire_resource_exclusive_lite of a resource");
	/* made again */
	KUNIT_EXPECT_EQ(test, ex_initialize_resource_lite(&dev->owner, &res), 0);
	KUNIT_EXPECT_TRUE(test, shared(true));
	KUNIT_EXPECT_EQ(test, release(), 0);
	tw_expect_silence(test);
	ke_leave_critical_region();
}

/* GLB-10, VER-22: V-GLB-9, initialised twice, deleted twice; memory that is not aligned */
static void initialised_once(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_EQ(test, ex_initialize_resource_lite(&drv->owner, &res), -EEXIST);
	tw_expect_violation(test, "V-GLB-9", "is initialised again");
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&res), 0);
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(&res), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	KUNIT_EXPECT_EQ(test, ex_initialize_resource_lite(&drv->owner, (void *)&res + 2), -EINVAL);
	tw_expect_violation(test, "GLB-10", "is not aligned");
	KUNIT_EXPECT_EQ(test, ex_initialize_resource_lite(NULL, &res), -EINVAL);
	KUNIT_EXPECT_EQ(test, ex_initialize_resource_lite(&drv->owner, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ex_delete_resource_lite(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ex_initialize_resource_lite(&drv->owner, &res), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	tw_expect_silence(test);
	ke_leave_critical_region();
}

/* GLB-12: V-GLB-1, one that is had when the driver goes */
static void had_at_the_unload(struct kunit *test)
{
	ke_enter_critical_region();
	KUNIT_EXPECT_TRUE(test, shared(true));
	tw_unload_now(test);
	tw_expect_violation(test, "V-GLB-1", "goes: 0 wait; had by thread");
	/* Its semaphore, for who checks locks */
	up_read(&res.sem);
	ke_leave_critical_region();
}

static int resource_test_init(struct kunit *test)
{
	tw_init(test);
	init_completion(&other.has);
	init_completion(&other.end);
	return ex_initialize_resource_lite(&dev->owner, &res);
}

static void resource_test_exit(struct kunit *test)
{
	complete_all(&other.end);
	tw_exit(test);
}

static struct kunit_case resource_cases[] = {
	KUNIT_CASE(exclusive_recursion),
	KUNIT_CASE(shared_by_several),
	KUNIT_CASE(a_sharer_passes_who_waits),
	KUNIT_CASE(a_sharer_cannot_have_it_alone),
	KUNIT_CASE(converted),
	KUNIT_CASE(released_by_another),
	KUNIT_CASE(in_a_critical_region),
	KUNIT_CASE(critical_regions),
	KUNIT_CASE(left_at_a_routines_end),
	KUNIT_CASE(deleted_while_it_is_had),
	KUNIT_CASE(used_when_there_is_none),
	KUNIT_CASE(initialised_once),
	KUNIT_CASE(had_at_the_unload),
	{}
};

static struct kunit_suite resource_suite = {
	.name = "wdm_resource",
	.init = resource_test_init,
	.exit = resource_test_exit,
	.test_cases = resource_cases,
};

kunit_test_suite(resource_suite);

MODULE_DESCRIPTION("Tests of executive resources");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
