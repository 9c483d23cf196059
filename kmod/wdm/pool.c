// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool with tags.
 *
 * What is known of a block is not in front of it, but found by its address: so a
 * block of a page begins a page (GLB-20), what is handed in is never believed, and
 * an overrun cannot hit it (GLB-23). A power of two is allocated, of which the
 * kernel says that it is aligned to its size; what is left behind the block is
 * filled, and looked at when it is freed. Those freed last are remembered, to name
 * who frees one again.
 */
#include <kunit/visibility.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "internal.h"

#define WDM_GUARD	16		/* bytes at least behind a block */
#define WDM_GUARD_BYTE	0xa5
#define WDM_POISON_BYTE	0x6b
#define WDM_POOL_MAX	SZ_2M
#define WDM_FREED	64		/* blocks remembered */

struct wdm_pool_tag {
	struct hlist_node node;
	u32 tag;
	enum wdm_pool_type type;
	u64 allocs;
	u64 frees;
	u64 bytes;
	u64 peak;
};

struct wdm_freed {
	const void *start;
	char tag[5];
	char driver[WDM_NAME_MAX];
	unsigned long caller;
};

static DEFINE_SPINLOCK(wdm_pool_lock);		/* all of these; irq-safe */
static DEFINE_HASHTABLE(wdm_blocks, 10);
static DEFINE_HASHTABLE(wdm_tags, 6);
static struct wdm_freed wdm_freed[WDM_FREED];
static unsigned int wdm_freed_next;

static size_t wdm_pool_room(size_t size)
{
	return roundup_pow_of_two(size + WDM_GUARD);
}

/* As it is shown: the byte that is first in memory comes first. GLB-20 */
void wdm_tag_text(u32 tag, char *text)
{
	int n;

	for (n = 0; n < 4; n++, tag >>= 8)
		text[n] = tag & 0xff ?: ' ';
	text[4] = 0;
}

/* GLB-20: what is wrong with it, or NULL */
static const char *wdm_tag_wrong(u32 tag)
{
	bool letter = false, ended = false;
	char text[5];
	int n;

	if (!tag)
		return "no tag";
	for (n = 0; n < 4; n++) {
		u8 c = tag >> (8 * n);

		if (c ? ended || c < 0x20 || c > 0x7e : !n)
			return "a tag that is not printable";
		ended |= !c;
		letter |= isalnum(c) && c < 0x80;
	}
	wdm_tag_text(tag, text);
	if (!strcmp(text, "BIG "))
		return "the tag BIG";
	return letter ? NULL : "a tag without letter or digit";
}

static struct wdm_pool_tag *wdm_tag_find(u32 tag, enum wdm_pool_type type)
{
	struct wdm_pool_tag *entry;

	lockdep_assert_held(&wdm_pool_lock);
	hash_for_each_possible(wdm_tags, entry, node, tag)
		if (entry->tag == tag && entry->type == type)
			return entry;
	return NULL;
}

/* Made with the first block; never goes. */
static struct wdm_pool_tag *wdm_tag_get(u32 tag, enum wdm_pool_type type)
{
	struct wdm_pool_tag *entry, *made;
	unsigned long flags;

	spin_lock_irqsave(&wdm_pool_lock, flags);
	entry = wdm_tag_find(tag, type);
	spin_unlock_irqrestore(&wdm_pool_lock, flags);
	if (entry)
		return entry;
	made = kzalloc(sizeof(*made), GFP_ATOMIC);
	if (!made)
		return NULL;
	made->tag = tag;
	made->type = type;
	spin_lock_irqsave(&wdm_pool_lock, flags);
	entry = wdm_tag_find(tag, type);
	if (!entry)
		hash_add(wdm_tags, &made->node, tag);
	spin_unlock_irqrestore(&wdm_pool_lock, flags);
	if (entry)
		kfree(made);
	return entry ?: made;
}

/* The block at that address, or NULL; to be looked at in the same RCU section. */
struct wdm_block *wdm_pool_find(const void *start)
{
	struct wdm_block *block, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&wdm_pool_lock, flags);
	hash_for_each_possible(wdm_blocks, block, node, (unsigned long)start)
		if (block->start == start)
			found = block;
	spin_unlock_irqrestore(&wdm_pool_lock, flags);
	return found;
}

static bool wdm_pool_intact(const struct wdm_block *block)
{
	size_t room = wdm_pool_room(block->size);

	return !memchr_inv(block->start + block->size, WDM_GUARD_BYTE, room - block->size);
}

static void wdm_pool_forget(struct wdm_block *block)
{
	struct wdm_freed *freed;
	unsigned long flags;

	spin_lock_irqsave(&wdm_pool_lock, flags);
	hash_del(&block->node);
	block->tag->frees++;
	block->tag->bytes -= block->size;
	freed = &wdm_freed[wdm_freed_next++ % WDM_FREED];
	freed->start = block->start;
	strscpy(freed->tag, block->record.name, sizeof(freed->tag));
	strscpy(freed->driver, block->record.owner->driver->name);
	freed->caller = block->caller;
	spin_unlock_irqrestore(&wdm_pool_lock, flags);
}

/* Before the record goes: the owner is there still. */
static void wdm_pool_drain(struct wdm_record *record)
{
	wdm_pool_forget(container_of(record, struct wdm_block, record));
}

static void wdm_pool_release(struct wdm_record *record)
{
	struct wdm_block *block = container_of(record, struct wdm_block, record);

	memset(block->start, WDM_POISON_BYTE, block->size);
	kfree(block->start);
	/* Somebody who frees it again may be looking at it. */
	kfree_rcu(block, rcu);
}

/* GLB-21, RLS-82 */
static const char *wdm_pool_close(struct wdm_record *record)
{
	struct wdm_block *block = container_of(record, struct wdm_block, record);
	struct wdm_record *inside = wdm_record_within(block->start, block->size);

	if (inside) {
		wdm_record_report_pair("V-GLB-3", record, "is freed, but", inside,
				       "is inside of it");
		return "";
	}
	if (!wdm_pool_intact(block))
		wdm_record_report("V-GLB-4", record, "was written behind its end");
	return NULL;
}

/* What a lookaside list keeps goes with that. */
static bool wdm_pool_leaked(const struct wdm_record *record)
{
	const struct wdm_block *block = container_of(record, struct wdm_block, record);

	return !block->list || block->out;
}

static const struct wdm_kind wdm_pool_kind = {
	.name = "pool block",
	.rule = "V-GLB-6",
	.needs = "V-GLB-6",
	.stage = WDM_STAGE_RESOURCES,
	.anytime = true,
	.leaked = wdm_pool_leaked,
	.close = wdm_pool_close,
	.drain = wdm_pool_drain,
	.release = wdm_pool_release,
};

static struct wdm_block *wdm_block_make(enum wdm_pool_type type, size_t size, u32 tag)
{
	gfp_t gfp = wdm_may_sleep() ? GFP_KERNEL : GFP_ATOMIC;
	struct wdm_block *block = kzalloc(sizeof(*block), gfp);
	size_t room = wdm_pool_room(size);

	if (!block)
		return NULL;
	block->tag = wdm_tag_get(tag, type);
	block->start = block->tag ? kmalloc(room, gfp | __GFP_NOWARN) : NULL;
	if (!block->start) {
		kfree(block);
		return NULL;
	}
	block->size = size;
	memset(block->start + size, WDM_GUARD_BYTE, room - size);
	return block;
}

static void wdm_block_count(struct wdm_block *block)
{
	unsigned long flags;

	spin_lock_irqsave(&wdm_pool_lock, flags);
	hash_add(wdm_blocks, &block->node, (unsigned long)block->start);
	block->tag->allocs++;
	block->tag->bytes += block->size;
	block->tag->peak = max(block->tag->peak, block->tag->bytes);
	spin_unlock_irqrestore(&wdm_pool_lock, flags);
}

static bool wdm_pool_allowed(struct wdm_owner *owner, enum wdm_pool_type type, size_t size,
			     u32 tag)
{
	const char *wrong = wdm_tag_wrong(tag);

	if (type == PagedPool && !wdm_passive(owner->driver, "allocation of paged pool"))
		return false;
	if (!size)
		wrong = "no bytes";
	if (wrong)
		wdm_violation("GLB-20", owner->driver, "pool is allocated with %s", wrong);
	return !wrong && size <= WDM_POOL_MAX && type <= PagedPool;
}

/* For a lookaside list, or for the driver itself. @caller: of the driver's */
struct wdm_block *wdm_pool_alloc(struct wdm_owner *owner, enum wdm_pool_type type, size_t size,
				 u32 tag, struct wdm_lookaside *list, unsigned long caller)
{
	struct wdm_block *block;
	char text[5];
	int rc;

	if (!owner || !wdm_pool_allowed(owner, type, size, tag))
		return NULL;
	block = wdm_block_make(type, size, tag);
	if (!block)
		return NULL;
	block->list = list;
	block->caller = caller;
	wdm_tag_text(tag, text);
	wdm_block_count(block);
	rc = wdm_record_add_brief(&block->record, owner, &wdm_pool_kind, text,
				  list ? &list->record : NULL, caller);
	if (!rc)
		return block;
	block->record.owner = owner;
	wdm_pool_forget(block);
	wdm_pool_release(&block->record);
	/* GLB-26 */
	if (rc == -ESHUTDOWN && owner->driver->unloading)
		wdm_violation("V-GLB-5", owner->driver, "pool '%s' is allocated during the unload",
			      text);
	return NULL;
}

/**
 * ex_allocate_pool_with_tag() - allocate memory (ExAllocatePoolWithTag)
 * @owner: for whom
 * @type: %NonPagedPool or %PagedPool
 * @size: how many bytes; not zeroed
 * @tag: one to four printable characters, the lowest byte first; a letter or digit
 *	among them
 *
 * kmalloc(). Less than a page is aligned to 16 bytes and in one page; a page or more
 * begins a page. GLB-20, GLB-23, GLB-24
 *
 * Context: ATOMIC; PASSIVE for %PagedPool.
 * Return: the memory; NULL if there is none; and reported (GLB-20) for no bytes or
 * such a tag, (V-GLB-5) during the driver's unload, (LVL-02) in the wrong context.
 */
void *ex_allocate_pool_with_tag(struct wdm_owner *owner, enum wdm_pool_type type, size_t size,
				u32 tag)
{
	struct wdm_block *block = wdm_pool_alloc(owner, type, size, tag, NULL, _RET_IP_);

	return block ? block->start : NULL;
}
EXPORT_SYMBOL_GPL(ex_allocate_pool_with_tag);

/* Nothing is there: was there? */
static void wdm_pool_report_missing(const void *start)
{
	struct wdm_freed freed = { };
	unsigned long flags;
	int n;

	spin_lock_irqsave(&wdm_pool_lock, flags);
	for (n = 0; n < WDM_FREED; n++)
		if (wdm_freed[n].start == start)
			freed = wdm_freed[n];
	spin_unlock_irqrestore(&wdm_pool_lock, flags);
	if (freed.start)
		wdm_violation("V-GLB-4", NULL,
			      "pool block '%s' of driver %s, acquired by %ps, is freed twice",
			      freed.tag, freed.driver, (void *)freed.caller);
	else
		wdm_violation("V-GLB-4", NULL, "pool is freed at %p, where none is", start);
}

/* Whatever its tag. */
int wdm_pool_free(struct wdm_block *block)
{
	return wdm_release(&block->record, &wdm_pool_kind);
}

/* Why it is not to be freed, or NULL. */
static const char *wdm_pool_wrong(const struct wdm_block *block, bool tagged, u32 tag)
{
	if (block->list)
		return "is freed, but is a lookaside list's";
	if (tagged && block->tag->tag != tag)
		return "is freed with another tag";
	return NULL;
}

static int wdm_pool_free_at(void *start, bool tagged, u32 tag)
{
	struct wdm_block *block;
	const char *wrong;
	int rc = -EINVAL;

	if (!start)
		return -EINVAL;
	rcu_read_lock();
	block = wdm_pool_find(start);
	wrong = block ? wdm_pool_wrong(block, tagged, tag) : NULL;
	if (!block)
		wdm_pool_report_missing(start);
	else if (wrong)
		wdm_record_report("V-GLB-4", &block->record, wrong);
	else
		rc = wdm_pool_free(block);
	rcu_read_unlock();
	return rc;
}

/**
 * ex_free_pool_with_tag() - free memory (ExFreePoolWithTag)
 * @block: what was allocated
 * @tag: the tag that it was allocated with
 *
 * kfree(). Refused and reported: another tag, what is no block any more, and what is
 * none (V-GLB-4); a block inside of which something is in use (V-GLB-3). Freed and
 * reported: a block behind whose end was written (V-GLB-4). GLB-21, GLB-23, RLS-82
 *
 * Context: ATOMIC.
 * Return: 0; -EINVAL; -EBUSY; -EALREADY if the unload frees it.
 */
int ex_free_pool_with_tag(void *block, u32 tag)
{
	return wdm_pool_free_at(block, true, tag);
}
EXPORT_SYMBOL_GPL(ex_free_pool_with_tag);

/**
 * ex_free_pool() - free memory, whatever its tag (ExFreePool)
 * @block: what was allocated
 *
 * Context: ATOMIC.
 * Return: as ex_free_pool_with_tag().
 */
int ex_free_pool(void *block)
{
	return wdm_pool_free_at(block, false, 0);
}
EXPORT_SYMBOL_GPL(ex_free_pool);

/* GLB-22: poolmon's columns */
int wdm_pool_show(struct seq_file *m, void *unused)
{
	struct wdm_pool_tag *entry;
	char text[5];
	int bucket;

	seq_puts(m, "Tag  Type     Allocs      Frees       Diff      Bytes  Per Alloc\n");
	spin_lock_irq(&wdm_pool_lock);
	hash_for_each(wdm_tags, bucket, entry, node) {
		u64 diff = entry->allocs - entry->frees;

		wdm_tag_text(entry->tag, text);
		seq_printf(m, "%s %-5s %9llu %10llu %10llu %10llu %10llu\n", text,
			   entry->type == PagedPool ? "Paged" : "Nonp", entry->allocs,
			   entry->frees, diff, entry->bytes,
			   diff ? div64_u64(entry->bytes, diff) : 0);
	}
	spin_unlock_irq(&wdm_pool_lock);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(wdm_pool_show);

void wdm_pool_exit(void)
{
	struct wdm_pool_tag *entry;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(wdm_tags, bucket, next, entry, node)
		kfree(entry);
}
