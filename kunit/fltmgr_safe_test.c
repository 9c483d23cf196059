// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion that needs to sleep: where the safe routine runs, what its answer
 * means, and what a filter may get wrong.
 */
#include <linux/bio.h>
#include <linux/module.h>

#include "testsafe.h"

/* DCS-01, DCS-03, DCS-05: in a hard interrupt */
static void posted_from_a_hard_interrupt(struct kunit *test)
{
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	expect_posted(test);
	KUNIT_EXPECT_EQ(test, op->device_done.context, FLT_SIM_HARDIRQ);
	KUNIT_EXPECT_PTR_EQ(test, safe.context, (void *)&safe_context);
	KUNIT_EXPECT_EQ(test, safe.flags, 0);
	KUNIT_EXPECT_TRUE(test, safe.data_flags & FLTFL_CALLBACK_DATA_POST_OPERATION);
	/* The worker went on. */
	KUNIT_EXPECT_TRUE(test, a.post_in_task);
	KUNIT_EXPECT_PTR_EQ(test, a.post_task, safe.task);
}

/* DCS-03, DCS-05: what the routine sets is what those above see */
static void posted_from_a_soft_interrupt(struct kunit *test)
{
	safe.io_status = -EIO;
	flt_sim_set_context(sim, FLT_SIM_SOFTIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, -EIO);
	KUNIT_EXPECT_EQ(test, op->device_done.context, FLT_SIM_SOFTIRQ);
	KUNIT_EXPECT_TRUE(test, safe.worker);
	KUNIT_EXPECT_EQ(test, a.seen.io_status.status, -EIO);
}

static DEFINE_SPINLOCK(some_lock);

static void release_where(int where)
{
	struct bio_list bios = BIO_EMPTY_LIST;

	switch (where) {
	case 0:
		preempt_disable();
		flt_sim_release(op, FLT_SIM_PROCESS, 0);
		preempt_enable();
		break;
	case 1:
		local_irq_disable();
		flt_sim_release(op, FLT_SIM_PROCESS, 0);
		local_irq_enable();
		break;
	case 2:
		local_bh_disable();
		flt_sim_release(op, FLT_SIM_PROCESS, 0);
		local_bh_enable();
		break;
	case 3:
		spin_lock(&some_lock);
		flt_sim_release(op, FLT_SIM_PROCESS, 0);
		spin_unlock(&some_lock);
		break;
	case 4:
		release_unsafely(NULL);
		break;
	case 5:		/* as inside submit_bio() */
		current->bio_list = &bios;
		flt_sim_release(op, FLT_SIM_PROCESS, 0);
		current->bio_list = NULL;
		break;
	}
}

/* DCS-03: in a process, where it may not sleep, or not wait for I/O */
static void posted_from_a_process_that_may_not_sleep(struct kunit *test)
{
	int where;

	for (where = 0; where < 6; where++) {
		hold_at_device(test);
		release_where(where);
		expect_posted(test);
		next_op(test);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 6);
}

/* DCS-02 */
static void at_once_where_it_may_sleep(struct kunit *test)
{
	safe.io_status = -EREMOTEIO;
	flt_sim_start(op);
	tf_expect_ended(test, op, -EREMOTEIO);
	tf_expect_log(test, "A> B> B< Bs B- A<");
	KUNIT_EXPECT_TRUE(test, post.result);
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_FINISHED_PROCESSING);
	KUNIT_EXPECT_PTR_EQ(test, safe.task, current);
	KUNIT_EXPECT_PTR_EQ(test, safe.context, (void *)&safe_context);
}

/* DCS-02: its answer is that of the post-operation */
static void at_once_and_pended(struct kunit *test)
{
	safe.answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_MORE_PROCESSING_REQUIRED);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
}

/* DCS-02, PRE-18: the device completes it in a hard interrupt, its thread has waited */
static void at_once_after_synchronize(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SYNCHRONIZE;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_TRUE(test, post.result);
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_FINISHED_PROCESSING);
	KUNIT_EXPECT_PTR_EQ(test, safe.task, current);
	KUNIT_EXPECT_PTR_EQ(test, safe.task, b.pre_task);
}

/* DCS-04: what memory waits for is not posted; it can be done at once, though */
static void paging_is_not_posted(struct kunit *test)
{
	static const enum flt_sim_context where[] = { FLT_SIM_HARDIRQ, FLT_SIM_SOFTIRQ };
	unsigned int before = flt_violation_count();
	int i;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		op->irp_flags = FLT_IRP_PAGING;
		flt_sim_set_context(sim, where[i]);
		flt_sim_start(op);
		tf_expect_ended(test, op, 0);
		KUNIT_EXPECT_FALSE(test, post.result);
		KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_FINISHED_PROCESSING);
		tf_expect_log(test, "A> B> B< A<");
		next_op(test);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 0);

	op->irp_flags = FLT_IRP_PAGING;
	flt_sim_set_context(sim, FLT_SIM_PROCESS);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_TRUE(test, post.result);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 1);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* DCS-05: the routine wants more, the filter completes it later */
static void the_routine_pends(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	safe.answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_wait_until(test, atomic_read(&safe.runs) == 1 && post_state() == FLT_NODE_POST_PENDED);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* DCS-05, PND-21: ... or it has completed it already: it stays until the routine has returned */
static void the_routine_pends_and_completes(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	safe.answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	safe.completes = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* DCS-05: it completes what the manager completes: reported, once is enough */
static void the_routine_completes_and_finishes(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	safe.completes = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* DCS-05: an answer that is none */
static void an_unknown_answer_is_finished(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	safe.answer = 7;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

/* DCS-05, DCS-03: completed where the one above may not sleep: posted a second time */
static void two_filters_post(struct kunit *test)
{
	a.on_post = when_safe;
	safe.answer = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_wait_until(test, atomic_read(&safe.runs) == 1 && post_state() == FLT_NODE_POST_PENDED);
	safe.answer = FLT_POSTOP_FINISHED_PROCESSING;
	safe.worker = false;
	local_irq_disable();
	flt_complete_pended_postoperation(tf_take(&b));
	local_irq_enable();
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A< As A-");
	KUNIT_EXPECT_TRUE(test, safe.worker);
	a.nr_pended = 0;
}

/* DCS-03, DCS-05: the worker goes on, and is not to be kept by the one above */
static void the_one_above_is_not_done_in_the_same_worker(struct kunit *test)
{
	a.on_post = when_safe;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	tf_expect_log(test, "A> B> B< Bs B- A< As A-");
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_MORE_PROCESSING_REQUIRED);
	KUNIT_EXPECT_TRUE(test, safe.worker);
}

/* DRN-07, DCS-01 */
static void not_in_a_drained_post_operation(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	hold_at_device(test);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&post.calls), 1);
	KUNIT_EXPECT_FALSE(test, post.result);
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_FINISHED_PROCESSING);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	flt_sim_release(op, FLT_SIM_HARDIRQ, 0);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 0);
}

static int when_safe_in_pre(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, int status)
{
	when_safe(tf, data, objs, 0, status);
	return status;
}

/* DCS-01: not from a pre-operation, nor when the post-operation has pended it */
static void only_from_a_post_operation(struct kunit *test)
{
	unsigned int before = flt_violation_count();
	struct flt_instance *inst = tf_instance(&b, volume);
	struct flt_callback_data *data;

	b.on_pre = when_safe_in_pre;
	b.on_post = NULL;
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	KUNIT_EXPECT_FALSE(test, post.result);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	data = tf_take(&b);
	KUNIT_ASSERT_NOT_NULL(test, data);
	when_safe(&b, data, &inst->objs, 0, 0);
	KUNIT_EXPECT_FALSE(test, post.result);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	flt_complete_pended_postoperation(data);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 0);
}

/* DCS-01: the second call is refused, the first one stands */
static void only_once(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	post.twice = true;
	post.second = true;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	expect_posted(test);
	KUNIT_EXPECT_FALSE(test, post.second);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 1);
	KUNIT_EXPECT_PTR_EQ(test, safe.context, (void *)&safe_context);
}

static void stay_deferred(struct flt_deferred_io_workitem *item, struct flt_callback_data *data,
			  void *context)
{
	gate_pass(&gate);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	flt_free_deferred_io_work_item(item);
}

static void stay_generic(struct flt_generic_workitem *item, void *object, void *context)
{
	gate_pass(&gate);
	flt_free_generic_work_item(item);
}

static int defer_pre(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, int status)
{
	struct flt_deferred_io_workitem *item = flt_allocate_deferred_io_work_item();
	enum flt_work_queue_type queue = atomic_read(&b.pres) & 1;

	if (!flt_queue_deferred_io_work_item(item, data, stay_deferred, queue, NULL))
		return FLT_PREOP_PENDING;
	flt_free_deferred_io_work_item(item);
	return status;
}

/* DCS-06: every other worker waits, in items of both kinds on both queues */
static void completions_wait_for_no_item(struct kunit *test)
{
	struct flt_generic_workitem *generic;
	struct flt_sim_op *stuck[2];
	int queue;

	limit_items(1);
	b.on_pre = defer_pre;
	for (queue = 0; queue < 2; queue++) {
		stuck[queue] = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, stuck[queue]);
		flt_sim_start(stuck[queue]);
		generic = flt_allocate_generic_work_item();
		KUNIT_ASSERT_NOT_NULL(test, generic);
		KUNIT_EXPECT_EQ(test, flt_queue_generic_work_item(generic, b.filter, stay_generic,
								  queue, NULL), 0);
	}
	tf_wait_until(test, atomic_read(&gate.passes) == 4);
	b.on_pre = NULL;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_TRUE(test, safe.worker);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 1);
	gate_open(&gate);
	for (queue = 0; queue < 2; queue++) {
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(stuck[queue], TF_WAIT), 0);
		flt_sim_op_free(stuck[queue]);
	}
}

static int when_safe_no_irp(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, u32 flags, int status)
{
	u32 was = data->flags;

	data->flags &= ~FLTFL_CALLBACK_DATA_IRP_OPERATION;
	data->flags |= FLTFL_CALLBACK_DATA_FAST_IO_OPERATION;
	status = when_safe(tf, data, objs, flags, status);
	safe.answer = flt_is_operation_synchronous(data);
	data->flags = was;
	return status;
}

/* DCS-01, SOB-02: as if there were another class on block volumes */
static void what_is_no_irp_is_not_posted(struct kunit *test)
{
	b.on_post = when_safe_no_irp;
	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	flt_sim_start(op);
	tf_expect_ended(test, op, 0);
	KUNIT_EXPECT_FALSE(test, post.result);
	KUNIT_EXPECT_EQ(test, post.status, FLT_POSTOP_FINISHED_PROCESSING);
	KUNIT_EXPECT_EQ(test, atomic_read(&safe.runs), 0);
	KUNIT_EXPECT_EQ(test, safe.answer, 1);
}

static bool is_synchronous;

static int ask_pre(struct tf *tf, struct flt_callback_data *data,
		   const struct flt_related_objects *objs, int status)
{
	is_synchronous = flt_is_operation_synchronous(data);
	return status;
}

/* SOB-02: somebody waits for it, paging or not, and whatever a filter answers */
static void whether_it_is_synchronous(struct kunit *test)
{
	static const struct {
		u32 irp_flags;
		bool synchronous;
	} ops[] = {
		{ 0, false },
		{ FLT_IRP_SYNC, true },
		{ FLT_IRP_READ_AHEAD, false },
		{ FLT_IRP_PAGING, false },
		{ FLT_IRP_PAGING | FLT_IRP_SYNC, true },
		{ FLT_IRP_META | FLT_IRP_WRITE_THROUGH, false },
	};
	int i;

	b.on_pre = ask_pre;
	b.on_post = NULL;
	b.pre_status = FLT_PREOP_SYNCHRONIZE;
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		op->irp_flags = ops[i].irp_flags;
		flt_sim_start(op);
		tf_expect_ended(test, op, 0);
		KUNIT_EXPECT_EQ_MSG(test, is_synchronous, ops[i].synchronous, "irp_flags %#x",
				    ops[i].irp_flags);
		next_op(test);
	}
}

static struct kunit_case safe_cases[] = {
	KUNIT_CASE(posted_from_a_hard_interrupt),
	KUNIT_CASE(posted_from_a_soft_interrupt),
	KUNIT_CASE(posted_from_a_process_that_may_not_sleep),
	KUNIT_CASE(at_once_where_it_may_sleep),
	KUNIT_CASE(at_once_and_pended),
	KUNIT_CASE(at_once_after_synchronize),
	KUNIT_CASE(paging_is_not_posted),
	KUNIT_CASE(the_routine_pends),
	KUNIT_CASE(the_routine_pends_and_completes),
	KUNIT_CASE(the_routine_completes_and_finishes),
	KUNIT_CASE(an_unknown_answer_is_finished),
	KUNIT_CASE(two_filters_post),
	KUNIT_CASE(the_one_above_is_not_done_in_the_same_worker),
	KUNIT_CASE(not_in_a_drained_post_operation),
	KUNIT_CASE(only_from_a_post_operation),
	KUNIT_CASE(only_once),
	KUNIT_CASE(completions_wait_for_no_item),
	KUNIT_CASE(what_is_no_irp_is_not_posted),
	KUNIT_CASE(whether_it_is_synchronous),
	{}
};

static struct kunit_suite safe_suite = {
	.name = "fltmgr_safe",
	.init = safe_init,
	.exit = safe_exit,
	.test_cases = safe_cases,
};

kunit_test_suite(safe_suite);

MODULE_DESCRIPTION("Tests of completion that needs to sleep");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
