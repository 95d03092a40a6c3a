/* SPDX-License-Identifier: MIT */
/* The PCI functions of a sysfs. See record.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "record/record.h"
#include "record/sysfs.h"

/* As <linux/ioport.h> and <linux/pci_regs.h> number them. */
#define IORESOURCE_IO 0x100u
#define IORESOURCE_MEM 0x200u
#define IORESOURCE_PREFETCH 0x2000u
#define IORESOURCE_MEM_64 0x100000u

enum { CAP_MSI = 0x05, CAP_EXPRESS = 0x10, CAP_MSIX = 0x11, CAP_AF = 0x13 };
enum { EXT_CAP_SERIAL_NUMBER = 0x03, EXT_CAP_SRIOV = 0x10 };

#define PATH(...) sysfs_path(path, "bus/pci/devices/" __VA_ARGS__)

/* ---- Config space ---- */

static uint32_t get(const uint8_t *config, size_t size, size_t at, size_t width)
{
	uint32_t value = 0;

	if (at + width <= size)
		memcpy(&value, config + at, width);
	return value;
}

static void take_msix(const uint8_t *config, size_t size, size_t at, struct vfiosim_topo_device *pci)
{
	uint32_t table = get(config, size, at + 4, 4), pba = get(config, size, at + 8, 4);

	pci->msix = (uint16_t)((get(config, size, at + 2, 2) & 0x7ff) + 1);
	pci->msix_bar = table & 7;
	pci->msix_table = table & ~7u;
	pci->msix_pba = pba & ~7u;
}

static void take_capability(const uint8_t *config, size_t size, size_t at, struct vfiosim_topo_device *pci)
{
	uint32_t control = get(config, size, at + 2, 2);

	switch (config[at]) {
	case CAP_MSI:
		pci->msi = (uint16_t)(1u << ((control >> 1 & 7) > 5 ? 5 : control >> 1 & 7));
		pci->msi_maskable = control & 0x100;
		break;
	case CAP_MSIX:
		take_msix(config, size, at, pci);
		break;
	case CAP_EXPRESS:
		pci->pcie = true;
		pci->flr |= get(config, size, at + 4, 4) >> 28 & 1;
		break;
	case CAP_AF:
		pci->flr |= (get(config, size, at + 3, 1) & 3) == 3;
		break;
	}
}

static void take_extended(const uint8_t *config, size_t size, struct vfiosim_topo_device *pci)
{
	size_t at = 0x100;

	for (unsigned n = 0; n < 64 && at >= 0x100 && at + 4 <= size; n++) {
		uint32_t header = get(config, size, at, 4);

		if ((header & 0xffff) == EXT_CAP_SRIOV)
			pci->sriov = true;
		if ((header & 0xffff) == EXT_CAP_SERIAL_NUMBER)
			pci->serial_number = (uint64_t)get(config, size, at + 8, 4) << 32 |
					     get(config, size, at + 4, 4);
		at = header >> 20 & ~3u;
	}
}

void record_config(const uint8_t *config, size_t size, struct recorded_device *device)
{
	size_t at = get(config, size, 0x34, 1) & ~3u;

	device->short_config = size <= 64;
	if (get(config, size, 0x3d, 1) <= 4)
		device->pci.intx_pin = (uint8_t)get(config, size, 0x3d, 1);
	if ((get(config, size, 0x0e, 1) & 0x7f) == 1)
		device->pci.kind = VFIOSIM_DEVICE_BRIDGE;
	if (!(get(config, size, 6, 2) & 0x10) || size <= 64)
		return;
	for (unsigned n = 0; n < 48 && at >= 64 && at + 2 <= size; n++) {
		take_capability(config, size, at, &device->pci);
		at = config[at + 1] & ~3u;
	}
	take_extended(config, size, &device->pci);
}

static void read_config(int sysfs, struct recorded_device *device)
{
	char path[SYSFS_PATH];
	uint8_t config[4096];
	ssize_t n;

	PATH("%s/config", device->address);
	n = sysfs_bytes(sysfs, path, config, sizeof(config));
	record_config(config, n > 0 ? (size_t)n : 0, device);
}

/* ---- BARs ---- */

static bool is_power(uint64_t size)
{
	return size && !(size & (size - 1));
}

static void take_bar(uint64_t size, uint64_t flags, struct vfiosim_topo_bar *bar)
{
	bool io = flags & IORESOURCE_IO;

	if (!is_power(size) || size < (io ? 4u : 16u) || (io && size > 256))
		return;
	*bar = (struct vfiosim_topo_bar){
		.size = size, .io = io, .registers = "memory",
		.is64 = flags & IORESOURCE_MEM_64,
		.prefetch = flags & IORESOURCE_PREFETCH,
		.mmap = !io && size >= 4096,
	};
}

/* A line for each: six BARs, the ROM, then windows of bridges and of virtual functions. */
static void read_resources(int sysfs, struct recorded_device *device)
{
	char path[SYSFS_PATH], text[2048], *line = text;
	ssize_t n;

	PATH("%s/resource", device->address);
	n = sysfs_bytes(sysfs, path, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	for (unsigned i = 0; i < 7 && *line; i++) {
		uint64_t first, last, flags;

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &first, &last, &flags) == 3 &&
		    flags & (IORESOURCE_IO | IORESOURCE_MEM) && last > first) {
			if (i < 6)
				take_bar(last - first + 1, flags, &device->pci.bars[i]);
			else if (is_power(last - first + 1))
				device->pci.rom = last - first + 1;
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

/* The MSI-X table of a BAR that is not known cannot be told. */
static void check_msix(struct vfiosim_topo_device *pci)
{
	const struct vfiosim_topo_bar *bar = &pci->bars[pci->msix_bar < 6 ? pci->msix_bar : 0];
	uint64_t table_end = pci->msix_table + 16u * pci->msix;
	uint64_t pba_end = pci->msix_pba + (pci->msix + 63u) / 64 * 8;

	if (pci->msix_bar > 5 || bar->io || table_end > bar->size || pba_end > bar->size ||
	    (pci->msix_table < pba_end && pci->msix_pba < table_end))
		pci->msix = 0;
}

/* ---- Places ---- */

static bool is_address(const char *name, size_t length)
{
	unsigned domain, bus, slot, function;
	int end = 0;

	return sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) == 4 &&
	       (size_t)end == length && length == 12;
}

/* "../../../devices/pci0000:00/0000:00:04.0/0000:01:00.0": the addresses on the way. */
static void read_place(int sysfs, struct recorded_device *device)
{
	char path[SYSFS_PATH], target[SYSFS_PATH];

	PATH("%s", device->address);
	if (sysfs_link(sysfs, path, target, sizeof(target)))
		return;
	for (const char *part = target; *part;) {
		size_t length = strcspn(part, "/");

		if (is_address(part, length) && strncmp(part, device->address, length)) {
			snprintf(device->parent, sizeof(device->parent), "%.*s", (int)length, part);
			device->depth++;
		}
		part += length + (part[length] == '/');
	}
}

/* ---- Functions ---- */

static uint64_t number_of(int sysfs, const struct recorded_device *device, const char *file)
{
	char path[SYSFS_PATH];
	uint64_t number = 0;

	PATH("%s/%s", device->address, file);
	sysfs_number(sysfs, path, 16, &number);
	return number;
}

static void read_ids(int sysfs, struct recorded_device *device)
{
	struct vfiosim_topo_device *pci = &device->pci;

	pci->vendor = (uint16_t)number_of(sysfs, device, "vendor");
	pci->device = (uint16_t)number_of(sysfs, device, "device");
	pci->subvendor = (uint16_t)number_of(sysfs, device, "subsystem_vendor");
	pci->subdevice = (uint16_t)number_of(sysfs, device, "subsystem_device");
	pci->class_code = (uint32_t)number_of(sysfs, device, "class") & 0xffffff;
	pci->revision = (uint8_t)number_of(sysfs, device, "revision");
}

/* Host bridges have no bus of PCI below them in config space, but nothing drives them. */
static void read_kind(struct vfiosim_topo_device *pci)
{
	if (pci->class_code >> 8 == 0x0600 || pci->class_code >> 8 == 0x0604)
		pci->kind = VFIOSIM_DEVICE_BRIDGE;
}

static void read_resets(int sysfs, struct recorded_device *device)
{
	char path[SYSFS_PATH], methods[80];

	PATH("%s/reset_method", device->address);
	if (sysfs_line(sysfs, path, methods, sizeof(methods)))
		return;
	device->pci.flr |= strstr(methods, "flr") != NULL;
	device->pci.bus_reset = strstr(methods, "bus") != NULL;
}

static int read_function(int sysfs, const char *address, struct recorded *recorded)
{
	struct recorded_device *device;
	char path[SYSFS_PATH];

	if (!list_room(&recorded->devices, recorded->n_devices, sizeof(*device), NULL))
		return -ENOMEM;
	device = &recorded->devices[recorded->n_devices++];
	*device = (struct recorded_device){ 0 };
	snprintf(device->address, sizeof(device->address), "%s", address);
	read_place(sysfs, device);
	read_ids(sysfs, device);
	read_config(sysfs, device);
	read_kind(&device->pci);
	read_resources(sysfs, device);
	check_msix(&device->pci);
	read_resets(sysfs, device);
	PATH("%s/max_link_speed", address);
	device->pci.pcie |= device->short_config && sysfs_exists(sysfs, path);
	PATH("%s/sriov_totalvfs", address);
	device->pci.sriov |= sysfs_exists(sysfs, path);
	PATH("%s/driver", address);
	sysfs_link_name(sysfs, path, device->driver, sizeof(device->driver));
	PATH("%s/iommu", address);
	sysfs_link_name(sysfs, path, device->iommu, sizeof(device->iommu));
	PATH("%s/iommu_group", address);
	return record_add_group(sysfs, path, recorded, &device->group);
}

/* What stands above another is a bridge, whatever its class says. */
static void mark_parents(struct recorded *recorded)
{
	for (size_t i = 0; i < recorded->n_devices; i++)
		for (size_t k = 0; k < recorded->n_devices; k++)
			if (!strcmp(recorded->devices[i].parent, recorded->devices[k].address))
				recorded->devices[k].pci.kind = VFIOSIM_DEVICE_BRIDGE;
}

/* Linux lists a bus reset only for the function that was first on the bus: it reaches all. */
static void mark_resets(struct recorded *recorded)
{
	for (size_t i = 0; i < recorded->n_devices; i++)
		for (size_t k = 0; k < recorded->n_devices; k++)
			if (recorded->devices[i].pci.bus_reset &&
			    !strncmp(recorded->devices[i].address, recorded->devices[k].address,
				     strlen("0000:00")))
				recorded->devices[k].pci.bus_reset = true;
}

static int compare(const void *a, const void *b)
{
	const struct recorded_device *first = a, *second = b;

	if (first->depth != second->depth)
		return first->depth < second->depth ? -1 : 1;
	return strcmp(first->address, second->address);
}

int record_read_pci(int sysfs, struct recorded *recorded)
{
	struct sysfs_names names;
	int error = sysfs_list(sysfs, "bus/pci/devices", &names);

	for (size_t i = 0; !error && i < names.n; i++)
		if (is_address(names.items[i], strlen(names.items[i])))
			error = read_function(sysfs, names.items[i], recorded);
	sysfs_names_done(&names);
	if (error || !recorded->n_devices)
		return error ? error : -ENOENT;
	qsort(recorded->devices, recorded->n_devices, sizeof(*recorded->devices), compare);
	mark_parents(recorded);
	mark_resets(recorded);
	return 0;
}
