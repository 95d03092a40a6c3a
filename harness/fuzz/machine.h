/* SPDX-License-Identifier: MIT */
/* The machine of an input. */
#ifndef HARNESS_FUZZ_MACHINE_H
#define HARNESS_FUZZ_MACHINE_H

#include <stdio.h>

#include <vfiosim/topology.h>

#include "fuzz/choices.h"

/* One of the built-in topologies, a kernel, a limit: stays ours. @tell: which; NULL. */
struct vfiosim_topology *any_topology(struct choices *choices, FILE *tell);

#endif
