// SPDX-License-Identifier: GPL-2.0-only
/*
 * Torture: random I/O through random filters, and a model that predicts every
 * count. See Documentation/torture.rst.
 *
 *	insmod flt_torture.ko seed=4711
 *	dmsetup create tblock --table "0 $SECTORS flt $DEVICE 0 tblock"
 *	echo start /dev/mapper/tblock > /sys/kernel/debug/flt_torture/control
 *	insmod flt_torture1.ko				it attaches and detaches itself
 *	...
 *	rmmod flt_torture1
 *	echo stop > /sys/kernel/debug/flt_torture/control
 *	cat /sys/kernel/debug/flt_torture/verdict	"ok" in the last line
 *
 * Parameters:
 *
 *	seed=N		of all choices that are made here and in the filters
 *	delays=0	no delays at the manager's race points, which are there in
 *			kernels with CONFIG_KUNIT
 *	fault=MASK	what is to be found out, once each: 1 a post-operation is not
 *			counted, 2 data that is not what was written, 4 an error that
 *			nobody has noted, 8 an operation that is forgotten (until lost
 *			is 0), 16 a clean-up that is not counted
 *	patience=N	an operation that takes so many seconds is lost
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../../kmod/fltmgr/race.h"
#include "torture.h"

unsigned long torture_seed = 1;
module_param_named(seed, torture_seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of all choices");
EXPORT_SYMBOL_GPL(torture_seed);

static bool delays = true;
module_param(delays, bool, 0644);
MODULE_PARM_DESC(delays, "at race points");

static unsigned long torture_faults;
module_param_named(fault, torture_faults, ulong, 0644);
MODULE_PARM_DESC(fault, "to be found out");

static bool lost = true;
module_param(lost, bool, 0644);
MODULE_PARM_DESC(lost, "with fault=8: keep what is forgotten");

static unsigned int patience = 180;
module_param(patience, uint, 0644);
MODULE_PARM_DESC(patience, "seconds after which an operation is lost");

static bool running;
static struct dentry *torture_dir;

struct torture_volume torture_volumes[TORTURE_VOLUMES] = {
	[TORTURE_SIM_HELD] = { .name = "theld", .ours = true, .counted = true, .device = true },
	[TORTURE_SIM_AT_ONCE] = { .name = "tatonce", .ours = true, .counted = true },
	[TORTURE_SIM_CHURN] = { .name = "tchurn", .ours = true },
	[TORTURE_BLOCK_DEVICE] = {
		.name = "tblock", .ours = true, .counted = true, .block = true,
	},
	[TORTURE_OTHERS] = { .name = "others" },
};
EXPORT_SYMBOL_GPL(torture_volumes);

struct torture_volume *torture_volume_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < TORTURE_OTHERS; i++)
		if (!strcmp(name, torture_volumes[i].name))
			break;
	return &torture_volumes[i];
}
EXPORT_SYMBOL_GPL(torture_volume_of);

/* splitmix64: a step, and of two numbers one. */
u64 torture_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}
EXPORT_SYMBOL_GPL(torture_next);

u64 torture_mix(u64 a, u64 b)
{
	u64 state = a;

	state = torture_next(&state) ^ b;
	return torture_next(&state);
}
EXPORT_SYMBOL_GPL(torture_mix);

unsigned int torture_pick(u64 *state, unsigned int n)
{
	return (u32)(torture_next(state) >> 32) % n;
}
EXPORT_SYMBOL_GPL(torture_pick);

bool torture_running(void)
{
	return READ_ONCE(running);
}
EXPORT_SYMBOL_GPL(torture_running);

/* Is that to be done wrong, now? Once. */
bool torture_fault_now(enum torture_fault fault)
{
	return unlikely(test_bit(fault, &torture_faults)) &&
	       test_and_clear_bit(fault, &torture_faults);
}
EXPORT_SYMBOL_GPL(torture_fault_now);

void torture_fault_again(enum torture_fault fault)
{
	set_bit(fault, &torture_faults);
}
EXPORT_SYMBOL_GPL(torture_fault_again);

/* Likewise, until somebody sees it. */
bool torture_fault_on(enum torture_fault fault)
{
	return unlikely(test_bit(fault, &torture_faults));
}

bool torture_lost(void)
{
	return READ_ONCE(lost);
}
EXPORT_SYMBOL_GPL(torture_lost);

unsigned long torture_patience(void)
{
	return READ_ONCE(patience) * HZ;
}
EXPORT_SYMBOL_GPL(torture_patience);

#if IS_ENABLED(CONFIG_KUNIT)
static DEFINE_PER_CPU(u64, torture_race_state);

/* In any context: where an interrupt comes in between, it takes the same number. */
static void torture_race(const char *name, const void *subject)
{
	u64 state = this_cpu_read(torture_race_state);
	unsigned int n = torture_pick(&state, 256);

	this_cpu_write(torture_race_state, state);
	if (n < 16)
		udelay(1 + n * 8);
}

static void torture_race_set(bool on)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(torture_race_state, cpu) = torture_mix(torture_seed, cpu);
	flt_race_set_hook(on ? torture_race : NULL);
}
#else
static void torture_race_set(bool on) { }
#endif

static int torture_stop(void)
{
	int err, rc;

	if (!running)
		return -EALREADY;
	err = torture_sim_stop();
	rc = torture_bdev_stop();
	WRITE_ONCE(running, false);
	torture_race_set(false);
	return err ?: rc;
}

static int torture_start(const char *path)
{
	int err;

	if (running)
		return -EALREADY;
	pr_info("torture: seed %lu\n", torture_seed);
	WRITE_ONCE(running, true);
	if (delays)
		torture_race_set(true);
	err = torture_sim_start();
	if (!err && *path)
		err = torture_bdev_start(path);
	if (err)
		torture_stop();
	return err;
}

static int torture_command(char *line)
{
	if (!strncmp(line, "start", 5))
		return torture_start(skip_spaces(line + 5));
	if (!strcmp(line, "stop"))
		return torture_stop();
	return -EINVAL;
}

static DEFINE_MUTEX(torture_control_lock);

static ssize_t torture_control_write(struct file *file, const char __user *buf, size_t count,
				     loff_t *pos)
{
	char *line = memdup_user_nul(buf, min_t(size_t, count, 100));
	int err;

	if (IS_ERR(line))
		return PTR_ERR(line);
	strim(line);
	mutex_lock(&torture_control_lock);
	err = torture_command(line);
	mutex_unlock(&torture_control_lock);
	kfree(line);
	return err ?: count;
}

static const struct file_operations torture_control_fops = {
	.owner = THIS_MODULE,
	.write = torture_control_write,
};

static int torture_books_file_show(struct seq_file *m, void *v)
{
	torture_books_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(torture_books_file);

/* To be asked when torture has stopped and its filters are unloaded. */
static int torture_verdict_show(struct seq_file *m, void *v)
{
	unsigned int i;

	mutex_lock(&torture_control_lock);
	if (!running) {
		for (i = 0; i < TORTURE_VOLUMES; i++)
			torture_check_volume(&torture_volumes[i]);
		for (i = 0; i < TORTURE_FILTERS; i++)
			torture_check_filter(i);
	}
	mutex_unlock(&torture_control_lock);
	seq_printf(m, "seed %lu\n", torture_seed);
	if (running)
		seq_puts(m, "running\n");
	else if (torture_nr_wrong())
		seq_printf(m, "wrong %u\n", torture_nr_wrong());
	else
		seq_puts(m, "ok\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(torture_verdict);

static int __init torture_init(void)
{
	int err = torture_books_init();

	if (err)
		return err;
	err = torture_witness_init();
	if (err) {
		torture_books_exit();
		return err;
	}
	torture_dir = debugfs_create_dir("flt_torture", NULL);
	debugfs_create_file("control", 0200, torture_dir, NULL, &torture_control_fops);
	debugfs_create_file("books", 0400, torture_dir, NULL, &torture_books_file_fops);
	debugfs_create_file("verdict", 0400, torture_dir, NULL, &torture_verdict_fops);
	return 0;
}
module_init(torture_init);

static void __exit torture_exit(void)
{
	debugfs_remove(torture_dir);
	if (running)
		torture_stop();
	torture_witness_exit();
	torture_books_exit();
}
module_exit(torture_exit);

MODULE_DESCRIPTION("Torture of the filter manager: books, witnesses, issuers of I/O");
MODULE_LICENSE("GPL");
