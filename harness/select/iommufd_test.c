/* SPDX-License-Identifier: MIT */
/*
 * The selection engine against a scripted kernel (kernel_test.h), with ioas: what
 * each errno of an attach leads to, and that every error path unwinds.
 */
#include "select/kernel_test.h"
#include "base/suite_test.h"

static const struct target_device mdev = { "mdev", "uuid", "/dev/vfio/3", 3, true, -1 };

START_TEST(a_physical_device_gets_a_hwpt_of_its_own_ioas)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-iommufd", NULL, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_str_eq(kernel.log, "open /dev/vfio/devices/nic\n"
				     "open /dev/iommu\n"
				     "bind 3\n"
				     "hw_info 4\n"
				     "ioas_alloc 4\n"
				     "hwpt_alloc 4\n"
				     "attach 3 3\n"
				     "ranges 4\n"
				     "ioas_map 4\n"
				     "device_info 3\n");
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_uint_eq(selector_discards(selector), 1);
	kernel.n = 0;
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert_str_eq(kernel.log, "detach 3\n"
				     "destroy 4 3\n"
				     "ioas_unmap 4\n"
				     "destroy 4 2\n"
				     "close 3\n"
				     "close 4\n");
	ck_assert_uint_eq(selector_discards(selector), 0);
	end(&kernel, selector);
}
END_TEST

START_TEST(devices_share_a_hwpt_and_the_iommufd)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-iommufd", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	order(&kernel, "attach 3 3\n", "attach 5 3\n");
	ck_assert_uint_eq(kernel.objects, 2);
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert_uint_eq(kernel.objects, 2);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_int_eq(selector_unplug(selector, "disk"), 0);
	ck_assert_uint_eq(kernel.objects, 0);
	end(&kernel, selector);
}
END_TEST

START_TEST(only_einval_means_the_next_hwpt)
{
	struct fault misfit[] = { { VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, NULL, 2, EINVAL, 0 }, {} };
	struct fault broken[] = { { VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, NULL, 2, EADDRINUSE, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-iommufd", misfit, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	order(&kernel, "attach 5 fails\n", "hwpt_alloc 4\n");
	ck_assert_uint_eq(selector_spaces(selector), 1);
	end(&kernel, selector);

	begin(&kernel, "qemu-iommufd", broken, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	order(&kernel, "attach 5 fails\n", "ioas_alloc 4\n");
	ck_assert_uint_eq(selector_spaces(selector), 2);
	end(&kernel, selector);
}
END_TEST

/* Even running out of memory is taken for "not this ioas", silently. */
START_TEST(any_failure_leaves_the_ioas)
{
	struct fault faults[] = { { VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, NULL, 2, EINVAL, 0 },
				  { VFIOSIM_IOMMU_HWPT_ALLOC, NULL, 2, ENOMEM, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-iommufd", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_uint_eq(selector_spaces(selector), 2);
	end(&kernel, selector);
}
END_TEST

/* QEMU asks before it looks for an ioas: then none can help. */
START_TEST(without_a_word_about_its_hardware_a_device_is_refused)
{
	struct fault faults[] = { { VFIOSIM_IOMMU_GET_HW_INFO, NULL, 2, EOPNOTSUPP, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-iommufd", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EOPNOTSUPP);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	end(&kernel, selector);
}
END_TEST

START_TEST(an_mdev_is_attached_to_the_ioas_itself)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-iommufd", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &mdev, true), 0);
	ck_assert_uint_eq(selector_discards(selector), 0);
	ck_assert_ptr_null(strstr(kernel.log, "hw"));
	order(&kernel, "ioas_alloc 4\n", "attach 3 2\n");
	end(&kernel, selector);
}
END_TEST

START_TEST(one_ioas_refuses_for_good)
{
	struct fault faults[] = { { VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, NULL, 2, EFAULT, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "single-ioas", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &mdev, false), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EFAULT);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_str_eq(selector_refused(selector, 0), "nic");
	end(&kernel, selector);
}
END_TEST

START_TEST(discarding_ram)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-iommufd", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &mdev, true), 0);
	selector_require_discards(selector, true);
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EBUSY);
	ck_assert_uint_eq(selector_discards(selector), 0);
	selector_require_discards(selector, false);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_uint_eq(selector_discards(selector), 1);
	end(&kernel, selector);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("iommufd");
	Suite *suite = suite_create("select");

	tcase_add_test(tests, a_physical_device_gets_a_hwpt_of_its_own_ioas);
	tcase_add_test(tests, devices_share_a_hwpt_and_the_iommufd);
	tcase_add_test(tests, only_einval_means_the_next_hwpt);
	tcase_add_test(tests, any_failure_leaves_the_ioas);
	tcase_add_test(tests, without_a_word_about_its_hardware_a_device_is_refused);
	tcase_add_test(tests, an_mdev_is_attached_to_the_ioas_itself);
	tcase_add_test(tests, one_ioas_refuses_for_good);
	tcase_add_test(tests, discarding_ram);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
