// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: making one known, offering it, taking it out of service.
 */
#include <linux/module.h>

#include "testfault.h"
#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b, c;
static struct gate gate;

static int volume_init(struct kunit *test)
{
	/* Not offered, unless a case does: nobody else attaches. */
	sim = tf_sim(test, "vol");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	gate_init(&gate);
	return 0;
}

static void volume_exit(struct kunit *test)
{
	struct tf *all[] = { &a, &b, &c };
	int i;

	gate_open(&gate);
	tf_race_disarm();
	helpers_stop();
	for (i = 0; i < ARRAY_SIZE(all); i++)
		tf_drop(all[i]);
	flt_sim_destroy(sim);
}

/* A provider of this module, to see when it is done with. */

static atomic_t releases;
static void *released;

static void own_submit(struct flt_operation *op, unsigned int flags)
{
}

static void own_complete(struct flt_operation *op)
{
}

static void own_release(void *private)
{
	released = private;
	atomic_inc(&releases);
}

static const struct flt_volume_ops own_ops = {
	.type = "own",
	.owner = THIS_MODULE,
	.submit = own_submit,
	.complete = own_complete,
	.release = own_release,
};

static void *dismount(void *arg)
{
	flt_sim_dismount(arg);
	return NULL;
}

static bool is_known(const char *name)
{
	struct flt_volume *found;

	if (flt_get_volume_from_name(name, &found))
		return false;
	flt_object_dereference(found);
	return true;
}

/* VOL-01 */
static void inert_without_a_filter(struct kunit *test)
{
	enum flt_class class;
	int cpu;

	for (class = 0; class < FLT_NR_CLASSES; class++) {
		KUNIT_EXPECT_FALSE(test, flt_volume_filtered(volume, class));
		KUNIT_EXPECT_EQ(test, tf_io(test, sim, class), 0);
	}
	/* The manager has seen none of them. */
	for_each_possible_cpu(cpu)
		KUNIT_EXPECT_EQ(test, per_cpu_ptr(volume->inflight, cpu)->entered, 0);
	/* To register is all that a filter does to be attached. */
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, volume));
	for (class = 0; class < FLT_NR_CLASSES; class++)
		KUNIT_EXPECT_TRUE(test, flt_volume_filtered(volume, class));
	/* And when the last one has gone it is inert again. */
	tf_unregister(&a);
	for (class = 0; class < FLT_NR_CLASSES; class++)
		KUNIT_EXPECT_FALSE(test, flt_volume_filtered(volume, class));
}

static int right_volume, wrong_volume;

static void note_volume(struct tf *tf, const struct flt_related_objects *objs)
{
	if (objs->volume == volume && !strcmp(flt_volume_name(objs->volume), "vol"))
		right_volume++;
	else
		wrong_volume++;
}

static int note_pre(struct tf *tf, struct flt_callback_data *data,
		    const struct flt_related_objects *objs, int status)
{
	note_volume(tf, objs);
	return status;
}

static int note_asked(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	note_volume(tf, objs);
	return status;
}

/* VOL-02 */
static void pointer_is_constant(struct kunit *test)
{
	struct flt_volume *found = NULL;

	right_volume = 0;
	wrong_volume = 0;
	a.on_setup = note_asked;
	a.on_query = note_asked;
	a.on_pre = note_pre;
	a.on_start = note_volume;
	a.on_complete = note_volume;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_io(test, sim, FLT_CLASS_READ);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, right_volume, 5);
	KUNIT_EXPECT_EQ(test, wrong_volume, 0);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("vol", &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, volume);
	flt_object_dereference(volume);
}

static struct flt_sim *new_sim;

static void make_new(struct kunit *test)
{
	new_sim = tf_sim(test, "new");
}

static void offer_new(void)
{
	flt_sim_offer(new_sim);
	flush_work(&flt_sim_volume(new_sim)->offer_work);
}

/* VOL-04, INS-03 */
static void offered_by_default_altitude(struct kunit *test)
{
	/* The default instance's altitude orders, not that of another one. */
	c.defs[1] = (struct flt_instance_definition){ "C2", "1000" };
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	make_new(test);
	tf_log_clear();
	offer_new();
	tf_expect_log(test, "A? B? C? C?");
	flt_sim_destroy(new_sim);
}

static struct task_struct *setup_task;
static bool setup_in_task;

static int note_task(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	setup_task = current;
	setup_in_task = in_task() && !irqs_disabled();
	return status;
}

/* VOL-05, ATT-09, ATT-10 */
static void not_set_up_inside_the_offer(struct kunit *test)
{
	unsigned long flags;

	a.on_setup = note_task;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	make_new(test);
	setup_task = NULL;
	atomic_set(&a.setups, 0);
	/* As from where a provider may not sleep. */
	local_irq_save(flags);
	flt_sim_offer(new_sim);
	local_irq_restore(flags);
	tf_wait_until(test, atomic_read(&a.setups) == 1);
	flush_work(&flt_sim_volume(new_sim)->offer_work);
	KUNIT_EXPECT_PTR_NE(test, setup_task, current);
	KUNIT_EXPECT_TRUE(test, setup_in_task);
	KUNIT_EXPECT_EQ(test, a.setup_flags, FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT |
			FLTFL_INSTANCE_SETUP_NEWLY_MOUNTED_VOLUME);
	KUNIT_EXPECT_STREQ(test, a.volume_type, "sim");
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, flt_sim_volume(new_sim)));
	flt_sim_destroy(new_sim);
}

static int wait_in_setup(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	if (objs->volume != volume)
		gate_pass(&gate);
	return status;
}

/* VOL-04 */
static void nobody_is_passed_by(struct kunit *test)
{
	b.on_setup = wait_in_setup;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	make_new(test);
	flt_sim_offer(new_sim);
	gate_wait(test, &gate);
	/* While B is asked, one who was asked goes; the one behind still has its turn. */
	tf_unregister(&a);
	gate_open(&gate);
	flush_work(&flt_sim_volume(new_sim)->offer_work);
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&b, flt_sim_volume(new_sim)));
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&c, flt_sim_volume(new_sim)));
	flt_sim_destroy(new_sim);
}

/* VOL-05, TDN-43 */
static void dismounted_while_it_is_offered(struct kunit *test)
{
	a.on_setup = wait_in_setup;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	make_new(test);
	flt_sim_offer(new_sim);
	gate_wait(test, &gate);
	helper_start(test, 0, dismount, new_sim);
	tf_wait_until(test, READ_ONCE(flt_sim_volume(new_sim)->going));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	helper_join(test, 0);
	/* Whom it was not offered to yet it is not offered to any more. */
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 1);
	KUNIT_EXPECT_EQ(test, a.reason, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.setups), 1);	/* "vol" */
	flt_sim_destroy(new_sim);
}

/* VOL-10 */
static void found_by_name(struct kunit *test)
{
	struct flt_volume *found = NULL;

	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("", &found), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("a/b", &found), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("none", &found),
			STATUS_FLT_VOLUME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("VOL", &found),
			STATUS_FLT_VOLUME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("vol", &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, volume);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 1);
	flt_object_dereference(volume);
	KUNIT_EXPECT_EQ(test, references(&volume->head.obj), 0);
}

static void wait_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	gate_pass(&gate);
}

/* VOL-10, ATT-05 */
static void found_while_it_goes(struct kunit *test)
{
	struct flt_volume *found;

	a.on_start = wait_in_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, dismount, sim);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("vol", &found), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "1", "x", NULL),
			STATUS_FLT_DELETING_OBJECT);
	/* Who starts now does not get it, and the name is not free yet. */
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.setups), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(flt_sim_create_unoffered("vol")), -EEXIST);
	gate_open(&gate);
	helper_join(test, 0);
	KUNIT_EXPECT_FALSE(test, is_known("vol"));
}

/* TDN-43, TDN-06, DET-08 */
static void dismount_tears_down_all(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "1", "low", NULL),
			0);
	a.query_status = STATUS_FLT_DO_NOT_DETACH;
	flt_sim_dismount(sim);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries) + atomic_read(&b.queries), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.starts), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 1);
	KUNIT_EXPECT_EQ(test, a.reason, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
	KUNIT_EXPECT_EQ(test, b.reason, FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
	KUNIT_EXPECT_TRUE(test, list_empty(&volume->instances));
	/* The filters stay. */
	make_new(test);
	offer_new();
	KUNIT_EXPECT_NOT_NULL(test, tf_instance(&a, flt_sim_volume(new_sim)));
	flt_sim_destroy(new_sim);
}

/* TDN-43, DRN-09 */
static void dismount_waits_for_what_is_below(struct kunit *test)
{
	struct flt_sim_op *op = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	flt_sim_set_hold(sim, true);
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	helper_start(test, 0, dismount, sim);
	/* No instance is left, and an operation that had to do with one still is. */
	tf_wait_until(test, atomic_read(&a.completes) == 1);
	tf_wait_until(test, !left_on(&volume->instances));
	tf_wait_until(test, queue_waited_for(&volume->wait));
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	KUNIT_EXPECT_EQ(test, flt_sim_release(op, FLT_SIM_HARDIRQ, 0), 0);
	helper_join(test, 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.drains), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.posts), 0);
}

static void names(struct kunit *test)
{
	static const char * const bad[] = { "", ".", "..", "a/b", "a b", "a\n", "\x7f", "\xff" };
	char *name = kunit_kzalloc(test, FLT_NAME_MAX + 2, GFP_KERNEL);
	struct flt_sim *longest;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, name);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(flt_sim_create_unoffered(bad[i])),
				    -EINVAL, "\"%s\"", bad[i]);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(flt_sim_create_unoffered("vol")), -EEXIST);
	KUNIT_EXPECT_TRUE(test, is_known("vol"));
	memset(name, 'v', FLT_NAME_MAX + 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(flt_sim_create_unoffered(name)), -EINVAL);
	name[FLT_NAME_MAX] = 0;
	longest = flt_sim_create_unoffered(name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, longest);
	KUNIT_EXPECT_TRUE(test, is_known(name));
	/* Nothing can be attached to it by any name, and nothing comes of trying. */
	KUNIT_EXPECT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_LT(test, flt_attach_volume_at_altitude(a.filter, flt_sim_volume(longest), "1",
							    NULL, NULL), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&flt_sim_volume(longest)->instances));
	flt_sim_destroy(longest);
}

/* REF-10, VOL-02 */
static void provider_is_kept_until_the_last_reference(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);
	struct flt_volume *own;

	atomic_set(&releases, 0);
	released = NULL;
	own = flt_volume_create("own", &own_ops, &gate);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, own);
	KUNIT_EXPECT_PTR_EQ(test, flt_volume_private(own), &gate);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	KUNIT_ASSERT_EQ(test, flt_object_reference(own), 0);
	flt_volume_dismount(own);
	flt_volume_put(own);
	/* The name goes first, the memory last. */
	KUNIT_EXPECT_FALSE(test, is_known("own"));
	flush_work(&own->reap_work);
	KUNIT_EXPECT_EQ(test, atomic_read(&releases), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	KUNIT_EXPECT_STREQ(test, flt_volume_name(own), "own");
	flt_object_dereference(own);
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
	KUNIT_EXPECT_EQ(test, atomic_read(&releases), 1);
	KUNIT_EXPECT_PTR_EQ(test, released, &gate);
}

static void out_of_memory(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);
	struct flt_volume *own = NULL;
	unsigned int n;

	if (fault_init())
		kunit_skip(test, "allocations cannot be made to fail");
	atomic_set(&releases, 0);
	for (n = 1; n < FAULT_MAX; n++) {
		fault_arm(n);
		own = flt_volume_create("own", &own_ops, &gate);
		if (!fault_disarm())
			break;
		if (!IS_ERR(own)) {		/* it could do without */
			flt_volume_dismount(own);
			flt_volume_put(own);
			tf_wait_until(test, module_refcount(THIS_MODULE) == before);
			atomic_set(&releases, 0);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(own), -ENOMEM, "%u", n);
		KUNIT_EXPECT_FALSE(test, is_known("own"));
		tf_wait_until(test, module_refcount(THIS_MODULE) == before);
		/* What was never the volume's is not given back by it. */
		KUNIT_EXPECT_EQ(test, atomic_read(&releases), 0);
	}
	fault_exit();
	KUNIT_EXPECT_GT(test, n, 4);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, own);
	flt_volume_dismount(own);
	flt_volume_put(own);
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
	KUNIT_EXPECT_EQ(test, atomic_read(&releases), 1);
}

static void *create_own(void *arg)
{
	return flt_volume_create("own", &own_ops, &gate);
}

/* Its name is taken, but nobody finds it before it is complete. */
static void not_found_half_made(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);
	struct flt_volume *own, *found;

	tf_race_arm("volume_listed", NULL);
	helper_start(test, 0, create_own, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, flt_get_volume_from_name("own", &found),
			STATUS_FLT_VOLUME_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(create_own(NULL)), -EEXIST);
	KUNIT_EXPECT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), 1);	/* "vol" */
	tf_race_go();
	own = (void *)helper_join(test, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, own);
	KUNIT_EXPECT_TRUE(test, is_known("own"));
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, own, NULL, NULL), 0);
	flt_volume_dismount(own);
	flt_volume_put(own);
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
}

/* The simulated device with a latency: what is due is completed, the oldest first */
static void the_device_completes_what_is_due(struct kunit *test)
{
	struct flt_sim_op *ops[2];
	int i;

	flt_sim_set_hold(sim, true);
	KUNIT_EXPECT_EQ(test, flt_sim_release_due(sim, ktime_get(), FLT_SIM_PROCESS, 0), -ENOENT);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ops[i] = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ops[i]);
		KUNIT_EXPECT_EQ(test, flt_sim_start(ops[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, flt_sim_release_due(sim, ktime_sub_us(ops[0]->arrived, 1),
						  FLT_SIM_PROCESS, 0), -ENOENT);
	KUNIT_EXPECT_FALSE(test, flt_sim_due(sim, ktime_sub_us(ops[0]->arrived, 1)));
	KUNIT_EXPECT_TRUE(test, flt_sim_due(sim, ops[0]->arrived));
	KUNIT_EXPECT_EQ(test, flt_sim_release_due(sim, ops[0]->arrived, FLT_SIM_NR_CONTEXTS, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, flt_sim_held(sim), 2);
	KUNIT_EXPECT_EQ(test, flt_sim_release_due(sim, ktime_get(), FLT_SIM_PROCESS,
						  STATUS_IO_DEVICE_ERROR), 0);
	KUNIT_EXPECT_TRUE(test, flt_sim_op_done(ops[0]));
	KUNIT_EXPECT_EQ(test, ops[0]->status, STATUS_IO_DEVICE_ERROR);
	KUNIT_EXPECT_FALSE(test, flt_sim_op_done(ops[1]));
	KUNIT_EXPECT_EQ(test, flt_sim_release_due(sim, ktime_get(), FLT_SIM_HARDIRQ, 0), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(ops[1], 10 * HZ), 0);
	KUNIT_EXPECT_EQ(test, ops[1]->device_done.context, FLT_SIM_HARDIRQ);
	KUNIT_EXPECT_FALSE(test, flt_sim_due(sim, ktime_get()));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		flt_sim_op_free(ops[i]);
}

static struct kunit_case volume_cases[] = {
	KUNIT_CASE(inert_without_a_filter),
	KUNIT_CASE(pointer_is_constant),
	KUNIT_CASE(offered_by_default_altitude),
	KUNIT_CASE(not_set_up_inside_the_offer),
	KUNIT_CASE(nobody_is_passed_by),
	KUNIT_CASE(dismounted_while_it_is_offered),
	KUNIT_CASE(found_by_name),
	KUNIT_CASE(found_while_it_goes),
	KUNIT_CASE(dismount_tears_down_all),
	KUNIT_CASE(dismount_waits_for_what_is_below),
	KUNIT_CASE(names),
	KUNIT_CASE(provider_is_kept_until_the_last_reference),
	KUNIT_CASE(out_of_memory),
	KUNIT_CASE(not_found_half_made),
	KUNIT_CASE(the_device_completes_what_is_due),
	{}
};

static struct kunit_suite volume_suite = {
	.name = "fltmgr_volume",
	.init = volume_init,
	.exit = volume_exit,
	.test_cases = volume_cases,
};

kunit_test_suite(volume_suite);

MODULE_DESCRIPTION("Tests of volumes");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
