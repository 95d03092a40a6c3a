/* SPDX-License-Identifier: MIT */
/* dirty: VFIO_IOMMU_DIRTY_PAGES and unmapping with a bitmap, physical and mdev. */
#include "probe.h"

#define FIRST 0x100000ull	/* iova of 16 pages */
#define SECOND 0x200000ull	/* of 8 pages: 256 pages further, so in word 4 of one bitmap */
#define THIRD 0x300000ull	/* of one page, mapped while tracking */
#define BITMAP VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

struct query {
	struct vfio_iommu_type1_dirty_bitmap head;
	struct vfio_iommu_type1_dirty_bitmap_get range;
};

struct ask {
	uint64_t iova, size, pgsize;
	uint64_t bitmap;	/* bytes */
	bool null;		/* no bitmap memory */
};

static uint64_t words[8];

static int get_bitmap(int c, struct ask ask)
{
	struct query query = {
		.head = { .argsz = sizeof(query), .flags = BITMAP },
		.range = {
			.iova = ask.iova,
			.size = ask.size,
			.bitmap = { .pgsize = ask.pgsize, .size = ask.bitmap,
				    .data = ask.null ? NULL : (void *)words },
		},
	};

	memset(words, 0, sizeof(words));
	return ioctl(c, VFIO_IOMMU_DIRTY_PAGES, &query);
}

static void say_bitmap(const char *mode, int c, const char *name, struct ask ask)
{
	int ret = get_bitmap(c, ask);
	char extra[32];

	snprintf(extra, sizeof(extra), "bits=%llx", (unsigned long long)words[0]);
	say_extra(extra, ret, "%s: GET_BITMAP %s", mode, name);
}

static int dirty(int c, uint32_t argsz, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = { .argsz = argsz, .flags = flags };

	return ioctl(c, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static int unmap_bitmap(int c, struct ask *ask)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap = { .argsz = sizeof(arg), .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			   .iova = ask->iova, .size = ask->size },
		.bitmap = { .pgsize = ask->pgsize, .size = ask->bitmap, .data = (void *)words },
	};
	int ret;

	memset(words, 0, sizeof(words));
	ret = ioctl(c, VFIO_IOMMU_UNMAP_DMA, &arg);
	ask->size = arg.unmap.size;
	return ret;
}

static void say_flags(const char *mode, int c)
{
	static const uint32_t flags[] = { 0, 3, 5, 6, 7, 8, 9 };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		say(dirty(c, sizeof(struct query), flags[i]), "%s flags=%u", mode, flags[i]);
	say(dirty(c, 7, VFIO_IOMMU_DIRTY_PAGES_FLAG_START), "%s: argsz=7", mode);
	say(ioctl(c, VFIO_IOMMU_DIRTY_PAGES, NULL), "%s: NULL", mode);
}

static void say_queries(const char *mode, int c)
{
	const struct ask exact = { FIRST, 16 * PAGE, PAGE, 8, false };
	struct ask ask;

	say_bitmap(mode, c, "exact", exact);
	say_bitmap(mode, c, "exact again", exact);
	say_bitmap(mode, c, "hole", (struct ask){ 0x900000, 16 * PAGE, PAGE, 8, false });
	say_bitmap(mode, c, "bisect", (struct ask){ FIRST + PAGE, 16 * PAGE, PAGE, 8, false });
	say_bitmap(mode, c, "half", (struct ask){ FIRST, 8 * PAGE, PAGE, 8, false });
	say_bitmap(mode, c, "size 0", (struct ask){ FIRST, 0, PAGE, 8, false });
	say_bitmap(mode, c, "bad pgsize", (struct ask){ FIRST, 16 * PAGE, 8192, 8, false });
	say_bitmap(mode, c, "pgsize 0", (struct ask){ FIRST, 16 * PAGE, 0, 8, false });
	say_bitmap(mode, c, "bitmap too small", (struct ask){ FIRST, 512 * PAGE, PAGE, 8, false });
	say_bitmap(mode, c, "bitmap size 0", (struct ask){ FIRST, 16 * PAGE, PAGE, 0, false });
	say_bitmap(mode, c, "unaligned iova", (struct ask){ FIRST + 0x800, 16 * PAGE, PAGE, 8, false });
	say_bitmap(mode, c, "wrap", (struct ask){ -PAGE, 16 * PAGE, PAGE, 8, false });
	ask = exact;
	ask.null = true;
	say_bitmap(mode, c, "NULL data", ask);
	say_bitmap(mode, c, "spanning both", (struct ask){ FIRST, 512 * PAGE, PAGE, 64, false });
	note("%s: spanning both word 4: %llx", mode, (unsigned long long)words[4]);
	say(dirty(c, 8, BITMAP), "%s: GET_BITMAP no range", mode);
	say(dirty(c, 24, BITMAP), "%s: GET_BITMAP short", mode);
}

static void say_unmaps(const char *mode, int c)
{
	struct ask second = { SECOND, 8 * PAGE, PAGE, 8, false }, ask;
	char extra[64];
	int ret = unmap_bitmap(c, &second);

	snprintf(extra, sizeof(extra), "size=0x%llx bits=%llx", (unsigned long long)second.size,
		 (unsigned long long)words[0]);
	say_extra(extra, ret, "%s: UNMAP with bitmap", mode);
	ask = (struct ask){ THIRD, PAGE, PAGE, 0, false };
	say(unmap_bitmap(c, &ask), "%s: UNMAP with bitmap size 0", mode);
	ask = (struct ask){ THIRD, PAGE, 8192, 8, false };
	say(unmap_bitmap(c, &ask), "%s: UNMAP with bitmap pgsize 8192", mode);
}

static void say_mode(const char *mode, const struct place *at)
{
	struct space space = space_open(at, 3);
	const struct ask exact = { FIRST, 16 * PAGE, PAGE, 8, false };
	struct ask third = { THIRD, PAGE, PAGE, 8, false };
	const uint32_t size = sizeof(struct vfio_iommu_type1_dirty_bitmap);
	int c = space.container;

	map(c, FIRST, 16 * PAGE, memory(16));
	map(c, SECOND, 8 * PAGE, memory(8));
	say_flags(mode, c);
	say_bitmap(mode, c, "before START", exact);
	say(dirty(c, size, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP), "%s: STOP before START", mode);
	say(dirty(c, size, VFIO_IOMMU_DIRTY_PAGES_FLAG_START), "%s: START", mode);
	say(dirty(c, size, VFIO_IOMMU_DIRTY_PAGES_FLAG_START), "%s: START twice", mode);
	say_queries(mode, c);
	say(map(c, THIRD, PAGE, memory(1)), "%s: MAP while tracking", mode);
	say_bitmap(mode, c, "new map", third);
	say_unmaps(mode, c);
	say(dirty(c, size, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP), "%s: STOP", mode);
	say(dirty(c, size, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP), "%s: STOP twice", mode);
	say(unmap_bitmap(c, &third), "%s: UNMAP with bitmap, not tracking", mode);
	say_bitmap(mode, c, "after STOP", exact);
	space_close(&space);
}

void case_dirty(void)
{
	say_mode("phys", &A);
	say_mode("mdev", &T0);
}
