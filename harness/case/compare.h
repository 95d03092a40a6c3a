/* SPDX-License-Identifier: MIT */
/*
 * Holding what happened against what was expected. Each function returns true
 * when they agree; else it has written to @message what was expected and what
 * came instead.
 */
#ifndef HARNESS_CASE_COMPARE_H
#define HARNESS_CASE_COMPARE_H

#include <stdio.h>

#include "case/run.h"

/* @rules: the target knows rules, so they are compared. */
bool compare_result(const struct expect *expect, const struct result *result, bool rules,
		    FILE *message);
/* Containers and groups in two pictures of the machine (vfiosim_state_json()). */
bool compare_state(const char *before, const char *after, FILE *message);
/* @state: a picture of the machine. False, with what it is in @message: a fault never fired. */
bool compare_faults(const char *state, FILE *message);
/* How a play under a policy ended; writes that to @log too. */
bool compare_outcome(const struct play *play, const struct selector *selector, FILE *log,
		     FILE *message);

#endif
