/* SPDX-License-Identifier: MIT */
/* Devices bound to an iommufd; see device.h. */
#include "iommufd/device.h"

#include <stdlib.h>

#include <vfiosim/topology.h>

#include "iommu/resv.h"
#include "iommufd/iommufd.h"
#include "machine/device.h"
#include "machine/fault.h"
#include "machine/state.h"

/* ---- Bind ---- */

/* Interrupts come before the owner. */
static int check_bind(struct call *call, const struct iommu_group *group,
		      const struct iommufd *iommufd)
{
	if (!iommu_group_isolated_msi(group) && !call->sim->iommufd_unsafe_interrupts)
		return refuse(call, RULE_ATTACH_INTERRUPTS, VS("iommu", group->iommu->name),
			      V("group", group->number));
	return iommu_group_check_claim(call, group, &iommufd->dma_owner);
}

static void put_group(struct iommufd_group *igroup)
{
	if (!igroup || !TAILQ_EMPTY(&igroup->devices))
		return;
	TAILQ_REMOVE(&igroup->iommufd->groups, igroup, in_iommufd);
	free(igroup);
}

/* The one of @group in @iommufd, made if there was none. NULL: no memory. Mirrors iommufd_get_group. */
static struct iommufd_group *get_group(struct call *call, struct iommufd *iommufd,
				       struct iommu_group *group)
{
	struct iommufd_group *igroup;

	TAILQ_FOREACH(igroup, &iommufd->groups, in_iommufd)
		if (igroup->group == group)
			return igroup;
	igroup = fault_zalloc(call, sizeof(*igroup));
	if (!igroup)
		return NULL;
	igroup->iommufd = iommufd;
	igroup->group = group;
	TAILQ_INIT(&igroup->devices);
	TAILQ_INSERT_TAIL(&iommufd->groups, igroup, in_iommufd);
	return igroup;
}

/* An idev ends with its descriptor, see iommufd_device_unbind(). */
static void destroy(struct call *call, struct object *object)
{
	free(object);
}

static void show(struct state *state, const struct object *object)
{
	const struct iommufd_device *idev = (const struct iommufd_device *)object;
	struct json *json = &state->json;

	json_put_string(json, "device", idev->dev->topo->address);
	json_put_bool(json, "attached", idev->attached);
	if (idev->attached)
		json_put_unsigned(json, "hwpt", idev->igroup->hwpt->object.id);
}

static const struct object_ops device_ops = {
	.type = OBJECT_DEVICE,
	.name = "device",
	.show = show,
	.destroy = destroy,
};

int iommufd_device_bind(struct call *call, struct iommufd *iommufd, struct device *dev,
			struct iommufd_device **ret_idev)
{
	struct iommufd_device *idev;
	struct iommufd_group *igroup;
	int ret = check_bind(call, dev->group, iommufd);

	if (ret)
		return ret;
	igroup = get_group(call, iommufd, dev->group);
	idev = fault_zalloc(call, sizeof(*idev));
	if (!igroup || !idev || object_reserve(iommufd, &idev->object, &device_ops)) {
		free(idev);
		put_group(igroup);
		return refuse(call, RULE_NO_MEMORY);
	}
	idev->object.users = 1;		/* its descriptor */
	idev->dev = dev;
	idev->igroup = igroup;
	TAILQ_INSERT_TAIL(&igroup->devices, idev, in_igroup);
	iommufd_get(iommufd);
	iommu_group_claim(dev->group, &iommufd->dma_owner);
	object_publish(&idev->object);
	changed(call, "{device} bound to iommufd {n:d} as device {id:d}",
		VS("device", dev->topo->address), V("n", iommufd->number),
		V("id", idev->object.id));
	*ret_idev = idev;
	return 0;
}

void iommufd_device_unbind(struct call *call, struct iommufd_device *idev)
{
	struct iommufd *iommufd = idev->object.iommufd;

	iommufd_device_detach(call, idev);
	TAILQ_REMOVE(&idev->igroup->devices, idev, in_igroup);
	put_group(idev->igroup);
	iommu_group_release(idev->dev->group);
	changed(call, "{device} unbound from iommufd {n:d}", VS("device", idev->dev->topo->address),
		V("n", iommufd->number));
	object_destroy(call, &idev->object);
	iommufd_put(call, iommufd);
}

/* ---- What a device reserves ---- */

static int reserve_regions(struct call *call, const struct iommufd_device *idev, struct ioas *ioas)
{
	const struct iommu_group *group = idev->dev->group;
	const struct vfiosim_resv *resv;
	int ret = 0;

	for (size_t i = 0; !ret && (resv = device_resv(idev->dev, i)); i++) {
		if (resv_enforced(resv))
			ret = ioas_reserve(call, ioas, resv_span(resv), idev,
					   resv_type_name(resv->type), group->number);
	}
	if (ret)
		ioas_unreserve(ioas, idev);
	return ret;
}

/* ---- Attach ---- */

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

static int find_target(struct call *call, const struct iommufd_device *idev, uint32_t pt_id,
		       struct target *ret_target)
{
	struct object *object = object_find(idev->object.iommufd, pt_id, OBJECT_ANY);
	const struct iommu *iommu = idev->dev->group->iommu;

	if (!object)
		return refuse(call, RULE_NO_OBJECT, VS("what", "ioas or hwpt"), V("id", pt_id));
	if (object->ops->type == OBJECT_IOAS) {
		ret_target->ioas = (struct ioas *)object;
		ret_target->hwpt = automatic_hwpt(ret_target->ioas, iommu);
		return 0;
	}
	if (object->ops->type != OBJECT_HWPT)
		return refuse(call, RULE_NOT_ATTACHABLE, V("id", pt_id));
	ret_target->hwpt = (struct hwpt *)object;
	ret_target->ioas = ret_target->hwpt->ioas;
	if (!domain_fits(ret_target->hwpt->domain, iommu))
		return refuse(call, RULE_HWPT_MISFIT, V("hwpt", pt_id),
			      VS("mine", ret_target->hwpt->domain->iommu->name),
			      VS("iommu", iommu->name));
	return 0;
}

/* The attached devices of the group: those a replace moves. */
#define for_each_attached(igroup_, idev_)                                                          \
	TAILQ_FOREACH((idev_), &(igroup_)->devices, in_igroup)                                     \
		if ((idev_)->attached)

/* The group, attached to @hwpt instead of what it was attached to. */
static int set_hwpt(struct call *call, struct iommufd_group *igroup, struct hwpt *hwpt)
{
	struct hwpt *old = igroup->hwpt;
	int ret = old ? domain_replace(call, hwpt->domain, &igroup->attachment) :
			domain_attach(call, hwpt->domain, &igroup->attachment, igroup->group,
				      ATTACH_RID);

	if (ret)
		return ret;
	igroup->hwpt = hwpt;
	hwpt_use(hwpt);
	igroup->attachment.fault = hwpt->fault;
	changed(call, "group {group:d} uses hwpt {hwpt:d} of ioas {ioas:d}",
		V("group", igroup->group->number), V("hwpt", hwpt->object.id),
		V("ioas", hwpt->ioas->object.id));
	if (old)
		hwpt_unuse(call, old);
	return 0;
}

/* A hwpt for @idev in the target's ioas, holding what is mapped there, where none fits. */
static int make_hwpt(struct call *call, const struct iommufd_device *idev, struct target *target)
{
	if (target->hwpt)
		return 0;
	return hwpt_create(call, target->ioas, idev->dev->group->iommu, &domain_request_paging,
			   true, &target->hwpt);
}

/* Nothing came of it. @made: by make_hwpt(). */
static void drop_hwpt(struct call *call, struct target *target, bool made)
{
	if (made && target->hwpt)
		object_destroy(call, &target->hwpt->object);
}

/* The first of a group, or one more where the others are. */
static int attach_first(struct call *call, struct iommufd_device *idev, struct target *target)
{
	struct iommufd_group *igroup = idev->igroup;
	bool made = !target->hwpt;
	int ret;

	if (igroup->hwpt && igroup->hwpt != target->hwpt)
		return refuse(call, RULE_OTHER_HWPT, V("group", igroup->group->number),
			      V("hwpt", igroup->hwpt->object.id));
	ret = reserve_regions(call, idev, target->ioas);
	if (ret)
		return ret;
	ret = iommu_group_check_attach(call, igroup->group);
	if (!ret)
		ret = make_hwpt(call, idev, target);
	if (!ret && !igroup->hwpt)
		ret = set_hwpt(call, igroup, target->hwpt);
	if (ret) {
		drop_hwpt(call, target, made);
		ioas_unreserve(target->ioas, idev);
		return ret;
	}
	igroup->n_attached++;
	idev->attached = true;
	return 0;
}

static void unreserve_group(struct iommufd_group *igroup, struct ioas *ioas)
{
	struct iommufd_device *idev;

	for_each_attached(igroup, idev)
		ioas_unreserve(ioas, idev);
}

/* What the attached devices of @igroup reserve, in @ioas besides where they are: all, or none. */
static int reserve_group(struct call *call, struct iommufd_group *igroup, struct ioas *ioas)
{
	struct iommufd_device *idev;
	int ret = 0;

	for_each_attached(igroup, idev)
		if (!ret)
			ret = reserve_regions(call, idev, ioas);
	if (ret)
		unreserve_group(igroup, ioas);
	return ret;
}

/*
 * The whole group moves, or nothing happens. Mirrors iommufd_device_do_replace, and
 * iommufd_device_auto_get_domain: a new page table is filled before regions are reserved,
 * while the first attach of a group reserves before (immediate_attach).
 */
static int replace(struct call *call, struct iommufd_device *idev, struct target *target)
{
	struct iommufd_group *igroup = idev->igroup;
	struct ioas *old = igroup->hwpt->ioas;
	bool moves = old != target->ioas, made = !target->hwpt;
	int ret = 0;

	if (igroup->hwpt == target->hwpt)
		return 0;
	ret = make_hwpt(call, idev, target);
	if (!ret && moves)
		ret = reserve_group(call, igroup, target->ioas);
	if (ret) {
		drop_hwpt(call, target, made);
		return ret;
	}
	ret = set_hwpt(call, igroup, target->hwpt);
	if (moves)
		unreserve_group(igroup, ret ? target->ioas : old);
	if (ret)
		drop_hwpt(call, target, made);
	return ret;
}

int iommufd_device_attach(struct call *call, struct iommufd_device *idev, uint32_t pt_id,
			  uint32_t *ret_pt_id)
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

void iommufd_device_detach(struct call *call, struct iommufd_device *idev)
{
	struct iommufd_group *igroup = idev->igroup;
	struct hwpt *hwpt = igroup->hwpt;

	if (!idev->attached)
		return;
	idev->attached = false;
	ioas_unreserve(hwpt->ioas, idev);
	if (--igroup->n_attached)
		return;
	domain_detach(&igroup->attachment);
	igroup->hwpt = NULL;
	changed(call, "group {group:d} no longer uses hwpt {hwpt:d}",
		V("group", igroup->group->number), V("hwpt", hwpt->object.id));
	hwpt_unuse(call, hwpt);
}

struct ioas *iommufd_device_ioas(const struct iommufd_device *idev)
{
	return idev->attached ? idev->igroup->hwpt->ioas : NULL;
}
