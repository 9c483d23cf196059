// SPDX-License-Identifier: GPL-2.0-only
/*
 * rogue: post-operations.
 */
#include "rogue.h"

static int rogue_post_unknown(struct flt_callback_data *data,
			      const struct flt_related_objects *objs, void *context, u32 flags)
{
	return rogue_good() ? FLT_POSTOP_FINISHED_PROCESSING : 77;
}

static int rogue_more_drained(struct flt_callback_data *data,
			      const struct flt_related_objects *objs, void *context, u32 flags)
{
	return rogue_good() ? FLT_POSTOP_FINISHED_PROCESSING :
			      FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

/* The mark belongs where the change does: into the pre-operation. */
static int rogue_dirty_late(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void *context, u32 flags)
{
	if (!rogue_good())
		flt_set_callback_data_dirty(data);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int rogue_safe_routine(struct flt_callback_data *data,
			      const struct flt_related_objects *objs, void *context, u32 flags)
{
	return FLT_POSTOP_FINISHED_PROCESSING;
}

/* Where sleeping is not allowed: there the first call has a worker do it. */
static int rogue_safe_twice(struct flt_callback_data *data,
			    const struct flt_related_objects *objs, void *context, u32 flags)
{
	int status, again;

	if (flt_do_completion_processing_when_safe(data, objs, NULL, flags, rogue_safe_routine,
						   &status) && !rogue_good())
		flt_do_completion_processing_when_safe(data, objs, NULL, flags,
						       rogue_safe_routine, &again);
	return status;
}

/* A pend of the pre-operation is over when the post-operation is called. */
static int rogue_pend_not(struct flt_callback_data *data,
			  const struct flt_related_objects *objs, void *context, u32 flags)
{
	if (!rogue_good())
		flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int rogue_post_and_go(struct flt_callback_data *data,
			     const struct flt_related_objects *objs, void *context, u32 flags)
{
	flt_complete_pended_postoperation(data);
	return rogue_good() ? FLT_POSTOP_MORE_PROCESSING_REQUIRED :
			      FLT_POSTOP_FINISHED_PROCESSING;
}

const struct rogue_mode rogue_post_modes[] = {
	{ .name = "post-unknown", .rule = "VRF-11a", .post = rogue_post_unknown,
	  .wrong = "its post-operation returns a status that is none" },
	{ .name = "post-more-drained", .rule = "DRN-08", .drained = rogue_more_drained,
	  .wrong = "wants to keep an operation that is drained" },
	{ .name = "dirty-late", .rule = "MOD-01", .post = rogue_dirty_late,
	  .wrong = "marks a change in its post-operation" },
	{ .name = "safe-twice", .rule = "DCS-01", .post = rogue_safe_twice,
	  .wrong = "defers a completion twice" },
	{ .name = "pend-not", .rule = "PND-07", .post = rogue_pend_not,
	  .wrong = "completes a pre-operation that is not pended" },
	{ .name = "post-and-go", .rule = "PND-21", .post = rogue_post_and_go,
	  .wrong = "completes a post-operation and then lets it go on" },
	{ }
};
