/* SPDX-License-Identifier: MIT */
/*
 * What tests of expectations share: a small program (the test itself, as a client) that does in
 * a run what a virtual machine monitor does, and then something else.
 */
#ifndef EXPECT_RIG_TEST_H
#define EXPECT_RIG_TEST_H

#include "launch/launch_rig_test.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

#include "base/suite_test.h"
#include "expect/judge.h"
#include "expect/run_expect.h"

/* ---- The client -------------------------------------------------------- */

#define MDEV "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define NIC "0000:01:00.0"
#define RAM_SIZE 0x100000u
#define BAR_IOVA 0xfe400000u
#define MSI_IOVA 0xfee00000u
#define LATE_IOVA 0x20000000u

/* What it does besides, or does not. */
struct habits {
	bool iommufd;		/* and not containers */
	bool one_space;		/* a device that does not fit in is refused */
	bool insists;		/* ... after it was tried twice */
	bool maps_msi;		/* something over the window of the interrupts */
	bool forgets;		/* what it has to map in its second space */
	bool halves;		/* ... or half of it */
	bool late;		/* more memory, when everything is attached */
	bool grows;		/* ... a page a time, and takes some back meanwhile */
	bool moved;		/* its memory is at other iovas */
	bool identity;		/* its memory's iovas are its addresses, which differ in each run */
	bool leaks;		/* leaves everything to the kernel */
	bool opens_twice;	/* its NIC (containers only) */
	bool keeps_bar;		/* mapped, though it closes the device */
	int status;		/* its exit status */
	int signal;		/* or what it ends by */
};

/* A space of the client's: a container, or an ioas of the one iommufd. */
struct space {
	int fd;
	uint32_t ioas;
};

static inline void *memory(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		    0);
}

static inline int map(const struct habits *habits, struct space space, const void *at, uint64_t iova,
	       uint64_t size)
{
	struct vfio_iommu_type1_dma_map legacy = {
		.argsz = sizeof(legacy),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = size,
	};
	struct vfiosim_iommu_ioas_map modern = {
		.size = sizeof(modern),
		.flags = 7,	/* at this iova, writable, readable */
		.ioas_id = space.ioas,
		.user_va = (uintptr_t)at,
		.length = size,
		.iova = iova,
	};

	return habits->iommufd ? ioctl(space.fd, VFIOSIM_IOMMU_IOAS_MAP, &modern) :
				 ioctl(space.fd, VFIO_IOMMU_MAP_DMA, &legacy);
}

static inline int unmap(const struct habits *habits, struct space space, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap legacy = { .argsz = sizeof(legacy), .iova = iova,
						     .size = size };
	struct vfiosim_iommu_ioas_unmap modern = { .size = sizeof(modern), .ioas_id = space.ioas,
						   .iova = iova, .length = size };

	return habits->iommufd ? ioctl(space.fd, VFIOSIM_IOMMU_IOAS_UNMAP, &modern) :
				 ioctl(space.fd, VFIO_IOMMU_UNMAP_DMA, &legacy);
}

static inline struct space new_space(const struct habits *habits, int iommufd)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	if (!habits->iommufd)
		return (struct space){ .fd = open("/dev/vfio/vfio", O_RDWR) };
	ioctl(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc);
	return (struct space){ iommufd, alloc.out_ioas_id };
}

/* A group, or the device's own node, bound. */
static inline int open_device(const struct habits *habits, int iommufd, const char *group, const char *cdev)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };
	int fd = open(habits->iommufd ? cdev : group, O_RDWR);

	if (habits->iommufd)
		ioctl(fd, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind);
	return fd;
}

static inline int attach(const struct habits *habits, struct space space, int device)
{
	struct vfiosim_device_attach_iommufd_pt pt = { .argsz = 12, .pt_id = space.ioas };

	if (habits->iommufd)
		return ioctl(device, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &pt);
	if (ioctl(device, VFIO_GROUP_SET_CONTAINER, &space.fd))
		return -1;
	/* Refused where a group has done it already. */
	ioctl(space.fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	return 0;
}

static inline int device_fd(const struct habits *habits, int device, const char *name)
{
	return habits->iommufd ? device : ioctl(device, VFIO_GROUP_GET_DEVICE_FD, name);
}

static inline void *map_bar(int device)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = 0 };

	ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info);
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)info.offset);
}

static inline uint64_t ram_iova(const struct habits *habits, const void *ram)
{
	return habits->identity ? (uintptr_t)ram : habits->moved ? 0x10000000 : 0;
}

/* Low enough for the IOMMU, and elsewhere in the next run. */
static inline void *low_memory(size_t size)
{
	void *at = (void *)(0x100000000 + (uintptr_t)getpid() * 0x100000);

	return mmap(at, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED_NOREPLACE, -1, 0);
}

/* The guest's memory and the mdev's BAR. What is refused is left out. */
static inline void fill(const struct habits *habits, struct space space, const void *ram, const void *bar)
{
	map(habits, space, ram, ram_iova(habits, ram), RAM_SIZE);
	map(habits, space, bar, BAR_IOVA, 4096);
}

/* 40 pages; of the first ten every other is given back before the next, and mapped again. */
static inline void grow(const struct habits *habits, struct space space, const void *ram)
{
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t iova = LATE_IOVA + i * 0x200000;

		map(habits, space, ram, iova, 4096);
		if (i >= 10 || i % 2)
			continue;
		unmap(habits, space, iova, 4096);
		map(habits, space, ram, iova, 4096);
	}
}

static inline int client(const struct habits *habits)
{
	int iommufd = habits->iommufd ? open("/dev/iommu", O_RDWR) : -1;
	struct space first = new_space(habits, iommufd), second = { .fd = -1 };
	int mdev = open_device(habits, iommufd, "/dev/vfio/11", "/dev/vfio/devices/vfio1");
	int nic = open_device(habits, iommufd, "/dev/vfio/10", "/dev/vfio/devices/vfio0");
	int mdev_fd, nic_fd = -1;
	void *ram = habits->identity ? low_memory(RAM_SIZE) : memory(RAM_SIZE), *bar;

	if (attach(habits, first, mdev))
		return 90;
	mdev_fd = device_fd(habits, mdev, MDEV);
	bar = map_bar(mdev_fd);
	if (bar == MAP_FAILED)
		return 91;
	fill(habits, first, ram, bar);
	if (habits->maps_msi && map(habits, first, ram, MSI_IOVA, 4096))
		return 92;
	if (!attach(habits, first, nic) || (habits->insists && !attach(habits, first, nic)))
		return 93;
	if (!habits->one_space) {
		second = new_space(habits, iommufd);
		if (attach(habits, second, nic))
			return 94;
		nic_fd = device_fd(habits, nic, NIC);
		if (habits->halves)
			map(habits, second, ram, ram_iova(habits, ram), RAM_SIZE / 2);
		else if (!habits->forgets)
			fill(habits, second, ram, bar);
	}
	if (habits->late)
		map(habits, first, ram, LATE_IOVA, 4096);
	if (habits->grows)
		grow(habits, first, ram);
	if (habits->signal)
		raise(habits->signal);
	if (habits->opens_twice)
		device_fd(habits, nic, NIC);
	if (habits->leaks)
		return habits->status;
	unmap(habits, first, ram_iova(habits, ram), RAM_SIZE);
	unmap(habits, first, BAR_IOVA, 4096);
	if (!habits->one_space)
		unmap(habits, second, ram_iova(habits, ram), RAM_SIZE);
	if (!habits->keeps_bar)
		munmap(bar, 4096);
	if (!habits->iommufd) {
		close(mdev_fd);
		if (!habits->one_space) {
			close(nic_fd);
			close(second.fd);
		}
	}
	close(mdev);
	close(nic);
	close(first.fd);
	return habits->status;
}

static inline int client_main(const char *words)
{
	const char *status = strstr(words, "status-");
	const struct habits habits = {
		.iommufd = strstr(words, "iommufd"),
		.one_space = strstr(words, "one-space"),
		.insists = strstr(words, "insists"),
		.maps_msi = strstr(words, "maps-msi"),
		.forgets = strstr(words, "forgets"),
		.halves = strstr(words, "halves"),
		.late = strstr(words, "late"),
		.grows = strstr(words, "grows"),
		.moved = strstr(words, "moved"),
		.identity = strstr(words, "identity"),
		.leaks = strstr(words, "leaks"),
		.opens_twice = strstr(words, "opens-twice"),
		.keeps_bar = strstr(words, "keeps-bar"),
		.status = status ? atoi(status + strlen("status-")) : 0,
		.signal = strstr(words, "killed") ? SIGTERM : 0,
	};

	return client(&habits);
}

/* ---- The rig ----------------------------------------------------------- */

/* A file that everybody may read, gone with the test. */
struct file {
	char path[SCRATCH_PATH];
};

static inline struct file write_file(const char *text)
{
	struct file file = { "" };

	close(scratch_file(file.path, "expect", text));
	return file;
}

static inline char *read_file(const char *path)
{
	static char text[16384];
	FILE *file = fopen(path, "re");
	size_t n;

	ck_assert_msg(file, "%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

/* Words for client_main(): "legacy", "iommufd", "one-space", ... */
static inline int expect_status(enum who who, const char *yaml, const char *client_words, struct run *run)
{
	struct file file = write_file(yaml);
	int status = run_and_wait(who, RUN("--expect", file.path, "--", SELF, "client", client_words),
				  run);

	unlink(file.path);
	return status;
}

#define HOLDS(yaml_, words_)                                                                       \
	do {                                                                                       \
		struct run run_;                                                                   \
		int status_ = expect_status((enum who)_i, (yaml_), (words_), &run_);                 \
		ck_assert_msg(status_ == 0, "status %d:\n%s", status_, run_.text);                   \
	} while (0)

#define FAILS(yaml_, words_, message_)                                                             \
	do {                                                                                       \
		struct run run_;                                                                   \
		int status_ = expect_status((enum who)_i, (yaml_), (words_), &run_);                 \
		ck_assert_msg(status_ == 1, "status %d:\n%s", status_, run_.text);                   \
		ck_assert_msg(strstr(run_.text, (message_)), "no '%s' in:\n%s", (message_),          \
			      run_.text);                                                          \
	} while (0)

#endif
