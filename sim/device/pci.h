/* SPDX-License-Identifier: MIT */
/*
 * A PCI function as its driver shows it: configuration space, BARs, interrupts.
 * Two drivers share it: vfio-pci for physical functions, and "plain" for mdevs
 * that look like one. Everything that differs between two devices comes from
 * their struct vfiosim_topo_device.
 *
 * struct pci is dev->driver_data of both. Created when a driver takes the device, reset to
 * its initial contents by every reset; the first open and the last close reset what can be
 * reset (bus/reset.h). What cannot keeps its registers from one user to the next.
 *
 * Lock held; rules of call.h. Mirrors drivers/vfio/pci/ (7.2).
 */
#ifndef SIM_DEVICE_PCI_H
#define SIM_DEVICE_PCI_H

#include "vfio/device.h"
#include "device/config.h"
#include "device/engine.h"
#include "device/irq.h"
#include "device/pins.h"
#include "device/region.h"
#include "device/storage.h"

#define ROM_IMAGE_SIZE 512u

struct pci {
	bool gates_memory;		/* the command register's memory bit is obeyed */
	bool reset_works;		/* as the first open found it */
	bool needs_reset;		/* closed, and not reset since */
	bool low_power;			/* VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY */
	struct pci_config config;
	struct irqs irqs;
	struct storage bars[6];
	struct engine *engines[6];	/* NULL: the BAR is plain memory */
	struct pins pins;		/* an mdev's: what its driver was told to pin */
};

static inline struct pci *pci_of(const struct device *dev)
{
	return dev->driver_data;
}

/* The ops both drivers share. */
int pci_init(struct vfiosim *sim, struct device *dev);
void pci_done(struct vfiosim *sim, struct device *dev);
int pci_open(struct call *call, struct device *dev);
void pci_close(struct call *call, struct device *dev);
int pci_region_info(struct call *call, struct device *dev, uint32_t index,
		    struct region_info *ret_region);
int pci_irq_info(struct call *call, struct device *dev, uint32_t index, struct irq_info *ret_irq);
int pci_set_irqs(struct call *call, struct device *dev, const struct irq_set *set);
struct irq_event *pci_unmask_event(struct device *dev);
void pci_request(struct call *call, struct device *dev);
void pci_dma_unmap(struct call *call, struct device *dev, struct span iova);
/* BARs and engines as after power-on; configuration space and interrupts stay. */
void pci_reset_function(struct call *call, struct device *dev);

/*
 * Resets it by one of its methods, whatever its driver is. While an unbind holds its lock:
 * CALL_PARKED with @wait, else EAGAIN. Mirrors pci_reset_function, pci_try_reset_function (6.12).
 */
int pci_reset(struct call *call, struct device *dev, bool wait);

/* pci_region.c */
ssize_t pci_read(struct call *call, struct device *dev, void *to, size_t length, uint64_t offset);
ssize_t pci_write(struct call *call, struct device *dev, const void *from, size_t length,
		  uint64_t offset);
int pci_mmap(struct call *call, struct device *dev, uint64_t offset, uint64_t length, bool shared);

/* pci_hot_reset.c */
int pci_hot_reset_info(struct call *call, struct device *dev, struct hot_reset_dep *deps,
		       unsigned max);
int pci_hot_reset(struct call *call, struct device *dev, struct vfio_group **groups,
		  unsigned n_groups);
/*
 * At the close of @dev: resets the bus if anything that this reaches needs it and all of it is
 * closed. Mirrors vfio_pci_dev_set_try_reset (7.2).
 */
void pci_try_reset_bus(struct call *call, struct device *dev);

#endif
