// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callback-data queues: a filter's list of pended operations, of which each can
 * be cancelled while it is in there.
 *
 * The list and its lock are the filter's. What the manager adds is a cancel
 * routine of its own for each operation in the list, by the protocol at the top
 * of cancel.c: an operation is set free by removing it, or taken by cancelling
 * it, and whoever gets the routine out of it has it.
 *
 *	insert		lock; insert; set the routine; unlock
 *	remove, next	lock; peek; clear the routine; got it: remove; unlock
 *	cancel		got the routine: lock; remove; unlock; complete_canceled
 *
 * The routine is set after the operation was inserted, so that a cancel finds
 * it in the list: it has to wait for the lock. An operation that is cancelled
 * stays in the list until the cancel has the lock: remove-next finds its
 * routine gone and peeks past it. CBQ-09, CBQ-10
 *
 * The manager keeps no list, and touches the queue no more after
 * complete_canceled. The instance is held meanwhile (cancel.c), so a queue that
 * lives until teardown_complete lives long enough.
 */
#include <linux/export.h>

#include "internal.h"

/* Out of the list, and without a name. Under the filter's lock. */
static void flt_cbdq_unlink(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	struct flt_operation *op = data->operation;

	if (flt_verifying())
		flt_verify_queued(op, cbdq->instance, false);
	cbdq->remove(cbdq, data);
	if (op->cbdq_context)
		op->cbdq_context->data = NULL;
	op->cbdq_context = NULL;
}

/* The cancel routine of everything that is in a queue. CBQ-11, CBQ-12 */
void flt_cbdq_cancel(struct flt_callback_data *data)
{
	struct flt_callback_data_queue *cbdq = data->operation->cancel_context;
	unsigned long flags = 0;

	cbdq->acquire(cbdq, &flags);
	flt_cbdq_unlink(cbdq, data);
	cbdq->release(cbdq, flags);
	flt_race_point("cbdq_cancel", data->operation);
	cbdq->complete_canceled(cbdq, data);
}

/**
 * flt_cbdq_initialize() - set a callback-data queue up
 * @instance: the instance whose operations it is to hold
 * @cbdq: the queue, memory of the filter's that lasts until teardown_complete
 * @insert: puts an operation into the filter's list, and may refuse with an
 *	error; gets the insert context
 * @remove: takes an operation out of the list
 * @peek_next: says which operation follows a given one, or is the first if that
 *	is NULL, of those that match the peek context; leaves it in the list; NULL
 *	if there is none
 * @acquire: takes the lock of the list; may save flags
 * @release: drops it
 * @complete_canceled: an operation was cancelled and is out of the list: has to
 *	complete it, as a rule with %FLT_PREOP_COMPLETE and %STATUS_CANCELLED
 *
 * The queue is enabled. Usually called in the setup callback; to be disabled
 * and emptied in teardown_start. There is nothing to undo it with, and nothing
 * to free. CBQ-01, CBQ-02, CBQ-16
 *
 * Context: ATOMIC.
 * Return: 0, or -EINVAL: a routine is missing.
 */
int flt_cbdq_initialize(struct flt_instance *instance, struct flt_callback_data_queue *cbdq,
			flt_cbdq_insert_io_fn insert, flt_cbdq_remove_io_fn remove,
			struct flt_callback_data *(*peek_next)(struct flt_callback_data_queue *cbdq,
							       struct flt_callback_data *data,
							       void *peek_context),
			flt_cbdq_acquire_fn acquire,
			flt_cbdq_release_fn release,
			flt_cbdq_complete_canceled_io_fn complete_canceled)
{
	if (!instance || !insert || !remove || !peek_next || !acquire || !release ||
	    !complete_canceled)
		return STATUS_INVALID_PARAMETER;
	cbdq->instance = instance;
	cbdq->disabled = false;
	cbdq->emptied = false;
	cbdq->insert = insert;
	cbdq->remove = remove;
	cbdq->peek_next = peek_next;
	cbdq->acquire = acquire;
	cbdq->release = release;
	cbdq->complete_canceled = complete_canceled;
	if (flt_verifying())
		flt_verify_queue_made(cbdq);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_cbdq_initialize);

/* May this be inserted here? Before the filter's list is touched. */
static int flt_cbdq_check(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	struct flt_instance *inst = cbdq->instance;
	struct flt_operation *op = flt_operation_of(data, "CBQ-01", "queueing");

	if (!op)
		return STATUS_INVALID_PARAMETER;
	if (!(data->flags & FLTFL_CALLBACK_DATA_IRP_OPERATION) || flt_cancel_holder(op) != inst) {
		flt_violation_op("CBQ-01", inst, op,
				 "put into a queue, is not with its instance");
		return STATUS_INVALID_PARAMETER;
	}
	if (READ_ONCE(op->cancel_routine)) {
		flt_violation_op("CAN-01", inst, op, "put into a queue, is cancellable already");
		return STATUS_INVALID_PARAMETER;
	}
	return 0;
}

/**
 * flt_cbdq_insert_io() - put an operation into a queue
 * @cbdq: a queue
 * @data: an operation that the caller is about to pend at the queue's instance
 * @io_context: to name the operation to flt_cbdq_remove_io() later; or NULL
 * @insert_context: for the insert routine
 *
 * After success the operation is not the caller's any more, and may be gone: if
 * it was cancelled, complete_canceled has been called, or will be. A
 * pre-operation returns %FLT_PREOP_PENDING, whichever it is.
 *
 * Reported and refused: an operation that is in a queue or has a cancel
 * routine, or is not with the queue's instance, a drained copy. CAN-01,
 * CBQ-02..CBQ-07, CBQ-14
 *
 * Context: as the acquire routine's; complete_canceled may run here, without
 * the lock.
 * Return: what the insert routine returned: an error if it refused;
 * -ENETDOWN: the queue is disabled; -EINVAL: refused. After an error the
 * operation is the caller's.
 */
int flt_cbdq_insert_io(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
		       struct flt_cbdq_io_context *io_context, void *insert_context)
{
	struct flt_operation *op;
	unsigned long flags = 0;
	int rc, armed = 0;

	if (io_context)
		io_context->data = NULL;
	rc = flt_cbdq_check(cbdq, data);
	if (rc)
		return rc;
	op = data->operation;
	flt_race_point("cbdq_insert", op);
	cbdq->acquire(cbdq, &flags);
	rc = cbdq->disabled ? STATUS_FLT_CBDQ_DISABLED :
	     cbdq->insert(cbdq, data, insert_context);
	if (!flt_status_is_error(rc)) {
		if (flt_verifying())
			flt_verify_queued(op, cbdq->instance, true);
		op->cbdq_context = io_context;
		if (io_context)
			io_context->data = data;
		armed = flt_cancel_arm(op, "CAN-01", flt_cbdq_cancel, cbdq);
		if (unlikely(armed))
			flt_cbdq_unlink(cbdq, data);
	}
	cbdq->release(cbdq, flags);
	if (likely(!armed))
		return rc;
	if (armed != STATUS_CANCELLED)
		return armed;
	cbdq->complete_canceled(cbdq, data);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_cbdq_insert_io);

/**
 * flt_cbdq_remove_io() - take one operation out of a queue
 * @cbdq: a queue
 * @io_context: what the operation was inserted with
 *
 * Either way the manager is done with @io_context. CBQ-08, CBQ-10
 *
 * Context: as the acquire routine's.
 * Return: the operation, the caller's now; or NULL: it was removed before, or
 * is cancelled.
 */
struct flt_callback_data *flt_cbdq_remove_io(struct flt_callback_data_queue *cbdq,
					     struct flt_cbdq_io_context *io_context)
{
	struct flt_callback_data *data;
	unsigned long flags = 0;

	cbdq->acquire(cbdq, &flags);
	data = io_context->data;
	if (data && flt_cancel_disarm(data->operation, flt_cbdq_cancel)) {
		flt_cbdq_unlink(cbdq, data);
	} else if (data) {
		/* A cancel waits for the lock, and is to find no name. */
		data->operation->cbdq_context = NULL;
		io_context->data = NULL;
		data = NULL;
	}
	cbdq->release(cbdq, flags);
	return data;
}
EXPORT_SYMBOL_GPL(flt_cbdq_remove_io);

/* Under the lock. INV-13: disabled and found empty, it stays so. */
static void flt_cbdq_verify(struct flt_callback_data_queue *cbdq,
			    struct flt_callback_data *data, const void *peek_context)
{
	if (!data)
		cbdq->emptied |= cbdq->disabled && !peek_context;
	else if (cbdq->emptied)
		flt_violation_op("INV-13", cbdq->instance, data->operation,
				 "is in a queue that was disabled and empty");
}

/**
 * flt_cbdq_remove_next_io() - take the next operation out of a queue
 * @cbdq: a queue
 * @peek_context: for the peek_next routine, which decides what matches
 *
 * CBQ-09, CBQ-10, CBQ-17
 *
 * Context: as the acquire routine's.
 * Return: the first that matches and is not cancelled, the caller's now; or
 * NULL: there is none.
 */
struct flt_callback_data *flt_cbdq_remove_next_io(struct flt_callback_data_queue *cbdq,
						  void *peek_context)
{
	struct flt_callback_data *data;
	unsigned long flags = 0;

	cbdq->acquire(cbdq, &flags);
	data = cbdq->peek_next(cbdq, NULL, peek_context);
	flt_race_point("cbdq_peeked", cbdq);
	while (data && !flt_cancel_disarm(data->operation, flt_cbdq_cancel))
		data = cbdq->peek_next(cbdq, data, peek_context);
	if (data)
		flt_cbdq_unlink(cbdq, data);
	if (flt_verifying())
		flt_cbdq_verify(cbdq, data, peek_context);
	cbdq->release(cbdq, flags);
	return data;
}
EXPORT_SYMBOL_GPL(flt_cbdq_remove_next_io);

static void flt_cbdq_set_disabled(struct flt_callback_data_queue *cbdq, bool disabled)
{
	unsigned long flags = 0;

	cbdq->acquire(cbdq, &flags);
	cbdq->disabled = disabled;
	cbdq->emptied &= disabled;
	cbdq->release(cbdq, flags);
	if (flt_verifying())
		flt_verify_queue(cbdq, !disabled);
}

/**
 * flt_cbdq_enable() - let operations into a queue again
 * @cbdq: a queue
 *
 * CBQ-15
 *
 * Context: as the acquire routine's.
 */
void flt_cbdq_enable(struct flt_callback_data_queue *cbdq)
{
	flt_cbdq_set_disabled(cbdq, false);
}
EXPORT_SYMBOL_GPL(flt_cbdq_enable);

/**
 * flt_cbdq_disable() - let no operation into a queue any more
 * @cbdq: a queue
 *
 * Those that are in it stay. When this has returned, nothing is inserted;
 * flt_cbdq_remove_next_io() until NULL empties the queue for good. CBQ-13,
 * CBQ-14, CBQ-18
 *
 * Context: as the acquire routine's.
 */
void flt_cbdq_disable(struct flt_callback_data_queue *cbdq)
{
	flt_cbdq_set_disabled(cbdq, true);
}
EXPORT_SYMBOL_GPL(flt_cbdq_disable);
