/* SPDX-License-Identifier: MIT */
/*
 * A hardware page table: an IOAS made visible to devices behind one kind of IOMMU.
 * Mirrors drivers/iommu/iommufd/hw_pagetable.c (7.2).
 *
 * Life: made by IOMMU_HWPT_ALLOC, or automatically when a device attaches to an
 * IOAS and no automatic one fits; an automatic one goes with its last device.
 * object.users counts the attached groups; the hwpt itself is a user of its ioas.
 * Guarded by the machine's lock.
 */
#ifndef SIM_IOMMUFD_HWPT_H
#define SIM_IOMMUFD_HWPT_H

#include "iommu/domain.h"
#include "iommufd/ioas.h"

struct hwpt {
	struct object object;
	struct ioas *ioas;
	struct domain *domain;
	bool automatic;
	struct object *fault;		/* the queue its faults go to, NULL: none */
	TAILQ_ENTRY(hwpt) in_ioas;
};

/*
 * Makes a hwpt of @ioas with a domain as @request says of @iommu, published and filled.
 * EOPNOTSUPP: the unit cannot; what lies beyond its aperture must be free of mappings
 * and allowed ranges (EADDRINUSE), every mapping must be pinnable (EFAULT, ENOMEM).
 * CALL_AGAIN. All or nothing.
 */
int hwpt_create(struct call *call, struct ioas *ioas, const struct iommu *iommu,
		const struct domain_request *request, bool automatic, struct hwpt **ret_hwpt);

/* One more, one less attached group; the last one takes an automatic hwpt along. */
void hwpt_use(struct hwpt *hwpt);
void hwpt_unuse(struct call *call, struct hwpt *hwpt);

#endif
