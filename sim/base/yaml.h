/* SPDX-License-Identifier: MIT */
/*
 * A YAML file as a tree of nodes that remember where they stood. Every scalar is
 * kept as it was written: what `no`, `0x10` or `0000:01:00.0` mean is for whoever
 * reads the field to say.
 *
 * Narrower than YAML on purpose: one document, no anchors, aliases or tags, keys
 * are words and stand once, at most YAML_DEPTH levels. Everything else is refused
 * with its place.
 */
#ifndef SIM_BASE_YAML_H
#define SIM_BASE_YAML_H

#include <stdarg.h>
#include <stddef.h>

#include <vfiosim/error.h>

#include "base/arena.h"

#define YAML_DEPTH 16
#define YAML_BYTES (1u << 20)	/* a longer file is refused */

enum ynode_kind { YNODE_SCALAR, YNODE_LIST, YNODE_MAP };

struct ynode {
	enum ynode_kind kind;
	unsigned line, column;		/* from 1 */
	const char *text;		/* scalars: never NULL */
	struct ynode *first;		/* a list's items, a map's keys; NULL: empty */
	struct ynode *next;		/* the following item or key */
	struct ynode *value;		/* keys only */
	size_t count;			/* of items or keys */
};

/*
 * The tree lives in @arena. -EINVAL and @ret_error, -ENOMEM. @file is only for
 * messages.
 */
int yaml_read(const char *file, const char *text, size_t length, struct arena *arena,
	      struct ynode **ret_root, struct vfiosim_error *ret_error);

/* The value under @key of a map, or NULL. */
struct ynode *ynode_get(const struct ynode *map, const char *key);
/* "a list", "a map", "'12Q'": what was found, for messages. @buffer is of @size bytes. */
const char *ynode_found(const struct ynode *node, char *buffer, size_t size);

/* Fill in @ret_error; return -EINVAL. @node NULL: the file as a whole. */
int yaml_error(struct vfiosim_error *ret_error, const char *file, const struct ynode *node,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));
int yaml_verror(struct vfiosim_error *ret_error, const char *file, unsigned line, unsigned column,
		const char *format, va_list args) __attribute__((format(printf, 5, 0)));

#endif
