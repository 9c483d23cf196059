// SPDX-License-Identifier: GPL-2.0-only
/*
 * flt_bench: what a dispatch costs, in instructions, for qemu/guest/bench.sh.
 *
 *	insmod fltmgr.ko
 *	insmod flt_bench.ko
 *	cat /sys/module/flt_bench/parameters/results
 *	rmmod flt_bench
 *
 * Under QEMU's -icount shift=0 the time stamp counter counts instructions: a
 * figure is the counter's difference over BATCH calls, the smallest of BATCHES
 * such, less that of an empty call. A timer interrupt is thereby left out, as
 * every batch is much shorter than a tick. On a real machine the figures are
 * cycles and not exact.
 *
 * Loading it measures; nothing of it is left attached afterwards. The volume
 * is a provider of the module's own whose device completes at once and does
 * nothing: what is counted is flt_operation_init(), flt_dispatch() and
 * flt_complete(), and the callbacks of filters that do nothing either.
 *
 * The results, one "NAME TENTHS" in each line:
 *
 *	dispatch.N	one READ past N filters with pre- and post-operation
 *	pre.N		one WRITE past N filters with a pre-operation only
 *	atomic.N	an atomic notifier chain with N callbacks
 *	srcu.N		an SRCU notifier chain with N callbacks
 *	call		an indirect call
 */
#include <linux/err.h>
#include <linux/fltmgr_volume.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/timex.h>

#define BATCH		256
#define BATCHES		24
#define MOST_FILTERS	8
#define MOST_RESULTS	40
#define LENGTH		4096

static const unsigned int counts[] = { 0, 1, 2, 4, 8 };

static struct {
	char name[16];
	u64 tenths;
} results[MOST_RESULTS];
static unsigned int nr_results;

static struct flt_volume *volume;
static struct flt_operation operation;
static unsigned long nr_pre, nr_post, nr_ended;

static int results_get(char *buf, const struct kernel_param *kp)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < nr_results; i++)
		len += sysfs_emit_at(buf, len, "%s %llu\n", results[i].name, results[i].tenths);
	return len;
}

static const struct kernel_param_ops results_ops = { .get = results_get };
module_param_cb(results, &results_ops, NULL, 0444);
MODULE_PARM_DESC(results, "what was measured, in tenths of an instruction");

/* The provider */

static void bench_end(struct flt_operation *op)
{
	nr_ended++;
}

static void bench_device(struct flt_operation *op)
{
	if (flt_complete(op, 0, LENGTH) == FLT_DONE)
		bench_end(op);
}

static void bench_submit(struct flt_operation *op, unsigned int flags)
{
	bench_device(op);
}

static const struct flt_volume_ops bench_volume_ops = {
	.type = "bench",
	.owner = THIS_MODULE,
	.submit = bench_submit,
	.complete = bench_end,
};

/* The filter */

static int bench_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	nr_pre++;
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static int bench_pre_only(struct flt_callback_data *data, const struct flt_related_objects *objs,
			  void **context)
{
	nr_pre++;
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int bench_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void *context, u32 flags)
{
	nr_post++;
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int bench_unload(struct flt_filter *filter, u32 flags)
{
	return STATUS_FLT_DO_NOT_DETACH;
}

static const struct flt_operation_registration bench_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = bench_pre, .post_operation = bench_post },
	{ .major_function = IRP_MJ_WRITE, .pre_operation = bench_pre_only },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition bench_instances[] = {
	{
		.name = "bench",
		.altitude = "370000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_registration bench_registration = {
	.size = sizeof(bench_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "bench",
	.instances = bench_instances,
	.operation_registration = bench_operations,
	.filter_unload_callback = bench_unload,
};

/* The alternatives */

static ATOMIC_NOTIFIER_HEAD(atomic_chain);
static struct srcu_notifier_head srcu_chain;

static int bench_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	nr_pre++;
	return NOTIFY_OK;
}

/* What is measured; none is inlined into the loop. */

static void run_nothing(void)
{
}

static __always_inline void bench_operation(enum flt_class class)
{
	struct flt_operation *op = &operation;

	if (!flt_volume_filtered(volume, class)) {
		bench_end(op);
		return;
	}
	flt_operation_init(op, volume, class, 0, 0, LENGTH, NULL);
	if (flt_dispatch(op) == FLT_SUBMIT)
		bench_device(op);
}

static void run_dispatch(void)
{
	bench_operation(FLT_CLASS_READ);
}

static void run_pre_only(void)
{
	bench_operation(FLT_CLASS_WRITE);
}

static void run_atomic(void)
{
	atomic_notifier_call_chain(&atomic_chain, 0, NULL);
}

static void run_srcu(void)
{
	srcu_notifier_call_chain(&srcu_chain, 0, NULL);
}

static noinline __noclone u64 bench_batch(void (*run)(void))
{
	u64 began = get_cycles();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		run();
	return get_cycles() - began;
}

static u64 bench_best(void (*run)(void))
{
	u64 best = U64_MAX;
	unsigned int i;

	for (i = 0; i < BATCHES; i++)
		best = min(best, bench_batch(run));
	return best;
}

static void bench_result(const char *name, unsigned int n, u64 cycles)
{
	if (nr_results == MOST_RESULTS)
		return;
	snprintf(results[nr_results].name, sizeof(results->name), "%s.%u", name, n);
	results[nr_results++].tenths = DIV_ROUND_CLOSEST_ULL(cycles * 10, BATCH);
}

static void bench_measure(const char *name, unsigned int n, void (*run)(void))
{
	u64 nothing = bench_best(run_nothing);

	bench_result(name, n, bench_best(run) - nothing);
}

/* Every filter was called each time, and every operation ended, or a figure means nothing. */
static int bench_check(unsigned int n, bool post)
{
	unsigned long expected = BATCH * BATCHES;

	if (nr_pre == n * expected && nr_post == (post ? nr_pre : 0) && nr_ended == expected)
		return 0;
	pr_err("flt_bench: %u filters, %lu operations: %lu ended, %lu pre, %lu post\n",
	       n, expected, nr_ended, nr_pre, nr_post);
	return -EIO;
}

static int bench_dispatch(const char *name, unsigned int n, bool post)
{
	nr_pre = 0;
	nr_post = 0;
	nr_ended = 0;
	bench_measure(name, n, post ? run_dispatch : run_pre_only);
	return bench_check(n, post);
}

static int bench_attach(struct flt_filter *filter, unsigned int n)
{
	char name[16], altitude[16];

	snprintf(name, sizeof(name), "bench%u", n);
	snprintf(altitude, sizeof(altitude), "%u", 370000 + n);
	return flt_attach_volume_at_altitude(filter, volume, altitude, name, NULL);
}

static int bench_filters(struct flt_filter *filter)
{
	unsigned int i, n = 0;
	int rc = 0;

	for (i = 0; !rc && i < ARRAY_SIZE(counts); i++) {
		while (!rc && n < counts[i])
			rc = bench_attach(filter, n++);
		if (!rc)
			rc = bench_dispatch("dispatch", n, true);
		if (!rc && n)
			rc = bench_dispatch("pre", n, false);
	}
	return rc;
}

static int bench_manager(void)
{
	struct flt_filter *filter;
	int rc;

	volume = flt_volume_create("bench", &bench_volume_ops, NULL);
	if (IS_ERR(volume))
		return PTR_ERR(volume);
	flt_volume_offer(volume);
	rc = flt_register_filter(THIS_MODULE, &bench_registration, &filter);
	if (!rc) {
		rc = flt_start_filtering(filter);
		if (!rc)
			rc = bench_filters(filter);
		flt_unregister_filter(filter);
	}
	flt_volume_dismount(volume);
	flt_volume_put(volume);
	return rc;
}

static int bench_chains(void)
{
	struct notifier_block *atomic, *srcu;
	unsigned int i, n = 0;

	atomic = kcalloc(2 * MOST_FILTERS, sizeof(*atomic), GFP_KERNEL);
	if (!atomic)
		return -ENOMEM;
	srcu = atomic + MOST_FILTERS;
	srcu_init_notifier_head(&srcu_chain);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (; n < counts[i]; n++) {
			atomic[n].notifier_call = bench_notify;
			srcu[n].notifier_call = bench_notify;
			atomic_notifier_chain_register(&atomic_chain, &atomic[n]);
			srcu_notifier_chain_register(&srcu_chain, &srcu[n]);
		}
		bench_measure("atomic", n, run_atomic);
		bench_measure("srcu", n, run_srcu);
	}
	while (n--) {
		atomic_notifier_chain_unregister(&atomic_chain, &atomic[n]);
		srcu_notifier_chain_unregister(&srcu_chain, &srcu[n]);
	}
	srcu_cleanup_notifier_head(&srcu_chain);
	kfree(atomic);
	return 0;
}

static int __init bench_init(void)
{
	int rc;

	bench_result("call", 1, bench_best(run_nothing));
	rc = bench_chains();
	return rc ?: bench_manager();
}
module_init(bench_init);

static void __exit bench_exit(void)
{
}
module_exit(bench_exit);

MODULE_DESCRIPTION("What a dispatch costs");
MODULE_LICENSE("GPL");
