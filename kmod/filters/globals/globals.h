/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _GLOBALS_H
#define _GLOBALS_H

#include <linux/wdm.h>

#define GLOBALS_TAG(a, b, c, d)	((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)

struct globals_numbers {
	atomic64_t reads;
	atomic64_t processes_made;
	atomic64_t processes_ended;
	atomic64_t threads_made;
	atomic64_t threads_ended;
	atomic64_t images;
	atomic64_t modules;
	/* Made or ended twice, or ended without having been made. */
	atomic64_t wrong;
};

extern struct globals_numbers globals_numbers;
extern struct wdm_resource globals_resource;
/* The last image: in tagged pool, with the resource. */
#define GLOBALS_NAME	64
extern char *globals_last;

/* tell.c */
int globals_tell_start(struct wdm_owner *owner, bool direct);
void globals_tell_stop(const char *forget);
unsigned long globals_tell_alive(void);
void globals_tell_exit(void);

#endif /* _GLOBALS_H */
