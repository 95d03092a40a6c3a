/* SPDX-License-Identifier: MIT */
/*
 * Clients in this process: descriptors, fork, exec and exit, eventfds, and device
 * regions mapped into memory. The machine behind is the topology `engine`: dma0
 * (group 10), dma1 (11), pinner0 (12).
 */
#include <vfiosim/inproc.h>

#include <check.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/engine.h>
#include <vfiosim/topology.h>

#include "base/suite_test.h"

#define PAGE VFIOSIM_PAGE_SIZE
#define RW (VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE)
#define CONTAINER "/dev/vfio/vfio"
#define REGION(index_) ((uint64_t)(index_) << 40)

static struct vfiosim_topology *topology;
static struct vfiosim *sim;
static struct vfiosim_inproc *proc;

static void setup(void)
{
	struct vfiosim_errors error;

	ck_assert_int_eq(vfiosim_topology_load("engine", &topology, &error), 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(vfiosim_inproc_create(sim, &proc), 0);
}

static struct vfiosim_counters counters(void)
{
	struct vfiosim_counters now;

	vfiosim_counters(sim, &now);
	return now;
}

/* Whatever the story was: when its processes are gone nothing may be left. */
static void teardown(void)
{
	vfiosim_inproc_destroy(proc);
	ck_assert_uint_eq(counters().containers, 0);
	ck_assert_uint_eq(counters().clients, 0);
	ck_assert_uint_eq(counters().mappings, 0);
	ck_assert_uint_eq(counters().pinned_pages, 0);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
}

static int open_at(struct vfiosim_inproc *who, const char *path)
{
	int fd = vfiosim_inproc_open(who, path);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static uint64_t map_memory(struct vfiosim_inproc *who, uint64_t length)
{
	uint64_t uva;

	ck_assert_int_eq(vfiosim_inproc_mmap(who, length, RW, VFIOSIM_VMA_MEMORY, &uva), 0);
	return uva;
}

/* A container of type1v2 with @group; returns it. */
static int container_with(struct vfiosim_inproc *who, const char *group, int *ret_group)
{
	int container = open_at(who, CONTAINER), fd = open_at(who, group);

	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(who, fd, VFIO_GROUP_SET_CONTAINER, &container,
						     sizeof(container)), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(who, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU),
			 0);
	*ret_group = fd;
	return container;
}

static int get_device(struct vfiosim_inproc *who, int group, const char *name)
{
	char text[40] = "";

	strcpy(text, name);
	return (int)vfiosim_inproc_ioctl_struct(who, group, VFIO_GROUP_GET_DEVICE_FD, text,
						sizeof(text));
}

static long map_dma(struct vfiosim_inproc *who, int container, uint64_t iova, uint64_t uva,
		    uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = uva,
		.iova = iova,
		.size = size,
	};

	return vfiosim_inproc_ioctl_struct(who, container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
}

/* ---- Descriptors ---- */

START_TEST(test_descriptors)
{
	int first = open_at(proc, CONTAINER), second = open_at(proc, CONTAINER), copy;

	ck_assert_int_eq(first, 3);
	ck_assert_int_eq(second, 4);
	copy = vfiosim_inproc_dup(proc, first);
	ck_assert_int_eq(copy, 5);
	ck_assert_int_eq(vfiosim_inproc_close(proc, first), 0);
	ck_assert_int_eq(vfiosim_inproc_close(proc, first), -EBADF);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, copy, VFIO_GET_API_VERSION, 0), 0);
	ck_assert_uint_eq(counters().containers, 2);
	ck_assert_int_eq(vfiosim_inproc_close(proc, copy), 0);
	ck_assert_uint_eq(counters().containers, 1);
	ck_assert_int_eq(vfiosim_inproc_eventfd(proc), 3);
}
END_TEST

START_TEST(test_bad_descriptors)
{
	int event = vfiosim_inproc_eventfd(proc), container = open_at(proc, CONTAINER), group;
	const int bad[] = { -1, 9999, 1000, INT32_MIN, INT32_MAX };
	uint64_t uva;
	char byte;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(vfiosim_inproc_ioctl(proc, bad[i], VFIO_GET_API_VERSION, 0),
				 -EBADF);
		ck_assert_int_eq(vfiosim_inproc_pread(proc, bad[i], &byte, 1, 0), -EBADF);
		ck_assert_int_eq(vfiosim_inproc_close(proc, bad[i]), -EBADF);
		ck_assert_int_eq(vfiosim_inproc_dup(proc, bad[i]), -EBADF);
		ck_assert_int_eq(vfiosim_inproc_mmap_fd(proc, bad[i], 0, PAGE, &uva), -EBADF);
		ck_assert_int_eq(vfiosim_inproc_event_read(proc, bad[i]), -EBADF);
	}
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, event, VFIO_GET_API_VERSION, 0), -ENOTTY);
	ck_assert_int_eq(vfiosim_inproc_pwrite(proc, event, "x", 1, 0), -ESPIPE);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(proc, event, 0, PAGE, &uva), -ENODEV);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(proc, container, 0, PAGE, &uva), -ENODEV);

	/* As SET_CONTAINER tells them apart. */
	group = open_at(proc, "/dev/vfio/10");
	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_SET_CONTAINER,
						     &(int){ 9999 }, sizeof(int)), -EBADF);
	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_SET_CONTAINER,
						     &(int){ event }, sizeof(int)), -EBADFD);
	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_SET_CONTAINER,
						     &(int){ 0 }, sizeof(int)), -EBADFD);
}
END_TEST

START_TEST(test_table_full)
{
	int fd, last = -1;

	while ((fd = vfiosim_inproc_eventfd(proc)) >= 0)
		last = fd;
	ck_assert_int_eq(fd, -EMFILE);
	ck_assert_int_eq(last, 1023);
	ck_assert_int_eq(vfiosim_inproc_open(proc, CONTAINER), -EMFILE);
	ck_assert_uint_eq(counters().containers, 0);
}
END_TEST

START_TEST(test_device_without_room)
{
	int group, fd;

	container_with(proc, "/dev/vfio/10", &group);
	while ((fd = vfiosim_inproc_eventfd(proc)) >= 0)
		;
	ck_assert_int_eq(get_device(proc, group, "0000:01:00.0"), -EMFILE);
	/* The device is not open, or the group could not leave. */
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, group, VFIO_GROUP_UNSET_CONTAINER, 0), 0);
}
END_TEST

START_TEST(test_paths)
{
	ck_assert_int_eq(vfiosim_inproc_open(proc, "/dev/vfio/99"), -ENOENT);
	ck_assert_int_eq(vfiosim_inproc_open(proc, "/dev/vfio/0"), -ENOENT);	/* no vfio driver */
	ck_assert_int_eq(vfiosim_inproc_open(proc, "/dev/vfio/"), -ENOENT);
	ck_assert_int_eq(vfiosim_inproc_open(proc, "/dev/null"), -ENOENT);
	open_at(proc, "/dev/vfio/10");
	ck_assert_int_eq(vfiosim_inproc_open(proc, "/dev/vfio/10"), -EBUSY);
	open_at(proc, "/dev/vfio/12");
}
END_TEST

/* ---- Structures ---- */

START_TEST(test_struct_bounds)
{
	int container = open_at(proc, CONTAINER), group = open_at(proc, "/dev/vfio/10");
	struct vfio_group_status status = { .argsz = sizeof(status) };

	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_GET_STATUS, &status,
						     sizeof(status)), 0);
	ck_assert_uint_eq(status.flags, VFIO_GROUP_FLAGS_VIABLE);
	/* Behind the structure there is nothing. */
	ck_assert_int_eq(
		vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_GET_STATUS, &status, 4),
		-EFAULT);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, group, VFIO_GROUP_GET_STATUS, 0), -EFAULT);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, container, VFIO_GET_API_VERSION, UINT64_MAX),
			 0);
}
END_TEST

START_TEST(test_struct_too_large_for_the_stack)
{
	int group = open_at(proc, "/dev/vfio/10");
	size_t size = 1 << 20;
	struct vfio_group_status *status = calloc(1, size);

	status->argsz = sizeof(*status);
	ck_assert_int_eq(
		vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_GET_STATUS, status, size), 0);
	ck_assert_uint_eq(status->flags, VFIO_GROUP_FLAGS_VIABLE);
	free(status);
}
END_TEST

/* ---- Processes ---- */

START_TEST(test_fork_shares_files)
{
	struct vfiosim_inproc *child;
	int container = open_at(proc, CONTAINER), event = vfiosim_inproc_eventfd(proc);

	ck_assert_int_eq(vfiosim_inproc_fork(proc, &child), 0);
	ck_assert_uint_ne(vfiosim_client_number(vfiosim_inproc_client(proc)),
			  vfiosim_client_number(vfiosim_inproc_client(child)));
	ck_assert_int_eq(vfiosim_inproc_close(proc, container), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(child, container, VFIO_GET_API_VERSION, 0), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(child, event), 0);
	vfiosim_inproc_destroy(child);
	ck_assert_uint_eq(counters().containers, 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(proc, event), 0);
}
END_TEST

START_TEST(test_fork_copies_memory)
{
	struct vfiosim_inproc *child;
	uint64_t uva = map_memory(proc, PAGE);
	uint32_t value = 1;

	ck_assert_int_eq(vfiosim_inproc_poke(proc, uva, &value, 4), 0);
	ck_assert_int_eq(vfiosim_inproc_fork(proc, &child), 0);
	value = 2;
	ck_assert_int_eq(vfiosim_inproc_poke(proc, uva, &value, 4), 0);
	ck_assert_int_eq(vfiosim_inproc_peek(child, uva, &value, 4), 0);
	ck_assert_uint_eq(value, 1);
	vfiosim_inproc_destroy(child);
}
END_TEST

START_TEST(test_exec)
{
	int group, container = container_with(proc, "/dev/vfio/10", &group);
	uint32_t before = vfiosim_client_number(vfiosim_inproc_client(proc));
	uint64_t uva = map_memory(proc, PAGE);
	int device = get_device(proc, group, "0000:01:00.0");
	char byte;

	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(map_dma(proc, container, 0, uva, PAGE), 0);
	ck_assert_int_eq(vfiosim_inproc_exec(proc), 0);

	ck_assert_uint_ne(vfiosim_client_number(vfiosim_inproc_client(proc)), before);
	ck_assert_int_eq(vfiosim_inproc_peek(proc, uva, &byte, 1), -EFAULT);
	/* Device files are close-on-exec, what was opened by path is not. */
	ck_assert_int_eq(vfiosim_inproc_close(proc, device), -EBADF);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, container, VFIO_GET_API_VERSION, 0), 0);
	/* The mapping outlives the memory it names. */
	ck_assert_uint_eq(counters().mappings, 1);
	ck_assert_uint_eq(counters().clients, 2);
	ck_assert_int_eq(map_dma(proc, container, 0, map_memory(proc, PAGE), PAGE), -EEXIST);
}
END_TEST

/* The mapper exits; the child goes on with the container. */
START_TEST(test_exit_leaves_mappings)
{
	struct vfiosim_inproc *child;
	int group, container = container_with(proc, "/dev/vfio/10", &group);

	ck_assert_int_eq(map_dma(proc, container, 0, map_memory(proc, PAGE), PAGE), 0);
	ck_assert_int_eq(vfiosim_inproc_fork(proc, &child), 0);
	vfiosim_inproc_destroy(proc);
	proc = child;
	ck_assert_uint_eq(counters().mappings, 1);
	ck_assert_uint_eq(counters().clients, 2);
}
END_TEST

START_TEST(test_limits)
{
	const struct vfiosim_limits none = { 0 };
	int group, container = container_with(proc, "/dev/vfio/10", &group);

	/* This topology says unlimited, whatever the client's limits are. */
	vfiosim_inproc_set_limits(proc, &none);
	ck_assert_int_eq(map_dma(proc, container, 0, map_memory(proc, 16 * PAGE), 16 * PAGE), 0);
}
END_TEST

START_TEST(test_limits_of_the_client)
{
	const struct vfiosim_limits two_pages = { .memlock = 2 * PAGE };
	int group, container;

	vfiosim_inproc_destroy(proc);
	vfiosim_destroy(sim);
	vfiosim_topology_set_memlock(topology, VFIOSIM_MEMLOCK_CLIENT, 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(vfiosim_inproc_create(sim, &proc), 0);

	vfiosim_inproc_set_limits(proc, &two_pages);
	container = container_with(proc, "/dev/vfio/10", &group);
	ck_assert_int_eq(map_dma(proc, container, 0, map_memory(proc, 3 * PAGE), 3 * PAGE),
			 -ENOMEM);
	ck_assert_int_eq(map_dma(proc, container, 0, map_memory(proc, 2 * PAGE), 2 * PAGE), 0);
	ck_assert_uint_eq(counters().pinned_pages, 2);
}
END_TEST

/* ---- Regions ---- */

START_TEST(test_region)
{
	int group, container = container_with(proc, "/dev/vfio/10", &group);
	int device = get_device(proc, group, "0000:01:00.0");
	uint32_t in = 0x12345678, out = 0;
	uint64_t uva, none;

	ck_assert_int_eq(vfiosim_inproc_mmap_fd(proc, device, REGION(1), 1 << 20, &none), -EINVAL);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(proc, device, REGION(1) + 1, PAGE, &none), -EINVAL);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(proc, device, REGION(1) + PAGE, 2 * PAGE, &uva), 0);

	/* Loads and stores reach the device, and are seen by pread. */
	ck_assert_int_eq(vfiosim_inproc_poke(proc, uva + PAGE + 8, &in, 4), 0);
	ck_assert_int_eq(vfiosim_inproc_pread(proc, device, &out, 4, REGION(1) + 2 * PAGE + 8), 4);
	ck_assert_uint_eq(out, in);
	in = 7;
	ck_assert_int_eq(vfiosim_inproc_pwrite(proc, device, &in, 4, REGION(1) + PAGE), 4);
	ck_assert_int_eq(vfiosim_inproc_peek(proc, uva, &out, 4), 0);
	ck_assert_uint_eq(out, 7);
	ck_assert_int_eq(vfiosim_inproc_peek(proc, uva + 2 * PAGE, &out, 4), -EFAULT);

	/* A BAR can be mapped for DMA: the simulator knows whose it is. */
	ck_assert_int_eq(map_dma(proc, container, 0x1000, uva, 2 * PAGE), 0);
	ck_assert_uint_eq(counters().pinned_pages, 0);
}
END_TEST

/* A mapping keeps the device open when its descriptor is closed. */
START_TEST(test_region_holds_device)
{
	int group, device;
	uint64_t uva;
	uint32_t out;

	container_with(proc, "/dev/vfio/10", &group);
	device = get_device(proc, group, "0000:01:00.0");
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(proc, device, REGION(1), 4 * PAGE, &uva), 0);
	ck_assert_int_eq(vfiosim_inproc_close(proc, device), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, group, VFIO_GROUP_UNSET_CONTAINER, 0), -EBUSY);
	/* A hole makes two of it. */
	ck_assert_int_eq(vfiosim_inproc_munmap(proc, uva + PAGE, PAGE), 0);
	ck_assert_int_eq(vfiosim_inproc_peek(proc, uva + 2 * PAGE, &out, 4), 0);
	ck_assert_int_eq(vfiosim_inproc_munmap(proc, uva, PAGE), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, group, VFIO_GROUP_UNSET_CONTAINER, 0), -EBUSY);
	ck_assert_int_eq(vfiosim_inproc_munmap(proc, uva, 4 * PAGE), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, group, VFIO_GROUP_UNSET_CONTAINER, 0), 0);
}
END_TEST

/* ---- DMA and eventfds ---- */

static void engine_put(int device, unsigned reg, uint64_t value, size_t size)
{
	ck_assert_int_eq(vfiosim_inproc_pwrite(proc, device, &value, size, REGION(0) + reg),
			 (ssize_t)size);
}

static uint32_t engine_status(int device)
{
	uint32_t status;

	ck_assert_int_eq(vfiosim_inproc_pread(proc, device, &status, 4,
					      REGION(0) + VFIOSIM_ENGINE_STATUS), 4);
	return status;
}

static void set_msi(int device, int event)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} args = {
		.set = {
			.argsz = sizeof(args),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSI_IRQ_INDEX,
			.count = 1,
		},
		.fd = event,
	};

	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(proc, device, VFIO_DEVICE_SET_IRQS, &args,
						     sizeof(args)), 0);
}

START_TEST(test_dma_and_interrupt)
{
	int group, container = container_with(proc, "/dev/vfio/10", &group);
	int device = get_device(proc, group, "0000:01:00.0"), event = vfiosim_inproc_eventfd(proc);
	uint64_t uva = map_memory(proc, 2 * PAGE);
	char text[6] = "";

	ck_assert_int_eq(map_dma(proc, container, 0x10000, uva, 2 * PAGE), 0);
	set_msi(device, event);
	ck_assert_int_eq(vfiosim_inproc_poke(proc, uva, "hello", 6), 0);
	engine_put(device, VFIOSIM_ENGINE_SOURCE, 0x10000, 8);
	engine_put(device, VFIOSIM_ENGINE_DESTINATION, 0x10000 + PAGE - 3, 8);
	engine_put(device, VFIOSIM_ENGINE_LENGTH, 6, 8);
	engine_put(device, VFIOSIM_ENGINE_CONTROL, VFIOSIM_ENGINE_RAISE, 4);
	engine_put(device, VFIOSIM_ENGINE_COMMAND, VFIOSIM_ENGINE_COPY, 4);
	ck_assert_uint_eq(engine_status(device), VFIOSIM_ENGINE_DONE);
	ck_assert_int_eq(vfiosim_inproc_peek(proc, uva + PAGE - 3, text, 6), 0);
	ck_assert_str_eq(text, "hello");
	ck_assert_int_eq(vfiosim_inproc_event_read(proc, event), 1);
	ck_assert_int_eq(vfiosim_inproc_event_read(proc, event), 0);

	/* The device keeps the eventfd when the client closes it. */
	ck_assert_int_eq(vfiosim_inproc_close(proc, event), 0);
	engine_put(device, VFIOSIM_ENGINE_COMMAND, VFIOSIM_ENGINE_COPY, 4);
	ck_assert_uint_eq(engine_status(device), VFIOSIM_ENGINE_DONE);
}
END_TEST

/* The memory a transfer would reach is gone: it faults, and nothing else happens. */
START_TEST(test_dma_after_munmap)
{
	int group, container = container_with(proc, "/dev/vfio/10", &group);
	int device = get_device(proc, group, "0000:01:00.0");
	uint64_t uva = map_memory(proc, PAGE);

	ck_assert_int_eq(map_dma(proc, container, 0, uva, PAGE), 0);
	ck_assert_int_eq(vfiosim_inproc_munmap(proc, uva, PAGE), 0);
	engine_put(device, VFIOSIM_ENGINE_LENGTH, 16, 8);
	engine_put(device, VFIOSIM_ENGINE_COMMAND, VFIOSIM_ENGINE_READ, 4);
	ck_assert_uint_eq(engine_status(device), VFIOSIM_ENGINE_FAULTED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inproc");
	TCase *tests = tcase_create("inproc");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_descriptors);
	tcase_add_test(tests, test_bad_descriptors);
	tcase_add_test(tests, test_table_full);
	tcase_add_test(tests, test_device_without_room);
	tcase_add_test(tests, test_paths);
	tcase_add_test(tests, test_struct_bounds);
	tcase_add_test(tests, test_struct_too_large_for_the_stack);
	tcase_add_test(tests, test_fork_shares_files);
	tcase_add_test(tests, test_fork_copies_memory);
	tcase_add_test(tests, test_exec);
	tcase_add_test(tests, test_exit_leaves_mappings);
	tcase_add_test(tests, test_limits);
	tcase_add_test(tests, test_limits_of_the_client);
	tcase_add_test(tests, test_region);
	tcase_add_test(tests, test_region_holds_device);
	tcase_add_test(tests, test_dma_and_interrupt);
	tcase_add_test(tests, test_dma_after_munmap);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
