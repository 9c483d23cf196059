// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notify routines: who is told of processes, threads and images.
 *
 * The kernel tells of most of this with preemption disabled (GLB-51), and the
 * contract is PASSIVE. So each routine has a queue of what has happened, with the
 * facts copied, and a worker of its own that calls it: one that sleeps delays no
 * other. Or a routine says that it wants to be called there and then.
 *
 * A removal marks the routine, under the lock under which is queued; waits until
 * nobody looks at it without that (RCU); then until its queue is empty and it does
 * not run. What has happened before is told, then. GLB-61, GLB-62
 *
 * LOCKING
 *
 *   N  wdm_notify_lock, inside L: the list of routines, and how many there are.
 *   Q  the routine's lock, inside L or N, irq-safe: its queue, its calls, its mark.
 */
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "notify.h"

/* So much may wait for one routine; what happens beyond that is lost, and counted. */
#define WDM_BACKLOG	16384

enum wdm_notify_state {
	WDM_NOTIFY_OPENING,		/* not in the ledger yet */
	WDM_NOTIFY_OPEN,
	WDM_NOTIFY_DOWN,
};

struct wdm_notify {
	struct wdm_record record;
	struct list_head link;		/* N, RCU */
	struct kref ref;
	struct rcu_head rcu;
	enum wdm_notify_type type;	/* I, as the next three */
	enum wdm_notify_context context;
	u64 id;
	union {
		const void *routine;
		wdm_process_notify_routine process;
		wdm_thread_notify_routine thread;
		wdm_image_notify_routine image;
	};
	struct work_struct work;
	spinlock_t lock;		/* Q: what follows */
	struct list_head events;
	unsigned int nr_events;		/* with the one that the worker is at */
	unsigned int sleepers;		/* calls elsewhere than in the worker */
	unsigned long lost;
	enum wdm_notify_state state;	/* looked at without it, too */
	atomic_long_t calls;
};

static const char * const wdm_notify_names[] = {
	[WDM_NOTIFY_PROCESS] = "process",
	[WDM_NOTIFY_THREAD] = "thread",
	[WDM_NOTIFY_IMAGE] = "image",
};

static DEFINE_SPINLOCK(wdm_notify_lock);
static LIST_HEAD(wdm_notifies);				/* N */
static unsigned int wdm_nr_notifies[WDM_NOTIFY_TYPES];	/* N */
static u64 wdm_notify_ids;				/* N */
static struct workqueue_struct *wdm_notify_wq;

/* The routine that is called directly on this processor. */
static DEFINE_PER_CPU(struct wdm_notify *, wdm_notify_here);

static struct wdm_notify *wdm_notify_of(const struct wdm_record *record)
{
	return container_of(record, struct wdm_notify, record);
}

static void wdm_notify_free(struct kref *ref)
{
	struct wdm_notify *notify = container_of(ref, struct wdm_notify, ref);

	kfree_rcu(notify, rcu);
}

static void wdm_notify_put(struct wdm_notify *notify)
{
	kref_put(&notify->ref, wdm_notify_free);
}

/* calling */

static void wdm_notify_call(struct wdm_notify *notify, const struct wdm_notice *event)
{
	switch (notify->type) {
	case WDM_NOTIFY_PROCESS:
		notify->process(event->parent, event->process, event->create);
		break;
	case WDM_NOTIFY_THREAD:
		notify->thread(event->process, event->thread, event->create);
		break;
	default:
		notify->image(event->name, event->process, &event->info);
		break;
	}
}

/* Where it may sleep. */
static void wdm_notify_call_passive(struct wdm_notify *notify, const struct wdm_notice *event)
{
	struct wdm_run run;

	wdm_run_begin(&run, &notify->record);
	wdm_notify_call(notify, event);
	wdm_critical_check(&notify->record);
	wdm_run_end(&run);
}

static void wdm_notify_call_direct(struct wdm_notify *notify, const struct wdm_notice *event)
{
	this_cpu_write(wdm_notify_here, notify);
	wdm_notify_call(notify, event);
	this_cpu_write(wdm_notify_here, NULL);
}

/* The first one, which stays in the queue while the worker is at it. */
static struct wdm_notice *wdm_notify_first(struct wdm_notify *notify)
{
	struct wdm_notice *event;

	spin_lock_irq(&notify->lock);
	event = list_first_entry_or_null(&notify->events, struct wdm_notice, link);
	spin_unlock_irq(&notify->lock);
	return event;
}

static void wdm_notify_work(struct work_struct *work)
{
	struct wdm_notify *notify = container_of(work, struct wdm_notify, work);
	struct wdm_driver *driver = notify->record.owner->driver;
	struct wdm_notice *event;

	while ((event = wdm_notify_first(notify))) {
		wdm_notify_call_passive(notify, event);
		spin_lock_irq(&notify->lock);
		list_del(&event->link);
		notify->nr_events--;
		/* The driver stays: a removal waits for this work itself, too. */
		wake_up_all(&driver->wait);
		spin_unlock_irq(&notify->lock);
		atomic_long_inc(&notify->calls);
		kfree(event);
		cond_resched();
	}
}

/* A copy; there may be none. */
static struct wdm_notice *wdm_notice_copy(const struct wdm_notice *event)
{
	size_t size = event->name ? strlen(event->name) + 1 : 0;
	struct wdm_notice *copy = kmalloc(struct_size(copy, text, size), GFP_ATOMIC | __GFP_NOWARN);

	if (!copy)
		return NULL;
	*copy = *event;
	if (size)
		copy->name = memcpy(copy->text, event->name, size);
	return copy;
}

static void wdm_notify_queue(struct wdm_notify *notify, const struct wdm_notice *event)
{
	struct wdm_notice *copy = wdm_notice_copy(event);
	unsigned long flags;

	spin_lock_irqsave(&notify->lock, flags);
	if (notify->state == WDM_NOTIFY_OPEN && copy && notify->nr_events < WDM_BACKLOG) {
		list_add_tail(&copy->link, &notify->events);
		notify->nr_events++;
		queue_work(wdm_notify_wq, &notify->work);
		copy = NULL;
	} else if (notify->state == WDM_NOTIFY_OPEN) {
		notify->lost++;
	}
	spin_unlock_irqrestore(&notify->lock, flags);
	kfree(copy);
}

/* Something has happened. Called with preemption disabled, in the task that it is about. */
void wdm_notify(const struct wdm_notice *event)
{
	struct wdm_notify *notify;

	rcu_read_lock();
	list_for_each_entry_rcu(notify, &wdm_notifies, link) {
		if (notify->type != event->type)
			continue;
		if (notify->context == WDM_NOTIFY_PASSIVE) {
			wdm_notify_queue(notify, event);
		} else if (READ_ONCE(notify->state) == WDM_NOTIFY_OPEN) {
			wdm_notify_call_direct(notify, event);
			atomic_long_inc(&notify->calls);
		}
	}
	rcu_read_unlock();
}

/* The next one of that type behind @id that is not marked, kept: a removal waits for it. */
static struct wdm_notify *wdm_notify_next(enum wdm_notify_type type, u64 id)
{
	struct wdm_notify *notify, *found = NULL;

	spin_lock_irq(&wdm_notify_lock);
	list_for_each_entry(notify, &wdm_notifies, link) {
		if (notify->type != type || notify->id <= id)
			continue;
		spin_lock(&notify->lock);
		if (notify->state == WDM_NOTIFY_OPEN) {
			notify->sleepers++;
			found = notify;
		}
		spin_unlock(&notify->lock);
		if (found)
			break;
	}
	spin_unlock_irq(&wdm_notify_lock);
	return found;
}

/* ... where sleeping is allowed: all are called here. GLB-59 */
void wdm_notify_sleeping(const struct wdm_notice *event)
{
	struct wdm_notify *notify;
	u64 id = 0;

	while ((notify = wdm_notify_next(event->type, id))) {
		id = notify->id;
		if (notify->context == WDM_NOTIFY_PASSIVE) {
			wdm_notify_call_passive(notify, event);
		} else {
			preempt_disable();
			wdm_notify_call_direct(notify, event);
			preempt_enable();
		}
		spin_lock_irq(&notify->lock);
		notify->sleepers--;
		atomic_long_inc(&notify->calls);
		wake_up_all(&notify->record.owner->driver->wait);
		spin_unlock_irq(&notify->lock);
	}
}

/* removing */

static void wdm_notify_mark(struct wdm_record *record)
{
	struct wdm_notify *notify = wdm_notify_of(record);
	unsigned long flags;

	spin_lock_irqsave(&notify->lock, flags);
	WRITE_ONCE(notify->state, WDM_NOTIFY_DOWN);
	spin_unlock_irqrestore(&notify->lock, flags);
}

/* It can be given up at any time: what it is at is waited for. */
static const char *wdm_notify_close(struct wdm_record *record)
{
	wdm_notify_mark(record);
	return NULL;
}

static bool wdm_notify_idle(struct wdm_notify *notify)
{
	bool idle;

	spin_lock_irq(&notify->lock);
	idle = !notify->nr_events && !notify->sleepers;
	spin_unlock_irq(&notify->lock);
	return idle;
}

static void wdm_notify_leave(struct wdm_notify *notify)
{
	spin_lock_irq(&wdm_notify_lock);
	list_del_rcu(&notify->link);
	wdm_nr_notifies[notify->type]--;
	spin_unlock_irq(&wdm_notify_lock);
}

static void wdm_notify_drain(struct wdm_record *record)
{
	struct wdm_notify *notify = wdm_notify_of(record);

	wdm_notify_leave(notify);
	/* Who has found it is called, or sees the mark, with preemption disabled. */
	synchronize_rcu();
	wdm_wait(record->owner->driver, wdm_notify_idle(notify), "the %s notify routine %ps",
		 record->name, notify->routine);
	flush_work(&notify->work);
	wdm_hooks_put();
}

static void wdm_notify_release(struct wdm_record *record)
{
	wdm_notify_put(wdm_notify_of(record));
}

const struct wdm_kind wdm_notify_kind = {
	.name = "notify routine",
	.rule = "V-GLB-7",
	.stage = WDM_STAGE_ROUTINES,
	.rank = WDM_RANK_TIMERS,		/* as those, it starts others */
	.mark = wdm_notify_mark,
	.close = wdm_notify_close,
	.drain = wdm_notify_drain,
	.release = wdm_notify_release,
};

/* setting */

static struct wdm_notify *wdm_notify_make(enum wdm_notify_type type,
					  enum wdm_notify_context context, const void *routine)
{
	struct wdm_notify *notify = kzalloc(sizeof(*notify), GFP_KERNEL);

	if (!notify)
		return NULL;
	kref_init(&notify->ref);
	notify->type = type;
	notify->context = context;
	notify->routine = routine;
	INIT_WORK(&notify->work, wdm_notify_work);
	spin_lock_init(&notify->lock);
	INIT_LIST_HEAD(&notify->events);
	return notify;
}

/* N */
static struct wdm_notify *wdm_notify_find(enum wdm_notify_type type, const void *routine)
{
	struct wdm_notify *notify;

	lockdep_assert_held(&wdm_notify_lock);
	list_for_each_entry(notify, &wdm_notifies, link)
		if (notify->type == type && notify->routine == routine &&
		    READ_ONCE(notify->state) != WDM_NOTIFY_DOWN)
			return notify;
	return NULL;
}

/* GLB-40, GLB-41: a place of 64, and for processes not the same one twice */
static int wdm_notify_enter(struct wdm_notify *notify)
{
	bool process = notify->type == WDM_NOTIFY_PROCESS;
	int rc = 0;

	spin_lock_irq(&wdm_notify_lock);
	if (wdm_nr_notifies[notify->type] >= PS_NOTIFY_MAX)
		rc = process ? -EINVAL : -ENOMEM;
	else if (process && wdm_notify_find(notify->type, notify->routine))
		rc = -EINVAL;
	if (!rc) {
		notify->id = ++wdm_notify_ids;
		wdm_nr_notifies[notify->type]++;
		list_add_tail_rcu(&notify->link, &wdm_notifies);
	}
	spin_unlock_irq(&wdm_notify_lock);
	return rc;
}

/* From here on it is called, unless an unload has it already. */
static void wdm_notify_open(struct wdm_notify *notify)
{
	spin_lock_irq(&notify->lock);
	if (notify->state == WDM_NOTIFY_OPENING)
		WRITE_ONCE(notify->state, WDM_NOTIFY_OPEN);
	spin_unlock_irq(&notify->lock);
}

static int wdm_notify_add(struct wdm_notify *notify, struct wdm_owner *owner)
{
	int rc = wdm_notify_enter(notify);

	if (rc)
		return rc;
	/* For the record, which an unload may end at once. */
	kref_get(&notify->ref);
	rc = wdm_record_add(&notify->record, owner, &wdm_notify_kind,
			    wdm_notify_names[notify->type], NULL);
	if (rc) {
		wdm_notify_leave(notify);
		wdm_notify_put(notify);
		return rc;
	}
	wdm_notify_open(notify);
	return 0;
}

static int wdm_notify_set(struct wdm_owner *owner, enum wdm_notify_type type,
			  enum wdm_notify_context context, const void *routine)
{
	struct wdm_notify *notify;
	int rc;

	if (!owner || !routine || context > WDM_NOTIFY_DIRECT)
		return -EINVAL;
	if (!wdm_passive(owner->driver, "setting of a notify routine"))
		return -EWOULDBLOCK;
	notify = wdm_notify_make(type, context, routine);
	if (!notify)
		return -ENOMEM;
	rc = wdm_hooks_get();
	if (!rc) {
		rc = wdm_notify_add(notify, owner);
		if (rc)
			wdm_hooks_put();
	}
	wdm_notify_put(notify);
	return rc;
}

/* The notify routine, of whichever driver, that the caller is inside of, or NULL. L */
static struct wdm_record *wdm_notify_running(void)
{
	struct wdm_driver *driver;
	struct wdm_run *run;

	lockdep_assert_held(&wdm_ledger_lock);
	list_for_each_entry(driver, &wdm_drivers, link)
		list_for_each_entry(run, &driver->runs, link)
			if (run->task == current && run->record->kind == &wdm_notify_kind)
				return run->record;
	return NULL;
}

/* GLB-62: it would wait for itself, or two for each other. */
static bool wdm_notify_inside(void)
{
	struct wdm_notify *direct = NULL;
	struct wdm_record *record;

	if (!preemptible() && in_task())
		direct = this_cpu_read(wdm_notify_here);
	spin_lock_irq(&wdm_ledger_lock);
	record = direct ? &direct->record : wdm_notify_running();
	if (record)
		wdm_record_report("V-GLB-8", record, "removes a notify routine");
	spin_unlock_irq(&wdm_ledger_lock);
	return record;
}

static int wdm_notify_remove(enum wdm_notify_type type, const void *routine)
{
	struct wdm_notify *notify;
	int rc;

	if (wdm_notify_inside())
		return -EDEADLK;
	if (!wdm_passive(NULL, "removal of a notify routine"))
		return -EWOULDBLOCK;
	spin_lock_irq(&wdm_notify_lock);
	notify = wdm_notify_find(type, routine);
	if (notify)
		kref_get(&notify->ref);
	spin_unlock_irq(&wdm_notify_lock);
	if (!notify)
		return -ENOENT;
	rc = wdm_release(&notify->record, &wdm_notify_kind);
	wdm_notify_put(notify);
	return rc;
}

/**
 * ps_set_create_process_notify_routine() - be told of processes
 *	(PsSetCreateProcessNotifyRoutine)
 * @owner: for whom; for a removal it may be NULL
 * @routine: what is called when a process has been made and when it ends
 * @context: where
 * @remove: @routine is not to be called any more
 *
 * Tracepoints of the kernel. Created is told before the process runs, the end by
 * one of its last threads, once (GLB-55); other threads of it may be told of as ended
 * after that. Kernel threads are no processes. GLB-41, GLB-50..GLB-55
 *
 * A removal returns when the routine is not called any more; what happened before it
 * has been told. GLB-61, GLB-62
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for a NULL, for a routine that is set already, or if there are
 * 64; -ENOENT if a routine is to be removed and is not set; -EDEADLK, and reported
 * (V-GLB-8), if it is removed inside of a notify routine; -ENOMEM; -EOPNOTSUPP if the
 * kernel has none of these tracepoints; -ESHUTDOWN if @owner goes; -EALREADY if the
 * unload removes it; -EWOULDBLOCK, and reported, where sleeping is not allowed.
 */
int ps_set_create_process_notify_routine(struct wdm_owner *owner,
					 wdm_process_notify_routine routine,
					 enum wdm_notify_context context, bool remove)
{
	if (remove)
		return wdm_notify_remove(WDM_NOTIFY_PROCESS, routine);
	return wdm_notify_set(owner, WDM_NOTIFY_PROCESS, context, routine);
}
EXPORT_SYMBOL_GPL(ps_set_create_process_notify_routine);

/**
 * ps_set_create_thread_notify_routine() - be told of threads
 *	(PsSetCreateThreadNotifyRoutine)
 * @owner: for whom
 * @routine: what is called when a thread has been made, and when it ends; it may be
 *	set twice, and is then called twice
 * @context: where
 *
 * Each thread is told of as made once, and as ended once: one that executes a
 * program, and takes the id of its process for that, ends with its old id and is made
 * with the other one (GLB-56). GLB-40, GLB-50..GLB-54
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for a NULL; -ENOMEM, also if there are 64; -EOPNOTSUPP if the
 * kernel has none of these tracepoints; -ESHUTDOWN if @owner goes; -EWOULDBLOCK, and
 * reported, where sleeping is not allowed.
 */
int ps_set_create_thread_notify_routine(struct wdm_owner *owner,
					wdm_thread_notify_routine routine,
					enum wdm_notify_context context)
{
	return wdm_notify_set(owner, WDM_NOTIFY_THREAD, context, routine);
}
EXPORT_SYMBOL_GPL(ps_set_create_thread_notify_routine);

/**
 * ps_remove_create_thread_notify_routine() - be told no more of threads
 *	(PsRemoveCreateThreadNotifyRoutine)
 * @routine: what was set; if twice, it is removed once
 *
 * Context: PASSIVE.
 * Return: 0; otherwise as ps_set_create_process_notify_routine().
 */
int ps_remove_create_thread_notify_routine(wdm_thread_notify_routine routine)
{
	return wdm_notify_remove(WDM_NOTIFY_THREAD, routine);
}
EXPORT_SYMBOL_GPL(ps_remove_create_thread_notify_routine);

/**
 * ps_set_load_image_notify_routine() - be told of images
 *	(PsSetLoadImageNotifyRoutine)
 * @owner: for whom
 * @routine: what is called when a program, or a shared object, has been mapped into a
 *	process, or a module into the kernel; it may be set twice, and is then called twice
 * @context: where
 *
 * Of programs a tracepoint tells, before they run; of modules the kernel's notifier,
 * before their init, in the task that loads them: the routine must not wait for another
 * module to be loaded. Of shared objects nothing does but a kprobe, which not every
 * kernel has and which can be forbidden: then they are not told of, see "notify" in
 * debugfs. A file that is mapped once more at the same offset is not told of again, as
 * long as the process executes the same program. GLB-42, GLB-57..GLB-59, GLB-64
 *
 * Context: PASSIVE.
 * Return: as ps_set_create_thread_notify_routine().
 */
int ps_set_load_image_notify_routine(struct wdm_owner *owner, wdm_image_notify_routine routine,
				     enum wdm_notify_context context)
{
	return wdm_notify_set(owner, WDM_NOTIFY_IMAGE, context, routine);
}
EXPORT_SYMBOL_GPL(ps_set_load_image_notify_routine);

/**
 * ps_remove_load_image_notify_routine() - be told no more of images
 *	(PsRemoveLoadImageNotifyRoutine)
 * @routine: what was set; if twice, it is removed once
 *
 * Context: PASSIVE.
 * Return: 0; otherwise as ps_set_create_process_notify_routine().
 */
int ps_remove_load_image_notify_routine(wdm_image_notify_routine routine)
{
	return wdm_notify_remove(WDM_NOTIFY_IMAGE, routine);
}
EXPORT_SYMBOL_GPL(ps_remove_load_image_notify_routine);

/* The rest of its line in debugfs. L */
void wdm_notify_show(struct seq_file *m, const struct wdm_record *record)
{
	struct wdm_notify *notify = wdm_notify_of(record);

	spin_lock(&notify->lock);
	seq_printf(m, "%s %s %u %ld %lu %ps\n", record->name,
		   notify->context == WDM_NOTIFY_DIRECT ? "direct" : "passive",
		   notify->nr_events, atomic_long_read(&notify->calls), notify->lost,
		   notify->routine);
	spin_unlock(&notify->lock);
}

int wdm_notify_init(void)
{
	wdm_notify_wq = alloc_workqueue("wdm_notify", WQ_UNBOUND, 0);
	return wdm_notify_wq ? 0 : -ENOMEM;
}

/* No driver is left; workers may still be returning through here. */
void wdm_notify_exit(void)
{
	if (wdm_notify_wq)
		destroy_workqueue(wdm_notify_wq);
}
