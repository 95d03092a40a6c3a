/* SPDX-License-Identifier: MIT */
/*
 * What mtty and mdpy have in common: they serve reads and writes in naturally
 * aligned pieces of 4, 2 and 1 bytes, and answer EFAULT where they have nothing.
 * Mirrors mtty_read, mtty_write, mdpy_read, mdpy_write (samples/vfio-mdev, 7.2).
 */
#ifndef SIM_DEVICE_MDEV_H
#define SIM_DEVICE_MDEV_H

#include "vfio/device.h"

/* One piece; exactly one of @to and @from is set. false: there is nothing at @pos. */
typedef bool mdev_piece(struct call *call, struct device *dev, uint8_t *to, const uint8_t *from,
			unsigned size, uint64_t pos);

/* The length, or refused. */
ssize_t mdev_rw(struct call *call, struct device *dev, uint8_t *to, const uint8_t *from,
		size_t length, uint64_t offset, mdev_piece *piece);

#endif
