/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holding a callback of a test filter, and what is done meanwhile.
 *
 * A gate is passed by a callback: it tells that it was reached and waits until
 * it is opened. A helper is a thread that a case starts and that its suite's
 * exit takes care of, should the case end early.
 */
#ifndef _FLTMGR_TESTGATE_H
#define _FLTMGR_TESTGATE_H

#include <linux/sched/signal.h>
#include <linux/swait.h>

#include "testfilter.h"

struct gate {
	struct completion reached;
	struct completion open;
	atomic_t passes;		/* how many came */
};

static inline void gate_init(struct gate *gate)
{
	init_completion(&gate->reached);
	init_completion(&gate->open);
	atomic_set(&gate->passes, 0);
}

static inline void gate_open(struct gate *gate)
{
	complete_all(&gate->open);
}

/* In the callback. Everybody waits until the gate is open, then nobody does. */
static inline void gate_pass(struct gate *gate)
{
	atomic_inc(&gate->passes);
	complete_all(&gate->reached);
	wait_for_completion_timeout(&gate->open, 2 * TF_WAIT);
}

/* In the case: somebody is in the callback now. */
static inline void gate_wait(struct kunit *test, struct gate *gate)
{
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&gate->reached, TF_WAIT));
}

#define NR_HELPERS	4
static struct tf_thread helpers[NR_HELPERS];

static inline void helper_start(struct kunit *test, int n, void *(*fn)(void *arg), void *arg)
{
	tf_thread_start(test, &helpers[n], fn, arg);
}

static inline bool helper_done(int n)
{
	return tf_thread_done(&helpers[n]);
}

/* What its function returned: a status, as a pointer. */
static inline long helper_join(struct kunit *test, int n)
{
	void *result = tf_thread_join(test, &helpers[n]);

	helpers[n].task = NULL;
	return (long)result;
}

/* For the exit of a suite, after all gates were opened. */
static inline void helpers_stop(void)
{
	int n;

	for (n = 0; n < NR_HELPERS; n++) {
		if (IS_ERR_OR_NULL(helpers[n].task))
			continue;
		wait_for_completion_timeout(&helpers[n].done, TF_WAIT);
		kthread_stop(helpers[n].task);
		helpers[n].task = NULL;
	}
}

/* It sleeps in this very wait, so what it waits for has not come. */
static inline bool completion_waited_for(struct completion *done)
{
	return swait_active(&done->wait);
}

/* Likewise for a wait queue. */
static inline bool queue_waited_for(struct wait_queue_head *queue)
{
	/* Polled by tf_wait_until(): no order with anything is needed. */
	return waitqueue_active(queue);
}

/* 0, 1, or 2 for more: of a list that somebody empties, to be polled. */
static inline int left_on(const struct list_head *list)
{
	/* If it changes meanwhile, the next look will tell. */
	return data_race(list_empty(list) ? 0 : list_is_singular(list) ? 1 : 2);
}

/* References to a filter, a volume or an instance. */
static inline long references(const struct flt_object *obj)
{
	return atomic_long_read(&obj->rundown) / 2;
}

#endif /* _FLTMGR_TESTGATE_H */
