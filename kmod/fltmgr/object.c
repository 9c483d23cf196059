// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rundown protection of filters, volumes and instances.
 *
 * A reference keeps the memory valid and delays the end of the object's life;
 * it does not keep the object in service (REF-03). Once the object is going no
 * new reference is given, for ever (INV-17), and the last one to be dropped
 * tells the teardown, which does not wait in a thread but goes on from there.
 */
#include <linux/export.h>

#include "internal.h"

#define FLT_RUNDOWN_GOING	1
#define FLT_RUNDOWN_REF		2

void flt_object_init(struct flt_object *obj, enum flt_object_type type,
		     void (*drained)(struct flt_object *obj))
{
	obj->type = type;
	obj->drained = drained;
	obj->refused = false;
	atomic_long_set(&obj->rundown, 0);
}

/* NULL: it is something else, which is reported. REF-01 */
static struct flt_object *flt_to_object(void *object, const char *what)
{
	struct flt_object *obj = object;	/* all three begin with it */

	switch (obj->type) {
	case FLT_OBJECT_FILTER:
	case FLT_OBJECT_VOLUME:
	case FLT_OBJECT_INSTANCE:
		return obj;
	}
	flt_violation("REF-01", NULL, NULL, "%s of %p, no filter, volume or instance", what,
		      object);
	return NULL;
}

/* For the manager itself: nobody's that the verifier knows. */
int flt_reference(void *object)
{
	struct flt_object *obj = object;
	long old = atomic_long_read(&obj->rundown);

	do {
		if (old & FLT_RUNDOWN_GOING)
			return STATUS_FLT_DELETING_OBJECT;
	} while (!atomic_long_try_cmpxchg(&obj->rundown, &old, old + FLT_RUNDOWN_REF));
	return 0;
}

/* INV-17: what has refused once refuses for ever. */
static int flt_reference_verified(struct flt_object *obj)
{
	bool refused = READ_ONCE(obj->refused);
	int rc = flt_reference(obj);

	if (rc) {
		WRITE_ONCE(obj->refused, true);
		return rc;
	}
	if (refused)
		flt_violation("INV-17", NULL, NULL, "a reference to %p, which has refused one",
			      obj);
	flt_verify_reference(obj);
	return 0;
}

/**
 * flt_object_reference() - keep a filter, a volume or an instance
 * @object: one of the three
 *
 * REF-01, REF-02, REF-05
 *
 * Context: ATOMIC, never blocks.
 * Return: 0; -ESHUTDOWN (STATUS_FLT_DELETING_OBJECT) once its teardown has
 * begun; -EINVAL, and a report, if it is none of the three.
 */
int flt_object_reference(void *object)
{
	struct flt_object *obj = flt_to_object(object, "reference");

	if (!obj)
		return STATUS_INVALID_PARAMETER;
	return flt_verifying() ? flt_reference_verified(obj) : flt_reference(obj);
}
EXPORT_SYMBOL_GPL(flt_object_reference);

/* For the manager itself. */
void flt_dereference(void *object)
{
	struct flt_object *obj = object;
	void (*drained)(struct flt_object *obj) = obj->drained;
	long left = atomic_long_sub_return(FLT_RUNDOWN_REF, &obj->rundown);
	/* Not ours any more, unless we were the last one of a going object. */
	if (unlikely(left < 0)) {
		atomic_long_add(FLT_RUNDOWN_REF, &obj->rundown);
		flt_violation("REF-04", NULL, NULL, "dereference of %p below zero", object);
	} else if (left == FLT_RUNDOWN_GOING) {
		drained(obj);
	}
}

/**
 * flt_object_dereference() - drop a reference
 * @object: a filter, a volume or an instance
 *
 * A teardown that waits for the last reference goes on. What is none of the three
 * is reported, and left alone. REF-04, REF-12
 *
 * Context: ATOMIC.
 */
void flt_object_dereference(void *object)
{
	struct flt_object *obj = flt_to_object(object, "dereference");

	if (!obj)
		return;
	if (flt_verifying() && !flt_verify_dereference(obj))
		return;
	flt_dereference(obj);
}
EXPORT_SYMBOL_GPL(flt_object_dereference);

/*
 * The teardown begins: no new reference from here on. Once per object. The
 * caller gets one itself, so that ->drained() waits for the end of the
 * teardown: it drops that with flt_dereference(). TDN-11, URG-09
 */
void flt_object_close(struct flt_object *obj)
{
	long old = atomic_long_fetch_add(FLT_RUNDOWN_REF + FLT_RUNDOWN_GOING, &obj->rundown);

	WARN_ON(old & FLT_RUNDOWN_GOING);
}

/* From flt_object_close() on, for ever. Any context. */
bool flt_object_going(const struct flt_object *obj)
{
	return atomic_long_read(&obj->rundown) & FLT_RUNDOWN_GOING;
}

/* How many there are just now, for reports. */
unsigned long flt_object_references(const struct flt_object *obj)
{
	return atomic_long_read(&obj->rundown) / FLT_RUNDOWN_REF;
}
