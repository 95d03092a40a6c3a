/* SPDX-License-Identifier: MIT */
/* bus/pci and bus/mdev: devices, and drivers with their bind, unbind, new_id. */
#include "front/sysfs/sysfs.h"

#include <errno.h>
#include <string.h>

static const struct node_type device_link = {
	.kind = NODE_LINK, .permissions = 0777, .target = sysfs_target_device,
};

static bool is_mdev(const struct device *dev)
{
	return dev->topo->kind == VFIOSIM_DEVICE_MDEV;
}

static void list_devices_of(struct listing *listing, bool mdevs)
{
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { .dev = sim->devices[i] };

		if (!about.dev->removed && is_mdev(about.dev) == mdevs)
			listing_put(listing, about.dev->topo->address, &device_link, &about);
	}
}

static void list_pci_devices(struct listing *listing, const struct subject *subject)
{
	list_devices_of(listing, false);
}

static void list_mdev_devices(struct listing *listing, const struct subject *subject)
{
	list_devices_of(listing, true);
}

/* ---- One driver ---- */

/* The device of the bus that a written line names; NULL: none. Mirrors bus_find_device_by_name. */
static struct device *named_device(struct vfiosim *sim, const char *text, bool mdev)
{
	char name[SYSFS_NAME_MAX];
	struct device *dev;
	size_t n = strlen(text);

	if (n && text[n - 1] == '\n')
		n--;
	if (n >= sizeof(name))
		return NULL;
	memcpy(name, text, n);
	name[n] = '\0';
	dev = sim_device(sim, name);
	return dev && is_mdev(dev) == mdev ? dev : NULL;
}

static int refuse_no_device(struct call *call, const char *text, int error)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", text);
	name[strcspn(name, "\n")] = '\0';
	return refuse(call, RULE_BUS_NO_DEVICE, V("error", error), VS("device", name));
}

static int store_bind(struct call *call, const struct subject *subject, const char *text,
		      size_t length)
{
	struct device *dev = named_device(call->sim, text, subject->number);

	if (!dev)
		return refuse_no_device(call, text, ENODEV);
	return bus_bind(call, dev, subject->name);
}

static int store_unbind(struct call *call, const struct subject *subject, const char *text,
			size_t length)
{
	struct device *dev;

	if (bus_waited(call))
		return 0;
	dev = named_device(call->sim, text, subject->number);
	if (!dev)
		return refuse_no_device(call, text, ENODEV);
	if (!dev->driver || strcmp(dev->driver->name, subject->name))
		return refuse(call, RULE_BUS_NOT_BOUND, VS("driver", subject->name),
			      VS("device", dev->topo->address));
	return bus_unbind(call, dev);
}

static void target_module(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	const struct device_driver *driver =
		bus_find_driver(sim, subject->number ? BUS_MDEV : BUS_PCI, subject->name);
	char module[SYSFS_NAME_MAX];

	sysfs_module_name(driver, module, sizeof(module));
	snprintf(to, SYSFS_PATH_MAX, "sys/module/%s", module);
}

static bool has_module(const struct vfiosim *sim, const struct subject *subject)
{
	return strcmp(subject->name, "pcieport");
}

static bool is_pci(const struct vfiosim *sim, const struct subject *subject)
{
	return !subject->number;
}

static int store_new_id(struct call *call, const struct subject *subject, const char *text,
			size_t length)
{
	return bus_new_id(call, subject->name, text, length);
}

static int store_remove_id(struct call *call, const struct subject *subject, const char *text,
			   size_t length)
{
	return bus_remove_id(call, subject->name, text, length);
}

static const struct entry driver_entries[] = {
	ATTR("bind", 0200, NULL, store_bind),
	LINK("module", target_module, has_module),
	ATTR("new_id", 0200, NULL, store_new_id, is_pci),
	ATTR("remove_id", 0200, NULL, store_remove_id, is_pci),
	ATTR("uevent", 0200, NULL, sysfs_store_uevent),
	ATTR("unbind", 0200, NULL, store_unbind),
	{ NULL },
};

static void list_driver(struct listing *listing, const struct subject *subject)
{
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { .dev = sim->devices[i] };
		const struct device_driver *driver = bus_driver(about.dev);

		if (!about.dev->removed && is_mdev(about.dev) == subject->number && driver &&
		    !strcmp(driver->name, subject->name))
			listing_put(listing, about.dev->topo->address, &device_link, &about);
	}
	listing_table(listing, driver_entries, subject);
}

static const struct node_type driver_folder = {
	.kind = NODE_FOLDER, .permissions = 0755, .list = list_driver,
};

/* ---- Drivers ---- */

static void put_driver(struct listing *listing, const char *name, bool mdev)
{
	struct subject about = { .name = name, .number = mdev };

	listing_put(listing, name, &driver_folder, &about);
}

static void list_drivers(struct listing *listing, enum bus_type bus)
{
	const struct device_driver *driver;

	TAILQ_FOREACH(driver, &listing_sim(listing)->drivers, in_sim)
		if (driver->bus == bus)
			put_driver(listing, driver->name, bus == BUS_MDEV);
}

static void list_pci_drivers(struct listing *listing, const struct subject *subject)
{
	list_drivers(listing, BUS_PCI);
}

static void list_mdev_drivers(struct listing *listing, const struct subject *subject)
{
	list_drivers(listing, BUS_MDEV);
}

/* ---- The buses ---- */

/* Mirrors drivers_probe_store (7.2): no such device is EINVAL here. */
static int store_probe(struct call *call, const struct subject *subject, const char *text,
		       size_t length)
{
	struct device *dev = named_device(call->sim, text, subject->number);

	return dev ? bus_probe(call, dev) : refuse_no_device(call, text, EINVAL);
}

static void show_autoprobe(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d\n", !sim->no_autoprobe[subject->number ? BUS_MDEV : BUS_PCI]);
}

/* Mirrors drivers_autoprobe_store (7.2): what begins with 0 is no, anything else is yes. */
static int store_autoprobe(struct call *call, const struct subject *subject, const char *text,
			   size_t length)
{
	call->sim->no_autoprobe[subject->number ? BUS_MDEV : BUS_PCI] = *text == '0';
	return 0;
}

static const struct entry pci_entries[] = {
	FOLDER("devices", list_pci_devices),
	FOLDER("drivers", list_pci_drivers),
	ATTR("drivers_autoprobe", 0644, show_autoprobe, store_autoprobe),
	ATTR("drivers_probe", 0200, NULL, store_probe),
	ATTR("rescan", 0200, NULL, sysfs_store_rescan),
	ATTR("uevent", 0200, NULL, sysfs_store_uevent),
	{ NULL },
};

static const struct entry mdev_entries[] = {
	FOLDER("devices", list_mdev_devices),
	FOLDER("drivers", list_mdev_drivers),
	ATTR("drivers_autoprobe", 0644, show_autoprobe, store_autoprobe),
	ATTR("drivers_probe", 0200, NULL, store_probe),
	ATTR("uevent", 0200, NULL, sysfs_store_uevent),
	{ NULL },
};

static void list_pci(struct listing *listing, const struct subject *subject)
{
	struct subject about = { .number = false };

	listing_table(listing, pci_entries, &about);
}

static void list_mdev(struct listing *listing, const struct subject *subject)
{
	struct subject about = { .number = true };

	listing_table(listing, mdev_entries, &about);
}

static bool has_mdev_types(const struct vfiosim *sim, const struct subject *subject)
{
	return sim->topology->n_mdev_types > 0;
}

static const struct entry buses[] = {
	FOLDER("pci", list_pci),
	FOLDER("mdev", list_mdev, has_mdev_types),
	{ NULL },
};

void sysfs_list_buses(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, buses, subject);
}
