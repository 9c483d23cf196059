// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending an operation down once more: one of a filter's own that it has performed,
 * or one that it has synchronised, from its post-operation.
 *
 * The second kind is a volume's: its provider has sent it to the device, which has
 * used its bio up, and gets it back when the way up is over. So an operation of the
 * filter's own goes in its place, with its parameters and its bio, which is set back
 * to where it was when the operation went down. That was noted when the filter asked
 * to have it synchronised. If a lower filter has swapped the buffer, the bio was not
 * used. Nobody else looks at it meanwhile: the thread that waits has it. FIO-20
 */
#include <linux/bio.h>
#include <linux/export.h>

#include "generated.h"

static void flt_reissue_own(struct flt_instance *instance, struct flt_callback_data *data)
{
	struct flt_own *own = flt_own_of(data, "FIO-21", "reissue");
	struct flt_operation *op;

	if (!own || !flt_own_take(own, FLT_OWN_ENDED, FLT_OWN_FLYING, "reissue"))
		return;
	op = &own->op;
	if (own->inst != instance || !own->waited) {
		struct flt_blame blame = { .rule = "FIO-21", .inst = instance, .op_id = op->id };

		flt_blame(&blame, "reissue of what is %s",
			  own->waited ? "another instance's" : "asynchronous");
		flt_own_give(own, FLT_OWN_ENDED);
		return;
	}
	op->nr_nodes = 0;
	op->last = NULL;
	op->up = NULL;
	op->modified = false;
	op->careful = 0;
	WRITE_ONCE(op->canceled, false);
	op->generation = 0;
	flt_own_wait(own, FLTFL_CALLBACK_DATA_REISSUED_IO);
}

/* The node of the caller's post-operation; NULL: it is not in one. */
static struct flt_node *flt_reissue_node(struct flt_operation *op)
{
	if (!op || READ_ONCE(op->runner) != current ||
	    !(op->data.flags & FLTFL_CALLBACK_DATA_POST_OPERATION))
		return NULL;
	return op->up;
}

/* @again is filled in: perform it in the place of @op. */
static void flt_reissue_instead(struct flt_operation *op, struct flt_callback_data *again)
{
	struct bio *bio = flt_own_bio(again->iopb);
	struct flt_own *own = flt_to_own(again->operation);
	struct bvec_iter used;

	if (bio) {
		used = bio->bi_iter;
		if (used.bi_size != again->iopb->parameters.read.length)
			bio->bi_iter = op->sync_iter;
	}
	if (flt_own_take(own, FLT_OWN_READY, FLT_OWN_FLYING, "reissue"))
		flt_own_wait(own, FLTFL_CALLBACK_DATA_REISSUED_IO);
	if (bio)
		bio->bi_iter = used;
}

static void flt_reissue_synchronised(struct flt_instance *instance,
				     struct flt_callback_data *data, struct flt_node *node)
{
	struct flt_operation *op = data->operation;
	struct flt_callback_data *again;
	struct flt_passed seen;
	int rc;

	data->io_status.information = 0;
	rc = flt_allocate_callback_data(instance, NULL, &again);
	if (rc) {
		data->io_status.status = rc;
		return;
	}
	again->iopb->irp_flags = data->iopb->irp_flags;
	again->iopb->major_function = data->iopb->major_function;
	again->iopb->parameters = data->iopb->parameters;
	/* What the filter has changed for this is not for who is above. */
	flt_seen_at(op, node, &seen);
	flt_modify_undo(op, &seen);
	flt_reissue_instead(op, again);
	data->io_status = again->io_status;
	/* The bio is the volume's. */
	again->iopb->parameters.read.bio = NULL;
	flt_free_callback_data(again);
}

/**
 * flt_reissue_synchronous_io() - perform an operation once more
 * @instance: the caller's
 * @data: of flt_perform_synchronous_io(), initiated by @instance, and ended; or, in a
 *	post-operation of @instance, an operation for which its pre-operation returned
 *	%FLT_PREOP_SYNCHRONIZE
 *
 * With the parameters that it has: the caller may have changed them as far as a
 * pre-operation may, for this once. The instances below see an operation of
 * @instance's, flagged %FLTFL_CALLBACK_DATA_REISSUED_IO and
 * %FLTFL_CALLBACK_DATA_GENERATED_IO; @instance itself and those above see nothing. How
 * it ended is in @data->io_status, as with flt_perform_synchronous_io(); also -ENOMEM.
 * Anything else is refused and reported. FIO-20, FIO-21
 *
 * Context: PASSIVE.
 */
void flt_reissue_synchronous_io(struct flt_instance *instance, struct flt_callback_data *data)
{
	struct flt_node *node;

	if (flt_verifying() && !flt_verify_known(FLT_KIND_DATA, data, "FIO-21", "reissue"))
		return;
	if (!flt_own_may_wait(data))
		return;
	node = flt_reissue_node(data->operation);
	if (!node) {
		flt_reissue_own(instance, data);
		return;
	}
	if (!flt_node_sync(data->operation, node) || node->instance != instance) {
		flt_violation_op("FIO-21", instance, data->operation,
				 "reissued, and not synchronised by its pre-operation");
		return;
	}
	flt_reissue_synchronised(instance, data, node);
}
EXPORT_SYMBOL_GPL(flt_reissue_synchronous_io);
