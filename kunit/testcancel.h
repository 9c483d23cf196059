/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of cancel routines: a filter B that gives its operations one, and
 * what became of it.
 */
#ifndef _FLTMGR_TESTCANCEL_H
#define _FLTMGR_TESTCANCEL_H

#include "testpair.h"

/* What the cancel routine does, and what was seen of it. */
static struct {
	atomic_t calls;
	bool leave;			/* do not complete: the case does */
	bool post;			/* it was pended by the post-operation */
	struct gate *gate;		/* to pass when all is done */
	struct task_struct *task;
	bool could_sleep, noio;
	struct flt_callback_data *data;
} routine;

static int set_rc;			/* what setting it said */
static struct flt_callback_data *last;	/* what B's callback was called with */

static inline int cancel_test_init(struct kunit *test)
{
	memset(&routine, 0, sizeof(routine));
	set_rc = 1;
	last = NULL;
	pair_init(test);
	pair_register(test);
	return 0;
}

static inline void cancel_test_exit(struct kunit *test)
{
	tf_race_disarm();
	helpers_stop();
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	if (flt_sim_op_done(op)) {
		a.nr_pended = 0;
		b.nr_pended = 0;
	}
	a.complete_in_start = true;
	b.complete_in_start = true;
	pair_exit(test);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static inline void give_up(struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	data->io_status.information = 0;
	if (routine.post)
		flt_complete_pended_postoperation(data);
	else
		flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

static inline void the_routine(struct flt_callback_data *data)
{
	tf_log("B", "x");
	routine.task = current;
	routine.could_sleep = preemptible() && !rcu_preempt_depth();
	routine.noio = current->flags & PF_MEMALLOC_NOIO;
	routine.data = data;
	if (!routine.leave)
		give_up(data);
	/* Last, for a case that waits for it; the operation may be gone. */
	atomic_inc(&routine.calls);
	if (routine.gate)
		gate_pass(routine.gate);
}

static inline int set_routine(struct tf *tf, struct flt_callback_data *data,
			      const struct flt_related_objects *objs, int status)
{
	last = data;
	set_rc = flt_set_cancel_completion(data, the_routine);
	return status;
}

/* B pends the operation, with the routine. */
static inline void pend_with_routine(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	b.on_pre = set_routine;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_ASSERT_EQ(test, set_rc, 0);
}

#endif /* _FLTMGR_TESTCANCEL_H */
