/* SPDX-License-Identifier: MIT */
/* The tally: how often each command was given, and how often it succeeded. */
#ifndef HARNESS_FUZZ_TALLY_H
#define HARNESS_FUZZ_TALLY_H

#include <stdint.h>
#include <stdio.h>

#include <vfiosim/command.h>
#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#define TALLY_COMMANDS 128
#define TALLY_RULES 512

struct tally {
	uint64_t inputs, steps, events;
	uint64_t commands, succeeded;		/* ioctls of any number */
	struct {
		uint64_t commands, succeeded;
	} rows[TALLY_COMMANDS];			/* as vfiosim_command() counts */
	uint64_t rules[TALLY_RULES];		/* as vfiosim_rule() counts: refusals */
};

void tally_event(struct tally *tally, const struct vfiosim_event *event);
/* Commands that never succeeded, and how many rules were met, in a few lines. */
void tally_print(const struct tally *tally, FILE *to);
/* Each command, one line each. */
void tally_print_all(const struct tally *tally, FILE *to);

#endif
