// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: a filter that does one thing wrong, or unusual, to see what happens.
 *
 *	insmod fltmgr.ko
 *	insmod flt_rogue.ko mode=forget-exit
 *	rmmod flt_rogue; dmesg | tail
 *
 * mode=	no-unload	has no unload callback: can never be unloaded
 *		no-stop		DO_NOT_SUPPORT_SERVICE_STOP: not by rmmod
 *		fail-init	registers, starts, and then fails to load
 *		forget-exit	its module exit does not unregister
 *		forget-unload	its unload callback agrees and does not either
 *		refuse-late	its unload callback unregisters and then refuses
 *		no-query	has no query_teardown callback: cannot be detached
 *		veto		refuses every attach
 */
#include <linux/fltmgr.h>
#include <linux/module.h>
#include <linux/string.h>

static char *mode = "no-unload";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "what to do wrong");

static const char * const rogue_modes[] = {
	"no-unload", "no-stop", "fail-init", "forget-exit", "forget-unload", "refuse-late",
	"no-query", "veto",
};

static int rogue_unload(struct flt_filter *filter, u32 flags)
{
	if (strcmp(mode, "forget-unload"))
		flt_unregister_filter(filter);
	return strcmp(mode, "refuse-late") ? 0 : STATUS_FLT_DO_NOT_DETACH;
}

static int rogue_setup(const struct flt_related_objects *objs, u32 flags, const char *type)
{
	return strcmp(mode, "veto") ? 0 : STATUS_FLT_DO_NOT_ATTACH;
}

static int rogue_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

static int rogue_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static const struct flt_operation_registration rogue_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = rogue_pre },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition rogue_instances[] = {
	{ .name = "rogue", .altitude = "45000" },
	{ }
};

static struct flt_registration rogue_registration = {
	.size = sizeof(rogue_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "rogue",
	.instances = rogue_instances,
	.operation_registration = rogue_operations,
	.filter_unload_callback = rogue_unload,
	.instance_setup_callback = rogue_setup,
	.instance_query_teardown_callback = rogue_query_teardown,
};

static int __init rogue_init(void)
{
	int rc;

	rc = match_string(rogue_modes, ARRAY_SIZE(rogue_modes), mode);
	if (rc < 0)
		return -EINVAL;
	if (!strcmp(mode, "no-unload"))
		rogue_registration.filter_unload_callback = NULL;
	if (!strcmp(mode, "no-query"))
		rogue_registration.instance_query_teardown_callback = NULL;
	if (!strcmp(mode, "no-stop"))
		rogue_registration.flags = FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP;
	rc = flt_module_init(THIS_MODULE, &rogue_registration);
	if (!rc && !strcmp(mode, "fail-init"))
		rc = -ENODEV;
	return rc;
}

static void __exit rogue_exit(void)
{
	if (strcmp(mode, "forget-exit"))
		flt_module_exit(THIS_MODULE);
}

module_init(rogue_init);
module_exit(rogue_exit);
MODULE_DESCRIPTION("Sample filter: breaks a rule");
MODULE_LICENSE("GPL");
