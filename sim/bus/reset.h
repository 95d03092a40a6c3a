/* SPDX-License-Identifier: MIT */
/*
 * How the kernel resets one PCI function: by the methods that its settings list
 * (reset_method in sysfs). Reset through its bus works while nothing else is on the bus;
 * the method stays listed when something comes.
 *
 * Lock held; rules of call.h. Mirrors pci_reset_function, drivers/pci/pci.c (6.12).
 */
#ifndef SIM_BUS_RESET_H
#define SIM_BUS_RESET_H

#include "machine/device.h"

/* Does @method, "flr" or "bus", reset @dev now? Another name: no. */
bool reset_method_works(const struct device *dev, const char *method);
/*
 * Lists those that work now, as when it comes, and for "default". A bus reset works for the
 * first function of a slot that comes, not for the next. Mirrors pci_init_reset_methods.
 */
void reset_methods_init(struct device *dev);
/* Does one of those that its settings list? An mdev's driver always can. */
bool reset_works(const struct device *dev);
/* Does a reset of @dev's bus reach @other? It sits on that bus, or below a bridge that does. */
bool reset_affects(const struct device *dev, const struct device *other);

#endif
