// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callback-data queues: what each call promises.
 */
#include <linux/module.h>

#include "testcbdq.h"

/* CBQ-01, CBQ-16: set up in the setup callback, enabled */
static void a_queue_is_set_up_enabled(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, flt_sim_volume(sim));
	struct tq t;

	KUNIT_EXPECT_PTR_EQ(test, q.cbdq.instance, inst);
	KUNIT_EXPECT_EQ(test, q.locks, 0);
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, op, 0);

	KUNIT_EXPECT_EQ(test, flt_cbdq_initialize(inst, &t.cbdq, NULL, tq_remove, tq_peek_next,
						  tq_acquire, tq_release, tq_complete_canceled),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_cbdq_initialize(inst, &t.cbdq, tq_insert, tq_remove,
						  tq_peek_next, tq_acquire, tq_release, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_cbdq_initialize(NULL, &t.cbdq, tq_insert, tq_remove,
						  tq_peek_next, tq_acquire, tq_release,
						  tq_complete_canceled),
			STATUS_INVALID_PARAMETER);
}

static void through_the_queue(struct kunit *test)
{
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_EQ(test, q.inserts, 1);
	KUNIT_EXPECT_EQ(test, q.removes, 0);
	KUNIT_EXPECT_PTR_EQ(test, q.insert_context, (void *)&b);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	flt_cbdq_disable(&q.cbdq);
	flt_cbdq_enable(&q.cbdq);
	/* insert, twice remove-next, disable, enable; the lock was right each time */
	KUNIT_EXPECT_EQ(test, q.locks, 5);
	KUNIT_EXPECT_EQ(test, q.wrong, 0);
	tf_expect_log(test, "A> B> A<");
}

/* CBQ-02, CBQ-03, CBQ-07: with a spinlock */
static void a_queue_with_a_spinlock(struct kunit *test)
{
	through_the_queue(test);
}

/* CBQ-02, CBQ-03: with a sleeping lock */
static void a_queue_with_a_mutex(struct kunit *test)
{
	use_a_mutex(test);
	through_the_queue(test);
}

/* CBQ-03: with a spinlock, in atomic context */
static void a_queue_in_atomic_context(struct kunit *test)
{
	struct flt_callback_data *data;

	flt_sim_start(op);
	local_irq_disable();
	data = flt_cbdq_remove_next_io(&q.cbdq, NULL);
	insert_rc = flt_cbdq_insert_io(&q.cbdq, data, NULL, NULL);
	data = flt_cbdq_remove_next_io(&q.cbdq, NULL);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_ASSERT_NOT_NULL(test, data);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	tf_expect_ended(test, op, 0);
}

/* CBQ-04: any success of the insert routine is one, and comes back */
static void inserting_says_what_the_routine_says(struct kunit *test)
{
	q.insert_status = STATUS_PENDING;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, insert_rc, STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

/* CBQ-05: refused: it is not queued, not cancellable, and the filter's */
static void a_failed_insert_queues_nothing(struct kunit *test)
{
	q.insert_status = STATUS_INSUFFICIENT_RESOURCES;
	flt_sim_set_hold(sim, true);
	name_with = &named;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, insert_rc, STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_NULL(test, named.data);
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	/* it was passed on, and a cancel finds nobody to be told */
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_EQ(test, q.removes, 0);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* CBQ-04, CBQ-13, CBQ-14, CBQ-15, INV-13 */
static void a_disabled_queue(struct kunit *test)
{
	struct flt_sim_op *late = another_op(test, 1), *later = another_op(test, 2);

	flt_sim_start(op);
	flt_cbdq_disable(&q.cbdq);
	/* what is in it stays, and is neither removed nor completed */
	KUNIT_EXPECT_EQ(test, q.removes, 0);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_sim_start(late);
	KUNIT_EXPECT_EQ(test, insert_rc, STATUS_FLT_CBDQ_DISABLED);
	KUNIT_EXPECT_EQ(test, q.inserts, 1);
	tf_expect_ended(test, late, 0);
	/* it is drained, and empty for good */
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	KUNIT_EXPECT_TRUE(test, list_empty(&q.list));

	flt_cbdq_enable(&q.cbdq);
	flt_sim_start(later);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(later));
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, later, 0);
	flt_sim_op_free(late);
	flt_sim_op_free(later);
}

static int cancel_then_insert(struct tf *tf, struct flt_callback_data *data,
			      const struct flt_related_objects *objs, int status)
{
	flt_sim_cancel(sim);
	return insert_in_pre(tf, data, objs, status);
}

/* CBQ-06: inserted, removed, told, at once and in this thread */
static void inserting_what_is_cancelled(struct kunit *test)
{
	b.on_pre = cancel_then_insert;
	name_with = &named;
	flt_sim_start(op);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_EQ(test, q.inserts, 1);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 1);
	KUNIT_EXPECT_PTR_EQ(test, q.cancel_task, current);
	KUNIT_EXPECT_NULL(test, named.data);
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	tf_expect_log(test, "A> B> Bx A<");
}

/* CBQ-07, CBQ-08: by its name, once */
static void removing_a_certain_one(struct kunit *test)
{
	struct flt_sim_op *other = another_op(test, 1);
	struct flt_callback_data *data;

	flt_sim_start(other);
	name_with = &named;
	flt_sim_start(op);
	data = flt_cbdq_remove_io(&q.cbdq, &named);
	KUNIT_EXPECT_PTR_EQ(test, data, &op->operation.data);
	KUNIT_EXPECT_EQ(test, q.peeks, 0);
	KUNIT_EXPECT_NULL(test, flt_cbdq_remove_io(&q.cbdq, &named));
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_expect_ended(test, other, STATUS_CANCELLED);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	tf_expect_ended(test, op, 0);
	flt_sim_op_free(other);
}

/* CBQ-08: ... not if it was removed as the next, or cancelled */
static void a_certain_one_that_is_gone(struct kunit *test)
{
	struct flt_sim_op *other = another_op(test, 1);

	name_with = &named;
	flt_sim_start(op);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	KUNIT_EXPECT_NULL(test, flt_cbdq_remove_io(&q.cbdq, &named));
	tf_expect_ended(test, op, 0);

	flt_sim_start(other);
	KUNIT_EXPECT_NOT_NULL(test, named.data);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_NULL(test, flt_cbdq_remove_io(&q.cbdq, &named));
	tf_expect_ended(test, other, STATUS_CANCELLED);
	flt_sim_op_free(other);
}

/* CBQ-09, CBQ-17: what matches is the filter's business; peeking removes nothing */
static void removing_the_next_that_matches(struct kunit *test)
{
	struct flt_sim_op *ops[4];
	struct flt_callback_data *data;
	u64 offset = 1;
	int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ops[i] = another_op(test, i / 2);
		flt_sim_start(ops[i]);
	}
	data = flt_cbdq_remove_next_io(&q.cbdq, &offset);
	KUNIT_EXPECT_PTR_EQ(test, data, &ops[2]->operation.data);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	offset = 7;
	KUNIT_EXPECT_NULL(test, flt_cbdq_remove_next_io(&q.cbdq, &offset));
	data = flt_cbdq_remove_next_io(&q.cbdq, NULL);
	KUNIT_EXPECT_PTR_EQ(test, data, &ops[0]->operation.data);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	while (tq_pass(&q))
		;
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		tf_expect_ended(test, ops[i], 0);
		flt_sim_op_free(ops[i]);
	}
}

/* CBQ-10, CBQ-11, CBQ-12: removed under the lock, then told without it */
static void a_cancelled_operation_leaves_the_queue(struct kunit *test)
{
	q.keep = true;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, q.removes, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 1);
	KUNIT_EXPECT_PTR_EQ(test, q.canceled, &op->operation.data);
	KUNIT_EXPECT_TRUE(test, list_empty(&q.list));
	KUNIT_EXPECT_FALSE(test, tq_pass(&q));
	/* it is the filter's until it completes it */
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	tq_give_up(&q, q.canceled);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

/* CBQ-10: removed, it cannot be cancelled any more */
static void a_removed_operation_is_not_cancelled(struct kunit *test)
{
	struct flt_callback_data *data;

	flt_sim_start(op);
	data = flt_cbdq_remove_next_io(&q.cbdq, NULL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 0);
	KUNIT_EXPECT_TRUE(test, flt_is_io_canceled(data));
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	tf_expect_ended(test, op, 0);
}

static int insert_in_post(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, u32 flags, int status)
{
	int rc = flt_cbdq_insert_io(&q.cbdq, data, name_with, tf);

	WRITE_ONCE(insert_rc, rc);
	return flt_status_is_error(rc) ? FLT_POSTOP_FINISHED_PROCESSING :
	       FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

/* CBQ-03, CBQ-10: what a post-operation pends, in a hard interrupt */
static void a_queue_of_post_operations(struct kunit *test)
{
	struct flt_sim_op *other = another_op(test, 1);

	b.on_pre = NULL;
	b.on_post = insert_in_post;
	q.post = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_wait_until(test, READ_ONCE(b.nr_pended) == 1);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	flt_sim_start(other);
	tf_wait_until(test, READ_ONCE(b.nr_pended) == 2);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, other, 0);
	flt_sim_op_free(other);
}

static void no_routine(struct flt_callback_data *data)
{
	tf_log("B", "y");
}

/* CAN-01: an operation in a queue gets no cancel routine, and none is taken from it */
static void no_cancel_routine_in_a_queue(struct kunit *test)
{
	struct flt_callback_data *data = &op->operation.data;
	unsigned int before = flt_violation_count();

	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(data, no_routine),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, flt_clear_cancel_completion(data), STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	tf_expect_ended(test, op, STATUS_CANCELLED);
	tf_expect_log(test, "A> B> Bx A<");
}

static int set_then_insert(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, int status)
{
	int rc = flt_set_cancel_completion(data, no_routine);

	status = rc ?: insert_in_pre(tf, data, objs, status);
	flt_clear_cancel_completion(data);
	return status;
}

/* CAN-01: an operation with a cancel routine is not queued */
static void no_queue_with_a_cancel_routine(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = set_then_insert;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, insert_rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, q.inserts, 0);
}

static int insert_twice(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	status = insert_in_pre(tf, data, objs, status);
	insert_rc = flt_cbdq_insert_io(&q.cbdq, data, NULL, NULL);
	return status;
}

/* CAN-01: nor twice; the list is not touched */
static void nothing_is_queued_twice(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = insert_twice;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, insert_rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, q.inserts, 1);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, op, 0);
}

static int insert_as_a(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	/* OPC-02: and nothing of another class */
	data->flags ^= FLTFL_CALLBACK_DATA_IRP_OPERATION;
	b.on_pre(tf, data, objs, status);
	data->flags ^= FLTFL_CALLBACK_DATA_IRP_OPERATION;
	return b.on_pre(tf, data, objs, status);
}

/* CBQ-01: an operation that stands at another instance, or of another class */
static void only_operations_of_its_instance(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	a.on_pre = insert_as_a;
	flt_sim_start(op);
	/* B, below, may */
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	KUNIT_EXPECT_EQ(test, insert_rc, 0);
	KUNIT_EXPECT_EQ(test, q.inserts, 1);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, op, 0);
}

static int insert_the_copy(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING)
		insert_rc = flt_cbdq_insert_io(&q.cbdq, data, NULL, NULL);
	return status;
}

/* DRN-02, CBQ-01 */
static void no_drained_copy_is_queued(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = NULL;
	b.on_post = insert_the_copy;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	tf_unregister(&b);
	KUNIT_EXPECT_EQ(test, insert_rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* CBQ-10: in the queue it is not the filter's to complete */
static void completing_what_is_in_the_queue_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	flt_sim_start(op);
	flt_complete_pended_preoperation(&op->operation.data, FLT_PREOP_COMPLETE, NULL);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	tf_expect_ended(test, op, 0);
}

static void *detach_b(void *arg)
{
	return (void *)(long)flt_detach_volume(b.filter, flt_sim_volume(sim), NULL);
}

static void disable_only(struct tf *tf, const struct flt_related_objects *objs)
{
	flt_cbdq_disable(&q.cbdq);
}

/* CBQ-18, TDN-20: what stays in the queue holds the teardown, a removal lets it go */
static void what_stays_in_the_queue_holds_the_teardown(struct kunit *test)
{
	b.on_start = disable_only;
	flt_sim_start(op);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_TRUE(test, tq_pass(&q));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	tf_expect_ended(test, op, 0);
}

/* CBQ-11, CBQ-18: ... and so does a cancel */
static void a_cancel_lets_the_teardown_go(struct kunit *test)
{
	b.on_start = disable_only;
	flt_sim_start(op);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	KUNIT_EXPECT_EQ(test, flt_sim_cancel(sim), 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, STATUS_CANCELLED);
}

/* CBQ-13, CBQ-16: as teardown_start is to do it */
static void teardown_start_drains_the_queue(struct kunit *test)
{
	struct flt_sim_op *other = another_op(test, 1);

	flt_sim_start(op);
	flt_sim_start(other);
	tf_log_clear();
	tf_unregister(&b);
	tf_expect_ended(test, op, 0);
	tf_expect_ended(test, other, 0);
	KUNIT_EXPECT_TRUE(test, q.cbdq.disabled);
	KUNIT_EXPECT_EQ(test, atomic_read(&q.cancels), 0);
	tf_expect_log(test, "B[ A< A< B]");
	flt_sim_op_free(other);
}

static struct kunit_case cbdq_cases[] = {
	KUNIT_CASE(a_queue_is_set_up_enabled),
	KUNIT_CASE(a_queue_with_a_spinlock),
	KUNIT_CASE(a_queue_with_a_mutex),
	KUNIT_CASE(a_queue_in_atomic_context),
	KUNIT_CASE(inserting_says_what_the_routine_says),
	KUNIT_CASE(a_failed_insert_queues_nothing),
	KUNIT_CASE(a_disabled_queue),
	KUNIT_CASE(inserting_what_is_cancelled),
	KUNIT_CASE(removing_a_certain_one),
	KUNIT_CASE(a_certain_one_that_is_gone),
	KUNIT_CASE(removing_the_next_that_matches),
	KUNIT_CASE(a_cancelled_operation_leaves_the_queue),
	KUNIT_CASE(a_removed_operation_is_not_cancelled),
	KUNIT_CASE(a_queue_of_post_operations),
	KUNIT_CASE(no_cancel_routine_in_a_queue),
	KUNIT_CASE(no_queue_with_a_cancel_routine),
	KUNIT_CASE(nothing_is_queued_twice),
	KUNIT_CASE(only_operations_of_its_instance),
	KUNIT_CASE(no_drained_copy_is_queued),
	KUNIT_CASE(completing_what_is_in_the_queue_is_refused),
	KUNIT_CASE(what_stays_in_the_queue_holds_the_teardown),
	KUNIT_CASE(a_cancel_lets_the_teardown_go),
	KUNIT_CASE(teardown_start_drains_the_queue),
	{}
};

static struct kunit_suite cbdq_suite = {
	.name = "fltmgr_cbdq",
	.init = cbdq_test_init,
	.exit = cbdq_test_exit,
	.test_cases = cbdq_cases,
};

kunit_test_suite(cbdq_suite);

MODULE_DESCRIPTION("Tests of callback-data queues");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
