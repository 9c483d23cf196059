// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cancel routines: set, cleared and called at the same moment, and the teardown
 * of their instance.
 */
#include <linux/module.h>

#include "testcancel.h"

/* On the first CPU if @arg is set, as cancel_all() is on the second. */
static void *start_op(void *arg)
{
	if (arg)
		set_cpus_allowed_ptr(current, cpumask_of(0));
	return (void *)(long)flt_sim_start(op);
}

static void *cancel_all(void *arg)
{
	if (arg)
		set_cpus_allowed_ptr(current, cpumask_of(1));
	return (void *)(long)flt_sim_cancel(sim);
}

/* CAN-03: the cancel has set the mark, and clearing is faster */
static void clear_wins_against_cancel(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	pend_with_routine(test);
	tf_race_arm("cancel_marked", &op->operation);
	helper_start(test, 0, cancel_all, test);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_TRUE(test, flt_is_io_canceled(last));
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
}

/* CAN-03: the routine is taken, and not called yet */
static void cancel_wins_against_clear(struct kunit *test)
{
	pend_with_routine(test);
	tf_race_arm("cancel_taken", &op->operation);
	helper_start(test, 0, cancel_all, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

static void *clear_last(void *arg)
{
	return (void *)(long)flt_clear_cancel_completion(last);
}

/* CAN-03: clearing has begun, the cancel is faster */
static void cancel_overtakes_clear(struct kunit *test)
{
	routine.leave = true;
	pend_with_routine(test);
	tf_race_arm("cancel_clear", &op->operation);
	helper_start(test, 0, clear_last, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 1);
	give_up(last);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

/* CAN-04: the cancel comes while the routine is being set, and finds none */
static void cancelled_before_the_routine_is_set(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	b.on_pre = set_routine;
	tf_race_arm("cancel_arm", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	tf_race_go();
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, set_rc, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	tf_expect_ended(test, op, 0);
}

/* CAN-02, CAN-03: ... finds it, before who set it has looked at the mark */
static void cancelled_while_the_routine_is_set(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_routine;
	tf_race_arm("cancel_armed", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 1);
	/* Its pre-operation has yet to say PENDING. */
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	tf_race_go();
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, set_rc, 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	tf_expect_log(test, "A> B> Bx A<");
}

/* CAN-04: the mark is set, the routine too, and who set it takes it back */
static void set_takes_it_back_from_cancel(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	/* It stays pended: to end it would need the lock that the cancel spins under. */
	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_routine;
	tf_race_arm_slot(0, "cancel_arm", &op->operation, -1, NULL, NULL);
	helper_start(test, 0, start_op, test);
	tf_wait_until(test, tf_race_slot_reached(0));
	tf_race_arm_slot(1, "cancel_marked", &op->operation, -1, NULL, NULL);
	helper_start(test, 1, cancel_all, test);
	tf_wait_until(test, tf_race_slot_reached(1));
	tf_race_slot_go(0);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, set_rc, STATUS_CANCELLED);
	tf_race_slot_go(1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
}

static int other_rc;
static atomic_t other_calls;

static void other_routine(struct flt_callback_data *data)
{
	give_up(data);
	atomic_inc(&other_calls);
}

static void set_other(void *unused)
{
	other_rc = flt_set_cancel_completion(last, other_routine);
}

/* CAN-01: two threads of the filter's find none there, and each sets one: the first one counts */
static void two_set_one_at_once(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	other_rc = 1;
	atomic_set(&other_calls, 0);
	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_routine;
	tf_race_arm_action("cancel_arm", set_other, NULL);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_EXPECT_EQ(test, other_rc, 0);
	KUNIT_EXPECT_EQ(test, set_rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&other_calls), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

/* CAN-02, PND-02: the pre-operation has not returned PENDING yet */
static void cancelled_before_pending_is_returned(struct kunit *test)
{
	tf_unregister(&a);
	tf_log_clear();
	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_routine;
	tf_race_arm("pre_returned", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, flt_word_state(atomic_long_read(&op->operation.word)),
			FLT_OP_EARLY);
	tf_race_go();
	helper_join(test, 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	tf_expect_log(test, "B> Bx");
}

static void *detach_b(void *arg)
{
	return (void *)(long)flt_detach_volume(b.filter, flt_sim_volume(sim), NULL);
}

static struct gate gate;

/* INV-04, CAN-02: a routine that has completed its operation still runs */
static void a_running_routine_is_waited_for(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, flt_sim_volume(sim));

	gate_init(&gate);
	routine.gate = &gate;
	pend_with_routine(test);
	helper_start(test, 0, cancel_all, NULL);
	gate_wait(test, &gate);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	b.nr_pended = 0;
	helper_start(test, 1, detach_b, NULL);
	/* The teardown has let go; who holds the instance now is the cancel. */
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE &&
		      atomic_read(&inst->hold) == 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
}

/* TDN-20, CAN-02: a teardown that waits for what is pended ends when that is cancelled */
static void a_cancel_ends_a_teardowns_wait(struct kunit *test)
{
	pend_with_routine(test);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	b.nr_pended = 0;
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

static struct kunit_case cancel_race_cases[] = {
	KUNIT_CASE(clear_wins_against_cancel),
	KUNIT_CASE(cancel_wins_against_clear),
	KUNIT_CASE(cancel_overtakes_clear),
	KUNIT_CASE(cancelled_before_the_routine_is_set),
	KUNIT_CASE(cancelled_while_the_routine_is_set),
	KUNIT_CASE(set_takes_it_back_from_cancel),
	KUNIT_CASE(two_set_one_at_once),
	KUNIT_CASE(cancelled_before_pending_is_returned),
	KUNIT_CASE(a_running_routine_is_waited_for),
	KUNIT_CASE(a_cancel_ends_a_teardowns_wait),
	{}
};

static struct kunit_suite cancel_race_suite = {
	.name = "fltmgr_cancel_race",
	.init = cancel_test_init,
	.exit = cancel_test_exit,
	.test_cases = cancel_race_cases,
};

kunit_test_suite(cancel_race_suite);

MODULE_DESCRIPTION("Races of cancelling");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
