/* SPDX-License-Identifier: MIT */
/* Two tables of words. See words.h. */
#include "report/words.h"

#include <string.h>

static const struct {
	const char *verb, *words;
} verbs[] = {
	{ "open", "open it" },
	{ "close", "close it" },
	{ "read", "read from it" },
	{ "write", "write to it" },
	{ "mmap", "map a part of it into the program's memory" },
	{ "mark", "the program, or whoever watches it, marks a moment" },
	{ "dma", "the device moves data by itself" },
	{ "VFIO_GET_API_VERSION", "ask which VFIO this is" },
	{ "VFIO_CHECK_EXTENSION", "ask whether something is supported" },
	{ "VFIO_SET_IOMMU", "choose the kind of IOMMU interface for the container" },
	{ "VFIO_GROUP_GET_STATUS", "ask whether the group can be used" },
	{ "VFIO_GROUP_SET_CONTAINER", "put the group into a container" },
	{ "VFIO_GROUP_UNSET_CONTAINER", "take the group out of its container" },
	{ "VFIO_GROUP_GET_DEVICE_FD", "get a device of the group" },
	{ "VFIO_IOMMU_GET_INFO", "ask what can be mapped" },
	{ "VFIO_IOMMU_MAP_DMA", "let the container's devices reach a stretch of memory" },
	{ "VFIO_IOMMU_UNMAP_DMA", "take that memory away from them" },
	{ "VFIO_IOMMU_DIRTY_PAGES", "track which memory devices have written" },
	{ "VFIO_DEVICE_GET_INFO", "ask what the device is" },
	{ "VFIO_DEVICE_GET_REGION_INFO", "ask about one of the device's regions" },
	{ "VFIO_DEVICE_GET_IRQ_INFO", "ask about one of the device's interrupts" },
	{ "VFIO_DEVICE_SET_IRQS", "set up the device's interrupts" },
	{ "VFIO_DEVICE_RESET", "reset the device" },
	{ "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", "ask what else a reset of the bus would touch" },
	{ "VFIO_DEVICE_PCI_HOT_RESET", "reset everything on the device's bus" },
	{ "VFIO_DEVICE_FEATURE", "ask for an optional feature of the device" },
	{ "VFIO_DEVICE_GET_GFX_DMABUF", "get a picture of the device's display" },
	{ "VFIO_DEVICE_QUERY_GFX_PLANE", "ask about the device's display" },
	{ "VFIO_DEVICE_IOEVENTFD", "let the kernel write to the device when an eventfd is signalled" },
	{ "VFIO_DEVICE_BIND_IOMMUFD", "bind the device to an iommufd" },
	{ "VFIO_DEVICE_ATTACH_IOMMUFD_PT", "attach the device to an address space or page table" },
	{ "VFIO_DEVICE_DETACH_IOMMUFD_PT", "detach the device again" },
	{ "IOMMU_DESTROY", "destroy one of its objects" },
	{ "IOMMU_IOAS_ALLOC", "make an address space" },
	{ "IOMMU_IOAS_IOVA_RANGES", "ask what can be mapped" },
	{ "IOMMU_IOAS_ALLOW_IOVAS", "limit which addresses the kernel may choose" },
	{ "IOMMU_IOAS_MAP", "map a stretch of memory into an address space" },
	{ "IOMMU_IOAS_MAP_FILE", "map a stretch of a file into an address space" },
	{ "IOMMU_IOAS_COPY", "map what another address space has mapped" },
	{ "IOMMU_IOAS_UNMAP", "take memory out of an address space" },
	{ "IOMMU_IOAS_CHANGE_PROCESS", "charge the locked memory to the caller from now on" },
	{ "IOMMU_OPTION", "look at an option, or set it" },
	{ "IOMMU_VFIO_IOAS", "choose the address space that container commands work on" },
	{ "IOMMU_HWPT_ALLOC", "make a page table of the IOMMU" },
	{ "IOMMU_HWPT_INVALIDATE", "invalidate what the IOMMU remembers of a page table" },
	{ "IOMMU_HWPT_SET_DIRTY_TRACKING", "track which memory devices have written" },
	{ "IOMMU_HWPT_GET_DIRTY_BITMAP", "ask which memory devices have written" },
	{ "IOMMU_GET_HW_INFO", "ask what the IOMMU of a device is" },
	{ "IOMMU_FAULT_QUEUE_ALLOC", "make a queue for faults of devices" },
	{ "IOMMU_VIOMMU_ALLOC", "make a virtual IOMMU" },
	{ "IOMMU_VDEVICE_ALLOC", "make a device of a virtual IOMMU" },
	{ "IOMMU_VEVENTQ_ALLOC", "make a queue for events of a virtual IOMMU" },
	{ "IOMMU_HW_QUEUE_ALLOC", "make a queue in hardware for a virtual IOMMU" },
};

static const struct word glossary[] = {
	{ "iommufd", "an open /dev/iommu: a set of address spaces, page tables and devices" },
	{ "IOAS", "an address space of an iommufd" },
	{ "hwpt", "a page table of the IOMMU, made from an address space for a physical device" },
	{ "container", "an address space for devices: what is mapped in it, all devices in it can "
		       "reach by DMA" },
	{ "group", "the smallest set of devices the IOMMU can tell apart; it joins a container "
		   "as a whole" },
	{ "IOMMU", "the hardware between devices and memory: it translates and limits what they "
		   "reach" },
	{ "iova", "an address as devices see it" },
	{ "domain", "a page table of the IOMMU: devices attached to it reach what is mapped there" },
	{ "pin", "to fix pages in memory, so that a device can use them at any time" },
	{ "mdev", "a mediated device: a slice of a real one, made by its driver; it reaches memory "
		  "through that driver, not through the IOMMU" },
	{ "emulated", "an mdev's group: there is no IOMMU behind it, its driver pins what it "
		      "needs when it needs it" },
	{ "reserved", "addresses the platform keeps for itself, such as the window for "
		      "interrupts: nothing can be mapped there" },
	{ "aperture", "the range of addresses the IOMMU can translate" },
	{ "viable", "every device of the group belongs to VFIO or to nobody" },
	{ "region", "a part of a device a program can read, write or map: its BARs, its "
		    "configuration space" },
	{ "BAR", "a stretch of a PCI device's own memory, placed into the address space by its "
		 "base address register" },
	{ "replay", "a new domain gets every mapping that the container or IOAS holds already" },
	{ "dirty", "written by a device since it was last asked" },
	{ "locked", "memory that may not be swapped out; how much a process may lock is limited" },
};

const char *words_for_verb(const char *verb)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].verb, verb))
			return verbs[i].words;
	return NULL;
}

const struct word *word_at(size_t index)
{
	return index < sizeof(glossary) / sizeof(glossary[0]) ? &glossary[index] : NULL;
}
