/* SPDX-License-Identifier: MIT */
/*
 * Topologies for a whole machine: the first room that sees everybody who gives a
 * topology's names their meaning. A new kind of names is a row here.
 */
#include "topology/topology.h"

#include <vfiosim/fault.h>

#include "base/errors.h"
#include "bus/names.h"
#include "device/models.h"
#include "iommu/iommu.h"

static const struct topology_owner owners[] = {
	{ NAME_VENDOR_MODEL, vendor_model_accepts },
	{ NAME_DRIVER, bus_accepts_driver },
	{ NAME_IOMMU_TYPE, iommu_accepts_type },
	{ NAME_REGISTER, iommu_accepts_register },
	{ 0, NULL },
};

/* Faults name devices, so they are judged when all of those are known. */
static int judge_faults(const char *file, const struct vfiosim_topology *topology,
			struct vfiosim_errors *errors)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;
	int err = 0;

	for (size_t i = 0; i < topology->n_faults; i++) {
		const struct vfiosim_topo_fault *given = &topology->faults[i];
		int ret = vfiosim_fault_parse(given->text, topology, &fault, problem,
					      sizeof(problem));

		if (ret == -EINVAL)
			errors_add(errors, file, given->line, given->column, "%s", problem);
		err = worse(err, ret);
	}
	return err;
}

/* @ret: of loading it. */
static int judge_all(const char *file, int ret, struct vfiosim_topology **topology,
		     struct vfiosim_errors *errors)
{
	if (ret)
		return ret;
	ret = judge_faults(file, *topology, errors);
	if (ret) {
		vfiosim_topology_free(*topology);
		*topology = NULL;
	}
	return ret;
}

int vfiosim_topology_load(const char *name_or_file, struct vfiosim_topology **ret_topology,
			  struct vfiosim_errors *ret_errors)
{
	return judge_all(name_or_file,
			 topology_load(name_or_file, owners, ret_topology, ret_errors),
			 ret_topology, ret_errors);
}

int vfiosim_topology_parse(const char *file, const char *text, size_t length,
			   struct vfiosim_topology **ret_topology, struct vfiosim_errors *ret_errors)
{
	return judge_all(file, topology_parse(file, text, length, owners, ret_topology, ret_errors),
			 ret_topology, ret_errors);
}

int vfiosim_topology_add_fault(struct vfiosim_topology *topology, const char *text, char *problem,
			       size_t size)
{
	struct vfiosim_fault fault;
	int ret = vfiosim_fault_parse(text, topology, &fault, problem, size);

	return ret ? ret : topology_add_fault(topology, text, 0, 0);
}
