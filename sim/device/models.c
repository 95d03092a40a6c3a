/* SPDX-License-Identifier: MIT */
/* The table of drivers, and what the core asks of a device without opening it. */
#include "device/models.h"

#include <stddef.h>
#include <stdio.h>
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

bool vendor_model_accepts(const char *name, const struct topology_name *all, char *problem,
			  size_t size)
{
	const char *before = "";
	size_t used;

	if (device_model(name) && device_model(name) != &vfio_pci_ops)
		return true;
	used = (size_t)snprintf(problem, size, "expected the name of a vendor model (");
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]) && used < size; i++) {
		if (models[i] == &vfio_pci_ops)
			continue;
		used += (size_t)snprintf(problem + used, size - used, "%s%s", before, models[i]->name);
		before = ", ";
	}
	if (used < size)
		snprintf(problem + used, size - used, "), found '%.60s'", name);
	return false;
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
