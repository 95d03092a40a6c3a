/* SPDX-License-Identifier: MIT */
/*
 * An iommufd in a container's place: VFIO_GROUP_SET_CONTAINER was given one, and the
 * container commands are issued on it. Mirrors drivers/iommu/iommufd/vfio_compat.c
 * (7.2). Its devices are bound when they are opened: vfio/iommufd.h.
 *
 * When a group joins (compat_join()) there is an ioas for the commands from then on. It is iommufd->vfio_ioas. Nothing but IOMMU_DESTROY and the end of the iommufd
 * takes it away, so mappings outlive groups that leave.
 *
 * Groups without an IOMMU are served, too, but never beside an ioas: iommufd->noiommu.
 *
 * Guarded by the machine's lock.
 */
#ifndef SIM_IOMMUFD_VFIO_COMPAT_H
#define SIM_IOMMUFD_VFIO_COMPAT_H

#include "machine/call.h"

struct ioas;
struct iommufd;

/* A group joins; @noiommu: one without an IOMMU. EINVAL: the other kind came before; ENOMEM. */
int compat_join(struct call *call, struct iommufd *iommufd, bool noiommu);

/* The ioas the commands work on; ENODEV. */
int compat_ioas(struct call *call, const struct iommufd *iommufd, struct ioas **ret_ioas);

/* VFIO_CHECK_EXTENSION: 1 or 0; ENODEV for the extensions that depend on the ioas. */
int compat_check_extension(struct call *call, const struct iommufd *iommufd, uint64_t extension);
/* VFIO_SET_IOMMU, any number of times. EINVAL, ENODEV; noiommu: CALL_AGAIN, EPERM. */
int compat_set_iommu(struct call *call, struct iommufd *iommufd, uint64_t type);
/* VFIO_IOMMU_GET_INFO: what all domains can map. */
uint64_t compat_page_sizes(const struct ioas *ioas);

/*
 * What VFIO_IOMMU_UNMAP_DMA does first: once v1 was asked for, a mapping is cut where
 * the range begins and where it ends. EINVAL, ENOMEM.
 */
int compat_cut(struct call *call, struct ioas *ioas, uint64_t iova, uint64_t size);
/*
 * And then: unmaps @size bytes at @iova; nothing there is no error. @ret_size: bytes
 * gone, also when it fails half way. EINVAL, EOVERFLOW, ENOENT.
 */
int compat_unmap(struct call *call, struct ioas *ioas, uint64_t iova, uint64_t size,
		 uint64_t *ret_size);

#endif
