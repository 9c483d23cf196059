// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hearing how an operation was sent down: what is said, in which thread and
 * order, and who may ask.
 */
#include <linux/module.h>

#include "testfault.h"
#include "testgate.h"

static struct flt_sim *sim;
static struct flt_sim_op *op;
static struct tf a, b, c;
static struct gate gate;
static bool wait_when_told;

/* What a filter asked for and heard; the context of its requests. */
struct heard {
	struct tf *tf;
	int rc;
	int status;
	unsigned int count;
	struct task_struct *task;
	struct flt_filter *filter;
	struct flt_io_parameter_block snapshot;
	bool could_sleep;
};

static struct heard ha, hb, hc;

static struct heard *heard_of(const struct tf *tf)
{
	return tf == &a ? &ha : tf == &b ? &hb : &hc;
}

static void told(const struct flt_related_objects *objs, struct flt_io_parameter_block *snapshot,
		 int status, void *context)
{
	struct heard *heard = context;

	tf_log(heard->tf->name, "=");
	heard->count++;
	heard->status = status;
	heard->task = current;
	heard->filter = objs->filter;
	heard->snapshot = *snapshot;
	heard->could_sleep = preemptible() && !rcu_preempt_depth();
	if (wait_when_told)
		gate_pass(&gate);
}

static int ask(struct tf *tf, struct flt_callback_data *data,
	       const struct flt_related_objects *objs, int status)
{
	struct heard *heard = heard_of(tf);

	heard->rc = flt_request_operation_status_callback(data, told, heard);
	return status;
}

static int observe_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 8192, 512, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	ha = (struct heard){ .tf = &a, .rc = -1, .status = -1 };
	hb = (struct heard){ .tf = &b, .rc = -1, .status = -1 };
	hc = (struct heard){ .tf = &c, .rc = -1, .status = -1 };
	gate_init(&gate);
	wait_when_told = false;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	tf_log_clear();
	return 0;
}

static void observe_exit(struct kunit *test)
{
	tf_race_disarm();
	gate_open(&gate);
	helpers_stop();
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	a.complete_in_start = true;
	b.complete_in_start = true;
	c.complete_in_start = true;
	tf_drop(&a);
	tf_drop(&b);
	tf_drop(&c);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

static void *start_op(void *arg)
{
	return (void *)(long)flt_sim_start(op);
}

/* Heard once, this, by whom it concerns. */
static void expect_heard(struct kunit *test, struct heard *heard, int status)
{
	KUNIT_EXPECT_EQ(test, heard->rc, 0);
	KUNIT_EXPECT_EQ(test, heard->count, 1);
	KUNIT_EXPECT_EQ(test, heard->status, status);
	KUNIT_EXPECT_TRUE(test, heard->could_sleep);
	KUNIT_EXPECT_PTR_EQ(test, heard->filter, heard->tf->filter);
}

/* SOB-01: the device has it; lowest first, in the thread that issued it */
static void sent_to_the_device(struct kunit *test)
{
	a.on_pre = ask;
	b.on_pre = ask;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	tf_expect_log(test, "A> B> C> B= A=");
	expect_heard(test, &ha, STATUS_PENDING);
	expect_heard(test, &hb, STATUS_PENDING);
	KUNIT_EXPECT_PTR_EQ(test, ha.task, current);
	KUNIT_EXPECT_EQ(test, op->submitted.count, 1);
	KUNIT_EXPECT_FALSE(test, op->waits);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> B= A= C< B< A<");
}

/* SOB-01: nobody wants a post-op, and the operation is gone when it is told */
static void sent_and_forgotten(struct kunit *test)
{
	a.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	c.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	b.on_pre = ask;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> B=");
	expect_heard(test, &hb, STATUS_PENDING);
}

/* SOB-01: before the post-operations, with the status of the one who completed it */
static void completed_by_a_lower_filter(struct kunit *test)
{
	a.on_pre = ask;
	b.on_pre = ask;
	c.pre_status = FLT_PREOP_COMPLETE;
	c.complete_status = -ETIMEDOUT;
	flt_sim_start(op);
	tf_expect_ended(test, op, -ETIMEDOUT);
	tf_expect_log(test, "A> B> C> B= A= B< A<");
	expect_heard(test, &ha, -ETIMEDOUT);
	expect_heard(test, &hb, -ETIMEDOUT);
}

/* SOB-01 */
static void completed_by_the_asker(struct kunit *test)
{
	b.on_pre = ask;
	b.pre_status = FLT_PREOP_COMPLETE;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B= A<");
	expect_heard(test, &hb, 0);
}

/* SOB-01, PRE-21: a status like any other */
static void failed_for_an_illegal_answer(struct kunit *test)
{
	a.on_pre = ask;
	c.pre_status = 77;
	flt_sim_start(op);
	tf_expect_ended(test, op, STATUS_FLT_INTERNAL_ERROR);
	expect_heard(test, &ha, STATUS_FLT_INTERNAL_ERROR);
}

/* SOB-01: once, when the thread lets go of it, and not again when it goes on */
static void pended_by_a_lower_filter(struct kunit *test)
{
	b.on_pre = ask;
	c.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	tf_expect_log(test, "A> B> C> B=");
	expect_heard(test, &hb, STATUS_PENDING);
	KUNIT_EXPECT_TRUE(test, tf_resume(&c, FLT_PREOP_COMPLETE));
	tf_expect_ended(test, op, 0);
	expect_heard(test, &hb, STATUS_PENDING);
}

/* SOB-01 */
static void pended_by_the_asker(struct kunit *test)
{
	b.on_pre = ask;
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	tf_expect_log(test, "A> B> B=");
	expect_heard(test, &hb, STATUS_PENDING);
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	tf_expect_ended(test, op, 0);
	expect_heard(test, &hb, STATUS_PENDING);
}

static int ask_and_complete(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, int status)
{
	ask(tf, data, objs, status);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_WITH_CALLBACK, tf);
	return FLT_PREOP_PENDING;
}

/* SOB-01, PND-02: it was not pended after all */
static void pended_and_completed_at_once(struct kunit *test)
{
	b.on_pre = ask_and_complete;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	tf_expect_log(test, "A> B> C> B=");
	expect_heard(test, &hb, STATUS_PENDING);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
	b.nr_pended = 0;
}

static void *resume_b(void *arg)
{
	return (void *)(long)tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK);
}

/* SOB-01, PRE-02: told in the thread that the pre-operation ran in */
static void asked_in_a_completers_thread(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	c.on_pre = ask;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, hc.count, 0);
	helper_start(test, 0, resume_b, NULL);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 1);
	tf_expect_ended(test, op, 0);
	expect_heard(test, &hc, STATUS_PENDING);
	KUNIT_EXPECT_PTR_EQ(test, hc.task, c.pre_task);
	KUNIT_EXPECT_PTR_NE(test, hc.task, current);
}

/* SOB-01, PRE-18: told before the thread waits, which it does as ever */
static void asked_under_synchronize(struct kunit *test)
{
	a.pre_status = FLT_PREOP_SYNCHRONIZE;
	a.on_pre = ask;
	b.on_pre = ask;
	flt_sim_set_hold(sim, true);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, READ_ONCE(ha.count));
	tf_expect_log(test, "A> B> C> B= A=");
	KUNIT_EXPECT_TRUE(test, op->waits);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> C> B= A= C< B< A<");
	expect_heard(test, &ha, STATUS_PENDING);
	KUNIT_EXPECT_PTR_EQ(test, ha.task, a.pre_task);
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, a.pre_task);
}

/* SOB-01: the parameters as they were; the bio may be gone */
static void the_snapshot(struct kunit *test)
{
	b.on_pre = ask;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	expect_heard(test, &hb, STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, hb.snapshot.major_function, IRP_MJ_WRITE);
	KUNIT_EXPECT_EQ(test, hb.snapshot.parameters.write.byte_offset, 8192);
	KUNIT_EXPECT_EQ(test, hb.snapshot.parameters.write.length, 512);
	KUNIT_EXPECT_NULL(test, hb.snapshot.parameters.write.bio);
	KUNIT_EXPECT_PTR_EQ(test, hb.snapshot.target_instance,
			    tf_instance(&b, flt_sim_volume(sim)));
}

static int ask_twice(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, int status)
{
	ask(tf, data, objs, status);
	return ask(tf, data, objs, status);
}

/* SOB-01: each request is answered, and the operation's flags are clean */
static void asked_twice(struct kunit *test)
{
	b.on_pre = ask_twice;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, hb.count, 2);
	KUNIT_EXPECT_EQ(test, a.seen.flags, FLTFL_CALLBACK_DATA_IRP_OPERATION |
			FLTFL_CALLBACK_DATA_POST_OPERATION);
}

static int ask_in_post(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, u32 flags, int status)
{
	struct heard *heard = heard_of(tf);

	heard->rc = flt_request_operation_status_callback(data, told, heard);
	return status;
}

static int ask_for_nobody(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, int status)
{
	heard_of(tf)->rc = flt_request_operation_status_callback(data, NULL, NULL);
	return status;
}

/* SOB-01: from a pre-operation, while it runs, and from nowhere else */
static void only_from_a_pre_operation(struct kunit *test)
{
	struct flt_volume *volume = flt_sim_volume(sim);

	a.on_post = ask_in_post;
	b.on_post = ask_in_post;
	c.pre_status = FLT_PREOP_PENDING;
	c.on_pre = ask_for_nobody;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, hc.rc, STATUS_INVALID_PARAMETER);
	/* Pended: its pre-operation has returned. */
	KUNIT_EXPECT_EQ(test, flt_request_operation_status_callback(c.pended[0], told, &hc),
			STATUS_INVALID_PARAMETER);
	tf_resume(&c, FLT_PREOP_SUCCESS_NO_CALLBACK);
	/* Drained: a copy. */
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	KUNIT_EXPECT_EQ(test, hb.rc, STATUS_INVALID_PARAMETER);
	/* In interrupt: this must not even try to sleep. */
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, ha.rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, ha.count + hb.count + hc.count, 0);
}

static int wait_and_ask(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return ask(tf, data, objs, status);
}

static void *detach_b(void *arg)
{
	return (void *)(long)flt_detach_volume(b.filter, flt_sim_volume(sim), NULL);
}

/* SOB-01 */
static void an_instance_that_is_going(struct kunit *test)
{
	b.on_pre = wait_and_ask;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, detach_b, NULL);
	tf_wait_until(test, atomic_read(&b.starts));
	gate_open(&gate);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, hb.rc, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, hb.count, 0);
}

/* SOB-01, INV-04, INV-07: a teardown waits for the telling, and for nobody else's */
static void a_teardown_waits_until_it_is_told(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, flt_sim_volume(sim));

	b.on_pre = ask;
	wait_when_told = true;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &gate);
	tf_expect_ended(test, op, 0);
	helper_start(test, 1, detach_b, NULL);
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	tf_wait_until(test, atomic_read(&inst->hold) == 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, flt_sim_volume(sim), NULL), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	gate_open(&gate);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	expect_heard(test, &hb, STATUS_PENDING);
}

static int ask_without_memory(struct tf *tf, struct flt_callback_data *data,
			      const struct flt_related_objects *objs, int status)
{
	fault_arm(1);
	ask(tf, data, objs, status);
	fault_disarm();
	return status;
}

/* SOB-01 */
static void out_of_memory(struct kunit *test)
{
	if (fault_init())
		kunit_skip(test, "allocations cannot be made to fail");
	b.on_pre = ask_without_memory;
	flt_sim_start(op);
	fault_exit();
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, hb.rc, STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_EQ(test, hb.count, 0);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

static struct kunit_case observe_cases[] = {
	KUNIT_CASE(sent_to_the_device),
	KUNIT_CASE(sent_and_forgotten),
	KUNIT_CASE(completed_by_a_lower_filter),
	KUNIT_CASE(completed_by_the_asker),
	KUNIT_CASE(failed_for_an_illegal_answer),
	KUNIT_CASE(pended_by_a_lower_filter),
	KUNIT_CASE(pended_by_the_asker),
	KUNIT_CASE(pended_and_completed_at_once),
	KUNIT_CASE(asked_in_a_completers_thread),
	KUNIT_CASE(asked_under_synchronize),
	KUNIT_CASE(the_snapshot),
	KUNIT_CASE(asked_twice),
	KUNIT_CASE(only_from_a_pre_operation),
	KUNIT_CASE(an_instance_that_is_going),
	KUNIT_CASE(a_teardown_waits_until_it_is_told),
	KUNIT_CASE(out_of_memory),
	{}
};

static struct kunit_suite observe_suite = {
	.name = "fltmgr_observe",
	.init = observe_init,
	.exit = observe_exit,
	.test_cases = observe_cases,
};

kunit_test_suite(observe_suite);

MODULE_DESCRIPTION("Tests of status observation");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
