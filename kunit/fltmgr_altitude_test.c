// SPDX-License-Identifier: GPL-2.0-only
/*
 * Altitudes: what is one, which is higher, one instance at each.
 */
#include <linux/module.h>

#include "testgate.h"

static struct flt_sim *sim, *other_sim;
static struct flt_volume *volume, *other_volume;
static struct tf a, b;
static struct gate start;

static int altitude_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	other_sim = tf_sim(test, "other");
	volume = flt_sim_volume(sim);
	other_volume = flt_sim_volume(other_sim);
	gate_init(&start);
	/* Attaches where a case says, and nowhere else. */
	tf_init(&a, "A", "1000000");
	tf_init(&b, "B", "500.0");
	a.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	return 0;
}

static void altitude_exit(struct kunit *test)
{
	gate_open(&start);
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	flt_sim_destroy(other_sim);
	flt_sim_destroy(sim);
}

static int attach_at(const char *altitude, const char *name)
{
	return flt_attach_volume_at_altitude(a.filter, volume, altitude, name, NULL);
}

static const char * const good[] = {
	"0", "00", "1", "9", "0100", "100.", ".5", "0.5", "100.0", "100.123456", "000.000",
	"18446744073709551616", "1234567890123456789012345678901234567890.0987654321",
};

static const char * const bad[] = {
	"", ".", "..", "1..2", "1.2.3", ".1.", "-1", "+1", " 1", "1 ", "1 2", "1\n", "\t1", "1,5",
	"1e5", "0x10", "ten", "1_000", "1a", "1.a", "\xd9\xa1",
};

/* ALT-01 */
static void digits_and_one_point(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		KUNIT_EXPECT_TRUE_MSG(test, flt_altitude_valid(good[i]), "\"%s\"", good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_FALSE_MSG(test, flt_altitude_valid(bad[i]), "\"%s\"", bad[i]);
}

/* ALT-01, ATT-07 */
static void bad_text_is_an_invalid_parameter(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, attach_at(bad[i], "x"), STATUS_INVALID_PARAMETER,
				    "\"%s\"", bad[i]);
	KUNIT_EXPECT_EQ(test, attach_at(NULL, "x"), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&volume->instances));
	/* Good text of all kinds is taken, from the lowest altitude to the highest. */
	KUNIT_EXPECT_EQ(test, attach_at("00", "lowest"), 0);
	KUNIT_EXPECT_EQ(test, attach_at(".5", "half"), 0);
	KUNIT_EXPECT_EQ(test, attach_at("0100.", "point"), 0);
	KUNIT_EXPECT_EQ(test, attach_at(good[ARRAY_SIZE(good) - 1], "highest"), 0);
}

/* Each line is higher than the one before; the words of a line are equal. */
static const char * const ladder[][4] = {
	{ "0", "000", "0.0", ".0" },
	{ "0.000000000000000000000000000000000000000000000001", },
	{ "0.1", ".1", "0.10", "00.1000" },
	{ "0.10000000000000000000000000000000000001", },
	{ "0.5", ".5", },
	{ "1", "01", "1.", "1.0" },
	{ "1.05", "1.050", },
	{ "1.5", },
	{ "2", },
	{ "9", "9.", },
	{ "10", },
	{ "99.99", },
	{ "100", "0100", "100.", "100.0" },
	{ "100.123456", "100.1234560", },
	{ "100.5", },
	{ "1000", },
	{ "3333", "03333", },
	{ "20000", },
	{ "4294967295", },
	{ "4294967296", },
	{ "9007199254740992", },		/* 2^53: as a double the same as the next */
	{ "9007199254740993", },
	{ "18446744073709551615", },		/* 2^64 - 1 */
	{ "18446744073709551616", },
	{ "18446744073709551616.1", },
	{ "18446744073709551617", },
	{ "340282366920938463463374607431768211456", },
	{ "340282366920938463463374607431768211457", "0340282366920938463463374607431768211457." },
};

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* ALT-02, ALT-03, ALT-04, ALT-05 */
static void compared_as_numbers(struct kunit *test)
{
	int i, j, k, l;

	for (i = 0; i < ARRAY_SIZE(ladder); i++)
		for (j = 0; j < ARRAY_SIZE(ladder); j++)
			for (k = 0; k < 4 && ladder[i][k]; k++)
				for (l = 0; l < 4 && ladder[j][l]; l++)
					KUNIT_EXPECT_EQ_MSG(test, sign(i - j),
							    sign(flt_altitude_cmp(ladder[i][k],
										  ladder[j][l])),
							    "\"%s\" and \"%s\"",
							    ladder[i][k], ladder[j][l]);
}

/* ALT-02 */
static void precision_is_unlimited(struct kunit *test)
{
	enum { LEN = 2000 };
	char *x = kunit_kzalloc(test, LEN + 2, GFP_KERNEL);
	char *y = kunit_kzalloc(test, LEN + 2, GFP_KERNEL);
	struct flt_instance *first;

	KUNIT_ASSERT_NOT_NULL(test, x);
	KUNIT_ASSERT_NOT_NULL(test, y);
	memset(x, '7', LEN);
	memset(y, '7', LEN);
	KUNIT_EXPECT_EQ(test, flt_altitude_cmp(x, y), 0);
	y[LEN - 1] = '8';
	KUNIT_EXPECT_LT(test, flt_altitude_cmp(x, y), 0);
	/* ... nor does the place of the point matter */
	x[3] = '.';
	y[3] = '.';
	KUNIT_EXPECT_LT(test, flt_altitude_cmp(x, y), 0);
	x[LEN] = '1';
	x[LEN - 1] = '8';
	KUNIT_EXPECT_GT(test, flt_altitude_cmp(x, y), 0);
	/* Two instances that differ in the last digit only are in the right order. */
	KUNIT_ASSERT_EQ(test, attach_at(y, "low"), 0);
	KUNIT_ASSERT_EQ(test, attach_at(x, "high"), 0);
	first = list_first_entry(&volume->instances, struct flt_instance, volume_link);
	KUNIT_EXPECT_STREQ(test, first->name, "high");
	KUNIT_EXPECT_STREQ(test, tf_instance(&a, volume)->altitude, y);
}

static const char *seen[8];
static int nr_seen;

static int note_instance(struct tf *tf, struct flt_callback_data *data,
			 const struct flt_related_objects *objs, int status)
{
	if (nr_seen < ARRAY_SIZE(seen))
		seen[nr_seen++] = flt_instance_name(objs->instance);
	return status;
}

/* ALT-02, ALT-03, ALT-04 */
static void higher_is_called_first(struct kunit *test)
{
	a.on_pre = note_instance;
	nr_seen = 0;
	KUNIT_ASSERT_EQ(test, attach_at("100.123456", "second"), 0);
	KUNIT_ASSERT_EQ(test, attach_at("9", "fourth"), 0);
	KUNIT_ASSERT_EQ(test, attach_at("03333", "first"), 0);
	KUNIT_ASSERT_EQ(test, attach_at("100.12", "third"), 0);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_ASSERT_EQ(test, nr_seen, 4);
	KUNIT_EXPECT_STREQ(test, seen[0], "first");
	KUNIT_EXPECT_STREQ(test, seen[1], "second");
	KUNIT_EXPECT_STREQ(test, seen[2], "third");
	KUNIT_EXPECT_STREQ(test, seen[3], "fourth");
}

/* ALT-05, ALT-06, ATT-06, INV-20 */
static void one_instance_at_each(struct kunit *test)
{
	static const char * const same[] = { "100", "0100", "100.", "100.0", "00100.000" };
	int i;

	KUNIT_ASSERT_EQ(test, attach_at("100", "x"), 0);
	for (i = 0; i < ARRAY_SIZE(same); i++)
		KUNIT_EXPECT_EQ_MSG(test, attach_at(same[i], "y"),
				    STATUS_FLT_INSTANCE_ALTITUDE_COLLISION, "%s", same[i]);
	/* Setup was not asked about what cannot be. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&volume->instances));
	/* A neighbour is another altitude, another volume has altitudes of its own. */
	KUNIT_EXPECT_EQ(test, attach_at("100.01", "y"), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, other_volume, "100.0", "x",
							    NULL), 0);
	/* Once it is free it can be had, however it is written. */
	KUNIT_ASSERT_EQ(test, flt_detach_volume(a.filter, volume, "x"), 0);
	KUNIT_EXPECT_EQ(test, attach_at("0100.000", "z"), 0);
}

/* ALT-06, ATT-06 */
static void taken_for_every_filter(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, attach_at("0500", "x"), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	/* At start the volume was offered, and could not be had. */
	KUNIT_EXPECT_NULL(test, tf_instance(&b, volume));
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&b, other_volume));
	/* By definition the answer is the same as by altitude. CON-01 */
	KUNIT_EXPECT_EQ(test, flt_attach_volume(b.filter, volume, NULL, NULL),
			STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
}

static void *attach_same(void *arg)
{
	static const char * const altitudes[] = { "700", "0700", "700.", "700.00" };
	long n = (long)arg;
	char name[] = { 'n', '0' + n, 0 };

	gate_pass(&start);
	return (void *)(long)attach_at(altitudes[n], name);
}

/* INV-20 */
static void racing_for_one_altitude(struct kunit *test)
{
	int round, n, won, lost;

	for (round = 0; round < 20; round++) {
		gate_init(&start);
		for (n = 0; n < NR_HELPERS; n++)
			helper_start(test, n, attach_same, (void *)(long)n);
		tf_wait_until(test, atomic_read(&start.passes) == NR_HELPERS);
		gate_open(&start);
		for (won = 0, lost = 0, n = 0; n < NR_HELPERS; n++) {
			long rc = helper_join(test, n);

			won += !rc;
			lost += rc == STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
		}
		KUNIT_EXPECT_EQ(test, won, 1);
		KUNIT_EXPECT_EQ(test, lost, NR_HELPERS - 1);
		KUNIT_EXPECT_TRUE(test, list_is_singular(&volume->instances));
		KUNIT_ASSERT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	}
}

static struct flt_instance *get_at(struct kunit *test, struct flt_volume *on, const char *altitude,
				   const char *name)
{
	struct flt_instance *inst = NULL;

	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, on, altitude, name, &inst),
			0);
	return inst;
}

/* ALT-03, ALT-07 */
static void instances_compared(struct kunit *test)
{
	struct flt_instance *high = get_at(test, volume, "0200", "high");
	struct flt_instance *low = get_at(test, volume, "30.5", "low");
	struct flt_instance *away = get_at(test, other_volume, "7", "away");
	unsigned long flags;
	int above, below, same;

	KUNIT_ASSERT_NOT_NULL(test, high);
	KUNIT_ASSERT_NOT_NULL(test, low);
	KUNIT_ASSERT_NOT_NULL(test, away);
	/* May be asked anywhere. */
	local_irq_save(flags);
	above = flt_compare_instance_altitudes(high, low);
	below = flt_compare_instance_altitudes(low, high);
	same = flt_compare_instance_altitudes(low, low);
	local_irq_restore(flags);
	KUNIT_EXPECT_GT(test, above, 0);
	KUNIT_EXPECT_LT(test, below, 0);
	KUNIT_EXPECT_EQ(test, same, 0);
	/* On different volumes it means nothing, which is 0. */
	KUNIT_EXPECT_EQ(test, flt_compare_instance_altitudes(high, away), 0);
	KUNIT_EXPECT_EQ(test, flt_compare_instance_altitudes(away, low), 0);
	/* An altitude is shown as it was given. */
	KUNIT_EXPECT_STREQ(test, flt_instance_altitude(high), "0200");
	KUNIT_EXPECT_STREQ(test, flt_instance_name(high), "high");
	flt_object_dereference(high);
	flt_object_dereference(low);
	flt_object_dereference(away);
}

static struct kunit_case altitude_cases[] = {
	KUNIT_CASE(digits_and_one_point),
	KUNIT_CASE(bad_text_is_an_invalid_parameter),
	KUNIT_CASE(compared_as_numbers),
	KUNIT_CASE(precision_is_unlimited),
	KUNIT_CASE(higher_is_called_first),
	KUNIT_CASE(one_instance_at_each),
	KUNIT_CASE(taken_for_every_filter),
	KUNIT_CASE(racing_for_one_altitude),
	KUNIT_CASE(instances_compared),
	{}
};

static struct kunit_suite altitude_suite = {
	.name = "fltmgr_altitude",
	.init = altitude_init,
	.exit = altitude_exit,
	.test_cases = altitude_cases,
};

kunit_test_suite(altitude_suite);

MODULE_DESCRIPTION("Tests of altitudes");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
