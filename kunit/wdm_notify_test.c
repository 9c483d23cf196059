// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notify routines: what they are told, where, and what their removal waits for.
 *
 * Kernel threads are made by the cases themselves, processes by a helper in user
 * space. What happens elsewhere in the machine meanwhile is told of, too: a case looks
 * at its own only. Programs with threads are the guest script's, check-globals.sh.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/umh.h>

#include "testwdm.h"
#include "../kmod/wdm/notify.h"

#define NR_SEEN	256

/* What was told, in order. */
static struct seen {
	enum wdm_notify_type type;
	pid_t parent;
	pid_t process;
	pid_t thread;
	bool create;
	bool atomic;
	pid_t by;
	char name[64];
	struct wdm_image_info info;
} seen[NR_SEEN];
static unsigned int nr_seen;
static DEFINE_SPINLOCK(seen_lock);

static pid_t watched;			/* a thread whose events open the gates */
static struct tw_gate *gate;		/* held at by its creation */
static int tried;			/* what a removal inside a routine said */
static void (*inside)(void);		/* called in a routine */

static void see(const struct seen *what)
{
	bool atomic = !wdm_may_sleep();
	unsigned long flags;

	spin_lock_irqsave(&seen_lock, flags);
	if (nr_seen < NR_SEEN) {
		seen[nr_seen] = *what;
		seen[nr_seen].atomic = atomic;
		seen[nr_seen++].by = current->pid;
	}
	spin_unlock_irqrestore(&seen_lock, flags);
}

static void on_process(pid_t parent, pid_t process, bool create)
{
	see(&(struct seen){ WDM_NOTIFY_PROCESS, parent, process, 0, create });
}

static atomic_t told;			/* of all threads */

static void on_thread(pid_t process, pid_t thread, bool create)
{
	atomic_inc(&told);
	see(&(struct seen){ WDM_NOTIFY_THREAD, 0, process, thread, create });
	if (thread == READ_ONCE(watched)) {
		if (inside)
			inside();
		if (gate)
			tw_gate_pass(gate);
	}
}

/* Another one, that only counts. */
static atomic_t others;

static void on_thread_too(pid_t process, pid_t thread, bool create)
{
	if (thread == READ_ONCE(watched))
		atomic_inc(&others);
}

static void on_image(const char *name, pid_t process, const struct wdm_image_info *info)
{
	struct seen what = { .type = WDM_NOTIFY_IMAGE, .process = process, .info = *info };

	strscpy(what.name, name ?: "-");
	see(&what);
	if (gate && info->system_mode_image)
		tw_gate_pass(gate);
}

static unsigned int count_of(enum wdm_notify_type type, pid_t id, bool create)
{
	unsigned int n, found = 0;

	spin_lock_irq(&seen_lock);
	for (n = 0; n < nr_seen; n++)
		found += seen[n].type == type && seen[n].create == create &&
			 (type == WDM_NOTIFY_THREAD ? seen[n].thread : seen[n].process) == id;
	spin_unlock_irq(&seen_lock);
	return found;
}

static struct seen *find(enum wdm_notify_type type, pid_t id, bool create)
{
	unsigned int n;

	for (n = 0; n < nr_seen; n++)
		if (seen[n].type == type && seen[n].create == create &&
		    (type == WDM_NOTIFY_THREAD ? seen[n].thread : seen[n].process) == id)
			return &seen[n];
	return NULL;
}

/* A kernel thread that waits to be ended. */
static int idle_main(void *unused)
{
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Not yet awake: it has been told of before anybody knows its id. */
static struct task_struct *make_thread(struct kunit *test)
{
	struct task_struct *task = kthread_run(idle_main, NULL, "told");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	return task;
}

static int set_thread(enum wdm_notify_context context)
{
	return ps_set_create_thread_notify_routine(&drv->owner, on_thread, context);
}

static int remove_thread(void *unused)
{
	return ps_remove_create_thread_notify_routine(on_thread);
}

static int set_process(enum wdm_notify_context context)
{
	return ps_set_create_process_notify_routine(&drv->owner, on_process, context, false);
}

static int remove_process(void)
{
	return ps_set_create_process_notify_routine(NULL, on_process, WDM_NOTIFY_PASSIVE, true);
}

/* One life of a kernel thread; its id. kthread_stop() returns before its end is told. */
static pid_t one_life(struct kunit *test)
{
	struct task_struct *task = make_thread(test);
	pid_t pid = task->pid;

	get_task_struct(task);
	kthread_stop(task);
	tw_wait_until(test, READ_ONCE(task->exit_state));
	put_task_struct(task);
	return pid;
}

/* GLB-40, GLB-50, GLB-51, GLB-53, GLB-54, GLB-61: once each, and before the removal returns */
static void threads_are_told(struct kunit *test)
{
	struct seen *made, *ended;
	pid_t pid;

	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	pid = one_life(test);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, pid, true), 1);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, pid, false), 1);
	made = find(WDM_NOTIFY_THREAD, pid, true);
	ended = find(WDM_NOTIFY_THREAD, pid, false);
	KUNIT_ASSERT_NOT_NULL(test, made);
	KUNIT_ASSERT_NOT_NULL(test, ended);
	KUNIT_EXPECT_TRUE(test, made < ended);
	KUNIT_EXPECT_EQ(test, made->process, 0);	/* the kernel's */
	KUNIT_EXPECT_FALSE(test, made->atomic);
	/* And no more */
	pid = one_life(test);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, pid, true), 0);
	tw_expect_silence(test);
}

/* GLB-40, GLB-51: directly, in who makes it and in who ends, where sleeping is not allowed */
static void threads_are_told_directly(struct kunit *test)
{
	struct seen *made, *ended;
	pid_t pid;

	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_DIRECT), 0);
	pid = one_life(test);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	made = find(WDM_NOTIFY_THREAD, pid, true);
	ended = find(WDM_NOTIFY_THREAD, pid, false);
	KUNIT_ASSERT_NOT_NULL(test, made);
	KUNIT_ASSERT_NOT_NULL(test, ended);
	KUNIT_EXPECT_TRUE(test, made->atomic);
	KUNIT_EXPECT_EQ(test, made->by, 2);		/* kthreadd */
	KUNIT_EXPECT_TRUE(test, ended->atomic);
	KUNIT_EXPECT_EQ(test, ended->by, pid);
	tw_expect_silence(test);
}

/* The process of a program that was started by the kernel; 0: none was seen */
static pid_t find_program(const char *name)
{
	unsigned int n;

	for (n = 0; n < nr_seen; n++)
		if (seen[n].type == WDM_NOTIFY_IMAGE && !strcmp(seen[n].name, name))
			return seen[n].process;
	return 0;
}

/* GLB-41, GLB-42, GLB-52, GLB-53, GLB-57: a process, its program, its end */
static void a_process(struct kunit *test)
{
	char *argv[3], *envp[1];
	struct seen *image, *made;
	pid_t pid;

	argv[0] = (char *)"/bin/busybox";
	argv[1] = (char *)"true";
	argv[2] = NULL;
	envp[0] = NULL;
	KUNIT_ASSERT_EQ(test, set_process(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_ASSERT_EQ(test, ps_set_load_image_notify_routine(&drv->owner, on_image,
							       WDM_NOTIFY_PASSIVE), 0);
	KUNIT_ASSERT_EQ(test, call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC), 0);
	KUNIT_EXPECT_EQ(test, remove_process(), 0);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, ps_remove_load_image_notify_routine(on_image), 0);
	pid = find_program("/bin/busybox");
	KUNIT_ASSERT_NE(test, pid, 0);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_PROCESS, pid, true), 1);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_PROCESS, pid, false), 1);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, pid, true), 1);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, pid, false), 1);
	made = find(WDM_NOTIFY_PROCESS, pid, true);
	KUNIT_ASSERT_NOT_NULL(test, made);
	KUNIT_EXPECT_NE(test, made->parent, 0);
	KUNIT_EXPECT_EQ(test, find(WDM_NOTIFY_THREAD, pid, true)->process, pid);
	image = find(WDM_NOTIFY_IMAGE, pid, false);
	KUNIT_ASSERT_NOT_NULL(test, image);
	KUNIT_EXPECT_NE(test, image->info.image_base, 0);
	KUNIT_EXPECT_GT(test, image->info.image_size, 4096);
	KUNIT_EXPECT_FALSE(test, image->info.system_mode_image);
	/* A kernel thread is none. */
	pid = one_life(test);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_PROCESS, pid, true), 0);
	tw_expect_silence(test);
}

/* GLB-42, GLB-59: a module, at once, where it may sleep; directly, where it may not */
static void modules_are_told(struct kunit *test)
{
	struct seen *image;

	KUNIT_ASSERT_EQ(test, ps_set_load_image_notify_routine(&drv->owner, on_image,
							       WDM_NOTIFY_PASSIVE), 0);
	wdm_hook_module(THIS_MODULE);
	image = find(WDM_NOTIFY_IMAGE, 0, false);
	KUNIT_ASSERT_NOT_NULL(test, image);
	KUNIT_EXPECT_STREQ(test, image->name, THIS_MODULE->name);
	KUNIT_EXPECT_TRUE(test, image->info.system_mode_image);
	KUNIT_EXPECT_EQ(test, image->by, current->pid);
	KUNIT_EXPECT_FALSE(test, image->atomic);
	KUNIT_EXPECT_TRUE(test, within_module((unsigned long)modules_are_told, THIS_MODULE));
	KUNIT_EXPECT_LE(test, image->info.image_base, (unsigned long)modules_are_told);
	KUNIT_EXPECT_EQ(test, ps_remove_load_image_notify_routine(on_image), 0);
	nr_seen = 0;
	KUNIT_ASSERT_EQ(test, ps_set_load_image_notify_routine(&drv->owner, on_image,
							       WDM_NOTIFY_DIRECT), 0);
	wdm_hook_module(THIS_MODULE);
	KUNIT_ASSERT_NOT_NULL(test, find(WDM_NOTIFY_IMAGE, 0, false));
	KUNIT_EXPECT_TRUE(test, find(WDM_NOTIFY_IMAGE, 0, false)->atomic);
	KUNIT_EXPECT_EQ(test, ps_remove_load_image_notify_routine(on_image), 0);
	nr_seen = 0;
	wdm_hook_module(THIS_MODULE);
	KUNIT_EXPECT_EQ(test, nr_seen, 0);
	tw_expect_silence(test);
}

/* GLB-41: a process routine is set once; GLB-40, GLB-42: the others as often as one likes */
static void set_twice(struct kunit *test)
{
	pid_t pid;

	KUNIT_EXPECT_EQ(test, set_process(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_EXPECT_EQ(test, set_process(WDM_NOTIFY_DIRECT), -EINVAL);
	KUNIT_EXPECT_EQ(test, remove_process(), 0);
	KUNIT_EXPECT_EQ(test, set_process(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_EXPECT_EQ(test, remove_process(), 0);
	KUNIT_EXPECT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_EXPECT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	pid = one_life(test);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, pid, true), 2);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), -ENOENT);
	tw_expect_silence(test);
}

/* GLB-40, GLB-41: what is not set, and what cannot be */
static void refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, remove_process(), -ENOENT);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), -ENOENT);
	KUNIT_EXPECT_EQ(test, ps_remove_load_image_notify_routine(on_image), -ENOENT);
	KUNIT_EXPECT_EQ(test, ps_remove_load_image_notify_routine(NULL), -ENOENT);
	KUNIT_EXPECT_EQ(test, ps_set_create_thread_notify_routine(NULL, on_thread, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, ps_set_create_thread_notify_routine(&drv->owner, NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_thread(WDM_NOTIFY_DIRECT + 1), -EINVAL);
	tw_expect_silence(test);
	preempt_disable();
	tried = set_thread(WDM_NOTIFY_PASSIVE);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, tried, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "setting of a notify routine");
	KUNIT_EXPECT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	preempt_disable();
	tried = remove_thread(NULL);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, tried, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "removal of a notify routine");
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
}

/* GLB-40, GLB-41: 64 of each kind, and the place of one that is removed is free */
static void sixty_four(struct kunit *test)
{
	int n;

	for (n = 0; n < PS_NOTIFY_MAX; n++)
		KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_EXPECT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), -ENOMEM);
	/* Each kind has its own. */
	KUNIT_EXPECT_EQ(test, set_process(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_EXPECT_EQ(test, remove_process(), 0);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	for (n = 0; n < PS_NOTIFY_MAX; n++)
		KUNIT_ASSERT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), -ENOENT);
	tw_expect_silence(test);
}

static int stop_thread(void *task)
{
	return kthread_stop(task);
}

/* A thread that is held by the routine that is told of its end; then it is removed. */
static void removal_waits(struct kunit *test, enum wdm_notify_context context)
{
	struct task_struct *task;
	struct tw_gate held;

	/* A direct routine holds the other processor. */
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	tw_gate_init(&held, context == WDM_NOTIFY_DIRECT);
	tw_thread_prepare(test, 0, remove_thread, NULL);
	KUNIT_ASSERT_EQ(test, ps_set_create_thread_notify_routine(&drv->owner, on_thread_too,
								  WDM_NOTIFY_PASSIVE), 0);
	KUNIT_ASSERT_EQ(test, set_thread(context), 0);
	task = kthread_create(idle_main, NULL, "told");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	kthread_bind(task, nr_cpu_ids - 1);
	get_task_struct(task);
	gate = &held;
	WRITE_ONCE(watched, task->pid);
	wake_up_process(task);
	tw_thread_prepare(test, 1, stop_thread, task);
	tw_thread_go(1);
	tw_gate_wait(test, &held);
	tw_thread_go(0);
	/* The other one is told meanwhile: nobody waits for who sleeps. */
	tw_wait_until(test, atomic_read(&others) == 1);
	if (context == WDM_NOTIFY_PASSIVE)
		tw_wait_until(test, tw_driver_waits(drv));
	else
		tw_wait_until(test, tw_thread_sleeps(0));
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	tw_gate_open(&held);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	tw_thread_join(test, 1);
	put_task_struct(task);
	KUNIT_EXPECT_EQ(test, ps_remove_create_thread_notify_routine(on_thread_too), 0);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	tw_expect_silence(test);
}

/* GLB-40, GLB-62: a removal waits for a routine that runs; others do not */
static void removal_waits_for_a_routine(struct kunit *test)
{
	removal_waits(test, WDM_NOTIFY_PASSIVE);
}

/* GLB-61: ... that is called directly, too */
static void removal_waits_for_a_direct_routine(struct kunit *test)
{
	if (nr_cpu_ids < 2)
		kunit_skip(test, "needs two processors");
	removal_waits(test, WDM_NOTIFY_DIRECT);
}

static int load_module(void *unused)
{
	wdm_hook_module(THIS_MODULE);
	return 0;
}

static int remove_image(void *unused)
{
	return ps_remove_load_image_notify_routine(on_image);
}

/* GLB-59, GLB-62: ... in the task that loads a module; a second removal finds none */
static void removal_waits_for_a_load(struct kunit *test)
{
	struct tw_gate held;

	tw_gate_init(&held, false);
	KUNIT_ASSERT_EQ(test, ps_set_load_image_notify_routine(&drv->owner, on_image,
							       WDM_NOTIFY_PASSIVE), 0);
	gate = &held;
	tw_thread_start(test, 0, load_module, NULL);
	tw_gate_wait(test, &held);
	tw_thread_start(test, 1, remove_image, NULL);
	tw_wait_until(test, tw_driver_waits(drv));
	KUNIT_EXPECT_FALSE(test, tw_thread_done(1));
	KUNIT_EXPECT_EQ(test, remove_image(NULL), -ENOENT);
	tw_gate_open(&held);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	tw_expect_silence(test);
}

/* GLB-51: so much waits for a routine that sleeps, and no more */
static void a_backlog(struct kunit *test)
{
	struct task_struct *task;
	struct tw_gate held;
	int n;

	tw_gate_init(&held, false);
	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	task = make_thread(test);
	gate = &held;
	WRITE_ONCE(watched, task->pid);
	kthread_stop(task);
	tw_gate_wait(test, &held);
	/* Two each */
	for (n = 0; n < 8400; n++) {
		preempt_disable();
		wdm_hook_exec(current, 4000003);
		preempt_enable();
		if (!(n % 256))
			cond_resched();
	}
	atomic_set(&told, 1);		/* the one that is held */
	tw_gate_open(&held);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&told), 16384);
	tw_expect_silence(test);
}

static void remove_inside(void)
{
	inside = NULL;
	tried = remove_thread(NULL);
}

static void remove_other_inside(void)
{
	inside = NULL;
	tried = remove_process();
}

/* @what is called by the routine that is told of a thread's end: @rule is broken by it. */
static void call_inside(struct kunit *test, enum wdm_notify_context context, void (*what)(void),
			const char *rule, const char *words)
{
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, set_thread(context), 0);
	task = make_thread(test);
	tried = 1;
	inside = what;
	WRITE_ONCE(watched, task->pid);
	kthread_stop(task);
	tw_wait_until(test, READ_ONCE(tried) != 1);
	KUNIT_EXPECT_EQ(test, tried, -EDEADLK);
	tw_expect_violation(test, rule, words);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
}

static void remove_by(struct kunit *test, enum wdm_notify_context context, void (*what)(void))
{
	call_inside(test, context, what, "V-GLB-8", "notify routine 'thread' of stage 2");
}

/* GLB-40, GLB-41, GLB-62, VER-22: V-GLB-8, from inside; another one; the twin is behind it */
static void no_removal_inside(struct kunit *test)
{
	remove_by(test, WDM_NOTIFY_PASSIVE, remove_inside);
	remove_by(test, WDM_NOTIFY_DIRECT, remove_inside);
	KUNIT_ASSERT_EQ(test, set_process(WDM_NOTIFY_PASSIVE), 0);
	remove_by(test, WDM_NOTIFY_PASSIVE, remove_other_inside);
	KUNIT_EXPECT_EQ(test, remove_process(), 0);
	tw_expect_silence(test);
}

static void unload_inside(void)
{
	inside = NULL;
	tried = wdm_unload(drv);
}

/* RLS-05: an unload inside of one would wait for itself */
static void no_unload_inside(struct kunit *test)
{
	call_inside(test, WDM_NOTIFY_PASSIVE, unload_inside, "V-GLB-7",
		    "its routine unloads the driver");
}

static void forget_them(struct wdm_driver *driver)
{
}

/* GLB-43, GLB-60, VER-22: V-GLB-7, what is left is named, and not called any more */
static void left_by_the_unload(struct kunit *test)
{
	pid_t pid;

	drv->driver_unload = forget_them;
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_DIRECT), 0);
	tw_unload_now(test);
	tw_expect_violation(test, "V-GLB-7", "routine 'thread' of stage 2, device -, is left");
	pid = one_life(test);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, pid, true), 0);
}

static void remove_them(struct wdm_driver *driver)
{
	tried = remove_thread(NULL);
	io_delete_device(dev);
}

/* GLB-43: the twin; and without an unload routine it goes by itself */
static void removed_by_the_unload(struct kunit *test)
{
	drv->driver_unload = remove_them;
	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_DIRECT), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, tried, 0);
	tw_expect_silence(test);
	tw_init(test);
	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_PASSIVE), 0);
	KUNIT_ASSERT_EQ(test, set_process(WDM_NOTIFY_PASSIVE), 0);
	tw_unload_now(test);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), -ENOENT);
}

/* GLB-55: of the threads that end last, one tells of the process's end */
static void an_end_is_told_once(struct kunit *test)
{
	unsigned int late = wdm_hooks_late();
	const pid_t pid = 4000001;

	KUNIT_EXPECT_TRUE(test, wdm_process_known(pid));
	KUNIT_EXPECT_TRUE(test, wdm_process_gone(pid));
	KUNIT_EXPECT_FALSE(test, wdm_process_gone(pid));
	KUNIT_EXPECT_FALSE(test, wdm_process_gone(pid));
	KUNIT_EXPECT_EQ(test, wdm_hooks_late(), late + 2);
	/* The id is used again. */
	KUNIT_EXPECT_TRUE(test, wdm_process_known(pid));
	KUNIT_EXPECT_TRUE(test, wdm_process_gone(pid));
}

/* GLB-56: who takes over another id ends with its own first */
static void an_id_is_taken_over(struct kunit *test)
{
	const pid_t old = 4000002;

	KUNIT_ASSERT_EQ(test, set_thread(WDM_NOTIFY_DIRECT), 0);
	preempt_disable();
	wdm_hook_exec(current, old);
	wdm_hook_exec(current, current->pid);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, remove_thread(NULL), 0);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, old, false), 1);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, old, true), 0);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, current->pid, true), 1);
	KUNIT_EXPECT_EQ(test, count_of(WDM_NOTIFY_THREAD, current->pid, false), 0);
	KUNIT_EXPECT_TRUE(test, find(WDM_NOTIFY_THREAD, old, false) <
			  find(WDM_NOTIFY_THREAD, current->pid, true));
}

/* GLB-58: a mapping that is changed is no new one; another offset, file, program is */
static void a_mapping_is_told_once(struct kunit *test)
{
	int old, new;

	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(5, &old, 77, 3));
	KUNIT_EXPECT_FALSE(test, wdm_image_is_new(5, &old, 77, 3));
	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(5, &old, 77, 4));
	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(5, &old, 78, 3));
	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(6, &old, 77, 3));
	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(5, &new, 77, 3));
	/* It executes another program: what was mapped into that stays. */
	wdm_images_forget(5, &new);
	KUNIT_EXPECT_FALSE(test, wdm_image_is_new(5, &new, 77, 3));
	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(5, &old, 77, 3));
	wdm_images_forget(5, NULL);
	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(5, &new, 77, 3));
	KUNIT_EXPECT_FALSE(test, wdm_image_is_new(6, &old, 77, 3));
	wdm_images_forget(0, NULL);
	KUNIT_EXPECT_TRUE(test, wdm_image_is_new(6, &old, 77, 3));
	wdm_images_forget(0, NULL);
}

/* GLB-61: hooks go with the last routine, and come again with the next */
static void hooks_come_and_go(struct kunit *test)
{
	int n;

	for (n = 0; n < 20; n++) {
		KUNIT_ASSERT_EQ(test, set_thread(n & 1), 0);
		KUNIT_ASSERT_EQ(test, remove_thread(NULL), 0);
		KUNIT_EXPECT_EQ(test, wdm_hooks_mmap(), -ENODEV);
	}
	tw_expect_silence(test);
}

static int notify_test_init(struct kunit *test)
{
	nr_seen = 0;
	WRITE_ONCE(watched, 0);
	gate = NULL;
	inside = NULL;
	tried = 0;
	atomic_set(&others, 0);
	return tw_init(test);
}

static struct kunit_case notify_cases[] = {
	KUNIT_CASE(threads_are_told),
	KUNIT_CASE(threads_are_told_directly),
	KUNIT_CASE(a_process),
	KUNIT_CASE(modules_are_told),
	KUNIT_CASE(set_twice),
	KUNIT_CASE(refused),
	KUNIT_CASE(sixty_four),
	KUNIT_CASE(removal_waits_for_a_routine),
	KUNIT_CASE(removal_waits_for_a_direct_routine),
	KUNIT_CASE(removal_waits_for_a_load),
	KUNIT_CASE(a_backlog),
	KUNIT_CASE(no_removal_inside),
	KUNIT_CASE(no_unload_inside),
	KUNIT_CASE(left_by_the_unload),
	KUNIT_CASE(removed_by_the_unload),
	KUNIT_CASE(an_end_is_told_once),
	KUNIT_CASE(an_id_is_taken_over),
	KUNIT_CASE(a_mapping_is_told_once),
	KUNIT_CASE(hooks_come_and_go),
	{}
};

static struct kunit_suite notify_suite = {
	.name = "wdm_notify",
	.init = notify_test_init,
	.exit = tw_exit,
	.test_cases = notify_cases,
};

kunit_test_suite(notify_suite);

MODULE_DESCRIPTION("Tests of notify routines");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
