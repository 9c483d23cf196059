// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work items and system threads.
 */
#include <linux/flt_status.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/sched/prio.h>

#include "testwdm.h"

static struct wdm_work_item *item;
static struct tw_gate gate;

static struct {
	atomic_t runs;
	void *device, *context;
	bool could_sleep;
	int nice;
	bool hold;			/* at the gate, the first time */
	bool frees;
	int again;			/* queues itself so often */
	int rc;
} seen;

static void note(struct wdm_device *device, void *context)
{
	seen.device = device;
	seen.context = context;
	seen.could_sleep = wdm_may_sleep();
	seen.nice = task_nice(current);
	if (seen.hold) {
		seen.hold = false;
		tw_gate_pass(&gate);
	}
	if (seen.again) {
		seen.again--;
		seen.rc = io_queue_work_item(item, note, DelayedWorkQueue, context);
	}
	if (seen.frees) {
		seen.rc = io_free_work_item(item);
		item = NULL;
	}
	atomic_inc(&seen.runs);
}

static int runs(void)
{
	return atomic_read(&seen.runs);
}

static int queue(void)
{
	return io_queue_work_item(item, note, DelayedWorkQueue, &seen);
}

/* Its routine has returned, and what it held is given up. */
static void wait_idle(struct kunit *test, int nr)
{
	tw_wait_until(test, runs() == nr && kref_read(&dev->ref) == 1);
}

static void from_hardirq(struct irq_work *work)
{
	seen.rc = queue();
}

/* RLS-38: in a worker, where sleeping is allowed; queued from a hard interrupt */
static void an_item_runs(struct kunit *test)
{
	struct irq_work hardirq = IRQ_WORK_INIT_HARD(from_hardirq);

	irq_work_queue(&hardirq);
	irq_work_sync(&hardirq);
	KUNIT_EXPECT_EQ(test, seen.rc, 0);
	wait_idle(test, 1);
	KUNIT_EXPECT_PTR_EQ(test, seen.device, (void *)dev);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (void *)&seen);
	KUNIT_EXPECT_TRUE(test, seen.could_sleep);
	KUNIT_EXPECT_EQ(test, seen.nice, 0);
	KUNIT_EXPECT_EQ(test, io_queue_work_item(item, note, CriticalWorkQueue, NULL), 0);
	wait_idle(test, 2);
	KUNIT_EXPECT_EQ(test, seen.nice, MIN_NICE);
	KUNIT_EXPECT_EQ(test, io_queue_work_item(item, note, HyperCriticalWorkQueue, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, io_queue_work_item(item, note, -1, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_queue_work_item(item, NULL, DelayedWorkQueue, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_queue_work_item(NULL, note, DelayedWorkQueue, NULL), -EINVAL);
	KUNIT_EXPECT_NULL(test, io_allocate_work_item(NULL));
	tw_expect_silence(test);
}

/* RLS-38, RLS-39: device and module are kept from the queueing to the routine's return */
static void a_queued_item_keeps_device_and_module(struct kunit *test)
{
	int users = module_refcount(THIS_MODULE);

	seen.hold = true;
	KUNIT_EXPECT_EQ(test, queue(), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users + 1);
	KUNIT_EXPECT_EQ(test, kref_read(&dev->ref), 2);
	tw_gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users + 1);
	KUNIT_EXPECT_EQ(test, kref_read(&dev->ref), 2);
	tw_gate_open(&gate);
	wait_idle(test, 1);
	tw_wait_until(test, module_refcount(THIS_MODULE) == users);
}

/* RLS-38, VER-21: V-RLS-3, queued twice: it runs once, and can be queued again */
static void queued_twice(struct kunit *test)
{
	seen.hold = true;
	KUNIT_EXPECT_EQ(test, queue(), 0);
	tw_gate_wait(test, &gate);
	/* While it runs once more */
	KUNIT_EXPECT_EQ(test, queue(), 0);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, queue(), -EBUSY);
	tw_expect_violation(test, "V-RLS-3", "is queued again");
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), -EBUSY);
	tw_expect_violation(test, "V-RLS-3", "is queued");
	tw_gate_open(&gate);
	wait_idle(test, 2);
	KUNIT_EXPECT_EQ(test, queue(), 0);
	wait_idle(test, 3);
}

/* RLS-38 */
static void queued_by_its_routine(struct kunit *test)
{
	seen.again = 2;
	KUNIT_EXPECT_EQ(test, queue(), 0);
	wait_idle(test, 3);
	KUNIT_EXPECT_EQ(test, seen.rc, 0);
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), 0);
	tw_expect_silence(test);
}

/* RLS-38: freed inside its routine */
static void freed_by_its_routine(struct kunit *test)
{
	seen.frees = true;
	KUNIT_EXPECT_EQ(test, queue(), 0);
	wait_idle(test, 1);
	KUNIT_EXPECT_EQ(test, seen.rc, 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	tw_expect_silence(test);
}

/* RLS-38, VER-21: V-RLS-3, freed by another while it runs; the twin is clean; once */
static void freed_while_it_runs(struct kunit *test)
{
	seen.hold = true;
	KUNIT_EXPECT_EQ(test, queue(), 0);
	tw_gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), -EBUSY);
	tw_expect_violation(test, "V-RLS-3", "runs");
	tw_gate_open(&gate);
	wait_idle(test, 1);
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), 0);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "work item at");
	KUNIT_EXPECT_EQ(test, io_free_work_item(NULL), -EINVAL);
}

/* RLS-37, RLS-38, RLS-41, RLS-46: a removal waits, runs what is queued, refuses more */
static void a_removal_waits_for_items(struct kunit *test)
{
	seen.hold = true;
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, queue(), 0);
	tw_gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, queue(), 0);
	tw_thread_start(test, 0, tw_remove, dev);
	tw_wait_until(test, tw_driver_waits(drv));
	KUNIT_EXPECT_EQ(test, queue(), -ESHUTDOWN);
	KUNIT_EXPECT_NULL(test, io_allocate_work_item(dev));
	/* The unload has it. */
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), -EALREADY);
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, runs(), 2);
	ob_dereference_object(dev);
	tw_expect_silence(test);
}

static void remove_it(struct wdm_device *device, void *context)
{
	seen.rc = wdm_remove_device(device);
	atomic_inc(&seen.runs);
}

/* RLS-05: V-RLS-3, an item's routine that waits for itself: refused */
static void a_removal_by_a_routine(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_queue_work_item(item, remove_it, DelayedWorkQueue, NULL), 0);
	wait_idle(test, 1);
	KUNIT_EXPECT_EQ(test, seen.rc, -EDEADLK);
	tw_expect_violation(test, "V-RLS-3", "its routine removes the device");
}

static void leave_all(struct wdm_driver *driver)
{
}

/* RLS-38, RLS-91: V-RLS-3, an item that is left is named and freed */
static void an_item_left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_all;
	tw_unload_now(test);
	tw_expect_violations(test, 2);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-3: work item"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "work_test_init"));
}

/* threads */

static struct wdm_thread *thread;
static struct wdm_event event;

static void end_by_return(void *context)
{
	seen.context = context;
	seen.could_sleep = wdm_may_sleep();
	tw_gate_pass(&gate);
}

static void end_by_terminating(void *context)
{
	ps_terminate_system_thread(42);
	tw_log("returned");
}

static void loop(void *context)
{
	tw_gate_pass(&gate);
	set_current_state(TASK_IDLE);
	while (!ps_thread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	tw_log("stopped");
}

static void wait_for_event(void *context)
{
	tw_gate_pass(&gate);
	seen.rc = ke_wait_for_single_object(&event.header, false, NULL);
}

static int start(wdm_thread_routine routine)
{
	return ps_create_system_thread(&dev->owner, "worker", routine, &seen, &thread);
}

static int wait_for_thread(void *arg)
{
	return ke_wait_for_single_object(&thread->header, false, NULL);
}

/* RLS-42, RLS-43: ends by itself; waited for by its handle, which is closed then */
static void a_thread_ends(struct kunit *test)
{
	static const s64 at_once;

	KUNIT_EXPECT_EQ(test, start(end_by_return), 0);
	tw_gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, ke_wait_for_single_object(&thread->header, false, &at_once),
			STATUS_TIMEOUT);
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, wait_for_thread(NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (void *)&seen);
	KUNIT_EXPECT_TRUE(test, seen.could_sleep);
	KUNIT_EXPECT_EQ(test, zw_close(thread), 0);
	tw_expect_silence(test);
}

/* RLS-42, RLS-44: terminates itself, with a status; nobody else can be terminated so */
static void a_thread_terminates(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, start(end_by_terminating), 0);
	KUNIT_EXPECT_EQ(test, wait_for_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, thread->status, 42);
	KUNIT_EXPECT_EQ(test, zw_close(thread), 0);
	tw_expect_log(test, "");
	ps_terminate_system_thread(0);
	tw_expect_violation(test, "RLS-42", "is no system thread");
	KUNIT_EXPECT_FALSE(test, ps_thread_should_stop());
}

/* RLS-42: closing does not end it; a removal does, and waits for that */
static void a_thread_outlives_its_handle(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, start(loop), 0);
	tw_gate_wait(test, &gate);
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, zw_close(thread), 0);
	KUNIT_EXPECT_EQ(test, zw_close(thread), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "is closed twice");
	tw_expect_log(test, "");
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_log(test, "stopped");
	KUNIT_EXPECT_EQ(test, zw_close(thread), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
}

/* RLS-44: closed first, it goes when it ends; the device can be deleted then */
static void a_thread_without_a_handle_ends(struct kunit *test)
{
	int users = module_refcount(THIS_MODULE);

	KUNIT_EXPECT_EQ(test, start(end_by_return), 0);
	tw_gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, zw_close(thread), 0);
	KUNIT_EXPECT_EQ(test, io_free_work_item(item), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "thread 'worker' of stage 2");
	tw_gate_open(&gate);
	tw_wait_until(test, !READ_ONCE(dev->record.dependants));
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users);
}

/* RLS-43, RLS-13: one that waits for an event of the device is woken, and ends */
static void a_thread_that_waits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_initialize_event(&dev->owner, &event, NotificationEvent, false),
			0);
	KUNIT_EXPECT_EQ(test, start(wait_for_event), 0);
	tw_gate_wait(test, &gate);
	tw_gate_open(&gate);
	tw_wait_until(test, READ_ONCE(event.header.waiters) == 1);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_EQ(test, seen.rc, -ENODEV);
	tw_expect_silence(test);
}

/* RLS-42, VER-21: V-RLS-4, a thread that the driver's unload has not made to end */
static void a_thread_left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_all;
	KUNIT_EXPECT_EQ(test, start(loop), 0);
	tw_gate_wait(test, &gate);
	tw_gate_open(&gate);
	tw_unload_now(test);
	/* device, item, thread */
	tw_expect_violations(test, 3);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-4: thread 'worker'"));
	tw_expect_log(test, "stopped");
}

/* RLS-42: V-RLS-4, a handle closed while somebody waits by it */
static void closed_while_waited_for(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, start(end_by_return), 0);
	tw_gate_wait(test, &gate);
	tw_thread_start(test, 0, wait_for_thread, NULL);
	tw_wait_until(test, READ_ONCE(thread->header.waiters) == 1);
	KUNIT_EXPECT_EQ(test, zw_close(thread), -EBUSY);
	tw_expect_violation(test, "V-RLS-4", "is waited for");
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, zw_close(thread), 0);
}

static void unload_it(void *context)
{
	seen.rc = wdm_unload(drv);
}

/* RLS-42, RLS-05: V-RLS-4, a thread that would wait for itself */
static void an_unload_by_a_thread(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, start(unload_it), 0);
	KUNIT_EXPECT_EQ(test, wait_for_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, seen.rc, -EDEADLK);
	tw_expect_violation(test, "V-RLS-4", "its routine unloads the driver");
	KUNIT_EXPECT_EQ(test, zw_close(thread), 0);
}

/* RLS-42: created where sleeping is allowed, with all that it takes, for who stays */
static void threads_are_refused(struct kunit *test)
{
	int rc;

	preempt_disable();
	rc = start(end_by_return);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "ps_create_system_thread");
	KUNIT_EXPECT_EQ(test, start(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ps_create_system_thread(NULL, "x", loop, NULL, &thread), -EINVAL);
	KUNIT_EXPECT_EQ(test, ps_create_system_thread(&dev->owner, "x", loop, NULL, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, zw_close(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_EQ(test, start(loop), -ESHUTDOWN);
	ob_dereference_object(dev);
	tw_expect_silence(test);
}

static int work_test_init(struct kunit *test)
{
	tw_init(test);
	memset(&seen, 0, sizeof(seen));
	tw_gate_init(&gate, false);
	item = io_allocate_work_item(dev);
	KUNIT_ASSERT_NOT_NULL(test, item);
	return 0;
}

static void work_test_exit(struct kunit *test)
{
	tw_gate_open(&gate);
	tw_exit(test);
}

static struct kunit_case work_cases[] = {
	KUNIT_CASE(an_item_runs),
	KUNIT_CASE(a_queued_item_keeps_device_and_module),
	KUNIT_CASE(queued_twice),
	KUNIT_CASE(queued_by_its_routine),
	KUNIT_CASE(freed_by_its_routine),
	KUNIT_CASE(freed_while_it_runs),
	KUNIT_CASE(a_removal_waits_for_items),
	KUNIT_CASE(a_removal_by_a_routine),
	KUNIT_CASE(an_item_left_by_the_unload),
	KUNIT_CASE(a_thread_ends),
	KUNIT_CASE(a_thread_terminates),
	KUNIT_CASE(a_thread_outlives_its_handle),
	KUNIT_CASE(a_thread_without_a_handle_ends),
	KUNIT_CASE(a_thread_that_waits),
	KUNIT_CASE(a_thread_left_by_the_unload),
	KUNIT_CASE(closed_while_waited_for),
	KUNIT_CASE(an_unload_by_a_thread),
	KUNIT_CASE(threads_are_refused),
	{}
};

static struct kunit_suite work_suite = {
	.name = "wdm_work",
	.init = work_test_init,
	.exit = work_test_exit,
	.test_cases = work_cases,
};

kunit_test_suite(work_suite);

MODULE_DESCRIPTION("Tests of work items and system threads");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
