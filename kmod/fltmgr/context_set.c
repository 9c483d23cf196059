// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts on objects: setting, finding, deleting, and what becomes of them
 * when the object or the filter goes.
 *
 * An object that can carry contexts embeds a struct flt_context_list. Each of
 * its contexts belongs to a key, at most one to each: to a filter on a volume,
 * to an instance on that instance. Whatever carries contexts gives its memory
 * back after a grace period, as flt_delete_context() finds a list by a context.
 *
 * Nothing is set once the object or the key is going (object.c). Whoever ends
 * either empties its lists after that: both look under the lock of the list.
 *
 *	instance	when its last reference is gone, in its teardown's last phase
 *	volume		at the end of its dismount, by a worker: the provider may
 *			hold locks. References are not waited for: a context that
 *			keeps its own volume does not keep itself
 *	filter		volumes, after all its instances are gone (CON-25)
 *
 * CTX-20..CTX-35, CTX-40..CTX-45, TDN-34, TDN-35
 */
#include <linux/export.h>
#include <linux/rculist.h>

#include "context.h"

void flt_context_list_init(struct flt_context_list *list, struct flt_object *obj)
{
	spin_lock_init(&list->lock);
	INIT_HLIST_HEAD(&list->head);
	list->obj = obj;
}

/* Under C, or under rcu_read_lock(). */
static struct flt_context *flt_context_lookup(struct flt_context_list *list,
					      const struct flt_object *key)
{
	struct flt_context *ctx;

	hlist_for_each_entry_rcu(ctx, &list->head, link, lockdep_is_held(&list->lock))
		if (ctx->key == key)
			return ctx;
	return NULL;
}

/* The key's context, with a reference, or NULL. CTX-28, CTX-29 */
static struct flt_context *flt_context_find(struct flt_context_list *list,
					    const struct flt_object *key)
{
	struct flt_context *ctx;

	rcu_read_lock();
	do {
		ctx = flt_context_lookup(list, key);
		if (!ctx)
			break;
		flt_race_point("context_found", ctx);
		/* If it was unlinked meanwhile, look again: it may have been replaced. */
	} while (!flt_context_get_linked(ctx));
	rcu_read_unlock();
	return ctx;
}

/* Off the list; what linked it is a reference of the caller's now. CTX-31 */
static void flt_context_unlinked(struct flt_context *ctx)
{
	/* Fully ordered: who misses LINKED does not find it on the list again. */
	atomic_long_add_return(FLT_CONTEXT_REF - FLT_CONTEXT_LINKED, &ctx->word);
}

static void flt_context_unlink(struct flt_context *ctx)
{
	lockdep_assert_held(&ctx->list->lock);
	hlist_del_rcu(&ctx->link);
	flt_context_unlinked(ctx);
}

/* Once in its life, whoever else tries, on whichever object. CTX-23 */
static bool flt_context_claim(struct flt_context *ctx)
{
	return !(atomic_long_fetch_or(FLT_CONTEXT_EVER, &ctx->word) & FLT_CONTEXT_EVER);
}

/* In place of @cur, if that is not NULL. The caller has claimed @ctx. */
static void flt_context_publish(struct flt_context_list *list, const struct flt_object *key,
				struct flt_context *ctx, struct flt_context *cur)
{
	ctx->list = list;
	ctx->key = key;
	/* Fully ordered: who sees LINKED sees the list and the key. */
	atomic_long_add_return(FLT_CONTEXT_LINKED, &ctx->word);
	if (!cur) {
		hlist_add_head_rcu(&ctx->link, &list->head);
		return;
	}
	hlist_replace_rcu(&cur->link, &ctx->link);
	flt_context_unlinked(cur);
}

/*
 * *@old: the one that was there, or is, with a reference; or NULL.
 * CTX-20..CTX-25, TDN-35
 */
static int flt_context_link_locked(struct flt_context_list *list, const struct flt_object *key,
				   struct flt_context *ctx, bool keep, struct flt_context **old)
{
	struct flt_context *cur;

	if (atomic_long_read(&ctx->word) & FLT_CONTEXT_EVER)	/* CTX-24: first of all */
		return STATUS_FLT_CONTEXT_ALREADY_LINKED;
	if (flt_object_going(list->obj) || flt_object_going(key))
		return STATUS_FLT_DELETING_OBJECT;
	cur = flt_context_lookup(list, key);
	if (cur && keep) {
		flt_context_get(cur);
		*old = cur;
		return STATUS_FLT_CONTEXT_ALREADY_DEFINED;
	}
	flt_race_point("context_claim", ctx);
	if (!flt_context_claim(ctx))
		return STATUS_FLT_CONTEXT_ALREADY_LINKED;
	flt_context_publish(list, key, ctx, cur);
	*old = cur;
	return 0;
}

/* Give a reference to the caller, or drop it. */
static void flt_context_hand_over(struct flt_context *ctx, void **out)
{
	if (!out) {
		if (ctx)
			flt_context_put(ctx);
		return;
	}
	*out = ctx ? ctx->payload : NULL;
	if (ctx && flt_verifying())
		flt_verify_context_ref(ctx);
}

static int flt_context_link(struct flt_context_list *list, const struct flt_object *key,
			    void *new_context, enum flt_set_context_operation operation,
			    void **old_context)
{
	bool keep = operation == FLT_SET_CONTEXT_KEEP_IF_EXISTS;
	struct flt_context *ctx = to_flt_context(new_context), *old = NULL;
	int rc;

	flt_race_point("context_set", ctx);
	spin_lock(&list->lock);
	rc = flt_context_link_locked(list, key, ctx, keep, &old);
	spin_unlock(&list->lock);
	flt_context_hand_over(old, old_context);
	return rc;
}

/* What can be said without looking at the object. CTX-25, CTX-26, CON-16 */
int flt_context_check_set(u16 type, const struct flt_filter *filter,
			  enum flt_set_context_operation operation, void *new_context)
{
	if (!new_context || !flt_verify_context(new_context, "setting"))
		return STATUS_INVALID_PARAMETER;
	if (operation != FLT_SET_CONTEXT_REPLACE_IF_EXISTS &&
	    operation != FLT_SET_CONTEXT_KEEP_IF_EXISTS)
		return STATUS_INVALID_PARAMETER;
	if (flt_context_type(to_flt_context(new_context)) != type)
		return STATUS_INVALID_PARAMETER;
	/* Its clean-up would be in one filter, its object in another. */
	if (filter && to_flt_context(new_context)->filter != filter)
		return STATUS_INVALID_PARAMETER;
	return 0;
}

static int flt_context_get_by_key(struct flt_context_list *list, const struct flt_object *key,
				  void **context)
{
	struct flt_context *ctx = flt_context_find(list, key);

	flt_context_hand_over(ctx, context);
	return ctx ? 0 : STATUS_NOT_FOUND;
}

/* CTX-31, TDN-35, CON-09 */
static int flt_context_delete_by_key(struct flt_context_list *list,
				     const struct flt_object *key, void **old_context)
{
	struct flt_context *ctx = NULL;
	int rc = STATUS_FLT_DELETING_OBJECT;

	spin_lock(&list->lock);
	if (!flt_object_going(list->obj)) {
		ctx = flt_context_lookup(list, key);
		rc = ctx ? 0 : STATUS_NOT_FOUND;
	}
	if (ctx)
		flt_context_unlink(ctx);
	spin_unlock(&list->lock);
	flt_context_hand_over(ctx, old_context);
	return rc;
}

/* Unlink all, or the key's, and collect them. */
static void flt_context_collect(struct flt_context_list *list, const struct flt_object *key,
				struct list_head *batch)
{
	struct flt_context *ctx;
	struct hlist_node *next;

	spin_lock(&list->lock);
	hlist_for_each_entry_safe(ctx, next, &list->head, link) {
		if (key && ctx->key != key)
			continue;
		flt_context_unlink(ctx);
		list_add_tail(&ctx->batch, batch);
	}
	spin_unlock(&list->lock);
}

static void flt_context_put_batch(struct list_head *batch, void (*put)(struct flt_context *ctx))
{
	struct flt_context *ctx, *next;

	list_for_each_entry_safe(ctx, next, batch, batch)
		put(ctx);
}

/* The instance has no references any more. TDN-16, CTX-40, CTX-41, ATT-12 */
void flt_context_purge_instance(struct flt_instance *inst)
{
	LIST_HEAD(batch);

	flt_context_collect(&inst->contexts, NULL, &batch);
	flt_context_put_batch(&batch, flt_context_put);
}

/* The volume is out of service. CTX-45 */
void flt_context_purge_volume(struct flt_volume *volume)
{
	LIST_HEAD(batch);

	flt_context_collect(&volume->contexts, NULL, &batch);
	flt_context_put_batch(&batch, flt_context_put_later);
}

/* The filter has no instances any more. URG-03, CTX-45, CON-25 */
void flt_context_purge_filter(struct flt_filter *filter)
{
	struct flt_volume *volume;
	LIST_HEAD(batch);

	/* A volume that is on the list no longer has given up its contexts. */
	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link)
		flt_context_collect(&volume->contexts, &filter->obj, &batch);
	mutex_unlock(&flt_topology_lock);
	flt_context_put_batch(&batch, flt_context_put);
}

/**
 * flt_set_volume_context() - set a filter's context on a volume
 * @volume: the volume
 * @operation: what to do if there is one
 * @new_context: the context, of %FLT_VOLUME_CONTEXT; its filter is whose context
 *	it becomes
 * @old_context: gets the context that is or was there, with a reference that the
 *	caller releases; NULL if there was none. May be NULL: then a context that
 *	was replaced is dropped
 *
 * The volume takes a reference of its own: the caller keeps that of
 * flt_allocate_context(), whatever this returns. A context can be set once in
 * its life. CTX-20..CTX-26
 *
 * Context: PASSIVE.
 * Return: 0; -EMLINK if @new_context was set before, on whatever object;
 * -ESHUTDOWN if the volume or the filter is going; -EALREADY if there is one and
 * it is kept; -EINVAL for NULL, another type or no such operation.
 */
int flt_set_volume_context(struct flt_volume *volume, enum flt_set_context_operation operation,
			   void *new_context, void **old_context)
{
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (old_context)
		*old_context = NULL;
	rc = flt_context_check_set(FLT_VOLUME_CONTEXT, NULL, operation, new_context);
	if (rc)
		return rc;
	return flt_context_link(&volume->contexts, &to_flt_context(new_context)->filter->obj,
				new_context, operation, old_context);
}
EXPORT_SYMBOL_GPL(flt_set_volume_context);

/**
 * flt_get_volume_context() - find a filter's context on a volume
 * @filter: the filter
 * @volume: the volume
 * @context: gets the context, with a reference that the caller releases; NULL
 *	if there is none
 *
 * CTX-28, CTX-29
 *
 * Context: PASSIVE.
 * Return: 0; -ENODATA if there is none.
 */
int flt_get_volume_context(struct flt_filter *filter, struct flt_volume *volume,
			   void **context)
{
	*context = NULL;
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	return flt_context_get_by_key(&volume->contexts, &filter->obj, context);
}
EXPORT_SYMBOL_GPL(flt_get_volume_context);

/**
 * flt_delete_volume_context() - take a filter's context off a volume
 * @filter: the filter
 * @volume: the volume
 * @old_context: gets the context, with a reference that the caller releases;
 *	NULL if there is none. May be NULL: then the reference is dropped
 *
 * CTX-31, CTX-33
 *
 * Context: PASSIVE.
 * Return: 0; -ENODATA if there is none; -ESHUTDOWN if the volume is going.
 */
int flt_delete_volume_context(struct flt_filter *filter, struct flt_volume *volume,
			      void **old_context)
{
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	return flt_context_delete_by_key(&volume->contexts, &filter->obj, old_context);
}
EXPORT_SYMBOL_GPL(flt_delete_volume_context);

/**
 * flt_set_instance_context() - set the context of an instance
 * @instance: the instance, of the filter that made the context
 * @operation: what to do if there is one
 * @new_context: the context, of %FLT_INSTANCE_CONTEXT
 * @old_context: as with flt_set_volume_context()
 *
 * The place for it is the setup callback: whatever is set there is cleaned up,
 * also if the callback refuses then. CTX-20..CTX-26, ATT-11, ATT-12, TDN-35
 *
 * Context: PASSIVE.
 * Return: 0; -EMLINK if @new_context was set before, on whatever object;
 * -ESHUTDOWN if the instance is going; -EALREADY if there is one and it is kept;
 * -EINVAL for NULL, another type, the context of another filter or no such
 * operation.
 */
int flt_set_instance_context(struct flt_instance *instance,
			     enum flt_set_context_operation operation, void *new_context,
			     void **old_context)
{
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	if (old_context)
		*old_context = NULL;
	rc = flt_context_check_set(FLT_INSTANCE_CONTEXT, instance->filter, operation,
				   new_context);
	if (rc)
		return rc;
	return flt_context_link(&instance->contexts, &instance->obj, new_context, operation,
				old_context);
}
EXPORT_SYMBOL_GPL(flt_set_instance_context);

/**
 * flt_get_instance_context() - find the context of an instance
 * @instance: the instance
 * @context: gets the context, with a reference that the caller releases; NULL
 *	if there is none
 *
 * Works until the instance has no references any more, in its teardown too.
 * CTX-28, CTX-29, CTX-44, TDN-34
 *
 * Context: PASSIVE.
 * Return: 0; -ENODATA if there is none.
 */
int flt_get_instance_context(struct flt_instance *instance, void **context)
{
	*context = NULL;
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	return flt_context_get_by_key(&instance->contexts, &instance->obj, context);
}
EXPORT_SYMBOL_GPL(flt_get_instance_context);

/**
 * flt_delete_instance_context() - take the context off an instance
 * @instance: the instance
 * @old_context: as with flt_delete_volume_context()
 *
 * Rarely needed: the manager does it when the instance goes. CTX-31, CTX-33,
 * CTX-40, TDN-35
 *
 * Context: PASSIVE.
 * Return: 0; -ENODATA if there is none; -ESHUTDOWN if the instance is going.
 */
int flt_delete_instance_context(struct flt_instance *instance, void **old_context)
{
	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	return flt_context_delete_by_key(&instance->contexts, &instance->obj, old_context);
}
EXPORT_SYMBOL_GPL(flt_delete_instance_context);

/* True if it was on a list, and the caller has the reference that linked it. */
static bool flt_context_delete(struct flt_context *ctx)
{
	struct flt_context_list *list;
	bool linked = false;

	/* While it is linked its object is not let go for a grace period. */
	rcu_read_lock();
	/* Pairs with the addition in flt_context_publish(). */
	if (atomic_long_read_acquire(&ctx->word) & FLT_CONTEXT_LINKED) {
		list = ctx->list;
		flt_race_point("context_delete", ctx);
		spin_lock(&list->lock);
		linked = atomic_long_read(&ctx->word) & FLT_CONTEXT_LINKED;
		if (linked)
			flt_context_unlink(ctx);
		spin_unlock(&list->lock);
	}
	rcu_read_unlock();
	return linked;
}

/**
 * flt_delete_context() - take a context off its object
 * @context: a context the caller has a reference to, and keeps it
 *
 * Nobody finds it any more; it is there until the last reference is released.
 * Does nothing if it is not set, or no longer. Also while the object is going.
 * CTX-32, CTX-33, CTX-35
 *
 * Context: PASSIVE.
 */
void flt_delete_context(void *context)
{
	struct flt_context *ctx = to_flt_context(context);

	if (!flt_passive() || !flt_verify_context(context, "deletion"))
		return;
	if (flt_context_delete(ctx))
		flt_context_put(ctx);
}
EXPORT_SYMBOL_GPL(flt_delete_context);
