/* SPDX-License-Identifier: MIT */
/* Devices opened by their own node; see cdev.h. */
#include "vfio/cdev.h"

#include <errno.h>
#include <stdio.h>

#include <vfiosim/topology.h>

#include "machine/lock.h"
#include "vfio/device_file.h"
#include "vfio/group.h"
#include "vfio/iommufd.h"
#include "bus/bus.h"
#include "iommufd/iommufd.h"
#include "machine/fault.h"

/* ---- Its file ---- */

int cdev_check_bound(struct call *call)
{
	const struct vfio_device_file *df = vfio_device_file(call->file);

	if (df->group || df->bound)
		return 0;
	return refuse(call, RULE_CDEV_NOT_BOUND, VS("device", df->vdev->dev->topo->address));
}

static ssize_t read_bound(struct call *call, void *to, size_t length, uint64_t offset)
{
	int ret = cdev_check_bound(call);

	return ret ? ret : vfio_device_read(call, to, length, offset);
}

static ssize_t write_bound(struct call *call, const void *from, size_t length, uint64_t offset)
{
	int ret = cdev_check_bound(call);

	return ret ? ret : vfio_device_write(call, from, length, offset);
}

static int mmap_bound(struct call *call, uint64_t offset, uint64_t length, bool shared)
{
	int ret = cdev_check_bound(call);

	return ret ? ret : vfio_device_mmap(call, offset, length, shared);
}

static void release(struct call *call)
{
	struct vfio_device_file *df = call->file->object;

	cdev_unbind(call);
	df->vdev->cdev_files--;
	vfio_device_file_free(df);
	bus_closed(call);
}

static const struct file_ops cdev_fops = {
	.kind = VFIOSIM_DEVICE,
	.describe = vfio_device_describe,
	.where = vfio_device_where,
	.read = read_bound,
	.write = write_bound,
	.mmap = mmap_bound,
	.release = release,
};

/* Mirrors vfio_device_fops_cdev_open (7.2). */
static int decide_open(struct call *call)
{
	struct vfiosim *sim = call->sim;
	struct vfiosim_file *file;
	struct device *dev;

	if (call->arg >= sim->n_devices)
		return refuse(call, RULE_NO_CDEV, VS("device", "?"));
	dev = sim->devices[call->arg];
	if (!vfio_device_has_cdev(dev))
		return refuse(call, RULE_NO_CDEV, VS("device", dev->topo->address));
	file = vfio_device_file_create(call, &cdev_fops, dev->vfio, NULL);
	if (!file)
		return refuse(call, RULE_NO_MEMORY);
	dev->vfio->cdev_files++;
	call->file = file;
	return 0;
}

int vfiosim_open_cdev(struct vfiosim *sim, struct vfiosim_caller *caller, uint32_t device,
		      struct vfiosim_file **ret_file)
{
	char wanted[FILE_NAME_MAX] = "machine";
	struct fault_where where = { 0 };

	lock_take(sim);
	if (device < sim->n_devices) {
		where.device = sim->devices[device]->topo->address;
		snprintf(wanted, sizeof(wanted), "device %s", where.device);
	}
	lock_release(sim);
	return file_open(sim, caller, wanted, &where, device, decide_open, ret_file);
}

/* ---- Bind ---- */

/*
 * A physical function takes any token as long as nobody uses its virtual ones, and none is
 * simulated. Mirrors vfio_df_check_token, vfio_pci_validate_vf_token.
 */
static int check_token(struct call *call, const struct device *dev, const struct cdev_bind *bind)
{
	bool reads = dev->topo->kind != VFIOSIM_DEVICE_MDEV;

	if (!bind->token)
		return 0;
	if (reads && bind->token_error)
		return refuse(call, RULE_BAD_ADDRESS, V("uva", bind->token_uva),
			      VS("access", "read"));
	if (reads && dev->vfio->ops->has_token && dev->vfio->ops->has_token(dev))
		return 0;
	return refuse(call, RULE_VF_TOKEN_UNUSED, VS("device", dev->topo->address));
}

static int check_iommufd(struct call *call, const struct cdev_bind *bind)
{
	if (bind->iommufd)
		return 0;
	return refuse(call, bind->error == -EBADF ? RULE_BAD_FD : RULE_NOT_AN_IOMMUFD,
		      V("fd", (int64_t)bind->fd));
}

static int check_bind(struct call *call, const struct cdev_bind *bind)
{
	const struct vfio_device_file *df = vfio_device_file(call->file);
	const struct device *dev = df->vdev->dev;
	int ret;

	if (df->group)
		return refuse(call, RULE_NOT_A_CDEV, VS("device", dev->topo->address));
	if (dev->group->vfio->file)
		return refuse(call, RULE_CDEV_GROUP_OPEN, VS("device", dev->topo->address),
			      V("group", dev->group->number));
	if (df->bound)
		return refuse(call, RULE_CDEV_BOUND, VS("device", dev->topo->address));
	ret = check_token(call, dev, bind);
	if (!ret)
		ret = check_iommufd(call, bind);
	if (!ret && dev->vfio->open_count)
		ret = refuse(call, RULE_CDEV_IN_USE, VS("device", dev->topo->address));
	return ret;
}

int cdev_bind(struct call *call, const struct cdev_bind *bind, uint32_t *ret_devid)
{
	struct vfio_device_file *df = vfio_device_file(call->file);
	struct vfio_device *vdev = df->vdev;
	int ret = check_bind(call, bind);

	if (!ret)
		ret = vfio_iommufd_bind(call, vdev, bind->iommufd);
	if (ret)
		return ret;
	ret = vfio_device_open(call, vdev);
	if (ret) {
		vfio_iommufd_unbind(call, vdev);
		return ret;
	}
	vdev->open_count = 1;
	vdev->group->cdev_device_open_cnt++;
	df->bound = true;
	*ret_devid = vfio_iommufd_object(vdev)->id;
	return 0;
}

void cdev_unbind(struct call *call)
{
	struct vfio_device_file *df = vfio_device_file(call->file);
	struct vfio_device *vdev = df->vdev;

	if (!df->bound)
		return;
	df->bound = false;
	vdev->open_count = 0;
	if (vdev->ops->close)
		vdev->ops->close(call, vdev->dev);
	vfio_iommufd_unbind(call, vdev);
	vdev->group->cdev_device_open_cnt--;
}

/* ---- Attach and detach ---- */

int cdev_check_pasid(struct call *call, const struct device *dev)
{
	if (!dev->vfio->iommufd_access)
		return 0;
	return refuse(call, RULE_PASID_MDEV, VS("device", dev->topo->address));
}

/* No device here has address spaces beside its own; a bad @pt_id is found first. */
static int refuse_pasid(struct call *call, const struct device *dev, uint32_t pt_id, uint32_t pasid)
{
	if (!object_find(vfio_iommufd_object(dev->vfio)->iommufd, pt_id, OBJECT_ANY))
		return refuse(call, RULE_NO_OBJECT, VS("what", "ioas or hwpt"), V("id", pt_id));
	return refuse(call, RULE_PASID_NONE, VS("device", dev->topo->address), V("pasid", pasid));
}

int cdev_attach(struct call *call, struct device *dev, uint32_t pt_id,
		const struct cdev_pasid *pasid, uint32_t *ret_pt_id)
{
	struct vfio_device *vdev = dev->vfio;
	int ret;

	if (pasid->given && pasid->pasid)
		return refuse_pasid(call, dev, pt_id, pasid->pasid);
	/* Each way replaces what it attached itself; the other's stands in the way. */
	if (vfio_iommufd_ioas(vdev) && vdev->pasid0 != pasid->given)
		return refuse(call, RULE_PASID_ATTACHED, VS("device", dev->topo->address));
	ret = vfio_iommufd_attach(call, vdev, pt_id, ret_pt_id);
	if (!ret)
		vdev->pasid0 = pasid->given;
	return ret;
}

void cdev_detach(struct call *call, struct device *dev, const struct cdev_pasid *pasid)
{
	struct vfio_device *vdev = dev->vfio;

	if (vdev->pasid0 == pasid->given && !(pasid->given && pasid->pasid))
		vfio_iommufd_detach(call, vdev);
}

/* ---- Hot reset ---- */

uint32_t cdev_id_of(const struct device *dev, const struct device *other)
{
	const struct iommufd *iommufd = vfio_iommufd_object(dev->vfio)->iommufd;
	const struct object *object;

	if (!other->vfio)
		return UINT32_MAX;
	object = vfio_iommufd_object(other->vfio);
	if (object && object->iommufd == iommufd)
		return object->id;
	return other->group->owner == &iommufd->dma_owner ? 0 : UINT32_MAX;
}
