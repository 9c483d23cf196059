// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is not cached, or in one piece.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include <asm/pgtable_types.h>
#include <asm/set_memory.h>

#include "testwdm.h"

static void *memory;
static int result;

/* Whether the page is cached, as the processor sees it. */
static bool cached(void *address)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)address, &level);

	return !(pte_flags(*pte) & (_PAGE_PCD | _PAGE_PWT));
}

static void *two_pages(void)
{
	memory = mm_allocate_non_cached_memory(&dev->owner, PAGE_SIZE + 1);
	return memory;
}

/* RLS-54: not cached, all of its pages, and cached again before it is anybody else's */
static void not_cached(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, two_pages());
	KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(memory));
	KUNIT_EXPECT_NULL(test, memchr_inv(memory, 0, PAGE_SIZE + 1));
	KUNIT_EXPECT_FALSE(test, cached(memory));
	KUNIT_EXPECT_FALSE(test, cached(memory + PAGE_SIZE));
	memset(memory, 1, PAGE_SIZE + 1);
	KUNIT_EXPECT_EQ(test, mm_free_non_cached_memory(memory, PAGE_SIZE + 1), 0);
	KUNIT_EXPECT_TRUE(test, cached(memory));
	KUNIT_EXPECT_TRUE(test, cached(memory + PAGE_SIZE));
	tw_expect_silence(test);
}

/* RLS-54: another size: it stays, as it is; the twin is clean. V-GLB-9: freed twice */
static void freed_as_something_else(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, two_pages());
	KUNIT_EXPECT_EQ(test, mm_free_non_cached_memory(memory, PAGE_SIZE), -EINVAL);
	tw_expect_violation(test, "RLS-54", "is freed as something else");
	KUNIT_EXPECT_FALSE(test, cached(memory));
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory(memory), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "contiguous memory");
	KUNIT_EXPECT_EQ(test, mm_free_non_cached_memory(memory + PAGE_SIZE, 1), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "non-cached memory");
	KUNIT_EXPECT_EQ(test, mm_free_non_cached_memory(memory, PAGE_SIZE + 1), 0);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, mm_free_non_cached_memory(memory, PAGE_SIZE + 1), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "non-cached memory");
}

/* RLS-55: in one piece, where the device can reach it, and freed by its begin alone */
static void in_one_piece(struct kunit *test)
{
	const phys_addr_t limits[] = { PHYS_ADDR_MAX, U32_MAX, SZ_16M - 1 };
	size_t size = 3 * PAGE_SIZE;
	int n;

	for (n = 0; n < ARRAY_SIZE(limits); n++) {
		memory = mm_allocate_contiguous_memory(&dev->owner, size, limits[n]);
		KUNIT_ASSERT_NOT_NULL(test, memory);
		KUNIT_EXPECT_LE(test, virt_to_phys(memory) + size - 1, limits[n]);
		KUNIT_EXPECT_EQ(test, virt_to_phys(memory + size - 1),
				virt_to_phys(memory) + size - 1);
		KUNIT_EXPECT_TRUE(test, cached(memory));
		KUNIT_EXPECT_NULL(test, memchr_inv(memory, 0, size));
		KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory(memory), 0);
	}
	tw_expect_silence(test);
}

/* RLS-55, RLS-54: within bounds, and cached as it is said */
static void as_it_is_wanted(struct kunit *test)
{
	struct wdm_owner *owner = &dev->owner;
	const size_t size = 5 * PAGE_SIZE;

	memory = mm_allocate_contiguous_memory_specify_cache(owner, size, 0, U32_MAX, SZ_32K,
							     MmWriteCombined);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_EXPECT_EQ(test, virt_to_phys(memory) / SZ_32K,
			(virt_to_phys(memory) + size - 1) / SZ_32K);
	KUNIT_EXPECT_FALSE(test, cached(memory + 4 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory_specify_cache(memory, size, MmCached),
			-EINVAL);
	tw_expect_violation(test, "RLS-55", "is freed as something else");
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory_specify_cache(memory, PAGE_SIZE,
								      MmWriteCombined), -EINVAL);
	tw_expect_violation(test, "RLS-55", "is freed as something else");
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory_specify_cache(memory, size,
								      MmWriteCombined), 0);
	KUNIT_EXPECT_TRUE(test, cached(memory + 4 * PAGE_SIZE));
	tw_expect_silence(test);
}

/* RLS-54, RLS-55: what there is not; what does not fit leaves nothing behind */
static void what_there_is_not(struct kunit *test)
{
	struct wdm_owner *owner = &dev->owner;

	KUNIT_EXPECT_NULL(test, mm_allocate_non_cached_memory(owner, 0));
	KUNIT_EXPECT_NULL(test, mm_allocate_non_cached_memory(owner, SIZE_MAX));
	KUNIT_EXPECT_NULL(test, mm_allocate_non_cached_memory(NULL, 1));
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory(owner, 0, U32_MAX));
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory(owner, SZ_4M + 1, U32_MAX));
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory(owner, SIZE_MAX, U32_MAX));
	/* nothing is that far down, or up */
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory(owner, 1, 0));
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory_specify_cache(owner, 1, 1ULL << 50,
									    PHYS_ADDR_MAX, 0,
									    MmCached));
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory_specify_cache(owner, 1, 2, 1, 0,
									    MmCached));
	/* boundaries that cannot be kept, cachings that there are not */
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory_specify_cache(owner, 8192, 0, U32_MAX,
									    4096, MmCached));
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory_specify_cache(owner, 1, 0, U32_MAX,
									    12345, MmCached));
	KUNIT_EXPECT_NULL(test, mm_allocate_contiguous_memory_specify_cache(owner, 1, 0, U32_MAX,
									    0, 3));
	KUNIT_EXPECT_EQ(test, mm_free_non_cached_memory(NULL, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_free_non_cached_memory(owner, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory_specify_cache(NULL, 1, MmCached), -EINVAL);
	dev->removing = true;
	KUNIT_EXPECT_NULL(test, two_pages());
	dev->removing = false;
	tw_expect_silence(test);
}

/* RLS-54, RLS-55 */
static void where_sleeping_is_not_allowed(struct kunit *test)
{
	int rc[3];

	preempt_disable();
	memory = two_pages();
	preempt_enable();
	KUNIT_EXPECT_NULL(test, memory);
	tw_expect_violation(test, "LVL-02", "mm_allocate_non_cached_memory");
	preempt_disable();
	memory = mm_allocate_contiguous_memory(&dev->owner, 1, U32_MAX);
	preempt_enable();
	KUNIT_EXPECT_NULL(test, memory);
	tw_expect_violation(test, "LVL-02", "mm_allocate_contiguous_memory");
	preempt_disable();
	rc[0] = mm_free_non_cached_memory(dev, 1);
	rc[1] = mm_free_contiguous_memory(dev);
	rc[2] = mm_free_contiguous_memory_specify_cache(dev, 1, MmCached);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc[0], -EWOULDBLOCK);
	KUNIT_EXPECT_EQ(test, rc[1], -EWOULDBLOCK);
	KUNIT_EXPECT_EQ(test, rc[2], -EWOULDBLOCK);
	tw_expect_violations(test, 3);
}

/* RLS-54, RLS-55, RLS-82: V-GLB-3, freed with something in it that is in use; the twin */
static void freed_with_something_in_it(struct kunit *test)
{
	struct wdm_event *event;

	event = mm_allocate_contiguous_memory(&dev->owner, PAGE_SIZE, PHYS_ADDR_MAX);
	KUNIT_ASSERT_NOT_NULL(test, event);
	KUNIT_EXPECT_EQ(test, ke_initialize_event(&dev->owner, event, NotificationEvent, false), 0);
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory(event), -EBUSY);
	tw_expect_violation(test, "V-GLB-3", "event '-' of stage 2");
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(event), 0);
	KUNIT_EXPECT_EQ(test, mm_free_contiguous_memory(event), 0);
	tw_expect_silence(test);
}

static void leave_all(struct wdm_driver *driver)
{
	result = io_delete_device(dev);
}

/* RLS-54, RLS-91, RLS-92: left by the unload, with who has it; cached again all the same */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_all;
	KUNIT_ASSERT_NOT_NULL(test, two_pages());
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, result, -EBUSY);
	/* the device before it; both are left */
	tw_expect_violations(test, 3);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(),
					  "RLS-54: non-cached memory '4097'"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "mm_allocate_non_cached_memory"));
	KUNIT_EXPECT_TRUE(test, cached(memory));
}

static void leave_it(struct wdm_driver *driver)
{
	io_delete_device(dev);
}

/* RLS-55, RLS-91: left by the unload, with who has it */
static void contiguous_left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_it;
	KUNIT_ASSERT_NOT_NULL(test, mm_allocate_contiguous_memory(&drv->owner, 1, PHYS_ADDR_MAX));
	tw_unload_now(test);
	/* the device before it */
	tw_expect_violations(test, 3);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "RLS-55: contiguous memory '1'"));
}

/* RLS-54, RLS-55, RLS-04: a removal frees what is the device's */
static void removed(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, mm_allocate_contiguous_memory(&dev->owner, 1, PHYS_ADDR_MAX));
	KUNIT_ASSERT_NOT_NULL(test, two_pages());
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_TRUE(test, cached(memory));
	tw_expect_silence(test);
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE(not_cached),
	KUNIT_CASE(freed_as_something_else),
	KUNIT_CASE(in_one_piece),
	KUNIT_CASE(as_it_is_wanted),
	KUNIT_CASE(what_there_is_not),
	KUNIT_CASE(where_sleeping_is_not_allowed),
	KUNIT_CASE(freed_with_something_in_it),
	KUNIT_CASE(left_by_the_unload),
	KUNIT_CASE(contiguous_left_by_the_unload),
	KUNIT_CASE(removed),
	{}
};

static struct kunit_suite memory_suite = {
	.name = "wdm_memory",
	.init = tw_init,
	.exit = tw_exit,
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);

MODULE_DESCRIPTION("Tests of memory that is not cached, or in one piece");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
