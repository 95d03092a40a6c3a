/* SPDX-License-Identifier: MIT */
/*
 * The commands of a device, in two files: device_cmds.c has the rows and what asks
 * for information, device_sets.c what takes descriptors (SET_IRQS, PCI_HOT_RESET).
 */
#ifndef SIM_ABI_DEVICE_CMDS_H
#define SIM_ABI_DEVICE_CMDS_H

#include "core/call.h"

/* ENOTTY: the device's driver does not know the command. */
int refuse_driver_command(struct call *call);

/* VFIO_DEVICE_SET_IRQS */
int set_irqs_early(struct call *call);
int set_irqs_prepare(struct call *call);
int set_irqs_run(struct call *call);

/* VFIO_DEVICE_PCI_HOT_RESET */
int hot_reset_early(struct call *call);
int hot_reset_prepare(struct call *call);
int hot_reset_run(struct call *call);

#endif
