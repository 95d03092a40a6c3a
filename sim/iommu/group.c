/* SPDX-License-Identifier: MIT */
/* IOMMU groups and who owns their DMA; see group.h. */
#include "iommu/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "iommu/resv.h"
#include "machine/device.h"
#include "machine/fault.h"
#include "machine/kernel.h"
#include "machine/subsystem.h"

#define DEFAULT_DOMAIN "DMA"

/* ---- Life ---- */

/* The lowest number no group has. Mirrors the ida of iommu_group_alloc (7.2). */
static uint32_t free_number(const struct vfiosim *sim)
{
	for (uint32_t number = 0;; number++) {
		uint32_t i = 0;

		while (i < sim->n_groups && (sim->groups[i]->gone || sim->groups[i]->number != number))
			i++;
		if (i == sim->n_groups)
			return number;
	}
}

struct iommu_group *iommu_group_create(struct vfiosim *sim, const struct vfiosim_topo_group *topo)
{
	struct iommu_group *group;

	if (!list_room(&sim->groups, sim->n_groups, sizeof(*sim->groups), NULL))
		return NULL;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->sim = sim;
	group->index = sim->n_groups;
	group->topo = topo;
	group->number = topo ? topo->number : free_number(sim);
	group->noiommu = topo && topo->noiommu;
	if (topo && topo->iommu >= 0)
		group->iommu = &sim->iommus[topo->iommu];
	group->default_domain = DEFAULT_DOMAIN;
	TAILQ_INIT(&group->devices);
	sim->groups[sim->n_groups++] = group;
	return group;
}

void iommu_group_revive(struct iommu_group *group)
{
	const struct vfiosim *sim = group->sim;
	bool taken = false;

	if (!group->gone)
		return;
	for (uint32_t i = 0; i < sim->n_groups; i++)
		taken |= !sim->groups[i]->gone && sim->groups[i]->number == group->number;
	if (taken)
		group->number = free_number(sim);
	group->default_domain = DEFAULT_DOMAIN;
	group->gone = false;
}

void iommu_group_abort(struct iommu_group *group)
{
	if (!group)
		return;
	group->sim->n_groups--;
	free(group);
}

static int init(struct vfiosim *sim)
{
	const struct vfiosim_topology *topology = sim->topology;

	for (size_t i = 0; i < topology->n_groups; i++)
		if (!iommu_group_create(sim, &topology->groups[i]))
			return -ENOMEM;
	return 0;
}

static void done(struct vfiosim *sim)
{
	for (uint32_t i = 0; i < sim->n_groups; i++)
		free(sim->groups[i]);
	free(sim->groups);
	sim->groups = NULL;
	sim->n_groups = 0;
}

const struct subsystem iommu_group_subsystem = { .init = init, .done = done };

/* ---- Faults ---- */

static bool has_device(const void *object, const char *address)
{
	const struct iommu_group *group = object;
	const struct device *dev;

	TAILQ_FOREACH(dev, &group->devices, in_group)
		if (!strcmp(dev->topo->address, address))
			return true;
	return false;
}

void iommu_group_where(const struct iommu_group *group, struct fault_where *where)
{
	where->known |= VFIOSIM_FAULT_OF_GROUP;
	where->group = group->number;
	where->has_device = has_device;
	where->group_object = group;
}

/* ---- DMA ownership ---- */

const struct device *iommu_group_host_device(const struct iommu_group *group)
{
	const struct device *dev;

	TAILQ_FOREACH(dev, &group->devices, in_group)
		if (dev->uses_default_domain)
			return dev;
	return NULL;
}

/* A claimed group is attached to a blocking domain first. Mirrors __iommu_device_set_domain. */
static int check_direct(struct call *call, const struct iommu_group *group)
{
	const struct vfiosim_resv *resv;
	const struct device *dev;

	if (!kernel_has(call->sim, KERNEL_REQUIRE_DIRECT))
		return 0;
	resv = iommu_group_direct(group, &dev);
	if (!resv)
		return 0;
	return refuse(call, RULE_REQUIRE_DIRECT, V("group", group->number),
		      VS("device", dev->topo->address), V("first", resv->range.first),
		      V("last", resv->range.last));
}

int iommu_group_check_claim(struct call *call, const struct iommu_group *group,
			    const struct dma_owner *owner)
{
	const struct device *host = iommu_group_host_device(group);
	char text[32];

	if (!group->owner_cnt)
		return check_direct(call, group);
	if (group->owner == owner)
		return 0;
	if (!group->owner)
		return refuse(call, RULE_NOT_VIABLE, V("group", group->number),
			      VS("device", host->topo->address), VS("driver", host->driver->name));
	group->owner->describe(group->owner, text, sizeof(text));
	return refuse(call, RULE_OTHER_OWNER, V("group", group->number), VS("owner", text));
}

int iommu_group_check_attach(struct call *call, const struct iommu_group *group)
{
	const struct iommu_ops *ops = group->iommu->ops;

	return ops->check_attach ? ops->check_attach(call, group->iommu, group) : 0;
}

void iommu_group_claim(struct iommu_group *group, const struct dma_owner *owner)
{
	group->owner = owner;
	group->owner_cnt++;
}

void iommu_group_release(struct iommu_group *group)
{
	if (!--group->owner_cnt)
		group->owner = NULL;
}

bool iommu_device_use_default_domain(struct device *dev)
{
	struct iommu_group *group = dev->group;

	if (!group || !group->iommu)
		return true;
	if (group->owner)
		return false;
	group->owner_cnt++;
	dev->uses_default_domain = true;
	return true;
}

void iommu_device_unuse_default_domain(struct device *dev)
{
	if (!dev->uses_default_domain)
		return;
	dev->uses_default_domain = false;
	dev->group->owner_cnt--;
}

/* ---- What its devices have in common ---- */

const char *resv_type_name(enum vfiosim_resv_type type)
{
	static const char *const names[] = { "direct", "direct-relaxable", "reserved", "msi", "msi" };

	return names[type];
}

/* The IOMMU's and the group's: what every device of it has. */
static const struct vfiosim_resv *shared_resv(const struct iommu_group *group, size_t index)
{
	size_t n = group->iommu ? group->iommu->topo->n_resv : 0;

	if (index < n)
		return &group->iommu->topo->resv[index];
	index -= n;
	return group->topo && index < group->topo->n_resv ? &group->topo->resv[index] : NULL;
}

static size_t shared_resv_count(const struct iommu_group *group)
{
	return (group->iommu ? group->iommu->topo->n_resv : 0) +
	       (group->topo ? group->topo->n_resv : 0);
}

const struct vfiosim_resv *device_resv(const struct device *dev, size_t index)
{
	size_t shared = dev->group ? shared_resv_count(dev->group) : 0;

	if (index < shared)
		return shared_resv(dev->group, index);
	index -= shared;
	return index < dev->topo->n_resv ? &dev->topo->resv[index] : NULL;
}

const struct vfiosim_resv *iommu_group_resv(const struct iommu_group *group, size_t index)
{
	size_t shared = shared_resv_count(group);
	const struct device *dev;

	if (index < shared)
		return shared_resv(group, index);
	index -= shared;
	TAILQ_FOREACH(dev, &group->devices, in_group) {
		if (index < dev->topo->n_resv)
			return &dev->topo->resv[index];
		index -= dev->topo->n_resv;
	}
	return NULL;
}

const struct vfiosim_resv *iommu_group_direct(const struct iommu_group *group,
					      const struct device **ret_dev)
{
	const struct vfiosim_resv *resv;
	const struct device *dev;

	TAILQ_FOREACH(dev, &group->devices, in_group)
		for (size_t i = 0; (resv = device_resv(dev, i)); i++)
			if (resv->type == VFIOSIM_RESV_DIRECT) {
				*ret_dev = dev;
				return resv;
			}
	return NULL;
}

bool iommu_group_isolated_msi(const struct iommu_group *group)
{
	return group->iommu->topo->interrupt_remapping;
}
