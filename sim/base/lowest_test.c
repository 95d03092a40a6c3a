/* SPDX-License-Identifier: MIT */
/* The lowest free number, beyond the 64 that are looked at together, too. */
#include "base/lowest.h"

#include <check.h>

#include "base/suite_test.h"

static int number_at(const void *ctx, size_t i)
{
	return ((const int *)ctx)[i];
}

START_TEST(test_lowest)
{
	int numbers[200] = { 0 };

	ck_assert_int_eq(lowest_free(0, number_at, numbers), 0);
	/* In no order: 0, 7, 14, ... */
	for (int i = 0; i < 200; i++)
		numbers[i] = i * 7 % 200;
	ck_assert_int_eq(lowest_free(200, number_at, numbers), 200);
	for (int hole = 0; hole < 200; hole++) {
		int i = 0;

		while (numbers[i] != hole)
			i++;
		numbers[i] = -1;
		ck_assert_int_eq(lowest_free(200, number_at, numbers), hole);
		numbers[i] = 1000;
		ck_assert_int_eq(lowest_free(200, number_at, numbers), hole);
		numbers[i] = hole;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lowest");
	TCase *tests = tcase_create("lowest");

	tcase_add_test(tests, test_lowest);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
