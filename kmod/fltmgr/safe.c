// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion that needs to sleep: a post-operation moves the rest of its work
 * to where that is allowed, which is here, or else in a worker.
 *
 * IS IT ALLOWED HERE?
 *
 * Yes in a post-operation after SYNCHRONIZE, and where the kernel can say so:
 * it counts what forbids to sleep (CONFIG_PREEMPT_COUNT, as on any kernel with
 * CONFIG_PREEMPT or CONFIG_PREEMPT_DYNAMIC) and there is nothing. A kernel that
 * does not count cannot tell whether a spinlock is held or an RCU read section
 * was entered: there the answer is no. It is no, too, inside submit_bio(),
 * which puts aside what a thread submits from there: a routine that waits for
 * I/O of its own would wait for ever. And in a worker: it may be the one that
 * completes what the routine waits for, or carry a work item whose memory is in
 * use again, by somebody who then waits for the worker.
 *
 * THE MEMORY
 *
 * The work item is in the operation, where its provider keeps it anyway: to post
 * cannot fail. What is not posted is an operation with FLT_IRP_PAGING. The
 * queue has a thread that needs no memory, but it is one thread: a routine that
 * waits in it for memory may wait for an operation behind it on this queue.
 *
 * WHO MOVES THE OPERATION
 *
 * The worker, or the thread of the post-operation, whoever is the last to leave.
 * Both tell so in the node's state:
 *
 *	POSTED		neither has
 *	SAFE		the post-operation has returned
 *	POSTING		the worker has left, and said MORE_PROCESSING_REQUIRED:
 *			from here on all is as if nothing had been posted
 *	POST_EARLY	the worker has left, and is done with it
 *
 * A completion by the filter while the worker is in the routine is recorded, as
 * one during a callback is: POSTED_EARLY, SAFE_EARLY. So the operation is there
 * as long as either is in a callback.
 */
#include <linux/export.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "internal.h"

/* DCS-02 */
static bool flt_may_sleep(const struct flt_operation *op, const struct flt_node *node)
{
	if (current->bio_list)
		return false;
	if (flt_node_sync(op, node))	/* the thread that has waited for it */
		return true;
	return preemptible() && !rcu_preempt_depth() && !(current->flags & PF_WQ_WORKER);
}

/* The node of the post-operation that runs here, NULL if none does. DCS-01 */
static struct flt_node *flt_running_post(struct flt_operation *op)
{
	struct flt_node *node = op->up;

	if (!node || READ_ONCE(op->runner) != current)
		return NULL;
	if ((atomic_read(&node->state) & FLT_NODE_STATE_MASK) != FLT_NODE_POSTING)
		return NULL;
	return node;
}

/* The routine has left: the state that comes next. */
static int flt_safe_next(int state, bool more)
{
	switch (state & FLT_NODE_STATE_MASK) {
	case FLT_NODE_POSTED:
		return more ? FLT_NODE_POSTING : FLT_NODE_POST_EARLY;
	case FLT_NODE_SAFE:
		return more ? FLT_NODE_POST_PENDED : FLT_NODE_POST_RESUMING;
	case FLT_NODE_POSTED_EARLY:
		return FLT_NODE_POST_EARLY;
	default:		/* SAFE_EARLY */
		return FLT_NODE_POST_RESUMING;
	}
}

static bool flt_safe_completed(int state)
{
	state &= FLT_NODE_STATE_MASK;
	return state == FLT_NODE_POSTED_EARLY || state == FLT_NODE_SAFE_EARLY;
}

/* True: the post-operation has returned, we resume. Otherwise not ours any more. DCS-05 */
static bool flt_safe_done(struct flt_node *node, bool more)
{
	int state = atomic_read(&node->state), new;
	bool reported = false;

	do {
		if (!more && !reported && flt_safe_completed(state)) {
			reported = true;
			flt_violation("DCS-05", node->instance->filter, node->instance,
				      "completed what its safe routine finishes");
		}
		new = flt_safe_next(state, more);
	} while (!atomic_try_cmpxchg(&node->state, &state, (state & FLT_NODE_WATCHED) | new));
	return new == FLT_NODE_POST_RESUMING;
}

/*
 * The post-operation has returned, and is not POSTING. False: it is to go on
 * with the operation.
 */
bool flt_safe_leave(struct flt_node *node)
{
	int state = atomic_read(&node->state), new;

	flt_race_point("safe_leave", node);
	do {
		switch (state & FLT_NODE_STATE_MASK) {
		case FLT_NODE_POSTED:
			new = FLT_NODE_SAFE;
			break;
		case FLT_NODE_POSTED_EARLY:
			new = FLT_NODE_SAFE_EARLY;
			break;
		case FLT_NODE_POSTING:	/* by now: the worker left, and is not done */
			new = FLT_NODE_POST_PENDED;
			break;
		default:
			/* Before what was recorded is read. Pairs with the completion. */
			smp_acquire__after_ctrl_dep();
			return false;
		}
	} while (!atomic_try_cmpxchg(&node->state, &state, (state & FLT_NODE_WATCHED) | new));
	return true;
}

/* The filter's answer, as of a post-operation. */
static bool flt_safe_wants_more(struct flt_operation *op, struct flt_instance *inst, int status)
{
	if (status == FLT_POSTOP_MORE_PROCESSING_REQUIRED)
		return true;
	if (unlikely(status != FLT_POSTOP_FINISHED_PROCESSING))
		flt_violation("VRF-11a", inst->filter, inst,
			      "safe routine of %s returned %d, taken as FINISHED_PROCESSING",
			      flt_class_name(op->class), status);
	return false;
}

static void flt_safe_work(struct work_struct *work)
{
	struct flt_operation *op = container_of(work, struct flt_operation, work);
	struct flt_node *node = op->up;
	struct flt_instance *inst = node->instance;
	struct flt_run run;
	bool more;

	flt_race_point("safe_work", op);
	flt_run_begin(&run, FLT_RUN_SAFE, inst);
	more = flt_safe_wants_more(op, inst,
				   flt_call_safe(op, inst, node->context, op->safe_routine));
	flt_run_end(&run);
	flt_race_point("safe_returned", op);
	if (flt_safe_done(node, more))
		flt_resume_post(op, node);
}

/* Cannot fail but by a filter that has completed the operation already. DCS-03 */
static bool flt_safe_post(struct flt_operation *op, struct flt_node *node, void *context,
			  flt_post_operation_callback routine)
{
	int state = atomic_read(&node->state);

	node->context = context;
	op->safe_routine = routine;
	INIT_WORK(&op->work, flt_safe_work);
	flt_race_point("safe_post", op);
	do {
		if ((state & FLT_NODE_STATE_MASK) != FLT_NODE_POSTING)
			return false;
	} while (!atomic_try_cmpxchg(&node->state, &state,
				     (state & FLT_NODE_WATCHED) | FLT_NODE_POSTED));
	queue_work(flt_safe_wq, &op->work);
	return true;
}

/**
 * flt_do_completion_processing_when_safe() - go on where sleeping is allowed
 * @data: the operation, in a post-operation of the caller's
 * @objs: the post-operation's
 * @completion_context: for @safe_routine
 * @flags: the post-operation's
 * @safe_routine: what is to be called, once, PASSIVE, as a post-operation with
 *	flags 0; its answer is that of the post-operation
 * @status: gets what the post-operation is to return
 *
 * If sleeping is allowed here, @safe_routine is called at once, and @status is
 * its answer. If not, it is posted to a worker, and @status is
 * %FLT_POSTOP_MORE_PROCESSING_REQUIRED: when the routine returns
 * %FLT_POSTOP_FINISHED_PROCESSING the manager goes on with the operation; the
 * filter calls flt_complete_pended_postoperation() if the routine returned
 * %FLT_POSTOP_MORE_PROCESSING_REQUIRED, and only then. The routine may run, and
 * end, before this returns: the post-operation touches nothing afterwards and
 * returns @status.
 *
 * If neither is possible, for operations with %FLT_IRP_PAGING that complete
 * where sleeping is not allowed, the routine is not called, @status is
 * %FLT_POSTOP_FINISHED_PROCESSING, and the filter does what it must by itself:
 * to free what @completion_context points to, for one. The same in a drained
 * post-operation and outside of a post-operation, which are reported.
 * DCS-01..DCS-06, DRN-07
 *
 * Context: ATOMIC, from a post-operation.
 * Return: true if the routine was or will be called, false if not.
 */
bool flt_do_completion_processing_when_safe(struct flt_callback_data *data,
					    const struct flt_related_objects *objs,
					    void *completion_context, u32 flags,
					    flt_post_operation_callback safe_routine,
					    int *status)
{
	struct flt_operation *op = data->operation;
	struct flt_node *node;

	*status = FLT_POSTOP_FINISHED_PROCESSING;
	if (!op || flags & FLTFL_POST_OPERATION_DRAINING) {
		flt_violation("DRN-07", objs->filter, objs->instance,
			      "completion of a drained post-operation deferred");
		return false;
	}
	node = flt_running_post(op);
	if (!node) {
		flt_violation("DCS-01", objs->filter, objs->instance,
			      "completion deferred outside of a post-operation, or twice");
		return false;
	}
	if (flt_may_sleep(op, node)) {
		*status = flt_call_safe(op, node->instance, completion_context, safe_routine);
		return true;
	}
	if (!(data->flags & FLTFL_CALLBACK_DATA_IRP_OPERATION) ||
	    data->iopb->irp_flags & FLT_IRP_PAGING)
		return false;
	/* The caller's: it has not returned, so this is not too early. */
	*status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	if (flt_safe_post(op, node, completion_context, safe_routine))
		return true;
	*status = FLT_POSTOP_FINISHED_PROCESSING;
	flt_violation("DCS-01", objs->filter, objs->instance,
		      "completion deferred of an operation that it has completed");
	return false;
}
EXPORT_SYMBOL_GPL(flt_do_completion_processing_when_safe);

/**
 * flt_is_operation_synchronous() - does somebody wait for it?
 * @data: the operation, or the copy that a drained post-operation has
 *
 * On block volumes that is %FLT_IRP_SYNC, for paging operations too. It says
 * nothing about %FLT_PREOP_SYNCHRONIZE. SOB-02
 *
 * Context: ATOMIC.
 * Return: true if it is synchronous, or no IRP-class operation.
 */
bool flt_is_operation_synchronous(const struct flt_callback_data *data)
{
	return !(data->flags & FLTFL_CALLBACK_DATA_IRP_OPERATION) ||
	       data->iopb->irp_flags & FLT_IRP_SYNC;
}
EXPORT_SYMBOL_GPL(flt_is_operation_synchronous);
