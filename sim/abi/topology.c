/* SPDX-License-Identifier: MIT */
/*
 * Topologies for a whole machine: the first room that sees everybody who gives a
 * topology's names their meaning. A new kind of names is a row here.
 */
#include "topology/topology.h"

#include "bus/names.h"
#include "device/models.h"
#include "iommu/iommu.h"

static const struct topology_owner owners[] = {
	{ NAME_VENDOR_MODEL, vendor_model_accepts },
	{ NAME_DRIVER, bus_accepts_driver },
	{ NAME_IOMMU_TYPE, iommu_accepts_type },
	{ NAME_REGISTER, iommu_accepts_register },
	{ 0, NULL },
};

int vfiosim_topology_load(const char *name_or_file, struct vfiosim_topology **ret_topology,
			  struct vfiosim_errors *ret_errors)
{
	return topology_load(name_or_file, owners, ret_topology, ret_errors);
}

int vfiosim_topology_parse(const char *file, const char *text, size_t length,
			   struct vfiosim_topology **ret_topology, struct vfiosim_errors *ret_errors)
{
	return topology_parse(file, text, length, owners, ret_topology, ret_errors);
}
