// SPDX-License-Identifier: GPL-2.0-only
/*
 * globals: what a filter has besides its instances, and how it gives that back.
 *
 *	insmod fltmgr.ko; insmod wdm.ko verifier=1
 *	insmod flt_globals.ko [forget=process]
 *	cat /sys/kernel/fltmgr/filters/globals/threads_made
 *	cat /sys/kernel/debug/wdm/{ledger,pool,lookaside,resources,notify}
 *	rmmod flt_globals
 *	cat /sys/kernel/debug/wdm/violations
 *
 * It counts reads, and who comes and goes in the machine. For that it has, of its own
 * and for all its instances: an executive resource, tagged pool, a lookaside list, and
 * notify routines of processes, threads and images.
 *
 * What to learn here: the order of an unload callback. Whether it refuses is decided
 * first, as long as nothing has gone. Then the filter is unregistered: no callback runs
 * any more, none uses what is global. Only then that is given back: those who call us
 * first, then what they use. GLB-01..GLB-03
 *
 * "forget" names one that is not given back: wdm's verifier names it, and who has
 * acquired it, and gives it back. "early" gives all back before the filter is
 * unregistered, which is wrong while operations are on their way.
 */
#include <linux/fltmgr.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "globals.h"

static char *forget = "";
module_param(forget, charp, 0644);
MODULE_PARM_DESC(forget,
		 "what the unload does not give back: resource, pool, lookaside, process, thread, image");

static bool early;
module_param(early, bool, 0644);
MODULE_PARM_DESC(early, "give all back before the filter is unregistered");

static bool refuse;
module_param(refuse, bool, 0644);
MODULE_PARM_DESC(refuse, "refuse the unload, unless it is mandatory");

static bool direct;
module_param(direct, bool, 0444);
MODULE_PARM_DESC(direct, "be told of processes and threads where they are made and end");

#define GLOBALS_POOL	GLOBALS_TAG('G', 'l', 'o', 'b')
#define GLOBALS_READ	GLOBALS_TAG('G', 'l', 'R', 'd')

/* A read that is below us. */
struct globals_read {
	u64 begun;
	pid_t pid;
};

static struct wdm_driver *globals_driver;
static struct wdm_lookaside globals_reads;
struct wdm_resource globals_resource;
struct globals_numbers globals_numbers;
char *globals_last;

static DEFINE_MUTEX(globals_mutex);
static bool globals_told;			/* globals_mutex */

static int globals_pre_read(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void **completion_context)
{
	struct globals_read *read = ex_allocate_from_lookaside_list(&globals_reads);

	/* Without memory it goes on uncounted. */
	if (!read)
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	read->begun = ktime_get_ns();
	read->pid = current->pid;
	*completion_context = read;
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

/* In any context; and while the instance is drained: the entry goes back either way. */
static int globals_post_read(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void *completion_context,
			     u32 flags)
{
	if (!(flags & FLTFL_POST_OPERATION_DRAINING))
		atomic64_inc(&globals_numbers.reads);
	ex_free_to_lookaside_list(&globals_reads, completion_context);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int globals_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

/* files */

static ssize_t number_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

/* Files that are one number each, in the order of struct globals_numbers. */
static struct kobj_attribute globals_files[] = {
	__ATTR(reads, 0444, number_show, NULL),
	__ATTR(processes_made, 0444, number_show, NULL),
	__ATTR(processes_ended, 0444, number_show, NULL),
	__ATTR(threads_made, 0444, number_show, NULL),
	__ATTR(threads_ended, 0444, number_show, NULL),
	__ATTR(images, 0444, number_show, NULL),
	__ATTR(modules, 0444, number_show, NULL),
	__ATTR(wrong, 0444, number_show, NULL),
};

static ssize_t number_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const atomic64_t *number = &globals_numbers.reads + (attr - globals_files);

	BUILD_BUG_ON(sizeof(globals_numbers) != ARRAY_SIZE(globals_files) * sizeof(*number));
	return sysfs_emit(buf, "%lld\n", atomic64_read(number));
}

static ssize_t alive_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", globals_tell_alive());
}

static struct kobj_attribute alive_attr = __ATTR_RO(alive);

static ssize_t last_image_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	ssize_t len = -EBUSY;

	ke_enter_critical_region();
	if (ex_acquire_resource_shared_lite(&globals_resource, true)) {
		len = sysfs_emit(buf, "%s\n", globals_last);
		ex_release_resource_lite(&globals_resource);
	}
	ke_leave_critical_region();
	return len;
}

static struct kobj_attribute last_image_attr = __ATTR_RO(last_image);

static ssize_t told_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(globals_told));
}

/* 0: the routines are removed, 1: they are set. What is on the books then is not known. */
static ssize_t told_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			  size_t count)
{
	bool want;
	int err = kstrtobool(buf, &want);

	if (err)
		return err;
	mutex_lock(&globals_mutex);
	if (want && !globals_told) {
		err = globals_tell_start(&globals_driver->owner, direct);
		if (err)
			globals_tell_stop("");
	} else if (!want && globals_told) {
		globals_tell_stop("");
		globals_tell_exit();
	}
	if (!err)
		WRITE_ONCE(globals_told, want);
	mutex_unlock(&globals_mutex);
	return err ?: count;
}

static struct kobj_attribute told_attr = __ATTR_RW(told);

static struct attribute *globals_attrs[] = {
	&globals_files[0].attr,
	&globals_files[1].attr,
	&globals_files[2].attr,
	&globals_files[3].attr,
	&globals_files[4].attr,
	&globals_files[5].attr,
	&globals_files[6].attr,
	&globals_files[7].attr,
	&alive_attr.attr,
	&last_image_attr.attr,
	&told_attr.attr,
	NULL
};

static const struct attribute_group globals_group = {
	.attrs = globals_attrs,
};

/* globals */

/* Not part of init, whose text goes: this is what stacks of acquisitions name. */
static noinline int globals_acquire(struct wdm_owner *owner)
{
	int err;

	globals_last = ex_allocate_pool_with_tag(owner, PagedPool, GLOBALS_NAME, GLOBALS_POOL);
	if (!globals_last)
		return -ENOMEM;
	strscpy(globals_last, "-", GLOBALS_NAME);
	err = ex_initialize_lookaside_list(owner, &globals_reads, NonPagedPool,
					   sizeof(struct globals_read), GLOBALS_READ, 16);
	if (err)
		return err;
	err = ex_initialize_resource_lite(owner, &globals_resource);
	if (err)
		return err;
	/* Last: they use all of it. */
	err = globals_tell_start(owner, direct);
	globals_told = !err;
	return err;
}

static void globals_give_back(void)
{
	if (globals_told)
		globals_tell_stop(forget);
	if (strcmp(forget, "resource"))
		ex_delete_resource_lite(&globals_resource);
	if (strcmp(forget, "lookaside"))
		ex_delete_lookaside_list(&globals_reads);
	if (strcmp(forget, "pool"))
		ex_free_pool_with_tag(globals_last, GLOBALS_POOL);
}

/* Nothing is left to be done: what the ledger has still was forgotten, and is said. */
static void globals_driver_unload(struct wdm_driver *driver)
{
}

static int globals_unload(struct flt_filter *filter, u32 flags)
{
	if (refuse && !(flags & FLTFL_FILTER_UNLOAD_MANDATORY))
		return STATUS_FLT_DO_NOT_DETACH;
	sysfs_remove_group(flt_filter_kobj(filter), &globals_group);
	if (early)
		globals_give_back();
	flt_unregister_filter(filter);
	if (!early)
		globals_give_back();
	wdm_unload(globals_driver);
	globals_tell_exit();
	return 0;
}

static const struct flt_operation_registration globals_operations[] = {
	{
		.major_function = IRP_MJ_READ,
		.pre_operation = globals_pre_read,
		.post_operation = globals_post_read,
	},
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition globals_instances[] = {
	{ .name = "globals", .altitude = "385500" },
	{ }
};

static const struct flt_registration globals_registration = {
	.size = sizeof(globals_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "globals",
	.instances = globals_instances,
	.operation_registration = globals_operations,
	.filter_unload_callback = globals_unload,
	.instance_query_teardown_callback = globals_query_teardown,
};

static int __init globals_init(void)
{
	struct flt_filter *filter;
	int err;

	globals_driver = wdm_create_driver(THIS_MODULE, "globals");
	if (IS_ERR(globals_driver))
		return PTR_ERR(globals_driver);
	err = globals_acquire(&globals_driver->owner);
	if (err)
		goto err_driver;
	err = flt_register_filter(THIS_MODULE, &globals_registration, &filter);
	if (err)
		goto err_driver;
	err = sysfs_create_group(flt_filter_kobj(filter), &globals_group);
	if (err)
		goto err_unregister;
	err = flt_start_filtering(filter);
	if (err)
		goto err_remove;
	globals_driver->driver_unload = globals_driver_unload;
	return 0;

err_remove:
	sysfs_remove_group(flt_filter_kobj(filter), &globals_group);
err_unregister:
	flt_unregister_filter(filter);
err_driver:
	/* Without an unload routine: the ledger takes back what there is. */
	wdm_unload(globals_driver);
	globals_tell_exit();
	return err;
}
module_init(globals_init);

static void __exit globals_exit(void)
{
	/* The unload callback is called, unless it was before. */
	flt_module_exit(THIS_MODULE);
}
module_exit(globals_exit);

MODULE_DESCRIPTION("Sample filter: has global resources, and gives them back");
MODULE_LICENSE("GPL");
