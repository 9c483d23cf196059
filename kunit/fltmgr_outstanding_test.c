// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has what: /sys/kernel/debug/fltmgr/outstanding, as it is read, and what the
 * log says of a teardown that takes long.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uio.h>

#define SAID_MODULE	"fltmgr"
#define SAID_COUNT()	flt_violation_count()

#include "testdefer.h"
#include "testsaid.h"

#define OUTSTANDING	"/sys/kernel/debug/fltmgr/outstanding"

/* Lines of a volume, as the manual says; an operation that A and B owe has two. */
#define LINES		128
#define MANY		(LINES / 2 + 6)

static char text[32768];

/* The whole file. A file of debugfs is made to be read by user space only. */
static int read_outstanding(void)
{
	struct file *file = filp_open(OUTSTANDING, O_RDONLY, 0);
	struct iov_iter iter;
	struct kiocb kiocb;
	struct kvec vec;
	size_t used = 0;
	ssize_t n;

	if (IS_ERR(file))
		return PTR_ERR(file);
	init_sync_kiocb(&kiocb, file);
	do {
		vec.iov_base = text + used;
		vec.iov_len = sizeof(text) - 1 - used;
		iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
		n = seq_read_iter(&kiocb, &iter);
		used += max(n, 0);
	} while (n > 0);
	text[used] = 0;
	filp_close(file, NULL);
	return n;
}

/* How many lines have it. */
static unsigned int lines_with(const char *what)
{
	const char *at = text;
	unsigned int n = 0;

	while ((at = strstr(at, what))) {
		n++;
		at = strchrnul(at, '\n');
	}
	return n;
}

/* One line begins so, after the numbers of the operation, its age and process ends so. */
static bool line_is(const char *head, const char *tail)
{
	const char *at = strstr(text, head);
	const char *end = at ? strchrnul(at, '\n') : NULL;

	return at && strnstr(at, tail, end - at);
}

static void expect_line(struct kunit *test, const char *head, const char *tail)
{
	KUNIT_EXPECT_TRUE_MSG(test, line_is(head, tail), "no \"%s ... %s\" in:\n%s", head, tail,
			      text);
}

/* what the log says */

static struct {
	raw_spinlock_t lock;
	char text[4096];
} slow;

static void slow_line(void *unused, const char *line, size_t len)
{
	static const char head[] = "fltmgr: teardown of ", more[] = "fltmgr:   ";
	unsigned long flags;
	size_t used;

	if ((len < sizeof(head) || strncmp(line, head, sizeof(head) - 1)) &&
	    (len < sizeof(more) || strncmp(line, more, sizeof(more) - 1)))
		return;
	raw_spin_lock_irqsave(&slow.lock, flags);
	used = strlen(slow.text);
	memcpy(slow.text + used, line, min(len, sizeof(slow.text) - 1 - used));
	raw_spin_unlock_irqrestore(&slow.lock, flags);
}

static bool slow_says(const char *what)
{
	unsigned long flags;
	bool says;

	raw_spin_lock_irqsave(&slow.lock, flags);
	says = strstr(slow.text, what);
	raw_spin_unlock_irqrestore(&slow.lock, flags);
	return says;
}

static int outstanding_suite_init(struct kunit_suite *suite)
{
	raw_spin_lock_init(&slow.lock);
	return register_trace_console(slow_line, NULL);
}

static void outstanding_suite_exit(struct kunit_suite *suite)
{
	unregister_trace_console(slow_line, NULL);
	tracepoint_synchronize_unregister();
}

static int outstanding_init(struct kunit *test)
{
	memset(slow.text, 0, sizeof(slow.text));
	return work_init(test);
}

static void outstanding_exit(struct kunit *test)
{
	set_parameter("slow_teardown_ms", "10000");
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
	work_exit(test);
}

/* FKD-05: an operation is listed with each whom it concerns */
static void who_has_an_operation(struct kunit *test)
{
	b.pre_status = FLT_PREOP_PENDING;
	flt_sim_start(op);
	KUNIT_ASSERT_EQ(test, read_outstanding(), 0);
	expect_line(test, "vol B B READ ", " \"pended by pre-operation\" tf_pre [");
	expect_line(test, "vol A A READ ", " \"below, post-operation owed\" tf_post [");
	KUNIT_EXPECT_EQ(test, lines_with("vol "), 2);
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	tf_resume(&b, FLT_PREOP_SUCCESS_WITH_CALLBACK);
	KUNIT_ASSERT_EQ(test, read_outstanding(), 0);
	expect_line(test, "vol B B READ ", " \"pended by post-operation\" tf_post [");
	expect_line(test, "vol A A READ ", " \"below, post-operation owed\" tf_post [");
	flt_complete_pended_postoperation(tf_take(&b));
	tf_expect_ended(test, op, 0);
	KUNIT_ASSERT_EQ(test, read_outstanding(), 0);
	KUNIT_EXPECT_EQ(test, lines_with("vol "), 0);
}

static struct completion own_ended;

static void own_end(struct flt_callback_data *data, void *context)
{
	complete(&own_ended);
}

/* FKD-05, FIO-22: no callback has what a filter has initiated */
static void io_of_a_filters_own(struct kunit *test)
{
	struct flt_callback_data *data;

	init_completion(&own_ended);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(tf_instance(&a, volume), NULL, &data), 0);
	data->iopb->major_function = IRP_MJ_FLUSH_BUFFERS;
	flt_sim_set_hold(sim, true);
	KUNIT_EXPECT_EQ(test, flt_perform_asynchronous_io(data, own_end, NULL), STATUS_PENDING);
	KUNIT_EXPECT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
	KUNIT_EXPECT_EQ(test, read_outstanding(), 0);
	expect_line(test, "vol A A FLUSH_BUFFERS ", " \"initiated, below\" - -");
	expect_line(test, "vol B B FLUSH_BUFFERS ", " \"below, post-operation owed\" tf_post [");
	flt_sim_release_all(sim, FLT_SIM_PROCESS, 0);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&own_ended, TF_WAIT));
	flt_free_callback_data(data);
}

/* FKD-05: how many more there would be, is said */
static void more_than_there_are_lines(struct kunit *test)
{
	static struct flt_sim_op *many[MANY];
	int i;

	flt_sim_set_hold(sim, true);
	for (i = 0; i < MANY; i++) {
		many[i] = flt_sim_op_alloc(sim, FLT_CLASS_READ, 0, 4096, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, many[i]);
		KUNIT_ASSERT_EQ(test, flt_sim_start(many[i]), 0);
	}
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, MANY, TF_WAIT), 0);
	KUNIT_ASSERT_EQ(test, read_outstanding(), 0);
	KUNIT_EXPECT_EQ(test, lines_with("vol "), LINES);
	KUNIT_EXPECT_EQ(test, lines_with("# vol: 12 more\n"), 1);
	KUNIT_EXPECT_EQ(test, flt_sim_release_all(sim, FLT_SIM_PROCESS, 0), MANY);
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, flt_sim_op_wait(many[i], TF_WAIT), 0);
		flt_sim_op_free(many[i]);
	}
}

static void stay_generic(struct flt_generic_workitem *item, void *object, void *context)
{
	gate_pass(&gate);
	flt_free_generic_work_item(item);
}

static int queue_generic(void *object)
{
	return flt_queue_generic_work_item(flt_allocate_generic_work_item(), object, stay_generic,
					   DelayedWorkQueue, NULL);
}

/* FKD-05, URG-05: of a filter, and of an instance */
static void generic_routines(struct kunit *test)
{
	limit(FLT_RUN_GENERIC, DelayedWorkQueue, 1);
	KUNIT_ASSERT_EQ(test, queue_generic(a.filter), 0);
	gate_wait(test, &gate);
	KUNIT_ASSERT_EQ(test, queue_generic(tf_instance(&b, volume)), 0);
	KUNIT_EXPECT_EQ(test, read_outstanding(), 0);
	expect_line(test, "- A - - 0 ", " \"in generic routine\" stay_generic [");
	expect_line(test, "vol B B - 0 ", " 0 \"generic routine queued\" stay_generic [");
	gate_open(&gate);
	tf_wait_until(test, !references(&a.filter->obj) &&
		      !references(&tf_instance(&b, volume)->obj));
	KUNIT_EXPECT_EQ(test, read_outstanding(), 0);
	KUNIT_EXPECT_EQ(test, lines_with("generic"), 0);
}

/* FKD-05, TDN-21, WRK-11: operations first, then routines; both with what the filter calls it */
static void a_slow_teardown(struct kunit *test)
{
	static const char slow_head[] =
		"fltmgr: teardown of instance B of filter B on volume vol waits for 1 operations";
	struct flt_sim_op *second = flt_sim_op_alloc(sim, FLT_CLASS_WRITE, 0, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, second);
	/* Nothing that this teardown waits for, though it is there first. */
	KUNIT_ASSERT_EQ(test, queue_generic(tf_instance(&b, volume)), 0);
	b.on_pre = defer_pre;
	defer.routine = complete_and_stay;
	flt_sim_start(op);
	tf_wait_until(test, atomic_read(&gate.passes) == 2);
	tf_expect_ended(test, op, 0);
	b.on_pre = NULL;
	b.nr_pended = 0;
	b.post_status = FLT_POSTOP_MORE_PROCESSING_REQUIRED;
	flt_sim_start(second);
	helper_start(test, 0, detach_thread, &b);
	tf_wait_until(test, tf_instance(&b, volume) &&
		      READ_ONCE(tf_instance(&b, volume)->state) == FLT_INSTANCE_DRAINING);
	/* A new limit counts at once. */
	KUNIT_EXPECT_EQ(test, set_parameter("slow_teardown_ms", "20"), 0);
	tf_wait_until(test, slow_says(": in deferred routine complete_and_stay ["));
	KUNIT_EXPECT_TRUE(test, slow_says(slow_head));
	KUNIT_EXPECT_TRUE(test, slow_says("fltmgr:   WRITE "));
	KUNIT_EXPECT_TRUE(test, slow_says(": pended by post-operation tf_post ["));
	KUNIT_EXPECT_TRUE(test, slow_says("fltmgr:   READ "));
	KUNIT_EXPECT_FALSE(test, slow_says("generic"));
	KUNIT_EXPECT_EQ(test, set_parameter("slow_teardown_ms", "10000"), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&b.completes), 0);
	flt_complete_pended_postoperation(tf_take(&b));
	gate_open(&gate);
	KUNIT_EXPECT_EQ(test, helper_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, flt_sim_op_wait(second, TF_WAIT), 0);
	flt_sim_op_free(second);
}

static struct kunit_case outstanding_cases[] = {
	KUNIT_CASE(who_has_an_operation),
	KUNIT_CASE(io_of_a_filters_own),
	KUNIT_CASE(more_than_there_are_lines),
	KUNIT_CASE(generic_routines),
	KUNIT_CASE(a_slow_teardown),
	{}
};

static struct kunit_suite outstanding_suite = {
	.name = "fltmgr_outstanding",
	.suite_init = outstanding_suite_init,
	.suite_exit = outstanding_suite_exit,
	.init = outstanding_init,
	.exit = outstanding_exit,
	.test_cases = outstanding_cases,
};

kunit_test_suite(outstanding_suite);

MODULE_DESCRIPTION("Tests of what is outstanding");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
