// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calling a filter: every call into a filter's text is made here, but for the
 * pre- and post-operations that the walk calls (fast.h).
 *
 * Callbacks run under memalloc_noio_save(): memory they ask for must not be
 * made free by I/O that may need them. lockdep sees a callback as reading a
 * map of its filter, and waiting for that filter's teardown as writing it, so
 * waiting from inside a callback, or under a lock that a callback takes, is
 * reported on the first run. Owed and pended operations are not modelled: they
 * cross tasks.
 */
#include <linux/lockdep.h>
#include <linux/sched/mm.h>

#include "fast.h"

#ifdef CONFIG_LOCKDEP
void flt_filter_lockdep_init(struct flt_filter *filter)
{
	lockdep_register_key(&filter->lock_key);
	lockdep_init_map(&filter->dep_map, "flt_callback", &filter->lock_key, 0);
}

void flt_filter_lockdep_exit(struct flt_filter *filter)
{
	lockdep_unregister_key(&filter->lock_key);
}

/* Called where somebody waits for a teardown of the filter. */
void flt_draining_wait(struct flt_filter *filter)
{
	lock_map_acquire(&filter->dep_map);
	lock_map_release(&filter->dep_map);
}
#else
void flt_filter_lockdep_init(struct flt_filter *filter) { }
void flt_filter_lockdep_exit(struct flt_filter *filter) { }
void flt_draining_wait(struct flt_filter *filter) { }
#endif

/* A call into a filter: what is to be undone after it. */
struct flt_call {
	struct flt_filter *filter;
	unsigned int noio;
	bool entered;
	struct flt_frame *frame;	/* NULL: the verifier does not want to know */
};

/*
 * @what is called next. @waited: a teardown waits for it, and it for none.
 * @inst: NULL if it may be gone when @what returns.
 */
static __always_inline void flt_call_begin(struct flt_call *call, struct flt_frame *frame,
					   struct flt_filter *filter, struct flt_instance *inst,
					   const char *what, bool waited)
{
	call->noio = memalloc_noio_save();
	call->filter = filter;
	call->entered = waited && flt_lockdep_enter(filter);
	call->frame = frame;
	if (frame)
		flt_frame_begin(frame, filter, inst, what);
}

static __always_inline void flt_call_end(struct flt_call *call)
{
	/* Begun is ended, though it was switched off meanwhile. */
	if (call->frame)
		flt_frame_end(call->frame);
	flt_lockdep_exit(call->filter, call->entered);
	memalloc_noio_restore(call->noio);
}

/* Not where every operation comes along: it is zeroed. */
static inline struct flt_frame *flt_frame_wanted(struct flt_frame *frame)
{
	return flt_verifying() ? frame : NULL;
}

/* With a note of the callback that runs. */
int flt_call_pre_verified(struct flt_operation *op, struct flt_instance *inst, void **context)
{
	struct flt_frame frame;
	int status;

	flt_frame_begin(&frame, inst->filter, inst, "pre-operation");
	status = flt_call_pre(op, inst, op->class, context);
	flt_frame_end(&frame);
	return status;
}

int flt_call_post_verified(struct flt_operation *op, struct flt_instance *inst, void *context)
{
	struct flt_frame frame;
	int status;

	if (op->verify)
		flt_verify_post(op, inst);
	flt_frame_begin(&frame, inst->filter, inst, "post-operation");
	status = flt_call_post(op, inst, op->class, context);
	flt_frame_end(&frame);
	return status;
}

/* SOB-01 */
void flt_call_status(struct flt_instance *inst, struct flt_io_parameter_block *snapshot,
		     int status, flt_get_operation_status_callback routine, void *context)
{
	struct flt_frame frame;
	struct flt_call call;

	flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter,
		       inst, "status callback", true);
	routine(&inst->objs, snapshot, status, context);
	flt_call_end(&call);
}

/*
 * Not on the filter's lockdep map: a drained post-operation may wait for the
 * teardown of another instance of its filter. DRN-01..DRN-08
 */
void flt_call_drained(struct flt_callback_data *copy, enum flt_class class,
		      struct flt_instance *inst, void *context)
{
	struct flt_frame frame;
	struct flt_call call;
	int status;

	might_sleep();
	flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter,
		       inst, "drained post-operation", false);
	status = inst->post[class](copy, &inst->objs, context,
				       FLTFL_POST_OPERATION_DRAINING);
	flt_call_end(&call);
	if (unlikely(status != FLT_POSTOP_FINISHED_PROCESSING))
		flt_violation("DRN-08", inst->filter, inst,
			      "drained post-operation of %s returned %d",
			      flt_class_name(class), status);
}

/* In a worker, or inside the post-operation. What it returned is the caller's to judge. */
int flt_call_safe(struct flt_operation *op, struct flt_instance *inst, void *context,
		  flt_post_operation_callback routine)
{
	struct flt_frame frame;
	struct flt_call call;
	int status;

	might_sleep();
	flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter, inst, "safe routine", true);
	status = routine(&op->data, &inst->objs, context, 0);
	flt_call_end(&call);
	return status;
}

void flt_call_deferred(struct flt_filter *filter, struct flt_deferred_io_workitem *item,
		       struct flt_callback_data *data,
		       flt_deferred_io_workitem_routine routine, void *context)
{
	struct flt_frame frame;
	struct flt_call call;

	flt_call_begin(&call, flt_frame_wanted(&frame), filter, NULL, "deferred routine", true);
	routine(item, data, context);
	flt_call_end(&call);
}

/*
 * Not on the filter's lockdep map: it does not hold up the teardown of an
 * instance, and may wait for one.
 */
void flt_call_generic(struct flt_filter *filter, struct flt_generic_workitem *item, void *object,
		      flt_generic_workitem_routine routine, void *context)
{
	struct flt_frame frame;
	struct flt_call call;

	flt_call_begin(&call, flt_frame_wanted(&frame), filter, NULL, "generic routine", false);
	routine(item, object, context);
	flt_call_end(&call);
}

/*
 * A cancel routine of @inst, which the caller holds: the operation may be gone
 * when it returns. CAN-02
 */
void flt_call_cancel(struct flt_operation *op, struct flt_instance *inst,
		     flt_complete_canceled_callback routine)
{
	struct flt_frame frame;
	struct flt_call call;

	if (flt_verifying() && routine != flt_wait_cancel)
		flt_verify_canceled(op);
	flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter, inst, "cancel routine", true);
	trace_flt_cancel(op, inst->id, STATUS_CANCELLED);
	routine(&op->data);
	flt_call_end(&call);
}

/*
 * An operation that @inst has initiated; it may be free when this returns. @refused: it
 * did not take place, and whoever asked for it is told at once, at any time. FIO-13
 */
void flt_call_completed(struct flt_instance *inst, struct flt_callback_data *data,
			flt_completed_async_io_callback routine, void *context, bool refused)
{
	struct flt_frame frame;
	struct flt_call call;

	flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter,
		       refused ? NULL : inst, "completion routine", true);
	routine(data, context);
	flt_call_end(&call);
}

/* Not on the lockdep map, as the next three: the teardown does not wait for them. */
int flt_call_setup(struct flt_instance *inst, u32 flags)
{
	const struct flt_registration *reg = inst->filter->reg;
	struct flt_frame frame;
	struct flt_call call;
	int rc = 0;

	if (reg->instance_setup_callback) {	/* REG-16 */
		flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter,
			       inst, "setup callback", false);
		rc = reg->instance_setup_callback(&inst->objs, flags, inst->volume->ops->type);
		flt_call_end(&call);
	}
	inst->verify.set_up = !flt_status_is_error(rc);
	return rc;
}

/* TDN-02, TDN-04 */
int flt_call_query_teardown(struct flt_instance *inst)
{
	const struct flt_registration *reg = inst->filter->reg;
	struct flt_frame frame;
	struct flt_call call;
	int rc;

	atomic_inc(&inst->verify.queries);
	if (!reg->instance_query_teardown_callback)
		return STATUS_FLT_DO_NOT_DETACH;
	flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter,
		       inst, "query_teardown callback", false);
	rc = reg->instance_query_teardown_callback(&inst->objs, 0);
	flt_call_end(&call);
	return rc;
}

void flt_call_teardown_start(struct flt_instance *inst)
{
	const struct flt_registration *reg = inst->filter->reg;
	bool verified = flt_verifying() && inst->filter->verified;
	struct flt_frame frame;
	struct flt_call call;

	if (verified)
		flt_verify_start(inst);
	if (reg->instance_teardown_start_callback) {
		flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter,
			       inst, "teardown_start callback", false);
		reg->instance_teardown_start_callback(&inst->objs, inst->reason);
		flt_call_end(&call);
	}
	if (verified)
		flt_verify_started(inst);
}

void flt_call_teardown_complete(struct flt_instance *inst)
{
	const struct flt_registration *reg = inst->filter->reg;
	struct flt_frame frame;
	struct flt_call call;

	if (flt_verifying() && inst->filter->verified)
		flt_verify_complete_begins(inst);
	if (!reg->instance_teardown_complete_callback)
		return;
	flt_call_begin(&call, flt_frame_wanted(&frame), inst->filter,
		       inst, "teardown_complete callback", false);
	reg->instance_teardown_complete_callback(&inst->objs, inst->reason);
	flt_call_end(&call);
}

int flt_call_unload(struct flt_filter *filter, u32 flags)
{
	struct flt_frame frame = {};
	int rc;

	/* Not in flt_call_begin(): it may ask for any memory. */
	if (flt_verifying())
		flt_frame_begin(&frame, filter, NULL, flt_unload_what);
	rc = filter->reg->filter_unload_callback(filter, flags);
	if (frame.filter)
		flt_frame_end(&frame);
	return rc;
}

/* The last reference is gone; in a task. CTX-17 */
void flt_call_context_cleanup(struct flt_filter *filter, void *context,
			      const struct flt_context_registration *def)
{
	struct flt_frame frame;
	struct flt_call call;

	flt_call_begin(&call, flt_frame_wanted(&frame), filter, NULL, "context clean-up", false);
	def->context_cleanup_callback(context, def->context_type);
	flt_call_end(&call);
}

struct flt_on_stack {
	struct flt_filter *filter;
	bool found;
};

static bool flt_on_stack_visit(struct flt_operation *op, void *arg)
{
	struct flt_on_stack *seek = arg;
	struct flt_instance *inst;
	struct flt_node *node;

	/* If it is us, it cannot change under us; if not, it does not concern us. */
	if (READ_ONCE(op->runner) != current)
		return false;
	inst = flt_word_instance(atomic_long_read(&op->word));
	if (!inst) {
		node = op->up;
		inst = node ? node->instance : NULL;
	}
	if (inst && inst->filter == seek->filter)
		seek->found = true;
	return false;
}

/* Does this task run a callback of the filter that a teardown waits for? DET-06 */
bool flt_filter_on_stack(struct flt_filter *filter)
{
	struct flt_on_stack seek = { .filter = filter };
	struct flt_volume *volume;

	if (flt_run_on_stack(filter) || flt_status_on_stack(filter))
		return true;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link)
		flt_inflight_scan(volume, flt_on_stack_visit, NULL, &seek);
	mutex_unlock(&flt_topology_lock);
	return seek.found;
}
