/* SPDX-License-Identifier: MIT */
/* The table of drivers, and what the core asks of a device without opening it. */
#include "device/models.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "bus/bus.h"
#include "device/pci.h"
#include "machine/subsystem.h"

static const struct vfio_device_ops *const models[] = {
	&vfio_pci_ops,
	&plain_ops,
	&mtty_ops,
	&mdpy_ops,
};

const struct vfio_device_ops *device_model(const char *name)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (!strcmp(models[i]->name, name))
			return models[i];
	}
	return NULL;
}

bool vendor_model_accepts(const char *name, const struct topology_name *all, char *problem,
			  size_t size)
{
	const char *before = "";
	size_t used;

	if (device_model(name) && device_model(name) != &vfio_pci_ops)
		return true;
	used = (size_t)snprintf(problem, size, "expected the name of a vendor model (");
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]) && used < size; i++) {
		if (models[i] == &vfio_pci_ops)
			continue;
		used += (size_t)snprintf(problem + used, size - used, "%s%s", before, models[i]->name);
		before = ", ";
	}
	if (used < size)
		snprintf(problem + used, size - used, "), found '%.60s'", name);
	return false;
}

/* ---- What pinning a mapped region gives ---- */

static enum vfiosim_pin bar_pin(const struct device *dev, uint64_t offset)
{
	uint32_t index = REGION_INDEX(offset);

	if (index > REGION_BAR5 || !dev->topo->bars[index].size)
		return VFIOSIM_PIN_NEVER;
	return dev->topo->bars[index].pin;
}

enum vfiosim_pin plain_pin(const struct device *dev, uint64_t offset)
{
	return bar_pin(dev, offset);
}

/* A physical BAR that does not decode faults instead of being pinned (vfio_pci_mmap_huge_fault). */
enum vfiosim_pin vfio_pci_pin(const struct device *dev, uint64_t offset)
{
	return pci_config_memory_enabled(&pci_of(dev)->config) ? bar_pin(dev, offset) :
								 VFIOSIM_PIN_NEVER;
}

/* Pages of ordinary memory (remap_vmalloc_range), unless the topology says otherwise. */
enum vfiosim_pin mdpy_pin(const struct device *dev, uint64_t offset)
{
	if (offset < MDPY_BAR_OFFSET)
		return bar_pin(dev, offset);
	return dev->topo->bars[0].size ? dev->topo->bars[0].pin : VFIOSIM_PIN_PAGES;
}

/* Those of mtty and mdpy never pin, as in Linux. */
struct pins *device_pins(const struct device *dev)
{
	return dev->vfio && dev->vfio->ops == &plain_ops ? &pci_of(dev)->pins : NULL;
}

/* ---- Drivers ---- */

static int vfio_pci_probe(const struct device_driver *driver, struct device *dev)
{
	if (dev->topo->kind != VFIOSIM_DEVICE_PCI)
		return -EINVAL;
	return vfio_register_device(dev->sim, dev, &vfio_pci_ops);
}

static int mdev_probe(const struct device_driver *driver, struct device *dev)
{
	const struct vfio_device_ops *ops = device_model(dev->topo->vendor_model);

	return ops ? vfio_register_device(dev->sim, dev, ops) : -ENODEV;
}

/* An mdev's driver is called as its parent is. */
static int add_mdev_driver(struct vfiosim *sim, const char *parent)
{
	static const struct device_driver row = {
		.bus = BUS_MDEV, .probe = mdev_probe,
		.remove = vfio_unregister_device, .discard = vfio_discard_device,
	};

	return bus_add_driver(sim, &row, parent);
}

static int init(struct vfiosim *sim)
{
	static const struct device_driver vfio_pci = {
		.bus = BUS_PCI, .driver_managed_dma = true, .probe = vfio_pci_probe,
		.remove = vfio_unregister_device, .discard = vfio_discard_device,
	};
	const struct vfiosim_topology *topology = sim->topology;
	int ret = bus_add_driver(sim, &vfio_pci, "vfio-pci");

	for (size_t i = 0; !ret && i < topology->n_mdev_types; i++)
		ret = add_mdev_driver(sim, topology->mdev_types[i].parent);
	for (size_t i = 0; !ret && i < topology->n_devices; i++)
		if (topology->devices[i].kind == VFIOSIM_DEVICE_MDEV)
			ret = add_mdev_driver(sim, topology->devices[i].parent);
	return ret;
}

const struct subsystem vfio_driver_subsystem = { .init = init };
