// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: definitions, memory, references, the end. How they are counted is
 * in context.h, how they are linked to objects in context_set.c.
 */
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "context.h"

/* An array ends somewhere; one that does not is a bug. */
#define FLT_CONTEXT_DEFS_MAX	256
/* "FMct", of a definition without a tag. CON-15 */
#define FLT_CONTEXT_TAG		0x74634d46

static struct workqueue_struct *flt_context_wq;

static const struct flt_context_kind {
	u16 type;
	bool non_paged;		/* CTX-12 */
	const char *name;
} flt_context_kinds[] = {
	{ FLT_VOLUME_CONTEXT, true, "volume" },
	{ FLT_INSTANCE_CONTEXT, false, "instance" },
	{ FLT_FILE_CONTEXT, false, "file" },
	{ FLT_STREAM_CONTEXT, false, "stream" },
	{ FLT_STREAMHANDLE_CONTEXT, false, "stream handle" },
	{ FLT_TRANSACTION_CONTEXT, false, "transaction" },
	{ FLT_SECTION_CONTEXT, false, "section" },
};

static const struct flt_context_kind *flt_context_kind(u16 type)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(flt_context_kinds); i++)
		if (flt_context_kinds[i].type == type)
			return &flt_context_kinds[i];
	return NULL;
}

/* definitions */

static bool flt_context_def_valid(const struct flt_context_registration *def)
{
	if (!flt_context_kind(def->context_type) || def->reserved1 ||
	    def->flags & ~FLTFL_CONTEXT_REGISTRATION_NO_EXACT_SIZE_MATCH)
		return false;
	if (!def->context_allocate_callback != !def->context_free_callback)
		return false;
	return def->context_allocate_callback || def->size == FLT_VARIABLE_SIZED_CONTEXTS ||
	       def->size <= FLT_CONTEXT_SIZE_MAX;
}

static bool flt_context_defs_equal(const struct flt_context_registration *a,
				   const struct flt_context_registration *b)
{
	return a->context_type == b->context_type && a->flags == b->flags &&
	       a->context_cleanup_callback == b->context_cleanup_callback &&
	       a->size == b->size && a->pool_tag == b->pool_tag &&
	       a->context_allocate_callback == b->context_allocate_callback &&
	       a->context_free_callback == b->context_free_callback;
}

/* Those of other sizes are as many as they like here. CTX-02, CTX-03 */
static bool flt_context_defs_clash(const struct flt_context_registration *a,
				   const struct flt_context_registration *b)
{
	if (a->context_type != b->context_type)
		return false;
	return a->context_allocate_callback || b->context_allocate_callback || a->size == b->size;
}

/* CTX-04 */
static bool flt_context_def_repeated(const struct flt_context_registration *defs, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (flt_context_defs_equal(&defs[i], &defs[nr]))
			return true;
	return false;
}

/* A definition among those before it. CTX-02, CTX-03 */
static bool flt_context_def_fits_in(const struct flt_context_registration *defs, int nr)
{
	int i, fixed = 0;

	for (i = 0; i < nr; i++) {
		if (flt_context_def_repeated(defs, i))
			continue;
		if (flt_context_defs_clash(&defs[i], &defs[nr]))
			return false;
		fixed += defs[i].context_type == defs[nr].context_type &&
			 defs[i].size != FLT_VARIABLE_SIZED_CONTEXTS;
	}
	return fixed < FLT_CONTEXT_FIXED_MAX || defs[nr].size == FLT_VARIABLE_SIZED_CONTEXTS;
}

/* CTX-01..CTX-05, CTX-08, REG-13 */
int flt_context_check_registration(const struct flt_context_registration *defs)
{
	int i;

	for (i = 0; defs && defs[i].context_type != FLT_CONTEXT_END; i++) {
		if (i == FLT_CONTEXT_DEFS_MAX || !flt_context_def_valid(&defs[i]))
			return STATUS_FLT_INVALID_CONTEXT_REGISTRATION;
		if (!flt_context_def_repeated(defs, i) && !flt_context_def_fits_in(defs, i))
			return STATUS_FLT_INVALID_CONTEXT_REGISTRATION;
	}
	return 0;
}

/* Sizes ascend within a type; the variable size is the greatest. */
static void flt_context_class_insert(struct flt_filter *filter,
				     const struct flt_context_registration *def)
{
	unsigned int i = filter->nr_context_classes++;
	struct flt_context_class *classes = filter->context_classes;

	for (; i && classes[i - 1].def->size > def->size; i--)
		classes[i].def = classes[i - 1].def;
	classes[i].def = def;
}

/* What a filter can allocate, from a registration that was checked. */
int flt_context_classes_create(struct flt_filter *filter)
{
	const struct flt_context_registration *defs = filter->reg->context_registration;
	int i, nr;

	for (nr = 0; defs && defs[nr].context_type != FLT_CONTEXT_END; nr++)
		;
	if (!nr)
		return 0;
	filter->context_classes = kcalloc(nr, sizeof(*filter->context_classes), GFP_KERNEL);
	if (!filter->context_classes)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (i = 0; i < nr; i++)
		if (!flt_context_def_repeated(defs, i))
			flt_context_class_insert(filter, &defs[i]);
	return 0;
}

static bool flt_context_def_serves(const struct flt_context_registration *def, size_t size)
{
	if (def->context_allocate_callback || def->size == FLT_VARIABLE_SIZED_CONTEXTS ||
	    def->size == size)
		return true;
	return def->size > size && def->flags & FLTFL_CONTEXT_REGISTRATION_NO_EXACT_SIZE_MATCH;
}

/* CTX-06, CON-19 */
static struct flt_context_class *flt_context_find_class(struct flt_filter *filter, u16 type,
							size_t size)
{
	struct flt_context_class *class = filter->context_classes;
	struct flt_context_class *end = class + filter->nr_context_classes;

	for (; class < end; class++)
		if (class->def->context_type == type && flt_context_def_serves(class->def, size))
			return class;
	return NULL;
}

/* memory */

/* CTX-03 */
static struct flt_context *flt_context_own_memory(struct flt_filter *filter,
						  const struct flt_context_registration *def,
						  size_t size, enum flt_pool_type pool)
{
	struct flt_context *ctx;

	size = struct_size(ctx, payload, size);
	ctx = def->context_allocate_callback(pool, size, def->context_type);
	if (!ctx)
		return NULL;
	if (!IS_ALIGNED((unsigned long)ctx, __alignof__(*ctx))) {
		flt_violation("CTX-03", filter, NULL, "allocate routine returned odd memory");
		def->context_free_callback(ctx, def->context_type);
		return NULL;
	}
	return memset(ctx, 0, size);
}

/* Zeroed, with room for the header. CTX-03, CTX-13 */
static struct flt_context *flt_context_memory(struct flt_filter *filter,
					      const struct flt_context_registration *def,
					      size_t size, enum flt_pool_type pool)
{
	struct flt_context *ctx;

	if (def->context_allocate_callback)
		return flt_context_own_memory(filter, def, size, pool);
	if (def->size != FLT_VARIABLE_SIZED_CONTEXTS)
		size = def->size;
	return kvzalloc(struct_size(ctx, payload, size), GFP_KERNEL);
}

static int flt_context_check_request(u16 type, size_t size, enum flt_pool_type pool)
{
	const struct flt_context_kind *kind = flt_context_kind(type);

	if (!kind)
		return STATUS_INVALID_PARAMETER;
	if (size > FLT_CONTEXT_SIZE_MAX)
		return STATUS_INVALID_BUFFER_SIZE;
	switch (pool) {
	case FLT_PAGED_POOL:
		return kind->non_paged ? STATUS_FLT_MUST_BE_NONPAGED_POOL : 0;
	case FLT_NON_PAGED_POOL:
	case FLT_NON_PAGED_POOL_NX:
		return 0;
	}
	return STATUS_INVALID_PARAMETER;
}

/**
 * flt_allocate_context() - make a context
 * @filter: the caller's own filter
 * @context_type: FLT_*_CONTEXT: what it will be set on
 * @context_size: in bytes, up to %FLT_CONTEXT_SIZE_MAX; may be 0
 * @pool_type: which memory
 * @context: gets the context, NULL on failure
 *
 * By the definition of that type whose size is @context_size; else by the
 * smallest greater one with NO_EXACT_SIZE_MATCH; else by the one of variable
 * size; or by the one with an allocate routine. The context is zeroed, and has
 * one reference, which is the caller's: flt_release_context() is owed whether
 * the context gets set or not.
 * CTX-06, CTX-08, CTX-10..CTX-13, CON-18, CON-19
 *
 * Context: PASSIVE.
 * Return: 0; -ENOANO if the type is not registered or no definition fits;
 * -ESHUTDOWN once the filter's unregistration has begun; -EMSGSIZE above the
 * maximum; -ENOSTR for a volume context in paged pool; -EINVAL for no such type
 * or pool; -ENOMEM.
 */
int flt_allocate_context(struct flt_filter *filter, u16 context_type, size_t context_size,
			 enum flt_pool_type pool_type, void **context)
{
	struct flt_context_class *class;
	struct flt_context *ctx;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (!context)
		return STATUS_INVALID_PARAMETER;
	*context = NULL;
	rc = filter ? flt_context_check_request(context_type, context_size, pool_type) :
		      STATUS_INVALID_PARAMETER;
	if (rc)
		return rc;
	class = flt_context_find_class(filter, context_type, context_size);
	if (!class)
		return STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND;
	rc = flt_reference(filter);
	if (rc)
		return rc;
	ctx = flt_context_memory(filter, class->def, context_size, pool_type);
	if (!ctx) {
		flt_dereference(filter);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	atomic_long_set(&ctx->word, FLT_CONTEXT_REF);
	ctx->filter = filter;
	ctx->class = class;
	atomic_inc(&class->live);
	if (flt_verifying())
		flt_verify_context_made(ctx);
	*context = ctx->payload;
	return 0;
}
EXPORT_SYMBOL_GPL(flt_allocate_context);

/* the end */

/* Its memory is back: the filter may go. Nothing of the filter's after this. */
static void flt_context_gone(struct flt_filter *filter)
{
	atomic_dec(&filter->context_ends);
	flt_dereference(filter);
}

static void flt_context_free_own(struct flt_context *ctx)
{
	const struct flt_context_registration *def = ctx->class->def;
	struct flt_filter *filter = ctx->filter;

	def->context_free_callback(ctx, def->context_type);
	flt_context_gone(filter);
}

static void flt_context_free_work(struct work_struct *work)
{
	flt_context_free_own(container_of(to_rcu_work(work), struct flt_context, rwork));
}

/* Who walks a list may still look at it, if it ever was on one. CTX-17 */
static void flt_context_free(struct flt_context *ctx)
{
	struct flt_filter *filter = ctx->filter;

	if (!ctx->class->def->context_free_callback) {
		kvfree_rcu(ctx, rwork.rcu);
		flt_context_gone(filter);
	} else if (!(atomic_long_read(&ctx->word) & FLT_CONTEXT_EVER)) {
		flt_context_free_own(ctx);
	} else {
		INIT_RCU_WORK(&ctx->rwork, flt_context_free_work);
		queue_rcu_work(flt_context_wq, &ctx->rwork);
	}
}

/* Nobody has it or can find it. Once for each, PASSIVE. CTX-16..CTX-18 */
static void flt_context_end(struct flt_context *ctx)
{
	const struct flt_context_registration *def = ctx->class->def;

	might_sleep();
	flt_race_point("context_end", ctx);
	if (flt_verifying())
		flt_verify_drop(ctx->filter, FLT_KIND_CONTEXT, ctx->payload);
	if (def->context_cleanup_callback)
		flt_call_context_cleanup(ctx->filter, ctx->payload, def);
	flt_context_free(ctx);
}

static void flt_context_end_work(struct work_struct *work)
{
	flt_context_end(container_of(to_rcu_work(work), struct flt_context, rwork));
}

static void flt_context_end_later(struct flt_context *ctx)
{
	INIT_WORK(&ctx->rwork.work, flt_context_end_work);
	queue_work(flt_context_wq, &ctx->rwork.work);
}

/* references */

/* Another one, for who has one. CTX-14 */
void flt_context_get(struct flt_context *ctx)
{
	atomic_long_add(FLT_CONTEXT_REF, &ctx->word);
}

/* One for who found it under rcu_read_lock(); false if it was unlinked since. */
bool flt_context_get_linked(struct flt_context *ctx)
{
	long old = atomic_long_read(&ctx->word);

	do {
		if (!(old & FLT_CONTEXT_LINKED))
			return false;
	} while (!atomic_long_try_cmpxchg(&ctx->word, &old, old + FLT_CONTEXT_REF));
	return true;
}

/* True if that was the last one of an unlinked context: the caller ends it. */
static bool flt_context_drop(struct flt_context *ctx)
{
	long new, old = atomic_long_read(&ctx->word);

	do {
		if (unlikely(old < FLT_CONTEXT_REF)) {
			flt_violation("CTX-19", ctx->filter, NULL,
				      "context %p released too often", ctx->payload);
			return false;
		}
		new = old - FLT_CONTEXT_REF;
	} while (!atomic_long_try_cmpxchg(&ctx->word, &old, new));
	if (new & ~FLT_CONTEXT_EVER)
		return false;
	/* The filter is there until flt_context_gone(). */
	atomic_inc(&ctx->filter->context_ends);
	atomic_dec(&ctx->class->live);
	return true;
}

/* PASSIVE */
void flt_context_put(struct flt_context *ctx)
{
	if (flt_context_drop(ctx))
		flt_context_end(ctx);
}

/* Where the clean-up must not run: in any context, or under locks of others. */
void flt_context_put_later(struct flt_context *ctx)
{
	if (flt_context_drop(ctx))
		flt_context_end_later(ctx);
}

/**
 * flt_reference_context() - keep a context
 * @context: a context the caller has a reference to
 *
 * Each is undone by one flt_release_context(). CTX-14, CTX-19
 *
 * Context: ATOMIC.
 */
void flt_reference_context(void *context)
{
	struct flt_context *ctx = to_flt_context(context);
	long old;

	if (!flt_verify_context(context, "reference"))
		return;
	old = atomic_long_read(&ctx->word);
	do {
		if (unlikely(!(old & ~FLT_CONTEXT_EVER))) {
			flt_violation("CTX-19", ctx->filter, NULL,
				      "context %p referenced after its end", context);
			return;
		}
	} while (!atomic_long_try_cmpxchg(&ctx->word, &old, old + FLT_CONTEXT_REF));
	if (flt_verifying())
		flt_verify_context_ref(ctx);
}
EXPORT_SYMBOL_GPL(flt_reference_context);

/*
 * Is sleeping certainly allowed here? Without CONFIG_PREEMPT_COUNT nobody can
 * know and preemptible() says no. Nor in the condition of a wait.
 */
static bool flt_context_may_sleep(void)
{
	return preemptible() && !rcu_preempt_depth() && task_is_running(current) &&
	       !current->bio_list;
}

/**
 * flt_release_context() - drop a reference to a context
 * @context: a context the caller has a reference to
 *
 * If it was the last one, and the context is not set on an object or is so no
 * longer, its clean-up callback is called and its memory goes: at once if it is
 * certain that the caller may sleep, by a worker otherwise. So the caller must
 * not hold a mutex that the clean-up callback takes. To release more often than
 * there are references is refused and reported while the context is set.
 * CTX-14..CTX-19
 *
 * Context: ATOMIC.
 */
void flt_release_context(void *context)
{
	struct flt_context *ctx = to_flt_context(context);

	if (!flt_verify_context(context, "release"))
		return;
	if (flt_verifying())
		flt_verify_drop(ctx->filter, FLT_KIND_CONTEXT_REF, context);
	if (!flt_context_drop(ctx))
		return;
	if (flt_context_may_sleep())
		flt_context_end(ctx);
	else
		flt_context_end_later(ctx);
}
EXPORT_SYMBOL_GPL(flt_release_context);

/* reports */

const char *flt_context_type_name(const struct flt_context *ctx)
{
	return flt_context_kind(flt_context_type(ctx))->name;
}

static const char *flt_context_tag(const struct flt_context_registration *def, char tag[5])
{
	u32 value = def->pool_tag ?: FLT_CONTEXT_TAG;
	int i;

	if (def->context_allocate_callback)
		return "-";
	for (i = 0; i < 4; i++, value >>= 8)
		tag[i] = isascii(value & 0xff) && isgraph(value & 0xff) ? value & 0xff : '.';
	tag[4] = 0;
	return tag;
}

/* Which contexts of the filter are left. CTX-46 */
void flt_context_report(const struct flt_filter *filter)
{
	unsigned int i;
	char tag[5];
	int live;

	for (i = 0; i < filter->nr_context_classes; i++) {
		const struct flt_context_class *class = &filter->context_classes[i];

		live = atomic_read(&class->live);
		if (live)
			pr_warn("  %d %s contexts not released, tag %s, clean-up %ps\n", live,
				flt_context_kind(class->def->context_type)->name,
				flt_context_tag(class->def, tag),
				class->def->context_cleanup_callback);
	}
}

int flt_context_init(void)
{
	/* A clean-up may sleep as long as its filter likes. */
	flt_context_wq = alloc_workqueue("fltmgr_context", WQ_UNBOUND | WQ_MEM_RECLAIM,
					 WQ_MAX_ACTIVE);
	return flt_context_wq ? 0 : STATUS_INSUFFICIENT_RESOURCES;
}

void flt_context_exit(void)
{
	destroy_workqueue(flt_context_wq);
}
