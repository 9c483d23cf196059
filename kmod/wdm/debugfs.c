// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/wdm: what there is, and what was reported.
 *
 * A listing goes through the ledger by address and has its lock for one line at a
 * time only: there may be thousands of blocks. What comes or goes meanwhile may be
 * in it or not.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "notify.h"

static struct dentry *wdm_debugfs;

struct wdm_listing {
	const char *head;
	void (*show_head)(struct seq_file *m);	/* NULL: there is no more */
	const struct wdm_kind *kind;	/* NULL: all */
	void (*show)(struct seq_file *m, const struct wdm_record *record);
};

struct wdm_walk {
	const struct wdm_listing *listing;
	const void *at;			/* the next record is there or behind it */
};

/* The record itself may go at any time: what is handed around says "a line" only. */
static void *wdm_walk_here(struct wdm_walk *walk)
{
	struct wdm_record *record;

	spin_lock_irq(&wdm_ledger_lock);
	record = wdm_record_next(walk->at, walk->listing->kind);
	spin_unlock_irq(&wdm_ledger_lock);
	return record ? walk : NULL;
}

static void *wdm_walk_start(struct seq_file *m, loff_t *pos)
{
	struct wdm_walk *walk = m->private;

	if (*pos)
		return wdm_walk_here(walk);
	walk->at = NULL;
	return SEQ_START_TOKEN;
}

static void *wdm_walk_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct wdm_walk *walk = m->private;
	struct wdm_record *record;

	++*pos;
	if (v == SEQ_START_TOKEN)
		return wdm_walk_here(walk);
	spin_lock_irq(&wdm_ledger_lock);
	record = wdm_record_next(walk->at, walk->listing->kind);
	if (record == walk->at)
		walk->at = record + 1;
	spin_unlock_irq(&wdm_ledger_lock);
	return wdm_walk_here(walk);
}

static void wdm_walk_stop(struct seq_file *m, void *v)
{
}

static int wdm_walk_show(struct seq_file *m, void *v)
{
	struct wdm_walk *walk = m->private;
	struct wdm_record *record;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, walk->listing->head);
		if (walk->listing->show_head)
			walk->listing->show_head(m);
		return 0;
	}
	spin_lock_irq(&wdm_ledger_lock);
	record = wdm_record_next(walk->at, walk->listing->kind);
	if (record) {
		/* If the line does not fit it is shown again: the same one, if it is there. */
		walk->at = record;
		walk->listing->show(m, record);
	}
	spin_unlock_irq(&wdm_ledger_lock);
	return 0;
}

static const struct seq_operations wdm_walk_ops = {
	.start = wdm_walk_start,
	.next = wdm_walk_next,
	.stop = wdm_walk_stop,
	.show = wdm_walk_show,
};

static int wdm_walk_open(struct inode *inode, struct file *file)
{
	struct wdm_walk *walk = __seq_open_private(file, &wdm_walk_ops, sizeof(*walk));

	if (!walk)
		return -ENOMEM;
	walk->listing = inode->i_private;
	return 0;
}

static const struct file_operations wdm_walk_fops = {
	.owner = THIS_MODULE,
	.open = wdm_walk_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

/* The first words of each line: who has it. */
static void wdm_owner_show(struct seq_file *m, const struct wdm_record *record)
{
	const struct wdm_device *device = record->owner->device;

	seq_printf(m, "%s %s ", record->owner->driver->name, device ? device->record.name : "-");
}

static void wdm_record_show(struct seq_file *m, const struct wdm_record *record)
{
	int n = 0;

	/* The first caller that is not ours. */
	while (n < WDM_STACK - 1 && within_module(record->stack[n], THIS_MODULE))
		n++;
	wdm_owner_show(m, record);
	seq_printf(m, "%u %s %u %d '%s' '%s' %ps\n", record->kind->stage,
		   record->state == WDM_RECORD_LIVE ? "live" : "going",
		   jiffies_to_msecs(jiffies - record->when), record->pid, record->kind->name,
		   record->name, (void *)record->stack[n]);
}

static void wdm_lookaside_line(struct seq_file *m, const struct wdm_record *record)
{
	wdm_owner_show(m, record);
	wdm_lookaside_show(m, record);
}

static void wdm_resource_line(struct seq_file *m, const struct wdm_record *record)
{
	wdm_owner_show(m, record);
	wdm_resource_show(m, record);
}

static void wdm_notify_head(struct seq_file *m)
{
	seq_printf(m, "# shared_objects %d ends_seen_again %u\n", wdm_hooks_mmap(),
		   wdm_hooks_late());
}

static void wdm_notify_line(struct seq_file *m, const struct wdm_record *record)
{
	wdm_owner_show(m, record);
	wdm_notify_show(m, record);
}

static const struct wdm_listing wdm_ledger_listing = {
	.head = "# driver device stage state age_ms pid kind name caller\n",
	.show = wdm_record_show,
};

static const struct wdm_listing wdm_lookaside_listing = {
	.head = "# driver device tag type size depth free outstanding allocs hits\n",
	.kind = &wdm_lookaside_kind,
	.show = wdm_lookaside_line,
};

static const struct wdm_listing wdm_resources_listing = {
	.head = "# driver device address owner depth shared_waiters exclusive_waiters sharers\n",
	.kind = &wdm_resource_kind,
	.show = wdm_resource_line,
};

static const struct wdm_listing wdm_notify_listing = {
	.head = "# driver device type context queued calls lost routine\n",
	.show_head = wdm_notify_head,
	.kind = &wdm_notify_kind,
	.show = wdm_notify_line,
};

static void wdm_listing_file(const char *name, const struct wdm_listing *listing)
{
	debugfs_create_file(name, 0400, wdm_debugfs, (void *)listing, &wdm_walk_fops);
}

DEFINE_SHOW_ATTRIBUTE(wdm_pool);

void wdm_debugfs_init(void)
{
	wdm_debugfs = debugfs_create_dir("wdm", NULL);
	debugfs_create_file("pool", 0444, wdm_debugfs, NULL, &wdm_pool_fops);
	wdm_listing_file("ledger", &wdm_ledger_listing);
	wdm_listing_file("lookaside", &wdm_lookaside_listing);
	wdm_listing_file("resources", &wdm_resources_listing);
	wdm_listing_file("notify", &wdm_notify_listing);
	vrf_report_debugfs(wdm_debugfs);
}

void wdm_debugfs_exit(void)
{
	debugfs_remove(wdm_debugfs);
}
