/* SPDX-License-Identifier: MIT */
/* map_args: VFIO_IOMMU_MAP_DMA on type1 v2 with a physical device: arguments, ranges, memory. */
#include "probe.h"

#include <linux/memfd.h>

#define APERTURE (1ull << 39)	/* bytes: iovas below are translated */
#define MSI 0xfee00000ull	/* first of a reserved megabyte */
#define MSI_LAST 0xfeefffffull
#define HUGE (2ul << 20)
#define LAST_PAGE (-PAGE)	/* of 2^64 */

static int map_argsz(int container, uint32_t argsz, uint64_t iova, const void *vaddr)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = argsz, .flags = RW, .vaddr = (uintptr_t)vaddr, .iova = iova, .size = PAGE,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &arg);
}

static void say_arguments(int c, const char *page)
{
	note("sizeof: map=%zu unmap=%zu", sizeof(struct vfio_iommu_type1_dma_map),
	     sizeof(struct vfio_iommu_type1_dma_unmap));
	say(map_argsz(c, 0, 0x100000, page), "argsz=0");
	say(map_argsz(c, 31, 0x100000, page), "argsz=31");
	say(map_argsz(c, 32, 0x100000, page), "argsz=32");
	say(map_argsz(c, 64, 0x102000, page), "argsz=64");
	say(ioctl(c, VFIO_IOMMU_MAP_DMA, NULL), "NULL");
	say(map_flags(c, 0x200000, PAGE, page, 0), "flags=0");
	say(map_flags(c, 0x200000, PAGE, page, 8), "flags=0x8");
	say(map_flags(c, 0x200000, PAGE, page, RW | 0x10), "flags=RW|0x10");
	say(map_flags(c, 0x200000, PAGE, page, VFIO_DMA_MAP_FLAG_VADDR), "flags=VADDR, no entry");
	say(map_flags(c, 0x200000, PAGE, page, VFIO_DMA_MAP_FLAG_VADDR | RW), "flags=VADDR|RW");
	say(map_flags(c, 0x200000, PAGE, page, VFIO_DMA_MAP_FLAG_READ), "flags=R");
	say(map_flags(c, 0x202000, PAGE, page, VFIO_DMA_MAP_FLAG_WRITE), "flags=W");
	say(map(c, 0x300000, 0, page), "size=0");
	say(map_flags(c, 0x300000, 0, page, 0), "size=0 bad flags");
	say(map(c, 0x300000, 1, page), "size=1");
	say(map(c, 0x300000, 6144, page), "size=6144");
	say(map(c, 0x300800, PAGE, page), "iova unaligned");
	say(map(c, 0x300000, PAGE, page + 0x800), "vaddr unaligned");
	say(map(c, 0x300800, PAGE, page + 0x800), "iova+vaddr same misalignment");
}

static void say_overlaps(int c, const char *pages)
{
	say(map(c, 0x100000, PAGE, pages), "overlap exact");
	say(map(c, 0x400000, PAGE, pages), "overlap same vaddr other iova (allowed?)");
	say(map(c, 0x500000, 4 * PAGE, pages), "map 4 pages");
	say(map(c, 0x503000, 4 * PAGE, pages), "overlap tail");
	say(map(c, 0x4ff000, 2 * PAGE, pages), "overlap head");
	say(map(c, 0x501000, PAGE, pages), "overlap inside");
	say(map(c, 0x4fe000, 8 * PAGE, pages), "overlap around");
	say(map(c, 0x4ff000, PAGE, pages), "adjacent below");
	say(map(c, 0x504000, PAGE, pages), "adjacent above");
}

static void say_ranges(int c, const char *page)
{
	say(map(c, LAST_PAGE, 2 * PAGE, page), "iova wrap");
	say(map(c, 0x600000, LAST_PAGE, page), "size wrap huge");
	say(map(c, 0x600000, 2 * PAGE, (void *)LAST_PAGE), "vaddr wrap");
	say(map(c, 0x600000, PAGE, (void *)LAST_PAGE), "vaddr last page");
	say(map(c, LAST_PAGE, PAGE, page), "iova+size exactly 2^64");
	say(map(c, MSI, PAGE, page), "iova in MSI window");
	say(map(c, MSI_LAST - PAGE + 1, PAGE, page), "iova last MSI page");
	say(map(c, MSI - PAGE, 2 * PAGE, page), "straddles MSI start");
	say(map(c, MSI_LAST - PAGE + 1, 2 * PAGE, page), "straddles MSI end");
	say(map(c, MSI - PAGE, PAGE, page), "just below MSI");
	say(map(c, MSI_LAST + 1, PAGE, page), "just above MSI");
	say(map(c, APERTURE - PAGE, PAGE, page), "aperture last page 2^39");
	say(map(c, APERTURE, PAGE, page), "beyond aperture 2^39");
	say(map(c, APERTURE - PAGE, 2 * PAGE, page), "straddles aperture end");
	say(map(c, 1ull << 48, PAGE, page), "beyond 2^48");
}

/* A page whose protection is @prot. */
static void *page_with(int prot)
{
	void *at = memory(1);

	mprotect(at, PAGE, prot);
	return at;
}

static void say_memory(int c, const char *pages)
{
	char *hole = memory(3);

	munmap(hole + PAGE, PAGE);
	say(map(c, 0x700000, PAGE, nowhere(1)), "vaddr unmapped");
	say(map(c, 0x700000, PAGE, (void *)(1ul << 48)), "vaddr noncanonical");
	say(map(c, 0x700000, PAGE, (void *)0xffff888000000000ul), "vaddr kernel");
	say(map(c, 0x700000, 3 * PAGE, hole), "hole in the middle");
	say(map(c, 0x700000, PAGE, page_with(PROT_NONE)), "PROT_NONE vaddr");
	say(map(c, 0x700000, PAGE, pages), "same iova after failure");
	say(map(c, 0x710000, PAGE, page_with(PROT_READ)), "read-only vaddr, RW");
	say(map_flags(c, 0x710000, PAGE, page_with(PROT_READ), VFIO_DMA_MAP_FLAG_WRITE),
	    "read-only vaddr, W only");
	say(map_flags(c, 0x710000, PAGE, page_with(PROT_READ), VFIO_DMA_MAP_FLAG_READ),
	    "read-only vaddr, R");
	say(map_flags(c, 0x720000, PAGE, page_with(PROT_WRITE), VFIO_DMA_MAP_FLAG_READ),
	    "PROT_WRITE vaddr R");
	/* the rest of the 20 mappings that the last two lines count */
	say(map(c, 0x730000, 2 * PAGE, pages), "two pages");
	say(map(c, 0x740000, 4 * PAGE, pages), "four pages");
}

/* A file in memory: what a shared mapping can be pinned of on any kernel. */
static int memory_file(const char *name, unsigned long pages)
{
	int fd = memfd_create(name, MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (ftruncate(fd, (off_t)(pages * PAGE)))
		return -1;
	return fd;
}

static void *map_file(int fd, unsigned long pages, int prot, int flags)
{
	return mmap(NULL, pages * PAGE, prot, flags, fd, 0);
}

static int shm_file(void)
{
	char path[] = "/dev/shm/facts-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	return ftruncate(fd, (off_t)PAGE) ? -1 : fd;
}

static void *huge_page(void)
{
	char *at = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
			-1, 0);

	if (at == MAP_FAILED) {
		fprintf(stderr, "facts-probe: no huge pages here: ordinary memory instead\n");
		at = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		at = (char *)(((uintptr_t)at + HUGE - 1) & -HUGE);
	}
	return at;
}

static void say_files(int c)
{
	int program = open("/proc/self/exe", O_RDONLY), shm = shm_file();
	int sealed = memory_file("sealed", 1), small = memory_file("small", 1);
	int plain = memory_file("plain", 1);

	say(map(c, 0x800000, PAGE, map_file(program, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE)),
	    "file MAP_PRIVATE");
	say(map(c, 0x810000, PAGE, map_file(shm, 1, PROT_READ | PROT_WRITE, MAP_SHARED)),
	    "file MAP_SHARED rootfs");
	say(map(c, 0x820000, 2 * PAGE, map_file(small, 2, PROT_READ | PROT_WRITE, MAP_SHARED)),
	    "file beyond EOF");
	say(map(c, 0x830000, PAGE, map_file(plain, 1, PROT_READ | PROT_WRITE, MAP_SHARED)),
	    "memfd shared");
	say(map(c, 0xa00000, HUGE, huge_page()), "hugetlb 2M");
	fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE);
	say(map_flags(c, 0x840000, PAGE, map_file(sealed, 1, PROT_READ, MAP_SHARED),
		      VFIO_DMA_MAP_FLAG_READ), "sealed memfd R");
	say(map_flags(c, 0x850000, PAGE, map_file(sealed, 1, PROT_READ, MAP_SHARED),
		      VFIO_DMA_MAP_FLAG_WRITE), "sealed memfd W");
}

void case_map_args(void)
{
	struct space space = space_open(&A, 3);
	const char *pages = memory(8);
	int c = space.container;

	say_arguments(c, pages);
	say_overlaps(c, pages);
	say_ranges(c, pages);
	say_memory(c, pages);
	say_files(c);
	say_info(c, "GET_INFO at the end");
	say_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, "UNMAP ALL at the end");
}
