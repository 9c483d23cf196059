// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O on simulated volumes.
 *
 *	theld	the device holds what arrives; a thread lets it go, each time in
 *		another context, now and then with an error
 *	tatonce	the device completes at once, each time in another context
 *	tchurn	comes, gets some operations, and goes with them on their way
 *
 * and a thread that cancels what filters have.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/flt_sim.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "torture.h"

#define SIM_STAYING	2	/* volumes that stay from start to stop */
#define SIM_THREADS	(SIM_STAYING * TORTURE_ISSUERS + 3)

static struct flt_sim *sims[SIM_STAYING];
static struct torture_issue issues[SIM_STAYING][TORTURE_ISSUERS];
static struct torture_issue churn_issue;
static u64 device_rnd, cancel_rnd;
/* In the order in which they are stopped: the device last. */
static struct task_struct *threads[SIM_THREADS];

static const struct {
	enum flt_class class;
	u8 major;
} sim_classes[] = {
	{ FLT_CLASS_READ, IRP_MJ_READ },
	{ FLT_CLASS_READ, IRP_MJ_READ },
	{ FLT_CLASS_WRITE, IRP_MJ_WRITE },
	{ FLT_CLASS_WRITE, IRP_MJ_WRITE },
	{ FLT_CLASS_FLUSH, IRP_MJ_FLUSH_BUFFERS },
	{ FLT_CLASS_DISCARD, FLT_MJ_DISCARD },
	{ FLT_CLASS_SECURE_ERASE, FLT_MJ_SECURE_ERASE },
	{ FLT_CLASS_WRITE_ZEROES, FLT_MJ_WRITE_ZEROES },
};

struct sim_try {
	struct flt_sim_op *op;
	struct torture_place *place;
};

/* False: there was no place, or it did not start. */
static bool sim_issue(struct torture_issue *issue, struct flt_sim *sim, struct sim_try *try)
{
	unsigned int class = torture_pick(&issue->rnd, ARRAY_SIZE(sim_classes)), index;
	u8 major = sim_classes[class].major;

	try->place = torture_place_get(issue, major, &index);
	if (!try->place)
		return false;
	try->op = flt_sim_op_alloc(sim, sim_classes[class].class, (u64)index * TORTURE_BLOCK,
				   index ? TORTURE_BLOCK : 0, GFP_KERNEL);
	if (IS_ERR(try->op))
		goto none;
	if (torture_pick(&issue->rnd, 2))
		try->op->irp_flags = FLT_IRP_SYNC;
	else if (!torture_pick(&issue->rnd, 4))
		try->op->irp_flags = FLT_IRP_PAGING;
	if (flt_sim_start(try->op)) {
		flt_sim_op_free(try->op);
		goto none;
	}
	torture_inc(issue->vol, V_ISSUED);
	return true;

none:
	try->place->op = 0;
	return false;
}

static void sim_wait(struct torture_issue *issue, struct sim_try *try)
{
	struct flt_sim_op *op = try->op;
	struct torture_volume *vol = issue->vol;

	while (flt_sim_op_wait(op, torture_patience()))
		torture_wrong("%s: operation %llu major %#x at %llu has not ended",
			      vol->name, try->place->op, try->place->major, op->byte_offset);
	if (op->ended.count != 1 || op->submitted.count != op->device_done.count)
		torture_wrong("%s: operation %llu ended %u times, was submitted %u, done %u times",
			      vol->name, try->place->op, op->ended.count, op->submitted.count,
			      op->device_done.count);
	if (vol->counted && op->submitted.count != try->place->bottoms)
		torture_wrong("%s: operation %llu: the device has had it %u times, the witness %u",
			      vol->name, try->place->op, op->submitted.count,
			      try->place->bottoms);
	torture_place_end(issue, try->place, op->status);
	flt_sim_op_free(op);
}

static void sim_batch(struct torture_issue *issue, struct flt_sim *sim)
{
	unsigned int n = torture_pick(&issue->rnd, TORTURE_BATCH) + 1, started = 0, i;
	struct sim_try tries[TORTURE_BATCH];

	for (i = 0; i < n; i++)
		started += sim_issue(issue, sim, &tries[started]);
	for (i = 0; i < started; i++)
		sim_wait(issue, &tries[i]);
}

static int sim_issuer(void *arg)
{
	struct torture_issue *issue = arg;
	struct flt_sim *sim = sims[issue->vol->number];

	while (!kthread_should_stop()) {
		if (issue->vol->number == TORTURE_SIM_AT_ONCE)
			flt_sim_set_context(sim, torture_pick(&issue->rnd, FLT_SIM_NR_CONTEXTS));
		sim_batch(issue, sim);
		cond_resched();
	}
	return 0;
}

/* The device that holds. What filters begin themselves is held, too. */
static int sim_device(void *arg)
{
	struct torture_volume *vol = &torture_volumes[TORTURE_SIM_HELD];
	struct flt_sim *sim = sims[TORTURE_SIM_HELD];
	int status, n;

	while (!kthread_should_stop() || flt_sim_inflight(sim)) {
		status = torture_pick(&device_rnd, 8) ? 0 : STATUS_IO_DEVICE_ERROR;
		n = flt_sim_release_all(sim, torture_pick(&device_rnd, FLT_SIM_NR_CONTEXTS),
					status);
		torture_add(vol, V_DEVICE, n);
		if (status)
			torture_add(vol, V_DEVICE_FAILED, n);
		usleep_range(50, 50 + torture_pick(&device_rnd, 2000));
	}
	return 0;
}

static int sim_canceller(void *arg)
{
	while (!kthread_should_stop()) {
		flt_sim_cancel(sims[torture_pick(&cancel_rnd, SIM_STAYING)]);
		usleep_range(1000, 1000 + torture_pick(&cancel_rnd, 10000));
	}
	return 0;
}

/* What is issued to tchurn, by a worker: a filter may wait in the one who issues. */
static struct sim_churn {
	struct work_struct work;
	struct flt_sim *sim;
	struct sim_try tries[TORTURE_BATCH];
	unsigned int started;
	bool issued;
} churn;

static void sim_churn_issue(struct work_struct *work)
{
	unsigned int i;

	churn.started = 0;
	for (i = 0; i < TORTURE_BATCH; i++)
		churn.started += sim_issue(&churn_issue, churn.sim, &churn.tries[churn.started]);
	WRITE_ONCE(churn.issued, true);
}

/* One life of a volume. It goes while operations come, or when all are on their way. */
static void sim_churn_once(u64 *rnd)
{
	struct flt_sim *sim = flt_sim_create(torture_volumes[TORTURE_SIM_CHURN].name);
	bool early = torture_pick(rnd, 2);
	unsigned int i;

	if (IS_ERR(sim)) {
		torture_wrong("no volume tchurn: %ld", PTR_ERR(sim));
		return;
	}
	/* Sometimes before the filters have come, or while they do. */
	if (torture_pick(rnd, 4))
		usleep_range(100, 20000);
	flt_sim_set_hold(sim, true);
	churn.sim = sim;
	churn.issued = false;
	queue_work(system_unbound_wq, &churn.work);
	while (!READ_ONCE(churn.issued) && !(early && !torture_pick(rnd, 8))) {
		flt_sim_release_all(sim, torture_pick(rnd, FLT_SIM_NR_CONTEXTS), 0);
		usleep_range(50, 50 + torture_pick(rnd, 1000));
	}
	if (!READ_ONCE(churn.issued)) {
		flt_sim_set_hold(sim, false);
		flt_sim_release_all(sim, FLT_SIM_WORKER, 0);
		flt_sim_dismount(sim);
	}
	flush_work(&churn.work);
	flt_sim_destroy(sim);
	for (i = 0; i < churn.started; i++)
		sim_wait(&churn_issue, &churn.tries[i]);
}

static int sim_churner(void *arg)
{
	u64 rnd = torture_mix(torture_seed, 1003);

	while (!kthread_should_stop()) {
		sim_churn_once(&rnd);
		usleep_range(1000, 1000 + torture_pick(&rnd, 50000));
	}
	return 0;
}

static int sim_thread(unsigned int n, int (*fn)(void *arg), void *arg, const char *name)
{
	struct task_struct *task = kthread_run(fn, arg, "torture/%s", name);

	if (IS_ERR(task))
		return PTR_ERR(task);
	threads[n] = task;
	return 0;
}

static int sim_create(unsigned int n)
{
	struct flt_sim *sim = flt_sim_create_unoffered(torture_volumes[n].name);
	int err;

	if (IS_ERR(sim))
		return PTR_ERR(sim);
	sims[n] = sim;
	if (n == TORTURE_SIM_HELD)
		flt_sim_set_hold(sim, true);
	/* The witnesses are there before anybody else. */
	err = torture_witness_attach(flt_sim_volume(sim));
	if (!err)
		flt_sim_offer(sim);
	return err;
}

int torture_sim_start(void)
{
	unsigned int n = 0, v, i;
	int err = 0;

	device_rnd = torture_mix(torture_seed, 1001);
	cancel_rnd = torture_mix(torture_seed, 1002);
	for (v = 0; v < SIM_STAYING && !err; v++)
		err = sim_create(v);
	for (v = 0; v < SIM_STAYING; v++) {
		for (i = 0; i < TORTURE_ISSUERS && !err; i++) {
			torture_issue_init(&issues[v][i], &torture_volumes[v], i);
			err = sim_thread(n++, sim_issuer, &issues[v][i], torture_volumes[v].name);
		}
	}
	INIT_WORK(&churn.work, sim_churn_issue);
	torture_issue_init(&churn_issue, &torture_volumes[TORTURE_SIM_CHURN], 0);
	if (!err)
		err = sim_thread(n++, sim_churner, NULL, "tchurn");
	if (!err)
		err = sim_thread(n++, sim_canceller, NULL, "cancel");
	if (!err)
		err = sim_thread(n++, sim_device, NULL, "device");
	return err;
}

int torture_sim_stop(void)
{
	unsigned int i;

	for (i = 0; i < SIM_THREADS; i++) {
		if (threads[i])
			kthread_stop(threads[i]);
		threads[i] = NULL;
	}
	for (i = 0; i < SIM_STAYING; i++) {
		if (!IS_ERR_OR_NULL(sims[i]))
			flt_sim_destroy(sims[i]);
		sims[i] = NULL;
	}
	return 0;
}
