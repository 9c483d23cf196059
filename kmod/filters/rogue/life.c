// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: registration, instances, unloading; and what a callback must not ask for,
 * since it would wait for itself.
 */
#include "rogue.h"

static int rogue_unregister_inside(struct flt_callback_data *data,
				   const struct flt_related_objects *objs, void **context)
{
	if (!rogue_good())
		flt_unregister_filter(objs->filter);
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int rogue_unload_inside(struct flt_callback_data *data,
			       const struct flt_related_objects *objs, void **context)
{
	if (!rogue_good())
		flt_unload_filter(flt_filter_name(objs->filter));
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* Asked whether the instance may be detached, it does so itself. */
static void rogue_detach_inside(const struct flt_related_objects *objs)
{
	if (!rogue_good())
		flt_detach_volume(objs->filter, objs->volume, flt_instance_name(objs->instance));
}

static int rogue_veto(const struct flt_related_objects *objs)
{
	return rogue_good() ? 0 : STATUS_FLT_DO_NOT_ATTACH;
}

static void rogue_no_unload(struct flt_registration *reg)
{
	reg->filter_unload_callback = NULL;
}

static void rogue_no_query(struct flt_registration *reg)
{
	reg->instance_query_teardown_callback = NULL;
}

static void rogue_no_stop(struct flt_registration *reg)
{
	reg->flags = FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP;
}

static int rogue_fail_init(int rc)
{
	return rc ? rc : -ENODEV;
}

static int rogue_forget_unload(struct flt_filter *filter)
{
	return 0;
}

static int rogue_refuse_late(struct flt_filter *filter)
{
	flt_unregister_filter(filter);
	return STATUS_FLT_DO_NOT_DETACH;
}

const struct rogue_mode rogue_life_modes[] = {
	{ .name = "unregister-inside", .rule = "URG-02", .pre = rogue_unregister_inside,
	  .wrong = "unregisters inside a pre-operation" },
	{ .name = "unload-inside", .rule = "UNL-13", .pre = rogue_unload_inside,
	  .wrong = "asks to be unloaded inside a pre-operation" },
	{ .name = "detach-inside", .rule = "INV-18", .query = rogue_detach_inside,
	  .wrong = "detaches an instance inside its query_teardown" },
	{ .name = "fail-init", .rule = "UNL-10", .init = rogue_fail_init,
	  .wrong = "registers, starts, and then fails to load" },
	{ .name = "forget-exit", .rule = "UNL-10", .forgetful = true,
	  .wrong = "its module exit does not unregister" },
	{ .name = "forget-unload", .rule = "UNL-10", .unload = rogue_forget_unload,
	  .wrong = "its unload callback agrees and does not unregister" },
	{ .name = "refuse-late", .rule = "UNL-09", .unload = rogue_refuse_late,
	  .wrong = "its unload callback unregisters and then refuses" },
	{ .name = "no-unload", .change = rogue_no_unload,
	  .wrong = "has no unload callback: can never be unloaded" },
	{ .name = "no-stop", .change = rogue_no_stop,
	  .wrong = "DO_NOT_SUPPORT_SERVICE_STOP: not by rmmod" },
	{ .name = "no-query", .change = rogue_no_query,
	  .wrong = "has no query_teardown callback: cannot be detached" },
	{ .name = "veto", .setup = rogue_veto,
	  .wrong = "refuses every attach" },
	{ }
};
