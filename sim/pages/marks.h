/* SPDX-License-Identifier: MIT */
/*
 * Page marks: which pages of one area mdevs have pinned, and which were written
 * while dirty tracking was on. Sparse: costs what is marked, not what is mapped.
 * Pages are numbered from the area's first.
 */
#ifndef SIM_PAGES_MARKS_H
#define SIM_PAGES_MARKS_H

#include "base/span.h"

struct page_marks;

/* NULL: no memory. */
struct page_marks *marks_create(void);
/* NULL is allowed. */
void marks_destroy(struct page_marks *marks);

/* See area_pin_page(), area_unpin_page(). */
int marks_pin(struct page_marks *marks, uint64_t page);
int marks_unpin(struct page_marks *marks, uint64_t page);
uint64_t marks_pinned(const struct page_marks *marks, struct span pages);

/* -ENOMEM: some of @pages may be marked. */
int marks_dirty(struct page_marks *marks, struct span pages);
void marks_clean(struct page_marks *marks);
/* Clean, then dirty what is pinned. */
void marks_repopulate(struct page_marks *marks);
/* Sets bit page + @shift for each dirty page. */
void marks_dirty_bits(const struct page_marks *marks, uint64_t *bitmap, unsigned shift);

#endif
