/* SPDX-License-Identifier: MIT */
/*
 * The FUSE front, tried by real clients: order of open and close, blocked callers,
 * processes that fork, exec and die, mappings of regions. Each test runs as root
 * and as an ordinary user where the machine allows it.
 */
#include "front/fuse_rig_test.h"

START_TEST(test_commands)
{
	struct rig rig;
	int container, group;
	char *memory;

	if (!rig_start(&rig, _i, "q35"))
		return;
	container = rig_open("vfio");
	ck_assert_int_ge(container, 0);
	ck_assert_int_eq(ioctl(container, VFIO_GET_API_VERSION), 0);
	ck_assert_int_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 1);
	close(container);
	rig_attach("10", &container, &group);
	memory = rig_memory(1 << 20);
	ck_assert_int_eq(rig_map(container, memory, 0, 1 << 20), 0);
	ck_assert_int_eq(rig_map(container, memory, 4096, 4096), -EEXIST);
	ck_assert_int_eq(rig_map(container, (void *)8, 1 << 20, 4096), -EINVAL);
	ck_assert_int_eq(rig_map(container, (void *)4096, 1 << 20, 4096), -EFAULT);
	ck_assert_int_eq(rig_ioctl(container, VFIO_IOMMU_MAP_DMA, (void *)8), -EFAULT);
	ck_assert_int_eq(rig_unmap(container, 0, 1 << 20), 0);
	close(group);
	close(container);
	rig_stop(&rig);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("fuse");
	TCase *tests = tcase_create("clients");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_commands, 0, RIG_USERS);
	suite_add_tcase(all, tests);
	return all;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
