// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O of a filter's own while instances go: its own, and lower ones.
 */
#include <linux/fs.h>
#include <linux/module.h>

#include "testown.h"

static bool file_says(const char *path, const char *what)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	char text[16] = "";

	if (IS_ERR(file))
		return false;
	if (kernel_read(file, text, sizeof(text) - 1, &(loff_t){ 0 }) < 0)
		text[0] = 0;
	filp_close(file, NULL);
	return sysfs_streq(text, what);
}

/* TDN-20, FIO-22, INV-07: whatever context it ends in */
static void detach_waits_for_it(struct kunit *test, enum flt_sim_context where)
{
	told.free = true;
	own_held(test);
	KUNIT_EXPECT_TRUE(test, file_says("/sys/kernel/fltmgr/filters/B/instances/vol.B/inflight",
					  "1"));
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, own_waited_for(1));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_EQ(test, flt_sim_release_all(sim, where, 0), 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_told(test, 0);
	tf_expect_log(test, "C> Bq B[ C< B. B]");
}

/* TDN-20, FIO-22, INV-07, INV-16 */
static void detach_waits_and_a_thread_ends_it(struct kunit *test)
{
	detach_waits_for_it(test, FLT_SIM_PROCESS);
}

/* TDN-20, FIO-22, INV-07, INV-16 */
static void detach_waits_and_a_softirq_ends_it(struct kunit *test)
{
	detach_waits_for_it(test, FLT_SIM_SOFTIRQ);
}

/* TDN-20, FIO-22, INV-07, INV-16 */
static void detach_waits_and_a_hardirq_ends_it(struct kunit *test)
{
	detach_waits_for_it(test, FLT_SIM_HARDIRQ);
}

/* TDN-20, FIO-22, INV-07: likewise for one that a thread waits for */
static void detach_waits_for_a_synchronous_one(struct kunit *test)
{
	flt_sim_set_hold(sim, true);
	helper_start(test, 0, sync_thread, NULL);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, own_waited_for(1));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	flt_sim_release_all(sim, FLT_SIM_HARDIRQ, STATUS_IO_DEVICE_ERROR);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_IO_DEVICE_ERROR);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_log(test, "C> Bq B[ C< B]");
	own_free();
}

static void *unregister_thread(void *arg)
{
	tf_unregister(arg);
	return NULL;
}

/* TDN-23, FIO-22: the filter stays, too */
static void unload_waits_for_it(struct kunit *test)
{
	told.free = true;
	own_held(test);
	helper_start(test, 0, unregister_thread, &b);
	tf_wait_until(test, own_waited_for(1));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_EQ(test, flt_sim_release_all(sim, FLT_SIM_WORKER, 0), 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_told(test, 0);
	tf_expect_log(test, "C> B[ C< B. B]");
}

static void *dismount_thread(void *arg)
{
	flt_sim_dismount(sim);
	return NULL;
}

/* FIO-22, FIO-24: a dismount takes the filters below it, and waits for it */
static void dismount_waits_for_it(struct kunit *test)
{
	told.free = true;
	own_held(test);
	helper_start(test, 0, dismount_thread, NULL);
	tf_wait_until(test, own_waited_for(1) && atomic_read(&c.completes));
	KUNIT_EXPECT_EQ(test, atomic_read(&c.drains), 1);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_EQ(test, flt_sim_release_all(sim, FLT_SIM_WORKER, 0), 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_told(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.posts), 0);
}

static void start_performs(struct tf *tf, const struct flt_related_objects *objs)
{
	struct flt_callback_data *none;
	struct kunit *test = tf->context;

	KUNIT_EXPECT_EQ(test, own_async(), STATUS_FLT_DELETING_OBJECT);
	expect_told(test, STATUS_FLT_DELETING_OBJECT);
	flt_reuse_callback_data(data);
	own_fill(data);
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_allocate_callback_data(objs->instance, NULL, &none),
			STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_NULL(test, none);
}

/* FIO-04, FIO-23, FIO-13, INV-16: nothing is begun by who is going */
static void nothing_is_begun_in_teardown_start(struct kunit *test)
{
	b.context = test;
	b.on_start = start_performs;
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	tf_expect_log(test, "Bq B[ B. B]");
	own_free();
}

/* FIO-23, FIO-13, INV-16: nor afterwards, by who has it still */
static void nothing_is_begun_after_teardown(struct kunit *test)
{
	told.free = true;
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_FLT_DELETING_OBJECT);
	expect_told(test, STATUS_FLT_DELETING_OBJECT);
	tf_expect_log(test, "Bq B[ B] B.");
}

/* FIO-23, INV-07, INV-16: begun just before the mark, it is waited for */
static void starting_wins_against_a_detach(struct kunit *test)
{
	tf_race_arm("own_held", issuer);
	helper_start(test, 0, async_thread, NULL);
	tf_wait_until(test, tf_race_reached());
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, own_waited_for(1));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	expect_told(test, 0);
	tf_expect_log(test, "Bq B[ C> C< B. B]");
	own_free();
}

/* FIO-23, INV-07, INV-16: and just after it, it is refused */
static void a_detach_wins_against_starting(struct kunit *test)
{
	tf_race_arm("own_start", issuer);
	helper_start(test, 0, async_thread, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DELETING_OBJECT);
	expect_told(test, STATUS_FLT_DELETING_OBJECT);
	tf_expect_log(test, "Bq B[ B] B.");
	own_free();
}

/* FIO-22, FIO-14, INV-07: until the routine has returned, though it has freed it */
static void detach_waits_for_the_routine(struct kunit *test)
{
	told.free = true;
	own_held(test);
	tf_race_arm("own_told", issuer);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_NULL(test, data);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, own_waited_for(1));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_told(test, 0);
}

static long detach_rc;

static void detach_oneself(struct flt_callback_data *cbd)
{
	detach_rc = flt_detach_volume(b.filter, volume, NULL);
}

/* INV-18, INV-16: detached from inside the routine */
static void the_routine_detaches(struct kunit *test)
{
	detach_rc = 0;
	told.act = detach_oneself;
	told.free = true;
	own_held(test);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	expect_told(test, 0);
	KUNIT_EXPECT_EQ(test, detach_rc, STATUS_PENDING);
	tf_wait_until(test, atomic_read(&b.completes) == 1);
}

static int detach_upper(struct tf *tf, struct flt_callback_data *cbd,
			const struct flt_related_objects *objs, int status)
{
	detach_rc = flt_detach_volume(b.filter, volume, NULL);
	return status;
}

/* INV-18, FIO-22: by a lower filter, in the thread that waits for it */
static void a_lower_filter_detaches_the_issuer(struct kunit *test)
{
	detach_rc = 0;
	c.on_pre = detach_upper;
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, detach_rc, STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
	tf_wait_until(test, atomic_read(&b.completes) == 1);
	own_free();
}

/* FIO-24, DRN-09, DRN-10: below it, a filter is drained at once */
static void a_lower_filter_is_drained(struct kunit *test)
{
	own_held(test);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	tf_expect_log(test, "C> Cq C[ C! C]");
	KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 0);
	flt_sim_release_all(sim, FLT_SIM_SOFTIRQ, 0);
	expect_told(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.posts), 0);
}

/* FIO-24: what it has pended it completes, and the issuer's routine is called */
static void a_lower_filter_goes_with_it_pended(struct kunit *test)
{
	c.pre_status = FLT_PREOP_PENDING;
	c.complete_in_start = true;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	expect_told(test, 0);
	tf_expect_log(test, "C> Cq C[ B. C]");
}

/* FIO-24, FIO-01: one that has gone in between is passed by */
static void a_lower_filter_goes_before_it_comes(struct kunit *test)
{
	tf_race_arm("own_held", issuer);
	helper_start(test, 0, async_thread, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_told(test, 0);
	tf_expect_log(test, "Cq C[ C] B.");
}

/* CAN-06: cancelled before it has come to any filter */
static void cancelled_before_it_is_pended(struct kunit *test)
{
	c.on_pre = c_arms;
	tf_race_arm("own_held", issuer);
	helper_start(test, 0, async_thread, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_FALSE(test, flt_cancel_io(data));
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_IO_COMPLETE);
	expect_told(test, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, arm_rc, STATUS_CANCELLED);
	tf_expect_log(test, "C> B.");
}

static void cancel_action(void *arg)
{
	*(int *)arg = flt_cancel_io(data);
}

/* CAN-05: C sets its routine, and the cancel comes at the same time */
static void cancelled_while_it_is_pended(struct kunit *test)
{
	int rc = -1;

	c.on_pre = c_arms;
	tf_race_arm_action("cancel_armed", cancel_action, &rc);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_FLT_IO_COMPLETE);
	expect_told(test, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, rc, 1);
	KUNIT_EXPECT_EQ(test, arm_rc, 0);
	tf_expect_log(test, "C> Cx B.");
}

/* CAN-05: where one may not sleep, and interrupts stay off */
static void cancelled_with_interrupts_off(struct kunit *test)
{
	bool told_one, still_off;

	c.on_pre = c_arms;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	local_irq_disable();
	told_one = flt_cancel_io(data);
	still_off = irqs_disabled();
	local_irq_enable();
	KUNIT_EXPECT_TRUE(test, told_one);
	KUNIT_EXPECT_TRUE(test, still_off);
	expect_told(test, STATUS_CANCELLED);
	tf_expect_log(test, "C> Cx B.");
}

static void start_cancels(struct tf *tf, const struct flt_related_objects *objs)
{
	struct kunit *test = tf->context;

	KUNIT_EXPECT_TRUE(test, flt_cancel_io(data));
}

/* TDN-31, CAN-05, TDN-20: so that a teardown need not wait */
static void teardown_start_cancels_it(struct kunit *test)
{
	c.on_pre = c_arms;
	b.context = test;
	b.on_start = start_cancels;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	expect_told(test, STATUS_CANCELLED);
	tf_expect_log(test, "C> Bq B[ Cx B. B]");
	own_free();
}

static int setup_performs(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	struct kunit *test = tf->context;

	own_free();
	KUNIT_EXPECT_EQ(test, flt_allocate_callback_data(objs->instance, NULL, &data), 0);
	own_fill(data);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	return status;
}

/* FIO-22, TDN-23: begun in a setup that refuses then: the filter is kept all the same */
static void a_refused_setup_has_it(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	told.free = true;
	flt_sim_set_hold(sim, true);
	b.context = test;
	b.setup_status = STATUS_FLT_DO_NOT_ATTACH;
	b.on_setup = setup_performs;
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL),
			STATUS_FLT_DO_NOT_ATTACH);
	helper_start(test, 0, unregister_thread, &b);
	tf_wait_until(test, READ_ONCE(b.filter->state) == FLT_FILTER_GOING);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_release_all(sim, FLT_SIM_HARDIRQ, 0), 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_told(test, 0);
}

static struct kunit_case own_io_race_cases[] = {
	KUNIT_CASE(detach_waits_and_a_thread_ends_it),
	KUNIT_CASE(detach_waits_and_a_softirq_ends_it),
	KUNIT_CASE(detach_waits_and_a_hardirq_ends_it),
	KUNIT_CASE(detach_waits_for_a_synchronous_one),
	KUNIT_CASE(unload_waits_for_it),
	KUNIT_CASE(dismount_waits_for_it),
	KUNIT_CASE(nothing_is_begun_in_teardown_start),
	KUNIT_CASE(nothing_is_begun_after_teardown),
	KUNIT_CASE(starting_wins_against_a_detach),
	KUNIT_CASE(a_detach_wins_against_starting),
	KUNIT_CASE(detach_waits_for_the_routine),
	KUNIT_CASE(the_routine_detaches),
	KUNIT_CASE(a_lower_filter_detaches_the_issuer),
	KUNIT_CASE(a_lower_filter_is_drained),
	KUNIT_CASE(a_lower_filter_goes_with_it_pended),
	KUNIT_CASE(a_lower_filter_goes_before_it_comes),
	KUNIT_CASE(cancelled_before_it_is_pended),
	KUNIT_CASE(cancelled_while_it_is_pended),
	KUNIT_CASE(cancelled_with_interrupts_off),
	KUNIT_CASE(teardown_start_cancels_it),
	KUNIT_CASE(a_refused_setup_has_it),
	{}
};

static struct kunit_suite own_io_race_suite = {
	.name = "fltmgr_own_io_race",
	.init = own_test_init,
	.exit = own_test_exit,
	.test_cases = own_io_race_cases,
};

kunit_test_suite(own_io_race_suite);

MODULE_DESCRIPTION("Tests of filters' own I/O while instances go");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
