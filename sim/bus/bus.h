/* SPDX-License-Identifier: MIT */
/*
 * The buses: which driver holds which device, and devices that come and go. What
 * sysfs writes do (bind, unbind, driver_override, create, remove, rescan) is decided here.
 *
 * Lock held; rules of call.h.
 */
#ifndef SIM_BUS_BUS_H
#define SIM_BUS_BUS_H

#include <vfiosim/topology.h>

#include "machine/device.h"

/* ---- Drivers ---- */

/*
 * Makes a driver like @row, called @name, known to its bus; nothing happens where there
 * is one of that name. @name lives as long as the machine. -ENOMEM.
 */
int bus_add_driver(struct vfiosim *sim, const struct device_driver *row, const char *name);
/* NULL: there is none. */
struct device_driver *bus_find_driver(const struct vfiosim *sim, enum bus_type bus,
				      const char *name);
/* The driver @dev shows: none while an unbind waits for its last close. NULL: none. */
const struct device_driver *bus_driver(const struct device *dev);

bool device_is_pci(const struct device *dev);

#define PCI_BUS_LENGTH 7	/* of "0000:01" in an address */

/* ---- Binding ---- */

/*
 * Bind: -EBUSY bound already; -ENODEV no such device, or the driver does not take
 * it (vfio-pci wants driver_override or a new_id; a host driver is refused, and
 * the device stays driverless, while the group is claimed). -ENOMEM.
 */
int bus_bind(struct call *call, struct device *dev, const char *driver);
/*
 * Unbind: signals the REQ interrupt, stops new opens and answers CALL_PARKED
 * while the device is open: bus_closed() completes it, whether the writer still waits
 * or not. -ENODEV: no driver holds it. Mirrors vfio_unregister_group_dev (7.2).
 */
int bus_unbind(struct call *call, struct device *dev);
/* driver_override: at most 4,094 bytes; a lone newline clears it. -EINVAL. */
int bus_set_override(struct call *call, struct device *dev, const char *text, size_t length);
/* new_id and remove_id of the PCI driver @name: "8086 10d3 ...". -EINVAL, -EEXIST, -ENODEV. */
int bus_new_id(struct call *call, const char *name, const char *text, size_t length);
int bus_remove_id(struct call *call, const char *name, const char *text, size_t length);

/* mdev create by sysfs. -EINVAL, -EEXIST, -ENOSPC, -ENOMEM. */
int bus_mdev_create(struct call *call, const struct vfiosim_topo_mdev_type *type, const char *uuid,
		    size_t length);

/* ---- Hot-plug ---- */

/*
 * Remove: unbinds, as bus_unbind() does, and the device is gone; a bridge goes after what
 * is below it. CALL_PARKED: one of them is open; bus_closed() completes it. Mirrors
 * pci_stop_and_remove_bus_device, mdev_device_remove (7.2).
 */
int bus_remove(struct call *call, struct device *dev);
/* Does @dev's removal wait, or that of a bridge above it, with which it goes? */
bool bus_leaving(const struct device *dev);
/*
 * For vfio: a descriptor of a device was closed. Completes the unbinds and removals that
 * waited for it: in Linux their writer cannot leave vfio_unregister_group_dev(), not even
 * when it is killed.
 */
void bus_closed(struct call *call);
/* CALL_PARKED, for a caller that waits until @dev's unbind or removal is complete. */
int bus_wait(struct call *call, struct device *dev);
/* Is @call run again, since what it waited for is over? bus_closed() has completed that. */
static inline bool bus_waited(const struct call *call)
{
	return call->wait;
}
/* Does the unbind or removal whose device.wait was @wait still wait? */
bool bus_waits(const struct vfiosim *sim, uint64_t wait);
/*
 * A device that was removed comes again, and the bridges above it first: to the driver
 * that the topology names. Where that fails it is there without a driver. -EEXIST: it, or an
 * mdev that was created meanwhile, is there; -EINPROGRESS: it has not left yet; -ENOSPC: its
 * parent has no room for the mdev.
 */
int bus_plug(struct call *call, struct device *dev);
/*
 * The PCI devices that were removed come again, to the drivers that take them by themselves:
 * vfio-pci only what new_id told it. @of: those on the bus of this device and below; NULL:
 * all. CALL_PARKED: the removal of another PCI device waits; to be run again. Mirrors
 * pci_rescan_bus (7.2).
 */
int bus_rescan(struct call *call, const struct device *of);

/* What drivers_probe does: the first driver that takes @dev binds it; none is no error. */
int bus_probe(struct call *call, struct device *dev);
/* How many more mdevs of @type its parent has room for. */
uint32_t bus_mdev_available(const struct vfiosim *sim, const struct vfiosim_topo_mdev_type *type);

/*
 * Begins with the host's own drivers, as the topology's devices name them, and the
 * devices. Drivers made before are looked at first. Ends devices and drivers.
 */
extern const struct subsystem bus_subsystem;

#endif
