/* SPDX-License-Identifier: MIT */
/*
 * A VFIO group: the node /dev/vfio/N of an IOMMU group whose devices a vfio driver
 * holds, and the unit that joins a container. Mirrors struct vfio_group
 * (drivers/vfio/vfio.h, 7.2).
 *
 * Life: made when a vfio driver takes the first device of the IOMMU group, opened by
 * one file at a time, set into a container, used by the device files opened through it
 * (each holds the group's file), unset, closed. It ends when its last device is no vfio
 * driver's any more: a file that is open then keeps a group without devices, and the next
 * device makes another group. Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_GROUP_H
#define SIM_VFIO_GROUP_H

#include <sys/queue.h>

#include "iommu/group.h"
#include "machine/call.h"

struct container;
struct vfio_device;
struct iommufd;

enum vfio_group_type {		/* as the kernel's */
	VFIO_IOMMU,		/* physical devices behind an IOMMU */
	VFIO_EMULATED_IOMMU,	/* an mdev: reaches memory through its vendor driver */
	VFIO_NO_IOMMU,
};

struct vfio_group {
	struct iommu_group *iommu_group;
	bool gone;			/* not iommu_group's any more: only the file is left */
	enum vfio_group_type type;
	int minor;			/* of its node, 248:minor; -1: not yet */

	struct vfiosim_file *file;	/* NULL: not open */
	unsigned file_refs;		/* the descriptor, plus one per open device file */
	bool file_closed;		/* the descriptor is gone, device files keep the group */

	struct dma_owner dma_owner;	/* what owns the IOMMU group while it is in a container */
	struct container *container;	/* NULL: none */
	unsigned container_users;	/* open devices that use it: vfio_device.in_container */
	TAILQ_ENTRY(vfio_group) in_container;
	struct attachment attachment;	/* VFIO_IOMMU: to a domain of its container */

	struct iommufd *iommufd;	/* its container, when that is an iommufd, else NULL */
	unsigned cdev_device_open_cnt;	/* its cdevs that are bound: the group cannot be opened */
};

/* Of a group, whether it was ever VFIO's or not. */
enum vfio_group_type vfio_group_type_of(const struct iommu_group *group);
/* The one of @group, made if there was none. NULL: no memory. */
struct vfio_group *vfio_group_get(struct iommu_group *group);
/* Takes back vfio_group_get() where no device of it became VFIO's. */
void vfio_group_put_unused(struct vfio_group *group);
extern const struct subsystem vfio_group_subsystem;

/*
 * A device of it is a vfio driver's from now on, or no more: its node comes and goes, and
 * with the last device @group itself. Mirrors vfio_device_remove_group (7.2).
 */
void vfio_group_device_added(struct vfio_group *group);
void vfio_group_device_removed(struct call *call, struct vfio_group *group);

/* Devices of @group that are a vfio driver's; 0: its node does not exist. */
unsigned group_bound_devices(const struct iommu_group *group);
/* Does /dev/vfio/N of @group exist? The noiommu parameter hides those without IOMMU. */
bool group_has_node(const struct vfiosim *sim, const struct iommu_group *group);

static inline uint32_t group_number(const struct vfio_group *group)
{
	return group->iommu_group->number;
}

/* The one @file is a descriptor of; NULL: of something else. Mirrors vfio_group_from_file. */
struct vfio_group *vfio_group_from_file(const struct vfiosim_file *file);

/*
 * A fault says that the group is not viable, or none does any more: nobody may claim it
 * meanwhile. Ends with the group's descriptor at the latest.
 */
void group_make_unviable(struct vfio_group *group, bool unviable);

/* VFIO_GROUP_GET_STATUS: VFIO_GROUP_FLAGS_*: 1 viable, 2 container set. */
int group_status(struct call *call, struct vfio_group *group, uint32_t *ret_flags);
/*
 * VFIO_GROUP_SET_CONTAINER, given the descriptor @fd: of a container, of an iommufd
 * that takes a container's place (compat.h), or of neither: both are NULL.
 */
int group_set_container(struct call *call, struct vfio_group *group, struct container *container,
			struct iommufd *iommufd, int fd);
/* VFIO_GROUP_UNSET_CONTAINER: leaves either. EBUSY while a container's devices are open. */
int group_unset_container(struct call *call, struct vfio_group *group);

/* VFIO_GROUP_GET_DEVICE_FD: puts a new file into call->result.new_file. */
int group_get_device(struct call *call, struct vfio_group *group, const char *name);

/* Adds the group and its container to what faults may name. */
void vfio_group_where(const struct vfio_group *group, struct fault_where *where);

/* "10", "noiommu-0": the node's name; at least 24 bytes. */
void group_node_name(const struct iommu_group *group, char *to, size_t size);

#endif
