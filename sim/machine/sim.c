/* SPDX-License-Identifier: MIT */
/* A machine begins and ends; see sim.h. */
#include "machine/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "device/models.h"
#include "machine/client.h"
#include "machine/reap.h"
#include "iommu/group.h"
#include "vfio/container.h"
#include "machine/device.h"
#include "vfio/group.h"

int sim_init(struct vfiosim *sim, const struct vfiosim_topology *topology)
{
	int ret = 0;

	sim->topology = topology;
	pthread_mutex_init(&sim->lock, NULL);
	pthread_mutex_init(&sim->trace.lock, NULL);
	TAILQ_INIT(&sim->drivers);
	TAILQ_INIT(&sim->containers);
	TAILQ_INIT(&sim->iommufds);
	TAILQ_INIT(&sim->clients);
	STAILQ_INIT(&sim->dead);
	TAILQ_INIT(&sim->users);
	sim->dma_entry_limit = topology->dma_entry_limit;
	sim->allow_unsafe_interrupts = topology->allow_unsafe_interrupts;
	sim->iommufd_unsafe_interrupts = topology->allow_unsafe_interrupts;
	sim->noiommu = topology->noiommu;
	sim->devices = calloc(topology->n_devices + 1, sizeof(*sim->devices));
	if (!sim->devices)
		ret = -ENOMEM;
	if (!ret)
		ret = iommus_create(sim);
	if (!ret)
		ret = iommu_groups_create(sim);
	if (!ret)
		ret = vfio_drivers_add(sim);
	if (!ret)
		ret = bus_add_host_drivers(sim);
	for (size_t i = 0; !ret && i < topology->n_devices; i++) {
		struct device *dev;

		ret = bus_add_device(sim, &topology->devices[i], &dev);
	}
	if (ret)
		sim_done(sim);
	return ret;
}

void sim_done(struct vfiosim *sim)
{
	struct user *user;

	reap(sim);
	for (uint32_t i = 0; i < sim->n_devices; i++)
		bus_free_device(sim->devices[i]);
	bus_drop_drivers(sim);
	vfio_groups_destroy(sim);
	iommu_groups_destroy(sim);
	while ((user = TAILQ_FIRST(&sim->users))) {
		TAILQ_REMOVE(&sim->users, user, in_sim);
		free(user);
	}
	free(sim->devices);
	iommus_destroy(sim);
	pthread_mutex_destroy(&sim->trace.lock);
	pthread_mutex_destroy(&sim->lock);
}

struct device *sim_device(struct vfiosim *sim, const char *address)
{
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (!sim->devices[i]->removed && !strcmp(sim->devices[i]->topo->address, address))
			return sim->devices[i];
	return NULL;
}

int vfiosim_create(const struct vfiosim_topology *topology, struct vfiosim **ret_sim)
{
	struct vfiosim *sim = calloc(1, sizeof(*sim));
	int ret;

	if (!sim)
		return -ENOMEM;
	ret = sim_init(sim, topology);
	if (ret) {
		free(sim);
		return ret;
	}
	*ret_sim = sim;
	return 0;
}

void vfiosim_destroy(struct vfiosim *sim)
{
	if (!sim)
		return;
	sim_done(sim);
	free(sim);
}

void vfiosim_counters(struct vfiosim *sim, struct vfiosim_counters *ret_counters)
{
	pthread_mutex_lock(&sim->lock);
	*ret_counters = sim->counters;
	ret_counters->commands = sim->n_commands;
	ret_counters->refusals = sim->n_refusals;
	pthread_mutex_unlock(&sim->lock);
}
