/* SPDX-License-Identifier: MIT */
/* Hardware page tables; see hwpt.h. */
#include "iommufd/hwpt.h"

#include <stdlib.h>

#include <vfiosim/topology.h>

#include "iommufd/iommufd.h"
#include "machine/sim.h"

static void destroy(struct call *call, struct object *object)
{
	struct hwpt *hwpt = (struct hwpt *)object;
	struct ioas *ioas = hwpt->ioas;

	TAILQ_REMOVE(&ioas->hwpts, hwpt, in_ioas);
	ioas_unreserve(ioas, hwpt);
	changed(call, "hwpt {id:d} of ioas {ioas:d} destroyed", V("id", object->id),
		V("ioas", ioas->object.id));
	if (TAILQ_EMPTY(&ioas->hwpts))
		ioas_empty(call, ioas);
	ioas_update_alignment(ioas);
	ioas->object.users--;
	if (hwpt->fault)
		hwpt->fault->users--;
	domain_destroy(hwpt->domain);
	free(hwpt);
}

/* What lies outside the aperture: at most one span on each side. */
static unsigned outside(const struct domain *domain, struct span spans[2])
{
	struct span aperture = domain->geometry.aperture;
	unsigned n = 0;

	if (aperture.first)
		spans[n++] = (struct span){ 0, aperture.first - 1 };
	if (aperture.last != UINT64_MAX)
		spans[n++] = (struct span){ aperture.last + 1, UINT64_MAX };
	return n;
}

int hwpt_check(struct call *call, struct ioas *ioas, const struct iommu *iommu,
	       const struct domain_request *request)
{
	struct domain wanted;
	struct span spans[2];
	unsigned n;
	int ret = iommu->ops->check_domain(call, iommu, request);

	if (ret)
		return ret;
	domain_init(&wanted, iommu, request);
	n = outside(&wanted, spans);
	ret = ioas_check_alignment(call, ioas, ioas_alignment_with(ioas, &wanted));
	for (unsigned i = 0; !ret && i < n; i++)
		ret = ioas_check_reserve(call, ioas, spans[i], "aperture");
	return ret ? ret : ioas_check_fill(call, ioas, &wanted);
}

/* What the domain cannot hold is reserved on behalf of @hwpt: all of it, or nothing. */
static int reserve_outside(struct call *call, struct hwpt *hwpt)
{
	struct span spans[2];
	unsigned n = outside(hwpt->domain, spans);
	int ret = 0;

	for (unsigned i = 0; !ret && i < n; i++)
		ret = ioas_reserve(call, hwpt->ioas, spans[i], hwpt, "aperture", 0);
	if (ret)
		ioas_unreserve(hwpt->ioas, hwpt);
	return ret;
}

static void discard(struct hwpt *hwpt)
{
	if (!hwpt)
		return;
	domain_destroy(hwpt->domain);
	free(hwpt);
}

struct hwpt *hwpt_create(struct call *call, struct ioas *ioas, const struct iommu *iommu,
			 const struct domain_request *request, bool automatic)
{
	struct hwpt *hwpt = calloc(1, sizeof(*hwpt));

	if (hwpt)
		hwpt->domain = domain_create(call->sim, iommu, request);
	if (!hwpt || !hwpt->domain || object_reserve(ioas->object.iommufd, &hwpt->object, OBJECT_HWPT, destroy)) {
		discard(hwpt);
		refuse(call, RULE_NO_MEMORY);
		return NULL;
	}
	hwpt->ioas = ioas;
	if (reserve_outside(call, hwpt)) {
		object_abort(&hwpt->object);
		discard(hwpt);
		return NULL;
	}
	hwpt->automatic = automatic;
	TAILQ_INSERT_TAIL(&ioas->hwpts, hwpt, in_ioas);
	ioas->object.users++;
	ioas_update_alignment(ioas);
	object_publish(&hwpt->object);
	changed(call, "hwpt {id:d} of ioas {ioas:d} created for {iommu}", V("id", hwpt->object.id),
		V("ioas", ioas->object.id), VS("iommu", iommu->name));
	ioas_fill(call, ioas);
	return hwpt;
}

void hwpt_use(struct hwpt *hwpt)
{
	hwpt->object.users++;
}

void hwpt_unuse(struct call *call, struct hwpt *hwpt)
{
	if (!--hwpt->object.users && hwpt->automatic)
		object_destroy(call, &hwpt->object);
}
