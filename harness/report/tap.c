/* SPDX-License-Identifier: MIT */
/* The Test Anything Protocol, version 13. See report.h. */
#include <string.h>

#include "report/report.h"

void tap_plan(FILE *to, size_t n)
{
	fprintf(to, "TAP version 13\n1..%zu\n", n);
}

/* '#' begins a directive, so a name or reason may not hold one. */
static void text(FILE *to, const char *from)
{
	for (; *from; from++)
		fputc(*from == '#' || *from == '\n' ? ' ' : *from, to);
}

static void comment(FILE *to, const char *lines)
{
	while (lines && *lines) {
		size_t length = strcspn(lines, "\n");

		fprintf(to, "# %.*s\n", (int)length, lines);
		lines += length;
		lines += *lines == '\n';
	}
}

void tap_row(FILE *to, size_t number, const struct report_row *row)
{
	fprintf(to, "%s %zu - ", row->verdict == REPORT_FAILED ? "not ok" : "ok", number);
	text(to, row->name);
	if (row->verdict == REPORT_SKIPPED) {
		fputs(" # SKIP ", to);
		text(to, row->message ? row->message : "");
	}
	fputc('\n', to);
	if (row->verdict == REPORT_FAILED) {
		comment(to, row->message);
		comment(to, row->detail);
	}
	fflush(to);
}
