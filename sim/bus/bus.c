/* SPDX-License-Identifier: MIT */
/*
 * Drivers and binding; see bus.h. (Devices come and go: hotplug.c.) Mirrors
 * drivers/base/bus.c, drivers/pci/pci-driver.c and drivers/vfio/vfio_main.c (7.2): which
 * errno bind gives depends on whether the driver would take the device, then on whether
 * somebody has it already.
 */
#include "bus/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "bus/binding.h"
#include "bus/names.h"
#include "iommu/group.h"
#include "machine/subsystem.h"

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

int device_probe(struct device *dev, struct device_driver *driver)
{
	int ret = driver->probe(driver, dev);

	if (!ret)
		dev->driver = driver;
	return ret;
}

int device_release(struct call *call, struct device *dev)
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
	ret = device_probe(dev, driver);
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
	return device_release(call, dev) ? bus_wait(call, dev) : 0;
}

/* ---- What a driver is told to take ---- */

#define PAGE 4096
#define NEW_ID_FIELDS 7	/* of new_id at most */

int device_set_override(struct device *dev, const char *text, size_t n)
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
	if (device_set_override(dev, text, n))
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

/* ---- With the machine ---- */

static int init(struct vfiosim *sim)
{
	return add_host_drivers(sim) ?: devices_init(sim);
}

static void done(struct vfiosim *sim)
{
	struct device_driver *driver;

	devices_done(sim);
	while ((driver = TAILQ_FIRST(&sim->drivers))) {
		TAILQ_REMOVE(&sim->drivers, driver, in_sim);
		free(driver);
	}
}

const struct subsystem bus_subsystem = { .init = init, .done = done };
