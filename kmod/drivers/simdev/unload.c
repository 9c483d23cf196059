// SPDX-License-Identifier: GPL-2.0-only
/*
 * simdev: an unload routine of the Windows kind, which releases everything itself, in
 * its order. The order is a table. For tests a step of it can be left out (skip=NAME)
 * or be tried too early, before all others, and again in its place (early=NAME): each
 * time wdm says what is wrong, and refuses it; what is left in the end wdm releases.
 */
#include <linux/flt_sim.h>
#include <linux/module.h>
#include <linux/string.h>

#include "simdev.h"

int simdev_skip = -1;
int simdev_early = -1;

/* Stage 0: the filters are detached, operations end, nobody comes in. */
static int simdev_leave_entries(struct simdev *sd)
{
	flt_sim_dismount(sd->sim);
	io_release_remove_lock_and_wait(sd->device);
	return 0;
}

/* Stage 1: the device, then its interrupt. RLS-20 */
static int simdev_turn_off(struct simdev *sd)
{
	simdev_hw_off(sd->hw);
	return 0;
}

/* Refused, it goes on: those inside wait for it. */
static int simdev_disconnect(struct simdev *sd)
{
	int rc = io_disconnect_interrupt(sd->interrupt);

	if (rc)
		simdev_hw_on(sd->hw, sd->ring);
	return rc;
}

/*
 * Stage 2. A periodic timer: that it was cancelled says nothing, its DPC may be on the
 * way. Refused, it goes on, too.
 */
static int simdev_end_timer(struct simdev *sd)
{
	int rc;

	ke_cancel_timer(&sd->timer);
	ke_flush_queued_dpcs();
	rc = ke_uninitialize_timer(&sd->timer);
	if (rc)
		simdev_set_timer(sd);
	return rc;
}

static int simdev_end_dpcs(struct simdev *sd)
{
	int rc, rc2;

	ke_flush_queued_dpcs();
	rc = ke_uninitialize_dpc(&sd->dpc);
	rc2 = ke_uninitialize_dpc(&sd->timer_dpc);
	return rc ?: rc2;
}

/* It ends itself: it is told, then waited for, then its handle is closed. RLS-42 */
static int simdev_end_thread(struct wdm_thread *thread)
{
	ke_wait_for_single_object(&thread->header, false, NULL);
	return zw_close(thread);
}

static int simdev_end_threads(struct simdev *sd)
{
	int rc = 0;

	WRITE_ONCE(sd->stop, true);
	ke_set_event(&sd->wake);
	while (sd->nr_issuers && !rc)
		rc = simdev_end_thread(sd->issuers[--sd->nr_issuers]);
	return rc ?: simdev_end_thread(sd->worker);
}

/* None is queued: that would keep the module. RLS-38 */
static int simdev_free_work(struct simdev *sd)
{
	return io_free_work_item(sd->work);
}

static int simdev_end_event(struct simdev *sd)
{
	return ke_uninitialize_event(&sd->wake);
}

/* Stage 3 */
static int simdev_free_buffer(struct simdev *sd)
{
	return sd->adapter->dma_operations->free_common_buffer(sd->adapter,
							       SIMDEV_RING * sizeof(u64),
							       sd->logical, sd->ring, true);
}

/* Stage 4 */
static int simdev_put_adapter(struct simdev *sd)
{
	return sd->adapter->dma_operations->put_dma_adapter(sd->adapter);
}

/* Stage 7. The extension goes with it; nothing that uses the volume is there any more. */
static int simdev_delete(struct simdev *sd)
{
	struct flt_sim *sim = sd->sim;
	int rc = io_delete_device(sd->device);

	if (!rc)
		flt_sim_destroy(sim);
	return rc;
}

static const struct simdev_step {
	const char *name;
	int (*release)(struct simdev *sd);
	bool early;			/* is refused before others */
} simdev_steps[] = {
	{ "entries", simdev_leave_entries },
	{ "off", simdev_turn_off },
	{ "interrupt", simdev_disconnect, true },
	{ "timer", simdev_end_timer, true },
	{ "dpcs", simdev_end_dpcs, true },
	{ "threads", simdev_end_threads },
	{ "work", simdev_free_work },
	{ "event", simdev_end_event, true },
	{ "buffer", simdev_free_buffer, true },
	{ "adapter", simdev_put_adapter, true },
	{ "device", simdev_delete, true },
};

/* PASSIVE. The device may be gone then. */
void simdev_unload(struct simdev *sd)
{
	int n;

	if (simdev_early >= 0)
		simdev_steps[simdev_early].release(sd);
	for (n = 0; n < ARRAY_SIZE(simdev_steps); n++)
		if (n != simdev_skip)
			simdev_steps[n].release(sd);
}

/* The number of a step; -1 for "". */
static int simdev_step_set(const char *text, int *step, bool early)
{
	int n;

	if (sysfs_streq(text, "")) {
		*step = -1;
		return 0;
	}
	for (n = 0; n < ARRAY_SIZE(simdev_steps); n++) {
		if (!sysfs_streq(text, simdev_steps[n].name))
			continue;
		if (early && !simdev_steps[n].early)
			return -EINVAL;
		*step = n;
		return 0;
	}
	return -EINVAL;
}

static int simdev_set_skip(const char *text, const struct kernel_param *kp)
{
	return simdev_step_set(text, kp->arg, false);
}

static int simdev_set_early(const char *text, const struct kernel_param *kp)
{
	return simdev_step_set(text, kp->arg, true);
}

static int simdev_get_step(char *text, const struct kernel_param *kp)
{
	int step = *(int *)kp->arg;

	return sysfs_emit(text, "%s\n", step < 0 ? "" : simdev_steps[step].name);
}

const struct kernel_param_ops simdev_skip_ops = {
	.set = simdev_set_skip,
	.get = simdev_get_step,
};

const struct kernel_param_ops simdev_early_ops = {
	.set = simdev_set_early,
	.get = simdev_get_step,
};
