/* SPDX-License-Identifier: MIT */
/* A whole machine: the first room that sees all of its parts puts them together. */
#include <stddef.h>

#include "bus/bus.h"
#include "device/models.h"
#include "iommu/group.h"
#include "iommu/iommu.h"
#include "iommufd/iommufd.h"
#include "machine/client.h"
#include "machine/fault.h"
#include "machine/subsystem.h"
#include "vfio/container.h"
#include "vfio/device.h"
#include "vfio/dma.h"
#include "vfio/group.h"

/* In the order in which they begin, which is also that of their keys in the state. */
static const struct subsystem *const subsystems[] = {
	&machine_subsystem,
	&fault_subsystem,
	&iommu_subsystem,
	&iommu_group_subsystem,
	&container_subsystem,
	&iommufd_subsystem,
	&vfio_group_subsystem,
	&vfio_driver_subsystem,
	&bus_subsystem,
	&vfio_device_subsystem,
	&client_subsystem,
	&dma_subsystem,
	NULL,
};

int vfiosim_create(const struct vfiosim_topology *topology, struct vfiosim **ret_sim)
{
	return sim_create(topology, subsystems, ret_sim);
}
