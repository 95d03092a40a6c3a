/* SPDX-License-Identifier: MIT */
/* Devices opened by their own node; see cdev.h. */
#include "vfio/cdev.h"

#include <errno.h>

#include <vfiosim/topology.h>

#include "machine/device.h"
#include "machine/file.h"
#include "vfio/group.h"
#include "iommufd/idev.h"
#include "iommufd/iommufd.h"
#include "machine/sim.h"

/* ---- Opening and closing ---- */

int cdev_open(struct call *call)
{
	struct vfiosim *sim = call->sim;
	struct vfiosim_file *file;
	struct device *dev;

	if (call->arg >= sim->n_devices)
		return refuse(call, RULE_NO_CDEV, VS("device", "?"));
	dev = sim->devices[call->arg];
	if (dev->removed || dev->going || !dev->ops || !dev->group || dev->cdev < 0)
		return refuse(call, RULE_NO_CDEV, VS("device", dev->topo->address));
	file = file_create(sim, VFIOSIM_DEVICE);
	if (!file)
		return refuse(call, RULE_NO_MEMORY);
	file->device = dev;
	dev->cdev_files++;
	call->file = file;
	return 0;
}

void cdev_close(struct call *call, struct vfiosim_file *file)
{
	cdev_unbind(call, file);
	file->device->cdev_files--;
}

int cdev_check_bound(struct call *call)
{
	const struct vfiosim_file *file = call->file;

	if (file->through || file->bound)
		return 0;
	return refuse(call, RULE_CDEV_NOT_BOUND, VS("device", file->device->topo->address));
}

/* ---- Bind ---- */

/* No function here has virtual ones, so none takes a token. Mirrors vfio_df_check_token. */
static int check_token(struct call *call, const struct device *dev, const struct cdev_bind *bind)
{
	bool reads = dev->topo->kind != VFIOSIM_DEVICE_MDEV;

	if (!bind->token)
		return 0;
	if (reads && bind->token_error)
		return refuse(call, RULE_BAD_ADDRESS, V("uva", bind->token_uva),
			      VS("access", "read"));
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
	const struct vfiosim_file *file = call->file;
	const struct device *dev = file->device;
	int ret;

	if (file->through)
		return refuse(call, RULE_NOT_A_CDEV, VS("device", dev->topo->address));
	if (dev->group->vfio->file)
		return refuse(call, RULE_CDEV_GROUP_OPEN, VS("device", dev->topo->address),
			      V("group", dev->group->number));
	if (file->bound)
		return refuse(call, RULE_CDEV_BOUND, VS("device", dev->topo->address));
	ret = check_token(call, dev, bind);
	if (!ret)
		ret = check_iommufd(call, bind);
	if (!ret && dev->open_count)
		ret = refuse(call, RULE_CDEV_IN_USE, VS("device", dev->topo->address));
	return ret;
}

int cdev_bind(struct call *call, const struct cdev_bind *bind, uint32_t *ret_devid)
{
	struct vfiosim_file *file = call->file;
	struct device *dev = file->device;
	int ret = check_bind(call, bind);

	if (!ret)
		ret = idev_bind(call, dev, bind->iommufd);
	if (ret)
		return ret;
	if (dev->ops->open)
		ret = dev->ops->open(call, dev);
	if (ret) {
		idev_unbind(call, dev);
		return ret;
	}
	dev->open_count = 1;
	dev->group->vfio->cdev_device_open_cnt++;
	file->bound = true;
	*ret_devid = dev->bound->object.id;
	return 0;
}

void cdev_unbind(struct call *call, struct vfiosim_file *file)
{
	struct device *dev = file->device;

	if (!file->bound)
		return;
	file->bound = false;
	dev->open_count = 0;
	if (dev->ops->close)
		dev->ops->close(call, dev);
	idev_unbind(call, dev);
	dev->group->vfio->cdev_device_open_cnt--;
}

/* ---- Attach and detach ---- */

int cdev_check_pasid(struct call *call, const struct device *dev)
{
	if (dev->bound->object.type != OBJECT_ACCESS)
		return 0;
	return refuse(call, RULE_PASID_MDEV, VS("device", dev->topo->address));
}

/* No device here has address spaces beside its own; a bad @pt_id is found first. */
static int refuse_pasid(struct call *call, const struct device *dev, uint32_t pt_id, uint32_t pasid)
{
	if (!object_find(dev->bound->object.iommufd, pt_id, OBJECT_ANY))
		return refuse(call, RULE_NO_OBJECT, VS("what", "ioas or hwpt"), V("id", pt_id));
	return refuse(call, RULE_PASID_NONE, VS("device", dev->topo->address), V("pasid", pasid));
}

int cdev_attach(struct call *call, struct device *dev, uint32_t pt_id,
		const struct cdev_pasid *pasid, uint32_t *ret_pt_id)
{
	struct idev *idev = dev->bound;
	int ret;

	if (pasid->given && pasid->pasid)
		return refuse_pasid(call, dev, pt_id, pasid->pasid);
	/* Each way replaces what it attached itself; the other's stands in the way. */
	if (idev->attached && idev->pasid0 != pasid->given)
		return refuse(call, RULE_PASID_ATTACHED, VS("device", dev->topo->address));
	ret = idev_attach(call, idev, pt_id, ret_pt_id);
	if (!ret)
		idev->pasid0 = pasid->given;
	return ret;
}

void cdev_detach(struct call *call, struct device *dev, const struct cdev_pasid *pasid)
{
	struct idev *idev = dev->bound;

	if (idev->pasid0 == pasid->given && !(pasid->given && pasid->pasid))
		idev_detach(call, idev);
}

/* ---- Hot reset ---- */

uint32_t cdev_id_of(const struct device *dev, const struct device *other)
{
	const struct iommufd *iommufd = dev->bound->object.iommufd;

	if (!other->ops)
		return UINT32_MAX;
	if (other->bound && other->bound->object.iommufd == iommufd)
		return other->bound->object.id;
	return other->group && other->group->owner == &iommufd->dma_owner ? 0 : UINT32_MAX;
}
