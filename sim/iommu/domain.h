/* SPDX-License-Identifier: MIT */
/*
 * A domain: one simulated I/O page table, shared by the groups attached to it.
 *
 * It keeps no copy of the mappings: all domains of a container hold exactly the
 * container's mappings (that is what replay ensures), so translating goes through
 * its iopt. What a domain adds is what its IOMMU cannot do.
 *
 * Life: made for the first group that fits no other, destroyed when its last group
 * leaves. Guarded by the machine's lock.
 */
#ifndef SIM_IOMMU_DOMAIN_H
#define SIM_IOMMU_DOMAIN_H

#include <sys/queue.h>

#include "machine/call.h"

struct group;
struct vfiosim_topo_iommu;

struct domain {
	uint32_t number;		/* 1, 2, ... */
	const struct vfiosim_topo_iommu *iommu;
	TAILQ_HEAD(, group) groups;
	TAILQ_ENTRY(domain) in_type1;
};

/* NULL: no memory. */
struct domain *domain_create(struct vfiosim *sim, const struct vfiosim_topo_iommu *iommu);
/* Without groups. NULL is allowed. */
void domain_destroy(struct domain *domain);

void domain_attach(struct domain *domain, struct group *group);
void domain_detach(struct group *group);

/*
 * Can groups behind @iommu share this domain? The same page table format (here:
 * aperture and page sizes) and the same cache coherency, as
 * vfio_iommu_type1_attach_group (7.2) requires.
 */
bool domain_compatible(const struct domain *domain, const struct vfiosim_topo_iommu *iommu);

/* The same asked of two IOMMUs: would one page table serve devices behind both? */
bool iommus_compatible(const struct vfiosim_topo_iommu *a, const struct vfiosim_topo_iommu *b);

/* Could a domain of @iommu map @iova? 0 or refused: ERANGE, EINVAL. Mirrors iommu_map (7.2). */
int domain_can_map(struct call *call, const struct vfiosim_topo_iommu *iommu, struct span iova);

#endif
