/* SPDX-License-Identifier: MIT */
/*
 * Which Linux the machine is. What changed between versions is asked here, by the rows of
 * commands, the rules and the files of sysfs alike, so that looking for callers finds
 * every difference. Any thread; constant for the machine's life.
 */
#ifndef SIM_MACHINE_KERNEL_H
#define SIM_MACHINE_KERNEL_H

#include "base/kernel_version.h"
#include "machine/sim.h"

/* Is the machine's kernel @major.@minor or newer? */
static inline bool kernel_since(const struct vfiosim *sim, unsigned major, unsigned minor)
{
	return !kernel_before(sim->topology->kernel, (struct vfiosim_kernel){ major, minor });
}

#endif
