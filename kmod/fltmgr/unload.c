// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading a filter.
 *
 * optional	sysfs "unload", flt_unload_filter(): the filter's callback may
 *		refuse. It runs on a worker that holds the filter's module. The
 *		module stays, harmless, until rmmod.
 * mandatory	module exit, which cannot refuse: the callback is told so.
 *
 * In both the callback unregisters. A filter that does not, or whose module
 * goes without asking, is unregistered by force and reported.
 * UNL-01..UNL-19, URG-02
 */
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/slab.h>

#include "internal.h"

static u32 flt_unload_reason(u32 flags)
{
	return flags & FLTFL_FILTER_UNLOAD_MANDATORY ?
	       FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD :
	       FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD;
}

/* UNL-06, UNL-07, UNL-15 */
static int flt_unload_claim(struct flt_filter *filter, u32 flags)
{
	if (filter->state >= FLT_FILTER_GOING || filter->unloading)
		return STATUS_FLT_DELETING_OBJECT;
	if (!filter->reg->filter_unload_callback)
		return STATUS_FLT_DO_NOT_DETACH;
	if (flags & FLTFL_FILTER_UNLOAD_MANDATORY &&
	    filter->reg->flags & FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP)
		return STATUS_FLT_DO_NOT_DETACH;
	filter->unloading = true;
	filter->unload_flags = flags;
	return 0;
}

/* The callback has returned. UNL-04, UNL-05, UNL-09, UNL-10, UNL-19 */
static int flt_unload_settle(struct flt_filter *filter, u32 flags, int rc)
{
	bool refused = flt_status_is_error(rc) && !(flags & FLTFL_FILTER_UNLOAD_MANDATORY);
	bool gone;

	mutex_lock(&flt_topology_lock);
	gone = filter->state >= FLT_FILTER_GOING;
	/* Only a filter that stays can be asked again. */
	if (refused && !gone)
		filter->unloading = false;
	mutex_unlock(&flt_topology_lock);
	flt_race_point("unload_settled", filter);
	if (refused && !gone) {
		pr_info("filter %s refuses to be unloaded: %d\n", filter->name, rc);
		return rc;
	}
	if (refused)
		flt_violation("UNL-09", filter, NULL, "refused an unload after unregistering");
	if (!gone) {
		flt_violation("UNL-10", filter, NULL, "agreed to an unload without unregistering");
		flt_unregister(filter, flt_unload_reason(flags));
	}
	/* A module's exit may have something to give back yet: flt_verify_module_gone(). */
	if (flt_verifying() && filter->verified && !(flags & FLTFL_FILTER_UNLOAD_MANDATORY))
		flt_verify_unloaded(filter);
	return 0;
}

/* The caller keeps the memory of the filter and its module's text. */
static int flt_unload(struct flt_filter *filter, u32 flags)
{
	int rc;

	mutex_lock(&flt_topology_lock);
	rc = flt_unload_claim(filter, flags);
	mutex_unlock(&flt_topology_lock);
	if (rc)
		return rc;
	rc = flt_call_unload(filter, flags);
	return flt_unload_settle(filter, flags, rc);
}

/**
 * flt_unregister_filter() - take a filter out of service for good
 * @filter: the caller's own filter
 *
 * Every instance is torn down, then references are waited for, without a
 * time-out. No callback of the filter runs after this returned, but its own
 * timers, works and threads may: it stops them next. URG-01..URG-04
 *
 * Context: PASSIVE, from the filter's unload callback or module init; not from
 * inside another of its callbacks, and not while the caller keeps anything the
 * teardown waits for.
 */
void flt_unregister_filter(struct flt_filter *filter)
{
	u32 reason = FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD;
	bool unloading;

	if (!flt_passive() || (flt_verifying() && !flt_verify_unregister(filter)))
		return;
	mutex_lock(&flt_topology_lock);
	unloading = filter->unloading;
	if (unloading)
		reason = flt_unload_reason(filter->unload_flags);
	kobject_get(&filter->kobj);
	mutex_unlock(&flt_topology_lock);
	flt_unregister(filter, reason);
	/* A store to "unload" may be what runs us; otherwise wait for the files. */
	if (!unloading)
		flush_work(&filter->reap_work);
	kobject_put(&filter->kobj);
}
EXPORT_SYMBOL_GPL(flt_unregister_filter);

/* An optional unload on its way: the requester may leave before it ends. */
struct flt_unload_request {
	struct work_struct work;
	struct kref ref;
	struct flt_filter *filter;
	struct completion done;
	int rc;
};

static void flt_unload_request_free(struct kref *ref)
{
	kfree(container_of(ref, struct flt_unload_request, ref));
}

/* UNL-17: on a worker, as somebody else than the requester. */
static void flt_unload_request_work(struct work_struct *work)
{
	struct flt_unload_request *req = container_of(work, struct flt_unload_request, work);
	struct flt_filter *filter = req->filter;
	struct module *owner = filter->owner;

	req->rc = flt_unload(filter, 0);
	kobject_put(&filter->kobj);
	/* Before the requester goes on: rmmod is what it may do next. */
	module_put(owner);
	complete(&req->done);
	kref_put(&req->ref, flt_unload_request_free);
}

/*
 * Hold the module for the worker. Not once its exit runs, which is an unload
 * already, nor while its init does, which still uses the filter. Under T a
 * filter that is not going has a module: its exit needs T to make it go.
 */
static int flt_unload_hold_module(struct flt_filter *filter)
{
	int rc = STATUS_FLT_DELETING_OBJECT;

	mutex_lock(&flt_topology_lock);
	if (filter->state >= FLT_FILTER_GOING)
		goto unlock;
	rc = STATUS_FLT_FILTER_NOT_READY;
	if (!filter->ready || READ_ONCE(filter->owner->state) == MODULE_STATE_COMING)
		goto unlock;
	rc = try_module_get(filter->owner) ? 0 : STATUS_FLT_DELETING_OBJECT;
unlock:
	mutex_unlock(&flt_topology_lock);
	return rc;
}

/*
 * Ask a filter to unload and wait for the answer. The caller keeps the memory
 * of the filter.
 */
int flt_unload_request(struct flt_filter *filter)
{
	struct flt_unload_request *req = kzalloc(sizeof(*req), GFP_KERNEL);
	int rc;

	if (!req)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = flt_unload_hold_module(filter);
	if (rc) {
		kfree(req);
		return rc;
	}
	INIT_WORK(&req->work, flt_unload_request_work);
	kref_init(&req->ref);
	kref_get(&req->ref);
	init_completion(&req->done);
	req->filter = filter;
	kobject_get(&filter->kobj);
	queue_work(flt_unload_wq, &req->work);
	rc = wait_for_completion_killable(&req->done);
	if (!rc)
		rc = req->rc;
	else
		rc = STATUS_THREAD_IS_TERMINATING;
	kref_put(&req->ref, flt_unload_request_free);
	return rc;
}

/**
 * flt_unload_filter() - ask a filter to unload
 * @name: the filter's name
 *
 * UNL-01, UNL-13
 *
 * Context: PASSIVE, not from the filter itself.
 * Return: 0; -ESRCH if there is no such filter; -ESHUTDOWN if it is going or
 * being asked; -ENOTCONN while its module's init runs; -EBUSY if it has no
 * unload callback; what the callback refused with; -EINTR if a fatal signal
 * ended the wait.
 */
int flt_unload_filter(const char *name)
{
	struct flt_filter *filter;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_find_filter(name, &filter);
	if (rc)
		return rc;
	if (flt_verifying() && !flt_verify_unload(filter))
		rc = STATUS_INVALID_PARAMETER;
	else
		rc = flt_unload_request(filter);
	kobject_put(&filter->kobj);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_unload_filter);

/* Any filter of the module, with the memory kept. */
static struct flt_filter *flt_filter_of_module(struct module *owner)
{
	struct flt_filter *filter, *found = NULL;

	mutex_lock(&flt_topology_lock);
	list_for_each_entry(filter, &flt_filters, link) {
		if (filter->owner != owner)
			continue;
		kobject_get(&filter->kobj);
		found = filter;
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return found;
}

/**
 * flt_module_init() - register and start the filter that a module is
 * @owner: THIS_MODULE
 * @reg: its registration
 *
 * Context: PASSIVE, module init.
 * Return: as flt_register_filter() and
 * flt_start_filtering(); after an error nothing is left.
 */
int flt_module_init(struct module *owner, const struct flt_registration *reg)
{
	struct flt_filter *filter;
	int rc = flt_register_filter(owner, reg, &filter);

	if (rc)
		return rc;
	rc = flt_start_filtering(filter);
	if (rc)
		flt_unregister_filter(filter);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_module_init);

/**
 * flt_module_exit() - the mandatory unload of a module's filters
 * @owner: THIS_MODULE
 *
 * Nothing of the module is called by the manager after this returned.
 * UNL-02, UNL-05, TDN-42
 *
 * Context: PASSIVE, module exit.
 */
void flt_module_exit(struct module *owner)
{
	struct flt_filter *filter;

	while ((filter = flt_filter_of_module(owner))) {
		if (flt_unload(filter, FLTFL_FILTER_UNLOAD_MANDATORY))
			flt_unregister(filter, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD);
		kobject_put(&filter->kobj);
	}
	/* Directories of filters that went by the optional unload, too. */
	flt_reap_wait(owner, NULL);
}
EXPORT_SYMBOL_GPL(flt_module_exit);

/*
 * The module goes. Filters that it has left behind, by a failed init or a
 * forgetful exit, go first, and with them whoever is in one of their files.
 */
void flt_forget_module(struct module *owner)
{
	struct flt_filter *filter;

	while ((filter = flt_filter_of_module(owner))) {
		flt_violation("UNL-10", filter, NULL,
			      "module %s goes with the filter registered; unregistered by force",
			      module_name(owner));
		flt_unregister(filter, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD);
		kobject_put(&filter->kobj);
	}
	flt_reap_wait(owner, NULL);
}
