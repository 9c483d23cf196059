// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped I/O space.
 */
#include <linux/export.h>
#include <linux/io.h>
#include <linux/mm.h>		/* region_intersects() */
#include <linux/slab.h>

#include "internal.h"

static struct wdm_extent *wdm_mapping_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_extent, record);
}

static void wdm_mapping_release(struct wdm_record *record)
{
	struct wdm_extent *mapping = wdm_mapping_of(record);

	wdm_extent_remove(mapping);
	iounmap((void __iomem *)mapping->start);
	kfree_rcu(mapping, rcu);
}

static const struct wdm_kind wdm_mapping_kind = {
	.name = "mapping",
	.rule = "V-RLS-7",
	.stage = WDM_STAGE_RESOURCES,
	.release = wdm_mapping_release,
};

static void __iomem *wdm_ioremap(phys_addr_t start, size_t size,
				 enum wdm_memory_caching_type caching)
{
	switch (caching) {
	case MmCached:
		return ioremap_cache(start, size);
	case MmWriteCombined:
		return ioremap_wc(start, size);
	default:
		return ioremap(start, size);
	}
}

/* What ioremap() would warn of. */
static bool wdm_mappable(phys_addr_t start, size_t size)
{
	phys_addr_t last = start + size - 1;

	return size && last >= start && last <= BIT_ULL(boot_cpu_data.x86_phys_bits) - 1 &&
	       region_intersects(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
	       REGION_DISJOINT;
}

/**
 * mm_map_io_space() - map a device's memory or registers (MmMapIoSpace)
 * @owner: for whom
 * @start: physical address
 * @size: how many bytes
 * @caching: %MmNonCached, %MmCached or %MmWriteCombined
 * @base: receives the address, to be unmapped by mm_unmap_io_space()
 *
 * ioremap(), ioremap_cache(), ioremap_wc(). What uses the mapping needs it, and
 * says so with wdm_io_space_record() and wdm_depends_on(); its stage is after that of
 * interrupts and routines in any case. RLS-53
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, no such caching, or what is memory of the system or
 * no physical address; -ENOMEM; -EWOULDBLOCK, and reported (LVL-02); -ESHUTDOWN if
 * @owner goes.
 */
int mm_map_io_space(struct wdm_owner *owner, phys_addr_t start, size_t size,
		    enum wdm_memory_caching_type caching, void __iomem **base)
{
	struct wdm_extent *mapping;
	char name[WDM_NAME_MAX];
	int rc = -ENOMEM;

	if (!owner || !base || (unsigned int)caching > MmWriteCombined)
		return -EINVAL;
	if (!wdm_passive(owner->driver, "mm_map_io_space"))
		return -EWOULDBLOCK;
	if (!wdm_mappable(start, size))
		return -EINVAL;
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return -ENOMEM;
	mapping->start = (void __force *)wdm_ioremap(start, size, caching);
	if (!mapping->start)
		goto err_free;
	mapping->size = size;
	mapping->kind = &wdm_mapping_kind;
	snprintf(name, sizeof(name), "%pa", &start);
	wdm_extent_add(mapping);
	rc = wdm_record_add(&mapping->record, owner, &wdm_mapping_kind, name, NULL);
	if (rc)
		goto err_unmap;
	*base = (void __iomem *)mapping->start;
	return 0;

err_unmap:
	wdm_mapping_release(&mapping->record);
	return rc;
err_free:
	kfree(mapping);
	return rc;
}
EXPORT_SYMBOL_GPL(mm_map_io_space);

/**
 * mm_unmap_io_space() - unmap it again (MmUnmapIoSpace)
 * @base: what mm_map_io_space() gave
 * @size: the size that was mapped
 *
 * iounmap(). X-16: not where sleeping is not allowed. RLS-53
 *
 * Context: PASSIVE.
 * Return: 0; -EBUSY, and reported (V-RLS-13), if something needs it, or before its
 * stage of an unload; -EINVAL, and reported: V-RLS-7 for another size, V-GLB-9 if
 * nothing is mapped there; -EWOULDBLOCK, and reported (LVL-02); -EALREADY if the
 * unload does it.
 */
int mm_unmap_io_space(void __iomem *base, size_t size)
{
	struct wdm_extent *mapping;
	int rc = -EINVAL;

	if (!base)
		return -EINVAL;
	if (!wdm_passive(NULL, "mm_unmap_io_space"))
		return -EWOULDBLOCK;
	rcu_read_lock();
	mapping = wdm_extent_find((void __force *)base, &wdm_mapping_kind);
	if (!mapping)
		wdm_violation("V-GLB-9", NULL, "I/O space at %p is unmapped, but none is mapped",
			      base);
	else if (mapping->size != size)
		wdm_record_report("V-RLS-7", &mapping->record, "is unmapped with another size");
	else
		rc = wdm_record_claim(&mapping->record, &wdm_mapping_kind);
	rcu_read_unlock();
	if (!rc)
		wdm_record_end(&mapping->record);
	return rc;
}
EXPORT_SYMBOL_GPL(mm_unmap_io_space);

/**
 * wdm_io_space_record() - a mapping's record, for wdm_depends_on()
 * @base: what mm_map_io_space() gave
 *
 * Context: ATOMIC.
 * Return: the record; NULL if nothing is mapped there.
 */
struct wdm_record *wdm_io_space_record(void __iomem *base)
{
	return wdm_extent_record((void __force *)base, &wdm_mapping_kind);
}
EXPORT_SYMBOL_GPL(wdm_io_space_record);
