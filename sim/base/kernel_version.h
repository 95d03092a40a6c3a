/* SPDX-License-Identifier: MIT */
/* Versions of Linux as numbers: which of two is older, and those that a machine can be. */
#ifndef SIM_BASE_KERNEL_VERSION_H
#define SIM_BASE_KERNEL_VERSION_H

#include <stdbool.h>

#include <vfiosim/topology.h>

#define KERNEL_OLDEST ((struct vfiosim_kernel){ 6, 1 })
#define KERNEL_NEWEST ((struct vfiosim_kernel){ 7, 2 })

static inline bool kernel_before(struct vfiosim_kernel a, struct vfiosim_kernel b)
{
	return a.major != b.major ? a.major < b.major : a.minor < b.minor;
}

#endif
