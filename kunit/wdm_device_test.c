// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: references, who is inside, device stacks.
 */
#include <linux/module.h>

#include "testwdm.h"

/* RLS-81, RLS-04: the extension lives as long as there are references */
static void references_keep_the_memory(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ((u8 *)dev->device_extension)[4095], 0);
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	((u8 *)dev->device_extension)[4095] = 1;
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), -ENODEV);
	ob_dereference_object(dev);
	tw_expect_silence(test);
}

/* RLS-81: V-GLB-9, deleted twice, and what is no device */
static void deleted_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), -EALREADY);
	ob_dereference_object(dev);
	KUNIT_EXPECT_EQ(test, io_delete_device(NULL), -EINVAL);
}

/* VER-11: one reference too many given back; it changes nothing */
static void dereferenced_too_often(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	ob_dereference_object(dev);
	tw_expect_silence(test);
	ob_dereference_object(dev);
	tw_expect_violation(test, "VER-11", "device 'dev'");
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	ob_dereference_object(dev);
}

/* RLS-81: not where sleeping is not allowed, and that does not count */
static void created_where_sleeping_is_allowed(struct kunit *test)
{
	struct wdm_device *made;
	int rc;

	preempt_disable();
	rc = io_create_device(drv, 0, NULL, &made);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_create_device");
	rcu_read_lock();
	rc = io_create_device(drv, 0, NULL, &made);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_create_device");
	KUNIT_EXPECT_EQ(test, io_create_device(NULL, 0, NULL, &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, NULL, NULL), -EINVAL);
}

/* RLS-13, RLS-05: the first stage waits for who is inside, and lets nobody in */
static void removal_waits_for_who_is_inside(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), 0);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), 0);
	tw_thread_start(test, 0, tw_remove, dev);
	tw_wait_until(test, tw_driver_waits(drv));
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), -ENODEV);
	io_release_remove_lock(dev);
	KUNIT_EXPECT_EQ(test, dev->stage_at[WDM_STAGE_INTERRUPTS], 0);
	io_release_remove_lock(dev);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_NE(test, dev->stage_at[WDM_STAGE_END], 0);
	ob_dereference_object(dev);
	tw_expect_silence(test);
}

static int wait_for_all(void *arg)
{
	io_release_remove_lock_and_wait(arg);
	return 0;
}

/* RLS-13, RLS-05: an unload routine's own first stage */
static void waiting_for_who_is_inside(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), 0);
	preempt_disable();
	io_release_remove_lock_and_wait(dev);
	preempt_enable();
	tw_expect_violation(test, "LVL-02", "io_release_remove_lock_and_wait");
	tw_thread_start(test, 0, wait_for_all, dev);
	tw_wait_until(test, tw_driver_waits(drv));
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), -ENODEV);
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	io_release_remove_lock(dev);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	tw_expect_silence(test);
}

static struct wdm_event used_inside;

static void skip_the_first_stage(struct wdm_driver *driver)
{
	int rc = ke_uninitialize_event(&used_inside);

	tw_log(rc == -EBUSY ? "refused" : "released");
	io_release_remove_lock(dev);
	io_release_remove_lock_and_wait(dev);
	rc = ke_uninitialize_event(&used_inside);
	tw_log(rc ? "refused" : "released");
	io_delete_device(dev);
}

/* RLS-13, RLS-92, VER-21: V-RLS-13, released while somebody is inside; then it is not */
static void released_with_somebody_inside(struct kunit *test)
{
	drv->driver_unload = skip_the_first_stage;
	KUNIT_ASSERT_EQ(test, ke_initialize_event(&dev->owner, &used_inside, NotificationEvent,
						  false), 0);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), 0);
	tw_unload_now(test);
	tw_expect_log(test, "refused released");
	tw_expect_violation(test, "V-RLS-13", "somebody is inside of its device");
}

/* RLS-13 */
static void left_more_often_than_entered(struct kunit *test)
{
	io_release_remove_lock(dev);
	tw_expect_violation(test, "RLS-13", "nobody is inside");
}

/* RLS-83, VER-21: V-RLS-12, a file is open when the driver goes; the twin is clean */
static void a_reference_at_the_unload(struct kunit *test)
{
	struct wdm_device *kept = dev;

	KUNIT_EXPECT_EQ(test, ob_reference_object(kept), 0);
	tw_unload_now(test);
	tw_expect_violation(test, "V-RLS-12", "device 'dev' is gone, and has 1 references");
	/* Still memory */
	((u8 *)kept->device_extension)[0] = 1;
	ob_dereference_object(kept);
}

/* RLS-04: removed with a file open, which ends before the driver goes */
static void a_reference_at_the_removal(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), -EALREADY);
	ob_dereference_object(dev);
	tw_unload_now(test);
	tw_expect_silence(test);
}

static const struct wdm_kind plain_kind = {
	.name = "plain", .rule = "V-TEST", .stage = WDM_STAGE_ROUTINES,
};

/* RLS-82, RLS-05: V-RLS-13, its own; V-GLB-3, of the driver's in its extension; X-14 */
static void deleted_with_something_in_it(struct kunit *test)
{
	struct wdm_record *own = dev->device_extension;
	struct wdm_record *inside = own + 1;
	struct wdm_record outside;

	KUNIT_EXPECT_EQ(test, wdm_record_add(own, &dev->owner, &plain_kind, "own", NULL), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "plain 'own' of stage 2");
	KUNIT_EXPECT_EQ(test, wdm_release(own, &plain_kind), 0);

	KUNIT_EXPECT_EQ(test, wdm_record_add(inside, &drv->owner, &plain_kind, "in", NULL), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), -EBUSY);
	tw_expect_violation(test, "V-GLB-3", "plain 'in' of stage 2");
	KUNIT_EXPECT_EQ(test, wdm_release(inside, &plain_kind), 0);

	KUNIT_EXPECT_EQ(test, wdm_record_add(&outside, &drv->owner, &plain_kind, "out", NULL), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_EXPECT_EQ(test, wdm_release(&outside, &plain_kind), 0);
	tw_expect_silence(test);
}

static struct wdm_driver *drv2;
static struct wdm_device *dev2, *dev3;

static void make_others(struct kunit *test)
{
	drv2 = wdm_create_driver(THIS_MODULE, "drv2");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, drv2);
	KUNIT_ASSERT_EQ(test, io_create_device(drv2, 0, "dev2", &dev2), 0);
	KUNIT_ASSERT_EQ(test, io_create_device(drv2, 0, "dev3", &dev3), 0);
}

/* RLS-63, RLS-64: attached to the top, whatever was named; keeps the lower driver loaded */
static void attached_to_the_top(struct kunit *test)
{
	int users = module_refcount(THIS_MODULE);

	make_others(test);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev2, dev), dev);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users + 1);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev3, dev), dev2);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users + 2);
	KUNIT_EXPECT_EQ(test, io_detach_device(dev2), 0);
	KUNIT_EXPECT_EQ(test, io_detach_device(dev), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users);
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
	tw_expect_silence(test);
}

/* RLS-63: attaching may give NULL */
static void attaching_is_refused(struct kunit *test)
{
	make_others(test);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev2, dev), dev);
	/* in a stack already; onto itself, directly and not */
	KUNIT_EXPECT_NULL(test, io_attach_device_to_device_stack(dev2, dev3));
	KUNIT_EXPECT_NULL(test, io_attach_device_to_device_stack(dev, dev2));
	KUNIT_EXPECT_NULL(test, io_attach_device_to_device_stack(dev3, dev3));
	KUNIT_EXPECT_NULL(test, io_attach_device_to_device_stack(NULL, dev));
	KUNIT_EXPECT_NULL(test, io_attach_device_to_device_stack(dev3, NULL));
	KUNIT_EXPECT_EQ(test, io_detach_device(dev), 0);
	/* the lower one goes */
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_EXPECT_NULL(test, io_attach_device_to_device_stack(dev2, dev));
	ob_dereference_object(dev);
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
	tw_expect_silence(test);
}

/* RLS-63: V-RLS-6, detached twice, or from what nothing is attached to */
static void detached_once(struct kunit *test)
{
	make_others(test);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev2, dev), dev);
	KUNIT_EXPECT_EQ(test, io_detach_device(dev2), -EINVAL);
	tw_expect_violation(test, "V-RLS-6", "device 'dev2'");
	KUNIT_EXPECT_EQ(test, io_detach_device(dev), 0);
	KUNIT_EXPECT_EQ(test, io_detach_device(dev), -EINVAL);
	tw_expect_violation(test, "V-RLS-6", "nothing is attached");
	KUNIT_EXPECT_EQ(test, io_detach_device(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
}

/* RLS-64, RLS-01: V-RLS-6, deleted, removed or unloaded while attached */
static void attached_devices_stay(struct kunit *test)
{
	make_others(test);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev2, dev), dev);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), -EBUSY);
	tw_expect_violation(test, "V-RLS-6", "attachment 'dev' of stage 4");
	KUNIT_EXPECT_EQ(test, io_delete_device(dev2), -EBUSY);
	tw_expect_violation(test, "V-RLS-6", "attachment 'dev' of stage 4");
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), -EBUSY);
	tw_expect_violation(test, "V-RLS-6", "another is attached to it");
	KUNIT_EXPECT_EQ(test, wdm_unload(drv), -EBUSY);
	tw_expect_violation(test, "V-RLS-6", "at the unload");
	/* The upper one detaches by itself. */
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	tw_expect_silence(test);
}

/* RLS-63: V-RLS-6, an unload routine that deletes and does not detach */
static void leave_attached(struct wdm_driver *driver)
{
}

/* RLS-63, RLS-91: V-RLS-6 */
static void an_attachment_left_by_the_unload(struct kunit *test)
{
	make_others(test);
	drv2->driver_unload = leave_attached;
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev2, dev), dev);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev3), 0);
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
	tw_expect_violations(test, 2);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-6: attachment 'dev'"));
	KUNIT_EXPECT_NULL(test, dev->upper);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(references_keep_the_memory),
	KUNIT_CASE(deleted_once),
	KUNIT_CASE(dereferenced_too_often),
	KUNIT_CASE(created_where_sleeping_is_allowed),
	KUNIT_CASE(removal_waits_for_who_is_inside),
	KUNIT_CASE(waiting_for_who_is_inside),
	KUNIT_CASE(released_with_somebody_inside),
	KUNIT_CASE(left_more_often_than_entered),
	KUNIT_CASE(a_reference_at_the_unload),
	KUNIT_CASE(a_reference_at_the_removal),
	KUNIT_CASE(deleted_with_something_in_it),
	KUNIT_CASE(attached_to_the_top),
	KUNIT_CASE(attaching_is_refused),
	KUNIT_CASE(detached_once),
	KUNIT_CASE(attached_devices_stay),
	KUNIT_CASE(an_attachment_left_by_the_unload),
	{}
};

static struct kunit_suite device_suite = {
	.name = "wdm_device",
	.init = tw_init,
	.exit = tw_exit,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);

MODULE_DESCRIPTION("Tests of devices of drivers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
