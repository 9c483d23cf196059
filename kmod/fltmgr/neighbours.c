// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whom an instance belongs to and who stands next to it. What is handed out
 * carries a reference; what is being set up or going is passed by.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "internal.h"

/**
 * flt_get_filter_from_instance() - the filter of an instance
 * @instance: an instance the caller keeps alive
 * @filter: gets the filter with a reference
 *
 * ENM-13
 *
 * Context: ATOMIC.
 * Return: 0; -ESHUTDOWN (STATUS_FLT_DELETING_OBJECT) if the filter is going.
 */
int flt_get_filter_from_instance(struct flt_instance *instance, struct flt_filter **filter)
{
	int rc = flt_object_reference(instance->filter);

	*filter = rc ? NULL : instance->filter;
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_filter_from_instance);

/**
 * flt_get_volume_from_instance() - the volume of an instance
 * @instance: an instance the caller keeps alive
 * @volume: gets the volume with a reference
 *
 * VOL-12
 *
 * Context: ATOMIC.
 * Return: 0; -ESHUTDOWN (STATUS_FLT_DELETING_OBJECT) if the volume is going.
 */
int flt_get_volume_from_instance(struct flt_instance *instance, struct flt_volume **volume)
{
	int rc = flt_object_reference(instance->volume);

	*volume = rc ? NULL : instance->volume;
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_volume_from_instance);

static bool flt_in_service(const struct flt_instance *inst)
{
	lockdep_assert_held(&flt_topology_lock);
	return READ_ONCE(inst->state) == FLT_INSTANCE_ACTIVE;
}

/* @inst was in service when it was found. T has been held since. */
static int flt_hand_out(struct flt_instance *inst, struct flt_instance **out)
{
	int rc = inst ? flt_object_reference(inst) : STATUS_NO_MORE_ENTRIES;

	lockdep_assert_held(&flt_topology_lock);
	*out = rc ? NULL : inst;
	return rc;
}

/**
 * flt_get_volume_instance_from_name() - find an instance on a volume
 * @filter: whose instance, NULL for anybody's
 * @volume: the volume
 * @instance_name: its name, NULL for any
 * @instance: gets the instance with a reference
 *
 * The highest that matches and is in service. STK-07
 *
 * Context: PASSIVE.
 * Return: 0; -ESHUTDOWN (STATUS_FLT_DELETING_OBJECT) if all that match are
 * going; -ENOENT (STATUS_FLT_INSTANCE_NOT_FOUND) if none matches.
 */
int flt_get_volume_instance_from_name(struct flt_filter *filter, struct flt_volume *volume,
				      const char *instance_name,
				      struct flt_instance **instance)
{
	struct flt_instance *inst, *found = NULL;
	int rc = STATUS_FLT_INSTANCE_NOT_FOUND;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &volume->instances, volume_link) {
		if (!flt_instance_listed(inst) || (filter && inst->filter != filter) ||
		    (instance_name && strcmp(inst->name, instance_name)))
			continue;
		rc = flt_object_reference(inst);
		if (rc)
			continue;	/* going, but there may be another */
		found = inst;
		break;
	}
	mutex_unlock(&flt_topology_lock);
	*instance = found;
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_volume_instance_from_name);

/**
 * flt_get_top_instance() - the highest instance of a volume
 * @volume: the volume
 * @instance: gets the instance with a reference
 *
 * STK-06
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) if none is in service.
 */
int flt_get_top_instance(struct flt_volume *volume, struct flt_instance **instance)
{
	struct flt_instance *inst, *found = NULL;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &volume->instances, volume_link) {
		if (!flt_in_service(inst))
			continue;
		found = inst;
		break;
	}
	rc = flt_hand_out(found, instance);
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_top_instance);

/**
 * flt_get_bottom_instance() - the lowest instance of a volume
 * @volume: the volume
 * @instance: gets the instance with a reference
 *
 * STK-06
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) if none is in service.
 */
int flt_get_bottom_instance(struct flt_volume *volume, struct flt_instance **instance)
{
	struct flt_instance *inst, *found = NULL;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &volume->instances, volume_link)
		if (flt_in_service(inst))
			found = inst;
	rc = flt_hand_out(found, instance);
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_bottom_instance);

/**
 * flt_get_upper_instance() - the next instance above one
 * @current_instance: an instance the caller keeps alive, in service or not
 * @instance: gets the instance with a reference
 *
 * By altitude, on the same volume. STK-06
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) if none above is in service.
 */
int flt_get_upper_instance(struct flt_instance *current_instance,
			   struct flt_instance **instance)
{
	struct flt_instance *inst, *found = NULL;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	/* By altitude and not by place: it may have left the list. */
	list_for_each_entry(inst, &current_instance->volume->instances, volume_link) {
		if (flt_altitude_cmp(inst->altitude, current_instance->altitude) <= 0)
			break;
		if (flt_in_service(inst))
			found = inst;
	}
	rc = flt_hand_out(found, instance);
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_upper_instance);

/**
 * flt_get_lower_instance() - the next instance below one
 * @current_instance: an instance the caller keeps alive, in service or not
 * @instance: gets the instance with a reference
 *
 * By altitude, on the same volume. STK-06
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) if none below is in service.
 */
int flt_get_lower_instance(struct flt_instance *current_instance,
			   struct flt_instance **instance)
{
	struct flt_instance *inst, *found = NULL;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &current_instance->volume->instances, volume_link) {
		if (!flt_in_service(inst) ||
		    flt_altitude_cmp(inst->altitude, current_instance->altitude) >= 0)
			continue;
		found = inst;
		break;
	}
	rc = flt_hand_out(found, instance);
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_lower_instance);

/**
 * flt_get_volume_name() - a copy of the name of a volume
 * @volume: a volume the caller keeps alive
 * @name: gets the name; may be NULL, to ask for the size
 * @size: of @name, in bytes; 0 if that is NULL
 * @size_needed: gets the size of the name in bytes, with its NUL; may be NULL
 *	if @name is not
 *
 * VOL-13
 *
 * Context: ATOMIC.
 * Return: 0; -ENOBUFS (STATUS_BUFFER_TOO_SMALL), and nothing is written to
 * @name; -EINVAL if @name and @size_needed are NULL.
 */
int flt_get_volume_name(const struct flt_volume *volume, char *name, size_t size,
			size_t *size_needed)
{
	size_t needed = strlen(volume->name) + 1;

	if (!name && !size_needed)
		return STATUS_INVALID_PARAMETER;
	if (size_needed)
		*size_needed = needed;
	if (!name || size < needed)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(name, volume->name, needed);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_get_volume_name);
