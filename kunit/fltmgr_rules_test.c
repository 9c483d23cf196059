// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules that belong to no single file: what a filter may rely on in its
 * callbacks and while it owns an operation.
 */
#include <linux/module.h>

#include "testfilter.h"

static struct flt_sim *sim;
static struct flt_sim_op *op;
static struct tf a, b;

static int rules_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	return 0;
}

static void rules_exit(struct kunit *test)
{
	a.complete_in_start = true;
	b.complete_in_start = true;
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

/* REG-01, REG-02: a filter belongs to a module, and gets a pointer of its own */
static void a_filter_belongs_to_a_module(struct kunit *test)
{
	struct flt_filter *filter = NULL;

	KUNIT_EXPECT_EQ(test, flt_register_filter(NULL, &a.reg, &filter), -EINVAL);
	KUNIT_EXPECT_NULL(test, filter);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_PTR_EQ(test, a.filter->owner, THIS_MODULE);
	KUNIT_EXPECT_PTR_NE(test, a.filter, b.filter);
}

/* CON-24, REG-06: the default instance is looked at before anything attaches */
static void definitions_are_checked_at_registration(struct kunit *test)
{
	struct flt_filter *filter;

	a.defs[0].altitude = "high";
	KUNIT_EXPECT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &filter), -EINVAL);
	a.defs[0].name = NULL;
	KUNIT_EXPECT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &filter), -ENOKEY);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &filter), -ESRCH);
}

static int sleep_in_pre(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	might_sleep();
	schedule_timeout_uninterruptible(1);
	return status;
}

/* PRE-01: in the issuer's thread, sleepable */
static void a_pre_operation_may_sleep(struct kunit *test)
{
	a.on_pre = sleep_in_pre;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_PTR_EQ(test, a.pre_task, current);
}

static const struct flt_related_objects *kept_objs;

static int queue_it(struct tf *tf, struct flt_callback_data *data,
		    const struct flt_related_objects *objs, int status)
{
	kept_objs = objs;
	INIT_LIST_HEAD(&data->queue_links);
	return status;
}

/* OPC-04, REF-07: while it owns the operation, the links and the objects are the filter's */
static void what_is_valid_while_pended(struct kunit *test)
{
	struct flt_callback_data *data;
	LIST_HEAD(queue);
	int i;

	a.on_pre = queue_it;
	a.pre_status = FLT_PREOP_PENDING;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	flt_sim_start(op);
	data = tf_take(&a);
	KUNIT_ASSERT_NOT_NULL(test, data);
	list_add(&data->queue_links, &queue);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&queue));
	list_del(&data->queue_links);
	for (i = 0; i < ARRAY_SIZE(data->filter_context); i++)
		data->filter_context[i] = &a;
	KUNIT_EXPECT_PTR_EQ(test, kept_objs->filter, a.filter);
	KUNIT_EXPECT_PTR_EQ(test, kept_objs->volume, flt_sim_volume(sim));
	KUNIT_EXPECT_STREQ(test, flt_instance_name(kept_objs->instance), "A");
	/* REF-07: they carry no reference of ours */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&kept_objs->instance->obj.rundown), 0);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_WITH_CALLBACK, &a);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->status, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
}

/* ALT-09, ALT-02: the group of an altitude means nothing to the stack */
static void the_altitude_alone_decides(struct kunit *test)
{
	struct flt_volume *volume = flt_sim_volume(sim);

	a.defs[0].altitude = "329999";		/* anti-virus */
	b.defs[0].altitude = "40000";		/* bottom */
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	/* a second instance of the "bottom" filter, above, between two integers */
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(b.filter, volume, "329999.5", "high",
							    NULL), 0);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	tf_expect_log(test, "B> A> B> B< A< B<");
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, "high"), 0);
}

/* TDN-26, TDN-25, INV-17: a pointer that stays valid, calls that refuse */
static void calls_on_an_instance_that_went(struct kunit *test)
{
	struct flt_volume *volume = flt_sim_volume(sim);
	struct flt_instance *inst;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	inst = tf_instance(&a, volume);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_ASSERT_EQ(test, flt_object_reference(inst), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(inst), "A");
	KUNIT_EXPECT_EQ(test, flt_object_reference(inst), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_object_reference(inst), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "A"),
			STATUS_FLT_INSTANCE_NOT_FOUND);
	flt_object_dereference(inst);
}

static unsigned int calls(struct tf *tf)
{
	return atomic_read(&tf->pres) + atomic_read(&tf->posts) + atomic_read(&tf->drains) +
	       atomic_read(&tf->setups) + atomic_read(&tf->queries) + atomic_read(&tf->starts) +
	       atomic_read(&tf->completes) + atomic_read(&tf->unloads);
}

/* INV-05, URG-03: operations, a new volume, the end of what was in flight */
static void nothing_is_called_after_unregistering(struct kunit *test)
{
	struct flt_sim *other;
	unsigned int before;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	tf_unregister(&a);
	before = calls(&a);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	flt_sim_set_hold(sim, false);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	other = flt_sim_create("other");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	flt_sim_destroy(other);
	KUNIT_EXPECT_EQ(test, calls(&a), before);
}

static struct kunit_case rules_cases[] = {
	KUNIT_CASE(a_filter_belongs_to_a_module),
	KUNIT_CASE(definitions_are_checked_at_registration),
	KUNIT_CASE(a_pre_operation_may_sleep),
	KUNIT_CASE(what_is_valid_while_pended),
	KUNIT_CASE(the_altitude_alone_decides),
	KUNIT_CASE(calls_on_an_instance_that_went),
	KUNIT_CASE(nothing_is_called_after_unregistering),
	{}
};

static struct kunit_suite rules_suite = {
	.name = "fltmgr_rules",
	.init = rules_init,
	.exit = rules_exit,
	.test_cases = rules_cases,
};

kunit_test_suite(rules_suite);

MODULE_DESCRIPTION("Tests of what a filter may rely on");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
