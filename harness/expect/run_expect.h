/* SPDX-License-Identifier: MIT */
/*
 * `run --expect` and `run --record-expect`: what belongs to one run. Opened by the
 * launcher before it starts anything, watched by the server, reported by the launcher.
 *
 *	run_expect_load -> run_expect_open -> { run_expect_begin, run_expect_end in the
 *	server } -> run_expect_report -> run_expect_close
 */
#ifndef HARNESS_EXPECT_RUN_EXPECT_H
#define HARNESS_EXPECT_RUN_EXPECT_H

#include <stdbool.h>
#include <stdio.h>

#include "expect/expect.h"

struct vfiosim;

struct expect_options {
	const char *expect;	/* a file; NULL: nothing is expected */
	const char *record;	/* a file; NULL: nothing is recorded */
	const char *junit;	/* a file; NULL: none */
	bool tap;		/* the verdict is TAP, where messages go */
};

struct run_expect {
	const struct expect_options *options;
	struct expectations *expect;		/* NULL: none */
	const struct vfiosim_topology *topology;
	struct expect_report *report;	/* shared by launcher and server; NULL: none */
	FILE *record, *junit;		/* NULL: none */
	struct follow *follow;		/* the server's */
};

/* Reads the file, if there is one. -EINVAL: @errors; see expect_load(). */
int run_expect_load(struct run_expect *run, const struct expect_options *options,
		    struct vfiosim_errors *errors);
/* Resolves the file's names, opens what is written to. Told: -EINVAL, -EIO, -ENOMEM. */
int run_expect_open(struct run_expect *run, struct vfiosim_topology *topology,
		    struct vfiosim_errors *errors);
/* In the server: when the machine is made, and when it ends. 0 or -errno, told. */
int run_expect_begin(struct run_expect *run, struct vfiosim *sim);
int run_expect_end(struct run_expect *run);
#define WAIT_UNKNOWN (-1)	/* no status that wait() tells: the command did not end by itself */
/*
 * What the run's exit status is to be, after the verdict is printed to @messages and
 * written as JUnit: also where the run has failed. @status: the run's without expectations;
 * @wait_status: the command's as wait() told it, or WAIT_UNKNOWN.
 */
int run_expect_report(struct run_expect *run, int status, int wait_status, FILE *messages);
void run_expect_close(struct run_expect *run);

#endif
