/* SPDX-License-Identifier: MIT */
/*
 * A container: what a program opens as /dev/vfio/vfio, puts groups into, and then
 * gives an IOMMU driver.
 *
 * Life: opened (refs 1: the file), groups join (each holds a reference), the
 * first VFIO_SET_IOMMU attaches them all to a driver, later groups attach as they
 * join; when the last group leaves, driver and mappings are gone and the container
 * is as new; freed with its last reference. Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_CONTAINER_H
#define SIM_VFIO_CONTAINER_H

#include <sys/queue.h>

#include "machine/call.h"
#include "machine/extension.h"

struct vfio_group;
struct type1;

enum container_driver {
	DRIVER_NONE,
	DRIVER_TYPE1,
	DRIVER_NOIOMMU,
};

struct container {
	struct vfiosim *sim;
	uint32_t number;		/* 1, 2, ... in order of opening */
	unsigned refs;			/* files and groups */
	bool noiommu;			/* what the groups in it are; meaningless while empty */
	TAILQ_HEAD(group_list, vfio_group) groups;	/* newest first, as the kernel's list */
	_Atomic enum container_driver driver;	/* written with the lock held; may be read without */
	struct type1 *type1;		/* DRIVER_TYPE1 only */
	uint64_t forgotten;		/* a bit for each extension that a fault made missing */
	TAILQ_ENTRY(container) in_sim;
};

/* With one reference. NULL: no memory. */
struct container *container_create(struct call *call);
/* @extension is missing from now on: a fault said so. */
void container_forget_extension(struct container *container, uint64_t extension);
/* Drops one; frees with the last. */
void container_put(struct container *container);

/* The one @file is a descriptor of; NULL: of something else. Mirrors vfio_container_from_file. */
struct container *container_from_file(const struct vfiosim_file *file);

/* VFIO_CHECK_EXTENSION: 1 or 0. */
int container_check_extension(const struct container *container, uint64_t extension);
/* VFIO_SET_IOMMU. */
int container_set_iommu(struct call *call, struct container *container, uint64_t type);

/* Group joins (claims DMA ownership, attaches if there is a driver) and leaves (cannot fail). */
int container_attach_group(struct call *call, struct container *container, struct vfio_group *group);
void container_detach_group(struct call *call, struct container *container, struct vfio_group *group);

extern const struct subsystem container_subsystem;

#endif
