/* SPDX-License-Identifier: MIT */
/*
 * Looking at a machine: what its clients have made of it so far.
 *
 * Every function gives a consistent picture, taken under the machine's lock, and
 * changes nothing. Programs in this process ask for structures; JSON is for people,
 * scripts, and whoever stands outside (the file that $VFIOSIM_STATE names).
 */
#ifndef VFIOSIM_STATE_H
#define VFIOSIM_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct vfiosim;

/* Read-only counters. */
struct vfiosim_counters {
	uint64_t commands;	/* served, refused ones included */
	uint64_t refusals;
	uint64_t dma_faults;
	uint32_t containers;	/* that exist now */
	uint32_t clients;
	uint64_t mappings;
	uint64_t pinned_pages;	/* charged now */
	uint64_t delayed_ms;	/* virtual time that injected delays took so far; see fault.h */
};
void vfiosim_counters(struct vfiosim *sim, struct vfiosim_counters *ret_counters);

struct vfiosim_device_state {
	char driver[64];	/* that holds it; "": none */
	int group;		/* number of its IOMMU group, -1: in none */
	bool noiommu;		/* ... which is /dev/vfio/noiommu-N */
	int cdev;		/* N of its own node /dev/vfio/devices/vfioN, -1: it has none */
	unsigned open_count;	/* descriptors of the device itself */
};
/* @address: of a PCI function, or a UUID. -ENODEV: there is no such device (any more). */
int vfiosim_device_state(struct vfiosim *sim, const char *address,
			 struct vfiosim_device_state *ret_state);

/*
 * Everything as one JSON object (pretty-printed, ending in a newline): containers
 * with their groups, domains, IOVA ranges and mappings, iommufds with their objects,
 * groups, devices, clients, what devices were refused. @ret_text is malloc'ed. -ENOMEM.
 */
int vfiosim_state_json(struct vfiosim *sim, char **ret_text);

#endif
