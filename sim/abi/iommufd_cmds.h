/* SPDX-License-Identifier: MIT */
/* Commands of /dev/iommu whose handlers have a file of their own; the rows are in iommufd_cmds.c. */
#ifndef SIM_ABI_IOMMUFD_CMDS_H
#define SIM_ABI_IOMMUFD_CMDS_H

#include "core/call.h"

/*
 * What every kind of MAP, and COPY, checks before it looks for anything: EOPNOTSUPP
 * for flags and reserved fields nobody knows, EINVAL, EOVERFLOW.
 */
int iommufd_check_map(struct call *call, uint32_t flags, uint64_t reserved, uint64_t iova,
		      uint64_t length);

/* iommufd_file_cmds.c */
int map_file_prepare(struct call *call);
int map_file_run(struct call *call);
int change_process_run(struct call *call);

#endif
