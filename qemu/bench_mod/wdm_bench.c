// SPDX-License-Identifier: GPL-2.0-only
/*
 * wdm_bench: what wdm's pool costs, in guest instructions, beside what a driver of Linux
 * would do instead. It measures when it is loaded:
 *
 *	modprobe wdm_bench
 *	cat /sys/module/wdm_bench/parameters/results
 *
 * The results are one "NAME TENTHS" each, of a block of 64 bytes that is allocated and
 * freed at once. It is the driver of one device, and leaves nothing behind.
 */
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/timex.h>
#include <linux/wdm.h>

#define BATCH		256
#define BATCHES		24
#define SIZE		64
#define MOST_KEPT	10000
#define TAG		((u32)'B' | (u32)'n' << 8 | (u32)'c' << 16 | (u32)'h' << 24)

static struct {
	char name[24];
	u64 tenths;
} results[12];
static unsigned int nr_results;

static int results_get(char *buf, const struct kernel_param *kp)
{
	int len = 0;
	unsigned int i;

	for (i = 0; i < nr_results; i++)
		len += sysfs_emit_at(buf, len, "%s %llu\n", results[i].name, results[i].tenths);
	return len;
}

static const struct kernel_param_ops results_ops = { .get = results_get };
module_param_cb(results, &results_ops, NULL, 0444);
MODULE_PARM_DESC(results, "what was measured, in tenths of an instruction");

static struct wdm_driver *driver;
static struct wdm_device *device;
static struct wdm_lookaside list;
static void *kept[MOST_KEPT];
static unsigned int nr_kept;
static unsigned int failed;

static void run_nothing(void)
{
}

static void run_kmalloc(void)
{
	void *block = kmalloc(SIZE, GFP_KERNEL);

	failed += !block;
	kfree(block);
}

/* What the ledger knows of who acquires something. */
static noinline void run_stack(void)
{
	unsigned long stack[6];

	stack_trace_save(stack, ARRAY_SIZE(stack), 1);
}

static void run_pool(void)
{
	failed += !!ex_free_pool_with_tag(ex_allocate_pool_with_tag(&device->owner, NonPagedPool,
								    SIZE, TAG), TAG);
}

static void run_lookaside(void)
{
	failed += !!ex_free_to_lookaside_list(&list, ex_allocate_from_lookaside_list(&list));
}

static noinline __noclone u64 batch(void (*run)(void))
{
	u64 began = get_cycles();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		run();
	return get_cycles() - began;
}

/* A batch is shorter than a tick: the smallest has no timer interrupt in it. */
static u64 best(void (*run)(void))
{
	u64 least = U64_MAX;
	unsigned int i;

	for (i = 0; i < BATCHES; i++)
		least = min(least, batch(run));
	return least;
}

static void measure(const char *name, unsigned int n, void (*run)(void))
{
	u64 cycles = best(run) - best(run_nothing);

	if (WARN_ON(nr_results == ARRAY_SIZE(results)))
		return;
	snprintf(results[nr_results].name, sizeof(results->name), "%s.%u", name, n);
	results[nr_results++].tenths = DIV_ROUND_CLOSEST_ULL(cycles * 10, BATCH);
}

/* With so many other blocks of the driver's. */
static int keep(unsigned int n)
{
	for (; nr_kept < n; nr_kept++) {
		kept[nr_kept] = ex_allocate_pool_with_tag(&device->owner, NonPagedPool, SIZE, TAG);
		if (!kept[nr_kept])
			return -ENOMEM;
	}
	return 0;
}

static int measure_all(void)
{
	static const unsigned int counts[] = { 0, 100, 1000, MOST_KEPT };
	unsigned int i;
	int rc = ex_initialize_lookaside_list(&device->owner, &list, NonPagedPool, SIZE, TAG, 4);

	if (rc)
		return rc;
	measure("kmalloc", 0, run_kmalloc);
	measure("stack", 0, run_stack);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		rc = keep(counts[i]);
		if (rc)
			return rc;
		measure("pool", counts[i], run_pool);
		measure("lookaside", counts[i], run_lookaside);
	}
	return failed ? -EIO : 0;
}

static int __init wdm_bench_init(void)
{
	int rc;

	driver = wdm_create_driver(THIS_MODULE, "bench");
	if (IS_ERR(driver))
		return PTR_ERR(driver);
	rc = io_create_device(driver, 0, "bench", &device);
	if (!rc)
		rc = measure_all();
	/* All that it has goes with it. */
	wdm_unload(driver);
	return rc;
}
module_init(wdm_bench_init);

static void __exit wdm_bench_exit(void)
{
}
module_exit(wdm_bench_exit);

MODULE_DESCRIPTION("What wdm's pool costs");
MODULE_LICENSE("GPL");
