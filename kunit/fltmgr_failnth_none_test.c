// SPDX-License-Identifier: GPL-2.0-only
/*
 * The public entries that ask for no memory, each called once at least: so they
 * have nothing that could fail. Those that do are in the other suites of that name;
 * qemu/guest/stress-failnth.sh sees to it that each entry is in one of them.
 */
#include <linux/bio.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "testcount.h"

static int none_suite_init(struct kunit_suite *suite)
{
	fault_probe.entry_handler = count_slab;
	faults_work = !fault_init();
	pages_probe.addr = NULL;
	pages_probe.flags = 0;
	pages_seen = !register_kprobe(&pages_probe);
	if (faults_work)
		flt_fault_set_hook(count_percpu);
	live_before = atomic_read(&flt_live_objects);
	return 0;
}

static void none_suite_exit(struct kunit_suite *suite)
{
	if (pages_seen)
		unregister_kprobe(&pages_probe);
	if (!faults_work)
		return;
	flt_fault_set_hook(NULL);
	fault_exit();
}

static struct flt_instance *inst, *inst_a;
static struct flt_sim_op *op;

static const struct flt_context_registration contexts[] = {
	{ .context_type = FLT_INSTANCE_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_VOLUME_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_FILE_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_STREAM_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_STREAMHANDLE_CONTEXT, .size = 8, .pool_tag = 1 },
	{ .context_type = FLT_CONTEXT_END }
};

static int none_init(struct kunit *test)
{
	the_test = test;
	if (!faults_work || !pages_seen)
		kunit_skip(test, "allocations cannot be counted");
	nth_init(test);
	b.reg.context_registration = contexts;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	inst_a = tf_instance(&a, volume);
	inst = tf_instance(&b, volume);
	KUNIT_ASSERT_NOT_NULL(test, inst_a);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	/* What the verifier notes needs memory, and may do without. */
	if (b.filter->verified)
		kunit_skip(test, "the verifier allocates");
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	return 0;
}

static void none_exit(struct kunit *test)
{
	WRITE_ONCE(fault.task, NULL);
	if (!sim)
		return;
	flt_sim_op_free(op);
	nth_exit(test);
	sim = NULL;
}

/* It can be counted at all. */
static void something_is_counted(struct kunit *test)
{
	void *memory;
	struct page *page;

	count();
	memory = kmalloc(16, GFP_ATOMIC);
	WRITE_ONCE(fault.task, NULL);
	kfree(memory);
	/* More with kmemleak, which makes an object of each. */
	KUNIT_EXPECT_GE(test, asked, 1);
	count();
	page = alloc_page(GFP_KERNEL);
	WRITE_ONCE(fault.task, NULL);
	KUNIT_EXPECT_EQ(test, asked, 1);
	if (page)
		__free_page(page);
}

/* More than the store of DEBUG_OBJECTS is filled up to: it fills it meanwhile. */
static void debugging_is_not_counted(struct kunit *test)
{
	struct work_struct *items = kunit_kcalloc(test, 4096, sizeof(*items), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, items);
	count();
	for (i = 0; i < 4096; i++)
		INIT_WORK(&items[i], NULL);
	counted(test, "INIT_WORK");
}

/* names and references */
static void names(struct kunit *test)
{
	size_t needed;
	char name[8];

	KUNIT_EXPECT_STREQ(test, NONE_RC(flt_filter_name, b.filter), "B");
	KUNIT_EXPECT_STREQ(test, NONE_RC(flt_instance_name, inst), "B");
	KUNIT_EXPECT_STREQ(test, NONE_RC(flt_instance_altitude, inst), "200");
	KUNIT_EXPECT_STREQ(test, NONE_RC(flt_volume_name, volume), "vol");
	NONE_IS(0, flt_get_volume_name, volume, name, sizeof(name), &needed);
	NONE_IS(&b.filter->kobj, flt_filter_kobj, b.filter);
	NONE_IS(1, flt_compare_instance_altitudes, inst_a, inst);
	NONE_IS(0, flt_object_reference, inst);
	NONE(flt_object_dereference, inst);
	NONE_IS(sim, flt_volume_private, volume);
}

static void lists(struct kunit *test)
{
	struct flt_instance *instances[4];
	struct flt_volume *volumes[4];
	struct flt_filter *filters[4];
	u32 nr;

	NONE_IS(0, flt_enumerate_filters, filters, 4, &nr);
	while (nr)
		flt_object_dereference(filters[--nr]);
	NONE_IS(0, flt_enumerate_volumes, volumes, 4, &nr);
	while (nr)
		flt_object_dereference(volumes[--nr]);
	NONE_IS(0, flt_enumerate_instances, volume, NULL, instances, 4, &nr);
	while (nr)
		flt_object_dereference(instances[--nr]);
}

static void records(struct kunit *test)
{
	char buffer[256] __aligned(sizeof(void *));
	size_t size = sizeof(buffer), bytes;

	NONE_IS(0, flt_enumerate_filter_information, 0,
		FLT_FILTER_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	NONE_IS(0, flt_enumerate_volume_information, 0, FLT_VOLUME_STANDARD_INFORMATION, buffer,
		size, &bytes);
	NONE_IS(0, flt_enumerate_instance_information_by_filter, b.filter, 0,
		FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	NONE_IS(0, flt_enumerate_instance_information_by_volume, volume, 0,
		FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	NONE_IS(0, flt_enumerate_instance_information_by_volume_name, "vol", 0,
		FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	NONE_IS(0, flt_get_filter_information, b.filter,
		FLT_FILTER_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	NONE_IS(0, flt_get_instance_information, inst,
		FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, size, &bytes);
	NONE_IS(0, flt_get_volume_information, volume, FLT_VOLUME_STANDARD_INFORMATION, buffer,
		size, &bytes);
}

static void neighbours(struct kunit *test)
{
	struct flt_instance *found;
	struct flt_filter *filter;
	struct flt_volume *vol;

	NONE_IS(0, flt_get_filter_from_name, "B", &filter);
	flt_object_dereference(filter);
	NONE_IS(0, flt_get_volume_from_name, "vol", &vol);
	flt_object_dereference(vol);
	NONE_IS(0, flt_get_filter_from_instance, inst, &filter);
	flt_object_dereference(filter);
	NONE_IS(0, flt_get_volume_from_instance, inst, &vol);
	flt_object_dereference(vol);
	NONE_IS(0, flt_get_top_instance, volume, &found);
	flt_object_dereference(found);
	NONE_IS(0, flt_get_bottom_instance, volume, &found);
	flt_object_dereference(found);
	NONE_IS(0, flt_get_upper_instance, inst, &found);
	flt_object_dereference(found);
	NONE_IS(0, flt_get_lower_instance, inst_a, &found);
	flt_object_dereference(found);
	NONE_IS(0, flt_get_volume_instance_from_name, b.filter, volume, "B", &found);
	flt_object_dereference(found);
}

/* contexts */

static void *new_context(u16 type)
{
	void *context = NULL;

	KUNIT_ASSERT_EQ(the_test, flt_allocate_context(b.filter, type, 8, FLT_NON_PAGED_POOL,
						       &context), 0);
	return context;
}

static void contexts_of_instances(struct kunit *test)
{
	void *context = new_context(FLT_INSTANCE_CONTEXT), *found;

	NONE_IS(0, flt_set_instance_context, inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS, context, NULL);
	NONE_IS(0, flt_get_instance_context, inst, &found);
	NONE(flt_release_context, found);
	NONE(flt_reference_context, context);
	flt_release_context(context);
	NONE_IS(0, flt_delete_instance_context, inst, NULL);
	flt_release_context(context);
	context = new_context(FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
						       context, NULL), 0);
	NONE(flt_delete_context, context);
	/* The last reference. */
	NONE(flt_release_context, context);
}

static void contexts_of_volumes(struct kunit *test)
{
	void *context = new_context(FLT_VOLUME_CONTEXT), *found;
	struct flt_related_objects objs = { .filter = b.filter, .volume = volume,
					    .instance = inst };
	struct flt_related_contexts_ex more;
	struct flt_related_contexts some;

	NONE_IS(0, flt_set_volume_context, volume, FLT_SET_CONTEXT_REPLACE_IF_EXISTS, context,
		NULL);
	NONE_IS(0, flt_get_volume_context, b.filter, volume, &found);
	flt_release_context(found);
	NONE(flt_get_contexts, &objs, FLT_VOLUME_CONTEXT, &some);
	NONE(flt_release_contexts, &some);
	NONE_IS(0, flt_get_contexts_ex, &objs, FLT_VOLUME_CONTEXT, sizeof(more), &more);
	NONE(flt_release_contexts_ex, sizeof(more), &more);
	NONE_IS(0, flt_delete_volume_context, b.filter, volume, NULL);
	flt_release_context(context);
}

/* There are no files on a volume of blocks. */
static void contexts_of_files(struct kunit *test)
{
	void *file = new_context(FLT_FILE_CONTEXT), *stream = new_context(FLT_STREAM_CONTEXT);
	void *handle = new_context(FLT_STREAMHANDLE_CONTEXT), *found;
	int refused = STATUS_NOT_SUPPORTED;

	NONE_IS(refused, flt_set_file_context, inst, NULL, 0, file, NULL);
	NONE_IS(refused, flt_get_file_context, inst, NULL, &found);
	NONE_IS(refused, flt_delete_file_context, inst, NULL, NULL);
	NONE_IS(refused, flt_set_stream_context, inst, NULL, 0, stream, NULL);
	NONE_IS(refused, flt_get_stream_context, inst, NULL, &found);
	NONE_IS(refused, flt_delete_stream_context, inst, NULL, NULL);
	NONE_IS(refused, flt_set_stream_handle_context, inst, NULL, 0, handle, NULL);
	NONE_IS(refused, flt_get_stream_handle_context, inst, NULL, &found);
	NONE_IS(refused, flt_delete_stream_handle_context, inst, NULL, NULL);
	flt_release_context(file);
	flt_release_context(stream);
	flt_release_context(handle);
}

/* what callbacks call */

static void canceled(struct flt_callback_data *data)
{
	data->io_status.status = STATUS_CANCELLED;
	flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
}

static int call_in_pre(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	struct completion done;

	init_completion(&done);
	complete(&done);
	NONE_IS(0, flt_is_callback_data_dirty, data);
	NONE(flt_set_callback_data_dirty, data);
	NONE(flt_clear_callback_data_dirty, data);
	NONE_IS(0, flt_cancellable_wait_for_single_object, &done, 0, data);
	NONE_IS(0, flt_set_cancel_completion, data, canceled);
	NONE_IS(0, flt_clear_cancel_completion, data);
	NONE_IS(0, flt_is_io_canceled, data);
	NONE_RC(flt_is_operation_synchronous, data);
	return status;
}

static int finish(struct flt_callback_data *data, const struct flt_related_objects *objs,
		  void *context, u32 flags)
{
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static struct bio *other_bio;

static int swap_in_pre(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	call_in_pre(tf, data, objs, status);
	data->iopb->parameters.read.bio = other_bio;
	flt_set_callback_data_dirty(data);
	return status;
}

/* With interrupts off, so that it is put off. */
static int call_in_post(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, u32 flags, int status)
{
	unsigned long irqs;

	NONE_IS(other_bio, flt_get_swapped_buffer_mdl_address, data);
	NONE(flt_retain_swapped_buffer_mdl_address, data);
	local_irq_save(irqs);
	count();
	flt_do_completion_processing_when_safe(data, objs, NULL, flags, finish, &status);
	WRITE_ONCE(fault.task, NULL);
	local_irq_restore(irqs);
	KUNIT_EXPECT_EQ(the_test, status, FLT_POSTOP_MORE_PROCESSING_REQUIRED);
	counted(the_test, "flt_do_completion_processing_when_safe");
	return status;
}

static void in_callbacks(struct kunit *test)
{
	other_bio = bio_alloc(NULL, 0, REQ_OP_READ, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other_bio);
	other_bio->bi_iter.bi_size = 4096;
	b.on_pre = swap_in_pre;
	b.on_post = call_in_post;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	tf_expect_ended(test, op, 0);
	b.on_pre = NULL;
	b.on_post = NULL;
	b.nr_pended = 0;
	/* It was retained. */
	bio_put(other_bio);
}

/* queues */

static struct flt_callback_data_queue queue;
static struct flt_cbdq_io_context queued;
static LIST_HEAD(queue_list);
static DEFINE_SPINLOCK(queue_lock);

static int queue_insert(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data,
			void *context)
{
	list_add_tail(&data->queue_links, &queue_list);
	return 0;
}

static void queue_remove(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	list_del_init(&data->queue_links);
}

static struct flt_callback_data *queue_peek(struct flt_callback_data_queue *cbdq,
					    struct flt_callback_data *data, void *context)
{
	return data ? NULL : list_first_entry_or_null(&queue_list, struct flt_callback_data,
						      queue_links);
}

static void queue_acquire(struct flt_callback_data_queue *cbdq, unsigned long *flags)
	__acquires(&queue_lock)
{
	spin_lock_irqsave(&queue_lock, *flags);
}

static void queue_release(struct flt_callback_data_queue *cbdq, unsigned long flags)
	__releases(&queue_lock)
{
	spin_unlock_irqrestore(&queue_lock, flags);
}

static void queue_canceled(struct flt_callback_data_queue *cbdq, struct flt_callback_data *data)
{
	canceled(data);
}

static int insert_in_pre(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	NONE_IS(0, flt_cbdq_insert_io, &queue, data, &queued, NULL);
	return FLT_PREOP_PENDING;
}

static struct flt_sim_op *start_another(struct kunit *test)
{
	struct flt_sim_op *next = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, next);
	KUNIT_ASSERT_EQ(test, flt_sim_start(next), 0);
	return next;
}

static void end_another(struct kunit *test, struct flt_sim_op *next, int status)
{
	tf_expect_ended(test, next, status);
	flt_sim_op_free(next);
}

static void queues(struct kunit *test)
{
	struct flt_callback_data *data;
	struct flt_sim_op *next;

	NONE_IS(0, flt_cbdq_initialize, inst, &queue, queue_insert, queue_remove, queue_peek,
		queue_acquire, queue_release, queue_canceled);
	b.on_pre = insert_in_pre;
	next = start_another(test);
	data = NONE_RC(flt_cbdq_remove_io, &queue, &queued);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	end_another(test, next, 0);
	next = start_another(test);
	data = NONE_RC(flt_cbdq_remove_next_io, &queue, NULL);
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	end_another(test, next, 0);
	NONE(flt_cbdq_disable, &queue);
	NONE(flt_cbdq_enable, &queue);
	b.on_pre = NULL;
	b.nr_pended = 0;
}

/* work items */

static struct completion item_done;

static void deferred(struct flt_deferred_io_workitem *item, struct flt_callback_data *data,
		     void *context)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	complete(&item_done);
}

static void generic(struct flt_generic_workitem *item, void *object, void *context)
{
	complete(&item_done);
}

static struct flt_deferred_io_workitem *deferred_item;

static int queue_in_pre(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, int status)
{
	NONE_IS(0, flt_queue_deferred_io_work_item, deferred_item, data, deferred,
		DelayedWorkQueue, NULL);
	return FLT_PREOP_PENDING;
}

static void items(struct kunit *test)
{
	struct flt_generic_workitem *item = flt_allocate_generic_work_item();

	deferred_item = flt_allocate_deferred_io_work_item();
	KUNIT_ASSERT_NOT_NULL(test, item);
	KUNIT_ASSERT_NOT_NULL(test, deferred_item);
	init_completion(&item_done);
	NONE_IS(0, flt_queue_generic_work_item, item, inst, generic, DelayedWorkQueue, NULL);
	wait_for_completion(&item_done);
	b.on_pre = queue_in_pre;
	end_another(test, start_another(test), 0);
	wait_for_completion(&item_done);
	b.on_pre = NULL;
	b.nr_pended = 0;
	/* The routine has returned when its instance's teardown is done. */
	tf_unregister(&b);
	NONE(flt_free_generic_work_item, item);
	NONE(flt_free_deferred_io_work_item, deferred_item);
}

/* what providers call */

static struct flt_operation own_op, *issued;
static struct flt_volume *own;
static bool own_released;

static void own_submit(struct flt_operation *op, unsigned int flags) { }
static void own_complete(struct flt_operation *op) { }

static void own_release(void *private)
{
	WRITE_ONCE(own_released, true);
}

static void own_issue(struct flt_operation *op, unsigned int flags)
{
	issued = op;
}

static const struct flt_volume_ops own_ops = {
	.type = "own",
	.owner = THIS_MODULE,
	.submit = own_submit,
	.complete = own_complete,
	.release = own_release,
	.issue = own_issue,
};

static void told(struct flt_callback_data *data, void *context)
{
	complete(context);
}

static void filters_own(struct kunit *test)
{
	struct flt_instance *on_own = tf_instance(&b, own);
	struct flt_callback_data *data, *source = &op->operation.data;
	struct completion done;

	init_completion(&done);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(on_own, NULL, &data), 0);
	data->iopb->major_function = IRP_MJ_READ;
	data->iopb->parameters.read.length = 512;
	flt_operation_init(&op->operation, volume, FLT_CLASS_READ, 0, 0, 512, NULL);
	NONE_IS(0, flt_propagate_irp_extension, source, data, 0);
	issued = NULL;
	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(data, told, &done), STATUS_PENDING);
	KUNIT_ASSERT_NOT_NULL(test, issued);
	NONE(flt_issue_done, issued, 0, 512);
	wait_for_completion(&done);
	NONE(flt_reuse_callback_data, data);
	NONE(flt_free_callback_data, data);
}

static void providers(struct kunit *test)
{
	own_released = false;
	own = flt_volume_create("own", &own_ops, &own_op);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, own);
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, own, NULL, NULL), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume(b.filter, own, NULL, NULL), 0);
	NONE(flt_operation_init, &own_op, own, FLT_CLASS_WRITE, 0, 0, 512, NULL);
	NONE_IS(FLT_SUBMIT, flt_dispatch, &own_op);
	NONE_IS(FLT_DONE, flt_complete, &own_op, 0, 512);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts) + atomic_read(&b.posts), 2);
	filters_own(test);
	NONE(flt_volume_dismount, own);
	NONE(flt_volume_put, own);
	tf_wait_until(test, READ_ONCE(own_released));
}

static void no_race(const char *name, const void *subject) { }

/* Those that are there for tests only. */
static void hooks(struct kunit *test)
{
	NONE(flt_race_set_hook, no_race);
	NONE(flt_race_set_hook, NULL);
	NONE(flt_fault_set_hook, count_percpu);
}

static struct kunit_case failnth_none_cases[] = {
	KUNIT_CASE(something_is_counted),
	KUNIT_CASE(debugging_is_not_counted),
	KUNIT_CASE(names),
	KUNIT_CASE(lists),
	KUNIT_CASE(records),
	KUNIT_CASE(neighbours),
	KUNIT_CASE(contexts_of_instances),
	KUNIT_CASE(contexts_of_volumes),
	KUNIT_CASE(contexts_of_files),
	KUNIT_CASE(in_callbacks),
	KUNIT_CASE(queues),
	KUNIT_CASE(items),
	KUNIT_CASE(providers),
	KUNIT_CASE(hooks),
	{}
};

static struct kunit_suite failnth_none_suite = {
	.name = "fltmgr_failnth_none",
	.suite_init = none_suite_init,
	.suite_exit = none_suite_exit,
	.init = none_init,
	.exit = none_exit,
	.test_cases = failnth_none_cases,
};

kunit_test_suite(failnth_none_suite);

MODULE_DESCRIPTION("Tests of entries that ask for no memory");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
