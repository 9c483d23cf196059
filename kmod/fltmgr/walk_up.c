// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way up: the post-operations that are owed. The protocol is at the top of
 * walk.c.
 */
#include <linux/sched/mm.h>

#include "walk.h"

/* MORE_PROCESSING_REQUIRED was returned. False: completed meanwhile. PND-21 */
static noinline bool flt_pend_post(struct flt_operation *op, struct flt_node *node)
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

void flt_node_done(struct flt_operation *op, struct flt_node *node, struct flt_instance *inst)
{
	int old;

	if (flt_verifying() && op->verify)
		flt_verify_posted(op, node);
	if (unlikely(op->extras && node->saved))
		flt_modify_done(node->saved);
	old = atomic_xchg(&node->state, FLT_NODE_DONE);
	if (unlikely(old & FLT_NODE_WATCHED))
		flt_teardown_put(inst);
}

/* What the post-op of @node returned. False: the node is not ours now. */
static noinline bool flt_post_returned(struct flt_operation *op, struct flt_node *node, int status)
{
	struct flt_instance *inst = node->instance;

	if (unlikely(status != FLT_POSTOP_FINISHED_PROCESSING &&
		     status != FLT_POSTOP_MORE_PROCESSING_REQUIRED))
		flt_violation_op("VRF-11a", inst, op,
				 "post-operation of %s returned %d, taken as FINISHED_PROCESSING",
				 flt_class_name(op->class), status);
	/* It may be with others next. */
	WRITE_ONCE(op->runner, NULL);
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
	WRITE_ONCE(op->runner, current);
	flt_node_done(op, node, inst);
	return true;
}

/* Win the post-op against a teardown, which never claims one that is KEPT. */
static noinline bool flt_claim(struct flt_node *node)
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

/* Past @node, with all that may be there. False: somebody else has the operation. */
static bool flt_post(struct flt_operation *op, struct flt_walk *walk, struct flt_node *node)
{
	struct flt_walk *sync = op->extras ? node->sync : NULL;
	int status;

	if (sync && sync != walk) {
		WRITE_ONCE(op->runner, NULL);
		complete(&sync->done);
		return false;
	}
	if (sync)
		walk->nr_sync--;
	if (op->extras && node->saved)
		flt_modify_undo(op, &node->saved->before);
	flt_race_point("post_claim", op);
	if (!flt_claim(node))
		return true;
	if (flt_verifying())
		status = flt_call_post_verified(op, node->instance, node->context);
	else
		status = flt_call_post(op, node->instance, op->class, node->context);
	flt_race_point("post_returned", op);
	return flt_post_returned(op, node, status);
}

static noinline bool flt_post_all_carefully(struct flt_operation *op, struct flt_walk *walk)
{
	while (op->up) {
		if (!flt_post(op, walk, op->up))
			return false;
		op->up = op->up->above;
	}
	return true;
}

/*
 * To the post-ops that are owed, op->up and above. False: somebody else has the
 * operation. A read section begins after a post-op and ends before the next one.
 */
static __always_inline bool flt_post_all(struct flt_operation *op, struct flt_walk *walk)
{
	const struct flt_volume_head *head = &op->volume->head;
	unsigned long class = op->class;
	struct flt_node *node = op->up;
	bool undisturbed, claimed;
	int status;

	if (flt_verifying() || unlikely(op->careful))
		return flt_post_all_carefully(op, walk);
	rcu_read_lock_sched();
	undisturbed = flt_undisturbed(head);
	for (; node; node = node->above) {
		op->up = node;
		undisturbed = flt_race_point_between("post_claim", op, head, undisturbed);
		claimed = (likely(undisturbed) && flt_claim_plain(op, node)) || flt_claim(node);
		rcu_read_unlock_sched();
		if (unlikely(!claimed)) {
			rcu_read_lock_sched();
			undisturbed = flt_undisturbed(head);
			continue;
		}
		status = flt_call_post(op, node->instance, class, node->context);
		flt_race_point("post_returned", op);
		rcu_read_lock_sched();
		undisturbed = flt_undisturbed(head);
		if (likely(undisturbed && status == FLT_POSTOP_FINISHED_PROCESSING &&
			   flt_done_plain(op, node)))
			continue;
		rcu_read_unlock_sched();
		if (!flt_post_returned(op, node, status))
			return false;
		rcu_read_lock_sched();
		undisturbed = flt_undisturbed(head);
	}
	rcu_read_unlock_sched();
	op->up = NULL;
	return true;
}

/* From op->up: DONE past the highest, or GONE. */
enum flt_step flt_walk_up(struct flt_operation *op, struct flt_walk *walk)
{
	unsigned int noio = memalloc_noio_save();
	enum flt_step step = FLT_STEP_GONE;

	WRITE_ONCE(op->runner, current);
	if (flt_post_all(op, walk)) {
		WRITE_ONCE(op->runner, NULL);
		step = FLT_STEP_DONE;
	}
	memalloc_noio_restore(noio);
	return step;
}
