/* SPDX-License-Identifier: MIT */
/* `vfiosim ctl exec`: this process becomes a program of a run. */
#ifndef HARNESS_CTL_ENTER_H
#define HARNESS_CTL_ENTER_H

struct run_entry;

/* Enters the run's namespaces, its filter, and executes. Returns only where it fails: 125 to 127. */
int enter_and_execute(const struct run_entry *run, char **argv);

#endif
