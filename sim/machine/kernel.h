/* SPDX-License-Identifier: MIT */
/*
 * Which Linux the machine is. What changed between versions is asked here, by the rows of
 * commands, the rules and the files of sysfs alike, so that looking for callers finds
 * every difference. Any thread; constant for the machine's life.
 */
#ifndef SIM_MACHINE_KERNEL_H
#define SIM_MACHINE_KERNEL_H

#include "base/kernel_version.h"
#include "machine/rules.h"
#include "machine/sim.h"

/* Differences, in the order in which they are told; kernel.c has a row for each. */
enum kernel_change {
	KERNEL_ANY,	/* nothing changed */
	/* nodes */
	KERNEL_IOMMUFD,
	KERNEL_IOMMUFD_MMAP,
	KERNEL_CDEV,
	/* groups and containers */
	KERNEL_CONTAINER_EBADFD,
	KERNEL_REQUIRE_DIRECT,
	KERNEL_DOMAIN_ERANGE,
	KERNEL_LAST_PAGE,
	KERNEL_UNBIND_HIDES_DEVICE,
	KERNEL_NO_TYPE1_NESTING,
	KERNEL_CAPS_ALIGNED,
	KERNEL_WRAP_EOVERFLOW,
	KERNEL_ZERO_PAGE_CHARGED,
	/* devices */
	KERNEL_MSIX_DYNAMIC,
	KERNEL_HOT_RESET_IDS,
	/* cdevs */
	KERNEL_BIND_TOKEN,
	KERNEL_PASID,
	/* iommufd */
	KERNEL_HWPT_FAULT_ID,
	KERNEL_HWPT_PASID,
	KERNEL_INVALIDATE_ANY,
	KERNEL_HW_CAPABILITIES,
	/* what a program can do without */
	KERNEL_DMA_BUF,
	KERNEL_PRECOPY_INFO,
	KERNEL_MTTY_MIGRATION,
	KERNEL_SERIAL_NUMBER,
	KERNEL_CHANGES
};

/* Is the machine's kernel @major.@minor or newer? */
static inline bool kernel_since(const struct vfiosim *sim, unsigned major, unsigned minor)
{
	return !kernel_before(sim->topology->kernel, (struct vfiosim_kernel){ major, minor });
}

/* Does the machine's kernel answer as it does since @change? */
bool kernel_has(const struct vfiosim *sim, enum kernel_change change);

/* The errno of refusals for @rule: another one before a change than @error, the rule's own. */
int kernel_error(const struct vfiosim *sim, enum rule_index rule, int error);

/* Is there /dev/iommu: is the kernel new enough, and configured with it? */
bool kernel_has_iommufd(const struct vfiosim *sim);
/* Are there nodes of single devices, below /dev/vfio/devices? */
bool kernel_has_cdevs(const struct vfiosim *sim);

#endif
