// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated volumes from a shell, for authors of filters who have no disk to
 * spare. In /sys/kernel/debug/flt_sim/:
 *
 *	create			"NAME": make a volume
 *	destroy			"NAME": end it; what is held fails with EIO
 *	NAME/submit		"CLASS OFFSET LENGTH [wait]": issue an operation;
 *				CLASS is read, write, flush, discard, secure_erase
 *				or write_zeroes; OFFSET and LENGTH are bytes;
 *				with "wait", the write ends when the operation
 *				does, and fails as it fails
 *	NAME/hold		1: the device holds what arrives; 0: it does not
 *	NAME/context		where it completes what it does not hold:
 *				process, worker, softirq or hardirq
 *	NAME/release		"ID|all [CONTEXT [STATUS]]": complete what is held;
 *				STATUS is 0 or a negative errno
 *	NAME/cancel		"all": cancel what is with filters
 *	NAME/status		the volume's state, then one line per operation
 *
 * For example:
 *
 *	cd /sys/kernel/debug/flt_sim
 *	echo vol > create
 *	echo 1 > vol/hold
 *	echo write 0 4096 > vol/submit
 *	cat vol/status
 *	echo all hardirq > vol/release
 *	echo vol > destroy
 *
 * Errors of a write: EINVAL it cannot be understood; E2BIG it is too long;
 * ENAMETOOLONG likewise for a name; EEXIST the name is taken; ENOENT there is
 * no such volume or operation; EBUSY the operation is not held by the device;
 * EAGAIN too many operations are on their way; ESHUTDOWN the volume is going;
 * EINTR a signal ended the wait, the operation goes on. While there are volumes,
 * rmmod says EBUSY.
 */
#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sim.h"

#define FLT_SIM_MAX_LINE	128
#define FLT_SIM_MAX_WORDS	4
#define FLT_SIM_MAX_INFLIGHT	1024
#define FLT_SIM_MAX_ENDED	64

/* A volume that was made from a shell. */
struct flt_sim_shell {
	struct list_head link;		/* flt_sim_shells */
	struct flt_sim *sim;
	struct dentry *dir;
	bool going;			/* under flt_sim_shells_lock */
	struct mutex lock;		/* ops */
	struct list_head ops;		/* of struct flt_sim_shell_op, oldest first */
	char name[];
};

struct flt_sim_shell_op {
	struct list_head link;
	struct flt_sim_op *op;
};

static struct dentry *flt_sim_root;
static LIST_HEAD(flt_sim_shells);
static DEFINE_MUTEX(flt_sim_shells_lock);

static const char * const flt_sim_class_names[] = {
	[FLT_CLASS_READ] = "read",
	[FLT_CLASS_WRITE] = "write",
	[FLT_CLASS_FLUSH] = "flush",
	[FLT_CLASS_DISCARD] = "discard",
	[FLT_CLASS_SECURE_ERASE] = "secure_erase",
	[FLT_CLASS_WRITE_ZEROES] = "write_zeroes",
};

static const char * const flt_sim_context_names[] = {
	[FLT_SIM_PROCESS] = "process",
	[FLT_SIM_WORKER] = "worker",
	[FLT_SIM_SOFTIRQ] = "softirq",
	[FLT_SIM_HARDIRQ] = "hardirq",
};

static struct flt_sim_shell *flt_sim_shell_of(struct file *file)
{
	return file_inode(file)->i_private;
}

/* One line from user space, without its newline; to be freed. */
static char *flt_sim_get_line(const char __user *buf, size_t count, size_t max, int too_long)
{
	char *line;

	if (count > max + 1)
		return ERR_PTR(too_long);
	line = memdup_user_nul(buf, count);
	if (IS_ERR(line))
		return line;
	if (count && line[count - 1] == '\n')
		line[--count] = '\0';
	if (strlen(line) != count || count > max) {
		int err = count > max ? too_long : -EINVAL;

		kfree(line);
		return ERR_PTR(err);
	}
	return line;
}

/* Words of @line, which is cut up; -EINVAL if there are more than @max. */
static int flt_sim_split(char *line, char **words, int max)
{
	char *word;
	int n = 0;

	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (n == max)
			return -EINVAL;
		words[n++] = word;
	}
	return n;
}

/* A name that can be a directory and a word. */
static bool flt_sim_name_valid(const char *name)
{
	const char *p;

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (p = name; *p; p++)
		if (!isgraph(*p) || *p == '/')
			return false;
	return true;
}

static struct flt_sim_shell *flt_sim_shell_find(const char *name)
{
	struct flt_sim_shell *shell;

	list_for_each_entry(shell, &flt_sim_shells, link)
		if (!strcmp(shell->name, name))
			return shell;
	return NULL;
}

/* "create" and "destroy" are names that no volume can have. */
static bool flt_sim_name_taken(const char *name)
{
	struct dentry *file = debugfs_lookup(name, flt_sim_root);

	dput(file);
	return file || flt_sim_shell_find(name);
}

static ssize_t flt_sim_submit_write(struct file *file, const char __user *buf,
				    size_t count, loff_t *ppos)
{
	struct flt_sim_shell *shell = flt_sim_shell_of(file);
	char *words[FLT_SIM_MAX_WORDS];
	struct flt_sim_shell_op *entry, *old, *next;
	unsigned int ended = 0;
	struct flt_sim_op *op;
	u64 offset, length;
	int n, class, err;
	bool wait;
	char *line;

	line = flt_sim_get_line(buf, count, FLT_SIM_MAX_LINE, -E2BIG);
	if (IS_ERR(line))
		return PTR_ERR(line);
	n = flt_sim_split(line, words, FLT_SIM_MAX_WORDS);
	wait = n == 4 && !strcmp(words[3], "wait");
	class = n >= 3 ? match_string(flt_sim_class_names, FLT_NR_CLASSES, words[0]) : -EINVAL;
	if (class < 0 || (n == 4 && !wait) ||
	    kstrtou64(words[1], 0, &offset) || kstrtou64(words[2], 0, &length)) {
		kfree(line);
		return -EINVAL;
	}
	kfree(line);

	if (flt_sim_inflight(shell->sim) >= FLT_SIM_MAX_INFLIGHT)
		return -EAGAIN;
	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	op = flt_sim_op_alloc(shell->sim, class, offset, length, GFP_KERNEL);
	if (IS_ERR(op)) {
		kfree(entry);
		return PTR_ERR(op);
	}

	/* Listed first, so that it can be seen while a filter keeps this thread. */
	entry->op = op;
	kref_get(&op->ref);
	mutex_lock(&shell->lock);
	list_add_tail(&entry->link, &shell->ops);
	list_for_each_entry_safe_reverse(old, next, &shell->ops, link) {
		if (!flt_sim_op_done(old->op) || ++ended <= FLT_SIM_MAX_ENDED)
			continue;
		list_del(&old->link);
		flt_sim_op_free(old->op);
		kfree(old);
	}
	mutex_unlock(&shell->lock);

	err = flt_sim_start(op);
	if (!err && wait) {
		err = wait_for_completion_killable(&op->done) ? -EINTR : op->status;
		err = min(err, 0);
	}
	flt_sim_op_free(op);
	return err ?: count;
}

static ssize_t flt_sim_release_write(struct file *file, const char __user *buf,
				     size_t count, loff_t *ppos)
{
	struct flt_sim_shell *shell = flt_sim_shell_of(file);
	char *words[FLT_SIM_MAX_WORDS];
	int n, context = FLT_SIM_PROCESS, status = 0, err = -EINVAL;
	char *line;
	u64 id;

	line = flt_sim_get_line(buf, count, FLT_SIM_MAX_LINE, -E2BIG);
	if (IS_ERR(line))
		return PTR_ERR(line);
	n = flt_sim_split(line, words, 3);
	if (n < 1)
		goto out;
	if (n >= 2)
		context = match_string(flt_sim_context_names, FLT_SIM_NR_CONTEXTS, words[1]);
	if (context < 0 || (n == 3 && (kstrtoint(words[2], 0, &status) || status > 0)))
		goto out;
	if (!strcmp(words[0], "all"))
		err = min(flt_sim_release_all(shell->sim, context, status), 0);
	else if (!kstrtou64(words[0], 0, &id))
		err = flt_sim_release_id(shell->sim, id, context, status);
out:
	kfree(line);
	return err ?: count;
}

static ssize_t flt_sim_cancel_write(struct file *file, const char __user *buf,
				    size_t count, loff_t *ppos)
{
	struct flt_sim_shell *shell = flt_sim_shell_of(file);
	char *line = flt_sim_get_line(buf, count, FLT_SIM_MAX_LINE, -E2BIG);
	bool all;

	if (IS_ERR(line))
		return PTR_ERR(line);
	all = !strcmp(line, "all");
	kfree(line);
	if (!all)
		return -EINVAL;
	flt_sim_cancel(shell->sim);
	return count;
}

static ssize_t flt_sim_hold_write(struct file *file, const char __user *buf,
				  size_t count, loff_t *ppos)
{
	struct flt_sim_shell *shell = flt_sim_shell_of(file);
	bool hold;
	int err = kstrtobool_from_user(buf, count, &hold);

	if (err)
		return err;
	flt_sim_set_hold(shell->sim, hold);
	return count;
}

static int flt_sim_hold_show(struct seq_file *m, void *unused)
{
	struct flt_sim_shell *shell = m->private;

	seq_printf(m, "%d\n", READ_ONCE(shell->sim->hold));
	return 0;
}

static ssize_t flt_sim_context_write(struct file *file, const char __user *buf,
				     size_t count, loff_t *ppos)
{
	struct flt_sim_shell *shell = flt_sim_shell_of(file);
	char *line = flt_sim_get_line(buf, count, FLT_SIM_MAX_LINE, -E2BIG);
	int context;

	if (IS_ERR(line))
		return PTR_ERR(line);
	context = match_string(flt_sim_context_names, FLT_SIM_NR_CONTEXTS, line);
	kfree(line);
	if (context < 0)
		return context;
	flt_sim_set_context(shell->sim, context);
	return count;
}

static int flt_sim_context_show(struct seq_file *m, void *unused)
{
	struct flt_sim_shell *shell = m->private;

	seq_printf(m, "%s\n", flt_sim_context_names[READ_ONCE(shell->sim->context)]);
	return 0;
}

static void flt_sim_op_show(struct seq_file *m, struct flt_sim_op *op)
{
	struct flt_sim *sim = op->sim;
	unsigned long flags;
	const char *where;

	spin_lock_irqsave(&sim->lock, flags);
	if (op->ended.count)
		where = "ended";
	else if (!list_empty(&op->held_link))
		where = "held";
	else if (op->submitted.count)
		where = "completing";
	else if (op->started)
		where = "filters";
	else
		where = "new";
	spin_unlock_irqrestore(&sim->lock, flags);

	seq_printf(m, "op %llu %s %llu %llu %s", op->id, flt_sim_class_names[op->class],
		   op->byte_offset, op->length, where);
	if (flt_sim_op_done(op))
		seq_printf(m, " %d %lu %s %d", op->status, op->information,
			   flt_sim_context_names[op->ended.context], op->ended.pid);
	seq_putc(m, '\n');
}

static int flt_sim_status_show(struct seq_file *m, void *unused)
{
	struct flt_sim_shell *shell = m->private;
	struct flt_sim_shell_op *entry;

	seq_printf(m, "held %u\n", flt_sim_held(shell->sim));
	seq_printf(m, "inflight %u\n", flt_sim_inflight(shell->sim));
	seq_puts(m, "# op ID CLASS OFFSET LENGTH WHERE [STATUS INFORMATION CONTEXT PID]\n");
	mutex_lock(&shell->lock);
	list_for_each_entry(entry, &shell->ops, link)
		flt_sim_op_show(m, entry->op);
	mutex_unlock(&shell->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(flt_sim_status);

#define FLT_SIM_WRITE_FILE(__name)				\
static const struct file_operations __name##_fops = {		\
	.owner = THIS_MODULE,					\
	.open = simple_open,					\
	.write = __name##_write,				\
	.llseek = noop_llseek,					\
}

FLT_SIM_WRITE_FILE(flt_sim_submit);
FLT_SIM_WRITE_FILE(flt_sim_release);
FLT_SIM_WRITE_FILE(flt_sim_cancel);
DEFINE_SHOW_STORE_ATTRIBUTE(flt_sim_hold);
DEFINE_SHOW_STORE_ATTRIBUTE(flt_sim_context);

static int flt_sim_shell_create(const char *name)
{
	struct flt_sim_shell *shell;
	struct flt_sim *sim;
	int err;

	shell = kzalloc(struct_size(shell, name, strlen(name) + 1), GFP_KERNEL);
	if (!shell)
		return -ENOMEM;
	mutex_init(&shell->lock);
	INIT_LIST_HEAD(&shell->ops);
	memcpy(shell->name, name, strlen(name) + 1);

	mutex_lock(&flt_sim_shells_lock);
	err = -EEXIST;
	if (flt_sim_name_taken(name))
		goto err_unlock;
	sim = flt_sim_create_unoffered(name);
	err = PTR_ERR_OR_ZERO(sim);
	if (err)
		goto err_unlock;
	shell->sim = sim;
	shell->dir = debugfs_create_dir(name, flt_sim_root);
	err = PTR_ERR_OR_ZERO(shell->dir);
	if (err)
		goto err_destroy;
	debugfs_create_file("submit", 0200, shell->dir, shell, &flt_sim_submit_fops);
	debugfs_create_file("hold", 0600, shell->dir, shell, &flt_sim_hold_fops);
	debugfs_create_file("context", 0600, shell->dir, shell, &flt_sim_context_fops);
	debugfs_create_file("release", 0200, shell->dir, shell, &flt_sim_release_fops);
	debugfs_create_file("cancel", 0200, shell->dir, shell, &flt_sim_cancel_fops);
	debugfs_create_file("status", 0400, shell->dir, shell, &flt_sim_status_fops);
	list_add_tail(&shell->link, &flt_sim_shells);
	flt_sim_offer(sim);
	mutex_unlock(&flt_sim_shells_lock);
	return 0;

err_destroy:
	flt_sim_destroy(sim);
err_unlock:
	mutex_unlock(&flt_sim_shells_lock);
	kfree(shell);
	return err;
}

/* Owned by whoever set shell->going. */
static void flt_sim_shell_end(struct flt_sim_shell *shell)
{
	struct flt_sim_shell_op *entry, *next;

	/* First what a writer may be waiting for, then the files he waits in. */
	flt_sim_shutdown(shell->sim);
	debugfs_remove(shell->dir);
	list_for_each_entry_safe(entry, next, &shell->ops, link) {
		flt_sim_op_free(entry->op);
		kfree(entry);
	}
	flt_sim_destroy(shell->sim);

	mutex_lock(&flt_sim_shells_lock);
	list_del(&shell->link);
	mutex_unlock(&flt_sim_shells_lock);
	kfree(shell);
}

static int flt_sim_shell_destroy(const char *name)
{
	struct flt_sim_shell *shell;
	int err = 0;

	mutex_lock(&flt_sim_shells_lock);
	shell = flt_sim_shell_find(name);
	if (!shell)
		err = -ENOENT;
	else if (shell->going)
		err = -ESHUTDOWN;
	else
		shell->going = true;
	mutex_unlock(&flt_sim_shells_lock);
	if (!err)
		flt_sim_shell_end(shell);
	return err;
}

static ssize_t flt_sim_by_name(const char __user *buf, size_t count, int (*fn)(const char *))
{
	char *name = flt_sim_get_line(buf, count, FLT_NAME_MAX, -ENAMETOOLONG);
	int err;

	if (IS_ERR(name))
		return PTR_ERR(name);
	err = flt_sim_name_valid(name) ? fn(name) : -EINVAL;
	kfree(name);
	return err ?: count;
}

static ssize_t flt_sim_create_write(struct file *file, const char __user *buf,
				    size_t count, loff_t *ppos)
{
	return flt_sim_by_name(buf, count, flt_sim_shell_create);
}

static ssize_t flt_sim_destroy_write(struct file *file, const char __user *buf,
				     size_t count, loff_t *ppos)
{
	return flt_sim_by_name(buf, count, flt_sim_shell_destroy);
}

FLT_SIM_WRITE_FILE(flt_sim_create);
FLT_SIM_WRITE_FILE(flt_sim_destroy);

void flt_sim_debugfs_init(void)
{
	flt_sim_root = debugfs_create_dir("flt_sim", NULL);
	debugfs_create_file("create", 0200, flt_sim_root, NULL, &flt_sim_create_fops);
	debugfs_create_file("destroy", 0200, flt_sim_root, NULL, &flt_sim_destroy_fops);
}

void flt_sim_debugfs_exit(void)
{
	debugfs_remove(flt_sim_root);
}
