// SPDX-License-Identifier: GPL-2.0-only
/*
 * flt_bench: what filters cost, in instructions, for qemu/guest/bench.sh.
 *
 *	modprobe flt_bench what=dispatch
 *	cat /sys/module/flt_bench/parameters/results
 *	rmmod flt_bench
 *
 * Under QEMU's -icount shift=0 the time stamp counter counts instructions. On a
 * real machine the figures are cycles and not exact. Loading it measures;
 * nothing of it is left attached afterwards. The results are one "NAME TENTHS"
 * in each line, tenths of an instruction:
 *
 *   what=dispatch (dispatch.c), an operation past N filters
 *	dispatch.N	with pre- and post-operation
 *	pre.N, post.N	with one of them only
 *	unregistered.N	that all do not want this class of operation
 *   what=peers (peers.c, netfilter.c), N callbacks
 *	indirect.N	called through pointers in an array
 *	atomic.N	an atomic notifier chain
 *	srcu.N		an SRCU notifier chain
 *	tracepoint.N	probes of a tracepoint
 *	netfilter.N	hooks of netfilter
 *   what=teardown (teardown.c), from detach to teardown_complete
 *	drain.N		N operations in flight below, to be drained
 *	pended.N	N operations pended, completed in teardown_start
 *	elsewhere.N	N in flight on another volume
 *	others.N	N in flight here, of another instance
 *   what=unload (unload.c)
 *	unload.N	a filter with N instances on N volumes
 *   what=stall (stall.c): see there
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/timex.h>

#include "bench.h"

#define MOST_RESULTS	64

const unsigned int bench_counts[BENCH_COUNTS] = { 0, 1, 2, 4, 8, BENCH_MOST };
unsigned long bench_calls;

static struct {
	char name[24];
	u64 tenths;
} results[MOST_RESULTS];
static unsigned int nr_results;

static int results_get(char *buf, const struct kernel_param *kp)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < nr_results; i++)
		len += sysfs_emit_at(buf, len, "%s %llu\n", results[i].name, results[i].tenths);
	return len;
}

static const struct kernel_param_ops results_ops = { .get = results_get };
module_param_cb(results, &results_ops, NULL, 0444);
MODULE_PARM_DESC(results, "what was measured, in tenths of an instruction");

static char *what = "dispatch";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "what is measured: dispatch, peers, teardown, unload or stall");

u64 bench_now(void)
{
	return get_cycles();
}

void bench_result(const char *name, unsigned int n, u64 tenths)
{
	if (WARN_ON(nr_results == MOST_RESULTS))
		return;
	snprintf(results[nr_results].name, sizeof(results->name), "%s.%u", name, n);
	results[nr_results++].tenths = tenths;
}

/* What is measured is called through a pointer: so that nothing is inlined. */

static void run_nothing(void)
{
}

static noinline __noclone u64 bench_batch(void (*run)(void))
{
	u64 began = bench_now();
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++)
		run();
	return bench_now() - began;
}

/* A batch is much shorter than a tick: the smallest has no timer interrupt in it. */
static u64 bench_best(void (*run)(void))
{
	u64 best = U64_MAX;
	unsigned int i;

	for (i = 0; i < BENCH_BATCHES; i++)
		best = min(best, bench_batch(run));
	return best;
}

/* The result is the mean of one call, less that of a call of nothing. */
void bench_measure(const char *name, unsigned int n, void (*run)(void))
{
	u64 nothing = bench_best(run_nothing);
	u64 cycles = bench_best(run) - nothing;

	bench_result(name, n, DIV_ROUND_CLOSEST_ULL(cycles * 10, BENCH_BATCH));
}

/* Was everything called, each time? Or a figure means nothing. */
int bench_check(const char *name, u64 seen, u64 expected)
{
	if (seen == expected)
		return 0;
	pr_err("flt_bench: %s: %llu calls, %llu expected\n", name, seen, expected);
	return -EIO;
}

/* The unload callback of our filters: they go before the module does, by themselves. */
int bench_refuse(struct flt_filter *filter, u32 flags)
{
	return STATUS_FLT_DO_NOT_DETACH;
}

static const struct {
	const char *name;
	int (*run)(void);
} parts[] = {
	{ "dispatch", bench_dispatch },
	{ "peers", bench_peers },
	{ "teardown", bench_teardown },
	{ "unload", bench_unload },
	{ "stall", bench_stall },
};

static int __init bench_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strcmp(what, parts[i].name))
			return parts[i].run();
	return -EINVAL;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
}
module_exit(bench_exit);

MODULE_DESCRIPTION("What filters cost");
MODULE_LICENSE("GPL");
