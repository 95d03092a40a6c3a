/* SPDX-License-Identifier: MIT */
/*
 * edges: answers that cannot be written, iovas at the rim, what shares what. These
 * lines were not measured: ../iommufd_derived.txt says what the kernel's source does.
 */
#include <poll.h>

#include "iommufd.h"

#define BASE 0x100000ull

/* ---- Answers that cannot be written ------------------------------------------- */

/* @size bytes nobody can write. */
static void *read_only(const void *what, size_t size)
{
	void *page = memory(1);

	memcpy(page, what, size);
	mprotect(page, PAGE, PROT_READ);
	return page;
}

static void say_unwritable(void)
{
	int fd = iommufd_open(), cdev = cdev_open(&A);
	struct bind_arg bind = { .argsz = 16, .iommufd = fd };
	struct object_arg alloc = { .size = sizeof(alloc) };
	struct map_arg map_it = { .size = sizeof(map_it), .flags = FIXED_RW, .length = PAGE,
				  .vaddr = (uintptr_t)memory(1), .iova = BASE };
	struct unmap_arg unmap = { .size = sizeof(unmap), .iova = BASE, .length = PAGE };
	struct attach_arg attach_it = { .argsz = 12 };
	struct hwpt_arg hwpt = { .size = sizeof(hwpt) };
	uint32_t ioas, devid;

	say(ioctl(cdev, BIND_IOMMUFD, read_only(&bind, sizeof(bind))), "BIND read-only argument");
	say(bind_to(cdev, fd, &devid), "BIND then");
	note("devid: %u", devid);
	say(ioctl(fd, IOAS_ALLOC, read_only(&alloc, sizeof(alloc))), "IOAS_ALLOC read-only argument");
	ioas = ioas_alloc(fd);
	note("id then: %u", ioas);
	map_it.ioas = unmap.ioas = attach_it.pt = hwpt.pt = ioas;
	hwpt.dev = devid;
	say(ioctl(fd, IOAS_MAP, read_only(&map_it, sizeof(map_it))), "MAP read-only argument");
	say_ioas_unmap_all(fd, ioas, "UNMAP what it left");
	ioctl(fd, IOAS_MAP, &map_it);
	say(ioctl(fd, IOAS_UNMAP, read_only(&unmap, sizeof(unmap))), "UNMAP read-only argument");
	say_ioas_unmap_all(fd, ioas, "UNMAP what it left");
	say(ioctl(cdev, ATTACH_IOMMUFD_PT, read_only(&attach_it, sizeof(attach_it))),
	    "ATTACH read-only argument");
	say_ranges(fd, ioas, "RANGES then");
	say(ioctl(fd, HWPT_ALLOC, read_only(&hwpt, sizeof(hwpt))), "HWPT_ALLOC read-only argument");
	note("id of the next hwpt: %u", hwpt_alloc(fd, devid, ioas));
	close(cdev);
	close(fd);
}

/* ---- Numbers --------------------------------------------------------------------- */

static void say_numbers(void)
{
	struct object_arg arg = { .size = sizeof(arg) };
	int fd = iommufd_open();
	char path[32];
	int again;

	say(ioctl(fd, _IO(';', 0x7f), &arg), "number 0x7f");
	say(ioctl(fd, _IO(';', 0x9e), NULL), "number 0x9e NULL");
	say(ioctl(fd, _IO(';', 0xa1), NULL), "number 0xa1 NULL");
	say(ioctl(fd, _IO('x', 0x81), &arg), "another type, number of IOAS_ALLOC");
	say(ioctl(fd, _IO('x', 0x81), NULL), "another type, number of IOAS_ALLOC, NULL");
	arg.id = 1;
	say(ioctl(fd, IOAS_ALLOC, &arg), "IOAS_ALLOC flags=1");
	ioas_alloc(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	note("first id in an iommufd opened by /proc/self/fd: %u", ioas_alloc(again));
	close(again);
	close(fd);
}

/* ---- iovas ----------------------------------------------------------------------- */

static void say_free(int fd, uint32_t ioas, uint64_t iova, uint64_t length, const char *name)
{
	int ret = ioas_map_flags(fd, ioas, &iova, length, memory(3), READABLE | WRITEABLE);
	char extra[32];

	snprintf(extra, sizeof(extra), "iova=0x%llx", (unsigned long long)iova);
	say_extra(extra, ret, "%s", name);
}

/* Several things wrong: which is told. */
static void say_orders(int fd, uint32_t ioas)
{
	struct copy_arg copy = { .size = sizeof(copy), .flags = FIXED_RW, .src_ioas = ioas,
				 .dst_ioas = ioas };
	uint64_t iova = UINT64_MAX;

	say(ioas_map_flags(fd, ioas, &iova, PAGE, NULL, FIXED), "order: U64_MAX+no prot");
	say(ioas_map_flags(fd, ioas, &iova, PAGE, NULL, 8), "order: U64_MAX+flags=8");
	say_ioas_unmap(fd, ioas, UINT64_MAX, 0, "order: UNMAP U64_MAX+length 0");
	say(ioctl(fd, IOAS_COPY, &copy), "COPY length 0");
	copy.length = UINT64_MAX;
	copy.flags = FIXED;
	say(ioctl(fd, IOAS_COPY, &copy), "order: COPY length U64_MAX+no prot");
}

static void say_iovas(void)
{
	static const struct iova_range small[] = { { 0x10000, 0x12fff } };
	int fd = iommufd_open();
	uint32_t ioas = ioas_alloc(fd);
	char *pages = memory(1);

	say_orders(fd, ioas);
	say_free(fd, ioas, 0x5000, PAGE, "any iova, one given");
	say_free(fd, ioas, UINT64_MAX, PAGE, "any iova, U64_MAX given");
	say_free(fd, ioas, 0, 1ull << 63, "any iova, length 2^63");
	say(ioas_allow(fd, ioas, small, 1), "allow three pages");
	say_free(fd, ioas, 0, 3 * PAGE, "any iova, all three");
	say_free(fd, ioas, 0, PAGE, "any iova, one more");
	say_ioas_unmap(fd, ioas, 0x8000, 0x10000, "UNMAP from hole to hole");
	ioas_map(fd, ioas, BASE, PAGE, pages);
	ioas_map(fd, ioas, BASE + 4 * PAGE, PAGE, pages);
	say_ioas_unmap(fd, ioas, BASE - PAGE, 16 * PAGE, "UNMAP two and their holes");
	say(ioas_map(fd, ioas, UINT64_MAX - 1, 1, pages), "MAP the last byte but one");
	say(ioas_map(fd, ioas, UINT64_MAX - 1, 2, pages), "MAP the last two bytes");
	say_ioas_unmap_all(fd, ioas, "UNMAP all");
	say(ioas_map(fd, ioas, BASE, PAGE / 2, pages), "MAP half a page");
	say(ioas_map(fd, ioas, BASE + PAGE / 2, PAGE / 2, pages), "MAP the other half");
	say(option(fd, ioas, HUGE_PAGES, OPTION_SET, &(uint64_t){ 0 }), "HUGE set 0 over halves");
	say_ioas_unmap(fd, ioas, BASE, PAGE, "UNMAP both halves");
	say(option(fd, ioas, HUGE_PAGES, OPTION_SET, &(uint64_t){ 0 }), "HUGE set 0");
	say_ranges(fd, ioas, "RANGES with huge=0");
	say(ioas_map(fd, ioas, BASE, PAGE / 2, pages), "MAP half a page with huge=0");
	close(fd);
}

/* ---- Attaching ------------------------------------------------------------------- */

static void say_shared_hwpt(int fd, struct bound *a, struct bound *b)
{
	uint32_t ioas = ioas_alloc(fd), of_a = ioas, of_b = ioas, of_b2 = ioas;
	uint32_t hwpt;

	attach(a->cdev, &of_a);
	attach(b->cdev, &of_b);
	note("A and B share the automatic hwpt: %d", of_a == of_b && of_a != ioas);
	hwpt = hwpt_alloc(fd, a->devid, ioas);
	say(attach_to(b->cdev, hwpt), "ATTACH B to a hwpt made for A");
	say(attach_to(b->cdev, hwpt), "ATTACH B to it again");
	say(detach(a->cdev), "DETACH A");
	say(destroy(fd, of_a), "DESTROY the automatic hwpt");
	say(attach(b->cdev, &of_b2), "ATTACH B to the ioas");
	say(attach_to(b->cdev, b->devid), "ATTACH B to its devid");
	say(destroy(fd, hwpt), "DESTROY the other hwpt");
	say(detach(b->cdev), "DETACH B");
	say(destroy(fd, of_b2), "DESTROY what B was on");
	say(destroy(fd, ioas), "DESTROY the ioas");
}

/* Pinned pages stay when the client takes its mapping away. */
static void say_kept_pins(int fd, struct bound *a)
{
	uint32_t ioas = ioas_alloc(fd), hwpt;
	char *page = memory(1);

	ioas_map(fd, ioas, BASE, PAGE, page);
	attach_to(a->cdev, ioas);
	munmap(page, PAGE);
	hwpt = hwpt_alloc(fd, a->devid, ioas);
	note("another hwpt over pages pinned and unmapped: %d", hwpt != 0);
	destroy(fd, hwpt);
	detach(a->cdev);
	say(attach_to(a->cdev, ioas), "ATTACH over pages no longer pinned");
	say_ioas_unmap_all(fd, ioas, "UNMAP all");
}

static void say_mdev_edges(int fd, struct bound *a)
{
	struct bound t = bound_open(&T0, fd);
	uint32_t ioas = ioas_alloc(fd), hwpt = hwpt_alloc(fd, a->devid, ioas_alloc(fd));
	char *page = memory(1);

	ioas_map(fd, ioas, BASE, 0x800, page);
	say(attach_to(t.cdev, ioas), "mdev ATTACH over half a page");
	say_ranges(fd, ioas, "RANGES then");
	say_ioas_unmap_all(fd, ioas, "UNMAP all");
	say(attach_to(t.cdev, hwpt), "mdev ATTACH to a hwpt");
	say(attach_to(t.cdev, ioas), "mdev ATTACH");
	say(attach_to(t.cdev, NO_OBJECT), "mdev replace by nothing");
	say(destroy(fd, ioas), "DESTROY ioas of an mdev");
	say(detach(t.cdev), "mdev DETACH");
	say_ranges(fd, ioas, "RANGES then");
	say(destroy(fd, t.devid), "DESTROY mdev's devid");
	close(t.cdev);
	say(destroy(fd, t.devid), "DESTROY mdev's devid, closed");
}

static void say_attaching(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd), b = bound_open(&B, fd);

	say_shared_hwpt(fd, &a, &b);
	say_kept_pins(fd, &a);
	say_mdev_edges(fd, &a);
	close(a.cdev);
	close(b.cdev);
	close(fd);
}

/* ---- Binding --------------------------------------------------------------------- */

static void say_binding(void)
{
	int fd = iommufd_open(), group = group_open(&A), cdev = cdev_open(&A), second;
	int path = open("/dev/iommu", O_PATH), reader = open("/dev/iommu", O_RDONLY);

	say(bind_to(cdev, path, NULL), "BIND O_PATH iommufd, group open");
	say(bind_to(cdev, fd, NULL), "BIND, group open");
	close(group);
	say(bind_to(cdev, path, NULL), "BIND O_PATH iommufd");
	say(bind_to(cdev, cdev, NULL), "BIND to itself");
	say(AS_RESULT(group = group_open(&A)), "group open, cdev open and unbound");
	close(group);
	say(bind_to(cdev, reader, NULL), "BIND O_RDONLY iommufd");
	second = cdev_open(&A);
	say(bind_to(second, path, NULL), "BIND second fd, O_PATH iommufd");
	close(cdev);
	say(bind_to(second, dup(fd), NULL), "BIND a dup'ed iommufd");
	close(second);
	close(path);
	close(reader);
	close(fd);
}

/* ---- Options, hwpts, fault queues -------------------------------------------------- */

static void say_rlimit_mode(void)
{
	int fd = iommufd_open();
	uint64_t value = 7;

	say(option(fd, 0, RLIMIT_MODE, OPTION_GET, &value), "RLIMIT_MODE get");
	note("RLIMIT_MODE: %llu", (unsigned long long)value);
	value = 2;
	say(option(fd, 0, RLIMIT_MODE, OPTION_SET, &value), "RLIMIT_MODE set 2");
	say(option(fd, 1, RLIMIT_MODE, OPTION_GET, &value), "RLIMIT_MODE of an object");
	value = 1;
	option(fd, 0, RLIMIT_MODE, OPTION_SET, &value);
	option(fd, 0, RLIMIT_MODE, OPTION_GET, &value);
	note("RLIMIT_MODE set to 1: %llu", (unsigned long long)value);
	ioas_alloc(fd);
	value = 2;
	say(option(fd, 0, RLIMIT_MODE, OPTION_SET, &value), "RLIMIT_MODE set 2 with an object");
	close(fd);
}

static void say_bitmaps(int fd, uint32_t hwpt)
{
	uint64_t bits = 0;
	const struct bitmap_arg good = { .size = sizeof(good), .hwpt = hwpt, .iova = BASE,
					 .length = PAGE, .page_size = PAGE,
					 .data = (uintptr_t)&bits };
	struct bitmap_arg arg = good;

	arg.page_size = 0;
	say(ioctl(fd, GET_DIRTY_BITMAP, &arg), "GET_DIRTY_BITMAP page size 0");
	arg = good;
	arg.iova += 0x800;
	say(ioctl(fd, GET_DIRTY_BITMAP, &arg), "GET_DIRTY_BITMAP half a page up");
	arg = good;
	arg.length = 0;
	say(ioctl(fd, GET_DIRTY_BITMAP, &arg), "GET_DIRTY_BITMAP length 0");
	arg.iova = 0;
	say(ioctl(fd, GET_DIRTY_BITMAP, &arg), "GET_DIRTY_BITMAP length 0 from 0");
	arg = good;
	arg.iova += PAGE / 2;
	arg.length = arg.page_size = PAGE / 2;
	say(ioctl(fd, GET_DIRTY_BITMAP, &arg), "GET_DIRTY_BITMAP half pages");
	arg = good;
	arg.page_size = 3 * PAGE;
	say(ioctl(fd, GET_DIRTY_BITMAP, &arg), "GET_DIRTY_BITMAP page size of three pages");
	arg = good;
	arg.reserved = 1;
	say(ioctl(fd, GET_DIRTY_BITMAP, &arg), "GET_DIRTY_BITMAP reserved");
}

static void say_no_faults(int queue)
{
	struct pollfd ready = { .fd = queue, .events = POLLIN | POLLOUT };
	uint32_t entries[20] = { 0 };	/* two faults of 40 bytes, ten responses of 8 */

	say(poll(&ready, 1, 0), "poll of a fault queue");
	note("it can be written: %d, read: %d", !!(ready.revents & POLLOUT),
	     !!(ready.revents & POLLIN));
	say(read(queue, entries, sizeof(entries)), "read of a fault queue");
	say(read(queue, entries, 41), "read of a fault and a byte");
	say(pread(queue, entries, 40, 40), "pread of a fault queue, at 40");
	say(write(queue, entries, 0), "write of no response");
	say(write(queue, entries, 8), "write of a response to nothing");
	say(write(queue, entries, 9), "write of a response and a byte");
}

static void say_fault_queue(int fd, uint32_t dev, uint32_t ioas)
{
	struct fault_arg fault = { .size = sizeof(fault) };
	struct hwpt_arg hwpt = { .size = sizeof(hwpt), .flags = HWPT_FAULT_ID, .dev = dev,
				 .pt = ioas };

	ioctl(fd, FAULT_QUEUE_ALLOC, &fault);
	say_no_faults((int)fault.out_fd);
	say(destroy(fd, fault.out_id), "DESTROY fault queue, open");
	hwpt.fault = ioas;
	say(ioctl(fd, HWPT_ALLOC, &hwpt), "HWPT_ALLOC with an ioas as fault queue");
	hwpt.fault = fault.out_id;
	say(ioctl(fd, HWPT_ALLOC, &hwpt), "HWPT_ALLOC with the fault queue");
	close((int)fault.out_fd);
	say(destroy(fd, fault.out_id), "DESTROY fault queue, closed, of a hwpt");
	say(destroy(fd, hwpt.out_hwpt), "DESTROY the hwpt");
	say(destroy(fd, fault.out_id), "DESTROY fault queue");
}

static void say_hwpts(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd);
	uint32_t ioas = ioas_alloc(fd);
	struct hwpt_arg arg = { .size = sizeof(arg), .dev = NO_OBJECT, .pt = ioas, .data_type = 1 };
	uint64_t value = 0;

	say(ioctl(fd, HWPT_ALLOC, &arg), "HWPT_ALLOC bad device, data type without data");
	arg.data_type = 0;
	arg.pt = NO_OBJECT;
	say(ioctl(fd, HWPT_ALLOC, &arg), "HWPT_ALLOC bad device and pt");
	arg.dev = a.devid;
	say(ioctl(fd, HWPT_ALLOC, &arg), "HWPT_ALLOC bad pt");
	say_fault_queue(fd, a.devid, ioas);
	say_bitmaps(fd, hwpt_alloc(fd, a.devid, ioas));
	attach_to(a.cdev, ioas);
	say(option(fd, ioas, HUGE_PAGES, OPTION_SET, &value), "HUGE set 0, attached, no mapping");
	value = 1;
	option(fd, ioas, HUGE_PAGES, OPTION_SET, &value);
	ioas_map(fd, ioas, BASE, PAGE, memory(1));
	value = 0;
	say(option(fd, ioas, HUGE_PAGES, OPTION_SET, &value), "HUGE set 0, attached, a mapping");
	close(a.cdev);
	close(fd);
}

/* ---- Compatibility --------------------------------------------------------------- */

static void say_compat(void)
{
	int fd = iommufd_open(), group = group_open(&A), device, cdev = cdev_open(&A);
	uint32_t mine = ioas_alloc(fd), other, id = 0;

	vfio_ioas(fd, VFIO_IOAS_SET, &mine);
	say(vfio_ioas(fd, VFIO_IOAS_SET, &(uint32_t){ NO_OBJECT }), "VFIO_IOAS SET bad id");
	say(group_set(group, fd), "SET_CONTAINER, ioas set");
	vfio_ioas(fd, VFIO_IOAS_GET, &id);
	note("it works on the ioas set: %d", id == mine);
	say(group_set(group, fd), "SET_CONTAINER again");
	say(ioctl(fd, VFIO_SET_IOMMU, (1ul << 32) + 3), "SET_IOMMU 2^32+3");
	say(bind_to(cdev, fd, NULL), "BIND, group set");
	vfio_ioas(fd, VFIO_IOAS_CLEAR, &id);
	say(device_fd(group, &A), "GET_DEVICE_FD, ioas cleared");
	vfio_ioas(fd, VFIO_IOAS_SET, &mine);
	device = device_fd(group, &A);
	say(AS_RESULT(device), "GET_DEVICE_FD");
	say(destroy(fd, mine), "DESTROY ioas, device open");
	other = ioas_alloc(fd);
	say(vfio_ioas(fd, VFIO_IOAS_SET, &other), "VFIO_IOAS SET another, device open");
	say(map(fd, BASE, PAGE, nowhere(1)), "MAP_DMA unmapped va there");
	say_ioas_unmap_all(fd, other, "UNMAP all there");
	vfio_ioas(fd, VFIO_IOAS_SET, &mine);
	say(map(fd, BASE, PAGE, memory(1)), "MAP_DMA");
	say(ioctl(fd, VFIO_SET_IOMMU, 1ul), "SET_IOMMU 1 with a device and a mapping");
	say_unmap(fd, BASE, PAGE, 0, "UNMAP_DMA");
	say(ioctl(fd, VFIO_SET_IOMMU, 1ul), "SET_IOMMU 1 with a device");
	close(device);
	say(AS_RESULT(destroy(fd, mine)), "DESTROY ioas, device closed");
	close(cdev);
	close(group);
	close(fd);
}

/* ---- Memory ---------------------------------------------------------------------- */

/* The first BAR of a device as memory; the descriptor stays open. */
static void *map_bar(int cdev)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = 0 };
	void *at;

	if (ioctl(cdev, VFIO_DEVICE_GET_REGION_INFO, &info))
		return NULL;
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, cdev, (off_t)info.offset);
	return at == MAP_FAILED ? NULL : at;
}

static void say_memory(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd), b = bound_open(&B, fd);
	uint32_t ioas = ioas_alloc(fd);
	uint64_t iova = BASE + PAGE;
	void *bar = map_bar(b.cdev), *none = memory(1), *reading = memory(1);

	mprotect(none, PAGE, PROT_NONE);
	mprotect(reading, PAGE, PROT_READ);
	say(ioas_map(fd, ioas, BASE, PAGE, bar), "MAP a BAR, no device");
	say(attach_to(a.cdev, ioas), "ATTACH over a BAR");
	say_ioas_unmap_all(fd, ioas, "UNMAP the BAR");
	say(attach_to(a.cdev, ioas), "ATTACH without it");
	say(ioas_map(fd, ioas, BASE, PAGE, bar), "MAP a BAR, attached");
	say(ioas_map(fd, ioas, BASE, PAGE, none), "MAP PROT_NONE, attached");
	say(ioas_map_flags(fd, ioas, &iova, PAGE, reading, FIXED | WRITEABLE),
	    "MAP read-only memory W only, attached");
	say_ioas_unmap_all(fd, ioas, "UNMAP what is there");
	if (bar)
		munmap(bar, PAGE);
	close(a.cdev);
	close(b.cdev);
	close(fd);
}

void case_iommufd_edges(void)
{
	say_unwritable();
	say_numbers();
	say_iovas();
	say_attaching();
	say_binding();
	say_rlimit_mode();
	say_hwpts();
	say_compat();
	say_memory();
}
