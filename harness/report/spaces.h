/* SPDX-License-Identifier: MIT */
/*
 * The address spaces of a machine, read from its state (vfiosim_state_json()): every
 * container, and every ioas of an iommufd, with the same few facts about each.
 *
 *	spaces_read -> { spaces->list[i] ... } -> spaces_done
 */
#ifndef HARNESS_REPORT_SPACES_H
#define HARNESS_REPORT_SPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfiosim_topology;

#define SPACE_DEVICES_MAX 32

struct space_mapping {
	uint64_t first, last;		/* iovas, inclusive */
	uint64_t pinned_pages;		/* by a domain: all of it, or none; else those of mdevs */
	bool pinned;			/* by a domain */
};

struct space {
	char name[48];			/* "container 1", "ioas 2", "ioas 2 of iommufd 3" */
	struct space_device {
		char name[64];		/* nic0 */
		bool mdev;		/* no domain of its own */
	} devices[SPACE_DEVICES_MAX];
	size_t n_devices;
	char domains[160];		/* "domain 1 of dmar0", "hwpt 4 on dmar0"; "" none */
	struct space_mapping *mappings;	/* owned; ascending */
	size_t n_mappings;
	uint64_t pinned_pages;		/* of all mappings */
};

struct spaces {
	struct space *list;
	size_t n;
};

/* @topology gives devices their names. -ENOMEM; -EINVAL: @state is no such text. */
int spaces_read(const char *state, const struct vfiosim_topology *topology, struct spaces *ret_spaces);
void spaces_done(struct spaces *spaces);
/* What ioas (or hwpt) @id of an iommufd is called: ids begin anew in each, so all but the first are named. */
void spaces_object_name(const char *kind, uint64_t id, uint64_t iommufd, char *to, size_t size);
/* Of an iommufd; else it is a container. */
bool space_is_ioas(const struct space *space);
/* NULL: none of that name. */
const struct space *spaces_find(const struct spaces *spaces, const char *name);
/* Is @device, by name, in one of them? */
bool spaces_hold(const struct spaces *spaces, const char *device);

#endif
