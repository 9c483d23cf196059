/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cancelling what a filter has pended. Included by linux/fltmgr.h; see
 * Documentation/cancelling.rst.
 *
 * Whoever issued an operation, or the volume it is on, may lose patience. The
 * operation gets a mark, and if its filter can be told, it is told: by a cancel
 * routine of its own, or by the callback-data queue that the operation is in.
 */
#ifndef _LINUX_FLT_CANCEL_H
#define _LINUX_FLT_CANCEL_H

#include <linux/fltmgr.h>

struct completion;
struct flt_callback_data_queue;

/*
 * A cancel routine. It owns the operation, and completes it in the end. Called
 * without any lock of the manager, by whoever cancels; it must not sleep.
 */
typedef void (*flt_complete_canceled_callback)(struct flt_callback_data *data);

/*
 * The routines of a queue. insert, remove and peek_next are called between
 * acquire and release and take no lock; complete_canceled is called without it.
 */
typedef int (*flt_cbdq_insert_io_fn)(struct flt_callback_data_queue *cbdq,
				     struct flt_callback_data *data, void *insert_context);
typedef void (*flt_cbdq_remove_io_fn)(struct flt_callback_data_queue *cbdq,
				      struct flt_callback_data *data);
typedef void (*flt_cbdq_acquire_fn)(struct flt_callback_data_queue *cbdq, unsigned long *flags);
typedef void (*flt_cbdq_release_fn)(struct flt_callback_data_queue *cbdq, unsigned long flags);
typedef void (*flt_cbdq_complete_canceled_io_fn)(struct flt_callback_data_queue *cbdq,
						 struct flt_callback_data *data);

/**
 * struct flt_callback_data_queue - a queue of operations that can be cancelled
 * @instance: whose operations it holds
 * @disabled: nothing can be inserted
 * @emptied: was found empty while disabled; the verifier's
 * @insert: put an operation into the filter's list; may refuse
 * @remove: take it out
 * @peek_next: the next one after a given one, or the first, that matches
 * @acquire: take the filter's lock
 * @release: drop it
 * @complete_canceled: an operation was cancelled, and is out of the list
 *
 * The memory is the filter's; see flt_cbdq_initialize(). Everything in it is
 * the manager's.
 */
struct flt_callback_data_queue {
	struct flt_instance *instance;
	bool disabled;
	bool emptied;
	flt_cbdq_insert_io_fn insert;
	flt_cbdq_remove_io_fn remove;
	struct flt_callback_data *(*peek_next)(struct flt_callback_data_queue *cbdq,
					       struct flt_callback_data *data,
					       void *peek_context);
	flt_cbdq_acquire_fn acquire;
	flt_cbdq_release_fn release;
	flt_cbdq_complete_canceled_io_fn complete_canceled;
};

/**
 * struct flt_cbdq_io_context - names one operation in a queue
 * @data: the operation, NULL once it is out of the queue; under its lock
 *
 * The memory is the filter's: from flt_cbdq_insert_io() on until
 * flt_cbdq_remove_io() has returned, or the operation was got in another way.
 */
struct flt_cbdq_io_context {
	struct flt_callback_data *data;
};

/* cancel routines: kmod/fltmgr/cancel.c */
int flt_set_cancel_completion(struct flt_callback_data *data,
			      flt_complete_canceled_callback routine);
int flt_clear_cancel_completion(struct flt_callback_data *data);
bool flt_is_io_canceled(struct flt_callback_data *data);
int flt_cancellable_wait_for_single_object(struct completion *object, long timeout,
					   struct flt_callback_data *data);

/* The most that one can wait for at once. */
#define FLT_MAXIMUM_WAIT_OBJECTS	64

/**
 * enum flt_wait_type - what several objects are waited for
 * @FLT_WAIT_ALL: all of them
 * @FLT_WAIT_ANY: one of them
 */
enum flt_wait_type {
	FLT_WAIT_ALL = 0,
	FLT_WAIT_ANY = 1,
};

int flt_cancellable_wait_for_multiple_objects(unsigned int count, struct completion **objects,
					      enum flt_wait_type wait_type, long timeout,
					      struct flt_callback_data *data);

/* queues: kmod/fltmgr/cbdq.c */
int flt_cbdq_initialize(struct flt_instance *instance, struct flt_callback_data_queue *cbdq,
			flt_cbdq_insert_io_fn insert, flt_cbdq_remove_io_fn remove,
			struct flt_callback_data *(*peek_next)(struct flt_callback_data_queue *cbdq,
							       struct flt_callback_data *data,
							       void *peek_context),
			flt_cbdq_acquire_fn acquire,
			flt_cbdq_release_fn release,
			flt_cbdq_complete_canceled_io_fn complete_canceled);
int flt_cbdq_insert_io(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
		       struct flt_cbdq_io_context *io_context, void *insert_context);
struct flt_callback_data *flt_cbdq_remove_io(struct flt_callback_data_queue *cbdq,
					     struct flt_cbdq_io_context *io_context);
struct flt_callback_data *flt_cbdq_remove_next_io(struct flt_callback_data_queue *cbdq,
						  void *peek_context);
void flt_cbdq_enable(struct flt_callback_data_queue *cbdq);
void flt_cbdq_disable(struct flt_callback_data_queue *cbdq);

#endif /* _LINUX_FLT_CANCEL_H */
