// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation fails once, of every public entry by which a filter, an
 * instance or a volume comes or goes. Each failure is -ENOMEM and leaves nothing
 * and changes nothing; what takes something down does not fail for memory.
 * The other entries are in fltmgr_failnth_io_test.c.
 */
#include <linux/module.h>

#include "testnth.h"

/* registering, starting */

static int run_register(struct kunit *test)
{
	int rc;

	nth_arm();
	rc = flt_register_filter(THIS_MODULE, &a.reg, &a.filter);
	nth_disarm();
	if (rc)
		KUNIT_EXPECT_NULL(test, a.filter);
	else
		tf_unregister(&a);
	return rc;
}

static int run_start(struct kunit *test)
{
	u32 nr = 0;
	int rc;

	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	nth_arm();
	rc = flt_start_filtering(a.filter);
	nth_disarm();
	/* It has started, with the volume or without it. */
	KUNIT_EXPECT_EQ(test, a.filter->state, FLT_FILTER_FILTERING);
	flt_enumerate_instances(volume, a.filter, NULL, 0, &nr);
	KUNIT_EXPECT_LE(test, nr, 1);
	if (!nth_fired)
		KUNIT_EXPECT_EQ(test, nr, 1);
	expect_b_works(test);
	tf_unregister(&a);
	return rc;
}

static int run_module_init(struct kunit *test)
{
	struct flt_filter *found = NULL;
	int rc;

	nth_arm();
	rc = flt_module_init(THIS_MODULE, &a.reg);
	nth_disarm();
	if (rc)
		KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found),
				STATUS_FLT_FILTER_NOT_FOUND);
	else
		flt_module_exit(THIS_MODULE);
	return rc;
}

static int run_module_exit(struct kunit *test)
{
	struct flt_filter *found = NULL;
	int rc = flt_module_init(THIS_MODULE, &a.reg);

	KUNIT_ASSERT_EQ(test, rc, 0);
	nth_arm();
	flt_module_exit(THIS_MODULE);
	nth_disarm();
	return flt_get_filter_from_name("A", &found) == STATUS_FLT_FILTER_NOT_FOUND ? 0 : -EBADE;
}

/* REG-06, REG-08 */
static void register_filter(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_register_filter", run_register, 4 },
		{ "flt_module_init", run_module_init, 10 },
		{ "flt_module_exit", run_module_exit, 0, true },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
}

/* STA-06, REG-06 */
static void start_filtering(struct kunit *test)
{
	static const struct nth entry = { "flt_start_filtering", run_start, 6, true };

	start_b(test);
	go_over(test, &entry);
}

/* attaching */

static int run_attach(struct kunit *test)
{
	struct flt_instance *inst = NULL;
	int rc, starts = atomic_read(&a.starts);

	nth_arm();
	rc = flt_attach_volume(a.filter, volume, NULL, &inst);
	nth_disarm();
	expect_b_works(test);
	if (rc) {
		KUNIT_EXPECT_NULL(test, inst);
		KUNIT_EXPECT_LE(test, atomic_read(&a.starts), starts + 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), atomic_read(&a.completes));
		return rc;
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), starts);
	flt_object_dereference(inst);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	return 0;
}

static int run_attach_at_altitude(struct kunit *test)
{
	struct flt_instance *inst = NULL;
	int rc;

	nth_arm();
	rc = flt_attach_volume_at_altitude(a.filter, volume, "77.7", NULL, &inst);
	nth_disarm();
	expect_b_works(test);
	if (rc) {
		KUNIT_EXPECT_NULL(test, inst);
		return rc;
	}
	flt_object_dereference(inst);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "A77.7"), 0);
	return 0;
}

/* A does not attach by itself. */
static void start_a_detached(struct kunit *test)
{
	a.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
}

/* ATT-05, ATT-13, TDN-45, INV-06 */
static void attach(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_attach_volume", run_attach, 6 },
		{ "flt_attach_volume_at_altitude", run_attach_at_altitude, 6 },
	};
	int i;

	start_b(test);
	start_a_detached(test);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
}

/* detaching: in the caller, and in the worker from each callback on */

static void arm_in_callback(struct tf *tf, const struct flt_related_objects *objs)
{
	nth_arm();
}

static int detach_a(struct kunit *test, bool arm)
{
	int rc;

	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	if (arm)
		nth_arm();
	rc = flt_detach_volume(a.filter, volume, NULL);
	nth_disarm();
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), atomic_read(&a.completes));
	expect_b_works(test);
	/* As good as ever. */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	a.on_start = NULL;
	a.on_complete = NULL;
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	return rc;
}

static int run_detach(struct kunit *test)
{
	return detach_a(test, true);
}

static int run_detach_start(struct kunit *test)
{
	a.on_start = arm_in_callback;
	return detach_a(test, false);
}

static int run_detach_complete(struct kunit *test)
{
	a.on_complete = arm_in_callback;
	return detach_a(test, false);
}

/* INV-06, TDN-15, TDN-16, TDN-40 */
static void detach(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_detach_volume", run_detach, 0, true },
		{ "teardown, from start on", run_detach_start, 0, true },
		{ "teardown, from complete on", run_detach_complete, 4, true },
	};
	int i;

	start_b(test);
	start_a_detached(test);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
}

/* unregistering, unloading */

static int run_unregister(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	if (!a.on_complete)
		nth_arm();
	tf_unregister(&a);
	nth_disarm();
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), atomic_read(&a.completes));
	expect_b_works(test);
	return 0;
}

static int run_unregister_complete(struct kunit *test)
{
	a.on_complete = arm_in_callback;
	return run_unregister(test);
}

static int run_unload(struct kunit *test)
{
	int rc, unloads = atomic_read(&a.unloads);

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	nth_arm();
	rc = flt_unload_filter("A");
	nth_disarm();
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), unloads + !rc);
	if (rc) {		/* at work as before */
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
		KUNIT_EXPECT_EQ(test, atomic_xchg(&a.posts, 0), 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), atomic_read(&a.completes));
		tf_unregister(&a);
	}
	a.filter = NULL;
	return rc;
}

static int unload_armed(struct flt_filter *filter, u32 flags)
{
	nth_arm();
	flt_unregister_filter(filter);
	return 0;
}

static int run_unload_callback(struct kunit *test)
{
	int rc;

	a.on_complete = NULL;
	a.reg.filter_unload_callback = unload_armed;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	rc = flt_unload_filter("A");
	nth_disarm();
	a.reg.filter_unload_callback = tf_unload;
	a.filter = NULL;
	expect_b_works(test);
	return rc;
}

/* UNL-01, URG-03, TDN-41 */
static void unregister_and_unload(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_unload_filter", run_unload, 1 },
		{ "unload, in the callback", run_unload_callback, 0, true },
		{ "flt_unregister_filter", run_unregister, 0, true },
		{ "unregister, from complete on", run_unregister_complete, 4, true },
	};
	int i;

	start_b(test);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
}

/* volumes */

static void own_submit(struct flt_operation *op, unsigned int flags) { }
static void own_complete(struct flt_operation *op) { }

static const struct flt_volume_ops own_ops = {
	.type = "own",
	.owner = THIS_MODULE,
	.submit = own_submit,
	.complete = own_complete,
};

static int run_volume_create(struct kunit *test)
{
	struct flt_volume *own;

	nth_arm();
	own = flt_volume_create("own", &own_ops, NULL);
	nth_disarm();
	if (IS_ERR(own))
		return PTR_ERR(own);
	flt_volume_dismount(own);
	flt_volume_put(own);
	return 0;
}

static int arm_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	nth_arm();
	return status;
}

/* A is asked first and arms in the worker: its own attach and all of B's follow. */
static int run_volume_offer(struct kunit *test)
{
	struct flt_volume *own = flt_volume_create("own", &own_ops, NULL);
	u32 nr = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, own);
	a.on_setup = arm_in_setup;
	flt_volume_offer(own);
	flush_work(&own->offer_work);
	nth_disarm();
	a.on_setup = NULL;
	flt_enumerate_instances(own, NULL, NULL, 0, &nr);
	if (nth_fired)
		KUNIT_EXPECT_GE(test, nr, 1);	/* one did without at most */
	else
		KUNIT_EXPECT_EQ(test, nr, 2);
	flt_volume_dismount(own);
	flt_volume_put(own);
	return 0;
}

static int dismount_own(struct kunit *test, bool arm)
{
	struct flt_volume *own = flt_volume_create("own", &own_ops, NULL);
	int completes = atomic_read(&a.completes);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, own);
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, own, NULL, NULL), 0);
	if (arm)
		nth_arm();
	flt_volume_dismount(own);
	nth_disarm();
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), completes + 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&own->instances));
	flt_volume_put(own);
	return 0;
}

static int run_dismount(struct kunit *test)
{
	a.on_complete = NULL;
	return dismount_own(test, true);
}

static int run_dismount_complete(struct kunit *test)
{
	a.on_complete = arm_in_callback;
	return dismount_own(test, false);
}

/* VOL-01, TDN-43, VOL-05 */
static void volumes(struct kunit *test)
{
	static const struct nth entries[] = {
		{ "flt_volume_create", run_volume_create, 5 },
		{ "flt_volume_offer", run_volume_offer, 10, true },
		{ "flt_volume_dismount", run_dismount, 0, true },
		{ "dismount, from complete on", run_dismount_complete, 4, true },
	};
	int i;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		go_over(test, &entries[i]);
	a.on_complete = NULL;
}

static struct kunit_case failnth_cases[] = {
	KUNIT_CASE(register_filter),
	KUNIT_CASE(start_filtering),
	KUNIT_CASE(attach),
	KUNIT_CASE(detach),
	KUNIT_CASE(unregister_and_unload),
	KUNIT_CASE(volumes),
	{}
};

static struct kunit_suite failnth_suite = {
	.name = "fltmgr_failnth",
	.suite_init = nth_suite_init,
	.suite_exit = nth_suite_exit,
	.init = nth_init,
	.exit = nth_exit,
	.test_cases = failnth_cases,
};

kunit_test_suite(failnth_suite);

MODULE_DESCRIPTION("Tests of failing allocations: what comes and goes");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
