// SPDX-License-Identifier: GPL-2.0-only
/*
 * Manual detach: asked for, may be refused, may be waited for.
 */
#include <linux/export.h>

#include "internal.h"

/* Keep the instance in service while its filter is asked. DET-02 */
static int flt_hold_active(struct flt_instance *inst)
{
	int rc = STATUS_FLT_DELETING_OBJECT;

	mutex_lock(&flt_topology_lock);
	if (inst->state == FLT_INSTANCE_ATTACHING) {
		rc = STATUS_FLT_INSTANCE_NOT_FOUND;
	} else if (inst->state == FLT_INSTANCE_ACTIVE) {
		atomic_inc(&inst->hold);
		rc = 0;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}

/*
 * Ask, and begin if the filter agrees. The caller keeps the memory. Does not
 * wait. TDN-01..TDN-05, DET-03, DET-04
 */
int flt_detach_instance(struct flt_instance *inst)
{
	int rc = flt_hold_active(inst);

	if (rc)
		return rc;
	atomic_inc(&inst->verify.requests);
	rc = flt_call_query_teardown(inst);
	if (flt_status_is_error(rc)) {
		pr_info("filter %s refuses to detach instance %s from volume %s: %d\n",
			inst->filter->name, inst->name, inst->volume->name, rc);
		if (flt_verifying())
			flt_verify_refused(inst);
	} else {
		rc = flt_teardown_begin(inst, FLTFL_INSTANCE_TEARDOWN_MANUAL);
	}
	flt_teardown_put(inst);
	return rc;
}

/*
 * The highest that matches and is in service, else one that is going. One that
 * is still being attached is not there yet. DET-01, DET-02
 */
static int flt_find_instance(struct flt_filter *filter, struct flt_volume *volume,
			     const char *name, struct flt_instance **out)
{
	int rc = STATUS_FLT_INSTANCE_NOT_FOUND;
	struct flt_instance *inst;

	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &volume->instances, volume_link) {
		if (inst->filter != filter || (name && strcmp(inst->name, name)))
			continue;
		if (inst->state == FLT_INSTANCE_ATTACHING)
			continue;
		rc = STATUS_FLT_DELETING_OBJECT;
		if (inst->state != FLT_INSTANCE_ACTIVE)
			continue;
		kobject_get(&inst->kobj);
		*out = inst;
		rc = 0;
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}

/**
 * flt_detach_volume() - detach an instance of a filter from a volume
 * @filter: the filter
 * @volume: the volume
 * @instance_name: which instance, NULL for the highest of the filter's
 *
 * The filter's query_teardown callback may refuse. Returns when
 * teardown_complete has returned and the name and altitude are free, unless the
 * caller is inside a pre- or post-operation of the filter: then the teardown
 * goes on by itself. The caller must not be what the teardown waits for
 * otherwise: the only one to complete an operation that the filter pended.
 * DET-01..DET-07, INV-18
 *
 * Context: PASSIVE.
 * Return: 0; %STATUS_PENDING (positive) if it goes on by itself; -ENOENT if
 * there is no such instance; -ESHUTDOWN if it is going already; what
 * query_teardown refused with, -EBUSY if there is no such callback; -EINTR if a
 * fatal signal ended the wait, the teardown goes on.
 */
int flt_detach_volume(struct flt_filter *filter, struct flt_volume *volume,
		      const char *instance_name)
{
	struct flt_instance *inst;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_find_instance(filter, volume, instance_name, &inst);
	if (rc)
		return rc;
	rc = flt_detach_instance(inst);
	if (rc)
		goto put;
	if (flt_filter_on_stack(filter)) {
		rc = STATUS_PENDING;
		goto put;
	}
	/* From a callback that is not on that stack, and that this waits for? INV-18 */
	if (flt_verifying() && !flt_verify_wait(inst)) {
		rc = STATUS_PENDING;
		goto put;
	}
	flt_draining_wait(filter);
	if (wait_for_completion_killable(&inst->unlinked))
		rc = STATUS_THREAD_IS_TERMINATING;
put:
	kobject_put(&inst->kobj);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_detach_volume);
