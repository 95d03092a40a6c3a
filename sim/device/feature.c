/* SPDX-License-Identifier: MIT */
/* VFIO_DEVICE_FEATURE: finding the row, and the checks that come before it. */
#include "device/feature.h"

#include <vfiosim/topology.h>

static const struct feature *find(const struct call *call, const struct feature *rows, size_t n,
				  uint32_t index)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].index == index && kernel_has(call->sim, rows[i].since))
			return &rows[i];
	}
	return NULL;
}

static int refuse_operation(struct call *call, uint32_t index, uint32_t flags)
{
	return refuse(call, RULE_FEATURE_OPERATION, V("feature", index), V("flags", flags));
}

int feature_run(struct call *call, struct device *dev, const struct feature *rows, size_t n,
		uint32_t flags, uint64_t data_uva, size_t data_size)
{
	uint32_t index = flags & FEATURE_INDEX, operation = flags & (FEATURE_GET | FEATURE_SET);
	const struct feature *row = find(call, rows, n, index);
	struct feature_args args = { index, flags, data_uva, call->tail };

	/* The kernel itself asks whether the device migrates, before anything else. */
	if (index == FEATURE_PRECOPY_INFO && kernel_has(call->sim, KERNEL_PRECOPY_INFO) &&
	    !find(call, rows, n, FEATURE_MIGRATION))
		return refuse(call, RULE_FEATURE_STATE, V("feature", index),
			      VS("device", dev->topo->address), VS("why", "it does not migrate"));
	if (!row)
		return refuse(call, RULE_FEATURE_UNKNOWN, VS("device", dev->topo->address),
			      V("feature", index));
	if (operation & ~row->allowed)
		return refuse_operation(call, index, flags);
	if (flags & FEATURE_PROBE)
		return 0;
	if (!operation || data_size < row->min_size)
		return refuse_operation(call, index, flags);
	if (operation == FEATURE_SET && row->min_size && call->tail_size < row->min_size)
		return refuse(call, RULE_BAD_ADDRESS, V("uva", data_uva), VS("access", "read"));
	return row->run(call, dev, &args);
}
