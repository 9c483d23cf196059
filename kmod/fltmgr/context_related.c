// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contexts of all that a callback is told of, at once. CTX-30
 */
#include <linux/export.h>

#include "context.h"

/* The one is the beginning of the other. */
static_assert(offsetof(struct flt_related_contexts_ex, section_context) ==
	      sizeof(struct flt_related_contexts));

static void flt_get_related(const struct flt_related_objects *objs, u16 desired,
			    struct flt_related_contexts *contexts)
{
	/* A failure leaves NULL. */
	if (desired & FLT_VOLUME_CONTEXT && objs->filter && objs->volume)
		flt_get_volume_context(objs->filter, objs->volume, &contexts->volume_context);
	if (desired & FLT_INSTANCE_CONTEXT && objs->instance)
		flt_get_instance_context(objs->instance, &contexts->instance_context);
}

/**
 * flt_get_contexts() - find several contexts at once
 * @objs: the objects, as a callback gets them
 * @desired: FLT_*_CONTEXT of those wanted, %FLT_ALL_CONTEXTS for all
 * @contexts: gets the contexts, each with a reference; what was not asked for
 *	or is not there is NULL
 *
 * flt_release_contexts() undoes it. CTX-30
 *
 * Context: PASSIVE.
 */
void flt_get_contexts(const struct flt_related_objects *objs, u16 desired,
		      struct flt_related_contexts *contexts)
{
	memset(contexts, 0, sizeof(*contexts));
	if (flt_passive())
		flt_get_related(objs, desired, contexts);
}
EXPORT_SYMBOL_GPL(flt_get_contexts);

/**
 * flt_get_contexts_ex() - find several contexts at once
 * @objs: the objects, as a callback gets them
 * @desired: FLT_*_CONTEXT of those wanted, %FLT_ALL_CONTEXTS for all
 * @contexts_size: size of *@contexts in bytes: that of struct
 *	flt_related_contexts_ex or of struct flt_related_contexts
 * @contexts: as with flt_get_contexts(), as far as @contexts_size goes
 *
 * flt_release_contexts_ex() undoes it. CTX-30
 *
 * Context: PASSIVE.
 * Return: 0, also if none is there; -EINVAL for another size, or if @desired
 * has other bits.
 */
int flt_get_contexts_ex(const struct flt_related_objects *objs, u16 desired,
			size_t contexts_size, struct flt_related_contexts_ex *contexts)
{
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (desired & ~FLT_ALL_CONTEXTS || (contexts_size != sizeof(*contexts) &&
					    contexts_size != sizeof(struct flt_related_contexts)))
		return STATUS_INVALID_PARAMETER;
	memset(contexts, 0, contexts_size);
	flt_get_related(objs, desired, (struct flt_related_contexts *)contexts);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_get_contexts_ex);

static void flt_release_related(void **contexts, size_t size)
{
	size_t i;

	for (i = 0; i < size / sizeof(*contexts); i++) {
		if (contexts[i])
			flt_release_context(contexts[i]);
		contexts[i] = NULL;
	}
}

/**
 * flt_release_contexts() - release what flt_get_contexts() found
 * @contexts: the contexts; all become NULL
 *
 * CTX-30
 *
 * Context: ATOMIC.
 */
void flt_release_contexts(struct flt_related_contexts *contexts)
{
	flt_release_related((void **)contexts, sizeof(*contexts));
}
EXPORT_SYMBOL_GPL(flt_release_contexts);

/**
 * flt_release_contexts_ex() - release what flt_get_contexts_ex() found
 * @contexts_size: as there
 * @contexts: the contexts; all become NULL
 *
 * CTX-30
 *
 * Context: ATOMIC.
 */
void flt_release_contexts_ex(size_t contexts_size, struct flt_related_contexts_ex *contexts)
{
	flt_release_related((void **)contexts, min(contexts_size, sizeof(*contexts)));
}
EXPORT_SYMBOL_GPL(flt_release_contexts_ex);
