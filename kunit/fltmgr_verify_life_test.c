// SPDX-License-Identifier: GPL-2.0-only
/*
 * What filters do wrong in teardowns and unloads, from where they may not, and how
 * their callbacks return; what the verifier says of it, and that it says nothing
 * when they do it right.
 */
#include <linux/module.h>

#include "testreport.h"

#define SENT	.what = "sent", .cause = "flt_sim_start"

/* A module that is not ours. */
static struct module stranger;
static struct gate gate;		/* in a pre-operation */

/* teardowns */

static struct {
	struct flt_callback_data_queue cbdq;
	spinlock_t lock;		/* of no list */
} queue;

static int queue_insert(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
			void *context)
{
	return STATUS_INVALID_PARAMETER;
}

static void queue_remove(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
}

static struct flt_callback_data *queue_peek(struct flt_callback_data_queue *cbdq,
					    struct flt_callback_data *data, void *context)
{
	return NULL;
}

static void queue_lock(struct flt_callback_data_queue *cbdq, unsigned long *flags)
	__acquires(&queue.lock)
{
	spin_lock_irqsave(&queue.lock, *flags);
}

static void queue_unlock(struct flt_callback_data_queue *cbdq, unsigned long flags)
	__releases(&queue.lock)
{
	spin_unlock_irqrestore(&queue.lock, flags);
}

static int queue_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	spin_lock_init(&queue.lock);
	return flt_cbdq_initialize(objs->instance, &queue.cbdq, queue_insert, queue_remove,
				   queue_peek, queue_lock, queue_unlock, queue_remove);
}

static void close_queue(struct tf *tf, const struct flt_related_objects *objs)
{
	flt_cbdq_disable(&queue.cbdq);
}

static int attach_b(void)
{
	return flt_attach_volume(b.filter, volume, NULL, NULL);
}

/* TDN-30, VRF-11l */
static void teardown_leaves_a_queue_open(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, detach(&b), 0);
	b.on_setup = queue_in_setup;
	KUNIT_ASSERT_EQ(test, attach_b(), 0);
	expect_no_report(test);
	KUNIT_ASSERT_EQ(test, detach(&b), 0);
	expect_report(test, .rule = "TDN-30", .filter = "B", .inst = "B",
		      .words = "left a callback-data queue enabled", .what = "initialised",
		      .cause = "queue_in_setup");
	b.on_start = close_queue;
	KUNIT_ASSERT_EQ(test, attach_b(), 0);
	KUNIT_ASSERT_EQ(test, detach(&b), 0);
	expect_no_report(test);
}

/* TDN-30, VRF-11k, FKD-05: once for all that is pended */
static void teardown_leaves_operations_pended(struct kunit *test)
{
	struct flt_sim_op *second = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 0, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, second);
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	flt_sim_start(second);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "TDN-30", .filter = "B", .inst = "B", .op = true,
		      .words = ": 2 operations pended, ", SENT);
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(second, TF_WAIT), 0);
	flt_sim_op_free(second);
	/* Rightly: in teardown_start. */
	b.complete_in_start = true;
	KUNIT_ASSERT_EQ(test, attach_b(), 0);
	next_op(test);
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	expect_ended(test, 0);
	expect_no_report(test);
}

/* TDN-30, VRF-11k: by its post-operation */
static void teardown_leaves_a_post_operation_pended(struct kunit *test)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "TDN-30", .filter = "B", .inst = "B", .op = true,
		      .words = ": 1 operations pended, ", SENT);
	flt_complete_pended_postoperation(tf_take(&b));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_ended(test, 0);
	expect_no_report(test);
}

static int stay_in_pre(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

static void *start_op(void *arg)
{
	return (void *)(long)flt_sim_start(op);
}

/*
 * TDN-30, VRF-11k: A's teardown is waited for longer than B's, but has nothing pended.
 * Whoever finds B late has looked at A, which is above it, before.
 */
static void teardown_waits_for_what_is_not_pended(struct kunit *test)
{
	struct flt_sim_op *second = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 0, 4096, GFP_KERNEL);
	struct flt_instance *inst = tf_instance(&a, volume);

	KUNIT_ASSERT_NOT_NULL(test, second);
	a.on_pre = stay_in_pre;
	b.pre_status = FLT_PREOP_PENDING;
	helper_start(test, 0, start_op, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, detach_thread, &a);
	tf_wait_until(test, READ_ONCE(inst->state) == FLT_INSTANCE_DRAINING);
	flt_sim_start(second);
	helper_start(test, 2, detach_thread, &b);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "TDN-30", .filter = "B", .inst = "B", .op = true,
		      .words = ": 1 operations pended, ", SENT);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	KUNIT_EXPECT_FALSE(test, inst->verify.late);
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 2), 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(second, TF_WAIT), 0);
	flt_sim_op_free(second);
	expect_no_report(test);
}

static int nested_rc;

static int detach_in_query(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	/* It asks once more. */
	if (atomic_read(&tf->queries) == 1)
		nested_rc = flt_detach_volume(objs->filter, objs->volume, NULL);
	return status;
}

static int detach_in_pre(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	nested_rc = flt_detach_volume(objs->filter, objs->volume, NULL);
	return status;
}

/* INV-18, DET-06 */
static void detaches_where_it_cannot_wait(struct kunit *test)
{
	b.on_query = detach_in_query;
	KUNIT_EXPECT_EQ(test, detach(&b), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, nested_rc, STATUS_PENDING);
	expect_report(test, .rule = "INV-18", .filter = "B", .inst = "B",
		      .words = "detached inside its own query_teardown callback",
		      .effect = "detach_in_query");
	tf_wait_until(test, atomic_read(&b.completes) == 1 && !tf_instance(&b, volume));
	KUNIT_ASSERT_EQ(test, attach_b(), 0);
	b.on_query = NULL;
	b.on_pre = detach_in_pre;
	run_op(test, 0);
	KUNIT_EXPECT_EQ(test, nested_rc, STATUS_PENDING);
	tf_wait_until(test, atomic_read(&b.completes) == 2);
	expect_no_report(test);
}

/* unloads */

static int unregister_in_pre(struct tf *tf, struct flt_callback_data *data,
			     const struct flt_related_objects *objs, int status)
{
	flt_unregister_filter(objs->filter);
	return status;
}

/* It has unloaded itself. */
static void unload_b(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
}

/* URG-02 */
static void unregisters_inside_a_callback(struct kunit *test)
{
	b.on_pre = unregister_in_pre;
	run_op(test, 0);
	expect_report(test, .rule = "URG-02", .filter = "B",
		      .words = "unregisters inside its own pre-operation",
		      .effect = "unregister_in_pre");
	b.on_pre = NULL;
	expect_twin(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.pres), 2);
	/* In its unload callback it may. */
	unload_b(test);
	expect_no_report(test);
}

/* URG-02, VRF-09: known by its code, as it is the only filter of its module */
static void unregisters_somebody_else(struct kunit *test)
{
	struct flt_filter *filter;

	tf_unregister(&a);
	KUNIT_ASSERT_EQ(test, flt_register_filter(&stranger, &a.reg, &a.filter), 0);
	flt_unregister_filter(a.filter);
	expect_report(test, .rule = "URG-02", .filter = "B", .words = "unregisters filter A",
		      .effect = "unregisters_somebody_else");
	KUNIT_ASSERT_EQ(test, flt_get_filter_from_name("A", &filter), 0);
	flt_object_dereference(filter);
	/* Without B nobody can tell whose we are. */
	tf_unregister(&b);
	tf_unregister(&a);
	expect_no_report(test);
}

static int unload_in_pre(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	nested_rc = flt_unload_filter(tf->name);
	return status;
}

/* UNL-13 */
static void unloads_itself(struct kunit *test)
{
	b.on_pre = unload_in_pre;
	run_op(test, 0);
	KUNIT_EXPECT_EQ(test, nested_rc, STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "UNL-13", .filter = "B",
		      .words = "asks to be unloaded inside its own pre-operation",
		      .effect = "unload_in_pre");
	KUNIT_EXPECT_EQ(test, atomic_read(&b.unloads), 0);
	b.on_pre = NULL;
	unload_b(test);
	expect_no_report(test);
}

static int unregister_and_refuse(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	return STATUS_FLT_DO_NOT_DETACH;
}

/* UNL-09 */
static void refuses_what_it_has_done(struct kunit *test)
{
	b.reg.filter_unload_callback = unregister_and_refuse;
	unload_b(test);
	expect_report(test, .rule = "UNL-09", .filter = "B",
		      .words = "refused an unload after unregistering");
	/* To refuse and to stay is right. */
	a.unload_status = STATUS_FLT_DO_NOT_DETACH;
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DO_NOT_DETACH);
	expect_no_report(test);
}

/* UNL-10 */
static void agrees_and_does_not_unregister(struct kunit *test)
{
	b.unload_forgets = true;
	unload_b(test);
	expect_report(test, .rule = "UNL-10", .filter = "B",
		      .words = "agreed to an unload without unregistering");
	b.unload_forgets = false;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	unload_b(test);
	expect_no_report(test);
}

/* from where it may not sleep */

static struct flt_filter *found;
static struct flt_instance *instance;
static struct flt_callback_data *own;

static int call_attach(void)
{
	return flt_attach_volume(b.filter, volume, NULL, NULL);
}

static int call_detach(void)
{
	return flt_detach_volume(b.filter, volume, NULL);
}

static int call_register(void)
{
	return flt_register_filter(THIS_MODULE, &b.reg, &found);
}

static int call_find(void)
{
	return flt_get_filter_from_name("B", &found);
}

static int call_find_volume(void)
{
	struct flt_volume *unused;

	return flt_get_volume_from_name("vol", &unused);
}

static int call_unload(void)
{
	return flt_unload_filter("B");
}

static int call_allocate(void)
{
	return flt_allocate_callback_data(instance, NULL, &own);
}

static int call_context(void)
{
	void *context;

	return flt_allocate_context(b.filter, FLT_INSTANCE_CONTEXT, 8, FLT_NON_PAGED_POOL,
				    &context);
}

static int call_wait(void)
{
	DECLARE_COMPLETION_ONSTACK(never);

	return flt_cancellable_wait_for_single_object(&never, 0, NULL);
}

static const struct {
	int (*call)(void);
	const char *words;
} passive_calls[] = {
	{ call_attach, "flt_attach_volume called where it may not sleep" },
	{ call_detach, "flt_detach_volume called where it may not sleep" },
	{ call_register, "flt_register_filter called where it may not sleep" },
	{ call_find, "flt_get_filter_from_name called where it may not sleep" },
	{ call_find_volume, "flt_get_volume_from_name called where it may not sleep" },
	{ call_unload, "flt_unload_filter called where it may not sleep" },
	{ call_allocate, "flt_allocate_callback_data_ex called where it may not sleep" },
	{ call_context, "flt_allocate_context called where it may not sleep" },
	{ call_wait, "flt_cancellable_wait_for_single_object called where it may not sleep" },
};

/* VRF-11m, VRF-02: refused, each in each of the ways not to sleep */
static void calls_where_it_may_not_sleep(struct kunit *test)
{
	unsigned long flags;
	int i, rc;

	instance = tf_instance(&b, volume);
	for (i = 0; i < ARRAY_SIZE(passive_calls); i++) {
		preempt_disable();
		rc = passive_calls[i].call();
		preempt_enable();
		KUNIT_EXPECT_EQ(test, rc, STATUS_INVALID_PARAMETER);
		expect_report(test, .rule = "VRF-11m", .filter = "B",
			      .words = passive_calls[i].words,
			      .effect = "calls_where_it_may_not_sleep");
		rcu_read_lock();
		rc = passive_calls[i].call();
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, rc, STATUS_INVALID_PARAMETER);
		expect_report(test, .rule = "VRF-11m", .filter = "B",
			      .words = passive_calls[i].words);
		local_irq_save(flags);
		rc = passive_calls[i].call();
		local_irq_restore(flags);
		KUNIT_EXPECT_EQ(test, rc, STATUS_INVALID_PARAMETER);
		expect_report(test, .rule = "VRF-11m", .filter = "B",
			      .words = passive_calls[i].words);
	}
	/* None of them has done anything; and where they may sleep they do. */
	KUNIT_EXPECT_EQ(test, call_detach(), 0);
	KUNIT_EXPECT_EQ(test, call_attach(), 0);
	KUNIT_EXPECT_EQ(test, call_find(), 0);
	flt_object_dereference(found);
	instance = tf_instance(&b, volume);
	KUNIT_EXPECT_EQ(test, call_allocate(), 0);
	flt_free_callback_data(own);
	KUNIT_EXPECT_EQ(test, call_wait(), STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.unloads), 0);
	expect_no_report(test);
}

/* VRF-11m, URG-02: what returns nothing does nothing */
static void unregisters_where_it_may_not_sleep(struct kunit *test)
{
	preempt_disable();
	flt_unregister_filter(b.filter);
	preempt_enable();
	expect_report(test, .rule = "VRF-11m", .filter = "B",
		      .words = "flt_unregister_filter called where it may not sleep");
	run_op(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	tf_unregister(&b);
	expect_no_report(test);
}

/* VRF-11m, FIO-11: the status tells */
static void performs_where_it_may_not_sleep(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(tf_instance(&b, volume), NULL, &own), 0);
	own->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	rcu_read_lock();
	flt_perform_synchronous_io(own);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, own->io_status.status, STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "VRF-11m", .filter = "B");
	flt_perform_synchronous_io(own);
	KUNIT_EXPECT_EQ(test, own->io_status.status, 0);
	flt_free_callback_data(own);
	expect_no_report(test);
}

/* VRF-11m, PND-08: the operation goes on in a worker, where the next filter may sleep */
static void completes_where_it_may_not_sleep(struct kunit *test)
{
	a.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	rcu_read_lock();
	tf_resume(&a, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	rcu_read_unlock();
	expect_ended(test, 0);
	KUNIT_EXPECT_PTR_NE(test, b.pre_task, current);
	tf_expect_log(test, "A> B> B< A<");
	expect_report(test, .rule = "VRF-11m",
		      .words = "flt_complete_pended_preoperation called where it may not sleep",
		      .effect = "completes_where_it_may_not_sleep");
	/* That goes down from here, and this goes up. */
	next_op(test);
	flt_sim_start(op);
	tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK);
	expect_ended(test, 0);
	KUNIT_EXPECT_PTR_EQ(test, b.pre_task, current);
	next_op(test);
	flt_sim_start(op);
	rcu_read_lock();
	tf_resume(&a, FLT_PREOP_COMPLETE);
	rcu_read_unlock();
	expect_ended(test, 0);
	expect_no_report(test);
}

static int verify_life_init(struct kunit *test)
{
	stranger.state = MODULE_STATE_LIVE;
	atomic_set(&stranger.refcnt, 1);
	strscpy(stranger.name, "stranger");
	nested_rc = 1;
	gate_init(&gate);
	return verify_init(test);
}

static void verify_life_exit(struct kunit *test)
{
	struct flt_callback_data *data;

	gate_open(&gate);
	/* Of a case that has ended early: its teardown is not to wait for ever. */
	while ((data = tf_take(&b))) {
		if (data->flags & FLTFL_CALLBACK_DATA_POST_OPERATION)
			flt_complete_pended_postoperation(data);
		else
			flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	}
	verify_exit(test);
}

static struct kunit_case verify_life_cases[] = {
	KUNIT_CASE(teardown_leaves_a_queue_open),
	KUNIT_CASE(teardown_leaves_operations_pended),
	KUNIT_CASE(teardown_leaves_a_post_operation_pended),
	KUNIT_CASE(teardown_waits_for_what_is_not_pended),
	KUNIT_CASE(detaches_where_it_cannot_wait),
	KUNIT_CASE(unregisters_inside_a_callback),
	KUNIT_CASE(unregisters_somebody_else),
	KUNIT_CASE(unloads_itself),
	KUNIT_CASE(refuses_what_it_has_done),
	KUNIT_CASE(agrees_and_does_not_unregister),
	KUNIT_CASE(calls_where_it_may_not_sleep),
	KUNIT_CASE(unregisters_where_it_may_not_sleep),
	KUNIT_CASE(performs_where_it_may_not_sleep),
	KUNIT_CASE(completes_where_it_may_not_sleep),
	{ }
};

static struct kunit_suite verify_life_suite = {
	.name = "fltmgr_verify_life",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_life_init,
	.exit = verify_life_exit,
	.test_cases = verify_life_cases,
};

kunit_test_suite(verify_life_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: teardowns, unloads, where what is called");
MODULE_LICENSE("GPL");
