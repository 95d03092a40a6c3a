/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of a device, as a client sees them: eventfds that somebody signals.
 *
 * An irq_event is a held eventfd. It is made in a command's prepare phase, where
 * client ops may be called, and counted from then on, because a vector keeps it
 * until it is changed, the device is closed, or the interrupt disabled.
 *
 * struct irqs is the state of all five indexes of one device: at most one of INTx,
 * MSI and MSI-X is on at a time, ERR and REQ stand beside them. INTx is a level:
 * raising it masks it, and what is raised while it is masked waits for the unmask.
 *
 * We cannot see a client write to its *unmask* eventfd (no thread waits on it), so
 * while one is registered INTx does not stay masked after being raised. That it was
 * closed, which for the kernel ends it, is noticed when another one is to be set.
 *
 * Lock held unless said otherwise; nothing here calls a client op with it held.
 * Mirrors drivers/vfio/pci/vfio_pci_intrs.c (7.2).
 */
#ifndef SIM_DEVICE_IRQ_H
#define SIM_DEVICE_IRQ_H

#include "vfio/device.h"

enum irq_index { IRQ_INTX, IRQ_MSI, IRQ_MSIX, IRQ_ERR, IRQ_REQ, IRQ_NONE_ON };

/*
 * No lock: hold the caller's descriptor @fd. -EBADF; -EINVAL not an eventfd;
 * -ENOMEM. One reference is the caller's.
 */
int irq_event_create(struct vfiosim_caller *caller, int fd, struct irq_event **ret_event);
/* No lock: drop one reference. NULL is allowed. */
void irq_event_drop(struct irq_event *event);
/* No lock: does the caller still have a descriptor of it? */
bool irq_event_open(struct vfiosim_caller *caller, struct irq_event *event);
/* Lock held. NULL is allowed everywhere. put leaves the last drop to vfiosim_finish(). */
struct irq_event *irq_event_get(struct irq_event *event);
void irq_event_put(struct call *call, struct irq_event *event);
/* Adds 1 to the eventfd, before the reply: the client may look at once. */
void irq_event_signal(struct call *call, struct irq_event *event);

/*
 * Replace what @slot holds by entry @entry of an eventfd set, the way a driver
 * does that looks at one descriptor: 0, or refused with what was wrong with it.
 * Slot keeps its old event then.
 */
int irq_slot_set(struct call *call, struct irq_event **slot, const struct irq_set *set,
		 uint32_t entry);
void irq_slot_clear(struct call *call, struct irq_event **slot);

struct irqs {
	const struct device *dev;	/* whose they are */
	uint32_t counts[IRQ_COUNT];	/* vectors of each index; constant */
	unsigned on;			/* INTx, MSI, MSI-X, or IRQ_NONE_ON */
	struct irq_event **vectors;	/* of the index that is on; room for the largest */
	uint32_t n_vectors;		/* that may be used now: MSI cannot grow once on */
	bool masked;			/* INTx */
	bool pending;			/* INTx was raised while masked */
	bool intx_disabled;		/* bit 10 of the command register */
	struct irq_event *unmask;	/* INTx */
	struct irq_event *err, *req;
};

/* -ENOMEM */
int irqs_init(struct irqs *irqs, const struct device *dev, const uint32_t counts[IRQ_COUNT]);
/* Everything must be disabled. NULL-safe on zeroed memory. */
void irqs_done(struct irqs *irqs);
/* The device is closed. */
void irqs_disable_all(struct call *call, struct irqs *irqs);

/* The refusals every driver has: no such index, and an action the index does not know. */
int irq_refuse_index(struct call *call, const struct device *dev, uint32_t index);
int irq_refuse_action(struct call *call, const struct device *dev, const struct irq_set *set);

/*
 * The checks vfio_set_irqs_validate_and_prepare() makes with the driver's own
 * number of vectors @max: refuses EINVAL; EFAULT when the data cannot be read.
 */
int irqs_check_range(struct call *call, const struct irq_set *set, uint32_t max);
/* VFIO_DEVICE_SET_IRQS as vfio-pci answers it. */
int irqs_set(struct call *call, struct irqs *irqs, const struct irq_set *set);

/* The device itself interrupts: @vector of MSI or MSI-X, or the line. Nothing when all is off. */
void irqs_raise(struct call *call, struct irqs *irqs, uint32_t vector);
/* The command register's INTx disable bit changed. */
void irqs_set_intx_disabled(struct call *call, struct irqs *irqs, bool disabled);

#endif
