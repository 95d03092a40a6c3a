/* SPDX-License-Identifier: MIT */
/* What targets have in common: the devices that cases name, and their end. */
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The region that holds a model's control registers: the first BAR that is not plain memory. */
static int control_bar(const struct vfiosim_topo_device *device)
{
	for (int i = 0; i < 6; i++) {
		const struct vfiosim_topo_bar *bar = &device->bars[i];

		if (bar->size && bar->registers[0] && strcmp(bar->registers, "memory"))
			return i;
	}
	return -1;
}

static void fill(struct target_device *to, const struct vfiosim_topology *topology,
		 const struct vfiosim_topo_device *from)
{
	const struct vfiosim_topo_group *group = &topology->groups[from->group];

	snprintf(to->name, sizeof(to->name), "%s", from->name);
	snprintf(to->address, sizeof(to->address), "%s", from->address);
	snprintf(to->node, sizeof(to->node), "/dev/vfio/%s%u", group->noiommu ? "noiommu-" : "",
		 group->number);
	to->group = from->group;
	to->mdev = from->kind == VFIOSIM_DEVICE_MDEV;
	to->dma_bar = control_bar(from);
}

int target_devices_from(struct target *target, const struct vfiosim_topology *topology)
{
	target->devices = calloc(topology->n_devices + 1, sizeof(*target->devices));
	if (!target->devices)
		return -ENOMEM;
	for (size_t i = 0; i < topology->n_devices; i++)
		if (topology->devices[i].group >= 0)
			fill(&target->devices[target->n_devices++], topology,
			     &topology->devices[i]);
	return 0;
}

const struct target_device *target_device(const struct target *target, const char *name)
{
	for (size_t i = 0; i < target->n_devices; i++)
		if (!strcmp(target->devices[i].name, name) ||
		    !strcmp(target->devices[i].address, name))
			return &target->devices[i];
	return NULL;
}

void target_destroy(struct target *target)
{
	if (target)
		target->ops->destroy(target);
}
