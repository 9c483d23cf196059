// SPDX-License-Identifier: GPL-2.0-only
/*
 * swapbuffers: what is on the disk is not what was written.
 *
 *	insmod flt_swapbuffers.ko key=90
 *	dmsetup create vol0 --table "0 $(blockdev --getsz /dev/vdb) flt /dev/vdb 0 vol0"
 *	mkfs.ext4 /dev/mapper/vol0
 *
 * Each byte is combined with a key on its way to the disk, and again on its way
 * back, in a buffer of the filter's own: the data of who writes must not change,
 * and the data of who reads must not be seen before it is right. (This is no
 * encryption. It is how a filter that encrypts or compresses would do it.)
 *
 * A volume is good for nothing with only half of its data transformed. So the
 * filter attaches to new volumes only, refuses to be detached and to be unloaded
 * as long as it has instances, and does not support service stop: rmmod says that
 * it is in use. The way out is:
 *
 *	dmsetup remove vol0
 *	echo 1 > /sys/kernel/fltmgr/filters/swapbuffers/unload
 *	rmmod flt_swapbuffers
 *
 * Counters in /sys/kernel/fltmgr/filters/swapbuffers: reads, writes, reserve (of
 * those, how many found memory short). With detach=1 it can be detached all the
 * same, for a test of what becomes of operations that are on their way: they
 * cannot be drained, since the device has our buffer; they are waited for.
 * MOD-07, MOD-08, DRN-12
 */
#include <linux/fltmgr.h>
#include <linux/module.h>
#include <linux/percpu.h>

#include "buffer.h"

static u8 key = 0x5a;
module_param(key, byte, 0444);
MODULE_PARM_DESC(key, "what each byte is combined with");

static bool detach;
module_param(detach, bool, 0644);
MODULE_PARM_DESC(detach, "agree to be detached, for tests");

enum swap_counter {
	SWAP_READS,
	SWAP_WRITES,
	SWAP_RESERVE,
	SWAP_NR_COUNTERS,
};

static DEFINE_PER_CPU(u64, swap_counts[SWAP_NR_COUNTERS]);
/* Instances, or far below zero once the filter goes. */
static atomic_t swap_instances;
#define SWAP_CLOSED	(INT_MIN / 2)

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

static struct kobj_attribute swap_files[SWAP_NR_COUNTERS] = {
	[SWAP_READS] = __ATTR(reads, 0444, counter_show, NULL),
	[SWAP_WRITES] = __ATTR(writes, 0444, counter_show, NULL),
	[SWAP_RESERVE] = __ATTR(reserve, 0444, counter_show, NULL),
};

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(swap_counts[attr - swap_files], cpu);
	return sysfs_emit(buf, "%llu\n", sum);
}

static struct attribute *swap_attrs[] = {
	&swap_files[SWAP_READS].attr,
	&swap_files[SWAP_WRITES].attr,
	&swap_files[SWAP_RESERVE].attr,
	NULL,
};

static const struct attribute_group swap_group = {
	.attrs = swap_attrs,
};

static int swap_fail(struct flt_callback_data *data, int status)
{
	data->io_status.status = status;
	data->io_status.information = 0;
	return FLT_PREOP_COMPLETE;
}

static int swap_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		    void **completion_context)
{
	struct flt_parameters_rw *rw = &data->iopb->parameters.read;
	bool write = data->iopb->major_function == IRP_MJ_WRITE;
	struct swap_reserve *reserve;
	struct bio *bio;
	bool short_of;
	int rc;

	if (!rw->length)
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	rc = flt_get_instance_context(objs->instance, (void **)&reserve);
	if (rc)
		return swap_fail(data, rc);
	bio = swap_buffer_alloc(reserve, rw->length, &short_of);
	/* It stays on the instance, which waits for our post-operation. */
	flt_release_context(reserve);
	if (write)
		swap_buffer_transform(bio, rw->bio, key);
	this_cpu_inc(swap_counts[write ? SWAP_WRITES : SWAP_READS]);
	if (short_of)
		this_cpu_inc(swap_counts[SWAP_RESERVE]);
	rw->bio = bio;
	flt_set_callback_data_dirty(data);
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

/* Here the buffer is the one that was there before; ours is asked for. */
static int swap_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void *completion_context, u32 flags)
{
	struct bio *bio = flt_get_swapped_buffer_mdl_address(data);

	if (data->iopb->major_function == IRP_MJ_READ && !data->io_status.status)
		swap_buffer_transform(data->iopb->parameters.read.bio, bio, key);
	swap_buffer_free_pages(bio);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

/* Zeroes would be read as the key: whoever wants them has to write them. */
static int swap_pre_zeroes(struct flt_callback_data *data,
			   const struct flt_related_objects *objs, void **completion_context)
{
	return swap_fail(data, STATUS_NOT_SUPPORTED);
}

static int swap_setup(const struct flt_related_objects *objs, u32 flags, const char *volume_type)
{
	struct swap_reserve *reserve;
	int rc;

	/* Simulated volumes have no data to be transformed. */
	if (!(flags & FLTFL_INSTANCE_SETUP_NEWLY_MOUNTED_VOLUME) || strcmp(volume_type, "dm"))
		return STATUS_FLT_DO_NOT_ATTACH;
	rc = flt_allocate_context(objs->filter, FLT_INSTANCE_CONTEXT, sizeof(*reserve),
				  FLT_NON_PAGED_POOL, (void **)&reserve);
	if (rc)
		return rc;
	rc = swap_reserve_init(reserve);
	if (!rc)
		rc = flt_set_instance_context(objs->instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
					      reserve, NULL);
	flt_release_context(reserve);
	if (!rc && !atomic_inc_unless_negative(&swap_instances))
		rc = STATUS_FLT_DO_NOT_ATTACH;
	return rc;
}

static int swap_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return READ_ONCE(detach) ? 0 : STATUS_FLT_DO_NOT_DETACH;
}

static void swap_teardown_complete(const struct flt_related_objects *objs, u32 reason)
{
	atomic_dec(&swap_instances);
}

static int swap_unload(struct flt_filter *filter, u32 flags)
{
	if (atomic_cmpxchg(&swap_instances, 0, SWAP_CLOSED))
		return STATUS_FLT_DO_NOT_DETACH;
	sysfs_remove_group(flt_filter_kobj(filter), &swap_group);
	flt_unregister_filter(filter);
	return 0;
}

static const struct flt_operation_registration swap_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = swap_pre, .post_operation = swap_post },
	{ .major_function = IRP_MJ_WRITE, .pre_operation = swap_pre, .post_operation = swap_post },
	{ .major_function = FLT_MJ_WRITE_ZEROES, .pre_operation = swap_pre_zeroes },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static void swap_context_cleanup(void *context, u16 context_type)
{
	swap_reserve_exit(context);
}

static const struct flt_context_registration swap_contexts[] = {
	{
		.context_type = FLT_INSTANCE_CONTEXT,
		.context_cleanup_callback = swap_context_cleanup,
		.size = sizeof(struct swap_reserve),
	},
	{ .context_type = FLT_CONTEXT_END }
};

static const struct flt_instance_definition swap_definitions[] = {
	{ .name = "swapbuffers", .altitude = "141000" },
	{ }
};

static const struct flt_registration swap_registration = {
	.size = sizeof(swap_registration),
	.version = FLT_REGISTRATION_VERSION,
	.flags = FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP,
	.name = "swapbuffers",
	.instances = swap_definitions,
	.context_registration = swap_contexts,
	.operation_registration = swap_operations,
	.filter_unload_callback = swap_unload,
	.instance_setup_callback = swap_setup,
	.instance_query_teardown_callback = swap_query_teardown,
	.instance_teardown_complete_callback = swap_teardown_complete,
};

static int __init swap_init(void)
{
	struct flt_filter *filter;
	int rc = flt_register_filter(THIS_MODULE, &swap_registration, &filter);

	if (rc)
		return rc;
	rc = sysfs_create_group(flt_filter_kobj(filter), &swap_group);
	if (rc)
		goto unregister;
	rc = flt_start_filtering(filter);
	if (!rc)
		return 0;
	sysfs_remove_group(flt_filter_kobj(filter), &swap_group);
unregister:
	flt_unregister_filter(filter);
	return rc;
}
module_init(swap_init);

static void __exit swap_exit(void)
{
	flt_module_exit(THIS_MODULE);
}
module_exit(swap_exit);

MODULE_DESCRIPTION("Sample filter that swaps buffers");
MODULE_LICENSE("GPL");
