/* SPDX-License-Identifier: MIT */
/*
 * A YAML file as a tree that remembers where everything stood, so that every
 * complaint can name file, line and column, what was expected and what was
 * perhaps meant.
 *
 * Scalars are taken as written: `0000:01:00.0` and `no` need no quotes. `$name`
 * as a whole scalar stands for a value of the variant being run (node_resolve()).
 *
 * A tree is one block of memory: node_free() on the root frees everything.
 */
#ifndef HARNESS_CASE_NODE_H
#define HARNESS_CASE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfiosim_error;

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	const char *text;	/* scalars, as written; of others NULL */
	struct node *items;	/* lists and maps: the values in order */
	struct node *keys;	/* maps: scalars, as many as items */
	size_t n;
	unsigned line, column;	/* counted from 1 */
	const char *file;	/* for messages; the same in every node of a tree */
};

/*
 * Parses one document. @file is copied. -EINVAL and where; -ENOMEM. Keys must be
 * scalars and must not repeat; anchors and aliases are taken as YAML has them.
 */
int node_parse(const char *file, const char *text, size_t length, struct node **ret_root,
	       struct vfiosim_error *ret_error);
/* NULL is allowed. */
void node_free(struct node *root);

/* The value of @key in a map, or NULL. */
const struct node *node_get(const struct node *map, const char *key);
/* What `$name` stands for: the value in @values (a map, or NULL), or the node itself. */
const struct node *node_resolve(const struct node *node, const struct node *values);

/*
 * Complains about a node: fills @ret_error and returns -EINVAL, so that a reader
 * can `return node_error(node, error, "expected ...")`.
 */
int node_error(const struct node *node, struct vfiosim_error *ret_error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Complains that @node is none of @known (ended by NULL): "unknown WHAT 'x', did
 * you mean 'y'?" or the list of all when nothing is near.
 */
int node_unknown(const struct node *node, struct vfiosim_error *ret_error, const char *what,
		 const char *const *known);
/* The nearest of @known to @text, or NULL when none is near. */
const char *nearest(const char *text, const char *const *known);

/* A number: 10, 0x1000, 4K, 128M, 1G, 1T, -1 (the largest). Says what was expected. */
int node_number(const struct node *node, uint64_t *ret_value, struct vfiosim_error *ret_error);
int node_bool(const struct node *node, bool *ret_value, struct vfiosim_error *ret_error);
/* Index of the scalar in @known. */
int node_choice(const struct node *node, const char *what, const char *const *known,
		unsigned *ret_index, struct vfiosim_error *ret_error);
/* A scalar's text: error when the node is a list or a map. */
int node_text(const struct node *node, const char *what, const char **ret_text,
	      struct vfiosim_error *ret_error);

#endif
