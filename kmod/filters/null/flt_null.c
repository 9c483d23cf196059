// SPDX-License-Identifier: GPL-2.0-only
/*
 * null: the shortest filter. It attaches to every volume and sees nothing.
 *
 *	insmod fltmgr.ko
 *	insmod flt_null.ko
 *	fltmc instances -f null
 *	fltmc detach null VOLUME
 *	fltmc unload null
 *	rmmod flt_null
 *
 * What to learn here: a registration, the unload callback that makes a filter
 * unloadable, and the query_teardown callback that makes it detachable. Without
 * either the manager refuses.
 */
#include <linux/fltmgr.h>
#include <linux/module.h>

/* Whoever asks, and why, makes no difference to us. */
static int null_unload(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	return 0;
}

static int null_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

static const struct flt_instance_definition null_instances[] = {
	{ .name = "null", .altitude = "385000" },
	{ }
};

static const struct flt_registration null_registration = {
	.size = sizeof(null_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "null",
	.instances = null_instances,
	.filter_unload_callback = null_unload,
	.instance_query_teardown_callback = null_query_teardown,
};

module_flt_filter(null_registration);

MODULE_DESCRIPTION("Sample filter: sees nothing");
MODULE_LICENSE("GPL");
