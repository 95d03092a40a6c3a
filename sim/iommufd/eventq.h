/* SPDX-License-Identifier: MIT */
/*
 * A fault queue: where the page faults of devices would arrive for userspace to
 * resolve. It can be allocated and named by a hwpt; no IOMMU here reports faults, so
 * nothing ever arrives. Mirrors drivers/iommu/iommufd/eventq.c (7.2).
 *
 * Life: an object of its iommufd with a descriptor of its own, which keeps both. Its
 * object may outlive the descriptor: a hwpt can still name it. Guarded by the
 * machine's lock.
 */
#ifndef SIM_IOMMUFD_EVENTQ_H
#define SIM_IOMMUFD_EVENTQ_H

#include "iommufd/object.h"

/* Published; the file is call->result.new_file. ENOMEM. */
int fault_queue_create(struct call *call, struct iommufd *iommufd, uint32_t *ret_id);

#endif
