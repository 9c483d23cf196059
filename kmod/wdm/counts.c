// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many devices of a kind there are, as drivers count them.
 *
 * On Windows a structure of the I/O manager's that each driver adds to: nobody knows who
 * forgets to take it back. Here a driver's share is in its ledger as long as it is not 0.
 * RLS-72
 */
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "internal.h"

static DEFINE_MUTEX(wdm_configuration_mutex);	/* Q; around L */
static LIST_HEAD(wdm_shares);			/* Q */
static unsigned int wdm_totals[WDM_CONFIGURATIONS];	/* Q */

struct wdm_share {
	struct wdm_record record;
	struct list_head link;			/* Q */
	struct wdm_owner *owner;		/* I */
	enum wdm_configuration type;		/* I */
	unsigned int count;			/* Q */
};

static const char * const wdm_configuration_names[] = {
	[WDM_DISK_COUNT] = "DiskCount",
	[WDM_FLOPPY_COUNT] = "FloppyCount",
	[WDM_CDROM_COUNT] = "CdRomCount",
	[WDM_TAPE_COUNT] = "TapeCount",
	[WDM_SCSI_PORT_COUNT] = "ScsiPortCount",
	[WDM_SERIAL_COUNT] = "SerialCount",
	[WDM_PARALLEL_COUNT] = "ParallelCount",
	[WDM_MEDIUM_CHANGER_COUNT] = "MediumChangerCount",
};

/* Who has not taken it back by its stage has forgotten it. */
static void wdm_share_drain(struct wdm_record *record)
{
	struct wdm_share *share = container_of(record, struct wdm_share, record);
	char what[48];

	mutex_lock(&wdm_configuration_mutex);
	if (share->count) {
		snprintf(what, sizeof(what), "goes, and is %u still", share->count);
		wdm_record_report("V-RLS-9", record, what);
		wdm_totals[share->type] -= share->count;
		share->count = 0;
	}
	mutex_unlock(&wdm_configuration_mutex);
}

static void wdm_share_release(struct wdm_record *record)
{
	struct wdm_share *share = container_of(record, struct wdm_share, record);

	mutex_lock(&wdm_configuration_mutex);
	list_del(&share->link);
	mutex_unlock(&wdm_configuration_mutex);
	kfree(share);
}

/* It is told of by drain, once. */
static bool wdm_share_leaked(const struct wdm_record *record)
{
	return false;
}

static const struct wdm_kind wdm_share_kind = {
	.name = "count",
	.rule = "V-RLS-9",
	.stage = WDM_STAGE_CLAIMS,
	.leaked = wdm_share_leaked,
	.drain = wdm_share_drain,
	.release = wdm_share_release,
};

/* Q */
static struct wdm_share *wdm_share_find(struct wdm_owner *owner, enum wdm_configuration type)
{
	struct wdm_share *share;

	list_for_each_entry(share, &wdm_shares, link)
		if (share->owner == owner && share->type == type && share->count)
			return share;
	return NULL;
}

/* Q */
static struct wdm_share *wdm_share_make(struct wdm_owner *owner, enum wdm_configuration type)
{
	struct wdm_share *share = kzalloc(sizeof(*share), GFP_KERNEL);
	int rc;

	if (!share)
		return ERR_PTR(-ENOMEM);
	share->owner = owner;
	share->type = type;
	rc = wdm_record_add(&share->record, owner, &wdm_share_kind,
			    wdm_configuration_names[type], NULL);
	if (rc) {
		kfree(share);
		return ERR_PTR(rc);
	}
	list_add(&share->link, &wdm_shares);
	return share;
}

static bool wdm_share_owner_going(const struct wdm_owner *owner)
{
	bool going;

	spin_lock_irq(&wdm_ledger_lock);
	going = wdm_owner_going(owner);
	spin_unlock_irq(&wdm_ledger_lock);
	return going;
}

/* @gone: one that nothing is left of, claimed, for the caller to end. Q */
static int wdm_share_count(struct wdm_owner *owner, enum wdm_configuration type, int by,
			   struct wdm_share **gone)
{
	struct wdm_share *share = wdm_share_find(owner, type);
	int rc;

	if (by < 0 && (!share || share->count < -by))
		return -ERANGE;
	if (by > 0 && wdm_share_owner_going(owner))
		return -ESHUTDOWN;
	if (by > 0 && wdm_totals[type] > INT_MAX - by)
		return -EOVERFLOW;
	if (!share && by)
		share = wdm_share_make(owner, type);
	if (IS_ERR(share))
		return PTR_ERR(share);
	if (share && share->count == -by) {
		rc = wdm_record_claim(&share->record, &wdm_share_kind);
		if (rc)
			return rc;
		*gone = share;
	}
	if (share)
		share->count += by;
	wdm_totals[type] += by;
	return wdm_totals[type];
}

/**
 * io_count_configuration() - count devices that a driver has made
 *	(IoGetConfigurationInformation)
 * @owner: for whom
 * @type: what they are
 * @by: how many more, or fewer
 *
 * In place of writing into the structure that the original returns. What is not taken
 * back is reported (V-RLS-9), and is taken back in the stage of claims. RLS-72
 *
 * Context: PASSIVE.
 * Return: how many there are now, of all drivers: it serves to name the next one;
 * -EINVAL for nothing, or no such type; -ERANGE, and reported (V-RLS-9), for more than
 * @owner has counted; -EOVERFLOW; -ENOMEM; -EWOULDBLOCK, and reported (LVL-02);
 * -ESHUTDOWN if @owner goes; -EBUSY, and reported (V-RLS-13), if the last are taken back
 * before its stage of an unload; -EALREADY if the unload takes them.
 */
int io_count_configuration(struct wdm_owner *owner, enum wdm_configuration type, int by)
{
	struct wdm_share *gone = NULL;
	int rc;

	if (!owner || type >= WDM_CONFIGURATIONS || by == INT_MIN)
		return -EINVAL;
	if (!wdm_passive(owner->driver, "io_count_configuration"))
		return -EWOULDBLOCK;
	mutex_lock(&wdm_configuration_mutex);
	rc = wdm_share_count(owner, type, by, &gone);
	mutex_unlock(&wdm_configuration_mutex);
	if (gone)
		wdm_record_end(&gone->record);
	if (rc == -ERANGE)
		wdm_violation("V-RLS-9", owner->driver,
			      "%s is lowered by %d, more than it was raised",
			      wdm_configuration_names[type], -by);
	return rc;
}
EXPORT_SYMBOL_GPL(io_count_configuration);

/**
 * io_get_configuration_information() - how many devices there are
 *	(IoGetConfigurationInformation)
 * @type: of what kind
 *
 * Context: PASSIVE.
 * Return: how many all drivers have counted; -EINVAL for no such type.
 */
int io_get_configuration_information(enum wdm_configuration type)
{
	int count;

	if (type >= WDM_CONFIGURATIONS)
		return -EINVAL;
	mutex_lock(&wdm_configuration_mutex);
	count = wdm_totals[type];
	mutex_unlock(&wdm_configuration_mutex);
	return count;
}
EXPORT_SYMBOL_GPL(io_get_configuration_information);
