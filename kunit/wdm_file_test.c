// SPDX-License-Identifier: GPL-2.0-only
/*
 * File objects: devices of other drivers, and files of Linux.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "testwdm.h"
#include "testsysfs.h"

static struct wdm_driver *lower_drv;
static struct wdm_device *lower, *filter;
static struct wdm_file_object *object;
static struct wdm_device *top;

static int open_it(const char *name)
{
	object = NULL;
	top = NULL;
	return io_get_device_object_pointer(&dev->owner, name, FILE_READ_DATA, &object, &top);
}

/* RLS-61: by name or link; the lower driver stays until it is given back */
static void opened_by_name(struct kunit *test)
{
	int users = module_refcount(THIS_MODULE);

	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	KUNIT_EXPECT_PTR_EQ(test, top, lower);
	KUNIT_EXPECT_PTR_EQ(test, object->device, lower);
	KUNIT_EXPECT_NULL(test, object->file);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users + 1);
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users);
	KUNIT_EXPECT_EQ(test, io_create_symbolic_link(&lower_drv->owner, "\\??\\L",
						      "\\Device\\Lower"), 0);
	KUNIT_ASSERT_EQ(test, open_it("\\DosDevices\\l"), 0);
	KUNIT_EXPECT_PTR_EQ(test, top, lower);
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), 0);
	KUNIT_EXPECT_EQ(test, lower->references, 0);
	tw_expect_silence(test);
}

/* RLS-61, RLS-63: what is returned is the top of its stack; both are kept */
static void the_top_of_the_stack(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, io_create_device(lower_drv, 0, "filter", &filter), 0);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(filter, lower), lower);
	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	KUNIT_EXPECT_PTR_EQ(test, top, filter);
	KUNIT_EXPECT_PTR_EQ(test, object->device, lower);
	KUNIT_EXPECT_EQ(test, lower->references, 1);
	KUNIT_EXPECT_EQ(test, filter->references, 1);
	/* The one in between goes: it is memory still. */
	KUNIT_EXPECT_EQ(test, io_detach_device(lower), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(filter), 0);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(top), -ENODEV);
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), 0);
	KUNIT_EXPECT_EQ(test, lower->references, 0);
	tw_expect_silence(test);
}

/* RLS-61: the file object goes early, the device was referenced or attached to before */
static void given_back_early(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev, top), lower);
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), 0);
	KUNIT_EXPECT_EQ(test, io_delete_device(lower), -EBUSY);
	tw_expect_violation(test, "V-RLS-6", "attachment 'Lower' of stage 4");
	KUNIT_EXPECT_EQ(test, io_detach_device(lower), 0);
	tw_expect_silence(test);
}

/* RLS-61, RLS-04: the device is removed with a file object there, which keeps its memory */
static void removed_while_open(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(lower), 0);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(top), -ENODEV);
	((u8 *)top->device_extension)[15] = 1;
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), 0);
	KUNIT_EXPECT_EQ(test, open_it("\\Device\\Lower"), -ENOENT);
	tw_expect_silence(test);
}

/* RLS-61, RLS-01, VER-21: V-RLS-12, the lower driver goes first; the twin is above */
static void the_lower_driver_goes_first(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	KUNIT_EXPECT_EQ(test, wdm_unload(lower_drv), 0);
	lower_drv = NULL;
	tw_expect_violation(test, "V-RLS-12", "device 'Lower' is gone, and has 2 references");
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), 0);
	tw_expect_silence(test);
}

/* RLS-61: what there is not, what goes, and where it is not allowed */
static void not_opened(struct kunit *test)
{
	struct wdm_owner *owner = &dev->owner;
	const char *name = "\\Device\\Lower";
	int rc;

	KUNIT_EXPECT_EQ(test, open_it("\\Device\\None"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_it("\\??\\None"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_it("\\Driver\\Lower"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_it("Lower"), -EINVAL);
	KUNIT_EXPECT_EQ(test, open_it(""), -EINVAL);
	KUNIT_EXPECT_EQ(test, open_it("/no/such/file"), -ENOENT);
	KUNIT_EXPECT_EQ(test, open_it(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_device_object_pointer(NULL, name, 1, &object, &top), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_device_object_pointer(owner, name, 0, &object, &top), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_device_object_pointer(owner, name, 4, &object, &top), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_device_object_pointer(owner, name, 1, NULL, &top), -EINVAL);
	KUNIT_EXPECT_EQ(test, io_get_device_object_pointer(owner, name, 1, &object, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(NULL), -EINVAL);
	lower->going = true;
	KUNIT_EXPECT_EQ(test, open_it(name), -ESHUTDOWN);
	lower->going = false;
	dev->removing = true;
	KUNIT_EXPECT_EQ(test, open_it(name), -ESHUTDOWN);
	dev->removing = false;
	KUNIT_EXPECT_EQ(test, lower->references, 0);
	KUNIT_EXPECT_NULL(test, object);
	tw_expect_silence(test);
	preempt_disable();
	rc = open_it(name);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "io_get_device_object_pointer");
}

/* RLS-61: V-GLB-9, given back twice */
static void given_back_once(struct kunit *test)
{
	int rc;

	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	/* a device's may be given back where sleeping is not allowed */
	preempt_disable();
	rc = ob_dereference_file_object(object);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, 0);
	tw_expect_silence(test);
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
}

static struct {
	int opened;
	int released;
	bool writes;
} misc;

static int misc_test_open(struct inode *inode, struct file *file)
{
	misc.opened++;
	misc.writes = file->f_mode & FMODE_WRITE;
	return 0;
}

static int misc_test_release(struct inode *inode, struct file *file)
{
	misc.released++;
	return 0;
}

static const struct file_operations misc_fops = {
	.owner = THIS_MODULE,
	.open = misc_test_open,
	.release = misc_test_release,
};

static struct miscdevice misc_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "wdm_file_test",
	.fops = &misc_fops,
};

/* RLS-62: a file of Linux is released when the routine returns, not some time later */
static void a_file_of_linux(struct kunit *test)
{
	int users = module_refcount(THIS_MODULE), rc;

	KUNIT_ASSERT_EQ(test, misc_register(&misc_device), 0);
	rc = open_it("/dev/wdm_file_test");
	KUNIT_EXPECT_EQ(test, rc, 0);
	if (rc)
		goto out;
	KUNIT_EXPECT_NULL(test, top);
	KUNIT_EXPECT_NULL(test, object->device);
	KUNIT_EXPECT_NOT_NULL(test, object->file);
	KUNIT_EXPECT_FALSE(test, misc.writes);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users + 1);
	preempt_disable();
	rc = ob_dereference_file_object(object);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	tw_expect_violation(test, "LVL-02", "ob_dereference_file_object");
	KUNIT_EXPECT_EQ(test, misc.released, 0);
	KUNIT_EXPECT_EQ(test, ob_dereference_file_object(object), 0);
	/* This is a thread of the kernel's: fput() alone would not have. */
	KUNIT_EXPECT_EQ(test, misc.released, 1);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), users);
	KUNIT_EXPECT_EQ(test, io_get_device_object_pointer(&dev->owner, "/dev/wdm_file_test",
							   FILE_READ_DATA | FILE_WRITE_DATA,
							   &object, &top), 0);
	KUNIT_EXPECT_TRUE(test, misc.writes);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_EQ(test, misc.released, 2);
	tw_expect_silence(test);
out:
	misc_deregister(&misc_device);
}

static void stage(struct wdm_device *device, enum wdm_stage stage)
{
	if (stage == WDM_STAGE_OBJECTS && lower->references)
		tw_log("open");
	if (stage == WDM_STAGE_CLAIMS && !lower->references)
		tw_log("closed");
}

/* RLS-61, RLS-92: in its stage; before its owner is detached from the device */
static void removed_in_its_stage(struct kunit *test)
{
	drv->driver_stage = stage;
	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	KUNIT_EXPECT_PTR_EQ(test, io_attach_device_to_device_stack(dev, top), lower);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_log(test, "open closed");
	KUNIT_EXPECT_NULL(test, lower->upper);
	tw_expect_silence(test);
}

static void leave_it(struct wdm_driver *driver)
{
}

/* RLS-61, RLS-91: left by the unload, with who has opened it */
static void left_by_the_unload(struct kunit *test)
{
	drv->driver_unload = leave_it;
	KUNIT_ASSERT_EQ(test, open_it("\\Device\\Lower"), 0);
	tw_unload_now(test);
	/* the device, too */
	tw_expect_violations(test, 2);
	KUNIT_EXPECT_TRUE(test, strstarts(wdm_violation_last(), "RLS-61: file object 'Lower'"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "io_get_device_object_pointer"));
	KUNIT_EXPECT_EQ(test, lower->references, 0);
}

static int file_test_init(struct kunit *test)
{
	memset(&misc, 0, sizeof(misc));
	tw_init(test);
	lower_drv = wdm_create_driver(THIS_MODULE, "lower_drv");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, lower_drv);
	return io_create_device(lower_drv, 16, "\\Device\\Lower", &lower);
}

static void file_test_exit(struct kunit *test)
{
	tw_exit(test);
	if (lower_drv)
		wdm_unload(lower_drv);
	lower_drv = NULL;
	tw_expect_silence(test);
}

static struct kunit_case file_cases[] = {
	KUNIT_CASE(opened_by_name),
	KUNIT_CASE(the_top_of_the_stack),
	KUNIT_CASE(given_back_early),
	KUNIT_CASE(removed_while_open),
	KUNIT_CASE(the_lower_driver_goes_first),
	KUNIT_CASE(not_opened),
	KUNIT_CASE(given_back_once),
	KUNIT_CASE(a_file_of_linux),
	KUNIT_CASE(removed_in_its_stage),
	KUNIT_CASE(left_by_the_unload),
	{}
};

static struct kunit_suite file_suite = {
	.name = "wdm_file",
	.init = file_test_init,
	.exit = file_test_exit,
	.test_cases = file_cases,
};

kunit_test_suite(file_suite);

MODULE_DESCRIPTION("Tests of file objects");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
