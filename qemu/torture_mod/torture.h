/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Torture: what the issuers of I/O, the witnesses and the filters have in common.
 * Documentation/torture.rst has the model.
 *
 * A *place* is a block of a volume that one operation at a time is for. Who has
 * the operation writes to its place, without a lock: the manager hands it from
 * one to the next, and a data race here is one there. A drained post-operation
 * has no operation, and does not look.
 */
#ifndef _FLT_TORTURE_H
#define _FLT_TORTURE_H

#include <linux/fltmgr.h>
#include <linux/jiffies.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>

#define TORTURE_FILTERS		3
#define TORTURE_ISSUERS		2	/* threads for each volume */
#define TORTURE_PLACES		256	/* blocks of a volume; place 0 is for flushes */
#define TORTURE_BLOCK		4096
#define TORTURE_BATCH		12

/* What a torture filter counts. In this order in torture_filter_names[]. */
enum torture_count {
	T_PRE,			/* pre-operations */
	T_NOT_WANTED,		/* ... whose answer was NO_CALLBACK, at last */
	T_WANTED,		/* ... WITH_CALLBACK or SYNCHRONIZE */
	T_COMPLETED,		/* ... COMPLETE */
	T_CANCELLED,		/* ... of those since it was cancelled */
	T_PENDED,		/* pended, in whatever way */
	T_EARLY,		/* answered: before the pre-operation returned */
	T_BY_WORK,		/* ... by a work item */
	T_BY_TIMER,		/* ... by a timer */
	T_BY_DEFERRED,		/* ... by a deferred item */
	T_BY_QUEUE,		/* ... out of the queue */
	T_BY_ROUTINE,		/* ... its cancel routine taken back */
	T_BY_CANCEL,		/* ... by a cancel */
	T_SYNCHRONIZED,		/* of T_WANTED */
	T_POST,			/* post-operations */
	T_DRAINED,		/* ... called to drain */
	T_POST_PENDED,		/* post-operations pended */
	T_POST_RESUMED,		/* ... and completed */
	T_SAFE,			/* safe routines that are to run */
	T_SAFE_RUN,		/* ... and have */
	T_SPOILT,		/* successes that a post-operation made an error */
	T_VISITS,		/* visits made */
	T_VISITS_GONE,		/* ... and gone */
	T_CONTEXTS,		/* contexts allocated */
	T_CONTEXTS_GONE,	/* ... and cleaned up */
	T_OWN,			/* operations of its own that began */
	T_OWN_ENDED,		/* ... and ended */
	T_SETUP,		/* instances set up */
	T_STARTED,		/* ... teardown_start */
	T_TORN,			/* ... teardown_complete */
	T_STATUS_WANTED,	/* status callbacks asked for */
	T_STATUS_TOLD,		/* ... that came */
	T_REFUSED,		/* detaches refused */
	T_NR
};

/* What is counted of a volume. In this order in torture_volume_names[]. */
enum torture_volume_count {
	V_ISSUED,		/* operations issued */
	V_ENDED,		/* ... and ended */
	V_FAILED,		/* ... with an error */
	V_TOP_PRE,		/* seen by the highest witness */
	V_TOP_POST,		/* ... on the way up */
	V_TOP_DRAINED,		/* ... drained */
	V_TOP_FAILED,		/* ... on the way up with an error */
	V_BOTTOM_PRE,		/* seen by the lowest witness */
	V_BOTTOM_POST,
	V_BOTTOM_DRAINED,
	V_BOTTOM_FAILED,	/* what the device has failed */
	V_BELOW_FAILED,		/* ... of what was issued */
	V_COMPLETED,		/* completed by filters on the way down */
	V_COMPLETED_FAILED,	/* ... of what was issued, with an error */
	V_SPOILT,		/* failed by filters on the way up, of what was issued */
	V_OWN,			/* begun by filters */
	V_DEVICE,		/* what the device has done, where that is known */
	V_DEVICE_FAILED,	/* ... with an error */
	V_VERIFIED,		/* blocks whose data was looked at */
	V_NR
};

/* Bits of the parameter fault. */
enum torture_fault {
	FAULT_COUNT,		/* a post-operation is not counted */
	FAULT_DATA,		/* blocks are written wrongly, until that is seen */
	FAULT_STATUS,		/* an error is not noted */
	FAULT_LOST,		/* a pended operation is forgotten until `lost` is 0 */
	FAULT_CONTEXT,		/* a clean-up is not counted */
};

struct torture_place {
	u64 op;			/* number of the operation, 0: none */
	u64 began;		/* ktime_get_ns() at its issue */
	u8 major;
	int expect;		/* the status it is to end with, as far as known */
	unsigned int tops;	/* how often the highest witness saw it, down */
	unsigned int tops_up;	/* ... and up */
	unsigned int bottoms;
	bool written;		/* the device has done it */
	u64 down, up;		/* altitude of who saw it last */
	u32 version;		/* of the data, 0: zeroes */
};

struct torture_volume {
	const char *name;
	bool block;		/* a block device, with data */
	bool ours;		/* issued to by us: there are places */
	bool counted;		/* stays, so that every count is predicted */
	bool device;		/* likewise what the device does */
	u64 number;
	u64 __percpu *counts;
	struct torture_place *places;
};

/* main.c */
extern unsigned long torture_seed;
u64 torture_mix(u64 a, u64 b);
u64 torture_next(u64 *state);
unsigned int torture_pick(u64 *state, unsigned int n);
bool torture_running(void);
bool torture_fault_now(enum torture_fault fault);
void torture_fault_again(enum torture_fault fault);
bool torture_fault_on(enum torture_fault fault);
struct torture_volume *torture_volume_of(const char *name);
bool torture_lost(void);
unsigned long torture_patience(void);

/* books.c */
int torture_books_init(void);
void torture_books_exit(void);
void torture_count(unsigned int filter, enum torture_count what);
void torture_add(struct torture_volume *vol, enum torture_volume_count what, u64 n);
void torture_wrong(const char *fmt, ...) __printf(1, 2);
void torture_check_filter(unsigned int filter);
void torture_check_volume(struct torture_volume *vol);
unsigned int torture_nr_wrong(void);
void torture_books_show(struct seq_file *m);
struct torture_place *torture_place_of(struct torture_volume *vol,
				       const struct flt_callback_data *data);
void torture_pattern(u64 *buf, const struct torture_volume *vol, unsigned int place,
		     u32 version);

static inline void torture_inc(struct torture_volume *vol, enum torture_volume_count what)
{
	torture_add(vol, what, 1);
}

/* witness.c */
int torture_witness_init(void);
void torture_witness_exit(void);
int torture_witness_attach(struct flt_volume *volume);

/* The issuers. */
extern struct torture_volume torture_volumes[];
#define TORTURE_SIM_HELD	0	/* the device holds what arrives, for a while */
#define TORTURE_SIM_AT_ONCE	1
#define TORTURE_SIM_CHURN	2	/* comes and goes */
#define TORTURE_BLOCK_DEVICE	3
#define TORTURE_OTHERS		4	/* all volumes that are not ours */
#define TORTURE_VOLUMES		5

struct torture_issue {
	struct torture_volume *vol;
	u64 rnd;
	u64 op;			/* number of the last one */
	unsigned int thread;
};

struct torture_place *torture_place_take(struct torture_issue *issue, unsigned int index,
					 u8 major);
struct torture_place *torture_place_get(struct torture_issue *issue, u8 major,
					unsigned int *index);
void torture_place_end(struct torture_issue *issue, struct torture_place *place, int status);
void torture_issue_init(struct torture_issue *issue, struct torture_volume *vol,
			unsigned int thread);

int torture_sim_start(void);
int torture_sim_stop(void);
int torture_bdev_start(const char *path);
int torture_bdev_stop(void);
bool torture_bad(const struct torture_volume *vol, const struct flt_callback_data *data);
bool torture_verify(struct torture_volume *vol, unsigned int index, u32 version,
		    const void *data, const char *who);

#endif /* _FLT_TORTURE_H */
