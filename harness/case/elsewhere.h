/* SPDX-License-Identifier: MIT */
/*
 * How the other plays of a case ended, in a few lines, for a reader who was told one of
 * them: what was refused in each variant and mode as scripted, and what other programs
 * made of the told variant.
 *
 *	zeroed -> elsewhere_add() for every play of one case -> elsewhere_print()
 */
#ifndef HARNESS_CASE_ELSEWHERE_H
#define HARNESS_CASE_ELSEWHERE_H

#include <stdio.h>

#include "case/run.h"

#define ELSEWHERE_MAX 64

struct elsewhere {
	struct elsewhere_play {
		const struct play *play;	/* borrowed */
		char ended[160];
	} plays[ELSEWHERE_MAX];
	size_t n;
};

void elsewhere_add(struct elsewhere *elsewhere, const struct play *play, const struct outcome *outcome);
/* Empties it. @told: the play that was told. */
void elsewhere_print(struct elsewhere *elsewhere, const struct play *told, FILE *to);

#endif
