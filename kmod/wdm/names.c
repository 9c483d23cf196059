// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of devices, and symbolic links to them: /sys/kernel/wdm.
 *
 *	\Device\NAME		Device/NAME/, a directory for each device that is named so
 *	\DosDevices\NAME	DosDevices/NAME -> ../Device/NAME; as \??\ and \GLOBAL??\
 *	\ArcName\NAME		ArcName/NAME, the same
 *
 * As on Windows names differ by more than upper and lower case. Other than there a link
 * leads to a device that is there: one to a link leads to where that does.
 *
 * A link is a way in, and goes in the first stage; the name of a device with it, or in a
 * stage of its own. RLS-10, RLS-50, RLS-71
 */
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "names.h"

DEFINE_MUTEX(wdm_names_mutex);			/* N */
struct kobject *wdm_kobj;
static LIST_HEAD(wdm_names);			/* N */

enum wdm_directory {
	WDM_DEVICE,
	WDM_DOS_DEVICES,
	WDM_ARC_NAME,
	WDM_DIRECTORIES
};

static const struct {
	const char *name;
	enum wdm_directory directory;
} wdm_prefixes[] = {
	{ "Device", WDM_DEVICE },
	{ "DosDevices", WDM_DOS_DEVICES },
	{ "ArcName", WDM_ARC_NAME },
	/* other words for it */
	{ "??", WDM_DOS_DEVICES },
	{ "GLOBAL??", WDM_DOS_DEVICES },
};

static struct kobject *wdm_directories[WDM_DIRECTORIES];

/* A name taken apart. */
struct wdm_path {
	enum wdm_directory directory;
	char leaf[WDM_NAME_MAX];
};

struct wdm_name {
	struct wdm_record record;
	struct list_head link;			/* N */
	struct wdm_path path;			/* I */
	struct wdm_device *device;		/* I; the device's name: referenced */
	struct kobject *kobj;			/* I; the device's name */
	struct kobj_attribute driver;		/* I; the device's name */
	struct wdm_name *target;		/* N; the link's, NULL if that has gone */
};

static struct wdm_name *wdm_name_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_name, record);
}

/* What can be an entry of a directory of sysfs. */
int wdm_check_leaf(const char *leaf)
{
	size_t len = strlen(leaf);

	if (len >= WDM_NAME_MAX)
		return -ENAMETOOLONG;
	if (!len || !strcmp(leaf, ".") || !strcmp(leaf, ".."))
		return -EINVAL;
	for (; *leaf; leaf++)
		if (!isprint(*leaf) || !isascii(*leaf) || *leaf == '/')
			return -EINVAL;
	return 0;
}

static int wdm_parse(const char *text, struct wdm_path *path)
{
	const char *leaf;
	size_t len;
	int n, rc;

	if (!text || *text++ != '\\')
		return -EINVAL;
	leaf = strchr(text, '\\');
	if (!leaf)
		return -EINVAL;
	len = leaf++ - text;
	rc = strchr(leaf, '\\') ? -EINVAL : wdm_check_leaf(leaf);
	if (rc)
		return rc;
	strscpy(path->leaf, leaf);
	for (n = 0; n < ARRAY_SIZE(wdm_prefixes); n++) {
		if (strlen(wdm_prefixes[n].name) != len ||
		    strncasecmp(text, wdm_prefixes[n].name, len))
			continue;
		path->directory = wdm_prefixes[n].directory;
		return 0;
	}
	return -ENOENT;
}

/* It may be going. N */
static struct wdm_name *wdm_name_find(const struct wdm_path *path)
{
	struct wdm_name *name;

	lockdep_assert_held(&wdm_names_mutex);
	list_for_each_entry(name, &wdm_names, link)
		if (name->path.directory == path->directory &&
		    !strcasecmp(name->path.leaf, path->leaf))
			return name;
	return NULL;
}

/* The device's name that a name leads to, or an error. N */
static struct wdm_name *wdm_name_resolve(const char *text)
{
	struct wdm_path path;
	struct wdm_name *name;
	int rc = wdm_parse(text, &path);

	if (rc)
		return ERR_PTR(rc);
	name = wdm_name_find(&path);
	if (name && !name->device)
		name = name->target;
	return name ?: ERR_PTR(-ENOENT);
}

static struct wdm_name *wdm_name_alloc(const struct wdm_path *path)
{
	struct wdm_name *name = kzalloc(sizeof(*name), GFP_KERNEL);

	if (!name)
		return NULL;
	name->path = *path;
	INIT_LIST_HEAD(&name->link);
	return name;
}

static ssize_t wdm_name_driver_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct wdm_name *name = container_of(attr, struct wdm_name, driver);

	return sysfs_emit(buf, "%s\n", name->device->owner.driver->name);
}

/* At once: a put alone may leave it there for a while. NULL is none. */
void wdm_directory_remove(struct kobject *kobj)
{
	kobject_del(kobj);
	kobject_put(kobj);
}

/* The directory of a device. */
static int wdm_name_show(struct wdm_name *name)
{
	int rc;

	name->kobj = kobject_create_and_add(name->path.leaf, wdm_directories[WDM_DEVICE]);
	if (!name->kobj)
		return -ENOMEM;
	sysfs_attr_init(&name->driver.attr);
	name->driver.attr.name = "driver";
	name->driver.attr.mode = 0444;
	name->driver.show = wdm_name_driver_show;
	rc = sysfs_create_file(name->kobj, &name->driver.attr);
	if (rc)
		wdm_directory_remove(name->kobj);
	return rc;
}

/* Waits for who reads the attribute. RLS-12, RLS-71 */
static void wdm_name_hide(struct wdm_name *name)
{
	sysfs_remove_file(name->kobj, &name->driver.attr);
	wdm_directory_remove(name->kobj);
}

/* Of another driver: they lead to nothing from now on, and are that one's to delete. */
static void wdm_name_orphan_links(const struct wdm_name *name)
{
	struct wdm_name *link;

	list_for_each_entry(link, &wdm_names, link)
		if (link->target == name)
			link->target = NULL;
}

static void wdm_name_release(struct wdm_record *record)
{
	struct wdm_name *name = wdm_name_of(record);
	struct wdm_device *device = name->device;

	mutex_lock(&wdm_names_mutex);
	list_del(&name->link);
	wdm_name_orphan_links(name);
	wdm_name_hide(name);
	mutex_unlock(&wdm_names_mutex);
	spin_lock_irq(&wdm_ledger_lock);
	device->name = NULL;
	spin_unlock_irq(&wdm_ledger_lock);
	kfree(name);
	wdm_device_put(device);
}

static const struct wdm_kind wdm_name_kind = {
	.name = "device name",
	.rule = "V-RLS-11",
	.stage = WDM_STAGE_NAMES,
	.goes_along = true,
	.release = wdm_name_release,
};

static void wdm_link_release(struct wdm_record *record)
{
	struct wdm_name *link = wdm_name_of(record);

	mutex_lock(&wdm_names_mutex);
	list_del(&link->link);
	sysfs_remove_link(wdm_directories[link->path.directory], link->path.leaf);
	mutex_unlock(&wdm_names_mutex);
	kfree(link);
}

static const struct wdm_kind wdm_link_kind = {
	.name = "symbolic link",
	.rule = "V-RLS-11",
	.needs = "V-RLS-11",
	.stage = WDM_STAGE_ENTRIES,
	.release = wdm_link_release,
};

/* A name that is one, and not just what a report calls the device. */
bool wdm_is_name(const char *text)
{
	return text && *text == '\\';
}

/* What a report calls a device of that name. */
const char *wdm_name_leaf(const char *text)
{
	return wdm_is_name(text) ? strrchr(text, '\\') + 1 : text;
}

/* N */
static int wdm_name_enter(struct wdm_name *name, struct wdm_device *device)
{
	int rc;

	if (wdm_name_find(&name->path))
		return -EEXIST;
	rc = wdm_name_show(name);
	if (rc)
		return rc;
	rc = wdm_record_add(&name->record, &device->owner, &wdm_name_kind, name->path.leaf, NULL);
	if (rc) {
		wdm_name_hide(name);
		return rc;
	}
	list_add(&name->link, &wdm_names);
	spin_lock_irq(&wdm_ledger_lock);
	device->name = name;
	spin_unlock_irq(&wdm_ledger_lock);
	return 0;
}

/* May a device have that name? Asked before there is a device. */
int wdm_name_check(const char *text)
{
	struct wdm_path path;
	int rc = wdm_parse(text, &path);

	return !rc && path.directory != WDM_DEVICE ? -EINVAL : rc;
}

/* A device that was just made. PASSIVE */
int wdm_name_add(struct wdm_device *device, const char *text)
{
	struct wdm_path path;
	struct wdm_name *name;
	int rc = wdm_parse(text, &path);

	if (rc)
		return rc;
	name = wdm_name_alloc(&path);
	if (!name)
		return -ENOMEM;
	name->device = device;
	wdm_device_get(device);
	mutex_lock(&wdm_names_mutex);
	rc = wdm_name_enter(name, device);
	mutex_unlock(&wdm_names_mutex);
	if (rc) {
		kfree(name);
		wdm_device_put(device);
	}
	return rc;
}

/* May the device be deleted, as far as its name is concerned? Otherwise reported. L */
bool wdm_name_unused(struct wdm_device *device)
{
	struct wdm_name *name = device->name;

	if (!name || name->record.state != WDM_RECORD_LIVE || !name->record.dependants)
		return true;
	wdm_record_report_needed(&name->record);
	return false;
}

/* It goes with the device. L */
void wdm_name_claim(struct wdm_device *device)
{
	if (device->name && device->name->record.state == WDM_RECORD_LIVE)
		device->name->record.state = WDM_RECORD_CLAIMED;
}

/* The device is being deleted. PASSIVE, if it has a name */
void wdm_name_retire(struct wdm_device *device)
{
	struct wdm_name *name = device->name;

	if (name && name->record.state == WDM_RECORD_CLAIMED)
		wdm_record_end(&name->record);
}

/* The device of that name, referenced; or an error. PASSIVE */
struct wdm_device *wdm_name_open(const char *text)
{
	struct wdm_device *device;
	struct wdm_name *name;
	int rc;

	mutex_lock(&wdm_names_mutex);
	name = wdm_name_resolve(text);
	device = IS_ERR(name) ? ERR_CAST(name) : name->device;
	rc = IS_ERR(device) ? 0 : ob_reference_object(device);
	mutex_unlock(&wdm_names_mutex);
	return rc ? ERR_PTR(rc) : device;
}

/* N */
static int wdm_link_enter(struct wdm_name *link, struct wdm_owner *owner, const char *device)
{
	struct kobject *directory = wdm_directories[link->path.directory];
	struct wdm_name *target = wdm_name_resolve(device);
	int rc;

	if (IS_ERR(target))
		return PTR_ERR(target);
	if (wdm_name_find(&link->path))
		return -EEXIST;
	rc = sysfs_create_link(directory, target->kobj, link->path.leaf);
	if (rc)
		return rc;
	rc = wdm_record_add(&link->record, owner, &wdm_link_kind, link->path.leaf,
			    &target->record);
	if (rc) {
		sysfs_remove_link(directory, link->path.leaf);
		return rc;
	}
	link->target = target;
	list_add(&link->link, &wdm_names);
	return 0;
}

/**
 * io_create_symbolic_link() - give a device another name (IoCreateSymbolicLink)
 * @owner: for whom
 * @link: the new name: "\\DosDevices\\NAME", "\\??\\NAME", or "\\ArcName\\NAME"
 * @device: the name of the device: "\\Device\\NAME", or a link to it
 *
 * sysfs_create_link(), in /sys/kernel/wdm. The device is there, and is not deleted as
 * long as the link is (V-RLS-11). A way in: it goes in the first stage. RLS-10, RLS-50
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, or no such name; -ENAMETOOLONG for 32 characters or
 * more; -ENOENT if there is no such directory, or no such device; -EEXIST if something
 * has the name; -ENOMEM; -EWOULDBLOCK, and reported (LVL-02); -ESHUTDOWN if @owner or
 * the device goes.
 */
int io_create_symbolic_link(struct wdm_owner *owner, const char *link, const char *device)
{
	struct wdm_path path;
	struct wdm_name *made;
	int rc;

	if (!owner || !link || !device)
		return -EINVAL;
	if (!wdm_passive(owner->driver, "io_create_symbolic_link"))
		return -EWOULDBLOCK;
	rc = wdm_parse(link, &path);
	if (rc || path.directory == WDM_DEVICE)
		return rc ?: -EINVAL;
	made = wdm_name_alloc(&path);
	if (!made)
		return -ENOMEM;
	mutex_lock(&wdm_names_mutex);
	rc = wdm_link_enter(made, owner, device);
	mutex_unlock(&wdm_names_mutex);
	if (rc)
		kfree(made);
	return rc;
}
EXPORT_SYMBOL_GPL(io_create_symbolic_link);

/**
 * io_delete_symbolic_link() - take it away (IoDeleteSymbolicLink)
 * @link: a name that io_create_symbolic_link() has given
 *
 * sysfs_remove_link(). RLS-50
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, no such name, or the name of a device; -ENAMETOOLONG;
 * -ENOENT if there is no such link; -EWOULDBLOCK, and reported (LVL-02); -EBUSY, and
 * reported (V-RLS-13), if something needs it; -EALREADY if somebody deletes it, which is
 * reported (V-GLB-9) if it is not the unload.
 */
int io_delete_symbolic_link(const char *link)
{
	struct wdm_path path;
	struct wdm_name *name;
	int rc;

	if (!link)
		return -EINVAL;
	if (!wdm_passive(NULL, "io_delete_symbolic_link"))
		return -EWOULDBLOCK;
	rc = wdm_parse(link, &path);
	if (rc || path.directory == WDM_DEVICE)
		return rc ?: -EINVAL;
	mutex_lock(&wdm_names_mutex);
	name = wdm_name_find(&path);
	rc = name ? wdm_record_claim(&name->record, &wdm_link_kind) : -ENOENT;
	mutex_unlock(&wdm_names_mutex);
	if (!rc)
		wdm_record_end(&name->record);
	return rc;
}
EXPORT_SYMBOL_GPL(io_delete_symbolic_link);

int wdm_names_init(void)
{
	int n;

	wdm_kobj = kobject_create_and_add("wdm", kernel_kobj);
	if (!wdm_kobj)
		return -ENOMEM;
	for (n = 0; n < WDM_DIRECTORIES; n++) {
		wdm_directories[n] = kobject_create_and_add(wdm_prefixes[n].name, wdm_kobj);
		if (!wdm_directories[n])
			return -ENOMEM;
	}
	return wdm_devicemap_init();
}

/* After a failure, too. */
void wdm_names_exit(void)
{
	int n;

	wdm_devicemap_exit();
	for (n = 0; n < WDM_DIRECTORIES; n++)
		wdm_directory_remove(wdm_directories[n]);
	wdm_directory_remove(wdm_kobj);
}
