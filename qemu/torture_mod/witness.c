// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two instances on each volume, above and below all others, that see everything
 * and hold nothing: what the volume got, and what the device got.
 */
#include <linux/module.h>

#include "torture.h"

#define WITNESS_TOP	"999999"
#define WITNESS_BOTTOM	"1"

static struct flt_filter *witness;

static struct torture_volume *witness_volume(const struct flt_related_objects *objs)
{
	return torture_volume_of(flt_volume_name(objs->volume));
}

static bool witness_is_top(const struct flt_related_objects *objs)
{
	return !strcmp(flt_instance_name(objs->instance), "top");
}

static int witness_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		       void **completion_context)
{
	struct torture_volume *vol = witness_volume(objs);
	struct torture_place *place = torture_place_of(vol, data);
	bool top = witness_is_top(objs);

	torture_inc(vol, top ? V_TOP_PRE : V_BOTTOM_PRE);
	if (top && data->flags & FLTFL_CALLBACK_DATA_GENERATED_IO)
		torture_wrong("%s: INV-15: the highest sees what a filter has begun", vol->name);
	if (place && top) {
		place->tops++;
		place->down = U64_MAX - 1;
	} else if (place) {
		place->bottoms++;
	}
	if (!top && torture_bad(vol, data))
		torture_inc(vol, V_DEVICE_FAILED);
	*completion_context = vol;
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static void witness_up(struct torture_volume *vol, struct torture_place *place, bool top,
		       int status)
{
	if (top) {
		place->tops_up++;
		return;
	}
	/* From here on it is the filters' business how it ends. */
	place->expect = status;
	if (!status)
		place->written = true;
}

static int witness_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
			void *completion_context, u32 flags)
{
	struct torture_volume *vol = completion_context;
	bool top = witness_is_top(objs), failed = data->io_status.status < 0;
	struct torture_place *place;

	if (flags & FLTFL_POST_OPERATION_DRAINING) {
		torture_inc(vol, top ? V_TOP_DRAINED : V_BOTTOM_DRAINED);
		return FLT_POSTOP_FINISHED_PROCESSING;
	}
	if (!top || !torture_fault_now(FAULT_COUNT))
		torture_inc(vol, top ? V_TOP_POST : V_BOTTOM_POST);
	if (failed)
		torture_inc(vol, top ? V_TOP_FAILED : V_BOTTOM_FAILED);
	place = torture_place_of(vol, data);
	if (place && failed && !top)
		torture_inc(vol, V_BELOW_FAILED);
	if (place)
		witness_up(vol, place, top, data->io_status.status);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int witness_unload(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	return 0;
}

#define WITNESS_OPERATION(__major) {		\
	.major_function = __major,		\
	.pre_operation = witness_pre,		\
	.post_operation = witness_post,		\
}

static const struct flt_operation_registration witness_operations[] = {
	WITNESS_OPERATION(IRP_MJ_READ),
	WITNESS_OPERATION(IRP_MJ_WRITE),
	WITNESS_OPERATION(IRP_MJ_FLUSH_BUFFERS),
	WITNESS_OPERATION(FLT_MJ_DISCARD),
	WITNESS_OPERATION(FLT_MJ_SECURE_ERASE),
	WITNESS_OPERATION(FLT_MJ_WRITE_ZEROES),
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition witness_instances[] = {
	{ .name = "top", .altitude = WITNESS_TOP },
	{ .name = "bottom", .altitude = WITNESS_BOTTOM },
	{ }
};

static const struct flt_registration witness_registration = {
	.size = sizeof(witness_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "witness",
	.instances = witness_instances,
	.operation_registration = witness_operations,
	.filter_unload_callback = witness_unload,
	/* No query_teardown: nobody detaches it. */
};

int torture_witness_init(void)
{
	int err = flt_register_filter(THIS_MODULE, &witness_registration, &witness);

	if (err)
		return err;
	err = flt_start_filtering(witness);
	if (err)
		flt_unregister_filter(witness);
	return err;
}

int torture_witness_attach(struct flt_volume *volume)
{
	int err = flt_attach_volume(witness, volume, "top", NULL);

	return err ?: flt_attach_volume(witness, volume, "bottom", NULL);
}

void torture_witness_exit(void)
{
	flt_module_exit(THIS_MODULE);
}
