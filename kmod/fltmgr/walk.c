// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of an operation through the instances of its volume.
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
 * op->word and node->state change by atomic exchange only, because a teardown
 * sets WATCHED in them. Who replaces a word that was WATCHED gives up a hold of
 * the instance (flt_teardown_put()) as the last thing it does to it. A node is
 * published OWED before the word moves on, so that a scan finds one or the
 * other; if the word is WATCHED, the scan has been here, and the mover itself
 * drains the node it has just made, before it moves.
 *
 * The next instance is looked up, found in service and stood at within one RCU
 * read section. A teardown marks its instance, waits for a grace period, scans:
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
#include <linux/bio.h>
#include <linux/export.h>
#include <linux/sched.h>
#include <trace/events/fltmgr.h>

#include "generated.h"
#include "operation.h"

enum flt_step {
	FLT_STEP_DOWN,		/* to the next lower instance */
	FLT_STEP_SUBMIT,	/* past the lowest: to the device */
	FLT_STEP_UP,		/* ended: to the post-ops that are owed */
	FLT_STEP_GONE,		/* somebody else has it */
	FLT_STEP_DONE,		/* past the highest: to its provider */
};

/*
 * The teardown of @inst has been here before @node was made: nobody else will
 * drain it. The operation still stands at @inst, so that no lower instance has
 * to wait for this callback. TDN-33, PND-11
 */
static noinline void flt_settle(struct flt_operation *op, struct flt_instance *inst,
				struct flt_node *node)
{
	const struct flt_passed *seen = node->saved ? &node->saved->before : &op->passed;
	struct flt_drain_copy copy;

	if (flt_drain_claim(&copy, op, node, seen)) {
		flt_drain_run(&copy, inst);
		return;
	}
	/* Swapped buffers: whoever pends it below is to know. CAN-13 */
	WRITE_ONCE(op->canceled, true);
	flt_watch_kept(node, inst);
}

/* Stand at @next (NULL: nowhere). False: @cur is watched and @node is owed. */
static bool flt_stand(struct flt_operation *op, struct flt_instance *cur,
		      struct flt_instance *next, bool owed)
{
	unsigned long old = atomic_long_read(&op->word);
	unsigned long word = next ? (unsigned long)next | FLT_OP_RUNNING : FLT_OP_NOWHERE;

	do {
		if (unlikely(old & FLT_OP_WATCHED) && owed)
			return false;
	} while (!atomic_long_try_cmpxchg(&op->word, (long *)&old, word));
	if (unlikely(old & FLT_OP_WATCHED))
		flt_teardown_put(cur);
	return true;
}

/* From @cur, where @node was made (or NULL), to the next lower instance. */
static struct flt_instance *flt_move_on(struct flt_operation *op, struct flt_instance *cur,
					struct flt_node *node)
{
	struct flt_instance *next;
	bool moved;

	for (;;) {
		rcu_read_lock();
		next = flt_stack_next(op, cur);
		flt_race_point("move_on", op);
		moved = flt_stand(op, cur, next, node);
		rcu_read_unlock();
		if (likely(moved))
			return next;
		flt_settle(op, cur, node);
		node = NULL;
		op->generation = 0;	/* op->index is no longer that of @cur */
	}
}

/* Nobody owns the operation's place any more: it turns round at @inst. */
static enum flt_step flt_turn_round(struct flt_operation *op, struct flt_instance *inst)
{
	op->data.flags |= FLTFL_CALLBACK_DATA_POST_OPERATION;
	op->up = op->last;
	flt_stand(op, inst, NULL, false);
	return FLT_STEP_UP;
}

static enum flt_step flt_fail(struct flt_operation *op, struct flt_instance *inst)
{
	op->data.io_status.status = STATUS_FLT_INTERNAL_ERROR;
	op->data.io_status.information = 0;
	return flt_turn_round(op, inst);
}

/* PRE-12, PRE-16 */
static bool flt_status_is_final(int status)
{
	return status != STATUS_PENDING && status != STATUS_FLT_DISALLOW_FAST_IO;
}

/* Does the operation go down from @inst? PRE-11 */
static bool flt_goes_down(const struct flt_operation *op, const struct flt_instance *inst,
			  int status)
{
	if (status == FLT_PREOP_SUCCESS_WITH_CALLBACK || status == FLT_PREOP_SYNCHRONIZE)
		return inst->ops[op->class].post;
	return status == FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/*
 * The filter is through with the parameters: a change that it has marked counts
 * if the operation goes down, any other is undone. MOD-01
 */
static int flt_settle_change(struct flt_operation *op, struct flt_instance *inst, int status,
			     struct flt_saved **saved)
{
	int rc = 0;

	if (flt_verifying() && op->verify && inst->filter->verified)
		flt_verify_parameters(op, inst, !flt_goes_down(op, inst, status) ||
				      op->data.flags & FLTFL_CALLBACK_DATA_DIRTY);
	if (unlikely(op->data.flags & FLTFL_CALLBACK_DATA_DIRTY)) {
		op->data.flags &= ~FLTFL_CALLBACK_DATA_DIRTY;
		if (flt_goes_down(op, inst, status))
			rc = flt_modify_take(op, inst, status, saved);
	}
	if (likely(!*saved))
		flt_modify_undo(op, &op->passed);
	return rc;
}

/* The device uses the bio up, and the filter may want to send it once more. FIO-20 */
static void flt_note_iter(struct flt_operation *op)
{
	const struct bio *bio = op->iopb.parameters.read.bio;

	if (bio && (op->class == FLT_CLASS_READ || op->class == FLT_CLASS_WRITE))
		op->sync_iter = bio->bi_iter;
}

/* PRE-11: whoever wants a post-op must have registered one. */
static enum flt_step flt_owe(struct flt_operation *op, struct flt_instance *inst,
			     void *context, struct flt_walk *sync, struct flt_saved *saved,
			     struct flt_node **node)
{
	enum flt_node_state state = FLT_NODE_OWED;

	if (unlikely(!inst->ops[op->class].post)) {
		flt_violation_op("PRE-11", inst, op,
				 "pre-operation of %s wants a callback and has no post-operation",
				 flt_class_name(op->class));
		return flt_fail(op, inst);
	}
	if (unlikely(saved && saved->swapped))		/* DRN-12 */
		state = FLT_NODE_KEPT;
	if (flt_verifying() && op->verify)
		flt_verify_owed(op, inst);
	*node = flt_node_push(op, inst, state, context, sync, saved);
	if (unlikely(saved))
		flt_modify_pass(op);
	if (sync) {
		sync->nr_sync++;
		flt_note_iter(op);
	}
	return FLT_STEP_DOWN;
}

/* Nothing is owed; a change is undone on the way up all the same. MOD-02 */
static enum flt_step flt_owe_nothing(struct flt_operation *op, struct flt_instance *inst,
				     struct flt_saved *saved)
{
	if (unlikely(saved)) {
		flt_node_push(op, inst, FLT_NODE_DONE, NULL, NULL, saved);
		flt_modify_pass(op);
	}
	return FLT_STEP_DOWN;
}

/* What the pre-op of @inst, or the completion of its pend, said. PRE-10..PRE-22 */
static enum flt_step flt_answered(struct flt_operation *op, struct flt_walk *walk,
				  struct flt_instance *inst, int status, void *context,
				  struct flt_node **node)
{
	struct flt_saved *saved = NULL;

	if (flt_settle_change(op, inst, status, &saved))
		return flt_fail(op, inst);
	if (unlikely(context) && status != FLT_PREOP_SUCCESS_WITH_CALLBACK &&
	    status != FLT_PREOP_SYNCHRONIZE)
		flt_violation_op("PRE-22", inst, op,
				 "completion context with status %d that has no callback", status);

	switch (status) {
	case FLT_PREOP_SUCCESS_WITH_CALLBACK:
		return flt_owe(op, inst, context, NULL, saved, node);
	case FLT_PREOP_SYNCHRONIZE:
		return flt_owe(op, inst, context, walk, saved, node);
	case FLT_PREOP_SUCCESS_NO_CALLBACK:
		return flt_owe_nothing(op, inst, saved);
	case FLT_PREOP_COMPLETE:
		if (likely(flt_status_is_final(op->data.io_status.status)))
			return flt_turn_round(op, inst);
		flt_violation_op("PRE-12", inst, op, "completed %s with status %d",
				 flt_class_name(op->class), op->data.io_status.status);
		return flt_fail(op, inst);
	default:
		flt_violation_op("PRE-21", inst, op,
				 "pre-operation of %s returned %d, illegal here",
				 flt_class_name(op->class), status);
		return flt_fail(op, inst);
	}
}

/* PENDING was returned. False: it was completed meanwhile, op->answer counts. */
static bool flt_pend(struct flt_operation *op)
{
	unsigned long word = atomic_long_read(&op->word), state;

	if (flt_verifying() && op->verify)
		flt_verify_pended(op);
	trace_flt_pended(op);
	do {
		switch (flt_word_state(word)) {
		case FLT_OP_RUNNING:
			state = FLT_OP_PENDED;
			break;
		case FLT_OP_ANSWERING:
			state = FLT_OP_PENDED_ANSWERING;
			break;
		default:
			/* Before op->answer is read. Pairs with flt_give_answer(). */
			smp_acquire__after_ctrl_dep();
			return false;
		}
		flt_race_point("pend", op);
	} while (!atomic_long_try_cmpxchg(&op->word, (long *)&word,
					  (word & ~FLT_OP_STATE_MASK) | state));
	return true;
}

/* The operation stands at @inst. PND-02 */
static enum flt_step flt_visit(struct flt_operation *op, struct flt_walk *walk,
			       struct flt_instance *inst, struct flt_node **node)
{
	void *context = NULL;
	int status;

	*node = NULL;
	if (flt_verifying() && op->verify)
		flt_verify_arrive(op, inst);
	if (!inst->ops[op->class].pre)		/* PST-12 */
		return flt_owe(op, inst, NULL, NULL, NULL, node);

	status = flt_call_pre(op, inst, &context);
	if (unlikely(op->status_wanted))
		flt_status_wanted(op, walk);
	flt_race_point("pre_returned", op);
	if (status == FLT_PREOP_PENDING) {
		if (unlikely(context))
			flt_violation_op("PRE-22", inst, op, "completion context with PENDING");
		if (flt_pend(op)) {
			flt_race_point("pended", NULL);
			return FLT_STEP_GONE;
		}
		status = op->answer;
		context = op->answer_context;
		trace_flt_resumed(op, inst->id, status);
	} else if (unlikely(flt_word_state(atomic_long_read(&op->word)) != FLT_OP_RUNNING)) {
		flt_violation_op("PND-01", inst, op,
				 "completed it and then returned %d, not PENDING", status);
	}
	return flt_answered(op, walk, inst, status, context, node);
}

static enum flt_step flt_walk_down(struct flt_operation *op, struct flt_walk *walk,
				   struct flt_instance *cur, struct flt_node *node)
{
	enum flt_step step;

	do {
		cur = flt_move_on(op, cur, node);
		if (!cur)
			return FLT_STEP_SUBMIT;
		step = flt_visit(op, walk, cur, &node);
	} while (step == FLT_STEP_DOWN);
	return step;
}

/* MORE_PROCESSING_REQUIRED was returned. False: completed meanwhile. PND-21 */
static bool flt_pend_post(struct flt_operation *op, struct flt_node *node)
{
	int state = atomic_read(&node->state);

	if (flt_verifying() && op->verify)
		flt_verify_pended(op);
	do {
		if ((state & FLT_NODE_STATE_MASK) != FLT_NODE_POSTING)
			return flt_safe_leave(node);
		flt_race_point("pend_post", node);
	} while (!atomic_try_cmpxchg(&node->state, &state,
				     (state & FLT_NODE_WATCHED) | FLT_NODE_POST_PENDED));
	return true;
}

static void flt_node_done(struct flt_operation *op, struct flt_node *node,
			  struct flt_instance *inst)
{
	int old;

	if (flt_verifying() && op->verify)
		flt_verify_posted(op, node);
	if (unlikely(node->saved))
		flt_modify_done(node->saved);
	old = atomic_xchg(&node->state, FLT_NODE_DONE);
	if (unlikely(old & FLT_NODE_WATCHED))
		flt_teardown_put(inst);
}

/* The node is ours (POSTING). False: the filter pended it, it is not ours now. */
static bool flt_post(struct flt_operation *op, struct flt_node *node)
{
	struct flt_instance *inst = node->instance;
	int status;

	status = flt_call_post(op, inst, node->context);
	flt_race_point("post_returned", op);
	if (status == FLT_POSTOP_MORE_PROCESSING_REQUIRED) {
		if (flt_pend_post(op, node))
			return false;
	} else if (unlikely((atomic_read(&node->state) & FLT_NODE_STATE_MASK) !=
			    FLT_NODE_POSTING)) {
		flt_violation_op("PND-21", inst, op,
				 "completed or deferred a post-operation and then returned %d",
				 status);
		/* If a worker has it, it cannot go on from here. */
		if (flt_safe_leave(node))
			return false;
	}
	flt_node_done(op, node, inst);
	return true;
}

/* Win the post-op against a teardown, which never claims one that is KEPT. */
static bool flt_post_claim(struct flt_node *node)
{
	int state = FLT_NODE_OWED;

	if (likely(atomic_try_cmpxchg(&node->state, &state, FLT_NODE_POSTING)))
		return true;
	while ((state & FLT_NODE_STATE_MASK) == FLT_NODE_KEPT)
		if (atomic_try_cmpxchg(&node->state, &state,
				       (state & FLT_NODE_WATCHED) | FLT_NODE_POSTING))
			return true;
	return false;
}

static enum flt_step flt_walk_up(struct flt_operation *op, struct flt_walk *walk)
{
	struct flt_node *node;

	while ((node = op->up)) {
		struct flt_walk *sync = node->sync;

		if (unlikely(sync && sync != walk)) {
			complete(&sync->done);
			return FLT_STEP_GONE;
		}
		if (sync)
			walk->nr_sync--;
		if (unlikely(node->saved))
			flt_modify_undo(op, &node->saved->before);
		flt_race_point("post_claim", op);
		if (flt_post_claim(node) && !flt_post(op, node))
			return FLT_STEP_GONE;
		op->up = node->above;
	}
	return FLT_STEP_DONE;
}

static void flt_end(struct flt_operation *op)
{
	trace_flt_done(op);
	flt_inflight_leave(op);
	if (unlikely(op->verify))
		flt_verify_end(op);
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

static void flt_walk_init(struct flt_walk *walk)
{
	walk->nr_sync = 0;
	init_completion(&walk->done);
}

static void flt_dispatch_begin(struct flt_operation *op, struct flt_walk *walk)
{
	flt_walk_init(walk);
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
	struct flt_walk walk = {};

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

	flt_walk_init(&walk);
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
	struct flt_walk walk = {};

	op->up = node->above;
	trace_flt_post_resumed(op, inst->id, 0);
	flt_node_done(op, node, inst);
	flt_run(op, &walk, FLT_STEP_UP, false);
}
