// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pended operations: before and after the callback has returned, from other
 * threads and contexts, and completions that nobody asked for.
 */
#include <linux/module.h>

#include "testfilter.h"

static struct flt_sim *sim;
static struct flt_sim_op *op;
static struct tf a, b, c;

static int pend_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	tf_log_clear();
	return 0;
}

static void pend_exit(struct kunit *test)
{
	tf_race_disarm();
	/*
	 * A failed case may have left something pended; one that completed its
	 * operation by hand has left it on the filter's list.
	 */
	if (flt_sim_op_done(op))
		b.nr_pended = 0;
	a.complete_in_start = true;
	b.complete_in_start = true;
	c.complete_in_start = true;
	tf_unregister(&a);
	tf_unregister(&b);
	tf_unregister(&c);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

/* The operation has ended, once, and this is how. */
/* PND-01, PND-09, PRE-03 */
static void pended_stays_until_completed(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	tf_expect_log(test, "A> B>");
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	KUNIT_EXPECT_EQ(test, op->submitted.count, 0);
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

/* PND-03, PND-04: the context goes to the post-operation */
static void context_of_a_completion(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	b.context = &op;
	flt_sim_start(op);
	tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_PTR_EQ(test, b.seen_context, (void *)&op);
}

/* PND-03 */
static void completed_with_no_callback(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> C< A<");
}

/* PND-03, PND-08, STK-03 */
static void completed_with_complete(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	b.complete_status = -ETIMEDOUT;
	flt_sim_start(op);
	tf_resume(&b, FLT_PREOP_COMPLETE);
	tf_expect_ended(test, op, -ETIMEDOUT);
	tf_expect_log(test, "A> B> A<");
	KUNIT_EXPECT_EQ(test, op->submitted.count, 0);
}

static void *start_that(void *arg)
{
	return (void *)(long)flt_sim_start(arg);
}

/* PND-01: the thread that left it pended does not look at it again, for it may be gone */
static void gone_before_its_thread_has_left(struct kunit *test)
{
	struct tf_thread thread;

	b.pre_status = FLT_PREOP_PENDING;
	tf_race_arm("pended", NULL);
	tf_thread_start(test, &thread, start_that, op);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_COMPLETE));
	tf_expect_ended(test, op, 0);
	flt_sim_op_free(op);
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &thread), 0);
	KUNIT_ASSERT_NOT_NULL(test, op);
}

static int complete_at_once(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, int status)
{
	int answer = tf->complete_status ? FLT_PREOP_COMPLETE : FLT_PREOP_SUCCESS_WITH_CALLBACK;

	if (answer == FLT_PREOP_COMPLETE)
		data->io_status.status = tf->complete_status;
	flt_complete_pended_preoperation(data, answer,
					 answer == FLT_PREOP_COMPLETE ? NULL : tf->context);
	tf_log(tf->name, "+");	/* still in our pre-op: nothing moved on */
	return FLT_PREOP_PENDING;
}

/* PND-02: from inside the pre-operation itself */
static void completed_before_the_pre_operation_returns(struct kunit *test)
{
	b.on_pre = complete_at_once;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B+ C> C< B< A<");
}

/* PND-02, PND-08 */
static void completed_early_with_complete(struct kunit *test)
{
	b.on_pre = complete_at_once;
	b.complete_status = -EIO;
	flt_sim_start(op);
	tf_expect_ended(test, op, -EIO);
	tf_expect_log(test, "A> B> B+ A<");
}

static void *start_op(void *arg)
{
	flt_sim_start(op);
	return NULL;
}

static void *resume_b(void *arg)
{
	return (void *)(long)tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK);
}

/* PND-02: the pre-operation has returned PENDING, which is not recorded yet */
static void completed_between_return_and_record(struct kunit *test)
{
	struct tf_thread thread;

	b.pre_status = FLT_PREOP_PENDING;
	/* the first to pass the point is to be B */
	tf_unregister(&a);
	tf_log_clear();
	tf_race_arm("pre_returned", &op->operation);
	tf_thread_start(test, &thread, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	tf_expect_log(test, "B>");
	KUNIT_EXPECT_EQ(test, flt_word_state(atomic_long_read(&op->operation.word)),
			FLT_OP_EARLY);
	tf_race_go();
	tf_thread_join(test, &thread);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "B> C> C< B<");
	KUNIT_EXPECT_PTR_EQ(test, c.pre_task, thread.task);
	tf_race_disarm();
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
}

/* PND-02: the completer has the right to answer but not answered when PENDING is recorded */
static void pended_while_the_answer_is_written(struct kunit *test)
{
	struct tf_thread starter, completer;

	b.pre_status = FLT_PREOP_PENDING;
	tf_unregister(&a);
	tf_log_clear();
	tf_race_arm("pre_returned", &op->operation);
	tf_thread_start(test, &starter, start_op, NULL);
	tf_wait_until(test, tf_race_reached());

	/* Let the completer stop between taking and giving its answer. */
	tf_race_arm_slot(1, "answering", &op->operation, -1, NULL, NULL);
	tf_thread_start(test, &completer, resume_b, NULL);
	tf_wait_until(test, tf_race_slot_reached(1));
	KUNIT_EXPECT_EQ(test, flt_word_state(atomic_long_read(&op->operation.word)),
			FLT_OP_ANSWERING);
	tf_race_go();
	tf_thread_join(test, &starter);
	KUNIT_EXPECT_EQ(test, flt_word_state(atomic_long_read(&op->operation.word)),
			FLT_OP_PENDED_ANSWERING);
	tf_race_slot_go(1);
	tf_thread_join(test, &completer);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "B> C> C< B<");
	tf_race_disarm();
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
}

/* PRE-02, PRE-20: lower filters are called by whoever completes */
static void lower_filters_run_in_the_completers_thread(struct kunit *test)
{
	struct tf_thread thread;

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	tf_thread_start(test, &thread, resume_b, NULL);
	tf_thread_join(test, &thread);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_PTR_EQ(test, a.pre_task, current);
	KUNIT_EXPECT_PTR_EQ(test, c.pre_task, thread.task);
}

/* PRE-18, PND-01: A's thread waits though B pends and somebody else completes */
static void synchronize_above_a_pend(struct kunit *test)
{
	struct tf_thread thread;

	a.pre_status = FLT_PREOP_SYNCHRONIZE;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	tf_thread_start(test, &thread, start_op, NULL);
	tf_wait_until(test, READ_ONCE(b.nr_pended));
	KUNIT_EXPECT_FALSE(test, tf_thread_done(&thread));
	tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	tf_thread_join(test, &thread);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, thread.task);
}

/* PRE-18, PND-20: both A and C synchronize, in two threads, B pends both ways */
static void synchronize_in_two_threads(struct kunit *test)
{
	struct tf_thread starter, completer;

	a.pre_status = FLT_PREOP_SYNCHRONIZE;
	b.pre_status = FLT_PREOP_PENDING;
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	c.pre_status = FLT_PREOP_SYNCHRONIZE;
	flt_sim_set_context(sim, FLT_SIM_SOFTIRQ);
	tf_thread_start(test, &starter, start_op, NULL);
	tf_wait_until(test, READ_ONCE(b.nr_pended));
	tf_thread_start(test, &completer, resume_b, NULL);
	tf_thread_join(test, &completer);
	tf_expect_log(test, "A> B> C> C< B<");
	KUNIT_EXPECT_PTR_EQ(test, c.post_task, completer.task);
	flt_complete_pended_postoperation(tf_take(&b));
	tf_thread_join(test, &starter);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, starter.task);
}

/* PND-03, CON-13: refused, reported, and the operation is still pended */
static void illegal_completions_change_nothing(struct kunit *test)
{
	static const int illegal[] = {
		FLT_PREOP_PENDING, FLT_PREOP_DISALLOW_FASTIO, FLT_PREOP_SYNCHRONIZE,
		FLT_PREOP_DISALLOW_FSFILTER_IO, 7, -1,
	};
	unsigned int before = flt_violation_count();
	int i;

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	for (i = 0; i < ARRAY_SIZE(illegal); i++)
		flt_complete_pended_preoperation(b.pended[0], illegal[i], NULL);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + ARRAY_SIZE(illegal));
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
}

static int complete_twice(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, int status)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
	return FLT_PREOP_PENDING;
}

/* PND-07: the first one counts */
static void a_second_completion_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = complete_twice;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	tf_expect_log(test, "A> B> C> C< A<");
}

static int complete_unasked(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, int status)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* PND-01: what the pre-operation returned counts */
static void completed_but_not_pended(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = complete_unasked;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	tf_expect_log(test, "A> B> C> C< A<");
}

/* PND-04 */
static void context_with_no_callback_is_reported(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	flt_complete_pended_preoperation(tf_take(&b), FLT_PREOP_SUCCESS_NO_CALLBACK, &b);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* PND-20, PND-21, PST-07, PST-11 */
static void pended_post_stays_until_completed(struct kunit *test)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	tf_expect_log(test, "A> B> C> C< B<");
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

/* PST-07: a failure stored meanwhile changes nothing before the completion */
static void pended_post_may_store_a_status(struct kunit *test)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	b.pended[0]->io_status.status = -EIO;
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, -EIO);
}

static void *complete_post_b(void *arg)
{
	flt_complete_pended_postoperation(tf_take(&b));
	return NULL;
}

/* PND-22, PST-02 */
static void upper_posts_run_in_the_completers_thread(struct kunit *test)
{
	struct tf_thread thread;

	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	tf_thread_start(test, &thread, complete_post_b, NULL);
	tf_thread_join(test, &thread);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, thread.task);
}

static int complete_post_at_once(struct tf *tf, struct flt_callback_data *data,
				 const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_complete_pended_postoperation(data);
	tf_log(tf->name, "+");
	return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

/* PND-21: before the post-operation has returned, also in hard interrupt */
static void post_completed_before_it_returns(struct kunit *test)
{
	b.on_post = complete_post_at_once;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	/* what the log shows is the order of one operation only */
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> C< B< B+ A<");
	b.nr_pended = 0;
}

/* PND-20: atomic context is enough */
static void post_completed_in_atomic_context(struct kunit *test)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	local_irq_disable();
	flt_complete_pended_postoperation(tf_take(&b));
	local_irq_enable();
	tf_expect_ended(test, op, 0);
}

/* PND-05: COMPLETE is allowed in atomic context */
static void pre_completed_in_atomic_context(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	local_irq_disable();
	tf_resume(&b, FLT_PREOP_COMPLETE);
	local_irq_enable();
	tf_expect_ended(test, op, 0);
}

static int complete_post_unasked(struct tf *tf, struct flt_callback_data *data,
				 const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_complete_pended_postoperation(data);
	flt_complete_pended_postoperation(data);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

/* PND-21: refused the second time, and reported for not being pended */
static void post_completed_but_not_pended(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_post = complete_post_unasked;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

static struct kunit_case pend_cases[] = {
	KUNIT_CASE(pended_stays_until_completed),
	KUNIT_CASE(context_of_a_completion),
	KUNIT_CASE(completed_with_no_callback),
	KUNIT_CASE(gone_before_its_thread_has_left),
	KUNIT_CASE(completed_with_complete),
	KUNIT_CASE(completed_before_the_pre_operation_returns),
	KUNIT_CASE(completed_early_with_complete),
	KUNIT_CASE(completed_between_return_and_record),
	KUNIT_CASE(pended_while_the_answer_is_written),
	KUNIT_CASE(lower_filters_run_in_the_completers_thread),
	KUNIT_CASE(synchronize_above_a_pend),
	KUNIT_CASE(synchronize_in_two_threads),
	KUNIT_CASE(illegal_completions_change_nothing),
	KUNIT_CASE(a_second_completion_is_refused),
	KUNIT_CASE(completed_but_not_pended),
	KUNIT_CASE(context_with_no_callback_is_reported),
	KUNIT_CASE(pended_post_stays_until_completed),
	KUNIT_CASE(pended_post_may_store_a_status),
	KUNIT_CASE(upper_posts_run_in_the_completers_thread),
	KUNIT_CASE(post_completed_before_it_returns),
	KUNIT_CASE(post_completed_in_atomic_context),
	KUNIT_CASE(pre_completed_in_atomic_context),
	KUNIT_CASE(post_completed_but_not_pended),
	{}
};

static struct kunit_suite pend_suite = {
	.name = "fltmgr_pend",
	.init = pend_init,
	.exit = pend_exit,
	.test_cases = pend_cases,
};

kunit_test_suite(pend_suite);

MODULE_DESCRIPTION("Tests of pended operations");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
