// SPDX-License-Identifier: GPL-2.0-only
/*
 * fltmc: tables, for people and as JSON.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fltmc.h"

/* Memory that is short ends the program. */
void *checked(void *memory)
{
	if (memory)
		return memory;
	fputs("fltmc: out of memory\n", stderr);
	exit(1);
}

/* As many strings as there are columns; they are copied. */
void table_add_cells(struct table *table, const char * const *cells)
{
	struct row *row;
	int i;

	table->rows = checked(realloc(table->rows, (table->nr_rows + 1) * sizeof(*table->rows)));
	row = &table->rows[table->nr_rows];
	for (i = 0; i < table->nr_columns; i++)
		row->cells[i] = checked(strdup(cells[i]));
	row->nr = table->nr_rows++;
}

void table_add(struct table *table, ...)
{
	const char *cells[TABLE_MAX_COLUMNS];
	va_list args;
	int i;

	va_start(args, table);
	for (i = 0; i < table->nr_columns; i++)
		cells[i] = va_arg(args, const char *);
	va_end(args);
	table_add_cells(table, cells);
}

void table_free(struct table *table)
{
	size_t row;
	int i;

	for (row = 0; row < table->nr_rows; row++)
		for (i = 0; i < table->nr_columns; i++)
			free(table->rows[row].cells[i]);
	free(table->rows);
	table->rows = NULL;
	table->nr_rows = 0;
}

/*
 * An altitude is a decimal number of any length: "3333" and "03333." are the
 * same and higher than "100.123456". No number type can hold that.
 */
int altitude_compare(const char *a, const char *b)
{
	size_t na, nb;
	int diff;

	a += strspn(a, "0");
	b += strspn(b, "0");
	na = strcspn(a, ".");
	nb = strcspn(b, ".");
	if (na != nb)
		return na < nb ? -1 : 1;
	diff = strncmp(a, b, na);
	if (diff)
		return diff;
	a += na + (a[na] == '.');
	b += nb + (b[nb] == '.');
	while (*a && *a == *b) {
		a++;
		b++;
	}
	/* What is left of either may be zeros, which do not count. */
	if (!a[strspn(a, "0")] && !b[strspn(b, "0")])
		return 0;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* qsort() has no argument for it. */
static const struct table *sorted;

static int row_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int diff = 0;

	if (sorted->altitude >= 0)
		diff = altitude_compare(y->cells[sorted->altitude], x->cells[sorted->altitude]);
	if (!diff && sorted->then >= 0)
		diff = strcmp(x->cells[sorted->then], y->cells[sorted->then]);
	if (!diff)
		diff = x->nr < y->nr ? -1 : 1;
	return diff;
}

void table_sort(struct table *table)
{
	sorted = table;
	if (table->nr_rows)
		qsort(table->rows, table->nr_rows, sizeof(*table->rows), row_compare);
}

static int column_width(const struct table *table, int i)
{
	size_t row, width = strlen(table->columns[i].title);

	for (row = 0; row < table->nr_rows; row++)
		if (strlen(table->rows[row].cells[i]) > width)
			width = strlen(table->rows[row].cells[i]);
	return (int)width;
}

/* @row NULL: the titles. */
static void print_line(const struct table *table, char * const *row, const int *width)
{
	int i, gap = 0, missing = 0;

	for (i = 0; i < table->nr_columns; i++) {
		const struct column *column = &table->columns[i];
		const char *text = row ? row[i] : column->title;
		int pad = width[i] - (int)strlen(text);

		if (column->hidden)
			continue;
		if (column->number)
			missing += pad;
		printf("%*s%s", gap + missing, "", text);
		/* Carried on to the next column, so that no line ends in blanks. */
		missing = column->number ? 0 : pad;
		gap = 2;
	}
	putchar('\n');
}

static void print_table(const struct table *table)
{
	int width[TABLE_MAX_COLUMNS];
	const char *gap = "";
	size_t row;
	int i, n;

	for (i = 0; i < table->nr_columns; i++)
		width[i] = column_width(table, i);
	print_line(table, NULL, width);
	for (i = 0; i < table->nr_columns; i++) {
		if (table->columns[i].hidden)
			continue;
		fputs(gap, stdout);
		for (n = 0; n < width[i]; n++)
			putchar('-');
		gap = "  ";
	}
	putchar('\n');
	for (row = 0; row < table->nr_rows; row++) {
		print_line(table, table->rows[row].cells, width);
		if (table->more)
			table->more(table->rows[row].cells, false);
	}
}

void print_json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_json_cell(const struct column *column, const char *text)
{
	printf("\"%s\": ", column->key);
	if (!column->number)
		print_json_string(text);
	else if (!*text || text[strspn(text, "0123456789")])
		fputs("null", stdout);
	else
		fputs(text, stdout);
}

static void print_json(const struct table *table)
{
	size_t row;
	int i;

	putchar('[');
	for (row = 0; row < table->nr_rows; row++) {
		fputs(row ? ",\n {" : "\n {", stdout);
		for (i = 0; i < table->nr_columns; i++) {
			fputs(i ? ", " : "", stdout);
			print_json_cell(&table->columns[i], table->rows[row].cells[i]);
		}
		if (table->more)
			table->more(table->rows[row].cells, true);
		putchar('}');
	}
	puts(table->nr_rows ? "\n]" : "]");
}

/* For people, or as JSON: as the command line says. */
void table_print(const struct table *table)
{
	if (options.json)
		print_json(table);
	else
		print_table(table);
}
