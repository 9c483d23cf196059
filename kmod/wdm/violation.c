// SPDX-License-Identifier: GPL-2.0-only
/*
 * How misuse is reported, and of which drivers stacks are kept.
 *
 * What a driver must not do is always looked at: the ledger, which the release needs,
 * knows all there is to know. The verifier adds the stacks: that of the effect, and
 * that of the acquisition. Who is verified is settled when a driver is made. VRF-01
 */
#include <kunit/visibility.h>
#include <linux/ctype.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "internal.h"

static DEFINE_MUTEX(wdm_verifier_lock);
static char wdm_verifier[VRF_NAMES_SIZE] = "0";	/* wdm_verifier_lock */
static bool wdm_verifier_on;

/* A driver's name as it can stand in a list; it may be one that no driver has yet. */
static int wdm_verifier_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= WDM_NAME_MAX)
		return -EINVAL;
	for (; *name; name++)
		if (!isascii(*name) || !isgraph(*name))
			return -EINVAL;
	return 0;
}

static int wdm_verifier_set(const char *val, const struct kernel_param *kp)
{
	char text[VRF_NAMES_SIZE], *names;

	if (strscpy(text, val, sizeof(text)) < 0)
		return -EINVAL;
	names = strim(text);
	if (!vrf_names_valid(names, wdm_verifier_name))
		return -EINVAL;
	mutex_lock(&wdm_verifier_lock);
	strscpy(wdm_verifier, names, sizeof(wdm_verifier));
	WRITE_ONCE(wdm_verifier_on, strcmp(names, "0"));
	mutex_unlock(&wdm_verifier_lock);
	return 0;
}

static int wdm_verifier_get(char *buf, const struct kernel_param *kp)
{
	int n;

	mutex_lock(&wdm_verifier_lock);
	n = sysfs_emit(buf, "%s\n", wdm_verifier);
	mutex_unlock(&wdm_verifier_lock);
	return n;
}

static const struct kernel_param_ops wdm_verifier_ops = {
	.set = wdm_verifier_set,
	.get = wdm_verifier_get,
};

module_param_cb(verifier, &wdm_verifier_ops, NULL, 0644);
__MODULE_PARM_TYPE(verifier, "0|1|DRIVER[,DRIVER...]");
MODULE_PARM_DESC(verifier,
		 "Keep stacks of drivers that are made from now on: none (0, default), all (1), or those named");

/* Nobody knows it yet. */
void wdm_verify_driver(struct wdm_driver *driver)
{
	mutex_lock(&wdm_verifier_lock);
	driver->verified = vrf_names_have(wdm_verifier, driver->name);
	mutex_unlock(&wdm_verifier_lock);
}

/* With verifier_action=refuse, who has broken a rule gets no more devices. */
bool wdm_verify_banned(const struct wdm_driver *driver)
{
	return READ_ONCE(driver->broke_rule) && vrf_action() == VRF_REFUSE;
}

/* @cause, if not NULL, did what @what says. */
void wdm_vblame(const char *rule, struct wdm_driver *driver, const struct vrf_trace *cause,
		const char *what, const char *fmt, va_list args)
{
	char head[VRF_HEAD_SIZE];
	struct va_format vaf = { .fmt = fmt };
	va_list copy;
	bool stacks;

	va_copy(copy, args);
	vaf.va = &copy;
	snprintf(head, sizeof(head), "driver %s: %pV", driver ? driver->name : "-", &vaf);
	va_end(copy);
	stacks = driver ? driver->verified : READ_ONCE(wdm_verifier_on);
	if (vrf_report(rule, head, stacks, cause, what) && driver)
		WRITE_ONCE(driver->broke_rule, true);
}

/*
 * A report for each thing that a driver must not do. Whoever calls it refuses what
 * was asked. Any context. VRF-07
 */
void wdm_violation(const char *rule, struct wdm_driver *driver, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	wdm_vblame(rule, driver, NULL, NULL, fmt, args);
	va_end(args);
}
EXPORT_SYMBOL_IF_KUNIT(wdm_violation);

unsigned int wdm_violation_count(void)
{
	return vrf_reports();
}
EXPORT_SYMBOL_IF_KUNIT(wdm_violation_count);

/* The last one, as "RULE: text", without the driver. Nobody else must be at it. */
const char *wdm_violation_last(void)
{
	static char last[VRF_RULE_SIZE + VRF_HEAD_SIZE + 2];
	char *driver, *text;

	vrf_last_report(last, sizeof(last));
	driver = strstr(last, ": driver ");
	text = driver ? strstr(driver + 2, ": ") : NULL;
	if (text)
		memmove(driver, text, strlen(text) + 1);
	return last;
}
EXPORT_SYMBOL_IF_KUNIT(wdm_violation_last);

/* False, and reported, if a routine that may sleep is called where it must not. LVL-02 */
bool wdm_passive(struct wdm_driver *driver, const char *routine)
{
	if (wdm_may_sleep())
		return true;
	wdm_violation("LVL-02", driver, "%s called where sleeping is not allowed", routine);
	return false;
}
