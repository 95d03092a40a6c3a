/* SPDX-License-Identifier: MIT */
/*
 * A domain: one translation that groups of devices are attached to. Mirrors
 * struct iommu_domain (include/linux/iommu.h, 7.2). Both back ends stand on it:
 * type1 makes domains for its container, a hwpt of iommufd holds one.
 *
 * A paging domain keeps no copy of the mappings: every domain of a container or of
 * an ioas holds exactly the mappings of that space (replay ensures it), so
 * translating goes through the space. What the domain adds is what its IOMMU
 * cannot do: its geometry.
 *
 * Life: domain_init() describes one, to ask what it could hold; domain_create()
 * makes one; domain_attach() and domain_detach() as groups come and go; destroyed
 * by its owner when nothing is attached and no nested domain stands on it. Guarded
 * by the machine's lock.
 */
#ifndef SIM_IOMMU_DOMAIN_H
#define SIM_IOMMU_DOMAIN_H

#include <sys/queue.h>

#include "iommu/iommu.h"

struct iommu_group;

#define ATTACH_RID UINT32_MAX	/* no PASID: what a device does under its own requester id */

/*
 * One attachment: whose DMA goes through the domain. In its owner's memory (a type1
 * group, an iommufd group, a PASID of a device), so that neither attaching nor
 * detaching can lack memory. Mirrors struct iommu_attach_handle.
 */
struct attachment {
	struct domain *domain;		/* NULL: not attached */
	struct iommu_group *group;
	uint32_t pasid;			/* or ATTACH_RID */
	void *fault;			/* the queue that its faults go to; NULL: none */
	TAILQ_ENTRY(attachment) in_domain;
};

struct domain {
	struct vfiosim *sim;		/* that counts it; NULL: only described */
	uint32_t number;		/* 1, 2, ... */
	enum domain_type type;
	const struct iommu *iommu;	/* whose page table format it has */
	struct domain_geometry geometry;	/* DOMAIN_PAGING */
	bool nest_parent, dirty_tracking, pasid;	/* as requested */
	struct domain *parent;		/* DOMAIN_NESTED, else NULL */
	unsigned n_nested;		/* nested domains that stand on it */
	TAILQ_HEAD(, attachment) attachments;	/* oldest first */
	TAILQ_ENTRY(domain) in_owner;	/* the container's list; unused by hwpts */
};

/* What asks for nothing special. */
extern const struct domain_request domain_request_paging;

/*
 * Describes the domain that @request would get of @iommu, in the caller's memory: to
 * ask it what it can hold. It cannot be attached to.
 */
void domain_init(struct domain *domain, const struct iommu *iommu,
		 const struct domain_request *request);
/* ENOMEM. iommu->ops->check_domain() has been asked. */
int domain_create(struct call *call, const struct iommu *iommu,
		  const struct domain_request *request, struct domain **ret_domain);
/* Nothing is attached to it. NULL is allowed. */
void domain_destroy(struct domain *domain);

/*
 * @attachment is not attached so far. An IOMMU's driver can refuse; none here does but
 * by an injected fault: then nothing changed.
 */
int domain_attach(struct call *call, struct domain *domain, struct attachment *attachment,
		  struct iommu_group *group, uint32_t pasid);
/* From the domain it is attached to, or it stays there. Mirrors iommu_replace_group_handle. */
int domain_replace(struct call *call, struct domain *domain, struct attachment *attachment);
void domain_detach(struct attachment *attachment);

/* Can groups behind @iommu be attached to @domain? */
bool domain_fits(const struct domain *domain, const struct iommu *iommu);
/* Could it hold @iova? 0 or refused: ERANGE, EINVAL. Mirrors iommu_map (7.2). */
int domain_check_map(struct call *call, const struct domain *domain, struct span iova);

/* Smallest page it can map, bytes. */
static inline uint64_t domain_page(const struct domain *domain)
{
	return domain->geometry.page_sizes & -domain->geometry.page_sizes;
}

/* ---- For iommu_ops: what most kinds of unit do ---- */

/* fits: tables of the same format serve both: aperture, page sizes, coherency. */
bool domain_same_geometry(const struct iommu *iommu, const struct domain *domain);
/* check_map: whole pages within the aperture. */
int domain_check_pages(struct call *call, const struct domain *domain, struct span iova);

#endif
