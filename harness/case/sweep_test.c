/* SPDX-License-Identifier: MIT */
/*
 * Sweeps in process: the simulator stands every point of the cases that attach, map and
 * choose spaces; what the policies make of them is told apart; two sweeps are the same.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "case/library.h"
#include "base/suite_test.h"
#include "case/sweep.h"

/* Cases that between them meet every site. */
static const char *const names[] = { "mdev-hotadd", "interrupts", "hot-reset", "cut", "copy",
				     "attach-reserved", "dma-avail-exhausted", "replace", "pasid",
				     "set-iommu-last", "access-pin",
				     "pin", "one-space-will-do" };

#define N_NAMES (sizeof(names) / sizeof(names[0]))

struct swept {
	size_t n, defects;
	size_t outcomes[SWEEP_OUTCOMES];
	bool sites[VFIOSIM_FAULT_SITES];
	char *text;		/* a line for each point */
	size_t size;
	FILE *to;
	char found[3000];	/* the first defects: reports of tests are short */
};

static void note(void *ctx, const struct sweep_point *point)
{
	struct swept *swept = ctx;
	char text[VFIOSIM_FAULT_TEXT_MAX];

	vfiosim_fault_text(&point->fault, text, sizeof(text));
	if (point->defect)
		snprintf(swept->found + strlen(swept->found),
			 sizeof(swept->found) - strlen(swept->found), "%s: %s: %s\n",
			 sweep_defects[point->defect], text, point->detail);
	fprintf(swept->to, "%s %s %s %s\n", text, sweep_outcomes[point->outcome],
		sweep_defects[point->defect], point->detail);
	swept->n++;
	swept->outcomes[point->outcome]++;
	swept->sites[point->fault.site] = true;
	swept->defects += point->defect != SWEEP_SOUND;
}

static void sweep_library(const char *name, struct swept *swept)
{
	struct play_filter filter = { .mode = -1 };
	char *words[] = { (char *)(uintptr_t)name };
	const struct sweep_options options = { 0 };
	struct vfiosim_errors why;
	struct library library;
	struct play *plays;
	size_t n;

	ck_assert_msg(!library_load(words, 1, &library, &why), "%s", name);
	ck_assert_int_eq(library_plays(&library, &filter, &plays, &n), 0);
	for (size_t i = 0; i < n; i++) {
		const struct play *play = &plays[i];
		struct play whole;

		ck_assert_int_eq(case_play_make(play->file, play->variant, play->mode,
						play->policy, &whole, NULL), 0);
		ck_assert_int_eq(sweep_play(&whole, &options, note, swept), 0);
		case_play_done(&whole);
	}
	library_plays_done(plays, n);
	library_done(&library);
}

static void swept_init(struct swept *swept)
{
	*swept = (struct swept){ 0 };
	swept->to = open_memstream(&swept->text, &swept->size);
	ck_assert_ptr_nonnull(swept->to);
}

static void swept_done(struct swept *swept)
{
	fclose(swept->to);
	free(swept->text);
}

START_TEST(the_simulator_stands_every_point)
{
	struct swept swept;

	swept_init(&swept);
	for (size_t i = 0; i < N_NAMES; i++)
		sweep_library(names[i], &swept);
	ck_assert_msg(!swept.defects, "%zu of %zu points have a defect:\n%s", swept.defects, swept.n,
		      swept.found);
	for (size_t site = 0; site < VFIOSIM_FAULT_SITES; site++)
		ck_assert_msg(swept.sites[site], "%s is met nowhere", vfiosim_fault_site(site)->name);
	swept_done(&swept);
}
END_TEST

START_TEST(outcomes_are_told_apart)
{
	struct swept swept;

	swept_init(&swept);
	sweep_library("mdev-hotadd", &swept);
	ck_assert_uint_gt(swept.outcomes[SWEEP_ABSORBED], 0);
	ck_assert_uint_gt(swept.outcomes[SWEEP_RETRIED], 0);
	ck_assert_uint_gt(swept.outcomes[SWEEP_NEXT_SPACE], 0);
	ck_assert_uint_gt(swept.outcomes[SWEEP_OMITTED], 0);
	ck_assert_uint_gt(swept.outcomes[SWEEP_REFUSED], 0);
	ck_assert_uint_gt(swept.outcomes[SWEEP_ABORTED], 0);
	ck_assert_uint_gt(swept.outcomes[SWEEP_SCRIPTED], 0);
	swept_done(&swept);
}
END_TEST

START_TEST(two_sweeps_are_the_same)
{
	struct swept one, other;

	swept_init(&one);
	swept_init(&other);
	for (size_t i = 0; i < N_NAMES; i++) {
		sweep_library(names[i], &one);
		sweep_library(names[i], &other);
	}
	fflush(one.to);
	fflush(other.to);
	ck_assert_str_eq(one.text, other.text);
	swept_done(&one);
	swept_done(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sweep");
	TCase *tests = tcase_create("plays");

	tcase_set_timeout(tests, 300);	/* with sanitizers */
	tcase_add_test(tests, the_simulator_stands_every_point);
	tcase_add_test(tests, outcomes_are_told_apart);
	tcase_add_test(tests, two_sweeps_are_the_same);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
