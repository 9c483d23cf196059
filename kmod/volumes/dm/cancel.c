// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who loses patience with the filters of a volume.
 *
 *	dmsetup message DEVICE SECTOR cancel
 *	dmsetup message DEVICE SECTOR timeout MILLISECONDS
 *
 * SECTOR says which target, and so which volume. "cancel" cancels what is on
 * its way there, once, and prints for how many operations a filter was told.
 * "timeout" has everything cancelled that is older, from now on; 0, as at
 * first, is no time-out. It belongs to the volume, not to the table. Nothing is
 * changed by a message that is wrong: EINVAL. ENODEV: the table is not live.
 *
 * And there is a suspend without a flush (dmsetup suspend --noflush, and the one
 * inside remove --force): it does not want to wait for I/O that may never end.
 * dm does wait, for all bios that targets have; so what filters hold is cancelled
 * until the suspend is through, what arrives in the meantime too. A plain suspend
 * waits, as everywhere in dm.
 *
 * A time-out is checked for by a work item that runs only while one is set, four
 * times within it, but not less than once a second: an operation is cancelled
 * that much later at most.
 */
#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/string.h>

#include "dm.h"

#define FLT_DM_MAX_TIMEOUT_MS	3600000

/* Filters complete from here, and others may wait for the memory: a rescuer. */
static struct workqueue_struct *flt_dm_cancel_wq;

/* Until the next look; 0: there is nothing to look for. */
static unsigned long flt_dm_cancel_period(struct flt_dm_volume *v)
{
	unsigned int timeout = READ_ONCE(v->timeout_ms);

	if (READ_ONCE(v->hurry))
		return HZ / 20;
	return timeout ? clamp(msecs_to_jiffies(timeout) / 4, 1UL, (unsigned long)HZ) : 0;
}

static void flt_dm_cancel_arm(struct flt_dm_volume *v)
{
	unsigned long period = flt_dm_cancel_period(v);

	/* A change while the work runs, or before it does, counts at once. */
	if (period)
		mod_delayed_work(flt_dm_cancel_wq, &v->cancel_work, period);
}

static void flt_dm_cancel_work(struct work_struct *work)
{
	struct flt_dm_volume *v = container_of(to_delayed_work(work), struct flt_dm_volume,
					       cancel_work);
	unsigned int timeout = READ_ONCE(v->timeout_ms);

	if (READ_ONCE(v->hurry))
		flt_volume_cancel(v->volume, 0);
	else if (timeout)
		flt_volume_cancel(v->volume, msecs_to_jiffies(timeout));
	flt_dm_cancel_arm(v);
}

/**
 * flt_dm_cancel_init() - nobody is impatient yet
 * @v: a new volume, all zero
 *
 * Context: any.
 */
void flt_dm_cancel_init(struct flt_dm_volume *v)
{
	INIT_DELAYED_WORK(&v->cancel_work, flt_dm_cancel_work);
}

/**
 * flt_dm_cancel_stop() - nothing is cancelled any more
 * @v: a volume that is dismounted and that no target names
 *
 * Context: PASSIVE.
 */
void flt_dm_cancel_stop(struct flt_dm_volume *v)
{
	WRITE_ONCE(v->timeout_ms, 0);
	cancel_delayed_work_sync(&v->cancel_work);
}

static int flt_dm_set_timeout(struct flt_dm_volume *v, const char *text)
{
	unsigned int ms;

	if (kstrtouint(text, 10, &ms) || ms > FLT_DM_MAX_TIMEOUT_MS)
		return -EINVAL;
	WRITE_ONCE(v->timeout_ms, ms);
	flt_dm_cancel_arm(v);
	return 0;
}

/**
 * flt_dm_message() - somebody says something to a target
 * @ti: the target
 * @argc: how many words
 * @argv: the words
 * @result: what is answered
 * @maxlen: how long that may be
 *
 * Context: PASSIVE, inside dm's SRCU read section.
 * Return: 0; 1 if there is an answer; -EINVAL: not understood; -ENODEV: the
 * volume is not there yet.
 */
int flt_dm_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
		   unsigned int maxlen)
{
	struct flt_dm_target *t = ti->private;
	struct flt_volume *volume = READ_ONCE(t->volume);
	bool cancel = argc == 1 && !strcasecmp(argv[0], "cancel");
	bool timeout = argc == 2 && !strcasecmp(argv[0], "timeout");
	size_t sz = 0;

	if (!cancel && !timeout)
		return -EINVAL;
	if (!volume)
		return -ENODEV;
	if (timeout)
		return flt_dm_set_timeout(t->owner, argv[1]);
	DMEMIT("%u", flt_volume_cancel(volume, 0));
	return 1;
}

/**
 * flt_dm_presuspend() - the device is about to be suspended
 * @ti: a target of its live table
 *
 * Context: PASSIVE, under the suspend_lock of the mapped device.
 */
void flt_dm_presuspend(struct dm_target *ti)
{
	struct flt_dm_target *t = ti->private;

	if (!t->volume || !dm_noflush_suspending(ti))
		return;
	WRITE_ONCE(t->owner->hurry, true);
	flt_volume_cancel(t->volume, 0);
	flt_dm_cancel_arm(t->owner);
}

/**
 * flt_dm_suspended() - it is, or is not going to be after all
 * @ti: a target of its live table
 *
 * Context: PASSIVE, under the suspend_lock of the mapped device.
 */
void flt_dm_suspended(struct dm_target *ti)
{
	struct flt_dm_target *t = ti->private;

	WRITE_ONCE(t->owner->hurry, false);
}

/**
 * flt_dm_cancel_start() - the module is loaded
 *
 * Context: PASSIVE.
 * Return: 0 or -ENOMEM.
 */
int flt_dm_cancel_start(void)
{
	flt_dm_cancel_wq = alloc_workqueue("flt_dm_cancel", WQ_UNBOUND | WQ_MEM_RECLAIM,
					   WQ_MAX_ACTIVE);
	return flt_dm_cancel_wq ? 0 : -ENOMEM;
}

/**
 * flt_dm_cancel_exit() - the module goes, no volume is left
 *
 * Context: PASSIVE.
 */
void flt_dm_cancel_exit(void)
{
	destroy_workqueue(flt_dm_cancel_wq);
}
