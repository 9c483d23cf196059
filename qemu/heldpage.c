// SPDX-License-Identifier: GPL-2.0-only
/*
 * heldpage: a system call that waits for memory of its caller's.
 *
 *	heldpage read|write FILE COMMAND
 *
 * Reads or writes a byte of FILE, from or to a page that is not there. The page
 * fault is handled here, which takes until COMMAND, a line for the shell, has ended.
 * A driver must not keep anything from going meanwhile. Needs CONFIG_USERFAULTFD.
 *
 * Succeeds if COMMAND did, and the system call had not ended by then. The last line
 * says what came of that.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_S	60	/* with all of it */

static bool reads;
static int file;
static char *page;
static atomic_bool ended;
static int result;		/* of the system call; an errno if not 0 */

static void *call(void *unused)
{
	ssize_t n;

	(void)unused;
	n = reads ? read(file, page, 1) : write(file, page, 1);
	result = n < 0 ? errno : 0;
	ended = true;
	return NULL;
}

/* From then on who touches the page waits. */
static int watch(size_t size)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		err(2, "userfaultfd");
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		err(2, "mmap");
	range.range.start = (unsigned long)page;
	range.range.len = size;
	if (ioctl(fd, UFFDIO_REGISTER, &range))
		err(2, "UFFDIO_REGISTER");
	return fd;
}

static void wait_for_fault(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&p, 1, PATIENCE_S * 1000) != 1 || read(fd, &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.event != UFFD_EVENT_PAGEFAULT)
		errx(2, "the page was not touched");
}

static void let_on(int fd, size_t size)
{
	struct uffdio_zeropage zero = { .range = { .start = (unsigned long)page, .len = size } };

	if (ioctl(fd, UFFDIO_ZEROPAGE, &zero))
		err(2, "UFFDIO_ZEROPAGE");
}

int main(int argc, char **argv)
{
	size_t size = sysconf(_SC_PAGESIZE);
	pthread_t caller;
	int fd, status;
	bool held;

	if (argc != 4 || (strcmp(argv[1], "read") && strcmp(argv[1], "write")))
		errx(2, "usage: heldpage read|write FILE COMMAND");
	reads = !strcmp(argv[1], "read");
	file = open(argv[2], O_RDWR | O_CLOEXEC);
	if (file < 0)
		err(2, "%s", argv[2]);
	fd = watch(size);
	alarm(PATIENCE_S);
	if (pthread_create(&caller, NULL, call, NULL))
		errx(2, "no thread");
	wait_for_fault(fd);
	status = system(argv[3]);
	held = !ended;
	let_on(fd, size);
	pthread_join(caller, NULL);
	printf("the %s: %s\n", argv[1], strerror(result));
	return status || !held;
}
