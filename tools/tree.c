// SPDX-License-Identifier: GPL-2.0-only
/*
 * fltmc: the manager's trees in sysfs and debugfs, and its parameters.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fltmc.h"

#define NAME_LENGTH	255

const char *root = "/sys/kernel/fltmgr";
const char *debug_root = "/sys/kernel/debug/fltmgr";
const char *parameters = "/sys/module/fltmgr/parameters";

char *format_string(const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return checked(text);
}

/* The manager's own rule for names, which also makes them one directory. */
bool name_valid(const char *name)
{
	const char *p;

	if (!*name || strlen(name) > NAME_LENGTH || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (p = name; *p; p++)
		if (!isascii((unsigned char)*p) || !isgraph((unsigned char)*p) || *p == '/')
			return false;
	return true;
}

/* A one-value file, without its newline; NULL with errno. To be freed. */
char *read_value(const char *directory, const char *file)
{
	char *path = format_string("%s/%s", directory, file);
	char buf[4096];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
	}
	free(path);
	if (n < 0)
		return NULL;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return checked(strdup(buf));
}

/* A whole file; NULL with errno. To be freed. */
char *read_text(const char *directory, const char *file)
{
	char *path = format_string("%s/%s", directory, file);
	size_t size = 0, room = 0;
	char *text = NULL;
	ssize_t n;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return NULL;
	do {
		if (room - size < 4096) {
			room = 2 * room + 8192;
			text = checked(realloc(text, room));
		}
		n = read(fd, text + size, room - size - 1);
		if (n > 0)
			size += n;
	} while (n > 0);
	err = errno;
	close(fd);
	if (n < 0) {
		free(text);
		errno = err;
		return NULL;
	}
	text[size] = '\0';
	return text;
}

/* The lines of @text, which is cut into them; behind the last one NULL. To be freed. */
char **split_lines(char *text)
{
	size_t nr = 0, room = 2;
	char **lines;
	char *p;

	for (p = text; *p; p++)
		room += *p == '\n';
	lines = checked(calloc(room, sizeof(*lines)));
	while (*text) {
		lines[nr++] = text;
		text += strcspn(text, "\n");
		if (*text)
			*text++ = '\0';
	}
	return lines;
}

/* One write(): its errno is the manager's answer. */
int write_value(const char *directory, const char *file, const char *value)
{
	char *path = format_string("%s/%s", directory, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	free(path);
	return err;
}

/* Calls @visit for each directory or link in @path; nothing there is no error. */
void visit_entries(const char *path, visit_fn visit, void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char *below;

		if (entry->d_name[0] == '.' &&
		    (!entry->d_name[1] || !strcmp(entry->d_name, "..")))
			continue;
		below = format_string("%s/%s", path, entry->d_name);
		visit(below, entry->d_name, arg);
		free(below);
	}
	closedir(dir);
}

static void count_entry(const char *path, const char *name, void *arg)
{
	(void)path;
	(void)name;
	++*(int *)arg;
}

char *count_entries(const char *directory, const char *below)
{
	char *path = format_string("%s/%s", directory, below);
	int n = 0;

	visit_entries(path, count_entry, &n);
	free(path);
	return format_string("%d", n);
}

bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

struct seek {
	const char *name;
	char *found;
};

static void match_caseless(const char *path, const char *name, void *arg)
{
	struct seek *seek = arg;

	if (!seek->found && !strcasecmp(name, seek->name))
		seek->found = checked(strdup(path));
}

/* The directory of a filter, whose name may be in any case of letters; or NULL. */
char *find_filter(const char *name)
{
	struct seek seek = { .name = name };
	char *filters = format_string("%s/filters", root);

	if (name_valid(name))
		visit_entries(filters, match_caseless, &seek);
	free(filters);
	return seek.found;
}

const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}
