// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cancelling with a routine of the filter's: who is told, and what is refused.
 */
#include <linux/module.h>

#include "testcancel.h"

static void another_routine(struct flt_callback_data *data)
{
	tf_log("B", "y");
}

/* CAN-01, CAN-02: told once, in the thread that cancels */
static void a_cancelled_operation_is_told(struct kunit *test)
{
	pend_with_routine(test);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 1);
	KUNIT_EXPECT_PTR_EQ(test, routine.task, current);
	KUNIT_EXPECT_TRUE(test, routine.could_sleep);
	KUNIT_EXPECT_TRUE(test, routine.noio);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	tf_expect_log(test, "A> B> Bx A<");
	KUNIT_EXPECT_EQ(test, op->submitted.count, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
}

/* Take the locks of the manager: the topology's, and those of all in-flight lists. */
static void take_all_locks(struct flt_callback_data *data)
{
	struct flt_volume *volume;

	if (!flt_get_volume_from_name("vol", &volume)) {
		flt_volume_cancel(volume, 0);
		flt_object_dereference(volume);
		atomic_inc(&routine.calls);
	}
	give_up(data);
}

static int set_taker(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, int status)
{
	set_rc = flt_set_cancel_completion(data, take_all_locks);
	return status;
}

/* CAN-02: without a lock of the manager's, so that it may do anything */
static void the_routine_is_called_without_a_lock(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_taker;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

/* CAN-03: cleared, it is not called, and the operation is the filter's */
static void a_cleared_routine_is_not_called(struct kunit *test)
{
	pend_with_routine(test);
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), 0);
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	/* CAN-07: nobody could be told, so it ends as if nothing were */
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
}

/* CAN-03: cancelled, it cannot be cleared; no routine, likewise */
static void a_called_routine_cannot_be_cleared(struct kunit *test)
{
	routine.leave = true;
	pend_with_routine(test);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), STATUS_CANCELLED);
	give_up(last);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 1);
}

/* CAN-04, CAN-08: pended, cancelled, then made cancellable */
static void setting_it_on_a_cancelled_operation(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	last = b.pended[0];
	KUNIT_EXPECT_FALSE(test, flt_is_io_canceled(last));
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_TRUE(test, flt_is_io_canceled(last));
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(last, the_routine), STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), STATUS_CANCELLED);
	/* not called, neither then nor by another cancel: it is still the filter's */
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
}

/* CAN-04: the mark goes with the operation, down to the next filter */
static void the_mark_reaches_lower_filters(struct kunit *test)
{
	a.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_routine;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, set_rc, STATUS_CANCELLED);
}

static bool mark_seen;

static int look_at_mark(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, u32 flags, int status)
{
	mark_seen = flt_is_io_canceled(data);
	return status;
}

/* CAN-08: the device is not told, and the operation ends as it does there */
static void what_the_device_has_is_waited_for(struct kunit *test)
{
	b.on_post = look_at_mark;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	mark_seen = false;
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_TRUE(test, mark_seen);
}

/* CAN-08: an operation that is new has none, though its memory had */
static void a_new_operation_has_no_mark(struct kunit *test)
{
	struct flt_operation *operation = &op->operation;

	operation->canceled = true;
	operation->cancel_routine = the_routine;
	b.on_post = look_at_mark;
	mark_seen = true;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_FALSE(test, mark_seen);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
}

/* CAN-01, CAN-08: of other classes than IRP */
static void other_classes_cannot_be_cancelled(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	last = b.pended[0];
	flt_sim_cancel(sim);
	last->flags &= ~FLTFL_CALLBACK_DATA_IRP_OPERATION;
	KUNIT_EXPECT_FALSE(test, flt_is_io_canceled(last));
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(last, the_routine),
			STATUS_INVALID_PARAMETER);
	last->flags |= FLTFL_CALLBACK_DATA_IRP_OPERATION;
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
}

/* CAN-01: one routine, and none that is NULL; what is refused changes nothing */
static void a_second_routine_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	pend_with_routine(test);
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(last, another_routine),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(last, the_routine),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(last, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	tf_expect_log(test, "A> B> Bx A<");
}

/* CAN-01: at the device, and completed while its pre-operation still runs */
static void only_the_holder_sets_a_routine(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(&op->operation.data, the_routine),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

static int complete_then_set(struct tf *tf, struct flt_callback_data *data,
			     const struct flt_related_objects *objs, int status)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	set_rc = flt_set_cancel_completion(data, the_routine);
	return FLT_PREOP_PENDING;
}

/* CAN-01 */
static void not_after_it_was_completed(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = complete_then_set;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, set_rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

static struct completion never;

static int use_the_copy(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, u32 flags, int status)
{
	if (!(flags & FLTFL_POST_OPERATION_DRAINING))
		return status;
	set_rc = flt_set_cancel_completion(data, the_routine) == STATUS_INVALID_PARAMETER &&
		 flt_clear_cancel_completion(data) == STATUS_CANCELLED &&
		 !flt_is_io_canceled(data) &&
		 flt_cancellable_wait_for_single_object(&never, 1, data) ==
		 STATUS_INVALID_PARAMETER;
	return status;
}

/* DRN-02, CAN-01: every call refuses a drained copy */
static void a_drained_copy_cannot_be_cancelled(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	init_completion(&never);
	b.on_post = use_the_copy;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	set_rc = 0;
	tf_unregister(&b);
	KUNIT_EXPECT_EQ(test, set_rc, 1);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 4);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* CAN-03: completed without clearing: reported, and the routine is not called */
static void completed_with_the_routine_set(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	flt_sim_set_hold(sim, true);
	pend_with_routine(test);
	tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* CAN-03: left behind by a pre-operation that did not pend */
static void a_routine_left_behind_is_not_called(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = set_routine;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, set_rc, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* CAN-03: ... above somebody who has nothing to do with it */
static void a_routine_left_behind_harms_nobody(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	a.on_pre = set_routine;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, set_rc, 0);
	/* B, who pends it, can complete it all the same */
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

static int set_in_post(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, u32 flags, int status)
{
	last = data;
	set_rc = flt_set_cancel_completion(data, the_routine);
	return status;
}

/* CAN-01, CAN-02, CAN-03: what a post-operation pends can be cancelled as well */
static void a_pended_post_operation_is_told(struct kunit *test)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	b.on_post = set_in_post;
	routine.post = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_wait_until(test, READ_ONCE(b.nr_pended));
	KUNIT_EXPECT_EQ(test, set_rc, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	tf_expect_log(test, "A> B> B< Bx A<");
}

/* CAN-03 */
static void a_pended_post_operation_is_cleared(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	b.on_post = set_in_post;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(last), 0);
	/* set again, and completed with it: reported */
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(last, the_routine), 0);
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), 0);
}

/* CAN-02: by age */
static void only_what_is_old_enough_is_cancelled(struct kunit *test)
{
	pend_with_routine(test);
	op->operation.start = jiffies - 1000;
	KUNIT_EXPECT_EQ(test, flt_volume_cancel(flt_sim_volume(sim), 1000000), 0);
	KUNIT_EXPECT_FALSE(test, flt_is_io_canceled(last));
	KUNIT_EXPECT_EQ(test, flt_volume_cancel(flt_sim_volume(sim), 1000), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

#define MANY	40

static int set_on_all(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, int status)
{
	/* Every other one can be told. */
	if (data->iopb->parameters.read.byte_offset & 1)
		set_rc = flt_set_cancel_completion(data, the_routine) ? -1 : set_rc;
	return status;
}

/* CAN-02, CAN-08: all that are in flight, whether they can be told or not */
static void all_operations_are_cancelled(struct kunit *test)
{
	struct flt_sim_op *ops[MANY];
	int i;

	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_on_all;
	for (i = 0; i < MANY; i++) {
		ops[i] = flt_sim_op_alloc(sim, FLT_CLASS_READ, i, 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ops[i]);
		set_cpus_allowed_ptr(current, cpumask_of(i % num_online_cpus()));
		flt_sim_start(ops[i]);
	}
	KUNIT_EXPECT_NE(test, set_rc, -1);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), MANY / 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&routine.calls), MANY / 2);
	for (i = 0; i < MANY; i++) {
		if (i & 1) {
			/* Not by the time the routine has returned: somewhere else. */
			KUNIT_EXPECT_EQ(test, flt_sim_op_wait(ops[i], TF_WAIT), 0);
			continue;
		}
		KUNIT_EXPECT_FALSE(test, flt_sim_op_done(ops[i]));
		KUNIT_EXPECT_TRUE(test, flt_is_io_canceled(&ops[i]->operation.data));
		flt_complete_pended_preoperation(&ops[i]->operation.data,
						 FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	}
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(ops[i], TF_WAIT), 0);
		KUNIT_EXPECT_EQ(test, ops[i]->status, i & 1 ? STATUS_CANCELLED : 0);
		flt_sim_op_free(ops[i]);
	}
	b.nr_pended = 0;
}

static struct kunit_case cancel_cases[] = {
	KUNIT_CASE(a_cancelled_operation_is_told),
	KUNIT_CASE(the_routine_is_called_without_a_lock),
	KUNIT_CASE(a_cleared_routine_is_not_called),
	KUNIT_CASE(a_called_routine_cannot_be_cleared),
	KUNIT_CASE(setting_it_on_a_cancelled_operation),
	KUNIT_CASE(the_mark_reaches_lower_filters),
	KUNIT_CASE(what_the_device_has_is_waited_for),
	KUNIT_CASE(a_new_operation_has_no_mark),
	KUNIT_CASE(other_classes_cannot_be_cancelled),
	KUNIT_CASE(a_second_routine_is_refused),
	KUNIT_CASE(only_the_holder_sets_a_routine),
	KUNIT_CASE(not_after_it_was_completed),
	KUNIT_CASE(a_drained_copy_cannot_be_cancelled),
	KUNIT_CASE(completed_with_the_routine_set),
	KUNIT_CASE(a_routine_left_behind_is_not_called),
	KUNIT_CASE(a_routine_left_behind_harms_nobody),
	KUNIT_CASE(a_pended_post_operation_is_told),
	KUNIT_CASE(a_pended_post_operation_is_cleared),
	KUNIT_CASE(only_what_is_old_enough_is_cancelled),
	KUNIT_CASE(all_operations_are_cancelled),
	{}
};

static struct kunit_suite cancel_suite = {
	.name = "fltmgr_cancel",
	.init = cancel_test_init,
	.exit = cancel_test_exit,
	.test_cases = cancel_cases,
};

kunit_test_suite(cancel_suite);

MODULE_DESCRIPTION("Tests of cancelling");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
