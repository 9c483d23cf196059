// SPDX-License-Identifier: GPL-2.0-only
/*
 * What filters do wrong with cancel routines, queues and deferred completion, and
 * what the verifier says of it; and that it says nothing when they do it right.
 */
#include <linux/module.h>

#include "testreport.h"

#define SENT	.what = "sent", .cause = "flt_sim_start"

static struct flt_callback_data *stray;
static int rc_seen, second_rc;
static bool routine_leaves;
static atomic_t routine_calls;

static void the_routine(struct flt_callback_data *data)
{
	stray = data;
	if (!routine_leaves) {
		data->io_status.status = STATUS_CANCELLED;
		flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
	}
	atomic_inc(&routine_calls);
}

static int set_routine(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	stray = data;
	rc_seen = flt_set_cancel_completion(data, the_routine);
	return status;
}

static int set_it_twice(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	set_routine(tf, data, objs, status);
	second_rc = flt_set_cancel_completion(data, the_routine);
	return status;
}

static int keep_data(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, int status)
{
	stray = data;
	return status;
}

/* What B has pended with a routine goes on as it should. */
static void go_on_rightly(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(stray), 0);
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	expect_ended(test, 0);
	expect_no_report(test);
}

/* CAN-01 */
static void two_routines(struct kunit *test)
{
	b.on_pre = set_it_twice;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, rc_seen, 0);
	KUNIT_EXPECT_EQ(test, second_rc, STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "CAN-01", .filter = "B", .inst = "B", .op = true,
		      .words = "made cancellable in two ways", .what = "handed on",
		      .cause = "set_it_twice", .effect = "set_it_twice");
	go_on_rightly(test);
	next_op(test);
	b.on_pre = set_routine;
	flt_sim_start(op);
	go_on_rightly(test);
}

/* CAN-01 */
static void a_routine_for_what_is_elsewhere(struct kunit *test)
{
	b.on_pre = keep_data;
	hold_at_device(test);
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(stray, the_routine),
			STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "CAN-01", .filter = "B", .op = true,
		      .words = "is not with a filter", .what = "handed on",
		      .cause = "a_routine_for_what_is_elsewhere");
	release_from_device(test);
	expect_no_report(test);
}

/* CAN-03 */
static void completes_with_the_routine_set(struct kunit *test)
{
	b.on_pre = set_routine;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	expect_ended(test, 0);
	expect_report(test, .rule = "CAN-03", .filter = "B", .inst = "B", .op = true,
		      .words = "completed with its cancel routine set", .what = "handed on",
		      .cause = "set_routine", .effect = "completes_with_the_routine_set");
	next_op(test);
	flt_sim_start(op);
	go_on_rightly(test);
}

/* CAN-03 */
static void goes_on_with_the_routine_set(struct kunit *test)
{
	b.on_pre = set_routine;
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	hold_at_device(test);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	expect_report(test, .rule = "CAN-03", .filter = "B", .op = true,
		      .words = "went on with its cancel routine the_routine");
	KUNIT_EXPECT_EQ(test, atomic_read(&routine_calls), 0);
	release_from_device(test);
	expect_no_report(test);
}

/* VRF-14: said once, and the operation ends as it would */
static void cancelled_and_not_completed(struct kunit *test)
{
	routine_leaves = true;
	b.on_pre = set_routine;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "VRF-14", .filter = "B", .inst = "B", .op = true,
		      .words = "its cancel routine was called, and it is not completed",
		      .what = "handed on", .cause = "set_routine");
	b.nr_pended = 0;
	flt_complete_pended_preoperation(stray, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_ended(test, 0);
	/* Not long after it was told, another one is completed at once. */
	routine_leaves = false;
	next_op(test);
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	expect_ended(test, STATUS_CANCELLED);
	b.nr_pended = 0;
	expect_no_report(test);
}

/* CAN-05: the own I/O of filters is theirs to cancel, nothing else */
static void cancels_what_is_not_its_own(struct kunit *test)
{
	struct flt_callback_data *data;

	b.on_pre = keep_data;
	hold_at_device(test);
	KUNIT_EXPECT_FALSE(test, flt_cancel_io(stray));
	expect_report(test, .rule = "CAN-05", .filter = "B", .op = true,
		      .words = "cancel of what no filter has allocated", SENT,
		      .effect = "cancels_what_is_not_its_own");
	release_from_device(test);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(tf_instance(&b, volume), NULL, &data), 0);
	KUNIT_EXPECT_FALSE(test, flt_cancel_io(data));
	flt_free_callback_data(data);
	expect_no_report(test);
}

/* queues */

static struct {
	struct flt_callback_data_queue cbdq;
	spinlock_t lock;		/* of the list */
	struct list_head list;
	bool hides;			/* what is in it */
} queue;

static int queue_insert(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
			void *context)
{
	list_add_tail(&data->queue_links, &queue.list);
	return 0;
}

static void queue_remove(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	list_del_init(&data->queue_links);
}

static struct flt_callback_data *queue_peek(struct flt_callback_data_queue *cbdq,
					    struct flt_callback_data *data, void *context)
{
	if (queue.hides)
		return NULL;
	data = list_prepare_entry(data, &queue.list, queue_links);
	list_for_each_entry_continue(data, &queue.list, queue_links)
		return data;
	return NULL;
}

static void queue_lock(struct flt_callback_data_queue *cbdq, unsigned long *flags)
	__acquires(&queue.lock)
{
	spin_lock_irqsave(&queue.lock, *flags);
}

static void queue_unlock(struct flt_callback_data_queue *cbdq, unsigned long flags)
	__releases(&queue.lock)
{
	spin_unlock_irqrestore(&queue.lock, flags);
}

static void queue_give_up(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

static int into_the_queue(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, int status)
{
	stray = data;
	rc_seen = flt_cbdq_insert_io(&queue.cbdq, data, NULL, NULL);
	return rc_seen ? FLT_PREOP_SUCCESS_NO_CALLBACK : FLT_PREOP_PENDING;
}

static int into_the_queue_with_routine(struct tf *tf, struct flt_callback_data *data,
				       const struct flt_related_objects *objs, int status)
{
	set_routine(tf, data, objs, status);
	into_the_queue(tf, data, objs, status);
	flt_clear_cancel_completion(data);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static void close_the_queue(struct tf *tf, const struct flt_related_objects *objs)
{
	flt_cbdq_disable(&queue.cbdq);
}

/* A queue of B's, whose pre-operation puts all into it. */
static void set_up_queue(struct kunit *test)
{
	queue.hides = false;
	spin_lock_init(&queue.lock);
	INIT_LIST_HEAD(&queue.list);
	b.on_pre = into_the_queue;
	b.on_start = close_the_queue;
	KUNIT_ASSERT_EQ(test, flt_cbdq_initialize(tf_instance(&b, volume), &queue.cbdq,
						  queue_insert, queue_remove, queue_peek,
						  queue_lock, queue_unlock, queue_give_up), 0);
}

static void take_from_queue(struct kunit *test)
{
	struct flt_callback_data *data = flt_cbdq_remove_next_io(&queue.cbdq, NULL);

	KUNIT_ASSERT_PTR_EQ(test, data, stray);
	b.nr_pended = 0;
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_ended(test, 0);
}

/* CBQ-01 */
static void queues_what_another_has(struct kunit *test)
{
	set_up_queue(test);
	b.on_pre = NULL;
	a.on_pre = into_the_queue;
	run_op(test, 0);
	KUNIT_EXPECT_EQ(test, rc_seen, STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "CBQ-01", .filter = "B", .inst = "B", .op = true,
		      .words = "is not with its instance", SENT, .effect = "into_the_queue");
	a.on_pre = NULL;
	b.on_pre = into_the_queue;
	next_op(test);
	flt_sim_start(op);
	take_from_queue(test);
	expect_no_report(test);
}

/* CAN-01, CBQ-01 */
static void queues_what_is_cancellable(struct kunit *test)
{
	set_up_queue(test);
	b.on_pre = into_the_queue_with_routine;
	run_op(test, 0);
	KUNIT_EXPECT_EQ(test, rc_seen, STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "CAN-01", .filter = "B", .inst = "B", .op = true,
		      .words = "is cancellable already", .what = "handed on",
		      .cause = "into_the_queue_with_routine");
	b.on_pre = into_the_queue;
	next_op(test);
	flt_sim_start(op);
	take_from_queue(test);
	expect_no_report(test);
}

/* CBQ-01, PND-07: what has ended is not put into a queue */
static void queues_what_has_ended(struct kunit *test)
{
	set_up_queue(test);
	b.on_pre = keep_data;
	run_op(test, 0);
	flt_sim_op_free(op);
	op = NULL;
	KUNIT_EXPECT_EQ(test, flt_cbdq_insert_io(&queue.cbdq, stray, NULL, NULL),
			STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "CBQ-01", .filter = "B", .op = true,
		      .words = "queueing of an operation that has ended", .what = "ended",
		      .cause = "flt_sim_start", .effect = "queues_what_has_ended");
}

/* CBQ-10: what is in a queue is obtained from it */
static void completes_what_is_in_the_queue(struct kunit *test)
{
	set_up_queue(test);
	flt_sim_start(op);
	flt_complete_pended_preoperation(stray, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_report(test, .rule = "CBQ-10", .filter = "B", .inst = "B", .op = true,
		      .words = "completed while it is in a queue", .what = "handed on",
		      .cause = "into_the_queue");
	take_from_queue(test);
	expect_no_report(test);
}

/* INV-13: a peek_next that says no, and then yes */
static void a_queue_that_was_empty_is_not(struct kunit *test)
{
	set_up_queue(test);
	flt_sim_start(op);
	flt_cbdq_disable(&queue.cbdq);
	queue.hides = true;
	KUNIT_EXPECT_NULL(test, flt_cbdq_remove_next_io(&queue.cbdq, NULL));
	expect_no_report(test);
	queue.hides = false;
	take_from_queue(test);
	expect_report(test, .rule = "INV-13", .filter = "B", .inst = "B", .op = true,
		      .words = "in a queue that was disabled and empty", .what = "handed on",
		      .cause = "into_the_queue");
	flt_cbdq_enable(&queue.cbdq);
	next_op(test);
	flt_sim_start(op);
	flt_cbdq_disable(&queue.cbdq);
	take_from_queue(test);
	KUNIT_EXPECT_NULL(test, flt_cbdq_remove_next_io(&queue.cbdq, NULL));
	expect_no_report(test);
}

/* deferred completion */

static int safe_answer, deferred_answer;
static bool completes, twice, too_early;

static int safe_routine(struct flt_callback_data *data, const struct flt_related_objects *objs,
			void *context, u32 flags)
{
	if (completes)
		flt_complete_pended_postoperation(data);
	return safe_answer;
}

static int defer_in_pre(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	flt_do_completion_processing_when_safe(data, objs, NULL, 0, safe_routine,
					       &deferred_answer);
	return status;
}

static int defer_in_post(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, u32 flags, int status)
{
	int answer, unused;

	if (too_early)
		flt_complete_pended_postoperation(data);
	flt_do_completion_processing_when_safe(data, objs, NULL, flags, safe_routine, &answer);
	if (twice)
		flt_do_completion_processing_when_safe(data, objs, NULL, flags, safe_routine,
						       &unused);
	return too_early ? FLT_POSTOP_MORE_PROCESSING_REQUIRED : answer;
}

/* From where nobody may sleep, so that a worker does it. */
static void release_unsafely(struct kunit *test)
{
	hold_at_device(test);
	rcu_read_lock();
	flt_sim_release(op, FLT_SIM_PROCESS, 0);
	rcu_read_unlock();
	flt_sim_set_hold(sim, false);
	expect_ended(test, 0);
	b.nr_pended = 0;
}

static void expect_deferred_twin(struct kunit *test)
{
	safe_answer = FLT_POSTOP_FINISHED_PROCESSING;
	completes = false;
	twice = false;
	too_early = false;
	b.on_pre = NULL;
	b.on_post = defer_in_post;
	next_op(test);
	release_unsafely(test);
	expect_no_report(test);
}

/* DCS-01 */
static void defers_in_a_pre_operation(struct kunit *test)
{
	b.on_pre = defer_in_pre;
	run_op(test, 0);
	expect_report(test, .rule = "DCS-01", .filter = "B", .inst = "B",
		      .words = "outside of a post-operation", .effect = "defer_in_pre");
	expect_deferred_twin(test);
}

/* DCS-01 */
static void defers_twice(struct kunit *test)
{
	b.on_post = defer_in_post;
	twice = true;
	release_unsafely(test);
	expect_report(test, .rule = "DCS-01", .filter = "B", .inst = "B", .words = "or twice",
		      .effect = "defer_in_post");
	expect_deferred_twin(test);
}

/* DCS-01 */
static void defers_what_it_has_completed(struct kunit *test)
{
	b.on_post = defer_in_post;
	too_early = true;
	release_unsafely(test);
	expect_report(test, .rule = "DCS-01", .filter = "B", .inst = "B",
		      .effect = "defer_in_post");
	expect_deferred_twin(test);
}

/* DCS-05 */
static void completes_what_its_routine_finishes(struct kunit *test)
{
	b.on_post = defer_in_post;
	completes = true;
	safe_answer = FLT_POSTOP_FINISHED_PROCESSING;
	release_unsafely(test);
	expect_report(test, .rule = "DCS-05", .filter = "B", .inst = "B",
		      .words = "completed what its safe routine finishes");
	/* The right way to complete it oneself. */
	safe_answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	next_op(test);
	release_unsafely(test);
	expect_no_report(test);
	expect_deferred_twin(test);
}

/* VRF-11a, DCS-04, VRF-03 */
static void safe_routine_answers_what_is_no_answer(struct kunit *test)
{
	b.on_post = defer_in_post;
	safe_answer = 44;
	release_unsafely(test);
	expect_report(test, .rule = "VRF-11a", .filter = "B", .inst = "B",
		      .words = "safe routine of READ returned 44");
	expect_deferred_twin(test);
}

static int verify_cancel_init(struct kunit *test)
{
	stray = NULL;
	rc_seen = 1;
	second_rc = 1;
	routine_leaves = false;
	atomic_set(&routine_calls, 0);
	safe_answer = FLT_POSTOP_FINISHED_PROCESSING;
	completes = false;
	twice = false;
	too_early = false;
	return verify_init(test);
}

static struct kunit_case verify_cancel_cases[] = {
	KUNIT_CASE(two_routines),
	KUNIT_CASE(a_routine_for_what_is_elsewhere),
	KUNIT_CASE(completes_with_the_routine_set),
	KUNIT_CASE(goes_on_with_the_routine_set),
	KUNIT_CASE(cancelled_and_not_completed),
	KUNIT_CASE(cancels_what_is_not_its_own),
	KUNIT_CASE(queues_what_another_has),
	KUNIT_CASE(queues_what_is_cancellable),
	KUNIT_CASE(queues_what_has_ended),
	KUNIT_CASE(completes_what_is_in_the_queue),
	KUNIT_CASE(a_queue_that_was_empty_is_not),
	KUNIT_CASE(defers_in_a_pre_operation),
	KUNIT_CASE(defers_twice),
	KUNIT_CASE(defers_what_it_has_completed),
	KUNIT_CASE(completes_what_its_routine_finishes),
	KUNIT_CASE(safe_routine_answers_what_is_no_answer),
	{ }
};

static struct kunit_suite verify_cancel_suite = {
	.name = "fltmgr_verify_cancel",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_cancel_init,
	.exit = verify_exit,
	.test_cases = verify_cancel_cases,
};

kunit_test_suite(verify_cancel_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: cancelling, queues, deferred completion");
MODULE_LICENSE("GPL");
