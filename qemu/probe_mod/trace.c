// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the plugin flt_trace records. A window is one operation, or one half of
 * it, on one CPU: the number of its scenario in marks, MARK_BEGIN, the work,
 * MARK_END. An interrupt may fall into a window; who reads the trace sees that
 * and leaves it out, hence so many.
 *
 * Results, as text, where things were and which scenario is which:
 *
 *	scenario NUMBER KIND FILTERS WINDOWS
 *	object TYPE NUMBER ADDRESS SIZE
 *	percpu CPU OFFSET
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "marks.h"
#include "probe.h"

#define WARM	8	/* so that what is made at first use is there */
#define WINDOWS	16
#define CPUS	2

struct probe_scenario {
	const char *kind;
	unsigned int filters;
	int (*run)(const struct probe_scenario *scenario);
	enum probe_plant plant;
	unsigned int depth;	/* of "remote": operations in flight at a time */
};

static struct probe_worker *workers[CPUS];
static char *results;
static unsigned int current_number;

int probe_trace_results(char *buf)
{
	return results ? sysfs_emit(buf, "%s", results) : 0;
}

static noinline void probe_mark_number(unsigned int number)
{
	unsigned int bit;

	for (bit = 0; bit < 8; bit++) {
		if (number & BIT(bit))
			flt_mark(MARK_BIT1);
		else
			flt_mark(MARK_BIT0);
	}
}

/* One function for each window, not inlined, so that a window begins and ends in it. */
#define probe_window(call)				\
	do {						\
		probe_mark_number(current_number);	\
		flt_mark(MARK_BEGIN);			\
		call;					\
		flt_mark(MARK_END);			\
	} while (0)

/* Whole operations, on as many CPUs as are told to, each with its own. */

static void probe_local(void *arg, struct flt_operation **ops)
{
	unsigned int i;

	for (i = 0; i < WARM; i++)
		probe_operation(ops[0]);
	for (i = 0; i < WINDOWS; i++)
		probe_window(probe_operation(ops[0]));
}

static int probe_run_local(unsigned int cpus, unsigned int filters)
{
	unsigned int i;

	probe_count_reset();
	for (i = 0; i < cpus; i++)
		probe_worker_start(workers[i], probe_local, NULL);
	for (i = 0; i < cpus; i++)
		probe_worker_wait(workers[i]);
	return probe_count_check(cpus * (WARM + WINDOWS), filters);
}

static int probe_one(const struct probe_scenario *scenario)
{
	return probe_run_local(1, scenario->filters);
}

static int probe_both(const struct probe_scenario *scenario)
{
	return probe_run_local(CPUS, scenario->filters);
}

/* Submitted on the first CPU, completed on the second. */

static void probe_remote_submit(void *arg, struct flt_operation **ops)
{
	const struct probe_scenario *scenario = arg;
	unsigned int i;

	for (i = 0; i < scenario->depth; i++)
		probe_window(probe_submit(ops[i]));
}

/* Of several the one in the middle: its neighbours are in flight, too. */
static void probe_remote_complete(void *arg, struct flt_operation **ops)
{
	const struct probe_scenario *scenario = arg;
	unsigned int i;

	ops = probe_worker_operations(workers[0]);
	probe_window(probe_complete(ops[scenario->depth / 2]));
	for (i = 0; i < scenario->depth; i++)
		if (i != scenario->depth / 2)
			probe_complete(ops[i]);
}

static int probe_remote(const struct probe_scenario *scenario)
{
	unsigned int i;

	probe_count_reset();
	for (i = 0; i < WINDOWS; i++) {
		probe_worker_start(workers[0], probe_remote_submit, (void *)scenario);
		probe_worker_wait(workers[0]);
		probe_worker_start(workers[1], probe_remote_complete, (void *)scenario);
		probe_worker_wait(workers[1]);
	}
	return probe_count_check(WINDOWS * scenario->depth, scenario->filters);
}

/*
 * Not the manager's: what the plugin is to see, bench/atomics knows how often and
 * where. Some of these QEMU does in a function of its own, not in generated code.
 */
static struct {
	atomic_long_t locked;
	unsigned long swapped;
	unsigned long local;
	unsigned long unused;
	u128 wide;
} known __aligned(32);

static noinline void probe_known(void)
{
	u128 wide = 0;
	long old = 0;

	atomic_long_inc(&known.locked);
	atomic_long_try_cmpxchg(&known.locked, &old, 1);
	xchg(&known.swapped, 1);
	smp_mb();	/* with nothing: it is counted */
	mb();		/* likewise */
	cmpxchg_local(&known.local, 0, 1);	/* of its own CPU only: no lock */
	try_cmpxchg128_local(&known.wide, &wide, 1);
	barrier();
}

static void probe_known_windows(void *arg, struct flt_operation **ops)
{
	unsigned int i;

	for (i = 0; i < WINDOWS; i++)
		probe_window(probe_known());
}

static int probe_self_test(const struct probe_scenario *scenario)
{
	probe_worker_start(workers[0], probe_known_windows, NULL);
	probe_worker_wait(workers[0]);
	return 0;
}

/* In ascending number of filters, for these only get more. */
static const struct probe_scenario scenarios[] = {
	{ "known", 0, probe_self_test },
	{ "one", 0, probe_one },
	{ "one", 1, probe_one },
	{ "both", 1, probe_both },
	{ "remote", 1, probe_remote, .depth = 1 },
	{ "planted-counter", 1, probe_both, PROBE_PLANT_COUNTER },
	{ "planted-neighbours", 1, probe_both, PROBE_PLANT_NEIGHBOURS },
	{ "planted-remote", 1, probe_remote, PROBE_PLANT_COUNTER, 1 },
	{ "one", 2, probe_one },
	{ "one", 4, probe_one },
	{ "both", 4, probe_both },
	{ "remote", 4, probe_remote, .depth = 1 },
	{ "remote-amid", 4, probe_remote, .depth = PROBE_DEPTH },
	{ "one", 8, probe_one },
	{ "both", 8, probe_both },
	{ "remote", 8, probe_remote, .depth = 1 },
};

static int probe_run_scenario(unsigned int number)
{
	const struct probe_scenario *scenario = &scenarios[number];
	int rc = probe_attach(scenario->filters);

	if (rc)
		return rc;
	current_number = number;
	probe_plant = scenario->plant;
	rc = scenario->run(scenario);
	probe_plant = PROBE_PLANT_NOTHING;
	return rc;
}

static int probe_layout(char *buf)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		len += sysfs_emit_at(buf, len, "scenario %u %s %u %u\n", i, scenarios[i].kind,
				     scenarios[i].filters, WINDOWS);
	for (i = 0; i < CPUS; i++)
		len = probe_worker_layout(workers[i], buf, len);
	len += sysfs_emit_at(buf, len, "object known 0 %lx %zu\n",
			     (unsigned long)&known, sizeof(known));
	return probe_provider_layout(buf, len);
}

static int probe_trace_all(void)
{
	unsigned int i;
	int rc = 0;

	flt_mark(MARK_ARM);
	msleep(100);	/* the plugin has the code translated anew */
	for (i = 0; !rc && i < ARRAY_SIZE(scenarios); i++)
		rc = probe_run_scenario(i);
	probe_layout(results);
	flt_mark(MARK_DUMP);
	return rc;
}

int probe_trace(void)
{
	unsigned int i;
	int rc = 0;

	if (num_online_cpus() < CPUS)
		return -ENODEV;
	results = (char *)get_zeroed_page(GFP_KERNEL);
	if (!results)
		return -ENOMEM;
	for (i = 0; i < CPUS; i++) {
		workers[i] = probe_worker_create(i);
		if (IS_ERR(workers[i])) {
			rc = PTR_ERR(workers[i]);
			goto out;
		}
	}
	rc = probe_trace_all();
out:
	while (i--)
		probe_worker_destroy(workers[i]);
	if (!rc)
		return 0;
	free_page((unsigned long)results);
	results = NULL;
	return rc;
}
