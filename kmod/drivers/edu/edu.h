/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of the driver of QEMU's edu device.
 *
 * What happens, and where:
 *
 *   file.c	a system call, inside of the device, waits until an engine is idle,
 *		and starts it
 *   hw.c	its interrupt is acknowledged, and inserts the DPC
 *   done.c	the DPC reads the result, and queues the work item, which tells
 *		who waits; a timer sees to interrupts that were lost
 *   main.c	how all this comes and goes
 *
 * LOCKING
 *
 *   M	the mutex of an engine: who starts it, and for DMA the buffer
 *   R	lock: an engine is started, or found to be done, and whose factorial that is
 *   I	set in the probe, before anybody else sees it
 */
#ifndef _EDU_H
#define _EDU_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/spinlock.h>
#include <linux/wdm.h>

struct pci_dev;

/* Of 4096: QEMU, at least until 7.2, ends if DMA is asked for the last one. */
#define EDU_RAM_SIZE		4095
#define EDU_FACTORIAL_MAX	100000000	/* tenths of a second, and no way to stop it */

/* What an engine is there for; a bit each, as in edu->busy. */
#define EDU_FACTORIAL		0x001
#define EDU_DMA			0x100

/* What is counted, over all devices, as long as the module is there. */
enum edu_total {
	EDU_INTERRUPTS,		/* of ours */
	EDU_RAISED,		/* those that were asked for */
	EDU_DPCS_QUEUED,
	EDU_DPCS_RUN,
	EDU_WORKS_QUEUED,
	EDU_WORKS_RUN,
	EDU_WORKS_REFUSED,	/* the device or the module goes */
	EDU_TICKS,		/* of the timer */
	EDU_RECOVERED,		/* interrupts that were lost */
	EDU_FACTORIALS,
	EDU_FACTORIALS_DONE,
	EDU_WRONG,		/* results that are */
	EDU_DMAS,
	EDU_DMAS_DONE,
	EDU_REMOVALS,
	EDU_GONE_FACTORIAL,	/* removals with that in flight */
	EDU_GONE_DMA,
	EDU_GONE_WORK,
	EDU_GONE_OPEN,		/* ... with files open */
	EDU_NR_TOTALS,
};

/* A factorial: of the file that wants it, and of the engine until it is done. */
struct edu_request {
	struct kref ref;
	u32 n;
	u32 result;
	bool done;
};

/* The device's extension. */
struct edu {
	struct wdm_device *device;		/* I */
	struct pci_dev *pdev;			/* I; not for files that outlive it */
	int id;					/* I */
	void __iomem *regs;			/* I */
	struct wdm_interrupt *interrupt;	/* I */
	struct wdm_dpc dpc;
	struct wdm_dpc watch_dpc;
	struct wdm_timer timer;
	struct wdm_work_item *work;		/* I */
	struct wdm_dma_adapter *adapter;	/* I */
	void *buffer;				/* M */
	dma_addr_t logical;			/* I */
	struct wdm_mutex factorial_mutex;
	struct wdm_event factorial_idle;
	struct wdm_mutex dma_mutex;
	struct wdm_event dma_idle;
	spinlock_t lock;			/* of R */
	struct edu_request *request;		/* R */
	atomic_t busy;				/* engines that were started */
	atomic_t owed;				/* ... whose interrupt has not come */
	atomic_t raised;			/* interrupts, for the DPC */
	atomic_t done;				/* what the work item has to tell of */
	atomic_t open;
	unsigned long work_queued;		/* bit 0 */
	unsigned int idle_ticks;		/* the timer's DPC's */
	struct miscdevice misc[2];
	char names[2][16];
	unsigned int nr_misc;
};

static inline struct edu *edu_of(struct wdm_device *device)
{
	return device->device_extension;
}

/* main.c */
extern unsigned int edu_work_ms;
void edu_count(enum edu_total what);

/* hw.c */
bool edu_hw_present(void __iomem *regs);
void edu_hw_factorial(struct edu *edu, u32 n);
u32 edu_hw_result(struct edu *edu);
void edu_hw_dma(struct edu *edu, u32 offset, u32 count, bool to_device);
void edu_hw_raise(struct edu *edu);
u32 edu_hw_runs(struct edu *edu);
u32 edu_hw_busy(struct edu *edu);
void edu_hw_off(struct edu *edu);
bool edu_hw_source(void *context);
bool edu_hw_dma_runs(void *context);
bool edu_service(struct wdm_interrupt *interrupt, void *context);

/* done.c */
int edu_done_init(struct edu *edu);
void edu_request_put(struct edu_request *request);
void edu_request_forget(struct edu *edu);

/* file.c */
int edu_files_register(struct edu *edu);
void edu_files_deregister(struct edu *edu);

#endif /* _EDU_H */
