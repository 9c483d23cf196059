// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completing what a filter has pended. Whoever completes first records the
 * answer if the callback has yet to return, or else moves the operation on.
 * The protocol is at the top of walk.c.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include "internal.h"

/*
 * The operation that a filter means by @data. NULL, reported: it is a drained
 * copy, or has ended, as far as the verifier knows. DRN-02
 */
struct flt_operation *flt_operation_of(struct flt_callback_data *data, const char *rule,
				       const char *what)
{
	if (flt_verifying() && !flt_verify_live(data, rule, what))
		return NULL;
	if (!data->operation)
		flt_violation("DRN-02", NULL, NULL, "%s of a drained copy", what);
	return data->operation;
}

static bool flt_pended_answer_legal(int status)
{
	return status == FLT_PREOP_COMPLETE || status == FLT_PREOP_SUCCESS_NO_CALLBACK ||
	       status == FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

/*
 * Take the right to answer: from RUNNING to ANSWERING or from PENDED to
 * RESUMING. Returns the new word, 0 if there is nothing to answer. PND-07
 */
static unsigned long flt_take_answer(struct flt_operation *op)
{
	unsigned long word = atomic_long_read(&op->word), new;

	do {
		switch (flt_word_state(word)) {
		case FLT_OP_RUNNING:
			new = (word & ~FLT_OP_STATE_MASK) | FLT_OP_ANSWERING;
			break;
		case FLT_OP_PENDED:
			new = (word & ~FLT_OP_STATE_MASK) | FLT_OP_RESUMING;
			break;
		default:
			return 0;
		}
	} while (!atomic_long_try_cmpxchg(&op->word, (long *)&word, new));
	return new;
}

/* The answer is recorded. True: the pre-op's thread has left, we resume. */
static bool flt_give_answer(struct flt_operation *op)
{
	unsigned long word = atomic_long_read(&op->word), state;

	do {
		switch (flt_word_state(word)) {
		case FLT_OP_ANSWERING:
			state = FLT_OP_EARLY;
			break;
		case FLT_OP_PENDED_ANSWERING:
			state = FLT_OP_RESUMING;
			break;
		default:	/* the pre-op did not return PENDING: reported there */
			return false;
		}
	} while (!atomic_long_try_cmpxchg(&op->word, (long *)&word,
					  (word & ~FLT_OP_STATE_MASK) | state));
	return state == FLT_OP_RESUMING;
}

/* An operation that goes on in a worker. */
struct flt_later {
	struct work_struct work;
	struct flt_operation *op;
	struct flt_instance *inst;	/* whose pre-operation; NULL: a post-operation's */
	int status;
	void *context;
};

static void flt_go_on(struct flt_operation *op, struct flt_instance *inst, int status,
		      void *context)
{
	if (inst)
		flt_resume(op, inst, status, context);
	else
		flt_resume_post(op, op->up);
}

static void flt_later_work(struct work_struct *work)
{
	struct flt_later *later = container_of(work, struct flt_later, work);

	flt_go_on(later->op, later->inst, later->status, later->context);
	/* Not before: a work item at the same address would wait for us. */
	kfree(later);
}

/*
 * A teardown waits for the routine that the caller is in. The other filters and
 * the device, who may sleep as long as they like, are not to run inside it, and
 * do so only if there is no memory. PND-11
 *
 * Each instance has a queue of its own: what goes on may wait for what a lower
 * instance has answered, and must not be in front of that in a queue.
 */
static noinline void flt_go_on_later(struct flt_operation *op, struct flt_instance *inst,
				     int status, void *context)
{
	struct flt_instance *owner = inst ? inst : op->up->instance;
	struct flt_later *later = kmalloc(sizeof(*later), GFP_ATOMIC | __GFP_NOWARN);

	if (!later) {
		flt_go_on(op, inst, status, context);
		return;
	}
	later->op = op;
	later->inst = inst;
	later->status = status;
	later->context = context;
	INIT_WORK(&later->work, flt_later_work);
	queue_work(owner->later_wq, &later->work);
}

/* @inst: NULL for a post-operation. @later: not from here. */
static void flt_answer(struct flt_operation *op, struct flt_instance *inst, int status,
		       void *context, bool later)
{
	if (unlikely(later || flt_run_here()))
		flt_go_on_later(op, inst, status, context);
	else
		flt_go_on(op, inst, status, context);
}

/**
 * flt_complete_pended_preoperation() - go on with an operation that was pended
 * @data: the operation; not the caller's any more afterwards
 * @status: %FLT_PREOP_COMPLETE with @data->io_status set,
 *	%FLT_PREOP_SUCCESS_NO_CALLBACK or %FLT_PREOP_SUCCESS_WITH_CALLBACK
 * @context: for the post-operation, with %FLT_PREOP_SUCCESS_WITH_CALLBACK only
 *
 * May be called before the pre-operation has returned PENDING: then the thread
 * of the pre-operation goes on. An illegal status, or an operation that is not
 * pended, is reported and nothing happens. PND-01..PND-08
 *
 * Context: ATOMIC with %FLT_PREOP_COMPLETE, else PASSIVE: lower filters and the
 * device are called from here, unless this is a deferred or a safe routine: then
 * from another worker. Not from inside a lock that they may want.
 */
void flt_complete_pended_preoperation(struct flt_callback_data *data, int status,
				      void *context)
{
	struct flt_operation *op = flt_operation_of(data, "PND-07", "completion");
	bool later = false;
	unsigned long word;

	if (!op)
		return;
	if (!flt_pended_answer_legal(status)) {
		flt_violation_data("PND-03", data, "completed with status %d", status);
		return;
	}
	/* Where that is wrong, and reported, a worker goes on: it is not to be lost. */
	if (status != FLT_PREOP_COMPLETE)
		later = !flt_passive();
	if (unlikely(READ_ONCE(op->cancel_routine)) && !flt_cancel_settled(op))
		return;
	word = flt_take_answer(op);
	if (!word) {
		flt_violation_data("PND-07", data, "completed, is not pended");
		return;
	}
	if (flt_word_state(word) == FLT_OP_ANSWERING) {
		flt_race_point("answering", op);
		op->answer = status;
		op->answer_context = context;
		if (!flt_give_answer(op))
			return;
	}
	flt_answer(op, flt_word_instance(word), status, context, later);
}
EXPORT_SYMBOL_GPL(flt_complete_pended_preoperation);

/**
 * flt_complete_pended_postoperation() - go on with a pended post-operation
 * @data: the operation; not the caller's any more afterwards
 *
 * PND-20..PND-22
 *
 * Context: ATOMIC; the post-operations above run here, unless this is a
 * deferred or a safe routine.
 */
void flt_complete_pended_postoperation(struct flt_callback_data *data)
{
	struct flt_operation *op = flt_operation_of(data, "PND-21", "completion");
	struct flt_node *node;
	int state, new;

	if (!op)
		return;
	node = op->up;
	if (unlikely(READ_ONCE(op->cancel_routine)) && !flt_cancel_settled(op))
		return;
	state = node ? atomic_read(&node->state) : FLT_NODE_FREE;
	do {
		switch (state & FLT_NODE_STATE_MASK) {
		case FLT_NODE_POSTING:
			new = FLT_NODE_POST_EARLY;
			break;
		case FLT_NODE_POST_PENDED:
			new = FLT_NODE_POST_RESUMING;
			break;
		case FLT_NODE_POSTED:	/* by the safe routine, which may yet run: safe.c */
			new = FLT_NODE_POSTED_EARLY;
			break;
		case FLT_NODE_SAFE:
			new = FLT_NODE_SAFE_EARLY;
			break;
		default:
			flt_violation_data("PND-21", data,
					   "post-operation completed, is not pended");
			return;
		}
	} while (!atomic_try_cmpxchg(&node->state, &state, (state & FLT_NODE_WATCHED) | new));
	if (new == FLT_NODE_POST_RESUMING)
		flt_answer(op, NULL, 0, NULL, false);
}
EXPORT_SYMBOL_GPL(flt_complete_pended_postoperation);
