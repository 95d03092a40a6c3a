/* SPDX-License-Identifier: MIT */
/*
 * A job: one play on one target, the machine built for it alone and gone with it.
 *
 *	inproc	a machine in this process
 *	fuse	a run of its own (launch/launch.h): the play's processes are real and
 *		reach the machine through /dev/vfio
 *	host	this computer's own VFIO, with devices the user names
 */
#ifndef HARNESS_CASE_JOB_H
#define HARNESS_CASE_JOB_H

#include <stdio.h>

#include "case/run.h"

struct fault_args;
struct story_style;

enum job_target { JOB_INPROC, JOB_FUSE, JOB_HOST };
/* "inproc", "fuse", "host", NULL */
extern const char *const job_targets[];

struct job_options {
	enum job_target target;
	FILE *explain;				/* tell the play there; NULL: do not */
	const struct story_style *story;	/* JOB_INPROC: as a story; NULL: every event */
	bool colours;				/* @explain may have them */
	struct vfiosim_kernel kernel;		/* the machine's, where the case says none; 0.0: its topology's */
	const struct fault_args *faults;	/* for each machine, besides the case's own; NULL: none */
	const struct target_device *devices;	/* JOB_HOST: what the user named, at most ... */
#define JOB_DEVICES_MAX 32
	size_t n_devices;
	bool allow_sysfs;			/* JOB_HOST: its devices and module parameters may be changed */
};

struct job_result {
	struct outcome outcome;
	char *trace;		/* what the machine answered, JSON Lines; NULL: none known */
	int explain_error;	/* -errno: not all of it was written, by a process of the run's */
};

/* Why @play is not run on @target at all, as the case says. NULL: it is. */
const char *job_skipped(const struct play *play, enum job_target target);
/*
 * @play: one of library_plays(), made whole: its machine with the kernel and the faults of
 * @options. case_play_done() it. -ENOMEM, -EINVAL: a fault of no use here (told).
 */
int job_make(const struct play *play, const struct job_options *options, struct play *ret_whole);
/* @play: of library_plays(), or one made. 0, or -errno when not even an outcome came of it (-ENOMEM, -EIO, ...). */
int job_run(const struct play *play, const struct job_options *options,
	    struct job_result *ret_result);
void job_result_done(struct job_result *result);

#endif
