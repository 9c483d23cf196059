/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a module's verifier says is taken from the kernel's log, as it is printed.
 * Whose: the suite's header says so before it includes this.
 *
 *	#define SAID_MODULE	"fltmgr"
 *	#define SAID_COUNT()	flt_violation_count()
 */
#ifndef _FLTMGR_TESTSAID_H
#define _FLTMGR_TESTSAID_H

#include <linux/fs.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <trace/events/printk.h>

#define REPORT_SIZE	8192

static struct {
	raw_spinlock_t lock;
	unsigned int before;		/* reports by the module's count */
	unsigned int printed;
	char text[REPORT_SIZE];		/* of the first one */
} said;

/* A line of the log. The first report is kept, as much of it as there is room for. */
static inline void said_line(void *unused, const char *text, size_t len)
{
	static const char head[] = SAID_MODULE ": violation ", stack[] = SAID_MODULE ":   ";
	bool first = len >= sizeof(head) - 1 && !strncmp(text, head, sizeof(head) - 1);
	unsigned long flags;
	size_t used;

	if (!first && (len < sizeof(stack) - 1 || strncmp(text, stack, sizeof(stack) - 1)))
		return;
	raw_spin_lock_irqsave(&said.lock, flags);
	said.printed += first;
	if (said.printed == 1) {
		used = strlen(said.text);
		len = min(len, sizeof(said.text) - used - 2);
		memcpy(said.text + used, text, len);
		if (said.text[used + len - 1] != '\n')
			said.text[used + len] = '\n';
	}
	raw_spin_unlock_irqrestore(&said.lock, flags);
}

static inline void reports_forget(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&said.lock, flags);
	said.before = SAID_COUNT();
	said.printed = 0;
	/* All of it: what is being printed is read at the same time. */
	memset(said.text, 0, sizeof(said.text));
	raw_spin_unlock_irqrestore(&said.lock, flags);
}

/* Something was, and is printed, or is about to be. */
static inline bool was_reported(void)
{
	return SAID_COUNT() != said.before;
}

/* A section of the report, up to the next: at least one frame, and @function's. */
static inline bool said_section(const char *section, const char *end, const char *function)
{
	size_t len = end ? end - section : strlen(section);
	char name[64];

	if (!strnstr(section, "\n" SAID_MODULE ":     ", len))
		return false;
	snprintf(name, sizeof(name), "    %s+0x", function);
	return !function || strnstr(section, name, len);
}

/* It is one line. */
static inline bool said_bare(void)
{
	return !strstr(said.text, "\n" SAID_MODULE ":   effect, pid ") &&
	       !strstr(said.text, "\n" SAID_MODULE ":   cause, ");
}

/* Stacks with these functions, if not NULL; @what the cause did, NULL: there is none. */
static inline bool said_stacks(const char *in_effect, const char *what, const char *in_cause)
{
	const char *effect = strstr(said.text, "\n" SAID_MODULE ":   effect, pid ");
	const char *cause = strstr(said.text, "\n" SAID_MODULE ":   cause, ");
	char words[64];

	if (!effect || !!cause != !!what || !said_section(effect, cause, in_effect))
		return false;
	if (!what)
		return true;
	snprintf(words, sizeof(words), "\n" SAID_MODULE ":   cause, %s by pid ", what);
	return strstarts(cause, words) && strnstr(cause, " ms before:\n", 80) &&
	       said_section(cause, NULL, in_cause);
}

/* A parameter of the module's, as a user sets it. 0 or an errno. */
static inline int set_parameter(const char *name, const char *value)
{
	char path[80];
	struct file *file;
	ssize_t done;

	snprintf(path, sizeof(path), "/sys/module/" SAID_MODULE "/parameters/%s", name);
	file = filp_open(path, O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_write(file, value, strlen(value), &(loff_t){ 0 });
	filp_close(file, NULL);
	return done < 0 ? done : 0;
}

/* As it is read, with its end of line. */
static inline int get_parameter(const char *name, char *value, size_t size)
{
	char path[80];
	struct file *file;
	ssize_t done;

	snprintf(path, sizeof(path), "/sys/module/" SAID_MODULE "/parameters/%s", name);
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	done = kernel_read(file, value, size - 1, &(loff_t){ 0 });
	filp_close(file, NULL);
	value[max(done, 0)] = 0;
	return done < 0 ? done : 0;
}

#endif /* _FLTMGR_TESTSAID_H */
