/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts: data of a filter's own that the manager keeps on a volume or an
 * instance, and frees when nobody can find or use it any more. Included by
 * linux/fltmgr.h. See Documentation/contexts.rst.
 */
#ifndef _LINUX_FLT_CONTEXT_H
#define _LINUX_FLT_CONTEXT_H

#include <linux/types.h>

struct file;
struct flt_filter;
struct flt_instance;
struct flt_related_objects;
struct flt_volume;

/* What a context is set on; also bits, for flt_get_contexts(). */
#define FLT_VOLUME_CONTEXT		0x0001
#define FLT_INSTANCE_CONTEXT		0x0002
#define FLT_FILE_CONTEXT		0x0004
#define FLT_STREAM_CONTEXT		0x0008
#define FLT_STREAMHANDLE_CONTEXT	0x0010
#define FLT_TRANSACTION_CONTEXT		0x0020
#define FLT_SECTION_CONTEXT		0x0040
#define FLT_ALL_CONTEXTS		0x007f
#define FLT_CONTEXT_END			0xffff

/* flags of a context registration */
#define FLTFL_CONTEXT_REGISTRATION_NO_EXACT_SIZE_MATCH	0x0001

/* flt_context_registration.size: whatever is asked for */
#define FLT_VARIABLE_SIZED_CONTEXTS	((size_t)-1)
/* The most there can be, in bytes. */
#define FLT_CONTEXT_SIZE_MAX		65535
/* Fixed-size definitions of one type. */
#define FLT_CONTEXT_FIXED_MAX		3

/**
 * enum flt_pool_type - which memory a context is to be in
 * @FLT_NON_PAGED_POOL: memory that is always there
 * @FLT_PAGED_POOL: memory that may be paged out
 * @FLT_NON_PAGED_POOL_NX: as the first
 *
 * Kernel memory is never paged out here: all are the same memory, which may be
 * touched in any context. The type is checked (volume contexts must not be
 * pageable) and passed to the filter's own allocate routine.
 */
enum flt_pool_type {
	FLT_NON_PAGED_POOL = 0,
	FLT_PAGED_POOL = 1,
	FLT_NON_PAGED_POOL_NX = 512,
};

/**
 * enum flt_set_context_operation - what to do where a context is set already
 * @FLT_SET_CONTEXT_REPLACE_IF_EXISTS: replace it
 * @FLT_SET_CONTEXT_KEEP_IF_EXISTS: keep it
 */
enum flt_set_context_operation {
	FLT_SET_CONTEXT_REPLACE_IF_EXISTS = 0,
	FLT_SET_CONTEXT_KEEP_IF_EXISTS = 1,
};

typedef void (*flt_context_cleanup_callback)(void *context, u16 context_type);
typedef void *(*flt_context_allocate_callback)(enum flt_pool_type pool_type, size_t size,
					       u16 context_type);
typedef void (*flt_context_free_callback)(void *pool, u16 context_type);

/**
 * struct flt_context_registration - a definition of contexts
 * @context_type: FLT_*_CONTEXT; %FLT_CONTEXT_END ends the array
 * @flags: %FLTFL_CONTEXT_REGISTRATION_NO_EXACT_SIZE_MATCH: serves smaller
 *	requests than @size too
 * @context_cleanup_callback: the context's end: called once, PASSIVE, just
 *	before its memory goes; may be NULL
 * @size: in bytes, at most %FLT_CONTEXT_SIZE_MAX, or
 *	%FLT_VARIABLE_SIZED_CONTEXTS; ignored with an allocate routine
 * @pool_tag: four characters that name the contexts in reports, 0 for a
 *	default; ignored with an allocate routine
 * @context_allocate_callback: memory of the filter's own, or NULL. PASSIVE. Its
 *	size, in bytes, includes what the manager puts before the context; what
 *	it returns must be aligned to 8
 * @context_free_callback: gives that back, PASSIVE; there if and only if
 *	@context_allocate_callback is
 * @reserved1: NULL
 *
 * Of one type there are up to three definitions with different fixed sizes and
 * one of variable size, or one with an allocate routine. Equal definitions
 * count once.
 */
struct flt_context_registration {
	u16 context_type;
	u16 flags;
	flt_context_cleanup_callback context_cleanup_callback;
	size_t size;
	u32 pool_tag;
	flt_context_allocate_callback context_allocate_callback;
	flt_context_free_callback context_free_callback;
	void *reserved1;
};

/**
 * struct flt_related_contexts - the contexts of who is concerned
 * @volume_context: the filter's on the volume
 * @instance_context: the instance's
 * @file_context: NULL on block volumes
 * @stream_context: NULL on block volumes
 * @stream_handle_context: NULL on block volumes
 * @transaction_context: NULL
 */
struct flt_related_contexts {
	void *volume_context;
	void *instance_context;
	void *file_context;
	void *stream_context;
	void *stream_handle_context;
	void *transaction_context;
};

/**
 * struct flt_related_contexts_ex - likewise, and more of them
 * @volume_context: the filter's on the volume
 * @instance_context: the instance's
 * @file_context: NULL on block volumes
 * @stream_context: NULL on block volumes
 * @stream_handle_context: NULL on block volumes
 * @transaction_context: NULL
 * @section_context: NULL
 */
struct flt_related_contexts_ex {
	void *volume_context;
	void *instance_context;
	void *file_context;
	void *stream_context;
	void *stream_handle_context;
	void *transaction_context;
	void *section_context;
};

/* making, keeping, letting go: kmod/fltmgr/context.c */
int flt_allocate_context(struct flt_filter *filter, u16 context_type, size_t context_size,
			 enum flt_pool_type pool_type, void **context);
void flt_reference_context(void *context);
void flt_release_context(void *context);

/* setting, finding, deleting: kmod/fltmgr/context_set.c */
int flt_set_volume_context(struct flt_volume *volume, enum flt_set_context_operation operation,
			   void *new_context, void **old_context);
int flt_get_volume_context(struct flt_filter *filter, struct flt_volume *volume,
			   void **context);
int flt_delete_volume_context(struct flt_filter *filter, struct flt_volume *volume,
			      void **old_context);
int flt_set_instance_context(struct flt_instance *instance,
			     enum flt_set_context_operation operation, void *new_context,
			     void **old_context);
int flt_get_instance_context(struct flt_instance *instance, void **context);
int flt_delete_instance_context(struct flt_instance *instance, void **old_context);
void flt_delete_context(void *context);

/* several at once: kmod/fltmgr/context_related.c */
void flt_get_contexts(const struct flt_related_objects *objs, u16 desired,
		      struct flt_related_contexts *contexts);
int flt_get_contexts_ex(const struct flt_related_objects *objs, u16 desired,
			size_t contexts_size, struct flt_related_contexts_ex *contexts);
void flt_release_contexts(struct flt_related_contexts *contexts);
void flt_release_contexts_ex(size_t contexts_size, struct flt_related_contexts_ex *contexts);

/* of files, where a volume has files: kmod/fltmgr/context_file.c */
int flt_set_file_context(struct flt_instance *instance, struct file *file,
			 enum flt_set_context_operation operation, void *new_context,
			 void **old_context);
int flt_get_file_context(struct flt_instance *instance, struct file *file, void **context);
int flt_delete_file_context(struct flt_instance *instance, struct file *file,
			    void **old_context);
int flt_set_stream_context(struct flt_instance *instance, struct file *file,
			   enum flt_set_context_operation operation, void *new_context,
			   void **old_context);
int flt_get_stream_context(struct flt_instance *instance, struct file *file, void **context);
int flt_delete_stream_context(struct flt_instance *instance, struct file *file,
			      void **old_context);
int flt_set_stream_handle_context(struct flt_instance *instance, struct file *file,
				  enum flt_set_context_operation operation, void *new_context,
				  void **old_context);
int flt_get_stream_handle_context(struct flt_instance *instance, struct file *file,
				  void **context);
int flt_delete_stream_handle_context(struct flt_instance *instance, struct file *file,
				     void **old_context);

#endif /* _LINUX_FLT_CONTEXT_H */
