// SPDX-License-Identifier: GPL-2.0-only
/*
 * What filters do wrong with operations, and what the verifier says of it; and
 * each time that it says nothing when the same is done right. Changes are in
 * fltmgr_verify_modify_test.c; cancelling, queues and deferred completion in
 * fltmgr_verify_cancel_test.c.
 */
#include <linux/module.h>

#include "testfault.h"
#include "testreport.h"

#define SENT	.what = "sent", .cause = "flt_sim_start"

static int odd_status;
static struct flt_callback_data *stray;

static int context_and_answer(struct flt_callback_data *data,
			      const struct flt_related_objects *objs, void **context)
{
	*context = &odd_status;
	return odd_status;
}

static int keep_data(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, int status)
{
	stray = data;
	return status;
}

/* PRE-11, VRF-03 */
static void wants_a_post_that_it_has_not(struct kunit *test)
{
	verify_init_bare(test);
	tf_without_post(&b);
	b.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	run_op(test, STATUS_FLT_INTERNAL_ERROR);
	expect_report(test, .rule = "PRE-11", .filter = "B", .inst = "B", .op = true,
		      .words = "has no post-operation", SENT,
		      .effect = "wants_a_post_that_it_has_not");
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	expect_twin(test);
}

/* PRE-12, VRF-03 */
static void completes_with_no_final_status(struct kunit *test)
{
	b.pre_status = FLT_PREOP_COMPLETE;
	b.complete_status = STATUS_PENDING;
	run_op(test, STATUS_FLT_INTERNAL_ERROR);
	expect_report(test, .rule = "PRE-12", .filter = "B", .inst = "B", .op = true,
		      .words = "with status 259", SENT);
	b.complete_status = STATUS_SUCCESS;
	expect_twin(test);
}

/* PRE-21, VRF-03, VRF-11a */
static void answers_what_is_no_answer(struct kunit *test)
{
	b.pre_status = 77;
	run_op(test, STATUS_FLT_INTERNAL_ERROR);
	expect_report(test, .rule = "PRE-21", .filter = "B", .inst = "B", .op = true,
		      .words = "returned 77", SENT);
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	expect_twin(test);
}

/* PRE-22 */
static void context_without_callback(struct kunit *test)
{
	verify_init_bare(test);
	b.ops[0].pre_operation = context_and_answer;
	odd_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	run_op(test, 0);
	expect_report(test, .rule = "PRE-22", .filter = "B", .inst = "B", .op = true,
		      .words = "context with status 1", SENT);
	odd_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	expect_twin(test);
}

static int pend_with_context(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	if (odd_status)
		*context = &odd_status;
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_WITH_CALLBACK, &b);
	return FLT_PREOP_PENDING;
}

/* PRE-22, PND-04 */
static void context_with_pending(struct kunit *test)
{
	verify_init_bare(test);
	b.ops[0].pre_operation = pend_with_context;
	odd_status = 1;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	run_op(test, 0);
	expect_report(test, .rule = "PRE-22", .filter = "B", .inst = "B", .op = true,
		      .words = "context with PENDING", SENT);
	odd_status = 0;
	expect_twin(test);
}

/* PRE-22, PND-03 */
static void context_with_a_late_answer(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	flt_complete_pended_preoperation(tf_take(&b), FLT_PREOP_SUCCESS_NO_CALLBACK, &b);
	expect_ended(test, 0);
	expect_report(test, .rule = "PRE-22", .filter = "B", .inst = "B", .op = true, SENT);
	next_op(test);
	flt_sim_start(op);
	flt_complete_pended_preoperation(tf_take(&b), FLT_PREOP_SUCCESS_WITH_CALLBACK, &b);
	expect_ended(test, 0);
	expect_no_report(test);
}

static int complete_in_pre(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, int status)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	return status;
}

/* PND-01 */
static void completes_what_it_does_not_pend(struct kunit *test)
{
	b.on_pre = complete_in_pre;
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	run_op(test, 0);
	expect_report(test, .rule = "PND-01", .filter = "B", .inst = "B", .op = true,
		      .words = "returned 1, not PENDING", SENT);
	b.pre_status = FLT_PREOP_PENDING;
	expect_twin(test);
}

/* PND-03: the operation stays pended */
static void completes_with_an_illegal_status(struct kunit *test)
{
	struct flt_callback_data *data;

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	data = tf_take(&b);
	flt_complete_pended_preoperation(data, FLT_PREOP_SYNCHRONIZE, NULL);
	expect_report(test, .rule = "PND-03", .filter = "B", .op = true,
		      .words = "completed with status 5", SENT,
		      .effect = "completes_with_an_illegal_status");
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_ended(test, 0);
	expect_no_report(test);
}

/* PND-07 */
static void completes_what_is_not_pended(struct kunit *test)
{
	b.on_pre = keep_data;
	hold_at_device(test);
	flt_complete_pended_preoperation(stray, FLT_PREOP_COMPLETE, NULL);
	expect_report(test, .rule = "PND-07", .filter = "B", .op = true,
		      .words = "is not pended", SENT, .effect = "completes_what_is_not_pended");
	release_from_device(test);
	expect_no_report(test);
}

static noinline void end_it(struct flt_callback_data *data)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
}

/* PND-07, PND-21: it has gone, and is not looked at: KASAN would tell */
static void completes_what_has_ended(struct kunit *test)
{
	b.on_pre = keep_data;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	end_it(tf_take(&b));
	expect_ended(test, 0);
	expect_no_report(test);
	flt_sim_op_free(op);
	op = NULL;
	flt_complete_pended_preoperation(stray, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_report(test, .rule = "PND-07", .filter = "B", .op = true,
		      .words = "completion of an operation that has ended", .what = "ended",
		      .cause = "end_it", .effect = "completes_what_has_ended");
	flt_complete_pended_postoperation(stray);
	expect_report(test, .rule = "PND-21", .filter = "B", .op = true,
		      .words = "completion of an operation that has ended", .what = "ended",
		      .cause = "end_it");
	flt_set_callback_data_dirty(stray);
	expect_report(test, .rule = "MOD-01", .filter = "B", .op = true,
		      .words = "change of an operation that has ended", .what = "ended",
		      .cause = "end_it");
}

/* PND-07: who has ended another one since is not the cause */
static void completes_what_has_ended_before_another(struct kunit *test)
{
	struct flt_callback_data *ended;

	b.on_pre = keep_data;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	end_it(tf_take(&b));
	expect_ended(test, 0);
	ended = stray;
	b.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	KUNIT_EXPECT_PTR_NE(test, stray, ended);
	expect_no_report(test);
	flt_complete_pended_preoperation(ended, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_report(test, .rule = "PND-07", .filter = "B", .op = true,
		      .words = "completion of an operation that has ended", .what = "ended",
		      .cause = "end_it");
}

/*
 * PND-07, VRF-08: there was no memory for its record. It goes its way, and as not all
 * operations are known now, nobody is told that one has ended: it is looked at.
 */
static void an_operation_that_cannot_be_noted(struct kunit *test)
{
	bool failed;

	if (fault_init())
		kunit_skip(test, "allocations cannot be made to fail");
	b.on_pre = keep_data;
	b.pre_status = FLT_PREOP_PENDING;
	fault_arm(1);
	flt_sim_start(op);
	failed = fault_disarm();
	fault_exit();
	KUNIT_EXPECT_TRUE(test, failed);
	KUNIT_EXPECT_NULL(test, op->operation.verify);
	end_it(tf_take(&b));
	expect_ended(test, 0);
	expect_no_report(test);
	flt_complete_pended_preoperation(stray, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_report(test, .rule = "PND-07", .filter = "B", .words = "completed, is not pended",
		      .effect = "an_operation_that_cannot_be_noted");
}

/* PND-21 */
static void completes_a_post_that_is_not_pended(struct kunit *test)
{
	b.on_pre = keep_data;
	hold_at_device(test);
	flt_complete_pended_postoperation(stray);
	expect_report(test, .rule = "PND-21", .filter = "B", .op = true,
		      .words = "post-operation completed, is not pended", SENT);
	release_from_device(test);
	expect_no_report(test);
}

static int complete_in_post(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_complete_pended_postoperation(data);
	return status;
}

/* PND-21 */
static void completes_its_post_and_says_finished(struct kunit *test)
{
	b.on_post = complete_in_post;
	run_op(test, 0);
	expect_report(test, .rule = "PND-21", .filter = "B", .inst = "B", .op = true,
		      .words = "then returned 0", SENT);
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	expect_twin(test);
	b.nr_pended = 0;
}

/* VRF-11a, VRF-03 */
static void post_answers_what_is_no_answer(struct kunit *test)
{
	b.post_status = 55;
	run_op(test, 0);
	expect_report(test, .rule = "VRF-11a", .filter = "B", .inst = "B", .op = true,
		      .words = "returned 55", SENT);
	b.post_status = FLT_POSTOP_FINISHED_PROCESSING;
	expect_twin(test);
}

/* drained copies */

static int drained_answer;
static int deferred_status;

static int do_nothing_safely(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void *context, u32 flags)
{
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int complete_drained(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING)
		flt_complete_pended_postoperation(data);
	return status;
}

static int ask_of_drained(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING)
		flt_is_io_canceled(data);
	return status;
}

static int free_drained(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING)
		flt_free_callback_data(data);
	return status;
}

static int defer_drained(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING)
		flt_do_completion_processing_when_safe(data, objs, NULL, flags,
						       do_nothing_safely, &deferred_status);
	return status;
}

static int answer_drained(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, u32 flags, int status)
{
	return flags & FLTFL_POST_OPERATION_DRAINING ? drained_answer : status;
}

/* B is detached with an operation below it, and then its post-operation is drained. */
static void drain_b(struct kunit *test)
{
	int before = atomic_read(&b.drains);

	hold_at_device(test);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), before + 1);
	release_from_device(test);
}

/* ... and rightly this time. */
static void drain_b_rightly(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	b.on_post = NULL;
	next_op(test);
	drain_b(test);
	expect_no_report(test);
}

/* DRN-02 */
static void completes_a_drained_copy(struct kunit *test)
{
	b.on_post = complete_drained;
	drain_b(test);
	expect_report(test, .rule = "DRN-02", .filter = "B",
		      .words = "completion of a drained copy", .effect = "complete_drained");
	drain_b_rightly(test);
}

/* DRN-02 */
static void asks_a_drained_copy(struct kunit *test)
{
	b.on_post = ask_of_drained;
	drain_b(test);
	expect_report(test, .rule = "DRN-02", .filter = "B",
		      .words = "cancel mark of a drained copy", .effect = "ask_of_drained");
	drain_b_rightly(test);
}

/* DRN-02 */
static void frees_a_drained_copy(struct kunit *test)
{
	b.on_post = free_drained;
	drain_b(test);
	expect_report(test, .rule = "DRN-02", .filter = "B",
		      .words = "freeing of a drained copy", .effect = "free_drained");
	drain_b_rightly(test);
}

/* DRN-07 */
static void defers_a_drained_copy(struct kunit *test)
{
	b.on_post = defer_drained;
	drain_b(test);
	expect_report(test, .rule = "DRN-07", .filter = "B", .inst = "B",
		      .words = "drained post-operation deferred", .effect = "defer_drained");
	drain_b_rightly(test);
}

/* DRN-08 */
static void drained_post_wants_more(struct kunit *test)
{
	b.on_post = answer_drained;
	drained_answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	drain_b(test);
	expect_report(test, .rule = "DRN-08", .filter = "B", .inst = "B", .words = "returned 1");
	drain_b_rightly(test);
}

static int verify_op_init(struct kunit *test)
{
	stray = NULL;
	return verify_init(test);
}

/* They register B alone, after they have told what it is to be. */
static int verify_alone_init(struct kunit *test)
{
	return 0;
}

static struct kunit_case verify_alone_cases[] = {
	KUNIT_CASE(wants_a_post_that_it_has_not),
	KUNIT_CASE(context_without_callback),
	KUNIT_CASE(context_with_pending),
	{ }
};

static struct kunit_suite verify_alone_suite = {
	.name = "fltmgr_verify_op_alone",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_alone_init,
	.exit = verify_exit,
	.test_cases = verify_alone_cases,
};

static struct kunit_case verify_op_cases[] = {
	KUNIT_CASE(completes_with_no_final_status),
	KUNIT_CASE(answers_what_is_no_answer),
	KUNIT_CASE(context_with_a_late_answer),
	KUNIT_CASE(completes_what_it_does_not_pend),
	KUNIT_CASE(completes_with_an_illegal_status),
	KUNIT_CASE(completes_what_is_not_pended),
	KUNIT_CASE(completes_what_has_ended),
	KUNIT_CASE(completes_what_has_ended_before_another),
	KUNIT_CASE(an_operation_that_cannot_be_noted),
	KUNIT_CASE(completes_a_post_that_is_not_pended),
	KUNIT_CASE(completes_its_post_and_says_finished),
	KUNIT_CASE(post_answers_what_is_no_answer),
	KUNIT_CASE(completes_a_drained_copy),
	KUNIT_CASE(asks_a_drained_copy),
	KUNIT_CASE(frees_a_drained_copy),
	KUNIT_CASE(defers_a_drained_copy),
	KUNIT_CASE(drained_post_wants_more),
	{ }
};

static struct kunit_suite verify_op_suite = {
	.name = "fltmgr_verify_op",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_op_init,
	.exit = verify_exit,
	.test_cases = verify_op_cases,
};

kunit_test_suites(&verify_alone_suite, &verify_op_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: operations");
MODULE_LICENSE("GPL");
