// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device of a simulated volume: a list of held operations, and four
 * contexts in which it can complete them.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "sim.h"

static struct workqueue_struct *flt_sim_wq;
static struct workqueue_struct *flt_sim_bh_wq;

int flt_sim_device_init(void)
{
	/* Unbound: a completion that sleeps must not hold up the next one. */
	flt_sim_wq = alloc_workqueue("flt_sim", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	flt_sim_bh_wq = alloc_workqueue("flt_sim_bh", WQ_BH, 0);
	if (flt_sim_wq && flt_sim_bh_wq)
		return 0;
	flt_sim_device_exit();
	return -ENOMEM;
}

void flt_sim_device_exit(void)
{
	if (flt_sim_bh_wq)
		destroy_workqueue(flt_sim_bh_wq);
	if (flt_sim_wq)
		destroy_workqueue(flt_sim_wq);
}

void flt_sim_seen(struct flt_sim_seen *seen)
{
	seen->count++;
	seen->pid = task_pid_nr(current);
	if (in_hardirq())
		seen->context = FLT_SIM_HARDIRQ;
	else if (in_serving_softirq())
		seen->context = FLT_SIM_SOFTIRQ;
	else
		seen->context = FLT_SIM_PROCESS;
}

static void flt_sim_device_done(struct flt_sim_op *op)
{
	int status = op->device_status;
	unsigned long information = status < 0 ? 0 : op->length;

	flt_sim_seen(&op->device_done);
	if (op->issued) {
		flt_sim_issue_end(op, status, information);
		return;
	}
	if (op->filtered) {
		if (flt_complete(&op->operation, status, information) != FLT_DONE)
			return;
		status = op->operation.data.io_status.status;
		information = op->operation.data.io_status.information;
	}
	flt_sim_end(op, status, information);
}

static void flt_sim_work(struct work_struct *work)
{
	flt_sim_device_done(container_of(work, struct flt_sim_op, work));
}

/*
 * One for all operations of a volume: an irq_work is still used after its
 * function returned, when the operation may long be free.
 */
void flt_sim_irq_work(struct irq_work *work)
{
	struct flt_sim *sim = container_of(work, struct flt_sim, irq_work);
	struct flt_sim_op *op, *next;
	struct llist_node *list = llist_reverse_order(llist_del_all(&sim->irq_ops));

	llist_for_each_entry_safe(op, next, list, irq_node)
		flt_sim_device_done(op);
}

static void flt_sim_complete_in(struct flt_sim_op *op, enum flt_sim_context context,
				int status)
{
	struct flt_sim *sim = op->sim;
	unsigned long flags;

	op->device_status = status;
	switch (context) {
	case FLT_SIM_WORKER:
		INIT_WORK(&op->work, flt_sim_work);
		queue_work(flt_sim_wq, &op->work);
		break;
	case FLT_SIM_SOFTIRQ:
		INIT_WORK(&op->work, flt_sim_work);
		queue_work(flt_sim_bh_wq, &op->work);
		break;
	case FLT_SIM_HARDIRQ:
		/*
		 * Under the lock: another CPU's irq_work may complete it as
		 * soon as it is listed, but it cannot end, nor @sim go.
		 */
		spin_lock_irqsave(&sim->lock, flags);
		llist_add(&op->irq_node, &sim->irq_ops);
		irq_work_queue(&sim->irq_work);
		spin_unlock_irqrestore(&sim->lock, flags);
		break;
	default:
		/*
		 * With FLT_SUBMIT_WAITS too: this thread has not begun to wait,
		 * and finds the operation completed when it does.
		 */
		flt_sim_device_done(op);
		break;
	}
}

/* An operation arrives. Not to be touched after it was held or completed. */
void flt_sim_to_device(struct flt_sim_op *op, unsigned int flags)
{
	struct flt_sim *sim = op->sim;
	enum flt_sim_context context;
	unsigned long irqflags;
	bool first, hold;
	int status;

	spin_lock_irqsave(&sim->lock, irqflags);
	flt_sim_seen(&op->submitted);
	first = op->submitted.count == 1;
	op->arrived = ktime_get();
	op->waits = flags & FLT_SUBMIT_WAITS;
	hold = sim->hold;
	context = sim->context;
	status = sim->status;
	if (first && hold) {
		list_add_tail(&op->held_link, &sim->held);
		sim->nr_held++;
		wake_up_all(&sim->wait);
	}
	spin_unlock_irqrestore(&sim->lock, irqflags);

	if (!first)
		WARN_ONCE(1, "flt_sim: an operation was submitted twice\n");
	else if (!hold)
		flt_sim_complete_in(op, context, status);
}

static bool flt_sim_result_valid(enum flt_sim_context context, int status)
{
	return (unsigned int)context < FLT_SIM_NR_CONTEXTS &&
	       status >= -MAX_ERRNO && status != STATUS_PENDING;
}

/**
 * flt_sim_set_hold() - hold operations that arrive from now on, or do not
 * @sim: a simulated volume
 * @hold: true: hold; false: complete at once
 *
 * What is held already stays so until it is released.
 *
 * Context: ATOMIC.
 */
void flt_sim_set_hold(struct flt_sim *sim, bool hold)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim->hold = hold && !sim->unplugged;
	spin_unlock_irqrestore(&sim->lock, flags);
}
EXPORT_SYMBOL_GPL(flt_sim_set_hold);

/**
 * flt_sim_set_context() - where operations that are not held complete
 * @sim: a simulated volume
 * @context: where
 *
 * Context: ATOMIC.
 * Return: 0 or -EINVAL: no such context.
 */
int flt_sim_set_context(struct flt_sim *sim, enum flt_sim_context context)
{
	unsigned long flags;

	if (!flt_sim_result_valid(context, 0))
		return -EINVAL;
	spin_lock_irqsave(&sim->lock, flags);
	sim->context = context;
	spin_unlock_irqrestore(&sim->lock, flags);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_sim_set_context);

/**
 * flt_sim_set_status() - how operations that are not held complete
 * @sim: a simulated volume
 * @status: 0, a negative errno, or a positive success
 *
 * Context: ATOMIC.
 * Return: 0 or -EINVAL: not a status that an operation can end with.
 */
int flt_sim_set_status(struct flt_sim *sim, int status)
{
	unsigned long flags;

	if (!flt_sim_result_valid(FLT_SIM_PROCESS, status))
		return -EINVAL;
	spin_lock_irqsave(&sim->lock, flags);
	sim->status = status;
	spin_unlock_irqrestore(&sim->lock, flags);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_sim_set_status);

/* Who takes an operation off the list completes it. Called with the lock. */
static void flt_sim_unhold(struct flt_sim *sim, struct flt_sim_op *op)
{
	list_del_init(&op->held_link);
	sim->nr_held--;
}

/**
 * flt_sim_release() - the device completes an operation that it holds
 * @op: an operation of the caller's
 * @context: where; with %FLT_SIM_PROCESS it has completed on return, as far as
 *	filters let it
 * @status: 0, a negative errno, or a positive success; the information is the
 *	length unless @status is negative
 *
 * Context: ATOMIC.
 * Return: 0, or
 *	-EINVAL: no such context, or not a status that an operation can end with;
 *	-EBUSY: it is on its way, but the device does not hold it;
 *	-ENOENT: it was not started, or has ended.
 */
int flt_sim_release(struct flt_sim_op *op, enum flt_sim_context context, int status)
{
	struct flt_sim *sim = op->sim;
	unsigned long flags;
	int err = 0;

	if (!flt_sim_result_valid(context, status))
		return -EINVAL;
	spin_lock_irqsave(&sim->lock, flags);
	if (list_empty(&op->link))
		err = -ENOENT;
	else if (list_empty(&op->held_link))
		err = -EBUSY;
	else
		flt_sim_unhold(sim, op);
	spin_unlock_irqrestore(&sim->lock, flags);
	if (!err)
		flt_sim_complete_in(op, context, status);
	return err;
}
EXPORT_SYMBOL_GPL(flt_sim_release);

/**
 * flt_sim_release_id() - the device completes an operation that it holds
 * @sim: a simulated volume
 * @id: which, see struct flt_sim_op
 * @context: as for flt_sim_release()
 * @status: likewise
 *
 * Context: ATOMIC.
 * Return: as flt_sim_release().
 */
int flt_sim_release_id(struct flt_sim *sim, u64 id, enum flt_sim_context context,
		       int status)
{
	struct flt_sim_op *op;
	unsigned long flags;
	int err = -ENOENT;

	if (!flt_sim_result_valid(context, status))
		return -EINVAL;
	spin_lock_irqsave(&sim->lock, flags);
	list_for_each_entry(op, &sim->ops, link) {
		if (op->id != id)
			continue;
		err = list_empty(&op->held_link) ? -EBUSY : 0;
		if (!err)
			flt_sim_unhold(sim, op);
		break;
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	if (!err)
		flt_sim_complete_in(op, context, status);
	return err;
}
EXPORT_SYMBOL_GPL(flt_sim_release_id);

/* The one that has been there longest, if by then. Called with the lock. */
static struct flt_sim_op *flt_sim_find_due(struct flt_sim *sim, ktime_t until)
{
	struct flt_sim_op *op;

	op = list_first_entry_or_null(&sim->held, struct flt_sim_op, held_link);
	return op && !ktime_after(op->arrived, until) ? op : NULL;
}

/**
 * flt_sim_due() - does the device hold an operation long enough?
 * @sim: a simulated volume
 * @until: has it arrived by then, in terms of ktime_get()?
 *
 * Context: ATOMIC.
 * Return: whether there is one for flt_sim_release_due(); somebody else may be first.
 */
bool flt_sim_due(struct flt_sim *sim, ktime_t until)
{
	unsigned long flags;
	bool due;

	spin_lock_irqsave(&sim->lock, flags);
	due = flt_sim_find_due(sim, until);
	spin_unlock_irqrestore(&sim->lock, flags);
	return due;
}
EXPORT_SYMBOL_GPL(flt_sim_due);

/**
 * flt_sim_release_due() - the device completes the operation that it holds longest
 * @sim: a simulated volume
 * @until: if it has arrived by then, in terms of ktime_get()
 * @context: as for flt_sim_release()
 * @status: likewise
 *
 * How a simulated device with a latency does its work, one by one.
 *
 * Context: ATOMIC.
 * Return: 0, or
 *	-EINVAL: no such context, or not a status that an operation can end with;
 *	-ENOENT: the device holds none, or none that long.
 */
int flt_sim_release_due(struct flt_sim *sim, ktime_t until, enum flt_sim_context context,
			int status)
{
	struct flt_sim_op *op;
	unsigned long flags;

	if (!flt_sim_result_valid(context, status))
		return -EINVAL;
	spin_lock_irqsave(&sim->lock, flags);
	op = flt_sim_find_due(sim, until);
	if (op)
		flt_sim_unhold(sim, op);
	spin_unlock_irqrestore(&sim->lock, flags);
	if (!op)
		return -ENOENT;
	flt_sim_complete_in(op, context, status);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_sim_release_due);

/**
 * flt_sim_release_all() - the device completes all that it holds
 * @sim: a simulated volume
 * @context: as for flt_sim_release()
 * @status: likewise
 *
 * In the order in which they came; those that come meanwhile stay held.
 *
 * Context: ATOMIC.
 * Return: how many it completed, or
 *	-EINVAL: no such context, or not a status that an operation can end with.
 */
int flt_sim_release_all(struct flt_sim *sim, enum flt_sim_context context, int status)
{
	struct flt_sim_op *op;
	unsigned int todo, done;
	unsigned long flags;

	if (!flt_sim_result_valid(context, status))
		return -EINVAL;
	todo = flt_sim_held(sim);
	for (done = 0; done < todo; done++) {
		spin_lock_irqsave(&sim->lock, flags);
		op = list_first_entry_or_null(&sim->held, struct flt_sim_op, held_link);
		if (op)
			flt_sim_unhold(sim, op);
		spin_unlock_irqrestore(&sim->lock, flags);
		if (!op)
			break;
		flt_sim_complete_in(op, context, status);
	}
	return done;
}
EXPORT_SYMBOL_GPL(flt_sim_release_all);

/**
 * flt_sim_cancel() - cancel all operations that are with filters
 * @sim: a simulated volume
 *
 * What the device holds stays there: it cannot be told.
 *
 * Context: PASSIVE.
 * Return: for how many a filter was told, see flt_volume_cancel().
 */
unsigned int flt_sim_cancel(struct flt_sim *sim)
{
	return flt_volume_cancel(sim->volume, 0);
}
EXPORT_SYMBOL_GPL(flt_sim_cancel);

/**
 * flt_sim_held() - how many operations the device holds
 * @sim: a simulated volume
 *
 * Context: ATOMIC.
 * Return: how many.
 */
unsigned int flt_sim_held(struct flt_sim *sim)
{
	return READ_ONCE(sim->nr_held);
}
EXPORT_SYMBOL_GPL(flt_sim_held);

/**
 * flt_sim_inflight() - how many operations have started and not ended
 * @sim: a simulated volume
 *
 * Context: ATOMIC.
 * Return: how many.
 */
unsigned int flt_sim_inflight(struct flt_sim *sim)
{
	return READ_ONCE(sim->nr_ops);
}
EXPORT_SYMBOL_GPL(flt_sim_inflight);

/**
 * flt_sim_wait_held() - wait until the device holds some operations
 * @sim: a simulated volume
 * @n: how many at least
 * @timeout: for how long at most, in jiffies
 *
 * Context: PASSIVE.
 * Return: 0, or -ETIMEDOUT: it holds fewer.
 */
int flt_sim_wait_held(struct flt_sim *sim, unsigned int n, unsigned long timeout)
{
	return wait_event_timeout(sim->wait, flt_sim_held(sim) >= n, timeout) ?
	       0 : -ETIMEDOUT;
}
EXPORT_SYMBOL_GPL(flt_sim_wait_held);
