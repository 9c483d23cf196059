// SPDX-License-Identifier: GPL-2.0-only
/*
 * What else in the kernel calls one callback after the other: with callbacks
 * that do what those of dispatch.c do.
 */
#include <linux/notifier.h>
#include <linux/tracepoint.h>

#include "bench.h"

DECLARE_TRACE(flt_bench, TP_PROTO(void *what), TP_ARGS(what));
DEFINE_TRACE(flt_bench, TP_PROTO(void *what), TP_ARGS(what));

static ATOMIC_NOTIFIER_HEAD(atomic_chain);
static struct srcu_notifier_head srcu_chain;
static struct notifier_block atomic_blocks[BENCH_MOST];
static struct notifier_block srcu_blocks[BENCH_MOST];
static unsigned long probe_data[BENCH_MOST];
static void (*pointers[BENCH_MOST])(void *what);
static unsigned int nr_pointers;

static int bench_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	bench_calls++;
	return NOTIFY_OK;
}

static void bench_probe(void *data, void *what)
{
	bench_calls++;
}

static void bench_call(void *what)
{
	bench_calls++;
}

static void run_indirect(void)
{
	unsigned int i, n = READ_ONCE(nr_pointers);

	for (i = 0; i < n; i++) {
		void (*call)(void *what) = READ_ONCE(pointers[i]);

		call(&nr_pointers);
	}
}

static void run_atomic(void)
{
	atomic_notifier_call_chain(&atomic_chain, 0, NULL);
}

static void run_srcu(void)
{
	srcu_notifier_call_chain(&srcu_chain, 0, NULL);
}

static void run_tracepoint(void)
{
	trace_flt_bench(NULL);
}

static const struct bench_peer {
	const char *name;
	void (*run)(void);
} peers[] = {
	{ "indirect", run_indirect },
	{ "atomic", run_atomic },
	{ "srcu", run_srcu },
	{ "tracepoint", run_tracepoint },
};

static int bench_peer(const struct bench_peer *peer, unsigned int n)
{
	bench_calls = 0;
	bench_measure(peer->name, n, peer->run);
	return bench_check(peer->name, bench_calls, (u64)n * BENCH_BATCH * BENCH_BATCHES);
}

static int peers_add(unsigned int n)
{
	int rc;

	rc = register_trace_flt_bench(bench_probe, &probe_data[n]);
	if (rc)
		return rc;
	atomic_blocks[n].notifier_call = bench_notify;
	srcu_blocks[n].notifier_call = bench_notify;
	atomic_notifier_chain_register(&atomic_chain, &atomic_blocks[n]);
	srcu_notifier_chain_register(&srcu_chain, &srcu_blocks[n]);
	pointers[n] = bench_call;
	nr_pointers = n + 1;
	return 0;
}

static void peers_remove(unsigned int n)
{
	unregister_trace_flt_bench(bench_probe, &probe_data[n]);
	atomic_notifier_chain_unregister(&atomic_chain, &atomic_blocks[n]);
	srcu_notifier_chain_unregister(&srcu_chain, &srcu_blocks[n]);
}

int bench_peers(void)
{
	unsigned int i, p, n = 0;
	int rc = 0;

	srcu_init_notifier_head(&srcu_chain);
	for (i = 0; !rc && i < BENCH_COUNTS; i++) {
		while (!rc && n < bench_counts[i]) {
			rc = peers_add(n);
			n += !rc;
		}
		for (p = 0; !rc && p < ARRAY_SIZE(peers); p++)
			rc = bench_peer(&peers[p], n);
	}
	while (n--)
		peers_remove(n);
	tracepoint_synchronize_unregister();
	srcu_cleanup_notifier_head(&srcu_chain);
	return rc ?: bench_netfilter();
}
