/* SPDX-License-Identifier: MIT */
/* Topologies: what is read from good files, and where and why bad ones are refused. */
#include <vfiosim/topology.h>

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "base/suite_test.h"
#include "topology/value.h"

static struct vfiosim_errors error;

static int __topology(const char *text, struct vfiosim_topology **ret_topology)
{
	memset(&error, 0, sizeof(error));
	return vfiosim_topology_parse("lab.yaml", text, strlen(text), ret_topology, &error);
}

static struct vfiosim_topology *topology(const char *text)
{
	struct vfiosim_topology *made = NULL;
	int ret = __topology(text, &made);

	ck_assert_msg(!ret, "%u:%u: %s", error.list[0].line, error.list[0].column, error.list[0].message);
	return made;
}

static struct vfiosim_topology *builtin(const char *name)
{
	struct vfiosim_topology *made = NULL;
	int ret = vfiosim_topology_load(name, &made, &error);

	ck_assert_msg(!ret, "%s:%u:%u: %s", error.list[0].file, error.list[0].line, error.list[0].column, error.list[0].message);
	return made;
}

/* ---- Values ---- */

/* So many of both that their lists grow, and their nodes get numbers of their own. */
START_TEST(devices_by_the_thousand)
{
	char *text = malloc(1 << 20), address[16];
	struct vfiosim_topology *made;
	size_t used = 0;
	int index;

	ck_assert_ptr_nonnull(text);
	used += (size_t)sprintf(text, "iommus: {dmar0: {aperture: 0..0x7fffffffff}}\ndevices:\n");
	for (unsigned i = 0; i < 10000; i++)
		used += (size_t)sprintf(text + used,
					" d%u: {model: edu, address: 0000:%02x:%02x.%u, group: %u}\n",
					i, i >> 8, i >> 3 & 31, i & 7, 9999 - i);
	ck_assert_int_eq(vfiosim_topology_parse("x", text, used, &made, &error), 0);
	ck_assert_uint_eq(made->n_devices, 10000);
	ck_assert_uint_eq(made->n_groups, 10000);
	for (unsigned i = 0; i < 10000; i++)
		ck_assert_uint_eq(made->groups[i].number, i);
	snprintf(address, sizeof(address), "d%u", 5000u);
	index = vfiosim_topology_device(made, address);
	ck_assert_int_eq(index, 5000);
	ck_assert_uint_eq(made->groups[made->devices[index].group].number, 4999);
	vfiosim_topology_free(made);
	free(text);
}
END_TEST

START_TEST(values)
{
	struct vfiosim_range range;
	uint16_t a, b;

	ck_assert(value_range("0xfee00000..0xfeefffff", &range) && range.last == 0xfeefffff);
	ck_assert(value_range("1M..2M", &range) && range.first == 1 << 20);
	ck_assert(!value_range("1..", &range) && !value_range("..1", &range) && !value_range("1.2", &range));
	ck_assert(value_ids("8086:10d3", &a, &b) && a == 0x8086 && b == 0x10d3);
	ck_assert(!value_ids("8086:10d", &a, &b) && !value_ids("8086:10d3 ", &a, &b));
	ck_assert(value_pci_address("0000:01:1f.7") && !value_pci_address("0000:01:20.0"));
	ck_assert(!value_pci_address("0000:01:00.8") && !value_pci_address("01:00.0"));
	ck_assert(!value_pci_address("0000:0A:00.0"));
	ck_assert_uint_eq(pci_address_devfn("0000:01:1f.7"), 0xff);
	ck_assert(value_uuid("83B8f4f2-509f-382f-3c1e-e6bfe0fa1001") && !value_uuid("83b8f4f2"));
}
END_TEST

/* ---- Good ones ---- */

START_TEST(scalars_are_taken_as_written)
{
	struct vfiosim_topology *lab = topology(
		"about: no\n"
		"memlock: 64K\n"
		"rawio_granted: on\n"
		"dma_entry_limit: 0x10\n"
		"faults: [{at: pin, when: 2, error: EFAULT}]\n"
		"iommus: {on: {aperture: 4K..1G, page_sizes: [4K], reserved: [{range: 1M..0x1fffff, type: direct}]}}\n"
		"models: {card: {id: 8086:10d3, class: 0x020000, bars: {0: {size: 2M, mmap: yes, pin: never}}}}\n"
		"devices:\n"
		"  no: {model: card, address: 0000:01:00.0, group: 7, driver: vfio-pci}\n"
		"  yes: {model: card, address: 0000:01:00.1, group: 3, bars: {0: {pin: pages}, 1: {size: 16}}}\n");

	ck_assert_str_eq(lab->name, "lab");
	ck_assert_str_eq(lab->about, "no");
	ck_assert_int_eq(lab->memlock, VFIOSIM_MEMLOCK_BYTES);
	ck_assert_uint_eq(lab->memlock_bytes, 65536);
	ck_assert(lab->rawio_granted);
	ck_assert_uint_eq(lab->dma_entry_limit, 16);
	ck_assert_uint_eq(lab->n_faults, 1);
	ck_assert_str_eq(lab->faults[0].text, "pin,when=2,error=EFAULT");
	ck_assert_str_eq(lab->iommus[0].name, "on");
	ck_assert_uint_eq(lab->iommus[0].aperture.first, 4096);
	ck_assert_uint_eq(lab->iommus[0].resv[0].range.first, 1 << 20);
	ck_assert_uint_eq(lab->n_groups, 2);
	ck_assert_uint_eq(lab->groups[0].number, 3);	/* by number, not as met */
	ck_assert_int_eq(lab->devices[0].group, 1);
	ck_assert_str_eq(lab->devices[0].name, "no");
	ck_assert_uint_eq(lab->devices[0].bars[0].size, 2 << 20);
	ck_assert_int_eq(lab->devices[0].bars[0].pin, VFIOSIM_PIN_NEVER);
	ck_assert_int_eq(lab->devices[1].bars[0].pin, VFIOSIM_PIN_PAGES);	/* its own key over the model's */
	ck_assert(lab->devices[1].bars[0].mmap);
	ck_assert_str_eq(lab->devices[1].bars[1].registers, "memory");
	ck_assert_uint_eq(lab->devices[1].line, 10);
	ck_assert_int_eq(vfiosim_topology_device(lab, "yes"), 1);
	ck_assert_int_eq(vfiosim_topology_device(lab, "0000:01:00.0"), 0);
	ck_assert_int_eq(vfiosim_topology_device(lab, "nobody"), -1);
	vfiosim_topology_set_memlock(lab, VFIOSIM_MEMLOCK_UNLIMITED, 0);
	ck_assert_int_eq(lab->memlock, VFIOSIM_MEMLOCK_UNLIMITED);
	vfiosim_topology_free(lab);
}
END_TEST

/* Of the host, of the machine's own models, or one that takes any device. */
START_TEST(drivers_that_exist)
{
	struct vfiosim_topology *lab = topology(
		"iommus: {d: {aperture: 0..1G}}\n"
		"models: {card: {id: 15b3:1019, host_driver: mlx5_core}}\n"
		"devices:\n"
		"  a: {model: card, address: 0000:01:00.0, group: 1, driver: mlx5_core}\n"
		"  b: {model: nvme, address: 0000:02:00.0, group: 2, driver: nvme}\n"
		"  c: {model: edu, address: 0000:03:00.0, group: 3, driver: pci-stub}\n"
		"  d: {id: 1234:11e8, address: 0000:04:00.0, group: 4, host_driver: ours, driver: ours}\n"
		"  e: {model: edu, address: 0000:05:00.0, group: 5, driver: \"\"}\n");

	ck_assert_str_eq(lab->devices[0].driver, "mlx5_core");
	ck_assert_str_eq(lab->devices[3].driver, "ours");
	vfiosim_topology_free(lab);
}
END_TEST

START_TEST(every_builtin_loads)
{
	const struct vfiosim_builtin *row;
	size_t n = 0;

	for (; (row = vfiosim_topology_builtin(n)); n++) {
		struct vfiosim_topology *made = builtin(row->name);

		ck_assert_str_eq(made->name, row->name);
		ck_assert(*made->about);
		vfiosim_topology_free(made);
	}
	ck_assert_uint_ge(n, 6);
	vfiosim_topology_free(NULL);
}
END_TEST

/* The table of machine.md, whole. */
static const struct {
	const char *address;
	uint16_t vendor, device;
	uint32_t class_code;
	int group;
	const char *driver;
} q35[] = {
	{ "0000:00:00.0", 0x8086, 0x29c0, 0x060000, 0, "" },
	{ "0000:00:04.0", 0x1b36, 0x000c, 0x060400, 1, "pcieport" },
	{ "0000:00:05.0", 0x1b36, 0x000c, 0x060400, 2, "pcieport" },
	{ "0000:00:06.0", 0x1b36, 0x000c, 0x060400, 3, "pcieport" },
	{ "0000:00:07.0", 0x1b36, 0x000c, 0x060400, 4, "pcieport" },
	{ "0000:00:08.0", 0x1b36, 0x000c, 0x060400, 5, "pcieport" },
	{ "0000:00:09.0", 0x1b36, 0x000b, 0x060000, 6, "" },
	{ "0000:00:0a.0", 0x1af4, 0x1009, 0x000200, 7, "virtio-pci" },
	{ "0000:00:0b.0", 0x1af4, 0x1009, 0x000200, 8, "virtio-pci" },
	{ "0000:00:1f.0", 0x8086, 0x2918, 0x060100, 9, "" },
	{ "0000:00:1f.2", 0x8086, 0x2922, 0x010601, 9, "" },
	{ "0000:00:1f.3", 0x8086, 0x2930, 0x0c0500, 9, "i801_smbus" },
	{ "0000:01:00.0", 0x8086, 0x10d3, 0x020000, 10, "vfio-pci" },
	{ "0000:02:00.0", 0x8086, 0x10d3, 0x020000, 11, "vfio-pci" },
	{ "0000:03:00.0", 0x1b36, 0x0010, 0x010802, 12, "vfio-pci" },
	{ "0000:04:00.0", 0x8086, 0x10d3, 0x020000, 13, "vfio-pci" },
	{ "0000:04:00.1", 0x8086, 0x10d3, 0x020000, 13, "vfio-pci" },
	{ "0000:05:00.0", 0x1b36, 0x000e, 0x060400, 14, "" },
	{ "0000:06:01.0", 0x1234, 0x11e8, 0x00ff00, 14, "vfio-pci" },
	{ "0000:06:02.0", 0x1234, 0x11e8, 0x00ff00, 14, "vfio-pci" },
	{ "0000:20:00.0", 0x1b36, 0x000c, 0x060400, -1, "pcieport" },
	{ "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", 0x4348, 0x3253, 0x070002, 15, "mtty" },
	{ "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002", 0x4348, 0x3253, 0x070002, 16, "mtty" },
	{ "83b8f4f2-509f-382f-3c1e-e6bfe0fa1003", 0x1b36, 0x000f, 0x030000, 17, "mdpy" },
};

START_TEST(q35_is_the_machine_of_the_facts)
{
	struct vfiosim_topology *made = builtin("q35");

	ck_assert_uint_eq(made->n_devices, sizeof(q35) / sizeof(q35[0]));
	ck_assert_uint_eq(made->n_groups, 18);
	ck_assert_int_eq(made->memlock, VFIOSIM_MEMLOCK_CLIENT);
	ck_assert_uint_eq(made->iommus[0].aperture.last, 0x7fffffffff);
	ck_assert_uint_eq(made->iommus[0].page_sizes, 0x40201000);
	ck_assert_uint_eq(made->iommus[0].resv[0].range.first, 0xfee00000);
	ck_assert(!made->iommus[0].snoop_control && made->iommus[0].interrupt_remapping);
	for (size_t i = 0; i < sizeof(q35) / sizeof(q35[0]); i++) {
		int index = vfiosim_topology_device(made, q35[i].address);
		const struct vfiosim_topo_device *device = &made->devices[index < 0 ? 0 : index];

		ck_assert_int_ge(index, 0);
		ck_assert_uint_eq(device->vendor, q35[i].vendor);
		ck_assert_uint_eq(device->device, q35[i].device);
		ck_assert_uint_eq(device->class_code, q35[i].class_code);
		ck_assert_str_eq(device->driver, q35[i].driver);
		ck_assert_int_eq(device->group < 0 ? -1 : (int)made->groups[device->group].number,
				 q35[i].group);
	}
	vfiosim_topology_free(made);
}
END_TEST

START_TEST(q35_noiommu_is_q35_and_x)
{
	struct vfiosim_topology *made = builtin("q35-noiommu");
	int x = vfiosim_topology_device(made, "X");

	ck_assert_uint_eq(made->n_devices, sizeof(q35) / sizeof(q35[0]) + 1);
	ck_assert(made->noiommu && x >= 0);
	ck_assert_str_eq(made->devices[x].address, "0000:21:00.0");
	ck_assert(made->groups[made->devices[x].group].noiommu);
	vfiosim_topology_free(made);
}
END_TEST

START_TEST(hotadd_has_a_bar_of_each_kind)
{
	struct vfiosim_topology *made = builtin("hotadd");
	const struct vfiosim_topo_device *mdev = &made->devices[vfiosim_topology_device(made, "mdev0")];

	ck_assert_int_eq(mdev->kind, VFIOSIM_DEVICE_MDEV);
	ck_assert_int_eq(mdev->bars[0].pin, VFIOSIM_PIN_NEVER);
	ck_assert_int_eq(mdev->bars[1].pin, VFIOSIM_PIN_PAGES);
	ck_assert(mdev->bars[0].mmap && mdev->bars[1].mmap);
	ck_assert_uint_eq(mdev->bars[0].size, 1 << 20);
	ck_assert_int_eq(made->groups[mdev->group].iommu, -1);
	ck_assert_str_eq(made->devices[vfiosim_topology_device(made, "nic0")].address, "0000:01:00.0");
	vfiosim_topology_free(made);
}
END_TEST

START_TEST(loading_by_name_and_by_path)
{
	struct vfiosim_topology *made = NULL;
	char path[SCRATCH_PATH];

	close(scratch_file(path, "topology", "devices: {A: 1}\n"));
	ck_assert_int_eq(vfiosim_topology_load(path, &made, &error), -EINVAL);
	ck_assert_str_eq(error.list[0].file, path);
	ck_assert_uint_eq(error.list[0].line, 1);
	unlink(path);
	ck_assert_int_eq(vfiosim_topology_load(path, &made, &error), -ENOENT);
	ck_assert_int_eq(vfiosim_topology_load("/", &made, &error), -EISDIR);
	ck_assert_int_eq(vfiosim_topology_load("q36", &made, &error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error.list[0].message, "did you mean 'q35'?"));
	ck_assert_ptr_null(made);
}
END_TEST

/* ---- Bad ones ---- */

#define IOMMU "iommus: {d: {aperture: 0..0xffffffff}}\n"
#define TYPES "mdev_types: {t: {parent: p, model: mtty, capacity: 1}}\n"
#define NIC "  n: {model: e1000e, address: 0000:01:00.0, group: 1, "

static const struct bad {
	const char *text;
	unsigned line, column;
	const char *message;
} bad[] = {
	/* not YAML, or more YAML than wanted */
	{ "", 1, 1, "the file is empty" },
	{ "a: b: c\n", 1, 5, "not YAML" },
	{ "devices: [\n", 2, 1, "not YAML" },
	{ "devices: \t{}\n\xff\xfe", 2, 1, "not YAML text" },
	{ "\x7f\x45\x4c\x46\x01", 1, 1, "not YAML text" },
	{ "about: \"a\\0b\"\n", 1, 8, "NUL" },
	{ "devices: &all {}\n", 1, 10, "anchors (&all)" },
	{ "about: *all\n", 1, 8, "aliases (*all)" },
	{ "about: !!str x\n", 1, 8, "tags" },
	{ "about: x\n---\nabout: y\n", 2, 1, "second document" },
	{ "[a]: b\n", 1, 1, "a key must be a word" },
	{ "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n", 1, 17, "nested more than 16" },
	{ "about: x\nabout: y\n", 2, 1, "duplicate key 'about', first in line 1" },
	/* the shape */
	{ "x\n", 1, 1, "expected a map of keys and values, found 'x'" },
	{ "about: x\n", 1, 1, "'devices' is missing" },
	{ "devises: {}\n", 1, 1, "unknown key 'devises'; did you mean 'devices'?" },
	{ "colour: red\ndevices: {}\n", 1, 1, "expected one of: about, kernel, iommufd, " },
	{ "devices: {}\n", 1, 10, "at least one device" },
	{ "devices: x\n", 1, 10, "expected a map from names to devices" },
	{ "about: [x]\ndevices: {}\n", 1, 8, "expected text, found a list" },
	{ "memlock: lots\ndevices: {}\n", 1, 10, "expected unlimited, client or a size (64K), found 'lots'" },
	{ "rawio_granted: perhaps\ndevices: {}\n", 1, 16, "expected yes or no, found 'perhaps'" },
	{ "dma_entry_limit: 4294967296\ndevices: {}\n", 1, 18, "a number up to 0xffffffff" },
	{ "dma_entry_limit: -1\ndevices: {}\n", 1, 18, "a number up to" },
	/* IOMMUs */
	{ "iommus: {d: {}}\ndevices: {}\n", 1, 13, "'aperture' is missing here" },
	{ "iommus: {d: {aperture: 5..1}}\ndevices: {}\n", 1, 24, "reversed" },
	{ "iommus: {d: {aperture: 5}}\ndevices: {}\n", 1, 24, "expected a range FIRST..LAST, found '5'" },
	{ "iommus: {d: {aperture: 0..1G, page_sizes: [5K]}}\ndevices: {}\n", 1, 44, "power of two" },
	{ "iommus: {d: {aperture: 0..1G, page_sizes: [2K]}}\ndevices: {}\n", 1, 44, "at least 4K" },
	{ "iommus: {d: {aperture: 0..1G, page_sizes: []}}\ndevices: {}\n", 1, 43, "a list of page sizes" },
	{ "iommus: {d/e: {aperture: 0..1G}}\ndevices: {}\n", 1, 10, "the name of an IOMMU" },
	{ "iommus:\n  d:\n    aperture: 0..1G\n    reserved:\n      - {range: 1M..2M, type: msy}\ndevices: {}\n",
	  5, 31, "direct, direct-relaxable, reserved, msi or sw-msi, found 'msy'" },
	{ "iommus:\n  d:\n    aperture: 0..1G\n    reserved:\n      - {range: 1M..2M, type: msi}\n"
	  "      - {range: 2M..3M, type: msi}\ndevices: {}\n",
	  6, 9, "0x200000..0x300000 overlaps 0x100000..0x200000" },
	{ "iommus: {d: {aperture: 0..1G, type: vtd}}\ndevices:\n" NIC "}\n", 1, 37,
	  "there is no type of IOMMU 'vtd'; did you mean 'vt-d'?" },
	{ "iommus: {d: {aperture: 0..1G, registers: {gcap: 1}}}\ndevices:\n" NIC "}\n", 1, 43,
	  "there is no register 'gcap'; did you mean 'cap'?" },
	{ "iommus: {d: {aperture: 0..1G, registers: {status: 1}}}\ndevices:\n" NIC "}\n", 1, 43,
	  "there is no register 'status'; expected cap, ecap" },
	/* groups */
	{ "groups: {x: {}}\ndevices: {}\n", 1, 10, "a group's number" },
	{ IOMMU "groups: {1: {iommu: e}}\ndevices: {}\n", 2, 21, "there is no IOMMU 'e'" },
	{ IOMMU "groups: {noiommu-1: {iommu: d}}\ndevices: {}\n", 2, 10, "cannot have an IOMMU" },
	{ "devices:\n  n: {model: e1000e, address: 0000:01:00.0, group: noiommu-0, driver: vfio-pci}\n",
	  2, 3, "only with enable_unsafe_noiommu_mode: yes" },
	{ IOMMU "groups: {1: {}, 0x1: {}}\ndevices: {}\n", 2, 17, "duplicate group 1" },
	{ IOMMU "groups: {9: {iommu: d}}\ndevices:\n" NIC "}\n", 2, 10, "group 9 has no device" },
	{ "devices:\n" NIC "}\n", 2, 52, "has no IOMMU: there is none" },
	{ "iommus: {d: {aperture: 0..1}, e: {aperture: 0..1}}\ndevices:\n" NIC "}\n",
	  3, 52, "which of the 2 IOMMUs" },
	/* models */
	{ IOMMU "models: {m: {id: 8086}}\ndevices: {}\n", 2, 18, "VENDOR:DEVICE" },
	{ IOMMU "models: {m: {class: 0x1000000}}\ndevices: {}\n", 2, 21, "three bytes" },
	{ IOMMU "models: {m: {intx: 5}}\ndevices: {}\n", 2, 20, "INTA to INTD" },
	{ IOMMU "models: {m: {msi: 3}}\ndevices: {}\n", 2, 19, "16 or 32 vectors" },
	{ IOMMU "models: {m: {kind: usb}}\ndevices: {}\n", 2, 20, "pci, bridge or mdev, found 'usb'" },
	{ IOMMU "models: {m: {vendor_model: x}}\ndevices:\n" NIC "}\n", 2, 28,
	  "expected the name of a vendor model (plain, mtty, mdpy), found 'x'" },
	{ IOMMU "models: {m: {vendor_model: vfio-pci}}\ndevices:\n" NIC "}\n", 2, 28, "found 'vfio-pci'" },
	{ IOMMU "models: {m: {rom: 1K}}\ndevices: {}\n", 2, 19, "2K to 16M" },
	{ IOMMU "models: {m: {bars: {6: {size: 4K}}}}\ndevices: {}\n", 2, 21, "the number of a BAR, 0 to 5" },
	{ IOMMU "models: {m: {bars: {0: {size: 5K}}}}\ndevices: {}\n", 2, 31, "power of two" },
	{ IOMMU "models: {m: {bars: {0: {size: 2K, mmap: yes}}}}\ndevices: {}\n", 2, 21, "at least one page" },
	{ IOMMU "models: {m: {bars: {0: {size: 4G}}}}\ndevices: {}\n", 2, 21, "above 2G must be 64bit" },
	{ IOMMU "models: {m: {bars: {0: {size: 512, io: yes}}}}\ndevices: {}\n", 2, 21, "4 to 256 bytes" },
	{ IOMMU "models: {m: {bars: {0: {pin: maybe}}}}\ndevices: {}\n", 2, 30, "pfnmap, pages or never" },
	{ IOMMU "models: {m: {bars: {0: {registers: x}}}}\ndevices: {}\n", 2, 36, "memory or engine" },
	{ IOMMU "models: {m: {bars: {0: {size: 4K, 64bit: yes}, 1: {size: 4K}}}}\ndevices: {}\n",
	  2, 20, "takes the place of BAR 1" },
	{ IOMMU "models: {m: {bars: {5: {size: 4K, 64bit: yes}}}}\ndevices: {}\n", 2, 20, "does not exist" },
	{ IOMMU "models: {m: {msix: {vectors: 2, bar: 0, table: 0, pba: 64}}}\ndevices: {}\n",
	  2, 20, "not a memory BAR of this device" },
	{ IOMMU "models: {m: {msix: {vectors: 2, bar: 0, table: 4K, pba: 64}, bars: {0: {size: 4K}}}}\n"
	  "devices: {}\n", 2, 20, "the table does not fit" },
	{ IOMMU "models: {m: {msix: {vectors: 2, bar: 0, table: 0, pba: 24}, bars: {0: {size: 4K}}}}\n"
	  "devices: {}\n", 2, 20, "table and pba overlap" },
	{ IOMMU "models: {m: {msix: {vectors: 0, bar: 0, table: 0, pba: 24}}}\ndevices: {}\n",
	  2, 30, "1 to 2048 vectors" },
	/* types of mdevs */
	{ "mdev_types: {t: {parent: p, model: e1000e, capacity: 1}}\ndevices: {}\n", 1, 36, "not of kind: mdev" },
	{ "mdev_types: {t: {parent: p, model: mtyt, capacity: 1}}\ndevices: {}\n", 1, 36, "did you mean 'mtty'?" },
	{ "mdev_types: {t: {parent: p, model: mtty, capacity: 1, instances: 2}}\ndevices: {}\n",
	  1, 14, "instances is 1 up to capacity, 1" },
	{ "mdev_types: {t: {parent: p/q, model: mtty, capacity: 1}}\ndevices: {}\n", 1, 14, "names of folders" },
	{ "mdev_types: {t: {parent: vfio, model: mtty, capacity: 1}}\ndevices: {}\n", 1, 14, "already" },
	{ "mdev_types: {t: {parent: p, model: mtty, capacity: 1}, u: {parent: p, model: mtty, capacity: 2}}\n"
	  "devices: {}\n", 1, 56, "capacity is that of p: 1 under t" },
	/* devices */
	{ IOMMU "devices: {n: x}\n", 2, 14, "expected a map" },
	{ IOMMU "devices: {n: {model: e1000e}}\n", 2, 14, "'address' is missing here" },
	{ IOMMU "devices: {n: {model: e1000, address: 0000:01:00.0}}\n", 2, 22, "did you mean 'e1000e'?" },
	{ IOMMU "devices: {n: {address: 0000:01:00.0}}\n", 2, 14, "n has no id" },
	{ IOMMU "devices: {n: {model: e1000e, adress: 0000:01:00.0}}\n", 2, 30, "did you mean 'address'?" },
	{ IOMMU "devices: {n: {model: e1000e, address: 01:00.0}}\n", 2, 39, "a PCI address in lower case" },
	{ IOMMU "devices: {n: {model: e1000e, address: 0000:01:00.9}}\n", 2, 39, "found '0000:01:00.9'" },
	{ IOMMU "devices: {n: {model: e1000e, address: 0000:01:00.0, driver: vfio-pci}}\n", 2, 61, "in a group" },
	{ IOMMU "devices: {n: {model: root-port, address: 0000:01:00.0, group: 1, driver: vfio-pci}}\n",
	  2, 74, "does not drive bridges" },
	{ IOMMU "devices: {n: {model: e1000e, address: 0000:01:00.0, driver: a/b}}\n", 2, 61, "name of a driver" },
	{ IOMMU "devices:\n" NIC "}\n  m: {model: e1000e, address: 0000:01:00.0}\n", 4, 31,
	  "n has the address 0000:01:00.0 already" },
	{ IOMMU "devices:\n" NIC "parent: 0000:00:01.0}\n", 3, 63, "no device above this one" },
	{ IOMMU "devices:\n" NIC "}\n  m: {model: edu, address: 0000:02:00.0, parent: 0000:01:00.0}\n",
	  4, 50, "is not a bridge" },
	{ IOMMU "devices:\n" NIC "bars: {0: {sise: 4K}}}\n", 3, 66, "did you mean 'size'?" },
	{ IOMMU "devices:\n" NIC "driver: vfio_pci}\n", 3, 63,
	  "there is no driver 'vfio_pci'; did you mean 'vfio-pci'?" },
	{ IOMMU "devices:\n" NIC "driver: ixgbe}\n", 3, 63,
	  "there is no driver 'ixgbe': a driver of the host is one that host_driver: names; "
	  "here there are vfio-pci, pci-stub, " },
	{ TYPES "devices: {m: {type: t, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001, group: 1, driver: q}}\n",
	  2, 89, "an mdev is driven by its parent, p" },
	{ TYPES "devices: {m: {type: s, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001, group: 1}}\n",
	  2, 21, "'s' is not under mdev_types:" },
	{ TYPES "devices: {m: {type: t, address: 0000:01:00.0, group: 1}}\n", 2, 33, "expected a UUID" },
	{ TYPES "devices: {m: {type: t, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001}}\n", 2, 14, "'group' is missing" },
	{ TYPES "devices: {m: {model: mtty, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001, group: 1}}\n",
	  2, 14, "'type' is missing" },
	{ TYPES "devices: {m: {type: t, model: mtty, address: 1}}\n", 2, 31, "says the model already" },
	{ TYPES "devices:\n  m: {type: t, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001, group: 1}\n"
	  "  n: {type: t, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1002, group: 2}\n", 4, 6, "room for 1" },
	{ IOMMU TYPES "devices:\n" NIC "}\n"
	  "  m: {type: t, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001, group: 1}\n", 5, 3, "its group is emulated" },
};

/* Is it among what is told? Nothing but the first mistake may be told of a file that is no YAML. */
static bool is_told(const struct bad *row)
{
	for (size_t i = 0; i < error.n; i++)
		if (error.list[i].line == row->line && error.list[i].column == row->column &&
		    strstr(error.list[i].message, row->message))
			return true;
	return false;
}

START_TEST(bad_input_is_refused_with_its_place)
{
	const struct bad *row = &bad[_i];
	struct vfiosim_topology *made = NULL;

	ck_assert_int_eq(__topology(row->text, &made), -EINVAL);
	ck_assert_ptr_null(made);
	ck_assert_uint_ge(error.n, 1);
	ck_assert_str_eq(error.list[0].file, "lab.yaml");
	ck_assert_msg(is_told(row), "%sgave %u:%u: %s\nwanted %u:%u: ...%s", row->text,
		      error.list[0].line, error.list[0].column, error.list[0].message, row->line,
		      row->column, row->message);
	ck_assert_int_eq(vfiosim_topology_parse("x", row->text, strlen(row->text), &made, NULL), -EINVAL);
}
END_TEST

/* Every mistake of a file, in order of their places, and nothing that only follows from another. */
START_TEST(all_mistakes_are_told_at_once)
{
	static const char text[] =
		"about: x\n"
		"about: y\n"
		"memlock: lots\n"
		"iommus:\n"
		"  d: {aperture: 5..1, page_sizes: [2K, 3K]}\n"
		"  e: {apertur: 0..1G}\n"
		"groups:\n"
		"  1: {iommu: f}\n"
		"models:\n"
		"  m: {id: 8086, bars: {0: {size: 5K}, 7: {}}}\n"
		"  v: {kind: mdev, vendor_model: plane, id: 1234:5678}\n"
		"mdev_types:\n"
		"  t: {parent: p, model: m2, capacity: 1}\n"
		"devices:\n"
		"  a: {model: m, address: 0000:01:00.0, group: 1, driver: vfio_pci}\n"
		"  b: {model: e1000e, address: 0000:01:00.0, parent: 0000:00:09.0, group: 1}\n"
		"  c: {type: t, address: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001, group: 2}\n"
		"  d: {model: edu, address: nowhere, group: x, driver: vfio_pci}\n"
		"  e: {model: edu, address: 0000:01:02.0, group: 1, driver: vfio_pci}\n";
	static const struct bad told[] = {
		{ NULL, 2, 1, "duplicate key 'about', first in line 1" },
		{ NULL, 3, 10, "expected unlimited, client or a size (64K), found 'lots'" },
		{ NULL, 5, 17, "the range 5..1 is reversed" },
		{ NULL, 5, 36, "expected a page size of at least 4K, found '2K'" },
		{ NULL, 5, 40, "expected a size that is a power of two, found '3K'" },
		{ NULL, 6, 7, "unknown key 'apertur'; did you mean 'aperture'?" },
		{ NULL, 8, 14, "there is no IOMMU 'f'" },
		{ NULL, 10, 11, "expected VENDOR:DEVICE" },
		{ NULL, 10, 34, "power of two, found '5K'" },
		{ NULL, 10, 39, "the number of a BAR, 0 to 5, found '7'" },
		{ NULL, 11, 33, "the name of a vendor model" },
		{ NULL, 13, 25, "there is no model 'm2'" },
		{ NULL, 16, 31, "a has the address 0000:01:00.0 already" },
		{ NULL, 16, 53, "no device above this one has the address" },
		{ NULL, 18, 44, "expected a group's number" },
		{ NULL, 19, 60, "did you mean 'vfio-pci'?" },
	};
	struct vfiosim_topology *made = NULL;

	ck_assert_int_eq(__topology(text, &made), -EINVAL);
	for (size_t i = 0; i < error.n && i < sizeof(told) / sizeof(told[0]); i++)
		ck_assert_msg(error.list[i].line == told[i].line && error.list[i].column == told[i].column &&
			      strstr(error.list[i].message, told[i].message),
			      "gave %u:%u: %s\nwanted %u:%u: ...%s", error.list[i].line,
			      error.list[i].column, error.list[i].message, told[i].line, told[i].column,
			      told[i].message);
	ck_assert_uint_eq(error.n, sizeof(told) / sizeof(told[0]));
	ck_assert(!error.more);
}
END_TEST

START_TEST(too_much_is_refused)
{
	size_t length = YAML_BYTES + 1;
	char *text = malloc(length);
	struct vfiosim_topology *made = NULL;
	size_t used;

	ck_assert_ptr_nonnull(text);
	memset(text, '#', length);
	ck_assert_int_eq(vfiosim_topology_parse("x", text, length, &made, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.list[0].message, "longer than 1048576 bytes"));
	memset(text, '[', length);
	ck_assert_int_eq(vfiosim_topology_parse("x", text, length - 1, &made, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.list[0].message, "nested more than 16"));
	used = (size_t)sprintf(text, "devices:\n");
	for (unsigned i = 0; i < 16385; i++)
		used += (size_t)sprintf(text + used, " d%u: {model: edu, address: 0000:%02x:%02x.%u}\n",
					i, i >> 8, i >> 3 & 31, i & 7);
	ck_assert_int_eq(vfiosim_topology_parse("x", text, used, &made, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.list[0].message, "more than 16384 devices"));
	free(text);
}
END_TEST

/* Every beginning of a good file, and the file with each byte spoilt: an answer, never a crash. */
START_TEST(mutilated_files_are_survived)
{
	const struct vfiosim_builtin *row = NULL;
	char *text;

	for (size_t i = 0; (row = vfiosim_topology_builtin(i)) && strcmp(row->name, "hotadd"); i++)
		;
	ck_assert_ptr_nonnull(row);
	text = malloc(row->length);
	for (size_t i = 0; i < row->length; i++) {
		struct vfiosim_topology *made = NULL;

		if (!vfiosim_topology_parse("x", row->text, i, &made, &error))
			vfiosim_topology_free(made);
		made = NULL;
		memcpy(text, row->text, row->length);
		text[i] = (char)(text[i] ^ (1 << i % 8));
		if (!vfiosim_topology_parse("x", text, row->length, &made, &error))
			vfiosim_topology_free(made);
	}
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("topology");
	TCase *good = tcase_create("good"), *refused = tcase_create("bad");

	suite_add_tcase(suite, good);
	tcase_add_test(good, values);
	tcase_add_test(good, devices_by_the_thousand);
	tcase_add_test(good, scalars_are_taken_as_written);
	tcase_add_test(good, drivers_that_exist);
	tcase_add_test(good, every_builtin_loads);
	tcase_add_test(good, q35_is_the_machine_of_the_facts);
	tcase_add_test(good, q35_noiommu_is_q35_and_x);
	tcase_add_test(good, hotadd_has_a_bar_of_each_kind);
	tcase_add_test(good, loading_by_name_and_by_path);
	suite_add_tcase(suite, refused);
	tcase_set_timeout(refused, 60);
	tcase_add_loop_test(refused, bad_input_is_refused_with_its_place, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(refused, all_mistakes_are_told_at_once);
	tcase_add_test(refused, too_much_is_refused);
	tcase_add_test(refused, mutilated_files_are_survived);
	return suite_run(suite);
}
