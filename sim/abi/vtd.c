/* SPDX-License-Identifier: MIT */
/* VT-d as IOMMU_GET_HW_INFO tells it: struct iommu_hw_info_vtd. */
#include "abi/hw_info.h"
#include "iommu/vtd.h"

size_t hw_info_vtd(const struct iommu *iommu, union hw_info *ret_info)
{
	const struct vtd_registers registers = vtd_registers(iommu);

	ret_info->vtd = (struct vfiosim_iommu_hw_info_vtd){
		.cap_reg = registers.cap,
		.ecap_reg = registers.ecap,
	};
	return sizeof(ret_info->vtd);
}
