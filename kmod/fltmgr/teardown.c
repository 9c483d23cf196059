// SPDX-License-Identifier: GPL-2.0-only
/*
 * The teardown of an instance.
 *
 * It is begun once, by whoever wins flt_teardown_mark(), and owned by one work
 * item, which never waits in a thread for operations: it does a phase and
 * returns, and the last hold to be given up queues it again.
 *
 *   mark	going, slots stubbed			(any caller, under T)
 *   START	grace period; teardown_start; scan; drop the hold of being in service
 *   COMPLETE	nobody holds: teardown_complete; out of sysfs; name and altitude free
 *   FREE	no references: contexts go, off the filter's list, memory let go
 *
 * There is no time-out (TDN-21): outstanding.c says what is waited for. Several
 * instances that are marked together share one grace period.
 * TDN-10..TDN-18, TDN-40..TDN-45
 */
#include <trace/events/fltmgr.h>

#include "internal.h"

static void flt_teardown_set_state(struct flt_instance *inst, enum flt_instance_state state)
{
	WRITE_ONCE(inst->state, state);
	trace_flt_teardown(inst->id, inst->filter->name, inst->volume->name, inst->name,
			   flt_instance_state_name(state), inst->reason);
}

/*
 * Win the right to tear the instance down. From here on new operations that
 * read the mark pass it by. TDN-11, DET-05
 */
int flt_teardown_mark(struct flt_instance *inst, u32 reason)
{
	lockdep_assert_held(&flt_topology_lock);
	if (inst->state != FLT_INSTANCE_ACTIVE && inst->state != FLT_INSTANCE_ATTACHING)
		return STATUS_FLT_DELETING_OBJECT;
	inst->reason = reason;
	WRITE_ONCE(inst->going, true);
	/* From the next grace period on, words change by exchange only: fast.h */
	flt_epoch_scan(inst->volume, 1);
	flt_object_close(&inst->obj);
	flt_teardown_set_state(inst, FLT_INSTANCE_GOING);
	flt_stack_stub(inst);
	return 0;
}

/* Marked, and the grace period is to be waited for by the work, or is over. */
void flt_teardown_queue(struct flt_instance *inst)
{
	queue_work(flt_teardown_wq, &inst->work);
}

int flt_teardown_begin(struct flt_instance *inst, u32 reason)
{
	int rc;

	mutex_lock(&flt_topology_lock);
	rc = flt_teardown_mark(inst, reason);
	mutex_unlock(&flt_topology_lock);
	if (!rc)
		flt_teardown_queue(inst);
	return rc;
}

/*
 * Mark all that are in service and link them to @batch, highest first. TDN-46
 */
void flt_teardown_mark_one(struct flt_instance *inst, u32 reason, struct list_head *batch)
{
	if (inst->state == FLT_INSTANCE_ACTIVE && !flt_teardown_mark(inst, reason))
		list_add_tail(&inst->batch_link, batch);
}

/* Tear a marked batch down, after one grace period for all. */
void flt_teardown_queue_batch(struct list_head *batch)
{
	struct flt_instance *inst, *next;

	if (list_empty(batch))
		return;
	synchronize_rcu_expedited();
	list_for_each_entry_safe(inst, next, batch, batch_link) {
		list_del_init(&inst->batch_link);
		inst->grace_done = true;
		flt_teardown_queue(inst);
	}
}

/*
 * Give up a hold. The last access of the caller to the instance, unless it is
 * kept otherwise. Any context.
 */
void flt_teardown_put(struct flt_instance *inst)
{
	if (atomic_dec_and_test(&inst->hold))
		queue_work(flt_teardown_wq, &inst->work);
}

static void flt_teardown_start(struct flt_instance *inst)
{
	/* After this every operation that has missed the mark stands here. */
	if (!inst->grace_done)
		synchronize_rcu_expedited();
	flt_race_point("teardown_grace", inst);
	flt_teardown_set_state(inst, FLT_INSTANCE_STARTED);
	flt_call_teardown_start(inst);

	inst->since = jiffies;
	flt_teardown_set_state(inst, FLT_INSTANCE_DRAINING);
	flt_drain_scan(inst);
	mutex_lock(&flt_topology_lock);
	flt_epoch_scan(inst->volume, -1);
	mutex_unlock(&flt_topology_lock);
	flt_status_forget(inst);
	flt_race_point("teardown_scanned", inst);
	inst->phase = FLT_TEARDOWN_COMPLETE;
	flt_outstanding_kick();
	flt_teardown_put(inst);
}

/* The name and the altitude can be used again from here on. */
static void flt_teardown_unlink(struct flt_instance *inst)
{
	struct flt_volume *volume = inst->volume;

	mutex_lock(&flt_topology_lock);
	list_del_init(&inst->volume_link);
	/* Gets rid of stubs; if memory is short, the next attach does. */
	flt_stack_publish(volume);
	mutex_unlock(&flt_topology_lock);
	complete_all(&inst->unlinked);
	wake_up_all(&volume->wait);
}

static void flt_teardown_complete(struct flt_instance *inst)
{
	flt_call_teardown_complete(inst);
	inst->verify.completed_at = jiffies;
	flt_teardown_set_state(inst, FLT_INSTANCE_COMPLETED);
	pr_info("detached instance %s of filter %s from volume %s\n", inst->name,
		inst->filter->name, inst->volume->name);
	complete_all(&inst->torn_down);
	flt_race_point("teardown_completed", inst);
	/* Waits for writers of our files: they wait for torn_down at most. */
	flt_instance_sysfs_remove(inst);
	flt_teardown_unlink(inst);
	inst->phase = FLT_TEARDOWN_FREE;
	flt_dereference(inst);
}

static void flt_teardown_free(struct flt_instance *inst)
{
	struct flt_filter *filter = inst->filter;

	flt_context_purge_instance(inst);
	if (flt_verifying() && filter->verified)
		flt_verify_instance_ends(inst);
	mutex_lock(&flt_topology_lock);
	flt_teardown_set_state(inst, FLT_INSTANCE_GONE);
	list_del_init(&inst->filter_link);
	/* Under T: the filter may go as soon as its list is seen empty. */
	wake_up_all(&filter->wait);
	mutex_unlock(&flt_topology_lock);
	kobject_put(&inst->kobj);
}

void flt_teardown_work(struct work_struct *work)
{
	struct flt_instance *inst = container_of(work, struct flt_instance, work);

	switch (inst->phase) {
	case FLT_TEARDOWN_START:
		flt_teardown_start(inst);
		break;
	case FLT_TEARDOWN_COMPLETE:
		flt_teardown_complete(inst);
		break;
	case FLT_TEARDOWN_FREE:
		flt_teardown_free(inst);
		break;
	}
}
