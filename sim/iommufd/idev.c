/* SPDX-License-Identifier: MIT */
/* Devices bound to an iommufd; see idev.h. */
#include "iommufd/idev.h"

#include <stdio.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/device.h"
#include "vfio/group.h"
#include "iommufd/iommufd.h"
#include "iommu/resv.h"
#include "machine/sim.h"

/* ---- Bind ---- */

/* Mirrors iommufd_device_bind (7.2): interrupts come before the owner. */
static int check_physical(struct call *call, const struct iommu_group *group,
			  const struct iommufd *iommufd)
{
	if (!iommu_group_isolated_msi(group) && !call->sim->iommufd_unsafe_interrupts)
		return refuse(call, RULE_ATTACH_INTERRUPTS, VS("iommu", group->iommu->name),
			      V("group", group->number));
	return iommu_group_check_claim(call, group, &iommufd->dma_owner);
}

/* An idev ends with its descriptor, see idev_unbind(). */
static void destroy(struct call *call, struct object *object)
{
	free(object);
}

int idev_bind(struct call *call, struct device *dev, struct iommufd *iommufd)
{
	bool physical = dev->group->iommu;
	struct idev *idev;
	int ret = physical ? check_physical(call, dev->group, iommufd) : 0;

	if (ret)
		return ret;
	idev = calloc(1, sizeof(*idev));
	if (!idev || object_reserve(iommufd, &idev->object,
				    physical ? OBJECT_DEVICE : OBJECT_ACCESS, destroy)) {
		free(idev);
		return refuse(call, RULE_NO_MEMORY);
	}
	idev->object.users = 1;		/* its descriptor */
	idev->dev = dev;
	dev->bound = idev;
	iommufd_get(iommufd);
	if (physical)
		iommu_group_claim(dev->group, &iommufd->dma_owner);
	object_publish(&idev->object);
	changed(call, "{device} bound to iommufd {n:d} as {kind} {id:d}",
		VS("device", dev->topo->address), V("n", iommufd->number),
		VS("kind", physical ? "device" : "access"), V("id", idev->object.id));
	return 0;
}

void idev_unbind(struct call *call, struct device *dev)
{
	struct idev *idev = dev->bound;
	struct iommufd *iommufd = idev->object.iommufd;

	idev_detach(call, idev);
	dev->bound = NULL;
	if (idev->object.type == OBJECT_DEVICE)
		iommu_group_release(dev->group);
	changed(call, "{device} unbound from iommufd {n:d}", VS("device", dev->topo->address),
		V("n", iommufd->number));
	object_destroy(call, &idev->object);
	iommufd_put(call, iommufd);
}

/* ---- What a physical device reserves ---- */

static int check_regions(struct call *call, const struct idev *idev, const struct ioas *ioas)
{
	const struct iommu_group *group = idev->dev->group;
	int ret = 0;

	for (size_t i = 0; !ret && i < iommu_group_resv_count(group); i++) {
		const struct vfiosim_resv *resv = iommu_group_resv(group, i);

		if (resv_enforced(resv))
			ret = ioas_check_reserve(call, ioas, resv_span(resv),
						 resv_type_name(resv->type));
	}
	return ret;
}

static int reserve_regions(struct call *call, const struct idev *idev, struct ioas *ioas)
{
	const struct iommu_group *group = idev->dev->group;
	int ret = 0;

	for (size_t i = 0; !ret && i < iommu_group_resv_count(group); i++) {
		const struct vfiosim_resv *resv = iommu_group_resv(group, i);

		if (resv_enforced(resv))
			ret = ioas_reserve(call, ioas, resv_span(resv), idev,
					   resv_type_name(resv->type), group->number);
	}
	if (ret)
		ioas_unreserve(ioas, idev);
	return ret;
}

/* ---- Attach a physical device ---- */

static struct hwpt *automatic_hwpt(const struct ioas *ioas, const struct iommu *iommu)
{
	struct hwpt *hwpt;

	TAILQ_FOREACH(hwpt, &ioas->hwpts, in_ioas)
		if (hwpt->automatic && domain_fits(hwpt->domain, iommu))
			return hwpt;
	return NULL;
}

/* Where an attach goes: an existing hwpt, or an ioas that needs a new one. */
struct target {
	struct hwpt *hwpt;
	struct ioas *ioas;
};

static int find_target(struct call *call, const struct idev *idev, uint32_t pt_id,
		       struct target *ret_target)
{
	struct object *object = object_find(idev->object.iommufd, pt_id, OBJECT_ANY);
	const struct iommu *iommu = idev->dev->group->iommu;

	if (!object)
		return refuse(call, RULE_NO_OBJECT, VS("what", "ioas or hwpt"), V("id", pt_id));
	if (object->type == OBJECT_IOAS) {
		ret_target->ioas = (struct ioas *)object;
		ret_target->hwpt = automatic_hwpt(ret_target->ioas, iommu);
		return 0;
	}
	if (object->type != OBJECT_HWPT)
		return refuse(call, RULE_NOT_ATTACHABLE, V("id", pt_id));
	ret_target->hwpt = (struct hwpt *)object;
	ret_target->ioas = ret_target->hwpt->ioas;
	if (!domain_fits(ret_target->hwpt->domain, iommu))
		return refuse(call, RULE_HWPT_MISFIT, V("hwpt", pt_id),
			      VS("mine", ret_target->hwpt->domain->iommu->name), VS("iommu", iommu->name));
	return 0;
}

/* The attached devices of the group: those a replace moves. */
#define for_each_attached(group_, dev_)                                                            \
	TAILQ_FOREACH((dev_), &(group_)->iommu_group->devices, in_group)                                        \
		if ((dev_)->bound && (dev_)->bound->attached)

static void set_hwpt(struct call *call, struct vfio_group *group, struct hwpt *hwpt)
{
	struct hwpt *old = group->hwpt;

	if (old)
		domain_detach(&group->attachment);
	group->hwpt = hwpt;
	hwpt_use(hwpt);
	domain_attach(hwpt->domain, &group->attachment, group->iommu_group, ATTACH_RID);
	group->attachment.fault = hwpt->fault;
	changed(call, "group {group:d} uses hwpt {hwpt:d} of ioas {ioas:d}",
		V("group", group_number(group)), V("hwpt", hwpt->object.id),
		V("ioas", hwpt->ioas->object.id));
	if (old)
		hwpt_unuse(call, old);
}

/* The first of a group, or one more where the others are. */
static int attach_first(struct call *call, struct idev *idev, struct target *target)
{
	struct vfio_group *group = idev->dev->group->vfio;
	int ret;

	if (group->hwpt && group->hwpt != target->hwpt)
		return refuse(call, RULE_OTHER_HWPT, V("group", group_number(group)),
			      V("hwpt", group->hwpt->object.id));
	ret = check_regions(call, idev, target->ioas);
	if (!ret && !target->hwpt)
		ret = hwpt_check(call, target->ioas, group->iommu_group->iommu, &domain_request_paging);
	if (ret)
		return ret;
	ret = reserve_regions(call, idev, target->ioas);
	if (ret)
		return ret;
	if (!target->hwpt)
		target->hwpt = hwpt_create(call, target->ioas, group->iommu_group->iommu,
					   &domain_request_paging, true);
	if (!target->hwpt) {
		ioas_unreserve(target->ioas, idev);
		return refuse(call, RULE_NO_MEMORY);
	}
	if (!group->hwpt)
		set_hwpt(call, group, target->hwpt);
	group->n_attached++;
	idev->attached = true;
	return 0;
}

static void unreserve_group(struct vfio_group *group, struct ioas *ioas)
{
	struct device *dev;

	for_each_attached(group, dev)
		ioas_unreserve(ioas, dev->bound);
}

/* What the attached devices of @group reserve, in @ioas besides where they are: all, or none. */
static int reserve_group(struct call *call, struct vfio_group *group, struct ioas *ioas)
{
	struct device *dev;
	int ret = 0;

	for_each_attached(group, dev)
		if (!ret)
			ret = reserve_regions(call, dev->bound, ioas);
	if (ret)
		unreserve_group(group, ioas);
	return ret;
}

/* The whole group moves, or nothing happens. Mirrors iommufd_device_do_replace. */
static int replace(struct call *call, struct idev *idev, struct target *target)
{
	struct vfio_group *group = idev->dev->group->vfio;
	struct ioas *old = group->hwpt->ioas;
	struct device *dev;
	int ret = 0;

	if (group->hwpt == target->hwpt)
		return 0;
	if (old != target->ioas)
		for_each_attached(group, dev)
			if (!ret)
				ret = check_regions(call, dev->bound, target->ioas);
	if (!ret && !target->hwpt)
		ret = hwpt_check(call, target->ioas, group->iommu_group->iommu, &domain_request_paging);
	if (!ret && old != target->ioas)
		ret = reserve_group(call, group, target->ioas);
	if (ret)
		return ret;
	if (!target->hwpt)
		target->hwpt = hwpt_create(call, target->ioas, group->iommu_group->iommu,
					   &domain_request_paging, true);
	if (!target->hwpt) {
		if (old != target->ioas)
			unreserve_group(group, target->ioas);
		return refuse(call, RULE_NO_MEMORY);
	}
	if (old != target->ioas)
		unreserve_group(group, old);
	set_hwpt(call, group, target->hwpt);
	return 0;
}

static int attach_device(struct call *call, struct idev *idev, uint32_t pt_id, uint32_t *ret_pt_id)
{
	struct target target = { 0 };
	int ret = find_target(call, idev, pt_id, &target);

	if (!ret)
		ret = idev->attached ? replace(call, idev, &target) :
				       attach_first(call, idev, &target);
	if (!ret)
		*ret_pt_id = target.hwpt->object.id;
	return ret;
}

/* ---- Attach an mdev ---- */

static void leave_ioas(struct call *call, struct idev *access)
{
	struct ioas *ioas = access->ioas;

	if (!ioas)
		return;
	/* Nothing stays pinned through an access that left. */
	if (access->dev->ops && access->dev->ops->dma_unmap)
		access->dev->ops->dma_unmap(call, access->dev, SPAN_ALL);
	access->ioas = NULL;
	ioas->n_accesses--;
	ioas->object.users--;
	ioas_update_alignment(ioas);
}

static int attach_access(struct call *call, struct idev *access, uint32_t pt_id,
			 uint32_t *ret_pt_id)
{
	struct ioas *ioas;
	int ret = ioas_find(call, access->object.iommufd, pt_id, &ioas);

	if (!ret && ioas != access->ioas)
		ret = ioas_check_alignment(call, ioas, VFIOSIM_PAGE_SIZE);
	if (ret)
		return ret;
	*ret_pt_id = pt_id;
	if (ioas == access->ioas)
		return 0;
	leave_ioas(call, access);
	access->ioas = ioas;
	access->attached = true;
	ioas->n_accesses++;
	ioas->object.users++;
	ioas_update_alignment(ioas);
	changed(call, "{device} (mdev) may reach ioas {id:d}; nothing is pinned for it",
		VS("device", access->dev->topo->address), V("id", pt_id));
	return 0;
}

/* ---- Both ---- */

int idev_attach(struct call *call, struct idev *idev, uint32_t pt_id, uint32_t *ret_pt_id)
{
	if (idev->object.type == OBJECT_ACCESS)
		return attach_access(call, idev, pt_id, ret_pt_id);
	return attach_device(call, idev, pt_id, ret_pt_id);
}

void idev_detach(struct call *call, struct idev *idev)
{
	struct vfio_group *group = idev->dev->group->vfio;
	struct hwpt *hwpt = group->hwpt;

	if (!idev->attached)
		return;
	idev->attached = false;
	idev->pasid0 = false;
	if (idev->object.type == OBJECT_ACCESS) {
		leave_ioas(call, idev);
		return;
	}
	ioas_unreserve(hwpt->ioas, idev);
	if (--group->n_attached)
		return;
	domain_detach(&group->attachment);
	group->hwpt = NULL;
	changed(call, "group {group:d} uses hwpt {hwpt:d} no more", V("group", group_number(group)),
		V("hwpt", hwpt->object.id));
	hwpt_unuse(call, hwpt);
}

struct ioas *idev_ioas(const struct device *dev)
{
	const struct idev *idev = dev->bound;

	if (!idev || !idev->attached)
		return NULL;
	return idev->object.type == OBJECT_ACCESS ? idev->ioas : dev->group->vfio->hwpt->ioas;
}
