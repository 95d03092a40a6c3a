/* SPDX-License-Identifier: MIT */
/* A matrix on a terminal. See matrix.h. */
#include <string.h>

#include "case/matrix.h"

#define NAME_MAX_LENGTH 200
#define GAP 2	/* blanks between columns */

struct table {
	const struct matrix *matrix;
	FILE *to;
	bool colours;
	bool scripted;				/* what is told: as scripted, or policies */
	unsigned name_width;
	unsigned widths[MATRIX_COLUMNS_MAX];	/* 0: no cell, so no column */
};

static bool is_told(const struct table *table, const struct matrix_row *row)
{
	return table->scripted || row->has_policies;
}

static unsigned longer(unsigned width, const char *text)
{
	unsigned length = text ? (unsigned)strlen(text) : 0;

	return length > width ? length : width;
}

static void measure_column(struct table *table, size_t column)
{
	const struct matrix *matrix = table->matrix;
	char name[NAME_MAX_LENGTH];
	unsigned width = 0;

	if (table->scripted != !matrix->columns[column].policy)
		return;
	for (size_t i = 0; i < matrix->n_rows; i++)
		width = longer(width, matrix->rows[i].cells[column].words);
	matrix_column_name(&matrix->columns[column], name, sizeof(name));
	if (width)
		table->widths[column] = longer(width, name);
}

static void measure(struct table *table)
{
	char name[NAME_MAX_LENGTH];

	for (size_t i = 0; i < table->matrix->n_rows; i++) {
		matrix_row_name(&table->matrix->rows[i], name, sizeof(name));
		if (is_told(table, &table->matrix->rows[i]))
			table->name_width = longer(table->name_width, name);
	}
	for (size_t i = 0; i < table->matrix->n_columns; i++)
		measure_column(table, i);
}

/* @last: nothing follows in its line, so no blanks either. */
static void put_cell(const struct table *table, const char *words, enum matrix_end end,
		     unsigned width, bool last)
{
	static const char *const colours[] = { "\033[2m", "\033[2m", "\033[32m", "\033[33m",
					       "\033[31m", "\033[1;37;41m" };

	fprintf(table->to, "%*s%s%s%s", GAP, "", table->colours ? colours[end] : "", words,
		table->colours ? "\033[0m" : "");
	if (!last)
		fprintf(table->to, "%*s", (int)(width - strlen(words)), "");
}

/* Columns first..end-1 that fit into @width beside the name; at least one. */
static size_t block_end(const struct table *table, size_t first, unsigned width)
{
	unsigned used = table->name_width;
	size_t end = first;

	for (; end < table->matrix->n_columns; end++) {
		if (!table->widths[end])
			continue;
		used += GAP + table->widths[end];
		if (width && used > width && end > first)
			break;
	}
	return end;
}

static size_t last_shown(const struct table *table, size_t first, size_t end)
{
	while (end > first + 1 && !table->widths[end - 1])
		end--;
	return end - 1;
}

static void put_head(const struct table *table, size_t first, size_t end)
{
	fprintf(table->to, "%s%-*s", table->colours ? "\033[1m" : "", (int)table->name_width, "case");
	for (size_t i = first; i < end; i++) {
		char name[NAME_MAX_LENGTH];

		matrix_column_name(&table->matrix->columns[i], name, sizeof(name));
		if (table->widths[i])
			fprintf(table->to, "%*s%-*s", GAP, "",
				i == last_shown(table, first, end) ? 0 : (int)table->widths[i], name);
	}
	fputs(table->colours ? "\033[0m\n" : "\n", table->to);
}

static void put_row(const struct table *table, const struct matrix_row *row, size_t first,
		    size_t end)
{
	char name[NAME_MAX_LENGTH];

	matrix_row_name(row, name, sizeof(name));
	fprintf(table->to, "%-*s", (int)table->name_width, name);
	for (size_t i = first; i < end; i++)
		if (table->widths[i])
			put_cell(table, row->cells[i].words ? row->cells[i].words : "-",
				 row->cells[i].end, table->widths[i],
				 i == last_shown(table, first, end));
	putc('\n', table->to);
}

static bool has_columns(const struct table *table, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (table->widths[i])
			return true;
	return false;
}

static void put_block(const struct table *table, size_t first, size_t end)
{
	if (!has_columns(table, first, end))
		return;
	put_head(table, first, end);
	for (size_t i = 0; i < table->matrix->n_rows; i++)
		if (is_told(table, &table->matrix->rows[i]))
			put_row(table, &table->matrix->rows[i], first, end);
}

static bool has_policies(const struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_rows; i++)
		if (matrix->rows[i].has_policies)
			return true;
	return false;
}

void matrix_print(const struct matrix *matrix, FILE *to, unsigned width, bool colours)
{
	struct table table = { .matrix = matrix, .to = to, .colours = colours,
			       .scripted = !has_policies(matrix) };
	size_t first = 0;

	measure(&table);
	while (first < matrix->n_columns) {
		size_t end = block_end(&table, first, width);

		put_block(&table, first, end);
		if (end < matrix->n_columns && has_columns(&table, end, matrix->n_columns))
			putc('\n', to);
		first = end;
	}
}
