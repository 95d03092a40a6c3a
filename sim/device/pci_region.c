/* SPDX-License-Identifier: MIT */
/*
 * Reading, writing and mapping the regions of a PCI function.
 * Mirrors vfio_pci_rw, vfio_pci_config_rw, vfio_pci_bar_rw, vfio_pci_core_mmap (7.2).
 */
#include "device/pci.h"

#include <errno.h>
#include <string.h>

#include <vfiosim/engine.h>
#include <vfiosim/topology.h>

/* A read or a write of one region; exactly one of to and from is set. */
struct access {
	struct device *dev;
	struct pci *pci;
	uint32_t index;
	uint64_t pos;
	size_t length;
	uint8_t *to;
	const uint8_t *from;
};

/* ---- Configuration space ---- */

static void write_config(struct call *call, struct access *access)
{
	struct pci *pci = access->pci;
	struct config_effect effect =
		pci_config_write(&pci->config, access->from, access->length, access->pos);

	pci_config_show_msi(&pci->config, pci->irqs.on == IRQ_MSI, pci->irqs.on == IRQ_MSIX);
	irqs_set_intx_disabled(call, &pci->irqs, pci_config_intx_disabled(&pci->config));
	if (!effect.reset)
		return;
	pci_reset_function(call, access->dev);
	changed(call, "{device} is reset (function level reset)",
		VS("device", access->dev->topo->address));
}

static ssize_t config_rw(struct call *call, struct access *access)
{
	struct pci *pci = access->pci;
	uint32_t size = pci->config.size;

	if (access->pos >= size || access->length > size - access->pos)
		return refuse(call, RULE_CONFIG_END, V("length", access->length),
			      V("offset", access->pos), V("size", size));
	if (access->to)
		pci_config_read(&pci->config, access->to, access->length, access->pos);
	else
		write_config(call, access);
	return (ssize_t)access->length;
}

/* ---- The expansion ROM ---- */

/*
 * The smallest image that is one: the signature, and a data structure that says
 * whose it is. Its code type is Open Firmware's, so that no firmware runs it.
 */
static void build_rom(const struct vfiosim_topo_device *topo, uint8_t image[ROM_IMAGE_SIZE])
{
	const uint8_t header[] = {
		'P', 'C', 'I', 'R', (uint8_t)topo->vendor, (uint8_t)(topo->vendor >> 8),
		(uint8_t)topo->device, (uint8_t)(topo->device >> 8), 0, 0, 0x18, 0, 0,
		(uint8_t)topo->class_code, (uint8_t)(topo->class_code >> 8),
		(uint8_t)(topo->class_code >> 16), ROM_IMAGE_SIZE / 512, 0, 0, 0, 0x01, 0x80,
	};

	memset(image, 0, ROM_IMAGE_SIZE);
	image[0] = 0x55;
	image[1] = 0xaa;
	image[0x18] = 0x1c;
	memcpy(image + 0x1c, header, sizeof(header));
}

/* Behind the image the region reads as ones. */
static void read_rom(const struct access *access)
{
	uint8_t image[ROM_IMAGE_SIZE];
	size_t n = 0;

	memset(access->to, 0xff, access->length);
	if (access->pos >= ROM_IMAGE_SIZE)
		return;
	build_rom(access->dev->topo, image);
	n = ROM_IMAGE_SIZE - access->pos;
	memcpy(access->to, image + access->pos, n < access->length ? n : access->length);
}

/* ---- BARs ---- */

/* The stretch of @access that is the MSI-X table, which only the driver may touch. */
static bool msix_table(const struct access *access, uint64_t *ret_first, uint64_t *ret_end)
{
	const struct vfiosim_topo_device *topo = access->dev->topo;

	if (!topo->msix || topo->msix_bar != access->index)
		return false;
	*ret_first = topo->msix_table;
	*ret_end = topo->msix_table + 16u * topo->msix;
	return true;
}

/* One stretch without special cases in it. 0, CALL_AGAIN or -ENOMEM. */
static int plain_rw(struct call *call, const struct access *access, uint64_t pos, size_t length)
{
	struct engine *engine = access->pci->engines[access->index];
	struct storage *storage = &access->pci->bars[access->index];
	uint8_t *to = access->to ? access->to + (pos - access->pos) : NULL;
	const uint8_t *from = access->from ? access->from + (pos - access->pos) : NULL;

	if (engine && pos < VFIOSIM_ENGINE_SIZE) {
		if (!to)
			return engine_write(call, engine, from, length, pos);
		engine_read(engine, to, length, pos);
		return 0;
	}
	if (!to)
		return storage_write(storage, from, length, pos);
	storage_read(storage, to, length, pos);
	return 0;
}

static uint64_t nearest(uint64_t pos, uint64_t edge, uint64_t end)
{
	return edge > pos && edge < end ? edge : end;
}

/* Cuts the access where something else begins: the MSI-X table, the end of the engine. */
static int bar_pieces(struct call *call, const struct access *access)
{
	uint64_t pos = access->pos, end = access->pos + access->length;
	uint64_t table = 0, table_end = 0;
	bool has_table = msix_table(access, &table, &table_end);

	while (pos < end) {
		uint64_t stop = nearest(pos, VFIOSIM_ENGINE_SIZE, end);
		bool hidden = has_table && pos >= table && pos < table_end;
		int ret = 0;

		if (has_table)
			stop = nearest(pos, table, nearest(pos, table_end, stop));
		if (!hidden)
			ret = plain_rw(call, access, pos, stop - pos);
		else if (access->to)
			memset(access->to + (pos - access->pos), 0xff, stop - pos);
		if (ret)
			return ret;
		pos = stop;
	}
	return 0;
}

static ssize_t bar_rw(struct call *call, struct access *access)
{
	const struct vfiosim_topo_device *topo = access->dev->topo;
	bool rom = access->index == REGION_ROM;
	uint64_t size = rom ? topo->rom : topo->bars[access->index].size;
	bool memory = rom || !topo->bars[access->index].io;
	int ret;

	if (!size)
		return refuse_no_region(call, access->dev, access->index);
	if (access->pos >= size)
		return refuse(call, RULE_REGION_END, V("offset", access->pos),
			      V("index", access->index), VS("device", topo->address),
			      V("size", size));
	if (access->length > size - access->pos)
		access->length = size - access->pos;
	if (memory && access->pci->gates_memory && !pci_config_memory_enabled(&access->pci->config))
		return refuse(call, RULE_MEMORY_DISABLED, VS("device", topo->address));
	if (rom && !topo->rom_image)
		return refuse(call, RULE_ROM_WITHOUT_IMAGE, VS("device", topo->address));
	if (rom) {
		read_rom(access);
		return (ssize_t)access->length;
	}
	ret = bar_pieces(call, access);
	if (ret == -ENOMEM)
		return refuse(call, RULE_NO_MEMORY);
	return ret ? ret : (ssize_t)access->length;
}

/* ---- The ops ---- */

static ssize_t region_rw(struct call *call, struct access *access, uint64_t offset)
{
	access->index = REGION_INDEX(offset);
	access->pos = REGION_POS(offset);
	access->pci = pci_of(access->dev);
	if (offset > INT64_MAX)
		return refuse(call, RULE_NEGATIVE_OFFSET, V("offset", offset));
	if (!access->length)
		return 0;
	if (access->index == REGION_CONFIG)
		return config_rw(call, access);
	if (access->index >= REGION_VGA)
		return refuse_no_region(call, access->dev, access->index);
	if (access->index == REGION_ROM && access->from)
		return refuse(call, RULE_REGION_READ_ONLY, V("index", access->index),
			      VS("device", access->dev->topo->address));
	return bar_rw(call, access);
}

ssize_t pci_read(struct call *call, struct device *dev, void *to, size_t length, uint64_t offset)
{
	struct access access = { .dev = dev, .to = to, .length = length };

	return region_rw(call, &access, offset);
}

ssize_t pci_write(struct call *call, struct device *dev, const void *from, size_t length,
		  uint64_t offset)
{
	struct access access = { .dev = dev, .from = from, .length = length };

	return region_rw(call, &access, offset);
}

int pci_mmap(struct call *call, struct device *dev, uint64_t offset, uint64_t length, bool shared)
{
	uint32_t index = REGION_INDEX(offset);
	uint64_t pos = REGION_POS(offset), size;

	if (offset > INT64_MAX || index > REGION_BAR5 || !dev->topo->bars[index].mmap)
		return refuse(call, RULE_MMAP_REFUSED, V("offset", offset),
			      VS("device", dev->topo->address));
	if (!shared)
		return refuse(call, RULE_MMAP_PRIVATE);
	size = (dev->topo->bars[index].size + VFIOSIM_PAGE_SIZE - 1) & -(uint64_t)VFIOSIM_PAGE_SIZE;
	if (pos >= size || length > size - pos)
		return refuse(call, RULE_MMAP_END, V("length", length), V("offset", pos),
			      V("index", index), VS("device", dev->topo->address));
	return 0;
}
