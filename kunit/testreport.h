/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the verifier says, word for word: its reports are taken from the kernel's
 * log as they are printed, and a case says which one it expects:
 *
 *	expect_report(test, .rule = "PND-07", .filter = "B", .op = true,
 *		      .words = "is not pended", .what = "sent", .cause = "flt_sim_start");
 *	expect_no_report(test);
 *
 * Either is about all that was reported since the last of the two.
 */
#ifndef _FLTMGR_TESTREPORT_H
#define _FLTMGR_TESTREPORT_H

#include "testpair.h"

#define SAID_MODULE	"fltmgr"
#define SAID_COUNT()	flt_violation_count()
#include "testsaid.h"

/* What to expect; what is not set is not to be there, but for @words and @effect. */
struct expected {
	const char *rule;
	const char *filter;		/* NULL: any */
	const char *inst;		/* NULL: none; and the volume is "vol" if there is one */
	bool op;			/* an operation's number */
	const char *words;		/* of what is said, NULL: any */
	const char *effect;		/* a function that is in the stack of the effect */
	const char *what;		/* the cause did; NULL: there is no cause */
	const char *cause;		/* a function that is in the stack of the cause */
	bool bare;			/* one line and no stacks */
};

static inline bool expected_head(const struct expected *want)
{
	char rule[16], filter[32], inst[32], volume[32], op[32];
	u64 id;

	if (sscanf(said.text,
		   "fltmgr: violation %15[^:]: filter %31s instance %31s volume %31s operation %31[^:]:",
		   rule, filter, inst, volume, op) != 5)
		return false;
	return !strcmp(rule, want->rule) && (!want->filter || !strcmp(filter, want->filter)) &&
	       !strcmp(inst, want->inst ?: "-") && !strcmp(volume, want->inst ? "vol" : "-") &&
	       (want->op ? !kstrtou64(op, 16, &id) : !strcmp(op, "-"));
}

static inline bool expected_stacks(const struct expected *want)
{
	return want->bare ? said_bare() : said_stacks(want->effect, want->what, want->cause);
}

static inline bool expected_words(const struct expected *want)
{
	const char *line = strstr(said.text, " operation ");

	return !want->words ||
	       (line && strnstr(line, want->words, strchrnul(line, '\n') - line));
}

/* It is counted first, and then printed, line by line and perhaps by another thread. */
static inline void await_this(const struct expected *want)
{
	unsigned long end = jiffies + TF_WAIT / 4;

	while (!(said.printed && expected_head(want) && expected_stacks(want)) &&
	       time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
}

/* Exactly one report, and this one. */
static inline void expect_this(struct kunit *test, int line, const struct expected *want)
{
	KUNIT_EXPECT_EQ_MSG(test, flt_violation_count() - said.before, 1, "line %d", line);
	await_this(want);
	KUNIT_EXPECT_TRUE_MSG(test, said.printed && expected_head(want),
			      "line %d: not %s of %s: %s", line, want->rule, want->filter,
			      said.text);
	KUNIT_EXPECT_TRUE_MSG(test, expected_words(want), "line %d: not \"%s\": %s", line,
			      want->words, said.text);
	KUNIT_EXPECT_TRUE_MSG(test, expected_stacks(want), "line %d: stacks: %s", line, said.text);
	reports_forget();
}

#define expect_report(test, ...) \
	expect_this(test, __LINE__, &(struct expected){ __VA_ARGS__ })

static inline void expect_silence(struct kunit *test, int line)
{
	KUNIT_EXPECT_EQ_MSG(test, flt_violation_count() - said.before, 0, "line %d: %s", line,
			    said.text);
	reports_forget();
}

#define expect_no_report(test)	expect_silence(test, __LINE__)

/* For suites: all filters are verified, and what is late is late soon. */
static inline int verify_suite_init(struct kunit_suite *suite)
{
	raw_spin_lock_init(&said.lock);
	return set_parameter("verifier_grace_ms", "20") ?: flt_verifier_set("1") ?:
	       register_trace_console(said_line, NULL);
}

static inline void verify_suite_exit(struct kunit_suite *suite)
{
	unregister_trace_console(said_line, NULL);
	tracepoint_synchronize_unregister();
	flt_verifier_set("0");
	set_parameter("verifier_grace_ms", "10000");
}

/* A above B on a volume, B the culprit as a rule. For cases that register by themselves. */
static inline int verify_init_bare(struct kunit *test)
{
	pair_init(test);
	tf_log_clear();
	reports_forget();
	return 0;
}

static inline int verify_init(struct kunit *test)
{
	verify_init_bare(test);
	pair_register(test);
	return 0;
}

/* Whatever ends well is no violation: the end of a case is looked at, too. */
static inline void verify_exit(struct kunit *test)
{
	tf_race_disarm();
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	a.complete_in_start = true;
	b.complete_in_start = true;
	if (!op || flt_sim_op_done(op)) {
		a.nr_pended = 0;
		b.nr_pended = 0;
	}
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	if (op)
		flt_sim_op_free(op);
	flt_sim_destroy(sim);
	expect_no_report(test);
}

static inline void next_op_of(struct kunit *test, enum flt_class class)
{
	flt_sim_op_free(op);
	op = flt_sim_op_alloc(sim, class, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
}

static inline void next_op(struct kunit *test)
{
	next_op_of(test, FLT_CLASS_READ);
}

static inline void expect_ended(struct kunit *test, int status)
{
	tf_expect_ended(test, op, status);
}

/* The operation from start to end, which is @status. */
static inline void run_op(struct kunit *test, int status)
{
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	expect_ended(test, status);
}

/* The same once more, now that it is right: another operation, and no report. */
static inline void expect_twin(struct kunit *test)
{
	next_op(test);
	run_op(test, 0);
	expect_no_report(test);
}

static inline void hold_at_device(struct kunit *test)
{
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
}

/* ... and let it go on. */
static inline void release_from_device(struct kunit *test)
{
	flt_sim_set_hold(sim, false);
	flt_sim_release(op, FLT_SIM_PROCESS, 0);
	expect_ended(test, 0);
}

static inline int detach(struct tf *tf)
{
	return flt_detach_volume(tf->filter, volume, NULL);
}

static inline void *detach_thread(void *arg)
{
	return (void *)(long)detach(arg);
}

#endif /* _FLTMGR_TESTREPORT_H */
