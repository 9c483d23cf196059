// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims on ports and memory of devices: those of nobody, which are looked for first.
 */
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "testwdm.h"

#define SIZE	0x100

/* One range of each, that nobody had when the test began. */
static struct wdm_partial_resource free_ranges[2];
static struct wdm_partial_resource range, range2;
static struct wdm_event event;
static bool conflict;
static int result;

static struct wdm_resource_requirement wanted[2] = {
	{ CmResourceTypeMemory, SIZE, SZ_4K, SZ_16M, 0xfec00000 - 1 },
	{ CmResourceTypePort, SIZE, SIZE, 0x2000, 0xffff },
};

static struct resource *root(const struct wdm_partial_resource *r)
{
	return r->type == CmResourceTypePort ? &ioport_resource : &iomem_resource;
}

/* Somebody else tries to claim it: does that fail? */
static bool claimed(const struct wdm_partial_resource *r)
{
	if (!__request_region(root(r), r->start, r->length, "test", 0))
		return true;
	__release_region(root(r), r->start, r->length);
	return false;
}

static int report(struct wdm_partial_resource *list, unsigned int count)
{
	conflict = false;
	return io_report_resource_usage(&dev->owner, "Testing", list, count, &conflict);
}

/* The upper or lower half of one. */
static struct wdm_partial_resource half(const struct wdm_partial_resource *r, int n)
{
	return (struct wdm_partial_resource){ r->type, r->start + n * SIZE / 2, SIZE / 2 };
}

/* RLS-59, RLS-70: claimed until an empty list is reported; shown with its class */
static void reported(struct kunit *test)
{
	struct resource *there;

	KUNIT_EXPECT_FALSE(test, claimed(&free_ranges[0]));
	KUNIT_EXPECT_FALSE(test, claimed(&free_ranges[1]));
	KUNIT_ASSERT_EQ(test, report(free_ranges, 2), 0);
	KUNIT_EXPECT_FALSE(test, conflict);
	KUNIT_EXPECT_TRUE(test, claimed(&range));
	KUNIT_EXPECT_TRUE(test, claimed(&range2));
	for (there = wanted[0].window->child; there && there->start != range.start; )
		there = there->sibling;
	KUNIT_ASSERT_NOT_NULL(test, there);
	KUNIT_EXPECT_STREQ(test, there->name, "Testing");
	KUNIT_EXPECT_EQ(test, report(NULL, 0), 0);
	KUNIT_EXPECT_FALSE(test, claimed(&range));
	KUNIT_EXPECT_FALSE(test, claimed(&range2));
	tw_expect_silence(test);
}

/* RLS-59: a list takes the place of the one before; what is in both stays */
static void reported_again(struct kunit *test)
{
	struct wdm_partial_resource list[] = { half(&range, 0), half(&range, 1) };
	struct wdm_record *kept;

	KUNIT_ASSERT_EQ(test, report(list, 2), 0);
	kept = wdm_claim_record(&dev->owner, CmResourceTypeMemory, list[1].start);
	KUNIT_EXPECT_NOT_NULL(test, kept);
	list[0] = half(&range2, 0);
	KUNIT_EXPECT_EQ(test, report(list, 2), 0);
	KUNIT_EXPECT_PTR_EQ(test, wdm_claim_record(&dev->owner, CmResourceTypeMemory,
						   list[1].start), kept);
	KUNIT_EXPECT_NULL(test, wdm_claim_record(&dev->owner, CmResourceTypeMemory, range.start));
	KUNIT_EXPECT_TRUE(test, claimed(&list[0]));
	KUNIT_EXPECT_EQ(test, report(NULL, 0), 0);
	KUNIT_EXPECT_NULL(test, wdm_claim_record(&dev->owner, CmResourceTypeMemory,
						 list[1].start));
	KUNIT_EXPECT_FALSE(test, claimed(&range));
	tw_expect_silence(test);
}

/* RLS-59: somebody else has one of them: nothing is changed */
static void a_conflict(struct kunit *test)
{
	struct wdm_partial_resource list[] = { half(&range2, 0), half(&range, 0), half(&range, 1) };

	KUNIT_ASSERT_EQ(test, report(list, 1), 0);
	KUNIT_ASSERT_NOT_NULL(test, __request_region(&iomem_resource, range.start + SIZE - 1, 1,
						     "test", 0));
	KUNIT_EXPECT_EQ(test, report(list + 1, 2), -EBUSY);
	KUNIT_EXPECT_TRUE(test, conflict);
	KUNIT_EXPECT_FALSE(test, claimed(&list[1]));
	/* what there was is there */
	KUNIT_EXPECT_TRUE(test, claimed(&list[0]));
	KUNIT_EXPECT_EQ(test, report(list, 3), -EBUSY);
	KUNIT_EXPECT_TRUE(test, conflict);
	KUNIT_EXPECT_FALSE(test, claimed(&list[1]));
	KUNIT_EXPECT_TRUE(test, claimed(&list[0]));
	/* in the list itself */
	list[2] = list[1];
	KUNIT_EXPECT_EQ(test, report(list + 1, 2), -EBUSY);
	list[2] = half(&range, 1);
	KUNIT_EXPECT_FALSE(test, claimed(&list[1]));
	__release_region(&iomem_resource, range.start + SIZE - 1, 1);
	KUNIT_EXPECT_EQ(test, report(list + 1, 2), 0);
	KUNIT_EXPECT_FALSE(test, conflict);
	KUNIT_EXPECT_FALSE(test, claimed(&list[0]));
	KUNIT_EXPECT_EQ(test, report(NULL, 0), 0);
	tw_expect_silence(test);
}

/* RLS-70: the driver and its device claim each for itself */
static void each_for_itself(struct kunit *test)
{
	struct wdm_partial_resource list[] = { half(&range, 0), half(&range, 1) };

	KUNIT_EXPECT_EQ(test, report(&list[0], 1), 0);
	KUNIT_EXPECT_EQ(test, io_report_resource_usage(&drv->owner, "T", &list[1], 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, io_report_resource_usage(&drv->owner, "T", &list[0], 1, NULL),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, io_report_resource_usage(&drv->owner, "T", NULL, 0, NULL), 0);
	KUNIT_EXPECT_TRUE(test, claimed(&list[0]));
	KUNIT_EXPECT_FALSE(test, claimed(&list[1]));
	KUNIT_EXPECT_EQ(test, report(NULL, 0), 0);
	tw_expect_silence(test);
}

/* RLS-59: found where nobody is, as it is wanted, all or nothing; given back */
static void assigned(struct kunit *test)
{
	struct wdm_partial_resource got[3] = { };
	struct wdm_resource_requirement none[3] = { wanted[0], wanted[1], wanted[0] };

	KUNIT_EXPECT_EQ(test, io_assign_resources(&dev->owner, "Testing", wanted, 2, got), 0);
	KUNIT_EXPECT_EQ(test, got[0].start % SZ_4K, 0);
	KUNIT_EXPECT_EQ(test, got[0].length, SIZE);
	KUNIT_EXPECT_GE(test, got[1].start, 0x2000);
	KUNIT_EXPECT_TRUE(test, claimed(&got[0]));
	KUNIT_EXPECT_TRUE(test, claimed(&got[1]));
	KUNIT_EXPECT_EQ(test, io_assign_resources(&dev->owner, "Testing", wanted, 2, got), -EEXIST);
	/* What is reported is another list. */
	KUNIT_EXPECT_EQ(test, report(NULL, 0), 0);
	KUNIT_EXPECT_TRUE(test, claimed(&got[0]));
	KUNIT_EXPECT_EQ(test, io_assign_resources(&dev->owner, "Testing", NULL, 0, NULL), 0);
	KUNIT_EXPECT_FALSE(test, claimed(&got[0]));
	KUNIT_EXPECT_FALSE(test, claimed(&got[1]));
	/* Nowhere: what is somebody's. */
	KUNIT_ASSERT_EQ(test, report(free_ranges, 1), 0);
	none[2].minimum_address = range.start;
	none[2].maximum_address = range.start + SIZE - 1;
	KUNIT_EXPECT_EQ(test, io_assign_resources(&dev->owner, "Testing", none, 3, got), -EBUSY);
	KUNIT_EXPECT_FALSE(test, claimed(&got[0]));
	KUNIT_EXPECT_FALSE(test, claimed(&got[1]));
	KUNIT_EXPECT_EQ(test, report(NULL, 0), 0);
	tw_expect_silence(test);
}

/* RLS-59, RLS-05: V-RLS-13, needed by what uses it: that stays; the twin is clean */
static void needed_by_what_uses_it(struct kunit *test)
{
	struct wdm_record *record;

	KUNIT_ASSERT_EQ(test, report(free_ranges, 2), 0);
	KUNIT_ASSERT_EQ(test, ke_initialize_event(&dev->owner, &event, NotificationEvent, false),
			0);
	record = wdm_claim_record(&dev->owner, CmResourceTypePort, range2.start);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&event.header.record, record), 0);
	KUNIT_EXPECT_EQ(test, report(NULL, 0), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "event '-' of stage 2");
	KUNIT_EXPECT_FALSE(test, conflict);
	KUNIT_EXPECT_TRUE(test, claimed(&range2));
	KUNIT_EXPECT_FALSE(test, claimed(&range));
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(&event), 0);
	KUNIT_EXPECT_EQ(test, report(NULL, 0), 0);
	KUNIT_EXPECT_FALSE(test, claimed(&range2));
	tw_expect_silence(test);
}

/* RLS-59: what is no range, or where it is not allowed */
static void refused(struct kunit *test)
{
	struct wdm_owner *owner = &dev->owner;
	struct wdm_partial_resource bad = range, got;
	struct wdm_resource_requirement req = wanted[0];
	int rc;

	KUNIT_EXPECT_EQ(test, io_report_resource_usage(NULL, "T", &range, 1, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_report_resource_usage(owner, NULL, &range, 1, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_report_resource_usage(owner, "T", NULL, 1, NULL), -EINVAL);
	bad.type = 2;
	KUNIT_EXPECT_EQ(test, report(&bad, 1), -EINVAL);
	bad = range;
	bad.length = 0;
	KUNIT_EXPECT_EQ(test, report(&bad, 1), -EINVAL);
	bad.length = U64_MAX;
	KUNIT_EXPECT_EQ(test, report(&bad, 1), -EINVAL);
	bad = (struct wdm_partial_resource){ CmResourceTypePort, 0xffff, 2 };
	KUNIT_EXPECT_EQ(test, report(&bad, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_assign_resources(NULL, "T", &req, 1, &got), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_assign_resources(owner, NULL, &req, 1, &got), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_assign_resources(owner, "T", NULL, 1, &got), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_assign_resources(owner, "T", &req, 1, NULL), -EINVAL);
	req.alignment = 3;
	KUNIT_EXPECT_EQ(test, io_assign_resources(owner, "T", &req, 1, &got), -EINVAL);
	req = wanted[1];
	req.maximum_address = 0x10000;
	KUNIT_EXPECT_EQ(test, io_assign_resources(owner, "T", &req, 1, &got), -EINVAL);
	req.maximum_address = req.minimum_address + SIZE - 2;
	KUNIT_EXPECT_EQ(test, io_assign_resources(owner, "T", &req, 1, &got), -EINVAL);
	dev->removing = true;
	KUNIT_EXPECT_EQ(test, report(free_ranges, 2), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, io_assign_resources(owner, "T", wanted, 2, &got), -ESHUTDOWN);
	dev->removing = false;
	KUNIT_EXPECT_FALSE(test, claimed(&range));
	KUNIT_EXPECT_FALSE(test, conflict);
	tw_expect_silence(test);
	preempt_disable();
	rc = report(&range, 1);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_report_resource_usage");
	preempt_disable();
	rc = io_assign_resources(owner, "T", NULL, 0, NULL);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_assign_resources");
}

static void stage(struct wdm_device *device, enum wdm_stage stage)
{
	if (stage == WDM_STAGE_CLAIMS && claimed(&range))
		tw_log("claimed");
	if (stage == WDM_STAGE_NAMES && !claimed(&range))
		tw_log("free");
}

/* RLS-70, RLS-92: a removal gives back what the device has, in its stage */
static void removed_in_its_stage(struct kunit *test)
{
	drv->driver_stage = stage;
	KUNIT_ASSERT_EQ(test, report(free_ranges, 2), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_log(test, "claimed free");
	tw_expect_silence(test);
}

static void leave_them(struct wdm_driver *driver)
{
	result = report(&free_ranges[1], 1);
}

/* RLS-70, RLS-91, VER-21: V-RLS-7, left by the unload; the twin gives back a part */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_them;
	KUNIT_ASSERT_EQ(test, report(free_ranges, 2), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, result, 0);
	/* the device, too; what was given back is not reported */
	tw_expect_violations(test, 2);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "V-RLS-7: claim '0x"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "io_report_resource_usage"));
	KUNIT_EXPECT_FALSE(test, claimed(&range));
	KUNIT_EXPECT_FALSE(test, claimed(&range2));
}

static int claim_init(struct kunit *test)
{
	int rc;

	wanted[0].window = tw_window(&iomem_resource, SZ_16M);
	wanted[1].window = tw_window(&ioport_resource, 0x8000);
	KUNIT_ASSERT_NOT_NULL(test, wanted[0].window);
	KUNIT_ASSERT_NOT_NULL(test, wanted[1].window);

	tw_init(test);
	rc = io_assign_resources(&drv->owner, "Testing", wanted, 2, free_ranges);
	KUNIT_ASSERT_EQ(test, rc, 0);
	range = free_ranges[0];
	range2 = free_ranges[1];
	return io_assign_resources(&drv->owner, "Testing", NULL, 0, NULL);
}

static struct kunit_case claim_cases[] = {
	KUNIT_CASE(reported),
	KUNIT_CASE(reported_again),
	KUNIT_CASE(a_conflict),
	KUNIT_CASE(each_for_itself),
	KUNIT_CASE(assigned),
	KUNIT_CASE(needed_by_what_uses_it),
	KUNIT_CASE(refused),
	KUNIT_CASE(removed_in_its_stage),
	KUNIT_CASE(left_by_the_unload),
	{}
};

static struct kunit_suite claim_suite = {
	.name = "wdm_claim",
	.init = claim_init,
	.exit = tw_exit,
	.test_cases = claim_cases,
};

kunit_test_suite(claim_suite);

MODULE_DESCRIPTION("Tests of claims on hardware");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
