/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names, between the files that have them.
 *
 *   N  wdm_names_mutex: names, links, values of the device map. Around L; sysfs is
 *      changed inside of it, and no attribute takes it.
 */
#ifndef _WDM_NAMES_H
#define _WDM_NAMES_H

#include "internal.h"

struct kobject;

/* names.c */
extern struct mutex wdm_names_mutex;
extern struct kobject *wdm_kobj;
void wdm_directory_remove(struct kobject *kobj);
int wdm_check_leaf(const char *leaf);
bool wdm_is_name(const char *text);
const char *wdm_name_leaf(const char *text);
int wdm_name_check(const char *text);
int wdm_name_add(struct wdm_device *device, const char *text);
bool wdm_name_unused(struct wdm_device *device);
void wdm_name_claim(struct wdm_device *device);
void wdm_name_retire(struct wdm_device *device);
struct wdm_device *wdm_name_open(const char *text);
int wdm_names_init(void);
void wdm_names_exit(void);

/* devicemap.c */
int wdm_devicemap_init(void);
void wdm_devicemap_exit(void);

/* device.c */
struct wdm_device *wdm_device_top(struct wdm_device *device);

#endif /* _WDM_NAMES_H */
