/* SPDX-License-Identifier: MIT */
/* Page marks: pins as a map page -> pin, dirty pages as a set of spans. */
#include "pages/marks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/span_set.h"

/*
 * Both are span sets: pins hold one-page spans, dirty pages hold maximal runs whose
 * item means nothing.
 */
struct page_marks {
	struct span_set pins;		/* of struct pin */
	uint64_t n_charged;		/* of them */
	struct span_set dirty;
};

struct pin {
	uint32_t count;
	bool charged;
};

struct page_marks *marks_create(void)
{
	struct page_marks *marks = malloc(sizeof(*marks));

	if (!marks)
		return NULL;
	span_set_init(&marks->pins);
	marks->n_charged = 0;
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
	span_set_done(&marks->pins);
	span_set_done(&marks->dirty);
	free(marks);
}

int marks_pin(struct page_marks *marks, uint64_t page, bool charged)
{
	struct span one = { page, page };
	struct pin *pin = span_set_find(&marks->pins, one);

	if (pin) {
		pin->count++;
		return 0;
	}
	pin = malloc(sizeof(*pin));
	if (!pin)
		return -ENOMEM;
	*pin = (struct pin){ .count = 1, .charged = charged };
	if (span_set_insert(&marks->pins, one, pin)) {
		free(pin);
		return -ENOMEM;
	}
	marks->n_charged += charged;
	return 1;
}

long marks_unpin(struct page_marks *marks, uint64_t page, bool *ret_charged)
{
	struct pin *pin = span_set_find(&marks->pins, (struct span){ page, page });

	if (!pin)
		return -1;
	*ret_charged = pin->charged;
	if (--pin->count)
		return pin->count;
	marks->n_charged -= pin->charged;
	span_set_erase(&marks->pins, page);
	free(pin);
	return 0;
}

uint64_t marks_charged(const struct page_marks *marks)
{
	return marks->n_charged;
}

uint64_t marks_pinned(const struct page_marks *marks, struct span pages)
{
	struct span_cursor cursor;
	uint64_t n = 0;

	span_set_for_each(&marks->pins, &cursor, pages.first, pages.last)
		n++;
	return n;
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
