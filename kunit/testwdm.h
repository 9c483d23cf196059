/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of wdm share: a driver and a device for each case, a log of
 * what happened, gates to hold a routine at, threads, and "this was reported".
 *
 * The log is a line of words: tw_log("x") appends one, tw_expect_log(test, "x y").
 */
#ifndef _WDM_TESTWDM_H
#define _WDM_TESTWDM_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ioport.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "../kmod/wdm/internal.h"

#define TW_WAIT		(20 * HZ)	/* a test that gets there has failed */

static struct wdm_driver *drv;
static struct wdm_device *dev;
static unsigned int tw_reported;	/* violations that are accounted for */

static char tw_log_text[512];
static DEFINE_SPINLOCK(tw_log_lock);

static inline void tw_log(const char *what)
{
	unsigned long flags;

	spin_lock_irqsave(&tw_log_lock, flags);
	if (tw_log_text[0])
		strlcat(tw_log_text, " ", sizeof(tw_log_text));
	strlcat(tw_log_text, what, sizeof(tw_log_text));
	spin_unlock_irqrestore(&tw_log_lock, flags);
}

#define tw_expect_log(test, text) KUNIT_EXPECT_STREQ(test, tw_log_text, text)

/* One violation since the last look, of that rule, and its text contains that. */
static inline void tw_expect_violation(struct kunit *test, const char *rule, const char *part)
{
	const char *last = wdm_violation_last();

	KUNIT_EXPECT_EQ(test, wdm_violation_count(), tw_reported + 1);
	KUNIT_EXPECT_TRUE_MSG(test, strstarts(last, rule) && last[strlen(rule)] == ':',
			      "%s not in: %s", rule, last);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(last, part), "%s not in: %s", part, last);
	tw_reported = wdm_violation_count();
}

/* So many since the last look. */
static inline void tw_expect_violations(struct kunit *test, unsigned int n)
{
	KUNIT_EXPECT_EQ(test, wdm_violation_count(), tw_reported + n);
	tw_reported = wdm_violation_count();
}

/* None since the last look. */
#define tw_expect_silence(test)								\
	KUNIT_EXPECT_EQ_MSG(test, wdm_violation_count(), tw_reported, "said: %s",	\
			    wdm_violation_last())

/* Wait until a condition holds; fails the test after TW_WAIT. */
#define tw_wait_until(test, condition) do {						\
	unsigned long __end = jiffies + TW_WAIT;					\
	bool __holds;									\
	while (!(__holds = (condition)) && time_before(jiffies, __end))			\
		schedule_timeout_uninterruptible(1);					\
	KUNIT_ASSERT_TRUE_MSG(test, __holds, "never came true: " #condition);		\
} while (0)

/* A gate tells that it was reached, and waits until it is opened. */
struct tw_gate {
	struct completion reached;
	struct completion open;
	bool spin;			/* passed where sleeping is not allowed */
};

static inline void tw_gate_init(struct tw_gate *gate, bool spin)
{
	init_completion(&gate->reached);
	init_completion(&gate->open);
	gate->spin = spin;
}

static inline void tw_gate_pass(struct tw_gate *gate)
{
	complete_all(&gate->reached);
	if (!gate->spin) {
		wait_for_completion_timeout(&gate->open, 2 * TW_WAIT);
		return;
	}
	while (!completion_done(&gate->open))
		cpu_relax();
}

static inline void tw_gate_open(struct tw_gate *gate)
{
	complete_all(&gate->open);
}

#define tw_gate_wait(test, gate)							\
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&(gate)->reached, TW_WAIT))

/* A thread that calls one function. */
struct tw_thread {
	struct task_struct *task;
	int (*fn)(void *arg);
	void *arg;
	int result;
	struct completion go;
	struct completion done;
};

static struct tw_thread tw_threads[2];

static inline int tw_thread_main(void *data)
{
	struct tw_thread *thread = data;

	allow_signal(SIGUSR1);
	wait_for_completion(&thread->go);
	thread->result = thread->fn(thread->arg);
	complete_all(&thread->done);
	/* Stay until it is waited for, so that kthread_stop() is always right. */
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

/*
 * It waits for tw_thread_go(): a test that holds a softirq, or an interrupt, on
 * another processor starts its threads before, and has them on the first.
 */
static inline void tw_thread_prepare(struct kunit *test, int n, int (*fn)(void *arg), void *arg)
{
	struct tw_thread *thread = &tw_threads[n];

	thread->fn = fn;
	thread->arg = arg;
	init_completion(&thread->go);
	init_completion(&thread->done);
	thread->task = kthread_create(tw_thread_main, thread, "tw");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread->task);
	kthread_bind(thread->task, 0);
	wake_up_process(thread->task);
}

static inline void tw_thread_go(int n)
{
	complete_all(&tw_threads[n].go);
}

static inline void tw_thread_start(struct kunit *test, int n, int (*fn)(void *arg), void *arg)
{
	tw_thread_prepare(test, n, fn, arg);
	tw_thread_go(n);
}

static inline bool tw_thread_done(int n)
{
	return completion_done(&tw_threads[n].done);
}

static inline int tw_thread_join(struct kunit *test, int n)
{
	struct tw_thread *thread = &tw_threads[n];

	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&thread->done, TW_WAIT));
	kthread_stop(thread->task);
	thread->task = NULL;
	return thread->result;
}

/* It sleeps: what it waits for has not come. */
static inline bool tw_thread_sleeps(int n)
{
	return READ_ONCE(tw_threads[n].task->__state) != TASK_RUNNING;
}

/* An unload or a removal waits for something. */
static inline bool tw_driver_waits(struct wdm_driver *driver)
{
	/* Polled by tw_wait_until(): no order with anything is needed. */
	return waitqueue_active(&driver->wait);
}

static inline int tw_unload(void *arg)
{
	return wdm_unload(arg);
}

static inline int tw_remove(void *arg)
{
	return wdm_remove_device(arg);
}

/* What the machine's bus passes on, of a size. Nobody changes that now. */
static inline struct resource *tw_window(struct resource *all, resource_size_t size)
{
	struct resource *r;

	for (r = all->child; r; r = r->sibling)
		if (strstarts(r->name, "PCI Bus") && resource_size(r) >= size)
			return r;
	return NULL;
}

static inline int tw_init(struct kunit *test)
{
	int rc;

	tw_log_text[0] = 0;
	memset(tw_threads, 0, sizeof(tw_threads));
	drv = wdm_create_driver(THIS_MODULE, "drv");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, drv);
	rc = io_create_device(drv, 4096, "dev", &dev);
	KUNIT_ASSERT_EQ(test, rc, 0);
	tw_reported = wdm_violation_count();
	return 0;
}

/* For the exit of a suite, after all gates were opened. */
static inline void tw_exit(struct kunit *test)
{
	int n;

	for (n = 0; n < ARRAY_SIZE(tw_threads); n++) {
		if (IS_ERR_OR_NULL(tw_threads[n].task))
			continue;
		tw_thread_go(n);
		wait_for_completion_timeout(&tw_threads[n].done, TW_WAIT);
		kthread_stop(tw_threads[n].task);
	}
	if (drv)
		wdm_unload(drv);
	drv = NULL;
	tw_expect_silence(test);
}

/* In the case itself: nothing that is left is accounted for by the exit. */
static inline void tw_unload_now(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, wdm_unload(drv), 0);
	drv = NULL;
}

#endif /* _WDM_TESTWDM_H */
