/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rogue share: a mode, and what a mode has taken and still has.
 *
 *	rogue.c		parameters, files, registration
 *	pre.c		what pre-operations say, and what they leave behind
 *	post.c		post-operations
 *	pend.c		operations that are pended, and cancelled
 *	queue.c		callback-data queues
 *	keep.c		references, contexts, work items, own operations
 *	life.c		loading, attaching, detaching, unloading
 *
 * Each of the latter has a table of its modes, which ends with an empty one.
 */
#ifndef _FLT_ROGUE_H
#define _FLT_ROGUE_H

#include <linux/fltmgr.h>

/*
 * What is called in a mode. Where it does something wrong it does the same thing
 * rightly if rogue_good() says so. But for what is marked with a *, routines are
 * called once: then the mode has done what it is for.
 */
struct rogue_mode {
	const char *name;
	const char *rule;		/* that is broken; NULL: none */
	const char *wrong;		/* what it does */
	flt_pre_operation_callback pre;			/* of a read */
	flt_pre_operation_callback pre_write;		/* likewise; without a post-op */
	flt_post_operation_callback post;		/* of a read */
	flt_post_operation_callback drained;		/* likewise, DRAINING */
	int (*setup)(const struct flt_related_objects *objs);		/* * */
	void (*query)(const struct flt_related_objects *objs);
	void (*start)(const struct flt_related_objects *objs);
	int (*init)(int rc);		/* * of the module; what its init returns */
	int (*unload)(struct flt_filter *filter);	/* * instead of unregistering */
	void (*change)(struct flt_registration *reg);	/* * before registration */
	bool forgetful;			/* the module's exit unregisters nothing */
	bool leaves_queue;		/* enabled, in teardown_start */
	bool keeps;			/* what the mode has taken stays until "release" */
};

extern const struct rogue_mode rogue_pre_modes[];
extern const struct rogue_mode rogue_post_modes[];
extern const struct rogue_mode rogue_pend_modes[];
extern const struct rogue_mode rogue_queue_modes[];
extern const struct rogue_mode rogue_keep_modes[];
extern const struct rogue_mode rogue_life_modes[];

/* rogue.c */
bool rogue_good(void);
void rogue_again(void);

/*
 * A completion context: what the post-operation is to undo, in the thread in which
 * the pre-operation did it.
 */
struct rogue_undo {
	void (*undo)(void);
};

/* pend.c */
int rogue_pend(struct flt_callback_data *data, bool cancellable);
void rogue_let_go(void);

/* queue.c */
int rogue_queue_setup(struct flt_instance *instance);
void rogue_queue_start(struct flt_instance *instance, bool disable);
void rogue_queue_complete(struct flt_instance *instance);

/* keep.c */
void rogue_give_back(void);

#endif /* _FLT_ROGUE_H */
