/* SPDX-License-Identifier: MIT */
/*
 * Span set: an ordered set of spans that do not overlap, each with an item. The
 * data structure under every IOVA space.
 *
 * A B+ tree, because mappings come by the million and a binary tree pays a cache
 * miss per level: keys lie side by side in wide nodes, leaves are chained.
 * Finding, inserting and erasing cost O(log n); walking costs O(1) per item. It
 * keeps about 24 bytes per item besides the item itself.
 *
 * Owned by whoever holds the struct; not locked. Items are the caller's.
 */
#ifndef SIM_BASE_SPAN_SET_H
#define SIM_BASE_SPAN_SET_H

#include <stddef.h>

#include "base/span.h"

struct span_set {
	void *root;		/* NULL: empty */
	unsigned height;	/* 0: the root is a leaf */
	size_t count;
};

/* A place in a set; good until the set changes. */
struct span_cursor {
	void *leaf;
	unsigned slot;
	struct span span;	/* of the item under the cursor */
	void *item;
};

void span_set_init(struct span_set *set);
/* Frees the set's nodes, not the items. */
void span_set_done(struct span_set *set);

/* 0; -EEXIST when @span overlaps one that is there; -ENOMEM. All or nothing. */
int span_set_insert(struct span_set *set, struct span span, void *item);
/* Takes out the span that starts at @first, returns its item; NULL: there is none. Cannot fail. */
void *span_set_erase(struct span_set *set, uint64_t first);

/* The item of the lowest span that overlaps @span, or NULL. */
void *span_set_find(const struct span_set *set, struct span span);

/* A place in a set where a span would go; good until the set changes. */
struct span_gap {
	void *leaf;		/* NULL: the set is empty */
	unsigned slot;
};
/* Like span_set_find(); where that gives NULL, the place for @span, too. */
void *span_set_find_gap(const struct span_set *set, struct span span, struct span_gap *ret_gap);
/* Put @span where span_set_find_gap() has just found room for it. 0, -ENOMEM. */
int span_set_insert_gap(struct span_set *set, const struct span_gap *gap, struct span span,
			void *item);

/* The cursor on the lowest span whose last is >= @address. false: there is none. */
bool span_set_seek(const struct span_set *set, uint64_t address, struct span_cursor *ret_cursor);
/* The highest span whose first is <= @address. false: there is none. */
bool span_set_seek_below(const struct span_set *set, uint64_t address,
			 struct span_cursor *ret_cursor);
/* To the next higher span. false: there is none. */
bool span_cursor_next(struct span_cursor *cursor);
/* The span under the cursor ends at @last from now on: not before it starts, nor where another does. */
void span_cursor_set_last(struct span_cursor *cursor, uint64_t last);
/* Takes out the span under the cursor without looking for it again, returns its item. */
void *span_cursor_erase(struct span_set *set, const struct span_cursor *cursor);

/* Bytes of memory the set's nodes take now. */
size_t span_set_bytes(const struct span_set *set);

/* for every span that overlaps [from, to], in ascending order; the set must not change inside */
#define span_set_for_each(set_, cursor_, from_, to_)                            \
	for (bool more_ = span_set_seek((set_), (from_), (cursor_));             \
	     more_ && (cursor_)->span.first <= (to_); more_ = span_cursor_next(cursor_))

#endif
