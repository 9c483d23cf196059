// SPDX-License-Identifier: GPL-2.0-only
/*
 * simdev: its I/O. The volume holds what arrives (flt_sim); each interrupt that finds
 * some of it has the next one in turn complete what has been there for long enough:
 * the service routine itself in the hard interrupt, the DPC in a softirq, a system
 * thread, or a work item. A timer sees to what was left lying.
 *
 * Issuers are system threads. Each is inside of the device for every operation that it
 * has on its way, and ends when it is not let in any more.
 */
#include <linux/flt_sim.h>

#include "simdev.h"

#define SIMDEV_BATCH		4
#define SIMDEV_TICK_MS		10
#define SIMDEV_OVERDUE_US	50000

/* As often as the parameter says; spread evenly. */
static int simdev_status(struct simdev *sd)
{
	unsigned int n = atomic_read(&sd->decided), permille = READ_ONCE(simdev_error_permille);

	return n * permille / 1000 != (n + 1) * permille / 1000 ? STATUS_IO_DEVICE_ERROR : 0;
}

/* What has arrived by then is due, or has been for so long. */
static ktime_t simdev_until(unsigned int overdue_us)
{
	return ktime_sub_us(ktime_get(), READ_ONCE(simdev_latency_us) + (u64)overdue_us);
}

/* Complete some that are due, here. ATOMIC */
static void simdev_complete(struct simdev *sd, enum simdev_total where, unsigned int overdue_us)
{
	ktime_t until = simdev_until(overdue_us);
	int n, status;

	for (n = 0; n < SIMDEV_BATCH; n++) {
		status = simdev_status(sd);
		if (flt_sim_release_due(sd->sim, until, FLT_SIM_PROCESS, status))
			return;
		atomic_inc(&sd->decided);
		simdev_count(where);
		if (status)
			simdev_count(SIMDEV_FAILED);
	}
}

static void simdev_work(struct wdm_device *device, void *context)
{
	struct simdev *sd = context;

	clear_bit(0, &sd->work_queued);
	simdev_complete(sd, SIMDEV_WORK, 0);
	simdev_count(SIMDEV_WORKS_RUN);
}

/* Once, however often. False if it cannot any more. */
static bool simdev_queue_work(struct simdev *sd)
{
	if (test_and_set_bit(0, &sd->work_queued))
		return true;
	simdev_count(SIMDEV_WORKS_QUEUED);
	if (!io_queue_work_item(sd->work, simdev_work, DelayedWorkQueue, sd))
		return true;
	simdev_count(SIMDEV_WORKS_REFUSED);
	clear_bit(0, &sd->work_queued);
	return false;
}

static bool simdev_insert_dpc(struct simdev *sd)
{
	if (ke_insert_queue_dpc(&sd->dpc, NULL, NULL))
		simdev_count(SIMDEV_DPCS_QUEUED);
	return true;
}

static void simdev_dpc(struct wdm_dpc *dpc, void *context, void *argument1, void *argument2)
{
	simdev_complete(context, SIMDEV_DPC, 0);
	simdev_count(SIMDEV_DPCS_RUN);
}

static void simdev_timer_dpc(struct wdm_dpc *dpc, void *context, void *argument1,
			     void *argument2)
{
	simdev_complete(context, SIMDEV_TIMER, SIMDEV_OVERDUE_US);
	simdev_count(SIMDEV_TICKS);
}

/* The device must have written a number that was not there at the last interrupt. */
static void simdev_look(struct simdev *sd)
{
	u64 now = READ_ONCE(sd->ring[(sd->seen + 1) % SIMDEV_RING]);

	if (now != sd->seen + 1)
		simdev_count(SIMDEV_WRONG);
	sd->seen++;
}

bool simdev_service(struct wdm_interrupt *interrupt, void *context)
{
	struct simdev *sd = context;
	bool taken = false;

	simdev_count(SIMDEV_INTERRUPTS);
	simdev_look(sd);
	if (!flt_sim_due(sd->sim, simdev_until(0)))
		return true;
	switch (sd->turn++ % 4) {
	case 1:
		taken = simdev_insert_dpc(sd);
		break;
	case 2:
		taken = ke_set_event(&sd->wake) >= 0;
		break;
	case 3:
		taken = simdev_queue_work(sd);
		break;
	}
	if (!taken)
		simdev_complete(sd, SIMDEV_HARDIRQ, 0);
	return true;
}

/* Until the event, or the device, goes: what it does not do, others will. */
static void simdev_worker(void *context)
{
	struct simdev *sd = context;

	while (!ps_thread_should_stop() && !READ_ONCE(sd->stop)) {
		if (ke_wait_for_single_object(&sd->wake.header, false, NULL))
			return;
		simdev_complete(sd, SIMDEV_THREAD, 0);
	}
}

/* Inside of the device until it is finished. */
static struct flt_sim_op *simdev_issue(struct simdev *sd, u64 n)
{
	struct flt_sim_op *op;

	if (io_acquire_remove_lock(sd->device))
		return NULL;
	op = flt_sim_op_alloc(sd->sim, n % 4 ? FLT_CLASS_READ : FLT_CLASS_WRITE,
			      n % 4096 * 4096, 4096, GFP_KERNEL);
	if (!IS_ERR(op)) {
		simdev_count(SIMDEV_ISSUED);
		if (!flt_sim_start(op))
			return op;
		/* Dismounted; it has not been on its way. */
		simdev_count(SIMDEV_ENDED);
		flt_sim_op_free(op);
	}
	io_release_remove_lock(sd->device);
	return NULL;
}

static void simdev_finish(struct simdev *sd, struct flt_sim_op *op)
{
	if (!op)
		return;
	while (flt_sim_op_wait(op, 30 * HZ))
		pr_warn("simdev: operation %llu does not end\n", op->id);
	simdev_count(SIMDEV_ENDED);
	if (op->status < 0)
		simdev_count(SIMDEV_ENDED_BADLY);
	if (op->ended.count != 1 || op->device_done.count > 1)
		simdev_count(SIMDEV_WRONG);
	flt_sim_op_free(op);
	io_release_remove_lock(sd->device);
}

static void simdev_issuer(void *context)
{
	struct flt_sim_op *ops[SIMDEV_DEPTH] = { };
	struct simdev *sd = context;
	u64 n;

	for (n = 0; !ps_thread_should_stop() && !READ_ONCE(sd->stop); n++) {
		struct flt_sim_op **op = &ops[n % SIMDEV_DEPTH];

		simdev_finish(sd, *op);
		*op = simdev_issue(sd, n);
		if (!*op)
			break;
	}
	for (n = 0; n < SIMDEV_DEPTH; n++)
		simdev_finish(sd, ops[n]);
}

/* What the service routine needs. */
int simdev_io_init(struct simdev *sd)
{
	struct wdm_owner *owner = &sd->device->owner;
	int rc;

	sd->work = io_allocate_work_item(sd->device);
	if (!sd->work)
		return -ENOMEM;
	rc = ke_initialize_dpc(owner, &sd->dpc, simdev_dpc, sd);
	if (!rc)
		rc = ke_initialize_dpc(owner, &sd->timer_dpc, simdev_timer_dpc, sd);
	if (!rc)
		rc = ke_initialize_timer_ex(owner, &sd->timer, NotificationTimer);
	if (!rc)
		rc = ke_initialize_event(owner, &sd->wake, SynchronizationEvent, false);
	return rc;
}

int simdev_set_timer(struct simdev *sd)
{
	return ke_set_timer_ex(&sd->timer, -SIMDEV_TICK_MS * 10000LL, SIMDEV_TICK_MS,
			       &sd->timer_dpc);
}

/* What has the others do something. */
int simdev_io_start(struct simdev *sd)
{
	struct wdm_owner *owner = &sd->device->owner;
	unsigned int nr = min(simdev_nr_issuers, SIMDEV_ISSUERS);
	int rc;

	rc = ps_create_system_thread(owner, "simdev_worker", simdev_worker, sd, &sd->worker);
	if (!rc)
		rc = min(simdev_set_timer(sd), 0);
	for (; !rc && sd->nr_issuers < nr; sd->nr_issuers += !rc)
		rc = ps_create_system_thread(owner, "simdev_issuer", simdev_issuer, sd,
					     &sd->issuers[sd->nr_issuers]);
	return rc;
}
