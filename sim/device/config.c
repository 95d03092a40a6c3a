/* SPDX-License-Identifier: MIT */
/* PCI configuration space: building it, reading and writing it. */
#include "device/config.h"

#include <string.h>

#include <vfiosim/topology.h>

enum {
	VENDOR = 0x00, DEVICE = 0x02, STATUS = 0x06, REVISION = 0x08, CLASS = 0x09,
	CACHE_LINE = 0x0c, LATENCY = 0x0d, HEADER_TYPE = 0x0e, SUBVENDOR = 0x2c,
	SUBDEVICE = 0x2e, CAPABILITIES = 0x34, INTX_LINE = 0x3c,
};

enum {
	COMMAND_IO = 0x1, COMMAND_MEMORY = 0x2,
	COMMAND_WRITABLE = 0x0547,	/* io, memory, master, parity, SERR, INTx disable */
	COMMAND_INTX_DISABLE = 0x0400,
	STATUS_CAPABILITIES = 0x0010,
};

enum {
	CAP_PM = 0x01, CAP_MSI = 0x05, CAP_EXPRESS = 0x10, CAP_MSIX = 0x11,
	AT_PM = 0x40, AT_MSI = 0x50, AT_MSIX = 0x70, AT_EXPRESS = 0x80, AT_ERRORS = 0x100,
	AT_SERIAL = 0x150,
};

enum {
	PM_CONTROL = 4, PM_STATE = 0x3, PM_D3 = 3,
	MSI_FLAGS = 2, MSI_ENABLE = 0x1, MSI_64 = 0x80, MSI_MASKABLE = 0x100,
	MSIX_FLAGS = 2, MSIX_ENABLE = 0x8000, MSIX_FUNCTION_MASK = 0x4000,
	EXPRESS_CAPS = 4, EXPRESS_CAPS_FLR = 1 << 28, EXPRESS_CONTROL = 8, EXPRESS_FLR = 0x8000,
};

/* ---- Little-endian fields ---- */

static void put(uint8_t *to, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get(const uint8_t *from, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)from[i] << 8 * i;
	return value;
}

/* A field of @size bytes at @pos: its value, and the bits that can be written. */
static void field(struct pci_config *config, unsigned pos, unsigned size, uint32_t value,
		  uint32_t writable)
{
	put(config->bytes + pos, size, value);
	put(config->writable + pos, size, writable);
}

/* ---- Building ---- */

static void build_header(struct pci_config *config, const struct vfiosim_topo_device *topo)
{
	bool bridge = topo->class_code >> 8 == 0x0604;
	uint32_t command = 0;

	for (unsigned i = 0; i < 6; i++) {
		if (topo->bars[i].size)
			command |= topo->bars[i].io ? COMMAND_IO : COMMAND_MEMORY;
	}
	field(config, VENDOR, 2, topo->vendor, 0);
	field(config, DEVICE, 2, topo->device, 0);
	field(config, CONFIG_COMMAND, 2, command, COMMAND_WRITABLE);
	field(config, REVISION, 1, topo->revision, 0);
	field(config, CLASS, 3, topo->class_code, 0);
	field(config, CACHE_LINE, 1, 0, 0xff);
	field(config, LATENCY, 1, 0, 0xff);
	field(config, HEADER_TYPE, 1, bridge ? 1 : 0, 0);
	if (!bridge) {
		field(config, SUBVENDOR, 2, topo->subvendor, 0);
		field(config, SUBDEVICE, 2, topo->subdevice, 0);
	}
	field(config, INTX_LINE, 1, 0, 0xff);
	field(config, CONFIG_INTX_PIN, 1, topo->intx_pin, 0);
}

static void build_bar(struct pci_config *config, unsigned index, const struct vfiosim_topo_bar *bar)
{
	unsigned pos = CONFIG_BAR0 + 4 * index;
	uint64_t mask = ~(bar->size - 1);

	if (!bar->size)
		return;
	if (bar->io) {
		field(config, pos, 4, 0x1, (uint32_t)mask & ~0x3u);
		return;
	}
	field(config, pos, 4, (bar->is64 ? 0x4 : 0) | (bar->prefetch ? 0x8 : 0),
	      (uint32_t)mask & ~0xfu);
	if (bar->is64 && index < 5)
		field(config, pos + 4, 4, 0, (uint32_t)(mask >> 32));
}

static void build_bars(struct pci_config *config, const struct vfiosim_topo_device *topo)
{
	for (unsigned i = 0; i < 6; i++)
		build_bar(config, i, &topo->bars[i]);
	if (topo->rom)
		field(config, CONFIG_ROM, 4, 0, (uint32_t)~(topo->rom - 1) | 0x1);
}

/* Puts a capability at @pos and hangs it behind the one before; @link is where its number goes. */
static unsigned link_capability(struct pci_config *config, unsigned link, uint8_t id, unsigned pos)
{
	config->bytes[link] = (uint8_t)pos;
	config->bytes[pos] = id;
	config->bytes[STATUS] |= STATUS_CAPABILITIES;
	return pos + 1;
}

static unsigned build_pm(struct pci_config *config, unsigned link)
{
	config->pm = AT_PM;
	link = link_capability(config, link, CAP_PM, AT_PM);
	field(config, AT_PM + 2, 2, 0x0003, 0);		/* version 3 */
	field(config, AT_PM + PM_CONTROL, 2, 0x0008, PM_STATE);	/* no soft reset */
	return link;
}

uint32_t pci_msi_count(const struct vfiosim_topo_device *topo)
{
	uint32_t count = 1;

	if (!topo->msi)
		return 0;
	while (count < topo->msi && count < 32)
		count *= 2;
	return count;
}

/* The vendor and command bits of the upper byte are read-only, as the driver keeps them. */
static unsigned build_msi(struct pci_config *config, unsigned link,
			  const struct vfiosim_topo_device *topo)
{
	uint32_t order = (uint32_t)__builtin_ctz(pci_msi_count(topo));

	config->msi = AT_MSI;
	link = link_capability(config, link, CAP_MSI, AT_MSI);
	field(config, AT_MSI + MSI_FLAGS, 2,
	      order << 1 | MSI_64 | (topo->msi_maskable ? MSI_MASKABLE : 0), 0x71);
	field(config, AT_MSI + 4, 4, 0, ~0x3u);		/* address */
	field(config, AT_MSI + 8, 4, 0, ~0u);
	field(config, AT_MSI + 12, 2, 0, 0xffff);	/* data */
	if (topo->msi_maskable)
		field(config, AT_MSI + 16, 4, 0, ~0u);
	return link;
}

/* Read-only: the table is the driver's, which switches MSI-X by SET_IRQS. */
static unsigned build_msix(struct pci_config *config, unsigned link,
			   const struct vfiosim_topo_device *topo)
{
	config->msix = AT_MSIX;
	link = link_capability(config, link, CAP_MSIX, AT_MSIX);
	field(config, AT_MSIX + MSIX_FLAGS, 2, topo->msix - 1u, 0);
	field(config, AT_MSIX + 4, 4, (uint32_t)topo->msix_table | topo->msix_bar, 0);
	field(config, AT_MSIX + 8, 4, (uint32_t)topo->msix_pba | topo->msix_bar, 0);
	return link;
}

/* An endpoint, version 2, one lane of 2.5 GT/s. */
static unsigned build_express(struct pci_config *config, unsigned link,
			      const struct vfiosim_topo_device *topo)
{
	config->express = AT_EXPRESS;
	link = link_capability(config, link, CAP_EXPRESS, AT_EXPRESS);
	field(config, AT_EXPRESS + 2, 2, 0x0002, 0);
	field(config, AT_EXPRESS + EXPRESS_CAPS, 4, 0x8000 | (topo->flr ? EXPRESS_CAPS_FLR : 0), 0);
	field(config, AT_EXPRESS + EXPRESS_CONTROL, 2, 0x2810, 0x7cff);
	field(config, AT_EXPRESS + 12, 4, 0x00000011, 0);	/* link: 2.5 GT/s, x1 */
	field(config, AT_EXPRESS + 16, 2, 0, 0x0fff);
	field(config, AT_EXPRESS + 18, 2, 0x0011, 0);
	field(config, AT_EXPRESS + 0x28, 2, 0, 0x03ff);		/* device control 2 */
	return link;
}

static void build_errors(struct pci_config *config, unsigned next)
{
	field(config, AT_ERRORS, 4, 0x00020001 | next << 20, 0);	/* version 2 */
	field(config, AT_ERRORS + 0x08, 4, 0, 0x07ffffff);	/* masks */
	field(config, AT_ERRORS + 0x0c, 4, 0x00462030, 0x07ffffff);
	field(config, AT_ERRORS + 0x14, 4, 0x00002000, 0x0000f1c1);
}

static void build_serial_number(struct pci_config *config, uint64_t number)
{
	field(config, AT_SERIAL, 4, 0x00010003, 0);	/* version 1, the last one */
	field(config, AT_SERIAL + 4, 4, (uint32_t)number, 0);
	field(config, AT_SERIAL + 8, 4, (uint32_t)(number >> 32), 0);
}

void pci_config_init(struct pci_config *config, const struct vfiosim_topo_device *topo)
{
	unsigned link = CAPABILITIES;

	memset(config, 0, sizeof(*config));
	config->size = topo->pcie ? 4096 : 256;
	build_header(config, topo);
	build_bars(config, topo);
	if (topo->pcie)
		link = build_pm(config, link);
	if (topo->msi)
		link = build_msi(config, link, topo);
	if (topo->msix)
		link = build_msix(config, link, topo);
	if (topo->pcie) {
		build_express(config, link, topo);
		build_errors(config, topo->serial_number ? AT_SERIAL : 0);
	}
	if (topo->pcie && topo->serial_number)
		build_serial_number(config, topo->serial_number);
}

/* ---- Access ---- */

bool pci_config_memory_enabled(const struct pci_config *config)
{
	bool asleep = config->pm && (config->bytes[config->pm + PM_CONTROL] & PM_STATE) == PM_D3;

	return !asleep && (get(config->bytes + CONFIG_COMMAND, 2) & COMMAND_MEMORY);
}

bool pci_config_intx_disabled(const struct pci_config *config)
{
	return get(config->bytes + CONFIG_COMMAND, 2) & COMMAND_INTX_DISABLE;
}

static void show_bits(struct pci_config *config, unsigned pos, uint32_t bits, bool on)
{
	uint32_t value = get(config->bytes + pos, 2);

	put(config->bytes + pos, 2, on ? value | bits : value & ~bits);
}

void pci_config_show_msi(struct pci_config *config, bool msi, bool msix)
{
	if (config->msi && !msi)
		show_bits(config, config->msi + MSI_FLAGS, MSI_ENABLE, false);
	if (config->msix)
		show_bits(config, config->msix + MSIX_FLAGS, MSIX_ENABLE, msix);
}

void pci_config_read(const struct pci_config *config, void *to, size_t length, uint64_t pos)
{
	memcpy(to, config->bytes + pos, length);
}

static bool covers(uint64_t pos, size_t length, uint64_t at)
{
	return pos <= at && at - pos < length;
}

/* The size of an MSI block may not exceed what the device offers. */
static void limit_msi(struct pci_config *config)
{
	unsigned pos = config->msi + MSI_FLAGS;
	uint32_t flags = get(config->bytes + pos, 2), offered = flags >> 1 & 7;

	if ((flags >> 4 & 7) > offered)
		put(config->bytes + pos, 2, (flags & ~0x70u) | offered << 4);
}

struct config_effect pci_config_write(struct pci_config *config, const void *from, size_t length,
				      uint64_t pos)
{
	struct config_effect effect = { 0 };
	const uint8_t *new = from;
	unsigned flr = config->express + EXPRESS_CONTROL + 1;	/* its upper byte */
	uint32_t abilities;

	for (size_t i = 0; i < length; i++) {
		uint8_t mask = config->writable[pos + i], *byte = &config->bytes[pos + i];

		*byte = (uint8_t)((*byte & ~mask) | (new[i] & mask));
	}
	if (config->msi)
		limit_msi(config);
	if (config->express && covers(pos, length, flr) && new[flr - pos] & EXPRESS_FLR >> 8) {
		abilities = get(config->bytes + config->express + EXPRESS_CAPS, 4);
		effect.reset = abilities & EXPRESS_CAPS_FLR;
	}
	return effect;
}
