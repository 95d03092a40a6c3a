/* SPDX-License-Identifier: MIT */
/*
 * A matrix as a page of HTML: the table, and below it the story of each cell, which
 * the style shows only while it is the one asked for. No script, nothing to fetch.
 */
#include "case/matrix.h"

static void put_escaped(const char *text, FILE *to)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			putc(*text, to);
		}
	}
}

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<title>vfiosim: what each policy makes of each case</title>\n<style>\n"
	"body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; background: #fff }\n"
	"table { border-collapse: collapse }\n"
	"th, td { border: 1px solid #ccc; padding: .2em .5em; text-align: left; vertical-align: top }\n"
	"thead th { position: sticky; top: 0; background: #eee }\n"
	"th small { display: block; font-weight: normal; color: #555 }\n"
	"td a { color: inherit; text-decoration: none; display: block }\n"
	"td a:hover, td a:focus { text-decoration: underline }\n"
	".none { color: #999 } .skipped { background: #eee } .well { background: #dff0d8 }\n"
	".omitted { background: #fcf3cf } .refused { background: #f8d7d0 }\n"
	".failed { background: #b00020; color: #fff }\n"
	"section { display: none; position: fixed; inset: 4% 6%; background: #fff; border: 1px solid #555;\n"
	"  box-shadow: 0 0 0 100vmax rgba(0,0,0,.4); overflow: auto; padding: 1em; z-index: 1 }\n"
	"section:target { display: block }\n"
	"section > a { position: sticky; top: 0; float: right; background: #eee; padding: .2em .6em }\n"
	"pre { white-space: pre-wrap; font: 13px/1.35 monospace }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"body, section { background: #1c1c1c; color: #ddd } thead th, .skipped, section > a { background: #333 }\n"
	".well { background: #1e3d1e } .omitted { background: #4a3f10 } .refused { background: #552420 }\n"
	"th small { color: #aaa } a { color: #8cf } }\n"
	"</style>\n</head>\n<body>\n"
	"<h1>What each policy makes of each case</h1>\n"
	"<p>A case is a story told to a machine. A policy is the way a program chooses a container\n"
	"or an ioas for each device, and what it makes of each refusal. Follow a cell to its story:\n"
	"every command, its answer, and the reason of each refusal.</p>\n"
	"<p><span class=\"well\">every device is in, everything is mapped</span>,\n"
	"<span class=\"omitted\">some mapping was left out</span>,\n"
	"<span class=\"refused\">a device was refused, or the program ended</span>,\n"
	"<span class=\"failed\">not what the case expects</span>; a dash: not played.</p>\n";

/* ---- The table --------------------------------------------------------- */

static void put_head(const struct matrix *matrix, FILE *to)
{
	fputs("<table id=\"table\">\n<thead><tr><th>case</th>", to);
	for (size_t i = 0; i < matrix->n_columns; i++) {
		const struct matrix_column *column = &matrix->columns[i];
		char name[100];

		matrix_column_name(column, name, sizeof(name));
		fprintf(to, "<th>%s", name);
		if (column->policy) {
			fputs("<small>", to);
			put_escaped(column->policy->about, to);
			fputs("</small>", to);
		}
		fputs("</th>", to);
	}
	fputs("</tr></thead>\n<tbody>\n", to);
}

static void put_cell(const struct matrix_cell *cell, size_t row, size_t column, FILE *to)
{
	static const char *const classes[] = { "none", "skipped", "well", "omitted", "refused",
					       "failed" };

	fprintf(to, "<td class=\"%s\">", classes[cell->end]);
	if (cell->story)
		fprintf(to, "<a href=\"#c%zu-%zu\">", row, column);
	put_escaped(cell->words ? cell->words : "-", to);
	fputs(cell->story ? "</a></td>" : "</td>", to);
}

static void put_row(const struct matrix *matrix, size_t index, FILE *to)
{
	const struct matrix_row *row = &matrix->rows[index];
	char name[200];

	matrix_row_name(row, name, sizeof(name));
	fputs("<tr><th>", to);
	put_escaped(name, to);
	fputs("<small>", to);
	put_escaped(row->file->about, to);
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
		fprintf(to, "<section id=\"c%zu-%zu\"><a href=\"#table\">close</a><pre>", row, i);
		put_escaped(story, to);
		fputs("</pre></section>\n", to);
	}
}

void matrix_page(const struct matrix *matrix, FILE *to)
{
	fputs(head, to);
	put_head(matrix, to);
	for (size_t i = 0; i < matrix->n_rows; i++)
		put_row(matrix, i, to);
	fputs("</tbody>\n</table>\n", to);
	for (size_t i = 0; i < matrix->n_rows; i++)
		put_stories(matrix, i, to);
	fputs("</body>\n</html>\n", to);
}
