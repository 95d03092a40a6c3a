/* SPDX-License-Identifier: MIT */
/*
 * The file of a PCI-like device: one region after the other, 2^40 bytes apart.
 * mdpy is the exception, see mdpy.c.
 */
#ifndef SIM_DEVICE_REGION_H
#define SIM_DEVICE_REGION_H

#include <vfiosim/topology.h>

#include "vfio/device.h"

/* Indexes: VFIO_PCI_BAR0_REGION_INDEX and following. */
enum { REGION_BAR0 = 0, REGION_BAR5 = 5, REGION_ROM = 6, REGION_CONFIG = 7, REGION_VGA = 8 };

#define REGION_OFFSET(index_) ((uint64_t)(index_) << REGION_SHIFT)
#define REGION_INDEX(offset_) ((uint32_t)((offset_) >> REGION_SHIFT))
#define REGION_POS(offset_) ((offset_) & (REGION_OFFSET(1) - 1))

static inline int refuse_no_region(struct call *call, const struct device *dev, uint32_t index)
{
	return refuse(call, RULE_NO_REGION, VS("device", dev->topo->address), V("index", index));
}

#endif
