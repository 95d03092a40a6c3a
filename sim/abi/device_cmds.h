/* SPDX-License-Identifier: MIT */
/*
 * The commands of a device, in three files: device_cmds.c has the rows and what asks
 * for information, device_sets.c what takes descriptors (SET_IRQS, PCI_HOT_RESET),
 * cdev_cmds.c what is for devices opened by their own node.
 */
#ifndef SIM_ABI_DEVICE_CMDS_H
#define SIM_ABI_DEVICE_CMDS_H

#include "vfio/cdev.h"
#include "vfio/device_file.h"

static inline struct device *device_of(const struct call *call)
{
	return vfio_device_from_file(call->file)->dev;
}

/* ENOTTY: the device's driver does not know the command. */
int refuse_driver_command(struct call *call);

/* cdev_cmds.c: VFIO_DEVICE_BIND_IOMMUFD, whose state is a struct cdev_bind, */
int bind_iommufd_prepare(struct call *call);
int bind_iommufd_run(struct call *call);
void bind_iommufd_undo(struct call *call);
/* ATTACH_IOMMUFD_PT, DETACH_IOMMUFD_PT */
struct pasid_arg {		/* their state. The PASID stands behind what every caller gives,
				   so it is read only where it counts */
	struct cdev_pasid pasid;
	uint32_t argsz, min;
	uint64_t uva;
	int error;		/* -EFAULT */
};
int pt_early(struct call *call);
int attach_pt_prepare(struct call *call);
int attach_pt_run(struct call *call);
void attach_pt_undo(struct call *call);
int detach_pt_prepare(struct call *call);
int detach_pt_run(struct call *call);

/* VFIO_DEVICE_SET_IRQS */
struct irq_data_set {		/* its state: the data, and what it stands for */
	uint32_t count;
	int error;			/* -EFAULT: the data could not be read */
	uint8_t *bytes;			/* as the client gave them, owned; NULL: not read */
	struct irq_event **events;	/* count of them; owned: one reference each */
	struct irq_event *closed;	/* see struct irq_set; owned: one reference */
	int *errors;			/* count of them; owned */
};
void set_irqs_done(struct call *call);
int set_irqs_early(struct call *call);
int set_irqs_prepare(struct call *call);
int set_irqs_run(struct call *call);

/* VFIO_DEVICE_PCI_HOT_RESET */
struct reset_groups {		/* its state: what the descriptors are of */
	uint32_t count;			/* 0: none were read */
	int read_error;			/* -EFAULT */
	int *errors;			/* count of them; owned */
	struct vfio_group **groups;	/* count of them, NULL: of something else; borrowed with
					   the descriptors. The array is owned */
};
void hot_reset_done(struct call *call);
int hot_reset_early(struct call *call);
int hot_reset_prepare(struct call *call);
int hot_reset_run(struct call *call);

#endif
