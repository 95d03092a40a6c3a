/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU: one unit that translates for the devices behind it, as
 * /sys/class/iommu names them. What it can do is its driver's business: struct
 * iommu_ops has one row for each kind of unit. Everything else in sim/ asks
 * through this header. Mirrors struct iommu_device and struct iommu_ops
 * (include/linux/iommu.h, 7.2).
 *
 * Life: made with the machine from the topology's `iommus`, constant from then
 * on, freed with the machine. Any thread may read one.
 */
#ifndef SIM_IOMMU_IOMMU_H
#define SIM_IOMMU_IOMMU_H

#include <stdio.h>

#include <vfiosim/topology.h>

#include "base/span.h"
#include "machine/call.h"
#include "topology/names.h"

struct iommu;
struct domain;
struct iommu_group;

enum domain_type {
	DOMAIN_PAGING,		/* a page table that map and unmap fill */
	DOMAIN_NESTED,		/* a page table in a guest's memory, on top of a paging parent */
	DOMAIN_BLOCKING,	/* nothing is translated */
	DOMAIN_IDENTITY,	/* every address is its own translation */
};

/* What a domain is asked for. Flags as of IOMMU_HWPT_ALLOC. */
struct domain_request {
	enum domain_type type;
	bool nest_parent;	/* nested domains will stand on it */
	bool dirty_tracking;
	bool pasid;		/* it may be attached to a PASID */
	const struct domain *parent;	/* DOMAIN_NESTED */
};

/* What a page table of the unit can hold. */
struct domain_geometry {
	struct span aperture;
	uint64_t page_sizes;	/* bitmap; the smallest may be smaller than the CPU's page */
	bool enforces_coherency;	/* makes devices' accesses snoop the CPU's caches */
};

/* A file below /sys/class/iommu/NAME/<sysfs_folder>/. */
struct iommu_attribute {
	const char *name;	/* NULL ends a table */
	void (*show)(const struct iommu *iommu, FILE *to);
};

struct iommu_ops {
	const char *type;	/* as topologies name it: "vt-d" */
	const char *const *registers;	/* that topologies may give; a NULL ends them, or none */
	const char *sysfs_folder;	/* "intel-iommu"; NULL: the driver shows nothing */
	const struct iommu_attribute *attributes;
	/* Could a domain as @request says be made? 0; EOPNOTSUPP. Changes nothing. */
	int (*check_domain)(struct call *call, const struct iommu *iommu,
			    const struct domain_request *request);
	/* Of a paging domain. */
	void (*geometry)(const struct iommu *iommu, struct domain_geometry *ret_geometry);
	/* Could @domain, of a unit with the same ops, serve devices behind @iommu? */
	bool (*fits)(const struct iommu *iommu, const struct domain *domain);
	/*
	 * Could @group, behind @iommu, be attached to a domain of userspace's? EPERM. NULL:
	 * always.
	 */
	int (*check_attach)(struct call *call, const struct iommu *iommu,
			    const struct iommu_group *group);
	/*
	 * Could @domain hold @iova? 0 or refused: EINVAL not whole pages, ERANGE beyond
	 * the aperture. Mirrors iommu_map (7.2).
	 */
	int (*check_map)(struct call *call, const struct domain *domain, struct span iova);
};

struct iommu {
	const char *name;	/* dmar0 */
	uint32_t index;		/* among the machine's */
	const struct iommu_ops *ops;
	const struct vfiosim_topo_iommu *topo;
};

/* The kinds of unit there are; one a row of iommu.c. */
extern const struct iommu_ops vtd_ops;

/* The kind that topologies call @type; NULL: there is none. */
const struct iommu_ops *iommu_ops_find(const char *type);

/* As topology_owner.accepts, of NAME_IOMMU_TYPE and NAME_REGISTER (of any type's). */
bool iommu_accepts_type(const char *name, const struct topology_name *all, char *problem,
			size_t size);
bool iommu_accepts_register(const char *name, const struct topology_name *all, char *problem,
			    size_t size);

/* The register that a topology calls @name; false: it gives none. */
bool iommu_register(const struct iommu *iommu, const char *name, uint64_t *ret_value);

/* All units of the topology: sim->iommus. -EINVAL: a type that does not exist. */
extern const struct subsystem iommu_subsystem;

#endif
