/* SPDX-License-Identifier: MIT */
/* Steps: what a program can do next. One row each in steps.c. */
#ifndef HARNESS_FUZZ_STEPS_H
#define HARNESS_FUZZ_STEPS_H

#include "fuzz/world.h"

/* Does any one step, and looks at the machine. */
void step_any(struct world *world, struct choices *choices);

#endif
