// SPDX-License-Identifier: GPL-2.0-only
/*
 * An operation before it is on its way.
 */
#include <linux/export.h>
#include <linux/sched.h>

#include "operation.h"

DEFINE_PER_CPU(u64, flt_next_id);

/**
 * flt_operation_init() - prepare an operation for flt_dispatch()
 * @op: the operation, in the provider's memory, contents undefined
 * @volume: its volume
 * @class: its class
 * @irp_flags: FLT_IRP_*
 * @byte_offset: where on the volume, in bytes
 * @length: how much, in bytes
 * @bio: the data, shown to filters; may be NULL
 *
 * Context: ATOMIC.
 */
void flt_operation_init(struct flt_operation *op, struct flt_volume *volume,
			enum flt_class class, u32 irp_flags, u64 byte_offset,
			u64 length, struct bio *bio)
{
	struct flt_parameters_rw *rw = &op->iopb.parameters.read;

	op->volume = volume;
	op->class = class;
	op->nr_nodes = 0;
	op->joined = 0;
	op->modified = false;
	op->careful = 0;
	op->canceled = false;
	op->cancel_routine = NULL;
	op->last = NULL;
	op->up = NULL;
	op->runner = NULL;
	op->verify = NULL;
	op->generation = 0;
	atomic_long_set(&op->word, FLT_OP_NOWHERE);

	op->data.flags = FLTFL_CALLBACK_DATA_IRP_OPERATION;
	op->data.requestor_pid = current->pid;
	op->data.iopb = &op->iopb;
	op->data.io_status.status = 0;
	op->data.io_status.information = 0;
	op->data.operation = op;

	op->iopb.irp_flags = irp_flags;
	op->iopb.major_function = flt_major_of(class);
	op->iopb.minor_function = 0;
	op->iopb.operation_flags = 0;
	op->iopb.target_file_object = NULL;
	op->iopb.target_instance = NULL;
	rw->byte_offset = byte_offset;
	rw->length = length;
	rw->bio = bio;
	flt_operation_pass(op);
}
EXPORT_SYMBOL_GPL(flt_operation_init);
