/* SPDX-License-Identifier: MIT */
/* container: /dev/vfio/vfio alone, before any group is in it. */
#include "probe.h"

#include <poll.h>
#include <termios.h>

static void say_no_iommu(int fd)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	struct vfio_group_status status = { .argsz = sizeof(status) };
	struct vfio_device_info device = { .argsz = sizeof(device) };
	struct termios termios;

	for (unsigned long type = 0; type <= 11; type++)
		say(ioctl(fd, VFIO_SET_IOMMU, type), "SET_IOMMU %lu no group", type);
	say(ioctl(fd, VFIO_IOMMU_GET_INFO, &info), "IOMMU_GET_INFO no iommu");
	say(map(fd, 0x100000, PAGE, memory(1)), "MAP_DMA no iommu");
	say(ioctl(fd, _IO(VFIO_TYPE, VFIO_BASE + 90), 0), "unknown vfio ioctl no iommu");
	say(ioctl(fd, _IO('x', 1), 0), "foreign ioctl no iommu");
	say(ioctl(fd, TCGETS, &termios), "TCGETS no iommu");
	say(ioctl(fd, VFIO_GROUP_GET_STATUS, &status), "GROUP_GET_STATUS on container");
	say(group_set(fd, fd), "GROUP_SET_CONTAINER on container");
	say(ioctl(fd, VFIO_DEVICE_GET_INFO, &device), "DEVICE_GET_INFO on container");
}

/* What every open file can be asked. */
static void say_file(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	char buffer[8] = "", extra[32];
	int n, on = 0;

	say(read(fd, buffer, sizeof(buffer)), "read");
	say(write(fd, buffer, sizeof(buffer)), "write");
	say(pread(fd, buffer, sizeof(buffer), 0), "pread");
	say(lseek(fd, 0, SEEK_SET), "lseek");
	say(AS_RESULT((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0)), "mmap");
	n = poll(&poll_fd, 1, 0);
	snprintf(extra, sizeof(extra), "revents=0x%x", poll_fd.revents);
	say_extra(extra, n, "poll");
	say(ioctl(fd, FIONBIO, &on), "FIONBIO");
}

void case_container(void)
{
	int fd = container_open(), again, read_only;

	say(AS_RESULT(fd), "open /dev/vfio/vfio");
	again = container_open();
	say(AS_RESULT(again), "open /dev/vfio/vfio again");
	read_only = open("/dev/vfio/vfio", O_RDONLY);
	say(AS_RESULT(read_only), "open O_RDONLY");
	say(ioctl(read_only, VFIO_GET_API_VERSION), "api version on O_RDONLY");
	say(ioctl(fd, VFIO_GET_API_VERSION, 5ul), "GET_API_VERSION arg=5");
	say_extensions(fd, "fresh");
	say(ioctl(fd, VFIO_CHECK_EXTENSION, -1l), "check_ext -1");
	say_no_iommu(fd);
	say_file(fd);
}
