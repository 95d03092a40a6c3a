/* SPDX-License-Identifier: MIT */
/*
 * Containers and groups: the backend of programs that speak to /dev/vfio/vfio.
 * A space is a container, and a device comes in with its whole group.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/vfiosim.h>

#include "select/selector.h"

#define INFO_MAX 4096

/* ---- Opening ----------------------------------------------------------- */

static long command(struct space *space, uint32_t cmd, uint64_t arg)
{
	return space->selector->ops->ioctl(space->selector->proc, space->fd, cmd, arg);
}

static long command_data(struct space *space, uint32_t cmd, void *data, size_t size)
{
	return space->selector->ops->ioctl_data(space->selector->proc, space->fd, cmd, data, size);
}

static bool has_extension(struct space *space, int type)
{
	long answer = command(space, VFIO_CHECK_EXTENSION, (uint64_t)type);

	return space->selector->policy->extension_exact ? answer == 1 : answer != 0;
}

/* Which of the policy's types are there? A bit each; asked before the group is set, as programs do. */
static unsigned ask_types(struct space *space)
{
	const struct policy *policy = space->selector->policy;
	unsigned found = 0;

	for (unsigned i = 0; policy->types[i]; i++) {
		if (!has_extension(space, policy->types[i]))
			continue;
		found |= 1u << i;
		if (!policy->next_type)
			break;
	}
	return found;
}

/* Sets the first type that was found; or any that the kernel takes, where the policy goes on. */
static int set_type(struct space *space, unsigned found)
{
	const struct policy *policy = space->selector->policy;
	const int *types = policy->types;
	long error = -EINVAL;

	for (unsigned i = 0; types[i]; i++) {
		if (!policy->next_type && !(found & 1u << i))
			continue;
		space->type = types[i];
		error = command(space, VFIO_SET_IOMMU, (uint64_t)types[i]);
		if (error >= 0)
			return 0;
	}
	return (int)error;
}

/* The capabilities: the number of mappings allowed, and whether it tells the iovas it can map. */
static void read_caps(struct space *space, const unsigned char *bytes, uint32_t size)
{
	const struct vfio_iommu_type1_info *info = (const void *)bytes;
	uint32_t at = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;

	for (int i = 0; i < 16 && at >= sizeof(*info) &&
			at + sizeof(struct vfio_info_cap_header) <= size; i++) {
		struct vfio_info_cap_header head;

		memcpy(&head, bytes + at, sizeof(head));
		space->has_ranges |= head.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
		if (head.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL &&
		    at + sizeof(struct vfio_iommu_type1_info_dma_avail) <= size)
			memcpy(&space->available, bytes + at + sizeof(head),
			       sizeof(space->available));
		at = head.next;
	}
}

/* Asks once for the size and, when there is more than that, once for everything. */
static int read_info(struct space *space)
{
	_Alignas(8) unsigned char bytes[INFO_MAX] = { 0 };
	struct vfio_iommu_type1_info *info = (void *)bytes;
	long error;

	if (!space->selector->policy->info)
		return 0;
	info->argsz = sizeof(*info);
	error = command_data(space, VFIO_IOMMU_GET_INFO, bytes, sizeof(*info));
	if (!error && info->argsz > sizeof(*info)) {
		if (info->argsz > sizeof(bytes))
			info->argsz = sizeof(bytes);
		error = command_data(space, VFIO_IOMMU_GET_INFO, bytes, info->argsz);
		if (!error)
			read_caps(space, bytes, info->argsz);
	}
	if (error < 0)
		return (int)error;
	if (space->selector->policy->ranges && !space->has_ranges) {
		selector_say(space->selector, "the container does not tell which iovas it can map");
		return -EINVAL;
	}
	return 0;
}

/* ---- Mapping ----------------------------------------------------------- */

static long unmap_range(struct space *space, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova,
						    .size = size };

	return command_data(space, VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
}

static int map_pages(struct space *space, const struct section *pages)
{
	const struct policy *policy = space->selector->policy;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = pages->uva,
		.iova = pages->iova,
		.size = pages->size,
	};
	long error;

	if (pages->kind != SECTION_ROM)
		map.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	error = command_data(space, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
	if (error == -EBUSY && policy->busy_retry && !unmap_range(space, map.iova, map.size))
		error = command_data(space, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
	if (error == -EEXIST && policy->exists_ok)
		error = 0;
	return (int)error;
}

/* ---- Groups ------------------------------------------------------------ */

static long set_container(struct select_group *group, struct space *space)
{
	struct selector *selector = space->selector;

	return selector->ops->ioctl_data(selector->proc, group->fd, VFIO_GROUP_SET_CONTAINER,
					 &space->fd, sizeof(space->fd));
}

static long unset_container(struct selector *selector, struct select_group *group)
{
	return selector->ops->ioctl(selector->proc, group->fd, VFIO_GROUP_UNSET_CONTAINER, 0);
}

static int check_viable(struct selector *selector, const struct select_group *group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	long error = selector->ops->ioctl_data(selector->proc, group->fd, VFIO_GROUP_GET_STATUS,
					       &status, sizeof(status));
	bool viable = selector->policy->viable_exact ?
			      status.flags == VFIO_GROUP_FLAGS_VIABLE :
			      (status.flags & VFIO_GROUP_FLAGS_VIABLE);

	if (error)
		return (int)error;
	if (viable)
		return 0;
	selector_say(selector, "the group is not viable: a device of it belongs to a host driver");
	return -EINVAL;
}

/* ---- Containers -------------------------------------------------------- */

static struct select_group *group_of(struct member *member)
{
	return (struct select_group *)member;
}

/* Which types it knows is asked before the group is set, as programs do. */
static int container_open(struct space *space)
{
	struct selector *selector = space->selector;

	space->fd = selector->ops->open(selector->proc, "/dev/vfio/vfio");
	if (space->fd < 0)
		return space->fd;
	if (command(space, VFIO_GET_API_VERSION, 0) != VFIO_API_VERSION) {
		selector_say(selector, "the kernel's VFIO has another version");
		goto fail;
	}
	space->types = ask_types(space);
	if (space->types)
		return 0;
	selector_say(selector, "no IOMMU type that this program knows");
fail:
	selector->ops->close(selector->proc, space->fd);
	return -EINVAL;
}

static void container_close(struct space *space)
{
	space->selector->ops->close(space->selector->proc, space->fd);
}

static int container_join(struct space *space, struct member *member)
{
	return (int)set_container(group_of(member), space);
}

/* A program that gives up closes the container; not every one takes the group out before. */
static void container_leave(struct space *space, struct member *member, bool undo)
{
	struct selector *selector = space->selector;
	long error;

	if (undo && !selector->policy->unset_first)
		return;
	error = unset_container(selector, group_of(member));
	if (error)
		selector_say(selector, "the group stays in its container: %s",
			     strerrorname_np((int)-error));
}

/* The first group gives the container its type. */
static int container_begin(struct space *space, struct member *member)
{
	int error = container_join(space, member);

	if (error)
		return error;
	error = set_type(space, space->types);
	if (error)
		container_leave(space, member, true);
	return error;
}

static int group_get(struct selector *selector, const struct target_device *device,
		     struct select_group **ret_group)
{
	struct select_group *group = id_map_find(&selector->groups, (uint64_t)device->group);
	int error;

	if (group) {
		*ret_group = group;
		return 0;
	}
	group = calloc(1, sizeof(*group));
	if (!group)
		return -ENOMEM;
	group->number = device->group;
	group->fd = selector->ops->open(selector->proc, device->node);
	error = group->fd < 0 ? group->fd : 0;
	if (error)
		goto free_group;
	error = id_map_insert(&selector->groups, (uint64_t)group->number, group);
	if (error)
		goto close_fd;
	error = check_viable(selector, group);
	if (!error)
		error = member_place(selector, &group->member);
	if (error)
		goto forget;
	*ret_group = group;
	return 0;
forget:
	id_map_erase(&selector->groups, (uint64_t)group->number);
close_fd:
	selector->ops->close(selector->proc, group->fd);
free_group:
	free(group);
	return error;
}

/* Goes with its last device. */
static void group_put(struct selector *selector, struct select_group *group)
{
	if (group->n_devices)
		return;
	member_leave(selector, &group->member);
	selector->ops->close(selector->proc, group->fd);
	id_map_erase(&selector->groups, (uint64_t)group->number);
	free(group);
}

/* ---- Devices ----------------------------------------------------------- */

static int get_device_fd(struct selector *selector, const struct select_group *group,
			 const struct target_device *device)
{
	char address[sizeof(device->address)];

	memcpy(address, device->address, sizeof(address));
	return (int)selector->ops->ioctl_data(selector->proc, group->fd, VFIO_GROUP_GET_DEVICE_FD,
					      address, strlen(address) + 1);
}

/* All devices of a group must agree whether RAM may be discarded. */
static int agree_on_discards(struct selector *selector, struct select_group *group, bool ok)
{
	if (group->member.discards_ok == ok || !selector->policy->discards)
		return 0;
	if (group->n_devices) {
		selector_say(selector, "the devices of the group disagree on discarding RAM");
		return -EINVAL;
	}
	group->member.discards_ok = ok;
	discards_allow(selector);
	return 0;
}

static int open_device(struct selector *selector, struct select_device *device, bool discards_ok)
{
	struct select_group *group = device->group;
	struct vfio_device_info info = { .argsz = sizeof(info) };
	long error;

	device->fd = get_device_fd(selector, group, device->target);
	if (device->fd < 0)
		return device->fd;
	error = selector->ops->ioctl_data(selector->proc, device->fd, VFIO_DEVICE_GET_INFO, &info,
					  sizeof(info));
	if (!error)
		error = agree_on_discards(selector, group, discards_ok);
	if (error)
		selector->ops->close(selector->proc, device->fd);
	return (int)error;
}

static int legacy_attach(struct selector *selector, struct select_device *device, bool discards_ok)
{
	int error = group_get(selector, device->target, &device->group);

	if (error)
		return error;
	error = open_device(selector, device, discards_ok);
	if (error) {
		group_put(selector, device->group);
		return error;
	}
	device->group->n_devices++;
	device->member.space = device->group->member.space;
	return 0;
}

static void legacy_detach(struct selector *selector, struct select_device *device)
{
	selector->ops->close(selector->proc, device->fd);
	device->group->n_devices--;
	group_put(selector, device->group);
}

const struct backend backend_legacy = {
	.space = "container",
	.member = "group",
	.empties_first = true,
	.attach = legacy_attach,
	.detach = legacy_detach,
	.open = container_open,
	.close = container_close,
	.begin = container_begin,
	.info = read_info,
	.join = container_join,
	.leave = container_leave,
	.map = map_pages,
	.unmap = unmap_range,
};
