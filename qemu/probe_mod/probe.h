/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _FLT_PROBE_H
#define _FLT_PROBE_H

#include <linux/fltmgr_volume.h>
#include <linux/types.h>

#define PROBE_MOST_FILTERS	8

/* provider.c: a volume whose device completes at once, filters that only count */
extern struct flt_volume *probe_volume;

/* Mistakes to be caught, made by a filter's pre-operation on purpose. */
enum probe_plant {
	PROBE_PLANT_NOTHING,
	PROBE_PLANT_COUNTER,		/* both CPUs add to one word */
	PROBE_PLANT_NEIGHBOURS,		/* one writes beside what the other reads */
	PROBE_NR_PLANTS,
};

extern enum probe_plant probe_plant;

int probe_provider_init(void);
void probe_provider_exit(void);
int probe_attach(unsigned int nr);
void probe_count_reset(void);
int probe_count_check(unsigned long operations, unsigned int filters);
int probe_provider_layout(char *buf, int len);

/* The way down, to the device; then the way up. */
void probe_submit(struct flt_operation *op);
void probe_complete(struct flt_operation *op);
/* Both, or nothing if no filter wants it, as a provider does it. */
void probe_operation(struct flt_operation *op);

/* worker.c: a thread on one CPU, and its operations */
#define PROBE_DEPTH	3

struct probe_worker;
struct probe_worker *probe_worker_create(unsigned int cpu);
/* Let it call @fn(@arg, its operations); wait with probe_worker_wait(). */
void probe_worker_start(struct probe_worker *worker,
			void (*fn)(void *arg, struct flt_operation **ops), void *arg);
void probe_worker_wait(struct probe_worker *worker);
struct flt_operation **probe_worker_operations(struct probe_worker *worker);
void probe_worker_destroy(struct probe_worker *worker);
int probe_worker_layout(struct probe_worker *worker, char *buf, int len);

/* trace.c, time.c: what is measured, and its results as text */
int probe_trace(void);
int probe_trace_results(char *buf);
int probe_time(void);
int probe_time_results(char *buf);

#endif /* _FLT_PROBE_H */
