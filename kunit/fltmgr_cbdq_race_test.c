// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callback-data queues: who gets the operation when two want it.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "testcbdq.h"

/*
 * Let a cancel take the operation's routine, and stop there: the operation is
 * in the list still.
 */
static void begin_cancel(struct kunit *test)
{
	tf_race_arm_slot(0, "cancel_taken", &op->operation, -1, NULL, NULL);
	helper_start(test, 0, cancel_all, NULL);
	tf_wait_until(test, tf_race_slot_reached(0));
	KUNIT_EXPECT_EQ(test, q.removes, 0);
}

static void end_cancel(struct kunit *test, long told)
{
	tf_race_slot_go(0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), told);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_TRUE(test, list_empty(&q.list));
}

/* CBQ-09, CBQ-10, CBQ-17, INV-12: what is being cancelled is gone past */
static void cancel_wins_against_remove_next(struct kunit *test)
{
	struct flt_sim_op *other = another_op(test, 1);

	flt_sim_start(op);
	begin_cancel(test);
	/* it is the only one; then there is another behind it */
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	flt_sim_start(other);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, other, 0);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	KUNIT_EXPECT_EQ(test, q.removes, 1);
	end_cancel(test, 1);
	flt_sim_op_free(other);
}

/* CBQ-10, INV-12: the mark is set, the removal is faster */
static void remove_next_wins_against_cancel(struct kunit *test)
{
	struct flt_callback_data *data;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	flt_sim_start(op);
	tf_race_arm("cancel_marked", &op->operation);
	helper_start(test, 0, cancel_all, test);
	tf_wait_until(test, tf_race_reached());
	data = flt_cbdq_remove_next_io(&q.cbdq, NULL);
	KUNIT_EXPECT_PTR_EQ(test, data, &op->operation.data);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 0);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	tf_expect_ended(test, op, 0);
}

static void *remove_next(void *arg)
{
	return flt_cbdq_remove_next_io(&q.cbdq, NULL);
}

/* CBQ-10: peeked at, under the lock, and then cancelled */
static void cancelled_after_it_was_peeked(struct kunit *test)
{
	use_a_mutex(test);
	flt_sim_start(op);
	tf_race_arm_slot(0, "cbdq_peeked", &q.cbdq, -1, NULL, NULL);
	helper_start(test, 0, remove_next, NULL);
	tf_wait_until(test, tf_race_slot_reached(0));
	/* The cancel gets the operation, and waits for the lock. */
	helper_start(test, 1, cancel_all, NULL);
	tf_wait_until(test, !READ_ONCE(op->operation.cancel_routine));
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 0);
	tf_race_slot_go(0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
}

/* CBQ-08, CBQ-10: by name; the name can be freed though the cancel is not done */
static void cancel_wins_against_remove(struct kunit *test)
{
	struct flt_cbdq_io_context *name = kzalloc(sizeof(*name), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, name);
	name_with = name;
	flt_sim_start(op);
	begin_cancel(test);
	KUNIT_EXPECT_NOT_NULL(test, name->data);
	KUNIT_EXPECT_NULL(test, flt_cbdq_remove_io(&q.cbdq, name));
	KUNIT_EXPECT_NULL(test, name->data);
	kfree(name);
	end_cancel(test, 1);
}

/* CBQ-08, CBQ-10, INV-12 */
static void remove_wins_against_cancel(struct kunit *test)
{
	struct flt_callback_data *data;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	name_with = &named;
	flt_sim_start(op);
	tf_race_arm("cancel_marked", &op->operation);
	helper_start(test, 0, cancel_all, test);
	tf_wait_until(test, tf_race_reached());
	data = flt_cbdq_remove_io(&q.cbdq, &named);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_ASSERT_PTR_EQ(test, data, &op->operation.data);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 0);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	tf_expect_ended(test, op, 0);
}

/* CBQ-06: cancelled on its way into the queue */
static void cancelled_before_the_insert(struct kunit *test)
{
	tf_race_arm("cbdq_insert", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	tf_race_go();
	helper_join(test, 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 1);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
}

/* CBQ-06, CBQ-10: in the list, and not cancellable yet: who inserts it cancels it */
static void cancelled_before_the_routine_is_set(struct kunit *test)
{
	use_a_mutex(test);
	tf_race_arm("cancel_arm", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, q.inserts, 1);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 0);
	tf_race_go();
	helper_join(test, 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 1);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
}

/* CBQ-06, CBQ-10: in the list, just made cancellable: the cancel has it, after the insert */
static void cancelled_after_the_routine_is_set(struct kunit *test)
{
	use_a_mutex(test);
	tf_race_arm_slot(0, "cancel_armed", &op->operation, -1, NULL, NULL);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_slot_reached(0));
	helper_start(test, 1, cancel_all, NULL);
	tf_wait_until(test, !READ_ONCE(op->operation.cancel_routine));
	/* It waits for the lock, which the insert holds. */
	KUNIT_EXPECT_EQ(test, q.removes, 0);
	tf_race_slot_go(0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 1);
	helper_join(test, 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 1);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
}

/* CBQ-14: the queue is disabled before the insert has its lock */
static void disable_wins_against_insert(struct kunit *test)
{
	tf_race_arm("cbdq_insert", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	flt_cbdq_disable(&q.cbdq);
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	tf_race_go();
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, insert_rc, STATUS_FLT_CBDQ_DISABLED);
	/* INV-13 */
	KUNIT_EXPECT_TRUE(test, list_empty(&q.list));
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	tf_expect_ended(test, op, 0);
}

static void *disable_q(void *arg)
{
	flt_cbdq_disable(&q.cbdq);
	return NULL;
}

/* CBQ-14, INV-13: the insert is under the lock: disabling waits, draining finds it */
static void insert_wins_against_disable(struct kunit *test)
{
	use_a_mutex(test);
	tf_race_arm_slot(0, "cancel_arm", &op->operation, -1, NULL, NULL);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_slot_reached(0));
	helper_start(test, 1, disable_q, NULL);
	tf_wait_until(test, !list_empty(&q.mutex.wait_list));
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	tf_race_slot_go(0);
	helper_join(test, 1);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
}

static void *detach_b(void *arg)
{
	return (void *)(long)flt_detach_volume(b.filter, flt_sim_volume(sim), NULL);
}

/* CBQ-13, CBQ-18, INV-07: the drain does not get what is being cancelled; the teardown waits */
static void a_teardown_waits_for_a_cancel(struct kunit *test)
{
	struct flt_sim_op *other = another_op(test, 1);

	flt_sim_start(op);
	begin_cancel(test);
	flt_sim_start(other);
	helper_start(test, 1, detach_b, NULL);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	tf_expect_ended(test, other, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	end_cancel(test, 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	flt_sim_op_free(other);
}

/* CBQ-06, PND-02: the pre-operation has not returned PENDING yet */
static void cancelled_before_pending_is_returned(struct kunit *test)
{
	tf_unregister(&a);
	tf_log_clear();
	tf_race_arm("pre_returned", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	tf_race_go();
	helper_join(test, 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	tf_expect_log(test, "B> Bx");
}

#define STORM	64

static struct completion storm_begins;
static atomic_t removed;

static void *remove_many(void *arg)
{
	struct flt_callback_data *data;
	int got = 0;

	wait_for_completion(&storm_begins);
	while (atomic_read(&removed) + atomic_read(&q.cancels) < STORM) {
		data = flt_cbdq_remove_next_io(&q.cbdq, NULL);
		if (!data) {
			schedule_timeout_uninterruptible(1);
			continue;
		}
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
		atomic_inc(&removed);
		got++;
	}
	return (void *)(long)got;
}

static void *cancel_many(void *arg)
{
	unsigned int told = 0;

	wait_for_completion(&storm_begins);
	while (atomic_read(&removed) + atomic_read(&q.cancels) < STORM) {
		told += flt_sim_cancel(sim);
		schedule_timeout_uninterruptible(1);
	}
	return (void *)(long)told;
}

/* INV-12, CBQ-10: two who remove, one who cancels, one who inserts */
static void each_is_obtained_once(struct kunit *test)
{
	struct flt_sim_op *ops[STORM];
	int i, cancelled = 0;
	long got;

	init_completion(&storm_begins);
	atomic_set(&removed, 0);
	for (i = 0; i < STORM; i++)
		ops[i] = another_op(test, i);
	helper_start(test, 0, remove_many, NULL);
	helper_start(test, 1, remove_many, NULL);
	helper_start(test, 2, cancel_many, NULL);
	for (i = 0; i < STORM; i++) {
		if (i == STORM / 2)
			complete_all(&storm_begins);
		flt_sim_start(ops[i]);
	}
	got = helper_join(test, 0);
	got += helper_join(test, 1);
	helper_join(test, 2);
	KUNIT_EXPECT_EQ(test, got + atomic_read(&q.cancels), STORM);
	KUNIT_EXPECT_EQ(test, q.removes, STORM);
	for (i = 0; i < STORM; i++) {
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(ops[i], TF_WAIT), 0);
		KUNIT_EXPECT_EQ(test, ops[i]->ended.count, 1);
		cancelled += ops[i]->status == STATUS_CANCELLED;
		flt_sim_op_free(ops[i]);
	}
	KUNIT_EXPECT_EQ(test, cancelled, atomic_read(&q.cancels));
	KUNIT_EXPECT_TRUE(test, list_empty(&q.list));
}

static struct kunit_case cbdq_race_cases[] = {
	KUNIT_CASE(cancel_wins_against_remove_next),
	KUNIT_CASE(remove_next_wins_against_cancel),
	KUNIT_CASE(cancelled_after_it_was_peeked),
	KUNIT_CASE(cancel_wins_against_remove),
	KUNIT_CASE(remove_wins_against_cancel),
	KUNIT_CASE(cancelled_before_the_insert),
	KUNIT_CASE(cancelled_before_the_routine_is_set),
	KUNIT_CASE(cancelled_after_the_routine_is_set),
	KUNIT_CASE(disable_wins_against_insert),
	KUNIT_CASE(insert_wins_against_disable),
	KUNIT_CASE(a_teardown_waits_for_a_cancel),
	KUNIT_CASE(cancelled_before_pending_is_returned),
	KUNIT_CASE(each_is_obtained_once),
	{}
};

static struct kunit_suite cbdq_race_suite = {
	.name = "fltmgr_cbdq_race",
	.init = cbdq_test_init,
	.exit = cbdq_test_exit,
	.test_cases = cbdq_race_cases,
};

kunit_test_suite(cbdq_race_suite);

MODULE_DESCRIPTION("Races of callback-data queues");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
