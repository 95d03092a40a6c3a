/* SPDX-License-Identifier: MIT */
/*
 * Devices as iommufd sees them: a physical one that is bound (idev), and an mdev,
 * which is an access: it pins when its vendor driver asks. Mirrors
 * drivers/iommu/iommufd/device.c (7.2).
 *
 * Both are objects of the iommufd they are bound to and keep it; they end when the
 * device's descriptor is closed. The groups of physical devices belong to one
 * iommufd at a time (the DMA owner), and all attached devices of a group share one
 * hwpt: group->hwpt. Guarded by the machine's lock.
 */
#ifndef SIM_IOMMUFD_IDEV_H
#define SIM_IOMMUFD_IDEV_H

#include "iommufd/hwpt.h"

struct device;
struct vfio_group;

/* A bound device of either kind; dev->bound. */
struct idev {
	struct object object;		/* OBJECT_DEVICE or OBJECT_ACCESS */
	struct device *dev;
	bool attached;
	bool pasid0;			/* attached by ATTACH with the PASID flag and pasid 0 */
	struct ioas *ioas;		/* access only: what it is attached to, NULL: nothing */
};

/*
 * Bind: EPERM when the group is not viable or another iommufd (or a container)
 * owns it. 0 and dev->bound.
 */
int idev_bind(struct call *call, struct device *dev, struct iommufd *iommufd);
/* Detaches and unbinds; cannot fail. */
void idev_unbind(struct call *call, struct device *dev);

/*
 * Attach to the ioas or hwpt @pt_id, replacing what it was attached to; all or
 * nothing. @ret_pt_id: the hwpt (access: the ioas) it is attached to now. 0,
 * CALL_AGAIN, ENOENT, EINVAL, EADDRINUSE, EFAULT, ENOMEM.
 */
int idev_attach(struct call *call, struct idev *idev, uint32_t pt_id, uint32_t *ret_pt_id);
/* Nothing happens when it is not attached. */
void idev_detach(struct call *call, struct idev *idev);

/* The ioas @dev reaches memory through, or NULL: not attached. For dma.c. */
struct ioas *idev_ioas(const struct device *dev);

#endif
