/* SPDX-License-Identifier: MIT */
/* VFIO's calls as functions, and the lines that several cases print alike. */
#include "probe.h"

#include <sys/wait.h>

/* ---- Opening and attaching --------------------------------------------- */

int container_open(void)
{
	return open("/dev/vfio/vfio", O_RDWR);
}

int group_open(const struct place *at)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", at->group);
	return open(path, O_RDWR);
}

int cdev_open(const struct place *at)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%d", at->cdev);
	return open(path, O_RDWR | O_CLOEXEC);
}

int group_set(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

int group_unset(int group)
{
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER);
}

int group_status(int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	return ioctl(group, VFIO_GROUP_GET_STATUS, &status) ? -1 : (int)status.flags;
}

int device_fd(int group, const struct place *at)
{
	return ioctl(group, VFIO_GROUP_GET_DEVICE_FD, at->name);
}

static void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "facts-probe: %s: %s; the case cannot go on\n", what, strerror(errno));
	exit(1);
}

struct space space_open(const struct place *at, unsigned long type)
{
	struct space space = { container_open(), group_open(at) };

	must(space.container >= 0, "open container");
	must(space.group >= 0, "open group");
	must(!group_set(space.group, space.container), "VFIO_GROUP_SET_CONTAINER");
	must(!ioctl(space.container, VFIO_SET_IOMMU, type), "VFIO_SET_IOMMU");
	return space;
}

void space_close(struct space *space)
{
	close(space->group);
	close(space->container);
}

/* ---- Mapping ----------------------------------------------------------- */

int map_flags(int container, uint64_t iova, uint64_t size, const void *vaddr, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &arg);
}

int map(int container, uint64_t iova, uint64_t size, const void *vaddr)
{
	return map_flags(container, iova, size, vaddr, RW);
}

int unmap_flags(int container, uint64_t iova, uint64_t *size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	int ret = ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg);

	*size = arg.size;
	return ret;
}

int unmap_all(int container, uint64_t *size)
{
	*size = 0;
	return unmap_flags(container, 0, size, VFIO_DMA_UNMAP_FLAG_ALL);
}

void say_unmap(int container, uint64_t iova, uint64_t size, uint32_t flags, const char *name, ...)
{
	char text[128], extra[32];
	va_list args;
	int ret = unmap_flags(container, iova, &size, flags);

	snprintf(extra, sizeof(extra), "size=0x%llx", (unsigned long long)size);
	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	say_extra(extra, ret, "%s", text);
}

/* ---- Asking ------------------------------------------------------------ */

/* Text that grows in a buffer of fixed size. */
struct text {
	char bytes[2048];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	size_t room = sizeof(text->bytes) - text->n;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->bytes + text->n, room, format, args);
	va_end(args);
	text->n += n < 0 || (size_t)n >= room ? room - 1 : (size_t)n;
}

static void add_ranges(struct text *text, const struct vfio_iommu_type1_info_cap_iova_range *cap)
{
	add(text, ",n=%u", cap->nr_iovas);
	for (uint32_t i = 0; i < cap->nr_iovas; i++)
		add(text, " %llx-%llx", (unsigned long long)cap->iova_ranges[i].start,
		    (unsigned long long)cap->iova_ranges[i].end);
}

static void add_capability(struct text *text, const struct vfio_info_cap_header *cap)
{
	const struct vfio_iommu_type1_info_cap_migration *migration = (const void *)cap;
	const struct vfio_iommu_type1_info_dma_avail *avail = (const void *)cap;

	add(text, " cap%u(v%u,next=%u", cap->id, cap->version, cap->next);
	switch (cap->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		add_ranges(text, (const void *)cap);
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		add(text, ",flags=%x,pgsizes=0x%llx,maxbitmap=0x%llx", migration->flags,
		    (unsigned long long)migration->pgsize_bitmap,
		    (unsigned long long)migration->max_dirty_bitmap_size);
		break;
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		add(text, ",avail=%u", avail->avail);
		break;
	}
	add(text, ")");
}

void say_info(int container, const char *name, ...)
{
	union {
		struct vfio_iommu_type1_info info;
		char bytes[sizeof(struct vfio_iommu_type1_info) + 4096];
	} u = { .info.argsz = sizeof(u) };
	struct text text = { .n = 0 };
	char line[128];
	va_list args;
	int ret = ioctl(container, VFIO_IOMMU_GET_INFO, &u);

	va_start(args, name);
	vsnprintf(line, sizeof(line), name, args);
	va_end(args);
	if (ret) {
		say(ret, "%s", line);
		return;
	}
	add(&text, "argsz=%u flags=0x%x pgsizes=0x%llx cap_offset=%u", u.info.argsz, u.info.flags,
	    (unsigned long long)u.info.iova_pgsizes, u.info.cap_offset);
	for (uint32_t at = u.info.cap_offset; at && at < sizeof(u.bytes) - 64;) {
		const struct vfio_info_cap_header *cap = (const void *)(u.bytes + at);

		add_capability(&text, cap);
		at = cap->next > at ? cap->next : 0;
	}
	say_extra(text.bytes, ret, "%s", line);
}

void say_extensions(int container, const char *state)
{
	for (unsigned long i = 0; i <= 20; i++)
		say(ioctl(container, VFIO_CHECK_EXTENSION, i), "check_ext[%s] %lu", state, i);
}

/* ---- Memory, children, files ------------------------------------------- */

void *memory(unsigned long pages)
{
	void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	must(at != MAP_FAILED, "mmap");
	memset(at, 0x5a, pages * PAGE);
	return at;
}

void *nowhere(unsigned long pages)
{
	void *at = memory(pages);

	munmap(at, pages * PAGE);
	return at;
}

void in_child(void (*body)(void *), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		body(arg);
		fflush(NULL);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, NULL, 0) == pid, "child");
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	errno = error;
	return (int)n;
}
