/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts whose ends are counted, and what the log of the kernel says.
 *
 * A context of a suite is a struct tc. Each has a number of its own; its
 * clean-up counts that it was there, and leaves a mark in the line of testfilter.h:
 *
 *	V~	a volume context	I~	an instance context
 *	O~	any other		f	memory given back to its own routine
 */
#ifndef _FLTMGR_TESTCONTEXT_H
#define _FLTMGR_TESTCONTEXT_H

#include <linux/fs.h>
#include <linux/slab.h>
#include <trace/events/printk.h>

#include "testgate.h"

#include "../kmod/fltmgr/context.h"

#define TC_MAX	4096
#define TC_TAG	0x31306374	/* "tc01" */

struct tc {
	int nr;
};

static struct {
	atomic_t made;			/* and the number of the next one */
	atomic_t ended;			/* clean-ups */
	atomic_t ends[TC_MAX];		/* by number */
	atomic_t allocs, frees;		/* of the routines of our own */
	struct task_struct *task;	/* the last clean-up's */
	bool could_sleep;
	bool wrong_type;		/* of one that is in the registration below */
	void (*on_end)(struct tc *tc);
} tcs;

static inline void tc_cleanup(void *context, u16 type)
{
	struct tc *tc = context;

	WRITE_ONCE(tcs.task, current);
	WRITE_ONCE(tcs.could_sleep, preemptible() && !rcu_preempt_depth());
	if (flt_context_type(to_flt_context(context)) != type)
		WRITE_ONCE(tcs.wrong_type, true);
	tf_log(type == FLT_VOLUME_CONTEXT ? "V" : type == FLT_INSTANCE_CONTEXT ? "I" : "O", "~");
	if (tcs.on_end)
		tcs.on_end(tc);
	atomic_inc(&tcs.ends[tc->nr]);
	atomic_inc(&tcs.ended);
}

static inline void *tc_alloc_own(enum flt_pool_type pool, size_t size, u16 type)
{
	void *memory = kmalloc(size, GFP_KERNEL);

	if (memory) {
		memset(memory, 0xa5, size);
		atomic_inc(&tcs.allocs);
	}
	return memory;
}

static inline void tc_free_own(void *memory, u16 type)
{
	tf_log("f", "");
	atomic_inc(&tcs.frees);
	kfree(memory);
}

/* Definitions: of a size, with memory of our own, of what is no struct tc. */
#define TC_SIZED(__type, __size, ...) {				\
	.context_type = __type,					\
	.context_cleanup_callback = tc_cleanup,			\
	.size = __size,						\
	.pool_tag = TC_TAG,					\
	__VA_ARGS__						\
}

#define TC_DEF(__type)	TC_SIZED(__type, sizeof(struct tc))
#define TC_OWN(__type)	TC_SIZED(__type, 0,			\
	.context_allocate_callback = tc_alloc_own,		\
	.context_free_callback = tc_free_own)
#define TC_BARE(__type, __size, ...) {				\
	.context_type = __type,					\
	.size = __size,						\
	.pool_tag = TC_TAG,					\
	__VA_ARGS__						\
}

#define TC_END		{ .context_type = FLT_CONTEXT_END }
#define TC_ANY_SIZE	FLT_VARIABLE_SIZED_CONTEXTS

static const struct flt_context_registration tc_defs[] = {
	TC_DEF(FLT_STREAMHANDLE_CONTEXT),
	TC_DEF(FLT_INSTANCE_CONTEXT),
	TC_DEF(FLT_VOLUME_CONTEXT),
	TC_DEF(FLT_STREAM_CONTEXT),
	TC_DEF(FLT_FILE_CONTEXT),
	TC_END
};

/* Once for each case, before anything is made. */
static inline void tc_init(void)
{
	memset(&tcs, 0, sizeof(tcs));
}

/* A filter with contexts, to be registered. */
static inline void tc_filter_init(struct tf *tf, const char *name, const char *altitude)
{
	tf_init(tf, name, altitude);
	tf->reg.context_registration = tc_defs;
}

/* A new context with one reference, which is the caller's; NULL on failure. */
static inline struct tc *tc_try_new(struct tf *tf, u16 type)
{
	struct tc *tc = NULL;
	void *context;

	if (!flt_allocate_context(tf->filter, type, sizeof(*tc), FLT_NON_PAGED_POOL, &context)) {
		tc = context;
		tc->nr = atomic_inc_return(&tcs.made) - 1;
	}
	return tc;
}

static inline struct tc *tc_new(struct kunit *test, struct tf *tf, u16 type)
{
	struct tc *tc = tc_try_new(tf, type);

	KUNIT_ASSERT_NOT_NULL(test, tc);
	return tc;
}

static inline int tc_ends(const struct tc *tc)
{
	return atomic_read(&tcs.ends[tc->nr]);
}

/* At the end of a case, when the filters are gone: each was cleaned up once. */
static inline void tc_expect_all_ended(struct kunit *test)
{
	int nr;

	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), atomic_read(&tcs.made));
	for (nr = 0; nr < atomic_read(&tcs.made); nr++)
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&tcs.ends[nr]), 1, "%d", nr);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.frees), atomic_read(&tcs.allocs));
	KUNIT_EXPECT_FALSE(test, tcs.wrong_type);
}

/* References to a context, besides being linked. */
static inline long tc_refs(void *context)
{
	return atomic_long_read(&to_flt_context(context)->word) / FLT_CONTEXT_REF;
}

static inline bool tc_linked(void *context)
{
	return atomic_long_read(&to_flt_context(context)->word) & FLT_CONTEXT_LINKED;
}

static inline bool tc_was_linked(void *context)
{
	return atomic_long_read(&to_flt_context(context)->word) & FLT_CONTEXT_EVER;
}

/* the log of the kernel: were lines with these words in them printed since? */

static struct {
	const char *words, *others;
	bool said, said_others;
} heard;

static inline void heard_line(void *unused, const char *text, size_t len)
{
	const char *words = READ_ONCE(heard.words), *others = READ_ONCE(heard.others);

	if (words && strnstr(text, words, len))
		WRITE_ONCE(heard.said, true);
	if (others && strnstr(text, others, len))
		WRITE_ONCE(heard.said_others, true);
}

/* 0 if it works; then stop_listening() is owed. @others may be NULL. */
static inline int listen_for(const char *words, const char *others)
{
	heard.said = false;
	heard.said_others = false;
	WRITE_ONCE(heard.words, words);
	WRITE_ONCE(heard.others, others);
	return register_trace_console(heard_line, NULL);
}

static inline bool has_heard(void)
{
	return READ_ONCE(heard.said);
}

static inline void stop_listening(void)
{
	if (!heard.words)
		return;
	unregister_trace_console(heard_line, NULL);
	tracepoint_synchronize_unregister();
	heard.words = NULL;
	heard.others = NULL;
}

/* what the suites are about */

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b;
static struct gate gate;
static struct flt_instance *kept;	/* with a reference, if not NULL */

static inline int tc_test_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tc_init();
	tc_filter_init(&a, "A", "300");
	tc_filter_init(&b, "B", "200");
	gate_init(&gate);
	return 0;
}

static inline void tc_let_go(void)
{
	if (kept)
		flt_object_dereference(kept);
	kept = NULL;
}

static inline void tc_test_exit(struct kunit *test)
{
	tf_race_disarm();
	stop_listening();
	gate_open(&gate);
	tc_let_go();
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_destroy(sim);
	tc_expect_all_ended(test);
}

static inline int tc_set(struct flt_instance *inst, struct tc *tc)
{
	return flt_set_instance_context(inst, FLT_SET_CONTEXT_REPLACE_IF_EXISTS, tc, NULL);
}

static inline int tc_set_volume(struct tc *tc)
{
	return flt_set_volume_context(volume, FLT_SET_CONTEXT_REPLACE_IF_EXISTS, tc, NULL);
}

#define TC_SLOW_FILE	"/sys/module/fltmgr/parameters/slow_teardown_ms"

/* How soon a slow teardown is reported, in text: milliseconds. */
static inline int report_after_ms(const char *ms)
{
	struct file *file = filp_open(TC_SLOW_FILE, O_WRONLY, 0);
	ssize_t done;

	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_write(file, ms, strlen(ms), &(loff_t){ 0 });
	filp_close(file, NULL);
	return done < 0 ? done : 0;
}

#endif /* _FLTMGR_TESTCONTEXT_H */
