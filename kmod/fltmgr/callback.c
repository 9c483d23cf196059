// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calling a filter: every call into a filter's text is made here.
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
#include <trace/events/fltmgr.h>

#include "internal.h"

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

static bool flt_lockdep_enter(struct flt_filter *filter)
{
	if (!flt_could_wait())
		return false;
	lock_map_acquire_read(&filter->dep_map);
	return true;
}

static void flt_lockdep_exit(struct flt_filter *filter, bool entered)
{
	if (entered)
		lock_map_release(&filter->dep_map);
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
static bool flt_lockdep_enter(struct flt_filter *filter) { return false; }
static void flt_lockdep_exit(struct flt_filter *filter, bool entered) { }
void flt_draining_wait(struct flt_filter *filter) { }
#endif

int flt_call_pre(struct flt_operation *op, struct flt_instance *inst, void **context)
{
	unsigned int noio = memalloc_noio_save();
	struct flt_filter *filter = inst->filter;
	bool entered = flt_lockdep_enter(filter);
	int status;

	op->iopb.target_instance = inst;
	WRITE_ONCE(op->runner, current);
	status = inst->ops[op->class].pre(&op->data, &inst->objs, context);
	WRITE_ONCE(op->runner, NULL);
	flt_lockdep_exit(filter, entered);
	memalloc_noio_restore(noio);
	trace_flt_pre(op, inst->id, status);
	return status;
}

int flt_call_post(struct flt_operation *op, struct flt_instance *inst, void *context)
{
	unsigned int noio = memalloc_noio_save();
	struct flt_filter *filter = inst->filter;
	bool entered = flt_lockdep_enter(filter);
	int status;

	op->iopb.target_instance = inst;
	WRITE_ONCE(op->runner, current);
	status = inst->ops[op->class].post(&op->data, &inst->objs, context, 0);
	WRITE_ONCE(op->runner, NULL);
	flt_lockdep_exit(filter, entered);
	memalloc_noio_restore(noio);
	trace_flt_post(op, inst->id, status);
	if (unlikely(status != FLT_POSTOP_FINISHED_PROCESSING &&
		     status != FLT_POSTOP_MORE_PROCESSING_REQUIRED))
		flt_violation("VRF-11a", filter, inst,
			      "post-operation of %s returned %d, taken as FINISHED_PROCESSING",
			      flt_class_name(op->class), status);
	return status;
}

/* SOB-01 */
void flt_call_status(struct flt_instance *inst, struct flt_io_parameter_block *snapshot,
		     int status, flt_get_operation_status_callback routine, void *context)
{
	unsigned int noio = memalloc_noio_save();
	struct flt_filter *filter = inst->filter;
	bool entered = flt_lockdep_enter(filter);

	routine(&inst->objs, snapshot, status, context);
	flt_lockdep_exit(filter, entered);
	memalloc_noio_restore(noio);
}

/*
 * Not on the filter's lockdep map: a drained post-operation may wait for the
 * teardown of another instance of its filter. DRN-01..DRN-08
 */
void flt_call_drained(struct flt_callback_data *copy, enum flt_class class,
		      struct flt_instance *inst, void *context)
{
	unsigned int noio = memalloc_noio_save();
	int status;

	might_sleep();
	status = inst->ops[class].post(copy, &inst->objs, context,
				       FLTFL_POST_OPERATION_DRAINING);
	memalloc_noio_restore(noio);
	if (unlikely(status != FLT_POSTOP_FINISHED_PROCESSING))
		flt_violation("DRN-08", inst->filter, inst,
			      "drained post-operation of %s returned %d",
			      flt_class_name(class), status);
}

/* In a worker, or inside the post-operation. What it returned is the caller's to judge. */
int flt_call_safe(struct flt_operation *op, struct flt_instance *inst, void *context,
		  flt_post_operation_callback routine)
{
	unsigned int noio = memalloc_noio_save();
	struct flt_filter *filter = inst->filter;
	bool entered = flt_lockdep_enter(filter);
	int status;

	might_sleep();
	status = routine(&op->data, &inst->objs, context, 0);
	flt_lockdep_exit(filter, entered);
	memalloc_noio_restore(noio);
	return status;
}

void flt_call_deferred(struct flt_filter *filter, struct flt_deferred_io_workitem *item,
		       struct flt_callback_data *data,
		       flt_deferred_io_workitem_routine routine, void *context)
{
	unsigned int noio = memalloc_noio_save();
	bool entered = flt_lockdep_enter(filter);

	routine(item, data, context);
	flt_lockdep_exit(filter, entered);
	memalloc_noio_restore(noio);
}

/*
 * Not on the filter's lockdep map: it does not hold up the teardown of an
 * instance, and may wait for one.
 */
void flt_call_generic(struct flt_generic_workitem *item, void *object,
		      flt_generic_workitem_routine routine, void *context)
{
	unsigned int noio = memalloc_noio_save();

	routine(item, object, context);
	memalloc_noio_restore(noio);
}

/*
 * A cancel routine of @inst, which the caller holds: the operation may be gone
 * when it returns. CAN-02
 */
void flt_call_cancel(struct flt_operation *op, struct flt_instance *inst,
		     flt_complete_canceled_callback routine)
{
	unsigned int noio = memalloc_noio_save();
	struct flt_filter *filter = inst->filter;
	bool entered = flt_lockdep_enter(filter);

	trace_flt_cancel(op, inst->id, STATUS_CANCELLED);
	routine(&op->data);
	flt_lockdep_exit(filter, entered);
	memalloc_noio_restore(noio);
}

/* An operation that @inst has initiated; it may be free when this returns. FIO-13 */
void flt_call_completed(struct flt_instance *inst, struct flt_callback_data *data,
			flt_completed_async_io_callback routine, void *context)
{
	unsigned int noio = memalloc_noio_save();
	struct flt_filter *filter = inst->filter;
	bool entered = flt_lockdep_enter(filter);

	routine(data, context);
	flt_lockdep_exit(filter, entered);
	memalloc_noio_restore(noio);
}

int flt_call_setup(struct flt_instance *inst, u32 flags)
{
	const struct flt_registration *reg = inst->filter->reg;
	unsigned int noio;
	int rc;

	if (!reg->instance_setup_callback)	/* REG-16 */
		return 0;
	noio = memalloc_noio_save();
	rc = reg->instance_setup_callback(&inst->objs, flags, inst->volume->ops->type);
	memalloc_noio_restore(noio);
	return rc;
}

/* TDN-02, TDN-04 */
int flt_call_query_teardown(struct flt_instance *inst)
{
	const struct flt_registration *reg = inst->filter->reg;

	if (!reg->instance_query_teardown_callback)
		return STATUS_FLT_DO_NOT_DETACH;
	return reg->instance_query_teardown_callback(&inst->objs, 0);
}

void flt_call_teardown_start(struct flt_instance *inst)
{
	const struct flt_registration *reg = inst->filter->reg;
	unsigned int noio = memalloc_noio_save();

	if (reg->instance_teardown_start_callback)
		reg->instance_teardown_start_callback(&inst->objs, inst->reason);
	memalloc_noio_restore(noio);
}

void flt_call_teardown_complete(struct flt_instance *inst)
{
	const struct flt_registration *reg = inst->filter->reg;
	unsigned int noio = memalloc_noio_save();

	if (reg->instance_teardown_complete_callback)
		reg->instance_teardown_complete_callback(&inst->objs, inst->reason);
	memalloc_noio_restore(noio);
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
