/* SPDX-License-Identifier: MIT */
/* What is VT-d's alone: its capability registers, for IOMMU_GET_HW_INFO (abi/vtd.c). */
#ifndef SIM_IOMMU_VTD_H
#define SIM_IOMMU_VTD_H

#include "iommu/iommu.h"

struct vtd_registers {
	uint64_t cap, ecap;
};

/* Of a unit whose ops are vtd_ops. */
struct vtd_registers vtd_registers(const struct iommu *iommu);

#endif
