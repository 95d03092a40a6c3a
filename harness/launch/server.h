/* SPDX-License-Identifier: MIT */
/*
 * The server process of a run: holds the machine, serves it over the two FUSE
 * connections, and answers the seccomp notifications. In a session of its own, so
 * that the terminal's signals do not reach it.
 *
 * Told what to do over @control by the launcher: one byte each.
 *	SERVER_LISTENER	with the listener's descriptor: there is a command now
 *	SERVER_STOP	the run is over, everybody has gone
 *	end of file	the launcher has died: the server ends the run
 */
#ifndef LAUNCH_SERVER_H
#define LAUNCH_SERVER_H

#include <sys/types.h>

#include "launch/launch.h"

enum {
	SERVER_LISTENER = 'l',
	SERVER_STOP = 's',
};

struct space;

struct server_options {
	const struct launch_options *launch;
	const struct space *space;	/* the FUSE descriptors become the server's */
	int control;
	pid_t launcher;
};

/* The process' whole life. Its exit status is 0 or LAUNCH_FAILED. */
_Noreturn void server_main(const struct server_options *options);

/*
 * Closes what was inherited for the command: descriptors from 3 up without
 * close-on-exec; standard input and output become @null.
 */
void close_command_fds(int null);
/* One byte, and @fd along with it unless it is -1. 0 or -errno. */
int send_fd(int socket, char byte, int fd);
/* The byte, 0 at the end of file, or -errno; *ret_fd is -1 if none came along. */
int receive_fd(int socket, int *ret_fd);

#endif
