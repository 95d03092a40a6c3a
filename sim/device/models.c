/* SPDX-License-Identifier: MIT */
/* The table of drivers, and what the core asks of a device without opening it. */
#include "device/models.h"

#include <stddef.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "device/pci.h"

static const struct device_ops *const models[] = {
	&vfio_pci_ops,
	&plain_ops,
	&mtty_ops,
	&mdpy_ops,
};

const struct device_ops *device_model(const char *name)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (!strcmp(models[i]->name, name))
			return models[i];
	}
	return NULL;
}

/* A physical BAR that does not decode faults instead of being pinned (vfio_pci_mmap_huge_fault). */
static bool decodes(const struct device *dev)
{
	return dev->ops != &vfio_pci_ops || pci_config_memory_enabled(&pci_of(dev)->config);
}

enum vfiosim_pin device_region_pin(const struct device *dev, uint64_t offset)
{
	uint32_t index = REGION_INDEX(offset);

	/* Pages of ordinary memory (remap_vmalloc_range), unless the topology says otherwise. */
	if (dev->ops == &mdpy_ops && offset >= MDPY_BAR_OFFSET)
		return dev->topo->bars[0].size ? dev->topo->bars[0].pin : VFIOSIM_PIN_PAGES;
	if (index > REGION_BAR5 || !dev->topo->bars[index].size || !decodes(dev))
		return VFIOSIM_PIN_NEVER;
	return dev->topo->bars[index].pin;
}
