// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters: registration, start, unregistration.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

/* A registration's arrays end somewhere; one that does not is a bug. */
#define FLT_MAX_ENTRIES		256

/* T: unregistered, the directory is still there */
static LIST_HEAD(flt_reaping);

#define FLT_REGISTRATION_FLAGS	(FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP | \
				 FLTFL_REGISTRATION_SUPPORT_NPFS_MSFS | \
				 FLTFL_REGISTRATION_SUPPORT_DAX_VOLUME)

#define FLT_OPERATION_FLAGS	(FLTFL_OPERATION_REGISTRATION_SKIP_PAGING_IO | \
				 FLTFL_OPERATION_REGISTRATION_SKIP_CACHED_IO | \
				 FLTFL_OPERATION_REGISTRATION_SKIP_NON_DASD_IO | \
				 FLTFL_OPERATION_REGISTRATION_SKIP_NON_CACHED_NON_PAGING_IO)

/* REG-22, REG-29; flags that nobody knows could mean anything later */
static int flt_check_operation(const struct flt_operation_registration *op)
{
	if (op->reserved1 || op->flags & ~FLT_OPERATION_FLAGS)
		return STATUS_INVALID_PARAMETER;
	switch (op->major_function) {
	case IRP_MJ_POWER:
	case IRP_MJ_DEVICE_CHANGE:
		return STATUS_INVALID_PARAMETER;
	case IRP_MJ_SHUTDOWN:
		return op->post_operation ? STATUS_INVALID_PARAMETER : 0;
	}
	return 0;
}

/* REG-07, REG-14 */
static int flt_check_operations(const struct flt_operation_registration *ops)
{
	DECLARE_BITMAP(seen, 256) = {};
	int i, rc;

	if (!ops)
		return 0;
	for (i = 0; ops[i].major_function != IRP_MJ_OPERATION_END; i++) {
		if (i == FLT_MAX_ENTRIES)
			return STATUS_INVALID_PARAMETER;
		rc = flt_check_operation(&ops[i]);
		if (rc)
			return rc;
		if (__test_and_set_bit(ops[i].major_function, seen))
			return STATUS_FLT_DUPLICATE_ENTRY;
	}
	return 0;
}

static bool flt_definition_repeated(const struct flt_instance_definition *defs, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(defs[i].name, defs[nr].name) ||
		    !flt_altitude_cmp(defs[i].altitude, defs[nr].altitude))
			return true;
	return false;
}

/* REG-06, INS-01, CON-24: the first one is the default and must be there. */
static int flt_check_definitions(const struct flt_instance_definition *defs)
{
	int i;

	if (!defs || !defs[0].name)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	for (i = 0; defs[i].name; i++) {
		if (i == FLT_MAX_ENTRIES || flt_check_name(defs[i].name) || !defs[i].altitude ||
		    !flt_altitude_valid(defs[i].altitude) ||
		    defs[i].flags & ~FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT)
			return STATUS_INVALID_PARAMETER;
		if (flt_definition_repeated(defs, i))
			return STATUS_FLT_DUPLICATE_ENTRY;
	}
	return 0;
}

/* REG-04, REG-10 */
static int flt_check_registration(const struct flt_registration *reg)
{
	int rc;

	if (reg->size != sizeof(*reg) || reg->version != FLT_REGISTRATION_VERSION ||
	    reg->flags & ~FLT_REGISTRATION_FLAGS || !reg->name || flt_check_name(reg->name))
		return STATUS_INVALID_PARAMETER;
	rc = flt_context_check_registration(reg->context_registration);
	if (rc)
		return rc;
	rc = flt_check_operations(reg->operation_registration);
	if (rc)
		return rc;
	return flt_check_definitions(reg->instances);
}

/* REG-23: majors that no volume here has are never called. */
static void flt_fill_ops(struct flt_filter *filter)
{
	const struct flt_operation_registration *op = filter->reg->operation_registration;
	int class;

	for (; op && op->major_function != IRP_MJ_OPERATION_END; op++) {
		class = flt_class_of(op->major_function);
		if (class < 0)
			continue;
		filter->ops[class].pre = op->pre_operation;
		filter->ops[class].post = op->post_operation;
	}
}

static void flt_filter_refs_gone(struct flt_object *obj)
{
	struct flt_filter *filter = container_of(obj, struct flt_filter, obj);

	complete(&filter->refs_gone);
}

/* Waits for whoever is in a store to one of the files. */
static void flt_filter_reap(struct work_struct *work)
{
	struct flt_filter *filter = container_of(work, struct flt_filter, reap_work);

	kobject_del(&filter->kobj);
	kobject_put(filter->instances_kobj);
	mutex_lock(&flt_topology_lock);
	list_del(&filter->link);
	mutex_unlock(&flt_topology_lock);
	kobject_put(&filter->kobj);
}

static struct flt_filter *flt_find_reaping(const struct module *owner, const char *name)
{
	struct flt_filter *filter, *found = NULL;

	mutex_lock(&flt_topology_lock);
	list_for_each_entry(filter, &flt_reaping, link) {
		if (owner ? filter->owner != owner : strcasecmp(filter->name, name))
			continue;
		kobject_get(&filter->kobj);
		found = filter;
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return found;
}

/* Until the directories of gone filters, of a module or of a name, are gone too. */
void flt_reap_wait(const struct module *owner, const char *name)
{
	struct flt_filter *filter;

	while ((filter = flt_find_reaping(owner, name))) {
		flush_work(&filter->reap_work);
		kobject_put(&filter->kobj);
	}
}

void flt_filter_release(struct kobject *kobj)
{
	struct flt_filter *filter = to_filter(kobj);

	flt_verify_object_gone(&filter->obj);
	flt_verify_release(filter);
	flt_filter_lockdep_exit(filter);
	kfree(filter->name);
	kfree(filter->altitude);
	kfree(filter->context_classes);
	kfree(filter);
	atomic_dec(&flt_live_objects);
}

static struct flt_filter *flt_filter_create(struct module *owner,
					    const struct flt_registration *reg)
{
	struct flt_filter *filter = kzalloc(sizeof(*filter), GFP_KERNEL);

	if (!filter)
		return NULL;
	atomic_inc(&flt_live_objects);
	flt_object_init(&filter->obj, FLT_OBJECT_FILTER, flt_filter_refs_gone);
	kobject_init(&filter->kobj, &flt_filter_ktype);
	flt_filter_lockdep_init(filter);
	filter->owner = owner;
	filter->reg = reg;
	INIT_LIST_HEAD(&filter->link);
	INIT_LIST_HEAD(&filter->instances);
	init_waitqueue_head(&filter->wait);
	init_completion(&filter->refs_gone);
	init_completion(&filter->gone);
	INIT_WORK(&filter->reap_work, flt_filter_reap);
	flt_fill_ops(filter);
	filter->name = kstrdup(reg->name, GFP_KERNEL);
	filter->altitude = kstrdup(reg->instances[0].altitude, GFP_KERNEL);
	if (filter->name && filter->altitude && !flt_context_classes_create(filter) &&
	    !flt_verify_register(filter))
		return filter;
	kobject_put(&filter->kobj);
	return NULL;
}

/* REG-03, ENM-07, ENM-12: highest default altitude first, names are caseless. */
static int flt_filter_list(struct flt_filter *filter)
{
	struct list_head *at = &flt_filters;
	struct flt_filter *other;

	lockdep_assert_held(&flt_topology_lock);
	list_for_each_entry(other, &flt_filters, link)
		if (!strcasecmp(other->name, filter->name))
			return -EEXIST;
	list_for_each_entry(other, &flt_filters, link) {
		if (flt_altitude_cmp(other->altitude, filter->altitude) < 0) {
			at = &other->link;
			break;
		}
	}
	list_add_tail(&filter->link, at);
	return 0;
}

static int flt_filter_sysfs_add(struct flt_filter *filter)
{
	int rc;

	/* The directory of a filter of this name may be on its way out. */
	flt_reap_wait(NULL, filter->name);
	filter->kobj.kset = flt_filters_kset;
	rc = kobject_add(&filter->kobj, NULL, "%s", filter->name);
	if (rc)
		return rc;
	filter->instances_kobj = kobject_create_and_add("instances", &filter->kobj);
	if (filter->instances_kobj)
		return 0;
	kobject_del(&filter->kobj);
	return STATUS_INSUFFICIENT_RESOURCES;
}

/**
 * flt_register_filter() - register a filter
 * @owner: the filter's module, THIS_MODULE
 * @reg: what it is; must stay valid until it is unregistered
 * @filter: gets the filter
 *
 * The filter can be found from now on but filters nothing before
 * flt_start_filtering(). REG-01..REG-29
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for a wrong size, version, flag, name, altitude or
 * operation; -ENOTUNIQ for an operation or instance listed twice; -ENOKEY
 * without instance definitions; -EEXIST if the name is taken; -EBADSLT for a
 * malformed context registration; -ENOMEM.
 */
int flt_register_filter(struct module *owner, const struct flt_registration *reg,
			struct flt_filter **filter)
{
	struct flt_filter *new;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (!owner || !reg || !filter)
		return STATUS_INVALID_PARAMETER;
	rc = flt_check_registration(reg);
	if (rc)
		return rc;
	new = flt_filter_create(owner, reg);
	if (!new)
		return STATUS_INSUFFICIENT_RESOURCES;
	mutex_lock(&flt_topology_lock);
	rc = flt_filter_list(new);
	mutex_unlock(&flt_topology_lock);
	if (rc)
		goto put;
	flt_race_point("filter_listed", new);
	rc = flt_filter_sysfs_add(new);
	if (rc)
		goto unlist;
	mutex_lock(&flt_topology_lock);
	new->ready = true;
	mutex_unlock(&flt_topology_lock);
	pr_info("registered filter %s at altitude %s\n", new->name, new->altitude);
	*filter = new;
	return 0;

unlist:
	mutex_lock(&flt_topology_lock);
	list_del(&new->link);
	mutex_unlock(&flt_topology_lock);
put:
	kobject_put(&new->kobj);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_register_filter);

/*
 * Two kinds of filter hold their own module, so that rmmod says EBUSY: one
 * that can never be unloaded, one that only the optional unload may end.
 * REG-11, REG-15
 */
static bool flt_must_pin(const struct flt_filter *filter)
{
	return !filter->reg->filter_unload_callback ||
	       filter->reg->flags & FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP;
}

static int flt_set_filtering(struct flt_filter *filter)
{
	if (filter->state == FLT_FILTER_FILTERING)
		return STATUS_INVALID_PARAMETER;
	if (filter->state != FLT_FILTER_REGISTERED)
		return STATUS_FLT_DELETING_OBJECT;
	if (flt_must_pin(filter)) {
		if (!try_module_get(filter->owner))
			return STATUS_FLT_DELETING_OBJECT;
		filter->pinned = true;
	}
	filter->state = FLT_FILTER_FILTERING;
	filter->started = flt_offer_number();
	return 0;
}

/**
 * flt_start_filtering() - put a registered filter to work
 * @filter: the filter
 *
 * Every volume there is gets offered to it; callbacks may come before this
 * returns. STA-01..STA-06
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL if it was started before; -ESHUTDOWN if it is going.
 */
int flt_start_filtering(struct flt_filter *filter)
{
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	rc = flt_set_filtering(filter);
	/* It may be unloaded while its setup runs, and waits for us with its definitions. */
	if (!rc)
		rc = flt_reference(filter);
	mutex_unlock(&flt_topology_lock);
	if (rc)
		return rc;
	flt_offer_volumes(filter);
	flt_dereference(filter);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_start_filtering);

/* Reason as the model has it: who asked for the unload. TDN-41, TDN-42 */
static void flt_filter_tear_down(struct flt_filter *filter, u32 reason)
{
	struct flt_instance *inst;
	LIST_HEAD(batch);

	wait_event_idle(filter->wait, !READ_ONCE(filter->attaching));
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &filter->instances, filter_link)
		flt_teardown_mark_one(inst, reason, &batch);
	mutex_unlock(&flt_topology_lock);
	flt_teardown_queue_batch(&batch);
	flt_draining_wait(filter);
	/* TASK_IDLE: an endless wait for a filter's own operation is correct. */
	wait_event_idle(filter->wait, list_empty_careful(&filter->instances));
}

/* URG-04, REF-08 */
static void flt_filter_wait_references(struct flt_filter *filter)
{
	mutex_lock(&flt_topology_lock);
	filter->refs_waited = true;
	filter->refs_since = jiffies;
	mutex_unlock(&flt_topology_lock);
	flt_dereference(filter);
	if (!completion_done(&filter->refs_gone))
		flt_outstanding_kick();
	wait_for_completion_state(&filter->refs_gone, TASK_IDLE);
}

/* URG-03, URG-04, URG-09. Returns when the filter is unregistered, by whomever. */
void flt_unregister(struct flt_filter *filter, u32 reason)
{
	bool pinned;

	mutex_lock(&flt_topology_lock);
	if (filter->state >= FLT_FILTER_GOING) {
		mutex_unlock(&flt_topology_lock);
		wait_for_completion_state(&filter->gone, TASK_IDLE);
		return;
	}
	filter->state = FLT_FILTER_GOING;
	filter->going_since = jiffies;
	flt_object_close(&filter->obj);
	mutex_unlock(&flt_topology_lock);

	flt_filter_tear_down(filter, reason);
	flt_context_purge_filter(filter);
	flt_filter_wait_references(filter);
	if (flt_verifying() && filter->verified)
		flt_verify_unregistered(filter);
	vrf_owner_ended(filter->owner_rec);

	mutex_lock(&flt_topology_lock);
	list_move(&filter->link, &flt_reaping);
	WRITE_ONCE(filter->state, FLT_FILTER_GONE);
	pinned = filter->pinned;
	filter->pinned = false;
	kobject_get(&filter->kobj);
	/* Removing the directory waits for a store to "unload", which may wait for us. */
	queue_work(flt_reap_wq, &filter->reap_work);
	mutex_unlock(&flt_topology_lock);
	pr_info("unregistered filter %s\n", filter->name);
	complete_all(&filter->gone);
	if (pinned)
		module_put(filter->owner);
	kobject_put(&filter->kobj);
}

/* Lookup by name, with the memory kept but no reference. ENM-12 */
int flt_find_filter(const char *name, struct flt_filter **out)
{
	int rc = STATUS_FLT_FILTER_NOT_FOUND;
	struct flt_filter *filter;

	mutex_lock(&flt_topology_lock);
	list_for_each_entry(filter, &flt_filters, link) {
		if (!filter->ready || strcasecmp(filter->name, name))
			continue;
		rc = STATUS_FLT_DELETING_OBJECT;
		if (filter->state >= FLT_FILTER_GOING)
			break;
		kobject_get(&filter->kobj);
		*out = filter;
		rc = 0;
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}

/**
 * flt_get_filter_from_name() - find a filter
 * @name: its name, in any case of letters
 * @filter: gets the filter with a reference
 *
 * Context: PASSIVE.
 * Return: 0; -ESRCH if there is none; -ESHUTDOWN if it is going.
 */
int flt_get_filter_from_name(const char *name, struct flt_filter **filter)
{
	struct flt_filter *found;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_find_filter(name, &found);
	if (rc)
		return rc;
	rc = flt_object_reference(found);
	kobject_put(&found->kobj);
	if (!rc)
		*filter = found;
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_filter_from_name);

const char *flt_filter_state_name(enum flt_filter_state state)
{
	static const char * const names[] = {
		[FLT_FILTER_REGISTERED] = "registered",
		[FLT_FILTER_FILTERING] = "filtering",
		[FLT_FILTER_GOING] = "going",
		[FLT_FILTER_GONE] = "gone",
	};

	return names[state];
}

/**
 * flt_filter_name() - the name of a filter
 * @filter: a filter the caller keeps alive
 *
 * Context: ATOMIC.
 * Return: its name.
 */
const char *flt_filter_name(const struct flt_filter *filter)
{
	return filter->name;
}
EXPORT_SYMBOL_GPL(flt_filter_name);

/**
 * flt_filter_kobj() - the directory of a filter in sysfs
 * @filter: a filter the caller keeps alive
 *
 * For attributes of the filter's own. It removes them in its unload callback,
 * before it calls flt_unregister_filter(); or leaves them there, if they are to
 * work while that waits. Then they go with the directory, for which
 * flt_module_exit() waits.
 *
 * Context: ATOMIC.
 * Return: its kobject, without a reference.
 */
struct kobject *flt_filter_kobj(struct flt_filter *filter)
{
	return &filter->kobj;
}
EXPORT_SYMBOL_GPL(flt_filter_kobj);
