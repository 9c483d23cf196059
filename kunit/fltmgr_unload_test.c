// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unregistering and unloading: optional and mandatory, order, refusal. Several
 * at once and what waits are in fltmgr_unload_race_test.c.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim, *other_sim;
static struct flt_volume *volume, *other;
static struct tf a, b;
static u32 start_reason, complete_reason;

/* A module that is not ours. */
static struct module stranger;

static void note_start(struct tf *tf, const struct flt_related_objects *objs)
{
	start_reason = tf->reason;
}

static void note_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	complete_reason = tf->reason;
}

static int unload_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	other_sim = tf_sim(test, "other");
	volume = flt_sim_volume(sim);
	other = flt_sim_volume(other_sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	a.on_start = note_start;
	a.on_complete = note_complete;
	stranger.state = MODULE_STATE_LIVE;
	atomic_set(&stranger.refcnt, 1);
	strscpy(stranger.name, "stranger");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_log_clear();
	return 0;
}

static void unload_exit(struct kunit *test)
{
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_destroy(other_sim);
	flt_sim_destroy(sim);
}

static bool is_known(const char *name)
{
	struct flt_filter *filter;

	if (flt_get_filter_from_name(name, &filter))
		return false;
	flt_object_dereference(filter);
	return true;
}

/* It has gone by itself: nothing for the exit to do. */
static void expect_unloaded(struct kunit *test, struct tf *tf, u32 reason)
{
	tf->filter = NULL;
	KUNIT_EXPECT_FALSE(test, is_known(tf->name));
	KUNIT_EXPECT_EQ(test, atomic_read(&tf->starts), 2);	/* two volumes */
	KUNIT_EXPECT_EQ(test, atomic_read(&tf->completes), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&tf->queries), 0);
	KUNIT_EXPECT_EQ(test, start_reason, reason);
	KUNIT_EXPECT_EQ(test, complete_reason, reason);
	KUNIT_EXPECT_EQ(test, hweight32(reason), 1);
	atomic_set(&tf->pres, 0);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&tf->pres), 0);
}

static void expect_in_service(struct kunit *test, struct tf *tf)
{
	KUNIT_EXPECT_TRUE(test, is_known(tf->name));
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(tf, volume));
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(tf, other));
	KUNIT_EXPECT_EQ(test, atomic_read(&tf->starts) + atomic_read(&tf->completes), 0);
	atomic_set(&tf->pres, 0);
	tf_io(test, sim, FLT_CLASS_READ);
	tf_io(test, other_sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&tf->pres), 2);
}

/* URG-01, TDN-06 */
static void unregister_tears_down_all(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "1", "one", NULL),
			0);
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 3);
	KUNIT_EXPECT_TRUE(test, list_empty(&volume->instances));
	KUNIT_EXPECT_TRUE(test, list_empty(&other->instances));
	KUNIT_EXPECT_FALSE(test, flt_volume_filtered(volume, FLT_CLASS_READ));
	KUNIT_EXPECT_EQ(test, start_reason, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
	KUNIT_EXPECT_EQ(test, complete_reason, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
	/* Nobody asked the filter: this is the filter. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 0);
}

/* URG-01 */
static void unregister_before_start(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &b.reg, &b.filter), 0);
	tf_unregister(&b);
	KUNIT_EXPECT_FALSE(test, is_known("B"));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.setups) + atomic_read(&b.starts), 0);
}

/* UNL-01, UNL-03, TDN-06, TDN-41 */
static void optional(struct kunit *test)
{
	a.unload_flags = ~0;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 1);
	KUNIT_EXPECT_EQ(test, a.unload_flags, 0);
	expect_unloaded(test, &a, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
}

/* UNL-02, UNL-03, TDN-06, TDN-42 */
static void mandatory(struct kunit *test)
{
	flt_module_exit(THIS_MODULE);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 1);
	KUNIT_EXPECT_EQ(test, a.unload_flags, FLTFL_FILTER_UNLOAD_MANDATORY);
	expect_unloaded(test, &a, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD);
}

/* UNL-04, UNL-19, INV-10, SEV-02, SEV-03 */
static void optional_refused(struct kunit *test)
{
	static const int refusals[] = {
		STATUS_FLT_DO_NOT_DETACH, STATUS_BUFFER_OVERFLOW, STATUS_NO_MORE_ENTRIES,
		STATUS_ACCESS_DENIED, -EPERM,
	};
	int before = module_refcount(THIS_MODULE);
	unsigned int violations = flt_violation_count();
	int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		a.unload_status = refusals[i];
		KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), refusals[i]);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), i + 1);
		expect_in_service(test, &a);
		KUNIT_EXPECT_FALSE(test, a.filter->unloading);
		KUNIT_EXPECT_EQ(test, a.filter->state, FLT_FILTER_FILTERING);
	}
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations);
	/* It can be asked again, and attached further. */
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	atomic_set(&a.starts, 0);
	atomic_set(&a.completes, 0);
	atomic_set(&a.queries, 0);
	a.unload_status = 0;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	expect_unloaded(test, &a, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
}

/* SEV-02, SEV-03 */
static void any_success_agrees(struct kunit *test)
{
	static const int successes[] = {
		1, STATUS_TIMEOUT, STATUS_PENDING, STATUS_REPARSE, STATUS_FLT_IO_COMPLETE,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(successes); i++) {
		a.unload_status = successes[i];
		KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
		KUNIT_EXPECT_FALSE(test, is_known("A"));
		a.filter = NULL;
		KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	}
}

/* UNL-05, TDN-42 */
static void mandatory_refused(struct kunit *test)
{
	a.unload_status = STATUS_FLT_DO_NOT_DETACH;
	flt_module_exit(THIS_MODULE);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 1);
	expect_unloaded(test, &a, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD);
}

static int unregister_and_refuse(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	return STATUS_FLT_DO_NOT_DETACH;
}

/* UNL-09 */
static void refused_too_late(struct kunit *test)
{
	unsigned int violations = flt_violation_count();

	tf_unregister(&a);
	atomic_set(&a.starts, 0);
	atomic_set(&a.completes, 0);
	a.reg.filter_unload_callback = unregister_and_refuse;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	/* It has gone, so that is the result; that it said no is reported. */
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + 1);
	expect_unloaded(test, &a, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
}

/* UNL-10 */
static void agreed_and_forgot(struct kunit *test)
{
	unsigned int violations = flt_violation_count();

	a.unload_forgets = true;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 1);
	expect_unloaded(test, &a, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
}

/* UNL-10 */
static void agreed_and_forgot_mandatory(struct kunit *test)
{
	unsigned int violations = flt_violation_count();

	a.unload_forgets = true;
	flt_module_exit(THIS_MODULE);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + 1);
	expect_unloaded(test, &a, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD);
}

static bool callback_in_worker, callback_could_sleep;
static struct task_struct *callback_task;
static int known_inside, unload_inside;

static int unload_in_order(struct flt_filter *filter, u32 flags)
{
	struct flt_filter *found;

	callback_task = current;
	callback_in_worker = current->flags & PF_WQ_WORKER;
	callback_could_sleep = in_task() && !irqs_disabled() && !preempt_count() &&
			       !rcu_preempt_depth();
	tf_log("A", "u");
	/* Until it says otherwise it is in service. */
	known_inside = flt_get_filter_from_name("A", &found);
	if (!known_inside)
		flt_object_dereference(found);
	unload_inside = flt_unload_filter("A");
	flt_unregister_filter(filter);
	/* Here a filter cleans up what its callbacks used. */
	tf_log("A", ".");
	return 0;
}

static void use_ordered_callback(struct kunit *test)
{
	tf_unregister(&a);
	a.reg.filter_unload_callback = unload_in_order;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	known_inside = 1;
	unload_inside = 1;
	tf_log_clear();
}

/* UNL-03, UNL-17 */
static void on_a_worker(struct kunit *test)
{
	use_ordered_callback(test);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	a.filter = NULL;
	KUNIT_EXPECT_TRUE(test, callback_in_worker);
	KUNIT_EXPECT_PTR_NE(test, callback_task, current);
	KUNIT_EXPECT_TRUE(test, callback_could_sleep);
	KUNIT_EXPECT_EQ(test, known_inside, 0);
	/* One unload at a time. */
	KUNIT_EXPECT_EQ(test, unload_inside, STATUS_FLT_DELETING_OBJECT);
}

static struct flt_sim_op *start_read(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	return op;
}

static void end_reads(struct kunit *test, struct flt_sim_op *one, struct flt_sim_op *two)
{
	flt_sim_set_hold(sim, false);
	KUNIT_EXPECT_EQ(test, flt_sim_release_all(sim, FLT_SIM_PROCESS, 0), 2);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(one, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(two, TF_WAIT), 0);
	flt_sim_op_free(one);
	flt_sim_op_free(two);
}

/* URG-03, UNL-11, UNL-12, TDN-41, TDN-22 */
static void order_of_an_unload(struct kunit *test)
{
	struct flt_sim_op *below, *pended;

	use_ordered_callback(test);
	/* One volume is enough here. */
	KUNIT_ASSERT_EQ(test, flt_detach_volume(a.filter, other, NULL), 0);
	flt_sim_set_hold(sim, true);
	below = start_read(test);
	a.pre_status = FLT_PREOP_PENDING;
	pended = start_read(test);
	a.complete_in_start = true;
	tf_log_clear();
	/* Entered; instance: start, drained, complete; unregistered; cleaned up. */
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	a.filter = NULL;
	tf_expect_log(test, "Au A[ A! A] A.");
	end_reads(test, below, pended);
	tf_expect_log(test, "Au A[ A! A] A.");
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 0);
}

/* UNL-12, TDN-42, TDN-22 */
static void order_of_a_mandatory_unload(struct kunit *test)
{
	struct flt_sim_op *below, *pended;

	use_ordered_callback(test);
	KUNIT_ASSERT_EQ(test, flt_detach_volume(a.filter, other, NULL), 0);
	flt_sim_set_hold(sim, true);
	below = start_read(test);
	a.pre_status = FLT_PREOP_PENDING;
	pended = start_read(test);
	a.complete_in_start = true;
	tf_log_clear();
	flt_module_exit(THIS_MODULE);
	a.filter = NULL;
	tf_expect_log(test, "Au A[ A! A] A.");
	KUNIT_EXPECT_EQ(test, complete_reason, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD);
	end_reads(test, below, pended);
}

/* UNL-13, ENM-12 */
static void by_name(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), STATUS_FLT_FILTER_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_unload_filter(""), STATUS_FLT_FILTER_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A "), STATUS_FLT_FILTER_NOT_FOUND);
	b.reg.filter_unload_callback = NULL;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_LT(test, flt_unload_filter("B"), 0);
	KUNIT_EXPECT_NE(test, flt_unload_filter("B"), STATUS_FLT_FILTER_NOT_FOUND);
	expect_in_service(test, &b);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("a"), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("a"), STATUS_FLT_FILTER_NOT_FOUND);
}

/* UNL-02 */
static void all_filters_of_one_module(struct kunit *test)
{
	static struct tf c;

	tf_init(&c, "C", "100");
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, flt_register_filter(&stranger, &c.reg, &c.filter), 0);
	KUNIT_EXPECT_EQ(test, flt_start_filtering(c.filter), 0);
	flt_module_exit(THIS_MODULE);
	a.filter = NULL;
	b.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.unloads), 1);
	KUNIT_EXPECT_FALSE(test, is_known("A"));
	KUNIT_EXPECT_FALSE(test, is_known("B"));
	/* And none of another one. */
	KUNIT_EXPECT_EQ(test, atomic_read(&c.unloads), 0);
	expect_in_service(test, &c);
	flt_module_exit(&stranger);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.unloads), 1);
	/* None left: nothing happens. */
	flt_module_exit(THIS_MODULE);
}

/* LOD-04, INV-21 */
static void again_and_again(struct kunit *test)
{
	unsigned int violations = flt_violation_count();
	int i;

	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	for (i = 0; i < 20; i++) {
		/* The name is free as soon as the unload has returned. */
		KUNIT_ASSERT_EQ(test, flt_unload_filter("A"), 0);
		a.filter = NULL;
		KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
		if (i & 1) {
			tf_unregister(&a);
			KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
		}
		/* It is where it was, whoever came first. */
		tf_log_clear();
		tf_io(test, sim, FLT_CLASS_WRITE);
		tf_expect_log(test, "A> B> B< A<");
		KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
		KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), i);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 4 * i);
	/* Who keeps the rules is never reported. */
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations);
}

static struct kunit_case unload_cases[] = {
	KUNIT_CASE(unregister_tears_down_all),
	KUNIT_CASE(unregister_before_start),
	KUNIT_CASE(optional),
	KUNIT_CASE(mandatory),
	KUNIT_CASE(optional_refused),
	KUNIT_CASE(any_success_agrees),
	KUNIT_CASE(mandatory_refused),
	KUNIT_CASE(refused_too_late),
	KUNIT_CASE(agreed_and_forgot),
	KUNIT_CASE(agreed_and_forgot_mandatory),
	KUNIT_CASE(on_a_worker),
	KUNIT_CASE(order_of_an_unload),
	KUNIT_CASE(order_of_a_mandatory_unload),
	KUNIT_CASE(by_name),
	KUNIT_CASE(all_filters_of_one_module),
	KUNIT_CASE(again_and_again),
	{}
};

static struct kunit_suite unload_suite = {
	.name = "fltmgr_unload",
	.init = unload_init,
	.exit = unload_exit,
	.test_cases = unload_cases,
};

kunit_test_suite(unload_suite);

MODULE_DESCRIPTION("Tests of unloading");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
