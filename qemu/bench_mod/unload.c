// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long it takes to unregister a filter that is attached to many volumes.
 */
#include <linux/err.h>
#include <linux/flt_sim.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bench.h"

#define ROUNDS	5

static const unsigned int sizes[] = { 1, 100, 1000 };
static struct flt_sim *sims[1000];
static unsigned long nr_completed;

static int everywhere_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
			  void **context)
{
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static void everywhere_complete(const struct flt_related_objects *objs, u32 reason)
{
	nr_completed++;
}

static const struct flt_operation_registration everywhere_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = everywhere_pre },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition everywhere_instances[] = {
	{
		.name = "everywhere",
		.altitude = "370000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_registration everywhere_registration = {
	.size = sizeof(everywhere_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "everywhere",
	.instances = everywhere_instances,
	.operation_registration = everywhere_operations,
	.filter_unload_callback = bench_refuse,
	.instance_teardown_complete_callback = everywhere_complete,
};

static int attach_everywhere(struct flt_filter *filter, unsigned int n)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < n; i++)
		rc = flt_attach_volume(filter, flt_sim_volume(sims[i]), NULL, NULL);
	return rc;
}

static int unload_once(unsigned int n, u64 *took)
{
	struct flt_filter *filter;
	u64 began;
	int rc;

	rc = flt_register_filter(THIS_MODULE, &everywhere_registration, &filter);
	if (rc)
		return rc;
	rc = flt_start_filtering(filter);
	rc = rc ?: attach_everywhere(filter, n);
	nr_completed = 0;
	/* What was left to be done later is done now. */
	rcu_barrier();
	schedule_timeout_idle(HZ / 20);
	began = bench_now();
	flt_unregister_filter(filter);
	*took = bench_now() - began;
	return rc ?: bench_check("unload", nr_completed, n);
}

static int unload_rounds(unsigned int n)
{
	u64 took, best = U64_MAX;
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < ROUNDS; i++) {
		rc = unload_once(n, &took);
		best = min(best, took);
	}
	if (!rc)
		bench_result("unload", n, best * 10);
	return rc;
}

static int volumes_create(unsigned int *nr)
{
	char name[16];

	for (*nr = 0; *nr < ARRAY_SIZE(sims); ++*nr) {
		struct flt_sim *sim;

		snprintf(name, sizeof(name), "volume%u", *nr);
		sim = flt_sim_create(name);
		if (IS_ERR(sim))
			return PTR_ERR(sim);
		sims[*nr] = sim;
	}
	return 0;
}

int bench_unload(void)
{
	unsigned int i, nr;
	int rc;

	rc = volumes_create(&nr);
	for (i = 0; !rc && i < ARRAY_SIZE(sizes); i++)
		rc = unload_rounds(sizes[i]);
	while (nr--)
		flt_sim_destroy(sims[nr]);
	return rc;
}
