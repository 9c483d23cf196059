// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changed parameters, and swapped buffers.
 *
 * A filter changes op->iopb in its pre-operation, or while it pends, and marks
 * it. What the next lower instance and the device get is op->passed: the mark
 * copies the change there, and without a mark the change is undone from there.
 *
 * What was there before, which is what the filter itself and all above it saw,
 * is kept in a struct flt_saved at the filter's node; a filter that wants no
 * post-operation gets a node all the same, one that is DONE. The walk up puts
 * op->iopb back at each such node, before the post-operation there.
 *
 * A teardown's copy shows what its instance saw: the flt_saved nearest at or
 * below its node, or else op->passed. It is made while the operation goes on,
 * so the order counts: flt_modify_pass() publishes the node, then changes
 * op->passed; flt_seen_begin() reads op->passed before it looks for nodes. What
 * is read torn or late is not used then: there is a node.
 *
 * A buffer is a bio. One that was swapped is the filter's, and such an
 * operation is not drained: the node is KEPT, and the teardown waits. The
 * manager puts the bio when the post-operation is done with it, as it frees the
 * list of pages in the model. MOD-01..MOD-08, DRN-12
 */
#include <linux/bio.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "internal.h"

static bool flt_rw_equal(const struct flt_parameters_rw *a, const struct flt_parameters_rw *b)
{
	return a->byte_offset == b->byte_offset && a->length == b->length && a->bio == b->bio;
}

/* A post-operation is where a swapped buffer is given up. MOD-07 */
static bool flt_wants_post(const struct flt_operation *op, const struct flt_instance *inst,
			   int status)
{
	return inst->post[op->class] && (status == FLT_PREOP_SUCCESS_WITH_CALLBACK ||
					 status == FLT_PREOP_SYNCHRONIZE);
}

/* What is wrong with a change, or NULL. */
static const char *flt_change_fault(const struct flt_operation *op,
				    const struct flt_instance *inst, int status)
{
	const struct flt_parameters_rw *new = &op->iopb.parameters.read;
	const struct flt_parameters_rw *old = &op->passed.rw;

	if (op->iopb.irp_flags != op->passed.irp_flags)
		return "irp_flags";
	if (op->iopb.major_function != op->passed.major_function)
		return "the major function";
	if (new->length != old->length)
		return "the length";
	if (new->bio == old->bio)
		return NULL;
	if (op->class != FLT_CLASS_READ && op->class != FLT_CLASS_WRITE)
		return "the buffer of an operation that has none";
	if (!new->bio || new->bio->bi_iter.bi_size != new->length)
		return "the buffer, for one of another size";
	if (!flt_wants_post(op, inst, status))
		return "the buffer, and has no post-operation to put it back in";
	return NULL;
}

/**
 * flt_modify_take() - the pre-operation, or its completion, has marked a change
 * @op: stands at @inst; the caller moves it
 * @inst: whose change it is
 * @status: what it answered, one that goes down
 * @out: gets what to keep at @inst's node, NULL if nothing was changed
 *
 * Waits for memory, never fails for lack of it.
 *
 * Return: 0, or STATUS_FLT_INTERNAL_ERROR for a change that is not allowed: to
 * ignore it would be to write, or to show, the wrong data. MOD-01, OPC-06
 */
int flt_modify_take(struct flt_operation *op, struct flt_instance *inst, int status,
		    struct flt_saved **out)
{
	const char *fault = flt_change_fault(op, inst, status);
	struct flt_saved *saved;

	*out = NULL;
	if (fault) {
		flt_violation_op("MOD-01", inst, op, "parameters of %s changed: it changes %s",
				 flt_class_name(op->class), fault);
		return STATUS_FLT_INTERNAL_ERROR;
	}
	if (flt_rw_equal(&op->iopb.parameters.read, &op->passed.rw))
		return 0;
	saved = flt_saved_alloc(inst);
	saved->before = op->passed;
	saved->swapped = NULL;
	if (op->iopb.parameters.read.bio != op->passed.rw.bio)
		saved->swapped = op->iopb.parameters.read.bio;
	*out = saved;
	return 0;
}

/* The node with what was before is published: let the change be seen below. */
void flt_modify_pass(struct flt_operation *op)
{
	/* Pairs with the barrier in flt_seen_begin(). */
	smp_wmb();
	WRITE_ONCE(op->passed.rw.byte_offset, op->iopb.parameters.read.byte_offset);
	WRITE_ONCE(op->passed.rw.bio, op->iopb.parameters.read.bio);
	op->modified = true;
}

/* A scan begins to look for what an instance saw. Nothing that came late counts. */
void flt_seen_begin(struct flt_passed *seen, const struct flt_operation *op)
{
	memcpy(&seen->what, &op->passed.what, sizeof(seen->what));
	seen->rw.length = op->passed.rw.length;
	seen->rw.byte_offset = READ_ONCE(op->passed.rw.byte_offset);
	seen->rw.bio = READ_ONCE(op->passed.rw.bio);
	/* Pairs with the barrier in flt_modify_pass(). */
	smp_rmb();
}

/* As @node's instance saw it on the way down. */
void flt_seen_at(const struct flt_operation *op, const struct flt_node *node,
		 struct flt_passed *seen)
{
	const struct flt_node *at;

	flt_seen_begin(seen, op);
	for (at = flt_op_last(op); at; at = at->above) {
		const struct flt_saved *saved = flt_node_saved(op, at);

		if (saved)
			*seen = saved->before;
		if (at == node)
			return;
	}
}

/* The post-operation of @node is over. MOD-08 */
void flt_modify_done(struct flt_saved *saved)
{
	struct bio *bio = saved->swapped;

	saved->swapped = NULL;
	if (bio && !saved->retained)
		bio_put(bio);
}

/**
 * flt_set_callback_data_dirty() - changed parameters are to count
 * @data: the operation, in the caller's pre-operation or pended by it
 *
 * What a filter may change in @data->iopb->parameters is byte_offset, and bio
 * for one of the same size: a buffer of its own (MOD-07). Lower instances and
 * the device get the change; the filter's own post-operation and instances above
 * do not see it. A change of anything else fails the operation and is reported.
 * Without the mark a change is undone. In a post-operation the mark means nothing
 * and is reported. MOD-01..MOD-03
 *
 * Context: ATOMIC.
 */
void flt_set_callback_data_dirty(struct flt_callback_data *data)
{
	if (!flt_operation_of(data, "MOD-01", "change"))
		return;
	if (data->flags & FLTFL_CALLBACK_DATA_POST_OPERATION) {
		flt_violation_data("MOD-01", data, "parameters changed on the way up");
		return;
	}
	data->flags |= FLTFL_CALLBACK_DATA_DIRTY;
	/* Its thread may be on its way out of the pre-operation. */
	WRITE_ONCE(data->operation->dirty, true);
}
EXPORT_SYMBOL_GPL(flt_set_callback_data_dirty);

/**
 * flt_clear_callback_data_dirty() - changed parameters are not to count after all
 * @data: the operation, in the caller's pre-operation or pended by it
 *
 * MOD-01
 *
 * Context: ATOMIC.
 */
void flt_clear_callback_data_dirty(struct flt_callback_data *data)
{
	data->flags &= ~FLTFL_CALLBACK_DATA_DIRTY;
}
EXPORT_SYMBOL_GPL(flt_clear_callback_data_dirty);

/**
 * flt_is_callback_data_dirty() - are changed parameters to count?
 * @data: the operation
 *
 * MOD-01
 *
 * Context: ATOMIC.
 * Return: true between flt_set_callback_data_dirty() and the filter's answer.
 */
bool flt_is_callback_data_dirty(const struct flt_callback_data *data)
{
	return data->flags & FLTFL_CALLBACK_DATA_DIRTY;
}
EXPORT_SYMBOL_GPL(flt_is_callback_data_dirty);

/* What the filter whose post-operation has the operation now had swapped. */
static struct flt_saved *flt_swapped(struct flt_callback_data *data, const char *what)
{
	struct flt_operation *op = flt_operation_of(data, "MOD-01", what);
	struct flt_saved *saved;
	struct flt_node *node;

	if (!op)
		return NULL;
	node = data->flags & FLTFL_CALLBACK_DATA_POST_OPERATION ? op->up : NULL;
	if (!node) {
		flt_violation_data("VRF-11w", data, "%s outside a post-operation", what);
		return NULL;
	}
	saved = flt_node_saved(op, node);
	return saved && saved->swapped ? saved : NULL;
}

/**
 * flt_get_swapped_buffer_mdl_address() - the buffer that the caller swapped in
 * @data: the operation, in the caller's post-operation or pended by it
 *
 * @data itself has the buffer that was there before. MOD-08
 *
 * Context: ATOMIC.
 * Return: the bio, which the manager puts after the post-operation; NULL if the
 * pre-operation did not swap buffers.
 */
struct bio *flt_get_swapped_buffer_mdl_address(struct flt_callback_data *data)
{
	struct flt_saved *saved = flt_swapped(data, "asking for a swapped buffer");

	return saved ? saved->swapped : NULL;
}
EXPORT_SYMBOL_GPL(flt_get_swapped_buffer_mdl_address);

/**
 * flt_retain_swapped_buffer_mdl_address() - keep the bio that was swapped in
 * @data: the operation, in the caller's post-operation or pended by it
 *
 * The manager does not put it: the filter does, any time. MOD-08
 *
 * Context: ATOMIC.
 */
void flt_retain_swapped_buffer_mdl_address(struct flt_callback_data *data)
{
	struct flt_saved *saved = flt_swapped(data, "retaining a swapped buffer");

	if (saved)
		saved->retained = true;
}
EXPORT_SYMBOL_GPL(flt_retain_swapped_buffer_mdl_address);
