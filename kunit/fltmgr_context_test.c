// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: definitions, allocation, references and the end. Those on objects
 * are in fltmgr_context_set_test.c, races in fltmgr_context_race_test.c.
 */
#include <linux/module.h>

#include "testcontext.h"

static void context_exit(struct kunit *test)
{
	tcs.on_end = NULL;
	tc_test_exit(test);
}

/* Register with these definitions, and unregister. */
static int try_defs(const struct flt_context_registration *defs)
{
	int rc;

	a.reg.context_registration = defs;
	rc = flt_register_filter(THIS_MODULE, &a.reg, &a.filter);
	if (!rc)
		tf_unregister(&a);
	return rc;
}

static int try_alloc(u16 type, size_t size, enum flt_pool_type pool)
{
	void *context = &a;
	int rc = flt_allocate_context(a.filter, type, size, pool, &context);

	if (!rc)
		flt_release_context(context);
	else if (context)
		return 1;	/* not cleared */
	return rc;
}

/* CTX-01, REG-13 */
static void registered_in_any_order_and_with_an_end(struct kunit *test)
{
	static const struct flt_context_registration none[] = { TC_END };
	static const struct flt_context_registration up[] = {
		TC_DEF(FLT_VOLUME_CONTEXT), TC_DEF(FLT_SECTION_CONTEXT), TC_END
	};
	static const struct flt_context_registration down[] = {
		TC_DEF(FLT_SECTION_CONTEXT), TC_DEF(FLT_VOLUME_CONTEXT), TC_END
	};
	struct flt_context_registration *endless;
	int i;

	KUNIT_EXPECT_EQ(test, try_defs(NULL), 0);
	KUNIT_EXPECT_EQ(test, try_defs(none), 0);
	KUNIT_EXPECT_EQ(test, try_defs(up), 0);
	KUNIT_EXPECT_EQ(test, try_defs(down), 0);
	endless = kunit_kcalloc(test, 300, sizeof(*endless), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, endless);
	for (i = 0; i < 300; i++)
		endless[i] = up[0];
	KUNIT_EXPECT_EQ(test, try_defs(endless), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
}

/* CTX-02, CTX-05 */
static void three_sizes_and_one_variable(struct kunit *test)
{
	static const struct flt_context_registration full[] = {
		TC_SIZED(FLT_INSTANCE_CONTEXT, 8),
		TC_SIZED(FLT_INSTANCE_CONTEXT, TC_ANY_SIZE),
		TC_SIZED(FLT_INSTANCE_CONTEXT, 32),
		TC_SIZED(FLT_VOLUME_CONTEXT, 8),
		TC_SIZED(FLT_INSTANCE_CONTEXT, 16),
		TC_END,
		TC_END,
	};
	struct flt_context_registration defs[7];

	KUNIT_EXPECT_EQ(test, try_defs(full), 0);
	memcpy(defs, full, sizeof(defs));
	defs[5] = full[0];
	defs[5].size = 64;		/* a fourth size */
	KUNIT_EXPECT_EQ(test, try_defs(defs), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
	defs[5] = full[1];
	defs[5].pool_tag = 1;		/* a second variable one */
	KUNIT_EXPECT_EQ(test, try_defs(defs), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
	defs[5] = full[3];
	defs[5].context_cleanup_callback = NULL;	/* a size twice */
	KUNIT_EXPECT_EQ(test, try_defs(defs), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
	defs[5] = full[3];
	defs[5].size = 9;
	KUNIT_EXPECT_EQ(test, try_defs(defs), 0);
}

/* CTX-03, CTX-05 */
static void an_allocate_routine_stands_alone(struct kunit *test)
{
	struct flt_context_registration defs[] = {
		TC_OWN(FLT_INSTANCE_CONTEXT),
		TC_DEF(FLT_VOLUME_CONTEXT),
		TC_END,
	};

	KUNIT_EXPECT_EQ(test, try_defs(defs), 0);
	defs[0].size = FLT_CONTEXT_SIZE_MAX + 1;	/* ignored */
	KUNIT_EXPECT_EQ(test, try_defs(defs), 0);
	defs[1].context_type = FLT_INSTANCE_CONTEXT;
	KUNIT_EXPECT_EQ(test, try_defs(defs), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
	swap(defs[0], defs[1]);
	KUNIT_EXPECT_EQ(test, try_defs(defs), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
	defs[0] = defs[1];
	defs[0].size = TC_ANY_SIZE;
	KUNIT_EXPECT_EQ(test, try_defs(defs), STATUS_FLT_INVALID_CONTEXT_REGISTRATION);
}

/* CTX-04 */
static void the_first_of_equal_definitions_counts(struct kunit *test)
{
	static const struct flt_context_registration defs[] = {
		TC_SIZED(FLT_INSTANCE_CONTEXT, 8), TC_SIZED(FLT_INSTANCE_CONTEXT, 16),
		TC_SIZED(FLT_INSTANCE_CONTEXT, 8), TC_SIZED(FLT_INSTANCE_CONTEXT, 24),
		TC_SIZED(FLT_INSTANCE_CONTEXT, 24), TC_SIZED(FLT_INSTANCE_CONTEXT, 8),
		TC_OWN(FLT_VOLUME_CONTEXT), TC_OWN(FLT_VOLUME_CONTEXT),
		TC_END
	};
	struct tc *tc;

	a.reg.context_registration = defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, a.filter->nr_context_classes, 4);
	KUNIT_ASSERT_EQ(test, flt_allocate_context(a.filter, FLT_INSTANCE_CONTEXT, 8,
						   FLT_PAGED_POOL, (void **)&tc), 0);
	tc->nr = atomic_inc_return(&tcs.made) - 1;
	KUNIT_EXPECT_PTR_EQ(test, to_flt_context(tc)->class->def, &defs[0]);
	flt_release_context(tc);
}

/* CTX-05, CTX-08, REG-08 */
static void malformed_definitions(struct kunit *test)
{
	static const struct flt_context_registration bad[] = {
		TC_DEF(0),
		TC_DEF(0x80),
		TC_DEF(FLT_ALL_CONTEXTS),
		TC_DEF(FLT_VOLUME_CONTEXT | FLT_INSTANCE_CONTEXT),
		TC_SIZED(FLT_VOLUME_CONTEXT, 8, .flags = 2),
		TC_SIZED(FLT_VOLUME_CONTEXT, 8, .reserved1 = &a),
		TC_SIZED(FLT_VOLUME_CONTEXT, FLT_CONTEXT_SIZE_MAX + 1),
		TC_SIZED(FLT_VOLUME_CONTEXT, 8, .context_allocate_callback = tc_alloc_own),
		TC_SIZED(FLT_VOLUME_CONTEXT, 8, .context_free_callback = tc_free_own),
	};
	struct flt_context_registration defs[2] = { {}, TC_END };
	struct flt_filter *filter;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		defs[0] = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, try_defs(defs), STATUS_FLT_INVALID_CONTEXT_REGISTRATION,
				    "%d", i);
		KUNIT_EXPECT_EQ(test, flt_get_filter_from_name("A", &filter),
				STATUS_FLT_FILTER_NOT_FOUND);
	}
	defs[0] = bad[6];
	defs[0].size = FLT_CONTEXT_SIZE_MAX;
	KUNIT_EXPECT_EQ(test, try_defs(defs), 0);
	defs[0].size = 0;		/* CON-18 */
	KUNIT_EXPECT_EQ(test, try_defs(defs), 0);
}

#define NO_EXACT	.flags = FLTFL_CONTEXT_REGISTRATION_NO_EXACT_SIZE_MATCH

/* CON-20, CTX-30 */
static void the_documented_values(struct kunit *test)
{
	static const u16 types[] = {
		FLT_VOLUME_CONTEXT, FLT_INSTANCE_CONTEXT, FLT_FILE_CONTEXT, FLT_STREAM_CONTEXT,
		FLT_STREAMHANDLE_CONTEXT, FLT_TRANSACTION_CONTEXT, FLT_SECTION_CONTEXT,
	};
	u16 all = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		KUNIT_EXPECT_EQ(test, types[i], 1 << i);
		all |= types[i];
	}
	KUNIT_EXPECT_EQ(test, FLT_ALL_CONTEXTS, all);
	KUNIT_EXPECT_EQ(test, FLT_CONTEXT_END, 0xffff);
	KUNIT_EXPECT_EQ(test, FLT_SET_CONTEXT_REPLACE_IF_EXISTS, 0);
	KUNIT_EXPECT_EQ(test, FLT_SET_CONTEXT_KEEP_IF_EXISTS, 1);
}

/* CTX-06, CON-18, CON-19 */
static void which_definition_serves(struct kunit *test)
{
	static const struct flt_context_registration defs[] = {
		TC_BARE(FLT_INSTANCE_CONTEXT, 64, NO_EXACT),
		TC_BARE(FLT_INSTANCE_CONTEXT, TC_ANY_SIZE),
		TC_BARE(FLT_INSTANCE_CONTEXT, 32, NO_EXACT),
		TC_BARE(FLT_INSTANCE_CONTEXT, 16),
		TC_BARE(FLT_VOLUME_CONTEXT, 16),
		TC_BARE(FLT_FILE_CONTEXT, 0),
		TC_END
	};
	static const struct {
		u16 type;
		u16 size;
		s8 def;
	} cases[] = {
		{ FLT_INSTANCE_CONTEXT, 16, 3 }, { FLT_INSTANCE_CONTEXT, 15, 2 },
		{ FLT_INSTANCE_CONTEXT, 0, 2 }, { FLT_INSTANCE_CONTEXT, 17, 2 },
		{ FLT_INSTANCE_CONTEXT, 32, 2 }, { FLT_INSTANCE_CONTEXT, 33, 0 },
		{ FLT_INSTANCE_CONTEXT, 64, 0 }, { FLT_INSTANCE_CONTEXT, 65, 1 },
		{ FLT_INSTANCE_CONTEXT, 65535, 1 }, { FLT_VOLUME_CONTEXT, 16, 4 },
		{ FLT_VOLUME_CONTEXT, 15, -1 }, { FLT_VOLUME_CONTEXT, 17, -1 },
		{ FLT_FILE_CONTEXT, 0, 5 }, { FLT_FILE_CONTEXT, 1, -1 },
		{ FLT_STREAM_CONTEXT, 0, -1 },
	};
	void *context;
	int i, rc;

	a.reg.context_registration = defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		rc = flt_allocate_context(a.filter, cases[i].type, cases[i].size,
					  FLT_NON_PAGED_POOL, &context);
		if (cases[i].def < 0) {
			KUNIT_EXPECT_EQ_MSG(test, rc, STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND,
					    "%d", i);
			KUNIT_EXPECT_NULL(test, context);
			continue;
		}
		KUNIT_ASSERT_EQ_MSG(test, rc, 0, "%d", i);
		KUNIT_EXPECT_PTR_EQ_MSG(test, to_flt_context(context)->class->def,
					&defs[cases[i].def], "%d", i);
		/* KASAN would tell if it were less. */
		memset(context, 0xff, cases[i].size);
		flt_release_context(context);
	}
}

/* CTX-08, CTX-11, CTX-12 */
static void what_cannot_be_allocated(struct kunit *test)
{
	static const struct flt_context_registration defs[] = {
		TC_BARE(FLT_VOLUME_CONTEXT, TC_ANY_SIZE),
		TC_BARE(FLT_INSTANCE_CONTEXT, TC_ANY_SIZE),
		TC_END
	};

	a.reg.context_registration = defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_INSTANCE_CONTEXT, 65535, FLT_PAGED_POOL), 0);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_INSTANCE_CONTEXT, 65536, FLT_PAGED_POOL),
			STATUS_INVALID_BUFFER_SIZE);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_STREAM_CONTEXT, 8, FLT_PAGED_POOL),
			STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND);
	KUNIT_EXPECT_EQ(test, try_alloc(0, 8, FLT_PAGED_POOL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_CONTEXT_END, 8, FLT_PAGED_POOL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_VOLUME_CONTEXT | FLT_INSTANCE_CONTEXT, 8,
					FLT_NON_PAGED_POOL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_INSTANCE_CONTEXT, 8, 7), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_allocate_context(a.filter, FLT_INSTANCE_CONTEXT, 8,
						   FLT_PAGED_POOL, NULL),
			STATUS_INVALID_PARAMETER);
	/* CTX-12 */
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_VOLUME_CONTEXT, 8, FLT_PAGED_POOL),
			STATUS_FLT_MUST_BE_NONPAGED_POOL);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_VOLUME_CONTEXT, 8, FLT_NON_PAGED_POOL), 0);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_VOLUME_CONTEXT, 8, FLT_NON_PAGED_POOL_NX), 0);
	/* What failed keeps nothing. */
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
}

static int in_start;

static void alloc_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	in_start = try_alloc(FLT_FILE_CONTEXT, sizeof(struct tc), FLT_NON_PAGED_POOL);
	atomic_add(!in_start, &tcs.made);
}

/* CTX-11 */
static void none_for_a_filter_that_goes(struct kunit *test)
{
	a.on_start = alloc_in_start;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, in_start, 0);
	KUNIT_ASSERT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, in_start, STATUS_FLT_DELETING_OBJECT);
}

/* CTX-13 */
static void contexts_are_zeroed(struct kunit *test)
{
	static const struct flt_context_registration defs[] = {
		TC_BARE(FLT_INSTANCE_CONTEXT, 200),
		TC_BARE(FLT_FILE_CONTEXT, TC_ANY_SIZE),
		{ .context_type = FLT_STREAM_CONTEXT, .context_allocate_callback = tc_alloc_own,
		  .context_free_callback = tc_free_own },
		TC_END
	};
	void *context[3];
	int i;

	a.reg.context_registration = defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	for (i = 0; i < 9; i++) {
		KUNIT_ASSERT_EQ(test, flt_allocate_context(a.filter, defs[i % 3].context_type, 200,
							   FLT_PAGED_POOL, &context[i % 3]), 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(context[i % 3], 0, 200));
		memset(context[i % 3], 0xff, 200);
		flt_release_context(context[i % 3]);
	}
}

/* CTX-10, CTX-14, CTX-16, CTX-18 */
static void the_last_reference_ends_it(struct kunit *test)
{
	unsigned long flags;
	struct tc *tc;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 1);
	/* CTX-14: in any context */
	local_irq_save(flags);
	flt_reference_context(tc);
	flt_reference_context(tc);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 3);
	flt_release_context(tc);
	local_irq_restore(flags);
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 0);
	/* CTX-18: never set, cleaned up all the same */
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
}

static void *to_release;

static int release_in_post(struct tf *tf, struct flt_callback_data *data,
			   const struct flt_related_objects *objs, u32 flags, int status)
{
	if (to_release)
		flt_release_context(to_release);
	to_release = NULL;
	return status;
}

/* CTX-15 */
static void clean_up_runs_where_it_may_sleep(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	a.on_post = release_in_post;
	/* at once, by who releases it, */
	flt_release_context(tc_new(test, &a, FLT_INSTANCE_CONTEXT));
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
	KUNIT_EXPECT_PTR_EQ(test, tcs.task, current);
	/* but by a worker for an interrupt, */
	to_release = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_ASSERT_EQ(test, flt_sim_set_context(sim, FLT_SIM_HARDIRQ), 0);
	KUNIT_EXPECT_EQ(test, tf_io(test, sim, FLT_CLASS_READ), 0);
	KUNIT_EXPECT_FALSE(test, a.post_could_sleep);
	tf_wait_until(test, atomic_read(&tcs.ended) == 2);
	KUNIT_EXPECT_TRUE(test, tcs.could_sleep);
	KUNIT_EXPECT_TRUE(test, tcs.task->flags & PF_WQ_WORKER);
}

static void release_atomically(struct tc *tc, int how)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	switch (how) {
	case 0:
		spin_lock(&lock);
		flt_release_context(tc);
		spin_unlock(&lock);
		break;
	case 1:
		local_irq_save(flags);
		flt_release_context(tc);
		local_irq_restore(flags);
		break;
	case 2:
		rcu_read_lock();
		flt_release_context(tc);
		rcu_read_unlock();
		break;
	case 3:
		set_current_state(TASK_UNINTERRUPTIBLE);
		flt_release_context(tc);
		__set_current_state(TASK_RUNNING);
		break;
	}
}

/* CTX-15 */
static void no_clean_up_under_a_lock(struct kunit *test)
{
	int how;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	for (how = 0; how < 4; how++) {
		release_atomically(tc_new(test, &a, FLT_INSTANCE_CONTEXT), how);
		tf_wait_until(test, atomic_read(&tcs.ended) == how + 1);
		KUNIT_EXPECT_TRUE_MSG(test, tcs.could_sleep, "%d", how);
		KUNIT_EXPECT_PTR_NE_MSG(test, tcs.task, current, "%d", how);
	}
}

static const struct flt_context_registration own_defs[] = {
	TC_OWN(FLT_INSTANCE_CONTEXT),
	TC_END
};

/* CTX-03, CTX-17 */
static void cleaned_up_once_and_then_freed(struct kunit *test)
{
	struct tc *tc;

	a.reg.context_registration = own_defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.allocs), 1);
	tf_log_clear();
	flt_release_context(tc);
	tf_expect_log(test, "I~ f");
	/* One that was set, too: readers may still look at it for a while. */
	tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(tf_instance(&a, volume),
						       FLT_SET_CONTEXT_KEEP_IF_EXISTS, tc, NULL),
			0);
	flt_delete_context(tc);
	tf_log_clear();
	flt_release_context(tc);
	/* The clean-up at once, the memory once, at any time before the filter is gone. */
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 2);
	tf_unregister(&a);
	KUNIT_EXPECT_TRUE(test, strstarts(tf_log_text, "I~ "));
	KUNIT_EXPECT_NOT_NULL(test, strstr(tf_log_text, " f"));
	KUNIT_EXPECT_PTR_EQ(test, strchr(tf_log_text, 'f'), strrchr(tf_log_text, 'f'));
}

static size_t asked_for;

static void *no_memory(enum flt_pool_type pool, size_t size, u16 type)
{
	asked_for = size;
	return NULL;
}

/* CTX-03, CTX-11 */
static void an_allocate_routine_may_fail(struct kunit *test)
{
	static const struct flt_context_registration defs[] = {
		{ .context_type = FLT_INSTANCE_CONTEXT, .context_allocate_callback = no_memory,
		  .context_free_callback = tc_free_own },
		TC_END
	};

	a.reg.context_registration = defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_INSTANCE_CONTEXT, 1000, FLT_PAGED_POOL),
			STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_EQ(test, asked_for, sizeof(struct flt_context) + 1000);
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
}

static char odd_memory[1];
static void *odd_freed;

static void *odd_alloc(enum flt_pool_type pool, size_t size, u16 type)
{
	return (void *)((unsigned long)odd_memory | 1);
}

static void odd_free(void *memory, u16 type)
{
	odd_freed = memory;
}

/* CTX-03 */
static void an_allocate_routine_must_align(struct kunit *test)
{
	static const struct flt_context_registration defs[] = {
		{ .context_type = FLT_VOLUME_CONTEXT, .context_allocate_callback = odd_alloc,
		  .context_free_callback = odd_free },
		TC_END
	};
	unsigned int before = flt_violation_count();

	a.reg.context_registration = defs;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, try_alloc(FLT_VOLUME_CONTEXT, 8, FLT_NON_PAGED_POOL),
			STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	KUNIT_EXPECT_PTR_EQ(test, odd_freed, odd_alloc(0, 0, 0));
	KUNIT_EXPECT_EQ(test, references(&a.filter->obj), 0);
}

/* CTX-19 */
static void releasing_too_often_is_caught(struct kunit *test)
{
	unsigned int before = flt_violation_count();
	struct flt_instance *inst;
	struct tc *tc;
	void *found;

	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	inst = tf_instance(&a, volume);
	tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS, tc,
						       NULL), 0);
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before);
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
	/* It is where it was, and as it was. */
	KUNIT_EXPECT_EQ(test, tc_ends(tc), 0);
	KUNIT_EXPECT_EQ(test, flt_get_instance_context(inst, &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, (void *)tc);
	flt_release_context(found);
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 1);
}

static void use_at_the_end(struct tc *tc)
{
	flt_reference_context(tc);
	flt_release_context(tc);
	flt_delete_context(tc);
}

/* CTX-19, CTX-17 */
static void nothing_brings_it_back(struct kunit *test)
{
	unsigned int before = flt_violation_count();

	tcs.on_end = use_at_the_end;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	flt_release_context(tc_new(test, &a, FLT_INSTANCE_CONTEXT));
	/* The verifier does not let it be deleted either. */
	KUNIT_EXPECT_EQ(test, flt_violation_count(), before + 2 + a.filter->verified);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
}

static struct kunit_case context_cases[] = {
	KUNIT_CASE(registered_in_any_order_and_with_an_end),
	KUNIT_CASE(three_sizes_and_one_variable),
	KUNIT_CASE(an_allocate_routine_stands_alone),
	KUNIT_CASE(the_first_of_equal_definitions_counts),
	KUNIT_CASE(malformed_definitions),
	KUNIT_CASE(the_documented_values),
	KUNIT_CASE(which_definition_serves),
	KUNIT_CASE(what_cannot_be_allocated),
	KUNIT_CASE(none_for_a_filter_that_goes),
	KUNIT_CASE(contexts_are_zeroed),
	KUNIT_CASE(the_last_reference_ends_it),
	KUNIT_CASE(clean_up_runs_where_it_may_sleep),
	KUNIT_CASE(no_clean_up_under_a_lock),
	KUNIT_CASE(cleaned_up_once_and_then_freed),
	KUNIT_CASE(an_allocate_routine_may_fail),
	KUNIT_CASE(an_allocate_routine_must_align),
	KUNIT_CASE(releasing_too_often_is_caught),
	KUNIT_CASE(nothing_brings_it_back),
	{}
};

static struct kunit_suite context_suite = {
	.name = "fltmgr_context",
	.init = tc_test_init,
	.exit = context_exit,
	.test_cases = context_cases,
};

kunit_test_suite(context_suite);

MODULE_DESCRIPTION("Tests of contexts");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
