/* SPDX-License-Identifier: MIT */
/*
 * A physical device bound to an iommufd, and its IOMMU group as that iommufd has it.
 * Mirrors struct iommufd_device and struct iommufd_group
 * (drivers/iommu/iommufd/device.c, 7.2). An mdev is an access instead: access.h.
 *
 * Life: bound by whoever opened the device, attached to and detached from page tables,
 * unbound when the descriptor is closed. It is an object of its iommufd and keeps it.
 * The attached devices of a group share one hwpt, and move together. Guarded by the
 * machine's lock.
 */
#ifndef SIM_IOMMUFD_DEVICE_H
#define SIM_IOMMUFD_DEVICE_H

#include "iommu/group.h"
#include "iommufd/hwpt.h"

struct device;

struct iommufd_group {
	struct iommufd *iommufd;
	struct iommu_group *group;
	TAILQ_HEAD(, iommufd_device) devices;	/* bound, oldest first; never empty */
	struct hwpt *hwpt;		/* what its attached devices share, NULL: none attached */
	unsigned n_attached;
	struct attachment attachment;	/* to the hwpt's domain */
	TAILQ_ENTRY(iommufd_group) in_iommufd;
};

struct iommufd_device {
	struct object object;		/* OBJECT_DEVICE */
	struct iommufd_group *igroup;
	struct device *dev;
	bool attached;
	TAILQ_ENTRY(iommufd_device) in_igroup;
};

/*
 * Binds @dev, which is behind an IOMMU. EPERM: interrupts are not isolated, or the
 * group's DMA is another's; ENOMEM.
 */
int iommufd_device_bind(struct call *call, struct iommufd *iommufd, struct device *dev,
			struct iommufd_device **ret_idev);
/* Detaches and unbinds. Cannot fail; the iommufd may go with it. */
void iommufd_device_unbind(struct call *call, struct iommufd_device *idev);

/*
 * Attach to the ioas or hwpt @pt_id, replacing what it was attached to; all or
 * nothing. @ret_pt_id: the hwpt it is attached to now. 0, CALL_AGAIN, ENOENT, EINVAL,
 * EADDRINUSE, EFAULT, ENOMEM.
 */
int iommufd_device_attach(struct call *call, struct iommufd_device *idev, uint32_t pt_id,
			  uint32_t *ret_pt_id);
/* Nothing happens when it is not attached. */
void iommufd_device_detach(struct call *call, struct iommufd_device *idev);

/* The ioas behind the hwpt it is attached to, NULL: not attached. */
struct ioas *iommufd_device_ioas(const struct iommufd_device *idev);

#endif
