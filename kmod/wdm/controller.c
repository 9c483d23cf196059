// SPDX-License-Identifier: GPL-2.0-only
/*
 * Controllers: hardware that several devices share, one at a time.
 *
 * A device has one place to wait in, which stands in the ledger while it waits, and while
 * it has the controller. One thread at a time calls routines, one after the other: who
 * comes meanwhile leaves that to it, so routines are not called inside of each other.
 *
 * A place is "busy" from before its routine is called, or its end is begun, until nobody
 * looks at it any more: a removal of its device waits for that. RLS-80
 */
#include <linux/export.h>
#include <linux/slab.h>

#include "internal.h"

static struct wdm_device *wdm_wait_device(struct wdm_controller_wait *wait)
{
	return container_of(wait, struct wdm_device, wait);
}

static struct wdm_controller_wait *wdm_wait_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_controller_wait, record);
}

static const struct wdm_kind wdm_wait_kind;

/*
 * The place is let go of by who made it busy, unless its device is being removed: then
 * the removal does it.
 */
static void wdm_wait_end(struct wdm_controller *controller, struct wdm_controller_wait *wait)
{
	struct wdm_driver *driver = controller->record.owner->driver;
	bool mine = !wdm_record_claim(&wait->record, &wdm_wait_kind);
	unsigned long flags;

	spin_lock_irqsave(&controller->lock, flags);
	wait->busy = false;
	wake_up_all(&driver->wait);
	spin_unlock_irqrestore(&controller->lock, flags);
	if (mine)
		wdm_record_end(&wait->record);
}

/* The first one that waits has it: or NULL. The controller's lock. */
static struct wdm_controller_wait *wdm_controller_next(struct wdm_controller *controller)
{
	struct wdm_controller_wait *wait;

	wait = list_first_entry_or_null(&controller->waiting, struct wdm_controller_wait, link);
	if (controller->owner || !wait)
		return NULL;
	list_del_init(&wait->link);
	wait->busy = true;
	controller->owner = wait;
	return wait;
}

/* Call its routine, as where sleeping is not allowed. Does the device keep it? */
static bool wdm_controller_call(struct wdm_controller *controller,
				struct wdm_controller_wait *wait)
{
	enum wdm_allocation_action action;
	unsigned long flags;
	bool kept;

	preempt_disable();
	action = wait->routine(wdm_wait_device(wait), wait->context);
	preempt_enable();
	spin_lock_irqsave(&controller->lock, flags);
	if (action != KeepObject && controller->owner == wait)
		controller->owner = NULL;
	/* Or it was freed meanwhile. */
	kept = controller->owner == wait;
	if (kept) {
		wait->busy = false;
		wake_up_all(&controller->record.owner->driver->wait);
	}
	spin_unlock_irqrestore(&controller->lock, flags);
	return kept;
}

/* May the caller call routines? Then the controller stays. The controller's lock. */
static bool wdm_controller_enter(struct wdm_controller *controller)
{
	bool first = !controller->running;

	controller->running = true;
	return first;
}

/* Whose turn is it? Until it is nobody's, or somebody keeps it. Entered. */
static void wdm_controller_run(struct wdm_controller *controller)
{
	struct wdm_controller_wait *wait;
	unsigned long flags;

	spin_lock_irqsave(&controller->lock, flags);
	while ((wait = wdm_controller_next(controller))) {
		spin_unlock_irqrestore(&controller->lock, flags);
		if (!wdm_controller_call(controller, wait))
			wdm_wait_end(controller, wait);
		spin_lock_irqsave(&controller->lock, flags);
	}
	controller->running = false;
	wake_up_all(&controller->record.owner->driver->wait);
	spin_unlock_irqrestore(&controller->lock, flags);
}

static void wdm_wait_mark(struct wdm_record *record)
{
	struct wdm_controller_wait *wait = wdm_wait_of(record);
	struct wdm_controller *controller = wait->controller;

	spin_lock(&controller->lock);
	wait->down = true;
	list_del_init(&wait->link);
	spin_unlock(&controller->lock);
}

static bool wdm_wait_busy(struct wdm_controller_wait *wait)
{
	struct wdm_controller *controller = wait->controller;
	unsigned long flags;
	bool busy;

	spin_lock_irqsave(&controller->lock, flags);
	busy = wait->busy;
	spin_unlock_irqrestore(&controller->lock, flags);
	return busy;
}

/* The device goes, and has it: what would free it does not run any more. */
static void wdm_wait_drain(struct wdm_record *record)
{
	struct wdm_controller_wait *wait = wdm_wait_of(record);
	struct wdm_controller *controller = wait->controller;
	bool had, run = false;
	unsigned long flags;

	wdm_wait(record->owner->driver, !wdm_wait_busy(wait), "the routine of controller '%s'",
		 record->name);
	spin_lock_irqsave(&controller->lock, flags);
	had = controller->owner == wait;
	if (had) {
		controller->owner = NULL;
		run = wdm_controller_enter(controller);
	}
	spin_unlock_irqrestore(&controller->lock, flags);
	if (had)
		wdm_record_report("RLS-80", record, "goes, and its device has the controller");
	if (run)
		wdm_controller_run(controller);
}

static void wdm_wait_release(struct wdm_record *record)
{
	/* From here on it can wait again: pairs with cmpxchg() in io_allocate_controller(). */
	smp_store_release(&wdm_wait_of(record)->controller, NULL);
}

static const struct wdm_kind wdm_wait_kind = {
	.name = "controller allocation",
	.rule = "RLS-80",
	.needs = "RLS-80",
	.stage = WDM_STAGE_ROUTINES,
	.rank = WDM_RANK_OBJECTS,
	.anytime = true,
	.mark = wdm_wait_mark,
	.drain = wdm_wait_drain,
	.release = wdm_wait_release,
};

static struct wdm_controller *wdm_controller_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_controller, record);
}

static const char *wdm_controller_close(struct wdm_record *record)
{
	struct wdm_controller *controller = wdm_controller_of(record);
	struct wdm_record *inside = wdm_record_within(controller->controller_extension,
						      controller->extension_size);

	if (!inside)
		return NULL;
	wdm_record_report_pair("V-GLB-3", record, "is deleted, but", inside,
			       "is in its extension");
	return "";
}

static bool wdm_controller_idle(struct wdm_controller *controller)
{
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&controller->lock, flags);
	idle = !controller->running;
	spin_unlock_irqrestore(&controller->lock, flags);
	return idle;
}

/* Nobody waits or has it. Who has called the last routine may not be out of it. */
static void wdm_controller_drain(struct wdm_record *record)
{
	struct wdm_controller *controller = wdm_controller_of(record);

	wdm_wait(record->owner->driver, wdm_controller_idle(controller), "controller '%s'",
		 record->name);
}

static void wdm_controller_free(struct wdm_controller *controller)
{
	kfree(controller->controller_extension);
	kfree(controller);
}

static void wdm_controller_release(struct wdm_record *record)
{
	wdm_controller_free(wdm_controller_of(record));
}

static const struct wdm_kind wdm_controller_kind = {
	.name = "controller",
	.rule = "RLS-80",
	.stage = WDM_STAGE_DEVICES,
	.close = wdm_controller_close,
	.drain = wdm_controller_drain,
	.release = wdm_controller_release,
};

/**
 * io_create_controller() - make a controller (IoCreateController)
 * @driver: the driver
 * @extension_size: bytes of memory that the driver wants with it
 *
 * Kernel memory and a queue. It is released by io_delete_controller() or by wdm_unload().
 * RLS-80
 *
 * Context: PASSIVE.
 * Return: the controller; NULL without a driver, if there is no memory, or the driver
 * unloads; and reported (LVL-02), where sleeping is not allowed.
 */
struct wdm_controller *io_create_controller(struct wdm_driver *driver, size_t extension_size)
{
	struct wdm_controller *controller;

	if (!driver || !wdm_passive(driver, "io_create_controller"))
		return NULL;
	controller = kzalloc(sizeof(*controller), GFP_KERNEL);
	if (!controller)
		return NULL;
	controller->controller_extension = kzalloc(extension_size ?: 1, GFP_KERNEL);
	if (!controller->controller_extension)
		goto err_free;
	controller->extension_size = extension_size;
	spin_lock_init(&controller->lock);
	INIT_LIST_HEAD(&controller->waiting);
	if (wdm_record_add(&controller->record, &driver->owner, &wdm_controller_kind, NULL, NULL))
		goto err_free;
	return controller;

err_free:
	wdm_controller_free(controller);
	return NULL;
}
EXPORT_SYMBOL_GPL(io_create_controller);

/**
 * io_delete_controller() - delete a controller (IoDeleteController)
 * @controller: a controller that no device has or waits for
 *
 * RLS-80, RLS-82
 *
 * Context: PASSIVE.
 * Return: 0; -EBUSY, and reported: a device has it or waits for it (RLS-80), something
 * that is in use lies in its extension (V-GLB-3), or before its stage of an unload
 * (V-RLS-13); -EINVAL, and reported (V-GLB-9), if it is none, or not any more;
 * -EWOULDBLOCK, and reported (LVL-02); -EALREADY if the unload does it.
 */
int io_delete_controller(struct wdm_controller *controller)
{
	if (!controller)
		return -EINVAL;
	if (!wdm_passive(NULL, "io_delete_controller"))
		return -EWOULDBLOCK;
	return wdm_release(&controller->record, &wdm_controller_kind);
}
EXPORT_SYMBOL_GPL(io_delete_controller);

/* Its place is taken already. @run: and the caller is to call routines */
static int wdm_wait_enter(struct wdm_controller *controller, struct wdm_controller_wait *wait,
			  bool *run)
{
	struct wdm_device *device = wdm_wait_device(wait);
	unsigned long flags;
	int rc;

	wait->busy = false;
	wait->down = false;
	rc = wdm_record_add(&wait->record, &device->owner, &wdm_wait_kind,
			    controller->record.name, &controller->record);
	if (rc) {
		wdm_wait_release(&wait->record);
		return rc;
	}
	spin_lock_irqsave(&controller->lock, flags);
	if (wait->down) {
		/* ... and it is the removal's. */
		rc = -ESHUTDOWN;
	} else {
		list_add_tail(&wait->link, &controller->waiting);
		*run = wdm_controller_enter(controller);
	}
	spin_unlock_irqrestore(&controller->lock, flags);
	return rc;
}

/**
 * io_allocate_controller() - have a routine called when a device can have a controller
 *	(IoAllocateController)
 * @controller: the controller
 * @device: a device of the same driver
 * @routine: what is called, now or later, by this thread or by who gives it up
 * @context: for @routine
 *
 * First come, first served. @routine returns %KeepObject, and then the device has the
 * controller until io_free_controller(); or %DeallocateObject. A device waits for, and
 * has, one controller at a time. If it is removed while it waits, @routine is not
 * called; if it has it then, that is reported (RLS-80). RLS-80, RLS-05
 *
 * Context: DISPATCH.
 * Return: 0, @routine may have been called; -EINVAL for nothing, or a device of another
 * driver; -EBUSY, and reported (RLS-80), if the device waits for one or has one;
 * -ESHUTDOWN if either goes.
 */
int io_allocate_controller(struct wdm_controller *controller, struct wdm_device *device,
			   wdm_controller_routine routine, void *context)
{
	bool run = false;
	int rc;

	if (!controller || !device || !routine ||
	    controller->record.owner->driver != device->owner.driver)
		return -EINVAL;
	if (cmpxchg(&device->wait.controller, NULL, controller)) {
		wdm_violation("RLS-80", device->owner.driver,
			      "device '%s' has or waits for a controller, and wants one",
			      device->record.name);
		return -EBUSY;
	}
	device->wait.routine = routine;
	device->wait.context = context;
	rc = wdm_wait_enter(controller, &device->wait, &run);
	if (run)
		wdm_controller_run(controller);
	return rc;
}
EXPORT_SYMBOL_GPL(io_allocate_controller);

/**
 * io_free_controller() - give a controller up (IoFreeController)
 * @controller: a controller that a device has
 *
 * The routine of the next device that waits is called. RLS-80
 *
 * Context: DISPATCH.
 * Return: 0; -EINVAL, and reported (RLS-80), if no device has it.
 */
int io_free_controller(struct wdm_controller *controller)
{
	struct wdm_controller_wait *wait;
	bool end = false, run = false;
	unsigned long flags;

	if (!controller)
		return -EINVAL;
	spin_lock_irqsave(&controller->lock, flags);
	wait = controller->owner;
	if (wait) {
		controller->owner = NULL;
		/* Inside of its routine, who has called that ends it. */
		end = !wait->busy;
		wait->busy = true;
		run = wdm_controller_enter(controller);
	}
	spin_unlock_irqrestore(&controller->lock, flags);
	if (!wait) {
		wdm_record_report("RLS-80", &controller->record, "is freed, but no device has it");
		return -EINVAL;
	}
	if (end)
		wdm_wait_end(controller, wait);
	if (run)
		wdm_controller_run(controller);
	return 0;
}
EXPORT_SYMBOL_GPL(io_free_controller);
