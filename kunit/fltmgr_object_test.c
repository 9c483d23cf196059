// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to filters, volumes and instances: what they keep, what they
 * delay, when there are no more.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b;
static struct gate gate;

static int object_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	gate_init(&gate);
	return 0;
}

static void object_exit(struct kunit *test)
{
	gate_open(&gate);
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	if (sim)
		flt_sim_destroy(sim);
}

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

static void dereference_atomic(void *object)
{
	unsigned long flags;

	local_irq_save(flags);
	flt_object_dereference(object);
	local_irq_restore(flags);
}

static void *unregister_a(void *arg)
{
	flt_unregister_filter(a.filter);
	return NULL;
}

static void *dereference(void *object)
{
	flt_object_dereference(object);
	return NULL;
}

/* Unregistering has come as far as it can while there are references to A. */
static void wait_for_filter_references(struct kunit *test, int helper)
{
	tf_wait_until(test, completion_waited_for(&a.filter->refs_gone));
	KUNIT_EXPECT_FALSE(test, helper_done(helper));
}

/* ... and while instances of A are left */
static void wait_for_instances(struct kunit *test, int helper)
{
	tf_wait_until(test, queue_waited_for(&a.filter->wait) && atomic_read(&a.completes));
	KUNIT_EXPECT_FALSE(test, helper_done(helper));
}

/* REF-01, REF-02 */
static void three_kinds(struct kunit *test)
{
	struct flt_instance *inst;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	inst = tf_instance(&a, volume);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_EXPECT_EQ(test, reference_atomic(a.filter), 0);
	KUNIT_EXPECT_EQ(test, reference_atomic(volume), 0);
	KUNIT_EXPECT_EQ(test, reference_atomic(inst), 0);
	KUNIT_EXPECT_EQ(test, reference_atomic(inst), 0);
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 1);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 1);
	KUNIT_EXPECT_EQ(test, references(&inst->obj), 2);
	dereference_atomic(inst);
	dereference_atomic(a.filter);
	dereference_atomic(inst);
	dereference_atomic(volume);
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 0);
	KUNIT_EXPECT_EQ(test, references(&inst->obj), 0);
}

struct answers {
	int filter, volume, instance;
};

static struct answers at_start, at_complete;

/* A reference that is given is dropped at once: it is the answer that counts. */
static int ask(void *object)
{
	int rc = reference_atomic(object);

	if (!rc)
		flt_object_dereference(object);
	return rc;
}

static void ask_at_start(struct tf *tf, const struct flt_related_objects *objs)
{
	at_start.filter = ask(objs->filter);
	at_start.volume = ask(objs->volume);
	at_start.instance = ask(objs->instance);
}

static void ask_at_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	at_complete.filter = ask(objs->filter);
	at_complete.volume = ask(objs->volume);
	at_complete.instance = ask(objs->instance);
}

static void start_asking(struct kunit *test)
{
	a.on_start = ask_at_start;
	a.on_complete = ask_at_complete;
	at_start = (struct answers){ 1, 1, 1 };
	at_complete = at_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
}

/* REF-02, INV-17 */
static void none_once_an_instance_goes(struct kunit *test)
{
	struct flt_instance *inst;

	start_asking(test);
	inst = tf_instance(&a, volume);
	KUNIT_ASSERT_EQ(test, flt_object_reference(inst), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, at_start.instance, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, at_complete.instance, STATUS_FLT_DELETING_OBJECT);
	/* Nor ever after, however many hold one. */
	KUNIT_EXPECT_EQ(test, ask(inst), STATUS_FLT_DELETING_OBJECT);
	/* The others stay, and can be had. */
	KUNIT_EXPECT_EQ(test, at_start.filter, 0);
	KUNIT_EXPECT_EQ(test, at_start.volume, 0);
	KUNIT_EXPECT_EQ(test, at_complete.filter, 0);
	KUNIT_EXPECT_EQ(test, at_complete.volume, 0);
	flt_object_dereference(inst);
}

/* REF-02, URG-09, INV-17, ENM-12 */
static void none_once_a_filter_goes(struct kunit *test)
{
	struct flt_filter *found;

	start_asking(test);
	KUNIT_ASSERT_EQ(test, flt_object_reference(a.filter), 0);
	helper_start(test, 0, unregister_a, NULL);
	wait_for_filter_references(test, 0);
	KUNIT_EXPECT_EQ(test, at_start.filter, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, at_start.instance, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, at_start.volume, 0);
	KUNIT_EXPECT_EQ(test, at_complete.filter, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, ask(a.filter), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found), STATUS_FLT_DELETING_OBJECT);
	flt_object_dereference(a.filter);
	helper_join(test, 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found), STATUS_FLT_FILTER_NOT_FOUND);
}

/* REF-02, INV-17, REF-10 */
static void none_once_a_volume_goes(struct kunit *test)
{
	struct flt_volume *found;

	start_asking(test);
	KUNIT_ASSERT_EQ(test, flt_object_reference(volume), 0);
	flt_sim_dismount(sim);
	KUNIT_EXPECT_EQ(test, at_start.volume, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, at_start.instance, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, at_start.filter, 0);
	KUNIT_EXPECT_EQ(test, at_complete.volume, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, ask(volume), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("vol", &found),
			STATUS_FLT_VOLUME_NOT_FOUND);
	flt_object_dereference(volume);
}

/* REF-03, REF-09, INV-08, TDN-16, TDN-25 */
static void instance_is_kept_but_not_in_service(struct kunit *test)
{
	struct flt_instance *inst = NULL;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "77.70", "kept",
							    &inst), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "kept"), 0);
	/* Torn down to the end, and still there to be looked at. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(inst), "kept");
	KUNIT_EXPECT_STREQ(test, flt_instance_altitude(inst), "77.70");
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);		/* the other instance's */
	/* The end of its life, and so its filter's, is delayed ... */
	helper_start(test, 0, unregister_a, NULL);
	tf_wait_until(test, atomic_read(&a.completes) == 2);
	tf_wait_until(test, left_on(&a.filter->instances) == 1);
	wait_for_instances(test, 0);
	KUNIT_EXPECT_PTR_EQ(test, list_first_entry(&a.filter->instances, struct flt_instance,
						   filter_link), inst);
	/* ... exactly until it is let go. */
	flt_object_dereference(inst);
	helper_join(test, 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* REF-04, REF-12, INV-08 */
static void last_one_lets_the_teardown_go_on(struct kunit *test)
{
	struct flt_instance *inst;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	inst = tf_instance(&a, volume);
	KUNIT_ASSERT_EQ(test, flt_object_reference(inst), 0);
	helper_start(test, 0, unregister_a, NULL);
	wait_for_instances(test, 0);
	/* From a thread that never took it, with interrupts off. */
	dereference_atomic(inst);
	helper_join(test, 0);
	a.filter = NULL;
}

/* REF-05, REF-12, URG-04 */
static void all_holders_are_waited_for(struct kunit *test)
{
	int i;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	/* They do not exclude each other. */
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, flt_object_reference(a.filter), 0);
	helper_start(test, 0, unregister_a, NULL);
	for (i = 0; i < 3; i++) {
		wait_for_filter_references(test, 0);
		KUNIT_EXPECT_EQ(test, ask(a.filter), STATUS_FLT_DELETING_OBJECT);
		helper_start(test, 1, dereference, a.filter);
		helper_join(test, 1);
	}
	helper_join(test, 0);
	a.filter = NULL;
}

/* REF-08, URG-04, URG-06 */
static void filter_reference_delays_unregistering(struct kunit *test)
{
	struct flt_filter *found = NULL;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_get_filter_from_name("a", &found), 0);
	KUNIT_ASSERT_EQ(test, flt_object_reference(a.filter), 0);
	helper_start(test, 0, unregister_a, NULL);
	wait_for_filter_references(test, 0);
	/* It was taken out of service nevertheless. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
	KUNIT_EXPECT_STREQ(test, flt_filter_name(found), "A");
	/* The one of the lookup counts, and so does the one that was taken. */
	flt_object_dereference(found);
	wait_for_filter_references(test, 0);
	flt_object_dereference(a.filter);
	helper_join(test, 0);
	a.filter = NULL;
}

static void *reference_and_unregister(void *arg)
{
	long rc = flt_object_reference(a.filter);

	flt_unregister_filter(a.filter);
	return (void *)rc;
}

/* REF-11, REF-12 */
static void waiting_for_ones_own(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, reference_and_unregister, NULL);
	/* Alone it would wait for ever: references belong to no thread. */
	wait_for_filter_references(test, 0);
	flt_object_dereference(a.filter);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	a.filter = NULL;
}

/* REF-10, TDN-43 */
static void volume_reference_delays_nobody(struct kunit *test)
{
	struct flt_volume *found = NULL;
	struct flt_sim *again;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_get_volume_from_name("vol", &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, volume);
	flt_sim_destroy(sim);
	sim = NULL;
	KUNIT_EXPECT_EQ(test, a.reason, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	/* The object lives on, the name does not: another one can have it. */
	KUNIT_EXPECT_STREQ(test, flt_volume_name(found), "vol");
	again = flt_sim_create("vol");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, again);
	KUNIT_EXPECT_PTR_NE(test, flt_sim_volume(again), found);
	flt_sim_destroy(again);
	/* A filter that goes does not care. */
	tf_unregister(&a);
	KUNIT_EXPECT_STREQ(test, flt_volume_name(found), "vol");
	flt_object_dereference(found);
}

static int wait_in_pre(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

static void *read_once(void *arg)
{
	struct flt_sim_op *op = arg;

	return (void *)(long)flt_sim_start(op);
}

/* REF-05 */
static void others_are_not_held_up(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);
	struct flt_instance *inst;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	inst = tf_instance(&b, volume);
	KUNIT_ASSERT_EQ(test, flt_object_reference(inst), 0);
	/* A goes, and waits for its pre-operation: B and its reference are as before. */
	a.on_pre = wait_in_pre;
	helper_start(test, 0, read_once, op);
	gate_wait(test, &gate);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, atomic_read(&a.starts));
	KUNIT_EXPECT_EQ(test, ask(inst), 0);
	KUNIT_EXPECT_EQ(test, ask(b.filter), 0);
	KUNIT_EXPECT_EQ(test, ask(volume), 0);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	helper_join(test, 1);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	flt_object_dereference(inst);
}

/* REF-04 */
static void one_too_many_is_reported(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	flt_object_dereference(a.filter);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	/* It has no effect. */
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
	KUNIT_EXPECT_EQ(test, ask(a.filter), 0);
	tf_unregister(&a);
}

static void *hammer(void *object)
{
	long got = 0;
	int failed = 0;

	/* Once it has failed, it fails. */
	while (failed < 100) {
		if (!flt_object_reference(object)) {
			if (failed)
				return (void *)-1L;
			got++;
			flt_object_dereference(object);
			cond_resched();
		} else {
			failed++;
		}
	}
	return (void *)got;
}

/* INV-17, REF-05 */
static void references_against_a_teardown(struct kunit *test)
{
	struct flt_instance *inst;
	int round, i;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	for (round = 0; round < 10; round++) {
		inst = tf_instance(&a, volume);
		KUNIT_ASSERT_NOT_NULL(test, inst);
		/* Keeps the memory for those who ask, and nothing else. */
		kobject_get(&inst->kobj);
		for (i = 0; i < 3; i++)
			helper_start(test, i, hammer, inst);
		KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
		for (i = 0; i < 3; i++)
			KUNIT_EXPECT_GE(test, helper_join(test, i), 0);
		kobject_put(&inst->kobj);
		KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	}
}

static struct kunit_case object_cases[] = {
	KUNIT_CASE(three_kinds),
	KUNIT_CASE(none_once_an_instance_goes),
	KUNIT_CASE(none_once_a_filter_goes),
	KUNIT_CASE(none_once_a_volume_goes),
	KUNIT_CASE(instance_is_kept_but_not_in_service),
	KUNIT_CASE(last_one_lets_the_teardown_go_on),
	KUNIT_CASE(all_holders_are_waited_for),
	KUNIT_CASE(filter_reference_delays_unregistering),
	KUNIT_CASE(waiting_for_ones_own),
	KUNIT_CASE(volume_reference_delays_nobody),
	KUNIT_CASE(others_are_not_held_up),
	KUNIT_CASE(one_too_many_is_reported),
	KUNIT_CASE(references_against_a_teardown),
	{}
};

static struct kunit_suite object_suite = {
	.name = "fltmgr_object",
	.init = object_init,
	.exit = object_exit,
	.test_cases = object_cases,
};

kunit_test_suite(object_suite);

MODULE_DESCRIPTION("Tests of references");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
