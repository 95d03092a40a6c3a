/* SPDX-License-Identifier: MIT */
/* The kinds of IOMMU, and a machine's units; see iommu.h. */
#include "iommu/iommu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/sim.h"

static const struct iommu_ops *const kinds[] = {
	&vtd_ops,
};

const struct iommu_ops *iommu_ops_find(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i]->type, type))
			return kinds[i];
	return NULL;
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

int iommus_create(struct vfiosim *sim)
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

void iommus_destroy(struct vfiosim *sim)
{
	free(sim->iommus);
	sim->iommus = NULL;
}
