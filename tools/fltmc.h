/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLTMC_H
#define FLTMC_H

#include <stdbool.h>
#include <stddef.h>

#define FORMAT_PRINTF(a, b)	(format(printf, a, b))
#define __printf(a, b)		__attribute__(FORMAT_PRINTF(a, b))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define TABLE_MAX_COLUMNS	10

enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_AVAILABLE = 3,
};

/* What the command line said. */
struct options {
	bool json;
	bool watch;
	bool stacks;
	const char *filter;
	const char *volume;
	const char *instance;
	const char *altitude;
};

extern struct options options;

/* What an errno means for what was asked. A list of them ends with an empty one. */
struct meaning {
	int err;
	const char *text;
};

/* fltmc.c: each says it on standard error, and returns the exit status */
int usage(const char *format, ...) __printf(1, 2);
int refused(const char *format, ...) __printf(1, 2);
int not_available(const char *format, ...) __printf(1, 2);
int explain(const char *what, const char *name, int err, const struct meaning *meaning);
int no_debug_file(const char *what, const char *file, int err);

/* outstanding.c, verify.c */
int do_outstanding(char **args);
int do_verify(char **args);

struct column {
	const char *title;
	const char *key;	/* in JSON */
	bool number;		/* in JSON without quotes, or null; in a table to the right */
	bool hidden;		/* not in a table */
};

struct row {
	char *cells[TABLE_MAX_COLUMNS];
	size_t nr;		/* as it was added */
};

struct table {
	const struct column *columns;
	int nr_columns;
	struct row *rows;
	size_t nr_rows;
	int altitude;		/* which column sorts it, the highest first; -1: none */
	int then;		/* which one next, by name; -1: none */
	/* NULL, or prints what belongs to a row and is no column. */
	void (*more)(char * const *cells, bool json);
};

/* table.c */
void *checked(void *memory);
void table_add(struct table *table, ...);
void table_add_cells(struct table *table, const char * const *cells);
void table_sort(struct table *table);
void table_print(const struct table *table);
void table_free(struct table *table);
void print_json_string(const char *text);
int altitude_compare(const char *a, const char *b);

/* tree.c: strings returned are to be freed, but that of base_name() */
typedef void (*visit_fn)(const char *path, const char *name, void *arg);

extern const char *root;
extern const char *debug_root;
extern const char *parameters;

char *format_string(const char *format, ...) __printf(1, 2);
bool name_valid(const char *name);
char *read_value(const char *directory, const char *file);
char *read_text(const char *directory, const char *file);
char **split_lines(char *text);
int write_value(const char *directory, const char *file, const char *value);
void visit_entries(const char *path, visit_fn visit, void *arg);
char *count_entries(const char *directory, const char *below);
bool is_directory(const char *path);
char *find_filter(const char *name);
const char *base_name(const char *path);

#endif /* FLTMC_H */
