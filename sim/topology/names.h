/* SPDX-License-Identifier: MIT */
/*
 * Names in a topology that mean something only to a room above: drivers, vendor
 * models, kinds of IOMMU. A topology keeps them with their places. Whoever loads one brings a table
 * of owners, and each owner judges the names of its kind.
 */
#ifndef SIM_TOPOLOGY_NAMES_H
#define SIM_TOPOLOGY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct ynode;

enum topology_name_kind {
	NAME_VENDOR_MODEL,	/* vendor_model: of a model */
	NAME_HOST_DRIVER,	/* host_driver: of a model or a PCI device */
	NAME_DRIVER,		/* driver: of a PCI device */
	NAME_IOMMU_TYPE,	/* type: of an IOMMU */
	NAME_REGISTER,		/* a key of an IOMMU's registers: */
};

struct topology_name {
	enum topology_name_kind kind;
	const struct ynode *node;	/* a scalar */
	const struct topology_name *next;
};

struct topology_owner {
	enum topology_name_kind kind;
	/*
	 * Is there something called @name? @all: every name of the file, of all kinds.
	 * If not, @problem says what is wrong with it. NULL ends a table of owners.
	 */
	bool (*accepts)(const char *name, const struct topology_name *all, char *problem, size_t size);
};

#endif
