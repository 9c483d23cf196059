// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the filter and its instances, and the thread that attaches and
 * detaches. Part of filter.c.
 */
#include <linux/kstrtox.h>

static DEFINE_SPINLOCK(torture_life_lock);
static u64 torture_life_rnd;

/* For callbacks that are nobody's operation. */
static unsigned int torture_life_pick(unsigned int n)
{
	unsigned int picked;

	spin_lock(&torture_life_lock);
	picked = torture_pick(&torture_life_rnd, n);
	spin_unlock(&torture_life_lock);
	return picked;
}

static int torture_instance_init(struct torture_instance *ti,
				 const struct flt_related_objects *objs)
{
	ti->instance = objs->instance;
	ti->vol = torture_volume_of(flt_volume_name(objs->volume));
	if (kstrtoull(flt_instance_altitude(objs->instance), 10, &ti->altitude))
		return STATUS_INVALID_PARAMETER;
	spin_lock_init(&ti->lock);
	INIT_LIST_HEAD(&ti->queue);
	return flt_cbdq_initialize(objs->instance, &ti->cbdq, torture_insert, torture_remove,
				   torture_peek_next, torture_acquire, torture_release,
				   torture_complete_canceled);
}

static int torture_setup(const struct flt_related_objects *objs, u32 flags,
			 const char *volume_type)
{
	struct torture_instance *ti = torture_context(FLT_INSTANCE_CONTEXT, sizeof(*ti));
	int rc;

	if (!ti)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = torture_instance_init(ti, objs);
	if (!rc)
		rc = flt_set_instance_context(objs->instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS, ti,
					      NULL);
	flt_release_context(ti);
	/* What is set is cleaned up all the same. */
	if (!rc && !torture_life_pick(16))
		rc = STATUS_FLT_DO_NOT_ATTACH;
	if (!rc)
		count(T_SETUP);
	return rc;
}

static int torture_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	if (torture_life_pick(16))
		return 0;
	count(T_REFUSED);
	return STATUS_FLT_DO_NOT_DETACH;
}

/* The instance is going: what is queued is sent on, or its work would be too late. */
static void torture_started(const struct flt_related_objects *objs, u32 reason)
{
	struct flt_callback_data *data;
	struct torture_instance *ti;

	count(T_STARTED);
	if (flt_get_instance_context(objs->instance, (void **)&ti)) {
		torture_wrong(TORTURE_NAME ": no context in teardown_start");
		return;
	}
	ti->started_at = ktime_get_ns();
	/* Pairs with torture_arrived(). */
	smp_store_release(&ti->started, true);
	flt_cbdq_disable(&ti->cbdq);
	while ((data = flt_cbdq_remove_next_io(&ti->cbdq, NULL)))
		torture_go_on(data->filter_context[TORTURE_VISIT], data);
	flt_release_context(ti);
}

/* INV-06, INV-07 */
static void torture_torn(const struct flt_related_objects *objs, u32 reason)
{
	struct torture_instance *ti;
	int inside;

	count(T_TORN);
	if (flt_get_instance_context(objs->instance, (void **)&ti)) {
		torture_wrong(TORTURE_NAME ": no context in teardown_complete");
		return;
	}
	inside = atomic_read(&ti->inside);
	if (!ti->started || ti->torn)
		torture_wrong(TORTURE_NAME ": INV-06: teardown_complete out of order");
	if (inside)
		torture_wrong(TORTURE_NAME ": INV-07: teardown_complete with %d inside", inside);
	WRITE_ONCE(ti->torn, true);
	flt_release_context(ti);
}

/* the thread that attaches and detaches */

static void torture_attach(struct flt_volume *volume, u64 *rnd)
{
	char name[] = TORTURE_NAME "a", altitude[16];
	int rc;

	name[sizeof(name) - 2] += torture_pick(rnd, 4);
	snprintf(altitude, sizeof(altitude), "%u", 2 + torture_pick(rnd, 999990));
	rc = flt_attach_volume_at_altitude(torture_filter, volume, altitude, name, NULL);
	if (rc && rc != -EEXIST && rc != -EADDRINUSE && rc != -ESHUTDOWN && rc != -ENOMEM &&
	    rc != STATUS_FLT_DO_NOT_ATTACH && rc != STATUS_FLT_FILTER_NOT_READY)
		torture_wrong(TORTURE_NAME ": attaching gives %d", rc);
}

static void torture_detach(struct flt_volume *volume, u64 *rnd)
{
	char name[] = TORTURE_NAME "a";
	bool any = !torture_pick(rnd, 4);
	int rc;

	name[sizeof(name) - 2] += torture_pick(rnd, 4);
	rc = flt_detach_volume(torture_filter, volume, any ? NULL : name);
	if (rc && rc != -ENOENT && rc != -ESHUTDOWN && rc != -EBUSY)
		torture_wrong(TORTURE_NAME ": detaching gives %d", rc);
}

static int torture_attacher_fn(void *arg)
{
	u64 rnd = torture_mix(torture_seed, 2000 + TORTURE_NR);
	struct torture_volume *vol;
	struct flt_volume *volume;
	int rc;

	while (!kthread_should_stop()) {
		vol = &torture_volumes[torture_pick(&rnd, TORTURE_OTHERS)];
		rc = flt_get_volume_from_name(vol->name, &volume);
		if (!rc) {
			if (torture_pick(&rnd, 2))
				torture_attach(volume, &rnd);
			else
				torture_detach(volume, &rnd);
			flt_object_dereference(volume);
		}
		usleep_range(1000, 1000 + torture_pick(&rnd, 20000));
	}
	return 0;
}

/* registration */

static int torture_unload(struct flt_filter *filter, u32 flags)
{
	if (!(flags & FLTFL_FILTER_UNLOAD_MANDATORY) && !torture_life_pick(4))
		return -EBUSY;
	kthread_stop(torture_attacher);
	flt_unregister_filter(filter);
	/* They have let go of their operations, and may be on their way back. */
	flush_workqueue(torture_wq);
	torture_check_filter(TORTURE_FILTER);
	return 0;
}

#define TORTURE_OPERATION(__major) {		\
	.major_function = __major,		\
	.pre_operation = torture_pre,		\
	.post_operation = torture_post,		\
}

static const struct flt_operation_registration torture_operations[] = {
	TORTURE_OPERATION(IRP_MJ_READ),
	TORTURE_OPERATION(IRP_MJ_WRITE),
	TORTURE_OPERATION(IRP_MJ_FLUSH_BUFFERS),
	TORTURE_OPERATION(FLT_MJ_DISCARD),
	TORTURE_OPERATION(FLT_MJ_SECURE_ERASE),
	TORTURE_OPERATION(FLT_MJ_WRITE_ZEROES),
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition torture_instances[] = {
	{ .name = TORTURE_NAME, .altitude = TORTURE_ALTITUDE },
	{ }
};

static const struct flt_context_registration torture_context_registration[] = {
	{
		.context_type = FLT_INSTANCE_CONTEXT,
		.context_cleanup_callback = torture_cleanup,
		.size = sizeof(struct torture_instance),
		.pool_tag = TORTURE_TAG,
	}, {
		.context_type = FLT_VOLUME_CONTEXT,
		.context_cleanup_callback = torture_cleanup,
		.size = sizeof(struct torture_volume_context),
		.pool_tag = TORTURE_TAG,
	},
	{ .context_type = FLT_CONTEXT_END }
};

static const struct flt_registration torture_registration = {
	.size = sizeof(torture_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = TORTURE_NAME,
	.instances = torture_instances,
	.context_registration = torture_context_registration,
	.operation_registration = torture_operations,
	.filter_unload_callback = torture_unload,
	.instance_setup_callback = torture_setup,
	.instance_query_teardown_callback = torture_query_teardown,
	.instance_teardown_start_callback = torture_started,
	.instance_teardown_complete_callback = torture_torn,
};

static int __init torture_register(void)
{
	struct task_struct *task;
	int err = flt_register_filter(THIS_MODULE, &torture_registration, &torture_filter);

	if (err)
		return err;
	task = kthread_create(torture_attacher_fn, NULL, TORTURE_NAME);
	if (IS_ERR(task)) {
		flt_unregister_filter(torture_filter);
		return PTR_ERR(task);
	}
	torture_attacher = task;
	err = flt_start_filtering(torture_filter);
	if (err) {
		kthread_stop(task);
		flt_unregister_filter(torture_filter);
		return err;
	}
	wake_up_process(task);
	return 0;
}

static int __init torture_filter_init(void)
{
	int err = -ENOMEM;

	torture_life_rnd = torture_mix(torture_seed, 3000 + TORTURE_NR);
	/* Not KMEM_CACHE(): there are three modules of this. */
	torture_visits = kmem_cache_create(TORTURE_NAME, sizeof(struct torture_visit), 0, 0, NULL);
	if (!torture_visits)
		return err;
	torture_wq = alloc_workqueue(TORTURE_NAME, WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!torture_wq)
		goto no_queue;
	err = torture_register();
	if (!err)
		return 0;
	destroy_workqueue(torture_wq);
no_queue:
	kmem_cache_destroy(torture_visits);
	return err;
}
module_init(torture_filter_init);

static void __exit torture_filter_exit(void)
{
	flt_module_exit(THIS_MODULE);
	timer_shutdown_sync(&torture_timer);
	destroy_workqueue(torture_wq);
	/* It says if there is one left. */
	kmem_cache_destroy(torture_visits);
}
module_exit(torture_filter_exit);

MODULE_DESCRIPTION("Torture of the filter manager: a filter");
MODULE_LICENSE("GPL");
