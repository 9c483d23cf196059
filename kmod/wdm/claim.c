// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims on I/O ports and memory of devices: entries of /proc/ioports and /proc/iomem.
 *
 * The kernel keeps a pointer to the name of a claim: it is one that lasts as long as the
 * claim, not the driver's. What a list claims is claimed as a whole or not at all, and a
 * new list takes the place of the one before: a claim that is in both is not given up in
 * between. RLS-59, RLS-70
 */
#include <linux/export.h>
#include <linux/ioport.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

static DEFINE_MUTEX(wdm_claims_mutex);		/* C; around L */
static LIST_HEAD(wdm_claims);			/* C */

struct wdm_claim {
	struct wdm_record record;
	struct list_head link;			/* C */
	struct wdm_owner *owner;		/* I */
	struct wdm_partial_resource range;	/* I */
	char class_name[WDM_NAME_MAX];		/* I; the kernel shows it */
	struct resource *region;		/* I; NULL: found by the kernel */
	struct resource found;			/* I; then this */
	bool keep;				/* C; in the new list */
};

static struct resource *wdm_claim_root(enum wdm_claim_type type)
{
	return type == CmResourceTypePort ? &ioport_resource : &iomem_resource;
}

static void wdm_claim_give_back(struct wdm_claim *claim)
{
	if (claim->region)
		__release_region(wdm_claim_root(claim->range.type), claim->range.start,
				 claim->range.length);
	else
		release_resource(&claim->found);
}

static void wdm_claim_release(struct wdm_record *record)
{
	struct wdm_claim *claim = container_of(record, struct wdm_claim, record);

	mutex_lock(&wdm_claims_mutex);
	list_del(&claim->link);
	wdm_claim_give_back(claim);
	mutex_unlock(&wdm_claims_mutex);
	kfree(claim);
}

static const struct wdm_kind wdm_claim_kind = {
	.name = "claim",
	.rule = "V-RLS-7",
	.stage = WDM_STAGE_CLAIMS,
	.release = wdm_claim_release,
};

static bool wdm_claim_type_valid(enum wdm_claim_type type)
{
	return type == CmResourceTypePort || type == CmResourceTypeMemory;
}

static struct wdm_claim *wdm_claim_alloc(struct wdm_owner *owner, const char *class_name)
{
	struct wdm_claim *claim = kzalloc(sizeof(*claim), GFP_KERNEL);

	if (!claim)
		return NULL;
	claim->owner = owner;
	strscpy(claim->class_name, class_name);
	return claim;
}

/* Its range is claimed. It is gone after a failure. C */
static int wdm_claim_enter(struct wdm_claim *claim)
{
	char name[WDM_NAME_MAX];
	int rc;

	snprintf(name, sizeof(name), "%#llx", claim->range.start);
	rc = wdm_record_add(&claim->record, claim->owner, &wdm_claim_kind, name, NULL);
	if (rc) {
		wdm_claim_give_back(claim);
		kfree(claim);
		return rc;
	}
	list_add_tail(&claim->link, &wdm_claims);
	return 0;
}

/* C */
static int wdm_claim_range(struct wdm_owner *owner, const char *class_name,
			   const struct wdm_partial_resource *range)
{
	struct wdm_claim *claim = wdm_claim_alloc(owner, class_name);

	if (!claim)
		return -ENOMEM;
	claim->range = *range;
	claim->keep = true;
	claim->region = __request_region(wdm_claim_root(range->type), range->start,
					 range->length, claim->class_name, 0);
	if (!claim->region) {
		kfree(claim);
		return -EBUSY;
	}
	return wdm_claim_enter(claim);
}

/* One of a list that was reported, or one that was assigned. */
static bool wdm_claim_is(const struct wdm_claim *claim, const struct wdm_owner *owner,
			 bool reported)
{
	return claim->owner == owner && !!claim->region == reported;
}

/* Exactly that one, and no other of the list was it. C */
static struct wdm_claim *wdm_claim_same(struct wdm_owner *owner,
					const struct wdm_partial_resource *range)
{
	struct wdm_claim *claim;

	list_for_each_entry(claim, &wdm_claims, link)
		if (wdm_claim_is(claim, owner, true) && !claim->keep &&
		    claim->range.type == range->type && claim->range.start == range->start &&
		    claim->range.length == range->length &&
		    claim->record.state == WDM_RECORD_LIVE)
			return claim;
	return NULL;
}

/* One of those to give back, claimed; or NULL. C */
static struct wdm_claim *wdm_claim_next(struct wdm_owner *owner, bool reported, int *rc)
{
	struct wdm_claim *claim;
	int error;

	list_for_each_entry(claim, &wdm_claims, link) {
		if (!wdm_claim_is(claim, owner, reported) || claim->keep)
			continue;
		error = wdm_record_claim(&claim->record, &wdm_claim_kind);
		if (!error)
			return claim;
		/* It stays, and is not tried again. */
		claim->keep = true;
		*rc = error;
	}
	return NULL;
}

/* Give back what is not to be kept. What cannot be stays, and that is the result. */
static int wdm_claims_give_back(struct wdm_owner *owner, bool reported)
{
	struct wdm_claim *claim;
	int rc = 0;

	do {
		mutex_lock(&wdm_claims_mutex);
		claim = wdm_claim_next(owner, reported, &rc);
		mutex_unlock(&wdm_claims_mutex);
		if (claim)
			wdm_record_end(&claim->record);
	} while (claim);
	return rc;
}

/* C */
static void wdm_claims_keep(struct wdm_owner *owner, bool reported, bool keep)
{
	struct wdm_claim *claim;

	list_for_each_entry(claim, &wdm_claims, link)
		if (wdm_claim_is(claim, owner, reported))
			claim->keep = keep;
}

/* Those of the list that there are stay, and the others are claimed. C */
static int wdm_claims_take(struct wdm_owner *owner, const char *class_name,
			   const struct wdm_partial_resource *list, unsigned int count,
			   unsigned int *taken)
{
	struct wdm_claim *same;
	unsigned int n;
	int rc = 0;

	for (n = 0; n < count && !rc; n++) {
		same = wdm_claim_same(owner, &list[n]);
		if (same) {
			same->keep = true;
			continue;
		}
		rc = wdm_claim_range(owner, class_name, &list[n]);
		if (!rc)
			++*taken;
	}
	return rc;
}

/* The new ones of a list that failed are the last; all before it stay. C */
static void wdm_claims_undo(struct wdm_owner *owner, unsigned int taken)
{
	struct wdm_claim *claim;

	wdm_claims_keep(owner, true, true);
	list_for_each_entry_reverse(claim, &wdm_claims, link) {
		if (!taken)
			break;
		if (!wdm_claim_is(claim, owner, true))
			continue;
		claim->keep = false;
		taken--;
	}
}

static bool wdm_ranges_valid(const struct wdm_partial_resource *list, unsigned int count)
{
	unsigned int n;

	for (n = 0; n < count; n++) {
		resource_size_t end = list[n].start + list[n].length - 1;

		if (!wdm_claim_type_valid(list[n].type) || !list[n].length ||
		    end < list[n].start || end > wdm_claim_root(list[n].type)->end)
			return false;
	}
	return true;
}

/**
 * io_report_resource_usage() - claim what a driver uses of the hardware
 *	(IoReportResourceUsage)
 * @owner: for whom: the driver itself, or a device
 * @class_name: what the kernel shows it as
 * @list: what it uses
 * @count: how many there are; 0: nothing any more
 * @conflict_detected: receives whether somebody else has claimed one of them; or NULL
 *
 * __request_region() in the kernel's trees of ports and memory, as /proc/ioports and
 * /proc/iomem show them. The list takes the place of the one before: what is in both,
 * with the same begin and length, stays claimed. All of it is claimed, or nothing is
 * changed: a conflict cannot be overridden. What a list no longer has is given back, but
 * for what something needs, or what would go before its stage: that stays, and is
 * reported (V-RLS-13). RLS-59, RLS-70
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, or no such range; -EBUSY
 * (STATUS_CONFLICTING_ADDRESSES) for a conflict, and if the kernel has no memory for its
 * entry, which it does not tell apart; or if something could not be given back; -ENOMEM;
 * -EWOULDBLOCK, and reported (LVL-02); -ESHUTDOWN if @owner goes.
 */
int io_report_resource_usage(struct wdm_owner *owner, const char *class_name,
			     const struct wdm_partial_resource *list, unsigned int count,
			     bool *conflict_detected)
{
	unsigned int taken = 0;
	int rc, left;

	if (conflict_detected)
		*conflict_detected = false;
	if (!owner || !class_name || (count && !list) || !wdm_ranges_valid(list, count))
		return -EINVAL;
	if (!wdm_passive(owner->driver, "io_report_resource_usage"))
		return -EWOULDBLOCK;
	mutex_lock(&wdm_claims_mutex);
	wdm_claims_keep(owner, true, false);
	rc = wdm_claims_take(owner, class_name, list, count, &taken);
	if (rc)
		wdm_claims_undo(owner, taken);
	mutex_unlock(&wdm_claims_mutex);
	if (conflict_detected)
		*conflict_detected = rc == -EBUSY;
	left = wdm_claims_give_back(owner, true);
	return rc ?: left;
}
EXPORT_SYMBOL_GPL(io_report_resource_usage);

/* C */
static int wdm_claim_find(struct wdm_owner *owner, const char *class_name,
			  const struct wdm_resource_requirement *wanted,
			  struct wdm_partial_resource *range)
{
	struct wdm_claim *claim = wdm_claim_alloc(owner, class_name);
	int rc;

	if (!claim)
		return -ENOMEM;
	claim->found.name = claim->class_name;
	claim->found.flags = IORESOURCE_BUSY |
			     (wanted->type == CmResourceTypePort ? IORESOURCE_IO : IORESOURCE_MEM);
	rc = allocate_resource(wanted->window ?: wdm_claim_root(wanted->type), &claim->found,
			       wanted->length, wanted->minimum_address, wanted->maximum_address,
			       wanted->alignment, NULL, NULL);
	if (rc) {
		kfree(claim);
		return rc;
	}
	claim->range.type = wanted->type;
	claim->range.start = claim->found.start;
	claim->range.length = wanted->length;
	*range = claim->range;
	return wdm_claim_enter(claim);
}

static bool wdm_requirements_valid(const struct wdm_resource_requirement *list,
				   unsigned int count)
{
	unsigned int n;

	for (n = 0; n < count; n++)
		if (!wdm_claim_type_valid(list[n].type) || !list[n].length ||
		    !is_power_of_2(list[n].alignment) ||
		    list[n].maximum_address < list[n].minimum_address ||
		    list[n].maximum_address - list[n].minimum_address < list[n].length - 1 ||
		    list[n].maximum_address > wdm_claim_root(list[n].type)->end)
			return false;
	return true;
}

/* C */
static bool wdm_claims_assigned(struct wdm_owner *owner)
{
	struct wdm_claim *claim;

	list_for_each_entry(claim, &wdm_claims, link)
		if (wdm_claim_is(claim, owner, false))
			return true;
	return false;
}

/* C */
static int wdm_claims_find(struct wdm_owner *owner, const char *class_name,
			   const struct wdm_resource_requirement *requested, unsigned int count,
			   struct wdm_partial_resource *allocated)
{
	unsigned int n;
	int rc = 0;

	if (count && wdm_claims_assigned(owner))
		return -EEXIST;
	for (n = 0; n < count && !rc; n++)
		rc = wdm_claim_find(owner, class_name, &requested[n], &allocated[n]);
	return rc;
}

/**
 * io_assign_resources() - find ranges that nobody has claimed, and claim them
 *	(IoAssignResources)
 * @owner: for whom: the driver itself, or a device
 * @class_name: what the kernel shows it as
 * @requested: what is wanted
 * @count: how many; 0: what was assigned is given back
 * @allocated: receives as many ranges
 *
 * allocate_resource(): where nothing is, in the window of a bus or outside of all. X-19:
 * the contract of the original is lost, this is a reading of it. All that is requested is
 * found, or nothing. What was assigned is not part of what io_report_resource_usage()
 * replaces. RLS-59
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, or no such range; -EBUSY if nothing like that is free,
 * or, and reported (V-RLS-13), something could not be given back; -EEXIST if something
 * is assigned already; -ENOMEM; -EWOULDBLOCK, and reported (LVL-02); -ESHUTDOWN if
 * @owner goes.
 */
int io_assign_resources(struct wdm_owner *owner, const char *class_name,
			const struct wdm_resource_requirement *requested, unsigned int count,
			struct wdm_partial_resource *allocated)
{
	int rc, left = 0;

	if (!owner || !class_name || (count && (!requested || !allocated)) ||
	    !wdm_requirements_valid(requested, count))
		return -EINVAL;
	if (!wdm_passive(owner->driver, "io_assign_resources"))
		return -EWOULDBLOCK;
	mutex_lock(&wdm_claims_mutex);
	rc = wdm_claims_find(owner, class_name, requested, count, allocated);
	wdm_claims_keep(owner, false, false);
	mutex_unlock(&wdm_claims_mutex);
	/* All of them: there were none before. */
	if (!count || (rc && rc != -EEXIST))
		left = wdm_claims_give_back(owner, false);
	return rc ?: left;
}
EXPORT_SYMBOL_GPL(io_assign_resources);

/**
 * wdm_claim_record() - a claim's record, for wdm_depends_on()
 * @owner: whose it is
 * @type: of what
 * @start: where it begins
 *
 * Context: PASSIVE.
 * Return: the record; NULL if there is no such claim.
 */
struct wdm_record *wdm_claim_record(struct wdm_owner *owner, enum wdm_claim_type type, u64 start)
{
	struct wdm_record *record = NULL;
	struct wdm_claim *claim;

	mutex_lock(&wdm_claims_mutex);
	list_for_each_entry(claim, &wdm_claims, link)
		if (claim->owner == owner && claim->range.type == type &&
		    claim->range.start == start)
			record = &claim->record;
	mutex_unlock(&wdm_claims_mutex);
	return record;
}
EXPORT_SYMBOL_GPL(wdm_claim_record);
