// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of files, streams and handles. Block volumes have none: they can be
 * registered and allocated, so that a filter for both kinds of volume loads,
 * and setting one says that it is not supported. CTX-25
 */
#include <linux/export.h>

#include "context.h"

static int flt_file_context_set(u16 type, struct flt_instance *inst,
				enum flt_set_context_operation operation, void *new_context,
				void **old_context)
{
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (old_context)
		*old_context = NULL;
	rc = flt_context_check_set(type, inst->filter, operation, new_context);
	return rc ? rc : STATUS_NOT_SUPPORTED;
}

static int flt_file_context_none(void **context)
{
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (context)
		*context = NULL;
	return STATUS_NOT_SUPPORTED;
}

/**
 * flt_set_file_context() - set an instance's context on a file
 * @instance: the instance
 * @file: the file
 * @operation: what to do if there is one
 * @new_context: the context, of %FLT_FILE_CONTEXT
 * @old_context: gets NULL, unless it is NULL
 *
 * CTX-25
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes; -EINVAL as flt_set_instance_context().
 */
int flt_set_file_context(struct flt_instance *instance, struct file *file,
			 enum flt_set_context_operation operation, void *new_context,
			 void **old_context)
{
	return flt_file_context_set(FLT_FILE_CONTEXT, instance, operation, new_context,
				    old_context);
}
EXPORT_SYMBOL_GPL(flt_set_file_context);

/**
 * flt_get_file_context() - find an instance's context on a file
 * @instance: the instance
 * @file: the file
 * @context: gets NULL
 *
 * CTX-28
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes.
 */
int flt_get_file_context(struct flt_instance *instance, struct file *file, void **context)
{
	return flt_file_context_none(context);
}
EXPORT_SYMBOL_GPL(flt_get_file_context);

/**
 * flt_delete_file_context() - take an instance's context off a file
 * @instance: the instance
 * @file: the file
 * @old_context: gets NULL, unless it is NULL
 *
 * CTX-31
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes.
 */
int flt_delete_file_context(struct flt_instance *instance, struct file *file,
			    void **old_context)
{
	return flt_file_context_none(old_context);
}
EXPORT_SYMBOL_GPL(flt_delete_file_context);

/**
 * flt_set_stream_context() - set an instance's context on a data stream
 * @instance: the instance
 * @file: an open file of the stream
 * @operation: what to do if there is one
 * @new_context: the context, of %FLT_STREAM_CONTEXT
 * @old_context: gets NULL, unless it is NULL
 *
 * CTX-25
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes; -EINVAL as flt_set_instance_context().
 */
int flt_set_stream_context(struct flt_instance *instance, struct file *file,
			   enum flt_set_context_operation operation, void *new_context,
			   void **old_context)
{
	return flt_file_context_set(FLT_STREAM_CONTEXT, instance, operation, new_context,
				    old_context);
}
EXPORT_SYMBOL_GPL(flt_set_stream_context);

/**
 * flt_get_stream_context() - find an instance's context on a data stream
 * @instance: the instance
 * @file: an open file of the stream
 * @context: gets NULL
 *
 * CTX-28
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes.
 */
int flt_get_stream_context(struct flt_instance *instance, struct file *file, void **context)
{
	return flt_file_context_none(context);
}
EXPORT_SYMBOL_GPL(flt_get_stream_context);

/**
 * flt_delete_stream_context() - take an instance's context off a data stream
 * @instance: the instance
 * @file: an open file of the stream
 * @old_context: gets NULL, unless it is NULL
 *
 * CTX-31
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes.
 */
int flt_delete_stream_context(struct flt_instance *instance, struct file *file,
			      void **old_context)
{
	return flt_file_context_none(old_context);
}
EXPORT_SYMBOL_GPL(flt_delete_stream_context);

/**
 * flt_set_stream_handle_context() - set an instance's context on an open file
 * @instance: the instance
 * @file: the open file
 * @operation: what to do if there is one
 * @new_context: the context, of %FLT_STREAMHANDLE_CONTEXT
 * @old_context: gets NULL, unless it is NULL
 *
 * CTX-25
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes; -EINVAL as flt_set_instance_context().
 */
int flt_set_stream_handle_context(struct flt_instance *instance, struct file *file,
				  enum flt_set_context_operation operation, void *new_context,
				  void **old_context)
{
	return flt_file_context_set(FLT_STREAMHANDLE_CONTEXT, instance, operation, new_context,
				    old_context);
}
EXPORT_SYMBOL_GPL(flt_set_stream_handle_context);

/**
 * flt_get_stream_handle_context() - find an instance's context on an open file
 * @instance: the instance
 * @file: the open file
 * @context: gets NULL
 *
 * CTX-28
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes.
 */
int flt_get_stream_handle_context(struct flt_instance *instance, struct file *file,
				  void **context)
{
	return flt_file_context_none(context);
}
EXPORT_SYMBOL_GPL(flt_get_stream_handle_context);

/**
 * flt_delete_stream_handle_context() - take an instance's context off an open file
 * @instance: the instance
 * @file: the open file
 * @old_context: gets NULL, unless it is NULL
 *
 * CTX-31
 *
 * Context: PASSIVE.
 * Return: -EOPNOTSUPP on block volumes.
 */
int flt_delete_stream_handle_context(struct flt_instance *instance, struct file *file,
				     void **old_context)
{
	return flt_file_context_none(old_context);
}
EXPORT_SYMBOL_GPL(flt_delete_stream_handle_context);
