// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has what: owners, their items, and those that have ended of late.
 *
 * Whose call it is that takes or drops something is told by the call where it
 * says so; otherwise by the caller's stack: the first frame in a module that is an
 * owner's. That is certain only if the module is one owner's; if not, nothing is
 * concluded from what is missing. VRF-09, VRF-10
 *
 * What those who are not verified take is noted as nobody's, as long as it may be
 * passed on: whoever drops it then does not drop what is his, nor another's.
 *
 * An item that cannot be noted, for lack of memory, makes its owner "lost": what
 * is missing of his is no violation any more.
 */
#include <linux/debugfs.h>
#include <linux/hashtable.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "verifier.h"

#define VRF_ENDED	256
#define VRF_FRAMES	24

static DEFINE_SPINLOCK(vrf_lock);
static LIST_HEAD(vrf_owners);			/* V: newest first */
static struct vrf_owner vrf_nobody = { .refs = 1 };	/* in no list */
static DEFINE_HASHTABLE(vrf_items, 10);		/* V: by object */
static struct {
	const void *object;
	u8 kind;
	struct vrf_trace trace;
} vrf_past[VRF_ENDED];				/* V */
static unsigned int vrf_nr_past;		/* V */
static struct kmem_cache *vrf_cache;

int vrf_init(void)
{
	int rc = stack_depot_init();

	if (rc)
		return rc;
	vrf_cache = KMEM_CACHE(vrf_item, 0);
	return vrf_cache ? 0 : -ENOMEM;
}

void vrf_exit(void)
{
	kmem_cache_destroy(vrf_cache);
}

/* owners */

/* With one reference, which is that of being registered. */
struct vrf_owner *vrf_owner_create(struct module *module, const char *name, bool verified)
{
	size_t size = strlen(name) + 1;
	struct vrf_owner *owner = kzalloc(struct_size(owner, name, size), GFP_KERNEL);

	if (!owner)
		return NULL;
	owner->refs = 1;
	owner->module = module;
	owner->verified = verified;
	owner->alive = true;
	memcpy(owner->name, name, size);
	spin_lock_irq(&vrf_lock);
	list_add(&owner->link, &vrf_owners);
	spin_unlock_irq(&vrf_lock);
	return owner;
}
EXPORT_SYMBOL_IF_KUNIT(vrf_owner_create);

/* It is not registered any more; what it has, it still may drop. */
void vrf_owner_ended(struct vrf_owner *owner)
{
	spin_lock_irq(&vrf_lock);
	owner->alive = false;
	spin_unlock_irq(&vrf_lock);
}

struct vrf_owner *vrf_owner_get(struct vrf_owner *owner)
{
	unsigned long flags;

	spin_lock_irqsave(&vrf_lock, flags);
	owner->refs++;
	spin_unlock_irqrestore(&vrf_lock, flags);
	return owner;
}

/* Called with the lock. Whom to free, or NULL. */
static struct vrf_owner *vrf_owner_put_locked(struct vrf_owner *owner)
{
	if (--owner->refs)
		return NULL;
	list_del(&owner->link);
	return owner;
}

void vrf_owner_put(struct vrf_owner *owner)
{
	unsigned long flags;

	if (!owner)
		return;
	spin_lock_irqsave(&vrf_lock, flags);
	owner = vrf_owner_put_locked(owner);
	spin_unlock_irqrestore(&vrf_lock, flags);
	kfree(owner);
}
EXPORT_SYMBOL_IF_KUNIT(vrf_owner_put);

/* Called with the lock: of the module that @frame is in. */
static struct vrf_owner *vrf_owner_at(unsigned long frame, bool *certain)
{
	struct vrf_owner *owner, *found = NULL;
	unsigned int alive = 0;

	list_for_each_entry(owner, &vrf_owners, link) {
		if (!owner->module || !within_module(frame, owner->module))
			continue;
		alive += owner->alive;
		if (!found || (owner->alive && !found->alive))
			found = owner;
	}
	*certain = found && (alive == 1 || (!alive && list_is_singular(&vrf_owners)));
	return found;
}

/*
 * Whose code called us, with a reference; NULL if it is nobody's. *@certain: no
 * other owner's.
 */
struct vrf_owner *vrf_owner_caller(bool *certain)
{
	unsigned long frames[VRF_FRAMES], flags;
	unsigned int i, nr = stack_trace_save(frames, VRF_FRAMES, 1);
	struct vrf_owner *owner = NULL;

	/* Whom an interrupt has interrupted is not its caller. */
	nr = filter_irq_stacks(frames, nr);
	*certain = false;
	spin_lock_irqsave(&vrf_lock, flags);
	for (i = 0; i < nr && !owner; i++)
		owner = vrf_owner_at(frames[i], certain);
	if (owner)
		owner->refs++;
	spin_unlock_irqrestore(&vrf_lock, flags);
	return owner;
}

/* Whose function @code is, as far as can be told, with a reference; or NULL. */
struct vrf_owner *vrf_owner_of(const void *code)
{
	struct vrf_owner *owner;
	unsigned long flags;
	bool certain;

	spin_lock_irqsave(&vrf_lock, flags);
	owner = vrf_owner_at((unsigned long)code, &certain);
	if (owner)
		owner->refs++;
	spin_unlock_irqrestore(&vrf_lock, flags);
	return owner;
}

/* An owner of a module that goes, with a reference: each once. */
struct vrf_owner *vrf_owner_leaving(struct module *module)
{
	struct vrf_owner *owner, *found = NULL;

	spin_lock_irq(&vrf_lock);
	list_for_each_entry(owner, &vrf_owners, link) {
		if (owner->module != module)
			continue;
		owner->module = NULL;
		owner->refs++;
		found = owner;
		break;
	}
	spin_unlock_irq(&vrf_lock);
	return found;
}

/* items */

/* Called with the lock: there is a new one where the old one was. */
static void vrf_unpast(u8 kind, const void *object)
{
	unsigned int i;

	for (i = 0; i < VRF_ENDED; i++)
		if (vrf_past[i].object == object && vrf_past[i].kind == kind)
			vrf_past[i].object = NULL;
}

static struct vrf_item *vrf_item_make(struct vrf_owner *owner, u8 kind, const void *object,
				      const void *within, const char *name)
{
	struct vrf_item *item = kmem_cache_zalloc(vrf_cache, GFP_ATOMIC | __GFP_NOWARN);

	if (!item)
		return NULL;
	item->object = object;
	item->within = within;
	item->owner = owner;
	item->kind = kind;
	strscpy(item->name, name, sizeof(item->name));
	vrf_trace_here(&item->made);
	return item;
}

/* @owner, or nobody who is known, gets @object of @kind, here. */
void vrf_take(struct vrf_owner *owner, bool certain, u8 kind, const void *object,
	      const void *within, const char *name)
{
	struct vrf_item *item;
	unsigned long flags;

	if (!owner || !owner->verified)
		owner = &vrf_nobody;
	item = vrf_item_make(owner, kind, object, within, name);
	if (item)
		item->uncertain = !certain;
	spin_lock_irqsave(&vrf_lock, flags);
	if (vrf_kinds[kind].once)
		vrf_unpast(kind, object);
	if (item) {
		owner->refs++;
		hash_add(vrf_items, &item->hash, (unsigned long)object);
	} else {
		owner->lost = true;
	}
	spin_unlock_irqrestore(&vrf_lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(vrf_take);

/*
 * Called with the lock: the one of @owner's, else of his module's, else nobody's. If
 * there is only somebody else's, that has been passed on, and what is missing of his
 * says nothing any more. Of what there is one, it is the one.
 */
static struct vrf_item *vrf_item_for(struct vrf_owner *owner, u8 kind, const void *object)
{
	struct vrf_item *item, *found = NULL;
	int best = -1, fits;

	hash_for_each_possible(vrf_items, item, hash, (unsigned long)object) {
		if (item->object != object || item->kind != kind)
			continue;
		if (vrf_kinds[kind].once || item->owner == owner)
			return item;
		fits = item->owner == &vrf_nobody ? 1 : 0;
		if (owner && item->owner->module && item->owner->module == owner->module)
			fits = 2;
		if (fits > best) {
			best = fits;
			found = item;
		}
	}
	if (best)
		return best > 0 ? found : NULL;
	found->owner->lost = true;
	return NULL;
}

static void vrf_note_past(u8 kind, const void *object, const struct vrf_trace *trace)
{
	unsigned int n = vrf_nr_past++ % VRF_ENDED;

	vrf_past[n].object = object;
	vrf_past[n].kind = kind;
	vrf_past[n].trace = *trace;
}

/* Called with the lock; what it returns is to be freed without it. */
static struct vrf_owner *vrf_remove(struct vrf_item *item)
{
	hash_del(&item->hash);
	return vrf_owner_put_locked(item->owner);
}

/*
 * An item of @kind for @object is dropped, by @owner if that is not NULL. False:
 * there is none that can be his.
 */
bool vrf_drop(struct vrf_owner *owner, u8 kind, const void *object)
{
	struct vrf_owner *last = NULL;
	struct vrf_trace here = {};
	struct vrf_item *item;
	unsigned long flags;

	if (vrf_kinds[kind].once)
		vrf_trace_here(&here);
	spin_lock_irqsave(&vrf_lock, flags);
	item = vrf_item_for(owner, kind, object);
	if (item) {
		last = vrf_remove(item);
		if (vrf_kinds[kind].once)
			vrf_note_past(kind, object, &here);
	}
	spin_unlock_irqrestore(&vrf_lock, flags);
	kfree(last);
	if (item)
		kmem_cache_free(vrf_cache, item);
	return item;
}
EXPORT_SYMBOL_IF_KUNIT(vrf_drop);

/* Is there one, of anybody's? */
bool vrf_has(u8 kind, const void *object)
{
	unsigned long flags;
	bool has;

	spin_lock_irqsave(&vrf_lock, flags);
	has = vrf_item_for(NULL, kind, object);
	spin_unlock_irqrestore(&vrf_lock, flags);
	return has;
}

/* Was there one not long ago? Who dropped it. */
bool vrf_ended(u8 kind, const void *object, struct vrf_trace *trace)
{
	unsigned long flags;
	bool found = false;
	unsigned int i;

	spin_lock_irqsave(&vrf_lock, flags);
	/* The last one counts. */
	for (i = 0; i < VRF_ENDED && !found; i++) {
		unsigned int n = (vrf_nr_past - 1 - i) % VRF_ENDED;

		if (vrf_past[n].object != object || vrf_past[n].kind != kind)
			continue;
		*trace = vrf_past[n].trace;
		found = true;
	}
	spin_unlock_irqrestore(&vrf_lock, flags);
	return found;
}

void vrf_forget_ended(void)
{
	spin_lock_irq(&vrf_lock);
	memset(vrf_past, 0, sizeof(vrf_past));
	spin_unlock_irq(&vrf_lock);
}

/* Set the item's flag. False if there is none. */
bool vrf_flag(u8 kind, const void *object, bool flag)
{
	struct vrf_item *item;
	unsigned long flags;

	spin_lock_irqsave(&vrf_lock, flags);
	item = vrf_item_for(NULL, kind, object);
	if (item)
		item->flag = flag;
	spin_unlock_irqrestore(&vrf_lock, flags);
	return item;
}

/* Which items are meant; NULL: any. */
struct vrf_choice {
	const struct vrf_owner *owner;
	const void *object;
	const void *within;
	u8 first;
	u8 last;
};

static bool vrf_chosen(const struct vrf_item *item, const struct vrf_choice *choice)
{
	return (!choice->owner || item->owner == choice->owner) &&
	       (!choice->object || item->object == choice->object) &&
	       (!choice->within || item->within == choice->within) &&
	       item->kind >= choice->first && item->kind <= choice->last;
}

/* Called with the lock. */
static void vrf_collect(struct hlist_head *bucket, const struct vrf_choice *choice,
			struct hlist_head *gone)
{
	struct vrf_item *item;
	struct hlist_node *next;

	hlist_for_each_entry_safe(item, next, bucket, hash) {
		if (!vrf_chosen(item, choice))
			continue;
		hash_del(&item->hash);
		hlist_add_head(&item->hash, gone);
	}
}

static void vrf_free_chosen(const struct vrf_choice *choice)
{
	struct vrf_item *item;
	struct hlist_node *next;
	struct vrf_owner *owner;
	unsigned long flags;
	HLIST_HEAD(gone);
	int bucket;

	spin_lock_irqsave(&vrf_lock, flags);
	/* Of one object all are in one bucket: it is asked for each that goes, off too. */
	if (choice->object) {
		bucket = hash_min((unsigned long)choice->object, HASH_BITS(vrf_items));
		vrf_collect(&vrf_items[bucket], choice, &gone);
	} else {
		for (bucket = 0; bucket < HASH_SIZE(vrf_items); bucket++)
			vrf_collect(&vrf_items[bucket], choice, &gone);
	}
	spin_unlock_irqrestore(&vrf_lock, flags);
	hlist_for_each_entry_safe(item, next, &gone, hash) {
		owner = item->owner;
		kmem_cache_free(vrf_cache, item);
		vrf_owner_put(owner);
	}
}

/* The object goes: nothing of kinds @first to @last is had of it any more. */
void vrf_drop_all(const void *object, u8 first, u8 last)
{
	vrf_free_chosen(&(struct vrf_choice){ .object = object, .first = first, .last = last });
}
EXPORT_SYMBOL_IF_KUNIT(vrf_drop_all);

/* What belongs to @within goes. */
void vrf_drop_within(const void *within, u8 kind)
{
	vrf_free_chosen(&(struct vrf_choice){ .within = within, .first = kind, .last = kind });
}

/* Whatever @owner has is not his any more. */
void vrf_forget(struct vrf_owner *owner)
{
	vrf_free_chosen(&(struct vrf_choice){ .owner = owner, .last = vrf_nr_kinds - 1 });
}

/* Called with the lock. */
static bool vrf_alike(const struct vrf_item *item, struct vrf_owner *owner, bool certain,
		      const struct vrf_found *found, vrf_match match, const void *arg)
{
	if (item->owner != owner || item->reported || !vrf_kinds[item->kind].rule ||
	    (certain && item->uncertain))
		return false;
	if (match && !match(item, arg))
		return false;
	return !found->count ||
	       (item->kind == found->kind && item->made.stack == found->made.stack);
}

/*
 * The next of the things that @owner has still, if @certain only what nobody else
 * can have, of those that @match, together with all of that kind from that place.
 * Each is found once. Nothing of one of whom not everything is known.
 */
bool vrf_find_left(struct vrf_owner *owner, bool certain, vrf_match match, const void *arg,
		   struct vrf_found *found)
{
	struct vrf_item *item;
	int bucket;

	memset(found, 0, sizeof(*found));
	spin_lock_irq(&vrf_lock);
	hash_for_each(vrf_items, bucket, item, hash) {
		if (owner->lost || !vrf_alike(item, owner, certain, found, match, arg))
			continue;
		if (!found->count++) {
			found->kind = item->kind;
			found->made = item->made;
			strscpy(found->name, item->name, sizeof(found->name));
		}
		item->reported = true;
	}
	spin_unlock_irq(&vrf_lock);
	return found->count;
}
EXPORT_SYMBOL_IF_KUNIT(vrf_find_left);

bool vrf_owner_has_items(const struct vrf_owner *owner)
{
	return READ_ONCE(owner->refs) > 1;
}

/* Each item of kinds @first to @last, with the lock: @visit does not sleep. */
void vrf_for_each(u8 first, u8 last, void (*visit)(const struct vrf_item *item, void *arg),
		  void *arg)
{
	struct vrf_item *item;
	int bucket;

	spin_lock_irq(&vrf_lock);
	hash_for_each(vrf_items, bucket, item, hash)
		if (item->kind >= first && item->kind <= last)
			visit(item, arg);
	spin_unlock_irq(&vrf_lock);
}

/* debugfs */

static void vrf_reference_show(const struct vrf_item *item, void *arg)
{
	struct seq_file *m = arg;

	if (!vrf_kinds[item->kind].rule || item->owner == &vrf_nobody)
		return;
	seq_printf(m, "%s %s %s 1 %u %d %#x\n", item->owner->name, vrf_kinds[item->kind].name,
		   item->name, jiffies_to_msecs(jiffies - item->made.when), item->made.pid,
		   item->made.stack);
}

static int vrf_references_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "# filter kind object count age_ms pid stack\n");
	vrf_for_each(0, vrf_nr_kinds - 1, vrf_reference_show, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vrf_references);

/* Stacks by their number, as others show them. */
#define VRF_STACKS	1024

struct vrf_stacks {
	unsigned int nr;
	depot_stack_handle_t stack[VRF_STACKS];
};

static vrf_more_stacks vrf_more;

static void vrf_stack_add(void *arg, depot_stack_handle_t stack)
{
	struct vrf_stacks *stacks = arg;

	if (stack && stacks->nr < VRF_STACKS)
		stacks->stack[stacks->nr++] = stack;
}

static void vrf_stack_add_item(const struct vrf_item *item, void *arg)
{
	vrf_stack_add(arg, item->made.stack);
}

static int vrf_stack_cmp(const void *a, const void *b)
{
	depot_stack_handle_t x = *(const depot_stack_handle_t *)a;
	depot_stack_handle_t y = *(const depot_stack_handle_t *)b;

	return x < y ? -1 : x > y;
}

static int vrf_stacks_show(struct seq_file *m, void *unused)
{
	struct vrf_stacks *stacks = kvzalloc(sizeof(*stacks), GFP_KERNEL);
	unsigned int i, n;

	if (!stacks)
		return -ENOMEM;
	vrf_for_each(0, vrf_nr_kinds - 1, vrf_stack_add_item, stacks);
	if (vrf_more)
		vrf_more(vrf_stack_add, stacks);
	sort(stacks->stack, stacks->nr, sizeof(stacks->stack[0]), vrf_stack_cmp, NULL);
	for (i = 0; i < stacks->nr; i += n) {
		for (n = 1; i + n < stacks->nr && stacks->stack[i + n] == stacks->stack[i]; n++)
			;
		seq_printf(m, "stack %#x records %u\n", stacks->stack[i], n);
		vrf_seq_stack(m, stacks->stack[i], "  ");
	}
	kvfree(stacks);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vrf_stacks);

/* @more: tells of stacks that are in no item; or NULL. */
void vrf_track_debugfs(struct dentry *dir, vrf_more_stacks more)
{
	vrf_more = more;
	debugfs_create_file("references", 0400, dir, NULL, &vrf_references_fops);
	debugfs_create_file("stacks", 0400, dir, NULL, &vrf_stacks_fops);
}
