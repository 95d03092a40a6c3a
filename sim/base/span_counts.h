/* SPDX-License-Identifier: MIT */
/*
 * Span counts: which parts of a 64-bit space are held, where any number of holders
 * hold one span each and their spans may overlap. What the kernel has interval trees
 * for: which pages are pinned by somebody, and which by nobody else.
 *
 * Costs what the holders' spans have in ends, not what they cover. Owned by whoever
 * has the struct; not locked.
 */
#ifndef SIM_BASE_SPAN_COUNTS_H
#define SIM_BASE_SPAN_COUNTS_H

#include "base/span_set.h"

struct span_counts {
	struct span_set runs;		/* of struct run: stretches with the same holders */
};

void span_counts_init(struct span_counts *counts);
void span_counts_done(struct span_counts *counts);

/* One more holder, of @span. -ENOMEM: nothing changed. */
int span_counts_add(struct span_counts *counts, struct span span);
/* The holder of @span, added just so, lets go. Cannot fail. */
void span_counts_remove(struct span_counts *counts, struct span span);
/* A holder of @span, added just so, becomes two that meet before @at, inside it. -ENOMEM. */
int span_counts_cut(struct span_counts *counts, uint64_t at);

/* The lowest stretch of @within that nobody holds; false: there is none. */
bool span_counts_hole(const struct span_counts *counts, struct span within, struct span *ret_hole);

#endif
