// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts.
 *
 * The driver's routine is called under a lock of the interrupt's, as on Windows,
 * and not at all once disconnecting has begun: not even where the kernel calls a
 * shared handler once more to see what that does (RLS-22).
 */
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/slab.h>

#include "internal.h"

struct wdm_interrupt {
	struct wdm_record record;
	struct wdm_interrupt_parameters parameters;	/* I */
	spinlock_t lock;			/* the driver's routines; irq-safe */
	bool connected;
};

static struct wdm_interrupt *wdm_interrupt_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_interrupt, record);
}

static irqreturn_t wdm_interrupt_handler(int irq, void *data)
{
	struct wdm_interrupt *interrupt = data;
	const struct wdm_interrupt_parameters *p = &interrupt->parameters;
	unsigned long flags;
	bool handled;

	spin_lock_irqsave(&interrupt->lock, flags);
	handled = READ_ONCE(interrupt->connected) &&
		  p->service_routine(interrupt, p->service_context);
	spin_unlock_irqrestore(&interrupt->lock, flags);
	return IRQ_RETVAL(handled);
}

static bool wdm_interrupt_source(struct wdm_interrupt *interrupt)
{
	const struct wdm_interrupt_parameters *p = &interrupt->parameters;

	return p->source_enabled && p->source_enabled(p->service_context);
}

/* RLS-20: the device first */
static const char *wdm_interrupt_close(struct wdm_record *record)
{
	return wdm_interrupt_source(wdm_interrupt_of(record)) ? "has its source enabled" : NULL;
}

/* RLS-21, RLS-22 */
static void wdm_interrupt_drain(struct wdm_record *record)
{
	struct wdm_interrupt *interrupt = wdm_interrupt_of(record);

	if (wdm_interrupt_source(interrupt))
		wdm_record_report("V-RLS-5", record, "has its source enabled in the stage after");
	/* Who has not seen this is waited for. */
	WRITE_ONCE(interrupt->connected, false);
	free_irq(interrupt->parameters.irq, interrupt);
}

static void wdm_interrupt_release(struct wdm_record *record)
{
	kfree(wdm_interrupt_of(record));
}

static const struct wdm_kind wdm_interrupt_kind = {
	.name = "interrupt",
	.rule = "V-RLS-5",
	.stage = WDM_STAGE_INTERRUPTS,
	.close = wdm_interrupt_close,
	.drain = wdm_interrupt_drain,
	.release = wdm_interrupt_release,
};

static struct wdm_interrupt *wdm_interrupt_alloc(const struct wdm_interrupt_parameters *p)
{
	struct wdm_interrupt *interrupt = kzalloc(sizeof(*interrupt), GFP_KERNEL);

	if (!interrupt)
		return NULL;
	interrupt->parameters = *p;
	interrupt->connected = true;
	spin_lock_init(&interrupt->lock);
	return interrupt;
}

/**
 * io_connect_interrupt() - have interrupts served (IoConnectInterrupt)
 * @owner: for whom
 * @p: which interrupt, and by what
 * @interrupt: receives it, to be disconnected by io_disconnect_interrupt()
 *
 * request_irq(). The service routine may be called before this returns. RLS-20
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL; -ENOMEM; what request_irq() says; -EWOULDBLOCK, and reported
 * (LVL-02); -ESHUTDOWN if @owner goes.
 */
int io_connect_interrupt(struct wdm_owner *owner, const struct wdm_interrupt_parameters *p,
			 struct wdm_interrupt **interrupt)
{
	struct wdm_interrupt *made;
	int rc;

	if (!owner || !p || !p->service_routine || !p->name || !interrupt)
		return -EINVAL;
	if (!wdm_passive(owner->driver, "io_connect_interrupt"))
		return -EWOULDBLOCK;
	made = wdm_interrupt_alloc(p);
	if (!made)
		return -ENOMEM;
	rc = request_irq(p->irq, wdm_interrupt_handler, p->shared ? IRQF_SHARED : 0, p->name, made);
	if (rc)
		goto err_free;
	rc = wdm_record_add(&made->record, owner, &wdm_interrupt_kind, p->name, NULL);
	if (rc)
		goto err_irq;
	*interrupt = made;
	return 0;

err_irq:
	free_irq(p->irq, made);
err_free:
	kfree(made);
	return rc;
}
EXPORT_SYMBOL_GPL(io_connect_interrupt);

/**
 * io_disconnect_interrupt() - have interrupts served no more (IoDisconnectInterrupt)
 * @interrupt: the interrupt
 *
 * free_irq(): waits for the service routine. The device must not raise interrupts
 * any more: where the driver has said how to see that, it is looked at. Exactly
 * once: X-13. RLS-20, RLS-21, RLS-25
 *
 * Context: PASSIVE: not in the service routine.
 * Return: 0; -EBUSY, and reported (V-RLS-5), if the device may raise it still;
 * -EINVAL, and reported (V-GLB-9), if it is not connected any more; -EWOULDBLOCK,
 * and reported (LVL-02); -EALREADY if the unload does it.
 */
int io_disconnect_interrupt(struct wdm_interrupt *interrupt)
{
	if (!interrupt)
		return -EINVAL;
	if (!wdm_passive(NULL, "io_disconnect_interrupt"))
		return -EWOULDBLOCK;
	return wdm_release(&interrupt->record, &wdm_interrupt_kind);
}
EXPORT_SYMBOL_GPL(io_disconnect_interrupt);

/**
 * ke_synchronize_execution() - do something that the service routine does not see
 *	happen (KeSynchronizeExecution)
 * @interrupt: an interrupt that is connected
 * @routine: what is called, with interrupts off
 * @context: for @routine
 *
 * Context: DISPATCH.
 * Return: what @routine says.
 */
bool ke_synchronize_execution(struct wdm_interrupt *interrupt, bool (*routine)(void *context),
			      void *context)
{
	unsigned long flags;
	bool result;

	spin_lock_irqsave(&interrupt->lock, flags);
	result = routine(context);
	spin_unlock_irqrestore(&interrupt->lock, flags);
	return result;
}
EXPORT_SYMBOL_GPL(ke_synchronize_execution);

/**
 * wdm_interrupt_record() - an interrupt's record, for wdm_depends_on()
 * @interrupt: an interrupt that is connected
 *
 * Return: the record.
 */
struct wdm_record *wdm_interrupt_record(struct wdm_interrupt *interrupt)
{
	return &interrupt->record;
}
EXPORT_SYMBOL_GPL(wdm_interrupt_record);
