// SPDX-License-Identifier: GPL-2.0-only
/*
 * System threads: kernel threads that end themselves.
 *
 * A thread has a record until it has ended and its handle is closed, in either
 * order; whoever comes second releases it, or the unload does, which asks it to
 * end. It leaves through the kernel's text, holding this module until then: so
 * neither the driver's text nor ours is needed when it is said to have ended.
 * RLS-42..RLS-44
 */
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "internal.h"

static struct wdm_thread *wdm_thread_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_thread, header.record);
}

/* RLS-43: there is no forcing. */
static void wdm_thread_drain(struct wdm_record *record)
{
	struct wdm_thread *thread = wdm_thread_of(record);

	WRITE_ONCE(thread->stop, true);
	wake_up_process(thread->task);
	wdm_wait(record->owner->driver, READ_ONCE(thread->ended), "thread %s to end",
		 record->name);
	/* All of it */
	kthread_stop(thread->task);
	wdm_dispatcher_drain(record);
}

static void wdm_thread_release(struct wdm_record *record)
{
	struct wdm_thread *thread = wdm_thread_of(record);

	put_task_struct(thread->task);
	kfree(thread);
}

/* As long as it runs, or the handle is open, it is not given up by zw_close(). */
static const struct wdm_kind wdm_thread_kind = {
	.name = "thread",
	.rule = "V-RLS-4",
	.stage = WDM_STAGE_ROUTINES,
	.rank = WDM_RANK_THREADS,
	.drain = wdm_thread_drain,
	.release = wdm_thread_release,
};

/* It ends, and signals that. True if the handle is closed: nobody else has it. */
static bool wdm_thread_settle(struct wdm_thread *thread)
{
	struct wdm_record *record = &thread->header.record;
	bool mine;

	spin_lock_irq(&wdm_ledger_lock);
	spin_lock(&thread->header.lock);
	thread->header.signal = 1;
	wake_up_all(&thread->header.wait);
	spin_unlock(&thread->header.lock);
	mine = thread->closed && record->state == WDM_RECORD_LIVE;
	if (mine)
		record->state = WDM_RECORD_CLAIMED;
	WRITE_ONCE(thread->ended, true);
	wake_up_all(&record->owner->driver->wait);
	spin_unlock_irq(&wdm_ledger_lock);
	return mine;
}

static void __noreturn wdm_thread_end(struct wdm_thread *thread, int status)
{
	thread->status = status;
	wdm_critical_check(&thread->header.record);
	if (wdm_thread_settle(thread)) {
		wdm_dispatcher_drain(&thread->header.record);
		wdm_record_end(&thread->header.record);
	}
	module_put_and_kthread_exit(status);
}

static int wdm_thread_main(void *data)
{
	struct wdm_thread *thread = data;

	thread->routine(thread->context);
	wdm_thread_end(thread, 0);
}

/* That of the caller, or NULL. */
static struct wdm_thread *wdm_thread_current(void)
{
	if (!(current->flags & PF_KTHREAD) || kthread_func(current) != (void *)wdm_thread_main)
		return NULL;
	return kthread_data(current);
}

/* The record of the thread that the caller is, if it is one of the driver's. */
struct wdm_record *wdm_thread_record(struct wdm_driver *driver)
{
	struct wdm_thread *thread = wdm_thread_current();

	return thread && thread->header.record.owner->driver == driver ?
	       &thread->header.record : NULL;
}

static struct wdm_thread *wdm_thread_alloc(const char *name, wdm_thread_routine routine,
					   void *context)
{
	struct wdm_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);
	struct task_struct *task;

	if (!thread)
		return ERR_PTR(-ENOMEM);
	wdm_dispatcher_init(&thread->header, NotificationEvent, 0, 1);
	thread->routine = routine;
	thread->context = context;
	task = kthread_create(wdm_thread_main, thread, "%s", name);
	if (IS_ERR(task)) {
		kfree(thread);
		return ERR_CAST(task);
	}
	thread->task = get_task_struct(task);
	return thread;
}

/**
 * ps_create_system_thread() - start a thread (PsCreateSystemThread)
 * @owner: for whom
 * @name: its name
 * @routine: what it calls
 * @context: for @routine
 * @thread: receives a handle, to be closed by zw_close()
 *
 * kthread_create(). A thread ends itself: by its routine's return, or by
 * ps_terminate_system_thread(), for which it should look at ps_thread_should_stop()
 * wherever it loops, or wait for events of its owner, which end with -ENODEV when
 * that goes. Until it has ended an unload waits, and says for whom. RLS-42..RLS-44
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL; -ENOMEM, or what kthread_create() says; -EWOULDBLOCK, and
 * reported; -ESHUTDOWN if @owner goes.
 */
int ps_create_system_thread(struct wdm_owner *owner, const char *name,
			    wdm_thread_routine routine, void *context,
			    struct wdm_thread **thread)
{
	struct wdm_thread *made;
	int rc;

	if (!owner || !name || !routine || !thread)
		return -EINVAL;
	if (!wdm_passive(owner->driver, "ps_create_system_thread"))
		return -EWOULDBLOCK;
	made = wdm_thread_alloc(name, routine, context);
	if (IS_ERR(made))
		return PTR_ERR(made);
	__module_get(THIS_MODULE);
	rc = wdm_record_add(&made->header.record, owner, &wdm_thread_kind, name, NULL);
	if (rc) {
		/* It has never run, and never will. */
		kthread_stop(made->task);
		module_put(THIS_MODULE);
		put_task_struct(made->task);
		kfree(made);
		return rc;
	}
	*thread = made;
	wake_up_process(made->task);
	return 0;
}
EXPORT_SYMBOL_GPL(ps_create_system_thread);

/**
 * ps_terminate_system_thread() - end the calling thread (PsTerminateSystemThread)
 * @status: what it ends with
 *
 * Does not return; but for a thread that ps_create_system_thread() did not start:
 * that is reported (RLS-42), and goes on.
 *
 * Context: PASSIVE.
 */
void ps_terminate_system_thread(int status)
{
	struct wdm_thread *thread = wdm_thread_current();

	if (thread)
		wdm_thread_end(thread, status);
	wdm_violation("RLS-42", NULL, "%s terminates itself and is no system thread",
		      current->comm);
}
EXPORT_SYMBOL_GPL(ps_terminate_system_thread);

/**
 * ps_thread_should_stop() - is the calling system thread to end itself?
 *
 * As kthread_should_stop(), and like that to be part of the condition of a wait.
 *
 * Context: PASSIVE.
 * Return: true if its owner goes.
 */
bool ps_thread_should_stop(void)
{
	struct wdm_thread *thread = wdm_thread_current();

	return thread && READ_ONCE(thread->stop);
}
EXPORT_SYMBOL_GPL(ps_thread_should_stop);

/* 0: closed; 1: and the caller's to release. L */
static int wdm_thread_close(struct wdm_thread *thread)
{
	struct wdm_record *record = &thread->header.record;

	if (record->state == WDM_RECORD_UNLOAD)
		return -EALREADY;
	if (thread->closed) {
		wdm_record_report("V-GLB-9", record, "is closed twice");
		return -EINVAL;
	}
	if (READ_ONCE(thread->header.waiters)) {
		wdm_record_report("V-RLS-4", record, "is closed while it is waited for");
		return -EBUSY;
	}
	thread->closed = true;
	if (!thread->ended)
		return 0;
	record->state = WDM_RECORD_CLAIMED;
	return 1;
}

/**
 * zw_close() - close the handle of a thread (ZwClose)
 * @thread: the thread
 *
 * Does not end the thread, or wait for it. The handle must not be used any more.
 * RLS-42
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL, and reported (V-GLB-9), if it is closed, or none; -EBUSY,
 * and reported (V-RLS-4), if somebody waits for the thread by that handle;
 * -EALREADY if the unload closes it.
 */
int zw_close(struct wdm_thread *thread)
{
	int rc = -ENOENT;

	if (!thread)
		return -EINVAL;
	spin_lock_irq(&wdm_ledger_lock);
	if (wdm_record_find(&thread->header.record, &wdm_thread_kind))
		rc = wdm_thread_close(thread);
	spin_unlock_irq(&wdm_ledger_lock);
	if (rc == -ENOENT) {
		wdm_violation("V-GLB-9", NULL, "thread at %p is closed, but there is none", thread);
		return -EINVAL;
	}
	if (rc <= 0)
		return rc;
	kthread_stop(thread->task);
	wdm_record_end(&thread->header.record);
	return 0;
}
EXPORT_SYMBOL_GPL(zw_close);
