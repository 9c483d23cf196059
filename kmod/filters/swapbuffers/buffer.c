// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers to swap in: a bio with pages of our own.
 *
 * Memory may be short because dirty pages wait to be written through us, so an
 * allocation must always succeed in the end. Pages are taken one by one without
 * waiting, and if there are not enough, one of two chunks that are big enough for
 * any operation is waited for. Nobody waits for a page while he has some: two who
 * did, each with half of what is left, would wait for ever. For the same reason
 * each instance has a reserve of its own: volumes may be above each other.
 */
#include <linux/fltmgr.h>
#include <linux/highmem.h>
#include <linux/slab.h>

#include "buffer.h"

#define SWAP_PAGES	DIV_ROUND_UP(FLT_MAX_BLOCK_IO, PAGE_SIZE)
#define SWAP_CHUNKS	2
#define SWAP_BIOS	16

struct swap_chunk {
	struct page *pages[SWAP_PAGES];
};

/* In front of each bio. */
struct swap_buffer {
	struct swap_reserve *reserve;
	struct swap_chunk *chunk;	/* its pages, or NULL: they are its own */
	struct bio bio;			/* must be last: vectors follow */
};

static struct swap_buffer *swap_buffer_of(struct bio *bio)
{
	return container_of(bio, struct swap_buffer, bio);
}

static void swap_chunk_free(void *element, void *unused)
{
	struct swap_chunk *chunk = element;
	int i;

	for (i = 0; i < SWAP_PAGES && chunk->pages[i]; i++)
		__free_page(chunk->pages[i]);
	kfree(chunk);
}

static void *swap_chunk_alloc(gfp_t gfp, void *unused)
{
	struct swap_chunk *chunk = kzalloc(sizeof(*chunk), gfp);
	int i;

	for (i = 0; chunk && i < SWAP_PAGES; i++) {
		chunk->pages[i] = alloc_page(gfp);
		if (!chunk->pages[i]) {
			swap_chunk_free(chunk, NULL);
			return NULL;
		}
	}
	return chunk;
}

/* swap_reserve_exit() either way, of memory that was zeroed. */
int swap_reserve_init(struct swap_reserve *reserve)
{
	int rc = bioset_init(&reserve->bios, SWAP_BIOS, offsetof(struct swap_buffer, bio),
			     BIOSET_NEED_BVECS);

	if (rc)
		return rc;
	return mempool_init(&reserve->chunks, SWAP_CHUNKS, swap_chunk_alloc, swap_chunk_free,
			    NULL);
}

void swap_reserve_exit(struct swap_reserve *reserve)
{
	mempool_exit(&reserve->chunks);
	bioset_exit(&reserve->bios);
}

/* Pages of the bio's own. False: there were not enough, and it has none. */
static bool swap_add_pages(struct bio *bio, unsigned int bytes)
{
	unsigned int part;
	struct page *page;

	for (; bytes; bytes -= part) {
		page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);
		if (!page)
			goto none;
		part = min_t(unsigned int, bytes, PAGE_SIZE);
		__bio_add_page(bio, page, part, 0);
	}
	return true;
none:
	swap_buffer_free_pages(bio);
	bio->bi_vcnt = 0;
	bio->bi_iter.bi_size = 0;
	return false;
}

static void swap_add_chunk(struct bio *bio, unsigned int bytes)
{
	struct swap_buffer *buffer = swap_buffer_of(bio);
	struct swap_chunk *chunk = mempool_alloc(&buffer->reserve->chunks, GFP_NOIO);
	unsigned int part;
	int i;

	buffer->chunk = chunk;
	for (i = 0; bytes; i++, bytes -= part) {
		part = min_t(unsigned int, bytes, PAGE_SIZE);
		__bio_add_page(bio, chunk->pages[i], part, 0);
	}
}

/* Always succeeds, may wait. @short_of: it needed a chunk, for memory is short. */
struct bio *swap_buffer_alloc(struct swap_reserve *reserve, unsigned int bytes, bool *short_of)
{
	unsigned int pages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	struct bio *bio = bio_alloc_bioset(NULL, pages, 0, GFP_NOIO, &reserve->bios);

	swap_buffer_of(bio)->reserve = reserve;
	swap_buffer_of(bio)->chunk = NULL;
	*short_of = !swap_add_pages(bio, bytes);
	if (*short_of)
		swap_add_chunk(bio, bytes);
	return bio;
}

/* Any context. The bio itself is the manager's to put once it is swapped in. */
void swap_buffer_free_pages(struct bio *bio)
{
	struct swap_buffer *buffer = swap_buffer_of(bio);
	struct bvec_iter_all all;
	struct bio_vec *vec;

	if (buffer->chunk) {
		mempool_free(buffer->chunk, &buffer->reserve->chunks);
		return;
	}
	bio_for_each_segment_all(vec, bio, all)
		__free_page(vec->bv_page);
}

static void swap_transform_part(const struct bio_vec *to, const struct bio_vec *from,
				unsigned int len, u8 key)
{
	u8 *source = bvec_kmap_local((struct bio_vec *)from);
	u8 *target = bvec_kmap_local((struct bio_vec *)to);
	unsigned int i;

	for (i = 0; i < len; i++)
		target[i] = source[i] ^ key;
	kunmap_local(target);
	kunmap_local(source);
	flush_dcache_page(to->bv_page);
}

/* All of @from, which is as long as @to. Any context. */
void swap_buffer_transform(struct bio *to, struct bio *from, u8 key)
{
	struct bvec_iter source = from->bi_iter, target = to->bi_iter;

	while (source.bi_size && target.bi_size) {
		struct bio_vec f = bio_iter_iovec(from, source);
		struct bio_vec t = bio_iter_iovec(to, target);
		unsigned int len = min(f.bv_len, t.bv_len);

		swap_transform_part(&t, &f, len, key);
		bio_advance_iter_single(from, &source, len);
		bio_advance_iter_single(to, &target, len);
	}
}
