// SPDX-License-Identifier: GPL-2.0-only
/*
 * A volume whose device completes at once and does nothing, and a filter that
 * counts, attached as often as is asked for. Its counts are each CPU's own: what
 * is shared is to be the manager's, or planted.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "probe.h"

#define LENGTH		4096

struct flt_volume *probe_volume;
enum probe_plant probe_plant;

static struct flt_filter *filter;
static struct flt_instance *instances[PROBE_MOST_FILTERS];
static unsigned int nr_instances;

struct probe_counts {
	unsigned long pre, post, ended;
};

static struct probe_counts __percpu *counts;

/* What probe_plant is about: one line. */
struct probe_planted {
	unsigned long counter;
	unsigned long written[2];
} ____cacheline_aligned;

static struct probe_planted probe_planted;

/* The provider */

static void probe_end(struct flt_operation *op)
{
	this_cpu_inc(counts->ended);
}

static void probe_device(struct flt_operation *op, unsigned int flags)
{
	probe_complete(op);
}

static const struct flt_volume_ops probe_volume_ops = {
	.type = "probe",
	.owner = THIS_MODULE,
	.submit = probe_device,
	.complete = probe_end,
};

void probe_complete(struct flt_operation *op)
{
	if (flt_complete(op, 0, LENGTH) == FLT_DONE)
		probe_end(op);
}

void probe_submit(struct flt_operation *op)
{
	flt_operation_init(op, probe_volume, FLT_CLASS_READ, 0, 0, LENGTH, NULL);
	WARN_ON_ONCE(flt_dispatch(op) != FLT_SUBMIT);
}

void probe_operation(struct flt_operation *op)
{
	if (!flt_volume_filtered(probe_volume, FLT_CLASS_READ)) {
		probe_end(op);
		return;
	}
	probe_submit(op);
	probe_complete(op);
}

/* The filter */

static noinline void probe_make_mistake(void)
{
	int cpu = raw_smp_processor_id();

	if (probe_plant == PROBE_PLANT_COUNTER)
		WRITE_ONCE(probe_planted.counter, READ_ONCE(probe_planted.counter) + 1);
	else if (!cpu)
		WRITE_ONCE(probe_planted.written[0], 1);
	else
		READ_ONCE(probe_planted.written[1]);
}

static int probe_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		     void **context)
{
	if (unlikely(probe_plant))
		probe_make_mistake();
	this_cpu_inc(counts->pre);
	return FLT_PREOP_SUCCESS_WITH_CALLBACK;
}

static int probe_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
		      void *context, u32 flags)
{
	if (unlikely(probe_plant))
		probe_make_mistake();
	this_cpu_inc(counts->post);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int probe_setup(const struct flt_related_objects *objs, u32 flags, const char *type)
{
	if (nr_instances < PROBE_MOST_FILTERS)
		instances[nr_instances++] = objs->instance;
	return 0;
}

static int probe_unload(struct flt_filter *filter, u32 flags)
{
	return STATUS_FLT_DO_NOT_DETACH;
}

static const struct flt_operation_registration probe_operations[] = {
	{ .major_function = IRP_MJ_READ, .pre_operation = probe_pre, .post_operation = probe_post },
	{ .major_function = IRP_MJ_OPERATION_END }
};

static const struct flt_instance_definition probe_instances[] = {
	{
		.name = "probe",
		.altitude = "370000",
		.flags = FLT_INSTANCE_SUPPRESS_AUTOMATIC_ATTACHMENT,
	},
	{}
};

static const struct flt_registration probe_registration = {
	.size = sizeof(probe_registration),
	.version = FLT_REGISTRATION_VERSION,
	.name = "probe",
	.instances = probe_instances,
	.operation_registration = probe_operations,
	.filter_unload_callback = probe_unload,
	.instance_setup_callback = probe_setup,
};

/* Have as many instances as @nr; they only get more. */
int probe_attach(unsigned int nr)
{
	char name[16], altitude[16];
	int rc = 0;

	while (!rc && nr_instances < nr) {
		snprintf(name, sizeof(name), "probe%u", nr_instances);
		snprintf(altitude, sizeof(altitude), "%u", 370000 + nr_instances);
		rc = flt_attach_volume_at_altitude(filter, probe_volume, altitude, name, NULL);
	}
	return rc;
}

void probe_count_reset(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(counts, cpu), 0, sizeof(struct probe_counts));
}

/* Every filter was called each time, and every operation ended, or a trace means nothing. */
int probe_count_check(unsigned long operations, unsigned int filters)
{
	unsigned long pre = 0, post = 0, ended = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		pre += per_cpu_ptr(counts, cpu)->pre;
		post += per_cpu_ptr(counts, cpu)->post;
		ended += per_cpu_ptr(counts, cpu)->ended;
	}
	if (pre == operations * filters && post == pre && ended == operations)
		return 0;
	pr_err("flt_probe: %u filters, %lu operations: %lu ended, %lu pre, %lu post\n",
	       filters, operations, ended, pre, post);
	return -EIO;
}

static int probe_object(char *buf, int len, const char *type, unsigned int nr, const void *object)
{
	if (!object || !virt_addr_valid(object))
		return 0;
	return sysfs_emit_at(buf, len, "object %s %u %lx %zu\n", type, nr,
			     (unsigned long)object, ksize(object));
}

/* For naming an address: where things are. */
int probe_provider_layout(char *buf, int len)
{
	unsigned int i;

	len += probe_object(buf, len, "flt_volume", 0, probe_volume);
	len += probe_object(buf, len, "flt_filter", 0, filter);
	for (i = 0; i < nr_instances; i++)
		len += probe_object(buf, len, "flt_instance", i, instances[i]);
	return len;
}

int probe_provider_init(void)
{
	int rc;

	counts = __alloc_percpu(sizeof(struct probe_counts), SMP_CACHE_BYTES);
	if (!counts)
		return -ENOMEM;
	probe_volume = flt_volume_create("probe", &probe_volume_ops, NULL);
	if (IS_ERR(probe_volume)) {
		rc = PTR_ERR(probe_volume);
		goto free;
	}
	flt_volume_offer(probe_volume);
	rc = flt_register_filter(THIS_MODULE, &probe_registration, &filter);
	if (rc)
		goto put;
	rc = flt_start_filtering(filter);
	if (rc)
		goto unregister;
	return 0;

unregister:
	flt_unregister_filter(filter);
put:
	flt_volume_dismount(probe_volume);
	flt_volume_put(probe_volume);
free:
	free_percpu(counts);
	return rc;
}

void probe_provider_exit(void)
{
	flt_unregister_filter(filter);
	flt_volume_dismount(probe_volume);
	flt_volume_put(probe_volume);
	free_percpu(counts);
}
