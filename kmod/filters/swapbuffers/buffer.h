/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _FLT_SWAP_BUFFER_H
#define _FLT_SWAP_BUFFER_H

#include <linux/bio.h>

int swap_buffers_init(void);
void swap_buffers_exit(void);
struct bio *swap_buffer_alloc(unsigned int bytes, bool *reserve);
void swap_buffer_free_pages(struct bio *bio);
void swap_buffer_transform(struct bio *to, struct bio *from, u8 key);

#endif /* _FLT_SWAP_BUFFER_H */
