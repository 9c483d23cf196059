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
 * reused, addresses of arrays are.
 */
#include <linux/slab.h>

#include "internal.h"

/* Stands in for an instance that went: new operations pass it by. */
static struct flt_instance flt_stub = { .going = true };

static struct flt_stack *flt_stack_deref(struct flt_volume *volume, int class)
{
	return rcu_dereference_protected(volume->head.stack[class],
					 lockdep_is_held(&flt_topology_lock));
}

static bool flt_instance_wants(const struct flt_instance *inst, int class)
{
	return inst->state == FLT_INSTANCE_ACTIVE &&
	       (inst->ops[class].pre || inst->ops[class].post);
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
	stack = kmalloc(struct_size(stack, slots, nr), GFP_NOIO);
	if (!stack)
		return STATUS_INSUFFICIENT_RESOURCES;
	stack->generation = ++volume->generation;
	stack->nr = 0;
	list_for_each_entry(inst, &volume->instances, volume_link)
		if (flt_instance_wants(inst, class))
			stack->slots[stack->nr++] = inst;
	*out = stack;
	return 0;
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
		if (old)
			kfree_rcu(old, rcu);
	}
	return 0;

free:
	while (class--)
		kfree(new[class]);
	return rc;
}

/* Take an instance out of all stacks. Cannot fail. */
void flt_stack_stub(struct flt_instance *inst)
{
	struct flt_volume *volume = inst->volume;
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
			kfree_rcu(stack, rcu);
		}
	}
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
 * or NULL. The caller makes the operation stand there in the same RCU section:
 * a teardown that sets ->going and waits for readers then finds it. TDN-13
 */
struct flt_instance *flt_stack_next(struct flt_operation *op, struct flt_instance *cur)
{
	struct flt_stack *stack = rcu_dereference(op->volume->head.stack[op->class]);
	u32 i;

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
			return inst;
		}
	}
	return NULL;
}
