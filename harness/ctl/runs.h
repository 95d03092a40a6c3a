/* SPDX-License-Identifier: MIT */
/*
 * The runs that this user can look into: found by their servers' processes, reached by
 * the control file that each has in its own /dev.
 */
#ifndef HARNESS_CTL_RUNS_H
#define HARNESS_CTL_RUNS_H

#include <stddef.h>
#include <sys/types.h>

struct json_object;

#define RUNS_MAX 256

struct run_entry {
	pid_t server;
	int launcher;
	char name[64];		/* "": none */
	char topology[128];
	char command[128];
};

/* All that there are; inside a run, that one alone. Returns how many. */
size_t runs_find(struct run_entry *to, size_t max);
/*
 * The one called @name, by its name or the launcher's number; NULL: the only one. -ENOENT,
 * -ENOTUNIQ: told.
 */
int runs_choose(const char *name, struct run_entry *ret_run);
/* Opens the control file of @run. -errno. */
int run_control_open(const struct run_entry *run);
/*
 * Asks a line of @fd, an open control file: the answer, NULL: the run has ended. *@ret_error:
 * 0, or the negative errno that the line got.
 */
struct json_object *run_control_ask(int fd, const char *line, int *ret_error);

#endif
