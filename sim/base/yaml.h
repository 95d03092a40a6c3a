/* SPDX-License-Identifier: MIT */
/*
 * A YAML file as a tree of nodes that remember where they stood, so that whatever is
 * said about one names file, line and column. Every scalar is kept as it was written:
 * what `no`, `0x10` or `0000:01:00.0` mean is for whoever reads the node to say.
 *
 * Narrower than YAML on purpose: one document, no anchors, aliases or tags, keys
 * are words and stand once, at most YAML_DEPTH levels and YAML_BYTES bytes.
 * Everything else is refused with its place.
 *
 *	yaml_parse or yaml_load -> ynode_get, ynode_text, ... -> arena_done
 */
#ifndef SIM_BASE_YAML_H
#define SIM_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfiosim/error.h>

#include "base/arena.h"

#define YAML_DEPTH 16
#define YAML_BYTES (1u << 20)	/* a longer file is refused */

enum ynode_kind { YNODE_SCALAR, YNODE_LIST, YNODE_MAP };

struct ynode {
	enum ynode_kind kind;
	unsigned line, column;		/* from 1 */
	const char *file;		/* for messages; the same in every node of a tree */
	const char *text;		/* scalars; of others NULL */
	const struct ynode *items;	/* of lists; of maps the values, in order */
	const struct ynode *keys;	/* of maps: scalars, as many as items */
	size_t n;			/* of items */
};

/*
 * The tree lives in @arena. -EINVAL and what is wrong, -ENOMEM. *@ret_root is NULL
 * unless there is a tree; with -EINVAL there may be one whose only fault is a key
 * that stands twice, so that the reader can look for more.
 */
int yaml_parse(const char *file, const char *text, size_t length, struct arena *arena,
	       const struct ynode **ret_root, struct vfiosim_errors *errors);
/* The same from a file; other errnos of open() and read(), which are told as well. */
int yaml_load(const char *path, struct arena *arena, const struct ynode **ret_root,
	      struct vfiosim_errors *errors);

/* Is @name meant as a file rather than as something built in? It has a / or ends in .yaml. */
bool yaml_is_path(const char *name);

/* The value under @key of a map, or NULL. */
const struct ynode *ynode_get(const struct ynode *map, const char *key);

/* ---- Complaints: each adds to @errors (NULL: to nothing) and returns -EINVAL. ---- */

int ynode_error(const struct ynode *node, struct vfiosim_errors *errors, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "expected WHAT, found 'x'" */
int ynode_expected(const struct ynode *node, struct vfiosim_errors *errors, const char *what);
/* "unknown WHAT 'x'" and the nearest of @known (a NULL ends them), or all when none is near. */
int ynode_unknown(const struct ynode *node, struct vfiosim_errors *errors, const char *what,
		  const char *const *known);
/* "a list", "a map", "'12Q'": what was found, for messages. @buffer is of @size bytes. */
const char *ynode_found(const struct ynode *node, char *buffer, size_t size);

/* ---- Reading a scalar: 0, or -EINVAL and a complaint. ---- */

/* Not empty. @what was expected, for the message. */
int ynode_text(const struct ynode *node, const char *what, const char **ret_text,
	       struct vfiosim_errors *errors);
int ynode_number(const struct ynode *node, uint64_t *ret_number, struct vfiosim_errors *errors);
int ynode_bool(const struct ynode *node, bool *ret_bool, struct vfiosim_errors *errors);
/* Index in @known, which a NULL ends. */
int ynode_choice(const struct ynode *node, const char *what, const char *const *known,
		 unsigned *ret_index, struct vfiosim_errors *errors);

#endif
