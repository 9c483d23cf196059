// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is blamed for what another filter finds out: with verifier_action=refuse it is
 * the culprit who gets no more instances, and nobody else.
 */
#include <linux/fs.h>
#include <linux/module.h>

#include "testfilter.h"

static struct flt_sim *sim;
static struct flt_sim_op *op;
/* The culprit is above, and registers last: of filters in one module, that one is taken. */
static struct tf culprit, innocent;
static atomic_t calls;

static int set_action(const char *action)
{
	struct file *file;
	ssize_t done;

	file = filp_open("/sys/module/fltmgr/parameters/verifier_action", O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_write(file, action, strlen(action), &(loff_t){ 0 });
	filp_close(file, NULL);
	return done < 0 ? done : 0;
}

static void the_routine(struct flt_callback_data *data)
{
	atomic_inc(&calls);
}

/* Wrong: to let it go on so. */
static int set_and_go_on(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	return flt_set_cancel_completion(data, the_routine) ? FLT_PREOP_COMPLETE : status;
}

/* Right: what is completed inside the pre-operation has been pended. */
static int pend_and_complete(struct tf *tf, struct flt_callback_data *data,
			     const struct flt_related_objects *objs, int status)
{
	flt_complete_pended_preoperation(data, FLT_PREOP_SUCCESS_NO_CALLBACK, NULL);
	return FLT_PREOP_PENDING;
}

static int attach(struct tf *tf)
{
	return flt_attach_volume(tf->filter, flt_sim_volume(sim), NULL, NULL);
}

static void run_op(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	KUNIT_ASSERT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, op->status, 0);
}

/* CAN-03, VRF-09: a lower filter finds that the routine is set still */
static void it_is_not_who_finds_out(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	culprit.on_pre = set_and_go_on;
	innocent.on_pre = pend_and_complete;
	run_op(test);
	KUNIT_EXPECT_EQ(test, flt_violation_count() - before, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&calls), 0);
	KUNIT_EXPECT_EQ(test, attach(&innocent), STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_EQ(test, attach(&culprit), STATUS_FLT_DO_NOT_ATTACH);
}

/* CAN-03, VRF-09: nobody is blamed if nobody has done anything */
static void nobody_is_blamed_for_nothing(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	innocent.on_pre = pend_and_complete;
	run_op(test);
	KUNIT_EXPECT_EQ(test, flt_violation_count() - before, 0);
	KUNIT_EXPECT_EQ(test, attach(&innocent), STATUS_FLT_INSTANCE_NAME_COLLISION);
	KUNIT_EXPECT_EQ(test, attach(&culprit), STATUS_FLT_INSTANCE_NAME_COLLISION);
}

static int blame_test_init(struct kunit *test)
{
	atomic_set(&calls, 0);
	/* Not offered: nobody else attaches. */
	sim = flt_sim_create_unoffered("vol");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sim);
	op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, op);
	tf_init(&culprit, "culprit", "200");
	tf_init(&innocent, "innocent", "100");
	culprit.pre_status = FLT_PREOP_SUCCESS_NO_CALLBACK;
	culprit.context = NULL;
	KUNIT_ASSERT_EQ(test, tf_register(&innocent), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&culprit), 0);
	return 0;
}

static void blame_test_exit(struct kunit *test)
{
	if (culprit.filter)
		tf_unregister(&culprit);
	if (innocent.filter)
		tf_unregister(&innocent);
	flt_sim_op_free(op);
	flt_sim_destroy(sim);
}

static int blame_suite_init(struct kunit_suite *suite)
{
	return flt_verifier_set("1") ?: set_action("refuse");
}

static void blame_suite_exit(struct kunit_suite *suite)
{
	set_action("report");
	flt_verifier_set("0");
}

static struct kunit_case blame_test_cases[] = {
	KUNIT_CASE(it_is_not_who_finds_out),
	KUNIT_CASE(nobody_is_blamed_for_nothing),
	{}
};

static struct kunit_suite blame_test_suite = {
	.name = "fltmgr_verify_blame",
	.suite_init = blame_suite_init,
	.suite_exit = blame_suite_exit,
	.init = blame_test_init,
	.exit = blame_test_exit,
	.test_cases = blame_test_cases,
};

kunit_test_suite(blame_test_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests: who is blamed");
MODULE_LICENSE("GPL");
