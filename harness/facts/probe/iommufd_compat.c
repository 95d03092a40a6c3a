/* SPDX-License-Identifier: MIT */
/* compat: an iommufd as the container of VFIO groups, and the container commands on it. */
#include "iommufd.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BASE 0x100000ull	/* four pages */
#define SMALL 0x200000ull	/* where flags 0 maps, if it does */
#define FREE 0x300000ull

/* ---- One block of lines, in every state ------------------------------------------ */

static void say_info_sizes(int fd, const char *state)
{
	static const uint32_t sizes[] = { 0, 15, 16, 20, 24, 32, 40, 72, 88, 200 };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		union {
			uint32_t words[64];	/* argsz, flags, two of page sizes, cap_offset */
			struct vfio_iommu_type1_info info;
		} u = { .words = { sizes[i] } };
		int ret = ioctl(fd, VFIO_IOMMU_GET_INFO, &u);
		char extra[64];

		snprintf(extra, sizeof(extra), "argsz=%u flags=0x%x cap=%u", u.words[0], u.words[1],
			 u.words[4]);
		say_extra(extra, ret, "%s: GET_INFO argsz=%u", state, sizes[i]);
	}
}

static void say_asking(int fd, const char *state)
{
	for (unsigned long i = 0; i <= 12; i++)
		say(ioctl(fd, VFIO_CHECK_EXTENSION, i), "%s: check_ext %lu", state, i);
	say_info_sizes(fd, state);
	say(ioctl(fd, VFIO_GET_API_VERSION), "%s: GET_API_VERSION", state);
	say_info(fd, "%s: IOMMU_GET_INFO", state);
}

static void *read_only_page(void)
{
	void *page = memory(1);

	mprotect(page, PAGE, PROT_READ);
	return page;
}

static void say_map_args(int fd, const char *state, const char *pages)
{
	struct vfio_iommu_type1_dma_map arg = { .argsz = 31, .flags = RW, .iova = FREE,
						.size = PAGE, .vaddr = (uintptr_t)pages };

	say(map(fd, BASE, 4 * PAGE, pages), "%s: MAP_DMA", state);
	say(map(fd, BASE + PAGE, PAGE, pages), "%s: MAP_DMA overlap", state);
	say(map_flags(fd, SMALL, PAGE, pages, 0), "%s: MAP_DMA flags 0", state);
	say(map_flags(fd, FREE, PAGE, pages, VFIO_DMA_MAP_FLAG_VADDR), "%s: MAP_DMA flags VADDR",
	    state);
	say(map_flags(fd, FREE, PAGE, pages, 8), "%s: MAP_DMA flags 8", state);
	say(map(fd, FREE, 0, pages), "%s: MAP_DMA size 0", state);
	say(map(fd, SMALL + 0x800, PAGE, pages), "%s: MAP_DMA unaligned iova", state);
	say(map(fd, SMALL, PAGE, pages + 0x800), "%s: MAP_DMA unaligned va", state);
	say(map(fd, SMALL, 0x800, pages), "%s: MAP_DMA size 0x800", state);
	say(map(fd, LAST_PAGE, 2 * PAGE, pages), "%s: MAP_DMA wrap", state);
	say(map(fd, FREE, 2 * PAGE, (void *)LAST_PAGE), "%s: MAP_DMA va wrap", state);
	say(map(fd, LAST_PAGE, PAGE, pages), "%s: MAP_DMA last page", state);
	say(map(fd, MSI, PAGE, pages), "%s: MAP_DMA MSI", state);
	say(map(fd, BEYOND, PAGE, pages), "%s: MAP_DMA beyond aperture", state);
	say(map(fd, FREE, PAGE, nowhere(1)), "%s: MAP_DMA unmapped va", state);
	say(map(fd, FREE + PAGE, PAGE, read_only_page()), "%s: MAP_DMA read-only va", state);
	say(ioctl(fd, VFIO_IOMMU_MAP_DMA, &arg), "%s: MAP_DMA argsz=31", state);
	say(ioctl(fd, VFIO_IOMMU_MAP_DMA, NULL), "%s: MAP_DMA NULL", state);
}

static void say_unmap_args(int fd, const char *state)
{
	const uint32_t all = VFIO_DMA_UNMAP_FLAG_ALL;

	say_unmap(fd, BASE, PAGE, 0, "%s: UNMAP partial", state);
	say_unmap(fd, 0x900000, PAGE, 0, "%s: UNMAP nothing", state);
	say_unmap(fd, BASE, 0, 0, "%s: UNMAP size 0", state);
	say_unmap(fd, BASE + 0x800, PAGE, 0, "%s: UNMAP unaligned", state);
	say_unmap(fd, LAST_PAGE, 2 * PAGE, 0, "%s: UNMAP wrap", state);
	say_unmap(fd, BASE, PAGE, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, "%s: UNMAP flags DIRTY",
		  state);
	say_unmap(fd, BASE, 4 * PAGE, VFIO_DMA_UNMAP_FLAG_VADDR, "%s: UNMAP flags VADDR", state);
	say_unmap(fd, 0, PAGE, all, "%s: UNMAP ALL with size", state);
	say_unmap(fd, BASE, 4 * PAGE, 0, "%s: UNMAP exact", state);
	say_unmap(fd, BASE, 4 * PAGE, 0, "%s: UNMAP exact again", state);
	say_unmap(fd, 0, 0, all, "%s: UNMAP ALL", state);
	say_unmap(fd, 0, 0, all, "%s: UNMAP ALL again", state);
}

static void say_block(int fd, const char *state)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty), .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
	};

	say_asking(fd, state);
	say_map_args(fd, state, memory(4));
	say_unmap_args(fd, state);
	say(ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, &dirty), "%s: DIRTY_PAGES", state);
	say(ioctl(fd, _IO(VFIO_TYPE, VFIO_BASE + 90), 0), "%s: unknown vfio ioctl", state);
}

static void say_all(int fd, const char *name)
{
	say_unmap(fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, "%s", name);
}

/* ---- The IOAS the container commands work on --------------------------------------- */

static void say_compat_ioas(void)
{
	int fd = iommufd_open();
	uint32_t ioas, id = 0;
	struct vfio_ioas_arg reserved = { .size = sizeof(reserved), .reserved = 1 };
	char extra[32];
	int ret;

	say(vfio_ioas(fd, VFIO_IOAS_GET, &id), "VFIO_IOAS GET none");
	for (unsigned long type = 0; type <= 8; type++)
		say(ioctl(fd, VFIO_SET_IOMMU, type), "SET_IOMMU %lu without ioas", type);
	ioas = ioas_alloc(fd);
	say(vfio_ioas(fd, VFIO_IOAS_SET, &ioas), "VFIO_IOAS SET");
	ret = vfio_ioas(fd, VFIO_IOAS_GET, &id);
	snprintf(extra, sizeof(extra), "same=%d", id == ioas);
	say_extra(extra, ret, "VFIO_IOAS GET");
	say(vfio_ioas(fd, 7, &id), "VFIO_IOAS op 7");
	say(ioctl(fd, VFIO_IOAS, &reserved), "VFIO_IOAS reserved");
	/* not 1: v1 would cut mappings from then on */
	for (unsigned long type = 0; type <= 8; type++)
		if (type != 1)
			say(ioctl(fd, VFIO_SET_IOMMU, type), "SET_IOMMU %lu", type);
	say_block(fd, "ioas set, no device");
	say(ioctl(fd, VFIO_SET_IOMMU, 3ul), "SET_IOMMU 3 again (repeatable)");
	say(vfio_ioas(fd, VFIO_IOAS_CLEAR, &id), "VFIO_IOAS CLEAR");
	say(map(fd, BASE, PAGE, memory(1)), "MAP_DMA after CLEAR");
	say(destroy(fd, ioas), "DESTROY ioas after CLEAR");
	ioas = ioas_alloc(fd);
	vfio_ioas(fd, VFIO_IOAS_SET, &ioas);
	say(destroy(fd, ioas), "DESTROY the compat ioas");
	say(vfio_ioas(fd, VFIO_IOAS_GET, &id), "VFIO_IOAS GET after destroy");
	say(map(fd, BASE, PAGE, memory(1)), "MAP_DMA after destroy");
	close(fd);
}

/* ---- Groups ------------------------------------------------------------------------ */

static void say_second_group(int fd, int group, int device)
{
	int second = group_open(&B), second_device;
	const void *page = memory(1);

	say(group_set(second, fd), "second group joins");
	say(group_unset(group), "UNSET with device open");
	say(device_fd(group, &A), "GET_DEVICE_FD then");
	second_device = device_fd(second, &B);
	say(AS_RESULT(second_device), "GET_DEVICE_FD from it");
	close(device);
	group_set(group, fd);
	say(group_unset(group), "UNSET again");
	group_set(group, fd);
	say(map(fd, BASE, PAGE, page), "MAP_DMA good");
	group_unset(group);
	say_unmap(fd, BASE, PAGE, 0, "mappings survive UNSET (iommufd keeps the ioas)");
	say(map(fd, BASE, PAGE, nowhere(1)), "MAP_DMA unmapped va with B still open");
	close(second_device);
	close(second);
}

static void say_group(void)
{
	int fd = iommufd_open(), group = group_open(&A), device, ret;
	uint32_t id = 0;
	char extra[32];

	say(group_set(group, fd), "SET_CONTAINER iommufd");
	note("group status: 0x%x", group_status(group));
	device = device_fd(group, &A);
	say(AS_RESULT(device), "GET_DEVICE_FD before SET_IOMMU");
	close(device);
	ret = vfio_ioas(fd, VFIO_IOAS_GET, &id);
	snprintf(extra, sizeof(extra), "id=%s", id ? "nonzero" : "0");
	say_extra(extra, ret, "VFIO_IOAS GET");
	say(ioctl(fd, VFIO_SET_IOMMU, 3ul), "SET_IOMMU 3");
	say(ioctl(fd, VFIO_SET_IOMMU, 3ul), "SET_IOMMU 3 twice");
	say_block(fd, "group set, device not open");
	device = device_fd(group, &A);
	say(AS_RESULT(device), "GET_DEVICE_FD");
	say_block(fd, "group set, device open");
	say_second_group(fd, group, device);
	close(group);
	close(fd);
}

/* Mappings nobody has looked at before the device is opened. */
static void say_late(void)
{
	int fd = iommufd_open(), group = group_open(&A), device;
	const void *page = memory(1);

	group_set(group, fd);
	ioctl(fd, VFIO_SET_IOMMU, 3ul);
	say(map(fd, BASE, PAGE, page), "MAP_DMA good");
	say(map(fd, SMALL, PAGE, nowhere(1)), "MAP_DMA bad");
	say(device_fd(group, &A), "GET_DEVICE_FD over a bad mapping");
	note("group status: 0x%x", group_status(group));
	say(device_fd(group, &A), "again");
	say_all(fd, "mappings intact: UNMAP ALL");
	say(map(fd, MSI, PAGE, page), "MAP MSI");
	say(device_fd(group, &A), "GET_DEVICE_FD over MSI mapping");
	say_all(fd, "UNMAP ALL");
	say(map(fd, BEYOND, PAGE, page), "MAP beyond aperture");
	say(device_fd(group, &A), "GET_DEVICE_FD beyond aperture");
	say_all(fd, "UNMAP ALL");
	device = device_fd(group, &A);
	say(AS_RESULT(device), "GET_DEVICE_FD clean");
	close(device);
	close(group);
	close(fd);
}

static void say_mdev(void)
{
	int fd = iommufd_open(), t = group_open(&T0), a = group_open(&A), device;

	group_set(t, fd);
	ioctl(fd, VFIO_SET_IOMMU, 3ul);
	device = device_fd(t, &T0);
	say(AS_RESULT(device), "mdev GET_DEVICE_FD");
	say_block(fd, "mdev group");
	say(map(fd, BASE, PAGE, nowhere(1)), "mdev: MAP unmapped");
	say(group_set(a, fd), "mdev: physical SET_CONTAINER over a bad mapping");
	say(device_fd(a, &A), "mdev: physical GET_DEVICE_FD");
	close(device);
	close(a);
	close(t);
	close(fd);
}

/* type1 v1 may cut mappings. */
static void say_v1(void)
{
	int fd = iommufd_open(), group = group_open(&A), device;
	const void *pages = memory(4);

	group_set(group, fd);
	ioctl(fd, VFIO_SET_IOMMU, 1ul);
	device = device_fd(group, &A);
	say(AS_RESULT(device), "GET_DEVICE_FD");
	map(fd, BASE, 4 * PAGE, pages);
	say_unmap(fd, BASE + PAGE, PAGE, 0, "type1 v1: middle");
	say_unmap(fd, BASE, 4 * PAGE, 0, "type1 v1: rest");
	map(fd, BASE, 4 * PAGE, pages);
	say_unmap(fd, BASE + 3 * PAGE, PAGE, 0, "type1 v1: tail");
	say_unmap(fd, BASE + 3 * PAGE, PAGE, 0, "type1 v1: nothing");
	say_all(fd, "type1 v1: ALL");
	say(ioctl(fd, VFIO_SET_IOMMU, 3ul), "SET_IOMMU 3 after 1");
	close(device);
	close(group);
	close(fd);
}

void case_iommufd_compat(void)
{
	say_compat_ioas();
	say_group();
	say_late();
	say_mdev();
	say_v1();
}
