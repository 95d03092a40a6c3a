/* SPDX-License-Identifier: MIT */
/*
 * An access: in-kernel code that reaches an ioas by pinning, reading and writing,
 * rather than through a page table. A bound mdev is one. Mirrors struct
 * iommufd_access (drivers/iommu/iommufd/device.c, 7.2).
 *
 * Life: created when an mdev is bound, attached to an ioas, destroyed when its
 * descriptor is closed. It is an object of its iommufd and keeps it. Guarded by the
 * machine's lock.
 */
#ifndef SIM_IOMMUFD_ACCESS_H
#define SIM_IOMMUFD_ACCESS_H

#include <sys/queue.h>

#include "iommufd/ioas.h"

struct iommufd_access_ops {
	/*
	 * @iova is about to be unmapped: unpin all of it, now. With the machine's lock
	 * held; may only unpin.
	 */
	void (*unmap)(struct call *call, void *data, struct span iova);
};

struct iommufd_access {
	struct object object;		/* OBJECT_ACCESS */
	const struct iommufd_access_ops *ops;
	void *data;			/* for ops */
	const char *name;		/* whose it is, for traces: a device's address */
	struct ioas *ioas;		/* NULL: not attached */
	TAILQ_ENTRY(iommufd_access) in_ioas;
};

/* @name and @data outlive it. ENOMEM. */
int iommufd_access_create(struct call *call, struct iommufd *iommufd, const char *name,
			  const struct iommufd_access_ops *ops, void *data,
			  struct iommufd_access **ret_access);
/* Detaches first. Cannot fail; the iommufd may go with it. */
void iommufd_access_destroy(struct call *call, struct iommufd_access *access);

/* Attach to the ioas @id instead of what it was attached to. ENOENT, EADDRINUSE. */
int iommufd_access_attach(struct call *call, struct iommufd_access *access, uint32_t id);
/* Nothing stays pinned. Nothing happens when it is not attached. */
void iommufd_access_detach(struct call *call, struct iommufd_access *access);

/* The accesses of @ioas let go of what they pinned within @iova. Mirrors iommufd_access_notify_unmap. */
void iommufd_access_notify_unmap(struct call *call, struct ioas *ioas, struct span iova);

#endif
