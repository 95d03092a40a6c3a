/* SPDX-License-Identifier: MIT */
/*
 * A backing: a file of a client that mappings of an ioas name instead of an address
 * (IOMMU_IOAS_MAP_FILE). The pages are the file's, whoever has it open or mapped, so
 * they stay when the client unmaps memory, calls exec or ends.
 *
 * Counted: by the call that made it and by the mappings. Like a client's, its end may
 * block, so one whose last reference goes away under the lock is ended later:
 * machine/reap.h. refs is guarded by the machine's lock.
 */
#ifndef SIM_PAGES_BACKING_H
#define SIM_PAGES_BACKING_H

#include <vfiosim/vfiosim.h>

#include "machine/reap.h"

struct backing {
	struct vfiosim *sim;
	const struct vfiosim_client_ops *ops;
	struct vfiosim_backing *file;	/* the front's */
	unsigned refs;
	struct dead dead;
};

/* No lock held: the caller's descriptor @fd, with one reference. -EBADF, -ENOMEM. */
int backing_create(struct vfiosim_caller *caller, int fd, struct backing **ret_backing);
/* Under the machine's lock. NULL is allowed. */
struct backing *backing_get(struct backing *backing);
void backing_put(struct backing *backing);
/* The same with no lock held. NULL is allowed. */
void backing_drop(struct backing *backing);

/* Bytes that can be pinned, now; 0: it is not made of memory. Never blocks. */
uint64_t backing_size(const struct backing *backing);

#endif
