// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger: what each driver has acquired, when, from where, in which stage it
 * must go, and what needs it.
 *
 * A record stands in the list of its driver, oldest first, and in a tree by its
 * address: so a pointer that is handed in is looked up and never believed, and
 * memory that is freed can be searched for what is still in use (RLS-82).
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "internal.h"

static struct rb_root wdm_records = RB_ROOT;	/* L */

/* The first at that address or behind it. */
static struct wdm_record *wdm_record_from(const void *start)
{
	struct rb_node *node = wdm_records.rb_node, *found = NULL;

	lockdep_assert_held(&wdm_ledger_lock);
	while (node) {
		if (rb_entry(node, struct wdm_record, node) >= (struct wdm_record *)start) {
			found = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found ? rb_entry(found, struct wdm_record, node) : NULL;
}

/* Of that very address, or NULL: then nothing is known of what is there. L */
struct wdm_record *wdm_record_find(struct wdm_record *record, const struct wdm_kind *kind)
{
	struct wdm_record *found = wdm_record_from(record);

	return found == record && found->kind == kind ? found : NULL;
}

static void wdm_record_insert(struct wdm_record *record)
{
	struct rb_node **link = &wdm_records.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = record < rb_entry(parent, struct wdm_record, node) ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&record->node, parent, link);
	rb_insert_color(&record->node, &wdm_records);
	list_add_tail(&record->link, &record->owner->driver->ledger);
}

/* The first one at that address or behind it, of @kind if that is not NULL. L */
struct wdm_record *wdm_record_next(const void *from, const struct wdm_kind *kind)
{
	struct wdm_record *record = wdm_record_from(from);
	struct rb_node *node;

	while (record && kind && record->kind != kind) {
		node = rb_next(&record->node);
		record = node ? rb_entry(node, struct wdm_record, node) : NULL;
	}
	return record;
}

/* The device that something needs; a device does not need itself. */
static struct wdm_device *wdm_record_device(const struct wdm_record *record)
{
	struct wdm_device *device = record->owner->device;

	return device && record != &device->record && !record->kind->goes_along ? device : NULL;
}

/* Its release is under way, or that of everything. */
bool wdm_owner_going(const struct wdm_owner *owner)
{
	return owner->driver->unloading || (owner->device && owner->device->removing);
}

static __printf(5, 6) void wdm_blame(const char *rule, struct wdm_driver *driver,
				     const struct vrf_trace *cause, const char *what,
				     const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	wdm_vblame(rule, driver, cause, what, fmt, args);
	va_end(args);
}

/* The first so many callers that there are. */
static void wdm_record_callers(const struct wdm_record *record, int most, char *text, size_t size)
{
	size_t at = 0;
	int n;

	*text = 0;
	for (n = 0; n < most && record->stack[n]; n++)
		at += scnprintf(text + at, size - at, "%s%ps", n ? ", " : "",
				(void *)record->stack[n]);
}

/**
 * wdm_record_report() - report misuse of something in the ledger
 * @rule: the rule
 * @record: what it is about; of the caller's, or L is held
 * @what: what was wrong with it
 *
 * Context: ATOMIC.
 */
void wdm_record_report(const char *rule, const struct wdm_record *record, const char *what)
{
	const struct wdm_device *device = record->owner->device;
	const struct vrf_trace made = {
		.stack = record->trace,
		.pid = record->pid,
		.when = record->when,
	};
	char by[160] = "";

	/* In one line, if there are no stacks. */
	if (!record->trace) {
		int at = snprintf(by, sizeof(by), "; acquired by ");

		wdm_record_callers(record, 4, by + at, sizeof(by) - at);
	}
	wdm_blame(rule, record->owner->driver, record->trace ? &made : NULL, "acquired",
		  "%s '%s' of stage %u, device %s, %s%s", record->kind->name, record->name,
		  record->kind->stage, device ? device->record.name : "-", what, by);
}

/* May it be acquired? -EEXIST: it is in the ledger, and is not to be touched. L */
static int wdm_record_check(struct wdm_record *record, struct wdm_owner *owner)
{
	struct wdm_record *found = wdm_record_from(record);

	if (found == record) {
		wdm_record_report("V-GLB-9", found, "is initialised again");
		return -EEXIST;
	}
	return wdm_owner_going(owner) ? -ESHUTDOWN : 0;
}

/* In the ledger, and nobody releases it or is about to. L */
static bool wdm_record_usable(struct wdm_record *record)
{
	return wdm_record_from(record) == record && record->state == WDM_RECORD_LIVE &&
	       !wdm_owner_going(record->owner);
}

/**
 * wdm_record_new() - may something be acquired?
 * @record: its record
 * @owner: for whom
 * @kind: what it is
 *
 * To be asked before anything of the object is written. What is in use already
 * is reported.
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL without an owner; -EEXIST if it is in the ledger;
 * -ESHUTDOWN if the driver unloads or the device is removed.
 */
int wdm_record_new(struct wdm_record *record, struct wdm_owner *owner,
		   const struct wdm_kind *kind)
{
	unsigned long flags;
	int rc;

	if (!owner)
		return -EINVAL;
	spin_lock_irqsave(&wdm_ledger_lock, flags);
	rc = wdm_record_check(record, owner);
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	return rc;
}

/* @new says who and what, and by which callers. */
static int wdm_record_enter(struct wdm_record *record, struct wdm_record *new, const char *name,
			    struct wdm_record *on)
{
	struct wdm_owner *owner = new->owner;
	struct wdm_device *device;
	unsigned long flags;
	int rc;

	new->state = WDM_RECORD_LIVE;
	new->pid = in_task() ? current->pid : 0;
	new->when = jiffies;
	strscpy(new->name, name ?: "-");
	spin_lock_irqsave(&wdm_ledger_lock, flags);
	rc = wdm_record_check(record, owner);
	if (!rc && on && !wdm_record_usable(on))
		rc = -ESHUTDOWN;
	if (!rc) {
		*record = *new;
		INIT_LIST_HEAD(&record->todo);
		wdm_record_insert(record);
		device = wdm_record_device(record);
		if (device)
			device->record.dependants++;
		record->on[0] = on;
		if (on)
			on->dependants++;
	}
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	return rc;
}

/**
 * wdm_record_add() - enter something in the ledger
 * @record: its record, of which nothing needs to be set
 * @owner: who acquires it
 * @kind: what it is
 * @name: what to call it in reports, or NULL
 * @on: what it needs besides its device, or NULL
 *
 * The object must be ready: the unload may take it at once.
 *
 * Context: ATOMIC.
 * Return: 0, or as wdm_record_new(); -ESHUTDOWN also if @on is being released, or
 * is not in the ledger.
 */
noinline int wdm_record_add(struct wdm_record *record, struct wdm_owner *owner,
			    const struct wdm_kind *kind, const char *name,
			    struct wdm_record *on)
{
	struct wdm_record new = { .owner = owner, .kind = kind };
	struct vrf_trace here = { };

	/* Without this function: the routine that it is entered by, and its callers. */
	stack_trace_save(new.stack, WDM_STACK, 1);
	if (owner && owner->driver->verified)
		vrf_trace_here(&here);
	new.trace = here.stack;
	return wdm_record_enter(record, &new, name, on);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_record_add);

/**
 * wdm_record_add_brief() - enter something of which there is much in the ledger
 * @record: its record
 * @owner: who acquires it
 * @kind: what it is
 * @name: what to call it in reports
 * @on: what it needs besides its device, or NULL
 * @caller: where it was acquired
 *
 * As wdm_record_add(), but of a driver that is not verified the caller is all that is
 * known: to find out the others takes most of the time that an allocation takes.
 *
 * Context: ATOMIC.
 * Return: as wdm_record_add().
 */
int wdm_record_add_brief(struct wdm_record *record, struct wdm_owner *owner,
			 const struct wdm_kind *kind, const char *name, struct wdm_record *on,
			 unsigned long caller)
{
	struct wdm_record new = { .owner = owner, .kind = kind, .stack = { caller } };

	if (owner->driver->verified)
		return wdm_record_add(record, owner, kind, name, on);
	return wdm_record_enter(record, &new, name, on);
}

/**
 * wdm_record_valid() - is it in the ledger?
 * @record: the record of what a driver handed in
 * @kind: what it must be
 *
 * Context: ATOMIC.
 * Return: false, and reported, if nothing like that has been acquired.
 */
bool wdm_record_valid(struct wdm_record *record, const struct wdm_kind *kind)
{
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&wdm_ledger_lock, flags);
	found = wdm_record_find(record, kind);
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	if (!found)
		wdm_violation("V-GLB-9", NULL, "there is no %s at %p", kind->name, record);
	return found;
}

static bool wdm_record_on(const struct wdm_record *record, const struct wdm_record *on)
{
	int n;

	for (n = 0; n < WDM_DEPENDS; n++)
		if (record->on[n] == on)
			return true;
	return false;
}

static bool wdm_record_needs(const struct wdm_record *record, const struct wdm_record *on)
{
	struct wdm_device *device = wdm_record_device(record);

	return wdm_record_on(record, on) || (device && &device->record == on);
}

/* What needs it, of whichever driver, to be named. L */
static struct wdm_record *wdm_record_dependant(const struct wdm_record *on)
{
	struct wdm_driver *driver;
	struct wdm_record *record;

	list_for_each_entry(driver, &wdm_drivers, link)
		list_for_each_entry(record, &driver->ledger, link)
			if (wdm_record_needs(record, on))
				return record;
	return NULL;
}

/* It goes with its device, which may be the last of all. L */
static bool wdm_record_goes_along(struct wdm_record *record)
{
	const struct wdm_kind *kind = record->kind;

	return kind->goes_along && (!kind->idle || kind->idle(record));
}

/* What should have gone before it, during an unload or removal. RLS-05, RLS-92; L */
static struct wdm_record *wdm_record_before(const struct wdm_record *record)
{
	struct wdm_owner *owner = record->owner;
	struct wdm_record *other;

	if (record->kind->anytime || !wdm_owner_going(owner))
		return NULL;
	list_for_each_entry(other, &owner->driver->ledger, link)
		if (other->kind->stage < record->kind->stage && !wdm_record_goes_along(other) &&
		    (owner->driver->unloading || other->owner->device == owner->device))
			return other;
	return NULL;
}

/* The first stage has not ended: who is inside may use it. RLS-13, RLS-92; L */
static bool wdm_record_entered(const struct wdm_record *record)
{
	struct wdm_owner *owner = record->owner;

	return !record->kind->anytime && record->kind->stage != WDM_STAGE_ENTRIES &&
	       owner->device && wdm_owner_going(owner) && !wdm_device_empty(owner->device);
}

/* As wdm_record_report(), about two of them: "before", the other, "behind". L */
void wdm_record_report_pair(const char *rule, const struct wdm_record *record,
			    const char *before, const struct wdm_record *other,
			    const char *behind)
{
	char what[WDM_NAME_MAX + 160], by[96];

	wdm_record_callers(other, 2, by, sizeof(by));
	snprintf(what, sizeof(what), "%s %s '%s' of stage %u, which %s acquired, %s", before,
		 other->kind->name, other->name, other->kind->stage, by, behind);
	wdm_record_report(rule, record, what);
}

/* Does something else need what is the device's? Reported. L */
bool wdm_record_needed(const struct wdm_device *device)
{
	struct wdm_record *record;
	int n;

	list_for_each_entry(record, &device->owner.driver->ledger, link) {
		for (n = 0; n < WDM_DEPENDS; n++) {
			struct wdm_record *on = record->on[n];

			if (!on || on->owner->device != device || record->owner->device == device)
				continue;
			wdm_record_report_pair("V-RLS-13", on, "goes with its device, but", record,
					       "needs it");
			return true;
		}
	}
	return false;
}

/* It is to be released, but has dependants. L */
void wdm_record_report_needed(const struct wdm_record *record)
{
	struct wdm_record *other = wdm_record_dependant(record);

	if (other)
		wdm_record_report_pair(other->kind->needs ?: "V-RLS-13", record,
				       "is released, but", other, "needs it");
}

/* RLS-06: may it be released now? L */
static int wdm_record_releasable(struct wdm_record *record)
{
	struct wdm_record *other;
	const char *use;

	if (record->state != WDM_RECORD_LIVE) {
		if (record->state == WDM_RECORD_CLAIMED)
			wdm_record_report("V-GLB-9", record, "is released twice");
		return -EALREADY;
	}
	if (record->dependants) {
		wdm_record_report_needed(record);
		return -EBUSY;
	}
	if (wdm_record_entered(record)) {
		wdm_record_report("V-RLS-13", record,
				  "is released while somebody is inside of its device");
		return -EBUSY;
	}
	other = wdm_record_before(record);
	if (other) {
		wdm_record_report_pair("V-RLS-13", record, "is released before", other, "is");
		return -EBUSY;
	}
	use = record->kind->close ? record->kind->close(record) : NULL;
	if (use) {
		if (*use)
			wdm_record_report(record->kind->rule, record, use);
		return -EBUSY;
	}
	return 0;
}

/**
 * wdm_record_claim() - win the right to release something
 * @record: its record, which need not be one
 * @kind: what it is said to be
 *
 * After that it cannot be started any more. Refused and reported: what is not in
 * the ledger, is in use, is needed by something that is, is being released; and
 * during an unload what would go before something of an earlier stage.
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL for what is not in the ledger; -EBUSY; -EALREADY if
 * somebody releases it, which is not reported if it is the unload.
 */
int wdm_record_claim(struct wdm_record *record, const struct wdm_kind *kind)
{
	unsigned long flags;
	int rc = -EINVAL;

	spin_lock_irqsave(&wdm_ledger_lock, flags);
	if (wdm_record_find(record, kind)) {
		rc = wdm_record_releasable(record);
		if (!rc)
			record->state = WDM_RECORD_CLAIMED;
	}
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	if (rc == -EINVAL)
		wdm_violation("V-GLB-9", NULL, "%s at %p is released, but there is none",
			      kind->name, record);
	return rc;
}
EXPORT_SYMBOL_IF_KUNIT(wdm_record_claim);

/* What it needs, it needs no more: each of these, and that once. L */
static void wdm_record_needs_none(struct wdm_record *record)
{
	int n;

	for (n = 0; n < WDM_DEPENDS; n++) {
		if (record->on[n])
			record->on[n]->dependants--;
		record->on[n] = NULL;
	}
}

/* The other does not need it any more; reported if it is another driver's. L */
static void wdm_record_unneed(struct wdm_record *record, struct wdm_record *other)
{
	int n;

	if (other->owner->driver != record->owner->driver)
		wdm_record_report_pair(other->kind->needs ?: "V-RLS-13", record,
				       "goes, but", other, "needs it");
	for (n = 0; n < WDM_DEPENDS; n++) {
		if (other->on[n] != record)
			continue;
		other->on[n] = NULL;
		record->dependants--;
	}
}

/* An unload does not ask what else needs something. L */
static void wdm_record_orphan(struct wdm_record *record)
{
	struct wdm_driver *driver;
	struct wdm_record *other;

	if (!record->dependants)
		return;
	list_for_each_entry(driver, &wdm_drivers, link)
		list_for_each_entry(other, &driver->ledger, link)
			if (wdm_record_on(other, record))
				wdm_record_unneed(record, other);
}

/**
 * wdm_record_end() - strike something off the ledger, and release it
 * @record: its record, claimed by the caller
 *
 * Context: PASSIVE, if its kind's release is.
 */
void wdm_record_end(struct wdm_record *record)
{
	const struct wdm_kind *kind = record->kind;
	struct wdm_driver *driver = record->owner->driver;
	struct wdm_device *device = wdm_record_device(record);
	unsigned long flags;

	spin_lock_irqsave(&wdm_ledger_lock, flags);
	driver->releasing[kind->stage]++;
	rb_erase(&record->node, &wdm_records);
	list_del(&record->link);
	record->state = WDM_RECORD_NONE;
	if (device)
		device->record.dependants--;
	wdm_record_needs_none(record);
	wdm_record_orphan(record);
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	if (kind->release)
		kind->release(record);
	/* An unload goes on to the next stage, and the driver goes, after this only. */
	spin_lock_irqsave(&wdm_ledger_lock, flags);
	driver->releasing[kind->stage]--;
	wake_up_all(&driver->wait);
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_record_end);

/**
 * wdm_release() - release something that is not in use
 * @record: its record
 * @kind: what it is
 *
 * Context: PASSIVE, if its kind's drain and release are.
 * Return: 0, or as wdm_record_claim().
 */
int wdm_release(struct wdm_record *record, const struct wdm_kind *kind)
{
	int rc = wdm_record_claim(record, kind);

	if (rc)
		return rc;
	if (kind->drain)
		kind->drain(record);
	wdm_record_end(record);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(wdm_release);

/**
 * wdm_record_depend() - say what something needs
 * @record: its record
 * @slot: which of the things that it may need
 * @on: the other's record, or NULL: nothing any more
 *
 * L.
 *
 * Context: ATOMIC.
 * Return: 0; -ESHUTDOWN if either is being released, or there is no such thing.
 */
int wdm_record_depend(struct wdm_record *record, unsigned int slot, struct wdm_record *on)
{
	lockdep_assert_held(&wdm_ledger_lock);
	if (!wdm_record_usable(record) || (on && !wdm_record_usable(on)))
		return -ESHUTDOWN;
	if (record->on[slot])
		record->on[slot]->dependants--;
	record->on[slot] = on;
	if (on)
		on->dependants++;
	return 0;
}

/**
 * wdm_depends_on() - say that something needs something else
 * @record: what is to be released first
 * @on: what is not to be released before it
 *
 * An interrupt needs the DPC that its routine inserts. What belongs to a device
 * needs that anyway. RLS-06
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL for nothing, or itself; -ESHUTDOWN if either has not been
 * acquired, or is being released; -ENOSPC if @record needs as much as it can
 * already.
 */
int wdm_depends_on(struct wdm_record *record, struct wdm_record *on)
{
	unsigned long flags;
	unsigned int slot;
	int rc = -ENOSPC;

	if (!record || !on || record == on)
		return -EINVAL;
	spin_lock_irqsave(&wdm_ledger_lock, flags);
	/* The first belongs to the kind. */
	for (slot = 1; slot < WDM_DEPENDS && rc == -ENOSPC; slot++)
		if (!record->on[slot])
			rc = wdm_record_depend(record, slot, on);
	spin_unlock_irqrestore(&wdm_ledger_lock, flags);
	return rc;
}
EXPORT_SYMBOL_GPL(wdm_depends_on);

/**
 * wdm_record_within() - what is in use inside memory that is to be freed
 * @start: the memory
 * @size: its size
 *
 * RLS-82. L.
 *
 * Context: ATOMIC.
 * Return: the first such thing, or NULL.
 */
struct wdm_record *wdm_record_within(const void *start, size_t size)
{
	struct wdm_record *record = wdm_record_from(start);

	return record && (const void *)record < start + size ? record : NULL;
}
