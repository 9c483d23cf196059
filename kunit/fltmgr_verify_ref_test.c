// SPDX-License-Identifier: GPL-2.0-only
/*
 * What filters get from the manager and do not give back, or give back too often,
 * and what the verifier says of it: with the stack of who took it. B is the only
 * filter of this module, so that it is certain whose our calls are.
 */
#include <linux/module.h>

#include "testfault.h"
#include "testreport.h"

#include "../kmod/fltmgr/context.h"

static bool faults_work;
static struct gate gate;		/* in a work item's routine */
static bool odd_memory;

/* Where things are taken; not to be told from the stack of a case otherwise. */
static noinline void take_one(void *object)
{
	flt_object_reference(object);
	barrier();
}

/* From one place: not for a compiler to unroll. */
static unsigned int two = 2;

static noinline void take_two(void *object)
{
	unsigned int i;

	for (i = 0; i < READ_ONCE(two); i++)
		take_one(object);
}

static noinline void take_another(void *object)
{
	flt_object_reference(object);
	barrier();
}

static void *unregister_thread(void *arg)
{
	flt_unregister_filter(b.filter);
	return NULL;
}

static void *unload_thread(void *arg)
{
	return (void *)(long)flt_unload_filter("B");
}

/* Nothing is left, and so unregistration ends, and is silent. */
static void join_unregistration(struct kunit *test)
{
	helper_join(test, 0);
	b.filter = NULL;
	expect_no_report(test);
}

/* REF-04, VRF-05: refused */
static void drops_what_it_has_not(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);
	long before = references(&volume->head.obj);

	flt_object_dereference(volume);
	expect_report(test, .rule = "REF-04", .filter = "B",
		      .words = "drops a reference to volume vol, and has none",
		      .effect = "drops_what_it_has_not");
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), before);
	flt_object_dereference(inst);
	expect_report(test, .rule = "REF-04", .filter = "B",
		      .words = "drops a reference to instance B, and has none");
	flt_object_dereference(b.filter);
	expect_report(test, .rule = "REF-04", .filter = "B",
		      .words = "drops a reference to filter B, and has none");
	take_one(volume);
	take_one(inst);
	take_one(b.filter);
	flt_object_dereference(volume);
	flt_object_dereference(inst);
	flt_object_dereference(b.filter);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), before);
	expect_no_report(test);
}

/* REF-01: refused, and not touched */
static void references_what_is_none_of_them(struct kunit *test)
{
	struct flt_object nothing = { .type = FLT_OBJECT_INSTANCE + 1 };

	KUNIT_EXPECT_EQ(test, flt_object_reference(&nothing), STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "REF-01", .filter = "B",
		      .words = ": reference of ", .effect = "references_what_is_none_of_them");
	flt_object_dereference(&nothing);
	expect_report(test, .rule = "REF-01", .filter = "B",
		      .words = ": dereference of ", .effect = "references_what_is_none_of_them");
	KUNIT_EXPECT_EQ(test, references(&nothing), 0);
	KUNIT_EXPECT_EQ(test, flt_object_reference(volume), 0);
	flt_object_dereference(volume);
	expect_no_report(test);
}

static int late_rc[2];

static void reference_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(late_rc); i++)
		late_rc[i] = flt_object_reference(objs->instance);
}

/* INV-17, REF-02, REF-05: to ask for what is refused, again and again, is no fault */
static void references_what_is_going(struct kunit *test)
{
	b.on_start = reference_in_start;
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, late_rc[0], STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, late_rc[1], STATUS_FLT_DELETING_OBJECT);
	expect_no_report(test);
}

/* REF-08, VRF-06, FKD-05: two from one place are one report */
static void leaves_references_to_its_filter(struct kunit *test)
{
	take_two(b.filter);
	helper_start(test, 0, unregister_thread, NULL);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "REF-08", .filter = "B",
		      .words = "has 2 references to filter B for which its unregistration waits",
		      .what = "taken", .cause = "take_one");
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	flt_object_dereference(b.filter);
	flt_object_dereference(b.filter);
	join_unregistration(test);
	/* As many again, and none left. */
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	take_one(b.filter);
	flt_object_dereference(b.filter);
	tf_unregister(&b);
	expect_no_report(test);
}

/* REF-09, VRF-06: from two places are two reports */
static void leaves_references_to_its_instance(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);
	bool first;

	take_one(inst);
	take_another(inst);
	helper_start(test, 0, unregister_thread, NULL);
	tf_wait_until(test, flt_violation_count() == said.before + 2 &&
		      READ_ONCE(said.printed) == 2);
	/* What is kept of the text is the first one's: either. */
	first = strstr(said.text, "take_one+");
	KUNIT_EXPECT_TRUE(test, first || strstr(said.text, "take_another+"));
	said.before++;
	said.printed--;
	expect_report(test, .rule = "REF-09", .filter = "B",
		      .words = "has 1 references to instance B for which its unregistration waits",
		      .what = "taken", .cause = first ? "take_one" : "take_another");
	flt_object_dereference(inst);
	flt_object_dereference(inst);
	join_unregistration(test);
}

/* REF-10, VRF-06: nobody waits for that, but the unload is looked at */
static void leaves_references_to_a_volume(struct kunit *test)
{
	take_one(volume);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_report(test, .rule = "REF-10", .filter = "B",
		      .words = "has 1 references to volume vol after its unload",
		      .what = "taken", .cause = "take_one");
	flt_object_dereference(volume);
	expect_no_report(test);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	take_one(volume);
	flt_object_dereference(volume);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_no_report(test);
}

/* contexts */

static void *allocate_oddly(enum flt_pool_type pool, size_t size, u16 type)
{
	char *memory = kmalloc(size + 1, GFP_KERNEL);

	return memory && odd_memory ? memory + 1 : memory;
}

static void free_oddly(void *memory, u16 type)
{
	kfree(odd_memory ? (char *)memory - 1 : memory);
}

static const struct flt_context_registration contexts[] = {
	{ .context_type = FLT_INSTANCE_CONTEXT, .size = 16 },
	{ .context_type = FLT_VOLUME_CONTEXT,
	  .context_allocate_callback = allocate_oddly,
	  .context_free_callback = free_oddly },
	{ .context_type = FLT_CONTEXT_END }
};

static noinline void *make_context(void)
{
	void *context = NULL;

	flt_allocate_context(b.filter, FLT_INSTANCE_CONTEXT, 16, FLT_NON_PAGED_POOL, &context);
	return context;
}

static noinline void release_it(void *context)
{
	flt_release_context(context);
	barrier();
}

/* CTX-19, VRF-11q: it has ended, and is not looked at */
static void uses_a_context_that_has_ended(struct kunit *test)
{
	void *context = make_context();

	KUNIT_ASSERT_NOT_NULL(test, context);
	release_it(context);
	expect_no_report(test);
	flt_release_context(context);
	expect_report(test, .rule = "CTX-19", .filter = "B",
		      .words = "release of a context that has ended", .what = "ended",
		      .cause = "release_it", .effect = "uses_a_context_that_has_ended");
	flt_reference_context(context);
	expect_report(test, .rule = "CTX-19", .filter = "B",
		      .words = "reference of a context that has ended", .what = "ended",
		      .cause = "release_it");
	flt_delete_context(context);
	expect_report(test, .rule = "CTX-19", .filter = "B",
		      .words = "deletion of a context that has ended", .what = "ended",
		      .cause = "release_it");
}

/* CTX-19 */
static void releases_a_context_too_often(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);
	void *context = make_context();

	KUNIT_ASSERT_NOT_NULL(test, context);
	KUNIT_ASSERT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
						       context, NULL), 0);
	flt_release_context(context);
	expect_no_report(test);
	flt_release_context(context);
	expect_report(test, .rule = "CTX-19", .filter = "B", .words = "released too often",
		      .effect = "releases_a_context_too_often");
	flt_delete_context(context);
	expect_no_report(test);
}

/* CTX-46, VRF-06 */
static void leaves_a_context(struct kunit *test)
{
	void *context = make_context();

	KUNIT_ASSERT_NOT_NULL(test, context);
	flt_reference_context(context);
	flt_release_context(context);
	helper_start(test, 0, unregister_thread, NULL);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "CTX-46", .filter = "B",
		      .words = "has 1 references to contexts of type instance for which",
		      .what = "taken");
	flt_release_context(context);
	join_unregistration(test);
}

/* CTX-03 */
static void allocates_odd_memory(struct kunit *test)
{
	void *context;

	odd_memory = true;
	KUNIT_EXPECT_NE(test, flt_allocate_context(b.filter, FLT_VOLUME_CONTEXT, 16,
						   FLT_NON_PAGED_POOL, &context), 0);
	expect_report(test, .rule = "CTX-03", .filter = "B",
		      .words = "allocate routine returned odd memory");
	odd_memory = false;
	KUNIT_ASSERT_EQ(test, flt_allocate_context(b.filter, FLT_VOLUME_CONTEXT, 16,
						   FLT_NON_PAGED_POOL, &context), 0);
	flt_release_context(context);
	expect_no_report(test);
}

/* work items */

static void do_nothing(struct flt_generic_workitem *item, void *object, void *context)
{
}

static void stay(struct flt_generic_workitem *item, void *object, void *context)
{
	gate_pass(&gate);
}

static noinline struct flt_generic_workitem *make_item(void)
{
	struct flt_generic_workitem *item = flt_allocate_generic_work_item();

	barrier();
	return item;
}

static int queue(struct flt_generic_workitem *item, flt_generic_workitem_routine routine)
{
	return flt_queue_generic_work_item(item, b.filter, routine, DelayedWorkQueue, NULL);
}

/* WRK-12, VRF-06, VRF-11p */
static void leaves_work_items(struct kunit *test)
{
	struct flt_generic_workitem *items[2];
	struct flt_deferred_io_workitem *deferred;
	int i;

	for (i = 0; i < READ_ONCE(two); i++)
		items[i] = make_item();
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_report(test, .rule = "WRK-12", .filter = "B",
		      .words = "has 2 generic work items of B after its unload",
		      .what = "taken", .cause = "make_item");
	for (i = 0; i < 2; i++)
		flt_free_generic_work_item(items[i]);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	deferred = flt_allocate_deferred_io_work_item();
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_report(test, .rule = "WRK-12", .filter = "B",
		      .words = "has 1 deferred work items of B after its unload",
		      .what = "taken", .cause = "leaves_work_items");
	flt_free_deferred_io_work_item(deferred);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	flt_free_generic_work_item(make_item());
	flt_free_deferred_io_work_item(flt_allocate_deferred_io_work_item());
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_no_report(test);
}

/* VRF-11p, WRK-01 */
static void queues_an_item_that_is_queued(struct kunit *test)
{
	struct flt_generic_workitem *item = make_item();

	KUNIT_EXPECT_EQ(test, queue(item, stay), 0);
	gate_wait(test, &gate);
	/* While it runs it may be queued, once. */
	KUNIT_EXPECT_EQ(test, queue(item, do_nothing), 0);
	expect_no_report(test);
	KUNIT_EXPECT_EQ(test, queue(item, do_nothing), STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "VRF-11p", .filter = "B",
		      .words = "while it is queued",
		      .effect = "queues_an_item_that_is_queued");
	flt_free_generic_work_item(item);
	expect_report(test, .rule = "VRF-11p", .filter = "B",
		      .words = "freed while it is queued",
		      .effect = "queues_an_item_that_is_queued");
	gate_open(&gate);
	tf_wait_until(test, !references(&b.filter->obj));
	flt_free_generic_work_item(item);
	expect_no_report(test);
}

static noinline void free_it(struct flt_generic_workitem *item)
{
	flt_free_generic_work_item(item);
	barrier();
}

/* VRF-11p: not looked at */
static void uses_an_item_that_is_free(struct kunit *test)
{
	struct flt_generic_workitem *item = make_item();

	free_it(item);
	expect_no_report(test);
	flt_free_generic_work_item(item);
	expect_report(test, .rule = "VRF-11p", .filter = "B",
		      .words = "free of a generic-item that has ended", .what = "ended",
		      .cause = "free_it", .effect = "uses_an_item_that_is_free");
	KUNIT_EXPECT_EQ(test, queue(item, do_nothing), STATUS_INVALID_PARAMETER);
	expect_report(test, .rule = "VRF-11p", .filter = "B",
		      .words = "queueing of a generic-item that has ended", .what = "ended",
		      .cause = "free_it");
}

/* I/O of its own */

static noinline struct flt_callback_data *make_data(void)
{
	struct flt_callback_data *data = NULL;

	flt_allocate_callback_data(tf_instance(&b, volume), NULL, &data);
	return data;
}

static noinline void free_data(struct flt_callback_data *data)
{
	flt_free_callback_data(data);
	barrier();
}

/* FIO-15, VRF-06 */
static void leaves_callback_data(struct kunit *test)
{
	struct flt_callback_data *data = make_data();

	KUNIT_ASSERT_NOT_NULL(test, data);
	helper_start(test, 0, unregister_thread, NULL);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "FIO-15", .filter = "B",
		      .words = "has 1 callback data of instance B for which its unregistration",
		      .what = "taken", .cause = "make_data");
	free_data(data);
	join_unregistration(test);
}

/* FIO-15, VRF-11n: not looked at */
static void uses_callback_data_that_is_free(struct kunit *test)
{
	struct flt_callback_data *data = make_data();

	KUNIT_ASSERT_NOT_NULL(test, data);
	free_data(data);
	expect_no_report(test);
	flt_free_callback_data(data);
	expect_report(test, .rule = "FIO-15", .filter = "B",
		      .words = "freeing of a callback-data that has ended", .what = "ended",
		      .cause = "free_data", .effect = "uses_callback_data_that_is_free");
	flt_perform_synchronous_io(data);
	expect_report(test, .rule = "FIO-15", .filter = "B",
		      .words = "performing of a callback-data that has ended", .what = "ended",
		      .cause = "free_data");
}

/* FIO-15 */
static void frees_what_is_not_its_own(struct kunit *test)
{
	struct flt_callback_data *data;

	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	data = tf_take(&b);
	flt_free_callback_data(data);
	expect_report(test, .rule = "FIO-15", .filter = "B", .op = true,
		      .words = "freeing of what no filter has allocated", .what = "sent",
		      .cause = "flt_sim_start");
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	expect_ended(test, 0);
	expect_no_report(test);
}

static void done(struct flt_callback_data *data, void *context)
{
}

/* FIO-21 */
static void reissues_what_is_asynchronous(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&b, volume);
	struct flt_callback_data *data = make_data();

	KUNIT_ASSERT_NOT_NULL(test, data);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(data, done, NULL), 0);
	flt_reissue_synchronous_io(inst, data);
	expect_report(test, .rule = "FIO-21", .filter = "B", .inst = "B", .op = true,
		      .words = "reissue of what is asynchronous");
	flt_reuse_callback_data(data);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	flt_perform_synchronous_io(data);
	flt_reissue_synchronous_io(inst, data);
	KUNIT_EXPECT_EQ(test, data->io_status.status, 0);
	free_data(data);
	expect_no_report(test);
}

/* without memory */

/* VRF-05, REF-04, REF-10: what could not be noted is held against nobody */
static void cannot_be_noted(struct kunit *test)
{
	unsigned long flags;
	bool failed;

	if (!faults_work)
		kunit_skip(test, "allocations cannot be made to fail");
	local_irq_save(flags);
	fault_arm_atomic(1);
	take_one(volume);
	failed = fault_disarm();
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, failed);
	KUNIT_EXPECT_TRUE(test, b.filter->owner_rec->lost);
	/* It has one, though nobody knows; and that one is dropped. */
	flt_object_dereference(volume);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 0);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	expect_no_report(test);
}

/* VRF-11k, REF-08: the unload callback's own wait is looked at as well */
static void leaves_a_reference_in_its_unload(struct kunit *test)
{
	struct flt_filter *filter = b.filter;

	take_one(filter);
	helper_start(test, 0, unload_thread, NULL);
	tf_wait_until(test, was_reported());
	expect_report(test, .rule = "REF-08", .filter = "B", .words = "has 1 references to filter",
		      .what = "taken", .cause = "take_one");
	flt_object_dereference(filter);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	b.filter = NULL;
	expect_no_report(test);
}

static int verify_ref_suite_init(struct kunit_suite *suite)
{
	fault_probe.entry_handler = fault_entry;
	faults_work = !fault_init();
	return verify_suite_init(suite);
}

static void verify_ref_suite_exit(struct kunit_suite *suite)
{
	if (faults_work)
		fault_exit();
	verify_suite_exit(suite);
}

static int verify_ref_init(struct kunit *test)
{
	gate_init(&gate);
	odd_memory = false;
	verify_init_bare(test);
	b.reg.context_registration = contexts;
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	return 0;
}

static void verify_ref_exit(struct kunit *test)
{
	gate_open(&gate);
	verify_exit(test);
}

static struct kunit_case verify_ref_cases[] = {
	KUNIT_CASE(drops_what_it_has_not),
	KUNIT_CASE(references_what_is_none_of_them),
	KUNIT_CASE(references_what_is_going),
	KUNIT_CASE(leaves_references_to_its_filter),
	KUNIT_CASE(leaves_references_to_its_instance),
	KUNIT_CASE(leaves_references_to_a_volume),
	KUNIT_CASE(uses_a_context_that_has_ended),
	KUNIT_CASE(releases_a_context_too_often),
	KUNIT_CASE(leaves_a_context),
	KUNIT_CASE(allocates_odd_memory),
	KUNIT_CASE(leaves_work_items),
	KUNIT_CASE(queues_an_item_that_is_queued),
	KUNIT_CASE(uses_an_item_that_is_free),
	KUNIT_CASE(leaves_callback_data),
	KUNIT_CASE(uses_callback_data_that_is_free),
	KUNIT_CASE(frees_what_is_not_its_own),
	KUNIT_CASE(reissues_what_is_asynchronous),
	KUNIT_CASE(cannot_be_noted),
	KUNIT_CASE(leaves_a_reference_in_its_unload),
	{ }
};

static struct kunit_suite verify_ref_suite = {
	.name = "fltmgr_verify_ref",
	.suite_init = verify_ref_suite_init,
	.suite_exit = verify_ref_suite_exit,
	.init = verify_ref_init,
	.exit = verify_ref_exit,
	.test_cases = verify_ref_cases,
};

kunit_test_suite(verify_ref_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: what filters get and give back");
MODULE_LICENSE("GPL");
