/* SPDX-License-Identifier: MIT */
/*
 * A group: the smallest set of devices the IOMMU can tell apart, and the unit
 * that joins a container.
 *
 * Life: made with the machine (or with an mdev), opened by one file at a time,
 * set into a container, used by the device files opened through it (each holds
 * the group's file), unset, closed. Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_GROUP_H
#define SIM_VFIO_GROUP_H

#include <sys/queue.h>

#include "iommu/domain.h"
#include "machine/call.h"

struct container;
struct device;
struct hwpt;
struct iommufd;

enum group_type {
	GROUP_IOMMU,		/* physical devices behind an IOMMU */
	GROUP_EMULATED,		/* an mdev: reaches memory through its vendor driver */
	GROUP_NOIOMMU,
};

struct group {
	struct vfiosim *sim;
	uint32_t index;			/* in sim->groups */
	uint32_t number;		/* /sys/kernel/iommu_groups/N; of noiommu groups: noiommu-N */
	enum group_type type;
	const struct iommu *iommu;	/* GROUP_IOMMU only, else NULL */
	const struct vfiosim_topo_group *topo;		/* NULL for an mdev created at run time */
	TAILQ_HEAD(, device) devices;
	bool gone;			/* its last device is removed; only the index remains */

	struct vfiosim_file *file;	/* NULL: not open */
	unsigned file_refs;		/* the descriptor, plus one per open device file */
	bool file_closed;		/* the descriptor is gone, device files keep the group */

	struct container *container;	/* NULL: none */
	unsigned container_users;	/* open devices that use it: device->in_container */
	TAILQ_ENTRY(group) in_container;

	struct attachment attachment;	/* GROUP_IOMMU: to a domain of type1 or of iommufd */
	int minor;			/* of its node, 248:minor; -1: there is none */

	struct iommufd *iommufd;	/* its container, when that is an iommufd, else NULL */
	struct iommufd *owner;		/* DMA owner, while devices of it are bound to one */
	unsigned n_bound;		/* its devices bound to owner */
	unsigned n_cdevs;		/* its cdevs that are bound: the group cannot be opened */
	struct hwpt *hwpt;		/* what its attached devices share, NULL: none attached */
	unsigned n_attached;		/* devices attached to it */

	char type_name[24];		/* /sys/kernel/iommu_groups/N/type: "DMA", "identity", ... */
};

/*
 * Viable: every device of it is bound to a vfio driver, to none, or to one that
 * does no DMA (pcieport, pci-stub). Mirrors iommu_group_claim_dma_owner (7.2).
 * @ret_host, when not NULL, gets the device that is in the way.
 */
bool group_viable(const struct group *group, const struct device **ret_host);
/*
 * Are its devices' interrupts kept apart from others'? A matter of the platform's
 * interrupt controllers, not of DMA. Mirrors iommu_group_has_isolated_msi (7.2).
 */
bool group_isolated_msi(const struct group *group);
/* Bound devices; 0: the group's node does not exist. */
unsigned group_bound_devices(const struct group *group);
/* Number of reserved regions of the group, and the index-th (the IOMMU's, then its own). */
size_t group_resv_count(const struct group *group);
const struct vfiosim_resv *group_resv(const struct group *group, size_t index);

/* Opens the group: @file becomes its one descriptor. Mirrors vfio_group_fops_open (7.2). */
int group_open(struct call *call, struct group *group, struct vfiosim_file *file);
/* The descriptor is closed; takes effect when no device file needs the group any more. */
void group_close(struct call *call, struct group *group);

/* A device file opened through the group is closed: the last user of @dev closes it. */
void group_close_device(struct call *call, struct group *group, struct device *dev);

/* VFIO_GROUP_GET_STATUS: VFIO_GROUP_FLAGS_*: 1 viable, 2 container set. */
int group_status(struct call *call, struct group *group, uint32_t *ret_flags);
/*
 * VFIO_GROUP_SET_CONTAINER, given the descriptor @fd: of a container, of an iommufd
 * that takes a container's place (compat.h), or of neither: both are NULL.
 */
int group_set_container(struct call *call, struct group *group, struct container *container,
			struct iommufd *iommufd, int fd);
/* VFIO_GROUP_UNSET_CONTAINER: leaves either. EBUSY while a container's devices are open. */
int group_unset_container(struct call *call, struct group *group);

/* VFIO_GROUP_GET_DEVICE_FD: puts a new file into call->new_file. */
int group_get_device(struct call *call, struct group *group, const char *name);

/* "10", "noiommu-0": the node's name; at least 24 bytes. */
void group_node_name(const struct group *group, char *to, size_t size);

#endif
