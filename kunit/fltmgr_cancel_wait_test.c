// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits that end when the operation is cancelled.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim;
static struct flt_sim_op *op;
static struct tf b;

static struct completion object;
#define NR_OBJECTS	3
static struct completion several[NR_OBJECTS];
static struct completion *pointers[NR_OBJECTS] = { &several[0], &several[1], &several[2] };
static long wait_time;
static int wait_rc, set_rc;
static struct flt_callback_data *last;	/* what B's pre-operation was called with */

static void prepare_several(void)
{
	int i;

	for (i = 0; i < NR_OBJECTS; i++)
		init_completion(&several[i]);
}

static int wait_init(struct kunit *test)
{
	last = NULL;
	init_completion(&object);
	prepare_several();
	sim = tf_sim(test, "vol");
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	tf_init(&b, "B", "200");
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	return 0;
}

static void wait_exit(struct kunit *test)
{
	int i;

	tf_race_disarm();
	complete_all(&object);
	for (i = 0; i < NR_OBJECTS; i++)
		complete_all(&several[i]);
	helpers_stop();
	tf_unregister(&b);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

static void the_routine(struct flt_callback_data *data)
{
}

static void *start_op(void *arg)
{
	return (void *)(long)flt_sim_start(op);
}

static void *cancel_all(void *arg)
{
	return (void *)(long)flt_sim_cancel(sim);
}

static int wait_in_pre(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	last = data;
	wait_rc = flt_cancellable_wait_for_single_object(&object, wait_time, data);
	if (wait_rc != STATUS_CANCELLED)
		return status;
	tf->complete_status = wait_rc;
	return FLT_PREOP_COMPLETE;
}

static void prepare_wait(long timeout)
{
	init_completion(&object);
	wait_time = timeout;
	wait_rc = 1;
	b.on_pre = wait_in_pre;
}

/* CAN-09, CAN-10: 0 tests; a complete object is taken */
static void a_wait_without_waiting(struct kunit *test)
{
	prepare_wait(0);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, STATUS_TIMEOUT);

	complete(&object);
	KUNIT_EXPECT_EQ(test, flt_cancellable_wait_for_single_object(&object, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_cancellable_wait_for_single_object(&object, 0, NULL),
			STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, flt_cancellable_wait_for_single_object(&object, -1, NULL),
			STATUS_INVALID_PARAMETER);
}

/* CAN-09, CAN-10: with an end, with an operation and without */
static void a_wait_that_times_out(struct kunit *test)
{
	prepare_wait(2);
	KUNIT_EXPECT_EQ(test, flt_cancellable_wait_for_single_object(&object, 2, NULL),
			STATUS_TIMEOUT);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, STATUS_TIMEOUT);
}

/* CAN-09, CAN-10: for ever, until the object is complete */
static void a_wait_that_succeeds(struct kunit *test)
{
	prepare_wait(MAX_SCHEDULE_TIMEOUT);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, completion_waited_for(&object));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	complete(&object);
	helper_join(test, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&object));
}

/* CAN-09: cancelled; the operation is still its holder's, nothing else is changed */
static void a_wait_that_is_cancelled(struct kunit *test)
{
	prepare_wait(MAX_SCHEDULE_TIMEOUT);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, completion_waited_for(&object));
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, STATUS_CANCELLED);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_FALSE(test, completion_waited_for(&object));
	complete(&object);
	KUNIT_EXPECT_TRUE(test, completion_done(&object));
}

/* CAN-09: before it begins to wait; and the waiter leaves only when the cancel is done */
static void a_wait_that_was_cancelled(struct kunit *test)
{
	prepare_wait(MAX_SCHEDULE_TIMEOUT);
	tf_race_arm_slot(0, "cancel_armed", &op->operation, -1, NULL, NULL);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_slot_reached(0));
	tf_race_arm_slot(1, "cancel_taken", &op->operation, -1, NULL, NULL);
	helper_start(test, 1, cancel_all, NULL);
	tf_wait_until(test, tf_race_slot_reached(1));
	tf_race_slot_go(0);
	/* It sees the mark, does not wait for the object, and yet cannot leave. */
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	tf_race_slot_go(1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 1);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, STATUS_CANCELLED);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

static int wait_twice(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, int status)
{
	flt_sim_cancel(sim);
	wait_rc = flt_cancellable_wait_for_single_object(&object, MAX_SCHEDULE_TIMEOUT, data);
	set_rc = flt_cancellable_wait_for_single_object(&object, MAX_SCHEDULE_TIMEOUT, data);
	return status;
}

/* CAN-09: of a cancelled operation; a complete object counts first, once */
static void a_complete_object_counts_first(struct kunit *test)
{
	prepare_wait(0);
	b.on_pre = wait_twice;
	complete(&object);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, 0);
	KUNIT_EXPECT_EQ(test, set_rc, STATUS_CANCELLED);
}

static void *wait_alone(void *arg)
{
	long rc;

	allow_signal(SIGKILL);
	rc = flt_cancellable_wait_for_single_object(&object, MAX_SCHEDULE_TIMEOUT, NULL);
	flush_signals(current);
	disallow_signal(SIGKILL);
	return (void *)rc;
}

/* CAN-09: the thread is killed; no operation is needed */
static void a_wait_whose_thread_is_killed(struct kunit *test)
{
	prepare_wait(0);
	helper_start(test, 0, wait_alone, NULL);
	tf_wait_until(test, completion_waited_for(&object));
	send_sig(SIGKILL, helpers[0].task, 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_THREAD_IS_TERMINATING);
}

static int wait_with_routine(struct tf *tf, struct flt_callback_data *data,
			     const struct flt_related_objects *objs, int status)
{
	flt_set_cancel_completion(data, the_routine);
	wait_rc = flt_cancellable_wait_for_single_object(&object, MAX_SCHEDULE_TIMEOUT, data);
	set_rc = flt_clear_cancel_completion(data);
	return status;
}

/* CAN-09: with a cancel routine, it is refused, and the routine stays */
static void a_wait_with_a_routine_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	prepare_wait(0);
	b.on_pre = wait_with_routine;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, set_rc, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* CAN-09: who waits has it; another who clears or completes it is refused */
static void who_waits_holds_the_operation(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	prepare_wait(MAX_SCHEDULE_TIMEOUT);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, completion_waited_for(&object));
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), STATUS_CANCELLED);
	flt_complete_pended_preoperation(last, FLT_PREOP_COMPLETE, NULL);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	helper_join(test, 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

static int wait_for_several(enum flt_wait_type type, long timeout)
{
	return flt_cancellable_wait_for_multiple_objects(NR_OBJECTS, pointers, type, timeout,
							 NULL);
}

/* CAN-09: the lowest that is complete, and no other is taken */
static void one_of_several_is_taken(struct kunit *test)
{
	prepare_several();
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ANY, 0), STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ANY, 2), STATUS_TIMEOUT);
	complete(&several[2]);
	complete(&several[1]);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ANY, 0), 1);
	KUNIT_EXPECT_TRUE(test, completion_done(&several[2]));
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ANY, MAX_SCHEDULE_TIMEOUT), 2);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ANY, 0), STATUS_TIMEOUT);
}

/* CAN-09: all, or nothing is taken */
static void all_of_several_are_taken(struct kunit *test)
{
	prepare_several();
	complete(&several[0]);
	complete(&several[2]);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ALL, 2), STATUS_TIMEOUT);
	KUNIT_EXPECT_TRUE(test, completion_done(&several[0]));
	KUNIT_EXPECT_TRUE(test, completion_done(&several[2]));
	complete(&several[1]);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ALL, MAX_SCHEDULE_TIMEOUT), 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&several[0]));
	KUNIT_EXPECT_FALSE(test, completion_done(&several[1]));
	KUNIT_EXPECT_FALSE(test, completion_done(&several[2]));
}

static void take_another(void *taken)
{
	*(bool *)taken = try_wait_for_completion(&several[1]);
}

/* CAN-09: another thread takes one when all were complete: what was taken before it is put back */
static void one_of_all_is_taken_by_another(struct kunit *test)
{
	bool taken = false;
	int i;

	prepare_several();
	for (i = 0; i < NR_OBJECTS; i++)
		complete(&several[i]);
	tf_race_arm_action("wait_take_all", take_another, &taken);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ALL, 0), STATUS_TIMEOUT);
	KUNIT_EXPECT_TRUE(test, taken);
	KUNIT_EXPECT_TRUE(test, completion_done(&several[0]));
	KUNIT_EXPECT_FALSE(test, completion_done(&several[1]));
	KUNIT_EXPECT_TRUE(test, completion_done(&several[2]));
	complete(&several[1]);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ALL, 0), 0);
}

/* CAN-10: how many, of which kind, for how long */
static void several_are_counted(struct kunit *test)
{
	prepare_several();
	KUNIT_EXPECT_EQ(test, wait_for_several(2, 0), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, wait_for_several(FLT_WAIT_ALL, -1), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_cancellable_wait_for_multiple_objects(0, pointers, FLT_WAIT_ANY,
									0, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test,
			flt_cancellable_wait_for_multiple_objects(FLT_MAXIMUM_WAIT_OBJECTS + 1,
								  pointers, FLT_WAIT_ANY, 0, NULL),
			STATUS_INVALID_PARAMETER);
}

static void *wait_any(void *arg)
{
	return (void *)(long)wait_for_several(FLT_WAIT_ANY, MAX_SCHEDULE_TIMEOUT);
}

static void *wait_all(void *arg)
{
	return (void *)(long)wait_for_several(FLT_WAIT_ALL, MAX_SCHEDULE_TIMEOUT);
}

static void *wait_for_last(void *arg)
{
	return (void *)(long)flt_cancellable_wait_for_single_object(&several[2],
								    MAX_SCHEDULE_TIMEOUT, NULL);
}

/* CAN-09: in their sleep */
static void sleepers_are_woken(struct kunit *test)
{
	prepare_several();
	helper_start(test, 0, wait_any, NULL);
	tf_wait_until(test, completion_waited_for(&several[2]));
	complete(&several[1]);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 1);
	KUNIT_EXPECT_FALSE(test, completion_waited_for(&several[2]));

	helper_start(test, 0, wait_all, NULL);
	tf_wait_until(test, completion_waited_for(&several[2]));
	complete(&several[0]);
	complete(&several[1]);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	complete(&several[2]);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
}

/* CAN-09: who is woken by one object and takes another does not keep that from others */
static void a_wake_up_is_passed_on(struct kunit *test)
{
	unsigned long flags;

	prepare_several();
	helper_start(test, 0, wait_any, NULL);
	tf_wait_until(test, completion_waited_for(&several[2]));
	helper_start(test, 1, wait_for_last, NULL);
	/* Both are in the queue, the first one in front. */
	tf_wait_until(test, left_on(&several[2].wait.task_list) == 2);

	/* It cannot look at the first object before both are complete. */
	raw_spin_lock_irqsave_nested(&several[0].wait.lock, flags, SINGLE_DEPTH_NESTING);
	complete(&several[2]);
	several[0].done = 1;
	raw_spin_unlock_irqrestore(&several[0].wait.lock, flags);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
}

/* CAN-09: nor does who waits for all, and does not take what has woken him */
static void what_is_not_taken_is_left_to_others(struct kunit *test)
{
	prepare_several();
	helper_start(test, 0, wait_all, NULL);
	tf_wait_until(test, completion_waited_for(&several[2]));
	helper_start(test, 1, wait_for_last, NULL);
	tf_wait_until(test, left_on(&several[2].wait.task_list) == 2);
	complete(&several[2]);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	complete(&several[0]);
	complete(&several[1]);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	complete(&several[2]);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
}

static int wait_any_in_pre(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, int status)
{
	wait_rc = flt_cancellable_wait_for_multiple_objects(NR_OBJECTS, pointers, FLT_WAIT_ANY,
							    MAX_SCHEDULE_TIMEOUT, data);
	tf->complete_status = wait_rc;
	return FLT_PREOP_COMPLETE;
}

/* CAN-09: cancelled; and the next one was cancelled before */
static void a_wait_for_several_is_cancelled(struct kunit *test)
{
	prepare_several();
	b.on_pre = wait_any_in_pre;
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, completion_waited_for(&several[2]));
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, wait_rc, STATUS_CANCELLED);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_FALSE(test, completion_waited_for(&several[2]));
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE(a_wait_without_waiting),
	KUNIT_CASE(a_wait_that_times_out),
	KUNIT_CASE(a_wait_that_succeeds),
	KUNIT_CASE(a_wait_that_is_cancelled),
	KUNIT_CASE(a_wait_that_was_cancelled),
	KUNIT_CASE(a_complete_object_counts_first),
	KUNIT_CASE(a_wait_whose_thread_is_killed),
	KUNIT_CASE(a_wait_with_a_routine_is_refused),
	KUNIT_CASE(who_waits_holds_the_operation),
	KUNIT_CASE(one_of_several_is_taken),
	KUNIT_CASE(all_of_several_are_taken),
	KUNIT_CASE(one_of_all_is_taken_by_another),
	KUNIT_CASE(several_are_counted),
	KUNIT_CASE(sleepers_are_woken),
	KUNIT_CASE(a_wake_up_is_passed_on),
	KUNIT_CASE(what_is_not_taken_is_left_to_others),
	KUNIT_CASE(a_wait_for_several_is_cancelled),
	{}
};

static struct kunit_suite wait_suite = {
	.name = "fltmgr_cancel_wait",
	.init = wait_init,
	.exit = wait_exit,
	.test_cases = wait_cases,
};

kunit_test_suite(wait_suite);

MODULE_DESCRIPTION("Tests of waits that can be cancelled");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
