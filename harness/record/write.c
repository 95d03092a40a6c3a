/* SPDX-License-Identifier: MIT */
/* What was recorded, as a topology in YAML. See record.h. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "base/value.h"
#include "record/record.h"
#include "resv.h"

/* ---- Words ---- */

/* As YAML takes it: plain where nothing in it means something else. */
static void put_text(const char *text, FILE *to)
{
	bool plain = isalnum((unsigned char)*text);

	for (const char *at = text; *at; at++)
		plain &= isalnum((unsigned char)*at) || strchr("-_.()/", *at) || (*at == ' ' && at[1]);
	if (plain) {
		fputs(text, to);
		return;
	}
	putc('"', to);
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at >= ' ' && *at != 0x7f)
			fprintf(to, "%s%c", strchr("\"\\", *at) ? "\\" : "", *at);
	putc('"', to);
}

/* ---- At the top ---- */

/* "6.12.3-amd64": the part that a topology takes. */
static void put_kernel(const char *release, FILE *to)
{
	struct vfiosim_kernel kernel;
	unsigned major, minor;
	char text[32];

	if (!release || sscanf(release, "%u.%u", &major, &minor) != 2) {
		fputs("# The kernel's version is not known; the default is the newest.\n", to);
		return;
	}
	snprintf(text, sizeof(text), "%u.%u", major, minor);
	if (vfiosim_kernel_parse(text, &kernel))
		fprintf(to, "kernel: %s\n", text);
	else
		fprintf(to, "# The kernel is Linux %s, whose answers are not known; the default is the newest.\n",
			text);
}

static void put_number(const char *key, int64_t value, int64_t otherwise, FILE *to)
{
	if (value >= 0)
		fprintf(to, "%s: %" PRId64 "\n", key, value);
	else
		fprintf(to, "# %s: %" PRId64 "  # could not be read; this is the default\n", key, otherwise);
}

static void put_truth(const char *key, int64_t value, FILE *to)
{
	if (value >= 0)
		fprintf(to, "%s: %s\n", key, value ? "yes" : "no");
	else
		fprintf(to, "# %s: no  # could not be read; this is the default\n", key);
}

static void put_top(const struct recorded *recorded, const struct record_options *options, FILE *to)
{
	const struct recorded_limits *limits = &recorded->limits;

	fputs("about: recorded", to);
	if (options->release && !options->anonymize)
		fprintf(to, " on Linux %s", options->release);
	fputs("\n\n", to);
	put_kernel(options->release, to);
	fputs("memlock: client\n", to);
	put_number("dma_entry_limit", limits->dma_entry_limit, 65535, to);
	put_truth("allow_unsafe_interrupts", limits->allow_unsafe_interrupts, to);
	put_truth("enable_unsafe_noiommu_mode", limits->enable_unsafe_noiommu_mode, to);
}

/* ---- IOMMUs and groups ---- */

static bool overlaps(const struct vfiosim_resv *a, const struct vfiosim_resv *b)
{
	return span_overlaps((struct span){ a->range.first, a->range.last },
			     (struct span){ b->range.first, b->range.last });
}

/* A topology takes each address once: the first region that has it. */
static bool is_taken(const struct recorded_resv *list, size_t index, const struct recorded_resv *above)
{
	for (size_t i = 0; i < index; i++)
		if (overlaps(&list->items[i], &list->items[index]))
			return true;
	for (size_t i = 0; above && i < above->n; i++)
		if (overlaps(&above->items[i], &list->items[index]))
			return true;
	return false;
}

static void put_resv(const struct recorded_resv *list, const struct recorded_resv *above, FILE *to)
{
	if (!list->n)
		return;
	fputs("    reserved:\n", to);
	for (size_t i = 0; i < list->n; i++)
		fprintf(to, "      %s- {range: %#" PRIx64 "..%#" PRIx64 ", type: %s}%s\n",
			is_taken(list, i, above) ? "# " : "", list->items[i].range.first,
			list->items[i].range.last, resv_word(list->items[i].type),
			is_taken(list, i, above) ? "  # overlaps another one" : "");
}

/* Mirrors __iommu_calculate_agaw() and cap_mgaw() of drivers/iommu/intel: bits of an iova. */
static unsigned vtd_width(uint64_t cap)
{
	unsigned mgaw = (cap >> 16 & 0x3f) + 1, width = 30;

	for (unsigned level = 0; level < 4; level++)
		if (cap >> 8 & 1u << level)
			width = 30 + 9 * level;
	return width < mgaw ? width : mgaw;
}

static void put_vtd(const struct recorded_iommu *iommu, FILE *to)
{
	uint64_t cap = iommu->cap, ecap = iommu->ecap;

	fprintf(to, "    aperture: 0..%#" PRIx64 "\n", (UINT64_C(1) << vtd_width(cap)) - 1);
	fprintf(to, "    page_sizes: [4K%s%s]\n", cap >> 34 & 1 ? ", 2M" : "", cap >> 35 & 1 ? ", 1G" : "");
	fprintf(to, "    snoop_control: %s\n", ecap >> 7 & 1 ? "yes" : "no");
	fprintf(to, "    interrupt_remapping: %s  # %s\n", ecap >> 3 & 1 ? "yes" : "no",
		ecap >> 3 & 1 ? "as the unit can; sysfs does not say whether it is on" : "the unit cannot");
	fprintf(to, "    registers: {cap: %#" PRIx64 ", ecap: %#" PRIx64 "}\n", cap, ecap);
}

static void put_assumed(const struct recorded_iommu *iommu, FILE *to)
{
	fprintf(to, "    # %s\n", iommu->is_vtd ? "Its registers could not be read: the next lines are assumed." :
			 "Not a VT-d unit, or sysfs does not say: a VT-d unit stands in, and the next\n"
			 "    # lines are assumed.");
	fputs("    aperture: 0..0xffffffffffff\n"
	      "    # page_sizes: [4K, 2M, 1G]\n"
	      "    # snoop_control: no\n"
	      "    # interrupt_remapping: yes\n", to);
}

static void put_iommus(const struct recorded *recorded, FILE *to)
{
	if (!recorded->n_iommus) {
		fputs("\n# No device is in a group behind an IOMMU: there is none, or it is off.\n", to);
		return;
	}
	fputs("\niommus:\n", to);
	for (size_t i = 0; i < recorded->n_iommus; i++) {
		const struct recorded_iommu *iommu = &recorded->iommus[i];

		fprintf(to, "  %s:\n", iommu->name);
		if (iommu->has_registers)
			put_vtd(iommu, to);
		else
			put_assumed(iommu, to);
		put_resv(&iommu->resv, NULL, to);
	}
}

static void put_group(const struct recorded *recorded, const struct recorded_group *group, FILE *to)
{
	const struct recorded_iommu *iommu = &recorded->iommus[group->iommu];

	if (group->unread)
		fprintf(to, "  # The reserved regions of group %u could not be read.\n", group->number);
	if (recorded->n_iommus == 1 && !group->resv.n)
		return;
	fprintf(to, "  %u:\n    iommu: %s\n", group->number, iommu->name);
	put_resv(&group->resv, &iommu->resv, to);
}

static bool says_something(const struct recorded *recorded, const struct recorded_group *group)
{
	return group->iommu >= 0 && (recorded->n_iommus > 1 || group->resv.n || group->unread);
}

static void put_groups(const struct recorded *recorded, FILE *to)
{
	bool any = false, all_silent = true;

	for (size_t i = 0; i < recorded->n_groups; i++) {
		const struct recorded_group *group = &recorded->groups[i];

		any |= says_something(recorded, group);
		all_silent &= group->iommu < 0 || (recorded->n_iommus == 1 && !group->resv.n);
	}
	if (!any)
		return;
	fprintf(to, "\n%sgroups:\n", all_silent ? "# " : "");
	for (size_t i = 0; i < recorded->n_groups; i++)
		if (says_something(recorded, &recorded->groups[i]))
			put_group(recorded, &recorded->groups[i], to);
}

/* ---- Types of mdevs ---- */

static const char *model_of(const struct recorded_type *type)
{
	if (!strcmp(type->parent, "mtty") || !strcmp(type->parent, "mdpy"))
		return type->parent;
	return "mdev";
}

/* Another parent has a type of that name already. */
static bool is_repeated(const struct recorded *recorded, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(recorded->types[i].name, recorded->types[index].name))
			return true;
	return false;
}

static void put_type(const struct recorded_type *type, FILE *to)
{
	fprintf(to, "  %s: {parent: \"%s\", model: %s", type->name, type->parent, model_of(type));
	if (*type->pretty_name) {
		fputs(", name: ", to);
		put_text(type->pretty_name, to);
	}
	fprintf(to, ", instances: %u, capacity: %u}\n", type->instances, type->capacity ? type->capacity : 1);
}

static void put_types(const struct recorded *recorded, FILE *to)
{
	bool unknown = false;

	for (size_t i = 0; i < recorded->n_types; i++)
		unknown |= !strcmp(model_of(&recorded->types[i]), "mdev");
	if (unknown)
		fputs("\nmodels:\n"
		      "  # sysfs does not tell what an mdev looks like: plain storage stands in.\n"
		      "  mdev: {kind: mdev, vendor_model: plain, id: 1234:0001, class: 0xff0000}\n", to);
	if (recorded->n_types)
		fputs("\nmdev_types:\n", to);
	for (size_t i = 0; i < recorded->n_types; i++) {
		if (!is_repeated(recorded, i))
			put_type(&recorded->types[i], to);
		else
			fprintf(to, "  # %s of %s is left out: it has the name of another parent's.\n",
				recorded->types[i].name, recorded->types[i].parent);
	}
}

/* ---- Devices ---- */

static void put_bars(const struct vfiosim_topo_device *pci, FILE *to)
{
	const char *sep = "    bars: {";
	char size[VALUE_SIZE_MAX];

	for (unsigned i = 0; i < 6; i++) {
		const struct vfiosim_topo_bar *bar = &pci->bars[i];

		if (!bar->size)
			continue;
		fprintf(to, "%s%u: {size: %s%s%s%s%s}", sep, i, value_size(bar->size, size), bar->io ? ", io: yes" : "", bar->is64 ? ", 64bit: yes" : "",
			bar->prefetch ? ", prefetch: yes" : "", bar->mmap ? ", mmap: yes" : "");
		sep = ", ";
	}
	if (*sep == ',')
		fputs("}\n", to);
	if (pci->rom >= 2048 && pci->rom <= 16u << 20)
		fprintf(to, "    rom: %s\n", value_size(pci->rom, size));
}

static void put_interrupts(const struct recorded_device *device, FILE *to)
{
	const struct vfiosim_topo_device *pci = &device->pci;

	if (pci->intx_pin)
		fprintf(to, "    intx: %u\n", pci->intx_pin);
	if (device->short_config)
		fputs("    # msi: 0, msix: none  # config space beyond 64 bytes could not be read; root can\n", to);
	if (pci->msi)
		fprintf(to, "    msi: %u\n", pci->msi);
	if (pci->msi_maskable)
		fputs("    msi_maskable: yes\n", to);
	if (pci->msix)
		fprintf(to, "    msix: {vectors: %u, bar: %u, table: %#" PRIx64 ", pba: %#" PRIx64 "}\n", pci->msix,
			pci->msix_bar, pci->msix_table, pci->msix_pba);
}

static bool is_one_of_vfio(const char *driver)
{
	return !strcmp(driver, "vfio-pci") || strstr(driver, "vfio_pci") || strstr(driver, "vfio-pci");
}

static void put_driver(const struct recorded_device *device, FILE *to)
{
	const char *driver = device->driver;

	if (!*driver)
		return;
	if (!strcmp(driver, "pci-stub") || !strcmp(driver, "uio_pci_generic"))
		fprintf(to, "    driver: %s\n", driver);
	else if (!is_one_of_vfio(driver))
		fprintf(to, "    host_driver: %s\n    driver: %s\n", driver, driver);
	else if (device->group < 0 || device->pci.kind == VFIOSIM_DEVICE_BRIDGE)
		fprintf(to, "    # driver: %s  # which takes no bridge, and nothing without a group\n", driver);
	else
		fprintf(to, "    driver: vfio-pci%s%s\n", strcmp(driver, "vfio-pci") ? "  # " : "",
			strcmp(driver, "vfio-pci") ? driver : "");
}

static void put_flags(const struct vfiosim_topo_device *pci, FILE *to)
{
	if (pci->pcie)
		fputs("    pcie: yes\n", to);
	if (pci->flr)
		fputs("    flr: yes\n", to);
	if (pci->bus_reset)
		fputs("    bus_reset: yes\n", to);
	if (pci->sriov)
		fputs("    sriov: yes\n", to);
	if (pci->serial_number)
		fprintf(to, "    serial_number: 0x%" PRIx64 "\n", pci->serial_number);
}

static void put_group_of(const struct recorded *recorded, const struct recorded_device *device, FILE *to)
{
	const struct recorded_group *group;

	if (device->group < 0)
		return;
	group = &recorded->groups[device->group];
	fprintf(to, "    group: %s%u\n", group->noiommu ? "noiommu-" : "", group->number);
}

static void put_function(const struct recorded *recorded, const struct recorded_device *device,
			 const struct record_options *options, FILE *to)
{
	const struct vfiosim_topo_device *pci = &device->pci;

	fprintf(to, "  %s:\n    address: %s\n", device->name, device->address);
	if (*device->parent)
		fprintf(to, "    parent: %s\n", device->parent);
	put_group_of(recorded, device, to);
	if (pci->kind == VFIOSIM_DEVICE_BRIDGE)
		fputs("    kind: bridge\n", to);
	fprintf(to, "    id: %04x:%04x\n", pci->vendor, pci->device);
	if (!options->anonymize && (pci->subvendor || pci->subdevice))
		fprintf(to, "    subsystem: %04x:%04x\n", pci->subvendor, pci->subdevice);
	fprintf(to, "    class: %#08" PRIx32 "\n", pci->class_code);
	if (pci->revision)
		fprintf(to, "    revision: %#x\n", pci->revision);
	put_flags(pci, to);
	put_bars(pci, to);
	put_interrupts(device, to);
	put_driver(device, to);
}

static void put_mdev(const struct recorded *recorded, const struct recorded_device *device, size_t number,
		     const struct record_options *options, FILE *to)
{
	fprintf(to, "  %s: {type: %s, address: ", device->name, device->mdev_type);
	if (options->anonymize)
		fprintf(to, "00000000-0000-4000-8000-%012zx", number);
	else
		fputs(device->address, to);
	if (device->group >= 0)
		fprintf(to, ", group: %u", recorded->groups[device->group].number);
	fputs("}\n", to);
}

void record_write(const struct recorded *recorded, const struct record_options *options, FILE *to)
{
	put_top(recorded, options, to);
	put_iommus(recorded, to);
	put_groups(recorded, to);
	put_types(recorded, to);
	fputs("\ndevices:\n", to);
	for (size_t i = 0; i < recorded->n_devices; i++) {
		const struct recorded_device *device = &recorded->devices[i];

		if (device->pci.kind == VFIOSIM_DEVICE_MDEV)
			put_mdev(recorded, device, i, options, to);
		else
			put_function(recorded, device, options, to);
	}
}
