// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of filters, volumes and instances, by index or of one that the
 * caller keeps.
 *
 * A record is written under T into the caller's buffer: the structure, then
 * the texts it points to. Nothing is allocated and nobody is referenced.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/string.h>

#include "internal.h"

/* Where a record goes. */
struct flt_record {
	void *buffer;
	size_t size;
	size_t *bytes;		/* gets what it needs */
	char *text;		/* where the next text goes */
};

/* ENM-05 */
static int flt_record_check(struct flt_record *rec, int class, int wanted)
{
	if (!rec->bytes)
		return STATUS_INVALID_PARAMETER;
	*rec->bytes = 0;
	if (class != wanted || (!rec->buffer && rec->size) ||
	    !IS_ALIGNED((unsigned long)rec->buffer, sizeof(void *)))
		return STATUS_INVALID_PARAMETER;
	return 0;
}

/* A structure of @fixed bytes and @text bytes of texts. All of it, or nothing. */
static int flt_record_begin(struct flt_record *rec, size_t fixed, size_t text)
{
	*rec->bytes = fixed + text;
	if (rec->size < fixed + text)
		return STATUS_BUFFER_TOO_SMALL;
	memset(rec->buffer, 0, fixed);
	rec->text = rec->buffer + fixed;
	return 0;
}

static size_t flt_text_size(const char *text)
{
	return strlen(text) + 1;
}

static const char *flt_record_text(struct flt_record *rec, const char *text)
{
	size_t size = flt_text_size(text);
	char *at = rec->text;

	memcpy(at, text, size);
	rec->text += size;
	return at;
}

/* ENM-09 */
static int flt_filter_record(struct flt_filter *filter, struct flt_record *rec)
{
	struct flt_filter_information *info = rec->buffer;
	struct flt_instance *inst;
	int rc;

	lockdep_assert_held(&flt_topology_lock);
	rc = flt_record_begin(rec, sizeof(*info), flt_text_size(filter->name) +
			      flt_text_size(filter->altitude));
	if (rc)
		return rc;
	info->flags = FLTFL_AGGREGATE_INFO_IS_MINIFILTER;
	info->frame_id = FLT_FRAME_ID;
	list_for_each_entry(inst, &filter->instances, filter_link)
		info->number_of_instances += READ_ONCE(inst->state) == FLT_INSTANCE_ACTIVE;
	info->filter_name = flt_record_text(rec, filter->name);
	info->filter_altitude = flt_record_text(rec, filter->altitude);
	return 0;
}

/* ENM-10 */
static int flt_instance_record(struct flt_instance *inst, struct flt_record *rec)
{
	struct flt_instance_information *info = rec->buffer;
	struct flt_volume *volume = inst->volume;
	int rc;

	lockdep_assert_held(&flt_topology_lock);
	rc = flt_record_begin(rec, sizeof(*info), flt_text_size(inst->name) +
			      flt_text_size(inst->altitude) + flt_text_size(volume->name) +
			      flt_text_size(inst->filter->name) +
			      flt_text_size(volume->ops->type));
	if (rc)
		return rc;
	if (volume->going)
		info->flags = FLTFL_IASIM_DETACHED_VOLUME;
	info->frame_id = FLT_FRAME_ID;
	info->volume_file_system_type = FLT_FSTYPE_UNKNOWN;
	info->instance_name = flt_record_text(rec, inst->name);
	info->altitude = flt_record_text(rec, inst->altitude);
	info->volume_name = flt_record_text(rec, volume->name);
	info->filter_name = flt_record_text(rec, inst->filter->name);
	info->volume_type = flt_record_text(rec, volume->ops->type);
	return 0;
}

/* ENM-11 */
static int flt_volume_record(struct flt_volume *volume, struct flt_record *rec)
{
	struct flt_volume_information *info = rec->buffer;
	int rc;

	lockdep_assert_held(&flt_topology_lock);
	rc = flt_record_begin(rec, sizeof(*info), flt_text_size(volume->name) +
			      flt_text_size(volume->ops->type));
	if (rc)
		return rc;
	if (volume->going)
		info->flags = FLTFL_VSI_DETACHED_VOLUME;
	info->frame_id = FLT_FRAME_ID;
	info->file_system_type = FLT_FSTYPE_UNKNOWN;
	info->volume_name = flt_record_text(rec, volume->name);
	info->volume_type = flt_record_text(rec, volume->ops->type);
	return 0;
}

/**
 * flt_enumerate_filter_information() - the record of a filter, by index
 * @index: which, from 0: highest default altitude first
 * @class: %FLT_FILTER_AGGREGATE_STANDARD_INFORMATION
 * @buffer: gets a struct flt_filter_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * A loop over all indexes ends at -ERANGE and goes on after -ESHUTDOWN, which
 * stands for a filter that is going. Indexes shift when filters come and go.
 * ENM-05, ENM-06, ENM-07, ENM-09
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) past the end; -ESHUTDOWN
 * (STATUS_FLT_DELETING_OBJECT) if this one is going; -ENOBUFS
 * (STATUS_BUFFER_TOO_SMALL), and nothing is written to @buffer; -EINVAL for
 * another class or a bad buffer.
 */
int flt_enumerate_filter_information(u32 index, enum flt_filter_information_class class,
				     void *buffer, size_t size, size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	struct flt_filter *filter;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_FILTER_AGGREGATE_STANDARD_INFORMATION);
	if (rc)
		return rc;
	rc = STATUS_NO_MORE_ENTRIES;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(filter, &flt_filters, link) {
		if (!filter->ready || index--)
			continue;
		rc = STATUS_FLT_DELETING_OBJECT;
		if (filter->state < FLT_FILTER_GOING)
			rc = flt_filter_record(filter, &rec);
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_enumerate_filter_information);

/**
 * flt_enumerate_volume_information() - the record of a volume, by index
 * @index: which, from 0: oldest first
 * @class: %FLT_VOLUME_STANDARD_INFORMATION
 * @buffer: gets a struct flt_volume_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * As flt_enumerate_filter_information(). ENM-05, ENM-06, ENM-11
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) past the end; -ESHUTDOWN
 * (STATUS_FLT_DELETING_OBJECT) if this one is going; -ENOBUFS
 * (STATUS_BUFFER_TOO_SMALL), and nothing is written to @buffer; -EINVAL.
 */
int flt_enumerate_volume_information(u32 index, enum flt_volume_information_class class,
				     void *buffer, size_t size, size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	struct flt_volume *volume;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_VOLUME_STANDARD_INFORMATION);
	if (rc)
		return rc;
	rc = STATUS_NO_MORE_ENTRIES;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link) {
		if (!volume->ready || index--)
			continue;
		rc = volume->going ? STATUS_FLT_DELETING_OBJECT : flt_volume_record(volume, &rec);
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_enumerate_volume_information);

/* An entry that is there, but perhaps on its way out. ENM-06 */
static int flt_instance_entry(struct flt_instance *inst, struct flt_record *rec)
{
	if (READ_ONCE(inst->state) != FLT_INSTANCE_ACTIVE)
		return STATUS_FLT_DELETING_OBJECT;
	return flt_instance_record(inst, rec);
}

static int flt_volume_instance_record(struct flt_volume *volume, u32 index,
				      struct flt_record *rec)
{
	int rc = STATUS_NO_MORE_ENTRIES;	/* CON-06: nothing attached, too */
	struct flt_instance *inst;

	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &volume->instances, volume_link) {
		if (!flt_instance_listed(inst) || index--)
			continue;
		rc = flt_instance_entry(inst, rec);
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}

/**
 * flt_enumerate_instance_information_by_filter() - an instance of a filter
 * @filter: the filter
 * @index: which of its instances, from 0: oldest first
 * @class: %FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION
 * @buffer: gets a struct flt_instance_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * As flt_enumerate_filter_information(). ENM-05, ENM-06, ENM-10
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) past the end; -ESHUTDOWN
 * (STATUS_FLT_DELETING_OBJECT) if this one is going; -ENOBUFS
 * (STATUS_BUFFER_TOO_SMALL), and nothing is written to @buffer; -EINVAL.
 */
int flt_enumerate_instance_information_by_filter(struct flt_filter *filter, u32 index,
						 enum flt_instance_information_class class,
						 void *buffer, size_t size,
						 size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	struct flt_instance *inst;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION);
	if (rc)
		return rc;
	rc = STATUS_NO_MORE_ENTRIES;
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(inst, &filter->instances, filter_link) {
		if (!flt_instance_listed(inst) || index--)
			continue;
		rc = flt_instance_entry(inst, &rec);
		break;
	}
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_enumerate_instance_information_by_filter);

/**
 * flt_enumerate_instance_information_by_volume() - an instance on a volume
 * @volume: the volume
 * @index: which of its instances, from 0: highest altitude first
 * @class: %FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION
 * @buffer: gets a struct flt_instance_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * As flt_enumerate_filter_information(). ENM-05, ENM-06, ENM-10, CON-06
 *
 * Context: PASSIVE.
 * Return: 0; -ERANGE (STATUS_NO_MORE_ENTRIES) past the end; -ESHUTDOWN
 * (STATUS_FLT_DELETING_OBJECT) if this one is going; -ENOBUFS
 * (STATUS_BUFFER_TOO_SMALL), and nothing is written to @buffer; -EINVAL.
 */
int flt_enumerate_instance_information_by_volume(struct flt_volume *volume, u32 index,
						 enum flt_instance_information_class class,
						 void *buffer, size_t size,
						 size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION);
	return rc ? rc : flt_volume_instance_record(volume, index, &rec);
}
EXPORT_SYMBOL_GPL(flt_enumerate_instance_information_by_volume);

/**
 * flt_enumerate_instance_information_by_volume_name() - likewise, by name
 * @volume_name: the name of the volume
 * @index: which of its instances, from 0: highest altitude first
 * @class: %FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION
 * @buffer: gets a struct flt_instance_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * As flt_enumerate_instance_information_by_volume(). ENM-08, CON-06
 *
 * Context: PASSIVE.
 * Return: as flt_enumerate_instance_information_by_volume(), and -ENXIO
 * (STATUS_FLT_VOLUME_NOT_FOUND) if there is no such volume or it is going;
 * -ENOTDIR (STATUS_OBJECT_PATH_NOT_FOUND) for a name with a slash and -ENOKEY
 * (STATUS_OBJECT_NAME_NOT_FOUND) for another that no volume can have.
 */
int flt_enumerate_instance_information_by_volume_name(const char *volume_name, u32 index,
						      enum flt_instance_information_class class,
						      void *buffer, size_t size,
						      size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	struct flt_volume *volume;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION);
	if (rc)
		return rc;
	if (flt_check_name(volume_name))
		return strchr(volume_name, '/') ? STATUS_OBJECT_PATH_NOT_FOUND :
						  STATUS_OBJECT_NAME_NOT_FOUND;
	if (flt_find_volume(volume_name, &volume))
		return STATUS_FLT_VOLUME_NOT_FOUND;
	rc = flt_volume_instance_record(volume, index, &rec);
	kobject_put(&volume->kobj);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_enumerate_instance_information_by_volume_name);

/**
 * flt_get_filter_information() - the record of a filter
 * @filter: a filter the caller keeps alive, in service or not
 * @class: %FLT_FILTER_AGGREGATE_STANDARD_INFORMATION
 * @buffer: gets a struct flt_filter_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * ENM-05, ENM-09
 *
 * Context: PASSIVE.
 * Return: 0; -ENOBUFS (STATUS_BUFFER_TOO_SMALL), and nothing is written to
 * @buffer; -EINVAL.
 */
int flt_get_filter_information(struct flt_filter *filter,
			       enum flt_filter_information_class class,
			       void *buffer, size_t size, size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_FILTER_AGGREGATE_STANDARD_INFORMATION);
	if (rc)
		return rc;
	mutex_lock(&flt_topology_lock);
	rc = flt_filter_record(filter, &rec);
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_filter_information);

/**
 * flt_get_instance_information() - the record of an instance
 * @instance: an instance the caller keeps alive, in service or not
 * @class: %FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION
 * @buffer: gets a struct flt_instance_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * ENM-05, ENM-10
 *
 * Context: PASSIVE.
 * Return: 0; -ENOBUFS (STATUS_BUFFER_TOO_SMALL), and nothing is written to
 * @buffer; -EINVAL.
 */
int flt_get_instance_information(struct flt_instance *instance,
				 enum flt_instance_information_class class,
				 void *buffer, size_t size, size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION);
	if (rc)
		return rc;
	mutex_lock(&flt_topology_lock);
	rc = flt_instance_record(instance, &rec);
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_instance_information);

/**
 * flt_get_volume_information() - the record of a volume
 * @volume: a volume the caller keeps alive, dismounted or not
 * @class: %FLT_VOLUME_STANDARD_INFORMATION
 * @buffer: gets a struct flt_volume_information and its texts; aligned as
 *	kmalloc() does; may be NULL if @size is 0
 * @size: of @buffer, in bytes
 * @bytes_returned: gets the size of the record in bytes, also if it does not fit
 *
 * ENM-05, ENM-11
 *
 * Context: PASSIVE.
 * Return: 0; -ENOBUFS (STATUS_BUFFER_TOO_SMALL), and nothing is written to
 * @buffer; -EINVAL.
 */
int flt_get_volume_information(struct flt_volume *volume,
			       enum flt_volume_information_class class,
			       void *buffer, size_t size, size_t *bytes_returned)
{
	struct flt_record rec = { .buffer = buffer, .size = size, .bytes = bytes_returned };
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	rc = flt_record_check(&rec, class, FLT_VOLUME_STANDARD_INFORMATION);
	if (rc)
		return rc;
	mutex_lock(&flt_topology_lock);
	rc = flt_volume_record(volume, &rec);
	mutex_unlock(&flt_topology_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(flt_get_volume_information);
