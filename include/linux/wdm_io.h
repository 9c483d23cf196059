/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: work items, system threads, interrupts. Included by linux/wdm.h.
 */
#ifndef _LINUX_WDM_IO_H
#define _LINUX_WDM_IO_H

#include <linux/flt_work.h>	/* enum flt_work_queue_type */
#include <linux/types.h>
#include <linux/wdm.h>
#include <linux/wdm_ke.h>

struct task_struct;
struct wdm_work_item;
struct wdm_interrupt;

/**
 * typedef wdm_work_routine - what a work item calls (IO_WORKITEM_ROUTINE)
 * @device: the device that the item was allocated for
 * @context: as given to io_queue_work_item()
 *
 * Context: PASSIVE.
 */
typedef void (*wdm_work_routine)(struct wdm_device *device, void *context);

/**
 * typedef wdm_thread_routine - what a system thread calls (KSTART_ROUTINE)
 * @context: as given to ps_create_system_thread()
 *
 * Ends the thread by returning, or by ps_terminate_system_thread().
 *
 * Context: PASSIVE.
 */
typedef void (*wdm_thread_routine)(void *context);

/**
 * struct wdm_thread - a system thread, and the driver's handle of it
 * @header: for ke_wait_for_single_object(): signalled when the thread has ended
 */
struct wdm_thread {
	struct wdm_dispatcher header;
	/* private: */
	struct task_struct *task;
	wdm_thread_routine routine;
	void *context;
	int status;
	bool stop;
	bool ended;
	bool closed;
};

/**
 * typedef wdm_service_routine - what serves an interrupt (KSERVICE_ROUTINE)
 * @interrupt: the interrupt
 * @context: as given to io_connect_interrupt()
 *
 * Context: hard interrupt.
 * Return: true if the device had raised it.
 */
typedef bool (*wdm_service_routine)(struct wdm_interrupt *interrupt, void *context);

/**
 * struct wdm_interrupt_parameters - what is connected (IO_CONNECT_INTERRUPT_PARAMETERS)
 * @irq: the interrupt's number
 * @shared: others may use it, too
 * @name: for /proc/interrupts and reports
 * @service_routine: called for each interrupt
 * @service_context: for that
 * @source_enabled: whether the device may raise it now, given @service_context, in
 *	any context; or NULL
 */
struct wdm_interrupt_parameters {
	unsigned int irq;
	bool shared;
	const char *name;
	wdm_service_routine service_routine;
	void *service_context;
	bool (*source_enabled)(void *context);
};

/* kmod/wdm/interrupt.c */
int io_connect_interrupt(struct wdm_owner *owner, const struct wdm_interrupt_parameters *p,
			 struct wdm_interrupt **interrupt);
int io_disconnect_interrupt(struct wdm_interrupt *interrupt);
bool ke_synchronize_execution(struct wdm_interrupt *interrupt, bool (*routine)(void *context),
			      void *context);
struct wdm_record *wdm_interrupt_record(struct wdm_interrupt *interrupt);

/* kmod/wdm/thread.c */
int ps_create_system_thread(struct wdm_owner *owner, const char *name,
			    wdm_thread_routine routine, void *context,
			    struct wdm_thread **thread);
void ps_terminate_system_thread(int status);
bool ps_thread_should_stop(void);
int zw_close(struct wdm_thread *thread);

/* kmod/wdm/workitem.c */
struct wdm_work_item *io_allocate_work_item(struct wdm_device *device);
int io_free_work_item(struct wdm_work_item *item);
int io_queue_work_item(struct wdm_work_item *item, wdm_work_routine routine,
		       enum flt_work_queue_type queue, void *context);

#endif /* _LINUX_WDM_IO_H */
