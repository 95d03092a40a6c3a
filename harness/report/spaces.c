/* SPDX-License-Identifier: MIT */
/* See spaces.h. */
#include "report/spaces.h"

#include <inttypes.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>
#include <vfiosim/topology.h>

#define PAGE 4096

/* ---- Small readers ----------------------------------------------------- */

static json_object *get(json_object *object, const char *key)
{
	return json_object_object_get(object, key);
}

static size_t length(json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static const char *text(json_object *object, const char *key)
{
	const char *value = json_object_get_string(get(object, key));

	return value ? value : "";
}

static uint64_t number(json_object *object, const char *key)
{
	return strtoull(text(object, key), NULL, 0);
}

/* ---- Spaces ------------------------------------------------------------ */

void spaces_object_name(const char *kind, uint64_t id, uint64_t iommufd, char *to, size_t size)
{
	size_t n = (size_t)snprintf(to, size, "%s %" PRIu64, kind, id);

	if (iommufd > 1 && n < size)
		snprintf(to + n, size - n, " of iommufd %" PRIu64, iommufd);
}

/* @iommufd: 0 of a container. */
static struct space *add_space(struct spaces *spaces, const char *kind, uint64_t id, uint64_t iommufd)
{
	struct space *grown = realloc(spaces->list, (spaces->n + 1) * sizeof(*grown));
	struct space *space;

	if (!grown)
		return NULL;
	spaces->list = grown;
	space = &grown[spaces->n++];
	*space = (struct space){ 0 };
	spaces_object_name(kind, id, iommufd, space->name, sizeof(space->name));
	return space;
}

static void add_device(struct space *space, const struct vfiosim_topology *topology,
		       const char *address, bool mdev)
{
	struct space_device *device = &space->devices[space->n_devices];

	if (space->n_devices == SPACE_DEVICES_MAX)
		return;
	snprintf(device->name, sizeof(device->name), "%s", address);
	device->mdev = mdev;
	for (size_t i = 0; i < topology->n_devices; i++)
		if (!strcmp(topology->devices[i].address, address))
			snprintf(device->name, sizeof(device->name), "%s", topology->devices[i].name);
	space->n_devices++;
}

static int read_mappings(struct space *space, json_object *list)
{
	size_t n = length(list);

	space->mappings = calloc(n ? n : 1, sizeof(*space->mappings));
	if (!space->mappings)
		return -ENOMEM;
	space->n_mappings = n;
	for (size_t i = 0; i < n; i++) {
		json_object *from = json_object_array_get_idx(list, i);
		struct space_mapping *mapping = &space->mappings[i];

		mapping->first = number(from, "first");
		mapping->last = number(from, "last");
		mapping->pinned = json_object_get_boolean(get(from, "pinned"));
		mapping->pinned_pages = mapping->pinned ?
						(mapping->last - mapping->first) / PAGE + 1 :
						number(from, "mdev_pinned_pages");
		space->pinned_pages += mapping->pinned_pages;
	}
	return 0;
}

static void add_domain(struct space *space, const char *kind, uint64_t id, const char *joint,
		       const char *iommu)
{
	size_t n = strlen(space->domains);

	snprintf(space->domains + n, sizeof(space->domains) - n, "%s%s %llu %s %s", n ? ", " : "", kind,
		 (unsigned long long)id, joint, iommu);
}

/* ---- Containers -------------------------------------------------------- */

/* The devices of group @id that have a VFIO driver. */
static void add_group(struct space *space, json_object *state, const struct vfiosim_topology *topology,
		      uint64_t id)
{
	json_object *groups = get(state, "groups");

	for (size_t i = 0; i < length(groups); i++) {
		json_object *group = json_object_array_get_idx(groups, i), *devices = get(group, "devices");

		if (number(group, "number") != id)
			continue;
		for (size_t k = 0; k < length(devices); k++)
			add_device(space, topology,
				   json_object_get_string(json_object_array_get_idx(devices, k)),
				   !strcmp(text(group, "type"), "emulated"));
	}
}

static int read_container(struct spaces *spaces, json_object *state,
			  const struct vfiosim_topology *topology, json_object *container)
{
	struct space *space = add_space(spaces, "container", number(container, "number"), 0);
	json_object *groups = get(container, "groups"), *domains = get(container, "domains");

	if (!space)
		return -ENOMEM;
	for (size_t i = 0; i < length(groups); i++)
		add_group(space, state, topology,
			  (uint64_t)json_object_get_int64(json_object_array_get_idx(groups, i)));
	for (size_t i = 0; i < length(domains); i++) {
		json_object *domain = json_object_array_get_idx(domains, i);

		add_domain(space, "domain", number(domain, "number"), "of", text(domain, "iommu"));
	}
	return read_mappings(space, get(container, "mappings"));
}

/* ---- ioas -------------------------------------------------------------- */

static void add_users(struct space *space, json_object *objects, const struct vfiosim_topology *topology,
		      uint64_t id)
{
	for (size_t i = 0; i < length(objects); i++) {
		json_object *object = json_object_array_get_idx(objects, i);
		const char *type = text(object, "type");

		if (!strcmp(type, "access") && get(object, "ioas") && number(object, "ioas") == id)
			add_device(space, topology, text(object, "device"), true);
		if (!get(object, "ioas") || number(object, "ioas") != id || strncmp(type, "hwpt", 4))
			continue;
		add_domain(space, "hwpt", number(object, "id"), "on", text(object, "iommu"));
		for (size_t k = 0; k < length(objects); k++) {
			json_object *device = json_object_array_get_idx(objects, k);

			if (get(device, "hwpt") && get(device, "device") &&
			    number(device, "hwpt") == number(object, "id"))
				add_device(space, topology, text(device, "device"), false);
		}
	}
}

static int read_iommufd(struct spaces *spaces, const struct vfiosim_topology *topology,
			json_object *iommufd)
{
	json_object *objects = get(iommufd, "objects");
	int error = 0;

	for (size_t i = 0; i < length(objects) && !error; i++) {
		json_object *object = json_object_array_get_idx(objects, i);
		struct space *space;

		if (strcmp(text(object, "type"), "ioas"))
			continue;
		space = add_space(spaces, "ioas", number(object, "id"), number(iommufd, "number"));
		if (!space)
			return -ENOMEM;
		add_users(space, objects, topology, number(object, "id"));
		error = read_mappings(space, get(object, "mappings"));
	}
	return error;
}

/* ---- The whole --------------------------------------------------------- */

int spaces_read(const char *state, const struct vfiosim_topology *topology, struct spaces *ret_spaces)
{
	struct spaces spaces = { 0 };
	json_object *root = json_tokener_parse(state);
	json_object *containers = get(root, "containers"), *iommufds = get(root, "iommufds");
	int error = root ? 0 : -EINVAL;

	for (size_t i = 0; i < length(containers) && !error; i++)
		error = read_container(&spaces, root, topology, json_object_array_get_idx(containers, i));
	for (size_t i = 0; i < length(iommufds) && !error; i++)
		error = read_iommufd(&spaces, topology, json_object_array_get_idx(iommufds, i));
	json_object_put(root);
	if (error)
		spaces_done(&spaces);
	else
		*ret_spaces = spaces;
	return error;
}

void spaces_done(struct spaces *spaces)
{
	for (size_t i = 0; i < spaces->n; i++)
		free(spaces->list[i].mappings);
	free(spaces->list);
	*spaces = (struct spaces){ 0 };
}

const struct space *spaces_find(const struct spaces *spaces, const char *name)
{
	for (size_t i = 0; i < spaces->n; i++)
		if (!strcmp(spaces->list[i].name, name))
			return &spaces->list[i];
	return NULL;
}

bool spaces_hold(const struct spaces *spaces, const char *device)
{
	for (size_t i = 0; i < spaces->n; i++)
		for (size_t k = 0; k < spaces->list[i].n_devices; k++)
			if (!strcmp(spaces->list[i].devices[k].name, device))
				return true;
	return false;
}

bool space_is_ioas(const struct space *space)
{
	return !strncmp(space->name, "ioas ", strlen("ioas "));
}
