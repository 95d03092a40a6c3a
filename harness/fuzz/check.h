/* SPDX-License-Identifier: MIT */
/* What must hold for a machine after each step, whatever was asked of it. */
#ifndef HARNESS_FUZZ_CHECK_H
#define HARNESS_FUZZ_CHECK_H

#include "fuzz/world.h"

struct machine_counters {
	uint64_t commands, refusals, mappings, pinned_pages;
};

/* As the state's text has them. */
struct machine_counters check_counters(const char *text);
/* Holds the picture against itself, the counters, the topology, and what was seen. */
void check_world(struct world *world, const struct machine_counters *counters);
/* All programs have ended. */
void check_nothing_left(const struct world *world);
/* Does the kernel, too, leave behind what the last command had done before it was refused? */
bool check_may_change(const struct world *world);

#endif
