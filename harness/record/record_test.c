/* SPDX-License-Identifier: MIT */
/*
 * What topology record makes of sysfs trees: of ones that the tests write, with what real
 * machines have and what cannot be read on them; and of the simulator's own machines, which
 * come out as they went in.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/suite_test.h"
#include "launch/launch_rig_test.h"
#include "record/record.h"

/* ---- Trees ---- */

static char root[SCRATCH_PATH];

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *walk)
{
	return remove(path);
}

static void setup(void)
{
	scratch_path(root, "record");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The whole path of @path below the tree, with the folders above it. */
static const char *place(const char *path)
{
	static char whole[512];

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(whole, 0755);
		*at = '/';
	}
	return whole;
}

static void put_bytes(const char *path, const void *bytes, size_t n)
{
	int fd = open(place(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *target)
{
	ck_assert_int_eq(symlink(target, place(path)), 0);
}

static void put_in(const char *folder, const char *file, const char *text)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	put(path, text);
}

/* A function at @way ("0000:00:01.0/0000:01:00.0" below a bridge), as sysfs shows it. */
static void put_function(const char *way, const char *id, const char *class_code, const char *group,
			 const char *iommu)
{
	const char *address = strrchr(way, '/') ? strrchr(way, '/') + 1 : way;
	char folder[200], link[300], target[300];

	snprintf(folder, sizeof(folder), "devices/pci0000:00/%s", way);
	snprintf(link, sizeof(link), "bus/pci/devices/%s", address);
	snprintf(target, sizeof(target), "../../../%s", folder);
	put_in(folder, "vendor", "0x8086\n");
	put_in(folder, "device", id);
	put_in(folder, "class", class_code);
	put_link(link, target);
	if (group) {
		snprintf(link, sizeof(link), "%s/iommu_group", folder);
		snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%s", group);
		put_link(link, target);
	}
	if (iommu) {
		snprintf(link, sizeof(link), "%s/iommu", folder);
		snprintf(target, sizeof(target), "../../virtual/iommu/%s", iommu);
		put_link(link, target);
	}
}

/* ---- Recording ---- */

static char yaml[1 << 16];

/* What is recorded goes into yaml. 0 or -errno. */
static int try_record(const char *path, bool anonymize)
{
	const struct record_options options = { .release = "6.12.3-here", .anonymize = anonymize };
	int sysfs = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	FILE *to = fmemopen(yaml, sizeof(yaml), "w");
	struct recorded recorded;

	error = sysfs < 0 || !to ? -EIO : record_read(sysfs, &recorded);
	if (!error) {
		record_write(&recorded, &options, to);
		record_done(&recorded);
	}
	if (to)
		fclose(to);
	close(sysfs);
	return error;
}

static void record_tree(const char *path, bool anonymize)
{
	ck_assert_int_eq(try_record(path, anonymize), 0);
}

static struct vfiosim_topology *parse(void)
{
	struct vfiosim_topology *topology = NULL;
	struct vfiosim_errors errors;

	if (vfiosim_topology_parse("recorded", yaml, strlen(yaml), &topology, &errors))
		ck_abort_msg("recorded:%u: %s in\n%s", errors.list[0].line, errors.list[0].message, yaml);
	return topology;
}

static struct vfiosim_topology *recorded_tree(void)
{
	record_tree(root, false);
	return parse();
}

static const struct vfiosim_topo_device *device_at(const struct vfiosim_topology *topology,
						   const char *address)
{
	int index = vfiosim_topology_device(topology, address);

	ck_assert_msg(index >= 0, "there is no %s in\n%s", address, yaml);
	return &topology->devices[index];
}

#define CHECK_HAS(part_) ck_assert_msg(strstr(yaml, (part_)) != NULL, "'%s' is not in:\n%s", (part_), yaml)
#define CHECK_LACKS(part_) ck_assert_msg(!strstr(yaml, (part_)), "'%s' is in:\n%s", (part_), yaml)

/* ---- Stories ---- */

/* Two units, of which one reaches 48 bits with large pages and one 39 without. */
START_TEST(two_units)
{
	struct vfiosim_topology *topology;

	put("class/iommu/dmar0/intel-iommu/cap", "c002f0462\n");
	put("class/iommu/dmar0/intel-iommu/ecap", "f050da\n");
	put("class/iommu/dmar1/intel-iommu/cap", "260262\n");
	put("class/iommu/dmar1/intel-iommu/ecap", "0\n");
	put("kernel/iommu_groups/3/reserved_regions",
	    "0x00000000000c0000 0x00000000000cffff direct\n0x00000000fee00000 0x00000000feefffff msi\n");
	put("kernel/iommu_groups/4/reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n");
	put("kernel/iommu_groups/5/reserved_regions",
	    "0x00000000fee00000 0x00000000feefffff msi\n0x00000000feef0000 0x00000000ffffffff reserved\n");
	put_function("0000:00:02.0", "0x1234", "0x030000", "3", "dmar0");
	put_function("0000:00:03.0", "0x1235", "0x020000", "4", "dmar0");
	put_function("0000:00:04.0", "0x1236", "0x020000", "5", "dmar1");
	topology = recorded_tree();
	ck_assert_uint_eq(topology->n_iommus, 2);
	ck_assert_uint_eq(topology->iommus[0].aperture.last, 0xffffffffffff);
	ck_assert_uint_eq(topology->iommus[0].page_sizes, 0x40201000);
	ck_assert(topology->iommus[0].snoop_control && topology->iommus[0].interrupt_remapping);
	ck_assert_uint_eq(topology->iommus[1].aperture.last, 0x7fffffffff);
	ck_assert_uint_eq(topology->iommus[1].page_sizes, 0x1000);
	ck_assert(!topology->iommus[1].snoop_control && !topology->iommus[1].interrupt_remapping);
	ck_assert_uint_eq(topology->iommus[0].n_resv, 1);
	ck_assert_int_eq(topology->iommus[0].resv[0].type, VFIOSIM_RESV_MSI);
	ck_assert_uint_eq(topology->n_groups, 3);
	ck_assert_uint_eq(topology->groups[0].number, 3);
	ck_assert_uint_eq(topology->groups[0].n_resv, 1);
	ck_assert_int_eq(topology->groups[0].resv[0].type, VFIOSIM_RESV_DIRECT);
	ck_assert_uint_eq(topology->groups[1].n_resv, 0);
	ck_assert_int_eq(topology->groups[2].iommu, 1);
	CHECK_HAS("# - {range: 0xfeef0000..0xffffffff, type: reserved}  # overlaps");
	ck_assert_str_eq(device_at(topology, "0000:00:02.0")->name, "gpu0");
	ck_assert_str_eq(device_at(topology, "0000:00:04.0")->name, "nic1");
	ck_assert_uint_eq(topology->kernel.minor, 12);
	vfiosim_topology_free(topology);
}
END_TEST

/* As an ordinary user, on AMD, or on a machine without VFIO: told, and a default. */
START_TEST(what_cannot_be_read)
{
	struct vfiosim_topology *topology;
	uint8_t config[64] = { 0 };

	config[6] = 0x10;
	config[0x34] = 0x40;
	config[0x3d] = 2;
	put_function("0000:00:02.0", "0x1234", "0x020000", "7", "ivhd0");
	put_bytes("devices/pci0000:00/0000:00:02.0/config", config, sizeof(config));
	put("devices/pci0000:00/0000:00:02.0/max_link_speed", "8.0 GT/s PCIe\n");
	put("devices/pci0000:00/0000:00:02.0/reset_method", "flr bus\n");
	topology = recorded_tree();
	CHECK_HAS("a VT-d unit stands in");
	CHECK_HAS("# page_sizes: [4K, 2M, 1G]");
	CHECK_HAS("# dma_entry_limit: 65535");
	CHECK_HAS("# msi: 0, msix: none");
	CHECK_HAS("# The reserved regions of group 7 could not be read.");
	ck_assert_uint_eq(topology->dma_entry_limit, 65535);
	ck_assert_str_eq(topology->iommus[0].name, "ivhd0");
	ck_assert_uint_eq(device_at(topology, "0000:00:02.0")->intx_pin, 2);
	ck_assert(device_at(topology, "0000:00:02.0")->pcie);
	ck_assert(device_at(topology, "0000:00:02.0")->flr);
	ck_assert(device_at(topology, "0000:00:02.0")->bus_reset);
	vfiosim_topology_free(topology);
}
END_TEST

/* A bridge below which a function stands in front of it by address, drivers of all kinds. */
START_TEST(bridges_and_drivers)
{
	struct vfiosim_topology *topology;

	put_function("0000:00:1c.0", "0x9d10", "0x060400", "1", "dmar0");
	put_function("0000:00:1c.0/0000:00:01.0", "0x1521", "0x020000", "2", "dmar0");
	put_function("0000:00:1d.0", "0x1521", "0x020000", "3", "dmar0");
	put_function("0000:00:1e.0", "0x1521", "0x020000", NULL, NULL);
	put_link("devices/pci0000:00/0000:00:1c.0/0000:00:01.0/driver", "../../../../bus/pci/drivers/igb");
	put_link("devices/pci0000:00/0000:00:1d.0/driver", "../../../bus/pci/drivers/mlx5_vfio_pci");
	put_link("devices/pci0000:00/0000:00:1e.0/driver", "../../../bus/pci/drivers/vfio-pci");
	put("devices/pci0000:00/0000:00:1d.0/sriov_totalvfs", "7\n");
	put("module/vfio_iommu_type1/parameters/dma_entry_limit", "1000\n");
	put("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	topology = recorded_tree();
	ck_assert_str_eq(device_at(topology, "0000:00:01.0")->parent, "0000:00:1c.0");
	ck_assert_str_eq(device_at(topology, "0000:00:01.0")->driver, "igb");
	ck_assert_str_eq(device_at(topology, "0000:00:1d.0")->driver, "vfio-pci");
	ck_assert_str_eq(device_at(topology, "0000:00:1e.0")->driver, "");
	ck_assert(device_at(topology, "0000:00:1d.0")->sriov && !device_at(topology, "0000:00:1e.0")->sriov);
	ck_assert_uint_eq(topology->dma_entry_limit, 1000);
	ck_assert(topology->allow_unsafe_interrupts);
	CHECK_HAS("driver: vfio-pci  # mlx5_vfio_pci");
	vfiosim_topology_free(topology);
}
END_TEST

START_TEST(anonymous)
{
	struct vfiosim_topology *topology;

	put_function("0000:00:02.0", "0x1234", "0x030000", "3", "dmar0");
	put("devices/pci0000:00/0000:00:02.0/subsystem_vendor", "0x17aa\n");
	put("devices/pci0000:00/0000:00:02.0/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/x", "");
	put_link("devices/pci0000:00/0000:00:02.0/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/mdev_type",
		 "../mdev_supported_types/i915-GVTg_V5_4");
	put_link("devices/pci0000:00/0000:00:02.0/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/iommu_group",
		 "../../../../kernel/iommu_groups/9");
	put_link("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
		 "../../../devices/pci0000:00/0000:00:02.0/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	place("bus/mdev/devices/");
	put("class/mdev_bus/0000:00:02.0/mdev_supported_types/i915-GVTg_V5_4/available_instances", "2\n");
	put("class/mdev_bus/0000:00:02.0/mdev_supported_types/i915-GVTg_V5_4/name", "GVTg: \"V5\" #4\n");
	topology = recorded_tree();
	CHECK_HAS("17aa:0000");
	CHECK_HAS("6.12.3-here");
	ck_assert_uint_eq(topology->n_mdev_types, 1);
	ck_assert_uint_eq(topology->mdev_types[0].capacity, 3);
	ck_assert_str_eq(topology->mdev_types[0].pretty_name, "GVTg: \"V5\" #4");
	ck_assert_str_eq(device_at(topology, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001")->mdev_type, "i915-GVTg_V5_4");
	vfiosim_topology_free(topology);
	record_tree(root, true);
	CHECK_LACKS("17aa");
	CHECK_LACKS("6.12.3");
	CHECK_LACKS("83b8f4f2");
	vfiosim_topology_free(parse());
}
END_TEST

START_TEST(nothing_there)
{
	ck_assert_int_eq(try_record(root, false), -ENOENT);
}
END_TEST

/* What `topology record --sysfs` of the tree says on standard error. */
static const char *said(void)
{
	static char text[2048];
	char *argv[] = { (char[]){ "record" }, (char[]){ "--sysfs" }, root, (char[]){ "-o" },
			 (char[]){ "/dev/null" }, NULL };
	int old = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	ck_assert_int_eq(cli_main(&topology_record_verb, 5, argv), 0);
	dup2(old, STDERR_FILENO);
	close(old);
	n = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Nothing can be attached in such a machine: whoever records it is told, and what to do. */
START_TEST(without_an_iommu)
{
	const char *text;

	put_function("0000:00:01.0", "0x10d3\n", "0x020000\n", NULL, NULL);
	text = said();
	ck_assert_msg(strstr(text, "no device here is in a group behind an IOMMU") &&
			      strstr(text, "intel_iommu=on"), "%s", text);
	put_function("0000:00:02.0", "0x10d3\n", "0x020000\n", "7", "dmar0");
	put("kernel/iommu_groups/7/reserved_regions", "");
	text = said();
	ck_assert_str_eq(text, "");
}
END_TEST

/* ---- The simulator's own machines ---- */

/* This program runs itself in a run, with --record FILE: main() records then. */
static int record_own(const char *path)
{
	FILE *to;

	if (try_record("/sys", false))
		return 1;
	to = fopen(path, "we");
	return !to || fputs(yaml, to) < 0 || fclose(to);
}

static void same_bars(const struct vfiosim_topo_device *was, const struct vfiosim_topo_device *is)
{
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_uint_eq(was->bars[i].size, is->bars[i].size);
		ck_assert_int_eq(was->bars[i].io, is->bars[i].io);
		ck_assert_int_eq(was->bars[i].is64, is->bars[i].is64);
		ck_assert_int_eq(was->bars[i].prefetch, is->bars[i].prefetch);
	}
	ck_assert_uint_eq(was->rom, is->rom);
}

static void same_device(const struct vfiosim_topo_device *was, const struct vfiosim_topo_device *is)
{
	ck_assert_str_eq(was->driver, is->driver);
	ck_assert_str_eq(was->parent, is->parent);
	ck_assert_int_eq(was->kind, is->kind);
	ck_assert_str_eq(was->mdev_type, is->mdev_type);
	if (was->kind == VFIOSIM_DEVICE_MDEV)
		return;
	ck_assert_uint_eq(was->vendor, is->vendor);
	ck_assert_uint_eq(was->device, is->device);
	ck_assert_uint_eq(was->subvendor, is->subvendor);
	ck_assert_uint_eq(was->subdevice, is->subdevice);
	ck_assert_uint_eq(was->class_code, is->class_code);
	ck_assert_uint_eq(was->revision, is->revision);
	ck_assert_uint_eq(was->intx_pin, is->intx_pin);
	ck_assert_uint_eq(was->msi, is->msi);
	ck_assert_int_eq(was->msi_maskable, is->msi_maskable);
	ck_assert_uint_eq(was->msix, is->msix);
	ck_assert_uint_eq(was->msix_bar, is->msix_bar);
	ck_assert_uint_eq(was->msix_table, is->msix_table);
	ck_assert_uint_eq(was->msix_pba, is->msix_pba);
	ck_assert_int_eq(was->pcie, is->pcie);
	ck_assert(!is->sriov);	/* of it sysfs shows nothing here */
	ck_assert_int_eq(was->flr, is->flr);
	ck_assert_uint_eq(was->serial_number, is->serial_number);
	ck_assert_int_eq(was->bus_reset, is->bus_reset);
	same_bars(was, is);
}

/* ---- Reserved regions: wherever a topology has them, a device meets the same ---- */

#define RESV_MAX 32

static size_t add_resv(struct vfiosim_resv *to, size_t n, const struct vfiosim_resv *resv, size_t n_resv)
{
	for (size_t i = 0; i < n_resv; i++) {
		ck_assert_uint_lt(n, RESV_MAX);
		to[n++] = resv[i];
	}
	return n;
}

static int by_first(const void *a, const void *b)
{
	const struct vfiosim_resv *one = a, *other = b;

	return (one->range.first > other->range.first) - (one->range.first < other->range.first);
}

/* Those of a group: of its IOMMU, its own, and those of its devices, in order. */
static size_t resv_of_group(const struct vfiosim_topology *topology, int group, struct vfiosim_resv *to)
{
	const struct vfiosim_topo_group *its = &topology->groups[group];
	size_t n = add_resv(to, 0, its->resv, its->n_resv);

	if (its->iommu >= 0)
		n = add_resv(to, n, topology->iommus[its->iommu].resv, topology->iommus[its->iommu].n_resv);
	for (size_t i = 0; i < topology->n_devices; i++)
		if (topology->devices[i].group == group)
			n = add_resv(to, n, topology->devices[i].resv, topology->devices[i].n_resv);
	qsort(to, n, sizeof(*to), by_first);
	return n;
}

/* A topology may call one group noiommu-0 and another 0; sysfs has only the latter then. */
static bool shares_its_number(const struct vfiosim_topology *topology, int group)
{
	for (size_t i = 0; i < topology->n_groups; i++)
		if ((int)i != group && topology->groups[i].number == topology->groups[group].number)
			return true;
	return false;
}

static void same_group(const struct vfiosim_topology *was, int group, const struct vfiosim_topology *is,
		       int other)
{
	struct vfiosim_resv wanted[RESV_MAX], found[RESV_MAX];
	size_t n;

	ck_assert_int_eq(group < 0, other < 0);
	if (group < 0)
		return;
	ck_assert_uint_eq(was->groups[group].number, is->groups[other].number);
	if (shares_its_number(was, group))
		return;
	ck_assert_int_eq(was->groups[group].noiommu, is->groups[other].noiommu);
	ck_assert_int_eq(was->groups[group].iommu < 0, is->groups[other].iommu < 0);
	if (was->groups[group].iommu >= 0)
		ck_assert_str_eq(was->iommus[was->groups[group].iommu].name,
				 is->iommus[is->groups[other].iommu].name);
	n = resv_of_group(was, group, wanted);
	ck_assert_uint_eq(n, resv_of_group(is, other, found));
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(wanted[i].range.first, found[i].range.first);
		ck_assert_uint_eq(wanted[i].range.last, found[i].range.last);
		ck_assert_int_eq(wanted[i].type, found[i].type);
	}
}

static void same_iommus(const struct vfiosim_topology *was, const struct vfiosim_topology *is)
{
	ck_assert_uint_eq(was->n_iommus, is->n_iommus);
	for (size_t i = 0; i < was->n_iommus; i++) {
		ck_assert_str_eq(was->iommus[i].name, is->iommus[i].name);
		ck_assert_str_eq(was->iommus[i].type, is->iommus[i].type);
		ck_assert_uint_eq(was->iommus[i].aperture.first, is->iommus[i].aperture.first);
		ck_assert_uint_eq(was->iommus[i].aperture.last, is->iommus[i].aperture.last);
		ck_assert_uint_eq(was->iommus[i].page_sizes, is->iommus[i].page_sizes);
		ck_assert_int_eq(was->iommus[i].snoop_control, is->iommus[i].snoop_control);
		ck_assert_int_eq(was->iommus[i].interrupt_remapping, is->iommus[i].interrupt_remapping);
	}
}

/* Of a parent that has room for 24, two of a type that takes 2: as many can still be made. */
static void same_types(const struct vfiosim_topology *was, const struct vfiosim_topology *is)
{
	ck_assert_uint_eq(was->n_mdev_types, is->n_mdev_types);
	for (size_t i = 0; i < was->n_mdev_types; i++) {
		const struct vfiosim_topo_mdev_type *type = &was->mdev_types[i], *found = NULL;

		for (size_t j = 0; j < is->n_mdev_types && !found; j++)
			if (!strcmp(type->name, is->mdev_types[j].name))
				found = &is->mdev_types[j];
		ck_assert_msg(found, "no %s", type->name);
		ck_assert_str_eq(type->parent, found->parent);
		ck_assert_str_eq(type->pretty_name, found->pretty_name);
		ck_assert_msg(type->capacity / type->instances == found->capacity / found->instances,
			      "%s: %u of %u, was %u of %u", type->name, found->instances, found->capacity,
			      type->instances, type->capacity);
	}
}

/* All but `edges`, which has IOMMUs that nobody builds: no register says what they reach. */
static const char *const machines[] = {
	"classroom", "engine", "hotadd", "minimal", "q35", "q35-noiommu", "quirks", "reserved",
};

START_TEST(own_machine)
{
	const char *machine = machines[_i];
	enum who who = geteuid() ? AS_USER : AS_ROOT;
	struct vfiosim_topology *was, *is;
	struct vfiosim_errors errors;
	char path[SCRATCH_PATH + 20];
	struct run run;

	SKIP_UNLESS_POSSIBLE(who);
	snprintf(path, sizeof(path), "%s/recorded.yaml", root);
	ck_assert_msg(!run_and_wait(who, RUN("-t", machine, "--", SELF, "--record", path), &run), "%s: %s",
		      machine, run.text);
	ck_assert_int_eq(vfiosim_topology_load(path, &is, &errors), 0);
	ck_assert_int_eq(vfiosim_topology_load(machine, &was, &errors), 0);
	ck_assert_uint_eq(was->n_devices, is->n_devices);
	for (size_t i = 0; i < was->n_devices; i++) {
		const struct vfiosim_topo_device *found = device_at(is, was->devices[i].address);

		same_device(&was->devices[i], found);
		same_group(was, was->devices[i].group, is, found->group);
	}
	same_iommus(was, is);
	same_types(was, is);
	vfiosim_topology_free(was);
	vfiosim_topology_free(is);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *trees;

	if (argc == 3 && !strcmp(argv[1], "--record"))
		return record_own(argv[2]);
	suite = suite_create("topology record");
	trees = tcase_create("trees");
	suite_add_tcase(suite, trees);
	tcase_add_checked_fixture(trees, setup, teardown);
	tcase_add_test(trees, two_units);
	tcase_add_test(trees, what_cannot_be_read);
	tcase_add_test(trees, bridges_and_drivers);
	tcase_add_test(trees, anonymous);
	tcase_add_test(trees, nothing_there);
	tcase_add_test(trees, without_an_iommu);
	tcase_add_loop_test(trees, own_machine, 0, sizeof(machines) / sizeof(machines[0]));
	return suite_run(suite);
}
