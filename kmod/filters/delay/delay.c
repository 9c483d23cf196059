// SPDX-License-Identifier: GPL-2.0-only
/*
 * delay: holds reads and writes back, for a while or until it is told.
 *
 *	insmod fltmgr.ko
 *	insmod flt_delay.ko ops=write ms=50
 *	insmod flt_delay.ko hold=1 agent=kthread mode=post
 *
 * Parameters; those marked * can be changed while it is loaded:
 *
 *	ops=read|write|both	what is held back
 *	ms=N *			for how many milliseconds
 *	hold=1 *		until somebody writes to the "release" file instead
 *	mode=pre		the pre-operation pends (PENDING)
 *	     post		the post-operation does (MORE_PROCESSING_REQUIRED)
 *	     sync		the post-operation waits in its thread (SYNCHRONIZE)
 *	answer=callback		after mode=pre: send it down, see its post-operation
 *	       pass		... and do not
 *	       fail		... or end it with EIO
 *	agent=timer|workqueue|kthread	who releases what is held
 *	      deferred		a worker of the manager's for each, which waits
 *	refuse=1 *		refuse to be detached and, unless by rmmod, unloaded
 *
 * Files in /sys/kernel/fltmgr/filters/delay/:
 *
 *	held		operations held back now
 *	pended		... so far
 *	released	... and let go again
 *	drained		post-operations called because an instance went
 *	release		write N or "all": let the oldest go that wait to be told
 *
 * What to learn here: how to pend. An operation that was handed to an agent may
 * come back before the callback that pended it returned, so the callback
 * touches nothing afterwards. A teardown waits for what is pended for ever: the
 * teardown_start callback completes it, and from then on nothing is pended any
 * more. Agents are stopped when the filter is unregistered, not before.
 *
 * One agent serves all operations. If a lower filter waits in it for the device
 * (SYNCHRONIZE), everything held here waits too; volumes that are stacked on
 * each other want one filter each.
 */
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "delay.h"

static char *ops = "both";
module_param(ops, charp, 0444);
MODULE_PARM_DESC(ops, "read, write or both");

static char *mode = "pre";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "pre, post or sync");

static char *answer = "callback";
module_param(answer, charp, 0444);
MODULE_PARM_DESC(answer, "callback, pass or fail");

static char *agent = "timer";
module_param(agent, charp, 0444);
MODULE_PARM_DESC(agent, "timer, workqueue, kthread or deferred");

static unsigned int ms = 10;
module_param(ms, uint, 0644);
MODULE_PARM_DESC(ms, "how long to hold an operation back, in milliseconds");

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "hold operations back until told");

static bool refuse;
module_param(refuse, bool, 0644);
MODULE_PARM_DESC(refuse, "refuse to be detached or unloaded");

static const char * const mode_names[] = { "pre", "post", "sync" };
static const char * const answer_names[] = { "callback", "pass", "fail" };
static const char * const agent_names[] = { "timer", "workqueue", "kthread", "deferred" };

static enum delay_mode mode_value;

static int delay_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **completion_context)
{
	if (mode_value == DELAY_SYNC)
		return FLT_PREOP_SYNCHRONIZE;
	if (!delay_hold_back(data, objs->instance, READ_ONCE(hold), READ_ONCE(ms)))
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	/* An agent may have completed it by now: @data is not to be touched. */
	return FLT_PREOP_PENDING;
}

static int delay_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void *completion_context, u32 flags)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING) {
		/* A copy: there is nothing to hold back, and pending is not allowed. */
		delay_drained();
		return FLT_POSTOP_FINISHED_PROCESSING;
	}
	if (mode_value == DELAY_PRE)
		return FLT_POSTOP_FINISHED_PROCESSING;
	if (!delay_hold_back(data, objs->instance, READ_ONCE(hold), READ_ONCE(ms)))
		return FLT_POSTOP_FINISHED_PROCESSING;
	if (mode_value == DELAY_POST)
		return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	/* After SYNCHRONIZE we are in the pre-operation's thread, which may sleep. */
	delay_wait_released(data);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int delay_setup(const struct flt_related_objects *objs, u32 flags,
		       const char *volume_type)
{
	return delay_add_instance(objs->instance);
}

static int delay_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return READ_ONCE(refuse) ? STATUS_FLT_DO_NOT_DETACH : 0;
}

static void delay_teardown_start(const struct flt_related_objects *objs, u32 reason)
{
	delay_close_instance(objs->instance);
}

static void delay_teardown_complete(const struct flt_related_objects *objs, u32 reason)
{
	delay_remove_instance(objs->instance);
}

static ssize_t release_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	unsigned long n = ULONG_MAX;
	int err;

	if (!sysfs_streq(buf, "all")) {
		err = kstrtoul(buf, 0, &n);
		if (err)
			return err;
	}
	delay_release(n);
	return count;
}

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

#define DELAY_COUNTER(__name) __ATTR(__name, 0444, counter_show, NULL)

static struct kobj_attribute delay_files[DELAY_NR_COUNTERS] = {
	[DELAY_HELD] = DELAY_COUNTER(held),
	[DELAY_PENDED] = DELAY_COUNTER(pended),
	[DELAY_RELEASED] = DELAY_COUNTER(released),
	[DELAY_DRAINED] = DELAY_COUNTER(drained),
};

static ssize_t counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", delay_counter(attr - delay_files));
}

static struct kobj_attribute release_attr = __ATTR_WO(release);

static struct attribute *delay_attrs[] = {
	&delay_files[DELAY_HELD].attr,
	&delay_files[DELAY_PENDED].attr,
	&delay_files[DELAY_RELEASED].attr,
	&delay_files[DELAY_DRAINED].attr,
	&release_attr.attr,
	NULL
};

static const struct attribute_group delay_group = {
	.attrs = delay_attrs,
};

static int delay_unload(struct flt_filter *filter, u32 flags)
{
	/* Refuse before anything is undone, or not at all. */
	if (READ_ONCE(refuse) && !(flags & FLTFL_FILTER_UNLOAD_MANDATORY))
		return STATUS_FLT_DO_NOT_DETACH;
	sysfs_remove_group(flt_filter_kobj(filter), &delay_group);
	flt_unregister_filter(filter);
	delay_stop_agent();
	return 0;
}

static const struct flt_instance_definition delay_instance_definitions[] = {
	{ .name = "delay", .altitude = "328000" },
	{ }
};

/* What is not registered does not even come here: filled in by the parameters. */
static struct flt_operation_registration delay_operations[3];

static const struct flt_registration delay_registration = {
	.size = sizeof(delay_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "delay",
	.instances = delay_instance_definitions,
	.operation_registration = delay_operations,
	.filter_unload_callback = delay_unload,
	.instance_setup_callback = delay_setup,
	.instance_query_teardown_callback = delay_query_teardown,
	.instance_teardown_start_callback = delay_teardown_start,
	.instance_teardown_complete_callback = delay_teardown_complete,
};

static int __init delay_choose(const char *param, const char * const *names, int n,
			       const char *value)
{
	int chosen = match_string(names, n, value);

	if (chosen < 0)
		pr_err("flt_delay: %s=%s is not known\n", param, value);
	return chosen;
}

static int __init delay_choose_operations(void)
{
	static const char * const names[] = { "read", "write", "both" };
	static const u8 majors[] = { IRP_MJ_READ, IRP_MJ_WRITE };
	int chosen = delay_choose("ops", names, ARRAY_SIZE(names), ops);
	int i, n = 0;

	if (chosen < 0)
		return chosen;
	for (i = 0; i < ARRAY_SIZE(majors); i++) {
		if (chosen != i && chosen != ARRAY_SIZE(majors))
			continue;
		delay_operations[n].major_function = majors[i];
		/* A post-operation alone is called for every operation. */
		delay_operations[n].pre_operation = mode_value == DELAY_POST ? NULL : delay_pre;
		delay_operations[n].post_operation = delay_post;
		n++;
	}
	delay_operations[n].major_function = IRP_MJ_OPERATION_END;
	return 0;
}

static int __init delay_init(void)
{
	int mode_chosen = delay_choose("mode", mode_names, ARRAY_SIZE(mode_names), mode);
	int answer_chosen = delay_choose("answer", answer_names, ARRAY_SIZE(answer_names), answer);
	int agent_chosen = delay_choose("agent", agent_names, ARRAY_SIZE(agent_names), agent);
	struct flt_filter *filter;
	int err;

	if (mode_chosen < 0 || answer_chosen < 0 || agent_chosen < 0)
		return -EINVAL;
	mode_value = mode_chosen;
	err = delay_choose_operations();
	if (err)
		return err;

	/* Everything a callback needs is there before it can be called. */
	err = delay_start_agent(mode_chosen, answer_chosen, agent_chosen);
	if (err)
		return err;
	err = flt_register_filter(THIS_MODULE, &delay_registration, &filter);
	if (err)
		goto err_agent;
	err = sysfs_create_group(flt_filter_kobj(filter), &delay_group);
	if (err)
		goto err_unregister;
	err = flt_start_filtering(filter);
	if (err)
		goto err_group;
	return 0;

err_group:
	sysfs_remove_group(flt_filter_kobj(filter), &delay_group);
err_unregister:
	flt_unregister_filter(filter);
err_agent:
	delay_stop_agent();
	return err;
}
module_init(delay_init);

static void __exit delay_exit(void)
{
	/* The unload callback is called, unless it was before. */
	flt_module_exit(THIS_MODULE);
}
module_exit(delay_exit);

MODULE_DESCRIPTION("Sample filter: holds operations back");
MODULE_LICENSE("GPL");
