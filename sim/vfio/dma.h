/* SPDX-License-Identifier: MIT */
/*
 * What a device can do to memory: everything a driver in sim/device/ may ask the
 * core for. A physical device goes through the domain its group is attached to;
 * an mdev pins, or reads and writes through the container, as vendor drivers do.
 */
#ifndef SIM_VFIO_DMA_H
#define SIM_VFIO_DMA_H

#include "machine/call.h"

struct device;
struct subsystem;

enum dma_dir { DMA_READ = 1, DMA_WRITE = 2 };	/* as the device sees it: read memory, write memory */

/*
 * Vendor driver pins @iova (whole pages): validates, faults in through the memory
 * of the client that made the mapping, charges it. 0, CALL_AGAIN, or refused:
 * EINVAL not mapped, EPERM protection, EFAULT, ENOMEM over memlock, EACCES on v1.
 * Counted: every pin wants its unpin. All pages or none.
 * Mirrors vfio_iommu_type1_pin_pages (7.2), called by vfio_pin_pages.
 */
int dma_pin(struct call *call, struct device *dev, struct span iova, unsigned dir);
/* Drops one pin of each page of @iova; pages without a pin are passed over. Cannot fail. */
void dma_unpin(struct call *call, struct device *dev, struct span iova);

/*
 * A transfer, decided now and moved after the reply: checks that @device may
 * reach @iova (physical: through its domain; mdev: through the container, as
 * vfio_dma_rw does), marks it dirty, and queues the copy.
 *
 * @done(sim, arg, result) runs with the machine's lock held, after the copy:
 * result 0, or -EFAULT when the client's memory was not there after all.
 * @done is also called if this function refuses? No: then it is not called.
 * Refused: a fault is recorded in state and trace and the result is -EFAULT
 * (not mapped; for an mdev -EINVAL in a container, -ENOENT in an ioas), -EPERM
 * (protection), -EINVAL (not attached).
 * @length at most 1 MiB. @buffer belongs to the caller and must live until @done.
 */
int dma_transfer(struct call *call, struct device *dev, uint64_t iova, void *buffer, size_t length,
		 enum dma_dir dir,
		 void (*done)(struct call *call, void *arg, int result), void *arg);

/* Shows what devices were refused. */
extern const struct subsystem dma_subsystem;

#endif
