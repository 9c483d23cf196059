// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O of filters' own: bios that dm does not know of.
 *
 * A filter's own operation comes out below the lowest instance, without a bio of
 * dm's. It gets one here, from the volume's own set, which goes to the device as
 * map() would have sent it, and round dm. What dm does for its bios is done here:
 *
 *	suspended	it waits for the resume
 *	postsuspend	waits for what the device has
 *	the last dtr	what waits fails, as with dm
 *
 * It is postsuspend, and not presuspend, where the gate closes: until then dm lets
 * bios through that it has, and waits for them, and a filter may need I/O of its
 * own to be done with them. After it nothing of dm's is on its way any more, and
 * what a filter begins now is with no bio of dm's that anybody waits for.
 *
 * A volume is in a table once, so that the target is always known: the one whose
 * table was resumed last. It is there as long as the gate is open or something is
 * counted.
 */
#include <linux/blkdev.h>

#include "dm.h"

/* As many at a time can do without memory. */
#define FLT_DM_OWN_BIOS	4

/* What goes with each bio, in front of it. */
struct flt_dm_own {
	struct flt_operation *op;
	struct flt_dm_volume *v;
	struct bio bio;
};

/* One less in the device. The last access to the volume, if it may go. */
static void flt_dm_own_left(struct flt_dm_volume *v)
{
	unsigned long flags;

	spin_lock_irqsave(&v->own_lock, flags);
	if (!--v->own_nr)
		wake_up_all(&v->own_wait);
	spin_unlock_irqrestore(&v->own_lock, flags);
}

static void flt_dm_own_endio(struct bio *bio)
{
	struct flt_dm_own *own = container_of(bio, struct flt_dm_own, bio);
	int status = flt_dm_status_from_blk(bio->bi_status);
	struct flt_operation *op = own->op;
	struct flt_dm_volume *v = own->v;

	/* All of it first: when the filter is told, the volume may be gone. */
	bio_put(bio);
	flt_dm_own_left(v);
	flt_issue_done(op, status, status ? 0 : op->iopb.parameters.read.length);
}

static blk_opf_t flt_dm_own_opf(const struct flt_operation *op)
{
	static const blk_opf_t opfs[FLT_NR_CLASSES] = {
		[FLT_CLASS_READ] = REQ_OP_READ,
		[FLT_CLASS_WRITE] = REQ_OP_WRITE,
		[FLT_CLASS_FLUSH] = REQ_OP_WRITE | REQ_PREFLUSH,
		[FLT_CLASS_DISCARD] = REQ_OP_DISCARD,
		[FLT_CLASS_SECURE_ERASE] = REQ_OP_SECURE_ERASE,
		[FLT_CLASS_WRITE_ZEROES] = REQ_OP_WRITE_ZEROES,
	};
	u32 flags = op->iopb.irp_flags;
	blk_opf_t opf = opfs[op->class];

	if (flags & FLT_IRP_META)
		opf |= REQ_META;
	if (flags & FLT_IRP_READ_AHEAD)
		opf |= REQ_RAHEAD;
	if (flags & FLT_IRP_SYNC)
		opf |= REQ_SYNC;
	if (flags & FLT_IRP_PAGING)
		opf |= REQ_SWAP;
	if (flags & FLT_IRP_WRITE_THROUGH && op->class == FLT_CLASS_WRITE)
		opf |= REQ_FUA;
	return opf;
}

static bool flt_dm_own_has_data(const struct flt_operation *op)
{
	return op->class == FLT_CLASS_READ || op->class == FLT_CLASS_WRITE;
}

/* What is wrong with it on this target; 0: nothing. */
static int flt_dm_own_check(const struct flt_dm_target *t, const struct flt_operation *op)
{
	const struct flt_parameters_rw *rw = &op->iopb.parameters.read;
	bool writable = dm_table_get_mode(t->ti->table) & BLK_OPEN_WRITE;

	if (op->class == FLT_CLASS_FLUSH)
		return 0;
	/* The block layer asks the mapped device, which this goes round, for that. */
	if (op->class != FLT_CLASS_READ && !writable)
		return STATUS_ACCESS_DENIED;
	if (!flt_dm_range_valid(t, rw->byte_offset, rw->length) || rw->length > UINT_MAX)
		return STATUS_INVALID_PARAMETER;
	if (rw->length & (bdev_logical_block_size(t->dev->bdev) - 1))
		return STATUS_INVALID_PARAMETER;
	/* A lower filter may have swapped it, for one of this size. */
	return flt_dm_own_has_data(op) && !rw->bio ? STATUS_INVALID_PARAMETER : 0;
}

/* From the volume's set, so it waits for others of this volume's at most. */
static struct bio *flt_dm_own_bio(const struct flt_dm_target *t, struct flt_operation *op)
{
	const struct flt_parameters_rw *rw = &op->iopb.parameters.read;
	struct bio_set *bios = &t->owner->own_bios;
	struct bio *bio;

	if (flt_dm_own_has_data(op)) {
		bio = bio_alloc_clone(t->dev->bdev, rw->bio, GFP_NOIO, bios);
		bio->bi_opf = flt_dm_own_opf(op);
	} else {
		bio = bio_alloc_bioset(t->dev->bdev, 0, flt_dm_own_opf(op), GFP_NOIO, bios);
		bio->bi_iter.bi_size = rw->length;
	}
	if (op->class != FLT_CLASS_FLUSH)
		bio->bi_iter.bi_sector = flt_dm_sector(t, rw->byte_offset);
	return bio;
}

/* It is counted, so that the target stays. */
static void flt_dm_own_submit(struct flt_dm_target *t, struct flt_operation *op)
{
	struct flt_dm_volume *v = t->owner;
	int rc = flt_dm_own_check(t, op);
	struct flt_dm_own *own;
	struct bio *bio;

	if (rc) {
		flt_dm_own_left(v);
		flt_issue_done(op, rc, 0);
		return;
	}
	bio = flt_dm_own_bio(t, op);
	own = container_of(bio, struct flt_dm_own, bio);
	own->op = op;
	own->v = v;
	bio->bi_end_io = flt_dm_own_endio;
	submit_bio_noacct(bio);
}

static struct flt_dm_volume *flt_dm_own_volume(const struct flt_operation *op)
{
	return flt_volume_private(op->volume);
}

static void flt_dm_own_work(struct work_struct *work)
{
	struct flt_operation *op = container_of(work, struct flt_operation, work);

	flt_dm_own_submit(READ_ONCE(flt_dm_own_volume(op)->live), op);
}

static void flt_dm_own_queue(struct flt_dm_target *t, struct flt_operation *op)
{
	INIT_WORK(&op->work, flt_dm_own_work);
	queue_work(t->submit_wq, &op->work);
}

/* The target that is to do it, and it is counted; NULL: it waits, or *@rc. */
static struct flt_dm_target *flt_dm_own_enter(struct flt_dm_volume *v, struct flt_operation *op,
					      int *rc)
{
	struct flt_dm_target *t = NULL;
	unsigned long flags;

	*rc = 0;
	spin_lock_irqsave(&v->own_lock, flags);
	if (!v->live) {
		*rc = STATUS_IO_DEVICE_ERROR;
	} else if (v->closed) {
		llist_add(&op->at_device, &v->own_waiting);
	} else {
		t = v->live;
		v->own_nr++;
	}
	spin_unlock_irqrestore(&v->own_lock, flags);
	return t;
}

/**
 * flt_dm_issue() - do what a filter has initiated
 * @op: its operation
 * @flags: FLT_SUBMIT_*
 *
 * Context: PASSIVE.
 */
void flt_dm_issue(struct flt_operation *op, unsigned int flags)
{
	struct flt_dm_volume *v = flt_dm_own_volume(op);
	struct flt_dm_target *t;
	int rc;

	t = flt_dm_own_enter(v, op, &rc);
	if (rc)
		flt_issue_done(op, rc, 0);
	else if (t && current->bio_list)	/* as in flt_dm_submit() */
		flt_dm_own_queue(t, op);
	else if (t)
		flt_dm_own_submit(t, op);
}

/**
 * flt_dm_own_init() - a volume gets what filters' own I/O needs
 * @v: the volume
 *
 * Context: PASSIVE.
 * Return: 0 or -ENOMEM.
 */
int flt_dm_own_init(struct flt_dm_volume *v)
{
	spin_lock_init(&v->own_lock);
	init_llist_head(&v->own_waiting);
	init_waitqueue_head(&v->own_wait);
	return bioset_init(&v->own_bios, FLT_DM_OWN_BIOS, offsetof(struct flt_dm_own, bio), 0);
}

/**
 * flt_dm_own_exit() - a volume goes
 * @v: the volume, dismounted
 *
 * Context: PASSIVE.
 */
void flt_dm_own_exit(struct flt_dm_volume *v)
{
	bioset_exit(&v->own_bios);
}

/**
 * flt_dm_own_open() - a target's table is live
 * @t: the target
 *
 * What has waited for it is sent, in the order in which it came.
 *
 * Context: PASSIVE, under the suspend_lock of the mapped device.
 */
void flt_dm_own_open(struct flt_dm_target *t)
{
	struct flt_dm_volume *v = t->owner;
	struct flt_operation *op, *next;
	struct llist_node *list;
	unsigned long flags;

	spin_lock_irqsave(&v->own_lock, flags);
	WRITE_ONCE(v->live, t);
	v->closed = false;
	list = llist_reverse_order(llist_del_all(&v->own_waiting));
	llist_for_each_entry(op, list, at_device)
		v->own_nr++;
	spin_unlock_irqrestore(&v->own_lock, flags);

	llist_for_each_entry_safe(op, next, list, at_device)
		flt_dm_own_queue(t, op);
}

/**
 * flt_dm_own_close() - a target's table is suspended
 * @t: the target
 *
 * Returns when the device has nothing more of its filters' own.
 *
 * Context: PASSIVE, under the suspend_lock of the mapped device.
 */
void flt_dm_own_close(struct flt_dm_target *t)
{
	struct flt_dm_volume *v = t->owner;

	spin_lock_irq(&v->own_lock);
	v->closed = true;
	/* Whoever comes last still has the lock when it wakes us. */
	wait_event_lock_irq(v->own_wait, !v->own_nr, v->own_lock);
	spin_unlock_irq(&v->own_lock);
}

/**
 * flt_dm_own_end() - a target goes
 * @t: the target, suspended if its table was live
 *
 * If no other has taken its place, nothing can be done for filters any more.
 *
 * Context: PASSIVE.
 */
void flt_dm_own_end(struct flt_dm_target *t)
{
	struct flt_dm_volume *v = t->owner;
	struct flt_operation *op, *next;
	struct llist_node *list = NULL;
	unsigned long flags;

	spin_lock_irqsave(&v->own_lock, flags);
	if (v->live == t) {
		WRITE_ONCE(v->live, NULL);
		list = llist_reverse_order(llist_del_all(&v->own_waiting));
	}
	spin_unlock_irqrestore(&v->own_lock, flags);

	llist_for_each_entry_safe(op, next, list, at_device)
		flt_issue_done(op, STATUS_IO_DEVICE_ERROR, 0);
}
