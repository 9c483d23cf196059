// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching while something else happens: a second offer, the end of the
 * filter or of the volume, lack of memory.
 */
#include <linux/module.h>

#include "testfault.h"
#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b;
static struct gate gate, start;

static int attach_race_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "300");
	a.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
	tf_init(&b, "B", "200");
	gate_init(&gate);
	gate_init(&start);
	tf_log_clear();
	return 0;
}

static void attach_race_exit(struct kunit *test)
{
	gate_open(&gate);
	gate_open(&start);
	tf_race_disarm();
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	if (sim)
		flt_sim_destroy(sim);
}

static void *attach_a(void *arg)
{
	return (void *)(long)flt_attach_volume(a.filter, volume, NULL, NULL);
}

static void *start_a(void *arg)
{
	return (void *)(long)flt_start_filtering(a.filter);
}

static void *unregister_a(void *arg)
{
	flt_unregister_filter(a.filter);
	return NULL;
}

static void *dismount(void *arg)
{
	flt_sim_dismount(sim);
	return NULL;
}

static int wait_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

static u32 start_reason, complete_reason;

static void note_start(struct tf *tf, const struct flt_related_objects *objs)
{
	start_reason = tf->reason;
}

static void note_complete(struct tf *tf, const struct flt_related_objects *objs)
{
	complete_reason = tf->reason;
}

static void expect_one_teardown(struct kunit *test, u32 reason)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_EQ(test, start_reason, reason);
	KUNIT_EXPECT_EQ(test, complete_reason, reason);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
}

/* Setup has agreed, and the thread that attaches is held before it goes on. */
static void park_behind_setup(struct kunit *test)
{
	a.on_start = note_start;
	a.on_complete = note_complete;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_race_arm("setup_returned", NULL);
	helper_start(test, 0, attach_a, NULL);
	tf_wait_until(test, tf_race_reached());
}

/* ATT-05, ATT-13, TDN-45, URG-01 */
static void filter_goes_behind_setup(struct kunit *test)
{
	park_behind_setup(test);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	/* It waits for what is being set up, and lets nothing new in. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "1", "x", NULL),
			STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DELETING_OBJECT);
	helper_join(test, 1);
	a.filter = NULL;
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR);
	KUNIT_EXPECT_TRUE(test, list_empty(&volume->instances));
}

/* Its directory was there for a moment, and user space was told neither that it came nor went. */
static void nobody_hears_of_a_failed_attach(struct kunit *test)
{
	struct flt_instance *inst;

	park_behind_setup(test);
	inst = tf_instance(&a, volume);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	kobject_get(&inst->kobj);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DELETING_OBJECT);
	helper_join(test, 1);
	a.filter = NULL;
	KUNIT_EXPECT_FALSE(test, inst->kobj.state_add_uevent_sent);
	KUNIT_EXPECT_FALSE(test, inst->kobj.state_remove_uevent_sent);
	kobject_put(&inst->kobj);
	/* One that was in service is told of, twice. */
	a.on_start = NULL;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, &inst), 0);
	kobject_get(&inst->kobj);
	flt_object_dereference(inst);
	KUNIT_EXPECT_TRUE(test, inst->kobj.state_add_uevent_sent);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_TRUE(test, inst->kobj.state_remove_uevent_sent);
	kobject_put(&inst->kobj);
}

/* DET-02 */
static void not_there_before_it_is_set_up(struct kunit *test)
{
	a.on_setup = wait_in_setup;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, attach_a, NULL);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL),
			STATUS_FLT_INSTANCE_NOT_FOUND);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 1);
}

/* ATT-05, TDN-43 */
static void volume_goes_behind_setup(struct kunit *test)
{
	park_behind_setup(test);
	helper_start(test, 1, dismount, NULL);
	tf_wait_until(test, queue_waited_for(&volume->wait));
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "1", "x", NULL),
			STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DELETING_OBJECT);
	helper_join(test, 1);
	expect_one_teardown(test, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
}

/* TDN-06, TDN-18, ATT-13 */
static void both_go_behind_setup(struct kunit *test)
{
	park_behind_setup(test);
	helper_start(test, 1, dismount, NULL);
	tf_wait_until(test, queue_waited_for(&volume->wait));
	helper_start(test, 2, unregister_a, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DELETING_OBJECT);
	helper_join(test, 1);
	helper_join(test, 2);
	a.filter = NULL;
	/* One reason of the two, the same at both ends. */
	expect_one_teardown(test, start_reason);
	KUNIT_EXPECT_EQ(test, hweight32(start_reason), 1);
}

/* ATT-12, TDN-18 */
static void filter_goes_and_setup_refuses(struct kunit *test)
{
	a.setup_status = STATUS_FLT_DO_NOT_ATTACH;
	park_behind_setup(test);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DO_NOT_ATTACH);
	helper_join(test, 1);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts) + atomic_read(&a.completes), 0);
}

/* ATT-05, ALT-06, INS-07 */
static void reserved_while_setup_runs(struct kunit *test)
{
	a.on_setup = wait_in_setup;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	helper_start(test, 0, attach_a, NULL);
	gate_wait(test, &gate);
	/* Others are told at once, and are not asked. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL),
			STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(b.filter, volume, "300.0", "x", NULL),
			STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(b.filter, volume, "7", "A", NULL),
			STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.setups), 1);
	/* It is not in service before its setup has agreed. */
	tf_log_clear();
	tf_io(test, sim, FLT_CLASS_READ);
	tf_expect_log(test, "B> B<");
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_log_clear();
	tf_io(test, sim, FLT_CLASS_READ);
	tf_expect_log(test, "A> B> B< A<");
}

/* ATT-10 */
static void others_attach_while_setup_runs(struct kunit *test)
{
	/* Nothing of the manager is held meanwhile. */
	a.on_setup = wait_in_setup;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, attach_a, NULL);
	gate_wait(test, &gate);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&b, volume));
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	tf_unregister(&b);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
}

static void offer_and_wait(void)
{
	flt_sim_offer(sim);
	flush_work(&volume->offer_work);
}

/* STA-06, ATT-09 */
static void offered_twice_is_set_up_once(struct kunit *test)
{
	a.defs[0].flags = 0;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, a.setup_flags, FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT);
	/* It was there when the filter started; now it is offered as a new one. */
	offer_and_wait();
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_EQ(test, a.setup_flags, FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&volume->instances));
}

/* STA-06, ATT-09 */
static void offered_while_it_starts(struct kunit *test)
{
	a.defs[0].flags = 0;
	a.on_setup = wait_in_setup;
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	helper_start(test, 0, start_a, NULL);
	gate_wait(test, &gate);
	offer_and_wait();
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&volume->instances));
}

/* ATT-08, ATT-09 */
static void refused_at_start_is_asked_once(struct kunit *test)
{
	a.defs[0].flags = 0;
	a.setup_status = STATUS_FLT_DO_NOT_ATTACH;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&volume->instances));
	a.setup_status = 0;
	offer_and_wait();
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_NULL(test, tf_instance(&a, volume));
}

static void expect_attach_failed(struct kunit *test, unsigned int n, int rc, int setups)
{
	bool was_set_up = atomic_read(&a.setups) != setups;

	KUNIT_EXPECT_EQ_MSG(test, rc, STATUS_INSUFFICIENT_RESOURCES, "%u", n);
	KUNIT_EXPECT_TRUE(test, list_empty(&volume->instances));
	KUNIT_EXPECT_FALSE(test, flt_volume_filtered(volume, FLT_CLASS_READ));
	/* A teardown for what was set up, and for nothing else. */
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&a.starts), was_set_up, "%u", n);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&a.completes), was_set_up, "%u", n);
	if (was_set_up) {
		KUNIT_EXPECT_EQ(test, start_reason, FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR);
		KUNIT_EXPECT_EQ(test, complete_reason, FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 0);
}

/* ATT-05, ATT-13, TDN-01, TDN-18, TDN-45 */
static void out_of_memory(struct kunit *test)
{
	unsigned int n, before_setup = 0, after_setup = 0;
	int rc = -1;

	if (fault_init())
		kunit_skip(test, "allocations cannot be made to fail");
	a.on_start = note_start;
	a.on_complete = note_complete;
	KUNIT_EXPECT_EQ(test, tf_register(&a), 0);
	for (n = 1; a.filter && n < FAULT_MAX; n++) {
		int setups = atomic_read(&a.setups);

		atomic_set(&a.starts, 0);
		atomic_set(&a.completes, 0);
		atomic_set(&a.queries, 0);
		fault_arm(n);
		rc = flt_attach_volume(a.filter, volume, NULL, NULL);
		if (!fault_disarm())
			break;
		if (rc) {
			expect_attach_failed(test, n, rc, setups);
			if (atomic_read(&a.setups) == setups)
				before_setup++;
			else
				after_setup++;
			continue;
		}
		/* It could do without: nobody will hear of it by uevent. */
		tf_io(test, sim, FLT_CLASS_READ);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
		atomic_set(&a.posts, 0);
		KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	}
	fault_exit();
	KUNIT_EXPECT_EQ(test, rc, 0);
	KUNIT_EXPECT_GT(test, before_setup, 2);
	KUNIT_EXPECT_GT(test, after_setup, 2);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&volume->instances));
}

/* The longest of all names and a long altitude: no buffer is too small for them. */
static void longest_of_all(struct kunit *test)
{
	char *name = kunit_kzalloc(test, FLT_NAME_MAX + 1, GFP_KERNEL);
	char *altitude = kunit_kzalloc(test, FLT_NAME_MAX + 1, GFP_KERNEL);
	struct flt_sim *long_sim;
	struct flt_volume *long_volume;

	KUNIT_ASSERT_NOT_NULL(test, name);
	KUNIT_ASSERT_NOT_NULL(test, altitude);
	memset(altitude, '3', FLT_NAME_MAX);
	memset(name, 'v', FLT_NAME_MAX - 2);
	long_sim = flt_sim_create_unoffered(name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, long_sim);
	long_volume = flt_sim_volume(long_sim);
	memset(name, 'f', FLT_NAME_MAX);
	a.reg.name = name;
	KUNIT_EXPECT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, long_volume, altitude, "i",
							    NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, long_volume, "1", "ii",
							    NULL), -ENAMETOOLONG);
	tf_io(test, long_sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, long_volume, NULL), 0);
	tf_unregister(&a);
	flt_sim_destroy(long_sim);
}

static void *attach_when_told(void *arg)
{
	gate_pass(&start);
	return attach_a(NULL);
}

/* INV-20, ATT-05, TDN-18 */
static void four_attach_and_the_filter_goes(struct kunit *test)
{
	int round, n;

	for (round = 0; round < 10; round++) {
		int won = 0;

		gate_init(&start);
		tf_init(&a, "A", "300");
		a.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
		KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
		/* Keeps its memory for those who are late. */
		kobject_get(&a.filter->kobj);
		for (n = 0; n < NR_HELPERS; n++)
			helper_start(test, n, attach_when_told, NULL);
		tf_wait_until(test, atomic_read(&start.passes) == NR_HELPERS);
		gate_open(&start);
		flt_unregister_filter(a.filter);
		for (n = 0; n < NR_HELPERS; n++) {
			long rc = helper_join(test, n);

			won += !rc;
			KUNIT_EXPECT_TRUE_MSG(test, !rc || rc == STATUS_FLT_DELETING_OBJECT ||
					      rc == STATUS_FLT_INSTANCE_NAME_COLLISION, "%ld", rc);
		}
		kobject_put(&a.filter->kobj);
		a.filter = NULL;
		KUNIT_EXPECT_LE(test, won, 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), atomic_read(&a.starts));
		KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), atomic_read(&a.completes));
		KUNIT_EXPECT_TRUE(test, list_empty(&volume->instances));
	}
}

static void *attach_killably(void *arg)
{
	void *rc;

	allow_signal(SIGKILL);
	rc = attach_a(NULL);
	disallow_signal(SIGKILL);
	flush_signals(current);
	return rc;
}

static void *detach_a(void *arg)
{
	return (void *)(long)flt_detach_volume(a.filter, volume, NULL);
}

/* For the name of one that has ended it waits, and may be killed. */
static void killed_while_it_waits_for_the_name(struct kunit *test)
{
	struct flt_instance *inst;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, (long)attach_a(NULL), 0);
	inst = tf_instance(&a, volume);
	tf_race_arm("teardown_completed", inst);
	helper_start(test, 1, detach_a, NULL);
	tf_wait_until(test, tf_race_reached());
	/* Who detaches waits for the same. */
	helper_start(test, 0, attach_killably, NULL);
	tf_wait_until(test, left_on(&inst->unlinked.wait.task_list) == 2);
	send_sig(SIGKILL, helpers[0].task, 1);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_THREAD_IS_TERMINATING);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	/* The next one gets it. */
	helper_start(test, 0, attach_a, NULL);
	tf_wait_until(test, left_on(&inst->unlinked.wait.task_list) == 2);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 2);
}

static struct kunit_case attach_race_cases[] = {
	KUNIT_CASE(filter_goes_behind_setup),
	KUNIT_CASE(nobody_hears_of_a_failed_attach),
	KUNIT_CASE(not_there_before_it_is_set_up),
	KUNIT_CASE(volume_goes_behind_setup),
	KUNIT_CASE(both_go_behind_setup),
	KUNIT_CASE(filter_goes_and_setup_refuses),
	KUNIT_CASE(reserved_while_setup_runs),
	KUNIT_CASE(others_attach_while_setup_runs),
	KUNIT_CASE(offered_twice_is_set_up_once),
	KUNIT_CASE(offered_while_it_starts),
	KUNIT_CASE(refused_at_start_is_asked_once),
	KUNIT_CASE(out_of_memory),
	KUNIT_CASE(longest_of_all),
	KUNIT_CASE(killed_while_it_waits_for_the_name),
	KUNIT_CASE(four_attach_and_the_filter_goes),
	{}
};

static struct kunit_suite attach_race_suite = {
	.name = "fltmgr_attach_race",
	.init = attach_race_init,
	.exit = attach_race_exit,
	.test_cases = attach_race_cases,
};

kunit_test_suite(attach_race_suite);

MODULE_DESCRIPTION("Tests of attaching while something else happens");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
