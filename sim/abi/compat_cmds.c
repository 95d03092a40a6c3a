/* SPDX-License-Identifier: MIT */
/*
 * The VFIO container commands on an iommufd. Mirrors
 * drivers/iommu/iommufd/vfio_compat.c (7.2). Dirty tracking is not among them.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>

#include "abi/iommufd_cmds.h"
#include "abi/type1_caps.h"
#include "abi/type1_fields.h"
#include "iommufd/ioas.h"
#include "iommufd/iommufd.h"
#include "iommufd/vfio_compat.h"
#include "machine/kernel.h"

/* ---- VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION, VFIO_SET_IOMMU ---- */

static int get_api_version(struct call *call)
{
	return VFIO_API_VERSION;
}

static int check_extension(struct call *call)
{
	return compat_check_extension(call, iommufd_of(call), call->arg);
}

static int set_iommu(struct call *call)
{
	return compat_set_iommu(call, iommufd_of(call), call->arg);
}

/* ---- VFIO_IOMMU_GET_INFO ---- */

/* There is no limit to the mappings, but programs read the number. */
static bool add_caps(struct caps *caps, const struct ioas *ioas)
{
	struct ranges ranges;
	bool added;

	if (!caps_add_dma_avail(caps, UINT32_MAX) || ioas_ranges(ioas, &ranges))
		return false;
	added = caps_add_iova_ranges(caps, &ranges);
	ranges_done(&ranges);
	return added;
}

/* Unlike type1's, argsz always comes back as what the whole answer needs. */
static int get_info(struct call *call)
{
	struct vfio_iommu_type1_info *info = (void *)call->in.bytes;
	struct caps caps = { .packed = !kernel_has(call->sim, KERNEL_CAPS_ALIGNED) };
	struct ioas *ioas;
	uint32_t room = info->argsz;
	int ret = compat_ioas(call, iommufd_of(call), &ioas);

	if (ret)
		return ret;
	if (!add_caps(&caps, ioas)) {
		caps_done(&caps);
		return refuse(call, RULE_NO_MEMORY);
	}
	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = compat_page_sizes(ioas);
	info->argsz = (uint32_t)(sizeof(*info) + caps.size);
	return caps_put(call, &caps, sizeof(*info), room, &room, &info->cap_offset);
}

/* ---- VFIO_IOMMU_MAP_DMA ---- */

/* Neither READ nor WRITE is asked for here: a page table refuses that, an empty ioas does not. */
static int map_dma(struct call *call)
{
	const struct vfio_iommu_type1_dma_map *map = (void *)call->in.bytes;
	struct ioas_map_args args = {
		.iova = map->iova,
		.uva = map->vaddr,
		.length = map->size,
		.fixed = true,
		.read = map->flags & VFIO_DMA_MAP_FLAG_READ,
		.write = map->flags & VFIO_DMA_MAP_FLAG_WRITE,
	};
	struct ioas *ioas;
	int ret = compat_ioas(call, iommufd_of(call), &ioas);

	return ret ? ret : ioas_map(call, ioas, &args);
}

/* ---- VFIO_IOMMU_UNMAP_DMA ---- */

static int unmap_all(struct call *call, struct ioas *ioas, uint64_t *ret_size)
{
	*ret_size = 0;
	return ioas->iopt.set.count ? ioas_unmap(call, ioas, SPAN_ALL, ret_size) : 0;
}

/* The size that is gone comes back even when the command fails. */
static int unmap_dma(struct call *call)
{
	struct vfio_iommu_type1_dma_unmap *unmap = (void *)call->in.bytes;
	bool all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	uint64_t size = 0;
	struct ioas *ioas;
	int ret = compat_ioas(call, iommufd_of(call), &ioas);

	if (ret)
		return ret;
	if (all && (unmap->iova || unmap->size))
		return refuse(call, RULE_ALL_WITH_RANGE);
	if (!all)
		ret = compat_cut(call, ioas, unmap->iova, unmap->size);
	if (ret)
		return ret;
	if (all)
		ret = unmap_all(call, ioas, &size);
	else
		ret = compat_unmap(call, ioas, unmap->iova, unmap->size, &size);
	unmap->size = size;
	call->result.answer_anyway = true;
	return ret;
}

/* ---- Rows ---- */

static const int no_errors[] = { 0 };
static const int extension_errors[] = { ENODEV, 0 };
static const int set_errors[] = { EINVAL, ENODEV, EPERM, EADDRINUSE, 0 };
static const int info_errors[] = { EFAULT, EINVAL, ENODEV, 0 };
static const int map_errors[] = { EFAULT, EINVAL, ENODEV, EOVERFLOW, EEXIST, ENOMEM, ERANGE, 0 };
static const int unmap_errors[] = { EFAULT, EINVAL, ENODEV, EOVERFLOW, ENOENT, ENOMEM, EBUSY, 0 };

#define COMPAT_VALUE(name_, errors_, run_, ...)                                                    \
	.row = { .name = #name_, .number = name_, .kinds = VFIOSIM_IOMMUFD,                        \
		 .family = VFIOSIM_SIZE_VALUE, .errors = errors_, __VA_ARGS__ },                   \
	.run = run_
#define COMPAT_STRUCT(name_, min_, full_)                                                          \
	.name = #name_, .number = name_, .kinds = VFIOSIM_IOMMUFD,                                 \
	.family = VFIOSIM_SIZE_ARGSZ, .min_size = min_, .full_size = full_

const struct command compat_commands[] = {
	{ COMPAT_VALUE(VFIO_GET_API_VERSION, no_errors, get_api_version) },
	{ COMPAT_VALUE(VFIO_CHECK_EXTENSION, extension_errors, check_extension, .flags = extension_values) },
	{ COMPAT_VALUE(VFIO_SET_IOMMU, set_errors, set_iommu, .flags = extension_values) },
	{ .row = { COMPAT_STRUCT(VFIO_IOMMU_GET_INFO,
				 offsetof(struct vfio_iommu_type1_info, cap_offset),
				 sizeof(struct vfio_iommu_type1_info)),
		   .fields = type1_info_fields, .flags = type1_info_flags,
		   .errors = info_errors },
	  .run = get_info,
	  .back = sizeof(struct vfio_iommu_type1_info) },
	{ .row = { COMPAT_STRUCT(VFIO_IOMMU_MAP_DMA, sizeof(struct vfio_iommu_type1_dma_map),
				 sizeof(struct vfio_iommu_type1_dma_map)),
		   .checks_flags = true,
		   .known_flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		   .fields = type1_map_fields, .flags = type1_map_flags, .errors = map_errors },
	  .run = map_dma },
	{ .row = { COMPAT_STRUCT(VFIO_IOMMU_UNMAP_DMA, sizeof(struct vfio_iommu_type1_dma_unmap),
				 sizeof(struct vfio_iommu_type1_dma_unmap)),
		   .checks_flags = true, .known_flags = VFIO_DMA_UNMAP_FLAG_ALL,
		   .fields = type1_unmap_fields, .flags = type1_unmap_flags,
		   .errors = unmap_errors, .unanswered = VFIOSIM_STAYS },
	  .run = unmap_dma,
	  .back = sizeof(struct vfio_iommu_type1_dma_unmap) },
	{ .row = { .name = NULL } },
};
