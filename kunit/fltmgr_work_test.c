// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred work items: an operation that a worker goes on with.
 */
#include <linux/module.h>
#include <linux/sched/prio.h>

#include "testdefer.h"
#include "testfault.h"

/* WRK-01, WRK-02, WRK-08, WRK-11: a worker, process context, the item, the operation */
static void deferred_from_a_pre_operation(struct kunit *test)
{
	b.on_pre = defer_pre;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> Bw B< A<");
	KUNIT_EXPECT_EQ(test, defer.rc, 0);
	KUNIT_EXPECT_TRUE(test, ran.worker);
	KUNIT_EXPECT_TRUE(test, ran.could_sleep);
	KUNIT_EXPECT_PTR_EQ(test, ran.item, (void *)defer.item);
	KUNIT_EXPECT_PTR_EQ(test, ran.arg, (void *)&op->operation.data);
	KUNIT_EXPECT_PTR_EQ(test, ran.context, (void *)&b);
	KUNIT_EXPECT_PTR_EQ(test, b.seen_context, (void *)&b);
}

/* WRK-02, WRK-08, PST-07: allocated and queued in a hard interrupt */
static void deferred_from_a_post_operation(struct kunit *test)
{
	b.on_post = defer_post;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bw A<");
	KUNIT_EXPECT_FALSE(test, b.post_could_sleep);
	KUNIT_EXPECT_TRUE(test, ran.worker);
	KUNIT_EXPECT_TRUE(test, ran.could_sleep);
	/* Where A's post-op runs depends on who is first, B's post-op or the worker. */
}

/* WRK-03 */
static void there_are_two_queues(struct kunit *test)
{
	b.on_pre = defer_pre;
	defer.queue = CriticalWorkQueue;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, ran.nice, MIN_NICE);
	flt_sim_op_free(op);

	defer.queue = DelayedWorkQueue;
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, ran.nice, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 2);
}

static int refused[6];

static int refuse_pre(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, int status)
{
	struct flt_deferred_io_workitem *item = flt_allocate_deferred_io_work_item();

	refused[0] = flt_queue_deferred_io_work_item(item, data, complete_it,
						     HyperCriticalWorkQueue, NULL);
	refused[1] = flt_queue_deferred_io_work_item(item, data, complete_it, 3, NULL);
	refused[2] = flt_queue_deferred_io_work_item(item, data, complete_it, -1, NULL);
	refused[3] = flt_queue_deferred_io_work_item(item, data, NULL, DelayedWorkQueue, NULL);
	refused[4] = flt_queue_deferred_io_work_item(NULL, data, complete_it, DelayedWorkQueue,
						     NULL);
	refused[5] = flt_queue_deferred_io_work_item(item, NULL, complete_it, DelayedWorkQueue,
						     NULL);
	flt_free_deferred_io_work_item(item);
	return status;
}

/* WRK-03, WRK-07: the reserved queue, and nonsense; nothing was queued */
static void other_queues_are_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();
	int i;

	b.on_pre = refuse_pre;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		KUNIT_EXPECT_EQ(test, refused[i], STATUS_INVALID_PARAMETER);
	tf_expect_log(test, "A> B> B< A<");
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* WRK-04, WRK-07 */
static void what_memory_waits_for_is_not_posted(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = defer_pre;
	op->irp_flags = FLT_IRP_PAGING;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_NOT_SAFE_TO_POST_OPERATION);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	tf_expect_log(test, "A> B> B< A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

static int defer_no_irp(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	u32 flags = data->flags;

	data->flags &= ~FLTFL_CALLBACK_DATA_IRP_OPERATION;
	data->flags |= FLTFL_CALLBACK_DATA_FAST_IO_OPERATION;
	defer_it(data);
	data->flags = flags;
	return status;
}

/* WRK-06, WRK-07: as if there were another class on block volumes */
static void what_is_no_irp_is_not_posted(struct kunit *test)
{
	b.on_pre = defer_no_irp;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_NOT_SAFE_TO_POST_OPERATION);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
}

/* WRK-08, PND-02 */
static void routine_before_the_pre_operation_returns(struct kunit *test)
{
	b.on_pre = defer_pre;
	defer.wait_in_callback = true;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, defer.state, FLT_OP_EARLY);
	tf_expect_log(test, "A> B> Bw B< A<");
	/* So it is the pre-operation's thread that went on. */
	KUNIT_EXPECT_PTR_EQ(test, b.post_task, current);
}

/* WRK-08, PND-21 */
static void routine_before_the_post_operation_returns(struct kunit *test)
{
	b.on_post = defer_post;
	defer.wait_in_callback = true;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, defer.state, FLT_NODE_POST_EARLY);
	tf_expect_log(test, "A> B> B< Bw A<");
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, current);
}

static void defer_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	defer_it(tf->pended[0]);
}

/* WRK-05, WRK-07, TDN-11: pended, and from teardown_start */
static void not_on_an_instance_that_is_going(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.pre_status = FLT_PREOP_PENDING;
	b.on_start = defer_in_start;
	b.complete_in_start = true;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_DELETING_OBJECT);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* WRK-05, DRN-07: a drained post-operation has nothing to defer */
static void a_drained_copy_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_post = defer_post;
	flt_sim_set_hold(sim, true);
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_FLT_DELETING_OBJECT);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

static void queue_again(struct flt_deferred_io_workitem *item, struct flt_callback_data *data,
			void *context)
{
	note_run(item, data, context);
	if (atomic_read(&ran.runs) < 3) {
		defer.rc = flt_queue_deferred_io_work_item(item, data, queue_again,
							   CriticalWorkQueue, context);
		return;
	}
	finish_it(data);
	flt_free_deferred_io_work_item(item);
}

/* WRK-01, WRK-02: the same item, with the same operation, from its routine */
static void deferred_again_from_its_routine(struct kunit *test)
{
	b.on_pre = defer_pre;
	defer.routine = queue_again;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 3);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
}

static int defer_what_is_completed(struct tf *tf, struct flt_callback_data *data,
				   const struct flt_related_objects *objs, int status)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	defer_it(data);
	return FLT_PREOP_PENDING;
}

/* PRE-03, WRK-07: it is the manager's again */
static void a_completed_operation_is_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = defer_what_is_completed;
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, defer.rc, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

static bool failed;
static struct task_struct *routine_task;

static void complete_without_memory(struct flt_deferred_io_workitem *item,
				    struct flt_callback_data *data, void *context)
{
	int tries = 20000;

	note_run(item, data, context);
	routine_task = current;
	data->io_status.status = -EIO;
	/* Completed before its pre-operation has returned, it would go on in that thread. */
	while (flt_word_state(atomic_long_read(&data->operation->word)) != FLT_OP_PENDED && tries--)
		usleep_range(100, 200);
	local_irq_disable();
	fault_arm_atomic(1);
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
	failed = fault_disarm();
	local_irq_enable();
	free_item(item);
}

/* WRK-11, WRK-08: it goes on in another worker, or, if there is no memory, in this one */
static void goes_on_elsewhere_if_there_is_memory(struct kunit *test)
{
	b.on_pre = defer_pre;
	if (fault_init()) {
		kunit_skip(test, "allocations cannot be made to fail");
		return;
	}
	defer.routine = complete_without_memory;
	flt_sim_start(op);
	tf_expect_ended(test, op, -EIO);
	/* Its routine has let go of the item. */
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	fault_exit();
	KUNIT_EXPECT_TRUE(test, failed);
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, routine_task);
}

static struct kunit_case work_cases[] = {
	KUNIT_CASE(deferred_from_a_pre_operation),
	KUNIT_CASE(deferred_from_a_post_operation),
	KUNIT_CASE(there_are_two_queues),
	KUNIT_CASE(other_queues_are_refused),
	KUNIT_CASE(what_memory_waits_for_is_not_posted),
	KUNIT_CASE(what_is_no_irp_is_not_posted),
	KUNIT_CASE(routine_before_the_pre_operation_returns),
	KUNIT_CASE(routine_before_the_post_operation_returns),
	KUNIT_CASE(not_on_an_instance_that_is_going),
	KUNIT_CASE(a_drained_copy_is_refused),
	KUNIT_CASE(deferred_again_from_its_routine),
	KUNIT_CASE(a_completed_operation_is_refused),
	KUNIT_CASE(goes_on_elsewhere_if_there_is_memory),
	{}
};

static struct kunit_suite work_suite = {
	.name = "fltmgr_work",
	.init = work_init,
	.exit = work_exit,
	.test_cases = work_cases,
};

kunit_test_suite(work_suite);

MODULE_DESCRIPTION("Tests of deferred work items");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
