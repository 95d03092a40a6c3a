/* SPDX-License-Identifier: MIT */
/*
 * Sweeping a play: everything that can fail in it fails once, in turn, each time on a
 * fresh machine in this process. What the program, a selection policy, made of it is an
 * outcome; what the simulator itself did wrong is a defect.
 *
 * A point is a site, an errno (or an output) and a time. Plays are deterministic, so the
 * Nth time is the same command in every run.
 */
#ifndef HARNESS_CASE_SWEEP_H
#define HARNESS_CASE_SWEEP_H

#include <vfiosim/fault.h>

#include "case/case.h"

enum sweep_outcome {
	SWEEP_ABSORBED,		/* it ended as without the fault */
	SWEEP_RETRIED,		/* ... and tried the same command again */
	SWEEP_NEXT_SPACE,	/* a device is in another container or ioas */
	SWEEP_NEW_SPACE,	/* one more container or ioas */
	SWEEP_OMITTED,		/* a mapping is left out */
	SWEEP_REFUSED,		/* a device is not there */
	SWEEP_ABORTED,		/* the program gave up */
	SWEEP_SCRIPTED,		/* nobody decides anything: the play is a script */
	SWEEP_OUTCOMES
};
extern const char *const sweep_outcomes[];

enum sweep_defect {
	SWEEP_SOUND,
	SWEEP_CHANGED,		/* the refused command changed something */
	SWEEP_UNBALANCED,	/* the processes exited, and something is left */
	SWEEP_LEAK,		/* the program gave up less than without the fault */
	SWEEP_BROKEN,		/* the same play does not pass on the same machine afterwards */
	SWEEP_DEFECTS
};
extern const char *const sweep_defects[];

struct sweep_point {
	struct vfiosim_fault fault;
	enum sweep_outcome outcome;
	enum sweep_defect defect;
	char detail[200];	/* of a defect */
};

struct sweep_options {
	bool all_errors;	/* those, too, that only wrong arguments give */
};

/*
 * Calls @tell for every point of @play, in order. 0; -ENOMEM; -ENOTSUP: the play
 * does not pass without a fault, or twice on one machine, so nothing can be said.
 */
int sweep_play(const struct play *play, const struct sweep_options *options,
	       void (*tell)(void *ctx, const struct sweep_point *point), void *ctx);

#endif
