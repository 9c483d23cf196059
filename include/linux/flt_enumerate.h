/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fltmgr: who is there. Lists with references, records by index, neighbours.
 * Included from linux/fltmgr.h; see Documentation/enumeration.rst.
 *
 * A record is a structure at the start of the caller's buffer. The texts it
 * points to follow it in that buffer, so that altitudes can be as long as they
 * like: a record is valid as long as its buffer and is not to be copied away
 * from it.
 */
#ifndef _LINUX_FLT_ENUMERATE_H
#define _LINUX_FLT_ENUMERATE_H

#include <linux/types.h>

struct flt_filter;
struct flt_instance;
struct flt_volume;

/*
 * Classes of records, with their Windows numbers. Each is the largest of its
 * kind: what the smaller classes of the model hold is part of it.
 */
enum flt_filter_information_class {
	FLT_FILTER_AGGREGATE_STANDARD_INFORMATION = 2,
};

enum flt_instance_information_class {
	FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION = 3,
};

enum flt_volume_information_class {
	FLT_VOLUME_STANDARD_INFORMATION = 1,
};

/* There is one frame. */
#define FLT_FRAME_ID				0

/* File-system types: what is on a block volume is not known. */
#define FLT_FSTYPE_UNKNOWN			0

/* flt_filter_information.flags */
#define FLTFL_AGGREGATE_INFO_IS_MINIFILTER	0x00000001

/* flt_instance_information.flags, flt_volume_information.flags */
#define FLTFL_IASIM_DETACHED_VOLUME		0x00000001
#define FLTFL_VSI_DETACHED_VOLUME		0x00000001

/* flt_instance_information.supported_features */
#define SUPPORTED_FS_FEATURES_OFFLOAD_READ	0x00000001
#define SUPPORTED_FS_FEATURES_OFFLOAD_WRITE	0x00000002
#define SUPPORTED_FS_FEATURES_QUERY_OPEN	0x00000004
#define SUPPORTED_FS_FEATURES_BYPASS_IO		0x00000008

/**
 * struct flt_filter_information - what there is to know of a filter
 * @flags: %FLTFL_AGGREGATE_INFO_IS_MINIFILTER
 * @frame_id: %FLT_FRAME_ID
 * @number_of_instances: its instances in service
 * @filter_name: its name
 * @filter_altitude: the altitude of its default instance
 *
 * %FLT_FILTER_AGGREGATE_STANDARD_INFORMATION. ENM-09
 */
struct flt_filter_information {
	u32 flags;
	u32 frame_id;
	u32 number_of_instances;
	const char *filter_name;
	const char *filter_altitude;
};

/**
 * struct flt_instance_information - what there is to know of an instance
 * @flags: %FLTFL_IASIM_DETACHED_VOLUME once its volume is dismounted
 * @frame_id: %FLT_FRAME_ID
 * @volume_file_system_type: %FLT_FSTYPE_UNKNOWN
 * @supported_features: SUPPORTED_FS_FEATURES_*; 0 on block volumes, which have
 *	none of them
 * @instance_name: its name
 * @altitude: its altitude as it was given
 * @volume_name: the name of its volume
 * @filter_name: the name of its filter
 * @volume_type: the kind of its volume, as its provider calls it
 *
 * %FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION. ENM-10
 */
struct flt_instance_information {
	u32 flags;
	u32 frame_id;
	u32 volume_file_system_type;
	u32 supported_features;
	const char *instance_name;
	const char *altitude;
	const char *volume_name;
	const char *filter_name;
	const char *volume_type;
};

/**
 * struct flt_volume_information - what there is to know of a volume
 * @flags: %FLTFL_VSI_DETACHED_VOLUME once it is dismounted
 * @frame_id: %FLT_FRAME_ID
 * @file_system_type: %FLT_FSTYPE_UNKNOWN
 * @volume_name: its name
 * @volume_type: its kind, as its provider calls it
 *
 * %FLT_VOLUME_STANDARD_INFORMATION. ENM-11
 */
struct flt_volume_information {
	u32 flags;
	u32 frame_id;
	u32 file_system_type;
	const char *volume_name;
	const char *volume_type;
};

/* lists with references: kmod/fltmgr/enumerate.c */
int flt_enumerate_filters(struct flt_filter **list, u32 size, u32 *returned);
int flt_enumerate_volumes(struct flt_volume **list, u32 size, u32 *returned);
int flt_enumerate_instances(struct flt_volume *volume, struct flt_filter *filter,
			    struct flt_instance **list, u32 size, u32 *returned);

/* records: kmod/fltmgr/information.c */
int flt_enumerate_filter_information(u32 index, enum flt_filter_information_class class,
				     void *buffer, size_t size, size_t *bytes_returned);
int flt_enumerate_volume_information(u32 index, enum flt_volume_information_class class,
				     void *buffer, size_t size, size_t *bytes_returned);
int flt_enumerate_instance_information_by_filter(struct flt_filter *filter, u32 index,
						 enum flt_instance_information_class class,
						 void *buffer, size_t size,
						 size_t *bytes_returned);
int flt_enumerate_instance_information_by_volume(struct flt_volume *volume, u32 index,
						 enum flt_instance_information_class class,
						 void *buffer, size_t size,
						 size_t *bytes_returned);
int flt_enumerate_instance_information_by_volume_name(const char *volume_name, u32 index,
						      enum flt_instance_information_class class,
						      void *buffer, size_t size,
						      size_t *bytes_returned);
int flt_get_filter_information(struct flt_filter *filter,
			       enum flt_filter_information_class class,
			       void *buffer, size_t size, size_t *bytes_returned);
int flt_get_instance_information(struct flt_instance *instance,
				 enum flt_instance_information_class class,
				 void *buffer, size_t size, size_t *bytes_returned);
int flt_get_volume_information(struct flt_volume *volume,
			       enum flt_volume_information_class class,
			       void *buffer, size_t size, size_t *bytes_returned);

/* neighbours: kmod/fltmgr/neighbours.c */
int flt_get_filter_from_instance(struct flt_instance *instance, struct flt_filter **filter);
int flt_get_volume_from_instance(struct flt_instance *instance, struct flt_volume **volume);
int flt_get_volume_instance_from_name(struct flt_filter *filter, struct flt_volume *volume,
				      const char *instance_name,
				      struct flt_instance **instance);
int flt_get_top_instance(struct flt_volume *volume, struct flt_instance **instance);
int flt_get_bottom_instance(struct flt_volume *volume, struct flt_instance **instance);
int flt_get_upper_instance(struct flt_instance *current_instance,
			   struct flt_instance **instance);
int flt_get_lower_instance(struct flt_instance *current_instance,
			   struct flt_instance **instance);
int flt_get_volume_name(const struct flt_volume *volume, char *name, size_t size,
			size_t *size_needed);

#endif /* _LINUX_FLT_ENUMERATE_H */
