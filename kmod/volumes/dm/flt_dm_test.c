// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm_test: a filter that fails what it is told to fail, as it is told to.
 *
 *	insmod flt_dm_test.ko
 *	echo flush > /sys/module/flt_dm_test/parameters/fail
 *	echo -5 > /sys/module/flt_dm_test/parameters/status
 *
 * fail is a class of operations (read, write, flush, discard, write_zeroes),
 * or "none"; status is what they are completed with. For the volumes of the
 * target flt: what does a status become, and what of a flush that failed?
 *
 *	seen		pre-operations so far
 *	unknown		... of operations that nobody is known to have asked for
 *	workers		... that run in a worker
 *	paging		... of operations that memory waits for
 *
 * With safe=1 the post-operation wants to sleep before it returns:
 *
 *	slept		how often it did
 *	posted		... in a worker
 *	not_safe	how often that was refused
 *
 * With shift=BYTES every operation but a flush goes to another place, and is told
 * so with a mark, or without one if unmarked=1.
 *
 * "READ|WRITE OFFSET" to own: it reads, or writes, 4 KiB of its own there, below itself,
 * on the first volume that it is attached to; the write ends when that has, and fails as
 * it fails. own then says how many bytes were not 0x5a, which is what it writes.
 *
 * With reissue=1 reads are synchronised, and sent down a second time; reissued counts
 * those that have ended well.
 *
 * With hold_drained=1 a post-operation that is drained waits until that is 0
 * again; draining counts those that do: what if the device completes meanwhile?
 */
#include <linux/bio.h>
#include <linux/delay.h>
#include <linux/fltmgr.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/wait.h>

static const struct {
	const char *name;
	u8 major;
} dm_test_classes[] = {
	{ "none",		IRP_MJ_OPERATION_END },
	{ "read",		IRP_MJ_READ },
	{ "write",		IRP_MJ_WRITE },
	{ "flush",		IRP_MJ_FLUSH_BUFFERS },
	{ "discard",		FLT_MJ_DISCARD },
	{ "write_zeroes",	FLT_MJ_WRITE_ZEROES },
};

static unsigned int fail;	/* index into dm_test_classes */
static int status = STATUS_IO_DEVICE_ERROR;
static bool post, safe;
static long shift;
static bool unmarked;
static bool reissue;
static ulong reissued;
static bool hold_drained;
static ulong seen, unknown, workers, paging, draining;
static ulong slept, posted, not_safe;
static DECLARE_WAIT_QUEUE_HEAD(drained_wait);

static int fail_set(const char *val, const struct kernel_param *kp)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(dm_test_classes); i++) {
		if (!sysfs_streq(val, dm_test_classes[i].name))
			continue;
		WRITE_ONCE(fail, i);
		return 0;
	}
	return -EINVAL;
}

static int fail_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", dm_test_classes[fail].name);
}

static const struct kernel_param_ops fail_ops = {
	.set = fail_set,
	.get = fail_get,
};

static int hold_drained_set(const char *val, const struct kernel_param *kp)
{
	int rc = param_set_bool(val, kp);

	wake_up_all(&drained_wait);
	return rc;
}

static const struct kernel_param_ops hold_drained_ops = {
	.set = hold_drained_set,
	.get = param_get_bool,
};

module_param_cb(hold_drained, &hold_drained_ops, &hold_drained, 0644);
MODULE_PARM_DESC(hold_drained, "let drained post-operations wait");
module_param(draining, ulong, 0444);
MODULE_PARM_DESC(draining, "those that wait");
module_param_cb(fail, &fail_ops, NULL, 0644);
MODULE_PARM_DESC(fail, "class of operations to fail, or none");
module_param(status, int, 0644);
MODULE_PARM_DESC(status, "what to complete them with");
module_param(shift, long, 0644);
MODULE_PARM_DESC(shift, "how far to move operations, in bytes");
module_param(unmarked, bool, 0644);
MODULE_PARM_DESC(unmarked, "forget to mark that");
module_param(reissue, bool, 0644);
MODULE_PARM_DESC(reissue, "send reads down twice");
module_param(reissued, ulong, 0444);
MODULE_PARM_DESC(reissued, "how many came back well from that");
module_param(post, bool, 0644);
MODULE_PARM_DESC(post, "change the status on the way up instead");
module_param(seen, ulong, 0444);
MODULE_PARM_DESC(seen, "pre-operations so far");
module_param(unknown, ulong, 0444);
MODULE_PARM_DESC(unknown, "those without a known requestor");
module_param(workers, ulong, 0444);
MODULE_PARM_DESC(workers, "those that ran in a worker");
module_param(paging, ulong, 0444);
MODULE_PARM_DESC(paging, "those that memory waits for");
module_param(safe, bool, 0644);
MODULE_PARM_DESC(safe, "sleep in post-operations");
module_param(slept, ulong, 0444);
MODULE_PARM_DESC(slept, "how often it slept");
module_param(posted, ulong, 0444);
MODULE_PARM_DESC(posted, "how often that was in a worker");
module_param(not_safe, ulong, 0444);
MODULE_PARM_DESC(not_safe, "how often it was not to sleep");

static bool dm_test_fails(const struct flt_callback_data *data)
{
	return data->iopb->major_function == dm_test_classes[READ_ONCE(fail)].major;
}

static int dm_test_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		       void **completion_context)
{
	/* Racy, and good enough for a script that issues one at a time. */
	WRITE_ONCE(seen, seen + 1);
	if (!data->requestor_pid)
		WRITE_ONCE(unknown, unknown + 1);
	if (current->flags & PF_WQ_WORKER)
		WRITE_ONCE(workers, workers + 1);
	if (data->iopb->irp_flags & FLT_IRP_PAGING)
		WRITE_ONCE(paging, paging + 1);
	if (READ_ONCE(shift) && data->iopb->major_function != IRP_MJ_FLUSH_BUFFERS) {
		data->iopb->parameters.read.byte_offset += READ_ONCE(shift);
		if (!READ_ONCE(unmarked))
			flt_set_callback_data_dirty(data);
	}
	if (READ_ONCE(reissue) && data->iopb->major_function == IRP_MJ_READ)
		return FLT_PREOP_SYNCHRONIZE;
	if (!dm_test_fails(data) || READ_ONCE(post))
		return FLT_PREOP_SUCCESS_WITH_CALLBACK;
	data->io_status.status = READ_ONCE(status);
	data->io_status.information = 0;
	return FLT_PREOP_COMPLETE;
}

static int dm_test_safe_post(struct flt_callback_data *data,
			     const struct flt_related_objects *objs,
			     void *completion_context, u32 flags)
{
	usleep_range(20, 50);
	WRITE_ONCE(slept, slept + 1);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int dm_test_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
			void *completion_context, u32 flags)
{
	int answer;

	if (flags & FLTFL_POST_OPERATION_DRAINING) {
		WRITE_ONCE(draining, draining + 1);
		wait_event_idle(drained_wait, !READ_ONCE(hold_drained));
		WRITE_ONCE(draining, draining - 1);
		return FLT_POSTOP_FINISHED_PROCESSING;
	}
	if (READ_ONCE(reissue) && data->iopb->major_function == IRP_MJ_READ) {
		flt_reissue_synchronous_io(objs->instance, data);
		WRITE_ONCE(reissued, reissued + !data->io_status.status);
	}
	if (READ_ONCE(post) && dm_test_fails(data))
		data->io_status.status = READ_ONCE(status);
	if (!READ_ONCE(safe))
		return FLT_POSTOP_FINISHED_PROCESSING;
	if (!flt_do_completion_processing_when_safe(data, objs, completion_context, flags,
						    dm_test_safe_post, &answer))
		WRITE_ONCE(not_safe, not_safe + 1);
	else if (answer == FLT_POSTOP_MORE_PROCESSING_REQUIRED)
		WRITE_ONCE(posted, posted + 1);
	return answer;
}

#define DM_TEST_OWN_SIZE	4096
#define DM_TEST_OWN_BYTE	0x5a

static unsigned int own_others;

static void dm_test_own_count(const u8 *bytes)
{
	unsigned int i, others = 0;

	for (i = 0; i < DM_TEST_OWN_SIZE; i++)
		others += bytes[i] != DM_TEST_OWN_BYTE;
	WRITE_ONCE(own_others, others);
}

/* The bio is the operation's, and goes with it. */
static int dm_test_own_io(struct flt_instance *instance, bool write, u64 offset, struct page *page)
{
	struct flt_callback_data *data;
	struct flt_parameters_rw *rw;
	int rc;

	rc = flt_allocate_callback_data(instance, NULL, &data);
	if (rc)
		return rc;
	data->iopb->major_function = write ? IRP_MJ_WRITE : IRP_MJ_READ;
	rw = &data->iopb->parameters.read;
	rw->byte_offset = offset;
	rw->length = DM_TEST_OWN_SIZE;
	rw->bio = bio_alloc(NULL, 1, write ? REQ_OP_WRITE : REQ_OP_READ, GFP_NOIO);
	__bio_add_page(rw->bio, page, DM_TEST_OWN_SIZE, 0);
	flt_perform_synchronous_io(data);
	rc = data->io_status.status;
	flt_free_callback_data(data);
	return rc;
}

static int dm_test_own(bool write, u64 offset)
{
	struct page *page = alloc_page(GFP_NOIO);
	struct flt_instance *instance;
	struct flt_filter *filter;
	u32 found = 0;
	int rc;

	if (!page)
		return -ENOMEM;
	memset(page_address(page), write ? DM_TEST_OWN_BYTE : 0, DM_TEST_OWN_SIZE);
	rc = flt_get_filter_from_name("dm_test", &filter);
	if (rc)
		goto free;
	rc = flt_enumerate_instances(NULL, filter, &instance, 1, &found);
	flt_object_dereference(filter);
	if (!rc && !found)
		rc = -ENODEV;
	if (rc)
		goto free;
	rc = dm_test_own_io(instance, write, offset, page);
	flt_object_dereference(instance);
	dm_test_own_count(page_address(page));
free:
	__free_page(page);
	return rc;
}

static int own_set(const char *val, const struct kernel_param *kp)
{
	unsigned long long offset;
	char verb[8];
	int rc;

	if (sscanf(val, "%7s %llu", verb, &offset) != 2)
		return -EINVAL;
	/* It may take long, and the other parameters are to be read meanwhile. */
	kernel_param_unlock(THIS_MODULE);
	rc = dm_test_own(!strcmp(verb, "write"), offset);
	kernel_param_lock(THIS_MODULE);
	return rc;
}

static int own_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u\n", READ_ONCE(own_others));
}

static const struct kernel_param_ops own_ops = {
	.set = own_set,
	.get = own_get,
};

module_param_cb(own, &own_ops, NULL, 0644);
MODULE_PARM_DESC(own, "read, or write, 4 KiB below itself at a byte offset");

static int dm_test_unload(struct flt_filter *filter, u32 flags)
{
	flt_unregister_filter(filter);
	return 0;
}

static int dm_test_query_teardown(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

#define DM_TEST_OPERATION(__major) {		\
	.major_function = __major,		\
	.pre_operation = dm_test_pre,		\
	.post_operation = dm_test_post,		\
}

static const struct flt_operation_registration dm_test_operations[] = {
	DM_TEST_OPERATION(IRP_MJ_READ),
	DM_TEST_OPERATION(IRP_MJ_WRITE),
	DM_TEST_OPERATION(IRP_MJ_FLUSH_BUFFERS),
	DM_TEST_OPERATION(FLT_MJ_DISCARD),
	DM_TEST_OPERATION(FLT_MJ_WRITE_ZEROES),
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition dm_test_instances[] = {
	{ .name = "dm_test", .altitude = "370500" },
	{ }
};

static const struct flt_registration dm_test_registration = {
	.size = sizeof(dm_test_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "dm_test",
	.instances = dm_test_instances,
	.operation_registration = dm_test_operations,
	.filter_unload_callback = dm_test_unload,
	.instance_query_teardown_callback = dm_test_query_teardown,
};

module_flt_filter(dm_test_registration);

MODULE_DESCRIPTION("Filter that fails what it is told to");
MODULE_LICENSE("GPL");
