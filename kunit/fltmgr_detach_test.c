// SPDX-License-Identifier: GPL-2.0-only
/*
 * Detaching by hand: the question, the refusal, what is left. Races and
 * detaching from inside are in fltmgr_detach_race_test.c.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim, *other_sim;
static struct flt_volume *volume, *other;
static struct tf a, b;
static struct gate gate;

static int detach_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	other_sim = tf_sim(test, "other");
	volume = flt_sim_volume(sim);
	other = flt_sim_volume(other_sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	gate_init(&gate);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_log_clear();
	return 0;
}

static void detach_exit(struct kunit *test)
{
	gate_open(&gate);
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	if (other_sim)
		flt_sim_destroy(other_sim);
	flt_sim_destroy(sim);
}

static int detach(const char *name)
{
	return flt_detach_volume(a.filter, volume, name);
}

static int attach_at(const char *altitude, const char *name)
{
	return flt_attach_volume_at_altitude(a.filter, volume, altitude, name, NULL);
}

static void *detach_a(void *name)
{
	return (void *)(long)detach(name);
}

static u32 start_reason, complete_reason;
static bool start_could_sleep, complete_could_sleep;

static bool can_sleep(void)
{
	return in_task() && !irqs_disabled() && !preempt_count() && !rcu_preempt_depth();
}

static void note_start(struct tf *tf, const struct flt_related_objects *objs)
{
	start_reason = tf->reason;
	start_could_sleep = can_sleep();
}

static void note_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	complete_reason = tf->reason;
	complete_could_sleep = can_sleep();
}

/* DET-01, DET-03, TDN-06, TDN-12, TDN-15, TDN-17 */
static void asked_then_torn_down(struct kunit *test)
{
	start_could_sleep = false;
	complete_could_sleep = false;
	a.on_start = note_start;
	a.on_complete = note_complete;
	KUNIT_EXPECT_EQ(test, detach("A"), 0);
	tf_expect_log(test, "Aq A[ A]");
	KUNIT_EXPECT_EQ(test, start_reason, FLTFL_INSTANCE_TEARDOWN_MANUAL);
	KUNIT_EXPECT_EQ(test, complete_reason, FLTFL_INSTANCE_TEARDOWN_MANUAL);
	KUNIT_EXPECT_TRUE(test, start_could_sleep);
	KUNIT_EXPECT_TRUE(test, complete_could_sleep);
}

/* DET-01 */
static void highest_without_a_name(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, attach_at("9", "low"), 0);
	KUNIT_ASSERT_EQ(test, attach_at("1000.5", "high"), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(b.filter, volume, "5000", NULL, NULL),
			0);
	KUNIT_EXPECT_EQ(test, detach(NULL), 0);
	KUNIT_EXPECT_EQ(test, detach("high"), STATUS_FLT_INSTANCE_NOT_FOUND);
	/* With a name it is that one, wherever it is. */
	KUNIT_EXPECT_EQ(test, detach("low"), 0);
	KUNIT_EXPECT_EQ(test, detach(NULL), 0);
	KUNIT_EXPECT_NULL(test, tf_instance(&a, volume));
	/* No other filter's, no other volume's. */
	KUNIT_EXPECT_EQ(test, atomic_read(&b.queries), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, other));
}

/* DET-02 */
static void what_is_not_there(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_EQ(test, detach("B"), STATUS_FLT_INSTANCE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, detach("a"), STATUS_FLT_INSTANCE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, detach(""), STATUS_FLT_INSTANCE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, detach("A"), 0);
	KUNIT_EXPECT_EQ(test, detach("A"), STATUS_FLT_INSTANCE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, detach(NULL), STATUS_FLT_INSTANCE_NOT_FOUND);
	/* One question only: of the one that was there. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.queries), 0);
}

static void wait_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	gate_pass(&gate);
}

/* DET-02, TDN-11, INV-09 */
static void what_is_going(struct kunit *test)
{
	a.on_start = wait_in_start;
	helper_start(test, 0, detach_a, "A");
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, detach("A"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, detach(NULL), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, detach("B"), STATUS_FLT_INSTANCE_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 1);
	/* What is not going is found behind what is. */
	KUNIT_ASSERT_EQ(test, attach_at("5", "low"), 0);
	a.on_start = NULL;
	KUNIT_EXPECT_EQ(test, detach(NULL), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* DET-03, TDN-03, INV-10, SEV-02, SEV-03 */
static void refusal_changes_nothing(struct kunit *test)
{
	static const int refusals[] = {
		STATUS_FLT_DO_NOT_DETACH, STATUS_BUFFER_OVERFLOW, STATUS_NO_MORE_ENTRIES,
		STATUS_ACCESS_DENIED, -EPERM, -MAX_ERRNO,
	};
	struct flt_instance *inst = tf_instance(&a, volume);
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);
	u64 generation = volume->generation;
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		a.query_status = refusals[i];
		KUNIT_EXPECT_EQ(test, detach(i & 1 ? "A" : NULL), refusals[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), i);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 0);
	KUNIT_EXPECT_PTR_EQ(test, tf_instance(&a, volume), inst);
	KUNIT_EXPECT_EQ(test, inst->state, FLT_INSTANCE_ACTIVE);
	KUNIT_EXPECT_EQ(test, atomic_read(&inst->hold), 1);
	KUNIT_EXPECT_EQ(test, references(&inst->obj), 0);
	KUNIT_EXPECT_EQ(test, volume->generation, generation);
	KUNIT_EXPECT_EQ(test, attach_at("1", "A"), STATUS_FLT_INSTANCE_NAME_COLLISION);
	/* What was on its way comes back to it, and what comes now does, too. */
	flt_sim_set_hold(sim, false);
	KUNIT_EXPECT_EQ(test, flt_sim_release(op, FLT_SIM_PROCESS, 0), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
	tf_io(test, sim, FLT_CLASS_WRITE);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 2);
	/* It may be asked again, and agree. */
	a.query_status = 0;
	KUNIT_EXPECT_EQ(test, detach(NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
}

/* TDN-03, SEV-02, SEV-03 */
static void any_success_agrees(struct kunit *test)
{
	static const int successes[] = {
		STATUS_SUCCESS, 1, STATUS_TIMEOUT, STATUS_PENDING, STATUS_REPARSE,
		STATUS_FLT_IO_COMPLETE, INT_MAX,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(successes); i++) {
		a.query_status = successes[i];
		KUNIT_EXPECT_EQ(test, detach(NULL), 0);
		KUNIT_EXPECT_NULL(test, tf_instance(&a, volume));
		KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), i);
}

/* SEV-01, SEV-03 */
static void severities(struct kunit *test)
{
	static const int successes[] = {
		STATUS_SUCCESS, STATUS_TIMEOUT, STATUS_PENDING, STATUS_REPARSE,
		STATUS_FLT_IO_COMPLETE,
	};
	static const int failures[] = {
		STATUS_BUFFER_OVERFLOW, STATUS_NO_MORE_ENTRIES, STATUS_FLT_DO_NOT_ATTACH,
		STATUS_FLT_DO_NOT_DETACH, STATUS_FLT_DELETING_OBJECT, STATUS_INVALID_PARAMETER,
		STATUS_INSUFFICIENT_RESOURCES, STATUS_FLT_INTERNAL_ERROR,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(successes); i++)
		KUNIT_EXPECT_FALSE(test, flt_status_is_error(successes[i]));
	for (i = 0; i < ARRAY_SIZE(failures); i++)
		KUNIT_EXPECT_TRUE(test, flt_status_is_error(failures[i]));
	/* A filter's own success that is not 0 ends an operation as it is. */
	a.pre_status = FLT_PREOP_COMPLETE;
	a.complete_status = STATUS_REPARSE;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), STATUS_REPARSE);
	a.complete_status = STATUS_NO_MORE_ENTRIES;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), STATUS_NO_MORE_ENTRIES);
}

/* DET-08, TDN-01, INV-09 */
static void nobody_else_asks(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	a.query_status = STATUS_FLT_DO_NOT_DETACH;
	b.query_status = STATUS_FLT_DO_NOT_DETACH;
	/* Dismount */
	flt_sim_destroy(other_sim);
	other_sim = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_EQ(test, a.reason, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
	/* Optional unload */
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
	KUNIT_EXPECT_EQ(test, a.reason, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
	/* Mandatory unload */
	flt_module_exit(THIS_MODULE);
	b.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 2);
	KUNIT_EXPECT_EQ(test, b.reason, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries) + atomic_read(&b.queries), 0);
}

static struct {
	struct flt_related_objects objs;
	struct task_struct *task;
	u32 flags;
	bool could_sleep;
} asked;

static int note_query(const struct flt_related_objects *objs, u32 flags)
{
	asked.objs = *objs;
	asked.flags = flags;
	asked.task = current;
	asked.could_sleep = can_sleep();
	schedule_timeout_uninterruptible(1);
	return STATUS_FLT_DO_NOT_DETACH;
}

/* TDN-02 */
static void how_it_is_asked(struct kunit *test)
{
	asked.flags = ~0;
	a.reg.instance_query_teardown_callback = note_query;
	KUNIT_EXPECT_EQ(test, detach(NULL), STATUS_FLT_DO_NOT_DETACH);
	KUNIT_EXPECT_EQ(test, asked.flags, 0);
	KUNIT_EXPECT_TRUE(test, asked.could_sleep);
	KUNIT_EXPECT_PTR_EQ(test, asked.objs.filter, a.filter);
	KUNIT_EXPECT_PTR_EQ(test, asked.objs.volume, volume);
	KUNIT_EXPECT_PTR_EQ(test, asked.objs.instance, tf_instance(&a, volume));
	KUNIT_EXPECT_NULL(test, asked.objs.file_object);
	a.reg.instance_query_teardown_callback = tf_query;
}

static int wait_in_query(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

/* TDN-05 */
static void live_while_it_is_asked(struct kunit *test)
{
	a.on_query = wait_in_query;
	helper_start(test, 0, detach_a, NULL);
	gate_wait(test, &gate);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	KUNIT_EXPECT_EQ(test, flt_object_reference(tf_instance(&a, volume)), 0);
	flt_object_dereference(tf_instance(&a, volume));
	/* Nothing is held meanwhile: another volume's is asked, too. */
	a.on_query = NULL;
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, other, NULL), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
}

static void wait_in_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	gate_pass(&gate);
}

/* DET-07 */
static void done_when_it_returns(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);

	a.on_complete = wait_in_complete;
	helper_start(test, 0, detach_a, NULL);
	gate_wait(test, &gate);
	tf_wait_until(test, completion_waited_for(&inst->unlinked));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	/* Name and altitude are free. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
}

/* TDN-40, DET-01 */
static void others_are_untouched(struct kunit *test)
{
	struct flt_filter *found = NULL;
	int i;

	KUNIT_ASSERT_EQ(test, attach_at("9", "low"), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, detach("A"), 0);
		KUNIT_EXPECT_STREQ(test, tf_instance(&a, volume)->name, "low");
		KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, other));
		/* The filter is registered, and its other instances work. */
		KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found), 0);
		flt_object_dereference(a.filter);
		atomic_set(&a.pres, 0);
		tf_io(test, sim, FLT_CLASS_READ);
		tf_io(test, other_sim, FLT_CLASS_READ);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 2);
		/* It may be attached again. */
		KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, "A", NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 3);
}

/* INV-08, TDN-40 */
static void name_is_free_though_referenced(struct kunit *test)
{
	struct flt_instance *inst[3] = {};
	int i;

	KUNIT_EXPECT_EQ(test, detach(NULL), 0);
	for (i = 0; i < ARRAY_SIZE(inst); i++) {
		KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, &inst[i]), 0);
		KUNIT_EXPECT_EQ(test, detach(NULL), 0);
	}
	KUNIT_EXPECT_PTR_NE(test, inst[0], inst[1]);
	KUNIT_EXPECT_PTR_NE(test, inst[1], inst[2]);
	KUNIT_EXPECT_STREQ(test, flt_instance_name(inst[0]), flt_instance_name(inst[2]));
	/* They differ for whoever tells them apart by number. */
	KUNIT_EXPECT_NE(test, inst[0]->id, inst[1]->id);
	for (i = 0; i < ARRAY_SIZE(inst); i++)
		flt_object_dereference(inst[i]);
}

/* Right after a detach nothing of it is in the way, time and again. */
static void again_and_again(struct kunit *test)
{
	int i;

	for (i = 0; i < 50; i++) {
		KUNIT_ASSERT_EQ(test, detach(NULL), 0);
		KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
		tf_io(test, sim, FLT_CLASS_READ);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 50);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 50);
}

static struct kunit_case detach_cases[] = {
	KUNIT_CASE(asked_then_torn_down),
	KUNIT_CASE(highest_without_a_name),
	KUNIT_CASE(what_is_not_there),
	KUNIT_CASE(what_is_going),
	KUNIT_CASE(refusal_changes_nothing),
	KUNIT_CASE(any_success_agrees),
	KUNIT_CASE(severities),
	KUNIT_CASE(nobody_else_asks),
	KUNIT_CASE(how_it_is_asked),
	KUNIT_CASE(live_while_it_is_asked),
	KUNIT_CASE(done_when_it_returns),
	KUNIT_CASE(others_are_untouched),
	KUNIT_CASE(name_is_free_though_referenced),
	KUNIT_CASE(again_and_again),
	{}
};

static struct kunit_suite detach_suite = {
	.name = "fltmgr_detach",
	.init = detach_init,
	.exit = detach_exit,
	.test_cases = detach_cases,
};

kunit_test_suite(detach_suite);

MODULE_DESCRIPTION("Tests of detaching");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
