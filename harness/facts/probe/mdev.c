/* SPDX-License-Identifier: MIT */
/* mdev and mdev_after: containers of mediated devices, before and after a physical group. */
#include "probe.h"

#define MSI 0xfee00000ull
#define BEYOND (1ull << 45)	/* an iova no IOMMU here translates */
#define TIB (1ull << 40)

static void say_lazy_maps(int c, const void *page)
{
	const void *unmapped = nowhere(1);

	say(map(c, 0x100000, PAGE, unmapped), "MAP unmapped vaddr");
	say(map(c, 0x200000, PAGE, page), "MAP good vaddr");
	say(map(c, MSI, PAGE, page), "MAP over MSI");
	say(map(c, 1ull << 60, PAGE, page), "MAP at 2^60");
	say(map(c, -PAGE, PAGE, page), "MAP last page");
	say(map(c, 0x100000, PAGE, page), "MAP overlap");
	say(map(c, 0x300800, PAGE, page), "MAP unaligned");
	say(map(c, TIB, TIB, page), "MAP 1 TiB lazily");
	say_info(c, "info with maps");
	say_unmap(c, 0x100000, PAGE, VFIO_DMA_UNMAP_FLAG_VADDR, "VADDR invalidate with mdev");
	say_unmap(c, TIB, PAGE, 0, "partial");
	say_unmap(c, TIB, TIB, 0, "exact 1 TiB");
	say_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, "ALL");
}

static void say_mdev_devices(int c, int t, int d)
{
	int first = device_fd(t, &T0), second, display;

	say(AS_RESULT(first), "GET_DEVICE_FD mtty");
	say(device_fd(t, &T1), "GET_DEVICE_FD wrong");
	second = device_fd(t, &T0);
	say(AS_RESULT(second), "GET_DEVICE_FD mtty second");
	say(group_set(d, c), "attach mdpy too");
	display = device_fd(d, &D0);
	say(AS_RESULT(display), "GET_DEVICE_FD mdpy");
	say(group_unset(d), "UNSET mdpy busy");
	close(display);
	group_unset(d);
	close(first);
	close(second);
}

static void say_physical_guest(int c, int a, const void *page)
{
	say(group_set(a, c), "attach physical");
	say_info(c, "info with physical");
	say(map(c, MSI, PAGE, page), "MAP over MSI now");
	say(group_unset(a), "UNSET physical");
	say_info(c, "info after physical left");
	say(map(c, 0x100000, PAGE, nowhere(1)), "MAP unmapped after");
	say(map(c, MSI, PAGE, page), "MAP over MSI after");
	say(map(c, BEYOND, PAGE, page), "MAP beyond aperture after");
}

void case_mdev(void)
{
	struct space space = space_open(&T0, 3);
	int a = group_open(&A), d = group_open(&D0), c = space.container;
	const void *page = memory(1);

	note("mtty group status: 0x%x", group_status(space.group));
	say_info(c, "mdev-only info");
	say_extensions(c, "mdev only");
	say_lazy_maps(c, page);
	say_mdev_devices(c, space.group, d);
	say_physical_guest(c, a, page);
	space_close(&space);
	close(a);

	space = space_open(&A, 3);
	map(space.container, 0x100000, PAGE, page);
	a = group_open(&T0);
	group_set(a, space.container);
	say_info(space.container, "physical first + mdev");
	say(group_set(d, space.container), "physical container then mdev");
}

/* ---- mdev_after -------------------------------------------------------- */

static void say_all(int container)
{
	say_unmap(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, "UNMAP ALL");
}

void case_mdev_after(void)
{
	struct space space = space_open(&T0, 3);
	int a = group_open(&A), c = space.container;
	const void *page = memory(1);

	say(group_set(a, c), "attach physical");
	say(group_unset(a), "UNSET physical");
	say(map(c, BEYOND, PAGE, page), "MAP beyond aperture");
	say(group_set(a, c), "attach physical again");
	say_all(c);
	say(map(c, MSI, PAGE, page), "MAP over MSI");
	say(group_set(a, c), "attach physical over MSI");
	say_all(c);
	say(map(c, 0x100000, PAGE, nowhere(1)), "MAP unmapped");
	say(group_set(a, c), "attach physical over unmapped");
	unmap_all(c, &(uint64_t){ 0 });
	say(group_set(a, c), "attach physical, all gone");
	say(map(c, 0x100000, PAGE, nowhere(1)), "MAP unmapped");
	say(group_unset(a), "UNSET physical");
	say(group_unset(space.group), "UNSET mdev");
	say(map(c, 0x100000, PAGE, page), "MAP with no group");
	group_set(a, c);
	ioctl(c, VFIO_SET_IOMMU, 3ul);
	say(group_set(space.group, c), "mdev joins physical");
	say(group_unset(a), "physical leaves");
	say(group_set(a, c), "physical returns then");
}
