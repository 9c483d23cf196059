/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What context*.c share.
 *
 * COUNTING
 *
 * What a filter calls a context is the payload of a struct flt_context, whose
 * word says whether it is linked to an object, whether it ever was, and how
 * many references there are. Being linked is a bit and not one more reference:
 * so who drops more than there are is caught while the context is linked, and
 * what is linked is never freed. Unlinking makes a reference of the bit, which
 * is handed on or dropped.
 *
 *	LINKED	it can be found on the object; set and cleared under C
 *	EVER	it was linked once, so it cannot be again (CTX-23); never cleared
 *	REF	times the number of references
 *
 * Neither LINKED nor a reference: it is at its end. Who brings it there ends
 * it, or has a worker do so; nobody can get a reference any more.
 *
 * FINDING
 *
 * Lists are walked under rcu_read_lock() and a context is had by a cmpxchg that
 * needs LINKED. A walk may look at one that is past its end: memory of those
 * that were linked goes after a grace period.
 *
 * Every context has a reference to its filter until its memory is back: that
 * is what unregistration waits for.
 */
#ifndef _FLTMGR_CONTEXT_H
#define _FLTMGR_CONTEXT_H

#include "internal.h"

#define FLT_CONTEXT_LINKED	1
#define FLT_CONTEXT_EVER	2
#define FLT_CONTEXT_REF		4

struct flt_context {
	atomic_long_t word;			/* A */
	struct flt_filter *filter;		/* I */
	struct flt_context_class *class;	/* I */
	struct flt_context_list *list;		/* C; constant once linked */
	const struct flt_object *key;		/* C; constant once linked */
	struct hlist_node link;			/* C, read under rcu_read_lock() */
	union {
		struct list_head batch;		/* who unlinked it */
		struct rcu_work rwork;		/* who brought it to its end */
	};
	u8 payload[] __aligned(8);
};

static inline struct flt_context *to_flt_context(void *context)
{
	return container_of(context, struct flt_context, payload);
}

static inline u16 flt_context_type(const struct flt_context *ctx)
{
	return ctx->class->def->context_type;
}

/* context.c */
void flt_context_get(struct flt_context *ctx);
bool flt_context_get_linked(struct flt_context *ctx);
void flt_context_put(struct flt_context *ctx);
void flt_context_put_later(struct flt_context *ctx);

/* verify_ref.c */
void flt_verify_context_made(struct flt_context *ctx);
void flt_verify_context_ref(struct flt_context *ctx);
bool flt_verify_context_live(const void *context, const char *what);

/* False: @context has ended, which was reported. */
static inline bool flt_verify_context(const void *context, const char *what)
{
	return !flt_verifying() || flt_verify_context_live(context, what);
}

/* context.c */
const char *flt_context_type_name(const struct flt_context *ctx);

/* context_set.c */
int flt_context_check_set(u16 type, const struct flt_filter *filter,
			  enum flt_set_context_operation operation, void *new_context);

#endif /* _FLTMGR_CONTEXT_H */
