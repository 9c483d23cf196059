// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatcher objects: events, semaphores, mutexes, and waiting for them and for
 * timers.
 *
 * Waiters are counted from before they look until after they have left the wait
 * queue: that a queue is empty says nothing (RLS-34). The unload wakes them all
 * in its first stage, since who is inside of a device may wait for an event that
 * comes only from outside; its second stage waits until the last has left.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/flt_status.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "internal.h"

#define WDM_EPOCH	116444736000000000LL	/* 1970 in units of 100 ns since 1601 */

static struct wdm_dispatcher *wdm_dispatcher_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_dispatcher, record);
}

/* Wakes all who wait: they leave. */
void wdm_dispatcher_mark(struct wdm_record *record)
{
	struct wdm_dispatcher *object = wdm_dispatcher_of(record);
	unsigned long flags;

	spin_lock_irqsave(&object->lock, flags);
	object->down = true;
	wake_up_all(&object->wait);
	spin_unlock_irqrestore(&object->lock, flags);
}

static const char *wdm_dispatcher_close(struct wdm_record *record)
{
	struct wdm_dispatcher *object = wdm_dispatcher_of(record);
	const char *use = NULL;
	unsigned long flags;

	spin_lock_irqsave(&object->lock, flags);
	if (object->waiters)
		use = "has waiters";
	else if (object->holder)
		use = "is held";
	else
		object->down = true;
	spin_unlock_irqrestore(&object->lock, flags);
	return use;
}

static bool wdm_dispatcher_idle(struct wdm_dispatcher *object)
{
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&object->lock, flags);
	idle = !object->waiters;
	spin_unlock_irqrestore(&object->lock, flags);
	return idle;
}

/* RLS-34 */
void wdm_dispatcher_drain(struct wdm_record *record)
{
	struct wdm_dispatcher *object = wdm_dispatcher_of(record);

	wdm_wait(record->owner->driver, wdm_dispatcher_idle(object), "those who wait for a %s",
		 record->kind->name);
}

#define WDM_DISPATCHER_KIND(_name) {				\
	.name = _name, .rule = "RLS-34", .early = true,		\
	.stage = WDM_STAGE_ROUTINES, .rank = WDM_RANK_OBJECTS,	\
	.mark = wdm_dispatcher_mark,				\
	.close = wdm_dispatcher_close,				\
	.drain = wdm_dispatcher_drain,				\
}

static const struct wdm_kind wdm_event_kind = WDM_DISPATCHER_KIND("event");
static const struct wdm_kind wdm_semaphore_kind = WDM_DISPATCHER_KIND("semaphore");
static const struct wdm_kind wdm_mutex_kind = WDM_DISPATCHER_KIND("mutex");

/* All but the record. */
void wdm_dispatcher_init(struct wdm_dispatcher *object, enum wdm_signal_type type, int signal,
			 int limit)
{
	spin_lock_init(&object->lock);
	init_waitqueue_head(&object->wait);
	object->type = type;
	object->signal = signal;
	object->limit = limit;
	object->waiters = 0;
	object->depth = 0;
	object->holder = NULL;
	object->down = false;
}

static int wdm_dispatcher_new(struct wdm_owner *owner, struct wdm_dispatcher *object,
			      const struct wdm_kind *kind, enum wdm_signal_type type,
			      int signal, int limit)
{
	int rc;

	if (!object)
		return -EINVAL;
	rc = wdm_record_new(&object->record, owner, kind);
	if (rc)
		return rc;
	wdm_dispatcher_init(object, type, signal, limit);
	return wdm_record_add(&object->record, owner, kind, NULL, NULL);
}

/**
 * wdm_timeout() - a Windows time as a number of jiffies from now
 * @due: in units of 100 ns; negative: from now on; positive: since 1601
 *
 * Return: jiffies, rounded up; 0 for what is past.
 */
unsigned long wdm_timeout(s64 due)
{
	s64 ticks = due > 0 ? due - WDM_EPOCH - div_s64(ktime_get_real_ns(), 100) : -due;

	if (ticks <= 0)
		return 0;
	if (ticks >= div_s64(S64_MAX, 100))
		return MAX_JIFFY_OFFSET;
	return min_t(u64, nsecs_to_jiffies64(ticks * 100 + TICK_NSEC - 1), MAX_JIFFY_OFFSET);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_timeout);

/* May the caller go on? It has got what it waited for then. The object's lock. */
static bool wdm_dispatcher_take(struct wdm_dispatcher *object)
{
	if (object->type == WDM_MUTEX && object->holder == current) {
		object->depth++;
		return true;
	}
	if (object->signal <= 0)
		return false;
	switch (object->type) {
	case NotificationEvent:
		break;
	case SynchronizationEvent:
		object->signal = 0;
		break;
	case WDM_SEMAPHORE:
		object->signal--;
		break;
	case WDM_MUTEX:
		object->signal = 0;
		object->holder = current;
		object->depth = 1;
		break;
	}
	return true;
}

/* 1: not yet */
static int wdm_dispatcher_try(struct wdm_dispatcher *object)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&object->lock, flags);
	rc = object->down ? -ENODEV : wdm_dispatcher_take(object) ? 0 : 1;
	spin_unlock_irqrestore(&object->lock, flags);
	return rc;
}

/* Counted. */
static int wdm_dispatcher_sleep(struct wdm_dispatcher *object, bool alertable, long left)
{
	DEFINE_WAIT_FUNC(wait, default_wake_function);
	int rc;

	for (;;) {
		prepare_to_wait(&object->wait, &wait, alertable ? TASK_INTERRUPTIBLE : TASK_IDLE);
		rc = wdm_dispatcher_try(object);
		if (rc <= 0)
			break;
		rc = STATUS_TIMEOUT;
		if (!left)
			break;
		rc = -EINTR;
		if (alertable && signal_pending(current))
			break;
		left = schedule_timeout(left);
	}
	finish_wait(&object->wait, &wait);
	return rc;
}

static int wdm_dispatcher_enter(struct wdm_dispatcher *object)
{
	unsigned long flags;
	int rc = -ENODEV;

	spin_lock_irqsave(&object->lock, flags);
	if (!object->down) {
		object->waiters++;
		rc = 0;
	}
	spin_unlock_irqrestore(&object->lock, flags);
	return rc;
}

/* The last access: the object may go. */
static void wdm_dispatcher_leave(struct wdm_dispatcher *object)
{
	unsigned long flags;

	spin_lock_irqsave(&object->lock, flags);
	if (!--object->waiters)
		wake_up_all(&object->record.owner->driver->wait);
	spin_unlock_irqrestore(&object->lock, flags);
}

/**
 * ke_wait_for_single_object() - wait for an object (KeWaitForSingleObject)
 * @object: the header of an event, a semaphore, a mutex or a timer
 * @alertable: a signal ends the wait
 * @timeout: NULL: without end; otherwise in units of 100 ns: 0: do not wait;
 *	negative: so long; positive: until then, since 1601
 *
 * prepare_to_wait() and schedule(), with a count of those who do. When the device
 * or the driver that owns the object goes, all waits for it end. RLS-13, RLS-34
 *
 * Context: PASSIVE; DISPATCH with a time-out of 0.
 * Return: 0; %STATUS_TIMEOUT; -EINTR after a signal; -ENODEV if the object goes;
 * -EWOULDBLOCK, and reported, if sleeping is not allowed.
 */
int ke_wait_for_single_object(struct wdm_dispatcher *object, bool alertable, const s64 *timeout)
{
	long left = timeout ? wdm_timeout(*timeout) : MAX_SCHEDULE_TIMEOUT;
	int rc;

	if (timeout && !*timeout) {
		rc = wdm_dispatcher_try(object);
		return rc > 0 ? STATUS_TIMEOUT : rc;
	}
	if (!wdm_passive(object->record.owner->driver, "ke_wait_for_single_object"))
		return -EWOULDBLOCK;
	rc = wdm_dispatcher_enter(object);
	if (rc)
		return rc;
	rc = wdm_dispatcher_sleep(object, alertable, left);
	wdm_dispatcher_leave(object);
	return rc;
}
EXPORT_SYMBOL_GPL(ke_wait_for_single_object);

/* Set to what it was; or -ENODEV. */
static int wdm_event_change(struct wdm_event *event, int to)
{
	struct wdm_dispatcher *object = &event->header;
	unsigned long flags;
	int was = -ENODEV;

	spin_lock_irqsave(&object->lock, flags);
	if (!object->down) {
		was = object->signal;
		object->signal = to;
		if (to)
			wake_up_all(&object->wait);
	}
	spin_unlock_irqrestore(&object->lock, flags);
	return was;
}

/**
 * ke_initialize_event() - make an event (KeInitializeEvent)
 * @owner: for whom
 * @event: its memory
 * @type: %NotificationEvent or %SynchronizationEvent
 * @state: whether it is signalled
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL; -EEXIST, and reported (V-GLB-9), if it is one; -ESHUTDOWN
 * if @owner goes.
 */
int ke_initialize_event(struct wdm_owner *owner, struct wdm_event *event,
			enum wdm_signal_type type, bool state)
{
	if (!event || type > SynchronizationEvent)
		return -EINVAL;
	return wdm_dispatcher_new(owner, &event->header, &wdm_event_kind, type, state, 1);
}
EXPORT_SYMBOL_GPL(ke_initialize_event);

/**
 * ke_uninitialize_event() - give an event up: its memory may go
 * @event: the event
 *
 * Windows has no such routine: the memory just goes. RLS-34
 *
 * Context: PASSIVE.
 * Return: 0; -EBUSY, and reported (RLS-34), if somebody waits for it; -EINVAL,
 * and reported (V-GLB-9), if it is none; -EALREADY if the unload does it.
 */
int ke_uninitialize_event(struct wdm_event *event)
{
	return wdm_release(&event->header.record, &wdm_event_kind);
}
EXPORT_SYMBOL_GPL(ke_uninitialize_event);

/**
 * ke_set_event() - signal an event (KeSetEvent)
 * @event: the event
 *
 * All waits for a notification event are satisfied, or one for a synchronization
 * event.
 *
 * Context: ATOMIC.
 * Return: whether it was signalled, 0 or 1; -ENODEV if it goes.
 */
int ke_set_event(struct wdm_event *event)
{
	return wdm_event_change(event, 1);
}
EXPORT_SYMBOL_GPL(ke_set_event);

/**
 * ke_reset_event() - take the signal of an event back (KeResetEvent, KeClearEvent)
 * @event: the event
 *
 * Context: ATOMIC.
 * Return: as ke_set_event().
 */
int ke_reset_event(struct wdm_event *event)
{
	return wdm_event_change(event, 0);
}
EXPORT_SYMBOL_GPL(ke_reset_event);

/**
 * ke_read_state_event() - is an event signalled? (KeReadStateEvent)
 * @event: the event
 *
 * Context: ATOMIC.
 * Return: 0 or 1.
 */
int ke_read_state_event(struct wdm_event *event)
{
	return READ_ONCE(event->header.signal);
}
EXPORT_SYMBOL_GPL(ke_read_state_event);

/**
 * ke_initialize_semaphore() - make a semaphore (KeInitializeSemaphore)
 * @owner: for whom
 * @semaphore: its memory
 * @count: so many waits are satisfied at once
 * @limit: what the count never exceeds
 *
 * Context: ATOMIC.
 * Return: as ke_initialize_event(); -EINVAL also for a count out of range.
 */
int ke_initialize_semaphore(struct wdm_owner *owner, struct wdm_semaphore *semaphore,
			    int count, int limit)
{
	if (!semaphore || limit < 1 || count < 0 || count > limit)
		return -EINVAL;
	return wdm_dispatcher_new(owner, &semaphore->header, &wdm_semaphore_kind, WDM_SEMAPHORE,
				  count, limit);
}
EXPORT_SYMBOL_GPL(ke_initialize_semaphore);

/**
 * ke_uninitialize_semaphore() - give a semaphore up: its memory may go
 * @semaphore: the semaphore
 *
 * Context: PASSIVE.
 * Return: as ke_uninitialize_event().
 */
int ke_uninitialize_semaphore(struct wdm_semaphore *semaphore)
{
	return wdm_release(&semaphore->header.record, &wdm_semaphore_kind);
}
EXPORT_SYMBOL_GPL(ke_uninitialize_semaphore);

/**
 * ke_release_semaphore() - raise the count of a semaphore (KeReleaseSemaphore)
 * @semaphore: the semaphore
 * @adjustment: by how much, at least 1
 *
 * Context: ATOMIC.
 * Return: what the count was; -ERANGE (STATUS_SEMAPHORE_LIMIT_EXCEEDED) if it
 * would exceed the limit: it is unchanged; -ENODEV if the semaphore goes.
 */
int ke_release_semaphore(struct wdm_semaphore *semaphore, int adjustment)
{
	struct wdm_dispatcher *object = &semaphore->header;
	unsigned long flags;
	int was;

	spin_lock_irqsave(&object->lock, flags);
	was = object->signal;
	if (object->down) {
		was = -ENODEV;
	} else if (adjustment < 1 || adjustment > object->limit - was) {
		was = -ERANGE;
	} else {
		object->signal += adjustment;
		wake_up_all(&object->wait);
	}
	spin_unlock_irqrestore(&object->lock, flags);
	return was;
}
EXPORT_SYMBOL_GPL(ke_release_semaphore);

/**
 * ke_initialize_mutex() - make a mutex (KeInitializeMutex)
 * @owner: for whom
 * @mutex: its memory
 *
 * Who waits for it successfully owns it, and may do so again.
 *
 * Context: ATOMIC.
 * Return: as ke_initialize_event().
 */
int ke_initialize_mutex(struct wdm_owner *owner, struct wdm_mutex *mutex)
{
	if (!mutex)
		return -EINVAL;
	return wdm_dispatcher_new(owner, &mutex->header, &wdm_mutex_kind, WDM_MUTEX, 1, 1);
}
EXPORT_SYMBOL_GPL(ke_initialize_mutex);

/**
 * ke_uninitialize_mutex() - give a mutex up: its memory may go
 * @mutex: the mutex
 *
 * Context: PASSIVE.
 * Return: as ke_uninitialize_event(); also refused and reported while it is owned.
 */
int ke_uninitialize_mutex(struct wdm_mutex *mutex)
{
	return wdm_release(&mutex->header.record, &wdm_mutex_kind);
}
EXPORT_SYMBOL_GPL(ke_uninitialize_mutex);

/**
 * ke_release_mutex() - release a mutex (KeReleaseMutex)
 * @mutex: a mutex that the calling thread owns, once for each wait
 *
 * Allowed when the mutex goes, too: its owner still has to let go of it.
 *
 * Context: PASSIVE.
 * Return: 0 when it is free; 1 when it is still owned; -EPERM
 * (STATUS_MUTANT_NOT_OWNED), and reported (VER-04), if another thread owns it, or
 * nobody.
 */
int ke_release_mutex(struct wdm_mutex *mutex)
{
	struct wdm_dispatcher *object = &mutex->header;
	unsigned long flags;
	int rc = -EPERM;

	spin_lock_irqsave(&object->lock, flags);
	if (object->holder == current) {
		rc = !!--object->depth;
		if (!rc) {
			object->holder = NULL;
			object->signal = 1;
			wake_up_all(&object->wait);
		}
	}
	spin_unlock_irqrestore(&object->lock, flags);
	if (rc == -EPERM)
		wdm_record_report("VER-04", &object->record,
				  "is released by a thread that does not own it");
	return rc;
}
EXPORT_SYMBOL_GPL(ke_release_mutex);
