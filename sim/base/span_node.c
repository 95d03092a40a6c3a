/* SPDX-License-Identifier: MIT */
#include "base/span_node.h"

#include <stdlib.h>

struct leaf *leaf_create(void)
{
	struct leaf *leaf = malloc(sizeof(*leaf));

	if (!leaf)
		return NULL;
	leaf->n = 0;
	leaf->prev = leaf->next = NULL;
	keys_cut(leaf->first, 0, KEYS);
	return leaf;
}

struct branch *branch_create(void)
{
	struct branch *branch = malloc(sizeof(*branch));

	if (!branch)
		return NULL;
	branch->n = 0;
	keys_cut(branch->low, 0, KEYS);
	return branch;
}

uint64_t leaf_split(struct leaf *leaf, struct leaf *right, size_t slot, struct span span,
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

uint64_t branch_split(struct branch *branch, struct branch *right, size_t slot, uint64_t low,
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

bool leaf_balance(struct leaf *left, struct leaf *right, uint64_t *low)
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

bool branch_balance(struct branch *left, struct branch *right, uint64_t *low)
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
