/* SPDX-License-Identifier: MIT */
/*
 * What IOMMU_GET_HW_INFO says of each kind of IOMMU: its structure of the kernel's
 * ABI, filled by one function a kind. The rows are in hwpt_cmds.c.
 */
#ifndef SIM_ABI_HW_INFO_H
#define SIM_ABI_HW_INFO_H

#include <stddef.h>

#include <vfiosim/abi/iommufd.h>

#include "iommu/iommu.h"

union hw_info {
	struct vfiosim_iommu_hw_info_vtd vtd;
};

#define HW_INFO_TYPE_VTD 1u	/* enum iommu_hw_info_type */

/* Each returns the size of its structure. */
size_t hw_info_vtd(const struct iommu *iommu, union hw_info *ret_info);	/* vtd.c */

#endif
