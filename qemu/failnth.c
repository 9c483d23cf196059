// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth: run a command again and again, and let its nth allocation fail.
 *
 *	failnth UNDO COMMAND [ARGUMENT...]
 *	failnth UNDO insmod FILE [PARAM=VALUE]
 *
 * For n = 1, 2, 3 ... until there is no nth allocation, the command is run with n
 * in its /proc/PID/fail-nth. Which allocations count is said in debugfs before:
 * see failslab and fail_page_alloc. Each time the command must either fail and
 * say that there is no memory, or do without it and succeed; then UNDO, a line
 * for the shell or nothing, takes back what it did. Either way all that can be seen of the
 * manager is to be as it was before: modules and their references, what is in its
 * directories, mapped devices, threads.
 *
 * insmod is done here, without the program, and rmmod follows UNDO: that is much
 * faster.
 *
 * The last line says how many allocations there were, of how many the failure
 * was the command's, and how many it did without.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define MAX_POINTS	2000	/* a command that never gets through */
#define PATIENCE_MS	10000	/* objects are freed by workers, a while after */

/* What there is: sorted lines. */
struct world {
	char *line[4096];
	unsigned int nr;
};

static struct world *looking;

static void add(const char *what, const char *which)
{
	struct world *w = looking;

	if (w->nr == ARRAY_SIZE(w->line))
		errx(1, "there is more than there is room for");
	if (asprintf(&w->line[w->nr++], "%s %s", what, which) < 0)
		err(1, "asprintf");
}

static void see_modules(void)
{
	char name[128], refs[16], users[512], text[1024], *user, *more;
	FILE *f = fopen("/proc/modules", "r");

	if (!f)
		err(1, "/proc/modules");
	while (fscanf(f, "%127s %*s %15s %511s %*[^\n]", name, refs, users) == 3) {
		snprintf(text, sizeof(text), "%s %s", name, refs);
		add("module", text);
		/* Who has them, in whatever order they came. */
		for (user = strtok_r(users, ",-", &more); user; user = strtok_r(NULL, ",-", &more)) {
			snprintf(text, sizeof(text), "%s, by %s", name, user);
			add("module", text);
		}
	}
	fclose(f);
}

static int see_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	add("file", path);
	return 0;
}

/* Threads and queues of ours: a queue has a thread for when memory is short. */
static void see_threads(void)
{
	char path[300], comm[64];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	FILE *f;

	if (!proc)
		err(1, "/proc");
	while ((entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
		if (!f)
			continue;
		if (fscanf(f, "%63s", comm) == 1 &&
		    (!strncmp(comm, "flt", 3) || !strncmp(comm, "kworker/R-flt", 13))) {
			/* Without a number: the next instance has the next one. */
			comm[strcspn(comm, "0123456789")] = 0;
			add("thread", comm);
		}
		fclose(f);
	}
	closedir(proc);
}

static void see_devices(void)
{
	struct dirent *entry;
	DIR *block = opendir("/sys/block");

	if (!block)
		err(1, "/sys/block");
	while ((entry = readdir(block)))
		add("device", entry->d_name);
	closedir(block);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

static void look(struct world *w)
{
	while (w->nr)
		free(w->line[--w->nr]);
	looking = w;
	see_modules();
	nftw("/sys/kernel/fltmgr", see_file, 8, FTW_PHYS);
	nftw("/sys/kernel/debug/fltmgr", see_file, 8, FTW_PHYS);
	nftw("/sys/kernel/debug/flt_sim", see_file, 8, FTW_PHYS);
	see_threads();
	see_devices();
	qsort(w->line, w->nr, sizeof(w->line[0]), by_text);
}

static bool same(const struct world *a, const struct world *b)
{
	unsigned int i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (strcmp(a->line[i], b->line[i]))
			return false;
	return true;
}

/* What only one of them has. */
static void tell_difference(const struct world *before, const struct world *now)
{
	unsigned int i = 0, j = 0;
	int order;

	while (i < before->nr || j < now->nr) {
		order = i == before->nr ? 1 : j == now->nr ? -1 :
			strcmp(before->line[i], now->line[j]);
		if (order < 0)
			printf("  lost: %s\n", before->line[i]);
		if (order > 0)
			printf("  left: %s\n", now->line[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

static void expect_same(const struct world *before, unsigned int n)
{
	const struct timespec tick = { .tv_nsec = 20 * 1000 * 1000 };
	static struct world now;
	int ms;

	for (ms = 0; ms <= PATIENCE_MS; ms += 20) {
		look(&now);
		if (same(before, &now))
			return;
		nanosleep(&tick, NULL);
	}
	tell_difference(before, &now);
	errx(1, "allocation %u: something is not as it was", n);
}

static unsigned int left_to_fail(pid_t pid)
{
	unsigned int left;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%u", &left) != 1)
		err(1, "%s", path);
	fclose(f);
	return left;
}

static void arm(int fd, unsigned int n)
{
	if (dprintf(fd, "%u", n) < 0)
		err(126, "fail-nth");
}

static noreturn void insmod(const char *path, const char *params, int fd, unsigned int n)
{
	int module = open(path, O_RDONLY | O_CLOEXEC);

	if (module < 0)
		err(126, "%s", path);
	arm(fd, n);
	if (syscall(SYS_finit_module, module, params, 0))
		err(1, "%s", path);
	_exit(0);
}

/* The name of a module is that of its file. */
static void unload(const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[64];

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path);
	name[strcspn(name, ".")] = 0;
	if (syscall(SYS_delete_module, name, O_NONBLOCK))
		err(1, "unloading %s", name);
}

static void undo(const char *line, char **command, unsigned int n)
{
	if (*line && system(line))
		errx(1, "allocation %u: '%s' failed", n, line);
	if (!strcmp(command[0], "insmod"))
		unload(command[1]);
}

static noreturn void child(char **command, unsigned int n, int said)
{
	int fd = open("/proc/self/fail-nth", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		err(126, "/proc/self/fail-nth");
	dup2(said, 1);
	dup2(said, 2);
	if (!strcmp(command[0], "insmod"))
		insmod(command[1], command[2] ? command[2] : "", fd, n);
	arm(fd, n);
	execvp(command[0], command);
	err(127, "%s", command[0]);
}

/* Its exit status, and whether it came to the nth allocation. */
static int try(char **command, unsigned int n, int said, bool *failed)
{
	siginfo_t info;
	pid_t pid;

	if (ftruncate(said, 0) || lseek(said, 0, SEEK_SET))
		err(1, "ftruncate");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		child(command, n, said);
	/* Not reaped yet: what it had left can still be read. */
	if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
		err(1, "waitid");
	*failed = !left_to_fail(pid);
	waitpid(pid, NULL, 0);
	if (info.si_code != CLD_EXITED || info.si_status >= 126)
		errx(1, "allocation %u: %s did not run to its end", n, command[0]);
	return info.si_status;
}

static void expect_no_memory(int said, unsigned int n)
{
	char text[4096];
	ssize_t len = pread(said, text, sizeof(text) - 1, 0);

	text[len < 0 ? 0 : len] = 0;
	if (strstr(text, strerror(ENOMEM)))
		return;
	printf("%s", text);
	errx(1, "allocation %u: that is not how to say that there is no memory", n);
}

int main(int argc, char **argv)
{
	unsigned int n, without = 0;
	static struct world before;
	int said, status;
	bool failed;

	if (argc < 3)
		errx(2, "usage: failnth UNDO COMMAND [ARGUMENT...]");
	said = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (said < 0)
		err(1, "/tmp");
	look(&before);
	for (n = 1; n < MAX_POINTS; n++) {
		status = try(argv + 2, n, said, &failed);
		if (status && !failed)
			errx(1, "%s fails by itself, with %d", argv[2], status);
		if (status)
			expect_no_memory(said, n);
		else
			undo(argv[1], argv + 2, n);
		expect_same(&before, n);
		if (!failed)
			break;
		without += !status;
	}
	if (n == MAX_POINTS)
		errx(1, "no end of allocations");
	printf("%u allocations: %u failures, %u done without\n", n - 1, n - 1 - without, without);
	return 0;
}
