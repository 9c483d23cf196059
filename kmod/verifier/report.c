// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports: one form for all, in the log and in debugfs.
 *
 *	violation RULE: who and what
 *	  effect, pid 77 (fio):
 *	    frame
 *	  cause, taken by pid 12, 340 ms before:
 *	    frame
 *
 * The last ones are kept. A rule can be answered, by a line "RULE once", "RULE
 * never" or "RULE always" written to debugfs's violations: what is reported no
 * more is not counted either. VRF-07, VRF-08
 */
#include <linux/debugfs.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <kunit/visibility.h>

#include "verifier.h"

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#define VRF_KEPT	64
#define VRF_ANSWERS	32
#define VRF_FRAMES	24

struct vrf_entry {
	char rule[VRF_RULE_SIZE];
	char head[VRF_HEAD_SIZE];
	struct vrf_trace effect;
	struct vrf_trace cause;
	const char *what;		/* the cause did; NULL: there is none */
	char comm[TASK_COMM_LEN];
};

enum vrf_answer {
	VRF_ALWAYS,
	VRF_ONCE,
	VRF_NEVER,
};

static const char * const vrf_answer_names[] = {
	[VRF_ALWAYS] = "always",
	[VRF_ONCE] = "once",
	[VRF_NEVER] = "never",
};

static DEFINE_SPINLOCK(vrf_report_lock);
static struct vrf_entry vrf_entries[VRF_KEPT];		/* P */
static unsigned int vrf_total;				/* P */
static struct {
	char rule[VRF_RULE_SIZE];
	enum vrf_answer answer;
} vrf_answers[VRF_ANSWERS];				/* P */
static unsigned int vrf_nr_answers;			/* P */

static const char * const vrf_action_names[] = {
	[VRF_REPORT] = "report",
	[VRF_REFUSE] = "refuse",
	[VRF_PANIC] = "panic",
};

static enum vrf_action vrf_act;

static int vrf_action_set(const char *val, const struct kernel_param *kp)
{
	int action = sysfs_match_string(vrf_action_names, val);

	if (action < 0)
		return action;
	WRITE_ONCE(vrf_act, action);
	return 0;
}

static int vrf_action_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", vrf_action_names[vrf_action()]);
}

static const struct kernel_param_ops vrf_action_ops = {
	.set = vrf_action_set,
	.get = vrf_action_get,
};

module_param_cb(verifier_action, &vrf_action_ops, NULL, 0644);
__MODULE_PARM_TYPE(verifier_action, "report|refuse|panic");
MODULE_PARM_DESC(verifier_action,
		 "What follows a violation: report it; refuse the culprit new instances or devices too; panic");

enum vrf_action vrf_action(void)
{
	return READ_ONCE(vrf_act);
}

/* This task, its stack, and now. */
void vrf_trace_here(struct vrf_trace *trace)
{
	unsigned long frames[VRF_FRAMES];
	unsigned int nr = stack_trace_save(frames, VRF_FRAMES, 2);

	trace->stack = stack_depot_save(frames, nr, GFP_ATOMIC | __GFP_NOWARN);
	trace->pid = in_task() ? current->pid : 0;
	trace->when = jiffies;
}

/* Called with the lock. */
static enum vrf_answer *vrf_answer_of(const char *rule)
{
	unsigned int i;

	for (i = 0; i < vrf_nr_answers; i++)
		if (!strcmp(vrf_answers[i].rule, rule))
			return &vrf_answers[i].answer;
	return NULL;
}

/* Called with the lock. Is it to be reported? */
static bool vrf_wanted(const char *rule)
{
	enum vrf_answer *answer = vrf_answer_of(rule);

	if (!answer || *answer == VRF_ALWAYS)
		return true;
	if (*answer == VRF_NEVER)
		return false;
	*answer = VRF_NEVER;
	return true;
}

static void vrf_print_stack(depot_stack_handle_t stack)
{
	unsigned long *frames;
	unsigned int i, nr = stack ? stack_depot_fetch(stack, &frames) : 0;

	for (i = 0; i < nr; i++)
		pr_err("    %pS\n", (void *)frames[i]);
}

static void vrf_print(const struct vrf_entry *entry)
{
	pr_err("violation %s: %s\n", entry->rule, entry->head);
	if (entry->effect.stack) {
		pr_err("  effect, pid %d (%s):\n", entry->effect.pid, entry->comm);
		vrf_print_stack(entry->effect.stack);
	}
	if (entry->what) {
		pr_err("  cause, %s by pid %d, %u ms before:\n", entry->what, entry->cause.pid,
		       jiffies_to_msecs(entry->effect.when - entry->cause.when));
		vrf_print_stack(entry->cause.stack);
	}
}

/*
 * A rule was broken. @head says who and what; @stacks: how we came here is of
 * use; @cause, if not NULL: who did what @what says. False if nobody wants to
 * hear it.
 */
bool vrf_report(const char *rule, const char *head, bool stacks,
		const struct vrf_trace *cause, const char *what)
{
	struct vrf_entry *entry;
	struct vrf_entry copy;
	unsigned long flags;
	bool wanted;

	memset(&copy, 0, sizeof(copy));
	strscpy(copy.rule, rule, sizeof(copy.rule));
	strscpy(copy.head, head, sizeof(copy.head));
	vrf_trace_here(&copy.effect);
	if (!stacks)
		copy.effect.stack = 0;
	if (cause) {
		copy.cause = *cause;
		copy.what = what;
	}
	strscpy(copy.comm, in_task() ? current->comm : "interrupt", sizeof(copy.comm));

	spin_lock_irqsave(&vrf_report_lock, flags);
	wanted = vrf_wanted(copy.rule);
	if (wanted) {
		entry = &vrf_entries[vrf_total++ % VRF_KEPT];
		*entry = copy;
	}
	spin_unlock_irqrestore(&vrf_report_lock, flags);
	if (!wanted)
		return false;
	vrf_print(&copy);
	if (vrf_action() == VRF_PANIC)
		panic(KBUILD_MODNAME ": violation %s: %s\n", copy.rule, copy.head);
	return true;
}

/* How many there were. */
unsigned int vrf_reports(void)
{
	return READ_ONCE(vrf_total);
}

/* The last one, as "RULE: who and what". */
void vrf_last_report(char *text, size_t size)
{
	struct vrf_entry *entry;
	unsigned long flags;

	*text = 0;
	spin_lock_irqsave(&vrf_report_lock, flags);
	if (vrf_total) {
		entry = &vrf_entries[(vrf_total - 1) % VRF_KEPT];
		snprintf(text, size, "%s: %s", entry->rule, entry->head);
	}
	spin_unlock_irqrestore(&vrf_report_lock, flags);
}

void vrf_seq_stack(struct seq_file *m, depot_stack_handle_t stack, const char *indent)
{
	unsigned long *frames;
	unsigned int i, nr = stack ? stack_depot_fetch(stack, &frames) : 0;

	for (i = 0; i < nr; i++)
		seq_printf(m, "%s%pS\n", indent, (void *)frames[i]);
}

static void vrf_seq_entry(struct seq_file *m, const struct vrf_entry *entry)
{
	seq_printf(m, "\nviolation %s: %s\n", entry->rule, entry->head);
	if (entry->effect.stack) {
		seq_printf(m, "  effect, pid %d (%s):\n", entry->effect.pid, entry->comm);
		vrf_seq_stack(m, entry->effect.stack, "    ");
	}
	if (entry->what) {
		seq_printf(m, "  cause, %s by pid %d, %u ms before:\n", entry->what,
			   entry->cause.pid,
			   jiffies_to_msecs(entry->effect.when - entry->cause.when));
		vrf_seq_stack(m, entry->cause.stack, "    ");
	}
}

static int vrf_violations_show(struct seq_file *m, void *unused)
{
	struct vrf_entry *entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	unsigned int n, total;

	if (!entry)
		return -ENOMEM;
	total = vrf_reports();
	seq_printf(m, "# violations %u\n", total);
	for (n = total > VRF_KEPT ? total - VRF_KEPT : 0; n < total; n++) {
		spin_lock_irq(&vrf_report_lock);
		*entry = vrf_entries[n % VRF_KEPT];
		spin_unlock_irq(&vrf_report_lock);
		vrf_seq_entry(m, entry);
	}
	kfree(entry);
	return 0;
}

static int vrf_violations_open(struct inode *inode, struct file *file)
{
	return single_open(file, vrf_violations_show, NULL);
}

static int vrf_set_answer(const char *rule, enum vrf_answer answer)
{
	enum vrf_answer *known;
	int rc = 0;

	spin_lock_irq(&vrf_report_lock);
	known = vrf_answer_of(rule);
	if (known) {
		*known = answer;
	} else if (vrf_nr_answers == VRF_ANSWERS) {
		rc = -ENOSPC;
	} else {
		strscpy(vrf_answers[vrf_nr_answers].rule, rule, VRF_RULE_SIZE);
		vrf_answers[vrf_nr_answers++].answer = answer;
	}
	spin_unlock_irq(&vrf_report_lock);
	return rc;
}

/* "RULE once|never|always"; cut to pieces. 0 or an errno. */
int vrf_answer_text(char *text)
{
	char *word = strim(text), *rule = strsep(&word, " ");
	int answer;

	if (!word || strlen(rule) < 6 || strlen(rule) >= VRF_RULE_SIZE)
		return -EINVAL;
	answer = match_string(vrf_answer_names, ARRAY_SIZE(vrf_answer_names), word);
	if (answer < 0)
		return -EINVAL;
	return vrf_set_answer(rule, answer);
}
EXPORT_SYMBOL_IF_KUNIT(vrf_answer_text);

static ssize_t vrf_violations_write(struct file *file, const char __user *from, size_t count,
				    loff_t *pos)
{
	char text[32];
	int rc;

	if (!count || count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = 0;
	rc = vrf_answer_text(text);
	return rc ? rc : count;
}

static const struct file_operations vrf_violations_fops = {
	.owner = THIS_MODULE,
	.open = vrf_violations_open,
	.read = seq_read,
	.write = vrf_violations_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void vrf_report_debugfs(struct dentry *dir)
{
	debugfs_create_file("violations", 0600, dir, NULL, &vrf_violations_fops);
}
