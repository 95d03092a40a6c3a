/* SPDX-License-Identifier: MIT */
/*
 * A machine as a tree: buses and what sits on them, and beside each device the group that
 * it is given out with and the IOMMU that translates for it.
 */
#ifndef HARNESS_TOPOLOGY_PICTURE_H
#define HARNESS_TOPOLOGY_PICTURE_H

#include <stdbool.h>
#include <stdio.h>

struct vfiosim_topology;

/* @ascii: no other signs. */
void topology_picture(const struct vfiosim_topology *topology, bool ascii, FILE *to);

#endif
