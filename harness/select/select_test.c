/* SPDX-License-Identifier: MIT */
/*
 * The selection engine against a scripted kernel (kernel_test.h), with containers:
 * each error path is walked, and everything opened was closed in the end.
 */
#include "select/kernel_test.h"
#include "base/suite_test.h"

START_TEST(first_device_makes_a_container)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_str_eq(kernel.log, "open /dev/vfio/1\n"
				     "status 3\n"
				     "open /dev/vfio/vfio\n"
				     "version 4 0\n"
				     "extension 4 3\n"
				     "set_container 3\n"
				     "set_iommu 4 3\n"
				     "info 4\n"
				     "map 4 0+100000\n"
				     "get_device 3\n"
				     "device_info 5\n");
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_uint_eq(selector_discards(selector), 1);
	kernel.n = 0;
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert_str_eq(kernel.log, "close 5\n"
				     "unmap 4 0+100000\n"
				     "unset_container 3 0\n"
				     "close 4\n"
				     "close 3\n");
	ck_assert_uint_eq(selector_discards(selector), 0);
	ck_assert_uint_eq(kernel.mappings, 0);
	end(&kernel, selector);
}
END_TEST

START_TEST(any_refusal_means_another_container)
{
	static const int errors[] = { EINVAL, EFAULT, ENOMEM, EBUSY, EPERM, EIO };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct fault faults[] = { { VFIO_GROUP_SET_CONTAINER, NULL, 2, errors[i], 0 }, {} };
		struct kernel kernel;
		struct selector *selector;

		begin(&kernel, "qemu-legacy", faults, &selector);
		ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
		ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
		ck_assert_uint_eq(selector_spaces(selector), 2);
		ck_assert_uint_eq(selector_discards(selector), 2);
		ck_assert_ptr_null(selector_refused(selector, 0));
		end(&kernel, selector);
	}
}
END_TEST

START_TEST(one_container_refuses_for_good)
{
	struct fault faults[] = { { VFIO_GROUP_SET_CONTAINER, NULL, 2, EINVAL, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "cloud-hypervisor", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EINVAL);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_str_eq(selector_refused(selector, 0), "disk");
	ck_assert_ptr_null(selector_refused(selector, 1));
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_ptr_null(selector_refused(selector, 0));
	end(&kernel, selector);
}
END_TEST

START_TEST(a_bar_may_be_left_out_ram_may_not)
{
	struct fault second[] = { { VFIO_IOMMU_MAP_DMA, NULL, 2, EFAULT, 0 }, {} };
	struct fault first[] = { { VFIO_IOMMU_MAP_DMA, NULL, 1, EFAULT, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;
	uint64_t iova;

	begin(&kernel, "qemu-legacy", second, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_add(selector, &bar), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_uint_eq(selector_omitted(selector, &iova, 1), 1);
	ck_assert_uint_eq(iova, 0xfe000000);
	end(&kernel, selector);

	begin(&kernel, "qemu-legacy", first, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_add(selector, &bar), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EFAULT);
	ck_assert_uint_eq(selector_spaces(selector), 0);
	ck_assert_uint_eq(selector_discards(selector), 0);
	ck_assert(!selector_aborted(selector));
	/* The rest is tried all the same. */
	order(&kernel, "map 4 fails\n", "\nmap 4 fe000000+10000\n");
	/* QEMU closes the container without VFIO_GROUP_UNSET_CONTAINER, and before the group. */
	ck_assert_ptr_null(strstr(kernel.log, "unset_container"));
	order(&kernel, "close 4\n", "close 3\n");
	end(&kernel, selector);
}
END_TEST

START_TEST(a_running_program_gives_up_over_ram)
{
	struct fault faults[] = { { VFIO_IOMMU_MAP_DMA, NULL, 1, ENOMEM, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &ram), -ENOMEM);
	ck_assert(selector_aborted(selector));
	end(&kernel, selector);
}
END_TEST

START_TEST(busy_mappings_are_tried_once_more)
{
	struct fault once[] = { { VFIO_IOMMU_MAP_DMA, NULL, 1, EBUSY, 0 }, {} };
	struct fault always[] = { { VFIO_IOMMU_MAP_DMA, NULL, 0, EBUSY, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", once, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	order(&kernel, "map 4 fails\nunmap 4 0+100000\n", "map 4 0+100000\n");
	end(&kernel, selector);

	begin(&kernel, "qemu-legacy", always, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &ram), -EBUSY);
	ck_assert_uint_eq(always[0].seen, 2);
	end(&kernel, selector);
}
END_TEST

START_TEST(the_last_page_of_64_bits_is_spared)
{
	struct section top = { SECTION_RAM, 0xffffffffffff0000, 0x10000, 0x7f0000000000, NULL };
	struct fault faults[] = { { VFIO_IOMMU_UNMAP_DMA, NULL, 1, EINVAL, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &top), 0);
	ck_assert_int_eq(selector_remove(selector, top.iova), 0);
	order(&kernel, "unmap 4 fails\n", "unmap 4 ffffffffffff0000+f000\n");
	end(&kernel, selector);
}
END_TEST

START_TEST(exists_counts_as_mapped_for_dpdk)
{
	struct fault faults[] = { { VFIO_IOMMU_MAP_DMA, NULL, 0, EEXIST, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "dpdk", faults, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	end(&kernel, selector);
}
END_TEST

START_TEST(types)
{
	struct fault faults[] = { { VFIO_SET_IOMMU, NULL, 1, EPERM, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	/* DPDK asks for all and tries the next; QEMU takes the first answer and no other. */
	begin(&kernel, "dpdk", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	order(&kernel, "set_iommu 4 1 fails\n", "set_iommu 4 7\n");
	end(&kernel, selector);

	faults[0].seen = 0;
	begin(&kernel, "qemu-legacy", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EPERM);
	end(&kernel, selector);

	/* An error counts as "yes" for QEMU, which asks for anything but 0. */
	begin(&kernel, "qemu-legacy", NULL, &selector);
	kernel.extension = -1;
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	end(&kernel, selector);
	begin(&kernel, "cloud-hypervisor", NULL, &selector);
	kernel.extension = 2;
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EINVAL);
	end(&kernel, selector);
	begin(&kernel, "qemu-legacy", NULL, &selector);
	kernel.extension = 0;
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EINVAL);
	end(&kernel, selector);
}
END_TEST

/* It asks before, and tries what it was told is not there. */
START_TEST(dpdk_tries_every_type)
{
	struct fault faults[] = { { VFIO_SET_IOMMU, NULL, 1, EPERM, 0 },
				  { VFIO_CHECK_EXTENSION, NULL, 2, EPERM, 0 },
				  { VFIO_CHECK_EXTENSION, NULL, 3, EPERM, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "dpdk", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	order(&kernel, "set_iommu 4 1 fails\n", "set_iommu 4 7\n");
	end(&kernel, selector);
}
END_TEST

START_TEST(status_is_read_as_each_program_does)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	kernel.status = VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET;
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	kernel.status = 0;
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EINVAL);
	end(&kernel, selector);

	begin(&kernel, "cloud-hypervisor", NULL, &selector);
	kernel.status = VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET;
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EINVAL);
	end(&kernel, selector);
}
END_TEST

START_TEST(devices_of_a_group_come_together)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "libvfn", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &twin, false), 0);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_uint_eq(selector_spaces(selector), 2);
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert_uint_eq(selector_spaces(selector), 2);
	ck_assert_int_eq(selector_unplug(selector, "twin"), 0);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_int_eq(selector_unplug(selector, "twin"), -ENOENT);
	end(&kernel, selector);
}
END_TEST

START_TEST(discarding_ram)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, true), 0);
	ck_assert_uint_eq(selector_discards(selector), 0);
	selector_require_discards(selector, true);
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EBUSY);
	order(&kernel, "set_container", "unset_container");
	ck_assert_int_eq(selector_plug(selector, &twin, false), -EINVAL);
	selector_require_discards(selector, false);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_uint_eq(selector_discards(selector), 1);
	end(&kernel, selector);
}
END_TEST

START_TEST(sections)
{
	struct section overlap = { SECTION_RAM, 0x80000, 0x100000, 0x7f2000000000, NULL };
	struct section small = { SECTION_RAM, 0x200010, 0x100, 0x7f2000000010, NULL };
	struct section crooked = { SECTION_RAM, 0x300100, 0x4000, 0x7f2000000200, NULL };
	struct section partly = { SECTION_RAM, 0x400100, 0x2000, 0x7f2000000100, NULL };
	struct section wraps = { SECTION_RAM, 0xfffffffffffff000, 0x2000, 0, NULL };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_add(selector, &overlap), -EEXIST);
	ck_assert_int_eq(selector_add(selector, &wraps), -EINVAL);
	ck_assert_int_eq(selector_add(selector, &small), 0);
	ck_assert_int_eq(selector_add(selector, &crooked), 0);
	ck_assert_int_eq(selector_add(selector, &partly), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_uint_eq(kernel.mappings, 2);
	order(&kernel, "map 4 0+100000\n", "map 4 401000+1000\n");
	ck_assert(selector_has(selector, 0));
	ck_assert_int_eq(selector_remove(selector, 0x1000), -ENOENT);
	end(&kernel, selector);
}
END_TEST

START_TEST(a_device_takes_its_bars_along)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_int_eq(selector_add(selector, &bar), 0);
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert(!selector_has(selector, bar.iova));
	order(&kernel, "unmap 4 fe000000+10000\n", "munmap 7f1000000000\n");
	end(&kernel, selector);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("select");
	Suite *suite = suite_create("select");

	tcase_add_test(tests, first_device_makes_a_container);
	tcase_add_test(tests, any_refusal_means_another_container);
	tcase_add_test(tests, one_container_refuses_for_good);
	tcase_add_test(tests, a_bar_may_be_left_out_ram_may_not);
	tcase_add_test(tests, a_running_program_gives_up_over_ram);
	tcase_add_test(tests, busy_mappings_are_tried_once_more);
	tcase_add_test(tests, the_last_page_of_64_bits_is_spared);
	tcase_add_test(tests, exists_counts_as_mapped_for_dpdk);
	tcase_add_test(tests, types);
	tcase_add_test(tests, dpdk_tries_every_type);
	tcase_add_test(tests, status_is_read_as_each_program_does);
	tcase_add_test(tests, devices_of_a_group_come_together);
	tcase_add_test(tests, discarding_ram);
	tcase_add_test(tests, sections);
	tcase_add_test(tests, a_device_takes_its_bars_along);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
