// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: two at once, or against a teardown; and without memory.
 */
#include <linux/module.h>

#include "testcontext.h"
#include "testfault.h"

static int context_race_init(struct kunit *test)
{
	tc_test_init(test);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_object_reference(tf_instance(&a, volume)), 0);
	kept = tf_instance(&a, volume);
	return 0;
}

/* A call to make in a helper, and what came of it. */
struct call {
	void *context;		/* argument */
	enum flt_set_context_operation operation;
	void *got;		/* old or found context */
};

static void *set_instance(void *arg)
{
	struct call *call = arg;

	return (void *)(long)flt_set_instance_context(kept, call->operation, call->context,
						      &call->got);
}

static void *set_volume(void *arg)
{
	struct call *call = arg;

	return (void *)(long)flt_set_volume_context(volume, call->operation, call->context,
						    &call->got);
}

static void *get_instance(void *arg)
{
	struct call *call = arg;

	return (void *)(long)flt_get_instance_context(kept, &call->got);
}

static void *delete_context(void *arg)
{
	struct call *call = arg;

	flt_delete_context(call->context);
	return NULL;
}

static void *unregister_a(void *arg)
{
	flt_unregister_filter(a.filter);
	return NULL;
}

static int set(struct tc *tc)
{
	return flt_set_instance_context(kept, FLT_SET_CONTEXT_REPLACE_IF_EXISTS, tc, NULL);
}

static struct tc *new_set(struct kunit *test)
{
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);

	KUNIT_ASSERT_EQ(test, set(tc), 0);
	return tc;
}

static struct tc *look(void)
{
	void *found;

	if (flt_get_instance_context(kept, &found))
		return NULL;
	flt_release_context(found);
	return found;
}

/* Have helper @n call, and park it at a race point. */
static void begin(struct kunit *test, const char *point, int n, void *(*fn)(void *arg),
		  struct call *call)
{
	tf_race_arm(point, call->context ? to_flt_context(call->context) : NULL);
	helper_start(test, n, fn, call);
	tf_wait_until(test, tf_race_reached());
}

static long end(struct kunit *test, int n)
{
	tf_race_go();
	return helper_join(test, n);
}

/* CTX-21 */
static void one_of_two_sets_that_keep(struct kunit *test)
{
	struct call call = { .operation = FLT_SET_CONTEXT_KEEP_IF_EXISTS };
	struct tc *first = tc_new(test, &a, FLT_INSTANCE_CONTEXT), *second;

	call.context = first;
	begin(test, "context_set", 0, set_instance, &call);
	second = new_set(test);
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_FLT_CONTEXT_ALREADY_DEFINED);
	KUNIT_EXPECT_PTR_EQ(test, call.got, (void *)second);
	KUNIT_EXPECT_PTR_EQ(test, look(), second);
	KUNIT_EXPECT_EQ(test, tc_refs(second), 2);
	flt_release_context(call.got);
	flt_release_context(second);
	flt_release_context(first);
}

/* CTX-22 */
static void both_of_two_sets_that_replace(struct kunit *test)
{
	struct call call = { .operation = FLT_SET_CONTEXT_REPLACE_IF_EXISTS };
	struct tc *first = tc_new(test, &a, FLT_INSTANCE_CONTEXT), *second;

	call.context = first;
	begin(test, "context_set", 0, set_instance, &call);
	second = new_set(test);
	KUNIT_EXPECT_EQ(test, end(test, 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, call.got, (void *)second);
	KUNIT_EXPECT_PTR_EQ(test, look(), first);
	KUNIT_EXPECT_FALSE(test, tc_linked(second));
	flt_release_context(call.got);
	flt_release_context(second);
	flt_release_context(first);
}

/* CTX-23, CTX-24: one context on two objects */
static void linked_once_by_two(struct kunit *test)
{
	struct call call = { .operation = FLT_SET_CONTEXT_REPLACE_IF_EXISTS, .got = &a };
	struct flt_instance *other;
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);

	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "9", "x", &other),
			0);
	call.context = tc;
	begin(test, "context_set", 0, set_instance, &call);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(other, call.operation, tc, NULL), 0);
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_FLT_CONTEXT_ALREADY_LINKED);
	KUNIT_EXPECT_NULL(test, call.got);
	KUNIT_EXPECT_NULL(test, look());
	flt_release_context(tc);
	flt_object_dereference(other);
}

/* CTX-23: even if both have seen that it was not linked before */
static void claimed_once_by_two(struct kunit *test)
{
	struct call call = { .operation = FLT_SET_CONTEXT_REPLACE_IF_EXISTS, .got = &a };
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	struct flt_instance *other;
	void *found;

	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "9", "x", &other),
			0);
	call.context = tc;
	begin(test, "context_claim", 0, set_instance, &call);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(other, call.operation, tc, NULL), 0);
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_FLT_CONTEXT_ALREADY_LINKED);
	KUNIT_EXPECT_NULL(test, look());
	KUNIT_EXPECT_EQ(test, flt_get_instance_context(other, &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, (void *)tc);
	flt_release_context(found);
	flt_release_context(tc);
	flt_object_dereference(other);
}

/* CTX-28, CTX-31: found, and then deleted before it was had */
static void got_while_it_is_deleted(struct kunit *test)
{
	struct tc *tc = new_set(test);
	struct call call = { .got = &a };

	begin(test, "context_found", 0, get_instance, &call);
	KUNIT_EXPECT_EQ(test, flt_delete_instance_context(kept, NULL), 0);
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_NOT_FOUND);
	KUNIT_EXPECT_NULL(test, call.got);
}

/* CTX-28, CTX-32: nor when somebody has a reference still: it cannot be found */
static void got_while_it_is_deleted_and_kept(struct kunit *test)
{
	struct tc *tc = new_set(test);
	struct call call = { .got = &a };

	begin(test, "context_found", 0, get_instance, &call);
	flt_delete_context(tc);
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_NOT_FOUND);
	KUNIT_EXPECT_NULL(test, call.got);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	flt_release_context(tc);
}

/* CTX-22, CTX-28: there is one at any time, so one is found */
static void got_while_it_is_replaced(struct kunit *test)
{
	struct tc *first = new_set(test), *second;
	struct call call = { .got = &a };

	begin(test, "context_found", 0, get_instance, &call);
	second = new_set(test);
	flt_release_context(first);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
	KUNIT_EXPECT_EQ(test, end(test, 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, call.got, (void *)second);
	flt_release_context(call.got);
	flt_release_context(second);
}

/* CTX-35, CTX-32 */
static void deleted_by_two(struct kunit *test)
{
	struct tc *tc = new_set(test), *next;
	struct call call = { .context = tc };

	begin(test, "context_delete", 0, delete_context, &call);
	flt_delete_context(tc);
	next = new_set(test);
	end(test, 0);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	KUNIT_EXPECT_PTR_EQ(test, look(), next);
	flt_release_context(tc);
	flt_release_context(next);
}

/* CTX-35, CTX-22: replaced meanwhile */
static void deleted_while_it_is_replaced(struct kunit *test)
{
	struct tc *tc = new_set(test), *next;
	struct call call = { .context = tc };

	begin(test, "context_delete", 0, delete_context, &call);
	next = new_set(test);
	end(test, 0);
	KUNIT_EXPECT_PTR_EQ(test, look(), next);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	flt_release_context(tc);
	flt_release_context(next);
}

/* TDN-35, CTX-25: it was not going when the call was made */
static void set_while_the_instance_goes(struct kunit *test)
{
	struct call call = { .operation = FLT_SET_CONTEXT_REPLACE_IF_EXISTS, .got = &a };
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT), *first = new_set(test);

	flt_release_context(first);
	call.context = tc;
	begin(test, "context_set", 0, set_instance, &call);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_NULL(test, call.got);
	KUNIT_EXPECT_PTR_EQ(test, look(), first);
	flt_release_context(tc);
}

/* CTX-25, CTX-45 */
static void set_while_the_volume_goes(struct kunit *test)
{
	struct call call = { .operation = FLT_SET_CONTEXT_REPLACE_IF_EXISTS, .got = &a };
	struct tc *tc = tc_new(test, &a, FLT_VOLUME_CONTEXT);

	call.context = tc;
	begin(test, "context_set", 0, set_volume, &call);
	flt_sim_dismount(sim);
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_TRUE(test, hlist_empty(&volume->contexts.head));
	flt_release_context(tc);
}

/* CTX-45, URG-03: a volume context for a filter that has deleted all of its own */
static void set_while_the_filter_goes(struct kunit *test)
{
	struct call call = { .operation = FLT_SET_CONTEXT_REPLACE_IF_EXISTS, .got = &a };
	struct tc *tc = tc_new(test, &a, FLT_VOLUME_CONTEXT);

	tc_let_go();
	call.context = tc;
	begin(test, "context_set", 0, set_volume, &call);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, completion_waited_for(&a.filter->refs_gone));
	KUNIT_EXPECT_EQ(test, end(test, 0), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	flt_release_context(tc);
	helper_join(test, 1);
	a.filter = NULL;
}

/* CTX-15, CTX-41, INV-05: the clean-up is in the filter, so the filter waits */
static void a_clean_up_is_waited_for(struct kunit *test)
{
	struct tc *tc = tc_new(test, &a, FLT_VOLUME_CONTEXT);

	tc_let_go();
	tf_race_arm("context_end", to_flt_context(tc));
	rcu_read_lock();
	flt_release_context(tc);
	rcu_read_unlock();
	tf_wait_until(test, tf_race_reached());
	helper_start(test, 0, unregister_a, NULL);
	tf_wait_until(test, completion_waited_for(&a.filter->refs_gone));
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	tf_race_go();
	helper_join(test, 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
}

static void wait_at_the_end(struct tc *tc)
{
	gate_pass(&gate);
}

/* URG-03, CTX-40: a slow clean-up keeps its own instance, and no other */
static void a_slow_clean_up_holds_up_its_filter_only(struct kunit *test)
{
	static struct tf b;

	flt_release_context(new_set(test));
	tcs.on_end = wait_at_the_end;
	tc_let_go();
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	gate_wait(test, &gate);
	helper_start(test, 0, unregister_a, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	tf_init(&b, "B", "300");
	KUNIT_EXPECT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&b, volume));
	tf_unregister(&b);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	helper_join(test, 0);
	a.filter = NULL;
}

#define ROUNDS	400

/* Everything at once, for a while. Each allocates what it sets. */
static void *churn(void *arg)
{
	int mine = (long)arg, i;
	void *found;

	for (i = 0; i < ROUNDS; i++) {
		struct tc *tc = tc_try_new(&a, FLT_INSTANCE_CONTEXT);

		if (!tc)
			return (void *)-ENOMEM;
		found = NULL;
		flt_set_instance_context(kept, (i + mine) & 1, tc, i & 2 ? &found : NULL);
		if (found)
			flt_release_context(found);
		if (!flt_get_instance_context(kept, &found)) {
			if (i % 3 == mine)
				flt_delete_context(found);
			flt_release_context(found);
		}
		if (i % 7 == mine)
			flt_delete_instance_context(kept, NULL);
		flt_release_context(tc);
	}
	return NULL;
}

/* CTX-16, CTX-17, INV-11 */
static void each_is_cleaned_up_once_whatever_happens(struct kunit *test)
{
	long i;

	for (i = 0; i < 3; i++)
		helper_start(test, i, churn, (void *)i);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, helper_join(test, i), 0);
	tc_let_go();
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.made), 3 * ROUNDS);
	tc_expect_all_ended(test);
}

static int set_up_with_contexts(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	struct tc *tc = tc_try_new(tf, FLT_INSTANCE_CONTEXT);
	int rc;

	if (!tc)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = flt_set_instance_context(objs->instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS, tc, NULL);
	flt_release_context(tc);
	return rc;
}

/* REG-06, REG-08: the filter itself, its name, its altitude, what it can allocate */
static void registering_without_memory(struct kunit *test)
{
	static struct tf b;
	unsigned int n, failed = 0;
	int rc;

	if (fault_init())
		kunit_skip(test, "allocations cannot be made to fail");
	tc_filter_init(&b, "B", "200");
	for (n = 1; failed < 4 && n < FAULT_MAX; n++) {
		fault_arm(n);
		rc = flt_register_filter(THIS_MODULE, &b.reg, &b.filter);
		KUNIT_EXPECT_TRUE(test, fault_disarm());
		if (!rc) {		/* it could do without */
			tf_unregister(&b);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, rc, STATUS_INSUFFICIENT_RESOURCES, "%u", n);
		KUNIT_EXPECT_NULL(test, b.filter);
		failed++;
	}
	fault_exit();
	KUNIT_EXPECT_EQ(test, failed, 4);
}

/* No assertion, which would leave the probe where it is. */
static void wait_for_no_references(struct flt_filter *filter)
{
	unsigned long end = jiffies + TF_WAIT;

	while (references(&filter->obj) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
}

/* CTX-11, ATT-12 */
static void attaching_without_memory(struct kunit *test)
{
	static struct tf b;
	unsigned int n;
	int rc = -1;

	tc_filter_init(&b, "B", "200");
	b.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
	b.on_setup = set_up_with_contexts;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	if (fault_init()) {
		tf_unregister(&b);
		kunit_skip(test, "allocations cannot be made to fail");
	}
	for (n = 1; n < FAULT_MAX; n++) {
		fault_arm(n);
		rc = flt_attach_volume(b.filter, volume, NULL, NULL);
		if (!fault_disarm())
			break;
		if (rc)
			KUNIT_EXPECT_EQ_MSG(test, rc, STATUS_INSUFFICIENT_RESOURCES, "%u", n);
		else
			KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
		/* Whatever was set in setup goes with the instance. */
		wait_for_no_references(b.filter);
		KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), atomic_read(&tcs.made));
	}
	fault_exit();
	KUNIT_EXPECT_EQ(test, rc, 0);
	KUNIT_EXPECT_GT(test, n, 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.made) - atomic_read(&tcs.ended), 1);
	tf_unregister(&b);
}

static struct kunit_case context_race_cases[] = {
	KUNIT_CASE(one_of_two_sets_that_keep),
	KUNIT_CASE(both_of_two_sets_that_replace),
	KUNIT_CASE(linked_once_by_two),
	KUNIT_CASE(claimed_once_by_two),
	KUNIT_CASE(got_while_it_is_deleted),
	KUNIT_CASE(got_while_it_is_deleted_and_kept),
	KUNIT_CASE(got_while_it_is_replaced),
	KUNIT_CASE(deleted_by_two),
	KUNIT_CASE(deleted_while_it_is_replaced),
	KUNIT_CASE(set_while_the_instance_goes),
	KUNIT_CASE(set_while_the_volume_goes),
	KUNIT_CASE(set_while_the_filter_goes),
	KUNIT_CASE(a_clean_up_is_waited_for),
	KUNIT_CASE(a_slow_clean_up_holds_up_its_filter_only),
	KUNIT_CASE(each_is_cleaned_up_once_whatever_happens),
	KUNIT_CASE(registering_without_memory),
	KUNIT_CASE(attaching_without_memory),
	{}
};

static struct kunit_suite context_race_suite = {
	.name = "fltmgr_context_race",
	.init = context_race_init,
	.exit = tc_test_exit,
	.test_cases = context_race_cases,
};

kunit_test_suite(context_race_suite);

MODULE_DESCRIPTION("Tests of contexts under contention");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
