// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nth allocation of each routine that makes something fails, for n = 1, 2, 3 ...
 * until there is no nth: after each failure everything is as it was before, and when
 * none fails the routine does what it is for.
 *
 * Allocations of the calling task count, as in testfault.h; those of pages that the
 * kernel's allocator of pages hands out by itself do not.
 */
#include <linux/ioport.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "testwdm.h"
#include "testfault.h"
#include "testsysfs.h"

static bool faults_work;
static struct wdm_device *made;
static unsigned int failures;

/* What there is: nothing of it may have changed after a failure. */
struct world {
	unsigned int records;
	unsigned int references;
	unsigned int violations;
	int module_refs;
	int dev_refs;
};

static void look(struct world *w)
{
	memset(w, 0, sizeof(*w));
	/* Nobody else is at it. */
	w->records = list_count_nodes(&drv->ledger);
	w->references = dev->references;
	w->violations = wdm_violation_count();
	w->module_refs = module_refcount(THIS_MODULE);
	w->dev_refs = kref_read(&dev->ref);
}

/**
 * struct nth - an entry
 * @name: for messages
 * @make: what is tested: 0, or what went wrong
 * @undo: undoes it
 * @least: as many allocations it makes at least
 * @path: what is to be in sysfs after a success only; or NULL
 */
struct nth {
	const char *name;
	int (*make)(void);
	int (*undo)(void);
	unsigned int least;
	const char *path;
};

static void go_over(struct kunit *test, const struct nth *nth)
{
	struct world before, now;
	unsigned int n;
	bool fired;
	int rc;

	if (!faults_work)
		kunit_skip(test, "allocations cannot be made to fail");
	for (n = 1; n < FAULT_MAX; n++) {
		look(&before);
		fault_arm(n);
		rc = nth->make();
		fired = fault_disarm();
		if (!rc) {
			if (nth->path)
				KUNIT_EXPECT_STRNEQ(test, ts_leads_to(nth->path), "ERRNO -2");
			KUNIT_EXPECT_EQ_MSG(test, nth->undo(), 0, "%s, %u", nth->name, n);
		} else {
			KUNIT_EXPECT_EQ_MSG(test, rc, -ENOMEM, "%s, %u", nth->name, n);
			failures++;
		}
		if (nth->path)
			KUNIT_EXPECT_STREQ(test, ts_leads_to(nth->path), "ERRNO -2");
		look(&now);
		KUNIT_EXPECT_TRUE_MSG(test, !memcmp(&before, &now, sizeof(now)),
				      "%s, %u: %s", nth->name, n, wdm_violation_last());
		if (!fired)
			break;
	}
	KUNIT_EXPECT_EQ_MSG(test, rc, 0, "%s", nth->name);
	KUNIT_EXPECT_GT_MSG(test, n, nth->least, "%s", nth->name);
	pr_info("wdm fail-nth: %s: %u\n", nth->name, n - 1);
	tw_expect_silence(test);
}

static int make_device(void)
{
	return io_create_device(drv, 64, "plain", &made);
}

static int make_named(void)
{
	return io_create_device(drv, 64, "\\Device\\Nth", &made);
}

static int undo_device(void)
{
	return io_delete_device(made);
}

/* RLS-81, RLS-71, RLS-06 */
static void devices(struct kunit *test)
{
	const struct nth plain = { "device", make_device, undo_device, 2 };
	const struct nth named = { "device with a name", make_named, undo_device, 5,
				   "/sys/kernel/wdm/Device/Nth" };

	go_over(test, &plain);
	go_over(test, &named);
}

static int make_link(void)
{
	return io_create_symbolic_link(&dev->owner, "\\??\\Link", "\\Device\\Nth");
}

static int undo_link(void)
{
	return io_delete_symbolic_link("\\??\\Link");
}

/* RLS-50, RLS-06 */
static void links(struct kunit *test)
{
	const struct nth link = { "symbolic link", make_link, undo_link, 2,
				  "/sys/kernel/wdm/DosDevices/Link" };

	KUNIT_ASSERT_EQ(test, make_named(), 0);
	go_over(test, &link);
	KUNIT_EXPECT_EQ(test, undo_device(), 0);
}

static int make_value(void)
{
	return rtl_write_registry_value(&dev->owner, RTL_REGISTRY_DEVICEMAP, "NTH", "v", "x");
}

static int undo_value(void)
{
	return rtl_delete_registry_value(RTL_REGISTRY_DEVICEMAP, "NTH", "v");
}

/* RLS-71, RLS-06 */
static void values(struct kunit *test)
{
	const struct nth value = { "registry value", make_value, undo_value, 4,
				   "/sys/kernel/wdm/DeviceMap/NTH" };

	go_over(test, &value);
}

static int make_count(void)
{
	return min(0, io_count_configuration(&dev->owner, WDM_DISK_COUNT, 1));
}

static int undo_count(void)
{
	return io_count_configuration(&dev->owner, WDM_DISK_COUNT, -1);
}

/* RLS-72, RLS-06 */
static void counts(struct kunit *test)
{
	const struct nth count = { "count", make_count, undo_count, 1 };

	go_over(test, &count);
	KUNIT_EXPECT_EQ(test, io_get_configuration_information(WDM_DISK_COUNT), 0);
}

static const char *open_what;
static struct wdm_file_object *object;

static int make_file(void)
{
	struct wdm_device *top;

	return io_get_device_object_pointer(&dev->owner, open_what, FILE_READ_DATA, &object, &top);
}

static int undo_file(void)
{
	return ob_dereference_file_object(object);
}

static const struct file_operations misc_fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice misc_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "wdm_failnth_test",
	.fops = &misc_fops,
};

/* RLS-61, RLS-62, RLS-06 */
static void files(struct kunit *test)
{
	const struct nth device = { "file object", make_file, undo_file, 1 };
	const struct nth file = { "file object of Linux", make_file, undo_file, 2 };

	KUNIT_ASSERT_EQ(test, make_named(), 0);
	open_what = "\\Device\\Nth";
	go_over(test, &device);
	KUNIT_EXPECT_EQ(test, undo_device(), 0);
	KUNIT_ASSERT_EQ(test, misc_register(&misc_device), 0);
	open_what = "/dev/wdm_failnth_test";
	go_over(test, &file);
	misc_deregister(&misc_device);
}

static struct wdm_controller *controller;

static int make_controller(void)
{
	controller = io_create_controller(drv, 64);
	return controller ? 0 : -ENOMEM;
}

static int undo_controller(void)
{
	return io_delete_controller(controller);
}

static enum wdm_allocation_action keep(struct wdm_device *device, void *context)
{
	return KeepObject;
}

static int make_allocation(void)
{
	return io_allocate_controller(controller, dev, keep, NULL);
}

static int undo_allocation(void)
{
	return io_free_controller(controller);
}

/* RLS-80, RLS-06: waiting for one allocates nothing */
static void controllers(struct kunit *test)
{
	const struct nth nth = { "controller", make_controller, undo_controller, 2 };
	const struct nth allocation = { "controller allocation", make_allocation,
					undo_allocation, 0 };

	go_over(test, &nth);
	KUNIT_ASSERT_EQ(test, make_controller(), 0);
	failures = 0;
	go_over(test, &allocation);
	KUNIT_EXPECT_EQ(test, failures, 0);
	KUNIT_EXPECT_EQ(test, undo_controller(), 0);
}

static struct wdm_partial_resource ranges[2];

static struct wdm_resource_requirement wanted[2] = {
	{ CmResourceTypeMemory, 256, SZ_4K, SZ_16M, 0xfec00000 - 1 },
	{ CmResourceTypePort, 256, 256, 0x2000, 0xffff },
};

static int make_assigned(void)
{
	return io_assign_resources(&dev->owner, "Nth", wanted, 2, ranges);
}

static int undo_assigned(void)
{
	return io_assign_resources(&dev->owner, "Nth", NULL, 0, NULL);
}

/* Who has no memory for it says that somebody has the range: the kernel does not tell. */
static int make_claims(void)
{
	bool conflict;
	int rc = io_report_resource_usage(&dev->owner, "Nth", ranges, 2, &conflict);

	return rc == -EBUSY && conflict ? -ENOMEM : rc;
}

static int undo_claims(void)
{
	return io_report_resource_usage(&dev->owner, "Nth", NULL, 0, NULL);
}

/* RLS-59, RLS-70, RLS-06 */
static void claims(struct kunit *test)
{
	const struct nth assigned = { "assigned ranges", make_assigned, undo_assigned, 2 };
	const struct nth claimed = { "claims", make_claims, undo_claims, 4 };

	wanted[0].window = tw_window(&iomem_resource, SZ_16M);
	wanted[1].window = tw_window(&ioport_resource, 0x8000);
	go_over(test, &assigned);
	go_over(test, &claimed);
}

static void *memory;

static int make_non_cached(void)
{
	memory = mm_allocate_non_cached_memory(&dev->owner, PAGE_SIZE);
	return memory ? 0 : -ENOMEM;
}

static int undo_non_cached(void)
{
	return mm_free_non_cached_memory(memory, PAGE_SIZE);
}

static int make_contiguous(void)
{
	memory = mm_allocate_contiguous_memory(&dev->owner, PAGE_SIZE, U32_MAX);
	return memory ? 0 : -ENOMEM;
}

static int undo_contiguous(void)
{
	return mm_free_contiguous_memory(memory);
}

/* RLS-54, RLS-55, RLS-06 */
static void pages(struct kunit *test)
{
	const struct nth non_cached = { "non-cached memory", make_non_cached, undo_non_cached, 1 };
	const struct nth contiguous = { "contiguous memory", make_contiguous, undo_contiguous, 1 };

	go_over(test, &non_cached);
	go_over(test, &contiguous);
}

static int failnth_suite_init(struct kunit_suite *suite)
{
	faults_work = !fault_init();
	return 0;
}

static void failnth_suite_exit(struct kunit_suite *suite)
{
	if (faults_work)
		fault_exit();
}

static struct kunit_case failnth_cases[] = {
	KUNIT_CASE(devices),
	KUNIT_CASE(links),
	KUNIT_CASE(values),
	KUNIT_CASE(counts),
	KUNIT_CASE(files),
	KUNIT_CASE(controllers),
	KUNIT_CASE(claims),
	KUNIT_CASE(pages),
	{}
};

static struct kunit_suite failnth_suite = {
	.name = "wdm_failnth",
	.suite_init = failnth_suite_init,
	.suite_exit = failnth_suite_exit,
	.init = tw_init,
	.exit = tw_exit,
	.test_cases = failnth_cases,
};

kunit_test_suite(failnth_suite);

MODULE_DESCRIPTION("Tests of allocations that fail in wdm");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
