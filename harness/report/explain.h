/* SPDX-License-Identifier: MIT */
/*
 * --explain: a run or a case told as numbered steps, in words that somebody who
 * has never seen VFIO understands: who did what to which object, what came of it,
 * why it was refused, what changed. A word of the field is explained where it
 * comes up first.
 *
 *	explain_init -> { explain_heading, explain_event (a trace sink) ... }
 */
#ifndef HARNESS_REPORT_EXPLAIN_H
#define HARNESS_REPORT_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct vfiosim_event;

struct explain {
	FILE *to;
	bool colours;
	bool refused_only;	/* the others are not told */
	uint64_t glossary;	/* words explained already, a bit each */
	bool step_is_empty;	/* nothing was told since the last step's heading */
	uint32_t client;	/* whose step was told last; told only when there are several */
};

/* @colours: the stream may have them (cli_colours()). */
void explain_init(struct explain *explain, FILE *to, bool colours);
/* A trace sink (vfiosim_trace_add()); @ctx is a struct explain. */
void explain_event(void *ctx, const struct vfiosim_event *event);
/* Does that tell anything of @event? Reads that succeed are passed over. */
bool explain_tells(const struct vfiosim_event *event);
/* What the program itself decided after the last step. */
void explain_note(struct explain *explain, const char *note);
/* A line of its own: the case's name, one of its steps. @strong: a title. */
void explain_heading(struct explain *explain, bool strong, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
