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
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfiosim;

/* Read-only counters. */
struct vfiosim_counters {
	uint64_t commands;	/* ioctls answered so far, refused ones included */
	uint64_t refusals;	/* of these */
	uint64_t dma_faults;
	uint32_t containers;	/* that exist now */
	uint32_t domains;	/* likewise: page tables of IOMMUs */
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
	bool leaving;		/* unplugged, or a bridge above it: gone as soon as what goes is closed */
};
/* @address: of a PCI function, or a UUID. -ENODEV: there is no such device (any more). */
int vfiosim_device_state(struct vfiosim *sim, const char *address,
			 struct vfiosim_device_state *ret_state);

/* ---- Spaces ---- */

/* A mapping of an IOVA space. */
struct vfiosim_mapping {
	uint64_t first, last;		/* iovas */
	uint32_t client;		/* whose memory it is; 0: a file's */
	uint64_t at;			/* where @first lies in that memory, or in the file */
};

/* A container, or an ioas of an iommufd. */
struct vfiosim_space {
	uint32_t container;		/* its number; 0: it is an ioas: */
	uint32_t iommufd, ioas;		/* the iommufd's number, the ioas' id in it */
	const char **devices;		/* addresses of those that are attached, and open; they live
					   as long as the machine */
	size_t n_devices;
	struct vfiosim_mapping *mappings;	/* in order; NULL: not asked for */
	size_t n_mappings;
	uint64_t bytes;			/* mapped */
	uint64_t pinned;		/* bytes that are charged as pinned */
};

struct vfiosim_spaces {
	struct vfiosim_space *items;	/* containers, then ioas; oldest first */
	size_t n;
};

/*
 * Every space there is now, those without devices and mappings as well. @mappings: list
 * them too, which costs as much as there are. -ENOMEM.
 */
int vfiosim_spaces(struct vfiosim *sim, bool mappings, struct vfiosim_spaces *ret_spaces);
void vfiosim_spaces_done(struct vfiosim_spaces *spaces);

/*
 * Which region of a device does a client have mapped at @uva? Its address and the offset
 * in the device's file, which has the region's index in its upper bits as the kernel's
 * does. -ENOENT: something else is there, or nothing, or the client is gone; -ENOMEM.
 * May wait for the client: see trace.h for when followers may.
 */
int vfiosim_region_at(struct vfiosim *sim, uint32_t client, uint64_t uva, const char **ret_device,
		      uint64_t *ret_offset);

/* ---- Everything ---- */

/*
 * Everything as one JSON object (pretty-printed, ending in a newline): containers
 * with their groups, domains, IOVA ranges and mappings, iommufds with their objects,
 * groups, devices, clients, what devices were refused. @ret_text is malloc'ed. -ENOMEM.
 * state.schema.json says what is in it; `version` changes as that of a trace does.
 */
#define VFIOSIM_STATE_VERSION 1
int vfiosim_state_json(struct vfiosim *sim, char **ret_text);

#ifdef __cplusplus
}
#endif

#endif
