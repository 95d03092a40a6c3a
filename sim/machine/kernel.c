/* SPDX-License-Identifier: MIT */
/* Versions of Linux: the differences, a row each; see kernel.h. */
#include "machine/kernel.h"

#include <errno.h>

#include <vfiosim/kernel.h>

/* Rows about the same thing stand together: they are printed in this order. */
static const struct vfiosim_kernel_change changes[KERNEL_CHANGES] = {
	[KERNEL_ANY] = { .about = "" },
	[KERNEL_IOMMUFD] = {
		{ 6, 2 }, "/dev/iommu", "does not exist: open() fails with ENOENT",
		"exists if the kernel has CONFIG_IOMMUFD; it also takes the commands of a type1 container",
		.part = VFIOSIM_PART_NODES },
	[KERNEL_IOMMUFD_MMAP] = {
		{ 6, 17 }, "/dev/iommu", "mmap() fails with ENODEV", "mmap() of an unknown offset fails with ENXIO",
		.part = VFIOSIM_PART_NODES },
	[KERNEL_CDEV] = {
		{ 6, 6 }, "/dev/vfio/devices/vfioN",
		"does not exist: an iommufd can only be the container of a group",
		"every vfio device has a character device (cdev) for VFIO_DEVICE_BIND_IOMMUFD, if the "
		"kernel has CONFIG_VFIO_DEVICE_CDEV",
		.part = VFIOSIM_PART_NODES },
	[KERNEL_CONTAINER_EBADFD] = {
		{ 6, 2 }, "VFIO_GROUP_SET_CONTAINER", "a descriptor that is not a container: EINVAL",
		"a descriptor that is neither a container nor an iommufd: EBADFD" },
	[KERNEL_REQUIRE_DIRECT] = {
		{ 6, 6 }, "VFIO_GROUP_SET_CONTAINER, VFIO_DEVICE_BIND_IOMMUFD, with a device whose firmware requires a direct "
		"reserved region (RMRR)",
		"VT-d alone refuses it, with EPERM, where the group gets its domain: VFIO_SET_IOMMU, or "
		"VFIO_GROUP_SET_CONTAINER once that was called",
		"every IOMMU refuses it: EINVAL. A new container does not help", VFIOSIM_SOURCE },
	[KERNEL_DOMAIN_ERANGE] = {
		{ 6, 19 }, "VFIO_GROUP_SET_CONTAINER, into a container of mdevs that maps more than the IOMMU of the group can",
		"EFAULT (VT-d)", "ERANGE (VT-d)" },
	[KERNEL_LAST_PAGE] = {
		{ 6, 18 }, "VFIO_GROUP_SET_CONTAINER, the same into a container that a physical device has left since",
		"EFAULT, when the mappings are replayed", "EINVAL, from an earlier check" },
	[KERNEL_UNBIND_HIDES_DEVICE] = {
		{ 6, 6 }, "VFIO_GROUP_GET_DEVICE_FD, while an unbind of the device waits for its users",
		"succeeds, and the unbind waits for the new descriptor too", "ENODEV" },
	[KERNEL_NO_TYPE1_NESTING] = {
		{ 6, 13 }, "VFIO_CHECK_EXTENSION, VFIO_SET_IOMMU, with VFIO_TYPE1_NESTING_IOMMU (6)",
		"VFIO_CHECK_EXTENSION returns 1; VFIO_SET_IOMMU fails with EINVAL if the IOMMU cannot nest",
		"VFIO_CHECK_EXTENSION returns 0; VFIO_SET_IOMMU fails with ENODEV" },
	[KERNEL_CAPS_ALIGNED] = {
		{ 6, 6 }, "VFIO_IOMMU_GET_INFO",
		"capabilities are not padded: argsz and next can be 4 bytes less",
		"every capability begins at a multiple of 8 bytes" },
	[KERNEL_WRAP_EOVERFLOW] = {
		{ 6, 18 }, "VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_DIRTY_PAGES",
		"a range that goes on beyond 2^64: EINVAL",
		"a range that goes on beyond 2^64: EOVERFLOW, checked before flags and alignment" },
	[KERNEL_ZERO_PAGE_CHARGED] = {
		{ 6, 2 }, "VFIO_IOMMU_MAP_DMA",
		"anonymous memory that was never written to, mapped read-only, does not count against "
		"RLIMIT_MEMLOCK",
		"it counts, as any other memory",
		.limit = "it cannot see which pages were touched" },
	[KERNEL_MSIX_DYNAMIC] = {
		{ 6, 5 }, "VFIO_DEVICE_SET_IRQS, VFIO_DEVICE_GET_IRQ_INFO",
		"no more MSI-X vectors than were first enabled: EINVAL (NORESIZE is set)",
		"MSI-X vectors can be added later, unless the platform forbids it (NORESIZE tells)" },
	[KERNEL_HOT_RESET_IDS] = {
		{ 6, 6 }, "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VFIO_DEVICE_PCI_HOT_RESET",
		"the reset takes the descriptors of all groups that it affects",
		"the same for a device opened through its group. Opened through its cdev: the info gives "
		"ids in the iommufd (flag DEV_ID), and the reset takes no descriptors",
		VFIOSIM_SOURCE },
	[KERNEL_BIND_TOKEN] = {
		{ 6, 17 }, "VFIO_DEVICE_BIND_IOMMUFD",
		"any flag: EINVAL; bytes after the first 16 are ignored",
		"flag VFIO_DEVICE_BIND_FLAG_TOKEN passes a VF token; a byte after the known structure that "
		"is not zero: E2BIG", .part = VFIOSIM_PART_IOMMUFD },
	[KERNEL_PASID] = {
		{ 6, 15 }, "VFIO_DEVICE_ATTACH_IOMMUFD_PT, VFIO_DEVICE_DETACH_IOMMUFD_PT",
		"any flag: EINVAL",
		"flag VFIO_DEVICE_ATTACH_PASID (DETACH_PASID) passes a PASID; a driver without PASID support: "
		"EOPNOTSUPP", .part = VFIOSIM_PART_IOMMUFD },
	[KERNEL_HWPT_FAULT_ID] = {
		{ 6, 13 }, "IOMMU_HWPT_ALLOC", "VT-d refuses flag FAULT_ID_VALID: EOPNOTSUPP",
		"VT-d takes flag FAULT_ID_VALID: I/O page faults go to the fault queue",
		.part = VFIOSIM_PART_IOMMUFD },
	[KERNEL_HWPT_PASID] = {
		{ 6, 15 }, "IOMMU_HWPT_ALLOC", "flag PASID: EOPNOTSUPP",
		"flag PASID: the page table can be attached to a PASID", .part = VFIOSIM_PART_IOMMUFD },
	[KERNEL_INVALIDATE_ANY] = {
		{ 6, 13 }, "IOMMU_HWPT_INVALIDATE", "hwpt_id is not a nested page table: ENOENT",
		"hwpt_id is not a nested page table: EINVAL", .part = VFIOSIM_PART_IOMMUFD },
	[KERNEL_HW_CAPABILITIES] = {
		{ 7, 2 }, "IOMMU_GET_HW_INFO", "out_capabilities says nothing of ATS",
		"out_capabilities: bit 3 set means that the device has no ATS", VFIOSIM_MEASURED_SPAN,
		.part = VFIOSIM_PART_IOMMUFD },
	[KERNEL_DMA_BUF] = {
		{ 6, 19 }, "VFIO_DEVICE_FEATURE, IOMMU_IOAS_MAP_FILE",
		"a BAR of a physical device cannot be in an ioas (in a type1 container it can)",
		"feature 11 (DMA_BUF) gives a descriptor of a BAR, and IOMMU_IOAS_MAP_FILE takes it, if "
		"the kernel has CONFIG_VFIO_PCI_DMABUF", VFIOSIM_SOURCE,
		.limit = "the kernels that were measured lack CONFIG_VFIO_PCI_DMABUF, so it does too",
		.as_before = true, .part = VFIOSIM_PART_FEATURES },
	[KERNEL_PRECOPY_INFO] = {
		{ 7, 2 }, "VFIO_DEVICE_FEATURE", "feature 12 (MIG_PRECOPY_INFOv2): ENOTTY",
		"feature 12 (MIG_PRECOPY_INFOv2): for devices that migrate; EINVAL for others",
		VFIOSIM_MEASURED_SPAN, .part = VFIOSIM_PART_FEATURES },
	[KERNEL_MTTY_MIGRATION] = {
		{ 6, 7 }, "VFIO_DEVICE_FEATURE", "the sample mdev mtty does not migrate: ENOTTY",
		"the sample mdev mtty migrates (features 1, 2, 9, and dirty logging)",
		VFIOSIM_SOURCE, .part = VFIOSIM_PART_FEATURES },
	[KERNEL_SERIAL_NUMBER] = {
		{ 7, 2 }, "/sys/bus/pci/devices/ADDRESS", "has no file serial_number",
		"has a file serial_number, readable by root, if the device has such a number",
		VFIOSIM_MEASURED_SPAN, .part = VFIOSIM_PART_FEATURES },
};

static const struct vfiosim_kernel_profile profiles[] = {
	{ { 6, 1 }, "measured on Debian 12's kernel, which has no iommufd" },
	{ { 6, 12 }, "measured on Debian 13's kernel, which has no iommufd, and on one that has" },
	{ { 7, 2 }, "measured; the default" },
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
