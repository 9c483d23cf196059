// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: what a filter gets of the manager and has to give back, once.
 *
 * What a mode keeps is one thing of each kind at most. It is given back when the
 * instance goes if that is right, else by a write to "release". What an unload does
 * not wait for is given back by the module's exit, which is in time if that is what
 * unloads the filter, and too late if it was the knob.
 */
#include "rogue.h"

static void *rogue_object;			/* a reference */
static void *rogue_context;			/* likewise */
static struct flt_callback_data *rogue_data;
static struct flt_generic_workitem *rogue_item;

void rogue_give_back(void)
{
	void *object = xchg(&rogue_object, NULL);
	void *context = xchg(&rogue_context, NULL);
	struct flt_callback_data *data = xchg(&rogue_data, NULL);
	struct flt_generic_workitem *item = xchg(&rogue_item, NULL);

	if (object)
		flt_object_dereference(object);
	if (context)
		flt_release_context(context);
	if (data)
		flt_free_callback_data(data);
	flt_free_generic_work_item(item);
}

static int rogue_keep_object(void *object)
{
	if (!flt_object_reference(object)) {
		object = xchg(&rogue_object, object);
		if (object)
			flt_object_dereference(object);
	}
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_leak_filter(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	return rogue_keep_object(objs->filter);
}

static int rogue_leak_volume(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	return rogue_keep_object(objs->volume);
}

static int rogue_leak_instance(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **context)
{
	return rogue_keep_object(objs->instance);
}

static void *rogue_new_context(const struct flt_related_objects *objs)
{
	void *context = NULL;

	flt_allocate_context(objs->filter, FLT_INSTANCE_CONTEXT, 64, FLT_NON_PAGED_POOL, &context);
	return context;
}

static int rogue_leak_context(struct flt_callback_data *data,
			      const struct flt_related_objects *objs, void **context)
{
	void *old = xchg(&rogue_context, rogue_new_context(objs));

	if (old)
		flt_release_context(old);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_leak_item(struct flt_callback_data *data,
			   const struct flt_related_objects *objs, void **context)
{
	flt_free_generic_work_item(xchg(&rogue_item, flt_allocate_generic_work_item()));
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static struct flt_callback_data *rogue_new_data(const struct flt_related_objects *objs)
{
	struct flt_callback_data *data = NULL;

	flt_allocate_callback_data(objs->instance, NULL, &data);
	return data;
}

static int rogue_leak_data(struct flt_callback_data *data,
			   const struct flt_related_objects *objs, void **context)
{
	data = xchg(&rogue_data, rogue_new_data(objs));
	if (data)
		flt_free_callback_data(data);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* Somebody else may have one. */
static int rogue_drop_foreign(struct flt_callback_data *data,
			      const struct flt_related_objects *objs, void **context)
{
	if (!rogue_good() || !flt_object_reference(objs->volume))
		flt_object_dereference(objs->volume);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* In query_teardown the last reference ends a context at once. */
static void rogue_release_twice(const struct flt_related_objects *objs)
{
	void *context = rogue_new_context(objs);

	if (!context)
		return;
	flt_release_context(context);
	if (!rogue_good())
		flt_release_context(context);
}

static int rogue_free_item_twice(struct flt_callback_data *data,
				 const struct flt_related_objects *objs, void **context)
{
	struct flt_generic_workitem *item = flt_allocate_generic_work_item();

	flt_free_generic_work_item(item);
	if (!rogue_good())
		flt_free_generic_work_item(item);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_free_data_twice(struct flt_callback_data *data,
				 const struct flt_related_objects *objs, void **context)
{
	data = rogue_new_data(objs);
	if (!data)
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	flt_free_callback_data(data);
	if (!rogue_good())
		flt_free_callback_data(data);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static void rogue_last_run(struct flt_generic_workitem *item, void *object, void *context)
{
	flt_free_generic_work_item(item);
}

/* It runs, and may be queued for another time: once. */
static void rogue_first_run(struct flt_generic_workitem *item, void *object, void *context)
{
	if (flt_queue_generic_work_item(item, object, rogue_last_run, DelayedWorkQueue, NULL))
		flt_free_generic_work_item(item);
	else if (!rogue_good())
		flt_queue_generic_work_item(item, object, rogue_last_run, DelayedWorkQueue, NULL);
}

static int rogue_item_queued_twice(struct flt_callback_data *data,
				   const struct flt_related_objects *objs, void **context)
{
	struct flt_generic_workitem *item = flt_allocate_generic_work_item();

	if (item && flt_queue_generic_work_item(item, objs->filter, rogue_first_run,
						DelayedWorkQueue, NULL))
		flt_free_generic_work_item(item);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

const struct rogue_mode rogue_keep_modes[] = {
	{ .name = "leak-filter", .rule = "REF-08", .pre = rogue_leak_filter, .keeps = true,
	  .wrong = "keeps a reference to its filter" },
	{ .name = "leak-volume", .rule = "REF-10", .pre = rogue_leak_volume, .keeps = true,
	  .wrong = "keeps a reference to a volume when it is unloaded" },
	{ .name = "leak-instance", .rule = "REF-09", .pre = rogue_leak_instance, .keeps = true,
	  .wrong = "keeps a reference to an instance" },
	{ .name = "leak-context", .rule = "CTX-46", .pre = rogue_leak_context, .keeps = true,
	  .wrong = "keeps a context" },
	{ .name = "leak-item", .rule = "WRK-12", .pre = rogue_leak_item, .keeps = true,
	  .wrong = "keeps a work item when it is unloaded" },
	{ .name = "leak-data", .rule = "FIO-15", .pre = rogue_leak_data, .keeps = true,
	  .wrong = "keeps an operation of its own" },
	{ .name = "drop-foreign", .rule = "REF-04", .pre = rogue_drop_foreign,
	  .wrong = "drops a reference that it has not got" },
	{ .name = "release-twice", .rule = "CTX-19", .query = rogue_release_twice,
	  .wrong = "releases a context twice, in query_teardown" },
	{ .name = "free-item-twice", .rule = "VRF-11p", .pre = rogue_free_item_twice,
	  .wrong = "frees a work item twice" },
	{ .name = "free-data-twice", .rule = "FIO-15", .pre = rogue_free_data_twice,
	  .wrong = "frees an operation of its own twice" },
	{ .name = "item-queued-twice", .rule = "VRF-11p", .pre = rogue_item_queued_twice,
	  .wrong = "queues a work item that is queued" },
	{ }
};
