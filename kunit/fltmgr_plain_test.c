// SPDX-License-Identifier: GPL-2.0-only
/*
 * The usual way of an operation, by plain stores: that it is taken when nobody
 * looks through the volume, and never while somebody does; and that what is not
 * usual is found where it has changed to and fro. The protocol is in fast.h.
 */
#include <linux/module.h>

#include "testpair.h"

#define MANY	(FLT_INLINE_NODES + 3)

static struct tf c;
static struct tf many[MANY];
static char many_names[MANY][8], many_altitudes[MANY][8];
static atomic_t plains;

static int plain_init(struct kunit *test)
{
	pair_init(test);
	tf_init(&c, "C", "100");
	return 0;
}

static void plain_exit(struct kunit *test)
{
	int i;

	tf_race_disarm();
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	a.complete_in_start = true;
	b.complete_in_start = true;
	helpers_stop();
	tf_drop(&c);
	for (i = 0; i < MANY; i++)
		tf_drop(&many[i]);
	pair_exit(test);
}

static void count_plain(const char *name, const void *subject)
{
	if (!strcmp(name, "plain"))
		atomic_inc(&plains);
	tf_race_hook(name, subject);
}

static void count(void)
{
	atomic_set(&plains, 0);
	flt_race_set_hook(count_plain);
}

static void *detach_thread(void *arg)
{
	struct tf *tf = arg;

	return (void *)(long)flt_detach_volume(tf->filter, volume, NULL);
}

static void run(struct kunit *test)
{
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
}

static void three(struct kunit *test)
{
	pair_register(test);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	tf_log_clear();
}

/* Four moves; a claim and an end for each post-op, which the verifier looks at closely. */
static int usual(void)
{
	return flt_verifying() ? 4 : 10;
}

/* PRE-10, PST-01 */
static void the_usual_way_is_plain(struct kunit *test)
{
	three(test);
	count();
	run(test);
	tf_expect_log(test, "A> B> C> C< B< A<");
	KUNIT_EXPECT_EQ(test, atomic_read(&plains), usual());
}

/* TDN-13, TDN-33: from the grace period on, until what was to be found is found */
static void nothing_is_plain_during_a_scan(struct kunit *test)
{
	three(test);
	tf_race_arm("teardown_grace", NULL);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
	count();
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&plains), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.pres), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.posts), 1);
}

/* Likewise: an operation that is below when the scan is announced, and comes up then */
static void nor_on_the_way_up(struct kunit *test)
{
	three(test);
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	tf_race_arm("teardown_grace", NULL);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
	count();
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&plains), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts) + atomic_read(&b.drains), 1);
}

static void *detach_c(void *arg)
{
	return detach_thread(&c);
}

/* TDN-33: two teardowns, and the first is through with its scan */
static void the_end_of_one_scan_is_not_that_of_another(struct kunit *test)
{
	three(test);
	tf_race_arm_slot(0, "teardown_grace", tf_instance(&b, volume), -1, NULL, NULL);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_slot_reached(0));
	helper_start(test, 1, detach_c, NULL);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	count();
	run(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&plains), 0);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
}

/* ... and afterwards all is as it was: two moves, one post-op */
static void plain_again_after_a_scan(struct kunit *test)
{
	pair_register(test);
	KUNIT_ASSERT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	count();
	run(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&plains), flt_verifying() ? 2 : 4);
}

/* An operation that a filter holds over a scan: what the scan has left is seen. TDN-30 */
static void what_a_scan_has_left_is_seen(struct kunit *test)
{
	pair_register(test);
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	helper_start(test, 0, detach_thread, &b);
	tf_race_arm("teardown_scanned", NULL);
	tf_wait_until(test, tf_race_reached() || atomic_read(&b.starts));
	tf_race_go();
	tf_wait_until(test, READ_ONCE(volume->scans) == 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts) + atomic_read(&b.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
}

static struct flt_instance *watched;
static enum flt_instance_state state_then;

/* Where a store is about to be made: a teardown gets no further than its grace period. */
static void tear_down_meanwhile(void *arg)
{
	unsigned int ms;

	for (ms = 0; ms < 5000 && READ_ONCE(watched->state) < FLT_INSTANCE_GOING; ms++)
		mdelay(1);
	for (ms = 0; ms < 200 && READ_ONCE(watched->state) == FLT_INSTANCE_GOING; ms++)
		mdelay(1);
	state_then = READ_ONCE(watched->state);
}

static bool go_on;

static void *detach_when_told(void *arg)
{
	unsigned int ms;

	for (ms = 0; ms < 5000 && !READ_ONCE(go_on); ms++) {
		mdelay(1);
		cond_resched();
	}
	return detach_thread(arg);
}

static int nth;

/* The nth plain store, from 1. */
static void stop_at_nth(const char *name, const void *subject)
{
	if (strcmp(name, "plain") || atomic_inc_return(&plains) != nth)
		return;
	WRITE_ONCE(go_on, true);
	tear_down_meanwhile(NULL);
}

/* TDN-13: each plain store is within a read section that began before the scan */
static void a_scan_waits_for_every_plain_store(struct kunit *test)
{
	int stores = flt_verifying() ? 2 : 4;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	for (nth = 1; nth <= stores; nth++) {
		watched = tf_instance(&a, volume);
		kobject_get(&watched->kobj);
		state_then = FLT_INSTANCE_GONE;
		go_on = false;
		helper_start(test, 0, detach_when_told, &a);
		atomic_set(&plains, 0);
		flt_race_set_hook(stop_at_nth);
		flt_sim_start(op);
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
		flt_race_set_hook(NULL);
		KUNIT_EXPECT_EQ_MSG(test, state_then, FLT_INSTANCE_GOING, "store %d", nth);
		KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.posts) + atomic_read(&a.drains), nth);
		kobject_put(&watched->kobj);
		KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
		flt_sim_op_free(op);
		op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, op);
	}
}

static int attach_c_below(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, int status)
{
	if (!c.filter)
		WARN_ON(tf_register(&c));
	/* The stack that the walk came from is freed. */
	rcu_barrier();
	return status;
}

/* STK-01: what is published while a pre-operation runs is where the walk goes on */
static void a_new_stack_is_walked(struct kunit *test)
{
	pair_register(test);
	a.on_pre = attach_c_below;
	run(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.posts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
}

/* PND-02: the place in the stack is known to whoever goes on */
static void a_pended_operation_goes_on_below(struct kunit *test)
{
	three(test);
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.pres), 1);
	tf_log_clear();
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "C> C< B< A<");
}

/* DET-06: who has left an operation pended is not inside of it any more */
static void who_left_it_pended_waits(struct kunit *test)
{
	pair_register(test);
	b.pre_status = FLT_PREOP_PENDING;
	b.complete_in_start = true;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.pres), 1);
	KUNIT_EXPECT_PTR_EQ(test, op->operation.runner, NULL);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	tf_expect_ended(test, op, 0);
}

/* PRE-18: a node that somebody waits for, below others that nobody waits for, used before */
static void synchronised_below_the_usual(struct kunit *test)
{
	int i;

	three(test);
	/* What was in the nodes before is in the fields that nobody has set. */
	for (i = 0; i < FLT_INLINE_NODES; i++)
		memset(&op->operation.nodes[i], 0x5a, sizeof(op->operation.nodes[i]));
	c.pre_status = FLT_PREOP_SYNCHRONIZE;
	run(test);
	tf_expect_log(test, "A> B> C> C< B< A<");
	KUNIT_EXPECT_PTR_EQ(test, c.post_task, current);
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, current);
}

/* PST-01, INV-01: more filters than there are nodes in an operation */
static void more_filters_than_nodes(struct kunit *test)
{
	int i, round;

	for (i = 0; i < MANY; i++) {
		snprintf(many_names[i], sizeof(many_names[i]), "M%d", i);
		snprintf(many_altitudes[i], sizeof(many_altitudes[i]), "%d", 1000 - i);
		tf_init(&many[i], many_names[i], many_altitudes[i]);
		KUNIT_ASSERT_EQ(test, tf_register(&many[i]), 0);
	}
	for (round = 1; round <= 2; round++) {
		flt_sim_set_hold(sim, true);
		flt_sim_start(op);
		KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
		flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
		tf_expect_ended(test, op, 0);
		for (i = 0; i < MANY; i++) {
			KUNIT_EXPECT_EQ(test, atomic_read(&many[i].pres), round);
			KUNIT_EXPECT_EQ(test, atomic_read(&many[i].posts), round);
			KUNIT_EXPECT_PTR_EQ(test, many[i].seen_context, &many[i]);
		}
		flt_sim_op_free(op);
		op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, op);
	}
}

/* PST-12: only a post-operation, between others */
static void post_only_among_others(struct kunit *test)
{
	tf_without_pre(&b);
	three(test);
	run(test);
	tf_expect_log(test, "A> C> C< B< A<");
}

static struct gate gate;
static struct task_struct *runner_then;

static int held_in_pre(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

static int note_runner(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, u32 flags, int status)
{
	runner_then = op->operation.runner;
	return status;
}

static void *start_op(void *arg)
{
	flt_sim_start(op);
	return NULL;
}

/* B is detached while the operation is held in its pre-operation; then that goes on. */
static void detach_in_pre(struct kunit *test)
{
	gate_init(&gate);
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, atomic_read(&b.starts) && READ_ONCE(volume->scans) == 0);
	gate_open(&gate);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_ended(test, op, 0);
}

/* DRN-03: a post-operation that the mover drains may wait for another teardown */
static void who_drains_is_not_in_the_operation(struct kunit *test)
{
	pair_register(test);
	b.on_pre = held_in_pre;
	b.on_post = note_runner;
	runner_then = current;
	detach_in_pre(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	KUNIT_EXPECT_PTR_EQ(test, runner_then, NULL);
}

static int completes_and_goes_on(struct tf *tf, struct flt_callback_data *data,
				 const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

/* PND-01: said once, whether the usual way notices, or the mover of a watched operation */
static void completed_and_not_pended(struct kunit *test)
{
	unsigned int before;

	pair_register(test);
	b.on_pre = completes_and_goes_on;
	before = flt_violation_count();
	detach_in_pre(test);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains) + atomic_read(&b.posts), 1);
}

/* The same with no teardown about */
static void completed_and_not_pended_at_once(struct kunit *test)
{
	unsigned int before;

	pair_register(test);
	gate_init(&gate);
	gate_open(&gate);
	b.on_pre = completes_and_goes_on;
	before = flt_violation_count();
	run(test);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
}

static struct kunit_case plain_cases[] = {
	KUNIT_CASE(the_usual_way_is_plain),
	KUNIT_CASE(nothing_is_plain_during_a_scan),
	KUNIT_CASE(nor_on_the_way_up),
	KUNIT_CASE(the_end_of_one_scan_is_not_that_of_another),
	KUNIT_CASE(plain_again_after_a_scan),
	KUNIT_CASE(what_a_scan_has_left_is_seen),
	KUNIT_CASE(a_scan_waits_for_every_plain_store),
	KUNIT_CASE(a_new_stack_is_walked),
	KUNIT_CASE(a_pended_operation_goes_on_below),
	KUNIT_CASE(who_left_it_pended_waits),
	KUNIT_CASE(synchronised_below_the_usual),
	KUNIT_CASE(more_filters_than_nodes),
	KUNIT_CASE(post_only_among_others),
	KUNIT_CASE(who_drains_is_not_in_the_operation),
	KUNIT_CASE(completed_and_not_pended),
	KUNIT_CASE(completed_and_not_pended_at_once),
	{}
};

static struct kunit_suite plain_suite = {
	.name = "fltmgr_plain",
	.init = plain_init,
	.exit = plain_exit,
	.test_cases = plain_cases,
};

kunit_test_suite(plain_suite);

MODULE_DESCRIPTION("Tests of the filter manager: the usual way of an operation");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
