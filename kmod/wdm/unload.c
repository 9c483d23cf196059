// SPDX-License-Identifier: GPL-2.0-only
/*
 * The staged release: of everything that a driver has, at its unload, or of what
 * it has acquired for one device, when that is removed. One sequence for both.
 * RLS-04..RLS-06, RLS-92
 *
 * In each stage, for what stands in the ledger for it:
 *
 *   tell	the driver's stage routine: hardware off, DMA idle
 *   claim	all of it: from here on nobody else releases it
 *   mark	all of it: from here on none can be started. Under the locks under
 *		which things are started, so whoever starts one finds the mark, or
 *		is found by the next step
 *   drain	wait until none is used, producers before consumers (RLS-46)
 *   release	all of it
 *
 * Nothing of a stage is released before all of it is drained: a DPC may set the
 * timer that inserts it. What somebody else was releasing already is waited for
 * at the end of the stage.
 *
 * The first stage ends when nobody is inside the device: what comes from user
 * space may use everything that there is.
 */
#include <linux/export.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "internal.h"

/* What is released: of a driver, or of one device. */
struct wdm_scope {
	struct wdm_driver *driver;
	struct wdm_device *device;	/* NULL: of all */
};

static bool wdm_in_scope(const struct wdm_scope *scope, const struct wdm_record *record)
{
	return !scope->device || record->owner->device == scope->device;
}

/* Mark what is to be released in the stage, and sort it for draining. RLS-46 */
static void wdm_stage_mark(const struct wdm_scope *scope, enum wdm_stage stage,
			   struct list_head *ranks)
{
	struct wdm_record *record;

	spin_lock_irq(&wdm_ledger_lock);
	/* The newest first. */
	list_for_each_entry_reverse(record, &scope->driver->ledger, link) {
		if (!wdm_in_scope(scope, record) || record->state != WDM_RECORD_LIVE)
			continue;
		if (record->kind->stage == stage) {
			record->state = WDM_RECORD_UNLOAD;
			list_add_tail(&record->todo, &ranks[record->kind->rank]);
		} else if (stage != WDM_STAGE_ENTRIES || !record->kind->early) {
			continue;
		}
		if (record->kind->mark)
			record->kind->mark(record);
	}
	spin_unlock_irq(&wdm_ledger_lock);
}

/* Something of the stage is being released by somebody else. */
static bool wdm_stage_left(const struct wdm_scope *scope, enum wdm_stage stage)
{
	struct wdm_record *record;
	bool left = false;

	spin_lock_irq(&wdm_ledger_lock);
	list_for_each_entry(record, &scope->driver->ledger, link)
		if (wdm_in_scope(scope, record) && record->kind->stage == stage)
			left = true;
	/* Off the ledger, and not released yet; whoever's, it is not for long. */
	left |= scope->driver->releasing[stage];
	spin_unlock_irq(&wdm_ledger_lock);
	return left;
}

/* The next device of the scope after one, referenced; that one is put. */
static struct wdm_device *wdm_scope_next(const struct wdm_scope *scope,
					 struct wdm_device *device)
{
	struct wdm_device *next = device;

	spin_lock_irq(&wdm_ledger_lock);
	next = list_prepare_entry(next, &scope->driver->devices, link);
	list_for_each_entry_continue(next, &scope->driver->devices, link)
		/* One without references is about to leave the list. */
		if ((!scope->device || next == scope->device) && kref_get_unless_zero(&next->ref))
			goto found;
	next = NULL;
found:
	spin_unlock_irq(&wdm_ledger_lock);
	if (device)
		wdm_device_put(device);
	return next;
}

/* RLS-13, RLS-92 */
static void wdm_stage_tell(const struct wdm_scope *scope, enum wdm_stage stage)
{
	struct wdm_driver *driver = scope->driver;
	struct wdm_device *device = NULL;

	while ((device = wdm_scope_next(scope, device))) {
		if (stage == WDM_STAGE_ENTRIES)
			wdm_device_close(device);
		/* One that was removed by itself has its stages behind it. */
		if (device->stage_at[stage])
			continue;
		device->stage_at[stage] = ktime_get();
		pr_debug("driver %s: device %s: stage %u\n", driver->name, device->record.name,
			 stage);
		if (driver->driver_stage)
			driver->driver_stage(device, stage);
	}
}

static void wdm_stage_empty(const struct wdm_scope *scope)
{
	struct wdm_device *device = NULL;

	while ((device = wdm_scope_next(scope, device)))
		wdm_wait(scope->driver, wdm_device_empty(device),
			 "those inside of device %s", device->record.name);
}

static void wdm_stage_drain(struct list_head *ranks)
{
	struct wdm_record *record;
	int rank;

	for (rank = 0; rank < WDM_RANKS; rank++)
		list_for_each_entry(record, &ranks[rank], todo)
			if (record->kind->drain)
				record->kind->drain(record);
}

static void wdm_stage_release(struct list_head *ranks)
{
	struct wdm_record *record, *next;
	int rank;

	for (rank = 0; rank < WDM_RANKS; rank++)
		list_for_each_entry_safe(record, next, &ranks[rank], todo)
			wdm_record_end(record);
}

static void wdm_run_stage(const struct wdm_scope *scope, enum wdm_stage stage)
{
	struct list_head ranks[WDM_RANKS];
	int rank;

	for (rank = 0; rank < WDM_RANKS; rank++)
		INIT_LIST_HEAD(&ranks[rank]);
	wdm_stage_tell(scope, stage);
	wdm_stage_mark(scope, stage, ranks);
	if (stage == WDM_STAGE_ENTRIES)
		wdm_stage_empty(scope);
	wdm_stage_drain(ranks);
	wdm_stage_release(ranks);
	wdm_wait(scope->driver, !wdm_stage_left(scope, stage),
		 "others to release their share of stage %u", stage);
}

static void wdm_run_stages(const struct wdm_scope *scope)
{
	enum wdm_stage stage;

	for (stage = WDM_STAGE_ENTRIES; stage <= WDM_STAGE_DEVICES; stage++)
		wdm_run_stage(scope, stage);
	/* RLS-90: what was freed after a grace period, by the driver's own functions. */
	wdm_stage_tell(scope, WDM_STAGE_END);
	rcu_barrier();
}

/* What the driver's unload routine has left: it is released all the same. RLS-91, V-RLS */
static void wdm_report_left(struct wdm_driver *driver)
{
	struct wdm_record *record;

	spin_lock_irq(&wdm_ledger_lock);
	list_for_each_entry(record, &driver->ledger, link)
		if (record->state == WDM_RECORD_LIVE &&
		    (!record->kind->leaked || record->kind->leaked(record)))
			wdm_record_report(record->kind->rule, record, "is left by the unload");
	spin_unlock_irq(&wdm_ledger_lock);
}

/* Somebody will touch the memory of a device; it stays for that. RLS-04, RLS-83 */
static void wdm_report_referenced(struct wdm_driver *driver)
{
	struct wdm_scope scope = { .driver = driver };
	struct wdm_device *device = NULL;

	while ((device = wdm_scope_next(&scope, device))) {
		unsigned int references = READ_ONCE(device->references);

		if (references)
			wdm_violation("V-RLS-12", driver,
				      "device '%s' is gone, and has %u references",
				      device->record.name, references);
	}
}

/* RLS-01: another driver is attached, or the caller would wait for itself. L */
static int wdm_unload_allowed(struct wdm_driver *driver)
{
	struct wdm_device *device = wdm_device_attached(driver);
	struct wdm_record *run = wdm_running(driver);

	if (run) {
		wdm_record_report(run->kind->rule, run, "its routine unloads the driver");
		return -EDEADLK;
	}
	if (device) {
		wdm_record_report("V-RLS-6", &device->record,
				  "another driver's is attached to it at the unload");
		return -EBUSY;
	}
	return 0;
}

static int wdm_unload_begin(struct wdm_driver *driver)
{
	struct wdm_driver *other;
	struct wdm_device *device;
	int rc = -EINVAL;

	spin_lock_irq(&wdm_ledger_lock);
	list_for_each_entry(other, &wdm_drivers, link)
		if (other == driver)
			rc = driver->unloading ? -EALREADY : wdm_unload_allowed(driver);
	if (!rc) {
		driver->unloading = true;
		list_for_each_entry(device, &driver->devices, link)
			wdm_device_close(device);
	}
	spin_unlock_irq(&wdm_ledger_lock);
	if (rc == -EINVAL || rc == -EALREADY)
		wdm_violation("V-GLB-9", NULL, "driver at %p is unloaded twice", driver);
	return rc;
}

/* Marked by the caller, who must not look at it afterwards. */
void wdm_unload_forced(struct wdm_driver *driver)
{
	struct wdm_scope scope = { .driver = driver };

	wdm_run_stages(&scope);
	wdm_report_referenced(driver);
	spin_lock_irq(&wdm_ledger_lock);
	list_del(&driver->link);
	spin_unlock_irq(&wdm_ledger_lock);
	wdm_driver_put(driver);
}

/**
 * wdm_unload() - unload a driver (its Unload routine, and what calls that)
 * @driver: the driver
 *
 * From the module's exit, or from its init after a failure. Nothing is acquired
 * any more from the beginning on. With an unload routine of the driver's that is
 * called, and what it leaves is reported. Then, or without one, everything in the
 * ledger is released stage by stage, in use or not: what is in use is waited for,
 * without end, and it is said what for. When this returns no routine of the
 * driver's runs or will run, and the driver is gone. A device that is still
 * referenced is reported, and remains memory until that ends.
 * RLS-01, RLS-04..RLS-06, RLS-46, RLS-90..RLS-92
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL without a driver; -EDEADLK, and reported, if called inside a
 * routine of the driver's that it would wait for; -EBUSY, and reported, if a
 * device of another driver is attached to one of its (RLS-01); -EINVAL or
 * -EALREADY, and reported, if it was unloaded or is being unloaded.
 */
int wdm_unload(struct wdm_driver *driver)
{
	int rc;

	if (!driver)
		return -EINVAL;
	might_sleep();
	rc = wdm_unload_begin(driver);
	if (rc)
		return rc;
	if (driver->driver_unload) {
		driver->driver_unload(driver);
		wdm_report_left(driver);
	}
	wdm_unload_forced(driver);
	return 0;
}
EXPORT_SYMBOL_GPL(wdm_unload);

/* L */
static int wdm_remove_allowed(struct wdm_device *device)
{
	struct wdm_record *run = wdm_running(device->owner.driver);

	if (device->removing || device->owner.driver->unloading ||
	    device->record.state != WDM_RECORD_LIVE)
		return -EALREADY;
	if (run && run->owner == &device->owner) {
		wdm_record_report(run->kind->rule, run, "its routine removes the device");
		return -EDEADLK;
	}
	if (device->upper) {
		wdm_record_report("V-RLS-6", &device->record,
				  "is removed, but another is attached to it");
		return -EBUSY;
	}
	return wdm_record_needed(device) ? -EBUSY : 0;
}

static int wdm_remove_begin(struct wdm_device *device)
{
	int rc;

	spin_lock_irq(&wdm_ledger_lock);
	rc = wdm_remove_allowed(device);
	if (!rc) {
		device->removing = true;
		wdm_device_get(device);
	}
	spin_unlock_irq(&wdm_ledger_lock);
	return rc;
}

/**
 * wdm_remove_device() - release a device and what was acquired for it
 * @device: the device
 *
 * From the driver's remove function: the same stages as in wdm_unload(), for what
 * this device owns, while files may be open. The device is gone for everybody
 * when this returns; its memory goes with the last reference. RLS-04, RLS-81
 *
 * The caller must not be inside of the device (io_acquire_remove_lock()).
 *
 * Context: PASSIVE.
 * Return: 0; -EDEADLK, and reported, if called inside a routine that it would
 * wait for; -EBUSY, and reported, if another device is attached to it, or something
 * else of the driver's needs what is the device's; -EALREADY if it is being
 * removed, deleted, or unloaded.
 */
int wdm_remove_device(struct wdm_device *device)
{
	struct wdm_scope scope = { .driver = device->owner.driver, .device = device };
	int rc;

	might_sleep();
	rc = wdm_remove_begin(device);
	if (rc)
		return rc;
	wdm_run_stages(&scope);
	wdm_device_put(device);
	return 0;
}
EXPORT_SYMBOL_GPL(wdm_remove_device);
