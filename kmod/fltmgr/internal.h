/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of the filter manager.
 *
 * LOCKING
 *
 * Tags on the fields below say what protects them:
 *
 *   T  flt_topology_lock, a mutex: lists of filters, volumes and instances,
 *      their states, publication of stacks. Never held across a callback of a
 *      filter, a grace period, or a wait for either.
 *   L  the lock of the in-flight list that the operation joined, irq-safe.
 *   R  written under T, read under RCU.
 *   O  the thread that moves the operation: whoever dispatched it, resumed it
 *      or completes it. There is one at any time.
 *   C  the lock of a list of contexts.
 *   A  atomic.
 *   W  the teardown's work item; there is one owner.
 *   K  flt_work_lock in run.c, irq-safe: work items.
 *   I  set before the object is visible, then constant.
 *
 * Order: T, then L, C or K. Nothing is taken inside L, C or K, but the verifier's
 * locks, in which nothing is taken: V, P (../verifier), F, O (verify_*.c). T is
 * taken inside flt_verifier_lock (verify.c). Per-volume or per-filter locks do not
 * exist otherwise: topology changes are rare and short.
 *
 * LIFETIME
 *
 * A filter, a volume and an instance each have
 *   - a kobject, which keeps the memory;
 *   - a rundown count (object.c), which flt_object_reference() takes and which
 *     fails once the object is going.
 * An instance also has a hold count: 1 for being in service, 1 for each
 * operation that a teardown waits for, 1 while query_teardown or a cancel
 * routine runs, 1 for each deferred work item until its routine has returned, 1
 * for each operation of its own until that has ended.
 * When it falls to 0 the teardown goes on. An instance keeps the memory of its
 * filter and of its volume.
 *
 * The protocol of an operation is at the top of walk.c, that of a teardown at
 * the top of teardown.c; both are modelled in Documentation/model/.
 */
#ifndef _FLTMGR_INTERNAL_H
#define _FLTMGR_INTERNAL_H

#include <linux/completion.h>
#include <linux/fltmgr.h>
#include <linux/fltmgr_volume.h>
#include <linux/kobject.h>
#include <linux/lockdep.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "race.h"
#include "verify.h"

#undef pr_fmt
#define pr_fmt(fmt) "fltmgr: " fmt

/* The word of an operation: an instance's address, a state, FLT_OP_WATCHED. */
enum flt_op_state {
	FLT_OP_NOWHERE,			/* at no instance */
	FLT_OP_RUNNING,			/* its pre-op is being called */
	FLT_OP_ANSWERING,		/* ... and its completion is being recorded */
	FLT_OP_EARLY,			/* ... and has been: pre-op has yet to return */
	FLT_OP_PENDED,			/* pre-op said PENDING */
	FLT_OP_PENDED_ANSWERING,	/* ... while its completion was recorded */
	FLT_OP_RESUMING,		/* completed; on its way on */
};

#define FLT_OP_STATE_MASK	7UL
#define FLT_OP_WATCHED		8UL
#define FLT_OP_FLAGS		15UL
#define FLT_INSTANCE_ALIGN	16

/* The word of a completion node. */
enum flt_node_state {
	FLT_NODE_FREE,
	FLT_NODE_OWED,			/* the post-op is to be called */
	FLT_NODE_KEPT,			/* ... and not to be drained */
	FLT_NODE_POSTING,		/* it is being called */
	FLT_NODE_POST_EARLY,		/* ... and was completed already */
	FLT_NODE_POST_PENDED,		/* it said MORE_PROCESSING_REQUIRED */
	FLT_NODE_POST_RESUMING,		/* ... and was completed */
	FLT_NODE_DRAINED,		/* the teardown calls it, or has */
	FLT_NODE_DONE,			/* called */
	/* The post-op has moved its work to a worker, see safe.c: */
	FLT_NODE_POSTED,		/* as POSTING: it has not returned yet */
	FLT_NODE_POSTED_EARLY,		/* ... and the filter completed it already */
	FLT_NODE_SAFE,			/* as POST_PENDED: the worker has it */
	FLT_NODE_SAFE_EARLY,		/* ... and the filter completed it already */
};

#define FLT_NODE_STATE_MASK	15
#define FLT_NODE_WATCHED	16

enum flt_object_type {
	FLT_OBJECT_FILTER = 0x464c5431,
	FLT_OBJECT_VOLUME,
	FLT_OBJECT_INSTANCE,
};

enum flt_filter_state {
	FLT_FILTER_REGISTERED,
	FLT_FILTER_FILTERING,
	FLT_FILTER_GOING,
	FLT_FILTER_GONE,
};

/* A definition of contexts that a filter registered. */
struct flt_context_class {
	const struct flt_context_registration *def;	/* I */
	atomic_t live;				/* A: not at their end */
};

/* The contexts on an object: context_set.c */
struct flt_context_list {
	spinlock_t lock;			/* C */
	struct hlist_head head;			/* C, read under rcu_read_lock() */
	struct flt_object *obj;			/* I: what embeds this */
};

/* What a filter registered for a class. */
struct flt_class_ops {
	flt_pre_operation_callback pre;
	flt_post_operation_callback post;
};

struct flt_filter {
	struct flt_object obj;			/* must be first */
	struct kobject kobj;
	struct kobject *instances_kobj;		/* I */
	struct module *owner;			/* I */
	const struct flt_registration *reg;	/* I, valid until GONE */
	char *name;				/* I */
	char *altitude;				/* I: of the default instance */
	struct flt_class_ops ops[FLT_NR_CLASSES];	/* I */
	struct list_head link;			/* T: flt_filters, highest first; or flt_reaping */
	struct list_head instances;		/* T */
	enum flt_filter_state state;		/* T */
	bool ready;				/* T: complete, may be found */
	u64 started;				/* T: see offer.c; 0: not yet */
	int attaching;				/* T: instances being set up */
	bool unloading;				/* T: an unload callback runs */
	bool pinned;				/* T: holds its own module */
	u32 unload_flags;			/* T */
	wait_queue_head_t wait;			/* for attaching == 0, no instances */
	struct completion refs_gone;		/* rundown drained */
	struct completion gone;			/* state GONE */
	struct work_struct reap_work;		/* removes the directory */
	struct flt_context_class *context_classes;	/* I: sizes ascend */
	unsigned int nr_context_classes;	/* I */
	atomic_t context_ends;			/* A: clean-ups that are not over */
	unsigned long going_since;		/* T: jiffies of that */
	struct vrf_owner *owner_rec;		/* I: for the verifier */
	bool verified;				/* I */
	bool refs_waited;			/* T: for refs_gone */
	unsigned long refs_since;		/* T: jiffies of that */
#ifdef CONFIG_LOCKDEP
	struct lock_class_key lock_key;
	struct lockdep_map dep_map;		/* callbacks against draining */
#endif
};

struct flt_inflight {
	spinlock_t lock;			/* L */
	struct list_head ops;			/* L */
	u64 entered;				/* L */
	u64 left;				/* L: by operations that joined here */
};

struct flt_volume {
	struct flt_volume_head head;		/* R; must be first */
	struct kobject kobj;
	struct kobject *stack_kobj;		/* I */
	const struct flt_volume_ops *ops;	/* I */
	void *private;				/* I */
	char *name;				/* I */
	struct list_head link;			/* T: flt_volumes */
	struct list_head instances;		/* T: highest altitude first */
	u64 generation;				/* T: of the last stack published */
	int scans;				/* T: instances marked whose scan is to end */
	int attaching;				/* T */
	bool ready;				/* T: complete, may be found */
	bool going;				/* T */
	wait_queue_head_t wait;			/* attaching == 0, no instances */
	struct flt_inflight __percpu *inflight;	/* I */
	u64 seq;				/* I: order of creation */
	u64 came;				/* T: see offer.c; 0: not complete */
	bool offered;				/* A */
	struct work_struct offer_work;
	struct work_struct reap_work;		/* no references any more */
	struct rcu_head rcu;
	struct flt_context_list contexts;	/* of filters */
};

enum flt_instance_state {
	FLT_INSTANCE_ATTACHING,
	FLT_INSTANCE_ACTIVE,
	FLT_INSTANCE_GOING,
	FLT_INSTANCE_STARTED,
	FLT_INSTANCE_DRAINING,
	FLT_INSTANCE_COMPLETED,
	FLT_INSTANCE_GONE,
};

/* What the teardown's work item does when it runs next. */
enum flt_teardown_phase {
	FLT_TEARDOWN_START,
	FLT_TEARDOWN_COMPLETE,
	FLT_TEARDOWN_FREE,
};

struct flt_instance {
	struct flt_object obj;			/* must be first */
	/* read for every operation */
	flt_pre_operation_callback pre[FLT_NR_CLASSES];	/* I: set where post is */
	flt_post_operation_callback post[FLT_NR_CLASSES];	/* I */
	struct flt_related_objects objs;	/* I */
	struct flt_node_pool *pool;		/* I */
	struct workqueue_struct *later_wq;	/* I: what it has answered goes on here */
	u32 id;					/* I */
	bool going;				/* R: new operations pass by */
	/* the rest */
	struct kobject kobj;
	struct flt_filter *filter;		/* I */
	struct flt_volume *volume;		/* I */
	char *name;				/* I */
	char *altitude;				/* I */
	struct list_head volume_link;		/* T */
	struct list_head filter_link;		/* T */
	struct list_head batch_link;		/* whoever marked it */
	enum flt_instance_state state;		/* T; read racily by sysfs */
	bool in_sysfs;				/* W, and the attaching thread before */
	bool announced;				/* likewise: user space was told */
	u32 reason;				/* T */
	bool grace_done;			/* W: somebody waited for readers */
	enum flt_teardown_phase phase;		/* W */
	atomic_t hold;				/* A */
	unsigned long since;			/* W: jiffies at DRAINING */
	u64 drained;				/* W: post-ops called with DRAINING */
	struct work_struct work;
	struct work_struct release_work;
	struct completion torn_down;		/* teardown_complete returned */
	struct completion unlinked;		/* name and altitude are free */
	struct rcu_head rcu;
	struct flt_context_list contexts;	/* one at most */
	struct flt_verify_inst verify;
} __aligned(FLT_INSTANCE_ALIGN);

/* A published stack: the instances that want a class, highest first. */
struct flt_stack {
	u64 generation;				/* I */
	struct rcu_head rcu;
	u32 nr;					/* I */
	struct flt_instance *slots[];		/* R: a dead one is replaced by a stub; then NULL */
};

/* No volume's ever: not to be used. */
#define FLT_EPOCH_NONE	ULONG_MAX

/* Where a walk is in a stack that it has looked at, on the stack of its thread. */
struct flt_position {
	unsigned long epoch;			/* of the volume then; FLT_EPOCH_NONE */
	struct flt_instance **first;		/* slot of the stack */
	struct flt_instance **slot;		/* of the instance it stands at */
};

/* Overflow nodes of one instance; outlives it until its last node is freed. */
struct flt_node_pool {
	struct percpu_ref ref;
	mempool_t pool;
	mempool_t saved;
};

/* What an instance's change of the parameters has replaced; belongs to its node. */
struct flt_saved {
	struct flt_passed before;	/* I */
	struct bio *swapped;		/* O: what is there instead of before.rw.bio */
	bool retained;			/* O: the filter keeps it */
	struct flt_node_pool *pool;	/* I */
};

/* flt_walk.nr_sync: somebody asked how the operation was sent down, and is to be told. */
#define FLT_WALK_TELL		0x80000000U

/* A thread that walks an operation; on its stack. */
struct flt_walk {
	unsigned int nr_sync;		/* SYNCHRONIZE nodes of ours above us, FLT_WALK_TELL */
	struct completion done;		/* the operation came back to us */
};

/* main.c */
extern struct mutex flt_topology_lock;
extern struct list_head flt_filters;
extern struct list_head flt_volumes;
extern struct workqueue_struct *flt_teardown_wq;
extern struct workqueue_struct *flt_manager_wq;
extern struct workqueue_struct *flt_unload_wq;
extern struct workqueue_struct *flt_reap_wq;
extern struct kset *flt_filters_kset;
extern struct kset *flt_volumes_kset;
extern atomic_t flt_live_objects;
int flt_check_name(const char *name);
int flt_class_of(u8 major);
u8 flt_major_of(enum flt_class class);
const char *flt_class_name(enum flt_class class);

/* object.c */
void flt_object_init(struct flt_object *obj, enum flt_object_type type,
		     void (*drained)(struct flt_object *obj));
void flt_object_close(struct flt_object *obj);
bool flt_object_going(const struct flt_object *obj);
int flt_reference(void *object);
void flt_dereference(void *object);
unsigned long flt_object_references(const struct flt_object *obj);

/* altitude.c */
bool flt_altitude_valid(const char *altitude);
int flt_altitude_cmp(const char *a, const char *b);

/* stack.c */
int flt_stack_publish(struct flt_volume *volume);
void flt_stack_stub(struct flt_instance *inst);
void flt_stack_free(struct flt_volume *volume);
extern struct flt_instance flt_stub;
struct flt_instance *flt_stack_next(struct flt_operation *op, struct flt_instance *cur,
				    struct flt_position *pos);
void flt_epoch_scan(struct flt_volume *volume, int change);

/* inflight.c */
typedef bool (*flt_inflight_visit)(struct flt_operation *op, void *arg);
typedef void (*flt_inflight_action)(void *arg);
struct flt_inflight __percpu *flt_inflight_alloc(void);
void flt_inflight_join(struct flt_operation *op);
void flt_inflight_leave(struct flt_operation *op);
void flt_inflight_scan(struct flt_volume *volume, flt_inflight_visit visit,
		       flt_inflight_action action, void *arg);
void flt_inflight_sum(struct flt_volume *volume, u64 *entered, u64 *left);
bool flt_inflight_empty(struct flt_volume *volume);
bool flt_inflight_visit_one(struct flt_operation *op, flt_inflight_visit visit, void *arg);

/* node.c */
int flt_node_cache_create(void);
void flt_node_cache_destroy(void);
struct flt_node_pool *flt_node_pool_create(void);
void flt_node_pool_kill(struct flt_node_pool *pool);
struct flt_node *flt_node_push(struct flt_operation *op, struct flt_instance *inst,
			       enum flt_node_state state, void *context,
			       struct flt_walk *sync, struct flt_saved *saved);
struct flt_saved *flt_saved_alloc(struct flt_instance *inst);
void flt_node_free_all(struct flt_operation *op);

/* walk.c */
void flt_dispatch_below(struct flt_operation *op, struct flt_instance *inst);
void flt_resume(struct flt_operation *op, struct flt_instance *inst, int status, void *context);
void flt_resume_post(struct flt_operation *op, struct flt_node *node);

/* pend.c */
struct flt_operation *flt_operation_of(struct flt_callback_data *data, const char *rule,
				       const char *what);

/* modify.c */
int flt_modify_take(struct flt_operation *op, struct flt_instance *inst, int status,
		    struct flt_saved **out);
void flt_modify_pass(struct flt_operation *op);
void flt_modify_done(struct flt_saved *saved);
void flt_seen_begin(struct flt_passed *seen, const struct flt_operation *op);
void flt_seen_at(const struct flt_operation *op, const struct flt_node *node,
		 struct flt_passed *seen);

/* callback.c */
int flt_call_pre_verified(struct flt_operation *op, struct flt_instance *inst, void **context);
int flt_call_post_verified(struct flt_operation *op, struct flt_instance *inst, void *context);
void flt_call_drained(struct flt_callback_data *copy, enum flt_class class,
		      struct flt_instance *inst, void *context);
int flt_call_safe(struct flt_operation *op, struct flt_instance *inst, void *context,
		  flt_post_operation_callback routine);
void flt_call_deferred(struct flt_filter *filter, struct flt_deferred_io_workitem *item,
		       struct flt_callback_data *data,
		       flt_deferred_io_workitem_routine routine, void *context);
void flt_call_generic(struct flt_filter *filter, struct flt_generic_workitem *item, void *object,
		      flt_generic_workitem_routine routine, void *context);
int flt_call_unload(struct flt_filter *filter, u32 flags);
void flt_call_context_cleanup(struct flt_filter *filter, void *context,
			      const struct flt_context_registration *def);
int flt_call_setup(struct flt_instance *inst, u32 flags);
int flt_call_query_teardown(struct flt_instance *inst);
void flt_call_teardown_start(struct flt_instance *inst);
void flt_call_teardown_complete(struct flt_instance *inst);
void flt_call_status(struct flt_instance *inst, struct flt_io_parameter_block *snapshot,
		     int status, flt_get_operation_status_callback routine, void *context);
bool flt_filter_on_stack(struct flt_filter *filter);
void flt_filter_lockdep_init(struct flt_filter *filter);
void flt_filter_lockdep_exit(struct flt_filter *filter);
void flt_draining_wait(struct flt_filter *filter);
void flt_call_cancel(struct flt_operation *op, struct flt_instance *inst,
		     flt_complete_canceled_callback routine);
void flt_call_completed(struct flt_instance *inst, struct flt_callback_data *data,
			flt_completed_async_io_callback routine, void *context, bool refused);

/* cancel.c */
struct flt_cancel {
	struct flt_operation *op;
	struct flt_instance *inst;	/* held for the call; NULL: left behind, not to be called */
	flt_complete_canceled_callback routine;
	u64 id;
};

int flt_cancel_arm(struct flt_operation *op, const char *rule,
		   flt_complete_canceled_callback routine, void *context);
bool flt_cancel_disarm(struct flt_operation *op, flt_complete_canceled_callback routine);
bool flt_cancel_take(struct flt_operation *op, struct flt_cancel *cancel);
bool flt_cancel_run(struct flt_cancel *cancel);
bool flt_cancel_settled(struct flt_operation *op);
struct flt_instance *flt_cancel_holder(struct flt_operation *op);

/* wait.c */
void flt_wait_cancel(struct flt_callback_data *data);

/* cbdq.c */
void flt_cbdq_cancel(struct flt_callback_data *data);

/* drain.c */
struct flt_drain_copy {
	struct flt_callback_data data;
	struct flt_io_parameter_block iopb;
	enum flt_class class;
	u64 op_id;
	void *context;
	struct flt_vdata vdata;
};

bool flt_drain_claim(struct flt_drain_copy *copy, struct flt_operation *op,
		     struct flt_node *node, const struct flt_passed *seen);
void flt_watch_kept(struct flt_node *node, struct flt_instance *inst);
void flt_drain_run(struct flt_drain_copy *copy, struct flt_instance *inst);
void flt_drain_scan(struct flt_instance *inst);

/* teardown.c */
int flt_teardown_mark(struct flt_instance *inst, u32 reason);
void flt_teardown_queue(struct flt_instance *inst);
void flt_teardown_mark_one(struct flt_instance *inst, u32 reason, struct list_head *batch);
void flt_teardown_queue_batch(struct list_head *batch);
int flt_teardown_begin(struct flt_instance *inst, u32 reason);
void flt_teardown_put(struct flt_instance *inst);
void flt_teardown_work(struct work_struct *work);
int flt_detach_instance(struct flt_instance *inst);

/* attach.c */
int flt_attach_manual(struct flt_filter *filter, struct flt_volume *volume, const char *name,
		      const char *altitude, struct flt_instance **out);
void flt_attach_automatic(struct flt_filter *filter, struct flt_volume *volume, u32 flags);

/* offer.c */
u64 flt_offer_number(void);
void flt_offer_init(struct flt_volume *volume);
void flt_offer_volumes(struct flt_filter *filter);

/* filter.c */
int flt_find_filter(const char *name, struct flt_filter **out);
void flt_unregister(struct flt_filter *filter, u32 reason);
void flt_reap_wait(const struct module *owner, const char *name);
void flt_filter_release(struct kobject *kobj);
const char *flt_filter_state_name(enum flt_filter_state state);

/* unload.c */
int flt_unload_request(struct flt_filter *filter);
void flt_forget_module(struct module *owner);

/* run.c */
enum flt_run_kind {
	FLT_RUN_DEFERRED,
	FLT_RUN_GENERIC,
	FLT_RUN_SAFE,
	FLT_ITEM_KINDS = FLT_RUN_SAFE,
	FLT_RUN_OWN,			/* a thread that performs, or completes, own I/O */
	FLT_RUN_DRAINED,		/* a drained post-operation */
};

/* A routine of a filter's that a worker is to run, or runs. */
struct flt_run {
	struct list_head link;			/* K: flt_runs */
	struct hlist_node hash;			/* K: flt_running, by task, once it runs */
	enum flt_run_kind kind;
	struct task_struct *task;		/* K: the worker, once it runs */
	struct flt_filter *filter;		/* kept, as the instance, while it is listed */
	struct flt_instance *inst;		/* NULL: it is the filter's */
	struct flt_callback_data *data;		/* DEFERRED: the operation */
	u64 op_id;				/* DEFERRED, DRAINED: for diagnostics */
	u8 class;				/* ... likewise */
	void *routine;
	void *context;
	unsigned long since;			/* jiffies at queueing */
};

struct seq_file;
extern spinlock_t flt_work_lock;
extern struct list_head flt_runs;
void flt_run_starts(struct flt_run *run);
void flt_run_ends(struct flt_run *run);
void flt_run_begin(struct flt_run *run, enum flt_run_kind kind, struct flt_instance *inst);
void flt_run_begin_drained(struct flt_run *run, const struct flt_drain_copy *copy,
			   struct flt_instance *inst);
void flt_run_end(struct flt_run *run);
bool flt_run_on_stack(const struct flt_filter *filter);
bool flt_run_here(void);
void flt_runs_show(struct seq_file *m);
void flt_runs_report(const struct flt_instance *inst);
unsigned int flt_runs_of(const struct flt_instance *inst);

/* work.c */
extern struct workqueue_struct *flt_item_wqs[FLT_ITEM_KINDS][2];
extern struct workqueue_struct *flt_safe_wq;
int flt_work_init(void);
void flt_work_exit(void);

/* safe.c */
bool flt_safe_leave(struct flt_node *node);

/* volume.c */
int flt_find_volume(const char *name, struct flt_volume **out);
void flt_volume_release(struct kobject *kobj);

/* instance.c */
struct flt_instance *flt_instance_create(struct flt_filter *filter, struct flt_volume *volume,
					 const char *name, const char *altitude);
void flt_instance_release(struct kobject *kobj);
const char *flt_instance_state_name(enum flt_instance_state state);

/* observe.c */
void flt_status_wanted(struct flt_operation *op, struct flt_walk *walk);
void flt_status_tell(struct flt_walk *walk, int status);
void flt_status_forget(struct flt_instance *inst);
bool flt_status_on_stack(const struct flt_filter *filter);

/* enumerate.c */
bool flt_instance_listed(const struct flt_instance *inst);

/* sysfs.c */
extern const struct kobj_type flt_filter_ktype;
extern const struct kobj_type flt_volume_ktype;
extern const struct kobj_type flt_instance_ktype;
extern const struct kset_uevent_ops flt_uevent_ops;
int flt_instance_sysfs_add(struct flt_instance *inst);
void flt_instance_sysfs_remove(struct flt_instance *inst);
void flt_instance_uevent(struct flt_instance *inst, bool attached);

/* outstanding.c */
struct flt_involved {
	unsigned int pended;
	unsigned int inflight;
};

void flt_count_involved(struct flt_instance *inst, struct flt_involved *sum);
struct flt_instance *flt_pended_by(struct flt_operation *op);
int flt_outstanding_init(void);
void flt_outstanding_exit(void);
void flt_outstanding_kick(void);

/* context.c */
int flt_context_init(void);
void flt_context_exit(void);
int flt_context_check_registration(const struct flt_context_registration *defs);
int flt_context_classes_create(struct flt_filter *filter);
void flt_context_report(const struct flt_filter *filter);

/* context_set.c */
void flt_context_list_init(struct flt_context_list *list, struct flt_object *obj);
void flt_context_purge_instance(struct flt_instance *inst);
void flt_context_purge_volume(struct flt_volume *volume);
void flt_context_purge_filter(struct flt_filter *filter);

static inline struct flt_filter *to_filter(struct kobject *kobj)
{
	return container_of(kobj, struct flt_filter, kobj);
}

static inline struct flt_volume *to_volume(struct kobject *kobj)
{
	return container_of(kobj, struct flt_volume, kobj);
}

static inline struct flt_instance *to_instance(struct kobject *kobj)
{
	return container_of(kobj, struct flt_instance, kobj);
}

/* An interrupt never waits for a teardown, nor does who has them off. */
static inline bool flt_could_wait(void)
{
	return in_task() && !irqs_disabled();
}

/* What @before's instance saw; the mark of others is gone, and so is their change. */
static __always_inline void flt_modify_undo(struct flt_operation *op,
					    const struct flt_passed *before)
{
	memcpy(&op->iopb.what, &before->what, sizeof(before->what));
	op->iopb.parameters.read = before->rw;
}

/* The chain of an operation that may be moved by somebody else. */
static inline struct flt_node *flt_op_last(const struct flt_operation *op)
{
	/* Pairs with the release in flt_node_push(). */
	return smp_load_acquire(&op->last);
}

/*
 * Asked for a node that was found in the chain: what it has set was announced
 * before.
 */
static inline struct flt_saved *flt_node_saved(const struct flt_operation *op,
					       const struct flt_node *node)
{
	/* Pairs with the release in flt_node_push_extra(). */
	return smp_load_acquire(&op->extras) ? node->saved : NULL;
}

static inline struct flt_walk *flt_node_sync(const struct flt_operation *op,
					     const struct flt_node *node)
{
	/* Likewise. */
	return smp_load_acquire(&op->extras) ? node->sync : NULL;
}

static inline struct flt_instance *flt_word_instance(unsigned long word)
{
	return (struct flt_instance *)(word & ~FLT_OP_FLAGS);
}

static inline enum flt_op_state flt_word_state(unsigned long word)
{
	return word & FLT_OP_STATE_MASK;
}

#endif /* _FLTMGR_INTERNAL_H */
