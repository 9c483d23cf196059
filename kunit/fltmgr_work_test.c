// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred work items: an operation that a worker goes on with, and the teardown
 * that waits for both.
 */
#include <linux/module.h>
#include <linux/sched/prio.h>
#include <linux/workqueue.h>

#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct flt_sim_op *op;
static struct tf a, b;
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

static void note_run(void *item, void *arg, void *context)
{
	ran.worker = current->flags & PF_WQ_WORKER;
	ran.could_sleep = preemptible() && !rcu_preempt_depth();
	ran.nice = task_nice(current);
	ran.item = item;
	ran.arg = arg;
	ran.context = context;
	atomic_inc(&ran.runs);
}

static void free_item(struct flt_deferred_io_workitem *item)
{
	if (!defer.keep_item)
		flt_free_deferred_io_work_item(item);
}

static void finish_it(struct flt_callback_data *data)
{
	if (data->flags & FLTFL_CALLBACK_DATA_POST_OPERATION)
		flt_complete_pended_postoperation(data);
	else
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_WITH_CALLBACK, &b);
}

/* What a routine does as a rule. */
static void complete_it(struct flt_deferred_io_workitem *item, struct flt_callback_data *data,
			void *context)
{
	note_run(item, data, context);
	tf_log("B", "w");
	finish_it(data);
	free_item(item);
	complete_all(&routine_done);
}

/* Completes the operation and stays. */
static void complete_and_stay(struct flt_deferred_io_workitem *item,
			      struct flt_callback_data *data, void *context)
{
	note_run(item, data, context);
	finish_it(data);
	gate_pass(&gate);
	free_item(item);
}

/* Stays, and then completes it. */
static void stay_and_complete(struct flt_deferred_io_workitem *item,
			      struct flt_callback_data *data, void *context)
{
	note_run(item, data, context);
	gate_pass(&gate);
	free_item(item);
	finish_it(data);
}

/* 0: it was queued, and the callback is to pend. */
static int defer_it(struct flt_callback_data *data)
{
	struct flt_deferred_io_workitem *item = flt_allocate_deferred_io_work_item();

	defer.item = item;
	defer.rc = flt_queue_deferred_io_work_item(item, data, defer.routine, defer.queue, &b);
	if (defer.rc)
		flt_free_deferred_io_work_item(item);
	return defer.rc;
}

static int defer_pre(struct tf *tf, struct flt_callback_data *data,
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

static int defer_post(struct tf *tf, struct flt_callback_data *data,
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

static int work_init(struct kunit *test)
{
	/* Not offered: nobody else attaches. */
	sim = flt_sim_create_unoffered("vol");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sim);
	volume = flt_sim_volume(sim);
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	gate_init(&gate);
	gate_init(&in_pre);
	init_completion(&routine_done);
	memset(&defer, 0, sizeof(defer));
	memset(&ran, 0, sizeof(ran));
	defer.queue = DelayedWorkQueue;
	defer.routine = complete_it;
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
	return 0;
}

/* At most that many routines at once of the queue. */
static void limit(enum flt_run_kind kind, enum flt_work_queue_type queue, int n)
{
	workqueue_set_max_active(flt_item_wqs[kind][queue], n);
}

static void work_exit(struct kunit *test)
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
	a.complete_in_start = true;
	b.complete_in_start = true;
	helpers_stop();
	if (a.filter)
		tf_unregister(&a);
	if (b.filter)
		tf_unregister(&b);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

static void expect_ended(struct kunit *test, int status)
{
	KUNIT_ASSERT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->status, status);
	KUNIT_EXPECT_EQ(test, op->ended.count, 1);
}

static int detach(struct tf *tf)
{
	return flt_detach_volume(tf->filter, volume, NULL);
}

static void *detach_thread(void *arg)
{
	return (void *)(long)detach(arg);
}

static void *start_op(void *arg)
{
	flt_sim_start(op);
	return NULL;
}

/* The teardown has done all that it can and waits for one hold. */
static bool waits_for_one(struct flt_instance *inst)
{
	return READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE && atomic_read(&inst->hold) == 1;
}

/* WRK-01, WRK-02, WRK-08, WRK-11: a worker, process context, the item, the operation */
static void deferred_from_a_pre_operation(struct kunit *test)
{
	b.on_pre = defer_pre;
	flt_sim_start(op);
	expect_ended(test, 0);
	tf_expect_log(test, "A> B> Bw B< A<");
	KUNIT_EXPECT_EQ(test, defer.rc, 0);
	KUNIT_EXPECT_TRUE(test, ran.worker);
	KUNIT_EXPECT_TRUE(test, ran.could_sleep);
	KUNIT_EXPECT_PTR_EQ(test, ran.item, (void *)defer.item);
	KUNIT_EXPECT_PTR_EQ(test, ran.arg, (void *)&op->operation.data);
	KUNIT_EXPECT_PTR_EQ(test, ran.context, (void *)&b);
	KUNIT_EXPECT_PTR_EQ(test, b.seen_context, (void *)&b);
}

/* WRK-02, WRK-08, PST-07: allocated and queued in a hard interrupt */
static void deferred_from_a_post_operation(struct kunit *test)
{
	b.on_post = defer_post;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	expect_ended(test, 0);
	tf_expect_log(test, "A> B> B< Bw A<");
	KUNIT_EXPECT_FALSE(test, b.post_could_sleep);
	KUNIT_EXPECT_TRUE(test, ran.worker);
	KUNIT_EXPECT_TRUE(test, ran.could_sleep);
	KUNIT_EXPECT_TRUE(test, a.post_in_task);
}

/* WRK-03 */
static void there_are_two_queues(struct kunit *test)
{
	b.on_pre = defer_pre;
	defer.queue = CriticalWorkQueue;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, ran.nice, MIN_NICE);
	flt_sim_op_free(op);

	defer.queue = DelayedWorkQueue;
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, ran.nice, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 2);
}

static int refused[6];

static int refuse_pre(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, int status)
{
	struct flt_deferred_io_workitem *item = flt_allocate_deferred_io_work_item();

	refused[0] = flt_queue_deferred_io_work_item(item, data, complete_it,
						     HyperCriticalWorkQueue, NULL);
	refused[1] = flt_queue_deferred_io_work_item(item, data, complete_it, 3, NULL);
	refused[2] = flt_queue_deferred_io_work_item(item, data, complete_it, -1, NULL);
	refused[3] = flt_queue_deferred_io_work_item(item, data, NULL, DelayedWorkQueue, NULL);
	refused[4] = flt_queue_deferred_io_work_item(NULL, data, complete_it, DelayedWorkQueue,
						     NULL);
	refused[5] = flt_queue_deferred_io_work_item(item, NULL, complete_it, DelayedWorkQueue,
						     NULL);
	flt_free_deferred_io_work_item(item);
	return status;
}

/* WRK-03, WRK-07: the reserved queue, and nonsense; nothing was queued */
static void other_queues_are_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();
	int i;

	b.on_pre = refuse_pre;
	flt_sim_start(op);
	expect_ended(test, 0);
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		KUNIT_EXPECT_EQ(test, refused[i], STATUS_INVALID_PARAMETER);
	tf_expect_log(test, "A> B> B< A<");
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* WRK-04, WRK-07 */
static void what_memory_waits_for_is_not_posted(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = defer_pre;
	op->irp_flags = FLT_IRP_PAGING;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_NOT_SAFE_TO_POST_OPERATION);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	tf_expect_log(test, "A> B> B< A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

static int defer_no_irp(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	u32 flags = data->flags;

	data->flags &= ~FLTFL_CALLBACK_DATA_IRP_OPERATION;
	data->flags |= FLTFL_CALLBACK_DATA_FAST_IO_OPERATION;
	defer_it(data);
	data->flags = flags;
	return status;
}

/* WRK-06, WRK-07: as if there were another class on block volumes */
static void what_is_no_irp_is_not_posted(struct kunit *test)
{
	b.on_pre = defer_no_irp;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_NOT_SAFE_TO_POST_OPERATION);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
}

/* WRK-08, PND-02 */
static void routine_before_the_pre_operation_returns(struct kunit *test)
{
	b.on_pre = defer_pre;
	defer.wait_in_callback = true;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, defer.state, FLT_OP_EARLY);
	tf_expect_log(test, "A> B> Bw B< A<");
	/* So it is the pre-operation's thread that went on. */
	KUNIT_EXPECT_PTR_EQ(test, b.post_task, current);
}

/* WRK-08, PND-21 */
static void routine_before_the_post_operation_returns(struct kunit *test)
{
	b.on_post = defer_post;
	defer.wait_in_callback = true;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, defer.state, FLT_NODE_POST_EARLY);
	tf_expect_log(test, "A> B> B< Bw A<");
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, current);
}

static void defer_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	defer_it(tf->pended[0]);
}

/* WRK-05, WRK-07, TDN-11: pended, and from teardown_start */
static void not_on_an_instance_that_is_going(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.pre_status = FLT_PREOP_PENDING;
	b.on_start = defer_in_start;
	b.complete_in_start = true;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_DELETING_OBJECT);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

static int wait_and_defer(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, int status)
{
	gate_pass(&in_pre);
	return defer_pre(tf, data, objs, status);
}

/* WRK-05, WRK-07: its pre-operation runs when the teardown begins */
static void going_while_the_pre_operation_runs(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);

	b.on_pre = wait_and_defer;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &in_pre);
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, READ_ONCE(inst->going));
	gate_open(&in_pre);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_DELETING_OBJECT);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	/* A drained post-operation, or one that came back first. */
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains) + atomic_read(&b.posts), 1);
}

/* WRK-05, WRK-11: the teardown begins when the queueing has just looked */
static void going_while_it_is_queued(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);

	b.on_pre = defer_pre;
	defer.routine = stay_and_complete;
	tf_race_arm("deferred_held", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, READ_ONCE(inst->going));
	tf_race_go();
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, 0);
	gate_wait(test, &gate);
	/* One for the operation, one for the item. */
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	tf_wait_until(test, atomic_read(&inst->hold) == 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
}

/* WRK-05, DRN-07: a drained post-operation has nothing to defer */
static void a_drained_copy_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_post = defer_post;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_DELETING_OBJECT);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* WRK-11, INV-04, INV-07, TDN-20: it runs on after it has completed the operation */
static void teardown_waits_for_the_routine(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);

	b.on_pre = defer_pre;
	defer.routine = complete_and_stay;
	flt_sim_start(op);
	gate_wait(test, &gate);
	expect_ended(test, 0);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, waits_for_one(inst));
	KUNIT_EXPECT_EQ(test, READ_ONCE(inst->state), FLT_INSTANCE_DRAINING);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	/* PND-11: the other is not held up */
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
}

/* WRK-11, TDN-20: it is queued, and cannot begin */
static void teardown_waits_for_a_queued_item(struct kunit *test)
{
	struct flt_sim_op *first = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 1, GFP_KERNEL);
	struct flt_instance *inst = tf_instance(&b, volume);

	KUNIT_ASSERT_NOT_NULL(test, first);
	limit(FLT_RUN_DEFERRED, DelayedWorkQueue, 1);
	b.on_pre = defer_pre;
	defer.routine = stay_and_complete;
	flt_sim_start(first);
	gate_wait(test, &gate);
	defer.routine = complete_it;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, defer.rc, 0);
	helper_start(test, 0, detach_thread, &b);
	/* Two operations, two items. */
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	tf_wait_until(test, atomic_read(&inst->hold) == 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(first, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 2);
	flt_sim_op_free(first);
}

static void detach_and_complete(struct flt_deferred_io_workitem *item,
				struct flt_callback_data *data, void *context)
{
	defer.detached = detach(&b);
	complete_it(item, data, context);
}

/* DET-06, INV-18: from a deferred routine, which the teardown waits for */
static void detached_from_its_deferred_routine(struct kunit *test)
{
	b.on_pre = defer_pre;
	defer.routine = detach_and_complete;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, defer.detached, STATUS_PENDING);
	tf_wait_until(test, atomic_read(&b.completes) == 1);
}

static void queue_again(struct flt_deferred_io_workitem *item, struct flt_callback_data *data,
			void *context)
{
	note_run(item, data, context);
	if (atomic_read(&ran.runs) < 3) {
		defer.rc = flt_queue_deferred_io_work_item(item, data, queue_again,
							   CriticalWorkQueue, context);
		return;
	}
	finish_it(data);
	flt_free_deferred_io_work_item(item);
}

/* WRK-01, WRK-02: the same item, with the same operation, from its routine */
static void deferred_again_from_its_routine(struct kunit *test)
{
	b.on_pre = defer_pre;
	defer.routine = queue_again;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 3);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
}

static int defer_what_is_completed(struct tf *tf, struct flt_callback_data *data,
				   const struct flt_related_objects *objs, int status)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	defer_it(data);
	return FLT_PREOP_PENDING;
}

/* PRE-03, WRK-07: it is the manager's again */
static void a_completed_operation_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = defer_what_is_completed;
	flt_sim_start(op);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

static struct kunit_case work_cases[] = {
	KUNIT_CASE(deferred_from_a_pre_operation),
	KUNIT_CASE(deferred_from_a_post_operation),
	KUNIT_CASE(there_are_two_queues),
	KUNIT_CASE(other_queues_are_refused),
	KUNIT_CASE(what_memory_waits_for_is_not_posted),
	KUNIT_CASE(what_is_no_irp_is_not_posted),
	KUNIT_CASE(routine_before_the_pre_operation_returns),
	KUNIT_CASE(routine_before_the_post_operation_returns),
	KUNIT_CASE(not_on_an_instance_that_is_going),
	KUNIT_CASE(going_while_the_pre_operation_runs),
	KUNIT_CASE(going_while_it_is_queued),
	KUNIT_CASE(a_drained_copy_is_refused),
	KUNIT_CASE(teardown_waits_for_the_routine),
	KUNIT_CASE(teardown_waits_for_a_queued_item),
	KUNIT_CASE(detached_from_its_deferred_routine),
	KUNIT_CASE(deferred_again_from_its_routine),
	KUNIT_CASE(a_completed_operation_is_refused),
	{}
};

static struct kunit_suite work_suite = {
	.name = "fltmgr_work",
	.init = work_init,
	.exit = work_exit,
	.test_cases = work_cases,
};

kunit_test_suite(work_suite);

MODULE_DESCRIPTION("Tests of deferred work items");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
