// SPDX-License-Identifier: GPL-2.0-only
/*
 * Controllers: hardware that devices share.
 */
#include <linux/module.h>
#include <linux/workqueue.h>

#include "testwdm.h"

static struct wdm_controller *ctl;
static struct wdm_device *dev2, *dev3;
static struct tw_gate gate;
static int results[3];

static enum wdm_allocation_action keep(struct wdm_device *device, void *context)
{
	tw_log(context);
	return KeepObject;
}

static enum wdm_allocation_action use(struct wdm_device *device, void *context)
{
	tw_log(context);
	return DeallocateObject;
}

static enum wdm_allocation_action use_sleepless(struct wdm_device *device, void *context)
{
	tw_log(preemptible() ? "may sleep" : "atomic");
	return DeallocateObject;
}

/* It gives the controller up itself, and wants it again. */
static enum wdm_allocation_action free_inside(struct wdm_device *device, void *context)
{
	tw_log(context);
	results[0] = io_free_controller(ctl);
	results[1] = io_allocate_controller(ctl, dev2, use, "second");
	tw_log("out");
	return KeepObject;
}

static enum wdm_allocation_action at_the_gate(struct wdm_device *device, void *context)
{
	tw_log(context);
	tw_gate_pass(&gate);
	return DeallocateObject;
}

static int allocate(struct wdm_device *device, wdm_controller_routine routine, char *context)
{
	return io_allocate_controller(ctl, device, routine, context);
}

/* RLS-80: one at a time, first come first served, called where it must not sleep */
static void one_at_a_time(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, allocate(dev, use, "a"), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev, keep, "b"), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev3, use, "c"), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev2, keep, "d"), 0);
	tw_expect_log(test, "a b");
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), 0);
	tw_expect_log(test, "a b c d");
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev, use_sleepless, NULL), 0);
	tw_expect_log(test, "a b c d atomic");
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), 0);
	tw_expect_silence(test);
}

/* RLS-80: given up inside of its routine; the next one is called after that has returned */
static void freed_inside(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, allocate(dev, free_inside, "first"), 0);
	tw_expect_log(test, "first out second");
	KUNIT_EXPECT_EQ(test, results[0], 0);
	KUNIT_EXPECT_EQ(test, results[1], 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), 0);
	tw_expect_silence(test);
}

/* RLS-80, VER-21: wanted twice, freed when nobody has it, deleted twice */
static void misused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), -EINVAL);
	tw_expect_violation(test, "RLS-80", "no device has it");
	KUNIT_EXPECT_EQ(test, allocate(dev, keep, "a"), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev, keep, "b"), -EBUSY);
	tw_expect_violation(test, "RLS-80", "device 'dev' has or waits for a controller");
	KUNIT_EXPECT_EQ(test, allocate(dev2, use, "c"), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev2, use, "d"), -EBUSY);
	tw_expect_violation(test, "RLS-80", "device 'dev2' has or waits for a controller");
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), 0);
	tw_expect_log(test, "a c");
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), -EINVAL);
	tw_expect_violation(test, "RLS-80", "no device has it");
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
}

/* RLS-80, RLS-06: refused while a device has it, or waits for it; the twin is clean */
static void deleted_while_it_is_had(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, allocate(dev, keep, "a"), 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), -EBUSY);
	tw_expect_violation(test, "RLS-80", "controller allocation");
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), -EBUSY);
	tw_expect_violation(test, "RLS-80", "controller allocation");
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), 0);
	tw_expect_silence(test);
}

/* RLS-80, RLS-82: its extension, with something in it that is in use: V-GLB-3; the twin */
static void its_extension(struct kunit *test)
{
	struct wdm_event *event = ctl->controller_extension;

	KUNIT_EXPECT_EQ(test, ((u8 *)ctl->controller_extension)[1023], 0);
	KUNIT_EXPECT_EQ(test, ke_initialize_event(&drv->owner, event, NotificationEvent, false), 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), -EBUSY);
	tw_expect_violation(test, "V-GLB-3", "event '-' of stage 2");
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(event), 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), 0);
	tw_expect_silence(test);
}

/* RLS-80: what is nothing, somebody else's, or goes */
static void refused(struct kunit *test)
{
	struct wdm_driver *drv2 = wdm_create_driver(THIS_MODULE, "drv2");
	struct wdm_controller *other;
	int rc;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, drv2);
	other = io_create_controller(drv2, 0);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, io_allocate_controller(other, dev, use, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_allocate_controller(NULL, dev, use, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, allocate(NULL, use, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, allocate(dev, NULL, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_free_controller(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_delete_controller(NULL), -EINVAL);
	KUNIT_EXPECT_NULL(test, io_create_controller(NULL, 0));
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
	dev->removing = true;
	KUNIT_EXPECT_EQ(test, allocate(dev, use, "x"), -ESHUTDOWN);
	dev->removing = false;
	KUNIT_EXPECT_EQ(test, allocate(dev, use, "y"), 0);
	tw_expect_log(test, "y");
	tw_expect_silence(test);
	preempt_disable();
	other = io_create_controller(drv, 0);
	rc = io_delete_controller(ctl);
	preempt_enable();
	KUNIT_EXPECT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violations(test, 2);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "LVL-02: io_delete_controller"));
}

/* On the other processor: its routine holds that. */
static void allocate_there(struct work_struct *work)
{
	results[2] = allocate(dev, at_the_gate, "there");
}

static DECLARE_WORK(there, allocate_there);

static void hold_it_there(struct kunit *test)
{
	schedule_work_on(1, &there);
	tw_gate_wait(test, &gate);
}

/* RLS-80, RLS-05: a removal waits for the routine of its device, and calls no other */
static void removed_while_it_runs(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	hold_it_there(test);
	/* Left to the one that is at it. */
	KUNIT_EXPECT_EQ(test, allocate(dev2, use, "next"), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev3, use, "after"), 0);
	tw_thread_start(test, 1, tw_remove, dev);
	tw_wait_until(test, tw_driver_waits(drv));
	KUNIT_EXPECT_FALSE(test, tw_thread_done(1));
	/* Taken out of the queue; the rest of it waits for RCU, which waits for the gate. */
	tw_thread_start(test, 0, tw_remove, dev3);
	tw_wait_until(test, list_empty_careful(&dev3->wait.link));
	tw_gate_open(&gate);
	flush_work(&there);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, results[2], 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 1), 0);
	tw_expect_log(test, "there next");
	ob_dereference_object(dev);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), 0);
	tw_expect_silence(test);
}

/* RLS-80, RLS-05: its device goes and has it; the next one gets it */
static void removed_while_it_has_it(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, allocate(dev, keep, "a"), 0);
	KUNIT_EXPECT_EQ(test, allocate(dev2, use, "b"), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_violation(test, "RLS-80", "goes, and its device has the controller");
	tw_expect_log(test, "a b");
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), -EINVAL);
	tw_expect_violation(test, "RLS-80", "no device has it");
}

/* RLS-80, RLS-05: deleted while a routine runs that has given it up */
static void deleted_while_it_runs(struct kunit *test)
{
	hold_it_there(test);
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), -EBUSY);
	tw_expect_violation(test, "RLS-80", "controller allocation");
	KUNIT_EXPECT_EQ(test, io_free_controller(ctl), -EINVAL);
	tw_expect_violation(test, "RLS-80", "no device has it");
	tw_gate_open(&gate);
	flush_work(&there);
	KUNIT_EXPECT_EQ(test, results[2], 0);
	KUNIT_EXPECT_EQ(test, io_delete_controller(ctl), 0);
	tw_expect_silence(test);
}

static void leave_it(struct wdm_driver *driver)
{
}

/* RLS-80, RLS-91: left by the unload */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_it;
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev2), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev3), 0);
	tw_unload_now(test);
	tw_expect_violation(test, "RLS-80", "controller '-' of stage 7, device -, is left");
}

static int controller_init(struct kunit *test)
{
	int rc;

	tw_init(test);
	tw_gate_init(&gate, true);
	KUNIT_ASSERT_EQ(test, io_create_device(drv, 0, "dev2", &dev2), 0);
	rc = io_create_device(drv, 0, "dev3", &dev3);
	ctl = io_create_controller(drv, 1024);
	KUNIT_ASSERT_NOT_NULL(test, ctl);
	/* What holds a processor has the other one. */
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	return rc;
}

static void controller_exit(struct kunit *test)
{
	tw_gate_open(&gate);
	flush_work(&there);
	tw_exit(test);
}

static struct kunit_case controller_cases[] = {
	KUNIT_CASE(one_at_a_time),
	KUNIT_CASE(freed_inside),
	KUNIT_CASE(misused),
	KUNIT_CASE(deleted_while_it_is_had),
	KUNIT_CASE(its_extension),
	KUNIT_CASE(refused),
	KUNIT_CASE(removed_while_it_runs),
	KUNIT_CASE(removed_while_it_has_it),
	KUNIT_CASE(deleted_while_it_runs),
	KUNIT_CASE(left_by_the_unload),
	{}
};

static struct kunit_suite controller_suite = {
	.name = "wdm_controller",
	.init = controller_init,
	.exit = controller_exit,
	.test_cases = controller_cases,
};

kunit_test_suite(controller_suite);

MODULE_DESCRIPTION("Tests of controllers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
