// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu: what user space has.
 *
 * /dev/eduN: write a number, read its factorial, modulo 2^32. The write starts the
 * computation, and waits for that of somebody else only; the read waits for it.
 * "raise" has the device raise an interrupt.
 *
 * /dev/eduN_ram: 4095 bytes of the device, read and written by DMA, which takes
 * 100 ms. A write returns when that has begun; fsync() waits for it.
 *
 * A file may outlive its device, of which it keeps the memory. All calls are inside
 * of the device while they do anything, and say ENODEV when it goes, those that
 * wait at that moment included. Nobody touches user space in there: that may take
 * as long as somebody likes who handles its page faults. RLS-04, RLS-13
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "edu.h"

#define EDU_TEXT	16

struct edu_file {
	struct edu *edu;
	struct mutex lock;		/* what follows */
	struct edu_request *request;
	char text[EDU_TEXT];		/* its result */
	size_t length;
	size_t at;
};

/* 0; -EAGAIN, -ERESTARTSYS, -ENODEV */
static int edu_wait(struct wdm_dispatcher *object, bool block)
{
	const s64 now = 0;
	int rc = ke_wait_for_single_object(object, true, block ? NULL : &now);

	if (rc == -EINTR)
		return -ERESTARTSYS;
	return rc > 0 ? -EAGAIN : rc;
}

/* The engine is idle then, and is the caller's to start: edu_engine_put(). */
static int edu_engine_get(struct wdm_mutex *mutex, struct wdm_event *idle, bool block)
{
	int rc = edu_wait(&mutex->header, block);

	if (rc)
		return rc;
	rc = edu_wait(&idle->header, block);
	if (rc)
		ke_release_mutex(mutex);
	return rc;
}

static void edu_engine_put(struct wdm_mutex *mutex)
{
	ke_release_mutex(mutex);
}

static int edu_open_file(struct edu *edu, struct file *file)
{
	struct edu_file *f;
	int rc = ob_reference_object(edu->device);

	if (rc)
		return -ENODEV;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f) {
		ob_dereference_object(edu->device);
		return -ENOMEM;
	}
	f->edu = edu;
	mutex_init(&f->lock);
	atomic_inc(&edu->open);
	file->private_data = f;
	return 0;
}

/* The device cannot be deregistered meanwhile: misc_open() sees to that. RLS-11 */
static int edu_open(struct inode *inode, struct file *file)
{
	stream_open(inode, file);
	return edu_open_file(container_of(file->private_data, struct edu, misc[0]), file);
}

static int edu_ram_open(struct inode *inode, struct file *file)
{
	return edu_open_file(container_of(file->private_data, struct edu, misc[1]), file);
}

static int edu_release(struct inode *inode, struct file *file)
{
	struct edu_file *f = file->private_data;

	edu_request_put(f->request);
	atomic_dec(&f->edu->open);
	ob_dereference_object(f->edu->device);
	kfree(f);
	return 0;
}

/* With the engine: it computes for this file. */
static int edu_compute(struct edu_file *f, u32 n)
{
	struct edu_request *request = kzalloc(sizeof(*request), GFP_KERNEL);
	struct edu *edu = f->edu;

	if (!request)
		return -ENOMEM;
	kref_init(&request->ref);
	request->n = n;
	edu_request_put(f->request);
	f->request = request;
	f->length = 0;
	f->at = 0;
	kref_get(&request->ref);
	ke_reset_event(&edu->factorial_idle);
	edu_count(EDU_FACTORIALS);
	spin_lock_irq(&edu->lock);
	edu->request = request;
	atomic_or(EDU_FACTORIAL, &edu->busy);
	edu_hw_factorial(edu, n);
	spin_unlock_irq(&edu->lock);
	return 0;
}

static int edu_start(struct edu_file *f, u32 n, bool block)
{
	struct edu *edu = f->edu;
	int rc;

	rc = edu_engine_get(&edu->factorial_mutex, &edu->factorial_idle, block);
	if (rc)
		return rc;
	rc = edu_compute(f, n);
	edu_engine_put(&edu->factorial_mutex);
	return rc;
}

static int edu_command(struct edu_file *f, const char *text, bool block)
{
	u32 n;

	if (sysfs_streq(text, "raise")) {
		edu_count(EDU_RAISED);
		edu_hw_raise(f->edu);
		return 0;
	}
	if (kstrtou32(text, 0, &n))
		return -EINVAL;
	return n > EDU_FACTORIAL_MAX ? -ERANGE : edu_start(f, n, block);
}

/* With the file's lock: who waits for that is not inside of the device. */
static int edu_command_inside(struct edu_file *f, const char *text, bool block)
{
	int rc = io_acquire_remove_lock(f->edu->device);

	if (rc)
		return rc;
	rc = edu_command(f, text, block);
	io_release_remove_lock(f->edu->device);
	return rc;
}

static ssize_t edu_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct edu_file *f = file->private_data;
	char text[EDU_TEXT] = "";
	int rc;

	if (!count || count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, count))
		return -EFAULT;
	if (mutex_lock_interruptible(&f->lock))
		return -ERESTARTSYS;
	rc = edu_command_inside(f, text, !(file->f_flags & O_NONBLOCK));
	mutex_unlock(&f->lock);
	return rc ?: count;
}

/* The text of the result, when there is one. */
static int edu_result(struct edu_file *f, bool block)
{
	int rc = 0;

	if (!f->request)
		return -ENODATA;
	if (f->length)
		return 0;
	if (!READ_ONCE(f->request->done))
		rc = edu_wait(&f->edu->factorial_idle.header, block);
	/* Nobody else could start it meanwhile. */
	if (!rc)
		f->length = scnprintf(f->text, sizeof(f->text), "%u\n", f->request->result);
	return rc;
}

/* As edu_command_inside(). */
static int edu_result_inside(struct edu_file *f, bool block)
{
	int rc = io_acquire_remove_lock(f->edu->device);

	if (rc)
		return rc;
	rc = edu_result(f, block);
	io_release_remove_lock(f->edu->device);
	return rc;
}

static ssize_t edu_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct edu_file *f = file->private_data;
	ssize_t rc;

	if (mutex_lock_interruptible(&f->lock))
		return -ERESTARTSYS;
	rc = edu_result_inside(f, !(file->f_flags & O_NONBLOCK));
	if (!rc) {
		count = min(count, f->length - f->at);
		rc = copy_to_user(buf, f->text + f->at, count) ? -EFAULT : count;
		f->at += max(rc, 0);
	}
	mutex_unlock(&f->lock);
	return rc;
}

/* With the engine, which is idle. */
static void edu_transfer(struct edu *edu, u32 offset, u32 count, bool to_device)
{
	ke_reset_event(&edu->dma_idle);
	edu_count(EDU_DMAS);
	spin_lock_irq(&edu->lock);
	atomic_or(EDU_DMA, &edu->busy);
	edu_hw_dma(edu, offset, count, to_device);
	spin_unlock_irq(&edu->lock);
}

static int edu_ram_in(struct edu *edu, void *data, u32 offset, u32 count, bool block)
{
	int rc = edu_engine_get(&edu->dma_mutex, &edu->dma_idle, block);

	if (rc)
		return rc;
	edu_transfer(edu, offset, count, false);
	/* It takes what it takes. */
	rc = edu_wait(&edu->dma_idle.header, true);
	if (!rc)
		memcpy(data, edu->buffer + offset, count);
	edu_engine_put(&edu->dma_mutex);
	return rc;
}

static int edu_ram_out(struct edu *edu, const void *data, u32 offset, u32 count, bool block)
{
	int rc = edu_engine_get(&edu->dma_mutex, &edu->dma_idle, block);

	if (rc)
		return rc;
	memcpy(edu->buffer + offset, data, count);
	edu_transfer(edu, offset, count, true);
	edu_engine_put(&edu->dma_mutex);
	return rc;
}

/* How much of it there is of a transfer. */
static size_t edu_ram_count(loff_t pos, size_t count)
{
	return pos < EDU_RAM_SIZE ? min_t(size_t, count, EDU_RAM_SIZE - pos) : 0;
}

/* What the device says of a transfer of nothing. */
static int edu_ram_nothing(struct edu *edu)
{
	int rc = io_acquire_remove_lock(edu->device);

	if (!rc)
		io_release_remove_lock(edu->device);
	return rc;
}

static ssize_t edu_ram_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct edu_file *f = file->private_data;
	void *data;
	int rc;

	count = edu_ram_count(*pos, count);
	if (!count)
		return edu_ram_nothing(f->edu);
	data = kmalloc(count, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	rc = io_acquire_remove_lock(f->edu->device);
	if (!rc) {
		rc = edu_ram_in(f->edu, data, *pos, count, !(file->f_flags & O_NONBLOCK));
		io_release_remove_lock(f->edu->device);
	}
	if (!rc && copy_to_user(buf, data, count))
		rc = -EFAULT;
	kfree(data);
	if (rc)
		return rc;
	*pos += count;
	return count;
}

static ssize_t edu_ram_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	size_t there = edu_ram_count(*pos, count);
	struct edu_file *f = file->private_data;
	void *data;
	int rc;

	if (!there) {
		rc = edu_ram_nothing(f->edu);
		if (!rc && count)
			rc = -ENOSPC;
		return rc;
	}
	data = memdup_user(buf, there);
	if (IS_ERR(data))
		return PTR_ERR(data);
	rc = io_acquire_remove_lock(f->edu->device);
	if (!rc) {
		rc = edu_ram_out(f->edu, data, *pos, there, !(file->f_flags & O_NONBLOCK));
		io_release_remove_lock(f->edu->device);
	}
	kfree(data);
	if (rc)
		return rc;
	*pos += there;
	return there;
}

static int edu_ram_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct edu_file *f = file->private_data;
	int rc;

	rc = io_acquire_remove_lock(f->edu->device);
	if (rc)
		return rc;
	rc = edu_wait(&f->edu->dma_idle.header, true);
	io_release_remove_lock(f->edu->device);
	return rc;
}

static loff_t edu_ram_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, EDU_RAM_SIZE);
}

static const struct file_operations edu_fops = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_release,
	.write = edu_write,
	.read = edu_read,
};

static const struct file_operations edu_ram_fops = {
	.owner = THIS_MODULE,
	.open = edu_ram_open,
	.release = edu_release,
	.write = edu_ram_write,
	.read = edu_ram_read,
	.fsync = edu_ram_fsync,
	.llseek = edu_ram_llseek,
};

/* The last thing of a probe: they may be opened at once. */
int edu_files_register(struct edu *edu)
{
	int rc;

	snprintf(edu->names[0], sizeof(edu->names[0]), "edu%d", edu->id);
	snprintf(edu->names[1], sizeof(edu->names[1]), "edu%d_ram", edu->id);
	edu->misc[0].fops = &edu_fops;
	edu->misc[1].fops = &edu_ram_fops;
	for (; edu->nr_misc < 2; edu->nr_misc++) {
		struct miscdevice *misc = &edu->misc[edu->nr_misc];

		misc->minor = MISC_DYNAMIC_MINOR;
		misc->name = edu->names[edu->nr_misc];
		misc->parent = &edu->pdev->dev;
		rc = misc_register(misc);
		if (rc)
			return rc;
	}
	return 0;
}

/* The first thing of a removal. RLS-10 */
void edu_files_deregister(struct edu *edu)
{
	while (edu->nr_misc)
		misc_deregister(&edu->misc[--edu->nr_misc]);
}
