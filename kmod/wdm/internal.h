/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of wdm.
 *
 * LOCKING
 *
 *   L  wdm_ledger_lock, irq-safe: drivers, records, their states and what they
 *      depend on; who removes a device. Held for a few steps only.
 *   T  wdm_stack_mutex: which device is attached to which. Around L.
 *   I  set before the object is visible, then constant.
 *
 * Each kind of object has a lock of its own for starting and marking, a device
 * for its users; it may be taken inside L, and nothing but wait queues inside it.
 *
 * LIFETIME
 *
 * A record is LIVE from wdm_record_add() on. Who releases what it stands for
 * claims it: one does. It stays in the ledger, and counts as somebody's
 * dependent, until wdm_record_end(). A device is memory as long as it has
 * references: one for its record, one for each work item that is queued or
 * runs, one for each of ob_reference_object(), and one for the time that the
 * unload looks at it. It keeps its driver's structure.
 *
 * The protocol is at the top of unload.c; Documentation/model/wdm.pml is its model.
 */
#ifndef _WDM_INTERNAL_H
#define _WDM_INTERNAL_H

#include <linux/jiffies.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/wait.h>
#include <linux/wdm.h>

#include "../verifier/verifier.h"

#undef pr_fmt
#define pr_fmt(fmt) "wdm: " fmt

/* LVL-02: whether sleeping is allowed can be told where preemption is counted only. */
static_assert(IS_ENABLED(CONFIG_PREEMPT_COUNT), "wdm needs CONFIG_PREEMPT_COUNT");

enum wdm_record_state {
	WDM_RECORD_NONE,
	WDM_RECORD_LIVE,
	WDM_RECORD_CLAIMED,		/* somebody releases it */
	WDM_RECORD_UNLOAD,		/* the unload does */
};

/**
 * struct wdm_kind - what there is to know of a kind of resource
 * @name: as it is called in reports
 * @rule: what is violated if one is left, or released while it is in use
 * @needs: what is violated if something that it needs is released; NULL: V-RLS-13
 * @stage: when it must go
 * @rank: in which order those of a stage are waited for
 * @goes_along: its device may go with it, if that is stopped
 * @anytime: routines release their own; a release is not a step of the unload
 * @leaked: whether one that is left is to be reported; NULL: always
 * @early: @mark is called in the first stage already
 * @mark: L; from here on it cannot be started
 * @idle: L; of what goes along: it is nothing to wait for; NULL: always
 * @close: L; as @mark, if nothing uses it; otherwise it says what does, or has
 *	reported that and says ""
 * @drain: PASSIVE, after @mark: returns when nothing uses it
 * @release: PASSIVE, after @drain or a successful @close: the last of it; the
 *	record has gone already, and the memory may go
 *
 * Each of the functions may be NULL.
 */
struct wdm_kind {
	const char *name;
	const char *rule;
	const char *needs;
	enum wdm_stage stage;
	u8 rank;
	bool goes_along;
	bool anytime;
	bool early;
	bool (*leaked)(const struct wdm_record *record);
	bool (*idle)(struct wdm_record *record);
	void (*mark)(struct wdm_record *record);
	const char *(*close)(struct wdm_record *record);
	void (*drain)(struct wdm_record *record);
	void (*release)(struct wdm_record *record);
};

/* In which order those of the stage of routines are waited for. RLS-46 */
enum wdm_rank {
	WDM_RANK_TIMERS,
	WDM_RANK_DPCS,
	WDM_RANK_THREADS,
	WDM_RANK_WORKS,
	WDM_RANK_OBJECTS,
	WDM_RANKS
};

/* A routine of a driver, in process context, as long as it runs. */
struct wdm_run {
	struct list_head link;		/* L */
	struct task_struct *task;
	struct wdm_record *record;
};

/* main.c */
extern spinlock_t wdm_ledger_lock;
extern struct list_head wdm_drivers;
extern unsigned int wdm_slow_ms;

/* LVL-02 */
static inline bool wdm_may_sleep(void)
{
	return preemptible() && !rcu_preempt_depth();
}

/* How long a wait is when it is spoken of, in jiffies. */
static inline unsigned long wdm_slow(void)
{
	return msecs_to_jiffies(READ_ONCE(wdm_slow_ms)) ?: 1;
}

/* Waits without end, and says now and then what for. VER-03 */
#define wdm_wait(_driver, condition, fmt, ...)						\
do {											\
	struct wdm_driver *__driver = (_driver);					\
											\
	while (!wait_event_idle_timeout(__driver->wait, condition, wdm_slow()))		\
		pr_warn("driver %s: waits for " fmt "\n", __driver->name, ##__VA_ARGS__);	\
} while (0)

/* violation.c */
void wdm_verify_driver(struct wdm_driver *driver);
bool wdm_verify_banned(const struct wdm_driver *driver);
void wdm_vblame(const char *rule, struct wdm_driver *driver, const struct vrf_trace *cause,
		const char *what, const char *fmt, va_list args) __printf(5, 0);
void wdm_violation(const char *rule, struct wdm_driver *driver,
		   const char *fmt, ...) __printf(3, 4);
int wdm_answer_text(char *text);	/* vrf_answer_text() of this module */
unsigned int wdm_violation_count(void);
const char *wdm_violation_last(void);
bool wdm_passive(struct wdm_driver *driver, const char *routine);

/* ledger.c */
int wdm_record_new(struct wdm_record *record, struct wdm_owner *owner,
		   const struct wdm_kind *kind);
int wdm_record_add(struct wdm_record *record, struct wdm_owner *owner,
		   const struct wdm_kind *kind, const char *name, struct wdm_record *on);
int wdm_record_add_brief(struct wdm_record *record, struct wdm_owner *owner,
			 const struct wdm_kind *kind, const char *name, struct wdm_record *on,
			 unsigned long caller);
struct wdm_record *wdm_record_find(struct wdm_record *record, const struct wdm_kind *kind);
bool wdm_record_valid(struct wdm_record *record, const struct wdm_kind *kind);
int wdm_record_claim(struct wdm_record *record, const struct wdm_kind *kind);
void wdm_record_end(struct wdm_record *record);
int wdm_release(struct wdm_record *record, const struct wdm_kind *kind);
int wdm_record_depend(struct wdm_record *record, unsigned int slot, struct wdm_record *on);
bool wdm_owner_going(const struct wdm_owner *owner);
bool wdm_record_needed(const struct wdm_device *device);
struct wdm_record *wdm_record_next(const void *from, const struct wdm_kind *kind);
struct wdm_record *wdm_record_within(const void *start, size_t size);
void wdm_record_report(const char *rule, const struct wdm_record *record, const char *what);
void wdm_record_report_needed(const struct wdm_record *record);
void wdm_record_report_pair(const char *rule, const struct wdm_record *record,
			    const char *before, const struct wdm_record *other,
			    const char *behind);

/* extent.c */
struct wdm_extent {
	struct wdm_record record;
	const struct wdm_kind *kind;	/* I */
	const void *start;		/* I */
	size_t size;			/* I */
	struct hlist_node node;
	struct rcu_head rcu;
};

void wdm_extent_add(struct wdm_extent *extent);
void wdm_extent_remove(struct wdm_extent *extent);
struct wdm_extent *wdm_extent_find(const void *start, const struct wdm_kind *kind);
struct wdm_record *wdm_extent_record(const void *start, const struct wdm_kind *kind);

/* driver.c */
void wdm_driver_put(struct wdm_driver *driver);
void wdm_forget_module(struct module *module);
void wdm_run_begin(struct wdm_run *run, struct wdm_record *record);
void wdm_run_end(struct wdm_run *run);
struct wdm_record *wdm_running(struct wdm_driver *driver);

/* device.c */
extern const struct wdm_kind wdm_device_kind;
extern const struct wdm_kind wdm_attachment_kind;
void wdm_device_get(struct wdm_device *device);
void wdm_device_put(struct wdm_device *device);
void wdm_device_close(struct wdm_device *device);
bool wdm_device_empty(struct wdm_device *device);
struct wdm_device *wdm_device_attached(struct wdm_driver *driver);

/* dispatcher.c */
void wdm_dispatcher_init(struct wdm_dispatcher *object, enum wdm_signal_type type, int signal,
			 int limit);
void wdm_dispatcher_mark(struct wdm_record *record);
void wdm_dispatcher_drain(struct wdm_record *record);
unsigned long wdm_timeout(s64 due);

/* dpc.c */
int wdm_dpc_init(void);
void wdm_dpc_exit(void);

/* pool.c */
struct seq_file;

struct wdm_block {
	struct wdm_record record;
	struct hlist_node node;		/* by address */
	struct list_head link;		/* of the list that has it */
	struct wdm_lookaside *list;	/* whose it is, or NULL */
	struct wdm_pool_tag *tag;
	void *start;
	size_t size;
	unsigned long caller;		/* of the driver's, which allocated it */
	bool out;			/* of the lookaside list */
	struct rcu_head rcu;
};

struct wdm_block *wdm_pool_alloc(struct wdm_owner *owner, enum wdm_pool_type type, size_t size,
				 u32 tag, struct wdm_lookaside *list, unsigned long caller);
struct wdm_block *wdm_pool_find(const void *start);
int wdm_pool_free(struct wdm_block *block);
void wdm_tag_text(u32 tag, char *text);
int wdm_pool_show(struct seq_file *m, void *unused);
void wdm_pool_exit(void);

/* critical.c */
void wdm_critical_check(const struct wdm_record *record);
void wdm_critical_exit(void);

/* thread.c */
struct wdm_record *wdm_thread_record(struct wdm_driver *driver);

/* workitem.c */
int wdm_work_init(void);
void wdm_work_exit(void);

/* iotimer.c */
bool wdm_io_timer_claim(struct wdm_device *device);
void wdm_io_timer_retire(struct wdm_device *device);
void wdm_io_timer_free(struct wdm_device *device);

/* lookaside.c */
extern const struct wdm_kind wdm_lookaside_kind;
void wdm_lookaside_show(struct seq_file *m, const struct wdm_record *record);

/* resource.c */
extern const struct wdm_kind wdm_resource_kind;
void wdm_resource_show(struct seq_file *m, const struct wdm_record *record);

/* notify.c */
extern const struct wdm_kind wdm_notify_kind;
void wdm_notify_show(struct seq_file *m, const struct wdm_record *record);
int wdm_notify_init(void);
void wdm_notify_exit(void);

/* debugfs.c */
void wdm_debugfs_init(void);
void wdm_debugfs_exit(void);

/* unload.c */
void wdm_unload_forced(struct wdm_driver *driver);

#endif /* _WDM_INTERNAL_H */
