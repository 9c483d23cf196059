// SPDX-License-Identifier: GPL-2.0-only
/*
 * fltmc verify: which filters the verifier is to look at, and what it found.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fltmc.h"

/* Filters that stay as they are, though something else was asked for. */
struct leftover {
	char **names;		/* which are asked about, NULL behind the last; NULL: all */
	const char *verified;	/* those of which that is so */
	char *list;
};

/* Filters differ in more than the case of letters. */
static bool named(char **names, const char *name)
{
	if (!names)
		return true;
	for (; *names; names++)
		if (!strcasecmp(*names, name))
			return true;
	return false;
}

static void add_leftover(const char *path, const char *name, void *arg)
{
	struct leftover *left = arg;
	char *verified = read_value(path, "verified");
	char *list;

	if (verified && !strcmp(verified, left->verified) && named(left->names, name)) {
		list = format_string("%s%s%s", left->list ? left->list : "",
				     left->list ? ", " : "", name);
		free(left->list);
		left->list = list;
	}
	free(verified);
}

static void tell_leftovers(char **names, bool on)
{
	struct leftover left = { .names = names, .verified = on ? "0" : "1" };
	char *filters = format_string("%s/filters", root);

	visit_entries(filters, add_leftover, &left);
	fprintf(stderr, "fltmc: verify %s: for filters that register from now on\n",
		on ? "on" : "off");
	if (left.list)
		fprintf(stderr, "fltmc: registered already, %s: %s\n",
			on ? "not verified until they are loaded anew" :
			     "verified until they are unregistered", left.list);
	free(left.list);
	free(filters);
}

static const struct meaning verify_meanings[] = {
	{ EINVAL, "the manager takes no such list of names" },
	{ E2BIG, "too many names" },
	{ ENOSPC, "too many names" },
	{ }
};

static int set_verifier(const char *text, char **names, bool on)
{
	int err = write_value(parameters, "verifier", text);

	if (err == ENOENT || err == ENOTDIR)
		return not_available("verify: this filter manager has no %s/verifier", parameters);
	if (err)
		return explain("verify", on ? "on" : "off", err, verify_meanings);
	tell_leftovers(names, on);
	return EXIT_OK;
}

static int verify_on(char **names)
{
	char *list = NULL, *longer;
	int status, i;

	for (i = 0; names[i]; i++) {
		if (!name_valid(names[i]) || strchr(names[i], ',')) {
			free(list);
			return usage("verify: '%s' cannot be the name of a filter here", names[i]);
		}
		longer = format_string("%s%s%s", list ? list : "", list ? "," : "", names[i]);
		free(list);
		list = longer;
	}
	/* These mean all and none. */
	if (i == 1 && (!strcmp(list, "0") || !strcmp(list, "1"))) {
		free(list);
		return usage("verify: '%s' cannot be the only name", names[0]);
	}
	status = set_verifier(list ? list : "1", list ? names : NULL, true);
	free(list);
	return status;
}

/* Cuts off what is before @mark, and @mark; NULL if there is none. */
static char *cut(char **text, const char *mark)
{
	char *head = *text;
	char *end = strstr(head, mark);

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + strlen(mark);
	return head;
}

enum { IN_RULE, IN_FILTER, IN_INSTANCE, IN_VOLUME, IN_OPERATION, NR_IN };

static const char * const keys[] = {
	[IN_RULE] = "rule",
	[IN_FILTER] = "filter",
	[IN_INSTANCE] = "instance",
	[IN_VOLUME] = "volume",
	[IN_OPERATION] = "operation",
};

/* What ends each of them in a report's first line. */
static const char * const marks[] = {
	[IN_RULE] = ": filter ",
	[IN_FILTER] = " instance ",
	[IN_INSTANCE] = " volume ",
	[IN_VOLUME] = " operation ",
	[IN_OPERATION] = ": ",
};

static void print_json_head(const char *line)
{
	char *copy = checked(strdup(line));
	char *rest = copy;
	const char *values[NR_IN];
	bool parsed = cut(&rest, "violation ") && rest == copy + strlen("violation ");
	int i;

	for (i = 0; parsed && i < NR_IN; i++) {
		values[i] = cut(&rest, marks[i]);
		parsed = values[i];
	}
	/* Of a line in another form all is text. */
	for (i = 0; i < NR_IN; i++) {
		printf("\"%s\": ", keys[i]);
		print_json_string(parsed ? values[i] : "-");
		fputs(", ", stdout);
	}
	fputs("\"text\": ", stdout);
	print_json_string(parsed ? rest : line);
	free(copy);
}

/* @lines: of one report, and those behind it. Returns where they go on. */
static char **print_json_report(char **lines)
{
	const char *gap = "";

	print_json_head(*lines++);
	fputs(", \"details\": [", stdout);
	for (; *lines && **lines; lines++) {
		fputs(gap, stdout);
		print_json_string(*lines + strspn(*lines, " \t"));
		gap = ", ";
	}
	putchar(']');
	return lines;
}

static void print_json_reports(unsigned long long total, char **lines)
{
	const char *gap = "\n {";

	printf("{\"violations\": %llu, \"reports\": [", total);
	while (*lines) {
		if (!**lines) {
			lines++;
			continue;
		}
		fputs(gap, stdout);
		lines = print_json_report(lines);
		putchar('}');
		gap = ",\n {";
	}
	puts(gap[0] == ',' ? "\n]}" : "]}");
}

static int verify_report(void)
{
	char *text = read_text(debug_root, "violations");
	unsigned long long total;
	char **lines;

	if (!text)
		return no_debug_file("verify", "violations", errno);
	if (sscanf(text, "# violations %llu", &total) != 1) {
		free(text);
		return refused("verify: %s/violations is not understood", debug_root);
	}
	if (options.json) {
		lines = split_lines(text);
		print_json_reports(total, lines + 1);
		free(lines);
	} else {
		fputs(text, stdout);
	}
	free(text);
	return total ? EXIT_REFUSED : EXIT_OK;
}

int do_verify(char **args)
{
	if (!strcmp(args[0], "report") && !args[1])
		return verify_report();
	if (options.json)
		return usage("verify takes --json with report only");
	if (!strcmp(args[0], "on"))
		return verify_on(args + 1);
	if (!strcmp(args[0], "off") && !args[1])
		return set_verifier("0", NULL, false);
	return usage("verify: on, off or report");
}
