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

/* Those that the topology was given; it has judged them. */
static int arm_faults(struct vfiosim *sim, const struct vfiosim_topology *topology)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;
	uint32_t id;
	int ret = 0;

	for (size_t i = 0; !ret && i < topology->n_faults; i++) {
		ret = vfiosim_fault_parse(topology->faults[i].text, topology, &fault, problem,
					  sizeof(problem));
		if (!ret)
			ret = fault_add(sim, &fault, &id);
	}
	return ret;
}

int vfiosim_create(const struct vfiosim_topology *topology, struct vfiosim **ret_sim)
{
	int ret = sim_create(topology, subsystems, ret_sim);

	if (ret)
		return ret;
	ret = arm_faults(*ret_sim, topology);
	if (ret)
		vfiosim_destroy(*ret_sim);
	return ret;
}
