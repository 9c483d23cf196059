// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/stackdepot.h>

#include "names.h"
#include "notify.h"

DEFINE_SPINLOCK(wdm_ledger_lock);
LIST_HEAD(wdm_drivers);

unsigned int wdm_slow_ms = 60 * MSEC_PER_SEC;
module_param_named(slow_unload_ms, wdm_slow_ms, uint, 0644);
MODULE_PARM_DESC(slow_unload_ms,
		 "After so many ms, and again each time, say what a release waits for (default 60000)");

/*
 * Its exit is over, its text is still there (RLS-02, RLS-03); or it is about to be
 * initialised (GLB-59).
 */
static int wdm_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == MODULE_STATE_GOING)
		wdm_forget_module(data);
	else if (event == MODULE_STATE_COMING)
		wdm_hook_module(data);
	return NOTIFY_DONE;
}

static struct notifier_block wdm_module_notifier = {
	.notifier_call = wdm_module_event,
};

static int __init wdm_init(void)
{
	int rc = stack_depot_init();

	if (rc)
		return rc;
	rc = wdm_dpc_init();
	if (rc)
		return rc;
	rc = wdm_work_init();
	if (!rc)
		rc = wdm_names_init();
	if (!rc)
		rc = wdm_notify_init();
	if (!rc)
		rc = register_module_notifier(&wdm_module_notifier);
	if (rc) {
		wdm_notify_exit();
		wdm_names_exit();
		wdm_work_exit();
		wdm_dpc_exit();
		return rc;
	}
	wdm_debugfs_init();
	return 0;
}

static void __exit wdm_exit(void)
{
	wdm_debugfs_exit();
	unregister_module_notifier(&wdm_module_notifier);
	wdm_notify_exit();
	wdm_names_exit();
	wdm_work_exit();
	wdm_dpc_exit();
	wdm_critical_exit();
	wdm_pool_exit();
}

module_init(wdm_init);
module_exit(wdm_exit);

MODULE_DESCRIPTION("Resources of drivers and their staged release");
MODULE_LICENSE("GPL");
