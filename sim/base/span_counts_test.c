/* SPDX-License-Identifier: MIT */
/*
 * Span counts against an array of counts. Includes the source, to look at the runs
 * and to let allocations fail.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The n-th malloc() from now fails; 0: none does. */
static unsigned fail_malloc;

static void *test_malloc(size_t size)
{
	return fail_malloc && !--fail_malloc ? NULL : malloc(size);
}

#define malloc test_malloc
#include "span_node.c"
#include "base/suite_test.h"
#include "span_set.c"
#include "span_counts.c"
#undef malloc

#define need(condition_)                                                                           \
	do {                                                                                       \
		if (!(condition_))                                                                 \
			ck_abort_msg("%s", #condition_);                                           \
	} while (0)

#define ROOM 200
#define HOLDERS 60

struct model {
	uint64_t base;			/* of the space */
	unsigned count[ROOM];
	struct span holders[HOLDERS];
	unsigned n;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct span random_span(const struct model *model, uint64_t *state)
{
	uint64_t first = next_random(state) % ROOM, length = next_random(state) % (ROOM - first);

	return (struct span){ model->base + first, model->base + first + length };
}

static void model_count(struct model *model, struct span span, int by)
{
	for (uint64_t at = span.first - model->base; at <= span.last - model->base; at++)
		model->count[at] += (unsigned)by;
}

/* Runs tell the counts, and there are no more of them than holders have ends. */
static void check_runs(const struct span_counts *counts, const struct model *model)
{
	unsigned seen[ROOM] = { 0 };
	struct span_cursor cursor;
	size_t n = 0;

	span_set_for_each(&counts->runs, &cursor, 0, UINT64_MAX) {
		const struct run *run = cursor.item;

		need(run->holders);
		for (uint64_t at = cursor.span.first;; at++) {
			seen[at - model->base] = run->holders;
			if (at == cursor.span.last)
				break;
		}
		n++;
	}
	need(!memcmp(seen, model->count, sizeof(seen)));
	need(n <= 2 * (size_t)model->n);
}

/* Every hole of @within, one after the other. */
static void check_holes(const struct span_counts *counts, const struct model *model,
			struct span within)
{
	uint64_t at = within.first - model->base, last = within.last - model->base;
	struct span hole;

	for (;;) {
		while (at <= last && model->count[at])
			at++;
		need(span_counts_hole(counts, within, &hole) == (at <= last));
		if (at > last)
			return;
		need(hole.first == model->base + at);
		while (at < last && !model->count[at + 1])
			at++;
		need(hole.last == model->base + at);
		if (at++ == last)
			return;
		within.first = model->base + at;
	}
}

/* Adds with memory short at every place in turn: nothing changes until it succeeds. */
static void add(struct span_counts *counts, struct model *model, struct span span)
{
	unsigned fail = 0;
	int ret;

	do {
		fail_malloc = ++fail;
		ret = span_counts_add(counts, span);
		need(!ret || ret == -ENOMEM);
		if (ret)
			check_runs(counts, model);
	} while (ret);
	fail_malloc = 0;
	model_count(model, span, 1);
	model->holders[model->n++] = span;
}

/* Letting go needs no memory. */
static void let_go(struct span_counts *counts, struct model *model, unsigned i)
{
	struct span span = model->holders[i];

	fail_malloc = 1;
	span_counts_remove(counts, span);
	need(fail_malloc == 1);
	fail_malloc = 0;
	model_count(model, span, -1);
	model->holders[i] = model->holders[--model->n];
}

static void cut(struct span_counts *counts, struct model *model, unsigned i, uint64_t at)
{
	struct span *span = &model->holders[i];
	unsigned fail = 0;

	if (at <= span->first || at > span->last)
		return;
	do {
		fail_malloc = ++fail;
	} while (span_counts_cut(counts, at));
	fail_malloc = 0;
	model->holders[model->n++] = (struct span){ at, span->last };
	span->last = at - 1;
}

/* In the middle, and at both ends of the 64-bit space. */
static const uint64_t bases[] = { 0, 1ull << 40, UINT64_MAX - ROOM + 1 };

START_TEST(test_random)
{
	struct model model = { .base = bases[_i] };
	uint64_t state = 88172645463325252ull;
	struct span_counts counts;

	span_counts_init(&counts);
	for (unsigned step = 0; step < 20000; step++) {
		bool fill = next_random(&state) % 10 < (step / 2000 % 2 ? 2 : 8);
		unsigned i = model.n ? next_random(&state) % model.n : 0;

		if (step % 7 == 0 && model.n && model.n < HOLDERS)
			cut(&counts, &model, i, random_span(&model, &state).first);
		else if (fill && model.n < HOLDERS)
			add(&counts, &model, random_span(&model, &state));
		else if (model.n)
			let_go(&counts, &model, i);
		check_runs(&counts, &model);
		check_holes(&counts, &model, random_span(&model, &state));
	}
	while (model.n)
		let_go(&counts, &model, model.n - 1);
	need(!counts.runs.count);
	span_counts_done(&counts);
}
END_TEST

START_TEST(test_all_of_it)
{
	struct span_counts counts;
	struct span hole;

	span_counts_init(&counts);
	need(span_counts_hole(&counts, SPAN_ALL, &hole));
	need(hole.first == 0 && hole.last == UINT64_MAX);
	need(!span_counts_add(&counts, SPAN_ALL));
	need(!span_counts_add(&counts, SPAN_ALL));
	need(!span_counts_hole(&counts, SPAN_ALL, &hole));
	span_counts_remove(&counts, SPAN_ALL);
	need(!span_counts_hole(&counts, SPAN_ALL, &hole));
	span_counts_remove(&counts, SPAN_ALL);
	need(span_counts_hole(&counts, (struct span){ 5, 5 }, &hole));
	need(hole.first == 5 && hole.last == 5);
	span_counts_done(&counts);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("span_counts");
	TCase *tests = tcase_create("span_counts");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_random, 0, sizeof(bases) / sizeof(bases[0]));
	tcase_add_test(tests, test_all_of_it);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
