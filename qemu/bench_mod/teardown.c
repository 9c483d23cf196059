// SPDX-License-Identifier: GPL-2.0-only
/*
 * From flt_detach_volume() to teardown_complete, with operations in flight: on
 * simulated volumes (kmod/volumes/sim) whose device holds what it gets.
 *
 * Two filters: that of the instance that is torn down, and another. Each
 * scenario is made anew ROUNDS times and the least counts: timer interrupts and
 * the kernel's housekeeping are in some. Each time it begins a little later after
 * a tick, so that it is not by chance that none of them is in the least.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/flt_sim.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "bench.h"

#define ROUNDS		32
#define LATER		100	/* microseconds */
#define A_LOT		5000	/* beyond that, the rest is little: */
#define FEW_ROUNDS	2
#define TOO_LONG	(60 * HZ)

static struct flt_filter *filter, *other;
static bool pending;
static LIST_HEAD(pended);
static DEFINE_SPINLOCK(pended_lock);
static unsigned long nr_drained;
static u64 completed;

/* The filter that is torn down */

static int measured_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
			void **context)
{
	if (!pending)
		return FLT_PREOP_SUCCESS_WITH_CALLBACK;
	spin_lock(&pended_lock);
	list_add_tail(&data->queue_links, &pended);
	spin_unlock(&pended_lock);
	return FLT_PREOP_PENDING;
}

static int measured_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
			 void *context, u32 flags)
{
	nr_drained += !!(flags & FLTFL_POST_OPERATION_DRAINING);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static void complete_pended(void)
{
	struct flt_callback_data *data, *next;

	list_for_each_entry_safe(data, next, &pended, queue_links) {
		list_del(&data->queue_links);
		data->io_status.status = STATUS_CANCELLED;
		flt_complete_pended_preoperation(data, FLT_PREOP_COMPLETE, NULL);
	}
}

static void measured_start(const struct flt_related_objects *objs, u32 reason)
{
	complete_pended();
}

static void measured_complete(const struct flt_related_objects *objs, u32 reason)
{
	completed = bench_now();
}

int bench_agree(const struct flt_related_objects *objs, u32 flags)
{
	return 0;
}

static const struct flt_operation_registration measured_operations[] = {
	{
		.major_function = IRP_MJ_READ,
		.pre_operation = measured_pre,
		.post_operation = measured_post,
	},
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition measured_instances[] = {
	{
		.name = "measured",
		.altitude = "370000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_registration measured_registration = {
	.size = sizeof(measured_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "measured",
	.instances = measured_instances,
	.operation_registration = measured_operations,
	.filter_unload_callback = bench_refuse,
	.instance_query_teardown_callback = bench_agree,
	.instance_teardown_start_callback = measured_start,
	.instance_teardown_complete_callback = measured_complete,
};

/* The other one */

static int other_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static int other_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void *context, u32 flags)
{
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static const struct flt_operation_registration other_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = other_pre, .post_operation = other_post },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition other_instances[] = {
	{
		.name = "other",
		.altitude = "360000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_registration other_registration = {
	.size = sizeof(other_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "other",
	.instances = other_instances,
	.operation_registration = other_operations,
	.filter_unload_callback = bench_refuse,
	.instance_query_teardown_callback = bench_agree,
};

/* A volume with operations that its device, or a filter, holds */

struct held {
	struct flt_sim *sim;
	struct flt_sim_op **ops;
	unsigned int nr;
};

static int held_create(struct held *held, const char *name, unsigned int most)
{
	held->nr = 0;
	held->ops = kvcalloc(max(most, 1U), sizeof(*held->ops), GFP_KERNEL);
	if (!held->ops)
		return -ENOMEM;
	held->sim = flt_sim_create(name);
	if (IS_ERR(held->sim)) {
		kvfree(held->ops);
		return PTR_ERR(held->sim);
	}
	flt_sim_set_hold(held->sim, true);
	return 0;
}

static int held_start(struct held *held, unsigned int n)
{
	int rc = 0;

	while (!rc && n--) {
		struct flt_sim_op *op = flt_sim_op_alloc(held->sim, FLT_CLASS_READ, 0,
							 BENCH_LENGTH, GFP_KERNEL);

		if (IS_ERR(op))
			return PTR_ERR(op);
		held->ops[held->nr++] = op;
		rc = flt_sim_start(op);
		cond_resched();
	}
	return rc;
}

/* Every operation ends, once; then the volume goes. */
static int held_end(struct held *held)
{
	unsigned int i, late = 0;

	/* There is something only if the scenario came to grief. */
	complete_pended();
	flt_sim_set_hold(held->sim, false);
	flt_sim_release_all(held->sim, FLT_SIM_PROCESS, 0);
	for (i = 0; i < held->nr; i++) {
		late += !!flt_sim_op_wait(held->ops[i], TOO_LONG);
		flt_sim_op_free(held->ops[i]);
		cond_resched();
	}
	flt_sim_destroy(held->sim);
	kvfree(held->ops);
	return bench_check("late", late, 0);
}

/* One scenario */

struct scenario {
	const char *name;
	unsigned int nr;	/* that involve the instance, or would if they were its */
	bool pended;		/* with the filter, not below */
	bool elsewhere;		/* on another volume */
	bool others;		/* here, and none of the instance's */
};

static int attach(struct flt_filter *which, struct held *held)
{
	return flt_attach_volume(which, flt_sim_volume(held->sim), NULL, NULL);
}

/* To the number of instructions that it took. */
static int measured_detach(struct held *held, u64 *took)
{
	static unsigned int later;
	u64 began;
	int rc;

	/* What was left to be done later is done now. */
	rcu_barrier();
	schedule_timeout_idle(HZ / 20);
	later = (later + LATER) % jiffies_to_usecs(1);
	udelay(later);
	began = bench_now();
	rc = flt_detach_volume(filter, flt_sim_volume(held->sim), NULL);
	*took = completed - began;
	return rc;
}

static int scenario_here(const struct scenario *sc, struct held *here, u64 *took)
{
	unsigned long drained;
	int rc = 0;

	if (sc->others) {
		rc = attach(other, here);
		rc = rc ?: held_start(here, sc->nr);
	}
	rc = rc ?: attach(filter, here);
	pending = sc->pended;
	if (!rc && !sc->others && !sc->elsewhere)
		rc = held_start(here, sc->nr);
	nr_drained = 0;
	rc = rc ?: measured_detach(here, took);
	drained = sc->others || sc->elsewhere || sc->pended ? 0 : sc->nr;
	return rc ?: bench_check(sc->name, nr_drained, drained);
}

static int scenario_elsewhere(const struct scenario *sc, struct held *here, u64 *took)
{
	struct held there;
	int rc, end;

	rc = held_create(&there, "there", sc->nr);
	if (rc)
		return rc;
	rc = attach(filter, &there);
	pending = false;
	rc = rc ?: held_start(&there, sc->nr);
	rc = rc ?: scenario_here(sc, here, took);
	end = held_end(&there);
	return rc ?: end;
}

static int scenario_once(const struct scenario *sc, u64 *took)
{
	struct held here;
	int rc, end;

	rc = held_create(&here, "here", sc->nr);
	if (rc)
		return rc;
	rc = sc->elsewhere ? scenario_elsewhere(sc, &here, took) : scenario_here(sc, &here, took);
	end = held_end(&here);
	return rc ?: end;
}

static int scenario_run(const struct scenario *sc)
{
	unsigned int rounds = sc->nr > A_LOT ? FEW_ROUNDS : ROUNDS;
	u64 took, best = U64_MAX;
	int rc = 0;

	while (!rc && rounds--) {
		rc = scenario_once(sc, &took);
		best = min(best, took);
	}
	if (!rc)
		bench_result(sc->name, sc->nr, best * 10);
	return rc;
}

static const struct scenario scenarios[] = {
	{ .name = "drain", .nr = 0 },
	{ .name = "drain", .nr = 1 },
	{ .name = "drain", .nr = 1000 },
	{ .name = "drain", .nr = 10000 },
	{ .name = "drain", .nr = 100000 },
	{ .name = "pended", .nr = 1, .pended = true },
	{ .name = "pended", .nr = 100, .pended = true },
	{ .name = "pended", .nr = 1000, .pended = true },
	{ .name = "elsewhere", .nr = 10000, .elsewhere = true },
	{ .name = "others", .nr = 1000, .others = true },
	{ .name = "others", .nr = 10000, .others = true },
};

static int teardown_filters(void)
{
	unsigned int i;
	int rc;

	rc = flt_start_filtering(filter);
	rc = rc ?: flt_start_filtering(other);
	for (i = 0; !rc && i < ARRAY_SIZE(scenarios); i++)
		rc = scenario_run(&scenarios[i]);
	return rc;
}

int bench_teardown(void)
{
	int rc;

	rc = flt_register_filter(THIS_MODULE, &measured_registration, &filter);
	if (rc)
		return rc;
	rc = flt_register_filter(THIS_MODULE, &other_registration, &other);
	if (!rc) {
		rc = teardown_filters();
		flt_unregister_filter(other);
	}
	flt_unregister_filter(filter);
	return rc;
}
