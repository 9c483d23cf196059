/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Let one allocation of this task fail, the nth from now on:
 *
 *	for (n = 1; ; n++) {
 *		fault_arm(n);
 *		rc = what_is_tested();
 *		if (!fault_disarm())
 *			break;			there was no nth allocation
 *		...
 *	}
 *
 * As the fail-nth of a task, but the switch that makes that work for GFP_KERNEL
 * is in debugfs: here the question "should it fail?" is answered by a probe.
 */
#ifndef _FLTMGR_TESTFAULT_H
#define _FLTMGR_TESTFAULT_H

#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

/* More than any tested function allocates. */
#define FAULT_MAX	200

static struct {
	struct task_struct *task;
	unsigned int left;
	bool fired;
} fault;

static inline int fault_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	gfp_t gfp = (__force gfp_t)regs_get_kernel_argument(regs, 1);

	/* Those that may sleep: none of an interrupt. Not 0: leave the return alone. */
	if (current != READ_ONCE(fault.task) || !(gfp & __GFP_DIRECT_RECLAIM) ||
	    gfp & __GFP_NOFAIL)
		return 1;
	return --fault.left != 0;
}

static inline int fault_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	fault.fired = true;
	regs_set_return_value(regs, -ENOMEM);
	return 0;
}

static struct kretprobe fault_probe = {
	.kp.symbol_name = "should_failslab",
	.entry_handler = fault_entry,
	.handler = fault_return,
};

/* Once, before the first fault_arm(); 0 if allocations can be made to fail. */
static inline int fault_init(void)
{
	/* A probe that was registered before has an address and cannot have a name. */
	fault_probe.kp.addr = NULL;
	fault_probe.kp.flags = 0;
	return register_kretprobe(&fault_probe);
}

static inline void fault_exit(void)
{
	WRITE_ONCE(fault.task, NULL);
	unregister_kretprobe(&fault_probe);
}

static inline void fault_arm(unsigned int n)
{
	fault.left = n;
	fault.fired = false;
	WRITE_ONCE(fault.task, current);
}

/* True if the allocation was reached, and failed. */
static inline bool fault_disarm(void)
{
	WRITE_ONCE(fault.task, NULL);
	return fault.fired;
}

#endif /* _FLTMGR_TESTFAULT_H */
