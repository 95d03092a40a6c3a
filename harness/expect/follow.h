/* SPDX-License-Identifier: MIT */
/*
 * What a program does in a run, as expectations see it: which devices are attached to
 * which spaces, what was asked and refused, what was open at the end. A follower of the
 * machine's trace (vfiosim/trace.h), in the server process.
 *
 *	follow_create -> (the run) -> follow_finish -> follow_destroy
 *
 * Spaces are counted from 1 in the order in which the program first tried to attach
 * something to them, containers and ioas alike.
 *
 * Threads: any; one lock, below which the machine's is taken. Whatever may wait for the
 * client is asked before that lock is taken.
 */
#ifndef HARNESS_EXPECT_FOLLOW_H
#define HARNESS_EXPECT_FOLLOW_H

#include <stdio.h>

#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#include "expect/expect.h"
#include "expect/tales.h"

struct expect_report;

struct follow;

/*
 * Follows @sim from now on, until follow_finish(). @expect: NULL: nothing is expected.
 * @record: where what happened is written in the end, NULL: nowhere. -ENOMEM, -ENOSPC.
 */
int follow_create(struct vfiosim *sim, const struct vfiosim_topology *topology,
		  const struct expectations *expect, struct expect_report *report, FILE *record,
		  struct follow **ret_follow);
/* The run is over: every row of the report has a verdict. */
void follow_finish(struct follow *follow);
void follow_destroy(struct follow *follow);

#endif
