/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Going over the allocations of a call: the nth fails, for n = 1, 2, 3 ... until
 * there is no nth, and after each everything is as it was before.
 *
 * Allocations of the calling task are counted, and those of a worker of the
 * manager's from a callback of a filter on, which arms there. What is counted is
 * what the kernel's failslab sees, and the manager's per-CPU memory.
 */
#ifndef _FLTMGR_TESTNTH_H
#define _FLTMGR_TESTNTH_H

#include "testfault.h"
#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b;

static bool faults_work;
static unsigned int total_failed, total_entries;
static int live_before;		/* filters, volumes, instances, freed or not */

/* One run: the number that fails, and whether it came to that. */
static unsigned int nth_n;
static bool nth_fired;

/* The manager's per-CPU memory. */
static bool nth_hook(const char *name)
{
	if (current != READ_ONCE(fault.task) || --fault.left)
		return false;
	fault.fired = true;
	return true;
}

/* Asked in a probe, which may count as an NMI, and that as an interrupt. */
static bool nth_in_interrupt(void)
{
	return in_serving_softirq() || hardirq_count() > (in_nmi() ? HARDIRQ_OFFSET : 0);
}

/*
 * What failslab sees: allocations that may sleep, as none of an interrupt does,
 * and the first try of a mempool, which may not; but none of kmemleak's own. And
 * those that do not sleep, if asked for. Not 0: leave the return alone.
 */
static int nth_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	gfp_t gfp = (__force gfp_t)regs_get_kernel_argument(regs, 1);
	bool skip = !(gfp & __GFP_DIRECT_RECLAIM) == !(gfp & __GFP_NOMEMALLOC);

	if (skip && fault.atomic && !(gfp & __GFP_NOMEMALLOC))
		skip = nth_in_interrupt();
	if (current != READ_ONCE(fault.task) || gfp & __GFP_NOFAIL || skip)
		return 1;
	return --fault.left != 0;
}

static inline void nth_arm(void)
{
	fault_arm(nth_n);
}

/* What it asks for without sleeping fails, too. */
static inline void nth_arm_atomic(void)
{
	fault_arm_atomic(nth_n);
}

static inline void nth_disarm(void)
{
	nth_fired |= fault_disarm();
}

/* What is there. Nothing of it may have changed after a failure. */
struct world {
	u32 filters, volumes, instances;
	long filter_refs, volume_refs;
	unsigned int violations;
	int module_refs;
	bool filtered;
};

static void look(struct world *w)
{
	memset(w, 0, sizeof(*w));
	flt_enumerate_filters(NULL, 0, &w->filters);
	flt_enumerate_volumes(NULL, 0, &w->volumes);
	flt_enumerate_instances(volume, NULL, NULL, 0, &w->instances);
	w->filter_refs = b.filter ? references(&b.filter->obj) : 0;
	w->volume_refs = references(&volume->head.obj);
	w->violations = flt_violation_count();
	w->module_refs = module_refcount(THIS_MODULE);
	w->filtered = flt_volume_filtered(volume, FLT_CLASS_READ);
}

static bool same(const struct world *before)
{
	struct world now;

	look(&now);
	return !memcmp(before, &now, sizeof(now));
}

/**
 * struct nth - an entry
 * @name: for messages
 * @run: prepare, arm, call, disarm, and undo what the call did if it succeeded
 * @least: as many allocations it makes at least
 * @sure: it does not fail, whatever allocation does
 */
struct nth {
	const char *name;
	int (*run)(struct kunit *test);
	unsigned int least;
	bool sure;
};

static inline void go_over(struct kunit *test, const struct nth *nth)
{
	struct world before;
	unsigned int n;
	int rc = -1;

	if (!faults_work)
		kunit_skip(test, "allocations cannot be made to fail");
	look(&before);
	for (n = 1; n < FAULT_MAX; n++) {
		nth_n = n;
		nth_fired = false;
		rc = nth->run(test);
		/* Modules and references are let go by workers. */
		tf_wait_until(test, same(&before));
		if (!nth_fired)
			break;
		total_failed++;
		if (rc)
			KUNIT_EXPECT_EQ_MSG(test, rc, STATUS_INSUFFICIENT_RESOURCES, "%s, %u",
					    nth->name, n);
		if (nth->sure)
			KUNIT_EXPECT_EQ_MSG(test, rc, 0, "%s, %u", nth->name, n);
	}
	KUNIT_EXPECT_EQ_MSG(test, rc, 0, "%s", nth->name);
	KUNIT_EXPECT_GT_MSG(test, n, nth->least, "%s", nth->name);
	/* Read by qemu/guest/stress-failnth.sh. */
	pr_info("fail-nth: %s: %u\n", nth->name, n - 1);
	total_entries++;
}

static inline int nth_suite_init(struct kunit_suite *suite)
{
	fault_probe.entry_handler = nth_entry;
	faults_work = !fault_init();
	if (faults_work)
		flt_fault_set_hook(nth_hook);
	total_failed = 0;
	total_entries = 0;
	live_before = atomic_read(&flt_live_objects);
	return 0;
}

static inline void nth_suite_exit(struct kunit_suite *suite)
{
	if (!faults_work)
		return;
	flt_fault_set_hook(NULL);
	fault_exit();
	pr_info("fail-nth: %u allocations failed at %u entries\n", total_failed, total_entries);
}

static inline int nth_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	return 0;
}

static inline void nth_exit(struct kunit *test)
{
	fault_disarm();
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_destroy(sim);
	/* No object was left behind. The last ones are freed after a grace period. */
	tf_wait_until(test, atomic_read(&flt_live_objects) == live_before);
}

/* A filter that is at work all the time: it must not notice anything. */
static inline void start_b(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
}

static inline void expect_b_works(struct kunit *test)
{
	int before = atomic_read(&b.posts);

	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.starts), 0);
}

#endif /* _FLTMGR_TESTNTH_H */
