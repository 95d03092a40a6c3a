/* SPDX-License-Identifier: MIT */
/*
 * A part of the kernel that takes part in a machine's life. Each room has rows of its
 * own; sim/abi/machine.c puts them into one table, in the order in which they begin.
 * As the kernel's initcalls, and the lines of a /proc file.
 */
#ifndef SIM_MACHINE_SUBSYSTEM_H
#define SIM_MACHINE_SUBSYSTEM_H

#include "machine/sim.h"
#include "machine/spaces.h"
#include "machine/state.h"

struct subsystem {
	/* 0, -ENOMEM, -EINVAL. NULL: nothing to do. */
	int (*init)(struct vfiosim *sim);
	/*
	 * Last one first; also where init failed, or never ran because one before it did.
	 * Every file has been released, every client put. NULL: nothing to do.
	 */
	void (*done)(struct vfiosim *sim);
	/* Its keys in the machine's state. Lock held. NULL: none. */
	void (*show)(struct state *state);
	/* Its IOVA spaces. Lock held. NULL: none. */
	void (*spaces)(const struct vfiosim *sim, struct spaces *to);
};

#endif
