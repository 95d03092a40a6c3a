/* SPDX-License-Identifier: MIT */
/*
 * Spans: inclusive intervals first..last of a 64-bit space. Inclusive, so that a
 * span can end at the last address; never empty.
 */
#ifndef SIM_BASE_SPAN_H
#define SIM_BASE_SPAN_H

#include <stdbool.h>
#include <stdint.h>

struct span {
	uint64_t first;
	uint64_t last;
};

#define SPAN_ALL ((struct span){ 0, UINT64_MAX })

/* The span of @length bytes at @first; false when it is empty or wraps. */
static inline bool span_make(uint64_t first, uint64_t length, struct span *ret_span)
{
	uint64_t last;

	if (!length || __builtin_add_overflow(first, length - 1, &last))
		return false;
	*ret_span = (struct span){ first, last };
	return true;
}

/* Length in bytes; 0 stands for 2^64. */
static inline uint64_t span_length(struct span s)
{
	return s.last - s.first + 1;
}

static inline bool span_overlaps(struct span a, struct span b)
{
	return a.first <= b.last && b.first <= a.last;
}

/* Does @outer hold all of @inner? */
static inline bool span_contains(struct span outer, struct span inner)
{
	return outer.first <= inner.first && inner.last <= outer.last;
}

/* The common part of two spans that overlap. */
static inline struct span span_clip(struct span a, struct span b)
{
	return (struct span){ a.first > b.first ? a.first : b.first,
			      a.last < b.last ? a.last : b.last };
}

#endif
