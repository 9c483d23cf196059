// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier: an operation on its way.
 *
 * Each operation that is dispatched while the verifier is on has a record: who
 * sent it, whom it has met, who wants to be called on its way up. The record is
 * changed by who moves the operation, and a step in it by who wins the node's
 * post-op: the walk or a teardown. It is looked at under the lock of the in-flight
 * set, or by who moves the operation. INV-01..INV-03, INV-12, INV-14, INV-15
 *
 * Records are found by their operation too, without looking at that: what a filter
 * takes for one may be gone. O, flt_vop_lock, irq-safe; nothing is taken inside.
 */
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include "generated.h"

#define FLT_VOP_STEPS	32	/* instances that an operation may meet and still be followed */

enum flt_step_state {
	FLT_STEP_MET,
	FLT_STEP_OWED,
	FLT_STEP_POSTED,
	FLT_STEP_DRAINED,
};

struct flt_vstep {
	u32 instance_id;
	u32 sum;		/* of the parameters as its pre-op was shown them */
	u8 state;
};

struct flt_vop {
	struct flt_vdata vdata;		/* O */
	u32 epoch;			/* I: of flt_verify_epoch; not of use in another one */
	u64 seq;			/* I */
	u64 id;				/* I */
	struct vrf_trace sent;		/* I: by whom */
	struct vrf_trace handed;	/* O: to a queue or a work item, last */
	struct flt_instance *met;	/* O: the last one on the way down, kept */
	struct flt_io_parameter_block *iopb;	/* I */
	pid_t pid;			/* I */
	u32 flags;			/* as the last pre-operation was shown them */
	unsigned int nr;		/* steps */
	unsigned int up;		/* O: below that step is no more to be called */
	unsigned long canceled;		/* jiffies; 0: its routine was not called */
	unsigned long pended;		/* jiffies of the last time, 0: never */
	bool queued;			/* in a callback-data queue */
	bool slow;			/* reported */
	struct flt_vstep steps[FLT_VOP_STEPS];
};

static struct kmem_cache *flt_vop_cache;
static DEFINE_SPINLOCK(flt_vop_lock);
static DEFINE_HASHTABLE(flt_vdata, 10);		/* O: by address */
static atomic64_t flt_vop_seq;

/* Who has ended operations of late: for those that are taken to be under way still. */
#define FLT_VOP_ENDED	64
static struct {
	const struct flt_callback_data *data;
	u64 id;
	struct vrf_trace trace;
} flt_vop_past[FLT_VOP_ENDED];			/* O */
static unsigned int flt_vop_nr_past;		/* O */

int flt_verify_op_init(void)
{
	flt_vop_cache = KMEM_CACHE(flt_vop, 0);
	return flt_vop_cache ? 0 : STATUS_INSUFFICIENT_RESOURCES;
}

void flt_verify_op_exit(void)
{
	kmem_cache_destroy(flt_vop_cache);
}

u64 flt_verify_seq(void)
{
	return atomic64_read(&flt_vop_seq);
}

void flt_vdata_add(struct flt_vdata *vdata, const struct flt_callback_data *data, bool copy)
{
	unsigned long flags;

	vdata->data = data;
	vdata->copy = copy;
	spin_lock_irqsave(&flt_vop_lock, flags);
	hash_add(flt_vdata, &vdata->hash, (unsigned long)data);
	spin_unlock_irqrestore(&flt_vop_lock, flags);
}

void flt_vdata_del(struct flt_vdata *vdata)
{
	unsigned long flags;

	spin_lock_irqsave(&flt_vop_lock, flags);
	hash_del(&vdata->hash);
	spin_unlock_irqrestore(&flt_vop_lock, flags);
}

/*
 * The operation's record. NULL: it has none, or it was switched off meanwhile and
 * some of its way was not seen.
 */
static struct flt_vop *flt_vop_of(const struct flt_operation *op)
{
	struct flt_vop *vop = op->verify;

	return vop && vop->epoch == READ_ONCE(flt_verify_epoch) ? vop : NULL;
}

/* The operation is about to join its volume's set. PASSIVE */
void flt_verify_dispatch(struct flt_operation *op)
{
	u32 epoch = READ_ONCE(flt_verify_epoch);
	struct flt_vop *vop;

	if (!epoch)
		return;
	vop = kmem_cache_zalloc(flt_vop_cache, GFP_NOIO | __GFP_NOWARN | __GFP_NORETRY);
	if (!vop) {
		flt_verify_incomplete();
		return;
	}
	vop->epoch = epoch;
	vop->id = op->id;
	vop->seq = atomic64_inc_return(&flt_vop_seq);
	vop->iopb = op->data.iopb;
	vop->pid = op->data.requestor_pid;
	vrf_trace_here(&vop->sent);
	op->verify = vop;
	flt_vdata_add(&vop->vdata, &op->data, false);
}

static void flt_vop_meet(struct flt_vop *vop, struct flt_instance *inst)
{
	if (vop->met)
		kobject_put(&vop->met->kobj);
	if (inst)
		kobject_get(&inst->kobj);
	vop->met = inst;
}

/* INV-01, INV-12 */
static void flt_vop_settled(const struct flt_operation *op, const struct flt_vop *vop)
{
	unsigned int i;

	for (i = 0; i < vop->nr; i++)
		if (vop->steps[i].state == FLT_STEP_OWED)
			flt_violation_op("INV-01", NULL, op,
					 "ends, and instance %u was not called",
					 vop->steps[i].instance_id);
	if (vop->queued)
		flt_violation_op("INV-12", NULL, op, "ends while it is in a queue");
}

static void flt_vop_note_end(const struct flt_operation *op)
{
	struct vrf_trace here;
	unsigned long flags;
	unsigned int n;

	vrf_trace_here(&here);
	spin_lock_irqsave(&flt_vop_lock, flags);
	n = flt_vop_nr_past++ % FLT_VOP_ENDED;
	flt_vop_past[n].data = &op->data;
	flt_vop_past[n].id = op->id;
	flt_vop_past[n].trace = here;
	spin_unlock_irqrestore(&flt_vop_lock, flags);
}

/* The last one that was there. False: it was not of late. */
static bool flt_vop_ended(const struct flt_callback_data *data, u64 *id, struct vrf_trace *trace)
{
	unsigned long flags;
	bool found = false;
	unsigned int i, n;

	spin_lock_irqsave(&flt_vop_lock, flags);
	for (i = 1; i <= FLT_VOP_ENDED && !found; i++) {
		n = (flt_vop_nr_past - i) % FLT_VOP_ENDED;
		if (flt_vop_past[n].data != data)
			continue;
		*id = flt_vop_past[n].id;
		*trace = flt_vop_past[n].trace;
		found = true;
	}
	spin_unlock_irqrestore(&flt_vop_lock, flags);
	return found;
}

/* It has left the set. Any context. */
void flt_verify_end(struct flt_operation *op)
{
	struct flt_vop *vop = op->verify;

	if (flt_vop_of(op))
		flt_vop_settled(op, vop);
	flt_vop_note_end(op);
	flt_vdata_del(&vop->vdata);
	op->verify = NULL;
	flt_vop_meet(vop, NULL);
	kmem_cache_free(flt_vop_cache, vop);
}

static u32 flt_parameter_sum(const struct flt_io_parameter_block *iopb)
{
	const struct flt_parameters_rw *rw = &iopb->parameters.read;
	u32 sum = jhash_2words(iopb->irp_flags, iopb->major_function, 0);

	sum = jhash_2words((u32)rw->byte_offset, (u32)(rw->byte_offset >> 32), sum);
	sum = jhash_2words((u32)rw->length, (u32)(rw->length >> 32), sum);
	return jhash(&rw->bio, sizeof(rw->bio), sum);
}

static struct flt_vstep *flt_vop_step(struct flt_vop *vop, u32 instance_id)
{
	/* Pairs with the release in flt_verify_arrive(). */
	unsigned int i, nr = smp_load_acquire(&vop->nr);

	for (i = 0; i < nr; i++)
		if (vop->steps[i].instance_id == instance_id)
			return &vop->steps[i];
	return NULL;
}

/* INV-02, INV-03, INV-15 */
static void flt_verify_place(struct flt_operation *op, struct flt_instance *inst,
			     const struct flt_vop *vop)
{
	struct flt_instance *by = flt_generated_by(op);
	u64 start = READ_ONCE(inst->verify.start_seq);

	if (vop->met && flt_altitude_cmp(vop->met->altitude, inst->altitude) <= 0)
		flt_violation_op("INV-02", inst, op, "comes down from instance %s, not above it",
				 vop->met->name);
	if (by && flt_altitude_cmp(by->altitude, inst->altitude) <= 0)
		flt_violation_op("INV-15", inst, op, "was initiated by instance %s, not above it",
				 by->name);
	if (start && vop->seq > start)
		flt_violation_op("INV-03", inst, op, "came after teardown_start");
}

/* It stands at @inst, whose pre-op, if it has one, is called next. */
void flt_verify_arrive(struct flt_operation *op, struct flt_instance *inst)
{
	struct flt_vop *vop = flt_vop_of(op);
	struct flt_vstep *step;

	if (!vop)
		return;
	flt_verify_place(op, inst, vop);
	flt_vop_meet(vop, inst);
	vop->flags = op->data.flags;
	WRITE_ONCE(vop->canceled, 0);
	if (vop->nr == FLT_VOP_STEPS)
		return;
	step = &vop->steps[vop->nr];
	step->instance_id = inst->id;
	step->sum = flt_parameter_sum(&op->iopb);
	step->state = FLT_STEP_MET;
	/* Whoever finds the step sees all of it. */
	smp_store_release(&vop->nr, vop->nr + 1);
	vop->up = vop->nr;
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_arrive);

/* @inst wants its post-op; its node is about to be published. */
void flt_verify_owed(struct flt_operation *op, struct flt_instance *inst)
{
	struct flt_vop *vop = flt_vop_of(op);
	struct flt_vstep *step = vop ? flt_vop_step(vop, inst->id) : NULL;

	if (step)
		WRITE_ONCE(step->state, FLT_STEP_OWED);
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_owed);

/* The walk has won the post-op of @inst and calls it next. INV-01, INV-02, INV-14 */
void flt_verify_post(struct flt_operation *op, struct flt_instance *inst)
{
	struct flt_vop *vop = flt_vop_of(op);
	struct flt_vstep *step;
	unsigned int place;

	if (!vop)
		return;
	WRITE_ONCE(vop->canceled, 0);
	step = flt_vop_step(vop, inst->id);
	if (!step)
		return;
	if (READ_ONCE(step->state) != FLT_STEP_OWED)
		flt_violation_op("INV-01", inst, op, "its post-operation is called %s",
				 step->state == FLT_STEP_MET ? "and was not wanted" : "twice");
	WRITE_ONCE(step->state, FLT_STEP_POSTED);
	place = step - vop->steps;
	if (place >= vop->up)
		flt_violation_op("INV-02", inst, op, "its post-operation is called out of order");
	vop->up = place;
	if (step->sum != flt_parameter_sum(&op->iopb))
		flt_violation_op("INV-14", inst, op,
				 "its post-operation is shown other parameters than its pre-operation");
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_post);

static bool flt_same_parameters(const struct flt_io_parameter_block *iopb,
				const struct flt_passed *passed)
{
	return iopb->irp_flags == passed->irp_flags &&
	       iopb->major_function == passed->major_function &&
	       iopb->parameters.read.byte_offset == passed->rw.byte_offset &&
	       iopb->parameters.read.length == passed->rw.length &&
	       iopb->parameters.read.bio == passed->rw.bio;
}

/*
 * The post-operation of @node is over: what is above is to be shown what it was
 * shown before, and is not to be taken for the culprit. VRF-04
 */
void flt_verify_posted(struct flt_operation *op, struct flt_node *node)
{
	struct flt_instance *inst = node->instance;
	struct flt_passed seen;

	flt_seen_at(op, node, &seen);
	if (flt_same_parameters(&op->iopb, &seen))
		return;
	if (inst->filter->verified)
		flt_violation_op("MOD-01", inst, op,
				 "parameters were changed in its post-operation");
	flt_modify_undo(op, &seen);
}

/* A teardown has won it. The operation does not go meanwhile. */
void flt_verify_drained(struct flt_operation *op, struct flt_instance *inst)
{
	struct flt_vop *vop = flt_vop_of(op);
	struct flt_vstep *step = vop ? flt_vop_step(vop, inst->id) : NULL;

	if (step)
		WRITE_ONCE(step->state, FLT_STEP_DRAINED);
}

/*
 * The filter of @inst is through with the operation. @dirty: it has said so if it
 * has changed something, or that does not matter. VRF-04, VRF-11g
 */
void flt_verify_parameters(struct flt_operation *op, struct flt_instance *inst, bool dirty)
{
	struct flt_vop *vop = flt_vop_of(op);

	if (!vop)
		return;
	WRITE_ONCE(vop->canceled, 0);
	if (op->data.requestor_pid != vop->pid) {
		flt_violation_op("OPC-05", inst, op, "changed the requestor");
		op->data.requestor_pid = vop->pid;
	}
	/* OPC-07: the mark apart, flags are the manager's. */
	if ((op->data.flags ^ vop->flags) & ~FLTFL_CALLBACK_DATA_DIRTY) {
		flt_violation_op("OPC-07", inst, op, "changed flags %#x",
				 op->data.flags ^ vop->flags);
		op->data.flags = vop->flags | (op->data.flags & FLTFL_CALLBACK_DATA_DIRTY);
	}
	if (op->data.iopb != vop->iopb) {
		flt_violation_op("OPC-05", inst, op, "changed where the parameters are");
		op->data.iopb = vop->iopb;
	}
	if (READ_ONCE(op->iopb.target_instance) != inst)
		flt_violation_op("OPC-06", inst, op, "changed the target");
	if (!dirty && !flt_same_parameters(&op->iopb, &op->passed))
		flt_violation_op("MOD-01", inst, op, "changed parameters and did not say so");
}

/* Into a queue, or out of it; under the queue's lock. INV-12 */
void flt_verify_queued(struct flt_operation *op, struct flt_instance *inst, bool queued)
{
	struct flt_vop *vop = flt_vop_of(op);

	if (!vop)
		return;
	if (vop->queued == queued)
		flt_violation_op("INV-12", inst, op, queued ? "is put into a queue twice" :
				 "is taken out of a queue twice");
	vop->queued = queued;
	if (queued)
		flt_verify_handed(&op->data);
}
EXPORT_SYMBOL_IF_KUNIT(flt_verify_queued);

/* Its cancel routine is called next. */
void flt_verify_canceled(struct flt_operation *op)
{
	if (!op->verify)
		return;
	WRITE_ONCE(op->verify->canceled, jiffies | 1);
	flt_verify_kick();
}

/* A filter has pended it, which was not left yet. */
void flt_verify_pended(struct flt_operation *op)
{
	WRITE_ONCE(op->verify->pended, jiffies | 1);
}

/* With the lock of the set: since when, if that is later than @since. */
unsigned long flt_verify_pended_since(const struct flt_operation *op, unsigned long since)
{
	const struct flt_vop *vop = op->verify;
	unsigned long pended = vop ? READ_ONCE(vop->pended) : 0;

	return pended && time_after(pended, since) ? pended : since;
}

/*
 * With the lock of the set: told to be cancelled, and not done in time? *@again: it
 * is to be looked at again. VRF-14
 */
bool flt_verify_op_slow(const struct flt_operation *op, unsigned long grace, bool *again)
{
	const struct flt_vop *vop = flt_vop_of(op);
	unsigned long since = vop ? READ_ONCE(vop->canceled) : 0;

	if (!since || vop->slow)
		return false;
	*again = true;
	return time_after_eq(jiffies, since + grace);
}

/* That was reported. */
void flt_verify_op_told(struct flt_operation *op)
{
	op->verify->slow = true;
}

static struct flt_vdata *flt_vdata_find(const struct flt_callback_data *data)
{
	struct flt_vdata *vdata;

	lockdep_assert_held(&flt_vop_lock);
	hash_for_each_possible(flt_vdata, vdata, hash, (unsigned long)data)
		if (vdata->data == data)
			return vdata;
	return NULL;
}

/* Called with the lock. NULL: there is none, or it is a copy. */
static struct flt_vop *flt_vop_find(const struct flt_callback_data *data)
{
	struct flt_vdata *vdata = flt_vdata_find(data);

	return vdata && !vdata->copy ? container_of(vdata, struct flt_vop, vdata) : NULL;
}

bool flt_verify_under_way(const void *data)
{
	unsigned long flags;
	bool known;

	spin_lock_irqsave(&flt_vop_lock, flags);
	known = flt_vdata_find(data);
	spin_unlock_irqrestore(&flt_vop_lock, flags);
	return known;
}

/* The caller, who may not have it, puts it where somebody else will find it. */
void flt_verify_handed(const struct flt_callback_data *data)
{
	struct vrf_trace here;
	struct flt_vop *vop;
	unsigned long flags;

	vrf_trace_here(&here);
	spin_lock_irqsave(&flt_vop_lock, flags);
	vop = flt_vop_find(data);
	if (vop)
		vop->handed = here;
	spin_unlock_irqrestore(&flt_vop_lock, flags);
}

/* What is known of an operation that is not looked at. */
bool flt_verify_find(const struct flt_callback_data *data, u64 *id, struct vrf_trace *trace,
		     const char **what)
{
	struct flt_vop *vop;
	unsigned long flags;

	spin_lock_irqsave(&flt_vop_lock, flags);
	vop = flt_vop_find(data);
	if (vop) {
		*id = vop->id;
		*trace = vop->handed.when ? vop->handed : vop->sent;
		*what = vop->handed.when ? "handed on" : "sent";
	}
	spin_unlock_irqrestore(&flt_vop_lock, flags);
	return vop;
}

/*
 * Is @data an operation that is under way? Not looked at. Reported if it is not,
 * for certain; with who has ended it. PND-07
 */
bool flt_verify_live(const struct flt_callback_data *data, const char *rule, const char *what)
{
	struct flt_blame blame = { .rule = rule };
	struct vrf_trace ended;

	/* One of a filter's own is not under way all the time. */
	if (!flt_verify_complete() || vrf_has(FLT_KIND_DATA, data))
		return true;
	/* The second look: not if one was dispatched without a record meanwhile. */
	if (flt_verify_under_way(data) || !flt_verify_complete())
		return true;
	if (flt_vop_ended(data, &blame.op_id, &ended)) {
		blame.cause = &ended;
		blame.what = "ended";
	}
	flt_blame(&blame, "%s of an operation that has ended, %p", what, data);
	return false;
}

/* How it came to be where it is. */
bool flt_verify_op_trace(const struct flt_operation *op, struct vrf_trace *trace,
			 const char **what)
{
	u64 id;

	return flt_verify_find(&op->data, &id, trace, what);
}

/* The stacks of all records. */
void flt_verify_op_stacks(void (*add)(void *arg, depot_stack_handle_t stack), void *arg)
{
	struct flt_vdata *vdata;
	int bucket;

	spin_lock_irq(&flt_vop_lock);
	hash_for_each(flt_vdata, bucket, vdata, hash) {
		const struct flt_vop *vop = container_of(vdata, struct flt_vop, vdata);

		if (!vdata->copy)
			add(arg, vop->handed.when ? vop->handed.stack : vop->sent.stack);
	}
	spin_unlock_irq(&flt_vop_lock);
}
