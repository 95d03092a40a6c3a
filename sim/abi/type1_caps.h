/* SPDX-License-Identifier: MIT */
/* Capabilities of VFIO_IOMMU_GET_INFO, of containers and of iommufds in their place. */
#ifndef SIM_ABI_TYPE1_CAPS_H
#define SIM_ABI_TYPE1_CAPS_H

#include "abi/dispatch.h"
#include "pages/ranges.h"

/*
 * False: no memory. Kernels that do not round capabilities up (caps.packed) let them
 * begin anywhere.
 */
bool caps_add_migration(struct caps *caps, uint64_t page_sizes, uint64_t max_bitmap_size);
bool caps_add_dma_avail(struct caps *caps, uint32_t avail);
bool caps_add_iova_ranges(struct caps *caps, const struct ranges *ranges);

#endif
