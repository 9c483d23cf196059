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
	sim = flt_sim_create("vol");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sim);
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
		if (all[i]->filter)
			tf_unregister(all[i]);
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

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(order_is_down_then_up),
	KUNIT_CASE(no_callback_is_not_called_back),
	KUNIT_CASE(complete_turns_round),
	KUNIT_CASE(complete_needs_a_final_status),
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
