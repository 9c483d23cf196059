// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier's switch, and its reports.
 *
 * Who is verified is settled when a filter registers, and stays so: what is
 * noted of it is complete. The branches are on as long as filters that come are
 * to be verified, or one that is verified is there.
 */
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "internal.h"

const struct vrf_kind vrf_kinds[] = {
	[FLT_KIND_FILTER] = { "filter", "REF-08", false },
	[FLT_KIND_VOLUME] = { "volume", "REF-10", false },
	[FLT_KIND_INSTANCE] = { "instance", "REF-09", false },
	[FLT_KIND_DATA] = { "callback-data", "FIO-15", true },
	[FLT_KIND_DEFERRED] = { "deferred-item", "WRK-12", true },
	[FLT_KIND_GENERIC] = { "generic-item", "WRK-12", true },
	[FLT_KIND_QUEUE] = { "queue", NULL, true },
	[FLT_KIND_CONTEXT] = { "context", NULL, true },
	[FLT_KIND_CONTEXT_REF] = { "context-reference", "CTX-46", false },
};

const unsigned int vrf_nr_kinds = FLT_NR_KINDS;

DEFINE_STATIC_KEY_FALSE(flt_verify_key);
EXPORT_SYMBOL_IF_KUNIT(flt_verify_key);

/* What "verifier" says: nobody (0), all that come (1), or their names. */
static DEFINE_MUTEX(flt_verifier_lock);			/* outside of T */
static char flt_verifier[VRF_NAMES_SIZE] = "0";	/* flt_verifier_lock */
static bool flt_verifier_on;				/* likewise: is a user */
static unsigned int flt_verifier_users;			/* likewise */
static u32 flt_verifier_epochs;				/* likewise */
/* Counts the times it was switched on; 0: it is off, or not everywhere yet. */
u32 flt_verify_epoch;
/* Every operation there is has been seen from its dispatch on. */
static bool flt_verifier_complete;

bool flt_verify_complete(void)
{
	return READ_ONCE(flt_verifier_complete);
}

/* Some operation was not seen. */
void flt_verify_incomplete(void)
{
	WRITE_ONCE(flt_verifier_complete, false);
}

/* Nothing is on its way that was not seen, if there are no volumes. Called with T. */
void flt_verify_no_volume(void)
{
	if (READ_ONCE(flt_verify_epoch) && list_empty(&flt_volumes))
		WRITE_ONCE(flt_verifier_complete, true);
}

/* Somebody wants the branches on. */
static void flt_verifier_get(void)
{
	lockdep_assert_held(&flt_verifier_lock);
	if (flt_verifier_users++)
		return;
	WRITE_ONCE(flt_verifier_complete, false);
	vrf_forget_ended();
	static_branch_enable(&flt_verify_key);
	/* Only now is every place on: records that are begun are carried on. */
	flt_verifier_epochs++;
	WRITE_ONCE(flt_verify_epoch, flt_verifier_epochs ?: ++flt_verifier_epochs);
	mutex_lock(&flt_topology_lock);
	flt_verify_no_volume();
	mutex_unlock(&flt_topology_lock);
}

static void flt_verifier_put(void)
{
	lockdep_assert_held(&flt_verifier_lock);
	if (--flt_verifier_users)
		return;
	WRITE_ONCE(flt_verify_epoch, 0);
	static_branch_disable(&flt_verify_key);
}

static void flt_verifier_switch(bool on)
{
	if (on == flt_verifier_on)
		return;
	flt_verifier_on = on;
	if (on)
		flt_verifier_get();
	else
		flt_verifier_put();
}

/* Filters that are registered stay as they are. VRF-01 */
int flt_verifier_set(const char *val)
{
	char text[VRF_NAMES_SIZE], *names;

	if (strscpy(text, val, sizeof(text)) < 0)
		return STATUS_INVALID_PARAMETER;
	names = strim(text);
	if (!vrf_names_valid(names, flt_check_name))
		return STATUS_INVALID_PARAMETER;
	mutex_lock(&flt_verifier_lock);
	strscpy(flt_verifier, names, sizeof(flt_verifier));
	flt_verifier_switch(strcmp(names, "0"));
	mutex_unlock(&flt_verifier_lock);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(flt_verifier_set);

static int flt_verifier_param_set(const char *val, const struct kernel_param *kp)
{
	return flt_verifier_set(val);
}

static int flt_verifier_param_get(char *buf, const struct kernel_param *kp)
{
	int n;

	mutex_lock(&flt_verifier_lock);
	n = sysfs_emit(buf, "%s\n", flt_verifier);
	mutex_unlock(&flt_verifier_lock);
	return n;
}

static const struct kernel_param_ops flt_verifier_ops = {
	.set = flt_verifier_param_set,
	.get = flt_verifier_param_get,
};

module_param_cb(verifier, &flt_verifier_ops, NULL, 0644);
__MODULE_PARM_TYPE(verifier, "0|1|FILTER[,FILTER...]");
MODULE_PARM_DESC(verifier,
		 "Verify filters that register from now on: none (0, default), all (1), or those named");

/* A filter is made; nobody knows it yet. */
int flt_verify_register(struct flt_filter *filter)
{
	mutex_lock(&flt_verifier_lock);
	filter->verified = vrf_names_have(flt_verifier, filter->name);
	if (filter->verified)
		flt_verifier_get();
	mutex_unlock(&flt_verifier_lock);
	filter->owner_rec = vrf_owner_create(filter->owner, filter->name, filter->verified);
	return filter->owner_rec ? 0 : STATUS_INSUFFICIENT_RESOURCES;
}

static void flt_verifier_let_go(void)
{
	mutex_lock(&flt_verifier_lock);
	flt_verifier_put();
	mutex_unlock(&flt_verifier_lock);
}

/*
 * Its memory goes. What it has still it may give back until its module goes, which is
 * to be seen, too.
 */
void flt_verify_release(struct flt_filter *filter)
{
	struct vrf_owner *owner = filter->owner_rec;
	bool stay;

	if (!owner)
		return;
	stay = filter->verified && vrf_owner_has_items(owner);
	WRITE_ONCE(owner->stays, stay);
	if (stay)
		return;		/* with its reference: flt_verify_leaves() */
	vrf_owner_put(owner);
	if (filter->verified)
		flt_verifier_let_go();
}

/* The module of an owner goes. */
void flt_verify_leaves(struct vrf_owner *owner)
{
	if (!READ_ONCE(owner->stays))
		return;
	flt_verifier_let_go();
	vrf_owner_put(owner);
}

/*
 * Whose call it is, with a reference: the filter whose callback runs here, or
 * whose module's code is on the stack. NULL: nobody's. *@certain: no other's.
 */
struct vrf_owner *flt_verify_caller(bool *certain)
{
	struct flt_filter *filter = flt_frame_filter();

	if (!filter)
		return vrf_owner_caller(certain);
	*certain = true;
	return vrf_owner_get(filter->owner_rec);
}

/* With verifier_action=refuse, who has broken a rule gets no more instances. */
bool flt_verify_banned(const struct flt_filter *filter)
{
	return READ_ONCE(filter->owner_rec->broke_rule) && vrf_action() == VRF_REFUSE;
}

/* What the manager owes to filters is not theirs to break. */
static bool flt_is_managers_rule(const char *rule)
{
	return !strncmp(rule, "INV-", 4) && strcmp(rule, "INV-18");
}

static void flt_vblame(const struct flt_blame *blame, const char *fmt, va_list args)
{
	const struct flt_filter *filter = blame->filter;
	const struct flt_instance *inst = blame->inst;
	const struct vrf_owner *owner = blame->owner;
	struct vrf_owner *caller = NULL;
	char head[VRF_HEAD_SIZE], op[20] = "-";
	struct va_format vaf = { .fmt = fmt };
	va_list copy;
	bool certain;

	if (!filter && inst)
		filter = inst->filter;
	if (!filter && !owner) {
		caller = blame->code ? vrf_owner_of(blame->code) : flt_verify_caller(&certain);
		owner = caller;
	}
	if (blame->op_id)
		snprintf(op, sizeof(op), "%llx", blame->op_id);
	va_copy(copy, args);
	vaf.va = &copy;
	snprintf(head, sizeof(head), "filter %s instance %s volume %s operation %s: %pV",
		 filter ? filter->name : owner ? owner->name : "-", inst ? inst->name : "-",
		 inst ? inst->volume->name : "-", op, &vaf);
	va_end(copy);
	if (filter)
		owner = filter->owner_rec;
	if (vrf_report(blame->rule, head, flt_verifying(), blame->cause, blame->what) && owner &&
	    !flt_is_managers_rule(blame->rule))
		WRITE_ONCE(((struct vrf_owner *)owner)->broke_rule, true);
	vrf_owner_put(caller);
}

/* A rule was broken: say which, by whom, where. Nothing else happens here. VRF-07 */
void flt_blame(const struct flt_blame *blame, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	flt_vblame(blame, fmt, args);
	va_end(args);
}

void flt_violation(const char *rule, const struct flt_filter *filter,
		   const struct flt_instance *inst, const char *fmt, ...)
{
	struct flt_blame blame = { .rule = rule, .filter = filter, .inst = inst };
	va_list args;

	va_start(args, fmt);
	flt_vblame(&blame, fmt, args);
	va_end(args);
}

/* ... with an operation that cannot go, and so can be looked at. */
void flt_violation_op(const char *rule, const struct flt_instance *inst,
		      const struct flt_operation *op, const char *fmt, ...)
{
	struct flt_blame blame = { .rule = rule, .inst = inst, .op_id = op->id };
	struct vrf_trace cause;
	va_list args;

	if (flt_verifying() && flt_verify_op_trace(op, &cause, &blame.what))
		blame.cause = &cause;
	va_start(args, fmt);
	flt_vblame(&blame, fmt, args);
	va_end(args);
}

/* ... with one that may be gone: only its record is looked at. */
void flt_violation_data(const char *rule, const struct flt_callback_data *data,
			const char *fmt, ...)
{
	struct flt_blame blame = { .rule = rule };
	struct vrf_trace cause;
	va_list args;

	if (flt_verifying() && flt_verify_find(data, &blame.op_id, &cause, &blame.what))
		blame.cause = &cause;
	va_start(args, fmt);
	flt_vblame(&blame, fmt, args);
	va_end(args);
}

unsigned int flt_violation_count(void)
{
	return vrf_reports();
}
EXPORT_SYMBOL_IF_KUNIT(flt_violation_count);

void flt_verify_debugfs(struct dentry *dir)
{
	vrf_report_debugfs(dir);
	vrf_track_debugfs(dir, flt_verify_op_stacks);
	flt_verify_contexts_debugfs(dir);
}

/* flt_verify_exit() undoes as much as there is. */
int flt_verify_init(void)
{
	int rc = vrf_init();

	if (rc)
		return rc;
	return flt_verify_op_init();
}

void flt_verify_exit(void)
{
	flt_verify_op_exit();
	vrf_exit();
}
