/* SPDX-License-Identifier: MIT */
/*
 * Devices opened by their own node, on the q35 machine, in process. vfio0 is the
 * physical device A of group 10; vfio3 and vfio4 are M0 and M1 of group 13; vfio5
 * and vfio6 are E0 and E1 of group 14, whose bus can be reset; vfio7 is an mdev.
 */
#include "machine/story_test.h"

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

#include "base/suite_test.h"

#define CONFIG_OFFSET (7ull << 40)
#define A_ADDRESS "0000:01:00.0"
#define UNBIND "/sys/bus/pci/drivers/vfio-pci/unbind"
#define BIND "/sys/bus/pci/drivers/vfio-pci/bind"

static struct story story;

static void begin(void)
{
	story_begin(&story, "q35");
}

static void end(void)
{
	story_end(&story);
}

static int open_path(const char *path)
{
	int fd = vfiosim_inproc_open(story.proc, path);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static int open_iommufd(void)
{
	return open_path("/dev/iommu");
}

static int open_cdev(unsigned number)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", number);
	return open_path(path);
}

static void close_fd(int fd)
{
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, fd), 0);
}

#define ask(fd_, number_, data_) command_struct(&story, (fd_), (number_), (data_), sizeof(*(data_)))

static long __bind(int cdev, int iommufd, uint32_t *ret_devid)
{
	struct vfiosim_device_bind_iommufd cmd = { .argsz = 16, .iommufd = iommufd };
	long ret = ask(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd);

	if (ret_devid)
		*ret_devid = cmd.out_devid;
	return ret;
}

static uint32_t bind_to(int cdev, int iommufd)
{
	uint32_t devid;

	ck_assert_int_eq(__bind(cdev, iommufd, &devid), 0);
	return devid;
}

/* Opened and bound. */
static int bound(unsigned number, int iommufd)
{
	int cdev = open_cdev(number);

	bind_to(cdev, iommufd);
	return cdev;
}

static uint32_t ioas_alloc(int iommufd)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static long destroy(int iommufd, uint32_t id)
{
	struct vfiosim_iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return ask(iommufd, VFIOSIM_IOMMU_DESTROY, &cmd);
}

static long attach(int cdev, uint32_t pt, uint32_t *ret_pt)
{
	struct vfiosim_device_attach_iommufd_pt cmd = { .argsz = 12, .pt_id = pt };
	long ret = ask(cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd);

	if (ret_pt)
		*ret_pt = cmd.pt_id;
	return ret;
}

static long attach_pasid(int cdev, uint32_t pt, uint32_t pasid)
{
	struct vfiosim_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd), .flags = VFIOSIM_DEVICE_ATTACH_PASID, .pt_id = pt,
		.pasid = pasid,
	};

	return ask(cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static long detach(int cdev)
{
	struct vfiosim_device_detach_iommufd_pt cmd = { .argsz = 8 };

	return ask(cdev, VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

static long detach_pasid(int cdev, uint32_t pasid)
{
	struct vfiosim_device_detach_iommufd_pt cmd = {
		.argsz = sizeof(cmd), .flags = VFIOSIM_DEVICE_DETACH_PASID, .pasid = pasid
	};

	return ask(cdev, VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

static long device_info(int cdev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return ask(cdev, VFIO_DEVICE_GET_INFO, &info);
}

/* ---- Before and while binding ---- */

START_TEST(nothing_works_before_bind)
{
	int cdev = open_cdev(0), again = open_cdev(0);
	uint64_t uva;
	char bytes[4];

	ck_assert_int_eq(device_info(cdev), -EINVAL);
	ck_assert_rule(&story, "cdev-not-bound");
	ck_assert_int_eq(command(&story, cdev, 0x3bff, 0), -EINVAL);
	ck_assert_rule(&story, "cdev-not-bound");
	ck_assert_int_eq(command(&story, cdev, VFIO_DEVICE_RESET, 0), -EINVAL);
	ck_assert_int_eq(attach(cdev, 1, NULL), -EINVAL);
	ck_assert_int_eq(detach(cdev), -EINVAL);
	ck_assert_int_eq(vfiosim_inproc_pread(story.proc, cdev, bytes, 4, CONFIG_OFFSET), -EINVAL);
	ck_assert_rule(&story, "cdev-not-bound");
	ck_assert_int_eq(vfiosim_inproc_pwrite(story.proc, cdev, bytes, 4, CONFIG_OFFSET), -EINVAL);
	ck_assert_int_eq(vfiosim_inproc_mmap_fd(story.proc, cdev, 0, PAGE, &uva), -EINVAL);
	ck_assert_rule(&story, "cdev-not-bound");
	close_fd(cdev);
	close_fd(again);
}
END_TEST

START_TEST(bind_looks_at_its_arguments_in_the_kernels_order)
{
	struct vfiosim_device_bind_iommufd cmd = { .argsz = 15 };
	int cdev = open_cdev(0), iommufd = open_iommufd(), group;

	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd), -EINVAL);
	ck_assert_int_eq(command(&story, cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, 0), -EFAULT);
	cmd = (struct vfiosim_device_bind_iommufd){ .argsz = 16, .flags = 2, .iommufd = iommufd };
	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd), -EINVAL);
	ck_assert_rule(&story, "unknown-flags");
	ck_assert_int_eq(__bind(cdev, -1, NULL), -EINVAL);
	ck_assert_rule(&story, "bad-iommufd");
	ck_assert_int_eq(__bind(cdev, 999, NULL), -EBADF);
	ck_assert_int_eq(__bind(cdev, 0, NULL), -EBADFD);
	ck_assert_rule(&story, "not-an-iommufd");
	ck_assert_int_eq(__bind(cdev, cdev, NULL), -EBADFD);
	/* A group that is open comes before a bad descriptor ... */
	group = open_group(&story, 10);
	ck_assert_int_eq(__bind(cdev, 0, NULL), -EBUSY);
	ck_assert_rule(&story, "cdev-group-open");
	close_fd(group);
	/* ... and so does being bound already. */
	bind_to(cdev, iommufd);
	ck_assert_int_eq(__bind(cdev, 0, NULL), -EINVAL);
	ck_assert_rule(&story, "cdev-bound");
}
END_TEST

START_TEST(a_token_is_for_virtual_functions)
{
	struct vfiosim_device_bind_iommufd cmd = {
		.argsz = sizeof(cmd), .flags = VFIOSIM_DEVICE_BIND_FLAG_TOKEN,
		.iommufd = open_iommufd(), .token_uuid_ptr = memory(&story, 1, VFIOSIM_PROT_READ),
	};
	int cdev = open_cdev(0), mdev = open_cdev(7), sriov = open_cdev(2);

	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd), -EINVAL);
	ck_assert_rule(&story, "vf-token-unused");
	story.topology->config_pci_iov = true;
	ck_assert_int_eq(ask(sriov, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd), 0);
	cmd.token_uuid_ptr = 0;
	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd), -EFAULT);
	ck_assert_int_eq(ask(mdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd), -EINVAL);
	cmd.flags = 0;
	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd), 0);
}
END_TEST

START_TEST(one_descriptor_is_bound)
{
	int iommufd = open_iommufd(), other = open_iommufd();
	int cdev = open_cdev(0), second = open_cdev(0);
	uint32_t devid = bind_to(cdev, iommufd);

	ck_assert_int_eq(device_info(cdev), 0);
	ck_assert_int_eq(__bind(second, iommufd, NULL), -EINVAL);
	ck_assert_rule(&story, "cdev-in-use");
	ck_assert_int_eq(__bind(second, other, NULL), -EINVAL);
	ck_assert_int_eq(device_info(second), -EINVAL);
	ck_assert_int_eq(destroy(iommufd, devid), -EBUSY);
	close_fd(cdev);
	ck_assert_int_eq(destroy(iommufd, devid), -ENOENT);
	ck_assert_uint_eq(bind_to(second, other), 1);
}
END_TEST

START_TEST(an_answer_that_cannot_be_given_is_taken_back)
{
	const struct vfiosim_device_bind_iommufd cmd = { .argsz = 16, .iommufd = 4 };
	int iommufd, cdev = open_cdev(0), group;
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);

	iommufd = open_iommufd();
	ck_assert_int_eq(iommufd, cmd.iommufd);
	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, uva, &cmd, sizeof(cmd)), 0);
	ck_assert_int_eq(vfiosim_inproc_mprotect(story.proc, uva, PAGE, VFIOSIM_PROT_READ), 0);
	ck_assert_int_eq(command(&story, cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, uva), -EFAULT);
	ck_assert_int_eq(device_info(cdev), -EINVAL);
	group = open_group(&story, 10);
	close_fd(group);
	ck_assert_uint_eq(bind_to(cdev, iommufd), 1);
}
END_TEST

/* ---- The group, and its devices by themselves ---- */

START_TEST(group_and_cdev_exclude_each_other)
{
	int iommufd = open_iommufd(), m0 = open_cdev(3), m1 = open_cdev(4), group;

	bind_to(m0, iommufd);
	ck_assert_int_eq(__open_group(&story, 13), -EBUSY);
	ck_assert_rule(&story, "group-cdev-bound");
	bind_to(m1, iommufd);
	close_fd(m0);
	ck_assert_int_eq(__open_group(&story, 13), -EBUSY);
	close_fd(m1);
	group = open_group(&story, 13);
	m0 = open_cdev(3);
	ck_assert_int_eq(__bind(m0, iommufd, NULL), -EBUSY);
	close_fd(group);
	bind_to(m0, iommufd);
}
END_TEST

START_TEST(a_group_has_one_owner)
{
	int iommufd = open_iommufd(), other = open_iommufd();
	int m0 = bound(3, iommufd), m1 = open_cdev(4);

	ck_assert_int_eq(__bind(m1, other, NULL), -EPERM);
	ck_assert_rule(&story, "other-owner");
	close_fd(m0);
	bind_to(m1, other);
}
END_TEST

START_TEST(commands_of_cdevs_are_unknown_to_a_device_of_a_group)
{
	static const char name[] = A_ADDRESS;
	char text[sizeof(name)];
	int group, container = container_with(&story, 10, &group), iommufd = open_iommufd();
	int device;

	memcpy(text, name, sizeof(text));
	device = (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, text, sizeof(text));
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(__bind(device, iommufd, NULL), -EINVAL);
	ck_assert_rule(&story, "not-a-cdev");
	ck_assert_int_eq(attach(device, 1, NULL), -ENOTTY);
	ck_assert_rule(&story, "driver-command");
	ck_assert_int_eq(detach(device), -ENOTTY);
	close_fd(container);
}
END_TEST

/* ---- Attach and detach ---- */

START_TEST(attach_replaces_and_detach_forgives)
{
	int iommufd = open_iommufd(), cdev = open_cdev(0);
	uint32_t devid = bind_to(cdev, iommufd), one = ioas_alloc(iommufd);
	uint32_t two = ioas_alloc(iommufd), hwpt, same;

	ck_assert_int_eq(detach(cdev), 0);
	ck_assert_int_eq(attach(cdev, 999, NULL), -ENOENT);
	ck_assert_int_eq(attach(cdev, devid, NULL), -EINVAL);
	ck_assert_int_eq(attach(cdev, one, &hwpt), 0);
	ck_assert_uint_ne(hwpt, one);
	ck_assert_int_eq(attach(cdev, one, &same), 0);
	ck_assert_uint_eq(same, hwpt);
	ck_assert_int_eq(destroy(iommufd, one), -EBUSY);
	ck_assert_int_eq(attach(cdev, two, NULL), 0);
	ck_assert_int_eq(destroy(iommufd, one), 0);
	/* The iommufd is kept by what is bound to it. */
	close_fd(iommufd);
	ck_assert_int_eq(detach(cdev), 0);
	ck_assert_int_eq(attach(cdev, two, NULL), 0);
	ck_assert_int_eq(device_info(cdev), 0);
}
END_TEST

START_TEST(pasid_zero_is_the_device_by_another_way)
{
	int iommufd = open_iommufd(), cdev = bound(0, iommufd);
	uint32_t ioas = ioas_alloc(iommufd);

	ck_assert_int_eq(attach_pasid(cdev, ioas, 1), -EINVAL);
	ck_assert_rule(&story, "pasid-none");
	ck_assert_int_eq(attach_pasid(cdev, 999, 1), -ENOENT);
	ck_assert_int_eq(attach(cdev, ioas, NULL), 0);
	ck_assert_int_eq(attach_pasid(cdev, ioas, 0), -EBUSY);
	ck_assert_rule(&story, "pasid-attached");
	ck_assert_int_eq(detach_pasid(cdev, 0), 0);
	ck_assert_int_eq(destroy(iommufd, ioas), -EBUSY);
	ck_assert_int_eq(detach_pasid(cdev, 5), 0);
	ck_assert_int_eq(detach(cdev), 0);
	ck_assert_int_eq(attach_pasid(cdev, ioas, 0), 0);
	ck_assert_int_eq(attach_pasid(cdev, ioas, 0), 0);
	ck_assert_int_eq(detach(cdev), 0);
	ck_assert_int_eq(attach(cdev, ioas, NULL), -EBUSY);
	ck_assert_int_eq(detach_pasid(cdev, 0), 0);
	ck_assert_int_eq(attach(cdev, ioas, NULL), 0);
}
END_TEST

START_TEST(a_pasid_needs_its_field_and_a_physical_device)
{
	struct vfiosim_device_attach_iommufd_pt cmd = {
		.argsz = 12, .flags = VFIOSIM_DEVICE_ATTACH_PASID,
	};
	int iommufd = open_iommufd(), cdev = bound(0, iommufd), mdev = bound(7, iommufd);

	cmd.pt_id = ioas_alloc(iommufd);
	ck_assert_int_eq(ask(cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd), -EINVAL);
	ck_assert_rule(&story, "argsz-too-small");
	ck_assert_int_eq(ask(mdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd), -EOPNOTSUPP);
	ck_assert_rule(&story, "pasid-mdev");
	ck_assert_int_eq(detach_pasid(mdev, 0), -EOPNOTSUPP);
	cmd.flags = 2;
	ck_assert_int_eq(ask(mdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd), -EINVAL);
}
END_TEST

/* ---- Hot reset ---- */

static long hot_reset_info(int cdev, uint32_t *ret_flags, uint32_t ids[2])
{
	struct {
		struct vfio_pci_hot_reset_info head;
		struct vfio_pci_dependent_device devices[4];
	} info = { .head.argsz = sizeof(info) };
	long ret = ask(cdev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info);

	*ret_flags = info.head.flags;
	ids[0] = info.devices[0].group_id;
	ids[1] = info.devices[1].group_id;
	return ret;
}

static long hot_reset(int cdev, uint32_t count, int fd)
{
	struct {
		struct vfio_pci_hot_reset head;
		int32_t fds[1];
	} cmd = { .head = { .argsz = sizeof(cmd), .count = count }, .fds = { fd } };

	return ask(cdev, VFIO_DEVICE_PCI_HOT_RESET, &cmd);
}

START_TEST(hot_reset_tells_ids_and_wants_the_bus_owned)
{
	int iommufd = open_iommufd(), e0 = open_cdev(5);
	uint32_t own = bind_to(e0, iommufd), flags, ids[2];

	/* E1 is not bound, but its group is the iommufd's. */
	ck_assert_int_eq(hot_reset_info(e0, &flags, ids), 0);
	ck_assert_uint_eq(flags, VFIOSIM_HOT_RESET_DEV_ID | VFIOSIM_HOT_RESET_DEV_ID_OWNED);
	ck_assert_uint_eq(ids[0], own);
	ck_assert_uint_eq(ids[1], VFIOSIM_DEVID_OWNED);
	ck_assert_int_eq(hot_reset(e0, 0, 0), 0);
	ck_assert_int_eq(hot_reset(e0, 1, iommufd), -EINVAL);
	ck_assert_rule(&story, "hot-reset-groups");
	bound(6, iommufd);
	ck_assert_int_eq(hot_reset_info(e0, &flags, ids), 0);
	ck_assert_uint_eq(ids[1], own + 1);
}
END_TEST

START_TEST(hot_reset_of_a_bus_with_a_stranger)
{
	int iommufd = open_iommufd(), e0 = bound(5, iommufd);
	uint32_t flags, ids[2];

	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, UNBIND, "0000:06:02.0"), 12);
	ck_assert_int_eq(hot_reset_info(e0, &flags, ids), 0);
	ck_assert_uint_eq(flags, VFIOSIM_HOT_RESET_DEV_ID);
	ck_assert_uint_eq(ids[1], VFIOSIM_DEVID_NOT_OWNED);
	ck_assert_int_eq(hot_reset(e0, 0, 0), -EINVAL);
	ck_assert_rule(&story, "hot-reset-not-ours");
}
END_TEST

/* ---- The driver lets go ---- */

START_TEST(unbind_waits_for_every_descriptor)
{
	int iommufd = open_iommufd(), cdev = bound(0, iommufd), idle = open_cdev(0);

	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, UNBIND, A_ADDRESS), -EINPROGRESS);
	ck_assert_int_eq(vfiosim_inproc_open(story.proc, "/dev/vfio/devices/vfio0"), -ENOENT);
	ck_assert_int_eq(device_info(cdev), 0);
	close_fd(cdev);
	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, UNBIND, A_ADDRESS), -EINPROGRESS);
	close_fd(idle);
	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, UNBIND, A_ADDRESS), 12);
	ck_assert_int_eq(vfiosim_inproc_open(story.proc, "/dev/vfio/devices/vfio0"), -ENOENT);
}
END_TEST

/* Whoever went on without asking how the first one ended writes anew. */
START_TEST(a_later_unbind_is_one_of_its_own)
{
	int idle = open_cdev(0);

	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, UNBIND, A_ADDRESS), -EINPROGRESS);
	close_fd(idle);
	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, BIND, A_ADDRESS), 12);
	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, UNBIND, A_ADDRESS), 12);
	ck_assert_int_eq(vfiosim_inproc_open(story.proc, "/dev/vfio/devices/vfio0"), -ENOENT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing_works_before_bind,
		bind_looks_at_its_arguments_in_the_kernels_order,
		a_token_is_for_virtual_functions,
		one_descriptor_is_bound,
		an_answer_that_cannot_be_given_is_taken_back,
		group_and_cdev_exclude_each_other,
		a_group_has_one_owner,
		commands_of_cdevs_are_unknown_to_a_device_of_a_group,
		attach_replaces_and_detach_forgives,
		pasid_zero_is_the_device_by_another_way,
		a_pasid_needs_its_field_and_a_physical_device,
		hot_reset_tells_ids_and_wants_the_bus_owned,
		hot_reset_of_a_bus_with_a_stranger,
		unbind_waits_for_every_descriptor,
		a_later_unbind_is_one_of_its_own,
	};
	Suite *suite = suite_create("cdev");
	TCase *tcase = tcase_create("stories");

	tcase_add_checked_fixture(tcase, begin, end);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
