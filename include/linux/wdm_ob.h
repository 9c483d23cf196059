/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: names, file objects, controllers, counts of devices. Included by linux/wdm.h.
 */
#ifndef _LINUX_WDM_OB_H
#define _LINUX_WDM_OB_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wdm.h>

struct file;

/* What a file object is wanted for (ACCESS_MASK): what there is of it here. */
#define FILE_READ_DATA		0x0001
#define FILE_WRITE_DATA		0x0002
#define FILE_READ_ATTRIBUTES	0x0080

/**
 * struct wdm_file_object - a device of somebody else's, opened (FILE_OBJECT)
 * @device: the device that was named; NULL for a file of Linux
 * @file: the file of Linux; NULL for a device
 */
struct wdm_file_object {
	struct wdm_device *device;
	struct file *file;
	/* private: */
	struct wdm_record record;
	struct wdm_device *top;
};

/* Keys of rtl_write_registry_value(). This one there is. */
#define RTL_REGISTRY_DEVICEMAP	4

/**
 * enum wdm_configuration - what devices are counted (CONFIGURATION_INFORMATION)
 * @WDM_DISK_COUNT: DiskCount
 * @WDM_FLOPPY_COUNT: FloppyCount
 * @WDM_CDROM_COUNT: CdRomCount
 * @WDM_TAPE_COUNT: TapeCount
 * @WDM_SCSI_PORT_COUNT: ScsiPortCount
 * @WDM_SERIAL_COUNT: SerialCount
 * @WDM_PARALLEL_COUNT: ParallelCount
 * @WDM_MEDIUM_CHANGER_COUNT: MediumChangerCount
 * @WDM_CONFIGURATIONS: how many there are of these
 */
enum wdm_configuration {
	WDM_DISK_COUNT,
	WDM_FLOPPY_COUNT,
	WDM_CDROM_COUNT,
	WDM_TAPE_COUNT,
	WDM_SCSI_PORT_COUNT,
	WDM_SERIAL_COUNT,
	WDM_PARALLEL_COUNT,
	WDM_MEDIUM_CHANGER_COUNT,
	WDM_CONFIGURATIONS,
};

/**
 * struct wdm_controller - hardware that several devices share, one at a time
 *	(CONTROLLER_OBJECT)
 * @controller_extension: memory of the driver's, zeroed
 */
struct wdm_controller {
	void *controller_extension;
	/* private: */
	struct wdm_record record;
	size_t extension_size;
	spinlock_t lock;		/* the rest; irq-safe */
	struct list_head waiting;
	struct wdm_controller_wait *owner;
	bool running;
};

/* kmod/wdm/names.c */
int io_create_symbolic_link(struct wdm_owner *owner, const char *link, const char *device);
int io_delete_symbolic_link(const char *link);

/**
 * io_assign_arc_name() - give a device a name for the firmware (IoAssignArcName)
 * @owner: for whom
 * @arc_name: "\\ArcName\\..."
 * @device: "\\Device\\..."
 *
 * As on Windows a symbolic link, in a directory of its own. RLS-51
 *
 * Context: PASSIVE.
 * Return: as io_create_symbolic_link().
 */
static inline int io_assign_arc_name(struct wdm_owner *owner, const char *arc_name,
				     const char *device)
{
	return io_create_symbolic_link(owner, arc_name, device);
}

/**
 * io_deassign_arc_name() - take it away (IoDeassignArcName)
 * @arc_name: as given to io_assign_arc_name()
 *
 * Context: PASSIVE.
 * Return: as io_delete_symbolic_link().
 */
static inline int io_deassign_arc_name(const char *arc_name)
{
	return io_delete_symbolic_link(arc_name);
}

/* kmod/wdm/devicemap.c */
int rtl_write_registry_value(struct wdm_owner *owner, unsigned int relative_to, const char *path,
			     const char *name, const char *value);
int rtl_delete_registry_value(unsigned int relative_to, const char *path, const char *name);

/* kmod/wdm/counts.c */
int io_count_configuration(struct wdm_owner *owner, enum wdm_configuration type, int by);
int io_get_configuration_information(enum wdm_configuration type);

/* kmod/wdm/file.c */
int io_get_device_object_pointer(struct wdm_owner *owner, const char *name,
				 unsigned int desired_access, struct wdm_file_object **file,
				 struct wdm_device **device);
int ob_dereference_file_object(struct wdm_file_object *file);

/* kmod/wdm/controller.c */
struct wdm_controller *io_create_controller(struct wdm_driver *driver, size_t extension_size);
int io_delete_controller(struct wdm_controller *controller);
int io_allocate_controller(struct wdm_controller *controller, struct wdm_device *device,
			   wdm_controller_routine routine, void *context);
int io_free_controller(struct wdm_controller *controller);

#endif /* _LINUX_WDM_OB_H */
