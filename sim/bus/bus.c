/* SPDX-License-Identifier: MIT */
/*
 * The buses; see bus.h. Mirrors drivers/base/bus.c, drivers/pci/pci-driver.c and
 * drivers/vfio/vfio_main.c (7.2): which errno bind gives depends on whether the
 * driver would take the device, then on whether somebody has it already.
 */
#include "bus/bus.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "base/list.h"
#include "bus/names.h"
#include "bus/reset.h"
#include "iommu/group.h"
#include "machine/subsystem.h"
#include "topology/value.h"

/* ---- Drivers ---- */

struct device_driver *bus_find_driver(const struct vfiosim *sim, enum bus_type bus,
				      const char *name)
{
	struct device_driver *driver;

	TAILQ_FOREACH(driver, &sim->drivers, in_sim)
		if (driver->bus == bus && !strcmp(driver->name, name))
			return driver;
	return NULL;
}

int bus_add_driver(struct vfiosim *sim, const struct device_driver *row, const char *name)
{
	struct device_driver *driver;

	if (bus_find_driver(sim, row->bus, name))
		return 0;
	driver = malloc(sizeof(*driver));
	if (!driver)
		return -ENOMEM;
	*driver = *row;
	driver->name = name;
	TAILQ_INSERT_TAIL(&sim->drivers, driver, in_sim);
	return 0;
}

/* ---- The host's own drivers: they exist to be in the way, or not ---- */

static bool driver_knows(const struct device_driver *driver, const struct device *dev);

/* Mirrors really_probe (7.2): its DMA is settled before it looks at the device. */
static int host_probe(const struct device_driver *driver, struct device *dev)
{
	if (!iommu_device_use_default_domain(dev))
		return -EBUSY;
	if (driver_knows(driver, dev))
		return 0;
	iommu_device_unuse_default_domain(dev);
	return -ENODEV;
}

/* One that does no DMA of its own. */
static int harmless_probe(const struct device_driver *driver, struct device *dev)
{
	return driver_knows(driver, dev) ? 0 : -ENODEV;
}

static int host_remove(struct call *call, struct device *dev)
{
	iommu_device_unuse_default_domain(dev);
	return 0;
}

static void host_discard(struct vfiosim *sim, struct device *dev)
{
}

/* Mirrors driver_managed_dma (7.2). */
bool vfiosim_driver_does_dma(const char *driver)
{
	static const char *const managed[] = { "", "vfio-pci", "pcieport", "pci-stub" };

	for (size_t i = 0; i < sizeof(managed) / sizeof(managed[0]); i++)
		if (!strcmp(driver, managed[i]))
			return false;
	return true;
}

static int add_host_driver(struct vfiosim *sim, const char *name)
{
	struct device_driver row = {
		.bus = BUS_PCI, .probe = host_probe, .remove = host_remove, .discard = host_discard,
	};

	if (!*name)
		return 0;
	row.driver_managed_dma = !vfiosim_driver_does_dma(name);
	if (row.driver_managed_dma)
		row.probe = harmless_probe;
	return bus_add_driver(sim, &row, name);
}

static int add_host_drivers(struct vfiosim *sim)
{
	const struct vfiosim_topology *topology = sim->topology;
	int ret = 0;

	for (size_t i = 0; !ret && i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *topo = &topology->devices[i];

		if (topo->kind == VFIOSIM_DEVICE_MDEV)
			continue;
		ret = add_host_driver(sim, topo->driver);
		if (!ret)
			ret = add_host_driver(sim, topo->host_driver);
	}
	return ret;
}

/* ---- Which driver for which device ---- */

bool device_is_pci(const struct device *dev)
{
	return dev->topo->kind != VFIOSIM_DEVICE_MDEV;
}

const struct device_driver *bus_driver(const struct device *dev)
{
	return dev->unbinding ? NULL : dev->driver;
}

static bool id_matches(const struct pci_new_id *id, const struct vfiosim_topo_device *topo)
{
	return id->vendor == topo->vendor && id->device == topo->device &&
	       (id->subvendor == UINT32_MAX || id->subvendor == topo->subvendor) &&
	       (id->subdevice == UINT32_MAX || id->subdevice == topo->subdevice) &&
	       !((id->class_code ^ topo->class_code) & id->class_mask);
}

/* Was @topo's kind given to @driver by new_id? */
static bool in_new_ids(const struct vfiosim *sim, const struct device_driver *driver,
		       const struct vfiosim_topo_device *topo)
{
	for (unsigned i = 0; i < sim->n_new_ids; i++)
		if (sim->new_ids[i].driver == driver && id_matches(&sim->new_ids[i], topo))
			return true;
	return false;
}

/* Is @topo's kind in @driver's own table of ids? */
static bool driver_has(const struct device_driver *driver, const struct vfiosim_topo_device *topo)
{
	if (bus_is_for_any(driver->name))
		return false;
	return !strcmp(topo->host_driver, driver->name) || !strcmp(topo->driver, driver->name);
}

/* Would @driver be asked to take @dev? Mirrors pci_match_device (7.2). */
static bool driver_matches(const struct vfiosim *sim, const struct device_driver *driver,
			   const struct device *dev)
{
	if (dev->driver_override)
		return !strcmp(dev->driver_override, driver->name);
	return in_new_ids(sim, driver, dev->topo) || driver_has(driver, dev->topo);
}

/*
 * Told to take @dev by driver_override, a host driver still looks whether it knows it. One
 * that is no device's own driver in this machine (pci-stub) takes any.
 */
static bool driver_knows(const struct device_driver *driver, const struct device *dev)
{
	const struct vfiosim *sim = dev->sim;

	if (driver_has(driver, dev->topo) || in_new_ids(sim, driver, dev->topo))
		return true;
	for (size_t i = 0; i < sim->topology->n_devices; i++)
		if (driver_has(driver, &sim->topology->devices[i]))
			return false;
	return true;
}

/* ---- Bind ---- */

static int probe(struct device *dev, struct device_driver *driver)
{
	int ret = driver->probe(driver, dev);

	if (!ret)
		dev->driver = driver;
	return ret;
}

/* Lets go, unless descriptors remain: CALL_PARKED. */
static int release(struct call *call, struct device *dev)
{
	const struct device_driver *driver = dev->driver;
	int ret = driver->remove(call, dev);

	dev->unbinding = ret;
	if (ret)
		return ret;
	dev->driver = NULL;
	changed(call, "{device}: {driver} let go of it", VS("device", dev->topo->address),
		VS("driver", driver->name));
	return 0;
}

static int refuse_no_match(struct call *call, const struct device *dev, const char *driver)
{
	return refuse(call, RULE_BUS_NO_MATCH, VS("driver", driver), VS("device", dev->topo->address),
		      VS("override", dev->driver_override ? dev->driver_override : "(null)"));
}

static int refuse_probe(struct call *call, const struct device *dev, const char *driver, int error)
{
	switch (error) {
	case -ENODEV:
		return refuse(call, RULE_BUS_NOT_KNOWN, VS("driver", driver),
			      VS("device", dev->topo->address));
	case -EINVAL:
		if (dev->topo->kind == VFIOSIM_DEVICE_BRIDGE)
			return refuse(call, RULE_BUS_BRIDGE, VS("driver", driver),
				      VS("device", dev->topo->address));
		return refuse(call, RULE_BUS_NO_IOMMU, VS("device", dev->topo->address));
	case -EBUSY:
		return refuse(call, RULE_BUS_CLAIMED, V("group", dev->group->number),
			      VS("driver", driver), VS("device", dev->topo->address));
	default:
		return refuse(call, RULE_NO_MEMORY);
	}
}

int bus_bind(struct call *call, struct device *dev, const char *name)
{
	struct device_driver *driver = bus_find_driver(call->sim, BUS_PCI, name);
	int ret;

	if (!dev || dev->removed)
		return refuse(call, RULE_BUS_NO_DEVICE, V("error", ENODEV), VS("device", "?"));
	/* Mirrors mdev_match: nothing matches an mdev. */
	if (!device_is_pci(dev) || !driver || !driver_matches(call->sim, driver, dev))
		return refuse_no_match(call, dev, name);
	if (dev->driver)
		return refuse(call, RULE_BUS_BOUND, VS("device", dev->topo->address),
			      VS("driver", dev->driver->name));
	ret = probe(dev, driver);
	if (ret)
		return refuse_probe(call, dev, name, ret);
	changed(call, "{device} is bound to {driver}", VS("device", dev->topo->address),
		VS("driver", driver->name));
	return 0;
}

/* The driver that takes @dev by itself: the first that was registered. Mirrors bus_for_each_drv. */
static struct device_driver *taker_of(const struct device *dev)
{
	struct device_driver *driver;

	TAILQ_FOREACH(driver, &dev->sim->drivers, in_sim)
		if (driver->bus == BUS_PCI && driver_matches(dev->sim, driver, dev))
			return driver;
	return NULL;
}

int bus_probe(struct call *call, struct device *dev)
{
	const struct device_driver *driver;

	if (dev->driver || !device_is_pci(dev))
		return 0;
	driver = taker_of(dev);
	if (!driver)
		return 0;
	bus_bind(call, dev, driver->name);	/* a probe that fails leaves it driverless, no more */
	call->result.rule = NULL;
	call->reason[0] = '\0';
	return 0;
}

/* ---- Unbind ---- */

int bus_wait(struct call *call, struct device *dev)
{
	if (!dev->wait)
		dev->wait = ++call->sim->last_wait;
	call->wait = dev->wait;
	return CALL_PARKED;
}

bool bus_waits(const struct vfiosim *sim, uint64_t wait)
{
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (sim->devices[i]->wait == wait)
			return true;
	return false;
}

int bus_unbind(struct call *call, struct device *dev)
{
	if (!dev->driver)
		return refuse(call, RULE_BUS_NOT_BOUND, VS("device", dev->topo->address),
			      VS("driver", "no driver"));
	return release(call, dev) ? bus_wait(call, dev) : 0;
}

/* ---- What a driver is told to take ---- */

#define PAGE 4096
#define NEW_ID_FIELDS 7	/* of new_id at most */

/* @n bytes; 0: none. */
static int set_override(struct device *dev, const char *text, size_t n)
{
	char *copy = n ? strndup(text, n) : NULL;

	if (n && !copy)
		return -ENOMEM;
	free(dev->driver_override);
	dev->driver_override = copy;
	return 0;
}

int bus_set_override(struct call *call, struct device *dev, const char *text, size_t length)
{
	const char *newline = memchr(text, '\n', length);
	size_t n = newline ? (size_t)(newline - text) : strnlen(text, length);

	if (length >= PAGE - 1)
		return refuse(call, RULE_OVERRIDE_LONG, V("length", length));
	if (set_override(dev, text, n))
		return refuse(call, RULE_NO_MEMORY);
	changed(call, "driver_override of {device} is '{driver}'", VS("device", dev->topo->address),
		VS("driver", dev->driver_override ? dev->driver_override : "(null)"));
	return 0;
}

/* What was written to new_id or remove_id. */
struct id_line {
	struct pci_new_id id;
	int fields;		/* that it has */
	unsigned long data;	/* the seventh, driver_data */
};

/* Mirrors the sscanf of new_id_store (7.2), which remove_id_store ends before the last field. */
static int parse_id(struct call *call, const char *text, size_t length, struct id_line *ret_line)
{
	struct id_line found = { .id = { .subvendor = UINT32_MAX, .subdevice = UINT32_MAX } };
	struct pci_new_id *id = &found.id;
	char line[128];

	snprintf(line, sizeof(line), "%.*s", (int)(length < 127 ? length : 127), text);
	found.fields = sscanf(line, "%x %x %x %x %x %x %lx", &id->vendor, &id->device, &id->subvendor,
			      &id->subdevice, &id->class_code, &id->class_mask, &found.data);
	if (found.fields < 2) {
		line[strcspn(line, "\n")] = '\0';
		return refuse(call, RULE_NEW_ID_SYNTAX, VS("text", line));
	}
	*ret_line = found;
	return 0;
}

/* Does @driver know @id, of itself or by what new_id was given before? */
static bool id_known(const struct vfiosim *sim, const struct device_driver *driver,
		     const struct pci_new_id *id)
{
	const struct vfiosim_topo_device probe = {
		.vendor = (uint16_t)id->vendor, .device = (uint16_t)id->device,
		.subvendor = (uint16_t)id->subvendor, .subdevice = (uint16_t)id->subdevice,
		.class_code = id->class_code,
	};

	/* What is in its table is a vendor and a device, of any subsystem and class. */
	for (size_t i = 0; i < sim->topology->n_devices; i++) {
		const struct vfiosim_topo_device *topo = &sim->topology->devices[i];

		if (driver_has(driver, topo) && topo->vendor == id->vendor && topo->device == id->device)
			return true;
	}
	return in_new_ids(sim, driver, &probe);
}

int bus_new_id(struct call *call, const char *name, const char *text, size_t length)
{
	struct vfiosim *sim = call->sim;
	struct pci_new_id id;
	struct id_line line;
	int ret = parse_id(call, text, length, &line);

	if (ret)
		return ret;
	id = line.id;
	id.driver = bus_find_driver(sim, BUS_PCI, name);
	/* Whoever gives driver_data means to have the id twice. */
	if (line.fields < NEW_ID_FIELDS && id_known(sim, id.driver, &id))
		return refuse(call, RULE_NEW_ID_EXISTS, VS("driver", name), V("vendor", id.vendor),
			      V("id", id.device));
	if (line.data)
		return refuse(call, RULE_NEW_ID_DATA, VS("driver", name), V("data", line.data));
	if (sim->n_new_ids == sizeof(sim->new_ids) / sizeof(sim->new_ids[0]))
		return refuse(call, RULE_NO_MEMORY);
	sim->new_ids[sim->n_new_ids++] = id;
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (!sim->devices[i]->removed && id_matches(&id, sim->devices[i]->topo))
			bus_probe(call, sim->devices[i]);
	return 0;
}

int bus_remove_id(struct call *call, const char *name, const char *text, size_t length)
{
	struct vfiosim *sim = call->sim;
	const struct device_driver *driver = bus_find_driver(sim, BUS_PCI, name);
	struct pci_new_id id;
	struct id_line line;
	int ret = parse_id(call, text, length, &line);

	if (ret)
		return ret;
	id = line.id;
	for (unsigned i = 0; i < sim->n_new_ids; i++) {
		struct pci_new_id *known = &sim->new_ids[i];

		if (known->driver != driver || known->vendor != id.vendor || known->device != id.device ||
		    (id.subvendor != UINT32_MAX && known->subvendor != id.subvendor) ||
		    (id.subdevice != UINT32_MAX && known->subdevice != id.subdevice) ||
		    ((known->class_code ^ id.class_code) & id.class_mask))
			continue;
		memmove(known, known + 1, (--sim->n_new_ids - i) * sizeof(*known));
		return 0;
	}
	return refuse(call, RULE_NEW_ID_UNKNOWN, VS("driver", name), V("vendor", id.vendor),
		      V("id", id.device));
}

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
	ret = probe(dev, driver);
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
	ret = probe(&born->dev, bus_find_driver(sim, BUS_MDEV, type->parent));
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
	return dev->driver ? release(call, dev) : 0;
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
		release(call, dev);
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
	set_override(dev, "", 0);
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

static int init(struct vfiosim *sim)
{
	const struct vfiosim_topology *topology = sim->topology;
	int ret = add_host_drivers(sim);

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

static void done(struct vfiosim *sim)
{
	struct device_driver *driver;

	for (uint32_t i = 0; i < sim->n_devices; i++)
		free_device(sim->devices[i]);
	while ((driver = TAILQ_FIRST(&sim->drivers))) {
		TAILQ_REMOVE(&sim->drivers, driver, in_sim);
		free(driver);
	}
}

const struct subsystem bus_subsystem = { .init = init, .done = done };
