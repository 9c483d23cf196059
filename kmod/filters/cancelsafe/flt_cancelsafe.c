// SPDX-License-Identifier: GPL-2.0-only
/*
 * cancelsafe: holds reads back in a queue from which they can be cancelled.
 *
 *	insmod fltmgr.ko
 *	insmod flt_cancelsafe.ko [ms=50] [hold=1]
 *	... a read of a volume ...
 *	dmsetup message vol0 0 cancel		the read fails, at once
 *	dmsetup message vol0 0 timeout 500	any does that waits that long
 *
 * Parameters, which can be changed while it is loaded:
 *
 *	ms=N		for how many milliseconds a read is held back
 *	hold=1		until somebody writes to the "release" file instead
 *
 * Files in /sys/kernel/fltmgr/filters/cancelsafe/:
 *
 *	queued		reads that were held back so far
 *	passed		... and then sent down
 *	cancelled	... and cancelled instead
 *	release		write N or "all": let the oldest go of each volume that
 *			wait to be told
 *
 * When nothing is on its way, queued = passed + cancelled.
 *
 * What to learn here: the callback-data queue. The list and its lock are ours,
 * and so are the six routines below, none of which is longer than three lines.
 * The manager sees to it that each read is got once, by the thread that passes
 * it on or by a cancel: compare queue.c of delay, whose operations cannot be
 * cancelled. After flt_cbdq_insert_io() the read may be gone, so nothing touches
 * it. teardown_start disables the queue and takes out what is left; a read that
 * comes later is refused by the queue, and passes.
 *
 * A worker that has passed a read on is in the filters below for as long as they
 * like, and so is no matter for teardown_complete, which would wait for them:
 * it only lets go of the queue. The last reference frees it, and what may still
 * be on its way back to us is waited for after flt_unregister_filter().
 *
 * A cancelled read ends with STATUS_CANCELLED. A simulated volume says just
 * that, ECANCELED; the block layer has no such status, and says EIO.
 */
#include <linux/atomic.h>
#include <linux/fltmgr.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

static unsigned int ms = 10;
module_param(ms, uint, 0644);
MODULE_PARM_DESC(ms, "how long to hold a read back, in milliseconds");

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "hold reads back until told");

/* Of the words that are ours while we have an operation; 0 and 1 are queue_links. */
#define CANCELSAFE_DUE	2	/* in jiffies */
#define CANCELSAFE_TOLD	3	/* NULL: only when it is told, and CANCELSAFE_DUE is not used */

/* One for each instance, with a work item of its own, so that none waits for another. */
struct cancelsafe_queue {
	struct kref ref;		/* the instance's, and one for each run of the work */
	struct list_head link;		/* cancelsafe_queues */
	struct flt_instance *instance;
	struct flt_callback_data_queue cbdq;
	spinlock_t lock;		/* of reads, taken by acquire */
	struct list_head reads;		/* oldest first */
	struct delayed_work work;
};

static struct workqueue_struct *cancelsafe_wq;

/* Held for looking and linking only. */
static DEFINE_SPINLOCK(cancelsafe_lock);
static LIST_HEAD(cancelsafe_queues);

enum cancelsafe_counter {
	CANCELSAFE_QUEUED,
	CANCELSAFE_PASSED,
	CANCELSAFE_CANCELLED,
	CANCELSAFE_NR_COUNTERS,
};

static atomic64_t cancelsafe_counters[CANCELSAFE_NR_COUNTERS];

static struct cancelsafe_queue *cancelsafe_of(struct flt_callback_data_queue *cbdq)
{
	return container_of(cbdq, struct cancelsafe_queue, cbdq);
}

static bool cancelsafe_due(const struct flt_callback_data *data)
{
	return data->filter_context[CANCELSAFE_TOLD] &&
	       time_after_eq(jiffies, (unsigned long)data->filter_context[CANCELSAFE_DUE]);
}

/* the six routines */

static int cancelsafe_insert(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
			     void *insert_context)
{
	list_add_tail(&data->queue_links, &cancelsafe_of(cbdq)->reads);
	atomic64_inc(&cancelsafe_counters[CANCELSAFE_QUEUED]);
	return 0;
}

static void cancelsafe_remove(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	list_del(&data->queue_links);
}

/* Any read if @peek_context is NULL, else one that is due. */
static struct flt_callback_data *cancelsafe_peek_next(struct flt_callback_data_queue *cbdq,
						      struct flt_callback_data *data,
						      void *peek_context)
{
	struct list_head *reads = &cancelsafe_of(cbdq)->reads;

	data = list_prepare_entry(data, reads, queue_links);
	list_for_each_entry_continue(data, reads, queue_links)
		if (!peek_context || cancelsafe_due(data))
			return data;
	return NULL;
}

static void cancelsafe_acquire(struct flt_callback_data_queue *cbdq, unsigned long *flags)
	__acquires(&cancelsafe_of(cbdq)->lock)
{
	spin_lock_irqsave(&cancelsafe_of(cbdq)->lock, *flags);
}

static void cancelsafe_release(struct flt_callback_data_queue *cbdq, unsigned long flags)
	__releases(&cancelsafe_of(cbdq)->lock)
{
	spin_unlock_irqrestore(&cancelsafe_of(cbdq)->lock, flags);
}

/* The lock is not held, and the read is off the list. */
static void cancelsafe_complete_canceled(struct flt_callback_data_queue *cbdq,
					 struct flt_callback_data *data)
{
	atomic64_inc(&cancelsafe_counters[CANCELSAFE_CANCELLED]);
	data->io_status.status = STATUS_CANCELLED;
	data->io_status.information = 0;
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

/* Send down what matches. Lower filters are called: where one may sleep. */
static void cancelsafe_pass(struct cancelsafe_queue *queue, void *peek_context)
{
	struct flt_callback_data *data;

	while ((data = flt_cbdq_remove_next_io(&queue->cbdq, peek_context))) {
		atomic64_inc(&cancelsafe_counters[CANCELSAFE_PASSED]);
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	}
}

static void cancelsafe_free(struct kref *ref)
{
	kfree(container_of(ref, struct cancelsafe_queue, ref));
}

static void cancelsafe_put(struct cancelsafe_queue *queue)
{
	kref_put(&queue->ref, cancelsafe_free);
}

/* Have the work run. Somebody has a reference: the caller, or the instance, which stays. */
static void cancelsafe_run_in(struct cancelsafe_queue *queue, unsigned long delay)
{
	/* Before: it may have run when mod_delayed_work() returns. */
	kref_get(&queue->ref);
	if (mod_delayed_work(cancelsafe_wq, &queue->work, delay))
		cancelsafe_put(queue);	/* it was to run already */
}

/*
 * Have the work run when the next read is due: the oldest, since all wait
 * equally long. Called with the lock.
 */
static void cancelsafe_arm(struct cancelsafe_queue *queue)
{
	unsigned long now = jiffies, due;
	struct flt_callback_data *data;

	list_for_each_entry(data, &queue->reads, queue_links) {
		if (!data->filter_context[CANCELSAFE_TOLD])
			continue;
		due = (unsigned long)data->filter_context[CANCELSAFE_DUE];
		cancelsafe_run_in(queue, time_after(due, now) ? due - now : 0);
		return;
	}
}

static void cancelsafe_work(struct work_struct *work)
{
	struct cancelsafe_queue *queue = container_of(to_delayed_work(work),
						      struct cancelsafe_queue, work);
	unsigned long flags;

	cancelsafe_pass(queue, queue);
	spin_lock_irqsave(&queue->lock, flags);
	cancelsafe_arm(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	cancelsafe_put(queue);
}

/* Called with the lock. */
static void cancelsafe_tell(struct cancelsafe_queue *queue, unsigned long n)
{
	struct flt_callback_data *data;

	list_for_each_entry(data, &queue->reads, queue_links) {
		if (data->filter_context[CANCELSAFE_TOLD])
			continue;
		if (!n--)
			break;
		data->filter_context[CANCELSAFE_DUE] = (void *)jiffies;
		data->filter_context[CANCELSAFE_TOLD] = queue;
	}
	cancelsafe_run_in(queue, 0);
}

static struct cancelsafe_queue *cancelsafe_find(struct flt_instance *instance)
{
	struct cancelsafe_queue *queue;
	unsigned long flags;

	/* It stays: its instance has an operation, or a teardown, on its hands. */
	spin_lock_irqsave(&cancelsafe_lock, flags);
	list_for_each_entry(queue, &cancelsafe_queues, link)
		if (queue->instance == instance)
			break;
	spin_unlock_irqrestore(&cancelsafe_lock, flags);
	return queue;
}

static int cancelsafe_pre_read(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **completion_context)
{
	struct cancelsafe_queue *queue = cancelsafe_find(objs->instance);
	bool until_told = READ_ONCE(hold);
	unsigned long flags;

	data->filter_context[CANCELSAFE_DUE] = (void *)(jiffies + msecs_to_jiffies(READ_ONCE(ms)));
	data->filter_context[CANCELSAFE_TOLD] = until_told ? NULL : queue;
	/* Refused: the instance is going, and would have to pass it on at once. */
	if (flt_cbdq_insert_io(&queue->cbdq, data, NULL, NULL))
		return FLT_PREOP_SUCCESS_NO_CALLBACK;

	/* It may be cancelled or passed by now: @data is not to be touched. */
	if (!until_told) {
		spin_lock_irqsave(&queue->lock, flags);
		cancelsafe_arm(queue);
		spin_unlock_irqrestore(&queue->lock, flags);
	}
	return FLT_PREOP_PENDING;
}

static int cancelsafe_setup(const struct flt_related_objects *objs, u32 flags,
			    const char *volume_type)
{
	struct cancelsafe_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);
	int err;

	if (!queue)
		return -ENOMEM;
	kref_init(&queue->ref);
	queue->instance = objs->instance;
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->reads);
	INIT_DELAYED_WORK(&queue->work, cancelsafe_work);
	err = flt_cbdq_initialize(objs->instance, &queue->cbdq, cancelsafe_insert,
				  cancelsafe_remove, cancelsafe_peek_next, cancelsafe_acquire,
				  cancelsafe_release, cancelsafe_complete_canceled);
	if (err) {
		cancelsafe_put(queue);
		return err;
	}
	spin_lock_irq(&cancelsafe_lock);
	list_add_tail(&queue->link, &cancelsafe_queues);
	spin_unlock_irq(&cancelsafe_lock);
	return 0;
}

static int cancelsafe_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

/* Nothing gets in any more, and what is in is passed on. TDN-30 */
static void cancelsafe_teardown_start(const struct flt_related_objects *objs, u32 reason)
{
	struct cancelsafe_queue *queue = cancelsafe_find(objs->instance);

	flt_cbdq_disable(&queue->cbdq);
	cancelsafe_pass(queue, NULL);
}

/*
 * No operation is left, and nobody else has the work run any more; it may be on its
 * way back from the last one.
 */
static void cancelsafe_teardown_complete(const struct flt_related_objects *objs, u32 reason)
{
	struct cancelsafe_queue *queue = cancelsafe_find(objs->instance);

	spin_lock_irq(&cancelsafe_lock);
	list_del(&queue->link);
	spin_unlock_irq(&cancelsafe_lock);
	if (cancel_delayed_work(&queue->work))
		cancelsafe_put(queue);
	cancelsafe_put(queue);
}

static ssize_t release_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	struct cancelsafe_queue *queue;
	unsigned long n = ULONG_MAX, flags;
	int err;

	if (!sysfs_streq(buf, "all")) {
		err = kstrtoul(buf, 0, &n);
		if (err)
			return err;
	}
	spin_lock_irqsave(&cancelsafe_lock, flags);
	list_for_each_entry(queue, &cancelsafe_queues, link) {
		spin_lock(&queue->lock);
		cancelsafe_tell(queue, n);
		spin_unlock(&queue->lock);
	}
	spin_unlock_irqrestore(&cancelsafe_lock, flags);
	return count;
}

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

static struct kobj_attribute cancelsafe_files[CANCELSAFE_NR_COUNTERS] = {
	[CANCELSAFE_QUEUED] = __ATTR(queued, 0444, counter_show, NULL),
	[CANCELSAFE_PASSED] = __ATTR(passed, 0444, counter_show, NULL),
	[CANCELSAFE_CANCELLED] = __ATTR(cancelled, 0444, counter_show, NULL),
};

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n",
			  atomic64_read(&cancelsafe_counters[attr - cancelsafe_files]));
}

static struct kobj_attribute release_attr = __ATTR_WO(release);

static struct attribute *cancelsafe_attrs[] = {
	&cancelsafe_files[CANCELSAFE_QUEUED].attr,
	&cancelsafe_files[CANCELSAFE_PASSED].attr,
	&cancelsafe_files[CANCELSAFE_CANCELLED].attr,
	&release_attr.attr,
	NULL
};

static const struct attribute_group cancelsafe_group = {
	.attrs = cancelsafe_attrs,
};

static int cancelsafe_unload(struct flt_filter *filter, u32 flags)
{
	sysfs_remove_group(flt_filter_kobj(filter), &cancelsafe_group);
	flt_unregister_filter(filter);
	/* Waits for works that are on their way back. */
	destroy_workqueue(cancelsafe_wq);
	return 0;
}

static const struct flt_operation_registration cancelsafe_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = cancelsafe_pre_read },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition cancelsafe_instances[] = {
	{ .name = "cancelsafe", .altitude = "141010" },
	{ }
};

static const struct flt_registration cancelsafe_registration = {
	.size = sizeof(cancelsafe_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "cancelsafe",
	.instances = cancelsafe_instances,
	.operation_registration = cancelsafe_operations,
	.filter_unload_callback = cancelsafe_unload,
	.instance_setup_callback = cancelsafe_setup,
	.instance_query_teardown_callback = cancelsafe_query_teardown,
	.instance_teardown_start_callback = cancelsafe_teardown_start,
	.instance_teardown_complete_callback = cancelsafe_teardown_complete,
};

static int __init cancelsafe_init(void)
{
	struct flt_filter *filter;
	int err;

	/* On the way of I/O that memory may be waiting for. */
	cancelsafe_wq = alloc_workqueue("flt_cancelsafe", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!cancelsafe_wq)
		return -ENOMEM;
	err = flt_register_filter(THIS_MODULE, &cancelsafe_registration, &filter);
	if (err)
		goto err_queue;
	err = sysfs_create_group(flt_filter_kobj(filter), &cancelsafe_group);
	if (err)
		goto err_unregister;
	err = flt_start_filtering(filter);
	if (err)
		goto err_remove;
	return 0;

err_remove:
	sysfs_remove_group(flt_filter_kobj(filter), &cancelsafe_group);
err_unregister:
	flt_unregister_filter(filter);
err_queue:
	destroy_workqueue(cancelsafe_wq);
	return err;
}
module_init(cancelsafe_init);

static void __exit cancelsafe_exit(void)
{
	/* The unload callback is called, unless it was before. */
	flt_module_exit(THIS_MODULE);
}
module_exit(cancelsafe_exit);

MODULE_DESCRIPTION("Sample filter: reads that wait can be cancelled");
MODULE_LICENSE("GPL");
