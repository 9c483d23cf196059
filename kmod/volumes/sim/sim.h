/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of the simulated volume.
 *
 * LOCKING
 *
 *   L  sim->lock, irq-safe: taken wherever an operation may complete. Nothing
 *      is called with it held but wake-ups.
 *   M  sim->mount_lock, a mutex: dismount happens once, and who comes second
 *      waits for the first.
 *   I  set before the volume is visible, then constant.
 *
 * LIFETIME
 *
 * A sim is kept by its owner's handle and by its volume, which somebody may
 * still refer to after flt_sim_destroy(). Operations keep the handle:
 * flt_sim_destroy() returns only after the last has ended.
 */
#ifndef _FLT_SIM_INTERNAL_H
#define _FLT_SIM_INTERNAL_H

#include <linux/flt_sim.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct flt_sim {
	struct flt_volume *volume;		/* I */
	struct kref ref;
	spinlock_t lock;			/* L, irq-safe */
	struct list_head ops;			/* L: started and not ended */
	struct list_head held;			/* L: at the device, first come first */
	unsigned int nr_ops;			/* L */
	unsigned int nr_held;			/* L */
	u64 last_id;				/* L */
	bool hold;				/* L */
	bool closing;				/* L: nothing starts any more */
	bool unplugged;				/* L: nothing is held any more */
	enum flt_sim_context context;		/* L: of what is not held */
	int status;				/* L: likewise */
	wait_queue_head_t wait;			/* for nr_ops, nr_held */
	struct mutex mount_lock;
	bool dismounted;			/* M */
	struct irq_work irq_work;
	struct llist_head irq_ops;		/* to be completed by irq_work */
};

/* sim.c */
void flt_sim_end(struct flt_sim_op *op, int status, unsigned long information);
void flt_sim_shutdown(struct flt_sim *sim);
void flt_sim_issue_end(struct flt_sim_op *op, int status, unsigned long information);

/* device.c */
int flt_sim_device_init(void);
void flt_sim_device_exit(void);
void flt_sim_seen(struct flt_sim_seen *seen);
void flt_sim_to_device(struct flt_sim_op *op, unsigned int flags);
void flt_sim_irq_work(struct irq_work *work);

/* debugfs.c */
void flt_sim_debugfs_init(void);
void flt_sim_debugfs_exit(void);

#endif /* _FLT_SIM_INTERNAL_H */
