/* SPDX-License-Identifier: MIT */
/* An iommufd in a container's place; see vfio_compat.h. */
#include "iommufd/vfio_compat.h"

#include <vfiosim/topology.h>

#include "iommufd/hwpt.h"
#include "iommufd/iommufd.h"
#include "machine/extension.h"
#include "machine/fault.h"

/* ---- Groups ---- */

static int refuse_mixed(struct call *call, const struct iommufd *iommufd, const char *kind)
{
	return refuse(call, RULE_COMPAT_MIXED, V("iommufd", iommufd->number), VS("kind", kind));
}

int compat_join(struct call *call, struct iommufd *iommufd, bool noiommu)
{
	if (noiommu && iommufd->vfio_ioas)
		return refuse_mixed(call, iommufd, "with");
	if (!noiommu && iommufd->noiommu)
		return refuse_mixed(call, iommufd, "without");
	if (noiommu)
		iommufd->noiommu = true;
	else if (!iommufd->vfio_ioas)
		iommufd->vfio_ioas = ioas_create(call, iommufd);
	return noiommu || iommufd->vfio_ioas ? 0 : refuse(call, RULE_NO_MEMORY);
}

/* ---- Commands ---- */

int compat_ioas(struct call *call, const struct iommufd *iommufd, struct ioas **ret_ioas)
{
	if (!iommufd->vfio_ioas)
		return refuse(call, RULE_NO_VFIO_IOAS);
	*ret_ioas = iommufd->vfio_ioas;
	return 0;
}

/* Every domain, and there is nothing to keep coherent without one. */
static int is_coherent(const struct ioas *ioas)
{
	const struct hwpt *hwpt;

	TAILQ_FOREACH(hwpt, &ioas->hwpts, in_ioas)
		if (!hwpt->domain->geometry.enforces_coherency)
			return 0;
	return 1;
}

int compat_check_extension(struct call *call, const struct iommufd *iommufd, uint64_t extension)
{
	struct ioas *ioas = NULL;
	int ret;

	switch (extension) {
	case EXT_TYPE1:
	case EXT_TYPE1V2:
	case EXT_UNMAP_ALL:
	case EXT_NOIOMMU:	/* whatever the module parameter says */
		return 1;
	case EXT_CACHE_COHERENCY:
		ret = compat_ioas(call, iommufd, &ioas);
		return ret ? ret : is_coherent(ioas);
	default:
		return 0;
	}
}

static int set_noiommu(struct call *call, const struct iommufd *iommufd)
{
	struct vfiosim_limits limits;
	int ret = call_limits(call, &limits);

	if (!ret && !limits.sys_rawio)
		ret = refuse(call, RULE_COMPAT_NO_RAWIO, V("iommufd", iommufd->number));
	return ret;
}

int compat_set_iommu(struct call *call, struct iommufd *iommufd, uint64_t type)
{
	struct ioas *ioas = NULL;
	int ret;

	if (type == EXT_NOIOMMU && iommufd->noiommu)
		return set_noiommu(call, iommufd);
	if (type != EXT_TYPE1 && type != EXT_TYPE1V2)
		return refuse(call, RULE_COMPAT_TYPE, V("type", type));
	ret = compat_ioas(call, iommufd, &ioas);
	if (ret || type == EXT_TYPE1V2)
		return ret;
	return ioas_refuse_huge_pages(call, ioas);
}

/* Mirrors iommufd_get_pagesizes. */
uint64_t compat_page_sizes(const struct ioas *ioas)
{
	const uint64_t below_page = VFIOSIM_PAGE_SIZE - 1;
	uint64_t sizes = UINT64_MAX;
	const struct hwpt *hwpt;

	TAILQ_FOREACH(hwpt, &ioas->hwpts, in_ioas)
		sizes &= hwpt->domain->geometry.page_sizes;
	if (sizes & below_page)
		sizes = (sizes & ~below_page) | VFIOSIM_PAGE_SIZE;
	return sizes > ioas->alignment ? sizes : ioas->alignment;
}

static bool is_inside(const struct ioas *ioas, uint64_t iova)
{
	const struct area *area = iopt_at(&ioas->iopt, iova);

	return area && area->iova.first != iova;
}

/* Either end may have wrapped around to 0, where nothing can be cut. */
int compat_cut(struct call *call, struct ioas *ioas, uint64_t iova, uint64_t size)
{
	int ret;

	if (ioas->huge_pages)
		return 0;
	/* Memory is short at the first cut: one that is made stays, as in iopt_cut_iova. */
	if ((is_inside(ioas, iova + size) || is_inside(ioas, iova)) && fault_alloc(call))
		return refuse(call, RULE_NO_MEMORY);
	ret = ioas_cut(call, ioas, iova + size);
	return ret ? ret : ioas_cut(call, ioas, iova);
}

int compat_unmap(struct call *call, struct ioas *ioas, uint64_t iova, uint64_t size,
		 uint64_t *ret_size)
{
	struct span span;

	*ret_size = 0;
	if (!size)
		return refuse(call, RULE_LENGTH_ZERO);
	if (!span_make(iova, size, &span))
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "iova"), V("start", iova),
			      V("length", size));
	return iopt_find(&ioas->iopt, span) ? ioas_unmap(call, ioas, span, ret_size) : 0;
}
