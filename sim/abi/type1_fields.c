/* SPDX-License-Identifier: MIT */
/* What the structures of type1's commands are made of; see type1_fields.h. */
#include "abi/type1_fields.h"

#include <linux/vfio.h>

const struct vfiosim_field type1_info_fields[] = {
	{ "argsz", 0, 4, VFIOSIM_DEC },	       { "flags", 4, 4, VFIOSIM_FLAGS },
	{ "iova_pgsizes", 8, 8, VFIOSIM_HEX }, { "cap_offset", 16, 4, VFIOSIM_DEC },
	{ .name = NULL },
};
const struct vfiosim_flag type1_info_flags[] = {
	{ "PGSIZES", VFIO_IOMMU_INFO_PGSIZES },
	{ "CAPS", VFIO_IOMMU_INFO_CAPS },
	{ .name = NULL },
};
const struct vfiosim_field type1_map_fields[] = {
	{ "argsz", 0, 4, VFIOSIM_DEC },	     { "flags", 4, 4, VFIOSIM_FLAGS },
	{ "vaddr", 8, 8, VFIOSIM_POINTER },  { "iova", 16, 8, VFIOSIM_HEX },
	{ "size", 24, 8, VFIOSIM_HEX },	     { .name = NULL },
};
const struct vfiosim_flag type1_map_flags[] = {
	{ "READ", VFIO_DMA_MAP_FLAG_READ },
	{ "WRITE", VFIO_DMA_MAP_FLAG_WRITE },
	{ "VADDR", VFIO_DMA_MAP_FLAG_VADDR },
	{ .name = NULL },
};
const struct vfiosim_field type1_unmap_fields[] = {
	{ "argsz", 0, 4, VFIOSIM_DEC }, { "flags", 4, 4, VFIOSIM_FLAGS },
	{ "iova", 8, 8, VFIOSIM_HEX },	{ "size", 16, 8, VFIOSIM_HEX },
	{ .name = NULL },
};
const struct vfiosim_flag type1_unmap_flags[] = {
	{ "GET_DIRTY_BITMAP", VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP },
	{ "ALL", VFIO_DMA_UNMAP_FLAG_ALL },
	{ "VADDR", VFIO_DMA_UNMAP_FLAG_VADDR },
	{ .name = NULL },
};
const struct vfiosim_flag extension_values[] = {
	{ "VFIO_TYPE1_IOMMU", 1 },	    { "VFIO_SPAPR_TCE_IOMMU", 2 },
	{ "VFIO_TYPE1v2_IOMMU", 3 },	    { "VFIO_DMA_CC_IOMMU", 4 },
	{ "VFIO_EEH", 5 },		    { "VFIO_TYPE1_NESTING_IOMMU", 6 },
	{ "VFIO_SPAPR_TCE_v2_IOMMU", 7 },   { "VFIO_NOIOMMU_IOMMU", 8 },
	{ "VFIO_UNMAP_ALL", 9 },	    { "VFIO_UPDATE_VADDR", 10 },
	{ .name = NULL },
};
