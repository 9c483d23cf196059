// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that is bound to one CPU and does what it is told, with operations of
 * its own, each on lines of its own.
 */
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "probe.h"

/* Says where a CPU's own variables are. */
static DEFINE_PER_CPU(int, probe_here);

struct probe_worker {
	struct task_struct *task;
	unsigned int cpu;
	struct flt_operation *ops[PROBE_DEPTH];
	struct completion start, done;
	void (*fn)(void *arg, struct flt_operation **ops);
	void *arg;
};

static int probe_worker_thread(void *data)
{
	struct probe_worker *worker = data;

	for (;;) {
		wait_for_completion(&worker->start);
		if (!worker->fn)
			break;
		worker->fn(worker->arg, worker->ops);
		complete(&worker->done);
	}
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

static void probe_worker_free(struct probe_worker *worker)
{
	unsigned int i;

	for (i = 0; i < PROBE_DEPTH; i++)
		kfree(worker->ops[i]);
	kfree(worker);
}

struct probe_worker *probe_worker_create(unsigned int cpu)
{
	struct probe_worker *worker = kzalloc(sizeof(*worker), GFP_KERNEL);
	unsigned int i;

	if (!worker)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < PROBE_DEPTH; i++) {
		worker->ops[i] = kzalloc(L1_CACHE_ALIGN(sizeof(**worker->ops)), GFP_KERNEL);
		if (!worker->ops[i])
			goto free;
	}
	worker->cpu = cpu;
	init_completion(&worker->start);
	init_completion(&worker->done);
	worker->task = kthread_create_on_cpu(probe_worker_thread, worker, cpu, "probe/%u");
	if (IS_ERR(worker->task))
		goto free;
	wake_up_process(worker->task);
	return worker;

free:
	probe_worker_free(worker);
	return ERR_PTR(-ENOMEM);
}

void probe_worker_start(struct probe_worker *worker,
			void (*fn)(void *arg, struct flt_operation **ops), void *arg)
{
	worker->fn = fn;
	worker->arg = arg;
	complete(&worker->start);
}

void probe_worker_wait(struct probe_worker *worker)
{
	wait_for_completion(&worker->done);
}

struct flt_operation **probe_worker_operations(struct probe_worker *worker)
{
	return worker->ops;
}

void probe_worker_destroy(struct probe_worker *worker)
{
	probe_worker_start(worker, NULL, NULL);
	kthread_stop(worker->task);
	probe_worker_free(worker);
}

int probe_worker_layout(struct probe_worker *worker, char *buf, int len)
{
	unsigned int i;

	len += sysfs_emit_at(buf, len, "percpu %u %lx\n", worker->cpu,
			     (unsigned long)per_cpu_ptr(&probe_here, worker->cpu) -
			     (__force unsigned long)&probe_here);
	len += sysfs_emit_at(buf, len, "object stack %u %lx %lu\n", worker->cpu,
			     (unsigned long)task_stack_page(worker->task), THREAD_SIZE);
	len += sysfs_emit_at(buf, len, "object task_struct %u %lx %zu\n", worker->cpu,
			     (unsigned long)worker->task, sizeof(*worker->task));
	for (i = 0; i < PROBE_DEPTH; i++)
		len += sysfs_emit_at(buf, len, "object flt_operation %u %lx %zu\n",
				     worker->cpu * PROBE_DEPTH + i,
				     (unsigned long)worker->ops[i], ksize(worker->ops[i]));
	return len;
}
