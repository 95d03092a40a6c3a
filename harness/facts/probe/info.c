/* SPDX-License-Identifier: MIT */
/* info: VFIO_IOMMU_GET_INFO, and a container with groups of every sort coming and going. */
#include "probe.h"

static void say_sizes(int container)
{
	static const uint32_t sizes[] = { 0, 8, 15, 16, 24, 25, 32, 64, 96, 100, 112, 119, 120, 128, 200 };

	note("sizeof: info=%zu", sizeof(struct vfio_iommu_type1_info));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		union {
			struct vfio_iommu_type1_info info;
			char bytes[256];
		} u = { .info.argsz = sizes[i] };
		int ret = ioctl(container, VFIO_IOMMU_GET_INFO, &u);
		char extra[96];

		snprintf(extra, sizeof(extra), "argsz=%u flags=0x%x pg=0x%llx cap=%u", u.info.argsz,
			 u.info.flags, (unsigned long long)u.info.iova_pgsizes, u.info.cap_offset);
		say_extra(extra, ret, "argsz=%u", sizes[i]);
	}
	say(ioctl(container, VFIO_IOMMU_GET_INFO, NULL), "NULL");
}

static void say_noiommu(int container)
{
	int group = open("/dev/vfio/noiommu-0", O_RDWR);

	if (group < 0)
		note("attach noiommu group if any: -1 -");
	else
		say(group_set(group, container), "attach noiommu group if any");
}

/* The groups leave one after the other; what each of them takes away. */
static void say_leaving(int c, int a, int b, int m, int e, int t)
{
	int device_a = device_fd(a, &A), device_b, device_t, device_m;

	say(AS_RESULT(device_a), "device A");
	device_b = device_fd(b, &B);
	say(AS_RESULT(device_b), "device B");
	device_t = device_fd(t, &T0);
	say(AS_RESULT(device_t), "device mtty");
	device_m = device_fd(m, &M0);
	say(AS_RESULT(device_m), "device M0");
	say(group_unset(a), "UNSET A with device");
	close(device_a);
	say(group_unset(a), "UNSET A");
	say_info(c, "after A left");
	say_unmap(c, 0x100000, PAGE, 0, "mappings survive A leaving");
	close(device_b);
	say(group_unset(b), "UNSET B");
	say(group_unset(m), "UNSET M one device open");
	close(device_m);
	say(group_unset(m), "UNSET M");
	say(group_unset(e), "UNSET E");
	close(device_t);
	say_info(c, "only mtty left");
}

static void say_only_mdev(int c, int t, const void *page)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	say_unmap(c, 0x200000, PAGE, 0, "mapping survives with only mdev");
	say(map(c, 0xfee00000, PAGE, page), "only mtty left: MAP over MSI");
	say(map(c, 1ull << 45, PAGE, page), "only mtty left: MAP beyond aperture");
	say(map(c, 0x300000, PAGE, nowhere(1)), "only mtty left: MAP unmapped vaddr");
	say(group_unset(t), "UNSET mtty");
	say(ioctl(c, VFIO_IOMMU_GET_INFO, &info), "after all");
}

static void say_two_groups(int c, int a, int b)
{
	group_set(a, c);
	say(group_set(b, c), "two groups before SET_IOMMU");
	say(ioctl(c, VFIO_SET_IOMMU, 3ul), "SET_IOMMU");
	say(group_unset(a), "UNSET A");
	say(group_unset(b), "UNSET B");
}

void case_info(void)
{
	struct space space = space_open(&A, 3);
	int c = space.container, b = group_open(&B), m = group_open(&M0), e = group_open(&E0);
	int t = group_open(&T0);
	const void *page = memory(1);

	say_sizes(c);
	say_info(c, "A");
	map(c, 0x100000, PAGE, page);
	map(c, 0x200000, PAGE, page);
	say_info(c, "A with two maps");
	say(group_set(b, c), "attach B");
	say(group_set(m, c), "attach M");
	say(group_set(e, c), "attach E (conventional)");
	say(group_set(t, c), "attach mtty");
	say_info(c, "A+B+M+E+mtty");
	say_extensions(c, "with mdev");
	say_noiommu(c);
	say_leaving(c, space.group, b, m, e, t);
	say_only_mdev(c, t, page);
	say_two_groups(c, space.group, b);
}
