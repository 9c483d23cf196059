// SPDX-License-Identifier: GPL-2.0-only
/*
 * IoTimers: one for each device at most, whose routine is called once a second.
 *
 * It goes with its device: there is no routine to give it up. So it must be
 * stopped before the device is deleted, and is shut down then.
 */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "internal.h"

struct wdm_io_timer {
	struct wdm_record record;
	struct wdm_device *device;		/* I */
	struct timer_list timer;
	wdm_io_timer_routine routine;		/* I */
	void *context;				/* I */
	spinlock_t lock;			/* what follows; irq-safe */
	struct task_struct *runner;		/* interrupted by its routine */
	bool started;
	bool down;
};

static struct wdm_io_timer *wdm_io_timer_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_io_timer, record);
}

static void wdm_io_timer_mark(struct wdm_record *record)
{
	struct wdm_io_timer *timer = wdm_io_timer_of(record);
	unsigned long flags;

	spin_lock_irqsave(&timer->lock, flags);
	timer->down = true;
	timer->started = false;
	spin_unlock_irqrestore(&timer->lock, flags);
}

static bool wdm_io_timer_idle(struct wdm_record *record)
{
	struct wdm_io_timer *timer = wdm_io_timer_of(record);
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&timer->lock, flags);
	idle = !timer->started && !timer->runner;
	spin_unlock_irqrestore(&timer->lock, flags);
	return idle;
}

static const char *wdm_io_timer_close(struct wdm_record *record)
{
	struct wdm_io_timer *timer = wdm_io_timer_of(record);
	const char *use = NULL;
	unsigned long flags;

	spin_lock_irqsave(&timer->lock, flags);
	if (timer->started)
		use = "is started";
	else if (timer->runner)
		use = "runs";
	else
		timer->down = true;
	spin_unlock_irqrestore(&timer->lock, flags);
	return use;
}

static void wdm_io_timer_drain(struct wdm_record *record)
{
	timer_shutdown_sync(&wdm_io_timer_of(record)->timer);
}

static const struct wdm_kind wdm_io_timer_kind = {
	.name = "IoTimer",
	.rule = "V-RLS-1",
	.stage = WDM_STAGE_ROUTINES,
	.rank = WDM_RANK_TIMERS,
	.goes_along = true,
	.idle = wdm_io_timer_idle,
	.mark = wdm_io_timer_mark,
	.close = wdm_io_timer_close,
	.drain = wdm_io_timer_drain,
};

/* Softirq: this processor does nothing else until the routine has returned. */
static void wdm_io_timer_expire(struct timer_list *list)
{
	struct wdm_io_timer *timer = from_timer(timer, list, timer);
	bool run;

	spin_lock_irq(&timer->lock);
	run = timer->started;
	timer->runner = run ? current : NULL;
	spin_unlock_irq(&timer->lock);
	if (!run)
		return;
	timer->routine(timer->device, timer->context);
	spin_lock_irq(&timer->lock);
	timer->runner = NULL;
	if (timer->started)
		mod_timer(&timer->timer, jiffies + HZ);
	spin_unlock_irq(&timer->lock);
}

static struct wdm_io_timer *wdm_io_timer_alloc(struct wdm_device *device,
					       wdm_io_timer_routine routine, void *context)
{
	struct wdm_io_timer *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return NULL;
	timer->device = device;
	timer->routine = routine;
	timer->context = context;
	spin_lock_init(&timer->lock);
	timer_setup(&timer->timer, wdm_io_timer_expire, 0);
	return timer;
}

/**
 * io_initialize_timer() - give a device its timer (IoInitializeTimer)
 * @device: the device
 * @routine: what is called once a second while the timer is started
 * @context: for @routine
 *
 * A timer_list that is armed every HZ. RLS-30, VER-10
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL; -ENOMEM; -EEXIST, and reported (V-GLB-9), if the device has
 * one; -ESHUTDOWN if it goes.
 */
int io_initialize_timer(struct wdm_device *device, wdm_io_timer_routine routine, void *context)
{
	struct wdm_io_timer *timer;
	int rc;

	if (!device || !routine)
		return -EINVAL;
	if (!wdm_passive(device->owner.driver, "io_initialize_timer"))
		return -EWOULDBLOCK;
	timer = wdm_io_timer_alloc(device, routine, context);
	if (!timer)
		return -ENOMEM;
	if (cmpxchg(&device->io_timer, NULL, timer)) {
		kfree(timer);
		wdm_violation("V-GLB-9", device->owner.driver,
			      "device '%s' has an IoTimer, and is given another",
			      device->record.name);
		return -EEXIST;
	}
	rc = wdm_record_add(&timer->record, &device->owner, &wdm_io_timer_kind, NULL, NULL);
	if (rc) {
		WRITE_ONCE(device->io_timer, NULL);
		kfree(timer);
	}
	return rc;
}
EXPORT_SYMBOL_GPL(io_initialize_timer);

static struct wdm_io_timer *wdm_io_timer_get(struct wdm_device *device)
{
	return device ? READ_ONCE(device->io_timer) : NULL;
}

/**
 * io_start_timer() - start the timer of a device (IoStartTimer)
 * @device: the device
 *
 * Its routine is called in a second, and then every second.
 *
 * Context: DISPATCH.
 * Return: 0, also if it is started; -EINVAL if there is none; -ESHUTDOWN if it
 * goes.
 */
int io_start_timer(struct wdm_device *device)
{
	struct wdm_io_timer *timer = wdm_io_timer_get(device);
	unsigned long flags;
	int rc = 0;

	if (!timer)
		return -EINVAL;
	spin_lock_irqsave(&timer->lock, flags);
	if (timer->down) {
		rc = -ESHUTDOWN;
	} else if (!timer->started) {
		timer->started = true;
		mod_timer(&timer->timer, jiffies + HZ);
	}
	spin_unlock_irqrestore(&timer->lock, flags);
	return rc;
}
EXPORT_SYMBOL_GPL(io_start_timer);

/**
 * io_stop_timer() - stop the timer of a device (IoStopTimer)
 * @device: the device
 *
 * timer_delete(): does not wait for the routine, which may be running. It can be
 * started again. RLS-30
 *
 * Context: DISPATCH.
 * Return: 0, also if it is not started; -EINVAL if there is none; -EDEADLK, and
 * reported (RLS-30), and it goes on, inside of its routine.
 */
int io_stop_timer(struct wdm_device *device)
{
	struct wdm_io_timer *timer = wdm_io_timer_get(device);
	unsigned long flags;
	bool inside;

	if (!timer)
		return -EINVAL;
	spin_lock_irqsave(&timer->lock, flags);
	/* In a softirq: it would have to return before this processor does anything else. */
	inside = in_serving_softirq() && timer->runner == current;
	if (!inside) {
		timer->started = false;
		timer_delete(&timer->timer);
	}
	spin_unlock_irqrestore(&timer->lock, flags);
	if (!inside)
		return 0;
	wdm_record_report("RLS-30", &timer->record, "is stopped by its routine");
	return -EDEADLK;
}
EXPORT_SYMBOL_GPL(io_stop_timer);

/* May the device be deleted? Then its timer is claimed; otherwise reported. L */
bool wdm_io_timer_claim(struct wdm_device *device)
{
	struct wdm_io_timer *timer = wdm_io_timer_get(device);
	const char *use;

	if (!timer || timer->record.state != WDM_RECORD_LIVE)
		return true;
	use = wdm_io_timer_close(&timer->record);
	if (use) {
		wdm_record_report(timer->record.kind->rule, &timer->record, use);
		return false;
	}
	timer->record.state = WDM_RECORD_CLAIMED;
	return true;
}

/* The device is being deleted. DISPATCH: its routine does not run any more. */
void wdm_io_timer_retire(struct wdm_device *device)
{
	struct wdm_io_timer *timer = wdm_io_timer_get(device);

	if (!timer || timer->record.state != WDM_RECORD_CLAIMED)
		return;
	wdm_io_timer_drain(&timer->record);
	wdm_record_end(&timer->record);
}

/* Nobody has the device any more. */
void wdm_io_timer_free(struct wdm_device *device)
{
	kfree(device->io_timer);
}
