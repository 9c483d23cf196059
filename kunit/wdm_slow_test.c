// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said of a release that waits, each time that the parameter slow_unload_ms says.
 */
#include <linux/module.h>

#include "testwdm.h"

#define SAID_MODULE	"wdm"
#define SAID_COUNT()	wdm_violation_count()
#include "testsaid.h"

static struct {
	const char *line;	/* what is waited for, as it is to be said */
	atomic_t said;
	atomic_t other;
} slow;

/* A line of the log about a wait. */
static void slow_line(void *unused, const char *text, size_t len)
{
	const char *line = READ_ONCE(slow.line);

	if (!strnstr(text, ": waits for ", len))
		return;
	if (line && strnstr(text, line, len))
		atomic_inc(&slow.said);
	else
		atomic_inc(&slow.other);
}

static struct wdm_thread *thread;
static struct tw_gate gate;

static void body(void *context)
{
	tw_gate_pass(&gate);
}

/* VER-03, RLS-13: it is said again and again what for, and it waits all the same */
static void for_who_is_inside(struct kunit *test)
{
	slow.line = "wdm: driver drv: waits for those inside of device dev";
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), 0);
	tw_thread_start(test, 0, tw_remove, dev);
	tw_wait_until(test, atomic_read(&slow.said) >= 2);
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	io_release_remove_lock(dev);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	ob_dereference_object(dev);
	KUNIT_EXPECT_EQ(test, atomic_read(&slow.other), 0);
	tw_expect_silence(test);
}

/* VER-03, RLS-42: for a thread that does not end, in the unload */
static void for_a_thread(struct kunit *test)
{
	slow.line = "wdm: driver drv: waits for thread body to end";
	KUNIT_ASSERT_EQ(test, ps_create_system_thread(&dev->owner, "body", body, NULL, &thread), 0);
	tw_gate_wait(test, &gate);
	tw_thread_start(test, 0, tw_unload, drv);
	tw_wait_until(test, atomic_read(&slow.said) >= 2);
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	drv = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&slow.other), 0);
	tw_expect_silence(test);
}

/* VER-03: the twin: nothing is said of a wait that is short */
static void nothing_of_a_short_wait(struct kunit *test)
{
	char value[20];

	KUNIT_EXPECT_EQ(test, set_parameter("slow_unload_ms", "60000"), 0);
	KUNIT_EXPECT_EQ(test, get_parameter("slow_unload_ms", value, sizeof(value)), 0);
	KUNIT_EXPECT_STREQ(test, value, "60000\n");
	KUNIT_EXPECT_EQ(test, set_parameter("slow_unload_ms", "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), 0);
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	tw_thread_start(test, 0, tw_remove, dev);
	tw_wait_until(test, tw_driver_waits(drv));
	io_release_remove_lock(dev);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	ob_dereference_object(dev);
	KUNIT_EXPECT_EQ(test, atomic_read(&slow.other), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&slow.said), 0);
	tw_expect_silence(test);
}

static int slow_init(struct kunit *test)
{
	slow.line = NULL;
	atomic_set(&slow.said, 0);
	atomic_set(&slow.other, 0);
	tw_gate_init(&gate, false);
	KUNIT_ASSERT_EQ(test, set_parameter("slow_unload_ms", "50"), 0);
	return tw_init(test);
}

static void slow_exit(struct kunit *test)
{
	tw_gate_open(&gate);
	set_parameter("slow_unload_ms", "60000");
	tw_exit(test);
}

static int slow_suite_init(struct kunit_suite *suite)
{
	return register_trace_console(slow_line, NULL);
}

static void slow_suite_exit(struct kunit_suite *suite)
{
	unregister_trace_console(slow_line, NULL);
	tracepoint_synchronize_unregister();
}

static struct kunit_case slow_cases[] = {
	KUNIT_CASE(for_who_is_inside),
	KUNIT_CASE(for_a_thread),
	KUNIT_CASE(nothing_of_a_short_wait),
	{}
};

static struct kunit_suite slow_suite = {
	.name = "wdm_slow",
	.suite_init = slow_suite_init,
	.suite_exit = slow_suite_exit,
	.init = slow_init,
	.exit = slow_exit,
	.test_cases = slow_cases,
};

kunit_test_suite(slow_suite);

MODULE_DESCRIPTION("Tests of what is said of a long wait");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
