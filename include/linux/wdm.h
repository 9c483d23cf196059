/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: what a driver acquires, and its staged release. See Documentation/wdm.rst.
 *
 * Each routine is that of the Windows Driver Model under its name in lower
 * case, on a primitive of the kernel; its comment names both. What a routine
 * acquires stands in the ledger of the driver until it is released, and says in
 * which stage of the driver's unload that must be.
 *
 * PASSIVE is process context that may sleep, DISPATCH any context but a hard
 * interrupt, ATOMIC any context. RLS: rules of the staged release, GLB: rules
 * of global resources; V-RLS, V-GLB: what is reported.
 */
#ifndef _LINUX_WDM_H
#define _LINUX_WDM_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct module;
struct wdm_driver;
struct wdm_controller;
struct wdm_device;
struct wdm_kind;
struct wdm_name;

/**
 * enum wdm_stage - when something must go, in the order of an unload
 * @WDM_STAGE_ENTRIES: nobody comes in any more; who is in leaves
 * @WDM_STAGE_INTERRUPTS: interrupts are disconnected
 * @WDM_STAGE_ROUTINES: no routine runs or will: timers, DPCs, threads, work items
 * @WDM_STAGE_RESOURCES: what those used: memory, mappings
 * @WDM_STAGE_OBJECTS: objects of the system and of other drivers
 * @WDM_STAGE_CLAIMS: claims on hardware resources
 * @WDM_STAGE_NAMES: names given to devices
 * @WDM_STAGE_DEVICES: controller and device objects
 * @WDM_STAGE_END: the end: what is left now is a leak
 */
enum wdm_stage {
	WDM_STAGE_ENTRIES,
	WDM_STAGE_INTERRUPTS,
	WDM_STAGE_ROUTINES,
	WDM_STAGE_RESOURCES,
	WDM_STAGE_OBJECTS,
	WDM_STAGE_CLAIMS,
	WDM_STAGE_NAMES,
	WDM_STAGE_DEVICES,
	WDM_STAGE_END,
};

#define WDM_NAME_MAX	32
#define WDM_STACK	6	/* callers that are kept of an acquisition */
#define WDM_DEPENDS	3	/* things that one may need besides its device */

/**
 * struct wdm_owner - who acquires: a driver, for itself or for one of its devices
 * @driver: the driver
 * @device: its device, or NULL
 *
 * The owner member of a struct wdm_driver or of a struct wdm_device.
 */
struct wdm_owner {
	struct wdm_driver *driver;
	struct wdm_device *device;
};

/* private: an entry in the ledger, part of everything that is acquired */
struct wdm_record {
	struct rb_node node;
	struct list_head link;
	struct list_head todo;
	struct wdm_owner *owner;
	const struct wdm_kind *kind;
	struct wdm_record *on[WDM_DEPENDS];
	char name[WDM_NAME_MAX];
	unsigned int dependants;
	u8 state;
	pid_t pid;
	u32 trace;			/* all callers, of who is verified */
	unsigned long when;		/* jiffies */
	unsigned long stack[WDM_STACK];
};

/**
 * typedef wdm_unload_routine - a driver's unload routine (DRIVER_UNLOAD)
 * @driver: the driver
 *
 * Releases what the driver has, in the order of the stages. What it leaves is
 * reported, and released after it.
 */
typedef void (*wdm_unload_routine)(struct wdm_driver *driver);

/**
 * typedef wdm_stage_routine - told at the begin of each stage of a release
 * @device: the device that is removed, or each device of the driver that unloads
 * @stage: the stage
 *
 * Where a driver turns its hardware off (%WDM_STAGE_INTERRUPTS), or stops DMA
 * (%WDM_STAGE_RESOURCES), before what the stage is about is released.
 */
typedef void (*wdm_stage_routine)(struct wdm_device *device, enum wdm_stage stage);

/**
 * struct wdm_driver - a driver (DRIVER_OBJECT)
 * @owner: for what the driver acquires for itself
 * @driver_unload: its unload routine, or NULL: wdm_unload() releases everything
 * @driver_stage: told of each stage, or NULL
 *
 * What is not described here is not for drivers.
 */
struct wdm_driver {
	struct wdm_owner owner;
	wdm_unload_routine driver_unload;
	wdm_stage_routine driver_stage;
	/* private: */
	struct module *module;
	char name[WDM_NAME_MAX];
	struct list_head link;
	struct list_head ledger;
	struct list_head devices;
	struct list_head runs;
	wait_queue_head_t wait;
	struct kref ref;
	unsigned int releasing[WDM_STAGE_END];
	bool unloading;
	bool verified;
	bool broke_rule;
};

/**
 * enum wdm_allocation_action - what a routine says of its controller
 *	(IO_ALLOCATION_ACTION)
 * @KeepObject: its device keeps it until io_free_controller()
 * @DeallocateObject: its device is done with it
 */
enum wdm_allocation_action {
	KeepObject = 1,
	DeallocateObject = 2,
};

/* The model's spelling, known to the preprocessor, too. */
#define KeepObject		KeepObject
#define DeallocateObject	DeallocateObject

/**
 * typedef wdm_controller_routine - called when a device has a controller
 *	(DRIVER_CONTROL)
 * @device: the device
 * @context: as given to io_allocate_controller()
 *
 * Context: DISPATCH: must not sleep.
 * Return: whether the device keeps it.
 */
typedef enum wdm_allocation_action (*wdm_controller_routine)(struct wdm_device *device,
							      void *context);

/* private: a device waits for a controller, or has it */
struct wdm_controller_wait {
	struct wdm_record record;
	struct wdm_controller *controller;
	struct list_head link;
	wdm_controller_routine routine;
	void *context;
	bool busy;
	bool down;
};

/**
 * struct wdm_device - a device (DEVICE_OBJECT)
 * @owner: for what the driver acquires for this device
 * @device_extension: memory of the driver's, zeroed, that lives as long as the
 *	device; aligned for any type
 *
 * What is not described here is not for drivers.
 */
struct wdm_device {
	struct wdm_owner owner;
	void *device_extension;
	/* private: */
	struct wdm_record record;
	struct wdm_record attachment;
	struct list_head link;
	struct wdm_device *upper;
	struct wdm_device *lower;
	struct wdm_io_timer *io_timer;
	struct wdm_name *name;
	struct wdm_controller_wait wait;
	size_t extension_size;
	spinlock_t lock;		/* references, inside, going */
	struct kref ref;
	unsigned int references;
	unsigned int inside;
	bool going;
	bool removing;
	ktime_t stage_at[WDM_STAGE_END + 1];
};

/* kmod/wdm/driver.c */
struct wdm_driver *wdm_create_driver(struct module *module, const char *name);

/* kmod/wdm/unload.c */
int wdm_unload(struct wdm_driver *driver);
int wdm_remove_device(struct wdm_device *device);

/* kmod/wdm/ledger.c */
int wdm_depends_on(struct wdm_record *record, struct wdm_record *on);

/* kmod/wdm/device.c */
int io_create_device(struct wdm_driver *driver, size_t extension_size, const char *name,
		     struct wdm_device **device);
int io_delete_device(struct wdm_device *device);
int ob_reference_object(struct wdm_device *device);
void ob_dereference_object(struct wdm_device *device);
int io_acquire_remove_lock(struct wdm_device *device);
void io_release_remove_lock(struct wdm_device *device);
void io_release_remove_lock_and_wait(struct wdm_device *device);
struct wdm_device *io_attach_device_to_device_stack(struct wdm_device *source,
						    struct wdm_device *target);
int io_detach_device(struct wdm_device *lower);

#include <linux/wdm_ke.h>
#include <linux/wdm_io.h>
#include <linux/wdm_ex.h>
#include <linux/wdm_hw.h>
#include <linux/wdm_ps.h>
#include <linux/wdm_ob.h>
#include <linux/wdm_mm.h>

#endif /* _LINUX_WDM_H */
