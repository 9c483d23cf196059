// SPDX-License-Identifier: GPL-2.0-only
/*
 * An operation past filters that do nothing. The volume is a provider of the
 * module's own whose device completes at once: what is counted is
 * flt_operation_init(), flt_dispatch(), flt_complete() and the callbacks.
 */
#include <linux/err.h>
#include <linux/module.h>

#include "bench.h"

static struct flt_volume *volume;
static struct flt_operation operation;
static unsigned long nr_ended;

/* The provider */

static void bench_end(struct flt_operation *op)
{
	nr_ended++;
}

static void bench_device(struct flt_operation *op)
{
	if (flt_complete(op, 0, BENCH_LENGTH) == FLT_DONE)
		bench_end(op);
}

static void bench_submit(struct flt_operation *op, unsigned int flags)
{
	bench_device(op);
}

static const struct flt_volume_ops bench_volume_ops = {
	.type = "bench",
	.owner = THIS_MODULE,
	.submit = bench_submit,
	.complete = bench_end,
};

struct flt_volume *bench_volume(const char *name)
{
	struct flt_volume *new = flt_volume_create(name, &bench_volume_ops, NULL);

	if (!IS_ERR(new))
		flt_volume_offer(new);
	return new;
}

void bench_volume_end(struct flt_volume *old)
{
	flt_volume_dismount(old);
	flt_volume_put(old);
}

/* As a provider does it: an operation that nobody wants is none of the manager's. */
static __always_inline void bench_issue(struct flt_volume *on, struct flt_operation *op,
					enum flt_class class)
{
	if (!flt_volume_filtered(on, class)) {
		bench_end(op);
		return;
	}
	flt_operation_init(op, on, class, 0, 0, BENCH_LENGTH, NULL);
	if (flt_dispatch(op) == FLT_SUBMIT)
		bench_device(op);
}

void bench_operation(struct flt_volume *on, struct flt_operation *op, enum flt_class class)
{
	bench_issue(on, op, class);
}

/* The filter: each class of operation has what one of the rows is about. */

static int bench_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	bench_calls++;
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static int bench_pre_only(struct flt_callback_data *data, const struct flt_related_objects *objs,
			  void **context)
{
	bench_calls++;
	return FLT_PREOP_SUCCESS_NO_CALLBACK;
}

static int bench_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void *context, u32 flags)
{
	bench_calls++;
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static const struct flt_operation_registration bench_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = bench_pre, .post_operation = bench_post },
	{ .major_function = IRP_MJ_WRITE, .pre_operation = bench_pre_only },
	{ .major_function = FLT_MJ_DISCARD, .post_operation = bench_post },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition bench_instances[] = {
	{
		.name = "bench",
		.altitude = "370000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_registration bench_registration = {
	.size = sizeof(bench_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "bench",
	.instances = bench_instances,
	.operation_registration = bench_operations,
	.filter_unload_callback = bench_refuse,
};

static void run_both(void)
{
	bench_issue(volume, &operation, FLT_CLASS_READ);
}

static void run_pre(void)
{
	bench_issue(volume, &operation, FLT_CLASS_WRITE);
}

static void run_post(void)
{
	bench_issue(volume, &operation, FLT_CLASS_DISCARD);
}

static void run_unregistered(void)
{
	bench_issue(volume, &operation, FLT_CLASS_FLUSH);
}

static const struct bench_row {
	const char *name;
	void (*run)(void);
	unsigned int calls;	/* of one filter, for one operation */
} rows[] = {
	{ "dispatch", run_both, 2 },
	{ "pre", run_pre, 1 },
	{ "post", run_post, 1 },
	{ "unregistered", run_unregistered, 0 },
};

static int bench_row(const struct bench_row *row, unsigned int n)
{
	const u64 operations = BENCH_BATCH * BENCH_BATCHES;
	int rc;

	bench_calls = 0;
	nr_ended = 0;
	bench_measure(row->name, n, row->run);
	rc = bench_check(row->name, bench_calls, operations * n * row->calls);
	return rc ?: bench_check("ended", nr_ended, operations);
}

static int bench_attach(struct flt_filter *filter, unsigned int n)
{
	char name[16], altitude[16];

	snprintf(name, sizeof(name), "bench%u", n);
	snprintf(altitude, sizeof(altitude), "%u", 370000 + n);
	return flt_attach_volume_at_altitude(filter, volume, altitude, name, NULL);
}

static int bench_filters(struct flt_filter *filter)
{
	unsigned int i, r, n = 0;
	int rc = 0;

	for (i = 0; !rc && i < BENCH_COUNTS; i++) {
		while (!rc && n < bench_counts[i])
			rc = bench_attach(filter, n++);
		for (r = 0; !rc && r < ARRAY_SIZE(rows); r++)
			rc = bench_row(&rows[r], n);
	}
	return rc;
}

int bench_dispatch(void)
{
	struct flt_filter *filter;
	int rc;

	volume = bench_volume("bench");
	if (IS_ERR(volume))
		return PTR_ERR(volume);
	rc = flt_register_filter(THIS_MODULE, &bench_registration, &filter);
	if (!rc) {
		rc = flt_start_filtering(filter);
		if (!rc)
			rc = bench_filters(filter);
		flt_unregister_filter(filter);
	}
	bench_volume_end(volume);
	return rc;
}
