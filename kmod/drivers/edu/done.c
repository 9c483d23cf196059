// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu: what happens when it is done with something: DPC, work item, timer.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include "edu.h"

#define EDU_TICK_MS		50
#define EDU_LOST_TICKS		4	/* idle for so long, and nothing was said of it */

static void edu_request_free(struct kref *ref)
{
	kfree(container_of(ref, struct edu_request, ref));
}

void edu_request_put(struct edu_request *request)
{
	if (request)
		kref_put(&request->ref, edu_request_free);
}

/*
 * The one that has been computed; it is the caller's now. NULL if there is none, or
 * the engine has been started anew: an interrupt was made up for, and came after all.
 */
static struct edu_request *edu_request_take(struct edu *edu)
{
	struct edu_request *request = NULL;

	spin_lock_irq(&edu->lock);
	if (!(edu_hw_runs(edu) & EDU_FACTORIAL)) {
		request = edu->request;
		edu->request = NULL;
		if (request)
			request->result = edu_hw_result(edu);
		atomic_andnot(EDU_FACTORIAL, &edu->busy);
	}
	spin_unlock_irq(&edu->lock);
	return request;
}

/* Nobody will be told: the device, which is idle, goes. After its routines */
void edu_request_forget(struct edu *edu)
{
	edu_request_put(edu->request);
	edu->request = NULL;
}

/* Likewise: was there any? */
static bool edu_dma_take(struct edu *edu)
{
	bool done = false;

	spin_lock_irq(&edu->lock);
	if (!(edu_hw_runs(edu) & EDU_DMA))
		done = atomic_fetch_andnot(EDU_DMA, &edu->busy) & EDU_DMA;
	spin_unlock_irq(&edu->lock);
	return done;
}

/* In 32 bits 34! and all beyond are 0. */
static u32 edu_factorial(u32 n)
{
	u32 result = 1;

	if (n >= 34)
		return 0;
	while (n)
		result *= n--;
	return result;
}

static void edu_factorial_done(struct edu *edu)
{
	struct edu_request *request = edu_request_take(edu);

	if (!request)
		return;
	if (request->result != edu_factorial(request->n))
		edu_count(EDU_WRONG);
	/* With the event */
	WRITE_ONCE(request->done, true);
	edu_count(EDU_FACTORIALS_DONE);
	edu_request_put(request);
	ke_set_event(&edu->factorial_idle);
}

static void edu_dma_done(struct edu *edu)
{
	if (!edu_dma_take(edu))
		return;
	edu_count(EDU_DMAS_DONE);
	ke_set_event(&edu->dma_idle);
}

/* Tells who waits. PASSIVE */
static void edu_work(struct wdm_device *device, void *context)
{
	struct edu *edu = context;
	u32 done;

	/* What comes from here on wants another run. */
	clear_bit(0, &edu->work_queued);
	done = atomic_xchg(&edu->done, 0);
	if (edu_work_ms)
		msleep(edu_work_ms);
	if (done & EDU_FACTORIAL)
		edu_factorial_done(edu);
	if (done & EDU_DMA)
		edu_dma_done(edu);
	edu_count(EDU_WORKS_RUN);
}

/* Once, however often: it is not to be queued twice. RLS-38 */
static void edu_work_queue(struct edu *edu)
{
	if (test_and_set_bit(0, &edu->work_queued))
		return;
	/* The count of runs never passes that of what was queued. */
	edu_count(EDU_WORKS_QUEUED);
	if (!io_queue_work_item(edu->work, edu_work, DelayedWorkQueue, edu))
		return;
	edu_count(EDU_WORKS_REFUSED);
	clear_bit(0, &edu->work_queued);
}

static void edu_dpc(struct wdm_dpc *dpc, void *context, void *argument1, void *argument2)
{
	struct edu *edu = context;

	atomic_or(atomic_xchg(&edu->raised, 0), &edu->done);
	edu_work_queue(edu);
	edu_count(EDU_DPCS_RUN);
}

/*
 * The timer's. An engine that was started, but has been idle since long without
 * that anybody was told: its interrupt was lost, and is made up for.
 */
static void edu_watch(struct wdm_dpc *dpc, void *context, void *argument1, void *argument2)
{
	struct edu *edu = context;
	u32 busy = atomic_read(&edu->busy);

	edu_count(EDU_TICKS);
	if (!busy || (edu_hw_busy(edu) & busy) || test_bit(0, &edu->work_queued)) {
		edu->idle_ticks = 0;
		return;
	}
	if (++edu->idle_ticks < EDU_LOST_TICKS + edu_work_ms / EDU_TICK_MS)
		return;
	edu->idle_ticks = 0;
	edu_count(EDU_RECOVERED);
	atomic_or(busy, &edu->raised);
	if (ke_insert_queue_dpc(&edu->dpc, NULL, NULL))
		edu_count(EDU_DPCS_QUEUED);
}

/* All that is needed before an interrupt may come. */
int edu_done_init(struct edu *edu)
{
	struct wdm_owner *owner = &edu->device->owner;
	struct wdm_record *regs = wdm_io_space_record(edu->regs);
	int rc;

	edu->work = io_allocate_work_item(edu->device);
	if (!edu->work)
		return -ENOMEM;
	rc = ke_initialize_dpc(owner, &edu->dpc, edu_dpc, edu);
	if (!rc)
		rc = ke_initialize_dpc(owner, &edu->watch_dpc, edu_watch, edu);
	if (!rc)
		rc = ke_initialize_timer_ex(owner, &edu->timer, NotificationTimer);
	/* It looks at the registers, and inserts the other one. */
	if (!rc)
		rc = wdm_depends_on(&edu->watch_dpc.record, regs);
	if (!rc)
		rc = wdm_depends_on(&edu->watch_dpc.record, &edu->dpc.record);
	if (!rc)
		rc = ke_set_timer_ex(&edu->timer, -EDU_TICK_MS * 10000LL, EDU_TICK_MS,
				     &edu->watch_dpc);
	return rc;
}
