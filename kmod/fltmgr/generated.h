/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations of a filter's own, for generated_data.c, which makes them, and
 * generated.c, which performs them. The protocol is at the top of that one.
 */
#ifndef _FLTMGR_GENERATED_H
#define _FLTMGR_GENERATED_H

#include <linux/refcount.h>

#include "internal.h"

enum flt_own_state {
	FLT_OWN_READY,
	FLT_OWN_FLYING,
	FLT_OWN_ENDED,
	FLT_OWN_FREED,
};

struct flt_own {
	struct flt_operation op;
	struct flt_instance *inst;		/* I: who initiates it; referenced */
	struct file *file_object;		/* I */
	atomic_t state;				/* enum flt_own_state */
	refcount_t ref;				/* the filter's, and of who performs it */
	unsigned long call;			/* O: how often it was performed */
	unsigned long outcome;			/* of the last call that has ended */
	bool device;				/* O: the device has it, or has had it */
	bool waited;				/* O: performed synchronously */
	unsigned int asked;			/* O: asynchronous calls that were told of ... */
	unsigned int told;			/* O: ... and calls of their routines */
	flt_completed_async_io_callback routine;	/* O: NULL if somebody waits */
	void *context;				/* O */
	struct completion done;
};

/* generated.c */
extern const struct flt_volume_ops flt_generated_ops;
void flt_own_wait(struct flt_own *own, u32 flags);
bool flt_own_may_wait(struct flt_callback_data *data);

/* generated_data.c */
int flt_generated_init(void);
void flt_generated_exit(void);
struct flt_instance *flt_generated_by(const struct flt_operation *op);
void flt_own_put(struct flt_own *own);
struct flt_own *flt_own_of(struct flt_callback_data *data, const char *rule,
			   const char *what);
bool flt_own_take(struct flt_own *own, enum flt_own_state from, enum flt_own_state to,
		  const char *what);

static inline struct flt_own *flt_to_own(struct flt_operation *op)
{
	return container_of(op, struct flt_own, op);
}

/* Give it to the filter. Publishes what was done to it. */
static inline void flt_own_give(struct flt_own *own, enum flt_own_state state)
{
	atomic_set_release(&own->state, state);
}

static inline bool flt_major_has_data(u8 major)
{
	return major == IRP_MJ_READ || major == IRP_MJ_WRITE;
}

static inline struct bio *flt_own_bio(const struct flt_io_parameter_block *iopb)
{
	return flt_major_has_data(iopb->major_function) ? iopb->parameters.read.bio : NULL;
}

#endif /* _FLTMGR_GENERATED_H */
