// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is not the driver's to keep a record in: found by its address.
 *
 * Looked up in an RCU section, in which it cannot become something else at the
 * same address, and then claimed: wdm_record_claim() says whether it is still there.
 */
#include <linux/hashtable.h>
#include <linux/rculist.h>

#include "internal.h"

static DEFINE_HASHTABLE(wdm_extents, 6);
static DEFINE_SPINLOCK(wdm_extents_lock);

/* To be found from now on. PASSIVE, as the rest. */
void wdm_extent_add(struct wdm_extent *extent)
{
	spin_lock(&wdm_extents_lock);
	hash_add_rcu(wdm_extents, &extent->node, (unsigned long)extent->start);
	spin_unlock(&wdm_extents_lock);
}

/* Its memory is to be freed after a grace period. */
void wdm_extent_remove(struct wdm_extent *extent)
{
	spin_lock(&wdm_extents_lock);
	hash_del_rcu(&extent->node);
	spin_unlock(&wdm_extents_lock);
}

/* The one of that kind that begins there, or NULL. In an RCU section */
struct wdm_extent *wdm_extent_find(const void *start, const struct wdm_kind *kind)
{
	struct wdm_extent *extent;

	hash_for_each_possible_rcu(wdm_extents, extent, node, (unsigned long)start)
		if (extent->start == start && extent->kind == kind)
			return extent;
	return NULL;
}

/* For wdm_depends_on(), by who keeps it: not by who releases it. */
struct wdm_record *wdm_extent_record(const void *start, const struct wdm_kind *kind)
{
	struct wdm_extent *extent;

	rcu_read_lock();
	extent = wdm_extent_find(start, kind);
	rcu_read_unlock();
	return extent ? &extent->record : NULL;
}
