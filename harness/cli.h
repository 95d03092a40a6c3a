/* SPDX-License-Identifier: MIT */
/*
 * The program's verbs, one row each (harness/main.c): `vfiosim VERB ...`.
 *
 * A verb gets argv with its own name at argv[0] and returns the exit status:
 * 0; 1 what was asked for came out negative (a case failed); 2 usage, a broken
 * file, or vfiosim's own failure. `run` differs: the command's status, or 125,
 * 126, 127.
 */
#ifndef HARNESS_CLI_H
#define HARNESS_CLI_H

#include <stdbool.h>
#include <stdio.h>

struct vfiosim_error;
struct vfiosim_errors;

int verb_run(int argc, char **argv);		/* launch/run.c */
int verb_topology(int argc, char **argv);	/* topology.c */
int verb_case(int argc, char **argv);		/* case/case_verb.c */

/* "vfiosim: error: file:line:column: message" to stderr; colours only on a terminal. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_file_error(const struct vfiosim_error *error);
/* One line for each. */
void cli_file_errors(const struct vfiosim_errors *errors);
/* May @stream have colours? A terminal, and NO_COLOR is not set. */
bool cli_colours(FILE *stream);

#endif
