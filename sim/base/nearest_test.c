/* SPDX-License-Identifier: MIT */
/* Which word was perhaps meant, and when it is better to be silent. */
#include "base/nearest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite_test.h"

static const char *const words[] = { "run", "list", "aperture", "group", "vfio-pci", "pci" };

static const char *near(const char *word)
{
	return nearest_word(word, words, sizeof(words) / sizeof(words[0]));
}

START_TEST(distance)
{
	char longest[40];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_uint_eq(word_distance("", ""), 0);
	ck_assert_uint_eq(word_distance("abc", ""), 3);
	ck_assert_uint_eq(word_distance("aperture", "apperture"), 1);
	ck_assert_uint_eq(word_distance("group", "gruop"), 1);
	ck_assert_uint_eq(word_distance("Group", "gROUP"), 0);
	ck_assert_uint_eq(word_distance("abcdefghijkl", "mnopqrstuvwx"), 9);
	ck_assert_uint_eq(word_distance(longest, longest), 9);
}
END_TEST

START_TEST(near_and_far)
{
	char buffer[40];

	ck_assert_str_eq(near("rnu"), "run");
	ck_assert_str_eq(near("vfio_pci"), "vfio-pci");
	ck_assert_str_eq(near("APERTURE"), "aperture");
	ck_assert_str_eq(near("apetrure"), "aperture");
	ck_assert_ptr_null(near("rr"));		/* two of three letters are not the same word */
	ck_assert_ptr_null(near(""));
	ck_assert_ptr_null(near("nvme"));
	ck_assert_str_eq(suggestion("lits", words, 2, buffer, sizeof(buffer)), "; did you mean 'list'?");
	ck_assert_str_eq(suggestion("lits", words, 1, buffer, sizeof(buffer)), "");
}
END_TEST

START_TEST(longer_words)
{
	static const char *const policies[] = { "qemu-legacy", "dpdk", "qemu-iommufd", "spdk" };
	static const char *const many[] = { "map-1", "map-2", "map-3", "map-4" };
	char buffer[60];

	ck_assert_str_eq(suggestion("qemu", policies, 4, buffer, sizeof(buffer)),
			 "; did you mean 'qemu-legacy' or 'qemu-iommufd'?");
	ck_assert_str_eq(suggestion("QEMU-i", policies, 4, buffer, sizeof(buffer)),
			 "; did you mean 'qemu-iommufd'?");
	ck_assert_str_eq(suggestion("qe", policies, 4, buffer, sizeof(buffer)), "");
	ck_assert_str_eq(suggestion("qemu", policies, 4, buffer, 40), "");	/* no half of a name */
	ck_assert_str_eq(suggestion("xen", policies, 4, buffer, sizeof(buffer)), "");
	ck_assert_ptr_nonnull(strstr(suggestion("map", many, 3, buffer, sizeof(buffer)), "'map-3'?"));
	ck_assert_str_eq(suggestion("map", many, 4, buffer, sizeof(buffer)), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nearest");
	TCase *tests = tcase_create("words");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, distance);
	tcase_add_test(tests, near_and_far);
	tcase_add_test(tests, longer_words);
	return suite_run(suite);
}
