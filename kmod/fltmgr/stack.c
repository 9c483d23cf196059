// SPDX-License-Identifier: GPL-2.0-only
/*
 * Published stacks: for each volume and operation class an immutable array of
 * the instances that want it, highest altitude first, or NULL when none does.
 *
 * Attaching publishes new arrays. Tearing down overwrites the instance's slots
 * with a stub, which allocates nothing and cannot fail; an array of stubs only
 * is withdrawn, so that the volume has its fast path back. Compacting is tried
 * later and may fail.
 *
 * An operation remembers its slot together with the generation of the array.
 * In another array it finds its place again by altitude. Generations are never
 * reused, addresses of arrays are. While it is on its way the walk keeps the
 * address of its slot, too, which is good as long as the volume's epoch is the
 * same: fast.h.
 */
#include <linux/slab.h>

#include "internal.h"

/* Stands in for an instance that went: new operations pass it by. */
struct flt_instance flt_stub = { .going = true };

static struct flt_stack *flt_stack_deref(struct flt_volume *volume, int class)
{
	return rcu_dereference_protected(volume->head.stack[class],
					 lockdep_is_held(&flt_topology_lock));
}

static bool flt_instance_wants(const struct flt_instance *inst, int class)
{
	return inst->state == FLT_INSTANCE_ACTIVE &&
	       (inst->pre[class] || inst->post[class]);
}

static int flt_stack_build(struct flt_volume *volume, int class, struct flt_stack **out)
{
	struct flt_instance *inst;
	struct flt_stack *stack;
	u32 nr = 0;

	*out = NULL;
	list_for_each_entry(inst, &volume->instances, volume_link)
		nr += flt_instance_wants(inst, class);
	if (!nr)
		return 0;
	/* NOIO: memory may have to be written through this very volume */
	stack = kmalloc(struct_size(stack, slots, nr + 1), GFP_NOIO);
	if (!stack)
		return STATUS_INSUFFICIENT_RESOURCES;
	stack->generation = ++volume->generation;
	stack->nr = 0;
	list_for_each_entry(inst, &volume->instances, volume_link)
		if (flt_instance_wants(inst, class))
			stack->slots[stack->nr++] = inst;
	stack->slots[stack->nr] = NULL;
	*out = stack;
	return 0;
}

/*
 * Let walks know that what they have seen of the volume is not so any more. Whoever
 * sees the new epoch sees the new stacks and what a scan has left, and whoever reads
 * the old one does so before the grace period that the old stacks wait for.
 */
static void flt_epoch_advance(struct flt_volume *volume)
{
	unsigned long epoch = (volume->head.epoch | 1) + 1;

	/* Pairs with the acquires in flt_stack_next() and flt_epoch(). */
	smp_store_release(&volume->head.epoch, epoch | !!volume->scans);
}

/* Stacks that are not published any more, NULL for none. */
static void flt_stack_retire(struct flt_stack **old)
{
	int class;

	for (class = 0; class < FLT_NR_CLASSES; class++)
		if (old[class])
			kfree_rcu(old[class], rcu);
}

/* Publish what volume->instances says now, for all classes or for none. */
int flt_stack_publish(struct flt_volume *volume)
{
	struct flt_stack *new[FLT_NR_CLASSES] = {};
	int class, rc;

	lockdep_assert_held(&flt_topology_lock);
	for (class = 0; class < FLT_NR_CLASSES; class++) {
		rc = flt_stack_build(volume, class, &new[class]);
		if (rc)
			goto free;
	}
	for (class = 0; class < FLT_NR_CLASSES; class++) {
		struct flt_stack *old = flt_stack_deref(volume, class);

		rcu_assign_pointer(volume->head.stack[class], new[class]);
		new[class] = old;
	}
	flt_epoch_advance(volume);
	flt_stack_retire(new);
	return 0;

free:
	while (class--)
		kfree(new[class]);
	return rc;
}

/* A teardown of the volume begins (1), or has ended (-1), to look through its operations. */
void flt_epoch_scan(struct flt_volume *volume, int change)
{
	lockdep_assert_held(&flt_topology_lock);
	volume->scans += change;
	flt_epoch_advance(volume);
}

/* Take an instance out of all stacks. Cannot fail. */
void flt_stack_stub(struct flt_instance *inst)
{
	struct flt_volume *volume = inst->volume;
	struct flt_stack *old[FLT_NR_CLASSES] = {};
	int class;

	lockdep_assert_held(&flt_topology_lock);
	for (class = 0; class < FLT_NR_CLASSES; class++) {
		struct flt_stack *stack = flt_stack_deref(volume, class);
		u32 i, live = 0;

		if (!stack)
			continue;
		for (i = 0; i < stack->nr; i++) {
			if (stack->slots[i] == inst)
				WRITE_ONCE(stack->slots[i], &flt_stub);
			live += stack->slots[i] != &flt_stub;
		}
		if (!live) {
			RCU_INIT_POINTER(volume->head.stack[class], NULL);
			old[class] = stack;
		}
	}
	flt_epoch_advance(volume);
	flt_stack_retire(old);
}

/* Free all stacks of a volume that nobody dispatches on any more. */
void flt_stack_free(struct flt_volume *volume)
{
	int class;

	for (class = 0; class < FLT_NR_CLASSES; class++)
		kfree(rcu_dereference_protected(volume->head.stack[class], true));
}

/* The first slot below the altitude of @cur in an array it has no index of. */
static u32 flt_stack_find_below(const struct flt_stack *stack, const struct flt_instance *cur)
{
	u32 i;

	for (i = 0; i < stack->nr; i++) {
		struct flt_instance *inst = READ_ONCE(stack->slots[i]);

		if (inst != &flt_stub && flt_altitude_cmp(inst->altitude, cur->altitude) < 0)
			break;
	}
	return i;
}

/*
 * The next instance below @cur (below none: the highest) that is in service,
 * or NULL. The caller makes the operation stand there in the same read section:
 * a teardown that sets ->going and waits for readers then finds it. @pos is where
 * that is. TDN-13
 */
struct flt_instance *flt_stack_next(struct flt_operation *op, struct flt_instance *cur,
				    struct flt_position *pos)
{
	struct flt_volume_head *head = &op->volume->head;
	struct flt_stack *stack;
	u32 i;

	/* Before the stack is. Pairs with flt_epoch_advance(). */
	pos->epoch = smp_load_acquire(&head->epoch);
	if (pos->epoch & 1)
		pos->epoch = FLT_EPOCH_NONE;
	stack = rcu_dereference_sched(head->stack[op->class]);
	if (!stack)
		return NULL;
	if (!cur)
		i = 0;
	else if (likely(stack->generation == op->generation))
		i = op->index + 1;
	else
		i = flt_stack_find_below(stack, cur);
	op->generation = stack->generation;
	for (; i < stack->nr; i++) {
		struct flt_instance *inst = READ_ONCE(stack->slots[i]);

		if (likely(!READ_ONCE(inst->going))) {
			op->index = i;
			pos->first = stack->slots;
			pos->slot = &stack->slots[i];
			return inst;
		}
	}
	return NULL;
}
