// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each process has mapped that image notify routines were told of: a mapping
 * that is changed or moved looks like a new one. GLB-58
 */
#include <kunit/visibility.h>
#include <linux/hashtable.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "notify.h"

struct wdm_image {
	struct hlist_node node;		/* by process */
	pid_t process;
	const void *mm;
	u64 file;
	unsigned long offset;
};

static DEFINE_HASHTABLE(wdm_images, 8);
static DEFINE_SPINLOCK(wdm_image_lock);		/* process context only */

/* That part of that file in that process: true for the first who asks. */
bool wdm_image_is_new(pid_t process, const void *mm, u64 file, unsigned long offset)
{
	struct wdm_image *image, *made;
	bool found = false;

	made = kmalloc(sizeof(*made), GFP_ATOMIC | __GFP_NOWARN);
	spin_lock(&wdm_image_lock);
	hash_for_each_possible(wdm_images, image, node, process)
		if (image->process == process && image->mm == mm && image->file == file &&
		    image->offset == offset)
			found = true;
	/* Without memory it may be told of again. */
	if (!found && made) {
		*made = (struct wdm_image){
			.process = process, .mm = mm, .file = file, .offset = offset,
		};
		hash_add(wdm_images, &made->node, process);
		made = NULL;
	}
	spin_unlock(&wdm_image_lock);
	kfree(made);
	return !found;
}
EXPORT_SYMBOL_IF_KUNIT(wdm_image_is_new);

/* The process (0: each) ends, or executes another program, mapped into @but. */
void wdm_images_forget(pid_t process, const void *but)
{
	struct wdm_image *image;
	struct hlist_node *next;
	int bucket;

	spin_lock(&wdm_image_lock);
	if (process) {
		hash_for_each_possible_safe(wdm_images, image, next, node, process) {
			if (image->process != process || image->mm == but)
				continue;
			hash_del(&image->node);
			kfree(image);
		}
	} else {
		hash_for_each_safe(wdm_images, bucket, next, image, node) {
			hash_del(&image->node);
			kfree(image);
		}
	}
	spin_unlock(&wdm_image_lock);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_images_forget);
