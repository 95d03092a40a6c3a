/* SPDX-License-Identifier: MIT */
/* The spaces of a run over time. See tracks.h. */
#include "expect/tracks.h"
#include "base/list.h"

#include <stdlib.h>


static bool same_key(struct space_key one, struct space_key other)
{
	return one.container == other.container && one.iommufd == other.iommufd &&
	       one.ioas == other.ioas;
}

struct space_key key_of(const struct vfiosim_space *space)
{
	return (struct space_key){ space->container, space->iommufd, space->ioas };
}

/* ---- Spaces ------------------------------------------------------------ */

struct track *tracks_find(struct tracks *tracks, struct space_key key)
{
	for (size_t i = 0; i < tracks->n; i++)
		if (same_key(tracks->items[i].key, key))
			return &tracks->items[i];
	return NULL;
}

struct track *tracks_get(struct tracks *tracks, struct space_key key)
{
	struct track *track = tracks_find(tracks, key);

	if (track || !list_room(&tracks->items, tracks->n, sizeof(*track), &tracks->no_memory))
		return track;
	track = &tracks->items[tracks->n++];
	*track = (struct track){ .key = key };
	return track;
}

struct space_key tracks_ioas(const struct tracks *tracks, uint32_t iommufd, uint32_t ioas)
{
	for (size_t i = 0; i < tracks->n; i++) {
		struct space_key key = tracks->items[i].key;

		if (key.ioas == ioas && (!iommufd || key.iommufd == iommufd))
			return key;
	}
	return (struct space_key){ 0 };
}

struct space_key tracks_live_ioas(const struct tracks *tracks, uint32_t iommufd)
{
	for (size_t i = tracks->n; i-- > 0;)
		if (tracks->items[i].key.iommufd == iommufd && tracks->items[i].live)
			return tracks->items[i].key;
	return (struct space_key){ 0 };
}

unsigned tracks_number(struct tracks *tracks, struct track *track)
{
	if (track && !track->number)
		track->number = ++tracks->n_numbers;
	return track ? track->number : 0;
}

/* ---- Mappings ---------------------------------------------------------- */

static void drop(struct space_mapping *list, size_t *n, size_t index)
{
	list[index] = list[--*n];
}

static void drop_overlapping(struct space_mapping *list, size_t *n, struct space_key key,
			     struct span iova)
{
	for (size_t i = *n; i-- > 0;)
		if (same_key(list[i].space, key) && span_overlaps(list[i].mapping.iova, iova))
			drop(list, n, i);
}

/* Nothing is known of what @iova of a space holds, or did not get. */
static void forget_mappings(struct tracks *tracks, struct space_key key, struct span iova)
{
	drop_overlapping(tracks->held, &tracks->n_held, key, iova);
	drop_overlapping(tracks->refused, &tracks->n_refused, key, iova);
}

static void add(struct tracks *tracks, struct space_mapping **list, size_t *n, struct space_key key,
		const struct seen_mapping *mapping)
{
	if (list_room(list, *n, sizeof(**list), &tracks->no_memory))
		(*list)[(*n)++] = (struct space_mapping){ key, *mapping };
}

void tracks_mapped(struct tracks *tracks, struct track *track, const struct seen_mapping *mapping)
{
	forget_mappings(tracks, track->key, mapping->iova);
	if (mapping->device)
		add(tracks, &tracks->held, &tracks->n_held, track->key, mapping);
	track->bytes += span_length(mapping->iova);
	track->live = true;
}

void tracks_map_refused(struct tracks *tracks, struct space_key key,
			const struct seen_mapping *mapping)
{
	for (size_t i = tracks->n_refused; i-- > 0;)
		if (same_key(tracks->refused[i].space, key) &&
		    span_contains(mapping->iova, tracks->refused[i].mapping.iova))
			drop(tracks->refused, &tracks->n_refused, i);
	add(tracks, &tracks->refused, &tracks->n_refused, key, mapping);
}

void tracks_unmapped(struct tracks *tracks, struct track *track, struct span iova, uint64_t bytes)
{
	forget_mappings(tracks, track->key, iova);
	track->bytes -= bytes < track->bytes ? bytes : track->bytes;
	track->live = track->n_devices || track->bytes;
}

const struct seen_mapping *tracks_next_held(const struct tracks *tracks, struct space_key key,
					    struct span iova, size_t *at)
{
	while (*at < tracks->n_held) {
		const struct space_mapping *held = &tracks->held[(*at)++];

		if (same_key(held->space, key) && span_overlaps(held->mapping.iova, iova))
			return &held->mapping;
	}
	return NULL;
}

const struct seen_mapping *tracks_held(const struct tracks *tracks, struct space_key key,
				       struct span iova)
{
	const struct seen_mapping *held, *last = NULL;
	size_t at = 0;

	while ((held = tracks_next_held(tracks, key, iova, &at)))
		last = held;
	return last;
}

/* ---- The end of a space ------------------------------------------------ */

static bool is_there(const struct vfiosim_spaces *spaces, struct space_key key)
{
	for (size_t i = 0; i < spaces->n; i++)
		if (same_key(key_of(&spaces->items[i]), key))
			return true;
	return false;
}

static void end_track(struct tracks *tracks, struct track *track)
{
	forget_mappings(tracks, track->key, SPAN_ALL);
	track->live = false;
	track->n_devices = 0;
	track->bytes = 0;
	track->number = 0;
}

void tracks_end_gone(struct tracks *tracks, const struct vfiosim_spaces *spaces)
{
	for (size_t i = 0; i < tracks->n; i++)
		if (!is_there(spaces, tracks->items[i].key))
			end_track(tracks, &tracks->items[i]);
}

/* ---- The fullest moment ------------------------------------------------ */

static void note_omitted(struct tracks *tracks)
{
	struct seen_outcome *fullest = &tracks->fullest;
	size_t n = tracks->n_refused;
	struct seen_mapping *omitted = reallocarray(fullest->omitted, n + 1, sizeof(*omitted));

	if (!omitted) {
		tracks->no_memory = true;
		return;
	}
	fullest->omitted = omitted;
	fullest->n_omitted = 0;
	for (size_t i = 0; i < n; i++)
		omitted[fullest->n_omitted++] = tracks->refused[i].mapping;
}

bool tracks_note_fullness(struct tracks *tracks)
{
	struct seen_outcome *fullest = &tracks->fullest;
	size_t n_devices = 0, n_spaces = 0;
	uint64_t bytes = 0;
	bool fuller;

	for (size_t i = 0; i < tracks->n; i++) {
		n_devices += tracks->items[i].n_devices;
		bytes += tracks->items[i].bytes;
		n_spaces += tracks->items[i].live;
	}
	if (n_devices < fullest->n_devices ||
	    (n_devices == fullest->n_devices && bytes < fullest->bytes))
		return false;
	fuller = n_devices > fullest->n_devices || bytes > fullest->bytes;
	if (fuller) {
		fullest->n_devices = n_devices;
		fullest->bytes = bytes;
		fullest->n_spaces = n_spaces;
	}
	note_omitted(tracks);
	return fuller;
}

void tracks_done(struct tracks *tracks)
{
	for (size_t i = 0; i < tracks->n; i++)
		free(tracks->items[i].devices);
	free(tracks->items);
	free(tracks->held);
	free(tracks->refused);
	free(tracks->fullest.omitted);
	*tracks = (struct tracks){ 0 };
}
