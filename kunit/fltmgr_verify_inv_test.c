// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier's checks of the manager itself. A right manager never trips them,
 * so each is tripped here by a fault that the case plants: in the state that a
 * check looks at, or by making the check where it is not due. INV-13 and INV-18 a
 * filter can trip: fltmgr_verify_cancel_test.c, fltmgr_verify_life_test.c.
 */
#include <linux/module.h>

#include "testreport.h"

#define SENT	.what = "sent", .cause = "flt_sim_start"

static struct flt_instance *inst_a, *inst_b;
static struct flt_operation *operation;
static struct flt_callback_data *own;

/* B has it, and A is owed its post-operation. */
static void pend_at_b(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	operation = &op->operation;
}

static void go_on(struct kunit *test, int status)
{
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, status));
	expect_ended(test, 0);
}

static void expect_pended_twin(struct kunit *test)
{
	next_op(test);
	pend_at_b(test);
	go_on(test, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	expect_no_report(test);
}

static int attach_b(struct kunit *test)
{
	int rc = flt_attach_volume(b.filter, volume, NULL, NULL);

	inst_b = tf_instance(&b, volume);
	return rc;
}

/* Torn down and back again, with nothing planted. */
static void expect_teardown_twin(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, attach_b(test), 0);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	expect_no_report(test);
}

/* INV-01, VRF-11: a post-operation that was not asked for */
static void post_not_wanted(struct kunit *test)
{
	pend_at_b(test);
	flt_verify_post(operation, inst_b);
	expect_report(test, .rule = "INV-01", .filter = "B", .inst = "B", .op = true,
		      .words = "is called and was not wanted", SENT);
	go_on(test, FLT_PREOP_SUCCESS_NO_CALLBACK);
	expect_no_report(test);
	expect_pended_twin(test);
}

/* INV-01: one that was asked for and is not called */
static void post_not_called(struct kunit *test)
{
	pend_at_b(test);
	flt_verify_owed(operation, inst_b);
	go_on(test, FLT_PREOP_SUCCESS_NO_CALLBACK);
	expect_report(test, .rule = "INV-01", .filter = "B", .op = true,
		      .words = "ends, and instance", SENT);
	expect_pended_twin(test);
}

/* INV-02 */
static void pre_operations_go_up(struct kunit *test)
{
	pend_at_b(test);
	flt_verify_arrive(operation, inst_a);
	expect_report(test, .rule = "INV-02", .filter = "A", .inst = "A", .op = true,
		      .words = "comes down from instance B, not above it", SENT);
	go_on(test, FLT_PREOP_SUCCESS_NO_CALLBACK);
	expect_no_report(test);
	expect_pended_twin(test);
}

/* INV-02 */
static void post_operations_go_down(struct kunit *test)
{
	hold_at_device(test);
	flt_verify_post(&op->operation, inst_a);
	expect_no_report(test);
	flt_verify_post(&op->operation, inst_b);
	expect_report(test, .rule = "INV-02", .filter = "B", .inst = "B", .op = true,
		      .words = "is called out of order", SENT);
	/* Now both are called once more, and that is wrong, too. */
	release_from_device(test);
	KUNIT_EXPECT_TRUE(test, was_reported());
	reports_forget();
	expect_twin(test);
}

/* INV-03 */
static void came_after_teardown_start(struct kunit *test)
{
	inst_b->verify.start_seq = 1;
	pend_at_b(test);
	expect_report(test, .rule = "INV-03", .filter = "B", .inst = "B", .op = true,
		      .words = "came after teardown_start", SENT);
	inst_b->verify.start_seq = 0;
	go_on(test, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	expect_pended_twin(test);
}

/* INV-04 */
static void called_after_teardown_complete(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	inst_b->state = FLT_INSTANCE_COMPLETED;
	inst_b->verify.completed = true;
	run_op(test, 0);
	inst_b->state = FLT_INSTANCE_ACTIVE;
	inst_b->verify.completed = false;
	expect_report(test, .rule = "INV-04", .filter = "B", .inst = "B",
		      .words = "pre-operation called after teardown_complete");
	expect_twin(test);
}

/* INV-05 */
static void called_after_unregistration(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	b.filter->state = FLT_FILTER_GONE;
	run_op(test, 0);
	b.filter->state = FLT_FILTER_FILTERING;
	expect_report(test, .rule = "INV-05", .filter = "B", .inst = "B",
		      .words = "pre-operation called after unregistration");
	expect_twin(test);
}

/* INV-06 */
static void started_twice(struct kunit *test)
{
	inst_b->verify.started = true;
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	expect_report(test, .rule = "INV-06", .filter = "B", .inst = "B",
		      .words = "teardown_start called twice");
	expect_teardown_twin(test);
}

static void forget_the_start(struct tf *tf, const struct flt_related_objects *objs)
{
	objs->instance->verify.started = false;
}

static void remember_the_start(struct tf *tf, const struct flt_related_objects *objs)
{
	objs->instance->verify.started = true;
}

static void complete_too_early(struct tf *tf, const struct flt_related_objects *objs)
{
	objs->instance->verify.completed = true;
}

static void forget_the_setup(struct tf *tf, const struct flt_related_objects *objs)
{
	objs->instance->verify.set_up = false;
}

/* INV-06 */
static void completed_out_of_order(struct kunit *test)
{
	b.on_start = forget_the_start;
	b.on_complete = remember_the_start;
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	expect_report(test, .rule = "INV-06", .filter = "B", .inst = "B",
		      .words = "teardown_complete called before teardown_start");
	KUNIT_EXPECT_EQ(test, attach_b(test), 0);
	b.on_start = complete_too_early;
	b.on_complete = NULL;
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	expect_report(test, .rule = "INV-06", .filter = "B", .inst = "B",
		      .words = "teardown_complete called twice");
	b.on_start = NULL;
	expect_teardown_twin(test);
}

/* INV-06: who was not set up is not torn down */
static void torn_down_and_not_set_up(struct kunit *test)
{
	b.on_complete = forget_the_setup;
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "INV-06", .filter = "B", .inst = "B",
		      .words = "set up 0, torn down 1, completed 1");
	b.on_complete = NULL;
	expect_teardown_twin(test);
}

/* INV-07 */
static void completed_with_operations_left(struct kunit *test)
{
	inst_b->verify.started = true;
	pend_at_b(test);
	flt_verify_complete_begins(inst_b);
	expect_report(test, .rule = "INV-07", .filter = "B", .inst = "B",
		      .words = "called with 1 operations and 0 routines left");
	go_on(test, FLT_PREOP_SUCCESS_NO_CALLBACK);
	inst_b->verify.completed = false;
	flt_verify_complete_begins(inst_b);
	expect_no_report(test);
	inst_b->verify.started = false;
	inst_b->verify.completed = false;
}

/* INV-08 */
static void ends_with_references(struct kunit *test)
{
	inst_b->verify.started = true;
	inst_b->verify.completed = true;
	KUNIT_ASSERT_EQ(test, flt_object_reference(inst_b), 0);
	flt_verify_instance_ends(inst_b);
	expect_report(test, .rule = "INV-08", .filter = "B", .inst = "B",
		      .words = "ends with 1 references");
	flt_object_dereference(inst_b);
	flt_verify_instance_ends(inst_b);
	expect_no_report(test);
	inst_b->verify.started = false;
	inst_b->verify.completed = false;
}

/* INV-09 */
static void asked_too_often(struct kunit *test)
{
	b.query_status = STATUS_FLT_DO_NOT_DETACH;
	KUNIT_EXPECT_EQ(test, detach(&b), STATUS_FLT_DO_NOT_DETACH);
	b.query_status = 0;
	atomic_inc(&inst_b->verify.queries);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "INV-09", .filter = "B", .inst = "B",
		      .words = "2 detach requests and 3 queries");
	expect_teardown_twin(test);
}

/* INV-10 */
static void going_after_a_refusal(struct kunit *test)
{
	b.query_status = STATUS_FLT_DO_NOT_DETACH;
	inst_b->going = true;
	flt_verify_refused(inst_b);
	expect_report(test, .rule = "INV-10", .filter = "B", .inst = "B",
		      .words = "a refused detach has left it going");
	inst_b->going = false;
	KUNIT_EXPECT_EQ(test, detach(&b), STATUS_FLT_DO_NOT_DETACH);
	expect_no_report(test);
}

/* INV-11 */
static void unregistered_with_references(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_object_reference(b.filter), 0);
	flt_verify_unregistered(b.filter);
	expect_report(test, .rule = "INV-11", .filter = "B",
		      .words = "unregistered with references left");
	flt_object_dereference(b.filter);
	flt_verify_unregistered(b.filter);
	expect_no_report(test);
}

static const struct flt_context_registration contexts[] = {
	{ .context_type = FLT_INSTANCE_CONTEXT, .size = 16 },
	{ .context_type = FLT_CONTEXT_END }
};

/* INV-11 */
static void unregistered_with_contexts(struct kunit *test)
{
	tf_unregister(&b);
	b.reg.context_registration = contexts;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	atomic_inc(&b.filter->context_classes[0].live);
	flt_verify_unregistered(b.filter);
	expect_report(test, .rule = "INV-11", .filter = "B",
		      .words = "unregistered with contexts left");
	atomic_dec(&b.filter->context_classes[0].live);
	flt_verify_unregistered(b.filter);
	expect_no_report(test);
}

/* INV-12 */
static void obtained_twice_from_a_queue(struct kunit *test)
{
	pend_at_b(test);
	flt_verify_queued(operation, inst_b, true);
	flt_verify_queued(operation, inst_b, false);
	expect_no_report(test);
	flt_verify_queued(operation, inst_b, false);
	expect_report(test, .rule = "INV-12", .filter = "B", .inst = "B", .op = true,
		      .words = "is taken out of a queue twice", .what = "handed on",
		      .cause = "obtained_twice_from_a_queue");
	flt_verify_queued(operation, inst_b, true);
	flt_verify_queued(operation, inst_b, true);
	expect_report(test, .rule = "INV-12", .filter = "B", .inst = "B", .op = true,
		      .words = "is put into a queue twice", .what = "handed on");
	/* And there it is still. */
	go_on(test, FLT_PREOP_SUCCESS_NO_CALLBACK);
	expect_report(test, .rule = "INV-12", .filter = "B", .op = true,
		      .words = "ends while it is in a queue", .what = "handed on",
		      .cause = "obtained_twice_from_a_queue");
	expect_pended_twin(test);
}

/* INV-14 */
static void post_is_shown_something_else(struct kunit *test)
{
	a.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	hold_at_device(test);
	op->operation.iopb.parameters.read.byte_offset += 512;
	op->operation.passed.rw.byte_offset += 512;
	release_from_device(test);
	expect_report(test, .rule = "INV-14", .filter = "B", .inst = "B", .op = true,
		      .words = "is shown other parameters than its pre-operation", SENT);
	expect_twin(test);
}

static void own_ended(struct flt_callback_data *data, void *context)
{
}

/* INV-15 */
static void initiated_below(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(inst_b, NULL, &own), 0);
	own->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	flt_sim_set_hold(sim, true);
	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(own, own_ended, NULL), STATUS_PENDING);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	expect_no_report(test);
	flt_verify_arrive(own->operation, inst_a);
	expect_report(test, .rule = "INV-15", .filter = "A", .inst = "A", .op = true,
		      .words = "was initiated by instance B, not above it", .what = "sent",
		      .cause = "initiated_below");
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_PROCESS, 0);
	flt_free_callback_data(own);
	expect_no_report(test);
}

/* INV-16 */
static void told_too_often(struct kunit *test)
{
	flt_verify_told(inst_b, 1, 2);
	expect_report(test, .rule = "INV-16", .filter = "B", .inst = "B",
		      .words = "performed 1 times asynchronously, and the routine called 2 times");
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(inst_b, NULL, &own), 0);
	own->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(own, own_ended, NULL), 0);
	flt_free_callback_data(own);
	expect_no_report(test);
}

/* INV-17 */
static void a_reference_after_a_refusal(struct kunit *test)
{
	inst_b->obj.refused = true;
	KUNIT_EXPECT_EQ(test, flt_object_reference(inst_b), 0);
	inst_b->obj.refused = false;
	expect_report(test, .rule = "INV-17", .words = "which has refused one",
		      .effect = "a_reference_after_a_refusal");
	flt_object_dereference(inst_b);
	KUNIT_EXPECT_EQ(test, flt_object_reference(inst_b), 0);
	flt_object_dereference(inst_b);
	expect_no_report(test);
}

static void publish(void)
{
	mutex_lock(&flt_topology_lock);
	flt_verify_published(volume);
	mutex_unlock(&flt_topology_lock);
}

/* INV-20 */
static void two_at_one_altitude(struct kunit *test)
{
	char *altitude = inst_b->altitude;

	inst_b->altitude = inst_a->altitude;
	publish();
	inst_b->altitude = altitude;
	expect_report(test, .rule = "INV-20", .filter = "B", .inst = "B",
		      .words = "instance A is not above it");
	publish();
	expect_no_report(test);
}

static int verify_inv_init(struct kunit *test)
{
	verify_init(test);
	inst_a = tf_instance(&a, volume);
	inst_b = tf_instance(&b, volume);
	return 0;
}

static struct kunit_case verify_inv_cases[] = {
	KUNIT_CASE(post_not_wanted),
	KUNIT_CASE(post_not_called),
	KUNIT_CASE(pre_operations_go_up),
	KUNIT_CASE(post_operations_go_down),
	KUNIT_CASE(came_after_teardown_start),
	KUNIT_CASE(called_after_teardown_complete),
	KUNIT_CASE(called_after_unregistration),
	KUNIT_CASE(started_twice),
	KUNIT_CASE(completed_out_of_order),
	KUNIT_CASE(torn_down_and_not_set_up),
	KUNIT_CASE(completed_with_operations_left),
	KUNIT_CASE(ends_with_references),
	KUNIT_CASE(asked_too_often),
	KUNIT_CASE(going_after_a_refusal),
	KUNIT_CASE(unregistered_with_references),
	KUNIT_CASE(unregistered_with_contexts),
	KUNIT_CASE(obtained_twice_from_a_queue),
	KUNIT_CASE(post_is_shown_something_else),
	KUNIT_CASE(initiated_below),
	KUNIT_CASE(told_too_often),
	KUNIT_CASE(a_reference_after_a_refusal),
	KUNIT_CASE(two_at_one_altitude),
	{ }
};

static struct kunit_suite verify_inv_suite = {
	.name = "fltmgr_verify_inv",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_inv_init,
	.exit = verify_exit,
	.test_cases = verify_inv_cases,
};

kunit_test_suite(verify_inv_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: its checks of the manager");
MODULE_LICENSE("GPL");
