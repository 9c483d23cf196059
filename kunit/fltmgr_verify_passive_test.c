// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever may sleep, called where that is not allowed: each refuses, is reported
 * once by its name, and has changed nothing. Those that change something are in
 * fltmgr_verify_life_test.c, in each of the ways not to sleep.
 */
#include <linux/module.h>

#include "testreport.h"

static struct flt_instance *inst, *inst_a;

#define REFUSES(__fn, ...) do {							\
	int __rc;								\
										\
	preempt_disable();							\
	__rc = __fn(__VA_ARGS__);						\
	preempt_enable();							\
	KUNIT_EXPECT_EQ_MSG(test, __rc, STATUS_INVALID_PARAMETER, #__fn);	\
	expect_report(test, .rule = "VRF-11m", .filter = "B",			\
		      .words = #__fn " called where it may not sleep");		\
} while (0)

static const struct flt_context_registration contexts[] = {
	{ .context_type = FLT_INSTANCE_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_VOLUME_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_FILE_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_CONTEXT_END }
};

static int passive_init(struct kunit *test)
{
	verify_init_bare(test);
	b.reg.context_registration = contexts;
	pair_register(test);
	inst_a = tf_instance(&a, volume);
	inst = tf_instance(&b, volume);
	KUNIT_ASSERT_NOT_NULL(test, inst_a);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	return 0;
}

/* Nobody got a reference, and nothing of it takes place later. INV-11 */
static void passive_exit(struct kunit *test)
{
	tf_wait_until(test, !references(&a.filter->obj));
	tf_wait_until(test, !references(&b.filter->obj));
	tf_wait_until(test, !references(&volume->head.obj));
	tf_wait_until(test, !references(&inst->obj));
	tf_wait_until(test, !references(&inst_a->obj));
	verify_exit(test);
}

/* VRF-11m, VRF-02 */
static void lists(struct kunit *test)
{
	struct flt_filter *filter;
	struct flt_volume *vol;
	struct flt_instance *found;
	u32 nr = 77;

	REFUSES(flt_enumerate_filters, &filter, 1, &nr);
	REFUSES(flt_enumerate_volumes, &vol, 1, &nr);
	REFUSES(flt_enumerate_instances, volume, NULL, &found, 1, &nr);
	KUNIT_EXPECT_EQ(test, nr, 77);
}

/* VRF-11m, VRF-02 */
static void records(struct kunit *test)
{
	char buffer[64] __aligned(sizeof(void *)) = "as it was";
	size_t bytes, size = sizeof(buffer);

	REFUSES(flt_enumerate_filter_information, 0, FLT_FILTER_AGGREGATE_STANDARD_INFORMATION,
		buffer, size, &bytes);
	REFUSES(flt_enumerate_volume_information, 0, FLT_VOLUME_STANDARD_INFORMATION, buffer, size,
		&bytes);
	REFUSES(flt_enumerate_instance_information_by_filter, b.filter, 0,
		FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	REFUSES(flt_enumerate_instance_information_by_volume, volume, 0,
		FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	REFUSES(flt_enumerate_instance_information_by_volume_name, "vol", 0,
		FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	REFUSES(flt_get_filter_information, b.filter, FLT_FILTER_AGGREGATE_STANDARD_INFORMATION,
		buffer, size, &bytes);
	REFUSES(flt_get_instance_information, inst, FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION,
		buffer, size, &bytes);
	REFUSES(flt_get_volume_information, volume, FLT_VOLUME_STANDARD_INFORMATION, buffer, size,
		&bytes);
	KUNIT_EXPECT_STREQ(test, buffer, "as it was");
}

/* VRF-11m, VRF-02 */
static void neighbours(struct kunit *test)
{
	struct flt_instance *found;

	REFUSES(flt_get_volume_instance_from_name, NULL, volume, "B", &found);
	REFUSES(flt_get_top_instance, volume, &found);
	REFUSES(flt_get_bottom_instance, volume, &found);
	REFUSES(flt_get_upper_instance, inst, &found);
	REFUSES(flt_get_lower_instance, inst_a, &found);
}

/* VRF-11m, VRF-02 */
static void coming(struct kunit *test)
{
	struct flt_instance *found;
	u32 nr;

	REFUSES(flt_attach_volume_at_altitude, b.filter, volume, "77", NULL, &found);
	REFUSES(flt_start_filtering, b.filter);
	KUNIT_EXPECT_EQ(test, flt_enumerate_instances(volume, NULL, NULL, 0, &nr),
			STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, nr, 2);
}

/* VRF-11m, VRF-02 */
static void contexts_of_objects(struct kunit *test)
{
	struct flt_related_objects objs = { .filter = b.filter, .volume = volume,
					    .instance = inst };
	struct flt_related_contexts_ex more;
	struct flt_related_contexts some;
	void *on_inst, *on_volume, *found;

	KUNIT_ASSERT_EQ(test, flt_allocate_context(b.filter, FLT_INSTANCE_CONTEXT, 8,
						   FLT_NON_PAGED_POOL, &on_inst), 0);
	KUNIT_ASSERT_EQ(test, flt_allocate_context(b.filter, FLT_VOLUME_CONTEXT, 8,
						   FLT_NON_PAGED_POOL, &on_volume), 0);
	REFUSES(flt_set_instance_context, inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS, on_inst, NULL);
	REFUSES(flt_set_volume_context, volume, FLT_SET_CONTEXT_KEEP_IF_EXISTS, on_volume, NULL);
	KUNIT_EXPECT_EQ(test, flt_get_instance_context(inst, &found), STATUS_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
						       on_inst, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_set_volume_context(volume, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
						     on_volume, NULL), 0);
	REFUSES(flt_get_instance_context, inst, &found);
	REFUSES(flt_get_volume_context, b.filter, volume, &found);
	REFUSES(flt_get_contexts_ex, &objs, FLT_ALL_CONTEXTS, sizeof(more), &more);
	preempt_disable();
	flt_get_contexts(&objs, FLT_ALL_CONTEXTS, &some);
	preempt_enable();
	KUNIT_EXPECT_NULL(test, some.instance_context);
	expect_report(test, .rule = "VRF-11m", .filter = "B",
		      .words = "flt_get_contexts called where it may not sleep");
	REFUSES(flt_delete_instance_context, inst, NULL);
	REFUSES(flt_delete_volume_context, b.filter, volume, NULL);
	preempt_disable();
	flt_delete_context(on_inst);
	preempt_enable();
	expect_report(test, .rule = "VRF-11m", .filter = "B",
		      .words = "flt_delete_context called where it may not sleep");
	/* They are where they were. */
	KUNIT_EXPECT_EQ(test, flt_delete_instance_context(inst, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_delete_volume_context(b.filter, volume, NULL), 0);
	flt_release_context(on_inst);
	flt_release_context(on_volume);
}

/* VRF-11m, VRF-02 */
static void contexts_of_files(struct kunit *test)
{
	void *context, *found;
	int rc;

	KUNIT_ASSERT_EQ(test, flt_allocate_context(b.filter, FLT_FILE_CONTEXT, 8,
						   FLT_NON_PAGED_POOL, &context), 0);
	preempt_disable();
	rc = flt_set_file_context(inst, NULL, FLT_SET_CONTEXT_KEEP_IF_EXISTS, context, NULL);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "VRF-11m", .filter = "B",
		      .words = "called where it may not sleep");
	preempt_disable();
	rc = flt_get_file_context(inst, NULL, &found);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "VRF-11m", .filter = "B",
		      .words = "called where it may not sleep");
	flt_release_context(context);
}

static void told(const struct flt_related_objects *objs, struct flt_io_parameter_block *snapshot,
		 int status, void *context)
{
	atomic_inc(context);
}

static atomic_t tellings;
static int in_pre[2];

static int ask_and_wait(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	struct completion done, *objects[] = { &done };

	init_completion(&done);
	complete(&done);
	preempt_disable();
	in_pre[0] = flt_request_operation_status_callback(data, told, &tellings);
	in_pre[1] = flt_cancellable_wait_for_multiple_objects(1, objects, FLT_WAIT_ALL, 0, data);
	preempt_enable();
	return status;
}

/* VRF-11m, VRF-02: of the two reports the first is looked at */
static void in_a_pre_operation(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	atomic_set(&tellings, 0);
	b.on_pre = ask_and_wait;
	run_op(test, 0);
	b.on_pre = NULL;
	KUNIT_EXPECT_EQ(test, in_pre[0], STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, in_pre[1], STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&tellings), 0);
	reports_forget();
}

static void ended(struct flt_callback_data *data, void *context)
{
	atomic_inc(&tellings);
}

/* VRF-11m, VRF-02: not performed, and its routine is not called */
static void own_io(struct kunit *test)
{
	struct flt_callback_data *data;

	atomic_set(&tellings, 0);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(inst, NULL, &data), 0);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	REFUSES(flt_perform_asynchronous_io, data, ended, NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&tellings), 0);
	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(data, ended, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tellings), 1);
	flt_free_callback_data(data);
}

static struct kunit_case passive_cases[] = {
	KUNIT_CASE(lists),
	KUNIT_CASE(records),
	KUNIT_CASE(neighbours),
	KUNIT_CASE(coming),
	KUNIT_CASE(contexts_of_objects),
	KUNIT_CASE(contexts_of_files),
	KUNIT_CASE(in_a_pre_operation),
	KUNIT_CASE(own_io),
	{}
};

static struct kunit_suite passive_suite = {
	.name = "fltmgr_verify_passive",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = passive_init,
	.exit = passive_exit,
	.test_cases = passive_cases,
};

kunit_test_suite(passive_suite);

MODULE_DESCRIPTION("Tests of the verifier: calls where one may not sleep");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
