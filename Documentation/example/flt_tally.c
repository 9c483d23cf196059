// SPDX-License-Identifier: GPL-2.0-only
/* tally: counts what is written, on each volume by itself. */
#include <linux/fltmgr.h>
#include <linux/module.h>

/* The context of an instance. */
struct tally {
	atomic64_t writes;
	atomic64_t bytes;
};

static int tally_setup(const struct flt_related_objects *objs, u32 flags, const char *volume_type)
{
	void *context;
	int rc;

	rc = flt_allocate_context(objs->filter, FLT_INSTANCE_CONTEXT, sizeof(struct tally),
				  FLT_NON_PAGED_POOL, &context);
	if (rc)
		return rc;
	rc = flt_set_instance_context(objs->instance, FLT_SET_CONTEXT_KEEP_IF_EXISTS, context,
				      NULL);
	flt_release_context(context);	/* the instance has a reference of its own */
	return rc;
}

static int tally_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **completion_context)
{
	struct tally *tally;
	void *context;

	if (flt_get_instance_context(objs->instance, &context))
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	tally = context;
	atomic64_inc(&tally->writes);
	atomic64_add(data->iopb->parameters.write.length, &tally->bytes);
	flt_release_context(context);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* The last that is heard of the instance. Its context is deleted after this. */
static void tally_complete(const struct flt_related_objects *objs, u32 reason)
{
	struct tally *tally;
	void *context;

	if (flt_get_instance_context(objs->instance, &context))
		return;
	tally = context;
	pr_info("tally: %s: %lld writes, %lld bytes\n", flt_volume_name(objs->volume),
		atomic64_read(&tally->writes), atomic64_read(&tally->bytes));
	flt_release_context(context);
}

static int tally_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

static int tally_unload(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	return 0;
}

static const struct flt_context_registration tally_contexts[] = {
	{ .context_type = FLT_INSTANCE_CONTEXT, .size = sizeof(struct tally),
	  .pool_tag = 0x796c6c74 /* "tlly" */ },
	{ .context_type = FLT_CONTEXT_END }
};

static const struct flt_operation_registration tally_operations[] = {
	{ .major_function = IRP_MJ_WRITE, .pre_operation = tally_pre },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition tally_instances[] = {
	{ .name = "tally", .altitude = "365000" },
	{ }
};

static const struct flt_registration tally_registration = {
	.size = sizeof(tally_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "tally",
	.instances = tally_instances,
	.context_registration = tally_contexts,
	.operation_registration = tally_operations,
	.filter_unload_callback = tally_unload,
	.instance_setup_callback = tally_setup,
	.instance_query_teardown_callback = tally_query_teardown,
	.instance_teardown_complete_callback = tally_complete,
};

module_flt_filter(tally_registration);

MODULE_DESCRIPTION("Example filter: counts writes, volume by volume");
MODULE_LICENSE("GPL");
