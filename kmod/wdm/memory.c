// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of whole pages: not cached, or in one piece for a device.
 *
 * A page whose caching was changed must have it back before it is anybody else's: the
 * kernel does not look (RLS-54).
 */
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <asm/set_memory.h>

#include "internal.h"

struct wdm_memory {
	struct wdm_extent extent;		/* I, but for its record */
	enum wdm_memory_caching_type caching;	/* I */
};

static struct wdm_memory *wdm_memory_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_memory, extent.record);
}

static int wdm_memory_set_caching(void *start, size_t size, enum wdm_memory_caching_type caching)
{
	int pages = PAGE_ALIGN(size) >> PAGE_SHIFT;

	switch (caching) {
	case MmNonCached:
		return set_memory_uc((unsigned long)start, pages);
	case MmWriteCombined:
		return set_memory_wc((unsigned long)start, pages);
	default:
		return 0;
	}
}

static void wdm_memory_free(void *start, size_t size, enum wdm_memory_caching_type caching)
{
	if (caching != MmCached)
		set_memory_wb((unsigned long)start, PAGE_ALIGN(size) >> PAGE_SHIFT);
	free_pages_exact(start, size);
}

/* GLB-21's case, for pages. RLS-82 */
static const char *wdm_memory_close(struct wdm_record *record)
{
	struct wdm_extent *extent = &wdm_memory_of(record)->extent;
	struct wdm_record *inside = wdm_record_within(extent->start, extent->size);

	if (!inside)
		return NULL;
	wdm_record_report_pair("V-GLB-3", record, "is freed, but", inside, "is inside of it");
	return "";
}

static void wdm_memory_release(struct wdm_record *record)
{
	struct wdm_memory *memory = wdm_memory_of(record);

	wdm_extent_remove(&memory->extent);
	wdm_memory_free((void *)memory->extent.start, memory->extent.size, memory->caching);
	kfree_rcu(memory, extent.rcu);
}

static const struct wdm_kind wdm_non_cached_kind = {
	.name = "non-cached memory",
	.rule = "RLS-54",
	.stage = WDM_STAGE_RESOURCES,
	.close = wdm_memory_close,
	.release = wdm_memory_release,
};

static const struct wdm_kind wdm_contiguous_kind = {
	.name = "contiguous memory",
	.rule = "RLS-55",
	.stage = WDM_STAGE_RESOURCES,
	.close = wdm_memory_close,
	.release = wdm_memory_release,
};

/* Where in memory it may be. */
struct wdm_bounds {
	phys_addr_t lowest;
	phys_addr_t highest;
};

static bool wdm_memory_within(void *start, size_t size, const struct wdm_bounds *bounds)
{
	phys_addr_t first = virt_to_phys(start);

	return first >= bounds->lowest && first + size - 1 <= bounds->highest;
}

static void *wdm_memory_pages(size_t size, const struct wdm_bounds *bounds)
{
	static const gfp_t zones[] = { 0, GFP_DMA32, GFP_DMA };
	void *start;
	int n;

	/* From where there is most. */
	for (n = 0; n < ARRAY_SIZE(zones); n++) {
		start = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | zones[n]);
		if (start && wdm_memory_within(start, size, bounds))
			return start;
		if (start)
			free_pages_exact(start, size);
	}
	return NULL;
}

/* Its start is set after a success. */
static int wdm_memory_fill(struct wdm_memory *memory, size_t size,
			   const struct wdm_bounds *bounds)
{
	void *start = wdm_memory_pages(size, bounds);
	int rc;

	if (!start)
		return -ENOMEM;
	rc = wdm_memory_set_caching(start, size, memory->caching);
	if (rc) {
		/* Some pages may have been changed. */
		wdm_memory_free(start, size, memory->caching);
		return rc;
	}
	memory->extent.start = start;
	memory->extent.size = size;
	return 0;
}

static void *wdm_memory_alloc(struct wdm_owner *owner, const struct wdm_kind *kind, size_t size,
			      const struct wdm_bounds *bounds,
			      enum wdm_memory_caching_type caching)
{
	struct wdm_memory *memory;
	char name[WDM_NAME_MAX];
	void *start;

	if (size > PAGE_SIZE << MAX_PAGE_ORDER)
		return NULL;
	memory = kzalloc(sizeof(*memory), GFP_KERNEL);
	if (!memory)
		return NULL;
	memory->caching = caching;
	memory->extent.kind = kind;
	if (wdm_memory_fill(memory, size, bounds)) {
		kfree(memory);
		return NULL;
	}
	start = (void *)memory->extent.start;
	snprintf(name, sizeof(name), "%zu", size);
	wdm_extent_add(&memory->extent);
	if (wdm_record_add(&memory->extent.record, owner, kind, name, NULL)) {
		wdm_memory_release(&memory->extent.record);
		return NULL;
	}
	return start;
}

/* @size: 0 if it does not matter */
static int wdm_memory_free_at(void *base, size_t size, const struct wdm_kind *kind,
			      const enum wdm_memory_caching_type *caching)
{
	struct wdm_extent *extent;
	int rc = -EINVAL;

	rcu_read_lock();
	extent = wdm_extent_find(base, kind);
	if (!extent)
		wdm_violation("V-GLB-9", NULL, "%s at %p is freed, but there is none", kind->name,
			      base);
	else if ((size && extent->size != size) ||
		 (caching && wdm_memory_of(&extent->record)->caching != *caching))
		wdm_record_report(kind->rule, &extent->record, "is freed as something else");
	else
		rc = wdm_record_claim(&extent->record, kind);
	rcu_read_unlock();
	if (!rc)
		wdm_record_end(&extent->record);
	return rc;
}

/**
 * mm_allocate_non_cached_memory() - allocate memory that is not cached
 *	(MmAllocateNonCachedMemory)
 * @owner: for whom
 * @size: how many bytes
 *
 * alloc_pages_exact() and set_memory_uc(): whole pages, zeroed. RLS-54
 *
 * Context: PASSIVE.
 * Return: the memory; NULL for no bytes, if there is no memory, or @owner goes; and
 * reported (LVL-02), where sleeping is not allowed.
 */
void *mm_allocate_non_cached_memory(struct wdm_owner *owner, size_t size)
{
	static const struct wdm_bounds anywhere = { .highest = PHYS_ADDR_MAX };

	if (!owner || !size || !wdm_passive(owner->driver, "mm_allocate_non_cached_memory"))
		return NULL;
	return wdm_memory_alloc(owner, &wdm_non_cached_kind, size, &anywhere, MmNonCached);
}
EXPORT_SYMBOL_GPL(mm_allocate_non_cached_memory);

/**
 * mm_free_non_cached_memory() - free it again (MmFreeNonCachedMemory)
 * @base: what mm_allocate_non_cached_memory() gave
 * @size: the size that was allocated
 *
 * It is cached again before it is anybody else's. RLS-54
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL, and reported: another size (RLS-54), or there is none (V-GLB-9);
 * -EBUSY, and reported: something that is in use lies in it (V-GLB-3), something needs
 * it, or before its stage of an unload (V-RLS-13); -EWOULDBLOCK, and reported (LVL-02);
 * -EALREADY if the unload does it.
 */
int mm_free_non_cached_memory(void *base, size_t size)
{
	if (!base || !size)
		return -EINVAL;
	if (!wdm_passive(NULL, "mm_free_non_cached_memory"))
		return -EWOULDBLOCK;
	return wdm_memory_free_at(base, size, &wdm_non_cached_kind, NULL);
}
EXPORT_SYMBOL_GPL(mm_free_non_cached_memory);

/**
 * mm_allocate_contiguous_memory() - allocate memory in one piece
 *	(MmAllocateContiguousMemory)
 * @owner: for whom
 * @size: how many bytes
 * @highest: the last physical address that the device can use
 *
 * alloc_pages_exact(): whole pages, zeroed; at most as much as the kernel has in one
 * piece, 4 MiB. It comes from the kernel's zones: above 4 GiB there is no limit, below it
 * is taken from below 4 GiB or 16 MiB, and there may be none that fits. RLS-55
 *
 * Context: PASSIVE.
 * Return: the memory; NULL for no bytes, if there is none, or @owner goes; and reported
 * (LVL-02), where sleeping is not allowed.
 */
void *mm_allocate_contiguous_memory(struct wdm_owner *owner, size_t size, phys_addr_t highest)
{
	return mm_allocate_contiguous_memory_specify_cache(owner, size, 0, highest, 0, MmCached);
}
EXPORT_SYMBOL_GPL(mm_allocate_contiguous_memory);

/**
 * mm_allocate_contiguous_memory_specify_cache() - allocate memory in one piece, and say
 *	where and how it is cached (MmAllocateContiguousMemorySpecifyCache)
 * @owner: for whom
 * @size: how many bytes
 * @lowest: the first physical address that the device can use
 * @highest: the last one
 * @boundary: a multiple of it is not crossed; a power of two, not less than @size
 *	rounded up to one; 0: it does not matter
 * @caching: %MmNonCached, %MmCached or %MmWriteCombined
 *
 * As mm_allocate_contiguous_memory(); the pages are aligned to their number rounded up to
 * a power of two, so what @boundary asks for is always so. RLS-55, RLS-54
 *
 * Context: PASSIVE.
 * Return: as mm_allocate_contiguous_memory(); NULL, too, for bounds, a boundary or a
 * caching that there are not.
 */
void *mm_allocate_contiguous_memory_specify_cache(struct wdm_owner *owner, size_t size,
						  phys_addr_t lowest, phys_addr_t highest,
						  phys_addr_t boundary,
						  enum wdm_memory_caching_type caching)
{
	const struct wdm_bounds bounds = { .lowest = lowest, .highest = highest };

	if (!owner || !size || highest < lowest ||
	    (unsigned int)caching > MmWriteCombined)
		return NULL;
	if (boundary && (!is_power_of_2(boundary) || boundary < roundup_pow_of_two(size)))
		return NULL;
	if (!wdm_passive(owner->driver, "mm_allocate_contiguous_memory"))
		return NULL;
	return wdm_memory_alloc(owner, &wdm_contiguous_kind, size, &bounds, caching);
}
EXPORT_SYMBOL_GPL(mm_allocate_contiguous_memory_specify_cache);

/**
 * mm_free_contiguous_memory() - free it again (MmFreeContiguousMemory)
 * @base: what mm_allocate_contiguous_memory() gave
 *
 * free_pages_exact(), of the size that was allocated. RLS-55
 *
 * Context: PASSIVE.
 * Return: as mm_free_non_cached_memory(), with RLS-55.
 */
int mm_free_contiguous_memory(void *base)
{
	if (!base)
		return -EINVAL;
	if (!wdm_passive(NULL, "mm_free_contiguous_memory"))
		return -EWOULDBLOCK;
	return wdm_memory_free_at(base, 0, &wdm_contiguous_kind, NULL);
}
EXPORT_SYMBOL_GPL(mm_free_contiguous_memory);

/**
 * mm_free_contiguous_memory_specify_cache() - free it again, as it was allocated
 *	(MmFreeContiguousMemorySpecifyCache)
 * @base: what mm_allocate_contiguous_memory_specify_cache() gave
 * @size: the size that was allocated
 * @caching: how it was to be cached
 *
 * RLS-55
 *
 * Context: PASSIVE.
 * Return: as mm_free_contiguous_memory(); -EINVAL, and reported (RLS-55), for another
 * size or caching.
 */
int mm_free_contiguous_memory_specify_cache(void *base, size_t size,
					    enum wdm_memory_caching_type caching)
{
	if (!base || !size)
		return -EINVAL;
	if (!wdm_passive(NULL, "mm_free_contiguous_memory"))
		return -EWOULDBLOCK;
	return wdm_memory_free_at(base, size, &wdm_contiguous_kind, &caching);
}
EXPORT_SYMBOL_GPL(mm_free_contiguous_memory_specify_cache);
