/* SPDX-License-Identifier: MIT */
/*
 * The nodes of a span set: leaves and branches, and what is done to one or two of
 * them at a time. What they mean together: span_set.c.
 *
 * Keys that are not used are UINT64_MAX, so that searching a node is the same few
 * steps whatever it holds: between scattered mappings, branches that go wrong
 * would be most of what a search costs.
 */
#ifndef SIM_BASE_SPAN_NODE_H
#define SIM_BASE_SPAN_NODE_H

#include <stddef.h>
#include <string.h>

#include "base/span.h"

#define KEYS 32			/* of a node, used or not; see count_below() */
#define UNUSED UINT64_MAX
#define LEAF_MAX KEYS		/* 792 bytes */
#define BRANCH_MAX KEYS		/* 520 bytes */
#define LEAF_LOW (LEAF_MAX / 4)
#define BRANCH_LOW (BRANCH_MAX / 4)

struct leaf {
	size_t n;
	struct leaf *prev, *next;
	uint64_t first[LEAF_MAX];	/* by themselves: searching reads nothing else */
	struct place {
		uint64_t last;
		void *item;
	} place[LEAF_MAX];
};

struct branch {
	size_t n;			/* children, 2 at least */
	uint64_t low[BRANCH_MAX];
	void *child[BRANCH_MAX];	/* branches, or leaves at the bottom */
};

/* ---- Searching ---- */

/*
 * How many of the first @n of KEYS ascending @keys are <= @key. Halves down to a
 * cache line's worth, then counts; by arithmetic, without a branch.
 */
static inline size_t count_below(const uint64_t *keys, size_t n, uint64_t key)
{
	const uint64_t *base = keys;
	size_t count;

	base += 16 & (0 - (size_t)(base[15] <= key));
	base += 8 & (0 - (size_t)(base[7] <= key));
	count = (size_t)(base - keys);
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		count += base[i] <= key;
	return count < n ? count : n;	/* UNUSED may be a key, too */
}

/* ---- Moving things about inside a node, and between two ---- */

/* The keys behind the first @n become unused, as far as @before were used. */
static inline void keys_cut(uint64_t *keys, size_t n, size_t before)
{
	for (size_t i = n; i < before; i++)
		keys[i] = UNUSED;
}

static inline void leaf_open(struct leaf *leaf, size_t slot, size_t n)
{
	memmove(leaf->first + slot + n, leaf->first + slot,
		(leaf->n - slot) * sizeof(*leaf->first));
	memmove(leaf->place + slot + n, leaf->place + slot,
		(leaf->n - slot) * sizeof(*leaf->place));
	leaf->n += n;
}

static inline void leaf_close(struct leaf *leaf, size_t slot, size_t n)
{
	leaf->n -= n;
	memmove(leaf->first + slot, leaf->first + slot + n,
		(leaf->n - slot) * sizeof(*leaf->first));
	memmove(leaf->place + slot, leaf->place + slot + n,
		(leaf->n - slot) * sizeof(*leaf->place));
	keys_cut(leaf->first, leaf->n, leaf->n + n);
}

static inline void leaf_cut(struct leaf *leaf, size_t n)
{
	keys_cut(leaf->first, n, leaf->n);
	leaf->n = n;
}

static inline void leaf_copy(struct leaf *to, size_t to_slot, const struct leaf *from, size_t slot,
		      size_t n)
{
	memcpy(to->first + to_slot, from->first + slot, n * sizeof(*to->first));
	memcpy(to->place + to_slot, from->place + slot, n * sizeof(*to->place));
}

static inline void branch_open(struct branch *branch, size_t slot, size_t n)
{
	memmove(branch->low + slot + n, branch->low + slot,
		(branch->n - slot) * sizeof(*branch->low));
	memmove(branch->child + slot + n, branch->child + slot,
		(branch->n - slot) * sizeof(*branch->child));
	branch->n += n;
}

static inline void branch_close(struct branch *branch, size_t slot, size_t n)
{
	branch->n -= n;
	memmove(branch->low + slot, branch->low + slot + n,
		(branch->n - slot) * sizeof(*branch->low));
	memmove(branch->child + slot, branch->child + slot + n,
		(branch->n - slot) * sizeof(*branch->child));
	keys_cut(branch->low, branch->n, branch->n + n);
}

static inline void branch_cut(struct branch *branch, size_t n)
{
	keys_cut(branch->low, n, branch->n);
	branch->n = n;
}

static inline void branch_copy(struct branch *to, size_t to_slot, const struct branch *from,
			       size_t slot, size_t n)
{
	memcpy(to->low + to_slot, from->low + slot, n * sizeof(*to->low));
	memcpy(to->child + to_slot, from->child + slot, n * sizeof(*to->child));
}

static inline void leaf_put(struct leaf *leaf, size_t slot, struct span span, void *item)
{
	leaf_open(leaf, slot, 1);
	leaf->first[slot] = span.first;
	leaf->place[slot] = (struct place){ span.last, item };
}

static inline void branch_put(struct branch *branch, size_t slot, uint64_t low, void *child)
{
	branch_open(branch, slot, 1);
	branch->low[slot] = low;
	branch->child[slot] = child;
}

/* ---- Making, splitting, balancing ---- */

/* Empty. NULL: no memory. */
struct leaf *leaf_create(void);
struct branch *branch_create(void);

/*
 * Put a span at @slot of the full @leaf, whose upper part goes to the new @right.
 * At either end of the set the old node stays full: mappings often arrive in order.
 * Returns @right's bound.
 */
uint64_t leaf_split(struct leaf *leaf, struct leaf *right, size_t slot, struct span span,
		    void *item);
/* The same for a child of the full @branch. @last: it is the highest of its level. */
uint64_t branch_split(struct branch *branch, struct branch *right, size_t slot, uint64_t low,
		      void *child, bool last);

/*
 * @left and @right are neighbours under one parent, one of them with few spans.
 * True: @right is empty now and out of the chain. Else *@low is its new bound.
 */
bool leaf_balance(struct leaf *left, struct leaf *right, uint64_t *low);
/* The same for branches. @low: the bound of @right in their parent, in and out. */
bool branch_balance(struct branch *left, struct branch *right, uint64_t *low);

#endif
