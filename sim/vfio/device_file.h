/* SPDX-License-Identifier: MIT */
/*
 * A descriptor of a device: what VFIO_GROUP_GET_DEVICE_FD installs, or what opening
 * the device's own node gives. Mirrors struct vfio_device_file (drivers/vfio/vfio.h)
 * and vfio_device_fops (drivers/vfio/vfio_main.c, 7.2).
 *
 * The two ways differ in how they open and close, so each has file_ops of its own
 * (group.c, cdev.c); what a read, a write or a mapping does is the same and stands
 * here. Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_DEVICE_FILE_H
#define SIM_VFIO_DEVICE_FILE_H

#include "machine/file.h"
#include "vfio/device.h"

struct vfio_group;

struct vfio_device_file {
	struct vfio_device *vdev;	/* stays a vfio driver's while a descriptor is open */
	struct vfio_group *group;	/* it was opened through; NULL: by the device's own node */
	_Atomic bool bound;		/* of its own node: VFIO_DEVICE_BIND_IOMMUFD succeeded on
					   it; written with the lock held, may be read without */
};

/* Of kind VFIOSIM_DEVICE. NULL: no memory. */
struct vfiosim_file *vfio_device_file_create(struct call *call, const struct file_ops *ops,
					     struct vfio_device *vdev, struct vfio_group *group);
/* The last thing ops->release does. */
void vfio_device_file_free(struct vfio_device_file *df);

/* NULL: @file is no device's. */
struct vfio_device_file *vfio_device_file(const struct vfiosim_file *file);
struct vfio_device *vfio_device_from_file(const struct vfiosim_file *file);

/* ---- For file_ops ---- */

void vfio_device_describe(const struct vfiosim_file *file, char *to, size_t size);
void vfio_device_where(const struct vfiosim_file *file, struct fault_where *where);
ssize_t vfio_device_read(struct call *call, void *to, size_t length, uint64_t offset);
ssize_t vfio_device_write(struct call *call, const void *from, size_t length, uint64_t offset);
int vfio_device_mmap(struct call *call, uint64_t offset, uint64_t length, bool shared);

#endif
