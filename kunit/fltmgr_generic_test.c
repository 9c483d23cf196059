// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic work items: whose they are, what waits for them, and how an item is
 * used, used again, and used wrongly.
 */
#include <linux/module.h>
#include <linux/sched/prio.h>
#include <linux/workqueue.h>

#include "testfault.h"
#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b;
static struct gate gate;
static struct completion done;
static struct flt_generic_workitem *item;

static struct {
	atomic_t runs, running;
	int most;			/* at once */
	bool worker, could_sleep;
	int nice, rc;
	void *item, *object, *context;
} ran;

static int generic_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	gate_init(&gate);
	init_completion(&done);
	memset(&ran, 0, sizeof(ran));
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	item = flt_allocate_generic_work_item();
	KUNIT_ASSERT_NOT_NULL(test, item);
	return 0;
}

/* At most that many routines at once. */
static void limit(enum flt_work_queue_type queue, int n)
{
	workqueue_set_max_active(flt_item_wqs[FLT_RUN_GENERIC][queue], n);
}

static void generic_exit(struct kunit *test)
{
	gate_open(&gate);
	limit(CriticalWorkQueue, WQ_MAX_ACTIVE);
	limit(DelayedWorkQueue, WQ_MAX_ACTIVE);
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	/* Nothing is queued any more. */
	flt_free_generic_work_item(item);
	flt_sim_destroy(sim);
}

static void *detach_thread(void *arg)
{
	struct tf *tf = arg;

	return (void *)(long)flt_detach_volume(tf->filter, volume, NULL);
}

static void *unregister_thread(void *arg)
{
	tf_unregister(arg);
	return NULL;
}

static void note_run(struct flt_generic_workitem *run, void *object, void *context)
{
	ran.worker = current->flags & PF_WQ_WORKER;
	ran.could_sleep = preemptible() && !rcu_preempt_depth();
	ran.nice = task_nice(current);
	ran.item = run;
	ran.object = object;
	ran.context = context;
	atomic_inc(&ran.runs);
}

static void once(struct flt_generic_workitem *run, void *object, void *context)
{
	note_run(run, object, context);
	complete(&done);
}

static void stay(struct flt_generic_workitem *run, void *object, void *context)
{
	note_run(run, object, context);
	gate_pass(&gate);
	complete(&done);
}

static int queue(void *object, flt_generic_workitem_routine routine)
{
	return flt_queue_generic_work_item(item, object, routine, DelayedWorkQueue, &ran);
}

static void wait_done(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&done, TF_WAIT));
}

/* Until the manager has let go of it: then nobody but us knows the item. */
static void wait_unreferenced(struct kunit *test, void *object)
{
	tf_wait_until(test, references(object) == 0);
}

/* WRK-01, WRK-03, WRK-09: of a filter, from where interrupts are off */
static void an_item_of_a_filter(struct kunit *test)
{
	int rc;

	local_irq_disable();
	rc = flt_queue_generic_work_item(item, a.filter, once, CriticalWorkQueue, &ran);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, rc, 0);
	wait_done(test);
	KUNIT_EXPECT_TRUE(test, ran.worker);
	KUNIT_EXPECT_TRUE(test, ran.could_sleep);
	KUNIT_EXPECT_EQ(test, ran.nice, MIN_NICE);
	KUNIT_EXPECT_PTR_EQ(test, ran.item, (void *)item);
	KUNIT_EXPECT_PTR_EQ(test, ran.object, (void *)a.filter);
	KUNIT_EXPECT_PTR_EQ(test, ran.context, (void *)&ran);
	wait_unreferenced(test, a.filter);
}

/* WRK-01, WRK-03, WRK-09: of an instance, with the same item */
static void an_item_of_an_instance(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);

	KUNIT_EXPECT_EQ(test, queue(inst, once), 0);
	wait_done(test);
	KUNIT_EXPECT_PTR_EQ(test, ran.object, (void *)inst);
	KUNIT_EXPECT_EQ(test, ran.nice, 0);
	wait_unreferenced(test, inst);
	KUNIT_EXPECT_EQ(test, queue(a.filter, once), 0);
	wait_done(test);
	KUNIT_EXPECT_PTR_EQ(test, ran.object, (void *)a.filter);
	wait_unreferenced(test, a.filter);
}

/* WRK-03, WRK-09: no other owner, queue or routine; nothing is kept */
static void others_are_refused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	KUNIT_EXPECT_EQ(test, queue(volume, once), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, queue(NULL, once), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, queue(a.filter, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_queue_generic_work_item(NULL, a.filter, once, DelayedWorkQueue,
							  NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_queue_generic_work_item(item, a.filter, once,
							  HyperCriticalWorkQueue, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_queue_generic_work_item(item, a.filter, once, -1, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, references((struct flt_object *)a.filter), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* WRK-01: in atomic context */
static void no_memory_is_null(struct kunit *test)
{
	struct flt_deferred_io_workitem *deferred;
	struct flt_generic_workitem *generic;
	bool failed[2];

	if (fault_init()) {
		kunit_skip(test, "allocations cannot be made to fail");
		return;
	}
	local_irq_disable();
	fault_arm_atomic(1);
	generic = flt_allocate_generic_work_item();
	failed[0] = fault_disarm();
	fault_arm_atomic(1);
	deferred = flt_allocate_deferred_io_work_item();
	failed[1] = fault_disarm();
	local_irq_enable();
	fault_exit();
	KUNIT_EXPECT_TRUE(test, failed[0]);
	KUNIT_EXPECT_TRUE(test, failed[1]);
	KUNIT_EXPECT_NULL(test, generic);
	KUNIT_EXPECT_NULL(test, deferred);
	/* As kfree() takes it. */
	flt_free_generic_work_item(generic);
	flt_free_deferred_io_work_item(deferred);
}

static void free_and_go_on(struct flt_generic_workitem *run, void *object, void *context)
{
	note_run(run, object, context);
	flt_free_generic_work_item(run);
	item = NULL;
	gate_pass(&gate);
	complete(&done);
}

/* WRK-01: its own routine frees it, and runs on */
static void freed_by_its_routine(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	KUNIT_EXPECT_EQ(test, queue(a.filter, free_and_go_on), 0);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, references((struct flt_object *)a.filter), 1);
	gate_open(&gate);
	wait_done(test);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

/* WRK-01: by somebody else, while it runs; a second time, and to queue it then, is an error */
static void freed_while_it_runs(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	KUNIT_EXPECT_EQ(test, queue(a.filter, stay), 0);
	gate_wait(test, &gate);
	flt_free_generic_work_item(item);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
	flt_free_generic_work_item(item);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_EQ(test, queue(a.filter, once), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	item = NULL;
	gate_open(&gate);
	wait_done(test);
	wait_unreferenced(test, a.filter);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 1);
}

static void again(struct flt_generic_workitem *run, void *object, void *context)
{
	int now = atomic_inc_return(&ran.running);

	ran.most = max(ran.most, now);
	note_run(run, object, context);
	if (atomic_read(&ran.runs) < 4) {
		/* On the one queue and on the other. */
		ran.rc |= flt_queue_generic_work_item(run, object, again,
						      atomic_read(&ran.runs) & 1 ?
						      CriticalWorkQueue : DelayedWorkQueue,
						      context);
	} else {
		complete(&done);
	}
	atomic_dec(&ran.running);
}

/* WRK-01: queued again by its own routine; one run after the other */
static void used_again_by_its_routine(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	KUNIT_EXPECT_EQ(test, queue(a.filter, again), 0);
	wait_done(test);
	KUNIT_EXPECT_EQ(test, ran.rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 4);
	KUNIT_EXPECT_EQ(test, ran.most, 1);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
	wait_unreferenced(test, a.filter);
}

static void wait_for_another(struct flt_generic_workitem *run, void *object, void *context)
{
	struct flt_generic_workitem *other;

	flt_free_generic_work_item(run);
	other = flt_allocate_generic_work_item();
	item = other;
	ran.rc = flt_queue_generic_work_item(other, object, once, DelayedWorkQueue, context);
	/* A work item that is taken for the one that runs would not begin. */
	if (!wait_for_completion_timeout(&done, TF_WAIT))
		ran.rc = STATUS_TIMEOUT;
	complete_all(&gate.reached);
}

/* WRK-01: frees its item, and waits for a new one, which is not taken for the old one */
static void a_new_item_runs_beside_it(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, queue(a.filter, wait_for_another), 0);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, ran.rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 1);
	wait_unreferenced(test, a.filter);
}

/* An item of @tf that runs and fills the queue, and then ours, of @object, behind it. */
static struct flt_generic_workitem *queue_behind(struct kunit *test, struct tf *tf, void *object)
{
	struct flt_generic_workitem *first = flt_allocate_generic_work_item();

	KUNIT_ASSERT_NOT_NULL(test, first);
	limit(DelayedWorkQueue, 1);
	KUNIT_ASSERT_EQ(test, flt_queue_generic_work_item(first, tf->filter, stay,
							  DelayedWorkQueue, NULL), 0);
	gate_wait(test, &gate);
	KUNIT_ASSERT_EQ(test, queue(object, once), 0);
	return first;
}

/* WRK-12: freed or queued again while it is queued: refused and reported, and it runs once */
static void misused_while_queued(struct kunit *test)
{
	struct flt_generic_workitem *first = queue_behind(test, &b, a.filter);
	unsigned int before = flt_violation_count();

	KUNIT_EXPECT_EQ(test, queue(b.filter, stay), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	flt_free_generic_work_item(item);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	KUNIT_EXPECT_EQ(test, references((struct flt_object *)a.filter), 1);
	KUNIT_EXPECT_EQ(test, references((struct flt_object *)b.filter), 1);
	gate_open(&gate);
	wait_done(test);
	wait_done(test);
	wait_unreferenced(test, a.filter);
	wait_unreferenced(test, b.filter);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 2);
	KUNIT_EXPECT_PTR_EQ(test, ran.object, (void *)a.filter);
	flt_free_generic_work_item(first);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
}

/* WRK-10, URG-05, URG-03, INV-05: unregistration waits for a routine that runs */
static void unregister_waits_for_the_routine(struct kunit *test)
{
	struct flt_filter *filter = a.filter;

	KUNIT_EXPECT_EQ(test, queue(filter, stay), 0);
	gate_wait(test, &gate);
	helper_start(test, 0, unregister_thread, &a);
	tf_wait_until(test, completion_waited_for(&filter->refs_gone));
	/* Instances do not wait for it. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	helper_join(test, 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&done));
}

/* WRK-10, WRK-12, URG-05: and for one that is queued, so that none is left when it returns */
static void unregister_waits_for_a_queued_item(struct kunit *test)
{
	struct flt_generic_workitem *first = queue_behind(test, &b, a.filter);
	unsigned int before = flt_violation_count();
	struct flt_filter *filter = a.filter;

	helper_start(test, 0, unregister_thread, &a);
	tf_wait_until(test, completion_waited_for(&filter->refs_gone));
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 1);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 2);
	wait_unreferenced(test, b.filter);
	flt_free_generic_work_item(first);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

static int queued_in_start, queued_on_filter;

static void queue_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	queued_in_start = queue(objs->instance, once);
	queued_on_filter = queue(objs->filter, once);
}

/* WRK-09, URG-09, TDN-11: both go */
static void not_of_a_filter_that_is_going(struct kunit *test)
{
	a.on_start = queue_in_start;
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, queued_in_start, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, queued_on_filter, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&ran.runs), 0);
}

/* WRK-09, TDN-11: the instance goes, and its filter stays */
static void not_of_an_instance_that_is_going(struct kunit *test)
{
	a.on_start = queue_in_start;
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, queued_in_start, STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, queued_on_filter, 0);
	wait_done(test);
	wait_unreferenced(test, a.filter);
	a.on_start = NULL;
}

/* INV-04, WRK-10, TDN-25, REF-09: the exception: it runs on after teardown_complete */
static void outlives_teardown_complete(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);

	KUNIT_EXPECT_EQ(test, queue(inst, stay), 0);
	gate_wait(test, &gate);
	helper_start(test, 0, detach_thread, &a);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	/* Its end is put off, and so is its filter's. */
	KUNIT_EXPECT_EQ(test, READ_ONCE(inst->state), FLT_INSTANCE_COMPLETED);
	helper_start(test, 1, unregister_thread, &a);
	tf_wait_until(test, queue_waited_for(&a.filter->wait));
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	gate_open(&gate);
	helper_join(test, 1);
	KUNIT_EXPECT_TRUE(test, completion_done(&done));
}

static void detach_it(struct flt_generic_workitem *run, void *object, void *context)
{
	ran.rc = flt_detach_volume(a.filter, volume, NULL);
	note_run(run, object, context);
	complete(&done);
}

/* DET-07, WRK-10: it may detach its own instance, and waits for that */
static void detached_from_its_generic_routine(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, queue(tf_instance(&a, volume), detach_it), 0);
	wait_done(test);
	KUNIT_EXPECT_EQ(test, ran.rc, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	/* The item is ours again when the filter has none. */
	tf_unregister(&a);
}

static struct kunit_case generic_cases[] = {
	KUNIT_CASE(an_item_of_a_filter),
	KUNIT_CASE(an_item_of_an_instance),
	KUNIT_CASE(others_are_refused),
	KUNIT_CASE(no_memory_is_null),
	KUNIT_CASE(freed_by_its_routine),
	KUNIT_CASE(freed_while_it_runs),
	KUNIT_CASE(used_again_by_its_routine),
	KUNIT_CASE(a_new_item_runs_beside_it),
	KUNIT_CASE(misused_while_queued),
	KUNIT_CASE(unregister_waits_for_the_routine),
	KUNIT_CASE(unregister_waits_for_a_queued_item),
	KUNIT_CASE(not_of_a_filter_that_is_going),
	KUNIT_CASE(not_of_an_instance_that_is_going),
	KUNIT_CASE(outlives_teardown_complete),
	KUNIT_CASE(detached_from_its_generic_routine),
	{}
};

static struct kunit_suite generic_suite = {
	.name = "fltmgr_generic",
	.init = generic_init,
	.exit = generic_exit,
	.test_cases = generic_cases,
};

kunit_test_suite(generic_suite);

MODULE_DESCRIPTION("Tests of generic work items");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
