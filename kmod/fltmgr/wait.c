// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits that end when the operation with which somebody waits is cancelled. What
 * is waited for is a completion, or several.
 *
 * complete() wakes one waiter, by taking him off the completion's queue. So whoever
 * was woken and leaves without having taken that completion looks whether there is
 * something to be taken still, and wakes the next one.
 */
#include <linux/completion.h>
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/swait.h>

#include "internal.h"

/* A thread that waits; on its stack. */
struct flt_wait {
	struct completion **objects;
	struct swait_queue *queues;		/* as many */
	unsigned int nr;
	u64 woken;				/* by these, which took us off their queues */
	bool all;
	struct flt_operation *op;		/* NULL: without one */
	struct task_struct *task;
	struct completion told;			/* whoever cancelled is done with this */
};

/* The cancel routine of an operation with which somebody waits. */
void flt_wait_cancel(struct flt_callback_data *data)
{
	struct flt_wait *wait = data->operation->cancel_context;

	wake_up_process(wait->task);
	complete(&wait->told);
}

/* The first that is complete; -1: none is. */
static int flt_wait_take_any(struct flt_wait *wait)
{
	unsigned int i;

	for (i = 0; i < wait->nr; i++)
		if (try_wait_for_completion(wait->objects[i]))
			return i;
	return -1;
}

/* All or none: what was taken is put back if another one is not complete. */
static int flt_wait_take_all(struct flt_wait *wait)
{
	unsigned int i;

	for (i = 0; i < wait->nr; i++)
		if (!completion_done(wait->objects[i]))
			return -1;
	flt_race_point("wait_take_all", wait->op);
	for (i = 0; i < wait->nr; i++)
		if (!try_wait_for_completion(wait->objects[i]))
			break;
	if (i == wait->nr)
		return 0;
	while (i--)
		complete(wait->objects[i]);
	return -1;
}

static int flt_wait_take(struct flt_wait *wait)
{
	return wait->all ? flt_wait_take_all(wait) : flt_wait_take_any(wait);
}

static bool flt_wait_canceled(const struct flt_wait *wait)
{
	return wait->op && READ_ONCE(wait->op->canceled);
}

static void flt_wait_prepare(struct flt_wait *wait)
{
	unsigned int i;

	for (i = 0; i < wait->nr; i++)
		prepare_to_swait_exclusive(&wait->objects[i]->wait, &wait->queues[i],
					   TASK_KILLABLE);
}

/* After a sleep, and before the queues are joined again. */
static void flt_wait_note(struct flt_wait *wait)
{
	unsigned int i;

	for (i = 0; i < wait->nr; i++)
		if (list_empty_careful(&wait->queues[i].task_list))
			wait->woken |= BIT_ULL(i);
}

/* Does somebody else wait, who is in front of us if we do? */
static bool flt_wait_others(struct swait_queue_head *head, const struct swait_queue *ours)
{
	unsigned long flags;
	bool others;

	raw_spin_lock_irqsave(&head->lock, flags);
	others = !list_empty(&head->task_list) && head->task_list.next != &ours->task_list;
	raw_spin_unlock_irqrestore(&head->lock, flags);
	return others;
}

/* Others are not to miss what has woken us, and what we did not take. */
static void flt_wait_pass_on(struct flt_wait *wait)
{
	unsigned int i;

	for (i = 0; i < wait->nr; i++) {
		struct completion *object = wait->objects[i];

		if (wait->woken & BIT_ULL(i) && completion_done(object) &&
		    flt_wait_others(&object->wait, &wait->queues[i]))
			swake_up_one(&object->wait);
	}
	wait->woken = 0;
}

/* @taken: as flt_wait_take() said. What was taken is somebody else's now. */
static void flt_wait_finish(struct flt_wait *wait, int taken)
{
	unsigned int i;

	flt_wait_note(wait);
	for (i = 0; i < wait->nr; i++)
		finish_swait(&wait->objects[i]->wait, &wait->queues[i]);
	if (taken >= 0)
		wait->woken &= wait->all ? 0 : ~BIT_ULL(taken);
	flt_wait_pass_on(wait);
}

/* Which was taken (0 for all); or an error, or STATUS_TIMEOUT. */
static int flt_wait(struct flt_wait *wait, long timeout)
{
	int taken;

	for (;;) {
		flt_wait_prepare(wait);
		taken = flt_wait_take(wait);
		if (taken >= 0 || flt_wait_canceled(wait) || !timeout ||
		    fatal_signal_pending(current))
			break;
		flt_wait_pass_on(wait);
		timeout = schedule_timeout(timeout);
		flt_wait_note(wait);
	}
	flt_wait_finish(wait, taken);
	if (taken >= 0)
		return taken;
	if (flt_wait_canceled(wait))
		return STATUS_CANCELLED;
	return timeout ? STATUS_THREAD_IS_TERMINATING : STATUS_TIMEOUT;
}

static int flt_wait_with(struct flt_wait *wait, long timeout, struct flt_callback_data *data)
{
	int rc, taken;

	if (!data)
		return flt_wait(wait, timeout);
	wait->op = flt_operation_of(data, "CAN-09", "wait");
	if (!wait->op)
		return STATUS_INVALID_PARAMETER;
	wait->task = current;
	init_completion(&wait->told);
	rc = flt_cancel_arm(wait->op, "CAN-09", flt_wait_cancel, wait);
	if (rc == STATUS_CANCELLED) {
		taken = flt_wait_take(wait);
		return taken >= 0 ? taken : rc;
	}
	if (rc)
		return rc;
	rc = flt_wait(wait, timeout);
	if (!flt_cancel_disarm(wait->op, flt_wait_cancel))
		wait_for_completion(&wait->told);
	return rc;
}

/**
 * flt_cancellable_wait_for_single_object() - wait, but not for a cancelled operation
 * @object: what is waited for
 * @timeout: for how long at most, in jiffies: 0 tests and does not wait,
 *	%MAX_SCHEDULE_TIMEOUT waits for ever
 * @data: an operation that the caller holds, and that is not otherwise
 *	cancellable; or NULL
 *
 * As wait_for_completion_killable_timeout(), and the wait ends too when the
 * operation is cancelled. That cancels nothing else, and the operation is still
 * the caller's. If the object is complete, then that is what counts.
 *
 * Reported and refused: an operation that is in a queue or has a cancel
 * routine, or that the caller does not hold, a drained copy. CAN-09, CAN-10
 *
 * Context: PASSIVE.
 * Return: 0: @object was complete; STATUS_TIMEOUT, which is positive;
 * -ECANCELED: the operation is cancelled; -EINTR: the thread was killed;
 * -EINVAL: refused, or a negative time-out.
 */
int flt_cancellable_wait_for_single_object(struct completion *object, long timeout,
					   struct flt_callback_data *data)
{
	struct swait_queue queue;
	struct flt_wait wait = { .objects = &object, .queues = &queue, .nr = 1 };

	if (!flt_passive() || timeout < 0)
		return STATUS_INVALID_PARAMETER;
	queue.task = current;
	INIT_LIST_HEAD(&queue.task_list);
	return flt_wait_with(&wait, timeout, data);
}
EXPORT_SYMBOL_GPL(flt_cancellable_wait_for_single_object);

/**
 * flt_cancellable_wait_for_multiple_objects() - wait for several, or one of several
 * @count: how many objects, 1 to %FLT_MAXIMUM_WAIT_OBJECTS
 * @objects: what is waited for, each once
 * @wait_type: %FLT_WAIT_ALL: for all, of which none is taken before all are complete;
 *	%FLT_WAIT_ANY: for the first of them
 * @timeout: as with flt_cancellable_wait_for_single_object()
 * @data: likewise
 *
 * CAN-09, CAN-10
 *
 * Context: PASSIVE.
 * Return: 0 for %FLT_WAIT_ALL, and for %FLT_WAIT_ANY the number of the object that
 * was complete, from 0, the lowest if there are several; -ENOMEM; or as
 * flt_cancellable_wait_for_single_object(), where STATUS_TIMEOUT is above any number.
 */
int flt_cancellable_wait_for_multiple_objects(unsigned int count, struct completion **objects,
					      enum flt_wait_type wait_type, long timeout,
					      struct flt_callback_data *data)
{
	struct flt_wait wait = {
		.objects = objects,
		.nr = count,
		.all = wait_type == FLT_WAIT_ALL,
	};
	unsigned int i;
	int rc;

	BUILD_BUG_ON(STATUS_TIMEOUT < FLT_MAXIMUM_WAIT_OBJECTS);
	BUILD_BUG_ON(BITS_PER_BYTE * sizeof(wait.woken) < FLT_MAXIMUM_WAIT_OBJECTS);
	if (!flt_passive() || timeout < 0 || !count || count > FLT_MAXIMUM_WAIT_OBJECTS ||
	    (wait_type != FLT_WAIT_ALL && wait_type != FLT_WAIT_ANY))
		return STATUS_INVALID_PARAMETER;
	wait.queues = kmalloc_array(count, sizeof(*wait.queues), GFP_NOIO);
	if (!wait.queues)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (i = 0; i < count; i++) {
		wait.queues[i].task = current;
		INIT_LIST_HEAD(&wait.queues[i].task_list);
	}
	rc = flt_wait_with(&wait, timeout, data);
	kfree(wait.queues);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_cancellable_wait_for_multiple_objects);
