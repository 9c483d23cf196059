// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of devices, symbolic links, the device map.
 */
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "testwdm.h"
#include "testsysfs.h"

#define ROOT	"/sys/kernel/wdm/"

static struct wdm_device *named;
static struct wdm_driver *drv2;
static int results[4];

static int make_named(void)
{
	return io_create_device(drv, 16, "\\Device\\Beep", &named);
}

static int make_link(void)
{
	return io_create_symbolic_link(&drv->owner, "\\DosDevices\\BEEP1", "\\Device\\Beep");
}

/* RLS-71: a directory for each device with a name, which goes with it */
static void a_name(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	ts_expect_text(test, ROOT "Device/Beep/driver", "drv\n");
	KUNIT_EXPECT_STREQ(test, named->record.name, "Beep");
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	ts_expect_nothing(test, ROOT "Device/Beep/driver");
	/* and can be given again */
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	ts_expect_text(test, ROOT "Device/Beep/driver", "drv\n");
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	ts_expect_leads_to(test, ROOT "Device", ROOT "Device");
	tw_expect_silence(test);
}

/* RLS-71, RLS-83: who has its attribute open reads nothing more, and keeps nothing */
static void open_when_it_goes(struct kunit *test)
{
	struct file *file;
	char text[8];

	KUNIT_ASSERT_EQ(test, make_named(), 0);
	file = filp_open(ROOT "Device/Beep/driver", O_RDONLY, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	KUNIT_EXPECT_EQ(test, kernel_read(file, text, sizeof(text), &(loff_t){ 0 }), -ENODEV);
	KUNIT_EXPECT_EQ(test, filp_close(file, NULL), 0);
	tw_expect_silence(test);
}

static struct task_struct *reader;
static bool probed, reached, opened;

/* The reader is held inside of the attribute's function; no locks, as in an NMI. */
static int in_show(struct kprobe *p, struct pt_regs *regs)
{
	if (current != READ_ONCE(reader))
		return 0;
	WRITE_ONCE(reached, true);
	/* Pairs with the test's, which opens it. */
	while (!smp_load_acquire(&opened))
		cpu_relax();
	return 0;
}

static struct kprobe show_probe = {
	.symbol_name = "wdm:wdm_name_driver_show",
	.pre_handler = in_show,
};

static char read_there[8];

static void read_it(struct work_struct *work)
{
	struct file *file = filp_open(ROOT "Device/Beep/driver", O_RDONLY, 0);

	memset(read_there, 0, sizeof(read_there));
	if (IS_ERR(file))
		return;
	WRITE_ONCE(reader, current);
	kernel_read(file, read_there, sizeof(read_there) - 1, &(loff_t){ 0 });
	WRITE_ONCE(reader, NULL);
	filp_close(file, NULL);
}

static DECLARE_WORK(there, read_it);

static int delete_it(void *arg)
{
	return io_delete_device(arg);
}

/* RLS-12, RLS-71: somebody is reading: that is waited for, and nobody else begins */
static void read_when_it_goes(struct kunit *test)
{
	reached = false;
	opened = false;
	show_probe.addr = NULL;
	show_probe.flags = 0;
	probed = !register_kprobe(&show_probe);
	if (!probed)
		kunit_skip(test, "there are no kprobes");
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	schedule_work_on(1, &there);
	tw_wait_until(test, READ_ONCE(reached));
	tw_thread_start(test, 0, delete_it, named);
	tw_wait_until(test, strcmp(ts_text(ROOT "Device/Beep/driver"), "drv\n"));
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	smp_store_release(&opened, true);	/* pairs with in_show() */
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	flush_work(&there);
	KUNIT_EXPECT_STREQ(test, read_there, "drv\n");
	ts_expect_nothing(test, ROOT "Device/Beep");
	tw_expect_silence(test);
}

/* RLS-71: what is no name, or is taken, whatever the case of its letters */
static void no_name(struct kunit *test)
{
	struct wdm_device *made = NULL;

	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\BEEP", &made), -EEXIST);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\device\\beep", &made), -EEXIST);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\a\\b", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\a/b", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\..", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\a\x01", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\DosDevices\\a", &made), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Driver\\a", &made), -ENOENT);
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\0123456789abcdef0123456789abcdef",
					       &made), -ENAMETOOLONG);
	KUNIT_EXPECT_NULL(test, made);
	/* of the longest */
	KUNIT_EXPECT_EQ(test, io_create_device(drv, 0, "\\Device\\0123456789abcdef0123456789abcde",
					       &made), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(made), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	tw_expect_silence(test);
}

/* RLS-71: one with a name is not deleted where sleeping is not allowed; without one it is */
static void deleted_where_sleeping_is_allowed(struct kunit *test)
{
	int rc;

	KUNIT_ASSERT_EQ(test, make_named(), 0);
	preempt_disable();
	rc = io_delete_device(named);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_delete_device");
	ts_expect_text(test, ROOT "Device/Beep/driver", "drv\n");
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	preempt_disable();
	rc = io_delete_device(dev);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, 0);
	tw_expect_silence(test);
}

/* RLS-50: a link is another way to the device, until it is deleted */
static void a_link(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, make_link(), 0);
	ts_expect_leads_to(test, ROOT "DosDevices/BEEP1", ROOT "Device/Beep");
	ts_expect_text(test, ROOT "DosDevices/BEEP1/driver", "drv\n");
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\??\\beep1"), 0);
	ts_expect_nothing(test, ROOT "DosDevices/BEEP1");
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\DosDevices\\BEEP1"), -ENOENT);
	/* by another word for the directory; and a link to a link leads to where that does */
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(&dev->owner, "\\??\\A", "\\Device\\BEEP"), 0);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(&dev->owner, "\\GLOBAL??\\B",
						      "\\DosDevices\\a"), 0);
	ts_expect_leads_to(test, ROOT "DosDevices/B", ROOT "Device/Beep");
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\??\\A"), 0);
	ts_expect_leads_to(test, ROOT "DosDevices/B", ROOT "Device/Beep");
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\??\\B"), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	tw_expect_silence(test);
}

/* RLS-51: a name of the firmware's, beside the other one */
static void an_arc_name(struct kunit *test)
{
	const char *arc = "\\ArcName\\multi(0)disk(0)rdisk(0)";

	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, make_link(), 0);
	KUNIT_EXPECT_EQ(test, io_assign_arc_name(&drv->owner, arc, "\\Device\\Beep"), 0);
	ts_expect_leads_to(test, ROOT "ArcName/multi(0)disk(0)rdisk(0)", ROOT "Device/Beep");
	KUNIT_EXPECT_EQ(test, io_deassign_arc_name(arc), 0);
	ts_expect_nothing(test, ROOT "ArcName/multi(0)disk(0)rdisk(0)");
	ts_expect_leads_to(test, ROOT "DosDevices/BEEP1", ROOT "Device/Beep");
	KUNIT_EXPECT_EQ(test, io_deassign_arc_name(arc), -ENOENT);
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\??\\BEEP1"), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	tw_expect_silence(test);
}

/* RLS-50: what there is not, what is taken, and what is not for links */
static void no_link(struct kunit *test)
{
	struct wdm_owner *owner = &drv->owner;
	int rc;

	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, make_link(), 0);
	KUNIT_EXPECT_EQ(test, make_link(), -EEXIST);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(owner, "\\??\\beep1", "\\Device\\Beep"),
			-EEXIST);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(owner, "\\??\\X", "\\Device\\None"), -ENOENT);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(owner, "\\??\\X", "Beep"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(owner, "X", "\\Device\\Beep"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(owner, "\\Device\\X", "\\Device\\Beep"),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(NULL, "\\??\\X", "\\Device\\Beep"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(owner, NULL, "\\Device\\Beep"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(owner, "\\??\\X", NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\Device\\Beep"), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link(NULL), -EINVAL);
	tw_expect_silence(test);
	preempt_disable();
	rc = make_link();
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_create_symbolic_link");
	preempt_disable();
	rc = io_delete_symbolic_link("\\??\\BEEP1");
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_delete_symbolic_link");
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\??\\BEEP1"), 0);
	drv->unloading = true;
	KUNIT_EXPECT_EQ(test, make_link(), -ESHUTDOWN);
	drv->unloading = false;
	ts_expect_nothing(test, ROOT "DosDevices/BEEP1");
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	tw_expect_silence(test);
}

/* RLS-50, VER-21: V-RLS-11, no link is left without its device; the twin is clean */
static void deleted_with_a_link(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, make_link(), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(named), -EBUSY);
	tw_expect_violation(test, "V-RLS-11", "symbolic link 'BEEP1' of stage 0");
	ts_expect_leads_to(test, ROOT "DosDevices/BEEP1", ROOT "Device/Beep");
	/* It is a device as before: an IoTimer that was looked at goes on, too. */
	KUNIT_EXPECT_EQ(test, ob_reference_object(named), 0);
	ob_dereference_object(named);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(named), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "symbolic link 'BEEP1' of stage 0");
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\??\\BEEP1"), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(named), 0);
	tw_expect_silence(test);
}

static bool missing(const char *path)
{
	return !strcmp(ts_text(path), "ERRNO -2");
}

static void stage(struct wdm_device *device, enum wdm_stage stage)
{
	if (device != named)
		return;
	if (stage == WDM_STAGE_ENTRIES && !missing(ROOT "DosDevices/BEEP1"))
		tw_log("link");
	if (stage == WDM_STAGE_INTERRUPTS && missing(ROOT "DosDevices/BEEP1"))
		tw_log("unlinked");
	if (stage == WDM_STAGE_NAMES && !missing(ROOT "Device/Beep/driver"))
		tw_log("named");
	if (stage == WDM_STAGE_DEVICES && missing(ROOT "Device/Beep/driver"))
		tw_log("nameless");
}

/* RLS-10, RLS-50, RLS-71, RLS-92: links go first, names before their devices */
static void removed_in_their_stages(struct kunit *test)
{
	drv->driver_stage = stage;
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(&named->owner, "\\??\\BEEP1",
						      "\\Device\\Beep"), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(named), 0);
	tw_expect_log(test, "link unlinked named nameless");
	tw_expect_silence(test);
}

static struct wdm_event event;

static void out_of_order(struct wdm_driver *driver)
{
	/* Nobody else comes in, then who is in leaves, then the rest goes. */
	results[0] = ke_uninitialize_event(&event);
	results[1] = io_delete_symbolic_link("\\??\\BEEP1");
	io_release_remove_lock(named);
	io_release_remove_lock_and_wait(named);
	results[2] = ke_uninitialize_event(&event);
	results[3] = io_delete_device(named);
	io_delete_device(dev);
}

/* RLS-10, RLS-13, VER-21: V-RLS-13, a way in goes before all else, with somebody inside */
static void a_link_goes_first(struct kunit *test)
{
	drv->driver_unload = out_of_order;
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, make_link(), 0);
	KUNIT_ASSERT_EQ(test, ke_initialize_event(&drv->owner, &event, NotificationEvent, false),
			0);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(named), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, results[0], -EBUSY);
	KUNIT_EXPECT_EQ(test, results[1], 0);
	KUNIT_EXPECT_EQ(test, results[2], 0);
	KUNIT_EXPECT_EQ(test, results[3], 0);
	tw_expect_violation(test, "V-RLS-13", "released before symbolic link 'BEEP1' of stage 0");
}

static void leave_names(struct wdm_driver *driver)
{
}

/* RLS-50, RLS-71, RLS-91, VER-21: V-RLS-11, left by the unload; nothing is left in sysfs */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_names;
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, make_link(), 0);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(&drv->owner, RTL_REGISTRY_DEVICEMAP,
						       "SOUND", "Beep", "BEEP1"), 0);
	tw_unload_now(test);
	/* device, name, link, value */
	tw_expect_violations(test, 4);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-11: registry value 'Beep'"));
	ts_expect_nothing(test, ROOT "DosDevices/BEEP1");
	ts_expect_nothing(test, ROOT "Device/Beep");
	ts_expect_nothing(test, ROOT "DeviceMap/SOUND");
}

/* RLS-50, RLS-05: V-RLS-11, a device goes to which another driver's link leads */
static void another_drivers_link(struct kunit *test)
{
	drv2 = wdm_create_driver(THIS_MODULE, "drv2");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, drv2);
	KUNIT_ASSERT_EQ(test, make_named(), 0);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(&drv2->owner, "\\??\\BEEP1",
						      "\\Device\\Beep"), 0);
	tw_unload_now(test);
	tw_expect_violation(test, "V-RLS-11", "goes, but symbolic link 'BEEP1'");
	/* It leads to nothing, and can be deleted. */
	ts_expect_nothing(test, ROOT "DosDevices/BEEP1/driver");
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(&drv2->owner, "\\??\\C", "\\??\\BEEP1"),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, io_delete_symbolic_link("\\??\\BEEP1"), 0);
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
	tw_expect_silence(test);
}

/* RLS-71: what a driver says of its devices, a file for each */
static void the_device_map(struct kunit *test)
{
	const unsigned int map = RTL_REGISTRY_DEVICEMAP;

	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(&drv->owner, map, "SERIALCOMM",
						       "\\Device\\Serial0", "COM1"), 0);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(&dev->owner, map, "serialcomm",
						       "\\Device\\Serial1", "COM2"), 0);
	ts_expect_text(test, ROOT "DeviceMap/SERIALCOMM/\\Device\\Serial0", "COM1\n");
	ts_expect_text(test, ROOT "DeviceMap/SERIALCOMM/\\Device\\Serial1", "COM2\n");
	/* written over */
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(&drv->owner, map, "SERIALCOMM",
						       "\\Device\\Serial0", "COM7"), 0);
	ts_expect_text(test, ROOT "DeviceMap/SERIALCOMM/\\Device\\Serial0", "COM7\n");
	KUNIT_EXPECT_EQ(test, rtl_delete_registry_value(map, "SERIALCOMM", "\\device\\serial0"), 0);
	ts_expect_nothing(test, ROOT "DeviceMap/SERIALCOMM/\\Device\\Serial0");
	KUNIT_EXPECT_EQ(test, rtl_delete_registry_value(map, "SERIALCOMM", "\\Device\\Serial0"),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, rtl_delete_registry_value(map, "SERIALCOMM", "\\Device\\Serial1"), 0);
	ts_expect_nothing(test, ROOT "DeviceMap/SERIALCOMM");
	tw_expect_silence(test);
}

/* RLS-71: what is no value, and whose it is */
static void not_in_the_device_map(struct kunit *test)
{
	const unsigned int map = RTL_REGISTRY_DEVICEMAP;
	struct wdm_owner *owner = &drv->owner;
	char text[257];
	int rc;

	memset(text, 'a', 256);
	text[256] = 0;
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "C", "v", text), -ENAMETOOLONG);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, text, "v", "x"), -ENAMETOOLONG);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "C", text, "x"), -ENAMETOOLONG);
	text[255] = 0;
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, 0, "C", "v", "x"), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "C", "a/b", "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "", "v", "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, NULL, "v", "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "C", NULL, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "C", "v", NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(NULL, map, "C", "v", "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rtl_delete_registry_value(0, "C", "v"), -EOPNOTSUPP);
	drv->unloading = true;
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "C", "v", "x"), -ESHUTDOWN);
	drv->unloading = false;
	ts_expect_nothing(test, ROOT "DeviceMap/C");
	tw_expect_silence(test);

	preempt_disable();
	rc = rtl_write_registry_value(owner, map, "C", "v", "x");
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "rtl_write_registry_value");
	drv2 = wdm_create_driver(THIS_MODULE, "drv2");
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(owner, map, "C", "v", text), 0);
	KUNIT_EXPECT_EQ(test, rtl_write_registry_value(&drv2->owner, map, "C", "V", "x"), -EEXIST);
	preempt_disable();
	rc = rtl_delete_registry_value(map, "C", "v");
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "rtl_delete_registry_value");
	KUNIT_EXPECT_EQ(test, rtl_delete_registry_value(map, "C", "v"), 0);
	KUNIT_EXPECT_EQ(test, wdm_unload(drv2), 0);
	tw_expect_silence(test);
}

static void count_devices(struct wdm_driver *driver)
{
	results[0] = io_count_configuration(&driver->owner, WDM_DISK_COUNT, 1);
	io_delete_device(dev);
}

/* RLS-72: all drivers count together, each takes its own back */
static void counts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, io_get_configuration_information(WDM_DISK_COUNT), 0);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&drv->owner, WDM_DISK_COUNT, 1), 1);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_DISK_COUNT, 2), 3);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_DISK_COUNT, 0), 3);
	KUNIT_EXPECT_EQ(test, io_get_configuration_information(WDM_DISK_COUNT), 3);
	KUNIT_EXPECT_EQ(test, io_get_configuration_information(WDM_SERIAL_COUNT), 0);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_DISK_COUNT, -1), 2);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&drv->owner, WDM_DISK_COUNT, -1), 1);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_DISK_COUNT, INT_MAX),
			-EOVERFLOW);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_DISK_COUNT, -1), 0);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_CONFIGURATIONS, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_TAPE_COUNT, INT_MIN),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, io_count_configuration(NULL, WDM_TAPE_COUNT, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_configuration_information(WDM_CONFIGURATIONS), -EINVAL);
	drv->driver_unload = count_devices;
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, results[0], -ESHUTDOWN);
	tw_expect_silence(test);
}

/* RLS-72, VER-21: V-RLS-9, one too few, one too many; the twin is above */
static void counts_that_do_not_match(struct kunit *test)
{
	int rc;

	KUNIT_EXPECT_EQ(test, io_count_configuration(&drv->owner, WDM_TAPE_COUNT, 2), 2);
	KUNIT_EXPECT_EQ(test, io_count_configuration(&dev->owner, WDM_TAPE_COUNT, -1), -ERANGE);
	tw_expect_violation(test, "V-RLS-9", "TapeCount is lowered by 1");
	KUNIT_EXPECT_EQ(test, io_count_configuration(&drv->owner, WDM_TAPE_COUNT, -3), -ERANGE);
	tw_expect_violation(test, "V-RLS-9", "TapeCount is lowered by 3");
	preempt_disable();
	rc = io_count_configuration(&drv->owner, WDM_TAPE_COUNT, 1);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_count_configuration");
	KUNIT_EXPECT_EQ(test, io_get_configuration_information(WDM_TAPE_COUNT), 2);
	tw_unload_now(test);
	tw_expect_violation(test, "V-RLS-9", "count 'TapeCount' of stage 5");
	KUNIT_EXPECT_EQ(test, io_get_configuration_information(WDM_TAPE_COUNT), 0);
}

static void names_exit(struct kunit *test)
{
	smp_store_release(&opened, true);	/* pairs with in_show() */
	flush_work(&there);
	if (probed)
		unregister_kprobe(&show_probe);
	probed = false;
	tw_exit(test);
}

static struct kunit_case names_cases[] = {
	KUNIT_CASE(a_name),
	KUNIT_CASE(open_when_it_goes),
	KUNIT_CASE(read_when_it_goes),
	KUNIT_CASE(no_name),
	KUNIT_CASE(deleted_where_sleeping_is_allowed),
	KUNIT_CASE(a_link),
	KUNIT_CASE(an_arc_name),
	KUNIT_CASE(no_link),
	KUNIT_CASE(deleted_with_a_link),
	KUNIT_CASE(removed_in_their_stages),
	KUNIT_CASE(a_link_goes_first),
	KUNIT_CASE(left_by_the_unload),
	KUNIT_CASE(another_drivers_link),
	KUNIT_CASE(the_device_map),
	KUNIT_CASE(not_in_the_device_map),
	KUNIT_CASE(counts),
	KUNIT_CASE(counts_that_do_not_match),
	{}
};

static struct kunit_suite names_suite = {
	.name = "wdm_names",
	.init = tw_init,
	.exit = names_exit,
	.test_cases = names_cases,
};

kunit_test_suite(names_suite);

MODULE_DESCRIPTION("Tests of names of devices");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
