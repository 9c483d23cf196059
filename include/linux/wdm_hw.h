/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: mapped I/O space, DMA adapters and common buffers. Included by linux/wdm.h.
 */
#ifndef _LINUX_WDM_HW_H
#define _LINUX_WDM_HW_H

#include <linux/types.h>
#include <linux/wdm.h>

struct device;
struct wdm_dma_adapter;

/**
 * enum wdm_memory_caching_type - how mapped I/O space is accessed (MEMORY_CACHING_TYPE)
 * @MmNonCached: each access reaches the device: registers
 * @MmCached: as memory
 * @MmWriteCombined: writes may be put together: frame buffers
 */
enum wdm_memory_caching_type {
	MmNonCached = 0,
	MmCached = 1,
	MmWriteCombined = 2,
};

/* The model's spelling, known to the preprocessor, too. */
#define MmNonCached	MmNonCached
#define MmCached	MmCached
#define MmWriteCombined	MmWriteCombined

/**
 * struct wdm_device_description - how a device does DMA (DEVICE_DESCRIPTION)
 * @dma_address_width: with how many bits it addresses memory: 1 to 64
 * @dma_runs: whether it reads or writes memory now, or is about to, given
 *	@context, in any context; or NULL
 * @context: for that
 */
struct wdm_device_description {
	unsigned int dma_address_width;
	bool (*dma_runs)(void *context);
	void *context;
};

/**
 * struct wdm_dma_operations - what an adapter does (DMA_OPERATIONS)
 * @put_dma_adapter: give the adapter back (PutDmaAdapter)
 * @allocate_common_buffer: memory that device and processor share
 *	(AllocateCommonBuffer)
 * @free_common_buffer: free it (FreeCommonBuffer)
 *
 * All of them PASSIVE.
 *
 * put_dma_adapter(adapter): 0; -EBUSY, and reported (V-RLS-8), while it has a common
 * buffer; -EINVAL, and reported (V-GLB-9), if it is none; -EALREADY if the unload
 * does it; -EWOULDBLOCK, and reported (LVL-02).
 *
 * allocate_common_buffer(adapter, length in bytes, receives the address for the
 * device, whether the processor may cache it): dma_alloc_coherent(), zeroed; NULL
 * if there is no such memory, or the driver goes. RLS-56
 *
 * free_common_buffer(adapter, length, address for the device, address, whether
 * cached): dma_free_coherent(), with everything as it was when it was allocated:
 * 0; -EINVAL, and reported: another length, address or adapter (V-RLS-8), or there
 * is none (V-GLB-9); -EBUSY, and reported (V-RLS-8), if DMA runs, or in an unload
 * still can; otherwise as put_dma_adapter. RLS-56, RLS-57
 */
struct wdm_dma_operations {
	int (*put_dma_adapter)(struct wdm_dma_adapter *adapter);
	void *(*allocate_common_buffer)(struct wdm_dma_adapter *adapter, size_t length,
					dma_addr_t *logical_address, bool cache_enabled);
	int (*free_common_buffer)(struct wdm_dma_adapter *adapter, size_t length,
				  dma_addr_t logical_address, void *virtual_address,
				  bool cache_enabled);
};

/**
 * struct wdm_dma_adapter - a device's way to memory (DMA_ADAPTER)
 * @dma_operations: what it does
 * @record: for wdm_depends_on()
 */
struct wdm_dma_adapter {
	const struct wdm_dma_operations *dma_operations;
	struct wdm_record record;
	/* private: */
	struct wdm_device_description description;
	struct device *hardware;
};

/* kmod/wdm/iospace.c */
int mm_map_io_space(struct wdm_owner *owner, phys_addr_t start, size_t size,
		    enum wdm_memory_caching_type caching, void __iomem **base);
int mm_unmap_io_space(void __iomem *base, size_t size);
struct wdm_record *wdm_io_space_record(void __iomem *base);

/* kmod/wdm/dma.c */
int io_get_dma_adapter(struct wdm_device *device, struct device *hardware,
		       const struct wdm_device_description *description,
		       struct wdm_dma_adapter **adapter);
struct wdm_record *wdm_common_buffer_record(void *virtual_address);

#endif /* _LINUX_WDM_HW_H */
