// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: what providers create, offer and dismount.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "internal.h"

static u64 flt_last_volume;	/* T */

static void flt_volume_reap(struct work_struct *work)
{
	struct flt_volume *volume = container_of(work, struct flt_volume, reap_work);

	kobject_put(&volume->kobj);
}

static void flt_volume_refs_gone(struct flt_object *obj)
{
	struct flt_volume_head *head = container_of(obj, struct flt_volume_head, obj);
	struct flt_volume *volume = container_of(head, struct flt_volume, head);

	queue_work(flt_manager_wq, &volume->reap_work);
}

void flt_volume_release(struct kobject *kobj)
{
	struct flt_volume *volume = to_volume(kobj);

	flt_verify_object_gone(&volume->head.obj);
	flt_stack_free(volume);
	if (volume->ops->release && volume->private)
		volume->ops->release(volume->private);
	module_put(volume->ops->owner);
	free_percpu(volume->inflight);
	kfree(volume->name);
	/* flt_delete_context() may look at its list of contexts. */
	kfree_rcu(volume, rcu);
	atomic_dec(&flt_live_objects);
}

static int flt_volume_sysfs_add(struct flt_volume *volume)
{
	int rc;

	volume->kobj.kset = flt_volumes_kset;
	rc = kobject_add(&volume->kobj, NULL, "%s", volume->name);
	if (rc)
		return rc;
	volume->stack_kobj = kobject_create_and_add("stack", &volume->kobj);
	if (volume->stack_kobj)
		return 0;
	kobject_del(&volume->kobj);
	return STATUS_INSUFFICIENT_RESOURCES;
}

static int flt_volume_list(struct flt_volume *volume)
{
	struct flt_volume *other;

	lockdep_assert_held(&flt_topology_lock);
	list_for_each_entry(other, &flt_volumes, link)
		if (!strcmp(other->name, volume->name))
			return -EEXIST;
	volume->seq = ++flt_last_volume;
	list_add_tail(&volume->link, &flt_volumes);
	return 0;
}

static void flt_volume_unlist(struct flt_volume *volume)
{
	mutex_lock(&flt_topology_lock);
	list_del_init(&volume->link);
	flt_verify_no_volume();
	mutex_unlock(&flt_topology_lock);
}

static struct flt_volume *flt_volume_alloc(const char *name, const struct flt_volume_ops *ops)
{
	struct flt_volume *volume = kzalloc(sizeof(*volume), GFP_KERNEL);

	if (!volume)
		return NULL;
	/* Balanced in flt_volume_release(); the caller is in the module's text. */
	__module_get(ops->owner);
	atomic_inc(&flt_live_objects);
	volume->ops = ops;
	flt_object_init(&volume->head.obj, FLT_OBJECT_VOLUME, flt_volume_refs_gone);
	flt_context_list_init(&volume->contexts, &volume->head.obj);
	kobject_init(&volume->kobj, &flt_volume_ktype);
	INIT_LIST_HEAD(&volume->link);
	INIT_LIST_HEAD(&volume->instances);
	init_waitqueue_head(&volume->wait);
	flt_offer_init(volume);
	INIT_WORK(&volume->reap_work, flt_volume_reap);
	volume->name = kstrdup(name, GFP_KERNEL);
	volume->inflight = flt_inflight_alloc();
	if (volume->name && volume->inflight)
		return volume;
	kobject_put(&volume->kobj);
	return NULL;
}

/**
 * flt_volume_create() - make a volume known
 * @name: its name
 * @ops: what its provider does
 * @private: for the provider
 *
 * Filters that have started are not offered it before flt_volume_offer(). The provider ends it
 * with flt_volume_dismount() and flt_volume_put(). The provider's module is
 * held until the last reference is gone. VOL-01, VOL-02
 *
 * Context: PASSIVE.
 * Return: the volume, or an error pointer: -EINVAL for a bad name, -EEXIST if
 * it is taken, -ENOMEM.
 */
struct flt_volume *flt_volume_create(const char *name, const struct flt_volume_ops *ops,
				     void *private)
{
	struct flt_volume *volume;
	int rc;

	might_sleep();
	if (flt_check_name(name))
		return ERR_PTR(-EINVAL);
	volume = flt_volume_alloc(name, ops);
	if (!volume)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&flt_topology_lock);
	rc = flt_volume_list(volume);
	mutex_unlock(&flt_topology_lock);
	if (rc)
		goto put;
	flt_race_point("volume_listed", volume);
	rc = flt_volume_sysfs_add(volume);
	if (rc)
		goto unlist;
	volume->private = private;
	/* The rundown's, besides the provider's. */
	kobject_get(&volume->kobj);
	mutex_lock(&flt_topology_lock);
	volume->ready = true;
	volume->came = flt_offer_number();
	mutex_unlock(&flt_topology_lock);
	return volume;

unlist:
	flt_volume_unlist(volume);
put:
	kobject_put(&volume->kobj);
	return ERR_PTR(rc);
}
EXPORT_SYMBOL_GPL(flt_volume_create);

static void flt_volume_tear_down(struct flt_volume *volume)
{
	struct flt_instance *inst;
	LIST_HEAD(batch);

	wait_event_idle(volume->wait, !READ_ONCE(volume->attaching));
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &volume->instances, volume_link)
		flt_teardown_mark_one(inst, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT, &batch);
	mutex_unlock(&flt_topology_lock);
	flt_teardown_queue_batch(&batch);
	wait_event_idle(volume->wait, list_empty_careful(&volume->instances));
	/* Operations whose post-ops were all drained may still be below. */
	wait_event_idle(volume->wait, flt_inflight_empty(volume));
}

/**
 * flt_volume_dismount() - take a volume out of service for good
 * @volume: the volume; the provider dispatches nothing on it any more
 *
 * Every instance is torn down with reason VOLUME_DISMOUNT and every operation
 * that is with a filter is waited for, without a time-out. References to the
 * volume are not waited for. TDN-43, REF-10
 *
 * Context: PASSIVE.
 */
void flt_volume_dismount(struct flt_volume *volume)
{
	might_sleep();
	mutex_lock(&flt_topology_lock);
	WRITE_ONCE(volume->going, true);
	flt_object_close(&volume->head.obj);
	mutex_unlock(&flt_topology_lock);
	flush_work(&volume->offer_work);
	flt_volume_tear_down(volume);
	flt_context_purge_volume(volume);
	kobject_del(volume->stack_kobj);
	kobject_put(volume->stack_kobj);
	kobject_del(&volume->kobj);
	flt_volume_unlist(volume);
	pr_info("dismounted volume %s\n", volume->name);
	flt_dereference(volume);
}
EXPORT_SYMBOL_GPL(flt_volume_dismount);

/**
 * flt_volume_put() - the provider lets go of a dismounted volume
 * @volume: the volume
 *
 * ops->release() is called when the last reference of anybody is gone.
 *
 * Context: PASSIVE.
 */
void flt_volume_put(struct flt_volume *volume)
{
	kobject_put(&volume->kobj);
}
EXPORT_SYMBOL_GPL(flt_volume_put);

/**
 * flt_volume_private() - what the provider gave to flt_volume_create()
 * @volume: the volume
 *
 * Context: ATOMIC.
 * Return: the pointer.
 */
void *flt_volume_private(const struct flt_volume *volume)
{
	return volume->private;
}
EXPORT_SYMBOL_GPL(flt_volume_private);

/* Lookup by name, with the memory kept but no reference. */
int flt_find_volume(const char *name, struct flt_volume **out)
{
	int rc = STATUS_FLT_VOLUME_NOT_FOUND;
	struct flt_volume *volume;

	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link) {
		if (!volume->ready || strcmp(volume->name, name))
			continue;
		rc = STATUS_FLT_DELETING_OBJECT;
		if (volume->going)
			break;
		kobject_get(&volume->kobj);
		*out = volume;
		rc = 0;
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}

/**
 * flt_get_volume_from_name() - find a volume
 * @name: its name
 * @volume: gets the volume with a reference
 *
 * VOL-10
 *
 * Context: PASSIVE.
 * Return: 0; -ENXIO if there is none; -ESHUTDOWN if it is going; -EINVAL for a
 * name no volume can have.
 */
int flt_get_volume_from_name(const char *name, struct flt_volume **volume)
{
	struct flt_volume *found;
	int rc;

	if (!flt_passive() || flt_check_name(name))
		return STATUS_INVALID_PARAMETER;
	rc = flt_find_volume(name, &found);
	if (rc)
		return rc;
	rc = flt_object_reference(found);
	kobject_put(&found->kobj);
	if (!rc)
		*volume = found;
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_volume_from_name);

/**
 * flt_volume_name() - the name of a volume
 * @volume: a volume the caller keeps alive
 *
 * Context: ATOMIC.
 * Return: its name.
 */
const char *flt_volume_name(const struct flt_volume *volume)
{
	return volume->name;
}
EXPORT_SYMBOL_GPL(flt_volume_name);
