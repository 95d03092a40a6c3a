/* SPDX-License-Identifier: MIT */
/*
 * cases/field.md, the failures that users met, and the cases say the same: every row is
 * replayed by cases that name one of its threads, or says why there is none; and every
 * case that knows what users saw is named there.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "case/library.h"
#include "base/suite_test.h"

#define PAGE "cases/field.md"
#define CELL_MAX 400
#define THREADS_MAX 16

/* | 7 | reported in | what people saw | cases | */
struct row {
	unsigned number;
	char reported[CELL_MAX], seen[CELL_MAX], cases[CELL_MAX];
};

static struct library library;
static char page[32000];

static void setup(void)
{
	struct vfiosim_errors why;
	FILE *from = fopen(PAGE, "re");
	size_t n;

	ck_assert_ptr_nonnull(from);
	n = fread(page, 1, sizeof(page) - 1, from);
	ck_assert_uint_lt(n, sizeof(page) - 1);
	page[n] = 0;
	fclose(from);
	ck_assert_int_eq(library_load(NULL, 0, &library, &why), 0);
}

static void teardown(void)
{
	library_done(&library);
}

/* The row that begins at @line; false: it is none. */
static bool read_row(const char *line, struct row *ret_row)
{
	return sscanf(line, "| %u | %399[^|] | %399[^|] | %399[^|\n] |", &ret_row->number,
		      ret_row->reported, ret_row->seen, ret_row->cases) == 4;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

static const struct case_file *find_case(const char *name, size_t length)
{
	for (size_t i = 0; i < library.n; i++) {
		const struct case_file *file = library.files[i];

		if (strlen(file->name) == length && !strncmp(file->name, name, length))
			return file;
	}
	return NULL;
}

/* ---- Threads ---- */

struct threads {
	char names[THREADS_MAX][100];
	size_t n;
};

/* "SPDK#1705, #2075" are SPDK#1705 and SPDK#2075. */
static void split(const char *text, struct threads *ret_threads)
{
	char copy[CELL_MAX], project[100] = "", *rest = copy, *token;

	snprintf(copy, sizeof(copy), "%s", text);
	ret_threads->n = 0;
	while ((token = strsep(&rest, ","))) {
		token += strspn(token, " ");
		token[strcspn(token, "\n")] = 0;
		while (*token && token[strlen(token) - 1] == ' ')
			token[strlen(token) - 1] = 0;
		if (*token != '#')
			snprintf(project, sizeof(project), "%.*s", (int)strcspn(token, "#"), token);
		ck_assert_uint_lt(ret_threads->n, THREADS_MAX);
		snprintf(ret_threads->names[ret_threads->n++], sizeof(ret_threads->names[0]),
			 "%.40s%.50s", *token == '#' ? project : "", token);
	}
}

static bool share_a_thread(const char *one, const char *other)
{
	struct threads a, b;

	split(one, &a);
	split(other, &b);
	for (size_t i = 0; i < a.n; i++)
		for (size_t k = 0; k < b.n; k++)
			if (!strcmp(a.names[i], b.names[k]))
				return true;
	return false;
}

/* ---- Tests ---- */

/* How many cases the row names, each of which was met where the row says. */
static unsigned check_cases(const struct row *row)
{
	unsigned n = 0;

	for (const char *at = row->cases; (at = strchr(at, '`')); n++) {
		size_t length = strcspn(++at, "`");
		const struct case_file *file = find_case(at, length);

		ck_assert_msg(file, PAGE ": row %u: there is no case %.*s", row->number,
			      (int)length, at);
		ck_assert_msg(file->source && file->symptom, "%s: no source, or no symptom",
			      file->name);
		ck_assert_msg(share_a_thread(row->reported, file->source),
			      PAGE ": row %u: none of %s is a source of %s, which names %s",
			      row->number, row->reported, file->name, file->source);
		at += length + 1;
	}
	return n;
}

START_TEST(a_row_has_cases_or_a_reason)
{
	unsigned n = 0;

	for (const char *line = page; line; line = next_line(line)) {
		struct row row;

		if (!read_row(line, &row))
			continue;
		n++;
		ck_assert_msg(row.number == n, PAGE ": row %u is missing", n);
		if (!check_cases(&row))
			ck_assert_msg(!strncmp(row.cases, "no case: ", 9),
				      PAGE ": row %u names no case, and no reason", n);
	}
	ck_assert_uint_ge(n, 46);
}
END_TEST

START_TEST(a_case_that_was_met_is_told)
{
	for (size_t i = 0; i < library.n; i++) {
		const struct case_file *file = library.files[i];
		char name[130];

		snprintf(name, sizeof(name), "`%s`", file->name);
		ck_assert_msg(!file->symptom || strstr(page, name),
			      "%s has a symptom, but " PAGE " does not name it", file->name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("field");
	TCase *tests = tcase_create("field");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_row_has_cases_or_a_reason);
	tcase_add_test(tests, a_case_that_was_met_is_told);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
