/* SPDX-License-Identifier: MIT */
/*
 * For tests of the core: a machine of a built-in topology and one process, and the
 * calls a program makes. Helpers come in pairs: __set() returns, set() asserts.
 */
#ifndef SIM_MACHINE_STORY_TEST_H
#define SIM_MACHINE_STORY_TEST_H

#include <check.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/engine.h>
#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>
#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#define PAGE ((uint64_t)VFIOSIM_PAGE_SIZE)
#define MAP_RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

struct story {
	struct vfiosim_topology *topology;
	struct vfiosim *sim;
	struct vfiosim_inproc *proc;
	const struct vfiosim_rule *rule;	/* of the last refusal */
	unsigned events;
};

static inline void story_watch(void *ctx, const struct vfiosim_event *event)
{
	struct story *story = ctx;

	story->events++;
	if (event->rule)
		story->rule = event->rule;
}

static inline void story_begin(struct story *story, const char *topology)
{
	struct vfiosim_errors error;

	memset(story, 0, sizeof(*story));
	ck_assert_int_eq(vfiosim_topology_load(topology, &story->topology, &error), 0);
	ck_assert_int_eq(vfiosim_create(story->topology, &story->sim), 0);
	ck_assert_int_eq(vfiosim_trace_add(story->sim, story_watch, story), 0);
	ck_assert_int_eq(vfiosim_inproc_create(story->sim, &story->proc), 0);
}

/* Everything is given back, or the machine's counters say otherwise. */
static inline void story_end(struct story *story)
{
	struct vfiosim_counters counters;

	vfiosim_inproc_destroy(story->proc);
	vfiosim_counters(story->sim, &counters);
	ck_assert_uint_eq(counters.containers, 0);
	ck_assert_uint_eq(counters.mappings, 0);
	ck_assert_uint_eq(counters.pinned_pages, 0);
	ck_assert_uint_eq(counters.clients, 0);
	vfiosim_destroy(story->sim);
	vfiosim_topology_free(story->topology);
}

static inline int open_container(struct story *story)
{
	int fd = vfiosim_inproc_open(story->proc, "/dev/vfio/vfio");

	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline int __open_group(struct story *story, unsigned number)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%u", number);
	return vfiosim_inproc_open(story->proc, path);
}

static inline int open_group(struct story *story, unsigned number)
{
	int fd = __open_group(story, number);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline long command(struct story *story, int fd, uint32_t cmd, uint64_t arg)
{
	return vfiosim_inproc_ioctl(story->proc, fd, cmd, arg);
}

static inline long command_struct(struct story *story, int fd, uint32_t cmd, void *data, size_t size)
{
	return vfiosim_inproc_ioctl_struct(story->proc, fd, cmd, data, size);
}

static inline long set_container(struct story *story, int group, int container)
{
	return command_struct(story, group, VFIO_GROUP_SET_CONTAINER, &container, sizeof(container));
}

static inline long unset_container(struct story *story, int group)
{
	return command(story, group, VFIO_GROUP_UNSET_CONTAINER, 0);
}

/* A container with the group of @number in it, working by type1 v2. */
static inline int container_with(struct story *story, unsigned number, int *ret_group)
{
	int container = open_container(story);

	*ret_group = open_group(story, number);
	ck_assert_int_eq(set_container(story, *ret_group, container), 0);
	ck_assert_int_eq(command(story, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	return container;
}

static inline uint64_t memory(struct story *story, uint64_t pages, unsigned prot)
{
	uint64_t uva;

	ck_assert_int_eq(vfiosim_inproc_mmap(story->proc, pages * PAGE, prot, VFIOSIM_VMA_MEMORY, &uva),
			 0);
	return uva;
}

static inline long __map(struct story *story, int container, uint64_t iova, uint64_t uva,
			 uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = flags, .vaddr = uva, .iova = iova, .size = size
	};

	return command_struct(story, container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
}

static inline void map(struct story *story, int container, uint64_t iova, uint64_t uva, uint64_t size)
{
	ck_assert_int_eq(__map(story, container, iova, uva, size, MAP_RW), 0);
}

static inline long __unmap(struct story *story, int container, uint64_t iova, uint64_t size,
			   uint32_t flags, uint64_t *ret_size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .flags = flags, .iova = iova, .size = size
	};
	long ret = command_struct(story, container, VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));

	if (ret_size)
		*ret_size = unmap.size;
	return ret;
}

static inline uint64_t unmap(struct story *story, int container, uint64_t iova, uint64_t size)
{
	uint64_t gone;

	ck_assert_int_eq(__unmap(story, container, iova, size, 0, &gone), 0);
	return gone;
}

/* The last refusal was for this reason. */
#define ck_assert_rule(story_, id_) ck_assert_str_eq((story_)->rule ? (story_)->rule->id : "", id_)

static inline void engine_write(struct story *story, int device, uint64_t at, uint64_t value,
				size_t size)
{
	ck_assert_int_eq(vfiosim_inproc_pwrite(story->proc, device, &value, size, at), (ssize_t)size);
}

static inline uint64_t engine_read(struct story *story, int device, uint64_t at, size_t size)
{
	uint64_t value = 0;

	ck_assert_int_eq(vfiosim_inproc_pread(story->proc, device, &value, size, at), (ssize_t)size);
	return value;
}

/* What the engine of @device says of a command, the doorbell being written last: an errno. */
static inline uint64_t __engine(struct story *story, int device, uint32_t command, uint64_t source,
				uint64_t destination, uint64_t length)
{
	engine_write(story, device, VFIOSIM_ENGINE_SOURCE, source, 8);
	engine_write(story, device, VFIOSIM_ENGINE_DESTINATION, destination, 8);
	engine_write(story, device, VFIOSIM_ENGINE_LENGTH, length, 8);
	engine_write(story, device, VFIOSIM_ENGINE_COMMAND, command, 4);
	return engine_read(story, device, VFIOSIM_ENGINE_ERROR, 4);
}

static inline void engine(struct story *story, int device, uint32_t command, uint64_t source,
			  uint64_t destination, uint64_t length)
{
	ck_assert_uint_eq(__engine(story, device, command, source, destination, length), 0);
	ck_assert_uint_eq(engine_read(story, device, VFIOSIM_ENGINE_STATUS, 4), VFIOSIM_ENGINE_DONE);
}

#endif
