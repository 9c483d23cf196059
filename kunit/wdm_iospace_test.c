// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped I/O space: of the machine's HPET, whose first register names its vendor.
 */
#include <linux/io.h>
#include <linux/module.h>

#include "testwdm.h"

#define HPET		0xfed00000
#define HPET_SIZE	0x400
#define HPET_VENDOR	0x8086

static void __iomem *base;
static struct wdm_event event;
static int result;

static int map(void)
{
	return mm_map_io_space(&dev->owner, HPET, HPET_SIZE, MmNonCached, &base);
}

static unsigned int vendor(void)
{
	return readl(base) >> 16;
}

/* RLS-53: what is mapped is the device, until it is unmapped */
static void mapped_and_unmapped(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, map(), 0);
	KUNIT_EXPECT_EQ(test, vendor(), HPET_VENDOR);
	KUNIT_EXPECT_NOT_NULL(test, wdm_io_space_record(base));
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE), 0);
	KUNIT_EXPECT_NULL(test, wdm_io_space_record(base));
	tw_expect_silence(test);
}

/* RLS-53, VER-21: V-RLS-7, another size than was mapped; the mapping stays; the twin is clean */
static void unmapped_with_another_size(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, map(), 0);
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE / 2), -EINVAL);
	tw_expect_violation(test, "V-RLS-7", "is unmapped with another size");
	KUNIT_EXPECT_EQ(test, vendor(), HPET_VENDOR);
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE), 0);
	tw_expect_silence(test);
}

/* RLS-53: V-GLB-9, once, and not in its middle */
static void unmapped_once(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, map(), 0);
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base + 4, HPET_SIZE), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "none is mapped");
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE), 0);
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "none is mapped");
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(NULL, HPET_SIZE), -EINVAL);
}

/* RLS-53, RLS-05: V-RLS-13, needed by what accesses it; the twin is clean */
static void needed_by_what_uses_it(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, map(), 0);
	KUNIT_ASSERT_EQ(test, ke_initialize_event(&dev->owner, &event, NotificationEvent, false),
			0);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&event.header.record, wdm_io_space_record(base)), 0);
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "event '-' of stage 2");
	KUNIT_EXPECT_EQ(test, vendor(), HPET_VENDOR);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(&event), 0);
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE), 0);
	tw_expect_silence(test);
}

/* RLS-53, X-16: not where sleeping is not allowed */
static void where_sleeping_is_not_allowed(struct kunit *test)
{
	int rc;

	preempt_disable();
	rc = map();
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "mm_map_io_space");
	KUNIT_ASSERT_EQ(test, map(), 0);
	preempt_disable();
	rc = mm_unmap_io_space(base, HPET_SIZE);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "mm_unmap_io_space");
	KUNIT_EXPECT_EQ(test, mm_unmap_io_space(base, HPET_SIZE), 0);
}

/* RLS-53: what there is not, and what is memory */
static void what_is_not_mapped(struct kunit *test)
{
	void __iomem *none = NULL;
	phys_addr_t ram = virt_to_phys(dev);

	KUNIT_EXPECT_EQ(test, mm_map_io_space(NULL, HPET, 4, MmNonCached, &none), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_map_io_space(&dev->owner, HPET, 4, MmNonCached, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_map_io_space(&dev->owner, HPET, 0, MmNonCached, &none), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_map_io_space(&dev->owner, HPET, 4, 7, &none), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_map_io_space(&dev->owner, ram, 4, MmCached, &none), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_map_io_space(&dev->owner, ~0ULL, 4, MmNonCached, &none), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_map_io_space(&dev->owner, 1ULL << 60, 4, MmNonCached, &none),
			-EINVAL);
	dev->removing = true;
	KUNIT_EXPECT_EQ(test, map(), -ESHUTDOWN);
	dev->removing = false;
	KUNIT_EXPECT_NULL(test, none);
	tw_expect_silence(test);
}

static void stage(struct wdm_device *device, enum wdm_stage stage)
{
	if (stage == WDM_STAGE_RESOURCES && wdm_io_space_record(base))
		tw_log("mapped");
	if (stage == WDM_STAGE_OBJECTS && !wdm_io_space_record(base))
		tw_log("unmapped");
}

/* RLS-53, RLS-92: a removal unmaps it, in its stage */
static void removed_in_its_stage(struct kunit *test)
{
	drv->driver_stage = stage;
	KUNIT_ASSERT_EQ(test, map(), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_log(test, "mapped unmapped");
	tw_expect_silence(test);
}

static void leave_all(struct wdm_driver *driver)
{
	result = mm_unmap_io_space(base, HPET_SIZE / 2);
}

/* RLS-53, RLS-91, VER-21: V-RLS-7, left by the unload, with who had mapped it */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_all;
	KUNIT_ASSERT_EQ(test, map(), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, result, -EINVAL);
	/* another size; device and mapping left */
	tw_expect_violations(test, 3);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-7: mapping '0x"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "mm_map_io_space"));
	KUNIT_EXPECT_NULL(test, wdm_io_space_record(base));
}

static int iospace_test_init(struct kunit *test)
{
	base = NULL;
	return tw_init(test);
}

static struct kunit_case iospace_cases[] = {
	KUNIT_CASE(mapped_and_unmapped),
	KUNIT_CASE(unmapped_with_another_size),
	KUNIT_CASE(unmapped_once),
	KUNIT_CASE(needed_by_what_uses_it),
	KUNIT_CASE(where_sleeping_is_not_allowed),
	KUNIT_CASE(what_is_not_mapped),
	KUNIT_CASE(removed_in_its_stage),
	KUNIT_CASE(left_by_the_unload),
	{}
};

static struct kunit_suite iospace_suite = {
	.name = "wdm_iospace",
	.init = iospace_test_init,
	.exit = tw_exit,
	.test_cases = iospace_cases,
};

kunit_test_suite(iospace_suite);

MODULE_DESCRIPTION("Tests of mapped I/O space");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
