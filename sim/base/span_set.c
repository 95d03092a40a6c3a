/* SPDX-License-Identifier: MIT */
/*
 * Span set: a B+ tree.
 *
 * Leaves hold the spans, sorted, and are chained both ways. Branches hold, for
 * each child, a lower bound of what is below it:
 *
 *	every span under child i has  low[i] <= first < low[i + 1]
 *
 * (low[0] is 0 at the left edge.) Bounds are not kept tight: erasing the first
 * span of a leaf leaves its bound alone, so looking below an address may have to
 * step to the leaf before. Nothing else does.
 *
 * Keys that are not used are UINT64_MAX, so that searching a node is the same few
 * steps whatever it holds: between scattered mappings, branches that go wrong
 * would be most of what a search costs.
 *
 * Filling: a full node is halved, except at either end of the set, where it is
 * left full: mappings often arrive in order. A node that falls below a quarter is
 * merged with a neighbour of the same parent, or takes from it.
 *
 * Inserting allocates every node it will need before it changes anything.
 */
#include "base/span_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 32			/* of a node, used or not; see count_below() */
#define UNUSED UINT64_MAX
#define LEAF_MAX KEYS		/* 792 bytes */
#define BRANCH_MAX KEYS		/* 520 bytes */
#define HEIGHT_MAX 20 /* a branch has two children at least, and memory ends long before */

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

/* The way from the root to a leaf. step[0] is the branch right above the leaf. */
struct path {
	struct {
		struct branch *branch;
		size_t slot;		/* of the child taken */
	} step[HEIGHT_MAX];
	struct leaf *leaf;
};

void span_set_init(struct span_set *set)
{
	*set = (struct span_set){ 0 };
}

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

/* Which child of @branch may hold a span that starts at @address. */
static inline size_t child_slot(const struct branch *branch, uint64_t address)
{
	return count_below(branch->low, branch->n, address) - 1;
}

/* Have all of the leaf on its way at once, instead of one cache line after the other. */
static inline void leaf_prefetch(const struct leaf *leaf)
{
#pragma GCC unroll 16
	for (size_t i = 0; i < sizeof(*leaf); i += 64)
		__builtin_prefetch((const char *)leaf + i);
}

static struct leaf *find_leaf(const struct span_set *set, uint64_t address)
{
	void *node = set->root;

	for (unsigned level = set->height; level > 0; level--) {
		const struct branch *branch = node;

		node = branch->child[child_slot(branch, address)];
	}
	if (node)
		leaf_prefetch(node);
	return node;
}

static void find_path(const struct span_set *set, uint64_t address, struct path *ret_path)
{
	void *node = set->root;

	for (unsigned level = set->height; level > 0; level--) {
		struct branch *branch = node;
		size_t slot = child_slot(branch, address);

		ret_path->step[level - 1].branch = branch;
		ret_path->step[level - 1].slot = slot;
		node = branch->child[slot];
	}
	leaf_prefetch(node);
	ret_path->leaf = node;
}

static bool cursor_set(struct span_cursor *cursor, struct leaf *leaf, size_t slot)
{
	cursor->leaf = leaf;
	cursor->slot = (unsigned)slot;
	cursor->span = (struct span){ leaf->first[slot], leaf->place[slot].last };
	cursor->item = leaf->place[slot].item;
	return true;
}

bool span_set_seek_below(const struct span_set *set, uint64_t address,
			 struct span_cursor *ret_cursor)
{
	struct leaf *leaf = find_leaf(set, address);
	size_t n;

	if (!leaf)
		return false;
	n = count_below(leaf->first, leaf->n, address);
	if (!n) {
		leaf = leaf->prev;
		if (!leaf)
			return false;
		n = leaf->n;
	}
	return cursor_set(ret_cursor, leaf, n - 1);
}

bool span_set_seek(const struct span_set *set, uint64_t address, struct span_cursor *ret_cursor)
{
	struct leaf *leaf = set->root;

	if (span_set_seek_below(set, address, ret_cursor))
		return ret_cursor->span.last >= address || span_cursor_next(ret_cursor);
	if (!leaf)
		return false;
	/* Everything starts above @address: the very first span. */
	leaf = find_leaf(set, 0);
	return cursor_set(ret_cursor, leaf, 0);
}

bool span_cursor_next(struct span_cursor *cursor)
{
	struct leaf *leaf = cursor->leaf;

	if (cursor->slot + 1 < leaf->n)
		return cursor_set(cursor, leaf, cursor->slot + 1);
	return leaf->next && cursor_set(cursor, leaf->next, 0);
}

void *span_set_find(const struct span_set *set, struct span span)
{
	struct span_cursor cursor;

	if (!span_set_seek(set, span.first, &cursor) || cursor.span.first > span.last)
		return NULL;
	return cursor.item;
}

/* ---- Moving things about inside nodes and between neighbours ---- */

/* The keys behind the first @n become unused, as far as @before were used. */
static void keys_cut(uint64_t *keys, size_t n, size_t before)
{
	for (size_t i = n; i < before; i++)
		keys[i] = UNUSED;
}

static void leaf_open(struct leaf *leaf, size_t slot, size_t n)
{
	memmove(leaf->first + slot + n, leaf->first + slot,
		(leaf->n - slot) * sizeof(*leaf->first));
	memmove(leaf->place + slot + n, leaf->place + slot,
		(leaf->n - slot) * sizeof(*leaf->place));
	leaf->n += n;
}

static void leaf_close(struct leaf *leaf, size_t slot, size_t n)
{
	leaf->n -= n;
	memmove(leaf->first + slot, leaf->first + slot + n,
		(leaf->n - slot) * sizeof(*leaf->first));
	memmove(leaf->place + slot, leaf->place + slot + n,
		(leaf->n - slot) * sizeof(*leaf->place));
	keys_cut(leaf->first, leaf->n, leaf->n + n);
}

static void leaf_cut(struct leaf *leaf, size_t n)
{
	keys_cut(leaf->first, n, leaf->n);
	leaf->n = n;
}

static void leaf_copy(struct leaf *to, size_t to_slot, const struct leaf *from, size_t slot,
		      size_t n)
{
	memcpy(to->first + to_slot, from->first + slot, n * sizeof(*to->first));
	memcpy(to->place + to_slot, from->place + slot, n * sizeof(*to->place));
}

static void branch_open(struct branch *branch, size_t slot, size_t n)
{
	memmove(branch->low + slot + n, branch->low + slot,
		(branch->n - slot) * sizeof(*branch->low));
	memmove(branch->child + slot + n, branch->child + slot,
		(branch->n - slot) * sizeof(*branch->child));
	branch->n += n;
}

static void branch_close(struct branch *branch, size_t slot, size_t n)
{
	branch->n -= n;
	memmove(branch->low + slot, branch->low + slot + n,
		(branch->n - slot) * sizeof(*branch->low));
	memmove(branch->child + slot, branch->child + slot + n,
		(branch->n - slot) * sizeof(*branch->child));
	keys_cut(branch->low, branch->n, branch->n + n);
}

static void branch_cut(struct branch *branch, size_t n)
{
	keys_cut(branch->low, n, branch->n);
	branch->n = n;
}

static void branch_copy(struct branch *to, size_t to_slot, const struct branch *from, size_t slot,
			size_t n)
{
	memcpy(to->low + to_slot, from->low + slot, n * sizeof(*to->low));
	memcpy(to->child + to_slot, from->child + slot, n * sizeof(*to->child));
}

/* ---- Inserting ---- */

static struct leaf *leaf_create(void)
{
	struct leaf *leaf = malloc(sizeof(*leaf));

	if (!leaf)
		return NULL;
	leaf->n = 0;
	leaf->prev = leaf->next = NULL;
	keys_cut(leaf->first, 0, KEYS);
	return leaf;
}

static struct branch *branch_create(void)
{
	struct branch *branch = malloc(sizeof(*branch));

	if (!branch)
		return NULL;
	branch->n = 0;
	keys_cut(branch->low, 0, KEYS);
	return branch;
}

static void leaf_put(struct leaf *leaf, size_t slot, struct span span, void *item)
{
	leaf_open(leaf, slot, 1);
	leaf->first[slot] = span.first;
	leaf->place[slot] = (struct place){ span.last, item };
}

static void branch_put(struct branch *branch, size_t slot, uint64_t low, void *child)
{
	branch_open(branch, slot, 1);
	branch->low[slot] = low;
	branch->child[slot] = child;
}

/* Put a span into the full @leaf, whose upper part goes to @right. Returns @right's bound. */
static uint64_t leaf_split(struct leaf *leaf, struct leaf *right, size_t slot, struct span span,
			   void *item)
{
	size_t keep = LEAF_MAX / 2 + 1;

	if (slot == LEAF_MAX && !leaf->next)
		keep = LEAF_MAX;
	else if (!slot && !leaf->prev)
		keep = 0;
	right->n = LEAF_MAX - keep;
	leaf_copy(right, 0, leaf, keep, right->n);
	leaf_cut(leaf, keep);
	right->prev = leaf;
	right->next = leaf->next;
	if (leaf->next)
		leaf->next->prev = right;
	leaf->next = right;

	if (slot < keep || !keep)
		leaf_put(leaf, slot, span, item);
	else
		leaf_put(right, slot - keep, span, item);
	return right->first[0];
}

/* The same for a full @branch. @last: it is the highest of its level. */
static uint64_t branch_split(struct branch *branch, struct branch *right, size_t slot, uint64_t low,
			     void *child, bool last)
{
	size_t keep = last && slot == BRANCH_MAX ? BRANCH_MAX - 1 : BRANCH_MAX / 2 + 1;

	right->n = BRANCH_MAX - keep;
	branch_copy(right, 0, branch, keep, right->n);
	branch_cut(branch, keep);
	if (slot < keep)
		branch_put(branch, slot, low, child);
	else
		branch_put(right, slot - keep, low, child);
	return right->low[0];
}

/* Is the branch at @level the highest of its level? */
static bool path_is_last(const struct span_set *set, const struct path *path, unsigned level)
{
	for (unsigned above = level + 1; above < set->height; above++)
		if (path->step[above].slot + 1 < path->step[above].branch->n)
			return false;
	return true;
}

/* The nodes that splitting along @path takes, first the leaf. Frees them again on -ENOMEM. */
static int spare_nodes(const struct span_set *set, const struct path *path,
		       void *ret_spare[HEIGHT_MAX + 1])
{
	unsigned n = 1;

	while (n <= set->height && path->step[n - 1].branch->n == BRANCH_MAX)
		n++;
	if (n > set->height)
		n++;		/* the root is split too: a new one */
	if (n > HEIGHT_MAX + 1)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		ret_spare[i] = i ? (void *)branch_create() : (void *)leaf_create();
		if (ret_spare[i])
			continue;
		while (i--)
			free(ret_spare[i]);
		return -ENOMEM;
	}
	return 0;
}

static int insert_splitting(struct span_set *set, struct path *path, size_t slot, struct span span,
			    void *item)
{
	void *spare[HEIGHT_MAX + 1];
	struct branch *root;
	uint64_t low;
	unsigned level;
	int rc;

	rc = spare_nodes(set, path, spare);
	if (rc)
		return rc;
	low = leaf_split(path->leaf, spare[0], slot, span, item);
	for (level = 0; level < set->height; level++) {
		struct branch *branch = path->step[level].branch;

		slot = path->step[level].slot + 1;
		if (branch->n < BRANCH_MAX) {
			branch_put(branch, slot, low, spare[level]);
			return 0;
		}
		low = branch_split(branch, spare[level + 1], slot, low, spare[level],
				   path_is_last(set, path, level));
	}
	root = spare[level + 1];
	root->n = 2;
	root->low[0] = 0;
	root->child[0] = set->root;
	root->low[1] = low;
	root->child[1] = spare[level];
	set->root = root;
	set->height++;
	return 0;
}

/* Does @span overlap what stands before or at @slot of @leaf? Nothing at @slot starts below it. */
static bool overlaps_neighbours(const struct leaf *leaf, size_t slot, struct span span)
{
	const struct leaf *next = leaf->next;

	if (slot) {
		if (leaf->place[slot - 1].last >= span.first)
			return true;
	} else if (leaf->prev && leaf->prev->place[leaf->prev->n - 1].last >= span.first) {
		return true;
	}
	if (slot < leaf->n)
		return leaf->first[slot] <= span.last;
	return next && next->first[0] <= span.last;
}

static int insert_first(struct span_set *set, struct span span, void *item)
{
	struct leaf *leaf = leaf_create();

	if (!leaf)
		return -ENOMEM;
	leaf_put(leaf, 0, span, item);
	set->root = leaf;
	set->count = 1;
	return 0;
}

int span_set_insert(struct span_set *set, struct span span, void *item)
{
	struct path path;
	size_t slot;
	int rc = 0;

	if (!set->root)
		return insert_first(set, span, item);
	find_path(set, span.first, &path);
	slot = count_below(path.leaf->first, path.leaf->n, span.first);
	if (overlaps_neighbours(path.leaf, slot, span))
		return -EEXIST;
	if (path.leaf->n < LEAF_MAX)
		leaf_put(path.leaf, slot, span, item);
	else
		rc = insert_splitting(set, &path, slot, span, item);
	if (!rc)
		set->count++;
	return rc;
}

/* ---- Erasing ---- */

/*
 * @left and @right are neighbours under one parent, one of them with few spans.
 * True: @right is empty now and out of the chain. Else *@low is its new bound.
 */
static bool leaf_balance(struct leaf *left, struct leaf *right, uint64_t *low)
{
	size_t total = left->n + right->n, half = total / 2, n;

	if (total <= LEAF_MAX * 3 / 4) {
		leaf_copy(left, left->n, right, 0, right->n);
		left->n = total;
		left->next = right->next;
		if (right->next)
			right->next->prev = left;
		return true;
	}
	if (left->n < half) {
		n = half - left->n;
		leaf_copy(left, left->n, right, 0, n);
		left->n = half;
		leaf_close(right, 0, n);
	} else {
		n = left->n - half;
		leaf_open(right, 0, n);
		leaf_copy(right, 0, left, half, n);
		leaf_cut(left, half);
	}
	*low = right->first[0];
	return false;
}

/* The same for branches. @low: the bound of @right in their parent, in and out. */
static bool branch_balance(struct branch *left, struct branch *right, uint64_t *low)
{
	size_t total = left->n + right->n, half = total / 2, n;

	right->low[0] = *low;
	if (total <= BRANCH_MAX * 3 / 4) {
		branch_copy(left, left->n, right, 0, right->n);
		left->n = total;
		return true;
	}
	if (left->n < half) {
		n = half - left->n;
		branch_copy(left, left->n, right, 0, n);
		left->n = half;
		branch_close(right, 0, n);
	} else {
		n = left->n - half;
		branch_open(right, 0, n);
		branch_copy(right, 0, left, half, n);
		branch_cut(left, half);
	}
	*low = right->low[0];
	return false;
}

static size_t node_fill(void *node, bool is_leaf)
{
	return is_leaf ? ((struct leaf *)node)->n : ((struct branch *)node)->n;
}

/* The child that @path takes at @level has become small: mend it, and what that makes small. */
static void rebalance(struct span_set *set, struct path *path)
{
	for (unsigned level = 0; level < set->height; level++) {
		struct branch *parent = path->step[level].branch;
		size_t slot = path->step[level].slot;
		bool is_leaf = !level, merged;
		void *left, *right;
		uint64_t *low;

		if (node_fill(parent->child[slot], is_leaf) >= (is_leaf ? LEAF_LOW : BRANCH_LOW))
			return;
		if (slot)
			slot--;
		left = parent->child[slot];
		right = parent->child[slot + 1];
		low = &parent->low[slot + 1];
		merged = is_leaf ? leaf_balance(left, right, low) : branch_balance(left, right, low);
		if (!merged)
			return;
		free(right);
		branch_close(parent, slot + 1, 1);
	}
}

/* A root with a single child, or without spans, is not needed. */
static void lower_root(struct span_set *set)
{
	struct branch *root = set->root;

	if (!set->count) {
		free(set->root);
		span_set_init(set);
	} else if (set->height && root->n == 1) {
		set->root = root->child[0];
		set->height--;
		free(root);
	}
}

void *span_set_erase(struct span_set *set, uint64_t first)
{
	struct path path;
	struct leaf *leaf;
	size_t slot;
	void *item;

	if (!set->root)
		return NULL;
	find_path(set, first, &path);
	leaf = path.leaf;
	slot = count_below(leaf->first, leaf->n, first);
	if (!slot || leaf->first[slot - 1] != first)
		return NULL;
	item = leaf->place[slot - 1].item;
	leaf_close(leaf, slot - 1, 1);
	set->count--;
	if (leaf->n < LEAF_LOW) {
		rebalance(set, &path);
		lower_root(set);
	}
	return item;
}

void *span_cursor_erase(struct span_set *set, const struct span_cursor *cursor)
{
	struct leaf *leaf = cursor->leaf;

	/* The way to the leaf matters only when it has to be mended. */
	if (leaf->n <= LEAF_LOW)
		return span_set_erase(set, cursor->span.first);
	leaf_close(leaf, cursor->slot, 1);
	set->count--;
	return cursor->item;
}

/* ---- The whole ---- */

static size_t node_bytes(void *node, unsigned level)
{
	struct branch *branch = node;
	size_t bytes = sizeof(*branch);

	if (!level)
		return sizeof(struct leaf);
	for (size_t i = 0; i < branch->n; i++)
		bytes += node_bytes(branch->child[i], level - 1);
	return bytes;
}

size_t span_set_bytes(const struct span_set *set)
{
	return set->root ? node_bytes(set->root, set->height) : 0;
}

static void node_free(void *node, unsigned level)
{
	struct branch *branch = node;

	if (level)
		for (size_t i = 0; i < branch->n; i++)
			node_free(branch->child[i], level - 1);
	free(node);
}

void span_set_done(struct span_set *set)
{
	if (set->root)
		node_free(set->root, set->height);
	span_set_init(set);
}
