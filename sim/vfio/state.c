/* SPDX-License-Identifier: MIT */
/* What <vfiosim/state.h> tells of a device. */
#include <vfiosim/state.h>

#include <errno.h>
#include <stdio.h>

#include "bus/bus.h"
#include "iommu/group.h"
#include "machine/lock.h"
#include "machine/sim.h"
#include "vfio/device.h"

static struct vfiosim_device_state state_of(const struct device *dev)
{
	struct vfiosim_device_state state = { .group = -1, .cdev = -1, .leaving = bus_leaving(dev) };

	if (dev->driver)
		snprintf(state.driver, sizeof(state.driver), "%s", dev->driver->name);
	if (dev->group) {
		state.group = (int)dev->group->number;
		state.noiommu = dev->group->noiommu;
	}
	if (dev->vfio) {
		state.cdev = dev->vfio->cdev;
		state.open_count = dev->vfio->open_count;
	}
	return state;
}

int vfiosim_device_state(struct vfiosim *sim, const char *address,
			 struct vfiosim_device_state *ret_state)
{
	const struct device *dev;

	lock_take(sim);
	dev = sim_device(sim, address);
	if (dev)
		*ret_state = state_of(dev);
	lock_release(sim);
	return dev ? 0 : -ENODEV;
}
