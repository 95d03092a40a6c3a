/* SPDX-License-Identifier: MIT */
/* Domains; see domain.h. */
#include "iommu/domain.h"

#include <stdlib.h>

#include <vfiosim/topology.h>

#include "vfio/group.h"
#include "machine/sim.h"

struct domain *domain_create(struct vfiosim *sim, const struct vfiosim_topo_iommu *iommu)
{
	struct domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		return NULL;
	domain->number = ++sim->next_domain;
	domain->iommu = iommu;
	TAILQ_INIT(&domain->groups);
	return domain;
}

void domain_destroy(struct domain *domain)
{
	free(domain);
}

void domain_attach(struct domain *domain, struct group *group)
{
	TAILQ_INSERT_TAIL(&domain->groups, group, in_domain);
	group->domain = domain;
}

void domain_detach(struct group *group)
{
	TAILQ_REMOVE(&group->domain->groups, group, in_domain);
	group->domain = NULL;
}

bool iommus_compatible(const struct vfiosim_topo_iommu *a, const struct vfiosim_topo_iommu *b)
{
	return a == b || (a->aperture.first == b->aperture.first &&
			  a->aperture.last == b->aperture.last && a->page_sizes == b->page_sizes &&
			  a->snoop_control == b->snoop_control);
}

bool domain_compatible(const struct domain *domain, const struct vfiosim_topo_iommu *iommu)
{
	return iommus_compatible(domain->iommu, iommu);
}

int domain_can_map(struct call *call, const struct vfiosim_topo_iommu *iommu, struct span iova)
{
	uint64_t page = iommu->page_sizes & -iommu->page_sizes;

	if ((iova.first | (iova.last + 1)) & (page - 1))
		return refuse(call, RULE_DOMAIN_PAGE, V("first", iova.first), V("last", iova.last),
			      VS("iommu", iommu->name), V("page", page));
	if (iova.first < iommu->aperture.first || iova.last > iommu->aperture.last)
		return refuse(call, RULE_DOMAIN_RANGE, V("first", iova.first), V("last", iova.last),
			      VS("iommu", iommu->name), V("aperture.first", iommu->aperture.first),
			      V("aperture.last", iommu->aperture.last));
	return 0;
}
