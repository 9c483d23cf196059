// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: a line of its own that nothing drives but the test.
 */
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/irqdesc.h>
#include <linux/module.h>

#include "testwdm.h"

static int line = -1;
static struct wdm_interrupt *interrupt, *other;
static struct wdm_dpc dpc;
static struct tw_gate gate;

static struct {
	atomic_t served, dpcs;
	void *context;
	bool hardirq;
	bool hold;
	bool enabled;			/* the source */
	bool not_mine;
	bool disconnects;
	int rc;
} seen;

static bool serve(struct wdm_interrupt *this, void *context)
{
	seen.context = context;
	seen.hardirq = in_hardirq();
	if (seen.hold)
		tw_gate_pass(&gate);
	if (seen.disconnects)
		seen.rc = io_disconnect_interrupt(this);
	ke_insert_queue_dpc(&dpc, NULL, NULL);
	atomic_inc(&seen.served);
	return !seen.not_mine;
}

static bool serve_other(struct wdm_interrupt *this, void *context)
{
	atomic_inc(context);
	return true;
}

static void count(struct wdm_dpc *this, void *context, void *argument1, void *argument2)
{
	atomic_inc(&seen.dpcs);
}

static bool enabled(void *context)
{
	return seen.enabled;
}

static void raise_line(struct irq_work *work)
{
	generic_handle_irq(line);
}

static void raise_there(void *arg)
{
	generic_handle_irq(line);
}

/* In a hard interrupt of this processor. */
static void raise_it(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(raise_line);

	irq_work_queue(&work);
	irq_work_sync(&work);
}

static call_single_data_t there;

/* Of the second one, where it may be held. */
static void raise_elsewhere(void)
{
	INIT_CSD(&there, raise_there, NULL);
	smp_call_function_single_async(1, &there);
}

static int connect_as(struct wdm_owner *owner, wdm_service_routine routine, void *context,
		      struct wdm_interrupt **made)
{
	struct wdm_interrupt_parameters p = {
		.irq = line,
		.shared = true,
		.name = "line",
		.service_routine = routine,
		.service_context = context,
		.source_enabled = enabled,
	};

	return io_connect_interrupt(owner, &p, made);
}

static int connect_it(void)
{
	return connect_as(&dev->owner, serve, &seen, &interrupt);
}

/* RLS-20: served in a hard interrupt, with its context; the DPC runs; then no more */
static void an_interrupt_is_served(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	raise_it();
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.served), 1);
	KUNIT_EXPECT_TRUE(test, seen.hardirq);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (void *)&seen);
	ke_flush_queued_dpcs();
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.dpcs), 1);
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(interrupt), 0);
	KUNIT_EXPECT_FALSE(test, irq_has_action(line));
	tw_expect_silence(test);
}

/* RLS-20, VER-21: V-RLS-5, disconnected while the device may raise it; the twin is clean */
static void the_device_first(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	seen.enabled = true;
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(interrupt), -EBUSY);
	tw_expect_violation(test, "V-RLS-5", "has its source enabled");
	/* Refused: it is still served. */
	raise_it();
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.served), 1);
	seen.enabled = false;
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(interrupt), 0);
	tw_expect_silence(test);
}

/* RLS-21, RLS-25, X-13: V-GLB-9, exactly once */
static void disconnected_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(interrupt), 0);
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(interrupt), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(NULL), -EINVAL);
}

/* RLS-21: not by its own routine, which it would wait for */
static void disconnected_by_its_routine(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	seen.disconnects = true;
	raise_it();
	KUNIT_EXPECT_EQ(test, seen.rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_disconnect_interrupt");
	KUNIT_EXPECT_TRUE(test, irq_has_action(line));
}

static int disconnect(void *arg)
{
	return io_disconnect_interrupt(arg);
}

/* RLS-21, RLS-05: disconnecting waits for the routine on another processor */
static void disconnecting_waits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	tw_thread_prepare(test, 0, disconnect, interrupt);
	seen.hold = true;
	raise_elsewhere();
	tw_gate_wait(test, &gate);
	tw_thread_go(0);
	tw_wait_until(test, READ_ONCE(wdm_interrupt_record(interrupt)->state) ==
		      WDM_RECORD_CLAIMED);
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.served), 1);
}

static void turn_off(struct wdm_device *device, enum wdm_stage stage)
{
	if (stage == WDM_STAGE_INTERRUPTS) {
		seen.enabled = false;
		tw_log("off");
	}
}

/* RLS-20, RLS-25: in a removal the driver turns the device off first */
static void removed_in_order(struct kunit *test)
{
	drv->driver_stage = turn_off;
	seen.enabled = true;
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(wdm_interrupt_record(interrupt), &dpc.record), 0);
	raise_it();
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_log(test, "off");
	KUNIT_EXPECT_FALSE(test, irq_has_action(line));
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.dpcs), 1);
	tw_expect_silence(test);
}

/* RLS-26: V-RLS-5, in a removal it is disconnected all the same, and that is reported */
static void removed_with_the_device_on(struct kunit *test)
{
	seen.enabled = true;
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_violation(test, "V-RLS-5", "in the stage after");
	KUNIT_EXPECT_FALSE(test, irq_has_action(line));
}

static void leave_all(struct wdm_driver *driver)
{
	seen.rc = io_delete_device(dev);
}

/* RLS-20, RLS-26, RLS-91: V-RLS-5, left by the unload; V-RLS-13, the device deleted before */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_all;
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), 0);
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, seen.rc, -EBUSY);
	/* deleted too early; device and interrupt left */
	tw_expect_violations(test, 3);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-5: interrupt 'line'"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "io_connect_interrupt"));
	KUNIT_EXPECT_FALSE(test, irq_has_action(line));
}

/* RLS-26, RLS-06: V-RLS-13, the DPC that the routine inserts, before the interrupt */
static void the_dpc_stays(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(wdm_interrupt_record(interrupt), &dpc.record), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "interrupt 'line' of stage 1");
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(interrupt), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_dpc(&dpc), 0);
	tw_expect_silence(test);
}

/* RLS-21: a shared line: what is disconnected is not served, what is not is */
static void a_shared_line(struct kunit *test)
{
	atomic_t others = ATOMIC_INIT(0);

	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	KUNIT_EXPECT_EQ(test, connect_as(&drv->owner, serve_other, &others, &other), 0);
	seen.not_mine = true;
	raise_it();
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.served), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&others), 1);
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(interrupt), 0);
	raise_it();
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.served), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&others), 2);
	KUNIT_EXPECT_EQ(test, io_disconnect_interrupt(other), 0);
}

static bool look(void *context)
{
	int n;

	raise_elsewhere();
	/* The service routine is on the other processor, and cannot begin. */
	for (n = 0; n < 400; n++)
		udelay(5);
	return atomic_read(&seen.served) == 0 && irqs_disabled();
}

/* RLS-20: nothing is served while something is synchronized with it */
static void synchronized_with_the_routine(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, connect_it(), 0);
	KUNIT_EXPECT_TRUE(test, ke_synchronize_execution(interrupt, look, NULL));
	tw_wait_until(test, atomic_read(&seen.served) == 1);
}

/* RLS-20: what is missing, and where sleeping is not allowed */
static void connecting_is_refused(struct kunit *test)
{
	struct wdm_interrupt_parameters p = { .irq = line, .name = "line" };
	int rc;

	KUNIT_EXPECT_EQ(test, io_connect_interrupt(&dev->owner, &p, &interrupt), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_connect_interrupt(&dev->owner, NULL, &interrupt), -EINVAL);
	KUNIT_EXPECT_EQ(test, connect_as(NULL, serve, NULL, &interrupt), -EINVAL);
	p.service_routine = serve;
	p.irq = 100000;
	KUNIT_EXPECT_EQ(test, io_connect_interrupt(&dev->owner, &p, &interrupt), -EINVAL);
	preempt_disable();
	rc = connect_it();
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_connect_interrupt");
	dev->removing = true;
	KUNIT_EXPECT_EQ(test, connect_it(), -ESHUTDOWN);
	dev->removing = false;
	KUNIT_EXPECT_FALSE(test, irq_has_action(line));
}

static int interrupt_test_init(struct kunit *test)
{
	tw_init(test);
	memset(&seen, 0, sizeof(seen));
	tw_gate_init(&gate, true);
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	line = irq_alloc_desc(0);
	KUNIT_ASSERT_GT(test, line, 0);
	irq_set_chip_and_handler(line, &dummy_irq_chip, handle_simple_irq);
	irq_clear_status_flags(line, IRQ_NOREQUEST);
	return ke_initialize_dpc(&dev->owner, &dpc, count, NULL);
}

static void interrupt_test_exit(struct kunit *test)
{
	tw_gate_open(&gate);
	seen.enabled = false;
	tw_exit(test);
	irq_free_desc(line);
}

static struct kunit_case interrupt_cases[] = {
	KUNIT_CASE(an_interrupt_is_served),
	KUNIT_CASE(the_device_first),
	KUNIT_CASE(disconnected_once),
	KUNIT_CASE(disconnected_by_its_routine),
	KUNIT_CASE(disconnecting_waits),
	KUNIT_CASE(removed_in_order),
	KUNIT_CASE(removed_with_the_device_on),
	KUNIT_CASE(left_by_the_unload),
	KUNIT_CASE(the_dpc_stays),
	KUNIT_CASE(a_shared_line),
	KUNIT_CASE(synchronized_with_the_routine),
	KUNIT_CASE(connecting_is_refused),
	{}
};

static struct kunit_suite interrupt_suite = {
	.name = "wdm_interrupt",
	.init = interrupt_test_init,
	.exit = interrupt_test_exit,
	.test_cases = interrupt_cases,
};

kunit_test_suite(interrupt_suite);

MODULE_DESCRIPTION("Tests of interrupts");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
