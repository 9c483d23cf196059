// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/fltmgr, through its files: what they say, what they do, what they
 * refuse.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "testgate.h"

#define ROOT	"/sys/kernel/fltmgr/"
#define FILTER	ROOT "filters/A/"
#define INST	FILTER "instances/vol.A/"
#define VOLUME	ROOT "volumes/vol/"

static struct flt_sim *sim, *other_sim;
static struct flt_volume *volume;
static struct tf a;
static struct gate gate;

static int flt_files_init(struct kunit *test)
{
	sim = tf_sim(test, "vol");
	other_sim = tf_sim(test, "other");
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "0300.50");
	gate_init(&gate);
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	return 0;
}

static void flt_files_exit(struct kunit *test)
{
	tf_race_disarm();
	gate_open(&gate);
	while (tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK))
		;
	helpers_stop();
	tf_drop(&a);
	flt_sim_destroy(other_sim);
	flt_sim_destroy(sim);
}

/* One write of @len bytes; 0 or what it failed with. */
static int put_bytes(const char *path, const char *text, size_t len)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	ssize_t done;

	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_write(file, text, len, &(loff_t){ 0 });
	filp_close(file, NULL);
	if (done < 0)
		return done;
	return done == len ? 0 : -EIO;
}

static int put(const char *path, const char *text)
{
	return put_bytes(path, text, strlen(text));
}

/* What a file says, without the end of the line; "" if it cannot be read. */
static const char *get(const char *path)
{
	static char text[PAGE_SIZE];
	struct file *file = filp_open(path, O_RDONLY, 0);
	ssize_t len;

	text[0] = 0;
	if (IS_ERR(file))
		return text;
	len = kernel_read(file, text, sizeof(text) - 1, &(loff_t){ 0 });
	filp_close(file, NULL);
	text[max(len, 0)] = 0;
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = 0;
	return text;
}

static bool exists(const char *path)
{
	struct file *file = filp_open(path, O_RDONLY, 0);

	if (IS_ERR(file))
		return false;
	filp_close(file, NULL);
	return true;
}

#define expect_says(test, path, text) KUNIT_EXPECT_STREQ(test, get(path), text)

static unsigned int mode(const char *path, int flags)
{
	struct file *file = filp_open(path, flags, 0);
	unsigned int bits;

	if (IS_ERR(file))
		return 0;
	bits = file_inode(file)->i_mode & 0777;
	filp_close(file, NULL);
	return bits;
}

static void *attach_to_other(void *arg)
{
	return (void *)(long)flt_attach_volume(a.filter, flt_sim_volume(other_sim), "second", NULL);
}

/* DET-02: its directory is there a moment before it is in service */
static void not_detached_before_it_is_attached(struct kunit *test)
{
	const char *file = FILTER "instances/other.second/detach";

	tf_unregister(&a);
	a.defs[1].name = "second";
	a.defs[1].altitude = "8";
	a.defs[1].flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	tf_race_arm("attach_in_sysfs", NULL);
	helper_start(test, 0, attach_to_other, NULL);
	tf_wait_until(test, tf_race_reached());
	KUNIT_EXPECT_EQ(test, put(file, "1"), STATUS_FLT_INSTANCE_NOT_FOUND);
	tf_race_go();
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 0);
	KUNIT_EXPECT_EQ(test, put(file, "1"), 0);
}

static void what_files_say(struct kunit *test)
{
	struct flt_filter *second = NULL;
	static struct tf b;

	expect_says(test, FILTER "altitude", "0300.50");
	expect_says(test, FILTER "state", "filtering");
	expect_says(test, INST "altitude", "0300.50");
	expect_says(test, INST "volume", "vol");
	expect_says(test, INST "state", "active");
	expect_says(test, INST "pended", "0");
	expect_says(test, INST "inflight", "0");
	expect_says(test, VOLUME "type", "sim");
	expect_says(test, VOLUME "stack/A/volume", "vol");
	expect_says(test, ROOT "volumes/other/stack/A/volume", "other");
	tf_init(&b, "B", "1");
	KUNIT_ASSERT_EQ(test, flt_register_filter(THIS_MODULE, &b.reg, &second), 0);
	expect_says(test, ROOT "filters/B/state", "registered");
	flt_unregister_filter(second);
	KUNIT_EXPECT_FALSE(test, exists(ROOT "filters/B/state"));
}

/* As somebody who may do nothing in particular. */
static int put_unprivileged(const char *path, const char *text)
{
	struct cred *cred = prepare_creds();
	const struct cred *old;
	int rc;

	if (!cred)
		return -ENOMEM;
	cred->fsuid = KUIDT_INIT(1000);
	cred->fsgid = KGIDT_INIT(1000);
	cap_clear(cred->cap_effective);
	old = override_creds(cred);
	rc = put(path, text);
	revert_creds(old);
	put_cred(cred);
	return rc;
}

/* UNL-18 */
static void who_may_write(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, put_unprivileged(FILTER "unload", "1"), -EACCES);
	KUNIT_EXPECT_EQ(test, put_unprivileged(FILTER "attach", "vol x 1"), -EACCES);
	KUNIT_EXPECT_EQ(test, put_unprivileged(INST "detach", "1"), -EACCES);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads) + atomic_read(&a.queries), 0);
	expect_says(test, INST "state", "active");
	KUNIT_EXPECT_EQ(test, mode(FILTER "state", O_RDONLY), 0444);
	KUNIT_EXPECT_EQ(test, mode(FILTER "unload", O_WRONLY), 0200);
	KUNIT_EXPECT_EQ(test, mode(FILTER "attach", O_WRONLY), 0200);
	KUNIT_EXPECT_EQ(test, mode(INST "detach", O_WRONLY), 0200);
	KUNIT_EXPECT_EQ(test, mode(INST "pended", O_RDONLY), 0444);
	KUNIT_EXPECT_EQ(test, mode(VOLUME "entered", O_RDONLY), 0444);
}

/* ATT-15, ATT-09 */
static void attach_by_writing(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	/* By definition, */
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", "vol"), 0);
	expect_says(test, INST "altitude", "0300.50");
	KUNIT_EXPECT_EQ(test, a.setup_flags, FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT);
	KUNIT_ASSERT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", "vol A\n"), 0);
	KUNIT_ASSERT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", "vol -\n"), 0);
	expect_says(test, INST "state", "active");
	/* or at an altitude, with a name or without. */
	a.setup_flags = 0;
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", "vol low 12.5\n"), 0);
	expect_says(test, FILTER "instances/vol.low/altitude", "12.5");
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", " vol - 007 "), 0);
	expect_says(test, FILTER "instances/vol.A007/altitude", "007");
	expect_says(test, VOLUME "stack/low/altitude", "12.5");
	KUNIT_EXPECT_EQ(test, a.setup_flags, FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT);
}

/* ATT-05, ATT-06, ATT-07, ATT-15 */
static void attach_refused(struct kunit *test)
{
	static const struct {
		const char *text;
		int status;
	} refused[] = {
		{ "\n", STATUS_INVALID_PARAMETER },
		{ " ", STATUS_INVALID_PARAMETER },
		{ "-", STATUS_FLT_VOLUME_NOT_FOUND },
		{ "vol  x", STATUS_INVALID_PARAMETER },
		{ "vol x 1 2", STATUS_INVALID_PARAMETER },
		{ "vol x/y 1", STATUS_INVALID_PARAMETER },
		{ "vol ..", STATUS_INVALID_PARAMETER },
		{ "vol\tx", STATUS_INVALID_PARAMETER },
		{ "vol x -1", STATUS_INVALID_PARAMETER },
		{ "vol x 1.2.3", STATUS_INVALID_PARAMETER },
		{ "vol x .", STATUS_INVALID_PARAMETER },
		{ "none", STATUS_FLT_VOLUME_NOT_FOUND },
		{ "vol x", STATUS_OBJECT_NAME_NOT_FOUND },
		{ "vol", STATUS_FLT_INSTANCE_NAME_COLLISION },
		{ "vol A 1", STATUS_FLT_INSTANCE_NAME_COLLISION },
		{ "vol x 300.5", STATUS_FLT_INSTANCE_ALTITUDE_COLLISION },
	};
	int setups = atomic_read(&a.setups), i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		KUNIT_EXPECT_EQ_MSG(test, put(FILTER "attach", refused[i].text),
				    refused[i].status, "\"%s\"", refused[i].text);
	/* Nothing is obeyed up to a NUL. */
	KUNIT_EXPECT_EQ(test, put_bytes(FILTER "attach", "vol x 1\0", 8),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, put_bytes(FILTER "attach", "vol x 1\0.5", 10),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.setups), setups);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&volume->instances));
	/* What the setup callback says is said. */
	a.setup_status = STATUS_NOT_SUPPORTED;
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", "vol x 1"), STATUS_NOT_SUPPORTED);
}

/* A page is the most that is taken: an altitude that is cut would be another one. */
static void attach_too_long(struct kunit *test)
{
	size_t len = 2 * PAGE_SIZE;
	char *text = kunit_kzalloc(test, len + 1, GFP_KERNEL);
	char *half = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_NOT_NULL(test, half);
	memset(text, '1', len);
	memcpy(text, "vol x ", 6);
	KUNIT_EXPECT_LT(test, put(FILTER "attach", text), 0);
	text[PAGE_SIZE] = 0;
	KUNIT_EXPECT_LT(test, put(FILTER "attach", text), 0);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&volume->instances));
	/* A long one that fits is taken to its last digit. */
	memcpy(half, text, PAGE_SIZE / 2);
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", half), 0);
	expect_says(test, FILTER "instances/vol.x/altitude", half + 6);
}

static u32 start_reason;

static void note_start(struct tf *tf, const struct flt_related_objects *objs)
{
	start_reason = tf->reason;
}

/* ATT-15, DET-01, DET-07 */
static void detach_by_writing(struct kunit *test)
{
	a.on_start = note_start;
	tf_log_clear();
	KUNIT_EXPECT_EQ(test, put(INST "detach", "1\n"), 0);
	/* It is torn down when the write returns. */
	tf_expect_log(test, "Aq A[ A]");
	KUNIT_EXPECT_EQ(test, start_reason, FLTFL_INSTANCE_TEARDOWN_MANUAL);
	/* The name can be used at once, the directory goes by itself. */
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", "vol"), 0);
	KUNIT_EXPECT_EQ(test, put(INST "detach", "1"), 0);
	tf_wait_until(test, !exists(INST "state"));
	tf_wait_until(test, !exists(VOLUME "stack/A/state"));
	KUNIT_EXPECT_EQ(test, put(INST "detach", "1"), -ENOENT);
	expect_says(test, FILTER "instances/other.A/state", "active");
}

/* INV-10, TDN-03 */
static void detach_refused(struct kunit *test)
{
	static const char * const text[] = { "0", "2", "yes", "", " 1", "1 ", "11", "1\n\n" };
	char *page = kunit_kzalloc(test, PAGE_SIZE + 1, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < ARRAY_SIZE(text); i++)
		if (*text[i])
			KUNIT_EXPECT_EQ_MSG(test, put(INST "detach", text[i]),
					    STATUS_INVALID_PARAMETER, "\"%s\"", text[i]);
	KUNIT_EXPECT_EQ(test, put_bytes(INST "detach", "1\0", 2), STATUS_INVALID_PARAMETER);
	memset(page, '1', PAGE_SIZE);
	KUNIT_EXPECT_LT(test, put(INST "detach", page), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 0);
	a.query_status = STATUS_ACCESS_DENIED;
	KUNIT_EXPECT_EQ(test, put(INST "detach", "1"), STATUS_ACCESS_DENIED);
	expect_says(test, INST "state", "active");
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.starts), 0);
}

static void *put_detach(void *arg)
{
	return (void *)(long)put(INST "detach", "1");
}

static void *put_unload(void *arg)
{
	return (void *)(long)put(FILTER "unload", "1");
}

static void *unregister_a(void *arg)
{
	flt_unregister_filter(a.filter);
	return NULL;
}

static int wait_in_query(struct tf *tf, const struct flt_related_objects *objs, int status)
{
	gate_pass(&gate);
	return status;
}

static void wait_in_start(struct tf *tf, const struct flt_related_objects *objs)
{
	gate_pass(&gate);
}

/* DET-05, DET-02 */
static void second_detach(struct kunit *test)
{
	a.on_start = wait_in_start;
	helper_start(test, 0, put_detach, NULL);
	gate_wait(test, &gate);
	expect_says(test, INST "state", "started");
	KUNIT_EXPECT_EQ(test, put(INST "detach", "1"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_FALSE(test, helper_done(0));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
}

/* A directory waits for who writes in it, who waits for no directory. */
static void unregistered_under_a_detach(struct kunit *test)
{
	a.on_query = wait_in_query;
	helper_start(test, 0, put_detach, NULL);
	gate_wait(test, &gate);
	helper_start(test, 1, unregister_a, NULL);
	tf_wait_until(test, atomic_read(&a.starts) == 2);
	KUNIT_EXPECT_FALSE(test, helper_done(1));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), STATUS_FLT_DELETING_OBJECT);
	helper_join(test, 1);
	a.filter = NULL;
	KUNIT_EXPECT_FALSE(test, exists(FILTER "state"));
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
}

/* UNL-01, UNL-03, UNL-17 */
static void unload_by_writing(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);

	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "0"), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, put_bytes(FILTER "unload", "1\0", 2), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 0);
	a.unload_flags = ~0;
	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "1\n"), 0);
	a.filter = NULL;
	KUNIT_EXPECT_EQ(test, a.unload_flags, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.completes), 2);
	KUNIT_EXPECT_EQ(test, a.reason, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD);
	tf_wait_until(test, module_refcount(THIS_MODULE) == before);
	/* The directory goes by itself; the name can be used before it has. */
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	expect_says(test, FILTER "state", "filtering");
	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "1"), 0);
	a.filter = NULL;
	tf_wait_until(test, !exists(FILTER "state"));
}

/* UNL-04, UNL-06, UNL-19, INV-10 */
static void unload_refused(struct kunit *test)
{
	a.unload_status = STATUS_ACCESS_DENIED;
	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "1"), STATUS_ACCESS_DENIED);
	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "1"), STATUS_ACCESS_DENIED);
	KUNIT_EXPECT_EQ(test, atomic_read(&a.unloads), 2);
	expect_says(test, FILTER "state", "filtering");
	expect_says(test, INST "state", "active");
	tf_unregister(&a);
	a.reg.filter_unload_callback = NULL;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "1"), STATUS_FLT_DO_NOT_DETACH);
	expect_says(test, INST "state", "active");
}

static int slow_unload(struct flt_filter *filter, u32 flags)
{
	gate_pass(&gate);
	return tf_unload(filter, flags);
}

/* UNL-15 */
static void second_unload(struct kunit *test)
{
	tf_unregister(&a);
	a.reg.filter_unload_callback = slow_unload;
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	helper_start(test, 0, put_unload, NULL);
	gate_wait(test, &gate);
	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "1"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, flt_unload_filter("A"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, atomic_read(&gate.passes), 1);
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	a.filter = NULL;
}

static struct flt_sim_op *read_from(struct kunit *test, struct flt_sim *on, int status)
{
	struct flt_sim_op *op = flt_sim_op_alloc(on, FLT_CLASS_READ, 0, 512, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	a.pre_status = status;
	KUNIT_ASSERT_EQ(test, flt_sim_start(op), 0);
	return op;
}

static void end_read(struct kunit *test, struct flt_sim_op *op)
{
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(op, TF_WAIT), 0);
	flt_sim_op_free(op);
}

static void operations_are_counted(struct kunit *test)
{
	struct flt_sim_op *below, *pended;

	flt_sim_set_hold(sim, true);
	below = read_from(test, sim, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	pended = read_from(test, sim, FLT_PREOP_PENDING);
	expect_says(test, INST "inflight", "2");
	expect_says(test, INST "pended", "1");
	expect_says(test, FILTER "instances/other.A/inflight", "0");
	expect_says(test, VOLUME "entered", "2");
	expect_says(test, VOLUME "left", "0");
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK));
	expect_says(test, INST "inflight", "1");
	expect_says(test, INST "pended", "0");
	KUNIT_EXPECT_EQ(test, flt_sim_release_all(sim, FLT_SIM_PROCESS, 0), 2);
	end_read(test, below);
	end_read(test, pended);
	expect_says(test, INST "inflight", "0");
	expect_says(test, VOLUME "left", "2");
}

/* URG-10 */
static void each_stuck_instance_is_seen(struct kunit *test)
{
	struct flt_sim_op *one = read_from(test, sim, FLT_PREOP_PENDING);
	struct flt_sim_op *two = read_from(test, other_sim, FLT_PREOP_PENDING);

	helper_start(test, 0, unregister_a, NULL);
	tf_wait_until(test, !strcmp(get(INST "state"), "draining"));
	tf_wait_until(test, !strcmp(get(FILTER "instances/other.A/state"), "draining"));
	expect_says(test, FILTER "state", "going");
	expect_says(test, INST "pended", "1");
	expect_says(test, FILTER "instances/other.A/pended", "1");
	KUNIT_EXPECT_EQ(test, put(FILTER "attach", "vol x 1"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_EQ(test, put(FILTER "unload", "1"), STATUS_FLT_DELETING_OBJECT);
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK));
	KUNIT_EXPECT_TRUE(test, tf_resume(&a, FLT_PREOP_SUCCESS_NO_CALLBACK));
	end_read(test, one);
	end_read(test, two);
	helper_join(test, 0);
	a.filter = NULL;
}

/* An open file of what is gone says so. */
static void files_kept_open(struct kunit *test)
{
	struct file *file = filp_open(INST "detach", O_WRONLY, 0);
	ssize_t done;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, flt_detach_volume(a.filter, volume, NULL), 0);
	KUNIT_EXPECT_EQ(test, flt_attach_volume(a.filter, volume, NULL, NULL), 0);
	done = kernel_write(file, "1", 1, &(loff_t){ 0 });
	KUNIT_EXPECT_EQ(test, done, -ENODEV);
	filp_close(file, NULL);
	/* It was not the new one that was meant. */
	expect_says(test, INST "state", "active");
	KUNIT_EXPECT_EQ(test, atomic_read(&a.queries), 1);
}

static struct kunit_case sysfs_cases[] = {
	KUNIT_CASE(not_detached_before_it_is_attached),
	KUNIT_CASE(what_files_say),
	KUNIT_CASE(who_may_write),
	KUNIT_CASE(attach_by_writing),
	KUNIT_CASE(attach_refused),
	KUNIT_CASE(attach_too_long),
	KUNIT_CASE(detach_by_writing),
	KUNIT_CASE(detach_refused),
	KUNIT_CASE(second_detach),
	KUNIT_CASE(unregistered_under_a_detach),
	KUNIT_CASE(unload_by_writing),
	KUNIT_CASE(unload_refused),
	KUNIT_CASE(second_unload),
	KUNIT_CASE(operations_are_counted),
	KUNIT_CASE(each_stuck_instance_is_seen),
	KUNIT_CASE(files_kept_open),
	{}
};

static struct kunit_suite sysfs_suite = {
	.name = "fltmgr_sysfs",
	.init = flt_files_init,
	.exit = flt_files_exit,
	.test_cases = sysfs_cases,
};

kunit_test_suite(sysfs_suite);

MODULE_DESCRIPTION("Tests of the files in sysfs");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
