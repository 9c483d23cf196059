// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the VM runner must notice, on request:
 *
 *	insmod qemu_selftest.ko mode=warn
 *
 * See qemu/selftest for the verdict that each mode has to give.
 */
#include <linux/bug.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *mode = "none";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "none, warn, leak, uaf, atomic, panic, pin or hang");

static int __init qemu_selftest_init(void)
{
	char *p;
	int i;

	if (!strcmp(mode, "warn")) {
		WARN(1, "asked for\n");
	} else if (!strcmp(mode, "leak")) {
		/* The last pointer to each is overwritten by the next. */
		for (i = 0; i < 16; i++) {
			p = kmalloc(64, GFP_KERNEL);
			OPTIMIZER_HIDE_VAR(p);
		}
	} else if (!strcmp(mode, "uaf")) {
		p = kzalloc(64, GFP_KERNEL);
		kfree(p);
		OPTIMIZER_HIDE_VAR(p);
		if (p)
			WRITE_ONCE(p[8], 1);
	} else if (!strcmp(mode, "atomic")) {
		preempt_disable();
		might_sleep();
		preempt_enable();
	} else if (!strcmp(mode, "panic")) {
		panic("asked for\n");
	} else if (!strcmp(mode, "pin")) {
		__module_get(THIS_MODULE);
	} else if (!strcmp(mode, "hang")) {
		/* Uninterruptible, so that the watchdog's dump shows it. */
		for (;;) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			schedule();
		}
	}
	return 0;
}
module_init(qemu_selftest_init);

static void __exit qemu_selftest_exit(void)
{
}
module_exit(qemu_selftest_exit);

MODULE_DESCRIPTION("Faults that the VM runner has to notice");
MODULE_LICENSE("GPL");
