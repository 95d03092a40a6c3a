/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of a PID namespace of a run's own (`run --pidns`).
 *
 * It stands between launcher and command: starts the command, reaps all that the run's
 * processes leave to it, and tells the launcher every status of the command. When it ends, the
 * kernel kills everybody in the namespace, whoever else is alive. The launcher ends it; when the
 * launcher dies it ends by itself, after it has aborted the connections if somebody still waits
 * for the server then. The server stays outside, and counts processes as the host does.
 *
 *	init_fork -> (the command: init_mount_proc) -> init_hear ... -> init_end
 */
#ifndef LAUNCH_INIT_H
#define LAUNCH_INIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "launch/space.h"

struct init {
	pid_t pid;	/* as the launcher counts; 0: none, or reaped */
	int socket;	/* statuses come from it; -1: none */
};

/*
 * fork() into a new namespace. Returns the number that the launcher has for the command's
 * process, and 0 in that; -1 after it has said why. @space: with its mounts.
 */
pid_t init_fork(struct init *init, const struct space *space);
/* In the command's process, when every mount stands: a /proc of its namespace. -errno, told. */
int init_mount_proc(void);
/* A status of the command's, as waitpid() tells it. False: there is no news. */
bool init_hear(const struct init *init, int *ret_status);
/* Kills it, and so everybody in the namespace. The launcher still has to reap it. */
void init_end(const struct init *init);

#endif
