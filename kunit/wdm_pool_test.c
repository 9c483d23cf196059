// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool and lookaside lists.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "testwdm.h"

/* Shown as it is written here. */
#define TAG(a, b, c, d)	((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define TEST	TAG('T', 'e', 's', 't')
#define ELSE	TAG('E', 'l', 's', 'e')

static struct wdm_lookaside list;

static __always_inline void *alloc(size_t size)
{
	return ex_allocate_pool_with_tag(&dev->owner, NonPagedPool, size, TEST);
}

static int free_it(void *block)
{
	return ex_free_pool_with_tag(block, TEST);
}

/* GLB-20, GLB-24: aligned to 16 bytes and within a page, or from the begin of one */
static void blocks_are_aligned(struct kunit *test)
{
	static const size_t sizes[] = {
		1, 15, 16, 17, 100, 192, 1000, 2048, PAGE_SIZE - 17, PAGE_SIZE - 1,
		PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE, SZ_128K,
	};
	unsigned long block;
	int n;

	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		block = (unsigned long)alloc(sizes[n]);
		KUNIT_ASSERT_NE(test, block, 0);
		memset((void *)block, 0xff, sizes[n]);
		if (sizes[n] >= PAGE_SIZE) {
			KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(block));
		} else {
			KUNIT_EXPECT_TRUE(test, IS_ALIGNED(block, 16));
			KUNIT_EXPECT_EQ(test, block >> PAGE_SHIFT,
					(block + sizes[n] - 1) >> PAGE_SHIFT);
		}
		KUNIT_EXPECT_EQ(test, free_it((void *)block), 0);
	}
	tw_expect_silence(test);
}

static void *atomic_alloc(enum wdm_pool_type type)
{
	void *block;

	preempt_disable();
	block = ex_allocate_pool_with_tag(&dev->owner, type, 100, TEST);
	preempt_enable();
	return block;
}

/* GLB-20: no bytes, tags, contexts; one that is too large is no misuse */
static void allocation_is_refused(struct kunit *test)
{
	static const u32 wrong[] = {
		0, TAG('a', 0, 'b', 0), TAG(0, 'a', 0, 0), TAG('a', 7, 0, 0), TAG('a', 0xe4, 0, 0),
		TAG('B', 'I', 'G', 0), TAG('-', '-', 0, 0), TAG(' ', ' ', ' ', ' '),
	};
	void *block;
	int n;

	for (n = 0; n < ARRAY_SIZE(wrong); n++) {
		KUNIT_EXPECT_NULL(test, ex_allocate_pool_with_tag(&dev->owner, NonPagedPool, 8,
								  wrong[n]));
		tw_expect_violation(test, "GLB-20", "tag");
	}
	KUNIT_EXPECT_NULL(test, alloc(0));
	tw_expect_violation(test, "GLB-20", "no bytes");
	KUNIT_EXPECT_NULL(test, atomic_alloc(PagedPool));
	tw_expect_violation(test, "LVL-02", "paged pool");
	KUNIT_EXPECT_NULL(test, alloc(SIZE_MAX));
	KUNIT_EXPECT_NULL(test, alloc(SZ_2M + 1));
	KUNIT_EXPECT_NULL(test, ex_allocate_pool_with_tag(NULL, NonPagedPool, 8, TEST));
	KUNIT_EXPECT_NULL(test, ex_allocate_pool_with_tag(&dev->owner, 2, 8, TEST));
	/* Right */
	block = atomic_alloc(NonPagedPool);
	KUNIT_EXPECT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, ex_free_pool(block), 0);
	block = ex_allocate_pool_with_tag(&dev->owner, PagedPool, 8, TAG('x', 0, 0, 0));
	KUNIT_EXPECT_EQ(test, ex_free_pool_with_tag(block, TAG('x', 0, 0, 0)), 0);
	tw_expect_silence(test);
}

/* GLB-21, VER-22: V-GLB-4, another tag, twice, nowhere: nothing happens; the twin */
static void freed_wrongly(struct kunit *test)
{
	char *block = alloc(100);

	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, ex_free_pool_with_tag(block, ELSE), -EINVAL);
	tw_expect_violation(test, "V-GLB-4", "is freed with another tag");
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "freed_wrongly"));
	KUNIT_EXPECT_EQ(test, free_it(block + 16), -EINVAL);
	tw_expect_violation(test, "V-GLB-4", "where none is");
	KUNIT_EXPECT_EQ(test, free_it(&list), -EINVAL);
	tw_expect_violation(test, "V-GLB-4", "where none is");
	block[99] = 1;
	KUNIT_EXPECT_EQ(test, free_it(block), 0);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, free_it(block), -EINVAL);
	tw_expect_violation(test, "V-GLB-4", "is freed twice");
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "'Test' of driver drv"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "freed_wrongly"));
	KUNIT_EXPECT_EQ(test, free_it(NULL), -EINVAL);
}

/* GLB-23, VER-22: V-GLB-4, written behind the end, also of a block of pages */
static void written_behind_the_end(struct kunit *test)
{
	static const size_t sizes[] = { 1, 100, PAGE_SIZE };
	char *block;
	int n;

	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		block = alloc(sizes[n]);
		KUNIT_ASSERT_NOT_NULL(test, block);
		block[sizes[n]] = 1;
		KUNIT_EXPECT_EQ(test, free_it(block), 0);
		tw_expect_violation(test, "V-GLB-4", "behind its end");
	}
}

/* GLB-21, RLS-82, VER-22: V-GLB-3, a timer inside of it; the twin is clean */
static void freed_with_something_inside(struct kunit *test)
{
	struct wdm_timer *timer = alloc(PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, timer);
	/* Not the first bytes */
	timer++;
	KUNIT_EXPECT_EQ(test, ke_initialize_timer_ex(&drv->owner, timer, NotificationTimer), 0);
	KUNIT_EXPECT_EQ(test, free_it(timer - 1), -EBUSY);
	tw_expect_violation(test, "V-GLB-3", "timer '-' of stage 2");
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(timer), 0);
	KUNIT_EXPECT_EQ(test, free_it(timer - 1), 0);
	tw_expect_silence(test);
}

static void *late_block;

static void allocate_late(struct wdm_driver *driver)
{
	late_block = ex_allocate_pool_with_tag(&drv->owner, NonPagedPool, 8, TEST);
	io_delete_device(dev);
}

/* GLB-26, VER-22: V-GLB-5, allocated during the unload */
static void allocated_during_the_unload(struct kunit *test)
{
	drv->driver_unload = allocate_late;
	tw_unload_now(test);
	KUNIT_EXPECT_NULL(test, late_block);
	tw_expect_violation(test, "V-GLB-5", "'Test'");
}

static void forget(struct wdm_driver *driver)
{
	ex_free_pool(late_block);
}

/* RLS-52, RLS-91, VER-22: V-GLB-6, leaked pool, by tag, owner and caller; the twin */
static void leaked_pool(struct kunit *test)
{
	drv->driver_unload = forget;
	late_block = alloc(8);
	KUNIT_EXPECT_NOT_NULL(test, ex_allocate_pool_with_tag(&dev->owner, PagedPool, 8, ELSE));
	tw_unload_now(test);
	/* The device, and one block */
	tw_expect_violations(test, 2);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-GLB-6: pool block 'Else'"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "leaked_pool"));
}

/* A line of what debugfs' pool shows. */
static void expect_line(struct kunit *test, const char *line)
{
	static char text[4096];
	struct seq_file m = { .buf = text, .size = sizeof(text) - 1 };

	KUNIT_EXPECT_EQ(test, wdm_pool_show(&m, NULL), 0);
	KUNIT_ASSERT_LT(test, m.count, sizeof(text));
	text[m.count] = 0;
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, line), "%s not in:\n%s", line, text);
}

/* GLB-22, GLB-23 */
static void poolmon(struct kunit *test)
{
	void *blocks[3];
	int n;

	for (n = 0; n < 3; n++)
		blocks[n] = ex_allocate_pool_with_tag(&dev->owner, n ? NonPagedPool : PagedPool,
						      100 * (n + 1), TAG('p', 'm', 0, 0));
	KUNIT_EXPECT_EQ(test, ex_free_pool(blocks[2]), 0);
	expect_line(test, "pm   Nonp          2          1          1        200        200\n");
	expect_line(test, "pm   Paged         1          0          1        100        100\n");
	KUNIT_EXPECT_EQ(test, ex_free_pool(blocks[1]), 0);
	KUNIT_EXPECT_EQ(test, ex_free_pool(blocks[0]), 0);
	expect_line(test, "pm   Nonp          2          2          0          0          0\n");
}

static void make_list(struct kunit *test, unsigned int depth)
{
	KUNIT_ASSERT_EQ(test, ex_initialize_lookaside_list(&dev->owner, &list, NonPagedPool, 64,
							   TEST, depth), 0);
}

static void *get(void)
{
	return ex_allocate_from_lookaside_list(&list);
}

static int put_back(void *entry)
{
	return ex_free_to_lookaside_list(&list, entry);
}

/* GLB-30, GLB-34: the last one that was given back comes first; so many are kept */
static void a_lookaside_list(struct kunit *test)
{
	void *a, *b, *c;

	make_list(test, 2);
	a = get();
	b = get();
	c = get();
	KUNIT_EXPECT_EQ(test, put_back(a), 0);
	KUNIT_EXPECT_EQ(test, put_back(b), 0);
	KUNIT_EXPECT_EQ(test, put_back(c), 0);
	KUNIT_EXPECT_EQ(test, list.nr_free, 2);
	KUNIT_EXPECT_PTR_EQ(test, get(), b);
	KUNIT_EXPECT_PTR_EQ(test, get(), a);
	KUNIT_EXPECT_EQ(test, list.allocs, 5);
	KUNIT_EXPECT_EQ(test, list.hits, 2);
	KUNIT_EXPECT_EQ(test, put_back(a), 0);
	KUNIT_EXPECT_EQ(test, put_back(b), 0);
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(&list), 0);
	/* Nothing of it is left: the device has nothing that needs it. */
	KUNIT_EXPECT_EQ(test, io_delete_device(dev), 0);
	tw_expect_silence(test);
}

/* GLB-34, GLB-32, VER-22: V-GLB-6, deleted with an entry out, which is named; the twin */
static void deleted_with_an_entry_out(struct kunit *test)
{
	void *a, *b;

	make_list(test, 4);
	a = get();
	b = get();
	KUNIT_EXPECT_EQ(test, put_back(b), 0);
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(&list), -EBUSY);
	tw_expect_violation(test, "V-GLB-6", "pool block 'Test'");
	KUNIT_EXPECT_EQ(test, list.nr_free, 0);
	KUNIT_EXPECT_EQ(test, put_back(a), 0);
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(&list), 0);
	tw_expect_silence(test);
}

/* GLB-30, VER-22: V-GLB-9, twice, or none; an entry that is too small */
static void lists_are_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ex_initialize_lookaside_list(&dev->owner, &list, NonPagedPool, 15,
							   TEST, 4), -EINVAL);
	tw_expect_violation(test, "GLB-30", "15 bytes");
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(&list), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "no lookaside list");
	make_list(test, 4);
	KUNIT_EXPECT_EQ(test, ex_initialize_lookaside_list(&dev->owner, &list, NonPagedPool, 64,
							   TEST, 4), -EEXIST);
	tw_expect_violation(test, "V-GLB-9", "is initialised again");
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(&list), 0);
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(&list), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "no lookaside list");
	KUNIT_EXPECT_EQ(test, ex_delete_lookaside_list(NULL), -EINVAL);
}

/* GLB-34, VER-22: V-GLB-4, what is not out of the list, or not its own */
static void entries_are_refused(struct kunit *test)
{
	void *entry, *block = alloc(64);

	make_list(test, 4);
	entry = get();
	KUNIT_EXPECT_EQ(test, put_back(block), -EINVAL);
	tw_expect_violation(test, "V-GLB-4", "not out of it");
	KUNIT_EXPECT_EQ(test, free_it(entry), -EINVAL);
	tw_expect_violation(test, "V-GLB-4", "is a lookaside list's");
	KUNIT_EXPECT_EQ(test, put_back(entry), 0);
	KUNIT_EXPECT_EQ(test, put_back(entry), -EINVAL);
	tw_expect_violation(test, "V-GLB-4", "not out of it");
	KUNIT_EXPECT_EQ(test, free_it(block), 0);
	tw_expect_silence(test);
}

static void leave_all(struct wdm_driver *driver)
{
}

/* GLB-30, RLS-91: V-GLB-6, a list left by the unload: it and what is out of it are named */
static void a_list_left_by_the_unload(struct kunit *test)
{
	void *kept;

	drv->driver_unload = leave_all;
	KUNIT_ASSERT_EQ(test, ex_initialize_lookaside_list(&drv->owner, &list, NonPagedPool, 64,
							   TEST, 4), 0);
	kept = get();
	KUNIT_EXPECT_NOT_NULL(test, get());
	KUNIT_EXPECT_EQ(test, put_back(kept), 0);
	tw_unload_now(test);
	/* The device, the list, and the entry that is out of it */
	tw_expect_violations(test, 3);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-GLB-6: pool block 'Test'"));
}

/* GLB-34, RLS-52: without an unload routine lists, entries and blocks just go */
static void all_of_it_goes(struct kunit *test)
{
	make_list(test, 4);
	KUNIT_EXPECT_EQ(test, put_back(get()), 0);
	KUNIT_EXPECT_NOT_NULL(test, get());
	KUNIT_EXPECT_NOT_NULL(test, alloc(100));
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_NULL(test, get());
	tw_expect_silence(test);
}

static struct kunit_case pool_cases[] = {
	KUNIT_CASE(blocks_are_aligned),
	KUNIT_CASE(allocation_is_refused),
	KUNIT_CASE(freed_wrongly),
	KUNIT_CASE(written_behind_the_end),
	KUNIT_CASE(freed_with_something_inside),
	KUNIT_CASE(allocated_during_the_unload),
	KUNIT_CASE(leaked_pool),
	KUNIT_CASE(poolmon),
	KUNIT_CASE(a_lookaside_list),
	KUNIT_CASE(deleted_with_an_entry_out),
	KUNIT_CASE(lists_are_refused),
	KUNIT_CASE(entries_are_refused),
	KUNIT_CASE(a_list_left_by_the_unload),
	KUNIT_CASE(all_of_it_goes),
	{}
};

static struct kunit_suite pool_suite = {
	.name = "wdm_pool",
	.init = tw_init,
	.exit = tw_exit,
	.test_cases = pool_cases,
};

kunit_test_suite(pool_suite);

MODULE_DESCRIPTION("Tests of pool and lookaside lists");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
