/* SPDX-License-Identifier: MIT */
/* Groups; see group.h. Mirrors drivers/vfio/group.c (7.2). */
#include "vfio/group.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "iommufd/compat.h"
#include "vfio/container.h"
#include "machine/device.h"
#include "machine/file.h"
#include "iommufd/iommufd.h"
#include "machine/sim.h"

/* ---- What a group is made of ---- */

/* Drivers whose devices do not stand in the way: they do no DMA of their own (driver_managed_dma). */
static bool driver_harmless(const char *driver)
{
	static const char *const harmless[] = { "vfio-pci", "pcieport", "pci-stub" };

	for (size_t i = 0; driver && i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (!strcmp(driver, harmless[i]))
			return true;
	return !driver;
}

bool group_viable(const struct group *group, const struct device **ret_host)
{
	const struct device *dev;

	if (group->type != GROUP_IOMMU)
		return true;
	TAILQ_FOREACH(dev, &group->devices, in_group) {
		if (driver_harmless(dev->driver))
			continue;
		if (ret_host)
			*ret_host = dev;
		return false;
	}
	return true;
}

unsigned group_bound_devices(const struct group *group)
{
	const struct device *dev;
	unsigned n = 0;

	TAILQ_FOREACH(dev, &group->devices, in_group)
		n += dev->ops && !dev->removed;
	return n;
}

size_t group_resv_count(const struct group *group)
{
	return (group->iommu ? group->iommu->topo->n_resv : 0) +
	       (group->topo ? group->topo->n_resv : 0);
}

const struct vfiosim_resv *group_resv(const struct group *group, size_t index)
{
	size_t shared = group->iommu ? group->iommu->topo->n_resv : 0;

	return index < shared ? &group->iommu->topo->resv[index] :
				&group->topo->resv[index - shared];
}

bool group_isolated_msi(const struct group *group)
{
	return group->iommu->topo->interrupt_remapping;
}

void group_node_name(const struct group *group, char *to, size_t size)
{
	snprintf(to, size, "%s%u", group->type == GROUP_NOIOMMU ? "noiommu-" : "", group->number);
}

/* ---- Opening and closing ---- */

static unsigned open_devices(const struct group *group)
{
	return group->file_refs - !group->file_closed;
}

int group_open(struct call *call, struct group *group, struct vfiosim_file *file)
{
	struct vfiosim_limits limits;
	int ret;

	if (!group_bound_devices(group))
		return refuse(call, RULE_GROUP_EMPTY, V("group", group->number));
	if (group->type == GROUP_NOIOMMU) {
		ret = call_limits(call, &limits);
		if (ret)
			return ret;
		if (!limits.sys_rawio)
			return refuse(call, RULE_NO_RAWIO, V("group", group->number));
	}
	if (group->n_cdevs)
		return refuse(call, RULE_GROUP_CDEV_BOUND, V("group", group->number),
			      V("count", group->n_cdevs));
	if (group->file && group->file_closed)
		return refuse(call, RULE_GROUP_HELD, V("group", group->number),
			      V("count", open_devices(group)));
	if (group->file)
		return refuse(call, RULE_GROUP_OPEN, V("group", group->number));
	group->file = file;
	group->file_refs = 1;
	group->file_closed = false;
	return 0;
}

/* Out of its container, or of the iommufd in its place. */
static void leave(struct call *call, struct group *group)
{
	struct iommufd *iommufd = group->iommufd;

	if (group->container)
		container_detach_group(call, group->container, group);
	if (!iommufd)
		return;
	group->iommufd = NULL;
	changed(call, "group {group:d} left iommufd {iommufd:d}", V("group", group->number),
		V("iommufd", iommufd->number));
	iommufd_put(call, iommufd);
}

/* One user of the group's file less; the last one takes the group out of its container. */
static void put_file(struct call *call, struct group *group)
{
	if (--group->file_refs)
		return;
	leave(call, group);
	group->file = NULL;
}

void group_close(struct call *call, struct group *group)
{
	group->file_closed = true;
	put_file(call, group);
}

/* It needs its container, or the iommufd, no more. */
static void release(struct call *call, struct device *dev)
{
	if (dev->in_container)
		dev->group->container_users--;
	dev->in_container = false;
	compat_close_device(call, dev);
}

/* Takes back what open_first() did. */
static void close_last(struct call *call, struct device *dev)
{
	if (dev->ops->close)
		dev->ops->close(call, dev);
	release(call, dev);
}

void group_close_device(struct call *call, struct group *group, struct device *dev)
{
	if (!--dev->open_count) {
		close_last(call, dev);
		changed(call, "device {device} closed for good", VS("device", dev->topo->address));
	}
	put_file(call, group);
}

/* ---- Container ---- */

int group_status(struct call *call, struct group *group, uint32_t *ret_flags)
{
	if (!group_bound_devices(group))
		return refuse(call, RULE_GROUP_EMPTY, V("group", group->number));
	if (group->container || group->iommufd)
		*ret_flags = 3;
	else
		*ret_flags = !group->owner && group_viable(group, NULL);
	return 0;
}

static int join_iommufd(struct call *call, struct group *group, struct iommufd *iommufd)
{
	int ret = compat_join(call, iommufd, group->type == GROUP_NOIOMMU);

	if (ret)
		return ret;
	group->iommufd = iommufd_get(iommufd);
	changed(call, "group {group:d} has iommufd {iommufd:d} as its container",
		V("group", group->number), V("iommufd", iommufd->number));
	return 0;
}

int group_set_container(struct call *call, struct group *group, struct container *container,
			struct iommufd *iommufd, int fd)
{
	if (group->container)
		return refuse(call, RULE_CONTAINER_SET, V("group", group->number),
			      V("container", group->container->number));
	if (group->iommufd)
		return refuse(call, RULE_COMPAT_SET, V("group", group->number),
			      V("iommufd", group->iommufd->number));
	if (!group_bound_devices(group))
		return refuse(call, RULE_GROUP_EMPTY, V("group", group->number));
	if (container)
		return container_attach_group(call, container, group);
	if (iommufd)
		return join_iommufd(call, group, iommufd);
	return refuse(call, RULE_NOT_A_CONTAINER, V("fd", (int64_t)fd));
}

int group_unset_container(struct call *call, struct group *group)
{
	if (!group->container && !group->iommufd)
		return refuse(call, RULE_CONTAINER_NOT_SET, V("group", group->number));
	if (group->container_users)
		return refuse(call, RULE_DEVICES_OPEN, V("count", open_devices(group)),
			      V("group", group->number));
	leave(call, group);
	return 0;
}

/* ---- Devices ---- */

/* 0 and the device @name stands for, or refused. */
static int find_device(struct call *call, struct group *group, const char *name,
		       struct device **ret_dev)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &group->devices, in_group) {
		int match;

		if (!dev->ops || dev->going || dev->removed)
			continue;
		match = dev->ops->match ? dev->ops->match(call, dev, name) :
					  !strcmp(name, dev->topo->address);
		if (match < 0)
			return match;
		if (match) {
			*ret_dev = dev;
			return 0;
		}
	}
	return refuse(call, RULE_NO_SUCH_DEVICE, V("group", group->number), VS("name", name));
}

static int check_container(struct call *call, const struct group *group)
{
	struct vfiosim_limits limits;
	int ret;

	if (group->container->driver == DRIVER_NONE)
		return refuse(call, RULE_NO_IOMMU_SET);
	if (group->type != GROUP_NOIOMMU)
		return 0;
	ret = call_limits(call, &limits);
	if (!ret && !limits.sys_rawio)
		return refuse(call, RULE_NO_RAWIO, V("group", group->number));
	return ret;
}

/* The first open: what the device reaches memory through is settled here. Mirrors vfio_df_open. */
static int open_first(struct call *call, struct group *group, struct device *dev)
{
	int ret;

	if (group->iommufd)
		ret = compat_open_device(call, group->iommufd, dev);
	else
		ret = check_container(call, group);
	if (ret)
		return ret;
	dev->in_container = group->container;
	if (dev->in_container)
		group->container_users++;
	if (dev->ops->open)
		ret = dev->ops->open(call, dev);
	if (ret)
		release(call, dev);
	return ret;
}

int group_get_device(struct call *call, struct group *group, const char *name)
{
	struct vfiosim_file *file;
	struct device *dev = NULL;
	int ret = find_device(call, group, name, &dev);

	if (!ret && !group->container && !group->iommufd)
		ret = refuse(call, RULE_CONTAINER_NOT_SET, V("group", group->number));
	if (ret)
		return ret;
	if (!dev->open_count)
		ret = open_first(call, group, dev);
	if (ret)
		return ret;
	file = file_create(call->sim, VFIOSIM_DEVICE);
	if (!file) {
		if (!dev->open_count)
			close_last(call, dev);
		return refuse(call, RULE_NO_MEMORY);
	}
	file->device = dev;
	file->through = group;
	dev->open_count++;
	group->file_refs++;
	call->new_file = file;
	changed(call, "device {device} opened", VS("device", dev->topo->address));
	return 0;
}
