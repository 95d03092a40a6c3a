/* SPDX-License-Identifier: MIT */
/*
 * A device and its driver, as every bus has them: who it is, which IOMMU group it
 * belongs to, which driver holds it. Mirrors struct device and struct device_driver
 * (include/linux/device.h, 7.2). What a driver makes of its device is a struct of its
 * own: struct vfio_device (vfio/device.h) for those that userspace drives.
 *
 * Life: made with the machine, or when an mdev is created; a driver's probe takes it,
 * its remove lets go; freed with the machine. Its index is stable. Guarded by the
 * machine's lock.
 */
#ifndef SIM_MACHINE_DEVICE_H
#define SIM_MACHINE_DEVICE_H

#include <sys/queue.h>

#include <vfiosim/vfiosim.h>

#include "machine/call.h"

struct device;
struct iommu_group;
struct vfio_device;
struct vfiosim_topo_device;

#define REGION_SHIFT 40		/* region index lives in the file offset's top bits */

enum bus_type { BUS_PCI, BUS_MDEV };

struct device_driver {
	const char *name;
	enum bus_type bus;
	bool driver_managed_dma;	/* does no DMA of its own: no obstacle to userspace */
	/*
	 * Take @dev, as @driver. -ENODEV: it knows no such device; -EINVAL: it takes no bridge, or
	 * needs an IOMMU group;
	 * -EBUSY: userspace owns its DMA; -ENOMEM.
	 */
	int (*probe)(const struct device_driver *driver, struct device *dev);
	/* Let go of it: 0 or CALL_PARKED, to be asked again when a descriptor was closed. */
	int (*remove)(struct call *call, struct device *dev);
	/* The machine ends: free what probe made. */
	void (*discard)(struct vfiosim *sim, struct device *dev);
	TAILQ_ENTRY(device_driver) in_sim;
};

/* What lower rooms ask of a device whose driver has regions that can be mapped. */
struct device_ops {
	/* What pinning the page at @offset of its file gives. */
	enum vfiosim_pin (*pin)(const struct device *dev, uint64_t offset);
};

#define RESET_METHODS_MAX 7u	/* PCI_NUM_RESET_METHODS (6.12) less the one that is none */

/* What sysfs was told about a PCI device, and what it came with. Mirrors struct pci_dev (7.2). */
struct device_settings {
	bool broken_parity;
	bool d3cold_allowed;
	bool msi_allowed;	/* of a bridge: to what is below it */
	int numa_node;		/* -1: none */
	unsigned enabled;	/* by sysfs, with no driver */
	bool can_reset;		/* some method worked when it came: sysfs has files for that */
	char reset_methods[RESET_METHODS_MAX * 4];	/* "flr bus", first tried first; "": none */
};

struct device {
	struct vfiosim *sim;
	uint32_t index;			/* in sim->devices; stable */
	const struct vfiosim_topo_device *topo;
	struct iommu_group *group;	/* NULL: none */
	TAILQ_ENTRY(device) in_group;
	struct device_driver *driver;	/* that holds it, NULL: none */
	void *driver_data;		/* the driver's own */
	const struct device_ops *ops;	/* the driver's; NULL: no regions to map */
	struct vfio_device *vfio;	/* set while a vfio driver holds it, else NULL */
	bool uses_default_domain;	/* its driver does DMA: userspace cannot own the group */
	bool unbinding;			/* remove waits for the last close: no new opens */
	bool leaving;			/* its removal waits: removed by its last close */
	uint64_t wait;			/* number of that unbind's or removal's wait; 0: none */
	bool removed;			/* not in the machine now: only the index remains */
	char *driver_override;		/* NULL: none */
	struct device_settings settings;
};

#endif
