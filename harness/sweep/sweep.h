/* SPDX-License-Identifier: MIT */
/*
 * A sweep, and who does what for it:
 *
 *	sweep.c		the clean runs, then each point in turn
 *	points.c	which points are tested
 *	keep.c		what is kept of a defect
 *	work_folder.c	where runs leave what is not kept
 *	sweep_verb.c	options, reports, the exit status
 *
 * Functions return 0 or a negative errno; what is the user's to mend has been told.
 */
#ifndef HARNESS_SWEEP_SWEEP_H
#define HARNESS_SWEEP_SWEEP_H

#include <signal.h>

#include "expect/run_expect.h"
#include "launch/launch.h"
#include "sweep/attempt.h"
#include "sweep/results.h"
#include "sweep/work_folder.h"

#define JOBS_MAX 64
#define HANG_MS 10000		/* a program that makes no call for so long hangs ... */
#define HANG_TIMES 5		/* ... or for so many times the clean run, if that is longer */
#define CLEAN_FAILED 125

struct texts {
	const char *list[ONLY_MAX];
	size_t n;
};

struct shard {
	uint64_t index, count;	/* index from 1; count 0: all of it */
};

struct sweep_options {
	struct machine_args machine;
	struct plan_options plan;
	struct texts only;
	struct shard shard;
	struct reach_omit may_omit;
	const char *expect;
	const char *point, *from;
	const char *json, *junit, *html, *defects;
	const char *baseline, *record_baseline;
	const char *plan_file, *record_plan;
	uint64_t jobs, timeout_s, max_unstable, shallow, seed;
	bool persistent;
};

/* A sweep under way. */
struct sweep {
	const struct sweep_options *options;
	struct run_expect expect;	/* what the command is expected to do without a fault */
	struct attempt_options attempt_options;
	struct work_folder folder;
	struct plan plan;
	struct sweep_record *clean_record;
	struct judge_run clean;
	struct results results;
	size_t *order;		/* indices of results that are to be tested, n_order of them */
	size_t n_order;
	struct slot {
		struct attempt attempt;
		size_t index;	/* of the result */
	} slots[JOBS_MAX];
	uint64_t clean_ms, started_ms;
	size_t done, printed;
	bool *finished;		/* by index of @order */
};

/* ---- sweep.c ---- */

extern volatile sig_atomic_t sweep_stopped;	/* the signal that ends the sweep; 0: none came */
/*
 * Two clean runs: which points there are, and what the command does without a fault.
 * -ECHILD: it fails. -EINTR: the sweep was stopped.
 */
int sweep_make_plan(struct sweep *sweep);
/* A run for each point of sweep->order. -EINTR: it was stopped. */
int sweep_test_all(struct sweep *sweep);

/* ---- points.c ---- */

/* What --only says. */
int sweep_parse_onlys(struct sweep *sweep);
/* sweep->results: the plan's points that --only and --errno leave ... */
int sweep_list_points(struct sweep *sweep);
/* ... or those of a file that sweep_write_points() wrote. */
int sweep_read_points(struct sweep *sweep, const char *path);
int sweep_write_points(const struct sweep *sweep, const char *path);
/* sweep->order: this shard's, --shallow's, the one of --point. */
int sweep_choose(struct sweep *sweep);

/* ---- keep.c ---- */

/* Trace, explanation, the command's stderr, and what to type, in a folder of --defects. -errno, told. */
int sweep_keep_defect(const struct sweep *sweep, const struct attempt *attempt, size_t index);
/* The line that lets @point fail again, told; ends it. */
void sweep_put_command(const struct sweep *sweep, const char *program, const char *point, FILE *to);
/* What happened, in words, of the run that left @folder behind; malloc'ed, NULL: unknown. */
char *sweep_read_story(const char *folder);

#endif
