/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fltmgr: work items, and completion that needs to sleep. Included by
 * linux/fltmgr.h. See Documentation/deferring.rst for which of them to use.
 *
 * A deferred item carries one operation that the filter has from a pre- or
 * post-operation; a generic item belongs to a filter or to an instance and
 * carries whatever the filter likes.
 */
#ifndef _LINUX_FLT_WORK_H
#define _LINUX_FLT_WORK_H

#include <linux/fltmgr.h>
#include <linux/types.h>

struct flt_deferred_io_workitem;
struct flt_generic_workitem;

/**
 * enum flt_work_queue_type - where an item waits for a worker
 * @CriticalWorkQueue: workers of high priority: what somebody waits for
 * @DelayedWorkQueue: workers of normal priority
 * @HyperCriticalWorkQueue: reserved, refused (WRK-03)
 */
enum flt_work_queue_type {
	CriticalWorkQueue = 0,
	DelayedWorkQueue = 1,
	HyperCriticalWorkQueue = 2,
};

/* The model's spelling, known to the preprocessor, too. */
#define CriticalWorkQueue	CriticalWorkQueue
#define DelayedWorkQueue	DelayedWorkQueue
#define HyperCriticalWorkQueue	HyperCriticalWorkQueue

typedef void (*flt_deferred_io_workitem_routine)(struct flt_deferred_io_workitem *item,
						 struct flt_callback_data *data,
						 void *context);
typedef void (*flt_generic_workitem_routine)(struct flt_generic_workitem *item,
					     void *flt_object, void *context);

/* kmod/fltmgr/work.c */
struct flt_deferred_io_workitem *flt_allocate_deferred_io_work_item(void);
void flt_free_deferred_io_work_item(struct flt_deferred_io_workitem *item);
int flt_queue_deferred_io_work_item(struct flt_deferred_io_workitem *item,
				    struct flt_callback_data *data,
				    flt_deferred_io_workitem_routine routine,
				    enum flt_work_queue_type queue, void *context);
struct flt_generic_workitem *flt_allocate_generic_work_item(void);
void flt_free_generic_work_item(struct flt_generic_workitem *item);
int flt_queue_generic_work_item(struct flt_generic_workitem *item, void *flt_object,
				flt_generic_workitem_routine routine,
				enum flt_work_queue_type queue, void *context);

/* kmod/fltmgr/safe.c */
bool flt_do_completion_processing_when_safe(struct flt_callback_data *data,
					    const struct flt_related_objects *objs,
					    void *completion_context, u32 flags,
					    flt_post_operation_callback safe_routine,
					    int *status);
bool flt_is_operation_synchronous(const struct flt_callback_data *data);

#endif /* _LINUX_FLT_WORK_H */
