/* SPDX-License-Identifier: MIT */
/*
 * A play that was run in this process, with the story of it: for what tells it afterwards,
 * in parts (the tour) or side by side (pages).
 *
 *	told_make -> told->story, told->outcome -> told_done
 */
#ifndef HARNESS_CASE_TOLD_H
#define HARNESS_CASE_TOLD_H

#include <stddef.h>

#include "case/run.h"

struct job_options;
struct story;

struct told {
	struct play *play;		/* owned, whole: machine and steps */
	struct story *story;		/* owned */
	struct outcome outcome;
};

/*
 * Plays @play, one of library_plays(), with the kernel and faults of @options (NULL: as the
 * case says). -ENOMEM, -EIO, and -EINVAL for a fault of no use here (told).
 */
int told_make(const struct play *play, const struct job_options *options, struct told *ret_told);
void told_done(struct told *told);

/*
 * Which of the @n plays is the story of the case @file: the one it names, else its first.
 * NULL: none is of it. @ret_others: how many more are of it; may be NULL.
 */
const struct play *told_choose(const struct case_file *file, const struct play *plays, size_t n,
			       size_t *ret_others);

#endif
