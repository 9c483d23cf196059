// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which volumes there are, and how long. See LIFETIME in dm.h.
 */
#include <linux/err.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dm.h"

static LIST_HEAD(flt_dm_devices);	/* M */
static DEFINE_MUTEX(flt_dm_lock);

static struct flt_dm_device *flt_dm_device_find(struct mapped_device *md)
{
	struct flt_dm_device *device;

	list_for_each_entry(device, &flt_dm_devices, link)
		if (device->md == md)
			return device;
	return NULL;
}

static struct flt_dm_volume *flt_dm_volume_find(const char *name)
{
	struct flt_dm_device *device;
	struct flt_dm_volume *v;

	list_for_each_entry(device, &flt_dm_devices, link)
		list_for_each_entry(v, &device->volumes, link)
			if (!strcmp(v->name, name))
				return v;
	return NULL;
}

static struct flt_dm_device *flt_dm_device_alloc(struct mapped_device *md)
{
	struct flt_dm_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	INIT_LIST_HEAD(&device->volumes);
	device->md = md;
	flt_dm_flush_init(&device->flushes);
	return device;
}

static struct flt_dm_volume *flt_dm_volume_alloc(const char *name)
{
	struct flt_dm_volume *v;
	size_t size = strlen(name) + 1;

	v = kzalloc(struct_size(v, name, size), GFP_KERNEL);
	if (!v)
		return NULL;
	INIT_LIST_HEAD(&v->targets);
	flt_dm_cancel_init(v);
	memcpy(v->name, name, size);
	if (!flt_dm_own_init(v))
		return v;
	kfree(v);
	return NULL;
}

static void flt_dm_volume_free(struct flt_dm_volume *v)
{
	if (!v)
		return;
	flt_dm_own_exit(v);
	kfree(v);
}

/* May @t have the volume that exists already? */
static int flt_dm_volume_usable(struct flt_dm_target *t, struct flt_dm_volume *v)
{
	struct flt_dm_target *other;

	if (v->device->md != dm_table_get_md(t->ti->table)) {
		t->ti->error = "Volume name is in use in another mapped device";
		return -EEXIST;
	}
	if (list_empty(&v->targets)) {
		t->ti->error = "Volume of this name is still being dismounted";
		return -EBUSY;
	}
	list_for_each_entry(other, &v->targets, link) {
		if (other->ti->table == t->ti->table) {
			t->ti->error = "Volume name occurs twice in the table";
			return -EEXIST;
		}
	}
	return 0;
}

/* What turns out to be needed is linked, and its pointer cleared. */
static int flt_dm_volume_link(struct flt_dm_target *t, struct flt_dm_device **new_device,
			      struct flt_dm_volume **new)
{
	struct flt_dm_device *device;
	struct flt_dm_volume *v;
	int r;

	lockdep_assert_held(&flt_dm_lock);
	v = flt_dm_volume_find((*new)->name);
	if (v) {
		r = flt_dm_volume_usable(t, v);
		if (r)
			return r;
	} else {
		device = flt_dm_device_find((*new_device)->md);
		if (!device) {
			device = *new_device;
			list_add_tail(&device->link, &flt_dm_devices);
			*new_device = NULL;
		}
		v = *new;
		v->device = device;
		list_add_tail(&v->link, &device->volumes);
		*new = NULL;
	}
	t->owner = v;
	t->flushes = &v->device->flushes;
	list_add_tail(&t->link, &v->targets);
	return 0;
}

/**
 * flt_dm_volume_join() - a constructor finds or makes its volume
 * @t: the target
 * @name: the name of the volume
 *
 * The name is reserved from here to flt_dm_volume_leave(); filters hear nothing
 * of it yet.
 *
 * Context: PASSIVE.
 * Return: 0, or with an explanation in ti->error
 *	-EEXIST: the name is taken by another mapped device, or by an earlier
 *	target of this table;
 *	-EBUSY: what had the name before is still going;
 *	-ENOMEM: no memory.
 */
int flt_dm_volume_join(struct flt_dm_target *t, const char *name)
{
	struct flt_dm_device *device = flt_dm_device_alloc(dm_table_get_md(t->ti->table));
	struct flt_dm_volume *v = flt_dm_volume_alloc(name);
	int r = -ENOMEM;

	if (device && v) {
		mutex_lock(&flt_dm_lock);
		r = flt_dm_volume_link(t, &device, &v);
		mutex_unlock(&flt_dm_lock);
	} else {
		t->ti->error = "Cannot allocate volume";
	}
	flt_dm_volume_free(v);
	kfree(device);
	return r;
}

/**
 * flt_dm_volume_leave() - a destructor lets its volume go
 * @t: the target
 *
 * The last one dismounts it, which takes as long as filters take. The name
 * stays reserved meanwhile.
 *
 * Context: PASSIVE.
 */
void flt_dm_volume_leave(struct flt_dm_target *t)
{
	struct flt_dm_volume *v = t->owner;
	struct flt_dm_device *device = v->device;
	bool last, last_of_device;

	mutex_lock(&flt_dm_lock);
	list_del(&t->link);
	last = list_empty(&v->targets);
	mutex_unlock(&flt_dm_lock);
	if (!last)
		return;

	/* A time-out goes on while the dismount waits, and may end that. */
	if (v->volume)
		flt_volume_dismount(v->volume);
	flt_dm_cancel_stop(v);
	if (v->volume)
		flt_volume_put(v->volume);

	mutex_lock(&flt_dm_lock);
	list_del(&v->link);
	last_of_device = list_empty(&device->volumes);
	if (last_of_device)
		list_del(&device->link);
	mutex_unlock(&flt_dm_lock);
	flt_dm_volume_free(v);
	if (last_of_device)
		kfree(device);
}

/**
 * flt_dm_volume_up() - a target's table is about to be live
 * @t: the target
 *
 * Context: PASSIVE, with the mapped device suspended: no memory may be waited
 * for that has to be written to it first.
 * Return: 0 or what flt_volume_create() says; -EEXIST if a volume of another
 * kind has the name.
 */
int flt_dm_volume_up(struct flt_dm_target *t)
{
	struct flt_dm_volume *v = t->owner;
	struct flt_volume *volume;
	unsigned int noio;

	if (t->volume)
		return 0;
	if (!v->volume) {
		noio = memalloc_noio_save();
		volume = flt_volume_create(v->name, &flt_dm_volume_ops, v);
		memalloc_noio_restore(noio);
		if (IS_ERR(volume)) {
			DMERR("%s: cannot create volume %s: %pe",
			      dm_table_device_name(t->ti->table), v->name, volume);
			return PTR_ERR(volume);
		}
		v->volume = volume;
	}
	t->volume = v->volume;
	flt_dm_flush_forget(t->flushes);
	return 0;
}

/**
 * flt_dm_volume_offer() - a target's table is live: filters may attach
 * @t: the target
 *
 * Setup callbacks run later, from a work item of the manager's.
 *
 * Context: PASSIVE.
 */
void flt_dm_volume_offer(struct flt_dm_target *t)
{
	struct flt_dm_volume *v = t->owner;

	if (v->offered)
		return;
	v->offered = true;
	flt_volume_offer(v->volume);
}
