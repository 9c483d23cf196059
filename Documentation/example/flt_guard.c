// SPDX-License-Identifier: GPL-2.0-only
/* guard: nobody overwrites the first megabyte of a volume. */
#include <linux/fltmgr.h>
#include <linux/module.h>
#include <linux/sizes.h>

static int guard_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **completion_context)
{
	if (data->iopb->parameters.write.byte_offset >= SZ_1M)
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	data->io_status.status = STATUS_ACCESS_DENIED;
	data->io_status.information = 0;
	return FLT_PREOP_COMPLETE;
}

static int guard_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;		/* yes, you may detach me */
}

static int guard_unload(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	return 0;
}

static const struct flt_operation_registration guard_operations[] = {
	{ .major_function = IRP_MJ_WRITE, .pre_operation = guard_pre },
	{ .major_function = FLT_MJ_DISCARD, .pre_operation = guard_pre },
	{ .major_function = FLT_MJ_SECURE_ERASE, .pre_operation = guard_pre },
	{ .major_function = FLT_MJ_WRITE_ZEROES, .pre_operation = guard_pre },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition guard_instances[] = {
	{ .name = "guard", .altitude = "145000" },
	{ }
};

static const struct flt_registration guard_registration = {
	.size = sizeof(guard_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "guard",
	.instances = guard_instances,
	.operation_registration = guard_operations,
	.filter_unload_callback = guard_unload,
	.instance_query_teardown_callback = guard_query_teardown,
};

module_flt_filter(guard_registration);

MODULE_DESCRIPTION("Example filter: guards the first megabyte");
MODULE_LICENSE("GPL");
