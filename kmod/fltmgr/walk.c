// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of an operation through the instances of its volume: the protocol, where
 * it begins and ends, and who carries it on.
 *
 * WHO MOVES IT
 *
 * One thread at any time. It stands at an instance (op->word) while that
 * instance's pre-op runs or has pended it; the thread that called the pre-op
 * moves it on, or, when that thread has left it PENDED, whoever completes it.
 * A completion that comes before the pre-op returned only records its answer.
 *
 * A post-op that is owed is a node (op->last, upwards by node->above). On the
 * way up a node's state decides who calls the post-op: the walk (OWED or KEPT
 * to POSTING) or a teardown (OWED to DRAINED). The walk looks at nothing but
 * node->state, ->sync, ->saved and ->above unless it wins. A post-op may have
 * moved the rest of its work to a worker: safe.c.
 *
 * WORDS
 *
 * op->word and node->state change by atomic exchange, because a teardown sets
 * WATCHED in them; but for the usual steps while there is none, see fast.h. Who
 * replaces a word that was WATCHED gives up a hold of
 * the instance (flt_teardown_put()) as the last thing it does to it. A node is
 * published OWED before the word moves on, so that a scan finds one or the
 * other; if the word is WATCHED, the scan has been here, and the mover itself
 * drains the node it has just made, before it moves.
 *
 * The next instance is looked up, found in service and stood at within one RCU
 * read section, of the kind that keeps preemption off: it is short, and the
 * cheapest. A teardown marks its instance, waits for a grace period, scans:
 * whoever has missed the mark is seen by the scan.
 *
 * After ops->submit() and after ops->complete() the operation is not ours.
 *
 * SYNCHRONIZE
 *
 * The thread keeps the operation's way up for itself: the node points to its
 * struct flt_walk, and another thread that arrives there going up (whether the
 * node was drained or not) hands the operation over and returns.
 */
#include <linux/export.h>
#include <linux/sched.h>

#include "generated.h"
#include "operation.h"
#include "walk.h"

static void flt_end(struct flt_operation *op)
{
	trace_flt_done(op);
	flt_inflight_leave(op);
	if (unlikely(op->verify))
		flt_verify_end(op);
	if (unlikely(op->extras || op->nr_nodes > FLT_INLINE_NODES))
		flt_node_free_all(op);
}

/* To be asked before the operation leaves the volume, which may go then. */
static const struct flt_volume_ops *flt_ops_of(const struct flt_operation *op)
{
	return unlikely(op->joined & FLT_OP_GENERATED) ? &flt_generated_ops : op->volume->ops;
}

/* Past the lowest instance. True: the caller is to send it to the device. */
static bool flt_submit(struct flt_operation *op, struct flt_walk *walk, bool may_submit)
{
	const struct flt_volume_ops *ops = flt_ops_of(op);

	/* Nothing owed: no need to come back. A filter's own does, for its filter. */
	if (!op->last && ops != &flt_generated_ops)
		flt_end(op);
	trace_flt_submit(op);
	if (may_submit && !walk->nr_sync)
		return true;
	ops->submit(op, walk->nr_sync & ~FLT_WALK_TELL ? FLT_SUBMIT_WAITS : 0);
	return false;
}

static void flt_finish(struct flt_operation *op)
{
	const struct flt_volume_ops *ops = flt_ops_of(op);

	flt_end(op);
	ops->complete(op);
}

/*
 * Carry on until the operation is with somebody else: with GONE it is, and is
 * not looked at. @may_submit: the caller is the provider and can send the
 * operation to the device itself.
 */
static enum flt_verdict flt_run(struct flt_operation *op, struct flt_walk *walk,
				enum flt_step step, bool may_submit)
{
	for (;;) {
		switch (step) {
		case FLT_STEP_SUBMIT:
			if (flt_submit(op, walk, may_submit))
				return FLT_SUBMIT;
			step = FLT_STEP_GONE;
			break;
		case FLT_STEP_UP:
			if (unlikely(walk->nr_sync & FLT_WALK_TELL))
				flt_status_tell(walk, op->data.io_status.status);
			step = flt_walk_up(op, walk);
			break;
		case FLT_STEP_DONE:
			flt_finish(op);
			return FLT_TAKEN;
		default:
			if (!walk->nr_sync)
				return FLT_TAKEN;
			if (walk->nr_sync & FLT_WALK_TELL) {
				flt_status_tell(walk, STATUS_PENDING);
				break;
			}
			wait_for_completion_io(&walk->done);
			step = FLT_STEP_UP;
		}
	}
}

static void flt_dispatch_begin(struct flt_operation *op, struct flt_walk *walk)
{
	walk->nr_sync = 0;
	op->id = flt_new_id();
	op->start = jiffies;
	if (flt_verifying())
		flt_verify_dispatch(op);
	flt_inflight_join(op);
	trace_flt_dispatch(op);
}

/**
 * flt_dispatch() - send an operation down the stack of its volume
 * @op: a prepared operation
 *
 * STK-01, PRE-10, PRE-18
 *
 * Context: PASSIVE. The provider holds no lock that a filter, or the
 * completion of another operation, may want.
 * Return: %FLT_SUBMIT if the caller is to send it to the device now,
 * %FLT_TAKEN if the operation is no longer the caller's.
 */
enum flt_verdict flt_dispatch(struct flt_operation *op)
{
	struct flt_walk walk;

	might_sleep();
	flt_dispatch_begin(op, &walk);
	return flt_run(op, &walk, flt_walk_down(op, &walk, NULL, NULL), true);
}
EXPORT_SYMBOL_GPL(flt_dispatch);

/* As flt_dispatch(), for an operation that @inst has initiated. FIO-01 */
void flt_dispatch_below(struct flt_operation *op, struct flt_instance *inst)
{
	struct flt_walk walk;

	flt_dispatch_begin(op, &walk);
	flt_run(op, &walk, flt_walk_down(op, &walk, inst, NULL), false);
}

/**
 * flt_complete() - the device is done with an operation
 * @op: the operation
 * @status: 0 or a negative errno
 * @information: bytes done
 *
 * STK-02, PST-01
 *
 * Context: ATOMIC; post-operations run here.
 * Return: %FLT_DONE if the caller is to end it now with op->data.io_status,
 * %FLT_TAKEN if the manager calls ops->complete() later, or has.
 */
enum flt_verdict flt_complete(struct flt_operation *op, int status,
			      unsigned long information)
{
	struct flt_walk walk;

	walk.nr_sync = 0;
	op->data.io_status.status = status;
	op->data.io_status.information = information;
	if (!(op->joined & FLT_OP_JOINED))
		return FLT_DONE;
	trace_flt_lower_done(op);
	op->data.flags |= FLTFL_CALLBACK_DATA_POST_OPERATION;
	op->up = op->last;
	if (flt_walk_up(op, &walk) == FLT_STEP_GONE)
		return FLT_TAKEN;
	flt_end(op);
	return FLT_DONE;
}
EXPORT_SYMBOL_GPL(flt_complete);

/* A pended pre-operation of @inst was answered, and its thread is gone. */
void flt_resume(struct flt_operation *op, struct flt_instance *inst, int status, void *context)
{
	struct flt_node *node = NULL;
	struct flt_walk walk;
	enum flt_step step;

	walk.nr_sync = 0;
	trace_flt_resumed(op, inst->id, status);
	step = flt_answered(op, &walk, inst, status, context, &node);
	if (step == FLT_STEP_DOWN)
		step = flt_walk_down(op, &walk, inst, node);
	flt_run(op, &walk, step, false);
}

/* A pended post-operation, @node of @op, was completed, and its thread is gone. */
void flt_resume_post(struct flt_operation *op, struct flt_node *node)
{
	struct flt_instance *inst = node->instance;
	struct flt_walk walk;

	walk.nr_sync = 0;
	op->up = node->above;
	trace_flt_post_resumed(op, inst->id, 0);
	flt_node_done(op, node, inst);
	flt_run(op, &walk, FLT_STEP_UP, false);
}
