// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O of a filter's own: who sees it, how it ends, what is refused.
 */
#include <linux/bio.h>
#include <linux/err.h>
#include <linux/ioprio.h>
#include <linux/module.h>

#include "testfault.h"
#include "testown.h"

static bool faults_work;

/* FIO-01, FIO-02, FIO-11, INV-15 */
static void only_lower_filters_see_it(struct kunit *test)
{
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
	KUNIT_EXPECT_EQ(test, data->io_status.information, 4096);
	tf_expect_log(test, "C> C<");
	KUNIT_EXPECT_EQ(test, c.seen.flags, FLTFL_CALLBACK_DATA_IRP_OPERATION |
			FLTFL_CALLBACK_DATA_GENERATED_IO | FLTFL_CALLBACK_DATA_POST_OPERATION);
	KUNIT_EXPECT_EQ(test, c.seen_iopb.major_function, IRP_MJ_READ);
	KUNIT_EXPECT_EQ(test, c.seen_iopb.parameters.read.byte_offset, 8192);
	KUNIT_EXPECT_PTR_EQ(test, data->iopb->target_instance, issuer);
}

/* FIO-01, INV-15: nor are there any below */
static void the_lowest_filter_has_the_device(struct kunit *test)
{
	struct flt_callback_data *low;

	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(tf_instance(&c, volume), NULL, &low), 0);
	own_fill(low);
	flt_sim_set_status(sim, STATUS_IO_DEVICE_ERROR);
	flt_perform_synchronous_io(low);
	KUNIT_EXPECT_EQ(test, low->io_status.status, STATUS_IO_DEVICE_ERROR);
	KUNIT_EXPECT_EQ(test, low->io_status.information, 0);
	tf_expect_log(test, "");
	flt_free_callback_data(low);
}

/* FIO-01, FIO-11: all classes, and a filter that synchronises */
static void every_class_is_done(struct kunit *test)
{
	static const u8 majors[] = { IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS,
		FLT_MJ_DISCARD, FLT_MJ_SECURE_ERASE, FLT_MJ_WRITE_ZEROES };
	int i;

	flt_sim_set_context(sim, FLT_SIM_HARDIRQ);
	c.pre_status = FLT_PREOP_SYNCHRONIZE;
	for (i = 0; i < ARRAY_SIZE(majors); i++) {
		flt_reuse_callback_data(data);
		own_fill(data);
		data->iopb->major_function = majors[i];
		if (majors[i] == IRP_MJ_FLUSH_BUFFERS)
			data->iopb->parameters.read.length = 0;
		flt_perform_synchronous_io(data);
		KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
		KUNIT_EXPECT_EQ(test, c.seen_iopb.major_function, majors[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&c.posts), ARRAY_SIZE(majors));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.pres) + atomic_read(&a.pres), 0);
}

static int reads_below(struct tf *tf, struct flt_callback_data *cbd,
		       const struct flt_related_objects *objs, int status)
{
	flt_perform_synchronous_io(data);
	return status;
}

/* FIO-01, FIO-11, INV-15: from a pre-operation, while the other one stands there */
static void a_pre_operation_reads_first(struct kunit *test)
{
	flt_sim_set_context(sim, FLT_SIM_SOFTIRQ);
	b.on_pre = reads_below;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	tf_expect_log(test, "A> B> C> C< C> C< B< A<");
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
}

/* FIO-12, FIO-13, INV-16: the device, at once */
static void asynchronous_and_completed_by_the_device(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_SUCCESS);
	expect_told(test, 0);
	KUNIT_EXPECT_EQ(test, told.information, 4096);
	KUNIT_EXPECT_PTR_EQ(test, told.data, data);
	KUNIT_EXPECT_PTR_EQ(test, told.target, issuer);
	/* FIO-13: after all post-operations */
	tf_expect_log(test, "C> C< B.");
}

/* FIO-12, INV-16: what was begun says how far it got, not how it ended */
static void asynchronous_and_failed_by_the_device(struct kunit *test)
{
	flt_sim_set_status(sim, STATUS_IO_DEVICE_ERROR);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_SUCCESS);
	expect_told(test, STATUS_IO_DEVICE_ERROR);
}

/* FIO-12, INV-16 */
static void asynchronous_and_completed_by_a_filter(struct kunit *test)
{
	c.pre_status = FLT_PREOP_COMPLETE;
	c.complete_status = STATUS_ACCESS_DENIED;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_FLT_IO_COMPLETE);
	expect_told(test, STATUS_ACCESS_DENIED);
	tf_expect_log(test, "C> B.");
}

/* FIO-12, FIO-13, INV-16: in each context */
static void asynchronous_and_pending(struct kunit *test)
{
	int where;

	flt_sim_set_hold(sim, true);
	for (where = 0; where < FLT_SIM_NR_CONTEXTS; where++) {
		atomic_set(&told.calls, 0);
		flt_reuse_callback_data(data);
		own_fill(data);
		KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
		KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 0);
		KUNIT_ASSERT_EQ(test, flt_sim_release_all(sim, where, 0), 1);
		expect_told(test, 0);
		/* the hold is the last thing to go */
		tf_wait_until(test, atomic_read(&issuer->hold) == 1);
	}
}

/* FIO-12, INV-16: with a lower filter, and completed by that later */
static void asynchronous_and_pended_by_a_filter(struct kunit *test)
{
	c.pre_status = FLT_PREOP_PENDING;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 0);
	tf_resume(&c, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	expect_told(test, 0);
	tf_expect_log(test, "C> C< B.");
}

/* FIO-12, FIO-13, INV-16: what cannot be begun has its routine called */
static void creates_are_not_asynchronous(struct kunit *test)
{
	data->iopb->major_function = IRP_MJ_CREATE;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST);
	expect_told(test, STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST);
	flt_reuse_callback_data(data);
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, STATUS_NOT_SUPPORTED);
	tf_expect_log(test, "B.");
}

/* INV-16: nor without a routine, which is required (FIO-13) */
static void bad_parameters_are_refused(struct kunit *test)
{
	struct flt_parameters_rw *rw = &data->iopb->parameters.read;
	unsigned int before = flt_violation_count();
	struct flt_callback_data *none;

	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(data, NULL, NULL),
			STATUS_INVALID_PARAMETER);
	rw->byte_offset = U64_MAX - 4095;
	rw->length = 8192;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_INVALID_PARAMETER);
	expect_told(test, STATUS_INVALID_PARAMETER);
	flt_reuse_callback_data(data);
	own_fill(data);
	rw->length = FLT_MAX_BLOCK_IO + 4096;
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, STATUS_INVALID_PARAMETER);
	flt_reuse_callback_data(data);
	own_fill(data);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_allocate_callback_data_ex(issuer, NULL, 2, &none),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_NULL(test, none);
	tf_expect_log(test, "B.");
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
}

static void not_called(struct flt_operation *op)
{
	WARN_ON(1);
}

static void not_submitted(struct flt_operation *op, unsigned int flags)
{
	WARN_ON(1);
}

static const struct flt_volume_ops plain_ops = {
	.type = "plain",
	.owner = THIS_MODULE,
	.submit = not_submitted,
	.complete = not_called,
};

/* FIO-13, INV-16: a volume that does no such thing, before anybody sees it */
static void a_volume_that_cannot(struct kunit *test)
{
	struct flt_volume *plain = flt_volume_create("plain", &plain_ops, NULL);
	struct flt_callback_data *other;
	struct flt_instance *inst;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, plain);
	KUNIT_ASSERT_EQ(test, flt_attach_volume(b.filter, plain, NULL, &inst), 0);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(inst, NULL, &other), 0);
	own_fill(other);
	flt_perform_synchronous_io(other);
	KUNIT_EXPECT_EQ(test, other->io_status.status, STATUS_NOT_SUPPORTED);
	flt_free_callback_data(other);
	flt_object_dereference(inst);
	flt_volume_dismount(plain);
	flt_volume_put(plain);
}

/* FIO-14: freed from inside, in every context */
static void the_routine_frees_it(struct kunit *test)
{
	int where;

	told.free = true;
	for (where = 0; where < FLT_SIM_NR_CONTEXTS; where++) {
		atomic_set(&told.calls, 0);
		if (!data)
			KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(issuer, NULL, &data), 0);
		own_fill(data);
		flt_sim_set_context(sim, where);
		KUNIT_EXPECT_GE(test, own_async(), 0);
		expect_told(test, 0);
		KUNIT_EXPECT_NULL(test, data);
	}
	/* and what could not be begun */
	atomic_set(&told.calls, 0);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(issuer, NULL, &data), 0);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST);
	expect_told(test, STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST);
	tf_wait_until(test, atomic_read(&issuer->hold) == 1);
	KUNIT_EXPECT_EQ(test, references(&issuer->obj), 0);
}

static void perform_again(struct flt_callback_data *cbd)
{
	struct kunit *test = told.test;

	told.act = NULL;
	flt_reuse_callback_data(cbd);
	own_fill(cbd);
	cbd->iopb->parameters.read.byte_offset = 0;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_SUCCESS);
}

/* FIO-14, FIO-15: reused from inside, and performed again */
static void the_routine_reuses_it(struct kunit *test)
{
	told.act = perform_again;
	KUNIT_EXPECT_GE(test, own_async(), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 2);
	KUNIT_EXPECT_EQ(test, c.seen_iopb.parameters.read.byte_offset, 0);
	tf_expect_log(test, "C> C< B. C> C< B.");
	KUNIT_EXPECT_EQ(test, atomic_read(&issuer->hold), 1);
}

/* FIO-15: a reused one is as a new one, of the same instance */
static void reused_data_is_new(struct kunit *test)
{
	c.pre_status = FLT_PREOP_COMPLETE;
	c.complete_status = STATUS_ACCESS_DENIED;
	data->iopb->irp_flags = FLT_IRP_META;
	flt_perform_synchronous_io(data);
	flt_reuse_callback_data(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
	KUNIT_EXPECT_EQ(test, data->iopb->irp_flags, 0);
	KUNIT_EXPECT_EQ(test, data->iopb->major_function, IRP_MJ_CREATE);
	KUNIT_EXPECT_EQ(test, data->iopb->parameters.read.length, 0);
	KUNIT_EXPECT_PTR_EQ(test, data->iopb->target_instance, issuer);
	KUNIT_EXPECT_EQ(test, data->flags, FLTFL_CALLBACK_DATA_IRP_OPERATION |
			FLTFL_CALLBACK_DATA_GENERATED_IO);
}

static struct bio *new_bio(struct kunit *test)
{
	struct bio *bio = bio_alloc(NULL, 1, REQ_OP_READ, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bio);
	bio->bi_iter.bi_size = 4096;
	return bio;
}

static unsigned int bios_ended;

/* The device is not to end the filter's bio. */
static void count_bio(struct bio *bio)
{
	bios_ended++;
}

/* FIO-15: the bio goes with it, as its list of pages does in the model */
static void the_bio_goes_with_it(struct kunit *test)
{
	struct bio *bio = new_bio(test);

	bio_get(bio);
	bio->bi_end_io = count_bio;
	data->iopb->parameters.read.bio = bio;
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
	KUNIT_EXPECT_PTR_EQ(test, data->iopb->parameters.read.bio, bio);
	KUNIT_EXPECT_EQ(test, bio->bi_iter.bi_size, 4096);
	KUNIT_EXPECT_EQ(test, atomic_read(&bio->__bi_cnt), 2);
	flt_reuse_callback_data(data);
	KUNIT_EXPECT_EQ(test, atomic_read(&bio->__bi_cnt), 1);
	KUNIT_EXPECT_NULL(test, data->iopb->parameters.read.bio);

	bio_get(bio);
	own_fill(data);
	data->iopb->parameters.read.bio = bio;
	own_free();
	KUNIT_EXPECT_EQ(test, atomic_read(&bio->__bi_cnt), 1);
	/* nobody else has ended it */
	KUNIT_EXPECT_EQ(test, bios_ended, 0);
	bio_put(bio);
}

/* FIO-16, LTR-54: who pays, and how urgent it is */
static void attributes_are_propagated(struct kunit *test)
{
	struct flt_callback_data *other;
	struct bio *bio = new_bio(test);

	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(issuer, NULL, &other), 0);
	own_fill(other);
	/* without a bio there is nothing to be had, nor to be given */
	KUNIT_EXPECT_EQ(test, flt_propagate_irp_extension(data, other, 0), 0);
	data->iopb->parameters.read.bio = bio;
	bio->bi_ioprio = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 3);
	bio->bi_write_hint = WRITE_LIFE_SHORT;
	KUNIT_EXPECT_EQ(test, flt_propagate_irp_extension(data, other, 0), 0);
	other->iopb->parameters.read.bio = new_bio(test);
	KUNIT_EXPECT_EQ(test, flt_propagate_irp_extension(data, other, 1),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, other->iopb->parameters.read.bio->bi_ioprio, 0);
	KUNIT_EXPECT_EQ(test, flt_propagate_irp_extension(data, other, 0), 0);
	KUNIT_EXPECT_EQ(test, other->iopb->parameters.read.bio->bi_ioprio, bio->bi_ioprio);
	KUNIT_EXPECT_EQ(test, other->iopb->parameters.read.bio->bi_write_hint,
			WRITE_LIFE_SHORT);
	flt_free_callback_data(other);
}

/* FIO-15: the bio's size is the length */
static void a_bio_of_another_size_is_refused(struct kunit *test)
{
	data->iopb->parameters.read.bio = new_bio(test);
	data->iopb->parameters.read.length = 8192;
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, STATUS_INVALID_PARAMETER);
	tf_expect_log(test, "");
}

/* FIO-15: on its way it can be neither freed nor reused nor performed */
static void in_flight_it_is_not_the_filters(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	own_held(test);
	flt_free_callback_data(data);
	flt_reuse_callback_data(data);
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_INVALID_PARAMETER);
	flt_reissue_synchronous_io(issuer, data);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 5);
	KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 0);
	flt_sim_release_all(sim, FLT_SIM_PROCESS, 0);
	expect_told(test, 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 5);
}

/* FIO-15: and not twice without reuse */
static void ended_it_is_to_be_reused(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	flt_perform_synchronous_io(data);
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 0);
	tf_expect_log(test, "C> C<");
}

static int misuse(struct tf *tf, struct flt_callback_data *cbd,
		  const struct flt_related_objects *objs, int status)
{
	flt_free_callback_data(cbd);
	flt_reuse_callback_data(cbd);
	flt_perform_synchronous_io(cbd);
	flt_perform_asynchronous_io(cbd, own_ended, NULL);
	flt_cancel_io(cbd);
	return status;
}

static int misuse_drained(struct tf *tf, struct flt_callback_data *cbd,
			  const struct flt_related_objects *objs, u32 flags, int status)
{
	if (flags & FLTFL_POST_OPERATION_DRAINING)
		misuse(tf, cbd, objs, status);
	return status;
}

/* FIO-15, CAN-05, CAN-07: what the filter has not allocated */
static void others_operations_are_left_alone(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	b.on_pre = misuse;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 5);
	tf_expect_log(test, "A> B> C> C< B< A<");
}

/* FIO-15: nor a drained copy of what another has */
static void drained_copies_are_left_alone(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	c.on_post = misuse_drained;
	own_held(test);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(c.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 5);
	flt_sim_release_all(sim, FLT_SIM_PROCESS, 0);
	expect_told(test, 0);
}

/* CAN-05, CAN-06: a filter that can be told is told, once */
static void it_is_cancelled(struct kunit *test)
{
	c.on_pre = c_arms;
	KUNIT_EXPECT_FALSE(test, flt_cancel_io(data));
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	KUNIT_EXPECT_TRUE(test, flt_cancel_io(data));
	expect_told(test, STATUS_CANCELLED);
	tf_expect_log(test, "C> Cx B.");
	KUNIT_EXPECT_FALSE(test, flt_cancel_io(data));
	/* a new one has no mark */
	c.on_pre = NULL;
	flt_reuse_callback_data(data);
	own_fill(data);
	flt_perform_synchronous_io(data);
	KUNIT_EXPECT_FALSE(test, flt_is_io_canceled(data));
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
}

/* CAN-06: nobody can be told; the mark is there, and counts as soon as somebody can */
static void the_mark_takes_effect_later(struct kunit *test)
{
	c.pre_status = FLT_PREOP_PENDING;
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	KUNIT_EXPECT_FALSE(test, flt_cancel_io(data));
	KUNIT_EXPECT_TRUE(test, flt_is_io_canceled(data));
	KUNIT_EXPECT_EQ(test, flt_set_cancel_completion(data, c_canceled), STATUS_CANCELLED);
	KUNIT_EXPECT_FALSE(test, flt_cancel_io(data));
	tf_resume(&c, FLT_PREOP_SUCCESS_NO_CALLBACK);
	expect_told(test, 0);
}

/* FIO-10: an operation, or no memory and nothing else */
static void allocation_may_fail(struct kunit *test)
{
	long refs = references(&issuer->obj);
	struct flt_callback_data *other;
	int rc;

	if (!faults_work)
		kunit_skip(test, "no kprobes");
	fault_arm(1);
	rc = flt_allocate_callback_data(issuer, NULL, &other);
	KUNIT_EXPECT_TRUE(test, fault_disarm());
	KUNIT_EXPECT_EQ(test, rc, STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, references(&issuer->obj), refs);

	rc = flt_allocate_callback_data_ex(issuer, NULL,
					   FLT_ALLOCATE_CALLBACK_DATA_PREALLOCATE_ALL_MEMORY,
					   &other);
	KUNIT_ASSERT_EQ(test, rc, 0);
	KUNIT_EXPECT_EQ(test, references(&issuer->obj), refs + 1);
	own_fill(other);
	/* to perform it the manager needs none, and waits for what it has in reserve */
	fault_arm(1);
	c.pre_status = FLT_PREOP_COMPLETE;
	flt_perform_synchronous_io(other);
	/* ... but for the verifier, which does without */
	KUNIT_EXPECT_EQ(test, fault_disarm(), b.filter->verified);
	KUNIT_EXPECT_EQ(test, other->io_status.status, 0);
	flt_free_callback_data(other);
	KUNIT_EXPECT_EQ(test, references(&issuer->obj), refs);
}

static struct kunit_case own_io_cases[] = {
	KUNIT_CASE(only_lower_filters_see_it),
	KUNIT_CASE(the_lowest_filter_has_the_device),
	KUNIT_CASE(every_class_is_done),
	KUNIT_CASE(a_pre_operation_reads_first),
	KUNIT_CASE(asynchronous_and_completed_by_the_device),
	KUNIT_CASE(asynchronous_and_failed_by_the_device),
	KUNIT_CASE(asynchronous_and_completed_by_a_filter),
	KUNIT_CASE(asynchronous_and_pending),
	KUNIT_CASE(asynchronous_and_pended_by_a_filter),
	KUNIT_CASE(creates_are_not_asynchronous),
	KUNIT_CASE(bad_parameters_are_refused),
	KUNIT_CASE(a_volume_that_cannot),
	KUNIT_CASE(the_routine_frees_it),
	KUNIT_CASE(the_routine_reuses_it),
	KUNIT_CASE(reused_data_is_new),
	KUNIT_CASE(the_bio_goes_with_it),
	KUNIT_CASE(attributes_are_propagated),
	KUNIT_CASE(a_bio_of_another_size_is_refused),
	KUNIT_CASE(in_flight_it_is_not_the_filters),
	KUNIT_CASE(ended_it_is_to_be_reused),
	KUNIT_CASE(others_operations_are_left_alone),
	KUNIT_CASE(drained_copies_are_left_alone),
	KUNIT_CASE(it_is_cancelled),
	KUNIT_CASE(the_mark_takes_effect_later),
	KUNIT_CASE(allocation_may_fail),
	{}
};

static int own_io_suite_init(struct kunit_suite *suite)
{
	faults_work = !fault_init();
	return 0;
}

static void own_io_suite_exit(struct kunit_suite *suite)
{
	if (faults_work)
		fault_exit();
}

static struct kunit_suite own_io_suite = {
	.name = "fltmgr_own_io",
	.suite_init = own_io_suite_init,
	.suite_exit = own_io_suite_exit,
	.init = own_test_init,
	.exit = own_test_exit,
	.test_cases = own_io_cases,
};

kunit_test_suite(own_io_suite);

MODULE_DESCRIPTION("Tests of filters' own I/O");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
