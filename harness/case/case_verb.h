/* SPDX-License-Identifier: MIT */
/* The verbs below `vfiosim case`. */
#ifndef HARNESS_CASE_CASE_VERB_H
#define HARNESS_CASE_CASE_VERB_H

#include "cli.h"

extern const struct cli_verb case_run_verb;	/* case_run.c */
extern const struct cli_verb case_sweep_verb;	/* case_sweep.c */

/* The cases that are built in: words for the verbs' rows. */
const char *case_word(size_t index);

#endif
