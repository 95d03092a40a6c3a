/* SPDX-License-Identifier: MIT */
/*
 * Span counts: runs of equal counts. Where a holder's span starts or ends, so does a
 * run, and it stays that way as long as the holder does: hence letting go only ever
 * joins runs, which needs no memory.
 */
#include "base/span_counts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* One run. Two that meet are joined unless somebody starts or ends there. */
struct run {
	uint32_t holders;
	uint32_t starts;		/* holders whose span starts where the run does */
	uint32_t ends;			/* holders whose span ends where the run does */
};

void span_counts_init(struct span_counts *counts)
{
	span_set_init(&counts->runs);
}

void span_counts_done(struct span_counts *counts)
{
	struct span_cursor cursor;

	span_set_for_each(&counts->runs, &cursor, 0, UINT64_MAX)
		free(cursor.item);
	span_set_done(&counts->runs);
}

static int insert(struct span_counts *counts, struct span span, struct run values)
{
	struct run *run = malloc(sizeof(*run));

	if (!run)
		return -ENOMEM;
	*run = values;
	if (span_set_insert(&counts->runs, span, run)) {
		free(run);
		return -ENOMEM;
	}
	return 0;
}

static void erase(struct span_counts *counts, const struct span_cursor *cursor)
{
	free(span_cursor_erase(&counts->runs, cursor));
}

/* The run that has @at. */
static bool find(const struct span_counts *counts, uint64_t at, struct span_cursor *ret_cursor)
{
	return span_set_seek(&counts->runs, at, ret_cursor) && ret_cursor->span.first <= at;
}

/* No run has @at without starting there. */
static int split_before(struct span_counts *counts, uint64_t at)
{
	struct span_cursor cursor;
	struct span high;
	struct run *run;
	int ret;

	if (!find(counts, at, &cursor) || cursor.span.first == at)
		return 0;
	run = cursor.item;
	high = (struct span){ at, cursor.span.last };
	span_cursor_set_last(&cursor, at - 1);
	ret = insert(counts, high, (struct run){ .holders = run->holders, .ends = run->ends });
	if (ret)
		span_cursor_set_last(&cursor, high.last);
	else
		run->ends = 0;
	return ret;
}

/* The opposite, where nobody needs the end. */
static void join_before(struct span_counts *counts, uint64_t at)
{
	struct span_cursor low, high;
	struct run *run, *next;
	uint64_t last;

	if (!find(counts, at - 1, &low) || !find(counts, at, &high) || high.span.first != at)
		return;
	run = low.item;
	next = high.item;
	if (run->ends || next->starts)
		return;
	run->ends = next->ends;
	last = high.span.last;
	erase(counts, &high);
	find(counts, at - 1, &low);	/* nodes may have moved */
	span_cursor_set_last(&low, last);
}

/* Runs without holders go, and so do ends that nobody needs. */
static void tidy(struct span_counts *counts, struct span span)
{
	struct span_cursor cursor;
	uint64_t at = span.first;

	while (span_set_seek(&counts->runs, at, &cursor) && cursor.span.first <= span.last) {
		const struct run *run = cursor.item;

		if (!run->holders)
			erase(counts, &cursor);
		if (cursor.span.last >= span.last)
			break;
		at = cursor.span.last + 1;
	}
	if (span.first)
		join_before(counts, span.first);
	if (span.last != UINT64_MAX)
		join_before(counts, span.last + 1);
}

static int split_around(struct span_counts *counts, struct span span)
{
	int ret = split_before(counts, span.first);

	if (!ret && span.last != UINT64_MAX)
		ret = split_before(counts, span.last + 1);
	return ret;
}

static int fill_holes(struct span_counts *counts, struct span span)
{
	struct span hole;
	int ret = 0;

	while (!ret && span_counts_hole(counts, span, &hole))
		ret = insert(counts, hole, (struct run){ 0 });
	return ret;
}

/* @by is 1 or -1. */
static void count(struct span_counts *counts, struct span span, uint32_t by)
{
	struct span_cursor cursor;

	span_set_for_each(&counts->runs, &cursor, span.first, span.last) {
		struct run *run = cursor.item;

		run->holders += by;
		if (cursor.span.first == span.first)
			run->starts += by;
		if (cursor.span.last == span.last)
			run->ends += by;
	}
}

int span_counts_add(struct span_counts *counts, struct span span)
{
	int ret = split_around(counts, span);

	if (!ret)
		ret = fill_holes(counts, span);
	if (ret)
		tidy(counts, span);
	else
		count(counts, span, 1);
	return ret;
}

void span_counts_remove(struct span_counts *counts, struct span span)
{
	count(counts, span, (uint32_t)-1);
	tidy(counts, span);
}

int span_counts_cut(struct span_counts *counts, uint64_t at)
{
	struct span_cursor cursor;
	struct run *low, *high;
	int ret = split_before(counts, at);

	if (ret)
		return ret;
	find(counts, at - 1, &cursor);
	low = cursor.item;
	find(counts, at, &cursor);
	high = cursor.item;
	low->ends++;
	high->starts++;
	return 0;
}

bool span_counts_hole(const struct span_counts *counts, struct span within, struct span *ret_hole)
{
	struct span_cursor cursor;

	for (uint64_t at = within.first;; at = cursor.span.last + 1) {
		bool above = span_set_seek(&counts->runs, at, &cursor);

		if (!above || cursor.span.first > at) {
			*ret_hole = (struct span){ at, within.last };
			if (above && cursor.span.first <= within.last)
				ret_hole->last = cursor.span.first - 1;
			return true;
		}
		if (cursor.span.last >= within.last)
			return false;
	}
}
