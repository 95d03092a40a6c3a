/* SPDX-License-Identifier: MIT */
/*
 * VFIO_DEVICE_FEATURE: numbered things a device may be able to do, each probed,
 * read or set. A driver lists those it has as rows; the checks are the same for
 * all. Lock held; rules of call.h.
 */
#ifndef SIM_DEVICE_FEATURE_H
#define SIM_DEVICE_FEATURE_H

#include "machine/kernel.h"
#include "vfio/device.h"

/* The flags as the ABI has them. */
enum {
	FEATURE_INDEX = 0xffff,
	FEATURE_GET = 1 << 16,
	FEATURE_SET = 1 << 17,
	FEATURE_PROBE = 1 << 18,
};

enum {
	FEATURE_VF_TOKEN = 0,
	FEATURE_MIGRATION = 1,
	FEATURE_MIGRATION_STATE = 2,
	FEATURE_LOW_POWER_ENTRY = 3,
	FEATURE_LOW_POWER_WAKEUP = 4,
	FEATURE_LOW_POWER_EXIT = 5,
	FEATURE_DMA_LOG_START = 6,
	FEATURE_DMA_LOG_STOP = 7,
	FEATURE_DMA_LOG_REPORT = 8,
	FEATURE_MIGRATION_SIZE = 9,
	FEATURE_PRECOPY_INFO = 12,
};

struct feature_args {
	uint32_t index, flags;
	uint64_t data_uva;	/* where the data of a GET goes: call_out() */
	const uint8_t *data;	/* SET: the row's min_size bytes, at least */
};

struct feature {
	uint32_t index;
	uint32_t allowed;	/* FEATURE_GET, FEATURE_SET */
	uint32_t min_size;	/* bytes of data */
	int (*run)(struct call *call, struct device *dev, const struct feature_args *args);
	enum kernel_change since;	/* what brought it; ANY: every kernel has it */
};

/*
 * @rows: @n of them. Refused: ENOTTY no such feature; EINVAL the operation is not
 * allowed or the data has no room; EFAULT. Data of a SET is call->tail, NULL if
 * it could not be read. Mirrors vfio_check_feature (7.2).
 */
int feature_run(struct call *call, struct device *dev, const struct feature *rows, size_t n,
		uint32_t flags, uint64_t data_uva, size_t data_size);

#endif
