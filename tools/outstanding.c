// SPDX-License-Identifier: GPL-2.0-only
/*
 * fltmc outstanding: what a teardown waits for, or would.
 *
 * Only debugfs is read for it, which answers while a teardown hangs, too. The
 * first line of the file says which columns there are; those that we do not
 * know are skipped, and those that are not there are "-".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "fltmc.h"

#define MAX_FIELDS	32

enum {
	COL_VOLUME,
	COL_FILTER,
	COL_INSTANCE,
	COL_OPERATION,
	COL_ID,
	COL_AGE,
	COL_PID,
	COL_HOW,
	COL_CALLBACK,
	COL_STACK,
	NR_COLS
};

/* The keys are the titles in the file, too. */
static struct column columns[] = {
	[COL_VOLUME] = { .title = "Volume Name", .key = "volume" },
	[COL_FILTER] = { .title = "Filter", .key = "filter" },
	[COL_INSTANCE] = { .title = "Instance Name", .key = "instance" },
	[COL_OPERATION] = { .title = "Operation", .key = "operation" },
	[COL_ID] = { .title = "Id", .key = "id", .hidden = true },
	[COL_AGE] = { .title = "Age (ms)", .key = "age_ms", .number = true },
	[COL_PID] = { .title = "Pid", .key = "pid", .number = true },
	[COL_HOW] = { .title = "How", .key = "how" },
	[COL_CALLBACK] = { .title = "Callback", .key = "callback" },
	[COL_STACK] = { .title = "Stack", .key = "stack", .hidden = true },
};

/* What the fields of a line are, by the file's first line. */
struct format {
	int column[MAX_FIELDS];		/* -1: none of ours */
	int nr;
};

/* The lines of the file "stacks", for print_stack(). */
static char **stacks;

static int column_of(const char *title)
{
	int i;

	for (i = 0; i < NR_COLS; i++)
		if (!strcmp(columns[i].key, title))
			return i;
	return -1;
}

static bool format_has(const struct format *format, int column)
{
	int i;

	for (i = 0; i < format->nr; i++)
		if (format->column[i] == column)
			return true;
	return false;
}

static bool parse_format(struct format *format, const char *line)
{
	char *copy = checked(strdup(line));
	char *word, *save;

	format->nr = 0;
	word = strtok_r(copy, " ", &save);
	if (word && !strcmp(word, "#"))
		while (format->nr < MAX_FIELDS && (word = strtok_r(NULL, " ", &save)))
			format->column[format->nr++] = column_of(word);
	free(copy);
	return format_has(format, COL_VOLUME) && format_has(format, COL_FILTER) &&
	       format_has(format, COL_AGE) && format_has(format, COL_HOW);
}

/* How long the field is that @text begins with; 0 if it is not one. */
static size_t field_length(const char *text, int column)
{
	size_t length = strcspn(text, " ");
	const char *end;

	if (column == COL_HOW) {
		end = *text == '"' ? strchr(text + 1, '"') : NULL;
		return end ? end + 1 - text : 0;
	}
	/* The module of a symbol belongs to it. */
	if (column == COL_CALLBACK && !strncmp(text + length, " [", 2)) {
		end = strchr(text + length, ']');
		length = end ? end + 1 - text : 0;
	}
	return length;
}

/* Into strings to be freed; false if the line is not of that format. */
static bool parse_line(const struct format *format, const char *line, char **cells)
{
	int i;

	for (i = 0; i < format->nr; i++) {
		int column = format->column[i];
		size_t length = field_length(line, column);
		size_t quote = column == COL_HOW;

		if (!length || line[length] != (i < format->nr - 1 ? ' ' : '\0'))
			return false;
		if (column >= 0 && !cells[column])
			cells[column] = checked(strndup(line + quote, length - 2 * quote));
		line += length + 1;
	}
	return true;
}

static bool wanted(char * const *cells)
{
	return (!options.filter || !strcasecmp(options.filter, cells[COL_FILTER])) &&
	       (!options.volume || !strcmp(options.volume, cells[COL_VOLUME]));
}

/* false: the line is something else, though it may look much like one. */
static bool add_line(struct table *table, const struct format *format, const char *line)
{
	char *cells[NR_COLS] = { };
	bool parsed = parse_line(format, line, cells);
	int i;

	for (i = 0; parsed && i < NR_COLS; i++)
		if (!cells[i])
			cells[i] = checked(strdup("-"));
	if (parsed && wanted(cells))
		table_add_cells(table, (const char * const *)cells);
	for (i = 0; i < NR_COLS; i++)
		free(cells[i]);
	return parsed;
}

/* "# VOLUME: so many more" matters for that volume only. */
static bool remark_wanted(const char *remark)
{
	size_t length;

	if (!options.volume || strncmp(remark, "# ", 2))
		return true;
	remark += 2;
	length = strcspn(remark, " ");
	if (length < 2 || remark[length - 1] != ':')
		return true;
	return length - 1 == strlen(options.volume) &&
	       !strncmp(remark, options.volume, length - 1);
}

/* After a table; beside JSON, whose readers do not expect them. */
static void print_remarks(char * const *remarks)
{
	for (; *remarks; remarks++)
		if (**remarks && remark_wanted(*remarks))
			fprintf(options.json ? stderr : stdout, "%s\n", *remarks);
}

/* The line of "stacks" behind which the frames of a stack are, or NULL. */
static char **find_stack(const char *id)
{
	size_t length = strlen(id);
	char **line;

	for (line = stacks; line && *line; line++)
		if (!strncmp(*line, "stack ", 6) && !strncmp(*line + 6, id, length) &&
		    ((*line)[6 + length] == ' ' || !(*line)[6 + length]))
			return line;
	return NULL;
}

static void print_stack(char * const *cells, bool json)
{
	const char *gap = "";
	char **frame;

	if (json)
		fputs(", \"frames\": [", stdout);
	if (strcmp(cells[COL_STACK], "-")) {
		frame = find_stack(cells[COL_STACK]);
		if (!frame && !json)
			printf("    stack %s is not there\n", cells[COL_STACK]);
		while (frame && *++frame && **frame == ' ') {
			const char *text = *frame + strspn(*frame, " ");

			if (json) {
				fputs(gap, stdout);
				print_json_string(text);
				gap = ", ";
			} else {
				printf("    %s\n", text);
			}
		}
	}
	if (json)
		putchar(']');
}

static void print_with_stacks(struct table *table, bool first)
{
	char *text = read_text(debug_root, "stacks");
	bool any = false;
	size_t row;

	for (row = 0; row < table->nr_rows; row++)
		any |= strcmp(table->rows[row].cells[COL_STACK], "-") != 0;
	if (first && table->nr_rows && !any)
		fputs("fltmc: outstanding: no stacks without the verifier (fltmc verify)\n",
		      stderr);
	stacks = text ? split_lines(text) : NULL;
	table->more = print_stack;
	table_print(table);
	free(stacks);
	stacks = NULL;
	free(text);
}

static void print_round(struct table *table, char * const *remarks, bool first)
{
	/* Not before there is something to show in its place. */
	if (options.watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	else if (!first)
		putchar('\n');
	if (options.stacks)
		print_with_stacks(table, first);
	else
		table_print(table);
	print_remarks(remarks);
}

/* What is neither there nor seen in the list is a mistake. */
static int check_names(const struct table *table)
{
	char *path;
	bool there;

	if (table->nr_rows)
		return EXIT_OK;
	if (options.filter) {
		path = find_filter(options.filter);
		free(path);
		if (!path)
			return refused("no filter '%s'", options.filter);
	}
	if (options.volume) {
		path = format_string("%s/volumes/%s", root, options.volume);
		there = name_valid(options.volume) && is_directory(path);
		free(path);
		if (!there)
			return refused("no volume '%s'", options.volume);
	}
	return EXIT_OK;
}

/* @lines: of the file. Those behind the first that are no lines of the table stay. */
static int show_lines(char **lines, bool first)
{
	struct table table = {
		.columns = columns, .nr_columns = NR_COLS, .altitude = COL_AGE, .then = -1,
	};
	struct format format;
	size_t i, nr = 0;
	int status;

	if (!lines[0] || !parse_format(&format, lines[0]))
		return refused("outstanding: %s/outstanding is not understood", debug_root);
	for (i = 1; lines[i]; i++)
		if (!add_line(&table, &format, lines[i]))
			lines[nr++] = lines[i];
	lines[nr] = NULL;
	status = first ? check_names(&table) : EXIT_OK;
	if (!status) {
		table_sort(&table);
		print_round(&table, lines, first);
	}
	table_free(&table);
	return status;
}

static int show(bool first)
{
	char *text = read_text(debug_root, "outstanding");
	char **lines;
	int status;

	if (!text)
		return no_debug_file("outstanding", "outstanding", errno);
	lines = split_lines(text);
	status = show_lines(lines, first);
	free(lines);
	free(text);
	return status;
}

/* Again each second, until nobody can see it any more. */
static int watch(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	bool first = true, failed;
	int status;

	signal(SIGPIPE, SIG_IGN);
	do {
		status = show(first);
		first = false;
		failed = fflush(stdout) || ferror(stdout);
		/*
		 * Without events we are told, at once, that the reader has gone.
		 * Then what is still buffered has none, which is no failure.
		 */
		if (!status && poll(&out, 1, failed ? 0 : 1000) > 0)
			_exit(EXIT_OK);
	} while (!status && !failed);
	return status;		/* main() says what failed */
}

int do_outstanding(char **args)
{
	(void)args;
	if (options.filter && options.volume)
		return usage("outstanding: either -f or -v");
	/* What was asked for is the same in every line. */
	columns[COL_FILTER].hidden = options.filter;
	columns[COL_VOLUME].hidden = options.volume;
	return options.watch ? watch() : show(true);
}
