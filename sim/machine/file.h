/* SPDX-License-Identifier: MIT */
/*
 * An open file: what a descriptor of a client refers to. Holds its object: the
 * container is counted by its files and groups, a group by its one file and the
 * device files opened through it.
 *
 * Life: made by an open or by a command that returns a descriptor, released once.
 */
#ifndef SIM_MACHINE_FILE_H
#define SIM_MACHINE_FILE_H

#include <vfiosim/vfiosim.h>

struct container;
struct vfio_group;
struct device;
struct iommufd;
struct object;

struct vfiosim_file {
	struct vfiosim *sim;
	enum vfiosim_file_kind kind;
	union {
		struct container *container;
		struct vfio_group *group;
		struct device *device;
		struct iommufd *iommufd;
		struct object *fault;
	};
	struct vfio_group *through;		/* device files: the group they were opened through;
					   NULL: opened as a cdev */
	bool bound;			/* cdevs: VFIO_DEVICE_BIND_IOMMUFD succeeded on this file */
	uint64_t number;		/* in order of opening */
	void *ctx;			/* the front's */
};

/* Lock held. An empty file of @kind; NULL: no memory. */
struct vfiosim_file *file_create(struct vfiosim *sim, enum vfiosim_file_kind kind);
void file_free(struct vfiosim_file *file);

#endif
