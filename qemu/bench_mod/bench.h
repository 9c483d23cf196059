/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flt_bench: what its parts share. See main.c for what it is.
 */
#ifndef _FLT_BENCH_H
#define _FLT_BENCH_H

#include <linux/fltmgr_volume.h>
#include <linux/types.h>

#define BENCH_BATCH		256
#define BENCH_BATCHES		24
#define BENCH_LENGTH		4096
#define BENCH_COUNTS		6
#define BENCH_MOST		16	/* the last of bench_counts[] */

extern const unsigned int bench_counts[BENCH_COUNTS];

/* What every callback of every mechanism does: it counts. */
extern unsigned long bench_calls;

/* main.c */
u64 bench_now(void);
void bench_result(const char *name, unsigned int n, u64 tenths);
void bench_measure(const char *name, unsigned int n, void (*run)(void));
int bench_check(const char *name, u64 seen, u64 expected);
int bench_refuse(struct flt_filter *filter, u32 flags);

/* dispatch.c */
int bench_dispatch(void);
struct flt_volume *bench_volume(const char *name);
void bench_volume_end(struct flt_volume *volume);
void bench_operation(struct flt_volume *volume, struct flt_operation *op, enum flt_class class);

/* peers.c, netfilter.c */
int bench_peers(void);
#if IS_ENABLED(CONFIG_NETFILTER)
int bench_netfilter(void);
#else
static inline int bench_netfilter(void)
{
	return 0;	/* a kernel without it: the row is missing */
}
#endif

/* teardown.c, unload.c, stall.c */
int bench_agree(const struct flt_related_objects *objs, u32 flags);
int bench_teardown(void);
int bench_unload(void);
int bench_stall(void);

#endif /* _FLT_BENCH_H */
