// SPDX-License-Identifier: GPL-2.0-only
/*
 * simdev: the hardware. While it is on, an hrtimer expires `hz` times a second in a
 * hard interrupt; each time it writes the next number to the place behind in its
 * ring, as DMA would, and raises its line. It does so whether there is something to
 * tell or not: with hz=20000 it is an interrupt storm.
 */
#include <linux/irq.h>
#include <linux/irqdesc.h>

#include "simdev.h"

#define SIMDEV_HZ_MAX	100000

static ktime_t simdev_hw_period(void)
{
	return ns_to_ktime(NSEC_PER_SEC / clamp(READ_ONCE(simdev_hz), 1u, SIMDEV_HZ_MAX));
}

static enum hrtimer_restart simdev_hw_expire(struct hrtimer *timer)
{
	struct simdev_hw *hw = container_of(timer, struct simdev_hw, timer);
	unsigned long flags;
	bool on;

	spin_lock_irqsave(&hw->lock, flags);
	on = hw->on;
	if (on) {
		hw->sequence++;
		WRITE_ONCE(hw->ring[hw->sequence % SIMDEV_RING], hw->sequence);
	}
	spin_unlock_irqrestore(&hw->lock, flags);
	if (!on)
		return HRTIMER_NORESTART;
	generic_handle_irq(hw->line);
	hrtimer_forward_now(timer, simdev_hw_period());
	return HRTIMER_RESTART;
}

/* PASSIVE */
void simdev_hw_on(struct simdev_hw *hw, u64 *ring)
{
	spin_lock_irq(&hw->lock);
	hw->ring = ring;
	hw->on = true;
	spin_unlock_irq(&hw->lock);
	hrtimer_start(&hw->timer, simdev_hw_period(), HRTIMER_MODE_REL_HARD);
}

/* It does nothing any more when this returns. PASSIVE; RLS-33 */
void simdev_hw_off(struct simdev_hw *hw)
{
	spin_lock_irq(&hw->lock);
	hw->on = false;
	spin_unlock_irq(&hw->lock);
	hrtimer_cancel(&hw->timer);
}

/* ATOMIC */
bool simdev_hw_is_on(void *context)
{
	struct simdev *sd = context;

	return READ_ONCE(sd->hw->on);
}

int simdev_hw_create(struct simdev_hw *hw)
{
	/* Without an owner: a line of this module's would keep it as long as it is connected. */
	hw->line = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL);
	if (hw->line < 0)
		return hw->line;
	irq_set_chip_and_handler(hw->line, &dummy_irq_chip, handle_simple_irq);
	irq_clear_status_flags(hw->line, IRQ_NOREQUEST);
	spin_lock_init(&hw->lock);
	hrtimer_init(&hw->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hw->timer.function = simdev_hw_expire;
	return 0;
}

void simdev_hw_destroy(struct simdev_hw *hw)
{
	irq_free_desc(hw->line);
}
