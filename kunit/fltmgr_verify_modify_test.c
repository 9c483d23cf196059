// SPDX-License-Identifier: GPL-2.0-only
/*
 * What filters change of an operation and may not, and what the verifier says.
 */
#include <linux/bio.h>
#include <linux/module.h>

#include "testreport.h"

#define SENT	.what = "sent", .cause = "flt_sim_start"

static void (*change)(struct flt_callback_data *data);
static bool say_so;
static struct bio other_bio;

static int change_in_pre(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	change(data);
	if (say_so)
		flt_set_callback_data_dirty(data);
	return status;
}

static void change_offset(struct flt_callback_data *data)
{
	data->iopb->parameters.read.byte_offset += 4096;
}

static void change_length(struct flt_callback_data *data)
{
	data->iopb->parameters.read.length--;
}

static void change_flags(struct flt_callback_data *data)
{
	data->iopb->irp_flags ^= FLT_IRP_META;
}

static void change_major(struct flt_callback_data *data)
{
	data->iopb->major_function = IRP_MJ_WRITE;
}

static void change_bio(struct flt_callback_data *data)
{
	data->iopb->parameters.read.bio = &other_bio;
}

static void change_requestor(struct flt_callback_data *data)
{
	data->requestor_pid++;
}

static struct flt_io_parameter_block other_iopb;

static void change_block(struct flt_callback_data *data)
{
	other_iopb = *data->iopb;
	data->iopb = &other_iopb;
}

static void change_target(struct flt_callback_data *data)
{
	data->iopb->target_instance = tf_instance(&a, volume);
}

static void change_data_flags(struct flt_callback_data *data)
{
	data->flags ^= FLTFL_CALLBACK_DATA_SYSTEM_BUFFER;
}

/* What a filter may do, and says. */
static void expect_right_change(struct kunit *test)
{
	change = change_offset;
	say_so = true;
	expect_twin(test);
}

/* MOD-01, VRF-04, VRF-11g */
static void changes_and_does_not_say_so(struct kunit *test)
{
	static void (*const changes[])(struct flt_callback_data *data) = {
		change_offset, change_length, change_flags, change_major, change_bio,
	};
	int i;

	b.on_pre = change_in_pre;
	say_so = false;
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		change = changes[i];
		run_op(test, 0);
		expect_report(test, .rule = "MOD-01", .filter = "B", .inst = "B", .op = true,
			      .words = "did not say so", SENT);
		next_op(test);
	}
	expect_right_change(test);
}

/* MOD-01, OPC-06, VRF-04 */
static void changes_what_is_not_its_to_change(struct kunit *test)
{
	static const struct {
		void (*change)(struct flt_callback_data *data);
		const char *words;
	} cases[] = {
		{ change_length, "it changes the length" },
		{ change_flags, "it changes irp_flags" },
		{ change_major, "it changes the major function" },
		{ change_bio, "it changes the buffer, for one of another size" },
	};
	int i;

	b.on_pre = change_in_pre;
	say_so = true;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		change = cases[i].change;
		run_op(test, STATUS_FLT_INTERNAL_ERROR);
		expect_report(test, .rule = "MOD-01", .filter = "B", .inst = "B", .op = true,
			      .words = cases[i].words, SENT);
		next_op(test);
	}
	expect_right_change(test);
}

/* MOD-01, MOD-07 */
static void swaps_where_it_may_not(struct kunit *test)
{
	b.on_pre = change_in_pre;
	b.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	say_so = true;
	change = change_bio;
	other_bio.bi_iter.bi_size = op->length;
	run_op(test, STATUS_FLT_INTERNAL_ERROR);
	expect_report(test, .rule = "MOD-01", .filter = "B", .inst = "B", .op = true,
		      .words = "has no post-operation to put it back in", SENT);
	next_op_of(test, FLT_CLASS_DISCARD);
	run_op(test, STATUS_FLT_INTERNAL_ERROR);
	expect_report(test, .rule = "MOD-01", .filter = "B", .inst = "B", .op = true,
		      .words = "the buffer of an operation that has none", SENT);
	other_bio.bi_iter.bi_size = 0;
	expect_right_change(test);
}

static int mark_in_post(struct tf *tf, struct flt_callback_data *data,
			const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_set_callback_data_dirty(data);
	return status;
}

/* MOD-01 */
static void marks_on_the_way_up(struct kunit *test)
{
	b.on_post = mark_in_post;
	run_op(test, 0);
	expect_report(test, .rule = "MOD-01", .filter = "B", .op = true,
		      .words = "changed on the way up", SENT, .effect = "mark_in_post");
	b.on_post = NULL;
	b.on_pre = change_in_pre;
	expect_right_change(test);
}

static int change_in_post(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, u32 flags, int status)
{
	change(data);
	return status;
}

/* MOD-01, MOD-03, VRF-04: who is above does not see it, and is not blamed */
static void changes_on_the_way_up(struct kunit *test)
{
	b.on_post = change_in_post;
	change = change_offset;
	run_op(test, 0);
	expect_report(test, .rule = "MOD-01", .filter = "B", .inst = "B", .op = true,
		      .words = "changed in its post-operation", SENT);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.parameters.read.byte_offset, 0);
	b.on_post = NULL;
	expect_twin(test);
}

static int ask_for_buffer(struct tf *tf, struct flt_callback_data *data,
			  const struct flt_related_objects *objs, int status)
{
	flt_get_swapped_buffer_mdl_address(data);
	return status;
}

static int ask_for_buffer_in_post(struct tf *tf, struct flt_callback_data *data,
				  const struct flt_related_objects *objs, u32 flags, int status)
{
	flt_get_swapped_buffer_mdl_address(data);
	return status;
}

/* VRF-11w, MOD-08 */
static void asks_for_a_buffer_too_early(struct kunit *test)
{
	b.on_pre = ask_for_buffer;
	run_op(test, 0);
	expect_report(test, .rule = "VRF-11w", .filter = "B", .op = true,
		      .words = "outside a post-operation", SENT, .effect = "ask_for_buffer");
	b.on_pre = NULL;
	b.on_post = ask_for_buffer_in_post;
	expect_twin(test);
}

/* OPC-05, VRF-04: what is put back is what the others see */
static void changes_whose_operation_it_is(struct kunit *test)
{
	b.on_pre = change_in_pre;
	say_so = false;
	change = change_requestor;
	run_op(test, 0);
	expect_report(test, .rule = "OPC-05", .filter = "B", .inst = "B", .op = true,
		      .words = "changed the requestor", SENT);
	KUNIT_EXPECT_EQ(test, a.seen.requestor_pid, current->pid);
	change = change_block;
	next_op(test);
	run_op(test, 0);
	expect_report(test, .rule = "OPC-05", .filter = "B", .inst = "B", .op = true,
		      .words = "changed where the parameters are", SENT);
	KUNIT_EXPECT_PTR_NE(test, a.seen.iopb, &other_iopb);
	expect_right_change(test);
}

/* OPC-06, VRF-04 */
static void changes_whom_it_is_for(struct kunit *test)
{
	b.on_pre = change_in_pre;
	say_so = false;
	change = change_target;
	run_op(test, 0);
	expect_report(test, .rule = "OPC-06", .filter = "B", .inst = "B", .op = true,
		      .words = "changed the target", SENT);
	expect_right_change(test);
}

/* OPC-07, VRF-04: but for the mark, flags are put back */
static void changes_flags_of_the_manager(struct kunit *test)
{
	b.on_pre = change_in_pre;
	say_so = false;
	change = change_data_flags;
	run_op(test, 0);
	expect_report(test, .rule = "OPC-07", .filter = "B", .inst = "B", .op = true,
		      .words = "changed flags 0x8", SENT);
	KUNIT_EXPECT_FALSE(test, a.seen.flags & FLTFL_CALLBACK_DATA_SYSTEM_BUFFER);
	expect_right_change(test);
}

static int verify_modify_init(struct kunit *test)
{
	memset(&other_bio, 0, sizeof(other_bio));
	return verify_init(test);
}

static struct kunit_case verify_modify_cases[] = {
	KUNIT_CASE(changes_and_does_not_say_so),
	KUNIT_CASE(changes_what_is_not_its_to_change),
	KUNIT_CASE(swaps_where_it_may_not),
	KUNIT_CASE(marks_on_the_way_up),
	KUNIT_CASE(changes_on_the_way_up),
	KUNIT_CASE(asks_for_a_buffer_too_early),
	KUNIT_CASE(changes_whose_operation_it_is),
	KUNIT_CASE(changes_whom_it_is_for),
	KUNIT_CASE(changes_flags_of_the_manager),
	{ }
};

static struct kunit_suite verify_modify_suite = {
	.name = "fltmgr_verify_modify",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_modify_init,
	.exit = verify_exit,
	.test_cases = verify_modify_cases,
};

kunit_test_suite(verify_modify_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: changes to operations");
MODULE_LICENSE("GPL");
