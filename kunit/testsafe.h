/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of deferred completion share: two filters, of which B, the
 * lower one, calls flt_do_completion_processing_when_safe(), and what its safe
 * routine is told to do. In the log: Bs, it begins; B-, it returns.
 */
#ifndef _FLTMGR_TESTSAFE_H
#define _FLTMGR_TESTSAFE_H

#include <linux/workqueue.h>

#include "testpair.h"

static struct gate gate;		/* in the safe routine */
static int safe_context;

/* What the post-operation does. */
static struct {
	bool twice, completes, finishes;
	atomic_t calls;
	bool result, second;		/* of the call, of the second one */
	int status;
} post;

/* What the safe routine does, and what it saw. */
static struct {
	int answer;			/* FINISHED_PROCESSING */
	int io_status;
	bool waits, completes, detaches;
	atomic_t runs;
	bool worker, could_sleep;
	struct task_struct *task;
	void *context;
	u32 flags, data_flags;
	int detached;
} safe;

static inline int safe_routine(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void *context, u32 flags)
{
	struct tf *tf = tf_of(objs->filter);

	atomic_inc(&safe.runs);
	safe.worker = current->flags & PF_WQ_WORKER;
	safe.could_sleep = preemptible() && !rcu_preempt_depth();
	safe.task = current;
	safe.context = context;
	safe.flags = flags;
	safe.data_flags = data->flags;
	tf_log(tf->name, "s");
	if (safe.io_status)
		data->io_status.status = safe.io_status;
	if (safe.waits)
		gate_pass(&gate);
	if (safe.detaches)
		safe.detached = flt_detach_volume(objs->filter, objs->volume, NULL);
	if (safe.completes)
		flt_complete_pended_postoperation(data);
	tf_log(tf->name, "-");
	return safe.answer;
}

static inline int when_safe(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, u32 flags, int status)
{
	int answer = -1, unused;

	post.result = flt_do_completion_processing_when_safe(data, objs, &safe_context, flags,
							     safe_routine, &answer);
	atomic_inc(&post.calls);
	post.status = answer;
	if (post.twice)
		post.second = flt_do_completion_processing_when_safe(data, objs, NULL, flags,
								     safe_routine, &unused);
	if (post.completes)
		flt_complete_pended_postoperation(data);
	return post.finishes ? FLT_POSTOP_FINISHED_PROCESSING : answer;
}

static inline int safe_init(struct kunit *test)
{
	pair_init(test);
	gate_init(&gate);
	memset(&post, 0, sizeof(post));
	memset(&safe, 0, sizeof(safe));
	b.on_post = when_safe;
	pair_register(test);
	return 0;
}

static inline void limit_items(int n)
{
	int kind, queue;

	for (kind = 0; kind < FLT_ITEM_KINDS; kind++)
		for (queue = 0; queue < 2; queue++)
			workqueue_set_max_active(flt_item_wqs[kind][queue], n);
}

static inline void safe_exit(struct kunit *test)
{
	tf_race_disarm();
	gate_open(&gate);
	limit_items(WQ_MAX_ACTIVE);
	helpers_stop();
	a.complete_in_start = true;
	/* What is on B's list is the worker's, or was completed by hand. */
	b.nr_pended = 0;
	if (flt_sim_op_done(op))
		a.nr_pended = 0;
	pair_exit(test);
}

static inline void next_op(struct kunit *test)
{
	flt_sim_op_free(op);
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	tf_log_clear();
}

static inline void hold_at_device(struct kunit *test)
{
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
}

static inline int post_state(void)
{
	return atomic_read(&op->operation.up->state) & FLT_NODE_STATE_MASK;
}

/*
 * Its post-operation is in a thread that may not sleep, but can be preempted:
 * a test that parks it at a point does not take a CPU from the others.
 */
static inline void *release_unsafely(void *arg)
{
	rcu_read_lock();
	flt_sim_release(op, FLT_SIM_PROCESS, 0);
	rcu_read_unlock();
	return NULL;
}

static inline void *detach_thread(void *arg)
{
	struct tf *tf = arg;

	return (void *)(long)flt_detach_volume(tf->filter, volume, NULL);
}

static inline void expect_posted(struct kunit *test)
{
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
	KUNIT_EXPECT_TRUE(test, post.result);
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_MORE_PROCESSING_REQUIRED);
	KUNIT_EXPECT_TRUE(test, safe.worker);
	KUNIT_EXPECT_TRUE(test, safe.could_sleep);
}

#endif /* _FLTMGR_TESTSAFE_H */
