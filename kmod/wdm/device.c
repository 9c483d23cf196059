// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: their references, who is inside, and which is attached to which.
 */
#include <linux/export.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "names.h"

static DEFINE_MUTEX(wdm_stack_mutex);		/* T */

static struct wdm_device *wdm_device_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_device, record);
}

/* Nobody comes in any more, and it is referenced no more. RLS-01, RLS-81 */
void wdm_device_close(struct wdm_device *device)
{
	unsigned long flags;

	spin_lock_irqsave(&device->lock, flags);
	device->going = true;
	spin_unlock_irqrestore(&device->lock, flags);
}

static void wdm_device_mark(struct wdm_record *record)
{
	wdm_device_close(wdm_device_of(record));
}

/* Of the driver itself, or of another device: those of this one are its dependants. */
static const char *wdm_device_try_close(struct wdm_record *record)
{
	struct wdm_device *device = wdm_device_of(record);
	struct wdm_record *inside;

	inside = wdm_record_within(device->device_extension, device->extension_size);
	if (inside) {
		wdm_record_report_pair("V-GLB-3", record, "is deleted, but", inside,
				       "is in its extension");
		return "";
	}
	if (!wdm_name_unused(device) || !wdm_io_timer_claim(device))
		return "";
	wdm_name_claim(device);
	wdm_device_close(device);
	return NULL;
}

static void wdm_device_drain(struct wdm_record *record)
{
	wdm_io_timer_retire(wdm_device_of(record));
	wdm_name_retire(wdm_device_of(record));
}

static void wdm_device_release(struct wdm_record *record)
{
	wdm_device_put(wdm_device_of(record));
}

const struct wdm_kind wdm_device_kind = {
	.name = "device",
	.rule = "RLS-81",
	.stage = WDM_STAGE_DEVICES,
	.mark = wdm_device_mark,
	.close = wdm_device_try_close,
	.drain = wdm_device_drain,
	.release = wdm_device_release,
};

static void wdm_device_free(struct kref *ref)
{
	struct wdm_device *device = container_of(ref, struct wdm_device, ref);
	struct wdm_driver *driver = device->owner.driver;
	unsigned long flags;

	spin_lock_irqsave(&wdm_ledger_lock, flags);
	list_del(&device->link);
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	wdm_io_timer_free(device);
	kfree(device->device_extension);
	kfree(device);
	wdm_driver_put(driver);
}

void wdm_device_get(struct wdm_device *device)
{
	kref_get(&device->ref);
}

/* Nothing of the driver's module is called or needed. Any context. */
void wdm_device_put(struct wdm_device *device)
{
	kref_put(&device->ref, wdm_device_free);
}

static struct wdm_device *wdm_device_alloc(struct wdm_driver *driver, size_t extension_size)
{
	struct wdm_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	device->device_extension = kzalloc(extension_size ?: 1, GFP_KERNEL);
	if (!device->device_extension) {
		kfree(device);
		return NULL;
	}
	device->owner.driver = driver;
	device->owner.device = device;
	device->extension_size = extension_size;
	INIT_LIST_HEAD(&device->wait.link);
	spin_lock_init(&device->lock);
	kref_init(&device->ref);
	kref_get(&driver->ref);
	spin_lock_irq(&wdm_ledger_lock);
	list_add_tail(&device->link, &driver->devices);
	spin_unlock_irq(&wdm_ledger_lock);
	return device;
}

/* It is made, and gets its name. */
static int wdm_device_enter(struct wdm_device *device, const char *name)
{
	int rc = wdm_record_add(&device->record, &device->owner, &wdm_device_kind,
				wdm_name_leaf(name), NULL);

	if (rc) {
		wdm_device_put(device);
		return rc;
	}
	if (!wdm_is_name(name))
		return 0;
	rc = wdm_name_add(device, name);
	if (rc)
		wdm_release(&device->record, &wdm_device_kind);
	return rc;
}

/**
 * io_create_device() - make a device (IoCreateDevice)
 * @driver: the driver
 * @extension_size: bytes of memory that the driver wants with it
 * @name: "\\Device\\NAME", which others find it by; or what reports call it; or NULL
 * @device: receives the device
 *
 * A counted structure in kernel memory. Of one with a name there is a directory,
 * /sys/kernel/wdm/Device/NAME. It is released by io_delete_device(), by
 * wdm_remove_device(), or by wdm_unload(). RLS-81, RLS-04, RLS-71
 *
 * Context: PASSIVE.
 * Return: 0; -ENOMEM; -EINVAL for a NULL, or no such name; -ENAMETOOLONG for 32
 * characters or more; -ENOENT for another directory; -EEXIST if a device has the name;
 * -ESHUTDOWN if the driver unloads; -EPERM if it has broken a rule, and
 * wdm.verifier_action is "refuse".
 */
int io_create_device(struct wdm_driver *driver, size_t extension_size, const char *name,
		     struct wdm_device **device)
{
	struct wdm_device *made;
	int rc;

	if (!driver || !device)
		return -EINVAL;
	if (!wdm_passive(driver, "io_create_device"))
		return -EWOULDBLOCK;
	if (wdm_verify_banned(driver))
		return -EPERM;
	rc = wdm_is_name(name) ? wdm_name_check(name) : 0;
	if (rc)
		return rc;
	made = wdm_device_alloc(driver, extension_size);
	if (!made)
		return -ENOMEM;
	rc = wdm_device_enter(made, name);
	if (!rc)
		*device = made;
	return rc;
}
EXPORT_SYMBOL_GPL(io_create_device);

/* What goes with it can sleep; nothing is known of the address yet. */
static bool wdm_device_named(struct wdm_device *device)
{
	unsigned long flags;
	bool named;

	spin_lock_irqsave(&wdm_ledger_lock, flags);
	named = wdm_record_find(&device->record, &wdm_device_kind) && device->name;
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	return named;
}

/**
 * io_delete_device() - delete a device (IoDeleteDevice)
 * @device: a device of the caller's driver
 *
 * It takes no new reference from then on, and its memory goes with the last one
 * that there is. Refused and reported (V-RLS-6, V-RLS-13, V-GLB-3) as long as
 * something that was acquired for it has not been released, it is attached to a
 * device or one to it, or something that is in use lies in its extension; as long as
 * there is a symbolic link to its name (V-RLS-11), which goes with it; and a second time
 * (V-GLB-9). X-14: what is in the extension is not released by this.
 * RLS-63, RLS-64, RLS-71, RLS-81, RLS-82
 *
 * Context: DISPATCH; PASSIVE for one with a name.
 * Return: 0; -EBUSY; -EINVAL if it is no device, or not any more; -EALREADY if
 * it is being released; -EWOULDBLOCK, and reported (LVL-02).
 */
int io_delete_device(struct wdm_device *device)
{
	if (!device)
		return -EINVAL;
	if (!wdm_may_sleep() && wdm_device_named(device)) {
		wdm_passive(NULL, __func__);
		return -EWOULDBLOCK;
	}
	return wdm_release(&device->record, &wdm_device_kind);
}
EXPORT_SYMBOL_GPL(io_delete_device);

/**
 * ob_reference_object() - keep a device (ObReferenceObject)
 * @device: a device that is there: the caller is inside of it, or has a reference
 *
 * A reference keeps the device and its extension, not what is acquired for it.
 *
 * Context: ATOMIC.
 * Return: 0; -ESHUTDOWN (STATUS_DELETE_PENDING) if it is removed or deleted, or
 * its driver unloads. RLS-01, RLS-81
 */
int ob_reference_object(struct wdm_device *device)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&device->lock, flags);
	if (device->going) {
		rc = -ESHUTDOWN;
	} else {
		device->references++;
		kref_get(&device->ref);
	}
	spin_unlock_irqrestore(&device->lock, flags);
	return rc;
}
EXPORT_SYMBOL_GPL(ob_reference_object);

/**
 * ob_dereference_object() - give a reference back (ObDereferenceObject)
 * @device: a device that was referenced
 *
 * One too many is refused and reported as long as the device is there. VER-11
 *
 * Context: ATOMIC.
 */
void ob_dereference_object(struct wdm_device *device)
{
	unsigned long flags;
	bool had;

	spin_lock_irqsave(&device->lock, flags);
	had = device->references;
	if (had)
		device->references--;
	spin_unlock_irqrestore(&device->lock, flags);
	if (had)
		wdm_device_put(device);
	else
		wdm_violation("VER-11", device->owner.driver,
			      "device '%s' is dereferenced, but has no reference",
			      device->record.name);
}
EXPORT_SYMBOL_GPL(ob_dereference_object);

/**
 * io_acquire_remove_lock() - come in (IoAcquireRemoveLock)
 * @device: the device, which the caller has a reference to
 *
 * Around everything that a system call or a request does with what was acquired
 * for the device: wdm_remove_device() and wdm_unload() wait in their first stage
 * until nobody is inside. RLS-05, RLS-13
 *
 * Context: ATOMIC.
 * Return: 0; -ENODEV if the device goes.
 */
int io_acquire_remove_lock(struct wdm_device *device)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&device->lock, flags);
	if (device->going)
		rc = -ENODEV;
	else
		device->inside++;
	spin_unlock_irqrestore(&device->lock, flags);
	return rc;
}
EXPORT_SYMBOL_GPL(io_acquire_remove_lock);

/**
 * io_release_remove_lock() - go out again (IoReleaseRemoveLock)
 * @device: the device
 *
 * Context: ATOMIC.
 */
void io_release_remove_lock(struct wdm_device *device)
{
	unsigned long flags;
	bool had;

	spin_lock_irqsave(&device->lock, flags);
	had = device->inside;
	if (had && !--device->inside)
		wake_up_all(&device->owner.driver->wait);
	spin_unlock_irqrestore(&device->lock, flags);
	if (!had)
		wdm_violation("RLS-13", device->owner.driver,
			      "device '%s' is left, but nobody is inside", device->record.name);
}
EXPORT_SYMBOL_GPL(io_release_remove_lock);

/**
 * io_release_remove_lock_and_wait() - nobody comes in, and who is in leaves
 *	(IoReleaseRemoveLockAndWait)
 * @device: the device
 *
 * The first stage of an unload routine of a driver's own; wdm_remove_device() and
 * wdm_unload() do it themselves. Other than on Windows the caller must not be
 * inside. RLS-05, RLS-13
 *
 * Context: PASSIVE; reported (LVL-02), and nothing waited for, elsewhere.
 */
void io_release_remove_lock_and_wait(struct wdm_device *device)
{
	if (!wdm_passive(device->owner.driver, "io_release_remove_lock_and_wait"))
		return;
	wdm_device_close(device);
	wdm_wait(device->owner.driver, wdm_device_empty(device), "those inside of device %s",
		 device->record.name);
}
EXPORT_SYMBOL_GPL(io_release_remove_lock_and_wait);

bool wdm_device_empty(struct wdm_device *device)
{
	unsigned long flags;
	bool empty;

	spin_lock_irqsave(&device->lock, flags);
	empty = !device->inside;
	spin_unlock_irqrestore(&device->lock, flags);
	return empty;
}

static void wdm_attachment_release(struct wdm_record *record)
{
	struct wdm_device *upper = container_of(record, struct wdm_device, attachment);
	struct wdm_device *lower = upper->lower;
	struct module *module = lower->owner.driver->module;

	mutex_lock(&wdm_stack_mutex);
	upper->lower = NULL;
	lower->upper = NULL;
	mutex_unlock(&wdm_stack_mutex);
	wdm_device_put(lower);
	/* Now the lower driver may go. */
	module_put(module);
	wdm_device_put(upper);
}

const struct wdm_kind wdm_attachment_kind = {
	.name = "attachment",
	.rule = "V-RLS-6",
	.needs = "V-RLS-6",
	.stage = WDM_STAGE_OBJECTS,
	.rank = 1,				/* after file objects: RLS-61 */
	.release = wdm_attachment_release,
};

/* The top of the target's stack; NULL if the source is in it, or in another. T */
static struct wdm_device *wdm_stack_top(struct wdm_device *source, struct wdm_device *target)
{
	if (source->lower || source->upper)
		return NULL;
	while (target != source && target->upper)
		target = target->upper;
	return target != source ? target : NULL;
}

/* T */
static struct wdm_device *wdm_attach(struct wdm_device *source, struct wdm_device *target)
{
	struct wdm_device *lower = wdm_stack_top(source, target);
	struct module *module;

	if (!lower)
		return NULL;
	module = lower->owner.driver->module;
	if (!try_module_get(module))
		return NULL;
	wdm_device_get(source);
	wdm_device_get(lower);
	source->lower = lower;
	lower->upper = source;
	if (!wdm_record_add(&source->attachment, &source->owner, &wdm_attachment_kind,
			    lower->record.name, &lower->record))
		return lower;
	source->lower = NULL;
	lower->upper = NULL;
	wdm_device_put(lower);
	module_put(module);
	wdm_device_put(source);
	return NULL;
}

/**
 * io_attach_device_to_device_stack() - attach a device above others
 *	(IoAttachDeviceToDeviceStack)
 * @source: a device of the caller's, neither attached nor attached to
 * @target: any device of the stack, which the caller has a reference to
 *
 * Keeps the lower device, and its driver loaded. To be undone by
 * io_detach_device(), in stage 4 of an unload. RLS-63, RLS-64
 *
 * Context: PASSIVE.
 * Return: the device that was at the top, to be detached from; it need not be
 * @target. NULL if either is going, @source is in a stack already, or the
 * driver of the lower one is being unloaded.
 */
struct wdm_device *io_attach_device_to_device_stack(struct wdm_device *source,
						    struct wdm_device *target)
{
	struct wdm_device *lower;

	if (!source || !target ||
	    !wdm_passive(source->owner.driver, "io_attach_device_to_device_stack"))
		return NULL;
	mutex_lock(&wdm_stack_mutex);
	lower = wdm_attach(source, target);
	mutex_unlock(&wdm_stack_mutex);
	return lower;
}
EXPORT_SYMBOL_GPL(io_attach_device_to_device_stack);

/* The top of its stack, referenced for good; NULL if that one goes. */
struct wdm_device *wdm_device_top(struct wdm_device *device)
{
	mutex_lock(&wdm_stack_mutex);
	while (device->upper)
		device = device->upper;
	if (ob_reference_object(device))
		device = NULL;
	mutex_unlock(&wdm_stack_mutex);
	return device;
}

/* What is attached to it, referenced, or NULL. */
static struct wdm_device *wdm_device_upper(struct wdm_device *lower)
{
	struct wdm_device *upper;

	mutex_lock(&wdm_stack_mutex);
	upper = lower->upper;
	if (upper)
		wdm_device_get(upper);
	mutex_unlock(&wdm_stack_mutex);
	return upper;
}

/**
 * io_detach_device() - detach what is attached to a device (IoDetachDevice)
 * @lower: the lower device: what attaching has returned
 *
 * After that the lower device and its driver may go. RLS-63
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL, and reported (V-RLS-6), if nothing is attached to it;
 * -EBUSY, and reported, before its stage of an unload; -EALREADY if the unload
 * does it.
 */
int io_detach_device(struct wdm_device *lower)
{
	struct wdm_device *upper;
	int rc;

	if (!lower)
		return -EINVAL;
	if (!wdm_passive(lower->owner.driver, "io_detach_device"))
		return -EWOULDBLOCK;
	upper = wdm_device_upper(lower);
	if (!upper) {
		wdm_violation("V-RLS-6", lower->owner.driver,
			      "device '%s' is detached from, but nothing is attached to it",
			      lower->record.name);
		return -EINVAL;
	}
	rc = wdm_release(&upper->attachment, &wdm_attachment_kind);
	wdm_device_put(upper);
	return rc;
}
EXPORT_SYMBOL_GPL(io_detach_device);

/* A device of the driver that one of another driver is attached to, or NULL. L */
struct wdm_device *wdm_device_attached(struct wdm_driver *driver)
{
	struct wdm_device *device;

	lockdep_assert_held(&wdm_ledger_lock);
	list_for_each_entry(device, &driver->devices, link) {
		struct wdm_device *upper = READ_ONCE(device->upper);

		if (upper && upper->owner.driver != driver)
			return device;
	}
	return NULL;
}
