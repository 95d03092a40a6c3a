/* SPDX-License-Identifier: MIT */
/* Lab: attach a device. A solution. */
#include "lab.h"

/* Puts @group into @container and starts the container. */
static void attach(int container, int group)
{
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		lab_fail("SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		lab_fail("SET_IOMMU");
}

/* The devices in @container find @ram at iova 0. */
static void map(int container, void *ram)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)ram,
		.iova = 0,
		.size = RAM_SIZE,
	};

	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		lab_fail("MAP_DMA");
}

static void unmap(int container)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = 0, .size = RAM_SIZE };

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		lab_fail("UNMAP_DMA");
}

int main(void)
{
	int container = lab_open("/dev/vfio/vfio"), group = lab_open_group(NIC0), device;
	void *ram = lab_ram();

	attach(container, group);
	map(container, ram);
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, lab_name(NIC0));
	if (device < 0)
		lab_fail("GET_DEVICE_FD");
	/* Here a driver would work. */
	unmap(container);
	close(device);
	if (ioctl(group, VFIO_GROUP_UNSET_CONTAINER))
		lab_fail("UNSET_CONTAINER");
	close(group);
	close(container);
	return 0;
}
