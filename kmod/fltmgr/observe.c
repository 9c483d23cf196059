// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling a filter how sending an operation down went. SOB-01
 *
 * A pre-operation asks; its thread walks the operation on and tells the filter
 * once it has no more to do with it or knows how it ended: when the operation
 * was sent to the device or was pended by a filter, or before the post-ops when
 * a filter completed it.
 *
 * By then the operation may be gone. What is told is in the request, and
 * requests are found by the walk that they belong to: on a list, since neither
 * the operation nor the walk has a place for what hardly anybody asks for. An
 * operation that nobody asks about pays nothing: the request is a flag in a word
 * that is tested anyway, and then one in walk->nr_sync, likewise.
 *
 * A request has a hold of its instance, so that teardown_complete comes after.
 * Lower filters may keep the thread as long as they like: a teardown drops the
 * requests that have yet to be told, and so does not wait for those filters.
 *
 * A worker is not told in, but another one: what it has carried may be gone, and
 * memory of it, the work item with it, in use again by somebody who would wait
 * for the worker.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "internal.h"

struct flt_status_request {
	struct list_head link;			/* flt_status_requests */
	struct task_struct *task;		/* asked, and is told */
	struct flt_operation *op;		/* not to be looked at any more */
	struct flt_walk *walk;			/* NULL while the pre-op runs */
	bool telling;				/* the routine runs, or is about to */
	int status;				/* for the routine */
	struct work_struct work;
	struct flt_instance *inst;
	struct flt_io_parameter_block snapshot;
	flt_get_operation_status_callback routine;
	void *context;
};

static DEFINE_SPINLOCK(flt_status_lock);
static LIST_HEAD(flt_status_requests);		/* flt_status_lock: newest first */

/* The instance whose pre-op runs in this very thread, or NULL. */
static struct flt_instance *flt_status_asker(struct flt_operation *op)
{
	unsigned long word;

	if (!op || READ_ONCE(op->runner) != current)
		return NULL;
	word = atomic_long_read(&op->word);
	return flt_word_state(word) == FLT_OP_RUNNING ? flt_word_instance(word) : NULL;
}

/**
 * flt_request_operation_status_callback() - hear how an operation was sent down
 * @data: the operation whose pre-operation is running
 * @routine: called once, PASSIVE, by the thread of the pre-operation: with
 *	%STATUS_PENDING if the device or a filter has the operation, or with its
 *	final status if a filter has completed it at once
 * @context: for @routine
 *
 * @routine gets the parameters as they were when this was called, without the
 * bio, which may be gone by then, like the operation. It comes before the
 * instance's teardown_complete and must not wait for that; if the instance goes
 * before lower filters have let go of the operation, it does not come. If the
 * pre-operation runs in a worker, it comes in another one. SOB-01
 *
 * Context: PASSIVE, from inside the pre-operation, before anybody completes what
 * it is about to pend.
 * Return: 0; -EINVAL (STATUS_INVALID_PARAMETER) elsewhere; -ESHUTDOWN
 * (STATUS_FLT_DELETING_OBJECT) if the instance is going; -ENOMEM.
 */
int flt_request_operation_status_callback(struct flt_callback_data *data,
					  flt_get_operation_status_callback routine,
					  void *context)
{
	struct flt_operation *op = data->operation;
	struct flt_instance *inst = flt_status_asker(op);
	struct flt_status_request *req;
	int rc;

	if (!inst || !routine)
		return STATUS_INVALID_PARAMETER;
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	req = kzalloc(sizeof(*req), GFP_NOIO);
	if (!req)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = flt_reference(inst);
	if (rc) {
		kfree(req);
		return rc;
	}
	/* There is one: its own, or of a teardown that has seen us stand here. */
	atomic_inc(&inst->hold);
	req->task = current;
	req->op = op;
	req->inst = inst;
	req->snapshot = *data->iopb;
	req->snapshot.parameters.read.bio = NULL;
	req->routine = routine;
	req->context = context;
	op->status_wanted = true;
	spin_lock(&flt_status_lock);
	list_add(&req->link, &flt_status_requests);
	spin_unlock(&flt_status_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_request_operation_status_callback);

/* The pre-op has returned: what it asked for is @walk's to tell. */
void flt_status_wanted(struct flt_operation *op, struct flt_walk *walk)
{
	struct flt_status_request *req;

	op->status_wanted = false;
	walk->nr_sync |= FLT_WALK_TELL;
	spin_lock(&flt_status_lock);
	list_for_each_entry(req, &flt_status_requests, link)
		if (req->task == current && req->op == op && !req->walk)
			req->walk = walk;
	spin_unlock(&flt_status_lock);
}

static struct flt_status_request *flt_status_take(struct flt_walk *walk)
{
	struct flt_status_request *req, *found = NULL;

	spin_lock(&flt_status_lock);
	list_for_each_entry(req, &flt_status_requests, link) {
		if (req->walk != walk || req->telling)
			continue;
		req->telling = true;
		found = req;
		break;
	}
	spin_unlock(&flt_status_lock);
	return found;
}

/* It is off the list, or about to be; nobody else knows it. */
static void flt_status_drop(struct flt_status_request *req)
{
	struct flt_instance *inst = req->inst;

	kfree(req);
	flt_teardown_put(inst);
	flt_dereference(inst);
}

static void flt_status_call(struct flt_status_request *req)
{
	flt_race_point("status_tell", req->inst);
	flt_call_status(req->inst, &req->snapshot, req->status, req->routine, req->context);
	spin_lock(&flt_status_lock);
	list_del(&req->link);
	spin_unlock(&flt_status_lock);
	flt_status_drop(req);
}

static void flt_status_work(struct work_struct *work)
{
	struct flt_status_request *req = container_of(work, struct flt_status_request, work);

	spin_lock(&flt_status_lock);
	req->task = current;
	spin_unlock(&flt_status_lock);
	flt_status_call(req);
}

/* Tell all that asked in this walk, the lowest first. The operation may be gone. */
void flt_status_tell(struct flt_walk *walk, int status)
{
	struct flt_status_request *req;

	walk->nr_sync &= ~FLT_WALK_TELL;
	while ((req = flt_status_take(walk))) {
		req->status = status;
		if (current->flags & PF_WQ_WORKER) {
			INIT_WORK(&req->work, flt_status_work);
			queue_work(req->inst->later_wq, &req->work);
		} else {
			flt_status_call(req);
		}
	}
}

/* A request of @inst's that nobody tells yet, taken off the list. */
static struct flt_status_request *flt_status_untold(struct flt_instance *inst)
{
	struct flt_status_request *req;

	list_for_each_entry(req, &flt_status_requests, link) {
		if (req->inst != inst || req->telling)
			continue;
		list_del(&req->link);
		return req;
	}
	return NULL;
}

/* The instance goes: who has not been told yet is not told. PND-11 */
void flt_status_forget(struct flt_instance *inst)
{
	struct flt_status_request *req;

	do {
		spin_lock(&flt_status_lock);
		req = flt_status_untold(inst);
		spin_unlock(&flt_status_lock);
		if (req)
			flt_status_drop(req);
	} while (req);
}

/* Does this task run a routine of the filter's? DET-06, INV-18 */
bool flt_status_on_stack(const struct flt_filter *filter)
{
	struct flt_status_request *req;
	bool found = false;

	spin_lock(&flt_status_lock);
	list_for_each_entry(req, &flt_status_requests, link)
		if (req->telling && req->task == current && req->inst->filter == filter)
			found = true;
	spin_unlock(&flt_status_lock);
	return found;
}
