/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: dispatcher objects, timers, DPCs. Included by linux/wdm.h.
 *
 * The memory of these is the driver's, mostly in a device extension. It may go
 * when the object was uninitialised, or after wdm_unload() or wdm_remove_device().
 */
#ifndef _LINUX_WDM_KE_H
#define _LINUX_WDM_KE_H

#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/wdm.h>
#include <linux/workqueue.h>

struct task_struct;

/**
 * enum wdm_signal_type - what a wait does to what it waited for
 * @NotificationEvent: nothing: it stays signalled until it is reset
 * @SynchronizationEvent: it is not signalled any more: one wait is satisfied
 * @WDM_SEMAPHORE: its count goes down by one
 * @WDM_MUTEX: the waiter owns it
 */
enum wdm_signal_type {
	NotificationEvent,
	SynchronizationEvent,
	WDM_SEMAPHORE,
	WDM_MUTEX,
};

/* The model's spelling, known to the preprocessor, too. */
#define NotificationEvent	NotificationEvent
#define SynchronizationEvent	SynchronizationEvent
#define NotificationTimer	NotificationEvent
#define SynchronizationTimer	SynchronizationEvent

/* private: the head of everything that can be waited for */
struct wdm_dispatcher {
	struct wdm_record record;
	spinlock_t lock;		/* all of it; irq-safe */
	wait_queue_head_t wait;
	enum wdm_signal_type type;
	int signal;
	int limit;
	unsigned int waiters;
	unsigned int depth;
	struct task_struct *holder;
	bool down;
};

/**
 * struct wdm_event - an event (KEVENT)
 * @header: for ke_wait_for_single_object()
 */
struct wdm_event {
	struct wdm_dispatcher header;
};

/**
 * struct wdm_semaphore - a semaphore (KSEMAPHORE)
 * @header: for ke_wait_for_single_object()
 */
struct wdm_semaphore {
	struct wdm_dispatcher header;
};

/**
 * struct wdm_mutex - a mutex (KMUTEX)
 * @header: for ke_wait_for_single_object()
 */
struct wdm_mutex {
	struct wdm_dispatcher header;
};

struct wdm_dpc;

/**
 * typedef wdm_dpc_routine - what a DPC calls (KDEFERRED_ROUTINE)
 * @dpc: the DPC
 * @context: as given to ke_initialize_dpc()
 * @argument1: as given to ke_insert_queue_dpc()
 * @argument2: likewise
 *
 * Context: softirq.
 */
typedef void (*wdm_dpc_routine)(struct wdm_dpc *dpc, void *context, void *argument1,
				void *argument2);

/**
 * struct wdm_dpc - a deferred procedure call (KDPC)
 * @record: for wdm_depends_on()
 */
struct wdm_dpc {
	struct wdm_record record;
	/* private: */
	struct work_struct work;
	spinlock_t lock;		/* what follows; irq-safe */
	wdm_dpc_routine routine;
	void *context;
	void *argument1;
	void *argument2;
	bool queued;
	bool runs;
	bool down;
};

/**
 * struct wdm_timer - a timer (KTIMER)
 * @header: for ke_wait_for_single_object()
 */
struct wdm_timer {
	struct wdm_dispatcher header;
	/* private: under the header's lock */
	struct timer_list timer;
	struct wdm_dpc *dpc;
	unsigned long period;
};

/**
 * typedef wdm_io_timer_routine - what an IoTimer calls (IO_TIMER_ROUTINE)
 * @device: the device
 * @context: as given to io_initialize_timer()
 *
 * Context: softirq.
 */
typedef void (*wdm_io_timer_routine)(struct wdm_device *device, void *context);

/* kmod/wdm/dispatcher.c */
int ke_wait_for_single_object(struct wdm_dispatcher *object, bool alertable, const s64 *timeout);
int ke_initialize_event(struct wdm_owner *owner, struct wdm_event *event,
			enum wdm_signal_type type, bool state);
int ke_uninitialize_event(struct wdm_event *event);
int ke_set_event(struct wdm_event *event);
int ke_reset_event(struct wdm_event *event);
int ke_read_state_event(struct wdm_event *event);
int ke_initialize_semaphore(struct wdm_owner *owner, struct wdm_semaphore *semaphore,
			    int count, int limit);
int ke_uninitialize_semaphore(struct wdm_semaphore *semaphore);
int ke_release_semaphore(struct wdm_semaphore *semaphore, int adjustment);
int ke_initialize_mutex(struct wdm_owner *owner, struct wdm_mutex *mutex);
int ke_uninitialize_mutex(struct wdm_mutex *mutex);
int ke_release_mutex(struct wdm_mutex *mutex);

/* kmod/wdm/dpc.c */
int ke_initialize_dpc(struct wdm_owner *owner, struct wdm_dpc *dpc, wdm_dpc_routine routine,
		      void *context);
int ke_uninitialize_dpc(struct wdm_dpc *dpc);
bool ke_insert_queue_dpc(struct wdm_dpc *dpc, void *argument1, void *argument2);
bool ke_remove_queue_dpc(struct wdm_dpc *dpc);
void ke_flush_queued_dpcs(void);

/* kmod/wdm/timer.c */
int ke_initialize_timer_ex(struct wdm_owner *owner, struct wdm_timer *timer,
			   enum wdm_signal_type type);
int ke_uninitialize_timer(struct wdm_timer *timer);
int ke_set_timer_ex(struct wdm_timer *timer, s64 due, unsigned int period,
		    struct wdm_dpc *dpc);
bool ke_cancel_timer(struct wdm_timer *timer);
bool ke_read_state_timer(struct wdm_timer *timer);

/* kmod/wdm/iotimer.c */
int io_initialize_timer(struct wdm_device *device, wdm_io_timer_routine routine, void *context);
int io_start_timer(struct wdm_device *device);
int io_stop_timer(struct wdm_device *device);

#endif /* _LINUX_WDM_KE_H */
