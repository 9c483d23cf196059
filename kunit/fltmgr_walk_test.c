// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of an operation: order, answers of pre-operations, post-operations.
 */
#include <linux/module.h>

#include "testfilter.h"

static struct flt_sim *sim;
static struct tf a, b, c;

static int walk_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	return 0;
}

static void walk_exit(struct kunit *test)
{
	struct tf *all[] = { &a, &b, &c };
	int i;

	tf_race_disarm();
	for (i = 0; i < ARRAY_SIZE(all); i++)
		tf_drop(all[i]);
	flt_sim_destroy(sim);
}

static void start_all(struct kunit *test)
{
	/* Lowest first: order comes from the altitude, not from the time. */
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
}

/* STK-01, STK-02, PRE-10, PST-01, PST-06, OPC-01 */
static void order_is_down_then_up(struct kunit *test)
{
	start_all(test);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

/* PRE-10 */
static void no_callback_is_not_called_back(struct kunit *test)
{
	start_all(test);
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	tf_expect_log(test, "A> B> C> C< A<");
}

/* STK-03, PRE-14, MOD-04 */
static void complete_turns_round(struct kunit *test)
{
	start_all(test);
	b.pre_status = FLT_PREOP_COMPLETE;
	b.complete_status = -ENOSPC;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), -ENOSPC);
	tf_expect_log(test, "A> B> A<");
	KUNIT_EXPECT_EQ(test, a.seen.io_status.status, -ENOSPC);
}

/* PRE-12 */
static void complete_needs_a_final_status(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	start_all(test);
	b.pre_status = FLT_PREOP_COMPLETE;
	b.complete_status = STATUS_PENDING;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), STATUS_FLT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* PRE-12, PRE-16 */
static void only_the_manager_disallows_fast_io(struct kunit *test)
{
	start_all(test);
	b.pre_status = FLT_PREOP_COMPLETE;
	b.complete_status = STATUS_FLT_DISALLOW_FAST_IO;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), STATUS_FLT_INTERNAL_ERROR);
}

/* SEV-01, SEV-03, PRE-10 */
static void complete_may_succeed_in_other_ways(struct kunit *test)
{
	start_all(test);
	b.pre_status = FLT_PREOP_COMPLETE;
	b.complete_status = STATUS_REPARSE;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), STATUS_REPARSE);
	KUNIT_EXPECT_FALSE(test, flt_status_is_error(a.seen.io_status.status));
}

/* PRE-11, STK-04 */
static void callback_without_post_operation_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	tf_without_post(&b);
	b.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	start_all(test);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), STATUS_FLT_INTERNAL_ERROR);
	tf_expect_log(test, "A> B> A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* PRE-10, PRE-15, PRE-21: not for this class, or not a status at all */
static void illegal_answers_fail_the_operation(struct kunit *test)
{
	static const int illegal[] = {
		FLT_PREOP_DISALLOW_FASTIO, FLT_PREOP_DISALLOW_FSFILTER_IO, 7, -EIO,
	};
	unsigned int before = flt_violation_count();
	int i;

	start_all(test);
	for (i = 0; i < ARRAY_SIZE(illegal); i++) {
		tf_log_clear();
		b.pre_status = illegal[i];
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ),
				STATUS_FLT_INTERNAL_ERROR);
		tf_expect_log(test, "A> B> A<");
		KUNIT_EXPECT_EQ(test, flt_violation_count(), before + i + 1);
	}
}

static int context_and_no_callback(struct flt_callback_data *data,
				   const struct flt_related_objects *objs, void **context)
{
	*context = &b;
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* PRE-22 */
static void context_without_callback_is_reported(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.ops[FLT_CLASS_READ].pre_operation = context_and_no_callback;
	start_all(test);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 0);
}

/* REG-21, PST-12, CON-12 */
static void post_only_is_called_with_no_context(struct kunit *test)
{
	tf_without_pre(&b);
	start_all(test);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "A> C> C< B< A<");
	KUNIT_EXPECT_NULL(test, b.seen_context);
}

/* REG-21 */
static void pre_only_is_legal(struct kunit *test)
{
	tf_without_post(&b);
	start_all(test);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "A> B> C> C< A<");
}

/* REG-24: an operation nobody registered for does not come to us at all */
static void unregistered_classes_bypass(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_FLUSH, 0, 0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, op);
	a.ops[0].major_function = IRP_MJ_READ;
	a.ops[1].major_function = IRP_MJ_OPERATION_END;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_start(op), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_FALSE(test, op->filtered);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
	flt_sim_op_free(op);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
}

static int check_data(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, int status)
{
	const struct flt_io_parameter_block *iopb = data->iopb;

	if (iopb->major_function == IRP_MJ_WRITE && iopb->parameters.write.byte_offset == 4096 &&
	    iopb->parameters.write.length == 4096 && objs->filter == tf->filter &&
	    objs->volume == flt_sim_volume(sim) && iopb->target_instance == objs->instance &&
	    data->requestor_pid == current->pid &&
	    !strcmp(flt_instance_name(objs->instance), "A") &&
	    data->flags == FLTFL_CALLBACK_DATA_IRP_OPERATION)
		tf_log(tf->name, "+");
	return status;
}

/* OPC-01, OPC-03, OPC-06, OPC-09, INV-14 */
static void data_says_what_is_asked(struct kunit *test)
{
	a.on_pre = check_data;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	tf_expect_log(test, "A> A+ A<");
	KUNIT_EXPECT_EQ(test, a.seen_iopb.major_function, IRP_MJ_WRITE);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, 4096);
	KUNIT_EXPECT_EQ(test, a.seen.flags, FLTFL_CALLBACK_DATA_IRP_OPERATION |
			FLTFL_CALLBACK_DATA_POST_OPERATION);
	KUNIT_EXPECT_EQ(test, a.post_flags, 0);
	KUNIT_EXPECT_PTR_EQ(test, a.seen_context, (void *)&a);
}

static int fail_in_post(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, u32 flags, int status)
{
	data->io_status.status = -EIO;
	data->io_status.information = 0;
	return status;
}

/* PST-09, MOD-04 */
static void post_may_turn_success_into_failure(struct kunit *test)
{
	start_all(test);
	b.on_post = fail_in_post;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), -EIO);
	KUNIT_EXPECT_EQ(test, c.seen.io_status.status, 0);
	KUNIT_EXPECT_EQ(test, a.seen.io_status.status, -EIO);
}

/* PST-05, PST-08: not on these classes; taken as finished */
static void illegal_post_answers_are_reported(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	start_all(test);
	b.post_status = FLT_POSTOP_DISALLOW_FSFILTER_IO;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* PST-02, STK-02: in whatever context the device completes */
static void post_runs_where_the_device_completes(struct kunit *test)
{
	static const enum flt_sim_context where[] = {
		FLT_SIM_WORKER, FLT_SIM_SOFTIRQ, FLT_SIM_HARDIRQ,
	};
	int i;

	start_all(test);
	for (i = 0; i < ARRAY_SIZE(where); i++) {
		tf_log_clear();
		flt_sim_set_context(sim, where[i]);
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
		tf_expect_log(test, "A> B> C> C< B< A<");
		KUNIT_EXPECT_EQ(test, a.post_could_sleep, where[i] == FLT_SIM_WORKER);
	}
}

/* PRE-10, PRE-18, PST-03: own thread, sleepable, wherever the device completes */
static void synchronize_comes_back_to_the_thread(struct kunit *test)
{
	int where;

	start_all(test);
	b.pre_status = FLT_PREOP_SYNCHRONIZE;
	for (where = 0; where < FLT_SIM_NR_CONTEXTS; where++) {
		tf_log_clear();
		flt_sim_set_context(sim, where);
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
		tf_expect_log(test, "A> B> C> C< B< A<");
		KUNIT_EXPECT_PTR_EQ(test, b.post_task, current);
		KUNIT_EXPECT_TRUE(test, b.post_could_sleep);
		KUNIT_EXPECT_PTR_EQ(test, b.seen_context, (void *)&b);
		/* those above share the thread, those below do not have to */
		KUNIT_EXPECT_PTR_EQ(test, a.post_task, current);
	}
}

/* PRE-18 */
static void two_synchronize_in_one_stack(struct kunit *test)
{
	start_all(test);
	a.pre_status = FLT_PREOP_SYNCHRONIZE;
	c.pre_status = FLT_PREOP_SYNCHRONIZE;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, current);
	KUNIT_EXPECT_PTR_EQ(test, c.post_task, current);
}

/* PRE-14, PRE-18 */
static void synchronize_and_complete_below(struct kunit *test)
{
	start_all(test);
	a.pre_status = FLT_PREOP_SYNCHRONIZE;
	c.pre_status = FLT_PREOP_COMPLETE;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "A> B> C> B< A<");
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, current);
}

/* ATT-14, PST-13, STK-04: attached above and below while it is at the device */
static void an_operation_in_flight_is_not_seen_by_newcomers(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, op);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres) + atomic_read(&a.posts), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.pres) + atomic_read(&c.posts), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
}

/* ATT-14, STK-01: attached below while the operation is pended above */
static void a_newcomer_below_is_on_the_way(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, op);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	tf_log_clear();
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
	tf_expect_log(test, "C> C< B<");
}

#define MANY	(FLT_INLINE_NODES + 6)

/* STK-01, STK-02, STK-04: more owed post-operations than an operation holds */
static void many_filters_need_nodes_from_the_pools(struct kunit *test)
{
	struct tf *many = kunit_kcalloc(test, MANY, sizeof(*many), GFP_KERNEL);
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);
	char names[MANY][8], altitudes[MANY][8];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, many);
	KUNIT_ASSERT_NOT_NULL(test, op);
	for (i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "m%d", i);
		snprintf(altitudes[i], sizeof(altitudes[i]), "%d", 1000 - i);
		tf_init(&many[i], names[i], altitudes[i]);
		KUNIT_ASSERT_EQ(test, tf_register(&many[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	/* and once more, drained while it is below: nodes outlive their instances */
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	for (i = 0; i < MANY; i++)
		tf_unregister(&many[i]);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, atomic_read(&many[i].pres), 2);
		KUNIT_EXPECT_EQ(test, atomic_read(&many[i].posts), 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&many[i].drains), 1);
	}
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(order_is_down_then_up),
	KUNIT_CASE(no_callback_is_not_called_back),
	KUNIT_CASE(complete_turns_round),
	KUNIT_CASE(complete_needs_a_final_status),
	KUNIT_CASE(only_the_manager_disallows_fast_io),
	KUNIT_CASE(complete_may_succeed_in_other_ways),
	KUNIT_CASE(callback_without_post_operation_is_refused),
	KUNIT_CASE(illegal_answers_fail_the_operation),
	KUNIT_CASE(context_without_callback_is_reported),
	KUNIT_CASE(post_only_is_called_with_no_context),
	KUNIT_CASE(pre_only_is_legal),
	KUNIT_CASE(unregistered_classes_bypass),
	KUNIT_CASE(data_says_what_is_asked),
	KUNIT_CASE(post_may_turn_success_into_failure),
	KUNIT_CASE(illegal_post_answers_are_reported),
	KUNIT_CASE(post_runs_where_the_device_completes),
	KUNIT_CASE(synchronize_comes_back_to_the_thread),
	KUNIT_CASE(two_synchronize_in_one_stack),
	KUNIT_CASE(synchronize_and_complete_below),
	KUNIT_CASE(an_operation_in_flight_is_not_seen_by_newcomers),
	KUNIT_CASE(a_newcomer_below_is_on_the_way),
	KUNIT_CASE(many_filters_need_nodes_from_the_pools),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "fltmgr_walk",
	.init = walk_init,
	.exit = walk_exit,
	.test_cases = walk_cases,
};

kunit_test_suite(walk_suite);

MODULE_DESCRIPTION("Tests of the way of an operation");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
