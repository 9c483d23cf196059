// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose an instance is and who is next to it, what is being made meanwhile, and
 * references that are asked for while others come and go.
 */
#include <linux/module.h>

#include "testenum.h"

/* ENM-12, ENM-13, VOL-10, VOL-12, REF-06, INV-11 */
static void whose_an_instance_is(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);
	struct flt_filter *filter;
	struct flt_volume *of;

	KUNIT_EXPECT_EQ(test, flt_get_filter_from_instance(inst, &filter), 0);
	KUNIT_EXPECT_PTR_EQ(test, filter, b.filter);
	KUNIT_EXPECT_EQ(test, references(&b.filter->obj), 1);
	flt_object_dereference(filter);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_instance(inst, &of), 0);
	KUNIT_EXPECT_PTR_EQ(test, of, volume);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 1);
	flt_object_dereference(of);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("b", &filter), 0);
	KUNIT_EXPECT_EQ(test, references(&b.filter->obj), 1);
	flt_object_dereference(filter);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("vol", &of), 0);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 1);
	flt_object_dereference(of);
	expect_no_references(test);
}

/* VOL-13 */
static void the_name_of_a_volume(struct kunit *test)
{
	char name[8] = "unused";
	size_t needed = 0;

	KUNIT_EXPECT_EQ(test, flt_get_volume_name(volume, NULL, 0, &needed),
			STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, needed, 4);
	KUNIT_EXPECT_EQ(test, flt_get_volume_name(volume, name, 3, &needed),
			STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, flt_get_volume_name(volume, name, 3, NULL),
			STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_STREQ(test, name, "unused");
	KUNIT_EXPECT_EQ(test, flt_get_volume_name(volume, name, 4, NULL), 0);
	KUNIT_EXPECT_STREQ(test, name, "vol");
	KUNIT_EXPECT_EQ(test, flt_get_volume_name(volume, NULL, 0, NULL),
			STATUS_INVALID_PARAMETER);
}

typedef int (*neighbour_fn)(struct flt_instance *current_instance,
			    struct flt_instance **instance);

/* Whose instance is next to @of's? NULL: nobody's. */
static struct flt_filter *next_to(neighbour_fn fn, struct tf *of)
{
	struct flt_instance *inst = (void *)&gate;
	struct flt_filter *filter;

	if (fn(tf_instance(of, volume), &inst) == STATUS_NO_MORE_ENTRIES)
		return inst ? ERR_PTR(-EINVAL) : NULL;
	filter = references(&inst->obj) == 1 ? inst->filter : ERR_PTR(-ESTALE);
	flt_object_dereference(inst);
	return filter;
}

static struct flt_filter *end_of(int (*fn)(struct flt_volume *volume,
					   struct flt_instance **instance),
				 struct flt_volume *vol)
{
	struct flt_instance *inst = (void *)&gate;
	struct flt_filter *filter;

	if (fn(vol, &inst) == STATUS_NO_MORE_ENTRIES)
		return inst ? ERR_PTR(-EINVAL) : NULL;
	filter = references(&inst->obj) == 1 ? inst->filter : ERR_PTR(-ESTALE);
	flt_object_dereference(inst);
	return filter;
}

/* STK-06, REF-06, INV-11 */
static void neighbours(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, end_of(flt_get_top_instance, volume), a.filter);
	KUNIT_EXPECT_PTR_EQ(test, end_of(flt_get_bottom_instance, volume), c.filter);
	KUNIT_EXPECT_NULL(test, next_to(flt_get_upper_instance, &a));
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_lower_instance, &a), b.filter);
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_upper_instance, &b), a.filter);
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_lower_instance, &b), c.filter);
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_upper_instance, &c), b.filter);
	KUNIT_EXPECT_NULL(test, next_to(flt_get_lower_instance, &c));
	expect_no_references(test);
	sim2 = tf_sim(test, "vol2");
	KUNIT_EXPECT_NULL(test, end_of(flt_get_top_instance, flt_sim_volume(sim2)));
	KUNIT_EXPECT_NULL(test, end_of(flt_get_bottom_instance, flt_sim_volume(sim2)));
}

/* STK-06: who is going is nobody's neighbour */
static void neighbours_that_are_going(struct kunit *test)
{
	park_detach_of_b(test);
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_lower_instance, &a), c.filter);
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_upper_instance, &c), a.filter);
	/* It can still ask for its own, as in its teardown callbacks. */
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_upper_instance, &b), a.filter);
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_lower_instance, &b), c.filter);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	KUNIT_EXPECT_NULL(test, end_of(flt_get_top_instance, volume));
	KUNIT_EXPECT_NULL(test, end_of(flt_get_bottom_instance, volume));
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
}

static int find(struct tf *tf, const char *name, const char *expect)
{
	struct flt_instance *inst = (void *)&gate;
	int rc = flt_get_volume_instance_from_name(tf ? tf->filter : NULL, volume, name, &inst);

	if (rc)
		return inst ? -EBADE : rc;
	rc = strcmp(flt_instance_name(inst), expect) || references(&inst->obj) != 1;
	flt_object_dereference(inst);
	return rc;
}

/* STK-07, INS-05, REF-06 */
static void an_instance_from_its_name(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(b.filter, volume, "50", "low", NULL),
			0);
	KUNIT_EXPECT_EQ(test, find(NULL, NULL, "A"), 0);
	KUNIT_EXPECT_EQ(test, find(NULL, "C", "C"), 0);
	KUNIT_EXPECT_EQ(test, find(&b, NULL, "B"), 0);
	KUNIT_EXPECT_EQ(test, find(&b, "low", "low"), 0);
	KUNIT_EXPECT_EQ(test, find(&a, "low", ""), STATUS_FLT_INSTANCE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, find(NULL, "lo", ""), STATUS_FLT_INSTANCE_NOT_FOUND);
	/* The one found first is going: the next that matches, or none. */
	park_detach_of_b(test);
	KUNIT_EXPECT_EQ(test, find(&b, NULL, "low"), 0);
	KUNIT_EXPECT_EQ(test, find(&b, "B", ""), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, find(NULL, "B", ""), STATUS_FLT_DELETING_OBJECT);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, find(&b, "B", ""), STATUS_FLT_INSTANCE_NOT_FOUND);
}

static int look_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	struct kunit *test = current_test;
	struct flt_instance *other = NULL;

	/* What is being set up is not there yet ... */
	KUNIT_EXPECT_EQ(test, count_instances(volume, NULL), 2);
	KUNIT_EXPECT_EQ(test, count_instances(NULL, b.filter), 0);
	KUNIT_EXPECT_EQ(test, instance_on(volume, 2), STATUS_NO_MORE_ENTRIES);
	KUNIT_EXPECT_EQ(test, find(&b, NULL, ""), STATUS_FLT_INSTANCE_NOT_FOUND);
	KUNIT_EXPECT_PTR_EQ(test, next_to(flt_get_lower_instance, &a), c.filter);
	/* ... and can look who will be next to it. */
	KUNIT_EXPECT_EQ(test, flt_get_lower_instance(objs->instance, &other), 0);
	KUNIT_EXPECT_PTR_EQ(test, other, tf_instance(&c, volume));
	flt_object_dereference(other);
	return status;
}

/* ENM-01, ENM-05, STK-06: also from a setup callback, which holds no lock */
static void an_instance_that_is_being_set_up(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	current_test = test;
	b.on_setup = look_in_setup;
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	b.on_setup = NULL;
	KUNIT_EXPECT_EQ(test, count_instances(volume, NULL), 3);
	expect_no_references(test);
}

static void look_for_new_filter(void *arg)
{
	KUNIT_EXPECT_EQ(current_test, count_filters(), 2);
	KUNIT_EXPECT_EQ(current_test, filter_at(2), STATUS_NO_MORE_ENTRIES);
}

static void look_for_new_volume(void *arg)
{
	KUNIT_EXPECT_EQ(current_test, count_volumes(), 1);
	KUNIT_EXPECT_EQ(current_test, volume_at(1), STATUS_NO_MORE_ENTRIES);
}

/* ENM-01, ENM-05: not before it is complete */
static void what_is_being_made(struct kunit *test)
{
	current_test = test;
	tf_unregister(&b);
	tf_race_arm_action("filter_listed", look_for_new_filter, NULL);
	KUNIT_EXPECT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_TRUE(test, tf_race_reached());
	tf_race_arm_action("volume_listed", look_for_new_volume, NULL);
	sim2 = tf_sim(test, "vol2");
	KUNIT_EXPECT_TRUE(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, count_filters(), 3);
	KUNIT_EXPECT_EQ(test, count_volumes(), 2);
}

/* INV-08, REF-09: a reference of a list is one like any other */
static void a_listed_reference_delays_the_end_only(struct kunit *test)
{
	struct flt_instance *inst;
	u32 nr;

	KUNIT_ASSERT_EQ(test, flt_enumerate_instances(NULL, b.filter, &inst, 1, &nr), 0);
	KUNIT_ASSERT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.starts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	/* Kept, and not in service: neither listed nor counted. */
	KUNIT_EXPECT_EQ(test, left_on(&b.filter->instances), 1);
	KUNIT_EXPECT_EQ(test, count_instances(NULL, b.filter), 0);
	KUNIT_EXPECT_EQ(test, instance_of(&b, 0), STATUS_NO_MORE_ENTRIES);
	flt_object_dereference(inst);
	tf_wait_until(test, !left_on(&b.filter->instances));
}

struct asker {
	void *object;
	atomic_t failures;
	bool stop;
};

/* As an interrupt would: nothing that sleeps may happen. */
static int reference_atomic(void *object)
{
	unsigned long flags;
	int rc;

	local_irq_save(flags);
	rc = flt_object_reference(object);
	local_irq_restore(flags);
	return rc;
}

/* Once it has failed, it fails. */
static void *ask_until_stopped(void *arg)
{
	struct asker *asker = arg;
	long wrong = 0;
	bool failed = false;

	while (!READ_ONCE(asker->stop)) {
		if (reference_atomic(asker->object)) {
			failed = true;
			atomic_inc(&asker->failures);
		} else {
			wrong += failed;
			flt_object_dereference(asker->object);
		}
		cond_resched();
	}
	return (void *)wrong;
}

static void wait_for_failures(struct kunit *test, struct asker *asker)
{
	int before = atomic_read(&asker->failures);

	tf_wait_until(test, atomic_read(&asker->failures) - before > 1000);
}

/* INV-17, REF-02, REF-05: held at each step of the teardown, and after it */
static void references_against_a_parked_teardown(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);
	struct asker asker = { .object = inst };
	int i;

	KUNIT_ASSERT_EQ(test, flt_object_reference(inst), 0);
	for (i = 1; i < NR_HELPERS; i++)
		helper_start(test, i, ask_until_stopped, &asker);
	tf_race_arm_slot(0, "teardown_grace", inst, -1, NULL, NULL);
	tf_race_arm_slot(1, "teardown_scanned", inst, -1, NULL, NULL);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_slot_reached(0));
	wait_for_failures(test, &asker);
	tf_race_slot_go(0);
	tf_wait_until(test, tf_race_slot_reached(1));
	wait_for_failures(test, &asker);
	tf_race_slot_go(1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	wait_for_failures(test, &asker);
	WRITE_ONCE(asker.stop, true);
	for (i = 1; i < NR_HELPERS; i++)
		KUNIT_EXPECT_EQ(test, helper_join(test, i), 0);
	/* Ours is the only one, and all that the end waits for. */
	KUNIT_EXPECT_EQ(test, references(&inst->obj), 1);
	KUNIT_EXPECT_EQ(test, left_on(&b.filter->instances), 1);
	flt_object_dereference(inst);
	tf_wait_until(test, !left_on(&b.filter->instances));
}

static bool lookers_stop;

static void look_at_lists(void)
{
	struct flt_instance *insts[8];
	u32 nr = 0, i;

	if (flt_enumerate_instances(volume, NULL, insts, 8, &nr))
		return;
	for (i = 0; i < nr; i++)
		flt_object_dereference(insts[i]);
	if (flt_enumerate_instances(NULL, b.filter, insts, 1, &nr))
		return;
	for (i = 0; i < nr; i++)
		flt_object_dereference(insts[i]);
}

static void look_at_neighbours(void)
{
	struct flt_instance *inst, *next;

	if (flt_get_top_instance(volume, &inst))
		return;
	while (!flt_get_lower_instance(inst, &next)) {
		flt_object_dereference(inst);
		inst = next;
	}
	flt_object_dereference(inst);
}

/* Returns how often an index was of something that was going. */
static void *look_around(void *arg)
{
	struct flt_instance_information *info = arg;
	long going = 0;
	size_t bytes;
	u32 i;
	int rc;

	while (!READ_ONCE(lookers_stop)) {
		look_at_lists();
		look_at_neighbours();
		for (i = 0; ; i++) {
			rc = flt_enumerate_instance_information_by_volume(volume, i,
									  INSTANCE_CLASS, info,
									  256, &bytes);
			if (rc == STATUS_NO_MORE_ENTRIES)
				break;
			if (rc && rc != STATUS_FLT_DELETING_OBJECT)
				return (void *)(long)rc;
			going += !!rc;
		}
		cond_resched();
	}
	return (void *)going;
}

/* INV-11, ENM-01, ENM-04, ENM-06, STK-06: nothing is left over, whoever comes and goes */
static void looking_while_others_come_and_go(struct kunit *test)
{
	void *info[2];
	int i, rounds;

	lookers_stop = false;
	for (i = 0; i < 2; i++) {
		info[i] = kunit_kzalloc(test, 256, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, info[i]);
		helper_start(test, i, look_around, info[i]);
	}
	for (rounds = 0; rounds < 25; rounds++) {
		KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
		KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	}
	WRITE_ONCE(lookers_stop, true);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_GE(test, helper_join(test, i), 0);
	expect_no_references(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.starts), 25);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 25);
	tf_unregister(&b);
}

static struct kunit_case neighbours_cases[] = {
	KUNIT_CASE(whose_an_instance_is),
	KUNIT_CASE(the_name_of_a_volume),
	KUNIT_CASE(neighbours),
	KUNIT_CASE(neighbours_that_are_going),
	KUNIT_CASE(an_instance_from_its_name),
	KUNIT_CASE(an_instance_that_is_being_set_up),
	KUNIT_CASE(what_is_being_made),
	KUNIT_CASE(a_listed_reference_delays_the_end_only),
	KUNIT_CASE(references_against_a_parked_teardown),
	KUNIT_CASE(looking_while_others_come_and_go),
	{}
};

static struct kunit_suite neighbours_suite = {
	.name = "fltmgr_neighbours",
	.init = enumerate_init,
	.exit = enumerate_exit,
	.test_cases = neighbours_cases,
};

kunit_test_suite(neighbours_suite);

MODULE_DESCRIPTION("Tests of neighbours and of references");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
