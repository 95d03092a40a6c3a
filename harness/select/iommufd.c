/* SPDX-License-Identifier: MIT */
/*
 * Ioas of one iommufd: the backend of programs that open the devices' own nodes.
 * A space is an ioas. A physical device is attached to a hwpt of it, which the
 * program makes itself (policy hwpts) or the kernel does; an mdev to the ioas.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/vfiosim.h>

#include "select/selector.h"

static long command(struct selector *selector, int fd, uint32_t number, void *data, size_t size)
{
	return selector->ops->ioctl_data(selector->proc, fd, number, data, size);
}

static void destroy(struct selector *selector, uint32_t id)
{
	struct vfiosim_iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	command(selector, selector->iommufd, VFIOSIM_IOMMU_DESTROY, &cmd, sizeof(cmd));
}

/* ---- The device's node and /dev/iommu ---------------------------------- */

static int open_node(struct selector *selector, struct select_device *device)
{
	char path[64];
	int error = selector->ops->cdev(selector->proc, device->target, path, sizeof(path));

	if (error)
		return error;
	device->fd = selector->ops->open(selector->proc, path);
	return device->fd < 0 ? device->fd : 0;
}

/* The first device opens /dev/iommu, the last one closes it. */
static int connect_iommufd(struct selector *selector)
{
	if (!selector->n_bound) {
		selector->iommufd = selector->ops->open(selector->proc, "/dev/iommu");
		if (selector->iommufd < 0)
			return selector->iommufd;
	}
	selector->n_bound++;
	return 0;
}

static void disconnect_iommufd(struct selector *selector)
{
	if (--selector->n_bound)
		return;
	selector->ops->close(selector->proc, selector->iommufd);
	selector->iommufd = -1;
}

static int bind_device(struct selector *selector, struct select_device *device)
{
	struct vfiosim_device_bind_iommufd cmd = {
		.argsz = offsetof(struct vfiosim_device_bind_iommufd, token_uuid_ptr),
		.iommufd = selector->iommufd,
	};
	long error = command(selector, device->fd, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd, cmd.argsz);

	device->id = cmd.out_devid;
	return (int)error;
}

/* A program that makes hwpts asks what the hardware can do; that decides nothing here, but must come. */
static int hardware_info(struct selector *selector, struct select_device *device)
{
	struct vfiosim_iommu_hw_info cmd = { .size = sizeof(cmd), .dev_id = device->id };

	if (device->target->mdev || !selector->policy->hwpts)
		return 0;
	return (int)command(selector, selector->iommufd, VFIOSIM_IOMMU_GET_HW_INFO, &cmd,
			    sizeof(cmd));
}

/* ---- Attaching --------------------------------------------------------- */

static int attach_to(struct selector *selector, struct select_device *device, uint32_t pt)
{
	struct vfiosim_device_attach_iommufd_pt cmd = {
		.argsz = offsetof(struct vfiosim_device_attach_iommufd_pt, pasid),
		.pt_id = pt,
	};

	return (int)command(selector, device->fd, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd,
			    cmd.argsz);
}

static void hwpt_put(struct space *space, struct select_hwpt *hwpt)
{
	if (hwpt->n_devices)
		return;
	destroy(space->selector, hwpt->id);
	TAILQ_REMOVE(&space->hwpts, hwpt, in_space);
	free(hwpt);
}

static int hwpt_new(struct space *space, struct select_device *device,
		    struct select_hwpt **ret_hwpt)
{
	struct vfiosim_iommu_hwpt_alloc cmd = { .size = sizeof(cmd), .dev_id = device->id,
						.pt_id = space->ioas };
	struct select_hwpt *hwpt = calloc(1, sizeof(*hwpt));
	int error;

	if (!hwpt)
		return -ENOMEM;
	error = (int)command(space->selector, space->fd, VFIOSIM_IOMMU_HWPT_ALLOC, &cmd,
			     sizeof(cmd));
	if (error) {
		free(hwpt);
		return error;
	}
	hwpt->id = cmd.out_hwpt_id;
	TAILQ_INSERT_TAIL(&space->hwpts, hwpt, in_space);
	*ret_hwpt = hwpt;
	return 0;
}

/* One of the ioas' own. */
static int join_new_hwpt(struct space *space, struct select_device *device)
{
	struct select_hwpt *hwpt;
	int error = hwpt_new(space, device, &hwpt);

	if (error)
		return error;
	error = attach_to(space->selector, device, hwpt->id);
	if (error) {
		hwpt_put(space, hwpt);
		return error;
	}
	hwpt->n_devices++;
	device->hwpt = hwpt;
	return 0;
}

/* Only EINVAL says that the hwpt is the wrong one; anything else is about the ioas. */
static int join_hwpt(struct space *space, struct select_device *device)
{
	struct select_hwpt *hwpt;

	TAILQ_FOREACH(hwpt, &space->hwpts, in_space) {
		int error = attach_to(space->selector, device, hwpt->id);

		if (!error) {
			hwpt->n_devices++;
			device->hwpt = hwpt;
			return 0;
		}
		if (error != -EINVAL)
			return error;
		selector_say(space->selector, "hwpt %u of ioas %u is not for this device",
			     hwpt->id, space->number);
	}
	return join_new_hwpt(space, device);
}

static struct select_device *device_of(struct member *member)
{
	return (struct select_device *)member;
}

static int ioas_join(struct space *space, struct member *member)
{
	struct select_device *device = device_of(member);

	if (device->target->mdev || !space->selector->policy->hwpts)
		return attach_to(space->selector, device, space->ioas);
	return join_hwpt(space, device);
}

static void ioas_leave(struct space *space, struct member *member, bool undo)
{
	struct vfiosim_device_detach_iommufd_pt cmd = {
		.argsz = offsetof(struct vfiosim_device_detach_iommufd_pt, pasid),
	};
	struct select_device *device = device_of(member);

	command(space->selector, device->fd, VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, &cmd, cmd.argsz);
	if (!device->hwpt)
		return;
	device->hwpt->n_devices--;
	hwpt_put(space, device->hwpt);
	device->hwpt = NULL;
}

/* ---- Ioas -------------------------------------------------------------- */

static int ioas_open(struct space *space)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	struct selector *selector = space->selector;
	int error;

	space->fd = selector->iommufd;
	error = (int)command(selector, space->fd, VFIOSIM_IOMMU_IOAS_ALLOC, &cmd, sizeof(cmd));
	if (!error)
		space->number = space->ioas = cmd.out_ioas_id;
	return error;
}

static void ioas_close(struct space *space)
{
	destroy(space->selector, space->ioas);
}

/* Programs ask how many ranges there are; without an answer they believe there is one. */
static int read_ranges(struct space *space)
{
	struct vfiosim_iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd),
						      .ioas_id = space->ioas };
	struct selector *selector = space->selector;
	long error;

	if (!selector->policy->info)
		return 0;
	error = command(selector, space->fd, VFIOSIM_IOMMU_IOAS_IOVA_RANGES, &cmd, sizeof(cmd));
	if (error && error != -EMSGSIZE)
		selector_say(selector, "ioas %u does not say what it can map: %s", space->number,
			     strerrorname_np((int)-error));
	return 0;
}

/* ---- The backend ------------------------------------------------------- */

static int place(struct selector *selector, struct select_device *device, bool discards_ok)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int error = member_place(selector, &device->member);

	if (error)
		return error;
	if (discards_ok)
		discards_allow(selector);
	device->member.discards_ok = discards_ok;
	error = (int)command(selector, device->fd, VFIO_DEVICE_GET_INFO, &info, sizeof(info));
	if (error)
		member_leave(selector, &device->member);
	return error;
}

static int iommufd_attach(struct selector *selector, struct select_device *device, bool discards_ok)
{
	int error = open_node(selector, device);

	if (error)
		return error;
	error = connect_iommufd(selector);
	if (error)
		goto close_fd;
	error = bind_device(selector, device);
	if (!error)
		error = hardware_info(selector, device);
	if (!error)
		error = place(selector, device, discards_ok);
	if (!error)
		return 0;
	/* Closing the device takes its object away; the iommufd goes after it. */
	selector->ops->close(selector->proc, device->fd);
	disconnect_iommufd(selector);
	return error;
close_fd:
	selector->ops->close(selector->proc, device->fd);
	return error;
}

static void iommufd_detach(struct selector *selector, struct select_device *device)
{
	member_leave(selector, &device->member);
	selector->ops->close(selector->proc, device->fd);
	disconnect_iommufd(selector);
}

static int ioas_map(struct space *space, const struct section *pages)
{
	struct vfiosim_iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = VFIOSIM_IOAS_MAP_FIXED_IOVA | VFIOSIM_IOAS_MAP_READABLE,
		.ioas_id = space->ioas,
		.user_va = pages->uva,
		.length = pages->size,
		.iova = pages->iova,
	};

	if (pages->kind != SECTION_ROM)
		cmd.flags |= VFIOSIM_IOAS_MAP_WRITEABLE;
	return (int)command(space->selector, space->fd, VFIOSIM_IOMMU_IOAS_MAP, &cmd, sizeof(cmd));
}

/* What is not there (it was left out) needs no unmapping. */
static long ioas_unmap(struct space *space, uint64_t iova, uint64_t size)
{
	struct vfiosim_iommu_ioas_unmap cmd = { .size = sizeof(cmd), .ioas_id = space->ioas,
						.iova = iova, .length = size };
	long error = command(space->selector, space->fd, VFIOSIM_IOMMU_IOAS_UNMAP, &cmd,
			     sizeof(cmd));

	return error == -ENOENT ? 0 : error;
}

const struct backend backend_iommufd = {
	.space = "ioas",
	.member = "device",
	.attach = iommufd_attach,
	.detach = iommufd_detach,
	.open = ioas_open,
	.close = ioas_close,
	.begin = ioas_join,
	.info = read_ranges,
	.join = ioas_join,
	.leave = ioas_leave,
	.map = ioas_map,
	.unmap = ioas_unmap,
};
