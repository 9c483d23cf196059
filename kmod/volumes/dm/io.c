// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bios and operations.
 *
 * A bio that no filter wants is remapped as by dm-linear. For one that some
 * filter wants, struct flt_dm_io goes to the manager and back:
 *
 *	map()		flt_dispatch()	FLT_SUBMIT	dm submits it
 *					FLT_TAKEN	ops->submit() or
 *							ops->complete() later
 *	end_io()	flt_complete()	FLT_DONE	dm ends it
 *					FLT_TAKEN	ops->complete() later
 *
 * ops->complete() calls bio_endio(): for a bio that was at the device it is the
 * second time, and for each it is the last. Either way end_io() is entered once
 * more, sees that the operation has ended, and lets dm go on.
 *
 * WHERE PRE-OPERATIONS RUN
 *
 * In map(), in the thread that submits the bio, as a rule. dm may always sleep
 * there: submit_bio_noacct() does not allow anything else, and dm itself
 * allocates its clone with GFP_NOIO. (REQ_NOWAIT, the one promise not to sleep,
 * is refused above us, see target.c.) Two things are different from a thread
 * of one's own:
 *
 * It is inside dm's SRCU read section: suspending the device or replacing its
 * table waits, and cannot be interrupted, until the pre-operation returns.
 *
 * Bios that this thread submits are put on current->bio_list, and sent when
 * map() has returned. To submit and wait hangs. So ops->submit() goes to a
 * worker if there is such a list: with FLT_SUBMIT_WAITS it must, and otherwise
 * an operation that was resumed from the pre-operation of another would be held
 * up by it.
 *
 * A bio that comes from a worker is not the worker's own business. kdmflush
 * replays what was put off during a suspend, and each write behind its
 * pre-flush; flushers write pages of everybody. One that sleeps holds up
 * all that comes behind it, and dm_suspend() waits for kdmflush and cannot be
 * interrupted. So these are dispatched from a queue of the target's own.
 *
 * THE QUEUES
 *
 * Each target has two, unbound and with a rescuer. dispatch_wq runs
 * pre-operations, as many at a time as the kernel allows (WQ_MAX_ACTIVE): if all
 * of them sleep, what comes from workers waits, for this target only. With
 * memory so short that no worker can be made, the rescuer runs one after the
 * other: then a pre-operation must not sleep until a later operation comes. It
 * never must; that is what pending is for. submit_wq only submits, and does not
 * wait for filters, so that what SYNCHRONIZE waits for is never behind a
 * pre-operation: that of a volume further down is on the queue of its own
 * target, since submit_wq is a worker too.
 */
#include <linux/blkdev.h>
#include <linux/sched.h>

#include "dm.h"

static struct bio *flt_dm_bio(struct flt_dm_io *io)
{
	return dm_bio_from_per_bio_data(io, sizeof(*io));
}

static int flt_dm_rare_class(blk_opf_t opf)
{
	switch (opf & REQ_OP_MASK) {
	case REQ_OP_FLUSH:
		return FLT_CLASS_FLUSH;
	case REQ_OP_DISCARD:
		return FLT_CLASS_DISCARD;
	case REQ_OP_SECURE_ERASE:
		return FLT_CLASS_SECURE_ERASE;
	case REQ_OP_WRITE_ZEROES:
		return FLT_CLASS_WRITE_ZEROES;
	default:
		return -1;
	}
}

/* The class of a bio, or -1. */
static int flt_dm_class(blk_opf_t opf)
{
	if (likely((opf & REQ_OP_MASK) == REQ_OP_READ))
		return FLT_CLASS_READ;
	if (unlikely((opf & REQ_OP_MASK) != REQ_OP_WRITE))
		return flt_dm_rare_class(opf);
	/* dm takes the data out: a PREFLUSH that gets here is empty. */
	return unlikely(opf & REQ_PREFLUSH) ? FLT_CLASS_FLUSH : FLT_CLASS_WRITE;
}

static u32 flt_dm_irp_flags(blk_opf_t opf, int class)
{
	u32 flags = 0;

	if (opf & REQ_META)
		flags |= FLT_IRP_META;
	if (opf & REQ_RAHEAD)
		flags |= FLT_IRP_READ_AHEAD;
	else if (op_is_sync(opf))
		flags |= FLT_IRP_SYNC;
	/* Swapped out: to be done before there is memory again. */
	if (unlikely(opf & REQ_SWAP))
		flags |= FLT_IRP_PAGING;
	/* A flush has the flags of the write that asked for it. */
	if ((opf & REQ_FUA) && class != FLT_CLASS_FLUSH)
		flags |= FLT_IRP_WRITE_THROUGH;
	return flags;
}

/* The status an operation ends with; last chance to remember a failed flush. */
static blk_status_t flt_dm_outcome(struct flt_dm_io *io)
{
	blk_status_t status = flt_dm_status_to_blk(io->op.data.io_status.status);

	if (unlikely(status && io->op.class == FLT_CLASS_FLUSH))
		flt_dm_flush_failed(io, status);
	return status;
}

/* Ends it without any filter's having seen it. */
static int flt_dm_refuse(struct bio *bio, blk_status_t status)
{
	bio->bi_status = status;
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static void flt_dm_complete(struct flt_operation *op)
{
	struct flt_dm_io *io = container_of(op, struct flt_dm_io, op);
	struct bio *bio = flt_dm_bio(io);

	io->state = FLT_DM_IO_ENDED;
	bio->bi_status = flt_dm_outcome(io);
	bio_endio(bio);
}

/* What filters have changed is done, or the operation ends. True: submit it. */
static bool flt_dm_ready(struct flt_dm_io *io, struct bio *bio)
{
	int rc;

	if (likely(!io->op.modified))
		return true;
	rc = flt_dm_modify(io, bio);
	if (!rc)
		return true;
	if (flt_complete(&io->op, rc, 0) == FLT_DONE)
		flt_dm_complete(&io->op);
	return false;
}

static void flt_dm_submit_work(struct work_struct *work)
{
	dm_submit_bio_remap(flt_dm_bio(container_of(work, struct flt_dm_io, op.work)), NULL);
}

static void flt_dm_submit(struct flt_operation *op, unsigned int flags)
{
	struct flt_dm_io *io = container_of(op, struct flt_dm_io, op);
	struct bio *bio = flt_dm_bio(io);

	if (!flt_dm_ready(io, bio))
		return;
	if (current->bio_list) {
		INIT_WORK(&io->op.work, flt_dm_submit_work);
		queue_work(io->target->submit_wq, &io->op.work);
	} else {
		dm_submit_bio_remap(bio, NULL);
	}
}

const struct flt_volume_ops flt_dm_volume_ops = {
	.type = "dm",
	.owner = THIS_MODULE,
	.submit = flt_dm_submit,
	.complete = flt_dm_complete,
	.issue = flt_dm_issue,
};

/* To the filters. True: it is through already, submit it. */
static bool flt_dm_dispatch(struct flt_dm_io *io, struct bio *bio)
{
	switch (flt_dispatch(&io->op)) {
	case FLT_SUBMIT:
		return flt_dm_ready(io, bio);
	case FLT_DONE:
		flt_dm_complete(&io->op);
		break;
	case FLT_TAKEN:
		break;
	}
	return false;
}

static void flt_dm_dispatch_work(struct work_struct *work)
{
	struct flt_dm_io *io = container_of(work, struct flt_dm_io, op.work);
	struct bio *bio = flt_dm_bio(io);

	if (flt_dm_dispatch(io, bio))
		dm_submit_bio_remap(bio, NULL);
}

/* Not inline: what flt_dm_map() does for a bio that is not filtered is to be short. */
static noinline int flt_dm_map_filtered(struct flt_dm_target *t, struct flt_dm_io *io,
					struct bio *bio, int class, sector_t sector)
{
	sector_t offset = dm_target_offset(t->ti, sector);

	io->state = FLT_DM_IO_FILTERED;
	io->swapped = false;
	io->target = t;
	if (class == FLT_CLASS_FLUSH) {
		io->vec = bio->bi_io_vec;
		io->sector = sector;
		offset = 0;
	}
	flt_operation_init(&io->op, t->volume, class, flt_dm_irp_flags(bio->bi_opf, class),
			   (u64)offset << SECTOR_SHIFT, bio->bi_iter.bi_size, bio);

	if (current->flags & PF_WQ_WORKER) {
		/* Whom this worker works for is unknown. */
		io->op.data.requestor_pid = 0;
		INIT_WORK(&io->op.work, flt_dm_dispatch_work);
		queue_work(t->dispatch_wq, &io->op.work);
		return DM_MAPIO_SUBMITTED;
	}

	return flt_dm_dispatch(io, bio) ? DM_MAPIO_REMAPPED : DM_MAPIO_SUBMITTED;
}

/**
 * flt_dm_map() - dm sends a bio
 * @ti: the target
 * @bio: the bio, dm's clone, not bigger than the target
 *
 * Context: PASSIVE, inside dm's SRCU read section.
 * Return: what is to become of it: DM_MAPIO_REMAPPED or DM_MAPIO_SUBMITTED.
 */
int flt_dm_map(struct dm_target *ti, struct bio *bio)
{
	struct flt_dm_io *io = dm_per_bio_data(bio, sizeof(*io));
	sector_t sector = bio->bi_iter.bi_sector;
	struct flt_dm_target *t = ti->private;
	int class = flt_dm_class(bio->bi_opf);

	io->state = FLT_DM_IO_PASSED;
	if (unlikely(class < 0))
		return flt_dm_refuse(bio, BLK_STS_NOTSUPP);
	if (class == FLT_CLASS_WRITE && unlikely(READ_ONCE(t->flushes->watch))) {
		blk_status_t status = flt_dm_flush_check(t->flushes, ti, bio, sector);

		if (status)
			return flt_dm_refuse(bio, status);
	}

	bio_set_dev(bio, t->dev->bdev);
	if (likely(class != FLT_CLASS_FLUSH))
		bio->bi_iter.bi_sector = t->start + dm_target_offset(ti, sector);
	if (likely(!flt_volume_filtered(t->volume, class)))
		return DM_MAPIO_REMAPPED;
	return flt_dm_map_filtered(t, io, bio, class, sector);
}

/**
 * flt_dm_end_io() - a bio is through
 * @ti: the target
 * @bio: the bio
 * @error: how it ended, and is to end
 *
 * Entered a second time for what ops->complete() ends.
 *
 * Context: ATOMIC.
 * Return: DM_ENDIO_DONE, or DM_ENDIO_INCOMPLETE: not through after all.
 */
int flt_dm_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct flt_dm_io *io = dm_per_bio_data(bio, sizeof(*io));
	unsigned long bytes;

	if (likely(io->state != FLT_DM_IO_FILTERED))
		return DM_ENDIO_DONE;

	io->state = FLT_DM_IO_ENDED;
	if (unlikely(io->swapped))
		flt_dm_unmodify(io, bio);
	/* The bio's own count is used up by now. */
	bytes = *error ? 0 : io->op.iopb.parameters.read.length;
	if (flt_complete(&io->op, flt_dm_status_from_blk(*error), bytes) == FLT_TAKEN)
		return DM_ENDIO_INCOMPLETE;
	*error = flt_dm_outcome(io);
	return DM_ENDIO_DONE;
}

/**
 * flt_dm_io_init() - make a target's queues
 * @t: the target
 *
 * Context: PASSIVE.
 * Return: 0 or -ENOMEM; flt_dm_io_exit() either way.
 */
int flt_dm_io_init(struct flt_dm_target *t)
{
	const char *device = dm_table_device_name(t->ti->table);

	t->dispatch_wq = alloc_workqueue("flt_dm/%s", WQ_UNBOUND | WQ_MEM_RECLAIM,
					 WQ_MAX_ACTIVE, device);
	t->submit_wq = alloc_workqueue("flt_dm_submit/%s", WQ_UNBOUND | WQ_MEM_RECLAIM,
				       WQ_MAX_ACTIVE, device);
	return t->dispatch_wq && t->submit_wq ? 0 : -ENOMEM;
}

/**
 * flt_dm_io_exit() - a target's queues go, and what is left on them is done
 * @t: the target
 *
 * Context: PASSIVE.
 */
void flt_dm_io_exit(struct flt_dm_target *t)
{
	if (t->dispatch_wq)
		destroy_workqueue(t->dispatch_wq);
	if (t->submit_wq)
		destroy_workqueue(t->submit_wq);
}
