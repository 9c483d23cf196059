// SPDX-License-Identifier: GPL-2.0-only
/*
 * Teardown: what happens to each kind of operation in flight, in which order
 * the callbacks come, and who does not have to wait for whom.
 */
#include <linux/module.h>

#include "testfilter.h"

static struct flt_sim *sim;
static struct flt_sim_op *op;
static struct tf a, b, c;

static int teardown_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 8192, 4096, GFP_KERNEL);
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

static void complete_posts(struct tf *tf)
{
	struct flt_callback_data *data;

	while (tf->post_status == FLT_POSTOP_MORE_PROCESSING_REQUIRED && (data = tf_take(tf)))
		flt_complete_pended_postoperation(data);
}

static void teardown_exit(struct kunit *test)
{
	struct tf *all[] = { &a, &b, &c };
	int i;

	tf_race_disarm();
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		complete_posts(all[i]);
		all[i]->complete_in_start = true;
		tf_drop(all[i]);
	}
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

/* Send the operation down and have the device keep it. */
static void hold_at_device(struct kunit *test)
{
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
}

static int detach(struct tf *tf)
{
	return flt_detach_volume(tf->filter, flt_sim_volume(sim), NULL);
}

static void *detach_thread(void *arg)
{
	return (void *)(long)detach(arg);
}

static enum flt_instance_state state_of(struct tf *tf)
{
	struct flt_instance *inst = tf_instance(tf, flt_sim_volume(sim));

	return inst ? READ_ONCE(inst->state) : FLT_INSTANCE_GONE;
}

static void *start_op(void *arg)
{
	flt_sim_start(op);
	return NULL;
}

/* TDN-10..TDN-18, TDN-40, DET-03, INV-06 */
static void callbacks_come_once_and_in_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	tf_expect_log(test, "Bq B[ B]");
	KUNIT_EXPECT_EQ(test, b.reason, FLTFL_INSTANCE_TEARDOWN_MANUAL);
	/* its filter and the others are as before */
	KUNIT_EXPECT_EQ(test, b.filter->state, FLT_FILTER_FILTERING);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "A> C> C< A<");
}

/* TDN-40: it may be attached again */
static void attached_again_after_a_detach(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, flt_sim_volume(sim), NULL, NULL), 0);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

/* DRN-01..DRN-06, DRN-09, DRN-10, TDN-14, DRN-11, INV-01 */
static void owed_post_operation_is_drained(struct kunit *test)
{
	hold_at_device(test);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	tf_expect_log(test, "Bq B[ B! B]");

	/* DRN-02: a duplicate, with nothing of the provider's in it */
	KUNIT_EXPECT_EQ(test, b.post_flags, FLTFL_POST_OPERATION_DRAINING);
	KUNIT_EXPECT_NULL(test, b.seen.operation);
	KUNIT_EXPECT_NULL(test, b.seen_iopb.parameters.write.bio);
	KUNIT_EXPECT_PTR_NE(test, (void *)b.seen.iopb, (void *)&op->operation.iopb);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.major_function, IRP_MJ_WRITE);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.parameters.write.byte_offset, 8192);
	KUNIT_EXPECT_PTR_EQ(test, b.seen_context, (void *)&b);
	/* DRN-04, DRN-05 */
	KUNIT_EXPECT_EQ(test, b.seen.flags, FLTFL_CALLBACK_DATA_IRP_OPERATION |
			FLTFL_CALLBACK_DATA_POST_OPERATION | FLTFL_CALLBACK_DATA_DRAINING_IO);
	KUNIT_EXPECT_EQ(test, b.seen.io_status.status, STATUS_FLT_POST_OPERATION_CLEANUP);
	/* DRN-03 */
	KUNIT_EXPECT_TRUE(test, b.post_could_sleep);

	/* DRN-09, DRN-10: the real completion passes it by */
	tf_log_clear();
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "C< A<");
}

static int spoil(struct tf *tf, struct flt_callback_data *data,
		 const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING) {
		data->io_status.status = -ENOMEDIUM;
		data->iopb->parameters.write.length = 1;
		data->iopb->major_function = IRP_MJ_READ;
	}
	return status;
}

/* DRN-02: what is done to the copy goes nowhere */
static void changes_to_a_drained_copy_go_nowhere(struct kunit *test)
{
	b.on_post = spoil;
	hold_at_device(test);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, a.seen.io_status.status, 0);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.length, 4096);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.major_function, IRP_MJ_WRITE);
}

static int complete_the_copy(struct tf *tf, struct flt_callback_data *data,
			     const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_complete_pended_postoperation(data);
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
	return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

/* DRN-02, DRN-07, DRN-08: refused, reported, taken as finished */
static void a_drained_post_operation_cannot_pend(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_post = complete_the_copy;
	hold_at_device(test);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	tf_expect_log(test, "Bq B[ B! B]");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 3);
	b.on_post = NULL;
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* TDN-14: nothing to wait for, nothing to drain */
static void no_longer_involved(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	hold_at_device(test);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	tf_expect_log(test, "Bq B[ B]");
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* TDN-20, TDN-21, TDN-30, PND-09, PND-11, INV-07 */
static void a_pended_operation_is_waited_for(struct kunit *test)
{
	struct tf_thread thread;

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	tf_thread_start(test, &thread, detach_thread, &b);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	KUNIT_EXPECT_EQ(test, state_of(&b), FLT_INSTANCE_DRAINING);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);

	/* PND-11: the others are not held up by it */
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, detach(&c), 0);
	KUNIT_EXPECT_FALSE(test, tf_thread_done(&thread));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);

	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &thread), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	tf_expect_ended(test, op, 0);
	/* A was drained: its post-op was owed. C, below, was gone in time */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.pres), 0);
}

/* TDN-30, TDN-33: completed from teardown_start with a callback: drained */
static void completed_in_teardown_start_with_callback(struct kunit *test)
{
	struct tf_thread thread;

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	tf_race_arm("teardown_grace", NULL);
	tf_thread_start(test, &thread, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	tf_log_clear();
	tf_race_go();
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &thread), 0);
	tf_expect_log(test, "B[ B! B]");
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
}

/* TDN-30, TDN-41: what a well-behaved filter does */
static void completed_in_teardown_start(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	b.complete_in_start = true;
	flt_sim_start(op);
	tf_log_clear();
	tf_unregister(&b);
	tf_expect_log(test, "B[ C> C< A< B]");
	KUNIT_EXPECT_EQ(test, b.reason, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
	tf_expect_ended(test, op, 0);
}

/* TDN-33: the scan has watched the operation, which then owes a post-op */
static void a_watched_operation_drains_what_it_owes(struct kunit *test)
{
	struct tf_thread thread;

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	tf_thread_start(test, &thread, detach_thread, &b);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	tf_log_clear();
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &thread), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.pres), 1);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 0);
}

static struct completion drain_may_go;
static struct completion drain_runs;

static int block_in_drain(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING) {
		complete(&drain_runs);
		wait_for_completion(&drain_may_go);
	}
	return status;
}

static void *resume_b(void *arg)
{
	return (void *)(long)tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK);
}

/* PND-11: while B's drained post-op sleeps in the mover, C can be torn down */
static void a_lower_teardown_does_not_wait_for_a_drain_above(struct kunit *test)
{
	struct tf_thread teardown, mover;

	init_completion(&drain_may_go);
	init_completion(&drain_runs);
	b.pre_status = FLT_PREOP_PENDING;
	b.on_post = block_in_drain;
	flt_sim_start(op);
	tf_thread_start(test, &teardown, detach_thread, &b);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	tf_thread_start(test, &mover, resume_b, NULL);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&drain_runs, TF_WAIT));
	KUNIT_EXPECT_EQ(test, detach(&c), 0);
	KUNIT_EXPECT_FALSE(test, tf_thread_done(&teardown));
	complete(&drain_may_go);
	tf_thread_join(test, &mover);
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &teardown), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.pres), 0);
}

/* TDN-20, PST-07, INV-07 */
static void a_pended_post_operation_is_waited_for(struct kunit *test)
{
	struct tf_thread thread;

	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	tf_thread_start(test, &thread, detach_thread, &b);
	tf_wait_until(test, state_of(&b) == FLT_INSTANCE_DRAINING);
	tf_wait_until(test, atomic_read(&op->operation.up->state) & FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	/* A, above, still owes; it is drained and gone meanwhile */
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	flt_complete_pended_postoperation(tf_take(&b));
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &thread), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
}

static struct completion callback_may_go;
static struct completion callback_runs;

static int block_in_pre(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	complete(&callback_runs);
	wait_for_completion(&callback_may_go);
	tf_log(tf->name, "-");
	return status;
}

static int block_in_post(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, u32 flags, int status)
{
	complete(&callback_runs);
	wait_for_completion(&callback_may_go);
	tf_log(tf->name, "-");
	return status;
}

/* TDN-14, INV-04, INV-07: its pre-op runs; others above and below do not wait for it */
static void a_running_pre_operation_is_waited_for(struct kunit *test)
{
	struct tf_thread starter, teardown;

	init_completion(&callback_may_go);
	init_completion(&callback_runs);
	b.on_pre = block_in_pre;
	tf_thread_start(test, &starter, start_op, NULL);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&callback_runs, TF_WAIT));
	tf_log_clear();
	tf_thread_start(test, &teardown, detach_thread, &b);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	/* A owes a post-op on this very operation, while B sleeps in its pre-op */
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	KUNIT_EXPECT_EQ(test, detach(&c), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	complete(&callback_may_go);
	tf_thread_join(test, &starter);
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &teardown), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	tf_expect_log(test, "Bq B[ Aq A[ A! A] Cq C[ C] B- B! B]");
}

/* TDN-14, INV-04: its post-op runs */
static void a_running_post_operation_is_waited_for(struct kunit *test)
{
	struct tf_thread starter, teardown;

	init_completion(&callback_may_go);
	init_completion(&callback_runs);
	b.on_post = block_in_post;
	tf_thread_start(test, &starter, start_op, NULL);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&callback_runs, TF_WAIT));
	tf_log_clear();
	tf_thread_start(test, &teardown, detach_thread, &b);
	tf_wait_until(test, atomic_read(&op->operation.up->state) & FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, detach(&c), 0);
	complete(&callback_may_go);
	tf_thread_join(test, &starter);
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &teardown), 0);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "Bq B[ Aq A[ A! A] Cq C[ C] B- B]");
}

/*
 * The real completion and the drain want the same post-op. Park one before its
 * claim, let the other run to its end. DRN-09, DRN-11, INV-01
 */
static void completion_wins_against_the_drain(struct kunit *test, enum flt_sim_context where)
{
	struct tf_thread teardown;

	tf_unregister(&a);
	tf_unregister(&c);
	hold_at_device(test);
	tf_race_arm("teardown_grace", NULL);
	tf_thread_start(test, &teardown, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
	flt_sim_release(op, where, 0);
	tf_expect_ended(test, op, 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &teardown), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
}

struct release {
	enum flt_sim_context where;
};

/* On the second CPU: an interrupt parks there while the test goes on here. */
static void *releasing_thread(void *arg)
{
	struct release *release = arg;

	set_cpus_allowed_ptr(current, cpumask_of(1));
	flt_sim_release(op, release->where, 0);
	return NULL;
}

/*
 * The teardown stops after its grace period, which an interrupt that spins
 * would hold up; then the walk up stops before its claim; then the drain goes.
 */
static void drain_wins_against_completion(struct kunit *test, enum flt_sim_context where)
{
	struct release release = { .where = where };
	struct tf_thread teardown, completion;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	tf_unregister(&a);
	tf_unregister(&c);
	hold_at_device(test);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	tf_race_arm_slot(0, "teardown_grace", NULL, 0, NULL, NULL);
	tf_thread_start(test, &teardown, detach_thread, &b);
	tf_wait_until(test, tf_race_slot_reached(0));
	tf_race_arm_slot(1, "post_claim", &op->operation, -1, NULL, NULL);
	tf_thread_start(test, &completion, releasing_thread, &release);
	tf_wait_until(test, tf_race_slot_reached(1));
	tf_log_clear();
	tf_race_slot_go(0);
	tf_wait_until(test, atomic_read(&b.drains) == 1);
	tf_race_slot_go(1);
	tf_thread_join(test, &completion);
	KUNIT_EXPECT_EQ(test, (long)tf_thread_join(test, &teardown), 0);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 0);
	tf_expect_log(test, "B[ B! B]");
}

/* DRN-09, DRN-11, INV-01 */
static void completion_wins_in_process(struct kunit *test)
{
	completion_wins_against_the_drain(test, FLT_SIM_PROCESS);
}

/* DRN-09, DRN-11 */
static void completion_wins_in_softirq(struct kunit *test)
{
	completion_wins_against_the_drain(test, FLT_SIM_SOFTIRQ);
}

/* DRN-09, DRN-11 */
static void completion_wins_in_hardirq(struct kunit *test)
{
	completion_wins_against_the_drain(test, FLT_SIM_HARDIRQ);
}

/* DRN-09, DRN-11, INV-01 */
static void drain_wins_in_process(struct kunit *test)
{
	drain_wins_against_completion(test, FLT_SIM_PROCESS);
}

/* DRN-09, DRN-11, INV-01 */
static void drain_wins_in_softirq(struct kunit *test)
{
	drain_wins_against_completion(test, FLT_SIM_SOFTIRQ);
}

/* DRN-09, DRN-11, INV-01 */
static void drain_wins_in_hardirq(struct kunit *test)
{
	drain_wins_against_completion(test, FLT_SIM_HARDIRQ);
}

static struct kunit_case teardown_cases[] = {
	KUNIT_CASE(callbacks_come_once_and_in_order),
	KUNIT_CASE(attached_again_after_a_detach),
	KUNIT_CASE(owed_post_operation_is_drained),
	KUNIT_CASE(changes_to_a_drained_copy_go_nowhere),
	KUNIT_CASE(a_drained_post_operation_cannot_pend),
	KUNIT_CASE(no_longer_involved),
	KUNIT_CASE(a_pended_operation_is_waited_for),
	KUNIT_CASE(completed_in_teardown_start_with_callback),
	KUNIT_CASE(completed_in_teardown_start),
	KUNIT_CASE(a_watched_operation_drains_what_it_owes),
	KUNIT_CASE(a_lower_teardown_does_not_wait_for_a_drain_above),
	KUNIT_CASE(a_pended_post_operation_is_waited_for),
	KUNIT_CASE(a_running_pre_operation_is_waited_for),
	KUNIT_CASE(a_running_post_operation_is_waited_for),
	KUNIT_CASE(completion_wins_in_process),
	KUNIT_CASE(completion_wins_in_softirq),
	KUNIT_CASE(completion_wins_in_hardirq),
	KUNIT_CASE(drain_wins_in_process),
	KUNIT_CASE(drain_wins_in_softirq),
	KUNIT_CASE(drain_wins_in_hardirq),
	{}
};

static struct kunit_suite teardown_suite = {
	.name = "fltmgr_teardown",
	.init = teardown_init,
	.exit = teardown_exit,
	.test_cases = teardown_cases,
};

kunit_test_suite(teardown_suite);

MODULE_DESCRIPTION("Tests of teardown and draining");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
