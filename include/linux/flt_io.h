/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fltmgr: I/O of a filter's own. Included by linux/fltmgr.h; see
 * Documentation/own-io.rst.
 *
 * A filter allocates an operation, says what it is to do, and performs it: it
 * enters the volume below the filter's instance, so that lower filters see it and
 * the filter itself, and all above it, do not.
 */
#ifndef _LINUX_FLT_IO_H
#define _LINUX_FLT_IO_H

#include <linux/fltmgr.h>
#include <linux/types.h>

/* What new callback data say, until the filter says something else. */
#define IRP_MJ_CREATE					0x00

/* flags of flt_allocate_callback_data_ex() */
#define FLT_ALLOCATE_CALLBACK_DATA_PREALLOCATE_ALL_MEMORY	0x00000001

/*
 * How an operation of flt_perform_asynchronous_io() ended is in its io_status.
 * Called once, in any context, and may free @data, or reuse it.
 */
typedef void (*flt_completed_async_io_callback)(struct flt_callback_data *data, void *context);

/* kmod/fltmgr/generated.c */
int flt_allocate_callback_data(struct flt_instance *instance, struct file *file_object,
			       struct flt_callback_data **data);
int flt_allocate_callback_data_ex(struct flt_instance *instance, struct file *file_object,
				  u32 flags, struct flt_callback_data **data);
void flt_free_callback_data(struct flt_callback_data *data);
void flt_reuse_callback_data(struct flt_callback_data *data);
void flt_perform_synchronous_io(struct flt_callback_data *data);
int flt_perform_asynchronous_io(struct flt_callback_data *data,
				flt_completed_async_io_callback routine, void *context);
int flt_propagate_irp_extension(struct flt_callback_data *source,
				struct flt_callback_data *target, u32 flags);
void flt_reissue_synchronous_io(struct flt_instance *instance, struct flt_callback_data *data);
bool flt_cancel_io(struct flt_callback_data *data);

#endif /* _LINUX_FLT_IO_H */
