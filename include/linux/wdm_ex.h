/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: executive resources and critical regions. Included by linux/wdm.h.
 */
#ifndef _LINUX_WDM_EX_H
#define _LINUX_WDM_EX_H

#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wdm.h>

struct task_struct;

/**
 * struct wdm_resource - a lock for one or for many, recursively (ERESOURCE)
 * @record: for wdm_depends_on()
 */
struct wdm_resource {
	struct wdm_record record;
	/* private: */
	struct rw_semaphore sem;	/* between threads */
	spinlock_t lock;		/* what follows */
	struct list_head sharers;
	struct task_struct *owner;
	pid_t owner_pid;
	unsigned int depth;
	unsigned int exclusive_waiters;
	unsigned int shared_waiters;
	bool down;
};

/* kmod/wdm/resource.c */
int ex_initialize_resource_lite(struct wdm_owner *owner, struct wdm_resource *resource);
int ex_delete_resource_lite(struct wdm_resource *resource);
bool ex_acquire_resource_exclusive_lite(struct wdm_resource *resource, bool wait);
bool ex_acquire_resource_shared_lite(struct wdm_resource *resource, bool wait);
int ex_release_resource_lite(struct wdm_resource *resource);
int ex_convert_exclusive_to_shared_lite(struct wdm_resource *resource);
bool ex_is_resource_acquired_exclusive_lite(struct wdm_resource *resource);
unsigned int ex_is_resource_acquired_shared_lite(struct wdm_resource *resource);
unsigned int ex_get_exclusive_waiter_count(struct wdm_resource *resource);
unsigned int ex_get_shared_waiter_count(struct wdm_resource *resource);

/* kmod/wdm/critical.c */
void ke_enter_critical_region(void);
int ke_leave_critical_region(void);
bool ke_are_apcs_disabled(void);

#endif /* _LINUX_WDM_EX_H */
