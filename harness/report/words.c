/* SPDX-License-Identifier: MIT */
/* What commands do, in plain words. See words.h; the glossary is in glossary.c. */
#include "report/words.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *verb, *words;
} verbs[] = {
	{ "open", "open it" },
	{ "lookup", "look for it" },
	{ "close", "close it" },
	{ "left-open", "end without closing it" },
	{ "read", "read from it" },
	{ "write", "write to it" },
	{ "mmap", "map a part of it into the program's memory" },
	{ "mark", "the program, or whoever watches it, marks a moment" },
	{ "unplug", "whoever watches the machine pulls the device out" },
	{ "plug", "whoever watches the machine puts the device back" },
	{ "pin", "the mdev's driver keeps pages in place, to use them" },
	{ "unpin", "the mdev's driver lets go of pages" },
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

const char *words_for_verb(const char *verb)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].verb, verb))
			return verbs[i].words;
	return NULL;
}

const char *words_short_name(const char *name)
{
	static const char *const prefixes[] = { "VFIO_GROUP_", "VFIO_IOMMU_", "VFIO_DEVICE_", "VFIO_",
						"IOMMU_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name + strlen(prefixes[i]);
	return name;
}

bool word_in(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; *at; at++)
		if ((at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '_' && at[-1] != '-')) &&
		    !strncmp(at + 1, word + 1, length - 1) &&
		    (*at == *word || *at == toupper((unsigned char)*word)))
			return true;
	return false;
}

bool word_means(const char *text, size_t length, const char *word)
{
	static const char *const endings[] = { "", "s", "es", "ed", "ned", "ning", "ing" };
	size_t stem = strlen(word);

	if (length < stem || strncasecmp(text, word, stem))
		return false;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (length - stem == strlen(endings[i]) && !strncasecmp(text + stem, endings[i], length - stem))
			return true;
	return false;
}
