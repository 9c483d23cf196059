// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists and records: what they say, in which order, and what they say of
 * filters, volumes and instances that are going.
 */
#include <linux/module.h>

#include "testenum.h"

/* ENM-01, ENM-07, REF-06, INV-11 */
static void lists_come_with_references(struct kunit *test)
{
	struct flt_filter *filters[4] = {};
	struct flt_volume *volumes[2] = {};
	struct flt_instance *insts[4] = {};
	u32 nr, i;

	KUNIT_ASSERT_EQ(test, flt_enumerate_filters(filters, 4, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 3);
	KUNIT_EXPECT_PTR_EQ(test, filters[0], a.filter);
	KUNIT_EXPECT_PTR_EQ(test, filters[1], b.filter);
	KUNIT_EXPECT_PTR_EQ(test, filters[2], c.filter);
	KUNIT_EXPECT_NULL(test, filters[3]);
	KUNIT_ASSERT_EQ(test, flt_enumerate_volumes(volumes, 2, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 1);
	KUNIT_EXPECT_PTR_EQ(test, volumes[0], volume);
	KUNIT_ASSERT_EQ(test, flt_enumerate_instances(volume, NULL, insts, 4, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 3);
	KUNIT_EXPECT_PTR_EQ(test, insts[0], tf_instance(&a, volume));
	KUNIT_EXPECT_PTR_EQ(test, insts[1], tf_instance(&b, volume));
	KUNIT_EXPECT_PTR_EQ(test, insts[2], tf_instance(&c, volume));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, references(&filters[i]->obj), 1);
		KUNIT_EXPECT_EQ(test, references(&insts[i]->obj), 1);
		flt_object_dereference(filters[i]);
		flt_object_dereference(insts[i]);
	}
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 1);
	flt_object_dereference(volume);
	expect_no_references(test);
}

/* ENM-02: the count, and nothing is left of what did not fit */
static void lists_that_are_too_small(struct kunit *test)
{
	struct flt_filter *filters[3] = {};
	struct flt_volume *volumes[1] = {};
	struct flt_instance *insts[3] = {};
	u32 size, nr;

	for (size = 0; size < 3; size++) {
		nr = 0;
		KUNIT_EXPECT_EQ(test, flt_enumerate_filters(size ? filters : NULL, size, &nr),
				STATUS_BUFFER_TOO_SMALL);
		KUNIT_EXPECT_EQ(test, nr, 3);
		nr = 0;
		KUNIT_EXPECT_EQ(test, flt_enumerate_instances(volume, NULL, size ? insts : NULL,
							      size, &nr),
				STATUS_BUFFER_TOO_SMALL);
		KUNIT_EXPECT_EQ(test, nr, 3);
		KUNIT_EXPECT_NULL(test, filters[0]);
		KUNIT_EXPECT_NULL(test, insts[0]);
		expect_no_references(test);
	}
	KUNIT_EXPECT_EQ(test, flt_enumerate_volumes(NULL, 0, &nr), STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, flt_enumerate_volumes(volumes, 0, &nr), STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, nr, 1);
	expect_no_references(test);
	/* An empty list fits everywhere. */
	sim2 = tf_sim(test, "vol2");
	nr = 1;
	KUNIT_EXPECT_EQ(test, flt_enumerate_instances(flt_sim_volume(sim2), NULL, NULL, 0, &nr),
			0);
	KUNIT_EXPECT_EQ(test, nr, 0);
}

/* ENM-03, INS-05 */
static void instances_of_a_volume_of_a_filter_or_both(struct kunit *test)
{
	struct flt_instance *insts[8];
	u32 nr;

	sim2 = tf_sim(test, "vol2");
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, flt_sim_volume(sim2), NULL, NULL), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "50", "low", NULL),
			0);
	KUNIT_EXPECT_EQ(test, count_instances(volume, NULL), 4);
	KUNIT_EXPECT_EQ(test, count_instances(NULL, a.filter), 3);
	KUNIT_EXPECT_EQ(test, count_instances(volume, a.filter), 2);
	KUNIT_EXPECT_EQ(test, count_instances(flt_sim_volume(sim2), a.filter), 1);
	KUNIT_EXPECT_EQ(test, count_instances(flt_sim_volume(sim2), b.filter), 0);
	KUNIT_ASSERT_EQ(test, flt_enumerate_instances(volume, a.filter, insts, 8, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(insts[0]), "A");
	KUNIT_EXPECT_STREQ(test, flt_instance_name(insts[1]), "low");
	flt_object_dereference(insts[0]);
	flt_object_dereference(insts[1]);

	KUNIT_EXPECT_EQ(test, flt_enumerate_instances(NULL, NULL, insts, 8, &nr),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_enumerate_instances(volume, NULL, insts, 8, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_enumerate_instances(volume, NULL, NULL, 8, &nr),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_enumerate_filters(NULL, 8, &nr), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_enumerate_volumes(NULL, 8, &nr), STATUS_INVALID_PARAMETER);
}

/* ENM-04, INS-06: two lists differ, what both name is the same */
static void a_list_is_a_snapshot(struct kunit *test)
{
	struct flt_instance *before[3], *after[3] = {};
	u32 nr;

	KUNIT_ASSERT_EQ(test, flt_enumerate_instances(volume, NULL, before, 3, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 3);
	KUNIT_ASSERT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_ASSERT_EQ(test, flt_enumerate_instances(volume, NULL, after, 3, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_PTR_EQ(test, after[0], before[0]);
	KUNIT_EXPECT_PTR_EQ(test, after[1], before[2]);
	/* The earlier list still is what it was. */
	KUNIT_EXPECT_STREQ(test, flt_instance_name(before[1]), "B");
	flt_object_dereference(after[0]);
	flt_object_dereference(after[1]);
	/* A new instance at the old place is another one. */
	KUNIT_ASSERT_EQ(test, flt_attach_volume(b.filter, volume, NULL, &after[0]), 0);
	KUNIT_EXPECT_PTR_NE(test, after[0], before[1]);
	flt_object_dereference(after[0]);
	flt_object_dereference(before[0]);
	flt_object_dereference(before[1]);
	flt_object_dereference(before[2]);
	expect_no_references(test);
}

/* ENM-05, ENM-07, ENM-09, STK-05 */
static void records_of_filters(struct kunit *test)
{
	static const char * const names[] = { "A", "B", "C" };
	static const char * const altitudes[] = { "300", "200.5", "100" };
	int i;

	KUNIT_ASSERT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, filter_at(i), 0);
		KUNIT_EXPECT_EQ(test, record.filter.flags, FLTFL_AGGREGATE_INFO_IS_MINIFILTER);
		KUNIT_EXPECT_EQ(test, record.filter.frame_id, 0);
		KUNIT_EXPECT_EQ(test, record.filter.number_of_instances, i < 2 ? 1 : 0);
		KUNIT_EXPECT_STREQ(test, record.filter.filter_name, names[i]);
		KUNIT_EXPECT_STREQ(test, record.filter.filter_altitude, altitudes[i]);
		KUNIT_EXPECT_EQ(test, got, sizeof(record.filter) + 2 + strlen(altitudes[i]) + 1);
	}
	KUNIT_EXPECT_EQ(test, filter_at(3), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, got, 0);
	KUNIT_EXPECT_EQ(test, filter_at(U32_MAX), STATUS_NO_MORE_ENTRIES);
}

/* ENM-05, ENM-10, STK-05 */
static void records_of_instances(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, instance_on(volume, 1), 0);
	KUNIT_EXPECT_EQ(test, record.instance.flags, 0);
	KUNIT_EXPECT_EQ(test, record.instance.frame_id, 0);
	KUNIT_EXPECT_EQ(test, record.instance.volume_file_system_type, FLT_FSTYPE_UNKNOWN);
	KUNIT_EXPECT_EQ(test, record.instance.supported_features, 0);
	KUNIT_EXPECT_STREQ(test, record.instance.instance_name, "B");
	KUNIT_EXPECT_STREQ(test, record.instance.altitude, "200.5");
	KUNIT_EXPECT_STREQ(test, record.instance.volume_name, "vol");
	KUNIT_EXPECT_STREQ(test, record.instance.filter_name, "B");
	KUNIT_EXPECT_STREQ(test, record.instance.volume_type, "sim");
	KUNIT_EXPECT_EQ(test, got, sizeof(record.instance) + 2 + 6 + 4 + 2 + 4);
	KUNIT_EXPECT_EQ(test, instance_on(volume, 2), 0);
	KUNIT_EXPECT_STREQ(test, record.instance.instance_name, "C");
	KUNIT_EXPECT_EQ(test, instance_on(volume, 3), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, instance_of(&b, 0), 0);
	KUNIT_EXPECT_STREQ(test, record.instance.instance_name, "B");
	KUNIT_EXPECT_EQ(test, instance_of(&b, 1), STATUS_NO_MORE_ENTRIES);
}

/* ENM-05, ENM-11, STK-05 */
static void records_of_volumes(struct kunit *test)
{
	sim2 = flt_sim_create_unoffered("a-later-one");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sim2);
	KUNIT_ASSERT_EQ(test, volume_at(0), 0);
	KUNIT_EXPECT_STREQ(test, record.volume.volume_name, "vol");
	KUNIT_ASSERT_EQ(test, volume_at(1), 0);
	KUNIT_EXPECT_EQ(test, record.volume.flags, 0);
	KUNIT_EXPECT_EQ(test, record.volume.frame_id, 0);
	KUNIT_EXPECT_EQ(test, record.volume.file_system_type, FLT_FSTYPE_UNKNOWN);
	KUNIT_EXPECT_STREQ(test, record.volume.volume_name, "a-later-one");
	KUNIT_EXPECT_STREQ(test, record.volume.volume_type, "sim");
	KUNIT_EXPECT_EQ(test, got, sizeof(record.volume) + 12 + 4);
	KUNIT_EXPECT_EQ(test, volume_at(2), STATUS_NO_MORE_ENTRIES);
}

/* ENM-05: one that the caller keeps */
static void records_of_one(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);

	KUNIT_EXPECT_EQ(test, flt_get_filter_information(a.filter, FILTER_CLASS, &record,
							 sizeof(record), &got), 0);
	KUNIT_EXPECT_STREQ(test, record.filter.filter_name, "A");
	KUNIT_EXPECT_EQ(test, flt_get_instance_information(inst, INSTANCE_CLASS, &record,
							   sizeof(record), &got), 0);
	KUNIT_EXPECT_STREQ(test, record.instance.altitude, "300");
	KUNIT_EXPECT_EQ(test, flt_get_volume_information(volume, VOLUME_CLASS, &record,
							 sizeof(record), &got), 0);
	KUNIT_EXPECT_STREQ(test, record.volume.volume_name, "vol");
	KUNIT_EXPECT_EQ(test, flt_get_filter_information(a.filter, FILTER_CLASS, &record, 1,
							 &got), STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, flt_get_instance_information(inst, 0, &record, sizeof(record),
							   &got), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_get_volume_information(volume, 0, &record, sizeof(record),
							 &got), STATUS_INVALID_PARAMETER);
}

/* ENM-05: any size that is too small writes nothing and says how much it takes */
static void records_that_do_not_fit(struct kunit *test)
{
	static char altitude[300] = "9.";
	size_t needed, size, i;

	memset(altitude + 2, '7', sizeof(altitude) - 3);
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, altitude, "long",
							    NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_enumerate_instance_information_by_volume(volume, 3,
									   INSTANCE_CLASS, NULL,
									   0, &needed),
			STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, needed, sizeof(record.instance) + 5 + sizeof(altitude) + 4 + 2 + 4);
	KUNIT_ASSERT_LE(test, needed, sizeof(record));
	memset(&record, 0x5a, sizeof(record));
	for (size = 0; size < needed; size++) {
		KUNIT_EXPECT_EQ(test, flt_enumerate_instance_information_by_volume
				(volume, 3, INSTANCE_CLASS, &record, size, &got),
				STATUS_BUFFER_TOO_SMALL);
		KUNIT_EXPECT_EQ(test, got, needed);
	}
	for (i = 0; i < sizeof(record); i++)
		KUNIT_EXPECT_EQ(test, record.bytes[i], 0x5a);
	KUNIT_EXPECT_EQ(test, flt_enumerate_instance_information_by_volume
			(volume, 3, INSTANCE_CLASS, &record, needed, &got), 0);
	KUNIT_EXPECT_EQ(test, record.bytes[needed], 0x5a);
	KUNIT_EXPECT_STREQ(test, record.instance.altitude, altitude);
	KUNIT_EXPECT_STREQ(test, record.instance.instance_name, "long");
	KUNIT_EXPECT_EQ(test, flt_enumerate_filter_information(0, FILTER_CLASS, &record, 8, &got),
			STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, flt_enumerate_volume_information(0, VOLUME_CLASS, &record, 8, &got),
			STATUS_BUFFER_TOO_SMALL);
}

/* ENM-05: before anything else is looked at */
static void wrong_classes_and_buffers(struct kunit *test)
{
	int class;

	for (class = -1; class < 6; class++) {
		int rc = flt_enumerate_filter_information(0, class, &record, sizeof(record),
							  &got);

		KUNIT_EXPECT_EQ(test, rc, class == FILTER_CLASS ? 0 : STATUS_INVALID_PARAMETER);
		rc = flt_enumerate_volume_information(0, class, &record, sizeof(record), &got);
		KUNIT_EXPECT_EQ(test, rc, class == VOLUME_CLASS ? 0 : STATUS_INVALID_PARAMETER);
		rc = flt_enumerate_instance_information_by_filter(a.filter, 0, class, &record,
								  sizeof(record), &got);
		KUNIT_EXPECT_EQ(test, rc, class == INSTANCE_CLASS ? 0 : STATUS_INVALID_PARAMETER);
		rc = flt_enumerate_instance_information_by_volume(volume, 0, class, &record,
								  sizeof(record), &got);
		KUNIT_EXPECT_EQ(test, rc, class == INSTANCE_CLASS ? 0 : STATUS_INVALID_PARAMETER);
		rc = flt_enumerate_instance_information_by_volume_name("vol", 0, class, &record,
								       sizeof(record), &got);
		KUNIT_EXPECT_EQ(test, rc, class == INSTANCE_CLASS ? 0 : STATUS_INVALID_PARAMETER);
	}
	KUNIT_EXPECT_EQ(test, flt_enumerate_filter_information(99, 0, &record, sizeof(record),
							       &got), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_enumerate_filter_information(0, FILTER_CLASS, NULL,
							       sizeof(record), &got),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_enumerate_filter_information(0, FILTER_CLASS, &record,
							       sizeof(record), NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_enumerate_filter_information(0, FILTER_CLASS, record.bytes + 1,
							       sizeof(record) - 1, &got),
			STATUS_INVALID_PARAMETER);
}

/* ENM-06, ENM-01, INV-11 */
static void an_instance_that_is_going(struct kunit *test)
{
	struct flt_instance *insts[3] = {};
	u32 nr;

	park_detach_of_b(test);
	/* Its index says so, and those behind it are there. */
	KUNIT_EXPECT_EQ(test, instance_on(volume, 0), 0);
	KUNIT_EXPECT_EQ(test, instance_on(volume, 1), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, got, 0);
	KUNIT_EXPECT_EQ(test, instance_on(volume, 2), 0);
	KUNIT_EXPECT_STREQ(test, record.instance.instance_name, "C");
	KUNIT_EXPECT_EQ(test, instance_on(volume, 3), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, instance_on_name("vol", 1), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, instance_on_name("vol", 2), 0);
	KUNIT_EXPECT_EQ(test, instance_of(&b, 0), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, instance_of(&b, 1), STATUS_NO_MORE_ENTRIES);
	/* It cannot be referenced, so that it is in no list. */
	KUNIT_EXPECT_EQ(test, count_instances(NULL, b.filter), 0);
	KUNIT_ASSERT_EQ(test, flt_enumerate_instances(volume, NULL, insts, 3, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(insts[1]), "C");
	flt_object_dereference(insts[0]);
	flt_object_dereference(insts[1]);
	KUNIT_EXPECT_EQ(test, filter_at(1), 0);
	KUNIT_EXPECT_EQ(test, record.filter.number_of_instances, 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	/* Gone: the indexes close up. */
	KUNIT_EXPECT_EQ(test, instance_on(volume, 1), 0);
	KUNIT_EXPECT_STREQ(test, record.instance.instance_name, "C");
	KUNIT_EXPECT_EQ(test, instance_of(&b, 0), STATUS_NO_MORE_ENTRIES);
}

static void expect_b_is_going(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, instance_on(volume, 1), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, instance_of(&b, 0), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, count_instances(volume, NULL), 2);
}

static void look_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	expect_b_is_going(current_test);
}

/* ENM-06: at every step of the teardown, also asked from its callbacks */
static void an_instance_in_each_state(struct kunit *test)
{
	current_test = test;
	b.on_start = look_in_start;
	b.on_complete = look_in_start;
	tf_race_arm("teardown_scanned", tf_instance(&b, volume));
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
	expect_b_is_going(test);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
}

/* ENM-06, ENM-13, STK-06, REF-03 */
static void a_filter_that_is_going(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume), *other = NULL;
	struct flt_filter *filter = b.filter, *filters[3];
	struct flt_volume *of;
	u32 nr;

	KUNIT_ASSERT_EQ(test, flt_object_reference(inst), 0);
	helper_start(test, 0, unregister_thread, &b);
	tf_wait_until(test, atomic_read(&b.completes) && queue_waited_for(&filter->wait));
	KUNIT_EXPECT_EQ(test, filter_at(1), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, filter_at(2), 0);
	KUNIT_EXPECT_STREQ(test, record.filter.filter_name, "C");
	KUNIT_EXPECT_EQ(test, filter_at(3), STATUS_NO_MORE_ENTRIES);
	KUNIT_ASSERT_EQ(test, flt_enumerate_filters(filters, 3, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_PTR_EQ(test, filters[0], a.filter);
	KUNIT_EXPECT_PTR_EQ(test, filters[1], c.filter);
	flt_object_dereference(filters[0]);
	flt_object_dereference(filters[1]);
	/* Who keeps an instance can still look at it ... */
	tf_wait_until(test, completion_done(&inst->unlinked));
	KUNIT_EXPECT_EQ(test, flt_get_instance_information(inst, INSTANCE_CLASS, &record,
							   sizeof(record), &got), 0);
	KUNIT_EXPECT_STREQ(test, record.instance.filter_name, "B");
	KUNIT_EXPECT_EQ(test, flt_get_filter_information(filter, FILTER_CLASS, &record,
							 sizeof(record), &got), 0);
	KUNIT_EXPECT_EQ(test, record.filter.number_of_instances, 0);
	/* ... and at its neighbours, but not have its filter. */
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_instance(inst, &filter),
			STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_NULL(test, filter);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_instance(inst, &of), 0);
	KUNIT_EXPECT_PTR_EQ(test, of, volume);
	flt_object_dereference(of);
	KUNIT_EXPECT_EQ(test, flt_get_upper_instance(inst, &other), 0);
	KUNIT_EXPECT_PTR_EQ(test, other, tf_instance(&a, volume));
	flt_object_dereference(other);
	KUNIT_EXPECT_EQ(test, flt_get_lower_instance(inst, &other), 0);
	KUNIT_EXPECT_PTR_EQ(test, other, tf_instance(&c, volume));
	flt_object_dereference(other);
	flt_object_dereference(inst);
	helper_join(test, 0);
	b.filter = NULL;
}

static void wait_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	gate_pass(&gate);
}

/* ENM-06, ENM-08, ENM-10, ENM-11, VOL-12 */
static void a_volume_that_is_going(struct kunit *test)
{
	struct flt_instance *inst = NULL;
	struct flt_volume *going, *of, *volumes[3];
	struct flt_filter *filter;
	struct flt_sim *sim3;
	u32 nr;

	sim2 = tf_sim(test, "vol2");
	sim3 = tf_sim(test, "vol3");
	going = flt_sim_volume(sim2);
	a.on_start = wait_in_start;
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, going, NULL, &inst), 0);
	KUNIT_EXPECT_EQ(test, instance_on_name("vol2", 0), 0);
	helper_start(test, 0, dismount_thread, sim2);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, volume_at(1), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, volume_at(2), 0);
	KUNIT_EXPECT_STREQ(test, record.volume.volume_name, "vol3");
	KUNIT_EXPECT_EQ(test, volume_at(3), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, flt_enumerate_volumes(volumes, 3, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr, 2);
	flt_object_dereference(volumes[0]);
	flt_object_dereference(volumes[1]);
	/* Being removed is not found, by name; who has it sees its instances go. */
	KUNIT_EXPECT_EQ(test, instance_on_name("vol2", 0), STATUS_FLT_VOLUME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, instance_on(going, 0), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, instance_on(going, 1), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_instance(inst, &of),
			STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_NULL(test, of);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_instance(inst, &filter), 0);
	KUNIT_EXPECT_PTR_EQ(test, filter, a.filter);
	flt_object_dereference(filter);
	gate_open(&gate);
	helper_join(test, 0);
	/* Dismounted: records say so to those who keep it. */
	KUNIT_EXPECT_EQ(test, volume_at(1), 0);
	KUNIT_EXPECT_EQ(test, flt_get_instance_information(inst, INSTANCE_CLASS, &record,
							   sizeof(record), &got), 0);
	KUNIT_EXPECT_EQ(test, record.instance.flags, FLTFL_IASIM_DETACHED_VOLUME);
	KUNIT_EXPECT_STREQ(test, record.instance.volume_name, "vol2");
	KUNIT_EXPECT_EQ(test, flt_get_volume_information(going, VOLUME_CLASS, &record,
							 sizeof(record), &got), 0);
	KUNIT_EXPECT_EQ(test, record.volume.flags, FLTFL_VSI_DETACHED_VOLUME);
	flt_object_dereference(inst);
	flt_sim_destroy(sim3);
}

/* ENM-08, CON-06 */
static void by_the_name_of_a_volume(struct kunit *test)
{
	char *name = kunit_kzalloc(test, FLT_NAME_MAX + 2, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, name);
	KUNIT_EXPECT_EQ(test, instance_on_name("vol", 0), 0);
	KUNIT_EXPECT_STREQ(test, record.instance.instance_name, "A");
	KUNIT_EXPECT_EQ(test, instance_on_name("vol", 3), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, instance_on_name("vo", 0), STATUS_FLT_VOLUME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, instance_on_name("", 0), STATUS_OBJECT_NAME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, instance_on_name("v ol", 0), STATUS_OBJECT_NAME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, instance_on_name("dev/vol", 0), STATUS_OBJECT_PATH_NOT_FOUND);
	memset(name, 'v', FLT_NAME_MAX + 1);
	KUNIT_EXPECT_EQ(test, instance_on_name(name, 0), STATUS_OBJECT_NAME_NOT_FOUND);
	/* Known, and nothing attached: an empty list. */
	sim2 = tf_sim(test, "vol2");
	KUNIT_EXPECT_EQ(test, instance_on_name("vol2", 0), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, instance_on(flt_sim_volume(sim2), 0), STATUS_NO_MORE_ENTRIES);
}

static struct kunit_case enumerate_cases[] = {
	KUNIT_CASE(lists_come_with_references),
	KUNIT_CASE(lists_that_are_too_small),
	KUNIT_CASE(instances_of_a_volume_of_a_filter_or_both),
	KUNIT_CASE(a_list_is_a_snapshot),
	KUNIT_CASE(records_of_filters),
	KUNIT_CASE(records_of_instances),
	KUNIT_CASE(records_of_volumes),
	KUNIT_CASE(records_of_one),
	KUNIT_CASE(records_that_do_not_fit),
	KUNIT_CASE(wrong_classes_and_buffers),
	KUNIT_CASE(an_instance_that_is_going),
	KUNIT_CASE(an_instance_in_each_state),
	KUNIT_CASE(a_filter_that_is_going),
	KUNIT_CASE(a_volume_that_is_going),
	KUNIT_CASE(by_the_name_of_a_volume),
	{}
};

static struct kunit_suite enumerate_suite = {
	.name = "fltmgr_enumerate",
	.init = enumerate_init,
	.exit = enumerate_exit,
	.test_cases = enumerate_cases,
};

kunit_test_suite(enumerate_suite);

MODULE_DESCRIPTION("Tests of lists and records");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
