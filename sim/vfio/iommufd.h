/* SPDX-License-Identifier: MIT */
/*
 * How a vfio device is bound to an iommufd: a physical one as an iommufd device, an
 * mdev as an access. The one place in sim/vfio/ that tells them apart. Mirrors
 * drivers/vfio/iommufd.c (7.2).
 *
 * Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_IOMMUFD_H
#define SIM_VFIO_IOMMUFD_H

#include "iommufd/ioas.h"
#include "vfio/device.h"

struct iommufd;

/* Bind: what iommufd_device_bind() or iommufd_access_create() answers. */
int vfio_iommufd_bind(struct call *call, struct vfio_device *vdev, struct iommufd *iommufd);
/* Detaches and unbinds. Nothing happens when it is not bound. Cannot fail. */
void vfio_iommufd_unbind(struct call *call, struct vfio_device *vdev);

/* What iommufd_device_attach() or iommufd_access_attach() answers; @vdev is bound. */
int vfio_iommufd_attach(struct call *call, struct vfio_device *vdev, uint32_t pt_id,
			uint32_t *ret_pt_id);
void vfio_iommufd_detach(struct call *call, struct vfio_device *vdev);

/*
 * The first open of a device whose group has an iommufd as its container: binds it and
 * attaches it to that iommufd's VFIO ioas, so conflicts show here, not at SET_CONTAINER
 * or SET_IOMMU. CALL_AGAIN; EPERM, EADDRINUSE, EFAULT, ENOMEM; ENODEV: the ioas was taken
 * away. Of a device without IOMMU: EPERM without CAP_SYS_RAWIO, or when there is an ioas.
 * All or nothing. Mirrors vfio_df_iommufd_bind and vfio_iommufd_compat_attach_ioas.
 */
int vfio_iommufd_compat_attach(struct call *call, struct vfio_device *vdev, struct iommufd *iommufd);

/* Its object in the iommufd it is bound to; NULL: it is not bound. */
struct object *vfio_iommufd_object(const struct vfio_device *vdev);
/* The ioas it reaches memory through; NULL: not attached. */
struct ioas *vfio_iommufd_ioas(const struct vfio_device *vdev);

#endif
