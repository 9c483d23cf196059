/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notify routines: between those who are told (notify.c), and where the kernel tells
 * (hook.c).
 */
#ifndef _WDM_NOTIFY_H
#define _WDM_NOTIFY_H

#include <linux/rcupdate.h>

#include "internal.h"

enum wdm_notify_type {
	WDM_NOTIFY_PROCESS,
	WDM_NOTIFY_THREAD,
	WDM_NOTIFY_IMAGE,
	WDM_NOTIFY_TYPES
};

/* What has happened. */
struct wdm_notice {
	struct list_head link;
	enum wdm_notify_type type;
	pid_t parent;			/* of processes */
	pid_t process;
	pid_t thread;			/* of threads */
	bool create;
	const char *name;		/* of images: NULL, or to be copied */
	struct wdm_image_info info;	/* likewise */
	char text[];			/* the copy */
};

/* notify.c */
void wdm_notify(const struct wdm_notice *event);
void wdm_notify_sleeping(const struct wdm_notice *event);

/* hook.c */
int wdm_hooks_get(void);
void wdm_hooks_put(void);
void wdm_hook_exec(struct task_struct *task, pid_t old_pid);
bool wdm_process_known(pid_t process);
bool wdm_process_gone(pid_t process);
unsigned int wdm_hooks_late(void);
int wdm_hooks_mmap(void);
void wdm_hook_module(struct module *module);

/* image.c: what a process has mapped already */
bool wdm_image_is_new(pid_t process, const void *mm, u64 file, unsigned long offset);
void wdm_images_forget(pid_t process, const void *but);

#endif /* _WDM_NOTIFY_H */
