// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of filters, volumes and instances, each entry with a reference.
 *
 * A list is a snapshot under T: it has everything that is in service at that
 * moment, and the next one may have something else (ENM-04). What is being set
 * up is not there yet; what is going cannot be referenced and is left out.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "internal.h"

/* A list on its way into the caller's array. */
struct flt_listing {
	void **list;
	u32 size;
	u32 nr;
};

/* ENM-01 */
static void flt_listing_add(struct flt_listing *listing, void *object)
{
	if (flt_object_reference(object))	/* going */
		return;
	if (listing->nr < listing->size)
		listing->list[listing->nr] = object;
	else
		flt_object_dereference(object);
	listing->nr++;
}

/* What did not fit as a whole leaves nothing. ENM-02 */
static int flt_listing_end(struct flt_listing *listing, u32 *returned)
{
	u32 i;

	*returned = listing->nr;
	if (listing->nr <= listing->size)
		return 0;
	for (i = 0; i < listing->size; i++) {
		flt_object_dereference(listing->list[i]);
		listing->list[i] = NULL;
	}
	return STATUS_BUFFER_TOO_SMALL;
}

/**
 * flt_enumerate_filters() - all registered filters
 * @list: gets the filters, each with a reference, highest default altitude
 *	first; may be NULL if @size is 0
 * @size: how many @list has room for
 * @returned: gets how many there are
 *
 * Each reference is dropped with flt_object_dereference(). With a @size that is
 * too small, 0 for instance, @returned says how much room is needed, as of now.
 * ENM-01, ENM-02, ENM-04
 *
 * Context: PASSIVE.
 * Return: 0; -ENOBUFS (STATUS_BUFFER_TOO_SMALL) if @list is too small, no
 * reference is left then; -EINVAL.
 */
int flt_enumerate_filters(struct flt_filter **list, u32 size, u32 *returned)
{
	struct flt_listing listing = { .list = (void **)list, .size = size };
	struct flt_filter *filter;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (!returned || (!list && size))
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(filter, &flt_filters, link)
		if (filter->ready)
			flt_listing_add(&listing, filter);
	mutex_unlock(&flt_topology_lock);
	return flt_listing_end(&listing, returned);
}
EXPORT_SYMBOL_GPL(flt_enumerate_filters);

/**
 * flt_enumerate_volumes() - all volumes
 * @list: gets the volumes, each with a reference, oldest first; may be NULL if
 *	@size is 0
 * @size: how many @list has room for
 * @returned: gets how many there are
 *
 * As flt_enumerate_filters(). ENM-01, ENM-02, ENM-04
 *
 * Context: PASSIVE.
 * Return: 0; -ENOBUFS (STATUS_BUFFER_TOO_SMALL) if @list is too small, no
 * reference is left then; -EINVAL.
 */
int flt_enumerate_volumes(struct flt_volume **list, u32 size, u32 *returned)
{
	struct flt_listing listing = { .list = (void **)list, .size = size };
	struct flt_volume *volume;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (!returned || (!list && size))
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link)
		if (volume->ready)
			flt_listing_add(&listing, volume);
	mutex_unlock(&flt_topology_lock);
	return flt_listing_end(&listing, returned);
}
EXPORT_SYMBOL_GPL(flt_enumerate_volumes);

/*
 * Is there an instance to be told of? Not while its setup is asked: it may
 * never have been. Not any more once its name and altitude are free.
 */
bool flt_instance_listed(const struct flt_instance *inst)
{
	lockdep_assert_held(&flt_topology_lock);
	return READ_ONCE(inst->state) != FLT_INSTANCE_ATTACHING &&
	       !list_empty(&inst->volume_link);
}

/**
 * flt_enumerate_instances() - the instances of a volume, of a filter, or both
 * @volume: a volume, or NULL for all
 * @filter: a filter, or NULL for all
 * @list: gets the instances, each with a reference; of a volume highest first,
 *	of a filter alone oldest first; may be NULL if @size is 0
 * @size: how many @list has room for
 * @returned: gets how many there are
 *
 * As flt_enumerate_filters(). ENM-01..ENM-04
 *
 * Context: PASSIVE.
 * Return: 0; -ENOBUFS (STATUS_BUFFER_TOO_SMALL) if @list is too small, no
 * reference is left then; -EINVAL, also if both @volume and @filter are NULL.
 */
int flt_enumerate_instances(struct flt_volume *volume, struct flt_filter *filter,
			    struct flt_instance **list, u32 size, u32 *returned)
{
	struct flt_listing listing = { .list = (void **)list, .size = size };
	struct flt_instance *inst;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if ((!volume && !filter) || !returned || (!list && size))
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_topology_lock);
	if (volume) {
		list_for_each_entry(inst, &volume->instances, volume_link)
			if (flt_instance_listed(inst) && (!filter || inst->filter == filter))
				flt_listing_add(&listing, inst);
	} else {
		list_for_each_entry(inst, &filter->instances, filter_link)
			if (flt_instance_listed(inst))
				flt_listing_add(&listing, inst);
	}
	mutex_unlock(&flt_topology_lock);
	return flt_listing_end(&listing, returned);
}
EXPORT_SYMBOL_GPL(flt_enumerate_instances);
