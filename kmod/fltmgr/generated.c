// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O of a filter's own: operations that an instance initiates, and that only the
 * instances below it see.
 *
 * THE WAY
 *
 * The operation is the manager's: no provider has memory in it. It joins the
 * in-flight set of the volume like any other and is walked by walk.c, which begins
 * below the instance and ends here, with flt_generated_ops in the place of the
 * provider's ops: submit() is the provider's issue(), which gives it back with
 * flt_issue_done(), and complete() tells the filter. Lower instances are drained
 * and torn down under it as under any other. FIO-01, FIO-24
 *
 * WHO HAS IT
 *
 *	READY	  perform	FLYING	  ended		ENDED
 *	the filter's		the manager's		the filter's: reuse, reissue, free
 *
 * Whoever moves the state by cmpxchg has it, so that what a filter does to an
 * operation that is on its way is refused. For an asynchronous one the manager
 * sets ENDED before it calls the routine, which may free it or perform it again; for
 * a synchronous one the thread that waited does. FIO-14, FIO-15
 *
 * WHAT IS KEPT
 *
 * The data has a reference to its instance until it is freed. While it is on its
 * way there is another one, and a hold, which keeps teardown_complete away until
 * the routine has returned. The hold is taken in an RCU read section that has seen
 * the instance not going: a teardown waits for a grace period before it gives up
 * its own. The thread that performs an asynchronous operation wants to know
 * afterwards how far it got, and the routine may have freed it: the memory, no more,
 * is counted. FIO-22, FIO-23, TDN-20
 */
#include <linux/bio.h>
#include <linux/export.h>
#include <linux/sched.h>

#include "generated.h"
#include "operation.h"

/* How a call of flt_perform_asynchronous_io() ended, in flt_own.outcome. */
#define FLT_OUTCOME_DEVICE	1UL	/* the device has had it */
#define FLT_OUTCOME_CALL	2UL	/* times the number of the call */

/* Is it something that a volume does? */
static int flt_own_check(const struct flt_own *own)
{
	const struct flt_io_parameter_block *iopb = &own->op.iopb;
	const struct flt_parameters_rw *rw = &iopb->parameters.read;
	bool data = flt_major_has_data(iopb->major_function);

	if (flt_class_of(iopb->major_function) < 0 || !own->inst->volume->ops->issue)
		return STATUS_NOT_SUPPORTED;
	if (rw->byte_offset + rw->length < rw->byte_offset)
		return STATUS_INVALID_PARAMETER;
	if (iopb->major_function == IRP_MJ_FLUSH_BUFFERS ? rw->length : !rw->length)
		return STATUS_INVALID_PARAMETER;
	if (!data)
		return rw->bio ? STATUS_INVALID_PARAMETER : 0;
	/* Lower filters have no larger buffers in reserve. */
	if (rw->length > FLT_MAX_BLOCK_IO || (rw->bio && rw->bio->bi_iter.bi_size != rw->length))
		return STATUS_INVALID_PARAMETER;
	return 0;
}

/* Keep teardown_complete away. FIO-04, FIO-22, FIO-23 */
static int flt_own_hold(struct flt_instance *inst)
{
	int rc;

	flt_race_point("own_start", inst);
	rcu_read_lock();
	/* Fails from the mark of a teardown on, which waits for us before it lets go. */
	rc = flt_reference(inst);
	if (!rc)
		atomic_inc(&inst->hold);
	rcu_read_unlock();
	return rc;
}

/* The last access to the instance. Any context. */
static void flt_own_release(struct flt_instance *inst)
{
	flt_teardown_put(inst);
	flt_dereference(inst);
}

/* FLYING: have it ready for the walk. After an error it does not take place. */
static int flt_own_begin(struct flt_own *own, u32 flags)
{
	struct flt_operation *op = &own->op;
	int rc = flt_own_check(own);

	op->data.io_status.status = 0;
	op->data.io_status.information = 0;
	op->data.flags = FLTFL_CALLBACK_DATA_IRP_OPERATION | FLTFL_CALLBACK_DATA_GENERATED_IO |
			 flags;
	op->data.requestor_pid = current->pid;
	op->iopb.target_instance = own->inst;
	own->device = false;
	own->call++;
	if (!rc)
		rc = flt_own_hold(own->inst);
	if (rc) {
		op->data.io_status.status = rc;
		return rc;
	}
	op->class = flt_class_of(op->iopb.major_function);
	flt_operation_pass(op);
	flt_race_point("own_held", own->inst);
	return 0;
}

static void flt_own_walk(struct flt_own *own, bool wait)
{
	struct flt_instance *inst = own->inst;
	struct flt_run run;

	/* A lower filter's callback that detaches us must not wait for us. DET-06 */
	flt_run_begin(&run, FLT_RUN_OWN, inst);
	flt_dispatch_below(&own->op, inst);
	if (wait)
		wait_for_completion_io(&own->done);
	flt_run_end(&run);
}

/* FLYING: perform it, and wait. */
void flt_own_wait(struct flt_own *own, u32 flags)
{
	struct flt_instance *inst = own->inst;

	own->routine = NULL;
	own->waited = true;
	reinit_completion(&own->done);
	if (!flt_own_begin(own, flags)) {
		flt_own_walk(own, true);
		flt_own_release(inst);
	}
	flt_own_give(own, FLT_OWN_ENDED);
}

bool flt_own_may_wait(struct flt_callback_data *data)
{
	if (flt_passive())
		return true;
	data->io_status.status = STATUS_INVALID_PARAMETER;
	data->io_status.information = 0;
	return false;
}

/**
 * flt_perform_synchronous_io() - perform an operation and wait for it
 * @data: of flt_allocate_callback_data(), new or reused, filled in
 *
 * How it ended is in @data->io_status: with a status of the device's or of a lower
 * filter's, or without having begun: -ESHUTDOWN (%STATUS_FLT_DELETING_OBJECT) if the
 * teardown of the instance has begun; -EINVAL for bad parameters; -EOPNOTSUPP for
 * what the volume does not do. May be called from a pre-operation. What was
 * performed already, or is no filter's own, is refused, reported, and not changed.
 * FIO-01, FIO-02, FIO-11, FIO-22, FIO-23
 *
 * Context: PASSIVE. Not with a lock held that the completion of other operations
 * may want.
 */
void flt_perform_synchronous_io(struct flt_callback_data *data)
{
	struct flt_own *own = flt_own_of(data, "FIO-15", "performing");

	if (!own || !flt_own_may_wait(data) ||
	    !flt_own_take(own, FLT_OWN_READY, FLT_OWN_FLYING, "performing"))
		return;
	flt_own_wait(own, 0);
}
EXPORT_SYMBOL_GPL(flt_perform_synchronous_io);

/* Let the filter have it; it may be free afterwards. FIO-13, FIO-14 */
static void flt_own_tell(struct flt_own *own, struct flt_instance *inst, bool refused)
{
	flt_completed_async_io_callback routine = own->routine;
	void *context = own->context;
	struct flt_run run;

	WRITE_ONCE(own->outcome, own->call * FLT_OUTCOME_CALL +
				 (own->device ? FLT_OUTCOME_DEVICE : 0));
	own->told++;
	flt_run_begin(&run, FLT_RUN_OWN, inst);
	flt_own_give(own, FLT_OWN_ENDED);
	flt_call_completed(inst, &own->op.data, routine, context, refused);
	flt_run_end(&run);
}

/* It has left the volume's set: past the highest of those below its instance. */
static void flt_generated_complete(struct flt_operation *op)
{
	struct flt_own *own = flt_to_own(op);
	struct flt_instance *inst = own->inst;

	op->iopb.target_instance = inst;
	if (!own->routine) {
		/* The thread that waits lets go of the instance. */
		complete(&own->done);
		return;
	}
	flt_own_tell(own, inst, false);
	flt_race_point("own_told", inst);
	flt_own_release(inst);
}

static void flt_generated_submit(struct flt_operation *op, unsigned int flags)
{
	flt_to_own(op)->device = true;
	op->volume->ops->issue(op, flags);
}

/* In walk.c, for operations of ours, what a provider's are for its own. */
const struct flt_volume_ops flt_generated_ops = {
	.submit = flt_generated_submit,
	.complete = flt_generated_complete,
};

/**
 * flt_issue_done() - the device is done with what ops->issue() was called for
 * @op: the operation; not to be touched any more afterwards
 * @status: 0 or a negative errno
 * @information: bytes done
 *
 * As flt_complete() for operations of the provider's. The provider is through with
 * its own memory: the volume may be dismounted before this returns. FIO-13, PST-01
 *
 * Context: ATOMIC; post-operations, and the filter's routine, run here.
 */
void flt_issue_done(struct flt_operation *op, int status, unsigned long information)
{
	if (flt_complete(op, status, information) == FLT_DONE)
		flt_generated_complete(op);
}
EXPORT_SYMBOL_GPL(flt_issue_done);

/* It does not take place, and the routine is called all the same. FIO-13 */
static int flt_own_refuse(struct flt_own *own, int rc)
{
	struct flt_instance *inst = own->inst;

	own->op.data.io_status.status = rc;
	kobject_get(&inst->kobj);
	flt_own_tell(own, inst, true);
	kobject_put(&inst->kobj);
	return rc;
}

/* How far it got before the thread that performed it came back. FIO-12 */
static int flt_own_progress(const struct flt_own *own, unsigned long call)
{
	unsigned long outcome = READ_ONCE(own->outcome);

	/* A later one: the routine has performed it again, and this one has ended. */
	if (outcome / FLT_OUTCOME_CALL != call)
		return STATUS_PENDING;
	return outcome & FLT_OUTCOME_DEVICE ? STATUS_SUCCESS : STATUS_FLT_IO_COMPLETE;
}

/**
 * flt_perform_asynchronous_io() - perform an operation and hear when it has ended
 * @data: of flt_allocate_callback_data(), new or reused, filled in
 * @routine: called once, in any context, perhaps before this returns; how the
 *	operation ended is in its io_status. It may free or reuse @data
 * @context: for @routine
 *
 * @routine is called after an error, too, here and now, with that in the io_status;
 * but not for what is refused and reported: data that is on its way or was not
 * reused, or that is no filter's own. The teardown of the instance waits until it
 * has returned. FIO-01, FIO-02, FIO-12..FIO-14, FIO-22, FIO-23, INV-16
 *
 * Context: PASSIVE. Not with a lock held that the completion of other operations,
 * or @routine, may want.
 * Return: how far it got, which says nothing of how it ended: 0, the device has
 * completed it; %STATUS_FLT_IO_COMPLETE (positive), a lower filter has;
 * %STATUS_PENDING (positive), otherwise. Or why it was not begun: -ESHUTDOWN
 * (%STATUS_FLT_DELETING_OBJECT) if the teardown of the instance has begun;
 * -EINPROGRESS (%STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST) for %IRP_MJ_CREATE; -EINVAL
 * for bad parameters, what is refused, or no @routine; -EOPNOTSUPP for what the volume
 * does not do.
 */
int flt_perform_asynchronous_io(struct flt_callback_data *data,
				flt_completed_async_io_callback routine, void *context)
{
	struct flt_own *own = flt_own_of(data, "FIO-15", "performing");
	unsigned long call;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (!own || !routine)
		return STATUS_INVALID_PARAMETER;
	if (!flt_own_take(own, FLT_OWN_READY, FLT_OWN_FLYING, "performing"))
		return STATUS_INVALID_PARAMETER;
	own->routine = routine;
	own->context = context;
	own->waited = false;
	own->asked++;
	rc = flt_own_begin(own, 0);
	if (data->iopb->major_function == IRP_MJ_CREATE)
		rc = STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST;
	if (rc)
		return flt_own_refuse(own, rc);
	call = own->call;
	refcount_inc(&own->ref);
	flt_own_walk(own, false);
	rc = flt_own_progress(own, call);
	flt_own_put(own);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_perform_asynchronous_io);

static bool flt_own_cancel_visit(struct flt_operation *op, void *arg)
{
	return flt_cancel_take(op, arg);
}

/**
 * flt_cancel_io() - cancel an operation of one's own
 * @data: of flt_allocate_callback_data(), performed; the caller keeps it from being
 *	freed
 *
 * A lower filter that has pended it cancellably is told, and completes it, from
 * inside here perhaps. Otherwise it has the mark, and is cancelled as soon as a lower
 * filter makes it cancellable; what the device has is waited for. An operation that
 * no filter has allocated is reported and left alone. CAN-05..CAN-07, TDN-31
 *
 * Context: ATOMIC. Holding nothing that the completion of @data wants.
 * Return: true if a filter was told; false if there was none, or if it is cancelled
 * already, or has ended.
 */
bool flt_cancel_io(struct flt_callback_data *data)
{
	struct flt_own *own = flt_own_of(data, "CAN-05", "cancel");
	struct flt_cancel cancel;

	if (!own || atomic_read(&own->state) != FLT_OWN_FLYING ||
	    READ_ONCE(own->op.canceled))
		return false;
	/* It may not have got to the first filter yet. */
	WRITE_ONCE(own->op.canceled, true);
	if (!flt_inflight_visit_one(&own->op, flt_own_cancel_visit, &cancel))
		return false;
	return flt_cancel_run(&cancel);
}
EXPORT_SYMBOL_GPL(flt_cancel_io);
