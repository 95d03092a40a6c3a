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
 * Filling: a full node is halved, except at either end of the set, where it is
 * left full: mappings often arrive in order. A node that falls below a quarter is
 * merged with a neighbour of the same parent, or takes from it.
 *
 * Inserting allocates every node it will need before it changes anything.
 */
#include "base/span_set.h"

#include <errno.h>
#include <stdlib.h>

#include "base/span_node.h"

#define HEIGHT_MAX 20	/* a branch has two children at least: memory ends long before */

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

/* ---- Inserting ---- */

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

/*
 * The lowest place that @span overlaps, were it put at @slot of @leaf, or NULL. No
 * span before @slot starts above it, none behind starts below.
 */
static const struct place *overlapped(const struct leaf *leaf, size_t slot, struct span span)
{
	const struct leaf *prev = leaf->prev, *next = leaf->next;
	const struct place *before = NULL;

	if (slot)
		before = &leaf->place[slot - 1];
	else if (prev)
		before = &prev->place[prev->n - 1];
	if (before && before->last >= span.first)
		return before;
	if (slot < leaf->n)
		return leaf->first[slot] <= span.last ? &leaf->place[slot] : NULL;
	return next && next->first[0] <= span.last ? &next->place[0] : NULL;
}

void *span_set_find_gap(const struct span_set *set, struct span span, struct span_gap *ret_gap)
{
	struct leaf *leaf = find_leaf(set, span.first);
	const struct place *other = NULL;
	size_t slot = 0;

	if (leaf) {
		slot = count_below(leaf->first, leaf->n, span.first);
		other = overlapped(leaf, slot, span);
	}
	if (other)
		return other->item;
	*ret_gap = (struct span_gap){ leaf, (unsigned)slot };
	return NULL;
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
	if (overlapped(path.leaf, slot, span))
		return -EEXIST;
	if (path.leaf->n < LEAF_MAX)
		leaf_put(path.leaf, slot, span, item);
	else
		rc = insert_splitting(set, &path, slot, span, item);
	if (!rc)
		set->count++;
	return rc;
}

int span_set_insert_gap(struct span_set *set, const struct span_gap *gap, struct span span,
			void *item)
{
	struct leaf *leaf = gap->leaf;

	/* The way to the leaf matters only when it has to be split. */
	if (!leaf || leaf->n == LEAF_MAX)
		return span_set_insert(set, span, item);
	leaf_put(leaf, gap->slot, span, item);
	set->count++;
	return 0;
}

/* ---- Erasing ---- */

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
		bool is_leaf = !level;
		void *left, *right;
		uint64_t *low;

		if (node_fill(parent->child[slot], is_leaf) >= (is_leaf ? LEAF_LOW : BRANCH_LOW))
			return;
		if (slot)
			slot--;
		left = parent->child[slot];
		right = parent->child[slot + 1];
		low = &parent->low[slot + 1];
		if (!(is_leaf ? leaf_balance(left, right, low) : branch_balance(left, right, low)))
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

/* Bounds are about where spans start. */
void span_cursor_set_last(struct span_cursor *cursor, uint64_t last)
{
	struct leaf *leaf = cursor->leaf;

	leaf->place[cursor->slot].last = last;
	cursor->span.last = last;
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
