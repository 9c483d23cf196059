/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A callback-data queue for tests: a list, with a spinlock or a mutex, that
 * counts what the manager does with it and looks whether it does it right; and
 * a filter B that puts its operations there.
 */
#ifndef _FLTMGR_TESTCBDQ_H
#define _FLTMGR_TESTCBDQ_H

#include "testpair.h"

struct tq {
	struct flt_callback_data_queue cbdq;
	spinlock_t spin;		/* the lock, as a rule */
	struct mutex mutex;		/* for races: one can be parked under it */
	struct list_head list;
	struct task_struct *owner;	/* of the lock */
	int insert_status;		/* 0; what the insert routine says */
	bool post;			/* what is in it was pended by the post-operation */
	bool keep;			/* complete_canceled is not to complete: the case does */
	void *insert_context;		/* the last one seen */
	unsigned int inserts, removes, peeks, locks;	/* under the lock */
	unsigned int wrong;		/* called with the lock, or without, against the rule */
	atomic_t cancels;
	struct flt_callback_data *canceled;
	struct task_struct *cancel_task;
};

static struct tq q;
static struct flt_cbdq_io_context named;
static struct flt_cbdq_io_context *name_with;	/* what B inserts with */
static int insert_rc;

static inline struct tq *tq_of(struct flt_callback_data_queue *cbdq)
{
	return container_of(cbdq, struct tq, cbdq);
}

static inline void tq_is_locked(struct tq *tq, bool locked)
{
	/* Whoever has it has set it; whoever has not can find anything but himself. */
	if ((READ_ONCE(tq->owner) == current) != locked)
		tq->wrong++;
}

static inline int tq_insert(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
			    void *insert_context)
{
	struct tq *tq = tq_of(cbdq);

	tq_is_locked(tq, true);
	tq->insert_context = insert_context;
	if (flt_status_is_error(tq->insert_status))
		return tq->insert_status;
	tq->inserts++;
	list_add_tail(&data->queue_links, &tq->list);
	return tq->insert_status;
}

static inline void tq_remove(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	tq_is_locked(tq_of(cbdq), true);
	tq_of(cbdq)->removes++;
	list_del_init(&data->queue_links);
}

/* All, or those whose offset is the one that @peek_context points to. */
static inline struct flt_callback_data *tq_peek_next(struct flt_callback_data_queue *cbdq,
						     struct flt_callback_data *data,
						     void *peek_context)
{
	struct tq *tq = tq_of(cbdq);
	u64 *offset = peek_context;

	tq_is_locked(tq, true);
	tq->peeks++;
	data = list_prepare_entry(data, &tq->list, queue_links);
	list_for_each_entry_continue(data, &tq->list, queue_links)
		if (!offset || data->iopb->parameters.read.byte_offset == *offset)
			return data;
	return NULL;
}

static inline void tq_locked(struct tq *tq)
{
	WRITE_ONCE(tq->owner, current);
	tq->locks++;
}

static inline void tq_acquire(struct flt_callback_data_queue *cbdq, unsigned long *flags)
	__acquires(&tq_of(cbdq)->spin)
{
	spin_lock_irqsave(&tq_of(cbdq)->spin, *flags);
	tq_locked(tq_of(cbdq));
}

static inline void tq_release(struct flt_callback_data_queue *cbdq, unsigned long flags)
	__releases(&tq_of(cbdq)->spin)
{
	WRITE_ONCE(tq_of(cbdq)->owner, NULL);
	spin_unlock_irqrestore(&tq_of(cbdq)->spin, flags);
}

static inline void tq_acquire_mutex(struct flt_callback_data_queue *cbdq, unsigned long *flags)
{
	mutex_lock(&tq_of(cbdq)->mutex);
	tq_locked(tq_of(cbdq));
}

static inline void tq_release_mutex(struct flt_callback_data_queue *cbdq, unsigned long flags)
{
	WRITE_ONCE(tq_of(cbdq)->owner, NULL);
	mutex_unlock(&tq_of(cbdq)->mutex);
}

static inline void tq_give_up(struct tq *tq, struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	data->io_status.information = 0;
	if (tq->post)
		flt_complete_pended_postoperation(data);
	else
		flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

static inline void tq_complete_canceled(struct flt_callback_data_queue *cbdq,
					struct flt_callback_data *data)
{
	struct tq *tq = tq_of(cbdq);

	tq_is_locked(tq, false);
	tf_log("B", "x");
	tq->canceled = data;
	tq->cancel_task = current;
	atomic_inc(&tq->cancels);
	if (!tq->keep)
		tq_give_up(tq, data);
}

static inline int tq_init(struct tq *tq, struct flt_instance *instance, bool sleeps)
{
	memset(tq, 0, sizeof(*tq));
	spin_lock_init(&tq->spin);
	mutex_init(&tq->mutex);
	INIT_LIST_HEAD(&tq->list);
	return flt_cbdq_initialize(instance, &tq->cbdq, tq_insert, tq_remove, tq_peek_next,
				   sleeps ? tq_acquire_mutex : tq_acquire,
				   sleeps ? tq_release_mutex : tq_release, tq_complete_canceled);
}

/* The next one, gone on with. False if there is none. */
static inline bool tq_pass(struct tq *tq)
{
	struct flt_callback_data *data = flt_cbdq_remove_next_io(&tq->cbdq, NULL);

	if (!data)
		return false;
	if (tq->post)
		flt_complete_pended_postoperation(data);
	else
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	return true;
}

/* B's pre-operation: into the queue. */
static inline int insert_in_pre(struct tf *tf, struct flt_callback_data *data,
				const struct flt_related_objects *objs, int status)
{
	int rc = flt_cbdq_insert_io(&q.cbdq, data, name_with, tf);

	WRITE_ONCE(insert_rc, rc);
	return flt_status_is_error(rc) ? FLT_PREOP_SUCCESS_NO_CALLBACK : FLT_PREOP_PENDING;
}

static inline void disable_and_drain(struct tf *tf, const struct flt_related_objects *objs)
{
	flt_cbdq_disable(&q.cbdq);
	while (tq_pass(&q))
		;
}

static inline int queue_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	return tq_init(&q, objs->instance, false);
}

static inline int cbdq_test_init(struct kunit *test)
{
	insert_rc = -1;
	name_with = NULL;
	pair_init(test);
	b.on_setup = queue_in_setup;
	b.on_pre = insert_in_pre;
	b.on_start = disable_and_drain;
	pair_register(test);
	return 0;
}

static inline void cbdq_test_exit(struct kunit *test)
{
	tf_race_disarm();
	helpers_stop();
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	a.complete_in_start = true;
	pair_exit(test);
	KUNIT_EXPECT_EQ(test, q.wrong, 0);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

/* For races: a queue with a mutex, under which one can be parked. */
static inline void use_a_mutex(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tq_init(&q, tf_instance(&b, flt_sim_volume(sim)), true), 0);
}

static inline struct flt_sim_op *another_op(struct kunit *test, u64 offset)
{
	struct flt_sim_op *other = flt_sim_op_alloc(sim, FLT_CLASS_READ, offset, 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	return other;
}

static inline void *start_op(void *arg)
{
	return (void *)(long)flt_sim_start(op);
}

/* On the second CPU if @arg is set. */
static inline void *cancel_all(void *arg)
{
	if (arg)
		set_cpus_allowed_ptr(current, cpumask_of(1));
	return (void *)(long)flt_sim_cancel(sim);
}

#endif /* _FLTMGR_TESTCBDQ_H */
