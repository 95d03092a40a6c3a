/* SPDX-License-Identifier: MIT */
/*
 * A matrix as a page of HTML: the table, and below it the story of each cell, which
 * the style shows only while it is the one asked for. No script, nothing to fetch.
 */
#include "case/matrix.h"
#include "report/page.h"

static const char style[] =
	"<style>\n"
	"body { max-width: none }\n"
	".grid thead th { position: sticky; top: 0 } .grid small { display: block; font-weight: normal }\n"
	"tr { scroll-margin-top: 16rem }\n"
	"td a { display: block; color: inherit }\n"
	".differs { font-style: italic } .omitted { background: var(--bar) } .failed { outline: 3px solid var(--refused) }\n"
	"section { display: none; position: fixed; inset: 4% 6%; padding: 1rem; overflow: auto;\n"
	"  background: var(--paper); border: 2px solid var(--rule) }\n"
	"section:target { display: block }\n"
	"section > a { position: sticky; top: 0; float: right; background: var(--panel); padding: .3rem }\n"
	"</style>\n"
	"<p>Follow a cell to its story: every command, its answer, and the reason of each refusal.\n"
	"<span class=\"ok\">Every device is in and everything is mapped</span>;\n"
	"<span class=\"omitted\">some mapping was left out</span>;\n"
	"<span class=\"refused\">a device or a map was refused, or the program ended</span>;\n"
	"<span class=\"differs\">not as on the kernel that the case is about</span>;\n"
	"<span class=\"failed\">not what the case expects</span>; a dash: not played.</p>\n";

/* ---- The table --------------------------------------------------------- */

static void put_head(const struct matrix *matrix, FILE *to)
{
	fputs("<table class=\"grid\">\n<thead><tr><th>case</th>", to);
	for (size_t i = 0; i < matrix->n_columns; i++) {
		const struct matrix_column *column = &matrix->columns[i];
		char name[100];

		matrix_column_name(column, name, sizeof(name));
		fprintf(to, "<th>%s", name);
		if (column->policy) {
			fputs("<small>", to);
			page_text(to, column->policy->about);
			fputs("</small>", to);
		}
		fputs("</th>", to);
	}
	fputs("</tr></thead>\n<tbody>\n", to);
}

static void put_cell(const struct matrix_cell *cell, size_t row, size_t column, FILE *to)
{
	static const char *const classes[] = { "quiet", "quiet", "ok", "omitted", "refused",
					       "differs", "differs", "failed" };

	fprintf(to, "<td class=\"%s\">", classes[cell->end]);
	if (cell->story)
		fprintf(to, "<a href=\"#c%zu-%zu\">", row, column);
	page_text(to, cell->words ? cell->words : "-");
	fputs(cell->story ? "</a></td>" : "</td>", to);
}

static void put_detail(const char *what, const char *text, FILE *to)
{
	if (!text)
		return;
	fprintf(to, "<br>%s: ", what);
	page_text(to, text);
}

static void put_row(const struct matrix *matrix, size_t index, FILE *to)
{
	const struct matrix_row *row = &matrix->rows[index];
	char name[200];

	matrix_row_name(row, name, sizeof(name));
	fprintf(to, "<tr id=\"r%zu\"><th>", index);
	page_text(to, name);
	fputs("<small>", to);
	page_text(to, row->file->about);
	put_detail("seen as", row->file->symptom, to);
	put_detail("source", row->file->source, to);
	fputs("</small></th>", to);
	for (size_t i = 0; i < matrix->n_columns; i++)
		put_cell(&row->cells[i], index, i, to);
	fputs("</tr>\n", to);
}

/* ---- The stories ------------------------------------------------------- */

static void put_stories(const struct matrix *matrix, size_t row, FILE *to)
{
	for (size_t i = 0; i < matrix->n_columns; i++) {
		const char *story = matrix->rows[row].cells[i].story;

		if (!story)
			continue;
		fprintf(to, "<section id=\"c%zu-%zu\"><a href=\"#r%zu\">close</a><pre>", row, i, row);
		page_text(to, story);
		fputs("</pre></section>\n", to);
	}
}

void matrix_page(const struct matrix *matrix, FILE *to)
{
	page_begin(to, "What each policy makes of each case",
		   "A case is a story told to a machine. A policy is the way a program chooses a container "
		   "or an ioas for each device, and what it makes of each refusal.");
	fputs(style, to);
	put_head(matrix, to);
	for (size_t i = 0; i < matrix->n_rows; i++)
		put_row(matrix, i, to);
	fputs("</tbody>\n</table>\n", to);
	for (size_t i = 0; i < matrix->n_rows; i++)
		put_stories(matrix, i, to);
	page_end(to);
}
