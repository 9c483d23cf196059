// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPCs, timers with custom DPCs, IoTimers.
 */
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/module.h>

#include "testwdm.h"

#define MS	(-10000LL)	/* from now, in units of 100 ns */
#define HOUR	(3600 * 1000 * MS)

static struct wdm_dpc dpc, dpc2;
static struct wdm_timer timer;
static struct tw_gate gate;

static struct {
	atomic_t runs;
	void *context, *argument1, *argument2;
	bool softirq;
	bool hold;			/* at the gate */
	int again;			/* inserts itself so often */
	struct wdm_timer *sets;
	int rc;
} seen;

static void note(struct wdm_dpc *this, void *context, void *argument1, void *argument2)
{
	seen.context = context;
	seen.argument1 = argument1;
	seen.argument2 = argument2;
	seen.softirq = in_serving_softirq();
	if (seen.hold)
		tw_gate_pass(&gate);
	if (seen.again) {
		seen.again--;
		ke_insert_queue_dpc(this, argument1, argument2);
	}
	if (seen.sets)
		seen.rc = ke_set_timer_ex(seen.sets, 0, 0, this);
	atomic_inc(&seen.runs);
}

static int runs(void)
{
	return atomic_read(&seen.runs);
}

/* On another processor: the case, which runs on the first, goes on, and the gate spins there. */
static void insert_there(void *arg)
{
	ke_insert_queue_dpc(arg, NULL, NULL);
}

static void hold_dpc(struct kunit *test)
{
	seen.hold = true;
	smp_call_function_single(1, insert_there, &dpc, 1);
	tw_gate_wait(test, &gate);
}

static bool inserted[2];

static void from_hardirq(struct irq_work *work)
{
	inserted[0] = ke_insert_queue_dpc(&dpc, &dpc, &inserted);
	inserted[1] = ke_insert_queue_dpc(&dpc, NULL, NULL);
}

static DEFINE_IRQ_WORK(hardirq, from_hardirq);

/* RLS-36: softirq, context and arguments; once, however often it was inserted */
static void a_dpc_runs(struct kunit *test)
{
	hardirq = IRQ_WORK_INIT_HARD(from_hardirq);
	irq_work_queue(&hardirq);
	irq_work_sync(&hardirq);
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 1);
	KUNIT_EXPECT_TRUE(test, seen.softirq);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (void *)&seen);
	KUNIT_EXPECT_PTR_EQ(test, seen.argument1, (void *)&dpc);
	KUNIT_EXPECT_PTR_EQ(test, seen.argument2, (void *)&inserted);
	KUNIT_EXPECT_TRUE(test, inserted[0]);
	KUNIT_EXPECT_FALSE(test, inserted[1]);
	/* And again */
	KUNIT_EXPECT_TRUE(test, ke_insert_queue_dpc(&dpc, NULL, NULL));
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 2);
}

/* RLS-35: removed while queued: true, and it does not run; false when it is not */
static void a_dpc_is_removed(struct kunit *test)
{
	bool removed;

	KUNIT_EXPECT_FALSE(test, ke_remove_queue_dpc(&dpc));
	local_bh_disable();
	ke_insert_queue_dpc(&dpc, NULL, NULL);
	removed = ke_remove_queue_dpc(&dpc);
	local_bh_enable();
	KUNIT_EXPECT_TRUE(test, removed);
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 0);
	KUNIT_EXPECT_TRUE(test, ke_insert_queue_dpc(&dpc, NULL, NULL));
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 1);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), 0);
}

/* RLS-35: while it runs: false; it can be queued for another run, and that removed */
static void a_running_dpc_is_not_removed(struct kunit *test)
{
	hold_dpc(test);
	KUNIT_EXPECT_FALSE(test, ke_remove_queue_dpc(&dpc));
	KUNIT_EXPECT_TRUE(test, ke_insert_queue_dpc(&dpc, NULL, NULL));
	KUNIT_EXPECT_FALSE(test, ke_insert_queue_dpc(&dpc, NULL, NULL));
	KUNIT_EXPECT_TRUE(test, ke_remove_queue_dpc(&dpc));
	tw_gate_open(&gate);
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 1);
}

/* RLS-35: not where sleeping is not allowed */
static void flushing_where_it_is_allowed(struct kunit *test)
{
	preempt_disable();
	ke_flush_queued_dpcs();
	preempt_enable();
	tw_expect_violation(test, "LVL-02", "ke_flush_queued_dpcs");
}

/* RLS-36, VER-21: V-RLS-2, given up while queued, and while it runs; the twin is clean */
static void a_busy_dpc_is_not_given_up(struct kunit *test)
{
	int rc;

	hold_dpc(test);
	rc = ke_uninitialize_dpc(&dpc);
	KUNIT_EXPECT_EQ(test, rc, -EBUSY);
	tw_expect_violation(test, "V-RLS-2", "runs");
	ke_insert_queue_dpc(&dpc, NULL, NULL);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), -EBUSY);
	tw_expect_violation(test, "V-RLS-2", "is queued");
	tw_gate_open(&gate);
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 2);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), 0);
	tw_expect_silence(test);
}

/* RLS-37, RLS-46: the unload runs what is queued, and nothing is queued after that */
static void the_unload_runs_what_is_queued(struct kunit *test)
{
	tw_thread_prepare(test, 0, tw_remove, dev);
	hold_dpc(test);
	/* The first finds it queued, the second is too late: the unload has marked it by then. */
	seen.again = 2;
	ke_insert_queue_dpc(&dpc, NULL, NULL);
	tw_thread_go(0);
	tw_wait_until(test, READ_ONCE(dpc.down));
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), -EALREADY);
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, runs(), 2);
	tw_expect_silence(test);
}

static void leave_all(struct wdm_driver *driver)
{
}

/* RLS-91, VER-21: V-RLS-1, V-RLS-2, left by the driver's unload: named, drained */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_all;
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 0, &dpc), 0);
	/* The second DPC would need a line of its own. */
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc2), 0);
	tw_unload_now(test);
	/* device, DPC, timer: the last one acquired is the last one named */
	tw_expect_violations(test, 3);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-1: timer"));
	KUNIT_EXPECT_EQ(test, runs(), 0);
}

/* RLS-31: a timer inserts its DPC, and is signalled then */
static void a_timer_expires(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, 0, 0, &dpc), 0);
	tw_wait_until(test, runs() == 1);
	KUNIT_EXPECT_TRUE(test, ke_read_state_timer(&timer));
	KUNIT_EXPECT_FALSE(test, ke_cancel_timer(&timer));
	/* Setting it takes the signal back. */
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 0, NULL), 0);
	KUNIT_EXPECT_FALSE(test, ke_read_state_timer(&timer));
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 0, NULL), 1);
	KUNIT_EXPECT_TRUE(test, ke_cancel_timer(&timer));
	KUNIT_EXPECT_FALSE(test, ke_cancel_timer(&timer));
	KUNIT_EXPECT_EQ(test, runs(), 1);
}

/* RLS-31: relative, absolute, past; what is far away does not overflow */
static void due_times(struct kunit *test)
{
	s64 now = 116444736000000000LL + ktime_get_real_ns() / 100;

	KUNIT_EXPECT_EQ(test, wdm_timeout(0), 0);
	KUNIT_EXPECT_EQ(test, wdm_timeout(1000 * MS), HZ);
	KUNIT_EXPECT_EQ(test, wdm_timeout(-1), 1);
	KUNIT_EXPECT_EQ(test, wdm_timeout(1), 0);
	KUNIT_EXPECT_EQ(test, wdm_timeout(now), 0);
	KUNIT_EXPECT_GT(test, wdm_timeout(now - HOUR), 3590 * HZ);
	KUNIT_EXPECT_LE(test, wdm_timeout(now - HOUR), 3600 * HZ);
	KUNIT_EXPECT_EQ(test, wdm_timeout(S64_MIN + 1), MAX_JIFFY_OFFSET);
	KUNIT_EXPECT_EQ(test, wdm_timeout(S64_MAX), MAX_JIFFY_OFFSET);
}

/* RLS-31: of a periodic one cancelling is always true, and proves nothing about the DPC */
static void a_periodic_timer(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, 0, 1, &dpc), 0);
	tw_wait_until(test, runs() >= 3);
	KUNIT_EXPECT_TRUE(test, ke_cancel_timer(&timer));
	ke_flush_queued_dpcs();
	atomic_set(&seen.runs, 0);
	KUNIT_EXPECT_FALSE(test, ke_cancel_timer(&timer));
	/* Also while an expiry is under way, when it is not pending */
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 1, &dpc), 0);
	timer_delete(&timer.timer);
	KUNIT_EXPECT_TRUE(test, ke_cancel_timer(&timer));
	KUNIT_EXPECT_FALSE(test, ke_cancel_timer(&timer));
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), 0);
	KUNIT_EXPECT_EQ(test, runs(), 0);
	tw_expect_silence(test);
}

/* RLS-31, RLS-35: flushing waits for an expiry that has to insert its DPC yet */
static void flushing_covers_an_expiry(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, 0, 0, &dpc), 0);
	/* It stops at the timer's lock, having left the queue. */
	spin_lock_irq(&timer.header.lock);
	spin_unlock_irq(&timer.header.lock);
	tw_wait_until(test, !timer_pending(&timer.timer));
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 1);
}

/* RLS-32, VER-21: V-RLS-1, given up while it is set; the twin is clean */
static void a_set_timer_is_not_given_up(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EBUSY);
	tw_expect_violation(test, "V-RLS-1", "is set");
	KUNIT_EXPECT_TRUE(test, ke_cancel_timer(&timer));
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), 0);
	tw_expect_silence(test);
}

/* RLS-06: V-RLS-13, the DPC of a timer; not any more with another */
static void a_timer_needs_its_dpc(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 0, &dpc), 0);
	KUNIT_EXPECT_TRUE(test, ke_cancel_timer(&timer));
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "timer '-' of stage 2");
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 0, &dpc2), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), 0);
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, HOUR, 0, &dpc), -ESHUTDOWN);
	KUNIT_EXPECT_TRUE(test, ke_cancel_timer(&timer));
	tw_expect_silence(test);
}

/* RLS-32, RLS-46: two phases: a DPC that sets the timer that inserts it */
static void timer_and_dpc_start_each_other(struct kunit *test)
{
	seen.sets = &timer;
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, 0, 0, &dpc), 0);
	tw_wait_until(test, runs() >= 3);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	atomic_set(&seen.runs, 0);
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, 0, 0, &dpc), -ESHUTDOWN);
	KUNIT_EXPECT_FALSE(test, ke_insert_queue_dpc(&dpc, NULL, NULL));
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, runs(), 0);
	tw_expect_silence(test);
}

/* RLS-31, VER-22: V-GLB-9, nonsense */
static void initialised_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_initialize_dpc(&drv->owner, &dpc, note, NULL), -EEXIST);
	tw_expect_violation(test, "V-GLB-9", "DPC");
	KUNIT_EXPECT_EQ(test, ke_initialize_timer_ex(&drv->owner, &timer, NotificationTimer),
			-EEXIST);
	tw_expect_violation(test, "V-GLB-9", "timer");
	KUNIT_EXPECT_EQ(test, ke_initialize_dpc(&dev->owner, NULL, note, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_dpc(&dev->owner, &dpc, NULL, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_timer_ex(&dev->owner, &timer, WDM_MUTEX), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "timer at");
}

static int stopped;

static void second(struct wdm_device *device, void *context)
{
	if (!atomic_read(&seen.runs))
		stopped = io_stop_timer(device);
	seen.context = context;
	seen.softirq = in_serving_softirq();
	atomic_inc(&seen.runs);
}

/* RLS-30: once a second; not stopped by its routine; stopped, and started again */
static void an_io_timer(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_start_timer(dev), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_stop_timer(dev), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_initialize_timer(dev, second, &seen), 0);
	KUNIT_EXPECT_EQ(test, io_start_timer(dev), 0);
	KUNIT_EXPECT_EQ(test, io_start_timer(dev), 0);
	tw_wait_until(test, runs() == 2);
	KUNIT_EXPECT_EQ(test, stopped, -EDEADLK);
	tw_expect_violation(test, "RLS-30", "is stopped by its routine");
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (void *)&seen);
	KUNIT_EXPECT_TRUE(test, seen.softirq);
	KUNIT_EXPECT_EQ(test, io_stop_timer(dev), 0);
	KUNIT_EXPECT_EQ(test, io_stop_timer(dev), 0);
	KUNIT_EXPECT_EQ(test, io_start_timer(dev), 0);
	tw_wait_until(test, runs() == 3);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_EQ(test, runs(), 3);
}

/* RLS-30, VER-10: V-GLB-9, a second one for the device */
static void one_io_timer(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_initialize_timer(dev, NULL, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_initialize_timer(dev, second, NULL), 0);
	KUNIT_EXPECT_EQ(test, io_initialize_timer(dev, second, NULL), -EEXIST);
	tw_expect_violation(test, "V-GLB-9", "is given another");
}

/* RLS-82, X-14, VER-21: V-RLS-1, a device deleted while its timer is started; the twin */
static void deleted_with_an_io_timer(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_initialize_timer(dev, second, NULL), 0);
	KUNIT_EXPECT_EQ(test, io_start_timer(dev), 0);
	ke_uninitialize_timer(&timer);
	ke_uninitialize_dpc(&dpc);
	ke_uninitialize_dpc(&dpc2);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), -EBUSY);
	tw_expect_violation(test, "V-RLS-1", "is started");
	KUNIT_EXPECT_EQ(test, io_stop_timer(dev), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	tw_expect_silence(test);
}

static struct wdm_resource later;		/* of the stage after */
static int in_order[4];

static void stop_then_release(struct wdm_driver *driver)
{
	ke_uninitialize_timer(&timer);
	ke_uninitialize_dpc(&dpc);
	ke_uninitialize_dpc(&dpc2);
	in_order[0] = ex_delete_resource_lite(&later);
	in_order[1] = io_stop_timer(dev);
	in_order[2] = ex_delete_resource_lite(&later);
	in_order[3] = io_delete_device(dev);
}

/* RLS-30, RLS-82, VER-21: V-RLS-13, an IoTimer is to be stopped; it goes with its device */
static void released_after_an_io_timer(struct kunit *test)
{
	drv->driver_unload = stop_then_release;
	KUNIT_EXPECT_EQ(test, ex_initialize_resource_lite(&drv->owner, &later), 0);
	KUNIT_EXPECT_EQ(test, io_initialize_timer(dev, second, NULL), 0);
	KUNIT_EXPECT_EQ(test, io_start_timer(dev), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, in_order[0], -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "released before IoTimer");
	KUNIT_EXPECT_EQ(test, in_order[1], 0);
	KUNIT_EXPECT_EQ(test, in_order[2], 0);
	KUNIT_EXPECT_EQ(test, in_order[3], 0);
}

static int timer_test_init(struct kunit *test)
{
	tw_init(test);
	memset(&seen, 0, sizeof(seen));
	tw_gate_init(&gate, true);
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	KUNIT_ASSERT_EQ(test, ke_initialize_dpc(&dev->owner, &dpc, note, &seen), 0);
	KUNIT_ASSERT_EQ(test, ke_initialize_dpc(&dev->owner, &dpc2, note, &seen), 0);
	return ke_initialize_timer_ex(&dev->owner, &timer, NotificationTimer);
}

static void timer_test_exit(struct kunit *test)
{
	tw_gate_open(&gate);
	tw_exit(test);
}

static struct kunit_case timer_cases[] = {
	KUNIT_CASE(a_dpc_runs),
	KUNIT_CASE(a_dpc_is_removed),
	KUNIT_CASE(a_running_dpc_is_not_removed),
	KUNIT_CASE(flushing_where_it_is_allowed),
	KUNIT_CASE(a_busy_dpc_is_not_given_up),
	KUNIT_CASE(the_unload_runs_what_is_queued),
	KUNIT_CASE(left_by_the_unload),
	KUNIT_CASE(a_timer_expires),
	KUNIT_CASE(due_times),
	KUNIT_CASE(a_periodic_timer),
	KUNIT_CASE(flushing_covers_an_expiry),
	KUNIT_CASE(a_set_timer_is_not_given_up),
	KUNIT_CASE(a_timer_needs_its_dpc),
	KUNIT_CASE(timer_and_dpc_start_each_other),
	KUNIT_CASE(initialised_once),
	KUNIT_CASE(an_io_timer),
	KUNIT_CASE(one_io_timer),
	KUNIT_CASE(deleted_with_an_io_timer),
	KUNIT_CASE(released_after_an_io_timer),
	{}
};

static struct kunit_suite timer_suite = {
	.name = "wdm_timer",
	.init = timer_test_init,
	.exit = timer_test_exit,
	.test_cases = timer_cases,
};

kunit_test_suite(timer_suite);

MODULE_DESCRIPTION("Tests of DPCs and timers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
