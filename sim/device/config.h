/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space, made from a topology's description of the device.
 *
 * Two arrays: what each byte holds, and which of its bits a client may change.
 * That is all there is to BAR sizing: a BAR of 128K keeps its low 17 bits, so
 * all-ones written to it read back as its size, as hardware (and vfio-pci, which
 * plays hardware here) answers.
 *
 * What the driver does besides storing is in struct config_effect: the caller
 * compares what changed after a write.
 *
 * Layout of capabilities, where the device has them:
 *	0x40 power management (PCI Express devices)	0x50 MSI
 *	0x70 MSI-X					0x80 PCI Express
 *	0x100 advanced error reporting (extended space)
 *	0x150 serial number
 *
 * Not locked; belongs to whoever holds the struct.
 * Mirrors drivers/vfio/pci/vfio_pci_config.c (7.2), except: bits outside the
 * capabilities are read-only (the kernel passes them on to the hardware).
 */
#ifndef SIM_DEVICE_CONFIG_H
#define SIM_DEVICE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfiosim_topo_device;

#define CONFIG_SIZE_MAX 4096u

/* Offsets of the standard header that more than one place needs. */
enum {
	CONFIG_COMMAND = 0x04,
	CONFIG_BAR0 = 0x10,
	CONFIG_ROM = 0x30,
	CONFIG_INTX_PIN = 0x3d,
};

struct pci_config {
	uint32_t size;			/* 256, or 4096 with PCI Express */
	uint8_t bytes[CONFIG_SIZE_MAX];
	uint8_t writable[CONFIG_SIZE_MAX];
	uint8_t pm, msi, msix, express;	/* where the capabilities stand; 0: none */
};

/* What a write did that somebody has to act upon. */
struct config_effect {
	bool reset;			/* function level reset was asked for */
};

/* As the device is when it was just reset and enabled by the driver. */
void pci_config_init(struct pci_config *config, const struct vfiosim_topo_device *topo);

/* @pos + @length must lie within config->size. */
void pci_config_read(const struct pci_config *config, void *to, size_t length, uint64_t pos);
struct config_effect pci_config_write(struct pci_config *config, const void *from, size_t length,
				      uint64_t pos);

/* Does the device answer at its memory BARs? Mirrors __vfio_pci_memory_enabled. */
bool pci_config_memory_enabled(const struct pci_config *config);
bool pci_config_intx_disabled(const struct pci_config *config);
/* The driver switched interrupts; the capabilities show it. */
void pci_config_show_msi(struct pci_config *config, bool msi, bool msix);

/* Vectors that MSI of this device offers: what the topology says, rounded up to a power of two. */
uint32_t pci_msi_count(const struct vfiosim_topo_device *topo);

#endif
