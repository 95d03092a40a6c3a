/* SPDX-License-Identifier: MIT */
/* The extensions of a container, which an iommufd in its place knows as well. */
#ifndef SIM_MACHINE_EXTENSION_H
#define SIM_MACHINE_EXTENSION_H

/* What VFIO_SET_IOMMU and VFIO_CHECK_EXTENSION speak of; the ABI's numbers. */
enum {
	EXT_TYPE1 = 1,
	EXT_TYPE1V2 = 3,
	EXT_CACHE_COHERENCY = 4,
	EXT_TYPE1_NESTING = 6,	/* KERNEL_NO_TYPE1_NESTING */
	EXT_NOIOMMU = 8,
	EXT_UNMAP_ALL = 9,
	EXT_UPDATE_VADDR = 10,
};

#endif
