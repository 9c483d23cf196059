// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu: a driver of QEMU's educational PCI device (-device edu), which shows how a
 * driver of real hardware comes and goes with wdm. See Documentation/drivers.rst.
 *
 *	modprobe edu
 *	exec 3<>/dev/edu0; echo 10 >&3; read x <&3; echo $x	# 3628800
 *	dd if=/etc/passwd of=/dev/edu0_ram bs=4095 count=1	# by DMA
 *	echo 0000:00:02.0 > /sys/bus/pci/drivers/edu/unbind	# at any moment
 *
 * Everything that it has stands in wdm's ledger, and goes in wdm_remove_device(),
 * stage by stage; edu_stage() has what is to be done to the hardware, and to the
 * PCI core, before each. RLS-04, RLS-84
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "edu.h"

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

static bool edu_msi = true;
module_param_named(msi, edu_msi, bool, 0644);
MODULE_PARM_DESC(msi, "Message signalled interrupts, else the line; for devices bound from then on");

static unsigned int edu_dma_bits = 28;
module_param_named(dma_bits, edu_dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "With how many bits the device addresses memory: 28, or as in QEMU's dma_mask");

unsigned int edu_work_ms;
module_param_named(work_ms, edu_work_ms, uint, 0644);
MODULE_PARM_DESC(work_ms, "How long the work item takes in addition, in ms");

static const char * const edu_total_names[EDU_NR_TOTALS] = {
	[EDU_INTERRUPTS] = "interrupts",
	[EDU_RAISED] = "raised",
	[EDU_DPCS_QUEUED] = "dpcs_queued",
	[EDU_DPCS_RUN] = "dpcs_run",
	[EDU_WORKS_QUEUED] = "works_queued",
	[EDU_WORKS_RUN] = "works_run",
	[EDU_WORKS_REFUSED] = "works_refused",
	[EDU_TICKS] = "ticks",
	[EDU_RECOVERED] = "recovered",
	[EDU_FACTORIALS] = "factorials",
	[EDU_FACTORIALS_DONE] = "factorials_done",
	[EDU_WRONG] = "wrong",
	[EDU_DMAS] = "dmas",
	[EDU_DMAS_DONE] = "dmas_done",
	[EDU_REMOVALS] = "removals",
	[EDU_GONE_FACTORIAL] = "gone_factorial",
	[EDU_GONE_DMA] = "gone_dma",
	[EDU_GONE_WORK] = "gone_work",
	[EDU_GONE_OPEN] = "gone_open",
};

static atomic_t edu_totals[EDU_NR_TOTALS];
static DEFINE_IDA(edu_ids);
static struct wdm_driver *edu_wdm;

void edu_count(enum edu_total what)
{
	atomic_inc(&edu_totals[what]);
}

static int edu_totals_text(char *text, const struct kernel_param *kp)
{
	int n, length = 0;

	for (n = 0; n < EDU_NR_TOTALS; n++)
		length += scnprintf(text + length, 1000 - length, "%s=%d%c", edu_total_names[n],
				    atomic_read(&edu_totals[n]),
				    n < EDU_NR_TOTALS - 1 ? ' ' : '\n');
	return length;
}

static int edu_totals_set(const char *text, const struct kernel_param *kp)
{
	return -EPERM;
}

static const struct kernel_param_ops edu_totals_ops = {
	.set = edu_totals_set,
	.get = edu_totals_text,
};

module_param_cb(totals, &edu_totals_ops, NULL, 0444);
MODULE_PARM_DESC(totals, "What has happened, all devices together");

/* What is in flight as the device goes: no proof of anything, but that tests try it. */
static void edu_count_gone(struct edu *edu)
{
	u32 busy = atomic_read(&edu->busy);

	edu_count(EDU_REMOVALS);
	if (busy & EDU_FACTORIAL)
		edu_count(EDU_GONE_FACTORIAL);
	if (busy & EDU_DMA)
		edu_count(EDU_GONE_DMA);
	if (test_bit(0, &edu->work_queued))
		edu_count(EDU_GONE_WORK);
	if (atomic_read(&edu->open))
		edu_count(EDU_GONE_OPEN);
}

/*
 * Told at the begin of each stage, when what the stages before are about is gone;
 * also of a device whose probe did not get far.
 */
static void edu_stage(struct wdm_device *device, enum wdm_stage stage)
{
	struct edu *edu = edu_of(device);

	switch (stage) {
	case WDM_STAGE_ENTRIES:
		/* Nobody finds it any more; those inside leave next. RLS-10 */
		edu_count_gone(edu);
		edu_files_deregister(edu);
		break;
	case WDM_STAGE_INTERRUPTS:
		/* RLS-20, RLS-24 */
		if (edu->regs)
			edu_hw_off(edu);
		break;
	case WDM_STAGE_ROUTINES:
		/* RLS-25: after the handler */
		pci_free_irq_vectors(edu->pdev);
		break;
	case WDM_STAGE_RESOURCES:
		/* RLS-57: it is idle, and stays so */
		pci_clear_master(edu->pdev);
		edu_request_forget(edu);
		break;
	case WDM_STAGE_CLAIMS:
		/* RLS-59: after the mapping */
		pci_release_regions(edu->pdev);
		break;
	default:
		break;
	}
}

static int edu_map(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	void __iomem *regs;
	int rc = mm_map_io_space(&edu->device->owner, pci_resource_start(pdev, 0),
				 pci_resource_len(pdev, 0), MmNonCached, &regs);

	if (rc)
		return rc;
	/* Until that is known it is not touched in a removal either. */
	if (!edu_hw_present(regs))
		return -ENODEV;
	edu->regs = regs;
	edu_hw_off(edu);
	return 0;
}

static int edu_get_buffer(struct edu *edu)
{
	struct wdm_device_description description = {
		.dma_address_width = edu_dma_bits,
		.dma_runs = edu_hw_dma_runs,
		.context = edu,
	};
	int rc = io_get_dma_adapter(edu->device, &edu->pdev->dev, &description, &edu->adapter);

	if (rc)
		return rc;
	edu->buffer = edu->adapter->dma_operations->allocate_common_buffer(edu->adapter,
									   EDU_RAM_SIZE,
									   &edu->logical, true);
	if (!edu->buffer)
		return -ENOMEM;
	pci_set_master(edu->pdev);
	/* Whether DMA runs is seen in a register. */
	return wdm_depends_on(wdm_common_buffer_record(edu->buffer),
			      wdm_io_space_record(edu->regs));
}

static int edu_init_objects(struct edu *edu)
{
	struct wdm_owner *owner = &edu->device->owner;
	int rc;

	rc = ke_initialize_mutex(owner, &edu->factorial_mutex);
	if (!rc)
		rc = ke_initialize_mutex(owner, &edu->dma_mutex);
	if (!rc)
		rc = ke_initialize_event(owner, &edu->factorial_idle, NotificationEvent, true);
	if (!rc)
		rc = ke_initialize_event(owner, &edu->dma_idle, NotificationEvent, true);
	return rc;
}

static int edu_connect(struct edu *edu)
{
	struct wdm_interrupt_parameters p = {
		.shared = true,
		.name = "edu",
		.service_routine = edu_service,
		.service_context = edu,
		.source_enabled = edu_hw_source,
	};
	struct wdm_record *record;
	int rc;

	rc = pci_alloc_irq_vectors(edu->pdev, 1, 1, edu_msi ? PCI_IRQ_MSI : PCI_IRQ_INTX);
	if (rc < 0)
		return rc;
	p.irq = pci_irq_vector(edu->pdev, 0);
	rc = io_connect_interrupt(&edu->device->owner, &p, &edu->interrupt);
	if (rc)
		return rc;
	record = wdm_interrupt_record(edu->interrupt);
	rc = wdm_depends_on(record, &edu->dpc.record);
	return rc ?: wdm_depends_on(record, wdm_io_space_record(edu->regs));
}

static int edu_acquire(struct edu *edu)
{
	int rc;

	spin_lock_init(&edu->lock);
	rc = edu_map(edu);
	if (!rc)
		rc = edu_get_buffer(edu);
	if (!rc)
		rc = edu_init_objects(edu);
	if (!rc)
		rc = edu_done_init(edu);
	if (!rc)
		rc = edu_connect(edu);
	return rc ?: edu_files_register(edu);
}

static int edu_bind(struct pci_dev *pdev, int id)
{
	struct wdm_device *device;
	struct edu *edu;
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "edu%d", id);
	rc = io_create_device(edu_wdm, sizeof(*edu), name, &device);
	if (rc) {
		pci_release_regions(pdev);
		return rc;
	}
	edu = edu_of(device);
	edu->device = device;
	edu->pdev = pdev;
	edu->id = id;
	rc = edu_acquire(edu);
	if (rc)
		wdm_remove_device(device);
	else
		pci_set_drvdata(pdev, device);
	return rc;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *unused)
{
	int id = ida_alloc(&edu_ids, GFP_KERNEL);
	int rc;

	if (id < 0)
		return id;
	rc = pci_enable_device(pdev);
	if (rc)
		goto err_id;
	rc = pci_request_regions(pdev, "edu");
	if (rc)
		goto err_disable;
	rc = edu_bind(pdev, id);
	if (rc)
		goto err_disable;
	return 0;

err_disable:
	pci_disable_device(pdev);
err_id:
	ida_free(&edu_ids, id);
	return rc;
}

/* Unbound, unplugged, or the module goes: RLS-84. Files may be open. */
static void edu_remove(struct pci_dev *pdev)
{
	struct wdm_device *device = pci_get_drvdata(pdev);
	int id = edu_of(device)->id;

	wdm_remove_device(device);
	pci_disable_device(pdev);
	ida_free(&edu_ids, id);
}

static const struct pci_device_id edu_table[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_table);

static struct pci_driver edu_driver = {
	.name = "edu",
	.id_table = edu_table,
	.probe = edu_probe,
	.remove = edu_remove,
};

static int __init edu_init(void)
{
	int rc;

	if (edu_dma_bits < 1 || edu_dma_bits > 32)
		return -EINVAL;
	edu_wdm = wdm_create_driver(THIS_MODULE, "edu");
	if (IS_ERR(edu_wdm))
		return PTR_ERR(edu_wdm);
	edu_wdm->driver_stage = edu_stage;
	rc = pci_register_driver(&edu_driver);
	if (rc)
		wdm_unload(edu_wdm);
	return rc;
}
module_init(edu_init);

static void __exit edu_exit(void)
{
	char text[1000];

	pci_unregister_driver(&edu_driver);
	wdm_unload(edu_wdm);
	ida_destroy(&edu_ids);
	edu_totals_text(text, NULL);
	pr_info("edu: unloaded: %s", text);
}
module_exit(edu_exit);

MODULE_DESCRIPTION("QEMU's edu device");
MODULE_LICENSE("GPL");
