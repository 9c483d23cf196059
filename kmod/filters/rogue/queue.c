// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: a callback-data queue, of the first instance that there is. Nothing stays
 * in it: what is put in is taken out again at once.
 */
#include <linux/spinlock.h>

#include "rogue.h"

static struct flt_callback_data_queue rogue_cbdq;
static struct flt_instance *rogue_owner;	/* rogue_reads_lock */
static LIST_HEAD(rogue_reads);			/* likewise */
static DEFINE_SPINLOCK(rogue_reads_lock);

static int rogue_insert(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
			void *insert_context)
{
	list_add_tail(&data->queue_links, &rogue_reads);
	return 0;
}

static void rogue_remove(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	list_del(&data->queue_links);
}

static struct flt_callback_data *rogue_peek_next(struct flt_callback_data_queue *cbdq,
						 struct flt_callback_data *data,
						 void *peek_context)
{
	data = list_prepare_entry(data, &rogue_reads, queue_links);
	list_for_each_entry_continue(data, &rogue_reads, queue_links)
		return data;
	return NULL;
}

static void rogue_acquire(struct flt_callback_data_queue *cbdq, unsigned long *flags)
	__acquires(&rogue_reads_lock)
{
	spin_lock_irqsave(&rogue_reads_lock, *flags);
}

static void rogue_release(struct flt_callback_data_queue *cbdq, unsigned long flags)
	__releases(&rogue_reads_lock)
{
	spin_unlock_irqrestore(&rogue_reads_lock, flags);
}

static void rogue_queued_canceled(struct flt_callback_data_queue *cbdq,
				  struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	data->io_status.information = 0;
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

/* True once, for the first that asks. */
static bool rogue_own(struct flt_instance *instance)
{
	bool first;

	spin_lock_irq(&rogue_reads_lock);
	first = !rogue_owner;
	if (first)
		rogue_owner = instance;
	spin_unlock_irq(&rogue_reads_lock);
	return first;
}

static bool rogue_is_own(struct flt_instance *instance)
{
	return READ_ONCE(rogue_owner) == instance;
}

int rogue_queue_setup(struct flt_instance *instance)
{
	if (!rogue_own(instance))
		return 0;
	return flt_cbdq_initialize(instance, &rogue_cbdq, rogue_insert, rogue_remove,
				   rogue_peek_next, rogue_acquire, rogue_release,
				   rogue_queued_canceled);
}

/* TDN-30 */
void rogue_queue_start(struct flt_instance *instance, bool disable)
{
	if (disable && rogue_is_own(instance))
		flt_cbdq_disable(&rogue_cbdq);
}

void rogue_queue_complete(struct flt_instance *instance)
{
	spin_lock_irq(&rogue_reads_lock);
	if (rogue_owner == instance)
		rogue_owner = NULL;
	spin_unlock_irq(&rogue_reads_lock);
}

/* Through the queue, as far as it lets it. What the pre-operation is to return. */
static int rogue_through_queue(struct flt_callback_data *data)
{
	if (flt_cbdq_insert_io(&rogue_cbdq, data, NULL, NULL))
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	/* NULL: it was cancelled. */
	data = flt_cbdq_remove_next_io(&rogue_cbdq, NULL);
	if (data)
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	return FLT_PREOP_PENDING;
}

/* Through the queue of whichever instance: wrong if that is not the one that it is with. */
static int rogue_queue_foreign(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **context)
{
	if (rogue_good() && !rogue_is_own(objs->instance)) {
		rogue_again();
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	}
	return rogue_through_queue(data);
}

static void rogue_canceled(struct flt_callback_data *data)
{
	rogue_queued_canceled(&rogue_cbdq, data);
}

/* By a routine of its own, and by the queue; or by one after the other. */
static int rogue_cancel_two_ways(struct flt_callback_data *data,
				 const struct flt_related_objects *objs, void **context)
{
	int status = FLT_PREOP_SUCCESS_NO_CALLBACK;

	if (flt_set_cancel_completion(data, rogue_canceled))
		return status;
	if (!rogue_good())
		status = rogue_through_queue(data);
	if (flt_clear_cancel_completion(data))
		return FLT_PREOP_PENDING;	/* it is the routine's */
	return rogue_good() ? rogue_through_queue(data) : status;
}

const struct rogue_mode rogue_queue_modes[] = {
	{ .name = "queue-enabled", .rule = "TDN-30", .leaves_queue = true,
	  .wrong = "does not disable its queue in teardown_start" },
	{ .name = "queue-foreign", .rule = "CBQ-01", .pre = rogue_queue_foreign,
	  .wrong = "puts an operation into the queue of another instance" },
	{ .name = "cancel-two-ways", .rule = "CAN-01", .pre = rogue_cancel_two_ways,
	  .wrong = "puts an operation that has a cancel routine into a queue" },
	{ }
};
