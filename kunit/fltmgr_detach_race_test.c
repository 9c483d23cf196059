// SPDX-License-Identifier: GPL-2.0-only
/*
 * Detaching against a second detach, an unload and a dismount, and from inside
 * the filter's own callbacks.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct flt_instance *inst;	/* of A, kept */
static struct tf a, b;
static struct gate gate, begin;
static u32 start_reason, complete_reason;

static void note_start(struct tf *tf, const struct flt_related_objects *objs)
{
	start_reason = tf->reason;
}

static void note_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	complete_reason = tf->reason;
}

static int detach_race_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	gate_init(&gate);
	gate_init(&begin);
	a.on_start = note_start;
	a.on_complete = note_complete;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	inst = tf_instance(&a, volume);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	kobject_get(&inst->kobj);
	tf_log_clear();
	return 0;
}

static void detach_race_exit(struct kunit *test)
{
	gate_open(&gate);
	gate_open(&begin);
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	kobject_put(&inst->kobj);
	flt_sim_destroy(sim);
}

static void *detach_a(void *arg)
{
	return (void *)(long)flt_detach_volume(a.filter, volume, NULL);
}

static void *unregister_a(void *arg)
{
	flt_unregister_filter(a.filter);
	return NULL;
}

static void *dismount(void *arg)
{
	flt_sim_dismount(sim);
	return NULL;
}

static void expect_one_teardown(struct kunit *test, u32 reason)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_EQ(test, start_reason, reason);
	KUNIT_EXPECT_EQ(test, complete_reason, reason);
}

static int wait_in_query(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

static void wait_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	note_start(tf, objs);
	gate_pass(&gate);
}

/* DET-05, INV-09, TDN-18 */
static void two_at_once(struct kunit *test)
{
	long one, two;

	a.on_query = wait_in_query;
	helper_start(test, 0, detach_a, NULL);
	helper_start(test, 1, detach_a, NULL);
	/* Both have found it in service, and both have asked. */
	tf_wait_until(test, atomic_read(&gate.passes) == 2);
	gate_open(&gate);
	one = helper_join(test, 0);
	two = helper_join(test, 1);
	KUNIT_EXPECT_EQ(test, max(one, two), 0);
	KUNIT_EXPECT_EQ(test, min(one, two), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 2);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_MANUAL);
}

static void *detach_when_told(void *arg)
{
	gate_pass(&begin);
	return detach_a(NULL);
}

/* DET-02, DET-05 */
static void four_at_once_again_and_again(struct kunit *test)
{
	int round, n, won;
	long rc;

	for (round = 0; round < 20; round++) {
		int queries = atomic_read(&a.queries), asked = 0;

		gate_init(&begin);
		for (n = 0; n < NR_HELPERS; n++)
			helper_start(test, n, detach_when_told, NULL);
		tf_wait_until(test, atomic_read(&begin.passes) == NR_HELPERS);
		gate_open(&begin);
		for (n = 0, won = 0; n < NR_HELPERS; n++) {
			rc = helper_join(test, n);
			won += !rc;
			asked += rc != STATUS_FLT_INSTANCE_NOT_FOUND;
			KUNIT_EXPECT_TRUE_MSG(test, !rc || rc == STATUS_FLT_DELETING_OBJECT ||
					      rc == STATUS_FLT_INSTANCE_NOT_FOUND, "%ld", rc);
		}
		KUNIT_EXPECT_EQ(test, won, 1);
		KUNIT_EXPECT_LE(test, atomic_read(&a.queries) - queries, asked);
		KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), round);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), round);
}

/* TDN-06, TDN-18, TDN-19 */
static void detach_then_the_rest(struct kunit *test)
{
	a.on_start = wait_in_start;
	helper_start(test, 0, detach_a, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, unregister_a, NULL);
	helper_start(test, 2, dismount, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	tf_wait_until(test, queue_waited_for(&volume->wait));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	helper_join(test, 1);
	a.filter = NULL;
	helper_join(test, 2);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_MANUAL);
}

/* DET-02, TDN-01, TDN-06, TDN-19 */
static void unregister_then_the_rest(struct kunit *test)
{
	a.on_start = wait_in_start;
	helper_start(test, 0, unregister_a, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, dismount, NULL);
	tf_wait_until(test, queue_waited_for(&volume->wait));
	KUNIT_EXPECT_EQ(test, (long)detach_a(NULL), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 0);
	gate_open(&gate);
	helper_join(test, 0);
	a.filter = NULL;
	helper_join(test, 1);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
}

/* DET-02, TDN-06, TDN-19, TDN-43 */
static void dismount_then_the_rest(struct kunit *test)
{
	a.on_start = wait_in_start;
	helper_start(test, 0, dismount, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	KUNIT_EXPECT_EQ(test, (long)detach_a(NULL), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 0);
	gate_open(&gate);
	helper_join(test, 0);
	helper_join(test, 1);
	a.filter = NULL;
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
}

/* DET-05, TDN-19, INV-09 */
static void unregister_while_it_is_asked(struct kunit *test)
{
	a.on_query = wait_in_query;
	helper_start(test, 0, detach_a, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, unregister_a, NULL);
	/* The teardown goes as far as it can: the callback that runs is not its end. */
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	tf_wait_until(test, atomic_read(&inst->hold) == 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DELETING_OBJECT);
	helper_join(test, 1);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 1);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
}

/* A refusal that comes too late refuses nothing. */
static void refused_while_it_is_unregistered(struct kunit *test)
{
	a.on_query = wait_in_query;
	a.query_status = STATUS_FLT_DO_NOT_DETACH;
	helper_start(test, 0, detach_a, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, dismount, NULL);
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DO_NOT_DETACH);
	helper_join(test, 1);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
}

static atomic_t tries;
static int results[2];

/* The first two that come try; @who detaches @whose highest instance. */
static int detach_inside(struct tf *whose, int status)
{
	int n = atomic_inc_return(&tries) - 1;

	if (n < ARRAY_SIZE(results))
		results[n] = flt_detach_volume(whose->filter, volume, NULL);
	return status;
}

static int detach_self_in_pre(struct tf *tf, struct flt_callback_data *data,
			      const struct flt_related_objects *objs, int status)
{
	return detach_inside(tf, status);
}

static int detach_self_in_post(struct tf *tf, struct flt_callback_data *data,
			       const struct flt_related_objects *objs, u32 flags, int status)
{
	return detach_inside(tf, status);
}

static int detach_a_in_pre(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, int status)
{
	return detach_inside(&a, status);
}

static void reset_tries(void)
{
	atomic_set(&tries, 0);
	results[0] = 1;
	results[1] = 1;
}

/* DET-06, DET-07, INV-18 */
static void from_ones_own_pre(struct kunit *test)
{
	static const int answers[] = {
		FLT_PREOP_SUCCESS_WITH_CALLBACK, FLT_PREOP_SUCCESS_NO_CALLBACK,
		FLT_PREOP_SYNCHRONIZE, FLT_PREOP_COMPLETE,
	};
	struct flt_instance *now;
	int i;

	a.on_pre = detach_self_in_pre;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		bool owes = answers[i] == FLT_PREOP_SUCCESS_WITH_CALLBACK ||
			    answers[i] == FLT_PREOP_SYNCHRONIZE;

		now = tf_instance(&a, volume);
		KUNIT_ASSERT_EQ(test, flt_object_reference(now), 0);
		reset_tries();
		a.pre_status = answers[i];
		atomic_set(&a.posts, 0);
		atomic_set(&a.drains, 0);
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
		KUNIT_EXPECT_EQ(test, results[0], STATUS_PENDING);
		/* It goes on by itself, to its end. */
		KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&now->unlinked, TF_WAIT));
		KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), i + 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.posts) + atomic_read(&a.drains), owes);
		KUNIT_EXPECT_EQ(test, start_reason, FLTFL_INSTANCE_TEARDOWN_MANUAL);
		flt_object_dereference(now);
		/* And then the name is free. */
		KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), i);
}

/* DET-06, DET-07, INV-18 */
static void from_ones_own_post(struct kunit *test)
{
	reset_tries();
	a.on_post = detach_self_in_post;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, results[0], STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	tf_wait_until(test, atomic_read(&a.completes) == 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 0);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_MANUAL);
}

/* DET-03, INV-10 */
static void refused_from_inside(struct kunit *test)
{
	reset_tries();
	a.on_pre = detach_self_in_pre;
	a.query_status = STATUS_FLT_DO_NOT_DETACH;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, results[0], STATUS_FLT_DO_NOT_DETACH);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 0);
}

static void *read_once(void *op)
{
	return (void *)(long)flt_sim_start(op);
}

/* DET-05, DET-06, INV-18 */
static void two_from_inside(struct kunit *test)
{
	struct flt_sim_op *op[2];
	int i;

	reset_tries();
	a.on_pre = detach_self_in_pre;
	a.on_query = wait_in_query;
	for (i = 0; i < 2; i++) {
		op[i] = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op[i]);
		helper_start(test, i, read_once, op[i]);
	}
	tf_wait_until(test, atomic_read(&gate.passes) == 2);
	gate_open(&gate);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, helper_join(test, i), 0);
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op[i], TF_WAIT), 0);
		flt_sim_op_free(op[i]);
	}
	KUNIT_EXPECT_EQ(test, max(results[0], results[1]), STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, min(results[0], results[1]), STATUS_FLT_DELETING_OBJECT);
	tf_wait_until(test, atomic_read(&a.completes) == 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts) + atomic_read(&a.drains), 2);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_MANUAL);
}

/* DET-06, INV-18 */
static void another_instance_of_ones_own(struct kunit *test)
{
	reset_tries();
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "900", "high", NULL),
			0);
	/* The one below detaches the one above, which is owed a post-operation. */
	a.on_pre = detach_self_in_pre;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, results[0], STATUS_PENDING);
	/* The pre-operation above tried first, then the one below did: both went. */
	KUNIT_EXPECT_EQ(test, results[1], STATUS_PENDING);
	tf_wait_until(test, atomic_read(&a.completes) == 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts) + atomic_read(&a.drains), 2);
}

/* DET-07 */
static void from_another_filters_pre(struct kunit *test)
{
	reset_tries();
	b.on_pre = detach_a_in_pre;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
	/* A is above and owed a post-operation, which is called before the detach returns. */
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, results[0], 0);
	tf_expect_log(test, "A> B> Aq A[ A! A] B<");
}

static void detach_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	note_start(tf, objs);
	results[0] = flt_detach_volume(tf->filter, volume, NULL);
}

static void detach_in_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	note_complete(tf, objs);
	results[1] = flt_detach_volume(tf->filter, volume, NULL);
}

/* DET-02, INV-18 */
static void from_ones_own_teardown(struct kunit *test)
{
	reset_tries();
	a.on_start = detach_in_start;
	a.on_complete = detach_in_complete;
	KUNIT_EXPECT_EQ(test, (long)detach_a(NULL), 0);
	KUNIT_EXPECT_EQ(test, results[0], STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, results[1], STATUS_FLT_DELETING_OBJECT);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_MANUAL);
}

static void *detach_killably(void *arg)
{
	void *rc;

	allow_signal(SIGKILL);
	rc = detach_a(NULL);
	disallow_signal(SIGKILL);
	flush_signals(current);
	return rc;
}

/* TDN-19, TDN-21 */
static void whoever_waits_may_be_killed(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	a.pre_status = FLT_PREOP_PENDING;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	helper_start(test, 0, detach_killably, NULL);
	tf_wait_until(test, completion_waited_for(&inst->unlinked));
	send_sig(SIGKILL, helpers[0].task, 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_THREAD_IS_TERMINATING);
	/* The teardown was begun, and goes on. */
	KUNIT_EXPECT_EQ(test, (long)detach_a(NULL), STATUS_FLT_DELETING_OBJECT);
	tf_wait_until(test, READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 0);
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK));
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
	tf_wait_until(test, atomic_read(&a.completes) == 1);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_MANUAL);
}

static struct kunit_case detach_race_cases[] = {
	KUNIT_CASE(two_at_once),
	KUNIT_CASE(four_at_once_again_and_again),
	KUNIT_CASE(detach_then_the_rest),
	KUNIT_CASE(unregister_then_the_rest),
	KUNIT_CASE(dismount_then_the_rest),
	KUNIT_CASE(unregister_while_it_is_asked),
	KUNIT_CASE(refused_while_it_is_unregistered),
	KUNIT_CASE(from_ones_own_pre),
	KUNIT_CASE(from_ones_own_post),
	KUNIT_CASE(refused_from_inside),
	KUNIT_CASE(two_from_inside),
	KUNIT_CASE(another_instance_of_ones_own),
	KUNIT_CASE(from_another_filters_pre),
	KUNIT_CASE(from_ones_own_teardown),
	KUNIT_CASE(whoever_waits_may_be_killed),
	{}
};

static struct kunit_suite detach_race_suite = {
	.name = "fltmgr_detach_race",
	.init = detach_race_init,
	.exit = detach_race_exit,
	.test_cases = detach_race_cases,
};

kunit_test_suite(detach_race_suite);

MODULE_DESCRIPTION("Tests of detaching while something else happens");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
