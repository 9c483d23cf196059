// SPDX-License-Identifier: GPL-2.0-only
/*
 * The teardown of one filter's instance waits for nobody else's: A goes while B,
 * above or below it, holds the very operation that A has to do with.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b;
static struct gate gate;
static struct flt_sim_op *op;

static int independence_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "200");
	gate_init(&gate);
	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	return 0;
}

static bool complete_post(void)
{
	struct flt_callback_data *data = tf_take(&b);

	if (data)
		flt_complete_pended_postoperation(data);
	return data;
}

static void independence_exit(struct kunit *test)
{
	gate_open(&gate);
	if (b.post_status == FLT_POSTOP_MORE_PROCESSING_REQUIRED)
		complete_post();
	else
		tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

static void *start(void *arg)
{
	return (void *)(long)flt_sim_start(op);
}

static void *detach_a(void *arg)
{
	return (void *)(long)flt_detach_volume(a.filter, volume, NULL);
}

static int sleep_in_pre(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

static void register_both(struct kunit *test, const char *altitude_of_b)
{
	tf_init(&b, "B", altitude_of_b);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
}

/* A is detached, and B still has the operation when that is done. */
static void expect_a_goes(struct kunit *test, int drains, int posts)
{
	KUNIT_EXPECT_FALSE(test, op->ended.count);
	helper_start(test, 1, detach_a, NULL);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), drains);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), posts);
	KUNIT_EXPECT_FALSE(test, op->ended.count);
}

/* B lets go, and the operation ends as if A had never been. */
static void expect_the_rest(struct kunit *test, int posts)
{
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->ended.count, 1);
	KUNIT_EXPECT_EQ(test, op->status, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), posts);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
}

static void pended_in_pre(struct kunit *test, int drains)
{
	b.pre_status = FLT_PREOP_PENDING;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	expect_a_goes(test, drains, 0);
	KUNIT_ASSERT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	expect_the_rest(test, 0);
}

static void pended_in_post(struct kunit *test, int drains, int posts)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	expect_a_goes(test, drains, posts);
	KUNIT_ASSERT_TRUE(test, complete_post());
	expect_the_rest(test, posts);
}

static void asleep_in_pre(struct kunit *test, int drains)
{
	b.on_pre = sleep_in_pre;
	helper_start(test, 0, start, NULL);
	gate_wait(test, &gate);
	expect_a_goes(test, drains, 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_the_rest(test, 0);
}

/* PND-11, DRN-10: A owes its post-op; it is drained, though B is below */
static void below_it_pended_in_pre(struct kunit *test)
{
	register_both(test, "100");
	pended_in_pre(test, 1);
}

/* DRN-10, TDN-14 */
static void below_it_pended_in_post(struct kunit *test)
{
	register_both(test, "100");
	pended_in_post(test, 1, 0);
}

/* DRN-10, TDN-14 */
static void below_it_asleep_in_pre(struct kunit *test)
{
	register_both(test, "100");
	asleep_in_pre(test, 1);
}

/* PND-11: A has not seen it yet, and does not after B has let go */
static void above_it_pended_in_pre(struct kunit *test)
{
	register_both(test, "300");
	pended_in_pre(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
}

/* DRN-10: A is through with it */
static void above_it_pended_in_post(struct kunit *test)
{
	register_both(test, "300");
	pended_in_post(test, 0, 1);
}

/* TDN-13 */
static void above_it_asleep_in_pre(struct kunit *test)
{
	register_both(test, "300");
	asleep_in_pre(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
}

static struct kunit_case independence_cases[] = {
	KUNIT_CASE(below_it_pended_in_pre),
	KUNIT_CASE(below_it_pended_in_post),
	KUNIT_CASE(below_it_asleep_in_pre),
	KUNIT_CASE(above_it_pended_in_pre),
	KUNIT_CASE(above_it_pended_in_post),
	KUNIT_CASE(above_it_asleep_in_pre),
	{}
};

static struct kunit_suite independence_suite = {
	.name = "fltmgr_independence",
	.init = independence_init,
	.exit = independence_exit,
	.test_cases = independence_cases,
};

kunit_test_suite(independence_suite);

MODULE_DESCRIPTION("Tests that a teardown waits for nobody else");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
