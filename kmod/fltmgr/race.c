// SPDX-License-Identifier: GPL-2.0-only
/*
 * Race points: named places in the protocol at which a test can hold a thread.
 * Built with CONFIG_KUNIT only; elsewhere flt_race_point() is nothing.
 *
 * A hook is called in the context of the point, which may be atomic: a test
 * that parks there spins, and one that parks in a sleepable point may wait.
 */
#include <linux/export.h>
#include <linux/kconfig.h>
#include <linux/srcu.h>

#include "internal.h"

#if IS_ENABLED(CONFIG_KUNIT)

static flt_race_hook_t flt_race_hook;
DEFINE_STATIC_SRCU(flt_race_srcu);

/* The test's, called at every point. NULL for none: returns when none runs. */
void flt_race_set_hook(flt_race_hook_t hook)
{
	WRITE_ONCE(flt_race_hook, hook);
	if (!hook)
		synchronize_srcu(&flt_race_srcu);
}
EXPORT_SYMBOL_GPL(flt_race_set_hook);

void flt_race_point(const char *name, const void *subject)
{
	int idx = srcu_read_lock(&flt_race_srcu);
	flt_race_hook_t hook = READ_ONCE(flt_race_hook);

	if (unlikely(hook))
		hook(name, subject);
	srcu_read_unlock(&flt_race_srcu, idx);
}

/*
 * Allocations that the kernel's fault injection does not reach (per-CPU memory)
 * ask here whether they are to fail. Never in the way of an operation.
 */
static flt_fault_hook_t flt_fault_hook;

void flt_fault_set_hook(flt_fault_hook_t hook)
{
	WRITE_ONCE(flt_fault_hook, hook);
	if (!hook)
		synchronize_srcu(&flt_race_srcu);
}
EXPORT_SYMBOL_GPL(flt_fault_set_hook);

bool flt_fault_point(const char *name)
{
	int idx = srcu_read_lock(&flt_race_srcu);
	flt_fault_hook_t hook = READ_ONCE(flt_fault_hook);
	bool fail = hook && hook(name);

	srcu_read_unlock(&flt_race_srcu, idx);
	return fail;
}

#endif
