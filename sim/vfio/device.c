/* SPDX-License-Identifier: MIT */
/* Devices of vfio drivers; see device.h. */
#include "vfio/device.h"

#include <errno.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "base/lowest.h"
#include "machine/fault.h"
#include "machine/subsystem.h"
#include "vfio/group.h"

/* The N of its node vfioN. */
static int cdev_of(const void *ctx, size_t i)
{
	const struct vfiosim *sim = ctx;

	return sim->devices[i]->vfio ? sim->devices[i]->vfio->cdev : -1;
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
	if (!group)
		return -ENOMEM;
	vdev = calloc(1, sizeof(*vdev));
	if (!vdev) {
		vfio_group_put_unused(group);
		return -ENOMEM;
	}
	*vdev = (struct vfio_device){ .dev = dev, .ops = ops, .group = group, .cdev = -1 };
	if (ops->init)
		ret = ops->init(sim, dev);
	if (ret) {
		free(vdev);
		vfio_group_put_unused(group);
		return ret;
	}
	if (!dev->group->noiommu)
		vdev->cdev = lowest_free(sim->n_devices, cdev_of, sim);
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

bool vfio_device_is_locked(const struct device *dev)
{
	return dev->unbinding && dev->vfio;
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

int vfio_device_open(struct call *call, struct vfio_device *vdev)
{
	const struct fault_where where = { .device = vdev->dev->topo->address };
	int ret = fault_point(call, VFIOSIM_FAULT_DEVICE_OPEN, &where);

	if (ret || !vdev->ops->open)
		return ret;
	return vdev->ops->open(call, vdev->dev);
}

bool vfio_device_has_cdev(const struct device *dev)
{
	return dev->vfio && dev->vfio->cdev >= 0 && !dev->unbinding && !dev->removed;
}

void cdev_node_name(const struct device *dev, char *to, size_t size)
{
	snprintf(to, size, "vfio%d", dev->vfio->cdev);
}

/* ---- With the machine ---- */

/* Any device, whoever's it is. */
static void show_device(struct state *state, const struct device *dev)
{
	struct json *json = &state->json;

	json_object(json);
	json_put_string(json, "address", dev->topo->address);
	json_put_string(json, "name", dev->topo->name);
	json_put_string(json, "driver", dev->driver ? dev->driver->name : NULL);
	if (dev->vfio && dev->vfio->cdev >= 0)
		json_put_unsigned(json, "cdev", (uint64_t)dev->vfio->cdev);
	json_put_unsigned(json, "open", dev->vfio ? dev->vfio->open_count : 0);
	json_object_end(json);
}

static void show(struct state *state)
{
	const struct vfiosim *sim = state->sim;

	json_key(&state->json, "devices");
	json_array(&state->json);
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (!sim->devices[i]->removed)
			show_device(state, sim->devices[i]);
	json_array_end(&state->json);
}

const struct subsystem vfio_device_subsystem = { .show = show };
