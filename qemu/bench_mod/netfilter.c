// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netfilter's walk over its hooks: nf_hook() as the IPv4 stack calls it for a
 * packet to be forwarded, with hooks that were registered as any module's are.
 * None looks at the packet, so that there is none. Nothing is forwarded in the
 * guest: nobody else comes by.
 */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/net_namespace.h>

#include "bench.h"

static struct nf_hook_ops hooks[BENCH_MOST];

static unsigned int bench_hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	bench_calls++;
	return NF_ACCEPT;
}

static int bench_forwarded(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	return 0;
}

static void run_netfilter(void)
{
	nf_hook(NFPROTO_IPV4, NF_INET_FORWARD, &init_net, NULL, NULL, NULL, NULL, bench_forwarded);
}

static int netfilter_add(unsigned int n)
{
	hooks[n].hook = bench_hook;
	hooks[n].pf = NFPROTO_IPV4;
	hooks[n].hooknum = NF_INET_FORWARD;
	hooks[n].priority = n;
	return nf_register_net_hook(&init_net, &hooks[n]);
}

int bench_netfilter(void)
{
	unsigned int i, n = 0;
	int rc = 0;

	for (i = 0; !rc && i < BENCH_COUNTS; i++) {
		while (!rc && n < bench_counts[i]) {
			rc = netfilter_add(n);
			n += !rc;
		}
		if (rc)
			break;
		bench_calls = 0;
		bench_measure("netfilter", n, run_netfilter);
		rc = bench_check("netfilter", bench_calls, (u64)n * BENCH_BATCH * BENCH_BATCHES);
	}
	while (n--)
		nf_unregister_net_hook(&init_net, &hooks[n]);
	return rc;
}
