// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier: callbacks. Each that runs in a task is noted, so that it is known
 * whose code calls the manager, and what a wait from inside it would wait for;
 * and one that returns has to leave the context as it found it. VRF-11x, INV-04,
 * INV-05, INV-18
 *
 * F, flt_frame_lock, irq-safe: the callbacks that run. Nothing is taken inside.
 */
#include <linux/hashtable.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "internal.h"

static DEFINE_SPINLOCK(flt_frame_lock);
static DEFINE_HASHTABLE(flt_frames, 6);		/* F: by task, the innermost first */

const char * const flt_unload_what = "unload callback";

static void flt_frame_note(struct flt_frame *frame)
{
	unsigned long flags;

	frame->task = NULL;
	if (!in_task())
		return;
	frame->task = current;
	spin_lock_irqsave(&flt_frame_lock, flags);
	hash_add(flt_frames, &frame->hash, (unsigned long)current);
	spin_unlock_irqrestore(&flt_frame_lock, flags);
}

/* INV-04, INV-05: what is over is not called again. */
static void flt_frame_check(const struct flt_frame *frame)
{
	struct flt_instance *inst = frame->inst;

	if (READ_ONCE(frame->filter->state) == FLT_FILTER_GONE)
		flt_violation("INV-05", frame->filter, inst, "%s called after unregistration",
			      frame->what);
	else if (inst && READ_ONCE(inst->state) >= FLT_INSTANCE_COMPLETED &&
		 inst->verify.completed)	/* and not only refused by setup */
		flt_violation("INV-04", frame->filter, inst, "%s called after teardown_complete",
			      frame->what);
}

static int flt_lock_depth(void)
{
	return lockdep_depth(current);
}

/* @what of @filter is called next. @inst: NULL if it may be gone when it returns. */
void flt_frame_begin(struct flt_frame *frame, struct flt_filter *filter,
		     struct flt_instance *inst, const char *what)
{
	frame->filter = filter;
	frame->inst = inst;
	frame->what = what;
	flt_frame_note(frame);
	if (filter->verified)
		flt_frame_check(frame);
	frame->rcu = rcu_preempt_depth();
	frame->irqs_off = irqs_disabled();
	frame->locks = flt_lock_depth();
	frame->preempt = preempt_count();
}

/* What the callback has changed, in words; NULL: nothing. */
static const char *flt_frame_change(const struct flt_frame *frame)
{
	if (unlikely(preempt_count() != frame->preempt))
		return irqs_disabled() != frame->irqs_off ? "with a spinlock held, or the like" :
		       preempt_count() > (unsigned int)frame->preempt ?
		       "with preemption disabled" : "with preemption enabled";
	if (unlikely(irqs_disabled() != frame->irqs_off))
		return frame->irqs_off ? "with interrupts enabled" : "with interrupts disabled";
	if (unlikely(rcu_preempt_depth() != frame->rcu))
		return rcu_preempt_depth() > frame->rcu ? "inside an RCU read section" :
		       "out of its caller's RCU read section";
	if (unlikely(flt_lock_depth() > frame->locks && debug_locks))
		return "with a lock held";
	return NULL;
}

/*
 * As the callback found it. A lock that is held cannot be dropped for it, and where
 * it has left its caller's RCU read section there is no way back.
 */
static void flt_frame_mend(const struct flt_frame *frame)
{
	while (rcu_preempt_depth() > frame->rcu) {
		__acquire(RCU);
		rcu_read_unlock();
	}
	if (preempt_count() != frame->preempt)
		preempt_count_set(frame->preempt);
	if (irqs_disabled() == frame->irqs_off)
		return;
	if (frame->irqs_off)
		local_irq_disable();
	else
		local_irq_enable();
}

/* It has returned; its filter may be what it held up, and is looked at no more. */
void flt_frame_end(struct flt_frame *frame)
{
	const char *change = flt_frame_change(frame);
	unsigned long flags;

	if (frame->task) {
		spin_lock_irqsave(&flt_frame_lock, flags);
		hash_del(&frame->hash);
		spin_unlock_irqrestore(&flt_frame_lock, flags);
	}
	if (likely(!change) || !frame->filter->verified)
		return;
	flt_frame_mend(frame);
	flt_violation("VRF-11x", frame->filter, NULL, "%s returned %s", frame->what, change);
}

/* The filter whose callback runs here, NULL if none does. */
struct flt_filter *flt_frame_filter(void)
{
	struct flt_filter *filter = NULL;
	struct flt_frame *frame;
	unsigned long flags;

	if (!in_task())
		return NULL;
	spin_lock_irqsave(&flt_frame_lock, flags);
	hash_for_each_possible(flt_frames, frame, hash, (unsigned long)current) {
		if (frame->task != current)
			continue;
		filter = frame->filter;
		break;
	}
	spin_unlock_irqrestore(&flt_frame_lock, flags);
	return filter;
}

/*
 * What this task runs of @filter's, but its unload callback; of @inst only, if
 * that is not NULL. NULL: nothing.
 */
const char *flt_frame_of(const struct flt_filter *filter, const struct flt_instance *inst)
{
	const char *what = NULL;
	struct flt_frame *frame;
	unsigned long flags;

	if (!in_task())
		return NULL;
	spin_lock_irqsave(&flt_frame_lock, flags);
	hash_for_each_possible(flt_frames, frame, hash, (unsigned long)current)
		if (frame->task == current && frame->filter == filter &&
		    (!inst || frame->inst == inst) && frame->what != flt_unload_what)
			what = frame->what;
	spin_unlock_irqrestore(&flt_frame_lock, flags);
	return what;
}

/* Reported if the caller may not sleep, as far as the kernel knows. VRF-11m */
bool flt_verify_passive(const char *function)
{
	struct vrf_owner *owner;
	bool certain, ours;

	if (IS_ENABLED(CONFIG_PREEMPT_COUNT) ?
	    preemptible() && !rcu_preempt_depth() : !irqs_disabled() && in_task())
		return true;
	owner = flt_verify_caller(&certain);
	ours = !owner || owner->verified;
	if (ours)
		flt_blame(&(struct flt_blame){ .rule = "VRF-11m", .owner = owner },
			  "%s called where it may not sleep", function);
	vrf_owner_put(owner);
	return !ours;
}

/* By somebody else, or by what it would wait for? Reported and refused. URG-02 */
bool flt_verify_unregister(struct flt_filter *filter)
{
	const char *what = flt_frame_of(filter, NULL);
	struct vrf_owner *owner;
	bool certain, foreign;

	if (what) {
		flt_violation("URG-02", filter, NULL, "unregisters inside its own %s", what);
		return false;
	}
	owner = flt_verify_caller(&certain);
	foreign = owner && certain && owner->module != filter->owner;
	if (foreign)
		flt_blame(&(struct flt_blame){ .rule = "URG-02", .owner = owner },
			  "unregisters filter %s", filter->name);
	vrf_owner_put(owner);
	return !foreign;
}

/* False: the teardown of @inst waits for what the caller is in. Reported. INV-18 */
bool flt_verify_wait(struct flt_instance *inst)
{
	const char *what = flt_frame_of(inst->filter, inst);

	if (!what)
		return true;
	flt_violation("INV-18", NULL, inst, "detached inside its own %s, which cannot wait for it",
		      what);
	return false;
}

/* False: the filter asks for its own unload, inside of what that waits for. UNL-13 */
bool flt_verify_unload(struct flt_filter *filter)
{
	const char *what = flt_frame_of(filter, NULL);

	if (!what)
		return true;
	flt_violation("UNL-13", filter, NULL, "asks to be unloaded inside its own %s", what);
	return false;
}
