/* SPDX-License-Identifier: MIT */
/* map_file: IOMMU_IOAS_MAP_FILE, which maps what a file holds, without an address. */
#include "iommufd.h"

#include <linux/memfd.h>
#include <sys/eventfd.h>

/* On the root file system, and nobody's shared memory. */
#define ROOT_FILE "/etc/passwd"

static int map_file_flags(int fd, uint32_t ioas, uint64_t iova, uint64_t length, int file,
			  uint64_t start, uint32_t flags)
{
	struct map_arg arg = {
		.size = sizeof(arg), .flags = flags, .ioas = ioas, .reserved = (uint32_t)file,
		.vaddr = start, .length = length, .iova = iova,
	};

	return ioctl(fd, IOAS_MAP_FILE, &arg);
}

static int map_file(int fd, uint32_t ioas, uint64_t iova, uint64_t length, int file,
		    uint64_t start)
{
	return map_file_flags(fd, ioas, iova, length, file, start, FIXED_RW);
}

struct files {
	int memfd;		/* 8 pages */
	int memfd_read_only;	/* the same one */
	int null, root, tmpfs, iommu, event;
};

static int tmpfs_file(void)
{
	char path[] = "/dev/shm/facts-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	return ftruncate(fd, (off_t)PAGE) ? -1 : fd;
}

static struct files files_open(void)
{
	struct files f = {
		.memfd = memfd_create("facts", MFD_CLOEXEC),
		.null = open("/dev/null", O_RDWR),
		.root = open(ROOT_FILE, O_RDONLY),
		.tmpfs = tmpfs_file(),
		.iommu = iommufd_open(),
		.event = eventfd(0, 0),
	};
	char path[32];

	if (ftruncate(f.memfd, (off_t)(8 * PAGE)))
		fprintf(stderr, "facts-probe: memfd: %s\n", strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f.memfd);
	f.memfd_read_only = open(path, O_RDONLY);
	return f;
}

/* Nothing is attached: nobody looks into the files. */
static void say_lazy(int fd, uint32_t ioas, const struct files *f)
{
	say(map_file(fd, ioas, 0x100000, 4 * PAGE, f->memfd, 0), "memfd");
	say(map_file(fd, ioas, 0x100000, 4 * PAGE, f->memfd, 0), "memfd overlap");
	say(map_file(fd, ioas, 0x110000, 4 * PAGE, f->memfd, 4 * PAGE), "memfd offset");
	say(map_file(fd, ioas, 0x120000, PAGE, f->memfd, 0x800), "memfd unaligned start");
	say(map_file(fd, ioas, 0x130000, 0x800, f->memfd, 0), "memfd unaligned length");
	say(map_file(fd, ioas, 0x140000, 4 * PAGE, f->memfd, 64 * PAGE), "memfd beyond EOF");
	say(map_file_flags(fd, ioas, 0x150000, 4 * PAGE, f->memfd_read_only, 0, FIXED_RW),
	    "memfd read-only fd, W");
	say(map_file(fd, ioas, 0x160000, PAGE, -1, 0), "fd=-1");
	say(map_file(fd, ioas, 0x160000, PAGE, 9999, 0), "fd=9999");
	say(map_file(fd, ioas, 0x160000, PAGE, f->null, 0), "/dev/null");
	say(map_file(fd, ioas, 0x170000, PAGE, f->root, 0), "rootfs (ramfs/tmpfs) file");
	say(map_file(fd, ioas, 0x180000, 0, f->memfd, 0), "length 0");
	say(map_file_flags(fd, ioas, 0x180000, PAGE, f->memfd, 0, FIXED), "no prot");
	say(map_file_flags(fd, ioas, 0x180000, PAGE, f->memfd, 0, FIXED_RW | 8), "flags=8");
	say_ioas_unmap(fd, ioas, 0x100000, PAGE, "UNMAP partial");
	say(map_file(fd, ioas, 0x180000, PAGE, f->iommu, 0), "MAP_FILE of /dev/iommu itself");
}

/* A device is attached: they have to be memory. */
static void say_pinned(int fd, uint32_t ioas, const struct files *f)
{
	say(map_file(fd, ioas, 0x100000, 4 * PAGE, f->memfd, 0), "memfd, attached");
	say(map_file(fd, ioas, 0x110000, PAGE, f->null, 0), "/dev/null, attached");
	say(map_file(fd, ioas, 0x110000, PAGE, f->root, 0), "rootfs file, attached");
	say(map_file(fd, ioas, 0x120000, PAGE, f->tmpfs, 0), "tmpfs file, attached");
	say(map_file(fd, ioas, 0x130000, PAGE, f->memfd, 0x800), "unaligned start, attached");
	say(map_file(fd, ioas, 0x140000, PAGE, f->memfd_read_only, 0),
	    "memfd read-only fd W, attached");
	say(map_file(fd, ioas, 0x150000, PAGE, f->iommu, 0), "/dev/iommu, attached");
	say(map_file(fd, ioas, 0x150000, PAGE, f->event, 0), "eventfd, attached");
}

static void say_change_process(int fd)
{
	struct {
		uint32_t size, reserved;
	} arg = { .size = sizeof(arg) };

	say(ioctl(fd, CHANGE_PROCESS, &arg), "CHANGE_PROCESS file maps only");
	arg.reserved = 1;
	say(ioctl(fd, CHANGE_PROCESS, &arg), "CHANGE_PROCESS reserved");
}

void case_iommufd_map_file(void)
{
	struct files f = files_open();
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd);
	uint32_t ioas = ioas_alloc(fd);

	say_lazy(fd, ioas, &f);
	say(attach_to(a.cdev, ioas), "ATTACH with a mapping beyond EOF");
	say_ioas_unmap_all(fd, ioas, "UNMAP all");
	say(attach_to(a.cdev, ioas), "ATTACH");
	say_pinned(fd, ioas, &f);
	say_change_process(fd);
}
