/* SPDX-License-Identifier: MIT */
/*
 * Page marks: which pages filled areas hold, which mdevs have pinned one by one, and
 * which were written while dirty tracking was on. Sparse: costs what is marked, not
 * what is mapped. The first two are the kernel's domains_itree and access_itree.
 */
#ifndef SIM_PAGES_MARKS_H
#define SIM_PAGES_MARKS_H

#include "base/span.h"

struct page_marks;

/* NULL: no memory. */
struct page_marks *marks_create(void);
/* NULL is allowed. */
void marks_destroy(struct page_marks *marks);

/* One more pin on @page. -ENOMEM. */
int marks_pin(struct page_marks *marks, uint64_t page);
/* One less: how many are left; -1: there was none. */
long marks_unpin(struct page_marks *marks, uint64_t page);
/* Pages of @pages that are pinned, each counted once. */
uint64_t marks_pinned(const struct page_marks *marks, struct span pages);

/* An area over @pages is filled: -ENOMEM, nothing changed. It is not any more: cannot fail. */
int marks_fill(struct page_marks *marks, struct span pages);
void marks_unfill(struct page_marks *marks, struct span pages);
/* A filled area is cut in two before @page. -ENOMEM. */
int marks_cut(struct page_marks *marks, uint64_t page);
/* The lowest stretch of @within that is held in neither way; false: there is none. */
bool marks_hole(const struct page_marks *marks, struct span within, struct span *ret_hole);

/* -ENOMEM: some of @pages may be marked. */
int marks_dirty(struct page_marks *marks, struct span pages);
void marks_clean(struct page_marks *marks);
/* Clean, then dirty what is pinned. */
void marks_repopulate(struct page_marks *marks);
/* Sets bit page + @shift for each dirty page. */
void marks_dirty_bits(const struct page_marks *marks, uint64_t *bitmap, unsigned shift);

#endif
