// SPDX-License-Identifier: GPL-2.0-only
/*
 * simdev: a simulated device with an interrupt, DMA, and a driver that uses every kind
 * of routine that wdm has: a volume for the filter manager whose operations complete in
 * hard interrupts, softirqs, threads and work items. See Documentation/drivers.rst.
 *
 *	modprobe simdev hz=20000 issuers=2
 *	modprobe flt_passthrough
 *	cat /sys/module/simdev/parameters/totals
 *	echo simdev > /sys/bus/platform/drivers/simdev/unbind	# wdm_remove_device()
 *	rmmod simdev						# its own unload routine
 */
#include <linux/dma-mapping.h>
#include <linux/flt_sim.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>

#include "simdev.h"

unsigned int simdev_hz = 1000;
module_param_named(hz, simdev_hz, uint, 0644);
MODULE_PARM_DESC(hz, "Interrupts in a second, 1 to 100000");

unsigned int simdev_latency_us;
module_param_named(latency_us, simdev_latency_us, uint, 0644);
MODULE_PARM_DESC(latency_us, "How long an operation takes at least, in us");

unsigned int simdev_error_permille;
module_param_named(error_permille, simdev_error_permille, uint, 0644);
MODULE_PARM_DESC(error_permille, "How many operations of a thousand fail");

unsigned int simdev_nr_issuers = 1;
module_param_named(issuers, simdev_nr_issuers, uint, 0644);
MODULE_PARM_DESC(issuers, "Threads that issue operations, at most 4; of a device bound from then on");

module_param_cb(skip, &simdev_skip_ops, &simdev_skip, 0644);
MODULE_PARM_DESC(skip, "A step that the unload routine leaves out");

module_param_cb(early, &simdev_early_ops, &simdev_early, 0644);
MODULE_PARM_DESC(early, "A step that the unload routine tries before all others");

static const char * const simdev_total_names[SIMDEV_NR_TOTALS] = {
	[SIMDEV_INTERRUPTS] = "interrupts",
	[SIMDEV_ISSUED] = "issued",
	[SIMDEV_ENDED] = "ended",
	[SIMDEV_ENDED_BADLY] = "ended_badly",
	[SIMDEV_FAILED] = "failed",
	[SIMDEV_HARDIRQ] = "hardirq",
	[SIMDEV_DPC] = "dpc",
	[SIMDEV_THREAD] = "thread",
	[SIMDEV_WORK] = "work",
	[SIMDEV_TIMER] = "timer",
	[SIMDEV_DPCS_QUEUED] = "dpcs_queued",
	[SIMDEV_DPCS_RUN] = "dpcs_run",
	[SIMDEV_WORKS_QUEUED] = "works_queued",
	[SIMDEV_WORKS_RUN] = "works_run",
	[SIMDEV_WORKS_REFUSED] = "works_refused",
	[SIMDEV_TICKS] = "ticks",
	[SIMDEV_WRONG] = "wrong",
	[SIMDEV_REMOVALS] = "removals",
	[SIMDEV_GONE_BUSY] = "gone_busy",
};

static atomic_t simdev_totals[SIMDEV_NR_TOTALS];
static struct simdev_hw simdev_hw;
static struct wdm_driver *simdev_wdm;
static struct platform_device *simdev_pdev;
static DEFINE_MUTEX(simdev_lock);		/* what follows: bound, unbound, unloaded */
static struct wdm_device *simdev_device;
static bool simdev_unloaded;

void simdev_count(enum simdev_total what)
{
	atomic_inc(&simdev_totals[what]);
}

static int simdev_totals_text(char *text, const struct kernel_param *kp)
{
	int n, length = 0;

	for (n = 0; n < SIMDEV_NR_TOTALS; n++)
		length += scnprintf(text + length, 1000 - length, "%s=%d%c", simdev_total_names[n],
				    atomic_read(&simdev_totals[n]),
				    n < SIMDEV_NR_TOTALS - 1 ? ' ' : '\n');
	return length;
}

static int simdev_totals_set(const char *text, const struct kernel_param *kp)
{
	return -EPERM;
}

static const struct kernel_param_ops simdev_totals_ops = {
	.set = simdev_totals_set,
	.get = simdev_totals_text,
};

module_param_cb(totals, &simdev_totals_ops, NULL, 0444);
MODULE_PARM_DESC(totals, "What has happened");

static void simdev_count_gone(struct simdev *sd)
{
	simdev_count(SIMDEV_REMOVALS);
	if (sd->sim && flt_sim_held(sd->sim))
		simdev_count(SIMDEV_GONE_BUSY);
}

/* Told in each stage; what the unload routine has done already is not there to be done. */
static void simdev_stage(struct wdm_device *device, enum wdm_stage stage)
{
	struct simdev *sd = simdev_of(device);

	switch (stage) {
	case WDM_STAGE_ENTRIES:
		if (sd->sim)
			flt_sim_dismount(sd->sim);
		break;
	case WDM_STAGE_INTERRUPTS:
		simdev_hw_off(sd->hw);
		break;
	case WDM_STAGE_RESOURCES:
		/* Nothing looks for operations any more. */
		if (sd->sim)
			flt_sim_destroy(sd->sim);
		sd->sim = NULL;
		break;
	default:
		break;
	}
}

static int simdev_get_ring(struct simdev *sd, struct device *hardware)
{
	struct wdm_device_description description = {
		.dma_address_width = 32,
		.dma_runs = simdev_hw_is_on,
		.context = sd,
	};
	int rc = io_get_dma_adapter(sd->device, hardware, &description, &sd->adapter);

	if (rc)
		return rc;
	sd->ring = sd->adapter->dma_operations->allocate_common_buffer(sd->adapter,
								       SIMDEV_RING * sizeof(u64),
								       &sd->logical, true);
	return sd->ring ? 0 : -ENOMEM;
}

static int simdev_connect(struct simdev *sd)
{
	struct wdm_interrupt_parameters p = {
		.irq = sd->hw->line,
		.name = "simdev",
		.service_routine = simdev_service,
		.service_context = sd,
		.source_enabled = simdev_hw_is_on,
	};
	struct wdm_record *record;
	int rc;

	rc = io_connect_interrupt(&sd->device->owner, &p, &sd->interrupt);
	if (rc)
		return rc;
	record = wdm_interrupt_record(sd->interrupt);
	rc = wdm_depends_on(record, &sd->dpc.record);
	return rc ?: wdm_depends_on(record, wdm_common_buffer_record(sd->ring));
}

/* A device that completes nothing by itself. */
static int simdev_get_volume(struct simdev *sd)
{
	struct flt_sim *sim = flt_sim_create_unoffered("simdev");

	if (IS_ERR(sim))
		return PTR_ERR(sim);
	flt_sim_set_hold(sim, true);
	sd->sim = sim;
	return 0;
}

static int simdev_acquire(struct simdev *sd, struct device *hardware)
{
	int rc = simdev_get_volume(sd);

	if (!rc)
		rc = simdev_get_ring(sd, hardware);
	if (!rc)
		rc = simdev_io_init(sd);
	if (!rc)
		rc = simdev_connect(sd);
	if (rc)
		return rc;
	sd->seen = sd->hw->sequence;
	simdev_hw_on(sd->hw, sd->ring);
	flt_sim_offer(sd->sim);
	return simdev_io_start(sd);
}

static int simdev_bind(struct device *hardware)
{
	struct wdm_device *device;
	struct simdev *sd;
	int rc;

	rc = io_create_device(simdev_wdm, sizeof(*sd), "simdev", &device);
	if (rc)
		return rc;
	sd = simdev_of(device);
	sd->device = device;
	sd->hw = &simdev_hw;
	rc = simdev_acquire(sd, hardware);
	if (rc)
		wdm_remove_device(device);
	else
		simdev_device = device;
	return rc;
}

static int simdev_probe(struct platform_device *pdev)
{
	int rc = -ENODEV;

	mutex_lock(&simdev_lock);
	if (!simdev_unloaded)
		rc = simdev_bind(&pdev->dev);
	mutex_unlock(&simdev_lock);
	return rc;
}

/* Nothing, if the unload was first. */
static void simdev_remove(struct platform_device *pdev)
{
	mutex_lock(&simdev_lock);
	if (simdev_device) {
		simdev_count_gone(simdev_of(simdev_device));
		wdm_remove_device(simdev_device);
		simdev_device = NULL;
	}
	mutex_unlock(&simdev_lock);
}

static struct platform_driver simdev_driver = {
	.driver = { .name = "simdev" },
	.probe = simdev_probe,
	.remove = simdev_remove,
};

/* Its DRIVER_UNLOAD; wdm_unload() does what it leaves. */
static void simdev_driver_unload(struct wdm_driver *driver)
{
	if (simdev_device) {
		simdev_count_gone(simdev_of(simdev_device));
		simdev_unload(simdev_of(simdev_device));
		simdev_device = NULL;
	}
}

static int simdev_make_hardware(void)
{
	int rc = simdev_hw_create(&simdev_hw);

	if (rc)
		return rc;
	simdev_pdev = platform_device_register_simple("simdev", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(simdev_pdev)) {
		simdev_hw_destroy(&simdev_hw);
		return PTR_ERR(simdev_pdev);
	}
	return 0;
}

static void simdev_unmake_hardware(void)
{
	platform_device_unregister(simdev_pdev);
	simdev_hw_destroy(&simdev_hw);
}

static int __init simdev_init(void)
{
	int rc;

	simdev_wdm = wdm_create_driver(THIS_MODULE, "simdev");
	if (IS_ERR(simdev_wdm))
		return PTR_ERR(simdev_wdm);
	simdev_wdm->driver_stage = simdev_stage;
	simdev_wdm->driver_unload = simdev_driver_unload;
	rc = simdev_make_hardware();
	if (rc)
		goto err_wdm;
	rc = platform_driver_register(&simdev_driver);
	if (rc)
		goto err_hardware;
	return 0;

err_hardware:
	simdev_unmake_hardware();
err_wdm:
	wdm_unload(simdev_wdm);
	return rc;
}
module_init(simdev_init);

static void __exit simdev_exit(void)
{
	char text[1000];

	/* Bound or not: who unbinds it at this moment comes before or after. */
	mutex_lock(&simdev_lock);
	simdev_unloaded = true;
	wdm_unload(simdev_wdm);
	mutex_unlock(&simdev_lock);
	platform_driver_unregister(&simdev_driver);
	simdev_unmake_hardware();
	simdev_totals_text(text, NULL);
	pr_info("simdev: unloaded: %s", text);
}
module_exit(simdev_exit);

MODULE_DESCRIPTION("Simulated device with an interrupt, DMA and a volume");
MODULE_LICENSE("GPL");
