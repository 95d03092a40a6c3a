/* SPDX-License-Identifier: MIT */
/*
 * What differs between versions of Linux: one row for each difference that a program can
 * notice. The rows here tell of answers; which release brought a command stands in the
 * command's own row (vfiosim/command.h, `since`).
 */
#ifndef VFIOSIM_KERNEL_H
#define VFIOSIM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include <vfiosim/topology.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vfiosim_evidence {
	VFIOSIM_MEASURED,	/* both answers are measured; the release between is not bisected,
				   but that of the kernel's changelog, as far as remembered */
	VFIOSIM_MEASURED_SPAN,	/* both answers are measured; nothing is known of the release:
				   the row has the latest it can be */
	VFIOSIM_SOURCE,		/* one of the answers was not measured, but read in the source of
				   6.1.176, 6.12.117 or 7.2.13 */
};

/* Whom it concerns. */
enum vfiosim_kernel_part {
	VFIOSIM_PART_CONTAINERS,	/* every program: groups, containers, devices */
	VFIOSIM_PART_NODES,
	VFIOSIM_PART_IOMMUFD,		/* iommufd and cdevs */
	VFIOSIM_PART_FEATURES,		/* what a program can do without */
};

struct vfiosim_kernel_change {
	struct vfiosim_kernel since;	/* the first release that answers as @after says */
	const char *about;		/* a command, or what else is asked: "VFIO_IOMMU_MAP_DMA" */
	const char *before, *after;	/* sentences without a full stop */
	enum vfiosim_evidence evidence;
	const char *limit;		/* why the simulator always answers as @after; NULL: it does not */
	bool as_before;			/* with @limit: always as @before */
	enum vfiosim_kernel_part part;
};

/* The table, ordered by what the rows are about: NULL past the end. */
const struct vfiosim_kernel_change *vfiosim_kernel_change(size_t index);

/* A release that real kernels were asked about; NULL past the end. */
struct vfiosim_kernel_profile {
	struct vfiosim_kernel kernel;
	const char *about;
};
const struct vfiosim_kernel_profile *vfiosim_kernel_profile(size_t index);

#ifdef __cplusplus
}
#endif

#endif
