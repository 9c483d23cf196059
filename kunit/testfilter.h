/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: filters that do as they are told and keep a log of
 * what happened, threads to do things in, and race points to park them at.
 *
 * The log is a line of words, each a filter's name and what happened:
 *
 *	A>	pre-operation		A[	teardown_start
 *	A<	post-operation		A]	teardown_complete
 *	A!	drained post-operation	A?	setup
 *	Aq	query_teardown		Au	unload callback
 *
 * so that order is tested as text: tf_expect_log(test, "A> B> B< A<").
 */
#ifndef _FLTMGR_TESTFILTER_H
#define _FLTMGR_TESTFILTER_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/flt_sim.h>
#include <linux/fltmgr.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "../kmod/fltmgr/internal.h"

#define TF_WAIT		(20 * HZ)	/* a test that gets there has failed */
#define TF_PENDED	64

struct tf {
	const char *name;
	struct flt_registration reg;
	struct flt_instance_definition defs[4];
	struct flt_operation_registration ops[FLT_NR_CLASSES + 1];
	struct flt_filter *filter;

	/* what to answer; may be changed at any time */
	int pre_status;			/* WITH_CALLBACK */
	int post_status;		/* FINISHED_PROCESSING */
	int setup_status;		/* 0 */
	int query_status;		/* 0 */
	int unload_status;		/* 0 */
	bool unload_forgets;		/* to unregister */
	void *context;			/* completion context; default the tf */
	int complete_status;		/* io_status for PREOP_COMPLETE */
	bool complete_in_start;		/* complete what is pended in teardown_start */

	/* called after the log entry was made, if set */
	int (*on_pre)(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, int status);
	int (*on_post)(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, u32 flags, int status);
	void (*on_start)(struct tf *tf, const struct flt_related_objects *objs);
	void (*on_complete)(struct tf *tf, const struct flt_related_objects *objs);
	int (*on_setup)(struct tf *tf, const struct flt_related_objects *objs, int status);
	int (*on_query)(struct tf *tf, const struct flt_related_objects *objs, int status);

	/* what was seen */
	atomic_t pres, posts, drains, setups, queries, starts, completes, unloads;
	u32 setup_flags, reason, unload_flags, post_flags;
	const char *volume_type;
	void *seen_context;		/* of the last post-op */
	struct flt_callback_data seen;	/* the last post-op's data, copied */
	struct flt_io_parameter_block seen_iopb;
	bool post_in_task, post_could_sleep;
	struct task_struct *pre_task, *post_task, *start_task;

	/* what is pended, oldest first */
	spinlock_t lock;
	struct flt_callback_data *pended[TF_PENDED];
	unsigned int nr_pended;
};

static char tf_log_text[2048];
static DEFINE_SPINLOCK(tf_log_lock);

static inline void tf_log_clear(void)
{
	unsigned long flags;

	spin_lock_irqsave(&tf_log_lock, flags);
	tf_log_text[0] = 0;
	spin_unlock_irqrestore(&tf_log_lock, flags);
}

static inline void tf_log(const char *name, const char *what)
{
	unsigned long flags;

	spin_lock_irqsave(&tf_log_lock, flags);
	if (tf_log_text[0])
		strlcat(tf_log_text, " ", sizeof(tf_log_text));
	strlcat(tf_log_text, name, sizeof(tf_log_text));
	strlcat(tf_log_text, what, sizeof(tf_log_text));
	spin_unlock_irqrestore(&tf_log_lock, flags);
}

#define tf_expect_log(test, text) KUNIT_EXPECT_STREQ(test, tf_log_text, text)

static inline struct tf *tf_of(const struct flt_filter *filter)
{
	return container_of(filter->reg, struct tf, reg);
}

static inline int tf_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
			 void **context)
{
	struct tf *tf = tf_of(objs->filter);
	int status = tf->pre_status;
	unsigned long flags;

	atomic_inc(&tf->pres);
	tf->pre_task = current;
	tf_log(tf->name, ">");
	if (tf->on_pre)
		status = tf->on_pre(tf, data, objs, status);
	if (status == FLT_PREOP_PENDING) {
		spin_lock_irqsave(&tf->lock, flags);
		if (tf->nr_pended < TF_PENDED)
			tf->pended[tf->nr_pended++] = data;
		spin_unlock_irqrestore(&tf->lock, flags);
	}
	if (status == FLT_PREOP_SUCCESS_WITH_CALLBACK || status == FLT_PREOP_SYNCHRONIZE)
		*context = tf->context;
	if (status == FLT_PREOP_COMPLETE)
		data->io_status.status = tf->complete_status;
	return status;
}

static inline int tf_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
			  void *context, u32 post_flags)
{
	struct tf *tf = tf_of(objs->filter);
	bool draining = post_flags & FLTFL_POST_OPERATION_DRAINING;
	int status = draining ? FLT_POSTOP_FINISHED_PROCESSING : tf->post_status;
	unsigned long flags;

	atomic_inc(draining ? &tf->drains : &tf->posts);
	tf->post_flags = post_flags;
	tf->seen_context = context;
	tf->seen = *data;
	tf->seen_iopb = *data->iopb;
	tf->post_task = current;
	tf->post_in_task = in_task();
	tf->post_could_sleep = preemptible() && !rcu_preempt_depth();
	tf_log(tf->name, draining ? "!" : "<");
	if (tf->on_post)
		status = tf->on_post(tf, data, objs, post_flags, status);
	if (status == FLT_POSTOP_MORE_PROCESSING_REQUIRED && !draining) {
		spin_lock_irqsave(&tf->lock, flags);
		if (tf->nr_pended < TF_PENDED)
			tf->pended[tf->nr_pended++] = data;
		spin_unlock_irqrestore(&tf->lock, flags);
	}
	return status;
}

/* Take the oldest pended operation, NULL if there is none. */
static inline struct flt_callback_data *tf_take(struct tf *tf)
{
	struct flt_callback_data *data = NULL;
	unsigned long flags;

	spin_lock_irqsave(&tf->lock, flags);
	if (tf->nr_pended) {
		data = tf->pended[0];
		tf->nr_pended--;
		memmove(tf->pended, tf->pended + 1, tf->nr_pended * sizeof(data));
	}
	spin_unlock_irqrestore(&tf->lock, flags);
	return data;
}

/* Complete the oldest pended pre-operation. False if none is pended. */
static inline bool tf_resume(struct tf *tf, int status)
{
	struct flt_callback_data *data = tf_take(tf);

	if (!data)
		return false;
	if (status == FLT_PREOP_COMPLETE)
		data->io_status.status = tf->complete_status;
	flt_complete_pended_preoperation(data, status,
					 status == FLT_PREOP_SUCCESS_WITH_CALLBACK ?
					 tf->context : NULL);
	return true;
}

static inline int tf_setup(const struct flt_related_objects *objs, u32 flags, const char *type)
{
	struct tf *tf = tf_of(objs->filter);
	int status = tf->setup_status;

	atomic_inc(&tf->setups);
	tf->setup_flags = flags;
	tf->volume_type = type;
	tf_log(tf->name, "?");
	return tf->on_setup ? tf->on_setup(tf, objs, status) : status;
}

static inline int tf_query(const struct flt_related_objects *objs, u32 flags)
{
	struct tf *tf = tf_of(objs->filter);
	int status = tf->query_status;

	atomic_inc(&tf->queries);
	tf_log(tf->name, "q");
	return tf->on_query ? tf->on_query(tf, objs, status) : status;
}

static inline void tf_start(const struct flt_related_objects *objs, u32 reason)
{
	struct tf *tf = tf_of(objs->filter);

	atomic_inc(&tf->starts);
	tf->reason = reason;
	tf->start_task = current;
	tf_log(tf->name, "[");
	if (tf->on_start)
		tf->on_start(tf, objs);
	while (tf->complete_in_start && tf_resume(tf, FLT_PREOP_SUCCESS_NO_CALLBACK))
		;
}

static inline void tf_complete(const struct flt_related_objects *objs, u32 reason)
{
	struct tf *tf = tf_of(objs->filter);

	atomic_inc(&tf->completes);
	tf->reason = reason;
	tf_log(tf->name, "]");
	if (tf->on_complete)
		tf->on_complete(tf, objs);
}

static inline int tf_unload(struct flt_filter *filter, u32 flags)
{
	struct tf *tf = tf_of(filter);

	atomic_inc(&tf->unloads);
	tf->unload_flags = flags;
	tf_log(tf->name, "u");
	if (!flt_status_is_error(tf->unload_status) && !tf->unload_forgets)
		flt_unregister_filter(filter);
	return tf->unload_status;
}

/* All callbacks, all classes; change tf->reg before tf_register() for less. */
static inline void tf_init(struct tf *tf, const char *name, const char *altitude)
{
	static const u8 majors[FLT_NR_CLASSES] = {
		IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS, FLT_MJ_DISCARD,
		FLT_MJ_SECURE_ERASE, FLT_MJ_WRITE_ZEROES,
	};
	int i;

	memset(tf, 0, sizeof(*tf));
	tf->name = name;
	tf->context = tf;
	spin_lock_init(&tf->lock);
	for (i = 0; i < FLT_NR_CLASSES; i++) {
		tf->ops[i].major_function = majors[i];
		tf->ops[i].pre_operation = tf_pre;
		tf->ops[i].post_operation = tf_post;
	}
	tf->ops[i].major_function = IRP_MJ_OPERATION_END;
	tf->defs[0].name = name;
	tf->defs[0].altitude = altitude;
	tf->reg.size = sizeof(tf->reg);
	tf->reg.version = FLT_REGISTRATION_VERSION;
	tf->reg.name = name;
	tf->reg.instances = tf->defs;
	tf->reg.operation_registration = tf->ops;
	tf->reg.filter_unload_callback = tf_unload;
	tf->reg.instance_setup_callback = tf_setup;
	tf->reg.instance_query_teardown_callback = tf_query;
	tf->reg.instance_teardown_start_callback = tf_start;
	tf->reg.instance_teardown_complete_callback = tf_complete;
}

/* No pre-operation, or no post-operation, for any class. */
static inline void tf_without_pre(struct tf *tf)
{
	int i;

	for (i = 0; i < FLT_NR_CLASSES; i++)
		tf->ops[i].pre_operation = NULL;
}

static inline void tf_without_post(struct tf *tf)
{
	int i;

	for (i = 0; i < FLT_NR_CLASSES; i++)
		tf->ops[i].post_operation = NULL;
	tf->pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* Register and start; the volumes that exist are attached when this returns. */
static inline int tf_register(struct tf *tf)
{
	int rc = flt_register_filter(THIS_MODULE, &tf->reg, &tf->filter);

	return rc ? rc : flt_start_filtering(tf->filter);
}

static inline void tf_unregister(struct tf *tf)
{
	flt_unregister_filter(tf->filter);
	tf->filter = NULL;
}

/* At the end of a case, which may have unregistered it, or never registered it. */
static inline void tf_drop(struct tf *tf)
{
	if (tf->filter)
		tf_unregister(tf);
}

/* An instance of the filter on the volume, unreferenced; NULL if none. */
static inline struct flt_instance *tf_instance(struct tf *tf, struct flt_volume *volume)
{
	struct flt_instance *inst, *found = NULL;

	/* The lists are stable here: the test is the only one to change them. */
	list_for_each_entry(inst, &volume->instances, volume_link)
		if (inst->filter == tf->filter)
			found = inst;
	return found;
}

/* threads */

struct tf_thread {
	struct task_struct *task;
	void *(*fn)(void *arg);
	void *arg;
	void *result;
	struct completion done;
};

static inline int tf_thread_main(void *data)
{
	struct tf_thread *thread = data;

	thread->result = thread->fn(thread->arg);
	complete(&thread->done);
	/* Stay until it is waited for, so that kthread_stop() is always right. */
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static inline void tf_thread_start(struct kunit *test, struct tf_thread *thread,
				   void *(*fn)(void *arg), void *arg)
{
	thread->fn = fn;
	thread->arg = arg;
	init_completion(&thread->done);
	thread->task = kthread_run(tf_thread_main, thread, "tf");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread->task);
}

static inline bool tf_thread_done(struct tf_thread *thread)
{
	return completion_done(&thread->done);
}

/* Wait for the thread's function to return; fails the test after TF_WAIT. */
static inline void *tf_thread_join(struct kunit *test, struct tf_thread *thread)
{
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&thread->done, TF_WAIT));
	kthread_stop(thread->task);
	return thread->result;
}

/* Wait until a condition holds; fails the test after TF_WAIT. */
#define tf_wait_until(test, condition) do {					\
	unsigned long __end = jiffies + TF_WAIT;				\
	bool __holds;								\
	while (!(__holds = (condition)) && time_before(jiffies, __end))		\
		schedule_timeout_uninterruptible(1);				\
	KUNIT_ASSERT_TRUE_MSG(test, __holds, "never came true: " #condition);	\
} while (0)

/* race points: two places to park at, each the first thread that gets there */

struct tf_race {
	const char *name;		/* where to park, NULL for nowhere */
	const void *subject;		/* operation, node or instance; NULL for any */
	int cpu;			/* to wait on, if it is not atomic there; or -1 */
	bool reached;
	bool go;
	void (*action)(void *arg);	/* done there instead of parking, if set */
	void *arg;
};

static struct tf_race tf_races[2];

/* Spins where the point is atomic: needs a second CPU. */
static inline void tf_race_park(struct tf_race *race)
{
	bool atomic = !preemptible() || rcu_preempt_depth();

	if (!atomic && race->cpu >= 0)
		set_cpus_allowed_ptr(current, cpumask_of(race->cpu));
	/* Pairs with the release in tf_race_slot_go(). */
	while (!smp_load_acquire(&race->go)) {
		if (atomic)
			cpu_relax();
		else
			schedule_timeout_uninterruptible(1);
	}
	if (!atomic && race->cpu >= 0)
		set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static inline void tf_race_hook(const char *name, const void *subject)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tf_races); i++) {
		struct tf_race *race = &tf_races[i];
		const char *at = READ_ONCE(race->name);

		if (!at || strcmp(at, name) || (race->subject && race->subject != subject))
			continue;
		if (xchg(&race->reached, true))
			continue;	/* the first one only */
		if (race->action)
			race->action(race->arg);
		else
			tf_race_park(race);
		return;
	}
}

static inline void tf_race_arm_slot(int slot, const char *name, const void *subject, int cpu,
				    void (*action)(void *arg), void *arg)
{
	struct tf_race *race = &tf_races[slot];

	WRITE_ONCE(race->name, NULL);
	race->subject = subject;
	race->cpu = cpu;
	race->reached = false;
	race->go = false;
	race->action = action;
	race->arg = arg;
	/* Pairs with the reads in tf_race_hook(): the rest is set before the name. */
	smp_wmb();
	WRITE_ONCE(race->name, name);
	flt_race_set_hook(tf_race_hook);
}

static inline void tf_race_arm(const char *name, const void *subject)
{
	tf_race_arm_slot(0, name, subject, -1, NULL, NULL);
}

/* Do something at the point, in its thread, instead of parking there. */
static inline void tf_race_arm_action(const char *name, void (*action)(void *arg), void *arg)
{
	tf_race_arm_slot(0, name, NULL, -1, action, arg);
}

static inline bool tf_race_slot_reached(int slot)
{
	return READ_ONCE(tf_races[slot].reached);
}

static inline bool tf_race_reached(void)
{
	return tf_race_slot_reached(0);
}

static inline void tf_race_slot_go(int slot)
{
	/* Pairs with the acquire in tf_race_park(). */
	smp_store_release(&tf_races[slot].go, true);
}

static inline void tf_race_go(void)
{
	tf_race_slot_go(0);
}

static inline void tf_race_disarm(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tf_races); i++) {
		WRITE_ONCE(tf_races[i].name, NULL);
		tf_race_slot_go(i);
	}
	flt_race_set_hook(NULL);
}

/* A volume on which nobody was asked to attach: filters do when they are registered. */
static inline struct flt_sim *tf_sim(struct kunit *test, const char *name)
{
	struct flt_sim *sim = flt_sim_create_unoffered(name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sim);
	return sim;
}

/* It ends, once, with that. */
static inline void tf_expect_ended(struct kunit *test, struct flt_sim_op *op, int status)
{
	KUNIT_ASSERT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->status, status);
	KUNIT_EXPECT_EQ(test, op->ended.count, 1);
}

/* One operation from start to end on a volume whose device does not hold. */
static inline int tf_io(struct kunit *test, struct flt_sim *sim, enum flt_class class)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, class, 4096, 4096, GFP_KERNEL);
	int status;

	KUNIT_ASSERT_NOT_NULL(test, op);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_ASSERT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->ended.count, 1);
	status = op->status;
	flt_sim_op_free(op);
	return status;
}

#endif /* _FLTMGR_TESTFILTER_H */
