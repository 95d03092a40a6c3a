/* SPDX-License-Identifier: MIT */
/*
 * An open /dev/iommu: a table of objects, and how its memory is accounted.
 *
 * Counted: by the file, by every device bound through it and by every group whose
 * container it is; closing the descriptor first leaves bound devices working.
 * With the last reference all objects go, users first. Mirrors
 * drivers/iommu/iommufd/main.c (7.2). Guarded by the machine's lock.
 */
#ifndef SIM_IOMMUFD_IOMMUFD_H
#define SIM_IOMMUFD_IOMMUFD_H

#include <sys/queue.h>

#include "iommu/group.h"
#include "iommufd/object.h"

struct ioas;

struct iommufd {
	struct vfiosim *sim;
	uint32_t number;		/* 1, 2, ... in order of opening */
	unsigned refs;
	struct object_table table;
	TAILQ_HEAD(, iommufd_group) groups;	/* of its physical devices */
	struct dma_owner dma_owner;	/* what owns the groups of its devices */
	bool account_mm;		/* IOMMU_OPTION_RLIMIT_MODE: charge the mm, not the user */
	struct ioas *vfio_ioas;		/* the one the VFIO container commands work on, or NULL */
	bool noiommu;			/* a group without IOMMU had it as its container; see compat.h */
	TAILQ_ENTRY(iommufd) in_sim;
};

/* With one reference. NULL: no memory. */
struct iommufd *iommufd_create(struct call *call);
struct iommufd *iommufd_get(struct iommufd *iommufd);
void iommufd_put(struct call *call, struct iommufd *iommufd);

/* The one @file is a descriptor of; NULL: of something else. Mirrors iommufd_ctx_from_file. */
struct iommufd *iommufd_from_file(const struct vfiosim_file *file);

extern const struct subsystem iommufd_subsystem;

#endif
