/* SPDX-License-Identifier: MIT */
/* Containers; see container.h. Mirrors drivers/vfio/container.c (7.2). */
#include "vfio/container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/fault.h"
#include "machine/file.h"
#include "machine/kernel.h"
#include "machine/subsystem.h"
#include "pages/show.h"
#include "vfio/device.h"
#include "vfio/group.h"
#include "vfio/type1.h"

struct container *container_create(struct call *call)
{
	struct container *container = fault_zalloc(call, sizeof(*container));
	struct vfiosim *sim = call->sim;

	if (!container)
		return NULL;
	container->sim = sim;
	container->number = ++sim->next_container;
	container->refs = 1;
	TAILQ_INIT(&container->groups);
	TAILQ_INSERT_TAIL(&sim->containers, container, in_sim);
	sim->counters.containers++;
	return container;
}

void container_put(struct container *container)
{
	if (--container->refs)
		return;
	TAILQ_REMOVE(&container->sim->containers, container, in_sim);
	container->sim->counters.containers--;
	free(container);
}

/* ---- Extensions and types ---- */

static int noiommu_check_extension(const struct vfiosim *sim, uint64_t extension)
{
	return sim->noiommu && extension == EXT_NOIOMMU;
}

/* May @driver serve what is in the container? Groups with and without IOMMU never mix. */
static bool driver_allowed(const struct container *container, enum container_driver driver)
{
	return TAILQ_EMPTY(&container->groups) ||
	       container->noiommu == (driver == DRIVER_NOIOMMU);
}

static bool is_forgotten(const struct container *container, uint64_t extension)
{
	return extension < 64 && container->forgotten & 1ull << extension;
}

void container_forget_extension(struct container *container, uint64_t extension)
{
	if (extension < 64)
		container->forgotten |= 1ull << extension;
}

int container_check_extension(const struct container *container, uint64_t extension)
{
	if (is_forgotten(container, extension))
		return 0;
	if (container->driver == DRIVER_TYPE1)
		return type1_check_extension(container->sim, container->type1, extension);
	if (container->driver == DRIVER_NOIOMMU)
		return noiommu_check_extension(container->sim, extension);
	if (driver_allowed(container, DRIVER_NOIOMMU) &&
	    noiommu_check_extension(container->sim, extension))
		return 1;
	return driver_allowed(container, DRIVER_TYPE1) ?
		       type1_check_extension(container->sim, NULL, extension) : 0;
}

static void release_driver(struct call *call, struct container *container)
{
	if (container->driver == DRIVER_NONE)
		return;
	type1_destroy(container->type1);
	container->type1 = NULL;
	container->driver = DRIVER_NONE;
	changed(call, "container {container:d} no longer has an IOMMU driver",
		V("container", container->number));
}

/*
 * Attaches every group of @container. The instance is new and holds no mapping, so
 * no attach has to ask anything about clients: one that fails is undone at once.
 */
static int attach_all(struct call *call, struct container *container, struct type1 *type1)
{
	struct vfio_group *group, *undo;

	TAILQ_FOREACH(group, &container->groups, in_container) {
		int ret = type1_attach(call, type1, group);

		if (!ret)
			continue;
		TAILQ_FOREACH(undo, &container->groups, in_container) {
			if (undo == group)
				break;
			type1_detach(call, type1, undo);
		}
		return ret;
	}
	return 0;
}

static int set_type1(struct call *call, struct container *container, uint64_t type)
{
	struct type1 *type1;
	int ret;

	if (type == EXT_TYPE1_NESTING)
		return refuse(call, RULE_NO_NESTING);
	if (type != EXT_TYPE1 && type != EXT_TYPE1V2)
		return refuse(call, RULE_NOT_AN_IOMMU_TYPE, V("type", type));
	type1 = type1_create(call, container, type == EXT_TYPE1V2);
	if (!type1)
		return refuse(call, RULE_NO_MEMORY);
	ret = attach_all(call, container, type1);
	if (ret) {
		type1_destroy(type1);
		return ret;
	}
	container->driver = DRIVER_TYPE1;
	container->type1 = type1;
	changed(call, "container {container:d} now works by {driver}", V("container", container->number),
		VS("driver", type1->v2 ? "type1 v2" : "type1 v1"));
	return 0;
}

static int set_noiommu(struct call *call, struct container *container)
{
	struct vfiosim_limits limits;
	int ret = call_limits(call, &limits);

	if (ret)
		return ret;
	if (!limits.sys_rawio)
		return refuse(call, RULE_NO_RAWIO, V("group", group_number(TAILQ_FIRST(&container->groups))));
	container->driver = DRIVER_NOIOMMU;
	changed(call, "container {container:d} now works without any IOMMU",
		V("container", container->number));
	return 0;
}

int container_set_iommu(struct call *call, struct container *container, uint64_t type)
{
	if (TAILQ_EMPTY(&container->groups))
		return refuse(call, RULE_NO_GROUP, V("container", container->number));
	if (container->driver != DRIVER_NONE)
		return refuse(call, RULE_IOMMU_SET, V("container", container->number));
	if (is_forgotten(container, type))
		return refuse(call, RULE_NO_IOMMU_DRIVER, V("type", type));
	if (container->noiommu && noiommu_check_extension(call->sim, type))
		return set_noiommu(call, container);
	if (!container->noiommu && type1_check_extension(call->sim, NULL, type))
		return set_type1(call, container, type);
	return refuse(call, RULE_NO_IOMMU_DRIVER, V("type", type));
}

/* ---- Groups ---- */

int container_attach_group(struct call *call, struct container *container, struct vfio_group *group)
{
	bool noiommu = group->type == VFIO_NO_IOMMU;
	int ret;

	if (noiommu) {
		struct vfiosim_limits limits;

		ret = call_limits(call, &limits);
		if (ret)
			return ret;
		if (!limits.sys_rawio)
			return refuse(call, RULE_NO_RAWIO, V("group", group_number(group)));
	}
	if (!TAILQ_EMPTY(&container->groups) && container->noiommu != noiommu)
		return refuse(call, RULE_NOIOMMU_MIXED, V("container", container->number));
	ret = group->type == VFIO_IOMMU ?
		      iommu_group_check_claim(call, group->iommu_group, &group->dma_owner) : 0;
	if (!ret && container->driver == DRIVER_TYPE1)
		ret = type1_attach(call, container->type1, group);
	if (ret)
		return ret;

	if (group->type == VFIO_IOMMU)
		iommu_group_claim(group->iommu_group, &group->dma_owner);
	container->refs++;
	container->noiommu = noiommu;
	TAILQ_INSERT_HEAD(&container->groups, group, in_container);
	group->container = container;
	group->container_users = 0;
	changed(call, "group {group:d} is in container {container:d}", V("group", group_number(group)),
		V("container", container->number));
	return 0;
}

void container_detach_group(struct call *call, struct container *container, struct vfio_group *group)
{
	TAILQ_REMOVE(&container->groups, group, in_container);
	if (container->driver == DRIVER_TYPE1)
		type1_detach(call, container->type1, group);
	if (group->type == VFIO_IOMMU)
		iommu_group_release(group->iommu_group);
	group->container = NULL;
	changed(call, "group {group:d} left container {container:d}", V("group", group_number(group)),
		V("container", container->number));
	if (TAILQ_EMPTY(&container->groups))
		release_driver(call, container);
	container_put(container);
}

/* ---- Files ---- */

static void describe(const struct vfiosim_file *file, char *to, size_t size)
{
	const struct container *container = file->object;

	snprintf(to, size, "container %u", container->number);
}

static bool holds_group(const void *holder, uint32_t number)
{
	const struct container *container = holder;
	const struct vfio_group *group;

	TAILQ_FOREACH(group, &container->groups, in_container)
		if (group_number(group) == number)
			return true;
	return false;
}

static bool holds_device(const void *holder, const char *address)
{
	const struct container *container = holder;
	const struct vfio_group *group;
	struct fault_where where = { 0 };

	TAILQ_FOREACH(group, &container->groups, in_container) {
		iommu_group_where(group->iommu_group, &where);
		if (where.has_device(where.group_object, address))
			return true;
	}
	return false;
}

static void where(const struct vfiosim_file *file, struct fault_where *ret_where)
{
	const struct container *container = file->object;

	ret_where->known |= VFIOSIM_FAULT_OF_CONTAINER;
	ret_where->container = container->number;
	ret_where->holds_group = holds_group;
	ret_where->holds_device = holds_device;
	ret_where->holder = container;
}

static void release(struct call *call)
{
	container_put(call->file->object);
}

static const struct file_ops container_fops = {
	.kind = VFIOSIM_CONTAINER,
	.describe = describe,
	.where = where,
	.release = release,
};

struct container *container_from_file(const struct vfiosim_file *file)
{
	return file->ops == &container_fops ? file->object : NULL;
}

static int decide_open(struct call *call)
{
	struct container *container = container_create(call);
	struct vfiosim_file *file =
		container ? file_create(call, &container_fops, container) : NULL;

	if (!file) {
		if (container)
			container_put(container);
		return refuse(call, RULE_NO_MEMORY);
	}
	call->file = file;
	return 0;
}

int vfiosim_open_container(struct vfiosim *sim, struct vfiosim_caller *caller,
			   struct vfiosim_file **ret_file)
{
	return file_open(sim, caller, "/dev/vfio/vfio", NULL, 0, decide_open, ret_file);
}

/* ---- With the machine ---- */

static int init(struct vfiosim *sim)
{
	TAILQ_INIT(&sim->containers);
	return 0;
}

static const char *driver_name(const struct container *container)
{
	if (container->driver == DRIVER_TYPE1)
		return container->type1->v2 ? "type1v2" : "type1";
	return container->driver == DRIVER_NOIOMMU ? "noiommu" : NULL;
}

static void show_container(struct state *state, const struct container *container)
{
	struct json *json = &state->json;
	const struct vfio_group *group;

	json_object(json);
	json_put_unsigned(json, "number", container->number);
	json_put_string(json, "driver", driver_name(container));
	json_key(json, "groups");
	json_array(json);
	TAILQ_FOREACH_REVERSE(group, &container->groups, group_list, in_container)
		json_unsigned(json, group_number(group));
	json_array_end(json);
	if (container->driver == DRIVER_TYPE1)
		type1_show(state, container->type1);
	json_object_end(json);
}

static void show(struct state *state)
{
	const struct container *container;

	json_key(&state->json, "containers");
	json_array(&state->json);
	TAILQ_FOREACH(container, &state->sim->containers, in_sim)
		show_container(state, container);
	json_array_end(&state->json);
}

static void add_devices(struct spaces *to, struct vfiosim_space *space,
			const struct iommu_group *group)
{
	const struct device *dev;

	TAILQ_FOREACH(dev, &group->devices, in_group)
		if (dev->vfio && dev->vfio->open_count)
			space_add_device(to, space, dev->topo->address);
}

static void list_spaces(const struct vfiosim *sim, struct spaces *to)
{
	const struct container *container;
	const struct vfio_group *group;
	struct vfiosim_space *space;

	TAILQ_FOREACH(container, &sim->containers, in_sim) {
		space = spaces_add(to);
		if (!space)
			return;
		space->container = container->number;
		if (container->driver == DRIVER_NONE)
			continue;
		TAILQ_FOREACH_REVERSE(group, &container->groups, group_list, in_container)
			add_devices(to, space, group->iommu_group);
		if (container->driver == DRIVER_TYPE1)
			iopt_list(&container->type1->iopt, to, space);
	}
}

const struct subsystem container_subsystem = { .init = init, .show = show, .spaces = list_spaces };
