// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred work items and teardowns: what waits for which.
 */
#include <linux/module.h>

#include "testdefer.h"

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
	tf_expect_ended(test, op, 0);
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
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
}

/* WRK-11, INV-04, INV-07, TDN-20: it runs on after it has completed the operation */
static void teardown_waits_for_the_routine(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);

	b.on_pre = defer_pre;
	defer.routine = complete_and_stay;
	flt_sim_start(op);
	gate_wait(test, &gate);
	tf_expect_ended(test, op, 0);
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

static int sleep_in_pre(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	gate_pass(&in_pre);
	return status;
}

static int sleep_in_post(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, u32 flags, int status)
{
	gate_pass(&in_pre);
	return status;
}

static void *start_it(void *arg)
{
	return (void *)(long)flt_sim_start(op);
}

/* PND-11, WRK-11: the routine sent it down, where the filter below sleeps */
static void a_lower_filter_delays_no_teardown(struct kunit *test)
{
	a.on_pre = defer_pre;
	b.on_pre = sleep_in_pre;
	/* If the worker is first, it is the thread of the pre-op that goes on. */
	helper_start(test, 1, start_it, NULL);
	gate_wait(test, &in_pre);
	helper_start(test, 0, detach_thread, &a);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	gate_open(&in_pre);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 1);
}

/* Not before the post-operation has returned: that interrupt would go on with it. */
static void complete_what_was_left(struct flt_deferred_io_workitem *item,
				   struct flt_callback_data *data, void *context)
{
	struct flt_node *node = op->operation.up;
	unsigned long end = jiffies + TF_WAIT;

	while ((atomic_read(&node->state) & FLT_NODE_STATE_MASK) != FLT_NODE_POST_PENDED &&
	       time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	complete_it(item, data, context);
}

/* PND-11, WRK-11: it sent it up, where the filter above sleeps */
static void an_upper_filter_delays_no_teardown(struct kunit *test)
{
	b.on_post = defer_post;
	a.on_post = sleep_in_post;
	defer.routine = complete_what_was_left;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	gate_wait(test, &in_pre);
	helper_start(test, 0, detach_thread, &b);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	gate_open(&in_pre);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bw A< Bq B[ B]");
}

/* The routine of @first stays, that of the operation is queued and cannot begin. */
static void queue_behind(struct kunit *test, struct flt_sim_op *first)
{
	KUNIT_ASSERT_NOT_NULL(test, first);
	limit(FLT_RUN_DEFERRED, DelayedWorkQueue, 1);
	b.on_pre = defer_pre;
	defer.routine = stay_and_complete;
	flt_sim_start(first);
	gate_wait(test, &gate);
	defer.routine = complete_it;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, defer.rc, 0);
}

/* WRK-11, TDN-20: it is queued, and cannot begin */
static void teardown_waits_for_a_queued_item(struct kunit *test)
{
	struct flt_sim_op *first = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 1, GFP_KERNEL);
	struct flt_instance *inst = tf_instance(&b, volume);

	queue_behind(test, first);
	helper_start(test, 0, detach_thread, &b);
	/* Two operations, two items. */
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	tf_wait_until(test, atomic_read(&inst->hold) == 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(first, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 2);
	flt_sim_op_free(first);
}

static int queue_the_same(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, int status)
{
	defer.rc = flt_queue_deferred_io_work_item(defer.item, data, complete_it, DelayedWorkQueue,
						   &b);
	return status;
}

/* WRK-01, WRK-07, VRF-11p: ... and is queued again, with another operation: refused */
static void a_queued_item_is_queued_again(struct kunit *test)
{
	struct flt_sim_op *first = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 1, GFP_KERNEL);
	struct flt_instance *inst = tf_instance(&b, volume);
	unsigned int before = flt_violation_count();

	queue_behind(test, first);
	/* In service, and for each item. */
	KUNIT_EXPECT_EQ(test, atomic_read(&inst->hold), 3);
	b.on_pre = queue_the_same;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&inst->hold), 3);
	gate_open(&gate);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(first, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 2);
	flt_sim_op_free(first);
	b.nr_pended = 0;
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
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, defer.detached, STATUS_PENDING);
	tf_wait_until(test, atomic_read(&b.completes) == 1);
}

static struct kunit_case work_race_cases[] = {
	KUNIT_CASE(going_while_the_pre_operation_runs),
	KUNIT_CASE(going_while_it_is_queued),
	KUNIT_CASE(teardown_waits_for_the_routine),
	KUNIT_CASE(a_lower_filter_delays_no_teardown),
	KUNIT_CASE(an_upper_filter_delays_no_teardown),
	KUNIT_CASE(teardown_waits_for_a_queued_item),
	KUNIT_CASE(a_queued_item_is_queued_again),
	KUNIT_CASE(detached_from_its_deferred_routine),
	{}
};

static struct kunit_suite work_race_suite = {
	.name = "fltmgr_work_race",
	.init = work_init,
	.exit = work_exit,
	.test_cases = work_race_cases,
};

kunit_test_suite(work_race_suite);

MODULE_DESCRIPTION("Tests of deferred work items while an instance goes");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
