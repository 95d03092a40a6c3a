/* SPDX-License-Identifier: MIT */
/*
 * Which points a sweep tries. A point is a place where a run can fail, an object, and an
 * ordinal among what that object was asked before; a map or unmap has its iovas as well,
 * so a point stays the same though other calls come and go. With an effect (an errno, an
 * output) it is a fault as vfiosim/fault.h writes it: that text is the point's id.
 */
#ifndef SWEEP_PLAN_H
#define SWEEP_PLAN_H

#include <vfiosim/fault.h>

#include "sweep/record.h"

struct vfiosim_topology;

struct plan_point {
	char where[VFIOSIM_FAULT_TEXT_MAX];	/* "VFIO_IOMMU_MAP_DMA,container=1,iova=0x0..0xfff" */
	uint64_t ordinal;			/* from 1 */
	char effect[64];			/* "error=ENOMEM" */
	const struct sweep_event *event;	/* of the clean run; inner points: of their command */
};

/* A place inside of commands, of which the clean run has to count how often it is met. */
struct plan_step {
	char where[VFIOSIM_FAULT_TEXT_MAX];	/* "pin,command=...,container=1" */
	size_t site;
	const struct sweep_event *event;
};

struct plan {
	struct plan_point *points;
	size_t n;
	struct plan_step *steps;
	size_t n_steps;
	bool no_memory;
	bool too_many_steps;	/* for a record */
};

enum plan_errors { PLAN_OUTSIDE, PLAN_ALL, PLAN_LISTED };

struct plan_options {
	enum plan_errors errors;
	int listed[32];		/* PLAN_LISTED: ended by 0 */
};

/* The points of the clean run from event @from on: commands and opens, and the steps to be counted. */
void plan_init(struct plan *plan, const struct plan_options *options,
	       const struct sweep_event *events, size_t n, size_t from);
/* The points inside of commands; @met: how often each of plan->steps was met. */
void plan_add_steps(struct plan *plan, const struct plan_options *options, const uint64_t *met);
void plan_done(struct plan *plan);

/* The fault: "WHERE,when=N,EFFECT"; "N+" where it is to go on for ever. */
void plan_fault(const struct plan_point *point, bool persistent, char *to, size_t size);

/* The place of @event, without its ordinal. False: it is none where a run can fail. */
bool plan_where(const struct sweep_event *event, char *to, size_t size);
/* Does it map memory? */
bool plan_is_map(const struct sweep_event *event);

#endif
