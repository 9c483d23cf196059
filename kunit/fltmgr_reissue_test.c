// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending an operation down once more.
 */
#include <linux/module.h>

#include "testown.h"

/* FIO-20, FIO-21: one's own, once more, with what it says */
static void it_is_reissued(struct kunit *test)
{
	flt_perform_synchronous_io(data);
	data->iopb->parameters.read.byte_offset = 16384;
	flt_reissue_synchronous_io(issuer, data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
	tf_expect_log(test, "C> C< C> C<");
	KUNIT_EXPECT_EQ(test, c.seen_iopb.parameters.read.byte_offset, 16384);
	KUNIT_EXPECT_TRUE(test, c.seen.flags & FLTFL_CALLBACK_DATA_REISSUED_IO);
	KUNIT_EXPECT_TRUE(test, c.seen.flags & FLTFL_CALLBACK_DATA_GENERATED_IO);
}

static int reissue_rc;

static int reissues(struct tf *tf, struct flt_callback_data *cbd,
		    const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_sim_set_status(sim, 0);
	reissue_rc = cbd->io_status.status;
	if (tf->context)
		cbd->iopb->parameters.read.byte_offset = (unsigned long)tf->context;
	flt_reissue_synchronous_io(objs->instance, cbd);
	return status;
}

/* FIO-20, FIO-21: what it has synchronised: below only, and how that ends counts */
static void what_was_synchronised_is_reissued(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SYNCHRONIZE;
	b.on_post = reissues;
	b.context = NULL;
	flt_sim_set_status(sim, -EIO);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, reissue_rc, -EIO);
	tf_expect_log(test, "A> B> C> C< B< C> C< A<");
	KUNIT_EXPECT_TRUE(test, c.seen.flags & FLTFL_CALLBACK_DATA_REISSUED_IO);
	KUNIT_EXPECT_TRUE(test, c.seen.flags & FLTFL_CALLBACK_DATA_GENERATED_IO);
	KUNIT_EXPECT_FALSE(test, a.seen.flags & FLTFL_CALLBACK_DATA_REISSUED_IO);
}

/* FIO-20: elsewhere, of which nobody above learns */
static void it_is_reissued_elsewhere(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SYNCHRONIZE;
	b.on_post = reissues;
	b.context = (void *)65536;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, c.seen_iopb.parameters.read.byte_offset, 65536);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.read.byte_offset, 4096);
	tf_expect_log(test, "A> B> C> C< B< C> C< A<");
}

/* FIO-21: the pre-operation has to have asked for it; the first end counts */
static void without_synchronize_it_is_not_reissued(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_post = reissues;
	b.context = NULL;
	flt_sim_set_status(sim, -EIO);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), -EIO);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

/* FIO-20: below the instance there is only the device */
static void the_lowest_reissues(struct kunit *test)
{
	c.pre_status = FLT_PREOP_SYNCHRONIZE;
	c.on_post = reissues;
	c.context = NULL;
	flt_sim_set_status(sim, -EIO);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, reissue_rc, -EIO);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

/* FIO-21: by whom it was initiated, and synchronously */
static void other_reissues_are_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	KUNIT_EXPECT_EQ(test, own_async(), 0);
	flt_reissue_synchronous_io(issuer, data);
	flt_reuse_callback_data(data);
	own_fill(data);
	flt_perform_synchronous_io(data);
	flt_reissue_synchronous_io(tf_instance(&c, volume), data);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	tf_expect_log(test, "C> C< B. C> C<");
}

static struct kunit_case reissue_cases[] = {
	KUNIT_CASE(it_is_reissued),
	KUNIT_CASE(what_was_synchronised_is_reissued),
	KUNIT_CASE(it_is_reissued_elsewhere),
	KUNIT_CASE(without_synchronize_it_is_not_reissued),
	KUNIT_CASE(the_lowest_reissues),
	KUNIT_CASE(other_reissues_are_refused),
	{}
};

static struct kunit_suite reissue_suite = {
	.name = "fltmgr_reissue",
	.init = own_test_init,
	.exit = own_test_exit,
	.test_cases = reissue_cases,
};

kunit_test_suite(reissue_suite);

MODULE_DESCRIPTION("Tests of reissued operations");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
