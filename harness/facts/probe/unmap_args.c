/* SPDX-License-Identifier: MIT */
/* unmap_args: VFIO_IOMMU_UNMAP_DMA on type1 v2, invalid vaddrs, and v1's older manners. */
#include "probe.h"

#define ALL VFIO_DMA_UNMAP_FLAG_ALL
#define VADDR VFIO_DMA_UNMAP_FLAG_VADDR
#define MAP_VADDR VFIO_DMA_MAP_FLAG_VADDR
#define LAST_PAGE (-PAGE)	/* of 2^64 */

static int unmap_argsz(int container, uint32_t argsz)
{
	struct vfio_iommu_type1_dma_unmap arg = { .argsz = argsz, .iova = 0x100000, .size = PAGE };

	return ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg);
}

static void say_empty(int c)
{
	struct vfio_iommu_type1_dma_unmap arg = { .argsz = 24, .iova = 0x100000, .size = PAGE };
	char extra[32];
	int ret;

	say(unmap_argsz(c, 0), "argsz=0");
	say(unmap_argsz(c, 23), "argsz=23");
	ret = ioctl(c, VFIO_IOMMU_UNMAP_DMA, &arg);
	snprintf(extra, sizeof(extra), "size=0x%llx", (unsigned long long)arg.size);
	say_extra(extra, ret, "argsz=24 nothing there");
	say(ioctl(c, VFIO_IOMMU_UNMAP_DMA, NULL), "NULL");
	say_unmap(c, 0x100000, PAGE, 0x100, "unknown flag");
	say_unmap(c, 0x100000, PAGE, 0, "nothing mapped");
	say_unmap(c, 0x100000, 0, 0, "size 0");
	say_unmap(c, 0x100000, 0x800, 0, "size unaligned");
	say_unmap(c, 0x100800, PAGE, 0, "iova unaligned");
	say_unmap(c, LAST_PAGE, 2 * PAGE, 0, "wrap");
	say_unmap(c, LAST_PAGE, PAGE, 0, "to the very end");
	say_unmap(c, PAGE, LAST_PAGE, 0, "0x1000 .. 2^64-1");
}

static void say_partial(int c, const void *pages)
{
	map(c, 0x100000, 4 * PAGE, pages);
	map(c, 0x200000, 2 * PAGE, pages);
	map(c, 0x202000, 2 * PAGE, pages);
	say_unmap(c, 0x100000, PAGE, 0, "partial head");
	say_unmap(c, 0x103000, PAGE, 0, "partial tail");
	say_unmap(c, 0x101000, PAGE, 0, "partial middle");
	say_unmap(c, 0xff000, 2 * PAGE, 0, "straddles start");
	say_unmap(c, 0x102000, 4 * PAGE, 0, "straddles end");
	say_unmap(c, 0x200000, 3 * PAGE, 0, "one and a half mappings");
	say_unmap(c, 0x100000, 4 * PAGE, 0, "exact");
	say_unmap(c, 0x100000, 4 * PAGE, 0, "exact again");
	say_unmap(c, 0x1ff000, 6 * PAGE, 0, "superset over two adjacent");
}

static void say_vaddr(int c, const void *pages)
{
	int other = group_open(&B);

	map(c, 0x100000, PAGE, pages);
	map(c, 0x200000, 2 * PAGE, pages);
	say_unmap(c, 0x100000, 0, ALL, "ALL with iova");
	say_unmap(c, 0, PAGE, ALL, "ALL with size");
	say_unmap(c, 0, 0, ALL | VADDR, "ALL|VADDR");
	map_flags(c, 0x200000, 2 * PAGE, pages, MAP_VADDR);
	say(map_flags(c, 0x100000, PAGE, pages, MAP_VADDR), "VADDR flag restore");
	say_unmap(c, 0x100000, PAGE, VADDR, "VADDR exact");
	say_unmap(c, 0x100000, PAGE, VADDR, "VADDR twice");
	say(map(c, 0x100000, PAGE, pages), "MAP overlap while invalid");
	say(map_flags(c, 0x900000, PAGE, pages, MAP_VADDR), "MAP VADDR wrong iova in range");
	say(map_flags(c, 0x100000, 2 * PAGE, pages, MAP_VADDR), "MAP VADDR wrong size");
	say(map(c, 0x300000, PAGE, pages), "MAP other while a vaddr is invalid");
	say(group_set(other, c), "second group attach while vaddr invalid");
	say(map_flags(c, 0x100000, PAGE, pages, MAP_VADDR), "MAP VADDR");
	say(map_flags(c, 0x100000, PAGE, pages, MAP_VADDR), "MAP VADDR twice");
	say_unmap(c, 0x200000, PAGE, VADDR, "VADDR partial");
	say_unmap(c, 0x900000, PAGE, VADDR, "VADDR nothing");
	say_unmap(c, 0x100000, PAGE, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, "DIRTY short argsz");
	say_unmap(c, 0x100000, PAGE, VADDR,
		  "VADDR then plain unmap of an invalid one: invalidate");
	say_unmap(c, 0x100000, PAGE, 0, "VADDR then plain unmap of an invalid one: unmap");
	close(other);
}

static void say_v1(const void *pages)
{
	struct space space = space_open(&A, 1);
	struct vfio_iommu_type1_dirty_bitmap dirty = { .argsz = sizeof(dirty),
						       .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START };
	int c = space.container;

	map(c, 0x100000, 4 * PAGE, pages);
	say_unmap(c, 0x101000, PAGE, 0, "v1 middle");
	say_unmap(c, 0x103000, PAGE, 0, "v1 tail");
	say_unmap(c, 0x100000, PAGE, 0, "v1 head");
	map(c, 0x100000, 2 * PAGE, pages);
	say_unmap(c, 0xff000, 2 * PAGE, 0, "v1 from below covering first page");
	map(c, 0x100000, 2 * PAGE, pages);
	say_unmap(c, 0, 0, ALL, "v1 ALL");
	say_unmap(c, 0x100000, PAGE, 0, "v1 nothing");
	say_info(c, "v1 info");
	say(ioctl(c, VFIO_IOMMU_DIRTY_PAGES, &dirty), "v1 DIRTY start");
	say_extensions(c, "v1");
	space_close(&space);
}

static void say_second_type(void)
{
	int container = container_open(), group = group_open(&A);

	group_set(group, container);
	say(ioctl(container, VFIO_SET_IOMMU, 6ul), "SET_IOMMU 6 (nesting)");
	say(ioctl(container, VFIO_SET_IOMMU, 3ul), "SET_IOMMU 3 after a failed type");
	close(group);
	close(container);
}

void case_unmap_args(void)
{
	struct space space = space_open(&A, 3);
	const void *pages = memory(8);

	say_empty(space.container);
	say_partial(space.container, pages);
	say_vaddr(space.container, pages);
	space_close(&space);
	say_v1(pages);
	say_second_type();
}
