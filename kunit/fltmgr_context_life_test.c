// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts from the setup of an instance to the end of its filter: what a
 * filter may do with them in its callbacks, and when the manager deletes them.
 */
#include <linux/module.h>

#include "testcontext.h"

/* One of each kind, with no reference of ours left. */
static int set_both(struct tf *tf, struct flt_instance *inst)
{
	struct tc *on_instance = tc_try_new(tf, FLT_INSTANCE_CONTEXT);
	struct tc *on_volume = tc_try_new(tf, FLT_VOLUME_CONTEXT);
	int rc = -ENOMEM;

	if (on_instance && on_volume)
		rc = tc_set(inst, on_instance) ?: tc_set_volume(on_volume);
	if (on_instance)
		flt_release_context(on_instance);
	if (on_volume)
		flt_release_context(on_volume);
	return rc;
}

static int set_both_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	return set_both(tf, objs->instance) ?: status;
}

/* 0 if both are found. */
static int read_both(struct flt_filter *filter, struct flt_instance *inst)
{
	void *context;
	int rc = flt_get_instance_context(inst, &context);

	if (rc)
		return rc;
	flt_release_context(context);
	rc = flt_get_volume_context(filter, volume, &context);
	if (rc)
		return rc;
	flt_release_context(context);
	return 0;
}

static int read_in_pre, read_in_start, read_in_complete;

static int read_pre(struct tf *tf, struct flt_callback_data *data,
		    const struct flt_related_objects *objs, int status)
{
	read_in_pre = read_both(objs->filter, objs->instance);
	return status;
}

static void read_start(struct tf *tf, const struct flt_related_objects *objs)
{
	read_in_start = read_both(objs->filter, objs->instance);
}

static void read_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	read_in_complete = read_both(objs->filter, objs->instance);
}

static void *unregister(void *arg)
{
	struct tf *tf = arg;

	flt_unregister_filter(tf->filter);
	return NULL;
}

/* A helper unregisters the filter and has come as far as to wait for references. */
static void begin_to_unregister(struct kunit *test, int n, struct tf *tf)
{
	helper_start(test, n, unregister, tf);
	tf_wait_until(test, completion_waited_for(&tf->filter->refs_gone));
}

static void end_to_unregister(struct kunit *test, int n, struct tf *tf)
{
	helper_join(test, n);
	tf->filter = NULL;
}

static int detach(struct tf *tf)
{
	return flt_detach_volume(tf->filter, volume, NULL);
}

/* ATT-11 */
static void set_in_setup_and_used_in_operations(struct kunit *test)
{
	a.on_setup = set_both_in_setup;
	a.on_pre = read_pre;
	read_in_pre = -1;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_NOT_NULL(test, tf_instance(&a, volume));
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, read_in_pre, 0);
}

/* ATT-12, CTX-40 */
static void a_veto_cleans_up(struct kunit *test)
{
	a.on_setup = set_both_in_setup;
	a.setup_status = STATUS_FLT_DO_NOT_ATTACH;
	tf_log_clear();
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_NULL(test, tf_instance(&a, volume));
	tf_wait_until(test, atomic_read(&tcs.ended) == 1);
	/* What is on the volume has nothing to do with the instance. */
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.made), 2);
	tf_expect_log(test, "A? I~");
	/* The same, asked for. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL),
			STATUS_FLT_DO_NOT_ATTACH);
	tf_wait_until(test, atomic_read(&tcs.ended) == 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts) + atomic_read(&a.completes), 0);
}

static void keep_instance(struct kunit *test, struct flt_instance *inst)
{
	KUNIT_ASSERT_EQ(test, flt_object_reference(inst), 0);
	kept = inst;
}

static int keep_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	flt_object_reference(objs->instance);
	kept = objs->instance;
	return status;
}

/* ATT-12: whoever kept the instance that never was sets nothing on it any more */
static void nothing_is_set_after_a_veto(struct kunit *test)
{
	struct tc *tc;

	a.on_setup = keep_in_setup;
	a.setup_status = STATUS_FLT_DO_NOT_ATTACH;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, tc_set(kept, tc), STATUS_FLT_DELETING_OBJECT);
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
}

/* TDN-34, CTX-29, CTX-44, TDN-16 */
static void read_in_both_teardown_callbacks(struct kunit *test)
{
	a.on_setup = set_both_in_setup;
	a.on_start = read_start;
	a.on_complete = read_complete;
	read_in_start = -1;
	read_in_complete = -1;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, read_in_start, 0);
	KUNIT_EXPECT_EQ(test, read_in_complete, 0);
	tf_wait_until(test, atomic_read(&tcs.ended) == 1);
	tf_expect_log(test, "Aq A[ A] I~");
}

static int changed[4];

static void change_start(struct tf *tf, const struct flt_related_objects *objs)
{
	struct tc *tc = tc_try_new(tf, FLT_INSTANCE_CONTEXT);
	void *old = tf;

	changed[0] = tc ? tc_set(objs->instance, tc) : -ENOMEM;
	changed[1] = flt_delete_instance_context(objs->instance, &old);
	changed[2] = !old;
	changed[3] = read_both(objs->filter, objs->instance);
	if (tc)
		flt_release_context(tc);
}

/* TDN-35, CTX-25, CTX-31, CON-09, TDN-26 */
static void not_changed_while_the_instance_goes(struct kunit *test)
{
	a.on_setup = set_both_in_setup;
	a.on_start = change_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, changed[0], STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, changed[1], STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, changed[2], 1);
	KUNIT_EXPECT_EQ(test, changed[3], 0);
}

static void delete_start(struct tf *tf, const struct flt_related_objects *objs)
{
	void *context;

	changed[0] = flt_get_instance_context(objs->instance, &context);
	if (changed[0])
		return;
	flt_delete_context(context);
	flt_release_context(context);
	changed[1] = flt_get_instance_context(objs->instance, &context);
}

/* CTX-32, CON-09: by the context itself it can be deleted all the same */
static void deleted_by_context_while_the_instance_goes(struct kunit *test)
{
	a.on_setup = set_both_in_setup;
	a.on_start = delete_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, changed[0], 0);
	KUNIT_EXPECT_EQ(test, changed[1], STATUS_NOT_FOUND);
	tf_expect_log(test, "Aq A[ I~ A]");
}

/* REF-09, TDN-25, CTX-29 */
static void a_kept_instance_keeps_its_contexts(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, set_both(&a, tf_instance(&a, volume)), 0);
	keep_instance(test, tf_instance(&a, volume));
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	/* Its teardown is complete: but for the reference all would be over. */
	tf_wait_until(test, references(&kept->obj) == 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 0);
	KUNIT_EXPECT_EQ(test, read_both(a.filter, kept), 0);
	flt_object_dereference(kept);
	kept = NULL;
	tf_wait_until(test, atomic_read(&tcs.ended) == 1);
}

/* CTX-41, CTX-16, CON-23, TDN-16 */
static void clean_up_waits_for_the_last_reference(struct kunit *test)
{
	struct tc *tc;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	keep_instance(test, tf_instance(&a, volume));
	KUNIT_ASSERT_EQ(test, tc_set(kept, tc), 0);
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	flt_object_dereference(kept);
	kept = NULL;
	/* What linked it is a reference for a moment. */
	tf_wait_until(test, !tc_linked(tc) && tc_refs(tc) == 1);
	KUNIT_EXPECT_EQ(test, tc_ends(tc), 0);
	flt_delete_context(tc);		/* nothing left to do */
	KUNIT_EXPECT_EQ(test, tc_set_volume(tc), STATUS_INVALID_PARAMETER);
	flt_release_context(tc);
	KUNIT_EXPECT_PTR_EQ(test, tcs.task, current);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
}

/* URG-03, UNL-12, CON-25, CTX-40, CTX-45, TDN-41, INV-05, INV-11 */
static void unregistering_takes_instances_first(struct kunit *test)
{
	a.on_setup = set_both_in_setup;
	a.on_start = read_start;
	a.on_complete = read_complete;
	read_in_start = -1;
	read_in_complete = -1;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_log_clear();
	tf_unregister(&a);
	tf_expect_log(test, "A[ A] I~ V~");
	KUNIT_EXPECT_EQ(test, read_in_start, 0);
	KUNIT_EXPECT_EQ(test, read_in_complete, 0);
	tc_expect_all_ended(test);
}

static void set_volume_start(struct tf *tf, const struct flt_related_objects *objs)
{
	struct tc *tc = tf->context;

	changed[0] = tc_set_volume(tc);
	changed[1] = flt_delete_volume_context(objs->filter, objs->volume, NULL);
	flt_release_context(tc);
}

/* CTX-25, CTX-45: nothing is set for a filter that goes */
static void no_volume_context_of_a_filter_that_goes(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	a.context = tc_new(test, &a, FLT_VOLUME_CONTEXT);
	a.on_start = set_volume_start;
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, changed[0], STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, changed[1], STATUS_NOT_FOUND);
	tc_expect_all_ended(test);
}

/* CTX-45, CTX-40, CTX-25 */
static void a_volume_takes_its_contexts_with_it(struct kunit *test)
{
	struct tc *late;

	a.on_setup = set_both_in_setup;
	b.on_setup = set_both_in_setup;
	a.on_start = set_volume_start;
	b.on_complete = read_complete;
	read_in_complete = -1;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	a.context = tc_new(test, &a, FLT_VOLUME_CONTEXT);
	late = tc_new(test, &b, FLT_VOLUME_CONTEXT);
	KUNIT_ASSERT_EQ(test, flt_object_reference(volume), 0);
	flt_sim_dismount(sim);
	KUNIT_EXPECT_EQ(test, changed[0], STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, changed[1], STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, read_in_complete, 0);
	/* References to the volume are not waited for. */
	KUNIT_EXPECT_EQ(test, flt_get_volume_context(b.filter, volume, &(void *){ NULL }),
			STATUS_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, tc_set_volume(late), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_delete_volume_context(b.filter, volume, NULL),
			STATUS_FLT_DELETING_OBJECT);
	tf_wait_until(test, atomic_read(&tcs.ended) == 5);
	flt_release_context(late);
	flt_object_dereference(volume);
}

static void let_go_of_the_volume(struct tc *tc)
{
	flt_object_dereference(volume);
}

/* CTX-45: a context that keeps its own volume does not keep itself */
static void a_context_may_keep_its_volume(struct kunit *test)
{
	struct tc *tc;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_object_reference(volume), 0);
	tcs.on_end = let_go_of_the_volume;
	tc = tc_new(test, &a, FLT_VOLUME_CONTEXT);
	KUNIT_ASSERT_EQ(test, tc_set_volume(tc), 0);
	flt_release_context(tc);
	flt_sim_dismount(sim);
	tf_wait_until(test, atomic_read(&tcs.ended) == 1);
	tcs.on_end = NULL;
}

/* CTX-46, REF-08, URG-04, INV-11, CTX-07, CON-15 */
static void a_leaked_context_is_waited_for_and_reported(struct kunit *test)
{
	static struct flt_context_registration defs[] = {
		TC_DEF(FLT_INSTANCE_CONTEXT), TC_DEF(FLT_VOLUME_CONTEXT), TC_END
	};
	struct tc *leaked[2];

	defs[1].pool_tag = 0;		/* CON-15 */
	a.reg.context_registration = defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	leaked[0] = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_ASSERT_EQ(test, tc_set(tf_instance(&a, volume), leaked[0]), 0);
	leaked[1] = tc_new(test, &a, FLT_VOLUME_CONTEXT);
	KUNIT_ASSERT_EQ(test, listen_for("1 instance contexts not released, tag tc01", NULL), 0);
	begin_to_unregister(test, 0, &a);
	KUNIT_EXPECT_FALSE(test, tc_linked(leaked[0]));
	KUNIT_EXPECT_EQ(test, report_after_ms("1"), 0);
	tf_wait_until(test, has_heard());
	stop_listening();
	flt_release_context(leaked[0]);
	KUNIT_EXPECT_EQ(test, tc_ends(leaked[0]), 1);
	KUNIT_ASSERT_EQ(test, listen_for("1 volume contexts not released, tag FMct", NULL), 0);
	tf_wait_until(test, has_heard());
	stop_listening();
	KUNIT_EXPECT_EQ(test, report_after_ms("10000"), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	flt_release_context(leaked[1]);
	end_to_unregister(test, 0, &a);
}

static void wait_at_the_end(struct tc *tc)
{
	gate_pass(&gate);
}

/* CTX-46, CTX-41, INV-05: one that is on its way out is waited for without a word */
static void a_clean_up_is_waited_for_quietly(struct kunit *test)
{
	struct tc *leaked, *ending;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tcs.on_end = wait_at_the_end;
	ending = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	rcu_read_lock();
	flt_release_context(ending);
	rcu_read_unlock();
	gate_wait(test, &gate);
	leaked = tc_new(test, &b, FLT_INSTANCE_CONTEXT);
	KUNIT_ASSERT_EQ(test, listen_for("unregistration of filter B waits",
					 "unregistration of filter A waits"), 0);
	begin_to_unregister(test, 0, &a);
	begin_to_unregister(test, 1, &b);
	KUNIT_EXPECT_EQ(test, report_after_ms("1"), 0);
	/* A is higher and looked at first, and has waited for longer. */
	tf_wait_until(test, has_heard());
	stop_listening();
	KUNIT_EXPECT_FALSE(test, heard.said_others);
	KUNIT_EXPECT_EQ(test, report_after_ms("10000"), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	end_to_unregister(test, 0, &a);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	flt_release_context(leaked);
	end_to_unregister(test, 1, &b);
}

static struct kunit_case context_life_cases[] = {
	KUNIT_CASE(set_in_setup_and_used_in_operations),
	KUNIT_CASE(a_veto_cleans_up),
	KUNIT_CASE(nothing_is_set_after_a_veto),
	KUNIT_CASE(read_in_both_teardown_callbacks),
	KUNIT_CASE(not_changed_while_the_instance_goes),
	KUNIT_CASE(deleted_by_context_while_the_instance_goes),
	KUNIT_CASE(a_kept_instance_keeps_its_contexts),
	KUNIT_CASE(clean_up_waits_for_the_last_reference),
	KUNIT_CASE(unregistering_takes_instances_first),
	KUNIT_CASE(no_volume_context_of_a_filter_that_goes),
	KUNIT_CASE(a_volume_takes_its_contexts_with_it),
	KUNIT_CASE(a_context_may_keep_its_volume),
	KUNIT_CASE(a_leaked_context_is_waited_for_and_reported),
	KUNIT_CASE(a_clean_up_is_waited_for_quietly),
	{}
};

static struct kunit_suite context_life_suite = {
	.name = "fltmgr_context_life",
	.init = tc_test_init,
	.exit = tc_test_exit,
	.test_cases = context_life_cases,
};

kunit_test_suite(context_life_suite);

MODULE_DESCRIPTION("Tests of the life of contexts");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
