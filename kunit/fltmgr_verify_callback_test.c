// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callbacks that do not return as they were called: with preemption, interrupts,
 * an RCU read section or a lock otherwise. What can be mended is mended.
 */
#include <linux/module.h>
#include <linux/mutex.h>

#include "testreport.h"

static void (*offence)(void);
static bool one_off;			/* the first callback only */

static DEFINE_MUTEX(some_lock);

static void commit(void)
{
	void (*act)(void) = offence;

	if (one_off)
		offence = NULL;
	if (act)
		act();
}

static void stop_preemption(void)
{
	preempt_disable();
}

static void stop_interrupts(void)
{
	local_irq_disable();
}

static void begin_reading(void)
	__acquires(RCU)
{
	rcu_read_lock();
}

static void end_reading(void)
	__releases(RCU)
{
	rcu_read_unlock();
}

static void take_lock(void)
{
	mutex_lock(&some_lock);
}

/* All of it, and undone again. */
static void behave(void)
{
	unsigned long flags;

	mutex_lock(&some_lock);
	rcu_read_lock();
	preempt_disable();
	local_irq_save(flags);
	local_irq_restore(flags);
	preempt_enable();
	rcu_read_unlock();
	mutex_unlock(&some_lock);
}

static int offend_in_pre(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	commit();
	return status;
}

static int offend_in_post(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, u32 flags, int status)
{
	commit();
	return status;
}

static void offend_in_teardown(struct tf *tf, const struct flt_related_objects *objs)
{
	commit();
}

static int offend_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	commit();
	return status;
}

static int offend_and_unregister(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	commit();
	return 0;
}

static const struct {
	void (*offence)(void);
	const char *words;
} mended[] = {
	{ stop_preemption, "with preemption disabled" },
	{ stop_interrupts, "with interrupts disabled" },
	{ begin_reading, "inside an RCU read section" },
};

static bool as_before(void)
{
	return preemptible() && !rcu_preempt_depth();
}

static void expect_mended(struct kunit *test, const char *what, const char *words)
{
	char text[80];

	snprintf(text, sizeof(text), "%s returned %s", what, words);
	expect_report(test, .rule = "VRF-11x", .filter = "B", .words = text);
	KUNIT_EXPECT_TRUE(test, as_before());
}

/* VRF-11x */
static void pre_operations(struct kunit *test)
{
	int i;

	b.on_pre = offend_in_pre;
	for (i = 0; i < ARRAY_SIZE(mended); i++) {
		offence = mended[i].offence;
		run_op(test, 0);
		expect_mended(test, "pre-operation", mended[i].words);
		next_op(test);
	}
	offence = behave;
	expect_twin(test);
}

/* VRF-11x */
static void post_operations(struct kunit *test)
{
	int i;

	b.on_post = offend_in_post;
	for (i = 0; i < ARRAY_SIZE(mended); i++) {
		offence = mended[i].offence;
		run_op(test, 0);
		expect_mended(test, ": post-operation", mended[i].words);
		next_op(test);
	}
	offence = behave;
	expect_twin(test);
}

static void enable_interrupts(void)
{
	local_irq_enable();
}

static void allow_preemption(void)
{
	preempt_enable();
}

/* VRF-11x: what its caller has disabled stays so */
static void post_operations_that_enable(struct kunit *test)
{
	unsigned long flags;
	bool disabled;
	int before, after;

	b.on_post = offend_in_post;
	offence = enable_interrupts;
	hold_at_device(test);
	local_irq_save(flags);
	flt_sim_release(op, FLT_SIM_PROCESS, 0);
	disabled = irqs_disabled();
	local_irq_restore(flags);
	flt_sim_set_hold(sim, false);
	expect_ended(test, 0);
	KUNIT_EXPECT_TRUE(test, disabled);
	expect_mended(test, ": post-operation", "with interrupts enabled");

	offence = allow_preemption;
	next_op(test);
	hold_at_device(test);
	preempt_disable();
	before = preempt_count();
	flt_sim_release(op, FLT_SIM_PROCESS, 0);
	after = preempt_count();
	preempt_enable();
	flt_sim_set_hold(sim, false);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, after, before);
	expect_mended(test, ": post-operation", "with preemption enabled");
}

/* In a read section, which the post-operation ends or @after does. */
static void release_reading(struct kunit *test, void (*after)(void))
{
	void (*before)(void) = begin_reading;

	hold_at_device(test);
	before();
	flt_sim_release(op, FLT_SIM_PROCESS, 0);
	if (after)
		after();
	flt_sim_set_hold(sim, false);
	expect_ended(test, 0);
	next_op(test);
}

/* VRF-11x: what is over cannot be mended */
static void ends_a_read_section(struct kunit *test)
{
	b.on_post = offend_in_post;
	offence = end_reading;
	release_reading(test, NULL);
	expect_mended(test, ": post-operation", "out of its caller's RCU read section");
	offence = NULL;
	release_reading(test, end_reading);
	expect_no_report(test);
}

/* VRF-11x */
static void leaves_a_lock_held(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_LOCKDEP) || !debug_locks)
		kunit_skip(test, "nobody counts locks");
	b.on_pre = offend_in_pre;
	offence = take_lock;
	run_op(test, 0);
	mutex_unlock(&some_lock);
	expect_mended(test, "pre-operation", "with a lock held");
	offence = behave;
	expect_twin(test);
}

/* VRF-11x */
static void setup_and_teardown(struct kunit *test)
{
	int i;

	one_off = true;
	for (i = 0; i < ARRAY_SIZE(mended); i++) {
		b.on_start = offend_in_teardown;
		offence = mended[i].offence;
		KUNIT_EXPECT_EQ(test, detach(&b), 0);
		expect_mended(test, "teardown_start callback", mended[i].words);
		b.on_start = NULL;
		b.on_setup = offend_in_setup;
		offence = mended[i].offence;
		KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
		expect_mended(test, "setup callback", mended[i].words);
		b.on_complete = offend_in_teardown;
		offence = mended[i].offence;
		KUNIT_EXPECT_EQ(test, detach(&b), 0);
		expect_mended(test, "teardown_complete callback", mended[i].words);
		b.on_complete = NULL;
		KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
		expect_no_report(test);
	}
	one_off = false;
	offence = behave;
	b.on_start = offend_in_teardown;
	b.on_complete = offend_in_teardown;
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	expect_no_report(test);
}

/* VRF-11x */
static void unload_callback(struct kunit *test)
{
	b.reg.filter_unload_callback = offend_and_unregister;
	offence = stop_preemption;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_mended(test, "unload callback", "with preemption disabled");
	offence = behave;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_no_report(test);
}

static int verify_callback_init(struct kunit *test)
{
	offence = NULL;
	one_off = false;
	return verify_init(test);
}

static struct kunit_case verify_callback_cases[] = {
	KUNIT_CASE(pre_operations),
	KUNIT_CASE(post_operations),
	KUNIT_CASE(post_operations_that_enable),
	KUNIT_CASE(ends_a_read_section),
	KUNIT_CASE(leaves_a_lock_held),
	KUNIT_CASE(setup_and_teardown),
	KUNIT_CASE(unload_callback),
	{ }
};

static struct kunit_suite verify_callback_suite = {
	.name = "fltmgr_verify_callback",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_callback_init,
	.exit = verify_exit,
	.test_cases = verify_callback_cases,
};

kunit_test_suite(verify_callback_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: how callbacks return");
MODULE_LICENSE("GPL");
