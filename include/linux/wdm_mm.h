/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: claims on hardware, memory that is not cached or in one piece. Included by
 * linux/wdm.h.
 */
#ifndef _LINUX_WDM_MM_H
#define _LINUX_WDM_MM_H

#include <linux/types.h>
#include <linux/wdm.h>
#include <linux/wdm_hw.h>	/* enum wdm_memory_caching_type */

struct resource;

/**
 * enum wdm_claim_type - what is claimed (CM_PARTIAL_RESOURCE_DESCRIPTOR.Type)
 * @CmResourceTypePort: I/O ports
 * @CmResourceTypeMemory: memory of devices
 */
enum wdm_claim_type {
	CmResourceTypePort = 1,
	CmResourceTypeMemory = 3,
};

/* The model's spelling, known to the preprocessor, too. */
#define CmResourceTypePort	CmResourceTypePort
#define CmResourceTypeMemory	CmResourceTypeMemory

/**
 * struct wdm_partial_resource - a range of something (CM_PARTIAL_RESOURCE_DESCRIPTOR)
 * @type: of what
 * @start: where it begins
 * @length: how many bytes or ports
 */
struct wdm_partial_resource {
	enum wdm_claim_type type;
	u64 start;
	u64 length;
};

/**
 * struct wdm_resource_requirement - a range that is wanted (IO_RESOURCE_DESCRIPTOR)
 * @type: of what
 * @length: how many bytes or ports
 * @alignment: what its begin is a multiple of: a power of two
 * @minimum_address: where it may begin
 * @maximum_address: where it must have ended
 * @window: what the bus of the device passes on, as a struct pci_bus has it in its
 *	resource[]; NULL for a device on no such bus. In place of the original's type
 *	and number of a bus
 */
struct wdm_resource_requirement {
	enum wdm_claim_type type;
	u64 length;
	u64 alignment;
	u64 minimum_address;
	u64 maximum_address;
	struct resource *window;
};

/* kmod/wdm/claim.c */
int io_report_resource_usage(struct wdm_owner *owner, const char *class_name,
			     const struct wdm_partial_resource *list, unsigned int count,
			     bool *conflict_detected);
int io_assign_resources(struct wdm_owner *owner, const char *class_name,
			const struct wdm_resource_requirement *requested, unsigned int count,
			struct wdm_partial_resource *allocated);
struct wdm_record *wdm_claim_record(struct wdm_owner *owner, enum wdm_claim_type type, u64 start);

/* kmod/wdm/memory.c */
void *mm_allocate_non_cached_memory(struct wdm_owner *owner, size_t size);
int mm_free_non_cached_memory(void *base, size_t size);
void *mm_allocate_contiguous_memory(struct wdm_owner *owner, size_t size, phys_addr_t highest);
void *mm_allocate_contiguous_memory_specify_cache(struct wdm_owner *owner, size_t size,
						  phys_addr_t lowest, phys_addr_t highest,
						  phys_addr_t boundary,
						  enum wdm_memory_caching_type caching);
int mm_free_contiguous_memory(void *base);
int mm_free_contiguous_memory_specify_cache(void *base, size_t size,
					    enum wdm_memory_caching_type caching);

#endif /* _LINUX_WDM_MM_H */
