/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU group: the smallest set of devices the IOMMU can tell apart, so the unit
 * in which userspace can own DMA. Mirrors struct iommu_group (drivers/iommu/iommu.c,
 * 7.2). What VFIO and iommufd each know of it is theirs: vfio/group.h,
 * iommufd/device.h.
 *
 * DMA ownership: a group belongs to the kernel's drivers while one that does DMA is
 * bound to a device of it, or to one owner of userspace's (a VFIO group in a
 * container, an iommufd), never to both. owner_cnt counts the claims of either side;
 * 0 is what VFIO calls viable.
 *
 * Life: made from the topology with the machine, or for an mdev at run time; its index
 * stays when its last device is gone. Guarded by the machine's lock.
 */
#ifndef SIM_IOMMU_GROUP_H
#define SIM_IOMMU_GROUP_H

#include <sys/queue.h>

#include <vfiosim/topology.h>

#include "iommu/domain.h"

struct device;
struct vfio_group;

/* Who owns a group's DMA on behalf of userspace; embedded in it. */
struct dma_owner {
	/* "container 1", for refusals. */
	void (*describe)(const struct dma_owner *owner, char *to, size_t size);
};

struct iommu_group {
	struct vfiosim *sim;
	uint32_t index;			/* in sim->groups */
	uint32_t number;		/* /sys/kernel/iommu_groups/N */
	const struct iommu *iommu;	/* what its devices are behind; NULL: no IOMMU */
	bool noiommu;			/* made by VFIO for a device without IOMMU: noiommu-N */
	const struct vfiosim_topo_group *topo;		/* NULL for an mdev created at run time */
	TAILQ_HEAD(, device) devices;
	bool gone;			/* its last device is removed; only the index remains */
	unsigned owner_cnt;		/* claims, of kernel drivers or of owner */
	const struct dma_owner *owner;	/* NULL: not userspace's */
	const char *default_domain;	/* type: "DMA", "DMA-FQ", "identity" */
	struct vfio_group *vfio;	/* NULL: no device of it is VFIO's */
};

/* Puts one among those of the machine. @topo NULL: an mdev's. NULL: no memory. */
struct iommu_group *iommu_group_create(struct vfiosim *sim, const struct vfiosim_topo_group *topo);
/* Takes back iommu_group_create(), if it was the last. NULL is allowed. */
void iommu_group_abort(struct iommu_group *group);
/* A device comes to a group whose last one was removed: with its old number, if that is free. */
void iommu_group_revive(struct iommu_group *group);
extern const struct subsystem iommu_group_subsystem;	/* begins with the topology's groups */

struct fault_where;
/* What faults may name: the group, and its devices. */
void iommu_group_where(const struct iommu_group *group, struct fault_where *where);

/* ---- DMA ownership ---- */

/*
 * 0: @owner may claim @group. EPERM: it is another's, or a kernel driver's. EINVAL, since
 * 6.6: a device of it needs a 1:1 mapping, which userspace's ownership would take away
 * (require_direct). Changes nothing.
 */
int iommu_group_check_claim(struct call *call, const struct iommu_group *group,
			    const struct dma_owner *owner);
/*
 * One more claim of @owner, after iommu_group_check_claim(); one less. Mirror
 * iommu_group_claim_dma_owner and iommu_device_claim_dma_owner, with their release.
 */
void iommu_group_claim(struct iommu_group *group, const struct dma_owner *owner);
void iommu_group_release(struct iommu_group *group);

/* Could @group be attached to a domain of its IOMMU's? EPERM. Mirrors __iommu_attach_group. */
int iommu_group_check_attach(struct call *call, const struct iommu_group *group);

/* A kernel driver that does DMA takes a device. false: userspace owns the group. */
bool iommu_device_use_default_domain(struct device *dev);
void iommu_device_unuse_default_domain(struct device *dev);

/* The device whose kernel driver stands in the way of a claim; NULL: none does. */
const struct device *iommu_group_host_device(const struct iommu_group *group);

/* ---- What its devices have in common ---- */

/*
 * The index-th reserved region of @dev (its IOMMU's, its group's, then its own), or of any
 * device of @group, each once; NULL past the last. Mirror iommu_get_resv_regions and
 * iommu_get_group_resv_regions.
 */
const struct vfiosim_resv *device_resv(const struct device *dev, size_t index);
const struct vfiosim_resv *iommu_group_resv(const struct iommu_group *group, size_t index);

/*
 * The first region that firmware needs mapped 1:1 for a device of @group, whoever has it;
 * NULL: none. Relaxable ones do not count.
 */
const struct vfiosim_resv *iommu_group_direct(const struct iommu_group *group,
					      const struct device **ret_dev);

/*
 * Are its devices' interrupts kept apart from others'? A matter of the platform's
 * interrupt controllers, not of DMA. Mirrors iommu_group_has_isolated_msi (7.2).
 */
bool iommu_group_isolated_msi(const struct iommu_group *group);

#endif
