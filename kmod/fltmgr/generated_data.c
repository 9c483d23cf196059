// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations of a filter's own, while the filter has them: allocated, free again,
 * as good as new. What happens when they are performed is in generated.c.
 */
#include <linux/bio.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "generated.h"

static struct kmem_cache *flt_own_cache;

int flt_generated_init(void)
{
	flt_own_cache = KMEM_CACHE(flt_own, 0);
	return flt_own_cache ? 0 : STATUS_INSUFFICIENT_RESOURCES;
}

void flt_generated_exit(void)
{
	kmem_cache_destroy(flt_own_cache);
}

/* Who has initiated an operation that is in the in-flight set; NULL: nobody of us. */
struct flt_instance *flt_generated_by(const struct flt_operation *op)
{
	/* What changes beside it is the other bit. */
	if (!(data_race(op->joined) & FLT_OP_GENERATED))
		return NULL;
	return container_of(op, const struct flt_own, op)->inst;
}

/* The memory goes with the last of who counts it. */
void flt_own_put(struct flt_own *own)
{
	if (refcount_dec_and_test(&own->ref))
		kmem_cache_free(flt_own_cache, own);
}

/* What @data belongs to, NULL, reported under @rule, if it is not a filter's own. */
struct flt_own *flt_own_of(struct flt_callback_data *data, const char *rule,
			   const char *what)
{
	struct flt_operation *op;

	if (flt_verifying() && !flt_verify_known(FLT_KIND_DATA, data, rule, what))
		return NULL;
	op = data->operation;
	if (!op) {
		flt_violation("DRN-02", NULL, NULL, "%s of a drained copy", what);
		return NULL;
	}
	/* What changes beside it is the other bit. */
	if (data_race(op->joined) & FLT_OP_GENERATED)
		return flt_to_own(op);
	flt_violation_data(rule, data, "%s of what no filter has allocated", what);
	return NULL;
}

/* Take it out of @from, or report why not. Acquires what was done to it there. */
bool flt_own_take(struct flt_own *own, enum flt_own_state from, enum flt_own_state to,
		  const char *what)
{
	static const char * const names[] = {
		[FLT_OWN_READY] = "has not been performed",
		[FLT_OWN_FLYING] = "is on its way",
		[FLT_OWN_ENDED] = "has ended, and was not reused",
		[FLT_OWN_FREED] = "is free",
	};
	struct flt_instance *inst = own->inst;
	int state = from;

	if (atomic_try_cmpxchg(&own->state, &state, to))
		return true;
	if (state == FLT_OWN_FREED)	/* only somebody that performs it keeps the memory */
		inst = NULL;
	flt_blame(&(struct flt_blame){ .rule = "FIO-15", .inst = inst, .op_id = own->op.id },
		  "%s of what %s", what, names[state]);
	return false;
}

/* As the list of pages in the model, the bio goes with the operation. */
static void flt_own_put_bio(struct flt_own *own)
{
	struct bio *bio = flt_own_bio(&own->op.iopb);

	if (bio)
		bio_put(bio);
}

static void flt_own_init(struct flt_own *own)
{
	struct flt_operation *op = &own->op;

	flt_operation_init(op, own->inst->volume, FLT_CLASS_READ, 0, 0, 0, NULL);
	op->joined = FLT_OP_GENERATED;
	op->data.flags |= FLTFL_CALLBACK_DATA_GENERATED_IO;
	op->iopb.major_function = IRP_MJ_CREATE;
	op->iopb.target_file_object = own->file_object;
	op->iopb.target_instance = own->inst;
}

/**
 * flt_allocate_callback_data_ex() - make an operation of one's own
 * @instance: who initiates it: one that the caller keeps
 * @file_object: NULL on block volumes
 * @flags: %FLT_ALLOCATE_CALLBACK_DATA_PREALLOCATE_ALL_MEMORY or 0. Either way the
 *	manager needs no more memory to perform it
 * @data: gets the operation
 *
 * The filter sets @data->iopb: major_function, irp_flags, and in its parameters
 * byte_offset and length in bytes and, to read or to write, a bio of its own with
 * pages, whose size is the length. Then it performs the operation. The data has a
 * reference to @instance, for which its filter's unregistration waits: it is to be
 * freed in teardown_complete at the latest. FIO-10
 *
 * Context: PASSIVE.
 * Return: 0; -ENOMEM (%STATUS_INSUFFICIENT_RESOURCES); -ESHUTDOWN
 * (%STATUS_FLT_DELETING_OBJECT) if the instance is going; -EINVAL for other flags.
 */
int flt_allocate_callback_data_ex(struct flt_instance *instance, struct file *file_object,
				  u32 flags, struct flt_callback_data **data)
{
	struct flt_own *own;
	int rc;

	if (!flt_passive())
		return STATUS_INVALID_PARAMETER;
	*data = NULL;
	if (flags & ~FLT_ALLOCATE_CALLBACK_DATA_PREALLOCATE_ALL_MEMORY)
		return STATUS_INVALID_PARAMETER;
	/* Perhaps to write what memory is to be made free by. */
	own = kmem_cache_zalloc(flt_own_cache, GFP_NOIO);
	if (!own)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = flt_reference(instance);
	if (rc) {
		kmem_cache_free(flt_own_cache, own);
		return rc;
	}
	own->inst = instance;
	own->file_object = file_object;
	refcount_set(&own->ref, 1);
	init_completion(&own->done);
	flt_own_init(own);
	if (flt_verifying())
		flt_verify_take(instance->filter, FLT_KIND_DATA, &own->op.data, instance,
				instance->name);
	*data = &own->op.data;
	return 0;
}
EXPORT_SYMBOL_GPL(flt_allocate_callback_data_ex);

/**
 * flt_allocate_callback_data() - make an operation of one's own
 * @instance: who initiates it: one that the caller keeps
 * @file_object: NULL on block volumes
 * @data: gets the operation
 *
 * As flt_allocate_callback_data_ex() without flags. FIO-10
 *
 * Context: PASSIVE.
 * Return: as flt_allocate_callback_data_ex().
 */
int flt_allocate_callback_data(struct flt_instance *instance, struct file *file_object,
			       struct flt_callback_data **data)
{
	return flt_allocate_callback_data_ex(instance, file_object, 0, data);
}
EXPORT_SYMBOL_GPL(flt_allocate_callback_data);

/**
 * flt_propagate_irp_extension() - give one's own operation what another one has
 * @source: the operation of somebody for whom this is done
 * @target: of flt_allocate_callback_data(), filled in, not on its way
 * @flags: 0
 *
 * On block volumes that is what a bio says of who pays and how urgent it is: I/O
 * priority, write life time, control group. Where either has no bio there is nothing
 * to be copied. FIO-16, LTR-54
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL for flags, a drained copy, or a @target that is no filter's own,
 * of which the last two are reported.
 */
int flt_propagate_irp_extension(struct flt_callback_data *source,
				struct flt_callback_data *target, u32 flags)
{
	struct flt_own *own = flt_own_of(target, "FIO-16", "propagation");
	struct bio *from, *to;

	if (!own || flags || !flt_operation_of(source, "FIO-16", "propagation"))
		return STATUS_INVALID_PARAMETER;
	from = flt_own_bio(source->iopb);
	to = flt_own_bio(target->iopb);
	if (!from || !to)
		return 0;
	to->bi_ioprio = from->bi_ioprio;
	to->bi_write_hint = from->bi_write_hint;
	bio_clone_blkg_association(to, from);
	return 0;
}
EXPORT_SYMBOL_GPL(flt_propagate_irp_extension);

/**
 * flt_free_callback_data() - free an operation of one's own
 * @data: of flt_allocate_callback_data(), not on its way
 *
 * Puts the bio in its parameters: a filter that wants to keep that, or that has
 * not got it from bio_alloc() or the like, sets it to NULL before. May be called by
 * the routine of flt_perform_asynchronous_io(). Anything else is refused and
 * reported. FIO-14, FIO-15
 *
 * Context: ATOMIC.
 */
void flt_free_callback_data(struct flt_callback_data *data)
{
	struct flt_own *own = flt_own_of(data, "FIO-15", "freeing");
	struct flt_instance *inst;
	int ready = FLT_OWN_READY;

	if (!own)
		return;
	if (!atomic_try_cmpxchg(&own->state, &ready, FLT_OWN_FREED) &&
	    !flt_own_take(own, FLT_OWN_ENDED, FLT_OWN_FREED, "freeing"))
		return;
	inst = own->inst;
	if (flt_verifying()) {
		flt_verify_told(inst, own->asked, own->told);
		flt_verify_drop(inst->filter, FLT_KIND_DATA, data);
	}
	flt_own_put_bio(own);
	flt_own_put(own);
	flt_dereference(inst);
}
EXPORT_SYMBOL_GPL(flt_free_callback_data);

/**
 * flt_reuse_callback_data() - make an operation of one's own as good as new
 * @data: of flt_allocate_callback_data(), performed and ended
 *
 * It has its instance still, and nothing else: the bio is put, as by
 * flt_free_callback_data(). What is on its way, or no filter's own, is refused and
 * reported. FIO-14, FIO-15
 *
 * Context: ATOMIC.
 */
void flt_reuse_callback_data(struct flt_callback_data *data)
{
	struct flt_own *own = flt_own_of(data, "FIO-15", "reuse");
	int ready = FLT_OWN_READY;

	if (!own)
		return;
	if (!atomic_try_cmpxchg(&own->state, &ready, FLT_OWN_FLYING) &&
	    !flt_own_take(own, FLT_OWN_ENDED, FLT_OWN_FLYING, "reuse"))
		return;
	flt_own_put_bio(own);
	flt_own_init(own);
	flt_own_give(own, FLT_OWN_READY);
}
EXPORT_SYMBOL_GPL(flt_reuse_callback_data);
