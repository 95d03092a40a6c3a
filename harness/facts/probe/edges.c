/* SPDX-License-Identifier: MIT */
/*
 * edges: structures at the end of memory, descriptors in odd hands, threads. These
 * lines were not measured: ../derived.txt says what the kernel's source does.
 */
#include "probe.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KERNEL_ADDRESS 0xffff888000000000ul

/* @size bytes that end where nothing is mapped any more. */
static void *at_the_end(size_t size)
{
	char *pages = memory(2);

	munmap(pages + PAGE, PAGE);
	memset(pages, 0, PAGE);
	return pages + PAGE - size;
}

/* Its first @size bytes are what is at @what. */
static void *end_with(const void *what, size_t size)
{
	return memcpy(at_the_end(size), what, size);
}

/* @size bytes nobody can write. */
static void *read_only(const void *what, size_t size)
{
	void *page = memory(1);

	memcpy(page, what, size);
	mprotect(page, PAGE, PROT_READ);
	return page;
}

/* ---- Structures at the end of memory, or read-only ----------------------- */

static void say_ends(int c, int group, int device, const void *page)
{
	struct vfio_iommu_type1_dma_map map_arg = { .argsz = 32, .flags = RW, .iova = 0x100000,
						    .size = PAGE, .vaddr = (uintptr_t)page };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = 24, .iova = 0x100000, .size = PAGE };
	struct vfio_iommu_type1_info info = { .argsz = 16 };
	struct vfio_group_status status = { .argsz = 8 };
	struct vfio_device_info device_info = { .argsz = 16 };
	struct vfio_irq_info irq = { .argsz = 16 };
	struct vfio_region_info region = { .argsz = 32 };

	map_arg.argsz = 4096;
	say(ioctl(c, VFIO_IOMMU_MAP_DMA, end_with(&map_arg, 32)), "MAP argsz beyond the memory's end");
	say(ioctl(c, VFIO_IOMMU_MAP_DMA, (char *)at_the_end(31)), "MAP one byte short");
	unmap.argsz = 4096;
	say(ioctl(c, VFIO_IOMMU_UNMAP_DMA, end_with(&unmap, 24)), "UNMAP argsz beyond the memory's end");
	unmap.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	say(ioctl(c, VFIO_IOMMU_UNMAP_DMA, end_with(&unmap, 24)), "UNMAP bitmap beyond the memory's end");
	say(ioctl(c, VFIO_IOMMU_GET_INFO, end_with(&info, 16)), "IOMMU_GET_INFO 16 bytes");
	info.argsz = 20;
	say(ioctl(c, VFIO_IOMMU_GET_INFO, end_with(&info, 20)), "IOMMU_GET_INFO 20 bytes");
	info.argsz = 120;
	say(ioctl(c, VFIO_IOMMU_GET_INFO, end_with(&info, 24)), "IOMMU_GET_INFO caps beyond the end");
	say(ioctl(group, VFIO_GROUP_GET_STATUS, end_with(&status, 8)), "GET_STATUS 8 bytes");
	say(ioctl(device, VFIO_DEVICE_GET_INFO, end_with(&device_info, 16)), "DEVICE_GET_INFO 16 bytes");
	say(ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, end_with(&irq, 16)), "IRQ_INFO 16 bytes");
	say(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, end_with(&region, 32)), "REGION_INFO 32 bytes");
}

static void say_read_only(int c, int group, const void *page)
{
	struct vfio_iommu_type1_dma_map map_arg = { .argsz = 32, .flags = RW, .iova = 0x100000,
						    .size = PAGE, .vaddr = (uintptr_t)page };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = 24, .iova = 0x100000, .size = PAGE };
	struct vfio_group_status status = { .argsz = 8 };
	struct vfio_iommu_type1_info info = { .argsz = 24 };

	say(ioctl(c, VFIO_IOMMU_MAP_DMA, read_only(&map_arg, 32)), "MAP read-only argument");
	say(ioctl(c, VFIO_IOMMU_UNMAP_DMA, read_only(&unmap, 24)), "UNMAP read-only argument");
	say_unmap(c, 0x100000, PAGE, 0, "UNMAP again");
	say(ioctl(group, VFIO_GROUP_GET_STATUS, read_only(&status, 8)), "GET_STATUS read-only argument");
	say(ioctl(c, VFIO_IOMMU_GET_INFO, read_only(&info, 24)), "IOMMU_GET_INFO read-only argument");
	say(ioctl(c, VFIO_IOMMU_MAP_DMA, KERNEL_ADDRESS), "MAP kernel address as argument");
	say(ioctl(c, VFIO_IOMMU_UNMAP_DMA, 1ul), "UNMAP address 1");
	say(ioctl(group, VFIO_GROUP_SET_CONTAINER, KERNEL_ADDRESS), "SET_CONTAINER kernel address");
}

static void say_names(int group)
{
	size_t n = strlen(A.name);
	char *name = end_with(A.name, n + 1);
	int fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);

	say(AS_RESULT(fd), "GET_DEVICE_FD name ends with the memory");
	close(fd);
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, end_with(A.name, n)), "GET_DEVICE_FD name without end");
	fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, read_only(A.name, n + 1));
	say(AS_RESULT(fd), "GET_DEVICE_FD read-only name");
	close(fd);
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "0000:01:00"), "GET_DEVICE_FD part of a name");
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "0000:01:00.00"), "GET_DEVICE_FD more than a name");
	say(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, " 0000:01:00.0"), "GET_DEVICE_FD space+name");
}

/* ---- Flags that do not go together --------------------------------------- */

static int unmap_with(int c, uint32_t flags, uint64_t iova, uint64_t size, struct vfio_bitmap bitmap)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = { .unmap = { .argsz = sizeof(arg), .flags = flags, .iova = iova, .size = size },
		  .bitmap = bitmap };

	return ioctl(c, VFIO_IOMMU_UNMAP_DMA, &arg);
}

static void say_flags(int c, const void *page)
{
	const uint32_t dirty = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, all = VFIO_DMA_UNMAP_FLAG_ALL;
	const uint32_t vaddr = VFIO_DMA_UNMAP_FLAG_VADDR;
	uint64_t word = 0;
	struct vfio_bitmap good = { PAGE, 8, (void *)&word };
	struct vfio_iommu_type1_dirty_bitmap start = { .argsz = 8,
						       .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START };

	map(c, 0x100000, PAGE, page);
	say(unmap_with(c, dirty | all, 0, 0, good), "UNMAP bitmap and ALL");
	say(unmap_with(c, dirty | vaddr, 0x100000, PAGE, good), "UNMAP bitmap and VADDR");
	say(unmap_with(c, 8, 0x100000, PAGE, good), "UNMAP flag 8");
	say(unmap_with(c, dirty, 0x100000, PAGE, good), "UNMAP bitmap, not tracking");
	say(ioctl(c, VFIO_IOMMU_DIRTY_PAGES, &start), "START");
	good.data = (void *)KERNEL_ADDRESS;
	say(unmap_with(c, dirty, 0x100000, PAGE, good), "UNMAP bitmap at a kernel address");
	good.data = NULL;
	say(unmap_with(c, dirty, 0x100000, PAGE, good), "UNMAP bitmap NULL");
	say(unmap_with(c, dirty, 0x500000, PAGE, good), "UNMAP bitmap NULL, nothing mapped");
	say_unmap(c, 0x100000, PAGE, 0, "UNMAP without it");
	say(ioctl(c, VFIO_CHECK_EXTENSION, 1ul << 32 | 1), "CHECK_EXTENSION 2^32+1");
	say(ioctl(c, VFIO_SET_IOMMU, 1ul << 32 | 3), "SET_IOMMU 2^32+3, set already");
}

/* ---- Descriptors in odd hands -------------------------------------------- */

static void say_reopen(const char *what, int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	say(AS_RESULT(again), "open %s again by /proc/self/fd", what);
	if (again >= 0)
		close(again);
}

static void say_opens(void)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CREAT | O_TRUNC, 0600);

	say(AS_RESULT(fd), "open container O_CREAT|O_TRUNC");
	close(fd);
	say(AS_RESULT(open("/dev/vfio/vfio", O_RDWR | O_CREAT | O_EXCL, 0600)), "open container O_EXCL");
	say(AS_RESULT(open("/dev/vfio/vfio", O_RDONLY | O_DIRECTORY)), "open container O_DIRECTORY");
	say(AS_RESULT(open("/dev/vfio/vfio/x", O_RDONLY)), "open below the container");
}

static void say_duplicates(struct space *space)
{
	int group = dup(space->group), container = dup(space->container);

	close(space->group);
	close(space->container);
	note("dup'ed group status: 0x%x", group_status(group));
	say(AS_RESULT(group_open(&A)), "open group, a dup is left");
	say_info(container, "dup'ed container");
	space->group = group;
	space->container = container;
}

/* The container travels through a socket, the group's number is good for the receiver only. */
static void use_passed(void *arg)
{
	int sock = *(int *)arg, fd = -1;
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
				  .msg_controllen = sizeof(room) };

	if (recvmsg(sock, &message, 0) == 1)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	say(map(fd, 0x700000, PAGE, memory(1)), "MAP on a passed container");
}

static void say_passed(int container)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
				  .msg_controllen = sizeof(room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &container, sizeof(int));
	if (sendmsg(ends[0], &message, 0) != 1)
		return;
	in_child(use_passed, &ends[1]);
	say(map(container, 0x700000, PAGE, memory(1)), "MAP where the other process mapped");
	say_unmap(container, 0x700000, PAGE, 0, "UNMAP what it mapped");
	close(ends[0]);
	close(ends[1]);
}

/* ---- One limit for all containers of a process --------------------------- */

static void two_containers(void *arg)
{
	const int *containers = arg;
	struct rlimit limit = { 65536, 65536 };
	char *pages = memory(17);

	setrlimit(RLIMIT_MEMLOCK, &limit);
	if (setgid(65534) || setuid(65534))
		fprintf(stderr, "facts-probe: cannot become uid 65534 here\n");
	say(map(containers[0], 0x100000, 8 * PAGE, pages), "limit: 32K in one container");
	say(map(containers[1], 0x100000, 8 * PAGE, pages), "limit: 32K in another");
	say(map(containers[1], 0x200000, PAGE, pages), "limit: 4K more");
	say_unmap(containers[0], 0x100000, 8 * PAGE, 0, "limit: the first gives back");
	say(map(containers[1], 0x200000, PAGE, pages), "limit: 4K more then");
}

static void say_limits(int container)
{
	struct space other = space_open(&B, 3);
	int containers[] = { container, other.container };

	in_child(two_containers, containers);
	space_close(&other);
	unmap_all(container, &(uint64_t){ 0 });
}

/* ---- Threads ------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS 64

struct worker {
	pthread_t thread;
	int container;
	uint64_t iova;
	const void *page;
	long failed;
};

static void *map_and_unmap(void *arg)
{
	struct worker *worker = arg;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t iova = worker->iova + i * 0x10000, size = PAGE;

		worker->failed += map(worker->container, iova, PAGE, worker->page) != 0;
		worker->failed += map(worker->container, iova, PAGE, worker->page) != -1;
		worker->failed += unmap_flags(worker->container, iova, &size, 0) || size != PAGE;
	}
	return NULL;
}

static void *attach_and_leave(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int group = group_open(&B);

		if (group < 0 || group_set(group, worker->container) ||
		    (i & 1 && group_unset(group)))
			worker->failed++;
		close(group);
	}
	return NULL;
}

static void say_threads(int container)
{
	struct worker workers[THREADS];
	const void *page = memory(1);
	long failed = 0;

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .container = container, .page = page,
					      .iova = 0x10000000ull * (uint64_t)(i + 1) };
		pthread_create(&workers[i].thread, NULL, i ? map_and_unmap : attach_and_leave,
			       &workers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		failed += workers[i].failed;
	}
	note("threads: wrong answers: %ld", failed);
	say_info(container, "threads: what is left");
}

/* The one that opened, attached and mapped is a thread that has ended by now. */
static void *set_up(void *arg)
{
	struct space *space = arg;

	*space = space_open(&A, 3);
	return NULL;
}

void case_edges(void)
{
	struct space space;
	const void *page = memory(1);
	pthread_t thread;
	int device;

	pthread_create(&thread, NULL, set_up, &space);
	pthread_join(thread, NULL);
	device = device_fd(space.group, &A);
	say_ends(space.container, space.group, device, page);
	say_read_only(space.container, space.group, page);
	say_names(space.group);
	say_flags(space.container, page);
	say_reopen("container", space.container);
	say_reopen("group", space.group);
	say_reopen("device", device);
	close(device);
	say_opens();
	say_duplicates(&space);
	say_passed(space.container);
	say_limits(space.container);
	say_threads(space.container);
}
