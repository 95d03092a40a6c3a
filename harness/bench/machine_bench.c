/* SPDX-License-Identifier: MIT */
/* A machine in process, with mappings; see machine.h. */
#include "bench/machine.h"

#include <linux/vfio.h>

bool machine_join(struct machine *machine, const char *path, int *ret_group)
{
	int group = vfiosim_inproc_open(machine->proc, path);

	*ret_group = group;
	return group >= 0 &&
	       !vfiosim_inproc_ioctl_struct(machine->proc, group, VFIO_GROUP_SET_CONTAINER,
					    &machine->container, sizeof(int));
}

bool machine_init(struct machine *machine, const char *group, uint32_t n)
{
	struct vfiosim_errors error;

	*machine = (struct machine){ 0 };
	if (vfiosim_topology_load("q35", &machine->topology, &error))
		return false;
	machine->topology->dma_entry_limit = n + 1;
	vfiosim_topology_set_memlock(machine->topology, VFIOSIM_MEMLOCK_UNLIMITED, 0);
	if (vfiosim_create(machine->topology, &machine->sim) ||
	    vfiosim_inproc_create(machine->sim, &machine->proc))
		return false;
	machine->container = vfiosim_inproc_open(machine->proc, "/dev/vfio/vfio");
	return machine->container >= 0 && machine_join(machine, group, &machine->group) &&
	       !vfiosim_inproc_ioctl(machine->proc, machine->container, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU) &&
	       !vfiosim_inproc_mmap(machine->proc, (uint64_t)n * PAGE,
				    VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE, VFIOSIM_VMA_MEMORY,
				    &machine->memory);
}

void machine_done(struct machine *machine)
{
	vfiosim_inproc_destroy(machine->proc);
	vfiosim_destroy(machine->sim);
	vfiosim_topology_free(machine->topology);
}

bool machine_map(struct machine *machine, uint64_t iova, uint64_t page)
{
	struct vfio_iommu_type1_dma_map args = {
		.argsz = sizeof(args),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = machine->memory + page * PAGE,
		.iova = iova,
		.size = PAGE,
	};

	return !vfiosim_inproc_ioctl_struct(machine->proc, machine->container, VFIO_IOMMU_MAP_DMA,
					    &args, sizeof(args));
}

bool machine_unmap(struct machine *machine, uint64_t iova, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap args = {
		.argsz = sizeof(args),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	return !vfiosim_inproc_ioctl_struct(machine->proc, machine->container, VFIO_IOMMU_UNMAP_DMA,
					    &args, sizeof(args));
}

bool machine_fill(struct machine *machine, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!machine_map(machine, live_iova(i), i))
			return false;
	return true;
}
