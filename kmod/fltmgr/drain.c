// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draining: what a teardown does about the operations that involve its
 * instance, once no new one can reach it.
 *
 *   the operation stands there (pre-op running, or pended)	wait for it
 *   its post-op is running, or pended				wait for it
 *   its post-op is owed, the operation is below		call it now, on a copy
 *   ... and it has swapped buffers				cancel it, and wait
 *
 * To wait is to take a hold of the instance and to set WATCHED in the word.
 * Whoever replaces a word with WATCHED gives up the hold. To claim an owed
 * post-op is a cmpxchg against the walk up; the winner calls it. DRN-09, DRN-11
 */
#include <trace/events/fltmgr.h>

#include "internal.h"

/*
 * Win an owed post-op against the walk up, and copy what it is called with.
 * The caller keeps the operation from going: it moves it, or holds the lock of
 * its in-flight list. Only what does not change is copied, and @seen, what the
 * instance saw in its pre-op. DRN-02, DRN-04, DRN-05, MOD-03
 */
bool flt_drain_claim(struct flt_drain_copy *copy, struct flt_operation *op,
		     struct flt_node *node, const struct flt_passed *seen)
{
	int owed = FLT_NODE_OWED;

	flt_race_point("drain_claim", op);
	if (!atomic_try_cmpxchg(&node->state, &owed, FLT_NODE_DRAINED))
		return false;
	memset(copy, 0, sizeof(*copy));
	copy->class = op->class;
	copy->op_id = op->id;
	copy->context = node->context;
	copy->iopb.irp_flags = seen->irp_flags;
	copy->iopb.major_function = seen->major_function;
	copy->iopb.target_instance = node->instance;
	copy->iopb.parameters.read = seen->rw;
	copy->iopb.parameters.read.bio = NULL;
	copy->data.flags = FLTFL_CALLBACK_DATA_IRP_OPERATION |
			   FLTFL_CALLBACK_DATA_POST_OPERATION |
			   FLTFL_CALLBACK_DATA_DRAINING_IO;
	copy->data.requestor_pid = op->data.requestor_pid;
	copy->data.io_status.status = STATUS_FLT_POST_OPERATION_CLEANUP;
	if (flt_verifying() && op->verify)
		flt_verify_drained(op, node->instance);
	trace_flt_drain(op, node->instance_id, STATUS_FLT_POST_OPERATION_CLEANUP);
	return true;
}

void flt_drain_run(struct flt_drain_copy *copy, struct flt_instance *inst)
{
	struct flt_run run;

	copy->data.iopb = &copy->iopb;
	INIT_LIST_HEAD(&copy->data.queue_links);
	copy->vdata.data = NULL;
	if (flt_verifying())
		flt_vdata_add(&copy->vdata, &copy->data, true);
	flt_run_begin_drained(&run, copy, inst);
	flt_call_drained(&copy->data, copy->class, inst, copy->context);
	flt_run_end(&run);
	if (copy->vdata.data)
		flt_vdata_del(&copy->vdata);
}

struct flt_drain {
	struct flt_instance *inst;
	struct flt_passed seen;
	struct flt_drain_copy copy;
	struct flt_cancel cancel;
	bool cancelled;
};

/* The operation stands at the instance: whoever moves it lets us know. */
static void flt_watch_word(struct flt_operation *op, struct flt_instance *inst)
{
	unsigned long word = atomic_long_read(&op->word);

	do {
		if (flt_word_instance(word) != inst)
			return;
		/* Held before it can be given up; the teardown's own hold is there. */
		atomic_inc(&inst->hold);
		if (atomic_long_try_cmpxchg(&op->word, (long *)&word, word | FLT_OP_WATCHED))
			return;
		atomic_dec(&inst->hold);
	} while (true);
}

/*
 * A node of the instance that is not to be drained: whoever makes it DONE lets
 * us know. One that is watched already is counted already.
 */
static bool flt_try_watch(struct flt_node *node, struct flt_instance *inst, int *state)
{
	if (*state & FLT_NODE_WATCHED)
		return true;
	flt_race_point("drain_watch", node);
	/* Held before it can be given up; the teardown's own hold is there. */
	atomic_inc(&inst->hold);
	if (atomic_try_cmpxchg(&node->state, state, *state | FLT_NODE_WATCHED))
		return true;
	atomic_dec(&inst->hold);
	return false;
}

/*
 * The mover has made a node that is KEPT, and the word is watched: the hold for
 * the word goes when it moves on, the node gets one of its own. DRN-12
 */
void flt_watch_kept(struct flt_node *node, struct flt_instance *inst)
{
	int state = atomic_read(&node->state);

	while ((state & FLT_NODE_STATE_MASK) == FLT_NODE_KEPT)
		if (flt_try_watch(node, inst, &state))
			return;
}

/* True if the post-op was owed and is ours to call, or there is a routine to be told. */
static bool flt_watch_node(struct flt_operation *op, struct flt_node *node,
			   struct flt_drain *drain)
{
	struct flt_instance *inst = drain->inst;
	int state = atomic_read(&node->state);

	do {
		switch (state & FLT_NODE_STATE_MASK) {
		case FLT_NODE_OWED:
			if (flt_drain_claim(&drain->copy, op, node, &drain->seen))
				return true;
			state = atomic_read(&node->state);
			continue;
		case FLT_NODE_KEPT:
			if (!flt_try_watch(node, inst, &state))
				continue;
			/* CAN-13: whoever has it below may end it sooner. */
			drain->cancelled = flt_cancel_take(op, &drain->cancel);
			return drain->cancelled;
		case FLT_NODE_POSTED:
		case FLT_NODE_POSTED_EARLY:
		case FLT_NODE_SAFE:
		case FLT_NODE_SAFE_EARLY:
		case FLT_NODE_POSTING:
		case FLT_NODE_POST_EARLY:
		case FLT_NODE_POST_PENDED:
		case FLT_NODE_POST_RESUMING:
			break;
		default:
			return false;
		}
		if (flt_try_watch(node, inst, &state))
			return false;
	} while (true);
}

static bool flt_drain_visit(struct flt_operation *op, void *arg)
{
	struct flt_drain *drain = arg;
	struct flt_node *node;

	flt_watch_word(op, drain->inst);
	/*
	 * If the word is past the instance, so is the chain. Pairs with the
	 * release in flt_set_word(), or the exchange in its place, after the node.
	 */
	smp_rmb();
	flt_seen_begin(&drain->seen, op);
	for (node = flt_op_last(op); node; node = node->above) {
		const struct flt_saved *saved = flt_node_saved(op, node);

		if (unlikely(saved))
			drain->seen = saved->before;
		if (node->instance_id == drain->inst->id)
			return flt_watch_node(op, node, drain);
	}
	return false;
}

static void flt_drain_action(void *arg)
{
	struct flt_drain *drain = arg;

	if (drain->cancelled) {
		drain->cancelled = false;
		flt_cancel_run(&drain->cancel);
		return;
	}
	drain->inst->drained++;
	flt_drain_run(&drain->copy, drain->inst);
}

/* Claim or watch everything that involves the instance, once. PASSIVE */
void flt_drain_scan(struct flt_instance *inst)
{
	struct flt_drain drain = { .inst = inst };

	flt_inflight_scan(inst->volume, flt_drain_visit, flt_drain_action, &drain);
}
