/* SPDX-License-Identifier: MIT */
/* Devices of vfio drivers; see device.h. */
#include "vfio/device.h"

#include <errno.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/sim.h"
#include "vfio/group.h"

/* The lowest N that no device's vfioN has. */
static int free_cdev(const struct vfiosim *sim)
{
	for (int n = 0;; n++) {
		uint32_t i = 0;

		while (i < sim->n_devices &&
		       !(sim->devices[i]->vfio && sim->devices[i]->vfio->cdev == n))
			i++;
		if (i == sim->n_devices)
			return n;
	}
}

int vfio_register_device(struct vfiosim *sim, struct device *dev,
			 const struct vfio_device_ops *ops)
{
	struct vfio_device *vdev;
	struct vfio_group *group;
	int ret = 0;

	if (!dev->group || (dev->group->noiommu && !sim->noiommu))
		return -EINVAL;
	group = vfio_group_get(dev->group);
	vdev = calloc(1, sizeof(*vdev));
	if (!group || !vdev) {
		free(vdev);
		return -ENOMEM;
	}
	*vdev = (struct vfio_device){ .dev = dev, .ops = ops, .group = group, .cdev = -1 };
	if (ops->init)
		ret = ops->init(sim, dev);
	if (ret) {
		free(vdev);
		return ret;
	}
	if (!dev->group->noiommu)
		vdev->cdev = free_cdev(sim);
	dev->vfio = vdev;
	dev->ops = &ops->base;
	vfio_group_device_added(group);
	return 0;
}

void vfio_discard_device(struct vfiosim *sim, struct device *dev)
{
	struct vfio_device *vdev = dev->vfio;

	if (!vdev)
		return;
	if (vdev->ops->release)
		vdev->ops->release(sim, dev);
	dev->ops = NULL;
	dev->vfio = NULL;
	free(vdev);
}

/* Each descriptor holds the driver, also one of the device's own node that is not bound. */
static bool in_use(const struct vfio_device *vdev)
{
	return vdev->open_count || vdev->cdev_files;
}

int vfio_unregister_device(struct call *call, struct device *dev)
{
	struct vfio_device *vdev = dev->vfio;
	struct vfio_group *group = vdev->group;

	if (!dev->unbinding && in_use(vdev)) {
		if (vdev->ops->request)
			vdev->ops->request(call, dev);
		changed(call, "{device} is asked for; waiting for its last descriptor to be closed",
			VS("device", dev->topo->address));
	}
	if (in_use(vdev))
		return CALL_PARKED;
	vfio_discard_device(call->sim, dev);
	vfio_group_device_removed(call, group);
	return 0;
}

bool vfio_device_has_cdev(const struct device *dev)
{
	return dev->vfio && dev->vfio->cdev >= 0 && !dev->unbinding && !dev->removed;
}
