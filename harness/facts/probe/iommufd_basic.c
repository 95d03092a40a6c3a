/* SPDX-License-Identifier: MIT */
/* basic and objects: /dev/iommu alone; how commands are measured; ids. */
#include "iommufd.h"

#include <poll.h>
#include <sys/stat.h>
#include <termios.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- basic: the file ---------------------------------------------------- */

static void say_file(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	struct stat st = { 0 };
	char buffer[8] = "", extra[32];
	int n;

	fstat(fd, &st);
	note("stat: mode=%o major=%u", st.st_mode, (unsigned)(st.st_rdev >> 8));
	say(read(fd, buffer, sizeof(buffer)), "read");
	say(write(fd, buffer, sizeof(buffer)), "write");
	say(lseek(fd, 0, SEEK_SET), "lseek");
	say(AS_RESULT((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0)), "mmap");
	n = poll(&poll_fd, 1, 0);
	snprintf(extra, sizeof(extra), "revents=0x%x", poll_fd.revents);
	say_extra(extra, n, "poll");
}

static void say_unknown(int fd)
{
	static const unsigned long numbers[] = { 0x9f, 0xa1, 0xff };
	struct object_arg arg = { .size = sizeof(arg) };
	struct termios termios;

	for (size_t i = 0; i < COUNT(numbers); i++)
		say(ioctl(fd, _IO(';', numbers[i]), &arg), "unknown ioctl ';',0x%lx", numbers[i]);
	say(ioctl(fd, _IOWR(';', 0x81, struct object_arg), &arg),
	    "IOAS_ALLOC number with _IOWR encoding");
	say(ioctl(fd, _IO(';', 0x95), NULL), "unknown ';',0x95 NULL");
	say(ioctl(fd, TCGETS, &termios), "TCGETS");
}

/* ---- basic: sizes ------------------------------------------------------- */

/* A structure and what follows it; behind it lies more that is not zero. */
static struct {
	uint32_t words[65536 / 4];
	char more[8192];
} large;

static void clear_large(void)
{
	memset(&large, 0, sizeof(large.words));
	memset(large.more, 0x5a, sizeof(large.more));
}

static void say_size(int fd, uint32_t size, bool zero)
{
	char extra[32];
	int ret;

	clear_large();
	large.words[0] = size;
	if (!zero)
		((char *)&large)[size - 1] = 1;
	ret = ioctl(fd, IOAS_ALLOC, &large);
	snprintf(extra, sizeof(extra), "id=%u", large.words[2]);
	say_extra(extra, ret, "IOAS_ALLOC size=%u tail %s", size, zero ? "zero" : "nonzero");
}

/* @size bytes at the end of a page; the next one is not mapped. */
static void *before_nothing(size_t size)
{
	char *pages = memory(2);

	munmap(pages + PAGE, PAGE);
	return memset(pages + PAGE - size, 0, size);
}

static void say_sizes(int fd)
{
	static const uint32_t sizes[] = { 0, 4, 8, 12, 13, 16, 24, 4096, 65536 };
	static const uint32_t huge[] = { 0x7fffffff, 0xffffffff };
	uint32_t *at_end = before_nothing(12);

	for (size_t i = 0; i < COUNT(sizes); i++) {
		say_size(fd, sizes[i], true);
		if (sizes[i] > 13)
			say_size(fd, sizes[i], false);
	}
	at_end[0] = 64;
	say(ioctl(fd, IOAS_ALLOC, at_end), "IOAS_ALLOC size=64 tail unmapped");
	at_end[0] = 12;
	say(ioctl(fd, IOAS_ALLOC, at_end), "IOAS_ALLOC size=12 at page end");
	for (size_t i = 0; i < COUNT(huge); i++) {
		clear_large();
		large.words[0] = huge[i];
		say(ioctl(fd, IOAS_ALLOC, &large), "IOAS_ALLOC size=0x%x", huge[i]);
	}
}

/* Zeros of every size, and where the answer changes. */
static void say_zeroed(int fd, unsigned long command, const char *name)
{
	char text[512];
	int ret, last = -1, n = 0;

	for (uint32_t size = 0; size <= 128; size += 4) {
		clear_large();
		large.words[0] = size;
		ret = ioctl(fd, command, &large) < 0 ? errno : 0;
		if (ret != last)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " %u:%s", size,
				      ret ? strerrorname_np(ret) : "ok");
		last = ret;
		if (!ret && command == IOAS_ALLOC)
			destroy(fd, large.words[2]);
	}
	clear_large();
	large.words[0] = 128;
	large.words[31] = 1;
	ret = ioctl(fd, command, &large);
	note("%s: zeroed struct by size:%s; 128 with nonzero tail: %s", name, text,
	     ret ? strerrorname_np(errno) : "ok");
}

static void say_all_zeroed(int fd)
{
	static const struct {
		unsigned long number;
		const char *name;
	} commands[] = {
		{ DESTROY, "DESTROY" },
		{ IOAS_ALLOC, "IOAS_ALLOC" },
		{ ALLOW_IOVAS, "ALLOW_IOVAS" },
		{ IOAS_COPY, "COPY" },
		{ IOVA_RANGES, "IOVA_RANGES" },
		{ IOAS_MAP, "MAP" },
		{ IOAS_UNMAP, "UNMAP" },
		{ OPTION, "OPTION" },
		{ VFIO_IOAS, "VFIO_IOAS" },
		{ HWPT_ALLOC, "HWPT_ALLOC" },
		{ GET_HW_INFO, "GET_HW_INFO" },
		{ SET_DIRTY, "SET_DIRTY" },
		{ GET_DIRTY_BITMAP, "GET_DIRTY_BITMAP" },
		{ HWPT_INVALIDATE, "HWPT_INVALIDATE" },
		{ IOAS_MAP_FILE, "MAP_FILE" },
		{ VIOMMU_ALLOC, "VIOMMU_ALLOC" },
		{ VDEVICE_ALLOC, "VDEVICE_ALLOC" },
		{ CHANGE_PROCESS, "CHANGE_PROCESS" },
		{ VEVENTQ_ALLOC, "VEVENTQ_ALLOC" },
		{ HW_QUEUE_ALLOC, "HW_QUEUE_ALLOC" },
	};

	for (size_t i = 0; i < COUNT(commands); i++)
		say_zeroed(fd, commands[i].number, commands[i].name);
}

void case_iommufd_basic(void)
{
	struct object_arg arg = { .size = sizeof(arg) };
	int fd = iommufd_open(), read_only, ret;
	char extra[32];

	say(AS_RESULT(fd), "open /dev/iommu");
	say(AS_RESULT(iommufd_open()), "open again");
	read_only = open("/dev/iommu", O_RDONLY);
	say(ioctl(read_only, IOAS_ALLOC, &arg), "IOAS_ALLOC on O_RDONLY");
	say_file(fd);
	say_unknown(fd);
	say_sizes(fd);
	arg = (struct object_arg){ .size = sizeof(arg) };
	ret = ioctl(fd, IOAS_ALLOC, &arg);
	snprintf(extra, sizeof(extra), "id=%u", arg.out_id);
	say_extra(extra, ret, "IOAS_ALLOC");
	say_all_zeroed(fd);
}

/* ---- objects ------------------------------------------------------------ */

void case_iommufd_objects(void)
{
	int fd = iommufd_open(), other = iommufd_open();
	uint32_t a = ioas_alloc(fd), b = ioas_alloc(fd), theirs;

	say(destroy(fd, 0), "DESTROY 0");
	say(destroy(fd, NO_OBJECT), "DESTROY 9999");
	say(destroy(fd, b), "DESTROY b");
	say(destroy(fd, b), "DESTROY b twice");
	theirs = ioas_alloc(other);
	note("id in another fd: %u", theirs);
	say(destroy(other, a), "DESTROY other fd's id (same number)");
	say(destroy(other, a), "DESTROY other fd's id (absent)");
	say(ioas_map(fd, a, 0x100000, PAGE, memory(1)), "MAP");
	say(destroy(fd, a), "DESTROY with mapping");
	say(ioas_map(fd, a, 0x100000, PAGE, memory(1)), "MAP into destroyed");
	say_ranges(fd, a, "RANGES of destroyed");
}
