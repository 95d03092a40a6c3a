/* SPDX-License-Identifier: MIT */
/* Reads and writes in aligned pieces. */
#include "device/mdev.h"

#include <vfiosim/topology.h>

static unsigned piece_size(size_t length, uint64_t pos)
{
	if (length >= 4 && pos % 4 == 0)
		return 4;
	return length >= 2 && pos % 2 == 0 ? 2 : 1;
}

ssize_t mdev_rw(struct call *call, struct device *dev, uint8_t *to, const uint8_t *from,
		size_t length, uint64_t offset, mdev_piece *piece)
{
	size_t done = 0;

	if (offset > INT64_MAX)
		return refuse(call, RULE_NEGATIVE_OFFSET, V("offset", offset));
	while (done < length) {
		unsigned size = piece_size(length - done, offset + done);

		if (!piece(call, dev, to ? to + done : NULL, from ? from + done : NULL, size,
			   offset + done))
			return refuse(call, RULE_MDEV_NO_REGION, VS("driver", dev->vfio->ops->name),
				      V("offset", offset + done), VS("device", dev->topo->address));
		done += size;
	}
	return (ssize_t)done;
}
