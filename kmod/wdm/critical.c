// SPDX-License-Identifier: GPL-2.0-only
/*
 * Critical regions: a count for each thread that is in one. Nothing is disabled
 * by it: kernel threads of Linux are not interrupted by calls of user space. It is
 * what executive resources ask for, and must be 0 when a routine returns. GLB-15
 */
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "internal.h"

struct wdm_critical {
	struct hlist_node node;
	struct task_struct *task;
	unsigned int depth;
};

static DEFINE_HASHTABLE(wdm_criticals, 6);
static DEFINE_SPINLOCK(wdm_critical_lock);

static struct wdm_critical *wdm_critical_find(void)
{
	struct wdm_critical *critical;

	lockdep_assert_held(&wdm_critical_lock);
	hash_for_each_possible(wdm_criticals, critical, node, (unsigned long)current)
		if (critical->task == current)
			return critical;
	return NULL;
}

/**
 * ke_enter_critical_region() - begin a critical region (KeEnterCriticalRegion)
 *
 * They nest. GLB-11, GLB-15
 *
 * Context: PASSIVE.
 */
void ke_enter_critical_region(void)
{
	struct wdm_critical *found, *made;

	/* A few bytes, where sleeping is allowed: there is no way to fail. */
	made = kzalloc(sizeof(*made), GFP_KERNEL | __GFP_NOFAIL);
	spin_lock(&wdm_critical_lock);
	found = wdm_critical_find();
	if (found) {
		found->depth++;
	} else {
		made->task = current;
		made->depth = 1;
		hash_add(wdm_criticals, &made->node, (unsigned long)current);
	}
	spin_unlock(&wdm_critical_lock);
	if (found)
		kfree(made);
}
EXPORT_SYMBOL_GPL(ke_enter_critical_region);

/* One less, or all of them; how many there were. */
static unsigned int wdm_critical_leave(bool all)
{
	struct wdm_critical *critical;
	unsigned int depth = 0;

	spin_lock(&wdm_critical_lock);
	critical = wdm_critical_find();
	if (critical) {
		depth = critical->depth--;
		if (all || !critical->depth)
			hash_del(&critical->node);
		else
			critical = NULL;
	}
	spin_unlock(&wdm_critical_lock);
	kfree(critical);
	return depth;
}

/**
 * ke_leave_critical_region() - end a critical region (KeLeaveCriticalRegion)
 *
 * Context: PASSIVE.
 * Return: 0; -EPERM, and reported (V-GLB-2), if the thread is in none.
 */
int ke_leave_critical_region(void)
{
	if (wdm_critical_leave(false))
		return 0;
	wdm_violation("V-GLB-2", NULL, "%s leaves a critical region and is in none", current->comm);
	return -EPERM;
}
EXPORT_SYMBOL_GPL(ke_leave_critical_region);

/**
 * ke_are_apcs_disabled() - is the thread in a critical region? (KeAreApcsDisabled)
 *
 * Context: PASSIVE.
 * Return: whether it is.
 */
bool ke_are_apcs_disabled(void)
{
	bool inside;

	spin_lock(&wdm_critical_lock);
	inside = wdm_critical_find();
	spin_unlock(&wdm_critical_lock);
	return inside;
}
EXPORT_SYMBOL_GPL(ke_are_apcs_disabled);

/* A routine of the driver's has returned. V-GLB-2, and it is made right. */
void wdm_critical_check(const struct wdm_record *record)
{
	unsigned int depth = wdm_critical_leave(true);

	if (depth)
		wdm_violation("V-GLB-2", record->owner->driver,
			      "the routine of %s '%s' has returned in %u critical regions",
			      record->kind->name, record->name, depth);
}

/* Threads that have ended inside of one. */
void wdm_critical_exit(void)
{
	struct wdm_critical *critical;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(wdm_criticals, bucket, next, critical, node) {
		wdm_violation("V-GLB-2", NULL, "a thread has ended in %u critical regions",
			      critical->depth);
		kfree(critical);
	}
}
