// SPDX-License-Identifier: GPL-2.0-only
/*
 * fltmc: who filters what, and change it. See fltmc(8).
 *
 * Everything goes through /sys/kernel/fltmgr, but what outstanding.c and
 * verify.c do. What is listed may go away while it is listed; then it is left
 * out.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fltmc.h"

struct options options;

static const char help_text[] =
	"usage: fltmc [--json] filters\n"
	"       fltmc [--json] instances [-f FILTER | -v VOLUME]\n"
	"       fltmc [--json] volumes\n"
	"       fltmc attach FILTER VOLUME [-i INSTANCE] [-a ALTITUDE]\n"
	"       fltmc detach FILTER VOLUME [INSTANCE]\n"
	"       fltmc load MODULE [PARAMETER=VALUE ...]\n"
	"       fltmc unload FILTER\n"
	"       fltmc [--json] outstanding [-w] [-s] [-f FILTER | -v VOLUME]\n"
	"       fltmc verify on [FILTER ...]\n"
	"       fltmc verify off\n"
	"       fltmc [--json] verify report\n"
	"       fltmc help\n"
	"exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 not available\n";

int usage(const char *format, ...)
{
	va_list args;

	fputs("fltmc: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n%s", help_text);
	return EXIT_USAGE;
}

static void complain(const char *format, va_list args)
{
	fputs("fltmc: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int refused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return EXIT_REFUSED;
}

int not_available(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return EXIT_NOT_AVAILABLE;
}

static int print(struct table *table)
{
	table_sort(table);
	table_print(table);
	table_free(table);
	return EXIT_OK;
}

static void add_filter(const char *path, const char *name, void *arg)
{
	char *altitude = read_value(path, "altitude");
	char *state = read_value(path, "state");
	char *instances = count_entries(path, "instances");

	if (altitude && state)
		table_add(arg, name, instances, altitude, "0", state);
	free(altitude);
	free(state);
	free(instances);
}

static int do_filters(char **args)
{
	static const struct column columns[] = {
		{ .title = "Filter Name", .key = "name" },
		{ .title = "Num Instances", .key = "instances", .number = true },
		{ .title = "Altitude", .key = "altitude" },
		{ .title = "Frame", .key = "frame", .number = true },
		{ .title = "State", .key = "state" },
	};
	struct table table = { .columns = columns, .nr_columns = 5, .altitude = 2, .then = 0 };
	char *path = format_string("%s/filters", root);

	(void)args;
	visit_entries(path, add_filter, &table);
	free(path);
	return print(&table);
}

struct listing {
	struct table *table;
	const char *filter;	/* of the directory that is read */
};

/* @name is VOLUME.INSTANCE, and both may contain dots. */
static void add_instance(const char *path, const char *name, void *arg)
{
	struct listing *listing = arg;
	char *volume = read_value(path, "volume");
	char *altitude = read_value(path, "altitude");
	char *state = read_value(path, "state");
	char *pended = read_value(path, "pended");
	char *inflight = read_value(path, "inflight");
	size_t skip = volume ? strlen(volume) + 1 : 0;

	if (volume && altitude && state && pended && inflight && strlen(name) > skip &&
	    (!options.volume || !strcmp(options.volume, volume)))
		table_add(listing->table, listing->filter, volume, altitude, name + skip, "0",
			  pended, inflight, state);
	free(volume);
	free(altitude);
	free(state);
	free(pended);
	free(inflight);
}

static void add_instances(const char *path, const char *name, void *arg)
{
	struct listing listing = { .table = arg, .filter = name };
	char *instances = format_string("%s/instances", path);

	visit_entries(instances, add_instance, &listing);
	free(instances);
}

enum { INSTANCE_FILTER, INSTANCE_VOLUME, INSTANCE_ALTITUDE, INSTANCE_NAME };

static struct column instance_columns[] = {
	[INSTANCE_FILTER] = { .title = "Filter", .key = "filter" },
	[INSTANCE_VOLUME] = { .title = "Volume Name", .key = "volume" },
	[INSTANCE_ALTITUDE] = { .title = "Altitude", .key = "altitude" },
	[INSTANCE_NAME] = { .title = "Instance Name", .key = "name" },
	{ .title = "Frame", .key = "frame", .number = true },
	{ .title = "Pended", .key = "pended", .number = true },
	{ .title = "In Flight", .key = "inflight", .number = true },
	{ .title = "State", .key = "state" },
};

#define INSTANCE_TABLE {				\
	.columns = instance_columns,			\
	.nr_columns = 8,				\
	.altitude = INSTANCE_ALTITUDE,			\
	.then = INSTANCE_VOLUME,			\
}

static int do_instances(char **args)
{
	struct table table = INSTANCE_TABLE;
	char *path;

	(void)args;
	if (options.filter && options.volume)
		return usage("instances: either -f or -v");
	if (options.filter) {
		path = find_filter(options.filter);
		if (!path)
			return refused("no filter '%s'", options.filter);
		add_instances(path, base_name(path), &table);
	} else {
		path = format_string("%s/volumes/%s", root, options.volume ? options.volume : "");
		if (options.volume && (!name_valid(options.volume) || !is_directory(path))) {
			free(path);
			return refused("no volume '%s'", options.volume);
		}
		free(path);
		path = format_string("%s/filters", root);
		visit_entries(path, add_instances, &table);
	}
	free(path);
	/* What was asked for is the same in every line. */
	instance_columns[INSTANCE_FILTER].hidden = options.filter;
	instance_columns[INSTANCE_VOLUME].hidden = options.volume;
	return print(&table);
}

static void add_volume(const char *path, const char *name, void *arg)
{
	char *type = read_value(path, "type");
	char *instances = count_entries(path, "stack");

	if (type)
		table_add(arg, name, type, instances);
	free(type);
	free(instances);
}

static int do_volumes(char **args)
{
	static const struct column columns[] = {
		{ .title = "Volume Name", .key = "name" },
		{ .title = "FileSystem", .key = "type" },
		{ .title = "Num Instances", .key = "instances", .number = true },
	};
	struct table table = { .columns = columns, .nr_columns = 3, .altitude = -1, .then = 0 };
	char *path = format_string("%s/volumes", root);

	(void)args;
	visit_entries(path, add_volume, &table);
	free(path);
	return print(&table);
}

/* Without an entry for it, an errno has its own text. */
int explain(const char *what, const char *name, int err, const struct meaning *meaning)
{
	if (err == EACCES || err == EPERM)
		return refused("%s %s: only root may do that (%s)", what, name, strerror(err));
	for (; meaning->err; meaning++)
		if (meaning->err == err)
			return refused("%s %s: %s (%s)", what, name, meaning->text, strerror(err));
	return refused("%s %s: %s", what, name, strerror(err));
}

/* Why a file of the manager's in debugfs cannot be read. */
int no_debug_file(const char *what, const char *file, int err)
{
	static const struct meaning none[] = { { } };
	char *path = format_string("%s/%s", debug_root, file);
	int status;

	if (err != ENOENT && err != ENOTDIR && err != ENODEV && err != ENXIO)
		status = explain(what, path, err, none);
	else if (is_directory(debug_root))
		status = not_available("%s: this filter manager has no %s", what, path);
	else
		status = not_available("%s: no %s: mount -t debugfs none /sys/kernel/debug", what,
				       path);
	free(path);
	return status;
}

static const struct meaning attach_meanings[] = {
	{ ENOENT, "the filter has gone" },
	{ ENODEV, "the filter has gone" },
	{ ENXIO, "no such volume" },
	{ ENOKEY, "the filter defines no such instance; say -a ALTITUDE" },
	{ EEXIST, "the volume has an instance of that name" },
	{ EADDRINUSE, "the altitude is taken on the volume" },
	{ EINVAL, "not an altitude, or not a name" },
	{ ENOTCONN, "the filter has not started filtering" },
	{ ECONNREFUSED, "the filter refuses this volume" },
	{ ESHUTDOWN, "the filter or the volume is going" },
	{ }
};

static int do_attach(char **args)
{
	char *filter, *text;
	int err;

	if (!name_valid(args[1]))
		return refused("no volume '%s'", args[1]);
	if (options.instance && (!name_valid(options.instance) || !strcmp(options.instance, "-")))
		return usage("attach: '%s' cannot be an instance's name", options.instance);
	if (options.altitude && !name_valid(options.altitude))
		return usage("attach: '%s' is not an altitude", options.altitude);
	filter = find_filter(args[0]);
	if (!filter)
		return refused("no filter '%s'", args[0]);
	text = format_string("%s %s %s", args[1], options.instance ? options.instance : "-",
			     options.altitude ? options.altitude : "");
	err = write_value(filter, "attach", text);
	free(text);
	free(filter);
	return err ? explain("attach", args[0], err, attach_meanings) : EXIT_OK;
}

static const struct meaning detach_meanings[] = {
	{ ENOENT, "no such instance" },
	{ ENODEV, "no such instance" },
	{ EBUSY, "the filter refuses" },
	{ ESHUTDOWN, "it is being detached already" },
	{ EINTR, "not waited for; the detach goes on" },
	{ }
};

/* The name of the highest instance of a filter on a volume, or NULL. */
static char *highest_instance(const char *filter, const char *volume)
{
	struct table table = INSTANCE_TABLE;
	char *name = NULL;

	options.volume = volume;
	add_instances(filter, base_name(filter), &table);
	table_sort(&table);
	if (table.nr_rows)
		name = checked(strdup(table.rows[0].cells[INSTANCE_NAME]));
	table_free(&table);
	return name;
}

static int do_detach(char **args)
{
	char *filter, *instance, *path;
	int err = ENOENT;

	filter = find_filter(args[0]);
	if (!filter)
		return refused("no filter '%s'", args[0]);
	if (args[2])
		instance = name_valid(args[2]) ? checked(strdup(args[2])) : NULL;
	else
		instance = highest_instance(filter, args[1]);
	if (instance && name_valid(args[1])) {
		path = format_string("%s/instances/%s.%s", filter, args[1], instance);
		err = write_value(path, "detach", "1");
		free(path);
	}
	free(instance);
	free(filter);
	return err ? explain("detach", args[0], err, detach_meanings) : EXIT_OK;
}

static const struct meaning unload_meanings[] = {
	{ ENOENT, "the filter has gone" },
	{ ENODEV, "the filter has gone" },
	{ EBUSY, "the filter refuses, or can never be unloaded" },
	{ ESHUTDOWN, "it is being unloaded already" },
	{ EINTR, "not waited for; the unload goes on" },
	{ }
};

static int do_unload(char **args)
{
	char *filter = find_filter(args[0]);
	int err;

	if (!filter)
		return refused("no filter '%s'", args[0]);
	err = write_value(filter, "unload", "1");
	free(filter);
	return err ? explain("unload", args[0], err, unload_meanings) : EXIT_OK;
}

/* The exit status of a program, 127 if there is no such program. */
static int run(char * const *args)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return 127;
	if (!pid) {
		execvp(args[0], args);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

/* A filter's module is named as the filter with a prefix, unless it is not. */
static char *module_of(const char *name)
{
	char *prefixed = format_string("flt_%s", name);
	char * const probe[] = { "modprobe", "-n", "-q", "--", prefixed, NULL };

	if (strncmp(name, "flt_", 4) && !run(probe))
		return prefixed;
	free(prefixed);
	return checked(strdup(name));
}

static int do_load(char **args)
{
	char *module, *path, *p;
	char **command;
	int n = 0, status;
	bool loaded;

	if (!name_valid(args[0]) || args[0][0] == '-' || strchr(args[0], '='))
		return usage("load: '%s' is not the name of a module", args[0]);
	module = module_of(args[0]);
	for (p = module; *p; p++)
		if (*p == '-')
			*p = '_';
	path = format_string("/sys/module/%s", module);
	loaded = is_directory(path);
	free(path);
	if (loaded) {
		status = refused("load %s: module %s is loaded already (%s)", args[0], module,
				 strerror(EEXIST));
		free(module);
		return status;
	}

	while (args[n])
		n++;
	command = checked(calloc(n + 3, sizeof(*command)));
	command[0] = "modprobe";
	command[1] = "--";
	command[2] = module;
	memcpy(&command[3], &args[1], n * sizeof(*command));	/* with the NULL */
	status = run(command);
	free(command);
	free(module);
	if (status == 127)
		return not_available("load: there is no modprobe");
	return status ? EXIT_REFUSED : EXIT_OK;
}

static int do_help(char **args)
{
	(void)args;
	fputs(help_text, stdout);
	return EXIT_OK;
}

static const struct verb {
	const char *name;
	int (*run)(char **args);
	int min, max;		/* arguments */
	const char *options;	/* that it takes */
	bool manager;		/* needs one that is loaded */
} verbs[] = {
	{ "filters", do_filters, 0, 0, "j", true },
	{ "instances", do_instances, 0, 0, "jfv", true },
	{ "volumes", do_volumes, 0, 0, "j", true },
	{ "attach", do_attach, 2, 2, "ia", true },
	{ "detach", do_detach, 2, 3, "", true },
	{ "load", do_load, 1, 1000, "", false },
	{ "unload", do_unload, 1, 1, "", true },
	{ "outstanding", do_outstanding, 0, 0, "jwsfv", true },
	{ "verify", do_verify, 1, 1000, "j", true },
	{ "help", do_help, 0, 0, "", false },
};

static int run_verb(char **args, int nr_args, const char *given)
{
	const struct verb *verb = verbs;
	const struct verb *end = verbs + ARRAY_SIZE(verbs);

	while (verb < end && strcmp(verb->name, args[0]))
		verb++;
	if (verb == end)
		return usage("'%s' is not a command", args[0]);
	if (given[strspn(given, verb->options)])
		return usage("%s takes no such option", verb->name);
	if (nr_args - 1 < verb->min || nr_args - 1 > verb->max)
		return usage("%s: wrong number of arguments", verb->name);
	if (verb->manager && !is_directory(root))
		return not_available("no %s: the filter manager is not loaded (modprobe fltmgr)",
				     root);
	return verb->run(args + 1);
}

static void from_environment(const char *name, const char **value)
{
	if (getenv(name))
		*value = getenv(name);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	char given[16] = "";
	int c, status;

	from_environment("FLTMGR_SYSFS", &root);
	from_environment("FLTMGR_DEBUGFS", &debug_root);
	from_environment("FLTMGR_PARAMETERS", &parameters);
	while ((c = getopt_long(argc, argv, "f:v:i:a:wsh", long_options, NULL)) != -1) {
		switch (c) {
		case 'j':
			options.json = true;
			break;
		case 'f':
			options.filter = optarg;
			break;
		case 'v':
			options.volume = optarg;
			break;
		case 'i':
			options.instance = optarg;
			break;
		case 'a':
			options.altitude = optarg;
			break;
		case 'w':
			options.watch = true;
			break;
		case 's':
			options.stacks = true;
			break;
		case 'h':
			return do_help(NULL);
		default:
			fputs(help_text, stderr);
			return EXIT_USAGE;
		}
		if (!strchr(given, c))
			given[strlen(given)] = (char)c;
	}
	if (optind == argc)
		return usage("no command");
	status = run_verb(argv + optind, argc - optind, given);
	if (fflush(stdout) || ferror(stdout))
		return refused("standard output: %s", strerror(errno));
	return status;
}
