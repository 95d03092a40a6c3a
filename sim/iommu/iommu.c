/* SPDX-License-Identifier: MIT */
/* The kinds of IOMMU, and a machine's units; see iommu.h. */
#include "iommu/iommu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "machine/subsystem.h"

static const struct iommu_ops *const kinds[] = {
	&vtd_ops,
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct iommu_ops *iommu_ops_find(const char *type)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (!strcmp(kinds[i]->type, type))
			return kinds[i];
	return NULL;
}

/* "there is no WHAT 'x'", and the nearest or all of those there are. False. */
static bool is_unknown(const char *what, const char *name, const char *const *known, size_t n,
		       char *problem, size_t size)
{
	char hint[80];
	size_t used = (size_t)snprintf(problem, size, "there is no %s '%.60s'", what, name);

	if (*suggestion(name, known, n, hint, sizeof(hint))) {
		snprintf(problem + used, size - used, "%s", hint);
		return false;
	}
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(problem + used, size - used, "%s %s", i ? "," : "; expected",
					 known[i]);
	return false;
}

bool iommu_accepts_type(const char *name, const struct topology_name *all, char *problem,
			size_t size)
{
	const char *known[N_KINDS];

	for (size_t i = 0; i < N_KINDS; i++)
		known[i] = kinds[i]->type;
	return iommu_ops_find(name) || is_unknown("type of IOMMU", name, known, N_KINDS, problem, size);
}

bool iommu_accepts_register(const char *name, const struct topology_name *all, char *problem,
			    size_t size)
{
	const char *known[32] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < N_KINDS; i++)
		for (const char *const *reg = kinds[i]->registers; reg && *reg && n < 32; reg++)
			known[n++] = *reg;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(known[i], name))
			return true;
	return is_unknown("register", name, known, n, problem, size);
}

bool iommu_register(const struct iommu *iommu, const char *name, uint64_t *ret_value)
{
	const struct vfiosim_topo_iommu *topo = iommu->topo;

	for (size_t i = 0; i < topo->n_registers; i++) {
		if (strcmp(topo->registers[i].name, name))
			continue;
		*ret_value = topo->registers[i].value;
		return true;
	}
	return false;
}

/* ---- With the machine ---- */

static int init(struct vfiosim *sim)
{
	const struct vfiosim_topology *topology = sim->topology;

	sim->iommus = calloc(topology->n_iommus + 1, sizeof(*sim->iommus));
	if (!sim->iommus)
		return -ENOMEM;
	for (size_t i = 0; i < topology->n_iommus; i++) {
		sim->iommus[i] = (struct iommu){
			.name = topology->iommus[i].name,
			.index = (uint32_t)i,
			.ops = iommu_ops_find(topology->iommus[i].type),
			.topo = &topology->iommus[i],
		};
		if (!sim->iommus[i].ops)
			return -EINVAL;
	}
	return 0;
}

static void done(struct vfiosim *sim)
{
	free(sim->iommus);
	sim->iommus = NULL;
}

const struct subsystem iommu_subsystem = { .init = init, .done = done };
