/* SPDX-License-Identifier: MIT */
/* devices/pciDDDD:BB and the folder of each PCI device below it. */
#include "front/sysfs/sysfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/pci.h"
#include "topology/value.h"
#include "machine/kernel.h"

#define TOPO (subject->dev->topo)

/* ---- What a device is ---- */

static void show_vendor(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "0x%04x\n", TOPO->vendor);
}

static void show_device(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "0x%04x\n", TOPO->device);
}

static void show_subvendor(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "0x%04x\n", TOPO->subvendor);
}

static void show_subdevice(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "0x%04x\n", TOPO->subdevice);
}

static void show_class(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "0x%06x\n", TOPO->class_code);
}

static void show_revision(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "0x%02x\n", TOPO->revision);
}

static void print_modalias(const struct vfiosim_topo_device *topo, FILE *to)
{
	fprintf(to, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", topo->vendor, topo->device,
		topo->subvendor, topo->subdevice, topo->class_code >> 16,
		topo->class_code >> 8 & 0xff, topo->class_code & 0xff);
}

static void show_modalias(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	print_modalias(TOPO, to);
}

static void show_uevent(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	const struct device_driver *driver = bus_driver(subject->dev);

	if (driver)
		fprintf(to, "DRIVER=%s\n", driver->name);
	fprintf(to, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=",
		TOPO->class_code, TOPO->vendor, TOPO->device, TOPO->subvendor, TOPO->subdevice,
		TOPO->address);
	print_modalias(TOPO, to);
}

/* ---- How it is driven ---- */

static void show_override(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	const char *override = subject->dev->driver_override;

	fprintf(to, "%s\n", override ? override : "(null)");
}

static int store_override(struct call *call, const struct subject *subject, const char *text,
			  size_t length)
{
	return bus_set_override(call, subject->dev, text, length);
}

static void show_irq(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	unsigned slot = pci_address_devfn(TOPO->address) >> 3;

	fprintf(to, "%u\n", TOPO->intx_pin ? 16 + slot % 8 : 0);
}

bool sysfs_can_reset(const struct vfiosim *sim, const struct subject *subject)
{
	return subject->dev->settings.can_reset;
}

/* Mirrors reset_store (7.2): only a 1 is a reset, which waits for whoever has the device locked. */
static int store_reset(struct call *call, const struct subject *subject, const char *text,
		       size_t length)
{
	uint64_t number;
	int ret = sysfs_store_number(call, "reset", text, &number);

	if (!ret && number != 1)
		ret = refuse(call, RULE_ATTRIBUTE_VALUE, VS("text", text), VS("attribute", "reset"));
	return ret ? ret : pci_reset(call, subject->dev, true);
}

/* ---- What every device says alike ---- */

static void show_0(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "0\n");
}

static void show_1(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "1\n");
}

static void show_dma_bits(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "32\n");
}

static void show_power_state(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "D0\n");
}

static void show_link_speed(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "2.5 GT/s PCIe\n");
}

/* The processors are the host's: clients place their threads by this. */
static unsigned processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	return n > 0 ? (unsigned)n : 1;
}

static void show_cpulist(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	unsigned n = processors();

	fprintf(to, n > 1 ? "0-%u\n" : "%u\n", n - 1);
}

/* A hex mask in groups of 32 bits, the highest first. */
static void show_cpus(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	unsigned n = processors(), rest = n % 32;

	if (rest)
		fprintf(to, "%0*x%s", (int)(rest + 3) / 4, (1u << rest) - 1, n > 32 ? "," : "");
	for (n /= 32; n; n--)
		fprintf(to, "ffffffff%s", n > 1 ? "," : "");
	fprintf(to, "\n");
}

static bool is_pcie(const struct vfiosim *sim, const struct subject *subject)
{
	return TOPO->pcie;
}

/* Mirrors serial_number_show (7.2). */
static void show_serial_number(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		fprintf(to, "%02x%c", (unsigned)(TOPO->serial_number >> shift & 0xff),
			shift ? '-' : '\n');
}

static bool has_serial_number(const struct vfiosim *sim, const struct subject *subject)
{
	return TOPO->pcie && TOPO->serial_number && kernel_has(sim, KERNEL_SERIAL_NUMBER);
}

/* ---- Bridges ---- */

bool sysfs_buses_below(const struct vfiosim *sim, const struct device *bridge, unsigned *ret_first,
		       unsigned *ret_last)
{
	bool found = false;

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *dev = sim->devices[i];
		unsigned bus, below_first, below_last;

		if (dev->topo->kind == VFIOSIM_DEVICE_MDEV ||
		    strcmp(dev->topo->parent, bridge->topo->address))
			continue;
		bus = pci_address_bus(dev->topo->address);
		if (!found || bus < *ret_first)
			*ret_first = bus;
		if (!found || bus > *ret_last)
			*ret_last = bus;
		found = true;
		if (dev->topo->kind == VFIOSIM_DEVICE_BRIDGE &&
		    sysfs_buses_below(sim, dev, &below_first, &below_last) && below_last > *ret_last)
			*ret_last = below_last;
	}
	return found;
}

static void show_secondary(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	unsigned first = 0, last = 0;

	sysfs_buses_below(sim, subject->dev, &first, &last);
	fprintf(to, "%u\n", first);
}

static void show_subordinate(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	unsigned first = 0, last = 0;

	sysfs_buses_below(sim, subject->dev, &first, &last);
	fprintf(to, "%u\n", last);
}

/* A host bridge is a bridge by name only. */
static bool is_bridge(const struct vfiosim *sim, const struct subject *subject)
{
	return TOPO->class_code >> 8 == 0x0604;
}

/* ---- The folder ---- */

static void target_iommu(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/devices/virtual/iommu/%s", subject->dev->group->iommu->name);
}

static bool has_iommu(const struct vfiosim *sim, const struct subject *subject)
{
	return subject->dev->group && subject->dev->group->iommu;
}

static void target_bus(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/bus/pci");
}

static const struct entry device_entries[] = {
	ATTR("ari_enabled", 0444, show_0, NULL),
	ATTR("class", 0444, show_class, NULL),
	ATTR("consistent_dma_mask_bits", 0444, show_dma_bits, NULL),
	ATTR("current_link_speed", 0444, show_link_speed, NULL, is_pcie),
	ATTR("current_link_width", 0444, show_1, NULL, is_pcie),
	ATTR("device", 0444, show_device, NULL),
	ATTR("dma_mask_bits", 0444, show_dma_bits, NULL),
	LINK("driver", sysfs_target_driver, sysfs_has_driver),
	ATTR("driver_override", 0644, show_override, store_override),
	LINK("iommu", target_iommu, has_iommu),
	LINK("iommu_group", sysfs_target_group, sysfs_has_group),
	ATTR("irq", 0444, show_irq, NULL),
	FOLDER("link", sysfs_list_nothing, is_pcie),
	ATTR("local_cpulist", 0444, show_cpulist, NULL),
	ATTR("local_cpus", 0444, show_cpus, NULL),
	ATTR("max_link_speed", 0444, show_link_speed, NULL, is_pcie),
	ATTR("max_link_width", 0444, show_1, NULL, is_pcie),
	ATTR("modalias", 0444, show_modalias, NULL),
	FOLDER("power", sysfs_list_nothing),
	ATTR("power_state", 0444, show_power_state, NULL),
	ATTR("remove", 0220, NULL, sysfs_store_remove),
	ATTR("rescan", 0200, NULL, sysfs_store_rescan),
	ATTR("reset", 0200, NULL, store_reset, sysfs_can_reset),
	ATTR("resource", 0444, sysfs_show_resource, NULL),
	ATTR("revision", 0444, show_revision, NULL),
	ATTR("secondary_bus_number", 0444, show_secondary, NULL, is_bridge),
	ATTR("serial_number", 0400, show_serial_number, NULL, has_serial_number),
	ATTR("subordinate_bus_number", 0444, show_subordinate, NULL, is_bridge),
	LINK("subsystem", target_bus),
	ATTR("subsystem_device", 0444, show_subdevice, NULL),
	ATTR("subsystem_vendor", 0444, show_subvendor, NULL),
	ATTR("uevent", 0644, show_uevent, sysfs_store_uevent),
	ATTR("vendor", 0444, show_vendor, NULL),
	FOLDER("vfio-dev", sysfs_list_vfio_dev, sysfs_has_vfio_dev),
	{ NULL },
};

static void list_device(struct listing *listing, const struct subject *subject)
{
	struct vfiosim *sim = listing_sim(listing);

	listing_table(listing, device_entries, subject);
	sysfs_list_settings(listing, subject);
	sysfs_list_resources(listing, subject);
	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject below = { .dev = sim->devices[i] };

		if (below.dev->topo->kind != VFIOSIM_DEVICE_MDEV && !below.dev->removed &&
		    !strcmp(below.dev->topo->parent, TOPO->address))
			listing_put(listing, below.dev->topo->address, &sysfs_pci_device, &below);
	}
}

const struct node_type sysfs_pci_device = {
	.kind = NODE_FOLDER, .permissions = 0755, .list = list_device,
};

/* ---- Root buses ---- */

static void show_nothing(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
}

static const struct entry root_bus_entries[] = {
	FOLDER("power", sysfs_list_nothing),
	ATTR("uevent", 0644, show_nothing, sysfs_store_uevent),
	{ NULL },
};

static bool is_root(const struct device *dev)
{
	return dev->topo->kind != VFIOSIM_DEVICE_MDEV && !dev->removed && !*dev->topo->parent;
}

static void list_root_bus(struct listing *listing, const struct subject *subject)
{
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { .dev = sim->devices[i] };

		if (is_root(about.dev) && sysfs_root_bus(sim, about.dev) == subject->number)
			listing_put(listing, about.dev->topo->address, &sysfs_pci_device, &about);
	}
	listing_table(listing, root_bus_entries, subject);
}

static bool has_number(const unsigned *numbers, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

void sysfs_list_root_buses(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_root_bus,
	};
	struct vfiosim *sim = listing_sim(listing);
	unsigned *listed = calloc(sim->n_devices + 1, sizeof(*listed));
	size_t n = 0;

	if (!listed) {
		listing_fail(listing);
		return;
	}
	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { 0 };
		char name[24];

		if (!is_root(sim->devices[i]))
			continue;
		about.number = sysfs_root_bus(sim, sim->devices[i]);
		if (has_number(listed, n, about.number))
			continue;
		listed[n++] = about.number;
		snprintf(name, sizeof(name), "pci%04x:%02x", about.number >> 8, about.number & 0xff);
		listing_put(listing, name, &folder, &about);
	}
	free(listed);
}
