/* SPDX-License-Identifier: MIT */
/*
 * What the labs give you: the two devices of the machine `hotadd`, and the parts of a
 * program that are no VFIO. Everything here ends the program with a message if it fails.
 */
#ifndef LAB_H
#define LAB_H

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Folders of devices in sysfs: a network card, and a mediated device. */
#define NIC0 "/sys/bus/pci/devices/0000:01:00.0"
#define MDEV0 "/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

#define RAM_SIZE 0x200000ull	/* bytes; at iova 0 */
#define BAR_SIZE 0x1000ull	/* of BAR 0 of mdev0: its first page ... */
#define BAR_IOVA 0xfe400000ull	/* ... and where it goes */

static inline void lab_fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* A part of the lab that has not been written yet. */
static inline int lab_todo(const char *what)
{
	fprintf(stderr, "not written yet: %s\n", what);
	exit(2);
}

/* "0000:01:00.0": VFIO's name of a device in sysfs. */
static inline const char *lab_name(const char *device)
{
	return strrchr(device, '/') + 1;
}

static inline int lab_open(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		lab_fail(path);
	return fd;
}

/* The descriptor of the device's group: /dev/vfio/NUMBER. */
static inline int lab_open_group(const char *device)
{
	char link[256], target[256], path[300];
	ssize_t length;

	snprintf(link, sizeof(link), "%s/iommu_group", device);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		lab_fail(link);
	target[length] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	return lab_open(path);
}

/* The memory that devices are to reach: RAM_SIZE bytes. */
static inline void *lab_ram(void)
{
	void *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ram == MAP_FAILED)
		lab_fail("memory");
	return ram;
}

/* BAR 0 of the device @fd in our memory: BAR_SIZE bytes. */
static inline void *lab_bar(int fd)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_BAR0_REGION_INDEX };
	void *bar;

	if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		lab_fail("GET_REGION_INFO");
	bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)info.offset);
	if (bar == MAP_FAILED)
		lab_fail("BAR 0");
	return bar;
}

#endif
