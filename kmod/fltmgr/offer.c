// SPDX-License-Identifier: GPL-2.0-only
/*
 * How filters and volumes meet: each volume is offered to each filter once, by the
 * later of the two, the filter that starts or the volume that has come. Both are
 * numbered. If each did it, an instance that was detached meanwhile would be
 * attached again, and a filter that refuses would be asked twice.
 */
#include "internal.h"

static u64 flt_comings;			/* T */

/* A filter that has started, a volume that is complete: once. */
u64 flt_offer_number(void)
{
	lockdep_assert_held(&flt_topology_lock);
	return ++flt_comings;
}

/* The volume listed next after @seq that came before @filter, with a reference, or NULL. */
static struct flt_volume *flt_next_volume(const struct flt_filter *filter, u64 seq)
{
	struct flt_volume *volume, *found = NULL;

	mutex_lock(&flt_topology_lock);
	list_for_each_entry(volume, &flt_volumes, link) {
		if (volume->seq > seq && volume->came && volume->came < filter->started &&
		    !flt_reference(volume)) {
			found = volume;
			break;
		}
	}
	mutex_unlock(&flt_topology_lock);
	return found;
}

/* To a filter that has started, all volumes that were there. STA-01 */
void flt_offer_volumes(struct flt_filter *filter)
{
	struct flt_volume *volume;
	u64 seq = 0;

	while ((volume = flt_next_volume(filter, seq))) {
		seq = volume->seq;
		flt_attach_automatic(filter, volume, 0);
		flt_dereference(volume);
	}
}

/*
 * The filter behind @pos (NULL: the first) that had started when @volume came, with
 * a reference; the one to @pos is dropped, which has kept it on the list.
 */
static struct flt_filter *flt_next_filter(struct flt_filter *pos, const struct flt_volume *volume)
{
	struct flt_filter *filter, *found = NULL;

	mutex_lock(&flt_topology_lock);
	filter = pos ? pos : list_entry(&flt_filters, struct flt_filter, link);
	list_for_each_entry_continue(filter, &flt_filters, link) {
		if (!filter->started || filter->started > volume->came || flt_reference(filter))
			continue;
		found = filter;
		break;
	}
	mutex_unlock(&flt_topology_lock);
	if (pos)
		flt_dereference(pos);
	return found;
}

/* Of a volume, to all filters that had started, highest default altitude first. VOL-04 */
static void flt_offer_work(struct work_struct *work)
{
	struct flt_volume *volume = container_of(work, struct flt_volume, offer_work);
	struct flt_filter *filter = NULL;

	flt_race_point("volume_offered", volume);
	while ((filter = flt_next_filter(filter, volume)))
		flt_attach_automatic(filter, volume, FLTFL_INSTANCE_SETUP_NEWLY_MOUNTED_VOLUME);
}

void flt_offer_init(struct flt_volume *volume)
{
	INIT_WORK(&volume->offer_work, flt_offer_work);
}

/**
 * flt_volume_offer() - offer a volume to the filters
 * @volume: the volume
 *
 * To those that had started when it was created; one that starts later is offered
 * it then, by itself. A second call does nothing. Setup callbacks run from a work
 * item of the manager's, not from here. VOL-05
 *
 * Context: ATOMIC.
 */
void flt_volume_offer(struct flt_volume *volume)
{
	if (!xchg(&volume->offered, true))
		queue_work(flt_manager_wq, &volume->offer_work);
}
EXPORT_SYMBOL_GPL(flt_volume_offer);
