// SPDX-License-Identifier: GPL-2.0-only
/*
 * flt_probe: the bare dispatch, for what instruction counts do not show.
 *
 *	insmod fltmgr.ko
 *	insmod flt_probe.ko what=trace	# or what=time
 *	cat /sys/module/flt_probe/parameters/results
 *	rmmod flt_probe
 *
 * what=trace: runs the scenarios of trace.c between marks for the plugin
 * qemu/plugin/flt_trace.c (bench/trace, bench/sharing, bench/atomics,
 * bench/profile). what=time: nanoseconds, for User-Mode Linux (bench/uml).
 * Loading it measures; nothing stays attached.
 */
#include <linux/module.h>
#include <linux/string.h>

#include "probe.h"

static char *what = "";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "trace or time; by default nothing");

static int results_get(char *buf, const struct kernel_param *kp)
{
	return strcmp(what, "time") ? probe_trace_results(buf) : probe_time_results(buf);
}

static const struct kernel_param_ops results_ops = { .get = results_get };
module_param_cb(results, &results_ops, NULL, 0400);
MODULE_PARM_DESC(results, "what was measured");

static int __init probe_init(void)
{
	int rc;

	if (!*what)
		return 0;
	if (strcmp(what, "trace") && strcmp(what, "time"))
		return -EINVAL;
	rc = probe_provider_init();
	if (rc)
		return rc;
	rc = strcmp(what, "time") ? probe_trace() : probe_time();
	probe_provider_exit();
	return rc;
}
module_init(probe_init);

static void __exit probe_exit(void)
{
}
module_exit(probe_exit);

MODULE_DESCRIPTION("The bare dispatch, traced and timed");
MODULE_LICENSE("GPL");
