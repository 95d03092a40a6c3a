/* SPDX-License-Identifier: MIT */
/*
 * Loading a topology whose names are judged by @owners; see names.h. The functions
 * of <vfiosim/topology.h> are these with the owners of the whole machine
 * (sim/abi/topology.c).
 */
#ifndef SIM_TOPOLOGY_TOPOLOGY_H
#define SIM_TOPOLOGY_TOPOLOGY_H

#include <vfiosim/topology.h>

#include "topology/names.h"

int topology_load(const char *name_or_file, const struct topology_owner *owners,
		  struct vfiosim_topology **ret_topology, struct vfiosim_errors *ret_errors);
int topology_parse(const char *file, const char *text, size_t length,
		   const struct topology_owner *owners, struct vfiosim_topology **ret_topology,
		   struct vfiosim_errors *ret_errors);
/* One more fault, whatever it says; @text is copied. -ENOMEM. */
int topology_add_fault(struct vfiosim_topology *topology, const char *text, unsigned line,
		       unsigned column);

#endif
