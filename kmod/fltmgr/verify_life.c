// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier: the life of instances and filters, and what they leave behind.
 *
 * What ought to be over soon and is not is looked for by a work item, a grace time
 * after somebody began to wait: operations that are pended still in a teardown,
 * references that an unregistration waits for, operations whose cancel routine was
 * called and that are there still. Nothing else is done about it: who waits goes on
 * to wait. VRF-06, VRF-11k, VRF-14, INV-06..INV-11, INV-20
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>

#include <kunit/visibility.h>

#include "internal.h"

static unsigned int flt_grace_ms = 10000;
static void flt_late_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(flt_late_work, flt_late_work_fn);

module_param_named(verifier_grace_ms, flt_grace_ms, uint, 0644);
MODULE_PARM_DESC(verifier_grace_ms,
		 "How long a verified filter may be waited for before that is a violation (ms, default 10000)");

static unsigned long flt_grace(void)
{
	return msecs_to_jiffies(READ_ONCE(flt_grace_ms));
}

/* Somebody begins to wait for a filter. Any context. */
void flt_verify_kick(void)
{
	queue_delayed_work(flt_manager_wq, &flt_late_work, flt_grace() + 1);
}

void flt_verify_life_exit(void)
{
	cancel_delayed_work_sync(&flt_late_work);
}

/* teardowns */

/* teardown_start is called next. INV-03, INV-06 */
void flt_verify_start(struct flt_instance *inst)
{
	struct flt_verify_inst *verify = &inst->verify;

	if (verify->started || verify->completed)
		flt_violation("INV-06", NULL, inst, "teardown_start called twice");
	verify->started = true;
	/* Operations are counted from 1. */
	WRITE_ONCE(verify->start_seq, flt_verify_seq() ?: 1);
}

struct flt_queue_seek {
	struct flt_instance *inst;
	struct vrf_trace made;
	bool enabled;
};

static void flt_queue_visit(const struct vrf_item *item, void *arg)
{
	struct flt_queue_seek *seek = arg;

	if (item->within != seek->inst || !item->flag)
		return;
	seek->enabled = true;
	seek->made = item->made;
}

/* teardown_start has returned. TDN-30, VRF-11l */
void flt_verify_started(struct flt_instance *inst)
{
	struct flt_queue_seek seek = { .inst = inst };
	struct flt_blame blame = {
		.rule = "TDN-30",
		.inst = inst,
		.cause = &seek.made,
		.what = "initialised",
	};

	vrf_for_each(FLT_KIND_QUEUE, FLT_KIND_QUEUE, flt_queue_visit, &seek);
	if (seek.enabled)
		flt_blame(&blame, "teardown_start left a callback-data queue enabled");
}

/* teardown_complete is called next. INV-06, INV-07 */
void flt_verify_complete_begins(struct flt_instance *inst)
{
	struct flt_verify_inst *verify = &inst->verify;
	struct flt_involved sum;

	if (!verify->started || verify->completed)
		flt_violation("INV-06", NULL, inst, "teardown_complete called %s",
			      verify->completed ? "twice" : "before teardown_start");
	verify->completed = true;
	flt_count_involved(inst, &sum);
	if (sum.inflight || flt_runs_of(inst))
		flt_violation("INV-07", NULL, inst,
			      "teardown_complete called with %u operations and %u routines left",
			      sum.inflight, flt_runs_of(inst));
	vrf_drop_within(inst, FLT_KIND_QUEUE);
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_complete_begins);

/* Nobody has a reference any more. INV-06, INV-08, INV-09 */
void flt_verify_instance_ends(struct flt_instance *inst)
{
	struct flt_verify_inst *verify = &inst->verify;

	if (verify->started != verify->set_up || verify->completed != verify->set_up)
		flt_violation("INV-06", NULL, inst, "set up %d, torn down %d, completed %d",
			      verify->set_up, verify->started, verify->completed);
	if (flt_object_references(&inst->obj))
		flt_violation("INV-08", NULL, inst, "ends with %lu references",
			      flt_object_references(&inst->obj));
	if (atomic_read(&verify->queries) != atomic_read(&verify->requests))
		flt_violation("INV-09", NULL, inst, "%d detach requests and %d queries",
			      atomic_read(&verify->requests), atomic_read(&verify->queries));
	vrf_drop_within(inst, FLT_KIND_QUEUE);
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_instance_ends);

/* A manual detach was refused, and its hold is still there. INV-10 */
void flt_verify_refused(struct flt_instance *inst)
{
	mutex_lock(&flt_topology_lock);
	if (inst->state == FLT_INSTANCE_ACTIVE && (inst->going || flt_object_going(&inst->obj)))
		flt_violation("INV-10", NULL, inst, "a refused detach has left it going");
	mutex_unlock(&flt_topology_lock);
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_refused);

/* INV-20 */
void flt_verify_published(struct flt_volume *volume)
{
	struct flt_instance *inst, *above = NULL;

	lockdep_assert_held(&flt_topology_lock);
	list_for_each_entry(inst, &volume->instances, volume_link) {
		if (above && flt_altitude_cmp(above->altitude, inst->altitude) <= 0)
			flt_violation("INV-20", NULL, inst, "instance %s is not above it",
				      above->name);
		above = inst;
	}
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_published);

/* what is left behind */

static const char * const flt_left_texts[FLT_NR_KINDS] = {
	[FLT_KIND_FILTER] = "references to filter",
	[FLT_KIND_VOLUME] = "references to volume",
	[FLT_KIND_INSTANCE] = "references to instance",
	[FLT_KIND_DATA] = "callback data of instance",
	[FLT_KIND_DEFERRED] = "deferred work items of",
	[FLT_KIND_GENERIC] = "generic work items of",
	[FLT_KIND_CONTEXT_REF] = "references to contexts of type",
};

/* What @owner has still; each is reported once. VRF-06 */
static void flt_report_left(struct vrf_owner *owner, bool certain, vrf_match match,
			    const void *arg, const char *when)
{
	struct vrf_found found;
	struct flt_blame blame = {
		.owner = owner,
		.cause = &found.made,
		.what = "taken",
	};

	while (vrf_find_left(owner, certain, match, arg, &found)) {
		blame.rule = vrf_kinds[found.kind].rule;
		flt_blame(&blame, "has %u %s %s %s", found.count, flt_left_texts[found.kind],
			  found.name, when);
	}
}

/* The unload callback has returned, and the filter is unregistered. */
void flt_verify_unloaded(struct flt_filter *filter)
{
	flt_report_left(filter->owner_rec, true, NULL, NULL, "after its unload");
}

/* Its filters' text goes, and with it whatever they may still want to drop. */
void flt_verify_module_gone(struct module *module)
{
	struct vrf_owner *owner;

	while ((owner = vrf_owner_leaving(module))) {
		flt_report_left(owner, false, NULL, NULL, "when its module goes");
		vrf_forget(owner);
		flt_verify_leaves(owner);
		vrf_owner_put(owner);
	}
}

/* Everything was waited for. INV-11 */
void flt_verify_unregistered(struct flt_filter *filter)
{
	unsigned int i;

	for (i = 0; i < filter->nr_context_classes; i++)
		if (atomic_read(&filter->context_classes[i].live))
			flt_violation("INV-11", filter, NULL, "unregistered with contexts left");
	if (flt_object_references(&filter->obj))
		flt_violation("INV-11", filter, NULL, "unregistered with references left");
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_unregistered);

/* what takes too long */

static bool flt_past_grace(unsigned long since)
{
	return time_after_eq(jiffies, since + flt_grace());
}

struct flt_late {
	struct flt_instance *inst;
	unsigned int pended;
	u64 op_id;			/* the first one seen */
	struct vrf_trace cause;
	const char *what;
};

/* With the lock of the set. */
static bool flt_late_visit(struct flt_operation *op, void *arg)
{
	struct flt_late *late = arg;

	if (flt_pended_by(op) != late->inst)
		return false;
	if (!flt_past_grace(flt_verify_pended_since(op, late->inst->since)) || late->pended++)
		return false;
	late->op_id = op->id;
	flt_verify_op_trace(op, &late->cause, &late->what);
	return false;
}

static void flt_late_cause(struct flt_blame *blame, const struct flt_late *late)
{
	blame->op_id = late->op_id;
	blame->what = late->what;
	if (late->what)
		blame->cause = &late->cause;
}

/* TDN-30, VRF-11k */
static void flt_late_teardown(struct flt_instance *inst)
{
	struct flt_late late = { .inst = inst };
	struct flt_blame blame = { .rule = "TDN-30", .inst = inst };

	flt_inflight_scan(inst->volume, flt_late_visit, NULL, &late);
	if (!late.pended)
		return;
	inst->verify.late = true;
	flt_late_cause(&blame, &late);
	flt_blame(&blame, "%u operations pended, %u ms after teardown_start", late.pended,
		  jiffies_to_msecs(jiffies - inst->since));
}

struct flt_late_cancel {
	struct flt_late late;
	struct flt_instance *holder;
	bool again;
};

static bool flt_late_cancel_visit(struct flt_operation *op, void *arg)
{
	struct flt_late_cancel *cancel = arg;
	struct flt_instance *holder;

	if (!flt_verify_op_slow(op, flt_grace(), &cancel->again))
		return false;
	holder = flt_pended_by(op);
	if (!holder || !holder->filter->verified)
		return false;
	flt_verify_op_told(op);
	/* It has pended it, and T is held: it is there. */
	kobject_get(&holder->kobj);
	cancel->holder = holder;
	cancel->late.op_id = op->id;
	cancel->late.what = NULL;
	flt_verify_op_trace(op, &cancel->late.cause, &cancel->late.what);
	return true;
}

static void flt_late_cancel_action(void *arg)
{
	struct flt_late_cancel *cancel = arg;
	struct flt_blame blame = { .rule = "VRF-14", .inst = cancel->holder };

	flt_late_cause(&blame, &cancel->late);
	flt_blame(&blame, "its cancel routine was called, and it is not completed");
	kobject_put(&cancel->holder->kobj);
}

/* True if there is something to be looked at again. */
static bool flt_late_volume(struct flt_volume *volume)
{
	struct flt_late_cancel cancel = {};
	struct flt_instance *inst;
	bool again = false;

	list_for_each_entry(inst, &volume->instances, volume_link) {
		if (!inst->filter->verified || inst->verify.late ||
		    READ_ONCE(inst->state) != FLT_INSTANCE_DRAINING)
			continue;
		if (flt_past_grace(inst->since))
			flt_late_teardown(inst);
		again |= !inst->verify.late;
	}
	flt_inflight_scan(volume, flt_late_cancel_visit, flt_late_cancel_action, &cancel);
	return again || cancel.again;
}

static bool flt_item_of_instance(const struct vrf_item *item, const void *inst)
{
	return (item->kind == FLT_KIND_INSTANCE && item->object == inst) ||
	       (item->kind == FLT_KIND_DATA && item->within == inst);
}

static bool flt_item_of_filter(const struct vrf_item *item, const void *filter)
{
	return (item->kind == FLT_KIND_FILTER && item->object == filter) ||
	       item->kind == FLT_KIND_CONTEXT_REF;
}

/* An unregistration waits for references. REF-08, REF-09, FIO-15, CTX-46 */
static void flt_late_filter(struct flt_filter *filter)
{
	static const char text[] = "for which its unregistration waits";
	struct flt_instance *inst;

	list_for_each_entry(inst, &filter->instances, filter_link)
		if (READ_ONCE(inst->state) == FLT_INSTANCE_COMPLETED &&
		    flt_past_grace(inst->verify.completed_at))
			flt_report_left(filter->owner_rec, true, flt_item_of_instance, inst, text);
	if (filter->refs_waited && flt_past_grace(filter->refs_since))
		flt_report_left(filter->owner_rec, true, flt_item_of_filter, filter, text);
}

static bool flt_late_filters(void)
{
	struct flt_filter *filter;
	bool again = false;

	list_for_each_entry(filter, &flt_filters, link) {
		if (!filter->verified || filter->state != FLT_FILTER_GOING)
			continue;
		again = true;
		if (flt_past_grace(filter->going_since))
			flt_late_filter(filter);
	}
	return again;
}

static void flt_late_work_fn(struct work_struct *work)
{
	struct flt_volume *volume;
	bool again;

	mutex_lock(&flt_topology_lock);
	again = flt_late_filters();
	list_for_each_entry(volume, &flt_volumes, link)
		again |= flt_late_volume(volume);
	mutex_unlock(&flt_topology_lock);
	if (again)
		flt_verify_kick();
}
