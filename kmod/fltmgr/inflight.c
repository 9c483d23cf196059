// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-flight set of a volume: one list per CPU of the operations that are
 * with filters. It is the only truth about who is where: teardown and
 * diagnostics read it, and there is no count per instance beside it.
 *
 * An operation records the CPU whose list it joined and leaves that list from
 * any CPU. While its list's lock is held it cannot be freed.
 */
#include <linux/percpu.h>
#include <linux/sched.h>

#include "internal.h"

/* Entries looked at before interrupts are let in. */
#define FLT_SCAN_BATCH	64

struct flt_inflight __percpu *flt_inflight_alloc(void)
{
	struct flt_inflight __percpu *set;
	int cpu;

	set = flt_fault_point("inflight") ? NULL : alloc_percpu(struct flt_inflight);
	if (!set)
		return NULL;
	for_each_possible_cpu(cpu) {
		struct flt_inflight *list = per_cpu_ptr(set, cpu);

		spin_lock_init(&list->lock);
		INIT_LIST_HEAD(&list->ops);
	}
	return set;
}

void flt_inflight_join(struct flt_operation *op)
{
	int cpu = raw_smp_processor_id();
	struct flt_inflight *list = per_cpu_ptr(op->volume->inflight, cpu);
	unsigned long flags;

	op->link.cpu = cpu;
	op->link.is_cursor = false;
	op->joined |= FLT_OP_JOINED;
	spin_lock_irqsave(&list->lock, flags);
	/* At the head: a scan goes to the tail and does not chase newcomers. */
	list_add(&op->link.list, &list->ops);
	list->entered++;
	spin_unlock_irqrestore(&list->lock, flags);
}

/* After this nobody but the caller knows the operation. */
void flt_inflight_leave(struct flt_operation *op)
{
	struct flt_inflight *list = per_cpu_ptr(op->volume->inflight, op->link.cpu);
	unsigned long flags;

	op->joined &= ~FLT_OP_JOINED;
	spin_lock_irqsave(&list->lock, flags);
	list_del(&op->link.list);
	list->left++;
	/* Under the lock: a dismount that sees it gone may free the volume. */
	if (unlikely(READ_ONCE(op->volume->going)))
		wake_up_all(&op->volume->wait);
	spin_unlock_irqrestore(&list->lock, flags);
}

static struct flt_operation *flt_cursor_step(struct flt_inflight *list,
					     struct flt_inflight_link *cursor)
{
	while (!list_is_last(&cursor->list, &list->ops)) {
		struct flt_inflight_link *link = list_next_entry(cursor, list);

		list_move(&cursor->list, &link->list);
		if (!link->is_cursor)
			return container_of(link, struct flt_operation, link);
	}
	return NULL;
}

static void flt_inflight_scan_cpu(struct flt_inflight *list, flt_inflight_visit visit,
				  flt_inflight_action action, void *arg)
{
	struct flt_inflight_link cursor = { .is_cursor = true };
	struct flt_operation *op;
	unsigned int seen = 0;

	spin_lock_irq(&list->lock);
	list_add(&cursor.list, &list->ops);
	while ((op = flt_cursor_step(list, &cursor))) {
		bool act = visit(op, arg);

		if (!act && ++seen < FLT_SCAN_BATCH)
			continue;
		seen = 0;
		spin_unlock_irq(&list->lock);
		if (act)
			action(arg);
		cond_resched();
		spin_lock_irq(&list->lock);
	}
	list_del(&cursor.list);
	spin_unlock_irq(&list->lock);
}

/*
 * Visit every operation that was in flight when the scan began and still is.
 * @visit runs under the list's lock; when it returns true, @action is called
 * next, without the lock and sleepable. PASSIVE.
 */
void flt_inflight_scan(struct flt_volume *volume, flt_inflight_visit visit,
		       flt_inflight_action action, void *arg)
{
	int cpu;

	might_sleep();
	for_each_possible_cpu(cpu)
		flt_inflight_scan_cpu(per_cpu_ptr(volume->inflight, cpu), visit, action, arg);
}

/*
 * Visit one operation, if it is in the set. Its memory is kept by the caller,
 * but it may leave, and join again, at any time. Any context.
 */
bool flt_inflight_visit_one(struct flt_operation *op, flt_inflight_visit visit, void *arg)
{
	int cpu = READ_ONCE(op->link.cpu);
	struct flt_inflight *list = per_cpu_ptr(op->volume->inflight, cpu);
	unsigned long flags;
	bool rc = false;

	spin_lock_irqsave(&list->lock, flags);
	/* Joined here, and not about to leave: then it stays while we look. */
	if (data_race(op->joined) & FLT_OP_JOINED && data_race(op->link.cpu) == cpu)
		rc = visit(op, arg);
	spin_unlock_irqrestore(&list->lock, flags);
	return rc;
}

void flt_inflight_sum(struct flt_volume *volume, u64 *entered, u64 *left)
{
	int cpu;

	*entered = 0;
	*left = 0;
	for_each_possible_cpu(cpu) {
		struct flt_inflight *list = per_cpu_ptr(volume->inflight, cpu);

		spin_lock_irq(&list->lock);
		*entered += list->entered;
		*left += list->left;
		spin_unlock_irq(&list->lock);
	}
}

/* A dismounted volume is waited for until this is true. */
bool flt_inflight_empty(struct flt_volume *volume)
{
	u64 entered, left;

	flt_inflight_sum(volume, &entered, &left);
	return entered == left;
}
