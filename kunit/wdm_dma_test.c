// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA adapters and common buffers, of a platform device that the test has made, and
 * of a PCI device that the machine has.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "testwdm.h"

#define SIZE	8192

static struct platform_device *pdev;
static struct pci_dev *bus_device;
static struct wdm_dma_adapter *adapter, *other;
static dma_addr_t logical;
static void *buffer;
static bool runs;
static int result;

static bool dma_runs(void *context)
{
	return READ_ONCE(*(bool *)context);
}

static int get_of(struct device *hardware, struct wdm_dma_adapter **made)
{
	struct wdm_device_description d = {
		.dma_address_width = 28,
		.dma_runs = dma_runs,
		.context = &runs,
	};

	return io_get_dma_adapter(dev, hardware, &d, made);
}

static void *allocate(void)
{
	buffer = adapter->dma_operations->allocate_common_buffer(adapter, SIZE, &logical, true);
	return buffer;
}

static int free_it(void)
{
	return adapter->dma_operations->free_common_buffer(adapter, SIZE, logical, buffer, true);
}

static int put(struct wdm_dma_adapter *which)
{
	return which->dma_operations->put_dma_adapter(which);
}

static void acquire(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, get_of(&pdev->dev, &adapter), 0);
	KUNIT_ASSERT_NOT_NULL(test, allocate());
}

/* RLS-56, RLS-57: zeroed, where the device can reach it, and freed */
static void allocated_and_freed(struct kunit *test)
{
	acquire(test);
	KUNIT_EXPECT_NULL(test, memchr_inv(buffer, 0, SIZE));
	memset(buffer, 0x5a, SIZE);
	KUNIT_EXPECT_LT(test, logical + SIZE - 1, 1ULL << 28);
	KUNIT_EXPECT_EQ(test, pdev->dev.coherent_dma_mask, DMA_BIT_MASK(28));
	KUNIT_EXPECT_EQ(test, free_it(), 0);
	KUNIT_EXPECT_NULL(test, wdm_common_buffer_record(buffer));
	KUNIT_EXPECT_EQ(test, put(adapter), 0);
	tw_expect_silence(test);
}

/* RLS-56, VER-21: V-RLS-8, all of it is as it was allocated; the twin is clean */
static void freed_as_something_else(struct kunit *test)
{
	const struct wdm_dma_operations *ops;

	acquire(test);
	KUNIT_ASSERT_EQ(test, get_of(&pdev->dev, &other), 0);
	ops = adapter->dma_operations;
	KUNIT_EXPECT_EQ(test, ops->free_common_buffer(adapter, SIZE / 2, logical, buffer, true),
			-EINVAL);
	tw_expect_violation(test, "V-RLS-8", "is freed as something else");
	KUNIT_EXPECT_EQ(test, ops->free_common_buffer(adapter, SIZE, logical + 1, buffer, true),
			-EINVAL);
	tw_expect_violation(test, "V-RLS-8", "is freed as something else");
	KUNIT_EXPECT_EQ(test, ops->free_common_buffer(adapter, SIZE, logical, buffer, false),
			-EINVAL);
	tw_expect_violation(test, "V-RLS-8", "is freed as something else");
	KUNIT_EXPECT_EQ(test, ops->free_common_buffer(other, SIZE, logical, buffer, true), -EINVAL);
	tw_expect_violation(test, "V-RLS-8", "is freed as something else");
	KUNIT_EXPECT_EQ(test, ops->free_common_buffer(adapter, SIZE, logical, buffer + 1, true),
			-EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	KUNIT_EXPECT_EQ(test, free_it(), 0);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, free_it(), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
}

/* RLS-57, VER-21: V-RLS-8, the device writes to it; the twin is clean */
static void freed_while_dma_runs(struct kunit *test)
{
	acquire(test);
	runs = true;
	KUNIT_EXPECT_EQ(test, free_it(), -EBUSY);
	tw_expect_violation(test, "V-RLS-8", "has its DMA running");
	memset(buffer, 1, SIZE);
	runs = false;
	KUNIT_EXPECT_EQ(test, free_it(), 0);
	tw_expect_silence(test);
}

/* RLS-56: V-RLS-8, the adapter before its buffer; the twin is clean */
static void the_buffer_before_its_adapter(struct kunit *test)
{
	acquire(test);
	KUNIT_EXPECT_EQ(test, put(adapter), -EBUSY);
	tw_expect_violation(test, "V-RLS-8", "common buffer");
	KUNIT_EXPECT_EQ(test, free_it(), 0);
	KUNIT_EXPECT_EQ(test, put(adapter), 0);
	tw_expect_silence(test);
}

/* RLS-56: not where sleeping is not allowed */
static void where_sleeping_is_not_allowed(struct kunit *test)
{
	void *none;
	int rc, got;

	preempt_disable();
	got = get_of(&pdev->dev, &adapter);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, got, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_get_dma_adapter");
	acquire(test);
	preempt_disable();
	none = adapter->dma_operations->allocate_common_buffer(adapter, SIZE, &logical, true);
	preempt_enable();
	KUNIT_EXPECT_NULL(test, none);
	tw_expect_violation(test, "LVL-02", "allocate_common_buffer");
	preempt_disable();
	rc = free_it();
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "free_common_buffer");
	preempt_disable();
	rc = put(adapter);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "put_dma_adapter");
}

/* RLS-56: what there is not */
static void what_is_refused(struct kunit *test)
{
	struct wdm_device_description d = { .dma_address_width = 0 };
	dma_addr_t where = 0;

	KUNIT_EXPECT_EQ(test, io_get_dma_adapter(dev, &pdev->dev, &d, &adapter), -EINVAL);
	d.dma_address_width = 65;
	KUNIT_EXPECT_EQ(test, io_get_dma_adapter(dev, &pdev->dev, &d, &adapter), -EINVAL);
	d.dma_address_width = 2;
	KUNIT_EXPECT_EQ(test, io_get_dma_adapter(dev, &pdev->dev, &d, &adapter), -EIO);
	d.dma_address_width = 64;
	KUNIT_EXPECT_EQ(test, io_get_dma_adapter(NULL, &pdev->dev, &d, &adapter), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_dma_adapter(dev, NULL, &d, &adapter), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_dma_adapter(dev, &pdev->dev, NULL, &adapter), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_dma_adapter(dev, &pdev->dev, &d, NULL), -EINVAL);
	KUNIT_ASSERT_EQ(test, io_get_dma_adapter(dev, &pdev->dev, &d, &adapter), 0);
	KUNIT_EXPECT_NULL(test, adapter->dma_operations->allocate_common_buffer(adapter, 0, &where,
										true));
	KUNIT_EXPECT_NULL(test, adapter->dma_operations->allocate_common_buffer(adapter, 1ULL << 40,
										&where, true));
	dev->removing = true;
	KUNIT_EXPECT_NULL(test, allocate());
	KUNIT_EXPECT_EQ(test, get_of(&pdev->dev, &other), -ESHUTDOWN);
	dev->removing = false;
	KUNIT_EXPECT_EQ(test, where, 0);
	tw_expect_silence(test);
}

static void stage(struct wdm_device *device, enum wdm_stage stage)
{
	if (stage == WDM_STAGE_RESOURCES) {
		tw_log(wdm_common_buffer_record(buffer) ? "buffer" : "-");
		runs = false;
	}
	if (stage == WDM_STAGE_OBJECTS)
		tw_log(wdm_common_buffer_record(buffer) ? "buffer" : "freed");
}

/* RLS-56, RLS-57, RLS-92: a removal frees it in its stage, the driver having stopped DMA */
static void removed_in_its_stage(struct kunit *test)
{
	drv->driver_stage = stage;
	acquire(test);
	runs = true;
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_log(test, "buffer freed");
	tw_expect_silence(test);
}

/* RLS-57, VER-21: V-RLS-8, DMA runs on: reported, and waited for */
static void removed_while_dma_runs(struct kunit *test)
{
	unsigned int before = wdm_violation_count();

	acquire(test);
	runs = true;
	tw_thread_start(test, 0, tw_remove, dev);
	tw_wait_until(test, wdm_violation_count() != before);
	tw_expect_violation(test, "V-RLS-8", "has its DMA running");
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	KUNIT_EXPECT_NOT_NULL(test, wdm_common_buffer_record(buffer));
	memset(buffer, 1, SIZE);
	WRITE_ONCE(runs, false);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_NULL(test, wdm_common_buffer_record(buffer));
}

/* RLS-57, VER-21: V-RLS-8, a bus master could begin again: reported, and turned off; the twin */
static void removed_as_bus_master(struct kunit *test)
{
	bool was = bus_device->is_busmaster;

	KUNIT_ASSERT_EQ(test, get_of(&bus_device->dev, &adapter), 0);
	KUNIT_ASSERT_NOT_NULL(test, allocate());
	pci_set_master(bus_device);
	/* When it does not go, that is the driver's affair. */
	KUNIT_EXPECT_EQ(test, free_it(), 0);
	tw_expect_silence(test);
	KUNIT_ASSERT_NOT_NULL(test, allocate());
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_violation(test, "V-RLS-8", "has its device as bus master");
	KUNIT_EXPECT_FALSE(test, bus_device->is_busmaster);

	KUNIT_ASSERT_EQ(test, io_create_device(drv, 0, "twin", &dev), 0);
	KUNIT_ASSERT_EQ(test, get_of(&bus_device->dev, &adapter), 0);
	KUNIT_ASSERT_NOT_NULL(test, allocate());
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_silence(test);
	if (was)
		pci_set_master(bus_device);
}

static void leave_all(struct wdm_driver *driver)
{
	result = put(adapter);
}

/* RLS-56, RLS-91, VER-21: V-RLS-8, left by the unload, with who had allocated it */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_all;
	acquire(test);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, result, -EBUSY);
	/* the adapter before it; device, adapter and buffer left */
	tw_expect_violations(test, 4);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-8: common buffer"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "acquire"));
	KUNIT_EXPECT_NULL(test, wdm_common_buffer_record(buffer));
}

static int dma_test_init(struct kunit *test)
{
	runs = false;
	buffer = NULL;
	pdev = platform_device_register_simple("wdm_dma_test", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	/* The host bridge: it has no driver. */
	bus_device = pci_get_domain_bus_and_slot(0, 0, 0);
	KUNIT_ASSERT_NOT_NULL(test, bus_device);
	return tw_init(test);
}

static void dma_test_exit(struct kunit *test)
{
	WRITE_ONCE(runs, false);
	tw_exit(test);
	pci_dev_put(bus_device);
	platform_device_unregister(pdev);
}

static struct kunit_case dma_cases[] = {
	KUNIT_CASE(allocated_and_freed),
	KUNIT_CASE(freed_as_something_else),
	KUNIT_CASE(freed_while_dma_runs),
	KUNIT_CASE(the_buffer_before_its_adapter),
	KUNIT_CASE(where_sleeping_is_not_allowed),
	KUNIT_CASE(what_is_refused),
	KUNIT_CASE(removed_in_its_stage),
	KUNIT_CASE(removed_while_dma_runs),
	KUNIT_CASE(removed_as_bus_master),
	KUNIT_CASE(left_by_the_unload),
	{}
};

static struct kunit_suite dma_suite = {
	.name = "wdm_dma",
	.init = dma_test_init,
	.exit = dma_test_exit,
	.test_cases = dma_cases,
};

kunit_test_suite(dma_suite);

MODULE_DESCRIPTION("Tests of DMA adapters and common buffers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
