// SPDX-License-Identifier: GPL-2.0-only
/*
 * delay: what is held back, and who releases it.
 *
 * An operation that we have pended is ours. The manager gives us four words in
 * it, so that nothing has to be allocated here:
 *
 *	queue_links		(words 0, 1) in one of the lists below
 *	filter_context[2]	when it is due, in jiffies
 *	filter_context[3]	the instance that holds it
 *
 * Whoever takes it off its list, under delay_lock, completes it: an agent when
 * it is due, or the teardown of its instance. That is all there is to completing
 * each exactly once. With agent=deferred, and with mode=sync, somebody waits for
 * each to be off its list and goes on with it: a routine of a deferred work item,
 * or the operation's own thread.
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "delay.h"

#define DELAY_DUE	2
#define DELAY_INSTANCE	3

static_assert(sizeof(struct list_head) <= DELAY_DUE * sizeof(void *));

/* A list of our own: the manager keeps no data for us with its instances yet. */
struct delay_instance {
	struct list_head link;
	struct flt_instance *instance;
	bool going;
};

/* Taken in any context. Protects everything up to the agents. */
static DEFINE_SPINLOCK(delay_lock);
static LIST_HEAD(delay_instances);
static LIST_HEAD(delay_timed);		/* first due first */
static LIST_HEAD(delay_told);		/* held until somebody says so */
static u64 delay_counters[DELAY_NR_COUNTERS];

static enum delay_mode delay_mode;
static enum delay_answer delay_answer;
static enum delay_agent delay_agent;

static DECLARE_WAIT_QUEUE_HEAD(delay_wait);	/* for DELAY_SYNC and DELAY_DEFERRED */
static struct workqueue_struct *delay_wq;
static struct kthread_worker *delay_worker;

static void delay_timer_fn(struct timer_list *timer);
static void delay_work_fn(struct work_struct *work);
static void delay_kthread_fn(struct kthread_work *work);
static DEFINE_TIMER(delay_timer, delay_timer_fn);
static DECLARE_DELAYED_WORK(delay_work, delay_work_fn);
static DEFINE_KTHREAD_DELAYED_WORK(delay_kthread_work, delay_kthread_fn);

static unsigned long delay_due(const struct flt_callback_data *data)
{
	return (unsigned long)data->filter_context[DELAY_DUE];
}

/* Have the agent come when the first operation is due. Called with the lock. */
static void delay_arm(void)
{
	struct flt_callback_data *first;
	unsigned long now = jiffies, in = 0;

	first = list_first_entry_or_null(&delay_timed, struct flt_callback_data, queue_links);
	if (!first)
		return;
	if (time_after(delay_due(first), now))
		in = delay_due(first) - now;
	switch (delay_agent) {
	case DELAY_TIMER:
	case DELAY_DEFERRED:
		mod_timer(&delay_timer, now + in);
		break;
	case DELAY_WORKQUEUE:
		mod_delayed_work(delay_wq, &delay_work, in);
		break;
	case DELAY_KTHREAD:
		kthread_mod_delayed_work(delay_worker, &delay_kthread_work, in);
		break;
	}
}

/* Called with the lock. */
static void delay_insert(struct flt_callback_data *data, unsigned long due)
{
	struct flt_callback_data *before;

	data->filter_context[DELAY_DUE] = (void *)due;
	list_for_each_entry_reverse(before, &delay_timed, queue_links)
		if (!time_before(due, delay_due(before)))
			break;
	list_add(&data->queue_links, &before->queue_links);
}

/* Called with the lock. */
static struct delay_instance *delay_find(struct flt_instance *instance)
{
	struct delay_instance *inst;

	list_for_each_entry(inst, &delay_instances, link)
		if (inst->instance == instance)
			return inst;
	return NULL;
}

/* Called with the lock, by whoever completes it next. */
static void delay_take(struct flt_callback_data *data)
{
	list_del_init(&data->queue_links);
	delay_counters[DELAY_HELD]--;
}

static void delay_complete(struct flt_callback_data *data)
{
	if (delay_mode == DELAY_POST) {
		flt_complete_pended_postoperation(data);
	} else if (delay_answer == DELAY_FAIL) {
		data->io_status.status = STATUS_IO_DEVICE_ERROR;
		data->io_status.information = 0;
		flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
	} else if (delay_answer == DELAY_PASS) {
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	} else {
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_WITH_CALLBACK, NULL);
	}
}

/* In a worker, for DELAY_DEFERRED. Its instance stays until it has returned. */
static void delay_deferred(struct flt_deferred_io_workitem *item, struct flt_callback_data *data,
			   void *context)
{
	delay_wait_released(data);
	flt_free_deferred_io_work_item(item);
	delay_complete(data);
}

/*
 * Have a worker wait for it. False: there is no memory, or the manager refuses,
 * and it is ours, on its list or just off it: nobody has completed it.
 */
static bool delay_defer(struct flt_callback_data *data)
{
	struct flt_deferred_io_workitem *item = flt_allocate_deferred_io_work_item();
	unsigned long flags;

	if (item && !flt_queue_deferred_io_work_item(item, data, delay_deferred,
						     DelayedWorkQueue, NULL))
		return true;
	flt_free_deferred_io_work_item(item);
	spin_lock_irqsave(&delay_lock, flags);
	if (!list_empty(&data->queue_links))
		delay_take(data);
	spin_unlock_irqrestore(&delay_lock, flags);
	return false;
}

/*
 * Hold an operation back. False: its instance is going, and would have to
 * complete it again at once. An operation that was on its way when the teardown
 * began can still get here after it: only this test, under the lock, sees that
 * nothing is left behind.
 *
 * After true it may have been completed already: @data is not ours any more.
 */
bool delay_hold_back(struct flt_callback_data *data, struct flt_instance *instance,
		     bool until_told, unsigned int ms)
{
	struct delay_instance *inst;
	unsigned long flags;
	bool held;

	spin_lock_irqsave(&delay_lock, flags);
	inst = delay_find(instance);
	held = inst && !inst->going;
	if (held) {
		delay_counters[DELAY_HELD]++;
		delay_counters[DELAY_PENDED]++;
		data->filter_context[DELAY_INSTANCE] = instance;
		if (until_told) {
			list_add_tail(&data->queue_links, &delay_told);
		} else {
			delay_insert(data, jiffies + msecs_to_jiffies(ms));
			delay_arm();
		}
	}
	spin_unlock_irqrestore(&delay_lock, flags);
	if (held && delay_agent == DELAY_DEFERRED && delay_mode != DELAY_SYNC)
		return delay_defer(data);
	return held;
}

static struct flt_callback_data *delay_take_due(void)
{
	struct flt_callback_data *data;
	unsigned long flags;

	spin_lock_irqsave(&delay_lock, flags);
	data = list_first_entry_or_null(&delay_timed, struct flt_callback_data, queue_links);
	if (data && time_before(jiffies, delay_due(data))) {
		delay_arm();
		data = NULL;
	}
	if (data)
		delay_take(data);
	spin_unlock_irqrestore(&delay_lock, flags);
	return data;
}

/* After this the operation is the manager's, and may be gone. */
static void delay_finish(struct flt_callback_data *data)
{
	unsigned long flags;

	/* Its thread, or a worker, waits to see that it is off the list. */
	if (delay_mode == DELAY_SYNC || delay_agent == DELAY_DEFERRED)
		wake_up_all(&delay_wait);
	else
		delay_complete(data);

	spin_lock_irqsave(&delay_lock, flags);
	delay_counters[DELAY_RELEASED]++;
	spin_unlock_irqrestore(&delay_lock, flags);
}

static void delay_run(void)
{
	struct flt_callback_data *data;

	while ((data = delay_take_due()))
		delay_finish(data);
}

/*
 * To send an operation down, lower filters and the device are called, and may
 * sleep: not in a timer. To end it, or to let its post-operation go on, is
 * allowed anywhere.
 */
static void delay_timer_fn(struct timer_list *timer)
{
	if (delay_mode == DELAY_PRE && delay_answer != DELAY_FAIL && delay_agent == DELAY_TIMER)
		queue_delayed_work(delay_wq, &delay_work, 0);
	else
		delay_run();
}

static void delay_work_fn(struct work_struct *work)
{
	delay_run();
}

static void delay_kthread_fn(struct kthread_work *work)
{
	delay_run();
}

/* In the operation's own thread, or in the worker that has it. */
void delay_wait_released(struct flt_callback_data *data)
{
	wait_event_idle(delay_wait, list_empty_careful(&data->queue_links));
	/* Whoever took it off has let go of the lock, and of @data, too. */
	spin_lock_irq(&delay_lock);
	spin_unlock_irq(&delay_lock);
}

/* Make the oldest @n of those that wait to be told due now. */
void delay_release(unsigned long n)
{
	struct flt_callback_data *data, *next;
	unsigned long flags;

	spin_lock_irqsave(&delay_lock, flags);
	list_for_each_entry_safe(data, next, &delay_told, queue_links) {
		if (!n--)
			break;
		list_del(&data->queue_links);
		delay_insert(data, jiffies);
	}
	delay_arm();
	spin_unlock_irqrestore(&delay_lock, flags);
}

u64 delay_counter(enum delay_counter counter)
{
	unsigned long flags;
	u64 value;

	spin_lock_irqsave(&delay_lock, flags);
	value = delay_counters[counter];
	spin_unlock_irqrestore(&delay_lock, flags);
	return value;
}

void delay_drained(void)
{
	unsigned long flags;

	spin_lock_irqsave(&delay_lock, flags);
	delay_counters[DELAY_DRAINED]++;
	spin_unlock_irqrestore(&delay_lock, flags);
}

int delay_add_instance(struct flt_instance *instance)
{
	struct delay_instance *inst = kzalloc(sizeof(*inst), GFP_KERNEL);

	if (!inst)
		return -ENOMEM;
	inst->instance = instance;
	spin_lock_irq(&delay_lock);
	list_add_tail(&inst->link, &delay_instances);
	spin_unlock_irq(&delay_lock);
	return 0;
}

/* Hold back nothing more for this instance, and complete all that we do hold. */
void delay_close_instance(struct flt_instance *instance)
{
	struct flt_callback_data *data, *next;
	LIST_HEAD(ours);

	spin_lock_irq(&delay_lock);
	delay_find(instance)->going = true;
	list_for_each_entry_safe(data, next, &delay_timed, queue_links)
		if (data->filter_context[DELAY_INSTANCE] == instance)
			list_move_tail(&data->queue_links, &ours);
	list_for_each_entry_safe(data, next, &delay_told, queue_links)
		if (data->filter_context[DELAY_INSTANCE] == instance)
			list_move_tail(&data->queue_links, &ours);
	while ((data = list_first_entry_or_null(&ours, struct flt_callback_data, queue_links))) {
		delay_take(data);
		spin_unlock_irq(&delay_lock);
		delay_finish(data);
		spin_lock_irq(&delay_lock);
	}
	spin_unlock_irq(&delay_lock);
}

void delay_remove_instance(struct flt_instance *instance)
{
	struct delay_instance *inst;

	spin_lock_irq(&delay_lock);
	inst = delay_find(instance);
	list_del(&inst->link);
	spin_unlock_irq(&delay_lock);
	kfree(inst);
}

int delay_start_agent(enum delay_mode mode, enum delay_answer answer, enum delay_agent agent)
{
	delay_mode = mode;
	delay_answer = answer;
	delay_agent = agent;
	if (agent == DELAY_KTHREAD) {
		delay_worker = kthread_create_worker(0, "flt_delay");
		return PTR_ERR_OR_ZERO(delay_worker);
	}
	/* On the way of I/O that memory may be waiting for. */
	delay_wq = alloc_workqueue("flt_delay", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return delay_wq ? 0 : -ENOMEM;
}

/*
 * Only after the filter is unregistered: until then an agent may be the one to
 * complete what the manager waits for, or be on its way back from that.
 */
void delay_stop_agent(void)
{
	if (delay_agent == DELAY_KTHREAD) {
		kthread_cancel_delayed_work_sync(&delay_kthread_work);
		kthread_destroy_worker(delay_worker);
		return;
	}
	timer_shutdown_sync(&delay_timer);
	cancel_delayed_work_sync(&delay_work);
	destroy_workqueue(delay_wq);
}
