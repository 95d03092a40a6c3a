/* SPDX-License-Identifier: MIT */
/* Domains; see domain.h. */
#include "iommu/domain.h"

#include <stdlib.h>

#include "iommu/group.h"
#include "machine/fault.h"

const struct domain_request domain_request_paging = { .type = DOMAIN_PAGING };

void domain_init(struct domain *domain, const struct iommu *iommu,
		 const struct domain_request *request)
{
	*domain = (struct domain){
		.type = request->type,
		.iommu = iommu,
		.nest_parent = request->nest_parent,
		.dirty_tracking = request->dirty_tracking,
		.pasid = request->pasid,
	};
	TAILQ_INIT(&domain->attachments);
	if (request->type == DOMAIN_PAGING)
		iommu->ops->geometry(iommu, &domain->geometry);
}

int domain_create(struct call *call, const struct iommu *iommu,
		  const struct domain_request *request, struct domain **ret_domain)
{
	int ret = fault_point(call, VFIOSIM_FAULT_DOMAIN_ALLOC, NULL);
	struct domain *domain;

	if (ret)
		return ret;
	domain = malloc(sizeof(*domain));
	if (!domain)
		return refuse(call, RULE_NO_MEMORY);
	domain_init(domain, iommu, request);
	domain->sim = call->sim;
	domain->number = ++call->sim->next_domain;
	call->sim->counters.domains++;
	*ret_domain = domain;
	return 0;
}

void domain_destroy(struct domain *domain)
{
	if (!domain)
		return;
	domain->sim->counters.domains--;
	free(domain);
}

static int meet_attach_fault(struct call *call, const struct iommu_group *group)
{
	struct fault_where where = { 0 };

	iommu_group_where(group, &where);
	return fault_point(call, VFIOSIM_FAULT_DOMAIN_ATTACH, &where);
}

/* Nothing fails here. */
static void attach(struct domain *domain, struct attachment *attachment, struct iommu_group *group,
		   uint32_t pasid)
{
	*attachment = (struct attachment){ .domain = domain, .group = group, .pasid = pasid };
	TAILQ_INSERT_TAIL(&domain->attachments, attachment, in_domain);
}

int domain_attach(struct call *call, struct domain *domain, struct attachment *attachment,
		  struct iommu_group *group, uint32_t pasid)
{
	int ret = meet_attach_fault(call, group);

	if (!ret)
		attach(domain, attachment, group, pasid);
	return ret;
}

int domain_replace(struct call *call, struct domain *domain, struct attachment *attachment)
{
	struct iommu_group *group = attachment->group;
	uint32_t pasid = attachment->pasid;
	int ret = meet_attach_fault(call, group);

	if (ret)
		return ret;
	domain_detach(attachment);
	attach(domain, attachment, group, pasid);
	return 0;
}

void domain_detach(struct attachment *attachment)
{
	TAILQ_REMOVE(&attachment->domain->attachments, attachment, in_domain);
	attachment->domain = NULL;
}

bool domain_fits(const struct domain *domain, const struct iommu *iommu)
{
	return domain->iommu == iommu ||
	       (domain->iommu->ops == iommu->ops && iommu->ops->fits(iommu, domain));
}

static int meet_map_fault(struct call *call, struct span iova)
{
	const struct fault_where where = { .known = VFIOSIM_FAULT_OF_IOVA, .iova = iova };

	return fault_point(call, VFIOSIM_FAULT_DOMAIN_MAP, &where);
}

int domain_check_map(struct call *call, const struct domain *domain, struct span iova)
{
	int ret = fault_armed(call->sim) ? meet_map_fault(call, iova) : 0;

	return ret ? ret : domain->iommu->ops->check_map(call, domain, iova);
}

/* ---- For iommu_ops ---- */

bool domain_same_geometry(const struct iommu *iommu, const struct domain *domain)
{
	const struct domain_geometry *mine = &domain->geometry;
	struct domain_geometry other;

	iommu->ops->geometry(iommu, &other);
	return mine->aperture.first == other.aperture.first &&
	       mine->aperture.last == other.aperture.last &&
	       mine->page_sizes == other.page_sizes &&
	       mine->enforces_coherency == other.enforces_coherency;
}

int domain_check_pages(struct call *call, const struct domain *domain, struct span iova)
{
	const struct domain_geometry *geometry = &domain->geometry;
	uint64_t page = domain_page(domain);

	if ((iova.first | (iova.last + 1)) & (page - 1))
		return refuse(call, RULE_DOMAIN_PAGE, V("first", iova.first), V("last", iova.last),
			      VS("iommu", domain->iommu->name), V("page", page));
	if (!span_contains(geometry->aperture, iova))
		return refuse(call, RULE_DOMAIN_RANGE, V("first", iova.first), V("last", iova.last),
			      VS("iommu", domain->iommu->name),
			      V("aperture.first", geometry->aperture.first),
			      V("aperture.last", geometry->aperture.last));
	return 0;
}
