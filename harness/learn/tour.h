/* SPDX-License-Identifier: MIT */
/* The tour: lessons, which are cases with a question. See case.h, struct case_lesson. */
#ifndef HARNESS_LEARN_TOUR_H
#define HARNESS_LEARN_TOUR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "case/library.h"
#include "report/story_text.h"

struct tour {
	struct library library;		/* all cases that were read */
	const struct case_file **lessons;	/* those that are lessons, by number */
	size_t n;
	struct story_style style;
	bool questions;			/* ask them */
	bool echo;			/* what was answered is not on the page by itself */
	FILE *from, *to;

	uint64_t glossed;		/* words explained already, of either mode */
	size_t asked, answered, right;
	bool stopped;			/* the learner has had enough */
};

/* The lessons among the cases @names (none: all that are built in). As library_load(). */
int tour_load(char **names, size_t n, struct tour *ret_tour);
void tour_done(struct tour *tour);

/* Tells lesson @index, with its question. -ENOMEM, -EIO. */
int tour_lesson(struct tour *tour, size_t index);
/* How many answers were right. */
void tour_score(const struct tour *tour);

#endif
