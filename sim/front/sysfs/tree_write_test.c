/* SPDX-License-Identifier: MIT */
/* What can be written into the tree, against what Linux 7.2 did on the machine that q35 is. */
#include "front/sysfs/tree_rig_test.h"

#define MDEVS "sys/bus/mdev/devices/"

START_TEST(mdevs_are_created_and_removed)
{
	ck_assert_int_eq(echo("not-a-uuid", MTTY "mtty-1/create"), -EINVAL);
	ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", MTTY "mtty-1/create"), -EEXIST);
	ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", MTTY "mtty-2/create"), -EEXIST);
	ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fa10011", MTTY "mtty-1/create"), -EEXIST);
	ck_assert_int_eq(echo("83B8F4F2-509F-382F-3C1E-E6BFE0FA2001", MTTY "mtty-1/create"), 36);
	check_link(MDEVS "83b8f4f2-509f-382f-3c1e-e6bfe0fa2001",
		   "../../../devices/virtual/mtty/mtty/83b8f4f2-509f-382f-3c1e-e6bfe0fa2001");
	check_link("sys/devices/virtual/mtty/mtty/83b8f4f2-509f-382f-3c1e-e6bfe0fa2001/iommu_group",
		   "../../../../../kernel/iommu_groups/18");
	ck_assert(there("dev/vfio/18") && there("dev/vfio/devices/vfio10"));
	ck_assert(there("sys/class/vfio-dev/vfio10"));
	check_text(MTTY "mtty-1/available_instances", "21\n");
	/* The driver made the group, and takes it along; nothing matches the mdev any more. */
#define UNBOUND "sys/devices/virtual/mtty/mtty/83b8f4f2-509f-382f-3c1e-e6bfe0fa2001"
	ck_assert(there("sys/kernel/iommu_groups/18"));
	ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fa2001", "sys/bus/mdev/drivers/mtty/unbind"),
			 36);
	ck_assert(there(UNBOUND) && !there(UNBOUND "/iommu_group"));
	ck_assert(!there("sys/kernel/iommu_groups/18") && !there("dev/vfio/18"));
	ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fa2001", "sys/bus/mdev/drivers/mtty/bind"),
			 -ENODEV);
	ck_assert_int_eq(echo("1", UNBOUND "/remove"), 1);
	ck_assert_int_eq(echo("83B8F4F2-509F-382F-3C1E-E6BFE0FA2001", MTTY "mtty-1/create"), 36);
	for (unsigned i = 0; i < 10; i++) {
		char uuid[48];

		sprintf(uuid, "83b8f4f2-509f-382f-3c1e-e6bfe0fb%04u\n", i);
		ck_assert_int_eq(echo(uuid, MTTY "mtty-2/create"), 37);
	}
	ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fb0010", MTTY "mtty-2/create"), -ENOSPC);
	check_text(MTTY "mtty-1/available_instances", "1\n");
	check_text(MTTY "mtty-2/available_instances", "0\n");
	/* By the folder, not the link: the tree follows none. */
#define BORN "sys/devices/virtual/mtty/mtty/83b8f4f2-509f-382f-3c1e-e6bfe0fb000"
	ck_assert_int_eq(echo("0", BORN "0/remove"), 1);
	ck_assert(there(MDEVS "83b8f4f2-509f-382f-3c1e-e6bfe0fb0000"));
	ck_assert_int_eq(echo("1", BORN "0/remove"), 1);
	ck_assert(!there(MDEVS "83b8f4f2-509f-382f-3c1e-e6bfe0fb0000"));
	ck_assert(!there(BORN "0"));
	ck_assert_int_eq(echo("x", BORN "1/remove"), -EINVAL);
	ck_assert_int_eq(echo("2", BORN "1/remove"), 1);
	check_list("dev/vfio", "vfio devices 10 11 12 13 14 15 16 17 18 21 22 23 24 25 26 27 28");
	/* The lowest free numbers are handed out again. */
	ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fc0000", MTTY "mtty-1/create"), 36);
	ck_assert(there("dev/vfio/19") && there("sys/class/vfio-dev/vfio11"));
}
END_TEST

START_TEST(devices_are_bound_and_unbound)
{
	/* As on the machine, where the test had bound them by driver_override. */
	ck_assert_int_eq(echo("vfio-pci", B "/driver_override"), 8);
	check_text(B "/driver_override", "vfio-pci\n");
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), 12);
	ck_assert(!there(B "/driver") && !there(B "/vfio-dev"));
	ck_assert(!there("dev/vfio/devices/vfio1") && there("dev/vfio/devices/vfio2"));
	ck_assert(!there("dev/vfio/11") && !there("sys/class/vfio/11") && !there(DRIVER "/0000:02:00.0"));
	ck_assert(there(B "/iommu_group"));
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), -ENODEV);
	ck_assert_int_eq(echo("0000:02:00.0\n", DRIVER "/bind"), 13);
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/bind"), -EBUSY);
	ck_assert_int_eq(echo("0000:ff:1f.7", DRIVER "/bind"), -ENODEV);
	ck_assert_int_eq(echo("\n", B "/driver_override"), 1);
	check_text(B "/driver_override", "(null)\n");
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), 12);
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/bind"), -ENODEV);
	ck_assert_int_eq(echo("8086 10d3", DRIVER "/new_id"), 9);
	check_link(B "/driver", "../../../../bus/pci/drivers/vfio-pci");
	ck_assert_int_eq(echo("8086 10d3", DRIVER "/new_id"), -EEXIST);
	ck_assert_int_eq(echo("8086 10d3", DRIVER "/remove_id"), 9);
	ck_assert_int_eq(echo("8086 10d3", DRIVER "/remove_id"), -ENODEV);
	ck_assert_int_eq(echo("zz", DRIVER "/new_id"), -EINVAL);
	check_text(B "/vfio-dev/vfio1/dev", "247:1\n");
	ck_assert(there("dev/vfio/11"));
	/* To the host's driver by drivers_probe, and what it refuses. */
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), 12);
	ck_assert_int_eq(echo("0000:02:00.0", "sys/bus/pci/drivers_probe"), 12);
	check_link(B "/driver", "../../../../bus/pci/drivers/e1000e");
	ck_assert_int_eq(echo("0000:ff:1f.7", "sys/bus/pci/drivers_probe"), -EINVAL);
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), -ENODEV);
	/* Every driver can be told of more; ids of one are not another's. */
	ck_assert_int_eq(echo("8086 10d3", "sys/bus/pci/drivers/e1000e/new_id"), -EEXIST);
	ck_assert_int_eq(echo("8086 9999", "sys/bus/pci/drivers/e1000e/new_id"), 9);
	ck_assert_int_eq(echo("8086 9999", DRIVER "/remove_id"), -ENODEV);
	ck_assert_int_eq(echo("8086 9999", "sys/bus/pci/drivers/e1000e/remove_id"), 9);
	ck_assert(!there("sys/bus/mdev/drivers/vfio_mdev/new_id"));
}
END_TEST

/* modprobe looks at initstate, and does nothing where it says "live". */
START_TEST(drivers_have_modules)
{
	check_text("sys/module/vfio_pci/initstate", "live\n");
	check_text("sys/module/e1000e/initstate", "live\n");
	check_text("sys/module/vfio/initstate", "live\n");
	check_link("sys/module/vfio_pci/drivers/pci:vfio-pci", "../../../bus/pci/drivers/vfio-pci");
	check_link(DRIVER "/module", "../../../../module/vfio_pci");
	check_link("sys/bus/pci/drivers/e1000e/module", "../../../../module/e1000e");
	ck_assert(there("sys/module/vfio_pci/parameters/nointxmask"));
	ck_assert(!there("sys/module/pcieport") && !there("sys/bus/pci/drivers/pcieport/module"));
}
END_TEST

/* Nothing is taken and forgotten. */
START_TEST(what_is_written_is_there)
{
	char uevent[320];

	ck_assert_int_eq(echo("1", B "/broken_parity_status"), 1);
	check_text(B "/broken_parity_status", "1\n");
	ck_assert_int_eq(echo("0", B "/d3cold_allowed"), 1);
	check_text(B "/d3cold_allowed", "0\n");
	ck_assert_int_eq(echo("x", B "/d3cold_allowed"), -EINVAL);
	ck_assert_int_eq(echo("0", B "/msi_bus"), 1);
	check_text(B "/msi_bus", "0\n");
	check_text(B "/numa_node", "-1\n");
	ck_assert_int_eq(echo("0", B "/numa_node"), 1);
	check_text(B "/numa_node", "0\n");
	ck_assert_int_eq(echo("-2", B "/numa_node"), -EINVAL);
	ck_assert_int_eq(echo("1", B "/numa_node"), -EINVAL);	/* whatever the host has */
	ck_assert_int_eq(echo("1", B "/enable"), -EBUSY);
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), 12);
	ck_assert_int_eq(echo("0", B "/enable"), -EIO);
	ck_assert_int_eq(echo("1", B "/enable"), 1);
	check_text(B "/enable", "1\n");
	ck_assert_int_eq(echo("0", B "/enable"), 1);
	check_text(B "/enable", "0\n");
	ck_assert_int_eq(echo("bus flr\n", B "/reset_method"), -EINVAL);
	ck_assert_int_eq(echo("\n", B "/reset_method"), 1);
	check_text(B "/reset_method", "");
	ck_assert_int_eq(echo("flr flr", B "/reset_method"), 7);
	check_text(B "/reset_method", "flr flr\n");
	ck_assert_int_eq(echo("flr flr flr flr flr flr flr", B "/reset_method"), 27);
	ck_assert_int_eq(echo("flr flr flr flr flr flr flr flr", B "/reset_method"), -EINVAL);
	ck_assert_int_eq(echo("default", B "/reset_method"), 7);
	check_text(B "/reset_method", "flr\n");
	ck_assert_int_eq(echo("change\n", B "/uevent"), 7);
	ck_assert_int_eq(echo("add 12345678-1234-1234-1234-123456789abc A=b C=1", B "/uevent"), 48);
	ck_assert_int_eq(echo("add 12345678-1234-1234-1234-123456789abc A=", B "/uevent"), -EINVAL);
	ck_assert_int_eq(echo("add ------------------------------------", B "/uevent"), -EINVAL);
	/* Also where it is long. */
	sprintf(uevent, "add 12345678-1234-1234-1234-123456789abc A=%0250d", 0);
	ck_assert_int_eq(echo(uevent, B "/uevent"), (ssize_t)strlen(uevent));
	strcat(uevent, " A=");
	ck_assert_int_eq(echo(uevent, B "/uevent"), -EINVAL);
	ck_assert_int_eq(echo("added", B "/uevent"), -EINVAL);
	ck_assert_int_eq(echo("", DRIVER "/uevent"), -EINVAL);
	ck_assert_int_eq(echo("Y", "sys/module/vfio_pci/parameters/nointxmask"), 1);
	check_text("sys/module/vfio_pci/parameters/nointxmask", "Y\n");
	check_text("sys/module/vfio_pci/parameters/disable_idle_d3", "N\n");
	/* What came with the device comes again with it. */
	ck_assert_int_eq(echo("0", "sys/bus/pci/drivers_autoprobe"), 1);
	check_text("sys/bus/pci/drivers_autoprobe", "0\n");
	check_text("sys/bus/mdev/drivers_autoprobe", "1\n");
	ck_assert_int_eq(echo("1", B "/remove"), 1);
	ck_assert_int_eq(echo("1", "sys/bus/pci/rescan"), 1);
	ck_assert(!there(B "/driver"));
	check_text(B "/msi_bus", "1\n");
	ck_assert_int_eq(echo("0000:02:00.0", "sys/bus/pci/drivers_probe"), 12);
	ck_assert(there(B "/driver"));
}
END_TEST

/*
 * Who waited first is told of no failure because of those who came after. Each has what it
 * asked for, and a device that comes next under the same name is another one.
 */
START_TEST(each_writer_that_waits_is_told_of_its_end)
{
	struct node *unbind = node_at(DRIVER "/unbind"), *remove = node_at(B "/remove");
	struct node *reset = node_at(B "/reset");
	uint64_t first = 0, second = 0, removing = 0, resetting = 0;
	int cdev = vfiosim_inproc_open(proc, "/dev/vfio/devices/vfio1");

	ck_assert_int_ge(cdev, 0);
	ck_assert_int_eq(echo_to("0000:02:00.0", unbind, &first), CALL_PARKED);
	ck_assert_int_eq(echo_to("0000:02:00.0", unbind, &second), CALL_PARKED);
	ck_assert_int_eq(echo_to("1", reset, &resetting), CALL_PARKED);
	ck_assert_int_eq(echo_to("1", remove, &removing), CALL_PARKED);
	ck_assert_int_eq(echo_to("0000:02:00.0", unbind, &first), CALL_PARKED);
	ck_assert_int_eq(vfiosim_inproc_close(proc, cdev), 0);
	ck_assert(!there(B));
	ck_assert_int_eq(echo_to("1", remove, &removing), 1);
	ck_assert_int_eq(echo_to("1", reset, &resetting), 1);
	ck_assert_int_eq(echo("1", "sys/bus/pci/rescan"), 1);
	ck_assert_int_eq(echo("vfio-pci", B "/driver_override"), 8);
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), -ENODEV);
	ck_assert_int_eq(echo("0000:02:00.0", "sys/bus/pci/drivers/e1000e/unbind"), 12);
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/bind"), 12);
	ck_assert_int_eq(echo_to("0000:02:00.0", unbind, &first), 12);
	ck_assert_int_eq(echo_to("0000:02:00.0", unbind, &second), 12);
	ck_assert(there(B "/driver"));
}
END_TEST

/* Nobody asks again: its writer was killed. */
START_TEST(a_removal_is_completed_without_its_writer)
{
	uint64_t wait = 0;
	int cdev = vfiosim_inproc_open(proc, "/dev/vfio/devices/vfio1");

	ck_assert_int_ge(cdev, 0);
	ck_assert_int_eq(echo_to("1", node_at(B "/remove"), &wait), CALL_PARKED);
	ck_assert(there(B));
	ck_assert_int_eq(vfiosim_inproc_close(proc, cdev), 0);
	ck_assert(!there(B));
}
END_TEST

START_TEST(a_rescan_waits_for_a_removal)
{
	int cdev = vfiosim_inproc_open(proc, "/dev/vfio/devices/vfio1");
	uint64_t removal = 0, rescan = 0;

	ck_assert_int_ge(cdev, 0);
	ck_assert_int_eq(echo("1", "sys/devices/pci0000:00/0000:00:04.0/0000:01:00.0/remove"), 1);
	ck_assert_int_eq(echo_to("1", node_at(B "/remove"), &removal), CALL_PARKED);
	ck_assert_int_eq(echo_to("1", node_at("sys/bus/pci/rescan"), &rescan), CALL_PARKED);
	ck_assert(!there("sys/bus/pci/devices/0000:01:00.0"));
	ck_assert_int_eq(vfiosim_inproc_close(proc, cdev), 0);
	ck_assert_int_eq(echo_to("1", node_at("sys/bus/pci/rescan"), &rescan), 1);
	ck_assert(there("sys/bus/pci/devices/0000:01:00.0") && there(B));
}
END_TEST

/* As in a slot: a rescan finds it again, for whatever driver takes it by itself. */
START_TEST(devices_are_removed_and_found_again)
{
	ck_assert_int_eq(echo("0", B "/remove"), 1);
	ck_assert_int_eq(echo("x", B "/remove"), -EINVAL);
	ck_assert(there(B));
	ck_assert_int_eq(echo("1\n", B "/remove"), 2);
	ck_assert(!there(B) && !there("sys/bus/pci/devices/0000:02:00.0"));
	ck_assert(!there("dev/vfio/11") && !there("sys/kernel/iommu_groups/11"));
	ck_assert(!there("sys/class/iommu/dmar0/devices/0000:02:00.0"));
	ck_assert_int_eq(echo("0000:02:00.0", "sys/bus/pci/drivers_probe"), -EINVAL);
	ck_assert_int_eq(echo("0", "sys/bus/pci/rescan"), 1);
	ck_assert(!there(B));
	ck_assert_int_eq(echo("y", "sys/bus/pci/rescan"), -EINVAL);
	ck_assert_int_eq(echo("1", "sys/bus/pci/rescan"), 1);
	check_text(B "/driver_override", "(null)\n");
	check_link(B "/driver", "../../../../bus/pci/drivers/e1000e");
	check_link(B "/iommu_group", "../../../../kernel/iommu_groups/11");
	/* A bridge with what is below it: the rescan of a device on its bus finds them. */
	ck_assert_int_eq(echo("1", "sys/devices/pci0000:00/0000:00:05.0/remove"), 1);
	ck_assert(!there("sys/devices/pci0000:00/0000:00:05.0"));
	ck_assert(!there("sys/bus/pci/devices/0000:02:00.0"));
	ck_assert_int_eq(echo("8086 10d3", DRIVER "/new_id"), 9);
	ck_assert_int_eq(echo("1", "sys/devices/pci0000:00/0000:00:04.0/0000:01:00.0/rescan"), 1);
	ck_assert(!there("sys/devices/pci0000:00/0000:00:05.0"));
	ck_assert_int_eq(echo("1", "sys/devices/pci0000:00/0000:00:04.0/rescan"), 1);
	check_link(B "/driver", "../../../../bus/pci/drivers/vfio-pci");
	ck_assert(there("dev/vfio/11"));
}
END_TEST

START_TEST(parameters_take_effect)
{
	struct vfiosim_limits none = { 0 };

	tear_down();
	machine("q35-noiommu");
	vfiosim_inproc_set_limits(proc, &none);
	ck_assert(there("dev/vfio/noiommu-0"));
	ck_assert_int_eq(echo("N", "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"), 1);
	ck_assert(!there("dev/vfio/noiommu-0"));
	ck_assert_int_eq(echo("perhaps", "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"), -EINVAL);
	ck_assert_int_eq(echo("3\n", "sys/module/vfio_iommu_type1/parameters/dma_entry_limit"), 2);
	check_text("sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "3\n");
	ck_assert_int_eq(echo("-3", "sys/module/vfio_iommu_type1/parameters/dma_entry_limit"), -EINVAL);
	ck_assert_int_eq(echo("Y", "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"), 1);
	check_text("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	ck_assert_int_eq(echo("Y", "sys/module/vfio_pci/parameters/disable_denylist"), -EACCES);
}
END_TEST

START_TEST(the_type_of_a_group)
{
	ck_assert_int_eq(echo("identity", "sys/kernel/iommu_groups/13/type"), 8);
	check_text("sys/kernel/iommu_groups/13/type", "identity\n");
	ck_assert_int_eq(echo("bogus", "sys/kernel/iommu_groups/13/type"), -EINVAL);
	ck_assert_int_eq(echo("auto\n", "sys/kernel/iommu_groups/13/type"), 5);
	check_text("sys/kernel/iommu_groups/13/type", "DMA\n");
	ck_assert_int_eq(echo("DMA", "sys/kernel/iommu_groups/7/type"), -EPERM);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree_write");
	TCase *facts = tcase_create("facts");

	suite_add_tcase(suite, facts);
	tcase_add_checked_fixture(facts, set_up, tear_down);
	tcase_add_test(facts, mdevs_are_created_and_removed);
	tcase_add_test(facts, devices_are_bound_and_unbound);
	tcase_add_test(facts, drivers_have_modules);
	tcase_add_test(facts, what_is_written_is_there);
	tcase_add_test(facts, each_writer_that_waits_is_told_of_its_end);
	tcase_add_test(facts, a_removal_is_completed_without_its_writer);
	tcase_add_test(facts, a_rescan_waits_for_a_removal);
	tcase_add_test(facts, devices_are_removed_and_found_again);
	tcase_add_test(facts, parameters_take_effect);
	tcase_add_test(facts, the_type_of_a_group);
	return suite_run(suite);
}
