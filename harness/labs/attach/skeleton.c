/* SPDX-License-Identifier: MIT */
/* Lab: attach a device. See README.md; write the functions that say lab_todo(). */
#include "lab.h"

/* Puts @group into @container and starts the container. */
static void attach(int container, int group)
{
	(void)container;
	(void)group;
	lab_todo("attach: VFIO_GROUP_SET_CONTAINER, then VFIO_SET_IOMMU");
}

/* The devices in @container find @ram at iova 0. */
static void map(int container, void *ram)
{
	(void)container;
	(void)ram;
	lab_todo("map: VFIO_IOMMU_MAP_DMA");
}

static void unmap(int container)
{
	(void)container;
	lab_todo("unmap: VFIO_IOMMU_UNMAP_DMA");
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
	lab_todo("close what is open; the group leaves its container with VFIO_GROUP_UNSET_CONTAINER");
	return 0;
}
