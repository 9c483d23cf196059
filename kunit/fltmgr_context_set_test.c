// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts on volumes and instances: setting, finding, deleting, and what
 * becomes of them with what they are on.
 */
#include <linux/module.h>

#include "testcontext.h"

static int context_set_init(struct kunit *test)
{
	tc_test_init(test);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	tf_log_clear();
	return 0;
}

/* A new context that is set and has no other reference. */
static struct tc *new_set(struct kunit *test, struct tf *tf)
{
	struct tc *tc = tc_new(test, tf, FLT_INSTANCE_CONTEXT);

	KUNIT_ASSERT_EQ(test, tc_set(tf_instance(tf, volume), tc), 0);
	flt_release_context(tc);
	return tc;
}

static struct tc *new_set_volume(struct kunit *test, struct tf *tf)
{
	struct tc *tc = tc_new(test, tf, FLT_VOLUME_CONTEXT);

	KUNIT_ASSERT_EQ(test, tc_set_volume(tc), 0);
	flt_release_context(tc);
	return tc;
}

/* What is found, without a reference. */
static struct tc *look(struct flt_instance *inst)
{
	void *found = &a;

	if (flt_get_instance_context(inst, &found))
		return found;		/* is NULL */
	flt_release_context(found);
	return found;
}

static struct tc *look_volume(struct tf *tf)
{
	void *found = &a;

	if (flt_get_volume_context(tf->filter, volume, &found))
		return found;
	flt_release_context(found);
	return found;
}

/* CTX-20, CTX-16 */
static void setting_takes_a_reference_of_its_own(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);

	KUNIT_EXPECT_EQ(test, tc_set(inst, tc), 0);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	KUNIT_EXPECT_TRUE(test, tc_linked(tc));
	/* The caller's goes, the object's stays. */
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, tc_ends(tc), 0);
	KUNIT_EXPECT_PTR_EQ(test, look(inst), tc);
}

/* CTX-21 */
static void keep_if_exists(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	struct tc *first = new_set(test, &a), *second;
	void *old = &a;

	second = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
						       second, &old),
			STATUS_FLT_CONTEXT_ALREADY_DEFINED);
	KUNIT_EXPECT_PTR_EQ(test, old, (void *)first);
	KUNIT_EXPECT_EQ(test, tc_refs(first), 1);
	KUNIT_EXPECT_EQ(test, tc_refs(second), 1);
	flt_release_context(old);
	/* without wanting to know */
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
						       second, NULL),
			STATUS_FLT_CONTEXT_ALREADY_DEFINED);
	KUNIT_EXPECT_EQ(test, tc_refs(first), 0);
	KUNIT_EXPECT_PTR_EQ(test, look(inst), first);
	/* It was not used up by that. */
	KUNIT_EXPECT_EQ(test, flt_delete_instance_context(inst, NULL), 0);
	old = &a;
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS,
						       second, &old), 0);
	KUNIT_EXPECT_NULL(test, old);
	flt_release_context(second);
}

/* CTX-22 */
static void replace_if_exists(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	struct tc *first = new_set(test, &a), *second, *third;
	void *old = &a;

	second = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_REPLACE_IF_EXISTS,
						       second, &old), 0);
	/* handed over, */
	KUNIT_EXPECT_PTR_EQ(test, old, (void *)first);
	KUNIT_EXPECT_EQ(test, tc_refs(first), 1);
	KUNIT_EXPECT_FALSE(test, tc_linked(first));
	KUNIT_EXPECT_PTR_EQ(test, look(inst), second);
	flt_release_context(old);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
	flt_release_context(second);
	/* or dropped */
	third = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, tc_set(inst, third), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 2);
	KUNIT_EXPECT_PTR_EQ(test, look(inst), third);
	flt_release_context(third);
}

/* CTX-23, CTX-24, CTX-33 */
static void linked_once_in_its_life(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume), *other;
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	void *old = &a;

	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "9", "x", &kept),
			0);
	other = kept;
	KUNIT_EXPECT_EQ(test, tc_set(inst, tc), 0);
	KUNIT_EXPECT_EQ(test, tc_set(inst, tc), STATUS_FLT_CONTEXT_ALREADY_LINKED);
	KUNIT_EXPECT_EQ(test, tc_set(other, tc), STATUS_FLT_CONTEXT_ALREADY_LINKED);
	/* CTX-24: first of all, and nothing is handed out */
	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, FLT_SET_CONTEXT_KEEP_IF_EXISTS, tc,
						       &old), STATUS_FLT_CONTEXT_ALREADY_LINKED);
	KUNIT_EXPECT_NULL(test, old);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	/* nor when it is linked no longer */
	flt_delete_context(tc);
	KUNIT_EXPECT_EQ(test, tc_set(inst, tc), STATUS_FLT_CONTEXT_ALREADY_LINKED);
	KUNIT_EXPECT_EQ(test, tc_set(other, tc), STATUS_FLT_CONTEXT_ALREADY_LINKED);
	KUNIT_EXPECT_NULL(test, look(inst));
	KUNIT_EXPECT_NULL(test, look(other));
	flt_release_context(tc);
}

/* CTX-25, CTX-26, CON-16 */
static void what_cannot_be_set(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT), *first = new_set(test, &a);
	struct tc *on_volume = tc_new(test, &a, FLT_VOLUME_CONTEXT);
	void *old = &a;

	KUNIT_EXPECT_EQ(test, flt_set_instance_context(inst, 2, tc, &old),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_NULL(test, old);
	KUNIT_EXPECT_EQ(test, tc_set(inst, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, tc_set_volume(NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, tc_set(inst, on_volume), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, tc_set_volume(tc), STATUS_INVALID_PARAMETER);
	/* of another filter */
	KUNIT_EXPECT_EQ(test, tc_set(tf_instance(&b, volume), tc), STATUS_INVALID_PARAMETER);
	/* CTX-26: what is there stays */
	KUNIT_EXPECT_PTR_EQ(test, look(inst), first);
	KUNIT_EXPECT_FALSE(test, tc_was_linked(tc));
	KUNIT_EXPECT_FALSE(test, tc_was_linked(on_volume));
	flt_release_context(tc);
	flt_release_context(on_volume);
}

/* CTX-25: block volumes have no files, but filters that know them may load */
static void contexts_of_files_are_not_supported(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	struct tc *file = tc_new(test, &a, FLT_FILE_CONTEXT);
	struct tc *stream = tc_new(test, &a, FLT_STREAM_CONTEXT);
	struct tc *handle = tc_new(test, &a, FLT_STREAMHANDLE_CONTEXT);
	void *old = &a;

	KUNIT_EXPECT_EQ(test, flt_set_file_context(inst, NULL, 0, file, &old),
			STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_NULL(test, old);
	KUNIT_EXPECT_EQ(test, flt_set_stream_context(inst, NULL, 0, stream, NULL),
			STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, flt_set_stream_handle_context(inst, NULL, 0, handle, NULL),
			STATUS_NOT_SUPPORTED);
	/* wrong on any volume */
	KUNIT_EXPECT_EQ(test, flt_set_file_context(inst, NULL, 0, stream, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_set_stream_context(inst, NULL, 2, stream, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_set_stream_handle_context(inst, NULL, 0, NULL, NULL),
			STATUS_INVALID_PARAMETER);
	old = &a;
	KUNIT_EXPECT_EQ(test, flt_get_file_context(inst, NULL, &old), STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_NULL(test, old);
	KUNIT_EXPECT_EQ(test, flt_get_stream_context(inst, NULL, &old), STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, flt_get_stream_handle_context(inst, NULL, &old),
			STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, flt_delete_file_context(inst, NULL, &old), STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, flt_delete_stream_context(inst, NULL, NULL),
			STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, flt_delete_stream_handle_context(inst, NULL, NULL),
			STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, tc_refs(file) + tc_refs(stream) + tc_refs(handle), 3);
	flt_release_context(file);
	flt_release_context(stream);
	flt_release_context(handle);
}

/* CTX-28 */
static void getting_takes_a_reference(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	void *found = &a;
	struct tc *tc;

	KUNIT_EXPECT_EQ(test, flt_get_instance_context(inst, &found), STATUS_NOT_FOUND);
	KUNIT_EXPECT_NULL(test, found);
	found = &a;
	KUNIT_EXPECT_EQ(test, flt_get_volume_context(a.filter, volume, &found),
			STATUS_NOT_FOUND);
	KUNIT_EXPECT_NULL(test, found);
	tc = new_set(test, &a);
	KUNIT_EXPECT_EQ(test, flt_get_instance_context(inst, &found), 0);
	KUNIT_EXPECT_PTR_EQ(test, found, (void *)tc);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	flt_release_context(found);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 0);
}

/* CTX-31, CTX-33 */
static void deleting_by_object(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	void *old = &a;
	struct tc *tc;

	KUNIT_EXPECT_EQ(test, flt_delete_instance_context(inst, &old), STATUS_NOT_FOUND);
	KUNIT_EXPECT_NULL(test, old);
	tc = new_set(test, &a);
	KUNIT_EXPECT_EQ(test, flt_delete_instance_context(inst, &old), 0);
	KUNIT_EXPECT_PTR_EQ(test, old, (void *)tc);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	KUNIT_EXPECT_FALSE(test, tc_linked(tc));
	KUNIT_EXPECT_NULL(test, look(inst));
	flt_release_context(old);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 1);
	/* without wanting it */
	new_set_volume(test, &a);
	KUNIT_EXPECT_EQ(test, flt_delete_volume_context(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 2);
	KUNIT_EXPECT_EQ(test, flt_delete_volume_context(a.filter, volume, NULL),
			STATUS_NOT_FOUND);
}

/* CTX-32, CTX-33, CTX-35 */
static void deleting_by_context(struct kunit *test)
{
	struct flt_instance *inst = tf_instance(&a, volume);
	struct tc *tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT), *next;

	/* CTX-33: nothing to delete */
	flt_delete_context(tc);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	KUNIT_EXPECT_EQ(test, tc_set(inst, tc), 0);
	flt_delete_context(tc);
	/* Not found any more, but there, and the caller keeps its reference. */
	KUNIT_EXPECT_NULL(test, look(inst));
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	flt_delete_context(tc);
	KUNIT_EXPECT_EQ(test, tc_refs(tc), 1);
	/* One that was replaced does not take its successor with it. */
	flt_release_context(tc);
	tc = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, tc_set(inst, tc), 0);
	next = new_set(test, &a);
	flt_delete_context(tc);
	KUNIT_EXPECT_PTR_EQ(test, look(inst), next);
	flt_release_context(tc);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 2);
}

/* CTX-45, CTX-40, INS-05 */
static void each_filter_and_each_instance_has_its_own(struct kunit *test)
{
	struct tc *of_a = new_set_volume(test, &a), *of_b = new_set_volume(test, &b);
	struct flt_instance *first = tf_instance(&a, volume);
	struct tc *on_first = new_set(test, &a), *on_second;

	KUNIT_ASSERT_EQ(test, flt_attach_volume_at_altitude(a.filter, volume, "9", "x", &kept),
			0);
	KUNIT_EXPECT_NULL(test, look(kept));
	on_second = tc_new(test, &a, FLT_INSTANCE_CONTEXT);
	KUNIT_EXPECT_EQ(test, tc_set(kept, on_second), 0);
	flt_release_context(on_second);
	KUNIT_EXPECT_PTR_EQ(test, look(first), on_first);
	KUNIT_EXPECT_PTR_EQ(test, look(kept), on_second);
	KUNIT_EXPECT_PTR_EQ(test, look_volume(&a), of_a);
	KUNIT_EXPECT_PTR_EQ(test, look_volume(&b), of_b);
	KUNIT_EXPECT_EQ(test, flt_delete_volume_context(b.filter, volume, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, look_volume(&a), of_a);
	KUNIT_EXPECT_NULL(test, look_volume(&b));
	/* Detaching takes that of the instance, not that of the volume. */
	flt_object_dereference(kept);
	kept = NULL;
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "x"), 0);
	tf_wait_until(test, atomic_read(&tcs.ended) == 2);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, "A"), 0);
	tf_wait_until(test, atomic_read(&tcs.ended) == 3);
	KUNIT_EXPECT_PTR_EQ(test, look_volume(&a), of_a);
	tf_unregister(&a);
	KUNIT_EXPECT_EQ(test, atomic_read(&tcs.ended), 4);
}

/* CTX-30 */
static void several_at_once(struct kunit *test)
{
	struct tc *on_volume = new_set_volume(test, &a), *on_instance = new_set(test, &a);
	const struct flt_related_objects *objs = &tf_instance(&a, volume)->objs;
	struct flt_related_contexts got;
	struct flt_related_contexts_ex more;

	memset(&got, 0xff, sizeof(got));
	flt_get_contexts(objs, FLT_ALL_CONTEXTS, &got);
	KUNIT_EXPECT_PTR_EQ(test, got.volume_context, (void *)on_volume);
	KUNIT_EXPECT_PTR_EQ(test, got.instance_context, (void *)on_instance);
	KUNIT_EXPECT_NULL(test, got.file_context);
	KUNIT_EXPECT_NULL(test, got.transaction_context);
	KUNIT_EXPECT_EQ(test, tc_refs(on_volume) + tc_refs(on_instance), 2);
	flt_release_contexts(&got);
	KUNIT_EXPECT_NULL(test, memchr_inv(&got, 0, sizeof(got)));
	KUNIT_EXPECT_EQ(test, tc_refs(on_volume) + tc_refs(on_instance), 0);
	/* only what was asked for */
	memset(&got, 0xff, sizeof(got));
	flt_get_contexts(objs, FLT_VOLUME_CONTEXT | FLT_FILE_CONTEXT, &got);
	KUNIT_EXPECT_PTR_EQ(test, got.volume_context, (void *)on_volume);
	KUNIT_EXPECT_NULL(test, got.instance_context);
	flt_release_contexts(&got);
	/* what is not there is NULL */
	objs = &tf_instance(&b, volume)->objs;
	memset(&more, 0xff, sizeof(more));
	KUNIT_EXPECT_EQ(test, flt_get_contexts_ex(objs, FLT_ALL_CONTEXTS, sizeof(more), &more),
			0);
	KUNIT_EXPECT_NULL(test, memchr_inv(&more, 0, sizeof(more)));
}

/* CTX-30 */
static void several_at_once_of_either_size(struct kunit *test)
{
	struct tc *on_volume = new_set_volume(test, &a), *on_instance = new_set(test, &a);
	const struct flt_related_objects *objs = &tf_instance(&a, volume)->objs;
	struct flt_related_contexts_ex got;
	int bit;

	for (bit = 7; bit < 16; bit++)
		KUNIT_EXPECT_EQ(test, flt_get_contexts_ex(objs, FLT_VOLUME_CONTEXT | BIT(bit),
							  sizeof(got), &got),
				STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, flt_get_contexts_ex(objs, FLT_ALL_CONTEXTS, 8, &got),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, tc_refs(on_volume), 0);
	memset(&got, 0xff, sizeof(got));
	KUNIT_EXPECT_EQ(test, flt_get_contexts_ex(objs, FLT_ALL_CONTEXTS,
						  sizeof(struct flt_related_contexts), &got), 0);
	KUNIT_EXPECT_PTR_EQ(test, got.instance_context, (void *)on_instance);
	KUNIT_EXPECT_NULL(test, got.transaction_context);
	KUNIT_EXPECT_NOT_NULL(test, got.section_context);	/* beyond the size */
	flt_release_contexts_ex(sizeof(struct flt_related_contexts), &got);
	KUNIT_EXPECT_NOT_NULL(test, got.section_context);
	KUNIT_EXPECT_EQ(test, flt_get_contexts_ex(objs, FLT_ALL_CONTEXTS, sizeof(got), &got), 0);
	KUNIT_EXPECT_NULL(test, got.section_context);
	KUNIT_EXPECT_PTR_EQ(test, got.volume_context, (void *)on_volume);
	flt_release_contexts_ex(sizeof(got), &got);
	KUNIT_EXPECT_NULL(test, memchr_inv(&got, 0, sizeof(got)));
	KUNIT_EXPECT_EQ(test, tc_refs(on_volume) + tc_refs(on_instance), 0);
}

static struct kunit_case context_set_cases[] = {
	KUNIT_CASE(setting_takes_a_reference_of_its_own),
	KUNIT_CASE(keep_if_exists),
	KUNIT_CASE(replace_if_exists),
	KUNIT_CASE(linked_once_in_its_life),
	KUNIT_CASE(what_cannot_be_set),
	KUNIT_CASE(contexts_of_files_are_not_supported),
	KUNIT_CASE(getting_takes_a_reference),
	KUNIT_CASE(deleting_by_object),
	KUNIT_CASE(deleting_by_context),
	KUNIT_CASE(each_filter_and_each_instance_has_its_own),
	KUNIT_CASE(several_at_once),
	KUNIT_CASE(several_at_once_of_either_size),
	{}
};

static struct kunit_suite context_set_suite = {
	.name = "fltmgr_context_set",
	.init = context_set_init,
	.exit = tc_test_exit,
	.test_cases = context_set_cases,
};

kunit_test_suite(context_set_suite);

MODULE_DESCRIPTION("Tests of contexts on objects");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
