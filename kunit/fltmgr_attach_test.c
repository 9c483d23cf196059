// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching: by definition and at an altitude, the setup callback, what may be
 * in the way. Races and failures half-way are in fltmgr_attach_race_test.c.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim, *other_sim;
static struct flt_volume *volume, *other;
static struct tf a, b;

static int attach_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	other_sim = tf_sim(test, "other");
	volume = flt_sim_volume(sim);
	other = flt_sim_volume(other_sim);
	/* A attaches when a case says so, B by itself. */
	tf_init(&a, "A", "300");
	a.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
	a.defs[1] = (struct flt_instance_definition){
		"A2", "0310.50", FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT
	};
	tf_init(&b, "B", "200");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	return 0;
}

static void attach_exit(struct kunit *test)
{
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_destroy(other_sim);
	flt_sim_destroy(sim);
}

static int attach(const char *name)
{
	return flt_attach_volume(a.filter, volume, name, NULL);
}

static int attach_at(const char *altitude, const char *name)
{
	return flt_attach_volume_at_altitude(a.filter, volume, altitude, name, NULL);
}

static unsigned int instances_on(struct flt_volume *on)
{
	return list_count_nodes(&on->instances);
}

/* ATT-01, ATT-04, INS-06 */
static void makes_an_instance(struct kunit *test)
{
	struct flt_instance *inst = NULL;

	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, "A", &inst), 0);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_EXPECT_PTR_EQ(test, inst, tf_instance(&a, volume));
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_EQ(test, references(&inst->obj), 1);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	KUNIT_EXPECT_PTR_EQ(test, a.seen_iopb.target_instance, inst);
	/* The one reference that came with it is the caller's to drop. */
	flt_object_dereference(inst);
	KUNIT_EXPECT_EQ(test, references(&inst->obj), 0);
}

/* ATT-04 */
static void leaves_no_reference_unasked(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, attach("A"), 0);
	KUNIT_EXPECT_EQ(test, attach_at("5", "five"), 0);
	KUNIT_EXPECT_EQ(test, references(&tf_instance(&a, volume)->obj), 0);
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 0);
	/* Nothing holds this up. */
	tf_unregister(&a);
}

/* ATT-02, INS-03, ATT-07 */
static void by_definition(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, attach("A2"), 0);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(tf_instance(&a, volume)), "A2");
	KUNIT_EXPECT_STREQ(test, flt_instance_altitude(tf_instance(&a, volume)), "0310.50");
	/* Without a name it is the default instance. */
	KUNIT_EXPECT_EQ(test, attach(NULL), 0);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(tf_instance(&a, volume)), "A");
	KUNIT_EXPECT_STREQ(test, flt_instance_altitude(tf_instance(&a, volume)), "300");
	KUNIT_EXPECT_EQ(test, attach("A3"), STATUS_OBJECT_NAME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, attach("a"), STATUS_OBJECT_NAME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, attach(""), STATUS_OBJECT_NAME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, instances_on(volume), 2);
}

/* ATT-03 */
static void at_an_altitude(struct kunit *test)
{
	/* It overrides what is defined under that name. */
	KUNIT_EXPECT_EQ(test, attach_at("17", "A2"), 0);
	KUNIT_EXPECT_STREQ(test, flt_instance_altitude(tf_instance(&a, volume)), "17");
	/* Without a name one is made. */
	KUNIT_EXPECT_EQ(test, attach_at("0012.5", NULL), 0);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(tf_instance(&a, volume)), "A0012.5");
	KUNIT_EXPECT_STREQ(test, flt_instance_altitude(tf_instance(&a, volume)), "0012.5");
}

/* ATT-03 */
static void made_names_are_cut(struct kunit *test)
{
	enum { DIGITS = 600 };
	char *altitude = kunit_kzalloc(test, DIGITS + 1, GFP_KERNEL);
	struct flt_instance *inst;

	KUNIT_ASSERT_NOT_NULL(test, altitude);
	memset(altitude, '1', DIGITS);
	KUNIT_ASSERT_EQ(test, attach_at(altitude, NULL), 0);
	inst = tf_instance(&a, volume);
	/* As long as it can be on this volume. */
	KUNIT_EXPECT_EQ(test, strlen("vol.") + strlen(inst->name), FLT_NAME_MAX);
	KUNIT_EXPECT_EQ(test, strncmp(inst->name, "A1111", 5), 0);
	KUNIT_EXPECT_STREQ(test, inst->altitude, altitude);
	/* Two of them may be one name then. */
	altitude[DIGITS - 1] = '2';
	KUNIT_EXPECT_EQ(test, attach_at(altitude, NULL), STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_EQ(test, attach_at(altitude, "x"), 0);
}

/* ATT-05, ATT-06, INS-07 */
static void what_is_in_the_way(struct kunit *test)
{
	struct flt_instance *inst = (void *)&a;

	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, attach("A"), 0);
	/* The name, whoever has it. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, "A", &inst),
			STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_NULL(test, inst);
	KUNIT_EXPECT_EQ(test, attach_at("7", "A"), STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_EQ(test, attach_at("7", "B"), STATUS_FLT_INSTANCE_NAME_COLLISION);
	/* The altitude, whoever has it. */
	KUNIT_EXPECT_EQ(test, attach_at("300", "x"), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
	KUNIT_EXPECT_EQ(test, attach_at("200", "x"), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
	/* Names are as they are written. */
	KUNIT_EXPECT_EQ(test, attach_at("7", "a"), 0);
	/* Nobody was asked about what cannot be, and nobody has gone. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts) + atomic_read(&b.starts), 0);
	KUNIT_EXPECT_EQ(test, instances_on(volume), 3);
	/* Another volume has names of its own. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, other, NULL, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, other, "7", "a", NULL), 0);
}

/* ATT-05 */
static void what_is_going(struct kunit *test)
{
	struct flt_sim *gone = flt_sim_create_unoffered("gone");
	struct flt_volume *gone_volume = NULL;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, gone);
	KUNIT_ASSERT_EQ(test, flt_get_volume_from_name("gone", &gone_volume), 0);
	flt_sim_destroy(gone);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, gone_volume, NULL, NULL),
			STATUS_FLT_DELETING_OBJECT);
	flt_object_dereference(gone_volume);
	/* A filter that is going: see filter_goes_behind_setup() of the races. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 0);
}

/* ATT-07 */
static void bad_names(struct kunit *test)
{
	static const char * const bad[] = { "", ".", "..", "a/b", "a b", "a\n", "\x7f", "\xff" };
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, attach_at("9", bad[i]), STATUS_INVALID_PARAMETER,
				    "\"%s\"", bad[i]);
	KUNIT_EXPECT_EQ(test, attach_at("9x", "nine"), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, instances_on(volume), 0);
	KUNIT_EXPECT_EQ(test, attach_at("9", "!\"#$%&'()*+,-.0:;<=>?@[]^_`{|}~"), 0);
}

static void longest_names(struct kunit *test)
{
	char *name = kunit_kzalloc(test, FLT_NAME_MAX + 2, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, name);
	memset(name, 'n', FLT_NAME_MAX + 1);
	KUNIT_EXPECT_EQ(test, attach_at("9", name), STATUS_INVALID_PARAMETER);
	/* A name, but with the volume's no name of a directory. */
	name[FLT_NAME_MAX] = 0;
	KUNIT_EXPECT_EQ(test, attach_at("9", name), -ENAMETOOLONG);
	name[FLT_NAME_MAX - strlen("vol")] = 0;
	KUNIT_EXPECT_EQ(test, attach_at("9", name), -ENAMETOOLONG);
	name[FLT_NAME_MAX - strlen("vol.")] = 0;
	KUNIT_EXPECT_EQ(test, attach_at("9", name), 0);
	KUNIT_EXPECT_STREQ(test, tf_instance(&a, volume)->name, name);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, name), 0);
}

/* Two pairs of names that make the same VOLUME.INSTANCE of one filter. */
static void names_with_points(struct kunit *test)
{
	struct flt_sim *dotted = flt_sim_create_unoffered("vol.x");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dotted);
	KUNIT_EXPECT_EQ(test, attach_at("9", "x.y"), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, flt_sim_volume(dotted), "9",
							    "y", NULL),
			STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, flt_sim_volume(dotted), "9",
							    "z", NULL), 0);
	/* Free again, it can be had. */
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "x.y"), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, flt_sim_volume(dotted), "8",
							    "y", NULL), 0);
	flt_sim_destroy(dotted);
}

/* ATT-08, ATT-12, SEV-02 */
static void setup_may_refuse(struct kunit *test)
{
	static const int refusals[] = {
		STATUS_FLT_DO_NOT_ATTACH, STATUS_BUFFER_OVERFLOW, STATUS_NO_MORE_ENTRIES,
		STATUS_NOT_SUPPORTED, -EPERM, -MAX_ERRNO,
	};
	struct flt_instance *inst;
	int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		inst = (void *)&a;
		a.setup_status = refusals[i];
		/* By hand its status is the result, whatever it is ... */
		KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, &inst),
				refusals[i]);
		KUNIT_EXPECT_NULL(test, inst);
		KUNIT_EXPECT_EQ(test, instances_on(volume), 0);
		KUNIT_EXPECT_FALSE(test, flt_volume_filtered(volume, FLT_CLASS_READ));
		/* ... and by itself it is nobody's business. */
		b.setup_status = refusals[i];
		KUNIT_EXPECT_EQ(test, tf_register(&b), 0);
		KUNIT_EXPECT_EQ(test, instances_on(volume), 0);
		tf_unregister(&b);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), i);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.setups), 2 * i);	/* two volumes */
	/* No teardown is owed to what never was. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts) + atomic_read(&a.completes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.starts) + atomic_read(&b.completes), 0);
	/* Name and altitude are free, and it may be asked again. */
	a.setup_status = 0;
	KUNIT_EXPECT_EQ(test, attach(NULL), 0);
}

/* ATT-08, SEV-02, SEV-03 */
static void setup_accepts_with_any_success(struct kunit *test)
{
	static const int successes[] = {
		STATUS_SUCCESS, 1, STATUS_TIMEOUT, STATUS_PENDING, STATUS_REPARSE,
		STATUS_FLT_IO_COMPLETE, INT_MAX,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(successes); i++) {
		a.setup_status = successes[i];
		KUNIT_EXPECT_EQ(test, attach(NULL), 0);
		KUNIT_EXPECT_EQ(test, instances_on(volume), 1);
		KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), i);
}

static struct flt_instance *keep;

static int reference_and_refuse(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	keep = objs->instance;
	return flt_object_reference(keep) ?: STATUS_FLT_DO_NOT_ATTACH;
}

/* ATT-12 */
static void refused_but_referenced(struct kunit *test)
{
	a.on_setup = reference_and_refuse;
	keep = NULL;
	KUNIT_EXPECT_EQ(test, attach(NULL), STATUS_FLT_DO_NOT_ATTACH);
	KUNIT_ASSERT_NOT_NULL(test, keep);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(keep), "A");
	KUNIT_EXPECT_EQ(test, flt_object_reference(keep), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, instances_on(volume), 0);
	flt_object_dereference(keep);
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 0);
}

static bool setup_could_sleep, setup_saw_all;

static int look_around(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	setup_could_sleep = in_task() && !irqs_disabled() && !preempt_count() &&
			    !rcu_preempt_depth();
	setup_saw_all = objs->filter == tf->filter && objs->volume == volume && objs->instance &&
			!strcmp(flt_instance_name(objs->instance), "A") &&
			!objs->file_object;
	schedule_timeout_uninterruptible(1);
	return status;
}

/* ATT-10 */
static void setup_may_sleep(struct kunit *test)
{
	setup_could_sleep = false;
	setup_saw_all = false;
	a.on_setup = look_around;
	KUNIT_EXPECT_EQ(test, attach(NULL), 0);
	KUNIT_EXPECT_TRUE(test, setup_could_sleep);
	KUNIT_EXPECT_TRUE(test, setup_saw_all);
}

/* ATT-08, ATT-09 */
static void asked_by_hand(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, attach(NULL), 0);
	KUNIT_EXPECT_EQ(test, a.setup_flags, FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT);
	a.setup_flags = 0;
	KUNIT_EXPECT_EQ(test, attach_at("4", NULL), 0);
	KUNIT_EXPECT_EQ(test, a.setup_flags, FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 2);
}

/* INS-01, INS-02 */
static void definitions_are_for_all_volumes(struct kunit *test)
{
	b.defs[1] = (struct flt_instance_definition){
		"manual", "210", FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT
	};
	b.defs[2] = (struct flt_instance_definition){ "third", "220" };
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_EQ(test, instances_on(volume), 2);
	KUNIT_EXPECT_EQ(test, instances_on(other), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.setups), 4);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, other, "B"), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, other, "third"), 0);
	/* What is not attached by itself can be by hand, and the others, too. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, other, "manual", NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, other, "third", NULL), 0);
	KUNIT_EXPECT_EQ(test, instances_on(other), 2);
}

static struct flt_instance *called[8];
static int nr_called;

static int note_pre(struct tf *tf, struct flt_callback_data *data,
		    const struct flt_related_objects *objs, int status)
{
	if (nr_called < ARRAY_SIZE(called))
		called[nr_called++] = objs->instance;
	return status;
}

static int note_post(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, u32 flags, int status)
{
	return note_pre(tf, data, objs, status);
}

static int note_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	return note_pre(tf, NULL, objs, status);
}

static void note_end(struct tf *tf, const struct flt_related_objects *objs)
{
	note_pre(tf, NULL, objs, 0);
}

/* INS-05 */
static void several_on_one_volume(struct kunit *test)
{
	struct flt_instance *high = NULL, *low = NULL;

	nr_called = 0;
	a.on_pre = note_pre;
	a.on_post = note_post;
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, "A", &low), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, "A2", &high), 0);
	KUNIT_EXPECT_PTR_NE(test, high, low);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_ASSERT_EQ(test, nr_called, 4);
	KUNIT_EXPECT_PTR_EQ(test, called[0], high);
	KUNIT_EXPECT_PTR_EQ(test, called[1], low);
	KUNIT_EXPECT_PTR_EQ(test, called[2], low);
	KUNIT_EXPECT_PTR_EQ(test, called[3], high);
	/* One goes, the other does not notice. */
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "A2"), 0);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_ASSERT_EQ(test, nr_called, 6);
	KUNIT_EXPECT_PTR_EQ(test, called[4], low);
	flt_object_dereference(high);
	flt_object_dereference(low);
}

/* INS-06 */
static void one_pointer_all_its_life(struct kunit *test)
{
	struct flt_instance *inst = NULL;
	int i;

	nr_called = 0;
	a.on_setup = note_setup;
	a.on_query = note_setup;
	a.on_pre = note_pre;
	a.on_post = note_post;
	a.on_start = note_end;
	a.on_complete = note_end;
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, &inst), 0);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_ASSERT_EQ(test, nr_called, 6);
	for (i = 0; i < nr_called; i++)
		KUNIT_EXPECT_PTR_EQ(test, called[i], inst);
	/* While it is kept, another one is another one. */
	KUNIT_ASSERT_EQ(test, attach(NULL), 0);
	KUNIT_EXPECT_PTR_NE(test, called[6], inst);
	flt_object_dereference(inst);
}

static struct flt_sim_op *held_read(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	return op;
}

static void end_read(struct kunit *test, struct flt_sim_op *op)
{
	flt_sim_set_hold(sim, false);
	KUNIT_EXPECT_EQ(test, flt_sim_release(op, FLT_SIM_WORKER, 0), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
}

/* ATT-14 */
static void too_late_for_what_is_in_flight(struct kunit *test)
{
	struct flt_sim_op *op;

	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
	op = held_read(test);
	/* Above and below the one that is waited for. */
	KUNIT_ASSERT_EQ(test, attach("A"), 0);
	KUNIT_ASSERT_EQ(test, attach_at("100", "low"), 0);
	end_read(test, op);
	tf_expect_log(test, "B> A? A? B<");
	/* Nor for one that was not filtered at all. */
	tf_unregister(&b);
	tf_unregister(&a);
	op = held_read(test);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
	end_read(test, op);
	tf_expect_log(test, "");
}

/* ATT-14 */
static void in_time_below_what_is_pended(struct kunit *test)
{
	struct flt_sim_op *op;

	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	b.pre_status = FLT_PREOP_PENDING;
	tf_log_clear();
	op = held_read(test);
	KUNIT_ASSERT_EQ(test, attach("A"), 0);
	KUNIT_ASSERT_EQ(test, attach_at("100", "low"), 0);
	/* It has passed the one above, and comes to the one below. */
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	end_read(test, op);
	tf_expect_log(test, "B> A? A? A> A< B<");
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE(makes_an_instance),
	KUNIT_CASE(leaves_no_reference_unasked),
	KUNIT_CASE(by_definition),
	KUNIT_CASE(at_an_altitude),
	KUNIT_CASE(made_names_are_cut),
	KUNIT_CASE(what_is_in_the_way),
	KUNIT_CASE(what_is_going),
	KUNIT_CASE(bad_names),
	KUNIT_CASE(longest_names),
	KUNIT_CASE(names_with_points),
	KUNIT_CASE(setup_may_refuse),
	KUNIT_CASE(setup_accepts_with_any_success),
	KUNIT_CASE(refused_but_referenced),
	KUNIT_CASE(setup_may_sleep),
	KUNIT_CASE(asked_by_hand),
	KUNIT_CASE(definitions_are_for_all_volumes),
	KUNIT_CASE(several_on_one_volume),
	KUNIT_CASE(one_pointer_all_its_life),
	KUNIT_CASE(too_late_for_what_is_in_flight),
	KUNIT_CASE(in_time_below_what_is_pended),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "fltmgr_attach",
	.init = attach_init,
	.exit = attach_exit,
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);

MODULE_DESCRIPTION("Tests of attaching");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
