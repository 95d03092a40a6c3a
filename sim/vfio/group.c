/* SPDX-License-Identifier: MIT */
/* Groups; see group.h. Mirrors drivers/vfio/group.c (7.2). */
#include "vfio/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "iommufd/vfio_compat.h"
#include "machine/lock.h"
#include "vfio/container.h"
#include "vfio/device_file.h"
#include "vfio/iommufd.h"
#include "bus/bus.h"
#include "iommufd/iommufd.h"
#include "base/lowest.h"
#include "machine/fault.h"
#include "machine/kernel.h"
#include "machine/subsystem.h"

/* ---- Life ---- */

static void describe_owner(const struct dma_owner *owner, char *to, size_t size)
{
	const struct vfio_group *group =
		(const void *)((const char *)owner - offsetof(struct vfio_group, dma_owner));

	snprintf(to, size, "container %u", group->container->number);
}

enum vfio_group_type vfio_group_type_of(const struct iommu_group *group)
{
	if (group->noiommu)
		return VFIO_NO_IOMMU;
	return group->iommu ? VFIO_IOMMU : VFIO_EMULATED_IOMMU;
}

struct vfio_group *vfio_group_get(struct iommu_group *iommu_group)
{
	struct vfio_group *group = iommu_group->vfio;

	if (group)
		return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->iommu_group = iommu_group;
	group->type = vfio_group_type_of(iommu_group);
	group->minor = -1;
	group->dma_owner.describe = describe_owner;
	iommu_group->vfio = group;
	return group;
}

/* It ends with its last device, or with the file that is still open. */
static void free_unused(struct vfio_group *group)
{
	if (group->gone && !group->file)
		free(group);
}

void vfio_group_put_unused(struct vfio_group *group)
{
	if (group_bound_devices(group->iommu_group))
		return;
	group->iommu_group->vfio = NULL;
	group->gone = true;
	free_unused(group);
}

static int minor_of(const void *ctx, size_t i)
{
	const struct vfiosim *sim = ctx;

	return sim->groups[i]->vfio ? sim->groups[i]->vfio->minor : -1;
}

void vfio_group_device_added(struct vfio_group *group)
{
	const struct vfiosim *sim = group->iommu_group->sim;

	if (group->minor < 0)
		group->minor = lowest_free(sim->n_groups, minor_of, sim);
}

void vfio_group_device_removed(struct call *call, struct vfio_group *group)
{
	if (group_bound_devices(group->iommu_group))
		return;
	if (group->container)
		container_detach_group(call, group->container, group);
	group_make_unviable(group, false);
	vfio_group_put_unused(group);
}

/* ---- What a group is made of ---- */

unsigned group_bound_devices(const struct iommu_group *group)
{
	const struct device *dev;
	unsigned n = 0;

	TAILQ_FOREACH(dev, &group->devices, in_group)
		n += dev->vfio && !dev->removed;
	return n;
}

bool group_has_node(const struct vfiosim *sim, const struct iommu_group *group)
{
	if (group->gone || (group->noiommu && !sim->noiommu))
		return false;
	return group_bound_devices(group) > 0;
}

void group_node_name(const struct iommu_group *group, char *to, size_t size)
{
	snprintf(to, size, "%s%u", group->noiommu ? "noiommu-" : "", group->number);
}

/* ---- Opening and closing ---- */

static unsigned open_devices(const struct vfio_group *group)
{
	return group->file_refs - !group->file_closed;
}

/* Mirrors vfio_group_fops_open (7.2). */
static int check_open(struct call *call, const struct vfio_group *group)
{
	struct vfiosim_limits limits;
	int ret;

	if (group->type == VFIO_NO_IOMMU) {
		ret = call_limits(call, &limits);
		if (ret)
			return ret;
		if (!limits.sys_rawio)
			return refuse(call, RULE_NO_RAWIO, V("group", group_number(group)));
	}
	if (group->cdev_device_open_cnt)
		return refuse(call, RULE_GROUP_CDEV_BOUND, V("group", group_number(group)),
			      V("count", group->cdev_device_open_cnt));
	if (group->file && group->file_closed)
		return refuse(call, RULE_GROUP_HELD, V("group", group_number(group)),
			      V("count", open_devices(group)));
	if (group->file)
		return refuse(call, RULE_GROUP_OPEN, V("group", group_number(group)));
	return 0;
}

/* Out of its container, or of the iommufd in its place. */
static void leave(struct call *call, struct vfio_group *group)
{
	struct iommufd *iommufd = group->iommufd;

	if (group->container)
		container_detach_group(call, group->container, group);
	if (!iommufd)
		return;
	group->iommufd = NULL;
	changed(call, "group {group:d} left iommufd {iommufd:d}", V("group", group_number(group)),
		V("iommufd", iommufd->number));
	iommufd_put(call, iommufd);
}

/* One user of the group's file less; the last one takes the group out of its container. */
static void put_file(struct call *call, struct vfio_group *group)
{
	if (--group->file_refs)
		return;
	leave(call, group);
	group->file = NULL;
	free_unused(group);
}

/* ---- Its descriptor ---- */

static void describe(const struct vfiosim_file *file, char *to, size_t size)
{
	snprintf(to, size, "group %u", group_number(file->object));
}

void vfio_group_where(const struct vfio_group *group, struct fault_where *where)
{
	iommu_group_where(group->iommu_group, where);
	if (!group->container)
		return;
	where->known |= VFIOSIM_FAULT_OF_CONTAINER;
	where->container = group->container->number;
}

static void file_where(const struct vfiosim_file *file, struct fault_where *where)
{
	vfio_group_where(file->object, where);
}

static void describe_taker(const struct dma_owner *owner, char *to, size_t size)
{
	(void)owner;
	snprintf(to, size, "a host driver (injected)");
}

/* Whom a fault gives a group's DMA to. */
static const struct dma_owner taker = { .describe = describe_taker };

void group_make_unviable(struct vfio_group *group, bool unviable)
{
	struct iommu_group *iommu_group = group->iommu_group;

	if (unviable && !iommu_group->owner_cnt)
		iommu_group_claim(iommu_group, &taker);
	else if (!unviable && iommu_group->owner == &taker)
		iommu_group_release(iommu_group);
}

/* Takes effect when no device file needs the group any more. */
static void release_group(struct call *call)
{
	struct vfio_group *group = call->file->object;

	if (!group->gone)
		group_make_unviable(group, false);
	group->file_closed = true;
	put_file(call, group);
}

static const struct file_ops vfio_group_fops = {
	.kind = VFIOSIM_GROUP,
	.describe = describe,
	.where = file_where,
	.release = release_group,
};

struct vfio_group *vfio_group_from_file(const struct vfiosim_file *file)
{
	return file->ops == &vfio_group_fops ? file->object : NULL;
}

static int decide_open(struct call *call)
{
	struct vfio_group *group = NULL;
	struct vfiosim_file *file;
	int ret;

	if (call->arg < call->sim->n_groups && !call->sim->groups[call->arg]->gone)
		group = call->sim->groups[call->arg]->vfio;
	if (!group)	/* with its last device it goes as well */
		return refuse(call, RULE_GROUP_EMPTY, V("group", call->arg));
	ret = check_open(call, group);
	if (ret)
		return ret;
	file = file_create(call, &vfio_group_fops, group);
	if (!file)
		return refuse(call, RULE_NO_MEMORY);
	group->file = file;
	group->file_refs = 1;
	group->file_closed = false;
	call->file = file;
	return 0;
}

int vfiosim_open_group(struct vfiosim *sim, struct vfiosim_caller *caller, uint32_t group,
		       struct vfiosim_file **ret_file)
{
	char wanted[FILE_NAME_MAX] = "machine";
	struct fault_where where = { 0 };

	lock_take(sim);
	if (group < sim->n_groups) {
		iommu_group_where(sim->groups[group], &where);
		snprintf(wanted, sizeof(wanted), "group %u", where.group);
	}
	lock_release(sim);
	return file_open(sim, caller, wanted, &where, group, decide_open, ret_file);
}

/* ---- Descriptors of its devices ---- */

/* It needs its container, or the iommufd, no more. */
static void release(struct call *call, struct vfio_device *vdev)
{
	if (vdev->in_container)
		vdev->group->container_users--;
	vdev->in_container = false;
	vfio_iommufd_unbind(call, vdev);
}

/* Takes back what open_first() did. */
static void close_last(struct call *call, struct vfio_device *vdev)
{
	if (vdev->ops->close)
		vdev->ops->close(call, vdev->dev);
	release(call, vdev);
}

/* The last descriptor of @vdev closes the device. */
static void release_device(struct call *call)
{
	struct vfio_device_file *df = call->file->object;
	struct vfio_device *vdev = df->vdev;

	if (!--vdev->open_count) {
		close_last(call, vdev);
		changed(call, "device {device} closed: that was its last descriptor",
			VS("device", vdev->dev->topo->address));
	}
	put_file(call, df->group);
	vfio_device_file_free(df);
	bus_closed(call);
}

static const struct file_ops vfio_device_fops = {
	.kind = VFIOSIM_DEVICE,
	.describe = vfio_device_describe,
	.where = vfio_device_where,
	.read = vfio_device_read,
	.write = vfio_device_write,
	.mmap = vfio_device_mmap,
	.release = release_device,
};

/* ---- Container ---- */

/* GET_STATUS refuses nothing: programs give up on the flag, so the reason goes with it. */
static void tell_not_viable(struct call *call, const struct iommu_group *group)
{
	const struct device *host = iommu_group_host_device(group);
	char owner[32];

	if (host) {
		changed(call, "group {group:d} is not viable: {device} is bound to {driver}, a host driver",
			V("group", group->number), VS("device", host->topo->address),
			VS("driver", host->driver->name));
		return;
	}
	group->owner->describe(group->owner, owner, sizeof(owner));
	changed(call, "group {group:d} is not viable: its DMA belongs to {owner}",
		V("group", group->number), VS("owner", owner));
}

int group_status(struct call *call, struct vfio_group *group, uint32_t *ret_flags)
{
	if (group->gone)
		return refuse(call, RULE_GROUP_EMPTY, V("group", group_number(group)));
	if (group->container || group->iommufd)
		*ret_flags = 3;
	else
		*ret_flags = !group->iommu_group->owner_cnt;
	if (!*ret_flags)
		tell_not_viable(call, group->iommu_group);
	return 0;
}

static int join_iommufd(struct call *call, struct vfio_group *group, struct iommufd *iommufd)
{
	int ret = compat_join(call, iommufd, group->type == VFIO_NO_IOMMU);

	if (ret)
		return ret;
	group->iommufd = iommufd_get(iommufd);
	changed(call, "group {group:d} has iommufd {iommufd:d} as its container",
		V("group", group_number(group)), V("iommufd", iommufd->number));
	return 0;
}

int group_set_container(struct call *call, struct vfio_group *group, struct container *container,
			struct iommufd *iommufd, int fd)
{
	if (group->container)
		return refuse(call, RULE_CONTAINER_SET, V("group", group_number(group)),
			      V("container", group->container->number));
	if (group->iommufd)
		return refuse(call, RULE_COMPAT_SET, V("group", group_number(group)),
			      V("iommufd", group->iommufd->number));
	if (group->gone)
		return refuse(call, RULE_GROUP_EMPTY, V("group", group_number(group)));
	if (container)
		return container_attach_group(call, container, group);
	if (iommufd)
		return join_iommufd(call, group, iommufd);
	return refuse(call, RULE_NOT_A_CONTAINER, V("fd", (int64_t)fd));
}

int group_unset_container(struct call *call, struct vfio_group *group)
{
	if (!group->container && !group->iommufd)
		return refuse(call, RULE_CONTAINER_NOT_SET, V("group", group_number(group)));
	if (group->container_users)
		return refuse(call, RULE_DEVICES_OPEN, V("count", open_devices(group)),
			      V("group", group_number(group)));
	leave(call, group);
	return 0;
}

/* ---- Devices ---- */

/* 0 and the device @name stands for, or refused. */
static int find_device(struct call *call, struct vfio_group *group, const char *name,
		       struct vfio_device **ret_vdev)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &group->iommu_group->devices, in_group) {
		int match;

		if (group->gone || !dev->vfio || dev->removed ||
		    (dev->unbinding && kernel_has(call->sim, KERNEL_UNBIND_HIDES_DEVICE)))
			continue;
		match = dev->vfio->ops->match ? dev->vfio->ops->match(call, dev, name) :
						!strcmp(name, dev->topo->address);
		if (match < 0)
			return match;
		if (match) {
			*ret_vdev = dev->vfio;
			return 0;
		}
	}
	return refuse(call, RULE_NO_SUCH_DEVICE, V("group", group_number(group)), VS("name", name));
}

static int check_container(struct call *call, const struct vfio_group *group)
{
	struct vfiosim_limits limits;
	int ret;

	if (group->container->driver == DRIVER_NONE)
		return refuse(call, RULE_NO_IOMMU_SET);
	if (group->type != VFIO_NO_IOMMU)
		return 0;
	ret = call_limits(call, &limits);
	if (!ret && !limits.sys_rawio)
		return refuse(call, RULE_NO_RAWIO, V("group", group_number(group)));
	return ret;
}

/* The first open: what the device reaches memory through is settled here. Mirrors vfio_df_open. */
static int open_first(struct call *call, struct vfio_group *group, struct vfio_device *vdev)
{
	int ret;

	if (group->iommufd)
		ret = vfio_iommufd_compat_attach(call, vdev, group->iommufd);
	else
		ret = check_container(call, group);
	if (ret)
		return ret;
	vdev->in_container = group->container;
	if (vdev->in_container)
		group->container_users++;
	ret = vfio_device_open(call, vdev);
	if (ret)
		release(call, vdev);
	return ret;
}

int group_get_device(struct call *call, struct vfio_group *group, const char *name)
{
	struct vfiosim_file *file;
	struct vfio_device *vdev = NULL;
	int ret = find_device(call, group, name, &vdev);

	if (!ret && !group->container && !group->iommufd)
		ret = refuse(call, RULE_CONTAINER_NOT_SET, V("group", group_number(group)));
	if (ret)
		return ret;
	if (!vdev->open_count)
		ret = open_first(call, group, vdev);
	if (ret)
		return ret;
	file = vfio_device_file_create(call, &vfio_device_fops, vdev, group);
	if (!file) {
		if (!vdev->open_count)
			close_last(call, vdev);
		return refuse(call, RULE_NO_MEMORY);
	}
	vdev->open_count++;
	group->file_refs++;
	call->result.new_file = file;
	changed(call, "device {device} opened", VS("device", vdev->dev->topo->address));
	return 0;
}

/* ---- With the machine ---- */

static void done(struct vfiosim *sim)
{
	for (uint32_t i = 0; i < sim->n_groups; i++)
		free(sim->groups[i]->vfio);
}

static const char *const type_names[] = {
	[VFIO_IOMMU] = "iommu",
	[VFIO_EMULATED_IOMMU] = "emulated",
	[VFIO_NO_IOMMU] = "noiommu",
};

/* An IOMMU group, whether it was ever VFIO's or not. */
static void show_group(struct state *state, const struct iommu_group *group)
{
	struct json *json = &state->json;
	const struct vfio_group *vfio = group->vfio;
	const struct device *dev;
	char name[24];

	group_node_name(group, name, sizeof(name));
	json_object(json);
	json_put_unsigned(json, "number", group->number);
	json_put_string(json, "node", name);
	json_put_string(json, "type", type_names[vfio_group_type_of(group)]);
	json_put_bool(json, "viable",
		      !iommu_group_host_device(group) && group->owner != &taker);
	json_put_bool(json, "open", vfio && vfio->file);
	json_key(json, "container");
	if (vfio && vfio->container)
		json_unsigned(json, vfio->container->number);
	else
		json_string(json, NULL);
	if (vfio && vfio->iommufd)
		json_put_unsigned(json, "iommufd", vfio->iommufd->number);
	json_key(json, "devices");
	json_array(json);
	TAILQ_FOREACH(dev, &group->devices, in_group)
		json_string(json, dev->topo->address);
	json_array_end(json);
	json_object_end(json);
}

static void show(struct state *state)
{
	const struct vfiosim *sim = state->sim;

	json_key(&state->json, "groups");
	json_array(&state->json);
	for (uint32_t i = 0; i < sim->n_groups; i++)
		if (!sim->groups[i]->gone)
			show_group(state, sim->groups[i]);
	json_array_end(&state->json);
}

const struct subsystem vfio_group_subsystem = { .done = done, .show = show };
