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

#include <linux/fs.h>
#include <trace/events/printk.h>

#include "testpair.h"

#define REPORT_SIZE	8192

static struct {
	raw_spinlock_t lock;
	unsigned int before;		/* reports by the manager's count */
	unsigned int printed;
	char text[REPORT_SIZE];		/* of the first one */
} said;

/* A line of the log. The first report is kept, as much of it as there is room for. */
static inline void said_line(void *unused, const char *text, size_t len)
{
	static const char head[] = "fltmgr: violation ", stack[] = "fltmgr:   ";
	bool first = len >= sizeof(head) - 1 && !strncmp(text, head, sizeof(head) - 1);
	unsigned long flags;
	size_t used;

	if (!first && (len < sizeof(stack) - 1 || strncmp(text, stack, sizeof(stack) - 1)))
		return;
	raw_spin_lock_irqsave(&said.lock, flags);
	said.printed += first;
	if (said.printed == 1) {
		used = strlen(said.text);
		len = min(len, sizeof(said.text) - used - 2);
		memcpy(said.text + used, text, len);
		if (said.text[used + len - 1] != '\n')
			said.text[used + len] = '\n';
	}
	raw_spin_unlock_irqrestore(&said.lock, flags);
}

static inline void reports_forget(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&said.lock, flags);
	said.before = flt_violation_count();
	said.printed = 0;
	/* All of it: what is being printed is read at the same time. */
	memset(said.text, 0, sizeof(said.text));
	raw_spin_unlock_irqrestore(&said.lock, flags);
}

/* Something was, and is printed, or is about to be. */
static inline bool was_reported(void)
{
	return flt_violation_count() != said.before;
}

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

/* A section of the report, up to the next: at least one frame, and @function's. */
static inline bool expected_section(const char *section, const char *end, const char *function)
{
	size_t len = end ? end - section : strlen(section);
	char name[64];

	if (!strnstr(section, "\nfltmgr:     ", len))
		return false;
	snprintf(name, sizeof(name), "    %s+0x", function);
	return !function || strnstr(section, name, len);
}

static inline bool expected_stacks(const struct expected *want)
{
	const char *effect = strstr(said.text, "\nfltmgr:   effect, pid ");
	const char *cause = strstr(said.text, "\nfltmgr:   cause, ");
	char words[64];

	if (want->bare)
		return !effect && !cause;
	if (!effect || !!cause != !!want->what || !expected_section(effect, cause, want->effect))
		return false;
	if (!want->what)
		return true;
	snprintf(words, sizeof(words), "\nfltmgr:   cause, %s by pid ", want->what);
	return strstarts(cause, words) && strnstr(cause, " ms before:\n", 80) &&
	       expected_section(cause, NULL, want->cause);
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

/* A parameter of the manager's, as a user sets it. 0 or an errno. */
static inline int set_parameter(const char *name, const char *value)
{
	char path[80];
	struct file *file;
	ssize_t done;

	snprintf(path, sizeof(path), "/sys/module/fltmgr/parameters/%s", name);
	file = filp_open(path, O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_write(file, value, strlen(value), &(loff_t){ 0 });
	filp_close(file, NULL);
	return done < 0 ? done : 0;
}

/* As it is read, with its end of line. */
static inline int get_parameter(const char *name, char *value, size_t size)
{
	char path[80];
	struct file *file;
	ssize_t done;

	snprintf(path, sizeof(path), "/sys/module/fltmgr/parameters/%s", name);
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_read(file, value, size - 1, &(loff_t){ 0 });
	filp_close(file, NULL);
	value[max(done, 0)] = 0;
	return done < 0 ? done : 0;
}

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
