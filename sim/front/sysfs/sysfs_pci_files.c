/* SPDX-License-Identifier: MIT */
/*
 * The files of a PCI device that are bytes: config, resourceN, rom; and the
 * `resource` table of their addresses. Addresses are handed out in the order of
 * the topology's devices, each BAR aligned to its size, as firmware would.
 */
#include "front/sysfs/sysfs.h"

#include <errno.h>
#include <string.h>

#include "topology/value.h"
#include "device/config.h"

#define ROM 6
#define RESOURCES 13		/* lines of `resource`: BARs, ROM, SR-IOV */
#define RESOURCES_BRIDGE 17	/* ... and a bridge's windows */

/* Flags of ioport.h as `resource` prints them. */
#define FLAG_IO 0x40101u
#define FLAG_MEMORY 0x40200u
#define FLAG_PREFETCH 0x2008u
#define FLAG_64 0x100004u
#define FLAG_ROM 0x46200u

struct resource {
	uint64_t first, size, flags;
};

/* Where the next one of each kind goes. */
struct cursor {
	uint64_t io, memory, high;
};

static uint64_t take(uint64_t *cursor, uint64_t size)
{
	uint64_t first = (*cursor + size - 1) & ~(size - 1);

	*cursor = first + size;
	return first;
}

static void place(struct cursor *cursor, const struct vfiosim_topo_device *topo, unsigned index,
		  struct resource *ret_resource)
{
	const struct vfiosim_topo_bar *bar = index < ROM ? &topo->bars[index] : NULL;
	struct resource resource = { .size = bar ? bar->size : topo->rom };

	if (resource.size && !bar)
		resource.flags = FLAG_ROM;
	else if (resource.size && bar->io)
		resource.flags = FLAG_IO;
	else if (resource.size)
		resource.flags = FLAG_MEMORY | (bar->prefetch ? FLAG_PREFETCH : 0) |
				 (bar->is64 ? FLAG_64 : 0);
	if (resource.size)
		resource.first = take(resource.flags == FLAG_IO ? &cursor->io :
				      resource.size > 16u << 20 ? &cursor->high : &cursor->memory,
				      resource.size);
	*ret_resource = resource;
}

/* All resources of @dev. */
static void find_resources(const struct vfiosim *sim, const struct device *dev,
			   struct resource resources[ROM + 1])
{
	struct cursor cursor = { .io = 0xc000, .memory = 0xc0000000, .high = UINT64_C(0x8000000000) };

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		const struct device *other = sim->devices[i];

		if (other->topo->kind == VFIOSIM_DEVICE_MDEV)
			continue;
		for (unsigned index = 0; index <= ROM; index++)
			place(&cursor, other->topo, index, &resources[index]);
		if (other == dev)
			return;
	}
}

void sysfs_show_resource(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	bool bridge = subject->dev->topo->class_code >> 8 == 0x0604;
	struct resource resources[ROM + 1] = { 0 };

	find_resources(sim, subject->dev, resources);
	for (unsigned i = 0; i < (bridge ? RESOURCES_BRIDGE : RESOURCES); i++) {
		struct resource r = i <= ROM ? resources[i] : (struct resource){ 0 };

		fprintf(to, "0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)r.first,
			(unsigned long long)(r.size ? r.first + r.size - 1 : 0),
			(unsigned long long)r.flags);
	}
}

/* ---- config ---- */

/* The header of a bridge: its type, and the buses before, behind and below it. */
static void make_bridge(const struct vfiosim *sim, const struct device *dev,
			struct pci_config *config)
{
	unsigned first = 0, last = 0;

	sysfs_buses_below(sim, dev, &first, &last);
	config->bytes[0x0e] = 1;
	config->bytes[0x18] = pci_address_bus(dev->topo->address);
	config->bytes[0x19] = (uint8_t)first;
	config->bytes[0x1a] = (uint8_t)last;
}

/* As the device comes out of reset, with the addresses firmware gave it. */
static void make_config(const struct vfiosim *sim, const struct device *dev,
			struct pci_config *config)
{
	struct resource resources[ROM + 1] = { 0 };

	pci_config_init(config, dev->topo);
	find_resources(sim, dev, resources);
	for (unsigned i = 0; i < 6; i++) {
		uint64_t first = resources[i].first | (resources[i].flags & 0xf);
		size_t bytes = dev->topo->bars[i].is64 ? 8 : 4;

		for (size_t at = 0; resources[i].size && at < bytes; at++)
			config->bytes[CONFIG_BAR0 + 4 * i + at] = (uint8_t)(first >> 8 * at);
	}
	if (dev->topo->class_code >> 8 == 0x0604)
		make_bridge(sim, dev, config);
}

static uint64_t config_size(const struct vfiosim *sim, const struct subject *subject)
{
	return subject->dev->topo->pcie ? 4096 : 256;
}

static ssize_t config_pread(struct vfiosim *sim, const struct subject *subject, void *to,
			    size_t length, uint64_t offset)
{
	struct pci_config config;

	make_config(sim, subject->dev, &config);
	if (offset >= config.size)
		return 0;
	if (length > config.size - offset)
		length = config.size - offset;
	memcpy(to, config.bytes + offset, length);
	return (ssize_t)length;
}

/* ---- resourceN, rom ---- */

static uint64_t resource_size(const struct vfiosim *sim, const struct subject *subject)
{
	return subject->dev->topo->bars[subject->number].size;
}

static uint64_t rom_size(const struct vfiosim *sim, const struct subject *subject)
{
	return subject->dev->topo->rom;
}

void sysfs_list_resources(struct listing *listing, const struct subject *subject)
{
	static const struct node_type config = {
		.kind = NODE_BINARY, .permissions = 0644, .size = config_size, .pread = config_pread,
	};
	/* Nothing can be read: there is no memory behind, and the driver owns the device. */
	static const struct node_type resource = {
		.kind = NODE_BINARY, .permissions = 0600, .size = resource_size,
	};
	static const struct node_type rom = {
		.kind = NODE_BINARY, .permissions = 0600, .size = rom_size,
	};

	listing_put(listing, "config", &config, subject);
	for (unsigned i = 0; i < 6; i++) {
		struct subject about = *subject;
		char name[24];

		about.number = i;
		snprintf(name, sizeof(name), "resource%u", i);
		if (subject->dev->topo->bars[i].size)
			listing_put(listing, name, &resource, &about);
	}
	if (subject->dev->topo->rom)
		listing_put(listing, "rom", &rom, subject);
}
