/* SPDX-License-Identifier: MIT */
/*
 * What was asked, step by step, against must: and never: of the expectations.
 *
 * Life: steps_init -> steps_do ... -> steps_finish -> steps_done. One thread at a time.
 */
#ifndef HARNESS_EXPECT_STEPS_H
#define HARNESS_EXPECT_STEPS_H

#include <vfiosim/trace.h>

#include "expect/expect.h"
#include "expect/tales.h"

struct expect_report;

/* One thing that was asked. */
struct deed {
	enum step_kind kind;
	const struct vfiosim_event *event;
	uint64_t step;			/* its number in the trace, and of --explain */
	const char *const *devices;	/* that it is about: addresses */
	size_t n_devices;
	unsigned space;			/* its number; 0: unknown */
	struct seen_mapping mapping;	/* STEP_MAP, STEP_UNMAP */
	bool everything;		/* STEP_UNMAP of all there is */
};

struct steps {
	const struct expectations *expect;
	struct expect_report *report;
	size_t next_must;
	char **early;			/* of each row of must: the first step that it wanted, told,
					   but that came before what must come first; or NULL */
	struct step_count {		/* of each row of never: */
		uint64_t asked, matched;
		char *told;		/* the first that was one too many */
	} *counts;
	char *near;			/* a step that must[next_must] wanted, but for its answer ... */
	enum near {			/* ... or for: */
		NEAR_ANSWER, NEAR_SPACE, NEAR_IOVA,
	} nearness;
	unsigned near_space;		/* its space */
	struct span near_iova;
};

/* Both stay the caller's, for as long as @steps lives. -ENOMEM. */
int steps_init(struct steps *steps, const struct expectations *expect, struct expect_report *report);
void steps_do(struct steps *steps, const struct deed *deed);
/* Nothing more comes: each row has a verdict. */
void steps_finish(struct steps *steps);
/* Also after steps_init() failed, and of one that is zeroed. */
void steps_done(struct steps *steps);

#endif
