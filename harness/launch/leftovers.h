/* SPDX-License-Identifier: MIT */
/*
 * What a command leaves behind. The run ends with the command, so processes that
 * are still alive then are asked to end (SIGTERM), given a grace, and killed; each
 * is named. Used by the launcher, and by the server when the launcher has died.
 *
 * Whether anybody is left costs one poll: every process of the run has inherited
 * the seccomp filter, and its listener reports POLLHUP when the last has gone.
 * Only then /proc is searched. A process belongs to the run if it
 *	descends from the launcher (which adopts orphans), or
 *	has the run's mount namespace, or
 *	has one of its own in which the run's FUSE file system is mounted.
 */
#ifndef LAUNCH_LEFTOVERS_H
#define LAUNCH_LEFTOVERS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct leftovers {
	int listener;		/* borrowed */
	pid_t launcher;		/* these are not counted */
	pid_t server;
	pid_t init;		/* process 1 of the run's PID namespace; 0: it has none */
	dev_t device;		/* of the run's FUSE file system */
	FILE *messages;
	/* Reaps the launcher's dead children: called while waiting. NULL: nobody's. */
	void (*reap)(void *ctx);
	void *ctx;
};

/* Has the last process of the run gone? Waits at most @milliseconds. */
bool leftovers_none(const struct leftovers *leftovers, int milliseconds);
/* Ends whoever is left. -ETIMEDOUT: something does not even die of SIGKILL. */
int leftovers_end(const struct leftovers *leftovers);

#endif
