/* SPDX-License-Identifier: MIT */
/* Opening a device node by its path: "/dev/vfio/vfio", "/dev/vfio/10", "/dev/iommu", ... */
#ifndef SIM_FRONT_INPROC_INPROC_NODES_H
#define SIM_FRONT_INPROC_INPROC_NODES_H

#include <vfiosim/vfiosim.h>

/* -ENOENT: there is no such node now; else what opening it answers. */
int inproc_open_node(struct vfiosim *sim, struct vfiosim_caller *caller, const char *path,
		     struct vfiosim_file **ret_file);

#endif
