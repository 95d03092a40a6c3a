/* SPDX-License-Identifier: MIT */
/* One run of the program that is swept, in a process of its own: `vfiosim run` with a record. */
#ifndef SWEEP_ATTEMPT_H
#define SWEEP_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "expect/expect.h"
#include "launch/machine_args.h"
#include "sweep/plan.h"
#include "sweep/record.h"

#define ONLY_MAX 16

/* What --only names: faults, whose effects may be missing. */
struct onlys {
	struct vfiosim_fault list[ONLY_MAX];
	size_t n;
};

struct attempt_options {
	const struct machine_args *machine;
	struct vfiosim_topology *topology;
	char **argv;
	const struct expectations *expect;	/* that hold in every run; NULL: none */
	struct onlys onlys;
	uint64_t timeout_ms;	/* without a call and without an end */
};

/*
 * Life: attempt_start -> attempt_look until it says that it is over -> status, hung,
 * repeats, and the record. The folder holds stdout, stderr, trace.jsonl, explain.txt.
 */
struct attempt {
	const struct attempt_options *options;
	struct sweep_record *record;	/* the caller's */
	pid_t pid;			/* 0: none */
	char folder[512];
	uint64_t started_ms, moved_ms, ended_ms;
	uint64_t calls;			/* when it last moved */
	int status;			/* exit status */
	bool hung, repeats;		/* why it was ended by us */
	uint64_t killed_ms;		/* 0: not yet */
};

/*
 * @fault: NULL for none, and events say which of the onlys they met. @plan: its steps are
 * counted; NULL: none. -errno.
 */
int attempt_start(struct attempt *attempt, const char *fault, const struct plan *plan);
/* Ends it where it hangs. True: it is over. */
bool attempt_look(struct attempt *attempt);
/* Asks it to end, later makes it; attempt_look() says when it is over. */
void attempt_stop(struct attempt *attempt);
/*
 * Waits for what runs that had to be killed have left, which their servers end. The caller
 * adopts it (PR_SET_CHILD_SUBREAPER), and has no other children.
 */
void attempts_settle(void);
/* Between two looks. */
void attempt_pause(void);
/* What it left in its folder goes away. */
void attempt_remove(struct attempt *attempt);

uint64_t attempt_now_ms(void);

#endif
