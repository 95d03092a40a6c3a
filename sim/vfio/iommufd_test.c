/* SPDX-License-Identifier: MIT */
/*
 * An iommufd as the container of groups, and the container commands on it; in process.
 * On q35: A of group 10, the mdev T0 of group 15, M0
 * and M1 of group 13. On engine: an mdev
 * that pins when told to.
 */
#include "machine/story_test.h"

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/engine.h>

#include "base/suite_test.h"

#define A 10
#define A_ADDRESS "0000:01:00.0"
#define T0 15
#define T0_ADDRESS "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define IOVA 0x100000ull
#define MSI 0xfee00000ull

static struct story story;

static void begin(void)
{
	story_begin(&story, "q35");
}

static void end(void)
{
	story_end(&story);
}

#define ask(fd_, number_, data_) command_struct(&story, (fd_), (number_), (data_), sizeof(*(data_)))

static int open_iommufd(void)
{
	int fd = vfiosim_inproc_open(story.proc, "/dev/iommu");

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void close_fd(int fd)
{
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, fd), 0);
}

/* The group, with @iommufd as its container. */
static int group_in(unsigned number, int iommufd)
{
	int group = open_group(&story, number);

	ck_assert_int_eq(set_container(&story, group, iommufd), 0);
	return group;
}

static int __device(int group, const char *address)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", address);
	return (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, name, sizeof(name));
}

static int device(int group, const char *address)
{
	int fd = __device(group, address);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static uint32_t status(int group)
{
	struct vfio_group_status arg = { .argsz = sizeof(arg) };

	ck_assert_int_eq(ask(group, VFIO_GROUP_GET_STATUS, &arg), 0);
	return arg.flags;
}

static long vfio_ioas(int iommufd, uint16_t op, uint32_t *id)
{
	struct vfiosim_iommu_vfio_ioas cmd = { .size = sizeof(cmd), .op = op, .ioas_id = *id };
	long ret = ask(iommufd, VFIOSIM_IOMMU_VFIO_IOAS, &cmd);

	*id = cmd.ioas_id;
	return ret;
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

static uint64_t ram(uint64_t pages)
{
	return memory(&story, pages, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
}

static uint64_t pinned_pages(void)
{
	struct vfiosim_counters counters;

	vfiosim_counters(story.sim, &counters);
	return counters.pinned_pages;
}

#define NOWHERE 0x10000ull	/* nothing is mapped there */

static uint64_t unmap_all(int iommufd)
{
	uint64_t gone;

	ck_assert_int_eq(__unmap(&story, iommufd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &gone), 0);
	return gone;
}

/* ---- Groups ---- */

START_TEST(test_group_joins)
{
	int iommufd = open_iommufd(), group = open_group(&story, A), container;
	uint32_t id = 0;

	ck_assert_int_eq(vfio_ioas(iommufd, VFIOSIM_IOMMU_VFIO_IOAS_GET, &id), -ENODEV);
	ck_assert_uint_eq(status(group), VFIO_GROUP_FLAGS_VIABLE);
	ck_assert_int_eq(set_container(&story, group, iommufd), 0);
	ck_assert_uint_eq(status(group), VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET);
	ck_assert_int_eq(vfio_ioas(iommufd, VFIOSIM_IOMMU_VFIO_IOAS_GET, &id), 0);
	ck_assert_uint_eq(id, 1);

	ck_assert_int_eq(set_container(&story, group, iommufd), -EINVAL);
	ck_assert_rule(&story, "compat-set");
	container = open_container(&story);
	ck_assert_int_eq(set_container(&story, group, container), -EINVAL);
	ck_assert_rule(&story, "compat-set");
	ck_assert_int_eq(set_container(&story, group, 0), -EINVAL);

	ck_assert_int_eq(unset_container(&story, group), 0);
	ck_assert_int_eq(unset_container(&story, group), -EINVAL);
	ck_assert_int_eq(set_container(&story, group, container), 0);
	ck_assert_int_eq(set_container(&story, group, iommufd), -EINVAL);
	ck_assert_rule(&story, "container-set");
}
END_TEST

/* A device that is open stays bound when its group leaves: nobody else gets the group. */
START_TEST(test_unset_while_open)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd), dev = device(group, A_ADDRESS);
	int other = open_iommufd(), container = open_container(&story), again;

	ck_assert_int_eq(unset_container(&story, group), 0);
	ck_assert_uint_eq(status(group), 0);
	ck_assert_int_eq(__device(group, A_ADDRESS), -EINVAL);
	ck_assert_rule(&story, "container-not-set");
	ck_assert_int_eq(set_container(&story, group, container), -EPERM);
	ck_assert_rule(&story, "other-owner");

	/* another descriptor of what is open changes nothing, whatever the group is in now */
	ck_assert_int_eq(set_container(&story, group, other), 0);
	again = device(group, A_ADDRESS);
	ck_assert_int_eq(unset_container(&story, group), 0);
	close_fd(dev);
	ck_assert_int_eq(set_container(&story, group, container), -EPERM);
	close_fd(again);
	ck_assert_uint_eq(status(group), VFIO_GROUP_FLAGS_VIABLE);
	ck_assert_int_eq(set_container(&story, group, container), 0);
}
END_TEST

/* The first open attaches, the last close detaches; in between descriptors come and go. */
START_TEST(test_first_open_last_close)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd);
	int one = device(group, A_ADDRESS), two = device(group, A_ADDRESS);
	uint32_t id = 0;

	ck_assert_int_eq(vfio_ioas(iommufd, VFIOSIM_IOMMU_VFIO_IOAS_GET, &id), 0);
	ck_assert_int_eq(destroy(iommufd, id), -EBUSY);
	close_fd(one);
	ck_assert_int_eq(destroy(iommufd, id), -EBUSY);
	ck_assert_int_eq(__map(&story, iommufd, IOVA, NOWHERE, PAGE, MAP_RW), -EFAULT);
	close_fd(two);
	ck_assert_int_eq(__map(&story, iommufd, IOVA, NOWHERE, PAGE, MAP_RW), 0);
	ck_assert_int_eq(destroy(iommufd, id), 0);

	ck_assert_int_eq(__device(group, A_ADDRESS), -ENODEV);
	ck_assert_rule(&story, "no-vfio-ioas");
	ck_assert_int_eq(__map(&story, iommufd, IOVA, ram(1), PAGE, MAP_RW), -ENODEV);
}
END_TEST

/* Closed in the wrong order everything goes on, and goes away. */
START_TEST(test_iommufd_closed_first)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd), dev;

	map(&story, iommufd, IOVA, ram(4), 4 * PAGE);
	close_fd(iommufd);
	dev = device(group, A_ADDRESS);
	close_fd(group);
	ck_assert_int_eq(__open_group(&story, A), -EBUSY);
	close_fd(dev);
	group = open_group(&story, A);
	ck_assert_uint_eq(status(group), VFIO_GROUP_FLAGS_VIABLE);
}
END_TEST

/* ---- Conflicts show when the device is opened ---- */

START_TEST(test_conflicts_show_late)
{
	static const struct {
		uint64_t iova;
		uint64_t uva;		/* 0: memory */
		uint32_t flags;
		int error;
		const char *rule;
	} rows[] = {
		{ IOVA + PAGE, NOWHERE, MAP_RW, -EFAULT, "pin-unmapped" },
		{ MSI, 0, MAP_RW, -EADDRINUSE, "resv-in-use" },
		{ MSI, NOWHERE, MAP_RW, -EADDRINUSE, "resv-in-use" },
		{ 1ull << 45, 0, MAP_RW, -EADDRINUSE, "resv-in-use" },
		{ IOVA + PAGE, 0, 0, -EINVAL, "domain-no-access" },
	};
	int iommufd = open_iommufd(), group = group_in(A, iommufd);
	uint64_t page = ram(1);

	map(&story, iommufd, IOVA, page, PAGE);
	ck_assert_int_eq(__map(&story, iommufd, rows[_i].iova, rows[_i].uva ? rows[_i].uva : page,
			       PAGE, rows[_i].flags), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(__device(group, A_ADDRESS), rows[_i].error);
		ck_assert_rule(&story, rows[_i].rule);
	}
	ck_assert_uint_eq(status(group), 3);
	ck_assert_uint_eq(unmap(&story, iommufd, rows[_i].iova, PAGE), PAGE);
	device(group, A_ADDRESS);
	ck_assert_int_eq(__map(&story, iommufd, IOVA + PAGE, page, PAGE, 0), -EINVAL);
	ck_assert_uint_eq(unmap_all(iommufd), PAGE);
}
END_TEST

/* An mdev makes nothing of a bad mapping; the device that joins it does. */
START_TEST(test_mdev_hotadd)
{
	int iommufd = open_iommufd(), mdev = group_in(T0, iommufd), group;

	device(mdev, T0_ADDRESS);
	map(&story, iommufd, IOVA, NOWHERE, PAGE);
	group = group_in(A, iommufd);
	ck_assert_int_eq(__device(group, A_ADDRESS), -EFAULT);
	unmap(&story, iommufd, IOVA, PAGE);
	device(group, A_ADDRESS);
}
END_TEST

START_TEST(test_other_iommufd_owns)
{
	int first = open_iommufd(), m = group_in(13, first), dev = device(m, "0000:04:00.0");
	int second = open_iommufd();

	ck_assert_int_eq(unset_container(&story, m), 0);
	ck_assert_int_eq(set_container(&story, m, second), 0);
	ck_assert_int_eq(__device(m, "0000:04:00.1"), -EPERM);
	ck_assert_rule(&story, "other-owner");
	close_fd(dev);
	device(m, "0000:04:00.1");
}
END_TEST

/* ---- Commands ---- */

struct info {
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t pad;
	struct vfio_info_cap_header header;
	uint32_t n, reserved;
	struct vfio_iova_range ranges[2];
};

START_TEST(test_info)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd);
	struct info info = { .info.argsz = sizeof(info) };

	ck_assert_int_eq(ask(iommufd, VFIO_IOMMU_GET_INFO, &info), 0);
	ck_assert_uint_eq(info.info.argsz, 72);
	ck_assert_uint_eq(info.info.iova_pgsizes, 0xfffffffffffff000);
	ck_assert_uint_eq(info.info.cap_offset, 24);
	ck_assert_uint_eq(info.avail.header.id, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	ck_assert_uint_eq(info.avail.avail, UINT32_MAX);
	ck_assert_uint_eq(info.header.id, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	ck_assert_uint_eq(info.n, 1);

	device(group, A_ADDRESS);
	info.info.argsz = 72;
	ck_assert_int_eq(ask(iommufd, VFIO_IOMMU_GET_INFO, &info), 0);
	ck_assert_uint_eq(info.info.argsz, 88);
	ck_assert_uint_eq(info.info.cap_offset, 0);
	ck_assert_uint_eq(info.info.iova_pgsizes, 0x40201000);
	ck_assert_int_eq(ask(iommufd, VFIO_IOMMU_GET_INFO, &info), 0);
	ck_assert_uint_eq(info.n, 2);
	ck_assert_uint_eq(info.ranges[0].end, 0xfedfffff);
	ck_assert_uint_eq(info.ranges[1].end, 0x7fffffffff);
	info.info.argsz = 15;
	ck_assert_int_eq(ask(iommufd, VFIO_IOMMU_GET_INFO, &info), -EINVAL);
}
END_TEST

START_TEST(test_extensions_and_types)
{
	int iommufd = open_iommufd(), group;

	ck_assert_int_eq(command(&story, iommufd, VFIO_GET_API_VERSION, 0), 0);
	ck_assert_int_eq(command(&story, iommufd, VFIO_CHECK_EXTENSION, 3), 1);
	ck_assert_int_eq(command(&story, iommufd, VFIO_CHECK_EXTENSION, 10), 0);
	ck_assert_int_eq(command(&story, iommufd, VFIO_CHECK_EXTENSION, 4), -ENODEV);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, 3), -ENODEV);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, 8), -EINVAL);
	ck_assert_rule(&story, "compat-type");
	group = group_in(A, iommufd);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, 3), 0);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, 3), 0);
	ck_assert_int_eq(command(&story, iommufd, VFIO_CHECK_EXTENSION, 4), 1);
	device(group, A_ADDRESS);
	ck_assert_int_eq(command(&story, iommufd, VFIO_CHECK_EXTENSION, 4), 0);
	ck_assert_int_eq(command(&story, iommufd, VFIO_IOMMU_DIRTY_PAGES, 0), -ENOTTY);
}
END_TEST

START_TEST(test_unmap_answers)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd);
	uint64_t gone;

	device(group, A_ADDRESS);
	map(&story, iommufd, IOVA, ram(4), 4 * PAGE);
	ck_assert_int_eq(__unmap(&story, iommufd, IOVA, PAGE, 0, &gone), -ENOENT);
	ck_assert_uint_eq(gone, 0);
	ck_assert_int_eq(__unmap(&story, iommufd, 0, PAGE, VFIO_DMA_UNMAP_FLAG_ALL, &gone),
			 -EINVAL);
	ck_assert_uint_eq(gone, PAGE);
	ck_assert_int_eq(__unmap(&story, iommufd, UINT64_MAX - PAGE, 2 * PAGE, 0, &gone),
			 -EOVERFLOW);
	ck_assert_uint_eq(gone, 0);
	ck_assert_int_eq(__unmap(&story, iommufd, IOVA, 0, 0, &gone), -EINVAL);
	ck_assert_uint_eq(unmap(&story, iommufd, 0x900000, PAGE), 0);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA, 4 * PAGE), 4 * PAGE);
	ck_assert_uint_eq(unmap_all(iommufd), 0);
}
END_TEST

/* Both ends of the range are cut, as type1 v1 never did to keep its promise. */
START_TEST(test_v1_cuts)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd);
	struct vfiosim_counters counters;
	uint64_t gone;

	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
	device(group, A_ADDRESS);
	map(&story, iommufd, IOVA, ram(4), 4 * PAGE);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA + PAGE, PAGE), PAGE);
	vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.mappings, 2);
	ck_assert_uint_eq(counters.pinned_pages, 3);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA + PAGE, PAGE), 0);
	ck_assert_int_eq(__unmap(&story, iommufd, IOVA + 0x800, PAGE, 0, &gone), -EINVAL);
	ck_assert_rule(&story, "unaligned");
	ck_assert_uint_eq(gone, PAGE);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA, 4 * PAGE), 3 * PAGE);
}
END_TEST

/* Cut in two, both halves still share their pages with the copy. */
START_TEST(test_v1_cuts_what_is_copied)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd);
	uint32_t id = 1;	/* the first of the iommufd */
	struct vfiosim_iommu_ioas_copy copy = {
		.size = sizeof(copy), .dst_ioas_id = id, .src_ioas_id = id,
		.flags = VFIOSIM_IOAS_MAP_FIXED_IOVA | VFIOSIM_IOAS_MAP_READABLE,
		.length = 3 * PAGE, .src_iova = IOVA, .dst_iova = 2 * IOVA,
	};

	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
	device(group, A_ADDRESS);
	map(&story, iommufd, IOVA, ram(4), 4 * PAGE);
	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_COPY, &copy), 0);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA + 2 * PAGE, 2 * PAGE), 2 * PAGE);
	ck_assert_uint_eq(pinned_pages(), 3);
	ck_assert_uint_eq(unmap(&story, iommufd, 2 * IOVA + PAGE, 2 * PAGE), 2 * PAGE);
	ck_assert_uint_eq(pinned_pages(), 2);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA, PAGE), PAGE);
	ck_assert_uint_eq(pinned_pages(), 2);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA, 2 * PAGE), PAGE);
	ck_assert_uint_eq(pinned_pages(), 1);
	ck_assert_uint_eq(unmap(&story, iommufd, 2 * IOVA, PAGE), PAGE);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

/* v1 comes too late for mappings that a domain may hold as huge pages. */
START_TEST(test_v1_too_late)
{
	int iommufd = open_iommufd(), group = group_in(A, iommufd);

	device(group, A_ADDRESS);
	map(&story, iommufd, IOVA, ram(1), PAGE);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), -EINVAL);
	ck_assert_rule(&story, "huge-pages-in-use");
	unmap_all(iommufd);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
	map(&story, iommufd, IOVA, ram(1), PAGE);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
}
END_TEST

/* ---- Pins ---- */

/* What an mdev has pinned cannot be cut; all of it can go: the mdev lets go first. */
START_TEST(test_v1_and_pins)
{
	int iommufd, group, dev;
	uint64_t gone;

	story_begin(&story, "engine");
	iommufd = open_iommufd();
	group = group_in(12, iommufd);
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
	dev = device(group, T0_ADDRESS);
	map(&story, iommufd, IOVA, ram(4), 4 * PAGE);
	engine(&story, dev, VFIOSIM_ENGINE_PIN, IOVA, 0, PAGE);
	ck_assert_int_eq(__unmap(&story, iommufd, IOVA + PAGE, PAGE, 0, &gone), -EINVAL);
	ck_assert_rule(&story, "cut-pinned");
	engine(&story, dev, VFIOSIM_ENGINE_UNPIN, IOVA, 0, PAGE);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA + PAGE, PAGE), PAGE);
	engine(&story, dev, VFIOSIM_ENGINE_PIN, IOVA, 0, PAGE);
	ck_assert_uint_eq(unmap_all(iommufd), 3 * PAGE);
	story_end(&story);
}
END_TEST

/* ---- Without an IOMMU ---- */

static int open_noiommu(void)
{
	int fd = vfiosim_inproc_open(story.proc, "/dev/vfio/noiommu-0");

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(test_noiommu)
{
	struct vfiosim_limits limits = {
		.memlock = UINT64_MAX, .ipc_lock = true, .sys_rawio = true
	};
	int iommufd, group, dev;
	uint32_t id = 0;

	story_begin(&story, "q35-noiommu");
	iommufd = open_iommufd();
	group = open_noiommu();
	ck_assert_int_eq(set_container(&story, group, iommufd), 0);
	ck_assert_int_eq(vfio_ioas(iommufd, VFIOSIM_IOMMU_VFIO_IOAS_GET, &id), -ENODEV);
	ck_assert_int_eq(set_container(&story, open_group(&story, A), iommufd), -EINVAL);
	ck_assert_rule(&story, "compat-mixed");
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU), 0);
	dev = device(group, "0000:21:00.0");
	ck_assert_int_eq(unset_container(&story, group), 0);
	ck_assert_int_eq(set_container(&story, group, iommufd), 0);
	close_fd(dev);

	id = ioas_alloc(iommufd);
	ck_assert_int_eq(vfio_ioas(iommufd, VFIOSIM_IOMMU_VFIO_IOAS_SET, &id), 0);
	ck_assert_int_eq(__device(group, "0000:21:00.0"), -EPERM);
	ck_assert_rule(&story, "compat-not-translated");
	limits.sys_rawio = false;
	vfiosim_inproc_set_limits(story.proc, &limits);
	ck_assert_int_eq(__device(group, "0000:21:00.0"), -EPERM);
	ck_assert_rule(&story, "no-rawio");
	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU), -EPERM);
	ck_assert_rule(&story, "compat-no-rawio");
	story_end(&story);
}
END_TEST

START_TEST(test_noiommu_comes_second)
{
	int iommufd;

	story_begin(&story, "q35-noiommu");
	iommufd = open_iommufd();
	group_in(A, iommufd);
	ck_assert_int_eq(set_container(&story, open_noiommu(), iommufd), -EINVAL);
	ck_assert_rule(&story, "compat-mixed");
	story_end(&story);
}
END_TEST

int main(void)
{
	TCase *q35 = tcase_create("q35"), *others = tcase_create("other machines");
	Suite *suite = suite_create("compat");

	tcase_add_checked_fixture(q35, begin, end);
	tcase_add_test(q35, test_group_joins);
	tcase_add_test(q35, test_unset_while_open);
	tcase_add_test(q35, test_first_open_last_close);
	tcase_add_test(q35, test_iommufd_closed_first);
	tcase_add_loop_test(q35, test_conflicts_show_late, 0, 5);
	tcase_add_test(q35, test_mdev_hotadd);
	tcase_add_test(q35, test_other_iommufd_owns);
	tcase_add_test(q35, test_info);
	tcase_add_test(q35, test_extensions_and_types);
	tcase_add_test(q35, test_unmap_answers);
	tcase_add_test(q35, test_v1_cuts);
	tcase_add_test(q35, test_v1_cuts_what_is_copied);
	tcase_add_test(q35, test_v1_too_late);
	tcase_add_test(others, test_v1_and_pins);
	tcase_add_test(others, test_noiommu);
	tcase_add_test(others, test_noiommu_comes_second);
	suite_add_tcase(suite, q35);
	suite_add_tcase(suite, others);
	return suite_run(suite);
}
