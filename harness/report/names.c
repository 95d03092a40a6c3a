/* SPDX-License-Identifier: MIT */
#include "report/names.h"

#include <stdio.h>
#include <string.h>

#include <vfiosim/topology.h>

static const struct vfiosim_topo_device *device_at(const struct vfiosim_topology *topology,
						   const char *text)
{
	for (size_t i = 0; i < topology->n_devices; i++)
		if (!strncmp(text, topology->devices[i].address, strlen(topology->devices[i].address)))
			return &topology->devices[i];
	return NULL;
}

void names_fill(const struct vfiosim_topology *topology, const char *text, char *to, size_t size)
{
	size_t n = 0;

	while (*text && n + 64 < size) {
		const struct vfiosim_topo_device *found = device_at(topology, text);

		if (found) {
			n += (size_t)snprintf(to + n, size - n, "%s", found->name);
			text += strlen(found->address);
		} else {
			to[n++] = *text++;
		}
	}
	to[n] = 0;
}
