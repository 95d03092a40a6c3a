/* SPDX-License-Identifier: MIT */
/*
 * A device opened by its own node, /dev/vfio/devices/vfioN, instead of through its
 * group. Mirrors drivers/vfio/device_cdev.c and the cdev half of
 * drivers/vfio/iommufd.c (7.2).
 *
 *	(open)		a descriptor that can do nothing yet; any number of them
 *	cdev_bind	one of them gets the device: it is an object of an iommufd now,
 *			and its group cannot be opened
 *	cdev_attach	to an ioas or hwpt, any number of times; cdev_detach
 *	(close)		unbinds
 *
 * Which of the two ways a device is used is decided group by group: while a group
 * is open none of its devices can be bound, while one of them is bound the group
 * cannot be opened.
 *
 * Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_CDEV_H
#define SIM_VFIO_CDEV_H

#include "machine/call.h"

struct device;
struct iommufd;

/* Everything but BIND asks first: EINVAL on a cdev that is not bound. */
int cdev_check_bound(struct call *call);

struct cdev_bind {
	struct iommufd *iommufd;	/* NULL: see @error */
	int fd;				/* the caller's number for it */
	int error;			/* -EBADF: not open; -EBADFD: something else */
	bool token;			/* a vf_token was given ... */
	int token_error;		/* ... -EFAULT if it cannot be read */
	uint64_t token_uva;
};
/*
 * VFIO_DEVICE_BIND_IOMMUFD on call->file. EINVAL: opened through a group, bound
 * already (by this descriptor or another), a token; EBUSY: the group is open;
 * EBADF, EBADFD: no iommufd; EPERM: see idev_bind(); ENOMEM.
 */
int cdev_bind(struct call *call, const struct cdev_bind *bind, uint32_t *ret_devid);
/* Takes a bind back whose answer could not be given. */
void cdev_unbind(struct call *call);

/* The PASID flag was given: EOPNOTSUPP for an mdev. */
int cdev_check_pasid(struct call *call, const struct device *dev);

/* What ATTACH and DETACH are about: the device itself, or one of its PASIDs. */
struct cdev_pasid {
	bool given;
	uint32_t pasid;		/* 0 is the device itself, by another way */
};
/*
 * VFIO_DEVICE_ATTACH_IOMMUFD_PT: to the ioas or hwpt @pt_id. What idev_attach()
 * answers; EINVAL: a PASID this device cannot have; EBUSY: attached by the other
 * of the two ways.
 */
int cdev_attach(struct call *call, struct device *dev, uint32_t pt_id,
		const struct cdev_pasid *pasid, uint32_t *ret_pt_id);
/* VFIO_DEVICE_DETACH_IOMMUFD_PT: nothing happens where nothing is attached. */
void cdev_detach(struct call *call, struct device *dev, const struct cdev_pasid *pasid);

/*
 * The id by which the iommufd of the bound @dev knows @other, as a hot reset asks:
 * 0: another of a group that it owns; UINT32_MAX: not its own. Mirrors
 * vfio_iommufd_get_dev_id (7.2).
 */
uint32_t cdev_id_of(const struct device *dev, const struct device *other);

#endif
