/* SPDX-License-Identifier: MIT */
/* group and close_order: groups, their containers, and who may be closed when. */
#include "probe.h"

/* ---- group ------------------------------------------------------------- */

static void open_again(void *arg)
{
	int fd = group_open(&A);

	note("open group in child: %s", fd < 0 ? strerrorname_np(errno) : "ok");
}

static void say_status_args(int group)
{
	static const uint32_t sizes[] = { 0, 4, 7, 8, 12, 64 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		union {
			struct vfio_group_status status;
			char bytes[64];
		} u = { .status.argsz = sizes[i] };
		char extra[64];
		int ret = ioctl(group, VFIO_GROUP_GET_STATUS, &u);

		if (ret) {
			say(ret, "GET_STATUS argsz=%u", sizes[i]);
			continue;
		}
		snprintf(extra, sizeof(extra), "flags=0x%x argsz=%u", u.status.flags, u.status.argsz);
		say_extra(extra, ret, "GET_STATUS argsz=%u", sizes[i]);
	}
	say(ioctl(group, VFIO_GROUP_GET_STATUS, NULL), "GET_STATUS NULL");
}

static void say_without_container(int group)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int null = open("/dev/null", O_RDWR), path = open("/dev/vfio/vfio", O_PATH);
	char buffer[8] = "";

	say(group_unset(group), "UNSET_CONTAINER none set");
	say(device_fd(group, &A), "GET_DEVICE_FD before container");
	say(device_fd(group, &B), "GET_DEVICE_FD before container wrong name");
	say(group_set(group, -1), "SET_CONTAINER fd=-1");
	say(group_set(group, 9999), "SET_CONTAINER fd=9999");
	say(group_set(group, null), "SET_CONTAINER /dev/null");
	say(group_set(group, group), "SET_CONTAINER itself");
	say(ioctl(group, VFIO_GROUP_SET_CONTAINER, NULL), "SET_CONTAINER NULL");
	say(group_set(group, path), "SET_CONTAINER O_PATH fd");
	say(ioctl(group, _IO(VFIO_TYPE, VFIO_BASE + 90), 0), "unknown group ioctl");
	say(ioctl(group, _IO('x', 1), 0), "foreign group ioctl");
	say(ioctl(group, VFIO_GET_API_VERSION), "GET_API_VERSION on group");
	say(ioctl(group, VFIO_DEVICE_GET_INFO, &info), "DEVICE_GET_INFO on group");
	say(read(group, buffer, sizeof(buffer)), "read");
	say(write(group, buffer, sizeof(buffer)), "write");
	say(AS_RESULT((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, group, 0)), "mmap");
	close(null);
	close(path);
}

static void say_set_iommu(int container, int other, int group)
{
	say(group_set(group, container), "SET_CONTAINER");
	note("GET_STATUS after set: 0x%x", group_status(group));
	say(group_set(group, container), "SET_CONTAINER twice");
	say(group_set(group, other), "SET_CONTAINER twice other");
	say(group_set(group, -1), "SET_CONTAINER twice bad fd");
	say_extensions(container, "group set");
	say(map(container, 0x100000, PAGE, memory(1)), "MAP_DMA before SET_IOMMU");
	for (unsigned long type = 0; type <= 11; type++)
		if (type != 1 && type != 3)
			say(ioctl(container, VFIO_SET_IOMMU, type), "SET_IOMMU wrong type %lu", type);
	say(group_unset(group), "UNSET before SET_IOMMU");
	note("GET_STATUS after unset: 0x%x", group_status(group));
	say(group_set(group, container), "SET_CONTAINER again");
	say(ioctl(container, VFIO_SET_IOMMU, 3ul), "SET_IOMMU 3");
	say(ioctl(container, VFIO_SET_IOMMU, 3ul), "SET_IOMMU twice");
	say(ioctl(container, VFIO_SET_IOMMU, 99ul), "SET_IOMMU twice 99");
	note("GET_STATUS after iommu: 0x%x", group_status(group));
	say_extensions(container, "iommu set");
	say(ioctl(container, _IO(VFIO_TYPE, VFIO_BASE + 90), 0), "unknown ioctl with iommu");
	say(ioctl(container, _IO('x', 1), 0), "foreign ioctl with iommu");
	say(group_unset(container), "GROUP ioctl on container with iommu");
}

/* Returns the one descriptor that a name gave. */
static int say_device_names(int group)
{
	static char name[8192];
	int device;

	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "0000:99:00.0"), "GET_DEVICE_FD wrong name");
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, ""), "GET_DEVICE_FD empty name");
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, NULL), "GET_DEVICE_FD NULL");
	snprintf(name, sizeof(name), "%s ", A.name);
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	say(AS_RESULT(device), "GET_DEVICE_FD name+space");
	snprintf(name, sizeof(name), "%s vf_token=%s", A.name, T0.name);
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), "GET_DEVICE_FD vf_token");
	snprintf(name, sizeof(name), "%s bogus=1", A.name);
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), "GET_DEVICE_FD bogus option");
	memset(name, 'a', sizeof(name) - 1);
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), "GET_DEVICE_FD name > page");
	say(device_fd(group, &B), "GET_DEVICE_FD of other group's device");
	return device;
}

/* The group in use against the device's cdev. */
static void say_cdev_of_used_group(int device)
{
	struct cdev_arg arg = { .argsz = sizeof(arg), .iommufd = -1 };
	int cdev = cdev_open(&A), iommufd = open("/dev/iommu", O_RDWR);

	say(AS_RESULT(cdev), "cdev open while group in use");
	arg.iommufd = iommufd;
	say(ioctl(cdev, BIND_IOMMUFD, &arg), "cdev BIND while group in use");
	arg.iommufd = -1;
	say(ioctl(device, BIND_IOMMUFD, &arg), "group-device BIND_IOMMUFD fd=-1");
	arg.argsz = 12;
	say(ioctl(device, ATTACH_IOMMUFD_PT, &arg), "group-device ATTACH_IOMMUFD_PT");
	close(cdev);
	close(iommufd);
}

static void say_group_after_cdev(void)
{
	struct cdev_arg arg = { .argsz = sizeof(arg) };
	int cdev = cdev_open(&A), iommufd = open("/dev/iommu", O_RDWR);

	arg.iommufd = iommufd;
	say(ioctl(cdev, BIND_IOMMUFD, &arg), "cdev BIND");
	say(AS_RESULT(group_open(&A)), "group open while cdev bound");
	close(cdev);
	say(AS_RESULT(group_open(&A)), "group open after cdev closed");
	close(iommufd);
}

void case_group(void)
{
	struct place nobody = { "", "", 999, 999 };
	int container = container_open(), other = container_open(), group, named, first, second;
	char extra[32];

	say(AS_RESULT(group_open(&nobody)), "open nonexistent group");
	group = group_open(&A);
	say(AS_RESULT(group), "open group");
	say(AS_RESULT(group_open(&A)), "open group twice");
	in_child(open_again, NULL);
	say_status_args(group);
	say_without_container(group);
	say_set_iommu(container, other, group);
	named = say_device_names(group);
	first = device_fd(group, &A);
	snprintf(extra, sizeof(extra), "fd=0x%x fl=0x%x", fcntl(first, F_GETFD), fcntl(first, F_GETFL));
	note("device fd flags: %s", extra);
	second = device_fd(group, &A);
	say(AS_RESULT(second), "GET_DEVICE_FD second");
	say(group_unset(group), "UNSET_CONTAINER with device open");
	say_cdev_of_used_group(first);
	close(named);
	close(first);
	close(second);
	say(group_unset(group), "UNSET_CONTAINER none open");
	say(group_unset(group), "UNSET_CONTAINER twice");
	note("GET_STATUS after unset: 0x%x", group_status(group));
	say(map(container, 0x100000, PAGE, memory(1)), "MAP_DMA after last group unset");
	say(ioctl(container, VFIO_SET_IOMMU, 3ul), "SET_IOMMU after last group unset");
	say_extensions(container, "after unset");
	say(group_set(group, other), "SET_CONTAINER other container now");
	say(ioctl(other, VFIO_SET_IOMMU, 1ul), "its SET_IOMMU 1");
	close(group);
	say(ioctl(other, VFIO_SET_IOMMU, 1ul), "old container SET_IOMMU after group close");
	say_group_after_cdev();
}

/* ---- close_order ------------------------------------------------------- */

static int device_works(int device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return ioctl(device, VFIO_DEVICE_GET_INFO, &info);
}

static void say_container_first(void)
{
	struct space space = space_open(&A, 3);
	int device;

	say(close(space.container), "close container first");
	note("group status after container closed: 0x%x", group_status(space.group));
	device = device_fd(space.group, &A);
	say(AS_RESULT(device), "GET_DEVICE_FD after container closed");
	close(space.group);
	say(device_works(device), "device works after group closed");
	say(AS_RESULT(group_open(&A)), "reopen group with device open");
	say(close(device), "close device");
}

static void say_group_first(int group)
{
	struct vfio_iommu_type1_dma_unmap all = { .argsz = sizeof(all),
						  .flags = VFIO_DMA_UNMAP_FLAG_ALL };
	int container = container_open(), device;

	group_set(group, container);
	ioctl(container, VFIO_SET_IOMMU, 3ul);
	say(ioctl(container, VFIO_IOMMU_UNMAP_DMA, &all), "UNMAP ALL in a new container");
	device = device_fd(group, &A);
	close(group);
	say(map(container, 0x100000, PAGE, memory(1)),
	    "container usable with group fd closed, device open: MAP");
	close(device);
	say(map(container, 0x200000, PAGE, memory(1)), "after device closed too: MAP");
	say(ioctl(container, VFIO_SET_IOMMU, 3ul), "after device closed too: SET_IOMMU");
	group = group_open(&A);
	group_set(group, container);
	say(ioctl(container, VFIO_SET_IOMMU, 3ul), "SET_IOMMU reused");
	close(container);
	say(group_unset(group), "container closed, UNSET");
	close(group);
}

void case_close_order(void)
{
	int group;

	say_container_first();
	group = group_open(&A);
	say(AS_RESULT(group), "reopen group all closed");
	note("status: 0x%x", group_status(group));
	say_group_first(group);
}
