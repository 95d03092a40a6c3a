/* SPDX-License-Identifier: MIT */
/* Versions of Linux: the differences, a row each; see kernel.h. */
#include "machine/kernel.h"

#include <errno.h>

#include <vfiosim/kernel.h>

/* Rows about the same thing stand together: they are printed in this order. */
static const struct vfiosim_kernel_change changes[KERNEL_CHANGES] = {
	[KERNEL_ANY] = { .about = "" },
	[KERNEL_IOMMUFD] = {
		{ 6, 2 }, "/dev/iommu", "does not exist",
		"exists, if the kernel is configured with it (CONFIG_IOMMUFD), with the commands of ioas, "
		"IOMMU_OPTION, IOMMU_VFIO_IOAS and IOMMU_DESTROY" },
	[KERNEL_IOMMUFD_MMAP] = {
		{ 6, 17 }, "/dev/iommu", "mmap(): ENODEV", "mmap() of an unknown offset: ENXIO" },
	[KERNEL_CDEV] = {
		{ 6, 6 }, "/dev/vfio/devices/vfioN",
		"devices have no node of their own: iommufd only as the container of a group",
		"each device bound to a vfio driver has a node of its own, for VFIO_DEVICE_BIND_IOMMUFD, if "
		"the kernel is configured with it (CONFIG_VFIO_DEVICE_CDEV)" },
	[KERNEL_CONTAINER_EBADFD] = {
		{ 6, 2 }, "VFIO_GROUP_SET_CONTAINER", "a file that is no container: EINVAL",
		"a file that is neither a container nor an iommufd: EBADFD" },
	[KERNEL_NO_TYPE1_NESTING] = {
		{ 6, 13 }, "VFIO_CHECK_EXTENSION, VFIO_SET_IOMMU",
		"VFIO_TYPE1_NESTING_IOMMU (6) is an extension: 1; VFIO_SET_IOMMU with it: EINVAL if the "
		"IOMMU cannot nest",
		"VFIO_TYPE1_NESTING_IOMMU (6) is unknown: 0; VFIO_SET_IOMMU with it: ENODEV" },
	[KERNEL_CAPS_ALIGNED] = {
		{ 6, 6 }, "VFIO_IOMMU_GET_INFO",
		"capabilities follow each other without padding: argsz and next can be 4 bytes lower",
		"every capability begins at a multiple of 8 bytes" },
	[KERNEL_WRAP_EOVERFLOW] = {
		{ 6, 18 }, "VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_DIRTY_PAGES",
		"a range that wraps around 2^64: EINVAL",
		"a range that wraps around 2^64: EOVERFLOW, before flags and alignment are looked at" },
	[KERNEL_ZERO_PAGE_CHARGED] = {
		{ 6, 2 }, "VFIO_IOMMU_MAP_DMA",
		"private memory that was never written to, mapped read-only: not charged to "
		"RLIMIT_MEMLOCK",
		"the same memory is charged as any other",
		.limit = "the simulator sees which memory is mapped, not which pages of it were touched" },
	[KERNEL_DOMAIN_ERANGE] = {
		{ 6, 19 }, "VFIO_GROUP_SET_CONTAINER, with mappings of mdevs beyond the aperture of the group's IOMMU",
		"EFAULT (VT-d)", "ERANGE (VT-d)" },
	[KERNEL_LAST_PAGE] = {
		{ 6, 18 }, "VFIO_GROUP_SET_CONTAINER, the same after a physical device left and mdevs stayed",
		"EFAULT: found when the mapping is replayed", "EINVAL: found before that" },
	[KERNEL_UNBIND_HIDES_DEVICE] = {
		{ 6, 6 }, "VFIO_GROUP_GET_DEVICE_FD",
		"a device whose unbind waits for its users can still be opened; the unbind then waits "
		"for that descriptor, too",
		"a device whose unbind waits for its users: ENODEV" },
	[KERNEL_REQUIRE_DIRECT] = {
		{ 6, 6 }, "VFIO_GROUP_SET_CONTAINER, VFIO_DEVICE_BIND_IOMMUFD",
		"a device with a direct reserved region (RMRR): only VT-d refuses it, EPERM at attach",
		"a device with a direct reserved region that its firmware requires: EINVAL",
		VFIOSIM_SOURCE },
	[KERNEL_MSIX_DYNAMIC] = {
		{ 6, 5 }, "VFIO_DEVICE_SET_IRQS, VFIO_DEVICE_GET_IRQ_INFO",
		"MSI-X vectors cannot be added once MSI-X is on (NORESIZE is set): EINVAL",
		"MSI-X vectors can be added one by one (NORESIZE is not set)" },
	[KERNEL_HOT_RESET_IDS] = {
		{ 6, 6 }, "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VFIO_DEVICE_PCI_HOT_RESET",
		"who may reset proves it with the descriptors of all groups concerned",
		"the same; on a device of an iommufd devices are told by their ids there (DEV_ID), and no "
		"descriptor is passed", VFIOSIM_SOURCE },
	[KERNEL_DMA_BUF] = {
		{ 6, 19 }, "VFIO_DEVICE_FEATURE, IOMMU_IOAS_MAP_FILE",
		"a BAR of a physical device cannot be in an ioas",
		"if the kernel is configured with it (CONFIG_VFIO_PCI_DMABUF), feature 11 (DMA_BUF) makes a "
		"descriptor of a BAR, which IOMMU_IOAS_MAP_FILE takes", VFIOSIM_SOURCE,
		.limit = "its kernel is one without CONFIG_VFIO_PCI_DMABUF, as the measured ones",
		.as_before = true },
	[KERNEL_PRECOPY_INFO] = {
		{ 7, 2 }, "VFIO_DEVICE_FEATURE", "feature 12 (MIG_PRECOPY_INFOv2): ENOTTY",
		"feature 12 (MIG_PRECOPY_INFOv2): known to devices that migrate, EINVAL for others",
		VFIOSIM_MEASURED_SPAN },
	[KERNEL_MTTY_MIGRATION] = {
		{ 6, 7 }, "VFIO_DEVICE_FEATURE", "the sample mdev mtty does not migrate: ENOTTY",
		"the sample mdev mtty migrates (features 1, 2, 9, and dirty logging)",
		VFIOSIM_SOURCE },
	[KERNEL_BIND_TOKEN] = {
		{ 6, 17 }, "VFIO_DEVICE_BIND_IOMMUFD",
		"no flag is known (EINVAL); what lies behind the first 16 bytes is ignored",
		"a flag gives a VF token; a tail that is not zero: E2BIG" },
	[KERNEL_PASID] = {
		{ 6, 15 }, "VFIO_DEVICE_ATTACH_IOMMUFD_PT, VFIO_DEVICE_DETACH_IOMMUFD_PT",
		"no flag is known: EINVAL",
		"a flag gives a PASID; a device whose driver knows none: EOPNOTSUPP" },
	[KERNEL_HWPT_FAULT_ID] = {
		{ 6, 13 }, "IOMMU_HWPT_ALLOC", "flag FAULT_ID_VALID on VT-d: EOPNOTSUPP",
		"flag FAULT_ID_VALID: the page table reports to a fault queue" },
	[KERNEL_HWPT_PASID] = {
		{ 6, 15 }, "IOMMU_HWPT_ALLOC", "flag PASID: EOPNOTSUPP",
		"flag PASID: the page table can be attached to a PASID" },
	[KERNEL_INVALIDATE_ANY] = {
		{ 6, 13 }, "IOMMU_HWPT_INVALIDATE", "a page table that is not nested: ENOENT",
		"a page table that is not nested: EINVAL" },
	[KERNEL_HW_CAPABILITIES] = {
		{ 7, 2 }, "IOMMU_GET_HW_INFO", "out_capabilities does not tell of ATS",
		"out_capabilities has bit 3 for a device without ATS", VFIOSIM_MEASURED_SPAN },
	[KERNEL_SERIAL_NUMBER] = {
		{ 7, 2 }, "/sys/bus/pci/devices/ADDRESS", "no file serial_number",
		"serial_number, for root, of a device that has one", VFIOSIM_MEASURED_SPAN },
};

static const struct vfiosim_kernel_profile profiles[] = {
	{ { 6, 1 }, "as measured on Debian 12's kernel; no iommufd" },
	{ { 6, 12 }, "as measured on Debian 13's kernel, and on one with iommufd" },
	{ { 7, 2 }, "as measured; what a machine is unless told otherwise" },
};

/* Refusals whose errno changed: what it was before. */
static const struct {
	enum rule_index rule;
	enum kernel_change change;
	int before;
} errors[] = {
	{ RULE_NOT_A_CONTAINER, KERNEL_CONTAINER_EBADFD, EINVAL },
	{ RULE_WRAPS, KERNEL_WRAP_EOVERFLOW, EINVAL },
	{ RULE_NO_QUEUE_MMAP, KERNEL_IOMMUFD_MMAP, ENODEV },
	{ RULE_DOMAIN_RANGE, KERNEL_DOMAIN_ERANGE, EFAULT },
};

bool kernel_has(const struct vfiosim *sim, enum kernel_change change)
{
	return kernel_since(sim, changes[change].since.major, changes[change].since.minor);
}

int kernel_error(const struct vfiosim *sim, enum rule_index rule, int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].rule == rule && !kernel_has(sim, errors[i].change))
			return errors[i].before;
	return error;
}

bool kernel_has_iommufd(const struct vfiosim *sim)
{
	return sim->topology->config_iommufd && kernel_has(sim, KERNEL_IOMMUFD);
}

bool kernel_has_cdevs(const struct vfiosim *sim)
{
	return kernel_has_iommufd(sim) && kernel_has(sim, KERNEL_CDEV);
}

const struct vfiosim_kernel_change *vfiosim_kernel_change(size_t index)
{
	return index < KERNEL_CHANGES - 1 ? &changes[index + 1] : NULL;
}

const struct vfiosim_kernel_profile *vfiosim_kernel_profile(size_t index)
{
	return index < sizeof(profiles) / sizeof(profiles[0]) ? &profiles[index] : NULL;
}
