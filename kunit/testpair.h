/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What many suites are about: a volume, an operation on its way there, and two
 * filters, A above B.
 */
#ifndef _FLTMGR_TESTPAIR_H
#define _FLTMGR_TESTPAIR_H

#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct flt_sim_op *op;
static struct tf a, b;

/* All is there, and the filters are as tf_init() makes them. */
static inline void pair_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
}

static inline void pair_register(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
}

/* What holds the operation, or a teardown, has let go of it. */
static inline void pair_exit(struct kunit *test)
{
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

#endif /* _FLTMGR_TESTPAIR_H */
