// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: what a pre-operation says, changes, and leaves behind.
 */
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "rogue.h"

static void rogue_no_undo(void)
{
}

static const struct rogue_undo rogue_nothing = { .undo = rogue_no_undo };

static int rogue_pre_unknown(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	return rogue_good() ? FLT_PREOP_SUCCESS_NO_CALLBACK : 77;
}

static int rogue_pre_no_post(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	return rogue_good() ? FLT_PREOP_SUCCESS_NO_CALLBACK : FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static int rogue_pre_context(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	*context = (void *)&rogue_nothing;
	return rogue_good() ? FLT_PREOP_SUCCESS_WITH_CALLBACK : FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_complete_pending(struct flt_callback_data *data,
				  const struct flt_related_objects *objs, void **context)
{
	data->io_status.status = rogue_good() ? STATUS_ACCESS_DENIED : STATUS_PENDING;
	data->io_status.information = 0;
	return FLT_PREOP_COMPLETE;
}

static int rogue_change_unmarked(struct flt_callback_data *data,
				 const struct flt_related_objects *objs, void **context)
{
	data->iopb->parameters.read.byte_offset += 512;
	if (rogue_good())
		flt_set_callback_data_dirty(data);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* There is no right way to change these: they are only to be looked at. */
static int rogue_change_thread(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **context)
{
	if (!rogue_good())
		data->requestor_pid++;
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_change_target(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **context)
{
	if (!rogue_good())
		data->iopb->target_instance = NULL;
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_change_length(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **context)
{
	if (rogue_good())
		data->iopb->parameters.read.byte_offset += 512;
	else
		data->iopb->parameters.read.length -= 512;
	flt_set_callback_data_dirty(data);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* Where it may sleep, and where it may not. */
static int rogue_atomic_call(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void **context)
{
	bool right = rogue_good();
	struct flt_callback_data *own;

	if (!right)
		preempt_disable();
	if (!flt_allocate_callback_data(objs->instance, NULL, &own))
		flt_free_callback_data(own);
	if (!right)
		preempt_enable();
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_leave_preempt(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **context)
{
	bool right = rogue_good();

	preempt_disable();
	if (right)
		preempt_enable();
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_leave_irqs(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void **context)
{
	bool right = rogue_good();

	local_irq_disable();
	if (right)
		local_irq_enable();
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_leave_rcu(struct flt_callback_data *data,
			   const struct flt_related_objects *objs, void **context)
{
	bool right = rogue_good();

	rcu_read_lock();
	if (right)
		rcu_read_unlock();
	else
		__release(RCU);	/* which is wrong, but meant */
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static DEFINE_MUTEX(rogue_mutex);

static void rogue_unlock(void)
{
	mutex_unlock(&rogue_mutex);
}

static const struct rogue_undo rogue_locked = { .undo = rogue_unlock };

/* The manager cannot drop it for us: the post-operation does, in the same thread. */
static int rogue_leave_lock(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void **context)
{
	mutex_lock(&rogue_mutex);
	if (rogue_good())
		mutex_unlock(&rogue_mutex);
	else
		*context = (void *)&rogue_locked;
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

const struct rogue_mode rogue_pre_modes[] = {
	{ .name = "pre-unknown", .rule = "PRE-21", .pre = rogue_pre_unknown,
	  .wrong = "its pre-operation returns a status that is none" },
	{ .name = "pre-no-post", .rule = "PRE-11", .pre_write = rogue_pre_no_post,
	  .wrong = "wants a post-operation that it has not registered" },
	{ .name = "pre-context", .rule = "PRE-22", .pre = rogue_pre_context,
	  .wrong = "leaves a completion context and wants no post-operation" },
	{ .name = "complete-pending", .rule = "PRE-12", .pre = rogue_complete_pending,
	  .wrong = "completes an operation with a status that is not final" },
	{ .name = "change-unmarked", .rule = "MOD-01", .pre = rogue_change_unmarked,
	  .wrong = "changes a parameter and does not say so" },
	{ .name = "change-thread", .rule = "OPC-05", .pre = rogue_change_thread,
	  .wrong = "changes who has sent the operation" },
	{ .name = "change-target", .rule = "OPC-06", .pre = rogue_change_target,
	  .wrong = "changes the target instance" },
	{ .name = "change-length", .rule = "MOD-01", .pre = rogue_change_length,
	  .wrong = "changes a parameter that cannot be changed" },
	{ .name = "atomic-call", .rule = "VRF-11m", .pre = rogue_atomic_call,
	  .wrong = "calls what sleeps with preemption disabled" },
	{ .name = "leave-preempt", .rule = "VRF-11x", .pre = rogue_leave_preempt,
	  .wrong = "returns with preemption disabled" },
	{ .name = "leave-irqs", .rule = "VRF-11x", .pre = rogue_leave_irqs,
	  .wrong = "returns with interrupts disabled" },
	{ .name = "leave-lock", .rule = "VRF-11x", .pre = rogue_leave_lock,
	  .wrong = "returns with a mutex locked (lockdep knows)" },
	{ .name = "leave-rcu", .rule = "VRF-11x", .pre = rogue_leave_rcu,
	  .wrong = "returns inside an RCU read section" },
	{ }
};
