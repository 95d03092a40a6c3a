/* SPDX-License-Identifier: MIT */
/* What bus.c (drivers, binding) and hotplug.c (devices) have for each other. Lock held. */
#ifndef SIM_BUS_BINDING_H
#define SIM_BUS_BINDING_H

#include "machine/device.h"

/* ---- bus.c ---- */

/* @driver takes @dev, or -errno. */
int device_probe(struct device *dev, struct device_driver *driver);
/* Its driver lets go of @dev, unless descriptors remain: CALL_PARKED. */
int device_release(struct call *call, struct device *dev);
/* driver_override is @n bytes of @text; 0: none. -ENOMEM. */
int device_set_override(struct device *dev, const char *text, size_t n);

/* ---- hotplug.c ---- */

/* The topology's devices, each with its driver. -ENOMEM, -EINVAL. */
int devices_init(struct vfiosim *sim);
void devices_done(struct vfiosim *sim);

#endif
