// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion that needs to sleep: the post-operation, the worker, completions
 * and teardowns in every order.
 */
#include <linux/module.h>

#include "testsafe.h"

/* DCS-05, PST-07: the post-operation says FINISHED all the same; the routine comes first */
static void the_post_operation_does_not_wait(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	post.finishes = true;
	safe.waits = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	gate_wait(test, &gate);
	tf_wait_until(test, post_state() == FLT_NODE_SAFE);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	gate_open(&gate);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
}

/* DCS-05: completed by the post-operation, before the routine has begun */
static void completed_before_the_routine(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	post.completes = true;
	safe.answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	tf_race_arm("safe_work", &op->operation);
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_wait_until(test, tf_race_reached());
	tf_wait_until(test, post_state() == FLT_NODE_SAFE_EARLY);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	tf_race_go();
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* DCS-05, PND-21: the routine is done while the post-operation has not returned */
static void the_routine_is_first(struct kunit *test)
{
	hold_at_device(test);
	tf_race_arm("post_returned", &op->operation);
	helper_start(test, 0, release_unsafely, NULL);
	tf_wait_until(test, tf_race_reached());
	tf_wait_until(test, post_state() == FLT_NODE_POST_EARLY);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 0);
	tf_race_go();
	helper_join(test, 0);
	expect_posted(test);
	/* So it is the post-operation's thread that went on. */
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, b.post_task);
}

/* DCS-05: the post-operation has returned before the routine begins */
static void the_post_operation_is_first(struct kunit *test)
{
	hold_at_device(test);
	tf_race_arm("safe_work", &op->operation);
	helper_start(test, 0, release_unsafely, NULL);
	tf_wait_until(test, tf_race_reached());
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, post_state(), FLT_NODE_SAFE);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 0);
	tf_race_go();
	expect_posted(test);
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, safe.task);
}

/* DCS-05: the routine pends and leaves, then the post-operation returns, then it is completed */
static void the_routine_is_first_and_pends(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	safe.answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	hold_at_device(test);
	tf_race_arm("post_returned", &op->operation);
	helper_start(test, 0, release_unsafely, NULL);
	tf_wait_until(test, tf_race_reached());
	tf_wait_until(test, atomic_read(&safe.runs) == 1 && post_state() == FLT_NODE_POSTING);
	tf_race_go();
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, post_state(), FLT_NODE_POST_PENDED);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* DCS-05: ... and leaves while the post-operation returns, which has seen that it had not */
static void the_routine_pends_as_the_post_operation_returns(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	safe.answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	hold_at_device(test);
	tf_race_arm("safe_work", &op->operation);
	tf_race_arm_slot(1, "safe_leave", NULL, -1, NULL, NULL);
	helper_start(test, 0, release_unsafely, NULL);
	tf_wait_until(test, tf_race_reached() && tf_race_slot_reached(1));
	KUNIT_EXPECT_EQ(test, post_state(), FLT_NODE_POSTED);
	tf_race_go();
	tf_wait_until(test, post_state() == FLT_NODE_POSTING);
	tf_race_slot_go(1);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, post_state(), FLT_NODE_POST_PENDED);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

static void complete_it(void *data)
{
	flt_complete_pended_postoperation(data);
}

static int when_safe_and_pend(struct tf *tf, struct flt_callback_data *data,
			      const struct flt_related_objects *objs, u32 flags, int status)
{
	when_safe(tf, data, objs, flags, status);
	return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

/* DCS-01: another thread of the filter's completes it just then: refused, and that counts */
static void completed_while_it_is_posted(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_post = when_safe_and_pend;
	hold_at_device(test);
	tf_race_arm_action("safe_post", complete_it, &op->operation.data);
	release_unsafely(NULL);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< A<");
	KUNIT_EXPECT_EQ(test, atomic_read(&post.calls), 1);
	KUNIT_EXPECT_FALSE(test, post.result);
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_FINISHED_PROCESSING);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* TDN-20, INV-04, INV-07: the teardown waits for the routine */
static void teardown_waits_for_the_routine(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);

	safe.waits = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	gate_wait(test, &gate);
	tf_wait_until(test, post_state() == FLT_NODE_SAFE);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	KUNIT_EXPECT_TRUE(test, atomic_read(&op->operation.up->state) & FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	/* PND-11: A is drained and gone meanwhile. */
	helper_start(test, 1, detach_thread, &a);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
}

/* TDN-20, DCS-05: it scans while neither the post-operation nor the routine has left */
static void teardown_in_between(struct kunit *test)
{
	safe.waits = true;
	hold_at_device(test);
	/* Its grace period is over: it would wait for a thread that cannot sleep. */
	tf_race_arm("teardown_grace", NULL);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
	tf_race_arm_slot(1, "post_returned", &op->operation, -1, NULL, NULL);
	helper_start(test, 1, release_unsafely, NULL);
	gate_wait(test, &gate);
	tf_wait_until(test, tf_race_slot_reached(1));
	KUNIT_EXPECT_EQ(test, post_state(), FLT_NODE_POSTED);
	tf_race_go();
	tf_wait_until(test, atomic_read(&op->operation.up->state) & FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, post_state(), FLT_NODE_POSTED);
	gate_open(&gate);
	tf_wait_until(test, post_state() == FLT_NODE_POST_EARLY);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	tf_race_slot_go(1);
	helper_join(test, 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
}

/* DET-06, INV-18: from the routine, in the worker */
static void detached_from_the_routine(struct kunit *test)
{
	safe.detaches = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, safe.detached, STATUS_PENDING);
	tf_wait_until(test, atomic_read(&b.completes) == 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
}

static struct kunit_case safe_race_cases[] = {
	KUNIT_CASE(the_post_operation_does_not_wait),
	KUNIT_CASE(completed_before_the_routine),
	KUNIT_CASE(the_routine_is_first),
	KUNIT_CASE(the_post_operation_is_first),
	KUNIT_CASE(the_routine_is_first_and_pends),
	KUNIT_CASE(the_routine_pends_as_the_post_operation_returns),
	KUNIT_CASE(completed_while_it_is_posted),
	KUNIT_CASE(teardown_waits_for_the_routine),
	KUNIT_CASE(teardown_in_between),
	KUNIT_CASE(detached_from_the_routine),
	{}
};

static struct kunit_suite safe_race_suite = {
	.name = "fltmgr_safe_race",
	.init = safe_init,
	.exit = safe_exit,
	.test_cases = safe_race_cases,
};

kunit_test_suite(safe_race_suite);

MODULE_DESCRIPTION("Tests of deferred completion while something else happens");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
