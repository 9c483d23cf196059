// SPDX-License-Identifier: GPL-2.0-only
/*
 * A filter that does with each operation what comes to its mind, and keeps books
 * of it. Three modules are made of it, flt_torture1.ko and so on, which is why all
 * of it is static, and this file is included.
 *
 * A *visit* is what the filter has of an operation from the pre-operation to its
 * last word: one reference is the operation's, others are of work items that go
 * on with it. What is chosen derives from the seed, the operation's number and
 * the instance's altitude.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "torture.h"

#define TORTURE_FILTER	(TORTURE_NR - 1)
#define TORTURE_MAGIC	0x70525455524521UL
#define TORTURE_TAG	0x74726f74	/* "tort" */

/* The instance's context. */
struct torture_instance {
	unsigned long magic;
	struct flt_instance *instance;
	struct torture_volume *vol;
	u64 altitude;
	atomic64_t seen;		/* numbers operations that have none */
	atomic_t inside;		/* what teardown_complete is to wait for */
	bool started, torn;
	u64 started_at;
	spinlock_t lock;		/* of queue */
	struct list_head queue;
	struct flt_callback_data_queue cbdq;
};

enum torture_how {
	HOW_AT_ONCE,
	HOW_EARLY,
	HOW_WORK,
	HOW_TIMER,
	HOW_DEFERRED,
	HOW_QUEUE,
	HOW_ROUTINE,
	HOW_WAIT,
	HOW_NR
};

/* Of a pended operation: in its filter_context, behind queue_links. */
#define TORTURE_VISIT	2

struct torture_visit {
	unsigned long magic;
	refcount_t refs;
	struct torture_instance *ti;	/* with a reference */
	struct torture_place *place;	/* NULL: not of ours */
	struct flt_callback_data *data;	/* while it is pended */
	u64 rnd;
	u64 offset, length;		/* as the pre-operation saw it */
	u8 major;
	bool generated;
	bool post;			/* it is pended on the way up */
	bool cancelled;			/* under lock: by the cancel routine */
	spinlock_t lock;
	int answer;			/* FLT_PREOP_* */
	int status;			/* ... with COMPLETE */
	enum torture_how how;
	enum torture_count by;		/* who goes on; a cancel changes it */
	struct flt_cbdq_io_context io_context;
	struct delayed_work work;	/* may be late: of what was cancelled, too */
	struct delayed_work post_work;
	struct list_head due;		/* torture_due */
};

static struct flt_filter *torture_filter;
static struct kmem_cache *torture_visits;
static struct workqueue_struct *torture_wq;
static struct task_struct *torture_attacher;

static void count(enum torture_count what)
{
	torture_count(TORTURE_FILTER, what);
}

/* contexts and visits */

static bool torture_can_complete(const struct torture_visit *visit)
{
	return visit->ti->vol->ours;
}

static void torture_cleanup(void *context, u16 type)
{
	unsigned long *magic = context;

	if (*magic != TORTURE_MAGIC)
		torture_wrong(TORTURE_NAME ": a context of type %#x is cleaned up twice", type);
	*magic = 0;
	if (!torture_fault_now(FAULT_CONTEXT))
		count(T_CONTEXTS_GONE);
}

static void *torture_context(u16 type, size_t size)
{
	unsigned long *context;

	if (flt_allocate_context(torture_filter, type, size, FLT_NON_PAGED_POOL,
				 (void **)&context))
		return NULL;
	*context = TORTURE_MAGIC;
	count(T_CONTEXTS);
	return context;
}

static void torture_visit_put(struct torture_visit *visit)
{
	if (!refcount_dec_and_test(&visit->refs))
		return;
	flt_release_context(visit->ti);
	visit->magic = 0;
	count(T_VISITS_GONE);
	kmem_cache_free(torture_visits, visit);
}

/* The filter is through with the operation. The caller keeps no reference of it. */
static void torture_leave(struct torture_visit *visit)
{
	atomic_dec(&visit->ti->inside);
	torture_visit_put(visit);
}

static void torture_work(struct work_struct *work);
static void torture_post_work(struct work_struct *work);

/* Takes over the reference to @ti. */
static struct torture_visit *torture_visit_make(struct torture_instance *ti,
						struct flt_callback_data *data)
{
	struct torture_visit *visit = kmem_cache_zalloc(torture_visits, GFP_NOIO);
	u64 op;

	if (!visit)
		return NULL;
	count(T_VISITS);
	visit->magic = TORTURE_MAGIC;
	refcount_set(&visit->refs, 1);
	visit->ti = ti;
	visit->place = torture_place_of(ti->vol, data);
	visit->offset = data->iopb->parameters.read.byte_offset;
	visit->length = data->iopb->parameters.read.length;
	visit->major = data->iopb->major_function;
	visit->generated = data->flags & FLTFL_CALLBACK_DATA_GENERATED_IO;
	spin_lock_init(&visit->lock);
	INIT_DELAYED_WORK(&visit->work, torture_work);
	INIT_DELAYED_WORK(&visit->post_work, torture_post_work);
	op = visit->place ? visit->place->op : atomic64_inc_return(&ti->seen) << 32;
	visit->rnd = torture_mix(torture_mix(torture_seed, ti->altitude),
				 torture_mix(ti->vol->number, op));
	return visit;
}

static bool chance(struct torture_visit *visit, unsigned int of)
{
	return !torture_pick(&visit->rnd, of);
}

#include "filter_aside.c"

/* answers */

/* What statuses the block layer takes one to one, and dm does nothing about. */
static const int torture_errors[] = {
	-EIO, -ENOSPC, -ETIMEDOUT, -ENOLINK, -EREMOTEIO, -ENODATA, -EILSEQ,
};

static int torture_error(struct torture_visit *visit)
{
	return torture_errors[torture_pick(&visit->rnd, ARRAY_SIZE(torture_errors))];
}

/* What the issuer is to see of @status. */
static void torture_expect(struct torture_visit *visit, int status)
{
	const struct torture_volume *vol = visit->ti->vol;

	if (status < 0 && vol->counted && torture_fault_now(FAULT_STATUS))
		return;
	visit->place->expect = status == STATUS_CANCELLED && vol->block ? -EIO : status;
}

static void torture_set_status(struct torture_visit *visit, struct flt_callback_data *data,
			       int status)
{
	data->io_status.status = status;
	data->io_status.information = status < 0 ? 0 : visit->length;
	if (visit->place)
		torture_expect(visit, status);
}

/*
 * The last word of the pre-operation. The operation is still ours; unless a
 * post-operation is wanted, which gets it as its context, the visit is over.
 */
static int torture_settle(struct torture_visit *visit, struct flt_callback_data *data,
			  void **context)
{
	int answer = visit->answer;

	switch (answer) {
	case FLT_PREOP_COMPLETE:
		count(T_COMPLETED);
		if (visit->status == STATUS_CANCELLED)
			count(T_CANCELLED);
		torture_inc(visit->ti->vol, V_COMPLETED);
		if (visit->place && visit->status < 0)
			torture_inc(visit->ti->vol, V_COMPLETED_FAILED);
		torture_set_status(visit, data, visit->status);
		torture_leave(visit);
		break;
	case FLT_PREOP_SUCCESS_NO_CALLBACK:
		count(T_NOT_WANTED);
		torture_leave(visit);
		break;
	case FLT_PREOP_SYNCHRONIZE:
		count(T_SYNCHRONIZED);
		fallthrough;
	default:
		count(T_WANTED);
		*context = visit;
	}
	return answer;
}

/* Go on with what the pre-operation has pended. Nothing of the visit is left but references. */
static void torture_go_on(struct torture_visit *visit, struct flt_callback_data *data)
{
	void *context = NULL;
	int answer;

	count(visit->by);
	answer = torture_settle(visit, data, &context);
	flt_complete_pended_preoperation(data, answer, context);
}

static void torture_cancelled(struct torture_visit *visit)
{
	visit->answer = FLT_PREOP_COMPLETE;
	visit->status = STATUS_CANCELLED;
	visit->by = T_BY_CANCEL;
}

static void torture_resume_post(struct torture_visit *visit)
{
	struct flt_callback_data *data = visit->data;

	count(T_POST_RESUMED);
	torture_leave(visit);
	flt_complete_pended_postoperation(data);
}

/* The agent has the operation, unless it was cancelled. */
static bool torture_obtain(struct torture_visit *visit)
{
	unsigned long flags;
	bool obtained;

	switch (visit->how) {
	case HOW_QUEUE:
		return flt_cbdq_remove_io(&visit->ti->cbdq, &visit->io_context);
	case HOW_ROUTINE:
		spin_lock_irqsave(&visit->lock, flags);
		obtained = !visit->cancelled && !flt_clear_cancel_completion(visit->data);
		spin_unlock_irqrestore(&visit->lock, flags);
		return obtained;
	default:
		return true;
	}
}

/*
 * Until somebody has noticed. Below a filter that synchronises nobody does, as who has
 * issued it waits for it inside: after a while it is another operation's turn.
 */
static void torture_lose(void)
{
	unsigned long end = jiffies + 3 * torture_patience();

	while (torture_lost() && time_before(jiffies, end))
		msleep(20);
	if (torture_lost())
		torture_fault_again(FAULT_LOST);
}

/* The work's reference is given up here. */
static void torture_work(struct work_struct *work)
{
	struct torture_visit *visit = container_of(to_delayed_work(work), struct torture_visit,
						   work);

	if (torture_obtain(visit)) {
		if (visit->place && visit->ti->vol->counted && torture_fault_now(FAULT_LOST))
			torture_lose();
		torture_go_on(visit, visit->data);
	}
	torture_visit_put(visit);
}

static void torture_post_work(struct work_struct *work)
{
	struct torture_visit *visit = container_of(to_delayed_work(work), struct torture_visit,
						   post_work);

	torture_resume_post(visit);
	torture_visit_put(visit);
}

/* Have @work, one of the visit's, go on. */
static void torture_queue(struct torture_visit *visit, struct delayed_work *work)
{
	unsigned int delay = torture_pick(&visit->rnd, 3);

	refcount_inc(&visit->refs);
	queue_delayed_work(torture_wq, work, delay);
}

/* One timer for all: it is there until the filter has gone. */
static DEFINE_SPINLOCK(torture_due_lock);
static LIST_HEAD(torture_due);

static void torture_timer_fn(struct timer_list *timer)
{
	struct torture_visit *visit, *next;
	unsigned long flags;
	LIST_HEAD(due);

	spin_lock_irqsave(&torture_due_lock, flags);
	list_splice_init(&torture_due, &due);
	spin_unlock_irqrestore(&torture_due_lock, flags);
	list_for_each_entry_safe(visit, next, &due, due) {
		if (visit->post)
			torture_resume_post(visit);
		else
			torture_go_on(visit, visit->data);
	}
}

static DEFINE_TIMER(torture_timer, torture_timer_fn);

/* By a timer nothing can go down: only complete, and go on upwards. */
static void torture_time(struct torture_visit *visit)
{
	unsigned long flags;

	spin_lock_irqsave(&torture_due_lock, flags);
	list_add_tail(&visit->due, &torture_due);
	mod_timer(&torture_timer, jiffies + 1);
	spin_unlock_irqrestore(&torture_due_lock, flags);
}

static void torture_deferred(struct flt_deferred_io_workitem *item,
			     struct flt_callback_data *data, void *context)
{
	struct torture_visit *visit = context;

	flt_free_deferred_io_work_item(item);
	if (visit->post)
		torture_resume_post(visit);
	else
		torture_go_on(visit, data);
}

/* False: refused, the operation is still the callback's. */
static bool torture_defer(struct torture_visit *visit, struct flt_callback_data *data)
{
	struct flt_deferred_io_workitem *item = flt_allocate_deferred_io_work_item();
	enum flt_work_queue_type queue = chance(visit, 2) ? CriticalWorkQueue : DelayedWorkQueue;

	if (!item)
		return false;
	/* Counted before: the routine may have run when this returns. */
	count(visit->post ? T_POST_PENDED : T_PENDED);
	if (!flt_queue_deferred_io_work_item(item, data, torture_deferred, queue, visit))
		return true;
	count(visit->post ? T_POST_RESUMED : T_EARLY);
	flt_free_deferred_io_work_item(item);
	return false;
}

/* the queue */

static struct torture_instance *torture_of(struct flt_callback_data_queue *cbdq)
{
	return container_of(cbdq, struct torture_instance, cbdq);
}

static int torture_insert(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
			  void *insert_context)
{
	list_add_tail(&data->queue_links, &torture_of(cbdq)->queue);
	return 0;
}

static void torture_remove(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	list_del(&data->queue_links);
}

static struct flt_callback_data *torture_peek_next(struct flt_callback_data_queue *cbdq,
						   struct flt_callback_data *data,
						   void *peek_context)
{
	struct list_head *queue = &torture_of(cbdq)->queue;

	data = list_prepare_entry(data, queue, queue_links);
	list_for_each_entry_continue(data, queue, queue_links)
		return data;
	return NULL;
}

static void torture_acquire(struct flt_callback_data_queue *cbdq, unsigned long *flags)
	__acquires(&torture_of(cbdq)->lock)
{
	spin_lock_irqsave(&torture_of(cbdq)->lock, *flags);
}

static void torture_release(struct flt_callback_data_queue *cbdq, unsigned long flags)
	__releases(&torture_of(cbdq)->lock)
{
	spin_unlock_irqrestore(&torture_of(cbdq)->lock, flags);
}

static void torture_complete_canceled(struct flt_callback_data_queue *cbdq,
				      struct flt_callback_data *data)
{
	struct torture_visit *visit = data->filter_context[TORTURE_VISIT];

	torture_cancelled(visit);
	torture_go_on(visit, data);
}

static void torture_cancel_routine(struct flt_callback_data *data)
{
	struct torture_visit *visit = data->filter_context[TORTURE_VISIT];
	unsigned long flags;

	spin_lock_irqsave(&visit->lock, flags);
	visit->cancelled = true;
	spin_unlock_irqrestore(&visit->lock, flags);
	torture_cancelled(visit);
	torture_go_on(visit, data);
}

#include "filter_callbacks.c"
#include "filter_life.c"
