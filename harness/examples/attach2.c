/* SPDX-License-Identifier: MIT */
/*
 * A small VFIO program with error paths worth a look: it attaches two devices, gives
 * them memory, and detaches them again.
 *
 *	attach2 [--iommufd] [--broken=HOW] [REQUIRED OPTIONAL]
 *
 * REQUIRED and OPTIONAL are folders of devices in sysfs; without them, those of the
 * built-in topology `hotadd`. Without the first device there is nothing to do: status 1.
 * Without the second the program goes on. For each device it tries the spaces (containers
 * or ioas) that it has, in order, and then makes one more; at once where memory cannot be
 * mapped into one. A mapping of memory that is
 * refused for want of memory is tried once more; the optional device's BAR is mapped for
 * the other device where that is possible.
 *
 * --broken makes it wrong in one place, as programs are: leak, ignore-map, hang, crash,
 * abort, retry, eexist, keep-half, keep-bar. It knows nothing of vfiosim.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* As in <linux/iommufd.h> and <linux/vfio.h> of Linux 6.6, which may be missing here. */
#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

#define SPACES_MAX 4
#define READY 2			/* spaces that are made at the start */
#define RAM_SIZE 0x200000ull
#define SCRATCH_IOVA 0x1000000ull
#define SCRATCH_SIZE 0x10000ull	/* of each half */
#define BAR_IOVA 0x2000000ull

enum broken { SOUND, LEAK, IGNORE_MAP, HANG, CRASH, ABORT, RETRY, EEXIST_IS_FINE,
	      KEEP_HALF, KEEP_BAR };
static const char *const broken_words[] = { "", "leak", "ignore-map", "hang", "crash",
					    "abort", "retry", "eexist", "keep-half", "keep-bar" };

/* A container; or an ioas, whose iommufd is the program's. */
struct space {
	int fd;			/* of the container; -1: an ioas */
	uint32_t ioas;
	unsigned devices;	/* attached now */
	bool mapped;		/* all memory is there */
};

struct device {
	const char *sysfs;
	char name[64];
	int group;		/* fd; -1: none */
	int fd;			/* -1: not attached */
	struct space *space;	/* NULL: not attached */
	void *bar;		/* BAR 1, or NULL */
	uint64_t bar_size;
};

struct program {
	bool uses_iommufd;
	enum broken broken;
	int iommufd;
	struct space spaces[SPACES_MAX];
	size_t n;
	void *ram;		/* of a file: memory that others may share */
	void *low;		/* ... and anonymous */
	void *scratch;
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("attach2: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(args);
}

/* ---- Memory ---- */

static int map_once(const struct program *program, const struct space *space, void *at,
		    uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = size,
	};
	struct vfiosim_iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = VFIOSIM_IOAS_MAP_FIXED_IOVA | VFIOSIM_IOAS_MAP_READABLE |
			 VFIOSIM_IOAS_MAP_WRITEABLE,
		.ioas_id = space->ioas,
		.user_va = (uintptr_t)at,
		.iova = iova,
		.length = size,
	};

	return space->fd < 0 ? ioctl(program->iommufd, VFIOSIM_IOMMU_IOAS_MAP, &map) :
			       ioctl(space->fd, VFIO_IOMMU_MAP_DMA, &dma);
}

/* What a program does that believes its memory is always there. */
static int map_failed(const struct program *program)
{
	switch (program->broken) {
	case IGNORE_MAP:
		return 0;
	case EEXIST_IS_FINE:
		return errno == EEXIST ? 0 : -1;
	case HANG:
		for (;;)
			pause();
	case ABORT:
		abort();
	default:
		return -1;
	}
}

static int map(const struct program *program, const struct space *space, void *at, uint64_t iova,
	       uint64_t size)
{
	int ret = map_once(program, space, at, iova, size);

	while (ret && program->broken == RETRY)
		ret = map_once(program, space, at, iova, size);
	if (ret && errno == ENOMEM)
		ret = map_once(program, space, at, iova, size);
	return ret ? map_failed(program) : 0;
}

static int unmap(const struct program *program, const struct space *space, uint64_t iova,
		 uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap dma = { .argsz = sizeof(dma), .iova = iova, .size = size };
	struct vfiosim_iommu_ioas_unmap iommufd = {
		.size = sizeof(iommufd), .ioas_id = space->ioas, .iova = iova, .length = size
	};

	return space->fd < 0 ? ioctl(program->iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &iommufd) :
			       ioctl(space->fd, VFIO_IOMMU_UNMAP_DMA, &dma);
}

/* All memory, and none if not all. */
static int map_memory(const struct program *program, struct space *space)
{
	if (space->mapped)
		return 0;
	if (map(program, space, program->low, 0, RAM_SIZE))
		return -1;
	if (map(program, space, program->ram, RAM_SIZE, RAM_SIZE)) {
		say("cannot map memory");
		unmap(program, space, 0, RAM_SIZE);
		return -1;
	}
	space->mapped = true;
	return 0;
}

/* ---- Spaces ---- */

static int space_make(struct program *program)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct space *space = &program->spaces[program->n];

	if (program->n == SPACES_MAX)
		return errno = ENOSPC, -1;
	*space = (struct space){ .fd = -1 };
	if (program->uses_iommufd) {
		if (ioctl(program->iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc))
			return -1;
		space->ioas = alloc.out_ioas_id;
	} else {
		space->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
		if (space->fd < 0)
			return -1;
	}
	program->n++;
	return 0;
}

/* A container gets its IOMMU driver with its first group, and loses it with the last. */
static int space_set_iommu(const struct program *program, struct space *space)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	if (space->devices)
		return 0;
	if (ioctl(space->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) &&
	    ioctl(space->fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
		return -1;
	if (ioctl(space->fd, VFIO_IOMMU_GET_INFO, &info)) {
		if (program->broken == CRASH)
			*(volatile int *)NULL = 0;	/* cppcheck-suppress nullPointer ; on purpose */
		return -1;
	}
	return 0;
}

/* ---- Devices ---- */

static int join(const struct program *program, struct device *device, struct space *space)
{
	struct vfiosim_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach), .pt_id = space->ioas
	};

	return program->uses_iommufd ?
		       ioctl(device->fd, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &attach) :
		       ioctl(device->group, VFIO_GROUP_SET_CONTAINER, &space->fd);
}

static void leave(const struct program *program, struct device *device, struct space *space)
{
	struct vfiosim_device_detach_iommufd_pt detach = { .argsz = sizeof(detach) };

	if (program->uses_iommufd)
		ioctl(device->fd, VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, &detach);
	else
		ioctl(device->group, VFIO_GROUP_UNSET_CONTAINER);
	if (!program->uses_iommufd && !space->devices)
		space->mapped = false;
}

/* *@ret_usable: another device might still do with this space. */
static int attach_to(const struct program *program, struct device *device, struct space *space,
		     bool *ret_usable)
{
	bool has_iommu;
	int error;

	*ret_usable = true;
	if (join(program, device, space))
		return -1;
	has_iommu = program->uses_iommufd || !space_set_iommu(program, space);
	*ret_usable = !has_iommu;
	if (has_iommu && !map_memory(program, space)) {
		space->devices++;
		device->space = space;
		return 0;
	}
	error = errno;
	leave(program, device, space);
	errno = error;
	return -1;
}

/* The spaces there are, in order, as long as memory is not the matter; then a new one. */
static int attach(struct program *program, struct device *device)
{
	bool usable = true;

	for (size_t i = 0; usable && i < program->n; i++)
		if (!attach_to(program, device, &program->spaces[i], &usable))
			return 0;
	if (space_make(program))
		return -1;
	return attach_to(program, device, &program->spaces[program->n - 1], &usable);
}

static int link_name(const char *folder, const char *link, char *to, size_t size)
{
	char path[512], target[512];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", folder, link);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = 0;
	snprintf(to, size, "%.*s", (int)size - 1,
		 strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	return 0;
}

static int open_group(struct device *device)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char number[64], path[128];

	if (link_name(device->sysfs, "iommu_group", number, sizeof(number)))
		return -1;
	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	device->group = open(path, O_RDWR | O_CLOEXEC);
	if (device->group < 0 || ioctl(device->group, VFIO_GROUP_GET_STATUS, &status))
		return -1;
	if (status.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	errno = EPERM;
	return -1;
}

static int open_cdev(const struct program *program, struct device *device)
{
	struct vfiosim_device_bind_iommufd bind = {
		.argsz = sizeof(bind), .iommufd = program->iommufd
	};
	struct dirent *entry;
	char path[512];
	DIR *folder;

	snprintf(path, sizeof(path), "%s/vfio-dev", device->sysfs);
	folder = opendir(path);
	if (!folder)
		return -1;
	while ((entry = readdir(folder)) && entry->d_name[0] == '.')
		;
	if (entry)
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.64s", entry->d_name);
	device->fd = entry ? open(path, O_RDWR | O_CLOEXEC) : -1;
	closedir(folder);
	return device->fd < 0 ? -1 : ioctl(device->fd, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind);
}

/* Its BAR 1; what cannot be had is done without. */
static void map_bar(struct device *device)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_BAR1_REGION_INDEX };

	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info) ||
	    !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	device->bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd,
			   (off_t)info.offset);
	device->bar_size = info.size;
	if (device->bar == MAP_FAILED)
		device->bar = NULL;
}

static int attach_and_open(struct program *program, struct device *device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (program->uses_iommufd ? open_cdev(program, device) : open_group(device))
		return -1;
	if (attach(program, device))
		return -1;
	if (!program->uses_iommufd) {
		device->fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, device->name);
		if (device->fd < 0)
			return -1;
	}
	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info))
		return -1;
	map_bar(device);
	return 0;
}

static void device_init(struct device *device, const char *sysfs)
{
	*device = (struct device){ .sysfs = sysfs, .group = -1, .fd = -1 };
	snprintf(device->name, sizeof(device->name), "%.63s", strrchr(sysfs, '/') + 1);
}

/* Whatever there is of it. */
static void device_done(const struct program *program, struct device *device, bool refused)
{
	struct space *space = device->space;

	if (device->bar)
		munmap(device->bar, device->bar_size);
	if (space)
		space->devices--;
	if (program->uses_iommufd && space)
		leave(program, device, space);
	if (device->fd >= 0)
		close(device->fd);
	if (!program->uses_iommufd && space)
		leave(program, device, space);
	if (device->group >= 0 && !(refused && program->broken == LEAK))
		close(device->group);
	device_init(device, device->sysfs);
}

/* 0: it is attached. Else nothing of it is left. */
static int device_add(struct program *program, struct device *device)
{
	if (!attach_and_open(program, device))
		return 0;
	say("%s cannot be attached", device->name);
	device_done(program, device, true);
	return -1;
}

/* ---- The program ---- */

static void drop_scratch(const struct program *program, const struct space *space, uint64_t iova)
{
	if (unmap(program, space, iova, SCRATCH_SIZE))
		say("scratch memory cannot be unmapped");
}

/* Memory for a while, as a guest's driver has it: two halves, both or none. */
static void use_scratch(const struct program *program, const struct space *space)
{
	char *half = (char *)program->scratch + SCRATCH_SIZE;

	if (map(program, space, program->scratch, SCRATCH_IOVA, SCRATCH_SIZE)) {
		say("no scratch memory");
		return;
	}
	if (map(program, space, half, SCRATCH_IOVA + SCRATCH_SIZE, SCRATCH_SIZE)) {
		say("only half of the scratch memory");
		if (program->broken == KEEP_HALF)
			return;
	} else {
		drop_scratch(program, space, SCRATCH_IOVA + SCRATCH_SIZE);
	}
	drop_scratch(program, space, SCRATCH_IOVA);
}

/* For the tools that look at a run from outside. */
static void mark(const char *name)
{
	const char *path = getenv("VFIOSIM_CTL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	if (dprintf(fd, "mark %s\n", name) < 0)
		say("cannot mark");
	close(fd);
}

/* The one may reach the registers of the other, where that is possible. */
static void map_bar_for(const struct program *program, const struct device *other,
			struct device *device)
{
	if (!device->bar || device->space != other->space ||
	    !map_once(program, other->space, device->bar, BAR_IOVA, device->bar_size))
		return;
	say("the devices do without each other");
	if (program->broken == KEEP_BAR)
		device->bar = NULL;
}

static int work(struct program *program, struct device *required, struct device *optional)
{
	if (device_add(program, required))
		return 1;
	use_scratch(program, required->space);
	if (!device_add(program, optional))
		map_bar_for(program, required, optional);
	mark("attached");
	device_done(program, optional, false);
	device_done(program, required, false);
	return 0;
}

static void *memory(const char *name)
{
	int fd = name ? memfd_create(name, MFD_CLOEXEC) : -1;
	void *at = MAP_FAILED;

	if (!name || (fd >= 0 && !ftruncate(fd, RAM_SIZE)))
		at = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
			  name ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
	if (fd >= 0)
		close(fd);
	return at;
}

static int program_init(struct program *program)
{
	program->iommufd = -1;
	program->ram = memory("ram");
	program->low = memory(NULL);
	program->scratch = memory("scratch");
	if (program->ram == MAP_FAILED || program->low == MAP_FAILED ||
	    program->scratch == MAP_FAILED)
		return -1;
	if (program->uses_iommufd) {
		program->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
		if (program->iommufd < 0)
			return -1;
	}
	while (program->n < READY)
		if (space_make(program))
			break;
	return program->n ? 0 : -1;
}

static void program_done(struct program *program)
{
	for (size_t i = 0; i < program->n; i++)
		if (program->spaces[i].fd >= 0)
			close(program->spaces[i].fd);
	if (program->iommufd >= 0)
		close(program->iommufd);
}

static int usage(void)
{
	fputs("attach2 [--iommufd] [--broken=HOW] [REQUIRED OPTIONAL]\n", stderr);
	return 2;
}

static int parse(struct program *program, const char *text)
{
	if (!strcmp(text, "--iommufd"))
		return program->uses_iommufd = true, 0;
	for (size_t i = 1; i < sizeof(broken_words) / sizeof(broken_words[0]); i++)
		if (!strncmp(text, "--broken=", 9) && !strcmp(text + 9, broken_words[i]))
			return program->broken = (enum broken)i, 0;
	return -1;
}

int main(int argc, char **argv)
{
	const char *required = "/sys/bus/pci/devices/0000:01:00.0";
	const char *optional = "/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
	struct program program = { 0 };
	struct device first, second;
	int status = 1;

	for (argv++, argc--; argc && !strncmp(*argv, "--", 2); argv++, argc--)
		if (parse(&program, *argv))
			return usage();
	if (argc && argc != 2)
		return usage();
	device_init(&first, argc ? argv[0] : required);
	device_init(&second, argc ? argv[1] : optional);
	if (program_init(&program))
		say("cannot begin");
	else
		status = work(&program, &first, &second);
	program_done(&program);
	return status;
}
