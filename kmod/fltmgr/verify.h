/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verifier's side of the manager: what it checks, and where it is asked.
 *
 * Off, it costs a patched-out branch at each of these places. On, it looks at the
 * filters that were registered since, unless only some are named; others may be
 * above, below and beside them (VRF-10).
 *
 *	verify.c	the switch; reports; who calls us
 *	verify_call.c	callbacks: from where they may call what, and how they return
 *	verify_op.c	an operation on its way: post-ops, order, parameters
 *	verify_life.c	teardowns, what is pended in them, what is left behind
 *	verify_ref.c	references, contexts, work items, callback data, queues
 */
#ifndef _FLTMGR_VERIFY_H
#define _FLTMGR_VERIFY_H

#include <linux/jump_label.h>
#include <linux/types.h>

#include "../verifier/verifier.h"

struct flt_callback_data_queue;
struct flt_context;
struct flt_filter;
struct flt_instance;
struct flt_node;
struct flt_object;
struct flt_operation;
struct flt_volume;

/* What filters get from the manager: vrf_kinds. */
enum flt_kind {
	FLT_KIND_FILTER,
	FLT_KIND_VOLUME,
	FLT_KIND_INSTANCE,		/* references to one */
	FLT_KIND_DATA,			/* operations of a filter's own */
	FLT_KIND_DEFERRED,
	FLT_KIND_GENERIC,		/* work items */
	FLT_KIND_QUEUE,
	FLT_KIND_CONTEXT,
	FLT_KIND_CONTEXT_REF,
	FLT_NR_KINDS,
};

DECLARE_STATIC_KEY_FALSE(flt_verify_key);

extern u32 flt_verify_epoch;

static inline bool flt_verifying(void)
{
	return static_branch_unlikely(&flt_verify_key);
}

/* A callback of a verified filter that runs; on the stack of who calls it. */
struct flt_frame {
	struct hlist_node hash;
	struct task_struct *task;	/* NULL: is not noted */
	struct flt_filter *filter;	/* NULL: is not verified */
	struct flt_instance *inst;	/* NULL: none, or it may be gone meanwhile */
	const char *what;
	int preempt;			/* as the callback found it */
	int rcu;
	int locks;
	bool irqs_off;
};

/* Of an instance, for as long as it is there. */
struct flt_verify_inst {
	u64 start_seq;			/* operations that come later are none of its */
	atomic_t queries;		/* query_teardown was called */
	atomic_t requests;		/* a manual detach found it in service */
	bool set_up;			/* setup has agreed */
	unsigned long completed_at;	/* jiffies when teardown_complete had returned */
	bool started;			/* teardown_start was called */
	bool completed;			/* teardown_complete was called */
	bool late;			/* T: that it holds something too long was reported */
};

/* verify.c */
int flt_verifier_set(const char *val);
int flt_verify_init(void);
void flt_verify_exit(void);
void flt_verify_debugfs(struct dentry *dir);
int flt_verify_register(struct flt_filter *filter);
void flt_verify_release(struct flt_filter *filter);
struct vrf_owner *flt_verify_caller(bool *certain);
unsigned int flt_violation_count(void);
bool flt_verify_banned(const struct flt_filter *filter);
bool flt_verify_complete(void);
void flt_verify_incomplete(void);
void flt_verify_no_volume(void);
void flt_verify_leaves(struct vrf_owner *owner);

/* What a violation is about; all but the rule may be missing. */
struct flt_blame {
	const char *rule;
	const struct flt_filter *filter;
	const struct flt_instance *inst;
	u64 op_id;
	const struct vrf_owner *owner;	/* if @filter may be gone */
	const void *code;		/* if it is not who calls, but whose function this is */
	const struct vrf_trace *cause;
	const char *what;		/* that @cause did */
};

void flt_blame(const struct flt_blame *blame, const char *fmt, ...) __printf(2, 3);
void flt_violation(const char *rule, const struct flt_filter *filter,
		   const struct flt_instance *inst, const char *fmt, ...) __printf(4, 5);
void flt_violation_op(const char *rule, const struct flt_instance *inst,
		      const struct flt_operation *op, const char *fmt, ...) __printf(4, 5);

void flt_violation_data(const char *rule, const struct flt_callback_data *data,
			const char *fmt, ...) __printf(3, 4);

/* verify_call.c */
extern const char * const flt_unload_what;
void flt_frame_begin(struct flt_frame *frame, struct flt_filter *filter,
		     struct flt_instance *inst, const char *what);
void flt_frame_end(struct flt_frame *frame);
struct flt_filter *flt_frame_filter(void);
const char *flt_frame_of(const struct flt_filter *filter, const struct flt_instance *inst);
bool flt_verify_passive(const char *function);
bool flt_verify_unregister(struct flt_filter *filter);
bool flt_verify_wait(struct flt_instance *inst);
bool flt_verify_unload(struct flt_filter *filter);

/*
 * At the head of whatever may sleep. False: it is called where it may not, which
 * was reported, and is to be refused. VRF-02
 */
#define flt_passive()							\
({									\
	bool __ok = !flt_verifying() || flt_verify_passive(__func__);	\
									\
	if (likely(__ok))						\
		might_sleep();						\
	__ok;								\
})

/* verify_op.c */
/* An operation's data, or the copy that a drained post-operation gets. */
struct flt_vdata {
	struct hlist_node hash;
	const struct flt_callback_data *data;
	bool copy;			/* in no record */
};

void flt_vdata_add(struct flt_vdata *vdata, const struct flt_callback_data *data, bool copy);
void flt_vdata_del(struct flt_vdata *vdata);
u64 flt_verify_seq(void);
int flt_verify_op_init(void);
void flt_verify_op_exit(void);
void flt_verify_dispatch(struct flt_operation *op);
void flt_verify_end(struct flt_operation *op);
void flt_verify_arrive(struct flt_operation *op, struct flt_instance *inst);
void flt_verify_owed(struct flt_operation *op, struct flt_instance *inst);
void flt_verify_post(struct flt_operation *op, struct flt_instance *inst);
void flt_verify_posted(struct flt_operation *op, struct flt_node *node);
void flt_verify_drained(struct flt_operation *op, struct flt_instance *inst);
void flt_verify_parameters(struct flt_operation *op, struct flt_instance *inst, bool dirty);
void flt_verify_handed(const struct flt_callback_data *data);
void flt_verify_pended(struct flt_operation *op);
unsigned long flt_verify_pended_since(const struct flt_operation *op, unsigned long since);
void flt_verify_queued(struct flt_operation *op, struct flt_instance *inst, bool queued);
void flt_verify_canceled(struct flt_operation *op);
bool flt_verify_under_way(const void *data);
bool flt_verify_live(const struct flt_callback_data *data, const char *rule, const char *what);
void flt_verify_op_stacks(void (*add)(void *arg, depot_stack_handle_t stack), void *arg);
bool flt_verify_op_trace(const struct flt_operation *op, struct vrf_trace *trace,
			 const char **what);
bool flt_verify_find(const struct flt_callback_data *data, u64 *id, struct vrf_trace *trace,
		     const char **what);
bool flt_verify_op_slow(const struct flt_operation *op, unsigned long grace, bool *again);
void flt_verify_op_told(struct flt_operation *op);

/* verify_life.c */
void flt_verify_life_exit(void);
void flt_verify_kick(void);
void flt_verify_start(struct flt_instance *inst);
void flt_verify_started(struct flt_instance *inst);
void flt_verify_complete_begins(struct flt_instance *inst);
void flt_verify_instance_ends(struct flt_instance *inst);
void flt_verify_refused(struct flt_instance *inst);
void flt_verify_published(struct flt_volume *volume);
void flt_verify_unregistered(struct flt_filter *filter);
void flt_verify_unloaded(struct flt_filter *filter);
void flt_verify_module_gone(struct module *module);

/* verify_ref.c */
void flt_verify_reference(struct flt_object *obj);
bool flt_verify_dereference(struct flt_object *obj);
void flt_verify_object_gone(struct flt_object *obj);
void flt_verify_take(struct flt_filter *filter, enum flt_kind kind, const void *object,
		     const void *within, const char *name);
void flt_verify_drop(struct flt_filter *filter, enum flt_kind kind, const void *object);
void flt_verify_item_made(enum flt_kind kind, const void *item);
bool flt_verify_known(enum flt_kind kind, const void *object, const char *rule,
		      const char *what);
void flt_verify_queue_made(struct flt_callback_data_queue *cbdq);
void flt_verify_queue(struct flt_callback_data_queue *cbdq, bool enabled);
void flt_verify_told(struct flt_instance *inst, unsigned int asked, unsigned int told);
void flt_verify_contexts_debugfs(struct dentry *dir);

#endif /* _FLTMGR_VERIFY_H */
