/* SPDX-License-Identifier: MIT */
/* The mdevs mtty and mdpy, and plain ones, as Linux 7.2 answered for the first two. */
#include <errno.h>

#include "device/device_test.h"

enum { INTX = VFIO_PCI_INTX_IRQ_INDEX, MSI, MSIX, ERR, REQ };
enum { MASK = VFIO_IRQ_SET_ACTION_MASK, UNMASK = VFIO_IRQ_SET_ACTION_UNMASK,
       TRIGGER = VFIO_IRQ_SET_ACTION_TRIGGER };

static void get_info(struct bench *b, uint32_t flags)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	ck_assert_int_eq(device_ioctl(b, VFIO_DEVICE_GET_INFO, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.flags, flags);
	ck_assert_uint_eq(info.num_regions, 9);
	ck_assert_uint_eq(info.num_irqs, 5);
}

static long __region(struct bench *b, uint32_t index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return device_ioctl(b, VFIO_DEVICE_GET_REGION_INFO, info, sizeof(*info));
}

static void region(struct bench *b, uint32_t index, uint32_t flags, uint64_t size, uint64_t offset)
{
	struct vfio_region_info info;

	ck_assert_int_eq(__region(b, index, &info), 0);
	ck_assert_uint_eq(info.flags, flags);
	ck_assert_uint_eq(info.size, size);
	ck_assert_uint_eq(info.offset, offset);
}

static long __irq_info(struct bench *b, uint32_t index, struct vfio_irq_info *info)
{
	*info = (struct vfio_irq_info){ .argsz = sizeof(*info), .index = index };
	return device_ioctl(b, VFIO_DEVICE_GET_IRQ_INFO, info, sizeof(*info));
}

static ssize_t __pread(struct bench *b, size_t length, uint64_t offset)
{
	uint8_t data[64];

	return vfiosim_inproc_pread(b->proc, b->device, data, length, offset);
}

static long __feature(struct bench *b, uint32_t flags)
{
	union {
		struct vfio_device_feature header;
		uint32_t room[10];
	} feature = { .header = { .argsz = sizeof(feature), .flags = flags } };

	return device_ioctl(b, VFIO_DEVICE_FEATURE, &feature, sizeof(feature));
}

/* ---- mtty ---- */

START_TEST(test_mtty_regions)
{
	struct vfio_region_info info;
	struct bench b;
	uint64_t uva;

	bench_init(&b, "q35", "T0");
	get_info(&b, VFIO_DEVICE_FLAGS_PCI);
	region(&b, 0, 3, 8, 0);
	region(&b, 1, 3, 0, REGION(1));
	region(&b, 7, 3, 0xff, REGION(7));
	region(&b, 8, 3, 0, REGION(8));
	ck_assert_int_eq(__region(&b, 9, &info), -EINVAL);
	ck_assert_uint_eq(get(&b, REGION(7), 4), 0x32534348);
	ck_assert_int_eq(__pread(&b, 4, REGION(7) + 0x1000), 4);
	ck_assert_int_eq(__pread(&b, 8, REGION(7) + 0xfc), 8);
	ck_assert_int_eq(__pread(&b, 4, REGION(9)), -EFAULT);
	ck_assert_int_eq(__pread(&b, 4, REGION(6)), -EFAULT);
	ck_assert_int_eq(__pread(&b, 4, REGION(5)), 4);
	ck_assert_int_eq(__pread(&b, 0, REGION(9)), 0);
	ck_assert_int_eq(__pread(&b, 4, (uint64_t)-4096), -EINVAL);
	put(&b, REGION(7) + 0x10, 4, ~0u);
	ck_assert_uint_eq(get(&b, REGION(7) + 0x10, 4), 0xfffffff9);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(b.proc, b.device, 0, 0x1000, &uva),
			 -EINVAL);
	bench_done(&b);
}
END_TEST

/* The driver learns how many interrupts it has when GET_INFO asks. */
START_TEST(test_mtty_before_info)
{
	struct vfio_irq_info info;
	struct bench b;

	bench_init(&b, "q35", "T0");
	ck_assert_int_eq(__irq_info(&b, INTX, &info), -EINVAL);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER | MASK, 1), -EINVAL);
	get_info(&b, VFIO_DEVICE_FLAGS_PCI);
	ck_assert_int_eq(__irq_info(&b, INTX, &info), 0);
	ck_assert_uint_eq(info.flags, 7);
	ck_assert_int_eq(__irq_info(&b, MSI, &info), 0);
	ck_assert_uint_eq(info.flags, 9);
	ck_assert_int_eq(__irq_info(&b, MSIX, &info), -EINVAL);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER | MASK, 1), 0);
	ck_assert_int_eq(__irq_none(&b, INTX, 0, 1), 0);
	bench_done(&b);
}
END_TEST

START_TEST(test_mtty_irqs)
{
	struct bench b;
	int fd;

	bench_init(&b, "q35", "T0");
	get_info(&b, VFIO_DEVICE_FLAGS_PCI);
	fd = vfiosim_inproc_eventfd(b.proc);
	ck_assert_int_eq(__irq_none(&b, INTX, MASK, 1), -EINVAL);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER, 1), -EINVAL);
	ck_assert_int_eq(__irq_none(&b, MSI, MASK, 1), -ENOTTY);
	ck_assert_int_eq(__set_irqs(&b, MSI, IRQ_TRIGGER_FD, 0, 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(__set_irq_fd(&b, MSI, 0, 9999), -EBADF);
	ck_assert_int_eq(__set_irq_fd(&b, MSI, 0, b.container), -EINVAL);
	set_irq_fd(&b, MSI, 0, fd);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(__set_irq_fd(&b, INTX, 0, fd), -EINVAL);
	ck_assert_int_eq(__set_irq_fd(&b, MSIX, 0, fd), -ENOTTY);
	set_irq_fd(&b, MSI, 0, -1);
	ck_assert_int_eq(__irq_none(&b, MSI, TRIGGER, 0), -EINVAL);
	set_irq_fd(&b, INTX, 0, fd);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER, 1), 0);
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_int_eq(__irq_none(&b, INTX, MASK, 1), 0);
	ck_assert_int_eq(__irq_none(&b, INTX, UNMASK, 1), 0);
	ck_assert_int_eq(__set_irqs(&b, INTX, UNMASK | VFIO_IRQ_SET_DATA_EVENTFD, 0, 1, &fd, 4),
			 -ENOTTY);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER, 0), 0);
	ck_assert_int_eq(__set_irq_fd(&b, ERR, 0, fd), -ENOTTY);
	ck_assert_int_eq(__set_irq_fd(&b, REQ, 0, fd), -ENOTTY);
	bench_done(&b);
}
END_TEST

/* The loopback: what is sent comes back, with an interrupt for the first byte. */
START_TEST(test_mtty_port)
{
	struct bench b;
	int fd;

	bench_init(&b, "q35", "T0");
	get_info(&b, VFIO_DEVICE_FLAGS_PCI);
	fd = vfiosim_inproc_eventfd(b.proc);
	set_irq_fd(&b, MSI, 0, fd);
	ck_assert_uint_eq(get(&b, 5, 1), 0x60);
	put(&b, 1, 1, 1);
	put(&b, 0, 1, 'v');
	put(&b, 0, 1, 'f');
	ck_assert_int_eq(vfiosim_inproc_event_read(b.proc, fd), 1);
	ck_assert_uint_eq(get(&b, 2, 1), 0xc4);
	ck_assert_uint_eq(get(&b, 5, 1), 0x01);
	ck_assert_uint_eq(get(&b, 0, 1), 'v');
	ck_assert_uint_eq(get(&b, 0, 1), 'f');
	ck_assert_uint_eq(get(&b, 5, 1), 0x60);
	for (unsigned i = 0; i < 17; i++)
		put(&b, 0, 1, i);
	ck_assert_uint_eq(get(&b, 5, 1), 0x03);
	bench_done(&b);
}
END_TEST

static const struct {
	uint32_t flags;
	int mtty, mdpy;
} features[] = {
#define GET VFIO_DEVICE_FEATURE_GET
#define SET VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE
	{ 0 | PROBE, -ENOTTY, -ENOTTY },	{ 1 | PROBE | SET, -EINVAL, -ENOTTY },
	{ 2 | PROBE, 0, -ENOTTY },		{ 2 | PROBE | GET, 0, -ENOTTY },
	{ 2 | PROBE | SET, 0, -ENOTTY },	{ 3 | PROBE, -ENOTTY, -ENOTTY },
	{ 6 | PROBE | GET, -EINVAL, -ENOTTY },	{ 6 | PROBE | SET, 0, -ENOTTY },
	{ 7 | PROBE, 0, -ENOTTY },		{ 8 | PROBE | GET, 0, -ENOTTY },
	{ 9 | PROBE, 0, -ENOTTY },		{ 9 | PROBE | SET, -EINVAL, -ENOTTY },
	{ 10 | PROBE, -ENOTTY, -ENOTTY },	{ 12 | PROBE, 0, -EINVAL },
	{ 12 | PROBE | GET, -EINVAL, -EINVAL }, { 13 | PROBE, -ENOTTY, -ENOTTY },
	{ 3, -ENOTTY, -ENOTTY },		{ 3 | GET | SET, -EINVAL, -EINVAL },
	{ 3 | 1 << 19, -EINVAL, -EINVAL },	{ 1 | GET, 0, -ENOTTY },
	{ 2 | GET, 0, -ENOTTY },		{ 2 | SET, -EINVAL, -ENOTTY },
};

START_TEST(test_features)
{
	struct bench b;

	bench_init(&b, "q35", _i ? "D0" : "T0");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		ck_assert_msg(__feature(&b, features[i].flags) ==
				      (_i ? features[i].mdpy : features[i].mtty), "row %zu", i);
	bench_done(&b);
}
END_TEST

/* Both are told apart from a PCI function: no bus, and a reset they do not announce. */
START_TEST(test_resets)
{
	struct vfio_pci_hot_reset_info info = { .argsz = 0 };
	struct bench b;

	bench_init(&b, "q35", _i ? "D0" : "T0");
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_RESET, NULL, 0), 0);
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info, sizeof(info)),
			 -ENOTTY);
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_PCI_HOT_RESET, &info, sizeof(info)), -ENOTTY);
	bench_done(&b);
}
END_TEST

/* ---- mdpy ---- */

START_TEST(test_mdpy_regions)
{
	struct vfio_region_info info;
	struct vfio_irq_info irq;
	struct bench b;
	uint64_t uva;

	bench_init(&b, "q35", "D0");
	get_info(&b, VFIO_DEVICE_FLAGS_PCI);
	region(&b, 0, 7, 0x400000, 0x1000);
	region(&b, 1, 0, 0, 0);
	region(&b, 7, 3, 0xff, 0);
	region(&b, 16, 7, 0x400000, 0x1000);
	ck_assert_int_eq(__region(&b, 9, &info), -EINVAL);
	ck_assert_int_eq(__irq_info(&b, REQ, &irq), 0);
	ck_assert_uint_eq(irq.flags | irq.count, 0);
	ck_assert_int_eq(__irq_info(&b, 5, &irq), -EINVAL);
	ck_assert_int_eq(__irq_none(&b, INTX, TRIGGER, 0), -EINVAL);
	ck_assert_int_eq(__pread(&b, 4, REGION(7)), -EFAULT);
	ck_assert_int_eq(__pread(&b, 4, 0x400000), 4);
	ck_assert_int_eq(__pread(&b, 4, 0x401000), -EFAULT);
	ck_assert_int_eq(__pread(&b, 4, 0x200), -EFAULT);
	ck_assert_uint_eq(get(&b, 0x1000 + 767 * 4096, 4), 0xfefefefe);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(b.proc, b.device, 0, 0x1000, &uva), -EINVAL);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(b.proc, b.device, 0x1000, 0x401000, &uva), -EINVAL);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(b.proc, b.device, 0x1000, 0x400000, &uva), 0);
	put(&b, 0x10, 4, ~0u);
	ck_assert_uint_eq(get(&b, 0x10, 4), 0xffc00008);
	bench_done(&b);
}
END_TEST

/* ---- plain ---- */

START_TEST(test_plain)
{
	struct bench b;

	bench_init(&b, "hotadd", "mdev0");
	get_info(&b, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	region(&b, 0, 7, 0x100000, 0);
	region(&b, 1, 7, 0x100000, REGION(1));
	region(&b, 7, 3, 0x100, REGION(7));
	ck_assert_uint_eq(get(&b, REGION(7), 4), 0x00101b36);
	put(&b, REGION(7) + 0x10, 4, ~0u);
	ck_assert_uint_eq(get(&b, REGION(7) + 0x10, 4), 0xfff00000);
	put(&b, REGION(7) + 4, 2, 0);
	put(&b, 0x1000, 4, 42);		/* a vendor driver does not look at the memory bit */
	ck_assert_uint_eq(get(&b, 0x1000, 4), 42);
	ck_assert_int_eq(device_ioctl(&b, VFIO_DEVICE_RESET, NULL, 0), 0);
	ck_assert_uint_eq(get(&b, 0x1000, 4), 0);
	bench_done(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mdev");
	TCase *tcase = tcase_create("mdev");

	tcase_add_test(tcase, test_mtty_regions);
	tcase_add_test(tcase, test_mtty_before_info);
	tcase_add_test(tcase, test_mtty_irqs);
	tcase_add_test(tcase, test_mtty_port);
	tcase_add_loop_test(tcase, test_features, 0, 2);
	tcase_add_loop_test(tcase, test_resets, 0, 2);
	tcase_add_test(tcase, test_mdpy_regions);
	tcase_add_test(tcase, test_plain);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
