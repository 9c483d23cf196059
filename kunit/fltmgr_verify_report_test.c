// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier's switch and its reports: who is verified, what a report is, how it
 * is answered, and whom it names.
 */
#include <linux/module.h>

#include "testreport.h"

static struct flt_callback_data *stray;

static void switch_to(struct kunit *test, const char *whom)
{
	KUNIT_ASSERT_EQ(test, set_parameter("verifier", whom), 0);
}

static void expect_parameter(struct kunit *test, const char *name, const char *value)
{
	char text[300];

	KUNIT_EXPECT_EQ(test, get_parameter(name, text, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ(test, text, value);
}

/* An answer that is none: a violation, whether anybody is verified or not. */
static void break_a_rule(struct kunit *test)
{
	b.pre_status = 77;
	run_op(test, STATUS_FLT_INTERNAL_ERROR);
	b.pre_status = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	next_op(test);
}

static void change_offset(struct flt_callback_data *data)
{
	data->iopb->parameters.read.byte_offset += 4096;
}

static int change_and_not_say_so(struct tf *tf, struct flt_callback_data *data,
				 const struct flt_related_objects *objs, int status)
{
	change_offset(data);
	return status;
}

static int keep_data(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, int status)
{
	stray = data;
	return status;
}

/* VRF-07, VRF-01: nobody is verified: what is refused anyway is said in a line */
static void a_line_without_the_verifier(struct kunit *test)
{
	switch_to(test, "0");
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_FALSE(test, b.filter->verified);
	break_a_rule(test);
	expect_report(test, .rule = "PRE-21", .filter = "B", .inst = "B", .op = true,
		      .words = "returned 77", .bare = true);
	/* What only the verifier sees is not seen. */
	b.on_pre = change_and_not_say_so;
	run_op(test, 0);
	expect_no_report(test);
}

/* VRF-07: rule, filter, instance, volume, operation; the stacks of effect and cause */
static void a_whole_report(struct kunit *test)
{
	static const char head[] =
		"fltmgr: violation PRE-21: filter B instance B volume vol operation ";
	char effect[64], cause[64];
	char *at;

	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_TRUE(test, b.filter->verified);
	break_a_rule(test);
	KUNIT_EXPECT_TRUE(test, strstarts(said.text, head));
	snprintf(effect, sizeof(effect), "\nfltmgr:   effect, pid %d (%s):\n", current->pid,
		 current->comm);
	snprintf(cause, sizeof(cause), "\nfltmgr:   cause, sent by pid %d, ", current->pid);
	at = strstr(said.text, effect);
	KUNIT_EXPECT_NOT_NULL_MSG(test, at, "%s", said.text);
	KUNIT_EXPECT_TRUE(test, at && strstr(at, cause));
	expect_report(test, .rule = "PRE-21", .filter = "B", .inst = "B", .op = true,
		      .words = ": pre-operation of READ returned 77", .effect = "break_a_rule",
		      .what = "sent", .cause = "break_a_rule");
}

/* VRF-01: those that register from then on, until they unregister */
static void who_registers_is_verified(struct kunit *test)
{
	switch_to(test, "0");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	switch_to(test, "1");
	expect_parameter(test, "verifier", "1\n");
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_FALSE(test, a.filter->verified);
	KUNIT_EXPECT_TRUE(test, b.filter->verified);
	switch_to(test, "0");
	expect_parameter(test, "verifier", "0\n");
	KUNIT_EXPECT_TRUE(test, b.filter->verified);
	b.on_pre = change_and_not_say_so;
	run_op(test, 0);
	expect_report(test, .rule = "MOD-01", .filter = "B", .inst = "B", .op = true,
		      .what = "sent", .cause = "flt_sim_start");
	tf_unregister(&b);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_FALSE(test, b.filter->verified);
}

/* VRF-01: names, whatever their case; no other filter */
static void who_is_named_is_verified(struct kunit *test)
{
	switch_to(test, "other,b");
	expect_parameter(test, "verifier", "other,b\n");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_FALSE(test, a.filter->verified);
	KUNIT_EXPECT_TRUE(test, b.filter->verified);
	a.on_pre = change_and_not_say_so;
	run_op(test, 0);
	expect_no_report(test);
	b.on_pre = change_and_not_say_so;
	next_op(test);
	run_op(test, 0);
	expect_report(test, .rule = "MOD-01", .filter = "B", .inst = "B", .op = true,
		      .what = "sent", .cause = "flt_sim_start");
	tf_unregister(&b);
	switch_to(test, "B2,BB");
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_FALSE(test, b.filter->verified);
}

/* VRF-01: nothing is changed by what is wrong */
static void bad_words_change_nothing(struct kunit *test)
{
	char *longest = kunit_kmalloc(test, 300, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, longest);
	memset(longest, 'x', 299);
	longest[299] = 0;
	switch_to(test, "A,B");
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "A,,B"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", ",A"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "A B"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "A/B"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", ".."), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", "\n"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", longest), -EINVAL);
	expect_parameter(test, "verifier", "A,B\n");
	longest[255] = 0;
	KUNIT_EXPECT_EQ(test, set_parameter("verifier", longest), 0);

	KUNIT_ASSERT_EQ(test, set_parameter("verifier_action", "refuse"), 0);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier_action", "Refuse"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier_action", "1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier_action", "\n"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_parameter("verifier_action", "report panic"), -EINVAL);
	expect_parameter(test, "verifier_action", "refuse\n");
	KUNIT_ASSERT_EQ(test, set_parameter("verifier_action", "report"), 0);
	expect_parameter(test, "verifier_action", "report\n");
}

/* VRF-12: who has broken a rule gets no more instances; nobody else minds */
static void the_culprit_is_refused(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, set_parameter("verifier_action", "refuse"), 0);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	break_a_rule(test);
	expect_report(test, .rule = "PRE-21", .filter = "B", .inst = "B", .op = true,
		      .what = "sent", .cause = "flt_sim_start");
	/* What it has it keeps. */
	run_op(test, 0);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL),
			STATUS_FLT_DO_NOT_ATTACH);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(b.filter, volume, "7", "b7", NULL),
			STATUS_FLT_DO_NOT_ATTACH);
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	KUNIT_ASSERT_EQ(test, set_parameter("verifier_action", "report"), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	expect_no_report(test);
}

static int answer(const char *text)
{
	char copy[40];

	strscpy(copy, text);
	return vrf_answer_text(copy);
}

/* VRF-08 */
static void answers(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, answer("PRE-21 never"), 0);
	break_a_rule(test);
	expect_no_report(test);
	KUNIT_ASSERT_EQ(test, answer("PRE-21 once\n"), 0);
	break_a_rule(test);
	expect_report(test, .rule = "PRE-21", .filter = "B", .inst = "B", .op = true,
		      .what = "sent", .cause = "flt_sim_start");
	break_a_rule(test);
	expect_no_report(test);
	/* Other rules are not meant. */
	b.post_status = 55;
	run_op(test, 0);
	expect_report(test, .rule = "VRF-11a", .filter = "B", .inst = "B", .op = true,
		      .what = "sent", .cause = "flt_sim_start");
	b.post_status = 0;
	next_op(test);
	KUNIT_ASSERT_EQ(test, answer("PRE-21 always"), 0);
	break_a_rule(test);
	expect_report(test, .rule = "PRE-21", .filter = "B", .inst = "B", .op = true,
		      .what = "sent", .cause = "flt_sim_start");
}

/* VRF-08: nothing is answered by what is wrong */
static void bad_answers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, answer(""), -EINVAL);
	KUNIT_EXPECT_EQ(test, answer("PRE-21"), -EINVAL);
	KUNIT_EXPECT_EQ(test, answer("PRE-21 sometimes"), -EINVAL);
	KUNIT_EXPECT_EQ(test, answer("PRE-21 never never"), -EINVAL);
	KUNIT_EXPECT_EQ(test, answer("PRE never"), -EINVAL);
	KUNIT_EXPECT_EQ(test, answer("PREOPERATION-21 never"), -EINVAL);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	break_a_rule(test);
	expect_report(test, .rule = "PRE-21", .filter = "B", .inst = "B", .op = true,
		      .what = "sent", .cause = "flt_sim_start");
}

/* VRF-08, VRF-12: who has broken a rule that nobody asks after is no culprit */
static void answered_is_not_held_against(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, answer("PRE-21 never"), 0);
	KUNIT_ASSERT_EQ(test, set_parameter("verifier_action", "refuse"), 0);
	break_a_rule(test);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL), 0);
	KUNIT_ASSERT_EQ(test, set_parameter("verifier_action", "report"), 0);
	KUNIT_ASSERT_EQ(test, answer("PRE-21 always"), 0);
	expect_no_report(test);
}

static int complete_it(struct tf *tf, struct flt_callback_data *data,
		       const struct flt_related_objects *objs, int status)
{
	/* One that A has let pass, and is at the device. */
	if (stray && stray != data)
		flt_complete_pended_preoperation(stray, FLT_PREOP_COMPLETE, NULL);
	stray = data;
	return status;
}

/* VRF-09: the call names nobody: it is whose callback makes it */
static void blames_whose_callback_it_is(struct kunit *test)
{
	struct flt_sim_op *first = op;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	/* B registered last, and is who would be guessed. */
	a.on_pre = complete_it;
	hold_at_device(test);
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	flt_sim_start(op);
	expect_report(test, .rule = "PND-07", .filter = "A", .op = true,
		      .words = "is not pended", .effect = "complete_it", .what = "sent",
		      .cause = "flt_sim_start");
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_PROCESS, 0);
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(first, TF_WAIT), 0);
	flt_sim_op_free(first);
	expect_no_report(test);
}

/* VRF-09: the call names an instance: it is that one's filter, whoever calls */
static void blames_whom_the_call_names(struct kunit *test)
{
	struct flt_callback_data *data;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(tf_instance(&a, volume), NULL, &data), 0);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	flt_perform_synchronous_io(data);
	flt_reissue_synchronous_io(tf_instance(&b, volume), data);
	expect_report(test, .rule = "FIO-21", .filter = "B", .inst = "B", .op = true,
		      .words = "another instance's");
	flt_perform_synchronous_io(data);
	expect_report(test, .rule = "FIO-15", .filter = "A", .inst = "A", .op = true,
		      .words = "has ended, and was not reused");
	flt_free_callback_data(data);
	expect_no_report(test);
}

/* VRF-09, REF-04: two filters of one module, and nobody is sure: no conclusion */
static void blames_nobody_in_doubt(struct kunit *test)
{
	long before;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	before = references(&volume->head.obj);
	KUNIT_ASSERT_EQ(test, flt_object_reference(volume), 0);
	flt_object_dereference(volume);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), before);
	expect_no_report(test);
}

/* A's and B's, one of them verified, in calls of each other's. */
static void mix(struct kunit *test)
{
	struct flt_instance *inst_a, *inst_b;
	struct flt_callback_data *data;
	struct flt_filter *filter;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_NE(test, a.filter->verified, b.filter->verified);
	inst_a = tf_instance(&a, volume);
	inst_b = tf_instance(&b, volume);
	KUNIT_EXPECT_EQ(test, flt_object_reference(inst_a), 0);
	KUNIT_EXPECT_EQ(test, flt_object_reference(inst_b), 0);
	KUNIT_EXPECT_GT(test, flt_compare_instance_altitudes(inst_a, inst_b), 0);
	flt_object_dereference(inst_b);
	flt_object_dereference(inst_a);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &filter), 0);
	flt_object_dereference(filter);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("B", &filter), 0);
	flt_object_dereference(filter);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(inst_a, NULL, &data), 0);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	flt_perform_synchronous_io(data);
	flt_free_callback_data(data);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(inst_b, NULL, &data), 0);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	flt_perform_synchronous_io(data);
	flt_free_callback_data(data);
	/* Pended by one, completed while the other is in its callback. */
	a.pre_status = FLT_PREOP_PENDING;
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(op);
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	flt_complete_pended_postoperation(tf_take(&b));
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, detach(&a), 0);
	KUNIT_EXPECT_EQ(test, detach(&b), 0);
	expect_no_report(test);
}

/* VRF-10 */
static void verified_below_another(struct kunit *test)
{
	switch_to(test, "B");
	mix(test);
}

/* VRF-10 */
static void verified_above_another(struct kunit *test)
{
	switch_to(test, "A");
	mix(test);
}

/* VRF-10: what was under way before anybody was verified is not held against him */
static void switched_on_in_the_middle(struct kunit *test)
{
	switch_to(test, "0");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	a.pre_status = FLT_PREOP_PENDING;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	switch_to(test, "1");
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_WITH_CALLBACK));
	expect_ended(test, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.posts), 1);
	expect_no_report(test);
}

/* PND-07, VRF-10: where not all was seen from its dispatch on, nothing is concluded */
static void seen_in_part(struct kunit *test)
{
	switch_to(test, "0");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	a.on_pre = keep_data;
	hold_at_device(test);
	switch_to(test, "1");
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	flt_complete_pended_preoperation(stray, FLT_PREOP_COMPLETE, NULL);
	expect_report(test, .rule = "PND-07", .words = "is not pended");
	release_from_device(test);
	expect_no_report(test);
}

static int verify_report_init(struct kunit *test)
{
	stray = NULL;
	return verify_init_bare(test);
}

static void verify_report_exit(struct kunit *test)
{
	set_parameter("verifier_action", "report");
	verify_exit(test);
	flt_verifier_set("1");
}

static struct kunit_case verify_report_cases[] = {
	KUNIT_CASE(a_line_without_the_verifier),
	KUNIT_CASE(a_whole_report),
	KUNIT_CASE(who_registers_is_verified),
	KUNIT_CASE(who_is_named_is_verified),
	KUNIT_CASE(bad_words_change_nothing),
	KUNIT_CASE(the_culprit_is_refused),
	KUNIT_CASE(answers),
	KUNIT_CASE(bad_answers),
	KUNIT_CASE(answered_is_not_held_against),
	KUNIT_CASE(blames_whose_callback_it_is),
	KUNIT_CASE(blames_whom_the_call_names),
	KUNIT_CASE(blames_nobody_in_doubt),
	KUNIT_CASE(verified_below_another),
	KUNIT_CASE(verified_above_another),
	KUNIT_CASE(switched_on_in_the_middle),
	KUNIT_CASE(seen_in_part),
	{ }
};

static struct kunit_suite verify_report_suite = {
	.name = "fltmgr_verify_report",
	.suite_init = verify_suite_init,
	.suite_exit = verify_suite_exit,
	.init = verify_report_init,
	.exit = verify_report_exit,
	.test_cases = verify_report_cases,
};

kunit_test_suite(verify_report_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("Tests of the verifier: its switch and its reports");
MODULE_LICENSE("GPL");
