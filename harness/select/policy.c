/* SPDX-License-Identifier: MIT */
/* The policies, one row each. See policy.h. */
#include "select/policy.h"

#include <linux/vfio.h>
#include <string.h>

static const int v2_then_v1[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU,
				  VFIO_SPAPR_TCE_IOMMU, 0 };
static const int v2_only[] = { VFIO_TYPE1v2_IOMMU, 0 };
static const int v1_only[] = { VFIO_TYPE1_IOMMU, 0 };
static const int v1_or_none[] = { VFIO_TYPE1_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU, VFIO_NOIOMMU_IOMMU,
				  0 };

static const struct policy rows[] = {
	{
		.name = "qemu-legacy",
		.mode = "legacy",
		.about = "offers the device to each container it has; if all refuse, makes another",
		.mirrors = "QEMU 7.2 hw/vfio/common.c: vfio_connect_container",
		.proved = "QEMU 7.2 and 10.0, decision by decision, also with faults: harness/clients/policies.py",
		.spaces = SPACES_MANY,
		.types = v2_then_v1,
		.info = true,
		.maps_bars = true,
		.bar_optional = true,
		.busy_retry = true,
		.fills_on = true,
		.last_page = true,
		.discards = true,
		.live_fatal = true,
	},
	{
		.name = "cloud-hypervisor",
		.mode = "legacy",
		.about = "one container for all devices, every refusal is final",
		.mirrors = "cloud-hypervisor ae44c29 DeviceManager, rust-vmm vfio-ioctls 96c82d1",
		.spaces = SPACES_ONE,
		.types = v2_only,
		.extension_exact = true,
		.viable_exact = true,
		.unset_first = true,
		.maps_bars = true,
		.live_fatal = true,
	},
	{
		.name = "dpdk",
		/* It opens its container when it starts; the engine, with the first device. */
		.mode = "legacy",
		.about = "one container for all devices, type1 v1, EEXIST counts as mapped",
		.mirrors = "DPDK 22.11 lib/eal/linux/eal_vfio.c: rte_vfio_setup_device",
		.proved = "testpmd of DPDK 22.11, decision by decision, also with faults, one device at a time: "
			  "harness/clients/policies.py",
		.spaces = SPACES_ONE,
		.types = v1_or_none,
		.extension_exact = true,
		.next_type = true,
		.exists_ok = true,
	},
	{
		.name = "spdk",
		.mode = "legacy",
		.about = "as dpdk, but a map that fails counts as mapped, and the first one ends a replay",
		.mirrors = "SPDK 3230130e lib/env_dpdk/memory.c: vtophys_iommu_map_dma",
		.spaces = SPACES_ONE,
		.types = v1_or_none,
		.extension_exact = true,
		.next_type = true,
		.replay_stops = true,
		.map_ignored = true,
	},
	{
		.name = "crosvm",
		.mode = "legacy",
		.about = "one container for all devices, type1 v2, which must tell the iovas it can map",
		.mirrors = "crosvm f1e797a devices/src/vfio.rs: VfioContainerManager without a virtual IOMMU",
		.spaces = SPACES_ONE,
		.types = v2_only,
		.viable_exact = true,
		.info = true,
		.ranges = true,
		.live_fatal = true,
	},
	{
		.name = "libvfn",
		.mode = "legacy",
		.about = "a container of its own for every group, type1 v1",
		.mirrors = "libvfn c2acee3 src/iommu/vfio.c",
		.spaces = SPACES_EACH,
		.types = v1_only,
		.unset_first = true,
		.info = true,
	},
	{
		.name = "qemu-iommufd",
		.mode = "iommufd",
		.about = "offers the device to each ioas and each hwpt in it; if all refuse, makes another ioas",
		.mirrors = "QEMU 10.0 hw/vfio/iommufd.c: iommufd_cdev_attach",
		.proved = "QEMU 10.0, decision by decision, also with faults: harness/clients/policies.py",
		.spaces = SPACES_MANY,
		.hwpts = true,
		.info = true,
		.maps_bars = true,
		.bar_optional = true,
		.fills_on = true,
		.discards = true,
		.live_fatal = true,
	},
	{
		.name = "single-ioas",
		.mode = "iommufd",
		.about = "one ioas for all devices, as some expected iommufd to make possible; one that does not fit is refused",
		.mirrors = "rust-vmm vfio-ioctls 96c82d1, the cdev path",
		.spaces = SPACES_ONE,
		.info = true,
		.maps_bars = true,
		.bar_optional = true,
		.live_fatal = true,
	},
};

const struct policy *policy_at(size_t index)
{
	return index < sizeof(rows) / sizeof(rows[0]) ? &rows[index] : NULL;
}

size_t policy_index(const struct policy *policy)
{
	return policy ? (size_t)(policy - rows) : sizeof(rows) / sizeof(rows[0]);
}

const struct policy *policy_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}
