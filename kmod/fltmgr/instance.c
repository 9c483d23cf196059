// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instances: making and freeing the object. attach.c puts it in service,
 * teardown.c takes it out.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include "internal.h"

static atomic_t flt_last_instance_id;

static void flt_instance_refs_gone(struct flt_object *obj)
{
	struct flt_instance *inst = container_of(obj, struct flt_instance, obj);

	queue_work(flt_teardown_wq, &inst->work);
}

static int flt_instance_alloc_parts(struct flt_instance *inst, const char *name,
				    const char *altitude)
{
	inst->name = kstrdup(name, GFP_KERNEL);
	inst->altitude = kstrdup(altitude, GFP_KERNEL);
	if (!inst->name || !inst->altitude ||
	    kobject_set_name(&inst->kobj, "%s.%s", inst->volume->name, name))
		return STATUS_INSUFFICIENT_RESOURCES;
	inst->pool = flt_node_pool_create();
	inst->later_wq = alloc_workqueue("flt/%u", WQ_UNBOUND | WQ_MEM_RECLAIM, WQ_MAX_ACTIVE,
					 inst->id);
	return inst->pool && inst->later_wq ? 0 : STATUS_INSUFFICIENT_RESOURCES;
}

/* Stands in for a pre-operation where there is only a post-operation. PST-12 */
static int flt_no_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void **context)
{
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static void flt_instance_set_ops(struct flt_instance *inst, const struct flt_filter *filter)
{
	int class;

	for (class = 0; class < FLT_NR_CLASSES; class++) {
		inst->pre[class] = filter->ops[class].pre;
		inst->post[class] = filter->ops[class].post;
		if (!inst->pre[class] && inst->post[class])
			inst->pre[class] = flt_no_pre;
	}
}

/* Not on any list yet. Keeps the memory of the filter and of the volume. */
struct flt_instance *flt_instance_create(struct flt_filter *filter, struct flt_volume *volume,
					 const char *name, const char *altitude)
{
	struct flt_instance *inst = kzalloc(sizeof(*inst), GFP_KERNEL);

	if (!inst)
		return NULL;
	BUILD_BUG_ON(FLT_INSTANCE_ALIGN <= FLT_OP_FLAGS);
	flt_object_init(&inst->obj, FLT_OBJECT_INSTANCE, flt_instance_refs_gone);
	flt_context_list_init(&inst->contexts, &inst->obj);
	atomic_inc(&flt_live_objects);
	kobject_init(&inst->kobj, &flt_instance_ktype);
	inst->id = atomic_inc_return(&flt_last_instance_id);
	inst->filter = filter;
	inst->volume = volume;
	kobject_get(&filter->kobj);
	kobject_get(&volume->kobj);
	inst->objs.filter = filter;
	inst->objs.volume = volume;
	inst->objs.instance = inst;
	flt_instance_set_ops(inst, filter);
	inst->state = FLT_INSTANCE_ATTACHING;
	atomic_set(&inst->hold, 1);
	INIT_LIST_HEAD(&inst->volume_link);
	INIT_LIST_HEAD(&inst->filter_link);
	INIT_LIST_HEAD(&inst->batch_link);
	INIT_WORK(&inst->work, flt_teardown_work);
	init_completion(&inst->torn_down);
	init_completion(&inst->unlinked);
	if (flt_instance_alloc_parts(inst, name, altitude)) {
		kobject_put(&inst->kobj);
		return NULL;
	}
	return inst;
}

static void flt_instance_free_rcu(struct rcu_head *rcu)
{
	struct flt_instance *inst = container_of(rcu, struct flt_instance, rcu);

	kfree(inst->name);
	kfree(inst->altitude);
	kfree(inst);
	atomic_dec(&flt_live_objects);
}

/*
 * Not where the last reference was dropped: that may be on the queue, in a lower
 * filter's callback. Readers of a stack may still look at the altitude: free
 * after a grace period.
 */
static void flt_instance_release_work(struct work_struct *work)
{
	struct flt_instance *inst = container_of(work, struct flt_instance, release_work);

	if (inst->later_wq)
		destroy_workqueue(inst->later_wq);
	if (inst->pool)
		flt_node_pool_kill(inst->pool);
	kobject_put(&inst->filter->kobj);
	kobject_put(&inst->volume->kobj);
	call_rcu(&inst->rcu, flt_instance_free_rcu);
}

void flt_instance_release(struct kobject *kobj)
{
	struct flt_instance *inst = to_instance(kobj);

	flt_verify_object_gone(&inst->obj);
	INIT_WORK(&inst->release_work, flt_instance_release_work);
	queue_work(flt_reap_wq, &inst->release_work);
}

const char *flt_instance_state_name(enum flt_instance_state state)
{
	static const char * const names[] = {
		[FLT_INSTANCE_ATTACHING] = "attaching",
		[FLT_INSTANCE_ACTIVE] = "active",
		[FLT_INSTANCE_GOING] = "going",
		[FLT_INSTANCE_STARTED] = "started",
		[FLT_INSTANCE_DRAINING] = "draining",
		[FLT_INSTANCE_COMPLETED] = "completed",
		[FLT_INSTANCE_GONE] = "gone",
	};

	return names[state];
}

/**
 * flt_instance_name() - the name of an instance
 * @instance: an instance the caller keeps alive
 *
 * Context: ATOMIC.
 * Return: its name, valid as long as the instance.
 */
const char *flt_instance_name(const struct flt_instance *instance)
{
	return instance->name;
}
EXPORT_SYMBOL_GPL(flt_instance_name);

/**
 * flt_instance_altitude() - the altitude of an instance
 * @instance: an instance the caller keeps alive
 *
 * Context: ATOMIC.
 * Return: its altitude as it was given, valid as long as the
 * instance.
 */
const char *flt_instance_altitude(const struct flt_instance *instance)
{
	return instance->altitude;
}
EXPORT_SYMBOL_GPL(flt_instance_altitude);
