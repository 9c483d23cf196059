// SPDX-License-Identifier: GPL-2.0-only
/*
 * fltmgr: filters on volumes, by altitude. Module entry and shared bits.
 */
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "generated.h"

#define CREATE_TRACE_POINTS
#include <trace/events/fltmgr.h>

/* T in internal.h */
DEFINE_MUTEX(flt_topology_lock);
EXPORT_SYMBOL_IF_KUNIT(flt_topology_lock);
LIST_HEAD(flt_filters);
LIST_HEAD(flt_volumes);
struct workqueue_struct *flt_teardown_wq;
struct workqueue_struct *flt_manager_wq;
struct workqueue_struct *flt_unload_wq;
struct workqueue_struct *flt_reap_wq;
struct kset *flt_filters_kset;
struct kset *flt_volumes_kset;
atomic_t flt_live_objects;
EXPORT_SYMBOL_IF_KUNIT(flt_live_objects);
static struct kobject *flt_root;

static const struct {
	u8 major;
	const char *name;
} flt_classes[FLT_NR_CLASSES] = {
	[FLT_CLASS_READ] = { IRP_MJ_READ, "READ" },
	[FLT_CLASS_WRITE] = { IRP_MJ_WRITE, "WRITE" },
	[FLT_CLASS_FLUSH] = { IRP_MJ_FLUSH_BUFFERS, "FLUSH_BUFFERS" },
	[FLT_CLASS_DISCARD] = { FLT_MJ_DISCARD, "DISCARD" },
	[FLT_CLASS_SECURE_ERASE] = { FLT_MJ_SECURE_ERASE, "SECURE_ERASE" },
	[FLT_CLASS_WRITE_ZEROES] = { FLT_MJ_WRITE_ZEROES, "WRITE_ZEROES" },
};

/* The class of a major function, or -1 if no volume has such operations. */
int flt_class_of(u8 major)
{
	int class;

	for (class = 0; class < FLT_NR_CLASSES; class++)
		if (flt_classes[class].major == major)
			return class;
	return -1;
}

u8 flt_major_of(enum flt_class class)
{
	return flt_classes[class].major;
}

const char *flt_class_name(enum flt_class class)
{
	return flt_classes[class].name;
}

/*
 * Names of filters, volumes and instances are file names in sysfs and words in
 * its "attach": 1 to 255 visible characters without a slash, not "." or "..".
 */
int flt_check_name(const char *name)
{
	size_t len = strnlen(name, FLT_NAME_MAX + 1);
	size_t i;

	if (!len || len > FLT_NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return STATUS_INVALID_PARAMETER;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !isgraph(name[i]) || name[i] == '/')
			return STATUS_INVALID_PARAMETER;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(flt_check_name);

static int flt_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	flt_forget_module(data);
	flt_verify_module_gone(data);
	return NOTIFY_DONE;
}

static struct notifier_block flt_module_notifier = {
	.notifier_call = flt_module_event,
};

static int __init flt_sysfs_init(void)
{
	flt_root = kobject_create_and_add("fltmgr", kernel_kobj);
	if (!flt_root)
		return STATUS_INSUFFICIENT_RESOURCES;
	flt_filters_kset = kset_create_and_add("filters", &flt_uevent_ops, flt_root);
	if (!flt_filters_kset)
		goto put_root;
	flt_volumes_kset = kset_create_and_add("volumes", &flt_uevent_ops, flt_root);
	if (!flt_volumes_kset)
		goto unregister_filters;
	return 0;

unregister_filters:
	kset_unregister(flt_filters_kset);
put_root:
	kobject_put(flt_root);
	return STATUS_INSUFFICIENT_RESOURCES;
}

static void flt_sysfs_exit(void)
{
	kset_unregister(flt_volumes_kset);
	kset_unregister(flt_filters_kset);
	kobject_put(flt_root);
}

/*
 * Teardowns never wait for operations in a worker, but teardown_start and
 * teardown_complete may sleep as long as their filter likes: as many workers as
 * there can be. The manager's queue waits for teardowns, so it is another one.
 */
static int __init flt_workqueues_init(void)
{
	flt_teardown_wq = alloc_workqueue("fltmgr_teardown", WQ_UNBOUND | WQ_MEM_RECLAIM,
					  WQ_MAX_ACTIVE);
	flt_manager_wq = alloc_workqueue("fltmgr", WQ_UNBOUND | WQ_MEM_RECLAIM, WQ_MAX_ACTIVE);
	/* An unload callback destroys queues and flushes works of any kind. */
	flt_unload_wq = alloc_workqueue("fltmgr_unload", WQ_UNBOUND, 0);
	flt_reap_wq = alloc_workqueue("fltmgr_reap", WQ_UNBOUND, 0);
	if (flt_teardown_wq && flt_manager_wq && flt_unload_wq && flt_reap_wq)
		return flt_work_init();
	return STATUS_INSUFFICIENT_RESOURCES;
}

static void flt_workqueues_exit(void)
{
	/* First: a routine's end may carry a teardown on. */
	flt_work_exit();
	if (flt_unload_wq)
		destroy_workqueue(flt_unload_wq);
	if (flt_reap_wq)
		destroy_workqueue(flt_reap_wq);
	if (flt_manager_wq)
		destroy_workqueue(flt_manager_wq);
	if (flt_teardown_wq)
		destroy_workqueue(flt_teardown_wq);
}

static int __init fltmgr_init(void)
{
	int rc;

	rc = flt_verify_init();
	if (rc)
		goto verifier;
	rc = flt_workqueues_init();
	if (rc)
		goto workqueues;
	rc = flt_node_cache_create();
	if (rc)
		goto workqueues;
	rc = flt_generated_init();
	if (rc)
		goto node_cache;
	rc = flt_context_init();
	if (rc)
		goto generated;
	rc = flt_sysfs_init();
	if (rc)
		goto contexts;
	rc = register_module_notifier(&flt_module_notifier);
	if (rc)
		goto sysfs;
	flt_outstanding_init();
	return 0;

sysfs:
	flt_sysfs_exit();
contexts:
	flt_context_exit();
generated:
	flt_generated_exit();
node_cache:
	flt_node_cache_destroy();
workqueues:
	flt_workqueues_exit();
verifier:
	flt_verify_exit();
	return rc;
}

/*
 * Filters and providers hold our symbols, so none is left. What may be left is
 * the release of their objects, which the kernel may put off.
 */
static void __exit fltmgr_exit(void)
{
	unregister_module_notifier(&flt_module_notifier);
	flt_outstanding_exit();
	flt_verify_life_exit();
	while (atomic_read(&flt_live_objects))
		schedule_timeout_idle(1);
	rcu_barrier();
	flt_context_exit();
	flt_workqueues_exit();
	flt_sysfs_exit();
	flt_generated_exit();
	flt_node_cache_destroy();
	flt_verify_exit();
}

module_init(fltmgr_init);
module_exit(fltmgr_exit);
MODULE_DESCRIPTION("Filter manager");
MODULE_LICENSE("GPL");
