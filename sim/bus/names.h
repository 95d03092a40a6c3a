/* SPDX-License-Identifier: MIT */
/* Which drivers a topology may say hold its PCI devices at start. */
#ifndef SIM_BUS_NAMES_H
#define SIM_BUS_NAMES_H

#include "topology/names.h"

/* As topology_owner.accepts, of NAME_DRIVER. */
bool bus_accepts_driver(const char *name, const struct topology_name *all, char *problem, size_t size);

/* Has @driver no ids of its own, and takes whatever it is told to: vfio-pci, pci-stub, ... */
bool bus_is_for_any(const char *driver);

#endif
