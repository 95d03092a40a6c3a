/* SPDX-License-Identifier: MIT */
/*
 * The structures of GET_INFO, MAP_DMA and UNMAP_DMA, and the extensions, named for traces and cases. The
 * commands exist twice: a container's (type1_cmds.c) and an iommufd's (compat_cmds.c).
 */
#ifndef SIM_ABI_TYPE1_FIELDS_H
#define SIM_ABI_TYPE1_FIELDS_H

#include <vfiosim/command.h>

extern const struct vfiosim_field type1_info_fields[];
extern const struct vfiosim_flag type1_info_flags[];
extern const struct vfiosim_field type1_map_fields[];
extern const struct vfiosim_flag type1_map_flags[];
extern const struct vfiosim_field type1_unmap_fields[];
extern const struct vfiosim_flag type1_unmap_flags[];
/* What CHECK_EXTENSION and SET_IOMMU take. */
extern const struct vfiosim_flag extension_values[];

#endif
