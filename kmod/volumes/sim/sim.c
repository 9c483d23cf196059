// SPDX-License-Identifier: GPL-2.0-only
/*
 * flt_sim: a simulated volume. Volumes and operations; see linux/flt_sim.h.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "sim.h"

static void flt_sim_kref_release(struct kref *ref)
{
	kfree(container_of(ref, struct flt_sim, ref));
}

static void flt_sim_op_kref_release(struct kref *ref)
{
	kfree(container_of(ref, struct flt_sim_op, ref));
}

static void flt_sim_volume_submit(struct flt_operation *operation, unsigned int flags)
{
	flt_sim_to_device(container_of(operation, struct flt_sim_op, operation), flags);
}

static void flt_sim_volume_complete(struct flt_operation *operation)
{
	flt_sim_end(container_of(operation, struct flt_sim_op, operation),
		    operation->data.io_status.status,
		    operation->data.io_status.information);
}

static void flt_sim_volume_release(void *private)
{
	struct flt_sim *sim = private;

	kref_put(&sim->ref, flt_sim_kref_release);
}

/* The volume, and with it @operation, stays until flt_issue_done() is called. */
static void flt_sim_volume_issue(struct flt_operation *operation, unsigned int flags)
{
	const struct flt_parameters_rw *rw = &operation->iopb.parameters.read;
	struct flt_sim *sim = flt_volume_private(operation->volume);
	struct flt_sim_op *op;
	unsigned long irqflags;

	op = flt_sim_op_alloc(sim, operation->class, rw->byte_offset, rw->length, GFP_NOIO);
	if (IS_ERR(op)) {
		flt_issue_done(operation, PTR_ERR(op), 0);
		return;
	}
	op->issued = operation;
	op->irp_flags = operation->iopb.irp_flags;
	spin_lock_irqsave(&sim->lock, irqflags);
	/* Its one reference is the device's. A volume that closes waits for its filters. */
	op->started = true;
	list_add_tail(&op->link, &sim->ops);
	sim->nr_ops++;
	spin_unlock_irqrestore(&sim->lock, irqflags);
	flt_sim_to_device(op, flags);
}

/* The device is done with what stands for a filter's own operation. */
void flt_sim_issue_end(struct flt_sim_op *op, int status, unsigned long information)
{
	struct flt_operation *operation = op->issued;

	flt_sim_end(op, status, information);
	flt_issue_done(operation, status, information);
}

static const struct flt_volume_ops flt_sim_volume_ops = {
	.type = "sim",
	.owner = THIS_MODULE,
	.submit = flt_sim_volume_submit,
	.complete = flt_sim_volume_complete,
	.release = flt_sim_volume_release,
	.issue = flt_sim_volume_issue,
};

/**
 * flt_sim_create_unoffered() - make a simulated volume that no filter knows of
 * @name: its name, 1 to FLT_NAME_MAX bytes
 *
 * Filters can be attached to it, but are not asked to until flt_sim_offer().
 * Its device completes every operation at once, with success, in the thread
 * that submits it.
 *
 * Context: PASSIVE.
 * Return: the volume, to be destroyed by flt_sim_destroy(), or
 *	-ENOMEM: no memory;
 *	what flt_volume_create() says: -EEXIST, -EINVAL.
 */
struct flt_sim *flt_sim_create_unoffered(const char *name)
{
	struct flt_volume *volume;
	struct flt_sim *sim;

	sim = kzalloc(sizeof(*sim), GFP_KERNEL);
	if (!sim)
		return ERR_PTR(-ENOMEM);
	kref_init(&sim->ref);
	spin_lock_init(&sim->lock);
	INIT_LIST_HEAD(&sim->ops);
	INIT_LIST_HEAD(&sim->held);
	init_waitqueue_head(&sim->wait);
	mutex_init(&sim->mount_lock);
	sim->irq_work = IRQ_WORK_INIT_HARD(flt_sim_irq_work);
	init_llist_head(&sim->irq_ops);

	volume = flt_volume_create(name, &flt_sim_volume_ops, sim);
	if (IS_ERR(volume)) {
		kfree(sim);
		return ERR_CAST(volume);
	}
	sim->volume = volume;
	kref_get(&sim->ref);		/* the volume's, see its release */
	return sim;
}
EXPORT_SYMBOL_GPL(flt_sim_create_unoffered);

/**
 * flt_sim_create() - make a simulated volume and offer it to the filters
 * @name: its name, 1 to FLT_NAME_MAX bytes
 *
 * As flt_sim_create_unoffered() and flt_sim_offer().
 *
 * Context: PASSIVE.
 * Return: as flt_sim_create_unoffered().
 */
struct flt_sim *flt_sim_create(const char *name)
{
	struct flt_sim *sim = flt_sim_create_unoffered(name);

	if (!IS_ERR(sim))
		flt_sim_offer(sim);
	return sim;
}
EXPORT_SYMBOL_GPL(flt_sim_create);

/**
 * flt_sim_offer() - have every filter attach that attaches by itself
 * @sim: a volume of flt_sim_create_unoffered()
 *
 * Context: PASSIVE. See flt_volume_offer() for when they have.
 */
void flt_sim_offer(struct flt_sim *sim)
{
	flt_volume_offer(sim->volume);
}
EXPORT_SYMBOL_GPL(flt_sim_offer);

/**
 * flt_sim_dismount() - tear down all instances, with reason VOLUME_DISMOUNT
 * @sim: a simulated volume
 *
 * No operation starts any more. What the device holds stays there, so that
 * filters that wait for it are drained. Operations that filters have seen must
 * end before this returns: release them from another thread. A second call
 * waits for the first and does nothing.
 *
 * Context: PASSIVE; returns when every instance is gone.
 */
void flt_sim_dismount(struct flt_sim *sim)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim->closing = true;
	spin_unlock_irqrestore(&sim->lock, flags);

	mutex_lock(&sim->mount_lock);
	if (!sim->dismounted) {
		flt_volume_dismount(sim->volume);
		sim->dismounted = true;
	}
	mutex_unlock(&sim->mount_lock);
}
EXPORT_SYMBOL_GPL(flt_sim_dismount);

static bool flt_sim_idle(struct flt_sim *sim)
{
	unsigned long flags;
	bool idle;

	/* Under the lock: who ends the last operation has then let go of @sim. */
	spin_lock_irqsave(&sim->lock, flags);
	idle = !sim->nr_ops;
	spin_unlock_irqrestore(&sim->lock, flags);
	return idle;
}

/*
 * The device is unplugged: nothing starts any more, what it holds fails, what
 * still comes completes at once. Returns when no operation is left. Held ones
 * go before the instances do: a filter may be waiting for I/O of its own.
 */
void flt_sim_shutdown(struct flt_sim *sim)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim->closing = true;
	sim->unplugged = true;
	sim->hold = false;
	sim->context = FLT_SIM_WORKER;
	sim->status = STATUS_IO_DEVICE_ERROR;
	spin_unlock_irqrestore(&sim->lock, flags);

	flt_sim_release_all(sim, FLT_SIM_WORKER, STATUS_IO_DEVICE_ERROR);
	flt_sim_dismount(sim);
	wait_event(sim->wait, flt_sim_idle(sim));
	irq_work_sync(&sim->irq_work);
}

/**
 * flt_sim_destroy() - end a simulated volume
 * @sim: a volume of flt_sim_create()
 *
 * What the device holds fails with %STATUS_IO_DEVICE_ERROR (see
 * flt_sim_dismount() for filters to be drained instead), the volume is
 * dismounted, and the last operation awaited: one that a filter has pended must
 * be completed by it. Operations remain the caller's to free.
 *
 * Context: PASSIVE.
 */
void flt_sim_destroy(struct flt_sim *sim)
{
	flt_sim_shutdown(sim);
	flt_volume_put(sim->volume);
	kref_put(&sim->ref, flt_sim_kref_release);
}
EXPORT_SYMBOL_GPL(flt_sim_destroy);

/**
 * flt_sim_volume() - the volume that the filter manager knows
 * @sim: a simulated volume
 *
 * Context: ATOMIC.
 * Return: the volume, without a reference; valid until flt_sim_destroy().
 */
struct flt_volume *flt_sim_volume(const struct flt_sim *sim)
{
	return sim->volume;
}
EXPORT_SYMBOL_GPL(flt_sim_volume);

/**
 * flt_sim_op_alloc() - make an operation
 * @sim: the volume it is for
 * @class: what it does
 * @byte_offset: where, in bytes from the start of the volume
 * @length: how much, in bytes
 * @gfp: how to allocate
 *
 * Context: as @gfp allows.
 * Return: the operation, to be freed by flt_sim_op_free(), or
 *	-EINVAL: no such class, or the range ends beyond 2^64;
 *	-ENOMEM: no memory.
 */
struct flt_sim_op *flt_sim_op_alloc(struct flt_sim *sim, enum flt_class class,
				    u64 byte_offset, u64 length, gfp_t gfp)
{
	struct flt_sim_op *op;
	unsigned long flags;
	u64 end;

	if ((unsigned int)class >= FLT_NR_CLASSES ||
	    check_add_overflow(byte_offset, length, &end))
		return ERR_PTR(-EINVAL);
	op = kzalloc(sizeof(*op), gfp);
	if (!op)
		return ERR_PTR(-ENOMEM);
	op->sim = sim;
	op->class = class;
	op->byte_offset = byte_offset;
	op->length = length;
	kref_init(&op->ref);
	INIT_LIST_HEAD(&op->link);
	INIT_LIST_HEAD(&op->held_link);
	init_completion(&op->done);

	spin_lock_irqsave(&sim->lock, flags);
	op->id = ++sim->last_id;
	spin_unlock_irqrestore(&sim->lock, flags);
	return op;
}
EXPORT_SYMBOL_GPL(flt_sim_op_alloc);

/**
 * flt_sim_start() - issue an operation
 * @op: an operation that was not started yet
 *
 * The pre-operations run in this thread, as far as filters let them; with a
 * device that completes at once in %FLT_SIM_PROCESS, all of it does. When it
 * returns, the operation may be anywhere.
 *
 * Context: PASSIVE.
 * Return: 0 however the operation ends, or
 *	-EALREADY: it was started before;
 *	-ESHUTDOWN: the volume was or is being dismounted.
 */
int flt_sim_start(struct flt_sim_op *op)
{
	struct flt_sim *sim = op->sim;
	unsigned long flags;
	int err = 0;

	might_sleep();
	spin_lock_irqsave(&sim->lock, flags);
	if (sim->closing) {
		err = -ESHUTDOWN;
	} else if (op->started) {
		err = -EALREADY;
	} else {
		op->started = true;
		kref_get(&op->ref);
		list_add_tail(&op->link, &sim->ops);
		sim->nr_ops++;
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	if (err)
		return err;

	/* As a real provider does, which then needs no struct flt_operation. */
	if (!flt_volume_filtered(sim->volume, op->class)) {
		flt_sim_to_device(op, 0);
		return 0;
	}

	op->filtered = true;
	flt_operation_init(&op->operation, sim->volume, op->class, op->irp_flags,
			   op->byte_offset, op->length, NULL);
	switch (flt_dispatch(&op->operation)) {
	case FLT_SUBMIT:
		flt_sim_to_device(op, 0);
		break;
	case FLT_DONE:
		flt_sim_volume_complete(&op->operation);
		break;
	case FLT_TAKEN:
		break;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(flt_sim_start);

/* The issuer is told. The last thing that happens to an operation. */
void flt_sim_end(struct flt_sim_op *op, int status, unsigned long information)
{
	struct flt_sim *sim = op->sim;
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&sim->lock, flags);
	flt_sim_seen(&op->ended);
	first = op->ended.count == 1;
	if (first) {
		op->status = status;
		op->information = information;
		list_del_init(&op->link);
		if (!--sim->nr_ops)
			wake_up_all(&sim->wait);
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	/* From here on @sim may be gone. */

	if (WARN_ONCE(!first, "flt_sim: operation %llu ended twice\n", op->id))
		return;
	complete_all(&op->done);
	kref_put(&op->ref, flt_sim_op_kref_release);
}

/**
 * flt_sim_op_wait() - wait until an operation has ended
 * @op: an operation that was started
 * @timeout: for how long at most, in jiffies
 *
 * Context: PASSIVE.
 * Return: 0, and the results in @op are valid, or
 *	-ETIMEDOUT: it has not ended; nothing changed.
 */
int flt_sim_op_wait(struct flt_sim_op *op, unsigned long timeout)
{
	return wait_for_completion_timeout(&op->done, timeout) ? 0 : -ETIMEDOUT;
}
EXPORT_SYMBOL_GPL(flt_sim_op_wait);

/**
 * flt_sim_op_done() - has an operation ended?
 * @op: an operation
 *
 * Context: ATOMIC.
 * Return: true if it has, and the results in @op are valid.
 */
bool flt_sim_op_done(struct flt_sim_op *op)
{
	return completion_done(&op->done);
}
EXPORT_SYMBOL_GPL(flt_sim_op_done);

/**
 * flt_sim_op_free() - drop an operation
 * @op: an operation, or NULL, or an error pointer
 *
 * It may still be on its way; then its memory goes when it ends.
 *
 * Context: ATOMIC.
 */
void flt_sim_op_free(struct flt_sim_op *op)
{
	if (!IS_ERR_OR_NULL(op))
		kref_put(&op->ref, flt_sim_op_kref_release);
}
EXPORT_SYMBOL_GPL(flt_sim_op_free);

static int __init flt_sim_init(void)
{
	int err = flt_sim_device_init();

	if (err)
		return err;
	flt_sim_debugfs_init();
	return 0;
}
module_init(flt_sim_init);

static void __exit flt_sim_exit(void)
{
	flt_sim_debugfs_exit();
	/* Volumes hold this module, so there are none, nor operations. */
	flt_sim_device_exit();
	/* Who ended an operation may be preempted on its last instructions here. */
	synchronize_rcu_tasks();
}
module_exit(flt_sim_exit);

MODULE_DESCRIPTION("Simulated volume of the filter manager");
MODULE_LICENSE("GPL");
