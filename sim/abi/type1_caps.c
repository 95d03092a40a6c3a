/* SPDX-License-Identifier: MIT */
#include "abi/type1_caps.h"

#include <linux/vfio.h>

typedef struct vfio_iommu_type1_info_cap_migration cap_migration __attribute__((aligned(1)));
typedef struct vfio_iommu_type1_info_dma_avail cap_dma_avail __attribute__((aligned(1)));
typedef struct vfio_iommu_type1_info_cap_iova_range cap_iova_range __attribute__((aligned(1)));

bool caps_add_migration(struct caps *caps, uint64_t page_sizes, uint64_t max_bitmap_size)
{
	cap_migration *cap = caps_add(caps, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 1, sizeof(*cap));

	if (!cap)
		return false;
	cap->pgsize_bitmap = page_sizes;
	cap->max_dirty_bitmap_size = max_bitmap_size;
	return true;
}

bool caps_add_dma_avail(struct caps *caps, uint32_t avail)
{
	cap_dma_avail *cap = caps_add(caps, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1, sizeof(*cap));

	if (!cap)
		return false;
	cap->avail = avail;
	return true;
}

bool caps_add_iova_ranges(struct caps *caps, const struct ranges *ranges)
{
	cap_iova_range *cap = caps_add(caps, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1,
				       sizeof(*cap) + ranges->n * sizeof(cap->iova_ranges[0]));

	if (!cap)
		return false;
	cap->nr_iovas = (uint32_t)ranges->n;
	for (size_t i = 0; i < ranges->n; i++) {
		cap->iova_ranges[i].start = ranges->items[i].first;
		cap->iova_ranges[i].end = ranges->items[i].last;
	}
	return true;
}
