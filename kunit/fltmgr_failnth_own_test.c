// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation fails once, of what a filter makes for itself: contexts, work
 * items, I/O of its own, a wait for several objects; and of what goes on with an
 * operation that was pended. See fltmgr_failnth_test.c for the rest.
 */
#include <linux/module.h>

#include "testnth.h"

static const struct flt_context_registration contexts[] = {
	{ .context_type = FLT_INSTANCE_CONTEXT, .size = 64, .pool_tag = 1 },
	{ .context_type = FLT_VOLUME_CONTEXT, .size = FLT_VARIABLE_SIZED_CONTEXTS, .pool_tag = 1 },
	{ .context_type = FLT_CONTEXT_END }
};

static struct flt_instance *inst;	/* B's */

static void start_b_with_contexts(struct kunit *test)
{
	b.reg.context_registration = contexts;
	start_b(test);
	inst = tf_instance(&b, volume);
	KUNIT_ASSERT_NOT_NULL(test, inst);
}

static void go_over_all(struct kunit *test, const struct nth *entries, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		go_over(test, &entries[i]);
}

/* contexts */

static int run_register(struct kunit *test)
{
	int rc;

	a.reg.context_registration = contexts;
	nth_arm();
	rc = flt_register_filter(THIS_MODULE, &a.reg, &a.filter);
	nth_disarm();
	if (!rc)
		tf_unregister(&a);
	return rc;
}

static int allocate(struct kunit *test, u16 type, size_t size)
{
	void *context = &a;
	int rc;

	nth_arm();
	rc = flt_allocate_context(b.filter, type, size, FLT_NON_PAGED_POOL, &context);
	nth_disarm();
	if (rc)
		KUNIT_EXPECT_NULL(test, context);
	else
		flt_release_context(context);
	return rc;
}

static int run_allocate_context(struct kunit *test)
{
	return allocate(test, FLT_INSTANCE_CONTEXT, 64);
}

static int run_allocate_any_size(struct kunit *test)
{
	return allocate(test, FLT_VOLUME_CONTEXT, 5000);
}

/* REG-06 */
static void allocating_contexts(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_register_filter, with contexts", run_register, 5 },
		{ "flt_allocate_context", run_allocate_context, 1 },
		{ "flt_allocate_context, of any size", run_allocate_any_size, 1 },
	};

	start_b_with_contexts(test);
	go_over_all(test, entries, ARRAY_SIZE(entries));
}

/* work items */

static int run_deferred_item(struct kunit *test)
{
	struct flt_deferred_io_workitem *item;

	nth_arm_atomic();
	item = flt_allocate_deferred_io_work_item();
	nth_disarm();
	flt_free_deferred_io_work_item(item);
	return item ? 0 : STATUS_INSUFFICIENT_RESOURCES;
}

static int run_generic_item(struct kunit *test)
{
	struct flt_generic_workitem *item;

	nth_arm_atomic();
	item = flt_allocate_generic_work_item();
	nth_disarm();
	flt_free_generic_work_item(item);
	return item ? 0 : STATUS_INSUFFICIENT_RESOURCES;
}

static void allocating_items(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_allocate_deferred_io_work_item", run_deferred_item, 1 },
		{ "flt_allocate_generic_work_item", run_generic_item, 1 },
	};

	start_b(test);
	go_over_all(test, entries, ARRAY_SIZE(entries));
}

/* I/O of one's own */

static int run_allocate_data(struct kunit *test)
{
	struct flt_callback_data *data = (void *)&a;
	int rc;

	nth_arm();
	rc = flt_allocate_callback_data(inst, NULL, &data);
	nth_disarm();
	if (rc)
		KUNIT_EXPECT_NULL(test, data);
	else
		flt_free_callback_data(data);
	return rc;
}

static int run_allocate_data_ex(struct kunit *test)
{
	struct flt_callback_data *data = (void *)&a;
	int rc;

	nth_arm();
	rc = flt_allocate_callback_data_ex(inst, NULL,
					   FLT_ALLOCATE_CALLBACK_DATA_PREALLOCATE_ALL_MEMORY,
					   &data);
	nth_disarm();
	if (rc)
		KUNIT_EXPECT_NULL(test, data);
	else
		flt_free_callback_data(data);
	return rc;
}

static struct flt_callback_data *new_read(struct kunit *test)
{
	struct flt_callback_data *data;

	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(inst, NULL, &data), 0);
	data->iopb->major_function = IRP_MJ_READ;
	data->iopb->parameters.read.length = 4096;
	return data;
}

/* The one allocation is the device's, which says so. */
static int run_synchronous(struct kunit *test)
{
	struct flt_callback_data *data = new_read(test);
	int status;

	nth_arm();
	flt_perform_synchronous_io(data);
	nth_disarm();
	status = data->io_status.status;
	flt_free_callback_data(data);
	return status;
}

static atomic_t told;

static void tell(struct flt_callback_data *data, void *context)
{
	*(int *)context = data->io_status.status;
	atomic_inc(&told);
}

static int run_asynchronous(struct kunit *test)
{
	struct flt_callback_data *data = new_read(test);
	int rc, status = -1;

	atomic_set(&told, 0);
	nth_arm();
	rc = flt_perform_asynchronous_io(data, tell, &status);
	nth_disarm();
	KUNIT_EXPECT_EQ(test, rc, 0);	/* it got to the device */
	KUNIT_EXPECT_EQ(test, atomic_read(&told), 1);
	flt_free_callback_data(data);
	return status;
}

static int run_reissue(struct kunit *test)
{
	struct flt_callback_data *data = new_read(test);
	int status;

	flt_perform_synchronous_io(data);
	nth_arm();
	flt_reissue_synchronous_io(inst, data);
	nth_disarm();
	status = data->io_status.status;
	flt_free_callback_data(data);
	return status;
}

static int reissue_in_post(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, u32 flags, int status)
{
	nth_arm();
	flt_reissue_synchronous_io(objs->instance, data);
	nth_disarm();
	return status;
}

/* What was synchronised: without memory that is how it ends. */
static int run_reissue_synchronised(struct kunit *test)
{
	int status;

	b.pre_status = FLT_PREOP_SYNCHRONIZE;
	b.on_post = reissue_in_post;
	status = tf_io(test, sim, FLT_CLASS_READ);
	b.on_post = NULL;
	b.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	expect_b_works(test);
	return status;
}

static void own_io(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_allocate_callback_data", run_allocate_data, 1 },
		{ "flt_allocate_callback_data_ex", run_allocate_data_ex, 1 },
		{ "flt_perform_synchronous_io", run_synchronous, 1 },
		{ "flt_perform_asynchronous_io", run_asynchronous, 1 },
		{ "flt_reissue_synchronous_io", run_reissue, 1 },
		{ "flt_reissue_synchronous_io, of what was synchronised",
		  run_reissue_synchronised, 2 },
	};

	start_b_with_contexts(test);
	go_over_all(test, entries, ARRAY_SIZE(entries));
}

/* waiting */

static int wait_rc;

static int wait_in_pre(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	struct completion done[2];
	struct completion *objects[2] = { &done[0], &done[1] };

	init_completion(&done[0]);
	init_completion(&done[1]);
	complete(&done[1]);
	nth_arm();
	wait_rc = flt_cancellable_wait_for_multiple_objects(2, objects, FLT_WAIT_ANY, 0, data);
	nth_disarm();
	/* It was not taken for nothing. */
	if (!!completion_done(&done[1]) != flt_status_is_error(wait_rc))
		wait_rc = -EBADE;
	return status;
}

static int run_wait(struct kunit *test)
{
	b.on_pre = wait_in_pre;
	expect_b_works(test);
	b.on_pre = NULL;
	return wait_rc == 1 ? 0 : wait_rc;
}

static void waiting(struct kunit *test)
{
	static const struct nth entry = {
		"flt_cancellable_wait_for_multiple_objects", run_wait, 1,
	};

	start_b(test);
	go_over(test, &entry);
}

/* going on */

static struct flt_sim_op *held;

static void start_held(struct kunit *test)
{
	held = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, held);
	KUNIT_ASSERT_EQ(test, flt_sim_start(held), 0);
}

static int end_held(struct kunit *test)
{
	int status;

	KUNIT_ASSERT_EQ(test, flt_sim_op_wait(held, TF_WAIT), 0);
	status = held->status;
	flt_sim_op_free(held);
	KUNIT_EXPECT_EQ(test, atomic_xchg(&b.posts, 0), 1);
	return status;
}

static int run_pended_pre(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	start_held(test);
	nth_arm_atomic();
	KUNIT_EXPECT_TRUE(test, tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	nth_disarm();
	b.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	return end_held(test);
}

static int run_pended_post(struct kunit *test)
{
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	start_held(test);
	nth_arm_atomic();
	flt_complete_pended_postoperation(tf_take(&b));
	nth_disarm();
	b.post_status = FLT_POSTOP_FINISHED_PROCESSING;
	return end_held(test);
}

/* cancelling: from inside a cancel routine it goes on elsewhere, if there is memory */

static void canceled(struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	data->io_status.information = 0;
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

static int pend_cancellably(struct tf *tf, struct flt_callback_data *data,
			    const struct flt_related_objects *objs, int status)
{
	return flt_set_cancel_completion(data, canceled) ? status : FLT_PREOP_PENDING;
}

static int run_volume_cancel(struct kunit *test)
{
	a.on_pre = pend_cancellably;
	start_held(test);
	nth_arm_atomic();
	KUNIT_EXPECT_EQ(test, flt_volume_cancel(volume, 0), 1);
	nth_disarm();
	a.nr_pended = 0;
	a.on_pre = NULL;
	return end_held(test) == STATUS_CANCELLED ? 0 : -EBADE;
}

static int run_cancel_io(struct kunit *test)
{
	struct flt_callback_data *data = new_read(test);
	int status = 0;

	a.on_pre = pend_cancellably;
	atomic_set(&told, 0);
	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(data, tell, &status), STATUS_PENDING);
	nth_arm_atomic();
	KUNIT_EXPECT_TRUE(test, flt_cancel_io(data));
	nth_disarm();
	tf_wait_until(test, atomic_read(&told) == 1);
	a.nr_pended = 0;
	a.on_pre = NULL;
	flt_free_callback_data(data);
	return status == STATUS_CANCELLED ? 0 : -EBADE;
}

/* INV-01 */
static void going_on(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_complete_pended_preoperation", run_pended_pre, 0, true },
		{ "flt_complete_pended_postoperation", run_pended_post, 0, true },
		{ "flt_volume_cancel", run_volume_cancel, 1, true },
		{ "flt_cancel_io", run_cancel_io, 1, true },
	};

	/* Below B, which sees what A does with B's own. */
	a.defs[0].altitude = "100";
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	start_b_with_contexts(test);
	go_over_all(test, entries, ARRAY_SIZE(entries));
}

static struct kunit_case failnth_own_cases[] = {
	KUNIT_CASE(allocating_contexts),
	KUNIT_CASE(allocating_items),
	KUNIT_CASE(own_io),
	KUNIT_CASE(waiting),
	KUNIT_CASE(going_on),
	{}
};

static struct kunit_suite failnth_own_suite = {
	.name = "fltmgr_failnth_own",
	.suite_init = nth_suite_init,
	.suite_exit = nth_suite_exit,
	.init = nth_init,
	.exit = nth_exit,
	.test_cases = failnth_own_cases,
};

kunit_test_suite(failnth_own_suite);

MODULE_DESCRIPTION("Tests of failing allocations: what a filter makes for itself");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
