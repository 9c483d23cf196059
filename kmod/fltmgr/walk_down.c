// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way down: pre-operations, what they answer, and from one instance to the
 * next. The protocol is at the top of walk.c.
 */
#include <linux/bio.h>
#include <linux/sched/mm.h>

#include "walk.h"

/*
 * The teardown of @inst has been here before @node was made: nobody else will
 * drain it. The operation still stands at @inst, so that no lower instance has
 * to wait for this callback. TDN-33, PND-11
 */
static noinline void flt_settle(struct flt_operation *op, struct flt_instance *inst,
				struct flt_node *node)
{
	const struct flt_saved *saved = flt_node_saved(op, node);
	const struct flt_passed *seen = saved ? &saved->before : &op->passed;
	struct flt_drain_copy copy;

	if (flt_drain_claim(&copy, op, node, seen)) {
		/* That callback is not one of the operation's, and may wait. */
		WRITE_ONCE(op->runner, NULL);
		flt_drain_run(&copy, inst);
		WRITE_ONCE(op->runner, current);
		return;
	}
	/* Swapped buffers: whoever pends it below is to know. CAN-13 */
	WRITE_ONCE(op->canceled, true);
	flt_watch_kept(node, inst);
}

static bool flt_word_is_answered(unsigned long word)
{
	return flt_word_state(word) == FLT_OP_ANSWERING || flt_word_state(word) == FLT_OP_EARLY;
}

/*
 * Stand at @next (NULL: nowhere). False: @cur is watched and a node is @owed.
 * Who completed it and did not return PENDING is no better off for that. PND-01
 */
static noinline bool flt_stand(struct flt_operation *op, struct flt_instance *cur,
			       struct flt_instance *next, bool owed)
{
	unsigned long old = atomic_long_read(&op->word);
	bool told = false;

	do {
		if (unlikely(old & FLT_OP_WATCHED) && owed)
			return false;
		/* While it stands there: @cur is. */
		if (unlikely(flt_word_is_answered(old)) && !told) {
			told = true;
			flt_violation_op("PND-01", cur, op,
					 "completed it and then did not return PENDING");
		}
	} while (!atomic_long_try_cmpxchg(&op->word, (long *)&old, flt_word_at(next)));
	if (unlikely(old & FLT_OP_WATCHED))
		flt_teardown_put(cur);
	return true;
}

/*
 * From @cur, where @node was made (or NULL), to the next lower instance, whatever
 * the state of the operation and of the volume. @pos is where that is.
 */
static noinline struct flt_instance *flt_move_on(struct flt_operation *op,
						 struct flt_instance *cur, struct flt_node *node,
						 struct flt_position *pos)
{
	struct flt_instance *next;
	bool moved;

	for (;;) {
		rcu_read_lock_sched();
		next = flt_stack_next(op, cur, pos);
		flt_race_point("move_on", op);
		moved = pos->epoch != FLT_EPOCH_NONE && flt_stand_plain(op, cur, next);
		if (!moved)
			moved = flt_stand(op, cur, next, node);
		rcu_read_unlock_sched();
		if (likely(moved))
			return next;
		flt_settle(op, cur, node);
		node = NULL;
		op->generation = 0;	/* op->index is no longer that of @cur */
	}
}

/* Nobody owns the operation's place any more: it turns round at @inst. */
static noinline enum flt_step flt_turn_round(struct flt_operation *op, struct flt_instance *inst)
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
		return inst->post[op->class];
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
	op->dirty = false;
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

	if (unlikely(!inst->post[op->class])) {
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
		if (!(sync->nr_sync++ & ~FLT_WALK_TELL))
			init_completion(&sync->done);
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
enum flt_step flt_answered(struct flt_operation *op, struct flt_walk *walk,
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
	/* It may be with others next. */
	WRITE_ONCE(op->runner, NULL);
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
			atomic_long_xor(FLT_OP_EARLY ^ FLT_OP_RESUMING, &op->word);
			WRITE_ONCE(op->runner, current);
			return false;
		}
		flt_race_point("pend", op);
	} while (!atomic_long_try_cmpxchg(&op->word, (long *)&word,
					  (word & ~FLT_OP_STATE_MASK) | state));
	return true;
}

/* It was completed, is being completed, and PENDING was not returned: that counts. PND-01 */
static void flt_dismiss_answer(struct flt_operation *op, struct flt_instance *inst, int status)
{
	unsigned long word = atomic_long_read(&op->word);

	flt_violation_op("PND-01", inst, op, "completed it and then returned %d, not PENDING",
			 status);
	while (!atomic_long_try_cmpxchg(&op->word, (long *)&word,
					(word & ~FLT_OP_STATE_MASK) | FLT_OP_RESUMING))
		;
}

/* The pre-op of @inst has returned. PND-02 */
static noinline enum flt_step flt_returned(struct flt_operation *op, struct flt_walk *walk,
					   struct flt_instance *inst, int status, void *context,
					   struct flt_node **node)
{
	*node = NULL;
	if (unlikely(op->status_wanted))
		flt_status_wanted(op, walk);
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
		flt_dismiss_answer(op, inst, status);
	}
	return flt_answered(op, walk, inst, status, context, node);
}

/* As flt_visit(), with all that may be asked for. */
static noinline enum flt_step flt_visit_carefully(struct flt_operation *op, struct flt_walk *walk,
						  struct flt_instance *inst,
						  struct flt_node **node)
{
	void *context = NULL;
	int status;

	if (flt_verifying() && op->verify)
		flt_verify_arrive(op, inst);
	if (flt_verifying())
		status = flt_call_pre_verified(op, inst, &context);
	else
		status = flt_call_pre(op, inst, op->class, &context);
	flt_race_point("pre_returned", op);
	return flt_returned(op, walk, inst, status, context, node);
}

/* A walk, as far as it is in registers. */
struct flt_way {
	struct flt_position pos;	/* where it stands, if there is a slot */
	struct flt_node *free;		/* the next inline node, if there is one */
	struct flt_node *owed;		/* made for where it stands, or NULL */
};

/* What is in registers is about to be asked for elsewhere. */
static __always_inline void flt_way_save(struct flt_operation *op, const struct flt_way *way)
{
	if (way->pos.slot)
		op->index = way->pos.slot - way->pos.first;
}

/* Not to be used if there is none. */
static __always_inline struct flt_node *flt_next_inline(struct flt_operation *op)
{
	return likely(op->nr_nodes < FLT_INLINE_NODES) ? &op->nodes[op->nr_nodes] : NULL;
}

/* What may have changed elsewhere. The operation is ours. */
static __always_inline void flt_way_load(struct flt_operation *op, struct flt_way *way,
					 struct flt_node *owed)
{
	way->owed = owed;
	way->free = flt_next_inline(op);
}

/* The pre-op of @inst has returned, and it takes a closer look. */
static __always_inline enum flt_step flt_way_returned(struct flt_operation *op,
						      struct flt_walk *walk,
						      struct flt_instance *inst, int status,
						      struct flt_way *way)
{
	struct flt_node *owed;		/* has an address */
	enum flt_step step;

	flt_way_save(op, way);
	step = flt_returned(op, walk, inst, status, way->free->context, &owed);
	if (step == FLT_STEP_DOWN)
		flt_way_load(op, way, owed);
	return step;
}

static __always_inline enum flt_step flt_way_visit(struct flt_operation *op,
						   struct flt_walk *walk,
						   struct flt_instance *inst,
						   struct flt_way *way)
{
	struct flt_node *owed;		/* has an address */
	enum flt_step step;

	flt_way_save(op, way);
	step = flt_visit_carefully(op, walk, inst, &owed);
	if (step == FLT_STEP_DOWN)
		flt_way_load(op, way, owed);
	return step;
}

/*
 * The operation stands at @inst. Its next node is there before it is known to be
 * wanted, so that the context is written where it belongs.
 */
static __always_inline enum flt_step flt_visit(struct flt_operation *op, struct flt_walk *walk,
					       struct flt_instance *inst, unsigned long class,
					       struct flt_way *way)
{
	struct flt_node *node = way->free;
	int status;

	if (flt_verifying() || unlikely(op->nr_nodes >= FLT_INLINE_NODES))
		return flt_way_visit(op, walk, inst, way);
	node->context = NULL;
	status = flt_call_pre(op, inst, class, &node->context);
	flt_race_point("pre_returned", op);
	if (unlikely(READ_ONCE(op->careful)))
		return flt_way_returned(op, walk, inst, status, way);
	if (likely(status == FLT_PREOP_SUCCESS_WITH_CALLBACK && inst->post[class])) {
		flt_modify_undo(op, &op->passed);
		flt_node_push_inline(op, inst, node);
		way->owed = node;
		way->free = node + 1;
		return FLT_STEP_DOWN;
	}
	if (unlikely(status != FLT_PREOP_SUCCESS_NO_CALLBACK || node->context))
		return flt_way_returned(op, walk, inst, status, way);
	flt_modify_undo(op, &op->passed);
	way->owed = NULL;
	return FLT_STEP_DOWN;
}

/* flt_move_on(), by whatever it takes. */
static __always_inline struct flt_instance *flt_way_move_on(struct flt_operation *op,
							    struct flt_instance *cur,
							    struct flt_way *way)
{
	struct flt_position pos;	/* has an address */

	flt_way_save(op, way);
	cur = flt_move_on(op, cur, way->owed, &pos);
	way->pos = pos;
	return cur;
}

/* From @cur, where @owed was made (or NULL), as far down as it goes. */
static __always_inline enum flt_step flt_visit_all(struct flt_operation *op, struct flt_walk *walk,
						   struct flt_instance *cur,
						   struct flt_node *owed)
{
	struct flt_way way = { .free = flt_next_inline(op), .owed = owed };
	struct flt_volume_head *head = &op->volume->head;
	unsigned long class = op->class;
	enum flt_step step;

	cur = flt_way_move_on(op, cur, &way);
	while (cur) {
		step = flt_visit(op, walk, cur, class, &way);
		if (unlikely(step != FLT_STEP_DOWN))
			return step;
		rcu_read_lock_sched();
		if (unlikely(!flt_is_as_left(op, head, cur, &way.pos))) {
			rcu_read_unlock_sched();
			cur = flt_way_move_on(op, cur, &way);
			continue;
		}
		cur = flt_next_slot(&way.pos);
		flt_race_point("move_on", op);
		flt_race_point("plain", op);
		if (unlikely(!cur)) {
			flt_set_word(op, FLT_OP_NOWHERE);
			rcu_read_unlock_sched();
			break;
		}
		flt_set_word(op, (unsigned long)cur | FLT_OP_RUNNING);
		rcu_read_unlock_sched();
	}
	return FLT_STEP_SUBMIT;
}

/* From @cur, where @node was made (or NULL): where and how it ended. */
enum flt_step flt_walk_down(struct flt_operation *op, struct flt_walk *walk,
			    struct flt_instance *cur, struct flt_node *node)
{
	unsigned int noio = memalloc_noio_save();
	enum flt_step step;

	WRITE_ONCE(op->runner, current);
	step = flt_visit_all(op, walk, cur, node);
	if (step != FLT_STEP_GONE)
		WRITE_ONCE(op->runner, NULL);
	memalloc_noio_restore(noio);
	return step;
}
