/* SPDX-License-Identifier: MIT */
/*
 * The machine at one moment, as a program made it. Threads: one at a time; the machine's
 * lock is taken and given back.
 */
#ifndef HARNESS_EXPECT_SEEN_H
#define HARNESS_EXPECT_SEEN_H

#include "expect/tracks.h"

struct vfiosim;

struct seen_space {
	unsigned number;	/* from 1 */
	const char **devices;	/* addresses */
	size_t n_devices;
	struct seen_mapping *mappings;
	size_t n_mappings;
	uint64_t pinned;	/* bytes */
};

struct seen {
	struct seen_space *spaces;	/* those with devices or mappings, by number */
	size_t n_spaces;
	char **open;			/* "container 1", "device 0000:01:00.0" */
	size_t n_open;
	uint64_t pinned;		/* bytes */
};

/* @open: the names of the files that are open; they are copied. -ENOMEM: some of it is missing. */
int seen_look(struct vfiosim *sim, struct tracks *tracks, const char *const *open, size_t n_open,
	      struct seen *ret_seen);
/*
 * One more mapping in space @number, and nothing else has changed since the look. False: the
 * space was not seen, or there is no memory for it.
 */
bool seen_add(struct seen *seen, unsigned number, const struct seen_mapping *mapping);
/* Also of one that is zeroed. */
void seen_done(struct seen *seen);

#endif
