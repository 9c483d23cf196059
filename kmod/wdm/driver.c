// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers, and which of their routines run.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "internal.h"

/**
 * wdm_create_driver() - make a driver (DRIVER_OBJECT)
 * @module: the module whose driver it is
 * @name: its name, for reports
 *
 * From the module's init. The module's exit calls wdm_unload(); if it does not,
 * that is reported and done for it. The module is not kept by that. RLS-01..RLS-03
 *
 * Context: PASSIVE.
 * Return: the driver; an error pointer with -EINVAL without a name or with one
 * that is too long, -ENOMEM.
 */
struct wdm_driver *wdm_create_driver(struct module *module, const char *name)
{
	struct wdm_driver *driver;

	if (!name || !*name || strlen(name) >= WDM_NAME_MAX)
		return ERR_PTR(-EINVAL);
	driver = kzalloc(sizeof(*driver), GFP_KERNEL);
	if (!driver)
		return ERR_PTR(-ENOMEM);
	driver->owner.driver = driver;
	driver->module = module;
	strscpy(driver->name, name);
	wdm_verify_driver(driver);
	INIT_LIST_HEAD(&driver->ledger);
	INIT_LIST_HEAD(&driver->devices);
	INIT_LIST_HEAD(&driver->runs);
	init_waitqueue_head(&driver->wait);
	kref_init(&driver->ref);
	spin_lock_irq(&wdm_ledger_lock);
	list_add_tail(&driver->link, &wdm_drivers);
	spin_unlock_irq(&wdm_ledger_lock);
	return driver;
}
EXPORT_SYMBOL_GPL(wdm_create_driver);

static void wdm_driver_free(struct kref *ref)
{
	kfree(container_of(ref, struct wdm_driver, ref));
}

void wdm_driver_put(struct wdm_driver *driver)
{
	kref_put(&driver->ref, wdm_driver_free);
}

/* A driver of the module that has not been unloaded: marked, and referenced. */
static struct wdm_driver *wdm_driver_forgotten(struct module *module)
{
	struct wdm_driver *driver;

	spin_lock_irq(&wdm_ledger_lock);
	list_for_each_entry(driver, &wdm_drivers, link) {
		if (driver->module == module && !driver->unloading) {
			driver->unloading = true;
			spin_unlock_irq(&wdm_ledger_lock);
			return driver;
		}
	}
	spin_unlock_irq(&wdm_ledger_lock);
	return NULL;
}

/* After the module's exit, or its failed init. GLB-60's case, for everything */
void wdm_forget_module(struct module *module)
{
	struct wdm_driver *driver;

	while ((driver = wdm_driver_forgotten(module))) {
		wdm_violation("RLS-02", driver, "the module goes and has not unloaded it");
		wdm_unload_forced(driver);
	}
}
EXPORT_SYMBOL_IF_KUNIT(wdm_forget_module);

/* Around a routine of the driver in process context. */
void wdm_run_begin(struct wdm_run *run, struct wdm_record *record)
{
	run->task = current;
	run->record = record;
	spin_lock_irq(&wdm_ledger_lock);
	list_add(&run->link, &record->owner->driver->runs);
	spin_unlock_irq(&wdm_ledger_lock);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_run_begin);

/* The record need not be there any more. */
void wdm_run_end(struct wdm_run *run)
{
	spin_lock_irq(&wdm_ledger_lock);
	list_del(&run->link);
	spin_unlock_irq(&wdm_ledger_lock);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_run_end);

/* The routine of the driver that the caller is inside of, or NULL. L */
struct wdm_record *wdm_running(struct wdm_driver *driver)
{
	struct wdm_run *run;

	lockdep_assert_held(&wdm_ledger_lock);
	list_for_each_entry(run, &driver->runs, link)
		if (run->task == current)
			return run->record;
	return wdm_thread_record(driver);
}
