/* SPDX-License-Identifier: MIT */
/*
 * The drivers of sim/device/, for the table in models.c. Adding one: its ops in a
 * file of its own, a line here, a row there.
 */
#ifndef SIM_DEVICE_MODELS_H
#define SIM_DEVICE_MODELS_H

#include "vfio/device.h"
#include "topology/names.h"

extern const struct vfio_device_ops vfio_pci_ops;	/* vfio_pci.c */
extern const struct vfio_device_ops plain_ops;	/* plain.c */
extern const struct vfio_device_ops mtty_ops;	/* mtty.c */
extern const struct vfio_device_ops mdpy_ops;	/* mdpy.c */

/* Where mdpy's one BAR begins in its file: it does not follow the usual layout. */
#define MDPY_BAR_OFFSET 0x1000u

/* As topology_owner.accepts, of NAME_VENDOR_MODEL: rows that are for mdevs. */
bool vendor_model_accepts(const char *name, const struct topology_name *all, char *problem,
			  size_t size);

/*
 * Begins with the vfio drivers: vfio-pci, and one for each parent of mdevs. Before the
 * host's own, and the devices.
 */
extern const struct subsystem vfio_driver_subsystem;

/* The row of that name; NULL if there is none. */
const struct vfio_device_ops *device_model(const char *name);

/* What its vendor driver can be told to pin. NULL: one that never pins, or a physical device. */
struct pins *device_pins(const struct device *dev);

/* As device_ops.pin, for each kind. */
enum vfiosim_pin vfio_pci_pin(const struct device *dev, uint64_t offset);
enum vfiosim_pin plain_pin(const struct device *dev, uint64_t offset);
enum vfiosim_pin mdpy_pin(const struct device *dev, uint64_t offset);

#endif
