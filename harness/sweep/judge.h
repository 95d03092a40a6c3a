/* SPDX-License-Identifier: MIT */
/* What a program made of a fault: an outcome, and what it did wrong. */
#ifndef SWEEP_JUDGE_H
#define SWEEP_JUDGE_H

#include "sweep/reach.h"
#include "sweep/record.h"

enum judge_outcome {
	OUTCOME_ABSORBED,		/* it went on, and all is as without the fault */
	OUTCOME_RETRIED,		/* the same call again, which succeeded */
	OUTCOME_NEXT_CONTAINER,		/* a device is in another container or ioas it had ... */
	OUTCOME_NEW_CONTAINER,		/* ... or in one that it made then */
	OUTCOME_OTHER_IOMMU_TYPE,	/* another type for VFIO_SET_IOMMU */
	OUTCOME_MAPPING_OMITTED,	/* a mapping is left out */
	OUTCOME_DEVICE_REFUSED,		/* a device is left out */
	OUTCOME_PROGRAM_FAILED,		/* it ended otherwise */
	OUTCOME_UNREACHED,		/* none: the fault did not happen */
	OUTCOMES
};
extern const char *const judge_outcomes[];

enum judge_defect {
	DEFECT_NONE,
	DEFECT_SILENT,		/* as if all were well, but a device reaches less memory */
	DEFECT_LEAK,		/* something is held that the clean run gave back */
	DEFECT_CRASH,
	DEFECT_ABORT,
	DEFECT_EXPECTATION,	/* one of --expect does not hold */
	DEFECT_HANG,
	DEFECT_RETRY_FOREVER,
	DEFECT_UNSTABLE,	/* the point was not reached again */
	DEFECTS
};
extern const char *const judge_defects[];

/* A run as it ended. */
struct judge_run {
	const struct sweep_event *events;
	size_t n;
	struct reach reach;
	int status;		/* its exit status, 128 + a signal */
	bool hung;		/* ended by us: no call, no end */
	bool repeats;		/* ended by us: it tried for ever */
	const char *broken;	/* the expectation that does not hold; NULL or "": none */
};

struct verdict {
	enum judge_outcome outcome;
	enum judge_defect defect;
	char detail[256];	/* of a defect */
};

/* @omit: see reach.h. */
void judge_run_init(struct judge_run *run, const struct sweep_event *events, size_t n,
		    const struct reach_omit *omit);
void judge_run_done(struct judge_run *run);

void judge(const struct judge_run *clean, const struct judge_run *run,
	   struct verdict *ret_verdict);

#endif
