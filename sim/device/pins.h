/* SPDX-License-Identifier: MIT */
/*
 * What the driver of a device has pinned, in ranges: an mdev's vendor driver pins pages
 * before it uses them, keeps them, and lets go of those that are unmapped.
 *
 * Life: pins_init -> pins_add ... pins_drop (when it likes, when memory is unmapped, when
 * the device is reset or closed) -> pins_done. Lock held; rules of call.h.
 */
#ifndef SIM_DEVICE_PINS_H
#define SIM_DEVICE_PINS_H

#include <sys/queue.h>

#include "vfio/device.h"

struct pin;

struct pins {
	struct device *dev;
	LIST_HEAD(, pin) list;
	unsigned n;
	uint64_t pages;		/* in all of them; pages of overlapping ranges count for each */
};

void pins_init(struct pins *pins, struct device *dev);
/* None may be left. */
void pins_done(struct pins *pins);
/*
 * Whole pages, all or none; @dir as dma_pin() has it. What that answers, CALL_AGAIN
 * included; -EINVAL: no whole pages; -ENOSPC: more than a driver may hold; -ENOMEM.
 */
int pins_add(struct call *call, struct pins *pins, uint64_t iova, uint64_t length, unsigned dir);
/* Each range that touches @iova, whole. */
void pins_drop(struct call *call, struct pins *pins, struct span iova);

#endif
