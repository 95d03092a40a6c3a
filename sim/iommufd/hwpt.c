/* SPDX-License-Identifier: MIT */
/* Hardware page tables; see hwpt.h. */
#include "iommufd/hwpt.h"

#include <stdlib.h>

#include <vfiosim/topology.h>

#include "iommu/domain.h"
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
	free(hwpt);
}

/* What lies outside the aperture: at most one span on each side. */
static unsigned outside(const struct vfiosim_topo_iommu *iommu, struct span spans[2])
{
	unsigned n = 0;

	if (iommu->aperture.first)
		spans[n++] = (struct span){ 0, iommu->aperture.first - 1 };
	if (iommu->aperture.last != UINT64_MAX)
		spans[n++] = (struct span){ iommu->aperture.last + 1, UINT64_MAX };
	return n;
}

int hwpt_check(struct call *call, struct ioas *ioas, const struct vfiosim_topo_iommu *iommu)
{
	struct span spans[2];
	unsigned n = outside(iommu, spans);
	int ret = ioas_check_alignment(call, ioas, ioas_alignment_with(ioas, iommu));

	for (unsigned i = 0; !ret && i < n; i++)
		ret = ioas_check_reserve(call, ioas, spans[i], "aperture");
	return ret ? ret : ioas_check_fill(call, ioas, iommu);
}

struct hwpt *hwpt_create(struct call *call, struct ioas *ioas,
			 const struct vfiosim_topo_iommu *iommu, bool automatic)
{
	struct hwpt *hwpt = calloc(1, sizeof(*hwpt));
	struct span spans[2];
	unsigned n = outside(iommu, spans);

	if (!hwpt || object_reserve(ioas->object.iommufd, &hwpt->object, OBJECT_HWPT, destroy)) {
		free(hwpt);
		refuse(call, RULE_NO_MEMORY);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++)
		if (ioas_reserve(call, ioas, spans[i], hwpt, "aperture", 0)) {
			ioas_unreserve(ioas, hwpt);
			object_abort(&hwpt->object);
			free(hwpt);
			return NULL;
		}
	hwpt->ioas = ioas;
	hwpt->iommu = iommu;
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

bool hwpt_fits(const struct hwpt *hwpt, const struct vfiosim_topo_iommu *iommu)
{
	return iommus_compatible(hwpt->iommu, iommu);
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
