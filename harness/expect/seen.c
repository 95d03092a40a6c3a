/* SPDX-License-Identifier: MIT */
/* A look at the machine. See seen.h. */
#include "expect/seen.h"
#include "base/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/state.h>
#include <vfiosim/vfiosim.h>


#define PAGE 4096u

void seen_done(struct seen *seen)
{
	for (size_t i = 0; i < seen->n_spaces; i++) {
		free(seen->spaces[i].devices);
		free(seen->spaces[i].mappings);
	}
	free(seen->spaces);
	for (size_t i = 0; i < seen->n_open; i++)
		free(seen->open[i]);
	free(seen->open);
	*seen = (struct seen){ 0 };
}

static struct seen_mapping mapping_of(const struct tracks *tracks, struct space_key key,
				      const struct vfiosim_mapping *mapping)
{
	struct seen_mapping seen = {
		.iova = { mapping->first, mapping->last },
		.moves = mapping->client && mapping->first == mapping->at,
	};
	const struct seen_mapping *held = tracks_held(tracks, key, seen.iova);

	if (held) {
		seen.device = held->device;
		seen.region = held->region;
	}
	return seen;
}

static int see_space(struct tracks *tracks, const struct vfiosim_space *space, struct seen *seen)
{
	struct space_key key = key_of(space);
	struct seen_space *to = &seen->spaces[seen->n_spaces++];

	*to = (struct seen_space){
		.number = tracks_number(tracks, tracks_get(tracks, key)),
		.devices = calloc(space->n_devices + 1, sizeof(*to->devices)),
		/* Room as list_room() takes it to be there. */
		.mappings = calloc(2 * space->n_mappings + 1, sizeof(*to->mappings)),
		.pinned = space->pinned,
	};
	if (!to->devices || !to->mappings)
		return -ENOMEM;
	for (; to->n_devices < space->n_devices; to->n_devices++)
		to->devices[to->n_devices] = space->devices[to->n_devices];
	for (; to->n_mappings < space->n_mappings; to->n_mappings++)
		to->mappings[to->n_mappings] = mapping_of(tracks, key,
							  &space->mappings[to->n_mappings]);
	return 0;
}

bool seen_add(struct seen *seen, unsigned number, const struct seen_mapping *mapping)
{
	for (size_t i = 0; i < seen->n_spaces; i++) {
		struct seen_space *space = &seen->spaces[i];

		if (space->number != number ||
		    !list_room(&space->mappings, space->n_mappings, sizeof(*mapping), NULL))
			continue;
		space->mappings[space->n_mappings++] = *mapping;
		return true;
	}
	return false;
}

static int by_number(const void *one, const void *other)
{
	const struct seen_space *a = one, *b = other;

	return (a->number > b->number) - (a->number < b->number);
}

static int see_spaces(struct vfiosim *sim, struct tracks *tracks, struct seen *seen)
{
	struct vfiosim_spaces spaces;
	int error = vfiosim_spaces(sim, true, &spaces) ? -ENOMEM : 0;

	if (error)
		return error;
	seen->spaces = calloc(spaces.n + 1, sizeof(*seen->spaces));
	if (!seen->spaces)
		error = -ENOMEM;
	for (size_t i = 0; !error && i < spaces.n; i++)
		if (spaces.items[i].n_devices || spaces.items[i].n_mappings)
			error = see_space(tracks, &spaces.items[i], seen);
	if (seen->n_spaces)
		qsort(seen->spaces, seen->n_spaces, sizeof(*seen->spaces), by_number);
	vfiosim_spaces_done(&spaces);
	return error;
}

static int see_open(const char *const *open, size_t n_open, struct seen *seen)
{
	seen->open = calloc(n_open + 1, sizeof(*seen->open));
	for (; seen->open && seen->n_open < n_open; seen->n_open++) {
		seen->open[seen->n_open] = strdup(open[seen->n_open]);
		if (!seen->open[seen->n_open])
			break;
	}
	return seen->open && seen->n_open == n_open ? 0 : -ENOMEM;
}

int seen_look(struct vfiosim *sim, struct tracks *tracks, const char *const *open, size_t n_open,
	      struct seen *ret_seen)
{
	struct vfiosim_counters counters;
	int error;

	*ret_seen = (struct seen){ 0 };
	vfiosim_counters(sim, &counters);
	ret_seen->pinned = counters.pinned_pages * PAGE;
	error = see_spaces(sim, tracks, ret_seen);
	return see_open(open, n_open, ret_seen) ?: error;
}
