/* SPDX-License-Identifier: MIT */
/*
 * A scripted kernel for the selection engine: every command is written down, and a
 * script says which of them fail. In the end it can be seen that everything opened
 * was closed and every object destroyed.
 */
#ifndef HARNESS_SELECT_KERNEL_TEST_H
#define HARNESS_SELECT_KERNEL_TEST_H

#include <check.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/vfiosim.h>

#include "select/select.h"

#define FDS_MAX 32

/* One rule of the script: the command's @nth call (from 1, 0: each) fails with @error. */
struct fault {
	uint32_t cmd;		/* 0: open() of a path that contains @path */
	const char *path;
	unsigned nth;
	int error;
	unsigned seen;
};

struct kernel {
	struct target target;
	struct proc proc;
	struct fault *faults;	/* ended by an error of 0 */
	char log[8192];
	size_t n;
	bool open[FDS_MAX];
	unsigned mappings;	/* maps that succeeded, less unmaps */
	unsigned objects;	/* ioas and hwpts that are there */
	uint32_t last_id;	/* of an object of an iommufd */
	long extension;		/* the answer of CHECK_EXTENSION */
	uint32_t status;
};

static struct kernel *kernel_of(struct proc *proc)
{
	return proc->ctx;
}

__attribute__((format(printf, 2, 3)))
static void note(struct kernel *kernel, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	kernel->n += (size_t)vsnprintf(kernel->log + kernel->n, sizeof(kernel->log) - kernel->n,
				       format, args);
	va_end(args);
	ck_assert_uint_lt(kernel->n, sizeof(kernel->log));
}

static int script(struct kernel *kernel, uint32_t cmd, const char *path)
{
	for (struct fault *fault = kernel->faults; fault && fault->error; fault++) {
		if (path ? !fault->path || !strstr(path, fault->path) : fault->cmd != cmd)
			continue;
		fault->seen++;
		if (!fault->nth || fault->nth == fault->seen)
			return -fault->error;
	}
	return 0;
}

static int new_fd(struct kernel *kernel)
{
	for (int fd = 3; fd < FDS_MAX; fd++)
		if (!kernel->open[fd]) {
			kernel->open[fd] = true;
			return fd;
		}
	return -EMFILE;
}

static int k_open(struct proc *proc, const char *path)
{
	struct kernel *kernel = kernel_of(proc);
	int error = script(kernel, 0, path);

	note(kernel, "open %s%s\n", path, error ? " fails" : "");
	return error ? error : new_fd(kernel);
}

static int k_close(struct proc *proc, int fd)
{
	struct kernel *kernel = kernel_of(proc);

	ck_assert_msg(fd >= 0 && fd < FDS_MAX && kernel->open[fd], "close of %d", fd);
	kernel->open[fd] = false;
	note(kernel, "close %d\n", fd);
	return 0;
}

static const struct {
	uint32_t cmd;
	const char *name;
} names[] = {
	{ VFIO_GET_API_VERSION, "version" },
	{ VFIO_CHECK_EXTENSION, "extension" },
	{ VFIO_SET_IOMMU, "set_iommu" },
	{ VFIO_GROUP_GET_STATUS, "status" },
	{ VFIO_GROUP_SET_CONTAINER, "set_container" },
	{ VFIO_GROUP_UNSET_CONTAINER, "unset_container" },
	{ VFIO_GROUP_GET_DEVICE_FD, "get_device" },
	{ VFIO_DEVICE_GET_INFO, "device_info" },
	{ VFIO_IOMMU_GET_INFO, "info" },
	{ VFIO_IOMMU_MAP_DMA, "map" },
	{ VFIO_IOMMU_UNMAP_DMA, "unmap" },
	{ VFIOSIM_DEVICE_BIND_IOMMUFD, "bind" },
	{ VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, "attach" },
	{ VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, "detach" },
	{ VFIOSIM_IOMMU_DESTROY, "destroy" },
	{ VFIOSIM_IOMMU_IOAS_ALLOC, "ioas_alloc" },
	{ VFIOSIM_IOMMU_IOAS_IOVA_RANGES, "ranges" },
	{ VFIOSIM_IOMMU_IOAS_MAP, "ioas_map" },
	{ VFIOSIM_IOMMU_IOAS_UNMAP, "ioas_unmap" },
	{ VFIOSIM_IOMMU_HWPT_ALLOC, "hwpt_alloc" },
	{ VFIOSIM_IOMMU_GET_HW_INFO, "hw_info" },
};

static const char *name_of(uint32_t cmd)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].cmd == cmd)
			return names[i].name;
	ck_abort_msg("command %x", cmd);
	return NULL;
}

static long k_ioctl(struct proc *proc, int fd, uint32_t cmd, uint64_t arg)
{
	struct kernel *kernel = kernel_of(proc);
	int error = script(kernel, cmd, NULL);

	ck_assert(kernel->open[fd]);
	note(kernel, "%s %d %d%s\n", name_of(cmd), fd, (int)arg, error ? " fails" : "");
	if (error)
		return error;
	return cmd == VFIO_CHECK_EXTENSION ? kernel->extension : 0;
}

static long iommufd_answer(struct kernel *kernel, uint32_t cmd, void *data)
{
	switch (cmd) {
	case VFIOSIM_DEVICE_BIND_IOMMUFD:
		((struct vfiosim_device_bind_iommufd *)data)->out_devid = ++kernel->last_id;
		return 0;
	case VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT:
		note(kernel, " %u", ((struct vfiosim_device_attach_iommufd_pt *)data)->pt_id);
		return 0;
	case VFIOSIM_IOMMU_IOAS_ALLOC:
		((struct vfiosim_iommu_ioas_alloc *)data)->out_ioas_id = ++kernel->last_id;
		kernel->objects++;
		return 0;
	case VFIOSIM_IOMMU_HWPT_ALLOC:
		((struct vfiosim_iommu_hwpt_alloc *)data)->out_hwpt_id = ++kernel->last_id;
		kernel->objects++;
		return 0;
	case VFIOSIM_IOMMU_DESTROY:
		note(kernel, " %u", ((struct vfiosim_iommu_destroy *)data)->id);
		kernel->objects--;
		return 0;
	default:
		return 0;
	}
}

static long answer(struct kernel *kernel, uint32_t cmd, void *data)
{
	struct vfio_iommu_type1_dma_map *map = data;
	struct vfio_iommu_type1_dma_unmap *unmap = data;

	switch (cmd) {
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)data)->flags = kernel->status;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return new_fd(kernel);
	case VFIO_IOMMU_MAP_DMA:
		note(kernel, " %llx+%llx", (unsigned long long)map->iova,
		     (unsigned long long)map->size);
		kernel->mappings++;
		return 0;
	case VFIO_IOMMU_UNMAP_DMA:
		note(kernel, " %llx+%llx", (unsigned long long)unmap->iova,
		     (unsigned long long)unmap->size);
		kernel->mappings -= kernel->mappings > 0;
		return 0;
	default:
		return iommufd_answer(kernel, cmd, data);
	}
}

static long k_ioctl_data(struct proc *proc, int fd, uint32_t cmd, void *data, size_t size)
{
	struct kernel *kernel = kernel_of(proc);
	int error = script(kernel, cmd, NULL);
	long result = error;

	ck_assert(kernel->open[fd]);
	note(kernel, "%s %d%s", name_of(cmd), fd, error ? " fails" : "");
	if (!error)
		result = answer(kernel, cmd, data);
	note(kernel, "\n");
	return result;
}

static int k_munmap(struct proc *proc, uint64_t uva, uint64_t length)
{
	note(kernel_of(proc), "munmap %llx\n", (unsigned long long)uva);
	return 0;
}

static int k_cdev(struct proc *proc, const struct target_device *device, char *to, size_t size)
{
	snprintf(to, size, "/dev/vfio/devices/%s", device->name);
	return script(kernel_of(proc), 0, to);
}

static const struct target_ops ops = {
	.name = "scripted",
	.cdev = k_cdev,
	.open = k_open,
	.close = k_close,
	.ioctl = k_ioctl,
	.ioctl_data = k_ioctl_data,
	.munmap = k_munmap,
};

static const struct target_device nic = { "nic", "0000:01:00.0", "/dev/vfio/1", 1, false, -1 };
__attribute__((unused)) static const struct target_device twin = { "twin", "0000:01:00.1", "/dev/vfio/1", 1, false, -1 };
static const struct target_device disk = { "disk", "0000:02:00.0", "/dev/vfio/2", 2, false, -1 };

static const struct section ram = { SECTION_RAM, 0, 0x100000, 0x7f0000000000, NULL };
__attribute__((unused)) static const struct section bar = { SECTION_BAR, 0xfe000000, 0x10000, 0x7f1000000000, &nic };

static void begin(struct kernel *kernel, const char *policy, struct fault *faults,
		  struct selector **ret_selector)
{
	*kernel = (struct kernel){
		.target.ops = &ops,
		.faults = faults,
		.extension = 1,
		.status = VFIO_GROUP_FLAGS_VIABLE,
	};
	kernel->proc = (struct proc){ .target = &kernel->target, .number = 1, .ctx = kernel };
	ck_assert_int_eq(selector_create(&kernel->proc, policy_by_name(policy), ret_selector), 0);
}

/* Whatever happened, in the end nothing is left. */
static void end(struct kernel *kernel, struct selector *selector)
{
	selector_destroy(selector);
	for (int fd = 0; fd < FDS_MAX; fd++)
		ck_assert_msg(!kernel->open[fd], "%d is still open:\n%s", fd, kernel->log);
	ck_assert_msg(!kernel->objects, "%u objects are left:\n%s", kernel->objects, kernel->log);
}

__attribute__((unused)) static void order(const struct kernel *kernel, const char *first, const char *then)
{
	const char *a = strstr(kernel->log, first), *b = a ? strstr(a, then) : NULL;

	ck_assert_msg(a && b, "expected '%s' and then '%s' in\n%s", first, then, kernel->log);
}

#endif
