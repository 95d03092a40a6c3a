/* SPDX-License-Identifier: MIT */
#include "case/topics.h"

#include <string.h>

static const struct topic topics[] = {
	{ "tour", "lessons: begin here, or with `vfiosim tour`" },
	{ "attach", "groups and containers: who may join, and in which order" },
	{ "map", "mapping memory: what can be pinned, and what cannot" },
	{ "unmap", "taking mappings away again" },
	{ "reserved", "iovas that cannot be mapped: reserved regions and apertures" },
	{ "limits", "locked memory, and how many mappings there may be" },
	{ "mdev", "mediated devices, whose mappings are checked late" },
	{ "select", "how programs choose the space for a device" },
	{ "iommufd", "/dev/iommu: address spaces, page tables, accesses" },
	{ "lifetime", "what is closed when, by whom, and what outlives it" },
	{ "device", "regions, interrupts, resets and features of a device" },
	{ "dirty", "which memory devices have written" },
	{ "noiommu", "VFIO without an IOMMU" },
	{ "sysfs", "binding drivers, making mdevs" },
	{ "kernel", "what versions of Linux do differently" },
	{ "faults", "failures that are made to happen" },
};

const struct topic *topic_at(size_t index)
{
	return index < sizeof(topics) / sizeof(topics[0]) ? &topics[index] : NULL;
}

const struct topic *topic_by_name(const char *name)
{
	for (size_t i = 0; topic_at(i); i++)
		if (!strcmp(topics[i].name, name))
			return &topics[i];
	return NULL;
}

bool topic_holds(const struct topic *topic, const char *folder)
{
	if (!topic)
		return !folder || !topic_by_name(folder);
	return folder && !strcmp(folder, topic->name);
}
