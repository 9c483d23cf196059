/* SPDX-License-Identifier: GPL-2.0-only */
/* What walk.c, walk_down.c and walk_up.c want of each other. */
#ifndef _FLTMGR_WALK_H
#define _FLTMGR_WALK_H

#include "fast.h"

enum flt_step {
	FLT_STEP_DOWN,		/* to the next lower instance */
	FLT_STEP_SUBMIT,	/* past the lowest: to the device */
	FLT_STEP_UP,		/* ended: to the post-ops that are owed */
	FLT_STEP_GONE,		/* somebody else has it */
	FLT_STEP_DONE,		/* past the highest: to its provider */
};

/* walk_down.c */
enum flt_step flt_answered(struct flt_operation *op, struct flt_walk *walk,
			   struct flt_instance *inst, int status, void *context,
			   struct flt_node **node);
enum flt_step flt_walk_down(struct flt_operation *op, struct flt_walk *walk,
			    struct flt_instance *cur, struct flt_node *node);

/* walk_up.c */
void flt_node_done(struct flt_operation *op, struct flt_node *node, struct flt_instance *inst);
enum flt_step flt_walk_up(struct flt_operation *op, struct flt_walk *walk);

#endif /* _FLTMGR_WALK_H */
