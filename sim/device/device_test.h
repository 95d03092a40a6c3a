/* SPDX-License-Identifier: MIT */
/*
 * For tests: a machine, a client in this process, and one device opened through
 * its group. Calls come in pairs: __NAME() returns, NAME() asserts that it worked.
 */
#ifndef SIM_DEVICE_DEVICE_TEST_H
#define SIM_DEVICE_DEVICE_TEST_H

#include <check.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>
#include <vfiosim/vfiosim.h>

#include "base/suite_test.h"

struct bench {
	struct vfiosim_topology *topology;
	struct vfiosim *sim;
	struct vfiosim_inproc *proc;
	int container, group, device;
	char address[64];
};

#define REGION(index_) ((uint64_t)(index_) << 40)

static inline long bench_ioctl(struct bench *b, int fd, uint32_t cmd, void *data, size_t size)
{
	return vfiosim_inproc_ioctl_struct(b->proc, fd, cmd, data, size);
}

/* A plain ioctl on the device. */
static inline long device_ioctl(struct bench *b, uint32_t cmd, void *data, size_t size)
{
	return bench_ioctl(b, b->device, cmd, data, size);
}

static inline int bench_open_group(struct bench *b, const char *name)
{
	int index = vfiosim_topology_device(b->topology, name);
	const struct vfiosim_topo_device *topo;
	char path[64];

	ck_assert_int_ge(index, 0);
	topo = &b->topology->devices[index];
	snprintf(b->address, sizeof(b->address), "%s", topo->address);
	snprintf(path, sizeof(path), "/dev/vfio/%u", b->topology->groups[topo->group].number);
	return vfiosim_inproc_open(b->proc, path);
}

static inline int __bench_get_device(struct bench *b, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", name);
	return (int)bench_ioctl(b, b->group, VFIO_GROUP_GET_DEVICE_FD, text, strlen(text) + 1);
}

/* @topology: the name of a built-in one, or its text. */
static inline void bench_load(struct bench *b, const char *topology)
{
	struct vfiosim_errors error;
	int ret;

	if (strchr(topology, '\n'))
		ret = vfiosim_topology_parse("test", topology, strlen(topology), &b->topology,
					     &error);
	else
		ret = vfiosim_topology_load(topology, &b->topology, &error);
	ck_assert_msg(!ret, "%u: %s", error.list[0].line, error.list[0].message);
}

/* On a machine that is loaded. */
static inline void bench_start(struct bench *b, const char *name)
{
	ck_assert_int_eq(vfiosim_create(b->topology, &b->sim), 0);
	ck_assert_int_eq(vfiosim_inproc_create(b->sim, &b->proc), 0);
	b->container = vfiosim_inproc_open(b->proc, "/dev/vfio/vfio");
	ck_assert_int_ge(b->container, 0);
	b->group = bench_open_group(b, name);
	ck_assert_int_ge(b->group, 0);
	ck_assert_int_eq(bench_ioctl(b, b->group, VFIO_GROUP_SET_CONTAINER, &b->container, 4), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(b->proc, b->container, VFIO_SET_IOMMU,
					      VFIO_TYPE1v2_IOMMU), 0);
	b->device = __bench_get_device(b, b->address);
	ck_assert_int_ge(b->device, 0);
}

static inline void bench_init(struct bench *b, const char *topology, const char *name)
{
	bench_load(b, topology);
	bench_start(b, name);
}

static inline void bench_done(struct bench *b)
{
	vfiosim_inproc_destroy(b->proc);
	vfiosim_destroy(b->sim);
	vfiosim_topology_free(b->topology);
}

/* ---- Registers ---- */

static inline uint64_t get(struct bench *b, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	ck_assert_int_eq(vfiosim_inproc_pread(b->proc, b->device, &value, size, offset), size);
	return value;
}

static inline void put(struct bench *b, uint64_t offset, unsigned size, uint64_t value)
{
	ck_assert_int_eq(vfiosim_inproc_pwrite(b->proc, b->device, &value, size, offset), size);
}

/* ---- Interrupts ---- */

static inline long __set_irqs(struct bench *b, uint32_t index, uint32_t flags, uint32_t start,
			      uint32_t count, const void *data, size_t size)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + 64];
	} u = { .set = { .argsz = (uint32_t)(sizeof(u.set) + size), .flags = flags, .index = index,
			 .start = start, .count = count } };

	ck_assert_uint_le(size, 64);
	if (size)
		memcpy(u.bytes + sizeof(u.set), data, size);
	return device_ioctl(b, VFIO_DEVICE_SET_IRQS, &u, sizeof(u.set) + size);
}

#define IRQ_TRIGGER_FD (VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_EVENTFD)
#define IRQ_TRIGGER_NONE (VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE)

static inline long __set_irq_fd(struct bench *b, uint32_t index, uint32_t vector, int fd)
{
	return __set_irqs(b, index, IRQ_TRIGGER_FD, vector, 1, &fd, sizeof(fd));
}

static inline void set_irq_fd(struct bench *b, uint32_t index, uint32_t vector, int fd)
{
	ck_assert_int_eq(__set_irq_fd(b, index, vector, fd), 0);
}

static inline long __irq_none(struct bench *b, uint32_t index, uint32_t action, uint32_t count)
{
	return __set_irqs(b, index, action | VFIO_IRQ_SET_DATA_NONE, 0, count, NULL, 0);
}

/* ---- Mappings ---- */

static inline void map(struct bench *b, uint64_t iova, uint64_t uva, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = flags, .vaddr = uva, .iova = iova, .size = size
	};

	ck_assert_int_eq(bench_ioctl(b, b->container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map)), 0);
}

static inline void unmap(struct bench *b, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size
	};

	ck_assert_int_eq(bench_ioctl(b, b->container, VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap)),
			 0);
	ck_assert_uint_eq(unmap.size, size);
}

#endif
