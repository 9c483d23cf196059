/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of the device-mapper target "flt".
 *
 * LOCKING
 *
 *   M  flt_dm_lock, a mutex: which devices, volumes and targets there are. It
 *      is held for looking and linking only. Nothing is allocated and nobody
 *      is called under it: a mapped device that is suspended while it waits
 *      for this lock may be the one that memory is to be written to.
 *   S  the suspend_lock of the mapped device, dm's own: preresume and resume
 *      run under it, one at a time. The last target's destructor needs no
 *      lock: dm runs no other function of any target then.
 *   F  flt_dm_flushes.lock, irq-safe: taken where flushes end.
 *   G  flt_dm_volume.own_lock, irq-safe: filters' own I/O; see own.c.
 *   I  set before anybody else can see it, then constant.
 *   O  whoever has the operation: map(), then the manager, then end_io().
 *
 * LIFETIME
 *
 * A target lives from ctr to dtr. A volume lives as long as one target names
 * it; when a table is replaced, the new table's target exists before the old
 * one's is destroyed, so the volume stays, and its instances do. A device, that
 * is, what we know of a mapped device, lives as long as it has a volume. The
 * manager's struct flt_volume is made by the first preresume and dismounted by
 * the last dtr: a table that never becomes live has none.
 */
#ifndef _FLT_DM_H
#define _FLT_DM_H

#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/fltmgr_volume.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define DM_MSG_PREFIX "flt"

/* More pre-flushes of one device than this are never on their way at once. */
#define FLT_DM_FAILED_FLUSHES	32

/**
 * struct flt_dm_failed_flush - a pre-flush whose data must not be written
 * @vec: the vector of the bio that carries both; NULL: the slot is free
 * @sector: where on the mapped device its data begins
 * @status: how the pre-flush ended
 */
struct flt_dm_failed_flush {
	const struct bio_vec *vec;
	sector_t sector;
	blk_status_t status;
};

/**
 * struct flt_dm_flushes - the failed pre-flushes of a mapped device
 * @lock: irq-safe
 * @watch: there is something to look for; read without the lock
 * @lost: one could not be told from others, so no write may succeed any more
 * @nr: how many of @failed are in use
 * @refused: writes that were failed for it, so far
 * @failed: see flush.c
 */
struct flt_dm_flushes {
	spinlock_t lock;			/* irq-safe */
	bool watch;				/* F */
	bool lost;				/* F */
	unsigned int nr;			/* F */
	unsigned long refused;			/* F */
	struct flt_dm_failed_flush failed[FLT_DM_FAILED_FLUSHES];	/* F */
};

/* A mapped device that some table with our target was loaded for. */
struct flt_dm_device {
	struct list_head link;			/* M */
	struct list_head volumes;		/* M */
	struct mapped_device *md;		/* I: to be compared, no more */
	struct flt_dm_flushes flushes;
};

struct flt_dm_volume {
	struct list_head link;			/* M: device->volumes */
	struct list_head targets;		/* M: empty while it is dismounted */
	struct flt_dm_device *device;		/* I */
	struct flt_volume *volume;		/* S: NULL before the first preresume */
	bool offered;				/* S */
	unsigned int timeout_ms;		/* 0: none; see cancel.c */
	bool hurry;				/* S: suspending without a flush */
	struct delayed_work cancel_work;
	spinlock_t own_lock;			/* irq-safe */
	struct flt_dm_target *live;		/* G: does own I/O; NULL: there is none */
	bool closed;				/* G: it is suspended */
	unsigned int own_nr;			/* G: on their way in the device */
	struct llist_head own_waiting;		/* G: for it to be resumed */
	wait_queue_head_t own_wait;		/* own_nr == 0 */
	struct bio_set own_bios;		/* I */
	char name[];				/* I */
};

struct flt_dm_target {
	/* read for every bio */
	struct dm_dev *dev;			/* I */
	sector_t start;				/* I */
	struct flt_volume *volume;		/* S, before the first bio */
	struct flt_dm_flushes *flushes;		/* I */
	/* the rest */
	struct dm_target *ti;			/* I */
	struct flt_dm_volume *owner;		/* I */
	struct list_head link;			/* M: owner->targets */
	struct workqueue_struct *dispatch_wq;	/* I: pre-operations, which may sleep */
	struct workqueue_struct *submit_wq;	/* I: what map() cannot submit itself */
};

/* Where on the device below a byte of the target is. */
static inline sector_t flt_dm_sector(const struct flt_dm_target *t, u64 offset)
{
	return t->start + (offset >> SECTOR_SHIFT);
}

enum flt_dm_io_state {
	FLT_DM_IO_PASSED,	/* no filter wants it: it is dm's alone */
	FLT_DM_IO_FILTERED,	/* its end is to be reported to the manager */
	FLT_DM_IO_ENDED,	/* ... and was */
};

/**
 * struct flt_dm_io - what goes with each bio, in memory that dm allocates
 * @op: the operation; its work carries it on elsewhere
 * @target: where it is
 * @vec: a flush: who asked for it, see flush.c
 * @sector: likewise
 * @own_vec: a filter has swapped buffers: the bio's own
 * @own_iter: likewise
 * @swapped: ... and the device has those of the filter
 * @state: enum flt_dm_io_state. All that is written for a bio that no filter
 *	wants, so it is last, beside what dm writes anyway
 */
struct flt_dm_io {
	struct flt_operation op;		/* O */
	struct flt_dm_target *target;		/* O */
	const struct bio_vec *vec;		/* O */
	sector_t sector;			/* O */
	struct bio_vec *own_vec;		/* O */
	struct bvec_iter own_iter;		/* O */
	bool swapped;				/* O */
	u8 state;				/* O */
};

/*
 * No operation is bigger, so that a filter that swaps buffers knows what it must
 * have in reserve. In sectors.
 */
#define FLT_DM_MAX_IO	(FLT_MAX_BLOCK_IO >> SECTOR_SHIFT)

/* io.c */
extern const struct flt_volume_ops flt_dm_volume_ops;
int flt_dm_map(struct dm_target *ti, struct bio *bio);
int flt_dm_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error);
int flt_dm_io_init(struct flt_dm_target *t);
void flt_dm_io_exit(struct flt_dm_target *t);

/* modified.c */
bool flt_dm_range_valid(const struct flt_dm_target *t, u64 offset, u64 length);
int flt_dm_modify(struct flt_dm_io *io, struct bio *bio);
void flt_dm_unmodify(struct flt_dm_io *io, struct bio *bio);

/* volume.c */
int flt_dm_volume_join(struct flt_dm_target *t, const char *name);
void flt_dm_volume_leave(struct flt_dm_target *t);
int flt_dm_volume_up(struct flt_dm_target *t);
void flt_dm_volume_offer(struct flt_dm_target *t);

/* cancel.c */
int flt_dm_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
		   unsigned int maxlen);
void flt_dm_presuspend(struct dm_target *ti);
void flt_dm_suspended(struct dm_target *ti);
void flt_dm_cancel_init(struct flt_dm_volume *v);
void flt_dm_cancel_stop(struct flt_dm_volume *v);
int flt_dm_cancel_start(void);
void flt_dm_cancel_exit(void);

/* own.c */
void flt_dm_issue(struct flt_operation *op, unsigned int flags);
int flt_dm_own_init(struct flt_dm_volume *v);
void flt_dm_own_exit(struct flt_dm_volume *v);
void flt_dm_own_open(struct flt_dm_target *t);
void flt_dm_own_close(struct flt_dm_target *t);
void flt_dm_own_end(struct flt_dm_target *t);

/* flush.c */
void flt_dm_flush_init(struct flt_dm_flushes *flushes);
void flt_dm_flush_forget(struct flt_dm_flushes *flushes);
void flt_dm_flush_failed(struct flt_dm_io *io, blk_status_t status);
blk_status_t flt_dm_flush_check(struct flt_dm_flushes *flushes, struct dm_target *ti,
				struct bio *bio, sector_t sector);

/* status.c */
int flt_dm_status_from_blk(blk_status_t status);
blk_status_t flt_dm_status_to_blk(int status);

#endif /* _FLT_DM_H */
