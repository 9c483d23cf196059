// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the uml kernel (bench/uml): loads fltmgr and flt_probe, copies what
 * was measured to the console, unloads them, ends the kernel. What the console
 * has between "results" and "ok" counts, and nothing without that "ok".
 *
 * Built with the kernel's nolibc and without vector registers: those that are
 * not saved (qemu/kernels/uml-registers.h) are not to be used, and a C library does.
 */
#include <nolibc.h>

#define RESULTS "/sys/module/flt_probe/parameters/results"

static void say(const char *text)
{
	write(1, text, strlen(text));
}

static int load(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY), rc;

	if (fd < 0)
		return -1;
	rc = syscall(__NR_finit_module, fd, parameters, 0);
	close(fd);
	return rc;
}

/* What the module was told last may still be on its way out of it. */
static int unload(const char *name)
{
	int tries, rc = -1;

	for (tries = 0; rc && tries < 50; tries++) {
		if (tries)
			msleep(100);
		rc = syscall(__NR_delete_module, name, O_NONBLOCK);
	}
	return rc;
}

static int copy(const char *path)
{
	int fd = open(path, O_RDONLY);
	char buf[512];
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		write(1, buf, n);
	close(fd);
	return n;
}

static int measure(void)
{
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		return -1;
	if (load("/modules/fltmgr.ko", "") || load("/modules/flt_probe.ko", "what=time"))
		return -1;
	say("results\n");
	if (copy(RESULTS))
		return -1;
	return unload("flt_probe") || unload("fltmgr");
}

int main(void)
{
	say(measure() ? "failed\n" : "ok\n");
	reboot(LINUX_REBOOT_CMD_POWER_OFF);
	return 1;
}
