/* SPDX-License-Identifier: MIT */
/* Lists of errors: in order, each once, and what becomes of too many. */
#include "base/errors.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite_test.h"

static struct vfiosim_errors errors;

START_TEST(in_order_and_once)
{
	errors_init(&errors);
	ck_assert_int_eq(errors_add(&errors, "f", 2, 1, "c"), -EINVAL);
	errors_add(&errors, "f", 1, 9, "b");
	errors_add(&errors, "f", 2, 1, "%s", "c");
	errors_add(&errors, "f", 2, 1, "d");
	errors_add(&errors, "f", 0, 0, "a");
	ck_assert_uint_eq(errors.n, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(errors.list[i].message[0], "abcd"[i]);
	ck_assert(!errors.more);
	ck_assert_int_eq(errors_add(NULL, "f", 1, 1, "x"), -EINVAL);
}
END_TEST

/* The first by place are kept, whenever they were found. */
START_TEST(too_many)
{
	errors_init(&errors);
	for (unsigned i = 1; i <= 100; i++)
		errors_add(&errors, "f", i % 2 ? i : 102 - i, 1, "x");
	ck_assert_uint_eq(errors.n, VFIOSIM_ERRORS_MAX);
	ck_assert(errors.more);
	for (unsigned i = 0; i < VFIOSIM_ERRORS_MAX; i++)
		ck_assert_uint_eq(errors.list[i].line, i + 1);
}
END_TEST

START_TEST(the_worse_of_two)
{
	ck_assert_int_eq(worse(0, 0), 0);
	ck_assert_int_eq(worse(-EINVAL, 0), -EINVAL);
	ck_assert_int_eq(worse(0, -EINVAL), -EINVAL);
	ck_assert_int_eq(worse(-EINVAL, -ENOMEM), -ENOMEM);
	ck_assert_int_eq(worse(-ENOMEM, -EINVAL), -ENOMEM);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errors");
	TCase *tests = tcase_create("errors");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, in_order_and_once);
	tcase_add_test(tests, too_many);
	tcase_add_test(tests, the_worse_of_two);
	return suite_run(suite);
}
