// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work items: routines of filters that run in workers of the manager's.
 *
 * WHAT KEEPS WHAT
 *
 * A deferred item carries an operation that its filter has from a pre- or
 * post-operation and will complete. As long as that is pended the teardown
 * waits for it. The routine may complete it and go on for a while, so that the
 * item holds the instance by itself until the routine has returned: nothing of
 * an instance runs after teardown_complete. What is completed inside it goes on
 * in another worker, so that the teardown waits for the routine alone, and not
 * for a lower filter that sleeps. WRK-11, INV-04, PND-11
 *
 * A generic item keeps its filter or instance with a rundown reference: the
 * filter's unregistration waits for the routine, teardown_complete does not.
 * WRK-10, URG-05
 *
 * THE ITEM
 *
 * It is the manager's from queueing until its routine is called, and then the
 * filter's again: the routine, or anybody, may queue it anew or free it. Its
 * memory, and the next run, wait until the routine has returned: the kernel's
 * workqueues take a work item at the same address for the same one, and would
 * not run it beside a routine that waits for it.
 *
 * THE QUEUES
 *
 * Each of their own, so that none of these waits for another: deferred items;
 * generic items, of which nobody knows what they do; operations that deferred
 * routines send on (pend.c), down to lower filters and the device, which may
 * sleep as long as they like; safe routines (safe.c) and what goes up, which
 * carry completions and wait for nothing lower. DCS-06
 */
#include <linux/export.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include "internal.h"

enum flt_item_state {
	FLT_ITEM_IDLE,
	FLT_ITEM_QUEUED,
	FLT_ITEM_RUNNING,
	FLT_ITEM_REQUEUED,		/* running, to be queued when it has returned */
	FLT_ITEM_FREED,			/* running, to be freed when it has returned */
};

struct flt_item {
	struct work_struct work;
	enum flt_item_state state;	/* K */
	enum flt_work_queue_type queue;	/* K: of the next run */
	struct flt_run next;		/* K: while it is queued */
};

/* Both begin with it. */
struct flt_deferred_io_workitem {
	struct flt_item item;
};

struct flt_generic_workitem {
	struct flt_item item;
};

struct workqueue_struct *flt_item_wqs[FLT_ITEM_KINDS][2];
EXPORT_SYMBOL_IF_KUNIT(flt_item_wqs);
struct workqueue_struct *flt_safe_wq;

static void flt_item_start(struct flt_item *item, enum flt_run_kind kind)
{
	queue_work(flt_item_wqs[kind][item->queue], &item->work);
}

/* From here on the item is the filter's again. */
static void flt_item_begin(struct flt_item *item, struct flt_run *run)
{
	spin_lock_irq(&flt_work_lock);
	*run = item->next;
	list_replace(&item->next.link, &run->link);
	flt_run_starts(run);
	item->state = FLT_ITEM_RUNNING;
	spin_unlock_irq(&flt_work_lock);
}

/* The routine has returned: what it wanted done with its item is done now. */
static void flt_item_end(struct flt_item *item, struct flt_run *run)
{
	enum flt_item_state state;

	spin_lock_irq(&flt_work_lock);
	flt_run_ends(run);
	state = item->state;
	if (state == FLT_ITEM_RUNNING)
		item->state = FLT_ITEM_IDLE;
	else if (state == FLT_ITEM_REQUEUED)
		item->state = FLT_ITEM_QUEUED;
	spin_unlock_irq(&flt_work_lock);
	/* If it is idle, somebody may be freeing it. */
	if (state == FLT_ITEM_REQUEUED)
		flt_item_start(item, run->kind);
	else if (state == FLT_ITEM_FREED)
		kfree(item);
}

static void flt_deferred_work(struct work_struct *work)
{
	struct flt_item *item = container_of(work, struct flt_item, work);
	struct flt_run run;

	flt_item_begin(item, &run);
	flt_call_deferred(run.filter, container_of(item, struct flt_deferred_io_workitem, item),
			  run.data, run.routine, run.context);
	flt_race_point("deferred_returned", item);
	flt_item_end(item, &run);
	flt_teardown_put(run.inst);
}

static void flt_generic_work(struct work_struct *work)
{
	struct flt_item *item = container_of(work, struct flt_item, work);
	struct flt_run run;

	flt_item_begin(item, &run);
	flt_call_generic(run.filter, container_of(item, struct flt_generic_workitem, item),
			 run.inst ?: (void *)run.filter, run.routine, run.context);
	flt_race_point("generic_returned", item);
	flt_item_end(item, &run);
	/* The filter, and its text, may go from here on. */
	flt_dereference(run.inst ?: (void *)run.filter);
}

static void flt_item_init(struct flt_item *item, work_func_t fn)
{
	INIT_WORK(&item->work, fn);
	item->state = FLT_ITEM_IDLE;
}

/* False: it was freed before, which was reported. VRF-11p */
static bool flt_item_valid(struct flt_item *item, enum flt_kind kind, const char *what)
{
	return !flt_verifying() || flt_verify_known(kind, item, "VRF-11p", what);
}

/* The caller has taken what keeps run->filter and run->inst. VRF-11 */
static int flt_item_queue(struct flt_item *item, const struct flt_run *run,
			  enum flt_work_queue_type queue)
{
	enum flt_item_state state;
	unsigned long flags;

	spin_lock_irqsave(&flt_work_lock, flags);
	state = item->state;
	if (state == FLT_ITEM_IDLE || state == FLT_ITEM_RUNNING) {
		item->state = state == FLT_ITEM_IDLE ? FLT_ITEM_QUEUED : FLT_ITEM_REQUEUED;
		item->queue = queue;
		item->next = *run;
		item->next.task = NULL;
		item->next.since = jiffies;
		list_add_tail(&item->next.link, &flt_runs);
	}
	spin_unlock_irqrestore(&flt_work_lock, flags);
	if (state == FLT_ITEM_IDLE)
		flt_item_start(item, run->kind);
	if (state == FLT_ITEM_IDLE || state == FLT_ITEM_RUNNING)
		return 0;
	flt_violation("VRF-11p", run->filter, run->inst, "work item queued for %ps while it is %s",
		      run->routine, state == FLT_ITEM_FREED ? "being freed" : "queued");
	return STATUS_INVALID_PARAMETER;
}

/* The item is at the beginning of either kind. */
static void flt_item_free(struct flt_item *item, enum flt_kind kind)
{
	enum flt_item_state state;
	unsigned long flags;

	if (!flt_item_valid(item, kind, "free"))
		return;
	spin_lock_irqsave(&flt_work_lock, flags);
	state = item->state;
	switch (state) {
	case FLT_ITEM_IDLE:
		break;
	case FLT_ITEM_RUNNING:
		item->state = FLT_ITEM_FREED;
		break;
	default:
		/* Under the lock: whoever it is queued for is kept by the queueing. */
		flt_violation("VRF-11p", item->next.filter, item->next.inst,
			      "work item for %ps freed while it is %s", item->next.routine,
			      state == FLT_ITEM_FREED ? "being freed" : "queued");
		break;
	}
	/* Under the lock: when the routine has returned, the memory may be another one's. */
	if (flt_verifying() && (state == FLT_ITEM_IDLE || state == FLT_ITEM_RUNNING))
		flt_verify_drop(NULL, kind, item);
	spin_unlock_irqrestore(&flt_work_lock, flags);
	if (state == FLT_ITEM_IDLE)
		kfree(item);
}

/* WRK-03 */
static bool flt_queue_valid(enum flt_work_queue_type queue)
{
	return queue == CriticalWorkQueue || queue == DelayedWorkQueue;
}

/**
 * flt_allocate_deferred_io_work_item() - make an item that can carry an operation
 *
 * WRK-01
 *
 * Context: ATOMIC.
 * Return: the item, to be freed by flt_free_deferred_io_work_item(); NULL if
 * memory is short.
 */
struct flt_deferred_io_workitem *flt_allocate_deferred_io_work_item(void)
{
	struct flt_deferred_io_workitem *item = kzalloc(sizeof(*item), GFP_ATOMIC);

	if (!item)
		return NULL;
	flt_item_init(&item->item, flt_deferred_work);
	if (flt_verifying())
		flt_verify_item_made(FLT_KIND_DEFERRED, item);
	return item;
}
EXPORT_SYMBOL_GPL(flt_allocate_deferred_io_work_item);

/**
 * flt_free_deferred_io_work_item() - free an item
 * @item: an item that is not queued, or NULL; its own routine may free it
 *
 * To free one that is queued is refused and reported. WRK-01
 *
 * Context: ATOMIC.
 */
void flt_free_deferred_io_work_item(struct flt_deferred_io_workitem *item)
{
	if (item)
		flt_item_free(&item->item, FLT_KIND_DEFERRED);
}
EXPORT_SYMBOL_GPL(flt_free_deferred_io_work_item);

/*
 * The instance whose filter has the operation: in a callback, or pended by one.
 * NULL if none has it, as far as can be told: it may be anywhere by then.
 */
static struct flt_instance *flt_operation_owner(struct flt_operation *op)
{
	unsigned long word = atomic_long_read(&op->word);
	struct flt_node *node;

	switch (flt_word_state(word)) {
	case FLT_OP_RUNNING:
	case FLT_OP_PENDED:
		return flt_word_instance(word);
	case FLT_OP_NOWHERE:
		break;
	default:
		return NULL;
	}
	node = op->up;
	switch (node ? atomic_read(&node->state) & FLT_NODE_STATE_MASK : FLT_NODE_FREE) {
	case FLT_NODE_POSTING:
	case FLT_NODE_POST_PENDED:
	case FLT_NODE_POSTED:
	case FLT_NODE_SAFE:
		return node->instance;
	}
	return NULL;
}

/* WRK-04..WRK-06, DRN-07 */
static int flt_deferred_check(const struct flt_callback_data *data, struct flt_instance **owner)
{
	struct flt_instance *inst;

	if (!data->operation)
		return STATUS_FLT_DELETING_OBJECT;
	if (!(data->flags & FLTFL_CALLBACK_DATA_IRP_OPERATION) ||
	    data->iopb->irp_flags & FLT_IRP_PAGING)
		return STATUS_FLT_NOT_SAFE_TO_POST_OPERATION;
	inst = flt_operation_owner(data->operation);
	if (!inst) {
		flt_violation_data("PRE-03", data,
				   "work item queued for an operation that no filter has");
		return STATUS_INVALID_PARAMETER;
	}
	if (READ_ONCE(inst->going))
		return STATUS_FLT_DELETING_OBJECT;
	*owner = inst;
	return 0;
}

/**
 * flt_queue_deferred_io_work_item() - have a worker go on with an operation
 * @item: an item that is not queued
 * @data: the operation, from a pre- or post-operation of the caller's or pended
 *	by one
 * @routine: what the worker calls, PASSIVE
 * @queue: %CriticalWorkQueue or %DelayedWorkQueue
 * @context: for @routine
 *
 * From a pre-operation that returns %FLT_PREOP_PENDING next, or from a
 * post-operation that returns %FLT_POSTOP_MORE_PROCESSING_REQUIRED next. The
 * routine completes the operation, or sees to it, and may free the item; it may
 * run before the callback has returned. After an error nothing was queued, and
 * item and operation are the caller's: it must not pend the operation for this.
 * WRK-02..WRK-08, WRK-11
 *
 * The teardown of the instance waits until @routine has returned.
 *
 * Context: ATOMIC.
 * Return: 0; -EDEADLK (%STATUS_FLT_NOT_SAFE_TO_POST_OPERATION) for what memory
 * waits for, %FLT_IRP_PAGING; -ESHUTDOWN (%STATUS_FLT_DELETING_OBJECT) if the
 * instance is going, and in a drained post-operation; -EINVAL for another
 * queue, an item that is queued, or an operation that is not the caller's, of
 * which the last two are reported.
 */
int flt_queue_deferred_io_work_item(struct flt_deferred_io_workitem *item,
				    struct flt_callback_data *data,
				    flt_deferred_io_workitem_routine routine,
				    enum flt_work_queue_type queue, void *context)
{
	struct flt_instance *inst = NULL;
	struct flt_run run;
	int rc;

	if (!item || !data || !routine || !flt_queue_valid(queue) ||
	    !flt_item_valid(&item->item, FLT_KIND_DEFERRED, "queueing") ||
	    (flt_verifying() && !flt_verify_live(data, "PRE-03", "queueing")))
		return STATUS_INVALID_PARAMETER;
	rc = flt_deferred_check(data, &inst);
	if (rc)
		return rc;
	run = (struct flt_run) {
		.kind = FLT_RUN_DEFERRED,
		.filter = inst->filter,
		.inst = inst,
		.data = data,
		.op_id = data->operation->id,
		.class = data->operation->class,
		.routine = routine,
		.context = context,
	};
	/* The operation is with the instance, which has not gone then. */
	atomic_inc(&inst->hold);
	if (flt_verifying())
		flt_verify_handed(data);
	flt_race_point("deferred_held", data->operation);
	rc = flt_item_queue(&item->item, &run, queue);
	/* It may be complete by now: not to be touched. */
	if (rc)
		flt_teardown_put(inst);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_queue_deferred_io_work_item);

/**
 * flt_allocate_generic_work_item() - make an item for anything
 *
 * WRK-01
 *
 * Context: ATOMIC.
 * Return: the item, to be freed by flt_free_generic_work_item(); NULL if memory
 * is short.
 */
struct flt_generic_workitem *flt_allocate_generic_work_item(void)
{
	struct flt_generic_workitem *item = kzalloc(sizeof(*item), GFP_ATOMIC);

	if (!item)
		return NULL;
	flt_item_init(&item->item, flt_generic_work);
	if (flt_verifying())
		flt_verify_item_made(FLT_KIND_GENERIC, item);
	return item;
}
EXPORT_SYMBOL_GPL(flt_allocate_generic_work_item);

/**
 * flt_free_generic_work_item() - free an item
 * @item: an item that is not queued, or NULL; its own routine may free it
 *
 * To free one that is queued is refused and reported. WRK-01
 *
 * Context: ATOMIC.
 */
void flt_free_generic_work_item(struct flt_generic_workitem *item)
{
	if (item)
		flt_item_free(&item->item, FLT_KIND_GENERIC);
}
EXPORT_SYMBOL_GPL(flt_free_generic_work_item);

/* The owner as an argument of a run, with a rundown reference. WRK-09, WRK-10 */
static int flt_generic_hold(void *object, struct flt_run *run)
{
	struct flt_object *obj = object;

	switch (obj->type) {
	case FLT_OBJECT_FILTER:
		run->filter = container_of(obj, struct flt_filter, obj);
		break;
	case FLT_OBJECT_INSTANCE:
		run->inst = container_of(obj, struct flt_instance, obj);
		run->filter = run->inst->filter;
		break;
	default:
		return STATUS_INVALID_PARAMETER;
	}
	return flt_reference(object);
}

/**
 * flt_queue_generic_work_item() - have a worker call a routine
 * @item: an item that is not queued
 * @flt_object: the caller's filter, or an instance of it
 * @routine: what the worker calls, PASSIVE
 * @queue: %CriticalWorkQueue or %DelayedWorkQueue
 * @context: for @routine
 *
 * @flt_object is referenced until the routine has returned, so that
 * flt_unregister_filter() waits for it; the teardown of an instance, but for
 * its very end, does not. The routine may free the item or queue it again, for
 * another run after this one. WRK-01, WRK-03, WRK-09, WRK-10, URG-05
 *
 * Context: ATOMIC.
 * Return: 0; -ESHUTDOWN (%STATUS_FLT_DELETING_OBJECT) if @flt_object is going;
 * -EINVAL for another queue, for what is neither a filter nor an instance, and
 * for an item that is queued, which is reported. After an error nothing was
 * queued.
 */
int flt_queue_generic_work_item(struct flt_generic_workitem *item, void *flt_object,
				flt_generic_workitem_routine routine,
				enum flt_work_queue_type queue, void *context)
{
	struct flt_run run = {
		.kind = FLT_RUN_GENERIC,
		.routine = routine,
		.context = context,
	};
	int rc;

	if (!item || !flt_object || !routine || !flt_queue_valid(queue) ||
	    !flt_item_valid(&item->item, FLT_KIND_GENERIC, "queueing"))
		return STATUS_INVALID_PARAMETER;
	rc = flt_generic_hold(flt_object, &run);
	if (rc)
		return rc;
	rc = flt_item_queue(&item->item, &run, queue);
	if (rc)
		flt_dereference(flt_object);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_queue_generic_work_item);

static struct workqueue_struct *flt_work_wq(const char *name, unsigned int flags)
{
	return alloc_workqueue("%s", WQ_UNBOUND | WQ_MEM_RECLAIM | flags, WQ_MAX_ACTIVE, name);
}

/* flt_work_exit() either way. */
int flt_work_init(void)
{
	struct workqueue_struct **deferred = flt_item_wqs[FLT_RUN_DEFERRED];
	struct workqueue_struct **generic = flt_item_wqs[FLT_RUN_GENERIC];

	deferred[CriticalWorkQueue] = flt_work_wq("fltmgr_deferred_hi", WQ_HIGHPRI);
	deferred[DelayedWorkQueue] = flt_work_wq("fltmgr_deferred", 0);
	generic[CriticalWorkQueue] = flt_work_wq("fltmgr_generic_hi", WQ_HIGHPRI);
	generic[DelayedWorkQueue] = flt_work_wq("fltmgr_generic", 0);
	flt_safe_wq = flt_work_wq("fltmgr_safe", WQ_HIGHPRI);
	if (deferred[CriticalWorkQueue] && deferred[DelayedWorkQueue] &&
	    generic[CriticalWorkQueue] && generic[DelayedWorkQueue] &&
	    flt_safe_wq)
		return 0;
	return STATUS_INSUFFICIENT_RESOURCES;
}

void flt_work_exit(void)
{
	int kind, queue;

	for (kind = 0; kind < FLT_ITEM_KINDS; kind++)
		for (queue = 0; queue < 2; queue++)
			if (flt_item_wqs[kind][queue])
				destroy_workqueue(flt_item_wqs[kind][queue]);
	if (flt_safe_wq)
		destroy_workqueue(flt_safe_wq);
}
