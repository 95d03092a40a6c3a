/* SPDX-License-Identifier: MIT */
/*
 * The spaces of a run over time: how they are numbered, what of devices is mapped in them,
 * which mappings they refused, and the fullest moment so far. The machine knows what is
 * there (vfiosim_spaces()); here is what it does not keep.
 *
 * Life: zeroed -> ... -> tracks_done. One thread at a time.
 */
#ifndef HARNESS_EXPECT_TRACKS_H
#define HARNESS_EXPECT_TRACKS_H

#include <vfiosim/state.h>

#include "expect/tales.h"

/* Which space: a container, or an ioas of an iommufd. All 0: none. */
struct space_key {
	uint32_t container, iommufd, ioas;
};

struct track {
	struct space_key key;
	unsigned number;		/* from 1; 0: nobody has tried to attach anything */
	bool live;			/* has devices or mappings now */
	const char **devices;		/* addresses, as vfiosim_spaces() lists them; its own */
	size_t n_devices;
	uint64_t bytes;			/* mapped */
};

/* A mapping of a space: one of a device's region that is there, or one that was refused. */
struct space_mapping {
	struct space_key space;
	struct seen_mapping mapping;
};

/* The outcome, as far as the run has got. */
struct seen_outcome {
	size_t n_devices;		/* at the fullest moment */
	uint64_t bytes;
	size_t n_spaces;
	struct seen_mapping *omitted;
	size_t n_omitted;
};

struct tracks {
	struct track *items;
	size_t n;
	unsigned n_numbers;
	struct space_mapping *held;	/* of devices' regions */
	size_t n_held;
	struct space_mapping *refused;	/* and not there since */
	size_t n_refused;
	struct seen_outcome fullest;
	bool no_memory;			/* something is missing */
};
void tracks_done(struct tracks *tracks);

struct space_key key_of(const struct vfiosim_space *space);

struct track *tracks_find(struct tracks *tracks, struct space_key key);
/* Makes it if need be. NULL: no memory. */
struct track *tracks_get(struct tracks *tracks, struct space_key key);
/* The ioas of that id; where @iommufd is 0, of the first iommufd that has one. */
struct space_key tracks_ioas(const struct tracks *tracks, uint32_t iommufd, uint32_t ioas);
/* The one ioas of an iommufd that is live, the last of several. */
struct space_key tracks_live_ioas(const struct tracks *tracks, uint32_t iommufd);
/* Its number, which it gets now if it has none. 0: @track is NULL. */
unsigned tracks_number(struct tracks *tracks, struct track *track);
/* Spaces that are not in @spaces have ended. */
void tracks_end_gone(struct tracks *tracks, const struct vfiosim_spaces *spaces);

/* A mapping is there now, or was refused; what was at its iovas is not known any more. */
void tracks_mapped(struct tracks *tracks, struct track *track, const struct seen_mapping *mapping);
void tracks_map_refused(struct tracks *tracks, struct space_key key,
			const struct seen_mapping *mapping);
void tracks_unmapped(struct tracks *tracks, struct track *track, struct span iova, uint64_t bytes);
/* Devices' regions that are mapped at @iova, one by one: *@at begins at 0. NULL: no more. */
const struct seen_mapping *tracks_next_held(const struct tracks *tracks, struct space_key key,
					    struct span iova, size_t *at);
/* The device's region that is mapped at @iova, the last of several. NULL: none, as far as is known. */
const struct seen_mapping *tracks_held(const struct tracks *tracks, struct space_key key,
				       struct span iova);

/*
 * Most devices, then most bytes. Of equals the first, but what a space refuses while it
 * is as full as it ever gets counts as well: a program may map after it has attached.
 * True: it was never as full before.
 */
bool tracks_note_fullness(struct tracks *tracks);

#endif
