/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fltmgr: what a filter includes.
 *
 * A filter registers a set of callbacks, is attached to volumes as instances,
 * each at an altitude, and sees the operations it asked for on their way down
 * (pre-operation, high altitude to low) and up (post-operation, low to high).
 * See Documentation/writing-a-filter.rst.
 *
 * Contexts, as written in the kernel-doc below:
 *   PASSIVE   process context that may sleep
 *   ATOMIC    any context, hard interrupt included
 */
#ifndef _LINUX_FLTMGR_H
#define _LINUX_FLTMGR_H

#include <linux/flt_enumerate.h>
#include <linux/flt_context.h>
#include <linux/flt_status.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/types.h>

struct bio;
struct file;
struct flt_filter;
struct flt_instance;
struct flt_operation;
struct flt_volume;
struct task_struct;

#define FLT_NAME_MAX	255

/* Major functions: the Windows numbers ... */
#define IRP_MJ_READ			0x03
#define IRP_MJ_WRITE			0x04
#define IRP_MJ_FLUSH_BUFFERS		0x09
#define IRP_MJ_SHUTDOWN			0x10
#define IRP_MJ_POWER			0x16
#define IRP_MJ_DEVICE_CHANGE		0x18
#define IRP_MJ_OPERATION_END		0x80
/* ... and our own, in a range Windows does not use. */
#define FLT_MJ_DISCARD			0x40
#define FLT_MJ_SECURE_ERASE		0x41
#define FLT_MJ_WRITE_ZEROES		0x42

/* flt_io_parameter_block.irp_flags of block volumes */
#define FLT_IRP_WRITE_THROUGH		0x0001	/* forced unit access */
#define FLT_IRP_READ_AHEAD		0x0002
#define FLT_IRP_META			0x0004
#define FLT_IRP_SYNC			0x0008	/* somebody waits for it */
#define FLT_IRP_PAGING			0x0010	/* frees memory: must not wait for any */

enum flt_preop_callback_status {
	FLT_PREOP_SUCCESS_WITH_CALLBACK = 0,
	FLT_PREOP_SUCCESS_NO_CALLBACK = 1,
	FLT_PREOP_PENDING = 2,
	FLT_PREOP_DISALLOW_FASTIO = 3,
	FLT_PREOP_COMPLETE = 4,
	FLT_PREOP_SYNCHRONIZE = 5,
	FLT_PREOP_DISALLOW_FSFILTER_IO = 6,
};

enum flt_postop_callback_status {
	FLT_POSTOP_FINISHED_PROCESSING = 0,
	FLT_POSTOP_MORE_PROCESSING_REQUIRED = 1,
	FLT_POSTOP_DISALLOW_FSFILTER_IO = 2,
};

/* flt_callback_data.flags */
#define FLTFL_CALLBACK_DATA_IRP_OPERATION	0x00000001
#define FLTFL_CALLBACK_DATA_FAST_IO_OPERATION	0x00000002
#define FLTFL_CALLBACK_DATA_FS_FILTER_OPERATION	0x00000004
#define FLTFL_CALLBACK_DATA_SYSTEM_BUFFER	0x00000008
#define FLTFL_CALLBACK_DATA_GENERATED_IO	0x00010000
#define FLTFL_CALLBACK_DATA_REISSUED_IO		0x00020000
#define FLTFL_CALLBACK_DATA_DRAINING_IO		0x00040000
#define FLTFL_CALLBACK_DATA_POST_OPERATION	0x00080000
#define FLTFL_CALLBACK_DATA_NEW_SYSTEM_BUFFER	0x00100000
#define FLTFL_CALLBACK_DATA_DIRTY		0x80000000

/* flags of a post-operation callback */
#define FLTFL_POST_OPERATION_DRAINING		0x00000001

/* flags of the instance setup callback */
#define FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT	0x00000001
#define FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT		0x00000002
#define FLTFL_INSTANCE_SETUP_NEWLY_MOUNTED_VOLUME	0x00000004
#define FLTFL_INSTANCE_SETUP_DETACHED_VOLUME		0x00000008
#define FLTFL_INSTANCE_SETUP_DEV_VOLUME			0x00000010
#define FLTFL_INSTANCE_SETUP_TRUSTED_VOLUME		0x00000020

/* reasons of a teardown */
#define FLTFL_INSTANCE_TEARDOWN_MANUAL			0x00000001
#define FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD		0x00000002
#define FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD	0x00000004
#define FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT		0x00000008
#define FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR		0x00000010

/* flags of the unload callback */
#define FLTFL_FILTER_UNLOAD_MANDATORY			0x00000001

/* flags of a registration */
#define FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP	0x00000001
#define FLTFL_REGISTRATION_SUPPORT_NPFS_MSFS		0x00000002
#define FLTFL_REGISTRATION_SUPPORT_DAX_VOLUME		0x00000004

/* flags of an operation registration */
#define FLTFL_OPERATION_REGISTRATION_SKIP_PAGING_IO		0x00000001
#define FLTFL_OPERATION_REGISTRATION_SKIP_CACHED_IO		0x00000002
#define FLTFL_OPERATION_REGISTRATION_SKIP_NON_DASD_IO		0x00000004
#define FLTFL_OPERATION_REGISTRATION_SKIP_NON_CACHED_NON_PAGING_IO 0x00000008

/* Reads and writes of block volumes are no bigger, in bytes. */
#define FLT_MAX_BLOCK_IO				0x100000

/* flags of an instance definition */
#define FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT	0x00000001

#define FLT_REGISTRATION_VERSION			0x0203

/**
 * union flt_parameters - parameters of an operation, by major function
 * @read: %IRP_MJ_READ
 * @write: %IRP_MJ_WRITE
 * @range: %FLT_MJ_DISCARD, %FLT_MJ_SECURE_ERASE, %FLT_MJ_WRITE_ZEROES
 *
 * byte_offset and length are in bytes, byte_offset from the start of the
 * volume. bio is the data on its way; it is NULL in a drained post-operation.
 * All members are laid out alike.
 */
union flt_parameters {
	struct flt_parameters_rw {
		u64 byte_offset;
		u64 length;
		struct bio *bio;
	} read, write, range;
};

/**
 * struct flt_io_parameter_block - what an operation asks for
 * @irp_flags: FLT_IRP_* flags
 * @major_function: IRP_MJ_* or FLT_MJ_*
 * @minor_function: 0 on block volumes
 * @operation_flags: 0 on block volumes
 * @target_file_object: NULL on block volumes
 * @target_instance: the instance whose callback is running
 * @parameters: the parameters of @major_function
 *
 * What a filter may change, and how it tells: flt_set_callback_data_dirty().
 */
struct flt_io_parameter_block {
	struct_group(what,
		     u32 irp_flags;
		     u8 major_function;
		     u8 minor_function;
		     u8 operation_flags;
		     );
	struct file *target_file_object;
	struct flt_instance *target_instance;
	union flt_parameters parameters;
};

/**
 * struct flt_io_status_block - how an operation ended
 * @status: 0, a positive success or a negative errno (linux/flt_status.h)
 * @information: bytes done, where that makes sense
 */
struct flt_io_status_block {
	int status;
	unsigned long information;
};

/**
 * struct flt_callback_data - an operation as a filter sees it
 * @flags: FLTFL_CALLBACK_DATA_*
 * @requestor_pid: the task that submitted the operation, 0 if unknown. A
 *	number and not a pointer: block I/O outlives the task that asked for it
 * @iopb: what it asks for
 * @io_status: how it ended; a filter may set it in a pre-operation that
 *	completes the operation and in a post-operation
 * @queue_links: for a queue of the filter's, while it owns the operation
 * @filter_context: likewise, four words of the filter's own
 * @operation: the manager's; NULL in the copy a drained post-operation gets
 */
struct flt_callback_data {
	u32 flags;
	pid_t requestor_pid;
	struct flt_io_parameter_block *iopb;
	struct flt_io_status_block io_status;
	union {
		struct list_head queue_links;
		void *filter_context[4];
	};
	struct flt_operation *operation;
};

/**
 * struct flt_related_objects - who is concerned
 * @filter: the filter whose callback is called
 * @volume: the volume
 * @instance: the instance; all are valid while the callback runs or the
 *	operation is pended, and carry no reference for the filter (REF-07)
 * @file_object: NULL on block volumes
 */
struct flt_related_objects {
	struct flt_filter *filter;
	struct flt_volume *volume;
	struct flt_instance *instance;
	struct file *file_object;
};

typedef int (*flt_pre_operation_callback)(struct flt_callback_data *data,
					  const struct flt_related_objects *objs,
					  void **completion_context);
typedef int (*flt_post_operation_callback)(struct flt_callback_data *data,
					   const struct flt_related_objects *objs,
					   void *completion_context, u32 flags);

/**
 * struct flt_operation_registration - the callbacks for one major function
 * @major_function: IRP_MJ_* or FLT_MJ_*; %IRP_MJ_OPERATION_END ends the array
 * @flags: FLTFL_OPERATION_REGISTRATION_*
 * @pre_operation: called on the way down, PASSIVE; may be NULL
 * @post_operation: called on the way up, ATOMIC; may be NULL
 * @reserved1: NULL
 */
struct flt_operation_registration {
	u8 major_function;
	u32 flags;
	flt_pre_operation_callback pre_operation;
	flt_post_operation_callback post_operation;
	void *reserved1;
};

/**
 * struct flt_instance_definition - an instance a filter offers to all volumes
 * @name: its name
 * @altitude: its altitude, a decimal number of any length
 * @flags: FLT_INSTANCE_*
 *
 * The array ends with a NULL name. Its first entry is the default instance.
 */
struct flt_instance_definition {
	const char *name;
	const char *altitude;
	u32 flags;
};

/**
 * struct flt_registration - what a filter is
 * @size: sizeof(struct flt_registration)
 * @version: %FLT_REGISTRATION_VERSION
 * @flags: FLTFL_REGISTRATION_*
 * @name: the filter's name
 * @instances: its instance definitions, ended by a NULL name
 * @context_registration: its contexts, ended by %FLT_CONTEXT_END, or NULL
 * @operation_registration: its operations, ended by %IRP_MJ_OPERATION_END, or
 *	NULL
 * @filter_unload_callback: asked before an unload; it calls
 *	flt_unregister_filter(). A negative return refuses an optional unload.
 *	Without one the filter can never be unloaded
 * @instance_setup_callback: asked before an instance is made; a negative
 *	return refuses
 * @instance_query_teardown_callback: asked before a manual detach; a negative
 *	return refuses. Without one every manual detach is refused
 * @instance_teardown_start_callback: a teardown begins: complete what is pended
 * @instance_teardown_complete_callback: no operation concerns the instance now
 *
 * All callbacks are called PASSIVE, without any lock of the manager. A
 * registration must stay valid until the filter is unregistered.
 */
struct flt_registration {
	u16 size;
	u16 version;
	u32 flags;
	const char *name;
	const struct flt_instance_definition *instances;
	const struct flt_context_registration *context_registration;
	const struct flt_operation_registration *operation_registration;
	int (*filter_unload_callback)(struct flt_filter *filter, u32 flags);
	int (*instance_setup_callback)(const struct flt_related_objects *objs,
				       u32 flags, const char *volume_type);
	int (*instance_query_teardown_callback)(const struct flt_related_objects *objs,
						u32 flags);
	void (*instance_teardown_start_callback)(const struct flt_related_objects *objs,
						 u32 reason);
	void (*instance_teardown_complete_callback)(const struct flt_related_objects *objs,
						    u32 reason);
};

/* filters: kmod/fltmgr/filter.c, unload.c */
int flt_register_filter(struct module *owner, const struct flt_registration *reg,
			struct flt_filter **filter);
int flt_start_filtering(struct flt_filter *filter);
void flt_unregister_filter(struct flt_filter *filter);
int flt_unload_filter(const char *name);
int flt_get_filter_from_name(const char *name, struct flt_filter **filter);
const char *flt_filter_name(const struct flt_filter *filter);
struct kobject *flt_filter_kobj(struct flt_filter *filter);
int flt_module_init(struct module *owner, const struct flt_registration *reg);
void flt_module_exit(struct module *owner);

/* instances: kmod/fltmgr/attach.c, detach.c */
int flt_attach_volume(struct flt_filter *filter, struct flt_volume *volume,
		      const char *instance_name, struct flt_instance **instance);
int flt_attach_volume_at_altitude(struct flt_filter *filter, struct flt_volume *volume,
				  const char *altitude, const char *instance_name,
				  struct flt_instance **instance);
int flt_detach_volume(struct flt_filter *filter, struct flt_volume *volume,
		      const char *instance_name);
const char *flt_instance_name(const struct flt_instance *instance);
const char *flt_instance_altitude(const struct flt_instance *instance);
int flt_compare_instance_altitudes(const struct flt_instance *a,
				   const struct flt_instance *b);

/* volumes: kmod/fltmgr/volume.c */
int flt_get_volume_from_name(const char *name, struct flt_volume **volume);
const char *flt_volume_name(const struct flt_volume *volume);

/* references: kmod/fltmgr/object.c */
int flt_object_reference(void *object);
void flt_object_dereference(void *object);

/* status observation: kmod/fltmgr/observe.c */
typedef void (*flt_get_operation_status_callback)(const struct flt_related_objects *objs,
						  struct flt_io_parameter_block *snapshot,
						  int status, void *context);
int flt_request_operation_status_callback(struct flt_callback_data *data,
					  flt_get_operation_status_callback routine,
					  void *context);

/* operations: kmod/fltmgr/walk.c */
void flt_complete_pended_preoperation(struct flt_callback_data *data, int status,
				      void *context);
void flt_complete_pended_postoperation(struct flt_callback_data *data);

/* changed parameters: kmod/fltmgr/modify.c */
void flt_set_callback_data_dirty(struct flt_callback_data *data);
void flt_clear_callback_data_dirty(struct flt_callback_data *data);
bool flt_is_callback_data_dirty(const struct flt_callback_data *data);
struct bio *flt_get_swapped_buffer_mdl_address(struct flt_callback_data *data);
void flt_retain_swapped_buffer_mdl_address(struct flt_callback_data *data);

/* work items, and completion that needs to sleep: kmod/fltmgr/work.c, safe.c */
#include <linux/flt_work.h>

/**
 * module_flt_filter() - a module that is one filter
 * @__reg: its struct flt_registration
 *
 * Loading registers it and starts filtering. rmmod is the mandatory unload:
 * the unload callback is called and every instance is torn down before the
 * module's text goes.
 */
#define module_flt_filter(__reg)				\
static int __init __reg##_module_init(void)			\
{								\
	return flt_module_init(THIS_MODULE, &(__reg));		\
}								\
module_init(__reg##_module_init);				\
static void __exit __reg##_module_exit(void)			\
{								\
	flt_module_exit(THIS_MODULE);				\
}								\
module_exit(__reg##_module_exit)

#include <linux/flt_cancel.h>

/* I/O of a filter's own: kmod/fltmgr/generated.c */
#include <linux/flt_io.h>

#endif /* _LINUX_FLTMGR_H */
