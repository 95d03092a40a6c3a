/* SPDX-License-Identifier: MIT */
/* limits: locked memory and the number of mappings. */
#include "probe.h"

#include <sys/resource.h>

#define LIMIT_FILE "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"
#define LIMIT 65536ul		/* bytes of locked memory in the child */
#define NOBODY 65534

static void set_memlock(unsigned long bytes)
{
	struct rlimit limit = { bytes, bytes };

	setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* A container's user without rights: only the descriptor is inherited. */
static void unprivileged(void *arg)
{
	int container = *(int *)arg, own, group, iommufd;
	char *pages = memory(2 * LIMIT / PAGE);
	uint64_t size;
	void *zeroes = mmap(NULL, 2 * LIMIT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	set_memlock(LIMIT);
	if (setgid(NOBODY) || setuid(NOBODY))
		fprintf(stderr, "facts-probe: cannot become uid %d here: staying uid %d\n", NOBODY,
			getuid());
	say(map(container, 0x100000, LIMIT, pages), "unpriv MAP 64K (=limit)");
	say(map(container, 0x200000, PAGE, pages + LIMIT), "unpriv MAP one page more");
	say_unmap(container, 0x100000, LIMIT, 0, "unpriv UNMAP");
	say(map(container, 0x100000, LIMIT + PAGE, pages), "unpriv MAP 68K");
	say(map(container, 0x100000, LIMIT, pages), "unpriv MAP 64K after failure");
	say(map(container, 0x200000, PAGE, nowhere(1)), "order: over limit + unmapped vaddr");
	say(map(container, 0x100000, PAGE, pages), "order: over limit + overlap");
	say(map(container, 0x200000, PAGE, pages), "same page counts twice");
	say_unmap(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, "unpriv UNMAP all");
	say(map_flags(container, 0x100000, 2 * LIMIT, zeroes, VFIO_DMA_MAP_FLAG_READ),
	    "zero page R only, over limit");
	unmap_all(container, &size);	/* it holds on Linux 6.1 */
	set_memlock(0);
	say(map(container, 0x100000, PAGE, pages), "unpriv limit 0 MAP one page");
	group = group_open(&B);
	say(AS_RESULT(group), "unpriv open group");
	iommufd = open("/dev/iommu", O_RDWR);
	say(AS_RESULT(iommufd), "unpriv open /dev/iommu");
	own = container_open();
	say(ioctl(own, VFIO_CHECK_EXTENSION, 1ul), "unpriv CHECK_EXTENSION");
	say(ioctl(own, VFIO_SET_IOMMU, 3ul), "unpriv SET_IOMMU");
}

static void over_memlock(void *arg)
{
	set_memlock(LIMIT);
	say(map(*(int *)arg, 0x100000, 2 * LIMIT, memory(2 * LIMIT / PAGE)),
	    "root (CAP_IPC_LOCK) MAP over memlock");
}

static unsigned available(int container)
{
	struct {
		struct vfio_iommu_type1_info info;
		char caps[4096];
	} u = { .info.argsz = sizeof(u) };
	const struct vfio_info_cap_header *cap;

	if (ioctl(container, VFIO_IOMMU_GET_INFO, &u))
		return 0;
	for (uint32_t at = u.info.cap_offset; at; at = cap->next) {
		cap = (const void *)((char *)&u + at);
		if (cap->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL)
			return ((const struct vfio_iommu_type1_info_dma_avail *)cap)->avail;
	}
	return 0;
}

static void say_entry_limit(void)
{
	int written = write_text(LIMIT_FILE, "3");
	struct space space = space_open(&A, 3);
	int c = space.container;
	char *page = memory(1);

	say(AS_RESULT(written), "set dma_entry_limit=3");
	say_info(c, "info limit 3");
	for (uint64_t i = 0; i < 4; i++)
		say(map(c, 0x100000 + i * 0x10000, PAGE, page), "MAP");
	say_info(c, "info limit reached");
	say(map(c, 0x100000, PAGE, page), "order: ENOSPC vs overlap");
	say(map(c, 0xfee00000, PAGE, page), "order: ENOSPC vs outside range");
	say(map(c, 0x200000, PAGE, nowhere(1)), "order: ENOSPC vs unmapped");
	say(map_flags(c, 0x200000, PAGE, page, 0), "order: ENOSPC vs flags 0");
	say_unmap(c, 0x100000, PAGE, 0, "UNMAP one");
	note("dma_avail: %u", available(c));
	map(c, 0x200000, PAGE, nowhere(1));
	note("dma_avail after failed map: %u", available(c));
	say(map(c, 0x200000, PAGE, page), "MAP again");
	space_close(&space);
	write_text(LIMIT_FILE, "65535");
}

void case_limits(void)
{
	struct space space = space_open(&A, 3);

	note("RLIMIT child: MAP under 64K memlock uid 65534: see below");
	in_child(unprivileged, &space.container);
	in_child(over_memlock, &space.container);
	space_close(&space);
	say_entry_limit();
}
