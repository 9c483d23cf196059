// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookaside lists: free blocks of one size, the last one freed first.
 *
 * Of its own and not a kmem_cache: those are merged, and then nobody misses what
 * is not given back (GLB-32). An entry is a pool block, in the ledger, and needs its
 * list as long as it exists. GLB-34
 */
#include <linux/export.h>
#include <linux/seq_file.h>

#include "internal.h"

static struct wdm_lookaside *wdm_lookaside_of(struct wdm_record *record)
{
	return container_of(record, struct wdm_lookaside, record);
}

/* The last one that was given back, or NULL. */
static struct wdm_block *wdm_lookaside_pop(struct wdm_lookaside *list)
{
	struct wdm_block *block;
	unsigned long flags;

	spin_lock_irqsave(&list->lock, flags);
	block = list_first_entry_or_null(&list->free, struct wdm_block, link);
	if (block) {
		list_del(&block->link);
		list->nr_free--;
	}
	spin_unlock_irqrestore(&list->lock, flags);
	return block;
}

static void wdm_lookaside_mark(struct wdm_record *record)
{
	struct wdm_lookaside *list = wdm_lookaside_of(record);
	unsigned long flags;

	spin_lock_irqsave(&list->lock, flags);
	list->down = true;
	spin_unlock_irqrestore(&list->lock, flags);
}

const struct wdm_kind wdm_lookaside_kind = {
	.name = "lookaside list",
	.rule = "V-GLB-6",
	.stage = WDM_STAGE_RESOURCES,
	.rank = 1,				/* after its entries, which are pool */
	.mark = wdm_lookaside_mark,
};

/**
 * ex_initialize_lookaside_list() - make a lookaside list (ExInitializeLookasideListEx)
 * @owner: for whom
 * @list: its memory
 * @type: of what the entries are
 * @size: of an entry, at least that of two pointers
 * @tag: of the entries, as for ex_allocate_pool_with_tag()
 * @depth: how many free ones it keeps at most
 *
 * GLB-30, GLB-34
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL, and reported (GLB-30), for a size that is too small; -EEXIST,
 * and reported (V-GLB-9), if it is one; -ESHUTDOWN if @owner goes.
 */
int ex_initialize_lookaside_list(struct wdm_owner *owner, struct wdm_lookaside *list,
				 enum wdm_pool_type type, size_t size, u32 tag,
				 unsigned int depth)
{
	int rc;

	if (!owner || !list || type > PagedPool)
		return -EINVAL;
	if (size < sizeof(struct list_head)) {
		wdm_violation("GLB-30", owner->driver, "lookaside list of %zu bytes each", size);
		return -EINVAL;
	}
	rc = wdm_record_new(&list->record, owner, &wdm_lookaside_kind);
	if (rc)
		return rc;
	spin_lock_init(&list->lock);
	INIT_LIST_HEAD(&list->free);
	list->type = type;
	list->size = size;
	list->tag = tag;
	list->nr_free = 0;
	list->max_free = depth;
	list->outstanding = 0;
	list->allocs = 0;
	list->hits = 0;
	list->down = false;
	return wdm_record_add(&list->record, owner, &wdm_lookaside_kind, NULL, NULL);
}
EXPORT_SYMBOL_GPL(ex_initialize_lookaside_list);

/**
 * ex_delete_lookaside_list() - give a lookaside list up: its memory may go
 *	(ExDeleteLookasideListEx)
 * @list: a list whose entries are all back
 *
 * Its free entries are freed, also when it stays because some are out: one of those
 * is named, with who has allocated it. GLB-30, GLB-34
 *
 * Context: DISPATCH.
 * Return: 0; -EBUSY, and reported (V-GLB-6), if entries are out; -EINVAL, and
 * reported (V-GLB-9), if it is none; -EALREADY if the unload does it.
 */
int ex_delete_lookaside_list(struct wdm_lookaside *list)
{
	struct wdm_block *block;

	if (!list || !wdm_record_valid(&list->record, &wdm_lookaside_kind))
		return -EINVAL;
	while ((block = wdm_lookaside_pop(list)))
		wdm_pool_free(block);
	return wdm_release(&list->record, &wdm_lookaside_kind);
}
EXPORT_SYMBOL_GPL(ex_delete_lookaside_list);

static void wdm_lookaside_count(struct wdm_lookaside *list, struct wdm_block *block, bool hit)
{
	unsigned long flags;

	spin_lock_irqsave(&list->lock, flags);
	block->out = true;
	list->outstanding++;
	list->allocs++;
	list->hits += hit;
	spin_unlock_irqrestore(&list->lock, flags);
}

/**
 * ex_allocate_from_lookaside_list() - get an entry (ExAllocateFromLookasideListEx)
 * @list: the list
 *
 * The one that was given back last, or a new one. Its contents are not zeroed.
 *
 * Context: ATOMIC; PASSIVE for %PagedPool.
 * Return: the entry; NULL if there is no memory, or the list goes.
 */
void *ex_allocate_from_lookaside_list(struct wdm_lookaside *list)
{
	struct wdm_block *block, *kept;

	if (READ_ONCE(list->down))
		return NULL;
	kept = wdm_lookaside_pop(list);
	block = kept ?: wdm_pool_alloc(list->record.owner, list->type, list->size, list->tag, list,
				       _RET_IP_);
	if (!block)
		return NULL;
	wdm_lookaside_count(list, block, kept);
	return block->start;
}
EXPORT_SYMBOL_GPL(ex_allocate_from_lookaside_list);

/* Back in the list: 0; or out of it, and to be freed: 1; or it was not out. */
static int wdm_lookaside_put(struct wdm_lookaside *list, struct wdm_block *block)
{
	unsigned long flags;
	int rc = -EINVAL;

	spin_lock_irqsave(&list->lock, flags);
	if (block->out) {
		block->out = false;
		list->outstanding--;
		rc = list->down || list->nr_free >= list->max_free;
		if (!rc) {
			list_add(&block->link, &list->free);
			list->nr_free++;
		}
	}
	spin_unlock_irqrestore(&list->lock, flags);
	return rc;
}

/**
 * ex_free_to_lookaside_list() - give an entry back (ExFreeToLookasideListEx)
 * @list: the list
 * @entry: what was allocated from it
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL, and reported (V-GLB-4), if it is not of this list, or is back.
 */
int ex_free_to_lookaside_list(struct wdm_lookaside *list, void *entry)
{
	struct wdm_block *block;
	int rc = -EINVAL;

	rcu_read_lock();
	block = wdm_pool_find(entry);
	if (block && block->list == list)
		rc = wdm_lookaside_put(list, block);
	if (rc > 0)
		rc = wdm_pool_free(block);
	else if (rc < 0)
		wdm_record_report("V-GLB-4", &list->record,
				  "is given an entry that is not out of it");
	rcu_read_unlock();
	return rc;
}
EXPORT_SYMBOL_GPL(ex_free_to_lookaside_list);

/* The rest of its line in debugfs. L */
void wdm_lookaside_show(struct seq_file *m, const struct wdm_record *record)
{
	struct wdm_lookaside *list = container_of(record, struct wdm_lookaside, record);
	char tag[5];

	wdm_tag_text(list->tag, tag);
	spin_lock(&list->lock);
	seq_printf(m, "'%s' %s %zu %u %u %u %llu %llu\n", tag,
		   list->type == PagedPool ? "Paged" : "Nonp", list->size, list->max_free,
		   list->nr_free, list->outstanding, list->allocs, list->hits);
	spin_unlock(&list->lock);
}
