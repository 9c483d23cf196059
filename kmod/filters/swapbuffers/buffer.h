/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _FLT_SWAP_BUFFER_H
#define _FLT_SWAP_BUFFER_H

#include <linux/bio.h>
#include <linux/mempool.h>

/* Of one instance: one that waits must not wait for what an upper one has. */
struct swap_reserve {
	struct bio_set bios;
	mempool_t chunks;
};

int swap_reserve_init(struct swap_reserve *reserve);
void swap_reserve_exit(struct swap_reserve *reserve);
struct bio *swap_buffer_alloc(struct swap_reserve *reserve, unsigned int bytes, bool *short_of);
void swap_buffer_free_pages(struct bio *bio);
void swap_buffer_transform(struct bio *to, struct bio *from, u8 key);

#endif /* _FLT_SWAP_BUFFER_H */
