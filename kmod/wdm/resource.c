// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executive resources.
 *
 * A rw_semaphore between threads, and a table of who has it, and how often: an
 * rwsem knows neither (GLB-13). A thread takes the semaphore once; what it
 * acquires beyond that is counted in the table alone, so a sharer gets it again
 * even if somebody waits to have it exclusively. A release asks the table.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "internal.h"

struct wdm_sharer {
	struct list_head link;
	struct task_struct *task;
	pid_t pid;			/* the task may be gone */
	unsigned int depth;
};

static struct wdm_resource *wdm_resource_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_resource, record);
}

/* That of the calling thread, or NULL. The resource's lock. */
static struct wdm_sharer *wdm_sharer_find(struct wdm_resource *resource)
{
	struct wdm_sharer *sharer;

	lockdep_assert_held(&resource->lock);
	list_for_each_entry(sharer, &resource->sharers, link)
		if (sharer->task == current)
			return sharer;
	return NULL;
}

static bool wdm_resource_used(const struct wdm_resource *resource)
{
	return resource->owner || !list_empty(&resource->sharers) ||
	       resource->exclusive_waiters || resource->shared_waiters;
}

/* GLB-12. The resource's lock; those in the table need not be there any more. */
static void wdm_resource_report(struct wdm_resource *resource, const char *what)
{
	struct wdm_sharer *sharer;
	char text[160];
	int at;

	at = scnprintf(text, sizeof(text), "%s: %u wait; had by", what,
		       resource->exclusive_waiters + resource->shared_waiters);
	if (resource->owner)
		at += scnprintf(text + at, sizeof(text) - at, " thread %d (%u times, exclusively)",
				resource->owner_pid, resource->depth);
	list_for_each_entry(sharer, &resource->sharers, link)
		at += scnprintf(text + at, sizeof(text) - at, " thread %d (%u times)", sharer->pid,
				sharer->depth);
	wdm_record_report("V-GLB-1", &resource->record, text);
}

static void wdm_resource_mark(struct wdm_record *record)
{
	struct wdm_resource *resource = wdm_resource_of(record);

	spin_lock(&resource->lock);
	resource->down = true;
	spin_unlock(&resource->lock);
}

static const char *wdm_resource_close(struct wdm_record *record)
{
	struct wdm_resource *resource = wdm_resource_of(record);
	bool used;

	spin_lock(&resource->lock);
	used = wdm_resource_used(resource);
	if (used)
		wdm_resource_report(resource, "is deleted");
	else
		resource->down = true;
	spin_unlock(&resource->lock);
	return used ? "" : NULL;
}

/* No routine runs any more that could release it. GLB-12 */
static void wdm_resource_drain(struct wdm_record *record)
{
	struct wdm_resource *resource = wdm_resource_of(record);
	struct wdm_sharer *sharer, *next;
	LIST_HEAD(left);

	spin_lock(&resource->lock);
	if (wdm_resource_used(resource))
		wdm_resource_report(resource, "goes");
	resource->owner = NULL;
	list_splice_init(&resource->sharers, &left);
	spin_unlock(&resource->lock);
	list_for_each_entry_safe(sharer, next, &left, link)
		kfree(sharer);
}

const struct wdm_kind wdm_resource_kind = {
	.name = "resource",
	.rule = "V-GLB-1",
	.stage = WDM_STAGE_RESOURCES,
	.mark = wdm_resource_mark,
	.close = wdm_resource_close,
	.drain = wdm_resource_drain,
};

/**
 * ex_initialize_resource_lite() - make a resource (ExInitializeResourceLite)
 * @owner: for whom
 * @resource: its memory, aligned as such a structure is
 *
 * GLB-10
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL, and reported (GLB-10), for memory that is not aligned; -EEXIST,
 * and reported (V-GLB-9), if it is one; -ESHUTDOWN if @owner goes.
 */
int ex_initialize_resource_lite(struct wdm_owner *owner, struct wdm_resource *resource)
{
	static struct lock_class_key key;
	int rc;

	if (!owner || !resource)
		return -EINVAL;
	if (!IS_ALIGNED((unsigned long)resource, __alignof__(*resource))) {
		wdm_violation("GLB-10", owner->driver, "resource at %p is not aligned", resource);
		return -EINVAL;
	}
	rc = wdm_record_new(&resource->record, owner, &wdm_resource_kind);
	if (rc)
		return rc;
	__init_rwsem(&resource->sem, "wdm_resource", &key);
	spin_lock_init(&resource->lock);
	INIT_LIST_HEAD(&resource->sharers);
	resource->owner = NULL;
	resource->depth = 0;
	resource->exclusive_waiters = 0;
	resource->shared_waiters = 0;
	resource->down = false;
	return wdm_record_add(&resource->record, owner, &wdm_resource_kind, NULL, NULL);
}
EXPORT_SYMBOL_GPL(ex_initialize_resource_lite);

/**
 * ex_delete_resource_lite() - give a resource up: its memory may go
 *	(ExDeleteResourceLite)
 * @resource: a resource that nobody has or waits for
 *
 * GLB-10, GLB-12
 *
 * Context: PASSIVE.
 * Return: 0; -EBUSY, and reported (V-GLB-1), with those who have it; -EINVAL, and
 * reported (V-GLB-9), if it is none; -EALREADY if the unload does it.
 */
int ex_delete_resource_lite(struct wdm_resource *resource)
{
	return resource ? wdm_release(&resource->record, &wdm_resource_kind) : -EINVAL;
}
EXPORT_SYMBOL_GPL(ex_delete_resource_lite);

/* GLB-11: in a critical region, where sleeping is allowed, of a resource that stays. */
static bool wdm_resource_allowed(struct wdm_resource *resource, const char *routine)
{
	/* GLB-10: deleted, or never made; its owner may be gone, too. */
	if (READ_ONCE(resource->record.state) == WDM_RECORD_NONE) {
		wdm_violation("V-GLB-9", NULL, "%s of a resource at %p that there is not",
			      routine, resource);
		return false;
	}
	if (!wdm_passive(resource->record.owner->driver, routine))
		return false;
	if (!ke_are_apcs_disabled()) {
		wdm_record_report("GLB-11", &resource->record,
				  "is acquired or released outside of a critical region");
		return false;
	}
	return true;
}

/* 1: has it; 0: is to wait, counted; -1: never. */
static int wdm_resource_try_exclusive(struct wdm_resource *resource)
{
	int rc = 0;

	spin_lock(&resource->lock);
	if (resource->down) {
		rc = -1;
	} else if (resource->owner == current) {
		resource->depth++;
		rc = 1;
	} else if (wdm_sharer_find(resource)) {
		/* Reported with the lock dropped: it would wait for itself. */
		rc = -2;
	} else {
		resource->exclusive_waiters++;
	}
	spin_unlock(&resource->lock);
	if (rc == -2)
		wdm_record_report("GLB-11", &resource->record,
				  "is wanted exclusively by one who shares it");
	return rc;
}

/**
 * ex_acquire_resource_exclusive_lite() - acquire for one
 *	(ExAcquireResourceExclusiveLite)
 * @resource: the resource
 * @wait: whether to wait
 *
 * In a critical region. Who has it exclusively gets it again. Who shares it would
 * wait for itself: refused and reported (GLB-11). GLB-11, GLB-13
 *
 * Context: PASSIVE.
 * Return: true if acquired; false if not, which with @wait is misuse, or the
 * resource goes; and reported (V-GLB-9), if it was deleted.
 */
bool ex_acquire_resource_exclusive_lite(struct wdm_resource *resource, bool wait)
{
	bool got = true;
	int rc;

	if (!wdm_resource_allowed(resource, "ex_acquire_resource_exclusive_lite"))
		return false;
	rc = wdm_resource_try_exclusive(resource);
	if (rc)
		return rc > 0;
	if (wait)
		down_write(&resource->sem);
	else
		got = down_write_trylock(&resource->sem);
	spin_lock(&resource->lock);
	resource->exclusive_waiters--;
	if (got) {
		resource->owner = current;
		resource->owner_pid = current->pid;
		resource->depth = 1;
	}
	spin_unlock(&resource->lock);
	return got;
}
EXPORT_SYMBOL_GPL(ex_acquire_resource_exclusive_lite);

/* 1: has it; 0: is to wait, counted; -1: never. */
static int wdm_resource_try_shared(struct wdm_resource *resource)
{
	struct wdm_sharer *sharer;
	int rc = 1;

	spin_lock(&resource->lock);
	sharer = wdm_sharer_find(resource);
	if (resource->down) {
		rc = -1;
	} else if (resource->owner == current) {
		resource->depth++;
	} else if (sharer) {
		sharer->depth++;
	} else {
		resource->shared_waiters++;
		rc = 0;
	}
	spin_unlock(&resource->lock);
	return rc;
}

/**
 * ex_acquire_resource_shared_lite() - acquire for many (ExAcquireResourceSharedLite)
 * @resource: the resource
 * @wait: whether to wait
 *
 * In a critical region. Who shares it gets it again, even if somebody waits to have
 * it exclusively; who has it exclusively gets it once more exclusively; others wait
 * behind those who want it exclusively. GLB-11, GLB-13
 *
 * Context: PASSIVE.
 * Return: true if acquired; false if not, which with @wait is misuse, or the
 * resource goes; and reported (V-GLB-9), if it was deleted.
 */
bool ex_acquire_resource_shared_lite(struct wdm_resource *resource, bool wait)
{
	struct wdm_sharer *sharer;
	bool got = true;
	int rc;

	if (!wdm_resource_allowed(resource, "ex_acquire_resource_shared_lite"))
		return false;
	rc = wdm_resource_try_shared(resource);
	if (rc)
		return rc > 0;
	/* A few bytes, where sleeping is allowed: it must not fail. */
	sharer = kzalloc(sizeof(*sharer), GFP_KERNEL | __GFP_NOFAIL);
	sharer->task = current;
	sharer->pid = current->pid;
	sharer->depth = 1;
	if (wait)
		down_read(&resource->sem);
	else
		got = down_read_trylock(&resource->sem);
	spin_lock(&resource->lock);
	resource->shared_waiters--;
	if (got)
		list_add(&sharer->link, &resource->sharers);
	spin_unlock(&resource->lock);
	if (!got)
		kfree(sharer);
	return got;
}
EXPORT_SYMBOL_GPL(ex_acquire_resource_shared_lite);

enum wdm_resource_end {
	WDM_RESOURCE_NOT_OWNED,
	WDM_RESOURCE_KEPT,
	WDM_RESOURCE_UP_WRITE,
	WDM_RESOURCE_UP_READ,
};

/* What is to be done with the semaphore. */
static enum wdm_resource_end wdm_resource_leave(struct wdm_resource *resource)
{
	enum wdm_resource_end end = WDM_RESOURCE_KEPT;
	struct wdm_sharer *sharer;

	spin_lock(&resource->lock);
	sharer = wdm_sharer_find(resource);
	if (resource->owner == current) {
		if (!--resource->depth) {
			resource->owner = NULL;
			end = WDM_RESOURCE_UP_WRITE;
		}
	} else if (!sharer) {
		end = WDM_RESOURCE_NOT_OWNED;
	} else if (!--sharer->depth) {
		list_del(&sharer->link);
		end = WDM_RESOURCE_UP_READ;
	}
	spin_unlock(&resource->lock);
	if (end == WDM_RESOURCE_UP_READ)
		kfree(sharer);
	return end;
}

/**
 * ex_release_resource_lite() - release a resource (ExReleaseResourceLite)
 * @resource: a resource that the calling thread has acquired, once for each time
 *
 * In a critical region still. GLB-11
 *
 * Context: PASSIVE.
 * Return: 0; -EPERM, and reported (GLB-11), if the thread has it not, or is in no
 * critical region; and reported (V-GLB-9), if it was deleted.
 */
int ex_release_resource_lite(struct wdm_resource *resource)
{
	if (!wdm_resource_allowed(resource, "ex_release_resource_lite"))
		return -EPERM;
	switch (wdm_resource_leave(resource)) {
	case WDM_RESOURCE_NOT_OWNED:
		wdm_record_report("GLB-11", &resource->record,
				  "is released by a thread that does not have it");
		return -EPERM;
	case WDM_RESOURCE_KEPT:
		break;
	case WDM_RESOURCE_UP_WRITE:
		up_write(&resource->sem);
		break;
	case WDM_RESOURCE_UP_READ:
		up_read(&resource->sem);
		break;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(ex_release_resource_lite);

/**
 * ex_convert_exclusive_to_shared_lite() - let others share what one has
 *	(ExConvertExclusiveToSharedLite)
 * @resource: a resource that the calling thread has exclusively
 *
 * downgrade_write(). It is shared as often as it was had. GLB-11, GLB-14
 *
 * Context: PASSIVE.
 * Return: 0; -EPERM, and reported (GLB-11), if the thread has it not exclusively.
 */
int ex_convert_exclusive_to_shared_lite(struct wdm_resource *resource)
{
	struct wdm_sharer *sharer;
	bool had;

	if (!wdm_resource_allowed(resource, "ex_convert_exclusive_to_shared_lite"))
		return -EPERM;
	sharer = kzalloc(sizeof(*sharer), GFP_KERNEL | __GFP_NOFAIL);
	spin_lock(&resource->lock);
	had = resource->owner == current;
	if (had) {
		sharer->task = current;
		sharer->pid = current->pid;
		sharer->depth = resource->depth;
		list_add(&sharer->link, &resource->sharers);
		resource->owner = NULL;
		resource->depth = 0;
	}
	spin_unlock(&resource->lock);
	if (had) {
		downgrade_write(&resource->sem);
		return 0;
	}
	kfree(sharer);
	wdm_record_report("GLB-11", &resource->record,
			  "is converted by a thread that does not have it exclusively");
	return -EPERM;
}
EXPORT_SYMBOL_GPL(ex_convert_exclusive_to_shared_lite);

/**
 * ex_is_resource_acquired_exclusive_lite() - does the calling thread have it alone?
 *	(ExIsResourceAcquiredExclusiveLite)
 * @resource: the resource
 *
 * Return: whether it does.
 */
bool ex_is_resource_acquired_exclusive_lite(struct wdm_resource *resource)
{
	return READ_ONCE(resource->owner) == current;
}
EXPORT_SYMBOL_GPL(ex_is_resource_acquired_exclusive_lite);

/**
 * ex_is_resource_acquired_shared_lite() - how often does the calling thread have it?
 *	(ExIsResourceAcquiredSharedLite)
 * @resource: the resource
 *
 * Return: how often, shared or exclusively.
 */
unsigned int ex_is_resource_acquired_shared_lite(struct wdm_resource *resource)
{
	struct wdm_sharer *sharer;
	unsigned int depth;

	spin_lock(&resource->lock);
	sharer = wdm_sharer_find(resource);
	depth = resource->owner == current ? resource->depth : sharer ? sharer->depth : 0;
	spin_unlock(&resource->lock);
	return depth;
}
EXPORT_SYMBOL_GPL(ex_is_resource_acquired_shared_lite);

/**
 * ex_get_exclusive_waiter_count() - how many wait for it exclusively?
 *	(ExGetExclusiveWaiterCount)
 * @resource: the resource
 *
 * Return: how many.
 */
unsigned int ex_get_exclusive_waiter_count(struct wdm_resource *resource)
{
	return READ_ONCE(resource->exclusive_waiters);
}
EXPORT_SYMBOL_GPL(ex_get_exclusive_waiter_count);

/**
 * ex_get_shared_waiter_count() - how many wait to share it? (ExGetSharedWaiterCount)
 * @resource: the resource
 *
 * Return: how many.
 */
unsigned int ex_get_shared_waiter_count(struct wdm_resource *resource)
{
	return READ_ONCE(resource->shared_waiters);
}
EXPORT_SYMBOL_GPL(ex_get_shared_waiter_count);

/* The rest of its line in debugfs. L */
void wdm_resource_show(struct seq_file *m, const struct wdm_record *record)
{
	struct wdm_resource *resource = container_of(record, struct wdm_resource, record);
	struct wdm_sharer *sharer;

	spin_lock(&resource->lock);
	seq_printf(m, "%p %d %u %u %u", resource, resource->owner ? resource->owner_pid : 0,
		   resource->depth, resource->shared_waiters, resource->exclusive_waiters);
	list_for_each_entry(sharer, &resource->sharers, link)
		seq_printf(m, " %d:%u", sharer->pid, sharer->depth);
	if (list_empty(&resource->sharers))
		seq_puts(m, " -");
	spin_unlock(&resource->lock);
	seq_putc(m, '\n');
}
