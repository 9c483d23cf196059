// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device map: which devices there are of a class, as drivers say:
 * /sys/kernel/wdm/DeviceMap/CLASS/NAME. RLS-71
 *
 * On Windows a key of the registry, to which drivers write; no other key is here.
 */
#include <linux/export.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "names.h"

#define WDM_VALUE_MAX	256

static struct kobject *wdm_devicemap;
static LIST_HEAD(wdm_classes);			/* N */

struct wdm_class {
	struct list_head link;			/* N */
	struct list_head values;		/* N */
	struct kobject *kobj;			/* I */
	char name[WDM_NAME_MAX];		/* I */
};

struct wdm_value {
	struct wdm_record record;
	struct list_head link;			/* N */
	struct wdm_class *class;		/* I */
	struct kobj_attribute attr;		/* I */
	char name[WDM_NAME_MAX];		/* I */
	spinlock_t lock;			/* text */
	char text[WDM_VALUE_MAX];
};

/* N */
static struct wdm_class *wdm_class_find(const char *name)
{
	struct wdm_class *class;

	list_for_each_entry(class, &wdm_classes, link)
		if (!strcasecmp(class->name, name))
			return class;
	return NULL;
}

/* N */
static struct wdm_class *wdm_class_get(const char *name)
{
	struct wdm_class *class = wdm_class_find(name);

	if (class)
		return class;
	class = kzalloc(sizeof(*class), GFP_KERNEL);
	if (!class)
		return NULL;
	class->kobj = kobject_create_and_add(name, wdm_devicemap);
	if (!class->kobj) {
		kfree(class);
		return NULL;
	}
	strscpy(class->name, name);
	INIT_LIST_HEAD(&class->values);
	list_add(&class->link, &wdm_classes);
	return class;
}

/* It goes with its last value. N */
static void wdm_class_put(struct wdm_class *class)
{
	if (!list_empty(&class->values))
		return;
	list_del(&class->link);
	wdm_directory_remove(class->kobj);
	kfree(class);
}

/* N */
static struct wdm_value *wdm_value_find(struct wdm_class *class, const char *name)
{
	struct wdm_value *value;

	if (!class)
		return NULL;
	list_for_each_entry(value, &class->values, link)
		if (!strcasecmp(value->name, name))
			return value;
	return NULL;
}

static ssize_t wdm_value_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct wdm_value *value = container_of(attr, struct wdm_value, attr);
	ssize_t n;

	spin_lock(&value->lock);
	n = sysfs_emit(buf, "%s\n", value->text);
	spin_unlock(&value->lock);
	return n;
}

static void wdm_value_write(struct wdm_value *value, const char *text)
{
	spin_lock(&value->lock);
	strscpy(value->text, text);
	spin_unlock(&value->lock);
}

static void wdm_value_release(struct wdm_record *record)
{
	struct wdm_value *value = container_of(record, struct wdm_value, record);

	mutex_lock(&wdm_names_mutex);
	list_del(&value->link);
	/* Waits for who reads it. RLS-71 */
	sysfs_remove_file(value->class->kobj, &value->attr.attr);
	wdm_class_put(value->class);
	mutex_unlock(&wdm_names_mutex);
	kfree(value);
}

static const struct wdm_kind wdm_value_kind = {
	.name = "registry value",
	.rule = "V-RLS-11",
	.stage = WDM_STAGE_NAMES,
	.release = wdm_value_release,
};

/* N */
static int wdm_value_enter(struct wdm_value *value, struct wdm_owner *owner)
{
	int rc = sysfs_create_file(value->class->kobj, &value->attr.attr);

	if (rc)
		return rc;
	rc = wdm_record_add(&value->record, owner, &wdm_value_kind, value->name, NULL);
	if (rc)
		sysfs_remove_file(value->class->kobj, &value->attr.attr);
	return rc;
}

/* N */
static int wdm_value_make(struct wdm_owner *owner, const char *class, const char *name,
			  const char *text)
{
	struct wdm_value *value = kzalloc(sizeof(*value), GFP_KERNEL);
	int rc = -ENOMEM;

	if (!value)
		return -ENOMEM;
	value->class = wdm_class_get(class);
	if (!value->class)
		goto err_free;
	spin_lock_init(&value->lock);
	strscpy(value->name, name);
	strscpy(value->text, text);
	sysfs_attr_init(&value->attr.attr);
	value->attr.attr.name = value->name;
	value->attr.attr.mode = 0444;
	value->attr.show = wdm_value_show;
	rc = wdm_value_enter(value, owner);
	if (rc)
		goto err_class;
	list_add(&value->link, &value->class->values);
	return 0;

err_class:
	wdm_class_put(value->class);
err_free:
	kfree(value);
	return rc;
}

static int wdm_value_check(unsigned int relative_to, const char *path, const char *name)
{
	if (!path || !name)
		return -EINVAL;
	if (relative_to != RTL_REGISTRY_DEVICEMAP)
		return -EOPNOTSUPP;
	return wdm_check_leaf(path) ?: wdm_check_leaf(name);
}

/**
 * rtl_write_registry_value() - say in the device map what a device is called
 *	(RtlWriteRegistryValue)
 * @owner: for whom
 * @relative_to: %RTL_REGISTRY_DEVICEMAP: there is no other
 * @path: the class of the devices, as "SERIALCOMM"
 * @name: of the value, often that of a device
 * @value: what it is called; a string
 *
 * A file of sysfs, below /sys/kernel/wdm/DeviceMap. A value of the driver's own is
 * written over. It goes in the stage of the names. RLS-71
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, or what cannot be a name there; -ENAMETOOLONG for a
 * name of 32 characters or more, or a value of 256; -EOPNOTSUPP for another key; -EEXIST
 * if it is another driver's; -ENOMEM; -EWOULDBLOCK, and reported (LVL-02); -ESHUTDOWN if
 * @owner goes.
 */
int rtl_write_registry_value(struct wdm_owner *owner, unsigned int relative_to, const char *path,
			     const char *name, const char *value)
{
	struct wdm_value *there;
	int rc;

	if (!owner || !value)
		return -EINVAL;
	rc = wdm_value_check(relative_to, path, name);
	if (!rc && strlen(value) >= WDM_VALUE_MAX)
		rc = -ENAMETOOLONG;
	if (rc)
		return rc;
	if (!wdm_passive(owner->driver, "rtl_write_registry_value"))
		return -EWOULDBLOCK;
	mutex_lock(&wdm_names_mutex);
	there = wdm_value_find(wdm_class_find(path), name);
	if (!there)
		rc = wdm_value_make(owner, path, name, value);
	else if (there->record.owner->driver != owner->driver)
		rc = -EEXIST;
	else
		wdm_value_write(there, value);
	mutex_unlock(&wdm_names_mutex);
	return rc;
}
EXPORT_SYMBOL_GPL(rtl_write_registry_value);

/**
 * rtl_delete_registry_value() - take it out of the device map (RtlDeleteRegistryValue)
 * @relative_to: %RTL_REGISTRY_DEVICEMAP
 * @path: the class
 * @name: of the value
 *
 * Waits for who reads it. RLS-71
 *
 * Context: PASSIVE.
 * Return: 0; -ENOENT if there is none; -EINVAL, -ENAMETOOLONG, -EOPNOTSUPP, -EWOULDBLOCK
 * as rtl_write_registry_value(); -EBUSY, and reported (V-RLS-13), before its stage of an
 * unload; -EALREADY if somebody deletes it, which is reported (V-GLB-9) if it is not
 * the unload.
 */
int rtl_delete_registry_value(unsigned int relative_to, const char *path, const char *name)
{
	struct wdm_value *value;
	int rc = wdm_value_check(relative_to, path, name);

	if (rc)
		return rc;
	if (!wdm_passive(NULL, "rtl_delete_registry_value"))
		return -EWOULDBLOCK;
	mutex_lock(&wdm_names_mutex);
	value = wdm_value_find(wdm_class_find(path), name);
	rc = value ? wdm_record_claim(&value->record, &wdm_value_kind) : -ENOENT;
	mutex_unlock(&wdm_names_mutex);
	if (!rc)
		wdm_record_end(&value->record);
	return rc;
}
EXPORT_SYMBOL_GPL(rtl_delete_registry_value);

int wdm_devicemap_init(void)
{
	wdm_devicemap = kobject_create_and_add("DeviceMap", wdm_kobj);
	return wdm_devicemap ? 0 : -ENOMEM;
}

void wdm_devicemap_exit(void)
{
	wdm_directory_remove(wdm_devicemap);
}
