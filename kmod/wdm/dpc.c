// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred procedure calls: work on a workqueue of softirq context.
 *
 * A DPC is queued, or runs, or both: its routine may insert it again. It never
 * runs twice at a time; on Windows it may, on two processors.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "internal.h"

static struct workqueue_struct *wdm_dpc_wq;

static struct wdm_dpc *wdm_dpc_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_dpc, record);
}

static void wdm_dpc_mark(struct wdm_record *record)
{
	struct wdm_dpc *dpc = wdm_dpc_of(record);
	unsigned long flags;

	spin_lock_irqsave(&dpc->lock, flags);
	dpc->down = true;
	spin_unlock_irqrestore(&dpc->lock, flags);
}

static const char *wdm_dpc_close(struct wdm_record *record)
{
	struct wdm_dpc *dpc = wdm_dpc_of(record);
	const char *use = NULL;
	unsigned long flags;

	spin_lock_irqsave(&dpc->lock, flags);
	if (dpc->queued)
		use = "is queued";
	else if (dpc->runs)
		use = "runs";
	else
		dpc->down = true;
	spin_unlock_irqrestore(&dpc->lock, flags);
	return use;
}

/* What is queued runs. RLS-36, RLS-37, RLS-46 */
static void wdm_dpc_drain(struct wdm_record *record)
{
	struct wdm_dpc *dpc = wdm_dpc_of(record);

	flush_work(&dpc->work);
	disable_work_sync(&dpc->work);
}

static const struct wdm_kind wdm_dpc_kind = {
	.name = "DPC",
	.rule = "V-RLS-2",
	.stage = WDM_STAGE_ROUTINES,
	.rank = WDM_RANK_DPCS,
	.mark = wdm_dpc_mark,
	.close = wdm_dpc_close,
	.drain = wdm_dpc_drain,
};

static void wdm_dpc_work(struct work_struct *work)
{
	struct wdm_dpc *dpc = container_of(work, struct wdm_dpc, work);
	void *argument1, *argument2;

	spin_lock_irq(&dpc->lock);
	dpc->queued = false;
	dpc->runs = true;
	argument1 = dpc->argument1;
	argument2 = dpc->argument2;
	spin_unlock_irq(&dpc->lock);
	dpc->routine(dpc, dpc->context, argument1, argument2);
	spin_lock_irq(&dpc->lock);
	dpc->runs = false;
	spin_unlock_irq(&dpc->lock);
}

/**
 * ke_initialize_dpc() - make a DPC (KeInitializeDpc)
 * @owner: for whom
 * @dpc: its memory
 * @routine: what it calls, in softirq context
 * @context: for @routine
 *
 * Work on a workqueue of type WQ_BH. RLS-36
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL; -EEXIST, and reported (V-GLB-9), if it is one; -ESHUTDOWN
 * if @owner goes.
 */
int ke_initialize_dpc(struct wdm_owner *owner, struct wdm_dpc *dpc, wdm_dpc_routine routine,
		      void *context)
{
	int rc;

	if (!dpc || !routine)
		return -EINVAL;
	rc = wdm_record_new(&dpc->record, owner, &wdm_dpc_kind);
	if (rc)
		return rc;
	INIT_WORK(&dpc->work, wdm_dpc_work);
	spin_lock_init(&dpc->lock);
	dpc->routine = routine;
	dpc->context = context;
	dpc->queued = false;
	dpc->runs = false;
	dpc->down = false;
	return wdm_record_add(&dpc->record, owner, &wdm_dpc_kind, NULL, NULL);
}
EXPORT_SYMBOL_GPL(ke_initialize_dpc);

/**
 * ke_uninitialize_dpc() - give a DPC up: its memory may go
 * @dpc: a DPC that is not queued and does not run, and that no timer needs
 *
 * Windows has no such routine: the memory just goes.
 *
 * Context: PASSIVE.
 * Return: 0; -EBUSY, and reported, if it is queued or runs (V-RLS-2) or is needed
 * (V-RLS-13); -EINVAL, and reported (V-GLB-9), if it is none; -EALREADY if the
 * unload does it.
 */
int ke_uninitialize_dpc(struct wdm_dpc *dpc)
{
	return wdm_release(&dpc->record, &wdm_dpc_kind);
}
EXPORT_SYMBOL_GPL(ke_uninitialize_dpc);

/**
 * ke_insert_queue_dpc() - have a DPC run (KeInsertQueueDpc)
 * @dpc: the DPC
 * @argument1: for its routine
 * @argument2: likewise
 *
 * queue_work(). During an unload it is refused from its stage on.
 *
 * Context: ATOMIC.
 * Return: true if it is queued now; false if it was, and that with the arguments
 * of then, or if it is going.
 */
bool ke_insert_queue_dpc(struct wdm_dpc *dpc, void *argument1, void *argument2)
{
	unsigned long flags;
	bool queued = false;

	spin_lock_irqsave(&dpc->lock, flags);
	if (!dpc->down && !dpc->queued) {
		dpc->argument1 = argument1;
		dpc->argument2 = argument2;
		dpc->queued = true;
		queued = queue_work(wdm_dpc_wq, &dpc->work);
	}
	spin_unlock_irqrestore(&dpc->lock, flags);
	return queued;
}
EXPORT_SYMBOL_GPL(ke_insert_queue_dpc);

/**
 * ke_remove_queue_dpc() - have a DPC not run (KeRemoveQueueDpc)
 * @dpc: the DPC
 *
 * cancel_work(). Does not wait: false also if the routine runs, or is just about
 * to; ke_flush_queued_dpcs() waits for that. RLS-35
 *
 * Context: ATOMIC.
 * Return: true if it was queued, and will not run.
 */
bool ke_remove_queue_dpc(struct wdm_dpc *dpc)
{
	bool removed = false;
	unsigned long flags;

	spin_lock_irqsave(&dpc->lock, flags);
	if (dpc->queued && cancel_work(&dpc->work)) {
		dpc->queued = false;
		removed = true;
	}
	spin_unlock_irqrestore(&dpc->lock, flags);
	return removed;
}
EXPORT_SYMBOL_GPL(ke_remove_queue_dpc);

/**
 * ke_flush_queued_dpcs() - wait for DPCs (KeFlushQueuedDpcs)
 *
 * When it returns every DPC of any driver that was queued before has run, and
 * each timer that had expired before has inserted its own, which has run.
 * synchronize_rcu(), because timers expire in softirqs, and then
 * flush_workqueue(). Slow. RLS-31, RLS-35
 *
 * Context: PASSIVE; reported (LVL-02), and nothing waited for, elsewhere.
 */
void ke_flush_queued_dpcs(void)
{
	if (!wdm_passive(NULL, "ke_flush_queued_dpcs"))
		return;
	synchronize_rcu();
	flush_workqueue(wdm_dpc_wq);
}
EXPORT_SYMBOL_GPL(ke_flush_queued_dpcs);

int wdm_dpc_init(void)
{
	wdm_dpc_wq = alloc_workqueue("wdm_dpc", WQ_BH, 0);
	return wdm_dpc_wq ? 0 : -ENOMEM;
}

void wdm_dpc_exit(void)
{
	destroy_workqueue(wdm_dpc_wq);
}
