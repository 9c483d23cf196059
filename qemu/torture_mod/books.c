// SPDX-License-Identifier: GPL-2.0-only
/*
 * The books of the torture, and the equations that they have to satisfy. Counts
 * are per CPU and without order, so that counting hides no race.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "torture.h"

static const char * const torture_filter_names[T_NR] = {
	"pre", "not_wanted", "wanted", "completed", "cancelled", "pended", "early", "by_work",
	"by_timer", "by_deferred", "by_queue", "by_routine", "by_cancel", "synchronized", "post",
	"drained", "post_pended", "post_resumed", "safe", "safe_run", "spoilt", "visits",
	"visits_gone", "contexts", "contexts_gone", "own", "own_ended", "setup", "started", "torn",
	"status_wanted", "status_told", "refused",
};

static const char * const torture_volume_names[V_NR] = {
	"issued", "ended", "failed", "top_pre", "top_post", "top_drained", "top_failed",
	"bottom_pre", "bottom_post", "bottom_drained", "bottom_failed",
	"below_failed", "completed",
	"completed_failed", "spoilt", "own", "device", "device_failed", "verified",
};

static u64 __percpu *torture_counts[TORTURE_FILTERS];
static atomic_t torture_wrongs;

void torture_count(unsigned int filter, enum torture_count what)
{
	this_cpu_inc(torture_counts[filter][what]);
}
EXPORT_SYMBOL_GPL(torture_count);

void torture_add(struct torture_volume *vol, enum torture_volume_count what, u64 n)
{
	this_cpu_add(vol->counts[what], n);
}
EXPORT_SYMBOL_GPL(torture_add);

static u64 torture_sum(u64 __percpu *counts, unsigned int what)
{
	u64 sum = 0;
	int cpu;

	/* Equations are looked at when nobody counts; they are shown at any time. */
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(counts, cpu)[what]);
	return sum;
}

/* Something that the model does not allow. The first ones are told. */
void torture_wrong(const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	if (atomic_inc_return(&torture_wrongs) > 50)
		return;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_err("torture: wrong: %pV (seed %lu)\n", &vaf, torture_seed);
	va_end(args);
}
EXPORT_SYMBOL_GPL(torture_wrong);

unsigned int torture_nr_wrong(void)
{
	return atomic_read(&torture_wrongs);
}

static void torture_equal(const char *who, const char *equation, u64 left, u64 right)
{
	if (left != right)
		torture_wrong("%s: %s: %llu is not %llu", who, equation, left, right);
}

/* Everything of a filter's that began has ended: it is unregistered. */
void torture_check_filter(unsigned int filter)
{
	char name[] = "torture0";
	u64 n[T_NR];
	int i;

	name[7] += filter + 1;
	for (i = 0; i < T_NR; i++)
		n[i] = torture_sum(torture_counts[filter], i);
	torture_equal(name, "pre = not_wanted + wanted + completed", n[T_PRE],
		      n[T_NOT_WANTED] + n[T_WANTED] + n[T_COMPLETED]);
	torture_equal(name, "wanted = post + drained", n[T_WANTED], n[T_POST] + n[T_DRAINED]);
	torture_equal(name, "pended = the sum of who went on", n[T_PENDED],
		      n[T_EARLY] + n[T_BY_WORK] + n[T_BY_TIMER] + n[T_BY_DEFERRED] +
		      n[T_BY_QUEUE] + n[T_BY_ROUTINE] + n[T_BY_CANCEL]);
	torture_equal(name, "post_pended = post_resumed", n[T_POST_PENDED], n[T_POST_RESUMED]);
	torture_equal(name, "safe = safe_run", n[T_SAFE], n[T_SAFE_RUN]);
	torture_equal(name, "visits = visits_gone", n[T_VISITS], n[T_VISITS_GONE]);
	torture_equal(name, "contexts = contexts_gone", n[T_CONTEXTS], n[T_CONTEXTS_GONE]);
	torture_equal(name, "own = own_ended", n[T_OWN], n[T_OWN_ENDED]);
	torture_equal(name, "setup = started", n[T_SETUP], n[T_STARTED]);
	torture_equal(name, "started = torn", n[T_STARTED], n[T_TORN]);
	if (n[T_STATUS_TOLD] > n[T_STATUS_WANTED])
		torture_wrong("%s: told of more statuses than wanted", name);
}
EXPORT_SYMBOL_GPL(torture_check_filter);

/* Nothing is on its way on a volume. */
void torture_check_volume(struct torture_volume *vol)
{
	const char *name = vol->name;
	u64 n[V_NR];
	int i;

	for (i = 0; i < V_NR; i++)
		n[i] = torture_sum(vol->counts, i);
	torture_equal(name, "top_pre = top_post + top_drained", n[V_TOP_PRE],
		      n[V_TOP_POST] + n[V_TOP_DRAINED]);
	torture_equal(name, "bottom_pre = bottom_post + bottom_drained", n[V_BOTTOM_PRE],
		      n[V_BOTTOM_POST] + n[V_BOTTOM_DRAINED]);
	if (!vol->ours)
		return;
	torture_equal(name, "issued = ended", n[V_ISSUED], n[V_ENDED]);
	if (!vol->counted)
		return;
	torture_equal(name, "top_drained = 0", n[V_TOP_DRAINED] + n[V_BOTTOM_DRAINED], 0);
	torture_equal(name, "issued = top_pre", n[V_ISSUED], n[V_TOP_PRE]);
	torture_equal(name, "failed = top_failed", n[V_FAILED], n[V_TOP_FAILED]);
	torture_equal(name, "failed = below_failed + completed_failed + spoilt", n[V_FAILED],
		      n[V_BELOW_FAILED] + n[V_COMPLETED_FAILED] + n[V_SPOILT]);
	torture_equal(name, "bottom_pre = top_pre + own - completed", n[V_BOTTOM_PRE],
		      n[V_TOP_PRE] + n[V_OWN] - n[V_COMPLETED]);
	if (vol->device)
		torture_equal(name, "device = bottom_pre", n[V_DEVICE],
			      n[V_BOTTOM_PRE]);
	torture_equal(name, "device_failed = bottom_failed", n[V_DEVICE_FAILED],
		      n[V_BOTTOM_FAILED]);
}

static void torture_show_counts(struct seq_file *m, const char *who, u64 __percpu *counts,
				const char * const *names, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		seq_printf(m, "%s.%s %llu\n", who, names[i], torture_sum(counts, i));
}

void torture_books_show(struct seq_file *m)
{
	char name[] = "torture0";
	unsigned int i;

	for (i = 0; i < TORTURE_VOLUMES; i++)
		torture_show_counts(m, torture_volumes[i].name, torture_volumes[i].counts,
				    torture_volume_names, V_NR);
	for (i = 0; i < TORTURE_FILTERS; i++) {
		name[7] = '1' + i;
		torture_show_counts(m, name, torture_counts[i], torture_filter_names, T_NR);
	}
}

/* The place that an operation is for: only who has it may look. NULL: none of ours. */
struct torture_place *torture_place_of(struct torture_volume *vol,
				       const struct flt_callback_data *data)
{
	u64 index = data->iopb->parameters.read.byte_offset / TORTURE_BLOCK;

	if (!vol->ours || data->flags & FLTFL_CALLBACK_DATA_GENERATED_IO ||
	    index >= TORTURE_PLACES)
		return NULL;
	return &vol->places[index];
}
EXPORT_SYMBOL_GPL(torture_place_of);

/* What a block has in it: of the volume, the block and how often it was written. */
void torture_pattern(u64 *buf, const struct torture_volume *vol, unsigned int place,
		     u32 version)
{
	u64 state = torture_mix(vol->number * TORTURE_PLACES + place, version);
	unsigned int i;

	for (i = 0; i < TORTURE_BLOCK / sizeof(*buf); i++)
		buf[i] = version ? torture_next(&state) : 0;
}
EXPORT_SYMBOL_GPL(torture_pattern);

void torture_issue_init(struct torture_issue *issue, struct torture_volume *vol,
			unsigned int thread)
{
	/* Started once more it goes on. */
	if (issue->vol)
		return;
	issue->vol = vol;
	issue->thread = thread;
	issue->rnd = torture_mix(torture_seed, vol->number * TORTURE_ISSUERS + thread + 1);
}

/* The next operation of an issuer is there. NULL: it has one there already. */
struct torture_place *torture_place_take(struct torture_issue *issue, unsigned int index, u8 major)
{
	struct torture_place *place = &issue->vol->places[index];

	if (place->op)
		return NULL;
	place->op = ++issue->op * TORTURE_ISSUERS + issue->thread;
	place->began = ktime_get_ns();
	place->major = major;
	place->expect = 0;
	place->tops = 0;
	place->tops_up = 0;
	place->bottoms = 0;
	place->written = false;
	place->down = U64_MAX;
	place->up = 0;
	return place;
}

/* Any of the issuer's places, who has every n-th; or, for flushes, the first. */
struct torture_place *torture_place_get(struct torture_issue *issue, u8 major,
					unsigned int *index)
{
	unsigned int n = torture_pick(&issue->rnd, TORTURE_PLACES / TORTURE_ISSUERS - 1) + 1;

	*index = n * TORTURE_ISSUERS + issue->thread;
	if (major == IRP_MJ_FLUSH_BUFFERS) {
		if (issue->thread)
			return NULL;
		*index = 0;
	}
	return torture_place_take(issue, *index, major);
}

/* It has ended: as the model says? */
void torture_place_end(struct torture_issue *issue, struct torture_place *place, int status)
{
	struct torture_volume *vol = issue->vol;
	unsigned int n = place - vol->places;

	torture_inc(vol, V_ENDED);
	if (status < 0)
		torture_inc(vol, V_FAILED);
	if (vol->counted) {
		if (status != place->expect)
			torture_wrong("%s: block %u operation %llu major %#x ended with %d, not %d",
				      vol->name, n, place->op, place->major, status,
				      place->expect);
		if (place->tops != 1 || place->tops_up != 1)
			torture_wrong("%s: block %u operation %llu was seen %u times down, %u up",
				      vol->name, n, place->op, place->tops, place->tops_up);
		if (place->bottoms > 1)
			torture_wrong("%s: block %u operation %llu got to the device %u times",
				      vol->name, n, place->op, place->bottoms);
	}
	place->op = 0;
}

int torture_books_init(void)
{
	struct torture_volume *vol;
	unsigned int i;

	for (i = 0; i < TORTURE_FILTERS; i++) {
		torture_counts[i] = __alloc_percpu(T_NR * sizeof(u64), sizeof(u64));
		if (!torture_counts[i])
			goto fail;
	}
	for (i = 0; i < TORTURE_VOLUMES; i++) {
		vol = &torture_volumes[i];
		vol->number = i;
		vol->counts = __alloc_percpu(V_NR * sizeof(u64), sizeof(u64));
		if (!vol->counts)
			goto fail;
		vol->places = kcalloc(TORTURE_PLACES, sizeof(*vol->places), GFP_KERNEL);
		if (!vol->places)
			goto fail;
	}
	return 0;

fail:
	torture_books_exit();
	return -ENOMEM;
}

void torture_books_exit(void)
{
	unsigned int i;

	for (i = 0; i < TORTURE_VOLUMES; i++) {
		free_percpu(torture_volumes[i].counts);
		kfree(torture_volumes[i].places);
	}
	for (i = 0; i < TORTURE_FILTERS; i++)
		free_percpu(torture_counts[i]);
}
