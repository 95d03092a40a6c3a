/* SPDX-License-Identifier: MIT */
/* Binding vfio devices to an iommufd; see iommufd.h. */
#include "vfio/iommufd.h"

#include <vfiosim/topology.h>

#include "iommufd/access.h"
#include "iommufd/device.h"
#include "iommufd/iommufd.h"
#include "iommufd/vfio_compat.h"
#include "vfio/group.h"

/* ---- An mdev's access: its driver unpins when the ioas says so ---- */

static void unmap(struct call *call, void *data, struct span iova)
{
	struct vfio_device *vdev = data;

	if (vdev->ops->dma_unmap)
		vdev->ops->dma_unmap(call, vdev->dev, iova);
}

static const struct iommufd_access_ops access_ops = {
	.unmap = unmap,
};

/* ---- Both kinds ---- */

int vfio_iommufd_bind(struct call *call, struct vfio_device *vdev, struct iommufd *iommufd)
{
	if (vdev->group->type == VFIO_IOMMU)
		return iommufd_device_bind(call, iommufd, vdev->dev, &vdev->iommufd_device);
	return iommufd_access_create(call, iommufd, vdev->dev->topo->address, &access_ops, vdev,
				     &vdev->iommufd_access);
}

void vfio_iommufd_unbind(struct call *call, struct vfio_device *vdev)
{
	if (vdev->iommufd_device)
		iommufd_device_unbind(call, vdev->iommufd_device);
	if (vdev->iommufd_access)
		iommufd_access_destroy(call, vdev->iommufd_access);
	vdev->iommufd_device = NULL;
	vdev->iommufd_access = NULL;
	vdev->pasid0 = false;
}

int vfio_iommufd_attach(struct call *call, struct vfio_device *vdev, uint32_t pt_id,
			uint32_t *ret_pt_id)
{
	int ret;

	if (vdev->iommufd_device)
		return iommufd_device_attach(call, vdev->iommufd_device, pt_id, ret_pt_id);
	ret = iommufd_access_attach(call, vdev->iommufd_access, pt_id);
	if (!ret)
		*ret_pt_id = pt_id;
	return ret;
}

void vfio_iommufd_detach(struct call *call, struct vfio_device *vdev)
{
	if (vdev->iommufd_device)
		iommufd_device_detach(call, vdev->iommufd_device);
	if (vdev->iommufd_access)
		iommufd_access_detach(call, vdev->iommufd_access);
	vdev->pasid0 = false;
}

struct object *vfio_iommufd_object(const struct vfio_device *vdev)
{
	if (vdev->iommufd_device)
		return &vdev->iommufd_device->object;
	return vdev->iommufd_access ? &vdev->iommufd_access->object : NULL;
}

struct ioas *vfio_iommufd_ioas(const struct vfio_device *vdev)
{
	if (vdev->iommufd_device)
		return iommufd_device_ioas(vdev->iommufd_device);
	return vdev->iommufd_access ? vdev->iommufd_access->ioas : NULL;
}

/* ---- An iommufd as the group's container ---- */

static int check_noiommu(struct call *call, const struct vfio_device *vdev,
			 const struct iommufd *iommufd)
{
	struct vfiosim_limits limits;
	int ret = call_limits(call, &limits);

	if (ret)
		return ret;
	if (!limits.sys_rawio)
		return refuse(call, RULE_NO_RAWIO, V("group", group_number(vdev->group)));
	if (iommufd->vfio_ioas)
		return refuse(call, RULE_COMPAT_NOT_TRANSLATED, V("iommufd", iommufd->number),
			      VS("device", vdev->dev->topo->address));
	return 0;
}

static int attach(struct call *call, struct vfio_device *vdev, const struct iommufd *iommufd)
{
	struct ioas *ioas = NULL;
	uint32_t pt_id;
	int ret = compat_ioas(call, iommufd, &ioas);

	return ret ? ret : vfio_iommufd_attach(call, vdev, ioas->object.id, &pt_id);
}

int vfio_iommufd_compat_attach(struct call *call, struct vfio_device *vdev, struct iommufd *iommufd)
{
	size_t told = call->result.changes.n;
	int ret;

	if (vdev->group->type == VFIO_NO_IOMMU)
		return check_noiommu(call, vdev, iommufd);
	ret = vfio_iommufd_bind(call, vdev, iommufd);
	if (ret)
		return ret;
	ret = attach(call, vdev, iommufd);
	if (!ret)
		return 0;
	vfio_iommufd_unbind(call, vdev);
	call_changes_forget(call, told);
	return ret;
}
