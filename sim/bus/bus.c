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

#include "iommu/group.h"
#include "vfio/group.h"
#include "machine/sim.h"
#include "topology/value.h"

static const char vfio_pci[] = "vfio-pci";

/* ---- Drivers ---- */

/* The name of @driver with the machine's lifetime; NULL: there is no such driver. */
static const char *find_driver(const struct vfiosim *sim, const char *driver)
{
	const struct vfiosim_topology *topology = sim->topology;

	if (!strcmp(driver, vfio_pci))
		return vfio_pci;
	for (size_t i = 0; i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *topo = &topology->devices[i];

		if (!*driver || topo->kind == VFIOSIM_DEVICE_MDEV)
			continue;
		if (!strcmp(topo->driver, driver))
			return topo->driver;
		if (!strcmp(topo->host_driver, driver))
			return topo->host_driver;
	}
	return NULL;
}

bool bus_has_driver(const struct vfiosim *sim, const char *driver)
{
	return find_driver(sim, driver) != NULL;
}

const char *bus_driver(const struct device *dev)
{
	return dev->going ? NULL : dev->driver;
}

static bool is_pci(const struct device *dev)
{
	return dev->topo->kind != VFIOSIM_DEVICE_MDEV;
}

static bool id_matches(const struct pci_new_id *id, const struct vfiosim_topo_device *topo)
{
	return id->vendor == topo->vendor && id->device == topo->device &&
	       (id->subvendor == UINT32_MAX || id->subvendor == topo->subvendor) &&
	       (id->subdevice == UINT32_MAX || id->subdevice == topo->subdevice) &&
	       !((id->class_code ^ topo->class_code) & id->class_mask);
}

/* Would @driver take @dev? Mirrors pci_match_device (7.2). */
static bool driver_matches(const struct vfiosim *sim, const char *driver, const struct device *dev)
{
	const struct vfiosim_topo_device *topo = dev->topo;

	if (*dev->driver_override)
		return !strcmp(dev->driver_override, driver);
	if (strcmp(driver, vfio_pci))
		return !strcmp(topo->host_driver, driver) || !strcmp(topo->driver, driver);
	for (unsigned i = 0; i < sim->n_new_ids; i++)
		if (id_matches(&sim->new_ids[i], topo))
			return true;
	return false;
}

/* ---- A vfio driver takes and leaves a device ---- */

/* The lowest N that no device's vfioN has. */
static int free_cdev(const struct vfiosim *sim)
{
	for (int n = 0;; n++) {
		uint32_t i = 0;

		while (i < sim->n_devices && sim->devices[i]->cdev != n)
			i++;
		if (i == sim->n_devices)
			return n;
	}
}

/* Drivers that do no DMA of their own are no obstacle to userspace (driver_managed_dma). */
static bool manages_dma(const char *driver)
{
	static const char *const drivers[] = { "vfio-pci", "pcieport", "pci-stub" };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strcmp(drivers[i], driver))
			return true;
	return false;
}

/* The vfio driver behind @dev when @driver holds it; NULL: a host driver. */
static const struct device_ops *vfio_ops(const struct device *dev, const char *driver)
{
	if (!is_pci(dev))
		return device_model(dev->topo->vendor_model);
	return strcmp(driver, vfio_pci) || dev->topo->kind != VFIOSIM_DEVICE_PCI ?
		       NULL : device_model(vfio_pci);
}

static int take_device(struct vfiosim *sim, struct device *dev, const char *driver,
		       const struct device_ops *ops)
{
	int ret = 0;

	if (ops && dev->group && !vfio_group_get(dev->group))
		return -ENOMEM;
	if (ops && ops->init)
		ret = ops->init(sim, dev);
	if (ret)
		return ret;
	if (!ops && !manages_dma(driver) && !iommu_device_use_default_domain(dev))
		return -EBUSY;
	dev->driver = driver;
	dev->ops = ops;
	if (!ops)
		return 0;
	if (dev->group)
		vfio_group_device_added(dev->group->vfio);
	if (!dev->group || !dev->group->noiommu)
		dev->cdev = free_cdev(sim);
	return 0;
}

/* Cannot fail. The group's node goes with its last device. */
static void leave_device(struct call *call, struct device *dev)
{
	bool vfio = dev->ops;

	changed(call, "{device}: {driver} let go of it", VS("device", dev->topo->address),
		VS("driver", dev->driver));
	if (dev->ops && dev->ops->done)
		dev->ops->done(call->sim, dev);
	dev->ops = NULL;
	dev->driver = NULL;
	dev->cdev = -1;
	dev->going = false;
	iommu_device_unuse_default_domain(dev);
	if (vfio && dev->group)
		vfio_group_device_removed(call, dev->group->vfio);
}

/* Each descriptor holds the driver, also one of the device's own node that is not bound. */
static bool in_use(const struct device *dev)
{
	return dev->ops && (dev->open_count || dev->cdev_files);
}

/* An unbind nobody waits for any more (its writer was killed) takes effect now. */
static void settle(struct call *call, struct device *dev)
{
	if (dev->going && !in_use(dev))
		leave_device(call, dev);
}

/* ---- Bind ---- */

static int refuse_no_match(struct call *call, const struct device *dev, const char *driver)
{
	return refuse(call, RULE_BUS_NO_MATCH, VS("driver", driver), VS("device", dev->topo->address),
		      VS("override", *dev->driver_override ? dev->driver_override : "(null)"));
}

int bus_bind(struct call *call, struct device *dev, const char *driver)
{
	const struct device_ops *ops;
	const char *name = find_driver(call->sim, driver);
	int ret;

	if (!dev || dev->removed || !is_pci(dev))
		return refuse(call, RULE_BUS_NO_DEVICE, V("error", ENODEV), VS("device", "?"));
	settle(call, dev);
	if (!name || !driver_matches(call->sim, name, dev))
		return refuse_no_match(call, dev, driver);
	if (dev->driver)
		return refuse(call, RULE_BUS_BOUND, VS("device", dev->topo->address),
			      VS("driver", dev->driver));
	ops = vfio_ops(dev, name);
	if (!strcmp(name, vfio_pci) && !ops)
		return refuse_no_match(call, dev, driver);
	if (ops && (!dev->group || (dev->group->noiommu && !call->sim->noiommu)))
		return refuse(call, RULE_BUS_NO_IOMMU, VS("device", dev->topo->address));
	ret = take_device(call->sim, dev, name, ops);
	if (ret == -EBUSY)
		return refuse(call, RULE_BUS_CLAIMED, V("group", dev->group->number),
			      VS("driver", driver), VS("device", dev->topo->address));
	if (ret)
		return refuse(call, RULE_NO_MEMORY);
	changed(call, "{device} is bound to {driver}", VS("device", dev->topo->address),
		VS("driver", name));
	return 0;
}

int bus_probe(struct call *call, struct device *dev)
{
	const struct vfiosim_topo_device *topo = dev->topo;
	const char *driver = topo->host_driver;

	settle(call, dev);
	if (dev->driver || !is_pci(dev))
		return 0;
	if (*dev->driver_override)
		driver = dev->driver_override;
	else if (driver_matches(call->sim, vfio_pci, dev))
		driver = vfio_pci;
	if (!find_driver(call->sim, driver))
		return 0;
	bus_bind(call, dev, driver);	/* a probe that fails leaves it driverless, no more */
	call->rule = NULL;
	call->reason[0] = '\0';
	return 0;
}

/* ---- Unbind ---- */

/* Ask the client to let go: the REQ interrupt, if it wants to hear of it. */
static void request_device(struct call *call, struct device *dev)
{
	struct irq_set set = {
		.index = IRQ_COUNT - 1, .count = 1, .data = IRQ_DATA_NONE, .action = IRQ_TRIGGER,
	};

	if (!is_pci(dev) || !dev->ops->set_irqs)
		return;
	dev->ops->set_irqs(call, dev, &set);
	call->rule = NULL;	/* nobody listens: that is no refusal of the unbind */
	call->reason[0] = '\0';
}

int bus_unbind(struct call *call, struct device *dev)
{
	if (!dev->driver)
		return refuse(call, RULE_BUS_NOT_BOUND, VS("device", dev->topo->address),
			      VS("driver", "no driver"));
	if (!dev->going && in_use(dev)) {
		request_device(call, dev);
		changed(call, "{device} is asked for; waiting for its last descriptor to be closed",
			VS("device", dev->topo->address));
	}
	dev->going = true;
	if (in_use(dev))
		return CALL_PARKED;
	leave_device(call, dev);
	return 0;
}

/* ---- What vfio-pci is told to take ---- */

int bus_set_override(struct call *call, struct device *dev, const char *text, size_t length)
{
	const char *newline = memchr(text, '\n', length);
	size_t n = newline ? (size_t)(newline - text) : strnlen(text, length);

	if (n >= sizeof(dev->driver_override))
		return refuse(call, RULE_OVERRIDE_LONG, V("length", n));
	memcpy(dev->driver_override, text, n);
	dev->driver_override[n] = '\0';
	changed(call, "driver_override of {device} is '{driver}'", VS("device", dev->topo->address),
		VS("driver", dev->driver_override));
	return 0;
}

/* Mirrors the sscanf of new_id_store (7.2): two to seven hex fields. */
static int parse_id(struct call *call, const char *text, size_t length, struct pci_new_id *ret_id)
{
	struct pci_new_id id = { .subvendor = UINT32_MAX, .subdevice = UINT32_MAX };
	char line[128];

	snprintf(line, sizeof(line), "%.*s", (int)(length < 127 ? length : 127), text);
	if (sscanf(line, "%x %x %x %x %x %x", &id.vendor, &id.device, &id.subvendor, &id.subdevice,
		   &id.class_code, &id.class_mask) < 2) {
		line[strcspn(line, "\n")] = '\0';
		return refuse(call, RULE_NEW_ID_SYNTAX, VS("text", line));
	}
	*ret_id = id;
	return 0;
}

/* Does what new_id was given before cover @id? */
static bool id_known(const struct vfiosim *sim, const struct pci_new_id *id)
{
	const struct vfiosim_topo_device probe = {
		.vendor = (uint16_t)id->vendor, .device = (uint16_t)id->device,
		.subvendor = (uint16_t)id->subvendor, .subdevice = (uint16_t)id->subdevice,
		.class_code = id->class_code,
	};

	for (unsigned i = 0; i < sim->n_new_ids; i++)
		if (id_matches(&sim->new_ids[i], &probe))
			return true;
	return false;
}

int bus_new_id(struct call *call, const char *text, size_t length)
{
	struct vfiosim *sim = call->sim;
	struct pci_new_id id;
	int ret = parse_id(call, text, length, &id);

	if (ret)
		return ret;
	if (id_known(sim, &id))
		return refuse(call, RULE_NEW_ID_EXISTS, V("vendor", id.vendor), V("id", id.device));
	if (sim->n_new_ids == sizeof(sim->new_ids) / sizeof(sim->new_ids[0]))
		return refuse(call, RULE_NO_MEMORY);
	sim->new_ids[sim->n_new_ids++] = id;
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (!sim->devices[i]->removed && id_matches(&id, sim->devices[i]->topo))
			bus_probe(call, sim->devices[i]);
	return 0;
}

int bus_remove_id(struct call *call, const char *text, size_t length)
{
	struct vfiosim *sim = call->sim;
	struct pci_new_id id;
	int ret = parse_id(call, text, length, &id);

	if (ret)
		return ret;
	for (unsigned i = 0; i < sim->n_new_ids; i++) {
		struct pci_new_id *known = &sim->new_ids[i];

		if (known->vendor != id.vendor || known->device != id.device ||
		    (id.subvendor != UINT32_MAX && known->subvendor != id.subvendor) ||
		    (id.subdevice != UINT32_MAX && known->subdevice != id.subdevice) ||
		    ((known->class_code ^ id.class_code) & id.class_mask))
			continue;
		memmove(known, known + 1, (--sim->n_new_ids - i) * sizeof(*known));
		return 0;
	}
	return refuse(call, RULE_NEW_ID_UNKNOWN, V("vendor", id.vendor), V("id", id.device));
}

/* ---- Devices come ---- */

/* Room for one more at the end of the lists, which are never shortened. -ENOMEM. */
static int grow_devices(struct vfiosim *sim)
{
	struct device **devices = realloc(sim->devices, (sim->n_devices + 1) * sizeof(*devices));

	if (!devices)
		return -ENOMEM;
	sim->devices = devices;
	return 0;
}

static void init_device(struct vfiosim *sim, struct device *dev,
			const struct vfiosim_topo_device *topo, struct iommu_group *group)
{
	dev->sim = sim;
	dev->index = sim->n_devices;
	dev->topo = topo;
	dev->group = group;
	dev->cdev = -1;
}

/* Puts a device that is complete among those of the machine. */
static void publish_device(struct vfiosim *sim, struct device *dev)
{
	sim->devices[sim->n_devices++] = dev;
	if (dev->group)
		TAILQ_INSERT_TAIL(&dev->group->devices, dev, in_group);
}

int bus_add_device(struct vfiosim *sim, const struct vfiosim_topo_device *topo,
		   struct device **ret_dev)
{
	struct iommu_group *group = topo->group >= 0 ? sim->groups[topo->group] : NULL;
	struct device *dev;
	const struct device_ops *ops;
	int ret = grow_devices(sim);

	if (ret)
		return ret;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	init_device(sim, dev, topo, group);
	ops = *topo->driver ? vfio_ops(dev, topo->driver) : NULL;
	if (topo->kind == VFIOSIM_DEVICE_MDEV && !ops)
		ret = -EINVAL;
	else if (*topo->driver)
		ret = take_device(sim, dev, topo->driver, ops);
	if (ret) {
		free(dev);
		return ret;
	}
	/* That is how devices come to vfio-pci, which claims none by itself. */
	if (topo->kind == VFIOSIM_DEVICE_PCI && ops)
		snprintf(dev->driver_override, sizeof(dev->driver_override), "%s", topo->driver);
	publish_device(sim, dev);
	if (ret_dev)
		*ret_dev = dev;
	return 0;
}

void bus_free_device(struct device *dev)
{
	if (!dev)
		return;
	if (dev->ops && dev->ops->done)
		dev->ops->done(dev->sim, dev);
	free(dev);
}

/* ---- mdevs come and go ---- */

/* An mdev made at run time brings its own description; freed with the device. */
struct born_device {
	struct device dev;		/* first: free() of it frees all */
	struct vfiosim_topo_device topo;
	char uuid[40];
};

uint32_t bus_mdev_available(const struct vfiosim *sim, const struct vfiosim_topo_mdev_type *type)
{
	const struct vfiosim_topology *topology = sim->topology;
	uint32_t used = 0;

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *dev = sim->devices[i];

		if (dev->removed || is_pci(dev) || strcmp(dev->topo->parent, type->parent))
			continue;
		for (size_t t = 0; t < topology->n_mdev_types; t++)
			if (!strcmp(topology->mdev_types[t].name, dev->topo->mdev_type))
				used += topology->mdev_types[t].instances;
	}
	return used < type->capacity ? (type->capacity - used) / type->instances : 0;
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
	ret = take_device(sim, &born->dev, type->parent, device_model(type->vendor_model));
	if (ret)
		goto fail;
	publish_device(sim, &born->dev);
	*ret_dev = &born->dev;
	return 0;
fail:
	if (group)
		free(group->vfio);
	iommu_group_abort(group);
	free(born);
	return ret;
}

int bus_mdev_create(struct call *call, const struct vfiosim_topo_mdev_type *type, const char *uuid,
		    size_t length)
{
	char text[40];
	struct device *dev;

	snprintf(text, sizeof(text), "%.*s", (int)(length < 36 ? length : 36), uuid);
	if (length < 36 || length > 37 || !value_uuid(text))
		return refuse(call, RULE_MDEV_UUID, VS("text", text));
	for (uint32_t i = 0; i < call->sim->n_devices; i++)
		if (!call->sim->devices[i]->removed &&
		    !strcasecmp(call->sim->devices[i]->topo->address, text))
			return refuse(call, RULE_MDEV_EXISTS, VS("device", text));
	if (!bus_mdev_available(call->sim, type))
		return refuse(call, RULE_MDEV_FULL, VS("parent", type->parent), VS("type", type->name),
			      V("free", 0), V("instances", type->instances));
	if (add_mdev(call->sim, type, text, &dev))
		return refuse(call, RULE_NO_MEMORY);
	changed(call, "mdev {device} of type {type} exists, in group {group:d}",
		VS("device", dev->topo->address), VS("type", type->name),
		V("group", dev->group->number));
	return 0;
}

int bus_mdev_remove(struct call *call, struct device *dev)
{
	int ret = dev->driver ? bus_unbind(call, dev) : 0;

	if (ret)
		return ret;
	dev->removed = true;
	if (dev->group) {
		TAILQ_REMOVE(&dev->group->devices, dev, in_group);
		dev->group->gone = TAILQ_EMPTY(&dev->group->devices);
	}
	changed(call, "mdev {device} is removed", VS("device", dev->topo->address));
	return 0;
}
