/* SPDX-License-Identifier: MIT */
/* Sentences with values: each style, what is left as it stands, and buffers too small. */
#include "base/text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/trace.h>

#include "base/suite_test.h"

static const struct vfiosim_value values[] = {
	{ "first", 0xfee00000, NULL },
	{ "n", 65535, NULL },
	{ "fd", (uint64_t)-1, NULL },
	{ "page", 4096, NULL },
	{ "huge", 3ull << 40, NULL },
	{ "odd", 4097, NULL },
	{ "zero", 0, NULL },
	{ "one", 1, NULL },
	{ "most", UINT64_MAX, NULL },
	{ "type", 0, "msi" },
	{ "empty", 0, "" },
	{ NULL, 0, NULL },
};

static const struct {
	const char *sentence, *text;
} rows[] = {
	{ "", "" },
	{ "nothing to fill", "nothing to fill" },
	{ "{first}", "0xfee00000" },
	{ "{n:d} of {n}", "65535 of 0xffff" },
	{ "fd {fd:d}", "fd -1" },
	{ "{page:size} {huge:size} {odd:size} {zero:size}", "4K 3T 4097 0" },
	{ "{most}", "0xffffffffffffffff" },
	{ "{n:d} page{n:s}, {one:d} page{one:s}, {zero:d} page{zero:s}", "65535 pages, 1 page, 0 pages" },
	{ "at {first} overlaps {type}.", "at 0xfee00000 overlaps msi." },
	{ "{type:d}", "msi" },
	{ "[{empty}]", "[]" },
	{ "{unknown} {unknown:d}", "{unknown} {unknown:d}" },
	{ "{n:roman}", "{n:roman}" },
	{ "{}", "{}" },
	{ "{{n:d}}", "{65535}" },
	{ "open { end", "open { end" },
	{ "{n", "{n" },
	{ "} {zero}", "} 0x0" },
};

START_TEST(test_rows)
{
	char text[100];

	ck_assert_uint_eq(text_fill(text, sizeof(text), rows[_i].sentence, values),
			  strlen(rows[_i].text));
	ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

START_TEST(test_small_buffers)
{
	const char *whole = "0xfee00000 msi";

	for (size_t size = 0; size <= strlen(whole) + 2; size++) {
		char text[32];
		size_t fits = size > strlen(whole) ? strlen(whole) : size - 1;

		memset(text, '#', sizeof(text));
		ck_assert_uint_eq(text_fill(text, size, "{first} {type}", values), strlen(whole));
		ck_assert_int_eq(text[size], '#');
		if (!size)
			continue;
		ck_assert_uint_eq(strlen(text), fits);
		ck_assert_int_eq(memcmp(text, whole, fits), 0);
	}
}
END_TEST

START_TEST(test_no_values)
{
	char text[32];

	text_fill(text, sizeof(text), "{a} b", NULL);
	ck_assert_str_eq(text, "{a} b");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *tests = tcase_create("text");

	tcase_add_loop_test(tests, test_rows, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tests, test_small_buffers);
	tcase_add_test(tests, test_no_values);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
