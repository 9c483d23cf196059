/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of enumeration share: a volume with instances of A, B and C,
 * highest first, and short ways to ask for records and lists.
 */
#ifndef _FLTMGR_TESTENUM_H
#define _FLTMGR_TESTENUM_H

#include "testgate.h"

#define FILTER_CLASS	FLT_FILTER_AGGREGATE_STANDARD_INFORMATION
#define INSTANCE_CLASS	FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION
#define VOLUME_CLASS	FLT_VOLUME_STANDARD_INFORMATION

static struct flt_sim *sim, *sim2;
static struct flt_volume *volume;
static struct tf a, b, c;
static struct gate gate;
static struct kunit *current_test;	/* for callbacks that look around */

/* The record asked for last. */
static union {
	struct flt_filter_information filter;
	struct flt_instance_information instance;
	struct flt_volume_information volume;
	char bytes[1024];
} record;
static size_t got;

static inline int enumerate_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	sim2 = NULL;
	gate_init(&gate);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200.5");
	tf_init(&c, "C", "100");
	/* Not in the order of their altitudes. */
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	return 0;
}

static inline void enumerate_exit(struct kunit *test)
{
	tf_race_disarm();
	gate_open(&gate);
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	tf_drop(&c);
	if (sim2)
		flt_sim_destroy(sim2);
	flt_sim_destroy(sim);
}

static inline int filter_at(u32 index)
{
	return flt_enumerate_filter_information(index, FILTER_CLASS, &record, sizeof(record),
						&got);
}

static inline int volume_at(u32 index)
{
	return flt_enumerate_volume_information(index, VOLUME_CLASS, &record, sizeof(record),
						&got);
}

static inline int instance_of(struct tf *tf, u32 index)
{
	return flt_enumerate_instance_information_by_filter(tf->filter, index, INSTANCE_CLASS,
							    &record, sizeof(record), &got);
}

static inline int instance_on(struct flt_volume *vol, u32 index)
{
	return flt_enumerate_instance_information_by_volume(vol, index, INSTANCE_CLASS, &record,
							    sizeof(record), &got);
}

static inline int instance_on_name(const char *name, u32 index)
{
	return flt_enumerate_instance_information_by_volume_name(name, index, INSTANCE_CLASS,
								 &record, sizeof(record), &got);
}

static inline u32 count_filters(void)
{
	u32 nr = 0;

	flt_enumerate_filters(NULL, 0, &nr);
	return nr;
}

static inline u32 count_volumes(void)
{
	u32 nr = 0;

	flt_enumerate_volumes(NULL, 0, &nr);
	return nr;
}

static inline u32 count_instances(struct flt_volume *vol, struct flt_filter *filter)
{
	u32 nr = 0;

	flt_enumerate_instances(vol, filter, NULL, 0, &nr);
	return nr;
}

static inline long instance_references(struct tf *tf)
{
	return references(&tf_instance(tf, volume)->obj);
}

/* Nobody holds anything. INV-11 */
static inline void expect_no_references(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
	KUNIT_EXPECT_EQ(test, references(&b.filter->obj), 0);
	KUNIT_EXPECT_EQ(test, references(&c.filter->obj), 0);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 0);
	KUNIT_EXPECT_EQ(test, instance_references(&a), 0);
	KUNIT_EXPECT_EQ(test, instance_references(&b), 0);
	KUNIT_EXPECT_EQ(test, instance_references(&c), 0);
}

static inline void *detach_thread(void *arg)
{
	struct tf *tf = arg;

	return (void *)(long)flt_detach_volume(tf->filter, volume, NULL);
}

static inline void *unregister_thread(void *arg)
{
	struct tf *tf = arg;

	flt_unregister_filter(tf->filter);
	return NULL;
}

static inline void *dismount_thread(void *arg)
{
	flt_sim_dismount(arg);
	return NULL;
}

/* The teardown of B's instance stops before its teardown_start. */
static inline void park_detach_of_b(struct kunit *test)
{
	tf_race_arm("teardown_grace", NULL);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
}

#endif /* _FLTMGR_TESTENUM_H */
