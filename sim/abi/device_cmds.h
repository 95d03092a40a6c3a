/* SPDX-License-Identifier: MIT */
/*
 * The commands of a device, in three files: device_cmds.c has the rows and what asks
 * for information, device_sets.c what takes descriptors (SET_IRQS, PCI_HOT_RESET),
 * cdev_cmds.c what is for devices opened by their own node.
 */
#ifndef SIM_ABI_DEVICE_CMDS_H
#define SIM_ABI_DEVICE_CMDS_H

#include "vfio/device_file.h"

static inline struct device *device_of(const struct call *call)
{
	return vfio_device_from_file(call->file)->dev;
}

/* ENOTTY: the device's driver does not know the command. */
int refuse_driver_command(struct call *call);

/* cdev_cmds.c: VFIO_DEVICE_BIND_IOMMUFD, ATTACH_IOMMUFD_PT, DETACH_IOMMUFD_PT */
int bind_iommufd_prepare(struct call *call);
int bind_iommufd_run(struct call *call);
void bind_iommufd_undo(struct call *call);
int pt_early(struct call *call);
int attach_pt_prepare(struct call *call);
int attach_pt_run(struct call *call);
void attach_pt_undo(struct call *call);
int detach_pt_prepare(struct call *call);
int detach_pt_run(struct call *call);

/* VFIO_DEVICE_SET_IRQS */
int set_irqs_early(struct call *call);
int set_irqs_prepare(struct call *call);
int set_irqs_run(struct call *call);

/* VFIO_DEVICE_PCI_HOT_RESET */
int hot_reset_early(struct call *call);
int hot_reset_prepare(struct call *call);
int hot_reset_run(struct call *call);

#endif
