/* SPDX-License-Identifier: MIT */
/* --record-expect: what happened, written as an expectation file. Called by follow.c, under its lock. */
#ifndef HARNESS_EXPECT_RECORD_H
#define HARNESS_EXPECT_RECORD_H

#include <stdio.h>

#include "expect/seen.h"

struct record;

/* Writes to @to, in record_end(). NULL: no memory. */
struct record *record_create(const struct vfiosim_topology *topology, FILE *to);
void record_destroy(struct record *record);
/* Is the machine at such a moment written down? */
bool record_wants(const struct record *record, enum moment_kind kind);
void record_moment(struct record *record, enum moment_kind kind, const char *name,
		   const struct seen *seen);
void record_step(struct record *record, enum step_kind kind, const char *const *devices, size_t n,
		 unsigned space, const struct seen_mapping *mapping, const struct vfiosim_event *event);
/* @fullest: the spaces of @outcome's moment. */
void record_end(struct record *record, const struct seen_outcome *outcome,
		const struct seen *fullest, const char *const *refused, size_t n_refused,
		const struct seen *at_exit);

#endif
