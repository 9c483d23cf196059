// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has which operation: /sys/kernel/debug/fltmgr/outstanding at any time,
 * and the log when a teardown is slow. Both read the in-flight sets and keep
 * no books of their own.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "generated.h"

/* Lines in the log for each slow teardown; debugfs has them all. */
#define FLT_SLOW_LINES	8

static struct dentry *flt_debugfs;
static unsigned int flt_slow_ms = 10000;
static bool flt_slow_ready;	/* under the lock of our parameters */
static void flt_slow_check(struct work_struct *work);
static DECLARE_DELAYED_WORK(flt_slow_work, flt_slow_check);

/* A new limit counts at once, for teardowns that wait already too. */
static int flt_slow_set(const char *val, const struct kernel_param *kp)
{
	int rc = param_set_uint(val, kp);

	if (!rc && flt_slow_ready)
		mod_delayed_work(flt_manager_wq, &flt_slow_work, msecs_to_jiffies(flt_slow_ms));
	return rc;
}

static const struct kernel_param_ops flt_slow_ops = {
	.set = flt_slow_set,
	.get = param_get_uint,
};

module_param_cb(slow_teardown_ms, &flt_slow_ops, &flt_slow_ms, 0644);
__MODULE_PARM_TYPE(slow_teardown_ms, "uint");
MODULE_PARM_DESC(slow_teardown_ms,
		 "Report what a teardown waits for after this long, and again as often (ms, default 10000, 0 never)");

/* What an operation has to do with an instance. */
enum flt_involvement {
	FLT_NOT_INVOLVED,
	FLT_IN_PRE,
	FLT_PENDED_PRE,
	FLT_OWED_POST,
	FLT_IN_POST,
	FLT_PENDED_POST,
	FLT_SAFE_POST,
	FLT_INITIATED,
};

static const char * const flt_involvement_names[] = {
	[FLT_IN_PRE] = "in pre-operation",
	[FLT_PENDED_PRE] = "pended by pre-operation",
	[FLT_OWED_POST] = "below, post-operation owed",
	[FLT_IN_POST] = "in post-operation",
	[FLT_PENDED_POST] = "pended by post-operation",
	[FLT_SAFE_POST] = "post-operation in a worker",
	[FLT_INITIATED] = "initiated, below",
};

static enum flt_involvement flt_word_involvement(unsigned long word)
{
	switch (flt_word_state(word)) {
	case FLT_OP_NOWHERE:
		return FLT_NOT_INVOLVED;
	case FLT_OP_PENDED:
		return FLT_PENDED_PRE;
	default:
		return FLT_IN_PRE;
	}
}

static enum flt_involvement flt_node_involvement(const struct flt_node *node)
{
	switch (atomic_read(&node->state) & FLT_NODE_STATE_MASK) {
	case FLT_NODE_OWED:
	case FLT_NODE_KEPT:
		return FLT_OWED_POST;
	case FLT_NODE_POSTING:
	case FLT_NODE_POST_EARLY:
	case FLT_NODE_POST_RESUMING:
		return FLT_IN_POST;
	case FLT_NODE_POST_PENDED:
		return FLT_PENDED_POST;
	case FLT_NODE_POSTED:
	case FLT_NODE_POSTED_EARLY:
	case FLT_NODE_SAFE:
	case FLT_NODE_SAFE_EARLY:
		return FLT_SAFE_POST;
	default:
		return FLT_NOT_INVOLVED;
	}
}

/* counting */

struct flt_count {
	struct flt_instance *inst;
	struct flt_involved *sum;
};

static void flt_count_one(struct flt_involved *sum, enum flt_involvement how)
{
	if (how == FLT_NOT_INVOLVED)
		return;
	sum->inflight++;
	sum->pended += how == FLT_PENDED_PRE || how == FLT_PENDED_POST;
}

static bool flt_count_visit(struct flt_operation *op, void *arg)
{
	struct flt_count *count = arg;
	unsigned long word = atomic_long_read(&op->word);
	struct flt_node *node;

	if (flt_generated_by(op) == count->inst)
		flt_count_one(count->sum, FLT_INITIATED);
	if (flt_word_instance(word) == count->inst)
		flt_count_one(count->sum, flt_word_involvement(word));
	for (node = flt_op_last(op); node; node = node->above)
		if (node->instance_id == count->inst->id)
			flt_count_one(count->sum, flt_node_involvement(node));
	return false;
}

void flt_count_involved(struct flt_instance *inst, struct flt_involved *sum)
{
	struct flt_count count = { .inst = inst, .sum = sum };

	memset(sum, 0, sizeof(*sum));
	flt_inflight_scan(inst->volume, flt_count_visit, NULL, &count);
}

/*
 * Who has pended it; NULL: nobody. With the lock of the set, and T: what has pended
 * something is there.
 */
struct flt_instance *flt_pended_by(struct flt_operation *op)
{
	unsigned long word = atomic_long_read(&op->word);
	struct flt_node *node;

	if (flt_word_instance(word))
		return flt_word_involvement(word) == FLT_PENDED_PRE ?
		       flt_word_instance(word) : NULL;
	for (node = flt_op_last(op); node; node = node->above)
		if (flt_node_involvement(node) == FLT_PENDED_POST)
			return node->instance;
	return NULL;
}

/* listing */

struct flt_record {
	u64 id;
	u32 instance_id;
	u8 class;
	u8 how;
	pid_t pid;
	unsigned int age_ms;
	void *callback;
	depot_stack_handle_t stack;	/* how it came to be there; 0: not known */
};

#define FLT_RECORDS	128

struct flt_listing {
	struct flt_instance *only;	/* NULL for all */
	unsigned int max;
	unsigned int nr;
	unsigned int total;
	struct flt_record *records;
};

static void flt_list_one(struct flt_listing *list, struct flt_operation *op, u32 id,
			 enum flt_involvement how, void *callback)
{
	struct flt_record *rec;
	struct vrf_trace trace;
	const char *what;

	if (how == FLT_NOT_INVOLVED || (list->only && list->only->id != id))
		return;
	list->total++;
	if (list->nr == list->max)
		return;
	rec = &list->records[list->nr++];
	rec->id = op->id;
	rec->instance_id = id;
	rec->class = op->class;
	rec->how = how;
	rec->pid = op->data.requestor_pid;
	rec->age_ms = jiffies_to_msecs(jiffies - op->start);
	rec->callback = callback;
	rec->stack = 0;
	if (flt_verifying() && flt_verify_op_trace(op, &trace, &what))
		rec->stack = trace.stack;
}

/*
 * An instance that an operation stands at, or owes to, is alive while the
 * list's lock is held and the word says so; a node's owner may be gone as soon
 * as the node is not owed, so only its id is read.
 */
static bool flt_list_visit(struct flt_operation *op, void *arg)
{
	struct flt_listing *list = arg;
	unsigned long word = atomic_long_read(&op->word);
	struct flt_instance *inst = flt_word_instance(word);
	struct flt_node *node;

	inst = flt_generated_by(op);
	if (inst)
		flt_list_one(list, op, inst->id, FLT_INITIATED, NULL);
	rcu_read_lock();
	word = atomic_long_read(&op->word);
	inst = flt_word_instance(word);
	if (inst)
		flt_list_one(list, op, inst->id, flt_word_involvement(word),
			     inst->pre[op->class]);
	rcu_read_unlock();
	for (node = flt_op_last(op); node; node = node->above)
		flt_list_one(list, op, node->instance_id, flt_node_involvement(node), NULL);
	return false;
}

static struct flt_instance *flt_instance_of(const struct flt_volume *volume, u32 id)
{
	struct flt_instance *inst;

	list_for_each_entry(inst, &volume->instances, volume_link)
		if (inst->id == id)
			return inst;
	return NULL;
}

/* What of the filter's has the operation, or is to have it. */
static void *flt_record_callback(const struct flt_record *rec, const struct flt_instance *inst)
{
	switch (rec->how) {
	case FLT_OWED_POST:
	case FLT_IN_POST:
	case FLT_PENDED_POST:
	case FLT_SAFE_POST:
		return inst ? inst->post[rec->class] : NULL;
	default:
		return rec->callback;
	}
}

static void flt_record_show(struct seq_file *m, const struct flt_volume *volume,
			    const struct flt_record *rec)
{
	struct flt_instance *inst = flt_instance_of(volume, rec->instance_id);
	void *callback = flt_record_callback(rec, inst);

	seq_printf(m, "%s %s %s %s %llx %u %d \"%s\" ", volume->name,
		   inst ? inst->filter->name : "-", inst ? inst->name : "-",
		   flt_class_name(rec->class), rec->id, rec->age_ms, rec->pid,
		   flt_involvement_names[rec->how]);
	if (callback)
		seq_printf(m, "%ps", callback);
	else
		seq_putc(m, '-');
	if (rec->stack)
		seq_printf(m, " %#x\n", rec->stack);
	else
		seq_puts(m, " -\n");
}

static int flt_outstanding_show(struct seq_file *m, void *unused)
{
	struct flt_listing list = { .max = FLT_RECORDS };
	struct flt_volume *volume;
	unsigned int i;

	list.records = kcalloc(FLT_RECORDS, sizeof(*list.records), GFP_KERNEL);
	if (!list.records)
		return -ENOMEM;
	seq_puts(m, "# volume filter instance operation id age_ms pid how callback stack\n");
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link) {
		list.nr = 0;
		list.total = 0;
		flt_inflight_scan(volume, flt_list_visit, NULL, &list);
		for (i = 0; i < list.nr; i++)
			flt_record_show(m, volume, &list.records[i]);
		if (list.total > list.nr)
			seq_printf(m, "# %s: %u more\n", volume->name, list.total - list.nr);
	}
	flt_runs_show(m);
	mutex_unlock(&flt_topology_lock);
	kfree(list.records);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(flt_outstanding);

/* slow teardowns */

static void flt_slow_report(struct flt_instance *inst)
{
	struct flt_record records[FLT_SLOW_LINES];
	struct flt_listing list = { .only = inst, .max = FLT_SLOW_LINES, .records = records };
	unsigned int i;

	flt_inflight_scan(inst->volume, flt_list_visit, NULL, &list);
	pr_warn("teardown of instance %s of filter %s on volume %s waits for %u operations since %u ms\n",
		inst->name, inst->filter->name, inst->volume->name, list.total,
		jiffies_to_msecs(jiffies - inst->since));
	for (i = 0; i < list.nr; i++)
		pr_warn("  %s %llx, %u ms old, of pid %d: %s %ps\n",
			flt_class_name(records[i].class), records[i].id, records[i].age_ms,
			records[i].pid, flt_involvement_names[records[i].how],
			flt_record_callback(&records[i], inst));
	flt_runs_report(inst);
}

/* Anything that drains? Report those that do so for long. */
static bool flt_slow_check_volume(struct flt_volume *volume, unsigned int limit)
{
	struct flt_instance *inst;
	bool draining = false;

	list_for_each_entry(inst, &volume->instances, volume_link) {
		if (READ_ONCE(inst->state) != FLT_INSTANCE_DRAINING)
			continue;
		draining = true;
		if (time_after_eq(jiffies, inst->since + msecs_to_jiffies(limit)))
			flt_slow_report(inst);
	}
	return draining;
}

/* Contexts that have come to their end are waited for without a word. CTX-46 */
static void flt_slow_report_filter(struct flt_filter *filter)
{
	unsigned long refs = flt_object_references(&filter->obj);
	unsigned long ends = atomic_read(&filter->context_ends);

	if (refs <= ends)
		return;
	pr_warn("unregistration of filter %s waits for %lu references since %u ms\n",
		filter->name, refs - ends, jiffies_to_msecs(jiffies - filter->refs_since));
	flt_context_report(filter);
}

/* Any filter that waits for references? Report those that do so for long. */
static bool flt_slow_check_filters(unsigned int limit)
{
	struct flt_filter *filter;
	bool waits = false;

	list_for_each_entry(filter, &flt_filters, link) {
		if (!filter->refs_waited)
			continue;
		waits = true;
		if (time_after_eq(jiffies, filter->refs_since + msecs_to_jiffies(limit)))
			flt_slow_report_filter(filter);
	}
	return waits;
}

static void flt_slow_check(struct work_struct *work)
{
	unsigned int limit = READ_ONCE(flt_slow_ms);
	struct flt_volume *volume;
	bool again = false;

	if (!limit)
		return;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link)
		again |= flt_slow_check_volume(volume, limit);
	again |= flt_slow_check_filters(limit);
	mutex_unlock(&flt_topology_lock);
	if (again)
		queue_delayed_work(flt_manager_wq, &flt_slow_work, msecs_to_jiffies(limit));
}

/* A teardown begins to wait. */
void flt_outstanding_kick(void)
{
	unsigned int limit = READ_ONCE(flt_slow_ms);

	if (limit)
		queue_delayed_work(flt_manager_wq, &flt_slow_work, msecs_to_jiffies(limit));
	if (flt_verifying())
		flt_verify_kick();
}

int flt_outstanding_init(void)
{
	flt_debugfs = debugfs_create_dir("fltmgr", NULL);
	debugfs_create_file("outstanding", 0400, flt_debugfs, NULL, &flt_outstanding_fops);
	flt_verify_debugfs(flt_debugfs);
	kernel_param_lock(THIS_MODULE);
	flt_slow_ready = true;
	kernel_param_unlock(THIS_MODULE);
	return 0;
}

void flt_outstanding_exit(void)
{
	debugfs_remove_recursive(flt_debugfs);
	kernel_param_lock(THIS_MODULE);
	flt_slow_ready = false;
	kernel_param_unlock(THIS_MODULE);
	cancel_delayed_work_sync(&flt_slow_work);
}
