/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: routines that are told of processes, threads and images. Included by
 * linux/wdm.h.
 */
#ifndef _LINUX_WDM_PS_H
#define _LINUX_WDM_PS_H

#include <linux/types.h>
#include <linux/wdm.h>

/* Routines of a kind that there may be, of all drivers together. GLB-41 */
#define PS_NOTIFY_MAX	64

/**
 * enum wdm_notify_context - where a notify routine is called
 * @WDM_NOTIFY_PASSIVE: in a worker, soon after; it may sleep. Those for one routine
 *	come one at a time, in the order in which they happened
 * @WDM_NOTIFY_DIRECT: in the task that it is about, or that makes it, while it
 *	happens: ATOMIC, and on all processors at a time. A new task does not run yet
 *
 * The kernel tells of these things where sleeping is not allowed (GLB-51). An image
 * of the kernel is told of in the task that loads it, either way.
 */
enum wdm_notify_context {
	WDM_NOTIFY_PASSIVE,
	WDM_NOTIFY_DIRECT,
};

/**
 * struct wdm_image_info - an image that was mapped (IMAGE_INFO)
 * @image_base: its address, in the process or in the kernel
 * @image_size: bytes that are mapped there, as code
 * @system_mode_image: the kernel's: a module
 */
struct wdm_image_info {
	unsigned long image_base;
	size_t image_size;
	bool system_mode_image;
};

/**
 * typedef wdm_process_notify_routine - told of processes (CREATE_PROCESS_NOTIFY_ROUTINE)
 * @parent: the parent's id
 * @process: the process's id, in the initial namespace
 * @create: it has been made; or it ends
 */
typedef void (*wdm_process_notify_routine)(pid_t parent, pid_t process, bool create);

/**
 * typedef wdm_thread_notify_routine - told of threads (CREATE_THREAD_NOTIFY_ROUTINE)
 * @process: its process's id; 0: the kernel's
 * @thread: the thread's id, in the initial namespace
 * @create: it has been made; or it ends
 */
typedef void (*wdm_thread_notify_routine)(pid_t process, pid_t thread, bool create);

/**
 * typedef wdm_image_notify_routine - told of images (LOAD_IMAGE_NOTIFY_ROUTINE)
 * @name: the file's path, or the module's name; NULL if it is not known
 * @process: the process's id; 0: the kernel's
 * @info: what was mapped
 *
 * What is mapped without being executable is not told of.
 */
typedef void (*wdm_image_notify_routine)(const char *name, pid_t process,
					 const struct wdm_image_info *info);

/* kmod/wdm/notify.c */
int ps_set_create_process_notify_routine(struct wdm_owner *owner,
					 wdm_process_notify_routine routine,
					 enum wdm_notify_context context, bool remove);
int ps_set_create_thread_notify_routine(struct wdm_owner *owner,
					wdm_thread_notify_routine routine,
					enum wdm_notify_context context);
int ps_remove_create_thread_notify_routine(wdm_thread_notify_routine routine);
int ps_set_load_image_notify_routine(struct wdm_owner *owner, wdm_image_notify_routine routine,
				     enum wdm_notify_context context);
int ps_remove_load_image_notify_routine(wdm_image_notify_routine routine);

#endif /* _LINUX_WDM_PS_H */
