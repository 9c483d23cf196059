/* SPDX-License-Identifier: GPL-2.0-only */
/* Places at which a test can hold a thread, or make something fail: race.c. */
#ifndef _FLTMGR_RACE_H
#define _FLTMGR_RACE_H

#include <linux/types.h>

#if IS_ENABLED(CONFIG_KUNIT)
typedef void (*flt_race_hook_t)(const char *name, const void *subject);
void flt_race_set_hook(flt_race_hook_t hook);
void flt_race_point(const char *name, const void *subject);
typedef bool (*flt_fault_hook_t)(const char *name);
void flt_fault_set_hook(flt_fault_hook_t hook);
bool flt_fault_point(const char *name);
#else
static inline void flt_race_point(const char *name, const void *subject) { }
static inline bool flt_fault_point(const char *name) { return false; }
#endif

#endif /* _FLTMGR_RACE_H */
