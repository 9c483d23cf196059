// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of a driver's that are to be empty when they go: xarray, IDR, IDA. To destroy
 * one frees its nodes and says nothing of what they lead to. RLS-85
 */
#include <linux/export.h>
#include <linux/idr.h>
#include <linux/xarray.h>

#include "internal.h"

static bool wdm_table_empty(const struct wdm_table *table)
{
	switch (table->type) {
	case WDM_TABLE_XARRAY:
		return xa_empty(table->table);
	case WDM_TABLE_IDR:
		return idr_is_empty(table->table);
	default:
		return ida_is_empty(table->table);
	}
}

static const char *wdm_table_close(struct wdm_record *record)
{
	return wdm_table_empty(container_of(record, struct wdm_table, record)) ? NULL :
	       "is not empty";
}

/* Nobody puts anything into it any more. */
static void wdm_table_drain(struct wdm_record *record)
{
	if (!wdm_table_empty(container_of(record, struct wdm_table, record)))
		wdm_record_report("V-RLS-10", record, "goes, and is not empty");
}

static const struct wdm_kind wdm_table_kind = {
	.name = "table",
	.rule = "V-RLS-10",
	.stage = WDM_STAGE_DEVICES,
	.close = wdm_table_close,
	.drain = wdm_table_drain,
};

/**
 * wdm_watch_table() - say that a table is to be empty when it goes
 * @owner: whose it is
 * @table: the record of it, in memory of the driver's, which lasts as long as the table
 * @type: what it is
 * @what: the struct xarray, idr or ida
 * @name: what to call it in reports
 *
 * It is looked at in the stage of the devices, if it was not given up before. RLS-85
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL; -EEXIST, and reported (V-GLB-9), if it is watched; -ESHUTDOWN if
 * @owner goes.
 */
int wdm_watch_table(struct wdm_owner *owner, struct wdm_table *table, enum wdm_table_type type,
		    void *what, const char *name)
{
	int rc;

	if (!owner || !table || !what || type > WDM_TABLE_IDA)
		return -EINVAL;
	rc = wdm_record_new(&table->record, owner, &wdm_table_kind);
	if (rc)
		return rc;
	table->type = type;
	table->table = what;
	return wdm_record_add(&table->record, owner, &wdm_table_kind, name, NULL);
}
EXPORT_SYMBOL_GPL(wdm_watch_table);

/**
 * wdm_forget_table() - a table goes: xa_destroy(), idr_destroy(), ida_destroy()
 * @table: as given to wdm_watch_table()
 *
 * To be called before the table is destroyed, which empties it. RLS-85
 *
 * Context: PASSIVE.
 * Return: 0; -EBUSY, and reported (V-RLS-10), if it is not empty; -EINVAL, and reported
 * (V-GLB-9), if it is not watched; -EALREADY if the unload looks at it.
 */
int wdm_forget_table(struct wdm_table *table)
{
	return table ? wdm_release(&table->record, &wdm_table_kind) : -EINVAL;
}
EXPORT_SYMBOL_GPL(wdm_forget_table);
