// SPDX-License-Identifier: GPL-2.0-only
/*
 * A teardown looks at an operation whose post-operation it is going to wait for,
 * and the filter moves on between the look and the mark: the hold that was taken for
 * the mark is given back, and what is there by now is marked.
 */
#include <linux/bio.h>
#include <linux/module.h>

#include "testpair.h"

static struct gate gate;		/* in B's post-operation */
static struct flt_callback_data *last;	/* what B's post-operation was called with */

static int drain_race_init(struct kunit *test)
{
	gate_init(&gate);
	last = NULL;
	pair_init(test);
	pair_register(test);
	return 0;
}

static void drain_race_exit(struct kunit *test)
{
	struct flt_callback_data *data;

	tf_race_disarm();
	gate_open(&gate);
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	/* Of a case that has ended early: its teardown is not to wait for ever. */
	data = flt_sim_op_done(op) ? NULL : tf_take(&b);
	if (data)
		flt_complete_pended_postoperation(data);
	helpers_stop();
	pair_exit(test);
}

static int stay_in_post(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, u32 flags, int status)
{
	last = data;
	gate_pass(&gate);
	return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

static void *start_op(void *arg)
{
	return (void *)(long)flt_sim_start(op);
}

static void *detach_b(void *arg)
{
	return (void *)(long)flt_detach_volume(b.filter, volume, NULL);
}

static void complete_last(void *unused)
{
	flt_complete_pended_postoperation(last);
}

/* B's node: it is the first that was made for the operation, but for A's. */
static struct flt_node *node_of_b(void)
{
	return &op->operation.nodes[1];
}

static int state_of_b(void)
{
	return atomic_read(&node_of_b()->state);
}

/* What the teardown waits for is this node alone. */
static bool watched_once(const struct flt_instance *inst)
{
	return READ_ONCE(inst->phase) == FLT_TEARDOWN_COMPLETE &&
	       state_of_b() & FLT_NODE_WATCHED && atomic_read(&inst->hold) == 1;
}

/* TDN-20, INV-04, PND-21: another thread of the filter's completes it, while the post-op runs */
static void completed_early_under_the_scan(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);

	b.on_post = stay_in_post;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, state_of_b(), FLT_NODE_POSTING);
	tf_race_arm_slot(0, "drain_watch", node_of_b(), -1, complete_last, NULL);
	helper_start(test, 1, detach_b, NULL);
	tf_wait_until(test, watched_once(inst));
	KUNIT_EXPECT_TRUE(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, state_of_b(), FLT_NODE_POST_EARLY | FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
}

static struct bio *bio;

static int swap_buffer(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	data->iopb->parameters.read.bio = bio;
	flt_set_callback_data_dirty(data);
	return status;
}

static void release_op(void *unused)
{
	flt_sim_release(op, FLT_SIM_PROCESS, 0);
}

/* DRN-12, TDN-20, INV-04: the device ends what has a swapped buffer, and the post-op pends it */
static void a_swapped_buffer_comes_up_under_the_scan(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);

	bio = bio_alloc(NULL, 0, REQ_OP_READ, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bio);
	bio->bi_iter.bi_size = 4096;
	b.on_pre = swap_buffer;
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, state_of_b(), FLT_NODE_KEPT);
	tf_race_arm_slot(0, "drain_watch", node_of_b(), -1, release_op, NULL);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, watched_once(inst));
	KUNIT_EXPECT_TRUE(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, state_of_b(), FLT_NODE_POST_PENDED | FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	flt_complete_pended_postoperation(tf_take(&b));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
}

static struct kunit_case drain_race_cases[] = {
	KUNIT_CASE(completed_early_under_the_scan),
	KUNIT_CASE(a_swapped_buffer_comes_up_under_the_scan),
	{}
};

static struct kunit_suite drain_race_suite = {
	.name = "fltmgr_drain_race",
	.init = drain_race_init,
	.exit = drain_race_exit,
	.test_cases = drain_race_cases,
};

kunit_test_suite(drain_race_suite);

MODULE_DESCRIPTION("Tests of a teardown's scan against who moves the operation");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
