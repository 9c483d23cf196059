// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has what, of owners in two modules: what one drops is not taken from another.
 */
#include <linux/module.h>

#include "testfilter.h"

static struct flt_sim *sim;
static struct vrf_owner *ours, *theirs;
static int object;

static int owner_test_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	ours = vrf_owner_create(THIS_MODULE, "ours", true);
	theirs = vrf_owner_create(flt_sim_volume(sim)->ops->owner, "theirs", true);
	KUNIT_ASSERT_NOT_NULL(test, ours);
	KUNIT_ASSERT_NOT_NULL(test, theirs);
	return 0;
}

static void owner_test_exit(struct kunit *test)
{
	vrf_drop_all(&object, 0, FLT_NR_KINDS - 1);
	vrf_owner_put(ours);
	vrf_owner_put(theirs);
	flt_sim_destroy(sim);
}

/* VRF-09, VRF-10, REF-04: one's own, and only that */
static void one_drops_what_is_his(struct kunit *test)
{
	vrf_take(ours, true, FLT_KIND_VOLUME, &object, NULL, "object");
	vrf_take(theirs, true, FLT_KIND_VOLUME, &object, NULL, "object");
	KUNIT_EXPECT_TRUE(test, vrf_drop(ours, FLT_KIND_VOLUME, &object));
	KUNIT_EXPECT_FALSE(test, vrf_drop(ours, FLT_KIND_VOLUME, &object));
	KUNIT_EXPECT_TRUE(test, vrf_drop(theirs, FLT_KIND_VOLUME, &object));
}

/* VRF-10: another's has been passed on, then: nothing is said of him any more */
static void what_is_passed_on_says_nothing(struct kunit *test)
{
	struct vrf_found found;

	vrf_take(theirs, true, FLT_KIND_VOLUME, &object, NULL, "object");
	KUNIT_EXPECT_FALSE(test, vrf_drop(ours, FLT_KIND_VOLUME, &object));
	KUNIT_EXPECT_FALSE(test, vrf_find_left(theirs, true, NULL, NULL, &found));
	KUNIT_EXPECT_TRUE(test, vrf_drop(theirs, FLT_KIND_VOLUME, &object));
}

/* VRF-10: what nobody has taken that is verified may be dropped by anybody */
static void what_is_nobodys_is_anybodys(struct kunit *test)
{
	vrf_take(NULL, false, FLT_KIND_VOLUME, &object, NULL, "object");
	KUNIT_EXPECT_TRUE(test, vrf_drop(ours, FLT_KIND_VOLUME, &object));
	KUNIT_EXPECT_FALSE(test, vrf_drop(ours, FLT_KIND_VOLUME, &object));
}

static struct kunit_case owner_cases[] = {
	KUNIT_CASE(one_drops_what_is_his),
	KUNIT_CASE(what_is_passed_on_says_nothing),
	KUNIT_CASE(what_is_nobodys_is_anybodys),
	{}
};

static struct kunit_suite owner_suite = {
	.name = "fltmgr_verify_owner",
	.init = owner_test_init,
	.exit = owner_test_exit,
	.test_cases = owner_cases,
};

kunit_test_suite(owner_suite);

MODULE_DESCRIPTION("Tests of the verifier's books");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
