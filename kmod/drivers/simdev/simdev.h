/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of the simulated device.
 *
 *   hw.c	the hardware: an hrtimer that writes to memory and raises a line
 *   io.c	what the driver does: where operations complete, and who issues them
 *   unload.c	its unload routine, that releases everything itself; and how not to
 *   main.c	how all this comes and goes
 */
#ifndef _SIMDEV_H
#define _SIMDEV_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include <linux/wdm.h>

struct flt_sim;
struct platform_device;

#define SIMDEV_ISSUERS		4
#define SIMDEV_DEPTH		8	/* operations of each */
#define SIMDEV_RING		512	/* of the common buffer: 4096 bytes */

/* What is counted, as long as the module is there. */
enum simdev_total {
	SIMDEV_INTERRUPTS,
	SIMDEV_ISSUED,
	SIMDEV_ENDED,
	SIMDEV_ENDED_BADLY,	/* as the issuer sees it, for whatever reason */
	SIMDEV_FAILED,		/* by the device, on purpose */
	SIMDEV_HARDIRQ,		/* completions, by where they were */
	SIMDEV_DPC,
	SIMDEV_THREAD,
	SIMDEV_WORK,
	SIMDEV_TIMER,
	SIMDEV_DPCS_QUEUED,
	SIMDEV_DPCS_RUN,
	SIMDEV_WORKS_QUEUED,
	SIMDEV_WORKS_RUN,
	SIMDEV_WORKS_REFUSED,	/* the device or the module goes */
	SIMDEV_TICKS,		/* of the timer */
	SIMDEV_WRONG,		/* what cannot be */
	SIMDEV_REMOVALS,
	SIMDEV_GONE_BUSY,	/* removals with operations at the device */
	SIMDEV_NR_TOTALS,
};

/* The hardware. */
struct simdev_hw {
	int line;
	struct hrtimer timer;
	spinlock_t lock;	/* what follows */
	bool on;
	u64 *ring;		/* where it writes to */
	u64 sequence;
};

/* The device's extension. */
struct simdev {
	struct wdm_device *device;
	struct simdev_hw *hw;
	struct flt_sim *sim;
	struct wdm_interrupt *interrupt;
	struct wdm_dpc dpc;
	struct wdm_dpc timer_dpc;
	struct wdm_timer timer;
	struct wdm_work_item *work;
	struct wdm_event wake;			/* for the worker */
	struct wdm_thread *worker;
	struct wdm_thread *issuers[SIMDEV_ISSUERS];
	unsigned int nr_issuers;
	struct wdm_dma_adapter *adapter;
	u64 *ring;
	dma_addr_t logical;
	u64 seen;				/* the service routine's */
	unsigned int turn;			/* likewise */
	atomic_t decided;
	unsigned long work_queued;		/* bit 0 */
	bool stop;				/* threads end */
};

static inline struct simdev *simdev_of(struct wdm_device *device)
{
	return device->device_extension;
}

/* main.c */
extern unsigned int simdev_hz;
extern unsigned int simdev_latency_us;
extern unsigned int simdev_error_permille;
extern unsigned int simdev_nr_issuers;
void simdev_count(enum simdev_total what);

/* hw.c */
int simdev_hw_create(struct simdev_hw *hw);
void simdev_hw_destroy(struct simdev_hw *hw);
void simdev_hw_on(struct simdev_hw *hw, u64 *ring);
void simdev_hw_off(struct simdev_hw *hw);
bool simdev_hw_is_on(void *context);

/* io.c */
int simdev_io_init(struct simdev *sd);
int simdev_set_timer(struct simdev *sd);
int simdev_io_start(struct simdev *sd);
bool simdev_service(struct wdm_interrupt *interrupt, void *context);

/* unload.c */
extern const struct kernel_param_ops simdev_skip_ops;
extern const struct kernel_param_ops simdev_early_ops;
extern int simdev_skip, simdev_early;
void simdev_unload(struct simdev *sd);

#endif /* _SIMDEV_H */
