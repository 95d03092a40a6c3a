/* SPDX-License-Identifier: MIT */
/*
 * Policies: how a program chooses the container or ioas for a device, and what it
 * makes of each refusal. One row per program; the engine (select.h) reads the row and
 * nothing else, so that a new program is a new row.
 */
#ifndef HARNESS_SELECT_POLICY_H
#define HARNESS_SELECT_POLICY_H

#include <stdbool.h>
#include <stddef.h>

enum policy_spaces {
	SPACES_MANY,	/* offered to every space in turn; refused by all: a new one */
	SPACES_ONE,	/* one space for everything; refused there: refused */
	SPACES_EACH,	/* every group (iommufd: device) gets a space of its own */
};

struct policy {
	const char *name;	/* qemu-legacy */
	const char *mode;	/* of cases it can play: "legacy", "iommufd" */
	const char *about;
	const char *mirrors;	/* the program and where in it */
	const char *proved;	/* what compares it with the program itself; NULL: read in its source */
	enum policy_spaces spaces;
	bool hwpts;		/* iommufd: makes hwpts itself, for devices to share; else attaches to the ioas */
	const int *types;	/* legacy: IOMMU types asked for with CHECK_EXTENSION, in order, ended by 0 */
	bool extension_exact;	/* the answer must be 1; else any answer but 0 will do, errors too */
	bool viable_exact;	/* the status must be VIABLE and nothing else */
	bool next_type;		/* SET_IOMMU fails: try the next type, whether CHECK_EXTENSION knew it or not */
	bool unset_first;	/* a container given up is left with UNSET_CONTAINER, not just closed */
	bool info;		/* IOMMU_GET_INFO must work (iommufd: IOVA_RANGES is asked, and may fail) */
	bool ranges;		/* ... and its answer must tell the iovas that can be mapped */
	bool maps_bars;		/* BARs of devices are mapped for other devices to reach */
	bool bar_optional;	/* a BAR that cannot be mapped is left out, with a warning */
	bool busy_retry;	/* MAP says EBUSY: unmap and try once more */
	bool exists_ok;		/* MAP says EEXIST: counts as mapped */
	bool fills_on;		/* what must be mapped is refused to a new space: the rest is tried before it goes */
	bool replay_stops;	/* filling a space ends, without an error, at the first map that fails */
	bool map_ignored;	/* a map that fails later is noted, and counts as mapped */
	bool last_page;		/* UNMAP up to 2^64 says EINVAL: again without the last page */
	bool discards;		/* forbids discarding RAM while a container needs it pinned */
	bool live_fatal;	/* a mapping that fails after start ends the program */
};

/* NULL past the end; by name or NULL. */
const struct policy *policy_at(size_t index);
const struct policy *policy_by_name(const char *name);
/* Where policy_at() has it; NULL, for no policy: behind the last. */
size_t policy_index(const struct policy *policy);

#endif
