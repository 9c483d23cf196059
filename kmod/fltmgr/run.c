// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routines of filters that a worker is to run, or runs: who waits for which, and
 * what is said about it in debugfs and in the log.
 */
#include <linux/hashtable.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "internal.h"

/* Routines in debugfs, and in the log for a slow teardown. */
#define FLT_RUN_LINES	128
#define FLT_RUN_REPORTS	8

DEFINE_SPINLOCK(flt_work_lock);
LIST_HEAD(flt_runs);		/* K: what is queued or runs, oldest first */

/*
 * Routines that a teardown waits for and that run: deferred and safe ones. Not
 * generic ones: no teardown waits for those. Nor drained post-operations, which may
 * wait for another instance's: see flt_call_drained().
 */
static bool flt_run_is_waited_for(const struct flt_run *run)
{
	return run->kind != FLT_RUN_GENERIC && run->kind != FLT_RUN_DRAINED;
}

static DEFINE_HASHTABLE(flt_running, 6);	/* K: by task */
static atomic_t flt_nr_running;

/* Called with the lock. */
void flt_run_starts(struct flt_run *run)
{
	run->task = current;
	if (!flt_run_is_waited_for(run))
		return;
	atomic_inc(&flt_nr_running);
	hash_add(flt_running, &run->hash, (unsigned long)current);
}

/* Called with the lock. */
void flt_run_ends(struct flt_run *run)
{
	list_del(&run->link);
	if (!flt_run_is_waited_for(run))
		return;
	hash_del(&run->hash);
	atomic_dec(&flt_nr_running);
}

static void flt_run_add(struct flt_run *run)
{
	spin_lock_irq(&flt_work_lock);
	list_add_tail(&run->link, &flt_runs);
	flt_run_starts(run);
	spin_unlock_irq(&flt_work_lock);
}

/*
 * This task begins to run something of @inst's filter that a teardown waits for.
 * In any context: where nobody could wait, nobody has to know.
 */
void flt_run_begin(struct flt_run *run, enum flt_run_kind kind, struct flt_instance *inst)
{
	*run = (struct flt_run){
		.kind = kind,
		.filter = inst->filter,
		.inst = inst,
		.since = jiffies,
	};
	if (flt_could_wait())
		flt_run_add(run);
}

/* The post-operation of @inst is called next, with @copy. PASSIVE */
void flt_run_begin_drained(struct flt_run *run, const struct flt_drain_copy *copy,
			   struct flt_instance *inst)
{
	*run = (struct flt_run){
		.kind = FLT_RUN_DRAINED,
		.filter = inst->filter,
		.inst = inst,
		.op_id = copy->op_id,
		.class = copy->class,
		.routine = inst->post[copy->class],
		.since = jiffies,
	};
	flt_run_add(run);
}

void flt_run_end(struct flt_run *run)
{
	if (!run->task)
		return;
	spin_lock_irq(&flt_work_lock);
	flt_run_ends(run);
	spin_unlock_irq(&flt_work_lock);
}

/* What this task runs, of @filter or, with NULL, of any. Any context. */
static bool flt_run_find(const struct flt_filter *filter)
{
	struct flt_run *run;
	unsigned long flags;
	bool found = false;

	spin_lock_irqsave(&flt_work_lock, flags);
	hash_for_each_possible(flt_running, run, hash, (unsigned long)current)
		if (run->task == current && (!filter || run->filter == filter))
			found = true;
	spin_unlock_irqrestore(&flt_work_lock, flags);
	return found;
}

/* Does this task run a routine that a teardown of the filter's waits for? DET-06 */
bool flt_run_on_stack(const struct flt_filter *filter)
{
	return flt_run_find(filter);
}

/* Are we inside such a routine, of any filter? An interrupt is not. */
bool flt_run_here(void)
{
	/* If it is us, we have counted ourselves. */
	return in_task() && atomic_read(&flt_nr_running) && flt_run_find(NULL);
}

/* diagnostics */

static const char *flt_run_name(const struct flt_run *run)
{
	if (run->kind == FLT_RUN_DRAINED)
		return "in drained post-operation";
	if (run->kind == FLT_RUN_DEFERRED)
		return run->task ? "in deferred routine" : "deferred routine queued";
	return run->task ? "in generic routine" : "generic routine queued";
}

/* What keeps a teardown or an unregistration, beside operations. Others are those. */
void flt_runs_show(struct seq_file *m)
{
	unsigned int lines = 0;
	struct flt_run *run;

	spin_lock_irq(&flt_work_lock);
	list_for_each_entry(run, &flt_runs, link) {
		/* Those are operations, and listed as such. */
		if (run->kind == FLT_RUN_SAFE || run->kind == FLT_RUN_OWN)
			continue;
		if (lines++ == FLT_RUN_LINES) {
			seq_puts(m, "# more routines\n");
			break;
		}
		seq_printf(m, "%s %s %s %s %llx %u %d \"%s\" %ps -\n",
			   run->inst ? run->inst->volume->name : "-", run->filter->name,
			   run->inst ? run->inst->name : "-",
			   run->op_id ? flt_class_name(run->class) : "-", run->op_id,
			   jiffies_to_msecs(jiffies - run->since),
			   run->task ? task_pid_nr(run->task) : 0, flt_run_name(run),
			   run->routine);
	}
	spin_unlock_irq(&flt_work_lock);
}

/* A teardown waits for it, and it is in no list of operations. */
static bool flt_run_is_listed(const struct flt_run *run)
{
	return run->kind == FLT_RUN_DEFERRED || run->kind == FLT_RUN_DRAINED;
}

/* How many that a teardown of @inst waits for are queued or run. */
unsigned int flt_runs_of(const struct flt_instance *inst)
{
	struct flt_run *run;
	unsigned int n = 0;

	spin_lock_irq(&flt_work_lock);
	list_for_each_entry(run, &flt_runs, link)
		n += run->inst == inst && flt_run_is_listed(run);
	spin_unlock_irq(&flt_work_lock);
	return n;
}

/* The routines that a slow teardown waits for, beside operations. */
void flt_runs_report(const struct flt_instance *inst)
{
	unsigned int lines = 0;
	struct flt_run *run;

	spin_lock_irq(&flt_work_lock);
	list_for_each_entry(run, &flt_runs, link) {
		if (run->inst != inst || !flt_run_is_listed(run))
			continue;
		if (lines++ == FLT_RUN_REPORTS)
			break;
		pr_warn("  %s %llx, since %u ms: %s %ps\n", flt_class_name(run->class),
			run->op_id, jiffies_to_msecs(jiffies - run->since),
			flt_run_name(run), run->routine);
	}
	spin_unlock_irq(&flt_work_lock);
}
