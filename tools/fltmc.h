/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLTMC_H
#define FLTMC_H

#include <stdbool.h>
#include <stddef.h>

#define FORMAT_PRINTF(a, b)	(format(printf, a, b))
#define __printf(a, b)		__attribute__(FORMAT_PRINTF(a, b))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define TABLE_MAX_COLUMNS	8

struct column {
	const char *title;
	const char *key;	/* in JSON */
	bool number;		/* in JSON without quotes, in a table to the right */
	bool hidden;		/* not in a table */
};

struct table {
	const struct column *columns;
	int nr_columns;
	char *(*rows)[TABLE_MAX_COLUMNS];
	size_t nr_rows;
	int altitude;		/* which column sorts it, the highest first */
	int then;		/* which one next, by name */
};

/* table.c */
void *checked(void *memory);
void table_add(struct table *table, ...);
void table_sort(struct table *table);
void table_print(const struct table *table);
void table_print_json(const struct table *table);
void table_free(struct table *table);
int altitude_compare(const char *a, const char *b);

/* tree.c: strings returned are to be freed, but that of base_name() */
typedef void (*visit_fn)(const char *path, const char *name, void *arg);

extern const char *root;

char *format_string(const char *format, ...) __printf(1, 2);
bool name_valid(const char *name);
char *read_value(const char *directory, const char *file);
int write_value(const char *directory, const char *file, const char *value);
void visit_entries(const char *path, visit_fn visit, void *arg);
char *count_entries(const char *directory, const char *below);
bool is_directory(const char *path);
char *find_filter(const char *name);
const char *base_name(const char *path);

#endif /* FLTMC_H */
