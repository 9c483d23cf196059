// SPDX-License-Identifier: GPL-2.0-only
/*
 * File objects: a device of another driver's, found by its name; or a file of Linux,
 * which may be a device, too.
 *
 * What is opened stays: the driver of the device is loaded, and the memory of the device
 * there. It may be removed all the same, as with a file open (RLS-04).
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "names.h"

#define WDM_ACCESS	(FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES)

static struct wdm_file_object *wdm_file_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_file_object, record);
}

static void wdm_file_let_go(struct wdm_file_object *object)
{
	struct module *module = object->device->owner.driver->module;

	ob_dereference_object(object->top);
	ob_dereference_object(object->device);
	/* Now the lower driver may go. RLS-61 */
	module_put(module);
}

/*
 * Its release has run when this returns, if nobody else has the file: a thread of the
 * kernel's would leave that to a work item, a process to its way back. RLS-62
 */
static void wdm_file_close(struct file *file)
{
	get_file(file);
	filp_close(file, NULL);
	__fput_sync(file);
}

static void wdm_file_release(struct wdm_record *record)
{
	struct wdm_file_object *object = wdm_file_of(record);

	if (object->file)
		wdm_file_close(object->file);
	else
		wdm_file_let_go(object);
	kfree(object);
}

static const struct wdm_kind wdm_file_kind = {
	.name = "file object",
	.rule = "RLS-61",
	.stage = WDM_STAGE_OBJECTS,
	.release = wdm_file_release,
};

static int wdm_file_open_linux(struct wdm_file_object *object, const char *path,
			       unsigned int access)
{
	bool read = access & FILE_READ_DATA, write = access & FILE_WRITE_DATA;
	struct file *file = filp_open(path, write ? read ? O_RDWR : O_WRONLY : O_RDONLY, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	object->file = file;
	return 0;
}

static int wdm_file_open_device(struct wdm_file_object *object, const char *name)
{
	struct wdm_device *device = wdm_name_open(name);
	int rc = -ESHUTDOWN;

	if (IS_ERR(device))
		return PTR_ERR(device);
	if (!try_module_get(device->owner.driver->module))
		goto err_device;
	object->top = wdm_device_top(device);
	if (!object->top)
		goto err_module;
	object->device = device;
	return 0;

err_module:
	module_put(device->owner.driver->module);
err_device:
	ob_dereference_object(device);
	return rc;
}

static int wdm_file_open(struct wdm_file_object *object, const char *name, unsigned int access)
{
	if (*name == '/')
		return wdm_file_open_linux(object, name, access);
	return wdm_file_open_device(object, name);
}

/**
 * io_get_device_object_pointer() - open a device of another driver's
 *	(IoGetDeviceObjectPointer)
 * @owner: for whom
 * @name: "\\Device\\NAME" or a symbolic link; or the path of a file of Linux, which
 *	begins with "/"
 * @desired_access: %FILE_READ_DATA, %FILE_WRITE_DATA, %FILE_READ_ATTRIBUTES; it counts
 *	for a file of Linux, everybody may do everything with a device
 * @file: receives the file object, for ob_dereference_file_object()
 * @device: receives the device at the top of the stack of the one that was named; NULL
 *	for a file of Linux
 *
 * References to both devices, and to the module of the lower driver, which cannot be
 * unloaded until they are given back; or filp_open(). They keep the pointer good, and
 * no device from being removed: io_acquire_remove_lock() says whether it is there. Who
 * gives the file object back and keeps the pointer references that before,
 * or attaches to it. RLS-61, RLS-63
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, no such name or access; -ENAMETOOLONG; -ENOENT if there
 * is no such device; -ENOMEM; -EWOULDBLOCK, and reported (LVL-02); -ESHUTDOWN if @owner,
 * the device, or its driver goes; what filp_open() says.
 */
int io_get_device_object_pointer(struct wdm_owner *owner, const char *name,
				 unsigned int desired_access, struct wdm_file_object **file,
				 struct wdm_device **device)
{
	struct wdm_file_object *object;
	int rc;

	if (!owner || !name || !file || !device || !desired_access ||
	    desired_access & ~WDM_ACCESS)
		return -EINVAL;
	if (!wdm_passive(owner->driver, "io_get_device_object_pointer"))
		return -EWOULDBLOCK;
	object = kzalloc(sizeof(*object), GFP_KERNEL);
	if (!object)
		return -ENOMEM;
	rc = wdm_file_open(object, name, desired_access);
	if (rc) {
		kfree(object);
		return rc;
	}
	rc = wdm_record_add(&object->record, owner, &wdm_file_kind, kbasename(wdm_name_leaf(name)),
			    NULL);
	if (rc) {
		wdm_file_release(&object->record);
		return rc;
	}
	*file = object;
	*device = object->top;
	return 0;
}
EXPORT_SYMBOL_GPL(io_get_device_object_pointer);

/* A file of Linux, as far as the ledger knows: nothing is known of the address yet. */
static bool wdm_file_is_linux(struct wdm_file_object *object)
{
	unsigned long flags;
	bool is;

	spin_lock_irqsave(&wdm_ledger_lock, flags);
	is = wdm_record_find(&object->record, &wdm_file_kind) && object->file;
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	return is;
}

/**
 * ob_dereference_file_object() - give a file object back (ObDereferenceObject)
 * @file: what io_get_device_object_pointer() gave
 *
 * After that the lower driver may go. To be done before detaching. A file of Linux has
 * been released when this returns, unless somebody else has it. RLS-61, RLS-62
 *
 * Context: DISPATCH; PASSIVE for a file of Linux.
 * Return: 0; -EINVAL, and reported (V-GLB-9), if it is none, or not any more; -EBUSY,
 * and reported (V-RLS-13), if something needs it, or before its stage of an unload;
 * -EWOULDBLOCK, and reported (LVL-02); -EALREADY if the unload does it.
 */
int ob_dereference_file_object(struct wdm_file_object *file)
{
	if (!file)
		return -EINVAL;
	if (!wdm_may_sleep() && wdm_file_is_linux(file)) {
		wdm_passive(NULL, "ob_dereference_file_object");
		return -EWOULDBLOCK;
	}
	return wdm_release(&file->record, &wdm_file_kind);
}
EXPORT_SYMBOL_GPL(ob_dereference_file_object);
