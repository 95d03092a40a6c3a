/* SPDX-License-Identifier: MIT */
/*
 * Hot reset: the bus a function sits on is reset, and everything on it and below
 * it with it. So whoever asks must own all of that.
 * Mirrors vfio_pci_ioctl_get_pci_hot_reset_info, vfio_pci_dev_set_hot_reset (7.2).
 */
#include "device/pci.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "bus/reset.h"
#include "vfio/cdev.h"
#include "vfio/group.h"
#include "vfio/iommufd.h"
#include "machine/sim.h"

/* The group it is in; opened by its own node, how the iommufd of @asking knows it. */
static uint32_t identify(const struct device *asking, const struct device *dev)
{
	if (vfio_iommufd_object(asking->vfio) && asking->vfio->group->cdev_device_open_cnt)
		return cdev_id_of(asking, dev);
	return dev->group ? dev->group->number : UINT32_MAX;
}

static struct hot_reset_dep describe(const struct device *asking, const struct device *dev)
{
	unsigned segment = 0, bus = 0, slot = 0, function = 0;

	sscanf(dev->topo->address, "%x:%x:%x.%u", &segment, &bus, &slot, &function);
	return (struct hot_reset_dep){
		.group = identify(asking, dev),
		.segment = (uint16_t)segment,
		.bus = (uint8_t)bus,
		.devfn = (uint8_t)(slot << 3 | function),
	};
}

static int check_bus(struct call *call, const struct device *dev)
{
	if (!dev->topo->parent[0])
		return refuse(call, RULE_HOT_RESET_ROOT, VS("device", dev->topo->address));
	return 0;
}

static int list_affected(struct device *dev, struct hot_reset_dep *deps, unsigned max)
{
	struct vfiosim *sim = dev->sim;
	unsigned n = 0;

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		if (!reset_affects(dev, sim->devices[i]))
			continue;
		if (n < max)
			deps[n] = describe(dev, sim->devices[i]);
		n++;
	}
	return (int)n;
}

int pci_hot_reset_info(struct call *call, struct device *dev, struct hot_reset_dep *deps,
		       unsigned max)
{
	int ret = check_bus(call, dev);

	return ret ? ret : list_affected(dev, deps, max);
}

static bool given(struct vfio_group **groups, unsigned n_groups, const struct iommu_group *group)
{
	for (unsigned i = 0; i < n_groups; i++) {
		if (groups[i]->iommu_group == group && !groups[i]->gone)
			return true;
	}
	return false;
}

/* Everything the reset reaches must be a vfio driver's ... */
static int check_ours(struct call *call, const struct device *dev)
{
	const struct vfiosim *sim = dev->sim;

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *other = sim->devices[i];

		if (reset_affects(dev, other) && !other->vfio)
			return refuse(call, RULE_HOT_RESET_NOT_OURS,
				      VS("device", other->topo->address));
	}
	return 0;
}

/* ... and the caller's: in a group that was given, or of its iommufd. */
static int check_owned(struct call *call, const struct device *dev, struct vfio_group **groups,
		       unsigned n_groups)
{
	const struct vfiosim *sim = dev->sim;

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *other = sim->devices[i];

		if (!reset_affects(dev, other))
			continue;
		if (!groups && cdev_id_of(dev, other) == UINT32_MAX)
			return refuse(call, RULE_HOT_RESET_NOT_BOUND,
				      VS("device", other->topo->address));
		if (groups && !given(groups, n_groups, other->group))
			return refuse(call, RULE_HOT_RESET_NOT_OWNED,
				      VS("device", other->topo->address),
				      V("group", other->group ? other->group->number : 0));
	}
	return 0;
}

/* Mirrors pci_bus_trylock. */
static int check_locks(struct call *call, const struct device *dev)
{
	const struct vfiosim *sim = dev->sim;

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *other = sim->devices[i];

		if (reset_affects(dev, other) && vfio_device_is_locked(other))
			return refuse(call, RULE_RESET_LOCKED, VS("device", other->topo->address));
	}
	return 0;
}

static void reset_bus(struct call *call, const struct device *dev)
{
	struct vfiosim *sim = dev->sim;

	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (reset_affects(dev, sim->devices[i]))
			pci_reset_function(call, sim->devices[i]);
}

int pci_hot_reset(struct call *call, struct device *dev, struct vfio_group **groups,
		  unsigned n_groups)
{
	int ret = check_ours(call, dev);

	if (!ret)
		ret = check_owned(call, dev, groups, n_groups);
	if (ret)
		return ret;
	if (!dev->topo->bus_reset)
		return refuse(call, RULE_HOT_RESET_UNSUPPORTED, VS("device", dev->topo->address));
	ret = check_locks(call, dev);
	if (ret)
		return ret;
	reset_bus(call, dev);
	changed(call, "the bus of {device} is reset", VS("device", dev->topo->address));
	return 0;
}

/* Can the bus be reset now that @dev is closed, and need it be? */
static bool may_reset_bus(const struct device *dev)
{
	const struct vfiosim *sim = dev->sim;
	bool needed = false;

	if (!dev->topo->bus_reset || !dev->topo->parent[0])
		return false;
	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *other = sim->devices[i];

		if (!reset_affects(dev, other))
			continue;
		if (!other->vfio || vfio_device_is_locked(other) ||
		    (other != dev && other->vfio->open_count))
			return false;
		needed |= pci_of(other)->needs_reset;
	}
	return needed;
}

void pci_try_reset_bus(struct call *call, struct device *dev)
{
	struct vfiosim *sim = dev->sim;

	if (!may_reset_bus(dev))
		return;
	reset_bus(call, dev);
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (reset_affects(dev, sim->devices[i]))
			pci_of(sim->devices[i])->needs_reset = false;
}
