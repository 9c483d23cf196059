// SPDX-License-Identifier: GPL-2.0-only
/*
 * passthrough: sees every operation twice, changes none, and counts.
 *
 *	insmod fltmgr.ko
 *	insmod flt_passthrough.ko [name=NAME] [altitude=ALTITUDE] [post=0]
 *	... some I/O on a volume ...
 *	grep . /sys/kernel/fltmgr/filters/passthrough/{pre,post,drained}
 *	rmmod flt_passthrough
 *
 * flt_passthrough2.ko and flt_passthrough3.ko are the same filter again, with
 * a name and an altitude of their own, to be stacked.
 *
 * The counters, files in the filter's directory:
 *
 *	pre		pre-operations
 *	not_wanted	... that asked for no post-operation (post=0)
 *	post		post-operations, draining ones included
 *	drained		... that were called because an instance goes
 *	failed		... that saw an operation fail
 *	mismatched	... with another completion context than the pre-operation
 *			left; always 0
 *
 * When nothing is on its way, pre = post + not_wanted.
 *
 * What to learn here: pre- and post-operations and what links them, counting
 * without a shared cache line, files of one's own in the filter's directory.
 */
#include <linux/fltmgr.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sysfs.h>

#ifndef PASSTHROUGH_NAME
#define PASSTHROUGH_NAME	"passthrough"
#define PASSTHROUGH_ALTITUDE	"370030"
#endif

static char *name = PASSTHROUGH_NAME;
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "name of the filter and of its instances");

static char *altitude = PASSTHROUGH_ALTITUDE;
module_param(altitude, charp, 0444);
MODULE_PARM_DESC(altitude, "altitude of its instances");

static bool post = true;
module_param(post, bool, 0644);
MODULE_PARM_DESC(post, "ask for post-operations");

enum passthrough_counter {
	PASSTHROUGH_PRE,
	PASSTHROUGH_NOT_WANTED,
	PASSTHROUGH_POST,
	PASSTHROUGH_DRAINED,
	PASSTHROUGH_FAILED,
	PASSTHROUGH_MISMATCHED,
	PASSTHROUGH_NR_COUNTERS,
};

static DEFINE_PER_CPU(u64 [PASSTHROUGH_NR_COUNTERS], counters);

/* Something to be recognised in the post-operation: which operation it was. */
static void *passthrough_context(const struct flt_callback_data *data)
{
	return (void *)((unsigned long)data->iopb->parameters.read.byte_offset ^
			data->iopb->major_function);
}

static int passthrough_pre(struct flt_callback_data *data,
			   const struct flt_related_objects *objs, void **completion_context)
{
	this_cpu_inc(counters[PASSTHROUGH_PRE]);
	if (!READ_ONCE(post)) {
		this_cpu_inc(counters[PASSTHROUGH_NOT_WANTED]);
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	}
	*completion_context = passthrough_context(data);
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

/* In any context, hard interrupt included. */
static int passthrough_post(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void *completion_context,
			    u32 flags)
{
	this_cpu_inc(counters[PASSTHROUGH_POST]);
	if (completion_context != passthrough_context(data))
		this_cpu_inc(counters[PASSTHROUGH_MISMATCHED]);
	/*
	 * A draining call says nothing of how the operation ended, it is still
	 * below. It is the last chance to free what the pre-operation left.
	 */
	if (flags & FLTFL_POST_OPERATION_DRAINING)
		this_cpu_inc(counters[PASSTHROUGH_DRAINED]);
	else if (flt_status_is_error(data->io_status.status))
		this_cpu_inc(counters[PASSTHROUGH_FAILED]);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

#define PASSTHROUGH_COUNTER(__name) __ATTR(__name, 0444, counter_show, NULL)

static struct kobj_attribute passthrough_files[PASSTHROUGH_NR_COUNTERS] = {
	[PASSTHROUGH_PRE] = PASSTHROUGH_COUNTER(pre),
	[PASSTHROUGH_NOT_WANTED] = PASSTHROUGH_COUNTER(not_wanted),
	[PASSTHROUGH_POST] = PASSTHROUGH_COUNTER(post),
	[PASSTHROUGH_DRAINED] = PASSTHROUGH_COUNTER(drained),
	[PASSTHROUGH_FAILED] = PASSTHROUGH_COUNTER(failed),
	[PASSTHROUGH_MISMATCHED] = PASSTHROUGH_COUNTER(mismatched),
};

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	enum passthrough_counter counter = attr - passthrough_files;
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(counters, cpu)[counter]);
	return sysfs_emit(buf, "%llu\n", sum);
}

static struct attribute *passthrough_attrs[] = {
	&passthrough_files[PASSTHROUGH_PRE].attr,
	&passthrough_files[PASSTHROUGH_NOT_WANTED].attr,
	&passthrough_files[PASSTHROUGH_POST].attr,
	&passthrough_files[PASSTHROUGH_DRAINED].attr,
	&passthrough_files[PASSTHROUGH_FAILED].attr,
	&passthrough_files[PASSTHROUGH_MISMATCHED].attr,
	NULL
};

static const struct attribute_group passthrough_group = {
	.attrs = passthrough_attrs,
};

static int passthrough_unload(struct flt_filter *filter, u32 flags)
{
	/* Our files first: afterwards there is no directory to take them from. */
	sysfs_remove_group(flt_filter_kobj(filter), &passthrough_group);
	flt_unregister_filter(filter);
	return 0;
}

static int passthrough_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

#define PASSTHROUGH_OPERATION(__major) {	\
	.major_function = __major,		\
	.pre_operation = passthrough_pre,	\
	.post_operation = passthrough_post,	\
}

static const struct flt_operation_registration passthrough_operations[] = {
	PASSTHROUGH_OPERATION(IRP_MJ_READ),
	PASSTHROUGH_OPERATION(IRP_MJ_WRITE),
	PASSTHROUGH_OPERATION(IRP_MJ_FLUSH_BUFFERS),
	PASSTHROUGH_OPERATION(FLT_MJ_DISCARD),
	PASSTHROUGH_OPERATION(FLT_MJ_SECURE_ERASE),
	PASSTHROUGH_OPERATION(FLT_MJ_WRITE_ZEROES),
	{ .major_function = IRP_MJ_OPERATION_END }
};

/* Name and altitude are parameters, so the init function fills them in. */
static struct flt_instance_definition passthrough_instances[2];

static struct flt_registration passthrough_registration = {
	.size = sizeof(passthrough_registration),
	.version = FLT_REGISTRATION_VERSION,
	.instances = passthrough_instances,
	.operation_registration = passthrough_operations,
	.filter_unload_callback = passthrough_unload,
	.instance_query_teardown_callback = passthrough_query_teardown,
};

static int __init passthrough_init(void)
{
	struct flt_filter *filter;
	int err;

	passthrough_registration.name = name;
	passthrough_instances[0].name = name;
	passthrough_instances[0].altitude = altitude;

	err = flt_register_filter(THIS_MODULE, &passthrough_registration, &filter);
	if (err)
		return err;
	err = sysfs_create_group(flt_filter_kobj(filter), &passthrough_group);
	if (err)
		goto err_unregister;
	/* From here on callbacks are called, before it has returned too. */
	err = flt_start_filtering(filter);
	if (err)
		goto err_remove;
	return 0;

err_remove:
	sysfs_remove_group(flt_filter_kobj(filter), &passthrough_group);
err_unregister:
	flt_unregister_filter(filter);
	return err;
}
module_init(passthrough_init);

static void __exit passthrough_exit(void)
{
	/* The unload callback is called, unless it was before. */
	flt_module_exit(THIS_MODULE);
}
module_exit(passthrough_exit);

MODULE_DESCRIPTION("Sample filter: sees everything, changes nothing");
MODULE_LICENSE("GPL");
