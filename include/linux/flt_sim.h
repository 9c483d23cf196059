/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flt_sim: a simulated volume, for tests and for authors of filters.
 *
 * A struct flt_sim is a volume whose device is a list: an operation that gets
 * there is held until the test releases it, or completes at once in a context
 * of the test's choice. Nothing here sleeps for a while or depends on time:
 * what happens next is what the test does next.
 *
 *	sim = flt_sim_create("vol");
 *	flt_sim_set_hold(sim, true);
 *	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 0, 4096, GFP_KERNEL);
 *	flt_sim_start(op);				pre-operations run here
 *	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);	post-operations, over there
 *	flt_sim_op_wait(op, 5 * HZ);
 *	... op->status, op->completed, op->completed_in ...
 *	flt_sim_op_free(op);
 *	flt_sim_destroy(sim);
 *
 * From a shell: see kmod/volumes/sim/debugfs.c.
 */
#ifndef _LINUX_FLT_SIM_H
#define _LINUX_FLT_SIM_H

#include <linux/completion.h>
#include <linux/fltmgr_volume.h>
#include <linux/gfp_types.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/workqueue_types.h>

struct flt_sim;

/**
 * enum flt_sim_context - where something runs
 * @FLT_SIM_PROCESS: in a process; for a device: at once, by the thread that
 *	submits the operation or releases it, whatever context that is in
 * @FLT_SIM_WORKER: a worker of the device, process context
 * @FLT_SIM_SOFTIRQ: soft interrupt
 * @FLT_SIM_HARDIRQ: hard interrupt
 * @FLT_SIM_NR_CONTEXTS: how many there are
 */
enum flt_sim_context {
	FLT_SIM_PROCESS,
	FLT_SIM_WORKER,
	FLT_SIM_SOFTIRQ,
	FLT_SIM_HARDIRQ,
	FLT_SIM_NR_CONTEXTS,
};

/**
 * struct flt_sim_seen - how often something happened, and where the last time
 * @count: how often
 * @context: where; a worker counts as %FLT_SIM_PROCESS
 * @pid: which task was current
 */
struct flt_sim_seen {
	unsigned int count;
	enum flt_sim_context context;
	pid_t pid;
};

/**
 * struct flt_sim_op - an operation on a simulated volume
 * @sim: the volume it is for
 * @class: enum flt_class
 * @irp_flags: FLT_IRP_*; may be set before flt_sim_start()
 * @byte_offset: in bytes
 * @length: in bytes
 * @id: counts the operations of @sim from 1
 * @filtered: some filter wanted its class when it started: @operation is in use
 * @waits: it was submitted with %FLT_SUBMIT_WAITS
 * @status: how it ended, valid after flt_sim_op_wait() returned 0
 * @information: likewise
 * @submitted: its arrivals at the device; one, or none if a filter completed it
 * @device_done: completions by the device; as many as @submitted
 * @arrived: when it arrived at the device
 * @ended: ends, as its issuer sees them; exactly one
 * @operation: what the manager and filters see of it
 */
struct flt_sim_op {
	struct flt_sim *sim;
	enum flt_class class;
	u32 irp_flags;
	u64 byte_offset;
	u64 length;
	u64 id;
	bool filtered;
	bool waits;
	int status;
	unsigned long information;
	ktime_t arrived;
	struct flt_sim_seen submitted;
	struct flt_sim_seen device_done;
	struct flt_sim_seen ended;
	struct flt_operation operation;

	/* private: the device's */
	struct flt_operation *issued;	/* a filter's own, which this stands for */
	bool started;
	int device_status;
	struct kref ref;		/* its issuer's and, from start to end, the device's */
	struct list_head link;		/* in sim->ops from start to end */
	struct list_head held_link;	/* in sim->held while the device holds it */
	struct completion done;
	union {
		struct work_struct work;
		struct llist_node irq_node;
	};
};

/* the volume */
struct flt_sim *flt_sim_create(const char *name);
struct flt_sim *flt_sim_create_unoffered(const char *name);
void flt_sim_offer(struct flt_sim *sim);
void flt_sim_dismount(struct flt_sim *sim);
void flt_sim_destroy(struct flt_sim *sim);
struct flt_volume *flt_sim_volume(const struct flt_sim *sim);

/* what its device does */
void flt_sim_set_hold(struct flt_sim *sim, bool hold);
int flt_sim_set_context(struct flt_sim *sim, enum flt_sim_context context);
int flt_sim_set_status(struct flt_sim *sim, int status);
int flt_sim_release(struct flt_sim_op *op, enum flt_sim_context context, int status);
int flt_sim_release_id(struct flt_sim *sim, u64 id, enum flt_sim_context context,
		       int status);
bool flt_sim_due(struct flt_sim *sim, ktime_t until);
int flt_sim_release_due(struct flt_sim *sim, ktime_t until, enum flt_sim_context context,
			int status);
int flt_sim_release_all(struct flt_sim *sim, enum flt_sim_context context, int status);
unsigned int flt_sim_cancel(struct flt_sim *sim);
unsigned int flt_sim_held(struct flt_sim *sim);
unsigned int flt_sim_inflight(struct flt_sim *sim);
int flt_sim_wait_held(struct flt_sim *sim, unsigned int n, unsigned long timeout);

/* operations */
struct flt_sim_op *flt_sim_op_alloc(struct flt_sim *sim, enum flt_class class,
				    u64 byte_offset, u64 length, gfp_t gfp);
int flt_sim_start(struct flt_sim_op *op);
int flt_sim_op_wait(struct flt_sim_op *op, unsigned long timeout);
bool flt_sim_op_done(struct flt_sim_op *op);
void flt_sim_op_free(struct flt_sim_op *op);

#endif /* _LINUX_FLT_SIM_H */
