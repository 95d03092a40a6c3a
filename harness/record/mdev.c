/* SPDX-License-Identifier: MIT */
/* Mediated devices and their types. See record.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "record/record.h"
#include "record/sysfs.h"

static int read_type(int sysfs, const char *parent, const char *name, struct recorded *recorded)
{
	struct recorded_type *type;
	char path[SYSFS_PATH];
	uint64_t available = 0;

	if (!list_room(&recorded->types, recorded->n_types, sizeof(*type), NULL))
		return -ENOMEM;
	type = &recorded->types[recorded->n_types++];
	*type = (struct recorded_type){ 0 };
	snprintf(type->name, sizeof(type->name), "%s", name);
	snprintf(type->parent, sizeof(type->parent), "%s", parent);
	sysfs_path(path, "class/mdev_bus/%s/mdev_supported_types/%s/name", parent, name);
	sysfs_line(sysfs, path, type->pretty_name, sizeof(type->pretty_name));
	sysfs_path(path, "class/mdev_bus/%s/mdev_supported_types/%s/available_instances", parent, name);
	sysfs_number(sysfs, path, 10, &available);
	type->available = (uint32_t)available;
	return 0;
}

/* The units of @parent that its mdevs have taken. */
static uint32_t count_taken(const struct recorded *recorded, const char *parent)
{
	uint32_t n = 0;

	for (size_t i = 0; i < recorded->n_devices; i++)
		for (size_t k = 0; k < recorded->n_types; k++)
			if (!strcmp(recorded->devices[i].mdev_type, recorded->types[k].name) &&
			    !strcmp(recorded->devices[i].parent, parent) &&
			    !strcmp(recorded->types[k].parent, parent))
				n += recorded->types[k].instances;
	return n;
}

/*
 * Types of one parent share its units: what the smallest can still have is the number of
 * free ones, and of another type fit as many as its size allows.
 */
static void share_units(struct recorded *recorded)
{
	for (size_t i = 0; i < recorded->n_types; i++) {
		struct recorded_type *type = &recorded->types[i];

		for (size_t k = 0; k < recorded->n_types; k++)
			if (!strcmp(type->parent, recorded->types[k].parent) &&
			    recorded->types[k].available > type->capacity)
				type->capacity = recorded->types[k].available;
		type->instances = type->available ? type->capacity / type->available : 1;
	}
	for (size_t i = 0; i < recorded->n_types; i++)
		recorded->types[i].capacity += count_taken(recorded, recorded->types[i].parent);
}

static int read_types(int sysfs, struct recorded *recorded)
{
	struct sysfs_names parents, types;
	int error = sysfs_list(sysfs, "class/mdev_bus", &parents);
	char path[SYSFS_PATH];

	for (size_t i = 0; !error && i < parents.n; i++) {
		sysfs_path(path, "class/mdev_bus/%s/mdev_supported_types", parents.items[i]);
		error = sysfs_list(sysfs, path, &types);
		for (size_t k = 0; !error && k < types.n; k++)
			error = read_type(sysfs, parents.items[i], types.items[k], recorded);
		sysfs_names_done(&types);
	}
	sysfs_names_done(&parents);
	share_units(recorded);
	return error;
}

/* ".../devices/virtual/mtty/mtty/UUID": the parent is what stands above. */
static void read_parent(int sysfs, struct recorded_device *device)
{
	char path[SYSFS_PATH], target[SYSFS_PATH], *slash;

	sysfs_path(path, "bus/mdev/devices/%s", device->address);
	if (sysfs_link(sysfs, path, target, sizeof(target)) || !(slash = strrchr(target, '/')))
		return;
	*slash = '\0';
	slash = strrchr(target, '/');
	snprintf(device->parent, sizeof(device->parent), "%.63s", slash ? slash + 1 : target);
}

static int read_mdev(int sysfs, const char *uuid, struct recorded *recorded)
{
	struct recorded_device *device;
	char path[SYSFS_PATH];

	if (!list_room(&recorded->devices, recorded->n_devices, sizeof(*device), NULL))
		return -ENOMEM;
	device = &recorded->devices[recorded->n_devices++];
	*device = (struct recorded_device){ 0 };
	device->pci.kind = VFIOSIM_DEVICE_MDEV;
	snprintf(device->address, sizeof(device->address), "%s", uuid);
	read_parent(sysfs, device);
	sysfs_path(path, "bus/mdev/devices/%s/mdev_type", uuid);
	sysfs_link_name(sysfs, path, device->mdev_type, sizeof(device->mdev_type));
	sysfs_path(path, "bus/mdev/devices/%s/iommu_group", uuid);
	return record_add_group(sysfs, path, recorded, &device->group);
}

int record_read_mdevs(int sysfs, struct recorded *recorded)
{
	struct sysfs_names names;
	int error = sysfs_list(sysfs, "bus/mdev/devices", &names);

	for (size_t i = 0; !error && i < names.n; i++)
		error = read_mdev(sysfs, names.items[i], recorded);
	sysfs_names_done(&names);
	return error ? error : read_types(sysfs, recorded);
}
