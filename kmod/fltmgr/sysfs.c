// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/fltmgr: one value per file, see Documentation/ABI/testing/sysfs-kernel-fltmgr.
 *
 *   filters/F/{altitude,state,unload,attach}
 *   filters/F/instances/VOLUME.INSTANCE/{altitude,volume,state,pended,inflight,detach}
 *   volumes/V/{type,entered,left}, volumes/V/stack/INSTANCE -> the instance
 *
 * A store never removes its own directory. "detach" and "unload" start the
 * work and wait, killably, for what the user wants to know; a work item then
 * removes the directory, which waits for the stores.
 */
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"

static ssize_t flt_show_line(char *buf, const char *text)
{
	return sysfs_emit(buf, "%s\n", text);
}

/*
 * Text all through, and not the first page of something longer: no part of what
 * was written is obeyed without the rest.
 */
static bool flt_is_text(const char *buf, size_t count)
{
	return count < PAGE_SIZE && strlen(buf) == count;
}

/* The only thing a trigger takes is "1". */
static int flt_parse_trigger(const char *buf, size_t count)
{
	return flt_is_text(buf, count) && sysfs_streq(buf, "1") ? 0 : STATUS_INVALID_PARAMETER;
}

/* An attribute file that reads or writes a filter, a volume or an instance. */
#define FLT_ATTR(_owner, _name, _mode, _show, _store) \
	static struct kobj_attribute _owner##_attr_##_name = \
		__ATTR(_name, _mode, _show, _store)

/* filters */

static ssize_t filter_altitude_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return flt_show_line(buf, to_filter(kobj)->altitude);
}
FLT_ATTR(filter, altitude, 0444, filter_altitude_show, NULL);

static ssize_t filter_state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return flt_show_line(buf, flt_filter_state_name(READ_ONCE(to_filter(kobj)->state)));
}
FLT_ATTR(filter, state, 0444, filter_state_show, NULL);

static ssize_t filter_verified_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", to_filter(kobj)->verified);
}
FLT_ATTR(filter, verified, 0444, filter_verified_show, NULL);

static ssize_t filter_unload_store(struct kobject *kobj, struct kobj_attribute *attr,
				   const char *buf, size_t count)
{
	int rc = flt_parse_trigger(buf, count);

	if (!rc)
		rc = flt_unload_request(to_filter(kobj));
	return rc ? rc : count;
}
FLT_ATTR(filter, unload, 0200, NULL, filter_unload_store);

/* One of "VOLUME", "VOLUME INSTANCE", "VOLUME INSTANCE ALTITUDE"; "-" for no name. */
static int flt_parse_attach(char *text, char *word[3])
{
	int n = 0;

	text = strim(text);
	while (text) {
		char *token = strsep(&text, " ");

		if (!*token || n == 3)
			return STATUS_INVALID_PARAMETER;
		word[n++] = token;
	}
	if (n > 1 && !strcmp(word[1], "-"))
		word[1] = NULL;
	/* A bad name is no more than not found to a lookup: be precise. */
	if (flt_check_name(word[0]) || (word[1] && flt_check_name(word[1])))
		return STATUS_INVALID_PARAMETER;
	return 0;
}

static int flt_attach_words(struct flt_filter *filter, char *word[3])
{
	struct flt_volume *volume;
	int rc = flt_find_volume(word[0], &volume);

	if (rc)
		return rc;
	rc = flt_attach_manual(filter, volume, word[1], word[2], NULL);
	kobject_put(&volume->kobj);
	return rc;
}

static ssize_t filter_attach_store(struct kobject *kobj, struct kobj_attribute *attr,
				   const char *buf, size_t count)
{
	char *word[3] = {}, *text;
	int rc;

	if (!flt_is_text(buf, count))
		return STATUS_INVALID_PARAMETER;
	text = kstrndup(buf, count, GFP_KERNEL);
	if (!text)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = flt_parse_attach(text, word);
	if (!rc)
		rc = flt_attach_words(to_filter(kobj), word);
	kfree(text);
	return rc ? rc : count;
}
FLT_ATTR(filter, attach, 0200, NULL, filter_attach_store);

static struct attribute *filter_attrs[] = {
	&filter_attr_altitude.attr,
	&filter_attr_state.attr,
	&filter_attr_verified.attr,
	&filter_attr_unload.attr,
	&filter_attr_attach.attr,
	NULL,
};
ATTRIBUTE_GROUPS(filter);

const struct kobj_type flt_filter_ktype = {
	.release = flt_filter_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = filter_groups,
};

/* instances */

static ssize_t instance_altitude_show(struct kobject *kobj, struct kobj_attribute *attr,
				      char *buf)
{
	return flt_show_line(buf, to_instance(kobj)->altitude);
}
FLT_ATTR(instance, altitude, 0444, instance_altitude_show, NULL);

static ssize_t instance_volume_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return flt_show_line(buf, to_instance(kobj)->volume->name);
}
FLT_ATTR(instance, volume, 0444, instance_volume_show, NULL);

static ssize_t instance_state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return flt_show_line(buf, flt_instance_state_name(READ_ONCE(to_instance(kobj)->state)));
}
FLT_ATTR(instance, state, 0444, instance_state_show, NULL);

static ssize_t instance_pended_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct flt_involved sum;

	flt_count_involved(to_instance(kobj), &sum);
	return sysfs_emit(buf, "%u\n", sum.pended);
}
FLT_ATTR(instance, pended, 0444, instance_pended_show, NULL);

static ssize_t instance_inflight_show(struct kobject *kobj, struct kobj_attribute *attr,
				      char *buf)
{
	struct flt_involved sum;

	flt_count_involved(to_instance(kobj), &sum);
	return sysfs_emit(buf, "%u\n", sum.inflight);
}
FLT_ATTR(instance, inflight, 0444, instance_inflight_show, NULL);

static ssize_t instance_detach_store(struct kobject *kobj, struct kobj_attribute *attr,
				     const char *buf, size_t count)
{
	struct flt_instance *inst = to_instance(kobj);
	int rc = flt_parse_trigger(buf, count);

	if (!rc)
		rc = flt_detach_instance(inst);
	if (rc)
		return rc;
	flt_draining_wait(inst->filter);
	if (wait_for_completion_killable(&inst->torn_down))
		return STATUS_THREAD_IS_TERMINATING;
	return count;
}
FLT_ATTR(instance, detach, 0200, NULL, instance_detach_store);

static struct attribute *instance_attrs[] = {
	&instance_attr_altitude.attr,
	&instance_attr_volume.attr,
	&instance_attr_state.attr,
	&instance_attr_pended.attr,
	&instance_attr_inflight.attr,
	&instance_attr_detach.attr,
	NULL,
};
ATTRIBUTE_GROUPS(instance);

const struct kobj_type flt_instance_ktype = {
	.release = flt_instance_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = instance_groups,
};

/* Before the instance is in service; a failure leaves nothing. */
int flt_instance_sysfs_add(struct flt_instance *inst)
{
	int rc;

	/* Its name was set with the instance's. */
	rc = kobject_add(&inst->kobj, inst->filter->instances_kobj, NULL);
	if (rc)
		return rc;
	rc = sysfs_create_link(inst->volume->stack_kobj, &inst->kobj, inst->name);
	if (rc) {
		kobject_del(&inst->kobj);
		return rc;
	}
	inst->in_sysfs = true;
	return 0;
}

/* Waits for stores and shows that run. */
void flt_instance_sysfs_remove(struct flt_instance *inst)
{
	if (!inst->in_sysfs)
		return;
	inst->in_sysfs = false;
	if (inst->announced)
		flt_instance_uevent(inst, false);
	sysfs_remove_link(inst->volume->stack_kobj, inst->name);
	kobject_del(&inst->kobj);
}

/* volumes */

static ssize_t volume_type_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return flt_show_line(buf, to_volume(kobj)->ops->type);
}
FLT_ATTR(volume, type, 0444, volume_type_show, NULL);

static ssize_t volume_entered_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	u64 entered, left;

	flt_inflight_sum(to_volume(kobj), &entered, &left);
	return sysfs_emit(buf, "%llu\n", entered);
}
FLT_ATTR(volume, entered, 0444, volume_entered_show, NULL);

static ssize_t volume_left_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	u64 entered, left;

	flt_inflight_sum(to_volume(kobj), &entered, &left);
	return sysfs_emit(buf, "%llu\n", left);
}
FLT_ATTR(volume, left, 0444, volume_left_show, NULL);

static struct attribute *volume_attrs[] = {
	&volume_attr_type.attr,
	&volume_attr_entered.attr,
	&volume_attr_left.attr,
	NULL,
};
ATTRIBUTE_GROUPS(volume);

const struct kobj_type flt_volume_ktype = {
	.release = flt_volume_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = volume_groups,
};

/* uevents */

static const char *flt_uevent_name(const struct kobject *kobj)
{
	return "fltmgr";
}

const struct kset_uevent_ops flt_uevent_ops = {
	.name = flt_uevent_name,
};

/* For udev: SUBSYSTEM=fltmgr, add and remove of an instance's directory. */
void flt_instance_uevent(struct flt_instance *inst, bool attached)
{
	char *env[6] = {};
	int i, n = 0;

	env[n++] = kasprintf(GFP_KERNEL, "FLT_FILTER=%s", inst->filter->name);
	env[n++] = kasprintf(GFP_KERNEL, "FLT_VOLUME=%s", inst->volume->name);
	env[n++] = kasprintf(GFP_KERNEL, "FLT_INSTANCE=%s", inst->name);
	/* Of any length, and there are 2 KiB for all: whole, or not at all. */
	if (strlen(inst->altitude) <= FLT_NAME_MAX)
		env[n++] = kasprintf(GFP_KERNEL, "FLT_ALTITUDE=%s", inst->altitude);
	if (!attached)
		env[n++] = kasprintf(GFP_KERNEL, "FLT_REASON=%#x", inst->reason);
	/* An array cut short by lack of memory is an event with less in it. */
	kobject_uevent_env(&inst->kobj, attached ? KOBJ_ADD : KOBJ_REMOVE, env);
	for (i = 0; i < n; i++)
		kfree(env[i]);
}
