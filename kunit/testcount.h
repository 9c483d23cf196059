/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting what a call asks of the slabs and of the page allocator, sleeping or not,
 * and of the manager's per-CPU memory, in the calling thread:
 *
 *	NONE(what_is_tested, argument);			nothing is asked for
 *	NONE_IS(0, what_is_tested, argument);		... and 0 returned
 *
 * Not counted is what the kernel's debugging asks for to remember something, of
 * whoever comes by when its own store runs low.
 */
#ifndef _FLTMGR_TESTCOUNT_H
#define _FLTMGR_TESTCOUNT_H

#include <linux/stacktrace.h>

#include "testnth.h"

static struct kunit *the_test;
static unsigned int asked;
static bool pages_seen;

/* Who asked first; filled by the one thread that counts. */
static unsigned long who[32];
static unsigned int who_depth;

static bool is_debugging(unsigned long address)
{
	static const char * const names[] = {
		"debug_object", "__debug_object", "fill_pool", "stack_depot_save",
	};
	char name[KSYM_NAME_LEN];
	int i;

	snprintf(name, sizeof(name), "%ps", (void *)address);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strstarts(name, names[i]))
			return true;
	return false;
}

static void ask(void)
{
	unsigned int depth, i;

	if (current != READ_ONCE(fault.task) || nth_in_interrupt() || asked++)
		return;
	depth = stack_trace_save(who, ARRAY_SIZE(who), 0);
	for (i = 0; i < depth && !is_debugging(who[i]); i++)
		;
	if (i < depth)
		asked = 0;
	else
		who_depth = depth;
}

static int count_slab(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	ask();
	return 1;	/* leave the return alone */
}

static int count_pages(struct kprobe *p, struct pt_regs *regs)
{
	ask();
	return 0;
}

static bool count_percpu(const char *name)
{
	ask();
	return false;
}

static struct kprobe pages_probe = {
	.symbol_name = "should_fail_alloc_page",
	.pre_handler = count_pages,
};

static void count(void)
{
	asked = 0;
	WRITE_ONCE(fault.task, current);
}

static void counted(struct kunit *test, const char *name)
{
	WRITE_ONCE(fault.task, NULL);
	KUNIT_EXPECT_EQ_MSG(test, asked, 0, "%s", name);
	if (asked)
		stack_trace_print(who, who_depth, 4);
	pr_info("fail-nth: %s: %u\n", name, asked);
}

#define NONE(__fn, ...) do {			\
	count();				\
	__fn(__VA_ARGS__);			\
	counted(the_test, #__fn);		\
} while (0)

#define NONE_RC(__fn, ...) ({			\
	typeof(__fn(__VA_ARGS__)) __rc;		\
	count();				\
	__rc = __fn(__VA_ARGS__);		\
	counted(the_test, #__fn);		\
	__rc;					\
})

#define NONE_IS(__result, __fn, ...) do {					\
	long long __got = (long long)NONE_RC(__fn, __VA_ARGS__);		\
	KUNIT_EXPECT_EQ_MSG(the_test, __got, (long long)(__result), #__fn);	\
} while (0)

#endif /* _FLTMGR_TESTCOUNT_H */
