// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registration: what is taken, what is refused, what each field is good for.
 */
#include <linux/module.h>

#include "testfault.h"
#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b, c;

static int register_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	return 0;
}

static void register_exit(struct kunit *test)
{
	struct tf *all[] = { &a, &b, &c };
	int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		tf_drop(all[i]);
	flt_sim_destroy(sim);
}

/* What registering says; the filter is not started, and gone again. */
static int try_register(struct tf *tf)
{
	int rc = flt_register_filter(THIS_MODULE, &tf->reg, &tf->filter);

	if (!rc)
		tf_unregister(tf);
	return rc;
}

static bool is_known(const char *name)
{
	struct flt_filter *filter;

	if (flt_get_filter_from_name(name, &filter))
		return false;
	flt_object_dereference(filter);
	return true;
}

static int right_filter, wrong_filter;

static void note_filter(struct tf *tf, const struct flt_related_objects *objs)
{
	if (objs->filter == tf->filter)
		right_filter++;
	else
		wrong_filter++;
}

static int note_pre(struct tf *tf, struct flt_callback_data *data,
		    const struct flt_related_objects *objs, int status)
{
	note_filter(tf, objs);
	return status;
}

static int note_post(struct tf *tf, struct flt_callback_data *data,
		     const struct flt_related_objects *objs, u32 flags, int status)
{
	note_filter(tf, objs);
	return status;
}

static int note_asked(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	note_filter(tf, objs);
	return status;
}

/* REG-02 */
static void pointer_is_unique_and_constant(struct kunit *test)
{
	right_filter = 0;
	wrong_filter = 0;
	a.on_pre = note_pre;
	a.on_post = note_post;
	a.on_setup = note_asked;
	a.on_query = note_asked;
	a.on_start = note_filter;
	a.on_complete = note_filter;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_PTR_NE(test, a.filter, b.filter);
	KUNIT_EXPECT_STREQ(test, flt_filter_name(a.filter), "A");
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, right_filter, 6);
	KUNIT_EXPECT_EQ(test, wrong_filter, 0);
	KUNIT_EXPECT_EQ(test, flt_register_filter(THIS_MODULE, &c.reg, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_register_filter(NULL, &c.reg, &c.filter),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_register_filter(THIS_MODULE, NULL, &c.filter),
			STATUS_INVALID_PARAMETER);
}

/* REG-03 */
static void known_before_it_filters(struct kunit *test)
{
	struct flt_filter *found = NULL;
	struct kobject *dir;

	KUNIT_EXPECT_FALSE(test, is_known("A"));
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, a.filter);
	flt_object_dereference(a.filter);
	dir = kset_find_obj(flt_filter_kobj(a.filter)->kset, "A");
	KUNIT_EXPECT_PTR_EQ(test, dir, flt_filter_kobj(a.filter));
	kobject_put(dir);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
	tf_unregister(&a);
	KUNIT_EXPECT_FALSE(test, is_known("A"));
}

/* REG-04 */
static void size_and_version_must_match(struct kunit *test)
{
	a.reg.size = sizeof(a.reg) - 1;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.reg.size = sizeof(a.reg) + 8;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.reg.size = sizeof(a.reg);
	a.reg.version = FLT_REGISTRATION_VERSION - 1;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.reg.version = FLT_REGISTRATION_VERSION + 1;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.reg.version = FLT_REGISTRATION_VERSION;
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
}

/* REG-06, INS-01 */
static void instance_definition_must_be_there(struct kunit *test)
{
	a.reg.instances = NULL;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_OBJECT_NAME_NOT_FOUND);
	a.reg.instances = &a.defs[1];	/* the end */
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_OBJECT_NAME_NOT_FOUND);
}

/* INS-01 */
static void instance_definitions_are_checked(struct kunit *test)
{
	struct flt_instance_definition *many;
	char *text;
	int i;

	a.defs[0].altitude = NULL;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.defs[0].altitude = "3.0.0";
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.defs[0].altitude = "300";
	a.defs[0].name = "a/b";
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.defs[0].name = "A";
	a.defs[0].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT << 1;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.defs[0].flags = 0;
	/* The second one, too. */
	a.defs[1] = (struct flt_instance_definition){ "A", "301" };
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_FLT_DUPLICATE_ENTRY);
	a.defs[1] = (struct flt_instance_definition){ "A2", "0300.0" };
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_FLT_DUPLICATE_ENTRY);
	a.defs[1] = (struct flt_instance_definition){ "A2", "" };
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.defs[1].altitude = "300.1";
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
	/* An array without end */
	many = kunit_kcalloc(test, 258, sizeof(*many), GFP_KERNEL);
	text = kunit_kcalloc(test, 258, 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, many);
	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < 257; i++, text += 8) {
		snprintf(text, 8, "n%d", i);
		many[i].name = text;
		many[i].altitude = text + 1;
	}
	a.reg.instances = many;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	many[256].name = NULL;
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
}

/* REG-07 */
static void operation_listed_twice(struct kunit *test)
{
	a.ops[1].major_function = IRP_MJ_READ;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_FLT_DUPLICATE_ENTRY);
	/* An operation that no volume has counts as well. */
	a.ops[1].major_function = 0x33;
	a.ops[2].major_function = 0x33;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_FLT_DUPLICATE_ENTRY);
	a.ops[2].major_function = 0x34;
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
}

static void spoil(struct tf *tf, int how)
{
	tf_init(tf, "A", "300");
	switch (how) {
	case 0:
		tf->reg.version++;
		break;
	case 1:
		tf->reg.flags = 0x8;
		break;
	case 2:
		tf->reg.name = NULL;
		break;
	case 3:
		tf->reg.name = "b";		/* taken: B */
		break;
	case 4:
		tf->reg.instances = NULL;
		break;
	case 5:
		tf->defs[0].altitude = "x";
		break;
	case 6:
		tf->ops[0].reserved1 = tf;
		break;
	case 7:
		tf->ops[0].major_function = IRP_MJ_WRITE;
		break;
	}
}

/* REG-08 */
static void refused_leaves_nothing(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);
	int how;

	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	for (how = 0; how < 8; how++) {
		spoil(&a, how);
		KUNIT_EXPECT_LT_MSG(test, flt_register_filter(THIS_MODULE, &a.reg, &a.filter), 0,
				    "%d", how);
		KUNIT_EXPECT_NULL(test, a.filter);
		KUNIT_EXPECT_FALSE(test, is_known("A"));
		KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 0);
		KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
		tf_init(&a, "A", "300");
		KUNIT_EXPECT_EQ(test, try_register(&a), 0);
	}
	/* The one whose name was wanted has not noticed. */
	KUNIT_EXPECT_TRUE(test, is_known("B"));
	KUNIT_EXPECT_EQ(test, atomic_read(&b.starts), 0);
}

/* REG-06, REG-08 */
static void out_of_memory(struct kunit *test)
{
	unsigned int n;
	int rc = -1;

	if (fault_init())
		kunit_skip(test, "allocations cannot be made to fail");
	for (n = 1; n < FAULT_MAX; n++) {
		fault_arm(n);
		rc = flt_register_filter(THIS_MODULE, &a.reg, &a.filter);
		if (!fault_disarm())
			break;
		if (!rc) {		/* it could do without */
			tf_unregister(&a);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, rc, STATUS_INSUFFICIENT_RESOURCES, "%u", n);
		KUNIT_EXPECT_NULL(test, a.filter);
		KUNIT_EXPECT_FALSE(test, is_known("A"));
		KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 0);
	}
	fault_exit();
	KUNIT_EXPECT_EQ(test, rc, 0);
	KUNIT_EXPECT_GT(test, n, 4);
}

/* REG-10 */
static void flags_are_known_ones(struct kunit *test)
{
	int bit;

	for (bit = 0; bit < 32; bit++) {
		a.reg.flags = BIT(bit);
		KUNIT_EXPECT_EQ(test, try_register(&a), bit < 3 ? 0 : STATUS_INVALID_PARAMETER);
	}
	a.reg.flags = FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP |
		      FLTFL_REGISTRATION_SUPPORT_NPFS_MSFS |
		      FLTFL_REGISTRATION_SUPPORT_DAX_VOLUME;
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
}

/* REG-25, REG-29: those of files are accepted and mean nothing on a block volume */
static void operation_flags_are_known_ones(struct kunit *test)
{
	int bit;

	for (bit = 0; bit < 32; bit++) {
		a.ops[0].flags = BIT(bit);
		KUNIT_EXPECT_EQ(test, try_register(&a), bit < 4 ? 0 : STATUS_INVALID_PARAMETER);
	}
}

/* REG-14 */
static void no_operations(struct kunit *test)
{
	a.reg.operation_registration = NULL;
	b.reg.operation_registration = &b.ops[FLT_NR_CLASSES];	/* the end */
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, volume));
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&b, volume));
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("B"), 0);
	b.filter = NULL;
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
}

/* REG-16 */
static void no_setup_attaches(struct kunit *test)
{
	a.reg.instance_setup_callback = NULL;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, volume));
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "50", NULL, NULL),
			0);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 2);
}

/* REG-17, TDN-04, DET-04 */
static void no_query_teardown_refuses(struct kunit *test)
{
	a.reg.instance_query_teardown_callback = NULL;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), STATUS_FLT_DO_NOT_DETACH);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "A"), STATUS_FLT_DO_NOT_DETACH);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 0);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	/* It only concerns what is asked for by hand. */
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
}

/* REG-18 */
static void teardown_callbacks_are_optional(struct kunit *test)
{
	struct tf *all[] = { &a, &b, &c };
	int i;

	a.reg.instance_teardown_start_callback = NULL;
	a.reg.instance_teardown_complete_callback = NULL;
	b.reg.instance_teardown_start_callback = NULL;
	c.reg.instance_teardown_complete_callback = NULL;
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, tf_register(all[i]), 0);
	for (i = 0; i < 3; i++) {
		struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
		flt_sim_set_hold(sim, true);
		KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
		/* In full: what is owed is drained, the name is free, it ends. */
		KUNIT_EXPECT_EQ(test, flt_detach_volume(all[i]->filter, volume, NULL), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&all[i]->drains), 1);
		KUNIT_EXPECT_NULL(test, tf_instance(all[i], volume));
		flt_sim_set_hold(sim, false);
		KUNIT_EXPECT_EQ(test, flt_sim_release(op, FLT_SIM_PROCESS, 0), 0);
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
		flt_sim_op_free(op);
		KUNIT_EXPECT_EQ(test, flt_attach_volume(all[i]->filter, volume, NULL, NULL), 0);
		tf_unregister(all[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&c.starts), 2);
}

static int other_pres;

static int other_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	other_pres++;
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

/* REG-20 */
static void one_record_per_operation(struct kunit *test)
{
	other_pres = 0;
	a.ops[FLT_CLASS_FLUSH].pre_operation = other_pre;	/* the others share one */
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_io(test, sim, FLT_CLASS_READ);
	tf_io(test, sim, FLT_CLASS_WRITE);
	tf_io(test, sim, FLT_CLASS_DISCARD);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 3);
	KUNIT_EXPECT_EQ(test, other_pres, 0);
	tf_io(test, sim, FLT_CLASS_FLUSH);
	KUNIT_EXPECT_EQ(test, other_pres, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 3);
}

/* REG-21 */
static void pre_or_post_alone(struct kunit *test)
{
	tf_without_post(&a);
	tf_without_pre(&b);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_WRITE), 0);
	tf_expect_log(test, "A> B<");
}

/* REG-22 */
static void what_cannot_be_registered(struct kunit *test)
{
	a.ops[0].major_function = IRP_MJ_POWER;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.ops[0].major_function = IRP_MJ_DEVICE_CHANGE;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.ops[0].major_function = IRP_MJ_SHUTDOWN;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.ops[0].post_operation = NULL;
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
}

/* REG-23 */
static void unknown_operations_are_harmless(struct kunit *test)
{
	static const u8 unknown[] = { 0x00, 0x1b, 0x7f, 0x81, 0xec, 0xff };
	enum flt_class class;
	int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		a.ops[i].major_function = unknown[i];
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, volume));
	for (class = 0; class < FLT_NR_CLASSES; class++)
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, class), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres) + atomic_read(&a.posts), 0);
}

/* REG-24 */
static void others_pass_by_at_no_cost(struct kunit *test)
{
	enum flt_class class;

	a.ops[1] = (struct flt_operation_registration){ IRP_MJ_OPERATION_END };
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	/* An operation that is not filtered never comes to the manager. */
	for (class = 0; class < FLT_NR_CLASSES; class++) {
		KUNIT_EXPECT_EQ(test, flt_volume_filtered(volume, class), class == FLT_CLASS_READ);
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, class), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&a.pres), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 1);
	KUNIT_EXPECT_EQ(test, a.seen_iopb.major_function, IRP_MJ_READ);
	/* With a record, but without callbacks in it: just the same. */
	a.ops[1].major_function = IRP_MJ_WRITE;
	a.ops[2].major_function = IRP_MJ_OPERATION_END;
	tf_unregister(&a);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_FALSE(test, flt_volume_filtered(volume, FLT_CLASS_WRITE));
}

/* REG-29 */
static void reserved_is_null(struct kunit *test)
{
	a.ops[3].reserved1 = &a;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	a.ops[3].reserved1 = NULL;
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
}

static void names(struct kunit *test)
{
	static const char * const bad[] = {
		"", ".", "..", "a/b", "/", "a b", " a", "a\n", "a\t", "\x7f", "\x01", "\xc3\xa4",
	};
	char *name = kunit_kzalloc(test, FLT_NAME_MAX + 2, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, name);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		a.reg.name = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, try_register(&a), STATUS_INVALID_PARAMETER, "\"%s\"",
				    bad[i]);
	}
	a.reg.name = "...";
	KUNIT_EXPECT_EQ(test, try_register(&a), 0);
	memset(name, '!', FLT_NAME_MAX + 1);
	a.reg.name = name;
	KUNIT_EXPECT_EQ(test, try_register(&a), STATUS_INVALID_PARAMETER);
	name[FLT_NAME_MAX] = 0;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_TRUE(test, is_known(name));
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, volume));
	/* A name of the longest length is compared to its end. */
	b.reg.name = kunit_kstrdup(test, name, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, b.reg.name);
	KUNIT_EXPECT_EQ(test, try_register(&b), -EEXIST);
	((char *)b.reg.name)[FLT_NAME_MAX - 1] = '?';
	KUNIT_EXPECT_EQ(test, try_register(&b), 0);
}

/* ENM-12 */
static void found_by_name_in_any_case(struct kunit *test)
{
	struct flt_filter *found = NULL;

	a.reg.name = "Abc.D";
	b.reg.name = "aBC.d";
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("abc.d", &found),
			STATUS_FLT_FILTER_NOT_FOUND);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("ABC.d", &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, a.filter);
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 1);
	flt_object_dereference(a.filter);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("abc", &found),
			STATUS_FLT_FILTER_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("", &found), STATUS_FLT_FILTER_NOT_FOUND);
	/* So a name in other letters is the same name. */
	KUNIT_EXPECT_EQ(test, try_register(&b), -EEXIST);
}

/* ENM-07 */
static void listed_by_default_altitude(struct kunit *test)
{
	c.defs[0].altitude = "00299.5";
	c.defs[1] = (struct flt_instance_definition){ "C2", "5000" };	/* not the default */
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_PTR_EQ(test, list_next_entry(a.filter, link), c.filter);
	KUNIT_EXPECT_PTR_EQ(test, list_next_entry(c.filter, link), b.filter);
}

static struct kunit_case register_cases[] = {
	KUNIT_CASE(pointer_is_unique_and_constant),
	KUNIT_CASE(known_before_it_filters),
	KUNIT_CASE(size_and_version_must_match),
	KUNIT_CASE(instance_definition_must_be_there),
	KUNIT_CASE(instance_definitions_are_checked),
	KUNIT_CASE(operation_listed_twice),
	KUNIT_CASE(refused_leaves_nothing),
	KUNIT_CASE(out_of_memory),
	KUNIT_CASE(flags_are_known_ones),
	KUNIT_CASE(operation_flags_are_known_ones),
	KUNIT_CASE(no_operations),
	KUNIT_CASE(no_setup_attaches),
	KUNIT_CASE(no_query_teardown_refuses),
	KUNIT_CASE(teardown_callbacks_are_optional),
	KUNIT_CASE(one_record_per_operation),
	KUNIT_CASE(pre_or_post_alone),
	KUNIT_CASE(what_cannot_be_registered),
	KUNIT_CASE(unknown_operations_are_harmless),
	KUNIT_CASE(others_pass_by_at_no_cost),
	KUNIT_CASE(reserved_is_null),
	KUNIT_CASE(names),
	KUNIT_CASE(found_by_name_in_any_case),
	KUNIT_CASE(listed_by_default_altitude),
	{}
};

static struct kunit_suite register_suite = {
	.name = "fltmgr_register",
	.init = register_init,
	.exit = register_exit,
	.test_cases = register_cases,
};

kunit_test_suite(register_suite);

MODULE_DESCRIPTION("Tests of registration");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
