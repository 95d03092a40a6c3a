/* SPDX-License-Identifier: MIT */
/*
 * Pages that are pinned: whose account they are charged to, and how often. On q35, in
 * process, through iommufd; vfio0 is the physical device A, vfio1 is B.
 */
#include "machine/story_test.h"

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/engine.h>

#include "base/suite_test.h"

#define RW (VFIOSIM_IOAS_MAP_READABLE | VFIOSIM_IOAS_MAP_WRITEABLE)
#define FIXED (VFIOSIM_IOAS_MAP_FIXED_IOVA | RW)

static struct story story;
static int iommufd;

#define ask(fd_, number_, data_) command_struct(&story, (fd_), (number_), (data_), sizeof(*(data_)))

static void begin(void)
{
	story_begin(&story, "q35");
	iommufd = vfiosim_inproc_open(story.proc, "/dev/iommu");
	ck_assert_int_ge(iommufd, 0);
}

static void end(void)
{
	story_end(&story);
}

/* ---- Calls ---- */

static uint32_t ioas_alloc(void)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static int bound(const char *name)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = 16, .iommufd = iommufd };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	fd = vfiosim_inproc_open(story.proc, path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(command_struct(&story, fd, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind, 16), 0);
	return fd;
}

static long attach(int cdev, uint32_t ioas)
{
	struct vfiosim_device_attach_iommufd_pt cmd = { .argsz = 12, .pt_id = ioas };

	return command_struct(&story, cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd, 12);
}

static long __ioas_map(uint32_t ioas, uint64_t iova, uint64_t uva, uint64_t pages)
{
	struct vfiosim_iommu_ioas_map cmd = { .size = sizeof(cmd), .flags = FIXED, .ioas_id = ioas,
					      .user_va = uva, .length = pages * PAGE, .iova = iova };

	return ask(iommufd, VFIOSIM_IOMMU_IOAS_MAP, &cmd);
}

static void ioas_map(uint32_t ioas, uint64_t iova, uint64_t uva, uint64_t pages)
{
	ck_assert_int_eq(__ioas_map(ioas, iova, uva, pages), 0);
}

/* What lies at 0, to 0. */
static long copy(uint32_t from, uint32_t to, uint64_t pages)
{
	struct vfiosim_iommu_ioas_copy cmd = { .size = sizeof(cmd), .flags = FIXED,
					       .dst_ioas_id = to, .src_ioas_id = from,
					       .length = pages * PAGE };

	return ask(iommufd, VFIOSIM_IOMMU_IOAS_COPY, &cmd);
}

static void unmap_all(uint32_t ioas)
{
	struct vfiosim_iommu_ioas_unmap cmd = { .size = sizeof(cmd), .ioas_id = ioas,
						.length = UINT64_MAX };

	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &cmd), 0);
}

/* ---- Accounts ---- */

static void limit(struct vfiosim_inproc *proc, uint32_t uid, uint64_t pages)
{
	const struct vfiosim_limits limits = { .memlock = pages * PAGE, .uid = uid };

	vfiosim_inproc_set_limits(proc, &limits);
}

/* A process of a user of its own, which may lock @pages. The story goes on as it. */
static struct vfiosim_inproc *become(struct vfiosim_inproc *parent, uint32_t uid, uint64_t pages)
{
	struct vfiosim_inproc *child;

	ck_assert_int_eq(vfiosim_inproc_fork(parent, &child), 0);
	limit(child, uid, pages);
	story.proc = child;
	return child;
}

/* Each account has its own limit, however many of them one attach charges. */
START_TEST(accounts_of_many)
{
	struct vfiosim_inproc *child[20], *parent = story.proc;
	const unsigned n = sizeof(child) / sizeof(child[0]);
	uint64_t uva = memory(&story, 2, 3);
	uint32_t ioas = ioas_alloc();
	int cdev = bound("vfio0");

	for (unsigned i = 0; i < n; i++) {
		child[i] = become(parent, 1000 + i, 2);
		ioas_map(ioas, i * 0x10000, uva, 2);
	}
	story.proc = parent;
	ck_assert_int_eq(attach(cdev, ioas), 0);
	story.proc = child[n - 1];
	ck_assert_int_eq(__ioas_map(ioas, 0x1000000, uva, 1), -ENOMEM);
	ck_assert_rule(&story, "account-limit");
	story.proc = parent;
	for (unsigned i = 0; i < n; i++)
		vfiosim_inproc_destroy(child[i]);
}
END_TEST

/* A copy and its original are charged once, until neither is left. */
START_TEST(a_copy_is_charged_once)
{
	struct vfiosim_inproc *parent = story.proc, *child;
	uint32_t first = ioas_alloc(), second = ioas_alloc();
	uint64_t uva = memory(&story, 4, 3);

	ck_assert_int_eq(attach(bound("vfio0"), first), 0);
	ck_assert_int_eq(attach(bound("vfio1"), second), 0);
	child = become(parent, 1000, 4);
	ioas_map(first, 0, uva, 4);
	ck_assert_int_eq(copy(first, second, 4), 0);
	ck_assert_int_eq(__ioas_map(second, 0x100000, uva, 1), -ENOMEM);
	unmap_all(first);
	ck_assert_int_eq(__ioas_map(first, 0, uva, 1), -ENOMEM);
	unmap_all(second);
	ioas_map(first, 0, uva, 4);
	story.proc = parent;
	vfiosim_inproc_destroy(child);
}
END_TEST

/* Who copies pays nothing. */
START_TEST(a_copy_is_charged_to_the_mapper)
{
	struct vfiosim_inproc *parent = story.proc, *mapper, *copier;
	uint32_t first = ioas_alloc(), second = ioas_alloc();
	uint64_t uva = memory(&story, 4, 3);
	int cdev = bound("vfio1");

	mapper = become(parent, 1000, 3);
	ioas_map(first, 0, uva, 4);
	copier = become(parent, 1001, 100);
	ck_assert_int_eq(copy(first, second, 4), 0);
	ck_assert_int_eq(attach(cdev, second), -ENOMEM);
	ck_assert_rule(&story, "account-limit");
	story.proc = parent;
	vfiosim_inproc_destroy(mapper);
	vfiosim_inproc_destroy(copier);
}
END_TEST

/* The limit is the mapper's as it is when pages are pinned, not when they were mapped. */
START_TEST(the_limit_of_the_mapper_now)
{
	struct vfiosim_inproc *parent = story.proc, *child[2];
	uint64_t uva = memory(&story, 4, 3);
	uint32_t ioas = ioas_alloc();
	int cdev = bound("vfio0");

	for (unsigned i = 0; i < 2; i++) {
		child[i] = become(parent, 1000 + i, 4);
		ioas_map(ioas, i * 0x10000, uva, 4);
	}
	story.proc = parent;
	limit(child[1], 1001, 3);
	ck_assert_int_eq(attach(cdev, ioas), -ENOMEM);
	ck_assert_rule(&story, "account-limit");
	limit(child[1], 1001, 4);
	limit(child[0], 1000, 3);
	ck_assert_int_eq(attach(cdev, ioas), -ENOMEM);
	limit(child[0], 1000, 4);
	ck_assert_int_eq(attach(cdev, ioas), 0);
	for (unsigned i = 0; i < 2; i++)
		vfiosim_inproc_destroy(child[i]);
}
END_TEST

/* Of a mapper that is gone the limit counts that was known last; in Linux, the one that it died with. */
START_TEST(the_limit_of_a_mapper_that_is_gone)
{
	struct vfiosim_iommu_ioas_map_file map = { .size = sizeof(map), .flags = FIXED,
						   .ioas_id = ioas_alloc(), .length = 4 * PAGE };
	struct vfiosim_inproc *parent = story.proc, *child;
	int cdev = bound("vfio0");

	map.fd = vfiosim_inproc_memfd(story.proc, 4 * PAGE);
	for (uint64_t pages = 3; pages <= 4; pages++) {
		child = become(parent, 1000, pages);
		ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_MAP_FILE, &map), 0);
		story.proc = parent;
		limit(child, 1000, 100);
		vfiosim_inproc_destroy(child);
		ck_assert_int_eq(attach(cdev, map.ioas_id), pages == 3 ? -ENOMEM : 0);
		if (pages == 3)
			unmap_all(map.ioas_id);
	}
}
END_TEST

/* type1: in a container with mdevs only, a mapping is pinned by whoever lets a device join. */
START_TEST(the_limits_of_type1)
{
	struct vfiosim_inproc *parent = story.proc, *child;
	uint64_t uva = memory(&story, 4, 3);
	int mdev, nic = open_group(&story, 10), container = container_with(&story, 15, &mdev);

	child = become(parent, 1000, 100);
	map(&story, container, 0, uva, 4 * PAGE);
	story.proc = parent;
	limit(child, 1000, 3);		/* the mapper's account */
	ck_assert_int_eq(set_container(&story, nic, container), -ENOMEM);
	ck_assert_rule(&story, "memlock");
	limit(child, 1000, 4);
	limit(parent, 0, 3);		/* who attaches */
	ck_assert_int_eq(set_container(&story, nic, container), -ENOMEM);
	limit(parent, 0, 4);
	ck_assert_int_eq(set_container(&story, nic, container), 0);
	vfiosim_inproc_destroy(child);
}
END_TEST

/* What an mdev of a container pins is charged to the mapper, by its limit. */
START_TEST(the_limit_of_what_an_mdev_pins)
{
	const struct {
		uint64_t offset, value;
		size_t size;
	} writes[] = {
		{ VFIOSIM_ENGINE_LENGTH, 3 * PAGE, 8 },
		{ VFIOSIM_ENGINE_COMMAND, VFIOSIM_ENGINE_PIN, 4 },
	};
	char name[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
	struct vfiosim_inproc *parent, *child;
	int container, group, dev;
	uint64_t uva;
	uint32_t error;

	end();
	story_begin(&story, "engine");
	story.topology->memlock = VFIOSIM_MEMLOCK_CLIENT;
	parent = story.proc;
	uva = memory(&story, 4, 3);
	container = container_with(&story, 12, &group);
	dev = (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, name, sizeof(name));
	ck_assert_int_ge(dev, 0);
	child = become(parent, 1000, 100);
	map(&story, container, 0, uva, 4 * PAGE);
	story.proc = parent;
	for (uint64_t pages = 2; pages <= 3; pages++) {
		limit(child, 1000, pages);
		for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
			ck_assert_int_eq(vfiosim_inproc_pwrite(parent, dev, &writes[i].value,
							       writes[i].size, writes[i].offset),
					 (ssize_t)writes[i].size);
		ck_assert_int_eq(vfiosim_inproc_pread(parent, dev, &error, 4,
						      VFIOSIM_ENGINE_ERROR), 4);
		ck_assert_uint_eq(error, pages == 2 ? ENOMEM : 0);
	}
	vfiosim_inproc_destroy(child);
}
END_TEST

int main(void)
{
	TCase *accounts = tcase_create("accounts");
	Suite *suite = suite_create("pages");

	tcase_add_checked_fixture(accounts, begin, end);
	tcase_add_test(accounts, accounts_of_many);
	tcase_add_test(accounts, a_copy_is_charged_once);
	tcase_add_test(accounts, a_copy_is_charged_to_the_mapper);
	tcase_add_test(accounts, the_limit_of_the_mapper_now);
	tcase_add_test(accounts, the_limit_of_a_mapper_that_is_gone);
	tcase_add_test(accounts, the_limits_of_type1);
	tcase_add_test(accounts, the_limit_of_what_an_mdev_pins);
	suite_add_tcase(suite, accounts);
	return suite_run(suite);
}
