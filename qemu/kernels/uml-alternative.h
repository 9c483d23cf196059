/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <asm/alternative.h> of the uml kernel, and of the modules for it, before the
 * kernel's own. User-Mode Linux has one CPU, and a kernel for one CPU leaves out
 * the lock prefixes and full barriers whose cost bench/uml is about: here they
 * are again. <asm/barrier.h> reads this first and keeps an smp_mb() that is
 * there. Spin locks stay nothing; bench/uml says what that hides.
 */
#include_next <asm/alternative.h>

#undef LOCK_PREFIX
#define LOCK_PREFIX "lock; "

#if !defined(__ASSEMBLY__) && !defined(smp_mb)
static __always_inline void uml_smp_mb(void)
{
	asm volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc");
}

/* As x86 with several CPUs has it; it pairs with whatever it would there. */
#define smp_mb() uml_smp_mb()
#endif
