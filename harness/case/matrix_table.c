/* SPDX-License-Identifier: MIT */
/* A matrix on a terminal. See matrix.h. */
#include <string.h>

#include "case/matrix.h"

#define NAME_MAX_LENGTH 200
#define WORD_MAX_LENGTH 40
#define GAP 2	/* blanks between columns */

struct table {
	const struct matrix *matrix;
	FILE *to;
	bool colours;
	bool scripted;				/* as scripted as well, and cases that no policy plays */
	bool brief;				/* a word for each cell, names in two lines */
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

/* ---- A cell, a name ---- */

/* What became of a play in a word. */
enum word { WORD_NONE, WORD_SKIPPED, WORD_OK, WORD_OMITS, WORD_REFUSED, WORD_NO_MAP, WORD_ENDS, WORD_LACKS, WORD_DIFFERS,
	    WORD_FAILED };

static const struct {
	const char *word;
	const char *meaning;	/* NULL: needs none */
} words[] = {
	[WORD_NONE] = { "-", "not written for the policy's mode" },
	[WORD_SKIPPED] = { "skipped", "cannot be run here" },
	[WORD_OK] = { "ok", "every device is in, with everything mapped" },
	[WORD_OMITS] = { "omits", "some mapping is left out" },
	[WORD_REFUSED] = { "refused", "a device is refused" },
	[WORD_NO_MAP] = { "no map", "a mapping is refused, and the program goes on" },
	[WORD_ENDS] = { "ends", "the program gives up" },
	[WORD_LACKS] = { "lacks", "the kernel has no /dev/iommu (6.2) or no nodes of devices' own (6.6)" },
	[WORD_DIFFERS] = { "differs", "not as on the kernel that the case is about" },
	[WORD_FAILED] = { "FAILED", NULL },
};

static enum word word_of(const struct matrix_cell *cell)
{
	switch (cell->end) {
	case MATRIX_NONE:
		return WORD_NONE;
	case MATRIX_SKIPPED:
		return WORD_SKIPPED;
	case MATRIX_WELL:
		return WORD_OK;
	case MATRIX_OMITTED:
		return WORD_OMITS;
	case MATRIX_REFUSED:
		return cell->how.aborted ? WORD_ENDS : cell->how.refused ? WORD_REFUSED : WORD_NO_MAP;
	case MATRIX_LACKS:
		return WORD_LACKS;
	case MATRIX_DIFFERS:
		return WORD_DIFFERS;
	case MATRIX_FAILED:
		break;
	}
	return WORD_FAILED;
}

/* The text of a cell; @word is for the text of a brief one. */
static const char *cell_text(const struct table *table, const struct matrix_cell *cell,
			     char word[WORD_MAX_LENGTH])
{
	const char *what = words[word_of(cell)].word;

	if (!table->brief)
		return cell->words ? cell->words : "-";
	if (cell->end < MATRIX_WELL || cell->how.spaces < 2)
		return what;
	snprintf(word, WORD_MAX_LENGTH, "%u %s", cell->how.spaces, what);
	return word;
}

/* The name of a column as its head's first or second line has it: "qemu-", "legacy". */
static void head_text(const struct table *table, size_t column, unsigned line, char *to, size_t size)
{
	char name[NAME_MAX_LENGTH];
	size_t first = 0;

	matrix_column_name(&table->matrix->columns[column], name, sizeof(name));
	if (table->brief && strchr(name, '-'))
		first = (size_t)(strchr(name, '-') + 1 - name);
	if (line == 0)
		snprintf(to, size, "%.*s", (int)first, name);
	else
		snprintf(to, size, "%s", name + first);
}

/* ---- How wide ---- */

static void measure_column(struct table *table, size_t column)
{
	const struct matrix *matrix = table->matrix;
	char name[NAME_MAX_LENGTH], word[WORD_MAX_LENGTH];
	unsigned width = 0;

	table->widths[column] = 0;
	if (!matrix->columns[column].policy && !table->scripted)
		return;
	for (size_t i = 0; i < matrix->n_rows; i++)
		if (matrix->rows[i].cells[column].words)
			width = longer(width, cell_text(table, &matrix->rows[i].cells[column], word));
	if (!width)
		return;
	for (unsigned line = 0; line < 2; line++) {
		head_text(table, column, line, name, sizeof(name));
		width = longer(width, name);
	}
	table->widths[column] = width;
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
static void put_cell(const struct table *table, const char *text, enum matrix_end end,
		     unsigned width, bool last)
{
	static const char *const colours[] = { "\033[2m", "\033[2m", "\033[32m", "\033[33m",
					       "\033[31m", "\033[35m", "\033[1;37;41m" };

	fprintf(table->to, "%*s%s%s%s", GAP, "", table->colours ? colours[end] : "", text,
		table->colours ? "\033[0m" : "");
	if (!last)
		fprintf(table->to, "%*s", (int)(width - strlen(text)), "");
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

static void put_head_line(const struct table *table, size_t first, size_t end, unsigned line)
{
	fprintf(table->to, "%s%-*s", table->colours ? "\033[1m" : "", (int)table->name_width,
		line ? "case" : "");
	for (size_t i = first; i < end; i++) {
		char name[NAME_MAX_LENGTH];

		head_text(table, i, line, name, sizeof(name));
		if (table->widths[i])
			fprintf(table->to, "%*s%-*s", GAP, "",
				i == last_shown(table, first, end) ? 0 : (int)table->widths[i], name);
	}
	fputs(table->colours ? "\033[0m\n" : "\n", table->to);
}

static void put_head(const struct table *table, size_t first, size_t end)
{
	if (table->brief)
		put_head_line(table, first, end, 0);
	put_head_line(table, first, end, 1);
}

static void put_row(const struct table *table, const struct matrix_row *row, size_t first,
		    size_t end)
{
	char name[NAME_MAX_LENGTH], word[WORD_MAX_LENGTH];

	matrix_row_name(row, name, sizeof(name));
	fprintf(table->to, "%-*s", (int)table->name_width, name);
	for (size_t i = first; i < end; i++)
		if (table->widths[i])
			put_cell(table, cell_text(table, &row->cells[i], word), row->cells[i].end, table->widths[i],
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

/* ---- What the words mean ---- */

static bool has_word(const struct table *table, enum word word)
{
	for (size_t i = 0; i < table->matrix->n_rows; i++) {
		const struct matrix_row *row = &table->matrix->rows[i];

		for (size_t k = 0; k < table->matrix->n_columns; k++)
			if (is_told(table, row) && table->widths[k] && word_of(&row->cells[k]) == word)
				return true;
	}
	return false;
}

static void put_meanings(const struct table *table)
{
	fputc('\n', table->to);
	for (enum word word = WORD_NONE; word <= WORD_FAILED; word++)
		if (words[word].meaning && has_word(table, word))
			fprintf(table->to, "%-7s  %s\n", words[word].word, words[word].meaning);
	fputs("A number is how many spaces there are at the end, where they are not one.\n"
	      "Not shown: which devices and which mappings. --wide shows them.\n", table->to);
}

static bool fits(const struct table *table, unsigned width)
{
	unsigned used = table->name_width;

	for (size_t i = 0; i < table->matrix->n_columns; i++)
		used += table->widths[i] ? GAP + table->widths[i] : 0;
	return !width || used <= width;
}

void matrix_print(const struct matrix *matrix, FILE *to, unsigned width, bool colours)
{
	struct table table = { .matrix = matrix, .to = to, .colours = colours,
			       .scripted = matrix->scripted || !has_policies(matrix) };
	size_t first = 0;

	measure(&table);
	if (!fits(&table, width) && has_policies(matrix)) {
		table.brief = true;
		measure(&table);
	}
	while (first < matrix->n_columns) {
		size_t end = block_end(&table, first, width);

		put_block(&table, first, end);
		if (end < matrix->n_columns && has_columns(&table, end, matrix->n_columns))
			putc('\n', to);
		first = end;
	}
	if (table.brief)
		put_meanings(&table);
}
