// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cancelling: a mark in the operation, and a routine to be called when it is
 * set.
 *
 * WHO GETS THE OPERATION
 *
 * Whoever takes the routine out of op->cancel_routine, by an exchange. There are
 * two who want it: the filter, to go on with the operation, and whoever cancels.
 *
 *	set				cancel
 *
 *	a routine there? refuse		mark
 *	marked? CANCELLED		full barrier
 *	place, context			routine = xchg(routine, NULL)
 *	cmpxchg(routine, NULL, r)	got one? it owns the operation: call it
 *	full barrier
 *	marked? take r back:		clear
 *	    got it: CANCELLED		r = xchg(routine, NULL)
 *	    else: cancel has it		got it: the operation is the caller's
 *
 * Of set and cancel each writes its word first and then looks at the other's, so
 * at least one of them sees the other; the exchange picks one if both do.
 * CAN-03, CAN-04
 *
 * The routine is called without a lock, by a thread that knows the operation
 * from the in-flight set only. What keeps it is that it is pended: nobody but
 * the routine can complete it. What keeps the filter's text is a hold of the
 * instance, taken under the lock of the set: it is a place where a teardown
 * either has its own hold still, or has a hold for this very operation.
 *
 * WHAT A FILTER LEAVES BEHIND
 *
 * A filter that lets an operation go on with its routine still in it would have
 * it called for an operation that is with somebody else. Completing a pend looks
 * for it (flt_cancel_settled()); and the one who cancels compares the place at
 * which it was set with the one at which the operation is. So that place and
 * routine belong together, nobody sets one after a cancel: "a routine there?" is
 * an acquire, and whoever sees the NULL that the cancel's exchange has left sees
 * its mark, too, and does not write the place.
 *
 * The mark stays: an operation that goes on after all, since nobody could be
 * told, is cancelled as soon as a lower or higher filter pends it cancellably.
 */
#include <linux/export.h>

#include "internal.h"

/* In a place: it is a node, the operation is with its post-operation. */
#define FLT_PLACE_POST	1UL

/* The filter of @inst has it, and has not given it back. */
static bool flt_word_held(unsigned long word)
{
	return flt_word_state(word) == FLT_OP_RUNNING || flt_word_state(word) == FLT_OP_PENDED;
}

static bool flt_node_held(const struct flt_node *node)
{
	int state = atomic_read(&node->state) & FLT_NODE_STATE_MASK;

	return state == FLT_NODE_POSTING || state == FLT_NODE_POST_PENDED ||
	       state == FLT_NODE_POSTED || state == FLT_NODE_SAFE;
}

/* Where the operation is held, by the caller; 0 if it is not. */
static unsigned long flt_place(struct flt_operation *op)
{
	unsigned long word = atomic_long_read(&op->word);
	struct flt_node *node = op->up;

	if (flt_word_instance(word))
		return flt_word_held(word) ? word & ~FLT_OP_FLAGS : 0;
	return node && flt_node_held(node) ? (unsigned long)node | FLT_PLACE_POST : 0;
}

/* Whose it is; NULL if it is not there any more. The operation cannot go. */
static struct flt_instance *flt_place_instance(struct flt_operation *op, unsigned long place)
{
	unsigned long word = atomic_long_read(&op->word);
	struct flt_node *node = (struct flt_node *)(place & ~FLT_PLACE_POST);

	if (place & FLT_PLACE_POST)
		return flt_node_held(node) ? node->instance : NULL;
	return (word & ~FLT_OP_FLAGS) == place && flt_word_held(word) ?
	       flt_word_instance(word) : NULL;
}

/* The instance that holds an operation of the caller's, NULL if none does. */
struct flt_instance *flt_cancel_holder(struct flt_operation *op)
{
	unsigned long place = flt_place(op);

	return place ? flt_place_instance(op, place) : NULL;
}

static int flt_cancel_refuse(struct flt_operation *op, const char *rule, unsigned long place,
			     const char *why)
{
	struct flt_instance *inst = place ? flt_place_instance(op, place) : NULL;

	/* It may be another's, and about to end. */
	flt_violation_op(rule, inst, op, "%s", why);
	return STATUS_INVALID_PARAMETER;
}

/*
 * Have @routine called if the operation is cancelled. 0; or CANCELLED: it was,
 * and is the caller's; or INVALID_PARAMETER, reported: that is nothing the
 * caller may do. Any context.
 */
int flt_cancel_arm(struct flt_operation *op, const char *rule,
		   flt_complete_canceled_callback routine, void *context)
{
	unsigned long place = flt_place(op);

	if (!place)
		return flt_cancel_refuse(op, rule, 0, "made cancellable, is not with a filter");
	/* Pairs with the exchange in flt_cancel_take(): its NULL, then its mark. */
	if (smp_load_acquire(&op->cancel_routine))
		return flt_cancel_refuse(op, rule, place, "made cancellable in two ways");
	if (READ_ONCE(op->canceled))
		return STATUS_CANCELLED;
	op->cancel_place = place;
	op->cancel_context = context;
	flt_race_point("cancel_arm", op);
	/* Publishes place and context; then the mark is read. Pairs with flt_cancel_take(). */
	if (cmpxchg(&op->cancel_routine, NULL, routine))
		return flt_cancel_refuse(op, rule, place, "made cancellable in two ways");
	flt_race_point("cancel_armed", op);
	if (READ_ONCE(op->canceled) && flt_cancel_disarm(op, routine))
		return STATUS_CANCELLED;
	return 0;
}

/* True: the operation is the caller's, @routine is not called. Any context. */
bool flt_cancel_disarm(struct flt_operation *op, flt_complete_canceled_callback routine)
{
	return cmpxchg(&op->cancel_routine, routine, NULL) == routine;
}

/*
 * Mark the operation. True: flt_cancel_run() is to be called next, without a
 * lock. The caller keeps the operation from going, here and not there.
 */
bool flt_cancel_take(struct flt_operation *op, struct flt_cancel *cancel)
{
	WRITE_ONCE(op->canceled, true);
	flt_race_point("cancel_marked", op);
	/* The mark before the look at the routine. Pairs with flt_cancel_arm(). */
	cancel->routine = xchg(&op->cancel_routine, NULL);
	if (!cancel->routine)
		return false;
	cancel->op = op;
	cancel->id = op->id;
	cancel->inst = flt_place_instance(op, op->cancel_place);
	if (cancel->inst)
		atomic_inc(&cancel->inst->hold);
	return true;
}

/*
 * A filter has let an operation go on with its routine set: the fault is whose routine
 * it is, and not of who finds out. @op: if it is there still, NULL otherwise.
 */
static void flt_cancel_went_on(u64 id, const struct flt_operation *op,
			       flt_complete_canceled_callback routine)
{
	struct flt_blame blame = { .rule = "CAN-03", .op_id = id, .code = routine };
	struct vrf_trace cause;

	if (op && flt_verifying() && flt_verify_op_trace(op, &cause, &blame.what))
		blame.cause = &cause;
	flt_blame(&blame, "went on with its cancel routine %ps set", routine);
}

/* Call the routine that was taken. False if there was nobody to be called. */
bool flt_cancel_run(struct flt_cancel *cancel)
{
	struct flt_run run;

	if (!cancel->inst) {
		flt_cancel_went_on(cancel->id, NULL, cancel->routine);
		return false;
	}
	flt_race_point("cancel_taken", cancel->op);
	/* What the routine completes goes on elsewhere: our hold is for the routine. */
	flt_run_begin(&run, FLT_RUN_SAFE, cancel->inst);
	flt_call_cancel(cancel->op, cancel->inst, cancel->routine);
	flt_run_end(&run);
	flt_teardown_put(cancel->inst);
	return true;
}

struct flt_cancel_scan {
	struct flt_cancel cancel;
	unsigned long min_age;
	unsigned int told;
};

static bool flt_cancel_visit(struct flt_operation *op, void *arg)
{
	struct flt_cancel_scan *scan = arg;

	/* Nothing becomes cancellable that has the mark already. */
	if (READ_ONCE(op->canceled) || jiffies - op->start < scan->min_age)
		return false;
	return flt_cancel_take(op, &scan->cancel);
}

static void flt_cancel_action(void *arg)
{
	struct flt_cancel_scan *scan = arg;

	scan->told += flt_cancel_run(&scan->cancel);
}

/**
 * flt_volume_cancel() - cancel the operations of a volume
 * @volume: the volume
 * @min_age: those that were dispatched at least so many jiffies ago; 0: all
 *
 * Each that is with the filters, or below and owed a post-operation, gets the
 * mark; where a filter has made it cancellable, that filter is told, here and
 * now, and completes it. The others go on, and whether they end sooner is up to
 * whoever has them. Those that come meanwhile may or may not be among them.
 * CAN-02, CAN-06, CAN-08
 *
 * Context: PASSIVE. The caller holds nothing that the completion of an
 * operation needs.
 * Return: how many operations' filters were told.
 */
unsigned int flt_volume_cancel(struct flt_volume *volume, unsigned long min_age)
{
	struct flt_cancel_scan scan = { .min_age = min_age };

	flt_inflight_scan(volume, flt_cancel_visit, flt_cancel_action, &scan);
	return scan.told;
}
EXPORT_SYMBOL_GPL(flt_volume_cancel);

static bool flt_is_irp(const struct flt_callback_data *data)
{
	return data->flags & FLTFL_CALLBACK_DATA_IRP_OPERATION;
}

/**
 * flt_set_cancel_completion() - have a routine called if an operation is cancelled
 * @data: an operation that the caller is about to pend, or has pended
 * @routine: what is called then, once; it completes the operation
 *
 * To be called just before the operation is handed to an agent of the filter's,
 * from its pre- or post-operation; or under a lock that @routine takes before it
 * completes the operation. For it may run before this returns, in any thread.
 * Before the operation goes on, flt_clear_cancel_completion() says whether it
 * may.
 *
 * Reported and refused: an operation that is in a queue or has a routine, one
 * that the caller does not hold, a drained copy. CAN-01, CAN-02, CAN-04
 *
 * Context: ATOMIC.
 * Return: 0; -ECANCELED: the operation is cancelled already, @routine is not
 * called and @data is still the caller's; -EINVAL: refused.
 */
int flt_set_cancel_completion(struct flt_callback_data *data,
			      flt_complete_canceled_callback routine)
{
	struct flt_operation *op = flt_operation_of(data, "CAN-01", "cancel routine");

	if (!op || !routine)
		return STATUS_INVALID_PARAMETER;
	if (!flt_is_irp(data))
		return flt_cancel_refuse(op, "CAN-01", flt_place(op),
					 "cannot be given a cancel routine");
	if (flt_verifying())
		flt_verify_handed(data);
	return flt_cancel_arm(op, "CAN-01", routine, NULL);
}
EXPORT_SYMBOL_GPL(flt_set_cancel_completion);

/* A routine that is the manager's own, not one that a filter has set. */
static bool flt_cancel_internal(flt_complete_canceled_callback routine)
{
	return routine == flt_cbdq_cancel || routine == flt_wait_cancel;
}

/**
 * flt_clear_cancel_completion() - take a cancel routine back
 * @data: an operation for which flt_set_cancel_completion() returned 0, and
 *	which its routine has not completed yet: see there
 *
 * CAN-03
 *
 * Context: ATOMIC.
 * Return: 0: the operation is the caller's, and the routine is not called;
 * -ECANCELED: there was none, or it has been called or is about to be: the
 * operation is the routine's, and @data not to be touched any more.
 */
int flt_clear_cancel_completion(struct flt_callback_data *data)
{
	struct flt_operation *op = flt_operation_of(data, "CAN-03", "cancel routine");
	flt_complete_canceled_callback routine;

	if (!op)
		return STATUS_CANCELLED;
	routine = READ_ONCE(op->cancel_routine);
	flt_race_point("cancel_clear", op);
	if (routine && !flt_cancel_internal(routine) && flt_cancel_disarm(op, routine))
		return 0;
	return STATUS_CANCELLED;
}
EXPORT_SYMBOL_GPL(flt_clear_cancel_completion);

/**
 * flt_is_io_canceled() - was an operation cancelled?
 * @data: an operation that the caller holds
 *
 * For whoever works on an operation for long without waiting. CAN-08
 *
 * Context: ATOMIC.
 * Return: true if it was, and the caller does well to end it.
 */
bool flt_is_io_canceled(struct flt_callback_data *data)
{
	struct flt_operation *op = data->operation;

	if (!op) {
		flt_violation("DRN-02", NULL, NULL, "cancel mark of a drained copy");
		return false;
	}
	if (!flt_is_irp(data)) {
		flt_cancel_refuse(op, "CAN-08", flt_place(op), "has no cancel mark");
		return false;
	}
	return READ_ONCE(op->canceled);
}
EXPORT_SYMBOL_GPL(flt_is_io_canceled);

/*
 * Somebody completes a pend while the operation can still be cancelled. False:
 * refused, it is not his to complete. Slow path of pend.c.
 */
bool flt_cancel_settled(struct flt_operation *op)
{
	/* The place is that of this routine. */
	flt_complete_canceled_callback routine = smp_load_acquire(&op->cancel_routine);
	unsigned long place = flt_place(op);

	if (!routine)
		return true;
	if (op->cancel_place != place) {
		flt_cancel_went_on(op->id, op, routine);
		flt_cancel_disarm(op, routine);
		return true;
	}
	if (routine == flt_cbdq_cancel) {
		flt_cancel_refuse(op, "CBQ-10", place, "completed while it is in a queue");
		return false;
	}
	if (routine == flt_wait_cancel) {
		flt_cancel_refuse(op, "CAN-09", place, "completed while somebody waits with it");
		return false;
	}
	flt_cancel_refuse(op, "CAN-03", place, "completed with its cancel routine set");
	/* If it is about to be called, that is the completion that counts. */
	return flt_cancel_disarm(op, routine);
}
