// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes that need a particular moment to show: each case holds one open, or
 * meets one, that the cases about the rule itself pass by. Most were found
 * missing by scripts/mutate.
 */
#include <linux/module.h>

#include "testgate.h"

#define MAX_MS	5000	/* longest that a race point spins */

static struct flt_sim *sim;
static struct flt_sim_op *op;
static struct flt_volume *volume;
static struct tf a, b, c;
static struct gate callback;
static bool go_on;

static int mutants_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 8192, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	gate_init(&callback);
	go_on = false;
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	tf_log_clear();
	return 0;
}

static void complete_posts(struct tf *tf)
{
	struct flt_callback_data *data;

	while (tf->post_status == FLT_POSTOP_MORE_PROCESSING_REQUIRED && (data = tf_take(tf)))
		flt_complete_pended_postoperation(data);
}

static void mutants_exit(struct kunit *test)
{
	struct tf *all[] = { &a, &b, &c };
	int i;

	set_cpus_allowed_ptr(current, cpu_possible_mask);
	tf_race_disarm();
	WRITE_ONCE(go_on, true);
	gate_open(&callback);
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		complete_posts(all[i]);
		all[i]->complete_in_start = true;
	}
	helpers_stop();
	for (i = 0; i < ARRAY_SIZE(all); i++)
		tf_drop(all[i]);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

static void hold_at_device(struct kunit *test)
{
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
}

static int detach(struct tf *tf)
{
	return flt_detach_volume(tf->filter, volume, NULL);
}

static void *detach_thread(void *arg)
{
	return (void *)(long)detach(arg);
}

static void *start_op(void *arg)
{
	flt_sim_start(op);
	return NULL;
}

static void *resume_b_without_callback(void *arg)
{
	return (void *)(long)tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
}

static unsigned long word_of(struct flt_sim_op *of)
{
	return atomic_long_read(&of->operation.word);
}

/* Wait without a timer: what is waited for may keep jiffies from being counted. */
#define spin_until(condition) do {						\
	unsigned int __left = MAX_MS;						\
	while (!(condition) && --__left) {					\
		mdelay(1);							\
		cond_resched();							\
	}									\
} while (0)

/* The same where nothing else can run on this CPU. */
#define spin_in_point_until(condition) do {					\
	unsigned int __left = MAX_MS;						\
	while (!(condition) && --__left)					\
		mdelay(1);							\
} while (0)

static atomic_t released;

/* There is one for each CPU, since one of these spins in the point. */
static void *release_from_cpu(void *arg)
{
	set_cpus_allowed_ptr(current, cpumask_of((long)arg));
	spin_until(READ_ONCE(go_on));
	if (!atomic_xchg(&released, 1))
		flt_sim_release(op, FLT_SIM_PROCESS, 0);
	return NULL;
}

static void let_the_walk_win(void *arg)
{
	WRITE_ONCE(go_on, true);
	spin_in_point_until(atomic_read(&b.posts));
}

/* DRN-09, DRN-11, INV-01: the drain has seen the post-op owed, the walk up is first */
static void lost_at_the_claim(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	tf_unregister(&a);
	tf_unregister(&c);
	hold_at_device(test);
	atomic_set(&released, 0);
	helper_start(test, 0, release_from_cpu, (void *)0L);
	helper_start(test, 1, release_from_cpu, (void *)1L);
	tf_race_arm_action("drain_claim", let_the_walk_win, NULL);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_TRUE(test, tf_race_reached());
	helper_join(test, 0);
	helper_join(test, 1);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
}

static void let_the_scan_win(void *arg)
{
	tf_race_slot_go(0);
	spin_in_point_until(atomic_read(&b.drains));
}

/* TDN-33, DRN-09: the scan finds what the mover has just made before the mover does */
static void scanned_before_it_moves(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	tf_race_arm("teardown_grace", NULL);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_race_reached());
	tf_race_arm_slot(1, "move_on", &op->operation, -1, let_the_scan_win, NULL);
	tf_log_clear();
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.posts), 1);
}

static struct flt_instance *marked;
static enum flt_instance_state seen_at_the_point;

static void *tear_a_down(void *unregister)
{
	spin_until(READ_ONCE(go_on));
	if (!unregister)
		return detach_thread(&a);
	tf_unregister(&a);
	return NULL;
}

/* The walk has found A in service, and stands nowhere yet. */
static void mark_meanwhile(void *arg)
{
	unsigned int ms;

	WRITE_ONCE(go_on, true);
	spin_in_point_until(READ_ONCE(marked->state) >= FLT_INSTANCE_GOING);
	for (ms = 0; ms < 200 && READ_ONCE(marked->state) == FLT_INSTANCE_GOING; ms++)
		mdelay(1);
	seen_at_the_point = READ_ONCE(marked->state);
}

static void misses_the_mark(struct kunit *test, void *unregister)
{
	marked = tf_instance(&a, volume);
	helper_start(test, 0, tear_a_down, unregister);
	tf_race_arm_action("move_on", mark_meanwhile, NULL);
	flt_sim_start(op);
	/* Nothing has begun before the walk was where the teardown looks. */
	KUNIT_EXPECT_EQ(test, seen_at_the_point, FLT_INSTANCE_GOING);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts) + atomic_read(&a.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
}

/* TDN-13, INV-03, INV-04 */
static void a_walk_that_misses_a_detach_is_found(struct kunit *test)
{
	misses_the_mark(test, NULL);
}

/* TDN-13, INV-03, INV-04 */
static void a_walk_that_misses_an_unregistration_is_found(struct kunit *test)
{
	misses_the_mark(test, &a);
}

static int pass_the_gate(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	gate_pass(&callback);
	return status;
}

/* TDN-20, INV-07: watched while its pre-op runs, then pended */
static void pended_while_it_is_watched(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = pass_the_gate;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &callback);
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, word_of(op) & FLT_OP_WATCHED);
	gate_open(&callback);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, flt_word_state(word_of(op)), FLT_OP_PENDED);
	KUNIT_EXPECT_TRUE(test, word_of(op) & FLT_OP_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	tf_expect_ended(test, op, 0);
}

static unsigned long word_seen;

static int complete_at_the_gate(struct tf *tf, struct flt_callback_data *data,
				const struct flt_related_objects *objs, int status)
{
	gate_pass(&callback);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	word_seen = word_of(op);
	return FLT_PREOP_PENDING;
}

/* TDN-20, PND-02: watched while its pre-op runs, then completed before that returns */
static void completed_early_while_it_is_watched(struct kunit *test)
{
	b.on_pre = complete_at_the_gate;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &callback);
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, word_of(op) & FLT_OP_WATCHED);
	gate_open(&callback);
	helper_join(test, 0);
	b.nr_pended = 0;	/* done by hand */
	KUNIT_EXPECT_EQ(test, flt_word_state(word_seen), FLT_OP_EARLY);
	KUNIT_EXPECT_TRUE(test, word_seen & FLT_OP_WATCHED);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_ended(test, op, 0);
}

static int node_seen;

static int post_passes_the_gate(struct tf *tf, struct flt_callback_data *data,
				const struct flt_related_objects *objs, u32 flags, int status)
{
	gate_pass(&callback);
	return status;
}

static int post_completes_at_the_gate(struct tf *tf, struct flt_callback_data *data,
				      const struct flt_related_objects *objs, u32 flags,
				      int status)
{
	gate_pass(&callback);
	flt_complete_pended_postoperation(data);
	node_seen = atomic_read(&op->operation.up->state);
	return status;
}

static void watch_the_post(struct kunit *test)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &callback);
	helper_start(test, 1, detach_thread, &b);
	tf_wait_until(test, atomic_read(&op->operation.up->state) & FLT_NODE_WATCHED);
	gate_open(&callback);
	helper_join(test, 0);
}

/* TDN-20, INV-07: watched while its post-op runs, then pended */
static void post_pended_while_it_is_watched(struct kunit *test)
{
	b.on_post = post_passes_the_gate;
	watch_the_post(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&op->operation.up->state),
			FLT_NODE_POST_PENDED | FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	flt_complete_pended_postoperation(tf_take(&b));
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_ended(test, op, 0);
}

/* TDN-20, PND-21: watched while its post-op runs, then completed before that returns */
static void post_completed_early_while_it_is_watched(struct kunit *test)
{
	b.on_post = post_completes_at_the_gate;
	watch_the_post(test);
	b.nr_pended = 0;	/* done by hand */
	KUNIT_EXPECT_EQ(test, node_seen, FLT_NODE_POST_EARLY | FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	tf_expect_ended(test, op, 0);
}

/* TDN-15, TDN-20, INV-06, INV-07: one moves on as soon as it is watched, one stays */
static void given_up_as_soon_as_it_is_watched(struct kunit *test)
{
	struct flt_sim_op *other = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);
	int left;

	KUNIT_ASSERT_NOT_NULL(test, other);
	b.pre_status = FLT_PREOP_PENDING;
	/* On one list, the other one last: a scan begins with that. */
	set_cpus_allowed_ptr(current, cpumask_of(0));
	flt_sim_start(op);
	flt_sim_start(other);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	b.nr_pended = 1;	/* the other one is completed by hand */
	helper_start(test, 0, detach_thread, &b);
	spin_until(word_of(other) & FLT_OP_WATCHED);
	flt_complete_pended_preoperation(&other->operation.data, FLT_PREOP_SUCCESS_NO_CALLBACK,
					 NULL);
	tf_wait_until(test, word_of(op) & FLT_OP_WATCHED);
	for (left = 20; left && !atomic_read(&b.completes); left--)
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(other, TF_WAIT), 0);
	flt_sim_op_free(other);
}

/* TDN-20, TDN-33, INV-07: it moves on while the scan looks for it */
static void resumed_while_the_scan_looks(struct kunit *test)
{
	struct flt_instance *inst;
	int round;

	flt_sim_set_hold(sim, true);
	b.pre_status = FLT_PREOP_PENDING;
	for (round = 1; round <= 3; round++) {
		inst = tf_instance(&b, volume);
		KUNIT_ASSERT_NOT_NULL(test, inst);
		flt_sim_start(op);
		helper_start(test, 0, detach_thread, &b);
		spin_until(READ_ONCE(inst->state) == FLT_INSTANCE_DRAINING);
		KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
		KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), round);
		flt_sim_release(op, FLT_SIM_WORKER, 0);
		tf_expect_ended(test, op, 0);
		flt_sim_op_free(op);
		op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 8192, 4096, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, op);
		KUNIT_ASSERT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 0);
}

#define OWED	3	/* on each of two CPUs ... */
#define OTHERS	70	/* ... among more than a scan looks at in one go */

static void start_many(struct kunit *test, struct flt_sim_op **ops, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		ops[i] = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, ops[i]);
		flt_sim_start(ops[i]);
	}
}

/* TDN-14, INV-07, DRN-10 */
static void everything_in_flight_is_found(struct kunit *test)
{
	const int all = 2 * (OWED + OTHERS);
	struct flt_sim_op **ops = kunit_kcalloc(test, all, sizeof(*ops), GFP_KERNEL);
	int cpu, i, n = 0;

	KUNIT_ASSERT_NOT_NULL(test, ops);
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a second CPU");
	flt_sim_set_hold(sim, true);
	for (cpu = 0; cpu < 2; cpu++) {
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
		/* A scan begins with the newest, which is none of B's. */
		b.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
		start_many(test, ops + n, OWED);
		b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
		start_many(test, ops + n + OWED, OTHERS);
		n += OWED + OTHERS;
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, all, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 2 * OWED);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	for (i = 0; i < all; i++) {
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(ops[i], TF_WAIT), 0);
		flt_sim_op_free(ops[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), all);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.posts), all);
}

/* TDN-13, INV-03: while it waits for what is in flight */
static void what_arrives_later_passes_by(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, word_of(op) & FLT_OP_WATCHED);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	tf_expect_log(test, "A> C> C< A<");
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
}

/* TDN-13: nobody else is there, so nothing comes to the manager any more */
static void the_last_one_leaves_no_detour(struct kunit *test)
{
	tf_unregister(&a);
	tf_unregister(&c);
	KUNIT_EXPECT_TRUE(test, flt_volume_filtered(volume, FLT_CLASS_WRITE));
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, word_of(op) & FLT_OP_WATCHED);
	KUNIT_EXPECT_FALSE(test, flt_volume_filtered(volume, FLT_CLASS_WRITE));
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	tf_expect_ended(test, op, 0);
}

static int attach_data(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	/* The simulated device has none, and does not look. */
	data->iopb->parameters.write.bio = (struct bio *)&a;
	/* As the volume's provider would have said. */
	data->operation->passed.rw.bio = data->iopb->parameters.write.bio;
	return status;
}

/* DRN-02 */
static void a_drained_copy_has_no_data(struct kunit *test)
{
	a.on_pre = attach_data;
	hold_at_device(test);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	KUNIT_EXPECT_NULL(test, b.seen_iopb.parameters.write.bio);
	flt_sim_release(op, FLT_SIM_WORKER, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_NOT_NULL(test, a.seen_iopb.parameters.write.bio);
}

/* PND-02, PND-03: the pre-op's thread takes the answer as soon as there is one */
static void an_answer_is_there_before_it_is_used(struct kunit *test)
{
	tf_unregister(&a);	/* the first to pass the point is to be B */
	b.pre_status = FLT_PREOP_PENDING;
	tf_race_arm("pre_returned", &op->operation);
	helper_start(test, 0, start_op, NULL);
	tf_wait_until(test, tf_race_reached());
	tf_log_clear();
	helper_start(test, 1, resume_b_without_callback, NULL);
	spin_until(flt_word_state(word_of(op)) == FLT_OP_EARLY);
	tf_race_go();
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 1);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "C> C<");
}

/* STK-03, TDN-15, INV-07: A's post-op is pended, B has nothing to do with it any more */
static void completed_on_its_way_down_it_is_gone(struct kunit *test)
{
	a.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	b.pre_status = FLT_PREOP_COMPLETE;
	b.complete_status = -EIO;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, word_of(op), FLT_OP_NOWHERE);
	helper_start(test, 0, detach_thread, &b);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_postoperation(tf_take(&a));
	tf_expect_ended(test, op, -EIO);
}

/* PRE-18, DRN-09: the thread that synchronizes gets the operation back all the same */
static void drained_while_it_synchronizes(struct kunit *test)
{
	a.pre_status = FLT_PREOP_SYNCHRONIZE;
	flt_sim_set_hold(sim, true);
	helper_start(test, 0, start_op, NULL);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	helper_join(test, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
}

static struct kunit_case mutants_cases[] = {
	KUNIT_CASE(lost_at_the_claim),
	KUNIT_CASE(scanned_before_it_moves),
	KUNIT_CASE(a_walk_that_misses_a_detach_is_found),
	KUNIT_CASE(a_walk_that_misses_an_unregistration_is_found),
	KUNIT_CASE(pended_while_it_is_watched),
	KUNIT_CASE(completed_early_while_it_is_watched),
	KUNIT_CASE(post_pended_while_it_is_watched),
	KUNIT_CASE(post_completed_early_while_it_is_watched),
	KUNIT_CASE(given_up_as_soon_as_it_is_watched),
	KUNIT_CASE(resumed_while_the_scan_looks),
	KUNIT_CASE(everything_in_flight_is_found),
	KUNIT_CASE(what_arrives_later_passes_by),
	KUNIT_CASE(the_last_one_leaves_no_detour),
	KUNIT_CASE(a_drained_copy_has_no_data),
	KUNIT_CASE(an_answer_is_there_before_it_is_used),
	KUNIT_CASE(completed_on_its_way_down_it_is_gone),
	KUNIT_CASE(drained_while_it_synchronizes),
	{}
};

static struct kunit_suite mutants_suite = {
	.name = "fltmgr_mutants",
	.init = mutants_init,
	.exit = mutants_exit,
	.test_cases = mutants_cases,
};

kunit_test_suite(mutants_suite);

MODULE_DESCRIPTION("Tests of moments that deliberate bugs need");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
