/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user finds in sysfs and proc.
 */
#ifndef _WDM_TESTSYSFS_H
#define _WDM_TESTSYSFS_H

#include <kunit/test.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/string.h>

/* What there is in the file, or "ERRNO n". */
static inline const char *ts_text(const char *path)
{
	static char text[256];
	struct file *file = filp_open(path, O_RDONLY, 0);
	ssize_t done;

	if (IS_ERR(file)) {
		snprintf(text, sizeof(text), "ERRNO %ld", PTR_ERR(file));
		return text;
	}
	done = kernel_read(file, text, sizeof(text) - 1, &(loff_t){ 0 });
	filp_close(file, NULL);
	text[max(done, 0)] = 0;
	return text;
}

/* Where a path leads to, or "ERRNO n". */
static inline const char *ts_leads_to(const char *path)
{
	static char text[256];
	struct file *file = filp_open(path, O_RDONLY | O_DIRECTORY, 0);
	const char *at;

	if (IS_ERR(file)) {
		snprintf(text, sizeof(text), "ERRNO %ld", PTR_ERR(file));
		return text;
	}
	at = d_path(&file->f_path, text, sizeof(text));
	filp_close(file, NULL);
	return IS_ERR(at) ? "?" : at;
}

#define ts_expect_text(test, path, text) KUNIT_EXPECT_STREQ(test, ts_text(path), text)
#define ts_expect_leads_to(test, path, to) KUNIT_EXPECT_STREQ(test, ts_leads_to(path), to)
#define ts_expect_nothing(test, path) KUNIT_EXPECT_STREQ(test, ts_text(path), "ERRNO -2")

#endif /* _WDM_TESTSYSFS_H */
