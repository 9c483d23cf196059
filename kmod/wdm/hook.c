// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the kernel tells of processes, threads and images.
 *
 * The tracepoints cannot be linked to: they are found by name (GLB-50). A probe runs
 * with preemption disabled, on all processors at a time. Shared objects have none: a
 * kprobe, if there can be one (GLB-58, GLB-64).
 *
 * Hooks are there as long as somebody is told of anything.
 *
 * Two things of the kernel are not what they seem:
 *
 *   The last thread of a process cannot be told by the tracepoint: several threads
 *   that end together may each see that none is alive. So there is a table of the
 *   processes, and the first who strikes one off tells of its end. GLB-55
 *
 *   A thread that executes a program takes over the id of its process, whose first
 *   thread has been told of as ended: without more, one id would end twice, and the
 *   other never. It is told of as ended with the one, and made with the other. GLB-56
 */
#include <kunit/visibility.h>
#include <linux/binfmts.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>
#include <linux/xarray.h>

#include "notify.h"

static bool image_kprobe = true;
module_param(image_kprobe, bool, 0644);
MODULE_PARM_DESC(image_kprobe,
		 "Image notify routines are told of shared objects, which takes a kprobe (default: 1)");

static DEFINE_MUTEX(wdm_hook_mutex);
static unsigned int wdm_hook_users;		/* wdm_hook_mutex */
static int wdm_hook_mmap_rc = -ENODEV;		/* likewise: is the kprobe there? */
static DEFINE_XARRAY(wdm_processes);		/* by id, those whose end has not been told */
static atomic_t wdm_late;			/* ends seen by another thread as well */

/* processes */

/* From here on its end is to be told. */
bool wdm_process_known(pid_t process)
{
	return !xa_err(xa_store(&wdm_processes, process, xa_mk_value(1), GFP_ATOMIC));
}
EXPORT_SYMBOL_IF_KUNIT(wdm_process_known);

/* True for the first who asks. GLB-55 */
bool wdm_process_gone(pid_t process)
{
	if (xa_erase(&wdm_processes, process))
		return true;
	atomic_inc(&wdm_late);
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(wdm_process_gone);

/* Those that there are. A probe that comes in between does what it does. */
static int wdm_processes_find(void)
{
	struct task_struct *task;
	int rc = 0;

	rcu_read_lock();
	for_each_process(task) {
		if (task->flags & PF_KTHREAD || !atomic_read(&task->signal->live))
			continue;
		if (!wdm_process_known(task->tgid)) {
			rc = -ENOMEM;
			break;
		}
	}
	rcu_read_unlock();
	return rc;
}

static pid_t wdm_parent_of(struct task_struct *task)
{
	pid_t parent;

	rcu_read_lock();
	parent = rcu_dereference(task->real_parent)->tgid;
	rcu_read_unlock();
	return parent;
}

static void wdm_tell_process(struct task_struct *task, bool create)
{
	wdm_notify(&(struct wdm_notice){
		.type = WDM_NOTIFY_PROCESS,
		.parent = wdm_parent_of(task),
		.process = task->tgid,
		.create = create,
	});
}

static void wdm_tell_thread(struct task_struct *task, pid_t thread, bool create)
{
	wdm_notify(&(struct wdm_notice){
		.type = WDM_NOTIFY_THREAD,
		.process = task->flags & PF_KTHREAD ? 0 : task->tgid,
		.thread = thread,
		.create = create,
	});
}

/* In the creator, at the end of all that can fail; not run yet. GLB-52, GLB-53 */
static void wdm_probe_newtask(void *data, struct task_struct *task, unsigned long clone_flags)
{
	/* Idle threads of processors have no id. */
	if (!task->pid)
		return;
	if (!(clone_flags & CLONE_THREAD) && !(task->flags & PF_KTHREAD)) {
		wdm_process_known(task->tgid);
		wdm_tell_process(task, true);
	}
	wdm_tell_thread(task, task->pid, true);
}

/* In the one that ends; its memory is gone already. GLB-54 */
static void wdm_probe_exit(void *data, struct task_struct *task)
{
	wdm_tell_thread(task, task->pid, false);
	if (task->flags & PF_KTHREAD || atomic_read(&task->signal->live) ||
	    !wdm_process_gone(task->tgid))
		return;
	wdm_images_forget(task->tgid, NULL);
	wdm_tell_process(task, false);
}

/* images */

static void wdm_tell_image(struct file *file, unsigned long base, size_t size)
{
	char path[256], *name;

	name = file ? file_path(file, path, sizeof(path)) : NULL;
	/* One that is too long: its last part. */
	if (IS_ERR(name)) {
		snprintf(path, sizeof(path), "%pD", file);
		name = path;
	}
	wdm_notify(&(struct wdm_notice){
		.type = WDM_NOTIFY_IMAGE,
		.process = current->tgid,
		.name = name,
		.info.image_base = base,
		.info.image_size = size,
	});
}

/* @task has been @old_pid, and executes a program now. GLB-56 */
void wdm_hook_exec(struct task_struct *task, pid_t old_pid)
{
	if (old_pid != task->pid) {
		wdm_tell_thread(task, old_pid, false);
		wdm_tell_thread(task, task->pid, true);
	}
}
EXPORT_SYMBOL_IF_KUNIT(wdm_hook_exec);

/* The new program is mapped, and does not run yet. GLB-57 */
static void wdm_probe_exec(void *data, struct task_struct *task, pid_t old_pid,
			   struct linux_binprm *bprm)
{
	struct mm_struct *mm = current->mm;

	wdm_hook_exec(task, old_pid);
	wdm_images_forget(task->tgid, mm);
	wdm_tell_image(bprm->file, mm->start_code, mm->end_code - mm->start_code);
}

static bool wdm_is_program(struct vm_area_struct *vma)
{
	struct file *program;
	bool is;

	rcu_read_lock();
	program = rcu_dereference(vma->vm_mm->exe_file);
	is = program && file_inode(program) == file_inode(vma->vm_file);
	rcu_read_unlock();
	return is;
}

/* A part of a file is mapped; or changed, which looks the same. GLB-58 */
static int wdm_kprobe_mmap(struct kprobe *probe, struct pt_regs *regs)
{
	struct vm_area_struct *vma = (void *)regs_get_kernel_argument(regs, 0);
	const struct inode *inode;

	if (!vma->vm_file || !(vma->vm_flags & VM_EXEC) || wdm_is_program(vma))
		return 0;
	inode = file_inode(vma->vm_file);
	if (wdm_image_is_new(current->tgid, vma->vm_mm,
			     (u64)inode->i_sb->s_dev << 32 ^ inode->i_ino, vma->vm_pgoff))
		wdm_tell_image(vma->vm_file, vma->vm_start, vma->vm_end - vma->vm_start);
	return 0;
}

static struct kprobe wdm_mmap_probe;

/* A module is mapped, and its init has not been called. May sleep. GLB-59 */
void wdm_hook_module(struct module *module)
{
	wdm_notify_sleeping(&(struct wdm_notice){
		.type = WDM_NOTIFY_IMAGE,
		.name = module->name,
		.info.image_base = (unsigned long)module->mem[MOD_TEXT].base,
		.info.image_size = module->mem[MOD_TEXT].size,
		.info.system_mode_image = true,
	});
}
EXPORT_SYMBOL_IF_KUNIT(wdm_hook_module);

/* hooks */

static struct wdm_hook {
	const char *name;
	void *probe;
	struct tracepoint *tp;
} wdm_hooks[] = {
	{ "task_newtask", wdm_probe_newtask },
	{ "sched_process_exit", wdm_probe_exit },
	{ "sched_process_exec", wdm_probe_exec },
};

static void wdm_hook_find(struct tracepoint *tp, void *unused)
{
	int n;

	for (n = 0; n < ARRAY_SIZE(wdm_hooks); n++)
		if (!strcmp(tp->name, wdm_hooks[n].name))
			wdm_hooks[n].tp = tp;
}

/* The first @n of them. Their probes have returned when this does. */
static void wdm_hooks_remove(int n)
{
	while (n--)
		tracepoint_probe_unregister(wdm_hooks[n].tp, wdm_hooks[n].probe, NULL);
	tracepoint_synchronize_unregister();
}

static int wdm_hooks_add(void)
{
	int n, rc = 0;

	for_each_kernel_tracepoint(wdm_hook_find, NULL);
	for (n = 0; n < ARRAY_SIZE(wdm_hooks); n++) {
		rc = -EOPNOTSUPP;
		if (wdm_hooks[n].tp)
			rc = tracepoint_probe_register(wdm_hooks[n].tp, wdm_hooks[n].probe, NULL);
		if (rc)
			break;
	}
	if (!rc)
		rc = wdm_processes_find();
	if (rc)
		wdm_hooks_remove(n);
	return rc;
}

/*
 * One that is not on ftrace is a breakpoint, whose handler is in the place of an NMI:
 * no lock may be taken there.
 */
static int wdm_mmap_register(void)
{
	int rc;

	if (!READ_ONCE(image_kprobe))
		return -EPERM;
	wdm_mmap_probe = (struct kprobe){
		.symbol_name = "perf_event_mmap",
		.pre_handler = wdm_kprobe_mmap,
		.flags = KPROBE_FLAG_DISABLED,
	};
	rc = register_kprobe(&wdm_mmap_probe);
	if (rc)
		return rc;
	rc = kprobe_ftrace(&wdm_mmap_probe) ? enable_kprobe(&wdm_mmap_probe) : -EOPNOTSUPP;
	if (rc)
		unregister_kprobe(&wdm_mmap_probe);
	return rc;
}

/* GLB-58, GLB-64: without it we go on. */
static void wdm_mmap_add(void)
{
	wdm_hook_mmap_rc = wdm_mmap_register();
	if (wdm_hook_mmap_rc)
		pr_info_once("no kprobe, error %d: shared objects are not told of\n",
			     wdm_hook_mmap_rc);
}

static void wdm_mmap_remove(void)
{
	if (!wdm_hook_mmap_rc)
		unregister_kprobe(&wdm_mmap_probe);
	wdm_hook_mmap_rc = -ENODEV;
}

/* Somebody wants to be told. 0, or an errno. */
int wdm_hooks_get(void)
{
	int rc = 0;

	mutex_lock(&wdm_hook_mutex);
	if (!wdm_hook_users) {
		rc = wdm_hooks_add();
		if (!rc)
			wdm_mmap_add();
		else
			xa_destroy(&wdm_processes);
	}
	if (!rc)
		wdm_hook_users++;
	mutex_unlock(&wdm_hook_mutex);
	return rc;
}

/* ... no more. What runs still is waited for. GLB-61 */
void wdm_hooks_put(void)
{
	mutex_lock(&wdm_hook_mutex);
	if (!--wdm_hook_users) {
		wdm_mmap_remove();
		wdm_hooks_remove(ARRAY_SIZE(wdm_hooks));
		wdm_images_forget(0, NULL);
		xa_destroy(&wdm_processes);
	}
	mutex_unlock(&wdm_hook_mutex);
}

/* How often a process's end was seen by a thread that did not tell it. */
unsigned int wdm_hooks_late(void)
{
	return atomic_read(&wdm_late);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_hooks_late);

/* 0 if shared objects are told of, or why not. */
int wdm_hooks_mmap(void)
{
	return READ_ONCE(wdm_hook_mmap_rc);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_hooks_mmap);
