/* SPDX-License-Identifier: MIT */
/* A machine begins and ends, part by part; see sim.h. */
#include "machine/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/state.h>

#include "machine/device.h"
#include "machine/lock.h"
#include "machine/reap.h"
#include "machine/subsystem.h"

/* ---- What every machine has ---- */

static int init(struct vfiosim *sim)
{
	const struct vfiosim_topology *topology = sim->topology;

	TAILQ_INIT(&sim->drivers);
	STAILQ_INIT(&sim->cleanups);
	STAILQ_INIT(&sim->dead);
	sim->dma_entry_limit = topology->dma_entry_limit;
	sim->allow_unsafe_interrupts = topology->allow_unsafe_interrupts;
	sim->iommufd_unsafe_interrupts = topology->allow_unsafe_interrupts;
	sim->noiommu = topology->noiommu && topology->config_noiommu;
	return 0;
}

static void done(struct vfiosim *sim)
{
	free(sim->devices);
}

static void show(struct state *state)
{
	const struct vfiosim *sim = state->sim;
	const struct vfiosim_counters *counters = &sim->counters;
	struct json *json = &state->json;

	json_put_unsigned(json, "version", VFIOSIM_STATE_VERSION);
	json_put_string(json, "topology", sim->topology->name);
	json_key(json, "counters");
	json_object(json);
	json_put_unsigned(json, "commands", sim->n_commands);
	json_put_unsigned(json, "refusals", sim->n_refusals);
	json_put_unsigned(json, "dma_faults", counters->dma_faults);
	json_put_unsigned(json, "domains", counters->domains);
	json_put_unsigned(json, "mappings", counters->mappings);
	json_put_unsigned(json, "pinned_pages", counters->pinned_pages);
	json_object_end(json);
}

const struct subsystem machine_subsystem = { .init = init, .done = done, .show = show };

struct device *sim_device(struct vfiosim *sim, const char *address)
{
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (!sim->devices[i]->removed && !strcmp(sim->devices[i]->topo->address, address))
			return sim->devices[i];
	return NULL;
}

/* ---- Life ---- */

int sim_create(const struct vfiosim_topology *topology, const struct subsystem *const *subsystems,
	       struct vfiosim **ret_sim)
{
	struct vfiosim *sim = calloc(1, sizeof(*sim));
	int ret = 0;

	if (!sim)
		return -ENOMEM;
	sim->topology = topology;
	sim->subsystems = subsystems;
	pthread_mutex_init(&sim->lock, NULL);
	pthread_mutex_init(&sim->trace.lock, NULL);
	for (; !ret && *subsystems; subsystems++)
		if ((*subsystems)->init)
			ret = (*subsystems)->init(sim);
	if (ret) {
		vfiosim_destroy(sim);
		return ret;
	}
	*ret_sim = sim;
	return 0;
}

void vfiosim_destroy(struct vfiosim *sim)
{
	size_t n = 0;

	if (!sim)
		return;
	reap(sim);
	while (sim->subsystems[n])
		n++;
	while (n--)
		if (sim->subsystems[n]->done)
			sim->subsystems[n]->done(sim);
	pthread_mutex_destroy(&sim->trace.lock);
	pthread_mutex_destroy(&sim->lock);
	free(sim);
}

void vfiosim_counters(struct vfiosim *sim, struct vfiosim_counters *ret_counters)
{
	lock_take(sim);
	*ret_counters = sim->counters;
	ret_counters->commands = sim->n_commands;
	ret_counters->refusals = sim->n_refusals;
	ret_counters->delayed_ms = sim->delayed_ms;
	lock_release(sim);
}
