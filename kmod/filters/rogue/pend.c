// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: operations that are pended, and that can be cancelled meanwhile.
 *
 * What is completed before the pre-operation has returned cannot go before that:
 * so most modes have no agent, and what they do wrong is seen at once.
 */
#include <linux/spinlock.h>

#include "rogue.h"

static void rogue_go_on(struct flt_callback_data *data)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
}

/* The one operation that is pended for long. */
static DEFINE_SPINLOCK(rogue_lock);
static struct flt_callback_data *rogue_pended;	/* rogue_lock */
static bool rogue_cancellable;			/* likewise: it has a routine */
static bool rogue_canceled;			/* likewise: that was called, and forgot it */

static void rogue_complete_canceled(struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	data->io_status.information = 0;
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

static void rogue_cancel(struct flt_callback_data *data)
{
	struct flt_callback_data *ours = NULL;
	unsigned long flags;

	spin_lock_irqsave(&rogue_lock, flags);
	if (rogue_good())
		swap(ours, rogue_pended);
	else
		rogue_canceled = true;
	spin_unlock_irqrestore(&rogue_lock, flags);
	if (ours)
		rogue_complete_canceled(ours);
}

/* What the pre-operation is to return. */
int rogue_pend(struct flt_callback_data *data, bool cancellable)
{
	unsigned long flags;
	int status = FLT_PREOP_SUCCESS_NO_CALLBACK;

	spin_lock_irqsave(&rogue_lock, flags);
	if (!rogue_pended &&
	    (!cancellable || !flt_set_cancel_completion(data, rogue_cancel))) {
		rogue_pended = data;
		rogue_cancellable = cancellable;
		rogue_canceled = false;
		status = FLT_PREOP_PENDING;
	}
	spin_unlock_irqrestore(&rogue_lock, flags);
	return status;
}

/* Complete what is pended, unless its cancel routine is about to. */
void rogue_let_go(void)
{
	struct flt_callback_data *data = NULL;
	unsigned long flags;

	spin_lock_irqsave(&rogue_lock, flags);
	if (rogue_pended && (!rogue_cancellable || rogue_canceled ||
			     !flt_clear_cancel_completion(rogue_pended)))
		swap(data, rogue_pended);
	spin_unlock_irqrestore(&rogue_lock, flags);
	if (data)
		rogue_go_on(data);
}

static int rogue_pend_never(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void **context)
{
	return rogue_pend(data, false);
}

static int rogue_cancel_slow(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	return rogue_pend(data, true);
}

static int rogue_pend_twice(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void **context)
{
	rogue_go_on(data);
	if (!rogue_good())
		rogue_go_on(data);
	return FLT_PREOP_PENDING;
}

static int rogue_pend_illegal(struct flt_callback_data *data,
			      const struct flt_related_objects *objs, void **context)
{
	if (!rogue_good())
		flt_complete_pended_preoperation(data, FLT_PREOP_SYNCHRONIZE, NULL);
	rogue_go_on(data);
	return FLT_PREOP_PENDING;
}

static int rogue_pend_and_go(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	rogue_go_on(data);
	return rogue_good() ? FLT_PREOP_PENDING : FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static struct flt_callback_data *rogue_seen;

/* It is remembered, and passed on. */
static int rogue_pend_late(struct flt_callback_data *data,
			   const struct flt_related_objects *objs, void **context)
{
	WRITE_ONCE(rogue_seen, data);
	rogue_again();
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* By now it has ended. */
static void rogue_pend_late_start(const struct flt_related_objects *objs)
{
	struct flt_callback_data *data = xchg(&rogue_seen, NULL);

	if (data && !rogue_good())
		rogue_go_on(data);
}

static void rogue_not_canceled(struct flt_callback_data *data)
{
	rogue_complete_canceled(data);
}

static int rogue_cancel_left(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	if (flt_set_cancel_completion(data, rogue_not_canceled))
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	if (!rogue_good() || !flt_clear_cancel_completion(data))
		rogue_go_on(data);
	return FLT_PREOP_PENDING;
}

const struct rogue_mode rogue_pend_modes[] = {
	{ .name = "pend-never", .rule = "TDN-30", .pre = rogue_pend_never, .keeps = true,
	  .wrong = "pends an operation and does not complete it when it is detached" },
	{ .name = "pend-twice", .rule = "PND-07", .pre = rogue_pend_twice,
	  .wrong = "completes an operation twice" },
	{ .name = "pend-illegal", .rule = "PND-03", .pre = rogue_pend_illegal,
	  .wrong = "completes with a status that is not for that" },
	{ .name = "pend-and-go", .rule = "PND-01", .pre = rogue_pend_and_go,
	  .wrong = "completes an operation and then lets it go on" },
	{ .name = "pend-late", .rule = "PND-07", .pre = rogue_pend_late,
	  .start = rogue_pend_late_start,
	  .wrong = "completes an operation that has ended, in teardown_start" },
	{ .name = "cancel-left", .rule = "CAN-03", .pre = rogue_cancel_left,
	  .wrong = "completes an operation with its cancel routine set" },
	{ .name = "cancel-slow", .rule = "VRF-14", .pre = rogue_cancel_slow,
	  .wrong = "its cancel routine does not complete the operation" },
	{ }
};
