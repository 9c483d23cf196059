// SPDX-License-Identifier: GPL-2.0-only
/*
 * flt: a device-mapper target that is a volume of the filter manager.
 *
 *	START SECTORS flt DEVICE OFFSET VOLUME
 *
 *	insmod fltmgr.ko
 *	insmod flt_dm.ko
 *	dmsetup create vol0 --table "0 $(blockdev --getsz /dev/vdb) flt /dev/vdb 0 vol0"
 *
 * It maps SECTORS of DEVICE from sector OFFSET on, as the target "linear" does.
 * What filters want to see goes through them; see io.c. The volume's name is 1
 * to 255 visible ASCII characters, no slash or backslash, not "." or "..".
 *
 * Errors of loading a table: EINVAL wrong arguments, or a device with zones;
 * EEXIST the name is taken; EBUSY what had the name is still going; ENOMEM;
 * and whatever opening the device gives. The reason is in the kernel's log. Of
 * resuming: EEXIST a volume of another kind has the name; ENOMEM.
 *
 * WHAT IT DOES NOT OFFER
 *
 * A filter may sleep, and must see everything. So the target does not have what
 * dm's own targets may have, though the device below does:
 *
 *   - REQ_NOWAIT, for a pre-operation may sleep: no DM_TARGET_NOWAIT;
 *   - polling, for a post-operation may need an interrupt, or a worker, to get
 *     done. dm sets the feature for every table, and takes it away only where a
 *     device below does not have it: io_hints is where a target can say no;
 *   - DAX, where there is no operation to be seen: no direct_access;
 *   - zones: a write would have to go where a filter has not said yet;
 *   - integrity metadata and inline encryption that come with the bio: the block
 *     layer above does both in software;
 *   - ioctls of the device below, SCSI commands among them: no prepare_ioctl, so
 *     that they are ENOTTY. Those of the block layer (sizes, BLKDISCARD) do not
 *     go that way. Persistent reservations do get through: dm needs nothing but
 *     iterate_devices for them. They move no data;
 *   - flushes that bypass map(), which dm-linear allows (flush_bypasses_map).
 *
 * Messages, "cancel" and "timeout MILLISECONDS": see cancel.c.
 */
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dm.h"

#define FLT_DM_ARGS	3

static const char * const flt_dm_class_names[FLT_NR_CLASSES] = {
	[FLT_CLASS_READ] = "read",
	[FLT_CLASS_WRITE] = "write",
	[FLT_CLASS_FLUSH] = "flush",
	[FLT_CLASS_DISCARD] = "discard",
	[FLT_CLASS_SECURE_ERASE] = "secure_erase",
	[FLT_CLASS_WRITE_ZEROES] = "write_zeroes",
};

/*
 * As the manager wants it, but said when the table is loaded and not when it is
 * resumed. No backslash either: dm takes it for a quote when it reads a table,
 * and user space may or may not add one, so that it cannot be shown right.
 */
static bool flt_dm_name_valid(const char *name)
{
	size_t len = strnlen(name, FLT_NAME_MAX + 1);
	size_t i;

	if (!len || len > FLT_NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !isgraph(name[i]) || strchr("/\\", name[i]))
			return false;
	return true;
}

static int flt_dm_parse(struct flt_dm_target *t, unsigned int argc, char **argv)
{
	struct dm_target *ti = t->ti;
	unsigned long long start;
	char dummy;
	int r;

	if (argc != FLT_DM_ARGS) {
		ti->error = "Invalid argument count";
		return -EINVAL;
	}
	if (sscanf(argv[1], "%llu%c", &start, &dummy) != 1 || start != (sector_t)start) {
		ti->error = "Invalid device sector";
		return -EINVAL;
	}
	if (!flt_dm_name_valid(argv[2])) {
		ti->error = "Invalid volume name";
		return -EINVAL;
	}
	t->start = start;

	r = dm_get_device(ti, argv[0], dm_table_get_mode(ti->table), &t->dev);
	if (r) {
		ti->error = "Device lookup failed";
		return r;
	}
	if (bdev_is_zoned(t->dev->bdev)) {
		ti->error = "Devices with zones are not supported";
		return -EINVAL;
	}
	return 0;
}

static void flt_dm_free(struct flt_dm_target *t)
{
	flt_dm_io_exit(t);
	if (t->dev)
		dm_put_device(t->ti, t->dev);
	kfree(t);
}

static int flt_dm_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct flt_dm_target *t;
	int r;

	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t) {
		ti->error = "Cannot allocate context";
		return -ENOMEM;
	}
	t->ti = ti;

	r = flt_dm_parse(t, argc, argv);
	if (r)
		goto bad;
	r = dm_set_target_max_io_len(ti, FLT_DM_MAX_IO);
	if (r)
		goto bad;
	r = flt_dm_io_init(t);
	if (r) {
		ti->error = "Cannot allocate workqueue";
		goto bad;
	}
	/* Last: what can be found by others is complete. */
	r = flt_dm_volume_join(t, argv[2]);
	if (r)
		goto bad;

	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->num_write_zeroes_bios = 1;
	ti->per_io_data_size = sizeof(struct flt_dm_io);
	ti->accounts_remapped_io = true;
	ti->private = t;
	return 0;

bad:
	flt_dm_free(t);
	return r;
}

static void flt_dm_dtr(struct dm_target *ti)
{
	struct flt_dm_target *t = ti->private;

	/* What filters have begun themselves is to end, or they never go. */
	flt_dm_own_end(t);
	/* Before the rest: filters that are drained may still submit. */
	flt_dm_volume_leave(t);
	flt_dm_free(t);
}

static int flt_dm_preresume(struct dm_target *ti)
{
	return flt_dm_volume_up(ti->private);
}

static void flt_dm_resume(struct dm_target *ti)
{
	flt_dm_own_open(ti->private);
	flt_dm_volume_offer(ti->private);
}

static void flt_dm_postsuspend(struct dm_target *ti)
{
	flt_dm_suspended(ti);
	flt_dm_own_close(ti->private);
}

/* VOLUME new|live CLASS[,CLASS...]|- REFUSED-WRITES [timeout MILLISECONDS] */
static void flt_dm_info(struct flt_dm_target *t, char *result, unsigned int maxlen)
{
	const struct flt_volume *volume = READ_ONCE(t->volume);
	unsigned int timeout = READ_ONCE(t->owner->timeout_ms);
	const char *separator = "";
	size_t sz = 0;
	int class;

	DMEMIT("%s %s ", t->owner->name, volume ? "live" : "new");
	for (class = 0; volume && class < FLT_NR_CLASSES; class++) {
		if (!flt_volume_filtered(volume, class))
			continue;
		DMEMIT("%s%s", separator, flt_dm_class_names[class]);
		separator = ",";
	}
	DMEMIT("%s %lu", *separator ? "" : "-", READ_ONCE(t->flushes->refused));
	if (timeout)
		DMEMIT(" timeout %u", timeout);
}

static void flt_dm_status(struct dm_target *ti, status_type_t type, unsigned int status_flags,
			  char *result, unsigned int maxlen)
{
	struct flt_dm_target *t = ti->private;
	const char *name;
	size_t sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		flt_dm_info(t, result, maxlen);
		break;

	case STATUSTYPE_TABLE:
		DMEMIT("%s %llu %s", t->dev->name, (unsigned long long)t->start, t->owner->name);
		break;

	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",device_name=%s,start=%llu,volume=", t->dev->name,
		       (unsigned long long)t->start);
		/* As dm does with the names that it measures itself. */
		for (name = t->owner->name; *name; name++)
			DMEMIT("%s%c", strchr(";=,", *name) ? "\\" : "", *name);
		DMEMIT(";");
		break;
	}
}

static int flt_dm_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct flt_dm_target *t = ti->private;

	return fn(ti, t->dev, t->start, ti->len, data);
}

/* Called between the limits of the device below and those of the table. */
static void flt_dm_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	limits->features &= ~(BLK_FEAT_POLL | BLK_FEAT_NOWAIT);
}

static struct target_type flt_target = {
	.name = "flt",
	.version = { 1, 0, 0 },
	.module = THIS_MODULE,
	.ctr = flt_dm_ctr,
	.dtr = flt_dm_dtr,
	.map = flt_dm_map,
	.end_io = flt_dm_end_io,
	.presuspend = flt_dm_presuspend,
	.presuspend_undo = flt_dm_suspended,
	.postsuspend = flt_dm_postsuspend,
	.preresume = flt_dm_preresume,
	.resume = flt_dm_resume,
	.status = flt_dm_status,
	.message = flt_dm_message,
	.iterate_devices = flt_dm_iterate_devices,
	.io_hints = flt_dm_io_hints,
};

static int __init flt_dm_init(void)
{
	int r = flt_dm_cancel_start();

	if (r)
		return r;
	r = dm_register_target(&flt_target);
	if (r)
		flt_dm_cancel_exit();
	return r;
}
module_init(flt_dm_init);

/*
 * Each target held the module, so that there is none, and no volume. Whoever
 * ended the last bio may be preempted on its last instructions in here.
 */
static void __exit flt_dm_exit(void)
{
	dm_unregister_target(&flt_target);
	flt_dm_cancel_exit();
	synchronize_rcu_tasks();
}
module_exit(flt_dm_exit);

MODULE_DESCRIPTION(DM_NAME " filter manager target");
MODULE_ALIAS("dm-flt");
MODULE_LICENSE("GPL");
