/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of deferred work items share: a filter that defers in its
 * pre- or post-operation, and routines that complete the operation. In the log:
 * Bw, a routine.
 */
#ifndef _FLTMGR_TESTDEFER_H
#define _FLTMGR_TESTDEFER_H

#include <linux/workqueue.h>

#include "testpair.h"

static struct gate gate;		/* in a routine */
static struct gate in_pre;
static struct completion routine_done;

static struct {
	/* what to do */
	enum flt_work_queue_type queue;
	flt_deferred_io_workitem_routine routine;
	bool keep_item;			/* the routine does not free it */
	bool wait_in_callback;		/* until the routine is done */
	/* what happened */
	struct flt_deferred_io_workitem *item;
	int rc;				/* of queueing */
	int state;			/* of operation or node when the callback has waited */
	int detached;			/* result of a detach from the routine */
} defer;

/* The last routine that ran. */
static struct {
	atomic_t runs;
	bool worker, could_sleep;
	int nice;
	void *item, *arg, *context;
} ran;

static inline void note_run(void *item, void *arg, void *context)
{
	ran.worker = current->flags & PF_WQ_WORKER;
	ran.could_sleep = preemptible() && !rcu_preempt_depth();
	ran.nice = task_nice(current);
	ran.item = item;
	ran.arg = arg;
	ran.context = context;
	atomic_inc(&ran.runs);
}

static inline void free_item(struct flt_deferred_io_workitem *item)
{
	if (!defer.keep_item)
		flt_free_deferred_io_work_item(item);
}

static inline void finish_it(struct flt_callback_data *data)
{
	if (data->flags & FLTFL_CALLBACK_DATA_POST_OPERATION)
		flt_complete_pended_postoperation(data);
	else
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_WITH_CALLBACK, &b);
}

/* What a routine does as a rule. */
static inline void complete_it(struct flt_deferred_io_workitem *item,
			       struct flt_callback_data *data, void *context)
{
	note_run(item, data, context);
	tf_log("B", "w");
	finish_it(data);
	free_item(item);
	complete_all(&routine_done);
}

/* Completes the operation and stays. */
static inline void complete_and_stay(struct flt_deferred_io_workitem *item,
				     struct flt_callback_data *data, void *context)
{
	note_run(item, data, context);
	finish_it(data);
	gate_pass(&gate);
	free_item(item);
}

/* Stays, and then completes it. */
static inline void stay_and_complete(struct flt_deferred_io_workitem *item,
				     struct flt_callback_data *data, void *context)
{
	note_run(item, data, context);
	gate_pass(&gate);
	free_item(item);
	finish_it(data);
}

/* 0: it was queued, and the callback is to pend. */
static inline int defer_it(struct flt_callback_data *data)
{
	struct flt_deferred_io_workitem *item = flt_allocate_deferred_io_work_item();

	defer.item = item;
	defer.rc = flt_queue_deferred_io_work_item(item, data, defer.routine, defer.queue, &b);
	if (defer.rc)
		flt_free_deferred_io_work_item(item);
	return defer.rc;
}

static inline int defer_pre(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, int status)
{
	if (defer_it(data))
		return status;
	if (defer.wait_in_callback) {
		wait_for_completion_timeout(&routine_done, TF_WAIT);
		defer.state = flt_word_state(atomic_long_read(&data->operation->word));
	}
	return FLT_PREOP_PENDING;
}

static inline int defer_post(struct tf *tf, struct flt_callback_data *data,
			     const struct flt_related_objects *objs, u32 flags, int status)
{
	if (defer_it(data))
		return status;
	if (defer.wait_in_callback) {
		wait_for_completion_timeout(&routine_done, TF_WAIT);
		defer.state = atomic_read(&data->operation->up->state) & FLT_NODE_STATE_MASK;
	}
	return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

static inline int work_init(struct kunit *test)
{
	pair_init(test);
	gate_init(&gate);
	gate_init(&in_pre);
	init_completion(&routine_done);
	memset(&defer, 0, sizeof(defer));
	memset(&ran, 0, sizeof(ran));
	defer.queue = DelayedWorkQueue;
	defer.routine = complete_it;
	pair_register(test);
	return 0;
}

/* At most that many routines at once of the queue. */
static inline void limit(enum flt_run_kind kind, enum flt_work_queue_type queue, int n)
{
	workqueue_set_max_active(flt_item_wqs[kind][queue], n);
}

static inline void work_exit(struct kunit *test)
{
	int kind, queue;

	tf_race_disarm();
	gate_open(&in_pre);
	gate_open(&gate);
	for (kind = 0; kind < FLT_ITEM_KINDS; kind++)
		for (queue = 0; queue < 2; queue++)
			limit(kind, queue, WQ_MAX_ACTIVE);
	/* What a deferred routine completes is not the list's to complete. */
	if (flt_sim_op_done(op) || b.on_pre || b.on_post)
		b.nr_pended = 0;
	if (a.on_pre)
		a.nr_pended = 0;
	a.complete_in_start = true;
	b.complete_in_start = true;
	helpers_stop();
	pair_exit(test);
}

static inline int detach(struct tf *tf)
{
	return flt_detach_volume(tf->filter, volume, NULL);
}

static inline void *detach_thread(void *arg)
{
	return (void *)(long)detach(arg);
}

static inline void *start_op(void *arg)
{
	flt_sim_start(op);
	return NULL;
}

/* The teardown has done all that it can and waits for one hold. */
static inline bool waits_for_one(struct flt_instance *inst)
{
	return READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE && atomic_read(&inst->hold) == 1;
}

#endif /* _FLTMGR_TESTDEFER_H */
