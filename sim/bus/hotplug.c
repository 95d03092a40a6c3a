/* SPDX-License-Identifier: MIT */
/*
 * Devices that come and go; see bus.h. Mirrors drivers/pci/probe.c, drivers/pci/remove.c and
 * drivers/vfio/mdev (7.2).
 */
#include "bus/bus.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "base/list.h"
#include "bus/binding.h"
#include "bus/reset.h"
#include "iommu/group.h"
#include "machine/subsystem.h"
#include "topology/value.h"

/* ---- Devices come ---- */

/* Room for one more at the end of the list, which is never shortened. -ENOMEM. */
static int grow_devices(struct vfiosim *sim)
{
	return list_room(&sim->devices, sim->n_devices, sizeof(*sim->devices), NULL) ? 0 : -ENOMEM;
}

/* As it comes out of the box. Mirrors pci_setup_device (7.2). */
static void init_settings(struct device *dev)
{
	dev->settings = (struct device_settings){
		.d3cold_allowed = true, .msi_allowed = true, .numa_node = -1,
	};
	if (!device_is_pci(dev))
		return;
	reset_methods_init(dev);
	dev->settings.can_reset = dev->settings.reset_methods[0];
}

static void init_device(struct vfiosim *sim, struct device *dev,
			const struct vfiosim_topo_device *topo, struct iommu_group *group)
{
	dev->sim = sim;
	dev->index = sim->n_devices;
	dev->topo = topo;
	dev->group = group;
	init_settings(dev);
}

/* Puts a device that is complete among those of the machine. */
static void publish_device(struct vfiosim *sim, struct device *dev)
{
	sim->devices[sim->n_devices++] = dev;
	if (dev->group)
		TAILQ_INSERT_TAIL(&dev->group->devices, dev, in_group);
}

/* The driver that the topology names takes @dev, or nothing happens. -EINVAL: there is none of that name. */
static int start_driver(struct vfiosim *sim, struct device *dev)
{
	const struct vfiosim_topo_device *topo = dev->topo;
	enum bus_type bus = device_is_pci(dev) ? BUS_PCI : BUS_MDEV;
	struct device_driver *driver = bus_find_driver(sim, bus, topo->driver);
	char *override;
	int ret;

	if (!driver)
		return *topo->driver ? -EINVAL : 0;
	override = strdup(topo->driver);
	if (!override)
		return -ENOMEM;
	ret = device_probe(dev, driver);
	/* That is how devices come to vfio-pci, which claims none by itself. */
	if (!ret && topo->kind == VFIOSIM_DEVICE_PCI && dev->vfio)
		dev->driver_override = override;
	else
		free(override);
	return ret;
}

/* The topology's device @topo, in its group. */
static int add_device(struct vfiosim *sim, const struct vfiosim_topo_device *topo)
{
	struct iommu_group *group = topo->group >= 0 ? sim->groups[topo->group] : NULL;
	struct device *dev;
	int ret = grow_devices(sim);

	if (ret)
		return ret;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	init_device(sim, dev, topo, group);
	ret = start_driver(sim, dev);
	if (ret) {
		free(dev);
		return ret;
	}
	publish_device(sim, dev);
	return 0;
}

/* ---- mdevs come and go ---- */

/* An mdev made at run time brings its own description; freed with the device. */
struct born_device {
	struct device dev;		/* first: free() of it frees all */
	struct vfiosim_topo_device topo;
	char uuid[40];
};

/* The type of an mdev; NULL: it is a PCI device. */
static const struct vfiosim_topo_mdev_type *type_of(const struct device *dev)
{
	const struct vfiosim_topology *topology = dev->sim->topology;

	for (size_t i = 0; !device_is_pci(dev) && i < topology->n_mdev_types; i++)
		if (!strcmp(topology->mdev_types[i].name, dev->topo->mdev_type))
			return &topology->mdev_types[i];
	return NULL;
}

uint32_t bus_mdev_available(const struct vfiosim *sim, const struct vfiosim_topo_mdev_type *type)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *dev = sim->devices[i];

		if (dev->removed || device_is_pci(dev) || strcmp(dev->topo->parent, type->parent))
			continue;
		used += type_of(dev) ? type_of(dev)->instances : 0;
	}
	return used < type->capacity ? (type->capacity - used) / type->instances : 0;
}

/* May an mdev of @type come at @uuid? Mirrors mdev_device_create (7.2). */
static int check_mdev(struct call *call, const struct vfiosim_topo_mdev_type *type, const char *uuid)
{
	for (uint32_t i = 0; i < call->sim->n_devices; i++)
		if (!call->sim->devices[i]->removed &&
		    !strcasecmp(call->sim->devices[i]->topo->address, uuid))
			return refuse(call, RULE_MDEV_EXISTS, VS("device", uuid));
	if (!bus_mdev_available(call->sim, type))
		return refuse(call, RULE_MDEV_FULL, VS("parent", type->parent), VS("type", type->name),
			      V("free", 0), V("instances", type->instances));
	return 0;
}

static struct born_device *new_mdev(const struct vfiosim_topo_mdev_type *type, const char *uuid)
{
	struct born_device *born = calloc(1, sizeof(*born));

	if (!born)
		return NULL;
	for (unsigned i = 0; i < 36; i++)
		born->uuid[i] = (char)tolower((unsigned char)uuid[i]);
	born->topo = *type->prototype;
	born->topo.name = born->topo.address = born->uuid;
	born->topo.mdev_type = type->name;
	born->topo.parent = born->topo.driver = type->parent;
	born->topo.group = -1;
	return born;
}

static int add_mdev(struct vfiosim *sim, const struct vfiosim_topo_mdev_type *type,
		    const char *uuid, struct device **ret_dev)
{
	struct iommu_group *group = iommu_group_create(sim, NULL);
	struct born_device *born = new_mdev(type, uuid);
	int ret = -ENOMEM;

	if (!group || !born || grow_devices(sim))
		goto fail;
	init_device(sim, &born->dev, &born->topo, group);
	ret = device_probe(&born->dev, bus_find_driver(sim, BUS_MDEV, type->parent));
	if (ret)
		goto fail;
	publish_device(sim, &born->dev);
	*ret_dev = &born->dev;
	return 0;
fail:
	iommu_group_abort(group);
	free(born);
	return ret;
}

int bus_mdev_create(struct call *call, const struct vfiosim_topo_mdev_type *type, const char *uuid,
		    size_t length)
{
	char text[40];
	struct device *dev;
	int ret;

	snprintf(text, sizeof(text), "%.*s", (int)(length < 36 ? length : 36), uuid);
	if (length < 36 || length > 37 || !value_uuid(text))
		return refuse(call, RULE_MDEV_UUID, VS("text", text));
	ret = check_mdev(call, type, text);
	if (ret)
		return ret;
	if (add_mdev(call->sim, type, text, &dev))
		return refuse(call, RULE_NO_MEMORY);
	changed(call, "mdev {device} of type {type} exists, in group {group:d}",
		VS("device", dev->topo->address), VS("type", type->name),
		V("group", dev->group->number));
	return 0;
}

/* ---- Devices go, and come again ---- */

static void leave_group(struct device *dev)
{
	if (!dev->group)
		return;
	TAILQ_REMOVE(&dev->group->devices, dev, in_group);
	dev->group->gone = TAILQ_EMPTY(&dev->group->devices);
}

static bool is_below(const struct device *dev, const struct device *bridge)
{
	return !dev->removed && device_is_pci(dev) &&
	       !strcmp(dev->topo->parent, bridge->topo->address);
}

/*
 * Drivers let go, one after the other, in reverse and what is below first: the next one is
 * not asked before this one's last descriptor is closed. Mirrors pci_stop_bus_device (7.2).
 */
static int stop_device(struct call *call, struct device *dev)
{
	struct vfiosim *sim = call->sim;

	for (uint32_t i = sim->n_devices; device_is_pci(dev) && i-- > 0;)
		if (is_below(sim->devices[i], dev) && stop_device(call, sim->devices[i]))
			return CALL_PARKED;
	return dev->driver ? device_release(call, dev) : 0;
}

/* None has a driver any more. Mirrors pci_remove_bus_device, mdev_device_remove_common (7.2). */
static void destroy_device(struct call *call, struct device *dev)
{
	struct vfiosim *sim = call->sim;

	for (uint32_t i = 0; device_is_pci(dev) && i < sim->n_devices; i++)
		if (is_below(sim->devices[i], dev))
			destroy_device(call, sim->devices[i]);
	dev->removed = true;
	dev->leaving = false;
	leave_group(dev);
	changed(call, device_is_pci(dev) ? "{device} is removed" : "mdev {device} is removed",
		VS("device", dev->topo->address));
}

/* Removes it and what is below it, unless descriptors remain: CALL_PARKED. */
static int remove_device(struct call *call, struct device *dev)
{
	int ret = stop_device(call, dev);

	if (!ret)
		destroy_device(call, dev);
	return ret;
}

int bus_remove(struct call *call, struct device *dev)
{
	dev->leaving = remove_device(call, dev);
	return dev->leaving ? bus_wait(call, dev) : 0;
}

bool bus_leaving(const struct device *dev)
{
	for (; dev; dev = sim_device(dev->sim, dev->topo->parent))
		if (dev->leaving)
			return true;
	return false;
}

/* Completes what waits for @dev's last close, if that was it. */
static void complete(struct call *call, struct device *dev)
{
	if (dev->unbinding)
		device_release(call, dev);
	if (dev->leaving)
		remove_device(call, dev);
	if (!dev->unbinding && !dev->leaving)
		dev->wait = 0;
}

void bus_closed(struct call *call)
{
	struct vfiosim *sim = call->sim;

	/* Bridges come before what is below them. */
	for (uint32_t i = sim->n_devices; i-- > 0;)
		complete(call, sim->devices[i]);
}

/* Without a driver. */
static void appear(struct call *call, struct device *dev)
{
	dev->removed = false;
	init_settings(dev);
	device_set_override(dev, "", 0);
	if (dev->group) {
		iommu_group_revive(dev->group);
		TAILQ_INSERT_TAIL(&dev->group->devices, dev, in_group);
	}
	changed(call, "{device} is there", VS("device", dev->topo->address));
}

static struct device *removed_bridge(const struct device *dev)
{
	struct vfiosim *sim = dev->sim;

	for (uint32_t i = 0; device_is_pci(dev) && i < sim->n_devices; i++)
		if (sim->devices[i]->removed &&
		    !strcmp(sim->devices[i]->topo->address, dev->topo->parent))
			return sim->devices[i];
	return NULL;
}

/* The bridges above it first. */
static void come_back(struct call *call, struct device *dev)
{
	struct device *bridge = removed_bridge(dev);

	if (bridge)
		come_back(call, bridge);
	appear(call, dev);
	if (!start_driver(call->sim, dev) && dev->driver)
		changed(call, "{device} is bound to {driver}", VS("device", dev->topo->address),
			VS("driver", dev->driver->name));
}

static int refuse_plug(struct call *call, const struct device *dev)
{
	if (bus_leaving(dev))
		return refuse(call, RULE_BUS_LEAVING, VS("device", dev->topo->address));
	return refuse(call, RULE_MDEV_EXISTS, VS("device", dev->topo->address));
}

int bus_plug(struct call *call, struct device *dev)
{
	const struct vfiosim_topo_mdev_type *type = type_of(dev);
	int ret;

	if (!dev->removed)
		return refuse_plug(call, dev);
	ret = type ? check_mdev(call, type, dev->topo->address) : 0;
	if (!ret)
		come_back(call, dev);
	return ret;
}

/* Would @dev, which is removed, come to the bus of @of, or below a bridge there? */
static bool on_bus_of(const struct device *dev, const struct device *of)
{
	return !strncmp(dev->topo->address, of->topo->address, PCI_BUS_LENGTH) ||
	       reset_affects(of, sim_device(dev->sim, dev->topo->parent));
}

/* A PCI device whose removal waits, with pci_lock_rescan_remove(); NULL: none. */
static struct device *leaving_pci(const struct vfiosim *sim)
{
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (sim->devices[i]->leaving && device_is_pci(sim->devices[i]))
			return sim->devices[i];
	return NULL;
}

int bus_rescan(struct call *call, const struct device *of)
{
	struct vfiosim *sim = call->sim;
	struct device *leaving = leaving_pci(sim);

	if (leaving)
		return bus_wait(call, leaving);
	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct device *dev = sim->devices[i];

		if (!dev->removed || !device_is_pci(dev) || removed_bridge(dev) ||
		    (of && !on_bus_of(dev, of)))
			continue;
		appear(call, dev);
		if (!sim->no_autoprobe[BUS_PCI])
			bus_probe(call, dev);
	}
	return 0;
}

/* ---- With the machine ---- */

int devices_init(struct vfiosim *sim)
{
	const struct vfiosim_topology *topology = sim->topology;
	int ret = 0;

	for (size_t i = 0; !ret && i < topology->n_devices; i++)
		ret = add_device(sim, &topology->devices[i]);
	return ret;
}

static void free_device(struct device *dev)
{
	if (dev->driver)
		dev->driver->discard(dev->sim, dev);
	free(dev->driver_override);
	free(dev);
}

void devices_done(struct vfiosim *sim)
{
	for (uint32_t i = 0; i < sim->n_devices; i++)
		free_device(sim->devices[i]);
}
