/* SPDX-License-Identifier: MIT */
/*
 * vfiosim topology list|show|check (record is in record/): what machines there are, what they are made
 * of, and what is wrong with a file.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "base/value.h"
#include "cli.h"
#include "resv.h"
#include "topology_picture.h"

/* ---- Words ---- */

static const char *yes_no(bool value)
{
	return value ? "yes" : "no";
}

static const char *pin_word(enum vfiosim_pin pin)
{
	return pin == VFIOSIM_PIN_NEVER ? "never" : pin == VFIOSIM_PIN_PAGES ? "pages" : "pfnmap";
}

/* ---- show ---- */

static void show_limits(const struct vfiosim_topology *topology)
{
	char size[VALUE_SIZE_MAX];

	printf("\nLimits\n  memlock                     ");
	switch (topology->memlock) {
	case VFIOSIM_MEMLOCK_UNLIMITED:
		puts("unlimited");
		break;
	case VFIOSIM_MEMLOCK_CLIENT:
		puts("client (each caller's own RLIMIT_MEMLOCK and rights)");
		break;
	case VFIOSIM_MEMLOCK_BYTES:
		puts(value_size(topology->memlock_bytes, size));
		break;
	}
	printf("  rawio_granted               %s\n", yes_no(topology->rawio_granted));
	printf("  dma_entry_limit             %u\n", topology->dma_entry_limit);
	printf("  allow_unsafe_interrupts     %s\n", yes_no(topology->allow_unsafe_interrupts));
	printf("  enable_unsafe_noiommu_mode  %s\n", yes_no(topology->noiommu));
}

static void show_resv(const struct vfiosim_resv *resv, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("      reserved %#" PRIx64 "..%#" PRIx64 " %s\n", resv[i].range.first,
		       resv[i].range.last, resv_word(resv[i].type));
}

static void show_iommus(const struct vfiosim_topology *topology)
{
	char size[VALUE_SIZE_MAX];

	puts("\nIOMMUs");
	for (size_t i = 0; i < topology->n_iommus; i++) {
		const struct vfiosim_topo_iommu *iommu = &topology->iommus[i];

		printf("  %s  aperture %#" PRIx64 "..%#" PRIx64 ", pages", iommu->name,
		       iommu->aperture.first, iommu->aperture.last);
		for (unsigned bit = 0; bit < 64; bit++) {
			if (iommu->page_sizes >> bit & 1)
				printf(" %s", value_size(UINT64_C(1) << bit, size));
		}
		printf(", %ssnoop control, %sinterrupt remapping\n", iommu->snoop_control ? "" : "no ",
		       iommu->interrupt_remapping ? "" : "no ");
		show_resv(iommu->resv, iommu->n_resv);
	}
	if (!topology->n_iommus)
		puts("  none");
}

static void show_bars(const struct vfiosim_topo_device *device)
{
	char size[VALUE_SIZE_MAX];

	for (unsigned i = 0; i < 6; i++) {
		const struct vfiosim_topo_bar *bar = &device->bars[i];

		if (!bar->size)
			continue;
		printf("              BAR %u: %s%s%s%s%s", i, value_size(bar->size, size), bar->io ? " bytes of I/O ports" : "", bar->is64 ? " 64bit" : "",
		       bar->prefetch ? " prefetch" : "", bar->mmap ? " mmap, pin: " : "");
		if (bar->mmap)
			fputs(pin_word(bar->pin), stdout);
		if (strcmp(bar->registers, "memory"))
			printf(" registers: %s", bar->registers);
		putchar('\n');
	}
}

static bool for_vfio(const struct vfiosim_topo_device *device)
{
	return device->kind == VFIOSIM_DEVICE_MDEV || !strcmp(device->driver, "vfio-pci");
}

static void show_device(const struct vfiosim_topo_device *device)
{
	printf("      %-7s %s  %04x:%04x", device->name, device->address, device->vendor,
	       device->device);
	if (*device->model)
		printf(" %s", device->model);
	if (*device->mdev_type)
		printf(", an mdev of type %s", device->mdev_type);
	printf("%s%s\n", *device->driver ? ", driver " : ", no driver", device->driver);
	if (for_vfio(device))
		show_bars(device);
}

/* The first device of a group that a host driver keeps from userspace, NULL: none. */
static const struct vfiosim_topo_device *in_the_way(const struct vfiosim_topology *topology, size_t group)
{
	if (topology->groups[group].iommu < 0)
		return NULL;
	for (size_t d = 0; d < topology->n_devices; d++)
		if (topology->devices[d].group == (int)group &&
		    vfiosim_driver_does_dma(topology->devices[d].driver))
			return &topology->devices[d];
	return NULL;
}

static void show_groups(const struct vfiosim_topology *topology)
{
	puts("\nGroups");
	for (size_t i = 0; i < topology->n_groups; i++) {
		const struct vfiosim_topo_group *group = &topology->groups[i];
		const char *behind = group->noiommu ? "no IOMMU" : "emulated (mdev)";

		const struct vfiosim_topo_device *host = in_the_way(topology, i);

		printf("  %s%u  %s%s", group->noiommu ? "noiommu-" : "", group->number,
		       group->iommu >= 0 ? "behind " : "",
		       group->iommu >= 0 ? topology->iommus[group->iommu].name : behind);
		if (host)
			printf(", not viable: %s is bound to %s, a host driver", host->address,
			       host->driver);
		putchar('\n');
		show_resv(group->resv, group->n_resv);
		for (size_t d = 0; d < topology->n_devices; d++)
			if (topology->devices[d].group == (int)i)
				show_device(&topology->devices[d]);
	}
	for (size_t d = 0, told = 0; d < topology->n_devices; d++) {
		if (topology->devices[d].group >= 0)
			continue;
		if (!told++)
			puts("  in no group");
		show_device(&topology->devices[d]);
	}
}

static void show_types(const struct vfiosim_topology *topology)
{
	if (topology->n_mdev_types)
		puts("\nTypes of mdevs");
	for (size_t i = 0; i < topology->n_mdev_types; i++) {
		const struct vfiosim_topo_mdev_type *type = &topology->mdev_types[i];

		printf("  %s  of %s, takes %u of %u%s%s\n", type->name, type->parent, type->instances,
		       type->capacity, *type->description ? ": " : "", type->description);
	}
}

static void put_qemu_device(const struct vfiosim_topo_device *device)
{
	if (device->kind == VFIOSIM_DEVICE_MDEV)
		printf("-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/%s", device->address);
	else
		printf("-device vfio-pci,host=%s", device->address);
}

/* 128 MiB: 25.11 maps each 4 KiB page by itself, and a container takes 65,535 mappings. */
static void show_dpdk(const struct vfiosim_topology *topology, const char *name, const char *memlock)
{
	size_t told = 0;

	for (size_t i = 0; i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *device = &topology->devices[i];

		if (!for_vfio(device) || device->kind == VFIOSIM_DEVICE_MDEV)
			continue;
		if (!told++)
			printf("\nDPDK\n  vfiosim run --topology %s%s -- dpdk-testpmd --no-huge -m 128",
			       name, memlock);
		printf(" -a %s", device->address);
	}
	puts(told ? " -- --total-num-mbufs=2048" : "");
}

/*
 * Whole commands for the first device, then what to write for each other one. A
 * guest's memory rarely fits a caller's own limit, hence --memlock.
 */
static void show_commands(const struct vfiosim_topology *topology, const char *name)
{
	const char *memlock = topology->memlock == VFIOSIM_MEMLOCK_CLIENT ? " --memlock unlimited" : "";
	const struct vfiosim_topo_device *first = NULL;

	for (size_t i = 0; i < topology->n_devices && !first; i++)
		if (for_vfio(&topology->devices[i]))
			first = &topology->devices[i];
	if (!first)
		return;
	printf("\nQEMU\n  vfiosim run --topology %s%s -- qemu-system-x86_64 -M q35 -m 256 -nographic ",
	       name, memlock);
	put_qemu_device(first);
	puts("\n  or, instead or besides:");
	for (size_t i = 0; i < topology->n_devices; i++) {
		if (!for_vfio(&topology->devices[i]))
			continue;
		printf("    ");
		put_qemu_device(&topology->devices[i]);
		printf("  (%s)\n", topology->devices[i].name);
	}
	show_dpdk(topology, name, memlock);
}

struct show_options {
	bool picture;
};

static int show_one(const struct show_options *options, const char *name)
{
	struct vfiosim_topology *topology;
	struct vfiosim_errors errors;

	if (vfiosim_topology_load(name, &topology, &errors)) {
		cli_file_errors(&errors);
		return 2;
	}
	if (options->picture) {
		topology_picture(topology, !cli_utf8(), stdout);
		vfiosim_topology_free(topology);
		return 0;
	}
	printf("%s%s%s\n", topology->name, *topology->about ? ": " : "", topology->about);
	show_limits(topology);
	show_iommus(topology);
	show_groups(topology);
	show_types(topology);
	show_commands(topology, name);
	vfiosim_topology_free(topology);
	return 0;
}

static int show(void *options, char **args, size_t n)
{
	int status = 0;

	for (size_t i = 0; i < n && !status; i++) {
		if (i)
			putchar('\n');
		status = show_one(options, args[i]);
	}
	return status;
}

/* ---- list, check ---- */

static int list(void *options, char **args, size_t n)
{
	const struct vfiosim_builtin *builtin;

	for (size_t i = 0; (builtin = vfiosim_topology_builtin(i)); i++) {
		struct vfiosim_topology *topology;
		struct vfiosim_errors errors;

		if (vfiosim_topology_load(builtin->name, &topology, &errors)) {
			cli_file_errors(&errors);
			return 2;
		}
		printf("%-12s %s\n", topology->name, topology->about);
		vfiosim_topology_free(topology);
	}
	return 0;
}

/* Every file is looked at, also after a broken one. */
static int check(void *options, char **args, size_t n)
{
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		struct vfiosim_topology *topology;
		struct vfiosim_errors errors;

		if (vfiosim_topology_load(args[i], &topology, &errors)) {
			cli_file_errors(&errors);
			status = 2;
			continue;
		}
		printf("%s: %zu devices in %zu groups behind %zu IOMMU%s\n", args[i],
		       topology->n_devices, topology->n_groups, topology->n_iommus,
		       topology->n_iommus == 1 ? "" : "s");
		vfiosim_topology_free(topology);
	}
	return status;
}

/* ---- The verbs ---- */

const char *topology_word(size_t index)
{
	const struct vfiosim_builtin *builtin = vfiosim_topology_builtin(index);

	return builtin ? builtin->name : NULL;
}

static const struct cli_verb list_verb = {
	.name = "list",
	.about = "print the topologies that are built in, one a line: name and what it is",
	.run = list,
};

static const struct cli_option show_options[] = {
	{ "picture", 0, NULL, "draw it: a tree of buses, with each device's group and IOMMU", CLI_FLAG,
	  offsetof(struct show_options, picture) },
	{ NULL },
};

static const struct cli_verb show_verb = {
	.name = "show",
	.about = "print a machine: limits, IOMMUs, groups and their devices, types of mdevs",
	.options = show_options,
	.size = sizeof(struct show_options),
	.args = "NAME|FILE...",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.words = topology_word,
	.files = true,
	.more = "Ends with commands to paste for QEMU and DPDK. A FILE has a / in its name or ends in .yaml.\n",
	.run = show,
};

static const struct cli_verb check_verb = {
	.name = "check",
	.about = "read each and say what is wrong, as FILE:LINE:COLUMN: MESSAGE",
	.args = "NAME|FILE...",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.words = topology_word,
	.files = true,
	.more = "Exit status: 2 if anything is wrong.\n",
	.run = check,
};

static const struct cli_verb *const verbs[] = { &list_verb, &show_verb, &check_verb, &topology_record_verb, NULL };

const struct cli_verb topology_verb = {
	.name = "topology",
	.about = "list, show, check and record machines",
	.verbs = verbs,
	.more = "vfiosim-topology(5) describes the files.\n",
};
