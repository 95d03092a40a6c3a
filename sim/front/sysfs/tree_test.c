/* SPDX-License-Identifier: MIT */
/* The tree of names against what Linux 7.2 showed on the machine that q35 is. (Writing: tree_write_test.c.) */
#include "front/sysfs/tree_rig_test.h"

#include <pthread.h>

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
