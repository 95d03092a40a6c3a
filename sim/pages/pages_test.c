/* SPDX-License-Identifier: MIT */
/*
 * Pages that are pinned: whose account they are charged to, and how often. On q35, in
 * process, through iommufd; vfio0 is the physical device A, vfio1 is B.
 */
#include "machine/story_test.h"

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

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

/* A process of a user of its own, which may lock @pages. The story goes on as it. */
static struct vfiosim_inproc *become(struct vfiosim_inproc *parent, uint32_t uid, uint64_t pages)
{
	const struct vfiosim_limits limits = { .memlock = pages * PAGE, .uid = uid };
	struct vfiosim_inproc *child;

	ck_assert_int_eq(vfiosim_inproc_fork(parent, &child), 0);
	vfiosim_inproc_set_limits(child, &limits);
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

int main(void)
{
	TCase *accounts = tcase_create("accounts");
	Suite *suite = suite_create("pages");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(accounts, begin, end);
	tcase_add_test(accounts, accounts_of_many);
	tcase_add_test(accounts, a_copy_is_charged_once);
	tcase_add_test(accounts, a_copy_is_charged_to_the_mapper);
	suite_add_tcase(suite, accounts);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
