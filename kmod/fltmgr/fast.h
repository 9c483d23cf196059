/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an operation costs at each filter: the steps of the walk that are taken
 * for all of them. They are functions for the reader and one loop for the
 * machine; only what walk.h names includes them.
 *
 * PLAIN STORES
 *
 * The words of an operation change by exchange, since a teardown's scan may set
 * WATCHED in them or claim a node at the same time (walk.c). A scan is announced:
 * the volume's epoch is made odd when an instance is marked, before the grace
 * period that comes before the scan, and even when no scan is left. So whoever
 * finds it even in a read section knows that no scan begins before that section
 * ends, and that what an earlier scan has left is in the word it reads next:
 * there it may look at the word and then store, without an exchange. If the word
 * is not what the walk itself has put there, somebody has to be told, and it
 * goes by exchange (undisturbed.pml).
 *
 * Filters change a word, too, when they complete what they pend; that is none of
 * this, for here the callback has returned and has not pended. If it completed
 * nevertheless, what it returned counts, as the exchange has it. PND-01, PND-21
 *
 * THE SLOT
 *
 * The epoch changes also when another stack is published, after that and before
 * the old one is to be freed. So whoever finds it as it was when it looked the
 * stack up may go on in that stack until the read section ends.
 *
 * The read sections keep preemption off, which is all they do: they are short.
 */
#ifndef _FLTMGR_FAST_H
#define _FLTMGR_FAST_H

#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <trace/events/fltmgr.h>

#include "internal.h"

#ifdef CONFIG_LOCKDEP
static inline bool flt_lockdep_enter(struct flt_filter *filter)
{
	if (!flt_could_wait())
		return false;
	lock_map_acquire_read(&filter->dep_map);
	return true;
}

static inline void flt_lockdep_exit(struct flt_filter *filter, bool entered)
{
	if (entered)
		lock_map_release(&filter->dep_map);
}
#else
static inline bool flt_lockdep_enter(struct flt_filter *filter) { return false; }
static inline void flt_lockdep_exit(struct flt_filter *filter, bool entered) { }
#endif

/* The word while the pre-op of @inst runs; NULL: at no instance. */
static __always_inline unsigned long flt_word_at(const struct flt_instance *inst)
{
	return inst ? (unsigned long)inst | FLT_OP_RUNNING : FLT_OP_NOWHERE;
}

static __always_inline unsigned long flt_epoch(const struct flt_volume_head *head)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_sched_held(), "not in a read section");
	/* What a scan has left, and what was published, is seen. Pairs with flt_epoch_advance(). */
	return smp_load_acquire(&head->epoch);
}

/* No scan is under way, nor begins before this read section ends. */
static __always_inline bool flt_undisturbed(const struct flt_volume_head *head)
{
	return likely(!(flt_epoch(head) & 1));
}

/* After the node that was made. Pairs with the barrier in flt_drain_visit(). */
static __always_inline void flt_set_word(struct flt_operation *op, unsigned long word)
{
	atomic_long_set_release(&op->word, word);
}

/* From @cur, if the word is as the walk left it, to @next. Undisturbed. */
static __always_inline bool flt_stand_plain(struct flt_operation *op,
					    const struct flt_instance *cur,
					    const struct flt_instance *next)
{
	if (unlikely(atomic_long_read(&op->word) != flt_word_at(cur)))
		return false;
	flt_race_point("plain", op);
	flt_set_word(op, flt_word_at(next));
	return true;
}

/* May the walk go on from @cur, where it has left @pos, by a plain store? */
static __always_inline bool flt_is_as_left(const struct flt_operation *op,
					   const struct flt_volume_head *head,
					   const struct flt_instance *cur,
					   const struct flt_position *pos)
{
	return likely(flt_epoch(head) == pos->epoch) &&
	       likely(atomic_long_read(&op->word) == ((unsigned long)cur | FLT_OP_RUNNING));
}

/* The next instance in service of the stack that @pos is in, NULL if there is none. */
static __always_inline struct flt_instance *flt_next_slot(struct flt_position *pos)
{
	struct flt_instance *inst;

	do {
		inst = READ_ONCE(*++pos->slot);
	} while (unlikely(inst == &flt_stub));
	return inst;
}

/* Win the post-op. Undisturbed; false: not this way. */
static __always_inline bool flt_claim_plain(const struct flt_operation *op, struct flt_node *node)
{
	if (unlikely(atomic_read(&node->state) != FLT_NODE_OWED))
		return false;
	flt_race_point("plain", op);
	atomic_set(&node->state, FLT_NODE_POSTING);
	return true;
}

/* The post-op has returned, and is done. Undisturbed; false: not this way. */
static __always_inline bool flt_done_plain(const struct flt_operation *op, struct flt_node *node)
{
	if (unlikely(atomic_read(&node->state) != FLT_NODE_POSTING))
		return false;
	flt_race_point("plain", op);
	/* Whoever sees it does so after the callback. */
	atomic_set_release(&node->state, FLT_NODE_DONE);
	return true;
}

/*
 * A race point in the middle of a read section: where there are race points, that
 * is two. Returns whether what comes is undisturbed.
 */
static __always_inline bool flt_race_point_between(const char *name, const void *subject,
						   const struct flt_volume_head *head,
						   bool undisturbed)
{
	if (!IS_ENABLED(CONFIG_KUNIT))
		return undisturbed;
	rcu_read_unlock_sched();
	flt_race_point(name, subject);
	rcu_read_lock_sched();
	return flt_undisturbed(head);
}

/* The walk is under memalloc_noio_save(), and is op->runner. */
static __always_inline int flt_call_pre(struct flt_operation *op, struct flt_instance *inst,
					unsigned long class, void **context)
{
	bool entered = flt_lockdep_enter(inst->filter);
	int status;

	op->iopb.target_instance = inst;
	status = inst->pre[class](&op->data, &inst->objs, context);
	flt_lockdep_exit(inst->filter, entered);
	if (trace_flt_pre_enabled())
		trace_flt_pre(op, inst->id, status);
	return status;
}

/* Likewise. */
static __always_inline int flt_call_post(struct flt_operation *op, struct flt_instance *inst,
					 unsigned long class, void *context)
{
	bool entered = flt_lockdep_enter(inst->filter);
	int status;

	op->iopb.target_instance = inst;
	status = inst->post[class](&op->data, &inst->objs, context, 0);
	flt_lockdep_exit(inst->filter, entered);
	if (trace_flt_post_enabled())
		trace_flt_post(op, inst->id, status);
	return status;
}

/* As flt_node_push(), of the next inline node, whose context is set. */
static __always_inline void flt_node_push_inline(struct flt_operation *op,
						 struct flt_instance *inst,
						 struct flt_node *node)
{
	op->nr_nodes++;
	node->instance = inst;
	node->instance_id = inst->id;
	node->above = op->last;
	atomic_set(&node->state, FLT_NODE_OWED);
	/* Pairs with the acquire in flt_op_last(). */
	smp_store_release(&op->last, node);
}

#endif /* _FLTMGR_FAST_H */
