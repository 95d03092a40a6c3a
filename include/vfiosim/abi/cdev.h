/* SPDX-License-Identifier: MIT */
/*
 * Commands of a device's own node, /dev/vfio/devices/vfioN, as Linux 7.2 has them:
 * the system's <linux/vfio.h> may be older than that (they came with 6.6, the
 * token with 6.17). Names of our own, so that both can be included.
 */
#ifndef VFIOSIM_ABI_CDEV_H
#define VFIOSIM_ABI_CDEV_H

#include <assert.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <stddef.h>

/* Makes the descriptor usable, and the device an object of @iommufd. */
#define VFIOSIM_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
struct vfiosim_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
#define VFIOSIM_DEVICE_BIND_FLAG_TOKEN (1u << 0)
	__s32 iommufd;			/* a descriptor of /dev/iommu */
	__u32 out_devid;		/* the object's id */
	__aligned_u64 token_uuid_ptr;	/* with FLAG_TOKEN: 16 bytes */
};

/* Attach to an ioas or a hwpt, or replace what it was attached to. */
#define VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
struct vfiosim_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
#define VFIOSIM_DEVICE_ATTACH_PASID (1u << 0)
	__u32 pt_id;			/* in: ioas or hwpt; out: the hwpt (mdev: the ioas) */
	__u32 pasid;
};

#define VFIOSIM_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
struct vfiosim_device_detach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
#define VFIOSIM_DEVICE_DETACH_PASID (1u << 0)
	__u32 pasid;
};

/* VFIO_DEVICE_GET_PCI_HOT_RESET_INFO of a bound cdev tells ids in place of groups. */
#define VFIOSIM_HOT_RESET_DEV_ID (1u << 0)
#define VFIOSIM_HOT_RESET_DEV_ID_OWNED (1u << 1)
#define VFIOSIM_DEVID_OWNED 0u		/* the caller's, but not bound itself */
#define VFIOSIM_DEVID_NOT_OWNED (~0u)

static_assert(sizeof(struct vfiosim_device_bind_iommufd) == 24, "BIND_IOMMUFD");
static_assert(offsetof(struct vfiosim_device_bind_iommufd, out_devid) == 12, "BIND_IOMMUFD");
static_assert(offsetof(struct vfiosim_device_bind_iommufd, token_uuid_ptr) == 16, "BIND_IOMMUFD");
static_assert(sizeof(struct vfiosim_device_attach_iommufd_pt) == 16, "ATTACH_IOMMUFD_PT");
static_assert(offsetof(struct vfiosim_device_attach_iommufd_pt, pt_id) == 8, "ATTACH_IOMMUFD_PT");
static_assert(sizeof(struct vfiosim_device_detach_iommufd_pt) == 12, "DETACH_IOMMUFD_PT");
static_assert(VFIOSIM_DEVICE_BIND_IOMMUFD == 0x3b76, "number");
static_assert(VFIOSIM_DEVICE_DETACH_IOMMUFD_PT == 0x3b78, "number");
#ifdef VFIO_DEVICE_BIND_IOMMUFD
static_assert(VFIO_DEVICE_BIND_IOMMUFD == VFIOSIM_DEVICE_BIND_IOMMUFD, "number");
static_assert(VFIO_DEVICE_ATTACH_IOMMUFD_PT == VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, "number");
static_assert(VFIO_DEVICE_DETACH_IOMMUFD_PT == VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, "number");
static_assert(offsetof(struct vfio_device_bind_iommufd, out_devid) ==
	      offsetof(struct vfiosim_device_bind_iommufd, out_devid), "BIND_IOMMUFD");
#endif

#endif
