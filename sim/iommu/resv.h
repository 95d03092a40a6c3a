/* SPDX-License-Identifier: MIT */
/* Reserved regions: how sysfs and reasons name their types. */
#ifndef SIM_IOMMU_RESV_H
#define SIM_IOMMU_RESV_H

#include <stdbool.h>

#include <vfiosim/topology.h>

#include "base/span.h"

/*
 * Does the region keep mappings out? Not a relaxable one: the firmware's own use of
 * it ends when a driver takes the device. Mirrors vfio_iommu_resv_exclude (7.2).
 */
static inline bool resv_enforced(const struct vfiosim_resv *resv)
{
	return resv->type != VFIOSIM_RESV_DIRECT_RELAXABLE;
}

static inline struct span resv_span(const struct vfiosim_resv *resv)
{
	return (struct span){ resv->range.first, resv->range.last };
}

/* "direct", "direct-relaxable", "reserved", "msi" (both kinds of msi print so, as the kernel's). */
const char *resv_type_name(enum vfiosim_resv_type type);

#endif
