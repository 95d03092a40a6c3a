/* SPDX-License-Identifier: MIT */
/*
 * Maps, lists and values of a file of expectations. Each function reads @node into what it
 * is given and adds what is wrong with it to the reader's errors: -EINVAL; or -ENOMEM.
 * Texts are the file's or the topology's, arrays the expectations' arena's.
 */
#ifndef HARNESS_EXPECT_WANT_H
#define HARNESS_EXPECT_WANT_H

#include <stddef.h>

#include "expect/expect.h"

struct reader {
	struct expectations *expect;
	const struct vfiosim_topology *topology;	/* NULL: not known yet */
	struct vfiosim_errors *errors;
};

/* A key of a map. */
struct key {
	const char *name;	/* NULL ends a table */
	int (*read)(struct reader *reader, const struct ynode *node, void *to);
	size_t offset;		/* of what it is read into */
};

typedef int want_item(struct reader *reader, const struct ynode *node, void *to);

/* @keys ends with a row without name; @to is what their offsets count from. */
int want_keys(struct reader *reader, const struct ynode *node, const struct key *keys, void *to);
/* @ret_items: a pointer to the array's; its items are of @size bytes. @what was expected. */
int want_list(struct reader *reader, const struct ynode *node, const char *what, size_t size,
	      want_item *read, void *ret_items, size_t *ret_n);
/* "unknown WHAT 'x'" and the nearest of @names. */
int want_unknown(struct reader *reader, const struct ynode *node, const char *text,
		 const char *what, const char *const *names, size_t n);
/* The address of a device that may be given by its name. */
int want_device_name(struct reader *reader, const struct ynode *node, const char *name,
		     const char **ret_address);

/* What they read into is behind them. */
int want_device(struct reader *reader, const struct ynode *node, void *to);	/* const char * */
int want_text(struct reader *reader, const struct ynode *node, void *to);	/* const char * */
int want_count(struct reader *reader, const struct ynode *node, void *to);	/* uint64_t */
int want_number(struct reader *reader, const struct ynode *node, void *to);	/* struct number_want */
int want_devices(struct reader *reader, const struct ynode *node, void *to);	/* struct name_list */
int want_opens(struct reader *reader, const struct ynode *node, void *to);	/* struct name_list */
int want_what(struct reader *reader, const struct ynode *node, void *to);	/* struct what */
int want_whats(struct reader *reader, const struct ynode *node, void *to);	/* struct what_list */

#endif
