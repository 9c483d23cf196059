// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation fails once, of operations, of requests from user space and of
 * what is asked for. See fltmgr_failnth_test.c for the rest.
 */
#include <linux/fs.h>
#include <linux/module.h>

#include "testnth.h"

/* More owed post-operations than fit into an operation. */
#define NR_STACK	(FLT_INLINE_NODES + 2)

static struct tf stack[NR_STACK];
static char stack_names[NR_STACK][4], stack_altitudes[NR_STACK][4];

static void failnth_io_exit(struct kunit *test)
{
	int i;

	for (i = 0; i < NR_STACK; i++) {
		tf_drop(&stack[i]);
		stack[i].filter = NULL;
	}
	nth_exit(test);
}

static int run_sim_create(struct kunit *test)
{
	struct flt_sim *other;

	nth_arm();
	other = flt_sim_create_unoffered("other");
	nth_disarm();
	if (IS_ERR(other))
		return PTR_ERR(other);
	flt_sim_destroy(other);
	return 0;
}

static int run_sim_op(struct kunit *test)
{
	struct flt_sim_op *op;

	nth_arm();
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);
	nth_disarm();
	if (IS_ERR(op))
		return PTR_ERR(op);
	flt_sim_op_free(op);
	return 0;
}

static void simulated_volumes(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_sim_create", run_sim_create, 6 },
		{ "flt_sim_op_alloc", run_sim_op, 1 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
}

/* operations: the nodes that are not inline come from the instances' reserves */

static void start_stack(struct kunit *test)
{
	int i;

	for (i = 0; i < NR_STACK; i++) {
		snprintf(stack_names[i], sizeof(stack_names[i]), "S%d", i);
		snprintf(stack_altitudes[i], sizeof(stack_altitudes[i]), "%d", 900 - i);
		tf_init(&stack[i], stack_names[i], stack_altitudes[i]);
		KUNIT_ASSERT_EQ(test, tf_register(&stack[i]), 0);
	}
}

/* The lowest filter pends on its way down, the highest on its way up, if told so. */
static int operate(struct kunit *test, bool pend)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	struct tf *top = &stack[0], *low = &stack[NR_STACK - 1];
	int i, status;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	low->pre_status = pend ? FLT_PREOP_PENDING : FLT_PREOP_SUCCESS_WITH_CALLBACK;
	top->post_status = pend ? FLT_POSTOP_MORE_PROCESSING_REQUIRED :
				  FLT_POSTOP_FINISHED_PROCESSING;
	nth_arm();
	KUNIT_EXPECT_EQ(test, flt_sim_start(op), 0);
	if (pend) {
		KUNIT_EXPECT_TRUE(test, tf_resume(low, FLT_PREOP_SUCCESS_WITH_CALLBACK));
		flt_complete_pended_postoperation(tf_take(top));
	}
	nth_disarm();
	KUNIT_ASSERT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	for (i = 0; i < NR_STACK; i++)
		KUNIT_EXPECT_EQ(test, atomic_xchg(&stack[i].posts, 0), 1);
	status = op->status;
	flt_sim_op_free(op);
	return status;
}

static int run_operation(struct kunit *test)
{
	return operate(test, false);
}

static int run_pended_operation(struct kunit *test)
{
	return operate(test, true);
}

/* INV-01, STK-04 */
static void operations(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_dispatch", run_operation, NR_STACK - FLT_INLINE_NODES, true },
		{ "an operation that is pended down and up", run_pended_operation,
		  NR_STACK - FLT_INLINE_NODES, true },
	};
	int i;

	start_stack(test);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
}

static int status_rc;

static void told(const struct flt_related_objects *objs, struct flt_io_parameter_block *snapshot,
		 int status, void *context)
{
}

static int ask_armed(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, int status)
{
	nth_arm();
	status_rc = flt_request_operation_status_callback(data, told, NULL);
	nth_disarm();
	return status;
}

static int run_status_request(struct kunit *test)
{
	b.on_pre = ask_armed;
	expect_b_works(test);
	b.on_pre = NULL;
	return status_rc;
}

/* SOB-01 */
static void status_requests(struct kunit *test)
{
	static const struct nth entry = {
		"flt_request_operation_status_callback", run_status_request, 1,
	};

	start_b(test);
	go_over(test, &entry);
}

/* user space: what a write allocates, but not what opening the file does */

static int put(const char *path, const char *text)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	ssize_t done;

	if (IS_ERR(file))
		return PTR_ERR(file);
	nth_arm();
	done = kernel_write(file, text, strlen(text), &(loff_t){ 0 });
	nth_disarm();
	filp_close(file, NULL);
	return done < 0 ? done : 0;
}

static int run_attach_store(struct kunit *test)
{
	int rc = put("/sys/kernel/fltmgr/filters/A/attach", "vol low 77.7");

	expect_b_works(test);
	if (!rc)
		KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "low"), 0);
	return rc;
}

static int run_detach_store(struct kunit *test)
{
	int rc, rc2;

	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	rc = put("/sys/kernel/fltmgr/filters/A/instances/vol.A/detach", "1");
	expect_b_works(test);
	/* Refused before it began, or done. The name is free a little later. */
	tf_wait_until(test, (rc2 = flt_detach_volume(a.filter, volume, NULL)) !=
		      STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, rc2, rc ? 0 : STATUS_FLT_INSTANCE_NOT_FOUND);
	return rc;
}

static int run_unload_store(struct kunit *test)
{
	int rc, unloads = atomic_read(&a.unloads);

	if (!a.filter)
		KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	rc = put("/sys/kernel/fltmgr/filters/A/unload", "1");
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), unloads + !rc);
	expect_b_works(test);
	if (rc)
		tf_unregister(&a);
	a.filter = NULL;
	return rc;
}

/* ATT-15, ATT-05 */
static void stores_of_instances(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "sysfs attach, written to", run_attach_store, 8 },
		{ "sysfs detach, written to", run_detach_store, 1 },
	};
	int i;

	start_b(test);
	a.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
}

/* UNL-01 */
static void store_of_unload(struct kunit *test)
{
	static const struct nth entry = { "sysfs unload, written to", run_unload_store, 2 };

	start_b(test);
	go_over(test, &entry);
}

/* looking: nothing is allocated, so that nothing can fail */

static int run_lists(struct kunit *test)
{
	struct flt_filter *filter = NULL;
	struct flt_volume *found = NULL;
	struct flt_instance *inst = NULL;
	char buffer[256] __aligned(sizeof(void *));
	size_t bytes;
	u32 nr = 0;
	int rc = 0;

	nth_arm();
	rc |= flt_enumerate_filters(&filter, 1, &nr);
	rc |= flt_enumerate_volumes(&found, 1, &nr);
	rc |= flt_enumerate_instances(volume, NULL, &inst, 1, &nr);
	rc |= flt_enumerate_filter_information(0, FLT_FILTER_AGGREGATE_STANDARD_INFORMATION,
					       buffer, sizeof(buffer), &bytes);
	rc |= flt_enumerate_volume_information(0, FLT_VOLUME_STANDARD_INFORMATION,
					       buffer, sizeof(buffer), &bytes);
	rc |= flt_enumerate_instance_information_by_volume_name
		("vol", 0, FLT_INSTANCE_AGGREGATE_STANDARD_INFORMATION, buffer, sizeof(buffer),
		 &bytes);
	nth_disarm();
	if (rc)
		return rc;
	flt_object_dereference(filter);
	flt_object_dereference(found);
	flt_object_dereference(inst);
	return 0;
}

static int run_lookups(struct kunit *test)
{
	struct flt_filter *filter[2] = {};
	struct flt_volume *found[2] = {};
	struct flt_instance *inst[2] = {};
	int i, rc = 0;

	nth_arm();
	rc |= flt_get_filter_from_name("B", &filter[0]);
	rc |= flt_get_volume_from_name("vol", &found[0]);
	rc |= flt_get_top_instance(volume, &inst[0]);
	rc |= flt_get_volume_instance_from_name(NULL, volume, "B", &inst[1]);
	if (!rc) {
		rc |= flt_get_filter_from_instance(inst[0], &filter[1]);
		rc |= flt_get_volume_from_instance(inst[0], &found[1]);
	}
	nth_disarm();
	for (i = 0; !rc && i < 2; i++) {
		flt_object_dereference(filter[i]);
		flt_object_dereference(found[i]);
		flt_object_dereference(inst[i]);
	}
	return rc;
}

/* ENM-01, ENM-05 */
static void lists_and_lookups(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "lists", run_lists, 0, true },
		{ "look-ups", run_lookups, 0, true },
	};
	unsigned int before = total_failed;
	int i;

	start_b(test);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
	/* What the verifier notes needs memory, and may do without. */
	if (!b.filter->verified)
		KUNIT_EXPECT_EQ(test, total_failed, before);
}

static struct kunit_case failnth_io_cases[] = {
	KUNIT_CASE(simulated_volumes),
	KUNIT_CASE(operations),
	KUNIT_CASE(status_requests),
	KUNIT_CASE(stores_of_instances),
	KUNIT_CASE(store_of_unload),
	KUNIT_CASE(lists_and_lookups),
	{}
};

static struct kunit_suite failnth_io_suite = {
	.name = "fltmgr_failnth_io",
	.suite_init = nth_suite_init,
	.suite_exit = nth_suite_exit,
	.init = nth_init,
	.exit = failnth_io_exit,
	.test_cases = failnth_io_cases,
};

kunit_test_suite(failnth_io_suite);

MODULE_DESCRIPTION("Tests of failing allocations: operations and requests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
