/* SPDX-License-Identifier: MIT */
/* The verbs below `vfiosim case`. */
#ifndef HARNESS_CASE_CASE_VERB_H
#define HARNESS_CASE_CASE_VERB_H

#include "cli.h"

struct library;
struct play_filter;

extern const struct cli_verb case_list_verb;	/* case_list.c */
extern const struct cli_verb case_show_verb;	/* case_show.c */
extern const struct cli_verb case_run_verb;	/* case_run.c */
extern const struct cli_verb case_sweep_verb;	/* case_sweep.c */
extern const struct cli_verb case_matrix_verb;	/* matrix_verb.c */

/* Words for the verbs' rows: the cases that are built in, ... */
const char *case_word(size_t index);
/* ... those and their topics, ... */
const char *case_or_topic_word(size_t index);
/* ... modes, by enum mode, ... */
const char *case_mode_word(size_t index);
/* ... and policies, by policy_at(); behind them the word for "as scripted". */
const char *case_policy_word(size_t index);

/* The filter passes no play: which option does that, and what there is. */
void case_complain_of_nothing(const char *verb, const struct library *library,
			      const struct play_filter *filter);

/* "vfiosim case run NAME --mode M --policy P", and the variant: what plays @play. */
struct play;
void case_put_command(const struct play *play, FILE *to);

#endif
