// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does attaching and detaching hold up operations that are none of the
 * instance's? A thread reads a volume without end, through a filter of its own;
 * meanwhile another filter is attached to that volume, below, and detached, 1,000
 * times. Compared is how long it is from one completion of the reader's to the
 * next, with and without that; without, the other filter stays attached.
 *
 * With one CPU the wall clock says nothing: what looks like a gap is the other
 * thread's turn. What counts is therefore the reader's own: it steps aside of
 * its own accord and sleeps, in the middle of each operation, when it stands at its filter
 * and everything may change around it, and between two; that time is not
 * counted. If it sleeps anywhere else, it waits for somebody: that is counted in
 * full, and how often it was. A gap in which it was preempted, or that has a
 * timer interrupt in it, is not that of an operation and is left out.
 *
 *	longest.N	the largest gap during N attach and detach
 *
 * With two CPUs the reader has one for itself, and spins on locks that the
 * other one holds and is interrupted by it. That is in a gap now, and so is
 * whatever the machine below does with the two: the largest is that machine's.
 * Blocks of BLOCK attach and detach alternate with as long without, and what is
 * compared is
 *
 *	rare.N		the gap that one operation in a thousand exceeds
 *
 * And with one or two:
 *
 *	waits.N		in how many gaps it slept
 */
#include <asm/hardirq.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "bench.h"

#define BLOCKS		50
#define BLOCK		20

/* What the reader is made to do, and what it has seen of it. */
struct reader {
	struct flt_operation op;
	struct task_struct *task;
	u64 last;		/* when the last operation ended */
	/* since then: */
	u64 aside;
	unsigned long asleep, preempted;
	unsigned int ticks;
};

/* Gaps by size: eight steps from each power of two to the next. */
#define STEPS_SHIFT	3
#define STEPS		BIT(STEPS_SHIFT)

struct seen {
	u64 sizes[64 * STEPS];	/* timer interrupts included */
	u64 longest;
	u64 operations, left_out, waits;
};

static struct flt_volume *volume;
static struct reader reader;
static struct seen seen[2];	/* without, with */
static struct seen *now_seen;	/* NULL: to be thrown away */
static bool stop;

static unsigned int timer_interrupts(void)
{
	return this_cpu_read(irq_stat.apic_timer_irqs);
}

/* Let others run. What happens meanwhile does not count. */
static void step_aside(void)
{
	u64 began = bench_now();
	unsigned int ticks = timer_interrupts();
	unsigned long asleep = current->nvcsw, preempted = current->nivcsw;

	usleep_range(1, 2);
	reader.asleep += current->nvcsw - asleep;
	reader.preempted += current->nivcsw - preempted;
	reader.ticks += timer_interrupts() - ticks;
	reader.aside += bench_now() - began;
}

static void reader_begin(void)
{
	reader.asleep = current->nvcsw;
	reader.preempted = current->nivcsw;
	reader.ticks = timer_interrupts();
	reader.aside = 0;
	reader.last = bench_now();
}

static unsigned int step_of(u64 gap)
{
	unsigned int power = ilog2(gap | STEPS);

	return power * STEPS + ((gap >> (power - STEPS_SHIFT)) & (STEPS - 1));
}

/* The largest gap of a step. */
static u64 step_end(unsigned int step)
{
	u64 eighth = 1ULL << (step / STEPS - STEPS_SHIFT);

	return (STEPS + step % STEPS + 1) * eighth - 1;
}

static void reader_note(struct seen *to)
{
	u64 gap = bench_now() - reader.last - reader.aside;
	bool slept = current->nvcsw != reader.asleep;

	to->operations++;
	to->waits += slept;
	if (current->nivcsw != reader.preempted) {
		to->left_out++;
		return;
	}
	to->sizes[step_of(gap)]++;
	if (slept || timer_interrupts() == reader.ticks)
		to->longest = max(to->longest, gap);
	else
		to->left_out++;
}

static int reader_thread(void *unused)
{
	reader_begin();
	while (!READ_ONCE(stop)) {
		struct seen *to;

		bench_operation(volume, &reader.op, FLT_CLASS_READ);
		to = READ_ONCE(now_seen);
		if (to)
			reader_note(to);
		reader_begin();
		step_aside();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* The filters */

static int reader_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void **context)
{
	step_aside();
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static int comes_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	bench_calls++;
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static int any_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		    void *context, u32 flags)
{
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static const struct flt_operation_registration reader_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = reader_pre, .post_operation = any_post },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_operation_registration comes_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = comes_pre, .post_operation = any_post },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition reader_instances[] = {
	{
		.name = "reader",
		.altitude = "370000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_instance_definition comes_instances[] = {
	{
		.name = "comes",
		.altitude = "360000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_registration reader_registration = {
	.size = sizeof(reader_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "reader",
	.instances = reader_instances,
	.operation_registration = reader_operations,
	.filter_unload_callback = bench_refuse,
};

static const struct flt_registration comes_registration = {
	.size = sizeof(comes_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "comes",
	.instances = comes_instances,
	.operation_registration = comes_operations,
	.filter_unload_callback = bench_refuse,
	.instance_query_teardown_callback = bench_agree,
};

/* Who attaches and detaches; the filter is attached before and after. */

static int come_and_go(struct flt_filter *comes)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < BLOCK; i++) {
		rc = flt_detach_volume(comes, volume, NULL);
		rc = rc ?: flt_attach_volume(comes, volume, NULL, NULL);
	}
	return rc;
}

static void stay(u64 cycles)
{
	u64 began = bench_now();

	while (bench_now() - began < cycles)
		schedule_timeout_idle(1);
}

/* A block of each kind, equally long. */
static int two_blocks(struct flt_filter *comes)
{
	u64 began = bench_now(), took;
	int rc;

	WRITE_ONCE(now_seen, &seen[1]);
	rc = come_and_go(comes);
	WRITE_ONCE(now_seen, NULL);
	took = bench_now() - began;
	WRITE_ONCE(now_seen, &seen[0]);
	stay(took);
	WRITE_ONCE(now_seen, NULL);
	/* The reader may be about to note one more. */
	stay(took / BLOCK);
	return rc;
}

static u64 stall_rare(const struct seen *s)
{
	u64 above = 0;
	unsigned int step = ARRAY_SIZE(s->sizes);

	while (step-- && (above += s->sizes[step]) * 1000 <= s->operations)
		;
	return step_end(step);
}

static int stall_report(struct seen *s, unsigned int n)
{
	pr_info("flt_bench: %u attach and detach: %llu operations, %llu left out, %llu waited\n",
		n, s->operations, s->left_out, s->waits);
	/* About one for each attach and each detach, or it was not there to see them. */
	if (s->operations - s->left_out < BLOCKS * BLOCK)
		return -ENODATA;
	if (num_online_cpus() == 1)
		bench_result("longest", n, s->longest * 10);
	else
		bench_result("rare", n, stall_rare(s) * 10);
	bench_result("waits", n, s->waits * 10);
	return 0;
}

static int stall_read(struct flt_filter *comes)
{
	unsigned int i;
	int rc = 0;

	reader.task = kthread_create(reader_thread, NULL, "flt_bench");
	if (IS_ERR(reader.task))
		return PTR_ERR(reader.task);
	kthread_bind(reader.task, cpumask_last(cpu_online_mask));
	/* Back soon, whoever runs: so that it sees much of what goes on. */
	set_user_nice(reader.task, MIN_NICE);
	wake_up_process(reader.task);
	for (i = 0; !rc && i < BLOCKS; i++)
		rc = two_blocks(comes);
	WRITE_ONCE(stop, true);
	kthread_stop(reader.task);
	rc = rc ?: stall_report(&seen[0], 0);
	return rc ?: stall_report(&seen[1], BLOCKS * BLOCK);
}

static int stall_filters(struct flt_filter *mine, struct flt_filter *comes)
{
	int rc;

	rc = flt_start_filtering(mine);
	rc = rc ?: flt_start_filtering(comes);
	rc = rc ?: flt_attach_volume(mine, volume, NULL, NULL);
	rc = rc ?: flt_attach_volume(comes, volume, NULL, NULL);
	return rc ?: stall_read(comes);
}

int bench_stall(void)
{
	struct flt_filter *mine, *comes;
	int rc;

	volume = bench_volume("stall");
	if (IS_ERR(volume))
		return PTR_ERR(volume);
	rc = flt_register_filter(THIS_MODULE, &reader_registration, &mine);
	if (rc)
		goto volume;
	rc = flt_register_filter(THIS_MODULE, &comes_registration, &comes);
	if (rc)
		goto mine;
	set_cpus_allowed_ptr(current, cpumask_of(cpumask_first(cpu_online_mask)));
	rc = stall_filters(mine, comes);
	flt_unregister_filter(comes);
mine:
	flt_unregister_filter(mine);
volume:
	bench_volume_end(volume);
	return rc;
}
