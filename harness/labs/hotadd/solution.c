/* SPDX-License-Identifier: MIT */
/* Lab: a device that does not fit. A solution. */
#include "lab.h"

/* Puts @group into @container. 0, or -1 with errno: it is in none. */
static int attach(int container, int group)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

/* The first group of a container is in it: how it works is chosen now. */
static void start(int container)
{
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		lab_fail("SET_IOMMU");
}

/* The devices in @container find the @size bytes at @at at @iova. 0, or -1 with errno. */
static int map(int container, void *at, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

static void unmap_all(int container)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .flags = VFIO_DMA_UNMAP_FLAG_ALL };

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		lab_fail("UNMAP_DMA");
}

/* nic0 is plugged in: the container in which it is then. */
static int add_nic0(int first, int group, void *ram, void *bar)
{
	int second;

	if (!attach(first, group))
		return first;
	fprintf(stderr, "nic0 does not fit into the first container: %s\n", strerror(errno));
	second = lab_open("/dev/vfio/vfio");
	if (attach(second, group))
		lab_fail("nic0 fits nowhere");
	start(second);
	if (map(second, ram, 0, RAM_SIZE))
		lab_fail("nic0 must reach all RAM");
	if (map(second, bar, BAR_IOVA, BAR_SIZE))
		fprintf(stderr, "nic0 does without the BAR: %s\n", strerror(errno));
	return second;
}

int main(void)
{
	int first = lab_open("/dev/vfio/vfio"), mdev_group = lab_open_group(MDEV0), mdev;
	int second, nic_group, nic;
	void *ram = lab_ram(), *bar;

	if (attach(first, mdev_group))
		lab_fail("mdev0");
	start(first);
	mdev = ioctl(mdev_group, VFIO_GROUP_GET_DEVICE_FD, lab_name(MDEV0));
	if (mdev < 0)
		lab_fail("GET_DEVICE_FD");
	bar = lab_bar(mdev);
	if (map(first, ram, 0, RAM_SIZE) || map(first, bar, BAR_IOVA, BAR_SIZE))
		lab_fail("MAP_DMA");

	nic_group = lab_open_group(NIC0);
	second = add_nic0(first, nic_group, ram, bar);
	nic = ioctl(nic_group, VFIO_GROUP_GET_DEVICE_FD, lab_name(NIC0));
	if (nic < 0)
		lab_fail("GET_DEVICE_FD");
	/* Here a guest would run. */
	unmap_all(second);
	close(nic);
	close(nic_group);
	unmap_all(first);
	munmap(bar, BAR_SIZE);
	close(mdev);
	close(mdev_group);
	if (second != first)
		close(second);
	close(first);
	return 0;
}
