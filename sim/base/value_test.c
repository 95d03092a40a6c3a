/* SPDX-License-Identifier: MIT */
/* Numbers and truth as people write them, and what is neither. */
#include "base/value.h"

#include <check.h>
#include <stdlib.h>

#include "base/suite_test.h"

START_TEST(numbers)
{
	uint64_t number = 7;

	ck_assert(value_number("128K", &number) && number == 131072);
	ck_assert(value_number("0x1000", &number) && number == 4096);
	ck_assert(value_number("16T", &number) && number == UINT64_C(1) << 44);
	ck_assert(value_number("18446744073709551615", &number) && number == UINT64_MAX);
	ck_assert(!value_number("18446744073709551616", &number));
	ck_assert(!value_number("16777216T", &number) && !value_number("", &number));
	ck_assert(!value_number(" 1", &number) && !value_number("-2", &number) && !value_number("--1", &number));
	ck_assert(!value_number("1KB", &number) && !value_number("K", &number) && !value_number("0x", &number));
	ck_assert_uint_eq(number, UINT64_MAX);
	ck_assert(value_number("010", &number) && number == 10);
	ck_assert(value_number("15E", &number) && number == UINT64_C(15) << 60);
	ck_assert(value_number("0x1e", &number) && number == 30);
	ck_assert(value_number("2g", &number) && number == UINT64_C(2) << 30);
	ck_assert(value_number("-1", &number) && number == UINT64_MAX);
	ck_assert(value_is_too_large("18446744073709551616") && value_is_too_large("16E"));
	ck_assert(!value_is_too_large("16X") && !value_is_too_large("15E") && !value_is_too_large(""));
}
END_TEST

START_TEST(truth)
{
	bool yes;

	ck_assert(value_bool("no", &yes) && !yes && value_bool("on", &yes) && yes);
	ck_assert(!value_bool("No way", &yes));
}
END_TEST

/* What is written is read as what it was. */
START_TEST(sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { 32, "32" }, { 1000, "1000" }, { 4096, "4K" }, { 0x21000, "132K" },
		{ 1u << 21, "2M" }, { 3ull << 40, "3T" }, { 1ull << 60, "1E" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char text[VALUE_SIZE_MAX];
	uint64_t number;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_str_eq(value_size(rows[i].bytes, text), rows[i].text);
		ck_assert(value_number(text, &number) && number == rows[i].bytes);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("value");
	TCase *tests = tcase_create("values");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, numbers);
	tcase_add_test(tests, truth);
	tcase_add_test(tests, sizes);
	return suite_run(suite);
}
