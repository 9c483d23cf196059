// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changed parameters and swapped buffers: who sees them, what is refused, and
 * what a teardown makes of them. Three filters, A above B above C; the operation
 * asks for 4096 bytes at 4096.
 */
#include <linux/bio.h>
#include <linux/module.h>

#include "testgate.h"

#define OFFSET	4096
#define LENGTH	4096

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct flt_sim_op *op;
static struct bio *bio, *other_bio;
static struct tf a, b, c;
static unsigned int violations;

/* What a filter does in its pre-operation, and what it found there. */
struct change {
	u64 byte_offset;		/* 0: as it is */
	u64 length;			/* 0: as it is */
	struct bio *bio;		/* NULL: as it is */
	u32 irp_flags;			/* to add */
	bool major;
	bool unmarked;
	struct flt_parameters_rw saw;
	struct bio *swapped;		/* in the post-operation, what it had swapped */
};

static struct change change_a, change_b, change_c;

static struct change *change_of(struct tf *tf)
{
	return tf == &a ? &change_a : tf == &b ? &change_b : &change_c;
}

static void apply(struct change *change, struct flt_callback_data *data)
{
	struct flt_io_parameter_block *iopb = data->iopb;

	if (change->byte_offset)
		iopb->parameters.write.byte_offset = change->byte_offset;
	if (change->length)
		iopb->parameters.write.length = change->length;
	if (change->bio)
		iopb->parameters.write.bio = change->bio;
	if (change->major)
		iopb->major_function = IRP_MJ_READ;
	iopb->irp_flags |= change->irp_flags;
	if (!change->unmarked && (change->byte_offset || change->length || change->bio ||
				  change->major || change->irp_flags))
		flt_set_callback_data_dirty(data);
}

static int look_and_change(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, int status)
{
	struct change *change = change_of(tf);

	change->saw = data->iopb->parameters.write;
	if (status != FLT_PREOP_PENDING)
		apply(change, data);
	return status;
}

/* INV-14: everybody sees in the post-operation what was seen in the pre-operation. */
static int look_again(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, u32 flags, int status)
{
	struct change *change = change_of(tf);

	if (!(flags & FLTFL_POST_OPERATION_DRAINING)) {
		change->swapped = flt_get_swapped_buffer_mdl_address(data);
		WARN_ON(data->iopb->parameters.write.bio != change->saw.bio);
	}
	WARN_ON(data->iopb->parameters.write.byte_offset != change->saw.byte_offset);
	WARN_ON(data->iopb->parameters.write.length != change->saw.length);
	return status;
}

/* As long as the operation, and without any data: nobody here looks. */
static struct bio *make_bio(unsigned int size)
{
	struct bio *new = bio_alloc(NULL, 0, REQ_OP_WRITE, GFP_KERNEL);

	if (!new)
		return NULL;
	new->bi_iter.bi_size = size;
	/* Ours, beside the one that the manager may put. */
	bio_get(new);
	return new;
}

/* References to a bio that make_bio() has made. */
static int bio_references(struct bio *b)
{
	return bio_flagged(b, BIO_REFFED) ? atomic_read(&b->__bi_cnt) : 1;
}

static void drop_bio(struct bio *b)
{
	int n;

	for (n = bio_references(b); n; n--)
		bio_put(b);
}

static int modify_init(struct kunit *test)
{
	struct tf *all[] = { &a, &b, &c };
	int i;

	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, OFFSET, LENGTH, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	bio = make_bio(LENGTH);
	other_bio = make_bio(LENGTH);
	KUNIT_ASSERT_NOT_NULL(test, bio);
	KUNIT_ASSERT_NOT_NULL(test, other_bio);
	memset(&change_a, 0, sizeof(change_a));
	memset(&change_b, 0, sizeof(change_b));
	memset(&change_c, 0, sizeof(change_c));
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		all[i]->on_pre = look_and_change;
		all[i]->on_post = look_again;
		KUNIT_ASSERT_EQ(test, tf_register(all[i]), 0);
	}
	tf_log_clear();
	violations = flt_violation_count();
	return 0;
}

static void modify_exit(struct kunit *test)
{
	tf_resume(&b, FLT_PREOP_SUCCESS_NO_CALLBACK);
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	helpers_stop();
	tf_unregister(&a);
	tf_unregister(&b);
	tf_unregister(&c);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
	drop_bio(bio);
	drop_bio(other_bio);
}

static const struct flt_parameters_rw *at_device(void)
{
	return &op->operation.iopb.parameters.write;
}

/* The operation goes down and stays at the device. */
static void go_down(struct kunit *test)
{
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
}

static void come_up(struct kunit *test, int status)
{
	KUNIT_ASSERT_EQ(test, flt_sim_release(op, FLT_SIM_HARDIRQ, status), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->status, status);
	KUNIT_EXPECT_EQ(test, op->ended.count, 1);
}

static void no_violation(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations);
}

/* MOD-01, MOD-02, MOD-03, INV-14 */
static void a_change_is_seen_below(struct kunit *test)
{
	change_b.byte_offset = 8192;
	go_down(test);
	KUNIT_EXPECT_EQ(test, change_a.saw.byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, change_b.saw.byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, change_c.saw.byte_offset, 8192);
	KUNIT_EXPECT_EQ(test, at_device()->byte_offset, 8192);
	KUNIT_EXPECT_TRUE(test, op->operation.modified);
	come_up(test, -EIO);
	tf_expect_log(test, "A> B> C> C< B< A<");
	KUNIT_EXPECT_EQ(test, c.seen_iopb.parameters.write.byte_offset, 8192);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.parameters.write.byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, OFFSET);
	KUNIT_EXPECT_FALSE(test, c.seen.flags & FLTFL_CALLBACK_DATA_DIRTY);
	no_violation(test);
}

/* MOD-01 */
static void without_a_mark_it_does_not_count(struct kunit *test)
{
	change_b.byte_offset = 8192;
	change_b.length = 512;
	change_b.bio = bio;
	change_b.irp_flags = FLT_IRP_META;
	change_b.major = true;
	change_b.unmarked = true;
	go_down(test);
	KUNIT_EXPECT_EQ(test, change_c.saw.byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, change_c.saw.length, LENGTH);
	KUNIT_EXPECT_NULL(test, change_c.saw.bio);
	KUNIT_EXPECT_EQ(test, at_device()->byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, op->operation.iopb.irp_flags, 0);
	KUNIT_EXPECT_EQ(test, op->operation.iopb.major_function, IRP_MJ_WRITE);
	KUNIT_EXPECT_FALSE(test, op->operation.modified);
	come_up(test, 0);
	/* Only the verifier minds. */
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + b.filter->verified);
}

static int change_mind(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	look_and_change(tf, data, objs, status);
	WARN_ON(!flt_is_callback_data_dirty(data));
	flt_clear_callback_data_dirty(data);
	WARN_ON(flt_is_callback_data_dirty(data));
	return status;
}

/* MOD-01 */
static void a_mark_can_be_taken_back(struct kunit *test)
{
	change_b.byte_offset = 8192;
	b.on_pre = change_mind;
	go_down(test);
	KUNIT_EXPECT_EQ(test, change_c.saw.byte_offset, OFFSET);
	come_up(test, 0);
}

/* MOD-02: undone for those above though the filter does not see the operation again */
static void a_change_without_a_callback(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	change_b.byte_offset = 8192;
	go_down(test);
	KUNIT_EXPECT_EQ(test, change_c.saw.byte_offset, 8192);
	come_up(test, 0);
	tf_expect_log(test, "A> B> C> C< A<");
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, OFFSET);
	no_violation(test);
}

/* MOD-02, MOD-03 */
static void all_three_change_it(struct kunit *test)
{
	change_a.byte_offset = 8192;
	change_b.byte_offset = 16384;
	change_c.byte_offset = 32768;
	go_down(test);
	KUNIT_EXPECT_EQ(test, change_b.saw.byte_offset, 8192);
	KUNIT_EXPECT_EQ(test, change_c.saw.byte_offset, 16384);
	KUNIT_EXPECT_EQ(test, at_device()->byte_offset, 32768);
	come_up(test, 0);
	KUNIT_EXPECT_EQ(test, c.seen_iopb.parameters.write.byte_offset, 16384);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.parameters.write.byte_offset, 8192);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, OFFSET);
	no_violation(test);
}

/* MOD-01, MOD-02: by whoever completes it */
static void changed_while_it_is_pended(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	change_b.byte_offset = 8192;
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	apply(&change_b, &op->operation.data);
	KUNIT_ASSERT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, change_c.saw.byte_offset, 8192);
	come_up(test, 0);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.parameters.write.byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, OFFSET);
	no_violation(test);
}

/* MOD-02 */
static void changed_by_who_synchronizes(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SYNCHRONIZE;
	change_b.byte_offset = 8192;
	KUNIT_ASSERT_EQ(test, flt_sim_set_context(sim, FLT_SIM_SOFTIRQ), 0);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, change_c.saw.byte_offset, 8192);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.parameters.write.byte_offset, OFFSET);
	KUNIT_EXPECT_PTR_EQ(test, b.post_task, current);
}

/* MOD-01: nobody is below to see it */
static void changed_and_completed(struct kunit *test)
{
	b.pre_status = FLT_PREOP_COMPLETE;
	change_b.byte_offset = 8192;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	tf_expect_log(test, "A> B> A<");
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, OFFSET);
	no_violation(test);
}

/* What B does is reported, and fails the operation. */
static void expect_refused(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->status, STATUS_FLT_INTERNAL_ERROR);
	tf_expect_log(test, "A> B> A<");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + 1);
	KUNIT_EXPECT_EQ(test, op->submitted.count, 0);
}

/* MOD-01, OPC-06 */
static void the_length_cannot_be_changed(struct kunit *test)
{
	change_b.length = 512;
	expect_refused(test);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.length, LENGTH);
}

/* OPC-06 */
static void the_major_function_cannot_be_changed(struct kunit *test)
{
	change_b.major = true;
	expect_refused(test);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.major_function, IRP_MJ_WRITE);
}

/* MOD-01 */
static void the_flags_cannot_be_changed(struct kunit *test)
{
	change_b.irp_flags = FLT_IRP_WRITE_THROUGH;
	expect_refused(test);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.irp_flags, 0);
}

/* MOD-07 */
static void a_buffer_of_another_size(struct kunit *test)
{
	bio->bi_iter.bi_size = 512;
	change_b.bio = bio;
	expect_refused(test);
	/* It never was swapped in. */
	KUNIT_EXPECT_EQ(test, bio_references(bio), 2);
}

/* MOD-07 */
static void a_buffer_without_a_post_operation(struct kunit *test)
{
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	change_b.bio = bio;
	expect_refused(test);
	KUNIT_EXPECT_EQ(test, bio_references(bio), 2);
}

/* MOD-07, MOD-08 */
static void a_swapped_buffer(struct kunit *test)
{
	change_b.bio = bio;
	go_down(test);
	KUNIT_EXPECT_PTR_EQ(test, change_c.saw.bio, bio);
	KUNIT_EXPECT_PTR_EQ(test, at_device()->bio, bio);
	KUNIT_EXPECT_EQ(test, bio_references(bio), 2);
	come_up(test, 0);
	KUNIT_EXPECT_PTR_EQ(test, c.seen_iopb.parameters.write.bio, bio);
	KUNIT_EXPECT_NULL(test, change_c.swapped);
	KUNIT_EXPECT_NULL(test, b.seen_iopb.parameters.write.bio);
	KUNIT_EXPECT_PTR_EQ(test, change_b.swapped, bio);
	KUNIT_EXPECT_NULL(test, change_a.swapped);
	/* The manager has put it, once. */
	KUNIT_EXPECT_EQ(test, bio_references(bio), 1);
	no_violation(test);
}

/* MOD-08 */
static void swapped_twice(struct kunit *test)
{
	change_b.bio = bio;
	change_c.bio = other_bio;
	go_down(test);
	KUNIT_EXPECT_PTR_EQ(test, at_device()->bio, other_bio);
	come_up(test, 0);
	KUNIT_EXPECT_PTR_EQ(test, change_c.swapped, other_bio);
	KUNIT_EXPECT_PTR_EQ(test, change_b.swapped, bio);
	KUNIT_EXPECT_EQ(test, bio_references(bio), 1);
	KUNIT_EXPECT_EQ(test, bio_references(other_bio), 1);
}

static int look_and_retain(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_retain_swapped_buffer_mdl_address(data);
	return look_again(tf, data, objs, flags, status);
}

/* MOD-08 */
static void retained(struct kunit *test)
{
	change_b.bio = bio;
	b.on_post = look_and_retain;
	go_down(test);
	come_up(test, 0);
	KUNIT_EXPECT_PTR_EQ(test, change_b.swapped, bio);
	KUNIT_EXPECT_EQ(test, bio_references(bio), 2);
}

static void *detach_b(void *arg)
{
	return (void *)(long)flt_detach_volume(b.filter, volume, NULL);
}

/* DRN-12, TDN-14, INV-07: the others are drained, it is waited for */
static void a_swapped_buffer_is_not_drained(struct kunit *test)
{
	change_b.bio = bio;
	go_down(test);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, atomic_read(&op->operation.nodes[1].state) & FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.starts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	come_up(test, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	KUNIT_EXPECT_EQ(test, bio_references(bio), 1);
}

/* DRN-12, TDN-33: the scan has been there before it was swapped */
static void swapped_while_it_is_watched(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	change_b.bio = bio;
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	apply(&change_b, &op->operation.data);
	KUNIT_ASSERT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_TRUE(test, atomic_read(&op->operation.nodes[1].state) & FLT_NODE_WATCHED);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	come_up(test, 0);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
}

static void end_cancelled(struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

static int pend_cancellably(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, int status)
{
	look_and_change(tf, data, objs, status);
	if (!flt_set_cancel_completion(data, end_cancelled))
		return FLT_PREOP_PENDING;
	tf->complete_status = STATUS_CANCELLED;
	return FLT_PREOP_COMPLETE;
}

static void expect_cancelled(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->status, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, op->submitted.count, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	KUNIT_EXPECT_EQ(test, bio_references(bio), 1);
	no_violation(test);
}

/* CAN-13, DRN-12: the teardown does not wait longer than it must */
static void a_swapped_buffer_is_cancelled(struct kunit *test)
{
	change_b.bio = bio;
	c.on_pre = pend_cancellably;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(op));
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_PTR_NE(test, tf_take(&c), NULL);
	expect_cancelled(test);
}

/* CAN-13, CAN-04: nor when the scan has been there before */
static void cancelled_before_it_gets_there(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	change_b.bio = bio;
	c.on_pre = pend_cancellably;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	apply(&change_b, &op->operation.data);
	KUNIT_ASSERT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	expect_cancelled(test);
}

/* MOD-03, DRN-02: a copy shows what the pre-operation saw, whatever is below now */
static void copies_show_what_was_seen(struct kunit *test)
{
	change_b.byte_offset = 8192;
	change_c.byte_offset = 16384;
	go_down(test);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.parameters.write.byte_offset, OFFSET);
	KUNIT_EXPECT_EQ(test, c.seen_iopb.parameters.write.byte_offset, 8192);
	KUNIT_EXPECT_EQ(test, at_device()->byte_offset, 16384);
	come_up(test, 0);
}

/* MOD-03, TDN-33: and the mover's own copy does */
static void the_movers_copy_shows_what_was_seen(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	change_b.byte_offset = 8192;
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	helper_start(test, 0, detach_b, NULL);
	tf_wait_until(test, atomic_long_read(&op->operation.word) & FLT_OP_WATCHED);
	apply(&change_b, &op->operation.data);
	KUNIT_ASSERT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.drains), 1);
	KUNIT_EXPECT_EQ(test, b.seen_iopb.parameters.write.byte_offset, OFFSET);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, at_device()->byte_offset, 8192);
	come_up(test, 0);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.write.byte_offset, OFFSET);
}

static int mark(struct tf *tf, struct flt_callback_data *data,
		const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_set_callback_data_dirty(data);
	WARN_ON(flt_is_callback_data_dirty(data));
	return status;
}

static int ask(struct tf *tf, struct flt_callback_data *data,
	       const struct flt_related_objects *objs, int status)
{
	WARN_ON(flt_get_swapped_buffer_mdl_address(data));
	return status;
}

/* MOD-01, MOD-08, DRN-02, VRF-11w */
static void at_the_wrong_time(struct kunit *test)
{
	/* on the way up, */
	b.on_post = mark;
	go_down(test);
	come_up(test, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + 1);
	flt_sim_op_free(op);
	/* of a copy, */
	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, OFFSET, LENGTH, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	c.on_pre = ask;
	go_down(test);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + 2);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), violations + 3);
	come_up(test, 0);
}

static int set_status(struct tf *tf, struct flt_callback_data *data,
		      const struct flt_related_objects *objs, int status)
{
	look_and_change(tf, data, objs, status);
	data->io_status.status = -ENOMEDIUM;
	data->io_status.information = 1;
	return status;
}

static int set_status_up(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, u32 flags, int status)
{
	data->io_status.status = -EREMOTEIO;
	return status;
}

/* MOD-04: on the way down it means nothing, on the way up it is what A sees */
static void a_status_counts_on_the_way_up(struct kunit *test)
{
	b.on_pre = set_status;
	go_down(test);
	come_up(test, 0);
	KUNIT_EXPECT_EQ(test, c.seen.io_status.status, 0);
	KUNIT_EXPECT_EQ(test, a.seen.io_status.status, 0);
	flt_sim_op_free(op);
	op = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, OFFSET, LENGTH, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	b.on_post = set_status_up;
	flt_sim_set_hold(sim, false);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, c.seen.io_status.status, 0);
	KUNIT_EXPECT_EQ(test, a.seen.io_status.status, -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, op->status, -EREMOTEIO);
	no_violation(test);
}

static struct kunit_case modify_cases[] = {
	KUNIT_CASE(a_change_is_seen_below),
	KUNIT_CASE(without_a_mark_it_does_not_count),
	KUNIT_CASE(a_mark_can_be_taken_back),
	KUNIT_CASE(a_change_without_a_callback),
	KUNIT_CASE(all_three_change_it),
	KUNIT_CASE(changed_while_it_is_pended),
	KUNIT_CASE(changed_by_who_synchronizes),
	KUNIT_CASE(changed_and_completed),
	KUNIT_CASE(the_length_cannot_be_changed),
	KUNIT_CASE(the_major_function_cannot_be_changed),
	KUNIT_CASE(the_flags_cannot_be_changed),
	KUNIT_CASE(a_buffer_of_another_size),
	KUNIT_CASE(a_buffer_without_a_post_operation),
	KUNIT_CASE(a_swapped_buffer),
	KUNIT_CASE(swapped_twice),
	KUNIT_CASE(retained),
	KUNIT_CASE(a_swapped_buffer_is_not_drained),
	KUNIT_CASE(swapped_while_it_is_watched),
	KUNIT_CASE(a_swapped_buffer_is_cancelled),
	KUNIT_CASE(cancelled_before_it_gets_there),
	KUNIT_CASE(copies_show_what_was_seen),
	KUNIT_CASE(the_movers_copy_shows_what_was_seen),
	KUNIT_CASE(at_the_wrong_time),
	KUNIT_CASE(a_status_counts_on_the_way_up),
	{}
};

static struct kunit_suite modify_suite = {
	.name = "fltmgr_modify",
	.init = modify_init,
	.exit = modify_exit,
	.test_cases = modify_cases,
};

kunit_test_suite(modify_suite);

MODULE_DESCRIPTION("Tests of changed parameters and swapped buffers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
