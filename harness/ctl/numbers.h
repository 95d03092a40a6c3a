/* SPDX-License-Identifier: MIT */
/* Processes of a run with a PID namespace of its own (`run --pidns`), which counts for itself. */
#ifndef HARNESS_CTL_NUMBERS_H
#define HARNESS_CTL_NUMBERS_H

#include <sys/types.h>

/*
 * What we call the process that @who calls @pid; @pid itself where both count alike, or where it is
 * 0. -ESRCH: who counts otherwise knows no such process.
 */
pid_t number_of_process(pid_t who, pid_t pid);
/* A process, not the first, of the PID namespace that a child of @launcher began; 0: there is none. */
pid_t process_in_namespace(pid_t launcher);

#endif
