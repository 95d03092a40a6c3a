/* SPDX-License-Identifier: MIT */
/* Lab: a device that does not fit, with iommufd. A solution. */
#include "lab.h"

#include <dirent.h>
#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

/* The device's own node, of which sysfs tells the name. */
static int open_device(const char *device)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/vfio-dev", device);
	dir = opendir(path);
	if (!dir)
		lab_fail(path);
	while ((entry = readdir(dir)) && strncmp(entry->d_name, "vfio", 4))
		;
	if (!entry)
		lab_fail("the device has no node");
	snprintf(path, sizeof(path), "/dev/vfio/devices/%.40s", entry->d_name);
	closedir(dir);
	return lab_open(path);
}

static void bind(int device, int iommufd)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };

	if (ioctl(device, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind))
		lab_fail("BIND_IOMMUFD");
}

/* The id of a new ioas. */
static uint32_t make_ioas(int iommufd)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	if (ioctl(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc))
		lab_fail("IOAS_ALLOC");
	return alloc.out_ioas_id;
}

/* 0, or -1 with errno: it stays where it was. */
static int attach(int device, uint32_t ioas)
{
	struct vfiosim_device_attach_iommufd_pt attach = { .argsz = sizeof(attach), .pt_id = ioas };

	return ioctl(device, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

/* The devices in @ioas find the @size bytes at @at at @iova. 0, or -1 with errno. */
static int map(int iommufd, uint32_t ioas, void *at, uint64_t iova, uint64_t size)
{
	struct vfiosim_iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = VFIOSIM_IOAS_MAP_FIXED_IOVA | VFIOSIM_IOAS_MAP_READABLE |
			 VFIOSIM_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)at,
		.length = size,
		.iova = iova,
	};

	return ioctl(iommufd, VFIOSIM_IOMMU_IOAS_MAP, &map);
}

/* nic0 is plugged in: the ioas in which it is then. */
static uint32_t add_nic0(int iommufd, uint32_t first, int nic, void *ram, void *bar)
{
	uint32_t second;

	if (!attach(nic, first))
		return first;
	fprintf(stderr, "nic0 does not fit into the first ioas: %s\n", strerror(errno));
	second = make_ioas(iommufd);
	if (attach(nic, second))
		lab_fail("nic0 fits nowhere");
	if (map(iommufd, second, ram, 0, RAM_SIZE))
		lab_fail("nic0 must reach all RAM");
	if (map(iommufd, second, bar, BAR_IOVA, BAR_SIZE))
		fprintf(stderr, "nic0 does without the BAR: %s\n", strerror(errno));
	return second;
}

static void detach(int device)
{
	struct vfiosim_device_detach_iommufd_pt detach = { .argsz = sizeof(detach) };

	if (ioctl(device, VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, &detach))
		lab_fail("DETACH_IOMMUFD_PT");
}

/* With all that is mapped in it. */
static void destroy_ioas(int iommufd, uint32_t ioas)
{
	struct vfiosim_iommu_ioas_unmap unmap = { .size = sizeof(unmap), .ioas_id = ioas,
						  .length = UINT64_MAX };
	struct vfiosim_iommu_destroy destroy = { .size = sizeof(destroy), .id = ioas };

	if (ioctl(iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &unmap) || ioctl(iommufd, VFIOSIM_IOMMU_DESTROY, &destroy))
		lab_fail("an ioas cannot be destroyed");
}

int main(void)
{
	int iommufd = lab_open("/dev/iommu"), mdev = open_device(MDEV0), nic;
	uint32_t first, second;
	void *ram = lab_ram(), *bar;

	bind(mdev, iommufd);
	first = make_ioas(iommufd);
	if (attach(mdev, first))
		lab_fail("mdev0");
	bar = lab_bar(mdev);
	if (map(iommufd, first, ram, 0, RAM_SIZE) || map(iommufd, first, bar, BAR_IOVA, BAR_SIZE))
		lab_fail("IOAS_MAP");

	nic = open_device(NIC0);
	bind(nic, iommufd);
	second = add_nic0(iommufd, first, nic, ram, bar);
	/* Here a guest would run. */
	detach(nic);
	close(nic);
	detach(mdev);
	munmap(bar, BAR_SIZE);
	close(mdev);
	if (second != first)
		destroy_ioas(iommufd, second);
	destroy_ioas(iommufd, first);
	close(iommufd);
	return 0;
}
