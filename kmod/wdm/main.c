// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module, and how misuse is reported.
 */
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/notifier.h>

#include "internal.h"

DEFINE_SPINLOCK(wdm_ledger_lock);
LIST_HEAD(wdm_drivers);

static atomic_t wdm_violations;
static DEFINE_SPINLOCK(wdm_last_lock);
static char wdm_last[512];

/*
 * One line for each thing that a driver must not do. Whoever calls it refuses
 * what was asked. Any context.
 */
void wdm_violation(const char *rule, const struct wdm_driver *driver, const char *fmt, ...)
{
	unsigned long flags;
	va_list args;
	int text;

	spin_lock_irqsave(&wdm_last_lock, flags);
	text = scnprintf(wdm_last, sizeof(wdm_last), "%s: ", rule);
	va_start(args, fmt);
	vscnprintf(wdm_last + text, sizeof(wdm_last) - text, fmt, args);
	va_end(args);
	atomic_inc(&wdm_violations);
	pr_err("violation %s: driver %s: %s\n", rule, driver ? driver->name : "-",
	       wdm_last + text);
	spin_unlock_irqrestore(&wdm_last_lock, flags);
}

unsigned int wdm_violation_count(void)
{
	return atomic_read(&wdm_violations);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_violation_count);

/* The last one, as "RULE: text". Nobody else must be at it. */
const char *wdm_violation_last(void)
{
	return wdm_last;
}
EXPORT_SYMBOL_IF_KUNIT(wdm_violation_last);

/* False, and reported, if a routine that may sleep is called where it must not. LVL-02 */
bool wdm_passive(const struct wdm_driver *driver, const char *routine)
{
	if (wdm_may_sleep())
		return true;
	wdm_violation("LVL-02", driver, "%s called where sleeping is not allowed", routine);
	return false;
}

/* Its exit is over, its text is still there. RLS-02, RLS-03 */
static int wdm_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == MODULE_STATE_GOING)
		wdm_forget_module(data);
	return NOTIFY_DONE;
}

static struct notifier_block wdm_module_notifier = {
	.notifier_call = wdm_module_event,
};

static int __init wdm_init(void)
{
	int rc = wdm_dpc_init();

	if (rc)
		return rc;
	rc = wdm_work_init();
	if (!rc)
		rc = register_module_notifier(&wdm_module_notifier);
	if (rc) {
		wdm_work_exit();
		wdm_dpc_exit();
		return rc;
	}
	wdm_pool_init();
	return 0;
}

static void __exit wdm_exit(void)
{
	unregister_module_notifier(&wdm_module_notifier);
	wdm_work_exit();
	wdm_dpc_exit();
	wdm_critical_exit();
	wdm_pool_exit();
}

module_init(wdm_init);
module_exit(wdm_exit);

MODULE_DESCRIPTION("Resources of drivers and their staged release");
MODULE_LICENSE("GPL");
