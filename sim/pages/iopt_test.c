/* SPDX-License-Identifier: MIT */
/*
 * Areas and their space where memory is short: all or nothing. Includes the sources, to
 * let allocations fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/story_test.h"

#include <vfiosim/state.h>

/* The n-th malloc() from now fails; 0: none does. */
static unsigned fail_malloc;

static void *test_malloc(size_t size)
{
	return fail_malloc && !--fail_malloc ? NULL : malloc(size);
}

#define malloc test_malloc
#include "base/span_node.c"
#include "base/span_set.c"
#include "base/span_counts.c"
#include "base/suite_test.h"
#include "pages/marks.c"
#include "pages/pages.c"
#include "pages/area.c"
#include "pages/iopt.c"
#undef malloc

#define N 8u
#define IOVA 0x100000ull

static struct story story;
static struct vfiosim_caller caller;
static struct call call;
static struct iopt iopt;
static struct area *area;	/* N pages, filled */

static void begin(void)
{
	story_begin(&story, "q35");
	caller = (struct vfiosim_caller){ .client = vfiosim_inproc_client(story.proc) };
	call_init(&call, story.sim, &caller, NULL);
	iopt_init(&iopt);
	area = area_create(caller.client, NULL, 16 * PAGE,
			   (struct span){ IOVA, IOVA + N * PAGE - 1 }, AREA_READ);
	area->pages->account = ACCOUNT_NONE;
	ck_assert_int_eq(area_fill(&call, area, N), 0);
	ck_assert_int_eq(iopt_insert(&iopt, area), 0);
}

static void end(void)
{
	fail_malloc = 0;
	iopt_done(&iopt);
	call_done(&call);
	story_end(&story);
}

static void check_whole(unsigned refs)
{
	ck_assert_ptr_eq(iopt_at(&iopt, IOVA), area);
	ck_assert_ptr_eq(iopt_at(&iopt, IOVA + N * PAGE - 1), area);
	ck_assert_uint_eq(iopt.set.count, 1);
	ck_assert_uint_eq(area->iova.last, IOVA + N * PAGE - 1);
	ck_assert_uint_eq(area->pages->npinned, N);
	ck_assert_uint_eq(area->pages->refs, refs);
}

static void check_halves(void)
{
	const struct area *high = iopt_at(&iopt, IOVA + 3 * PAGE);

	ck_assert_ptr_eq(high->pages, area->pages);
	ck_assert_uint_eq(area->iova.last, IOVA + 3 * PAGE - 1);
	ck_assert_uint_eq(high->flags, area->flags);
	ck_assert_uint_eq(area_uva(high, high->iova.first), 19 * PAGE);
	ck_assert_uint_eq(area->pages->npinned, N);
	area_unfill(area);
	ck_assert_uint_eq(high->pages->npinned, N - 3);
}

START_TEST(cutting)
{
	unsigned fail = 0;
	int ret;

	do {
		fail_malloc = ++fail;
		ret = iopt_split(&iopt, area, IOVA + 3 * PAGE);
		if (ret) {
			ck_assert_int_eq(ret, -ENOMEM);
			check_whole(1);
		}
	} while (ret);
	ck_assert_uint_gt(fail, 3);
	check_halves();
}
END_TEST

/* The same where a copy is filled, too. */
START_TEST(cutting_what_is_shared)
{
	const struct span part = { IOVA + PAGE, IOVA + 5 * PAGE - 1 };
	struct area *copy = area_create_part(area, part, 0, AREA_READ);
	unsigned fail = 0;

	ck_assert_int_eq(area_fill(&call, copy, 0), 0);
	do {
		check_whole(2);
		fail_malloc = ++fail;
	} while (iopt_split(&iopt, area, IOVA + 3 * PAGE));
	fail_malloc = 0;
	area_unfill(copy);
	check_halves();
	area_destroy(copy);
}
END_TEST

START_TEST(filling_what_is_shared)
{
	const struct span part = { IOVA + PAGE, IOVA + 5 * PAGE - 1 };
	struct area *copy = area_create_part(area, part, 0, AREA_READ);
	unsigned fail = 0;

	area_unfill(area);
	do {
		ck_assert_uint_eq(area->pages->npinned, 0);
		fail_malloc = ++fail;
	} while (area_fill(&call, copy, 4));
	ck_assert_uint_gt(fail, 1);
	fail_malloc = 0;
	ck_assert_uint_eq(area->pages->npinned, 4);
	area_destroy(copy);
	ck_assert_uint_eq(area->pages->npinned, 0);
	area_unfill(area);
}
END_TEST

/* Single pages of what is filled: charged once, given back with the last. */
START_TEST(accesses)
{
	const struct span three = { IOVA, IOVA + 3 * PAGE - 1 };
	unsigned fail = 0;

	do {
		ck_assert_uint_eq(area->n_accesses, 0);
		ck_assert_uint_eq(area_accessed(area), 0);
		check_whole(1);
		fail_malloc = ++fail;
	} while (area_add_access(&call, area, three));
	ck_assert_uint_gt(fail, 3);
	fail_malloc = 0;
	ck_assert_uint_eq(area_accessed(area), 3);
	area_unfill(area);
	ck_assert_uint_eq(area->pages->npinned, 3);
	for (uint64_t iova = three.first; iova < three.last; iova += PAGE)
		area_remove_access(area, iova);
	ck_assert_uint_eq(area->pages->npinned, 0);
	ck_assert_uint_eq(area->n_accesses, 0);
	area_remove_access(area, IOVA);
	ck_assert_uint_eq(area->n_accesses, 0);
}
END_TEST

/* Of several pages all are pinned, or none; what is not pinned is not let go of. */
START_TEST(accesses_all_or_none)
{
	const struct span three = { IOVA, IOVA + 3 * PAGE - 1 };
	unsigned fail = 0;

	ck_assert_int_eq(area_add_access(&call, area, (struct span){ IOVA, IOVA + PAGE - 1 }), 0);
	area_remove_access(area, IOVA);
	do {
		ck_assert_uint_eq(area->n_accesses, 0);
		ck_assert_uint_eq(area_accessed(area), 0);
		fail_malloc = ++fail;
	} while (area_add_access(&call, area, three));
	ck_assert_uint_gt(fail, 3);
	fail_malloc = 0;
	area_remove_access(area, IOVA + 3 * PAGE);
	ck_assert_uint_eq(area->n_accesses, 3);
	for (uint64_t iova = three.first; iova < three.last; iova += PAGE)
		area_remove_access(area, iova);
	check_whole(1);
}
END_TEST

static uint64_t mappings(void)
{
	struct vfiosim_counters counters;

	vfiosim_counters(story.sim, &counters);
	return counters.mappings;
}

/* Without memory for a cleanup they are freed at once. */
START_TEST(ending_many_without_memory)
{
	for (uint64_t i = 0; i < IOPT_PIECE; i++) {
		const struct span iova = { 2 * IOVA + i * PAGE, 2 * IOVA + i * PAGE + PAGE - 1 };
		struct area *more = area_create(caller.client, NULL, PAGE, iova, AREA_READ);

		more->pages->account = ACCOUNT_NONE;
		ck_assert_int_eq(iopt_insert(&iopt, more), 0);
	}
	fail_malloc = 1;
	iopt_done_later(&call, &iopt);
	ck_assert_uint_eq(fail_malloc, 0);
	ck_assert_uint_eq(call.n_cleanups, 0);
	ck_assert_uint_eq(mappings(), 0);
}
END_TEST

int main(void)
{
	TCase *short_of_memory = tcase_create("short of memory");
	Suite *suite = suite_create("iopt");

	tcase_add_checked_fixture(short_of_memory, begin, end);
	tcase_add_test(short_of_memory, cutting);
	tcase_add_test(short_of_memory, cutting_what_is_shared);
	tcase_add_test(short_of_memory, filling_what_is_shared);
	tcase_add_test(short_of_memory, accesses);
	tcase_add_test(short_of_memory, accesses_all_or_none);
	tcase_add_test(short_of_memory, ending_many_without_memory);
	suite_add_tcase(suite, short_of_memory);
	return suite_run(suite);
}
