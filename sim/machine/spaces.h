/* SPDX-License-Identifier: MIT */
/*
 * IOVA spaces while they are listed for vfiosim_spaces(): the rooms that have some append
 * them. Lock held. No memory: noted, and told at the end.
 */
#ifndef SIM_MACHINE_SPACES_H
#define SIM_MACHINE_SPACES_H

#include "machine/sim.h"

struct spaces {
	struct vfiosim_spaces list;
	bool mappings;		/* they are wanted as well */
	bool no_memory;
};

/* A new one, zeroed, good until the next; NULL: no memory. */
struct vfiosim_space *spaces_add(struct spaces *spaces);
void space_add_device(struct spaces *spaces, struct vfiosim_space *space, const char *address);
/* One more mapping, of which @pinned bytes are charged. */
void space_add_mapping(struct spaces *spaces, struct vfiosim_space *space,
		       const struct vfiosim_mapping *mapping, uint64_t pinned);

#endif
