// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA adapters and common buffers.
 *
 * Memory that a device still writes to must not become somebody else's: before a
 * buffer goes its DMA is over, and in a release of everything the device cannot
 * begin another (RLS-57). Where the driver has not seen to that, it is reported,
 * and made so: DMA is waited for, and bus mastering turned off.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "internal.h"

struct wdm_common_buffer {
	struct wdm_extent extent;		/* I, but for its record */
	struct wdm_dma_adapter *adapter;	/* I; the buffer needs it */
	dma_addr_t logical;			/* I */
	bool cached;				/* I */
};

static struct wdm_common_buffer *wdm_buffer_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_common_buffer, extent.record);
}

static bool wdm_dma_runs(const struct wdm_dma_adapter *adapter)
{
	const struct wdm_device_description *d = &adapter->description;

	return d->dma_runs && d->dma_runs(d->context);
}

static bool wdm_dma_master(const struct wdm_dma_adapter *adapter)
{
	return dev_is_pci(adapter->hardware) && to_pci_dev(adapter->hardware)->is_busmaster;
}

/* What the device may do to the buffer; @going: it is to do nothing at all any more. */
static const char *wdm_buffer_use(struct wdm_common_buffer *buffer, bool going)
{
	if (wdm_dma_runs(buffer->adapter))
		return "has its DMA running";
	if (going && wdm_dma_master(buffer->adapter))
		return "has its device as bus master";
	return NULL;
}

static const char *wdm_buffer_close(struct wdm_record *record)
{
	return wdm_buffer_use(wdm_buffer_of(record), wdm_owner_going(record->owner));
}

/* In an unload it has not been asked. */
static void wdm_buffer_drain(struct wdm_record *record)
{
	struct wdm_dma_adapter *adapter = wdm_buffer_of(record)->adapter;
	const char *use = wdm_buffer_use(wdm_buffer_of(record), record->state == WDM_RECORD_UNLOAD);
	unsigned long told = jiffies;

	if (!use)
		return;
	wdm_record_report("V-RLS-8", record, use);
	/* Nobody says when a device is done. */
	while (wdm_dma_runs(adapter)) {
		schedule_timeout_idle(1);
		if (time_before(jiffies, told + wdm_slow()))
			continue;
		told = jiffies;
		pr_warn("driver %s: waits for DMA of %s\n", record->owner->driver->name,
			dev_name(adapter->hardware));
	}
	if (wdm_dma_master(adapter))
		pci_clear_master(to_pci_dev(adapter->hardware));
}

static void wdm_buffer_release(struct wdm_record *record)
{
	struct wdm_common_buffer *buffer = wdm_buffer_of(record);

	wdm_extent_remove(&buffer->extent);
	dma_free_coherent(buffer->adapter->hardware, buffer->extent.size,
			  (void *)buffer->extent.start, buffer->logical);
	kfree_rcu(buffer, extent.rcu);
}

static const struct wdm_kind wdm_buffer_kind = {
	.name = "common buffer",
	.rule = "V-RLS-8",
	.needs = "V-RLS-8",
	.stage = WDM_STAGE_RESOURCES,
	.close = wdm_buffer_close,
	.drain = wdm_buffer_drain,
	.release = wdm_buffer_release,
};

static void wdm_adapter_release(struct wdm_record *record)
{
	struct wdm_dma_adapter *adapter = container_of(record, struct wdm_dma_adapter, record);

	put_device(adapter->hardware);
	kfree(adapter);
}

static const struct wdm_kind wdm_adapter_kind = {
	.name = "DMA adapter",
	.rule = "V-RLS-8",
	.stage = WDM_STAGE_OBJECTS,
	.release = wdm_adapter_release,
};

static int wdm_put_dma_adapter(struct wdm_dma_adapter *adapter)
{
	if (!wdm_passive(NULL, "put_dma_adapter"))
		return -EWOULDBLOCK;
	return wdm_release(&adapter->record, &wdm_adapter_kind);
}

static void *wdm_allocate_common_buffer(struct wdm_dma_adapter *adapter, size_t length,
					dma_addr_t *logical_address, bool cache_enabled)
{
	struct wdm_owner *owner = adapter->record.owner;
	struct wdm_common_buffer *buffer;

	if (!length || !logical_address || !wdm_passive(owner->driver, "allocate_common_buffer"))
		return NULL;
	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return NULL;
	buffer->extent.start = dma_alloc_coherent(adapter->hardware, length, &buffer->logical,
						  GFP_KERNEL | __GFP_NOWARN);
	if (!buffer->extent.start) {
		kfree(buffer);
		return NULL;
	}
	buffer->extent.size = length;
	buffer->extent.kind = &wdm_buffer_kind;
	buffer->adapter = adapter;
	buffer->cached = cache_enabled;
	wdm_extent_add(&buffer->extent);
	if (wdm_record_add(&buffer->extent.record, owner, &wdm_buffer_kind,
			   dev_name(adapter->hardware), &adapter->record)) {
		wdm_buffer_release(&buffer->extent.record);
		return NULL;
	}
	*logical_address = buffer->logical;
	return (void *)buffer->extent.start;
}

static int wdm_free_common_buffer(struct wdm_dma_adapter *adapter, size_t length,
				  dma_addr_t logical_address, void *virtual_address,
				  bool cache_enabled)
{
	struct wdm_common_buffer *buffer = NULL;
	struct wdm_extent *extent;
	int rc = -EINVAL;

	if (!wdm_passive(NULL, "free_common_buffer"))
		return -EWOULDBLOCK;
	rcu_read_lock();
	extent = wdm_extent_find(virtual_address, &wdm_buffer_kind);
	if (extent)
		buffer = container_of(extent, struct wdm_common_buffer, extent);
	if (!buffer)
		wdm_violation("V-GLB-9", NULL, "common buffer at %p is freed, but there is none",
			      virtual_address);
	else if (buffer->adapter != adapter || extent->size != length ||
		 buffer->logical != logical_address || buffer->cached != cache_enabled)
		wdm_record_report("V-RLS-8", &extent->record, "is freed as something else");
	else
		rc = wdm_record_claim(&extent->record, &wdm_buffer_kind);
	rcu_read_unlock();
	if (!rc)
		wdm_record_end(&extent->record);
	return rc;
}

static const struct wdm_dma_operations wdm_dma_operations = {
	.put_dma_adapter = wdm_put_dma_adapter,
	.allocate_common_buffer = wdm_allocate_common_buffer,
	.free_common_buffer = wdm_free_common_buffer,
};

static int wdm_adapter_add(struct wdm_dma_adapter *adapter, struct wdm_device *device)
{
	int rc = dma_set_mask_and_coherent(adapter->hardware,
					   DMA_BIT_MASK(adapter->description.dma_address_width));

	if (rc)
		return rc;
	return wdm_record_add(&adapter->record, &device->owner, &wdm_adapter_kind,
			      dev_name(adapter->hardware), NULL);
}

/**
 * io_get_dma_adapter() - get a device's way to memory (IoGetDmaAdapter)
 * @device: the device that it is for
 * @hardware: what does the DMA
 * @description: how it does
 * @adapter: receives it, to be given back by its put_dma_adapter()
 *
 * dma_set_mask_and_coherent(), and a reference to @hardware. The number of map
 * registers of the original has no meaning here. RLS-56
 *
 * Context: PASSIVE.
 * Return: 0; -EINVAL for nothing, or a width that there is not; -ENOMEM; -EIO if the
 * machine has no memory for such a device; -EWOULDBLOCK, and reported (LVL-02);
 * -ESHUTDOWN if @device goes.
 */
int io_get_dma_adapter(struct wdm_device *device, struct device *hardware,
		       const struct wdm_device_description *description,
		       struct wdm_dma_adapter **adapter)
{
	struct wdm_dma_adapter *made;
	int rc;

	if (!device || !hardware || !description || !adapter ||
	    description->dma_address_width - 1 >= 64)
		return -EINVAL;
	if (!wdm_passive(device->owner.driver, "io_get_dma_adapter"))
		return -EWOULDBLOCK;
	made = kzalloc(sizeof(*made), GFP_KERNEL);
	if (!made)
		return -ENOMEM;
	made->dma_operations = &wdm_dma_operations;
	made->description = *description;
	made->hardware = get_device(hardware);
	rc = wdm_adapter_add(made, device);
	if (rc) {
		wdm_adapter_release(&made->record);
		return rc;
	}
	*adapter = made;
	return 0;
}
EXPORT_SYMBOL_GPL(io_get_dma_adapter);

/**
 * wdm_common_buffer_record() - a common buffer's record, for wdm_depends_on()
 * @virtual_address: what allocate_common_buffer() gave
 *
 * Context: ATOMIC.
 * Return: the record; NULL if there is no such buffer.
 */
struct wdm_record *wdm_common_buffer_record(void *virtual_address)
{
	return wdm_extent_record(virtual_address, &wdm_buffer_kind);
}
EXPORT_SYMBOL_GPL(wdm_common_buffer_record);
