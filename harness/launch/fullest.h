/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim run --state`: the machine's state when it was fullest (most devices attached,
 * then most bytes mapped, the first of equals) and at the end (before the kernel closes
 * what an ended process left open), as one JSON object.
 *
 *	fullest_create -> (the run) -> fullest_write -> fullest_destroy
 *
 * A follower of the trace, in the server's process. To 256 mappings the fullest state is
 * exact; beyond that, states that differ by less than an eighth of the mappings count as
 * equals, or a run of many mappings would take their square.
 */
#ifndef HARNESS_LAUNCH_FULLEST_H
#define HARNESS_LAUNCH_FULLEST_H

#include <stdio.h>

struct vfiosim;
struct fullest;

/* -ENOMEM, -ENOSPC: too many follow this machine. */
int fullest_create(struct vfiosim *sim, struct fullest **ret_fullest);
/* The run is over. -ENOMEM: one of the states is missing. */
int fullest_write(struct fullest *fullest, FILE *to);
/* NULL is allowed. */
void fullest_destroy(struct fullest *fullest);

#endif
