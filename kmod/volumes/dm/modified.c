// SPDX-License-Identifier: GPL-2.0-only
/*
 * What filters have changed, done to the bio before the device gets it.
 *
 * A changed byte offset is another place on the target, within it. A swapped
 * buffer is another vector and iterator in dm's clone, which has its own struct
 * bio and shares the rest with the bio above, so that nothing is allocated and
 * nobody above sees it; they are put back when the device is done.
 */
#include <linux/blkdev.h>

#include "dm.h"

/**
 * flt_dm_range_valid() - is it all on the target, and as the device's blocks are?
 * @t: the target
 * @offset: from its start, in bytes
 * @length: in bytes
 *
 * Context: ATOMIC.
 * Return: true if so.
 */
bool flt_dm_range_valid(const struct flt_dm_target *t, u64 offset, u64 length)
{
	u64 size = (u64)t->ti->len << SECTOR_SHIFT;
	u64 mask = bdev_logical_block_size(t->dev->bdev) - 1;

	return !(offset & mask) && offset <= size && length <= size - offset;
}

static void flt_dm_swap(struct flt_dm_io *io, struct bio *bio, const struct bio *by)
{
	io->own_vec = bio->bi_io_vec;
	io->own_iter = bio->bi_iter;
	io->swapped = true;
	bio->bi_io_vec = by->bi_io_vec;
	bio->bi_iter = by->bi_iter;
	bio->bi_iter.bi_sector = io->own_iter.bi_sector;
}

/**
 * flt_dm_modify() - make a bio what filters want the device to get
 * @io: what goes with it; some filter has changed its parameters
 * @bio: dm's clone, about to be submitted
 *
 * Context: PASSIVE.
 * Return: 0, or -EIO for a place that is not on the target, or not that of
 * blocks: the operation is to end with that.
 */
int flt_dm_modify(struct flt_dm_io *io, struct bio *bio)
{
	const struct flt_parameters_rw *rw = &io->op.iopb.parameters.read;
	struct flt_dm_target *t = io->target;

	if (io->op.class == FLT_CLASS_FLUSH)
		return 0;
	if (!flt_dm_range_valid(t, rw->byte_offset, rw->length)) {
		DMWARN_LIMIT("%s: a filter sends an operation to byte %llu, not on the target",
			     dm_table_device_name(t->ti->table), rw->byte_offset);
		return -EIO;
	}
	bio->bi_iter.bi_sector = flt_dm_sector(t, rw->byte_offset);
	if (rw->bio != bio)
		flt_dm_swap(io, bio, rw->bio);
	return 0;
}

/**
 * flt_dm_unmodify() - the device is done: give the bio back what is its own
 * @io: what goes with it; its buffer was swapped
 * @bio: dm's clone
 *
 * Context: ATOMIC.
 */
void flt_dm_unmodify(struct flt_dm_io *io, struct bio *bio)
{
	io->swapped = false;
	bio->bi_io_vec = io->own_vec;
	bio->bi_iter = io->own_iter;
}
