// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failed pre-flushes.
 *
 * A bio that asks for a flush before its data is written (REQ_PREFLUSH) is two
 * bios to a target: dm sends a flush, and when that has ended, the same bio
 * again as a plain write. dm does not look at how the flush ended. If a filter
 * failed it, the data would be written, and whoever relies on the order (the
 * commit record of a journal) would be told that all is well.
 *
 * So the volume remembers, and fails the write itself. To know it again: the
 * flush that dm sends to the first target of a table is made from the bio that
 * asked for it. It has lost its length, but shares the bio's vector of pages
 * (as bio_alloc_clone() promises) and starts at the same sector; so does the
 * write. The vector is the bio's until the write has ended: no other bio on its
 * way has the same. A flush that has no vector never had data: dm reports its
 * failure.
 *
 * The flushes that dm sends to the other targets of a table are made from
 * nothing; they cannot be told from one another, nor from one without data. If
 * one of them fails, or more fail at once than there is room for, then no write
 * to any of our targets in this device succeeds until a new table is loaded.
 * It is hard, but what can be lost here is the promise that data is safe.
 *
 * A write that was remembered and goes to a target of another type is out of
 * our reach. So, in a mixed table, the failure may be lost, as it always is
 * with dm's own targets. Its slot stays taken; a write that looks the same
 * frees it, and fails.
 */
#include "dm.h"

/**
 * flt_dm_flush_init() - no pre-flush has failed
 * @flushes: of a mapped device, all zero
 *
 * Context: any.
 */
void flt_dm_flush_init(struct flt_dm_flushes *flushes)
{
	spin_lock_init(&flushes->lock);
}

/**
 * flt_dm_flush_forget() - a new table: writes may succeed again
 * @flushes: of the mapped device
 *
 * Writes that are known to follow a failed pre-flush still fail: dm may have
 * put them off until the new table is live.
 *
 * Context: ATOMIC.
 */
void flt_dm_flush_forget(struct flt_dm_flushes *flushes)
{
	unsigned long flags;

	spin_lock_irqsave(&flushes->lock, flags);
	flushes->lost = false;
	WRITE_ONCE(flushes->watch, flushes->nr);
	spin_unlock_irqrestore(&flushes->lock, flags);
}

static struct flt_dm_failed_flush *flt_dm_flush_find(struct flt_dm_flushes *flushes,
						     const struct bio_vec *vec, sector_t sector)
{
	struct flt_dm_failed_flush *failed;

	for (failed = flushes->failed;
	     failed < flushes->failed + FLT_DM_FAILED_FLUSHES; failed++)
		if (failed->vec == vec && (!vec || failed->sector == sector))
			return failed;
	return NULL;
}

/* False if there is no room. */
static bool flt_dm_flush_add(struct flt_dm_flushes *flushes, const struct bio_vec *vec,
			     sector_t sector, blk_status_t status)
{
	struct flt_dm_failed_flush *failed = flt_dm_flush_find(flushes, vec, sector);

	if (!failed) {
		failed = flt_dm_flush_find(flushes, NULL, 0);
		if (!failed)
			return false;
		flushes->nr++;
	}
	failed->vec = vec;
	failed->sector = sector;
	failed->status = status;
	return true;
}

/**
 * flt_dm_flush_failed() - a flush ended with an error
 * @io: the flush, not yet ended
 * @status: the error
 *
 * To be called before dm learns of it: the data follows at once.
 *
 * Context: ATOMIC.
 */
void flt_dm_flush_failed(struct flt_dm_io *io, blk_status_t status)
{
	struct dm_target *ti = io->target->ti;
	struct flt_dm_flushes *flushes = io->target->flushes;
	unsigned long flags;
	bool lost = false;

	if (!ti->begin && !io->vec)
		return;
	spin_lock_irqsave(&flushes->lock, flags);
	if (ti->begin || !flt_dm_flush_add(flushes, io->vec, io->sector, status)) {
		lost = !flushes->lost;
		flushes->lost = true;
	}
	WRITE_ONCE(flushes->watch, true);
	spin_unlock_irqrestore(&flushes->lock, flags);
	if (lost)
		DMERR("%s: volume %s: a flush failed, nobody knows whose: failing all writes",
		      dm_table_device_name(ti->table), io->target->owner->name);
}

/**
 * flt_dm_flush_check() - may this be written?
 * @flushes: of the mapped device
 * @ti: the target that the write came to
 * @bio: the write
 * @sector: where it begins on the mapped device
 *
 * Context: ATOMIC.
 * Return: BLK_STS_OK, or the error that its pre-flush ended with.
 */
blk_status_t flt_dm_flush_check(struct flt_dm_flushes *flushes, struct dm_target *ti,
				struct bio *bio, sector_t sector)
{
	sector_t end = sector + bio_sectors(bio);
	struct flt_dm_failed_flush *failed;
	blk_status_t status = BLK_STS_OK;
	unsigned long flags;

	spin_lock_irqsave(&flushes->lock, flags);
	failed = bio->bi_io_vec ? flt_dm_flush_find(flushes, bio->bi_io_vec, sector) : NULL;
	if (failed) {
		status = failed->status;
		/* What does not fit into this target comes to the next one. */
		failed->sector = end;
		if (end != ti->begin + ti->len || end == dm_table_get_size(ti->table)) {
			failed->vec = NULL;
			flushes->nr--;
		}
	} else if (flushes->lost) {
		status = BLK_STS_IOERR;
	}
	if (status)
		flushes->refused++;
	WRITE_ONCE(flushes->watch, flushes->nr || flushes->lost);
	spin_unlock_irqrestore(&flushes->lock, flags);
	return status;
}
