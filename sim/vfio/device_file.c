/* SPDX-License-Identifier: MIT */
/* Descriptors of devices; see device_file.h. */
#include "vfio/device_file.h"

#include <stdio.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/fault.h"
#include "vfio/group.h"

struct vfiosim_file *vfio_device_file_create(struct call *call, const struct file_ops *ops,
					     struct vfio_device *vdev, struct vfio_group *group)
{
	struct vfio_device_file *df = fault_zalloc(call, sizeof(*df));
	struct vfiosim_file *file = df ? file_create(call, ops, df) : NULL;

	if (!file) {
		free(df);
		return NULL;
	}
	df->vdev = vdev;
	df->group = group;
	return file;
}

void vfio_device_file_free(struct vfio_device_file *df)
{
	free(df);
}

struct vfio_device_file *vfio_device_file(const struct vfiosim_file *file)
{
	return file->ops->kind == VFIOSIM_DEVICE ? file->object : NULL;
}

struct vfio_device *vfio_device_from_file(const struct vfiosim_file *file)
{
	const struct vfio_device_file *df = vfio_device_file(file);

	return df ? df->vdev : NULL;
}

uint32_t vfiosim_file_device(const struct vfiosim_file *file)
{
	const struct vfio_device *vdev = vfio_device_from_file(file);

	return vdev ? vdev->dev->index : UINT32_MAX;
}

bool vfiosim_file_mappable(const struct vfiosim_file *file)
{
	const struct vfio_device *vdev = vfio_device_from_file(file);

	return vdev && vdev->ops->mmap;
}

/* ---- For file_ops ---- */

void vfio_device_describe(const struct vfiosim_file *file, char *to, size_t size)
{
	snprintf(to, size, "device %s", vfio_device_from_file(file)->dev->topo->address);
}

void vfio_device_where(const struct vfiosim_file *file, struct fault_where *where)
{
	const struct vfio_device *vdev = vfio_device_from_file(file);

	where->device = vdev->dev->topo->address;
	vfio_group_where(vdev->group, where);
}

ssize_t vfio_device_read(struct call *call, void *to, size_t length, uint64_t offset)
{
	const struct vfio_device *vdev = vfio_device_from_file(call->file);

	if (!vdev->ops->read)
		return file_refuse_operation(call, "read");
	return vdev->ops->read(call, vdev->dev, to, length, offset);
}

ssize_t vfio_device_write(struct call *call, const void *from, size_t length, uint64_t offset)
{
	const struct vfio_device *vdev = vfio_device_from_file(call->file);

	if (!vdev->ops->write)
		return file_refuse_operation(call, "write");
	return vdev->ops->write(call, vdev->dev, from, length, offset);
}

int vfio_device_mmap(struct call *call, uint64_t offset, uint64_t length, bool shared)
{
	const struct vfio_device *vdev = vfio_device_from_file(call->file);

	if (!vdev->ops->mmap)
		return refuse(call, RULE_MMAP_REFUSED, V("offset", offset),
			      VS("device", vdev->dev->topo->address));
	return vdev->ops->mmap(call, vdev->dev, offset, length, shared);
}
