/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fltmgr: what a volume provider includes (kmod/volumes/).
 *
 * A provider embeds a struct flt_operation in what it allocates for an
 * operation anyway and
 *
 *  1. fills it with flt_operation_init() and calls flt_dispatch();
 *  2. sends it to the device when flt_dispatch() says FLT_SUBMIT, or when the
 *     manager calls ops->submit();
 *  3. calls flt_complete() when the device is done, and ends the operation
 *     when that says FLT_DONE, or when the manager calls ops->complete().
 *
 * Each of 2 and 3 happens once, and one operation may skip 2 (a filter
 * completed it). Nobody touches an operation between ops->submit() and
 * flt_complete(), nor after ops->complete() or FLT_DONE.
 *
 * The provider keeps the volume until the last of its operations has ended:
 * flt_volume_dismount() waits for those that are with a filter, not for those
 * that are with the device or on their way back to the provider.
 */
#ifndef _LINUX_FLTMGR_VOLUME_H
#define _LINUX_FLTMGR_VOLUME_H

#include <linux/atomic.h>
#include <linux/bvec.h>
#include <linux/fltmgr.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/workqueue_types.h>

/* Operation classes: what a volume keeps a stack for. */
enum flt_class {
	FLT_CLASS_READ,
	FLT_CLASS_WRITE,
	FLT_CLASS_FLUSH,
	FLT_CLASS_DISCARD,
	FLT_CLASS_SECURE_ERASE,
	FLT_CLASS_WRITE_ZEROES,
	FLT_NR_CLASSES,
};

/* Completion nodes inside an operation; more come from the instances' pools. */
#define FLT_INLINE_NODES	16

struct flt_node_pool;
struct flt_saved;
struct flt_stack;
struct flt_vop;
struct flt_walk;

/**
 * struct flt_node - one owed post-operation
 * @state: enum flt_node_state, and FLT_NODE_WATCHED
 * @instance_id: for diagnostics, valid also when @instance is not
 * @instance: whose post-operation it is; only for who won @state
 * @context: the completion context
 * @sync: the thread that wants the operation back here, or NULL; set only if the
 *	operation has extras
 * @above: the node to visit next on the way up
 * @pool: where the node goes back to; not set when it is inline
 * @saved: what the parameters were before the instance changed them, or NULL;
 *	likewise
 *
 * Manager only.
 */
struct flt_node {
	atomic_t state;
	u32 instance_id;
	struct flt_instance *instance;
	void *context;
	struct flt_walk *sync;
	struct flt_node *above;
	struct flt_node_pool *pool;
	struct flt_saved *saved;
};

/**
 * struct flt_passed - what a filter may change, as the next one is to see it
 * @rw: the parameters
 * @irp_flags: the flags
 * @major_function: never changes, as the next two; to put it back
 * @minor_function: likewise
 * @operation_flags: likewise
 */
struct flt_passed {
	struct flt_parameters_rw rw;
	struct_group(what,
		     u32 irp_flags;
		     u8 major_function;
		     u8 minor_function;
		     u8 operation_flags;
		     );
};

/* flt_operation.joined */
#define FLT_OP_JOINED		0x1
#define FLT_OP_GENERATED	0x2

/* An entry of a volume's in-flight set: an operation, or a scan's cursor. */
struct flt_inflight_link {
	struct list_head list;
	int cpu;
	bool is_cursor;
};

/**
 * struct flt_operation - an operation, embedded by its provider
 * @data: what filters see
 * @iopb: @data's parameter block
 * @volume: the volume it is on
 * @word: the instance it stands at, enum flt_op_state and FLT_OP_WATCHED
 * @last: the node pushed last, the head of the chain
 * @up: where the walk up stands
 * @link: in the volume's in-flight set
 * @generation: of the stack that @index belongs to
 * @index: the slot it stands at
 * @class: enum flt_class
 * @nr_nodes: inline nodes in use; one more than there are if others are, too
 * @joined: %FLT_OP_JOINED while it is in the in-flight set; %FLT_OP_GENERATED if
 *	it is a filter's own
 * @modified: some filter has changed the parameters: the provider is to do what
 *	@iopb says, when it gets the operation to send it to the device
 * @careful: not to be walked past any filter without a closer look
 * @dirty: parameters were marked dirty in the callback that runs
 * @status_wanted: the pre-operation that runs asks how it is sent down; its
 *	thread's alone
 * @extras: some of its nodes have @sync or @saved set
 * @canceled: somebody has cancelled it; never taken back
 * @answer: recorded by a completion before the pre-operation returned
 * @answer_context: likewise
 * @runner: the task that walks it, and runs its callbacks, now
 * @id: unique among all operations since boot
 * @start: jiffies at dispatch
 * @passed: the parameters as the instance it stands at found them, or as the
 *	device is to get them
 * @work: to carry the operation on elsewhere: the provider's before
 *	flt_dispatch() and between ops->submit() and flt_complete(), the
 *	manager's at all other times
 * @safe_routine: on the way up, with @work: see safe.c
 * @at_device: the provider's between ops->issue() and flt_issue_done()
 * @cancel_routine: to be called when it is cancelled; who takes it has the operation
 * @cancel_place: where it is held, valid with @cancel_routine
 * @cancel_context: the routine's: a queue, likewise
 * @cbdq_context: names it in that queue, or NULL
 * @sync_iter: of the bio, when a filter last asked for %FLT_PREOP_SYNCHRONIZE
 * @verify: what the verifier has noted of it, NULL: nothing
 * @nodes: inline nodes
 *
 * Manager only, apart from @data, @iopb, @modified, @id, @work, @at_device.
 */
struct flt_operation {
	struct flt_callback_data data;
	struct flt_io_parameter_block iopb;
	struct flt_volume *volume;
	atomic_long_t word;
	struct flt_node *last;
	struct flt_node *up;
	struct flt_inflight_link link;
	union {
		u64 generation;		/* on the way down */
		flt_post_operation_callback safe_routine;	/* on the way up */
		struct llist_node at_device;	/* in between */
	};
	u32 index;
	u8 class;
	u8 nr_nodes;
	u8 joined;
	bool modified;
	union {
		u32 careful;		/* any of: */
		struct {
			bool dirty;
			bool status_wanted;
			bool extras;
		};
	};
	bool canceled;
	int answer;
	void *answer_context;
	struct task_struct *runner;
	u64 id;
	unsigned long start;
	struct flt_passed passed;
	struct work_struct work;
	flt_complete_canceled_callback cancel_routine;
	unsigned long cancel_place;
	void *cancel_context;
	struct flt_cbdq_io_context *cbdq_context;
	struct flt_vop *verify;
	struct bvec_iter sync_iter;
	struct flt_node nodes[FLT_INLINE_NODES];
};

/* What flt_dispatch() and flt_complete() tell the provider. */
enum flt_verdict {
	FLT_SUBMIT,	/* send it to the device now, in this context */
	FLT_DONE,	/* end it now, in this context */
	FLT_TAKEN,	/* the manager has it; it calls ops when it is time */
};

/* flags of flt_volume_ops.submit() */
#define FLT_SUBMIT_WAITS	0x1	/* this thread waits for the completion next */

/**
 * struct flt_volume_ops - what a provider does
 * @type: kind of volume, "dm", "sim"; shown in sysfs, told to setup callbacks
 * @owner: the provider's module
 * @submit: send an operation to the device. PASSIVE. With %FLT_SUBMIT_WAITS
 *	the calling thread blocks next until flt_complete(), so the operation
 *	must make progress without it
 * @complete: end an operation: op->data.io_status has the result. Any context
 * @release: the last reference to the volume went, PASSIVE; may be NULL
 * @issue: do an operation that is a filter's own: @op->iopb says what, the bio
 *	is not to be used up or changed. PASSIVE; @flags as of @submit. The
 *	provider calls flt_issue_done() when the device is done, or at once if
 *	it cannot. NULL: filters can have no I/O of their own
 */
struct flt_volume_ops {
	const char *type;
	struct module *owner;
	void (*submit)(struct flt_operation *op, unsigned int flags);
	void (*complete)(struct flt_operation *op);
	void (*release)(void *private);
	void (*issue)(struct flt_operation *op, unsigned int flags);
};

/**
 * struct flt_object - rundown protection, the head of filter, volume, instance
 * @type: which of the three
 * @refused: a reference was refused since it is going; the verifier's
 * @rundown: references * 2, plus 1 once the object is going
 * @drained: called once, when it is going and no reference is left; any context
 *
 * Manager only.
 */
struct flt_object {
	u32 type;
	bool refused;
	atomic_long_t rundown;
	void (*drained)(struct flt_object *obj);
};

/**
 * struct flt_volume_head - the head of a volume: what the fast path reads
 * @obj: rundown protection
 * @epoch: other than before if a stack was published or a teardown's scan has
 *	begun or ended since; odd while a scan is under way or is about to be
 * @stack: for each class, the instances that want it
 *
 * Manager only.
 */
struct flt_volume_head {
	struct flt_object obj;
	unsigned long epoch;
	struct flt_stack __rcu *stack[FLT_NR_CLASSES];
};

/**
 * flt_volume_filtered() - does any filter want this class of operation?
 * @volume: a volume
 * @class: enum flt_class
 *
 * The fast path of a provider: when it says no, the operation needs no
 * struct flt_operation at all and goes straight to the device.
 *
 * Context: ATOMIC.
 * Return: true if flt_dispatch() must be called.
 */
static inline bool flt_volume_filtered(const struct flt_volume *volume,
				       enum flt_class class)
{
	const struct flt_volume_head *head = (const void *)volume;

	return rcu_access_pointer(head->stack[class]);
}

struct flt_volume *flt_volume_create(const char *name, const struct flt_volume_ops *ops,
				     void *private);
void flt_volume_offer(struct flt_volume *volume);
void flt_volume_dismount(struct flt_volume *volume);
void flt_volume_put(struct flt_volume *volume);
void *flt_volume_private(const struct flt_volume *volume);
unsigned int flt_volume_cancel(struct flt_volume *volume, unsigned long min_age);

void flt_operation_init(struct flt_operation *op, struct flt_volume *volume,
			enum flt_class class, u32 irp_flags, u64 byte_offset,
			u64 length, struct bio *bio);
enum flt_verdict flt_dispatch(struct flt_operation *op);
enum flt_verdict flt_complete(struct flt_operation *op, int status,
			      unsigned long information);
void flt_issue_done(struct flt_operation *op, int status, unsigned long information);

#endif /* _LINUX_FLTMGR_VOLUME_H */
