// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O on a block device that is a volume: each block has a pattern that says which
 * block it is and how often it was written, and each read is compared. Some blocks
 * are bad: the device below fails them.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "torture.h"

static unsigned int bad_first;
module_param(bad_first, uint, 0644);
MODULE_PARM_DESC(bad_first, "first block that the device below tblock fails");

static unsigned int bad_blocks;
module_param(bad_blocks, uint, 0644);
MODULE_PARM_DESC(bad_blocks, "how many there are");

struct bdev_try {
	struct bio bio;
	struct bio_vec vec;
	struct page *page;
	struct torture_place *place;
	unsigned int index;
	atomic_t ended;
	struct completion done;
};

struct bdev_issuer {
	struct torture_issue *issue;
	struct task_struct *task;
	struct bdev_try tries[TORTURE_BATCH];
};

static struct torture_issue issues[TORTURE_ISSUERS];
static struct file *bdev_file;
static struct bdev_issuer *issuers[TORTURE_ISSUERS];

bool torture_bad(const struct torture_volume *vol, const struct flt_callback_data *data)
{
	u64 index = data->iopb->parameters.read.byte_offset / TORTURE_BLOCK;

	if (!vol->block || data->iopb->major_function == IRP_MJ_FLUSH_BUFFERS)
		return false;
	return index >= bad_first && index < bad_first + bad_blocks;
}

static const struct {
	blk_opf_t opf;
	u8 major;
} bdev_classes[] = {
	{ REQ_OP_READ | REQ_SYNC, IRP_MJ_READ },
	{ REQ_OP_READ, IRP_MJ_READ },
	{ REQ_OP_READ | REQ_META | REQ_PRIO, IRP_MJ_READ },
	{ REQ_OP_WRITE | REQ_SYNC, IRP_MJ_WRITE },
	{ REQ_OP_WRITE, IRP_MJ_WRITE },
	{ REQ_OP_WRITE | REQ_SYNC | REQ_FUA, IRP_MJ_WRITE },
	{ REQ_OP_WRITE | REQ_PREFLUSH, IRP_MJ_FLUSH_BUFFERS },
	{ REQ_OP_DISCARD, FLT_MJ_DISCARD },
};

static void bdev_end_io(struct bio *bio)
{
	struct bdev_try *try = container_of(bio, struct bdev_try, bio);

	if (atomic_inc_return(&try->ended) != 1)
		torture_wrong("tblock: a bio ended twice");
	complete(&try->done);
}

/* What the device is and what it is not. */
static bool bdev_can(struct block_device *bdev, u8 major)
{
	if (major == FLT_MJ_DISCARD)
		return bdev_max_discard_sectors(bdev);
	if (major == IRP_MJ_FLUSH_BUFFERS)
		return bdev_write_cache(bdev);
	return true;
}

/* @try has a place. */
static void bdev_send(struct torture_issue *issue, struct bdev_try *try, unsigned int class)
{
	struct block_device *bdev = file_bdev(bdev_file);
	u8 major = bdev_classes[class].major;
	struct bio *bio = &try->bio;

	atomic_set(&try->ended, 0);
	init_completion(&try->done);
	bio_init(bio, bdev, &try->vec, 1, bdev_classes[class].opf);
	bio->bi_end_io = bdev_end_io;
	bio->bi_iter.bi_sector = (sector_t)try->index * (TORTURE_BLOCK / SECTOR_SIZE);
	if (major == FLT_MJ_DISCARD)
		bio->bi_iter.bi_size = TORTURE_BLOCK;
	else if (major != IRP_MJ_FLUSH_BUFFERS)
		__bio_add_page(bio, try->page, TORTURE_BLOCK, 0);
	if (major == IRP_MJ_WRITE)
		torture_pattern(page_address(try->page), issue->vol, try->index,
				try->place->version + 1);
	else
		memset(page_address(try->page), 0x55, TORTURE_BLOCK);
	if (major == IRP_MJ_WRITE && torture_fault_on(FAULT_DATA))
		((u8 *)page_address(try->page))[100] ^= 1;
	torture_inc(issue->vol, V_ISSUED);
	submit_bio(bio);
}

/* False: it is not to be. */
static bool bdev_issue(struct torture_issue *issue, struct bdev_try *try)
{
	unsigned int class = torture_pick(&issue->rnd, ARRAY_SIZE(bdev_classes));
	u8 major = bdev_classes[class].major;

	if (!bdev_can(file_bdev(bdev_file), major))
		return false;
	try->place = torture_place_get(issue, major, &try->index);
	if (!try->place)
		return false;
	bdev_send(issue, try, class);
	return true;
}

/* Is @page what the model says that the block has? */
bool torture_verify(struct torture_volume *vol, unsigned int index, u32 version,
		    const void *data, const char *who)
{
	u64 *want = kmalloc(TORTURE_BLOCK, GFP_NOIO);
	bool right;

	if (!want)
		return true;
	torture_pattern(want, vol, index, version);
	right = !memcmp(want, data, TORTURE_BLOCK);
	if (!right) {
		torture_fault_now(FAULT_DATA);
		torture_wrong("%s: block %u version %u: %s has read something else", vol->name,
			      index, version, who);
	}
	torture_inc(vol, V_VERIFIED);
	kfree(want);
	return right;
}
EXPORT_SYMBOL_GPL(torture_verify);

static void bdev_ended(struct torture_issue *issue, struct bdev_try *try, int status)
{
	struct torture_place *place = try->place;

	switch (place->major) {
	case IRP_MJ_WRITE:
		if (place->written)
			place->version++;
		break;
	case FLT_MJ_DISCARD:
		if (place->written)
			place->version = 0;
		break;
	case IRP_MJ_READ:
		if (!status)
			torture_verify(issue->vol, try->index, place->version,
				       page_address(try->page), "a reader");
	}
	torture_place_end(issue, place, status);
}

static int bdev_wait(struct torture_issue *issue, struct bdev_try *try)
{
	int status;

	while (!wait_for_completion_timeout(&try->done, torture_patience()))
		torture_wrong("%s: operation %llu major %#x of block %u has not ended",
			      issue->vol->name, try->place->op, try->place->major, try->index);
	status = blk_status_to_errno(try->bio.bi_status);
	bdev_ended(issue, try, status);
	bio_uninit(&try->bio);
	return status;
}

/* At the end every block is read that can be, however often filters fail that. */
static void bdev_read_back(struct bdev_issuer *issuer)
{
	struct torture_issue *issue = issuer->issue;
	struct bdev_try *try = &issuer->tries[0];
	unsigned int n, tries;

	for (n = TORTURE_ISSUERS + issue->thread; n < TORTURE_PLACES; n += TORTURE_ISSUERS) {
		if (n >= bad_first && n < bad_first + bad_blocks)
			continue;
		for (tries = 0; tries < 100; tries++) {
			try->place = torture_place_take(issue, n, IRP_MJ_READ);
			try->index = n;
			bdev_send(issue, try, 0);
			if (!bdev_wait(issue, try))
				break;
		}
		if (tries == 100)
			torture_wrong("%s: block %u cannot be read", issue->vol->name, n);
	}
}

static int bdev_issuer(void *arg)
{
	struct bdev_issuer *issuer = arg;
	struct torture_issue *issue = issuer->issue;
	unsigned int n, started, i;

	while (!kthread_should_stop()) {
		n = torture_pick(&issue->rnd, TORTURE_BATCH) + 1;
		for (started = 0, i = 0; i < n; i++)
			started += bdev_issue(issue, &issuer->tries[started]);
		for (i = 0; i < started; i++)
			bdev_wait(issue, &issuer->tries[i]);
		cond_resched();
	}
	bdev_read_back(issuer);
	return 0;
}

static void bdev_free(struct bdev_issuer *issuer)
{
	unsigned int i;

	for (i = 0; i < TORTURE_BATCH; i++)
		if (issuer->tries[i].page)
			__free_page(issuer->tries[i].page);
	kfree(issuer);
}

static struct bdev_issuer *bdev_alloc(unsigned int thread)
{
	struct bdev_issuer *issuer = kzalloc(sizeof(*issuer), GFP_KERNEL);
	unsigned int i;

	if (!issuer)
		return NULL;
	for (i = 0; i < TORTURE_BATCH; i++) {
		issuer->tries[i].page = alloc_page(GFP_KERNEL);
		if (!issuer->tries[i].page) {
			bdev_free(issuer);
			return NULL;
		}
	}
	issuer->issue = &issues[thread];
	torture_issue_init(issuer->issue, &torture_volumes[TORTURE_BLOCK_DEVICE], thread);
	return issuer;
}

static int bdev_start_one(unsigned int thread)
{
	struct bdev_issuer *issuer = bdev_alloc(thread);
	struct task_struct *task;

	if (!issuer)
		return -ENOMEM;
	task = kthread_run(bdev_issuer, issuer, "torture/tblock");
	if (IS_ERR(task)) {
		bdev_free(issuer);
		return PTR_ERR(task);
	}
	issuer->task = task;
	issuers[thread] = issuer;
	return 0;
}

int torture_bdev_start(const char *path)
{
	struct file *file = bdev_file_open_by_path(path, BLK_OPEN_READ | BLK_OPEN_WRITE, NULL,
						   NULL);
	unsigned int i;
	int err = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	bdev_file = file;
	for (i = 0; i < TORTURE_ISSUERS && !err; i++)
		err = bdev_start_one(i);
	return err;
}

int torture_bdev_stop(void)
{
	unsigned int i;

	for (i = 0; i < TORTURE_ISSUERS; i++) {
		if (!issuers[i])
			continue;
		kthread_stop(issuers[i]->task);
		bdev_free(issuers[i]);
		issuers[i] = NULL;
	}
	if (bdev_file)
		bdev_fput(bdev_file);
	bdev_file = NULL;
	return 0;
}
