/* SPDX-License-Identifier: MIT */
/* A play inside a run of its own, over FUSE. Only job.c calls this. */
#ifndef HARNESS_CASE_JOB_FUSE_H
#define HARNESS_CASE_JOB_FUSE_H

#include "case/job.h"

struct explain;

/*
 * See job_run(). A run that says nothing for a minute is ended and has failed.
 * -ECANCELED: no run can be started here; why has been said on stderr.
 */
int job_run_fuse(const struct play *play, const struct job_options *options,
		 struct job_result *ret_result);

/* What --explain says before a play, and while it runs. */
void job_tell_title(struct explain *explain, const struct play *play);
struct run_watch job_watch(struct explain *explain);

#endif
