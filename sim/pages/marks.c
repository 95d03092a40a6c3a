/* SPDX-License-Identifier: MIT */
/* Page marks: counted spans, a map page -> count, and a set of spans. */
#include "pages/marks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/span_counts.h"

struct page_marks {
	struct span_counts filled;
	struct span_set pins;		/* one page each, with the number of its pins */
	struct span_set dirty;		/* maximal runs; their items mean nothing */
};

struct page_marks *marks_create(void)
{
	struct page_marks *marks = malloc(sizeof(*marks));

	if (!marks)
		return NULL;
	span_counts_init(&marks->filled);
	span_set_init(&marks->pins);
	span_set_init(&marks->dirty);
	return marks;
}

void marks_destroy(struct page_marks *marks)
{
	struct span_cursor cursor;

	if (!marks)
		return;
	span_set_for_each(&marks->pins, &cursor, 0, UINT64_MAX)
		free(cursor.item);
	span_counts_done(&marks->filled);
	span_set_done(&marks->pins);
	span_set_done(&marks->dirty);
	free(marks);
}

int marks_pin(struct page_marks *marks, uint64_t page)
{
	struct span one = { page, page };
	uint64_t *count = span_set_find(&marks->pins, one);

	if (count) {
		++*count;
		return 0;
	}
	count = malloc(sizeof(*count));
	if (!count)
		return -ENOMEM;
	*count = 1;
	if (span_set_insert(&marks->pins, one, count)) {
		free(count);
		return -ENOMEM;
	}
	return 0;
}

long marks_unpin(struct page_marks *marks, uint64_t page)
{
	uint64_t *count = span_set_find(&marks->pins, (struct span){ page, page });

	if (!count)
		return -1;
	if (--*count)
		return (long)*count;
	span_set_erase(&marks->pins, page);
	free(count);
	return 0;
}

uint64_t marks_pinned(const struct page_marks *marks, struct span pages)
{
	struct span_cursor cursor;
	uint64_t n = 0;

	span_set_for_each(&marks->pins, &cursor, pages.first, pages.last)
		n++;
	return n;
}

int marks_fill(struct page_marks *marks, struct span pages)
{
	return span_counts_add(&marks->filled, pages);
}

void marks_unfill(struct page_marks *marks, struct span pages)
{
	span_counts_remove(&marks->filled, pages);
}

int marks_cut(struct page_marks *marks, uint64_t page)
{
	return span_counts_cut(&marks->filled, page);
}

bool marks_hole(const struct page_marks *marks, struct span within, struct span *ret_hole)
{
	struct span_cursor pin;

	while (span_counts_hole(&marks->filled, within, ret_hole)) {
		if (!span_set_seek(&marks->pins, ret_hole->first, &pin) ||
		    pin.span.first > ret_hole->last)
			return true;
		if (pin.span.first > ret_hole->first) {
			ret_hole->last = pin.span.first - 1;
			return true;
		}
		if (pin.span.last == within.last)
			return false;
		within.first = pin.span.last + 1;
	}
	return false;
}

int marks_dirty(struct page_marks *marks, struct span pages)
{
	struct span_cursor cursor;

	/* Runs that touch are merged into one. */
	while (span_set_seek(&marks->dirty, pages.first ? pages.first - 1 : 0, &cursor) &&
	       cursor.span.first <= (pages.last == UINT64_MAX ? pages.last : pages.last + 1)) {
		if (span_contains(cursor.span, pages))
			return 0;
		if (cursor.span.first < pages.first)
			pages.first = cursor.span.first;
		if (cursor.span.last > pages.last)
			pages.last = cursor.span.last;
		span_set_erase(&marks->dirty, cursor.span.first);
	}
	return span_set_insert(&marks->dirty, pages, marks);
}

void marks_clean(struct page_marks *marks)
{
	span_set_done(&marks->dirty);
	span_set_init(&marks->dirty);
}

void marks_repopulate(struct page_marks *marks)
{
	struct span_cursor cursor;

	marks_clean(marks);
	span_set_for_each(&marks->pins, &cursor, 0, UINT64_MAX)
		marks_dirty(marks, cursor.span);
}

void marks_dirty_bits(const struct page_marks *marks, uint64_t *bitmap, unsigned shift)
{
	struct span_cursor cursor;

	span_set_for_each(&marks->dirty, &cursor, 0, UINT64_MAX)
		for (uint64_t bit = cursor.span.first + shift; bit <= cursor.span.last + shift; bit++)
			bitmap[bit / 64] |= 1ull << (bit % 64);
}
