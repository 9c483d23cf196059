// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers: timer_list, with an optional DPC each.
 *
 * What an expiry does is one step under the lock of the timer, insertion of the
 * DPC included: who marks the timer, or cancels it, comes before or after it.
 */
#include <linux/export.h>
#include <linux/jiffies.h>

#include "internal.h"

static struct wdm_timer *wdm_timer_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_timer, header.record);
}

static const char *wdm_timer_close(struct wdm_record *record)
{
	struct wdm_timer *timer = wdm_timer_of(record);
	const char *use = NULL;
	unsigned long flags;

	spin_lock_irqsave(&timer->header.lock, flags);
	if (timer_pending(&timer->timer))
		use = "is set";
	else if (timer->header.waiters)
		use = "has waiters";
	else
		timer->header.down = true;
	spin_unlock_irqrestore(&timer->header.lock, flags);
	return use;
}

/* RLS-32: it waits, and nothing arms it again. */
static void wdm_timer_drain(struct wdm_record *record)
{
	timer_shutdown_sync(&wdm_timer_of(record)->timer);
	wdm_dispatcher_drain(record);
}

static const struct wdm_kind wdm_timer_kind = {
	.name = "timer",
	.rule = "V-RLS-1",
	.stage = WDM_STAGE_ROUTINES,
	.rank = WDM_RANK_TIMERS,
	.mark = wdm_dispatcher_mark,
	.close = wdm_timer_close,
	.drain = wdm_timer_drain,
};

static void wdm_timer_expire(struct timer_list *list)
{
	struct wdm_timer *timer = from_timer(timer, list, timer);
	unsigned long flags;

	spin_lock_irqsave(&timer->header.lock, flags);
	/* Pending: set anew after it had expired, which was too late to change that. */
	if (!timer->header.down && !timer_pending(&timer->timer)) {
		if (timer->period)
			mod_timer(&timer->timer, jiffies + timer->period);
		timer->header.signal = 1;
		wake_up_all(&timer->header.wait);
	}
	if (!timer->header.down && timer->dpc)
		ke_insert_queue_dpc(timer->dpc, NULL, NULL);
	spin_unlock_irqrestore(&timer->header.lock, flags);
}

/**
 * ke_initialize_timer_ex() - make a timer (KeInitializeTimerEx)
 * @owner: for whom
 * @timer: its memory
 * @type: %NotificationTimer or %SynchronizationTimer: whether a wait for it takes
 *	the signal away
 *
 * timer_setup(). RLS-31, RLS-32
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL; -EEXIST, and reported (V-GLB-9), if it is one; -ESHUTDOWN
 * if @owner goes.
 */
int ke_initialize_timer_ex(struct wdm_owner *owner, struct wdm_timer *timer,
			   enum wdm_signal_type type)
{
	int rc;

	if (!timer || type > SynchronizationTimer)
		return -EINVAL;
	rc = wdm_record_new(&timer->header.record, owner, &wdm_timer_kind);
	if (rc)
		return rc;
	wdm_dispatcher_init(&timer->header, type, 0, 1);
	timer_setup(&timer->timer, wdm_timer_expire, 0);
	timer->dpc = NULL;
	timer->period = 0;
	return wdm_record_add(&timer->header.record, owner, &wdm_timer_kind, NULL, NULL);
}
EXPORT_SYMBOL_GPL(ke_initialize_timer_ex);

/**
 * ke_uninitialize_timer() - give a timer up: its memory may go
 * @timer: a timer that is not set, and that nobody waits for
 *
 * Windows has no such routine: the memory just goes. timer_shutdown_sync(): the
 * rest of an expiry is waited for; the DPC that it has inserted is not.
 *
 * Context: PASSIVE.
 * Return: 0; -EBUSY, and reported (V-RLS-1), if it is set or waited for; -EINVAL,
 * and reported (V-GLB-9), if it is none; -EALREADY if the unload does it.
 */
int ke_uninitialize_timer(struct wdm_timer *timer)
{
	return wdm_release(&timer->header.record, &wdm_timer_kind);
}
EXPORT_SYMBOL_GPL(ke_uninitialize_timer);

/* The timer's lock. */
static int wdm_timer_arm(struct wdm_timer *timer, s64 due, unsigned int period)
{
	bool was = timer_delete(&timer->timer) || timer->period;

	if (timer->header.down)
		return -ESHUTDOWN;
	timer->period = period ? max(1UL, msecs_to_jiffies(period)) : 0;
	timer->header.signal = 0;
	mod_timer(&timer->timer, jiffies + wdm_timeout(due));
	return was;
}

/* With another DPC than before, which it needs from now on. L comes first. */
static int wdm_timer_arm_anew(struct wdm_timer *timer, s64 due, unsigned int period,
			      struct wdm_dpc *dpc)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&wdm_ledger_lock, flags);
	spin_lock(&timer->header.lock);
	rc = wdm_record_depend(&timer->header.record, 0, dpc ? &dpc->record : NULL);
	if (!rc) {
		timer->dpc = dpc;
		rc = wdm_timer_arm(timer, due, period);
	}
	spin_unlock(&timer->header.lock);
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	return rc;
}

/**
 * ke_set_timer_ex() - set a timer (KeSetTimer, KeSetTimerEx)
 * @timer: the timer
 * @due: when it expires, in units of 100 ns: negative: from now on; positive:
 *	since 1601; 0: at once
 * @period: in ms; it expires again and again; 0: once
 * @dpc: what it inserts, or NULL
 *
 * mod_timer(), so in jiffies. A timer that is set is set anew. The DPC is needed
 * by the timer until another is given, or the timer goes. RLS-31
 *
 * Context: DISPATCH.
 * Return: 1 if it was set; 0 if it was not; -ESHUTDOWN, and it is not set anew, if
 * the timer or the DPC goes.
 */
int ke_set_timer_ex(struct wdm_timer *timer, s64 due, unsigned int period, struct wdm_dpc *dpc)
{
	unsigned long flags;
	bool same;
	int rc = 0;

	spin_lock_irqsave(&timer->header.lock, flags);
	same = timer->dpc == dpc;
	if (same)
		rc = wdm_timer_arm(timer, due, period);
	spin_unlock_irqrestore(&timer->header.lock, flags);
	return same ? rc : wdm_timer_arm_anew(timer, due, period, dpc);
}
EXPORT_SYMBOL_GPL(ke_set_timer_ex);

/**
 * ke_cancel_timer() - have a timer not expire (KeCancelTimer)
 * @timer: the timer
 *
 * timer_delete(): does not wait. After false, and of a periodic timer after true,
 * too, an expiry may be under way, or its DPC; ke_flush_queued_dpcs() waits for
 * both. RLS-31
 *
 * Context: DISPATCH.
 * Return: true if it was set, or is periodic; false if not.
 */
bool ke_cancel_timer(struct wdm_timer *timer)
{
	unsigned long flags;
	bool was;

	spin_lock_irqsave(&timer->header.lock, flags);
	was = timer_delete(&timer->timer);
	if (timer->period) {
		timer->period = 0;
		was = true;
	}
	spin_unlock_irqrestore(&timer->header.lock, flags);
	return was;
}
EXPORT_SYMBOL_GPL(ke_cancel_timer);

/**
 * ke_read_state_timer() - has a timer expired? (KeReadStateTimer)
 * @timer: the timer
 *
 * Context: ATOMIC.
 * Return: true if it is signalled.
 */
bool ke_read_state_timer(struct wdm_timer *timer)
{
	return READ_ONCE(timer->header.signal);
}
EXPORT_SYMBOL_GPL(ke_read_state_timer);
