/* SPDX-License-Identifier: MIT */
/* Names below /dev/vfio that are not there, and why. */
#ifndef SIM_VFIO_NODE_H
#define SIM_VFIO_NODE_H

struct vfiosim;
struct vfiosim_caller;

/*
 * A client looks for @name below /dev/vfio, "10" or "devices/vfio0", and there is no such
 * node: the trace says why, if it is a name that a group or a device could have. -ENOENT.
 */
int vfio_no_node(struct vfiosim *sim, struct vfiosim_caller *caller, const char *name);

#endif
