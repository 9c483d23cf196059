// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: a filter that breaks one rule, to see what comes of it.
 *
 *	modprobe fltmgr verifier=rogue
 *	insmod flt_rogue.ko mode=pre-context
 *	... a read of a volume ...
 *	dmesg | tail
 *	echo pend-twice > /sys/module/flt_rogue/parameters/mode
 *	... another read ...
 *
 * Parameters:
 *
 *	mode=NAME	which rule; /sys/kernel/fltmgr/filters/rogue/modes names
 *			them all: name, rule, what is done wrong
 *	good=1		do the same thing rightly
 *
 * Both can be changed while it is loaded, but for modes of loading and unloading.
 * The rule is broken once: by the first read (pre-no-post: write) that comes, or
 * at the time that the mode names. Writing to "mode" makes ready for another time.
 *
 * Files in /sys/kernel/fltmgr/filters/rogue/:
 *
 *	modes		see above
 *	release		write anything: give back what the mode keeps
 *
 * mode=pend-never is a filter that cannot be unloaded: it pends a read and never
 * completes it. rmmod waits; /sys/kernel/debug/fltmgr/outstanding says for what.
 * A write to "release" completes the read and lets the unload end.
 *
 * What to learn here, besides: files of a filter that are to work while it is
 * being unloaded. The unload callback does not remove them; they go with the
 * filter's directory, for which flt_module_exit() waits.
 *
 * Some modes hand the manager what is gone already, or drop a reference of
 * somebody else's. The verifier refuses that before it is touched. Without it the
 * kernel may crash, as it would with a filter that is wrong by mistake.
 */
#include <linux/atomic.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "rogue.h"

static const struct rogue_mode * const rogue_areas[] = {
	rogue_pre_modes, rogue_post_modes, rogue_pend_modes, rogue_queue_modes, rogue_keep_modes,
	rogue_life_modes,
};

static const struct rogue_mode *rogue_mode;
static struct flt_filter *rogue_filter;	/* NULL: is not registered yet */
static atomic_t rogue_spent;		/* the mode has done it */

static bool good;
module_param(good, bool, 0644);
MODULE_PARM_DESC(good, "do it rightly");

/* Does the mode do it rightly? */
bool rogue_good(void)
{
	return READ_ONCE(good);
}

/* True once for each mode that is set. */
static bool rogue_first(void)
{
	return !atomic_xchg(&rogue_spent, 1);
}

/* That was not it, after all. */
void rogue_again(void)
{
	atomic_set(&rogue_spent, 0);
}

static const struct rogue_mode *rogue_find(const char *name)
{
	const struct rogue_mode *mode;
	int i;

	for (i = 0; i < ARRAY_SIZE(rogue_areas); i++)
		for (mode = rogue_areas[i]; mode->name; mode++)
			if (sysfs_streq(name, mode->name))
				return mode;
	return NULL;
}

/* Has it to be known when the module is loaded? */
static bool rogue_only_at_load(const struct rogue_mode *mode)
{
	return mode->init || mode->change;
}

static int rogue_mode_set(const char *val, const struct kernel_param *kp)
{
	const struct rogue_mode *mode = rogue_find(val);

	if (!mode)
		return -EINVAL;
	if (rogue_filter && rogue_only_at_load(mode))
		return -EBUSY;
	WRITE_ONCE(rogue_mode, mode);
	rogue_again();
	return 0;
}

static int rogue_mode_get(char *buf, const struct kernel_param *kp)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);

	return sysfs_emit(buf, "%s\n", mode ? mode->name : "");
}

static const struct kernel_param_ops rogue_mode_ops = {
	.set = rogue_mode_set,
	.get = rogue_mode_get,
};

module_param_cb(mode, &rogue_mode_ops, NULL, 0644);
__MODULE_PARM_TYPE(mode, "NAME");
MODULE_PARM_DESC(mode, "what to do wrong (default no-unload)");

static ssize_t modes_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct rogue_mode *mode;
	int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(rogue_areas); i++)
		for (mode = rogue_areas[i]; mode->name; mode++)
			n += sysfs_emit_at(buf, n, "%s %s %s\n", mode->name, mode->rule ?: "-",
					   mode->wrong);
	return n;
}

static ssize_t release_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	rogue_let_go();
	rogue_give_back();
	return count;
}

static struct kobj_attribute modes_attr = __ATTR_RO(modes);
static struct kobj_attribute release_attr = __ATTR_WO(release);

static struct attribute *rogue_attrs[] = {
	&modes_attr.attr,
	&release_attr.attr,
	NULL
};

static const struct attribute_group rogue_group = {
	.attrs = rogue_attrs,
};

static int rogue_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);

	if (mode->pre && rogue_first())
		return mode->pre(data, objs, context);
	return mode->post || mode->drained ? FLT_PREOP_SUCCESS_WITH_CALLBACK :
					     FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void *context, u32 flags)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);
	const struct rogue_undo *undo = context;
	flt_post_operation_callback post;

	if (undo)
		undo->undo();
	post = flags & FLTFL_POST_OPERATION_DRAINING ? mode->drained : mode->post;
	if (post && rogue_first())
		return post(data, objs, context, flags);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int rogue_pre_write(struct flt_callback_data *data, const struct flt_related_objects *objs,
			   void **context)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);

	if (mode->pre_write && rogue_first())
		return mode->pre_write(data, objs, context);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_setup(const struct flt_related_objects *objs, u32 flags, const char *type)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);
	int rc = mode->setup ? mode->setup(objs) : 0;

	return rc ? rc : rogue_queue_setup(objs->instance);
}

static int rogue_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);

	if (mode->query && rogue_first())
		mode->query(objs);
	return 0;
}

static void rogue_teardown_start(const struct flt_related_objects *objs, u32 reason)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);

	rogue_queue_start(objs->instance, rogue_good() || !mode->leaves_queue);
	if (mode->start && rogue_first())
		mode->start(objs);
	if (rogue_good() || !mode->keeps)
		rogue_let_go();
}

static void rogue_teardown_complete(const struct flt_related_objects *objs, u32 reason)
{
	rogue_queue_complete(objs->instance);
	if (rogue_good() || !READ_ONCE(rogue_mode)->keeps)
		rogue_give_back();
}

static int rogue_unload(struct flt_filter *filter, u32 flags)
{
	const struct rogue_mode *mode = READ_ONCE(rogue_mode);

	if (rogue_good())
		rogue_give_back();
	if (mode->unload && !rogue_good())
		return mode->unload(filter);
	flt_unregister_filter(filter);
	return 0;
}

static const struct flt_operation_registration rogue_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = rogue_pre, .post_operation = rogue_post },
	{ .major_function = IRP_MJ_WRITE, .pre_operation = rogue_pre_write },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_context_registration rogue_contexts[] = {
	{ .context_type = FLT_INSTANCE_CONTEXT, .size = 64 },
	{ .context_type = FLT_CONTEXT_END }
};

static const struct flt_instance_definition rogue_instances[] = {
	{ .name = "rogue", .altitude = "45000" },
	{ }
};

static struct flt_registration rogue_registration = {
	.size = sizeof(rogue_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "rogue",
	.instances = rogue_instances,
	.context_registration = rogue_contexts,
	.operation_registration = rogue_operations,
	.filter_unload_callback = rogue_unload,
	.instance_setup_callback = rogue_setup,
	.instance_query_teardown_callback = rogue_query_teardown,
	.instance_teardown_start_callback = rogue_teardown_start,
	.instance_teardown_complete_callback = rogue_teardown_complete,
};

static int __init rogue_register(void)
{
	int rc = flt_register_filter(THIS_MODULE, &rogue_registration, &rogue_filter);

	if (rc)
		return rc;
	rc = sysfs_create_group(flt_filter_kobj(rogue_filter), &rogue_group);
	if (!rc)
		rc = flt_start_filtering(rogue_filter);
	/* What was made is removed with the directory. */
	if (rc)
		flt_unregister_filter(rogue_filter);
	return rc;
}

static int __init rogue_init(void)
{
	int rc;

	if (!rogue_mode)
		rogue_mode = rogue_find("no-unload");
	if (rogue_mode->change && !good)
		rogue_mode->change(&rogue_registration);
	rc = rogue_register();
	return rogue_mode->init && !good ? rogue_mode->init(rc) : rc;
}

static void __exit rogue_exit(void)
{
	if (rogue_mode->forgetful && !good)
		return;
	flt_module_exit(THIS_MODULE);
	/* What an unload does not wait for. */
	rogue_give_back();
}

module_init(rogue_init);
module_exit(rogue_exit);
MODULE_DESCRIPTION("Sample filter: breaks a rule");
MODULE_LICENSE("GPL");
