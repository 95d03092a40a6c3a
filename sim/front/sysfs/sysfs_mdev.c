/* SPDX-License-Identifier: MIT */
/* Parents of mdevs, the types they offer, and the mdevs themselves. */
#include "front/sysfs/sysfs.h"

#include <string.h>

/* ---- One mdev ---- */

static void target_type(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/devices/virtual/%s/%s/mdev_supported_types/%s",
		 subject->dev->topo->parent, subject->dev->topo->parent, subject->dev->topo->mdev_type);
}

static void target_bus(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/bus/mdev");
}

static void show_uevent(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	const struct device_driver *driver = bus_driver(subject->dev);

	if (driver)
		fprintf(to, "DRIVER=%s\n", driver->name);
}

static const struct entry mdev_entries[] = {
	LINK("driver", sysfs_target_driver, sysfs_has_driver),
	LINK("iommu_group", sysfs_target_group, sysfs_has_group),
	LINK("mdev_type", target_type),
	FOLDER("power", sysfs_list_nothing),
	ATTR("remove", 0200, NULL, sysfs_store_remove),
	LINK("subsystem", target_bus),
	ATTR("uevent", 0644, show_uevent, sysfs_store_uevent),
	FOLDER("vendor", sysfs_list_nothing),
	FOLDER("vfio-dev", sysfs_list_vfio_dev, sysfs_has_vfio_dev),
	{ NULL },
};

static void list_mdev(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, mdev_entries, subject);
}

/* ---- One type ---- */

static void show_available(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%u\n", bus_mdev_available(sim, subject->type));
}

static int store_create(struct call *call, const struct subject *subject, const char *text,
			size_t length)
{
	return bus_mdev_create(call, subject->type, text, length);
}

static void show_description(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%s\n", subject->type->description);
}

static bool has_description(const struct vfiosim *sim, const struct subject *subject)
{
	return *subject->type->description;
}

static void show_device_api(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "vfio-pci\n");
}

static void show_name(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	const struct vfiosim_topo_mdev_type *type = subject->type;

	fprintf(to, "%s\n", *type->pretty_name ? type->pretty_name : type->name);
}

static void list_type_devices(struct listing *listing, const struct subject *subject)
{
	static const struct node_type link = {
		.kind = NODE_LINK, .permissions = 0777, .target = sysfs_target_device,
	};
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { .dev = sim->devices[i] };

		if (!about.dev->removed && !strcmp(about.dev->topo->mdev_type, subject->type->name))
			listing_put(listing, about.dev->topo->address, &link, &about);
	}
}

static const struct entry type_entries[] = {
	ATTR("available_instances", 0444, show_available, NULL),
	ATTR("create", 0200, NULL, store_create),
	ATTR("description", 0444, show_description, NULL, has_description),
	ATTR("device_api", 0444, show_device_api, NULL),
	FOLDER("devices", list_type_devices),
	ATTR("name", 0444, show_name, NULL),
	{ NULL },
};

static void list_type(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, type_entries, subject);
}

static void list_types(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_type,
	};
	const struct vfiosim_topology *topology = listing_sim(listing)->topology;

	for (size_t i = 0; i < topology->n_mdev_types; i++) {
		struct subject about = { .type = &topology->mdev_types[i] };

		if (!strcmp(about.type->parent, subject->name))
			listing_put(listing, about.type->name, &folder, &about);
	}
}

/* ---- Parents ---- */

static void show_nothing(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
}

static const struct entry parent_entries[] = {
	FOLDER("mdev_supported_types", list_types),
	FOLDER("power", sysfs_list_nothing),
	ATTR("uevent", 0644, show_nothing, sysfs_store_uevent),
	{ NULL },
};

static void list_parent(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_mdev,
	};
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { .dev = sim->devices[i] };

		if (about.dev->topo->kind == VFIOSIM_DEVICE_MDEV && !about.dev->removed &&
		    !strcmp(about.dev->topo->parent, subject->name))
			listing_put(listing, about.dev->topo->address, &folder, &about);
	}
	listing_table(listing, parent_entries, subject);
}

/* devices/virtual/mtty holds one device, of the same name. */
static void list_parent_class(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_parent,
	};

	listing_put(listing, subject->name, &folder, subject);
}

/* Calls @type for each parent once. */
static void put_parents(struct listing *listing, const struct node_type *type)
{
	const struct vfiosim_topology *topology = listing_sim(listing)->topology;

	for (size_t i = 0; i < topology->n_mdev_types; i++) {
		struct subject about = { .name = topology->mdev_types[i].parent };
		size_t before = 0;

		while (strcmp(topology->mdev_types[before].parent, about.name))
			before++;
		if (before == i)
			listing_put(listing, about.name, type, &about);
	}
}

static void target_parent(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/devices/virtual/%s/%s", subject->name, subject->name);
}

void sysfs_list_mdev_bus(struct listing *listing, const struct subject *subject)
{
	static const struct node_type link = {
		.kind = NODE_LINK, .permissions = 0777, .target = target_parent,
	};

	put_parents(listing, &link);
}

void sysfs_list_mdev_parents(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_parent_class,
	};

	put_parents(listing, &folder);
}
