// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching an instance of a filter to a volume.
 *
 * Name and altitude are reserved first (ATTACHING: on the lists, in no stack),
 * then the filter's setup is asked without any lock, then the instance is put
 * in service, or torn down if that fails or if its filter or volume went
 * meanwhile. Who unregisters or dismounts waits for ATTACHING instances.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include "internal.h"

/* ATT-05, STA-05 */
static int flt_attach_allowed(struct flt_filter *filter, struct flt_volume *volume)
{
	if (filter->state == FLT_FILTER_REGISTERED)
		return STATUS_FLT_FILTER_NOT_READY;
	if (filter->state != FLT_FILTER_FILTERING || volume->going)
		return STATUS_FLT_DELETING_OBJECT;
	return 0;
}

/*
 * Whoever has what the instance wants, or NULL. The directory VOLUME.INSTANCE
 * is wanted too: "a.b" on volume "v" and "b" on volume "v.a" have the same.
 * ALT-06, ATT-05, ATT-06, CON-01, CON-03
 */
static struct flt_instance *flt_attach_collides(struct flt_instance *inst, int *rc)
{
	struct flt_instance *other;

	*rc = STATUS_FLT_INSTANCE_NAME_COLLISION;
	list_for_each_entry(other, &inst->volume->instances, volume_link) {
		if (!strcmp(other->name, inst->name))
			return other;
		if (!flt_altitude_cmp(other->altitude, inst->altitude)) {
			*rc = STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
			return other;
		}
	}
	list_for_each_entry(other, &inst->filter->instances, filter_link)
		if (!list_empty(&other->volume_link) &&
		    !strcmp(kobject_name(&other->kobj), kobject_name(&inst->kobj)))
			return other;
	*rc = 0;
	return NULL;
}

static void flt_attach_link(struct flt_instance *inst)
{
	struct flt_instance *other;
	struct list_head *at = &inst->volume->instances;

	list_for_each_entry(other, &inst->volume->instances, volume_link) {
		if (flt_altitude_cmp(other->altitude, inst->altitude) < 0) {
			at = &other->volume_link;
			break;
		}
	}
	list_add_tail(&inst->volume_link, at);
	list_add_tail(&inst->filter_link, &inst->filter->instances);
	inst->filter->attaching++;
	inst->volume->attaching++;
}

/* *@in_way: who has what the instance wants, if it is about to leave. */
static int flt_attach_try_reserve(struct flt_instance *inst, struct flt_instance **in_way)
{
	struct flt_instance *other = NULL;
	int rc;

	mutex_lock(&flt_topology_lock);
	rc = flt_attach_allowed(inst->filter, inst->volume);
	if (!rc)
		other = flt_attach_collides(inst, &rc);
	if (!rc)
		flt_attach_link(inst);
	if (other && other->state != FLT_INSTANCE_COMPLETED)
		other = NULL;
	if (other)
		kobject_get(&other->kobj);
	mutex_unlock(&flt_topology_lock);
	*in_way = other;
	return rc;
}

/*
 * An instance whose teardown is complete is still in sysfs for a moment: wait
 * for it, so that attaching right after a detach always works.
 */
static int flt_attach_reserve(struct flt_instance *inst)
{
	struct flt_instance *in_way;
	int rc;

	for (;;) {
		rc = flt_attach_try_reserve(inst, &in_way);
		if (!in_way)
			return rc;
		rc = wait_for_completion_killable(&in_way->unlinked);
		kobject_put(&in_way->kobj);
		if (rc)
			return STATUS_THREAD_IS_TERMINATING;
	}
}

/* No longer being set up. */
static void flt_attach_settled(struct flt_instance *inst)
{
	lockdep_assert_held(&flt_topology_lock);
	inst->filter->attaching--;
	inst->volume->attaching--;
	wake_up_all(&inst->filter->wait);
	wake_up_all(&inst->volume->wait);
}

/*
 * Setup refused: the instance was never there, no teardown is owed. Only
 * references that setup took are waited for. ATT-08, ATT-12
 */
static void flt_attach_forget(struct flt_instance *inst)
{
	mutex_lock(&flt_topology_lock);
	list_del_init(&inst->volume_link);
	inst->state = FLT_INSTANCE_COMPLETED;
	flt_attach_settled(inst);
	mutex_unlock(&flt_topology_lock);
	inst->phase = FLT_TEARDOWN_FREE;
	flt_object_close(&inst->obj);
	flt_dereference(inst);
}

/* Why an instance that was set up cannot be put in service; 0 if it was. */
static int flt_attach_publish(struct flt_instance *inst, u32 *reason)
{
	int rc;

	*reason = FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR;
	rc = flt_attach_allowed(inst->filter, inst->volume);
	if (rc) {
		if (inst->volume->going)
			*reason = FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT;
		return rc;
	}
	inst->state = FLT_INSTANCE_ACTIVE;
	rc = flt_stack_publish(inst->volume);
	if (rc)
		inst->state = FLT_INSTANCE_ATTACHING;
	else if (flt_verifying())
		flt_verify_published(inst->volume);
	return rc;
}

/* Setup agreed. On failure a teardown is owed and begun. ATT-13, TDN-45 */
static int flt_attach_commit(struct flt_instance *inst)
{
	u32 reason = FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR;
	int rc = flt_instance_sysfs_add(inst);

	flt_race_point("attach_in_sysfs", inst);
	mutex_lock(&flt_topology_lock);
	if (!rc)
		rc = flt_attach_publish(inst, &reason);
	if (rc)
		flt_teardown_mark(inst, reason);
	else
		atomic_inc(&inst->hold);	/* it is not to go before it is announced */
	flt_attach_settled(inst);
	mutex_unlock(&flt_topology_lock);
	if (rc) {
		pr_err("cannot attach instance %s of filter %s to volume %s: %d\n", inst->name,
		       inst->filter->name, inst->volume->name, rc);
		flt_teardown_queue(inst);
		wait_for_completion(&inst->unlinked);
		return rc;
	}
	inst->announced = true;
	flt_instance_uevent(inst, true);
	pr_info("attached instance %s of filter %s to volume %s at altitude %s\n", inst->name,
		inst->filter->name, inst->volume->name, inst->altitude);
	flt_teardown_put(inst);
	return 0;
}

/*
 * Attach. @out, if not NULL, gets the instance with a reference. The caller
 * keeps the memory of filter and volume. ATT-04, ATT-08..ATT-14
 */
static int flt_attach(struct flt_filter *filter, struct flt_volume *volume, const char *name,
		      const char *altitude, u32 setup_flags, struct flt_instance **out)
{
	struct flt_instance *inst;
	int rc;

	if (flt_check_name(name) || !flt_altitude_valid(altitude))	/* ATT-07 */
		return STATUS_INVALID_PARAMETER;
	if (flt_verify_banned(filter))
		return STATUS_FLT_DO_NOT_ATTACH;
	if (strlen(volume->name) + 1 + strlen(name) > FLT_NAME_MAX)
		return -ENAMETOOLONG;	/* of the directory VOLUME.INSTANCE */
	inst = flt_instance_create(filter, volume, name, altitude);
	if (!inst)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = flt_attach_reserve(inst);
	if (rc)
		goto put;
	/* One is ours, the other goes with the teardown's last phase. */
	kobject_get(&inst->kobj);
	rc = flt_call_setup(inst, setup_flags);
	flt_race_point("setup_returned", inst);
	if (flt_status_is_error(rc)) {
		flt_attach_forget(inst);
		goto put;
	}
	rc = flt_attach_commit(inst);
	if (!rc && out) {
		rc = flt_object_reference(inst);
		*out = rc ? NULL : inst;
	}
put:
	kobject_put(&inst->kobj);
	return rc;
}

static const struct flt_instance_definition *flt_find_definition(struct flt_filter *filter,
								 const char *name)
{
	const struct flt_instance_definition *def = filter->reg->instances;

	if (!name)		/* INS-03 */
		return def;
	for (; def->name; def++)
		if (!strcmp(def->name, name))
			return def;
	return NULL;
}

/* By definition, or at an altitude of the user's. The caller has a reference to the filter. */
static int flt_attach_asked(struct flt_filter *filter, struct flt_volume *volume,
			    const char *name, const char *altitude, struct flt_instance **out)
{
	const struct flt_instance_definition *def;
	char generated[FLT_NAME_MAX + 1];

	if (altitude && !name) {	/* ATT-03: cut to what fits into VOLUME.INSTANCE */
		snprintf(generated, max(sizeof(generated) - 1 - strlen(volume->name), 1),
			 "%s%s", filter->name, altitude);
		name = generated;
	} else if (!altitude) {		/* ATT-02 */
		def = flt_find_definition(filter, name);
		if (!def)
			return STATUS_OBJECT_NAME_NOT_FOUND;
		name = def->name;
		altitude = def->altitude;
	}
	return flt_attach(filter, volume, name, altitude,
			  FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT, out);
}

/*
 * What a user asks for. Once the filter is unregistered its definitions may be
 * gone: the reference makes that wait for us.
 */
int flt_attach_manual(struct flt_filter *filter, struct flt_volume *volume, const char *name,
		      const char *altitude, struct flt_instance **out)
{
	int rc;

	if (out)
		*out = NULL;
	rc = flt_reference(filter);
	if (rc)
		return rc;
	rc = flt_attach_asked(filter, volume, name, altitude, out);
	flt_dereference(filter);
	return rc;
}

/* Offer a volume to a filter. STA-06, ATT-09, INS-02 */
void flt_attach_automatic(struct flt_filter *filter, struct flt_volume *volume, u32 flags)
{
	const struct flt_instance_definition *def;
	int rc;

	for (def = filter->reg->instances; def->name; def++) {
		if (def->flags & FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT)
			continue;
		rc = flt_attach(filter, volume, def->name, def->altitude,
				flags | FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT, NULL);
		/* Offered twice, or refused: not worth a message. */
		if (rc && rc != STATUS_FLT_INSTANCE_NAME_COLLISION &&
		    rc != STATUS_FLT_DELETING_OBJECT && rc != STATUS_FLT_DO_NOT_ATTACH)
			pr_warn("instance %s of filter %s not attached to volume %s: %d\n",
				def->name, filter->name, volume->name, rc);
	}
}

/**
 * flt_attach_volume() - attach an instance that the filter defines
 * @filter: the filter
 * @volume: the volume
 * @instance_name: the definition's name, NULL for the default instance
 * @instance: gets the instance with a reference, unless NULL
 *
 * ATT-01, ATT-02, ATT-04..ATT-08
 *
 * Context: PASSIVE, not from inside a setup callback of another attach.
 * Return: 0; -ENOKEY if there is no such definition; -EEXIST if the name and
 * -EADDRINUSE if the altitude is taken on the volume; -ENOTCONN before
 * flt_start_filtering(); -ESHUTDOWN if filter or volume is going; -ENAMETOOLONG;
 * -ENOMEM; what the setup callback refused with.
 */
int flt_attach_volume(struct flt_filter *filter, struct flt_volume *volume,
		      const char *instance_name, struct flt_instance **instance)
{
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	return flt_attach_manual(filter, volume, instance_name, NULL, instance);
}
EXPORT_SYMBOL_GPL(flt_attach_volume);

/**
 * flt_attach_volume_at_altitude() - attach an instance at an altitude
 * @filter: the filter
 * @volume: the volume
 * @altitude: where
 * @instance_name: the name, NULL to make one of filter and altitude
 * @instance: gets the instance with a reference, unless NULL
 *
 * ATT-03..ATT-08
 *
 * Context: PASSIVE.
 * Return: as flt_attach_volume(), and -EINVAL for a bad altitude or name.
 */
int flt_attach_volume_at_altitude(struct flt_filter *filter, struct flt_volume *volume,
				  const char *altitude, const char *instance_name,
				  struct flt_instance **instance)
{
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (!altitude)
		return STATUS_INVALID_PARAMETER;
	return flt_attach_manual(filter, volume, instance_name, altitude, instance);
}
EXPORT_SYMBOL_GPL(flt_attach_volume_at_altitude);
