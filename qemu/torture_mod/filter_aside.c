// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the filter does beside in a pre-operation: contexts, status callbacks,
 * I/O of its own. Part of filter.c.
 */
#include <linux/bio.h>

struct torture_volume_context {
	unsigned long magic;
	u64 data[4];
};

static void torture_release_checked(struct torture_volume_context *context)
{
	if (!context)
		return;
	if (context->magic != TORTURE_MAGIC)
		torture_wrong(TORTURE_NAME ": a context that was cleaned up is found");
	flt_release_context(context);
}

static void torture_volume_contexts(struct torture_visit *visit,
				    const struct flt_related_objects *objs)
{
	struct torture_volume_context *context = NULL, *old = NULL;

	switch (torture_pick(&visit->rnd, 4)) {
	case 0:
		flt_get_volume_context(torture_filter, objs->volume, (void **)&context);
		break;
	case 1:
		flt_delete_volume_context(torture_filter, objs->volume, (void **)&context);
		break;
	default:
		context = torture_context(FLT_VOLUME_CONTEXT, sizeof(*context));
		if (context)
			flt_set_volume_context(objs->volume, chance(visit, 2) ?
					       FLT_SET_CONTEXT_KEEP_IF_EXISTS :
					       FLT_SET_CONTEXT_REPLACE_IF_EXISTS, context,
					       (void **)&old);
		torture_release_checked(old);
	}
	torture_release_checked(context);
}

static void torture_status(const struct flt_related_objects *objs,
			   struct flt_io_parameter_block *snapshot, int status, void *context)
{
	count(T_STATUS_TOLD);
}

static void torture_want_status(struct flt_callback_data *data)
{
	count(T_STATUS_WANTED);
	flt_request_operation_status_callback(data, torture_status, NULL);
}

/* An operation of its own: its bio, and where it is. */
struct torture_own {
	struct torture_instance *ti;
	struct page *page;
};

static struct flt_callback_data *torture_own_make(struct torture_visit *visit,
						  struct torture_own *own)
{
	struct flt_callback_data *data;
	struct bio *bio;

	own->ti = visit->ti;
	if (flt_allocate_callback_data(visit->ti->instance, NULL, &data))
		return NULL;
	own->page = alloc_page(GFP_NOIO | __GFP_ZERO);
	bio = own->page ? bio_alloc(NULL, 1, REQ_OP_READ, GFP_NOIO) : NULL;
	if (!bio) {
		if (own->page)
			__free_page(own->page);
		flt_free_callback_data(data);
		return NULL;
	}
	__bio_add_page(bio, own->page, TORTURE_BLOCK, 0);
	data->iopb->major_function = IRP_MJ_READ;
	data->iopb->parameters.read.byte_offset = visit->offset;
	data->iopb->parameters.read.length = TORTURE_BLOCK;
	data->iopb->parameters.read.bio = bio;
	return data;
}

static void torture_own_ended(struct torture_own *own, int status)
{
	count(T_OWN_ENDED);
	/* Otherwise it has not begun: nobody below saw it. */
	if (status != STATUS_FLT_DELETING_OBJECT)
		torture_inc(own->ti->vol, V_OWN);
}

static void torture_own_sync(struct torture_visit *visit)
{
	struct torture_volume *vol = visit->ti->vol;
	struct flt_callback_data *data;
	struct torture_own own;
	int status;

	data = torture_own_make(visit, &own);
	if (!data)
		return;
	count(T_OWN);
	flt_perform_synchronous_io(data);
	status = data->io_status.status;
	torture_own_ended(&own, status);
	/* Nobody else is at this block, and this operation is not below yet. */
	if (!status && vol->block && visit->place)
		torture_verify(vol, visit->place - vol->places, visit->place->version,
			       page_address(own.page), TORTURE_NAME);
	flt_free_callback_data(data);
	__free_page(own.page);
}

static void torture_own_done(struct flt_callback_data *data, void *context)
{
	struct torture_own *own = context;

	torture_own_ended(own, data->io_status.status);
	flt_free_callback_data(data);
	__free_page(own->page);
	kfree(own);
}

static void torture_own_async(struct torture_visit *visit)
{
	struct torture_own *own = kmalloc(sizeof(*own), GFP_NOIO);
	struct flt_callback_data *data;

	if (!own)
		return;
	data = torture_own_make(visit, own);
	if (!data) {
		kfree(own);
		return;
	}
	count(T_OWN);
	/* Whatever it returns, torture_own_done() is called once. INV-16 */
	flt_perform_asynchronous_io(data, torture_own_done, own);
}

static void torture_own(struct torture_visit *visit)
{
	if (visit->generated || visit->offset % TORTURE_BLOCK || visit->length < TORTURE_BLOCK)
		return;
	if (chance(visit, 2))
		torture_own_async(visit);
	else
		torture_own_sync(visit);
}

static void torture_aside(struct torture_visit *visit, struct flt_callback_data *data,
			  const struct flt_related_objects *objs)
{
	if (chance(visit, 8))
		udelay(torture_pick(&visit->rnd, 100));
	if (chance(visit, 16))
		torture_volume_contexts(visit, objs);
	if (chance(visit, 16))
		torture_want_status(data);
	if (chance(visit, 16))
		torture_own(visit);
}
