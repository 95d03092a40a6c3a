/* SPDX-License-Identifier: MIT */
/* Versions of Linux: which texts are one, and which is older. */
#include <check.h>

#include "base/kernel_version.h"
#include "base/suite_test.h"

static const struct {
	const char *text;
	bool good;
	unsigned major, minor;
} rows[] = {
	{ "6.1", true, 6, 1 },	  { "6.12", true, 6, 12 }, { "7.2", true, 7, 2 }, { "7.0", true, 7, 0 },
	{ "6.0", false, 0, 0 },	  { "7.3", false, 0, 0 },  { "5.15", false, 0, 0 }, { "6", false, 0, 0 },
	{ "6.", false, 0, 0 },	  { ".1", false, 0, 0 },   { "6.1.2", false, 0, 0 }, { "6.-1", false, 0, 0 },
	{ " 6.1", false, 0, 0 },  { "6.1 ", false, 0, 0 }, { "", false, 0, 0 }, { "newest", false, 0, 0 },
	{ "6.99999999999999999999", false, 0, 0 },
};

START_TEST(texts)
{
	struct vfiosim_kernel kernel = { 0, 0 };

	ck_assert_msg(vfiosim_kernel_parse(rows[_i].text, &kernel) == rows[_i].good, "'%s'", rows[_i].text);
	ck_assert_uint_eq(kernel.major, rows[_i].major);
	ck_assert_uint_eq(kernel.minor, rows[_i].minor);
}
END_TEST

START_TEST(order)
{
	const struct vfiosim_kernel list[] = { { 6, 1 }, { 6, 6 }, { 6, 12 }, { 7, 0 }, { 7, 2 } };

	for (unsigned i = 0; i < 5; i++)
		for (unsigned j = 0; j < 5; j++)
			ck_assert_int_eq(kernel_before(list[i], list[j]), i < j);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_version");
	TCase *tcase = tcase_create("versions");

	tcase_add_loop_test(tcase, texts, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, order);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
