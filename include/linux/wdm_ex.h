/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wdm: executive resources, critical regions, pool, lookaside lists, tables. Included
 * by linux/wdm.h.
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

/**
 * enum wdm_pool_type - which memory
 * @NonPagedPool: for any context
 * @PagedPool: where sleeping is allowed; it is not paged here
 */
enum wdm_pool_type {
	NonPagedPool = 0,
	PagedPool = 1,
};

/* The model's spelling, known to the preprocessor, too. */
#define NonPagedPool	NonPagedPool
#define PagedPool	PagedPool

/**
 * struct wdm_lookaside - a list of free blocks of one size (LOOKASIDE_LIST_EX)
 * @record: for wdm_depends_on()
 */
struct wdm_lookaside {
	struct wdm_record record;
	/* private: */
	spinlock_t lock;		/* what follows; irq-safe */
	struct list_head free;
	enum wdm_pool_type type;
	size_t size;
	u32 tag;
	unsigned int nr_free;
	unsigned int max_free;
	unsigned int outstanding;
	u64 allocs;
	u64 hits;
	bool down;
};

/**
 * enum wdm_table_type - what a table is
 * @WDM_TABLE_XARRAY: struct xarray
 * @WDM_TABLE_IDR: struct idr
 * @WDM_TABLE_IDA: struct ida
 */
enum wdm_table_type {
	WDM_TABLE_XARRAY,
	WDM_TABLE_IDR,
	WDM_TABLE_IDA,
};

/**
 * struct wdm_table - that a table is to be empty when it goes
 * @record: for wdm_depends_on()
 */
struct wdm_table {
	struct wdm_record record;
	/* private: */
	enum wdm_table_type type;
	void *table;
};

/* kmod/wdm/pool.c */
void *ex_allocate_pool_with_tag(struct wdm_owner *owner, enum wdm_pool_type type, size_t size,
				u32 tag);
int ex_free_pool_with_tag(void *block, u32 tag);
int ex_free_pool(void *block);

/* kmod/wdm/lookaside.c */
int ex_initialize_lookaside_list(struct wdm_owner *owner, struct wdm_lookaside *list,
				 enum wdm_pool_type type, size_t size, u32 tag,
				 unsigned int depth);
int ex_delete_lookaside_list(struct wdm_lookaside *list);
void *ex_allocate_from_lookaside_list(struct wdm_lookaside *list);
int ex_free_to_lookaside_list(struct wdm_lookaside *list, void *entry);

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

/* kmod/wdm/table.c */
int wdm_watch_table(struct wdm_owner *owner, struct wdm_table *table, enum wdm_table_type type,
		    void *what, const char *name);
int wdm_forget_table(struct wdm_table *table);

/* kmod/wdm/critical.c */
void ke_enter_critical_region(void);
int ke_leave_critical_region(void);
bool ke_are_apcs_disabled(void);

#endif /* _LINUX_WDM_EX_H */
