// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work items: a routine in a worker, with the device kept meanwhile.
 *
 * IDLE -> QUEUED -> RUNNING -> IDLE; inserted again while it runs: REQUEUED, and
 * QUEUED when the routine has returned; freed by its routine: FREED, and gone
 * then. Each queueing keeps the device and its module, and gives them up after
 * the routine has returned, here: never in the driver's text. RLS-38, RLS-39
 */
#include <linux/export.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "internal.h"

enum wdm_work_state {
	WDM_WORK_IDLE,
	WDM_WORK_QUEUED,
	WDM_WORK_RUNNING,
	WDM_WORK_REQUEUED,		/* ... and queued for another run */
	WDM_WORK_FREED,			/* ... and freed by its routine */
};

struct wdm_work_item {
	struct wdm_record record;
	struct work_struct work;
	spinlock_t lock;			/* what follows; irq-safe */
	enum wdm_work_state state;
	enum flt_work_queue_type queue;
	wdm_work_routine routine;
	void *context;
	struct task_struct *runner;
	bool down;
};

#define WDM_WORK_QUEUES	2	/* HyperCriticalWorkQueue is reserved */

static struct workqueue_struct *wdm_work_wqs[WDM_WORK_QUEUES];

static struct wdm_work_item *wdm_work_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_work_item, record);
}

static void wdm_work_mark(struct wdm_record *record)
{
	struct wdm_work_item *item = wdm_work_of(record);
	unsigned long flags;

	spin_lock_irqsave(&item->lock, flags);
	item->down = true;
	spin_unlock_irqrestore(&item->lock, flags);
}

/* Its own routine may free it: it goes when that has returned. */
static const char *wdm_work_close(struct wdm_record *record)
{
	struct wdm_work_item *item = wdm_work_of(record);
	const char *use = NULL;
	unsigned long flags;

	spin_lock_irqsave(&item->lock, flags);
	switch (item->state) {
	case WDM_WORK_IDLE:
		item->down = true;
		break;
	case WDM_WORK_RUNNING:
		if (item->runner == current) {
			item->state = WDM_WORK_FREED;
			item->down = true;
		} else {
			use = "runs";
		}
		break;
	default:
		use = "is queued";
		break;
	}
	spin_unlock_irqrestore(&item->lock, flags);
	return use;
}

static bool wdm_work_idle(struct wdm_work_item *item)
{
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&item->lock, flags);
	idle = item->state == WDM_WORK_IDLE;
	spin_unlock_irqrestore(&item->lock, flags);
	return idle;
}

/* What is queued runs. RLS-37 */
static void wdm_work_drain(struct wdm_record *record)
{
	struct wdm_work_item *item = wdm_work_of(record);

	wdm_wait(record->owner->driver, wdm_work_idle(item), "a work item's %ps", item->routine);
}

static void wdm_work_release(struct wdm_record *record)
{
	kfree(wdm_work_of(record));
}

static const struct wdm_kind wdm_work_kind = {
	.name = "work item",
	.rule = "V-RLS-3",
	.stage = WDM_STAGE_ROUTINES,
	.rank = WDM_RANK_WORKS,
	.anytime = true,
	.mark = wdm_work_mark,
	.close = wdm_work_close,
	.drain = wdm_work_drain,
	.release = wdm_work_release,
};

static wdm_work_routine wdm_work_begin(struct wdm_work_item *item, void **context)
{
	wdm_work_routine routine;

	spin_lock_irq(&item->lock);
	item->state = WDM_WORK_RUNNING;
	item->runner = current;
	routine = item->routine;
	*context = item->context;
	spin_unlock_irq(&item->lock);
	return routine;
}

/* Returns whether its routine has freed it: then it is the caller's. */
static bool wdm_work_finish(struct wdm_work_item *item)
{
	struct wdm_driver *driver = item->record.owner->driver;
	enum wdm_work_state state;

	spin_lock_irq(&item->lock);
	state = item->state;
	item->runner = NULL;
	if (state == WDM_WORK_REQUEUED) {
		item->state = WDM_WORK_QUEUED;
		queue_work(wdm_work_wqs[item->queue], &item->work);
	} else if (state == WDM_WORK_RUNNING) {
		item->state = WDM_WORK_IDLE;
		wake_up_all(&driver->wait);
	}
	spin_unlock_irq(&item->lock);
	/* Unless it was freed, it may be gone from here on. */
	return state == WDM_WORK_FREED;
}

static void wdm_work_fn(struct work_struct *work)
{
	struct wdm_work_item *item = container_of(work, struct wdm_work_item, work);
	struct wdm_device *device = item->record.owner->device;
	struct module *module = device->owner.driver->module;
	wdm_work_routine routine;
	struct wdm_run run;
	void *context;

	routine = wdm_work_begin(item, &context);
	wdm_run_begin(&run, &item->record);
	routine(device, context);
	wdm_critical_check(&item->record);
	wdm_run_end(&run);
	if (wdm_work_finish(item))
		wdm_record_end(&item->record);
	wdm_device_put(device);
	/* The driver, and its text, may go from here on. */
	module_put(module);
}

/**
 * io_allocate_work_item() - make a work item (IoAllocateWorkItem)
 * @device: the device that it is for
 *
 * Context: ATOMIC.
 * Return: the item, to be freed by io_free_work_item(); NULL if memory is short, or
 * the device goes. RLS-38
 */
struct wdm_work_item *io_allocate_work_item(struct wdm_device *device)
{
	struct wdm_work_item *item;

	if (!device)
		return NULL;
	item = kzalloc(sizeof(*item), GFP_ATOMIC);
	if (!item)
		return NULL;
	INIT_WORK(&item->work, wdm_work_fn);
	spin_lock_init(&item->lock);
	if (wdm_record_add(&item->record, &device->owner, &wdm_work_kind, NULL, NULL)) {
		kfree(item);
		return NULL;
	}
	return item;
}
EXPORT_SYMBOL_GPL(io_allocate_work_item);

/**
 * io_free_work_item() - free a work item (IoFreeWorkItem)
 * @item: an item that is not queued and does not run, but that its own routine may
 *	free: then the memory goes when that has returned
 *
 * RLS-38
 *
 * Context: ATOMIC.
 * Return: 0; -EBUSY, and reported (V-RLS-3), if it is queued, or runs and the caller
 * is not its routine; -EINVAL, and reported (V-GLB-9), if it is none; -EALREADY if
 * the unload frees it.
 */
int io_free_work_item(struct wdm_work_item *item)
{
	int rc;

	if (!item)
		return -EINVAL;
	rc = wdm_record_claim(&item->record, &wdm_work_kind);
	if (!rc && item->state == WDM_WORK_IDLE)
		wdm_record_end(&item->record);
	return rc;
}
EXPORT_SYMBOL_GPL(io_free_work_item);

/* 0, or why not. The item's lock; device and module are kept. */
static int wdm_work_queue(struct wdm_work_item *item)
{
	if (item->down)
		return -ESHUTDOWN;
	switch (item->state) {
	case WDM_WORK_IDLE:
		item->state = WDM_WORK_QUEUED;
		queue_work(wdm_work_wqs[item->queue], &item->work);
		return 0;
	case WDM_WORK_RUNNING:
		item->state = WDM_WORK_REQUEUED;
		return 0;
	default:
		return -EBUSY;
	}
}

/**
 * io_queue_work_item() - have a worker call a routine (IoQueueWorkItem)
 * @item: an item that is not queued
 * @routine: what is called, PASSIVE
 * @queue: %CriticalWorkQueue or %DelayedWorkQueue
 * @context: for @routine
 *
 * queue_work(), with the device and the module of its driver kept until the routine
 * has returned: the module cannot be removed while an item is queued. The routine
 * may queue the item again, for another run after this one. RLS-38, RLS-39
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL; -EBUSY, and reported (V-RLS-3), if it is queued; -ESHUTDOWN if
 * the device or its driver goes.
 */
int io_queue_work_item(struct wdm_work_item *item, wdm_work_routine routine,
		       enum flt_work_queue_type queue, void *context)
{
	struct wdm_device *device;
	struct module *module;
	unsigned long flags;
	int rc;

	if (!item || !routine || (unsigned int)queue >= WDM_WORK_QUEUES)
		return -EINVAL;
	device = item->record.owner->device;
	module = device->owner.driver->module;
	if (!try_module_get(module))
		return -ESHUTDOWN;
	wdm_device_get(device);
	spin_lock_irqsave(&item->lock, flags);
	if (!item->down && (item->state == WDM_WORK_IDLE || item->state == WDM_WORK_RUNNING)) {
		item->queue = queue;
		item->routine = routine;
		item->context = context;
	}
	rc = wdm_work_queue(item);
	spin_unlock_irqrestore(&item->lock, flags);
	if (rc == -EBUSY)
		wdm_record_report("V-RLS-3", &item->record, "is queued, and is queued again");
	if (rc) {
		wdm_device_put(device);
		module_put(module);
	}
	return rc;
}
EXPORT_SYMBOL_GPL(io_queue_work_item);

/* wdm_work_exit() either way. */
int wdm_work_init(void)
{
	wdm_work_wqs[CriticalWorkQueue] =
		alloc_workqueue("wdm_work_hi", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	wdm_work_wqs[DelayedWorkQueue] =
		alloc_workqueue("wdm_work", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return wdm_work_wqs[CriticalWorkQueue] && wdm_work_wqs[DelayedWorkQueue] ? 0 : -ENOMEM;
}

/* Workers may still be returning through here: they are waited for. RLS-39, RLS-40 */
void wdm_work_exit(void)
{
	int queue;

	for (queue = 0; queue < WDM_WORK_QUEUES; queue++)
		if (wdm_work_wqs[queue])
			destroy_workqueue(wdm_work_wqs[queue]);
}
