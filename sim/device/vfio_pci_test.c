/* SPDX-License-Identifier: MIT */
/* vfio-pci as Linux 7.2 answered it: information, regions, resets, features, naming. */
#include <errno.h>

#include "device/device_test.h"

/* ---- Information ---- */

START_TEST(test_info)
{
	struct vfio_device_info info = { .argsz = 15 };
	struct bench b;

	bench_init(&b, "q35", "A");
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_GET_INFO, &info, sizeof(info)), -EINVAL);
	info.argsz = 16;
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_GET_INFO, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.argsz, 16);
	ck_assert_uint_eq(info.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	ck_assert_uint_eq(info.num_regions, 9);
	ck_assert_uint_eq(info.num_irqs, 5);
	ck_assert_int_eq(device_ioctl(&b, VFIO_BASE + 99, &info, sizeof(info)), -ENOTTY);
	bench_done(&b);
}
END_TEST

static const struct {
	const char *device;
	uint32_t index;
	int result;
	uint32_t flags;
	uint64_t size;
} regions[] = {
	{ "A", 0, 0, 0x7, 0x20000 },	{ "A", 2, 0, 0x3, 0x20 },
	{ "A", 3, 0, 0xf, 0x4000 },	{ "A", 4, 0, 0x0, 0 },
	{ "A", 6, 0, 0x1, 0x40000 },	{ "A", 7, 0, 0x3, 0x1000 },
	{ "A", 8, -EINVAL },		{ "A", 11, -EINVAL },
	{ "A", UINT32_MAX, -EINVAL },	{ "N", 0, 0, 0xf, 0x4000 },
	{ "N", 1, 0, 0x0, 0 },		{ "E0", 0, 0, 0x7, 0x100000 },
	{ "E0", 6, 0, 0x0, 0 },		{ "E0", 7, 0, 0x3, 0x100 },
};

START_TEST(test_region_info)
{
	struct {
		struct vfio_region_info info;
		struct vfio_info_cap_header cap;
	} region = { .info = { .argsz = sizeof(region), .index = regions[_i].index } };
	struct bench b;

	bench_init(&b, "q35", regions[_i].device);
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_GET_REGION_INFO, &region, sizeof(region)),
			 regions[_i].result);
	ck_assert_uint_eq(region.info.flags, regions[_i].flags);
	ck_assert_uint_eq(region.info.size, regions[_i].size);
	ck_assert_uint_eq(region.info.cap_offset, regions[_i].flags & 8 ? 32 : 0);
	ck_assert_uint_eq(region.cap.id, regions[_i].flags & 8 ? 3 : 0);
	if (!regions[_i].result)
		ck_assert_uint_eq(region.info.offset, REGION(regions[_i].index));
	bench_done(&b);
}
END_TEST

START_TEST(test_region_info_small)
{
	struct vfio_region_info info = { .argsz = 31, .index = 3 };
	struct bench b;

	bench_init(&b, "q35", "A");
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_GET_REGION_INFO, &info, sizeof(info)),
			 -EINVAL);
	info.argsz = 32;
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_GET_REGION_INFO, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.argsz, 40);
	ck_assert_uint_eq(info.cap_offset, 0);
	ck_assert_uint_eq(info.flags, 0xf);
	bench_done(&b);
}
END_TEST

static const struct {
	const char *device;
	uint32_t index;
	int result;
	uint32_t flags, count;
} irqs[] = {
	{ "A", 0, 0, 0x7, 1 }, { "A", 1, 0, 0x9, 1 },  { "A", 2, 0, 0x1, 5 },
	{ "A", 3, 0, 0x9, 1 }, { "A", 4, 0, 0x9, 1 },  { "A", 5, -EINVAL },
	{ "N", 1, 0, 0x9, 0 }, { "N", 2, 0, 0x1, 6 },  { "E0", 2, 0, 0x9, 0 },
	{ "E0", 3, -EINVAL },  { "E0", 4, 0, 0x9, 1 },
};

START_TEST(test_irq_info)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = irqs[_i].index };
	struct bench b;

	bench_init(&b, "q35", irqs[_i].device);
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_GET_IRQ_INFO, &info, sizeof(info)),
			 irqs[_i].result);
	ck_assert_uint_eq(info.flags, irqs[_i].flags);
	ck_assert_uint_eq(info.count, irqs[_i].count);
	bench_done(&b);
}
END_TEST

/* ---- Regions ---- */

static ssize_t __pread(struct bench *b, size_t length, uint64_t offset)
{
	uint8_t data[64];

	return vfiosim_inproc_pread(b->proc, b->device, data, length, offset);
}

START_TEST(test_read)
{
	struct bench b;

	bench_init(&b, "q35", "A");
	ck_assert_uint_eq(get(&b, REGION(7), 4), 0x10d38086);
	ck_assert_int_eq(__pread(&b, 4, REGION(7) + 0x1000), -EFAULT);
	ck_assert_int_eq(__pread(&b, 8, REGION(7) + 0xffc), -EFAULT);
	ck_assert_int_eq(__pread(&b, 0, REGION(7) + 0x5000), 0);
	ck_assert_int_eq(__pread(&b, 4, REGION(9)), -EINVAL);
	ck_assert_int_eq(__pread(&b, 4, REGION(20)), -EINVAL);
	ck_assert_int_eq(__pread(&b, 4, REGION(8)), -EINVAL);
	ck_assert_int_eq(__pread(&b, 4, (uint64_t)-4096), -EINVAL);
	ck_assert_int_eq(__pread(&b, 4, REGION(5)), -EINVAL);
	ck_assert_int_eq(__pread(&b, 4, REGION(0) + 0x20000), -EINVAL);
	ck_assert_int_eq(__pread(&b, 8, REGION(0) + 0x1fffc), 4);
	ck_assert_uint_eq(get(&b, REGION(6), 2), 0xaa55);
	ck_assert_uint_eq(get(&b, REGION(6) + 0x3fffc, 4), 0xffffffff);
	ck_assert_int_eq(vfiosim_inproc_pwrite(b.proc, b.device, "x", 1, REGION(6)), -EINVAL);
	bench_done(&b);
}
END_TEST

START_TEST(test_storage)
{
	struct bench b;

	bench_init(&b, "q35", "A");
	ck_assert_uint_eq(get(&b, REGION(0) + 0x1000, 4), 0);
	put(&b, REGION(0) + 0x1000, 4, 0x12345678);
	put(&b, REGION(2) + 4, 2, 0xbeef);
	ck_assert_uint_eq(get(&b, REGION(0) + 0x1002, 2), 0x1234);
	ck_assert_uint_eq(get(&b, REGION(2) + 4, 4), 0xbeef);
	/* the MSI-X table of BAR 3 is the driver's: ones, and writes go nowhere */
	put(&b, REGION(3), 8, 0);
	ck_assert_uint_eq(get(&b, REGION(3), 8), UINT64_MAX);
	put(&b, REGION(3) + 5 * 16 - 4, 8, 0x1122334455667788);
	ck_assert_uint_eq(get(&b, REGION(3) + 5 * 16 - 4, 8), 0x11223344ffffffff);
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_RESET, NULL, 0), 0);
	ck_assert_uint_eq(get(&b, REGION(0) + 0x1000, 4), 0);
	bench_done(&b);
}
END_TEST

/* Memory decoding off: BARs and their mappings are out of reach, I/O ports are not. */
START_TEST(test_memory_disabled)
{
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma), .flags = VFIO_DMA_MAP_FLAG_READ, .iova = 0x100000,
		.size = 0x1000,
	};
	struct bench b;
	uint64_t uva;

	bench_init(&b, "q35", "A");
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(b.proc, b.device, REGION(0), 0x1000, &uva), 0);
	put(&b, REGION(7) + 4, 2, 0x0001);
	ck_assert_int_eq(__pread(&b, 4, REGION(0)), -EIO);
	ck_assert_int_eq(__pread(&b, 4, REGION(6)), -EIO);
	ck_assert_int_eq(__pread(&b, 4, REGION(2)), 4);
	dma.vaddr = uva;
	ck_assert_int_eq(bench_ioctl(&b, b.container, VFIO_IOMMU_MAP_DMA, &dma, sizeof(dma)),
			 -EFAULT);
	put(&b, REGION(7) + 4, 2, 0x0002);
	ck_assert_int_eq(__pread(&b, 4, REGION(0)), 4);
	ck_assert_int_eq(bench_ioctl(&b, b.container, VFIO_IOMMU_MAP_DMA, &dma, sizeof(dma)), 0);
	bench_done(&b);
}
END_TEST

static const struct {
	uint64_t offset, length;
	int result;
} mmaps[] = {
	{ REGION(0) + 0x1000, 0x1f000, 0 },
	{ REGION(0) + 0x20000, 0x1000, -EINVAL },
	{ REGION(0), 0x21000, -EINVAL },
	{ REGION(2), 0x1000, -EINVAL },
	{ REGION(7), 0x1000, -EINVAL },
	{ REGION(12), 0x1000, -EINVAL },
};

START_TEST(test_mmap)
{
	struct bench b;
	uint64_t uva;

	bench_init(&b, "q35", "A");
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(b.proc, b.device, mmaps[_i].offset,
						mmaps[_i].length, &uva), mmaps[_i].result);
	bench_done(&b);
}
END_TEST

/* ---- Resets ---- */

union hot_info {
	struct vfio_pci_hot_reset_info info;
	uint8_t room[sizeof(struct vfio_pci_hot_reset_info) +
		     8 * sizeof(struct vfio_pci_dependent_device)];
};

static long __hot_reset_info(struct bench *b, uint32_t argsz, union hot_info *hot)
{
	memset(hot, 0, sizeof(*hot));
	hot->info.argsz = argsz;
	return device_ioctl(b, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, hot, sizeof(*hot));
}

START_TEST(test_hot_reset_info)
{
	union hot_info hot;
	struct bench b;

	bench_init(&b, "q35", "M0");
	ck_assert_int_eq(__hot_reset_info(&b, 11, &hot), -EINVAL);
	ck_assert_int_eq(__hot_reset_info(&b, 12, &hot), -ENOSPC);
	ck_assert_uint_eq(hot.info.count, 2);
	ck_assert_int_eq(__hot_reset_info(&b, sizeof(hot), &hot), 0);
	ck_assert_uint_eq(hot.info.count, 2);
	ck_assert_uint_eq(hot.info.devices[1].group_id, 13);
	ck_assert_uint_eq(hot.info.devices[1].bus, 4);
	ck_assert_uint_eq(hot.info.devices[1].devfn, 1);
	bench_done(&b);
}
END_TEST

static long __hot_reset(struct bench *b, uint32_t flags, uint32_t count, const int *fds)
{
	union {
		struct vfio_pci_hot_reset reset;
		uint8_t room[sizeof(struct vfio_pci_hot_reset) + 4 * sizeof(int)];
	} hot = { .reset = { .argsz = sizeof(hot), .flags = flags, .count = count } };

	memcpy(hot.room + sizeof(hot.reset), fds, 4 * sizeof(int));
	return device_ioctl(b, VFIO_DEVICE_PCI_HOT_RESET, &hot, sizeof(hot));
}

/* The same for a bus that can be reset and one that cannot, up to the last question. */
static const struct {
	const char *device, *foreign;
	int own;
} hot_resets[] = { { "A", "B", -ENOTTY }, { "E0", "A", 0 } };

START_TEST(test_hot_reset)
{
	struct bench b;
	int own[4], bad[4] = { -1 }, container[4], foreign[4];

	bench_init(&b, "q35", hot_resets[_i].device);
	own[0] = b.group;
	container[0] = b.container;
	foreign[0] = bench_open_group(&b, hot_resets[_i].foreign);
	ck_assert_int_eq(__hot_reset(&b, 1, 1, own), -EINVAL);
	ck_assert_int_eq(__hot_reset(&b, 0, 0, own), -EINVAL);
	ck_assert_int_eq(__hot_reset(&b, 0, 4, own), -EINVAL);
	ck_assert_int_eq(__hot_reset(&b, 0, 1, bad), -EBADF);
	ck_assert_int_eq(__hot_reset(&b, 0, 1, container), -EINVAL);
	ck_assert_int_eq(__hot_reset(&b, 0, 1, foreign), -EINVAL);
	put(&b, REGION(0) + 0x800, 4, 5);
	ck_assert_int_eq(__hot_reset(&b, 0, 1, own), hot_resets[_i].own);
	ck_assert_uint_eq(get(&b, REGION(0) + 0x800, 4), hot_resets[_i].own ? 5 : 0);
	bench_done(&b);
}
END_TEST

/* On the root bus no bridge can do it; a sibling of somebody else's forbids it. */
static const char odd_buses[] =
	"iommus: {i: {aperture: 0..0xffffffff, page_sizes: [4K]}}\n"
	"devices:\n"
	"  top: {model: edu, address: 0000:00:03.0, group: 1, driver: vfio-pci}\n"
	"  rp: {model: root-port, address: 0000:00:04.0, group: 2, driver: pcieport}\n"
	"  one: {model: edu, address: 0000:01:00.0, parent: 0000:00:04.0, group: 3,"
	" driver: vfio-pci}\n"
	"  two: {model: edu, address: 0000:01:01.0, parent: 0000:00:04.0, group: 4}\n";

START_TEST(test_odd_buses)
{
	union hot_info hot;
	struct bench b;
	int own[4];

	bench_init(&b, odd_buses, _i ? "one" : "top");
	own[0] = b.group;
	ck_assert_int_eq(__hot_reset_info(&b, sizeof(hot), &hot), _i ? 0 : -ENODEV);
	ck_assert_int_eq(__hot_reset(&b, 0, 1, own), _i ? -EINVAL : -ENODEV);
	bench_done(&b);
}
END_TEST

START_TEST(test_no_reset)
{
	struct bench b;

	bench_init(&b, "q35", "E0");
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_RESET, NULL, 0), -EINVAL);
	bench_done(&b);
}
END_TEST

/* ---- Features ---- */

#define GET VFIO_DEVICE_FEATURE_GET
#define SET VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

static long __feature(struct bench *b, uint32_t flags)
{
	struct vfio_device_feature feature = { .argsz = sizeof(feature), .flags = flags };

	return device_ioctl(b, VFIO_DEVICE_FEATURE, &feature, sizeof(feature));
}

static const struct {
	uint32_t flags;
	int result;
} features[] = {
	{ 0 | PROBE, -ENOTTY },		{ 1 | PROBE | SET, -ENOTTY }, { 2 | PROBE, -ENOTTY },
	{ 3 | PROBE, 0 },		{ 3 | PROBE | GET, -EINVAL }, { 3 | PROBE | SET, 0 },
	{ 4 | PROBE | GET, -EINVAL },	{ 4 | PROBE | SET, 0 },	      { 5 | PROBE, 0 },
	{ 11 | PROBE, -ENOTTY },	{ 12 | PROBE, -EINVAL },      { 12 | PROBE | SET, -EINVAL },
	{ 14 | PROBE, -ENOTTY },	{ 3 | GET | SET, -EINVAL },   { 3, -EINVAL },
	{ 3 | 1 << 19, -EINVAL },	{ 0xffff | GET, -ENOTTY },    { 3 | SET, 0 },
	{ 3 | SET, -EINVAL },		{ 4 | SET, -EINVAL },	      { 5 | SET, 0 },
	{ 5 | SET, 0 },			{ 3 | SET, 0 },
};

START_TEST(test_features)
{
	struct bench b;

	bench_init(&b, "q35", "A");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		ck_assert_msg(__feature(&b, features[i].flags) == features[i].result, "row %zu", i);
	bench_done(&b);
}
END_TEST

/* ---- Naming ---- */

static const struct {
	const char *name;
	int error;		/* 0: it is opened */
} names[] = {
	{ "0000:01:00.0", 0 },
	{ "0000:01:00.0 ", 0 },
	{ "0000:01:00.0   ", 0 },
	{ "0000:01:00.00", -ENODEV },
	{ "0000:01:00", -ENODEV },
	{ "", -ENODEV },
	{ "0000:02:00.0", -ENODEV },
	{ "0000:01:00.0 bogus", -EINVAL },
	{ "0000:01:00.0 vf_token=", -EINVAL },
	{ "0000:01:00.0 vf_token=bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3", -EINVAL },
};

START_TEST(test_names)
{
	struct bench b;
	int fd;

	bench_init(&b, "q35", "A");
	fd = __bench_get_device(&b, names[_i].name);
	if (names[_i].error)
		ck_assert_int_eq(fd, names[_i].error);
	else
		ck_assert_int_gt(fd, b.device);
	bench_done(&b);
}
END_TEST

/* Only a kernel with PCI_IOV gives the physical function a token, and then it takes one. */
START_TEST(physical_functions_have_a_token_with_pci_iov)
{
	struct {
		struct vfio_device_feature header;
		uint8_t uuid[16];
	} feature = { .header = { .argsz = sizeof(feature) } };
	struct bench b;
	int fd;

	bench_load(&b, "q35");
	b.topology->config_pci_iov = _i;
	bench_start(&b, "N");
	feature.header.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET;
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_FEATURE, &feature, 8), _i ? 0 : -ENOTTY);
	feature.header.flags = VFIO_DEVICE_FEATURE_SET;
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_FEATURE, &feature, sizeof(feature)),
			 _i ? 0 : -ENOTTY);
	feature.header.flags = VFIO_DEVICE_FEATURE_GET;
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_FEATURE, &feature, sizeof(feature)),
			 _i ? -EINVAL : -ENOTTY);
	fd = __bench_get_device(&b, "0000:03:00.0 vf_token=bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3");
	ck_assert_int_eq(fd < 0, !_i);
	bench_done(&b);
}
END_TEST

#define ROWS(table_) (int)(sizeof(table_) / sizeof((table_)[0]))

int main(void)
{
	Suite *suite = suite_create("vfio-pci");
	TCase *tcase = tcase_create("vfio-pci");

	tcase_add_test(tcase, test_info);
	tcase_add_loop_test(tcase, test_region_info, 0, ROWS(regions));
	tcase_add_test(tcase, test_region_info_small);
	tcase_add_loop_test(tcase, test_irq_info, 0, ROWS(irqs));
	tcase_add_test(tcase, test_read);
	tcase_add_test(tcase, test_storage);
	tcase_add_test(tcase, test_memory_disabled);
	tcase_add_loop_test(tcase, test_mmap, 0, ROWS(mmaps));
	tcase_add_test(tcase, test_hot_reset_info);
	tcase_add_loop_test(tcase, test_hot_reset, 0, ROWS(hot_resets));
	tcase_add_loop_test(tcase, test_odd_buses, 0, 2);
	tcase_add_test(tcase, test_no_reset);
	tcase_add_test(tcase, test_features);
	tcase_add_loop_test(tcase, physical_functions_have_a_token_with_pci_iov, 0, 2);
	tcase_add_loop_test(tcase, test_names, 0, ROWS(names));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
