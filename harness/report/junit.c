/* SPDX-License-Identifier: MIT */
/* JUnit's XML, as CI systems read it. See report.h. */
#include "cli.h"
#include "report/page.h"
#include "report/report.h"

static void attribute(FILE *to, const char *name, const char *value)
{
	fprintf(to, " %s=\"", name);
	if (value)
		page_text(to, value);
	fputc('"', to);
}

static void put_row(FILE *to, const struct report_row *row)
{
	fputs("    <testcase", to);
	attribute(to, "classname", row->suite);
	attribute(to, "name", row->name);
	if (row->verdict == REPORT_PASSED) {
		fputs("/>\n", to);
		return;
	}
	fprintf(to, ">\n      <%s", row->verdict == REPORT_FAILED ? "failure" : "skipped");
	attribute(to, "message", row->message ? row->message : "");
	fputc('>', to);
	if (row->detail)
		page_text(to, row->detail);
	fprintf(to, "</%s>\n    </testcase>\n",
		row->verdict == REPORT_FAILED ? "failure" : "skipped");
}

static size_t count(const struct report_row *rows, size_t n, enum report_verdict verdict)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += rows[i].verdict == verdict;
	return found;
}

int junit_write(FILE *to, const char *target, const struct report_row *rows, size_t n)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite", to);
	attribute(to, "name", target);
	fprintf(to, " tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\" errors=\"0\">\n", n,
		count(rows, n, REPORT_FAILED), count(rows, n, REPORT_SKIPPED));
	for (size_t i = 0; i < n; i++)
		put_row(to, &rows[i]);
	fputs("  </testsuite>\n</testsuites>\n", to);
	return cli_stream_error(to);
}
