// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier: what filters get from the manager and have to give back.
 *
 * References belong to no thread, and the calls do not say whose they are: that is
 * told by who calls (verify.c). Contexts, callback data and queues have a filter.
 * REF-08..REF-10, VRF-05, VRF-11n..VRF-11q, WRK-12
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include <kunit/visibility.h>

#include "context.h"

static enum flt_kind flt_object_kind(const struct flt_object *obj)
{
	switch (obj->type) {
	case FLT_OBJECT_FILTER:
		return FLT_KIND_FILTER;
	case FLT_OBJECT_VOLUME:
		return FLT_KIND_VOLUME;
	default:
		return FLT_KIND_INSTANCE;
	}
}

static const char *flt_object_name(const struct flt_object *obj)
{
	switch (obj->type) {
	case FLT_OBJECT_FILTER:
		return container_of(obj, struct flt_filter, obj)->name;
	case FLT_OBJECT_VOLUME:
		return container_of(obj, struct flt_volume, head.obj)->name;
	default:
		return container_of(obj, struct flt_instance, obj)->name;
	}
}

/* The caller has got a reference. */
void flt_verify_reference(struct flt_object *obj)
{
	bool certain;
	struct vrf_owner *owner = flt_verify_caller(&certain);

	vrf_take(owner, certain, flt_object_kind(obj), obj, NULL, flt_object_name(obj));
	vrf_owner_put(owner);
}

/* The caller drops one. False: it has none, which is reported. REF-04 */
bool flt_verify_dereference(struct flt_object *obj)
{
	bool certain, ok = true;
	struct vrf_owner *owner = flt_verify_caller(&certain);

	certain = certain && owner->verified && !owner->lost;
	if (!vrf_drop(owner, flt_object_kind(obj), obj) && certain) {
		flt_blame(&(struct flt_blame){ .rule = "REF-04", .owner = owner },
			  "drops a reference to %s %s, and has none",
			  vrf_kinds[flt_object_kind(obj)].name, flt_object_name(obj));
		ok = false;
	}
	vrf_owner_put(owner);
	return ok;
}

/* Its memory goes: what is noted still was dropped by somebody who is not known. */
void flt_verify_object_gone(struct flt_object *obj)
{
	vrf_drop_all(obj, FLT_KIND_FILTER, FLT_KIND_INSTANCE);
}

void flt_verify_take(struct flt_filter *filter, enum flt_kind kind, const void *object,
		     const void *within, const char *name)
{
	vrf_take(filter->owner_rec, true, kind, object, within, name);
}

/* @filter: NULL for whosever it is. */
void flt_verify_drop(struct flt_filter *filter, enum flt_kind kind, const void *object)
{
	vrf_drop(filter ? filter->owner_rec : NULL, kind, object);
}

/*
 * False: it has ended, not long ago, and is not to be touched; which is reported,
 * with who ended it. VRF-11n, VRF-11p, VRF-11q
 */
bool flt_verify_known(enum flt_kind kind, const void *object, const char *rule,
		      const char *what)
{
	struct vrf_trace trace;

	if (vrf_has(kind, object) || !vrf_ended(kind, object, &trace))
		return true;
	/* The memory has become an operation of a volume's. */
	if (kind == FLT_KIND_DATA && flt_verify_under_way(object))
		return true;
	flt_blame(&(struct flt_blame){ .rule = rule, .cause = &trace, .what = "ended" },
		  "%s of a %s that has ended, %p", what, vrf_kinds[kind].name, object);
	return false;
}

/* Made, with a reference of its filter's. */
void flt_verify_context_made(struct flt_context *ctx)
{
	flt_verify_take(ctx->filter, FLT_KIND_CONTEXT, ctx->payload, NULL,
			flt_context_type_name(ctx));
	flt_verify_context_ref(ctx);
}

/* Its filter gets another reference. */
void flt_verify_context_ref(struct flt_context *ctx)
{
	flt_verify_take(ctx->filter, FLT_KIND_CONTEXT_REF, ctx->payload, NULL,
			flt_context_type_name(ctx));
}

bool flt_verify_context_live(const void *context, const char *what)
{
	return flt_verify_known(FLT_KIND_CONTEXT, context, "CTX-19", what);
}

/* A work item is made, by whom nobody says. */
void flt_verify_item_made(enum flt_kind kind, const void *item)
{
	bool certain;
	struct vrf_owner *owner = flt_verify_caller(&certain);

	vrf_take(owner, certain, kind, item, NULL, owner ? owner->name : "-");
	vrf_owner_put(owner);
}

/* A callback-data queue is initialised: whatever was known of that memory is past. */
void flt_verify_queue_made(struct flt_callback_data_queue *cbdq)
{
	struct flt_instance *inst = cbdq->instance;

	vrf_drop_all(cbdq, FLT_KIND_QUEUE, FLT_KIND_QUEUE);
	flt_verify_take(inst->filter, FLT_KIND_QUEUE, cbdq, inst, inst->name);
	vrf_flag(FLT_KIND_QUEUE, cbdq, true);
}

/* It is enabled, or disabled. */
void flt_verify_queue(struct flt_callback_data_queue *cbdq, bool enabled)
{
	vrf_flag(FLT_KIND_QUEUE, cbdq, enabled);
}

/* An operation of @inst's own goes: a routine for each asynchronous call? INV-16 */
void flt_verify_told(struct flt_instance *inst, unsigned int asked, unsigned int told)
{
	if (asked != told)
		flt_violation("INV-16", NULL, inst,
			      "performed %u times asynchronously, and the routine called %u times",
			      asked, told);
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_told);

/* debugfs */

static void flt_context_show(const struct vrf_item *item, void *arg)
{
	const struct flt_context *ctx = container_of(item->object, struct flt_context, payload);
	long word = atomic_long_read(&ctx->word);
	bool linked = word & FLT_CONTEXT_LINKED;

	if (!ctx->filter->verified)
		return;
	/* What it is linked to is there for a grace period, and interrupts are off. */
	seq_printf(arg, "%s %s %s %p %lu %d %#x\n", item->owner->name, item->name,
		   linked ? flt_object_name(ctx->list->obj) : "-", item->object,
		   word / FLT_CONTEXT_REF, linked, item->made.stack);
}

static int flt_contexts_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "# filter type object address references linked stack\n");
	vrf_for_each(FLT_KIND_CONTEXT, FLT_KIND_CONTEXT, flt_context_show, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(flt_contexts);

void flt_verify_contexts_debugfs(struct dentry *dir)
{
	debugfs_create_file("contexts", 0400, dir, NULL, &flt_contexts_fops);
}
