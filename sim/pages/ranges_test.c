/* SPDX-License-Identifier: MIT */
/* IOVA ranges: limiting, excluding, and the difference between none and all. */
#include <check.h>
#include <stdlib.h>

#include "pages/ranges.h"
#include "base/suite_test.h"

static struct ranges ranges;

static void begin(void)
{
	ranges_init(&ranges);
}

static void end(void)
{
	ranges_done(&ranges);
}

#define ck_assert_range(i_, first_, last_)                     \
	do {                                                   \
		ck_assert_uint_lt((i_), ranges.n);             \
		ck_assert_uint_eq(ranges.items[i_].first, first_); \
		ck_assert_uint_eq(ranges.items[i_].last, last_);   \
	} while (0)

START_TEST(none_allow_everything)
{
	ck_assert(ranges_allow(&ranges, SPAN_ALL));
	ck_assert_int_eq(ranges_limit(&ranges, SPAN_ALL), 0);
	ck_assert(ranges_allow(&ranges, SPAN_ALL));
	ck_assert_uint_eq(ranges.n, 1);
}
END_TEST

START_TEST(a_hole_splits)
{
	ranges_limit(&ranges, (struct span){ 0, 0xffff });
	ranges_exclude(&ranges, (struct span){ 0x4000, 0x4fff });
	ck_assert_uint_eq(ranges.n, 2);
	ck_assert_range(0, 0, 0x3fff);
	ck_assert_range(1, 0x5000, 0xffff);
	ck_assert(ranges_allow(&ranges, (struct span){ 0x5000, 0xffff }));
	ck_assert(!ranges_allow(&ranges, (struct span){ 0x3fff, 0x4000 }));
	ck_assert(!ranges_allow(&ranges, (struct span){ 0x3000, 0x5fff }));
}
END_TEST

START_TEST(holes_at_the_edges)
{
	ranges_limit(&ranges, SPAN_ALL);
	ranges_exclude(&ranges, (struct span){ 0, 0xfff });
	ranges_exclude(&ranges, (struct span){ UINT64_MAX - 0xfff, UINT64_MAX });
	ck_assert_uint_eq(ranges.n, 1);
	ck_assert_range(0, 0x1000, UINT64_MAX - 0x1000);
	ranges_exclude(&ranges, SPAN_ALL);
	ck_assert_uint_eq(ranges.n, 0);
}
END_TEST

START_TEST(a_window_cuts_and_drops)
{
	ranges_limit(&ranges, (struct span){ 0, 0xffff });
	ranges_exclude(&ranges, (struct span){ 0x4000, 0x4fff });
	ranges_exclude(&ranges, (struct span){ 0x8000, 0x8fff });
	ranges_limit(&ranges, (struct span){ 0x6000, 0x9fff });
	ck_assert_uint_eq(ranges.n, 2);
	ck_assert_range(0, 0x6000, 0x7fff);
	ck_assert_range(1, 0x9000, 0x9fff);
}
END_TEST

START_TEST(a_copy_is_its_own)
{
	struct ranges copy;

	ranges_limit(&ranges, (struct span){ 0, 0xffff });
	ck_assert_int_eq(ranges_copy(&copy, &ranges), 0);
	ranges_exclude(&copy, (struct span){ 0, 0xff });
	ck_assert_range(0, 0, 0xffff);
	ranges_done(&copy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ranges");
	TCase *tcase = tcase_create("ranges");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, none_allow_everything);
	tcase_add_test(tcase, a_hole_splits);
	tcase_add_test(tcase, holes_at_the_edges);
	tcase_add_test(tcase, a_window_cuts_and_drops);
	tcase_add_test(tcase, a_copy_is_its_own);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
