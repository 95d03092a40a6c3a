/* SPDX-License-Identifier: MIT */
/* The tree of names against what Linux 7.2 showed and answered on the machine that q35 is. */
#include "front/sysfs/tree.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>

#include "base/suite_test.h"
#include "machine/call.h"

static struct vfiosim_topology *topology;
static struct vfiosim *sim;
static struct tree *tree;
static struct vfiosim_inproc *proc;
static struct vfiosim_caller caller;

static void machine(const char *name)
{
	struct vfiosim_errors error;

	ck_assert_int_eq(vfiosim_topology_load(name, &topology, &error), 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(vfiosim_inproc_create(sim, &proc), 0);
	ck_assert_int_eq(tree_create(sim, &tree), 0);
	caller = (struct vfiosim_caller){ .client = vfiosim_inproc_client(proc) };
}

static void set_up(void)
{
	machine("q35");
}

static void tear_down(void)
{
	tree_destroy(tree);
	vfiosim_inproc_destroy(proc);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
}

/* ---- Helpers: the shell's cat, readlink, ls and echo ---- */

static struct node *node_at(const char *path)
{
	struct node *node = tree_find(tree, path);

	ck_assert_msg(node != NULL, "%s is not there", path);
	return node;
}

static bool there(const char *path)
{
	return tree_find(tree, path) != NULL;
}

static void check_text(const char *path, const char *expected)
{
	size_t length = 0;
	char *text = NULL;

	ck_assert_int_eq(node_show(tree, node_at(path), &caller, &text, &length), 0);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(length, strlen(expected));
	free(text);
}

static void check_link(const char *path, const char *expected)
{
	char to[512];

	ck_assert_int_eq(node_readlink(tree, node_at(path), to, sizeof(to)), (ssize_t)strlen(expected));
	ck_assert_str_eq(to, expected);
}

static bool append_name(void *ctx, const char *name, struct node *node)
{
	char *all = ctx;

	sprintf(all + strlen(all), "%s%s", *all ? " " : "", name);
	return true;
}

static void check_list(const char *path, const char *expected)
{
	char all[4096] = "";

	ck_assert_int_eq(node_list(tree, node_at(path), append_name, all), 0);
	ck_assert_str_eq(all, expected);
}

/* Like one write(2) by a shell, into a node that was found. */
static ssize_t echo_to(const char *text, struct node *node, uint64_t *wait)
{
	ssize_t ret = node_store(tree, node, &caller, text, strlen(text), wait);

	vfiosim_finish(sim, &caller);
	return ret;
}

static ssize_t echo(const char *text, const char *path)
{
	uint64_t wait = 0;

	return echo_to(text, node_at(path), &wait);
}

/* ---- What is there ---- */

START_TEST(nodes_of_dev)
{
	struct node_stat stat;

	check_list("dev/vfio", "vfio devices 10 11 12 13 14 15 16 17");
	ck_assert_int_eq(node_stat(tree, node_at("dev/vfio/vfio"), &stat), 0);
	ck_assert_int_eq(stat.kind, NODE_CONTAINER);
	ck_assert_uint_eq(stat.permissions, 0666);
	ck_assert(!stat.owned);
	ck_assert(stat.major == 10 && stat.minor == 196);
	ck_assert_int_eq(node_stat(tree, node_at("dev/vfio/13"), &stat), 0);
	ck_assert_int_eq(stat.kind, NODE_GROUP);
	ck_assert_uint_eq(stat.permissions, 0600);
	ck_assert_uint_eq(stat.group, 13);
	ck_assert(stat.owned);
	ck_assert(stat.major == 248 && stat.minor == 3);
}
END_TEST

START_TEST(nodes_of_iommufd)
{
	struct node_stat stat;

	ck_assert_int_eq(node_stat(tree, node_at("dev/iommu"), &stat), 0);
	ck_assert_int_eq(stat.kind, NODE_IOMMUFD);
	ck_assert_uint_eq(stat.permissions, 0660);
	ck_assert(stat.owned && stat.major == 10 && stat.minor == 258);
	ck_assert_int_eq(node_stat(tree, node_at("ctl/iommu"), &stat), 0);
	ck_assert_int_eq(stat.kind, NODE_IOMMUFD);
	check_list("dev/vfio/devices",
		   "vfio0 vfio1 vfio2 vfio3 vfio4 vfio5 vfio6 vfio7 vfio8 vfio9");
	ck_assert_int_eq(node_stat(tree, node_at("dev/vfio/devices/vfio4"), &stat), 0);
	ck_assert_int_eq(stat.kind, NODE_CDEV);
	ck_assert_uint_eq(stat.permissions, 0600);
	ck_assert(stat.owned && stat.major == 247 && stat.minor == 4);
	check_text("sys/module/iommufd/parameters/allow_unsafe_interrupts", "N\n");
	check_list("sys/class/misc", "iommu vfio");
	check_link("sys/class/misc/iommu", "../../devices/virtual/misc/iommu");
	check_text("sys/devices/virtual/misc/iommu/dev", "10:258\n");
	check_text("sys/devices/virtual/misc/vfio/uevent",
		   "MAJOR=10\nMINOR=196\nDEVNAME=vfio/vfio\nDEVMODE=0666\n");
}
END_TEST

/* They have no IOMMU that iommufd could use. */
START_TEST(no_node_for_devices_without_iommu)
{
	tear_down();
	machine("q35-noiommu");
	ck_assert(there("dev/vfio/noiommu-0"));
	ck_assert(!there("sys/devices/pci0000:20/0000:20:00.0/0000:21:00.0/vfio-dev"));
}
END_TEST

#define A "sys/devices/pci0000:00/0000:00:04.0/0000:01:00.0"
#define T0 "sys/devices/virtual/mtty/mtty/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

START_TEST(links_as_the_kernel_makes_them)
{
	static const char *const links[][2] = {
		{ "sys/bus/pci/devices/0000:06:01.0",
		  "../../../devices/pci0000:00/0000:00:08.0/0000:05:00.0/0000:06:01.0" },
		{ A "/driver", "../../../../bus/pci/drivers/vfio-pci" },
		{ A "/iommu", "../../../virtual/iommu/dmar0" },
		{ A "/iommu_group", "../../../../kernel/iommu_groups/10" },
		{ A "/subsystem", "../../../../bus/pci" },
		{ A "/vfio-dev/vfio0/device", "../../../0000:01:00.0" },
		{ A "/vfio-dev/vfio0/subsystem", "../../../../../../class/vfio-dev" },
		{ T0 "/driver", "../../../../../bus/mdev/drivers/mtty" },
		{ T0 "/iommu_group", "../../../../../kernel/iommu_groups/15" },
		{ T0 "/mdev_type", "../mdev_supported_types/mtty-1" },
		{ T0 "/subsystem", "../../../../../bus/mdev" },
		{ "sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1003",
		  "../../../devices/virtual/mdpy/mdpy/83b8f4f2-509f-382f-3c1e-e6bfe0fa1003" },
		{ "sys/class/mdev_bus/mtty", "../../devices/virtual/mtty/mtty" },
		{ "sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0" },
		{ "sys/class/vfio/10", "../../devices/virtual/vfio/10" },
		{ "sys/class/vfio-dev/vfio4",
		  "../../devices/pci0000:00/0000:00:07.0/0000:04:00.1/vfio-dev/vfio4" },
		{ "sys/class/vfio-dev/vfio7", "../../devices/virtual/mtty/mtty/"
		  "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/vfio-dev/vfio7" },
		{ "sys/kernel/iommu_groups/13/devices/0000:04:00.1",
		  "../../../../devices/pci0000:00/0000:00:07.0/0000:04:00.1" },
	};
	char to[4];

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		check_link(links[i][0], links[i][1]);
	/* A short buffer is filled and ended; the length wanted is told. */
	ck_assert_int_eq(node_readlink(tree, node_at("sys/class/vfio/10"), to, sizeof(to)), 29);
	ck_assert_str_eq(to, "../");
	ck_assert_int_eq(node_readlink(tree, node_at("sys"), to, sizeof(to)), -EINVAL);
}
END_TEST

START_TEST(attributes_as_the_kernel_shows_them)
{
	static const char *const attributes[][2] = {
		{ A "/vendor", "0x8086\n" },
		{ A "/device", "0x10d3\n" },
		{ A "/subsystem_vendor", "0x8086\n" },
		{ A "/subsystem_device", "0x0000\n" },
		{ A "/class", "0x020000\n" },
		{ A "/revision", "0x00\n" },
		{ A "/numa_node", "-1\n" },
		{ A "/driver_override", "vfio-pci\n" },
		{ A "/serial_number", "52-54-00-ff-ff-12-34-56\n" },
		{ A "/uevent", "DRIVER=vfio-pci\nPCI_CLASS=20000\nPCI_ID=8086:10D3\nPCI_SUBSYS_ID=8086:0000\n"
		  "PCI_SLOT_NAME=0000:01:00.0\nMODALIAS=pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00\n" },
		{ A "/vfio-dev/vfio0/dev", "247:0\n" },
		{ A "/vfio-dev/vfio0/uevent", "MAJOR=247\nMINOR=0\nDEVNAME=vfio/devices/vfio0\n" },
		{ "sys/devices/virtual/vfio/10/dev", "248:0\n" },
		{ "sys/kernel/iommu_groups/13/type", "DMA\n" },
		{ "sys/kernel/iommu_groups/9/reserved_regions",
		  "0x0000000000000000 0x0000000000ffffff direct-relaxable\n"
		  "0x00000000fee00000 0x00000000feefffff msi\n" },
		{ "sys/kernel/iommu_groups/13/reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n" },
		{ "sys/kernel/iommu_groups/15/reserved_regions", "" },
		{ "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/name", "Single port serial\n" },
		{ "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/device_api", "vfio-pci\n" },
		{ "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/available_instances", "22\n" },
		{ "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-2/available_instances", "11\n" },
		{ "sys/devices/virtual/mdpy/mdpy/mdev_supported_types/mdpy-xga/description",
		  "virtual display, 1024x768 framebuffer\n" },
		{ "sys/devices/virtual/mdpy/mdpy/mdev_supported_types/mdpy-hd/available_instances", "3\n" },
		{ "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n" },
		{ "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n" },
		{ "sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "65535\n" },
		{ "ctl/last", "null\n" },
	};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		check_text(attributes[i][0], attributes[i][1]);
	check_list("sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1",
		   "available_instances create device_api devices name");
	check_list("sys/kernel/iommu_groups/13", "devices reserved_regions type");
	check_list("sys/bus/mdev/drivers", "mdpy mtty");
	check_list("sys/class/mdev_bus", "mdpy mtty");
	check_list(T0, "driver iommu_group mdev_type power remove subsystem uevent vendor vfio-dev");
}
END_TEST

START_TEST(resources_have_thirteen_lines_and_their_sizes)
{
	static const uint64_t sizes[] = { 131072, 131072, 32, 16384, 0, 0, 262144 };
	struct node_stat stat;
	unsigned lines = 0;
	size_t length;
	char *text, *at;

	ck_assert_int_eq(node_show(tree, node_at(A "/resource"), &caller, &text, &length), 0);
	for (at = text; *at; at = strchr(at, '\n') + 1, lines++) {
		unsigned long long first, last, flags;

		ck_assert_int_eq(sscanf(at, "0x%llx 0x%llx 0x%llx", &first, &last, &flags), 3);
		if (lines < 7 && sizes[lines]) {
			ck_assert_uint_eq(last - first + 1, sizes[lines]);
			ck_assert_uint_eq(first % sizes[lines], 0);
		} else {
			ck_assert_uint_eq(first | last | flags, 0);
		}
	}
	ck_assert_uint_eq(lines, 13);
	free(text);
	ck_assert_int_eq(node_stat(tree, node_at(A "/resource3"), &stat), 0);
	ck_assert_uint_eq(stat.size, 16384);
	ck_assert_uint_eq(stat.permissions, 0600);
	ck_assert(!there(A "/resource4"));
	ck_assert_int_eq(node_stat(tree, node_at(A "/rom"), &stat), 0);
	ck_assert_uint_eq(stat.size, 262144);
}
END_TEST

START_TEST(config_is_read_at_offsets)
{
	struct node *config = node_at(A "/config");
	uint8_t bytes[8];

	ck_assert_int_eq(node_pread(tree, config, bytes, 4, 0), 4);
	ck_assert_int_eq(memcmp(bytes, "\x86\x80\xd3\x10", 4), 0);
	ck_assert_int_eq(node_pread(tree, config, bytes, 8, 4092), 4);
	ck_assert_int_eq(node_pread(tree, config, bytes, 8, 4096), 0);
	ck_assert_int_eq(node_pwrite(tree, config, bytes, 4, 0), -EPERM);
	ck_assert_int_eq(node_pread(tree, node_at(A "/vendor"), bytes, 4, 0), -EINVAL);
	ck_assert_int_eq(node_pread(tree, node_at("sys/devices/pci0000:00/0000:00:04.0/config"), bytes, 1, 14), 1);
	ck_assert_uint_eq(bytes[0] & 0x7f, 1);
}
END_TEST

/* ---- What can be written ---- */

#define MTTY "sys/devices/virtual/mtty/mtty/mdev_supported_types/"
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

#define B "sys/devices/pci0000:00/0000:00:05.0/0000:02:00.0"
#define DRIVER "sys/bus/pci/drivers/vfio-pci"

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

/* ---- How nodes behave ---- */

START_TEST(numbers_stay)
{
	struct node *root = tree_root(tree), *group = node_at("dev/vfio/11");
	uint64_t id = node_id(group);
	struct node_stat stat;

	ck_assert_uint_eq(node_id(root), 1);
	ck_assert_ptr_eq(node_parent(root), root);
	ck_assert_ptr_eq(node_parent(group), node_at("dev/vfio"));
	ck_assert_ptr_eq(tree_node(tree, id), group);
	ck_assert_ptr_null(tree_node(tree, 0));
	ck_assert_ptr_null(tree_node(tree, UINT64_MAX));
	echo("vfio-pci", B "/driver_override");
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/unbind"), 12);
	ck_assert_int_eq(node_stat(tree, group, &stat), -ENOENT);
	ck_assert_ptr_eq(tree_node(tree, id), group);
	ck_assert_int_eq(echo("0000:02:00.0", DRIVER "/bind"), 12);
	ck_assert_int_eq(node_stat(tree, group, &stat), 0);
	ck_assert_ptr_eq(node_at("dev/vfio/11"), group);
}
END_TEST

START_TEST(wrong_kinds_and_names)
{
	char long_name[300], *text;
	size_t length;

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_ptr_null(tree_lookup(tree, tree_root(tree), long_name));
	ck_assert_ptr_null(tree_find(tree, long_name));
	ck_assert_ptr_null(tree_lookup(tree, node_at("dev/vfio/vfio"), "x"));
	ck_assert_ptr_null(tree_lookup(tree, tree_root(tree), ".."));
	ck_assert_int_eq(node_list(tree, node_at(A "/vendor"), append_name, NULL), -ENOTDIR);
	ck_assert_int_eq(node_show(tree, node_at(DRIVER "/bind"), &caller, &text, &length), -EACCES);
	ck_assert_int_eq(node_show(tree, node_at("sys"), &caller, &text, &length), -EACCES);
	ck_assert_int_eq(echo("x", A "/vendor"), -EACCES);
	ck_assert_int_eq(echo("x", "ctl/state"), -EACCES);
}
END_TEST

static int tell_last(void *ctx, struct vfiosim_caller *who, char **ret_text)
{
	ck_assert_ptr_eq(who, &caller);
	*ret_text = strdup(ctx);
	return 0;
}

START_TEST(control_files)
{
	char text[] = "{}\n", *state;
	size_t length;

	tree_set_last(tree, tell_last, text);
	check_text("ctl/last", "{}\n");
	ck_assert_int_eq(node_show(tree, node_at("ctl/state"), &caller, &state, &length), 0);
	ck_assert(state[0] == '{' && length == strlen(state));
	free(state);
}
END_TEST

/* Looking while mdevs come and go: for the thread sanitizer, and for whoever holds an old node. */
static void *look_around(void *arg)
{
	for (unsigned i = 0; i < 300; i++) {
		struct node *node = tree_find(tree, "sys/devices/virtual/mtty/mtty/"
					      "83b8f4f2-509f-382f-3c1e-e6bfe0fa3000/iommu_group");
		char to[128], all[4096] = "";

		if (node)
			node_readlink(tree, node, to, sizeof(to));
		node_list(tree, tree_find(tree, "dev/vfio"), append_name, all);
	}
	return NULL;
}

static unsigned n_shown;

/* Every attribute is a line or more, empty, or says why it cannot be read; folders end. */
static bool show_all(void *ctx, const char *name, struct node *node)
{
	struct node_stat st;
	size_t length = 0;
	char *text = NULL;
	int ret;

	ck_assert_int_eq(node_stat(tree, node, &st), 0);
	if (st.kind == NODE_FOLDER)
		ck_assert_int_eq(node_list(tree, node, show_all, NULL), 0);
	if (st.kind != NODE_ATTRIBUTE)
		return true;
	ret = node_show(tree, node, &caller, &text, &length);
	if (ret)
		ck_assert_msg(ret == -EACCES || ret == -EINVAL || ret == -EIO, "%s: %d", name, ret);
	else
		ck_assert_msg(!length || text[length - 1] == '\n', "%s: '%s'", name, text);
	ck_assert(ret || length == strlen(text));
	free(text);
	n_shown += !ret;
	return true;
}

START_TEST(everything_can_be_shown)
{
	n_shown = 0;
	ck_assert_int_eq(node_list(tree, node_at("sys"), show_all, NULL), 0);
	ck_assert_uint_gt(n_shown, 300);
}
END_TEST

START_TEST(looking_while_things_change)
{
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, look_around, NULL), 0);
	for (unsigned i = 0; i < 100; i++) {
		ck_assert_int_eq(echo("83b8f4f2-509f-382f-3c1e-e6bfe0fa3000", MTTY "mtty-1/create"), 36);
		ck_assert_int_eq(echo("1", "sys/devices/virtual/mtty/mtty/"
				      "83b8f4f2-509f-382f-3c1e-e6bfe0fa3000/remove"), 1);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree");
	TCase *facts = tcase_create("facts"), *nodes = tcase_create("nodes");

	suite_add_tcase(suite, facts);
	tcase_add_checked_fixture(facts, set_up, tear_down);
	tcase_add_test(facts, nodes_of_dev);
	tcase_add_test(facts, nodes_of_iommufd);
	tcase_add_test(facts, no_node_for_devices_without_iommu);
	tcase_add_test(facts, links_as_the_kernel_makes_them);
	tcase_add_test(facts, attributes_as_the_kernel_shows_them);
	tcase_add_test(facts, resources_have_thirteen_lines_and_their_sizes);
	tcase_add_test(facts, config_is_read_at_offsets);
	tcase_add_test(facts, mdevs_are_created_and_removed);
	tcase_add_test(facts, devices_are_bound_and_unbound);
	tcase_add_test(facts, what_is_written_is_there);
	tcase_add_test(facts, drivers_have_modules);
	tcase_add_test(facts, each_writer_that_waits_is_told_of_its_end);
	tcase_add_test(facts, a_removal_is_completed_without_its_writer);
	tcase_add_test(facts, a_rescan_waits_for_a_removal);
	tcase_add_test(facts, devices_are_removed_and_found_again);
	tcase_add_test(facts, parameters_take_effect);
	tcase_add_test(facts, the_type_of_a_group);
	suite_add_tcase(suite, nodes);
	tcase_add_checked_fixture(nodes, set_up, tear_down);
	tcase_set_timeout(nodes, 60);
	tcase_add_test(nodes, numbers_stay);
	tcase_add_test(nodes, wrong_kinds_and_names);
	tcase_add_test(nodes, control_files);
	tcase_add_test(nodes, everything_can_be_shown);
	tcase_add_test(nodes, looking_while_things_change);
	return suite_run(suite);
}
