// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading against a second unload and against the filter itself, and what an
 * unload waits for.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim, *other_sim;
static struct flt_volume *volume, *other;
static struct tf a;
static struct gate gate;

static int unload_race_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	other_sim = tf_sim(test, "other");
	volume = flt_sim_volume(sim);
	other = flt_sim_volume(other_sim);
	tf_init(&a, "A", "300");
	gate_init(&gate);
	return 0;
}

static void unload_race_exit(struct kunit *test)
{
	tf_race_disarm();
	gate_open(&gate);
	while (tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK))
		;
	helpers_stop();
	tf_drop(&a);
	flt_sim_destroy(other_sim);
	flt_sim_destroy(sim);
}

static void *unload_a(void *arg)
{
	return (void *)(long)flt_unload_filter("A");
}

static void *unregister_a(void *arg)
{
	flt_unregister_filter(a.filter);
	return NULL;
}

static void *exit_module(void *arg)
{
	flt_module_exit(THIS_MODULE);
	return NULL;
}

/* The unload callback waits, then does what it is told. */
static int slow_unload(struct flt_filter *filter, u32 flags)
{
	gate_pass(&gate);
	return tf_unload(filter, flags);
}

static void wait_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	gate_pass(&gate);
}

static void wait_in_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	gate_pass(&gate);
}

/* URG-01 */
static void not_before_all_is_done(struct kunit *test)
{
	a.on_complete = wait_in_complete;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, unregister_a, NULL);
	tf_wait_until(test, atomic_read(&gate.passes) == 2);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	helper_join(test, 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* URG-03, TDN-13 */
static void nothing_new_once_it_begins(struct kunit *test)
{
	a.on_start = wait_in_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, unregister_a, NULL);
	gate_wait(test, &gate);
	/* On the one volume the teardown has begun, and on the other it has as well. */
	tf_io(test, sim, FLT_CLASS_READ);
	tf_io(test, other_sim, FLT_CLASS_WRITE);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres) + atomic_read(&a.posts), 0);
	gate_open(&gate);
	helper_join(test, 0);
	a.filter = NULL;
}

/* URG-03, URG-04 */
static void references_come_last(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_object_reference(a.filter), 0);
	helper_start(test, 0, unregister_a, NULL);
	/* When it waits for references, instances are done with. */
	tf_wait_until(test, completion_waited_for(&a.filter->refs_gone));
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
	KUNIT_EXPECT_TRUE(test, list_empty(&a.filter->instances));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	flt_object_dereference(a.filter);
	helper_join(test, 0);
	a.filter = NULL;
}

static struct flt_sim_op *pend_one(struct kunit *test, struct flt_sim *on)
{
	struct flt_sim_op *op = flt_sim_op_alloc(on, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	a.pre_status = FLT_PREOP_PENDING;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	a.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	return op;
}

static void finish(struct kunit *test, struct flt_sim_op *op)
{
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
}

/* URG-10 */
static void one_stuck_instance_hides_no_other(struct kunit *test)
{
	struct flt_instance *stuck[2], *inst;
	struct flt_sim_op *op[2];
	int i;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "9", "free", NULL),
			0);
	op[0] = pend_one(test, sim);
	op[1] = pend_one(test, other_sim);
	helper_start(test, 0, unregister_a, NULL);
	/* The one that nothing involves goes to its end, */
	tf_wait_until(test, atomic_read(&a.completes) == 1);
	tf_wait_until(test, left_on(&volume->instances) == 1);
	inst = tf_instance(&a, volume);
	KUNIT_EXPECT_STREQ(test, inst->name, "A");
	/* and both that are stuck are seen to be so. */
	stuck[0] = inst;
	stuck[1] = tf_instance(&a, other);
	for (i = 0; i < 2; i++) {
		tf_wait_until(test, READ_ONCE(stuck[i]->phase) == FLT_TEARDOWN_COMPLETE);
		KUNIT_EXPECT_EQ(test, READ_ONCE(stuck[i]->state), FLT_INSTANCE_DRAINING);
		KUNIT_EXPECT_EQ(test, atomic_read(&stuck[i]->hold), 1);
	}
	/* Each waits for its own. */
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK));
	finish(test, op[0]);
	tf_wait_until(test, atomic_read(&a.completes) == 2);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK));
	finish(test, op[1]);
	helper_join(test, 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 3);
}

/* TDN-21, TDN-22 */
static void mandatory_waits_as_well(struct kunit *test)
{
	struct flt_sim_op *op;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	op = pend_one(test, sim);
	helper_start(test, 0, exit_module, NULL);
	tf_wait_until(test, atomic_read(&a.completes) == 1);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK));
	finish(test, op);
	helper_join(test, 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, a.unload_flags, FLTFL_FILTER_UNLOAD_MANDATORY);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

static void start_slow_unload(struct kunit *test)
{
	a.reg.filter_unload_callback = slow_unload;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, unload_a, NULL);
	gate_wait(test, &gate);
}

/* UNL-15, UNL-13 */
static void two_at_once(struct kunit *test)
{
	start_slow_unload(test);
	/* At once, and without asking the filter a second time. */
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&gate.passes), 1);
	/* In service until it has made up its mind. */
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&gate.passes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* UNL-15, UNL-19 */
static void second_after_a_refusal(struct kunit *test)
{
	a.unload_status = STATUS_FLT_DO_NOT_DETACH;
	start_slow_unload(test);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DELETING_OBJECT);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DO_NOT_DETACH);
	a.unload_status = 0;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 2);
}

/* UNL-10, UNL-15 */
static void not_asked_again_when_it_forgot(struct kunit *test)
{
	a.unload_forgets = true;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_race_arm("unload_settled", a.filter);
	helper_start(test, 0, unload_a, NULL);
	tf_wait_until(test, tf_race_reached());
	/* It has agreed, and is about to be unregistered by force. */
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DELETING_OBJECT);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* UNL-13, URG-09, ATT-05 */
static void asked_while_it_goes(struct kunit *test)
{
	struct flt_filter *second;

	a.on_start = wait_in_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, unregister_a, NULL);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_object_reference(a.filter), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_start_filtering(a.filter), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "1", "x", NULL),
			STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL),
			STATUS_FLT_DELETING_OBJECT);
	/* Its name is not free before it is gone. */
	KUNIT_EXPECT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &second), -EEXIST);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 0);
	gate_open(&gate);
	helper_join(test, 0);
	a.filter = NULL;
}

/* URG-01 */
static void asked_and_unregistered_at_once(struct kunit *test)
{
	start_slow_unload(test);
	/* By itself, while it is asked: both return when it is done, which it is once. */
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, atomic_read(&a.completes) == 2);
	helper_join(test, 1);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* URG-01 */
static void unregistered_twice(struct kunit *test)
{
	struct kobject *kobj;

	a.on_start = wait_in_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	kobj = kobject_get(flt_filter_kobj(a.filter));
	helper_start(test, 0, unregister_a, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, completion_waited_for(&a.filter->gone));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	gate_open(&gate);
	helper_join(test, 0);
	helper_join(test, 1);
	a.filter = NULL;
	kobject_put(kobj);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 2);
}

/* The module cannot go while its unload callback runs for an optional unload. */
static void module_is_held_meanwhile(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);

	start_slow_unload(test);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	a.filter = NULL;
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
}

static void *unload_killably(void *arg)
{
	void *rc;

	allow_signal(SIGKILL);
	rc = unload_a(NULL);
	disallow_signal(SIGKILL);
	flush_signals(current);
	return rc;
}

/* UNL-17 */
static void whoever_asked_may_be_killed(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);
	struct flt_filter *found;

	a.reg.filter_unload_callback = slow_unload;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, unload_killably, NULL);
	gate_wait(test, &gate);
	send_sig(SIGKILL, helpers[0].task, 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_THREAD_IS_TERMINATING);
	/* It was asked, and answers nobody. */
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DELETING_OBJECT);
	gate_open(&gate);
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found), STATUS_FLT_FILTER_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

static struct kunit_case unload_race_cases[] = {
	KUNIT_CASE(not_before_all_is_done),
	KUNIT_CASE(nothing_new_once_it_begins),
	KUNIT_CASE(references_come_last),
	KUNIT_CASE(one_stuck_instance_hides_no_other),
	KUNIT_CASE(mandatory_waits_as_well),
	KUNIT_CASE(two_at_once),
	KUNIT_CASE(second_after_a_refusal),
	KUNIT_CASE(not_asked_again_when_it_forgot),
	KUNIT_CASE(asked_while_it_goes),
	KUNIT_CASE(asked_and_unregistered_at_once),
	KUNIT_CASE(unregistered_twice),
	KUNIT_CASE(module_is_held_meanwhile),
	KUNIT_CASE(whoever_asked_may_be_killed),
	{}
};

static struct kunit_suite unload_race_suite = {
	.name = "fltmgr_unload_race",
	.init = unload_race_init,
	.exit = unload_race_exit,
	.test_cases = unload_race_cases,
};

kunit_test_suite(unload_race_suite);

MODULE_DESCRIPTION("Tests of unloading while something else happens");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
