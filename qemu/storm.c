// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm: processes and threads that come and go, for those who are told of them.
 *
 *	storm PROCESSES THREADS [JOBS]
 *
 * So many processes, JOBS of them at a time (2), each of which has so many threads.
 * They go in turn
 *
 *	0  all threads at the same moment: several see that no thread is left
 *	1  by _exit() of one of them
 *	2  by a thread other than the first that executes a program: it takes over the
 *	   process's id
 *	3  by the first thread that executes one
 *	4  the first thread ends before the others
 *
 * The last line says how many processes there were, storm itself not counted; and
 * how many programs were executed.
 */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAYS	5

static pthread_barrier_t together;
static int way;

static void run_a_program(void)
{
	execl("/proc/self/exe", "storm", "-", NULL);
	_exit(3);
}

static void *thread(void *arg)
{
	long n = (long)arg;

	pthread_barrier_wait(&together);
	if (n == 1 && way == 1)
		_exit(0);
	if (n == 1 && way == 2)
		run_a_program();
	/* The thread only: nobody joins it. */
	syscall(SYS_exit, 0);
	return NULL;
}

/* One process; does not return. */
static void live(int threads)
{
	pthread_t id;
	long n;

	pthread_barrier_init(&together, NULL, threads + (way == 4 ? 0 : 1));
	for (n = 1; n <= threads; n++)
		if (pthread_create(&id, NULL, thread, (void *)n))
			_exit(4);
	if (way != 4)
		pthread_barrier_wait(&together);
	if (way == 3)
		run_a_program();
	/* 1 and 2 end by another thread: this one must not be first. */
	if (way == 1 || way == 2)
		for (;;)
			pause();
	syscall(SYS_exit, 0);
}

static int reap(int *running)
{
	int status;

	if (wait(&status) < 0)
		err(1, "wait");
	(*running)--;
	return status;
}

int main(int argc, char **argv)
{
	int processes, threads, jobs, n, running = 0, bad = 0, programs = 0;

	if (argc == 2 && !strcmp(argv[1], "-"))
		return 0;
	if (argc < 3 || argc > 4)
		errx(2, "usage: storm PROCESSES THREADS [JOBS]");
	processes = atoi(argv[1]);
	threads = atoi(argv[2]);
	jobs = argc > 3 ? atoi(argv[3]) : 2;
	if (processes < 0 || threads < 1 || jobs < 1)
		errx(2, "usage: storm PROCESSES THREADS [JOBS]");
	for (n = 0; n < processes; n++) {
		way = n % WAYS;
		programs += way == 2 || way == 3;
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			live(threads);
		}
		if (++running >= jobs)
			bad += !!reap(&running);
	}
	while (running)
		bad += !!reap(&running);
	printf("processes %d programs %d bad %d\n", processes, programs, bad);
	return !!bad;
}
