// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds of a dispatch, of a notifier chain with as many callbacks, and of
 * what both are made of. Each figure is the least of BATCHES batches, which
 * leaves out what an interrupt or the host took; the median says how much that
 * was. The batches of all rows take turns, so that a slow minute of the host is
 * everybody's.
 *
 * Results: "NAME.N LEAST MEDIAN", in thousandths of a nanosecond.
 *
 *	dispatch.N	one READ past N filters with pre- and post-operation
 *	atomic.N srcu.N	a notifier chain with N callbacks
 *	nothing.1	the loop, and an indirect call
 *	lock.1		a locked compare and exchange of a word that nobody else wants
 */
#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/sysfs.h>

#include "probe.h"

#define BATCH		1000	/* shorter than a time slice of the host */
#define BATCHES		301
#define MOST_ROWS	24

static const unsigned int counts[] = { 0, 1, 2, 4, 8 };

struct probe_row {
	char name[16];
	u64 least, median;	/* of a batch, ns */
};

static struct probe_row rows[MOST_ROWS];
static unsigned int nr_rows;

static struct flt_operation operation;
static unsigned long nr_notified;
static atomic_long_t word;

int probe_time_results(char *buf)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < nr_rows; i++)
		len += sysfs_emit_at(buf, len, "%s %llu %llu\n", rows[i].name,
				     div_u64(rows[i].least * 1000, BATCH),
				     div_u64(rows[i].median * 1000, BATCH));
	return len;
}

static ATOMIC_NOTIFIER_HEAD(atomic_chain);
static struct srcu_notifier_head srcu_chain;

static int probe_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	nr_notified++;
	return NOTIFY_OK;
}

/* What is measured; none is inlined into the loop. */

static void run_nothing(void)
{
}

static void run_dispatch(void)
{
	probe_operation(&operation);
}

static void run_atomic(void)
{
	atomic_notifier_call_chain(&atomic_chain, 0, NULL);
}

static void run_srcu(void)
{
	srcu_notifier_call_chain(&srcu_chain, 0, NULL);
}

static void run_lock(void)
{
	long old = 0;

	atomic_long_try_cmpxchg(&word, &old, 0);
}

static noinline __noclone u64 probe_batch(void (*run)(void))
{
	u64 began = ktime_get_ns();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		run();
	return ktime_get_ns() - began;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

struct probe_run {
	const char *name;
	void (*run)(void);
	u64 times[BATCHES];
};

/* @nr functions in turn. */
static int probe_measure(struct probe_run *runs, unsigned int nr, unsigned int filters)
{
	unsigned int i, batch;

	for (batch = 0; batch < BATCHES; batch++) {
		for (i = 0; i < nr; i++)
			runs[i].times[batch] = probe_batch(runs[i].run);
		cond_resched();
	}
	for (i = 0; i < nr; i++) {
		struct probe_row *row;

		if (nr_rows == MOST_ROWS)
			return -ENOSPC;
		row = &rows[nr_rows++];
		sort(runs[i].times, BATCHES, sizeof(u64), compare, NULL);
		snprintf(row->name, sizeof(row->name), "%s.%u", runs[i].name, filters);
		row->least = runs[i].times[0];
		row->median = runs[i].times[BATCHES / 2];
	}
	return 0;
}

static int probe_time_filters(struct probe_run *runs, unsigned int filters)
{
	int rc = probe_attach(filters);

	if (rc)
		return rc;
	nr_notified = 0;
	probe_count_reset();
	runs[0] = (struct probe_run){ "dispatch", run_dispatch };
	runs[1] = (struct probe_run){ "atomic", run_atomic };
	runs[2] = (struct probe_run){ "srcu", run_srcu };
	rc = probe_measure(runs, 3, filters);
	if (rc)
		return rc;
	if (nr_notified != 2UL * BATCH * BATCHES * filters)
		return -EIO;
	return probe_count_check(BATCH * BATCHES, filters);
}

static int probe_time_all(struct probe_run *runs, struct notifier_block *blocks)
{
	unsigned int i, n = 0;
	int rc;

	runs[0] = (struct probe_run){ "nothing", run_nothing };
	runs[1] = (struct probe_run){ "lock", run_lock };
	rc = probe_measure(runs, 2, 1);
	for (i = 0; !rc && i < ARRAY_SIZE(counts); i++) {
		for (; n < counts[i]; n++) {
			blocks[2 * n].notifier_call = probe_notify;
			blocks[2 * n + 1].notifier_call = probe_notify;
			atomic_notifier_chain_register(&atomic_chain, &blocks[2 * n]);
			srcu_notifier_chain_register(&srcu_chain, &blocks[2 * n + 1]);
		}
		rc = probe_time_filters(runs, n);
	}
	while (n--) {
		atomic_notifier_chain_unregister(&atomic_chain, &blocks[2 * n]);
		srcu_notifier_chain_unregister(&srcu_chain, &blocks[2 * n + 1]);
	}
	return rc;
}

int probe_time(void)
{
	struct notifier_block *blocks;
	struct probe_run *runs;
	int rc = -ENOMEM;

	blocks = kcalloc(2 * PROBE_MOST_FILTERS, sizeof(*blocks), GFP_KERNEL);
	runs = kcalloc(3, sizeof(*runs), GFP_KERNEL);
	if (!blocks || !runs)
		goto out;
	srcu_init_notifier_head(&srcu_chain);
	rc = probe_time_all(runs, blocks);
	srcu_cleanup_notifier_head(&srcu_chain);
out:
	kfree(runs);
	kfree(blocks);
	return rc;
}
